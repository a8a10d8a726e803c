package hostile_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"mxvet/internal/hostile"
)

var update = flag.Bool("update", false, "write the table of tricks into docs/security.md")

// The page about what a domain may cost lists each trick.
func TestSecurityPage(t *testing.T) {
	const page = "../../docs/security.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- tricks begin -->\n", "<!-- tricks end -->\n"
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the table", page)
	}
	want := before + begin + table() + end + after
	if want == string(text) {
		return
	}
	if !*update {
		t.Fatalf("%s: the table is out of date: go test ./internal/hostile -update", page)
	}
	if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func table() string {
	var b strings.Builder
	b.WriteString("| trick | sent by | told by | measured with the program |\n|---|---|---|---|\n")
	for _, k := range hostile.All() {
		var told []string
		for _, rule := range k.Fails {
			told = append(told, rule+" fails")
		}
		for _, rule := range k.Unsure {
			told = append(told, rule+" unknown")
		}
		heavy := ""
		if k.Heavy {
			heavy = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", k.Name, k.Peer, strings.Join(told, ", "), heavy)
	}
	return b.String()
}

// A trick is a world that differs from the model, and has a name of its own.
func TestTricks(t *testing.T) {
	heavy, names := 0, map[string]bool{}
	for _, k := range hostile.All() {
		if names[k.Name] || k.World() == (hostile.Trick{}).Name {
			t.Errorf("%q is there twice, or empty", k.Name)
		}
		names[k.Name] = true
		if k.Heavy {
			heavy++
		}
	}
	if len(names) < 80 || heavy < 20 {
		t.Errorf("%d tricks, %d of them heavy; want 80 and 20", len(names), heavy)
	}
}
