//go:build integration

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"mxvet/internal/fakenet"
	"mxvet/internal/hostile"
	"mxvet/report"
)

// What one domain may cost the program, whatever is sent.
const (
	mostMemory  = 100 << 10 // KiB
	trickTime   = 15 * time.Second
	trickMargin = time.Second
)

// Networks whose addresses the worlds of the tricks use. In the lab all of them
// are one host.
var worldNetworks = []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15"}

// A cost is what a run of the program took.
type cost struct {
	took time.Duration
	peak int // KiB of memory resident at a time
	exit int
}

// TestLabHostile holds the program, over real sockets, to the deadline and to 100
// MB of memory for the heaviest tricks, and for what large files can do offline.
// TRICK in the environment names one to run alone.
func TestLabHostile(t *testing.T) {
	program := os.Getenv("LAB_PROGRAM")
	if program == "" {
		t.Fatal("LAB_PROGRAM names no program to test: run make integration")
	}
	out := filepath.Join(filepath.Dir(program), "integration", "hostile")
	if err := os.MkdirAll(out, 0o755); err != nil {
		t.Fatal(err)
	}
	l := newLab(t, out)
	for _, n := range worldNetworks {
		l.ip("hostile", "route add local "+n+" dev eth0")
		l.ip("probe", "route add "+n+" dev eth0")
	}
	only := os.Getenv("TRICK")
	for _, trick := range hostile.All() {
		if !trick.Heavy || only != "" && only != trick.Name {
			continue
		}
		t.Run(trick.Name, func(t *testing.T) {
			defer l.endDaemon(l.startTrick(trick.Name))
			c := l.measured(t, program, "example.com", "--resolver", "192.0.2.53", "--control", "mx.control.test", "--ehlo", "probe.example.net", "--selector", "s2026")
			c.hold(t, 1)
		})
	}
	for _, big := range largeRuns() {
		if only != "" && only != big.name {
			continue
		}
		t.Run(big.name, func(t *testing.T) {
			l.measured(t, program, big.args(l)...).hold(t, max(1, big.domains/20))
		})
	}
}

// hold holds a run to the bounds; time is that of so many domains.
func (c cost) hold(t *testing.T, domains int) {
	t.Helper()
	t.Logf("%.1f s, %d MB, exit %d", c.took.Seconds(), c.peak/1024, c.exit)
	if most := time.Duration(domains) * trickTime; c.took > most+trickMargin {
		t.Errorf("took %v, and %v is the deadline", c.took, most)
	}
	if c.peak > mostMemory {
		t.Errorf("%d MB of memory, and 100 is the bound", c.peak/1024)
	}
}

// A largeRun is one over files and domains that the user names himself.
type largeRun struct {
	name    string
	domains int // beyond one
	args    func(*lab) []string
}

func largeRuns() []largeRun {
	return []largeRun{
		{"a zone of 100,000 mail hosts, offline", 0, func(l *lab) []string {
			var b strings.Builder
			b.WriteString("$TTL 3600\n@ IN SOA ns1 hostmaster 1 7200 3600 1209600 3600\n@ IN NS ns1\nns1 IN A 192.0.2.53\n@ IN TXT \"v=spf1 mx -all\"\n")
			for i := range 100_000 {
				fmt.Fprintf(&b, "@ IN MX 10 m%d\n", i)
			}
			file := filepath.Join(l.dir, "mx.zone")
			l.write(file, []byte(b.String()))
			return []string{"example.com", "--offline", "--zone", file}
		}},
		{"1,000 domains, offline", 1000, func(l *lab) []string {
			args := []string{"--offline"}
			for i := range 1000 {
				name := fmt.Sprintf("d%d.example", i)
				file := filepath.Join(l.folder("many"), name)
				l.write(file, []byte("$ORIGIN "+name+".\n$TTL 3600\n@ IN SOA ns1 hostmaster 1 7200 3600 1209600 3600\n@ IN NS ns1\n@ IN MX 10 mx\nmx IN A 192.0.2.1\nns1 IN A 192.0.2.53\n"+
					"@ IN TXT \"v=spf1 mx ~all\"\n_dmarc IN TXT \"v=DMARC1; p=none\"\n"))
				args = append(args, name, "--zone", file)
			}
			return args
		}},
	}
}

// measured runs the program on the probe host and watches what it takes.
func (l *lab) measured(t *testing.T, program string, args ...string) cost {
	t.Helper()
	file := filepath.Join(l.out, strings.Map(func(r rune) rune {
		if r == ' ' || r == ',' || r == '/' {
			return '-'
		}
		return r
	}, filepath.Base(t.Name()))+".json")
	ctx, cancel := context.WithTimeout(t.Context(), 10*trickTime)
	defer cancel()
	command := append([]string{"netns", "exec", labPrefix + "probe", program, "audit", "--allow-private", "--timeout", trickTime.String(), "-o", "wide=" + file + ".txt", "-o", "json=" + file}, args...)
	cmd := exec.CommandContext(ctx, "ip", command...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var c cost
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			// Not the resource usage of the child: the kernel counts this test's own
			// memory into it, from before the program was loaded.
			c.peak = max(c.peak, highWater(cmd.Process.Pid))
			select {
			case <-ended:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	_ = cmd.Wait() // the exit code says it
	c.took = time.Since(began)
	close(ended)
	watching.Wait()
	c.exit = cmd.ProcessState.ExitCode()
	if !slices.Contains([]int{exitOK, exitFindings, exitUnknown}, c.exit) {
		t.Errorf("exit %d after %v: %s", c.exit, c.took, stderr.String())
		return c
	}
	if slices.Contains(args, "-q") {
		return c
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := report.Parse(text); err != nil {
		t.Error(err)
	}
	return c
}

// highWater gives the most memory, in KiB, that a process has had resident at a
// time; 0 where it is gone, or is not the program yet.
func highWater(pid int) int {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil || strings.HasPrefix(string(text), "Name:\tip\n") {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "\nVmHWM:")
	kib, _ := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.SplitN(rest, "\n", 2)[0], "kB")))
	return kib
}

// startTrick starts the host that plays a trick's internet.
func (l *lab) startTrick(name string) *daemon {
	d := l.start("hostile", "env", "MXVET_LAB_TRICK="+name, os.Args[0], "-test.run=^TestLabTrick$", "-test.timeout=0")
	l.awaitPort(d, 25)
	return d
}

// endDaemon ends one daemon before the others.
func (l *lab) endDaemon(d *daemon) {
	_ = d.cmd.Process.Kill()
	<-d.ended
}

// TestLabTrick is no test but a daemon of the lab: it plays the internet of one
// trick at the addresses of its world.
func TestLabTrick(t *testing.T) {
	name := os.Getenv("MXVET_LAB_TRICK")
	if name == "" {
		t.Skip("runs inside the lab only")
	}
	i := slices.IndexFunc(hostile.All(), func(h hostile.Trick) bool { return h.Name == name })
	if i < 0 {
		t.Fatalf("no trick %q", name)
	}
	world, err := fakenet.Parse([]byte(hostile.All()[i].World()))
	if err != nil {
		t.Fatal(err)
	}
	inner := world.Start()
	for _, addr := range []string{"192.0.2.53", "192.0.2.10", "198.51.100.20", "203.0.113.251", "203.0.113.253", "198.51.100.252"} {
		conn, err := net.ListenPacket("udp", addr+":53")
		if err != nil {
			t.Fatal(err)
		}
		go relayPackets(inner, conn)
	}
	var serving sync.WaitGroup
	for _, port := range []string{"53", "80", "443", "25"} { // the lab waits for the last
		server, err := net.Listen("tcp4", ":"+port)
		if err != nil {
			t.Fatal(err)
		}
		serving.Go(func() { relayConns(inner, server) })
	}
	serving.Wait()
}

func relayConns(inner *fakenet.Net, server net.Listener) {
	for {
		outer, err := server.Accept()
		if err != nil {
			return
		}
		go func() {
			defer outer.Close()
			conn, err := inner.Dial(context.Background(), "tcp", outer.LocalAddr().String())
			if err != nil {
				return
			}
			defer conn.Close()
			go func() {
				_, _ = io.Copy(conn, outer)
				conn.Close()
			}()
			_, _ = io.Copy(outer, conn)
		}()
	}
}

func relayPackets(inner *fakenet.Net, outer net.PacketConn) {
	at := outer.LocalAddr().(*net.UDPAddr).AddrPort()
	buf := make([]byte, 4096)
	for {
		n, from, err := outer.ReadFrom(buf)
		if err != nil {
			return
		}
		packet := slices.Clone(buf[:n])
		go func() {
			conn, err := inner.Dial(context.Background(), "udp", netip.AddrPortFrom(at.Addr().Unmap(), 53).String())
			if err != nil {
				return
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(12 * time.Second))
			_, _ = conn.Write(packet)
			reply := make([]byte, 65535)
			for {
				n, err := conn.Read(reply)
				if err != nil {
					return
				}
				_, _ = outer.WriteTo(reply[:n], from)
			}
		}()
	}
}
