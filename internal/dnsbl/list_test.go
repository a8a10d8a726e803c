package dnsbl

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"mxvet/internal/wire"
)

func TestTable(t *testing.T) {
	table := Default()
	id := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	live, ids, zones := 0, map[string]bool{}, map[string]bool{}
	for _, l := range table.Lists {
		if !id.MatchString(l.ID) || ids[l.ID] || zones[l.Zone] {
			t.Errorf("%s %s: bad id, or it stands twice", l.ID, l.Zone)
		}
		ids[l.ID], zones[l.Zone] = true, true
		if _, err := time.Parse("2006-01", l.Verified); err != nil || l.Source == "" {
			t.Errorf("%s: verified %q, source %q", l.ID, l.Verified, l.Source)
		}
		if !strings.HasPrefix(l.Delist, "https://") || len(l.Codes) == 0 {
			t.Errorf("%s: delist %q, %d codes", l.ID, l.Delist, len(l.Codes))
		}
		if d := table.DeadZone(l.Zone); d != nil {
			t.Errorf("%s is among the dead too", l.ID)
		}
		if l.Status == StatusLive {
			live++
			if l.NeedsKey {
				t.Errorf("%s: a default list that answers only with a key", l.ID)
			}
		}
	}
	if live < 8 || live > 12 {
		t.Errorf("%d lists asked by default", live)
	}
	for _, d := range table.Dead {
		if d.Name == "" || d.Why == "" || len(d.Zones) == 0 {
			t.Errorf("dead %q: %v, %q", d.Name, d.Zones, d.Why)
		}
		for _, z := range d.Zones {
			if !ValidZone(z) {
				t.Errorf("dead %s: zone %q", d.Name, z)
			}
		}
	}
}

func TestParseIsStrict(t *testing.T) {
	row := "lists:\n- {id: x, name: X, zone: x.example, kind: ip, ipv4: true, status: live"
	if _, err := parse([]byte(row + "}\n")); err != nil {
		t.Fatal(err)
	}
	for _, more := range []string{
		", colour: red", ", kind: url", ", zone: nodot", ", ipv6: true, ipv4: false, kind: domain", ", role: maybe",
		", codes: [{code: 127.0.0, means: m, weight: low}]", ", codes: [{code: 127.0.0.2, means: m, weight: heavy}]",
		", codes: [{code: 127.0.0.2, bit: 2, means: m, weight: low}]", ", codes: [{code: 127.0.0.9-2, means: m, weight: low}]",
		", positive: [test]", ", status: dead", ", keyed: zen.KEY.example",
	} {
		if _, err := parse([]byte(row + more + "}\n")); err == nil {
			t.Errorf("accepted: %s", more)
		}
	}
}

func TestAddressName(t *testing.T) {
	for ip, want := range map[string]string{
		"192.0.2.1":     "1.2.0.192.bl.example",
		"127.0.0.2":     "2.0.0.127.bl.example",
		"2001:db8::1":   "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example",
		"::ffff:7f00:2": "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.example",
	} {
		if got := AddressName(netip.MustParseAddr(ip), "bl.example"); got != want {
			t.Errorf("%s: %s, want %s", ip, got, want)
		}
	}
}

// Every answer that other tools are known to have misread.
func TestRead(t *testing.T) {
	answer := func(addrs ...string) wire.Answer {
		a := wire.Answer{Rcode: "NOERROR"}
		for _, s := range addrs {
			rrtype := "A"
			if strings.Contains(s, ":") {
				rrtype = "AAAA"
			}
			a.Answer = append(a.Answer, "x.bl.example.\t300\tIN\t"+rrtype+"\t"+s)
		}
		return a
	}
	custom := Default().Select([]string{"bl.example.net"}, nil, nil).Lists[0]
	for _, c := range []struct {
		list   string
		answer wire.Answer
		state  State
		hits   string
		weight Weight
	}{
		{"spamhaus-zen", wire.Answer{Rcode: "NXDOMAIN"}, Clean, "", Never},
		{"spamhaus-zen", wire.Answer{Rcode: "NOERROR"}, Clean, "", Never},
		{"spamhaus-zen", answer("127.0.0.2"), Listed, "SBL (127.0.0.2)", Critical},
		{"spamhaus-zen", answer("127.0.0.3"), Listed, "CSS (127.0.0.3)", High},
		{"spamhaus-zen", answer("127.0.0.4", "127.0.0.10"), Listed, "XBL (127.0.0.4) PBL (127.0.0.10)", High},
		{"spamhaus-zen", answer("127.0.0.99"), Listed, "127.0.0.99", Low},
		{"spamhaus-zen", answer("127.255.255.252"), Refused, "", Never},
		{"spamhaus-zen", answer("127.255.255.254"), Refused, "", Never},
		{"spamhaus-zen", answer("127.255.255.255"), Refused, "", Never},
		{"spamhaus-zen", answer("127.255.255.250"), Refused, "", Never},
		{"spamhaus-zen", answer("127.0.0.1"), Refused, "", Never},
		{"spamhaus-zen", answer("127.0.0.2", "127.255.255.254"), Refused, "", Never},
		{"spamhaus-zen", answer("203.0.113.9"), Broken, "", Never},
		{"spamhaus-zen", answer("2001:db8::9"), Broken, "", Never},
		{"spamhaus-dbl", answer("127.0.1.2"), Listed, "low reputation (127.0.1.2)", High},
		{"spamhaus-dbl", answer("127.0.1.255"), Refused, "", Never},
		{"surbl", answer("127.0.0.80"), Listed, "MW (127.0.0.80) ABUSE (127.0.0.80)", High},
		{"surbl", answer("127.0.0.1"), Refused, "", Never},
		{"uribl", answer("127.0.0.1"), Refused, "", Never},
		{"uribl", answer("127.0.0.2"), Listed, "black (127.0.0.2)", Medium},
		{"uribl", answer("127.0.0.12"), Listed, "grey (127.0.0.12) red (127.0.0.12)", Info},
		{"dnswl", answer("127.0.5.2"), Listed, "trust medium (127.0.5.2)", Info},
		{"dnswl", answer("127.0.10.0"), Clean, "127.0.10.0", Never},
		{"dnswl", answer("127.0.10.3"), Refused, "", Never},
		{"dnswl", answer("127.0.0.255"), Refused, "", Never},
		{"hostkarma", answer("127.0.0.1"), Clean, "white (127.0.0.1)", Never},
		{"mailspike-rep", answer("127.0.0.14"), Clean, "127.0.0.14", Never},
		{"", answer("127.0.0.2"), Listed, "127.0.0.2", Low},
		{"", answer("127.0.0.1"), Refused, "", Never},
		{"spamhaus-zen", wire.Answer{Fail: &wire.Fail{Kind: wire.FailClosed, Text: "connection refused"}}, NoAnswer, "", Never},
		{"spamhaus-zen", wire.Answer{Rcode: "REFUSED", Fail: &wire.Fail{Kind: wire.FailRefused}}, Refused, "", Never},
		{"spamhaus-zen", wire.Answer{Rcode: "SERVFAIL", Fail: &wire.Fail{Kind: wire.FailServfail}}, NoAnswer, "", Never},
		{"spamhaus-zen", wire.Answer{Fail: &wire.Fail{Kind: wire.FailTimeout}}, NoAnswer, "", Never},
		{"spamhaus-zen", wire.Answer{Rcode: "NOERROR", TCPFailed: true}, NoAnswer, "", Never},
	} {
		l := custom
		if c.list != "" {
			l = Default().ByID(c.list)
		}
		r := l.Read(c.answer)
		var hits []string
		for _, h := range r.Hits {
			hits = append(hits, h.String())
		}
		weight := r.Weight(func(Hit) bool { return true })
		if r.State != c.state || strings.Join(hits, " ") != c.hits && r.State != Refused && r.State != Broken || weight != c.weight && c.hits != "" {
			t.Errorf("%s %v: %s %v %s, want %s %s %s", c.list, c.answer.Answer, r.State, hits, weight, c.state, c.hits, c.weight)
		}
		if (r.Why == "") != (c.state == Clean || c.state == Listed) {
			t.Errorf("%s %v: %s because %q", c.list, c.answer.Answer, r.State, r.Why)
		}
	}
}

func TestSelect(t *testing.T) {
	table := Default()
	names := func(lists []*List) string {
		var out []string
		for _, l := range lists {
			out = append(out, l.ID)
		}
		return strings.Join(out, " ")
	}
	def := names(table.Select(nil, nil, nil).Lists)
	for _, c := range []struct {
		only, add, remove []string
		lists, named      string
		dead, unknown     int
	}{
		{nil, nil, nil, def, "", 0, 0},
		{[]string{"default"}, nil, nil, def, "", 0, 0},
		{nil, []string{"barracuda"}, nil, def + " barracuda", "barracuda", 0, 0},
		{nil, []string{"BL.spamcop.net."}, nil, def, "spamcop", 0, 0},
		{[]string{"none"}, nil, nil, "", "", 0, 0},
		{[]string{"none"}, []string{"spamcop", "bl.example.net", "domain:dbl.example.net"}, []string{"bl.example.net"}, "spamcop dbl.example.net", "spamcop dbl.example.net", 0, 0},
		{nil, []string{"barracuda"}, []string{"default"}, "barracuda", "barracuda", 0, 0},
		{[]string{"dnsbl.sorbs.net", "ix.dnsbl.manitu.net", "nothing", "bl.example/x"}, nil, nil, "", "", 2, 2},
	} {
		s := table.Select(c.only, c.add, c.remove)
		if names(s.Lists) != c.lists || names(s.Named) != c.named || len(s.Dead) != c.dead || len(s.Unknown) != c.unknown {
			t.Errorf("%v %v %v: %s, named %s, %d dead, unknown %v", c.only, c.add, c.remove, names(s.Lists), names(s.Named), len(s.Dead), s.Unknown)
		}
	}
	// A key changes the zone and nothing else.
	s := table.Select(nil, []string{"abc123.zen.dq.spamhaus.net"}, nil)
	zen := s.Lists[slices.IndexFunc(s.Lists, func(l *List) bool { return l.ID == "spamhaus-zen" })]
	if zen.Zone != "abc123.zen.dq.spamhaus.net" || names(s.Lists) != def || len(zen.Codes) == 0 {
		t.Errorf("with a key: %s %s", zen.Zone, names(s.Lists))
	}
	if Default().ByID("spamhaus-zen").Zone != "zen.spamhaus.org" {
		t.Error("the table was changed")
	}
}

func FuzzRead(f *testing.F) {
	f.Add("x.\t1\tIN\tA\t127.0.0.2", "multi.example.net")
	f.Add("x.\t1\tIN\tA\t127.255.255.254", "zen.spamhaus.org")
	f.Add("x.\t1\tIN\tAAAA\t::1", "surbl")
	f.Fuzz(func(t *testing.T, rr, name string) {
		for _, l := range slices.Concat(Default().Lists, Default().Select([]string{name}, nil, nil).Lists) {
			r := l.Read(wire.Answer{Rcode: "NOERROR", Answer: []string{rr}})
			for _, h := range r.Hits {
				if h.Answer.As4()[0] != 127 {
					t.Fatalf("%s: %s counts as listed", l.ID, h.Answer)
				}
			}
			if r.State == Listed && len(r.Hits) == 0 || (r.Why == "") != (r.State == Clean || r.State == Listed) {
				t.Fatalf("%s: %+v", l.ID, r)
			}
		}
	})
}
