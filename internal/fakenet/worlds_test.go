package fakenet

import (
	"crypto/tls"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestWorlds(t *testing.T) {
	names := Worlds()
	if len(names) < 6 {
		t.Fatalf("only %v", names)
	}
	for _, name := range names {
		w, err := Load(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if w.Name != name || w.Comment == "" || len(w.Domains) == 0 || len(w.Options) == 0 {
			t.Errorf("%s is thin: %q %q", name, w.Comment, w.Domains)
		}
		n := w.Start()
		c := newClient(t, dial(t, n, "tcp", "203.0.113.250:25"))
		if got := c.reply(); got != "220 mx.control.test ESMTP" {
			t.Errorf("%s: control host: %s", name, got)
		}
		n.Close()
	}
	if _, err := Load("none"); err == nil {
		t.Error("a world that does not exist was loaded")
	}
}

// TestModel talks to every address of every mail server of worlds whose mail
// works.
func TestModel(t *testing.T) {
	for _, x := range []struct {
		world   string
		hosts   int      // address records of MX hosts
		expired []string // hosts whose certificate does not verify
	}{
		{"model", 4, nil},
		{"expired", 4, []string{"mx2.example.com."}},
		{"young", 1, nil},
	} {
		w, err := Load(x.world)
		if err != nil {
			t.Fatal(err)
		}
		inBubbleOf(t, w, func(t *testing.T, n *Net) {
			count := 0
			for _, mx := range resolve(t, n, w.Domains[0], "MX").Answer {
				host := mx.(*dns.MX).Mx
				for _, qtype := range []string{"A", "AAAA"} {
					for _, rr := range resolve(t, n, host, qtype).Answer {
						count++
						ip := dns.Field(rr, 1)
						c := newClient(t, dial(t, n, "tcp", net.JoinHostPort(ip, "25")))
						c.reply()
						_, err := c.startTLS(&tls.Config{ServerName: host[:len(host)-1], RootCAs: n.CA(), Time: func() time.Time { return w.Now }})
						if (err != nil) != slices.Contains(x.expired, host) {
							t.Errorf("%s: %s %s: %v", x.world, host, ip, err)
						}
						arpa, _ := dns.ReverseAddr(ip)
						if got := data(resolve(t, n, arpa, "PTR").Answer); got != host {
							t.Errorf("%s: reverse name of %s is %q", x.world, ip, got)
						}
					}
				}
			}
			if count != x.hosts {
				t.Errorf("%s: %d addresses of MX hosts, want %d", x.world, count, x.hosts)
			}
		})
	}
}
