package hostile

import "strings"

// tricksOfRecords are records that lie, lead nowhere, or hold what no record
// should.
func tricksOfRecords() []Trick {
	const escape = `\027[2J\027]0;owned\007\155 \226\128\174gnp`
	const markup = `<script>alert\(1\)</script><img src=x onerror=alert\(2\)>`
	dmarc := func(record string) func() string { return patch("- _dmarc TXT", "_dmarc IN TXT "+record) }
	return []Trick{
		{Name: "aliases in a circle for DMARC", Peer: DNS, Touches: []string{"dmarc-", "bimi-", "dns-", "spf-end"}, Fails: []string{"dmarc-record-missing"}, world: patch("- _dmarc TXT", "_dmarc IN CNAME x", "x IN CNAME _dmarc")},
		{Name: "an alias chain of fourteen for DMARC", Peer: DNS, Touches: []string{"dmarc-", "bimi-", "dns-txt-", "spf-end"}, world: patch("- _dmarc TXT", "_dmarc IN CNAME c0", repeatedNext(14, "c%d IN CNAME c%d"), "c14 IN TXT \"v=DMARC1; p=reject; rua=mailto:dmarc@example.com\"")},
		{Name: "a DNAME that leads into itself", Peer: DNS, Touches: []string{"dmarc-", "bimi-", "dns-", "spf-", "mx-"}, world: patch("deep IN DNAME more.deep", "- _dmarc TXT", "_dmarc IN CNAME a.deep")},
		{Name: "a DMARC record of 64 KiB", Peer: DNS, Touches: []string{"dmarc-", "bimi-", "dns-txt-", "spf-end"}, world: dmarc(quoted("v=DMARC1; p=reject; " + strings.Repeat("x=y; ", whole/5)))},
		{Name: "terminal escapes in DMARC", Peer: DNS, Touches: []string{"dmarc-", "bimi-", "dns-txt-", "spf-end"}, Fails: []string{"dmarc-policy-invalid"}, world: dmarc(`"v=DMARC1; p=` + escape + `reject; rua=mailto:dmarc@example.com"`)},
		{Name: "markup in DMARC", Peer: DNS, Touches: []string{"dmarc-", "bimi-", "dns-txt-", "spf-end"}, world: dmarc(`"v=DMARC1; p=reject; rua=mailto:` + markup + `@example.com"`)},
		{Name: "NUL and other bytes in SPF", Peer: DNS, Touches: ofSPF, Fails: []string{"spf-syntax"}, world: patch("- @ TXT", `@ IN TXT "v=spf1 \000\255`+escape+markup+` -all"`)},
		{Name: "a command as mail host", Peer: DNS, Touches: ofHosts, world: patch(`@ IN MX 20 a|id>owned|b`, `@ IN MX 20 $\(id\).x`, "@ IN MX 20 `id`.y")},
		{Name: "bytes in a mail host's name", Peer: DNS, Touches: ofHosts, world: patch(`@ IN MX 20 a\000b\027[2J\255`)},
		{Name: "a mail host of the longest name", Peer: DNS, Touches: ofHosts, world: patch("@ IN MX 20 " + strings.Repeat(filler(60)+".", 3) + filler(40))},
		{Name: "an address as mail host", Peer: DNS, Touches: ofHosts, world: patch("@ IN MX 20 127.0.0.1.", "@ IN MX 20 10.0.0.1")},
		{Name: "mail hosts inside the asker's network", Peer: DNS, Touches: ofHosts, Fails: []string{"mx-special-address"}, world: patch("@ IN MX 20 in", "in IN A 127.0.0.1", "in IN A 10.1.2.3", "in IN A 169.254.169.254", "in IN A 0.0.0.0", "in IN AAAA ::1", "in IN AAAA ::ffff:7f00:1", "in IN AAAA fe80::1")},
		{Name: "a policy host inside the asker's network", Peer: DNS, Touches: ofPolicy, world: func() string {
			return patch("mta-sts IN A 127.0.0.1", "mta-sts IN A 169.254.169.254")() + "-- hosts.yaml --\nhosts:\n- {name: mta-sts.example.com, unpublished: true, https: {}}\n"
		}},
		{Name: "keys of 16,384 bits at fifty selectors", Peer: DNS, Heavy: true, Touches: []string{"dkim-", "dns-wildcard"}, world: patch("*._domainkey IN TXT " + quoted("v=DKIM1; p="+strings.Repeat("A", 2752)))},
		{Name: "a key of a million zeros' exponent", Peer: DNS, Touches: []string{"dkim-", "dmarc-without-dkim", "dmarc-unauth"}, Fails: []string{"dkim-key-invalid"}, world: patch("- s2026._domainkey TXT", "s2026._domainkey IN TXT "+quoted("v=DKIM1; p="+strings.Repeat("/", 60000)))},
		{Name: "an MTA-STS record of 64 KiB", Peer: DNS, Touches: ofPolicy, world: patch("- _mta-sts TXT", "_mta-sts IN TXT "+quoted("v=STSv1; id="+filler(whole)))},
		{Name: "a TLS-RPT record of 64 KiB", Peer: DNS, Touches: []string{"tlsrpt-"}, world: patch("- _smtp._tls TXT", "_smtp._tls IN TXT "+quoted("v=TLSRPTv1; rua=mailto:"+filler(whole)+"@example.com"))},
		{Name: "a BIMI record of 64 KiB", Peer: DNS, Touches: []string{"bimi-"}, world: patch("default._bimi IN TXT " + quoted("v=BIMI1; l=https://logo.example.com/"+filler(whole)))},
		{Name: "a logo of entities in entities", Peer: HTTPS, Touches: []string{"bimi-"}, world: logo(`<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa">` + entities() + `]><svg xmlns="http://www.w3.org/2000/svg" version="1.2" baseProfile="tiny-ps"><title>&i;</title></svg>`)},
		{Name: "a logo of a thousand groups in groups", Peer: HTTPS, Touches: []string{"bimi-"}, world: logo(strings.Repeat("<g>", 9000))},
	}
}

// entities gives nine definitions, each ten times the one before.
func entities() string {
	var b strings.Builder
	for c := byte('b'); c <= 'i'; c++ {
		b.WriteString(`<!ENTITY ` + string(c) + ` "` + strings.Repeat("&"+string(c-1)+";", 10) + `">`)
	}
	return b.String()
}

func logo(svg string) func() string {
	return func() string {
		return "-- patch --\ndefault._bimi IN TXT \"v=BIMI1; l=https://logo.example.com/l.svg\"\n-- hosts.yaml --\nhosts:\n" +
			"- {name: logo.example.com, addrs: [192.0.2.90], https: {pages: {/l.svg: {body: pages/logo, type: image/svg+xml}}}}\n-- pages/logo --\n" + svg + "\n"
	}
}
