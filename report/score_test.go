package report

import (
	"slices"
	"sync"
	"testing"

	"mxvet/checks"
)

func rubric(t testing.TB) *Rubric {
	t.Helper()
	r, err := LoadRubric("")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// res makes a result from verdicts; its status follows as in checks.
func res(id, area string, sev checks.Severity, verdicts ...checks.Verdict) checks.Result {
	r := checks.Result{Rule: checks.Rule{ID: id, Area: area, Severity: sev, Title: id + " holds", Bears: bears()[id]}, Status: checks.NotApplicable, Severity: checks.Info, Verdicts: verdicts}
	order := []checks.Status{checks.Fail, checks.Unknown, checks.Pass, checks.NotAsked, checks.NotApplicable}
	for _, v := range verdicts {
		if slices.Index(order, v.Status) < slices.Index(order, r.Status) {
			r.Status = v.Status
		}
	}
	return r
}

// bears gives what the rules bear on.
var bears = sync.OnceValue(func() map[string][]checks.Bearing {
	out := map[string][]checks.Bearing{}
	for _, r := range checks.All() {
		out[r.ID] = r.Bears
	}
	return out
})

func failing(sev checks.Severity, subject string) checks.Verdict {
	return checks.Verdict{Subject: subject, Status: checks.Fail, Severity: sev, Message: "seen at " + subject}
}

func unknowing(sev checks.Severity, subject string) checks.Verdict {
	return checks.Verdict{Subject: subject, Status: checks.Unknown, Severity: sev, Message: "timeout at " + subject}
}

func passing(subject string) checks.Verdict {
	return checks.Verdict{Subject: subject, Status: checks.Pass}
}

func all(status checks.Status) checks.Verdict {
	return checks.Verdict{Subject: "example.com", Status: status}
}

// healthy is a domain on which nothing is wrong, with every need of an A+.
func healthy() []checks.Result {
	ok := passing("example.com")
	return []checks.Result{
		res("dmarc-record-missing", checks.AreaDMARC, checks.High, ok),
		res("dmarc-policy-none", checks.AreaDMARC, checks.High, ok),
		res("spf-record-missing", checks.AreaSPF, checks.High, ok),
		res("spf-lookup-near", checks.AreaSPF, checks.Low, ok),
		res("dkim-key-short", checks.AreaDKIM, checks.Critical, ok),
		res("smtp-starttls-none", checks.AreaTLS, checks.High, passing("mx1.example.com"), passing("mx2.example.com")),
		res("mtasts-none", checks.AreaTransport, checks.Medium, ok),
		res("mtasts-fetch", checks.AreaTransport, checks.High, ok),
		res("mtasts-testing", checks.AreaTransport, checks.Medium, ok),
		res("mtasts-mode-none", checks.AreaTransport, checks.Medium, ok),
		res("mx-unreachable", checks.AreaHosts, checks.Critical, ok),
		res("dnsbl-listed", checks.AreaReputation, checks.High, ok),
	}
}

// with replaces the result of the same rule, or adds one.
func with(base []checks.Result, rs ...checks.Result) []checks.Result {
	out := slices.Clone(base)
	for _, r := range rs {
		if i := slices.IndexFunc(out, func(x checks.Result) bool { return x.Rule.ID == r.Rule.ID }); i >= 0 {
			out[i] = r
		} else {
			out = append(out, r)
		}
	}
	return out
}

// TestScoreByHand holds scores against sums done on paper.
func TestScoreByHand(t *testing.T) {
	noDMARC := res("dmarc-record-missing", checks.AreaDMARC, checks.High, failing(checks.High, "example.com"))
	tests := []struct {
		name        string
		profile     string
		results     []checks.Result
		raw, rawLow Points
		score, low  int
		letter      string
		cap         string
	}{
		{"nothing wrong", "full", healthy(), 10000, 10000, 100, 100, "A+", ""},
		{ // 5 % of 20 = 1
			"one low finding ends A+", "full",
			with(healthy(), res("spf-lookup-near", checks.AreaSPF, checks.Low, failing(checks.Low, "example.com"))),
			9900, 9900, 99, 99, "A", "",
		},
		{
			"info costs nothing", "full",
			with(healthy(), res("dns-one-family", checks.AreaHosts, checks.Info, failing(checks.Info, "example.com"))),
			10000, 10000, 100, 100, "A+", "",
		},
		{ // 15 % of 25 = 3.75, capped at 79
			"p=none", "full",
			with(healthy(), res("dmarc-policy-none", checks.AreaDMARC, checks.High, failing(checks.Medium, "example.com"))),
			9625, 9625, 79, 79, "C", "dmarc-policy-none",
		},
		{ // the whole area, 25, although it is only high, and cap 69
			"no DMARC", "full", with(healthy(), noDMARC), 7500, 7500, 69, 69, "D", "dmarc-record-missing",
		},
		{ // 40, which is lower than the cap of 69
			"no DMARC on a domain without mail", "no-mail", with(healthy(), noDMARC), 6000, 6000, 60, 60, "D", "",
		},
		{ // 40 % of 15 = 6: one host without STARTTLS, the other with it
			"STARTTLS missing on one host", "full",
			with(healthy(), res("smtp-starttls-none", checks.AreaTLS, checks.High, failing(checks.High, "mx1.example.com"), passing("mx2.example.com"))),
			9400, 9400, 94, 94, "A", "",
		},
		{ // no host has it: all 15, and cap 79
			"STARTTLS missing everywhere", "full",
			with(healthy(), res("smtp-starttls-none", checks.AreaTLS, checks.High, failing(checks.High, "mx1.example.com"), failing(checks.High, "mx2.example.com"))),
			8500, 8500, 79, 79, "C", "smtp-starttls-none",
		},
		{ // the same where it is offered and never works
			"STARTTLS broken everywhere", "full",
			with(healthy(), res("smtp-starttls-fails", checks.AreaTLS, checks.High, failing(checks.High, "mx1.example.com"), failing(checks.High, "mx2.example.com"))),
			8500, 8500, 79, 79, "C", "smtp-starttls-fails",
		},
		{ // 40 % of 15 = 6: better than no TLS, and held at the same
			"only old TLS", "full",
			with(healthy(), res("tls-version-old", checks.AreaTLS, checks.High, failing(checks.High, "mx1.example.com"), failing(checks.High, "mx2.example.com"))),
			9400, 9400, 79, 79, "C", "tls-version-old",
		},
		{ // no cap from one of two, as for STARTTLS
			"old TLS on one host", "full",
			with(healthy(), res("tls-version-old", checks.AreaTLS, checks.High, failing(checks.High, "mx1.example.com"), passing("mx2.example.com"))),
			9400, 9400, 94, 94, "A", "",
		},
		{ // one host has none (6 proven), the other is unknown (then all 15)
			"STARTTLS missing or unknown", "full",
			with(healthy(), res("smtp-starttls-none", checks.AreaTLS, checks.High, failing(checks.High, "mx1.example.com"), unknowing(checks.High, "mx2.example.com"))),
			9400, 8500, 94, 85, "B to A", "",
		},
		{ // a rule costs once, by its worst subject: 40 % of 5 = 2; cap 79
			"two hosts listed", "full",
			with(healthy(), res("dnsbl-listed", checks.AreaReputation, checks.High, failing(checks.High, "192.0.2.1"), failing(checks.Medium, "192.0.2.2"))),
			9800, 9800, 79, 79, "C", "dnsbl-listed",
		},
		{ // a medium listing does not cap: 15 % of 5 = 0.75
			"a minor listing", "full",
			with(healthy(), res("dnsbl-listed", checks.AreaReputation, checks.High, failing(checks.Medium, "192.0.2.2"))),
			9925, 9925, 99, 99, "A", "",
		},
		{ // three times 40 % of 7 would be 8.4: the area has 7
			"an area never loses more than its budget", "full",
			with(healthy(), res("dns-a", checks.AreaHosts, checks.High, failing(checks.High, "a.example")), res("dns-b", checks.AreaHosts, checks.High, failing(checks.High, "b.example")), res("dns-c", checks.AreaHosts, checks.High, failing(checks.High, "c.example"))),
			9300, 9300, 93, 93, "A", "",
		},
		{
			"the lowest cap wins", "full",
			with(healthy(), noDMARC, res("relay-open", checks.AreaHosts, checks.Critical, failing(checks.High, "192.0.2.1"))),
			7220, 7220, 20, 20, "F", "relay-open",
		},
		{ // nothing is proven, everything of DMARC might be lost; no cap from an unknown
			"DMARC unknown", "full",
			with(healthy(), res("dmarc-record-missing", checks.AreaDMARC, checks.High, unknowing(checks.High, "example.com"))),
			10000, 7500, 100, 75, "C to A", "",
		},
		{ // unreachable for everybody caps a domain that receives
			"no host reachable", "full",
			with(healthy(), res("mx-unreachable", checks.AreaHosts, checks.Critical, failing(checks.Critical, "mx1.example.com"))),
			9300, 9300, 20, 20, "F", "mx-unreachable",
		},
		{
			"no host reachable of a sender", "send-only",
			with(healthy(), res("mx-unreachable", checks.AreaHosts, checks.Critical, failing(checks.Critical, "mx1.example.com"))),
			9300, 9300, 93, 93, "A", "",
		},
		{ // neither MTA-STS nor DANE: A+ is out of reach, though nothing failed
			"no transport policy known", "full",
			with(healthy(), res("mtasts-none", checks.AreaTransport, checks.Medium, all(checks.NotApplicable))),
			10000, 10000, 100, 100, "A", "",
		},
		{ // a domain that takes no mail needs none
			"no transport policy needed", "no-mail",
			with(healthy(), res("mtasts-none", checks.AreaTransport, checks.Medium, all(checks.NotApplicable))),
			10000, 10000, 100, 100, "A+", "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, areas := rubric(t).Score(tt.profile, tt.results)
			if s.Raw != tt.raw || s.RawLow != tt.rawLow || s.High != tt.score || s.Low != tt.low || letters(s) != tt.letter {
				t.Errorf("raw %v to %v, score %d to %d, letter %s; want raw %v to %v, score %d to %d, letter %s",
					s.RawLow, s.Raw, s.Low, s.High, letters(s), tt.rawLow, tt.raw, tt.low, tt.score, tt.letter)
			}
			got := ""
			if s.Cap != nil {
				got = s.Cap.Rule
			}
			if got != tt.cap {
				t.Errorf("cap by %q, want %q", got, tt.cap)
			}
			recompute(t, s, areas)
		})
	}
}

// letters gives the grades of both ends.
func letters(s Score) string {
	if s.LetterLow == s.LetterHigh {
		return string(s.LetterHigh)
	}
	return string(s.LetterLow) + " to " + string(s.LetterHigh)
}

// recompute adds up the areas as a reader would.
func recompute(t *testing.T, s Score, areas []Area) {
	t.Helper()
	raw, low, budgets := 100*point, 100*point, 0
	hidden := Points(0)
	for _, a := range areas {
		left, leftLow := Points(a.Budget)*point, Points(a.Budget)*point
		if a.Points != nil {
			left, leftLow = *a.Points, *a.PointsLow
		} else if a.Passed+a.Failed > 0 || len(a.Costs) > 0 {
			t.Errorf("%s: no points, although something was measured", a.ID)
		} else {
			hidden += left // how much of it the unknown rules may cost is not shown
		}
		lost := Points(a.Budget)*point - left
		var costs Points
		for _, c := range a.Costs {
			costs += c.Points
			if c.Points > c.Alone {
				t.Errorf("%s: %s costs %v, more than the %v it costs alone", a.ID, c.Rule, c.Points, c.Alone)
			}
		}
		if costs != lost {
			t.Errorf("%s: costs add up to %v, the area lost %v", a.ID, costs, lost)
		}
		if left < 0 || leftLow > left {
			t.Errorf("%s: points %v to %v", a.ID, leftLow, left)
		}
		raw -= lost
		low -= Points(a.Budget)*point - leftLow
		budgets += a.Budget
	}
	if raw != s.Raw || s.RawLow > low || s.RawLow < low-hidden || budgets != 100 {
		t.Errorf("areas add up to %v and %v of %d, the score says %v and %v", raw, low, budgets, s.Raw, s.RawLow)
	}
	want := s.Raw.Whole()
	for _, c := range s.Caps {
		want = min(want, c.At)
	}
	if want != s.High || s.Low > s.High {
		t.Errorf("score %d to %d, recomputed %d", s.Low, s.High, want)
	}
}

func TestCoverage(t *testing.T) {
	r := rubric(t)
	// Weights: spf-record-missing the whole 20, spf-ptr 15 % of 20 = 3, smtp-x 40 % of 15 = 6.
	rs := []checks.Result{
		res("spf-record-missing", checks.AreaSPF, checks.High, passing("example.com")),
		res("spf-ptr", checks.AreaSPF, checks.Medium, unknowing(checks.Medium, "example.com")),
		res("smtp-x", checks.AreaTLS, checks.High, all(checks.NotAsked)),
	}
	if s, _ := r.Score("full", rs); s.Coverage != 86 { // 20 of 23
		t.Errorf("coverage %d, want 86", s.Coverage)
	}
	rs = with(rs, res("smtp-x", checks.AreaTLS, checks.High, unknowing(checks.High, "mx1.example.com")))
	s, _ := r.Score("full", rs)
	if s.Coverage != 68 { // 20 of 29
		t.Errorf("coverage %d, want 68", s.Coverage)
	}
	if s, _ := r.Score("full", nil); s.Coverage != 0 {
		t.Errorf("nothing asked: coverage %d", s.Coverage)
	}
}

// A profile that nobody knows counts as full.
func TestUnknownProfile(t *testing.T) {
	rs := with(healthy(), res("dmarc-record-missing", checks.AreaDMARC, checks.High, failing(checks.High, "example.com")))
	want, _ := rubric(t).Score("full", rs)
	got, _ := rubric(t).Score("whatever", rs)
	other, _ := rubric(t).Score("no-mail", rs)
	if got.High != want.High || got.Low != want.Low || got.LetterLow != want.LetterLow || other.High == want.High {
		t.Errorf("got %+v, want %+v; without mail %d", got.Mark, want.Mark, other.High)
	}
}
