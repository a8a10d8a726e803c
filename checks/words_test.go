package checks

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"mxvet/internal/gather"
	"mxvet/internal/mtasts"
	"mxvet/internal/smtp"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
)

// Lists and texts are cut with the number of what is left out, and only where
// they are longer than what is shown.
func TestWordsAreCut(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e"}
	reply := func(n int) *smtp.Reply { return &smtp.Reply{Code: 550, Lines: []string{strings.Repeat("x", n)}} }
	ten := strings.Split("abcdefghij", "")
	policy := func(body string) *mtasts.Policy {
		p := mtasts.ParsePolicy([]byte(body))
		return &p
	}
	for i, c := range []struct{ got, want string }{
		{clip(strings.Repeat("x", 100)), strings.Repeat("x", 100)},
		{clip(strings.Repeat("x", 101)), strings.Repeat("x", 100) + "..."},
		{clip(strings.Repeat("x", 99) + "\u00e9"), strings.Repeat("x", 99) + "..."},
		{several(names[:1]), "a"},
		{several(names[:3]), "a; b; c"},
		{several(names[:4]), "a; b; c; and 1 more"},
		{dnsList(names[:4]), "a, b, c, d"},
		{dnsList(names), "a, b, c, d and 1 more"},
		{someQuoted(nil), "none"},
		{someQuoted(names[:4]), `"a", "b", "c", "d"`},
		{someQuoted(names), `"a", "b", "c", "d", 1 more`},
		{spfClip(strings.Repeat("x", 120)), strings.Repeat("x", 120)},
		{spfClip(strings.Repeat("x", 121)), strings.Repeat("x", 120) + "..."},
		{spfList(ten), "a, b, c, d, e, f, g, h, i, j"},
		{spfList(append(ten, "k")), "a, b, c, d, e, f, g, h, i, j and 1 more"},
		{dnsShort(strings.Repeat("x", 60)), strings.Repeat("x", 60)},
		{dnsShort(strings.Repeat("x", 61)), strings.Repeat("x", 60) + "..."},
		{dnsAround("abc", 1), "abc"},
		{dnsAround(strings.Repeat("x", 20)+"!"+strings.Repeat("y", 30), 20), strings.Repeat("x", 20) + "!" + strings.Repeat("y", 19)},
		{dnsAround(strings.Repeat("x", 30)+"!"+strings.Repeat("y", 5), 30), strings.Repeat("x", 20) + "!" + strings.Repeat("y", 5)},
		{dnsAround("\u00e9"+strings.Repeat("x", 19)+"!"+strings.Repeat("y", 18)+"\u00e9", 21), "\u00e9" + strings.Repeat("x", 19) + "!" + strings.Repeat("y", 18) + "\u00e9"},
		{listed([]string{"192.0.2.3", "192.0.2.20", "192.0.2.1"}), "192.0.2.1, 192.0.2.3, 192.0.2.20"},
		{listed([]string{"192.0.2.3", "192.0.2.20", "192.0.2.1", "192.0.2.4"}), "192.0.2.1, 192.0.2.3, 192.0.2.4 and 1 more"},
		{difference(policy("a: 1\nb: 2\n"), policy("a: 1\n")), `where one has "b: 2", the other has nothing more`},
		{difference(policy("a: 1\n"), policy("a: 1\nb: 2\n")), `where one has nothing more, the other has "b: 2"`},
		{difference(policy("a: 1\n"), policy("a: 1\n")), "one is longer"},
		{nameOf("Example CA", "CN=Example CA,O=Example"), "Example CA"},
		{nameOf("", "O=Example"), "O=Example"},
		{replyText(reply(116)), `"550 ` + strings.Repeat("x", 116) + `"`},
		{replyText(reply(117)), `"550 ` + strings.Repeat("x", 116) + `..."`},
		{noAnswer(wire.Answer{Fail: &wire.Fail{Text: "no time left"}, TCPFailed: true}), (&wire.Fail{Text: "no time left"}).String()},
		{noAnswer(wire.Answer{Rcode: "NOERROR", TCPFailed: true}), "only a part of the answer came"},
		{noAnswer(wire.Answer{Rcode: "REFUSED"}), "answer code REFUSED"},
		{span(47 * time.Hour), "47 hours"},
		{span(48 * time.Hour), "2 days"},
	} {
		if c.got != c.want {
			t.Errorf("%d: got %q, want %q", i, c.got, c.want)
		}
	}
}

// A question without an answer says why, as far as that is known.
func TestSilences(t *testing.T) {
	for _, c := range []struct {
		a    wire.Answer
		want string
	}{
		{wire.Answer{Rcode: "NOERROR", TCPFailed: true}, "x: the answer was cut short, and TCP gave nothing"},
		{wire.Answer{Rcode: "REFUSED"}, "x: no usable answer (REFUSED)"},
		{wire.Answer{TCPFailed: true, Fail: &wire.Fail{Kind: wire.FailTimeout, Text: "no answer came"}}, "x: no answer came"},
	} {
		if status, why := dnsSilence("x", c.a); status != Unknown || why != c.want {
			t.Errorf("%s %q, want %q", status, why, c.want)
		}
	}
}

// Editors leave marks in texts; keys may be broken into lines and have quoted notes.
func TestStrayCharacters(t *testing.T) {
	for _, c := range []struct {
		text string
		key  bool
		what string
		pos  int
	}{
		{"v=spf1 -all", false, "", 0},
		{"v=DKIM1;\tp=a\r\nb", true, "", 0},
		{"v=spf1\t-all", false, "a control character (0x09)", 6},
		{"a\x1fb", true, "a control character (0x1f)", 1},
		{"a\x20b", true, "", 0},
		{"a\x7eb", true, "", 0},
		{"a\x7fb", true, "a control character (0x7f)", 1},
		{"a\x80b", true, "a character (0x80) that no policy may hold", 1},
		{"a\u00e9b", true, "the character \u00e9, which no policy may hold", 1},
		{"a\u201cb", true, "the quote mark \u201c, which is not the straight one and part of the text", 1},
		{`n="x"; p=a`, true, "", 0},
		{`"n=x; p=a`, true, "a quote mark", 0},
		{`n=x; p=a"`, true, "a quote mark", 8},
		{`p=a" "b`, true, "a quote mark", 3},
		{`n="x"`, false, "a quote mark", 2},
		{`a\;`, false, "a backslash before a semicolon", 1},
		{`a\`, false, "", 0},
		{`a\b`, false, "", 0},
	} {
		if what, pos := dnsStray(c.text, c.key); what != c.what || pos != c.pos {
			t.Errorf("%q: %q at %d, want %q at %d", c.text, what, pos, c.what, c.pos)
		}
	}
}

// A domain that names a small network knows the addresses in it; one that names a
// provider's does not.
func TestSPFNames(t *testing.T) {
	for _, c := range []struct {
		network, ip string
		qualifier   byte
		want        bool
	}{
		{"192.0.2.0/24", "192.0.2.25", spf.Pass, true},
		{"192.0.2.0/23", "192.0.2.25", spf.Pass, false},
		{"192.0.2.25/32", "192.0.2.25", spf.Pass, true},
		{"192.0.2.0/24", "192.0.3.25", spf.Pass, false},
		{"192.0.2.0/24", "192.0.2.25", spf.Softfail, false},
		{"192.0.2.0/24", "192.0.2.25", 0, false},
		{"2001:db8:25::/48", "2001:db8:25::25", spf.Pass, true},
		{"2001:db8:24::/47", "2001:db8:25::25", spf.Pass, false},
	} {
		e := &gather.Evidence{SPF: &spf.Tree{Networks: []spf.Authorised{{Prefix: netip.MustParsePrefix(c.network), Qualifier: c.qualifier}}}}
		if got := spfNames(e, netip.MustParseAddr(c.ip)); got != c.want {
			t.Errorf("%s and %q of %s: %v", c.ip, c.qualifier, c.network, got)
		}
	}
}
