package checks

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/dkim"
	"mxvet/internal/dmarc"
	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// dmarcSenderRules is about what an enforced policy does to the domain's own
// mail.
func dmarcSenderRules() []Rule {
	return []Rule{
		{
			ID: "dmarc-unauthenticated", Area: AreaDMARC, Severity: Critical,
			Bears: []Bearing{
				{On: Arrival, From: Critical, Weight: Decides, Direction: MailFrom, Words: "all its own mail fails its DMARC policy", About: "its own mail under DMARC"},
				{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "its own mail may fail its DMARC policy", About: "its own mail under DMARC"},
			},
			Title: "the domain's own mail can pass DMARC",
			Refs:  []string{"RFC 9989 section 5.1.6"},
			When:  dmarcSending,
			Judge: func(e *gather.Evidence) []Verdict {
				spf, why, refs := spfOwnMail(e)
				key := dmarcKeys(e)
				a := dmarcApplied(e)
				refs = append(slices.Clone(refs), dmarcRefs(e, a.At)...)
				refs = append(refs, key.refs...)
				switch {
				case spf == ownPasses, key.state == keyThere:
					return nil
				case spf == ownUnknown:
					return unknown(refs, "SPF: %s; and no DKIM key is known", why)
				case key.state == keyUnknown, key.state == keyUnproven:
					return unknown(refs, "%s, and %s: only mail signed with a key that is not known here can pass", why, key.why)
				case spf == ownFails:
					return fail(Critical, refs, "all mail of the domain fails while the policy is %s: %s, and %s", a.Policy, why, key.why)
				}
				sev := High
				if spf == ownHosts {
					sev = Medium
				}
				return fail(sev, refs, "all mail of the domain fails at receivers that count them while the policy is %s: %s, and %s", a.Policy, why, key.why)
			},
		},
		{
			ID: "dmarc-without-dkim", Area: AreaDMARC, Severity: High,
			Title: "an enforced policy does not rest on SPF alone",
			Refs:  []string{"RFC 9989 sections 7.4 and 8"},
			Bears: []Bearing{{
				On: Arrival, From: High, Weight: Partly, Direction: MailFrom,
				Words: "reject without DKIM loses forwarded mail",
			}},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := dmarcSending(e); status != "" {
					return status, why
				}
				if spf, _, _ := spfOwnMail(e); spf != ownPasses && spf != ownUnknown && dmarcKeys(e).state != keyThere {
					return NotApplicable, "dmarc-unauthenticated judges mail that neither SPF nor DKIM covers"
				}
				return "", ""
			},
			Judge: func(e *gather.Evidence) []Verdict {
				key := dmarcKeys(e)
				a := dmarcApplied(e)
				refs := append(dmarcRefs(e, a.At), key.refs...)
				switch key.state {
				case keyAbsent, keyFailing:
					if a.Asked == dmarc.Reject {
						return fail(High, refs, "the policy is reject, but %s: forwarded mail fails, and reject must not rest on SPF alone", key.why)
					}
					return fail(Medium, refs, "the policy is %s, but %s: forwarded mail fails", a.Policy, key.why)
				case keyUnproven:
					sev := Medium
					if a.Asked == dmarc.Reject {
						sev = High
					}
					return []Verdict{{Status: Unknown, Severity: sev, Evidence: refs, Message: fmt.Sprintf("the policy is %s, and %s; name the selectors that sign, to have them judged", a.Policy, key.why)}}
				case keyUnknown:
					return unknown(refs, "%s", key.why)
				}
				return nil
			},
		},
		{
			ID: "dmarc-reject-users", Area: AreaDMARC, Severity: Info,
			Title: "the policy spares users who post to mailing lists",
			Refs:  []string{"RFC 9989 section 7.4"},
			When: func(e *gather.Evidence) (Status, string) {
				if e.Role.Name != gather.Full {
					return NotApplicable, "the domain has no mailboxes that send: " + e.Role.Why
				}
				return dmarcEnforced(e)
			},
			Judge: func(e *gather.Evidence) []Verdict {
				a := dmarcApplied(e)
				if a.Policy != dmarc.Reject {
					return nil
				}
				return fail(Info, dmarcRefs(e, a.At), "%swhat users post to mailing lists that change messages may be refused; fine if nobody does", dmarcAsks(e, a))
			},
		},
	}
}

// dmarcSending guards the rules about a sending domain with an enforced policy. A
// name with neither MX nor SPF counts as full for want of proof; that is not
// enough to say that its mail is lost.
func dmarcSending(e *gather.Evidence) (Status, string) {
	switch root := e.SPF.Root; {
	case !e.Role.Sends():
		return NotApplicable, "the domain sends no mail: " + e.Role.Why
	case !e.Role.Stated && e.Gone():
		return NotApplicable, "the domain does not exist, so it sends no mail"
	case !e.Role.Stated && e.MX.Answer.OK() && len(e.MX.Records) == 0 && root.TXT.Usable() && len(root.Records) == 0:
		return NotApplicable, "nothing shows that the domain sends mail: it has neither MX nor SPF records"
	}
	return dmarcEnforced(e)
}

// What is known about the domain's DKIM keys.
type keyState int

const (
	keyThere    keyState = iota // a usable one was found
	keyUnproven                 // none was found, but selectors cannot be listed
	keyFailing                  // none of the selectors that the user named has a usable key
	keyAbsent                   // proof that there is none
	keyUnknown                  // no answers
)

type keyVerdict struct {
	state keyState
	why   string // nothing for keyThere
	refs  []wire.Ref
}

// Unsigned reports proof that there is no DKIM key with which mail of the domain
// could be signed.
func Unsigned(e *gather.Evidence) bool {
	state := dmarcKeys(e).state
	return state == keyAbsent || state == keyFailing
}

func dmarcKeys(e *gather.Evidence) keyVerdict {
	var named []string
	var refs []wire.Ref
	silent := ""
	for _, s := range e.DKIM.Selectors {
		if s.Usable() {
			return keyVerdict{state: keyThere, refs: []wire.Ref{s.Ref}}
		}
		if !s.Named() {
			continue
		}
		named = append(named, s.Name)
		if s.Invalid == "" {
			refs = append(refs, s.Ref)
			if !s.Answer.OK() {
				silent = s.Owner + ": " + s.Answer.Fail.String()
			}
		}
	}
	base := e.DKIM.Base
	switch exist := e.DKIM.CanExist(); {
	case exist != dkim.ExistNo && e.MoreSelectors > 0:
		return keyVerdict{keyUnknown, "not every known selector was asked", []wire.Ref{base.Ref}}
	case silent != "":
		return keyVerdict{keyUnknown, silent, refs}
	case exist == dkim.ExistNo:
		return keyVerdict{keyAbsent, "there is no DKIM key (" + base.Owner + " does not exist)", []wire.Ref{base.Ref}}
	case dkimZoneNone(e):
		return keyVerdict{keyAbsent, "the zone file has no usable DKIM key", []wire.Ref{base.Ref}}
	case len(named) > 0:
		return keyVerdict{keyFailing, "there is no usable DKIM key for selector " + strings.Join(named, ", "), refs}
	case exist == dkim.ExistUnknown && base.Answer.OK() && !e.DKIM.BrokenDenial():
		s := e.DKIM.Unheard()
		return keyVerdict{keyUnknown, s.Owner + ": " + s.Answer.Fail.String(), []wire.Ref{base.Ref, s.Ref}}
	case exist == dkim.ExistUnknown && base.Answer.OK():
		return keyVerdict{keyUnknown, "the name servers deny " + base.Owner + ", but not names below it", []wire.Ref{base.Ref}}
	case exist == dkim.ExistUnknown:
		return keyVerdict{keyUnknown, base.Owner + ": " + base.Answer.Fail.String(), []wire.Ref{base.Ref}}
	}
	return keyVerdict{keyUnproven, "no DKIM key was found at the usual selectors", []wire.Ref{base.Ref}}
}
