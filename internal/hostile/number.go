package hostile

import "strings"

// What follows from the hosts that MX records name.
var ofHosts = []string{"mx-", "mtasts-", "ip-", "smtp-", "tls-", "cert-", "relay-", "dnsbl-", "spf-helo", "spf-own", "dns-dangling", "dns-cname-conflict", "spf-host"}

// tricksOfNumber send more of what is allowed than anybody needs.
func tricksOfNumber() []Trick {
	return []Trick{
		{
			Name: "300 mail hosts of 1,900 addresses", Peer: DNS, Heavy: true, Touches: ofHosts, Fails: []string{"mx-too-many"}, Unsure: []string{"smtp-starttls-none"},
			world: patch("- @ MX", repeated(300, "@ IN MX 10 h%d.many"), addresses("*.many", 1900)),
		},
		{
			Name: "2,000 mail hosts of 500 addresses", Peer: DNS, Heavy: true, Touches: ofHosts, Fails: []string{"mx-too-many"},
			world: patch("- @ MX", repeated(1990, "@ IN MX 10 h%d.many"), addresses("*.many", 500)),
		},
		{
			Name: "40 mail hosts of 900 addresses of each family", Peer: DNS, Heavy: true, Touches: ofHosts, Fails: []string{"mx-too-many"},
			world: patch("- @ MX", repeated(40, "@ IN MX 10 h%d.many"), addresses("*.many", 900), addresses6("*.many", 900)),
		},
		{
			Name: "1,500 mail hosts without address", Peer: DNS, Heavy: true, Touches: ofHosts, Fails: []string{"mx-too-many"},
			world: patch(repeated(1500, "@ IN MX 20 none%d")),
		},
		{
			Name: "a mail host of 1,900 addresses", Peer: DNS, Touches: ofHosts, Unsure: []string{"smtp-starttls-none"},
			world: patch("@ IN MX 20 wide", addresses("wide", 1900)),
		},
		{
			Name: "a mail host of 1,900 IPv6 addresses", Peer: DNS, Touches: ofHosts,
			world: patch("@ IN MX 20 wide", addresses6("wide", 1900)),
		},
		{
			Name: "mail hosts that share one address", Peer: DNS, Touches: ofHosts, Fails: []string{"mx-too-many"},
			world: patch(repeated(200, "@ IN MX 20 same%d"), repeated(200, "same%d IN A 192.0.2.17")),
		},
		{
			Name: "a thousand texts at the domain", Peer: DNS, Touches: []string{"dns-txt", "spf-answer", "spf-record-size", "dns-large"},
			world: patch(repeated(1000, "@ IN TXT \"site-verification=%d\"")),
		},
		{
			Name: "64 KiB of text at the domain", Peer: DNS, Touches: []string{"dns-txt", "spf-answer", "dns-large"},
			world: patch("@ IN TXT " + quoted(filler(whole))),
		},
		{
			Name: "64 KiB of text at every name", Peer: DNS, Heavy: true, Touches: []string{""},
			world: func() string {
				return "-- dns.yaml --\nfaults:\n- {zone: example.com, type: TXT, answer: ['@ IN TXT " + quoted(filler(whole)) + "']}\n"
			},
		},
		{
			Name: "64 KiB of bytes at every name that nobody made", Peer: DNS, Heavy: true, Touches: []string{"dkim-", "dns-wildcard", "bimi-", "dns-stray", "dmarc-reports", "dmarc-external", "spf-helo", "mtasts-", "tlsrpt-", "dmarc-sub", "spf-sub"},
			world: patch("* IN TXT " + strings.Repeat(`"`+strings.Repeat(`\255`, 250)+`" `, whole/250)),
		},
		{
			Name: "64 KiB of text at every name below _domainkey", Peer: DNS, Heavy: true, Touches: []string{"dkim-"},
			world: patch("*._domainkey IN TXT " + quoted("v=DKIM1; p="+filler(whole))),
		},
		{
			Name: "a thousand texts at every selector", Peer: DNS, Heavy: true, Touches: []string{"dkim-"},
			world: patch(repeated(1000, "*._domainkey IN TXT \"v=DKIM1; n=%d; p=\"")),
		},
		{
			Name: "a thousand name servers", Peer: DNS, Heavy: true, Touches: []string{"dns-"},
			world: patch(repeated(1000, "@ IN NS ns%d.farm")),
		},
		{
			Name: "13 name servers of 200 addresses", Peer: DNS, Touches: []string{"dns-"},
			world: patch(repeated(13, "@ IN NS n%d.farm"), addresses("*.farm", 200)),
		},
		{
			Name: "a host name for every address", Peer: DNS, Touches: []string{"ip-"},
			world: func() string {
				return "-- dns.yaml --\nfaults:\n- {type: PTR, answer: [" + strings.TrimSuffix(strings.ReplaceAll(repeated(900, "'@ IN PTR p%d.example.com.',"), "\n", " "), ", ") + "]}\n"
			},
		},
		{
			Name: "an address for every name", Peer: DNS, Touches: []string{"dns-", "dmarc-", "spf-", "mx-", "tlsrpt-", "dkim-", "bimi-"},
			world: patch("* IN A 192.0.2.80"),
		},
		{
			Name: "a policy host of 1,900 addresses", Peer: DNS, Heavy: true, Touches: ofPolicy,
			world: besides("mta-sts.example.com", addresses("mta-sts", 1900)),
		},
		{
			Name: "a thousand report addresses elsewhere", Peer: DNS, Touches: []string{"dmarc-", "bimi-"},
			world: patch("- _dmarc TXT", "_dmarc IN TXT "+quoted("v=DMARC1; p=reject; sp=reject; np=reject; rua="+strings.TrimSuffix(strings.ReplaceAll(repeated(1000, "mailto:r@r%d.example,"), "\n", ""), ","))),
		},
		{
			Name: "a thousand TLS report addresses", Peer: DNS, Touches: []string{"tlsrpt-"},
			world: patch("- _smtp._tls TXT", "_smtp._tls IN TXT "+quoted("v=TLSRPTv1; rua="+strings.TrimSuffix(strings.ReplaceAll(repeated(1000, "mailto:r@r%d.example,"), "\n", ""), ","))),
		},
	}
}
