package hostile

import "strings"

// What hangs on records that name servers give, or do not.
var everything = []string{""}

// faults makes a world of DNS faults.
func faults(lines ...string) func() string {
	return func() string {
		var text strings.Builder
		text.WriteString("-- dns.yaml --\nfaults:\n")
		for _, l := range lines {
			text.WriteString("- {" + l + "}\n")
		}
		return text.String()
	}
}

// tricksOfServers are name servers that are slow, lie, or break the protocol.
func tricksOfServers() []Trick {
	const own = "zone: example.com, "
	silent := func(fault string) func() string {
		return faults(own+"at: resolver, "+fault, own+"at: ns1.example.com, "+fault, own+"at: ns2.example.com, "+fault)
	}
	none := []string{"mx-none", "spf-record-missing", "dmarc-record-missing"}
	return []Trick{
		{Name: "every packet is dropped", Peer: DNS, Heavy: true, Touches: everything, Unsure: none, world: silent("fault: timeout")},
		{Name: "every answer is SERVFAIL with 64 KiB of reasons", Peer: DNS, Touches: everything, Unsure: none, world: faults(own + "fault: servfail, ede: '22 " + filler(50000) + "'")},
		{Name: "every answer is truncated, and there is no TCP", Peer: DNS, Touches: everything, Unsure: none, world: silent("fault: truncated-no-tcp")},
		{Name: "every answer is truncated, and TCP is reset", Peer: DNS, Touches: everything, Unsure: none, world: silent("fault: truncated-reset")},
		{Name: "every answer comes with a wrong one before it", Peer: DNS, Touches: nil, world: silent("fault: wrong-id")},
		{Name: "every answer comes with garbage before it", Peer: DNS, Touches: nil, world: silent("fault: garbage")},
		{Name: "every answer is garbage", Peer: DNS, Heavy: true, Touches: everything, Unsure: none, world: silent("fault: only-garbage")},
		{Name: "every answer is to another question", Peer: DNS, Touches: everything, Unsure: none, world: silent("fault: wrong-question")},
		{Name: "every answer takes 1.9 s", Peer: DNS, Touches: []string{"dns-", "spf-slow", "mx-", "spf-time"}, world: faults(own + "delay: 1900ms")},
		{Name: "every answer takes 9.5 s", Peer: DNS, Touches: everything, world: faults(own + "delay: 9500ms")},
		{Name: "the domain's name servers are silent", Peer: DNS, Touches: []string{"dns-"}, world: faults(own+"at: ns1.example.com, fault: timeout", own+"at: ns2.example.com, fault: timeout")},
		{Name: "the domain's name servers point at the root", Peer: DNS, Touches: []string{"dns-"}, world: faults(own+"at: ns1.example.com, fault: lame", own+"at: ns2.example.com, fault: lame")},
		{Name: "the domain's name servers say other things", Peer: DNS, Touches: []string{"dns-"}, world: faults(own + "type: MX, at: ns1.example.com, answer: ['@ IN MX 10 evil.example.org.']")},
		{Name: "SERVFAIL for all texts, and port 53 is shut", Peer: DNS, Touches: everything, world: func() string {
			return faults(own+"type: TXT, fault: servfail")() + "-- hosts.yaml --\nvantage: {name: probe.example.net, blocked: [53]}\n"
		}},
		{Name: "answers for names that nobody has", Peer: DNS, Touches: everything, world: faults("when: nxdomain, type: A, answer: ['@ IN A 192.0.2.99']")},
		{Name: "records of other names in every answer", Peer: DNS, Touches: nil, world: faults("name: example.com, type: MX, answer: ['@ IN MX 10 mx1.example.com.', '@ IN MX 10 mx2.example.com.', 'example.org. IN MX 1 evil.example.org.', 'other.example.com. IN MX 1 evil.example.org.']")},
		{Name: "reverse names that never come", Peer: DNS, Touches: []string{"ip-", "spf-ptr"}, world: faults("type: PTR, fault: timeout", "type: PTR, at: resolver, fault: timeout")},
		{Name: "addresses of mail hosts that never come", Peer: DNS, Touches: joined(ofHosts, []string{"dns-", "spf-"}), Unsure: []string{"mx-no-address"}, world: faults("zone: mx1.example.com, at: resolver, fault: timeout", "zone: mx2.example.com, at: resolver, fault: timeout")},
		{Name: "a block list that never answers", Peer: DNS, Touches: []string{"dnsbl-"}, world: faults("zone: zen.spamhaus.org, at: resolver, fault: timeout")},
	}
}
