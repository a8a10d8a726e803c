package kept

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// said notes errors in place of failing.
type said struct {
	testing.TB
	errors []string
}

func (s *said) Helper() {}
func (s *said) Errorf(format string, args ...any) {
	s.errors = append(s.errors, fmt.Sprintf(format, args...))
}

func TestTable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "table.txt")
	if _, err := Read(file, false); err == nil {
		t.Error("a table that is not there was read")
	}
	write := func(there func(string) bool, cases ...[]string) {
		t.Helper()
		k, err := Read(file, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			k.Hold(t, c[0], c[1:]...)
		}
		k.Write(t, there)
	}
	write(nil, []string{"b", "one", "two\n  lines\n"}, []string{"a", "one"}, []string{"c"})
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := "a " + markOf("one") + "\n  " + markOf("one") + " one\nb " + markOf("one") + " " + markOf("two\n  lines\n") + "\n  " + markOf("two\n  lines\n") + " two\n      lines\n    \nc\n"; string(text) != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	k, err := Read(file, false)
	if err != nil {
		t.Fatal(err)
	}
	k.Hold(t, "a", "one")
	k.Hold(t, "b", "one", "two\n  lines\n")
	k.Hold(t, "c")
	for _, c := range []struct {
		name  string
		texts []string
		want  string
	}{
		{"a", []string{"two"}, "- one\n+ two"},
		{"b", []string{"one", "two\n  rows"}, "- two\n-   lines\n- \n+ two\n+   rows"},
		{"b", []string{"two\n  lines\n", "one"}, "in another order"},
		{"d", nil, "no case d"},
	} {
		s := &said{TB: t}
		k.Hold(s, c.name, c.texts...)
		if len(s.errors) != 1 || !strings.Contains(s.errors[0], c.want) {
			t.Errorf("%s %q: %q", c.name, c.texts, s.errors)
		}
	}
	k.Write(t, nil) // nothing
	// Some cases are run again, one is gone: the rest stays, and no text is lost.
	write(func(name string) bool { return name != "a" }, []string{"c", "three"})
	if k, err = Read(file, false); err != nil {
		t.Fatal(err)
	}
	k.Hold(t, "b", "one", "two\n  lines\n")
	k.Hold(t, "c", "three")
	s := &said{TB: t}
	if k.Hold(s, "a", "one"); len(s.errors) != 1 {
		t.Errorf("a is still there: %q", s.errors)
	}
	if err := os.WriteFile(file, []byte("a\n\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(file, false); err == nil {
		t.Error("an empty line was read")
	}
}
