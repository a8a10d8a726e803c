package message

import (
	"net/mail"
	"strings"
	"testing"
)

// Address lists as RFC 5322 writes them, with its appendix A, and as senders do.
func TestParseAddresses(t *testing.T) {
	for _, c := range []struct{ value, want, err string }{
		// RFC 5322 appendix A.1.1 to A.1.3.
		{`John Doe <jdoe@machine.example>`, "jdoe@machine.example", ""},
		{`"Joe Q. Public" <john.q.public@example.com>`, "john.q.public@example.com", ""},
		{`Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>`, "mary@x.test jdoe@example.org one@y.test", ""},
		{`<boss@nil.test>, "Giant; \"Big\" Box" <sysservices@example.net>`, "boss@nil.test sysservices@example.net", ""},
		{`A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;`, "c@a.test joe@where.test jdoe@one.test", ""},
		// Appendix A.5: comments and folding; A.6.1: obsolete addresses.
		{`Pete(A nice \) chap) <pete(his account)@silly.test(his host)>`, "pete@silly.test", ""},
		{`A Group(Some people):Chris Jones <c@(Chris's host.)public.example>,joe@example.org, John <jdoe@one.test> (my dear friend); (the end of the group)`, "c@public.example joe@example.org jdoe@one.test", ""},
		{`Joe Q. Public <john.q.public@example.com>`, "john.q.public@example.com", ""},
		{`Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example`, "mary@example.net jdoe@test.example", ""},
		{`<@a.test,@b.test , @c.test:joe@d.test>`, "joe@d.test", ""},

		{`jane@example.com`, "jane@example.com", ""},
		{`(c) jane@example.com`, "jane@example.com", ""},
		{`jane@example.com (Jane (at (work)))`, "jane@example.com", ""},
		{`=?utf-8?q?J=C3=A4ne?= (comment) <jane@example.com>`, "jane@example.com", ""},
		{`=?unknown?q?x?= <jane@example.com>`, "jane@example.com", ""},
		{`"john doe"@example.com`, `"john doe"@example.com`, ""},
		{`"john\"@evil.example"@example.com`, `"john\"@evil.example"@example.com`, ""},
		{`john . doe @ example . com`, "john.doe@example.com", ""},
		{`"john" . doe@example.com`, `"john".doe@example.com`, ""},
		{`jane@[192.0.2.1]`, "jane@[192.0.2.1]", ""},
		{`j\u00e4ne@b\u00fccher.example`, "j\u00e4ne@b\u00fccher.example", ""},
		{`J\u00e4ne <jane@example.com>,`, "jane@example.com", ""},
		{`,,jane@example.com`, "jane@example.com", ""},
		{`Jane <jane@example.com > `, "jane@example.com", ""},
		{`Jane <(a)jane(b)@(c)example(d).(e)com(f)>(g)`, "jane@example.com", ""},
		{`undisclosed-recipients:;`, "", "there is no address"},
		{``, "", "there is no address"},
		{`jane`, "", "a name without an address"},
		{`jane@`, "", "a part of the domain is missing"},
		{`jane@example.com.`, "", "a part of the domain is missing"},
		{`jane@.example.com`, "", "a part of the domain is missing"},
		{`@example.com`, "", "no local part"},
		{`jane doe@example.com`, "", "no local part"},
		{`jane..doe@example.com`, "", "no local part"},
		{`.jane@example.com`, "", "no local part"},
		{`jane@example.com joe@example.org`, "jane@example.com", "a comma is missing"},
		{`jane@example.com <joe@example.org>`, "jane@example.com", "a comma is missing"},
		{`Jane <jane@example.com`, "", "a > is missing"},
		{`Jane <jane>`, "", "no address"},
		{`Jane <>`, "", "no address"},
		{`<jane@example.com> Jane`, "jane@example.com", "a comma is missing"},
		{`(never ends jane@example.com`, "", "no end"},
		{`"never ends jane@example.com`, "", "no end"},
		{`Group: jane@example.com`, "jane@example.com", "the group has no end"},
		{`a@example.com; b@example.org`, "a@example.com", "a comma is missing"},
		{`jane@exa mple.com`, "jane@exa", "a comma is missing"},
		{`jane@[192.0.2.1`, "", "has no end"},
		{strings.Repeat("a@example.com,", 101), "", "more than 100"},
	} {
		value := strings.NewReplacer(`\u00e4`, "ä", `\u00fc`, "ü").Replace(c.value)
		list, _, err := parseAddresses(value)
		var got []string
		for _, m := range list {
			got = append(got, m.String())
		}
		want := strings.NewReplacer(`\u00e4`, "ä", `\u00fc`, "ü").Replace(c.want)
		if c.err == "" && (err != nil || strings.Join(got, " ") != want) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %q, %v; want %q, %s", value, got, err, want, c.err)
		}
		if c.err != "" && c.want != "" && strings.Join(got, " ") != want {
			t.Errorf("%s: %q before the error, want %q", value, got, want)
		}
	}
}

func TestParsePath(t *testing.T) {
	for value, want := range map[string]string{
		"<jane@example.com>":             "jane@example.com",
		" (c) <jane@example.com> (d)":    "jane@example.com",
		"jane@example.com":               "jane@example.com",
		"<>":                             "",
		"< >":                            "",
		"<(null) >":                      "",
		`<"john doe"@example.com>`:       `"john doe"@example.com`,
		"<@a.test:jane@example.com>":     "jane@example.com",
		"<jane>":                         "refused",
		"jane":                           "refused",
		"<jane@example.com> <x@y.test>":  "refused",
		"<jane@example.com>, <x@y.test>": "refused",
		"":                               "refused",
	} {
		got, ok := parsePath(value)
		if !ok {
			got = "refused"
		}
		if got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}

// What a reader may take for the author is said.
func TestDoubtsAboutAuthor(t *testing.T) {
	for from, want := range map[string]string{
		`Alice <alice@example.com>`:                                  "",
		`"alice@example.com" <alice@example.com>`:                    "",
		`Alice (alice@example.com) <alice@example.com>`:              "",
		`"eve@evil.example" <alice@example.com>`:                     "eve@evil.example",
		`"Eve <eve@evil.example>" <alice@example.com>`:               "eve@evil.example",
		`=?utf-8?q?eve=40evil.example?= <alice@example.com>`:         "eve@evil.example",
		`alice@example.com (eve@evil.example)`:                       "a comment in the From field",
		"Alice \u202emoc.live <alice@example.com>":                   "direction of writing",
		"Ali\u200bce <alice@example.com>":                            "not seen",
		`=?utf-8?q?alice=40evil.example?=@example.com`:               "encoded word",
		`"eve@evil.example"@example.com`:                             "holds an @",
		`Friends: alice@example.com;`:                                "a group",
		`<@evil.example:alice@example.com>`:                          "obsolete route",
		"alice@ex\u0430mple.com":                                     "mixes scripts",
		"alice@xn--exmple-4nf.com":                                   "mixes scripts",
		"alice@\u0430\u0440\u0440\u04cf\u0435.example":               "looks like apple.example",
		"alice@b\u00fccher.example":                                  "",
		"alice@\u043f\u043e\u0447\u0442\u0430\u0436\u0448.example":   "",
		"alice@\u03b5\u03bb\u03bb\u03ac\u03b4\u03b1\u03bb.example":   "",
		`"Alice" <alice@example.com>, "bob@example.net" <bob@x.org>`: "bob@example.net",
	} {
		a := parsed(t, "From: "+from+"\nDate: x\n\n").author()
		if got := strings.Join(a.Doubts, "; "); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", from, got, want)
		}
	}
}

// The quotation marks of a local part are part of the address.
func TestQuotedLocalPart(t *testing.T) {
	r := check(t, world(t), strings.Replace(received(strings.Replace(plain, "Alice <alice@example.com>", `"a b"@example.com`, 1), "x@example.com", "mx.example.com", "192.0.2.1"),
		"<x@example.com>", `<"c d"@example.com>`, 1))
	if strings.Join(r.Author.Addresses, " ") != `"a b"@example.com` || r.Path.Sender != `"c d"@example.com` || r.Decision.SPF.Result != "pass" {
		t.Errorf("%q, %q, %s", r.Author.Addresses, r.Path.Sender, r.Decision.SPF.Result)
	}
}

// agree reports whether this package and net/mail find the same addresses, and whether
// they may differ: the grammar here is wider in the points that are named.
func agree(value string) (same bool, why string) {
	ours, _, err := parseAddresses(value)
	theirs, other := mail.ParseAddressList(value)
	switch {
	case err != nil && other != nil:
		return true, ""
	case err == nil && other != nil:
		return false, "wider here: comments, obsolete forms, encoded words in unknown charsets (RFC 5322 section 4.4)"
	case err != nil:
		return false, "narrower here: " + err.Error()
	case len(ours) != len(theirs):
		return false, "another number of addresses"
	}
	for i := range ours {
		if _, domain := cutLast(theirs[i].Address, '@'); domain != ours[i].domain {
			return false, "another domain: " + domain
		}
	}
	return true, ""
}

// Whatever is read, no domain may be found by one reader and another one by the other.
func FuzzAddresses(f *testing.F) {
	for _, s := range []string{
		`Pete(A nice \) chap) <pete(his account)@silly.test(his host)>`, `A Group:Ed <c@a.test>,joe@where.test;`, `"a b"@x.test, <@y.test:c@d.test>`,
		`=?utf-8?q?x?= <a@b.test> (c)`, `jdoe@test  . example, ,`, `a@[192.0.2.1]`, `"\"@\"" <a@b.test>`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if strings.ContainsAny(value, "\r\n\x00") {
			return
		}
		ours, _, err := parseAddresses(value)
		theirs, other := mail.ParseAddressList(value)
		if err != nil || other != nil {
			return // one is wider than the other: a table says where
		}
		if len(ours) != len(theirs) {
			t.Fatalf("%q: here %v, net/mail %v", value, ours, theirs)
		}
		for i := range ours {
			if _, domain := cutLast(theirs[i].Address, '@'); !strings.EqualFold(domain, ours[i].domain) {
				t.Fatalf("%q: here %v, net/mail %v", value, ours[i], theirs[i])
			}
		}
	})
}

// Where the two readers of addresses differ, and by which section ours is right.
func TestAddressesBesideNetMail(t *testing.T) {
	for value, section := range map[string]string{
		`a@b.test`:                               "",
		`A B <a@b.test>, "C" <c@d.test>`:         "",
		`G: a@b.test, c@d.test;`:                 "",
		`a@[192.0.2.1]`:                          "",
		`pete(his account)@silly.test(his host)`: "section 3.2.2: comments may stand between the parts of an address",
		`(c) jane@example.com`:                   "section 3.2.2: and before it",
		`Mary <@node.test:mary@example.net>`:     "section 4.4: obsolete routes are to be read",
		`a@b.test, , c@d.test`:                   "",
		`john . doe@example . com`:               "section 4.4: and blanks around dots",
		`"john" . doe@example.com`:               "section 4.4: and quoted words with dots between",
	} {
		if same, why := agree(value); same != (section == "") {
			t.Errorf("%s: %s; noted %q", value, why, section)
		}
	}
}
