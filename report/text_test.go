package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write golden files and the schema anew")

const reports = "../testdata/reports"

// golden compares with a stored file, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join(reports, name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test ./report -update writes it anew); got:\n%s", path, got)
	}
}

// stored gives the reports that renderings are tested with, by name.
func stored(t *testing.T) map[string]*Report {
	return map[string]*Report{
		"typical": sampleTypical(t), "clean": sampleClean(t), "unknown": sampleUnknown(t), "nomail": sampleNoMail(t), "hostile": sampleHostile(t),
	}
}

func TestText(t *testing.T) {
	variants := map[string]TextOptions{
		"60": {Width: 60}, "80": {}, "100": {Width: 100}, "wide": {Width: 140, Wide: true}, "verbose": {Verbose: true}, "quiet": {Quiet: true}, "color": {Color: true},
	}
	for name, r := range stored(t) {
		for variant, o := range variants {
			if variant != "80" && name != "typical" && name != "hostile" {
				continue
			}
			t.Run(name+"."+variant, func(t *testing.T) {
				var out bytes.Buffer
				if err := Text(&out, r, o); err != nil {
					t.Fatal(err)
				}
				golden(t, name+"."+variant+".txt", out.Bytes())
				inspect(t, out.String(), o, toCopy(r)...)
			})
		}
	}
}

// toCopy gives the lines that fixes ask to copy.
func toCopy(r *Report) []string {
	var out []string
	for _, d := range r.Domains {
		for _, f := range d.Fixes {
			for _, s := range f.Steps {
				for _, line := range s.Copy {
					out = append(out, Sanitize(line))
				}
			}
		}
	}
	return out
}

// inspect holds what is true of every text output. Lines to copy are never
// broken, however long.
func inspect(t *testing.T, out string, o TextOptions, copied ...string) {
	t.Helper()
	limit := max(o.Width, 40)
	if o.Width == 0 {
		limit = 80
	}
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		if !utf8.ValidString(line) {
			t.Errorf("not UTF-8: %q", line)
		}
		bare := line
		for _, sgr := range []string{"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m"} {
			if o.Color {
				bare = strings.ReplaceAll(bare, sgr, "")
			}
		}
		if Sanitize(bare) != bare {
			t.Errorf("control characters: %q", line)
		}
		if opened := strings.Count(line, "\x1b[") - strings.Count(line, "\x1b[0m"); opened != strings.Count(line, "\x1b[0m") {
			t.Errorf("colour leaks out of the line: %q", line)
		}
		record := strings.Contains(line, " IN ") || strings.Contains(line, "zone ") || strings.Contains(line, "live ") || strings.Contains(line, "assumed: ") || strings.HasPrefix(line, strings.Repeat(" ", 12))
		if width(bare) > limit && !record && !slices.Contains(copied, strings.TrimSpace(bare)) {
			t.Errorf("%d cells, %d allowed: %q", width(bare), limit, bare)
		}
		if strings.HasSuffix(line, " ") {
			t.Errorf("ends in blanks: %q", line)
		}
	}
}

// TestTextKeepsRecords holds that a record can be copied from one line.
func TestTextKeepsRecords(t *testing.T) {
	r := sampleTypical(t)
	for _, w := range []int{40, 80} {
		var out bytes.Buffer
		if err := Text(&out, r, TextOptions{Width: w}); err != nil {
			t.Fatal(err)
		}
		for _, f := range r.Domains[0].Fixes {
			for _, c := range f.Changes {
				for _, data := range c.New {
					if !strings.Contains(out.String(), "\n  "+c.Owner+". 3600 IN TXT "+data+"\n") {
						t.Errorf("width %d: %s is not on one line", w, data)
					}
				}
			}
		}
	}
}

func TestSanitize(t *testing.T) {
	for in, want := range map[string]string{
		"plain, ünï, 漢字 👩‍👩‍👧": "plain, ünï, 漢字 👩‍👩‍👧",
		"\x1b[31m":            `\x1b[31m`,
		"a\r\n\tb\x00\x7f":    `a\x0d\x0a\x09b\x00\x7f`,
		"\u009b31m":           `\x9b31m`,
		"a\xffb\xc3":          `a\xffb\xc3`,
		"\u202eevil\u2069":    `\u202eevil\u2069`,
		"\u200bx\ufeff\u2028": `\u200bx\ufeff\u2028`,
		"\U000e0041\ue000":    `\U000e0041\ue000`,
		"\ufffd":              "\ufffd",
	} {
		if got := Sanitize(in); got != want {
			t.Errorf("Sanitize(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzSanitize(f *testing.F) {
	for _, s := range []string{hostileEscape, hostileBidi, hostileHTML, hostileBytes, "漢字\x80"} {
		f.Add(s, 20)
	}
	f.Fuzz(func(t *testing.T, s string, n int) {
		got := Sanitize(s)
		if !utf8.ValidString(got) || Sanitize(got) != got {
			t.Errorf("Sanitize(%q) = %q", s, got)
		}
		n = 8 + (n&0x7f)%100
		for _, l := range wrap(got, n, 2) {
			if width(l) > n {
				t.Errorf("wrap to %d gives %d cells: %q", n, width(l), l)
			}
		}
		joined := strings.ReplaceAll(strings.Join(wrap(got, n, 0), ""), " ", "")
		if want := strings.Join(strings.Fields(got), ""); joined != strings.ReplaceAll(want, " ", "") {
			t.Errorf("wrap loses text: %q became %q", want, joined)
		}
		if c := bound(s, n); len(c) > n {
			t.Errorf("bound(%q, %d) = %q", s, n, c)
		}
	})
}

// What is said alike of several subjects is said once.
func TestTextGroupsFindings(t *testing.T) {
	r := New(Tool{Name: "mxvet"}, "2026.1", Run{}, []Domain{{Name: "example.com", Findings: []Finding{
		{Rule: "cert-expiry", Severity: "low", Subject: "mx1.example.com [192.0.2.1]", Message: "expires soon"},
		{Rule: "cert-expiry", Severity: "low", Subject: "mx2.example.com [192.0.2.2]", Message: "expires soon"},
		{Rule: "cert-expiry", Severity: "low", Subject: "mx3.example.com [192.0.2.3]", Message: "expires later"},
	}}}, nil, nil)
	var out bytes.Buffer
	if err := Text(&out, r, TextOptions{Width: 200}); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{
		"mx1.example.com [192.0.2.1], mx2.example.com [192.0.2.2]: expires soon": 1, "expires soon": 1, "expires later": 1,
	} {
		if n := strings.Count(out.String(), text); n != want {
			t.Errorf("%q stands %d times, want %d:\n%s", text, n, want, out.String())
		}
	}
}

// Findings that differ in nothing but the name of the host are told once, a name
// that the sentence holds is not put before it, and the list with the evidence
// leaves the sentences out of the table.
func TestTextTellsOnce(t *testing.T) {
	d := Domain{
		Name: "example.com",
		Areas: []Area{{ID: "transport", Title: "Transport", Budget: 13, Failed: 2, Costs: []Cost{
			{Rule: "mtasts-cert", Severity: "high", Points: 520}, {Rule: "mtasts-mx-mismatch", Severity: "high", Points: 520},
		}}},
		Findings: []Finding{
			{Rule: "mtasts-cert", Severity: "high", Subject: "mx1.example.com [192.0.2.1]", Message: "does not prove mx1.example.com", Evidence: []string{"a"}},
			{Rule: "mtasts-cert", Severity: "high", Subject: "mx1.example.com [2001:db8::1]", Message: "does not prove mx1.example.com", Evidence: []string{"a"}},
			{Rule: "mtasts-cert", Severity: "high", Subject: "mx2.example.com [192.0.2.2]", Message: "does not prove mx2.example.com", Evidence: []string{"b"}},
			{Rule: "mtasts-mx-mismatch", Severity: "high", Subject: "mx3.example.com", Message: "no line fits mx3.example.com."},
			{Rule: "ip-ptr-missing", Severity: "low", Subject: "192.0.2.7", Key: "k", Message: "ip4:192.0.2.7 alone, not 192.0.2.70"},
			{Rule: "ip-ptr-missing", Severity: "low", Subject: "192.0.2.70", Key: "l", Message: "ip4:192.0.2.70 alone, not 192.0.2.70"},
			{Rule: "ip-ptr-missing", Severity: "low", Subject: "192.0.2.71", Key: "m", Message: "ip4:192.0.2.71 alone, not 192.0.2.70"},
		},
	}
	for _, test := range []struct {
		o    TextOptions
		want map[string]int
	}{
		{TextOptions{Width: 200}, map[string]int{
			"-5.2 mtasts-cert: mx1.example.com [192.0.2.1, 2001:db8::1], mx2.example.com [192.0.2.2], each as HOST: does not prove HOST": 1,
			"does not prove": 1,
			"-5.2 mtasts-mx-mismatch: no line fits mx3.example.com.":                                    1,
			"ip-ptr-missing: 192.0.2.7, 192.0.2.71, each as ADDRESS: ip4:ADDRESS alone, not 192.0.2.70": 1,
			"ip-ptr-missing: 192.0.2.70: ip4:192.0.2.70 alone, not 192.0.2.70":                          1,
		}},
		{TextOptions{Width: 200, Wide: true}, map[string]int{"does not prove": 1, "-5.2 mtasts-cert\n": 1, "no line fits": 1, "  k, m\n": 1}},
	} {
		var out bytes.Buffer
		if err := Text(&out, New(Tool{Name: "mxvet"}, "2026.1", Run{}, []Domain{d}, nil, nil), test.o); err != nil {
			t.Fatal(err)
		}
		for text, want := range test.want {
			if n := strings.Count(out.String(), text); n != want {
				t.Errorf("%q stands %d times, want %d:\n%s", text, n, want, out.String())
			}
		}
	}
}
