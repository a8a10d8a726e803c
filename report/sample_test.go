package report

import (
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"mxvet/checks"
	"mxvet/internal/gather"
	"mxvet/internal/smtp"
	"mxvet/internal/wire"
)

var sampleTime = time.Date(2026, 11, 21, 6, 17, 0, 0, time.UTC)

// leaf makes a certificate whose bytes are always the same.
func leaf(t testing.TB, until time.Time, names ...string) []byte {
	t.Helper()
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize)))
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: names[0]}, Issuer: pkix.Name{CommonName: "Example CA"},
		DNSNames: names, NotBefore: until.AddDate(0, 0, -90), NotAfter: until,
	}
	der, err := x509.CreateCertificate(nil, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// talked is an address with a conversation that reached TLS.
func talked(t testing.TB, ip, host string, until time.Time) gather.Address {
	addr := netip.MustParseAddr(ip)
	return gather.Address{
		IP: addr, Ref: wire.Probe{Proto: "smtp", Addr: netip.AddrPortFrom(addr, 25), SNI: host}.Ref(),
		Session: wire.Session{
			Millis: 48,
			Exchanges: []smtp.Exchange{
				{Stage: smtp.StageBanner, Reply: &smtp.Reply{Code: 220, Lines: []string{host + " ESMTP Postfix"}}},
				{Stage: smtp.StageEHLO, Command: "EHLO probe.example.net", Reply: &smtp.Reply{Code: 250, Lines: []string{host, "SIZE 10240000", "STARTTLS"}}},
				{Stage: smtp.StageSTARTTLS, Command: "STARTTLS", Reply: &smtp.Reply{Code: 220, Lines: []string{"2.0.0 Ready to start TLS"}}},
			},
			TLS: &wire.TLS{Version: "TLS 1.3", Cipher: "TLS_AES_256_GCM_SHA384", Group: "X25519MLKEM768", Chain: [][]byte{leaf(t, until, host)}, System: wire.Trusted, Mozilla: wire.Trusted},
		},
	}
}

func silent(ip, host string) gather.Address {
	addr := netip.MustParseAddr(ip)
	return gather.Address{
		IP: addr, Ref: wire.Probe{Proto: "smtp", Addr: netip.AddrPortFrom(addr, 25), SNI: host}.Ref(),
		Session: wire.Session{Fail: &wire.Fail{Kind: wire.FailTimeout, Text: "connect to " + ip + ":25: no answer in 10 s"}},
	}
}

func said(status checks.Status, sev checks.Severity, subject, message string, refs ...wire.Ref) checks.Verdict {
	return checks.Verdict{Subject: subject, Status: status, Severity: sev, Message: message, Evidence: refs}
}

// exists is the result of the rule that all else stands on.
func exists() checks.Result {
	return res("dns-nxdomain", checks.AreaHosts, checks.Critical, passing("example.com"))
}

// sampleRun is the run of all samples.
func sampleRun() Run {
	return Run{
		At: sampleTime, Resolver: "127.0.0.1:53", IPv4: Reach{State: ReachProven}, IPv6: Reach{State: ReachBroken, Why: "no route to 2001:db8::25"},
		Queries: 41, Connections: 3, Millis: 312, FloorMillis: 284, Options: Options{SMTP: true, Relay: "basic", EHLO: "probe.example.net"},
	}
}

func lookupSample(ref wire.Ref) string {
	switch ref {
	case "dns:TXT _dmarc.example.com":
		return SummarizeAnswer(wire.Answer{Rcode: "NOERROR", From: "127.0.0.1:53", Answer: []string{"_dmarc.example.com.\t3600\tIN\tTXT\t\"v=DMARC1; p=none; rua=mailto:dmarc@example.com\""}})
	case "dns:TXT example.com":
		return SummarizeAnswer(wire.Answer{Rcode: "NOERROR", From: "127.0.0.1:53", Answer: []string{"example.com.\t3600\tIN\tTXT\t\"v=spf1 mx include:_spf.example.net include:_spf.example.org ~all\""}})
	case "dns:TXT _mta-sts.example.com":
		return SummarizeAnswer(wire.Answer{Rcode: "NXDOMAIN", From: "127.0.0.1:53"})
	}
	return SummarizeSession(wire.Session{
		Exchanges: []smtp.Exchange{
			{Stage: smtp.StageBanner, Reply: &smtp.Reply{Code: 220, Lines: []string{"mx2.example.com ESMTP Postfix"}}},
			{Stage: smtp.StageEHLO, Command: "EHLO probe.example.net", Reply: &smtp.Reply{Code: 250, Lines: []string{"mx2.example.com", "STARTTLS"}}},
		},
		Fail: &wire.Fail{Kind: wire.FailReset, Text: "connection closed"},
	})
}

// sampleTypical is a domain as many are: DMARC monitors, SPF is nearly full, one
// of two hosts has an old certificate.
func sampleTypical(t testing.TB) *Report {
	e := &gather.Evidence{
		Domain: "example.com", At: sampleTime, Role: gather.Role{Name: gather.Full, Why: "real MX, and SPF lets some address pass"},
		MX: gather.MXSet{Hosts: []gather.Host{
			{Name: "mx1.example.com", Pref: 10, Addrs: []gather.Address{talked(t, "192.0.2.1", "mx1.example.com", sampleTime.AddDate(0, 0, 62))}},
			{Name: "mx2.example.com", Pref: 20, Addrs: []gather.Address{talked(t, "192.0.2.2", "mx2.example.com", sampleTime.AddDate(0, 0, 12)), talked(t, "2001:db8::2", "mx2.example.com", sampleTime.AddDate(0, 0, 12))}},
		}},
	}
	smtp2 := e.MX.Hosts[1].Addrs[0].Ref
	rs := with(healthy(), exists(),
		res("dmarc-policy-none", checks.AreaDMARC, checks.High, said(checks.Fail, checks.Medium, "example.com", "the policy is p=none: receivers report forgeries and deliver them", "dns:TXT _dmarc.example.com")),
		res("dmarc-nonexistent-weak", checks.AreaDMARC, checks.Medium, said(checks.Fail, checks.Medium, "example.com", "names that do not exist below example.com have the policy none (np, sp and p)", "dns:TXT _dmarc.example.com")),
		res("spf-lookup-near", checks.AreaSPF, checks.Low, said(checks.Fail, checks.Low, "example.com", "9 of 10 DNS lookups used", "dns:TXT example.com")),
		res("spf-end-softfail", checks.AreaSPF, checks.Low, said(checks.Fail, checks.Low, "example.com", "ends with ~all while DMARC does not enforce", "dns:TXT example.com")),
		res("dkim-key-1024", checks.AreaDKIM, checks.Medium, said(checks.Fail, checks.Medium, "s1._domainkey.example.com", "RSA key of 1024 bits, 2048 are advised", "dns:TXT s1._domainkey.example.com"), said(checks.Fail, checks.Medium, "s2._domainkey.example.com", "RSA key of 1024 bits, 2048 are advised", "dns:TXT s2._domainkey.example.com")),
		res("cert-expiry", checks.AreaTLS, checks.Medium, said(checks.Fail, checks.Low, "mx2.example.com", "the certificate ends on 2026-12-03, in 12 days", smtp2)),
		res("mtasts-none", checks.AreaTransport, checks.Medium, said(checks.Fail, checks.Medium, "example.com", "neither a record at _mta-sts.example.com nor a policy", "dns:TXT _mta-sts.example.com")),
		res("mtasts-fetch", checks.AreaTransport, checks.High, all(checks.NotApplicable)),
		res("mtasts-testing", checks.AreaTransport, checks.Medium, all(checks.NotApplicable)),
		res("mtasts-mode-none", checks.AreaTransport, checks.Medium, all(checks.NotApplicable)),
		res("dane-none", checks.AreaTransport, checks.Low, said(checks.NotApplicable, "", "example.com", "the zone is not signed")),
		res("dnsbl-listed", checks.AreaReputation, checks.High, said(checks.Unknown, checks.High, "192.0.2.2", "the list bl.example.net refuses questions from public resolvers", "dns:A 2.2.0.192.bl.example.net"), passing("192.0.2.1")),
		res("relay-open", checks.AreaHosts, checks.Critical, passing("192.0.2.1"), passing("192.0.2.2")),
		res("mx-single", checks.AreaHosts, checks.Info, passing("example.com")),
		res("smtp-banner-version", checks.AreaTLS, checks.Info, said(checks.Fail, checks.Info, "192.0.2.1", "the greeting names the product: ESMTP Postfix", smtp2)),
		res("smtp-smuggling", checks.AreaTLS, checks.High, said(checks.NotAsked, "", "example.com", "needs --deep")),
	)
	for i := range rs {
		rs[i].Rule.Refs = []string{"RFC 7208 section 4.6.4"}
	}
	d := Build(e, rs, rubric(t))
	d.Fixes = []Fix{
		{
			ID: "dmarc-record", Title: "Let receivers put forgeries aside", Rules: []string{"dmarc-policy-none", "dmarc-nonexistent-weak"}, Fingerprints: []string{Fingerprint("dmarc-policy-none", "example.com", "")},
			Group: GroupEvidence, Effort: "low", Safety: NeedsEvidence, Needs: "a month of DMARC reports with all your own mail passing",
			Changes: []Change{{Owner: "_dmarc.example.com", Type: "TXT", TTL: 3600, Old: []string{`"v=DMARC1; p=none; rua=mailto:dmarc@example.com"`}, New: []string{`"v=DMARC1; p=quarantine; rua=mailto:dmarc@example.com"`}}},
			Undo:    "publish again:\n" + `_dmarc.example.com. 3600 IN TXT "v=DMARC1; p=none; rua=mailto:dmarc@example.com"`, VisibleWithin: 3600, Points: new(10), ScoreAfter: new(d.Score.High + 10), Verified: true,
			Next: []Stage{{When: "a month of reports shows nothing of yours put aside", ScoreAfter: new(d.Score.High + 10), Verified: true, Changes: []Change{{Owner: "_dmarc.example.com", Type: "TXT", TTL: 3600, New: []string{`"v=DMARC1; p=reject; rua=mailto:dmarc@example.com"`}}}}},
		},
		{
			ID: "spf-record", Title: "Write the addresses of the include that is used once", Rules: []string{"spf-lookup-near"}, Fingerprints: []string{Fingerprint("spf-lookup-near", "example.com", "")},
			Group: GroupPublish, Effort: "low", Safety: SafeNow,
			Changes: []Change{{Owner: "example.com", Type: "TXT", TTL: 3600, Old: []string{`"v=spf1 mx include:_spf.example.net include:_spf.example.org ~all"`}, New: []string{`"v=spf1 mx ip4:198.51.100.0/28 ip4:198.51.100.64/28 ip4:203.0.113.128/27 include:_spf.example.org ~all"`}}},
			Undo:    "publish again:\n" + `example.com. 3600 IN TXT "v=spf1 mx include:_spf.example.net include:_spf.example.org ~all"`, VisibleWithin: 3600, Points: new(1), ScoreAfter: new(d.Score.High + 1), Verified: true,
		},
		{
			ID: "mtasts-policy", Title: "Publish an MTA-STS policy in testing mode", Rules: []string{"mtasts-none"}, Group: GroupPublish, Effort: "medium", Safety: NeedsInput, Needs: "the address of a web server for mta-sts.example.com",
			Steps: []Step{
				{Text: "Serve this file at https://mta-sts.example.com/.well-known/mta-sts.txt with a valid certificate:", Copy: []string{"version: STSv1", "mode: testing", "mx: mx1.example.com", "max_age: 86400"}},
				{Text: "Then publish the record."},
			},
			Changes: []Change{{Owner: "_mta-sts.example.com", Type: "TXT", TTL: 3600, New: []string{`"v=STSv1; id=20261121T061700;"`}}}, VisibleWithin: 900, Unverified: "the policy host does not answer yet",
		},
		{
			ID: "cert-renew", Title: "Renew the certificate of mx2.example.com", Rules: []string{"cert-expiry"}, Group: GroupServers, Effort: "low", Safety: Manual, Points: new(1), ScoreAfter: new(d.Score.High),
			Steps: []Step{{Text: "Postfix reads smtpd_tls_chain_files again after: postfix reload"}},
		},
	}
	d.Next = &Outcome{Mark: mark(93, 91, "A"), Fixes: 2, Verified: true}
	d.AddEvents(Event{At: sampleTime.AddDate(0, 0, 28), Kind: "signature", What: "signature of the MX records ends", Subject: "example.com"})
	d.SPF = &SPFTree{
		Domain: "example.com", Record: "v=spf1 mx include:_spf.example.net include:_spf.example.org ~all", Lookups: 9, Limit: 10, Voids: 1,
		Terms: []SPFTerm{
			{Text: "mx", Lookups: 1},
			{Text: "include:_spf.example.net", Lookups: 5, Record: "v=spf1 include:a.example.net include:b.example.net a:old.example.net exists:%{i}.example.net ~all", Terms: []SPFTerm{
				{Text: "include:a.example.net", Lookups: 1, Record: "v=spf1 ip4:198.51.100.0/28 ~all", Terms: []SPFTerm{{Text: "ip4:198.51.100.0/28"}, {Text: "~all"}}},
				{Text: "include:b.example.net", Lookups: 1, Record: "v=spf1 ip4:198.51.100.64/28 ~all", Terms: []SPFTerm{{Text: "ip4:198.51.100.64/28"}, {Text: "~all"}}},
				{Text: "a:old.example.net", Lookups: 1, Void: true, Problem: "the name does not exist"},
				{Text: "exists:%{i}.example.net", Lookups: 1, Problem: "depends on the sender, cannot be followed"},
				{Text: "~all"},
			}},
			{Text: "include:_spf.example.org", Lookups: 3, Record: "v=spf1 a mx ip4:203.0.113.0/24 ~all", Terms: []SPFTerm{{Text: "a", Lookups: 1}, {Text: "mx", Lookups: 1}, {Text: "ip4:203.0.113.0/24"}, {Text: "~all"}}},
			{Text: "~all"},
		},
	}
	for i, s := range []int{61, 61, 66, 64, 79, 79} {
		d.History = append(d.History, HistoryItem{At: sampleTime.AddDate(0, 0, 7*(i-6)), Score: s, Low: s - 2})
	}
	return New(Tool{Name: "mxvet", Version: "0.1.0"}, "2026.1", sampleRun(), []Domain{d}, Hosts(e), lookupSample)
}

// sampleClean is a domain on which nothing is wrong.
func sampleClean(t testing.TB) *Report {
	e := &gather.Evidence{
		Domain: "xn--bcher-kva.example", At: sampleTime, Role: gather.Role{Name: gather.Full, Stated: true, Why: "stated by the operator"},
		MX: gather.MXSet{Hosts: []gather.Host{
			{Name: "mx.example.net", Pref: 10, Addrs: []gather.Address{talked(t, "192.0.2.9", "mx.example.net", sampleTime.AddDate(0, 0, 80))}},
		}},
	}
	d := Build(e, with(healthy(), exists()), rubric(t))
	return New(Tool{Name: "mxvet", Version: "0.1.0"}, "2026.1", sampleRun(), []Domain{d}, Hosts(e), lookupSample)
}

// sampleUnknown is what a network that blocks port 25 and a broken name server
// leave to be told.
func sampleUnknown(t testing.TB) *Report {
	e := &gather.Evidence{
		Domain: "example.org", At: sampleTime, Role: gather.Role{Name: gather.Full, Unproven: true, Why: "the MX question got no answer"},
		MX: gather.MXSet{Hosts: []gather.Host{
			{Name: "mx.example.org", Pref: 10, Addrs: []gather.Address{silent("198.51.100.25", "mx.example.org")}},
			{Name: "mx.example.net", Pref: 20},
		}},
	}
	blocked := "port 25 is blocked from here: the control host control.example.net stayed silent as well"
	unknown := func(id, area string, sev checks.Severity, subject, why string) checks.Result {
		return res(id, area, sev, said(checks.Unknown, sev, subject, why, wire.Ref("dns:TXT "+subject)))
	}
	rs := with(healthy(), exists(),
		unknown("dmarc-record-missing", checks.AreaDMARC, checks.High, "_dmarc.example.org", "timeout: no name server of example.org answered"),
		unknown("dmarc-policy-none", checks.AreaDMARC, checks.High, "_dmarc.example.org", "timeout: no name server of example.org answered"),
		unknown("smtp-starttls-none", checks.AreaTLS, checks.High, "198.51.100.25", blocked),
		unknown("mx-unreachable", checks.AreaHosts, checks.Critical, "198.51.100.25", blocked),
		unknown("cert-expired", checks.AreaTLS, checks.Medium, "198.51.100.25", blocked),
		res("dns-ns-single", checks.AreaHosts, checks.Medium, said(checks.Fail, checks.Medium, "example.org", "one name server, ns1.example.org; two are the least", "dns:NS example.org")),
		res("dkim-key-short", checks.AreaDKIM, checks.Critical, said(checks.NotAsked, "", "example.org", "no selector known: name one with --selector")),
	)
	d := Build(e, rs, rubric(t))
	run := sampleRun()
	run.IPv4 = Reach{State: ReachBroken, Why: "control.example.net:25 stayed silent for 10 s"}
	return New(Tool{Name: "mxvet", Version: "0.1.0"}, "2026.1", run, []Domain{d}, Hosts(e), lookupSample)
}

// sampleNoMail is two domains without mail, one of them not protected.
func sampleNoMail(t testing.TB) *Report {
	role := gather.Role{Name: gather.NoMail, Why: "null MX, and SPF lets no address pass"}
	rs := healthy()
	for i, r := range rs {
		switch r.Rule.Area {
		case checks.AreaTLS, checks.AreaTransport, checks.AreaReputation:
			rs[i] = res(r.Rule.ID, r.Rule.Area, r.Rule.Severity, said(checks.NotApplicable, "", "example.net", "the domain takes no mail"))
		}
	}
	good := Build(&gather.Evidence{Domain: "example.net", At: sampleTime, Role: role}, rs, rubric(t))
	missing := with(rs, res("dmarc-record-missing", checks.AreaDMARC, checks.High, said(checks.Fail, checks.High, "parked.example", "no DMARC record at _dmarc.parked.example or above", "dns:TXT _dmarc.parked.example")))
	bad := Build(&gather.Evidence{Domain: "parked.example", At: sampleTime, Role: role, Options: gather.Options{NoSMTP: true, Skip: []string{"dkim"}}}, missing, rubric(t))
	bad.Drift = []Difference{{Owner: "_dmarc.parked.example", Type: "TXT", Zone: []string{`"v=DMARC1; p=reject"`}, Note: "not published yet"}}
	bad.Fixes = []Fix{{
		ID: "dmarc-record", Title: "Have all mail in its name rejected", Rules: []string{"dmarc-record-missing"}, Group: GroupPublish, Effort: "low", Safety: SafeNow,
		Changes: []Change{{Owner: "_dmarc.parked.example", Type: "TXT", TTL: 3600, New: []string{`"v=DMARC1; p=reject; sp=reject; np=reject"`}}}, Undo: "delete the record", VisibleWithin: 300, Points: new(40), ScoreAfter: new(100), Verified: true,
	}}
	bad.Next = &Outcome{Mark: mark(100, 100, "A+"), Fixes: 1, Verified: true}
	return New(Tool{Name: "mxvet", Version: "0.1.0"}, "2026.1", sampleRun(), []Domain{good, bad}, nil, lookupSample)
}

// mark is a number that stands.
func mark(high, low int, letter Letter) Mark {
	m := Mark{High: high, Low: low, LetterHigh: letter, LetterLow: letter}
	m.stand(100, 70, nil, "")
	return m
}

// Texts that no output may pass on as they are.
const (
	hostileEscape = "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b31m \x7f \r\nnew line\ttab"
	hostileBidi   = "user\u202e moc.elpmaxe\u202c \u2066x\u2069 \u200f \ufeff \u2028 \u200b"
	hostileHTML   = `<script>alert(1)</script><img src=x onerror=alert(1)> "quoted" 'single' &amp; {{.}} javascript:alert(1)`
	hostileBytes  = "latin \xe9\xff\xfe end"
)

// sampleHostile puts such texts wherever a network peer could.
func sampleHostile(t testing.TB) *Report {
	long := strings.Repeat("0123456789", 30)
	wide := "邮件服务器的证书与主机名不匹配，收件人无法验证 メールサーバー 메일 서버 👩‍👩‍👧‍👦 🇩🇪 e\u0301 "
	host := "mx1.example.com"
	address := talked(t, "192.0.2.1", host, sampleTime.AddDate(0, 0, 3))
	address.Session.Exchanges[0].Reply.Lines = []string{hostileEscape + hostileHTML + hostileBytes}
	address.Session.TLS.Error = hostileEscape + hostileHTML
	e := &gather.Evidence{
		Domain: "example.com", At: sampleTime, Role: gather.Role{Name: gather.Full, Why: hostileHTML},
		MX: gather.MXSet{Hosts: []gather.Host{
			{Name: host, Pref: 10, Addrs: []gather.Address{address}},
			{Name: "<b>" + hostileBidi + "</b>.example.com", Pref: 20, Addrs: []gather.Address{silent("192.0.2.3", "x")}},
		}},
	}
	rs := with(healthy(), exists(),
		res("dmarc-policy-none", checks.AreaDMARC, checks.High, checks.Verdict{Status: checks.Fail, Severity: checks.Medium, Subject: "example.com", Key: hostileHTML, Message: "record: " + hostileEscape + " " + hostileBidi + " " + hostileHTML + " " + hostileBytes, Evidence: []wire.Ref{wire.Ref("dns:TXT " + hostileHTML)}}),
		res("spf-syntax", checks.AreaSPF, checks.High, said(checks.Fail, checks.High, hostileBidi, wide+long+wide, "dns:TXT example.com")),
		res("cert-name", checks.AreaTLS, checks.Medium, said(checks.Fail, checks.Medium, host, wide), said(checks.Fail, checks.Low, "<i>x</i>", wide+hostileEscape)),
		res("mtasts-none", checks.AreaTransport, checks.Medium, said(checks.Unknown, checks.Medium, hostileHTML, hostileEscape+hostileHTML, "get:https://mta-sts.example.com/<script>")),
		res("dkim-key-short", checks.AreaDKIM, checks.Critical, said(checks.NotAsked, "", "example.com", hostileHTML+hostileEscape)),
	)
	d := Build(e, rs, rubric(t))
	d.Unicode = "ex\u0430mple.com" + hostileBidi
	d.Fixes = []Fix{{
		ID: "spf-record", Title: hostileHTML, Rules: []string{"spf-syntax"}, Group: GroupPublish, Effort: "low", Safety: NeedsInput, Needs: wide + hostileHTML,
		Changes: []Change{{Owner: "example.com", Type: "TXT", TTL: 300, Old: []string{`"` + hostileHTML + hostileEscape + `"`}, New: []string{`"v=spf1 ` + long + ` -all"`}}}, Steps: []Step{{Text: hostileHTML, Copy: []string{hostileHTML, hostileEscape}}, {Text: wide + wide}}, Undo: hostileEscape, VisibleWithin: 300,
	}}
	d.AddEvents(Event{At: sampleTime.AddDate(0, 0, -2), Kind: "policy", What: hostileHTML, Subject: hostileBidi})
	d.SPF = &SPFTree{Domain: "example.com", Record: hostileHTML, Lookups: 1, Limit: 10, Terms: []SPFTerm{{Text: hostileHTML + hostileEscape, Lookups: 1, Problem: hostileBidi, Record: long, Terms: []SPFTerm{{Text: long}}}}}
	d.Drift = []Difference{{Owner: "<u>example.com", Type: "MX", Zone: []string{hostileEscape}, Live: []string{hostileHTML}, Note: hostileBidi}}
	run := sampleRun()
	run.ResolverNote = hostileHTML + hostileEscape
	run.AllowPrivate = true
	run.Options.Zones, run.Options.Assumed = []string{hostileHTML + hostileBidi}, []string{hostileEscape, hostileHTML + hostileBytes}
	return New(Tool{Name: "mxvet", Version: "0.1.0"}, "2026.1", run, []Domain{d}, Hosts(e), func(wire.Ref) string { return hostileHTML + "\n" + hostileEscape + hostileBytes })
}
