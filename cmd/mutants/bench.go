package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const module = "mxvet"

// The packages whose tests are run, those that kill most for least first. Only
// what can see a change is run, and a changed package's own tests come first.
var order = []string{"checks", "internal/fix", "internal/gather", "report", "internal/audit", "internal/simulate", "internal/message", "cmd/mxvet"}

// Flags of a package's tests: its random tests make the same choice for each
// mutant, so that none is killed by luck.
var flags = map[string][]string{"internal/audit": {"-harm.seed=1"}}

// Time of the processor beyond several times of what the tests take over the source
// as it is. A mutant that takes more runs in circles, and is killed; one that sleeps
// is, much later.
const (
	patience = 30 * time.Second
	asleep   = 20 * time.Minute
)

// A bench runs tests over changed sources.
type bench struct {
	root  string
	dir   string // for overlays and test programs
	skip  *regexp.Regexp
	order []string
	sees  map[string][]string // package -> packages that its tests depend on
	reach *reach
}

type verdict struct {
	compiles bool
	by       string // the tests that noticed; "" is none
	took     time.Duration
	err      error
}

func newBench(skip string) (*bench, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	b := &bench{root: root, order: order, sees: map[string][]string{}}
	if skip != "" {
		if b.skip, err = regexp.Compile(skip); err != nil {
			return nil, err
		}
	}
	b.dir, err = os.MkdirTemp("", "mutants-")
	return b, err
}

func (b *bench) close() { _ = os.RemoveAll(b.dir) }

// depends reports whether the tests of a package can see another one.
func (b *bench) depends(pkg, on string) (bool, error) {
	if pkg == on {
		return true, nil
	}
	if b.sees[pkg] == nil {
		out, err := exec.Command("go", "list", "-test", "-deps", "./"+pkg).Output()
		if err != nil {
			return false, fmt.Errorf("go list %s: %w", pkg, err)
		}
		b.sees[pkg] = strings.Fields(string(out))
	}
	return slices.Contains(b.sees[pkg], module+"/"+on), nil
}

// packages lists those whose tests can see one package, in their order.
func (b *bench) packages(changed string) ([]string, error) {
	out := []string{changed}
	for _, pkg := range b.order {
		if sees, err := b.depends(pkg, changed); err != nil {
			return nil, err
		} else if sees && pkg != changed {
			out = append(out, pkg)
		}
	}
	return out, nil
}

// baseline finds out which tests run through what, or reads it from a file, and
// which packages see which, so that from here on the bench is only read.
func (b *bench) baseline(in []string, file string, jobs int) error {
	var subjects, all []string
	for _, path := range in {
		if strings.HasSuffix(path, ".go") {
			path = filepath.Dir(path)
		}
		pkgs, err := b.packages(path)
		if err != nil {
			return err
		}
		subjects, all = append(subjects, path), append(all, pkgs...)
	}
	var err error
	if b.reach, err = readReach(file); err != nil || b.reach != nil {
		return err
	}
	slices.Sort(subjects)
	slices.Sort(all)
	if b.reach, err = b.survey(slices.Compact(all), slices.Compact(subjects), jobs); err != nil || file == "" {
		return err
	}
	return b.reach.write(file)
}

// A batch is what one run of a package's tests is for.
type batch struct {
	pkg, name, pattern string
	limit              time.Duration
}

// batches lists the runs for a mutant: its own package first, there the scenarios
// of its own area; what is slow comes last.
func (b *bench) batches(m Mutant) ([]batch, error) {
	pkgs, err := b.packages(filepath.Dir(m.File))
	if err != nil {
		return nil, err
	}
	area := nearest(m.File)
	var first, last []batch
	for _, pkg := range pkgs {
		var near, far, tests, late []unit
		for _, i := range b.reach.units(m) {
			switch u := b.reach.Units[i]; {
			case u.Pkg != pkg:
			case u.Took > slow:
				late = append(late, u)
			case u.Sub == "":
				tests = append(tests, u)
			case area != "" && strings.HasPrefix(u.Sub, area):
				near = append(near, u)
			default:
				far = append(far, u)
			}
		}
		first = append(first, together(pkg, "scenarios "+area, near), together(pkg, "tests of "+pkg, tests), together(pkg, "scenarios", far))
		last = append(last, together(pkg, "slow tests of "+pkg, late))
	}
	return slices.DeleteFunc(append(first, last...), func(r batch) bool { return r.pattern == "" }), nil
}

// together makes one run of units of the same kind.
func together(pkg, name string, units []unit) batch {
	if len(units) == 0 {
		return batch{}
	}
	out := batch{pkg: pkg, name: name, limit: patience}
	var tests, subs []string
	for _, u := range units {
		out.limit += 4 * u.Took
		tests, subs = append(tests, u.Test), append(subs, u.Sub)
	}
	out.pattern = "^(" + strings.Join(slices.Compact(tests), "|") + ")$"
	if subs[0] != "" {
		out.pattern += "/^(" + strings.Join(subs, "|") + ")$"
	}
	return out
}

// tries gives the verdicts over many mutants, in their order; several are worked
// on at a time.
func (b *bench) tries(all []Mutant, jobs int) iter.Seq2[Mutant, verdict] {
	return func(yield func(Mutant, verdict) bool) {
		verdicts := make([]chan verdict, len(all))
		for i := range verdicts {
			verdicts[i] = make(chan verdict, 1)
		}
		var next atomic.Int64
		var done atomic.Bool
		var workers sync.WaitGroup
		for k := range jobs {
			worker := *b
			worker.dir = filepath.Join(b.dir, strconv.Itoa(k))
			workers.Go(func() {
				for i := int(next.Add(1)) - 1; i < len(all) && !done.Load(); i = int(next.Add(1)) - 1 {
					start := time.Now()
					v := worker.try(all[i])
					v.took = time.Since(start)
					verdicts[i] <- v
				}
			})
		}
		for i, m := range all {
			if !yield(m, <-verdicts[i]) {
				break
			}
		}
		done.Store(true)
		workers.Wait()
	}
}

// try runs the tests over one mutant until one fails.
func (b *bench) try(m Mutant) verdict {
	overlay, err := b.overlay(m)
	if err != nil {
		return verdict{err: err}
	}
	runs, err := b.batches(m)
	if err != nil {
		return verdict{err: err}
	}
	built := map[string]bool{}
	compiles := func() bool {
		return exec.Command("go", "build", "-overlay", overlay, "./"+filepath.Dir(m.File)).Run() == nil
	}
	for _, r := range runs {
		if !built[r.pkg] && !b.compile(r.pkg, overlay) {
			if !compiles() {
				return verdict{}
			}
			return verdict{compiles: true, by: r.pkg + ", which does not compile"}
		}
		built[r.pkg] = true
		if ok, _ := b.run(r.pkg, r.pattern, r.limit); !ok {
			return verdict{compiles: true, by: r.name}
		}
	}
	return verdict{compiles: len(runs) > 0 || compiles()}
}

// Which scenarios are most about what is gathered in a file.
var gathered = map[string]string{
	"authority": "dns-", "blocklists": "dnsbl-", "dots": "dns-", "evaluate": "spf-", "mx": "mx-", "relay": "relay-", "reverse": "ip-",
	"senders": "spf-", "servers": "smtp-", "unregistered": "dns-", "vantage": "dns-",
}

// nearest gives how the names of the scenarios begin that are about a file: they
// are run before the others.
func nearest(file string) string {
	name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".go"), "_")
	switch filepath.Dir(file) {
	case "internal/dkim":
		return "dkim-"
	case "internal/gather":
		return gathered[name]
	case "checks":
		if !slices.Contains([]string{"checks", "docs", "bearing", "guards", "words", "hosts", "subdomains", "roles", "bounds"}, name) {
			return name + "-"
		}
	}
	return ""
}

// overlay writes the mutant, and what tells the compiler to read it instead.
func (b *bench) overlay(m Mutant) (string, error) {
	src, err := os.ReadFile(m.File)
	if err != nil {
		return "", err
	}
	changed := filepath.Join(b.dir, filepath.Base(m.File))
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return "", err
	}
	if err := os.WriteFile(changed, m.apply(src), 0o600); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(b.root, m.File): changed}})
	if err != nil {
		return "", err
	}
	file := filepath.Join(b.dir, "overlay.json")
	return file, os.WriteFile(file, text, 0o600)
}

func (b *bench) program(pkg string) string {
	return filepath.Join(b.dir, strings.ReplaceAll(pkg, "/", "-")+".test")
}

// compile builds the tests of a package over a mutant, fast rather than well.
func (b *bench) compile(pkg, overlay string) bool {
	return exec.Command("go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-gcflags="+module+"/...=-N -l", "-o", b.program(pkg), "-overlay", overlay, "./"+pkg).Run() == nil
}

// run runs some of the built tests of a package, and reports whether they passed
// in time. It ends at the first failure: -failfast alone waits for all tests that
// run side by side.
func (b *bench) run(pkg, only string, limit time.Duration, more ...string) (ok bool, took time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), asleep)
	defer cancel()
	args := slices.Concat([]string{"-c", `ulimit -t "$0"; exec "$@"`, strconv.Itoa(int(limit.Seconds())), b.program(pkg), "-test.failfast", "-test.short", "-test.v", "-test.run=" + only}, flags[pkg], more)
	cmd := exec.CommandContext(ctx, "sh", args...)
	cmd.Dir = filepath.Join(b.root, pkg)
	cmd.WaitDelay = time.Second
	seen := &watch{stop: cancel}
	cmd.Stdout, cmd.Stderr = seen, seen
	err := cmd.Run()
	return err == nil && !seen.failed, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// A watch keeps what tests write, and stops them at the first failure.
type watch struct {
	stop   func()
	text   bytes.Buffer
	failed bool
}

func (w *watch) Write(p []byte) (int, error) {
	w.text.Write(p)
	from := max(0, w.text.Len()-len(p)-len(failure)) // it may come in two pieces
	if !w.failed && bytes.Contains(w.text.Bytes()[from:], []byte(failure)) {
		w.failed = true
		w.stop()
	}
	return len(p), nil
}

const failure = "--- FAIL: "
