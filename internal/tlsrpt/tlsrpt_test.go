package tlsrpt

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxvet/internal/psl"
	"mxvet/internal/syntax"
	"mxvet/internal/wire"
)

func codes(r Record) string {
	var out []string
	for _, p := range r.Problems {
		out = append(out, string(p.Code))
	}
	return strings.Join(out, ", ")
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text             string
		selected, usable bool
		want             string
	}{
		{"v=TLSRPTv1; rua=mailto:r@example.com", true, true, ""},
		{"v=TLSRPTv1;rua=mailto:r@example.com;", true, true, ""},
		{"v=TLSRPTv1; rua=mailto:r@example.com,https://example.net/r", true, true, "uri-https"},
		{"v=TLSRPTv1; rua=mailto:r@example.com; rua=mailto:s@example.com", true, true, ""},
		{"v=TLSRPTv1; x=y; rua=MAILTO:r@example.com?subject=x", true, true, "unknown-field"},
		{"v=TLSRPTv1;", true, false, "rua-missing"},
		{"v=TLSRPTv1; rua=", true, false, "rua-empty"},
		{"v=TLSRPTv1; RUA=mailto:r@example.com", true, false, "unknown-field, rua-missing"},
		{"v=TLSRPTv1; rua = mailto:r@example.com", true, true, "blank"},
		{"v=TLSRPTv1;; rua=mailto:r@example.com", true, true, "empty-field"},
		{"v=TLSRPTv1; v=TLSRPTv1; rua=mailto:r@example.com", true, true, "repeated-version"},

		{"v=TLSRPTv1; rua=r@example.com", true, false, "uri-no-scheme"},
		{"v=TLSRPTv1; rua=http://example.com/", true, false, "uri-scheme"},
		{"v=TLSRPTv1; rua=https:///x", true, false, "uri-invalid"},
		{"v=TLSRPTv1; rua=mailto:r@example.com,", true, true, "uri-invalid"},
		{"v=TLSRPTv1; rua=mailto:a,b@example.com", true, false, "uri-comma, uri-no-scheme"},
		{"v=TLSRPTv1; rua=mailto:a!b@example.com", true, false, "uri-exclamation"},
		{"v=TLSRPTv1; rua=mailto:r@example.com!10m", true, false, "uri-exclamation"},
		{"v=TLSRPTv1; rua=mailto:r@example.com; mailto:s@example.com", true, true, "uri-semicolon"},
		{"v=TLSRPTv1; rua=https://example.com/a;b", true, true, "uri-https, uri-semicolon"},
		{"v=TLSRPTv1; rua=mailto:r@bücher.example", true, false, "uri-unicode"},
		{"v=TLSRPTv1; rua=mailto://r@example.com", true, false, "uri-invalid"},
		{"v=TLSRPTv1; rua=mailto:r@example.com mailto:s@example.com", true, false, "uri-invalid"},
		{"v=TLSRPTv1; rua=mailto:r@[192.0.2.1]", true, true, ""},
		{"v=TLSRPTv1; rua=mailto:r@-..", true, false, "uri-invalid"},
		{"v=TLSRPTv1; rua=mailto:a@b@example.com", true, false, "uri-invalid"},
		{"v=TLSRPTv1; rua=mailto:a%40b@example.com", true, false, "uri-invalid"},

		{"v=TLSRPTv1", false, false, "rua-missing, version-separator"},
		{"v=TLSRPTv1 rua=mailto:r@example.com", false, false, "malformed, rua-missing, version-separator"},
		{"v=TLSRPTv1 ; rua=mailto:r@example.com", false, false, "version-blank"},
		{" v=TLSRPTv1; rua=mailto:r@example.com", false, false, "version-blank"},
		{"v=TLSRPTV1; rua=mailto:r@example.com", false, false, "version-case"},
		{"v=TLSRPT1; rua=mailto:r@example.com", false, false, "version-value"},
		{"rua=mailto:r@example.com; v=TLSRPTv1", false, false, "version-not-first"},
		{"rua=mailto:r@example.com", false, false, "version-missing"},
		{"", false, false, "rua-missing, version-missing"},
	} {
		r := Parse(c.text)
		if got := codes(r); got != c.want || r.Selected != c.selected || r.Usable() != c.usable {
			t.Errorf("%q:\n got %v %v %s\nwant %v %v %s", c.text, r.Selected, r.Usable(), got, c.selected, c.usable, c.want)
		}
	}
	r := Parse("v=TLSRPTv1; rua=mailto:a%2Cb@Example.COM. ,https://R.example.net:8443/x")
	if u := r.RUA[0]; u.Address != "a,b@Example.COM." || u.Host != "example.com" {
		t.Errorf("%+v", u)
	}
	if u := r.RUA[1]; u.Host != "r.example.net" || r.Text[u.Pos:] != u.Raw {
		t.Errorf("%+v", u)
	}
}

// A world answers DNS questions from "TYPE name", each after 100 ms.
type world map[string][]string

func (w world) DNS(_ context.Context, q wire.Question) wire.Answer {
	time.Sleep(100 * time.Millisecond)
	q = q.Canonical()
	a := wire.Answer{Rcode: "NXDOMAIN"}
	for key := range w {
		if strings.HasSuffix(key, " "+q.Name) || strings.HasSuffix(key, "."+q.Name) {
			a.Rcode = "NOERROR"
		}
	}
	for _, data := range w[q.Type+" "+q.Name] {
		if kind, ok := strings.CutPrefix(data, "FAIL "); ok {
			return wire.Answer{Fail: &wire.Fail{Kind: kind}}
		}
		a.Answer = append(a.Answer, q.Name+".\t300\tIN\t"+q.Type+"\t"+data)
	}
	slices.Sort(a.Answer)
	return a
}

func (w world) Fetch(context.Context, wire.Request) wire.Page { panic("tlsrpt fetched a page") }
func (w world) Talk(context.Context, wire.Probe) wire.Session { panic("tlsrpt talked to a server") }

func TestLookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := world{
			"TXT _smtp._tls.example.com": {
				`"v=spf1 -all"`, `"v=TLSRPTV1; rua=mailto:x@example.com"`,
				`"v=TLSRPTv1; rua=mailto:a@example.com,mailto:b@example.com," "https://report.example.net/x,mailto:c@null.example,mailto:d@none.example,mailto:e@sub.nx.example,mailto:f@gone.none.example,mailto:g@addr.example,mailto:h@fail.example,https://gone.example/"`,
			},
			"TXT example.com":                        {`"v=TLSRPTv1; rua=mailto:a@example.com"`},
			"TXT _smtp._tls.example.com.example.com": {`"v=TLSRPTv1; rua=mailto:a@example.com"`},
			"MX example.com":                         {"10 mx.example.com."},
			"A report.example.net":                   {"192.0.2.1"},
			"MX null.example":                        {"0 ."},
			"TXT none.example":                       {`"x"`},
			"AAAA addr.example":                      {"2001:db8::1"},
			"MX fail.example":                        {"FAIL servfail"},
		}
		start := time.Now()
		r := Lookup(t.Context(), w, psl.Default(), "example.com")
		if took := time.Since(start); took != 200*time.Millisecond {
			t.Errorf("took %v, want two rounds", took)
		}
		if len(r.Records) != 1 || len(r.Others) != 1 || len(r.Apex.Records) != 1 || len(r.Doubled.Records) != 1 {
			t.Errorf("records %d, others %d, misplaced %d %d", len(r.Records), len(r.Others), len(r.Apex.Records), len(r.Doubled.Records))
		}
		var got []string
		for _, d := range r.Destinations {
			got = append(got, d.Scheme+" "+d.Host+" "+string(d.State()))
		}
		want := []string{
			"mailto example.com mx", "https report.example.net address", "mailto null.example null-mx", "mailto none.example none",
			"mailto sub.nx.example unregistered", "mailto gone.none.example nxdomain", "mailto addr.example address",
			"mailto fail.example unknown", "https gone.example unregistered",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if len(r.Destinations[0].URIs) != 2 {
			t.Errorf("first: %+v", r.Destinations[0].URIs)
		}
	})
}

func TestLookupCountsRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := `"v=TLSRPTv1; rua=mailto:a@example.com"`
		if r := Lookup(t.Context(), world{"TXT _smtp._tls.example.com": {one, `"v=TLSRPTv1;"`}}, psl.Default(), "example.com"); r.Record() != nil || r.Destinations != nil {
			t.Errorf("two records: %+v", r.Record())
		}
		if r := Lookup(t.Context(), world{}, psl.Default(), "example.com"); r.Record() != nil || !r.TXT.Answer.Missing("TXT") {
			t.Errorf("none: %+v", r)
		}
		if r := Lookup(t.Context(), world{"TXT _smtp._tls.example.com": {"FAIL timeout"}}, psl.Default(), "example.com"); !r.TXT.Failed() {
			t.Errorf("failure: %+v", r.TXT)
		}
		var many []string
		for _, c := range "abcdefghijkl" {
			many = append(many, "mailto:x@"+string(c)+".example")
		}
		r := Lookup(t.Context(), world{"TXT _smtp._tls.example.com": {`"v=TLSRPTv1;" "rua=` + strings.Join(many, ",") + `"`}}, psl.Default(), "example.com")
		if len(r.Destinations) != 10 || len(r.Skipped) != 2 {
			t.Errorf("%d destinations, skipped %q", len(r.Destinations), r.Skipped)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"v=TLSRPTv1; rua=mailto:a@example.com,https://x.example/", "v=TLSRPTv1 ; rua=", " v=TLSRPTv1;", ";;=;rua==,,;x", "v=TLSRPTv1;rua=mailto:a;b@c",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := Parse(text)
		if again := Parse(r.String()); again.String() != r.String() {
			t.Errorf("String is no fixed point: %q, then %q", r.String(), again.String())
		}
		for _, p := range r.Problems {
			if p.Pos < 0 || p.Pos > len(text) {
				t.Errorf("problem %s at %d of %d", p.Code, p.Pos, len(text))
			}
		}
		for _, u := range r.RUA {
			if text[u.Pos:u.Pos+len(u.Raw)] != u.Raw {
				t.Errorf("place %q is not at %d", u.Raw, u.Pos)
			}
			if u.Host != "" && !syntax.DomainName(u.Host) {
				t.Errorf("host %q", u.Host)
			}
		}
	})
}
