package wire

import (
	"context"
	"net/netip"
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
	for _, s := range []string{
		"x.\t1\tIN\tA\t192.0.2.1", "x.\t1\tIN\tA\t::1", "x.\t1\tIN\tAAAA\t::ffff:192.0.2.1", "x.\t1\tIN\tAAAA\tfe80::1%eth0", "x.\t1h\tIN\tA\t192.0.2.1",
		"x.\t1\tIN\tMX\t10 mx.example.com.", "x.\t1\tIN\tMX\t010 .", "x.\t1\tIN\tMX\t10 a\\.b.", "x.\t1\tCH\tMX\t10 a.", "x.\t1\tIN\tMX\t10 a..b.",
		"x.\t1\tIN\tTXT\t\"a\" \"b\"", "x.\t1\tIN\tTXT\t\"\"", "x.\t1\tIN\tTXT\t\"a\\\"b\\065\" c", "x.\t1\tIN\tTXT\t\"" + strings.Repeat("y", 300) + "\"",
		"..\t1\tIN\tA\t192.0.2.1", "\t1\tIN\tA\t192.0.2.1", "x.\t99999999999\tIN\tA\t192.0.2.1", "x.\t1\tIN\tTXT\t\"a;b(\" \")\"",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsAny(s, "\r\n") {
			t.Skip()
		}
		a := Answer{Answer: []string{s}}
		slow := a.slowly()
		if got, want := a.Addrs(), slow.addrs; len(got) != len(want) || len(got) == 1 && got[0] != want[0] {
			t.Errorf("addresses %v, want %v", got, want)
		}
		if got, want := a.MX(), slow.mx; len(got) != len(want) || len(got) == 1 && got[0] != want[0] {
			t.Errorf("MX %v, want %v", got, want)
		}
		if got, want := a.TXT(), slow.txt; len(got) != len(want) || len(got) == 1 && got[0] != want[0] {
			t.Errorf("TXT %q, want %q", got, want)
		}
	})
}
