package checks

import (
	"testing"

	"mxvet/internal/wire"
)

// No answer is unknown, also where the user switched the network off: the record
// that the zone does not hold may decide.
func TestDMARCSilence(t *testing.T) {
	for _, c := range []struct {
		answer wire.Answer
		want   Status
	}{
		{wire.Answer{Fail: &wire.Fail{Kind: wire.FailTimeout}}, Unknown},
		{wire.Answer{Fail: &wire.Fail{Kind: wire.FailOffline}}, Unknown},
		{wire.Answer{Rcode: "NOERROR", Truncated: true, TCPFailed: true}, Unknown},
	} {
		status, why := dmarcSilence(wire.Asked{Name: "_dmarc.example.com", Answer: c.answer})
		if status != c.want || why == "" {
			t.Errorf("%+v: %s %q, want %s with a reason", c.answer, status, why, c.want)
		}
	}
}

// Only the two rules that tell of a missing or unreadable record judge without a
// guard; all others rely on there being one.
func TestDMARCRulesAreGuarded(t *testing.T) {
	for _, r := range dmarcRules() {
		if r.When == nil && r.ID != "dmarc-record-missing" && r.ID != "dmarc-lookup-fails" {
			t.Errorf("%s judges without a guard, whether there is a record or not", r.ID)
		}
	}
}
