package message

import (
	"strings"
	"testing"

	"mxvet/checks"
	"mxvet/internal/simulate"
)

// What programs read in several ways, or readers do not see, is told.
func TestContent(t *testing.T) {
	src := world(t)
	from := func(value string) string { return strings.Replace(plain, "Alice <alice@example.com>", value, 1) }
	field := func(text string) string { return strings.Replace(plain, "Subject:", text+"\nSubject:", 1) }
	signed := func(headers string) string {
		m := parsed(t, crlfText(plain))
		m.prepend(signer{Domain: "example.com", Selector: "s1", Headers: headers}.sign(m))
		return string(m.text())
	}
	for name, c := range map[string]struct{ text, told, not string }{
		"From alone signed":               {signed("from"), "To, Subject, Date not signed", ""},
		"Subject not signed":              {signed("from:to:date"), "Subject not signed", "To, "},
		"what matters is signed":          {signed("from:to:subject:date"), "", "not signed"},
		"two Content-Type fields":         {field("Content-Type: text/plain\nContent-Type: text/html"), "2 fields Content-Type", ""},
		"two boundaries":                  {field("Content-Type: multipart/mixed; boundary=a;\n boundary=b"), "several boundaries", ""},
		"a boundary in parts":             {field("Content-Type: multipart/mixed; boundary*0=a;\n boundary*1=b"), "", "several boundaries"},
		"a boundary in quotes":            {field(`Content-Type: multipart/mixed; boundary="; boundary=a"`), "", "several boundaries"},
		"lone LF in the body":             {crlfText(plain) + "one\ntwo\r\n", "end in LF alone", ""},
		"LF throughout":                   {plain, "", "end in LF alone"},
		"CRLF throughout":                 {crlfText(plain), "", "end in LF alone"},
		"NUL in the body":                 {plain + "a\x00b\n", "NUL character", ""},
		"long line in the body":           {plain + strings.Repeat("a", 999) + "\n", "has 999 characters", ""},
		"line of 998 characters":          {plain + strings.Repeat("a", 998) + "\n", "", "characters, and a line"},
		"line of blanks in the header":    {field("X-A: b\n \n c"), "nothing but blanks", ""},
		"line of blanks at a field's end": {field("X-A: b\n\t"), "nothing but blanks", ""},
		"folded field":                    {field("X-A:\n b"), "", "nothing but blanks"},
		"two authors, no Sender":          {from("Alice <alice@example.com>, bob@example.com"), "no Sender field", ""},
		"two authors and a Sender":        {field("Sender: alice@example.com"), "", "no Sender"},
		"full-width @ in the name":        {from("\"ceo\uff20bank.example\" <alice@example.com>"), "address of another domain, ceo@bank.example", ""},
		"small @ in the name":             {from("\"ceo\ufe6bbank.example\" <alice@example.com>"), "address of another domain", ""},
		"one-dot leader in the name":      {from("\"ceo@bank\u2024example\" <alice@example.com>"), "address of another domain", ""},
		"blanks around @":                 {from("\"ceo @ bank.example\" <alice@example.com>"), "address of another domain", ""},
		"filler in the name":              {from("\"ceo@\u3164bank.example\" <alice@example.com>"), "not seen", ""},
		"bidi in the local part":          {from("\"al\u202eice\"@example.com"), "the address \"al", ""},
		"encoded word in a comment":       {from("alice@example.com (=?utf-8?q?ceo=40bank.example?=)"), "a comment in the From field holds an address", ""},
		"another charset":                 {from("=?koi8-r?b?zfkgPGNlb0BiYW5rLmV4YW1wbGU+?= <alice@example.com>"), "address of another domain", ""},
		"a Chinese charset":               {from("=?gb18030?b?Y2VvQGJhbmsuZXhhbXBsZQ==?= <alice@example.com>"), "address of another domain", ""},
		"a charset that nobody knows":     {from("=?utf-7?q?ceo+AEA-bank.example?= <alice@example.com>"), "cannot be decoded here (utf-7)", ""},
		"an address where the name is":    {from("alice@example.com <alice@example.com>"), "has to stand in quotation marks", ""},
	} {
		r := check(t, src, received(c.text, "a@example.com", "mail.example.com", "192.0.2.1"))
		text := told(r)
		if !strings.Contains(text, c.told) || c.not != "" && strings.Contains(text, c.not) {
			t.Errorf("%s: want %q and not %q:\n%s", name, c.told, c.not, text)
		}
		for _, f := range r.Findings {
			if f.Key == "charset" && f.Status != checks.Unknown {
				t.Errorf("%s: %+v", name, f)
			}
		}
	}
}

// A domain that programs read as another one gives no pass.
func TestWrittenDomain(t *testing.T) {
	src := zones(t, `
example.com. 3600 IN TXT "v=spf1 ip4:192.0.2.1 -all"
xn--bcher-kva.example. 3600 IN TXT "v=spf1 ip4:192.0.2.1 -all"
plain.test. 3600 IN TXT "v=spf1 ip4:192.0.2.1 -all"
kelvin.example. 3600 IN TXT "v=spf1 ip4:192.0.2.1 -all"
`)
	for name, c := range map[string]struct {
		domain string
		want   simulate.Verdict
	}{
		"as published":        {"example.com", simulate.Pass},
		"in capitals":         {"EXAMPLE.com", simulate.Pass},
		"soft hyphen":         {"exam\u00adple.com", simulate.Unknown},
		"blank of no width":   {"exam\u200bple.com", simulate.Unknown},
		"byte order mark":     {"\ufeffexample.com", simulate.Unknown},
		"full-width letters":  {"\uff45xample.com", simulate.Unknown},
		"full-width dot":      {"example\uff0ecom", simulate.Unknown},
		"ideographic dot":     {"example\u3002com", simulate.Unknown},
		"long s":              {"example.\u017fom", simulate.Fail},
		"long s, as mapped":   {"plain.te\u017ft", simulate.Unknown},
		"sign for Kelvin":     {"\u212aelvin.example", simulate.Unknown},
		"no-break blank":      {"example\u00a0.com", simulate.Fail},
		"Latin-1":             {"exam\xe9ple.com", simulate.Fail},
		"U-label":             {"b\u00fccher.example", simulate.Pass},
		"U-label in capitals": {"B\u00dcCHER.example", simulate.Pass},
		"U-label, decomposed": {"bu\u0308cher.example", simulate.Unknown},
		"A-label":             {"xn--bcher-kva.example", simulate.Pass},
	} {
		author := strings.Replace(plain, "alice@example.com", "alice@"+c.domain, 1)
		sender := "a@example.com"
		if d := domainName(c.domain); d != "" {
			sender = "a@" + d
		}
		r := check(t, src, received(author, sender, "mail.example.com", "192.0.2.1"))
		if r.Verdict != c.want {
			t.Errorf("%s: %s (%s), author %q, %s", name, r.Verdict, r.Why, r.Author.Domain, r.Author.Broken)
		}
	}
}
