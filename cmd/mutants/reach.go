package main

import (
	"bufio"
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// A unit is one test that is run alone, or one scenario.
type unit struct {
	Pkg, Test, Sub string
	Took           time.Duration // of the processor
}

// The test whose parts are units.
const (
	partedIn = "checks"
	parted   = "TestScenarios"
	parts    = "testdata/scenarios/*.txtar"
)

// Units that take longer come last, after those of all packages.
const slow = 8 * time.Second

// A block is a piece of source that runs as a whole. Its end is the first place
// after it.
type block struct{ Line, Col, EndLine, EndCol int }

func (b block) holds(line, col int) bool {
	return (b.Line < line || b.Line == line && b.Col <= col) && (line < b.EndLine || line == b.EndLine && col < b.EndCol)
}

// A reach says which tests run through which piece of the source: no other test
// can notice a change of it.
type reach struct {
	Units  []unit
	Blocks map[string]map[block][]int // file -> block -> the units that run it
	Failed []string                   // they fail over the source as it is, and are not used
}

// units gives the tests that a mutant can matter to. What stands outside of all
// functions runs before any test; what stands between two blocks, as conditions of
// a switch do, counts as the whole function around it.
func (r *reach) units(m Mutant) []int {
	if m.within[0] == 0 {
		all := make([]int, len(r.Units))
		for i := range all {
			all[i] = i
		}
		return all
	}
	var around []int
	for b, units := range r.Blocks[m.File] {
		if b.holds(m.Line, m.Col) {
			return units
		}
		if b.Line >= m.within[0] && b.EndLine <= m.within[1] {
			around = append(around, units...)
		}
	}
	slices.Sort(around)
	return slices.Compact(around)
}

// readReach reads what an earlier call kept, if it did.
func readReach(file string) (*reach, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) || file == "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := &reach{}
	return r, gob.NewDecoder(bufio.NewReader(f)).Decode(r)
}

func (r *reach) write(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := gob.NewEncoder(f).Encode(r); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

// survey runs each unit of the packages alone, over the source as it is.
func (b *bench) survey(pkgs, subjects []string, jobs int) (*reach, error) {
	r := &reach{Blocks: map[string]map[block][]int{}}
	for i, s := range subjects {
		subjects[i] = "./" + s
	}
	for _, pkg := range pkgs {
		cmd := exec.Command("go", "test", "-c", "-vet=off", "-o", b.program(pkg), "-coverpkg="+strings.Join(subjects, ","), "./"+pkg)
		if text, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("the tests of %s do not compile: %s", pkg, text)
		}
		units, err := b.list(pkg)
		if err != nil {
			return nil, err
		}
		profiles := make([]chan string, len(units))
		for i := range profiles {
			profiles[i] = make(chan string, 1)
		}
		var next atomic.Int64
		for range jobs {
			go func() {
				for i := int(next.Add(1)) - 1; i < len(units); i = int(next.Add(1)) - 1 {
					profile := filepath.Join(b.dir, "profile-"+strconv.Itoa(i))
					ok, took := b.run(pkg, units[i].pattern(), asleep, "-test.coverprofile="+profile)
					units[i].Took = took
					if !ok {
						profile = ""
					}
					profiles[i] <- profile
				}
			}()
		}
		for i := range units {
			profile := <-profiles[i]
			u := units[i] // only now: its time was still to come
			if profile == "" {
				r.Failed = append(r.Failed, strings.TrimSpace(strings.Join([]string{u.Pkg, u.Test, u.Sub}, " ")))
				continue
			}
			r.Units = append(r.Units, units[i])
			if err := r.add(profile, len(r.Units)-1); err != nil {
				return nil, err
			}
			if err := os.Remove(profile); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

// list gives the units of a package whose tests are built.
func (b *bench) list(pkg string) ([]unit, error) {
	cmd := exec.Command(b.program(pkg), "-test.list=.")
	cmd.Dir = filepath.Join(b.root, pkg)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("the tests of %s: %w", pkg, err)
	}
	var units []unit
	for test := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(test, "Benchmark") || b.skip != nil && b.skip.MatchString(test) {
			continue
		}
		if pkg != partedIn || test != parted {
			units = append(units, unit{Pkg: pkg, Test: test})
			continue
		}
		files, err := filepath.Glob(parts)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			units = append(units, unit{Pkg: pkg, Test: test, Sub: strings.TrimSuffix(filepath.Base(file), ".txtar")})
		}
	}
	return units, nil
}

func (u unit) pattern() string {
	if u.Sub == "" {
		return "^" + u.Test + "$"
	}
	return "^" + u.Test + "$/^" + u.Sub + "$"
}

// add notes that a unit ran through the blocks of a profile.
func (r *reach) add(profile string, u int) error {
	f, err := os.Open(profile)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if !strings.HasSuffix(lines.Text(), " 1") {
			continue // the first line, and blocks that did not run
		}
		var blk block
		var n int
		file, place, ok := strings.Cut(lines.Text(), ":")
		if !ok {
			continue
		}
		if _, err := fmt.Sscanf(place, "%d.%d,%d.%d %d", &blk.Line, &blk.Col, &blk.EndLine, &blk.EndCol, &n); err != nil {
			return fmt.Errorf("profile: %w", err)
		}
		file = strings.TrimPrefix(file, module+"/")
		if r.Blocks[file] == nil {
			r.Blocks[file] = map[block][]int{}
		}
		if us := r.Blocks[file][blk]; len(us) == 0 || us[len(us)-1] != u {
			r.Blocks[file][blk] = append(us, u)
		}
	}
	return lines.Err()
}
