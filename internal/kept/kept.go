// Package kept compares what code says of many cases with a file that lies beside
// its tests. The file does not say what is right: it shows in review whatever a
// change of the code changes. Each distinct text stands in it once, below the first
// case that has it, in the order of their names.
package kept

import (
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A Table holds the texts of each case.
type Table struct {
	file  string
	renew bool

	mu    sync.Mutex
	cases map[string][]string // case -> the marks of its texts
	texts map[string]string   // mark -> text
}

// Read reads a table. With renew it is to be written anew, and need not be there.
func Read(file string, renew bool) (*Table, error) {
	k := &Table{file: file, renew: renew, cases: map[string][]string{}, texts: map[string]string{}}
	raw, err := os.ReadFile(file)
	if os.IsNotExist(err) && renew {
		return k, nil
	}
	if err != nil {
		return nil, err
	}
	mark := ""
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSuffix(line, "\n")
		switch rest, deep := strings.CutPrefix(line, "    "); {
		case deep:
			k.texts[mark] += "\n" + rest
		case strings.HasPrefix(line, "  "):
			var text string
			mark, text, _ = strings.Cut(line[2:], " ")
			k.texts[mark] = text
		default:
			f := strings.Fields(line)
			if len(f) == 0 {
				return nil, fmt.Errorf("%s: an empty line is none of a table", file)
			}
			k.cases[f[0]] = f[1:]
		}
	}
	return k, nil
}

// Hold compares the texts of a case with the table, or takes them over where it is
// to be written anew. The name of a case has no spaces.
func (k *Table) Hold(t testing.TB, name string, texts ...string) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	var marks []string
	for _, text := range texts {
		m := markOf(text)
		marks = append(marks, m)
		if other, taken := k.texts[m]; k.renew && taken && other != text {
			t.Errorf("%s: the mark %s stands for two texts:\n%s\n%s", k.file, m, other, text)
		}
		if k.renew {
			k.texts[m] = text
		}
	}
	was, known := k.cases[name]
	switch {
	case k.renew:
		k.cases[name] = marks
	case !known:
		t.Errorf("%s has no case %s (-update writes it)", k.file, name)
	case !slices.Equal(marks, was):
		t.Errorf("%s has other texts for %s (if they are right: -update, and read what has changed)\n%s", k.file, name, k.difference(was, marks, texts))
	}
}

// difference shows the texts that only one side has.
func (k *Table) difference(was, now, texts []string) string {
	var b strings.Builder
	for _, m := range was {
		if !slices.Contains(now, m) {
			b.WriteString(signed("- ", k.texts[m]))
		}
	}
	for i, m := range now {
		if !slices.Contains(was, m) {
			b.WriteString(signed("+ ", texts[i]))
		}
	}
	if b.Len() == 0 {
		return "they come in another order, or another number of times"
	}
	return b.String()
}

func signed(sign, text string) string {
	return sign + strings.ReplaceAll(text, "\n", "\n"+sign) + "\n"
}

// Write writes the table where it is to be written anew; else it does nothing.
// Cases of which there says that they are gone are left out; nil leaves none out.
func (k *Table) Write(t testing.TB, there func(name string) bool) {
	t.Helper()
	if !k.renew {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	var b strings.Builder
	told := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(k.cases)) {
		if there != nil && !there(name) {
			continue
		}
		b.WriteString(strings.Join(append([]string{name}, k.cases[name]...), " ") + "\n")
		for _, m := range k.cases[name] {
			if !told[m] {
				told[m] = true
				b.WriteString("  " + m + " " + strings.ReplaceAll(k.texts[m], "\n", "\n    ") + "\n")
			}
		}
	}
	if err := os.WriteFile(k.file, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// markOf gives a short name for a text: six digits or small letters.
func markOf(text string) string {
	h := fnv.New64a()
	h.Write([]byte(text))
	m := strconv.FormatUint(h.Sum64()%(1<<31), 36)
	return strings.Repeat("0", 6-len(m)) + m
}
