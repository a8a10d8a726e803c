package hostile

import "strings"

// What follows from the policy of MTA-STS.
var ofPolicy = []string{"mtasts-", "tlsrpt-same-policy"}

// tricksOfWeb are policy hosts that hurt.
func tricksOfWeb() []Trick {
	const path = "/.well-known/mta-sts.txt"
	const good = "version: STSv1\\nmode: enforce\\nmx: mx1.example.com\\nmx: mx2.example.com\\nmax_age: 1209600\\n"
	page := func(fields string) func() string {
		return func() string {
			return "-- hosts.yaml --\nhosts:\n- {name: mta-sts.example.com, https: {pages: {" + path + ": {" + fields + "}}}}\n"
		}
	}
	host := func(rest string) func() string {
		return func() string { return "-- hosts.yaml --\nhosts:\n- {name: mta-sts.example.com, " + rest + "}\n" }
	}
	raw := func(text string) func() string { return page(`raw: true, body: "` + text + `"`) }
	sts := ofPolicy
	fetch := []string{"mtasts-fetch"}
	const head = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n`
	return []Trick{
		{Name: "a policy of 64 MiB", Peer: HTTPS, Heavy: true, Touches: sts, world: page(`body: "` + good + `", fill: 67108864`)},
		{Name: "a policy that drips", Peer: HTTPS, Touches: sts, Fails: nil, world: page(`body: "` + good + `", drip: 3s`)},
		{Name: "a policy after 19 s", Peer: HTTPS, Touches: sts, world: page(`body: "` + good + `", delay: 19s`)},
		{Name: "a policy after a minute", Peer: HTTPS, Touches: sts, world: page(`body: "` + good + `", delay: 60s`)},
		{Name: "a policy that stops half-way", Peer: HTTPS, Touches: sts, world: page(`body: "` + good + `", stop: true`)},
		{Name: "a policy of 4,000 mx lines", Peer: HTTPS, Heavy: true, Touches: sts, world: page(`body: "` + strings.TrimSuffix(good, "max_age: 1209600\\n") + strings.Repeat(`mx: m.example.org\n`, 3300) + `max_age: 1209600\n"`)},
		{Name: "a policy of one line", Peer: HTTPS, Touches: sts, world: page(`body: "` + filler(60000) + `"`)},
		{Name: "a policy of bytes", Peer: HTTPS, Touches: sts, world: page(`body: "version: STSv1\0\e[2J\nmode: <script>\nmx: \xff\n"`)},
		{Name: "a redirect to the asker's network", Peer: HTTPS, Touches: sts, world: page(`redirect: "http://169.254.169.254/latest/meta-data/"`)},
		{Name: "a redirect to itself", Peer: HTTPS, Touches: sts, world: page(`redirect: "https://mta-sts.example.com` + path + `"`)},
		{Name: "a header of 60 KiB", Peer: HTTPS, Touches: sts, world: raw(head + "X: " + filler(60000) + `\r\n\r\n` + good)},
		{Name: "two thousand header fields", Peer: HTTPS, Touches: sts, world: raw(head + strings.Repeat(`X: y\r\n`, 6000) + `\r\n` + good)},
		{Name: "a hundred interim responses", Peer: HTTPS, Touches: sts, world: raw(strings.Repeat(`HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n`, 100) + head + `\r\n` + good)},
		{Name: "a length that lies", Peer: HTTPS, Touches: sts, world: raw(head + `Content-Length: 99999999999\r\n\r\n` + good)},
		{Name: "chunks of one octet, and no end", Peer: HTTPS, Touches: sts, world: raw(head + `Transfer-Encoding: chunked\r\n\r\n` + strings.Repeat(`1\r\nx\r\n`, 5000))},
		{Name: "no HTTP at all", Peer: HTTPS, Touches: sts, Fails: fetch, world: raw(`220 mail ESMTP\r\n`)},
		{Name: "a policy host that hangs in TLS", Peer: HTTPS, Touches: sts, world: host("https: {tls: {fault: hang}}")},
		{Name: "a policy host of garbage", Peer: HTTPS, Touches: sts, world: host("https: {tls: {fault: garbage}}")},
		{Name: "a policy host that says nothing", Peer: HTTPS, Touches: sts, world: host("fault: mute, https: {}")},
		{Name: "a policy host whose packets are dropped", Peer: HTTPS, Touches: sts, world: host("fault: silent, https: {}")},
		{Name: "a policy host with a thousand names", Peer: HTTPS, Touches: sts, world: host("https: {tls: {names: [mta-sts.example.com, " + strings.TrimSuffix(strings.ReplaceAll(repeated(1000, "n%d.example.org,"), "\n", " "), ", ") + "]}}")},
	}
}
