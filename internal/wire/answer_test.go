package wire

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"
)

func TestAnswerKinds(t *testing.T) {
	mx := Answer{Rcode: "NOERROR", Answer: []string{"example.com.\t300\tIN\tMX\t10 mx."}}
	for _, tt := range []struct {
		name                 string
		a                    Answer
		ok, nx, has, missing bool
	}{
		{"records", mx, true, false, true, false},
		{"nodata", Answer{Rcode: "NOERROR"}, true, false, false, true},
		{"nxdomain", Answer{Rcode: "NXDOMAIN"}, true, true, false, true},
		{"silence", Answer{Fail: &Fail{Kind: FailTimeout}}, false, false, false, false},
		{"servfail", Answer{Rcode: "SERVFAIL", Fail: &Fail{Kind: FailServfail}}, false, false, false, false},
		{"nxdomain that failed", Answer{Rcode: "NXDOMAIN", Fail: &Fail{Kind: FailLimit}}, false, false, false, false},
		{"nothing at all", Answer{}, false, false, false, false},
		{"another type", Answer{Rcode: "NOERROR", Answer: []string{"example.com.\t300\tIN\tCNAME\tmx."}}, true, false, false, true},
	} {
		if ok, nx, has, missing := tt.a.OK(), tt.a.NXDomain(), tt.a.Has("MX"), tt.a.Missing("MX"); ok != tt.ok || nx != tt.nx || has != tt.has || missing != tt.missing {
			t.Errorf("%s: OK %t, NXDomain %t, Has %t, Missing %t", tt.name, ok, nx, has, missing)
		}
	}
}

func TestAnswerTXT(t *testing.T) {
	a := Answer{Answer: []string{
		"x.\t1\tIN\tTXT\t\"v=spf1 \" \"-all\"",
		"x.\t1\tIN\tTXT\t\"\"",
		"x.\t1\tIN\tTXT\t\"a\\\"b\\\\c\\;\\195\\169\\000 d\" \"\" \"e\"",
		"x.\t1\tIN\tMX\t10 mx.",
		"x.\t1\tIN\tTXT\t\"not closed",
		"$INCLUDE\t/etc/hostname\t\t\tTXT",
		"no record",
		"",
	}}
	want := [][]string{{"v=spf1 ", "-all"}, {""}, {"a\"b\\c;\xc3\xa9\x00 d", "", "e"}}
	if got := a.TXTStrings(); !reflect.DeepEqual(got, want) {
		t.Errorf("strings %q, want %q", got, want)
	}
	if got := a.TXT(); !slices.Equal(got, []string{"v=spf1 -all", "", "a\"b\\c;\xc3\xa9\x00 de"}) {
		t.Errorf("joined %q", got)
	}
	if got := a.Records("MX"); !slices.Equal(got, []string{"10 mx."}) {
		t.Errorf("records %q", got)
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		``: "", `a`: "a", `\065\066`: "AB", `\\065`: `\065`, `\"\;`: `";`, `\6`: "6", `\12`: "12", `x\`: `x\`,
	} {
		if got := unescape(in); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

func TestAnswerMX(t *testing.T) {
	a := Answer{Answer: []string{
		"x.\t1\tIN\tMX\t10 b.example.",
		"x.\t1\tIN\tMX\t10 A.Example.",
		"x.\t1\tIN\tMX\t5 z.example.",
		"x.\t1\tIN\tMX\t100 c.example.",
		"x.\t1\tIN\tMX\t0 .",
		"x.\t1\tIN\tMX\t65535 dot\\..",
		"x.\t1\tIN\tMX\t70000 too.large.",
	}}
	want := []MX{{0, "."}, {5, "z.example"}, {10, "a.example"}, {10, "b.example"}, {100, "c.example"}, {65535, `dot\.`}}
	if got := a.MX(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAnswerAddrs(t *testing.T) {
	a := Answer{Answer: []string{
		"x.\t1\tIN\tA\t192.0.2.10",
		"x.\t1\tIN\tA\t192.0.2.9",
		"x.\t1\tIN\tA\t192.0.2.9",
		"x.\t1\tIN\tAAAA\t2001:db8::1",
		"x.\t1\tIN\tAAAA\t::ffff:192.0.2.9",
		"x.\t1\tIN\tA\t2001:db8::2",
		"x.\t1\tIN\tAAAA\t192.0.2.1",
	}}
	want := []netip.Addr{
		netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("192.0.2.10"),
		netip.MustParseAddr("::ffff:192.0.2.9"), netip.MustParseAddr("2001:db8::1"),
	}
	if got := a.Addrs(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAnswerTargets(t *testing.T) {
	a := Answer{Answer: []string{"x.\t1\tIN\tNS\tA.example.", "x.\t1\tIN\tNS\tb.example.", "x.\t1\tIN\tPTR\t."}}
	if got := a.Targets("NS"); !slices.Equal(got, []string{"a.example", "b.example"}) {
		t.Errorf("NS %q", got)
	}
	if got := a.Targets("PTR"); !slices.Equal(got, []string{"."}) {
		t.Errorf("PTR %q", got)
	}
}

func TestAnswerChain(t *testing.T) {
	alias := func(from, to string) string { return from + "\t1\tIN\tCNAME\t" + to }
	for _, tt := range []struct {
		name    string
		records []string
		from    string
		want    []string
	}{
		{"none", nil, "a.example", nil},
		{"in order, whatever the order of records", []string{alias("b.", "c."), alias("A.", "B.")}, "a.", []string{"b", "c"}},
		{"from the middle", []string{alias("a.", "b."), alias("b.", "c.")}, "b", []string{"c"}},
		{"circle", []string{alias("a.", "b."), alias("b.", "a.")}, "a", []string{"b", "a"}},
		{"to itself", []string{alias("a.", "a.")}, "a", []string{"a"}},
		{"leads into a circle", []string{alias("a.", "b."), alias("b.", "c."), alias("c.", "b.")}, "a", []string{"b", "c", "b"}},
		{"to the root", []string{alias("a.", ".")}, "a", []string{"."}},
	} {
		if got := (Answer{Answer: tt.records}).Chain(tt.from); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAnswerTTL(t *testing.T) {
	a := Answer{Answer: []string{"x.\t300\tIN\tA\t192.0.2.1", "x.\t60\tIN\tA\t192.0.2.2", "x.\t5\tIN\tCNAME\ty.", "x.\t0\tIN\tTYPE65534\t\\# 1 00"}}
	for rrtype, want := range map[string]string{"A": "60 true", "CNAME": "5 true", "MX": "0 false", "TYPE65534": "0 true"} {
		if ttl, ok := a.TTL(rrtype); fmt.Sprint(ttl, ok) != want {
			t.Errorf("%s: %d %t, want %s", rrtype, ttl, ok, want)
		}
	}
}

func TestFailString(t *testing.T) {
	for want, f := range map[string]*Fail{"": nil, "timeout": {Kind: FailTimeout}, "mx1: expired": {FailTLS, "mx1: expired"}} {
		if got := f.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
