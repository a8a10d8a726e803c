package checks_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"mxvet/checks"
)

// What the rules say of their own scenarios, verdict by verdict, word by word, is kept
// in a file.
// It does not say what is right, as a scenario's own lines do: it shows in review
// whatever else a change of a rule changes. Lines with a star are about other rules:
// one scenario for each reason not to judge that any of them shows.
const verdictsFile = "testdata/verdicts.txt"

// A verdictTable holds the lines of each scenario.
type verdictTable struct {
	want map[string]string
	mu   sync.Mutex
	got  map[string]string
	idle map[string][]string // scenario -> the reasons of its rules
}

func readVerdicts(t *testing.T) *verdictTable {
	t.Helper()
	table := &verdictTable{want: map[string]string{}, got: map[string]string{}, idle: map[string][]string{}}
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
	id := ruleOf(scenario, results)
	if id == "" {
		return // TestEveryRuleHasScenarios tells of it
	}
	var b strings.Builder
	for _, verdict := range results[id].Verdicts {
		status := string(verdict.Status)
		if verdict.NoFault {
			status += " (no fault)"
		}
		line := fmt.Sprintf("%s %s %s %s %s", scenario, status, verdict.Severity, verdict.Subject, verdict.Key)
		line = strings.Join(strings.Fields(line), " ")
		if verdict.Message != "" {
			line += ": " + verdict.Message
		}
		b.WriteString(line + "\n")
		if strings.ContainsFunc(verdict.Message, unicode.IsControl) {
			t.Errorf("%s: a message must be one line of text: %q", id, verdict.Message)
		}
	}
	reasons := reasonsOf(scenario, results)
	v.mu.Lock()
	v.got[scenario], v.idle[scenario] = b.String(), reasons
	v.mu.Unlock()
	if *update {
		return
	}
	var own strings.Builder
	for line := range strings.Lines(v.want[scenario]) {
		if !strings.HasPrefix(line, scenario+" * ") {
			own.WriteString(line)
		} else if !slices.Contains(reasons, line) {
			t.Errorf("no rule says %q, as %s wants it (if that is right: -update)", line, verdictsFile)
		}
	}
	if own.String() != b.String() {
		t.Errorf("%s has other verdicts than %s (if they are right: -update)\ngot\n%swant\n%s", id, verdictsFile, b.String(), own.String())
	}
}

// ruleOf gives the rule to which a scenario belongs, "" where there is none.
func ruleOf(scenario string, results map[string]checks.Result) string {
	for id := scenario; ; {
		if results[id].Rule.ID != "" {
			return id
		}
		cut := strings.LastIndexByte(id, '-')
		if cut < 0 {
			return ""
		}
		id = id[:cut]
	}
}

// reasonsOf gives a line for each rule that does not judge in a scenario: what it
// says up to the first colon, behind which stand names and numbers.
func reasonsOf(scenario string, results map[string]checks.Result) []string {
	var out []string
	for _, id := range slices.Sorted(maps.Keys(results)) {
		if res := results[id]; res.Status == checks.NotApplicable || res.Status == checks.NotAsked {
			why, _, _ := strings.Cut(res.Verdicts[0].Message, ":")
			out = append(out, fmt.Sprintf("%s * %s %s, %s\n", scenario, id, res.Status, why))
		}
	}
	return out
}

// write keeps the lines of scenarios that were not run; stars are complete where all
// were.
func (v *verdictTable) write(t *testing.T) {
	seen := map[string]bool{}
	for name, text := range v.want {
		if v.got[name] != "" {
			continue
		}
		v.got[name] = text
		for line := range strings.Lines(text) {
			if _, what, ok := strings.Cut(line, " * "); ok {
				seen[what] = true
			}
		}
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(v.got)) {
		if _, err := os.Stat(scenarios + "/" + name + ".txtar"); err != nil {
			continue
		}
		b.WriteString(v.got[name])
		for _, line := range v.idle[name] {
			if _, what, _ := strings.Cut(line, " * "); !seen[what] {
				seen[what] = true
				b.WriteString(line)
			}
		}
	}
	if err := os.WriteFile(verdictsFile, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
