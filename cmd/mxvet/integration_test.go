//go:build integration

package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mxvet/report"
)

func TestLab(t *testing.T) {
	program := os.Getenv("LAB_PROGRAM")
	if program == "" {
		t.Fatal("LAB_PROGRAM names no program to test: run make integration")
	}
	out := filepath.Join(filepath.Dir(program), "integration")
	if err := os.RemoveAll(out); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		t.Fatal(err)
	}
	l := newLab(t, out)
	began := time.Now()
	l.together(l.startDNS, l.startMail, l.startWeb)
	t.Logf("the lab stands after %v", time.Since(began).Round(time.Millisecond))
	built := builtRules(t, l, program)
	t.Run("resolver", func(t *testing.T) { resolverValidates(t, l) })
	t.Run("audits", func(t *testing.T) {
		t.Run("never-dialled", func(t *testing.T) {
			t.Parallel()
			neverDialled(t, l, program)
		})
		t.Run("before-launch", func(t *testing.T) {
			t.Parallel()
			beforeLaunch(t, l, program)
		})
		for _, a := range labAudits() {
			t.Run(a.name, func(t *testing.T) {
				t.Parallel()
				a.run(t, l, program, built)
			})
		}
	})
	t.Run("servers", func(t *testing.T) { serversSaw(t, l) })
}

// resolverValidates: the lab is what it claims to be. What is signed validates
// from the lab's root, and what is signed wrongly does not.
func resolverValidates(t *testing.T, l *lab) {
	for _, c := range []struct{ question, want string }{
		{"good.test MX", "status: NOERROR"},
		{"good.test MX", " ad;"},
		{"_25._tcp.mx1.good.test TLSA", " ad;"},
		{"broken.test MX", " ra; "}, // unsigned: no ad
		{"bogus.test MX", "status: SERVFAIL"},
		{"bogus.test MX +cd", "status: NOERROR"},
		{"lame.test MX", "status: SERVFAIL"},
		{"absent.test MX", "status: NXDOMAIN"},
		{"25.20.53.185.zen.spamhaus.org A", "127.0.0.3"},
		{"5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.3.5.0.0.f.0.a.2.zen.spamhaus.org A", "127.0.0.3"},
		{"2.0.0.127.zen.spamhaus.org A", "127.0.0.2"},
		{"1.0.0.127.zen.spamhaus.org A", "status: NXDOMAIN"},
		{"2.0.0.127.bl.spamcop.net A", "status: SERVFAIL"}, // its server refuses
		{"1.0.0.127.psbl.surriel.com A", "status: NOERROR"},
		{"-x 185.53.60.7", "probe.isp.example."},
		{"-x 2a0f:53:60::7", "probe.isp.example."},
	} {
		out, _, _, err := l.on(t.Context(), "probe", append([]string{"dig"}, strings.Fields(c.question)...)...)
		if err != nil || !strings.Contains(out, c.want) {
			t.Errorf("dig %s: want %q: %v\n%s", c.question, c.want, err, out)
		}
	}
}

// serversSaw: the servers themselves tell of the conversations that they had,
// and that in none of them somebody began to send a message.
func serversSaw(t *testing.T, l *lab) {
	for _, c := range []struct{ file, want string }{
		{"mx1.log", "connect from probe.isp.example[185.53.60.7]"},
		{"mx1.log", "connect from probe.isp.example[2a0f:53:60::7]"},
		{"mx2.log", "ehlo=2 starttls=1"}, // EHLO again after STARTTLS
		{"plain.log", "ehlo=1 quit=1"},
		{"open.log", " rcpt="},
		{"control.log", "connect from probe.isp.example[185.53.60.7]"}, // for the silent host
		{"web/access.log", `"GET /.well-known/mta-sts.txt HTTP/1.1" 200`},
	} {
		if log, err := os.ReadFile(filepath.Join(l.dir, c.file)); err != nil || !strings.Contains(string(log), c.want) {
			t.Errorf("%s: no %q: %v\n%s", c.file, c.want, err, log)
		}
	}
	for _, m := range mailHosts() {
		log, err := os.ReadFile(filepath.Join(l.dir, m.host+".log"))
		if err != nil || strings.Contains(string(log), " data=") || strings.Contains(string(log), " bdat=") {
			t.Errorf("%s was sent a message: %v\n%s", m.host, err, log)
		}
		if strings.Contains(string(log), "fatal:") {
			t.Errorf("%s does not run as it should:\n%s", m.host, log)
		}
	}
}

// run holds one audit against what must come of it. Most name no resolver, which
// tests the default, /etc/resolv.conf.
func (a labAudit) run(t *testing.T, l *lab, program string, built map[string]bool) {
	r, exit := l.audit(t, program, a.name, append([]string{a.domain}, a.flags...)...)
	d := r.Domains[0]
	complete := true
	rules := func(want []string, have func(string) bool, is bool, what string) {
		for _, id := range want {
			complete = complete && built[id]
			if built[id] && have(id) != is {
				t.Errorf("%s: %s is %v, want %v", id, what, !is, is)
			}
		}
	}
	found := func(id string) bool {
		return slices.ContainsFunc(d.Findings, func(f report.Finding) bool { return f.Rule == id })
	}
	unknown := func(id string) bool {
		return slices.ContainsFunc(d.Unknown, func(u report.Unknown) bool { return u.Rule == id })
	}
	passed := func(id string) bool { return slices.Contains(d.Passed, id) }
	rules(a.pass, passed, true, "passed")
	rules(a.must, found, true, "found")
	rules(a.unsure, unknown, true, "unknown")
	if rules(a.never, found, false, "found"); a.look != nil {
		a.look(t, r)
	}
	if complete && exit != a.exit {
		t.Errorf("exit code %d, want %d", exit, a.exit)
	}
	if t.Failed() {
		for _, f := range d.Findings {
			t.Logf("found %s %s %s: %s", f.Severity, f.Rule, f.Subject, f.Message)
		}
	}
}

// audit runs the program on the probe host, and gives its report,
// which also stays in the folder integration beside the program.
func (l *lab) audit(t *testing.T, program, name string, args ...string) (r *report.Report, exit int) {
	t.Helper()
	file := filepath.Join(l.out, name+".json")
	args = append([]string{program, "audit", "--ca-file", l.ca.file, "--control", "mx.control.example", "-o", "json=" + file}, args...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, stderr, exit, err := l.on(ctx, "probe", args...)
	if err != nil || (stderr == "") != (exit == 0) {
		t.Fatalf("%s: exit %d, %v\n%s", strings.Join(args, " "), exit, err, stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = report.Parse(text); err != nil {
		t.Fatal(err)
	}
	if len(r.Domains) != 1 {
		t.Fatalf("the report has %d domains, want 1", len(r.Domains))
	}
	resolver := "udp:" + labResolver + ":53" // of /etc/resolv.conf
	if i := slices.Index(args, "--resolver"); i >= 0 {
		resolver = args[i+1]
	}
	if r.Run.Resolver != resolver && r.Run.Resolver != "" { // "": nobody answered
		t.Errorf("asked %s, want %s", r.Run.Resolver, resolver)
	}
	t.Logf("%d findings, %d unknown, %d queries, %d connections, %d ms, exit %d",
		len(r.Domains[0].Findings), len(r.Domains[0].Unknown), r.Run.Queries, r.Run.Connections, r.Run.Millis, exit)
	return r, exit
}

// neverDialled: MX that lead to the loopback and the private network of whoever
// looks are not followed. Listeners there prove it, and that they hear at all
// shows the flag that lifts the guard.
func neverDialled(t *testing.T, l *lab, program string) {
	traps := []*daemon{l.startTrap("probe"), l.startTrap("lan")}
	knocks := func() (text string) {
		for _, d := range traps {
			log, err := os.ReadFile(d.log)
			if err != nil {
				t.Fatal(err)
			}
			text += string(log)
		}
		return text
	}
	l.audit(t, program, "inside-guarded", "inside.test")
	if got := knocks(); got != "" {
		t.Errorf("addresses that must never be dialled were:\n%s", got)
	}
	l.audit(t, program, "inside-allowed", "inside.test", "--allow-private")
	for _, addr := range []string{"127.0.0.1:25", "[::1]:25", "10.53.0.25:25", "[fd53::25]:25"} {
		if got := knocks(); !strings.Contains(got, "knocked: "+addr+"\n") {
			t.Errorf("with --allow-private %s was not dialled either, so its silence proves nothing; heard:\n%s", addr, got)
		}
	}
}

func (l *lab) startTrap(host string) *daemon {
	d := l.start(host, "env", "LAB_TRAP=1", os.Args[0], "-test.run=^TestLabTrap$", "-test.timeout=0")
	l.awaitPort(d, 25)
	return d
}

// builtRules gives the rules of the program. Cases may name rules that are
// planned; those count from the day on that they are built.
func builtRules(t *testing.T, l *lab, program string) map[string]bool {
	t.Helper()
	built, known := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(l.run("", program, "rules")) {
		built[strings.Fields(line)[0]] = true
	}
	for line := range strings.Lines(l.run("", program, "rules", "--standards")) {
		if f := strings.Split(line, "\t"); len(f) > 1 {
			known[f[1]] = true
		}
	}
	for _, a := range labAudits() {
		for _, id := range slices.Concat(a.pass, a.must, a.never, a.unsure) {
			if !built[id] && !known[id] {
				t.Errorf("case %s: there is no rule %s, and none is planned", a.name, id)
			}
		}
	}
	return built
}

// TestLabTrap is no test but a daemon of the lab: it listens where no audit may
// knock, and writes down who does. The lab starts it on its hosts.
func TestLabTrap(t *testing.T) {
	if os.Getenv("LAB_TRAP") == "" {
		t.Skip("runs inside the lab only")
	}
	server, err := net.Listen("tcp", ":25")
	if err != nil {
		t.Fatal(err)
	}
	for {
		conn, err := server.Accept()
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("knocked: " + conn.LocalAddr().String() + "\n")
		conn.Close()
	}
}

// beforeLaunch: what an audit of the zone file alone says, the live audit of the
// zone that BIND serves from that file says too, of every rule that needs no more
// than the zone.
func beforeLaunch(t *testing.T, l *lab, program string) {
	file := filepath.Join(l.dir, "zones", "good.test")
	offline, _ := l.audit(t, program, "good-zone-offline", "good.test", "--selector", "lab", "--zone", file, "--offline")
	live, _ := l.audit(t, program, "good-zone-live", "good.test", "--selector", "lab", "--ehlo", "probe.isp.example")
	before, after := outcomes(offline.Domains[0]), outcomes(live.Domains[0])
	agreed := 0
	for rule, was := range before {
		switch is, judged := after[rule]; {
		case strings.HasPrefix(rule, "dns-zone-"): // about the file itself
		case !judged:
			t.Errorf("%s: %s before launch, and not judged live", rule, was)
		case is != was:
			t.Errorf("%s: %s before launch, %s live", rule, was, is)
		default:
			agreed++
		}
	}
	if agreed < 60 {
		t.Errorf("only %d rules were judged from the zone file alone", agreed)
	}
	if offline.Run.Queries != 0 || offline.Run.Connections != 0 {
		t.Errorf("offline, and yet %d queries and %d connections", offline.Run.Queries, offline.Run.Connections)
	}
	t.Logf("%d rules judged from the zone file, the same live", agreed)
}

// outcomes gives the rules that came to pass or fail.
func outcomes(d report.Domain) map[string]string {
	out := map[string]string{}
	for _, rule := range d.Passed {
		out[rule] = "passed"
	}
	for _, f := range d.Findings {
		out[f.Rule] = "failed"
	}
	return out
}
