package checks

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
)

// Rules about the limits of an evaluation (RFC 7208 section 4.6.4). A receiver
// that meets one gives up with permerror.
func spfLimitRules() []Rule {
	return []Rule{
		{
			ID: "spf-lookup-limit", Area: AreaSPF, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "SPF needs too many DNS lookups"}},
			Title: "the SPF record needs at most 10 DNS lookups",
			Refs:  []string{"RFC 7208 section 4.6.4"},
			When:  spfRecord, Judge: judgeSPFLookups,
		},
		{
			ID: "spf-lookup-near", Area: AreaSPF, Severity: Low,
			Title: "the SPF record keeps two DNS lookups in reserve",
			Refs:  []string{"RFC 7208 section 4.6.4"},
			When:  spfRecord,
			Judge: func(e *gather.Evidence) []Verdict {
				switch n := e.SPF.Lookups; {
				case n > spf.MaxLookups:
					return []Verdict{{Status: NotApplicable, Message: "the limit is passed already"}}
				case n >= spf.MaxLookups-1:
					return fail(Low, spfRefs(e), "%s", spfLookups(e))
				}
				return spfGaps(e, true)
			},
		},
		{
			ID: "spf-void-limit", Area: AreaSPF, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "SPF has too many dead names"}},
			Title: "at most two DNS lookups of the SPF record find nothing",
			Refs:  []string{"RFC 7208 section 4.6.4", "RFC 7208 section 11.1"},
			When:  spfRecord, Judge: judgeSPFVoidLimit,
		},
		{
			ID: "spf-void", Area: AreaSPF, Severity: Low,
			Title: "every DNS lookup of the SPF record finds something",
			Refs:  []string{"RFC 7208 section 4.6.4"},
			When:  spfRecord, Judge: judgeSPFVoid,
		},
		{
			ID: "spf-mx-limit", Area: AreaSPF, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "SPF meets too many MX hosts"}},
			Title: "no mx term of the SPF record leads to more than 10 mail hosts",
			Refs:  []string{"RFC 7208 section 4.6.4", "RFC 7208 section 5.4"},
			When:  spfRecord,
			Judge: func(e *gather.Evidence) []Verdict {
				var out []Verdict
				for _, s := range e.SPF.Steps() {
					if s.TooMany > 0 && !slices.ContainsFunc(out, func(v Verdict) bool { return v.Key == s.Target }) {
						out = append(out, Verdict{
							Key: s.Target, Status: Fail, Severity: High, Evidence: []wire.Ref{s.MX.Ref},
							Message: fmt.Sprintf("%q: %s has %d mail hosts, at most %d may stand behind one mx term", spfClip(s.Term.Text), s.Target, s.TooMany, spf.MaxMX),
						})
					}
				}
				if len(out) == 0 {
					return spfGaps(e, false)
				}
				return out
			},
		},
		{
			ID: "spf-macro-target", Area: AreaSPF, Severity: Info,
			Title: "everything that the SPF record refers to can be followed",
			Refs:  []string{"RFC 7208 section 4.6.4", "RFC 7208 section 7"},
			When:  spfRecord,
			Judge: func(e *gather.Evidence) []Verdict {
				var out []Verdict
				for n, s := range e.SPF.Steps() {
					key := spfTerm(n, s.Term.Text)
					if !s.Dynamic || slices.ContainsFunc(out, func(v Verdict) bool { return v.Key == key }) {
						continue
					}
					what := "the addresses that it matches cannot be known"
					if s.Term.Kind == spf.KindInclude || s.Term.Kind == spf.KindRedirect {
						what = fmt.Sprintf("the lookups behind it cannot be counted: in all there are at least %d", e.SPF.Lookups)
					}
					out = append(out, Verdict{
						Key: key, Status: Fail, Severity: Info, Evidence: []wire.Ref{n.TXT.Ref},
						Message: fmt.Sprintf("%q depends on the message, so %s", key, what),
					})
				}
				return out
			},
		},
		{
			ID: "spf-lookup-fails", Area: AreaSPF, Severity: Medium,
			Title: "every name of the SPF record can be looked up in time",
			Refs:  []string{"RFC 7208 section 4.4", "RFC 7208 section 4.6.4"},
			When:  spfRecord, Judge: judgeSPFTime,
		},
	}
}

// spfLookups says how many lookups there are and which terms cause them.
func spfLookups(e *gather.Evidence) string {
	t := e.SPF
	atLeast := ""
	if t.AtLeast {
		atLeast = "at least "
	}
	var parts []string
	for i := range t.Root.Steps {
		if s := &t.Root.Steps[i]; s.Runs() && s.Subtree > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", spfClip(s.Term.Text), s.Subtree))
		}
	}
	if t.Lookups > spf.MaxLookups {
		return fmt.Sprintf("%s%d DNS lookups where %d are allowed: %s", atLeast, t.Lookups, spf.MaxLookups, spfList(parts))
	}
	return fmt.Sprintf("%s%d of %d DNS lookups used: %s", atLeast, t.Lookups, spf.MaxLookups, spfList(parts))
}

func judgeSPFLookups(e *gather.Evidence) []Verdict {
	if e.SPF.Lookups > spf.MaxLookups {
		return fail(High, spfRefs(e), "%s", spfLookups(e))
	}
	return spfGaps(e, true)
}

// A dead end is an evaluated term whose own question finds nothing.
type deadEnd struct {
	node       *spf.Node
	step       *spf.Step
	four, six  bool // met by clients of that family
	toldByRule bool // another rule tells of the term, mostly spf-never-matches, or may
}

func spfDeadEnds(e *gather.Evidence) (ends []deadEnd) {
	for n, s := range e.SPF.Steps() {
		open := slices.ContainsFunc([]*spf.Ask{s.MX, s.A, s.AAAA}, func(a *spf.Ask) bool { return a != nil && a.Answer.Fail != nil })
		d := deadEnd{n, s, s.Runs4 && s.Void4.Proven > 0, s.Runs6 && s.Void6.Proven > 0, (s.Dead || open) && !n.Included()}
		if d.four || d.six {
			ends = append(ends, d)
		}
	}
	return ends
}

// describeVoids says how many lookups find nothing, and which.
func describeVoids(e *gather.Evidence, ends []deadEnd) (string, []wire.Ref) {
	four, six := e.SPF.Void4.Proven, e.SPF.Void6.Proven
	count := fmt.Sprintf("%d", four)
	switch {
	case len(e.SPF.TempErrors) > 0:
		count = fmt.Sprintf("at least %d", max(four, six))
	case four == 0:
		count = fmt.Sprintf("%d for IPv6 clients only", six)
	case six == 0:
		count = fmt.Sprintf("%d for IPv4 clients only", four)
	case four != six:
		count = fmt.Sprintf("%d for IPv4 clients and %d for IPv6 clients", four, six)
	}
	var names []string
	var refs []wire.Ref
	for _, d := range ends {
		names = append(names, spfTerm(d.node, d.step.Term.Text))
		for _, x := range []struct {
			met bool
			ask *spf.Ask
			typ string
		}{{true, d.step.MX, "MX"}, {d.four || d.step.AAAA == nil, d.step.A, "A"}, {d.six, d.step.AAAA, "AAAA"}} {
			if x.met && x.ask != nil && x.ask.Void(x.typ) && !slices.Contains(refs, x.ask.Ref) {
				refs = append(refs, x.ask.Ref)
			}
		}
	}
	return fmt.Sprintf("DNS lookups that find nothing: %s (allowed: %d): %s", count, spf.MaxVoid, spfList(names)), refs
}

func judgeSPFVoidLimit(e *gather.Evidence) []Verdict {
	four, six := e.SPF.Void4, e.SPF.Void6
	if four.Proven > spf.MaxVoid || six.Proven > spf.MaxVoid {
		text, refs := describeVoids(e, spfDeadEnds(e))
		if four.Proven > spf.MaxVoid {
			return fail(High, refs, "%s", text)
		}
		return fail(Medium, refs, "%s", text)
	}
	if gaps := spfGaps(e, false); gaps != nil {
		return gaps
	}
	all := func(v spf.Voids) int { return v.Proven + v.Possible + v.Hosts }
	if worst := max(all(four), all(six)); worst > spf.MaxVoid {
		v, family := four, "an IPv4"
		if all(six) > all(four) {
			v, family = six, "an IPv6"
		}
		var why []string
		if v.Proven > 0 {
			why = append(why, fmt.Sprintf("%d certainly", v.Proven))
		}
		if v.Possible > 0 {
			why = append(why, fmt.Sprintf("%d by terms that depend on the message", v.Possible))
		}
		if v.Hosts > 0 {
			why = append(why, fmt.Sprintf("%d by hosts of an mx term without such an address, which only some receivers count", v.Hosts))
		}
		return fail(Info, spfRefs(e), "for %s client up to %d DNS lookups may find nothing where %d are allowed: %s", family, worst, spf.MaxVoid, strings.Join(why, ", "))
	}
	return nil
}

// judgeSPFVoid tells of what the limit still allows. It costs something only
// where no other rule tells of the same term, and where it is not just a host
// without an IPv6 address.
func judgeSPFVoid(e *gather.Evidence) []Verdict {
	if e.SPF.Void4.Proven > spf.MaxVoid || e.SPF.Void6.Proven > spf.MaxVoid {
		return []Verdict{{Status: NotApplicable, Message: "the limit is passed: rule spf-void-limit counts them"}}
	}
	ends := spfDeadEnds(e)
	if worst := max(e.SPF.Void4.Proven, e.SPF.Void6.Proven); len(ends) == 0 || worst+len(e.SPF.TempErrors) > spf.MaxVoid {
		if gaps := spfGaps(e, false); gaps != nil || len(ends) == 0 {
			return gaps // what failed may make it a matter of rule spf-void-limit
		}
	}
	sev := Info
	for _, d := range ends {
		if d.four && !d.toldByRule {
			sev = Low
		}
	}
	text, refs := describeVoids(e, ends)
	return fail(sev, refs, "%s", text)
}

const maxSPFSeconds = 20 // a receiver should allow at least that (RFC 7208 section 4.6.4)

func judgeSPFTime(e *gather.Evidence) []Verdict {
	if ms := max(spfMillis(e, false), spfMillis(e, true)); ms > maxSPFSeconds*1000 {
		return fail(Medium, spfRefs(e), "all lookups of the record, one after the other, took %.1f seconds; receivers may give up after %d", float64(ms)/1000, maxSPFSeconds)
	}
	var out []Verdict
	for _, f := range e.SPF.TempErrors {
		if !slices.ContainsFunc(out, func(v Verdict) bool { return v.Key == string(f.Ref) }) {
			out = append(out, Verdict{
				Key: string(f.Ref), Status: Unknown, Evidence: []wire.Ref{f.Ref},
				Message: f.Text + " from here: " + f.Fail.String(),
			})
		}
	}
	return out
}

// spfMillis adds up how long the lookups for a client of one family took, each
// question once.
func spfMillis(e *gather.Evidence, six bool) (sum int) {
	seen := map[wire.Ref]bool{}
	add := func(a *spf.Ask) {
		if a != nil && a.Ref != "" && !seen[a.Ref] {
			seen[a.Ref] = true
			sum += a.Answer.Millis
		}
	}
	addresses := func(a, aaaa *spf.Ask) {
		if six {
			a = aaaa
		}
		add(a)
	}
	for n := range e.SPF.Nodes() {
		add(&n.TXT)
	}
	for _, s := range e.SPF.Steps() {
		switch {
		case six && !s.Runs6, !six && !s.Runs4:
			continue
		case s.Term.Kind == spf.KindExists:
			add(s.A) // of both families (RFC 7208 section 5.7)
			continue
		}
		add(s.MX)
		addresses(s.A, s.AAAA)
		for i := range s.Hosts {
			addresses(&s.Hosts[i].A, &s.Hosts[i].AAAA)
		}
	}
	return sum
}
