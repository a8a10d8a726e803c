package audit

import (
	"context"
	"fmt"
	"slices"

	"mxvet/checks"
	"mxvet/internal/fix"
	"mxvet/internal/gather"
	"mxvet/report"
)

// A trial is an audit of the domain, as it is or over changed records.
type trial struct {
	evidence *gather.Evidence
	results  []checks.Result
	score    report.Score
}

// judge applies the rules and the rubric, as long as there is time.
func (t *trial) judge(ctx context.Context, rubric *report.Rubric) {
	t.results = checks.RunUntil(ctx.Done(), t.evidence, checks.All())
	t.score = report.Judge(t.evidence, t.results, rubric).Score
}

// compare holds a trial against what was before. It gives the claims that it
// clears, followed by the verdicts of other rules that it clears whole, and why the change is not
// to be called verified: it clears nothing, brings in something as bad as the
// worst that it clears, brings in a cap that is no milder than one that it lifts,
// or lowers the score or its lower end. It may uncover what is no worse than what
// it clears; where it is not safe, only in other areas.
func (p *prover) compare(after *trial, claims []fix.Claim, safe bool) (cleared []fix.Claim, why string) {
	worst := checks.Info
	areas := map[string]bool{}
	for _, c := range claims {
		if !slices.Contains(cleared, c) && after.clears(c) {
			cleared = append(cleared, c)
			areas[after.rule(c.Rule).Rule.Area] = true
			if v := p.before.failure(c); v != nil && v.Severity.Worse(worst) {
				worst = v.Severity
			}
		}
	}
	if len(cleared) == 0 {
		if len(claims) == 0 {
			return nil, "it claims nothing"
		}
		return nil, "it does not clear " + claims[0].Rule
	}
	for _, c := range p.before.claims() {
		if !slices.Contains(cleared, c) && after.clears(c) && after.rule(c.Rule).Status != checks.Fail {
			cleared = append(cleared, c)
		}
	}
	for _, c := range after.claims() {
		v, was := after.failure(c), p.before.failure(c)
		switch {
		case was != nil && !v.Severity.Worse(was.Severity), worst.Worse(v.Severity), v.Severity == checks.Info:
		case was != nil && safe && !v.Severity.Worse(worst):
			// It failed before, and weighs more now that a record says what a void
			// one could not: that the host sends.
		case p.before.rule(c.Rule).Status == checks.NotApplicable && !v.Severity.Worse(worst) && (safe || !areas[after.rule(c.Rule).Rule.Area]):
			// It was there before, hidden by what is mended: of a void record
			// nobody can say how it ends. But what a stricter policy does to the
			// domain's own mail comes of the policy.
		default:
			return cleared, fmt.Sprintf("it would bring in %s: %s", c.Rule, v.Message)
		}
	}
	for _, c := range after.score.Caps {
		if !capped(p.before.score.Caps, c.Rule) && !liftsLower(p.before.score.Caps, after.score.Caps, c.At) {
			return cleared, fmt.Sprintf("it would cap the score at %d: %s", c.At, c.Rule)
		}
	}
	switch was, now := p.before.score, after.score; {
	case now.High < was.High:
		return cleared, fmt.Sprintf("the score would fall from %d to %d", was.High, now.High)
	case now.Low < was.Low:
		return cleared, fmt.Sprintf("the score at worst would fall from %d to %d", was.Low, now.Low)
	}
	return cleared, ""
}

func capped(caps []report.Cap, rule string) bool {
	return slices.ContainsFunc(caps, func(c report.Cap) bool { return c.Rule == rule })
}

// liftsLower reports whether a cap below that limit is gone: p=none in the place
// of no DMARC at all has a cap of its own, a milder one.
func liftsLower(before, after []report.Cap, limit int) bool {
	return slices.ContainsFunc(before, func(c report.Cap) bool { return c.At < limit && !capped(after, c.Rule) })
}

// takesRole says how a change would make a domain another one than it is known to
// be, "" where it does not. What was taken for granted only, because a lookup failed
// or a record is void, may be found out.
func takesRole(before, after *gather.Evidence) string {
	was, now := before.Role, after.Role
	if was.Name == now.Name || was.Unproven || len(before.SPF.PermErrors) > 0 || len(before.SPF.Root.Records) != 1 && len(before.SPF.Root.Near) > 0 {
		return ""
	}
	return fmt.Sprintf("it would make a %s domain of a %s one", now.Name, was.Name)
}

// stands reports whether all of the claims still fail in a trial, so that what was
// to clear them does not.
func (t *trial) stands(claims []fix.Claim) bool {
	return !slices.ContainsFunc(claims, func(c fix.Claim) bool { return t.failure(c) == nil })
}

// claims gives every failing verdict.
func (t *trial) claims() []fix.Claim {
	var out []fix.Claim
	for _, res := range t.results {
		for _, v := range res.Verdicts {
			if v.Status == checks.Fail {
				out = append(out, fix.Claim{Rule: res.Rule.ID, Subject: v.Subject, Key: v.Key})
			}
		}
	}
	return out
}

// harms reports whether a trial is worse than the one before it: a lower score, or
// something high that was not there.
func (t *trial) harms(last *trial) bool {
	return t.score.High < last.score.High || slices.ContainsFunc(t.claims(), func(c fix.Claim) bool {
		v, was := t.failure(c), last.failure(c)
		return !checks.High.Worse(v.Severity) && (was == nil || v.Severity.Worse(was.Severity))
	})
}

// failure gives the failing verdict of that identity, nil where there is none.
func (t *trial) failure(c fix.Claim) *checks.Verdict {
	for _, res := range t.results {
		if res.Rule.ID != c.Rule {
			continue
		}
		for i := range res.Verdicts {
			if v := &res.Verdicts[i]; v.Status == checks.Fail && v.Subject == c.Subject && v.Key == c.Key {
				return v
			}
		}
	}
	return nil
}

// rule gives the result of a rule.
func (t *trial) rule(id string) checks.Result {
	for _, res := range t.results {
		if res.Rule.ID == id {
			return res
		}
	}
	return checks.Result{}
}

// clears reports whether a claim holds no more: it was judged again and does not
// fail. What is unknown or was not asked then may well stay.
func (t *trial) clears(c fix.Claim) bool {
	for _, res := range t.results {
		if res.Rule.ID != c.Rule {
			continue
		}
		open := []checks.Status{checks.Fail, checks.Unknown, checks.NotAsked}
		return !slices.Contains(open[1:], res.Status) && !slices.ContainsFunc(res.Verdicts, func(v checks.Verdict) bool {
			return slices.Contains(open, v.Status) && v.Subject == c.Subject && v.Key == c.Key
		})
	}
	return false
}

// absorbed gives safe fixes what they were seen to clear beside what they are for,
// and leaves out those that nobody could try and that have nothing else to do that
// costs points: with the MX record of a dead host goes what a policy says of it.
func (p *prover) absorbed(proven []proof) []proof {
	taken := map[fix.Claim]bool{}
	for _, pr := range proven {
		if pr.verified() {
			for _, c := range slices.Concat(pr.cleared, pr.later) {
				taken[c] = true
			}
		}
	}
	for i := range proven {
		pr := &proven[i]
		if !pr.verified() || pr.fix.Safety != fix.SafeNow {
			continue
		}
		for _, c := range p.before.claims() {
			if !taken[c] && pr.after.clears(c) && pr.after.rule(c.Rule).Status != checks.Fail {
				taken[c], pr.cleared = true, append(pr.cleared, c)
			}
		}
	}
	return slices.DeleteFunc(proven, func(pr proof) bool {
		return pr.after == nil && !slices.ContainsFunc(pr.fix.Claims, func(c fix.Claim) bool {
			v := p.before.failure(c)
			return !taken[c] && v != nil && v.Severity.Worse(checks.Info)
		})
	})
}

// spfUnheard gives why a changed SPF record may do harm: a lookup fails behind it
// that no receiver makes today, so that whom it lets pass is not known, and mail of
// all others waits at receivers until it answers (RFC 7208 section 2.6.6).
func spfUnheard(before, after *gather.Evidence) string {
	if before.SPF.Incomplete || !after.SPF.Incomplete {
		return ""
	}
	return "whom the new SPF record lets pass is not known: " + after.SPF.TempErrors[0].Text
}
