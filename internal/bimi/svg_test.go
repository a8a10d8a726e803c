package bimi

import (
	"bytes"
	"compress/gzip"
	"slices"
	"strings"
	"testing"
)

const goodSVG = `<?xml version="1.0" encoding="UTF-8"?>
<svg version="1.2" baseProfile="tiny-ps" viewBox="0 0 64 64" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">
  <title>Example</title>
  <desc>A disc</desc>
  <defs><linearGradient id="g"><stop offset="0" stop-color="#fff"/></linearGradient><path id="p" d="M0 0h1"/></defs>
  <circle cx="32" cy="32" r="30" fill="url(#g)"/><use xlink:href="#p"/>
</svg>`

// in puts something inside the good logo.
func in(s string) string { return strings.Replace(goodSVG, "</svg>", s+"</svg>", 1) }

func compressed(t testing.TB, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCheckSVG(t *testing.T) {
	root := func(old, new string) string { return strings.Replace(goodSVG, old, new, 1) }
	for _, tt := range []struct {
		name, svg string
		want      []Code
	}{
		{"good", goodSVG, nil},
		{"no declaration", strings.TrimPrefix(goodSVG, `<?xml version="1.0" encoding="UTF-8"?>`), nil},
		{"latin 1", root("UTF-8", "ISO-8859-1"), nil},
		{"other encoding", root("UTF-8", "UTF-16"), []Code{NotSVG}},
		{"empty", "", []Code{NotSVG}},
		{"text", "hello", []Code{NotSVG}},
		{"html", "<html><body></body></html>", []Code{NotSVG}},
		{"png", "\x89PNG\r\n\x1a\n\x00\x00", []Code{NotSVG}},
		{"cut", goodSVG[:len(goodSVG)-20], []Code{NotSVG}},
		{"two roots", goodSVG + `<svg xmlns="http://www.w3.org/2000/svg"/>`, []Code{NotSVG}},
		{"other profile", root(`baseProfile="tiny-ps"`, `baseProfile="tiny"`), []Code{BaseProfile}},
		{"no profile", root(`baseProfile="tiny-ps"`, ``), []Code{BaseProfile}},
		{"other version", root(`version="1.2" base`, `version="1.1" base`), []Code{SVGVersion}},
		{"no title", root("<title>Example</title>", ""), []Code{TitleMissing}},
		{"blank title", root("<title>Example</title>", "<title> </title>"), []Code{TitleMissing}},
		{"title of an element", root("<title>Example</title>", "<g><title>Example</title></g>"), []Code{TitleMissing}},
		{"position", root("<svg ", `<svg x="0px" y="0px" `), []Code{RootPosition, RootPosition}},
		{"no view box", root(`viewBox="0 0 64 64"`, ""), []Code{ViewBox}},
		{"bad view box", root(`0 0 64 64`, "0 0 64 NaN"), []Code{ViewBox}},
		{"commas", root(`0 0 64 64`, "0,0,64,64"), nil},
		{"not square", root(`0 0 64 64`, "0 0 64 32"), []Code{NotSquare}},
		{"script", in(`<script>alert(1)</script>`), []Code{Script}},
		{"animation", in(`<animate/>`), []Code{Animation}},
		{"event handler", in(`<g onclick="x()"/>`), []Code{EventHandler}},
		{"root event handler", root("<svg ", `<svg onload="x()" `), []Code{EventHandler}},
		{"foreign object", in(`<foreignObject/>`), []Code{ForeignObject}},
		{"raster", in(`<image xlink:href="data:image/png;base64,AAAA"/>`), []Code{RasterImage, Reference}},
		{"outside use", in(`<use xlink:href="https://www.example.net/a.svg#x"/>`), []Code{Reference}},
		{"outside fill", in(`<g fill="url( 'https://www.example.net/a.svg#x' )"/>`), []Code{Reference}},
		{"inside fill", in(`<g style="fill:url(#g); stroke: url( '#g' )"/>`), nil},
		{"style sheet", in(`<style>@import "a.css"; b { fill: url(c.svg) }</style>`), []Code{OutOfProfile, Reference, Reference}},
		{"linked style sheet", root("<svg ", `<?xml-stylesheet href="a.css"?><svg `), []Code{Reference}},
		{"xml:base", in(`<g xml:base="https://www.example.net/"/>`), []Code{Reference}},
		{"link", in(`<a xlink:href="https://www.example.net/"/>`), []Code{Interactive, Reference}},
		{"filter", in(`<filter/>`), []Code{OutOfProfile}},
		{"editor data", in(`<n:view xmlns:n="urn:x"/>`), []Code{OtherContent}},
		{"metadata", in(`<metadata><n:view xmlns:n="urn:x"/></metadata>`), nil},
		{"entities", root("<svg ", `<!DOCTYPE svg [<!ENTITY a "b">]><svg `), []Code{DocumentType, Entity}},
		{"entity used", strings.Replace(root("<svg ", `<!DOCTYPE svg [<!ENTITY a "b">]><svg `), "<title>", "<title>&a;", 1), []Code{DocumentType, Entity, NotSVG, TitleMissing}},
		{"large", in("<!--" + strings.Repeat("x", LogoSize) + "-->"), []Code{Large}},
		{"too large", in("<!--" + strings.Repeat("x", maxLogo) + "-->"), []Code{TooLarge}},
		{"deep", in(strings.Repeat("<g>", 250) + strings.Repeat("</g>", 250)), []Code{Limit}},
	} {
		s := CheckSVG([]byte(tt.svg))
		var got []Code
		for _, p := range s.Problems {
			got = append(got, p.Code)
			if p.Text == "" || p.Pos < 0 || p.Pos > len(tt.svg) {
				t.Errorf("%s: %+v", tt.name, p)
			}
		}
		slices.Sort(got)
		if want := slices.Sorted(slices.Values(tt.want)); !slices.Equal(got, want) {
			t.Errorf("%s: %+v, want %v", tt.name, s.Problems, tt.want)
		}
	}
}

func TestSVGFacts(t *testing.T) {
	for _, body := range [][]byte{[]byte(goodSVG), compressed(t, goodSVG)} {
		s := CheckSVG(body)
		if s.Title != "Example" || s.Version != "1.2" || s.BaseProfile != "tiny-ps" || s.Width != 64 || s.Height != 64 ||
			s.Size != len(body) || string(s.Content) != goodSVG || s.Compressed != (len(body) != len(goodSVG)) || len(s.Problems) > 0 {
			t.Errorf("%+v", s)
		}
	}
	if s := CheckSVG(compressed(t, in(strings.Repeat(" ", 10*maxLogo)))); !s.Has(TooLarge) || s.Content != nil {
		t.Errorf("a gzip bomb: %+v", s.Problems)
	}
	damaged := compressed(t, goodSVG)
	if s := CheckSVG(damaged[:len(damaged)/2]); !s.Has(NotSVG) {
		t.Errorf("damaged gzip: %+v", s.Problems)
	}
	if s := CheckSVG([]byte(in(strings.Repeat("<script/>", 5000)))); len(s.Problems) > 5*maxProblems {
		t.Errorf("%d problems", len(s.Problems))
	}
}

func FuzzCheckSVG(f *testing.F) {
	f.Add([]byte(goodSVG))
	f.Add(compressed(f, goodSVG))
	f.Add([]byte(in(`<style>url(</style><a onx="url(#)" href=" #"/>`)))
	f.Add([]byte("<svg viewBox='1 2 3 1e400'><title/></svg></svg>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		s := CheckSVG(body)
		if len(s.Problems) == 0 && (s.Title == "" || s.BaseProfile != "tiny-ps" || s.Width != s.Height) {
			t.Errorf("clean without the facts: %+v", s)
		}
	})
}
