package wire

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"mxvet/internal/smtp"
)

// A generous Source gives as much as its fields say.
type generous struct{ bytes int }

func (g generous) DNS(context.Context, Question) Answer {
	return Answer{Rcode: "NOERROR", Answer: []string{strings.Repeat("x", g.bytes)}}
}

func (g generous) Fetch(context.Context, Request) Page {
	return Page{Status: 200, Body: []byte(strings.Repeat("x", g.bytes))}
}

func (g generous) Talk(context.Context, Probe) Session {
	return Session{Exchanges: []smtp.Exchange{{Reply: &smtp.Reply{Code: 220, Lines: []string{strings.Repeat("x", g.bytes)}}}}}
}

func TestBudget(t *testing.T) {
	limit := func(f *Fail) bool { return f != nil && f.Kind == FailLimit && f.Text != "" }
	ctx := (&Budget{Questions: 3, Connections: 4, Ordinary: 10, Bytes: 250}).Within(t.Context())
	large, small := Bounded(generous{100}), Bounded(generous{10})
	q := Question{Name: "example.com", Type: "TXT"}
	page, probe := Request{URL: "https://example.com/"}, Probe{Proto: "smtp", Addr: netip.MustParseAddrPort("192.0.2.1:25")}
	for i, c := range []struct {
		name string
		fail *Fail
		want bool
	}{
		{"large", large.DNS(ctx, q).Fail, false},
		{"large", large.DNS(ctx, q).Fail, false},
		{"too large for what is left", large.DNS(ctx, q).Fail, true},
		{"one question too many", small.DNS(ctx, q).Fail, true},
		{"pages have a share of their own", large.Fetch(ctx, page).Fail, false},
		{"conversations share it", large.Talk(ctx, probe).Fail, false},
		{"too large", large.Talk(ctx, probe).Fail, true},
		{"small ones have room", small.Talk(ctx, probe).Fail, false},
		{"one connection too many", small.Fetch(ctx, page).Fail, true},
		{"and no conversation either", small.Talk(ctx, probe).Fail, true},
	} {
		if limit(c.fail) != c.want || c.fail != nil && !c.want {
			t.Errorf("%d, %s: %v", i, c.name, c.fail)
		}
	}
	for range 10 {
		if a := large.DNS(t.Context(), q); a.Fail != nil {
			t.Fatalf("without a budget: %v", a.Fail)
		}
	}
	if Bounded(nil) != nil {
		t.Error("nothing behind, and yet a Source")
	}
}

// Records that are read without the parser of zone text are read as it reads them.
func FuzzPlainRecords(f *testing.F) {
	for _, data := range []string{
		"192.0.2.1", "::1", "::ffff:192.0.2.1", "fe80::1%eth0", "10 mx.example.com.", "010 .", "10 a\\.b.", "10 a..b.", "10 a", "65536 a.",
		`"a" "b"`, `""`, `"a\"b\065" c`, `"a;b(" ")"`, `"` + strings.Repeat("y", 300) + `"`, `"\`, `"a"  "b"`, `"a""b"`,
	} {
		f.Add("x.", "1", "IN", data)
	}
	f.Add("..", "1", "IN", "192.0.2.1")
	f.Add("x.", "1h", "CH", "192.0.2.1")
	f.Add("x", "99999999999", "IN", "192.0.2.1")
	f.Fuzz(func(t *testing.T, owner, ttl, class, data string) {
		for _, rrtype := range []string{"A", "AAAA", "MX", "TXT"} {
			record := owner + "\t" + ttl + "\t" + class + "\t" + rrtype + "\t" + data
			if why := checkAnswer("dns:"+Ref(rrtype)+" x", &Answer{Answer: []string{record}}); why != "" || strings.Contains(owner+ttl+class, "\t") {
				return // no tape holds it
			}
			if _, canonical, ok := dataOf(record, rrtype); !canonical || !ok {
				continue // left to the parser
			}
			a := Answer{Answer: []string{record}}
			slow := a.slowly()
			if got := a.Addrs(); !slices.Equal(got, slow.addrs) {
				t.Errorf("%q: addresses %v, want %v", record, got, slow.addrs)
			}
			if got := a.MX(); !slices.Equal(got, slow.mx) {
				t.Errorf("%q: MX %v, want %v", record, got, slow.mx)
			}
			if got := a.TXT(); !slices.Equal(got, slow.txt) {
				t.Errorf("%q: TXT %q, want %q", record, got, slow.txt)
			}
		}
	})
}
