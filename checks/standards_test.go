package checks_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"mxvet/checks"
	"mxvet/internal/message"
)

// The table names every requirement once and without a gap, and tells the truth
// about which rules are built: those about domains, and those about a message. A
// rule of our own, which no catalogue asks for, stands there as MXV-nnn.
func TestStandardsTable(t *testing.T) {
	built := map[string]bool{}
	for _, r := range slices.Concat(checks.All(), message.Rules(nil)) {
		built[r.ID] = true
	}
	named, ids := map[string]bool{}, map[string]bool{}
	last := map[string]int{}
	for line := range strings.Lines(checks.Standards()) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 {
			t.Fatalf("line %q has %d fields, want 3", line, len(f))
		}
		if ids[f[0]] {
			t.Errorf("%s stands twice", f[0])
		}
		ids[f[0]], named[f[1]] = true, true
		group, digits, _ := strings.Cut(f[0], "-")
		if n, err := strconv.Atoi(digits); err != nil || n != last[group]+1 {
			t.Errorf("%s does not follow %s-%03d: a requirement is missing", f[0], group, last[group])
		} else {
			last[group] = n
		}
		switch {
		case f[1] == "-" && (f[2] == "" || strings.HasPrefix(f[2], "planned")):
			t.Errorf("%s has no rule and no reason", f[0])
		case f[1] != "-" && built[f[1]] && f[2] != "":
			t.Errorf("%s: rule %s is built, but marked %q", f[0], f[1], f[2])
		case f[1] != "-" && !built[f[1]] && !strings.HasPrefix(f[2], "planned: "):
			t.Errorf("%s: rule %s is not built, and the note does not say \"planned: \" and what it waits for", f[0], f[1])
		}
	}
	for id := range built {
		if !named[id] {
			t.Errorf("rule %s answers no requirement of the table", id)
		}
	}
}
