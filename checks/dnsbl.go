package checks

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/dnsbl"
	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// Rules on what DNS block lists say about the addresses that the domain sends
// from, about its MX hosts and about its name. An answer counts only where the
// list passed its test in this run and documents the answer; everything else is
// unknown, and never clean. Rules about the lists themselves are in
// dnsbl_lists.go.
func dnsblRules() []Rule {
	return slices.Concat([]Rule{
		{
			ID: "dnsbl-listed", Area: AreaReputation, Severity: Critical,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "an address or the name is on a block list", Good: "on no block list"}},
			Title: "no sending address and no name of the domain is on a block list",
			Refs:  []string{"RFC 5782 section 2.1", "RFC 5782 section 3", "RFC 6471"},
			When:  asksLists,
			Judge: judgeListed,
		},
		{
			ID: "dnsbl-policy-listed", Area: AreaReputation, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "it sends from an address range of end users"}},
			Title: "no sending address is in a range of end users",
			Refs:  []string{"Spamhaus PBL FAQ"},
			When:  asksAboutSenders,
			Judge: judgePolicyListed,
		},
		{
			ID: "dnsbl-inbound-listed", Area: AreaReputation, Severity: Info,
			Title: "no address that only receives mail is on a block list",
			Refs:  []string{"practice of receivers: only the sending side is looked up"},
			When:  asksAboutReceivers,
			Judge: judgeInboundListed,
		},
		{
			ID: "dnsbl-allow-listed", Area: AreaReputation, Severity: Info,
			Title: "no allow list knows a sending address",
			Refs:  []string{"RFC 8904"},
			When:  asksAboutSenders,
			Judge: judgeAllowListed,
		},
	}, listRules())
}

// asksLists guards rules about block lists.
func asksLists(e *gather.Evidence) (Status, string) {
	if why := e.Blocklists.NotAsked; why != "" {
		return NotAsked, why
	}
	return "", ""
}

func asksAboutSenders(e *gather.Evidence) (Status, string) {
	if status, why := asksLists(e); status != "" {
		return status, why
	}
	if slices.ContainsFunc(e.Blocklists.Addresses, sendsMail) {
		return "", ""
	}
	switch {
	case !e.Role.Sends():
		return NotApplicable, "the domain is not expected to send mail: " + e.Role.Why
	case len(lostListed(e)) > 0, e.SPF.Incomplete && len(e.Blocklists.Addresses) > 0:
		return "", ""
	case len(e.Blocklists.Wide) > 0:
		return NotApplicable, fmt.Sprintf("SPF names no single sending address of the domain's own, only ranges such as %s: name the addresses with --send-ip", e.Blocklists.Wide[0])
	case len(e.Blocklists.Special) > 0:
		return NotApplicable, fmt.Sprintf("%s is no address of the public internet: no list can have it", e.Blocklists.Special[0])
	}
	return NotApplicable, "no sending address of the domain's own is known: name one with --send-ip"
}

func asksAboutReceivers(e *gather.Evidence) (Status, string) {
	if status, why := asksLists(e); status != "" {
		return status, why
	}
	if !slices.ContainsFunc(e.Blocklists.Addresses, receivesOnly) && len(lostListedHosts(e)) == 0 {
		return NotApplicable, "no address of the domain's own is known to receive only"
	}
	return "", ""
}

func sendsMail(a gather.ListedAddress) bool    { return a.Sends }
func receivesOnly(a gather.ListedAddress) bool { return !a.Sends }

// A listedSubject is an address or a name, and what the lists say about it.
type listedSubject struct {
	Subject string
	Results []dnsbl.Result
	Ranged  bool
	Note    string // why it counts, for the message
	Doubt   bool   // whether it sends is not known
}

func listedAddresses(e *gather.Evidence, keep func(gather.ListedAddress) bool) []listedSubject {
	var out []listedSubject
	for _, a := range e.Blocklists.Addresses {
		if !keep(a) && !perhapsSends(e, a) {
			continue
		}
		s := listedSubject{Subject: a.IP.String(), Results: a.Results, Ranged: a.Ranged, Note: a.Why, Doubt: perhapsSends(e, a)}
		if a.Host != "" {
			s.Subject = fmt.Sprintf("%s [%s]", a.Host, a.IP)
		}
		out = append(out, s)
	}
	return out
}

func listedNames(e *gather.Evidence) []listedSubject {
	var out []listedSubject
	for _, n := range e.Blocklists.Names {
		out = append(out, listedSubject{Subject: n.Name, Results: n.Results})
	}
	return out
}

// What of a hit a rule looks at.
func accuses(h dnsbl.Hit) bool       { return !h.Policy && h.Weight != dnsbl.Never }
func isPolicy(h dnsbl.Hit) bool      { return h.Policy && h.Weight != dnsbl.Never }
func vouchesFor(dnsbl.Hit) bool      { return true }
func isBlockList(l *dnsbl.List) bool { return l.Role == dnsbl.RoleBlock }
func isAllowList(l *dnsbl.List) bool { return l.Role == dnsbl.RoleAllow }

// isScored reports whether a listing there can cost anything, so that silence of
// the list is worth a word. What other lists fail to say is not missed.
func isScored(l *dnsbl.List) bool { return isBlockList(l) && l.Weight().Heavier(dnsbl.Info) }

func saysPolicy(l *dnsbl.List) bool { return isBlockList(l) && l.Policy() }

func judgeListed(e *gather.Evidence) []Verdict {
	out := listQuestion{
		subjects: append(listedAddresses(e, sendsMail), listedNames(e)...),
		lost:     lostListed(e),
		kind:     isBlockList, missed: isScored, counts: accuses, worst: Critical,
		tell: func(_ listedSubject, r dnsbl.Result, w dnsbl.Weight) (Severity, string) {
			return Severity(w), "on " + describeHits(r, accuses) + delistPage(r)
		},
	}.judge(e)
	if n := e.Blocklists.More - e.Blocklists.MoreKnown; n > 0 {
		out = append(out, Verdict{Key: "more", Status: NotAsked, Message: fmt.Sprintf("%d further addresses of ranges in SPF were not asked about", n)})
	}
	out = append(out, boundListed(e)...)
	for _, p := range e.Blocklists.Wide {
		out = append(out, Verdict{Key: p.String(), Status: NotAsked, Message: fmt.Sprintf("SPF lets all of %s send: too many addresses to ask about", p)})
	}
	return out
}

func judgePolicyListed(e *gather.Evidence) []Verdict {
	out := listQuestion{
		subjects: listedAddresses(e, sendsMail),
		lost:     lostListed(e),
		kind:     saysPolicy, missed: isScored, counts: isPolicy, worst: High,
		tell: func(s listedSubject, r dnsbl.Result, w dnsbl.Weight) (Severity, string) {
			message := "on " + describeHits(r, isPolicy) + ": receivers take no mail straight from there" + delistPage(r)
			if s.Ranged && Severity(w).Worse(Low) {
				return Low, message + "; it is known only as a part of " + s.Note + ", so perhaps it sends nothing"
			}
			return Severity(w), message
		},
	}.judge(e)
	return append(out, boundListed(e)...)
}

func judgeInboundListed(e *gather.Evidence) []Verdict {
	out := listQuestion{
		subjects: listedAddresses(e, receivesOnly),
		lost:     lostListedHosts(e),
		kind:     isBlockList, missed: isScored, counts: accuses, worst: Info,
		tell: func(_ listedSubject, r dnsbl.Result, _ dnsbl.Weight) (Severity, string) {
			return Info, "on " + describeHits(r, accuses) + ", but SPF lets it send nothing, and receivers look up senders only"
		},
	}.judge(e)
	if n := e.Blocklists.MoreHosts; n > 0 {
		out = append(out, Verdict{Key: "more", Status: NotAsked, Message: fmt.Sprintf("%d further addresses of mail hosts were not asked about", n)})
	}
	return out
}

func judgeAllowListed(e *gather.Evidence) []Verdict {
	return listQuestion{
		subjects: listedAddresses(e, sendsMail),
		lost:     lostListed(e),
		kind:     isAllowList, missed: isAllowList, counts: vouchesFor, worst: Info,
		tell: func(_ listedSubject, r dnsbl.Result, _ dnsbl.Weight) (Severity, string) {
			return Info, "on the allow list " + describeHits(r, vouchesFor) + ": good news"
		},
	}.judge(e)
}

// A listQuestion is what one rule wants to know from the lists.
type listQuestion struct {
	subjects []listedSubject
	lost     []Verdict              // on subjects that should be among them, and are not known
	kind     func(*dnsbl.List) bool // which lists are looked at
	missed   func(*dnsbl.List) bool // which of them are missed where they say nothing
	counts   func(dnsbl.Hit) bool   // which hits count
	worst    Severity               // that the rule can give
	tell     func(listedSubject, dnsbl.Result, dnsbl.Weight) (Severity, string)
}

func (q listQuestion) judge(e *gather.Evidence) []Verdict {
	gaps := q.gaps(e)
	var out []Verdict
	asked := false
	for _, s := range q.subjects {
		results := slices.DeleteFunc(slices.Clone(s.Results), func(r dnsbl.Result) bool { return !q.kind(r.List) })
		if len(results) == 0 {
			continue // no list of the kind was chosen
		}
		asked = true
		s.Results = results
		verdicts := q.about(s)
		if s.Doubt {
			verdicts = doubtful(verdicts)
		}
		if len(verdicts) == 0 && len(gaps) == 0 {
			verdicts = []Verdict{{
				Subject: s.Subject, Status: Unknown, Severity: Info, Message: "no list that works has entries of its kind",
				Evidence: healthRefs(e.Blocklists.Health),
			}}
		}
		out = append(out, verdicts...)
	}
	if len(q.lost) > 0 && slices.ContainsFunc(e.Blocklists.Selection.Lists, func(l *dnsbl.List) bool { return q.kind(l) && l.Kind == dnsbl.KindIP }) {
		out, asked = append(out, q.lost...), true
	}
	if !asked {
		return []Verdict{{Status: NotAsked, Message: "no list of the kind is chosen"}}
	}
	if known := cleanSubjects(out); known != "" {
		for i := range gaps {
			gaps[i].Message += "; not found on the lists that answered: " + known
		}
	}
	return append(out, gaps...)
}

// cleanSubjects names those that some list was asked about and none has.
func cleanSubjects(verdicts []Verdict) string {
	var out []string
	for _, v := range verdicts {
		if v.Status == Pass {
			out = append(out, v.Subject)
		}
	}
	if len(out) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(out[:3], ", "), len(out)-3)
	}
	return strings.Join(out, ", ")
}

// about goes through what the lists say about one subject. It gives nothing where
// no list said anything. What one list fails to say does not take away what the
// others do: beside it stands on how many of them the subject is not.
func (q listQuestion) about(s listedSubject) []Verdict {
	var out []Verdict
	var refs []wire.Ref
	var silent []string
	answered := 0
	for _, r := range s.Results {
		switch r.State {
		case dnsbl.Clean, dnsbl.Listed:
			answered++
			refs = append(refs, r.Refs()...)
			if w := r.Weight(q.counts); r.State == dnsbl.Listed && w != dnsbl.Never {
				sev, message := q.tell(s, r, w)
				out = append(out, Verdict{Subject: s.Subject, Key: r.List.ID, Status: Fail, Severity: sev, Message: message, Evidence: r.Refs()})
			}
		case dnsbl.Unsupported:
		default:
			silent = append(silent, r.List.Name)
			if r.Health.Works() && q.missed(r.List) {
				out = append(out, Verdict{
					Subject: s.Subject, Key: r.List.ID, Status: Unknown, Severity: q.severity(r.List),
					Message: r.List.Name + " not checked: " + r.Why, Evidence: r.Refs(), NoFault: r.State == dnsbl.Refused,
				})
			} else if !q.missed(r.List) && r.State != dnsbl.Refused { // worth a mention where it lists somebody, and so here
				out = append(out, Verdict{
					Subject: s.Subject, Key: r.List.ID, Status: Unknown, Severity: Info,
					Message: r.List.Name + " not checked: " + r.Why, Evidence: r.Refs(),
				})
			}
		}
	}
	if answered == 0 || slices.ContainsFunc(out, func(v Verdict) bool { return v.Status == Fail }) {
		return out
	}
	message := onNone(answered)
	for i := range out {
		out[i].Message += "; " + message
	}
	if len(silent) > 0 {
		message += "; not checked: " + strings.Join(silent, ", ")
	}
	return append(out, Verdict{Subject: s.Subject, Status: Pass, Message: message, Evidence: refs})
}

func onNone(lists int) string {
	if lists == 1 {
		return "looked up on 1 list that works, and not found"
	}
	return fmt.Sprintf("looked up on %d lists that work, and found on none", lists)
}

// gaps says which lists that are missed gave no answer at all, or in one verdict
// that this is so for most of them. A list that is broken is no gap: nobody can
// learn anything from it, and dnsbl-list-broken tells of it.
func (q listQuestion) gaps(e *gather.Evidence) []Verdict {
	var out []Verdict
	worst := Severity("")
	for _, l := range e.Blocklists.Selection.Lists {
		i := slices.IndexFunc(e.Blocklists.Health, func(h dnsbl.Health) bool {
			return h.List == l && !h.Works() && q.concerns(h)
		})
		if i < 0 || !q.kind(l) || !q.missed(l) {
			continue
		}
		if worst == "" || q.severity(l).Worse(worst) {
			worst = q.severity(l)
		}
		if h := e.Blocklists.Health[i]; h.State != dnsbl.Broken {
			out = append(out, Verdict{
				Key: l.ID, Status: Unknown, Severity: q.severity(l),
				Message: l.Name + " not checked: " + h.Why, Evidence: healthRefs([]dnsbl.Health{h}), NoFault: h.State == dnsbl.Refused,
			})
		}
	}
	if why, refs := resolverFailsLists(e); why != "" && worst != "" {
		silent := slices.ContainsFunc(out, func(v Verdict) bool { return !v.NoFault })
		return []Verdict{{Key: "lists", Status: Unknown, Severity: worst, Message: why, Evidence: refs, NoFault: !silent}}
	}
	return out
}

// concerns reports whether a test is that of a list, and of an address family,
// which a subject needs.
func (q listQuestion) concerns(h dnsbl.Health) bool {
	return slices.ContainsFunc(q.subjects, func(s listedSubject) bool {
		return slices.ContainsFunc(s.Results, func(r dnsbl.Result) bool { return r.List == h.List && r.Health.IPv6 == h.IPv6 })
	})
}

// severity gives what an answer of the list could have cost.
func (q listQuestion) severity(l *dnsbl.List) Severity {
	if w := Severity(l.Weight()); q.worst.Worse(w) && l.Weight() != dnsbl.Never {
		return w
	}
	return q.worst
}

// describeHits names the list, the hits that count, and the list's own words.
func describeHits(r dnsbl.Result, counts func(dnsbl.Hit) bool) string {
	var parts []string
	for _, h := range r.Hits {
		if counts(h) {
			parts = append(parts, h.String()+", "+h.Means)
		}
	}
	out := r.List.Name + ": " + strings.Join(parts, "; ")
	if len(r.Reasons) > 0 {
		out += fmt.Sprintf("; reason given: %q", r.Reasons[0])
	}
	return out
}

// delistPage names the page that explains an entry, unless the list's own words do.
func delistPage(r dnsbl.Result) string {
	if r.List.Delist == "" || len(r.Reasons) > 0 && strings.Contains(r.Reasons[0], "://") {
		return ""
	}
	return "; explained at " + r.List.Delist
}

// healthRefs gives one question for each test: that which shows its outcome best.
func healthRefs(tests []dnsbl.Health) []wire.Ref {
	var out []wire.Ref
	for _, h := range tests {
		if len(h.Asked) > 0 {
			out = append(out, h.Asked[0].Ref)
		}
	}
	return out
}
