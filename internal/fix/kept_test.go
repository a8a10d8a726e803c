package fix_test

import (
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"

	"mxvet/internal/fix"
	"mxvet/internal/kept"
	"mxvet/internal/zone"
)

var update = flag.Bool("update", false, "write the table of proposals anew")

// Every proposal for the small worlds of these tests is kept in a file, whole. The
// tests say what must be so; the table shows in review what else a change changes.
var proposals = sync.OnceValues(func() (*kept.Table, error) { return kept.Read("testdata/proposals.txt", *update) })

// rounds counts the worlds of tests that propose for several.
var rounds = struct {
	sync.Mutex
	of map[string]int
}{of: map[string]int{}}

// hold compares what is proposed for a world with the table.
func hold(t *testing.T, fixes []fix.Fix) {
	t.Helper()
	table, err := proposals()
	if err != nil {
		t.Fatal(err)
	}
	rounds.Lock()
	name := t.Name()
	rounds.of[name]++
	if rounds.of[name] == 1 {
		t.Cleanup(func() { // the test may run again
			rounds.Lock()
			defer rounds.Unlock()
			delete(rounds.of, t.Name())
		})
	}
	if n := rounds.of[name]; n > 1 {
		name = fmt.Sprint(name, "#", n)
	}
	rounds.Unlock()
	var texts []string
	for _, f := range fixes {
		texts = append(texts, whole(f))
	}
	table.Hold(t, name, texts...)
	if *update {
		table.Write(t, nil)
	}
}

// whole gives all that a fix says.
func whole(f fix.Fix) string {
	var lines []string
	line := func(format string, args ...any) {
		lines = append(lines, strings.TrimRight(fmt.Sprintf(format, args...), " "))
	}
	changes := func(all []zone.Change) {
		for _, c := range all {
			for _, data := range c.Remove {
				line("- %s %s %s", c.Owner, c.Type, data)
			}
			for _, data := range c.Add {
				line("+ %s %d %s %s", c.Owner, c.TTL, c.Type, data)
			}
		}
	}
	line("%s %s, %s effort, record %v: %s", f.ID, f.Safety, f.Effort, f.Record(), f.Title)
	for _, c := range f.Claims {
		line("claims %s %s %s", c.Rule, c.Subject, c.Key)
	}
	changes(f.Changes)
	for _, s := range f.Steps {
		first, rest := s.Lines()
		line("step %s", first)
		for _, text := range rest {
			line("| %s", text)
		}
	}
	line("needs %s", f.Needs)
	line("undo in %d s: %s", f.VisibleWithin, f.Undo)
	for _, s := range f.Next {
		line("then, untried %v: %s", s.Untried, s.When)
		changes(s.Changes)
	}
	return strings.Join(lines, "\n")
}
