package wire

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/zone"
)

// An Overlay answers from zone text and from record changes before it asks the
// Source behind it: how a zone is audited before it is published, and how a fix
// is proved.
//
// A whole zone speaks for all names in it: an absent one is NXDOMAIN. What lies
// at or below a cut in it is asked behind. A change is a patch over the RRset
// that a zone or the Source behind gives, so that the RRset's other records
// survive; when that RRset is unknown, so is the patched one, unless the change
// replaces it whole. Aliases are followed again, through the overlay and behind
// it by turns.
//
// Answers that zone text or a change had a part in are Assumed, negative ones
// too, and neither authoritative nor authenticated. Records are sorted. All
// servers agree: a Question with a Server is answered in the same way, with that
// server's records under a patch, but aliases that leave the zones are not
// followed, as servers do not. Live questions pass through untouched.
//
// Two things about the live DNS cannot be seen from outside and are left as they
// are: that a change takes the last record of a name away (the answer is NODATA,
// never NXDOMAIN, because records of other types may remain), and that a live
// answer was made from a wildcard which a change edits or hides.
type Overlay struct {
	// Pages are assumed answers of Fetch, by URL, at any address, also at none (the
	// zero AddrPort). Set it before use.
	Pages map[string]Page

	behind  Source                  // nil: nothing is known beyond the overlay
	zones   map[string]*zone.Zone   // by origin
	changes map[rrset][]zone.Change // by what they edit, outside of zones or below their cuts
	made    map[string]bool         // canonical names that exist because of additions
}

type rrset struct{ owner, rrtype string }

// maxAliases bounds the aliases that are followed for one question; resolvers
// give up at about as many.
const maxAliases = 16

// NewOverlay lays zones, and changes over them, over a Source. Changes are made
// in their order. A nil Source gives FailOffline for what the overlay does not
// cover.
func NewOverlay(behind Source, zones []*zone.Zone, changes []zone.Change) *Overlay {
	o := &Overlay{behind: behind, zones: map[string]*zone.Zone{}, changes: map[rrset][]zone.Change{}, made: map[string]bool{}}
	for _, z := range zones {
		if with := z.With(changes); o.zones[with.Origin] == nil {
			o.zones[with.Origin] = with
		}
	}
	for _, c := range changes {
		c.Owner, c.Type = zone.Name(c.Owner), strings.ToUpper(c.Type)
		if z := o.zone(c.Owner, c.Type); z != nil && z.Lookup(c.Owner, c.Type).Kind != zone.Referral {
			continue // z has it
		}
		key := rrset{c.Owner, c.Type}
		o.changes[key] = append(o.changes[key], c)
	}
	for key, edits := range o.changes {
		if len(zone.Apply(nil, edits)) > 0 {
			for name := key.owner; name != "." && !o.made[name]; name = zone.Parent(name) {
				o.made[name] = true
			}
		}
	}
	return o
}

// Fetch implements Source.
func (o *Overlay) Fetch(ctx context.Context, r Request) Page {
	if p, ok := o.Pages[r.URL]; ok {
		p.Assumed = true
		return p
	}
	if o.behind == nil {
		return Page{Fail: offline()}
	}
	return o.behind.Fetch(ctx, r)
}

// Talk implements Source.
func (o *Overlay) Talk(ctx context.Context, p Probe) Session {
	if o.behind == nil {
		return Session{Fail: offline()}
	}
	return o.behind.Talk(ctx, p)
}

func offline() *Fail {
	return &Fail{FailOffline, "nothing was asked, and the zone files and records given do not tell it"}
}

// DNS implements Source.
func (o *Overlay) DNS(ctx context.Context, q Question) Answer {
	q = q.Canonical()
	if q.Live {
		if o.behind == nil {
			return Answer{Fail: offline()}
		}
		return o.behind.DNS(ctx, q)
	}
	at := zone.Name(q.Name)
	var sum step
	for followed := []string{}; ; {
		followed = append(followed, at)
		s := o.step(ctx, q, at)
		if len(followed) == 1 {
			sum = s
		} else {
			sum.add(s)
		}
		if s.next == "" || sum.Fail != nil {
			break
		}
		at = s.next
		if slices.Contains(followed, at) {
			sum.Rcode, sum.Fail = "SERVFAIL", &Fail{FailAliasLoop, "a CNAME loop in the zone: " + strings.Join(append(followed, at), " -> ")}
			break
		}
		if len(followed) >= maxAliases {
			sum.Rcode, sum.Fail = "SERVFAIL", &Fail{FailAliasLoop, fmt.Sprintf("more than %d aliases (CNAME) in a row from %s on", maxAliases, q.Name)}
			break
		}
	}
	if sum.Fail != nil {
		sum.Answer.Answer, sum.Authority = nil, nil
	}
	if why := sum.excess(); why != "" { // through aliases, or because of changes
		sum.Fail = &Fail{FailLimit, q.Name + " has " + why + ": no name server can put so much into an answer"}
		sum.Answer.Answer, sum.Authority, sum.Additional = nil, nil, nil
	}
	if sum.assumed {
		sum.Assumed, sum.AA, sum.AD = true, false, false
		slices.Sort(sum.Answer.Answer)
		sum.Answer.Answer = slices.Compact(sum.Answer.Answer)
	}
	return sum.Answer
}

// A step is what is known at one name on the way along aliases.
type step struct {
	Answer
	assumed bool   // zone text or a change had a part in it
	next    string // the answer ends in an alias; go on at this name
}

// add puts the answer of the next step behind s.
func (s *step) add(t step) {
	records := slices.Concat(s.Answer.Answer, t.Answer.Answer)
	edes := slices.Concat(s.EDE, t.EDE)
	a := t.Answer
	a.Answer, a.EDE = records, edes
	a.AA = s.AA && t.AA
	a.AD = s.AD && t.AD
	a.Truncated = s.Truncated || t.Truncated
	a.TCPFailed = s.TCPFailed || t.TCPFailed
	a.From = cmp.Or(s.From, t.From)
	a.Millis = s.Millis + t.Millis
	*s = step{Answer: a, assumed: s.assumed || t.assumed, next: t.next}
}

// step answers for one name, from a zone or with patches over what is behind.
func (o *Overlay) step(ctx context.Context, q Question, at string) step {
	if z := o.zone(at, q.Type); z != nil {
		if r := z.Lookup(at, q.Type); r.Kind != zone.Referral {
			return o.fromZone(z, r, q)
		}
	}
	q.Name = at
	if o.behind == nil {
		return o.patchNothing(q)
	}
	base := o.behind.DNS(ctx, q)
	if p, ok := o.patch(q, base); ok {
		return p
	}
	if base.Fail != nil {
		return step{Answer: base}
	}
	if base.Rcode == "NXDOMAIN" && !base.Has("CNAME") {
		if o.made[at] {
			return step{Answer: negative(base), assumed: true}
		}
		return o.wildcard(ctx, q, base)
	}
	return o.untilOverlaid(q, base)
}

func (o *Overlay) fromZone(z *zone.Zone, r zone.Result, q Question) step {
	s := step{Answer: Answer{Rcode: "NOERROR", From: strings.TrimSpace("zone text " + z.File)}, assumed: true}
	if n := len(r.Records); n > maxRecords {
		s.Fail = &Fail{FailLimit, fmt.Sprintf("%s has %d records of one name and type, more than %d: no name server can put so many into an answer", s.From, n, maxRecords)}
		return s
	}
	switch r.Kind {
	case zone.Found:
		s.Answer.Answer = r.Records
	case zone.Alias:
		s.Answer.Answer = r.Records
		if r.Target == "" {
			s.Rcode, s.Fail = "YXDOMAIN", &Fail{FailRcode, "a DNAME makes a name that is too long"}
			return s
		}
		s.next = o.follow(q, r.Target)
	case zone.NXDomain:
		s.Rcode = "NXDOMAIN"
	}
	if r.SOA != "" {
		s.Authority = []string{r.SOA}
	}
	return s
}

// follow gives the alias target at which to go on, "" where the asked server
// would stop.
func (o *Overlay) follow(q Question, target string) string {
	if q.Server != "" && o.zone(target, q.Type) == nil {
		return ""
	}
	return target
}

// untilOverlaid gives base as it is, unless its aliases come to a name that the
// overlay has something about: then it is cut there.
func (o *Overlay) untilOverlaid(q Question, base Answer) step {
	if q.Type == "CNAME" || q.Server != "" {
		return step{Answer: base}
	}
	chain := base.Chain(q.Name)
	for i := range chain {
		chain[i] = zone.Name(chain[i])
	}
	for i, name := range chain {
		if !o.touches(name, q.Type) {
			continue
		}
		s := step{Answer: base, next: name}
		s.Rcode, s.Authority, s.Answer.Answer = "NOERROR", nil, nil
		for _, rr := range base.Answer {
			owner, _, _ := strings.Cut(rr, "\t")
			if !slices.Contains(chain[i:], zone.Name(owner)) { // aliases before, DNAMEs, signatures
				s.Answer.Answer = append(s.Answer.Answer, rr)
			}
		}
		return s
	}
	return step{Answer: base}
}

// touches reports whether the overlay may have something to say about a name.
func (o *Overlay) touches(name, rrtype string) bool {
	if z := o.zone(name, rrtype); z != nil && z.Lookup(name, rrtype).Kind != zone.Referral {
		return true
	}
	if o.made[name] || len(o.changes[rrset{name, rrtype}]) > 0 || len(o.changes[rrset{name, "CNAME"}]) > 0 {
		return true
	}
	for name != "." {
		name = zone.Parent(name)
		if o.made[star(name)] {
			return true
		}
	}
	return false
}

// zone gives the zone that speaks for a name. DS records are their parent's
// (RFC 4035 section 2.4).
func (o *Overlay) zone(name, rrtype string) *zone.Zone {
	if len(o.zones) == 0 {
		return nil
	}
	for at := name; ; at = zone.Parent(at) { // the deepest speaks first
		if z := o.zones[at]; z != nil && !(rrtype == "DS" && name == at && name != ".") {
			return z
		}
		if at == "." {
			return nil
		}
	}
}

// at gives the records of that owner and type, sorted.
func (a Answer) at(owner, rrtype string) []string {
	var out []string
	for _, s := range a.Answer {
		if f := strings.SplitN(s, "\t", 5); len(f) == 5 && f[3] == rrtype && zone.Name(f[0]) == owner {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}

// data gives the last field of a record.
func data(record string) string {
	return record[strings.LastIndexByte(record, '\t')+1:]
}

func star(name string) string {
	if name == "." {
		return "*"
	}
	return "*." + name
}
