package gather_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxvet/internal/dnsbl"
	"mxvet/internal/fakenet"
	"mxvet/internal/gather"
)

func blocklistWorld(t *testing.T, text string) *fakenet.World {
	t.Helper()
	world, err := fakenet.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return world
}

// Which addresses are asked about, and as what.
func TestBlocklistAddresses(t *testing.T) {
	world := blocklistWorld(t, `
-- zone/example.com --
@ IN MX 10 mx1
@ IN MX 20 mx2
@ IN MX 30 aspmx.l.google.com.
@ IN TXT "v=spf1 ip4:192.0.2.10 a:mx1.example.com ip4:192.0.2.32/30 ip4:198.51.100.0/25 ip4:10.0.0.1 ?ip4:192.0.2.66 include:spf.example.com include:spf.example.net mx:google.example -all"
spf IN TXT "v=spf1 ip4:192.0.2.20 ip4:192.0.2.10 -all"
-- zone/example.net --
spf IN TXT "v=spf1 ip4:203.0.113.7 -all"
-- zone/google.example --
@ IN MX 10 aspmx.l.google.com.
-- hosts.yaml --
hosts:
- {name: mx1.example.com, addrs: [192.0.2.1, "2001:db8::1"], smtp: {}}
- {name: mx2.example.com, addrs: [192.0.2.2], smtp: {}}
- {name: aspmx.l.google.com, addrs: [203.0.113.77], smtp: {}}
`)
	synctest.Test(t, func(t *testing.T) {
		_, e, net := audit(t, world, gather.Options{SendIPs: []netip.Addr{netip.MustParseAddr("192.0.2.99")}})
		var got []string
		for _, a := range e.Blocklists.Addresses {
			as := "inbound"
			switch {
			case a.Ranged:
				as = "ranged"
			case a.Sends:
				as = "sends"
			}
			got = append(got, strings.TrimSpace(fmt.Sprint(a.IP, " ", as, " ", a.Host)))
			if len(a.Results) != 7 || a.Sends != (a.Why != "") {
				t.Errorf("%s: %d results, %q", a.IP, len(a.Results), a.Why)
			}
			for _, r := range a.Results {
				if r.State != dnsbl.Clean && (r.State != dnsbl.Unsupported || !a.IP.Is6()) {
					t.Errorf("%s at %s: %s %s", a.IP, r.List.ID, r.State, r.Why)
				}
			}
		}
		want := []string{
			"192.0.2.99 sends", "192.0.2.1 sends mx1.example.com", "2001:db8::1 sends mx1.example.com",
			"192.0.2.10 sends", "192.0.2.20 sends",
			"192.0.2.32 ranged", "192.0.2.33 ranged", "192.0.2.34 ranged", "192.0.2.35 ranged",
			"192.0.2.2 inbound mx2.example.com",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if len(e.Blocklists.Names) != 1 || len(e.Blocklists.Names[0].Results) != 3 || len(e.Blocklists.Wide) != 1 ||
			fmt.Sprint(e.Blocklists.Special) != "[10.0.0.1]" || e.Blocklists.More != 0 {
			t.Errorf("names %d, wide %v, special %v", len(e.Blocklists.Names), e.Blocklists.Wide, e.Blocklists.Special)
		}
		for q := range net.Queries() {
			for _, foreign := range []string{"77.113.0.203.", "7.113.0.203.", "1.0.0.10.", "66.2.0.192.", "1.100.51.198."} {
				if strings.HasPrefix(q.Name, foreign) && !strings.HasSuffix(q.Name, ".arpa.") {
					t.Errorf("%s was asked", q.Name)
				}
			}
		}
	})
}

func TestBlocklistBounds(t *testing.T) {
	world := blocklistWorld(t, `
-- zone/sub.example.com --
@ IN TXT "v=spf1 ip4:192.0.2.0/28 ip4:192.0.2.64/28 ip4:192.0.2.128 -all"
`)
	synctest.Test(t, func(t *testing.T) {
		_, e, net := auditOf(t, world, "sub.example.com", gather.Options{})
		if len(e.Blocklists.Addresses) != 16 || e.Blocklists.More != 17 || e.Blocklists.Addresses[0].IP.String() != "192.0.2.128" {
			t.Errorf("%d addresses, %d more, first %s", len(e.Blocklists.Addresses), e.Blocklists.More, e.Blocklists.Addresses[0].IP)
		}
		if n := e.Blocklists.Names; len(n) != 2 || n[0].Name != "example.com" || n[1].Name != "sub.example.com" {
			t.Errorf("names %+v", n)
		}
		for q, times := range net.Queries() {
			if times > 1 {
				t.Errorf("%s %s was asked %d times", q.Name, q.Type, times)
			}
		}
	})
}

// Addresses that only receive are asked about up to a bound of their own.
func TestBlocklistInboundBound(t *testing.T) {
	var records, hosts strings.Builder
	for i := range 6 {
		fmt.Fprintf(&records, "@ IN MX 10 mx%d\n", i)
		fmt.Fprintf(&hosts, "- {name: mx%d.example.com, addrs: [192.0.2.%d, 192.0.2.%d, 192.0.2.%d], smtp: {}}\n", i, 100+3*i, 101+3*i, 102+3*i)
	}
	world := blocklistWorld(t, "-- zone/example.com --\n"+records.String()+"@ IN TXT \"v=spf1 ip4:192.0.2.200 -all\"\n-- hosts.yaml --\nhosts:\n"+hosts.String())
	synctest.Test(t, func(t *testing.T) {
		_, e, _ := audit(t, world, gather.Options{NoSMTP: true, Relay: "off"})
		if n := len(e.Blocklists.Addresses); n+e.Blocklists.MoreHosts != 19 || e.Blocklists.MoreHosts != 2 || e.Blocklists.More != 0 || e.Blocklists.MoreKnown != 0 {
			t.Errorf("%d addresses, %d more of hosts, %d and %d more", n, e.Blocklists.MoreHosts, e.Blocklists.More, e.Blocklists.MoreKnown)
		}
	})
}

// Lists are asked beside everything else: MX, address, list, and the reason of a
// listing.
func TestBlocklistPath(t *testing.T) {
	for _, c := range []struct {
		listed string
		trips  int
	}{{"198.51.100.99", 3}, {"192.0.2.1", 4}} {
		world := blocklistWorld(t, `
-- zone/example.com --
@ IN MX 10 mx
@ IN TXT "v=spf1 mx -all"
-- hosts.yaml --
resolver: {latency: `+r.String()+`}
hosts:
- {name: mx.example.com, addrs: [192.0.2.1, "2001:db8::1"], smtp: {}}
dnsbl:
- {zone: zen.spamhaus.org, listed: {`+c.listed+`: 127.0.0.2}}
`)
		synctest.Test(t, func(t *testing.T) {
			took, e, _ := audit(t, world, gather.Options{NoSMTP: true, Relay: "off"})
			if took != time.Duration(c.trips)*r || len(e.Blocklists.Addresses) != 2 {
				t.Errorf("took %v for %d addresses", took, len(e.Blocklists.Addresses))
			}
			if res := e.Blocklists.Addresses[0].Results[0]; (res.State == dnsbl.Listed) != (c.trips == 4) {
				t.Errorf("%+v", res)
			}
		})
	}
}

func TestBlocklistsNotAsked(t *testing.T) {
	world := blocklistWorld(t, "-- zone/example.com --\n@ IN MX 10 mx\n-- hosts.yaml --\nhosts:\n- {name: mx.example.com, addrs: [192.0.2.1], smtp: {}}\n")
	for _, o := range []gather.Options{
		{Offline: true},
		{Skip: []string{"reputation"}},
		{DNSBL: gather.DNSBLOptions{Lists: []string{"none"}}},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, e, net := audit(t, world, o)
			if e.Blocklists.NotAsked == "" || len(e.Blocklists.Addresses)+len(e.Blocklists.Names)+len(e.Blocklists.Health) > 0 {
				t.Errorf("%+v: %+v", o, e.Blocklists)
			}
			for q := range net.Queries() {
				if strings.HasSuffix(q.Name, "spamhaus.org.") {
					t.Errorf("%+v: %s was asked", o, q.Name)
				}
			}
		})
	}
}
