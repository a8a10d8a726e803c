//go:build unix

package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"mxvet/internal/wire"
)

// long is a message of that many bytes, which is never in memory.
type long struct {
	head     string
	at, size int
}

var longLines = strings.Repeat("A line of a long message, as programs write it, with  blanks and a tab\t.\r\n", 400)

func (l *long) Read(b []byte) (int, error) {
	if l.head != "" {
		n := copy(b, l.head)
		l.head = l.head[n:]
		return n, nil
	}
	if l.at >= l.size {
		return 0, io.EOF
	}
	n := copy(b, longLines[l.at%len(longLines):])
	l.at += n
	return n, nil
}

// What a message of 100 MB with two signatures costs the program: `make bench-message`
// holds the time of the processor against 3 seconds and memory against 60 MB. How long
// it takes by the clock depends on what else the machine does, and is only told.
func BenchmarkLongMessage(b *testing.B) {
	const head = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com; s=s1; h=from; bh=AAAA; b=AAAA\r\n" +
		"DKIM-Signature: v=1; a=ed25519-sha256; c=simple/simple; d=example.com; s=s1; h=from; bh=AAAA; b=AAAA\r\n" +
		"From: a@example.com\r\nTo: b@example.net\r\nSubject: long\r\nDate: Mon, 02 Nov 2026 08:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n\r\n"
	var tape bytes.Buffer
	if err := wire.NewTape(nil, wire.Header{Tool: "mxvet", At: time.Unix(1793600000, 0), Options: []byte("{}")}).Save(&tape); err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(b.TempDir(), "tape")
	if err := os.WriteFile(file, tape.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	var used time.Duration
	var peak int64 // KiB
	n := 0
	for b.Loop() {
		n++
		var out bytes.Buffer
		cmd := exec.Command(self)
		cmd.Args = []string{"mxvet", "message", "-", "--replay", file, "-o", "json"}
		cmd.Stdin, cmd.Stdout, cmd.Stderr = &long{head: head, size: 100 << 20}, &out, &out
		_, failed := errors.AsType[*exec.ExitError](cmd.Run())
		if code := cmd.ProcessState.ExitCode(); !failed || code != exitUnknown || strings.Count(out.String(), `"selector": "s1"`) < 2 {
			b.Fatalf("exit %d: %.2000s", code, out.String())
		}
		used += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		peak = max(peak, kibibytes(cmd.ProcessState.SysUsage().(*syscall.Rusage)))
	}
	each := used / time.Duration(n)
	b.ReportMetric(each.Seconds(), "cpu-s/op")
	b.ReportMetric(float64(peak)/1024, "MB-peak")
	if each > 3*time.Second || peak > 60<<10 {
		b.Errorf("%v of the processor and %d MB, want no more than 3 s and 60 MB", each, peak>>10)
	}
}

// kibibytes gives the most memory that a process had at a time, or rather more: the
// kernel counts in what this one had when it started it. macOS counts in bytes.
func kibibytes(used *syscall.Rusage) int64 {
	if runtime.GOOS == "darwin" {
		return used.Maxrss >> 10
	}
	return int64(used.Maxrss)
}
