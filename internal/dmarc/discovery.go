package dmarc

import (
	"context"
	"slices"
	"strings"

	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// A Method is what one kind of receiver finds.
type Method struct {
	Reader Reader
	Org    string // organizational domain, for alignment
	// OrgUnknown: a lookup failed that could give another organizational domain.
	OrgUnknown bool

	Domain      Applied // mail from the domain itself
	Subdomain   Applied // from a name below it that exists and has no record
	NonExistent Applied // from a name below it that does not exist
}

// An Applied is the policy for one author domain. Where Unknown is set, a lookup
// failed that could change it, and the rest is what receivers see that read the
// failure as "no record".
type Applied struct {
	At       string // domain of the record; "" where none applies
	Record   *Record
	Relation Relation
	Effective
	Unknown bool
	Failed  []string // domains whose lookup failed
	Dropped []string // domains that do not count because they have several records
}

// A Difference is a point on which receivers come to different results because
// of how they search; Walk, PSL and PSLPrivate hold what each finds.
type Difference struct {
	Relation              Relation // whose policy; for What "org" always Self
	What                  What
	Walk, PSL, PSLPrivate string
}

// A What names what differs.
type What string

const (
	DiffersOrg    What = "org"    // organizational domain
	DiffersRecord What = "record" // the domain whose record applies, "" for none
	DiffersPolicy What = "policy" // the effective policy, also by tags that one kind of reader does not know
)

// walkNames gives the domains that a tree walk asks at, in order: at most eight
// (RFC 9989 section 4.10).
func walkNames(domain string) []string {
	labels := strings.Split(domain, ".")
	names := []string{domain}
	for rest := labels[max(1, len(labels)-7):]; len(labels) > 1 && len(rest) > 0; rest = rest[1:] {
		names = append(names, strings.Join(rest, "."))
	}
	return names
}

// A tree is a set of steps, the answers that walks are made over.
type tree []Step

func (t tree) find(domain string) *Step {
	for i := range t {
		if t[i].Domain == domain {
			return &t[i]
		}
	}
	return nil
}

// A found is the outcome of one search.
type found struct {
	org     string
	at      string
	record  *Record
	used    []string // domains that the search came to
	failed  []string
	dropped []string
	own     bool // the record is that of the start
}

// walk does the tree walk from start and selects organizational domain and policy
// record (RFC 9989 sections 4.10, 4.10.1, 4.10.2). Names that were not asked
// count as having no record.
func (t tree) walk(start string) found {
	f := found{org: start}
	var hits []*Step
	for _, name := range walkNames(start) {
		s := t.find(name)
		if s == nil {
			continue
		}
		f.used = append(f.used, name)
		if s.Failed() {
			f.failed = append(f.failed, name)
		}
		if len(s.Records) > 1 {
			f.dropped = append(f.dropped, name)
		}
		if r := s.record(); r != nil {
			hits = append(hits, s)
			if r.PSD != "u" {
				break
			}
		}
	}
	if len(hits) == 0 {
		return f
	}
	// Only the last one can have psd=y or psd=n, and it has the fewest labels.
	last := hits[len(hits)-1]
	f.org = last.Domain
	if last.record().PSD == "y" && last.Domain != start {
		below := strings.TrimSuffix(start, "."+last.Domain)
		f.org = below[strings.LastIndexByte(below, '.')+1:] + "." + last.Domain
	}
	use := last // the organizational domain's own record, or else the public suffix domain's
	for _, h := range hits {
		if h.Domain == start {
			use, f.own = h, true
			break
		}
		if h.Domain == f.org {
			use = h
		}
	}
	f.at, f.record = use.Domain, use.record()
	return f
}

// An Organization is the outcome of a tree walk from an identifier that SPF or
// DKIM authenticated: what relaxed alignment compares (RFC 9989 section 4.10.2).
type Organization struct {
	Domain string // organizational domain
	Steps  []Step
	Failed []string // domains whose lookup failed: another answer could change the result
}

// Organize finds the organizational domain of a name in A-labels by tree walk. All
// names on the way are asked at once.
func Organize(ctx context.Context, src wire.Source, domain string) Organization {
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	names := walkNames(domain)
	o := Organization{Steps: make([]Step, len(names))}
	var wg together.Group
	for i, name := range names {
		wg.Go(func() { o.Steps[i] = step(ctx, src, name) })
	}
	wg.Wait()
	walk := tree(o.Steps).walk(domain)
	for i := range o.Steps {
		o.Steps[i].InWalk = true
		o.Steps[i].Used = slices.Contains(walk.used, o.Steps[i].Domain)
	}
	o.Domain, o.Failed = walk.org, walk.failed
	return o
}

// listed does the search of RFC 7489 section 6.6.3: the domain, then its
// organizational domain. Several records at one name end it without a result.
func (t tree) listed(start, org string) found {
	f := found{org: org}
	for _, name := range slices.Compact([]string{start, org}) {
		s := t.find(name)
		if s == nil {
			continue
		}
		f.used = append(f.used, name)
		if s.Failed() {
			f.failed = append(f.failed, name)
		}
		if len(s.Records) > 1 {
			f.dropped = append(f.dropped, name)
			break
		}
		if r := s.record(); r != nil {
			f.at, f.record, f.own = name, r, name == start
			break
		}
	}
	return f
}

// applied turns a search into the policy for the author domain that it started
// from.
func (f found) applied(reader Reader, exists Existence) Applied {
	a := Applied{At: f.at, Record: f.record, Failed: f.failed, Dropped: f.dropped}
	a.Unknown = len(f.failed) > 0 && !f.own
	switch {
	case f.own:
		a.Relation = Self
	case exists == DoesNotExist:
		a.Relation = NonExisting
	default:
		a.Relation = Existing
	}
	if f.record == nil {
		return a
	}
	a.Effective = f.record.Effective(reader, a.Relation)
	if exists == ExistenceUnknown && !f.own && f.record.Effective(reader, NonExisting).Policy != a.Policy {
		a.Unknown = true
	}
	return a
}

// evaluate fills in methods and differences. The organizational domains are those
// of the list without and with its private section.
func (d *Discovery) evaluate(org, orgPrivate string) {
	t := tree(d.Steps)
	// A name below the domain that no rule of the list and no step can know:
	// its organizational domain is the list's for any new name there.
	child := "*." + d.Domain

	walk, below := t.walk(d.Domain), t.walk(child)
	d.Walk = Method{
		Reader: RFC9989, Org: walk.org, OrgUnknown: len(walk.failed) > 0,
		Domain:      walk.applied(RFC9989, d.Exists),
		Subdomain:   below.applied(RFC9989, Exists),
		NonExistent: below.applied(RFC9989, DoesNotExist),
	}
	for i := range d.Steps {
		d.Steps[i].Used = slices.Contains(walk.used, d.Steps[i].Domain)
	}
	d.PSL = d.byList(child, org, d.PublicSuffix)
	d.PSLPrivate = d.byList(child, orgPrivate, d.PublicSuffixPrivate)
	if d.Found() {
		d.compare()
	}
}

// byList evaluates with a public suffix list. Names below a public suffix are
// organizational domains of their own.
func (d *Discovery) byList(child, org string, suffix bool) Method {
	t := tree(d.Steps)
	childOrg := org
	if suffix {
		childOrg = child
	}
	own, below := t.listed(d.Domain, org), t.listed(child, childOrg)
	return Method{
		Reader: RFC7489, Org: org,
		Domain:      own.applied(RFC7489, d.Exists),
		Subdomain:   below.applied(RFC7489, Exists),
		NonExistent: below.applied(RFC7489, DoesNotExist),
	}
}

// compare lists where the methods differ, leaving out what is unknown.
func (d *Discovery) compare() {
	add := func(rel Relation, what What, walk, psl, private string) {
		if walk != psl || walk != private {
			d.Differences = append(d.Differences, Difference{rel, what, walk, psl, private})
		}
	}
	if !d.Walk.OrgUnknown {
		add(Self, DiffersOrg, d.Walk.Org, d.PSL.Org, d.PSLPrivate.Org)
	}
	for _, x := range []struct {
		rel           Relation
		walk, psl, pr Applied
	}{
		{Self, d.Walk.Domain, d.PSL.Domain, d.PSLPrivate.Domain},
		{Existing, d.Walk.Subdomain, d.PSL.Subdomain, d.PSLPrivate.Subdomain},
		{NonExisting, d.Walk.NonExistent, d.PSL.NonExistent, d.PSLPrivate.NonExistent},
	} {
		if x.walk.Unknown || x.psl.Unknown || x.pr.Unknown {
			continue
		}
		add(x.rel, DiffersRecord, x.walk.At, x.psl.At, x.pr.At)
		add(x.rel, DiffersPolicy, string(x.walk.Policy), string(x.psl.Policy), string(x.pr.Policy))
	}
}
