package message

import (
	"strings"
	"testing"
	"time"

	"mxvet/internal/psl"
)

// Received fields as programs write them.
func TestReceived(t *testing.T) {
	for name, c := range map[string]struct {
		value string
		want  Hop
	}{
		"Postfix": {
			"from mail.example.org (mail.example.org [192.0.2.1]) (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519) (No client certificate requested) by mx.example.com (Postfix) with ESMTPS id 4A for <b@example.com>; Mon, 2 Nov 2026 08:30:00 +0000 (UTC)",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTPS", TLS: TLSYes, Time: time.Date(2026, 11, 2, 8, 30, 0, 0, time.UTC)},
		},
		"Postfix, plain, IPv6": {
			"from mail.example.org (unknown [IPv6:2001:db8::1]) by mx.example.com (Postfix) with ESMTP id 4A; Mon, 2 Nov 2026 08:30:00 +0100",
			Hop{Helo: "mail.example.org", IP: ip("2001:db8::1"), By: "mx.example.com", With: "ESMTP", TLS: TLSNo, Time: time.Date(2026, 11, 2, 7, 30, 0, 0, time.UTC)},
		},
		"Exim": {
			"from mail.example.org ([192.0.2.1]) by mx.example.com with esmtps (TLS1.3) tls TLS_AES_256_GCM_SHA384 (Exim 4.98) (envelope-from <a@example.org>) id 1x; Mon, 02 Nov 2026 08:30:00 +0000",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "esmtps", TLS: TLSYes, Sender: "a@example.org", Time: time.Date(2026, 11, 2, 8, 30, 0, 0, time.UTC)},
		},
		"Exim with helo in the comment": {
			"from [192.0.2.1] (port=1234 helo=mail.example.org) by mx.example.com with esmtp (Exim 4.98) (envelope-from <>) id 1x; bad date",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "esmtp", TLS: TLSNo},
		},
		"Gmail": {
			"from mail.example.org (mail.example.org. [192.0.2.1]) by mx.example.com with ESMTPS id a1 for <b@example.com> (version=TLS1_3 cipher=TLS_AES_128_GCM_SHA256 bits=128/128); Mon, 02 Nov 2026 00:30:00 -0800 (PST)",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTPS", TLS: TLSYes, Time: time.Date(2026, 11, 2, 8, 30, 0, 0, time.UTC)},
		},
		"Gmail, inside": {
			"by 2001:db8::a with SMTP id x; Mon, 02 Nov 2026 00:30:00 -0800 (PST)",
			Hop{By: "2001:db8::a", With: "SMTP", TLS: TLSNo, Time: time.Date(2026, 11, 2, 8, 30, 0, 0, time.UTC)},
		},
		"Exchange": {
			"from a.example.org (2001:db8::5) by b.example.com (2001:db8::6) with Microsoft SMTP Server (version=TLS1_3, cipher=TLS_AES_256_GCM_SHA384) id 15.20; Mon, 2 Nov 2026 08:30:00 +0000",
			Hop{Helo: "a.example.org", IP: ip("2001:db8::5"), By: "b.example.com", With: "Microsoft", TLS: TLSYes, Time: time.Date(2026, 11, 2, 8, 30, 0, 0, time.UTC)},
		},
		"sendmail": {
			"from mail.example.org (host.example.net [192.0.2.1] (may be forged)) by mx.example.com (8.18.1/8.18.1) with ESMTPS id x (version=TLSv1.3 cipher=X bits=256 verify=NO); Mon, 2 Nov 2026 08:30:00 GMT",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTPS", TLS: TLSYes, Time: time.Date(2026, 11, 2, 8, 30, 0, 0, time.UTC)},
		},
		"qmail": {
			"from unknown (HELO mail.example.org) (192.0.2.1) by mx.example.com with SMTP; 2 Nov 2026 08:30:00 -0000",
			Hop{Helo: "mail.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "SMTP", TLS: TLSNo, Time: time.Date(2026, 11, 2, 8, 30, 0, 0, time.UTC)},
		},
		"address literal as HELO": {
			"from [10.1.2.3] (host.example.net [192.0.2.1]) by mx.example.com with ESMTPSA id x; Mon, 2 Nov 2026 08:30:00 +0000",
			Hop{IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTPSA", TLS: TLSYes, Time: time.Date(2026, 11, 2, 8, 30, 0, 0, time.UTC)},
		},
		"a host called tls": {
			"from tls.example.org (tls.example.org [192.0.2.1]) by mx.example.com with ESMTP id x",
			Hop{Helo: "tls.example.org", IP: ip("192.0.2.1"), By: "mx.example.com", With: "ESMTP", TLS: TLSNo},
		},
		"local": {
			"by mx.example.com (Postfix, from userid 1000) id 4A; Mon, 2 Nov 2026 08:30:00 +0000",
			Hop{By: "mx.example.com", TLS: TLSUnknown, Time: time.Date(2026, 11, 2, 8, 30, 0, 0, time.UTC)},
		},
		"nonsense": {"((((", Hop{TLS: TLSUnknown}},
	} {
		got := parseReceived(c.value)
		got.names = nil
		if got.Helo != c.want.Helo || got.IP != c.want.IP || got.By != c.want.By || got.With != c.want.With || got.TLS != c.want.TLS || got.Sender != c.want.Sender || !got.Time.Equal(c.want.Time) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, c.want)
		}
	}
}

func TestBorder(t *testing.T) {
	hop := func(from, ip, by string) string {
		return "Received: from " + from + " (" + from + " [" + ip + "]) by " + by + " with ESMTPS id x; Mon, 2 Nov 2026 08:30:00 +0000\n"
	}
	for name, c := range map[string]struct {
		header string
		want   int // number of the hop, 0 is none
		doubt  string
	}{
		"none":    {"", 0, ""},
		"one hop": {hop("mail.example.org", "192.0.2.1", "mx.example.com"), 1, ""},
		"behind a relay": {hop("mx.example.com", "10.0.0.1", "store.example.com") +
			hop("mail.example.org", "192.0.2.1", "mx.example.com"), 2, ""},
		"behind a relay with a public address": {hop("mx.example.com", "198.51.100.1", "store.example.com") +
			hop("mail.example.org", "192.0.2.1", "mx.example.com"), 2, "2 fields"},
		"forwarded": {hop("list.example.net", "198.51.100.9", "mx.example.com") +
			hop("mail.example.org", "192.0.2.1", "list.example.net"), 1, "2 fields"},
		"within one organization": {hop("out.example.com", "192.0.2.1", "mx.example.com"), 1, "own organization"},
		"private only":            {hop("pc", "192.168.1.2", "mx.example.com") + hop("pc", "127.0.0.1", "localhost"), 0, ""},
		// The sender chooses what it calls itself, and what stands below.
		"a client that claims to be inside": {"Received: from mx2.example.com (unknown [203.0.113.66]) by mx.example.com with ESMTP\n" +
			hop("mail.example.org", "192.0.2.1", "mx2.example.com"), 1, "calls itself"},
	} {
		m := parsed(t, c.header+plain)
		got, doubt := border(m.hops(), psl.Default())
		switch {
		case c.want == 0 && got != nil, c.want > 0 && (got == nil || got.Number != c.want):
			t.Errorf("%s: %+v", name, got)
		case !strings.Contains(doubt, c.doubt) || (doubt == "") != (c.doubt == ""):
			t.Errorf("%s: doubt %q", name, doubt)
		}
	}
}
