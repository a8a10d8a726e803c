package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"mxvet/report"
)

// misspelt warns of variables that begin as ours do and name no flag of any command:
// one letter off, MXVET_FAIL_OM says nothing, and a threshold is not what its author
// thinks.
func (f *auditFlags) misspelt(w world) {
	if w.environ == nil {
		return
	}
	known := map[string]bool{"MXVET_HELP": true}
	for _, set := range everyFlag(w) {
		set.VisitAll(func(flag *pflag.Flag) { known[envName(flag.Name)] = true })
	}
	for _, entry := range w.environ() {
		name, _, _ := strings.Cut(entry, "=")
		if known[name] || !alike(name, "MXVET_") {
			continue
		}
		text := "names no flag, and does nothing"
		best := 3
		for _, other := range slices.Sorted(maps.Keys(known)) {
			if n := distance(strings.ToUpper(name), other); n < best {
				best, text = n, "names no flag, and does nothing: did you mean "+other+"?"
			}
		}
		if strings.HasPrefix(strings.ToUpper(name), "MXVET_") || best < 3 {
			fmt.Fprintf(w.stderr, "mxvet: warning: the environment variable %s %s\n", report.Sanitize(name), text)
		}
	}
}

// alike reports whether a name begins with a prefix but for one letter, or the case.
func alike(name, prefix string) bool {
	name = strings.ToUpper(name)
	for n := len(prefix) - 1; n <= len(prefix)+1; n++ {
		if n <= len(name) && distance(name[:n], prefix) <= 1 {
			return true
		}
	}
	return false
}

// distance counts the letters to put in, take out, change or swap with the next one
// to make b of a.
func distance(a, b string) int {
	const far = 99
	if d := len(a) - len(b); d > 3 || d < -3 {
		return far
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for k := range len(b) + 1 {
		rows[0][k] = k
	}
	for i := 1; i <= len(a); i++ {
		for k := 1; k <= len(b); k++ {
			cost := 1
			if a[i-1] == b[k-1] {
				cost = 0
			}
			rows[i][k] = min(rows[i-1][k]+1, rows[i][k-1]+1, rows[i-1][k-1]+cost)
			if i > 1 && k > 1 && a[i-1] == b[k-2] && a[i-2] == b[k-1] {
				rows[i][k] = min(rows[i][k], rows[i-2][k-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// envName gives the variable that stands for a flag.
func envName(flag string) string {
	return "MXVET_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// everyFlag gives the flags that the environment can stand for, of all commands.
func everyFlag(w world) []*pflag.FlagSet {
	return []*pflag.FlagSet{
		auditCommand(w).Flags(), demoCommand(w).Flags(), messageCommand(w).Flags(), simulateCommand(w).Flags(),
	}
}
