package checks

import (
	"fmt"

	"mxvet/internal/dmarc"
	"mxvet/internal/gather"
)

// dmarcSubdomainRules is about what the records mean for names below the domain.
func dmarcSubdomainRules() []Rule {
	return []Rule{
		{
			ID: "dmarc-subpolicy-invalid", Area: AreaDMARC, Severity: High,
			Bears: []Bearing{{On: Forgery, From: High, Weight: Decides, Words: "a DMARC subdomain policy is invalid and voids the record"}},
			Title: "tags sp and np hold policies that every receiver understands",
			Refs:  []string{"RFC 9989 sections 4.8 and 4.10.1", "RFC 7489 section 6.6.3"},
			When:  dmarcRecord,
			Judge: dmarcProblems(func(_ dmarc.Record, p dmarc.Problem) Severity {
				switch {
				case p.Code == dmarc.SubPolicyInvalid:
					return High
				case p.Code == dmarc.KeywordCase && (p.Tag == "sp" || p.Tag == "np"):
					return Low
				}
				return ""
			}),
		},
		{
			ID: "dmarc-subdomain-weaker", Area: AreaDMARC, Severity: High,
			Bears: []Bearing{{On: Forgery, From: Low, Weight: Partly, Words: "subdomains are less protected"}},
			Title: "subdomains are protected as the domain is",
			Refs:  []string{"RFC 9989 section 4.7"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := dmarcInForce(e); status != "" {
					return status, why
				}
				a, below := dmarcApplied(e), e.DMARC.Walk.Subdomain
				switch {
				case a.At != e.Domain:
					return NotApplicable, "the domain itself inherits from " + a.At
				case below.Unknown:
					return Unknown, "a lookup failed that decides about the policy of subdomains"
				case below.At != a.At:
					return NotApplicable, "subdomains inherit from " + below.At
				}
				return "", ""
			},
			Judge: func(e *gather.Evidence) []Verdict {
				a, below := dmarcApplied(e), e.DMARC.Walk.Subdomain
				if below.Policy.Strength() >= a.Policy.Strength() {
					return nil
				}
				sev := Medium
				if below.Policy == dmarc.None {
					sev = High
				}
				return fail(sev, dmarcRefs(e, a.At), "the policy is %s for the domain, but only %s for its subdomains (%s=%s), so any subdomain can be forged instead",
					a.Policy, below.Policy, below.Tag, below.Asked)
			},
		},
		{
			ID: "dmarc-nonexistent-weak", Area: AreaDMARC, Severity: Medium,
			Bears: []Bearing{{On: Forgery, From: Medium, Weight: Partly, Words: "names that do not exist below it are unprotected"}},
			Title: "subdomains that do not exist are protected",
			Refs:  []string{"RFC 9989 section 4.7"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := dmarcInForce(e); status != "" {
					return status, why
				}
				below := e.DMARC.Walk.NonExistent
				switch {
				case below.Unknown:
					return Unknown, "a lookup failed that decides about the policy of names that do not exist"
				case below.Policy == "":
					return NotApplicable, "no policy applies to names below the domain"
				case below.Fallback:
					return NotApplicable, "a policy tag is missing or invalid, which is another rule's"
				}
				return "", ""
			},
			Judge: func(e *gather.Evidence) []Verdict {
				below, sibling := e.DMARC.Walk.NonExistent, e.DMARC.Walk.Subdomain
				refs, where := dmarcRefs(e, below.At), dmarcWhere(e, below.At)
				switch {
				case below.Policy == dmarc.None && below.Demoted:
					return fail(Medium, refs, "%sthe policy is none for names that do not exist: %s=%s is weakened by t=y", where, below.Tag, below.Asked)
				case below.Policy == dmarc.None:
					return fail(Medium, refs, "%sthe policy is none for names that do not exist (%s=none): anyone can invent a subdomain to forge; np=reject forbids that", where, below.Tag)
				case below.Policy.Strength() < sibling.Policy.Strength():
					return fail(Low, refs, "%snp=%s is weaker than the policy of subdomains that exist, %s", where, below.Asked, sibling.Policy)
				}
				return nil
			},
		},
		{
			ID: "dmarc-subpolicy-ignored", Area: AreaDMARC, Severity: Low,
			Title: "tags sp and np stand where receivers heed them",
			Refs:  []string{"RFC 9989 section 4.7"},
			When:  dmarcOwnRecord,
			Judge: func(e *gather.Evidence) []Verdict {
				d := e.DMARC
				var out []Verdict
				for _, tag := range []string{"sp", "np"} {
					t, ok := d.Own().Records[0].Tag(tag)
					switch {
					case !ok:
					case d.Walk.OrgUnknown:
						out = append(out, Verdict{
							Key: tag, Status: Unknown, Severity: Low, Evidence: dmarcRefs(e, e.Domain),
							Message: fmt.Sprintf("whether %s=%q is heeded is not known: a lookup that the organizational domain rests on failed", tag, t.Value),
						})
					case !d.IsOrg():
						out = append(out, Verdict{
							Key: tag, Status: Fail, Severity: Low, Evidence: dmarcRefs(e, e.Domain),
							Message: fmt.Sprintf("%s=%q is ignored here: the organizational domain is %s, and only its record speaks for names below", tag, t.Value, d.Walk.Org),
						})
					}
				}
				return out
			},
		},
		{
			ID: "dmarc-unused-record", Area: AreaDMARC, Severity: Low,
			Title: "names below the domain are protected as its own record asks",
			Refs:  []string{"RFC 9989 section 4.10.1"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := dmarcOwnRecord(e); status != "" {
					return status, why
				}
				d := e.DMARC
				switch {
				case d.Walk.Subdomain.Unknown:
					return Unknown, "a lookup failed that decides about the policy of names below"
				case d.Own().Records[0].Effective(dmarc.RFC9989, dmarc.Self).Policy == "":
					return NotApplicable, "the DMARC record has no effect"
				}
				return "", ""
			},
			Judge: func(e *gather.Evidence) []Verdict {
				d := e.DMARC
				for _, m := range []dmarc.Method{d.Walk, d.PSL, d.PSLPrivate} {
					if m.Subdomain.At == e.Domain {
						return nil
					}
				}
				below, own := d.Walk.Subdomain, d.Own().Records[0].Effective(dmarc.RFC9989, dmarc.Self)
				refs := append(dmarcRefs(e, e.Domain), dmarcRefs(e, below.At)...)
				if below.Policy.Strength() < own.Policy.Strength() {
					return fail(Low, refs, "names below %s do not get its policy %s, but %s from the record of %s", e.Domain, own.Policy, dmarcName(below.Policy), below.At)
				}
				return fail(Info, refs, "names below %s get their policy, %s, and report addresses from the record of %s", e.Domain, below.Policy, below.At)
			},
		},
	}
}

// dmarcName names a policy, also the one that is none at all.
func dmarcName(p dmarc.Policy) string {
	if p == "" {
		return "no DMARC"
	}
	return string(p)
}
