package checks

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/dmarc"
	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

func dmarcRules() []Rule {
	return slices.Concat(
		dmarcExistenceRules(), dmarcSyntaxRules(), dmarcPolicyRules(), dmarcSubdomainRules(),
		dmarcSenderRules(), dmarcDiscoveryRules(), reading(boundDMARC, dmarcAddressRules(), dmarcDestinationRules()),
	)
}

// dmarcSilent cites the lookups for records that gave no usable answer.
func dmarcSilent(e *gather.Evidence) []wire.Ref {
	var refs []wire.Ref
	for _, s := range dmarcSought(e) {
		if s.Failed() {
			refs = append(refs, s.Ref)
		}
	}
	if len(refs) == 0 && e.DMARC.Apex.Failed() {
		refs = append(refs, e.DMARC.Apex.Ref)
	}
	return refs
}

// dmarcApplied gives the record that applies to mail from the domain, and what a
// reader of RFC 9989 makes of it. Readers of RFC 7489 count only where the tree
// walk finds nothing; where both find something else, a rule says so.
func dmarcApplied(e *gather.Evidence) dmarc.Applied {
	d := e.DMARC
	for _, m := range []dmarc.Method{d.Walk, d.PSL, d.PSLPrivate} {
		if m.Domain.Record != nil || m.Domain.Unknown {
			return m.Domain
		}
	}
	return d.Walk.Domain
}

// dmarcRecord guards the rules that judge the record that applies.
func dmarcRecord(e *gather.Evidence) (Status, string) {
	a := dmarcApplied(e)
	switch {
	case a.Unknown && len(a.Failed) == 0:
		return dmarcSilence(e.DMARC.Apex.Asked)
	case a.Unknown:
		return dmarcSilence(e.DMARC.Step(a.Failed[0]).Asked)
	case a.Record == nil:
		return NotApplicable, "no DMARC record applies"
	}
	return "", ""
}

// dmarcInForce guards the rules about a policy: the record must also have an
// effect. That it has none is a rule of its own.
func dmarcInForce(e *gather.Evidence) (Status, string) {
	if status, why := dmarcRecord(e); status != "" {
		return status, why
	}
	if dmarcApplied(e).Policy == "" {
		return NotApplicable, "the DMARC record has no effect"
	}
	return "", ""
}

// dmarcEnforced guards the rules about what quarantine and reject may break.
func dmarcEnforced(e *gather.Evidence) (Status, string) {
	if status, why := dmarcInForce(e); status != "" {
		return status, why
	}
	if dmarcApplied(e).Policy == dmarc.None {
		return NotApplicable, "the policy asks receivers to do nothing"
	}
	return "", ""
}

// dmarcOwn guards the rules about the domain's own _dmarc name.
func dmarcOwn(e *gather.Evidence) (Status, string) {
	if own := e.DMARC.Own(); own.Failed() {
		return dmarcSilence(own.Asked)
	}
	return "", ""
}

// dmarcOwnRecord guards the rules about a record of the domain's own.
func dmarcOwnRecord(e *gather.Evidence) (Status, string) {
	if status, why := dmarcOwn(e); status != "" {
		return status, why
	}
	if len(e.DMARC.Own().Records) != 1 {
		return NotApplicable, "the domain has no DMARC record of its own"
	}
	return "", ""
}

// dmarcSilence gives the status for a question without a usable answer.
func dmarcSilence(a wire.Asked) (Status, string) {
	switch f := a.Answer.Fail; {
	case f == nil:
		return Unknown, a.Name + ": the answer was cut short, and TCP gave nothing"
	default:
		return Unknown, a.Name + ": " + f.String()
	}
}

// dmarcRefs cites where the record of a domain was read.
func dmarcRefs(e *gather.Evidence, domain string) []wire.Ref {
	if s := e.DMARC.Step(domain); s != nil && s.Ref != "" {
		return []wire.Ref{s.Ref}
	}
	return nil
}

// dmarcWhere begins a message about an inherited record; the domain's own needs
// no words.
func dmarcWhere(e *gather.Evidence, at string) string {
	if at == e.Domain {
		return ""
	}
	return "in the record of " + at + ": "
}

// dmarcSought gives the steps at which some receiver looks for a record.
func dmarcSought(e *gather.Evidence) []*dmarc.Step {
	var out []*dmarc.Step
	for i := range e.DMARC.Steps {
		if s := &e.DMARC.Steps[i]; s.Used || s.InPSL {
			out = append(out, s)
		}
	}
	return out
}

// dmarcBearing gives the steps whose texts bear on the domain's policy: its own;
// those that receivers inherit from, unless the domain has a record; all where
// there is no record anywhere.
func dmarcBearing(e *gather.Evidence) []*dmarc.Step {
	none, own := dmarcApplied(e).Record == nil, len(e.DMARC.Own().Records) == 1
	return slices.DeleteFunc(dmarcSought(e), func(s *dmarc.Step) bool {
		return s.Domain != e.Domain && (own || !none && !s.InPSL)
	})
}

// dmarcExistenceRules is about whether receivers find a record at all.
func dmarcExistenceRules() []Rule {
	return []Rule{
		{
			ID: "dmarc-record-multiple", Area: AreaDMARC, Severity: High,
			Bears: []Bearing{{On: Forgery, From: High, Weight: Decides, Words: "several DMARC records, so none counts"}},
			Title: "there is only one DMARC record at a name",
			Refs:  []string{"RFC 9989 section 4.10", "RFC 7489 section 6.6.3"},
			When:  dmarcOwn,
			Judge: func(e *gather.Evidence) []Verdict {
				lost, own := dmarcApplied(e).Record == nil, len(e.DMARC.Own().Records) == 1
				var out []Verdict
				for _, s := range dmarcSought(e) {
					if s.Failed() {
						status, why := dmarcSilence(s.Asked)
						out = append(out, Verdict{Key: s.Domain, Status: status, Severity: High, Evidence: []wire.Ref{s.Ref}, Message: why})
					}
					if len(s.Records) < 2 {
						continue
					}
					sev, then := High, "receivers use none of them"
					switch {
					case s.Domain == e.Domain, lost && !dmarcApplied(e).Unknown:
					case !s.InPSL: // never a policy record: the walk passes it
						sev, then = Low, "receivers drop them and go on upwards"
					case own:
						sev, then = Medium, "so receivers may take another name for the organizational domain"
					}
					out = append(out, Verdict{
						Key: s.Domain, Status: Fail, Severity: sev, Evidence: []wire.Ref{s.Ref},
						Message: fmt.Sprintf("%s has %d DMARC records: %s", s.Name, len(s.Records), then),
					})
				}
				return out
			},
		},
		{
			ID: "dmarc-record-missing", Area: AreaDMARC, Severity: High,
			Bears: []Bearing{{On: Forgery, From: Low, Weight: Decides, Words: "no DMARC record"}},
			Title: "a DMARC record applies to the domain",
			Refs:  []string{"RFC 9989 section 4.10.1", "RFC 7489 section 6.6.3"},
			Judge: judgeDMARCMissing,
		},
		{
			ID: "dmarc-version", Area: AreaDMARC, Severity: High,
			Bears: []Bearing{{On: Forgery, From: High, Weight: Beside, Words: "a text meant for DMARC is ignored"}},
			Title: "the DMARC record starts with v=DMARC1 and a semicolon",
			Refs:  []string{"RFC 9989 sections 4.7 and 4.8", "RFC 7489 section 6.4"},
			When:  dmarcOwn,
			Judge: func(e *gather.Evidence) []Verdict {
				var out []Verdict
				for _, s := range dmarcBearing(e) {
					if v, ok := dmarcVersion(s); ok {
						out = append(out, v)
					}
				}
				return out
			},
		},
		{
			ID: "dmarc-misplaced", Area: AreaDMARC, Severity: High,
			Bears: []Bearing{{On: Forgery, From: High, Weight: Beside, Words: "a DMARC record stands where nobody looks"}},
			Title: "the DMARC record is published at _dmarc",
			Refs:  []string{"RFC 9989 section 4.5", "RFC 7489 section 6.1"},
			When:  dmarcOwn,
			Judge: func(e *gather.Evidence) []Verdict {
				d := e.DMARC
				if len(d.Own().Records) > 0 {
					return nil
				}
				var out []Verdict
				for _, p := range []dmarc.Place{d.Apex, d.Doubled} {
					if len(p.Records) > 0 {
						out = append(out, Verdict{
							Key: p.Name, Status: Fail, Severity: High, Evidence: []wire.Ref{p.Ref, d.Own().Ref},
							Message: fmt.Sprintf("a DMARC text is at %s, where receivers do not look, and none is at %s", p.Name, d.Own().Name),
						})
					}
				}
				for _, p := range []dmarc.Place{d.Apex, d.Doubled} {
					if len(out) == 0 && p.Failed() {
						status, why := dmarcSilence(p.Asked)
						out = append(out, Verdict{Status: status, Message: why, Evidence: []wire.Ref{p.Ref}})
					}
				}
				return out
			},
		},
		{
			ID: "dmarc-alias-dangling", Area: AreaDMARC, Severity: High,
			Bears: []Bearing{{On: Forgery, From: High, Weight: Beside, Words: "an alias at _dmarc leads nowhere"}},
			Title: "an alias at _dmarc leads to a record",
			Refs:  []string{"RFC 9989 section 4.1", "RFC 1034 section 3.6.2"},
			When:  dmarcOwn,
			Judge: func(e *gather.Evidence) []Verdict {
				d := e.DMARC
				// A wildcard alias catches _dmarc too, and nobody meant it to.
				every := d.Doubled.Answer.Chain(d.Doubled.Name)
				var out []Verdict
				for _, s := range dmarcBearing(e) {
					if !s.Dangling() || slices.Equal(s.Chain, every) {
						continue
					}
					if d.Doubled.Failed() {
						status, why := dmarcSilence(d.Doubled.Asked)
						out = append(out, Verdict{
							Key: s.Domain, Status: status, Severity: High, Evidence: []wire.Ref{s.Ref, d.Doubled.Ref},
							Message: "the alias may be a wildcard's, which nobody meant for DMARC: " + why,
						})
						continue
					}
					out = append(out, Verdict{
						Key: s.Domain, Status: Fail, Severity: High, Evidence: []wire.Ref{s.Ref},
						Message: fmt.Sprintf("%s is an alias of %s, which has no TXT record", s.Name, s.Chain[len(s.Chain)-1]),
					})
				}
				return out
			},
		},
		{
			ID: "dmarc-lookup-fails", Area: AreaDMARC, Severity: Medium,
			Title: "every lookup for a DMARC record is answered",
			Refs:  []string{"RFC 9989 section 4.10.1", "RFC 9989 section 5.3.6"},
			Judge: func(e *gather.Evidence) []Verdict {
				var out []Verdict
				for _, s := range dmarcSought(e) {
					if !s.Failed() {
						continue
					}
					v := Verdict{Key: s.Domain, Severity: Medium, Evidence: []wire.Ref{s.Ref}}
					v.Status, v.Message = dmarcSilence(s.Asked)
					// One resolver's word is no proof; that of the domain's own servers is,
					// where it is about such a failure, and not a denial that nobody confirms.
					denied := s.Answer.Fail != nil && s.Answer.Fail.Kind == wire.FailWithheld
					if s.Domain == e.Domain && v.Status == Unknown && !denied && e.Authority.AllFail() {
						v.Status = Fail
						v.Message += "; none of the domain's own name servers answers either, so receivers do not know the policy"
						for _, server := range e.Authority.Servers {
							v.Evidence = append(v.Evidence, server.Ref)
						}
					}
					out = append(out, v)
				}
				return out
			},
		},
	}
}

func judgeDMARCMissing(e *gather.Evidence) []Verdict {
	d, a := e.DMARC, dmarcApplied(e)
	if a.Record != nil {
		return nil
	}
	if status, why := dmarcRecord(e); status != NotApplicable {
		return []Verdict{{Status: status, Message: why, Evidence: dmarcSilent(e)}}
	}
	var refs []wire.Ref
	var texts, doubtful, several []string
	for _, s := range dmarcSought(e) {
		if s.Ref != "" {
			refs = append(refs, s.Ref)
		}
		if len(s.Records) > 1 {
			several = append(several, s.Name)
		}
		if p := dmarcMeant(s); p != nil && p.Code == dmarc.VersionName {
			doubtful = append(doubtful, s.Name)
		} else if p != nil {
			texts = append(texts, s.Name)
		}
	}
	why := fmt.Sprintf("neither %s nor a name above it has a DMARC record", d.Own().Name)
	switch {
	case len(several) > 0:
		why = "receivers find several DMARC records at " + strings.Join(several, ", ") + " and use none"
	case len(doubtful) > 0:
		why = "only some receivers take the text at " + strings.Join(doubtful, ", ") + " for a DMARC record"
	case len(texts) > 0:
		why = "receivers do not take the text at " + strings.Join(texts, ", ") + " for a DMARC record"
	case len(d.Apex.Records)+len(d.Doubled.Records) > 0:
		why += ", only a place where receivers do not look"
	}
	return fail(High, refs, "%s", why)
}

// dmarcVersion judges the texts at one name that were meant as DMARC records and
// are none, because of their start.
func dmarcVersion(s *dmarc.Step) (Verdict, bool) {
	p := dmarcMeant(s)
	if p == nil {
		return Verdict{}, false
	}
	v := Verdict{Key: s.Domain, Status: Fail, Severity: High, Evidence: []wire.Ref{s.Ref}}
	switch {
	case len(s.Records) > 0:
		v.Severity = Low
		v.Message = fmt.Sprintf("%s: beside a DMARC record there is a text that looks like one, but %s", s.Name, p.Text)
	case p.Code == dmarc.VersionName:
		v.Message = fmt.Sprintf("%s: %s, so at some receivers there is no DMARC record", s.Name, p.Text)
	default:
		v.Message = fmt.Sprintf("%s: %s, so receivers ignore the text", s.Name, p.Text)
	}
	return v, true
}

// dmarcMeant gives what is wrong with the start of the first text at a name that was
// meant as a DMARC record and is none; nil where there is no such text.
func dmarcMeant(s *dmarc.Step) *dmarc.Problem {
	for _, r := range s.Others {
		if p := dmarcStart(r); p != nil {
			return p
		}
	}
	return nil
}

// dmarcStart gives the problem with the start of a text; nil where nothing but
// the word shows that it has to do with DMARC (an ownership proof of some
// service, say).
func dmarcStart(r dmarc.Record) *dmarc.Problem {
	for i, p := range r.Problems {
		switch p.Code {
		case dmarc.VersionNotFirst, dmarc.VersionValue, dmarc.VersionCase, dmarc.VersionName, dmarc.VersionSeparator,
			dmarc.VersionBlank, dmarc.VersionQuoted, dmarc.VersionEscaped:
			return &r.Problems[i]
		case dmarc.VersionMissing:
			if r.Has("p") || r.Has("rua") || strings.Contains(strings.ToLower(r.Text), "dmarc1") {
				return &r.Problems[i]
			}
		}
	}
	return nil
}
