package checks

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"mxvet/internal/gather"
	"mxvet/internal/smtp"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
)

// Lists and texts are cut with the number of what is left out, and only where
// they are longer than what is shown.
func TestWordsAreCut(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e"}
	reply := func(n int) *smtp.Reply { return &smtp.Reply{Code: 550, Lines: []string{strings.Repeat("x", n)}} }
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
