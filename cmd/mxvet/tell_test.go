package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// zones gives the flags that audit n domains without the network.
func zones(t *testing.T, n int) []string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"audit", "--offline"}
	for i := range n {
		name := fmt.Sprintf("d%d.example", i)
		file := filepath.Join(dir, name)
		text := "$ORIGIN " + name + ".\n$TTL 3600\n@ IN SOA ns1 hostmaster 1 7200 3600 1209600 3600\n@ IN NS ns1\nns1 IN A 192.0.2.53\n@ IN MX 10 mx\nmx IN A 192.0.2.1\n@ IN TXT \"v=spf1 mx ~all\"\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--zone", file, name)
	}
	return args
}

// On the standard output alone each domain is written when its turn comes; beside a
// file it waits for that. Both are the same text, whose domains stand as they were
// named, and the first that misses a threshold is told.
func TestDomainsFlow(t *testing.T) {
	args := zones(t, 5)
	file := filepath.Join(t.TempDir(), "text")
	flowed, stderr, code := here(t, args...)
	if want := "mxvet: exit 1: d0.example: "; code != exitFindings || !strings.HasPrefix(stderr, want) {
		t.Errorf("exit %d: %s", code, stderr)
	}
	waited, _, _ := here(t, append(args, "-o", "text", "-o", "zone="+file)...)
	took := regexp.MustCompile(`\d+\.\d\d s `)
	if took.ReplaceAllString(flowed, "") != took.ReplaceAllString(waited, "") {
		t.Errorf("%s\nis not\n%s", flowed, waited)
	}
	at := 0
	for i := range 5 {
		next := strings.Index(flowed, fmt.Sprintf("d%d.example ", i))
		if next < at {
			t.Errorf("domain %d stands at %d, after %d", i, next, at)
		}
		at = next
	}
	if text, err := os.ReadFile(file); err != nil || strings.Count(string(text), ": score ") < 5 {
		t.Errorf("%v\n%s", err, text)
	}
}

// A stopper is a standard output whose reader stops the run at its first word.
type stopper struct {
	bytes.Buffer
	stop context.CancelFunc
}

func (s *stopper) Write(data []byte) (int, error) {
	s.stop()
	return s.Buffer.Write(data)
}

// What was written before a run was stopped is told.
func TestFlowInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &stopper{stop: cancel}
	cmd := rootCommand(world{stdout: out, stderr: out, now: time.Now, getenv: func(string) string { return "" }, width: 80, saving: new(sync.Mutex)})
	cmd.SetArgs(zones(t, 5))
	err := execute(ctx, cmd)
	if codeOf(err) != exitInterrupted || err.Error() != "the audit was not complete: the report ends after 1 of 5 domains" {
		t.Errorf("%v", err)
	}
	if text := out.String(); !strings.Contains(text, "d0.example") || strings.Contains(text, "d1.example") {
		t.Error(text)
	}
}

// Several domains that miss a threshold are told of on a line each, up to a bound.
func TestMissedLines(t *testing.T) {
	_, stderr, code := here(t, append(zones(t, 12), "-q")...)
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	if code != exitFindings || len(lines) != maxMissed+1 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	for i, line := range lines[:maxMissed] {
		if want := fmt.Sprintf("mxvet: exit 1: d%d.example: ", i); !strings.HasPrefix(line, want) {
			t.Errorf("%q does not begin %q", line, want)
		}
	}
	if lines[maxMissed] != "mxvet: and 2 more of 12 domains" {
		t.Error(lines[maxMissed])
	}
}

// Whatever keeps an area from being judged, a required one is missed: the time of the
// domain was up, the network is switched off, no name server answers.
func TestRequiredAreas(t *testing.T) {
	late := append(zones(t, 1), "--timeout", "1ns")
	for _, args := range [][]string{late, append(late, "--require", "mx")} {
		out, stderr, code := here(t, args...)
		if code != exitUnknown || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "the time for this domain was up") {
			t.Errorf("exit %d: %s", code, stderr)
		}
		if strings.Contains(out, "switched off") || strings.Contains(out, "from the zone alone") || !strings.Contains(out, "UNKNOWN  the time for this domain was up") {
			t.Error(out)
		}
	}
	for _, area := range []string{"smtp-tls", "transport", "reputation", "dkim", "information"} {
		_, stderr, code := here(t, append(zones(t, 1), "--fail-on", "never", "--require", area)...)
		told := code == exitUnknown && strings.HasPrefix(stderr, "mxvet: exit 3: no usable answer in "+area+", which --require asks for: ")
		if area == "transport" || area == "dkim" || area == "information" { // some of which a zone tells
			told = code == exitOK || told
		}
		if !told {
			t.Errorf("%s: exit %d: %s", area, code, stderr)
		}
	}
}
