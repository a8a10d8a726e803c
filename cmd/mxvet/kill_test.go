package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mxvet/internal/wire"
)

var (
	killRuns = flag.Int("kills", 15, "runs that TestKilled ends at random moments")
	killSeed = flag.Uint64("kills.seed", 0, "seed of its moments and signals; 0 is a new one")
)

// outputsIn gives flags that write every format, and a recording where a run makes
// one.
func outputsIn(dir string, record bool) (args, files []string) {
	for _, f := range formatNames() {
		files = append(files, f)
		args = append(args, "-o", f+"="+filepath.Join(dir, f))
	}
	if record {
		files = append(files, "tape")
		args = append(args, "--record", filepath.Join(dir, "tape"))
	}
	return args, files
}

// program runs this test binary as mxvet, in a process of its own.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args = append([]string{"mxvet"}, args...)
	return cmd
}

// A run that is ended at any moment, by any signal, leaves each file as it was or
// whole, and nothing beside them. After SIGKILL, which no program hears of, a whole
// file may be left between its making and its taking the place of an old one, which
// is some microseconds of a run.
func TestKilled(t *testing.T) {
	seed := *killSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	tape := filepath.Join(t.TempDir(), "tape")
	if _, stderr, code := here(t, "demo", "model", "-q", "--record", tape); code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	replay, demo := []string{"audit", "--replay", tape}, []string{"demo", "model"}

	whole := t.TempDir() // what each file of a replay holds once it is written
	args, _ := outputsIn(whole, false)
	began := time.Now()
	if out, err := program(t, append(replay, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	long := time.Since(began)

	signals := []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGKILL}
	ended := map[string]int{}
	for i := range *killRuns {
		dir, base, record := t.TempDir(), replay, i%5 == 4
		if record {
			base = demo
		}
		args, files := outputsIn(dir, record)
		if i%2 == 0 {
			for _, f := range files {
				if err := os.WriteFile(filepath.Join(dir, f), []byte("old"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		s := signals[random.IntN(len(signals))]
		cmd := program(t, append(slices.Clone(base), args...)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		moment := random.Float64() * 1.2
		if i%3 == 0 { // about the end, where it writes
			moment = 0.8 + random.Float64()*0.4
		}
		// Nothing in the other process says where it is just then, and any moment is to
		// be met: only waiting by the clock does that.
		time.Sleep(time.Duration(moment * float64(long)))
		_ = cmd.Process.Signal(s) // it may have ended
		_ = cmd.Wait()
		state := cmd.ProcessState.Sys().(syscall.WaitStatus)
		switch {
		case state.Signaled() && state.Signal() == s: // before it listened, or after, or SIGKILL
		case s == syscall.SIGQUIT && state.ExitStatus() == 2: // the same: Go's own end, as of the second that the race detector waits for at the exit
		case !state.Signaled() && state.ExitStatus() == 128+int(s):
		case !state.Signaled() && state.ExitStatus() == exitOK:
			s = 0
		default:
			t.Errorf("run %d, %v: %v", i, s, cmd.ProcessState)
		}
		ended[s.String()]++
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !slices.Contains(files, e.Name()) {
				t.Errorf("run %d, %v: %s is left over", i, s, e.Name())
			}
		}
		for _, f := range files {
			got, err := os.ReadFile(filepath.Join(dir, f))
			switch {
			case os.IsNotExist(err) && i%2 == 1 && s != 0, string(got) == "old" && i%2 == 0 && s != 0:
			case err != nil:
				t.Errorf("run %d, %v: %s is lost: %v", i, s, f, err)
			case !record && !same(t, filepath.Join(whole, f), got), record && !wholeFile(f, got):
				t.Errorf("run %d, %v: %s is torn: %d bytes", i, s, f, len(got))
			}
		}
	}
	t.Logf("ended by (signal 0 is by itself): %v", ended)
}

func same(t *testing.T, file string, got []byte) bool {
	t.Helper()
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(want, got)
}

// wholeFile reports whether a file of that format ends as it should.
func wholeFile(format string, data []byte) bool {
	switch format {
	case "json":
		return json.Valid(data)
	case "html":
		return strings.HasSuffix(strings.TrimSpace(string(data)), "</html>")
	case "tape":
		_, err := wire.LoadTape(bytes.NewReader(data))
		return err == nil
	}
	return bytes.HasSuffix(data, []byte("\n"))
}

// Fault of SIGTERM before: it left the file in the making behind. Where a file
// system has no files without names, the making is as short as it can be.
func TestNamedDraft(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, strings.Repeat("n", 255))
	f, err := named(dir, filepath.Base(path), 0o640)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.file.WriteString("whole"); err != nil {
		t.Fatal(err)
	}
	if err := f.publish(path); err != nil {
		t.Fatal(err)
	}
	if g, err := named(dir, "other", 0o600); err != nil || g.drop() != nil {
		t.Errorf("%v", err)
	}
	entries, err := os.ReadDir(dir)
	if got, _ := os.ReadFile(path); err != nil || len(entries) != 1 || string(got) != "whole" {
		t.Errorf("%v, %q", entries, got)
	}
}

// SIGQUIT ends a run as other signals do, with a line and no dump of the program.
func TestQuit(t *testing.T) {
	cmd := program(t, "demo", "silent")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // before its signals are caught, Go's own way is taken; the world takes longer than this
	if err := cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the exit code says it
	if code := cmd.ProcessState.ExitCode(); code != 131 || !strings.HasPrefix(errs.String(), "mxvet: quit (SIGQUIT)") || strings.Count(errs.String(), "\n") != 1 {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}
