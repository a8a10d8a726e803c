package bimi

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	const logo = "https://www.example.com/logo.svg"
	for _, tt := range []struct {
		text   string
		want   []Code
		counts bool
	}{
		{"v=BIMI1; l=" + logo + ";", nil, true},
		{"v=BIMI1; l=" + logo + "; a=https://www.example.com/mark.pem", nil, true},
		{" v = BIMI1 ;\tl = " + logo, nil, true},
		{"v=BIMI1; l=" + logo + "; avp=brand; lps=news, shop-2", nil, true},
		{"v=BIMI1; l=" + logo + "; avp=logo", []Code{Preference}, true},
		{"v=BIMI1; l=" + logo + "; lps=a_b,c", []Code{PrefixList}, true},
		{"v=BIMI1; l=" + logo + "; lps=", nil, true},
		{"v=BIMI1; l=; a=;", []Code{Declined}, true},
		{"v=BIMI1; l=;", []Code{Declined}, true},
		{"v=BIMI1; l=; a=https://www.example.com/mark.pem", nil, true},
		{"v=BIMI1", []Code{LocationMissing}, true},
		{"v=BIMI1; a=https://www.example.com/mark.pem", []Code{LocationMissing}, true},
		{"v=bimi1; l=" + logo, []Code{VersionUnknown}, false},
		{"v=BIMI2; l=" + logo, []Code{VersionUnknown}, false},
		{"l=" + logo + "; v=BIMI1", []Code{VersionLate}, false},
		{"l=" + logo, []Code{VersionMissing}, false},
		{"", []Code{VersionMissing, LocationMissing}, false},
		{"v=spf1 -all", []Code{VersionUnknown, LocationMissing}, false},
		{"v=BIMI1; l=http://www.example.com/logo.svg", []Code{LocationURI}, true},
		{"v=BIMI1; l=https://localhost/logo.svg", []Code{LocationURI}, true},
		{"v=BIMI1; l=https://192.0.2.1/logo.svg", []Code{LocationURI}, true},
		{"v=BIMI1; l=https://[2001:db8::1]/logo.svg", []Code{LocationURI}, true},
		{"v=BIMI1; l=https://user@www.example.com/logo.svg", []Code{LocationURI}, true},
		{"v=BIMI1; l=" + logo + "," + logo, []Code{LocationURI}, true},
		{"v=BIMI1; l=" + logo + " " + logo, []Code{LocationURI}, true},
		{"v=BIMI1; l=/logo.svg", []Code{LocationURI}, true},
		{"v=BIMI1; l=https://%zz", []Code{LocationURI}, true},
		{"v=BIMI1; l=https://a..example.com/", []Code{LocationURI}, true},
		{"v=BIMI1; l=" + logo + "; a=self", []Code{AuthorityURI}, true},
		{"v=BIMI1;; l=" + logo, []Code{EmptyTag}, true},
		{"v=BIMI1; what; l=" + logo, []Code{Syntax}, true},
		{"v=BIMI1; l=" + logo + "; l=" + logo, []Code{DuplicateTag}, true},
		{"v=BIMI1; e=; l=" + logo, []Code{UnknownTag}, true},
	} {
		r := Parse(tt.text)
		var got []Code
		for _, p := range r.Problems {
			got = append(got, p.Code)
			if p.Pos < 0 || p.Pos > len(tt.text) || p.Text == "" {
				t.Errorf("%q: problem %+v", tt.text, p)
			}
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(tt.want))
		if !slices.Equal(got, want) {
			t.Errorf("%q: %+v, want %v", tt.text, r.Problems, tt.want)
		}
		if r.Counts() != tt.counts {
			t.Errorf("%q: counts %v", tt.text, r.Counts())
		}
		if again := Parse(r.String()); again.String() != r.String() {
			t.Errorf("%q: String is no fixed point", tt.text)
		}
	}
	r := Parse("v=BIMI1; l=" + logo + "; a=https://www.example.com/mark.pem; avp=personal; lps=a , b")
	if r.Location != logo || r.Authority == "" || r.Preference != "personal" || !slices.Equal(r.Prefixes, []string{"a", "b"}) {
		t.Errorf("%+v", r)
	}
	if !Parse("l=x; v=bimi1").Meant() || Parse("v=spf1").Meant() {
		t.Error("Meant")
	}
}

func TestParseHostile(t *testing.T) {
	for _, text := range []string{strings.Repeat(";", 70000), strings.Repeat("a=b;", 20000), "lps=" + strings.Repeat("_,", 30000), strings.Repeat("\x00\xff", 40000)} {
		if r := Parse(text); len(r.Problems) > 5*maxProblems {
			t.Errorf("%d problems, %d tags", len(r.Problems), len(r.Tags))
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "v=BIMI1; l=https://www.example.com/a.svg; a=", "v=BIMI1;lps=a,,b;avp=x", ";;=;", "l=https://["} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := Parse(s)
		if again := Parse(r.String()); again.String() != r.String() {
			t.Errorf("%q is no fixed point: %q", r.String(), again.String())
		}
		for _, p := range r.Problems {
			if p.Pos < 0 || p.Pos > len(s) {
				t.Errorf("%+v in %d octets", p, len(s))
			}
		}
	})
}
