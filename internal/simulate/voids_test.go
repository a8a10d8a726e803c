package simulate

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"mxvet/internal/psl"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// Receivers count lookups that find nothing in several ways, and a simulation
// says what each of them comes to.
func TestVoids(t *testing.T) {
	z, err := zone.Parse(strings.NewReader(`
. 3600 IN SOA ns.test. h.test. 1 2 3 4 5
hosts.example. 3600 IN TXT "v=spf1 mx:relay.example ip6:2001:db8:25::/64 ip4:192.0.2.16/28 ~all"
relay.example. 3600 IN MX 10 a.relay.example.
relay.example. 3600 IN MX 10 b.relay.example.
relay.example. 3600 IN MX 10 c.relay.example.
relay.example. 3600 IN MX 10 d.relay.example.
a.relay.example. 3600 IN A 198.51.100.31
b.relay.example. 3600 IN A 198.51.100.32
c.relay.example. 3600 IN A 198.51.100.33
d.relay.example. 3600 IN A 198.51.100.34
terms.example. 3600 IN TXT "v=spf1 a:x.terms.example a:y.terms.example a:z.terms.example ip4:192.0.2.16/28 -all"
exists.example. 3600 IN TXT "v=spf1 exists:%{i}.x.exists.example exists:%{i}.y.exists.example exists:%{i}.z.exists.example ip6:2001:db8:25::/64 -all"
`), "test", ".")
	if err != nil {
		t.Fatal(err)
	}
	src := wire.NewOverlay(nil, []*zone.Zone{z}, nil)
	for _, c := range []struct {
		domain, ip             string
		result, hosts, lenient spf.Result
	}{
		{"hosts.example", "2001:db8:25::17", spf.ResultPass, spf.ResultPermError, ""},
		{"hosts.example", "192.0.2.17", spf.ResultPass, "", ""},
		{"terms.example", "192.0.2.17", spf.ResultPermError, "", spf.ResultPass},
		{"terms.example", "192.0.2.1", spf.ResultPermError, "", spf.ResultFail},
		{"exists.example", "2001:db8:25::17", spf.ResultPermError, "", spf.ResultPass},
	} {
		d := Look(t.Context(), src, psl.Default(), Path{
			Author: c.domain, IP: netip.MustParseAddr(c.ip), Sender: "postmaster@" + c.domain, Helo: c.domain, At: time.Now(),
		}).Decide(nil)
		if s := d.SPF; s.Result != c.result || s.Hosts != c.hosts || s.Lenient != c.lenient {
			t.Errorf("%s from %s: %s, with hosts %q, without limit %q; want %s, %q, %q",
				c.domain, c.ip, s.Result, s.Hosts, s.Lenient, c.result, c.hosts, c.lenient)
		}
		differ := strings.Contains(strings.Join(d.Differ, "\n"), "SPF: ")
		if want := c.hosts+c.lenient != ""; differ != want {
			t.Errorf("%s from %s: says that receivers differ: %v, want %v: %q", c.domain, c.ip, differ, want, d.Differ)
		}
	}
}
