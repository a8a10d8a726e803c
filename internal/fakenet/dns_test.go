package fakenet

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

const zones = `
-- zone/example.com --
@        IN MX 10 mx1
@        IN TXT "v=spf1 -all"
a.b.c    IN TXT "deep"
*.wild   IN TXT "any"
x.wild   IN A 192.0.2.9
alias    IN CNAME www.example.net.
inside   IN CNAME alias
nowhere  IN CNAME gone.example.net.
loop1    IN CNAME loop2
loop2    IN CNAME loop1
sub      IN NS ns.sub
ns.sub   IN A 192.0.2.77
d        IN DNAME example.net.
big      IN TXT "` + long + `" "` + long + `" "` + long + `" "` + long + `"
-- zone/example.net --
$TTL 60
@   IN SOA ns1 hostmaster 7 3600 600 86400 30
@   IN NS ns1
@   IN NS ns2.example.net.
www IN A 192.0.2.80
-- zone/example.net@ns2.example.net --
www IN A 192.0.2.81
-- zone/sub.example.com --
@ IN TXT "below"
-- zone/child.example.net --
@ IN TXT "child"
-- hosts.yaml --
hosts:
- name: mx1.example.com
  addrs: [192.0.2.1, "2001:db8::1"]
- {name: ns1.example.net, addrs: [192.0.2.20]}
- {name: ns2.example.net, addrs: [192.0.2.21]}
- {name: other.example.org, addrs: [192.0.2.30], ptr: [a.example.org, b.example.org]}
- {name: quiet.example.org, addrs: [192.0.2.31], ptr: none}
`

const long = "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789" +
	"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"

func TestResolver(t *testing.T) {
	n := start(t, zones)
	for _, x := range []struct {
		name, qtype string
		rcode       int
		want        string // data of the answer
	}{
		{"example.com", "MX", 0, "10 mx1.example.com."},
		{"EXAMPLE.com", "TXT", 0, `"v=spf1 -all"`},
		{"mx1.example.com", "A", 0, "192.0.2.1"},
		{"mx1.example.com", "AAAA", 0, "2001:db8::1"},
		{"mx1.example.com", "TXT", 0, ""},
		{"b.c.example.com", "TXT", 0, ""}, // empty non-terminal
		{"z.c.example.com", "TXT", 3, ""},
		{"y.wild.example.com", "TXT", 0, `"any"`},
		{"y.y.wild.example.com", "TXT", 0, `"any"`},
		{"x.wild.example.com", "TXT", 0, ""},
		{"z.x.wild.example.com", "TXT", 3, ""}, // x.wild is the closest encloser and has no wildcard
		{"wild.example.com", "TXT", 0, ""},
		{"alias.example.com", "A", 0, "www.example.net.\n192.0.2.80"},
		{"inside.example.com", "A", 0, "alias.example.com.\nwww.example.net.\n192.0.2.80"},
		{"alias.example.com", "CNAME", 0, "www.example.net."},
		{"nowhere.example.com", "A", 3, "gone.example.net."},
		{"www.d.example.com", "A", 0, "example.net.\nwww.example.net.\n192.0.2.80"},
		{"sub.example.com", "TXT", 0, `"below"`},
		{"sub.example.com", "NS", 0, "ns.sub.example.com."}, // as the parent says
		{"ns.sub.example.com", "A", 0, "192.0.2.77"},
		{"child.example.net", "TXT", 0, `"child"`},
		{"example.com", "NS", 0, "ns1.dns.test.\nns2.dns.test."},
		{"com", "NS", 0, "a.registry.test."},
		{"nothing.here", "A", 3, ""},
		{"1.2.0.192.in-addr.arpa", "PTR", 0, "mx1.example.com."},
		{"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "PTR", 0, "mx1.example.com."},
		{"30.2.0.192.in-addr.arpa", "PTR", 0, "a.example.org.\nb.example.org."},
		{"31.2.0.192.in-addr.arpa", "PTR", 3, ""},
		{"other.example.org", "A", 0, "192.0.2.30"},
	} {
		m := resolve(t, n, x.name, x.qtype)
		if m.Rcode != x.rcode || data(m.Answer) != x.want {
			t.Errorf("%s %s: %s %q, want %s %q", x.qtype, x.name, dns.RcodeToString[m.Rcode], data(m.Answer), dns.RcodeToString[x.rcode], x.want)
		}
		if !m.RecursionAvailable || m.Authoritative || m.Id == 0 && m.Truncated {
			t.Errorf("%s %s: flags %+v", x.qtype, x.name, m.MsgHdr)
		}
		if len(m.Answer) == 0 && (len(m.Ns) != 1 || m.Ns[0].Header().Rrtype != dns.TypeSOA) {
			t.Errorf("%s %s: authority %v, want an SOA", x.qtype, x.name, m.Ns)
		}
	}
	if m := resolve(t, n, "loop1.example.com", "A"); m.Rcode != 0 && m.Rcode != dns.RcodeServerFailure {
		t.Errorf("loop: %v", m)
	}
	if m := resolve(t, n, "gone.example.net", "A"); m.Ns[0].Header().Ttl != 30 {
		t.Errorf("negative TTL %d, want the SOA's minimum", m.Ns[0].Header().Ttl)
	}
}

func TestPublished(t *testing.T) {
	n := start(t, `
-- zone/example.com --
one   IN TXT "other records do not matter"
two   IN A 192.0.2.222
-- hosts.yaml --
hosts:
- {name: one.example.com, addrs: [192.0.2.1, "2001:db8::1"]}
- {name: two.example.com, addrs: [192.0.2.2, "2001:db8::2"]}
- {name: three.example.com, addrs: [192.0.2.3], unpublished: true}
`)
	for _, x := range [][3]string{
		{"one", "A", "192.0.2.1"},
		{"one", "AAAA", "2001:db8::1"},
		{"two", "A", "192.0.2.222"},
		{"two", "AAAA", ""},
		{"three", "A", ""},
	} {
		if got := data(resolve(t, n, x[0]+".example.com", x[1]).Answer); got != x[2] {
			t.Errorf("%s %s: %q, want %q", x[0], x[1], got, x[2])
		}
	}
}

func TestAuthority(t *testing.T) {
	n := start(t, zones)
	for _, x := range []struct {
		server, name, qtype string
		rcode               int
		aa                  bool
		answer, ns, extra   string
	}{
		{"192.0.2.20", "www.example.net", "A", 0, true, "192.0.2.80", "", ""},
		{"192.0.2.21", "www.example.net", "A", 0, true, "192.0.2.81", "", ""}, // its own data
		{"192.0.2.21", "example.net", "NS", 0, true, "ns1.example.net.\nns2.example.net.", "", ""},
		{"192.0.2.20", "example.com", "MX", dns.RcodeRefused, false, "", "", ""},
		{"203.0.113.251", "example.com", "MX", 0, true, "10 mx1.example.com.", "", ""},
		{"203.0.113.251", "alias.example.com", "A", 0, true, "www.example.net.", "", ""}, // not its zone
		{"203.0.113.251", "sub.example.com", "TXT", 0, false, "", "ns.sub.example.com.", "192.0.2.77"},
		{"192.0.2.77", "sub.example.com", "TXT", 0, true, `"below"`, "", ""},
		{"203.0.113.253", "example.com", "MX", 0, false, "", "ns1.dns.test.\nns2.dns.test.", ""},
		{"203.0.113.253", "www.example.net", "A", 0, false, "", "ns1.example.net.\nns2.example.net.", "192.0.2.20\n192.0.2.21"},
		{"203.0.113.253", "example.net", "DS", 0, true, "", "SOA", ""},
		{"192.0.2.20", "child.example.net", "TXT", 0, false, "", "ns1.dns.test.\nns2.dns.test.", ""},
	} {
		m, err := ask(t, n, "udp", x.server+":53", x.name, x.qtype)
		if err != nil {
			t.Errorf("%+v: %v", x, err)
			continue
		}
		ns := data(m.Ns)
		if len(m.Ns) > 0 && m.Ns[0].Header().Rrtype == dns.TypeSOA {
			ns = "SOA"
		}
		if m.Rcode != x.rcode || m.Authoritative != x.aa || data(m.Answer) != x.answer || ns != x.ns || data(m.Extra) != x.extra || m.RecursionAvailable {
			t.Errorf("%+v: got\n%v", x, m)
		}
	}
}

func TestSizes(t *testing.T) {
	n := start(t, zones)
	edns := func(size uint16) func(*dns.Msg) { return func(q *dns.Msg) { q.SetEdns0(size, false) } }
	small := resolve(t, n, "big.example.com", "TXT")
	if !small.Truncated || small.Len() > 512 || small.IsEdns0() != nil {
		t.Errorf("without EDNS: TC %v, %d bytes, OPT %v", small.Truncated, small.Len(), small.IsEdns0())
	}
	large := resolve(t, n, "big.example.com", "TXT", edns(1232))
	if large.Truncated || len(large.Answer) != 1 || large.IsEdns0() == nil {
		t.Errorf("with EDNS: %v", large)
	}
	m, err := ask(t, n, "tcp", n.Resolver(), "big.example.com", "TXT")
	if err != nil || m.Truncated || len(m.Answer) != 1 {
		t.Errorf("over TCP: %v %v", m, err)
	}
	if got := n.QueryCount(); got != 3 {
		t.Errorf("%d queries, want 3", got)
	}
}

func TestParseErrors(t *testing.T) {
	for _, x := range []struct{ text, want string }{
		{"a\n-- hosts.yaml --\nhosts:\n- name: a.test\n  adrs: [1]\n", "line 5"},
		{"-- hosts.yaml --\nhosts:\n- name: a.test\n  addrs: [1.2.3]\n", `"1.2.3" is no address`},
		{"-- hosts.yaml --\nhosts:\n- name: a.test\n  addrs: [192.0.2.1]\n- name: b.test\n  addrs: [192.0.2.1]\n", "address of both a.test and b.test"},
		{"-- hosts.yaml --\nhosts:\n- name: a.test\n  latency: 5\n", "line 4"},
		{"-- hosts.yaml --\nhosts:\n- name: a.test\n  smtp: {starttls: maybe}\n", `unknown starttls "maybe"`},
		{"-- hosts.yaml --\nhosts:\n- name: a.test\n  https: {pages: {/x: {bodi: y}}}\n", "field bodi not found"},
		{"-- zone/example.com --\n@ IN A 1.2.3\n", "line: 2"},
		{"-- zone/example.com --\nwww.example.org. IN A 192.0.2.1\n", "not in this zone"},
		{"-- zones/example.com --\n", `unknown section "zones/example.com"`},
		{"-- now --\nyesterday\n", "line 2: now"},
		{"-- dns.yaml --\nfaults:\n- {fault: nope}\n", `unknown fault "nope"`},
		{"-- want --\n-- want --\n", "stands twice"},
	} {
		_, err := Parse([]byte(x.text))
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%q: %v, want %q", x.text, err, x.want)
		}
	}
}
