package checks

import (
	"fmt"
	"strings"
	"testing"

	"mxvet/internal/gather"
)

// Rules that the time did not reach are unknown, and say why.
func TestRunUntil(t *testing.T) {
	done := make(chan struct{})
	close(done)
	e := &gather.Evidence{Domain: "example.com"}
	results := RunUntil(done, e, All())
	if len(results) != len(All()) {
		t.Fatalf("%d results of %d rules", len(results), len(All()))
	}
	for _, r := range results {
		if r.Status != Unknown || len(r.Verdicts) != 1 || !strings.Contains(r.Verdicts[0].Message, "time") || r.Verdicts[0].Subject != "example.com" {
			t.Errorf("%s: %s %+v", r.Rule.ID, r.Status, r.Verdicts)
		}
	}
}

// A peer decides how many verdicts a rule has; the worst are kept, and the others
// counted.
func TestVerdictsAreBounded(t *testing.T) {
	rule := Rule{ID: "x", Severity: High, Judge: func(*gather.Evidence) []Verdict {
		var out []Verdict
		for i := range 1000 {
			v := Verdict{Subject: fmt.Sprintf("h%03d", i), Status: Fail, Severity: Low, Message: "bad"}
			if i == 999 {
				v.Severity = High
			}
			out = append(out, v)
		}
		return out
	}}
	r := rule.apply(&gather.Evidence{Domain: "example.com"})
	if r.Status != Fail || r.Severity != High || len(r.Verdicts) != maxVerdicts+1 || r.Verdicts[0].Subject != "h999" {
		t.Fatalf("%s %s, %d verdicts, first %+v", r.Status, r.Severity, len(r.Verdicts), r.Verdicts[0])
	}
	if last := r.Verdicts[maxVerdicts]; last.Status != Fail || last.Severity != Low || !strings.Contains(last.Message, "899 more") {
		t.Errorf("last %+v", last)
	}
}
