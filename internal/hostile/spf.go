package hostile

import (
	"fmt"
	"strings"
)

var ofSPF = []string{"spf-", "dns-txt-", "dmarc-without-dkim", "dmarc-unauthenticated", "ip-", "dnsbl-", "dns-dangling"}

// ownSPF changes the model's record, and adds lines.
func ownSPF(record string, more ...string) func() string {
	return patch(joined([]string{"- @ TXT", "@ IN TXT " + quoted(record)}, more)...)
}

// tricksOfSPF are records that cost their reader much.
func tricksOfSPF() []Trick {
	return []Trick{
		{
			Name: "ten SPF includes wide and ten deep", Peer: DNS, Heavy: true, Touches: ofSPF, Fails: []string{"spf-lookup-limit"},
			world: ownSPF("v=spf1 "+includes(10, "d0")+"-all", tree(10, 10)),
		},
		{
			Name: "ten SPF includes of 64 KiB", Peer: DNS, Heavy: true, Touches: ofSPF, Unsure: []string{"spf-lookup-limit"},
			world: func() string {
				var b strings.Builder
				for i := range 10 {
					fmt.Fprintf(&b, "w%d.d0 IN TXT %s\n", i, quoted("v=spf1 "+networks(i, 3000)+includes(3, "d1")+"-all"))
				}
				return ownSPF("v=spf1 "+includes(10, "d0")+"-all", b.String(), "*.d1 IN TXT \"v=spf1 -all\"")()
			},
		},
		{
			Name: "SPF records that include each other, all of them", Peer: DNS, Heavy: true, Touches: ofSPF, Fails: []string{"spf-loop"},
			world: func() string {
				var b strings.Builder
				for i := range 45 {
					fmt.Fprintf(&b, "w%d.d0 IN TXT %s\n", i, quoted("v=spf1 "+includes(45, "d0")+"-all"))
				}
				return ownSPF("v=spf1 "+includes(45, "d0")+"-all", b.String())()
			},
		},
		{
			Name: "an SPF record of 64 KiB", Peer: DNS, Heavy: true, Touches: ofSPF,
			world: ownSPF("v=spf1 " + networks(0, 3400) + "-all"),
		},
		{
			Name: "an SPF record of nested networks", Peer: DNS, Heavy: true, Touches: ofSPF,
			world: func() string {
				var b strings.Builder
				for i := range 3000 {
					fmt.Fprintf(&b, "%cip4:198.%d.%d.0/%d ", "+-~?"[i%4], i%64, i%250, 8+i%24)
				}
				return ownSPF("v=spf1 " + b.String() + "-all")()
			},
		},
		{
			Name: "nine hundred SPF records", Peer: DNS, Touches: ofSPF, Fails: []string{"spf-record-multiple"},
			world: patch(repeated(900, "@ IN TXT \"v=spf1 ip4:192.0.2.%d -all\"")),
		},
		{
			Name: "an SPF redirect chain of a hundred", Peer: DNS, Touches: ofSPF, Fails: []string{"spf-lookup-limit"},
			world: func() string {
				var b strings.Builder
				for i := range 100 {
					fmt.Fprintf(&b, "r%d IN TXT \"v=spf1 redirect=r%d.example.com\"\n", i, i+1)
				}
				return ownSPF("v=spf1 redirect=r0.example.com", b.String())()
			},
		},
		{
			Name: "an SPF loop", Peer: DNS, Touches: ofSPF, Fails: []string{"spf-loop"},
			world: ownSPF("v=spf1 include:a.example.com -all", "a IN TXT \"v=spf1 include:example.com -all\""),
		},
		{
			Name: "an SPF macro that leads on for ever", Peer: DNS, Touches: ofSPF,
			world: ownSPF("v=spf1 ip4:192.0.2.16/28 include:%{i}.m.example.com -all", "*.m IN TXT \"v=spf1 include:%{i}.%{d} -all\""),
		},
		{
			Name: "ten mx terms of ten hosts of 900 addresses", Peer: DNS, Heavy: true, Touches: ofSPF,
			world: ownSPF("v=spf1 "+repeatedOn(10, "mx:m%d.wide.example.com ")+"-all", repeated(10, "*.wide IN MX 10 h%d.big"), addresses("*.big", 900)),
		},
		{
			Name: "two thousand a terms", Peer: DNS, Heavy: true, Touches: ofSPF, Fails: []string{"spf-lookup-limit"},
			world: ownSPF("v=spf1 "+repeatedOn(1900, "a:h%d.big.example.com ")+"-all", addresses("*.big", 900)),
		},
		{
			Name: "mx terms of a thousand hosts", Peer: DNS, Touches: ofSPF,
			world: ownSPF("v=spf1 mx:crowd.example.com -all", repeated(1000, "crowd IN MX 10 h%d.big"), addresses("*.big", 50)),
		},
		{
			Name: "an SPF explanation of 64 KiB", Peer: DNS, Touches: ofSPF,
			world: ownSPF("v=spf1 ip4:192.0.2.16/28 ip6:2001:db8:25::/64 exp=why.example.com -all", "why IN TXT "+quoted(strings.Repeat("%{s} %{i} ", whole/10))),
		},
		{
			Name: "an SPF record of 64 KiB of macros", Peer: DNS, Touches: ofSPF,
			world: ownSPF("v=spf1 ip4:192.0.2.16/28 ip6:2001:db8:25::/64 exists:" + strings.Repeat("%{ir}.%{l1r-}.", 4000) + "example.com -all"),
		},
		{
			Name: "an include that answers after 9 s, ten times", Peer: DNS, Touches: ofSPF,
			world: func() string {
				return ownSPF("v=spf1 ip4:192.0.2.16/28 ip6:2001:db8:25::/64 include:s0.slow.example.com -all", repeatedNext(10, "s%d.slow IN TXT \"v=spf1 include:s%d.slow.example.com -all\""))() +
					"-- dns.yaml --\nfaults:\n- {zone: slow.example.com, delay: 9s}\n"
			},
		},
		{
			Name: "single addresses as senders, two thousand", Peer: DNS, Heavy: true, Touches: ofSPF,
			world: func() string {
				var b strings.Builder
				for i := range 2000 {
					fmt.Fprintf(&b, "ip4:198.18.%d.%d ", i/256, i%256)
				}
				return ownSPF("v=spf1 " + b.String() + "-all")()
			},
		},
	}
}

// includes gives n include terms of hosts below a name.
func includes(n int, below string) string { return repeatedOn(n, "include:w%d."+below+".example.com ") }

// tree gives wildcard records, deep levels of them, each of which includes wide
// names of the next.
func tree(wide, deep int) string {
	var b strings.Builder
	for level := range deep {
		record := "v=spf1 -all"
		if level+1 < deep {
			record = "v=spf1 " + includes(wide, fmt.Sprintf("d%d", level+1)) + "-all"
		}
		fmt.Fprintf(&b, "*.d%d IN TXT %s\n", level, quoted(record))
	}
	return b.String()
}

// networks gives n ip4 terms of single addresses and small networks.
func networks(from, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "ip4:10%d.%d.%d.0/24 ", from, i/250, i%250)
	}
	return b.String()
}

func repeatedOn(n int, format string) string {
	return strings.ReplaceAll(repeated(n, format), "\n", "")
}

func repeatedNext(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format+"\n", i, i+1)
	}
	return b.String()
}
