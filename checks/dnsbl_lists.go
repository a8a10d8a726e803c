package checks

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/dnsbl"
	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// Rules on the lists themselves: whether they answer us, and whether they can be
// believed. They speak of the place that was asked from and of the list, not of
// the domain, so they cost nothing.
func listRules() []Rule {
	return []Rule{
		{
			ID: "dnsbl-refused", Area: AreaReputation, Severity: Info,
			Title: "the block lists answer the questions of this resolver",
			Refs:  []string{"RFC 8904 section 2", "RFC 6471", "Spamhaus DNSBL usage: return codes"},
			When:  asksLists,
			Judge: judgeRefused,
		},
		{
			ID: "dnsbl-list-broken", Area: AreaReputation, Severity: Info,
			Title: "the block lists that are asked can be believed",
			Refs:  []string{"RFC 5782 section 5", "RFC 5782 section 2.3"},
			When: func(e *gather.Evidence) (Status, string) {
				if len(e.Blocklists.Selection.Dead)+len(e.Blocklists.Selection.Unknown) > 0 {
					return "", "" // to be told even where nothing else was chosen
				}
				return asksLists(e)
			},
			Judge: judgeBrokenLists,
		},
		{
			ID: "dnsbl-no-ipv6", Area: AreaReputation, Severity: Info,
			Title: "the chosen block lists have IPv6 addresses too",
			Refs:  []string{"RFC 5782 section 2.4"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := asksLists(e); status != "" {
					return status, why
				}
				if !slices.ContainsFunc(e.Blocklists.Addresses, func(a gather.ListedAddress) bool { return a.IP.Is6() }) {
					if lost := lostListed(e); len(lost) > 0 {
						return Unknown, "whether there is an IPv6 address to ask about is not known: " + lost[0].Message
					}
					return NotApplicable, "there is no IPv6 address to ask about"
				}
				return "", ""
			},
			Judge: judgeNoIPv6,
		},
	}
}

// mainTests gives the test that says most about each list: not that for IPv6
// where there is another.
func mainTests(e *gather.Evidence) []dnsbl.Health {
	return slices.DeleteFunc(slices.Clone(e.Blocklists.Health), func(h dnsbl.Health) bool { return h.IPv6 && h.List.IPv4 })
}

// resolverFailsLists says why what is wrong with the lists is wrong with the
// resolver: most of them refuse, two say that too many share it, or none can be
// reached. It gives "" where they work, or where it is a matter of single lists.
func resolverFailsLists(e *gather.Evidence) (why string, refs []wire.Ref) {
	tests := mainTests(e)
	var refused, silent, absent, elsewhere []dnsbl.Health
	shared := 0 // lists that say that the resolver asks for too many people
	for _, h := range tests {
		if h.Shared {
			shared++
		}
		switch {
		case h.State == dnsbl.Refused:
			refused = append(refused, h)
		case h.State == dnsbl.NoAnswer:
			silent = append(silent, h)
		case h.Absent:
			absent = append(absent, h)
		case h.Elsewhere:
			elsewhere = append(elsewhere, h)
		}
	}
	if len(tests) < 2 {
		return "", nil
	}
	switch all := len(tests); {
	case 2*len(refused) >= all, shared > 1:
		return fmt.Sprintf("%d of %d lists refuse to answer this resolver: lists refuse public and shared ones", len(refused), all), healthRefs(refused)
	case len(silent) == all:
		return fmt.Sprintf("none of %d lists answers: %s", all, silent[0].Why), healthRefs(silent)
	case len(absent)+len(silent) == all:
		return fmt.Sprintf("none of %d lists has its test entry: they cannot be reached through this resolver", all), healthRefs(append(absent, silent...))
	case len(elsewhere)+len(silent) == all:
		return fmt.Sprintf("all of %d lists seem to answer with addresses that no list uses: the resolver invents answers", all), healthRefs(append(elsewhere, silent...))
	}
	return "", nil
}

func judgeRefused(e *gather.Evidence) []Verdict {
	var out []Verdict
	var why []string
	for _, l := range e.Blocklists.Selection.Lists {
		if said, refs := refusal(e, l); said != "" {
			out = append(out, Verdict{Key: l.ID, Status: Fail, Severity: Info, Evidence: refs, Message: l.Name + " does not answer: " + said + refusalAdvice(l)})
			why = append(why, l.Name+": "+said)
		}
	}
	if names, refs := silentLists(e); len(names) > 0 {
		out = append(out, Verdict{Key: "silent", Status: Unknown, Evidence: refs, Message: "whether they refuse to answer is not known, as some answer did not come: " + dnsList(names)})
	}
	if all, refs := resolverFailsLists(e); all != "" && len(why) > 1 {
		return fail(Info, refs, "%s; what they list is unknown, not clean; ask through a resolver of your own, or with a key (%s)", all, strings.Join(why, "; "))
	}
	return append(out, unaskedOfLists(e)...)
}

// refusal says how a list refused: its test, or one of the questions after it.
func refusal(e *gather.Evidence, l *dnsbl.List) (why string, refs []wire.Ref) {
	for _, h := range e.Blocklists.Health {
		if h.List == l && h.State == dnsbl.Refused {
			return h.Why, healthRefs([]dnsbl.Health{h})
		}
	}
	for _, s := range append(listedAddresses(e, func(gather.ListedAddress) bool { return true }), listedNames(e)...) {
		for _, r := range s.Results {
			if r.List == l && r.State == dnsbl.Refused {
				return r.Why, r.Refs()
			}
		}
	}
	return "", nil
}

func refusalAdvice(l *dnsbl.List) string {
	switch {
	case l.NeedsKey:
		return "; it answers only those who registered with it"
	case l.Keyed != "":
		return "; ask through a resolver of your own, or with a key"
	}
	return "; ask through a resolver of your own"
}

func judgeBrokenLists(e *gather.Evidence) []Verdict {
	var out []Verdict
	for _, d := range e.Blocklists.Selection.Dead {
		since := ""
		if d.Dead.Since != "" {
			since = " since " + d.Dead.Since
		}
		out = append(out, Verdict{
			Key: d.Zone, Status: Fail, Severity: Info,
			Message: fmt.Sprintf("%s (%s) is dead%s: %s; it was not asked: take it out of your choice of lists", d.Dead.Name, d.Zone, since, d.Dead.Why),
		})
	}
	for _, name := range e.Blocklists.Selection.Unknown {
		out = append(out, Verdict{Key: name, Status: Fail, Severity: Info, Message: fmt.Sprintf("%q is neither the id of a list nor a zone", name)})
	}
	if why, refs := resolverFailsLists(e); why != "" && !slices.ContainsFunc(mainTests(e), func(h dnsbl.Health) bool { return h.State != dnsbl.NoAnswer && h.State != dnsbl.Broken }) {
		return append(out, Verdict{Status: Unknown, Severity: Info, Message: why, Evidence: refs})
	}
	for _, h := range mainTests(e) {
		v := Verdict{Key: h.List.ID, Severity: Info, Evidence: healthRefs([]dnsbl.Health{h})}
		switch h.State {
		case dnsbl.Broken:
			v.Status, v.Message = Fail, fmt.Sprintf("%s (%s) was left out: %s", h.List.Name, h.List.Zone, h.Why)
		case dnsbl.NoAnswer:
			v.Status, v.Message = Unknown, fmt.Sprintf("%s (%s) could not be tested: %s", h.List.Name, h.List.Zone, h.Why)
		default:
			continue
		}
		out = append(out, v)
	}
	for _, s := range append(listedAddresses(e, func(gather.ListedAddress) bool { return true }), listedNames(e)...) {
		for _, r := range s.Results {
			if r.Health.Works() && r.State == dnsbl.Broken {
				out = append(out, Verdict{
					Subject: s.Subject, Key: r.List.ID, Status: Fail, Severity: Info, Evidence: r.Refs(),
					Message: fmt.Sprintf("what %s answers about it is no listing: %s", r.List.Name, r.Why),
				})
			}
		}
	}
	if names, refs := silentLists(e); len(names) > 0 {
		out = append(out, Verdict{Key: "silent", Status: Unknown, Evidence: refs, Message: "some answer did not come from " + dnsList(names)})
	}
	return append(out, unaskedOfLists(e)...)
}

// judgeNoIPv6 looks at lists that the user named, and at those that should have
// IPv6 addresses by what is known about them. That most lists have none is no
// news.
func judgeNoIPv6(e *gather.Evidence) []Verdict {
	var out []Verdict
	works := func(l *dnsbl.List) bool {
		return slices.ContainsFunc(e.Blocklists.Health, func(h dnsbl.Health) bool { return h.List == l && !h.IPv6 && h.Works() })
	}
	untold := func(l *dnsbl.List, six bool) bool {
		return slices.ContainsFunc(e.Blocklists.Health, func(h dnsbl.Health) bool {
			return h.List == l && h.IPv6 == six && h.State == dnsbl.NoAnswer
		})
	}
	for _, l := range e.Blocklists.Selection.Lists {
		if l.Kind != dnsbl.KindIP {
			continue
		}
		if !l.IPv6 && works(l) && slices.Contains(e.Blocklists.Selection.Named, l) {
			out = append(out, Verdict{Key: l.ID, Status: Fail, Severity: Info, Message: l.Name + " has no IPv6 addresses: those of the domain were not checked there"})
		}
		if named := slices.Contains(e.Blocklists.Selection.Named, l); !l.IPv6 && named && untold(l, false) || l.IPv6 && (untold(l, false) || untold(l, true)) {
			out = append(out, Verdict{Key: l.ID, Status: Unknown, Severity: Info, Evidence: healthRefs(e.Blocklists.Health), Message: l.Name + " could not be tested: whether it has IPv6 addresses is not known"})
			continue
		}
		for _, h := range e.Blocklists.Health {
			if h.List == l && h.IPv6 && h.Absent && works(l) {
				out = append(out, Verdict{
					Key: l.ID, Status: Fail, Severity: Info, Evidence: healthRefs([]dnsbl.Health{h}),
					Message: l.Name + " has no test entry for IPv6, so it seems to have no IPv6 addresses: those of the domain were not checked there",
				})
			}
		}
	}
	return out
}
