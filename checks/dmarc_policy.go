package checks

import (
	"fmt"
	"strings"

	"mxvet/internal/dmarc"
	"mxvet/internal/gather"
	"mxvet/internal/route"
	"mxvet/internal/wire"
)

// dmarcPolicyRules is about what the record asks receivers to do with mail that
// fails, for the domain itself.
func dmarcPolicyRules() []Rule {
	return []Rule{
		{
			ID: "dmarc-record-void", Area: AreaDMARC, Severity: High,
			Bears: []Bearing{{On: Forgery, From: Low, Weight: Decides, Words: "the DMARC record has no effect"}},
			Title: "the DMARC record has an effect",
			Refs:  []string{"RFC 9989 sections 4.7, 4.10.1 and 9.2", "RFC 7489 section 6.6.3"},
			When:  dmarcRecord,
			Judge: func(e *gather.Evidence) []Verdict {
				a := dmarcApplied(e)
				if a.Policy != "" {
					return nil
				}
				doubt := "receivers apply no DMARC at all"
				if a.Disputed {
					doubt = "many receivers apply no DMARC at all, and none does more than for p=none"
				}
				return fail(High, dmarcRefs(e, a.At), "%s%s, and there is no valid rua: %s", dmarcWhere(e, a.At), dmarcVoidTag(a.Record), doubt)
			},
		},
		{
			ID: "dmarc-policy-missing", Area: AreaDMARC, Severity: Medium,
			Bears: []Bearing{{On: Forgery, From: Low, Weight: Decides, Words: "DMARC names no policy, so it only monitors"}},
			Title: "the record says its policy in tag p",
			Refs:  []string{"RFC 9989 sections 4.7 and 4.10.1", "RFC 7489 section 6.3"},
			When:  dmarcInForce,
			Judge: func(e *gather.Evidence) []Verdict {
				a := dmarcApplied(e)
				if a.Record.Has("p") {
					return nil
				}
				var message strings.Builder
				message.WriteString(dmarcWhere(e, a.At) + "there is no tag p, so receivers take it for p=none")
				for _, tag := range []string{"sp", "np"} {
					if t, ok := a.Record.Tag(tag); ok {
						message.WriteString(fmt.Sprintf(", whatever %s=%s asks", tag, t.Value))
						break
					}
				}
				return fail(Medium, dmarcRefs(e, a.At), "%s; some refuse the record", message.String())
			},
		},
		{
			ID: "dmarc-policy-invalid", Area: AreaDMARC, Severity: High,
			Bears: []Bearing{{On: Forgery, From: High, Weight: Decides, Words: "the DMARC policy is invalid, so it only monitors"}},
			Title: "tag p holds a policy that every receiver understands",
			Refs:  []string{"RFC 9989 sections 4.8 and 4.10.1", "RFC 7489 section 6.6.3"},
			When:  dmarcInForce,
			Judge: dmarcProblems(func(_ dmarc.Record, p dmarc.Problem) Severity {
				switch {
				case p.Code == dmarc.PolicyInvalid:
					return High
				case p.Code == dmarc.KeywordCase && p.Tag == "p":
					return Low
				}
				return ""
			}),
		},
		{
			ID: "dmarc-policy-none", Area: AreaDMARC, Severity: High,
			Bears: []Bearing{{On: Forgery, From: Low, Weight: Decides, Words: "DMARC only monitors (policy none)"}},
			Title: "the policy asks receivers to act on forged mail",
			Refs:  []string{"RFC 9989 sections 3.2.12 and 5.1.7"},
			When:  dmarcInForce,
			Judge: func(e *gather.Evidence) []Verdict {
				a := dmarcApplied(e)
				if a.Policy != dmarc.None {
					return nil
				}
				refs := dmarcRefs(e, a.At)
				works, why, more := dmarcReporting(e)
				if works {
					out := fail(Medium, refs, "%sreceivers are asked to do nothing about forged mail; reports are asked for", dmarcAsks(e, a))
					if open := dmarcReportsOpen(e); len(open) > 0 {
						out = append(out, Verdict{Key: "reports", Status: Unknown, Severity: High, Evidence: open, Message: "whether reports come of it is not known: where they go could not be looked up"})
					}
					return out
				}
				out := fail(Medium, refs, "%sreceivers are asked to do nothing about forged mail", dmarcAsks(e, a))
				if len(a.Record.RUA) > 0 || a.At != e.Domain || !dmarcPublicSuffix(e, a) {
					// An address for reports mends this much.
					out = append(out, Verdict{Key: "reports", Status: Fail, Severity: High, Evidence: append(refs, more...), Message: fmt.Sprintf("%sforged mail is only watched, and nobody watches: no reports come: %s", dmarcAsks(e, a), why)})
				}
				return out
			},
		},
		{
			ID: "dmarc-policy-quarantine", Area: AreaDMARC, Severity: Info,
			Bears: []Bearing{{On: Forgery, From: Info, Weight: Beside, Words: "DMARC has forgeries put aside (policy quarantine)", Good: "DMARC has forgeries rejected"}},
			Title: "the policy is the strictest one",
			Refs:  []string{"RFC 9989 sections 4.7 and 7.4"},
			When: func(e *gather.Evidence) (Status, string) {
				if e.Role.Name == gather.NoMail {
					return NotApplicable, "dmarc-no-mail judges domains without mail"
				}
				return dmarcEnforced(e)
			},
			Judge: func(e *gather.Evidence) []Verdict {
				a := dmarcApplied(e)
				if a.Policy != dmarc.Quarantine {
					return nil
				}
				return fail(Info, dmarcRefs(e, a.At), "%sforged mail goes to the spam folder; reject asks receivers to refuse it, and suits domains whose users do not post to mailing lists", dmarcAsks(e, a))
			},
		},
		{
			ID: "dmarc-testing", Area: AreaDMARC, Severity: Medium,
			Bears: []Bearing{{On: Forgery, From: Low, Weight: Partly, Words: "DMARC is in test mode (t=y)"}},
			Title: "the policy is not marked as a test",
			Refs:  []string{"RFC 9989 section 4.7", "RFC 9989 appendix A.6"},
			When:  dmarcInForce,
			Judge: func(e *gather.Evidence) []Verdict {
				a := dmarcApplied(e)
				if !a.Record.Testing {
					return nil
				}
				refs := dmarcRefs(e, a.At)
				for _, rel := range []dmarc.Relation{a.Relation, dmarc.Self, dmarc.Existing, dmarc.NonExisting} {
					if x := a.Record.Effective(dmarc.RFC9989, rel); x.Demoted {
						return fail(Medium, refs, "%st=y turns %s=%s into %s for receivers that know RFC 9989; older ones apply %s in full",
							dmarcWhere(e, a.At), x.Tag, x.Asked, x.Policy, x.Asked)
					}
				}
				return fail(Info, refs, "%st=y does nothing where the policy is none", dmarcWhere(e, a.At))
			},
		},
		{
			ID: "dmarc-no-mail", Area: AreaDMARC, Severity: High,
			Bears: []Bearing{{On: Forgery, From: High, Weight: Partly, Words: "DMARC does not have all mail rejected", Good: "DMARC has forgeries rejected"}},
			Title: "a domain without mail has the policy reject",
			Refs:  []string{"BSI TR-03182-11", "RFC 9989 section 4.7"},
			When: func(e *gather.Evidence) (Status, string) {
				if e.Role.Name != gather.NoMail {
					return NotApplicable, "the domain has mail: " + e.Role.Why
				}
				return dmarcInForce(e)
			},
			Judge: func(e *gather.Evidence) []Verdict {
				a := dmarcApplied(e)
				switch {
				case a.Policy == dmarc.Reject:
					return nil
				case e.Role.Absent:
					return fail(Medium, dmarcRefs(e, a.At), "%snothing was found that sends mail as this name: if nothing shall, reject has all of it refused", dmarcAsks(e, a))
				}
				return fail(High, dmarcRefs(e, a.At), "%sall mail from this domain is forged, and nothing stands in the way of reject", dmarcAsks(e, a))
			},
		},
		{
			ID: "dmarc-alignment-strict", Area: AreaDMARC, Severity: Info,
			Title: "mail from subdomains counts for the domain (relaxed alignment)",
			Refs:  []string{"RFC 9989 section 4.4"},
			When:  dmarcInForce,
			Judge: func(e *gather.Evidence) []Verdict {
				a := dmarcApplied(e)
				var tags, names []string
				if a.Record.DKIM == "s" {
					tags, names = append(tags, "adkim=s"), append(names, "DKIM's signing domain")
				}
				if a.Record.SPF == "s" {
					tags, names = append(tags, "aspf=s"), append(names, "SPF's sender domain")
				}
				if len(tags) == 0 {
					return nil
				}
				return fail(Info, dmarcRefs(e, a.At), "%s%s: %s must be the very domain of the From field, a subdomain does not do",
					dmarcWhere(e, a.At), strings.Join(tags, " and "), strings.Join(names, " and "))
			},
		},
	}
}

// dmarcAsks begins a message with the policy in force and where it comes from.
func dmarcAsks(e *gather.Evidence, a dmarc.Applied) string {
	where := dmarcWhere(e, a.At)
	switch {
	case a.Fallback:
		return where + dmarcVoidTag(a.Record) + ", and so the policy is none: "
	case a.Demoted:
		return fmt.Sprintf("%s%s=%s counts as %s because of t=y: ", where, a.Tag, a.Asked, a.Policy)
	case a.Relation == dmarc.NonExisting && a.Tag != "p":
		return fmt.Sprintf("%s%s=%s, which applies because the domain does not exist: ", where, a.Tag, a.Policy)
	}
	return fmt.Sprintf("%s%s=%s: ", where, a.Tag, a.Policy)
}

// dmarcVoidTag names the policy tag that a reader stumbles over.
func dmarcVoidTag(r *dmarc.Record) string {
	if !r.Has("p") {
		return "tag p is missing"
	}
	for _, code := range []dmarc.Code{dmarc.PolicyInvalid, dmarc.SubPolicyInvalid} {
		if p := r.Problem(code); p != nil {
			return p.Text
		}
	}
	return "the policy cannot be read"
}

// dmarcReporting tells whether at least one address for aggregate reports works,
// as far as is known; if none does, why the first does not, with the evidence.
func dmarcReporting(e *gather.Evidence) (works bool, why string, refs []wire.Ref) {
	a := dmarcApplied(e)
	if len(a.Record.RUA) == 0 {
		return false, "there is no rua", nil
	}
	for _, u := range a.Record.RUA {
		reason, ref := dmarcBroken(e.DMARC, u)
		if reason == "" {
			return true, "", nil
		}
		if why == "" {
			why, refs = reason, ref
		}
	}
	return false, why, refs
}

// dmarcReportsOpen gives the requests for want of which it is not known whether any
// address for aggregate reports works; none where one does.
func dmarcReportsOpen(e *gather.Evidence) []wire.Ref {
	var open []wire.Ref
	for _, u := range dmarcApplied(e).Record.RUA {
		if why, _ := dmarcBroken(e.DMARC, u); why != "" || e.DMARC.Reports == nil {
			continue
		}
		known := true
		for _, dest := range e.DMARC.Reports.Destinations {
			switch {
			case dest.Host != u.Host:
			case dest.Route.State() == route.Unknown:
				known = false
				for _, a := range dest.Route.Asked() {
					open = append(open, a.Ref)
				}
			case dest.External && dest.Authorisation.Unknown():
				known = false
				open = append(open, dest.Authorisation.Ref)
			}
		}
		if known {
			return nil
		}
	}
	return open
}

// dmarcBroken says why reports do not get to an address, with the evidence; ""
// where nothing proves that they do not.
func dmarcBroken(d *dmarc.Discovery, u dmarc.URI) (why string, refs []wire.Ref) {
	switch {
	case !u.Valid:
		return fmt.Sprintf("%q is no valid address", dmarcShort(u.Raw)), nil
	case u.Scheme != "mailto":
		return fmt.Sprintf("%q is no mailto address", dmarcShort(u.Raw)), nil
	case d.Reports == nil:
		return "", nil
	}
	for _, dest := range d.Reports.Destinations {
		if dest.Host != u.Host {
			continue
		}
		if why := dmarcDeadEnd(dest.Route); why != "" {
			return dest.Host + " " + why, []wire.Ref{dest.Route.MX.Ref}
		}
		if dest.External && !dest.ExternalUnknown && !dest.Authorisation.Given() && !dest.Authorisation.Unknown() {
			return dest.Host + " does not agree to get them", []wire.Ref{dest.Authorisation.Ref}
		}
		if dest.External && !dest.ExternalUnknown && len(dest.Authorisation.Elsewhere("rua")) > 0 {
			return dest.Host + " agrees, but sends them on to another domain, which is not allowed", []wire.Ref{dest.Authorisation.Ref}
		}
	}
	return "", nil
}

// dmarcShort shortens text from outside.
func dmarcShort(s string) string {
	if len(s) > 80 {
		return s[:77] + "..."
	}
	return s
}
