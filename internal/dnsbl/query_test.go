package dnsbl_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"mxvet/internal/dnsbl"
	"mxvet/internal/fakenet"
	"mxvet/internal/fakenet/fakelive"
	"mxvet/internal/wire"
)

// inWorld runs do under virtual time, in a world with these settings.
func inWorld(t *testing.T, hosts, dns string, do func(*testing.T, wire.Source, *fakenet.Net)) {
	t.Helper()
	text := "-- zone/example.com --\n@ IN MX 10 mx\n-- hosts.yaml --\n" + hosts + "\n"
	if dns != "" {
		text += "-- dns.yaml --\n" + dns + "\n"
	}
	world, err := fakenet.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		live := fakelive.Start(world, wire.LiveConfig{})
		defer live.Close()
		do(t, wire.NewTape(live, wire.Header{At: world.Now}), live.Net)
	})
}

// The lists that every made-up world has are those that are asked by default:
// internal/fakenet keeps a table of its own, since it imports nothing of this.
func TestWorldsHaveTheDefaultLists(t *testing.T) {
	inWorld(t, "", "", func(t *testing.T, src wire.Source, _ *fakenet.Net) {
		for _, l := range dnsbl.Default().Select(nil, nil, nil).Lists {
			if h := dnsbl.Test(t.Context(), src, "seed", l, false); (l.IPv4 || l.Kind == dnsbl.KindDomain) && !h.Works() {
				t.Errorf("%s: %s %s", l.ID, h.State, h.Why)
			}
			six := dnsbl.Test(t.Context(), src, "seed", l, true)
			if want := map[bool]dnsbl.State{true: dnsbl.Clean, false: dnsbl.Unsupported}[l.IPv6]; six.State != want {
				t.Errorf("%s over IPv6: %s %s, want %s", l.ID, six.State, six.Why, want)
			}
		}
	})
}

func TestHealth(t *testing.T) {
	for _, c := range []struct {
		name, hosts, dns, list string
		six                    bool
		state                  dnsbl.State
		why                    string
		absent                 bool
	}{
		{"healthy", "dnsbl: [{zone: bl.example.net}]", "", "bl.example.net", false, dnsbl.Clean, "", false},
		{"healthy for IPv6", "dnsbl: [{zone: bl.example.net}]", "", "bl.example.net", true, dnsbl.Clean, "", false},
		{"no IPv6", "dnsbl: [{zone: bl.example.net, ipv4-only: true}]", "", "bl.example.net", true, dnsbl.Broken, "test entry", true},
		{"gone", "", "", "bl.example.net", false, dnsbl.Broken, "test entry", true},
		{"emptied", "dnsbl: [{zone: bl.example.net, test: none}]", "", "bl.example.net", false, dnsbl.Broken, "test entry", true},
		{"a wildcard", "dnsbl: [{zone: bl.example.net, everything: 127.0.0.2}]", "", "bl.example.net", false, dnsbl.Broken, "lists everything", false},
		{"parked", "dnsbl: [{zone: bl.example.net, everything: 203.0.113.80}]", "", "bl.example.net", false, dnsbl.Broken, "outside of 127.0.0.0/8", false},
		{"public resolver", "dnsbl: [{zone: zen.spamhaus.org, everything: 127.255.255.254}]", "", "spamhaus-zen", false, dnsbl.Refused, "public", false},
		{"blocked by 127.0.0.1", "dnsbl: [{zone: multi.uribl.com, everything: 127.0.0.1}]", "", "uribl", false, dnsbl.Refused, "127.0.0.1", false},
		{"REFUSED", "", "faults: [{zone: zen.spamhaus.org, at: resolver, fault: refused}]", "spamhaus-zen", false, dnsbl.Refused, "REFUSED", false},
		{"SERVFAIL", "", "faults: [{zone: zen.spamhaus.org, fault: servfail}]", "spamhaus-zen", false, dnsbl.NoAnswer, "SERVFAIL", false},
		{"silent", "", "faults: [{zone: zen.spamhaus.org, at: resolver, fault: timeout}]", "spamhaus-zen", false, dnsbl.NoAnswer, "no reply within 10s", false},
		{"test entry without answer", "", "faults: [{name: 2.0.0.127.bl.spamcop.net, at: resolver, fault: timeout}]", "spamcop", false, dnsbl.NoAnswer, "no reply within 10s", false},
		{"one negative test without answer", "", "faults: [{name: 1.0.0.127.bl.spamcop.net, fault: servfail}]", "spamcop", false, dnsbl.Clean, "", false},
		{"a resolver that invents answers", "", `faults: [{at: resolver, when: nxdomain, answer: ["@ 60 IN A 203.0.113.99"]}]`, "spamcop", false, dnsbl.Broken, "outside", false},
		{"domain names over IPv6", "", "", "spamhaus-dbl", true, dnsbl.Unsupported, "no such entries", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := dnsbl.Default().Select([]string{c.list}, nil, nil).Lists[0]
			inWorld(t, c.hosts, c.dns, func(t *testing.T, src wire.Source, _ *fakenet.Net) {
				h := dnsbl.Test(t.Context(), src, "seed", l, c.six)
				if h.State != c.state || !strings.Contains(h.Why, c.why) || h.Absent != c.absent {
					t.Errorf("%s %q, absent %v; want %s, %q, %v", h.State, h.Why, h.Absent, c.state, c.why, c.absent)
				}
			})
		})
	}
}

// address tests the list and asks about an address.
func address(ctx context.Context, src wire.Source, l *dnsbl.List, addr string) dnsbl.Result {
	ip := netip.MustParseAddr(addr)
	return dnsbl.Address(ctx, src, dnsbl.Test(ctx, src, "seed", l, ip.Is6()), ip)
}

func TestAddress(t *testing.T) {
	world := `dnsbl:
- zone: zen.spamhaus.org
  listed:
    192.0.2.1: [127.0.0.4, 127.0.0.10, "see https://check.spamhaus.org/"]
    "2001:db8::1": 127.0.0.3
- {zone: multi.surbl.org, listed: {example.com: [127.0.0.64, one, two, three, four]}}
`
	zen, surbl := dnsbl.Default().ByID("spamhaus-zen"), dnsbl.Default().ByID("surbl")
	inWorld(t, world, "", func(t *testing.T, src wire.Source, net *fakenet.Net) {
		r := address(t.Context(), src, zen, "192.0.2.1")
		if r.State != dnsbl.Listed || len(r.Hits) != 2 || len(r.Reasons) != 1 || len(r.Refs()) != 2 || r.Subject != "192.0.2.1" {
			t.Errorf("listed: %+v", r)
		}
		r = address(t.Context(), src, zen, "2001:db8::1")
		if r.State != dnsbl.Listed || r.Hits[0].Name != "CSS" || len(r.Reasons) != 0 {
			t.Errorf("IPv6: %+v", r)
		}
		r = address(t.Context(), src, zen, "192.0.2.2")
		if r.State != dnsbl.Clean || r.TXT.Ref != "" || len(r.Refs()) != 1 {
			t.Errorf("clean: %+v", r)
		}
		r = address(t.Context(), src, surbl, "192.0.2.2")
		if r.State != dnsbl.Unsupported || r.A.Ref != "" {
			t.Errorf("an address at a list of names: %+v", r)
		}
		r = dnsbl.Domain(t.Context(), src, dnsbl.Test(t.Context(), src, "seed", surbl, false), "Example.COM.")
		if r.State != dnsbl.Listed || r.Subject != "example.com" || len(r.Reasons) != 3 {
			t.Errorf("domain: %+v", r)
		}
		if r = dnsbl.Domain(t.Context(), src, dnsbl.Test(t.Context(), src, "seed", zen, false), "example.com"); r.State != dnsbl.Unsupported {
			t.Errorf("a name at a list of addresses: %+v", r)
		}
		if r = dnsbl.Domain(t.Context(), src, dnsbl.Test(t.Context(), src, "seed", surbl, false), strings.Repeat("a.", 125)+"com"); r.State != dnsbl.Unsupported {
			t.Errorf("a name that is too long: %+v", r)
		}
		for q := range net.Queries() {
			if strings.HasPrefix(q.Name, "2.2.0.192.multi.surbl.org") {
				t.Errorf("%s was asked", q.Name)
			}
		}
	})
}

// A list that fails its test is not asked about anybody.
func TestUnusableListIsNotAsked(t *testing.T) {
	zen := dnsbl.Default().ByID("spamhaus-zen")
	inWorld(t, "dnsbl: [{zone: zen.spamhaus.org, everything: 127.255.255.254}]", "", func(t *testing.T, src wire.Source, net *fakenet.Net) {
		r := address(t.Context(), src, zen, "192.0.2.1")
		if r.State != dnsbl.Refused || r.A.Ref != "" || len(r.Refs()) == 0 || !r.Shared {
			t.Errorf("%+v", r)
		}
		for q := range net.Queries() {
			if strings.HasPrefix(q.Name, "1.2.0.192.") {
				t.Errorf("%s was asked", q.Name)
			}
		}
	})
}

// A cancelled run says nothing about anybody.
func TestCancelled(t *testing.T) {
	zen := dnsbl.Default().ByID("spamhaus-zen")
	inWorld(t, "", "", func(t *testing.T, src wire.Source, _ *fakenet.Net) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if r := address(ctx, src, zen, "192.0.2.1"); r.State != dnsbl.NoAnswer {
			t.Errorf("%+v", r)
		}
	})
}
