package report

import (
	"cmp"
	"slices"
	"strings"

	"mxvet/checks"
	"mxvet/internal/gather"
)

// Score judges results under the rubric: the two ends between which the number
// lies. What of it is shown depends on the answers too, see stand. It is a pure
// function: neither the order of results nor that of their verdicts matters. A
// profile that the rubric does not know counts as full.
func (r *Rubric) Score(profile string, results []checks.Result) (Score, []Area) {
	if !slices.Contains([]string{gather.Full, gather.ReceiveOnly, gather.SendOnly, gather.NoMail}, profile) {
		profile = gather.Full
	}
	results = slices.SortedFunc(slices.Values(results), func(a, b checks.Result) int { return strings.Compare(a.Rule.ID, b.Rule.ID) })

	s := Score{Raw: 100 * point, RawLow: 100 * point, Suffix: []string{}}
	areas := make([]Area, 0, len(r.Areas))
	var known, asked Points
	for _, ra := range r.Areas {
		a := Area{ID: ra.ID, Title: ra.Title, Budget: ra.Budget[profile], Costs: []Cost{}}
		budget := Points(a.Budget) * point
		var low Points
		for _, res := range results {
			if res.Rule.Area != ra.ID {
				continue
			}
			a.count(res.Status)
			weight := r.cost(profile, a.Budget, res.Rule.ID, res.Rule.Severity, true)
			switch res.Status {
			case checks.Pass, checks.Fail:
				known += weight
				asked += weight
			case checks.Unknown:
				asked += weight
			}
			o := outcomeOf(res)
			if o.failed != "" {
				if a.Worst == "" || o.failed.Worse(checks.Severity(a.Worst)) {
					a.Worst = string(o.failed)
				}
				if alone := r.cost(profile, a.Budget, res.Rule.ID, o.failed, o.everywhere); alone > 0 {
					a.Costs = append(a.Costs, Cost{
						Rule: res.Rule.ID, Severity: string(o.failed), Alone: alone,
						Whole: r.whole(profile, res.Rule.ID, o.failed, o.everywhere),
					})
				}
			}
			if o.possible != "" {
				low += r.cost(profile, a.Budget, res.Rule.ID, o.possible, o.everywhereLow)
			}
		}
		loss := a.allot(budget)
		if a.Passed+a.Failed > 0 {
			left, leftLow := budget-loss, budget-min(low, budget)
			a.Points, a.PointsLow = &left, &leftLow
		}
		s.Raw -= loss
		s.RawLow -= min(low, budget)
		areas = append(areas, a)
	}
	if asked > 0 {
		s.Coverage = int(known * 100 / asked)
	}
	s.Caps = r.caps(profile, results)
	s.High, s.Low = s.Raw.Whole(), s.RawLow.Whole()
	if len(s.Caps) > 0 {
		if s.Caps[0].At < s.High {
			s.Cap = &s.Caps[0]
		}
		s.High, s.Low = min(s.High, s.Caps[0].At), min(s.Low, s.Caps[0].At)
	}
	s.LetterHigh, s.LetterLow = r.letters(s, profile, results)
	return s, areas
}

// An outcome is what one rule's verdicts mean for the score.
type outcome struct {
	failed        checks.Severity // worst proven failure, "" for none
	possible      checks.Severity // worst if every unknown failed too
	everywhere    bool            // proven to fail for every subject
	everywhereLow bool            // the same if every unknown failed
}

func outcomeOf(res checks.Result) outcome {
	var o outcome
	passed, unknown := false, false
	for _, v := range res.Verdicts {
		switch v.Status {
		case checks.Fail:
			o.failed = worse(o.failed, v.Severity)
			o.possible = worse(o.possible, v.Severity)
		case checks.Unknown:
			unknown = true
			o.possible = worse(o.possible, v.Severity)
		case checks.Pass:
			passed = true
		}
	}
	o.everywhere, o.everywhereLow = !passed && !unknown, !passed
	return o
}

func worse(a, b checks.Severity) checks.Severity {
	if a == "" || b.Worse(a) {
		return b
	}
	return a
}

// cost is what a failure takes from an area with that budget when it is the
// only one.
func (r *Rubric) cost(profile string, budget int, rule string, sev checks.Severity, everywhere bool) Points {
	if r.whole(profile, rule, sev, everywhere) {
		return Points(budget) * point
	}
	return Points(budget * r.Severity[sev])
}

func (r *Rubric) whole(profile, rule string, sev checks.Severity, everywhere bool) bool {
	return slices.ContainsFunc(r.Whole, func(e RubricRule) bool {
		return e.Rule == rule && e.matches(profile, sev) && (everywhere || !e.Everywhere)
	})
}

// caps gives the caps that failing verdicts bring, lowest first.
func (r *Rubric) caps(profile string, results []checks.Result) []Cap {
	out := []Cap{}
	for _, res := range results {
		for _, e := range r.Caps {
			if e.Rule != res.Rule.ID {
				continue
			}
			if v, failed := worstFailure(res); failed && e.matches(profile, v.Severity) && (!e.Everywhere || outcomeOf(res).everywhere) {
				out = append(out, Cap{At: e.At, Rule: e.Rule, Words: wordsOf(res.Rule, v), Why: bound(v.Message, maxMessage)})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Cap) int {
		return cmp.Or(a.At-b.At, strings.Compare(a.Rule, b.Rule))
	})
	return out
}

// openCap gives the lowest cap that a question without an answer may hide, if it is
// lower than the score is now. Caps come from what failed and never from an
// unknown, but no number is earned while one may stand above the domain's true
// one. An unknown without a fault opens a range, and no more.
func (r *Rubric) openCap(profile string, high int, results []checks.Result) (at int, rule checks.Rule, v checks.Verdict) {
	at = high
	for _, res := range results {
		for _, e := range r.Caps {
			if e.Rule != res.Rule.ID || e.At >= at || e.Everywhere && !outcomeOf(res).everywhereLow {
				continue
			}
			i := slices.IndexFunc(res.Verdicts, func(v checks.Verdict) bool {
				return v.Status == checks.Unknown && !v.NoFault && e.matches(profile, v.Severity)
			})
			if i >= 0 {
				at, rule, v = e.At, res.Rule, res.Verdicts[i]
			}
		}
	}
	return at, rule, v
}

// wordsOf says in plain words what a failing verdict means, as the rule bears on a
// question, or else names the rule.
func wordsOf(rule checks.Rule, v checks.Verdict) string {
	for _, b := range rule.Bears {
		if !b.From.Worse(v.Severity) {
			return b.Words
		}
	}
	return rule.ID
}

// worstFailure gives the failing verdict that a rule costs by: the worst, and
// among equals the first by subject and key.
func worstFailure(res checks.Result) (checks.Verdict, bool) {
	var worst checks.Verdict
	found := false
	for _, v := range res.Verdicts {
		if v.Status != checks.Fail {
			continue
		}
		if !found || v.Severity.Worse(worst.Severity) ||
			v.Severity == worst.Severity && cmp.Or(strings.Compare(v.Subject, worst.Subject), strings.Compare(v.Key, worst.Key)) < 0 {
			worst, found = v, true
		}
	}
	return worst, found
}

// allot shares the area's budget among its costs, dearest first, and gives the
// sum: what the area loses.
func (a *Area) allot(budget Points) Points {
	slices.SortStableFunc(a.Costs, func(x, y Cost) int {
		return cmp.Or(int(y.Alone-x.Alone), strings.Compare(x.Rule, y.Rule))
	})
	left := budget
	for i := range a.Costs {
		a.Costs[i].Points = min(a.Costs[i].Alone, left)
		left -= a.Costs[i].Points
	}
	return budget - left
}

func (a *Area) count(s checks.Status) {
	switch s {
	case checks.Pass:
		a.Passed++
	case checks.Fail:
		a.Failed++
	case checks.Unknown:
		a.Unknown++
	case checks.NotAsked:
		a.NotAsked++
	case checks.NotApplicable:
		a.NotApplicable++
	}
}

// letters gives the grades of the score's two ends.
func (r *Rubric) letters(s Score, profile string, results []checks.Result) (high, low Letter) {
	clean, cleanLow := r.needsMet(profile, results), true
	for _, res := range results {
		o := outcomeOf(res)
		clean = clean && (o.failed == "" || o.failed == checks.Info)
		cleanLow = cleanLow && (o.possible == "" || o.possible == checks.Info)
	}
	return r.grade(s.High, clean), r.grade(s.Low, clean && cleanLow)
}

func (r *Rubric) grade(score int, clean bool) Letter {
	for _, l := range r.Letters {
		if score >= l.From && (clean || !l.Clean) {
			return Letter(l.Letter)
		}
	}
	return ""
}

func (r *Rubric) needsMet(profile string, results []checks.Result) bool {
	passed := map[string]bool{}
	for _, res := range results {
		passed[res.Rule.ID] = res.Status == checks.Pass
	}
	for _, n := range r.Needs {
		if len(n.Profiles) > 0 && !slices.Contains(n.Profiles, profile) {
			continue
		}
		met := slices.ContainsFunc(n.Any, func(group []string) bool {
			return !slices.ContainsFunc(group, func(id string) bool { return !passed[id] })
		})
		if !met {
			return false
		}
	}
	return true
}
