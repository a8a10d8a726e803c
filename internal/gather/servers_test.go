package gather_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxvet/internal/fakenet"
	"mxvet/internal/gather"
)

const servedWorld = `a zone with servers of its own
-- options --
domain: example.com
-- zone/example.com --
@ IN NS ns1
@ IN NS ns2
@ IN MX 10 mx
@ IN TXT "v=spf1 mx -all"
_dmarc IN TXT "v=DMARC1; p=reject"
shop IN MX 10 mx
-- hosts.yaml --
resolver: {latency: 10ms}
hosts:
- {name: mx.example.com, addrs: [192.0.2.1], latency: 40ms, smtp: {greet-delay: 500ms}}
- {name: ns1.example.com, addrs: [192.0.2.10, "2001:db8:53::10"], latency: 40ms}
- {name: ns2.example.com, addrs: [198.51.100.20, "2001:db8:54::20"], latency: 40ms}
`

func servers(t *testing.T, extra string) *fakenet.World {
	t.Helper()
	world, err := fakenet.Parse([]byte(servedWorld + extra))
	if err != nil {
		t.Fatal(err)
	}
	return world
}

// Each address is asked for what mail needs, beside the conversations: the
// audit takes no longer.
func TestNameservers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took, e, net := audit(t, servers(t, ""), gather.Options{})
		if want := 2*r + g + 6*s; took != want {
			t.Errorf("took %v, want 2r + g + 6s = %v", took, want)
		}
		n := e.Nameservers
		if n.NotAsked != "" || n.Zone != "example.com" || len(n.Names) != 2 || len(n.Servers) != 4 || n.More != 0 {
			t.Fatalf("%+v", n)
		}
		for _, d := range n.Servers {
			if !d.Authoritative() || !d.SOA.Answer.Has("SOA") || !d.MX.Answer.Has("MX") || !d.TXT.Answer.Has("TXT") || !d.DMARC.Answer.Has("TXT") {
				t.Errorf("%s %s: %+v", d.Name, d.Addr, d)
			}
		}
		if got := n.Servers[1]; got.Name != "ns1.example.com" || got.MX.Ref != "dns:MX example.com@2001:db8:53::10" || got.DMARC.Ref != "dns:TXT _dmarc.example.com@2001:db8:53::10" {
			t.Errorf("second server %s, %s, %s", got.Name, got.MX.Ref, got.DMARC.Ref)
		}
		direct := 0
		for q, count := range net.Queries() {
			if q.Server == netip.MustParseAddr("192.0.2.10") {
				direct += count
			}
		}
		if direct != 4 {
			t.Errorf("%d questions to one address of a name server, want 4", direct)
		}
	})
}

// The servers of a name without a zone of its own are those of the zone above,
// unless that belongs to everybody.
func TestNameserversOfZoneAbove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, e, _ := auditOf(t, servers(t, ""), "shop.example.com", gather.Options{})
		n := e.Nameservers
		if n.Zone != "example.com" || len(n.Servers) != 4 || n.Servers[0].SOA.Ref != "dns:SOA example.com@192.0.2.10" || n.Servers[0].MX.Ref != "dns:MX shop.example.com@192.0.2.10" {
			t.Errorf("%+v", n)
		}
		_, e, _ = auditOf(t, servers(t, ""), "gone.example.com", gather.Options{})
		if n := e.Nameservers; n.Zone != "" || n.NotAsked != "no zone of the domain was found" || len(n.Servers) != 0 {
			t.Errorf("of a name that does not exist: %+v", n)
		}
	})
}

func TestNameserversNotAsked(t *testing.T) {
	for _, o := range []gather.Options{{NoServers: true}, {Skip: []string{"mx"}}} {
		synctest.Test(t, func(t *testing.T) {
			_, e, _ := audit(t, servers(t, ""), o)
			if n := e.Nameservers; n.NotAsked == "" || len(n.Servers) != 0 || len(n.Names) != 2 {
				t.Errorf("%+v", n)
			}
		})
	}
}

// That the servers are not known is no proof that there are none.
func TestNameserversUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, e, _ := audit(t, servers(t, "-- dns.yaml --\nfaults:\n- {name: example.com, type: NS, fault: servfail}\n"), gather.Options{})
		if n := e.Nameservers; !n.NS.Failed() || !strings.HasPrefix(n.NotAsked, "the name servers are not known: udp:192.0.2.53:53 answered SERVFAIL") || len(n.Names) != 0 {
			t.Errorf("%+v", n)
		}
	})
}

// A network that lets no DNS out costs an audit three seconds at most.
func TestNameserversBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took, e, _ := audit(t, servers(t, "vantage: {blocked: [53]}\n"), gather.Options{})
		if took > 2*r+3*time.Second {
			t.Errorf("took %v", took)
		}
		if len(e.Nameservers.Servers) != 4 {
			t.Errorf("%d servers were tried", len(e.Nameservers.Servers))
		}
		for _, d := range e.Nameservers.Servers {
			if d.Authoritative() || d.SOA.Answer.Fail == nil {
				t.Errorf("%s: %+v", d.Addr, d.SOA)
			}
		}
	})
}

// However many servers a zone names, eight addresses are asked, and of each name
// one before any gets a second.
func TestNameserversBounded(t *testing.T) {
	for _, count := range []int{1, 3, 8, 20} {
		synctest.Test(t, func(t *testing.T) {
			var zone, hosts strings.Builder
			for i := range count {
				fmt.Fprintf(&zone, "@ IN NS ns%d\n", i)
				for j := range 10 {
					fmt.Fprintf(&hosts, "- {name: ns%d.example.com, addrs: [198.51.%d.%d]}\n", i, 101+i, j+1)
				}
			}
			world, err := fakenet.Parse([]byte("-- zone/example.com --\n" + zone.String() + "-- hosts.yaml --\nhosts:\n" + hosts.String()))
			if err != nil {
				t.Fatal(err)
			}
			_, e, _ := audit(t, world, gather.Options{})
			n := e.Nameservers
			names := map[string]bool{}
			for _, d := range n.Servers {
				names[d.Name] = true
			}
			if len(n.Servers) != 8 || len(names) != min(count, 8) || len(n.Names)+n.More != count {
				t.Errorf("%d names: %d looked up, %d left out, %d addresses of %d names asked", count, len(n.Names), n.More, len(n.Servers), len(names))
			}
		})
	}
}

func TestStray(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world, err := fakenet.Parse([]byte("-- zone/example.com --\n* IN MX 0 .\n* IN TXT \"v=spf1 -all\"\n"))
		if err != nil {
			t.Fatal(err)
		}
		_, e, _ := audit(t, world, gather.Options{})
		if s := e.Stray; !s.MX.Answer.Has("MX") || !s.TXT.Answer.Has("TXT") || s.A.Answer.Has("A") || s.A.Answer.NXDomain() || !strings.HasSuffix(s.Name, ".example.com") {
			t.Errorf("%+v", s)
		}
	})
}

// Only names below the domain are asked about, each once.
func TestSubdomains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took, e, _ := audit(t, servers(t, ""), gather.Options{Subdomains: []string{"shop.example.com", "Shop.example.com.", "example.com", "shop.example.org", "gone.example.com"}})
		if want := 2*r + g + 6*s; took != want {
			t.Errorf("took %v, want %v", took, want)
		}
		if len(e.Subdomains) != 2 {
			t.Fatalf("%d subdomains", len(e.Subdomains))
		}
		shop, gone := e.Subdomains[0], e.Subdomains[1]
		if !shop.MX.Answer.Has("MX") || shop.SPF == nil || shop.DMARC.Own() == nil || shop.MTASTS.Name != "_mta-sts.shop.example.com" || shop.TLSRPT.Ref == "" {
			t.Errorf("%+v", shop)
		}
		if !gone.A.Answer.NXDomain() {
			t.Errorf("%+v", gone)
		}
	})
}

// Logo and certificate are fetched at the same time, beside everything else; a web
// server that is silent costs eight seconds at most.
func TestIndicator(t *testing.T) {
	for _, c := range []struct {
		name, host string
		want       time.Duration
	}{
		{"served", "https: {}", 2*r + 3*w},
		{"silent", "fault: silent, https: {}", r + 8*time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			world, err := fakenet.Parse([]byte("-- zone/example.com --\ndefault._bimi IN TXT \"v=BIMI1; l=https://brand.example.com/logo.svg; a=https://brand.example.com/mark.pem\"\n" +
				"-- hosts.yaml --\nresolver: {latency: 10ms}\nhosts:\n- {name: brand.example.com, addrs: [192.0.2.85, 192.0.2.86], latency: 30ms, " + c.host + "}\n"))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				took, e, _ := audit(t, world, gather.Options{})
				if e.BIMI.Logo == nil || e.BIMI.Evidence == nil || took > c.want {
					t.Errorf("took %v, want at most %v; logo %+v", took, c.want, e.BIMI.Logo)
				}
				_, e, _ = audit(t, world, gather.Options{Skip: []string{"information"}})
				if e.BIMI != nil {
					t.Error("asked although the area is skipped")
				}
			})
		})
	}
}
