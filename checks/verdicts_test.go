package checks_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"mxvet/checks"
)

// What the rules say of their own scenarios, verdict by verdict, is kept in a file.
// It does not say what is right, as a scenario's own lines do: it shows in review
// whatever else a change of a rule changes.
const verdictsFile = "testdata/verdicts.txt"

// A verdictTable holds the lines of each scenario.
type verdictTable struct {
	want map[string]string
	mu   sync.Mutex
	got  map[string]string
}

func readVerdicts(t *testing.T) *verdictTable {
	t.Helper()
	table := &verdictTable{want: map[string]string{}, got: map[string]string{}}
	text, err := os.ReadFile(verdictsFile)
	if err != nil && !*update {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(line, " ")
		table.want[name] += line
	}
	if *update {
		t.Cleanup(func() { table.write(t) })
	}
	return table
}

// hold compares what a scenario's own rule says with the table.
func (v *verdictTable) hold(t *testing.T, scenario string, results map[string]checks.Result) {
	t.Helper()
	id := scenario
	for results[id].Rule.ID == "" {
		cut := strings.LastIndexByte(id, '-')
		if cut < 0 {
			return // TestEveryRuleHasScenarios tells of it
		}
		id = id[:cut]
	}
	var b strings.Builder
	for _, verdict := range results[id].Verdicts {
		line := fmt.Sprintf("%s %s %s %s %s", scenario, verdict.Status, verdict.Severity, verdict.Subject, verdict.Key)
		b.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
	}
	v.mu.Lock()
	v.got[scenario] = b.String()
	v.mu.Unlock()
	if !*update && v.want[scenario] != b.String() {
		t.Errorf("%s has other verdicts than %s (if they are right: -update)\ngot\n%swant\n%s", id, verdictsFile, b.String(), v.want[scenario])
	}
}

// write keeps the lines of scenarios that were not run.
func (v *verdictTable) write(t *testing.T) {
	maps.Copy(v.want, v.got)
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(v.want)) {
		if _, err := os.Stat(scenarios + "/" + name + ".txtar"); err == nil {
			b.WriteString(v.want[name])
		}
	}
	if err := os.WriteFile(verdictsFile, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
