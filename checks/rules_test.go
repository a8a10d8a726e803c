package checks_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"mxvet/checks"
)

var update = flag.Bool("update", false, "write the table of rules anew")

// What a rule can cost, and what its failure means for the three questions, is
// decided by people who read it side by side with the others: a change shows in
// the table.
func TestTableOfRules(t *testing.T) {
	const file = "testdata/rules.txt"
	var b strings.Builder
	for _, r := range checks.All() {
		fmt.Fprintf(&b, "%-26s %-11s %s\n", r.ID, r.Area, r.Severity)
		for _, bearing := range r.Bears {
			var on strings.Builder
			on.WriteString(string(bearing.On))
			for _, more := range []string{string(bearing.Direction), string(bearing.Shield)} {
				if more != "" {
					on.WriteString(", " + more)
				}
			}
			if bearing.Everywhere {
				on.WriteString(", everywhere")
			}
			fmt.Fprintf(&b, "    %s: %s from %s\n", on.String(), bearing.Weight, bearing.From)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	was, is := strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")
	for i := range max(len(was), len(is)) {
		if i >= len(was) || i >= len(is) || was[i] != is[i] {
			t.Fatalf("line %d of %s is not what the rules say (-update writes it anew):\nrules %q\ntable %q", i+1, file, lineOr(is, i), lineOr(was, i))
		}
	}
}

func lineOr(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "end"
}
