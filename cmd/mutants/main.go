// Command mutants finds out what the tests do not see. It changes the source by
// one small thing at a time (a condition negated, a branch or a call left out, a
// status or a severity swapped, a bound off by one), and runs the tests that could
// notice. A mutant that no test notices has survived: a test is missing, or the
// change makes no difference that anybody could see.
//
// The tree is never touched: changes reach the compiler through an overlay. What
// does not compile does not count. Which changes are made is random; the seed is
// printed, and -seed makes the same ones again.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// What is changed: all files of these directories, and these files.
const subjects = "checks,internal/gather,internal/fix,internal/dkim,report/score.go,report/answers.go"

func main() {
	n := flag.Int("n", 150, "how many mutants that compile")
	seed := flag.Uint64("seed", 0, "which changes are made; 0 is a new choice")
	in := flag.String("in", subjects, "directories and files to change, by commas")
	skip := flag.String("skip", "", "tests that are not run, as of go test -skip")
	least := flag.Float64("least", 90, "exit with 1 where fewer than so many per cent are killed")
	list := flag.Bool("list", false, "list the changes and run nothing")
	fresh := flag.Bool("baseline", true, "first run the tests over the source as it is")
	flag.Parse()
	if err := run(os.Stdout, *n, *seed, strings.Split(*in, ","), *skip, *least, *list, *fresh); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(out *os.File, n int, seed uint64, in []string, skip string, least float64, list, baseline bool) error {
	if seed == 0 {
		seed = uint64(time.Now().UnixNano()) % 1_000_000
	}
	all, err := sites(in)
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(seed, 0))
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	fmt.Fprintf(out, "seed %d, %d possible changes\n", seed, len(all))
	if list {
		for _, m := range all[:min(n, len(all))] {
			src, err := os.ReadFile(m.File)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "%s:%d %s\n%s", m.File, m.Line, m.Operator, m.diff(src))
		}
		return nil
	}
	b, err := newBench(skip)
	if err != nil {
		return err
	}
	defer b.close()
	if baseline {
		if err := b.baseline(in); err != nil {
			return err
		}
	}
	began := time.Now()
	killed, survived, broken := 0, 0, 0
	for _, m := range all {
		if killed+survived == n {
			break
		}
		start := time.Now()
		verdict, err := b.try(m)
		if err != nil {
			return err
		}
		where := fmt.Sprintf("%s:%d %s", m.File, m.Line, m.Operator)
		took := time.Since(start).Round(100 * time.Millisecond)
		switch {
		case !verdict.compiles:
			broken++
		case verdict.by != "":
			killed++
			fmt.Fprintf(out, "killed    %s, by %s (%v)\n", where, verdict.by, took)
		default:
			survived++
			src, err := os.ReadFile(m.File)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "SURVIVED  %s (%v)\n%s", where, took, m.diff(src))
		}
	}
	total := max(killed+survived, 1)
	share := 100 * float64(killed) / float64(total)
	fmt.Fprintf(out, "seed %d: %d mutants, %d killed (%.1f %%), %d survived; %d more did not compile; %v\n",
		seed, killed+survived, killed, share, survived, broken, time.Since(began).Round(time.Second))
	if share < least {
		return fmt.Errorf("%.1f %% are fewer than %g %%", share, least)
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
