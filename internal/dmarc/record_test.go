package dmarc

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dmarc"

	"mxvet/internal/syntax"
)

func codes(r Record) []string {
	var out []string
	for _, p := range r.Problems {
		s := string(p.Code)
		if p.Tag != "" {
			s += " " + p.Tag
		}
		out = append(out, s)
	}
	return out
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text  string
		valid bool
		want  string // problems, "code tag" joined by ", "
	}{
		{"v=DMARC1; p=none", true, ""},
		{"v=DMARC1;p=reject;", true, ""},
		{"v = DMARC1 ; p = reject ; rua = mailto:a@example.com", true, ""},
		{"v=DMARC1", true, "policy-missing p"},
		{"v=DMARC1;", true, "policy-missing p"},

		// The start of the record.
		{"", false, "version-missing v, policy-missing p"},
		{"p=none", false, "version-missing v"},
		{"v=spf1 -all", false, "version-value v, policy-missing p"},
		{"p=none; v=DMARC1", false, "version-not-first v"},
		{"v=dmarc1; p=none", false, "version-case v"},
		{"V=DMARC1; p=none", false, "unknown-tag V, version-name v"},
		{"V = DMARC1 ; p=none", false, "unknown-tag V, version-name v"},
		{"V=dmarc1; p=none", false, "unknown-tag V, version-case v"},
		{"v=DMARC2; p=none", false, "version-value v"},
		{"v=DMARC10; p=none", false, "version-value v"},
		{"v=DMARC1 p=none", false, "version-separator v, policy-missing p"},
		{"v=DMARC1, p=none", false, "version-separator v, policy-missing p"},
		{" v=DMARC1; p=none", false, "version-blank v"},
		{`"v=DMARC1; p=none"`, false, `malformed "v, version-quoted v, policy-invalid p`},
		{`v=DMARC1\; p=none`, false, "version-escaped v"},
		{"; v=DMARC1; p=none", false, "empty-tag, version-not-first v"},

		// The tag list.
		{"v=DMARC1; p=none; p=reject", true, "duplicate p"},
		{"v=DMARC1; p=none; v=DMARC1", true, "duplicate v"},
		{"v=DMARC1; p=none;; sp=none", true, "empty-tag"},
		{"v=DMARC1; p=none;;", true, "empty-tag"},
		{"v=DMARC1; p=none ; ; \t;", true, "empty-tag"},
		{"v=DMARC1; p=none;; sp=none;;", true, "empty-tag, empty-tag"},
		{"v=DMARC1; p=none ; ", true, ""},
		{"v=DMARC1; p=none; garbage", true, "malformed"},
		{"v=DMARC1; p=none; rua=mailto:a@example.com; mailto:b@example.com", true, "malformed"},
		{"v=DMARC1; p=none; 1x=y", true, "malformed 1x"},
		{"v=DMARC1; p=none; =y", true, "malformed"},
		{"v=DMARC1; p=none; rua=", true, "empty-value rua"},
		{"v=DMARC1; p=", true, "empty-value p, policy-invalid p"},
		{"v=DMARC1; p=none\x01", true, "bad-byte p, policy-invalid p"},
		{"v=DMARC1; p=none; ruas=mailto:a@example.com", true, "unknown-tag ruas"},
		{"v=DMARC1; P=reject", true, "unknown-tag P, policy-missing p"},

		// Policies.
		{"v=DMARC1; sp=none; p=reject", true, "policy-not-second p"},
		{"v=DMARC1; sp=reject", true, "policy-missing p"},
		{"v=DMARC1; p=Reject", true, "keyword-case p"},
		{"v=DMARC1; p=monitor", true, "policy-invalid p"},
		{"v=DMARC1; p=reject; sp=no; np=off", true, "subpolicy-invalid sp, subpolicy-invalid np"},

		// Keywords.
		{"v=DMARC1; p=none; t=y; psd=U; adkim=S; aspf=s", true, "keyword-case psd, keyword-case adkim"},
		{"v=DMARC1; p=none; t=yes; psd=x; adkim=strict; aspf=q", true, "tag-invalid t, tag-invalid psd, tag-invalid adkim, tag-invalid aspf"},
		{"v=DMARC1; p=none; fo=1", true, "fo-unused fo"},
		{"v=DMARC1; p=none; fo=1:d:s; ruf=mailto:a@example.com", true, ""},
		{"v=DMARC1; p=none; fo=0:1; ruf=mailto:a@example.com", true, "fo-both fo"},
		{"v=DMARC1; p=none; fo=1,d; ruf=mailto:a@example.com", true, "fo-invalid fo"},
		{"v=DMARC1; p=none; fo=d:d; ruf=mailto:a@example.com", true, "fo-invalid fo"},
		{"v=DMARC1; p=none; psd=y; ruf=mailto:a@example.com", true, "ruf-psd ruf"},

		// Removed tags.
		{"v=DMARC1; p=none; pct=100; rf=afrf; ri=86400", true, "removed-tag pct, removed-tag rf, removed-tag ri"},
		{"v=DMARC1; p=none; pct=50", true, "removed-tag pct, pct-partial pct"},
		{"v=DMARC1; p=none; pct=0", true, "removed-tag pct, pct-partial pct"},
		{"v=DMARC1; p=none; pct=101", true, "removed-tag pct, pct-invalid pct"},
		{"v=DMARC1; p=none; pct=+50", true, "removed-tag pct, pct-invalid pct"},
		{"v=DMARC1; p=none; pct=half", true, "removed-tag pct, pct-invalid pct"},
		{"v=DMARC1; p=none; rf=iodef; ri=1d", true, "removed-tag rf, removed-invalid rf, removed-tag ri, removed-invalid ri"},

		// Report addresses.
		{"v=DMARC1; p=none; rua=a@example.com", true, "uri-no-scheme rua"},
		{"v=DMARC1; p=none; rua=mailto:a@example.com,mailto:b@example.org", true, ""},
		{"v=DMARC1; p=none; rua=mailto:a@example.com , b@example.org", true, "uri-no-scheme rua"},
		{"v=DMARC1; p=none; rua=mailto:a@example.com,", true, "uri-invalid rua"},
		{"v=DMARC1; p=none; rua=mailto:a,b@example.com", true, "uri-comma rua, uri-no-scheme rua"},
		{"v=DMARC1; p=none; rua=mailto:a!b@example.com", true, "uri-exclamation rua"},
		{"v=DMARC1; p=none; rua=mailto:a%21b@example.com", true, ""},
		{"v=DMARC1; p=none; rua=mailto:a@example.com!10m", true, "uri-size rua"},
		{"v=DMARC1; p=none; rua=mailto:a@example.com!10mb", true, "uri-exclamation rua"},
		{"v=DMARC1; p=none; rua=https://example.com/r", true, "uri-scheme rua"},
		{"v=DMARC1; p=none; rua=mailto://a@example.com", true, "uri-invalid rua"},
		{"v=DMARC1; p=none; rua=mailto: a@example.com", true, "uri-invalid rua"},
		{"v=DMARC1; p=none; rua=mailto:a@example.com mailto:b@example.com", true, "uri-invalid rua"},
		{"v=DMARC1; p=none; rua=mailto:@example.com", true, "uri-invalid rua"},
		{"v=DMARC1; p=none; rua=mailto:a@", true, "uri-invalid rua"},
		{"v=DMARC1; p=none; rua=mailto:a@b@example.com", true, "uri-invalid rua"},
		{"v=DMARC1; p=none; rua=mailto:a%40b@example.com", true, "uri-invalid rua"},
		{"v=DMARC1; p=none; rua=mailto:a(b)@example.com", true, "uri-invalid rua"},
		{"v=DMARC1; p=none; rua=mailto:a%20b@example.com", true, "uri-invalid rua"},
		{"v=DMARC1; p=none; rua=mailto:%22a%40b%22@example.com", true, ""},
		{"v=DMARC1; p=none; rua=mailto:a+b/c=d@example.com", true, ""},
		{"v=DMARC1; p=none; rua=mailto:a%zz@example.com", true, "uri-invalid rua"},
		{"v=DMARC1; p=none; rua=mailto:a@bücher.example", true, "bad-byte rua, uri-unicode rua"},
		{"v=DMARC1; p=none; rua=mailto:a@b%C3%BCcher.example", true, "uri-unicode rua"},
		{"v=DMARC1; p=none; rua=mailto:a@xn--bcher-kva.example", true, ""},
		{"v=DMARC1; p=none; ruf=mailto:a@[192.0.2.1]", true, ""},
		{"v=DMARC1; p=none; rua=MAILTO:a@example.com?subject=x", true, ""},
		{"v=DMARC1; p=none; rua=mailto:a@example.com,mailto:b@example.com,mailto:c@example.com", true, "many-uris rua"},
	} {
		r := Parse(c.text)
		if got := strings.Join(codes(r), ", "); got != c.want || r.Valid != c.valid {
			t.Errorf("%q:\n got %v %s\nwant %v %s", c.text, r.Valid, got, c.valid, c.want)
		}
		if again := Parse(r.String()); again.String() != r.String() {
			t.Errorf("%q: String is no fixed point: %q, then %q", c.text, r.String(), again.String())
		}
	}
}

func TestParseValues(t *testing.T) {
	r := Parse("v=DMARC1; p=Quarantine; sp=NONE; np=reject; t=Y; psd=n; adkim=s; aspf=R; fo=1:D; pct=20; rua=mailto:A%2Bb@Example.COM.!5M ,https://r.example.org/x; ruf=mailto:f@example.net?x=y")
	if r.P != Quarantine || r.SP != None || r.NP != Reject || !r.Testing || r.PSD != "n" || r.DKIM != "s" || r.SPF != "r" || r.Percent != 20 {
		t.Errorf("values: %+v", r)
	}
	if !slices.Equal(r.FO, []string{"1", "d"}) {
		t.Errorf("FO = %q", r.FO)
	}
	if u := r.RUA[0]; !u.Valid || u.Address != "A+b@Example.COM." || u.Host != "example.com" || u.Size != "5m" {
		t.Errorf("first rua: %+v", u)
	}
	if u := r.RUA[1]; !u.Valid || u.Scheme != "https" || u.Host != "r.example.org" || r.Text[u.Pos:u.Pos+len(u.Raw)] != u.Raw {
		t.Errorf("second rua: %+v", u)
	}
	if u := r.RUF[0]; u.Address != "f@example.net" || u.Host != "example.net" {
		t.Errorf("ruf: %+v", u)
	}
	if tag, ok := r.Tag("sp"); !ok || r.Text[tag.ValuePos:tag.ValuePos+4] != "NONE" || r.Text[tag.Pos:tag.Pos+2] != "sp" {
		t.Errorf("sp at %d, %d", tag.Pos, tag.ValuePos)
	}
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{
		"ruas": "rua", "policy": "p", "P": "p", "RUA": "rua", "aspff": "aspf", "akdim": "adkim",
		"adkm": "adkim", "ra": "rua", "x": "", "foo": "", "zzzz": "", "psq": "psd",
	} {
		if got := nearest(name); got != want {
			t.Errorf("nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestEffective(t *testing.T) {
	for _, c := range []struct {
		text string
		rel  Relation
		want string // "9989 policy/7489 policy", with flags
	}{
		{"v=DMARC1; p=reject", Self, "reject/reject"},
		{"v=DMARC1; p=reject", NonExisting, "reject/reject"},
		{"v=DMARC1; p=reject; sp=none", Existing, "none/none"},
		{"v=DMARC1; p=reject; sp=none", NonExisting, "none/none"},
		{"v=DMARC1; p=reject; sp=none; np=quarantine", NonExisting, "quarantine/none"},
		{"v=DMARC1; p=none; np=reject", NonExisting, "reject/none"},
		{"v=DMARC1; p=none; np=reject", Existing, "none/none"},

		// Missing or invalid policies (RFC 9989 section 4.10.1, RFC 7489 section 6.6.3).
		{"v=DMARC1; rua=mailto:a@example.com", Self, "none fallback/none fallback"},
		{"v=DMARC1; rua=mailto:a@example.com; sp=reject", Existing, "none fallback/none fallback"},
		{"v=DMARC1; rua=a@example.com", Self, " fallback disputed/ fallback"},
		{"v=DMARC1", Self, " fallback disputed/ fallback"},
		{"v=DMARC1; p=refuse", Self, " fallback invalid/ fallback invalid"},
		{"v=DMARC1; p=refuse; rua=mailto:a@example.com", Self, "none fallback invalid/none fallback invalid"},
		{"v=DMARC1; p=reject; sp=x", Self, " fallback invalid/ fallback invalid"},
		{"v=DMARC1; p=reject; sp=x; rua=mailto:a@example.com", Self, "none fallback invalid/none fallback invalid"},
		{"v=DMARC1; np=x", Self, " fallback invalid disputed/ fallback"},
		{"v=DMARC1; sp=x", Self, " fallback invalid disputed/ fallback invalid"},
		{"v=DMARC1; p=reject; np=x", Self, " fallback invalid/reject"},
		{"v=DMARC1; p=reject; np=x; rua=mailto:a@example.com", Existing, "none fallback invalid/reject"},

		// Testing is for new readers, pct for old ones.
		{"v=DMARC1; p=reject; t=y", Self, "quarantine demoted/reject"},
		{"v=DMARC1; p=quarantine; t=y", Self, "none demoted/quarantine"},
		{"v=DMARC1; p=none; t=y", Self, "none/none"},
		{"v=DMARC1; p=none; sp=reject; t=y", Existing, "quarantine demoted/reject"},
		{"v=DMARC1; p=reject; pct=25", Self, "reject/reject 25%"},
		{"v=DMARC1; p=reject; pct=x", Self, "reject/reject"},
	} {
		r := Parse(c.text)
		var got []string
		for _, reader := range []Reader{RFC9989, RFC7489} {
			e := r.Effective(reader, c.rel)
			s := string(e.Policy)
			if e.Fallback {
				s += " fallback"
			}
			if e.Invalid {
				s += " invalid"
			}
			if e.Disputed {
				s += " disputed"
			}
			if e.Demoted {
				s += " demoted"
			}
			if e.Percent != 100 {
				s += fmt.Sprintf(" %d%%", e.Percent)
			}
			got = append(got, s)
		}
		if g := strings.Join(got, "/"); g != c.want {
			t.Errorf("%q for %s: %s, want %s", c.text, c.rel, g, c.want)
		}
	}
}

// fatal holds the codes with which some reader refuses the whole record.
var fatal = []Code{
	VersionMissing, VersionNotFirst, VersionValue, VersionCase, VersionName, VersionSeparator, VersionBlank, VersionQuoted, VersionEscaped,
	PolicyMissing, PolicyInvalid, SubPolicyInvalid,
}

// oracle holds Parse against go-msgauth's parser: a record that starts properly
// and that it accepts must have no problem that voids it, and the same policies.
func oracle(t *testing.T, text string) {
	r := Parse(text)
	want, err := dmarc.Parse(text)
	// It keeps the last of repeated tags, trims Unicode blanks, takes v anywhere
	// and parts that are no tag names, and knows neither np nor our bound.
	if err != nil || !strings.HasPrefix(text, "v=DMARC1;") || r.Problem(Duplicate) != nil ||
		r.Problem(BadByte) != nil || r.Problem(Malformed) != nil || r.Problem(TooLong) != nil || r.Has("np") {
		return
	}
	for _, code := range fatal {
		if p := r.Problem(code); p != nil {
			t.Errorf("%q: go-msgauth accepts it, we say %s", text, p.Text)
		}
	}
	if r.P != Policy(want.Policy) || r.SP != Policy(want.SubdomainPolicy) {
		t.Errorf("%q: p=%s sp=%s, go-msgauth reads p=%s sp=%s", text, r.P, r.SP, want.Policy, want.SubdomainPolicy)
	}
	if want.Percent != nil && *want.Percent != r.Percent && r.Problem(PercentInvalid) == nil {
		t.Errorf("%q: pct=%d, go-msgauth reads %d", text, r.Percent, *want.Percent)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"v=DMARC1; p=none; rua=mailto:a@example.com!10m,b@example.org; ruf=https://x.example/",
		"v=DMARC1;p=reject;sp=quarantine;pct=50;fo=0:1:d:s;adkim=s;aspf=r;rf=afrf;ri=3600",
		" v=DMARC1; p=none", `"v=DMARC1; p=none"`, "v=DMARC1 p=none", "v=;;;==;=\x00", "v=DMARC1; psd=y; t=y; np=reject",
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
		for _, u := range slices.Concat(r.RUA, r.RUF) {
			if text[u.Pos:u.Pos+len(u.Raw)] != u.Raw {
				t.Errorf("address %q is not at %d", u.Raw, u.Pos)
			}
			if u.Host != "" && !syntax.DomainName(u.Host) {
				t.Errorf("host %q", u.Host)
			}
		}
		for _, rel := range []Relation{Self, Existing, NonExisting} {
			r.Effective(RFC9989, rel)
			r.Effective(RFC7489, rel)
		}
		oracle(t, text)
	})
}
