package message

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"mxvet/internal/psl"
	"mxvet/internal/simulate"
	"mxvet/internal/wire"
)

type ctx = context.Context

var now = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

const plain = `From: Alice <alice@example.com>
To: bob@example.net
Subject: A letter
Date: Mon, 02 Nov 2026 08:00:00 +0000
Message-ID: <1@example.com>

A line.

Another line.
`

// world is the DNS of the tests: example.com signs as s1 (Ed25519) and r1 (RSA),
// sends from 192.0.2.1, and asks for reject; strict.example asks for strict
// alignment; the list is list.example.
func world(t *testing.T) wire.Source {
	t.Helper()
	return zones(t, `
example.com. 3600 IN TXT "v=spf1 ip4:192.0.2.1 -all"
bounce.example.com. 3600 IN TXT "v=spf1 ip4:192.0.2.1 -all"
barred.example. 3600 IN TXT "v=spf1 -ip4:198.51.100.7 ip4:198.51.100.0/24 -all"
s1._domainkey.barred.example. 3600 IN TXT "`+edRecord("s1")+`"
_dmarc.example.com. 3600 IN TXT "v=DMARC1; p=reject; sp=quarantine"
s1._domainkey.example.com. 3600 IN TXT "`+edRecord("s1")+`"
strict1._domainkey.example.com. 3600 IN TXT "`+edRecord("strict1")+`; t=s"
sub._domainkey.mail.example.com. 3600 IN TXT "`+edRecord("sub")+`"
late._domainkey.example.com. 3600 IN TXT "k=ed25519; v=DKIM1; `+strings.TrimPrefix(edRecord("late"), "v=DKIM1; k=ed25519; ")+`"
odd._domainkey.example.com. 3600 IN TXT "v = DKIM1 ; x=y; k=Ed25519; p=`+strings.TrimPrefix(edRecord("odd"), "v=DKIM1; k=ed25519; p=")[:9]+` `+strings.TrimPrefix(edRecord("odd"), "v=DKIM1; k=ed25519; p=")[9:]+`"
test._domainkey.example.com. 3600 IN TXT "`+edRecord("test")+`; t=y"
tlsrpt._domainkey.example.com. 3600 IN TXT "`+edRecord("tlsrpt")+`; s=tlsrpt"
sha1._domainkey.example.com. 3600 IN TXT "`+edRecord("sha1")+`; h=sha1"
two._domainkey.example.com. 3600 IN TXT "`+edRecord("two")+`"
two._domainkey.example.com. 3600 IN TXT "other text"
gone._domainkey.example.com. 3600 IN TXT "v=DKIM1; p="
r1._domainkey.example.com. 3600 IN TXT `+quoted(rsaRecord())+`
strict.example. 3600 IN TXT "v=spf1 ip4:192.0.2.1 -all"
bounce.strict.example. 3600 IN TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.strict.example. 3600 IN TXT "v=DMARC1; p=quarantine; adkim=s; aspf=s"
sub._domainkey.mail.strict.example. 3600 IN TXT "`+edRecord("sub")+`"
list.example. 3600 IN TXT "v=spf1 ip4:198.51.100.9 -all"
l1._domainkey.list.example. 3600 IN TXT "`+edRecord("l1")+`"
evil.example. 3600 IN TXT "v=spf1 ip4:203.0.113.66 -all"
_dmarc.evil.example. 3600 IN TXT "v=DMARC1; p=reject"
e1._domainkey.evil.example. 3600 IN TXT "`+edRecord("e1")+`"
xn--exmple-4nf.com. 3600 IN TXT "v=spf1 ip4:203.0.113.66 -all"
l2._domainkey.second.example. 3600 IN TXT "`+edRecord("l2")+`"
`)
}

// quoted writes a text as the strings of a TXT record.
func quoted(s string) string {
	var parts []string
	for part := range slices.Chunk([]byte(s), 200) {
		parts = append(parts, `"`+string(part)+`"`)
	}
	return strings.Join(parts, " ")
}

// received puts the marks of a receiver on top.
func received(text, sender, helo, ip string) string {
	return "Return-Path: <" + sender + ">\n" +
		"Received: from " + helo + " (" + helo + " [" + ip + "])\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\n" +
		"\tby mx.example.net (Postfix) with ESMTPS id 1\n\tfor <bob@example.net>; Mon, 02 Nov 2026 08:30:00 +0000 (UTC)\n" + text
}

func check(t *testing.T, src wire.Source, text string, o ...func(*Options)) *Result {
	t.Helper()
	opts := Options{At: now}
	for _, f := range o {
		f(&opts)
	}
	return Check(t.Context(), src, psl.Default(), parsed(t, text), opts)
}

func ed(domain, selector string) dkim.SignOptions {
	return dkim.SignOptions{
		Domain: domain, Selector: selector, Signer: edKey(selector),
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		HeaderKeys: []string{"From", "From", "To", "Subject", "Date", "Message-ID"},
	}
}

// What becomes of messages by way and signature.
func TestCheck(t *testing.T) {
	src := world(t)
	rsaSigner := dkim.SignOptions{Domain: "example.com", Selector: "r1", Signer: rsaKey()}
	sub := strings.ReplaceAll(plain, "alice@example.com", "alice@shop.example.com")
	strict := strings.ReplaceAll(plain, "alice@example.com", "alice@strict.example")
	own := func(s signer) string {
		m := parsed(t, crlfText(plain))
		m.prepend(s.sign(m))
		return string(m.text())
	}
	for _, c := range []struct {
		name, text string
		src        wire.Source
		verdict    simulate.Verdict
		dmarc      string
		spf        string
		signature  string // result of the first one
		why        string // part of its reason
	}{
		{name: "signed by Ed25519, SPF fails", text: received(librarySign(t, plain, ed("example.com", "s1")), "alice@example.com", "mx.example.org", "203.0.113.5"), verdict: "pass", dmarc: "pass", spf: "fail", signature: "pass"},
		{name: "signed by RSA, simple", text: received(librarySign(t, plain, rsaSigner), "alice@example.com", "mx.example.org", "192.0.2.1"), verdict: "pass", dmarc: "pass", spf: "pass", signature: "pass"},
		{name: "unsigned, SPF passes", text: received(plain, "x@bounce.example.com", "mx.example.com", "192.0.2.1"), verdict: "pass", dmarc: "pass", spf: "pass"},
		{name: "unsigned and forwarded", text: received(plain, "list-bounces@list.example", "list.example", "198.51.100.9"), verdict: "fail", dmarc: "fail", spf: "pass"},
		{name: "signed and forwarded", text: received(librarySign(t, plain, ed("example.com", "s1")), "list-bounces@list.example", "list.example", "198.51.100.9"), verdict: "pass", dmarc: "pass", spf: "pass", signature: "pass"},
		{name: "mailing list with a footer", text: received(librarySign(t, plain, ed("example.com", "s1"))+"-- \nthe list\n", "list-bounces@list.example", "list.example", "198.51.100.9"), verdict: "fail", dmarc: "fail", spf: "pass", signature: "fail", why: "body hash"},
		{name: "mailing list with a subject tag", text: received(strings.Replace(librarySign(t, plain, ed("example.com", "s1")), "Subject: A", "Subject: [list] A", 1), "", "list.example", "198.51.100.9"), verdict: "fail", dmarc: "fail", spf: "pass", signature: "fail", why: "signature did not verify"},
		{name: "subdomain, relaxed", text: received(librarySign(t, sub, ed("mail.example.com", "sub")), "x@example.org", "mx.example.org", "203.0.113.5"), verdict: "pass", dmarc: "pass", spf: "none", signature: "pass"},
		{name: "subdomain, strict", text: received(librarySign(t, strict, ed("mail.strict.example", "sub")), "x@bounce.strict.example", "mx.example.org", "192.0.2.1"), verdict: "fail", dmarc: "fail", spf: "pass", signature: "pass"},
		{name: "same name, strict", text: received(strict, "x@strict.example", "mx.example.org", "192.0.2.1"), verdict: "pass", dmarc: "pass", spf: "pass"},
		{name: "expired before arrival", text: received(own(signer{Domain: "example.com", Selector: "s1", Extra: "t=1793600000; x=1793606000;"}), "x@example.org", "mx.example.org", "203.0.113.5"), verdict: "fail", dmarc: "fail", spf: "none", signature: "permerror", why: "before the message arrived"},
		{name: "expired after arrival", text: strings.Replace(received(own(signer{Domain: "example.com", Selector: "s1", Extra: "t=1604300000; x=1604309000;"}), "x@example.org", "mx.example.org", "203.0.113.5"), "Mon, 02 Nov 2026 08:30:00", "Mon, 02 Nov 2020 08:30:00", 1), verdict: "pass", dmarc: "pass", spf: "none", signature: "pass", why: "expired since"},
		{name: "expired after arrival, key lookup fails", src: silent{src, "s1._domainkey.example.com"}, text: strings.Replace(received(own(signer{Domain: "example.com", Selector: "s1", Extra: "x=1604309000;"}), "x@example.org", "mx.example.org", "203.0.113.5"), "Mon, 02 Nov 2026 08:30:00", "Mon, 02 Nov 2020 08:30:00", 1), verdict: "unknown", dmarc: "temperror", spf: "none", signature: "temperror", why: "no reply"},
		{name: "body appended behind l=", text: received(own(signer{Domain: "example.com", Selector: "s1", Extra: "l=25;"})+"and more\n", "x@example.org", "mx.example.org", "203.0.113.5"), verdict: "fail", dmarc: "fail", spf: "none", signature: "policy", why: "unsigned"},
		{name: "l= and a changed start", text: received(strings.Replace(own(signer{Domain: "example.com", Selector: "s1", Extra: "l=25;"}), "A line.", "A lion.", 1), "x@example.org", "mx.example.org", "203.0.113.5"), verdict: "fail", dmarc: "fail", spf: "none", signature: "fail", why: "not the one that was signed"},
		{name: "rsa-sha1", text: received(own(signer{Domain: "example.com", Selector: "r1", Algorithm: "rsa-sha1"}), "x@example.org", "mx.example.org", "203.0.113.5"), verdict: "fail", dmarc: "fail", spf: "none", signature: "permerror", why: "too weak"},
		{name: "From not signed", text: received(own(signer{Domain: "example.com", Selector: "s1", Headers: "to:subject"}), "x@example.org", "mx.example.org", "203.0.113.5"), verdict: "fail", dmarc: "fail", spf: "none", signature: "permerror", why: "From field is not signed"},
		{name: "identity in a subdomain, key with t=s", text: received(own(signer{Domain: "example.com", Selector: "strict1", Extra: "i=@mail.example.com;"}), "x@example.org", "mx.example.org", "203.0.113.5"), verdict: "fail", dmarc: "fail", spf: "none", signature: "permerror", why: "flag s"},
		{name: "key withdrawn", text: received(own(signer{Domain: "example.com", Selector: "gone"}), "x@example.org", "mx.example.org", "203.0.113.5"), verdict: "fail", dmarc: "fail", spf: "none", signature: "permerror", why: "withdrawn"},
		{name: "key record with v at the end", text: received(own(signer{Domain: "example.com", Selector: "late"}), "x@example.org", "mx.example.org", "203.0.113.5"), verdict: "fail", dmarc: "fail", spf: "none", signature: "permerror", why: "v is not the first tag"},
		{name: "no key", text: received(own(signer{Domain: "example.com", Selector: "none"}), "x@example.org", "mx.example.org", "203.0.113.5"), verdict: "fail", dmarc: "fail", spf: "none", signature: "permerror", why: "no key"},
		{name: "key lookup fails", src: silent{src, "s1._domainkey.example.com"}, text: received(librarySign(t, plain, ed("example.com", "s1")), "x@example.org", "mx.example.org", "203.0.113.5"), verdict: "unknown", dmarc: "temperror", spf: "none", signature: "temperror", why: "no reply"},
		{name: "key lookup fails, SPF passes", src: silent{src, "s1._domainkey.example.com"}, text: received(librarySign(t, plain, ed("example.com", "s1")), "x@example.com", "mx.example.org", "192.0.2.1"), verdict: "pass", dmarc: "pass", spf: "pass", signature: "temperror"},
		{name: "policy lookup fails", src: silent{src, "_dmarc.example.com"}, text: received(plain, "x@example.com", "mx.example.org", "192.0.2.1"), verdict: "unknown", dmarc: "temperror", spf: "pass"},
		{name: "policy lookup fails and nothing is proved", src: silent{src, "_dmarc.example.com"}, text: received(plain, "x@example.org", "mx.example.org", "192.0.2.1"), verdict: "fail", dmarc: "temperror", spf: "none"},
		{name: "SPF lookup fails", src: silent{src, "example.com"}, text: received(plain, "x@example.com", "mx.example.org", "192.0.2.1"), verdict: "unknown", dmarc: "temperror", spf: "temperror"},
		{name: "no Received field", text: plain, verdict: "unknown", dmarc: "unknown"},
		{name: "no Received field, signed", text: librarySign(t, plain, ed("example.com", "s1")), verdict: "pass", dmarc: "pass", signature: "pass"},
		{name: "two From fields", text: received("From: eve@example.org\n"+librarySign(t, plain, ed("example.com", "s1")), "x@example.com", "mx.example.org", "192.0.2.1"), verdict: "fail", dmarc: "none", spf: "pass", signature: "fail"},
		{name: "two author domains", text: received(strings.Replace(plain, "From: Alice <alice@example.com>", "From: alice@example.com, eve@example.org", 1), "x@example.com", "mx.example.org", "192.0.2.1"), verdict: "fail", dmarc: "none", spf: "pass"},
		{name: "no From", text: received(strings.Replace(plain, "From: Alice <alice@example.com>\n", "", 1), "x@example.com", "mx.example.org", "192.0.2.1"), verdict: "fail", dmarc: "none", spf: "pass"},
		{name: "null sender", text: received(plain, "", "bounce.example.com", "192.0.2.1"), verdict: "pass", dmarc: "pass", spf: "pass"},
		{name: "no policy anywhere", text: received(strings.ReplaceAll(plain, "example.com", "list.example"), "x@list.example", "mx.example.org", "198.51.100.9"), verdict: "pass", dmarc: "none", spf: "pass"},
		{name: "no policy, nothing proved", text: received(strings.ReplaceAll(plain, "example.com", "list.example"), "x@list.example", "mx.example.org", "192.0.2.9"), verdict: "fail", dmarc: "none", spf: "fail"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.src == nil {
				c.src = src
			}
			r := check(t, c.src, c.text)
			walk := r.Decision.Methods[0]
			if r.Verdict != c.verdict || walk.Result != c.dmarc || string(r.Decision.SPF.Result) != c.spf {
				t.Errorf("verdict %s, DMARC %s (%s), SPF %s (%s); want %s, %s, %s", r.Verdict, walk.Result, walk.Why, r.Decision.SPF.Result, r.Decision.SPF.Why, c.verdict, c.dmarc, c.spf)
			}
			if r.Why == "" {
				t.Error("no reason")
			}
			switch {
			case len(r.Signatures) == 0 && c.signature != "":
				t.Error("no signature seen")
			case len(r.Signatures) > 0 && (r.Signatures[0].Result != c.signature || !strings.Contains(r.Signatures[0].Why, c.why)):
				t.Errorf("signature: %s (%s), want %s (%s)", r.Signatures[0].Result, r.Signatures[0].Why, c.signature, c.why)
			}
		})
	}
}

// A receiver that honours l= takes what others do not, and the result says so.
func TestLength(t *testing.T) {
	m := parsed(t, crlfText(plain))
	m.prepend(signer{Domain: "example.com", Selector: "s1", Extra: "l=25;"}.sign(m))
	r := check(t, world(t), received(string(m.text())+"and more\n", "x@example.org", "mx.example.org", "203.0.113.5"))
	if s := r.Signatures[0]; s.Result != simulate.ResultPolicy || s.Lenient != simulate.ResultPass || *s.Length != 25 {
		t.Errorf("%+v", s)
	}
}

func TestSeveralSignatures(t *testing.T) {
	text := librarySign(t, plain, ed("example.com", "s1"))
	text = librarySign(t, text, dkim.SignOptions{Domain: "list.example", Selector: "l1", Signer: edKey("l1")})
	text = librarySign(t, text, ed("example.com", "none"))
	r := check(t, world(t), received(text, "x@example.org", "mx.example.org", "203.0.113.5"))
	var got []string
	for _, s := range r.Signatures {
		got = append(got, s.Domain+" "+s.Selector+" "+s.Result)
	}
	if strings.Join(got, ", ") != "example.com none permerror, list.example l1 pass, example.com s1 pass" || r.Verdict != simulate.Pass {
		t.Errorf("%s: %v", r.Verdict, got)
	}
	// More than are verified: the rest is said not to be, and whether one of them is
	// good is not known.
	for range maxSignatures {
		m := parsed(t, text)
		m.prepend(m.All("DKIM-Signature")[0])
		text = string(m.text())
	}
	r = check(t, world(t), received(text, "x@example.org", "mx.example.org", "203.0.113.5"))
	if last := r.Signatures[len(r.Signatures)-1]; last.Result != "" || !strings.Contains(last.Why, "only the first") {
		t.Errorf("%+v", last)
	}
	if r.Verdict != simulate.Unknown || !strings.Contains(r.Why, "not verified") {
		t.Errorf("%s: %s", r.Verdict, r.Why)
	}
}

// What the user says beats what the file says.
func TestPath(t *testing.T) {
	text := received(plain, "x@example.org", "mx.example.org", "203.0.113.5")
	r := check(t, world(t), text, func(o *Options) {
		o.IP, o.Sender, o.HasSender, o.Helo = netip.MustParseAddr("192.0.2.1"), "news@example.com", true, "mx.example.com"
	})
	if r.Verdict != simulate.Pass || r.Path.IPFrom != "--ip" || r.Path.From != "--mail-from" || r.border.hop != nil {
		t.Errorf("%s, %+v", r.Verdict, r.Path)
	}
	r = check(t, world(t), text, func(o *Options) { o.Sender, o.HasSender = "example.com", true })
	if r.Path.Sender != "postmaster@example.com" || r.Path.IP.String() != "203.0.113.5" || r.Decision.SPF.Result != "fail" {
		t.Errorf("%+v", r.Path)
	}
}

// Where each part of the path comes from, and when it is not known.
func TestPathSources(t *testing.T) {
	const border = "Received: from mail.example.com (mail.example.com [192.0.2.1]) by mx.example.net with esmtps (Exim 4.98) (envelope-from <c@example.com>) id 1; Mon, 02 Nov 2026 08:30:00 +0000\n"
	const odd = "Received: from mail.example.com by mx.example.net with ESMTP; Mon, 02 Nov 2026 08:30:00 +0000\n"
	const path = "Return-Path: <a@example.com>\n"
	user := func(o *Options) { o.IP = netip.MustParseAddr("192.0.2.1") }
	for name, c := range map[string]struct {
		text    string
		options func(*Options)
		sender  string
		from    string
		spf     string
		unknown string
	}{
		"Return-Path above the border":              {path + border + plain, nil, "a@example.com", "Return-Path", "pass", ""},
		"Return-Path below, server says it":         {border + path + plain, nil, "c@example.com", "Received field", "pass", ""},
		"Return-Path below, server does not":        {strings.Replace(border, "(envelope-from <c@example.com>) ", "", 1) + path + plain, nil, "", "", "", "below the Received field of your border"},
		"no Return-Path":                            {strings.Replace(border, "(envelope-from <c@example.com>) ", "", 1) + plain, nil, "", "", "", "does not say what MAIL FROM was"},
		"Return-Path alone, client named":           {path + plain, user, "", "", "", "no Received field of your servers"},
		"Return-Path above an odd field, named":     {path + odd + plain, user, "a@example.com", "Return-Path", "pass", ""},
		"Return-Path below an odd field, named":     {odd + path + border + plain, user, "", "", "", "below the Received field of your border"},
		"Return-Path above an odd field, not named": {path + odd + plain, nil, "a@example.com", "Return-Path", "", "not known who brought"},
		"both named": {odd + plain, func(o *Options) {
			user(o)
			o.Sender, o.HasSender = "z@example.com", true
		}, "z@example.com", "--mail-from", "pass", ""},
		"null sender, HELO is a literal": {"Return-Path: <>\nReceived: from [192.0.2.1] (mail.example.com [192.0.2.1]) by mx.example.net with ESMTP\n" + plain, nil, "", "Return-Path", "none", ""},
		"null sender, no HELO":           {"Return-Path: <>\nReceived: from [192.0.2.1] by mx.example.net (chasquid) with ESMTP\n" + plain, nil, "", "Return-Path", "", "HELO name is not known"},
	} {
		var options []func(*Options)
		if c.options != nil {
			options = append(options, c.options)
		}
		r := check(t, world(t), c.text, options...)
		p := r.Path
		if p.Sender != c.sender || !strings.Contains(p.From, c.from) || (p.From == "") != (c.from == "") || !strings.Contains(p.Unknown, c.unknown) || (p.Unknown == "") != (c.unknown == "") {
			t.Errorf("%s: %+v", name, p)
		}
		if got := string(r.Decision.SPF.Result); got != c.spf {
			t.Errorf("%s: SPF %q, want %q", name, got, c.spf)
		}
	}
}

// DMARC has no result for a message with several author domains, or none; what
// receivers may do with it is said.
func TestNoAuthorDomain(t *testing.T) {
	for from, want := range map[string]string{
		"From: alice@example.com, eve@example.org": "judge each of example.com, example.org",
		"X-From: alice@example.com":                "others go on without DMARC",
		"From: alice":                              "others go on without DMARC",
	} {
		r := check(t, world(t), received(strings.Replace(plain, "From: Alice <alice@example.com>", from, 1), "x@example.com", "mx.example.org", "192.0.2.1"))
		m := r.Decision.Methods[0]
		if m.Result != simulate.ResultNone || m.Disposition != simulate.Open || !strings.Contains(r.Why, want) || (len(r.Author.Domains) > 1) != strings.Contains(r.Why, "judge each") {
			t.Errorf("%s: %s %s: %s", from, m.Result, m.Disposition, r.Why)
		}
	}
}
