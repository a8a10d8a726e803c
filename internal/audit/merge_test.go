package audit_test

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"mxvet/internal/fakenet"
	"mxvet/report"
)

// Two records become one whose include nobody answers for: no receiver asks for it
// today, and once it is asked for, mail of all whom the rest does not name waits.
func TestMergeOverALostInclude(t *testing.T) {
	text, err := os.ReadFile("../../testdata/scenarios/spf-record-multiple-lost-include.txtar")
	if err != nil {
		t.Fatal(err)
	}
	world, err := fakenet.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		for _, f := range proven(t, world).Fixes {
			if f.ID != "spf-record" {
				continue
			}
			if f.Verified || f.Safety != report.NeedsEvidence || !strings.Contains(f.Unverified, "_spf.lost.example") {
				t.Errorf("verified %v, %s: %q", f.Verified, f.Safety, f.Unverified)
			}
			return
		}
		t.Error("no fix of the SPF record")
	})
}
