package spf

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// show gives problems as "code@pos" or "code!@pos" for syntax errors.
func show(problems []Problem) string {
	var out []string
	for _, p := range problems {
		mark := ""
		if p.Fatal() {
			mark = "!"
		}
		out = append(out, fmt.Sprintf("%s%s@%d", p.Code, mark, p.Pos))
	}
	return strings.Join(out, " ")
}

func TestParseProblems(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"v=spf1", ""},
		{"v=spf1 mx a:mail.example.com/24//64 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all exp=why.example.com", ""},
		{"v=spf1  a   -all  ", ""},
		{"v=spf1 exists:%{i}.%{v}.example.com -all", ""},
		{"v=spf1 a:x%%y%_z%-.example.com -all", ""},
		{"v=spf1 a:foo:bar/baz.example.com -all", ""},
		{"v=spf1 redirect=%{d}.d.example.com", ""},
		{"v=spf1 a:foo.example.xn--zckzah", ""},
		{"v=spf1 exists:%{d2}%{i1r-}/x.example.com -all", ""},
		{"V=SPF1 -all", "version-case@0"},
		{"v=spf10 -all", "no-version!@0"},
		{"hello", "no-version!@0 unknown-mechanism!@0"},

		{"v=spf1 moo -all", "unknown-mechanism!@7"},
		{"v=spf1 ipv4:192.0.2.1", "unknown-mechanism!@7"},
		{"v=spf1 a. -all", "unknown-mechanism!@7"},
		{"v=spf1 -all.", "unknown-mechanism!@7"},
		{"v=spf1 redirect:example.com", "unknown-mechanism!@7"},
		{"v=spf1 192.0.2.1 -all", "unknown-mechanism!@7"},
		{"v=spf1 =all 1up=x", "bad-modifier-name!@7 bad-modifier-name!@12"},
		{"v=spf1 +redirect=example.com", "qualifier-on-modifier!@7"},
		{"v=spf1 -all:x", "unexpected-argument!@12"},
		{"v=spf1 -all/8", "unexpected-argument!@11"},
		{"v=spf1 include exists ip4 ip6", "missing-target!@7 missing-target!@15 missing-target!@22 missing-target!@26"},
		{"v=spf1 include: a: ip4: ip6:/8", "empty-target!@15 empty-target!@18 empty-target!@23 empty-target!@28"},
		{"v=spf1 redirect= exp=", "empty-target!@16 empty-target!@21"},
		{"v=spf1 include:example.com/24 ptr/24", "prefix-length-forbidden!@26 ptr@30 prefix-length-forbidden!@33"},
		{"v=spf1 exp=a.example.com exp=b.example.com -all", "duplicate-modifier!@25"},
		{"v=spf1 redirect=a.example.com ReDirect=b.example.com", "duplicate-modifier!@30"},
		{"v=spf1 a:b\x01.example.com ", "bad-character!@10"},
		{"v=spf1 \u00e4 -all", "bad-character!@7 unknown-mechanism!@7"},
		{"v=spf1\ta -all", "no-version!@0"},

		{"v=spf1 a/33 mx//129", "prefix-length-range!@9 prefix-length-range!@16"},
		{"v=spf1 a/24/64", "bad-prefix-length!@9"},
		{"v=spf1 a/ a// a:example.com/", "bad-prefix-length!@9 bad-prefix-length!@13 bad-prefix-length!@28"},
		{"v=spf1 ip4:192.0.2.0/024", "prefix-length-zero!@21"},
		{"v=spf1 ip4:192.0.2.1/33 ip6:2001:db8::/129", "prefix-length-range!@21 prefix-length-range!@39"},
		{"v=spf1 ip4:192.0.2 ip4:192.0.2. ip4:192.0/16", "partial-ip4!@11 partial-ip4!@23 partial-ip4!@36"},
		{"v=spf1 ip4:192.0.2.01", "ip4-zero!@11"},
		{"v=spf1 ip4:192.0.2.256 ip4:192.0.2.1:25 ip4:x ip4:192..2.1", "bad-ip4!@11 bad-ip4!@27 bad-ip4!@44 bad-ip4!@50"},
		{"v=spf1 ip4:2001:db8::1 ip6:192.0.2.1", "ip6-in-ip4!@11 ip4-in-ip6!@27"},
		{"v=spf1 ip6:2001:db8 ip6:fe80::1%eth0", "bad-ip6!@11 bad-ip6!@24"},
		{"v=spf1 ip4:192.0.2.1/24", "host-bits@11"},
		{"v=spf1 ip6:::ffff:192.0.2.1", "mapped-ip6@11"},

		{"v=spf1 exists:%(i).example.com", "bad-macro!@14"},
		{"v=spf1 exists:%{i.example.com", "bad-macro!@14"},
		{"v=spf1 exists:%{}.example.com exists:%{d:}.example.com", "bad-macro!@14 bad-macro!@37"},
		{"v=spf1 exists:foo%", "bad-macro!@17"},
		{"v=spf1 exists:%{a}.example.com", "macro-letter!@14"},
		{"v=spf1 exists:%{d0}.example.com", "macro-zero!@14"},
		{"v=spf1 exists:%{c}.example.com exp=%{r}.example.com", "macro-exp-only!@14 macro-exp-only!@35"},
		{"v=spf1 foo=%abc", "bad-macro!@11 unknown-modifier@7"},
		{"v=spf1 foo=%{t}", "unknown-modifier@7"},
		{"v=spf1 exists:%{p}.example.com exp=%{p}.example.com", "macro-p@14 macro-p@35"},
		{"v=spf1 exists:%{l}.example.com exp=%{l}.example.com", "macro-sender@14"},
		{"v=spf1 a:%{d}. a:%{d}foo", "bad-top-label!@13 bad-top-label!@21"},

		{"v=spf1 a:192.0.2.1/24 include:2001:db8::1", "address-target!@9 address-target!@30"},
		{"v=spf1 mx:museum mx:museum.", "single-label!@10 single-label!@20"},
		{"v=spf1 a:abc.123 a:example.-com a:example.com:25", "bad-top-label!@13 bad-top-label!@27 bad-top-label!@42"},
		{"v=spf1 a:example.com.", "trailing-dot@20"},
		{"v=spf1 a:mail..example.com", "empty-label@14"},
		{"v=spf1 a:" + strings.Repeat("x", 64) + ".example.com", "long-label@9"},

		{"v=spf1 -all a mx", "after-all@12 after-all@14"},
		{"v=spf1 -all exp=why.example.com x=y", "unknown-modifier@32"},
		{"v=spf1 -all redirect=example.org", "redirect-with-all@12"},
		{"v=spf1 include=example.org ip4=192.0.2.1 a=x all=x", "mechanism-as-modifier@7 mechanism-as-modifier@27 mechanism-as-modifier@41 mechanism-as-modifier@45"},
		{"v=spf1 ra=postmaster rp=100 -all", "unknown-modifier@7 unknown-modifier@21"},
		{"v=spf1 a v=spf1 -all", "version-again@9"},
		{"v=spf1 ptr ptr:example.com", "ptr@7 ptr@11"},
		{"v=spf1 -include:example.org ~include:example.net ?include:example.com", "negated-include@7 negated-include@28"},
		{"v=spf1 a mx A include:x.example include:X.example", "repeated-term@12 repeated-term@32"},
	} {
		got := show(Parse(c.text).Problems)
		// Within one term the order of problems does not matter.
		if a, b := strings.Fields(got), strings.Fields(c.want); !slices.Equal(sorted(a), sorted(b)) {
			t.Errorf("Parse(%q)\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func sorted(s []string) []string { slices.Sort(s); return s }

func TestProposals(t *testing.T) {
	for _, c := range []struct{ term, want string }{
		{"ipv4:192.0.2.1", "ip4:192.0.2.1"},
		{"-ip:192.0.2.0/24", "-ip4:192.0.2.0/24"},
		{"ip:2001:db8::1", "ip6:2001:db8::1"},
		{"192.0.2.1", "ip4:192.0.2.1"},
		{"redirect:example.com", "redirect=example.com"},
		{"inlcude:example.com", "include:example.com"},
		{"-all;", "-all"},
		{"~all.", "~all"},
		{"include=example.com", "include:example.com"},
		{"a:192.0.2.1", "ip4:192.0.2.1"},
		{"a:192.0.2.1/24", "ip4:192.0.2.1/24"},
		{"?a:2001:db8::1//64", "?ip6:2001:db8::1/64"},
		{"include:192.0.2.1", "ip4:192.0.2.1"},
		{"ip4:2001:db8::/32", "ip6:2001:db8::/32"},
		{"ip6:192.0.2.0/24", "ip4:192.0.2.0/24"},
		{"ip4:192.0.2", "ip4:192.0.2.0/24"},
		{"ip4:192.0/16", "ip4:192.0.0.0/16"},
		{"ip4:192.0.2.7/24", "ip4:192.0.2.0/24"},
		{"a:example.com./24", "a:example.com/24"},
		{"+redirect=example.com", "redirect=example.com"},
		{"all:x", "all"},
		{"moo", ""},
		{"exists:192.0.2.1", ""},
	} {
		term := Parse("v=spf1 " + c.term).Terms[0]
		var got strings.Builder
		for _, p := range term.Problems {
			got.WriteString(p.Instead)
		}
		if got.String() != c.want {
			t.Errorf("%s: %q proposed, want %q", c.term, got.String(), c.want)
		}
		if got.String() != "" && Parse("v=spf1 "+got.String()).Fatal() {
			t.Errorf("%s: the proposal %q has a syntax error", c.term, got.String())
		}
	}
}

func TestString(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"V=SPF1  +MX/24 ?A:Mail.Example.com//64 -ALL ", "v=spf1 +mx/24 ?a:Mail.Example.com//64 -all"},
		{"v=spf1 ip4:192.0.2.1/32 IP6:2001:0DB8::0001/128 ip4:192.0.2.9/24", "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 ip4:192.0.2.9/24"},
		{"v=spf1 a/32//128 Redirect=%{d}.example.com moo= bad:x", "v=spf1 a redirect=%{d}.example.com moo= bad:x"},
	} {
		if got := Parse(c.text).String(); got != c.want {
			t.Errorf("Parse(%q).String() = %q, want %q", c.text, got, c.want)
		}
	}
}

func TestParseStrings(t *testing.T) {
	full := func(s string) string { return s + strings.Repeat(" ", maxString-len(s)-1) }
	for _, c := range []struct {
		parts []string
		want  string
	}{
		{[]string{"v=spf1 inc", "lude:a.example.com -all"}, ""},
		{[]string{"v=spf1 ip4:192.0.2.", "1 -all"}, ""},
		{[]string{"v=spf1 a:mail.example.c", "om -a", "ll"}, ""},
		{[]string{"v=spf1 ip4:192.0.2.1", "ip4:192.0.2.2 -all"}, "glued-term@7"},
		{[]string{"v=spf1 include:a.example.com", "include:b.example.com -all"}, "glued-term@7"},
		{[]string{"v=spf1 include:a.example.com", "-all"}, "glued-term@7"},
		{[]string{"v=spf1 mx", "a:b.example.com -all"}, "glued-term@7"},
		{[]string{"v=spf1 mx ", " -all"}, "seam-blank@9"},
		{[]string{"v=spf1 mx", "", " -all"}, ""},
		{[]string{full("v=spf1 mx a") + "i"}, "unknown-mechanism!@254 cut-off@254"},
		{[]string{full("v=spf1 mx") + "a"}, "cut-off@254"},
		{[]string{full("v=spf1 -all") + "a"}, "after-all@254"},
		{[]string{"v=spf1 " + strings.Repeat(" ", 250) + "-all"}, "long-string@0"},
	} {
		r := ParseStrings(c.parts)
		var got []string
		for _, p := range r.Problems {
			if p.Code == CodeUnknownMechanism && strings.Contains(c.want, "glued") || p.Fatal() && strings.Contains(c.want, "glued") {
				continue
			}
			got = append(got, show([]Problem{p}))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("ParseStrings(%q)\n got %v\nwant %s", c.parts, got, c.want)
		}
	}
	if got := ParseStrings([]string{"v=spf1 mx", "a -all"}).Terms[0].Problems; len(got) == 0 || got[len(got)-1].Instead != "mx a" {
		t.Errorf("glued terms are not taken apart: %+v", got)
	}
}

func TestSelect(t *testing.T) {
	for _, c := range []struct {
		text string
		want string // "record", a Near, or ""
	}{
		{"v=spf1", "record"},
		{"v=spf1 ", "record"},
		{"V=sPf1 -all", "record"},
		{"v=spf10 -all", "other-version"},
		{"v=spf1.0 -all", "other-version"},
		{"v=spf2 -all", "other-version"},
		{"v=spf1; -all", "separator"},
		{"v=spf1\t-all", "separator"},
		{"v=spf1mx", "glued"},
		{"v=spf1-all", "glued"},
		{"v=spf 1 -all", "inner-blank"},
		{"v = spf1 -all", "inner-blank"},
		{"spf1 -all", "no-tag"},
		{" v=spf1 -all", "leading-text"},
		{`"v=spf1 -all"`, "leading-text"},
		{"\ufeffv=spf1 -all", "leading-text"},
		{"spf2.0/pra -all", "sender-id"},
		{"v=sfp1 include:example.com -all", "spelling"},
		{"v:spf1 a -all", "spelling"},
		{"v=DKIM1; p=", ""},
		{"v=DMARC1; p=none", ""},
		{"v=STSv1; id=1", ""},
		{"example-verification=1 all", ""},
		{"", ""},
		{"spf", ""},
		{"v=spfl am not an SPF record", ""},
	} {
		records, near := Select([]string{c.text})
		got := ""
		switch {
		case len(records) == 1 && len(near) == 0:
			got = "record"
		case len(near) == 1 && len(records) == 0:
			got = string(near[0].Why)
		}
		if got != c.want {
			t.Errorf("Select(%q) gives %q, want %q", c.text, got, c.want)
		}
	}
	if _, near := Select([]string{"v=spf1; include:a.example -all"}); near[0].Rest != "include:a.example -all" {
		t.Errorf("the rest of a near miss is %q", near[0].Rest)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"v=spf1 mx a:mail.example.com/24//64 ip4:192.0.2.0/24 -all",
		"v=spf1 exists:%{l1r+-}.%{d}%%.example.com redirect=_spf.%{d2}",
		"v=spf1 ip4:192.0.2 a:192.0.2.1 include=x exp=a exp=b \x80",
		"v=spf1 a:%{ a/ //8 : = -", "ipv4:::1/ 1.2.3.4/33 ip:1.2.3.4/8 inclde:/8",
	} {
		f.Add(s, len(s)/2)
	}
	f.Fuzz(func(t *testing.T, text string, cut int) {
		r := Parse(text)
		for _, p := range r.Problems {
			if p.Pos < 0 || p.End < p.Pos || p.End > len(text) || p.Term >= len(r.Terms) || p.Text == "" {
				t.Fatalf("%q: bad position in %+v", text, p)
			}
			if p.Instead != "" && p.Code != CodeHostBits && p.Code != CodeTrailingDot && p.Code != CodeAsModifier &&
				p.Code != CodeUnknownModifier && p.Code != CodeQualifier && Parse("v=spf1 "+p.Instead).Fatal() {
				t.Fatalf("%q: the proposal %q has a syntax error", text, p.Instead)
			}
		}
		for _, term := range r.Terms {
			if text[term.Pos:term.Pos+len(term.Text)] != term.Text {
				t.Fatalf("%q: term %q is not at %d", text, term.Text, term.Pos)
			}
		}
		once := r.String()
		again := Parse(once)
		if again.String() != once {
			t.Fatalf("%q becomes %q and then %q", text, once, again.String())
		}
		if hasVersion(text) && again.Fatal() != r.Fatal() {
			t.Fatalf("%q and its canonical form %q differ in validity", text, once)
		}
		if cut >= 0 && cut <= len(text) {
			ParseStrings([]string{text[:cut], text[cut:]})
		}
		Select([]string{text})
	})
}

func BenchmarkParse(b *testing.B) {
	text := "v=spf1 mx a:mail.example.com include:_spf.example.net include:_spf.example.org"
	for i := 0; len(text) < 440; i++ {
		text += fmt.Sprintf(" ip4:192.0.2.%d/32 ip6:2001:db8:%x::/64", i, i)
	}
	text += " -all"
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Parse(text)
	}
}

// A letter too few or too many in all is told, as far as nothing follows it.
func TestNearlyAll(t *testing.T) {
	for term, want := range map[string]string{"-al": "-all", "~alll": "~all", "?ll": "?all", "-al:example.com": "", "-ab": ""} {
		p := Parse("v=spf1 mx " + term).Terms[1].Problems
		if len(p) == 0 || p[0].Instead != want {
			t.Errorf("%s: %+v, want %q", term, p, want)
		}
	}
}
