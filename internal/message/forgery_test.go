package message

import (
	"strings"
	"testing"

	"mxvet/checks"
	"mxvet/internal/simulate"
)

// The parts of a forged message: the field that the receiver's server wrote about the
// forger's client, and one that the forger made up. 192.0.2.1 may send for example.com.
const (
	fromForger   = "Received: from evil.example (unknown [203.0.113.66])\n\tby mx.example.net (Postfix) with ESMTPS id 1; Mon, 02 Nov 2026 08:30:00 +0000\n"
	madeUp       = "Received: from mail.example.com (mail.example.com [192.0.2.1])\n\tby mx.example.net (Postfix) with ESMTPS id 0; Mon, 02 Nov 2026 08:29:00 +0000\n"
	throughProxy = "Received: from mail.example.com (unknown [172.17.0.1])\n\tby mx.example.net (Postfix) with ESMTPS id 1; Mon, 02 Nov 2026 08:30:00 +0000\n"
	returned     = "Return-Path: <alice@example.com>\n"
)

// by makes a Received field of the receiver's server out of what stands between "from"
// and "by", with that about itself.
func by(from, rest string) string {
	return "Received: from " + from + "\n\tby mx.example.net " + rest + "; Mon, 02 Nov 2026 08:30:00 +0000\n"
}

// told gives everything that the result says in words.
func told(r *Result) string {
	all := []string{r.Why, r.Path.Doubt, r.Path.Unknown, r.Author.Why, r.Author.Broken, r.ARC.Why, r.Decision.SPF.Why}
	all = append(all, r.Author.Doubts...)
	all = append(all, r.Decision.Differ...)
	for _, s := range r.Signatures {
		all = append(all, s.Result+": "+s.Why)
		for _, remark := range s.Remarks {
			all = append(all, remark.Text)
		}
	}
	for _, rep := range r.Reports {
		all = append(all, rep.Why, rep.Broken)
	}
	for _, f := range r.Findings {
		if f.Status == checks.Fail || f.Status == checks.Unknown {
			all = append(all, f.Rule+": "+f.Message)
		}
	}
	return strings.Join(all, "\n")
}

// Messages that try to talk the program into a pass. None passes, and each is told what
// speaks against it.
func TestForgeries(t *testing.T) {
	src := world(t)
	signed := func(s signer) string { // by the owner of the selector's key
		m := parsed(t, crlfText(plain))
		m.prepend(s.sign(m))
		return strings.ReplaceAll(string(m.text()), "\r\n", "\n")
	}
	good := signed(signer{Domain: "example.com", Selector: "s1"})
	over := signed(signer{Domain: "example.com", Selector: "s1", Headers: "from:from:to:to:subject:subject:date:date:message-id:message-id"})
	evil := func(text string) string { // signed by the forger for its own domain
		m := parsed(t, crlfText(text))
		m.prepend(signer{Domain: "evil.example", Selector: "e1"}.sign(m))
		return strings.ReplaceAll(string(m.text()), "\r\n", "\n")
	}
	raw := func(selector, field string) string {
		m := parsed(t, crlfText(plain))
		m.prepend(signer{Selector: selector}.raw(m, "DKIM-Signature: "+field))
		return strings.ReplaceAll(string(m.text()), "\r\n", "\n")
	}
	from := func(value string) string { return strings.Replace(plain, "Alice <alice@example.com>", value, 1) }
	listed := func() string {
		m := parsed(t, crlfText(plain))
		m.addSet(1, "none", "mx.example.net; spf=pass smtp.mailfrom=example.com; dkim=pass header.d=example.com; dmarc=pass header.from=example.com", signer{Domain: "evil.example", Selector: "e1"})
		return strings.ReplaceAll(string(m.text()), "\r\n", "\n")
	}
	swap := func(text, old, with string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("%q is not in %q", old, text)
		}
		return strings.Replace(text, old, with, 1)
	}
	const results = "Authentication-Results: mx.example.net; spf=pass smtp.mailfrom=example.com; dkim=pass header.d=example.com; dmarc=pass header.from=example.com\n"
	own := []string{"mx.example.net"}
	const spfFails, guess = "SPF", "it is not known who brought the message"

	for _, c := range []struct {
		name     string
		text     string
		by       []string
		authserv []string
		doubt    string // part of what is told
	}{
		// What the client says of itself.
		{name: "qmail, HELO is an address literal", text: returned + by("unknown (HELO [192.0.2.1]) (203.0.113.66)", "with SMTP") + plain, doubt: spfFails},
		{name: "qmail, HELO is a name and a literal", text: returned + by("unknown (HELO mail.example.com [192.0.2.1]) (203.0.113.66)", "with SMTP") + plain, doubt: spfFails},
		{name: "qmail, nothing but the HELO", text: returned + by("unknown (HELO [192.0.2.1])", "with SMTP") + plain, doubt: "does not tell the address"},
		{name: "qmail, ident reply is an address", text: returned + by("unknown (HELO x) (192.0.2.1@203.0.113.66)", "with SMTP") + plain, doubt: spfFails},
		{name: "Exim, HELO is an address literal", text: returned + by("[203.0.113.66] (helo=[192.0.2.1])", "with esmtp (Exim 4.98) id 1") + plain, doubt: spfFails},
		{name: "Exim, ident is an address", text: returned + by("host.evil.example ([203.0.113.66] ident=192.0.2.1 helo=[192.0.2.1])", "with esmtp (Exim 4.98) id 1") + plain, doubt: spfFails},
		{name: "Postfix, HELO is an address literal", text: returned + by("[192.0.2.1] (unknown [203.0.113.66])", "(Postfix) with ESMTP id 1") + plain, doubt: spfFails},
		{name: "Sendmail, ident holds an address", text: returned + by("x (IDENT:[192.0.2.1]@host.evil.example [203.0.113.66])", "(8.18.1/8.18.1) with ESMTP id 1") + plain, doubt: spfFails},
		{name: "reverse name is an address", text: returned + by("x (192.0.2.1 [203.0.113.66])", "with ESMTP id 1") + plain, doubt: spfFails},
		{name: "client certificate holds an address", text: returned + by(`x (unknown [203.0.113.66]) (Client CN "mail.example.com [192.0.2.1]", Issuer "x" (not verified))`, "(Postfix) with ESMTPS id 1") + plain, doubt: spfFails},
		{name: "user name holds an address", text: returned + by("x (unknown [203.0.113.66]) (Authenticated sender: [192.0.2.1])", "(Postfix) with ESMTPSA id 1") + plain, doubt: spfFails},
		{name: "CommuniGate, account holds an address", text: returned + by("[203.0.113.66] (account 192.0.2.1 HELO [192.0.2.1])", "(CommuniGate Pro SMTP 6.3) with ESMTP id 1") + plain, doubt: "SPF"},
		{name: "HELO holds a whole comment", text: returned + by("x (mail.example.com [192.0.2.1]) (unknown [203.0.113.66])", "with ESMTP id 1") + plain, doubt: "several addresses"},
		{name: "HELO holds a whole field", text: returned + by("x (mail.example.com [192.0.2.1]) by mx.example.net (Postfix) with ESMTPS id 2 (unknown [203.0.113.66])", "with ESMTP id 1") + plain, doubt: "stands twice"},
		{name: "HELO holds a whole field, server that writes no date", text: returned + "Received: from x by y with LMTP; (unknown [203.0.113.66]) by mx.example.net with ESMTP\n" + madeUp + plain, doubt: "stands twice"},
		{name: "HELO is by", text: returned + by("by (mail.example.com [203.0.113.66])", "with ESMTP id 1") + plain, doubt: spfFails},
		{name: "Exchange, HELO is the victim's", text: returned + by("mail.example.com (203.0.113.66)", "(10.0.0.1) with Microsoft SMTP Server (TLS) id 15") + plain, doubt: spfFails},
		{name: "address literal and nothing else", text: returned + by("[192.0.2.1]", "with ESMTP id 1") + plain, doubt: "what the client said"},
		{name: "address outside of a comment", text: returned + by("mail.example.com [192.0.2.1]", "with ESMTP id 1") + plain, doubt: "what the client said"},
		{name: "Exim, sender's local part is another sender", text: by("mail.example.com ([192.0.2.1])", `with esmtp (Exim 4.98) (envelope-from <"alice@example.com>"@evil.example>) id 1`) + plain, doubt: spfFails},
		{name: "chasquid, HELO is an address literal", text: returned + by("[203.0.113.66] ([192.0.2.1])", "(chasquid) with ESMTP (over SMTP)") + plain, doubt: spfFails},
		{name: "IPv4-mapped client", text: returned + by("mail.example.com (mail.example.com [::ffff:203.0.113.66])", "with ESMTP id 1") + plain, doubt: spfFails},

		// Fields that the sender wrote.
		{name: "made-up field below the border", text: returned + fromForger + madeUp + plain, doubt: spfFails},
		{name: "made-up field, server named", text: returned + fromForger + madeUp + plain, by: own, doubt: spfFails},
		{name: "made-up field, authserv-id named", text: returned + fromForger + madeUp + plain, authserv: own, doubt: spfFails},
		{name: "made-up field, HELO of an own host", text: returned + swap(fromForger, "evil.example (unknown", "mx2.example.net (unknown") + madeUp + plain, doubt: guess},
		{name: "made-up field, HELO of an own host, domain named", text: returned + swap(fromForger, "evil.example (unknown", "mx2.example.net (unknown") + madeUp + plain, by: []string{"example.net"}, doubt: guess},
		{name: "made-up field, unproved reverse name of an own host", text: returned + by("mx2.example.net (mx2.example.net [203.0.113.66])", "with ESMTPS id 1") + madeUp + plain, by: []string{"example.net"}, doubt: guess},
		{name: "made-up field, reverse name may be forged", text: returned + by("mx2.example.net (mx2.example.net [203.0.113.66] (may be forged))", "(8.18.1/8.18.1) with ESMTPS id 1") + madeUp + plain, by: []string{"example.net"}, doubt: guess},
		{name: "made-up field, reverse name of an own host, recipient that names Postfix", text: returned + by("mx2.example.net (mx2.example.net [203.0.113.66])", `with ESMTPS id 1 for <"(Postfix)"@example.net>`) + madeUp + plain, by: []string{"example.net"}, doubt: guess},
		{name: "made-up field below one without an address", text: returned + by("evil.example", "with ESMTP id 1") + madeUp + plain, doubt: "does not tell the address"},
		{name: "made-up field below one without an address, server named", text: returned + by("evil.example", "with ESMTP id 1") + madeUp + plain, by: own, doubt: "does not tell the address"},
		{name: "made-up field by a server of another name", text: returned + swap(fromForger, "by mx.example.net", "by mx.other.example") + madeUp + plain, by: own, doubt: "neither --by"},
		{name: "made-up field behind a content filter", text: returned + by("localhost (localhost [127.0.0.1])", "(Postfix) with ESMTP id 2") + fromForger + madeUp + plain, doubt: spfFails},
		{name: "made-up field that claims Exchange behind Exchange", text: returned + by("mx2.example.net (203.0.113.66)", "(10.0.0.1) with Microsoft SMTP Server id 15") + strings.ReplaceAll(madeUp, "mx.example.net (Postfix)", "mx2.example.net (203.0.113.66)") + plain, doubt: guess},
		{name: "made-up field behind a proxy that hides the client", text: returned + throughProxy + madeUp + plain, doubt: "a proxy"},
		{name: "made-up field behind a proxy, server named", text: returned + throughProxy + madeUp + plain, by: own, doubt: "a proxy"},
		{name: "made-up field and results behind a proxy", text: returned + throughProxy + results + madeUp + plain, authserv: own, doubt: "a proxy"},
		{name: "made-up field below a client that is not in front", text: returned + "Received: by mx.example.net from evil.example (unknown [203.0.113.66]) with ESMTP id 1; Mon, 02 Nov 2026 08:30:00 +0000\n" + madeUp + plain, doubt: "does not begin with a client"},
		{name: "made-up field below one that names no client", text: returned + "Received: by mx.example.net via SMTP; Mon, 02 Nov 2026 08:30:00 +0000\n" + madeUp + plain, by: own, doubt: "does not begin with a client"},
		{name: "a user who logged in, from the victim's address", text: returned + by("mail.example.com (mail.example.com [192.0.2.1])", "(Postfix) with ESMTPSA id 1") + plain, doubt: "logged in"},
		{name: "HELO with blanks takes the server's clause", text: returned + by("x by mx.example.net with LMTP id ([203.0.113.66])", "with ESMTP") + madeUp + plain, doubt: "at a place where no server writes it"},
		{name: "HELO with blanks that ends in with", text: returned + by("x with (mail.example.com [192.0.2.1]) with ([203.0.113.66])", "with ESMTP") + madeUp + plain, doubt: "no server writes it"},
		{name: "HELO with blanks that ends in for", text: returned + by("localhost (localhost [127.0.0.1]) by mx.example.net for ([203.0.113.66])", "with ESMTP") + madeUp + plain, doubt: "no server writes it"},
		{name: "HELO that opens a comment", text: returned + by("x (192.0.2.1) by mx.example.net ( ([203.0.113.66])", "with MailEnable ESMTP") + plain, doubt: "has no end"},
		{name: "HELO that opens a comment and hides its end", text: returned + by(`x (192.0.2.1) by mx.example.net (\`, "(Postfix) with ESMTP") + plain, doubt: "has no end"},
		{name: "HELO that opens an address", text: returned + by("x (192.0.2.1) by mx.example.net id 1 < (unknown [203.0.113.66])", "(Postfix) with ESMTP id 1\n\tfor <bob@example.net>") + plain, doubt: "has no end"},
		{name: "HELO that opens a quoted string", text: returned + by(`x (192.0.2.1) by mx.example.net for <" (unknown [203.0.113.66])`, "(Postfix) with ESMTP id 1\n\tfor <\"bob\"@example.net>") + plain, doubt: "has no end"},
		{name: "HELO of several words", text: returned + by("mail example com (unknown [203.0.113.66])", "with ESMTP") + plain, doubt: "holds blanks"},
		{name: "a user who logged in on the same host", text: returned + by("[192.168.1.5] (localhost [127.0.0.1])", "(Postfix) with ESMTPSA id 1") + madeUp + plain, doubt: "logged in"},
		{name: "a user who logged in at a named host", text: returned + by("mx2.example.net (mx2.example.net [203.0.113.66])", "(Postfix) with ESMTPSA id 1") + madeUp + plain, by: []string{"example.net"}, doubt: "logged in"},
		{name: "results below a user who logged in", text: returned + by("localhost (localhost [127.0.0.1])", "(Postfix) with ESMTPA id 1") + results + madeUp + plain, authserv: own, doubt: "logged in"},
		{name: "fetched from the victim's host", text: returned + "Received: from mail.example.com (mail.example.com [192.0.2.1])\n\tby home.example.net with POP3 (fetchmail-6.4); Mon, 02 Nov 2026 08:31:00 +0000\n" + fromForger + plain, doubt: spfFails},
		{name: "handed over by HTTP from the victim's host", text: returned + by("mail.example.com (mail.example.com [192.0.2.1])", "with HTTP") + fromForger + plain, doubt: "not by SMTP"},
		{name: "a proxy on the same host, HELO of a stranger", text: returned + by("evil.example (localhost [127.0.0.1])", "(Postfix) with ESMTP id 1") + madeUp + plain, doubt: "as no filter of that server does"},
		{name: "another organization's host, the own one named", text: returned + strings.Replace(by("localhost (localhost [127.0.0.1])", "(Postfix) with ESMTP id 1"), "mx.example.net", "gw.example.org", 1) + madeUp + plain, by: own, doubt: "a proxy may hide"},
		{name: "recipient that makes a server one that verifies", text: returned + by("mx2.example.net (mx2.example.net [203.0.113.66])", "with ESMTP id 1 for <bob+(Postfix)@example.net>") + madeUp + plain, by: []string{"example.net"}, doubt: "own organization"},
		{name: "no client named, and another organization's server below", text: returned + "Received: from evil.example by store.example.net with LMTP id 1; Mon, 02 Nov 2026 08:31:00 +0000\n" + strings.ReplaceAll(madeUp, "mx.example.net", "mx.evil.example") + plain, doubt: "another organization's server"},
		{name: "no client named, and a field of weeks ago below", text: returned + "Received: by mx.example.net (Postfix) id 1; Mon, 02 Nov 2026 08:31:00 +0000\n" + strings.ReplaceAll(madeUp, "02 Nov", "02 Oct") + plain, doubt: "another time"},
		{name: "made-up field with a blank before the colon", text: returned + fromForger + strings.Replace(madeUp, "Received:", "Received :", 1) + plain, doubt: spfFails},
		{name: "made-up Received-SPF", text: returned + fromForger + "Received-SPF: pass (mx.example.net: domain of alice@example.com designates 192.0.2.1 as permitted sender)\n" + plain, doubt: spfFails},
		{name: "made-up Return-Path, client that many share", text: by("mail.example.com (mail.example.com [192.0.2.1])", "(Postfix) with ESMTPS id 1") + returned + plain, doubt: "the sender may have written it"},
		{name: "made-up Return-Path twice", text: "Return-Path: <eve@evil.example>\n" + by("mail.example.com (mail.example.com [192.0.2.1])", "(Postfix) with ESMTPS id 1") + returned + plain, doubt: "SPF"},
		{name: "made-up envelope-from below the border", text: by("mail.example.com (mail.example.com [192.0.2.1])", "with ESMTPS id 1") + "Received: from x (x [10.0.0.1]) by y with esmtp (Exim 4.98) (envelope-from <alice@example.com>) id 2\n" + plain, doubt: "MAIL FROM"},
		{name: "Return-Path with a second address", text: "Return-Path: <eve@evil.example> <alice@example.com>\n" + fromForger + plain, doubt: "holds no address"},
		{name: "nothing but made-up fields", text: returned + "Received-SPF: pass\n" + results + plain, authserv: own, doubt: "no Received field"},

		// Who the author is.
		{name: "second From above a signed one", text: returned + fromForger + "From: eve@evil.example\n" + good, doubt: "several From fields"},
		{name: "second From below a signed one", text: returned + fromForger + swap(good, "To: bob", "From: eve@evil.example\nTo: bob"), doubt: "several From fields"},
		{name: "second From of the same domain", text: returned + fromForger + "From: Chief <chief@example.com>\n" + good, doubt: "several From fields"},
		{name: "second From, oversigned", text: returned + fromForger + "From: eve@evil.example\n" + over, doubt: "several From fields"},
		{name: "second From with a blank before the colon", text: returned + fromForger + "From : eve@evil.example\n" + good, doubt: "several From fields"},
		{name: "second From in capitals", text: returned + fromForger + "FROM: eve@evil.example\n" + good, doubt: "several From fields"},
		{name: "second From that is empty", text: returned + fromForger + "From:\n" + good, doubt: "several From fields"},
		{name: "two authors, one signed", text: returned + fromForger + evil(from("eve@evil.example, alice@example.com")), doubt: "several domains"},
		{name: "two authors in a group", text: returned + fromForger + evil(from("All: eve@evil.example, alice@example.com;")), doubt: "several domains"},
		{name: "a line that looks like a From field", text: returned + fromForger + "\xef\xbb\xbfFrom: eve@evil.example\n" + good, doubt: "a line that is no field stands before"},
		{name: "a line that is no field", text: returned + fromForger + "this is no field\n" + good, doubt: "a line that is no field stands before"},
		{name: "no author", text: returned + fromForger + evil(from("Alice")), doubt: "no address"},
		{name: "more authors than are read", text: returned + fromForger + evil(from(strings.Repeat("eve@evil.example, ", 120)+"alice@example.com")), doubt: "more addresses than are read"},
		{name: "From field of a megabyte", text: returned + fromForger + evil(from(strings.Repeat("=?utf-8?q?a?= ", 80000)+"<alice@example.com>")), doubt: "more than 8000 characters"},
		{name: "Received field of a megabyte", text: returned + by(strings.Repeat("x ", 500000)+"(mail.example.com [192.0.2.1])", "with ESMTP id 1") + plain, doubt: "more than 32 kB"},
		{name: "address with two @", text: "Return-Path: <eve@evil.example>\n" + fromForger + evil(from("alice@example.com@evil.example")), doubt: "not written as RFC 5322"},
		{name: "address behind an unclosed quotation mark", text: "Return-Path: <eve@evil.example>\n" + fromForger + evil(from(`"alice@example.com <eve@evil.example>`)), doubt: "not written as RFC 5322"},
		{name: "address behind an unclosed comment", text: "Return-Path: <eve@evil.example>\n" + fromForger + evil(from(`alice@example.com (<eve@evil.example>`)), doubt: "not written as RFC 5322"},
		{name: "two addresses without a comma", text: "Return-Path: <eve@evil.example>\n" + fromForger + evil(from(`<eve@evil.example> <eve@evil.example>`)), doubt: "a comma is missing"},

		// Signatures.
		{name: "signature of another domain", text: returned + fromForger + evil(plain), doubt: "no valid signature is aligned"},
		{name: "signature of a domain that ends so", text: returned + fromForger + raw("e1", "v=1; a=ed25519-sha256; d=example.com.evil.example; s=e1; h=from; bh={bh}; b={b}"), doubt: "no key record"},
		{name: "identity of the victim's", text: returned + fromForger + raw("e1", "v=1; a=ed25519-sha256; d=evil.example; i=alice@example.com; s=e1; h=from; bh={bh}; b={b}"), doubt: "is not of the domain"},
		{name: "domain twice", text: returned + fromForger + raw("e1", "v=1; a=ed25519-sha256; d=example.com; d=evil.example; s=e1; h=from; bh={bh}; b={b}"), doubt: "stands twice"},
		{name: "selector that leads elsewhere", text: returned + fromForger + raw("e1", "v=1; a=ed25519-sha256; d=example.com; s=e1._domainkey.evil.example; h=from; bh={bh}; b={b}"), doubt: "no key record"},
		{name: "selector with a final dot", text: returned + fromForger + raw("e1", "v=1; a=ed25519-sha256; d=example.com; s=e1._domainkey.evil.example.; h=from; bh={bh}; b={b}"), doubt: "is no domain name"},
		{name: "domain of the suffix", text: returned + fromForger + raw("e1", "v=1; a=ed25519-sha256; d=com; s=e1; h=from; bh={bh}; b={b}"), doubt: "no key record"},
		{name: "From not signed", text: returned + fromForger + raw("s1", "v=1; a=ed25519-sha256; d=example.com; s=s1; h=to:subject; bh={bh}; b={b}"), doubt: "the From field is not signed"},
		{name: "body exchanged", text: returned + fromForger + swap(good, "A line.", "Another bank account."), doubt: "body hash did not verify"},
		{name: "body added", text: returned + fromForger + good + "More.\n", doubt: "body hash did not verify"},
		{name: "subject exchanged", text: returned + fromForger + swap(good, "A letter", "Urgent"), doubt: "signature did not verify"},
		{name: "second subject, oversigned", text: returned + fromForger + "Subject: Urgent\n" + over, doubt: "signature did not verify"},
		{name: "l=0 and another body", text: returned + fromForger + swap(signed(signer{Domain: "example.com", Selector: "s1", Extra: "l=0;"}), "A line.", "Another bank account."), doubt: "tag l"},
		{name: "l and more behind it", text: returned + fromForger + signed(signer{Domain: "example.com", Selector: "s1", Extra: "l=9;"}) + "<div>more</div>\n", doubt: "tag l"},
		{name: "l more than there is", text: returned + fromForger + raw("s1", "v=1; a=ed25519-sha256; d=example.com; s=s1; l=999; h=from; bh={bh}; b={b}"), doubt: "more than the body has"},
		{name: "expired, sent again", text: returned + fromForger + raw("s1", "v=1; a=ed25519-sha256; d=example.com; s=s1; t=1700000000; x=1700086400; h=from; bh={bh}; b={b}"), doubt: "expired on"},
		{name: "expired, and an old date below", text: returned + fromForger + strings.ReplaceAll(madeUp, "2026", "2023") + raw("s1", "v=1; a=ed25519-sha256; d=example.com; s=s1; t=1700000000; x=1700086400; h=from; bh={bh}; b={b}"), doubt: "expired on"},
		{name: "ends before it begins", text: returned + fromForger + raw("s1", "v=1; a=ed25519-sha256; d=example.com; s=s1; t=1900000000; x=1800000000; h=from; bh={bh}; b={b}"), doubt: "ends when it begins"},
		{name: "x=0", text: returned + fromForger + raw("s1", "v=1; a=ed25519-sha256; d=example.com; s=s1; x=0; h=from; bh={bh}; b={b}"), doubt: "expired on"},
		{name: "other fields copied into z", text: returned + fromForger + swap(raw("s1", "v=1; a=ed25519-sha256; d=example.com; s=s1; z=Subject:Urgent|From:eve@evil.example; h=from:subject; bh={bh}; b={b}"), "A letter", "Urgent"), doubt: "signature did not verify"},
		{name: "second b in z", text: returned + fromForger + swap(good, "v=1;", "v=1; z=b=AAAA;"), doubt: "signature did not verify"},
		{name: "SHA-1", text: returned + fromForger + signed(signer{Domain: "example.com", Selector: "r1", Algorithm: "rsa-sha1"}), doubt: "SHA-1"},
		{name: "withdrawn key", text: returned + fromForger + signed(signer{Domain: "example.com", Selector: "gone"}), doubt: "withdrawn"},
		{name: "key for another service", text: returned + fromForger + signed(signer{Domain: "example.com", Selector: "tlsrpt"}), doubt: "does not include e-mail"},
		{name: "key that forbids the identity", text: returned + fromForger + signed(signer{Domain: "example.com", Selector: "strict1", Extra: "i=@mail.example.com;"}), doubt: "flag s"},
		{name: "key of another name at the selector", text: returned + fromForger + signed(signer{Domain: "example.com", Selector: "s1", Key: edKey("other")}), doubt: "signature did not verify"},
		{name: "good signature behind many bad ones", text: returned + fromForger + strings.Repeat("DKIM-Signature: v=1; a=ed25519-sha256; d=example.com; s=none; h=from; bh=AAAA; b=AAAA\n", 30) + good, doubt: "not verified"},
		{name: "good signature behind many of others", text: returned + fromForger + strings.Repeat("DKIM-Signature: v=1; a=ed25519-sha256; d=evil.example; s=none; h=from; bh=AAAA; b=AAAA\n", 30) + good, doubt: "signatures of example.com that were not verified"},
		{name: "tag list with a gap", text: returned + fromForger + raw("s1", "v=1; a=ed25519-sha256; d=example.com;; s=s1; h=from; bh={bh}; b={b}"), doubt: "a semicolon with nothing before it"},
		{name: "more names in h than are read", text: returned + fromForger + raw("s1", "v=1; a=ed25519-sha256; d=example.com; s=s1; h=from"+strings.Repeat(":x", 400)+"; bh={bh}; b={b}"), doubt: "names more than"},

		// What others are said to have found.
		{name: "made-up results of the own server", text: returned + fromForger + results + plain, authserv: own, doubt: "the sender may have written it"},
		{name: "made-up results above a made-up field", text: returned + fromForger + results + madeUp + plain, authserv: own, by: own, doubt: "the sender may have written it"},
		{name: "results of a name that begins so", text: returned + fromForger + strings.Replace(results, "mx.example.net", "mx.example.net.evil.example", 1) + plain, authserv: own, doubt: "anybody can write"},
		{name: "results with the name in a comment", text: returned + fromForger + strings.Replace(results, "mx.example.net", "evil.example (mx.example.net)", 1) + plain, authserv: own, doubt: "anybody can write"},
		{name: "results without a name", text: returned + fromForger + "Authentication-Results: dmarc=pass header.from=example.com\n" + plain, authserv: own, doubt: "names no server"},
		{name: "seal of the forger", text: returned + fromForger + listed(), authserv: own, doubt: "neither SPF nor DKIM"},
		{name: "seal of the forger, results exchanged", text: returned + fromForger + swap(listed(), "dmarc=pass", "dmarc=none"), doubt: "the seal of set 1"},
	} {
		r := check(t, src, c.text, func(o *Options) { o.By, o.Authserv = c.by, c.authserv })
		if r.Verdict == simulate.Pass || r.Why == "" {
			t.Errorf("%s: %s (%s)", c.name, r.Verdict, r.Why)
		}
		if text := told(r); !strings.Contains(text, c.doubt) {
			t.Errorf("%s: %q is not told:\n%s", c.name, c.doubt, text)
		}
		for _, rep := range r.Reports {
			if rep.Trusted {
				t.Errorf("%s: results of %s are trusted", c.name, rep.ID)
			}
		}
	}
}

// Messages that pass by the standards, and yet show their readers something else: the
// doubt is told.
func TestPassesWithDoubt(t *testing.T) {
	src := world(t)
	evil := func(from string) string {
		m := parsed(t, crlfText(strings.Replace(plain, "Alice <alice@example.com>", from, 1)))
		m.prepend(signer{Domain: "evil.example", Selector: "e1"}.sign(m))
		return "Return-Path: <eve@evil.example>\n" + fromForger + strings.ReplaceAll(string(m.text()), "\r\n", "\n")
	}
	good := func() string {
		m := parsed(t, crlfText(plain))
		m.prepend(signer{Domain: "example.com", Selector: "s1"}.sign(m))
		return strings.ReplaceAll(string(m.text()), "\r\n", "\n")
	}()
	for name, c := range map[string]struct{ text, author, doubt string }{
		"the victim's address as a name":       {evil(`"alice@example.com" <eve@evil.example>`), "evil.example", "holds an address of another domain, alice@example.com"},
		"the victim's address as encoded word": {evil(`=?utf-8?q?alice=40example.com?= <eve@evil.example>`), "evil.example", "holds an address of another domain, alice@example.com"},
		"the victim's address in a comment":    {evil(`eve@evil.example (alice@example.com)`), "evil.example", "a comment in the From field"},
		"the victim's address as local part":   {evil(`"alice@example.com"@evil.example`), "evil.example", "holds an @"},
		"the victim's domain as a route":       {evil(`<@example.com:eve@evil.example>`), "evil.example", "obsolete route"},
		"the victim's address as a group":      {evil(`"alice@example.com": eve@evil.example;`), "evil.example", "holds an address of another domain"},
		"characters that turn the text around": {evil("\u202emoc.elpmaxe\u202c <eve@evil.example>"), "evil.example", "direction of writing"},
		"a name that looks alike":              {"Return-Path: <x@xn--exmple-4nf.com>\n" + fromForger + strings.Replace(plain, "alice@example.com", "alice@ex\u0430mple.com", 1), "xn--exmple-4nf.com", "mixes scripts"},
		"an old message, sent again": {fromForger + func() string {
			m := parsed(t, crlfText(plain))
			m.prepend(signer{Selector: "s1"}.raw(m, "DKIM-Signature: v=1; a=ed25519-sha256; d=example.com; s=s1; t=1790000000; h=from:from:to:subject:date; bh={bh}; b={b}"))
			return strings.ReplaceAll(string(m.text()), "\r\n", "\n")
		}(), "example.com", "somebody may have sent it again"},
		"a second subject that was not excluded": {fromForger + "Subject: Urgent\n" + good, "example.com", "2 fields Subject"},
	} {
		r := check(t, src, c.text)
		if r.Verdict != simulate.Pass || r.Author.Domain != c.author {
			t.Errorf("%s: %s (%s), author %s", name, r.Verdict, r.Why, r.Author.Domain)
		}
		if !strings.Contains(told(r), c.doubt) {
			t.Errorf("%s: %q is not told:\n%s", name, c.doubt, told(r))
		}
	}
}
