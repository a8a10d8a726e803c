package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The packages whose tests are run, those that kill most for least first. Only
// what can see a change is run, and a changed package's own tests come first.
var order = []string{"checks", "internal/fix", "report", "internal/audit", "internal/simulate", "internal/message", "cmd/mxvet"}

// Flags of a package's tests: its random tests make the same choice for each
// mutant, so that none is killed by luck.
var flags = map[string][]string{"internal/audit": {"-harm.seed=1"}}

// Beyond what the tests take over the source as it is. A mutant that takes longer
// runs in circles, and is killed.
const patience = 60 * time.Second

// A bench runs tests over changed sources.
type bench struct {
	root  string
	dir   string // for overlays and test programs
	skip  string
	order []string
	sees  map[string][]string // package -> packages that its tests depend on
	takes map[string]time.Duration
}

type verdict struct {
	compiles bool
	by       string // the tests that noticed; "" is none
}

func newBench(skip string) (*bench, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return nil, err
	}
	return &bench{root: root, dir: dir, skip: skip, order: order, sees: map[string][]string{}, takes: map[string]time.Duration{}}, nil
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
	return slices.Contains(b.sees[pkg], "mxvet/"+on), nil
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

// baseline runs all tests over the source as it is: they must pass, and how long
// they take says when a mutant runs in circles.
func (b *bench) baseline(in []string) error {
	done := map[string]bool{}
	for _, path := range in {
		if strings.HasSuffix(path, ".go") {
			path = filepath.Dir(path)
		}
		pkgs, err := b.packages(path)
		if err != nil {
			return err
		}
		for _, pkg := range pkgs {
			if done[pkg] {
				continue
			}
			done[pkg] = true
			if !b.compile(pkg, "") {
				return fmt.Errorf("the tests of %s do not compile", pkg)
			}
			start := time.Now()
			if ok, text := b.run(pkg, "", 20*time.Minute); !ok {
				return fmt.Errorf("the tests of %s fail before anything is changed:\n%s", pkg, text)
			}
			b.takes[pkg] = time.Since(start)
		}
	}
	return nil
}

// try runs the tests over one mutant until one fails.
func (b *bench) try(m Mutant) (verdict, error) {
	overlay, err := b.overlay(m)
	if err != nil {
		return verdict{}, err
	}
	changed := filepath.Dir(m.File)
	if exec.Command("go", "build", "-overlay", overlay, "./"+changed).Run() != nil {
		return verdict{}, nil
	}
	pkgs, err := b.packages(changed)
	if err != nil {
		return verdict{}, err
	}
	for _, pkg := range pkgs {
		if !b.compile(pkg, overlay) {
			return verdict{true, pkg + ", which does not compile"}, nil
		}
		limit := 3*b.takes[pkg] + patience
		if area := nearest(m.File); pkg == "checks" && area != "" {
			if ok, _ := b.run(pkg, "^TestScenarios$/^"+area, limit); !ok {
				return verdict{true, "scenarios " + area}, nil
			}
		}
		if ok, _ := b.run(pkg, "", limit); !ok {
			return verdict{true, pkg}, nil
		}
	}
	return verdict{compiles: true}, nil
}

// nearest gives how the names of the scenarios begin that are about a file of
// rules: they are run before the others.
func nearest(file string) string {
	name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".go"), "_")
	if strings.HasPrefix(file, "internal/dkim/") {
		return "dkim"
	}
	if !strings.HasPrefix(file, "checks/") || slices.Contains([]string{"checks", "docs", "bearing", "guards", "words"}, name) {
		return ""
	}
	if name == "hosts" || name == "subdomains" {
		return ""
	}
	return name + "-"
}

// overlay writes the mutant, and what tells the compiler to read it instead.
func (b *bench) overlay(m Mutant) (string, error) {
	src, err := os.ReadFile(m.File)
	if err != nil {
		return "", err
	}
	changed := filepath.Join(b.dir, filepath.Base(m.File))
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

// compile builds the tests of a package.
func (b *bench) compile(pkg, overlay string) bool {
	args := []string{"test", "-c", "-vet=off", "-o", b.program(pkg)}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	return exec.Command("go", append(args, "./"+pkg)...).Run() == nil
}

// run runs the built tests of a package, or some of them, and reports whether they
// passed in time. It ends at the first failure: -failfast alone waits for all tests
// that run side by side.
func (b *bench) run(pkg, only string, limit time.Duration) (ok bool, output string) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	args := slices.Concat([]string{"-test.failfast", "-test.short", "-test.v"}, flags[pkg])
	if only != "" {
		args = append(args, "-test.run="+only)
	}
	if b.skip != "" {
		args = append(args, "-test.skip="+b.skip)
	}
	cmd := exec.CommandContext(ctx, b.program(pkg), args...)
	cmd.Dir = filepath.Join(b.root, pkg)
	cmd.WaitDelay = time.Second
	seen := &watch{stop: cancel}
	cmd.Stdout, cmd.Stderr = seen, seen
	err := cmd.Run()
	return err == nil && !seen.failed, seen.text.String()
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
