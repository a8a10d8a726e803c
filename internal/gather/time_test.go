package gather_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mxvet/internal/fakenet"
	"mxvet/internal/fakenet/fakelive"
	"mxvet/internal/gather"
	"mxvet/internal/provider"
	"mxvet/internal/psl"
	"mxvet/internal/smtp"
	"mxvet/internal/wire"
)

// The round trips of the world below: r to the resolver, s to a mail server, w
// to the policy host. Together with the greeting delay g they set the floor.
const (
	r = 10 * time.Millisecond
	s = 40 * time.Millisecond
	w = 30 * time.Millisecond
	g = 500 * time.Millisecond
)

func timedWorld(t *testing.T, hosts int, extra string) *fakenet.World {
	t.Helper()
	var zone, list strings.Builder
	for i := range hosts {
		fmt.Fprintf(&zone, "@ IN MX 10 mx%d\n", i)
		fmt.Fprintf(&list, "- {name: mx%d.example.com, addrs: [192.0.2.%d, \"2001:db8::%d\"], latency: %s, smtp: {greet-delay: %s}}\n", i, i+1, i+1, s, g)
	}
	text := `twenty selectors, and every protocol
-- options --
domain: example.com
-- zone/example.com --
` + zone.String() + `
@ IN TXT "v=spf1 include:spf.example.com -all"
spf IN TXT "v=spf1 mx ip4:192.0.2.0/24 -all"
_dmarc IN TXT "v=DMARC1; p=reject; rua=mailto:reports@example.com"
_mta-sts IN TXT "v=STSv1; id=1"
_smtp._tls IN TXT "v=TLSRPTv1; rua=mailto:reports@example.com"
s1._domainkey IN TXT "v=DKIM1; k=ed25519; p=TG/IJHoXDigGe0+0Yu4foWO8hp8nlUTF5IZmTftAzLk="
-- hosts.yaml --
resolver: {latency: ` + r.String() + `}
hosts:
` + list.String() + `
- {name: mta-sts.example.com, addrs: [192.0.2.80], latency: ` + w.String() + `, https: {}}
` + extra + `
-- pages/mta-sts.example.com/.well-known/mta-sts.txt --
version: STSv1
mode: enforce
mx: *.example.com
max_age: 604800
`
	world, err := fakenet.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return world
}

// audit gathers under virtual time and says how long it took.
func audit(t *testing.T, world *fakenet.World, o gather.Options) (took time.Duration, e *gather.Evidence, net *fakenet.Net) {
	t.Helper()
	return auditOf(t, world, "example.com", o)
}

func auditOf(t *testing.T, world *fakenet.World, domain string, o gather.Options) (took time.Duration, e *gather.Evidence, net *fakenet.Net) {
	t.Helper()
	return auditThrough(t, world, domain, o, func(s wire.Source) wire.Source { return s })
}

func auditThrough(t *testing.T, world *fakenet.World, domain string, o gather.Options, over func(wire.Source) wire.Source) (took time.Duration, e *gather.Evidence, net *fakenet.Net) {
	t.Helper()
	live := fakelive.Start(world, wire.LiveConfig{})
	defer live.Close()
	o.AllowPrivate, o.Control, o.Seed = true, "mx.control.test", "time"
	tape := wire.NewTape(live, wire.Header{Seed: o.Seed, At: world.Now})
	tables := gather.Tables{Suffixes: psl.Default(), Providers: provider.Default()}
	began := time.Now()
	e = gather.Domain(t.Context(), over(tape), tables, world.Now, domain, o)
	return time.Since(began), e, live.Net
}

func TestCriticalPath(t *testing.T) {
	selectors := make([]string, 20)
	for i := range selectors {
		selectors[i] = fmt.Sprintf("s%d", i)
	}
	for _, hosts := range []int{1, 5} {
		t.Run(fmt.Sprint(hosts, " MX"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				took, e, net := audit(t, timedWorld(t, hosts, ""), gather.Options{Selectors: selectors})
				// MX, address, connect, banner, EHLO, STARTTLS, TLS 1.3, EHLO again.
				if want := 2*r + g + 6*s; took != want {
					t.Errorf("took %v, want 2r + g + 6s = %v", took, want)
				}
				if len(e.MX.Hosts) != hosts || len(e.MX.Hosts[0].Addrs) != 2 {
					t.Fatalf("%d hosts", len(e.MX.Hosts))
				}
				for _, h := range e.MX.Hosts {
					for _, a := range h.Addrs {
						if a.Session.Fail != nil || a.Session.TLS.Leaf() == nil {
							t.Errorf("%s %s: %v", h.Name, a.IP, a.Session.Fail)
						}
					}
				}
				if len(e.DKIM.Selectors) < 20 || e.MTASTS.Policy() == nil || e.SPF.Lookups != 2 {
					t.Errorf("%d selectors, policy %v, %d SPF lookups", len(e.DKIM.Selectors), e.MTASTS.Policy(), e.SPF.Lookups)
				}
				if !e.Vantage.IPv4.Proven || e.Vantage.IPv4.Ref != "" {
					t.Errorf("vantage %+v: the control host need not be asked", e.Vantage.IPv4)
				}
				// Politeness: one conversation per address and server name, never a message.
				smtp := 0
				for _, c := range net.Conversations() {
					if c.Service == "smtp" {
						smtp++
						if c.Count != 1 || c.Peak != 1 {
							t.Errorf("%s %s: %d conversations, %d at a time", c.Addr, c.SNI, c.Count, c.Peak)
						}
					}
				}
				if smtp != 2*hosts {
					t.Errorf("%d addresses talked to, want %d", smtp, 2*hosts)
				}
				if net.SawData() {
					t.Error("DATA was sent")
				}
			})
		})
	}
}

// The relay test comes last in the one conversation and costs one round trip:
// whole audit 2r + g + 7s, and the certificate is known two round trips before.
func TestCriticalPathWithRelay(t *testing.T) {
	world := timedWorld(t, 3, `- {name: probe.example.net, addrs: [203.0.113.7]}
- {name: mx.example.net, addrs: [203.0.113.8], smtp: {}}`)
	synctest.Test(t, func(t *testing.T) {
		took, e, net := audit(t, world, gather.Options{EHLO: "probe.example.net", RelayRcpt: "me@mx.example.net"})
		if want := 2*r + g + 7*s; took != want {
			t.Errorf("took %v, want 2r + g + 7s = %v", took, want)
		}
		if e.Relay.NotAsked != "" {
			t.Fatal(e.Relay.NotAsked)
		}
		for _, h := range e.MX.Hosts {
			for _, a := range h.Addrs {
				if want := g + 7*s; a.Session.Millis != int(want.Milliseconds()) {
					t.Errorf("%s: conversation of %d ms, want %v", a.IP, a.Session.Millis, want)
				}
				// Behind the certificate come the second EHLO and the relay group.
				ehlo := smtp.Find(a.Session.Exchanges, smtp.StageEHLOTLS)
				if ehlo == nil || ehlo.Millis != int(s.Milliseconds()) {
					t.Errorf("%s: second EHLO %+v", a.IP, ehlo)
				}
				last := a.Session.Exchanges[len(a.Session.Exchanges)-2] // before QUIT, whose reply nobody waits for
				if last.Form != gather.FormRoute || last.Stage != smtp.StageRset || last.Reply == nil {
					t.Errorf("%s: the conversation ends with %+v", a.IP, last)
				}
			}
		}
		for _, c := range net.Conversations() {
			if c.Service == "smtp" && c.Count != 1 {
				t.Errorf("%s %s: %d conversations", c.Addr, c.SNI, c.Count)
			}
		}
		if net.SawData() {
			t.Error("DATA was sent")
		}
	})
}

// Silence is the domain's fault only where port 25 is open from here.
func TestVantage(t *testing.T) {
	for _, c := range []struct {
		name, hosts    string
		proven, broken bool
		asked          bool // the control host
	}{
		{"a host answers", "- {name: mx.example.com, addrs: [192.0.2.1], smtp: {}}", true, false, false},
		{"a greeting at once, and a conversation that lasts", "- {name: mx.example.com, addrs: [192.0.2.1], smtp: {tarpit: 2s}}", true, false, false},
		{"a slow host, so the control host is asked, and the slow host proves it too", "- {name: mx.example.com, addrs: [192.0.2.1], smtp: {greet-delay: 5s}}", true, false, true},
		{"dead hosts, but the control host answers", "- {name: mx.example.com, addrs: [192.0.2.1], fault: silent, smtp: {}}", true, false, true},
		{"dead hosts, and a dead control host", "- {name: mx.example.com, addrs: [192.0.2.1], fault: silent, smtp: {}}\n- {name: mx.control.test, addrs: [192.0.2.200], fault: silent, smtp: {}}", false, true, true},
		{"port 25 blocked here", "- {name: mx.example.com, addrs: [192.0.2.1], smtp: {}}\nvantage: {blocked: [25]}", false, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			world, err := fakenet.Parse([]byte("-- zone/example.com --\n@ IN MX 10 mx\n-- hosts.yaml --\nhosts:\n" + c.hosts + "\n"))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				_, e, _ := audit(t, world, gather.Options{})
				got := e.Vantage.IPv4
				if got.Proven != c.proven || got.Broken != c.broken || (got.Ref != "") != c.asked {
					t.Errorf("got %+v", got)
				}
				if got.Broken && got.Why == "" {
					t.Error("broken without a reason")
				}
				if e.Vantage.IPv6 != (gather.Reach{}) {
					t.Errorf("IPv6 was not in question, got %+v", e.Vantage.IPv6)
				}
			})
		})
	}
}

// When the resolver fails, the domain's own servers are asked; the parent's
// answer shows that direct questions get through.
func TestAuthority(t *testing.T) {
	var everywhere strings.Builder
	for _, at := range []string{"resolver", "ns1.dns.test", "ns2.dns.test"} {
		everywhere.WriteString("- {at: " + at + ", name: example.com, fault: servfail}\n")
	}
	for _, c := range []struct {
		name, dns, hosts string
		asked, allFail   bool
	}{
		{"the resolver answers", "", "", false, false},
		{"only the resolver fails", "- {at: resolver, name: example.com, fault: servfail}", "", true, false},
		{"all servers fail", everywhere.String(), "", true, true},
		{"direct questions are blocked", everywhere.String(), "vantage: {blocked: [53]}", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := "-- zone/example.com --\n@ IN MX 10 mx\n-- hosts.yaml --\nhosts:\n- {name: mx.example.com, addrs: [192.0.2.1], smtp: {}}\n" + c.hosts + "\n"
			if c.dns != "" {
				text += "-- dns.yaml --\nfaults:\n" + c.dns + "\n"
			}
			world, err := fakenet.Parse([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				_, e, _ := audit(t, world, gather.Options{})
				if e.Authority.Asked != c.asked || e.Authority.AllFail() != c.allFail {
					t.Errorf("asked %v, all fail %v, parent answered %v, servers %+v", e.Authority.Asked, e.Authority.AllFail(), e.Authority.ParentAnswered, e.Authority.Servers)
				}
			})
		})
	}
}

// No conversation waits for what concerns another host: its lookup, which gives no
// answer here.
func TestNobodyWaitsForAnotherHost(t *testing.T) {
	world := timedWorld(t, 3, `- {name: probe.example.net, addrs: [203.0.113.7]}
- {name: mx.example.net, addrs: [203.0.113.8], smtp: {}}
-- dns.yaml --
faults:
- {name: mx2.example.com, type: A, fault: timeout}
`)
	synctest.Test(t, func(t *testing.T) {
		o := gather.Options{EHLO: "probe.example.net", RelayRcpt: "me@mx.example.net"}
		var late atomic.Int64
		began := time.Now()
		_, e, _ := auditThrough(t, world, "example.com", o, func(s wire.Source) wire.Source {
			return talks{s, func() { late.Store(max(late.Load(), int64(time.Since(began)))) }}
		})
		talked := 0
		for _, h := range e.MX.Hosts {
			for _, a := range h.Addrs {
				talked++
				if a.RelayNotAsked != "" || a.Session.TLS.Leaf() == nil {
					t.Errorf("%s: %q %v", a.IP, a.RelayNotAsked, a.Session.Fail)
				}
			}
		}
		if late := time.Duration(late.Load()); late > time.Second {
			t.Errorf("talked to after %v", late)
		}
		if talked != 5 {
			t.Errorf("%d addresses talked to", talked)
		}
	})
}

// talks tells of each conversation before it begins.
type talks struct {
	wire.Source
	begins func()
}

func (s talks) Talk(ctx context.Context, p wire.Probe) wire.Session {
	s.begins()
	return s.Source.Talk(ctx, p)
}
