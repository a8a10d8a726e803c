package audit_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"mxvet/internal/fakenet"
	"mxvet/report"
)

// fixesOf gives the fixes of a scenario, as its report has them.
func fixesOf(t *testing.T, scenario string) []report.Fix {
	t.Helper()
	text, err := os.ReadFile("../../testdata/scenarios/" + scenario + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	world, err := fakenet.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var out []report.Fix
	synctest.Test(t, func(t *testing.T) { out = proven(t, world).Fixes })
	return out
}

// Two records become one whose include nobody answers for: no receiver asks for it
// today, and once it is asked for, mail of all whom the rest does not name waits.
func TestMergeOverALostInclude(t *testing.T) {
	fixes := fixesOf(t, "spf-record-multiple-lost-include")
	i := slices.IndexFunc(fixes, func(f report.Fix) bool { return f.ID == "spf-record" })
	if i < 0 {
		t.Fatal("no fix of the SPF record")
	}
	if f := fixes[i]; f.Verified || f.Safety != report.NeedsEvidence || !strings.Contains(f.Unverified, "_spf.lost.example") {
		t.Errorf("verified %v, %s: %q", f.Verified, f.Safety, f.Unverified)
	}
}

// What the fix of one record clears beside its own finding needs no fix of its own,
// and is counted as cleared.
func TestClearedBesides(t *testing.T) {
	for scenario, want := range map[string]struct{ id, clears, never string }{
		"dns-final-dot":    {"final-dot", "mtasts-mx-mismatch", "mtasts-policy"},
		"dns-unregistered": {"mx-records", "mtasts-mx-mismatch", "mtasts-policy"},
	} {
		fixes := fixesOf(t, scenario)
		i := slices.IndexFunc(fixes, func(f report.Fix) bool { return f.ID == want.id })
		if i < 0 || !slices.Contains(fixes[i].Rules, want.clears) {
			t.Errorf("%s: nothing clears %s: %+v", scenario, want.clears, fixes)
		}
		if slices.ContainsFunc(fixes, func(f report.Fix) bool { return f.ID == want.never }) {
			t.Errorf("%s: %s is proposed beside it", scenario, want.never)
		}
	}
}

// One cause has one fix, which says all that it clears.
func TestOneCause(t *testing.T) {
	for scenario, want := range map[string][]string{
		"mtasts-mx-mismatch-together":    {"mtasts-mx-mismatch", "mx-unequal"},
		"dkim-key-invalid":               {"dkim-key-invalid", "dmarc-without-dkim"},
		"dmarc-unauthenticated-web-only": {"mx-implicit", "mx-no-ipv6"},
	} {
		found := false
		for _, f := range fixesOf(t, scenario) {
			found = found || len(f.Rules) > 0 && f.Rules[0] == want[0] && slices.Contains(f.Rules, want[1])
			if len(f.Rules) > 0 && f.Rules[0] == want[1] {
				t.Errorf("%s: %s has a fix of its own", scenario, want[1])
			}
		}
		if !found {
			t.Errorf("%s: no fix for %v", scenario, want)
		}
	}
}
