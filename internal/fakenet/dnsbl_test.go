package fakenet

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestBlockLists(t *testing.T) {
	w, err := Parse([]byte(`
-- base --
listed
-- options --
domain: example.com
-- hosts.yaml --
dnsbl:
- {zone: zen.spamhaus.org, listed: {192.0.2.9: [127.0.0.3, "see \"there\""], "2001:db8::9": 127.0.0.2}}
- {zone: names.example.net, names: true, listed: {example.com: 127.0.1.2}, test: [127.0.1.9]}
- {zone: everybody.example.net, everything: [127.0.0.2, gone]}
- {zone: psbl.surriel.com, absent: true}
- {zone: own.example.net, everything: 127.0.0.2}
-- zone/own.example.net --
2.0.0.127 IN A 127.0.0.7
`))
	if err != nil {
		t.Fatal(err)
	}
	inBubbleOf(t, w, func(t *testing.T, n *Net) {
		six := func(last string) string { return last + strings.Repeat(".0", 23) + ".8.b.d.0.1.0.0.2" }
		for _, x := range []struct{ name, qtype, want string }{
			{"2.0.0.127.zen.spamhaus.org", "A", "127.0.0.2 127.0.0.4 127.0.0.10"},
			{"1.0.0.127.zen.spamhaus.org", "A", "NXDOMAIN"},
			{"9.2.0.192.zen.spamhaus.org", "A", "127.0.0.3"},
			{"9.2.0.192.zen.spamhaus.org", "TXT", `"see \"there\""`},
			{six("9") + ".zen.spamhaus.org", "A", "127.0.0.2"},
			{"2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.zen.spamhaus.org", "A", "127.0.0.2 127.0.0.4 127.0.0.10"},
			{"2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.spamcop.net", "A", "NXDOMAIN"},
			{"test.dbl.spamhaus.org", "A", "127.0.1.2"},
			{"example.com.names.example.net", "A", "127.0.1.2"},
			{"test.names.example.net", "A", "127.0.1.9"},
			{"1.0.0.127.everybody.example.net", "A", "127.0.0.2"},
			{"1.0.0.127.everybody.example.net", "TXT", `"gone"`},
			{"2.0.0.127.psbl.surriel.com", "A", "NXDOMAIN"},
			{"2.0.0.127.own.example.net", "A", "127.0.0.7"}, // the author's zone wins
			{"1.0.0.127.own.example.net", "A", "NXDOMAIN"},
		} {
			m := resolve(t, n, x.name, x.qtype)
			got := strings.ReplaceAll(data(m.Answer), "\n", " ")
			if m.Rcode != dns.RcodeSuccess {
				got = dns.RcodeToString[m.Rcode]
			}
			if got != x.want {
				t.Errorf("%s %s: %s, want %s", x.name, x.qtype, got, x.want)
			}
		}
	})
}

func TestBlockListErrors(t *testing.T) {
	for _, dnsbl := range []string{
		"[{zone: nodot}]", "[{zone: a.example}, {zone: A.example}]", "[{zone: a.example, colour: red}]",
		"[{zone: a.example, listed: {example.com: 127.0.0.2}}]", "[{zone: a.example, names: true, listed: {192.0.2.1: 127.0.0.2}}]",
		"[{zone: a.example, listed: {192.0.2.1: spam}}]", "[{zone: a.example, everything: gone}]",
	} {
		if _, err := Parse([]byte("-- zone/example.com --\n@ IN A 192.0.2.1\n-- hosts.yaml --\ndnsbl: " + dnsbl + "\n")); err == nil {
			t.Errorf("accepted: %s", dnsbl)
		}
	}
}
