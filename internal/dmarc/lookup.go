package dmarc

import (
	"context"
	"slices"
	"strings"

	"mxvet/internal/psl"
	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// A Step is the query for DMARC records at one domain: its name is that of the
// domain, Asked.Name has "_dmarc." before it.
type Step struct {
	Domain string
	wire.Asked
	Records []Record // those that start with v=DMARC1; more than one is as bad as none
	Others  []Record // discarded by receivers, but meant to be DMARC records
	Chain   []string // targets of CNAMEs on the way, in order
	InWalk  bool     // the tree walk from the audited domain can come here
	Used    bool     // and it does: no psd=y or psd=n stopped it before
	InPSL   bool     // the domain itself, or its organizational domain by a public suffix list
}

// record gives the one record of a step, nil where there is none or several.
func (s *Step) record() *Record {
	if s == nil || len(s.Records) != 1 {
		return nil
	}
	return &s.Records[0]
}

// Dangling reports that the name is an alias whose target has no TXT record.
func (s *Step) Dangling() bool { return len(s.Chain) > 0 && s.Answer.Missing("TXT") }

// Existence says whether a name exists in the sense of RFC 8020: at least one
// record at it or below it.
type Existence string

const (
	Exists           Existence = "yes"
	DoesNotExist     Existence = "no"
	ExistenceUnknown Existence = "unknown"
)

// A Discovery is all that the DNS says about the DMARC record of one domain.
type Discovery struct {
	Domain string    // lower case, without the final dot
	Exists Existence // whether the domain itself exists; it decides between sp and np where the record is inherited

	// Steps holds the domain and the names above it, longest first.
	Steps []Step

	// The record and policy as three kinds of receiver find them: by tree walk
	// (RFC 9989), by the public suffix list without its private section, and with
	// it (RFC 7489).
	Walk, PSL, PSLPrivate Method
	Differences           []Difference

	// Whether the domain is a public suffix, without and with private section.
	PublicSuffix, PublicSuffixPrivate bool

	// Places where a record is sometimes published by mistake.
	Apex, Doubled Place

	// Reports concerns the record that applies to the domain; nil where none does.
	Reports *Reports
}

// A Place is a name where no DMARC record belongs.
type Place struct {
	wire.Asked
	Records []Record // found there all the same, valid or not
}

// Lookup finds the DMARC record of a domain. All names where one may be are asked
// at once, and report destinations as soon as the record is known. Domain is in
// A-labels.
func Lookup(ctx context.Context, src wire.Source, list *psl.List, domain string) *Discovery {
	return discover(ctx, src, list, domain, true)
}

// Discover is Lookup as a receiver of mail does it: without the places where a
// record is published by mistake and without the destinations of reports, which
// concern the owner of the domain alone. Doubled stays empty and Reports nil.
func Discover(ctx context.Context, src wire.Source, list *psl.List, domain string) *Discovery {
	return discover(ctx, src, list, domain, false)
}

func discover(ctx context.Context, src wire.Source, list *psl.List, domain string, owner bool) *Discovery {
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	d := &Discovery{
		Domain:              domain,
		PublicSuffix:        list.IsPublicSuffix(domain, false),
		PublicSuffixPrivate: list.IsPublicSuffix(domain, true),
	}
	orgs := []string{list.OrgDomain(domain, false), list.OrgDomain(domain, true)}
	walked := walkNames(domain)
	names := append(slices.Clone(walked), orgs...)
	slices.SortStableFunc(names, func(a, b string) int { return len(b) - len(a) })
	names = slices.Compact(names)
	d.Steps = make([]Step, len(names))

	var early *Reports // for the domain's own record, asked while other steps still wait
	var wg together.Group
	for i, name := range names {
		wg.Go(func() {
			d.Steps[i] = step(ctx, src, name)
			d.Steps[i].InWalk = slices.Contains(walked, name)
			d.Steps[i].InPSL = name == domain || slices.Contains(orgs, name)
			if own := d.Steps[i].record(); owner && name == domain && own != nil {
				early = reports(ctx, src, list, domain, own)
			}
		})
	}
	wg.Go(func() { d.Apex = place(ctx, src, domain) })
	if owner {
		wg.Go(func() { d.Doubled = place(ctx, src, "_dmarc."+domain+"."+domain) })
	}
	wg.Wait()

	switch {
	case d.Apex.Answer.NXDomain() && !d.Apex.Answer.Has("CNAME"):
		d.Exists = DoesNotExist
	case d.Apex.Answer.OK():
		d.Exists = Exists
	default:
		d.Exists = ExistenceUnknown
	}
	d.evaluate(orgs[0], orgs[1])
	if !owner {
		return d
	}

	applied := d.Walk.Domain
	if applied.Record == nil {
		applied = d.PSL.Domain
	}
	if applied.Record == nil {
		applied = d.PSLPrivate.Domain
	}
	if applied.Record != nil {
		d.Reports = early
		if early == nil || applied.At != domain {
			d.Reports = reports(ctx, src, list, applied.At, applied.Record)
		}
		d.Reports.compare(tree(d.Steps).walk(applied.At), list)
	}
	return d
}

// step asks for DMARC records at one domain.
func step(ctx context.Context, src wire.Source, domain string) Step {
	s := Step{Domain: domain}
	if len("_dmarc.")+len(domain) > 253 {
		// Such a name cannot exist; the domain itself may.
		s.Asked = wire.Asked{Name: "_dmarc." + domain, Answer: wire.Answer{Rcode: "NXDOMAIN"}}
		return s
	}
	s.Asked = wire.Ask(ctx, src, "_dmarc."+domain, "TXT")
	s.Chain = s.Answer.Chain(s.Name)
	for _, text := range s.Answer.TXT() {
		if r := Parse(text); r.Valid {
			s.Records = append(s.Records, r)
		} else if meant(r) {
			s.Others = append(s.Others, r)
		}
	}
	return s
}

// place looks for DMARC records where they do not belong.
func place(ctx context.Context, src wire.Source, name string) Place {
	if len(name) > 253 {
		return Place{Asked: wire.Asked{Name: name, Answer: wire.Answer{Rcode: "NXDOMAIN"}}}
	}
	p := Place{Asked: wire.Ask(ctx, src, name, "TXT")}
	for _, text := range p.Answer.TXT() {
		if r := Parse(text); r.Valid || strings.Contains(strings.ToLower(text), "v=dmarc") {
			p.Records = append(p.Records, r)
		}
	}
	return p
}

// meant reports whether a text at a _dmarc name that is no valid DMARC record was
// probably meant to be one, unlike what a wildcard brings there.
func meant(r Record) bool {
	return strings.Contains(strings.ToLower(r.Text), "dmarc") || r.P != "" || r.Has("rua")
}

// Step gives the step at a domain, nil where it was not asked.
func (d *Discovery) Step(domain string) *Step { return tree(d.Steps).find(domain) }

// Own gives the domain's own step.
func (d *Discovery) Own() *Step { return d.Step(d.Domain) }

// Found reports whether any step that some receiver comes to holds a record.
func (d *Discovery) Found() bool {
	for _, s := range d.Steps {
		if len(s.Records) > 0 && (s.Used || s.InPSL) {
			return true
		}
	}
	return false
}

// IsOrg reports whether at least one method takes the domain for an
// organizational domain, so that sp and np in its record have a meaning.
func (d *Discovery) IsOrg() bool {
	return d.Walk.Org == d.Domain || d.PSL.Org == d.Domain || d.PSLPrivate.Org == d.Domain
}

// A Stage is how far the roll-out of DMARC has come.
type Stage string

const (
	StageUnknown    Stage = "unknown"    // a lookup failed that decides about it
	StageAbsent     Stage = "absent"     // no record applies
	StageVoid       Stage = "void"       // a record applies, but receivers do nothing with it
	StageBlind      Stage = "blind"      // p=none without a valid rua: nobody looks
	StageMonitoring Stage = "monitoring" // p=none with rua
	StageQuarantine Stage = "quarantine"
	StageReject     Stage = "reject"
)

// Stage gives the stage by the RFC 9989 reading, before t=y takes a step off, and
// whether that tag is set.
func (d *Discovery) Stage() (stage Stage, testing bool) {
	a := d.Walk.Domain
	if a.Record != nil {
		testing = a.Record.Testing
	}
	switch {
	case a.Unknown:
		return StageUnknown, false
	case a.Record == nil:
		return StageAbsent, false
	case a.Policy == "":
		return StageVoid, testing
	case !a.Fallback && a.Asked == Reject:
		return StageReject, testing
	case !a.Fallback && a.Asked == Quarantine:
		return StageQuarantine, testing
	case anyValid(a.Record.RUA):
		return StageMonitoring, testing
	}
	return StageBlind, testing
}
