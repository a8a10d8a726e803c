//go:build integration

package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"text/template"
	"time"
)

const (
	readyWithin = 20 * time.Second // a daemon's start, on a busy machine
	endWithin   = 3 * time.Second  // from SIGTERM to SIGKILL
)

// A daemon is one server process of the lab. It runs in the foreground, as the
// leader of a session of its own.
type daemon struct {
	host, log string
	cmd       *exec.Cmd
	ended     chan struct{} // closed when the process is gone
}

// start runs a server on a host. Its output goes to a log file.
func (l *lab) start(host string, command ...string) *daemon {
	l.t.Helper()
	d := &daemon{host: host, log: filepath.Join(l.dir, host+".log"), ended: make(chan struct{})}
	out, err := os.Create(d.log)
	if err != nil {
		l.t.Fatal(err)
	}
	defer out.Close()
	d.cmd = exec.Command("ip", append([]string{"netns", "exec", labPrefix + host}, command...)...)
	d.cmd.Stdout, d.cmd.Stderr = out, out
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopping {
		l.t.Fatal("the lab is being taken down")
	}
	if err := d.cmd.Start(); err != nil {
		l.t.Fatalf("start %s: %v", command[0], err)
	}
	l.daemons = append(l.daemons, d)
	go func() {
		_ = d.cmd.Wait() // whether it ended too early, await says
		close(d.ended)
	}()
	return d
}

// await waits until ready says so.
func (l *lab) await(d *daemon, what string, ready func() bool) {
	l.t.Helper()
	late := time.After(readyWithin)
	for !ready() {
		select {
		case <-d.ended:
			l.t.Fatalf("%s ended before it was ready:\n%s", d.host, tail(d.log))
		case <-late:
			l.t.Fatalf("%s: no %s within %v:\n%s", d.host, what, readyWithin, tail(d.log))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// awaitPort waits until something listens at a TCP port of the daemon's host.
func (l *lab) awaitPort(d *daemon, port uint16) {
	l.t.Helper()
	l.await(d, fmt.Sprintf("listener at port %d", port), func() bool { return listens(d.cmd.Process.Pid, port) })
}

// awaitLog waits until the daemon has written a text.
func (l *lab) awaitLog(d *daemon, text string) {
	l.t.Helper()
	l.await(d, fmt.Sprintf("%q in its log", text), func() bool {
		log, err := os.ReadFile(d.log)
		return err == nil && bytes.Contains(log, []byte(text))
	})
}

// listens looks into the table of sockets of a process's network namespace.
func listens(pid int, port uint16) bool {
	local := ":" + strings.ToUpper(hex.EncodeToString([]byte{byte(port >> 8), byte(port)}))
	for _, table := range []string{"tcp", "tcp6"} {
		text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/net/" + table)
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 3 && f[3] == "0A" && strings.HasSuffix(f[1], local) {
				return true
			}
		}
	}
	return false
}

// keepLogs copies the daemons' logs to where the reports are.
func (l *lab) keepLogs() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.daemons {
		text, err := os.ReadFile(d.log)
		if err == nil {
			err = os.WriteFile(filepath.Join(l.out, filepath.Base(d.log)), text, 0o644)
		}
		if err != nil {
			l.t.Logf("keep the log of %s: %v", d.host, err)
		}
	}
	l.t.Logf("the servers' logs are in %s", l.out)
}

// stopDaemons ends every process that start has started, by its id.
func (l *lab) stopDaemons() {
	l.mu.Lock()
	l.stopping = true
	daemons := l.daemons
	l.mu.Unlock()
	for _, d := range daemons {
		_ = d.cmd.Process.Signal(syscall.SIGTERM) // gone already: fine
	}
	late := time.After(endWithin)
	for _, d := range daemons {
		select {
		case <-d.ended:
			continue
		case <-late:
		}
		_ = syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL)
		<-d.ended
	}
}

// together runs functions side by side, and ends the test if one has failed it.
func (l *lab) together(funcs ...func()) {
	l.t.Helper()
	var wg sync.WaitGroup
	for _, f := range funcs {
		wg.Go(f)
	}
	wg.Wait()
	if l.t.Failed() {
		l.t.FailNow()
	}
}

// run executes a command on this machine, outside the lab, and gives its output.
func (l *lab) run(dir, name string, args ...string) string {
	l.t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stderr = dir, &stderr
	out, err := cmd.Output()
	if err != nil {
		l.t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

// on executes a command on a host of the lab.
func (l *lab) on(ctx context.Context, host string, command ...string) (stdout, stderr string, exit int, err error) {
	var out, bad bytes.Buffer
	cmd := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", labPrefix + host}, command...)...)
	cmd.Stdout, cmd.Stderr = &out, &bad
	err = cmd.Run()
	if cmd.ProcessState != nil && cmd.ProcessState.Exited() {
		exit, err = cmd.ProcessState.ExitCode(), nil
	}
	return out.String(), bad.String(), exit, err
}

// fill writes a template of testdata/lab, filled in, to a file.
func (l *lab) fill(file, source string, data any) {
	l.t.Helper()
	funcs := template.FuncMap{"spki": l.ca.spki}
	text, err := template.New(filepath.Base(source)).Funcs(funcs).ParseFiles(labData(source))
	if err != nil {
		l.t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := text.Execute(&buf, data); err != nil {
		l.t.Fatal(err)
	}
	l.write(file, buf.Bytes())
}

func (l *lab) write(file string, data []byte) {
	l.t.Helper()
	if err := os.WriteFile(file, data, 0o644); err != nil {
		l.t.Fatal(err)
	}
}

// folder makes a folder under the lab's.
func (l *lab) folder(names ...string) string {
	l.t.Helper()
	dir := filepath.Join(append([]string{l.dir}, names...)...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		l.t.Fatal(err)
	}
	return dir
}

// program gives the path of a server's program. Where AppArmor confines a
// program by its path to the files of its package, a copy is not confined.
func (l *lab) program(name string) string {
	l.t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		l.t.Fatal(err)
	}
	if on, _ := os.ReadFile("/sys/module/apparmor/parameters/enabled"); !bytes.HasPrefix(on, []byte("Y")) {
		return path
	}
	data, err := os.ReadFile(path)
	if err != nil {
		l.t.Fatal(err)
	}
	copied := filepath.Join(l.folder("programs"), name)
	if err := os.WriteFile(copied, data, 0o755); err != nil {
		l.t.Fatal(err)
	}
	return copied
}

func labData(names ...string) string {
	return filepath.Join(append([]string{"..", "..", "testdata", "lab"}, names...)...)
}

func tail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	const most = 3000
	return string(text[max(0, len(text)-most):])
}
