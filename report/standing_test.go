package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"mxvet/checks"
	"mxvet/internal/gather"
)

// What is shown of a score: a number only where it is earned, a letter only where
// both ends agree.
func TestStand(t *testing.T) {
	yes := []Answer{{Answer: Yes}, {Answer: No}, {Answer: Partly}}
	open := []Answer{{Answer: Yes}, {Answer: Unclear, Text: "nobody was heard"}, {Answer: Partly}}
	tests := []struct {
		name             string
		high, low        int
		letters          [2]Letter // of the low and the high end
		coverage         int
		answers          []Answer
		number, grade    string
		provisional, not bool
	}{
		{"all known", 79, 79, [2]Letter{"C", "C"}, 100, yes, "79", "C", false, false},
		{"a range inside one letter", 78, 71, [2]Letter{"C", "C"}, 90, yes, "71-78", "C", true, false},
		{"a range over letters", 90, 65, [2]Letter{"D", "A"}, 71, yes, "65-90", "(D to A)", true, false},
		{"one number, two letters", 100, 100, [2]Letter{"A", "A+"}, 99, yes, "100", "(A to A+)", true, false},
		{"at the least coverage", 90, 65, [2]Letter{"D", "A"}, 70, yes, "65-90", "(D to A)", true, false},
		{"under the least coverage", 90, 90, [2]Letter{"A", "A"}, 69, yes, "", "", true, true},
		{"an answer is open", 90, 90, [2]Letter{"A", "A"}, 100, open, "", "", true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := Mark{High: tt.high, Low: tt.low, LetterLow: tt.letters[0], LetterHigh: tt.letters[1]}
			m.stand(tt.coverage, 70, tt.answers, "")
			if m.Range() != tt.number || m.Grade() != tt.grade || m.Provisional != tt.provisional || m.Stands() == tt.not {
				t.Errorf("%q %q, provisional %v, stands %v", m.Range(), m.Grade(), m.Provisional, m.Stands())
			}
			if (m.Why != "") != tt.not {
				t.Errorf("why: %q", m.Why)
			}
			text, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if null := strings.Contains(string(text), `"score":null,"score_low":null,"letter":null`); null != tt.not {
				t.Errorf("JSON: %s", text)
			}
			var back Mark
			if err := json.Unmarshal(text, &back); err != nil || back.Range() != m.Range() || back.Grade() != m.Grade() {
				t.Errorf("read back: %+v, %v", back, err)
			}
		})
	}
}

// An area of which nothing was measured has no points, whether its rules are
// unknown, were not asked, or do not apply; one failed or passed rule measures it.
func TestUnmeasuredArea(t *testing.T) {
	for _, tt := range []struct {
		verdicts []checks.Verdict
		share    string
	}{
		{[]checks.Verdict{unknowing(checks.High, "mx1.example.com")}, "-"},
		{[]checks.Verdict{all(checks.NotAsked)}, "-"},
		{[]checks.Verdict{all(checks.NotApplicable)}, "-"},
		{[]checks.Verdict{passing("mx1.example.com")}, "15/15"},
		{[]checks.Verdict{failing(checks.High, "mx1.example.com"), passing("mx2.example.com")}, "9/15"},
		{[]checks.Verdict{failing(checks.High, "mx1.example.com"), unknowing(checks.Critical, "mx2.example.com")}, "0-9/15"},
	} {
		_, areas := rubric(t).Score("full", []checks.Result{res("smtp-starttls-none", checks.AreaTLS, checks.High, tt.verdicts...)})
		for _, a := range areas {
			if a.ID == checks.AreaTLS && a.Share() != tt.share {
				t.Errorf("%v: %s, want %s", tt.verdicts, a.Share(), tt.share)
			}
		}
	}
}

// Where no number stands, the reason that most rules wait for is named.
func TestNoScoreSaysWhy(t *testing.T) {
	rs := with(healthy(),
		res("smtp-starttls-none", checks.AreaTLS, checks.High, unknowing(checks.High, "mx1.example.com")),
		res("tls-x", checks.AreaTLS, checks.Critical, unknowing(checks.Critical, "mx1.example.com")),
		res("mx-unreachable", checks.AreaHosts, checks.Critical, checks.Verdict{Subject: "example.com", Status: checks.Unknown, Severity: checks.Critical, Message: "nobody was heard"}),
	)
	d := Judge(&gather.Evidence{Domain: "example.com", Role: gather.Role{Name: gather.Full}}, rs, rubric(t))
	if d.Score.Stands() || d.Score.Why != "timeout at mx1.example.com" || d.Score.Letter != "" {
		t.Errorf("score %+v", d.Score)
	}
}

// No number stands above a cap that a question without an answer may hide. Below
// it one does, and so it does where nothing failed, where the verdict could not be
// grave enough, and where the cap asks for every subject and one is well.
func TestHiddenCaps(t *testing.T) {
	quiet := func(sev checks.Severity, noFault bool) checks.Verdict {
		v := unknowing(sev, "mx1.example.com")
		v.NoFault = noFault
		return v
	}
	for _, tt := range []struct {
		name   string
		add    []checks.Result
		stands bool
	}{
		{"relay", []checks.Result{res("relay-open", checks.AreaHosts, checks.Critical, quiet(checks.High, false))}, false},
		{"list", []checks.Result{res("dnsbl-listed", checks.AreaReputation, checks.Critical, quiet(checks.High, false))}, false},
		{"one of many", []checks.Result{res("dkim-key-short", checks.AreaDKIM, checks.Critical, passing("a"), quiet(checks.High, false))}, false},
		{"no fault", []checks.Result{res("relay-open", checks.AreaHosts, checks.Critical, quiet(checks.High, true))}, true},
		{"one with a fault", []checks.Result{res("relay-open", checks.AreaHosts, checks.Critical, quiet(checks.High, true), quiet(checks.High, false))}, false},
		{"mild", []checks.Result{res("dnsbl-listed", checks.AreaReputation, checks.Critical, quiet(checks.Medium, false))}, true},
		{"everywhere, but for one", []checks.Result{res("tls-version-old", checks.AreaTLS, checks.High, passing("mx2.example.com"), quiet(checks.High, false))}, true},
		{"everywhere", []checks.Result{res("tls-version-old", checks.AreaTLS, checks.High, quiet(checks.High, false))}, false},
		{"held lower anyway", []checks.Result{
			res("dkim-key-short", checks.AreaDKIM, checks.Critical, quiet(checks.High, false)),
			res("dns-nxdomain", checks.AreaHosts, checks.Critical, failing(checks.Critical, "example.com")),
		}, true},
		{"no cap", []checks.Result{res("dkim-revoked", checks.AreaDKIM, checks.High, quiet(checks.High, false))}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := &gather.Evidence{Domain: "example.com"}
			rs := with(healthy(), tt.add...)
			s, _ := rubric(t).Score("full", rs)
			yes := []Answer{{Answer: Yes}}
			s.stand(100, 70, yes, "")
			s.hold(e, rubric(t), "full", rs)
			if s.Stands() != tt.stands || tt.stands != (s.Why == "") {
				t.Errorf("%+v", s.Mark)
			}
			if at, held := capIn(s.Why); held && (s.Low > at || s.LetterLow == "" || s.LetterLow == "A+") {
				t.Errorf("%q, and %s", s.Why, s.Possible())
			}
		})
	}
}

// capIn gives the number at which words say that a score may be held.
func capIn(why string) (at int, ok bool) {
	_, rest, ok := strings.Cut(why, "may hold it at ")
	if ok {
		_, err := fmt.Sscanf(rest, "%d", &at)
		ok = err == nil
	}
	return at, ok
}
