package main

import (
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const small = `package checks

const limit = 10

func judge(n int, bad bool) Status {
	if n > limit {
		warn(n)
		return Fail
	} else if bad {
		return Unknown
	}
	for i := range n {
		if i == 3 {
			continue
		}
		list = append(list, i)
	}
	switch {
	case n < 2, bad:
		return Verdict{Status: Pass, Severity: High}.Status
	default:
		warn(0)
	}
	return holds(n != 1 && !bad)
}

func holds(ok bool) bool { return ok || Fail != Pass }
`

// Each operator finds its places and no others, and what it makes is one change.
func TestOperators(t *testing.T) {
	got := map[string][]string{}
	ms, err := mutants("small.go", []byte(small))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ms {
		was, _, _ := strings.Cut(small[m.start:m.end], "\n")
		got[m.Operator] = append(got[m.Operator], fmt.Sprintf("%d %s -> %s", m.Line, was, m.with))
		if _, err := format.Source(m.apply([]byte(small))); err != nil {
			t.Errorf("line %d, %s: %v", m.Line, m.Operator, err)
		}
	}
	want := map[string][]string{
		negated: {
			"6 n > limit -> !(n > limit)", "9 bad -> !(bad)", "13 i == 3 -> !(i == 3)", "19 n < 2 -> !(n < 2)",
			"19 bad -> !(bad)", "27 ok || Fail != Pass -> !(ok || Fail != Pass)",
		},
		removed: {
			"6 if n > limit { -> ", "7 warn(n) -> ", "9  else if bad { -> ", "13 if i == 3 { -> ", "14 continue -> ",
			"16 list = append(list, i) -> ", "19 case n < 2, bad: -> ", "22 warn(0) -> ",
		},
		swapped: {
			"8 Fail -> Pass", "8 Fail -> Unknown", "10 Unknown -> Pass", "10 Unknown -> Fail", "20 Pass -> Fail",
			"20 High -> Critical", "20 High -> Medium", "27 Fail -> Pass", "27 Fail -> Unknown", "27 Pass -> Fail",
		},
		bounded: {"3 10 -> 11", "6 > -> >=", "13 3 -> 4", "19 < -> <=", "19 2 -> 3", "24 1 -> 2"},
	}
	for operator, lines := range want {
		if !slices.Equal(got[operator], lines) {
			t.Errorf("%s:\n  got  %q\n  want %q", operator, got[operator], lines)
		}
	}
}

// A name is swapped only where it means what the operator thinks.
func TestSwapsOnlyOurs(t *testing.T) {
	ms, err := mutants("x.go", []byte("package gather\n\nvar a = Unknown\nvar b = wire.Fail\nvar c = checks.Fail\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(ms) != 2 || ms[0].Line != 5 || ms[0].with != "Pass" || ms[1].with != "Unknown" {
		t.Errorf("got %+v", ms)
	}
}

func TestDiff(t *testing.T) {
	m := Mutant{start: 4, end: 5, with: "=="}
	if got := m.diff([]byte("a\nb < c\nd\n")); got != "- b < c\n+ b == c\n" {
		t.Errorf("got %q", got)
	}
}

// One small module: what a test notices is killed, what none does survives, what
// does not compile is neither.
func TestTry(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":      "module mxvet\n\ngo 1.26\n",
		"a/a.go":      "package a\n\nvar Limit = 10\n\nfunc Big(n int) bool { return n > Limit }\n\nfunc Unseen() bool { return Limit == 3 }\n",
		"a/a_test.go": "package a\n\nimport \"testing\"\n\nfunc TestBig(t *testing.T) {\n\tif Big(5) || !Big(20) {\n\t\tt.Fail()\n\t}\n}\n\nfunc TestOther(*testing.T) {}\n\nfunc TestFails(t *testing.T) { t.Fail() }\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	b, err := newBench("")
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	b.order = nil
	if err := b.baseline([]string{"a"}, "", 2); err != nil || len(b.reach.Units) != 2 || len(b.reach.Failed) != 1 {
		t.Fatalf("%v %+v", err, b.reach)
	}
	src, err := os.ReadFile("a/a.go")
	if err != nil {
		t.Fatal(err)
	}
	ms, err := mutants("a/a.go", src)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		was, with string
		want      verdict
	}{
		{"n > Limit", "!(n > Limit)", verdict{compiles: true, by: "tests of a"}},
		{">", ">=", verdict{compiles: true, by: ""}},
		{"10", "21", verdict{compiles: true, by: "tests of a"}},
		{"Limit == 3", "!(Limit == 3)", verdict{compiles: true, by: ""}},
		{"n > Limit", "", verdict{compiles: false, by: ""}},
		{"Limit == 3", "", verdict{compiles: false, by: ""}},
	} {
		i := strings.Index(string(src), c.was)
		at := slices.IndexFunc(ms, func(m Mutant) bool { return m.start == i })
		m := Mutant{File: "a/a.go", start: i, end: i + len(c.was), with: c.with}
		if at >= 0 {
			m.Line, m.Col, m.within = ms[at].Line, ms[at].Col, ms[at].within
		}
		if got := b.try(m); got != c.want {
			t.Errorf("%q: %+v, want %+v", c.with, got, c.want)
		}
	}
	var got strings.Builder
	for m, v := range b.tries(ms, 3) { // in their order
		got.WriteString(fmt.Sprintf("%d %s %v %q, ", m.Line, m.with, v.compiles, v.by))
	}
	if want := `3 11 true "", 5 !(n > Limit) true "tests of a", 5 >= true "", 7 !(Limit == 3) true "", 7 4 true "", `; got.String() != want {
		t.Errorf("got  %s\nwant %s", got.String(), want)
	}
	if now, err := os.ReadFile("a/a.go"); err != nil || string(now) != string(src) {
		t.Error("the source was changed")
	}
}
