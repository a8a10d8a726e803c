package message

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	godkim "github.com/emersion/go-msgauth/dkim"
	godmarc "github.com/emersion/go-msgauth/dmarc"

	"mxvet/internal/dmarc"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
)

// docs/comparison.md sets our verdicts beside those of two libraries. It is made
// by this test, which fails when a verdict changes or a difference is not
// explained by a section of the standard; -update writes it.
func TestComparison(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Compared with two libraries

Our verdicts on 40 made-up records beside those of blitiri.com.ar/go/spf ` + version(t, "blitiri.com.ar/go/spf") + ` and
github.com/emersion/go-msgauth ` + version(t, "github.com/emersion/go-msgauth") + `. Where they differ, the last column says
which section decides. Receivers run programs like these, so a difference is also
a hint that receivers differ. This page is made by a test (` + "`go test ./internal/message -run TestComparison -update`" + `),
which compares it at every run.

## SPF: our evaluation and blitiri's

The message comes from 192.0.2.1, MAIL FROM a@example.com, HELO mx.example.org.
Names below example.net are as the test says: ` + "`a`" + ` has the client's address, ` + "`void1`" + ` and so
on do not exist.

`)
	table := func(head string, rows [][4]string) {
		fmt.Fprintf(&b, "| | %s | ours | library | why they differ |\n|---|---|---|---|---|\n", head)
		for i, r := range rows {
			differ := r[1] != r[2]
			switch {
			case differ && !regexp.MustCompile(`sections? \d`).MatchString(r[3]):
				t.Errorf("%s: ours %s, library %s, and no section explains it", r[0], r[1], r[2])
			case !differ && r[3] != "":
				t.Errorf("%s: both %s, and yet a difference is explained", r[0], r[1])
			}
			fmt.Fprintf(&b, "| %d | %s | %s | %s | %s |\n", i+1, r[0], r[1], r[2], r[3])
		}
		b.WriteString("\n")
	}
	table("record of example.com", compareSPF(t))
	b.WriteString(`## DMARC: our parser and go-msgauth's

Shown is the policy for the domain itself by RFC 9989, or that there is none.

`)
	table("record", compareDMARC())
	b.WriteString(`## DKIM: our verdict on a signed message and go-msgauth's

mxvet verifies by a check of its own, and shows what the library makes of the same signature.

`)
	table("sample", compareDKIM(t))
	text := strings.TrimRight(b.String(), "\n") + "\n"
	path := filepath.Join("..", "..", "docs", "comparison.md")
	old, err := os.ReadFile(path)
	if err != nil && !*update {
		t.Fatal(err)
	}
	if string(old) == text {
		return
	}
	if !*update {
		t.Fatalf("docs/comparison.md is not what this code finds: run with -update\n%s", text)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// version gives the version of a module that is in use.
func version(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta(path) + ` (v\S+)`).FindSubmatch(data)
	if m == nil {
		t.Fatalf("%s is not in go.mod", path)
	}
	return string(m[1])
}

func code(s string) string { return "`" + strings.ReplaceAll(s, "|", "\\|") + "`" }

func compareSPF(t *testing.T) [][4]string {
	var rows [][4]string
	includes, mx := "", ""
	for i := range 11 {
		includes += fmt.Sprintf(" include:n%d.example.net", i)
		mx += fmt.Sprintf("many.example.net. 3600 IN MX 10 h%d.example.net.\n", i)
	}
	const support = `
a.example.net. 3600 IN A 192.0.2.1
mx.example.net. 3600 IN MX 10 a.example.net.
good.example.net. 3600 IN TXT "v=spf1 ip4:192.0.2.1 -all"
bad.example.net. 3600 IN TXT "v=spf1 ip4:192.0.2.1 foo:bar -all"
voidmx.example.net. 3600 IN MX 10 void1.example.net.
voidmx.example.net. 3600 IN MX 20 void2.example.net.
voidmx.example.net. 3600 IN MX 30 void3.example.net.
1.2.0.192.in-addr.arpa. 3600 IN PTR a.example.net.
n0.example.net. 3600 IN TXT "v=spf1 -all"
n1.example.net. 3600 IN TXT "v=spf1 -all"
n2.example.net. 3600 IN TXT "v=spf1 -all"
n3.example.net. 3600 IN TXT "v=spf1 -all"
n4.example.net. 3600 IN TXT "v=spf1 -all"
n5.example.net. 3600 IN TXT "v=spf1 -all"
n6.example.net. 3600 IN TXT "v=spf1 -all"
n7.example.net. 3600 IN TXT "v=spf1 -all"
n8.example.net. 3600 IN TXT "v=spf1 -all"
n9.example.net. 3600 IN TXT "v=spf1 -all"
n10.example.net. 3600 IN TXT "v=spf1 -all"
`
	for _, c := range []struct{ record, why string }{
		{"v=spf1 ip4:192.0.2.1 -all", ""},
		{"v=spf1 ip4:198.51.100.0/24 ~all", ""},
		{"v=spf1 ?all", ""},
		{"v=spf1 redirect=good.example.net", ""},
		{"v=spf1 mx:mx.example.net -all", ""},
		{"v=spf1 a:void1.example.net a:void2.example.net a:void3.example.net ip4:192.0.2.1 -all", ""},
		{"v=spf1 include:void1.example.net ip4:192.0.2.1 -all", ""},
		{"v=spf1" + includes + " ip4:192.0.2.1 -all", ""},
		{"v=spf1 mx:many.example.net -all", ""},
		{"v=spf1 ip4:192.0.2.1 ip4:192.0.2 -all", "RFC 7208 section 4.6: a syntax error anywhere voids the record; the library stops at the match"},
		{"v=spf1 ip4:192.0.2.1 ipv4:198.51.100.1 -all", "RFC 7208 section 4.6: the unknown mechanism voids the record although the match comes first"},
		{"v=spf1 include:bad.example.net -all", "RFC 7208 sections 4.6 and 5.2: the included record has a syntax error, behind its match"},
		{"v=spf1 a:192.0.2.1 ~all", "RFC 7208 section 7.1: the last label of a target holds a letter"},
		{"v=spf1 include:net ip4:192.0.2.1 -all", ""},
		{"v=spf1 exp=e.example.net exp=f.example.net ip4:192.0.2.1 -all", "RFC 7208 section 6: exp stands at most once"},
		{"v=spf1 ip4:192.0.2.0/024 -all", "RFC 7208 section 5.6: a prefix length has no leading zero"},
		{"v=spf1 moo=%{q} ip4:192.0.2.1 -all", "RFC 7208 section 12: the value of an unknown modifier is a macro-string too, and q is no macro"},
		{"v=spf1 exists:%{p} -all", "RFC 7208 section 7.3: p is the validated name of the client, which the library does not look up"},
		{"v=spf1 mx:voidmx.example.net ip4:192.0.2.1 -all", ""},
		{"v=spf1 a:a.example.net/33 -all", ""},
	} {
		src := zones(t, support+mx+"example.com. 3600 IN TXT "+quoted(c.record)+"\n")
		ours := spf.Check(t.Context(), src, ip("192.0.2.1"), "a@example.com", "mx.example.org")
		theirs, _ := spf.Second(t.Context(), src, ip("192.0.2.1"), "a@example.com", "mx.example.org")
		record := strings.Replace(c.record, includes, " include:n0.example.net ... include:n10.example.net", 1)
		rows = append(rows, [4]string{code(record), string(ours.Result), string(theirs), c.why})
	}
	return rows
}

func compareDMARC() [][4]string {
	var rows [][4]string
	for _, c := range []struct{ record, why string }{
		{"v=DMARC1; p=reject; rua=mailto:a@example.com", ""},
		{"v=DMARC1; p=quarantine; sp=none; adkim=s", ""},
		{"v=DMARC1; p=none; pct=50", ""},
		{"v=dmarc1; p=reject", ""},
		{"v=DMARC1; p=Reject", "RFC 9989 section 4.8: keywords are ABNF literals, in any case"},
		{"v=DMARC1; rua=mailto:a@example.com", "RFC 9989 section 4.10.1: without p, and with an address for reports, the policy is none"},
		{"v=DMARC1; p=reject; sp=bogus; rua=mailto:a@example.com", "RFC 9989 section 4.10.1: an invalid sp makes the policy none where reports are asked for"},
		{"v=DMARC1; p=reject; adkim=x", "RFC 9989 section 4.8: values that are wrong are ignored, and defaults apply"},
		{"v=DMARC1; p=reject; pct=all", "RFC 9989 section 9.3: pct is a historic tag, which new receivers do not read (section 4.7)"},
		{"v=DMARC1; p=reject; t=y", "RFC 9989 section 4.7: t=y lowers the policy by one step; RFC 7489 readers do not know it"},
		{"p=reject; v=DMARC1", "RFC 9989 section 4.7: v comes first, or the whole text is ignored"},
		{"v=DMARC1; p=none; p=reject", "RFC 6376 section 3.2: no tag twice; we keep the first one, the library the last, and strict readers refuse the record"},
	} {
		ours := "none found"
		if r := dmarc.Parse(c.record); r.Valid {
			e := r.Effective(dmarc.RFC9989, dmarc.Self)
			if ours = "p=" + string(e.Policy); e.Policy == "" {
				ours = "no effect"
			}
		}
		theirs := "none found"
		if r, err := godmarc.Parse(c.record); err == nil {
			theirs = "p=" + string(r.Policy)
		} else if !strings.Contains(err.Error(), "version") {
			theirs = "error"
		}
		rows = append(rows, [4]string{code(c.record), ours, theirs, c.why})
	}
	return rows
}

func compareDKIM(t *testing.T) [][4]string {
	var rows [][4]string
	src := world(t)
	arrived := func(text, when string) string {
		return strings.Replace(received(text, "x@example.org", "mx.example.org", "203.0.113.5"), "Mon, 02 Nov 2026 08:30:00", when, 1)
	}
	signed := func(s signer, footer string) string {
		m := parsed(t, crlfText(plain))
		s.Domain = "example.com"
		m.prepend(s.sign(m))
		return string(m.text()) + footer
	}
	for _, c := range []struct{ sample, text, when, why string }{
		{"signed with Ed25519, relaxed", librarySign(t, plain, ed("example.com", "s1")), "", ""},
		{"signed with RSA of 2048 bits, simple", librarySign(t, plain, godkim.SignOptions{Domain: "example.com", Selector: "r1", Signer: rsaKey()}), "", ""},
		{"a footer behind the body", librarySign(t, plain, ed("example.com", "s1")) + "the list\n", "", ""},
		{"`a=rsa-sha1`", signed(signer{Selector: "r1", Algorithm: "rsa-sha1"}, ""), "", ""},
		{"From not in `h`", signed(signer{Selector: "s1", Headers: "to:subject"}, ""), "", ""},
		{"`i=@mail.example.com`, and the key has `t=s`", signed(signer{Selector: "strict1", Extra: "i=@mail.example.com;"}, ""), "", "RFC 6376 section 3.6.1: with the flag s the domain of i must be that of d"},
		{"`l=25` and a footer", signed(signer{Selector: "s1", Extra: "l=25;"}, "the list\n"), "", "RFC 6376 section 8.2: a receiver may refuse l; the cryptography holds, so we say policy (RFC 8601 section 2.7.1)"},
		{"`x` has passed, and the message came before", signed(signer{Selector: "s1", Extra: "t=1604300000; x=1604309000;"}, ""), "Mon, 02 Nov 2020 08:30:00", "RFC 6376 section 3.5: expiry is judged by the time of arrival where that is known"},
	} {
		if c.when == "" {
			c.when = "Mon, 02 Nov 2026 08:30:00"
		}
		text := arrived(c.text, c.when)
		ours := check(t, src, text).Signatures[0].Result
		verified, err := godkim.VerifyWithOptions(bytes.NewReader([]byte(crlfText(text))), &godkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
			texts := wire.Ask(t.Context(), src, name, "TXT").Answer.TXT()
			if len(texts) == 0 {
				return nil, &net.DNSError{Err: "no such name", IsNotFound: true}
			}
			return texts, nil
		}})
		if err != nil || len(verified) != 1 {
			t.Fatalf("%s: %v", c.sample, err)
		}
		theirs := "pass"
		switch err := verified[0].Err; {
		case godkim.IsPermFail(err):
			theirs = "permerror"
		case err != nil:
			theirs = "fail"
		}
		rows = append(rows, [4]string{c.sample, ours, theirs, c.why})
	}
	return rows
}
