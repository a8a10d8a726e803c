//go:build integration

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// The lab is a small internet in network namespaces: every host has one, and
// all hang on one bridge, in a namespace of its own. No route leads out. The
// addresses look public, because the address guard of mxvet is one of the
// things under test; nothing sent to them leaves the bridge.

const (
	labPrefix   = "mxvet-lab-" // of namespaces and of the folder under /tmp
	labResolver = "185.53.4.1"
	labNetwork4 = 16 // prefix length: the whole lab is one link
	labNetwork6 = 32
)

// A labHost is one machine of the lab.
type labHost struct {
	name  string // of its namespace, without the prefix
	dns   string // name that its addresses have in the reverse zones; "" = none
	addrs []string
	mute  bool // it hears everything, and its answers get lost
}

func labHosts() []labHost {
	return []labHost{
		{name: "root", dns: "a.root.example", addrs: []string{"185.53.0.1", "2a0f:53::1"}},
		{name: "tld", dns: "a.tld.example", addrs: []string{"185.53.1.1", "2a0f:53:1::1"}},
		{name: "dns1", dns: "ns1.dns.example", addrs: []string{"185.53.2.1", "2a0f:53:2::1"}},
		{name: "dns2", dns: "ns2.dns.example", addrs: []string{"185.53.3.1", "2a0f:53:3::1"}},
		{name: "resolver", addrs: []string{labResolver, "2a0f:53:4::1"}},
		{name: "mx1", dns: "mx1.good.test", addrs: []string{"185.53.10.25", "2a0f:53:10::25"}},
		{name: "mx2", dns: "mx2.good.test", addrs: []string{"185.53.11.25", "2a0f:53:11::25"}},
		{name: "web", dns: "mta-sts.good.test", addrs: []string{"185.53.12.80", "2a0f:53:12::80"}},
		{name: "old", addrs: []string{"185.53.20.25", "2a0f:53:20::25"}},
		{name: "plain", dns: "plain.broken.test", addrs: []string{"185.53.21.25", "2a0f:53:21::25"}},
		{name: "open", dns: "mx.open.test", addrs: []string{"185.53.22.25", "2a0f:53:22::25"}},
		{name: "catchall", dns: "mx.catchall.test", addrs: []string{"185.53.23.25", "2a0f:53:23::25"}},
		{name: "refuser", dns: "refuser.example", addrs: []string{"185.53.30.1", "2a0f:53:30::1"}},
		{name: "rbl", dns: "rbl.example", addrs: []string{"185.53.32.1", "2a0f:53:32::1"}},
		{name: "idle", dns: "idle.example", addrs: []string{"185.53.31.1", "2a0f:53:31::1"}},
		{name: "silent", dns: "silent.example", addrs: []string{"185.53.40.1", "2a0f:53:40::1"}, mute: true},
		{name: "control", dns: "mx.control.example", addrs: []string{"185.53.50.25", "2a0f:53:50::25"}},
		{name: "probe", dns: "probe.isp.example", addrs: []string{"185.53.60.7", "2a0f:53:60::7", "10.53.0.7", "fd53::7"}},
		{name: "hostile", addrs: []string{"185.53.70.1", "2a0f:53:70::1"}}, // plays a whole internet: see lab_hostile_test.go
		{name: "lan", addrs: []string{"10.53.0.25", "fd53::25"}},           // in the probe's own network
	}
}

// A lab is the running whole: namespaces, servers, files.
type lab struct {
	t    *testing.T
	out  string // folder for what stays: reports, logs of a failed run
	dir  string // of all other files; readable by every user, as daemons drop root
	ca   *labCA
	lock net.Listener

	making   sync.Mutex // held while namespaces come or go
	mu       sync.Mutex // guards the next two
	daemons  []*daemon
	stopping bool
	stopped  sync.Once
	made     []string // paths under /etc/netns, to remove; parents first
}

// newLab makes namespaces and network. It takes everything down again when the
// test ends, however it ends, and on Ctrl-C.
func newLab(t *testing.T, out string) *lab {
	if os.Getuid() != 0 {
		t.Fatal("the lab needs root, for network namespaces: run make integration as root")
	}
	l := &lab{t: t, out: out}
	var err error
	// An abstract socket is a lock that no crash leaves behind.
	if l.lock, err = net.Listen("unix", "@mxvet-lab"); err != nil {
		t.Fatalf("another run of the lab is under way on this machine: %v", err)
	}
	removeLeftovers(t)
	if l.dir, err = os.MkdirTemp("/tmp", labPrefix); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.stop)
	l.stopOnSignal()
	if err := os.Chmod(l.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	l.ca = newLabCA(t, l.dir)
	l.connect()
	return l
}

// connect makes bridge and hosts.
func (l *lab) connect() {
	l.making.Lock()
	defer l.making.Unlock()
	l.ip("", "netns add "+labPrefix+"net")
	for _, h := range labHosts() {
		l.resolvConf(labPrefix + h.name)
		l.ip("", "netns add "+labPrefix+h.name)
	}
	wires := []string{"link add name br0 type bridge mcast_snooping 0", "link set br0 up"}
	for _, h := range labHosts() {
		wires = append(wires,
			"link add name "+h.name+" type veth peer name eth0 netns "+labPrefix+h.name,
			"link set "+h.name+" master br0 up")
	}
	l.ip("net", wires...)
	for _, h := range labHosts() {
		setup := []string{"link set lo up", "link set eth0 up"}
		for _, a := range h.addrs {
			bits := labNetwork6
			if netip.MustParseAddr(a).Is4() {
				bits = labNetwork4
			}
			if h.mute { // no prefix, no route back
				bits = netip.MustParseAddr(a).BitLen()
			}
			setup = append(setup, fmt.Sprintf("addr add %s/%d dev eth0%s", a, bits, noDAD(a)))
		}
		l.ip(h.name, setup...)
	}
}

// noDAD skips the second that IPv6 waits for somebody else with its address.
func noDAD(addr string) string {
	if strings.Contains(addr, ":") {
		return " nodad"
	}
	return ""
}

// ip runs commands of ip(8), inside a host's namespace if one is named.
func (l *lab) ip(host string, commands ...string) {
	l.t.Helper()
	args := []string{"-batch", "-"}
	if host != "" {
		args = []string{"-n", labPrefix + host, "-batch", "-"}
	}
	cmd := exec.Command("ip", args...)
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		l.t.Fatalf("ip %s: %v\n%s\n%s", host, err, strings.Join(commands, "\n"), out)
	}
}

// resolvConf gives a namespace the lab's resolver: ip netns exec lays the file
// over /etc/resolv.conf.
func (l *lab) resolvConf(namespace string) {
	for _, dir := range []string{"/etc/netns", "/etc/netns/" + namespace} {
		switch err := os.Mkdir(dir, 0o755); {
		case err == nil:
			l.made = append(l.made, dir)
		case !errors.Is(err, os.ErrExist):
			l.t.Fatal(err)
		}
	}
	file := "/etc/netns/" + namespace + "/resolv.conf"
	if err := os.WriteFile(file, []byte("nameserver "+labResolver+"\n"), 0o644); err != nil {
		l.t.Fatal(err)
	}
	l.made = append(l.made, file)
}

// stopOnSignal takes the lab down on Ctrl-C. The daemons have sessions of their
// own, so the terminal's signal does not reach them.
func (l *lab) stopOnSignal() {
	ctx, end := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	done := make(chan struct{})
	l.t.Cleanup(func() { close(done); end() })
	go func() {
		select {
		case <-ctx.Done():
			l.stop()
			fmt.Fprintln(os.Stderr, "lab: interrupted, and taken down")
			os.Exit(exitInterrupted)
		case <-done:
		}
	}()
}

// stop ends the daemons, and removes namespaces and files. Of a failed run the
// logs stay, with the reports.
func (l *lab) stop() {
	l.stopped.Do(func() {
		l.stopDaemons()
		if l.t.Failed() {
			l.keepLogs()
		}
		l.making.Lock()
		defer l.making.Unlock()
		for _, name := range append([]string{"net"}, hostNames()...) {
			if err := removeNamespace(labPrefix + name); err != nil {
				fmt.Fprintln(os.Stderr, "lab:", err)
			}
		}
		for _, path := range slices.Backward(l.made) {
			_ = os.Remove(path) // /etc/netns stays if somebody else uses it by now
		}
		if err := os.RemoveAll(l.dir); err != nil {
			fmt.Fprintln(os.Stderr, "lab:", err)
		}
		l.lock.Close()
	})
}

func hostNames() []string {
	var names []string
	for _, h := range labHosts() {
		names = append(names, h.name)
	}
	return names
}

// removeNamespace ends what still runs in a namespace, and deletes it, if it is
// there. Only processes of the lab can be in a namespace of that name.
func removeNamespace(name string) error {
	if _, err := os.Stat("/run/netns/" + name); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	out, err := exec.Command("ip", "netns", "pids", name).Output()
	if err != nil {
		return fmt.Errorf("list processes of namespace %s: %w", name, err)
	}
	for pid := range strings.FieldsSeq(string(out)) {
		if n, err := strconv.Atoi(pid); err == nil && n > 1 {
			_ = syscall.Kill(n, syscall.SIGKILL) // gone already: fine
		}
	}
	if out, err := exec.Command("ip", "netns", "delete", name).CombinedOutput(); err != nil {
		return fmt.Errorf("delete namespace %s: %w: %s", name, err, out)
	}
	return nil
}

// removeLeftovers removes what a run that was killed has left behind.
func removeLeftovers(t *testing.T) {
	namespaces, _ := filepath.Glob("/run/netns/" + labPrefix + "*")
	for _, path := range namespaces {
		t.Logf("left behind by an earlier run: namespace %s", filepath.Base(path))
		if err := removeNamespace(filepath.Base(path)); err != nil {
			t.Fatal(err)
		}
	}
	for _, pattern := range []string{"/etc/netns/" + labPrefix + "*", "/tmp/" + labPrefix + "*"} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(namespaces) > 0 {
		_ = os.Remove("/etc/netns") // made by that run, unless others use it
	}
}
