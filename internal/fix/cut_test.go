package fix_test

import (
	"fmt"
	"strings"
	"testing"

	"mxvet/internal/fix"
	"mxvet/internal/gather"
)

// A policy names every MX host, also those that an audit does not look at: mode
// enforce keeps mail from all others.
func TestPolicyNamesEveryHost(t *testing.T) {
	var zone strings.Builder
	for i := range 60 {
		fmt.Fprintf(&zone, "@ IN MX %d m%02d\nm%02d IN A 192.0.2.25\n", i, i, i)
	}
	zone.WriteString(aligned + reject)
	f := propose(t, gather.Options{NoSMTP: true}, zone.String(), "")[fix.MTASTSPolicy]
	var text string
	for _, s := range f.Steps {
		text += s.String() + "\n"
	}
	for i := range 60 {
		if line := fmt.Sprintf("mx: m%02d.example.com\n", i); !strings.Contains(text, line) {
			t.Errorf("the policy lacks %q", line)
		}
	}
}
