package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"mxvet/checks"
	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// Fingerprint identifies a finding over time: a hash of rule, subject and key,
// never of text or numbers, as 16 hexadecimal digits.
func Fingerprint(rule, subject, key string) string {
	sum := sha256.Sum256([]byte(rule + "\x00" + subject + "\x00" + key))
	return hex.EncodeToString(sum[:8])
}

// Build makes the result of one domain. Fixes, drift, the outcome of the fixes
// and history are the caller's to add.
func Build(e *gather.Evidence, results []checks.Result, rubric *Rubric) Domain {
	d := Judge(e, results, rubric)
	d.MX = exchangers(e, d.Findings)
	d.SPF = spfTree(e.SPF)
	d.Timeline = timeline(e)
	d.Unanswered = unanswered(e, results)
	return d
}

// Judge makes the part of the result that follows from the verdicts: profile,
// score, areas, answers, and the lists of findings, unknowns and the rest.
func Judge(e *gather.Evidence, results []checks.Result, rubric *Rubric) Domain {
	d := Domain{
		Name: e.Domain, Unicode: e.Domain,
		Profile: Profile{Role: e.Role.Name, Stated: e.Role.Stated, Unproven: e.Role.Unproven, Why: e.Role.Why},
	}
	if u, err := idna.Lookup.ToUnicode(e.Domain); err == nil {
		d.Unicode = u
	}
	if d.Profile.Role == "" {
		d.Profile.Role = gather.Full
	}
	d.Score, d.Areas = rubric.Score(d.Profile.Role, results)
	d.Score.Suffix = suffixes(e.Options)
	d.addResults(results, rubric, causesOf(e))
	d.Answers = answers(e, d.Profile.Role, results)
	d.Score.stand(d.Score.Coverage, rubric.MinCoverage, d.Answers, mainReason(&d))
	d.Score.hold(e, rubric, d.Profile.Role, results)
	return d
}

// addResults fills the lists of findings, unknowns and the rest.
func (d *Domain) addResults(results []checks.Result, rubric *Rubric, why causes) {
	costs := map[string]Points{}
	for _, a := range d.Areas {
		for _, c := range a.Costs {
			costs[c.Rule] = c.Points
		}
	}
	for _, res := range results {
		r := res.Rule
		worst, _ := worstFailure(res)
		for _, v := range res.Verdicts {
			switch v.Status {
			case checks.Fail:
				f := Finding{
					Rule: r.ID, Title: r.Title, Area: r.Area, Severity: string(v.Severity), Subject: v.Subject, Key: v.Key,
					Message: bound(v.Message, maxMessage), Evidence: refStrings(v.Evidence),
					Fingerprint: Fingerprint(r.ID, v.Subject, v.Key), Refs: slices.Clone(r.Refs),
				}
				if v.Subject == worst.Subject && v.Key == worst.Key {
					f.Cost = costs[r.ID]
					costs[r.ID] = 0
				}
				d.Findings = append(d.Findings, f)
			case checks.Unknown:
				d.Unknown = append(d.Unknown, Unknown{
					Rule: r.ID, Title: r.Title, Area: r.Area, Severity: string(v.Severity), Subject: v.Subject, Key: v.Key,
					Reason: bound(v.Message, maxMessage), Cause: bound(why.of(v.Evidence), maxMessage), Evidence: refStrings(v.Evidence),
					Fingerprint: Fingerprint(r.ID, v.Subject, v.Key), Unjudged: v.Unjudged,
				})
			}
		}
		switch res.Status {
		case checks.Pass:
			d.Passed = append(d.Passed, r.ID)
		case checks.NotAsked:
			d.NotAsked = append(d.NotAsked, unasked(res))
		case checks.NotApplicable:
			d.NotApplicable = append(d.NotApplicable, unasked(res))
		}
	}
	area := func(id string) int { _, i := rubric.area(id); return i }
	slices.SortStableFunc(d.Findings, func(a, b Finding) int {
		return cmp.Or(severityOrder(a.Severity)-severityOrder(b.Severity), area(a.Area)-area(b.Area),
			strings.Compare(a.Rule, b.Rule), strings.Compare(a.Subject, b.Subject), strings.Compare(a.Key, b.Key))
	})
	slices.SortStableFunc(d.Unknown, func(a, b Unknown) int {
		return cmp.Or(area(a.Area)-area(b.Area), severityOrder(a.Severity)-severityOrder(b.Severity),
			strings.Compare(a.Rule, b.Rule), strings.Compare(a.Subject, b.Subject), strings.Compare(a.Key, b.Key))
	})
	byRule := func(a, b Unasked) int {
		return cmp.Or(area(a.Area)-area(b.Area), strings.Compare(a.Rule, b.Rule))
	}
	slices.SortStableFunc(d.NotAsked, byRule)
	slices.SortStableFunc(d.NotApplicable, byRule)
	slices.Sort(d.Passed)
}

func unasked(res checks.Result) Unasked {
	u := Unasked{Rule: res.Rule.ID, Title: res.Rule.Title, Area: res.Rule.Area}
	for _, v := range res.Verdicts {
		if v.Status == res.Status && v.Message != "" {
			u.Reason = bound(v.Message, maxMessage)
			break
		}
	}
	return u
}

func refStrings(refs []wire.Ref) []string {
	out := make([]string, 0, len(refs))
	for _, r := range refs {
		out = append(out, string(r))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// severityOrder is 0 for critical and grows as severity falls.
func severityOrder(s string) int {
	i := slices.Index([]string{string(checks.Critical), string(checks.High), string(checks.Medium), string(checks.Low), string(checks.Info)}, s)
	if i < 0 {
		return 5
	}
	return i
}

// suffixes qualify the letter when a part of the domain was left out.
func suffixes(o gather.Options) []string {
	out := []string{}
	switch {
	case o.Offline:
		out = append(out, "zone only")
	case o.NoSMTP:
		out = append(out, "DNS only")
	}
	for _, area := range slices.Sorted(slices.Values(o.Skip)) {
		out = append(out, "without "+area)
	}
	return out
}

// VantageOf gives what the report says about the place from which was asked.
func VantageOf(v gather.Vantage) (ipv4, ipv6 Reach, resolverNote string) {
	return reachOf(v.IPv4), reachOf(v.IPv6), v.Resolver
}

func reachOf(r gather.Reach) Reach {
	switch {
	case r.Proven:
		return Reach{State: ReachProven, Why: r.Why}
	case r.Broken:
		return Reach{State: ReachBroken, Why: r.Why}
	}
	return Reach{State: ReachUnproven, Why: r.Why}
}

// exchangers gives the hosts that mail goes to, with the worst that was found
// about each.
func exchangers(e *gather.Evidence, findings []Finding) []MX {
	worst := map[string]string{} // of the names and addresses that subjects hold
	for _, f := range findings {
		for _, word := range words(f.Subject) {
			if worst[word] == "" || severityOrder(f.Severity) < severityOrder(worst[word]) {
				worst[word] = f.Severity
			}
		}
	}
	out := []MX{}
	for _, h := range e.MX.Hosts {
		m := MX{Pref: int(h.Pref), Host: h.Name, Worst: worst[h.Name]}
		for _, a := range h.Addrs {
			if w := worst[a.IP.String()]; w != "" && (m.Worst == "" || severityOrder(w) < severityOrder(m.Worst)) {
				m.Worst = w
			}
		}
		out = append(out, m)
	}
	return out
}

// about reports whether a verdict's subject names that host or address, alone
// or with more after it.
func about(subject, name string) bool { return slices.Contains(words(subject), name) }

// words gives the names and addresses in a verdict's subject, such as
// "mx1.example.com [192.0.2.1]".
func words(subject string) []string {
	return strings.FieldsFunc(subject, func(r rune) bool { return strings.ContainsRune(" []()/,", r) })
}

// timeline gives what will happen if nobody acts: so far, the end of the
// certificates of the mail hosts and of the MTA-STS policy host. Events of one
// time are sorted by subject.
func timeline(e *gather.Evidence) []Event {
	out := []Event{}
	add := func(c *Certificate, subject string) {
		if c != nil {
			what := "certificate expires"
			if c.NotAfter.Before(e.At) {
				what = "certificate expired"
			}
			out = append(out, Event{At: c.NotAfter, Kind: "certificate", What: what, Subject: subject})
		}
	}
	for _, h := range Hosts(e) {
		for _, a := range h.Addresses {
			add(a.Cert, h.Name)
		}
	}
	if e.MTASTS != nil {
		for _, f := range e.MTASTS.Pages {
			add(certificateOf(f.Page.TLS), e.MTASTS.Host)
		}
	}
	slices.SortFunc(out, compareEvents)
	return slices.CompactFunc(out, func(a, b Event) bool { return compareEvents(a, b) == 0 })
}

func compareEvents(a, b Event) int {
	return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Subject, b.Subject), strings.Compare(a.What, b.What))
}

// AddEvents puts more events into the domain's timeline, in order. Times are
// cut to seconds.
func (d *Domain) AddEvents(events ...Event) {
	for _, ev := range events {
		ev.At = ev.At.UTC().Truncate(time.Second)
		d.Timeline = append(d.Timeline, ev)
	}
	slices.SortFunc(d.Timeline, compareEvents)
	d.Timeline = slices.CompactFunc(d.Timeline, func(a, b Event) bool { return compareEvents(a, b) == 0 })
}
