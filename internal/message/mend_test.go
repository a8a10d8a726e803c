package message

import (
	"slices"
	"strings"
	"testing"

	"mxvet/internal/syntax"
)

// Where a record can mend what was found, it is proposed and proved; nothing lets a
// forger in.
func TestFixes(t *testing.T) {
	src := world(t)
	signed := func(author string, s signer) string {
		m := parsed(t, crlfText(strings.ReplaceAll(plain, "example.com", author)))
		m.prepend(s.sign(m))
		return string(m.text())
	}
	old := func() string {
		m := parsed(t, crlfText(strings.Replace(plain, "02 Nov 2026", "02 Sep 2026", 1)))
		m.prepend(signer{Domain: "example.com", Selector: "s1"}.sign(m))
		return string(m.text())
	}()
	for name, c := range map[string]struct {
		text     string
		fix      string // part of the record, "" where there is no fix
		replaces string
	}{
		"client not in SPF, signed":               {received(signed("example.com", signer{Domain: "example.com", Selector: "s1"}), "a@example.com", "mail.example.com", "198.51.100.7"), `"v=spf1 ip4:198.51.100.7 ip4:192.0.2.1 -all"`, `"v=spf1 ip4:192.0.2.1 -all"`},
		"IPv6 client not in SPF, signed":          {received(signed("example.com", signer{Domain: "example.com", Selector: "s1"}), "a@example.com", "mail.example.com", "2001:db8::7"), `"v=spf1 ip6:2001:db8::7 ip4:192.0.2.1 -all"`, `"v=spf1`},
		"client not in SPF, little is signed":     {received(signed("example.com", signer{Domain: "example.com", Selector: "s1", Headers: "from:to:date"}), "a@example.com", "mail.example.com", "198.51.100.7"), "", ""},
		"client not in SPF, signed weeks ago":     {received(signed("example.com", signer{Domain: "example.com", Selector: "s1", Extra: "t=1788000000;"}), "a@example.com", "mail.example.com", "198.51.100.7"), "", ""},
		"client not in SPF, signed that morning":  {received(signed("example.com", signer{Domain: "example.com", Selector: "s1", Extra: "t=1793606000;"}), "a@example.com", "mail.example.com", "198.51.100.7"), `"v=spf1 ip4:198.51.100.7 ip4:192.0.2.1 -all"`, ""},
		"client not in SPF, not signed":           {received(plain, "a@example.com", "mail.example.com", "198.51.100.7"), "", ""},
		"client not in SPF, another's signature":  {received(signed("example.com", signer{Domain: "evil.example", Selector: "e1"}), "a@example.com", "mail.example.com", "198.51.100.7"), "", ""},
		"client not in SPF of another's domain":   {received(signed("example.com", signer{Domain: "example.com", Selector: "s1"}), "a@list.example", "mail.example.com", "198.51.100.7"), "", ""},
		"path not known":                          {by("unknown (HELO [192.0.2.1])", "with SMTP") + signed("example.com", signer{Domain: "example.com", Selector: "s1"}), "", ""},
		"key record with v at the end":            {received(signed("example.com", signer{Domain: "example.com", Selector: "late"}), "a@list.example", "list.example", "198.51.100.9"), `late._domainkey.example.com. 3600 IN TXT "v=DKIM1; k=ed25519; p=`, `"k=ed25519; v=DKIM1`},
		"key record for another service":          {received(signed("example.com", signer{Domain: "example.com", Selector: "tlsrpt"}), "a@list.example", "list.example", "198.51.100.9"), `tlsrpt._domainkey.example.com. 3600 IN TXT "v=DKIM1; k=ed25519; p=`, `s=tlsrpt`},
		"key record of the kind, body changed":    {received(signed("example.com", signer{Domain: "example.com", Selector: "late"})+"more\n", "a@list.example", "list.example", "198.51.100.9"), "", ""},
		"key of several records":                  {received(signed("example.com", signer{Domain: "example.com", Selector: "two"}), "a@list.example", "list.example", "198.51.100.9"), "", ""},
		"strict alignment, signed by a subdomain": {received(signed("strict.example", signer{Domain: "mail.strict.example", Selector: "sub"}), "a@list.example", "list.example", "198.51.100.9"), `_dmarc.strict.example. 3600 IN TXT "v=DMARC1; p=quarantine; aspf=s"`, `adkim=s`},
		"strict alignment, sent by a subdomain":   {received(strings.ReplaceAll(plain, "example.com", "strict.example"), "a@bounce.strict.example", "mail.example.com", "192.0.2.1"), `_dmarc.strict.example. 3600 IN TXT "v=DMARC1; p=quarantine; adkim=s"`, `aspf=s`},
		"strict alignment, an old message": {received(func() string {
			m := parsed(t, crlfText(strings.ReplaceAll(strings.Replace(plain, "02 Nov 2026", "02 Sep 2026", 1), "example.com", "strict.example")))
			m.prepend(signer{Domain: "mail.strict.example", Selector: "sub"}.sign(m))
			return string(m.text())
		}(), "a@list.example", "list.example", "198.51.100.9"), "", ""},
		"strict alignment, both":                    {received(signed("strict.example", signer{Domain: "mail.strict.example", Selector: "sub"}), "a@bounce.strict.example", "mail.example.com", "192.0.2.1"), `_dmarc.strict.example. 3600 IN TXT "v=DMARC1; p=quarantine; aspf=s"`, `adkim=s`},
		"client of a service":                       {received(signed("example.com", signer{Domain: "example.com", Selector: "s1"}), "a@example.com", "out7.service.example", "198.51.100.7"), "", ""},
		"client of a hoster, HELO of the domain":    {strings.Replace(received(signed("example.com", signer{Domain: "example.com", Selector: "s1"}), "a@example.com", "mail.example.com", "198.51.100.7"), "(mail.example.com [", "(c7.hoster.example [", 1), "", ""},
		"client without a name, HELO of the domain": {strings.Replace(received(signed("example.com", signer{Domain: "example.com", Selector: "s1"}), "a@example.com", "mail.example.com", "198.51.100.7"), "(mail.example.com [", "(unknown [", 1), "", ""},
		"client whose name may be forged":           {strings.Replace(received(signed("example.com", signer{Domain: "example.com", Selector: "s1"}), "a@example.com", "mail.example.com", "198.51.100.7"), "198.51.100.7]", "198.51.100.7] (may be forged)", 1), "", ""},
		"client of Exchange, which writes no names": {by("mail.example.com (198.51.100.7)", "(10.0.0.1) with Microsoft SMTP Server id 15") + signed("example.com", signer{Domain: "example.com", Selector: "s1"}), "", ""},
		"an old message by its date":                {received(old, "a@example.com", "mail.example.com", "198.51.100.7"), "", ""},
		"a message that was sent on by hand":        {received("Resent-From: c@example.net\n"+signed("example.com", signer{Domain: "example.com", Selector: "s1"}), "a@example.com", "mail.example.com", "198.51.100.7"), "", ""},
		"a message of a list":                       {received("List-Id: <l.example.net>\n"+signed("example.com", signer{Domain: "example.com", Selector: "s1"}), "a@example.com", "mail.example.com", "198.51.100.7"), "", ""},
		"a second Subject":                          {received("Subject: other\n"+signed("example.com", signer{Domain: "example.com", Selector: "s1"}), "a@example.com", "mail.example.com", "198.51.100.7"), "", ""},
		"client that the owner bars":                {received(signed("barred.example", signer{Domain: "barred.example", Selector: "s1"}), "a@barred.example", "mail.barred.example", "198.51.100.7"), "", ""},
		"client behind a forwarder":                 {received("Received: from mail.example.com (mail.example.com [192.0.2.1]) by mx.list.example with ESMTP; Mon, 02 Nov 2026 08:29:00 +0000\n"+signed("example.com", signer{Domain: "example.com", Selector: "s1"}), "a@example.com", "", "198.51.100.7"), "", ""},
		"key with the flag y":                       {received(signed("example.com", signer{Domain: "example.com", Selector: "test"}), "a@list.example", "list.example", "198.51.100.9"), `test._domainkey.example.com. 3600 IN TXT "v=DKIM1; k=ed25519; p=`, `t=y`},
		"nothing to mend":                           {received(signed("example.com", signer{Domain: "example.com", Selector: "s1"}), "a@example.com", "mail.example.com", "192.0.2.1"), "", ""},
	} {
		r := check(t, src, c.text)
		if c.fix == "" {
			if len(r.Fixes) > 0 {
				t.Errorf("%s: %+v", name, r.Fixes)
			}
			continue
		}
		if len(r.Fixes) != 1 {
			t.Errorf("%s: %d fixes", name, len(r.Fixes))
			continue
		}
		f := r.Fixes[0]
		if !f.Verified || f.Needs == "" || f.Title == "" || !strings.Contains(strings.Join(f.Records, "\n"), c.fix) || !strings.Contains(strings.Join(f.Replaces, "\n"), c.replaces) {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// What stands in a record goes into a fix as text: it does nothing in a shell, and the
// line means what is published.
func TestFixLines(t *testing.T) {
	src := zones(t, `
hostile.example. 3600 IN TXT "v=spf1 -all"
_dmarc.hostile.example. 3600 IN TXT "v=DMARC1; p=quarantine; adkim=s; n=$(id)\`+"`id`"+`\"\195\188; aspf=s"
sub._domainkey.mail.hostile.example. 3600 IN TXT "`+edRecord("sub")+`"
`)
	m := parsed(t, crlfText(strings.ReplaceAll(plain, "example.com", "hostile.example")))
	m.prepend(signer{Domain: "mail.hostile.example", Selector: "sub"}.sign(m))
	r := check(t, src, received(string(m.text()), "a@list.example", "list.example", "198.51.100.9"))
	if len(r.Fixes) != 1 || !r.Fixes[0].Verified {
		t.Fatalf("%+v", r.Fixes)
	}
	const want = `_dmarc.hostile.example. 3600 IN TXT "v=DMARC1; p=quarantine; n=\036(id)\096id\096\"\195\188; aspf=s"`
	if got := strings.Join(r.Fixes[0].Records, "\n"); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	for _, line := range slices.Concat(r.Fixes[0].Records, r.Fixes[0].Replaces) {
		if strings.ContainsAny(line, "$`\t") || !syntax.ASCII(line) {
			t.Errorf("%s", line)
		}
	}
}

// Where the owner said that a key is not for mail, its fix says that the limit goes.
func TestFixLiftsLimit(t *testing.T) {
	for selector, lifted := range map[string]bool{"tlsrpt": true, "sha1": true, "late": false} {
		m := parsed(t, crlfText(plain))
		m.prepend(signer{Domain: "example.com", Selector: selector}.sign(m))
		r := check(t, world(t), received(string(m.text()), "a@list.example", "list.example", "198.51.100.9"))
		if len(r.Fixes) != 1 || strings.Contains(r.Fixes[0].Needs, "limits it no longer") != lifted {
			t.Errorf("%s: %+v", selector, r.Fixes)
		}
	}
}

func TestSeconds(t *testing.T) {
	for n, want := range map[int64]string{0: "0 s", 119: "119 s", 120: "2 min", 7200: "2 h", 200000: "2 days", -5: "the clocks differ by 5 s"} {
		if got := seconds(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
