// Command mutants finds out what the tests do not see. It changes the source by
// one small thing at a time (a condition negated, a branch or a call left out, a
// status or a severity swapped, a bound off by one), and runs the tests that could
// notice. A mutant that no test notices has survived: a test is missing, or the
// change makes no difference that anybody could see.
//
// First each test and each scenario is run alone, to see what it runs through: a
// mutant is tried with those that reach it, the nearest first, until one fails.
// The tree is never touched: changes reach the compiler through an overlay. What
// does not compile does not count. Which changes are made is random; the seed is
// printed, and -seed makes the same ones again.
package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// What is changed: all files of these directories, and these files.
const subjects = "checks,internal/gather,internal/fix,internal/dkim,report/score.go,report/standing.go,report/answers.go,report/answers_side.go"

// A job is what one call is to do.
type job struct {
	n     int
	seed  uint64
	in    []string
	skip  string
	reach string
	jobs  int
	least float64
	list  bool
}

func main() {
	n := flag.Int("n", 150, "how many mutants that compile")
	seed := flag.Uint64("seed", 0, "which changes are made; 0 is a new choice")
	in := flag.String("in", subjects, "directories and files to change, by commas")
	skip := flag.String("skip", "", "tests that are not run, as of go test -skip")
	reach := flag.String("reach", "", "keep which tests run through what in this file, and read it from there next time")
	jobs := flag.Int("jobs", 1, "how many are worked on at a time")
	least := flag.Float64("least", 90, "exit with 1 where fewer than so many per cent are killed")
	list := flag.Bool("list", false, "list the changes and run nothing")
	flag.Parse()
	j := job{*n, *seed, strings.Split(*in, ","), *skip, *reach, *jobs, *least, *list}
	if err := j.run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func (j job) run(out io.Writer) error {
	if j.seed == 0 {
		j.seed = uint64(time.Now().UnixNano()) % 1_000_000
	}
	all, err := sites(j.in)
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(j.seed, 0))
	random.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	fmt.Fprintf(out, "seed %d, %d possible changes\n", j.seed, len(all))
	if j.list {
		for _, m := range all[:min(j.n, len(all))] {
			src, err := os.ReadFile(m.File)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "%s:%d %s\n%s", m.File, m.Line, m.Operator, m.diff(src))
		}
		return nil
	}
	b, err := newBench(j.skip)
	if err != nil {
		return err
	}
	defer b.close()
	began := time.Now()
	if err := b.baseline(j.in, j.reach, j.jobs); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d tests and scenarios, surveyed in %v; not used, as they fail already: %q\n",
		len(b.reach.Units), time.Since(began).Round(time.Second), b.reach.Failed)
	return j.rounds(out, b, all)
}

// A count is how many mutants of a kind were killed, of how many.
type count struct{ killed, of int }

func (c count) share() float64 { return 100 * float64(c.killed) / float64(max(c.of, 1)) }

// rounds tries the changes in turn, until enough were ones that compile.
func (j job) rounds(out io.Writer, b *bench, all []Mutant) error {
	began := time.Now()
	var total count
	kinds := map[string]count{} // by operator and by package
	broken := 0
	for m, verdict := range b.tries(all, j.jobs) {
		if total.of == j.n {
			break
		}
		if verdict.err != nil {
			return verdict.err
		}
		if !verdict.compiles {
			broken++
			continue
		}
		won := 0
		where := fmt.Sprintf("%s:%d %s", m.File, m.Line, m.Operator)
		took := verdict.took.Round(100 * time.Millisecond)
		if verdict.by != "" {
			won = 1
			fmt.Fprintf(out, "killed    %s, by %s (%v)\n", where, verdict.by, took)
		} else {
			src, err := os.ReadFile(m.File)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "SURVIVED  %s (%v)\n%s", where, took, m.diff(src))
		}
		total = count{total.killed + won, total.of + 1}
		for _, kind := range []string{m.Operator, filepath.Dir(m.File)} {
			kinds[kind] = count{kinds[kind].killed + won, kinds[kind].of + 1}
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Fprintf(out, "%-28s %3d of %3d killed\n", kind, kinds[kind].killed, kinds[kind].of)
	}
	fmt.Fprintf(out, "seed %d: %d mutants, %d killed (%.1f %%), %d survived; %d more did not compile; %v\n",
		j.seed, total.of, total.killed, total.share(), total.of-total.killed, broken, time.Since(began).Round(time.Second))
	if total.share() < j.least {
		return fmt.Errorf("%.1f %% are fewer than %g %%", total.share(), j.least)
	}
	return nil
}

// sites lists every possible change, in the order of the files.
func sites(in []string) ([]Mutant, error) {
	var files []string
	for _, path := range in {
		if strings.HasSuffix(path, ".go") {
			files = append(files, path)
			continue
		}
		found, err := filepath.Glob(filepath.Join(path, "*.go"))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: no Go files", path)
		}
		files = append(files, slices.DeleteFunc(found, func(f string) bool { return strings.HasSuffix(f, "_test.go") })...)
	}
	var all []Mutant
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		ms, err := mutants(file, src)
		if err != nil {
			return nil, err
		}
		all = append(all, ms...)
	}
	return all, nil
}
