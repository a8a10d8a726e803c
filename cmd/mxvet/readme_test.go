package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The report in the README is a real one: each of its lines stands, in this
// order, in what the demo prints.
func TestReadmeExcerpt(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(readme), "(`mxvet demo young`), shortened:\n")
	if !ok {
		t.Fatal("README.md shows no report")
	}
	rest, stderr, code := here(t, "demo", "young", "--fail-on", "never")
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	lines := 0
	for line := range strings.Lines(strings.TrimLeft(after, "\n")) {
		text, indented := strings.CutPrefix(strings.TrimRight(line, "\n"), "    ")
		if !indented && text != "" {
			break
		}
		if text == "" || text == "..." {
			continue
		}
		_, next, found := strings.Cut("\n"+rest, "\n"+text+"\n")
		if !found {
			t.Fatalf("the demo does not print %q after the lines before it", text)
		}
		rest = next
		lines++
	}
	if lines < 20 {
		t.Errorf("only %d lines", lines)
	}
}
