package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"mxvet/internal/fakenet"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"mxvet": func() { os.Exit(run(os.Args[1:], system())) },
	})
}

// One script for each subcommand and each exit code, over demo worlds and
// recordings: no test reaches a network.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: filepath.Join("..", "..", "testdata", "scripts")})
}

// here runs a command inside this process.
func here(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(args, world{
		stdin: bytes.NewReader(nil), stdout: &out, stderr: &errs, now: time.Now,
		getenv: func(string) string { return "" }, width: 80,
	})
	return out.String(), errs.String(), code
}

// Every world: the report fits the schema, and a replay of its recording says
// the same, byte for byte.
func TestDemoRecordReplay(t *testing.T) {
	schema := compileSchema(t)
	for _, name := range fakenet.Worlds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tape, js := filepath.Join(dir, "tape"), filepath.Join(dir, "report.json")
			text, stderr, code := here(t, "demo", name, "--record", tape, "-o", "text", "-o", "json="+js)
			if code == exitInternal || code == exitUsage || (stderr == "") != (code == exitOK) {
				t.Fatalf("exit %d: %s", code, stderr)
			}
			first, err := os.ReadFile(js)
			if err != nil {
				t.Fatal(err)
			}
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(first))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(doc); err != nil {
				t.Errorf("report does not fit the schema: %v", err)
			}
			again, stderr, codeAgain := here(t, "audit", "--replay", tape, "-o", "text", "-o", "json="+js)
			if (stderr == "") != (code == exitOK) || codeAgain != code {
				t.Fatalf("replay: exit %d after %d: %s", codeAgain, code, stderr)
			}
			second, err := os.ReadFile(js)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(first), string(second)); diff != "" {
				t.Errorf("JSON of the replay differs:\n%s", diff)
			}
			if diff := cmp.Diff(text, again); diff != "" {
				t.Errorf("text of the replay differs:\n%s", diff)
			}
		})
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	out, _, code := here(t, "schema")
	if code != exitOK {
		t.Fatalf("mxvet schema: exit %d", code)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(out)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// Ctrl-C ends a run that waits for a server which never answers. What it had heard
// until then is told by nobody as a result, and the one line about it is true.
func TestInterrupt(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	var stdout, stderr bytes.Buffer
	done := make(chan int, 1)
	started := make(chan struct{})
	go func() {
		done <- run([]string{"demo", "silent"}, world{
			stdin: bytes.NewReader(nil), stdout: &stdout, stderr: &stderr, getenv: os.Getenv,
			now: func() time.Time {
				select {
				case <-started:
				default:
					close(started)
				}
				return time.Now()
			},
		})
	}()
	<-started
	if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	select {
	case code := <-done:
		if code != exitInterrupted {
			t.Errorf("exit %d, want %d", code, exitInterrupted)
		}
		if stdout.Len() > 0 {
			t.Errorf("a report of half an audit:\n%s", stdout.String())
		}
		if want := "mxvet: interrupted: the audit of world silent was not complete, and no report of it was written\n"; stderr.String() != want {
			t.Errorf("stderr %q, want %q", stderr.String(), want)
		}
	case <-ctx.Done():
		t.Error("still running")
	}
}

// A fault of our own is told as one, with its place, and exits with 4; it takes no
// output with it that was whole.
func TestOwnFaults(t *testing.T) {
	var errs bytes.Buffer
	code := run([]string{"demo", "model"}, world{
		stdin: bytes.NewReader(nil), stdout: &bytes.Buffer{}, stderr: &errs, getenv: func(string) string { return "" },
		now: func() time.Time { panic("no clock\nhere") },
	})
	said := errs.String()
	if code != exitInternal || !strings.HasPrefix(said, "mxvet: this is a fault of mxvet") || !strings.Contains(said, "no clock here at main.TestOwnFaults") && !strings.Contains(said, "no clock here at mxvet/cmd/mxvet.TestOwnFaults") || strings.Count(said, "\n") != 1 {
		t.Errorf("exit %d: %s", code, said)
	}

	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	w := world{stdout: &bytes.Buffer{}, stderr: &errs, saving: new(sync.Mutex)}
	outs, err := stage(w, []output{{"json", a}, {"html", b}}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	err = outs.write(nil, func(p *place) (io.Reader, error) {
		if p.format == "json" {
			panic("no form")
		}
		return strings.NewReader("whole"), nil
	})
	if got, _ := os.ReadFile(b); codeOf(err) != exitInternal || string(got) != "whole" || !strings.Contains(err.Error(), "write json report: ") {
		t.Errorf("%v, %q", err, got)
	}
	if _, err := os.Stat(a); err == nil {
		t.Error("a file of nothing")
	}
}

func TestConclude(t *testing.T) {
	var errs bytes.Buffer
	w := world{stderr: &errs}
	for _, c := range []struct {
		err  error
		code int
		says string
	}{
		{nil, exitOK, ""},
		{&exitError{code: exitFindings}, exitFindings, ""},
		{usagef("no such %s", "\x1b[31mthing"), exitUsage, "mxvet: no such \\x1b[31mthing\n"},
		{internalf("disk full"), exitInternal, "mxvet: disk full\n"},
		{errors.New("unknown flag: --x"), exitUsage, "mxvet: unknown flag: --x\n"},
	} {
		errs.Reset()
		if code := conclude(c.err, w); code != c.code || errs.String() != c.says {
			t.Errorf("%v: exit %d, says %q", c.err, code, errs.String())
		}
	}
}
