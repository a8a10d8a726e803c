package spf

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"mxvet/internal/wire"
)

func TestCheck(t *testing.T) {
	const data = netA + `
example.com TXT v=spf1 ip4:203.0.113.7 include:leaf.example.org exists:%{l}.%{ir}.%{v}.x.example.com ptr:p.example.org a:b%{p}.example.org -all exp=why.example.com
why.example.com TXT %{s} from %{c} at %{r}, %{h} %{t} %{p}
bunknown.example.org A 192.0.2.9
someone.9.113.0.203.in-addr.x.example.com A 127.0.0.2
8.113.0.203.in-addr.arpa PTR q.p.example.org.
q.p.example.org A 203.0.113.8
void.example.com TXT v=spf1 a:x1.example.com a:x2.example.com a:x3.example.com -all
hosts.example.com TXT v=spf1 mx -all
hosts.example.com MX 1 x1.example.com.
hosts.example.com MX 2 x2.example.com.
hosts.example.com MX 3 x3.example.com.
`
	for _, c := range []struct {
		ip, sender, helo string
		result           Result
		reason           Code
		at, explanation  string
	}{
		{"203.0.113.7", "someone@example.com", "h.example.net", ResultPass, "", "0", ""},
		{"::ffff:203.0.113.7", "someone@example.com", "h.example.net", ResultPass, "", "0", ""},
		{"198.51.100.3", "someone@example.com.", "h.example.net", ResultPass, "", "1", ""},
		{"203.0.113.9", "someone@example.com", "h.example.net", ResultPass, "", "2", ""},
		{"203.0.113.8", "other@example.com", "h.example.net", ResultPass, "", "3", ""},
		{"203.0.113.1", "a@b@example.com", "h.example.net", ResultFail, "", "5", "a@b@example.com from 203.0.113.1 at mx.example.net, h.example.net 1700000000 unknown"},
		{"203.0.113.1", "", "example.com", ResultFail, "", "5", "postmaster@example.com from 203.0.113.1 at mx.example.net, example.com 1700000000 unknown"},
		{"203.0.113.1", "x@gone.example.com", "h", ResultNone, CodeNoRecord, "", ""},
		{"203.0.113.1", "x@two.example.org", "h", ResultPermError, CodeMultiple, "", ""},
		{"203.0.113.1", "x@bad.example.org", "h", ResultPermError, CodeSyntax, "", ""},
		{"203.0.113.1", "x@broken.example.org", "h", ResultTempError, CodeUnreachable, "", ""},
		{"203.0.113.1", "x@loop1.example.org", "h", ResultPermError, CodeLookups, "0.1.0.1.0.1.0.0", ""},
		{"203.0.113.1", "x@void.example.com", "h", ResultPermError, CodeVoid, "2", ""},
		{"203.0.113.1", "x@hosts.example.com", "h", ResultFail, "", "1", ""},
		{"203.0.113.1", "", "", ResultNone, CodeBadTarget, "", ""},
	} {
		got := Receiver{Name: "mx.example.net", At: time.Unix(1700000000, 0)}.Check(context.Background(), newWorld(data), netip.MustParseAddr(c.ip), c.sender, c.helo)
		if got.Result != c.result || got.Reason != c.reason || got.At != c.at || got.Explanation != c.explanation {
			t.Errorf("%s from %q: %s %s at %q, %q; want %s %s at %q, %q", c.ip, c.sender,
				got.Result, got.Reason, got.At, got.Explanation, c.result, c.reason, c.at, c.explanation)
		}
		if (got.Reason == "") != (got.Text == "") {
			t.Errorf("%s from %q: reason %q with text %q", c.ip, c.sender, got.Reason, got.Text)
		}
	}
	w := newWorld(data)
	if got := (Receiver{CountHosts: true}).Check(t.Context(), w, netip.MustParseAddr("203.0.113.1"), "x@hosts.example.com", "h"); got.Reason != CodeVoid {
		t.Errorf("hosts without address, counted: %s %s", got.Result, got.Reason)
	}
	if got := (Receiver{MaxVoid: -1}).Check(t.Context(), w, netip.MustParseAddr("203.0.113.1"), "x@void.example.com", "h"); got.Result != ResultFail || got.Voids != 3 {
		t.Errorf("without a limit: %s, %d void", got.Result, got.Voids)
	}
	if got := Check(t.Context(), w, netip.Addr{}, "x@example.com", "h"); got.Result != ResultNone {
		t.Errorf("without an address: %s", got.Result)
	}
}

// A name that a macro makes of foreign text is asked for in presentation format.
func TestPresentation(t *testing.T) {
	w := newWorld(`example.com TXT v=spf1 exists:%{l}.example.com -all`)
	check(w, "203.0.113.1", "o'b \\(x)\x01\xff@example.com", "h.example.com")
	if want := (wire.Question{Name: `o\'b\ \\\(x\)\001\255.example.com`, Type: "A"}).Ref(); w.asked[want] != 1 {
		t.Errorf("asked %v, want %s", w.asked, want)
	}
}

// The second evaluator must give the suite's result through our resolver where it
// gives it through its own: its module lists the cases in which it does not.
func TestSecondAgainstSuite(t *testing.T) {
	cases := suite(t, "rfc7208-tests.yml")
	right := 0
	for _, c := range cases {
		got, _ := Second(t.Context(), c.world, c.ip, c.sender, c.helo)
		if slices.Contains(c.want, string(got)) {
			right++
		} else {
			t.Logf("%s: %s, want %s", c, got, strings.Join(c.want, " or "))
		}
	}
	t.Logf("second: %d/%d", right, len(cases))
	if right < 172 {
		t.Errorf("the second evaluator agrees in %d cases, it did in 172", right)
	}
}

func TestSecond(t *testing.T) {
	w := newWorld(netA + "example.com TXT v=spf1 ip4:192.0.2.1 a:broken.example.org -all")
	w.breaks("half.example.org", "A", wire.FailTimeout)
	w.add("half.example.org", "AAAA", "2001:db8::5")
	w.add("half.example.com", "TXT", quote("v=spf1 a:half.example.org exists:half.example.org -all"))
	if got, err := Second(t.Context(), w, netip.MustParseAddr("192.0.2.1"), "x@half.example.com", ""); got != ResultTempError {
		t.Errorf("without an answer for A: %s (%v)", got, err)
	}
	for ip, want := range map[string]Result{"192.0.2.1": ResultPass, "192.0.2.2": ResultTempError} {
		if got, err := Second(t.Context(), w, netip.MustParseAddr(ip), "x@example.com", "h.example.com"); got != want {
			t.Errorf("%s: %s (%v), want %s", ip, got, err, want)
		}
	}
	if got, err := Second(t.Context(), w, netip.Addr{}, "x@example.com", ""); got != ResultNone || err == nil {
		t.Errorf("without an address: %s, %v", got, err)
	}
}
