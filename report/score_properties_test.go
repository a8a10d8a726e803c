package report

import (
	"math/rand/v2"
	"slices"
	"testing"

	"mxvet/checks"
)

// random makes arbitrary results: rules of the rubric and others, any status.
func random(rnd *rand.Rand, r *Rubric) []checks.Result {
	areaOf := map[string]string{"dmarc": "dmarc", "spf": "spf", "dkim": "dkim", "smtp": "smtp-tls", "tls": "smtp-tls", "mx": "mx", "relay": "mx", "dnssec": "transport", "dane": "transport", "mtasts": "transport", "dnsbl": "reputation"}
	ids := map[string]string{}
	for _, e := range slices.Concat(r.Whole, r.Caps) {
		for prefix, area := range areaOf {
			if len(e.Rule) > len(prefix) && e.Rule[:len(prefix)+1] == prefix+"-" {
				ids[e.Rule] = area
			}
		}
	}
	for _, a := range r.Areas {
		for _, n := range []string{"-x", "-y", "-z"} {
			ids[a.ID+n] = a.ID
		}
	}
	severities := []checks.Severity{checks.Critical, checks.High, checks.Medium, checks.Low, checks.Info}
	statuses := []checks.Status{checks.Pass, checks.Pass, checks.Pass, checks.Fail, checks.Fail, checks.Unknown, checks.NotAsked, checks.NotApplicable}
	var out []checks.Result
	names := make([]string, 0, len(ids))
	for id := range ids {
		names = append(names, id)
	}
	slices.Sort(names)
	for _, id := range names {
		if rnd.IntN(3) == 0 {
			continue
		}
		sev := rnd.IntN(len(severities))
		var vs []checks.Verdict
		for i := range 1 + rnd.IntN(3) {
			vs = append(vs, checks.Verdict{
				Subject: string(rune('a' + i)), Status: statuses[rnd.IntN(len(statuses))],
				Severity: severities[min(sev+rnd.IntN(3), len(severities)-1)], Message: "seen",
			})
		}
		out = append(out, res(id, ids[id], severities[sev], vs...))
	}
	return out
}

func clone(rs []checks.Result) []checks.Result {
	out := slices.Clone(rs)
	for i := range out {
		out[i].Verdicts = slices.Clone(out[i].Verdicts)
	}
	return out
}

// restate gives the result the status that its verdicts now make.
func restate(r checks.Result) checks.Result {
	return res(r.Rule.ID, r.Rule.Area, r.Rule.Severity, r.Verdicts...)
}

// TestScoreProperties holds what must be true of any results.
func TestScoreProperties(t *testing.T) {
	r := rubric(t)
	rank := func(letter Letter) int { return slices.Index([]Letter{"A+", "A", "B", "C", "D", "F"}, letter) }
	for seed := range uint64(25) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		profile := []string{"full", "receive-only", "send-only", "no-mail"}[rnd.IntN(4)]
		rs := random(rnd, r)
		s, areas := r.Score(profile, rs)
		recompute(t, s, areas)

		shuffled := clone(rs)
		rnd.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		for _, x := range shuffled {
			rnd.Shuffle(len(x.Verdicts), func(i, j int) { x.Verdicts[i], x.Verdicts[j] = x.Verdicts[j], x.Verdicts[i] })
		}
		if s2, _ := r.Score(profile, shuffled); s2.High != s.High || s2.Low != s.Low || letters(s2) != letters(s) || s2.Coverage != s.Coverage {
			t.Fatalf("seed %d: order matters: %+v and %+v", seed, s, s2)
		}

		for i := range rs {
			// An unknown rule takes nothing from the score and brings no cap.
			all := clone(rs)
			for j := range all[i].Verdicts {
				all[i].Verdicts[j].Status = checks.Unknown
			}
			all[i] = restate(all[i])
			without := slices.Delete(clone(rs), i, i+1)
			su, _ := r.Score(profile, all)
			sw, _ := r.Score(profile, without)
			if su.High != sw.High || len(su.Caps) != len(sw.Caps) {
				t.Fatalf("seed %d: %s unknown gives score %d and %d caps, left out %d and %d", seed, rs[i].Rule.ID, su.High, len(su.Caps), sw.High, len(sw.Caps))
			}
			if su.Low > sw.Low {
				t.Fatalf("seed %d: %s unknown raises the low end", seed, rs[i].Rule.ID)
			}

			// A healthy subject more never lowers anything.
			more := clone(rs)
			more[i].Verdicts = append(more[i].Verdicts, passing("new"))
			more[i] = restate(more[i])
			if sm, _ := r.Score(profile, more); sm.High < s.High || sm.Low < s.Low {
				t.Fatalf("seed %d: a passing verdict of %s lowers %d/%d to %d/%d", seed, rs[i].Rule.ID, s.High, s.Low, sm.High, sm.Low)
			}

			for j, v := range rs[i].Verdicts {
				if v.Status != checks.Fail && v.Status != checks.Unknown {
					continue
				}
				mended := clone(rs)
				mended[i].Verdicts[j].Status = checks.Pass
				mended[i] = restate(mended[i])
				sm, _ := r.Score(profile, mended)
				if sm.High < s.High || sm.Low < s.Low {
					t.Fatalf("seed %d: mending %s lowers %d/%d to %d/%d", seed, rs[i].Rule.ID, s.High, s.Low, sm.High, sm.Low)
				}
				if v.Status == checks.Fail && rank(sm.LetterHigh) > rank(s.LetterHigh) {
					t.Fatalf("seed %d: mending %s turns %s into %s", seed, rs[i].Rule.ID, s.LetterHigh, sm.LetterHigh)
				}
			}
		}
	}
}
