package checks

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/dmarc"
	"mxvet/internal/gather"
)

// dmarcProblems makes the judge of a rule about the text of the record that
// applies: one verdict for each kind of problem and tag. Severity says how much
// a problem matters, "" that it is another rule's.
func dmarcProblems(severity func(dmarc.Record, dmarc.Problem) Severity) func(*gather.Evidence) []Verdict {
	return func(e *gather.Evidence) []Verdict {
		a := dmarcApplied(e)
		var out []Verdict
		more := map[string]int{}
		for _, p := range a.Record.Problems {
			sev := severity(*a.Record, p)
			if sev == "" {
				continue
			}
			key := string(p.Code)
			if p.Tag != "" {
				key += " " + p.Tag
			}
			if more[key]++; more[key] > 1 {
				continue
			}
			out = append(out, Verdict{
				Key: key, Status: Fail, Severity: sev, Evidence: dmarcRefs(e, a.At),
				Message: dmarcWhere(e, a.At) + p.Text,
			})
		}
		for i := range out {
			switch n := more[out[i].Key] - 1; {
			case n >= dmarc.MaxProblems-1:
				out[i].Message += fmt.Sprintf(" (and at least %d more like this)", n)
			case n > 0:
				out[i].Message += fmt.Sprintf(" (and %d more like this)", n)
			}
		}
		return out
	}
}

// dmarcOf gives all problems of the listed codes one severity.
func dmarcOf(sev Severity, codes ...dmarc.Code) func(dmarc.Record, dmarc.Problem) Severity {
	return func(_ dmarc.Record, p dmarc.Problem) Severity {
		if slices.Contains(codes, p.Code) {
			return sev
		}
		return ""
	}
}

// dmarcSyntaxRules is about the text of the record, but for policies and report
// addresses.
func dmarcSyntaxRules() []Rule {
	return []Rule{
		{
			ID: "dmarc-syntax", Area: AreaDMARC, Severity: High,
			Bears: []Bearing{{On: Forgery, From: High, Weight: Partly, Words: "strict receivers refuse the DMARC record"}},
			Title: "the DMARC record is a well-formed list of tags",
			Refs:  []string{"RFC 9989 sections 4.7 and 4.8", "RFC 6376 section 3.2"},
			When:  dmarcRecord,
			Judge: func(e *gather.Evidence) []Verdict {
				out := dmarcProblems(func(_ dmarc.Record, p dmarc.Problem) Severity {
					switch p.Code {
					case dmarc.BadByte:
						if p.Tag == "rua" || p.Tag == "ruf" {
							return "" // dmarc-report-uri tells it
						}
						return Medium
					case dmarc.Duplicate:
						return High
					case dmarc.Malformed:
						return Medium
					case dmarc.EmptyTag, dmarc.EmptyValue:
						return Low
					}
					return ""
				})(e)
				for i := range out {
					switch code, _, _ := strings.Cut(out[i].Key, " "); dmarc.Code(code) {
					case dmarc.Duplicate:
						out[i].Message += "; receivers differ: they take the first, the last, or refuse the whole record"
					case dmarc.Malformed, dmarc.BadByte:
						out[i].Message += "; receivers skip it, but strict ones refuse the whole record"
					}
				}
				return out
			},
		},
		{
			ID: "dmarc-policy-position", Area: AreaDMARC, Severity: Low,
			Title: "tag p comes directly after the version",
			Refs:  []string{"RFC 7489 section 6.3"},
			When:  dmarcRecord,
			Judge: dmarcProblems(dmarcOf(Low, dmarc.PolicyNotSecond)),
		},
		{
			ID: "dmarc-pct", Area: AreaDMARC, Severity: Medium,
			Bears: []Bearing{{On: Forgery, From: Medium, Weight: Partly, Words: "older receivers stop only a share (pct)"}},
			Title: "the policy applies to all mail, not to a percentage",
			Refs:  []string{"RFC 9989 appendix A.6", "RFC 9989 appendix C.5.2", "RFC 9989 section 9.3", "RFC 7489 section 6.3"},
			When:  dmarcRecord,
			Judge: dmarcProblems(func(r dmarc.Record, p dmarc.Problem) Severity {
				switch {
				case p.Code == dmarc.PercentInvalid:
					return Low
				case p.Code == dmarc.PercentPartial && r.P == dmarc.None && r.SP.Strength() <= dmarc.None.Strength():
					return Info // a share of nothing
				case p.Code == dmarc.PercentPartial:
					return Medium
				}
				return ""
			}),
		},
		{
			ID: "dmarc-removed-tag", Area: AreaDMARC, Severity: Info,
			Title: "the record has no tags that RFC 9989 removed",
			Refs:  []string{"RFC 9989 section 9.3", "RFC 9989 appendix C.5.2"},
			When:  dmarcRecord,
			Judge: dmarcProblems(func(r dmarc.Record, p dmarc.Problem) Severity {
				sampled := p.Tag == "pct" && (r.Problem(dmarc.PercentPartial) != nil || r.Problem(dmarc.PercentInvalid) != nil)
				if p.Code == dmarc.RemovedTag && !sampled || p.Code == dmarc.RemovedInvalid {
					return Info
				}
				return ""
			}),
		},
		{
			ID: "dmarc-tag-invalid", Area: AreaDMARC, Severity: Low,
			Title: "tags adkim, aspf, fo, psd and t have values that every receiver understands",
			Refs:  []string{"RFC 9989 sections 4.7 and 4.8"},
			When:  dmarcRecord,
			Judge: dmarcProblems(func(_ dmarc.Record, p dmarc.Problem) Severity {
				switch p.Code {
				case dmarc.TagInvalid, dmarc.FailureOptionsInvalid, dmarc.FailureOptionsBoth:
					return Low
				case dmarc.KeywordCase:
					if !dmarcIsPolicy(p.Tag) {
						return Low
					}
				}
				return ""
			}),
		},
		{
			ID: "dmarc-unknown-tag", Area: AreaDMARC, Severity: Low,
			Title: "all tags of the record are defined",
			Refs:  []string{"RFC 9989 section 4.7", "RFC 6376 section 3.2"},
			When:  dmarcRecord,
			Judge: func(e *gather.Evidence) []Verdict {
				a := dmarcApplied(e)
				var out []Verdict
				seen := map[string]bool{}
				for _, p := range a.Record.Problems {
					if p.Code != dmarc.UnknownTag || seen[p.Tag] {
						continue
					}
					seen[p.Tag] = true
					v := Verdict{Key: p.Tag, Status: Fail, Severity: Low, Evidence: dmarcRefs(e, a.At)}
					v.Message = dmarcWhere(e, a.At) + p.Text
					if p.Near != "" {
						v.Message += fmt.Sprintf("; probably %q is meant", p.Near)
					}
					out = append(out, v)
				}
				return out
			},
		},
	}
}

func dmarcIsPolicy(tag string) bool { return tag == "p" || tag == "sp" || tag == "np" }
