package checks

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/dkim"
	"mxvet/internal/gather"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// dnsBelowDomainKey gives a name below _domainkey that is seen to exist, one with
// a key before others; nil where none is known.
func dnsBelowDomainKey(e *gather.Evidence) *dkim.Selector {
	d := e.DKIM
	var found *dkim.Selector
	for _, s := range append(slices.Clone(d.Selectors), d.ADSP, d.Control) {
		if s.Invalid != "" || !s.Answer.OK() || s.Answer.NXDomain() && len(s.Chain) == 0 {
			continue
		}
		if found == nil || s.Found && !found.Found {
			found = new(s)
		}
	}
	return found
}

// A dnsName is one name at which several things were asked.
type dnsName struct {
	owner   string
	answers []wire.Asked
}

// dnsNames gives the names that belong to the domain, each once, with everything
// that was asked at it.
func dnsNames(e *gather.Evidence) []dnsName {
	ask := func(name, rrtype string, a wire.Answer) wire.Asked {
		return wire.Asked{Name: name, Ref: dnsRef(name, rrtype), Answer: a}
	}
	d := e.Domain
	out := []dnsName{
		{d, []wire.Asked{ask(d, "A", e.Apex.A), ask(d, "AAAA", e.Apex.AAAA), ask(d, "MX", e.MX.Answer), ask(d, "NS", e.Apex.NS), ask(d, "SOA", e.Apex.SOA), ask(d, "TXT", e.Apex.TXT)}},
		{e.MTASTS.TXT.Name, []wire.Asked{e.MTASTS.TXT}},
		{e.MTASTS.Host, []wire.Asked{e.MTASTS.A, e.MTASTS.AAAA}},
		{e.TLSRPT.TXT.Name, []wire.Asked{e.TLSRPT.TXT}},
	}
	if own := e.DMARC.Own(); own != nil {
		out = append(out, dnsName{own.Name, []wire.Asked{own.Asked}})
	}
	for _, s := range e.DKIM.Selectors {
		if s.Invalid == "" && (len(s.Records) > 0 || len(s.Chain) > 0) {
			out = append(out, dnsName{s.Owner, []wire.Asked{{Name: s.Owner, Ref: s.Ref, Answer: s.Answer}}})
		}
	}
	for _, h := range e.MX.Hosts {
		if h.Name != d {
			out = append(out, dnsName{h.Name, []wire.Asked{ask(h.Name, "A", h.A), ask(h.Name, "AAAA", h.AAAA)}})
		}
	}
	return out
}

// judgeDNSCNAMEConflict finds an alias at a name that also has records of its own.
// A registered name has: its zone begins there. A subdomain that is nothing but an
// alias is in order.
func judgeDNSCNAMEConflict(e *gather.Evidence) []Verdict {
	var out []Verdict
	for _, n := range dnsNames(e) {
		var alias, own *wire.Asked
		target, rrtype := "", ""
		answered := false
		for i := range n.answers {
			a := &n.answers[i]
			answered = answered || a.Answer.OK()
			for _, line := range a.Answer.Answer {
				f := strings.SplitN(line, "\t", 5)
				if len(f) != 5 || strings.TrimSuffix(f[0], ".") != n.owner {
					continue
				}
				switch f[3] {
				case "CNAME":
					alias, target = a, strings.TrimSuffix(f[4], ".")
				case "RRSIG", "NSEC", "NSEC3":
				default:
					own, rrtype = a, f[3]
				}
			}
		}
		v := Verdict{Subject: n.owner, Status: Pass}
		for _, a := range n.answers {
			v.Evidence = append(v.Evidence, a.Ref)
		}
		lost := slices.IndexFunc(n.answers, func(a wire.Asked) bool { return a.Answer.Fail != nil })
		apex := n.owner == e.Domain && e.Suffixes.Registrable(e.Domain) == e.Domain
		switch {
		case alias != nil && own != nil:
			v.Status, v.Severity, v.Evidence = Fail, High, []wire.Ref{alias.Ref, own.Ref}
			v.Message = fmt.Sprintf("an alias (CNAME) to %s stands beside a record of type %s: which of them is seen depends on the resolver", target, rrtype)
		case alias != nil && apex:
			v.Status, v.Severity, v.Evidence = Fail, High, []wire.Ref{alias.Ref}
			v.Message = fmt.Sprintf("the top of the zone is an alias (CNAME) to %s, which hides its MX and TXT records", target)
		case !answered && n.owner != e.Domain && len(n.answers) == 1:
			continue // its own rules tell of the silence
		case lost >= 0: // it may be what shows the alias, or what stands beside it
			v.Status, v.Message = dnsSilence(n.owner, n.answers[lost].Answer)
		}
		if s := slipAlias(e, n.owner); s != nil {
			v.Status, v.Severity, v.Message = Fail, High, dnsRefused(*s)
		}
		out = append(out, v)
	}
	for _, s := range e.Options.ZoneSlips {
		if s.Kind == zone.SlipAlias && !slices.ContainsFunc(out, func(v Verdict) bool { return v.Subject == s.Owner }) {
			out = append(out, Verdict{Subject: s.Owner, Status: Fail, Severity: High, Evidence: []wire.Ref{e.MX.Ref}, Message: dnsRefused(s)})
		}
	}
	return out
}

// slipAlias gives what zone text has beside an alias at that name, nil for nothing.
func slipAlias(e *gather.Evidence, owner string) *zone.Slip {
	for i, s := range e.Options.ZoneSlips {
		if s.Kind == zone.SlipAlias && s.Owner == owner {
			return &e.Options.ZoneSlips[i]
		}
	}
	return nil
}

func dnsRefused(s zone.Slip) string {
	beside := "records of type " + s.Said
	if s.Said == "CNAME" {
		beside = "another one"
	}
	return fmt.Sprintf("%s line %d: an alias (CNAME) stands beside %s: name servers refuse the whole file", s.File, s.Line, beside)
}

// dnsOwnerRules is about records that answer at the wrong names.
func dnsOwnerRules() []Rule {
	return []Rule{
		{
			ID: "dns-wildcard-txt", Area: AreaHosts, Severity: Medium,
			Title: "no wildcard answers where policies are looked for",
			Refs:  []string{"RFC 4592 section 2.1.1", "RFC 6376 section 6.1.2"},
			When:  dnsExists,
			Judge: judgeDNSWildcardTXT,
		},
		{
			ID: "dns-misplaced", Area: AreaHosts, Severity: High,
			Bears: []Bearing{{On: Transit, From: High, Weight: Beside, Words: "a policy record stands where nobody looks"}},
			Title: "policy records stand at their own names",
			Refs:  []string{"RFC 8461 section 3.1", "RFC 8460 section 3"},
			When:  dnsExists,
			Judge: judgeDNSMisplaced,
		},
	}
}

// A dnsPlace is a name at which others look for a policy.
type dnsPlace struct {
	wire.Asked
	subject string // its name, or for the name that nobody chose that of the wildcard
	meant   bool   // some text there is, or was meant as, such a policy
}

func dnsPlaces(e *gather.Evidence) []dnsPlace {
	var out []dnsPlace
	if own := e.DMARC.Own(); own != nil {
		out = append(out, dnsPlace{own.Asked, own.Name, len(own.Records)+len(own.Others) > 0})
	}
	if e.Role.Name == gather.NoMail {
		return out // nobody asks a domain without mail for the others
	}
	c := e.DKIM.Control
	return append(
		out,
		dnsPlace{e.MTASTS.TXT, e.MTASTS.TXT.Name, len(e.MTASTS.Records)+len(e.MTASTS.Others) > 0},
		dnsPlace{e.TLSRPT.TXT, e.TLSRPT.TXT.Name, len(e.TLSRPT.Records)+len(e.TLSRPT.Others) > 0},
		dnsPlace{wire.Asked{Name: c.Owner, Ref: c.Ref, Answer: c.Answer}, "*." + e.DKIM.Base.Owner, slices.ContainsFunc(c.Records, func(r dkim.Record) bool { return r.Key.LooksLikeKey() })},
	)
}

// judgeDNSWildcardTXT finds foreign texts at policy names. That they come from a
// wildcard is proven where a name that nobody chose has them too.
func judgeDNSWildcardTXT(e *gather.Evidence) []Verdict {
	texts := func(a wire.Answer) []string { return slices.Sorted(slices.Values(a.TXT())) }
	c := e.DKIM.Control
	proofs := []wire.Asked{e.Stray.TXT, {Name: c.Owner, Ref: c.Ref, Answer: c.Answer}, e.DMARC.Doubled.Asked, e.MTASTS.Doubled.Asked, e.TLSRPT.Doubled.Asked}
	var out []Verdict
	for _, p := range dnsPlaces(e) {
		v := Verdict{Subject: p.subject, Status: Pass, Evidence: []wire.Ref{p.Ref}}
		if p.Failed() {
			v.Status, v.Message = dnsSilence(p.Name+" TXT", p.Answer)
		}
		have := texts(p.Answer)
		if len(have) > 0 && !p.meant {
			for _, q := range proofs {
				if q.Ref != "" && slices.Equal(texts(q.Answer), have) {
					v.Status, v.Severity = Fail, Medium
					v.Message = fmt.Sprintf("a wildcard answers at %s with %q, which is no policy", p.subject, dnsShort(have[0]))
					if q.Ref != p.Ref {
						v.Evidence = append(v.Evidence, q.Ref)
					}
					break
				}
			}
		}
		out = append(out, v)
	}
	return out
}

// dnsShort keeps a quoted text in a message readable.
func dnsShort(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}

// judgeDNSMisplaced looks for records of MTA-STS and TLS-RPT at the domain itself
// and under the doubled name that a missing final dot makes. DMARC has a rule of
// its own.
func judgeDNSMisplaced(e *gather.Evidence) []Verdict {
	m, t := e.MTASTS, e.TLSRPT
	var out []Verdict
	for _, x := range []struct {
		what          string
		own           wire.Asked
		there         bool
		apex, doubled wire.Asked
		atApex, atTwo int
	}{
		{"MTA-STS", m.TXT, len(m.Records)+len(m.Others) > 0, m.Apex.Asked, m.Doubled.Asked, len(m.Apex.Records), len(m.Doubled.Records)},
		{"TLS-RPT", t.TXT, len(t.Records)+len(t.Others) > 0, t.Apex.Asked, t.Doubled.Asked, len(t.Apex.Records), len(t.Doubled.Records)},
	} {
		v := Verdict{Subject: x.own.Name, Status: Pass, Evidence: []wire.Ref{x.own.Ref}}
		wrong := x.doubled
		switch {
		case x.there:
		case x.atTwo == 0 && x.atApex == 0:
			for _, a := range []wire.Asked{x.own, x.apex, x.doubled} {
				if a.Failed() && a.Ref != "" {
					v.Status, v.Message = dnsSilence(a.Name+" TXT", a.Answer)
					v.Evidence = []wire.Ref{a.Ref}
				}
			}
		case x.own.Failed():
			v.Status, v.Message = dnsSilence(x.own.Name+" TXT", x.own.Answer)
		default:
			if x.atTwo == 0 {
				wrong = x.apex
			}
			v.Status, v.Severity = Fail, High
			v.Message = fmt.Sprintf("the %s record stands at %s, where nobody looks, and %s has none", x.what, wrong.Name, x.own.Name)
			v.Evidence = append(v.Evidence, wrong.Ref)
		}
		out = append(out, v)
	}
	return out
}
