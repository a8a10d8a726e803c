package hostile

import (
	"fmt"
	"strings"
)

// What is seen in conversations.
var ofTalk = []string{"smtp-", "tls-", "cert-", "relay-", "mx-unreachable", "mx-unequal", "mx-reach", "mtasts-", "mx-answers", "mx-refus", "spf-helo", "ip-"}

// second makes a world in which the second mail host does that.
func second(smtp string) func() string {
	return func() string { return "-- hosts.yaml --\nhosts:\n- {name: mx2.example.com, smtp: {" + smtp + "}}\n" }
}

// tricksOfMail are mail servers that hurt. Only the second of the two hosts is bad,
// unless the name says otherwise.
func tricksOfMail() []Trick {
	var out []Trick
	for _, kind := range []string{"long-line", "many-lines", "endless-line", "endless", "binary", "nul", "escape", "bare-lf", "bare-cr", "no-code", "mixed-codes", "unfinished", "html"} {
		out = append(out, Trick{
			Name: "greeting: " + kind, Peer: SMTP, Heavy: strings.HasPrefix(kind, "endless"), Touches: ofTalk,
			world: second("hostile: {kind: " + kind + "}"),
		})
	}
	for _, at := range []string{"ehlo", "starttls", "ehlo-tls", "mail", "rcpt"} {
		out = append(out, Trick{Name: "never ends its reply to " + at, Peer: SMTP, Touches: ofTalk, world: second("hostile: {at: " + at + ", kind: endless}")})
	}
	for _, at := range []string{"banner", "ehlo", "starttls", "tls", "ehlo-tls", "mail", "rcpt"} {
		out = append(out, Trick{Name: "falls silent at " + at, Peer: SMTP, Touches: ofTalk, world: second("silent-at: " + at)})
	}
	host := func(rest string) func() string {
		return func() string { return "-- hosts.yaml --\nhosts:\n- {name: mx2.example.com, " + rest + "}\n" }
	}
	return append(out,
		Trick{Name: "greets after 29 s", Peer: SMTP, Touches: ofTalk, world: second("greet-delay: 29s")},
		Trick{Name: "takes 14 s for each reply", Peer: SMTP, Touches: ofTalk, world: second("tarpit: 14s")},
		Trick{Name: "offers a hundred keywords of 4 KiB", Peer: SMTP, Touches: ofTalk, world: second("keywords: [" + strings.TrimSuffix(strings.ReplaceAll(repeated(100, "K%d "+filler(2000)+","), "\n", ""), ",") + "]")},
		Trick{Name: "pauses in TLS", Peer: SMTP, Touches: ofTalk, world: second("starttls: hang")},
		Trick{Name: "garbage for TLS", Peer: SMTP, Touches: ofTalk, world: second("tls: {fault: garbage}")},
		Trick{Name: "a certificate of a thousand names", Peer: SMTP, Touches: ofTalk, world: second("tls: {names: [mx2.example.com, " + strings.TrimSuffix(strings.ReplaceAll(repeated(1000, "n%d.example.org,"), "\n", " "), ", ") + "]}")},
		Trick{Name: "accepts and says nothing", Peer: SMTP, Touches: ofTalk, world: host("fault: mute, smtp: {}")},
		Trick{Name: "accepts nothing and refuses nothing", Peer: SMTP, Touches: ofTalk, world: host("fault: silent, smtp: {}")},
		Trick{Name: "takes every recipient", Peer: SMTP, Touches: ofTalk, world: second("rcpt: {policy: all}")},
		Trick{Name: "answers every command with 421 of 4 KiB", Peer: SMTP, Touches: ofTalk, world: second("replies: {ehlo: '421 " + filler(4000) + "'}")},
		Trick{Name: "ten mail hosts of sixteen addresses, all mute", Peer: SMTP, Heavy: true, Touches: joined(ofHosts, ofTalk), world: manyMute("fault: mute")},
		Trick{Name: "ten mail hosts of sixteen addresses, endless", Peer: SMTP, Heavy: true, Touches: joined(ofHosts, ofTalk), world: manyMute("")},
	)
}

// manyMute makes ten mail hosts of sixteen addresses.
func manyMute(fault string) func() string {
	return func() string {
		var zone, hosts strings.Builder
		for i := range 10 {
			fmt.Fprintf(&zone, "@ IN MX 20 h%d\n", i)
			var addrs []string
			for k := range 8 {
				addrs = append(addrs, fmt.Sprintf("198.18.%d.%d", i, k+1), fmt.Sprintf("'2001:db8:bad:%d::%d'", i, k+1))
			}
			service := "smtp: {hostile: {at: ehlo, kind: endless}}"
			if fault != "" {
				service = fault + ", smtp: {}"
			}
			fmt.Fprintf(&hosts, "- {name: h%d.example.com, addrs: [%s], %s}\n", i, strings.Join(addrs, ", "), service)
		}
		return "-- patch --\n- @ MX\n" + zone.String() + "-- hosts.yaml --\nhosts:\n" + hosts.String()
	}
}
