package syntax

import (
	"fmt"
	"strings"
	"testing"
)

func TestSyntax(t *testing.T) {
	label := strings.Repeat("a", 63)
	for _, c := range []struct {
		what string
		f    func(string) bool
		yes  []string
		no   []string
	}{
		{"ASCII", ASCII, []string{"", "a b\x00\t~"}, []string{"é", "\x80", "\x7f"}},
		{
			"DomainName", DomainName,
			[]string{"a", "example.com", "_x.Example-1.com", label + ".com", "-a.b-"},
			[]string{"", ".", "a.", ".a", "a..b", "a b", "a/b", "é.com", label + "a.com", strings.Repeat(label+".", 4) + "com"},
		},
		{"FieldName", FieldName, []string{"v", "rua", "x_y-z.1", strings.Repeat("a", 32)}, []string{"", "_a", "a b", "a=", strings.Repeat("a", 33), "é"}},
		{"FieldValue", FieldValue, []string{"x", "a/b,c!"}, []string{"", "a b", "a=b", "a;b", "é", "\x7f"}},
	} {
		for _, s := range c.yes {
			if !c.f(s) {
				t.Errorf("%s(%q) is false", c.what, s)
			}
		}
		for _, s := range c.no {
			if c.f(s) {
				t.Errorf("%s(%q) is true", c.what, s)
			}
		}
	}
}

func TestLocalPart(t *testing.T) {
	for s, want := range map[string]bool{
		"dmarc": true, "a.b": true, "a..b": true, "a,b": true, "a+b/c=d": true, "!#$%&'*-?^_`{|}~": true,
		`"a@b"`: true, `"a b"`: true, `"a\"b"`: true, `"a\\"`: true, `""`: true,
		"": false, "a@b": false, "a b": false, "a(b)": false, "<a": false, "a>": false, "[a]": false, "a:b": false, "a;b": false, `a\b`: false,
		`a"b`: false, `"`: false, `"a`: false, `"a"b"`: false, "a\x00": false, "\xfc": false, "\"a\nb\"": false,
	} {
		if got := LocalPart(s); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
}

func TestParts(t *testing.T) {
	for text, want := range map[string]string{
		"":              "",
		" ":             "",
		"v=1":           "0:v=1",
		"v=1; id=a ;":   "0:v=1 5:id=a",
		"v=1;;\t; id=a": "0:v=1 4: 6: 8:id=a",
		"; v=1":         "0: 2:v=1",
	} {
		var got []string
		for at, part := range Parts(text) {
			got = append(got, fmt.Sprintf("%d:%s", at, part))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for at := range Parts("a;b;c") {
		if at > 0 {
			t.Error("goes on")
		}
		break
	}
}
