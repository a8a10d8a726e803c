package bimi

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Problems of logos.
const (
	NotSVG        Code = "not-svg"
	TooLarge      Code = "too-large"     // over 64 KiB, not examined
	Large         Code = "large"         // over 32 KB
	BaseProfile   Code = "base-profile"  // the root's baseProfile is not tiny-ps
	SVGVersion    Code = "svg-version"   // the root's version is not 1.2
	TitleMissing  Code = "title-missing" // no title, or an empty one
	RootPosition  Code = "root-position" // the root has x or y
	ViewBox       Code = "view-box"      // missing or malformed
	NotSquare     Code = "not-square"
	Script        Code = "script"
	Animation     Code = "animation"
	EventHandler  Code = "event-handler"
	ForeignObject Code = "foreign-object"
	RasterImage   Code = "raster-image"
	Reference     Code = "reference"       // to anything but a fragment of the document itself
	Interactive   Code = "interactive"     // links, media and other elements that the profile bans
	OutOfProfile  Code = "out-of-profile"  // an element that SVG Tiny 1.2 does not have
	Entity        Code = "entity"          // an entity declaration
	DocumentType  Code = "document-type"   // a document type declaration
	OtherContent  Code = "foreign-content" // elements of another namespace
)

const (
	// LogoSize is what receivers ask for, in octets without compression.
	LogoSize = 32 * 1024
	// maxLogo bounds what is examined, compressed or not.
	maxLogo  = 64 * 1024
	maxDepth = 200

	svgNamespace = "http://www.w3.org/2000/svg"
)

// An SVG is what a logo file is, and where it leaves the profile.
type SVG struct {
	Compressed bool // gzip, as in .svgz
	Size       int  // octets as served
	Content    []byte

	Version, BaseProfile string // attributes of the root
	Title                string // of the document, shortened
	ViewBox              string
	Width, Height        float64 // of the view box
	Problems             []Problem
}

// Has reports a problem with that code.
func (s *SVG) Has(code Code) bool {
	return slices.ContainsFunc(s.Problems, func(p Problem) bool { return p.Code == code })
}

func (s *SVG) problem(code Code, element string, pos int64, text string) {
	if room(s.Problems, code) {
		s.Problems = append(s.Problems, Problem{code, element, int(pos), text})
	}
}

// CheckSVG examines a logo as it was served. Nothing is loaded or expanded, and
// files over 64 KiB are not examined.
func CheckSVG(body []byte) *SVG {
	s := &SVG{Size: len(body), Content: body}
	content, compressed, err := decompress(body)
	s.Compressed = compressed
	switch {
	case errors.Is(err, errTooLarge):
		s.problem(TooLarge, "", 0, fmt.Sprintf("more than %d octets; the content was not examined", maxLogo))
		s.Content = nil
		return s
	case err != nil:
		s.problem(NotSVG, "", 0, "the gzip data is damaged: "+err.Error())
		s.Content = nil
		return s
	}
	s.Content = content
	if len(content) > LogoSize {
		s.problem(Large, "", 0, fmt.Sprintf("%d octets without compression, receivers ask for at most %d", len(content), LogoSize))
	}
	w := &svgWalk{svg: s, dec: xml.NewDecoder(bytes.NewReader(content))}
	w.dec.CharsetReader = latin1
	w.walk()
	if w.root && strings.Trim(s.Title, space) == "" {
		s.problem(TitleMissing, "title", 0, "the document has no title")
	}
	return s
}

var errTooLarge = errors.New("too large")

// decompress undoes gzip, bounded.
func decompress(body []byte) (content []byte, compressed bool, err error) {
	if len(body) > maxLogo {
		return nil, false, errTooLarge
	}
	if !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		return body, false, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, true, err
	}
	content, err = io.ReadAll(io.LimitReader(z, maxLogo+1))
	if err == nil && len(content) > maxLogo {
		err = errTooLarge
	}
	return content, true, err
}

// latin1 reads the encodings that map octets to characters one to one.
func latin1(charset string, input io.Reader) (io.Reader, error) {
	switch strings.ToLower(charset) {
	case "us-ascii", "ascii", "iso-8859-1", "latin1":
	default:
		return nil, fmt.Errorf("encoding %q is not read", short(charset))
	}
	raw, err := io.ReadAll(input)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, c := range raw {
		b.WriteRune(rune(c))
	}
	return strings.NewReader(b.String()), nil
}

type svgWalk struct {
	svg   *SVG
	dec   *xml.Decoder
	stack []string // local names of the open elements
	root  bool     // an svg element was seen at the top
}

func (w *svgWalk) walk() {
	for {
		at := w.dec.InputOffset()
		token, err := w.dec.Token()
		if errors.Is(err, io.EOF) {
			if !w.root && !w.svg.Has(NotSVG) {
				w.svg.problem(NotSVG, "", 0, "there is no element in it")
			}
			return
		}
		if err != nil {
			w.svg.problem(NotSVG, "", at, "not well-formed XML: "+err.Error())
			return
		}
		switch t := token.(type) {
		case xml.StartElement:
			if len(w.stack) == 0 && (t.Name.Local != "svg" || t.Name.Space != svgNamespace && t.Name.Space != "") {
				w.svg.problem(NotSVG, short(t.Name.Local), at, fmt.Sprintf("the document element is %q", short(t.Name.Local)))
				return
			}
			if len(w.stack) == 0 && w.root {
				w.svg.problem(NotSVG, "", at, "there is a second document element")
				return
			}
			if len(w.stack) == maxDepth {
				w.svg.problem(Limit, "", at, fmt.Sprintf("elements are nested more than %d deep; the rest was not examined", maxDepth))
				return
			}
			w.element(t, at)
			w.stack = append(w.stack, t.Name.Local)
		case xml.EndElement:
			w.stack = w.stack[:len(w.stack)-1]
		case xml.CharData:
			w.text(string(t), at)
		case xml.ProcInst:
			if t.Target == "xml-stylesheet" {
				w.svg.problem(Reference, "xml-stylesheet", at, "a style sheet is linked")
			}
		case xml.Directive:
			if s := string(t); strings.HasPrefix(s, "DOCTYPE") {
				w.svg.problem(DocumentType, "", at, "a document type is declared")
				if strings.Contains(s, "<!ENTITY") {
					w.svg.problem(Entity, "", at, "entities are declared")
				}
			}
		}
	}
}

func (w *svgWalk) text(text string, at int64) {
	if n := len(w.stack); n > 0 && w.stack[n-1] == "style" {
		if strings.Contains(strings.ToLower(text), "@import") {
			w.svg.problem(Reference, "style", at, "a style sheet is imported")
		}
		w.urls("style", text, at)
	}
	if len(w.stack) == 2 && w.stack[1] == "title" && len(w.svg.Title) < 200 {
		w.svg.Title += text[:min(len(text), 200)]
	}
}

func (w *svgWalk) element(t xml.StartElement, at int64) {
	name := t.Name.Local
	if len(w.stack) == 0 {
		w.rootElement(t, at)
	} else if t.Name.Space != svgNamespace && t.Name.Space != "" {
		if !slices.Contains(w.stack, "metadata") {
			w.svg.problem(OtherContent, short(name), at, fmt.Sprintf("element %s is not of SVG", short(name)))
		}
	} else {
		w.judge(name, at)
	}
	for _, a := range t.Attr {
		attr := a.Name.Local
		switch {
		case a.Name.Space == "xmlns" || a.Name.Space == "" && attr == "xmlns":
			continue
		case strings.HasPrefix(strings.ToLower(attr), "on") && len(attr) > 2 && a.Name.Space == "":
			w.svg.problem(EventHandler, short(name), at, fmt.Sprintf("%s has the event handler %s", short(name), short(attr)))
		case attr == "href" || attr == "src":
			if v := strings.Trim(a.Value, space); v != "" && !strings.HasPrefix(v, "#") {
				w.svg.problem(Reference, short(name), at, fmt.Sprintf("%s refers to %q", short(name), short(v)))
			}
		case attr == "base" && a.Name.Space == "http://www.w3.org/XML/1998/namespace" || attr == "base" && a.Name.Space == "xml":
			w.svg.problem(Reference, short(name), at, "xml:base changes what fragments refer to")
		}
		w.urls(name, a.Value, at)
	}
}

// judge sorts an element of SVG by what the profile says of it.
func (w *svgWalk) judge(name string, at int64) {
	switch name {
	case "title", "desc", "metadata", "defs", "g", "use", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon",
		"text", "tspan", "textArea", "tbreak", "linearGradient", "radialGradient", "stop", "solidColor", "switch",
		"font", "font-face", "font-face-src", "glyph", "missing-glyph", "hkern", "svg":
	case "script", "handler", "listener":
		w.svg.problem(Script, name, at, "element "+name)
	case "animate", "animateColor", "animateMotion", "animateTransform", "set", "mpath", "animation", "discard":
		w.svg.problem(Animation, name, at, "element "+name)
	case "foreignObject":
		w.svg.problem(ForeignObject, name, at, "element "+name)
	case "image", "feImage":
		w.svg.problem(RasterImage, name, at, "element "+name)
	case "a", "audio", "video", "prefetch", "font-face-uri", "iframe", "canvas", "cursor", "view":
		w.svg.problem(Interactive, name, at, "element "+name)
	default:
		w.svg.problem(OutOfProfile, short(name), at, fmt.Sprintf("element %s is no part of SVG Tiny 1.2", short(name)))
	}
}

// urls looks for url(...) with anything but a fragment in it.
func (w *svgWalk) urls(name, value string, at int64) {
	rest := strings.ToLower(value)
	for {
		i := strings.Index(rest, "url(")
		if i < 0 {
			return
		}
		rest = rest[i+4:]
		target, _, _ := strings.Cut(rest, ")")
		if target = strings.Trim(target, space+`"'`); target != "" && !strings.HasPrefix(target, "#") {
			w.svg.problem(Reference, short(name), at, fmt.Sprintf("%s refers to %q", short(name), short(target)))
		}
	}
}

func (w *svgWalk) rootElement(t xml.StartElement, at int64) {
	w.root = true
	s := w.svg
	for _, a := range t.Attr {
		if a.Name.Space != "" {
			continue
		}
		switch a.Name.Local {
		case "version":
			s.Version = a.Value
		case "baseProfile":
			s.BaseProfile = a.Value
		case "viewBox":
			s.ViewBox = a.Value
		case "x", "y":
			s.problem(RootPosition, "svg", at, "the document element has the attribute "+a.Name.Local)
		}
	}
	if s.BaseProfile != "tiny-ps" {
		s.problem(BaseProfile, "svg", at, fmt.Sprintf("baseProfile is %q, not tiny-ps", short(s.BaseProfile)))
	}
	if s.Version != "1.2" {
		s.problem(SVGVersion, "svg", at, fmt.Sprintf("version is %q, not 1.2", short(s.Version)))
	}
	var ok bool
	if s.Width, s.Height, ok = viewBox(s.ViewBox); !ok {
		s.problem(ViewBox, "svg", at, fmt.Sprintf("viewBox %q is not four numbers with a size", short(s.ViewBox)))
	} else if s.Width != s.Height {
		s.problem(NotSquare, "svg", at, fmt.Sprintf("the view box is %g by %g", s.Width, s.Height))
	}
}

func viewBox(s string) (width, height float64, ok bool) {
	if len(s) > 200 {
		return 0, 0, false
	}
	fields := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(space+",", r) })
	if len(fields) != 4 {
		return 0, 0, false
	}
	var n [4]float64
	for i, f := range fields {
		var err error
		if n[i], err = strconv.ParseFloat(f, 64); err != nil {
			return 0, 0, false
		}
	}
	return n[2], n[3], n[2] > 0 && n[3] > 0 && n[2] < 1e9 && n[3] < 1e9
}
