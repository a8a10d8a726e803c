package message

import (
	"strings"
	"testing"
	"time"

	"mxvet/internal/psl"
)

var halfPastEight = time.Date(2026, 11, 2, 8, 30, 0, 0, time.UTC)

// Received fields as programs write them.
func TestReceived(t *testing.T) {
	for name, c := range map[string]struct {
		value string
		want  Hop
	}{
		"Postfix": {
			"from mail.example.org (mail.example.org [192.0.2.1]) (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519) (No client certificate requested) by mx.example.com (Postfix) with ESMTPS id 4A for <b@example.com>; Mon, 2 Nov 2026 08:30:00 +0000 (UTC)",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTPS", TLS: TLSYes, Time: halfPastEight},
		},
		"Postfix, plain, IPv6": {
			"from mail.example.org (unknown [IPv6:2001:db8::1]) by mx.example.com (Postfix) with ESMTP id 4A; Mon, 2 Nov 2026 08:30:00 +0100",
			Hop{Helo: "mail.example.org", IP: ip("2001:db8::1"), By: "mx.example.com", With: "ESMTP", TLS: TLSNo, Time: time.Date(2026, 11, 2, 7, 30, 0, 0, time.UTC)},
		},
		"Exim": {
			"from mail.example.org ([192.0.2.1]) by mx.example.com with esmtps (TLS1.3) tls TLS_AES_256_GCM_SHA384 (Exim 4.98) (envelope-from <a@example.org>) id 1x; Mon, 02 Nov 2026 08:30:00 +0000",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "esmtps", TLS: TLSYes, Sender: "a@example.org", Time: halfPastEight},
		},
		"Exim with helo in the comment": {
			"from [192.0.2.1] (port=1234 helo=mail.example.org) by mx.example.com with esmtp (Exim 4.98) (envelope-from <>) id 1x; bad date",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "esmtp", TLS: TLSNo},
		},
		"Gmail": {
			"from mail.example.org (mail.example.org. [192.0.2.1]) by mx.example.com with ESMTPS id a1 for <b@example.com> (version=TLS1_3 cipher=TLS_AES_128_GCM_SHA256 bits=128/128); Mon, 02 Nov 2026 00:30:00 -0800 (PST)",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTPS", TLS: TLSYes, Time: halfPastEight},
		},
		"Gmail, inside": {
			"by 2001:db8::a with SMTP id x; Mon, 02 Nov 2026 00:30:00 -0800 (PST)",
			Hop{By: "2001:db8::a", With: "SMTP", TLS: TLSNo, Time: halfPastEight},
		},
		"Exchange": {
			"from a.example.org (2001:db8::5) by b.example.com (2001:db8::6) with Microsoft SMTP Server (version=TLS1_3, cipher=TLS_AES_256_GCM_SHA384) id 15.20; Mon, 2 Nov 2026 08:30:00 +0000",
			Hop{Helo: "a.example.org", IP: ip("2001:db8::5"), By: "b.example.com", With: "Microsoft SMTP Server", TLS: TLSYes, Time: halfPastEight},
		},
		"sendmail": {
			"from mail.example.org (host.example.net [192.0.2.1] (may be forged)) by mx.example.com (8.18.1/8.18.1) with ESMTPS id x (version=TLSv1.3 cipher=X bits=256 verify=NO); Mon, 2 Nov 2026 08:30:00 GMT",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTPS", TLS: TLSYes, Time: halfPastEight},
		},
		"qmail": {
			"from unknown (HELO mail.example.org) (192.0.2.1) by mx.example.com with SMTP; 2 Nov 2026 08:30:00 -0000",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "SMTP", TLS: TLSNo, Time: halfPastEight},
		},
		"address literal as HELO": {
			"from [10.1.2.3] (host.example.net [192.0.2.1]) by mx.example.com with ESMTPSA id x; Mon, 2 Nov 2026 08:30:00 +0000",
			Hop{Helo: "[10.1.2.3]", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTPSA", TLS: TLSYes, Time: halfPastEight},
		},
		"a host called tls": {
			"from tls.example.org (tls.example.org [192.0.2.1]) by mx.example.com with ESMTP id x",
			Hop{Helo: "tls.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTP", TLS: TLSNo},
		},
		"local": {
			"by mx.example.com (Postfix, from userid 1000) id 4A; Mon, 2 Nov 2026 08:30:00 +0000",
			Hop{By: "mx.example.com", TLS: TLSUnknown, Time: halfPastEight},
		},
		"nonsense": {"((((", Hop{TLS: TLSUnknown}},
		"Postfix, client certificate that holds an address": {
			"from mail.example.org (mail.example.org [192.0.2.1]) (using TLSv1.3 with cipher X (256/256 bits)) (Client CN \"x [203.0.113.9]\", Issuer \"y\" (not verified)) by mx.example.com (Postfix) with ESMTPS id 4A",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTPS", TLS: TLSYes},
		},
		"Postfix, HELO by": {
			"from by (unknown [192.0.2.1]) by mx.example.com (Postfix) with ESMTP id 4A",
			Hop{Helo: "by", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTP", TLS: TLSNo},
		},
		"Exim, address alone": {
			"from [192.0.2.1] by mx.example.com with esmtp (Exim 4.98) id 1x",
			Hop{Helo: "[192.0.2.1]", IP: ip("192.0.2.1"), By: "mx.example.com", With: "esmtp", TLS: TLSNo},
		},
		"Exim, name, port, HELO and ident": {
			"from host.example.org ([192.0.2.1]:4321 helo=mail.example.org\tident=x) by mx.example.com with esmtps (TLS1.3) tls TLS_AES_128_GCM_SHA256 (Exim 4.98) id 1x",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "esmtps", TLS: TLSYes},
		},
		"Exim, HELO that is an address": {
			"from [192.0.2.1] (helo=[203.0.113.9]) by mx.example.com with esmtp (Exim 4.98) id 1x",
			Hop{Helo: "[203.0.113.9]", IP: ip("192.0.2.1"), By: "mx.example.com", With: "esmtp", TLS: TLSNo},
		},
		"qmail, HELO that is an address": {
			"from unknown (HELO [203.0.113.9]) (198.51.100.66) by mx.example.com with SMTP; 2 Nov 2026 08:30:00 -0000",
			Hop{Helo: "[203.0.113.9]", IP: ip("198.51.100.66"), By: "mx.example.com", With: "SMTP", TLS: TLSNo, Time: halfPastEight},
		},
		"netqmail with TLS, ident": {
			"from host.example.org (HELO mail.example.org) (root@192.0.2.1) by mx.example.com with (TLS_AES_256_GCM_SHA384 encrypted) SMTP; 2 Nov 2026 08:30:00 -0000",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "SMTP", TLS: TLSYes, Time: halfPastEight},
		},
		"qmail, same name": {
			"from mail.example.org (192.0.2.1) by mx.example.com with SMTP; 2 Nov 2026 08:30:00 -0000",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "SMTP", TLS: TLSNo, Time: halfPastEight},
		},
		"qmail, nothing but the HELO": {
			"from unknown (HELO [192.0.2.1]) by mx.example.com with SMTP",
			Hop{Helo: "[192.0.2.1]", By: "mx.example.com", With: "SMTP", TLS: TLSNo, Doubt: "does not tell"},
		},
		"Microsoft 365": {
			"from mail.example.org (192.0.2.1) by AM1EUR02FT001.mail.example.com (10.152.0.1) with Microsoft SMTP Server (version=TLS1_3, cipher=TLS_AES_256_GCM_SHA384) id 15.20.1 via Frontend Transport; Mon, 2 Nov 2026 08:30:00 +0000",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "am1eur02ft001.mail.example.com", With: "Microsoft SMTP Server", TLS: TLSYes, Time: halfPastEight},
		},
		"Exchange, MAPI": {
			"from a.example.com ([fe80::1]) by b.example.com ([fe80::1%3]) with mapi id 15.20.1; Mon, 2 Nov 2026 08:30:00 +0000",
			Hop{Helo: "a.example.com", IP: ip("fe80::1"), By: "b.example.com", With: "mapi", TLS: TLSUnknown, Time: halfPastEight, Doubt: "by mapi"},
		},
		"Exchange 2010": {
			"from mail.example.org (192.0.2.1) by mx.example.com (10.0.0.1) with Microsoft SMTP Server (TLS) id 14.3.1",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "Microsoft SMTP Server", TLS: TLSYes},
		},
		"Exchange in clear": {
			"from mail.example.org (192.0.2.1) by mx.example.com (10.0.0.1) with Microsoft SMTP Server id 15.1.1",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "Microsoft SMTP Server", TLS: TLSUnknown},
		},
		"IIS": {
			"from mail.example.org ([192.0.2.1]) by mx.example.com with Microsoft SMTPSVC(8.5.9600.16384); Mon, 2 Nov 2026 08:30:00 +0000",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "Microsoft SMTPSVC", TLS: TLSUnknown, Time: halfPastEight},
		},
		"Google, between its own": {
			"from mail-sor-f41.example.com (mail-sor-f41.example.com. [192.0.2.1]) by mx.example.com with SMTPS id a1 for <b@example.com> (Google Transport Security)",
			Hop{Helo: "mail-sor-f41.example.com", IP: ip("192.0.2.1"), By: "mx.example.com", With: "SMTPS", TLS: TLSYes},
		},
		"Google, no reverse name, IPv6": {
			"from mail.example.org ([2001:db8::1]) by mx.example.com with ESMTPS id a1",
			Hop{Helo: "mail.example.org", IP: ip("2001:db8::1"), By: "mx.example.com", With: "ESMTPS", TLS: TLSYes},
		},
		"Amazon": {
			"from mail.example.org (mail.example.org [192.0.2.1]) by inbound-smtp.eu-west-1.amazonaws.com with SMTP id abc for b@example.com; Mon, 02 Nov 2026 08:30:00 +0000 (UTC)",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "inbound-smtp.eu-west-1.amazonaws.com", With: "SMTP", TLS: TLSUnknown, Time: halfPastEight},
		},
		"OpenSMTPD": {
			"from mail.example.org (<unknown> [192.0.2.1]) by mx.example.com (OpenSMTPD) with ESMTPS id 12ab (TLSv1.3:TLS_AES_256_GCM_SHA384:256:NO) for <b@example.com>; Mon, 2 Nov 2026 08:30:00 +0000 (UTC)",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTPS", TLS: TLSYes, Time: halfPastEight},
		},
		"OpenSMTPD, old": {
			"from mail.example.org (mail.example.org. [192.0.2.1]); by mx.example.com (OpenSMTPD) with ESMTP id 12ab (TLSv1:X:256:NO); for <b@example.com>; Mon, 2 Nov 2026 08:30:00 +0000",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTP", TLS: TLSYes, Time: halfPastEight},
		},
		"Courier, IPv4-mapped": {
			"from mail.example.org (mail.example.org [::ffff:192.0.2.1]) (TLS: TLS1.3,256bits,TLS_AES_256_GCM_SHA384) by mx.example.com with ESMTPS id 000000; Mon, 02 Nov 2026 08:30:00 +0000",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTPS", TLS: TLSYes, Time: halfPastEight},
		},
		"MailEnable": {
			"from mail.example.org ([192.0.2.1]) by mx.example.com with MailEnable ESMTP; Mon, 2 Nov 2026 08:30:00 +0000",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "MailEnable ESMTP", TLS: TLSNo, Time: halfPastEight},
		},
		"MailEnable with TLS": {
			"from mail.example.org ([192.0.2.1]) by mx.example.com with MailEnable ESMTPS (version=TLS1_2 cipher=X bits=256); Mon, 2 Nov 2026 08:30:00 +0000",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "MailEnable ESMTPS", TLS: TLSYes, Time: halfPastEight},
		},
		"hMailServer": {
			"from mail.example.org (host.example.net [192.0.2.1]) by mx.example.com with ESMTPS (version=TLSv1.2 cipher=X bits=256) ; Mon, 2 Nov 2026 08:30:00 +0000",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTPS", TLS: TLSYes, Time: halfPastEight},
		},
		"Yahoo": {
			"from 192.0.2.1 (EHLO mail.example.org) by 10.0.0.1 with SMTPs; Mon, 02 Nov 2026 08:30:00 +0000",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "10.0.0.1", With: "SMTPs", TLS: TLSYes, Time: halfPastEight},
		},
		"CommuniGate": {
			"from [192.0.2.1] (account a@example.org HELO mail.example.org) by mx.example.com (CommuniGate Pro SMTP 6.3.1) with ESMTPSA id 1",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTPSA", TLS: TLSYes},
		},
		"Stalwart": {
			"from mail.example.org (mail.example.org [192.0.2.1] (AS64500 EXAMPLE, EX)) (using TLSv1.3 with cipher TLS13_AES_256_GCM_SHA384) by mx.example.com (Stalwart SMTP) with ESMTPS id 1; Mon, 2 Nov 2026 08:30:00 +0000",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTPS", TLS: TLSYes, Time: halfPastEight},
		},
		"sendmail, submission": {
			"(from root@localhost) by mx.example.com (8.18.1/8.18.1/Submit) id x; Mon, 2 Nov 2026 08:30:00 GMT",
			Hop{By: "mx.example.com", TLS: TLSUnknown, Time: halfPastEight},
		},
		"sendmail, ident that holds an address": {
			"from mail.example.org (IDENT:[203.0.113.9]@host.example.net [192.0.2.1]) by mx.example.com (8.18.1/8.18.1) with ESMTP id x; Mon, 2 Nov 2026 08:30:00 GMT",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTP", TLS: TLSNo, Time: halfPastEight},
		},
		"reverse name that is an address": {
			"from mail.example.org (203.0.113.9 [192.0.2.1]) by mx.example.com with ESMTP",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTP", TLS: TLSNo},
		},
		"HELO that holds a whole comment": {
			"from x (mail.example.org [203.0.113.9]) (unknown [192.0.2.1]) by mx.example.com with ESMTP",
			Hop{Helo: "x", By: "mx.example.com", With: "ESMTP", TLS: TLSNo, Doubt: "several addresses"},
		},
		"HELO that holds a whole field": {
			"from x ([203.0.113.9]) by mx.example.com (Postfix) with ESMTPS id 1 (unknown [192.0.2.1]) by mx.example.com with ESMTP",
			Hop{Helo: "x", By: "mx.example.com", With: "ESMTPS", TLS: TLSYes, Doubt: "twice"},
		},
		"address outside of a comment": {
			"from mail.example.org [192.0.2.1] by mx.example.com with ESMTP",
			Hop{Helo: "mail.example.org", By: "mx.example.com", With: "ESMTP", TLS: TLSNo, Doubt: "may be what the client said"},
		},
		"address literal and nothing else": {
			"from [192.0.2.1] by mx.example.com with ESMTP",
			Hop{Helo: "[192.0.2.1]", By: "mx.example.com", With: "ESMTP", TLS: TLSNo, Doubt: "may be what the client said"},
		},
		"HELO in words of TLS": {
			"from encrypted.example.org (tls1.example.org [192.0.2.1]) by mx.example.com with ESMTP id x",
			Hop{Helo: "encrypted.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTP", TLS: TLSNo},
		},
		"HELO that is a comment about TLS": {
			"from x (using TLSv1.3 with cipher X) (unknown [192.0.2.1]) by mx.example.com with ESMTP id x",
			Hop{Helo: "x", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTP", TLS: TLSNo},
		},
		"recipient in words of TLS": {
			"from mail.example.org (mail.example.org [192.0.2.1]) by mx.example.com with ESMTP id tls1.3 for <tls@version=tls1.example.com>; Mon, 2 Nov 2026 08:30:00 +0000",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTP", TLS: TLSNo, Time: halfPastEight},
		},
		"semicolon in a comment": {
			"from mail.example.org (mail.example.org [192.0.2.1]) by mx.example.com (a; b) with ESMTP; Mon, 2 Nov 2026 08:30:00 +0000 (now; then)",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTP", TLS: TLSNo, Time: halfPastEight},
		},
		"recipient whose local part is a comment about TLS": {
			"from mail.example.org (mail.example.org [192.0.2.1]) by mx.example.com with ESMTP id x for <\"(using TLSv1.3)\"@example.com>; Mon, 2 Nov 2026 08:30:00 +0000",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTP", TLS: TLSNo, Time: halfPastEight},
		},
		"recipient whose local part is the date": {
			"from mail.example.org (mail.example.org [192.0.2.1]) by mx.example.com with ESMTP id x for <\"a; Mon, 2 Nov 2020 08:30:00 +0000 (\"@example.com>; Mon, 2 Nov 2026 08:30:00 +0000",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTP", TLS: TLSNo, Time: halfPastEight},
		},
		"Exim, sender whose local part ends the comment": {
			"from mail.example.org ([192.0.2.1]) by mx.example.com with esmtp (Exim 4.98) (envelope-from <\"a)(using TLSv1.3\"@example.org>) id 1x",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "esmtp", TLS: TLSNo, Sender: "\"a)(using TLSv1.3\"@example.org"},
		},
		"Exim, sender whose local part holds another address": {
			"from mail.example.org ([192.0.2.1]) by mx.example.com with esmtp (Exim 4.98) (envelope-from <\"alice@example.com>\"@example.org>) id 1x",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "esmtp", TLS: TLSNo, Sender: "\"alice@example.com>\"@example.org"},
		},
		"Cisco": {
			"from unknown (HELO mail.example.org) ([192.0.2.1]) by esa6.example.com with ESMTP/TLS/AES256-SHA256; 02 Nov 2026 08:30:00 +0000",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "esa6.example.com", With: "ESMTP/TLS/AES256-SHA256", TLS: TLSYes, Time: halfPastEight},
		},
		"Cisco in clear": {
			"from unknown (HELO mail.example.org) ([192.0.2.1]) by esa6.example.com with ESMTP; 02 Nov 2026 08:30:00 +0000",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "esa6.example.com", With: "ESMTP", TLS: TLSNo, Time: halfPastEight},
		},
		"clause tls of RFC 8314": {
			"from mail.example.org (mail.example.org [192.0.2.1]) by mx.example.com with ESMTP tls TLS_AES_128_GCM_SHA256 id x",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTP", TLS: TLSYes},
		},
		"HELO tls": {
			"from tls (unknown [192.0.2.1]) by mx.example.com with ESMTP id tls",
			Hop{Helo: "tls", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTP", TLS: TLSNo},
		},
		"chasquid": {
			"from [192.0.2.1] (mail.example.org)\tby mx.example.com (chasquid) with ESMTPS\ttls TLS_AES_128_GCM_SHA256\t(over SMTP, TLS-1.3, envelope from \"a@example.org\")\t; Mon, 02 Nov 2026 08:30:00 +0000",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTPS", TLS: TLSYes, Time: halfPastEight},
		},
		"chasquid, HELO is an address": {
			"from [192.0.2.1] ([203.0.113.9])\tby mx.example.com (chasquid) with ESMTP\t(over SMTP, plain text!, envelope from \"a@example.org\")\t; Mon, 02 Nov 2026 08:30:00 +0000",
			Hop{Helo: "[203.0.113.9]", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTP", TLS: TLSNo, Time: halfPastEight},
		},
	} {
		got := parseReceived(c.value)
		if got.Helo != c.want.Helo || got.IP != c.want.IP || got.By != c.want.By || got.With != c.want.With || got.TLS != c.want.TLS || got.Sender != c.want.Sender || !got.Time.Equal(c.want.Time) ||
			!strings.Contains(got.Doubt, c.want.Doubt) || c.want.Doubt == "" && got.Doubt != "" && c.want.IP.IsValid() {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, c.want)
		}
	}
}

// The field at which a message came to its receiver, by what the user says of the
// receiver's servers.
func TestBorder(t *testing.T) {
	hop := func(from, ip, by string) string {
		return "Received: from " + from + " (" + from + " [" + ip + "]) by " + by + " (Postfix) with ESMTPS id x; Mon, 2 Nov 2026 08:30:00 +0000\n"
	}
	unverified := func(from, ip, by string) string { return strings.Replace(hop(from, ip, by), "(Postfix) ", "", 1) }
	relayed := hop("mx.example.com", "198.51.100.1", "store.example.com") + hop("mail.example.org", "192.0.2.1", "mx.example.com")
	below := hop("mail.example.org", "192.0.2.1", "mx.example.com")
	inside := hop("mx.example.com", "10.0.0.1", "store.example.com") + below
	filtered := "Received: from localhost (localhost [IPv6:::1]) by mx.example.com (Postfix) with ESMTP; Mon, 2 Nov 2026 08:30:01 +0000\n"
	microsoft := "Received: from a.prod.example.com (2001:db8:1::5) by b.prod.example.com (2001:db8:1::6) with Microsoft SMTP Server id 15; Mon, 2 Nov 2026 08:30:00 +0000\n" +
		"Received: from mail.example.org (192.0.2.1) by a.prod.example.com (2001:db8:1::5) with Microsoft SMTP Server id 15; Mon, 2 Nov 2026 08:30:00 +0000\n"
	for name, c := range map[string]struct {
		header string
		by     string
		want   int // number of the hop, 0 is none
		known  bool
		doubt  string
	}{
		"none":                       {"", "", 0, false, ""},
		"one hop":                    {hop("mail.example.org", "192.0.2.1", "mx.example.com"), "", 1, true, ""},
		"one hop, server named":      {hop("mail.example.org", "192.0.2.1", "mx.example.com"), "mx.example.com", 1, true, ""},
		"one hop, domain named":      {hop("mail.example.org", "192.0.2.1", "mx.example.com"), "Example.COM.", 1, true, ""},
		"one hop, another is named":  {hop("mail.example.org", "192.0.2.1", "mx.example.com"), "mx.example.net", 1, false, "neither --by"},
		"name that ends in the same": {hop("mail.example.org", "192.0.2.1", "mx.evilexample.com"), "example.com", 1, false, "neither --by"},
		// A private address may be that of a proxy, and then the sender wrote all below.
		"behind a relay":                       {inside, "", 1, false, "private address 10.0.0.1"},
		"behind a relay, address named":        {inside, "10.0.0.1 mx.example.com", 2, true, ""},
		"behind a relay, name named":           {inside, "mx.example.com", 2, true, ""},
		"behind a relay, unproved name named":  {strings.ReplaceAll(inside, "(Postfix) ", ""), "mx.example.com", 1, false, "private address 10.0.0.1"},
		"behind two relays":                    {hop("a", "10.0.0.2", "a.example.com") + inside, "", 1, false, "private address 10.0.0.2"},
		"behind two relays, one of them named": {hop("a", "10.0.0.2", "a.example.com") + inside, "10.0.0.2", 2, false, "private address 10.0.0.1"},
		"behind two relays, both named":        {hop("a", "10.0.0.2", "a.example.com") + inside, "10.0.0.0/24 mx.example.com", 3, true, ""},
		"of this link":                         {hop("a", "fe80::1", "mx.example.com") + below, "", 1, false, "fe80::1"},
		"a proxy, and the server's own name":   {hop("mail.example.org", "172.17.0.1", "mx.example.com") + below, "", 1, false, "proxy"},
		"a proxy, and the same, server named":  {hop("mail.example.org", "172.17.0.1", "mx.example.com") + below, "mx.example.com", 1, false, "proxy"},
		"a proxy in front of a filter":         {filtered + hop("mail.example.org", "172.17.0.1", "mx.example.com") + below, "", 2, false, "proxy"},
		// A program of the same host hands back what was its server's before.
		"behind a content filter":                             {filtered + below, "", 2, true, ""},
		"behind a content filter that calls itself localhost": {"Received: from localhost (localhost [127.0.0.1]) by mx.example.com (Postfix) with ESMTP; Mon, 2 Nov 2026 08:30:02 +0000\nReceived: from mx.example.com ([127.0.0.1]) by localhost (amavis, port 10024) with ESMTP id x; Mon, 2 Nov 2026 08:30:01 +0000\n" + below, "", 3, true, ""},
		"behind a content filter of another host":             {filtered + strings.ReplaceAll(below, "by mx.", "by mx2."), "", 2, true, ""},
		"the same host, and another's server below":           {filtered + strings.ReplaceAll(below, "by mx.example.com", "by mx.example.org"), "", 1, false, "proxy may hide"},
		"the same host, and weeks before":                     {filtered + strings.Replace(below, "2 Nov", "2 Sep", 1), "", 1, false, "another time"},
		"the same host, and hours after":                      {filtered + strings.Replace(below, "08:30", "11:30", 1), "", 1, false, "another time"},
		"the same host, and no date":                          {filtered + strings.Replace(below, "; Mon, 2 Nov 2026 08:30:00 +0000", "", 1), "", 1, false, "no date"},
		"behind a relay with a public address":                {relayed, "", 1, false, "own organization"},
		"behind a named relay with a public address":          {relayed, "example.com", 2, true, ""},
		"behind a relay in a named network":                   {relayed, "198.51.100.0/24 example.com", 2, true, ""},
		"behind a relay at a named address":                   {relayed, "198.51.100.1 mx.example.com", 2, true, ""},
		"named network, border by another name":               {relayed, "198.51.100.0/24", 2, true, ""},
		"named relay, border by another name":                 {relayed, "198.51.100.1 store.example.com", 2, true, ""},
		"the sender's own network":                            {relayed, "198.51.100.0/24 192.0.2.0/24", 0, false, "not for those of the sender"},
		"the sender's own name":                               {relayed, "example.com example.org", 0, false, "not for those of the sender"},
		"a suffix of everybody":                               {below, "com", 1, false, "neither --by"},
		"relay named by a server that verifies no names":      {strings.ReplaceAll(relayed, "(Postfix) ", ""), "example.com", 1, false, "own organization"},
		"relay whose name may be forged":                      {strings.Replace(strings.Replace(relayed, "(Postfix)", "(8.18.1/8.18.1)", 1), "198.51.100.1]", "198.51.100.1] (may be forged)", 1), "example.com", 1, false, "own organization"},
		"Exchange behind Exchange":                            {microsoft, "", 1, false, "calls itself"},
		"Exchange behind Exchange, by name":                   {microsoft, "prod.example.com", 1, false, "calls itself"},
		"Exchange behind Exchange, by network":                {microsoft, "prod.example.com 2001:db8:1::/48", 2, true, ""},
		"handed over without a client":                        {"Received: by 2002:a00:1:2::a with SMTP id x; Mon, 2 Nov 2026 08:30:00 +0000\n" + hop("mail.example.org", "192.0.2.1", "mx.example.com"), "mx.example.com", 2, true, ""},
		"qmail behind qmail":                                  {"Received: (qmail 12 invoked from network); 2 Nov 2026 08:30:00 -0000\nReceived: from unknown (HELO mail.example.org) (192.0.2.1)\n by mx.example.com with SMTP; 2 Nov 2026 08:30:00 -0000\n", "", 2, true, ""},
		"Dovecot behind Postfix, by a socket":                 {"Received: from mx.example.com\n\tby store.example.com with LMTP\n\tid x (envelope-from <a@example.org>)\n\tfor <b@example.com>; Mon, 2 Nov 2026 08:30:00 +0000\n" + hop("mail.example.org", "192.0.2.1", "mx.example.com"), "", 2, true, ""},
		"Dovecot behind Postfix at a public address":          {"Received: from mx.example.com ([198.51.100.1]) by store.example.com with LMTPS id x; Mon, 2 Nov 2026 08:30:00 +0000\n" + hop("mail.example.org", "192.0.2.1", "mx.example.com"), "", 1, false, "calls itself"},
		"Cyrus behind Postfix":                                {"Received: from mx.example.com ([unix socket])\n\tby store.example.com (Cyrus 3.8) with LMTPA; Mon, 2 Nov 2026 08:30:00 +0000\n" + hop("mail.example.org", "192.0.2.1", "mx.example.com"), "", 2, true, ""},
		"Exim, handed over by a program":                      {"Received: from spamd by mx.example.com with local (Exim 4.98) (envelope-from <a@example.org>) id 1x; Mon, 2 Nov 2026 08:30:00 +0000\n" + hop("mail.example.org", "192.0.2.1", "mx.example.com"), "", 1, false, "handed in"},
		"HELO that says LMTP":                                 {"Received: from x by y with LMTP (unknown [203.0.113.66]) by mx.example.com with ESMTP; Mon, 2 Nov 2026 08:30:00 +0000\n" + hop("mail.example.org", "192.0.2.1", "mx.example.com"), "", 1, false, "twice"},
		"recipient that makes a server one that verifies":     {strings.Replace(unverified("mx2.example.com", "203.0.113.66", "mx.example.com"), "id x;", "id x for <\"(Postfix)\"@example.com>;", 1) + hop("mail.example.org", "192.0.2.1", "mx2.example.com"), "example.com", 1, false, "own organization"},
		"LMTP below the border":                               {hop("list.example.net", "203.0.113.66", "mx.example.com") + "Received: from x by mx.example.com with LMTP; Mon, 2 Nov 2026 08:30:00 +0000\n" + hop("mail.example.org", "192.0.2.1", "mx.example.com"), "mx.example.com", 1, true, ""},
		"forwarded":                                           {hop("list.example.net", "198.51.100.9", "mx.example.com") + hop("mail.example.org", "192.0.2.1", "list.example.net"), "", 1, true, ""},
		"forwarded, server named":                             {hop("list.example.net", "198.51.100.9", "mx.example.com") + hop("mail.example.org", "192.0.2.1", "list.example.net"), "mx.example.com", 1, true, ""},
		"within one organization, the client's address named": {hop("out.example.com", "192.0.2.1", "mx.example.com") + hop("pc", "198.51.100.9", "out.example.com"), "192.0.2.1", 2, true, ""},
		"within one organization":                             {hop("out.example.com", "192.0.2.1", "mx.example.com"), "", 1, false, "own organization"},
		"private only":                                        {hop("pc", "192.168.1.2", "mx.example.com") + hop("pc", "127.0.0.1", "localhost"), "", 0, false, ""},
		"field without an address":                            {"Received: from mail.example.org by mx.example.com with ESMTP\n" + hop("mail.example.org", "192.0.2.1", "mail.example.org"), "", 1, false, "does not tell the address"},
		"field without an address, server named":              {"Received: from mail.example.org by mx.example.com with ESMTP\n" + hop("mail.example.org", "192.0.2.1", "mail.example.org"), "mx.example.com", 1, false, "does not tell the address"},
		"older field that says it is by the border":           {hop("mail.evil.example", "203.0.113.66", "mx.example.com") + hop("mail.example.org", "192.0.2.1", "mx.example.com"), "mx.example.com", 1, true, ""},
		"reverse name of the border's, which nobody proved":   {unverified("mx2.example.com", "203.0.113.66", "mx.example.com") + hop("mail.example.org", "192.0.2.1", "mx2.example.com"), "example.com", 1, false, "own organization"},
		// What a user of the host hands in, and what nobody can read, is no way in.
		"Postfix, handed in by a user":  {"Received: by mx.example.com (Postfix, from userid 1000)\n\tid 4xYz; Mon, 2 Nov 2026 08:30:00 +0000\n" + below, "", 1, false, "handed in"},
		"the same, server named":        {"Received: by mx.example.com (Postfix, from userid 1000)\n\tid 4xYz; Mon, 2 Nov 2026 08:30:00 +0000\n" + below, "mx.example.com", 1, false, "handed in"},
		"Sendmail, handed in by a user": {"Received: (from apache@localhost)\n\tby mx.example.com (8.18.1/8.18.1/Submit) id 4A2; Mon, 2 Nov 2026 08:30:00 +0000\n" + below, "", 1, false, "handed in"},
		"qmail, handed in by a user":    {"Received: (qmail 12 invoked by uid 33); 2 Nov 2026 08:30:00 -0000\n" + below, "", 1, false, "handed in"},
		"Exim, a script of a web site":  {"Received: from www-data by mx.example.com with local (Exim 4.98)\n\tid 1x; Mon, 2 Nov 2026 08:30:00 +0000\n" + below, "mx.example.com", 1, false, "handed in"},
		"local at a public address":     {"Received: from mail.example.net (mail.example.net [203.0.113.66]) by mx.example.com with local-esmtp (Exim 4.98) id 1x; Mon, 2 Nov 2026 08:30:00 +0000\n" + below, "", 1, false, "handed in"},
		"empty":                         {"Received: \n" + below, "", 1, false, "which server wrote it"},
		"no words that tell":            {"Received: garbage\n" + below, "mx.example.com", 1, false, "which server wrote it"},
		"a client, and no server":       {"Received: from mail.example.net (mail.example.net [203.0.113.66]); Mon, 2 Nov 2026 08:30:00 +0000\n" + below, "", 1, false, "which server wrote it"},
		"LMTP at a public address":      {"Received: from mail.example.net (mail.example.net [203.0.113.66]) by mx.example.com with LMTP id x; Mon, 2 Nov 2026 08:30:00 +0000\n" + below, "mx.example.com", 1, true, ""},
		"two addresses of one client":   {"Received: from 203.0.113.66 (EHLO 198.51.100.10) ([198.51.100.10]) by mx.example.com with SMTP; Mon, 2 Nov 2026 08:30:00 +0000\n" + below, "", 1, false, "several addresses"},
		// Of other addresses nobody knows where they are.
		"all zeroes":                    {hop("a", "0.0.0.0", "mx.example.com") + below, "", 1, false, "nobody can tell"},
		"of a provider's customers":     {hop("a", "100.64.0.1", "mx.example.com") + below, "", 1, false, "nobody can tell"},
		"a group":                       {hop("a", "224.0.0.1", "mx.example.com") + below, "", 1, false, "nobody can tell"},
		"Teredo":                        {hop("a", "2001:0:cb00:7142::1", "mx.example.com") + below, "", 1, false, "nobody can tell"},
		"a private address within 6to4": {hop("a", "2002:a00:1::1", "mx.example.com") + below, "", 1, false, "nobody can tell"},
		"a public address within 6to4":  {hop("a", "2002:c000:201::1", "mx.example.com") + below, "", 1, false, "nobody can tell"},
		"an identifier without a place": {hop("a", "2001:20::1", "mx.example.com") + below, "", 1, false, "nobody can tell"},
		"a translated address":          {hop("a", "64:ff9b::c000:201", "mx.example.com") + below, "", 1, true, ""},
		"a translated private address":  {hop("a", "64:ff9b::a00:1", "mx.example.com") + below, "", 1, false, "private address 10.0.0.1"},
		// Fields without a client in front.
		"Google's inside":                      {"Received: by 10.20.30.40 with SMTP id x; Mon, 2 Nov 2026 08:30:00 +0000\n" + below, "", 2, true, ""},
		"Postfix, sent on by an alias":         {"Received: by mx.example.com (Postfix)\n\tid 4xYz; Mon, 2 Nov 2026 08:30:00 +0000\n" + below, "", 2, true, ""},
		"a public address for a name":          {"Received: by 198.51.100.3 with SMTP id x; Mon, 2 Nov 2026 08:30:00 +0000\n" + below, "", 1, false, "does not begin with a client"},
		"client behind the server":             {"Received: by mx.example.com from mail.example.net ([203.0.113.66]) id x; Mon, 2 Nov 2026 08:30:00 +0000\n" + below, "", 1, false, "does not begin with a client"},
		"client behind the server, Postfix":    {"Received: by mx.example.com (Postfix) from mail.example.net ([203.0.113.66]) id x; Mon, 2 Nov 2026 08:30:00 +0000\n" + below, "", 1, false, "does not begin with a client"},
		"client in a comment about the server": {"Received: by mx.example.com (Postfix) (mail.example.net [203.0.113.66]) id x; Mon, 2 Nov 2026 08:30:00 +0000\n" + below, "", 1, false, "does not begin with a client"},
		"SMTP, and no client":                  {"Received: by mx.example.com via SMTP; Mon, 2 Nov 2026 08:30:00 +0000\n" + below, "mx.example.com", 1, false, "does not begin with a client"},
		"SMTP of Postfix, and no client":       {"Received: by mx.example.com (Postfix) with ESMTP id x; Mon, 2 Nov 2026 08:30:00 +0000\n" + below, "mx.example.com", 1, false, "does not begin with a client"},
		"LMTP, and no client":                  {"Received: by mx.example.com with LMTP id x; Mon, 2 Nov 2026 08:30:00 +0000\n" + below, "", 1, false, "does not begin with a client"},
		"another's server, and no client":      {"Received: by relay.evil.example; Mon, 2 Nov 2026 08:30:00 +0000\n" + below, "", 1, false, "does not begin with a client"},
		// The sender chooses what it calls itself, and what stands below.
		"a client that claims to be inside": {"Received: from mx2.example.com (unknown [203.0.113.66]) by mx.example.com with ESMTP\n" +
			hop("mail.example.org", "192.0.2.1", "mx2.example.com"), "", 1, false, "calls itself"},
		"a client that claims to be inside, server named": {"Received: from mx2.example.com (unknown [203.0.113.66]) by mx.example.com (Postfix) with ESMTP\n" +
			hop("mail.example.org", "192.0.2.1", "mx2.example.com"), "example.com", 1, false, "calls itself"},
	} {
		m := parsed(t, c.header+plain)
		b := way{m.hops(), psl.Default(), Options{By: strings.Fields(c.by)}.own()}.border()
		switch {
		case c.want == 0 && b.hop != nil, c.want > 0 && (b.hop == nil || b.hop.Number != c.want), b.known != c.known:
			t.Errorf("%s: %+v", name, b)
		case !strings.Contains(b.doubt, c.doubt) || (b.doubt == "") != (c.doubt == ""):
			t.Errorf("%s: doubt %q", name, b.doubt)
		}
	}
}

// A name in the line to type is a name: it may have come from the sender.
func TestHintIsSafe(t *testing.T) {
	for _, name := range []string{"`id`", "$(id)", "a;id", "x|y", "mx.example.com&", "-x"} {
		if got := yours(name); strings.Contains(got, name) {
			t.Errorf("%s", got)
		}
	}
	for _, name := range []string{"mx.example.com", "192.0.2.1", "2001:db8::1"} {
		if got := yours(name); !strings.Contains(got, "--by "+name+";") {
			t.Errorf("%s", got)
		}
	}
}

// What the user has to type, where a private address is not his word yet.
func TestHint(t *testing.T) {
	hop := func(ip string) string {
		return "Received: from a (a [" + ip + "]) by mx.example.com (Postfix) with ESMTPS id x; Mon, 2 Nov 2026 08:30:00 +0000\n"
	}
	for text, want := range map[string]string{
		hop("10.0.0.2") + hop("10.0.0.1") + hop("192.0.2.1"):                    "--by 10.0.0.2 --by 10.0.0.1;",
		hop("10.0.0.2") + hop("10.0.0.2") + hop("127.0.0.1") + hop("192.0.2.1"): "--by 10.0.0.2;",
		hop("10.0.0.2") + hop("192.0.2.1") + hop("10.0.0.1"):                    "--by 10.0.0.2;",
		hop("fd00::1") + hop("192.0.2.1"):                                       "--by fd00::1;",
	} {
		m := parsed(t, text+plain)
		if b := (way{m.hops(), psl.Default(), own{}}).border(); !strings.Contains(b.hint, "say so: "+want) {
			t.Errorf("%s: %s", text, b.hint)
		}
	}
}
