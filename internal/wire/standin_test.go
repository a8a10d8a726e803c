package wire_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

func TestStandIn(t *testing.T) {
	z, err := zone.Parse(strings.NewReader(`
@ IN SOA ns hostmaster 1 2 3 4 5
@ IN TXT "token"
live IN A 198.51.100.5
inside IN A 10.1.2.3
six IN AAAA 2001:db8::1
six IN MX 10 live
sends IN TXT "v=spf1 ip4:198.51.100.5 -all"
`), "db", "example.com.")
	if err != nil {
		t.Fatal(err)
	}
	behind := wire.NewOverlay(nil, []*zone.Zone{z}, nil)
	s := wire.StandIn{Behind: behind, Domain: "example.com", Special: wire.SpecialButDocumentation}
	ask := func(name, rrtype string) wire.Answer {
		return s.DNS(t.Context(), wire.Question{Name: name, Type: rrtype})
	}
	for _, c := range []struct {
		name, rrtype string
		made         bool
	}{
		{"live.example.com", "A", false},
		{"live.example.com", "AAAA", false}, // one family is enough
		{"six.example.com", "A", false},
		{"inside.example.com", "A", true},
		{"gone.example.com", "A", true},
		{"gone.example.com", "AAAA", true},
		{"elsewhere.example.org", "A", true}, // no answer at all
		{"six.example.com", "MX", false},
		{"gone.example.com", "MX", true},
		{"example.com", "TXT", false}, // the domain's own record is what is judged
		{"sends.example.com", "TXT", false},
		{"gone.example.com", "TXT", true},
		{"gone.example.com", "SOA", false},
	} {
		a := ask(c.name, c.rrtype)
		if made := a.From == "stand-in"; made != c.made {
			t.Errorf("%s %s: %+v", c.name, c.rrtype, a)
		}
		if c.made && slices.ContainsFunc(a.Addrs(), func(ip netip.Addr) bool { _, special := wire.Special(ip); return !special || !wire.Placeholder(ip) }) {
			t.Errorf("%s %s: %v may be somebody's", c.name, c.rrtype, a.Addrs())
		}
	}
	a, b := ask("gone.example.com", "A").Addrs(), ask("away.example.com", "A").Addrs()
	if slices.Equal(a, b) || !slices.Equal(a, ask("Gone.Example.COM.", "A").Addrs()) {
		t.Errorf("each name has its own: %v, %v", a, b)
	}
	if wire.Placeholder(netip.MustParseAddr("198.51.100.5")) {
		t.Error("a placeholder that is somebody's address")
	}
	if s.Talk(t.Context(), wire.Probe{}).Fail == nil || s.Fetch(t.Context(), wire.Request{}).Fail == nil {
		t.Error("it dials")
	}
}
