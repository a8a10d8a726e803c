package psl

import (
	"strings"
	"testing"

	"mxvet/internal/syntax"
)

func TestOrgDomain(t *testing.T) {
	l := Default()
	for _, c := range []struct{ name, icann, private string }{
		{"example.com", "example.com", "example.com"},
		{"a.b.Example.COM.", "example.com", "example.com"},
		{"a.co.uk", "a.co.uk", "a.co.uk"},
		{"x.y.a.co.uk", "a.co.uk", "a.co.uk"},
		{"co.uk", "co.uk", "co.uk"},
		{"com", "com", "com"},
		{"user.github.io", "github.io", "user.github.io"},
		{"w.user.github.io", "github.io", "user.github.io"},
		{"github.io", "github.io", "github.io"},
		{"a.b.c.ck", "b.c.ck", "b.c.ck"}, // *.ck
		{"c.ck", "c.ck", "c.ck"},
		{"www.ck", "www.ck", "www.ck"}, // !www.ck
		{"a.www.ck", "www.ck", "www.ck"},
		{"city.kobe.jp", "city.kobe.jp", "city.kobe.jp"},
		{"a.b.c.kobe.jp", "b.c.kobe.jp", "b.c.kobe.jp"},
		{"mail.example", "mail.example", "mail.example"}, // no rule: the last label is the suffix
		{"host.sub.example.test", "example.test", "example.test"},
		{"shop.xn--55qx5d.cn", "shop.xn--55qx5d.cn", "shop.xn--55qx5d.cn"},
		{"a.shop.xn--55qx5d.cn", "shop.xn--55qx5d.cn", "shop.xn--55qx5d.cn"},
		{"", "", ""},
	} {
		if got := l.OrgDomain(c.name, false); got != c.icann {
			t.Errorf("OrgDomain(%q, false) = %q, want %q", c.name, got, c.icann)
		}
		if got := l.OrgDomain(c.name, true); got != c.private {
			t.Errorf("OrgDomain(%q, true) = %q, want %q", c.name, got, c.private)
		}
	}
}

func TestSuffixAndRegistrable(t *testing.T) {
	l := Default()
	for _, c := range []struct {
		name           string
		icann, private bool
		registrable    string
	}{
		{"com", true, true, ""},
		{"co.uk", true, true, ""},
		{"github.io", false, true, "github.io"},
		{"user.github.io", false, false, "github.io"},
		{"x.ck", true, true, ""},
		{"www.ck", false, false, "www.ck"},
		{"unlisted", true, true, ""},
		{"a.b.example.org", false, false, "example.org"},
		{"", false, false, ""},
	} {
		if got := l.IsPublicSuffix(c.name, false); got != c.icann {
			t.Errorf("IsPublicSuffix(%q, false) = %v", c.name, got)
		}
		if got := l.IsPublicSuffix(c.name, true); got != c.private {
			t.Errorf("IsPublicSuffix(%q, true) = %v", c.name, got)
		}
		if got := l.Registrable(c.name); got != c.registrable {
			t.Errorf("Registrable(%q) = %q, want %q", c.name, got, c.registrable)
		}
	}
}

func TestLoad(t *testing.T) {
	l, err := Load(strings.NewReader(`// VERSION: 2026-01-02_03-04-05_UTC
// ===BEGIN ICANN DOMAINS===
test
both.test
*.both.test
bücher.test   trailing words are a comment
*.wild.test
!city.wild.test
// ===END ICANN DOMAINS===
// ===BEGIN PRIVATE DOMAINS===
hosting.test
// ===END PRIVATE DOMAINS===
`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := l.Version(), "VERSION: 2026-01-02_03-04-05_UTC"; got != want {
		t.Errorf("Version = %q, want %q", got, want)
	}
	for _, c := range []struct {
		name    string
		private bool
		want    string
	}{
		{"a.b.test", false, "b.test"},
		{"a.b.c.both.test", false, "b.c.both.test"},
		{"a.shop.xn--bcher-kva.test", false, "shop.xn--bcher-kva.test"},
		{"a.b.c.wild.test", true, "b.c.wild.test"},
		{"a.city.wild.test", true, "city.wild.test"},
		{"a.b.hosting.test", false, "hosting.test"},
		{"a.b.hosting.test", true, "b.hosting.test"},
	} {
		if got := l.OrgDomain(c.name, c.private); got != c.want {
			t.Errorf("OrgDomain(%q, %v) = %q, want %q", c.name, c.private, got, c.want)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"empty":     "",
		"comments":  "// nothing\n\n",
		"html":      "<!DOCTYPE html>\n<html>\n",
		"bad label": "co..uk\n",
		"bare mark": "!\n",
		"half star": "*foo\n",
		"long line": strings.Repeat("a", maxLine+1) + "\n",
	} {
		if _, err := Load(strings.NewReader(text)); err == nil {
			t.Errorf("%s: Load accepted it", name)
		}
	}
}

func TestDefaultSaysItsVersion(t *testing.T) {
	if !strings.Contains(Default().Version(), "202") {
		t.Errorf("Version = %q: no year", Default().Version())
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("com\n*.ck\n!www.ck\n", "a.www.ck")
	f.Add("// ===BEGIN PRIVATE DOMAINS===\nx.y\n", "x.y")
	f.Add("*\n", "..")
	f.Fuzz(func(t *testing.T, list, name string) {
		l, err := Load(strings.NewReader(list))
		if err != nil {
			l = Default()
		}
		l.Registrable(name)
		if !syntax.DomainName(canonical(name)) {
			return // any answer will do, a panic will not
		}
		for _, private := range []bool{false, true} {
			org := l.OrgDomain(name, private)
			if again := l.OrgDomain(org, private); again != org {
				t.Errorf("OrgDomain(%q) = %q, but of that %q", name, org, again)
			}
		}
	})
}
