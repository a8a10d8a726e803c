package mtasts

import (
	"fmt"
	"strings"
	"testing"
)

func list(problems []Problem) string {
	var out []string
	for _, p := range problems {
		s := string(p.Code)
		if p.Line > 0 {
			s += fmt.Sprint(" ", p.Line)
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func TestParse(t *testing.T) {
	long := strings.Repeat("a", 32)
	for _, c := range []struct {
		text             string
		selected, usable bool
		want             string
	}{
		{"v=STSv1; id=20160831085700Z;", true, true, ""},
		{"v=STSv1;id=1", true, true, ""},
		{"v=STSv1; x-y.z=foo; id=" + long, true, true, "unknown-field"},
		{"v=STSv1; id=" + long + "a;", true, false, "id-invalid"},
		{"v=STSv1; id=2026-11-21;", true, false, "id-invalid"},
		{"v=STSv1; id=;", true, false, "id-invalid"},
		{"v=STSv1;", true, false, "id-missing"},
		{"v=STSv1; ID=1;", true, false, "unknown-field, id-missing"},
		{"v=STSv1; id=1; id=2;", true, true, "repeated"},
		{"v=STSv1; id=1; v=STSv1;", true, true, "repeated"},
		{"v=STSv1; id=1;;", true, true, "empty-field"},
		{"v=STSv1; id = 1;", true, true, "blank"},
		{"v=STSv1; 20260101;", true, false, "malformed, id-missing"},
		{"v=STSv1; id=1; x=a=b;", true, true, "unknown-field, malformed"},

		{"v=STSv1 ; id=1;", false, false, "version-blank"},
		{" v=STSv1; id=1;", false, false, "version-blank"},
		{"v = STSv1; id=1;", false, false, "blank, version-blank"},
		{"v=STSv1", false, false, "id-missing, version-separator"},
		{"v=STSv1 id=1;", false, false, "malformed, id-missing, version-separator"},
		{"v=STSV1; id=1;", false, false, "version-case"},
		{"V=STSv1; id=1;", false, false, "unknown-field, version-case"},
		{"v=STSv2; id=1;", false, false, "version-value"},
		{"id=1; v=STSv1;", false, false, "version-not-first"},
		{"id=1", false, false, "version-missing"},
		{"", false, false, "id-missing, version-missing"},
		{"v=spf1 -all", false, false, "malformed, id-missing, version-value"},
	} {
		r := Parse(c.text)
		if got := list(r.Problems); got != c.want || r.Selected != c.selected || r.Usable() != c.usable {
			t.Errorf("%q:\n got %v %v %s\nwant %v %v %s", c.text, r.Selected, r.Usable(), got, c.selected, c.usable, c.want)
		}
	}
	if r := Parse("v=STSv1; id=1; id=2"); r.ID != "1" {
		t.Errorf("id %q: the first counts", r.ID)
	}
}

func TestParsePolicy(t *testing.T) {
	const good = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"
	lf := strings.ReplaceAll(good, "\r\n", "\n")
	for _, c := range []struct {
		name, body string
		usable     bool
		want       string
	}{
		{"good", good, true, ""},
		{"no end of last line", strings.TrimSuffix(good, "\r\n"), true, ""},
		{"other order", "max_age:604800\r\nmx:a.example\r\nmode:testing\r\nversion:STSv1\r\n", true, ""},
		{"trailing blanks", strings.ReplaceAll(good, "\r\n", " \r\n"), true, ""},
		{"LF", lf, true, "bare-lf 1"},
		{"one LF", strings.Replace(good, "\r\nmax", "\nmax", 1), true, "bare-lf 4"},
		{"CR", strings.ReplaceAll(lf, "\n", "\r"), true, "bare-cr 1"},
		{"BOM", "\ufeff" + good, true, "bom 1"},
		{"blank first", " " + good, true, "blank 1"},
		{"empty lines", "\r\n" + good + "\r\n", true, "empty-line 1, empty-line 7"},
		{"blank before colon", strings.Replace(good, "mode:", "mode :", 1), true, "blank 2"},
		{"empty", "", false, "policy-version-missing, mode-missing, max-age-missing, mx-missing"},
		{"html", "<html>\n</html>", false, "malformed 1, malformed 2, bare-lf 1, policy-version-missing, mode-missing, max-age-missing, mx-missing"},
		{"version", strings.Replace(good, "STSv1", "STSV1", 1), false, "policy-version-invalid 1"},
		{"field names have a letter case", strings.Replace(good, "version", "Version", 1), false, "unknown-field 1, policy-version-missing"},
		{"max-age", strings.Replace(good, "max_age", "max-age", 1), false, "unknown-field 5, max-age-missing"},
		{"mode case", strings.Replace(good, "enforce", "Enforce", 1), false, "mode-invalid 2"},
		{"mode", strings.Replace(good, "enforce", "report", 1), false, "mode-invalid 2"},
		{"max_age negative", strings.Replace(good, "604800", "-1", 1), false, "max-age-invalid 5"},
		{"max_age sign", strings.Replace(good, "604800", "+1", 1), false, "max-age-invalid 5"},
		{"max_age eleven digits", strings.Replace(good, "604800", "00000604800", 1), false, "max-age-invalid 5"},
		{"max_age zero", strings.Replace(good, "604800", "0", 1), true, ""},
		{"max_age a year", strings.Replace(good, "604800", "31557600", 1), true, ""},
		{"max_age more", strings.Replace(good, "604800", "31557601", 1), true, "max-age-too-large 5"},
		{"no mx", "version: STSv1\r\nmode: enforce\r\nmax_age: 1\r\n", false, "mx-missing"},
		{"none needs no mx", "version: STSv1\r\nmode: none\r\nmax_age: 1\r\n", true, ""},
		{"repeated", good + "mode: none\r\n", true, "repeated 6"},
		{"unknown", good + "x_y: some text\r\n", true, "unknown-field 6"},
		{"unknown without value", good + "x:\r\n", true, "malformed 6, unknown-field 6"},
		{"bad patterns", "version: STSv1\r\nmode: enforce\r\nmax_age: 1\r\nmx: a.example, b.example\r\nmx: 192.0.2.1\r\nmx: mx.example.\r\n", true, "mx-several 4, mx-address 5, mx-trailing-dot 6"},
	} {
		p := ParsePolicy([]byte(c.body))
		if got := list(p.Problems); got != c.want || p.Usable() != c.usable {
			t.Errorf("%s:\n got %v %s\nwant %v %s", c.name, p.Usable(), got, c.usable, c.want)
		}
	}
	p := ParsePolicy([]byte(good + "mode: none\r\n"))
	if p.Mode != Enforce || p.MaxAge != 604800 || len(p.MX) != 2 || p.CRLF != 6 || p.MX[1].Line != 4 {
		t.Errorf("policy: %+v", p)
	}
	if got := p.Matches("MAIL.example.com"); len(got) != 1 || got[0].Text != "mail.example.com" {
		t.Errorf("matches: %+v", got)
	}
	if p := ParsePolicy([]byte(strings.Repeat("\n", 5000))); len(p.Problems) > 5*maxProblems {
		t.Errorf("%d problems", len(p.Problems))
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, host string
		want          bool
	}{
		{"mail.example.com", "mail.example.com", true},
		{"mail.example.com", "MAIL.Example.COM.", true},
		{"Mail.Example.Com", "mail.example.com", true},
		{"mail.example.com", "xmail.example.com", false},
		{"mail.example.com", "mail.example.com.evil.test", false},
		{"example.com", "mail.example.com", false},
		{"*.example.com", "mx.example.com", true},
		{"*.example.com", "MX.EXAMPLE.COM", true},
		{"*.Example.com", "mx.example.com", true},
		{"*.example.com", "a.b.example.com", false},
		{"*.example.com", "example.com", false},
		{"*.example.com", ".example.com", false},
		{"*.example.com", "notexample.com", false},
		{"*.ex.com", "mx.notex.com", false},
		{"*.ex.com", "mx.ex.com.evil.test", false},
		{"*.com", "example.com", true},
		{"*", "com", false},
		{"*.", "com.", false},
		{"*", "mx.example.com", false},
		{"*.*.example.com", "a.b.example.com", false},
		{"mx*.example.com", "mx1.example.com", false},
		{"mx.*.com", "mx.example.com", false},
		{"*mx.example.com", "amx.example.com", false},
		{".example.com", "mx.example.com", false},
		{"mx.example.com.", "mx.example.com", false},
		{"192.0.2.1", "192.0.2.1", false},
		{"[2001:db8::1]", "[2001:db8::1]", false},
		{"a.example b.example", "a.example b.example", false},
		{"", "", false},
		{"bücher.example", "bücher.example", false},
		{"xn--bcher-kva.example", "xn--bcher-kva.example", true},
	} {
		if got := Matches(c.pattern, c.host); got != c.want {
			t.Errorf("Matches(%q, %q) = %v", c.pattern, c.host, got)
		}
	}
}

func TestCheckPattern(t *testing.T) {
	for s, want := range map[string]Code{
		"mx.example.com": "", "*.example.com": "", "mx_1.example.com": "",
		"": MXEmpty, "a.example,b.example": MXSeveral, "*": MXWildcard, "*.": MXWildcard, "mx*.example.com": MXWildcard, "*.*.com": MXWildcard,
		"mx.bücher.example": MXUnicode, "192.0.2.1": MXAddress, "[192.0.2.1]": MXAddress, "2001:db8::1": MXAddress,
		"mx.example.com.": MXTrailingDot, ".example.com": MXInvalid, "a..example": MXInvalid, "-a.example": MXInvalid, "a@example.com": MXInvalid,
	} {
		if got, _ := checkPattern(s); got != want {
			t.Errorf("checkPattern(%q) = %q, want %q", s, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"v=STSv1; id=1;", "v=STSv1 ; id=", "id=1;v=STSv1", ";;=;x=y=z", " v=STSv1;"} {
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
		if r.Usable() && r.Problem(VersionMissing) != nil {
			t.Error("usable without version")
		}
	})
}

func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte("version: STSv1\r\nmode: enforce\nmx: *.example.com\rmax_age: 1"), "mx.example.com")
	f.Add([]byte("\xef\xbb\xbf\n\r\n : \n:"), "")
	f.Fuzz(func(t *testing.T, body []byte, host string) {
		p := ParsePolicy(body)
		if again := ParsePolicy([]byte(p.String())); again.String() != p.String() {
			t.Errorf("String is no fixed point: %q, then %q", p.String(), again.String())
		}
		for _, x := range p.Problems {
			if x.Pos < 0 || x.Pos > len(body) {
				t.Errorf("problem %s at %d of %d", x.Code, x.Pos, len(body))
			}
		}
		for _, m := range p.MX {
			if (m.Problem != "") && Matches(m.Text, host) {
				t.Errorf("invalid pattern %q matches %q", m.Text, host)
			}
		}
	})
}
