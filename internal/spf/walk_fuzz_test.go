package spf

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// invent makes a world of records out of arbitrary bytes: a few domains whose
// terms, without macros, refer to each other and to hosts that exist or not. In
// a tame one no term that matches everybody lets anybody pass.
func invent(data []byte, tame bool) string {
	const domains = 6
	at := 0
	next := func(n int) int {
		if at >= len(data) {
			return 0
		}
		at++
		return int(data[at-1]) % n
	}
	// Most references lead to later domains, the last of which does not exist:
	// otherwise nearly every world has a loop.
	refer := func(from int) int {
		if next(8) == 0 {
			return next(domains)
		}
		return from + 1 + next(domains-from)
	}
	var b strings.Builder
	b.WriteString("h0.example.com A 198.51.100.1\nh0.example.com AAAA 2001:db8::1\nh1.example.com A 198.51.100.77\n" +
		"m0.example.com MX 1 h0.example.com.\nm0.example.com MX 2 h1.example.com.\nm1.example.com MX 1 gone.example.com.\n")
	for d := range domains {
		fmt.Fprintf(&b, "d%d.example.com TXT v=spf1", d)
		for range next(8) {
			qualifier := []string{"", "", "", "-", "~", "?"}[next(6)]
			kind := next(16)
			if tame && (kind == 12 || kind == 13 || kind == 15) {
				qualifier = "-"
			}
			switch kind {
			case 0, 1, 2, 3, 4:
				fmt.Fprintf(&b, " %sinclude:d%d.example.com", qualifier, refer(d))
			case 5, 6:
				fmt.Fprintf(&b, " %sa:h%d.example.com/%d//%d", qualifier, next(3), 32-next(3)*4, 128-next(2)*64)
			case 7:
				fmt.Fprintf(&b, " %smx:m%d.example.com", qualifier, next(3))
			case 8:
				fmt.Fprintf(&b, " %sexists:h%d.example.com", qualifier, 2+next(2))
			case 9, 10:
				fmt.Fprintf(&b, " %sip4:198.51.100.%d/%d", qualifier, next(256), 24+next(9))
			case 11:
				fmt.Fprintf(&b, " %sip6:2001:db8::%x/%d", qualifier, next(256), 100+next(29))
			case 12:
				fmt.Fprintf(&b, " %sip4:0.0.0.0/%d", qualifier, next(3))
			case 13:
				fmt.Fprintf(&b, " %sall", qualifier)
			case 14:
				fmt.Fprintf(&b, " redirect=d%d.example.com", refer(d))
			case 15:
				fmt.Fprintf(&b, " %sexists:h0.example.com", qualifier)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// agree holds the walk against evaluations of several clients. Both are programs
// of their own over one parser.
func agree(t *testing.T, text string) {
	t.Helper()
	w := newWorld(text)
	tree := Lookup(t.Context(), w, "d0.example.com")
	if tree.Cut {
		return
	}
	for _, client := range []string{"203.0.113.5", "2001:db8:ffff::5", "198.51.100.1", "198.51.100.200", "2001:db8::1", "0.0.0.1", "128.0.0.1"} {
		ip := netip.MustParseAddr(client)
		got := check(w, client, "someone@d0.example.com", "helo.example.com")
		if got.Result == ResultPermError {
			if len(tree.PermErrors) == 0 {
				t.Fatalf("%s: %s at %q, and the walk knows nothing\n%s", client, got.Reason, got.At, text)
			}
			continue
		}
		for _, failure := range tree.PermErrors {
			// A match in an included record that does not let pass skips the rest of
			// that record, so such a client may come by with lower counts.
			if failure.Code == CodeLookups || failure.Code == CodeVoid {
				continue
			}
			if reached(got, failure, ip) {
				t.Fatalf("%s: %s at %q was reached, but the result is %s\n%s", client, failure.Code, failure.At, got.Result, text)
			}
		}
		set := tree.Pass4
		if ip.Is6() {
			set = tree.Pass6
		}
		if set.Contains(ip) != (got.Result == ResultPass) {
			t.Fatalf("%s: the result is %s, passing are %v\n%s", client, got.Result, set, text)
		}
	}
}

// agreeOnLimits holds the walk against a client of each family that no term
// matches but those that match everybody. In a tame world that is the worst
// path, so the evaluation must end at the first reason that the walk found.
func agreeOnLimits(t *testing.T, text string) (limits int) {
	t.Helper()
	w := newWorld(text)
	tree := Lookup(t.Context(), w, "d0.example.com")
	if tree.Cut {
		return 0
	}
	for i, client := range []string{"203.0.113.5", "2001:db8:ffff::5"} {
		got := check(w, client, "someone@d0.example.com", "helo.example.com")
		first := slices.IndexFunc(tree.PermErrors, func(f Failure) bool { return f.Family == 0 || f.Family == 4+2*i })
		switch {
		case first < 0:
			if got.Result == ResultPermError {
				t.Fatalf("%s: %s at %q, and the walk knows nothing\n%s", client, got.Reason, got.At, text)
			}
			if got.Lookups > tree.Lookups {
				t.Fatalf("%s: %d lookups, the walk counts %d\n%s", client, got.Lookups, tree.Lookups, text)
			}
		case tree.PermErrors[first].Code == CodeLoop: // goes round until some limit is reached
			if got.Reason != CodeLookups && got.Reason != CodeVoid {
				t.Fatalf("%s: %s (%s) in a loop\n%s", client, got.Result, got.Reason, text)
			}
		default:
			if f := tree.PermErrors[first]; got.Reason != f.Code || got.At != f.At {
				t.Fatalf("%s: %s at %q, the walk says %s at %q\n%s", client, got.Reason, got.At, f.Code, f.At, text)
			}
			limits++
		}
	}
	return limits
}

func FuzzWalkAgainstCheck(f *testing.F) {
	f.Add([]byte{5, 0, 0, 1, 0, 5, 0, 0, 0, 3, 0, 6, 2, 4, 0, 0, 2, 0, 1, 3})
	f.Add([]byte{7, 0, 5, 0, 0, 0, 5, 1, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17})
	f.Add([]byte{3, 3, 9, 1, 8, 0, 9, 0, 3, 0, 13, 1, 1, 14, 2, 2, 14, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		agree(t, invent(data, false))
		agreeOnLimits(t, invent(data, true))
	})
}

func TestWalkAgainstCheck(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	limits := 0
	for range 1500 {
		data := make([]byte, 200)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		agree(t, invent(data, false))
		limits += agreeOnLimits(t, invent(data, true))
	}
	if limits < 300 {
		t.Errorf("only %d evaluations ended in permerror", limits)
	}
}
