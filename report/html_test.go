package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"

	"mxvet/internal/wire"
	"mxvet/templates"
)

func render(t testing.TB, r *Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := HTML(&out, r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

var styleElement = regexp.MustCompile(`(?s)<style>(.*?)</style>`)

func TestHTML(t *testing.T) {
	for name, r := range stored(t) {
		t.Run(name, func(t *testing.T) {
			out := render(t, r)
			examine(t, out)
			if len(out) > 150<<10 {
				t.Errorf("%d bytes, 150 KB allowed", len(out))
			}
			if name == "typical" || name == "hostile" {
				golden(t, name+".html", []byte(styleElement.ReplaceAllString(out, "<style></style>")))
			}
			if out != render(t, r) {
				t.Error("a second rendering differs")
			}
		})
	}
}

// The elements and attributes that the template writes. Anything else in an
// output would come from text that was not escaped.
var (
	elements = strings.Fields(`html head meta title style body a header h1 p main section h2 h3 h4 h5 div table thead tbody tr th td span
		footer details summary article ul ol li code strong br nav dl dt dd pre time svg circle text path rect g polyline defs pattern`)
	attributes = strings.Fields(`lang charset http-equiv content name class href id aria-labelledby aria-label aria-hidden role scope datetime
		viewbox preserveaspectratio cx cy r fill stroke stroke-width stroke-linecap stroke-linejoin stroke-dasharray transform x y rx width height d points font-size patternunits patterntransform`)
)

// examine holds what is true of every HTML output: only known elements and
// attributes, nothing fetched, no script, a policy that fits, unique ids, links
// that lead somewhere, and no hidden characters.
func examine(t testing.TB, out string) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Error("not UTF-8")
	}
	if bare := strings.ReplaceAll(out, "\n", ""); Sanitize(bare) != bare {
		t.Error("holds control characters")
	}
	doc, err := html.Parse(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	ids, links, policy := map[string]bool{}, []string{}, ""
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if !slices.Contains(elements, n.Data) {
			t.Errorf("element <%s>", n.Data)
		}
		for _, a := range n.Attr {
			key := strings.ToLower(a.Key)
			if !slices.Contains(attributes, key) {
				t.Errorf("<%s> has the attribute %s", n.Data, key)
			}
			switch key {
			case "href":
				links = append(links, a.Val)
			case "id":
				if ids[a.Val] {
					t.Errorf("id %s twice", a.Val)
				}
				ids[a.Val] = true
			case "content":
				if strings.HasPrefix(a.Val, "default-src") {
					policy = a.Val
				}
			}
			if key == "aria-labelledby" {
				for id := range strings.FieldsSeq(a.Val) {
					if !strings.Contains(out, `id="`+id+`"`) {
						t.Errorf("aria-labelledby %s leads nowhere", id)
					}
				}
			}
		}
	}
	for _, l := range links {
		if !strings.HasPrefix(l, "#") || !ids[l[1:]] {
			t.Errorf("link to %q", l)
		}
	}
	style := styleElement.FindStringSubmatch(out)
	if style == nil {
		t.Fatal("no style element")
	}
	sum := sha256.Sum256([]byte(style[1]))
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
	if policy != want {
		t.Errorf("policy %q, want %q", policy, want)
	}
	if regexp.MustCompile(`url\(|@import|https?:`).MatchString(style[1]) {
		t.Error("the style sheet fetches something")
	}
}

// text gives what a reader sees.
func text(t *testing.T, out string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for n := range doc.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "style" {
			b.WriteString(n.Data + " ")
		}
	}
	return b.String()
}

// TestHTMLShowsHostileText holds that hostile text is there, as text.
func TestHTMLShowsHostileText(t *testing.T) {
	seen := text(t, render(t, sampleHostile(t)))
	for _, s := range []string{hostileHTML, Sanitize(hostileEscape), Sanitize(hostileBidi), Sanitize(hostileBytes)} {
		if !strings.Contains(seen, strings.TrimSpace(s)) {
			t.Errorf("not shown: %s", s)
		}
	}
}

// TestHTMLTells holds that the page shows what the report knows.
func TestHTMLTells(t *testing.T) {
	r := sampleTypical(t)
	out := render(t, r)
	seen := text(t, out)
	d := r.Domains[0]
	var want []string
	for _, a := range d.Answers {
		want = append(want, a.Question, a.Answer, a.Text)
	}
	for _, f := range d.Findings {
		want = append(want, f.Rule, f.Message, f.Title)
		want = append(want, f.Evidence...)
	}
	for _, f := range d.Fixes {
		want = append(want, f.Title, f.Needs)
		want = append(want, strings.Split(f.Undo, "\n")...)
		for _, c := range f.Changes {
			want = append(want, c.New...)
			want = append(want, c.Old...)
		}
		for _, s := range f.Steps {
			want = append(want, s.Text)
			want = append(want, s.Copy...)
		}
	}
	for _, u := range d.Unknown {
		want = append(want, u.Reason)
	}
	for _, e := range d.Timeline {
		want = append(want, e.What, e.At.Format(dateForm))
	}
	want = append(want, "mx2.example.com (preference 20) → 2001:db8::2", "include:_spf.example.net", "the name does not exist", "9 of 10")
	for _, s := range want {
		if !strings.Contains(seen, s) {
			t.Errorf("not shown: %q", s)
		}
	}
	before := strings.Index(out, "What to do")
	if score := strings.Index(out, `aria-label="Score 79 of 100`); score < 0 || score > before || strings.Index(out, "Is it safe from forgery?") > before {
		t.Error("score and answers do not come first")
	}
}

func FuzzHTML(f *testing.F) {
	for _, s := range []string{hostileHTML, hostileEscape, hostileBidi, hostileBytes, `"></text></svg><a href="javascript:x">`, "' onload='x", "]]>", "{{template}}", "</style>", "\x00"} {
		f.Add(s)
	}
	base := sampleHostile(f)
	f.Fuzz(func(t *testing.T, s string) {
		r := *base
		d := r.Domains[0]
		d.Name, d.Unicode, d.Profile.Role, d.Profile.Why = s, s, s, s
		d.Findings = []Finding{{Rule: s, Title: s, Area: "spf", Severity: s, Subject: s, Key: s, Message: s, Evidence: []string{s}, Refs: []string{s}}}
		d.Fixes = []Fix{{ID: s, Title: s, Rules: []string{s}, Group: GroupPublish, Safety: s, Effort: s, Needs: s, Changes: []Change{{Owner: s, Type: s, Old: []string{s}, New: []string{s}}}, Steps: []Step{{Text: s, Copy: []string{s}}}, Undo: s, Unverified: s}}
		d.MX = []MX{{Host: s}}
		d.SPF = &SPFTree{Domain: s, Record: s, Terms: []SPFTerm{{Text: s, Problem: s, Lookups: 1}}}
		r.Hosts = []Host{{Name: s, Addresses: []HostAddress{{IP: s, Fail: s, Banner: s, TLS: &TLS{Version: s, Error: s}, Cert: &Certificate{Key: s, Mozilla: s}}}}}
		r.Domains, r.Rubric = []Domain{d}, s
		r.Evidence = []Evidence{{Ref: s, Text: s}}
		examine(t, render(t, &r))
		var out bytes.Buffer
		if err := Text(&out, &r, TextOptions{Wide: true, Verbose: true}); err != nil {
			t.Fatal(err)
		}
		if plain := strings.ReplaceAll(out.String(), "\n", ""); Sanitize(plain) != plain {
			t.Error("text holds control characters")
		}
	})
}

// TestHTMLBounded holds that a domain with far too much of everything stays a
// page that a browser opens.
func TestHTMLBounded(t *testing.T) {
	r := sampleTypical(t)
	d := &r.Domains[0]
	long := strings.Repeat("x", 100_000)
	for i := range 2000 {
		d.Findings = append(d.Findings, Finding{Rule: "r", Area: "spf", Severity: "low", Message: "m", Subject: strconv.Itoa(i)})
		d.Timeline = append(d.Timeline, Event{At: sampleTime, What: "w"})
		d.MX = append(d.MX, MX{Host: strconv.Itoa(i)})
		d.SPF.Terms = append(d.SPF.Terms, SPFTerm{Text: "include:x", Lookups: 1})
	}
	d.Findings[0].Message, d.Fixes[0].Title, d.SPF.Record = long, long, long
	if out := render(t, r); len(out) > 400<<10 {
		t.Errorf("%d bytes", len(out))
	}
}

// TestContrast holds the colours of the style sheet against WCAG 2.2 AA: 4.5 for
// text, 3 for what a picture tells by colour.
func TestContrast(t *testing.T) {
	css, err := templates.FS.ReadFile("report.css")
	if err != nil {
		t.Fatal(err)
	}
	themes := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllSubmatch(css, -1)
	if len(themes) != 3 {
		t.Fatalf("%d themes, want light, dark and print", len(themes))
	}
	for i, name := range []string{"light", "dark", "print"} {
		color := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6})`).FindAllSubmatch(themes[i][1], -1) {
			color[string(m[1])] = string(m[2])
		}
		atLeast := func(want float64, fg string, bgs ...string) {
			for _, bg := range bgs {
				if got := contrast(color[fg], color[bg]); got < want {
					t.Errorf("%s: %s on %s has a contrast of %.2f, %.1f needed (%s, %s)", name, fg, bg, got, want, color[fg], color[bg])
				}
			}
		}
		for _, fg := range []string{"ink", "muted", "accent", "good", "warn", "bad", "cold"} {
			atLeast(4.5, fg, "bg", "card")
		}
		atLeast(4.5, "ink", "code", "good-soft", "warn-soft", "bad-soft")
		atLeast(4.5, "muted", "code", "good-soft", "warn-soft", "bad-soft")
		atLeast(4.5, "good", "good-soft")
		atLeast(4.5, "warn", "warn-soft")
		atLeast(4.5, "bad", "bad-soft")
		atLeast(4.5, "cold", "cold-soft")
		atLeast(4.5, "accent", "accent-soft")
	}
}

func contrast(a, b string) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(hex string) float64 {
	if len(hex) != 7 {
		return math.NaN()
	}
	n, err := strconv.ParseUint(hex[1:], 16, 32)
	if err != nil {
		return math.NaN()
	}
	l := 0.0
	for i, weight := range []float64{0.0722, 0.7152, 0.2126} {
		c := float64(n>>(8*i)&0xff) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		l += weight * c
	}
	return l
}

// TestHTMLLeavesReport holds that rendering does not change the report.
func TestHTMLLeavesReport(t *testing.T) {
	r := sampleHostile(t)
	var before, after bytes.Buffer
	if err := JSON(&before, r); err != nil {
		t.Fatal(err)
	}
	render(t, r)
	if err := Text(&bytes.Buffer{}, r, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := JSON(&after, r); err != nil {
		t.Fatal(err)
	}
	if before.String() != after.String() {
		t.Error("the report changed")
	}
}

// TestSummaries holds what evidence says of each kind of answer.
func TestSummaries(t *testing.T) {
	for want, got := range map[string]string{
		"NXDOMAIN: the name does not exist":    SummarizeAnswer(wire.Answer{Rcode: "NXDOMAIN"}),
		"NOERROR: no such record at this name": SummarizeAnswer(wire.Answer{Rcode: "NOERROR"}),
		"no usable answer: 5 s":                SummarizeAnswer(wire.Answer{Fail: &wire.Fail{Kind: wire.FailTimeout, Text: "5 s"}}),
		"example.com. 60 IN A 192.0.2.1\n(from 192.0.2.53:53, assumed, not published)": SummarizeAnswer(wire.Answer{Rcode: "NOERROR", From: "192.0.2.53:53", Assumed: true, Answer: []string{"example.com.\t60\tIN\tA\t192.0.2.1"}}),
		"HTTP 404 text/html\nfailed: 64 KiB\nnot here":                                 SummarizePage(wire.Page{Status: 404, ContentType: "text/html", Body: []byte("not here\r\n"), Fail: &wire.Fail{Kind: wire.FailLimit, Text: "64 KiB"}}),
		"TLS handshake failed: no common cipher\nended: tls":                           SummarizeSession(wire.Session{TLS: &wire.TLS{Error: "no common cipher"}, Fail: &wire.Fail{Kind: wire.FailTLS}}),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	huge := SummarizeAnswer(wire.Answer{Rcode: "NOERROR", Answer: slices.Repeat([]string{strings.Repeat("é", 300)}, 100)})
	if len(huge) > maxSummary || !utf8.ValidString(huge) {
		t.Errorf("%d bytes", len(huge))
	}
}
