package spf

import (
	"fmt"
	"net/netip"
	"strings"
)

// A Spec is a domain-spec or other macro-string (RFC 7208 section 7.1).
type Spec struct {
	Raw   string
	Parts []Part
}

// A Part of a Spec is literal text or one macro.
type Part struct {
	Literal string // text, with %%, %_ and %- already replaced
	Letter  byte   // macro letter in lower case; 0 for a literal
	Escape  bool   // upper-case letter: the value is URL-escaped
	Digits  int    // how many right-hand parts stay; 0 is all
	Reverse bool
	Delims  string // what the value is split at; "" is "."
}

// Macros reports whether one of the letters is used as a macro; without letters,
// whether any is.
func (s *Spec) Macros(letters string) bool {
	if s == nil {
		return false
	}
	for _, p := range s.Parts {
		if p.Letter != 0 && (letters == "" || strings.IndexByte(letters, p.Letter) >= 0) {
			return true
		}
	}
	return false
}

// role says where a macro-string stands, which decides what it may hold.
type role int

const (
	roleDirective role = iota // target of a mechanism or of redirect
	roleExp                   // target of exp
	roleModifier              // value of an unknown modifier
	roleText                  // explanation text
)

// maxDigits bounds the digit transformer: no name has more labels.
const maxDigits = 1 << 20

// maxQuoted bounds what a problem's text quotes of the record.
const maxQuoted = 80

// A lexer collects the problems of one term. Its positions are those of the
// record.
type lexer struct{ problems []Problem }

func (l *lexer) add(code Code, pos, end int, instead, format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok && len(s) > maxQuoted {
			args[i] = s[:maxQuoted] + "..."
		}
	}
	l.problems = append(l.problems, Problem{
		Code: code, Pos: pos, End: end, Instead: instead, Text: fmt.Sprintf(format, args...),
	})
}

// spec reads a macro-string that starts at pos, and checks it by its role.
func (l *lexer) spec(raw string, pos int, in role) *Spec {
	s := &Spec{Raw: raw}
	tail := 0 // where the literal text after the last macro starts
	literal := func(text string) {
		if n := len(s.Parts); n > 0 && s.Parts[n-1].Letter == 0 {
			s.Parts[n-1].Literal += text
			return
		}
		if text != "" {
			s.Parts = append(s.Parts, Part{Literal: text})
		}
	}
	for i := 0; i < len(raw); {
		next := strings.IndexByte(raw[i:], '%')
		if next < 0 {
			literal(raw[i:])
			break
		}
		literal(raw[i : i+next])
		i += next
		n := l.macro(raw[i:], pos+i, in, s, literal)
		i += n
		tail = i
	}
	if in == roleDirective || in == roleExp {
		l.domain(s, raw, pos, tail)
	}
	l.letters(s, raw, pos, in)
	return s
}

// macro reads one macro-expand at the start of raw and gives its length.
func (l *lexer) macro(raw string, pos int, in role, s *Spec, literal func(string)) int {
	if len(raw) > 1 {
		switch raw[1] {
		case '%':
			literal("%")
			return 2
		case '_':
			literal(" ")
			return 2
		case '-':
			literal("%20")
			return 2
		}
	}
	if len(raw) < 2 || raw[1] != '{' {
		l.add(CodeMacro, pos, pos+min(2, len(raw)), "", `"%%" is not followed by one of { %% _ -`)
		return 1
	}
	length := strings.IndexByte(raw, '}') + 1
	if length == 0 {
		l.add(CodeMacro, pos, pos+len(raw), "", "the macro is not closed")
		return len(raw)
	}
	body := raw[2 : length-1]
	bad := func(code Code, format string, args ...any) int {
		l.add(code, pos, pos+length, "", format, args...)
		return length
	}
	if body == "" {
		return bad(CodeMacro, "the macro is empty")
	}
	p := Part{Letter: body[0] | 0x20, Escape: body[0]&0x20 == 0}
	if !isAlpha(body[0]) || !strings.ContainsRune("slodiphcrtv", rune(p.Letter)) {
		return bad(CodeMacroLetter, "%q is no macro letter", body[:1])
	}
	if strings.IndexByte("crt", p.Letter) >= 0 && (in == roleDirective || in == roleExp) {
		return bad(CodeMacroExpOnly, "macro letter %q is allowed in explanation text only", body[:1])
	}
	rest := body[1:]
	digits := 0
	for digits < len(rest) && isDigit(rest[digits]) {
		p.Digits = min(p.Digits*10+int(rest[digits]-'0'), maxDigits)
		digits++
	}
	if digits > 0 && p.Digits == 0 {
		return bad(CodeMacroZero, "a macro cannot keep zero parts")
	}
	rest = rest[digits:]
	if rest != "" && rest[0]|0x20 == 'r' {
		p.Reverse, rest = true, rest[1:]
	}
	if i := strings.IndexFunc(rest, func(c rune) bool { return !strings.ContainsRune(".-+,/_=", c) }); i >= 0 {
		return bad(CodeMacro, "%q cannot stand in a macro there", rest[i:i+1])
	}
	p.Delims = rest
	s.Parts = append(s.Parts, p)
	return length
}

// letters notes macros that are allowed but of interest.
func (l *lexer) letters(s *Spec, raw string, pos int, in role) {
	if (in == roleDirective || in == roleExp) && s.Macros("p") {
		l.add(CodeMacroP, pos, pos+len(raw), "", "the target uses the p macro")
	}
	if in == roleDirective && s.Macros("sloh") {
		l.add(CodeMacroSender, pos, pos+len(raw), "", "the target depends on the sender or on the HELO name")
	}
}

// domain checks that a macro-string is a domain-spec: it ends in a macro, or in
// a dot and a top label (RFC 7208 section 7.1).
func (l *lexer) domain(s *Spec, raw string, pos, tail int) {
	end := pos + len(raw)
	if raw == "" {
		l.add(CodeEmptyTarget, pos, end, "", "the target is empty")
		return
	}
	l.labels(raw, pos, tail)
	if tail == len(raw) {
		return
	}
	if _, ok := addressOf(raw); ok {
		l.add(CodeAddressTarget, pos, end, "", "%q is an address, not a domain name", raw)
		return
	}
	name := raw[tail:]
	dotted := strings.HasSuffix(name, ".")
	name = strings.TrimSuffix(name, ".")
	dot := strings.LastIndexByte(name, '.')
	top := name[dot+1:]
	switch {
	case dot < 0 && tail == 0 && isTopLabel(top):
		l.add(CodeSingleLabel, pos, end, "", "%q has only one label", raw)
	case dot < 0:
		l.add(CodeTopLabel, pos+tail, end, "", "%q is no domain name: a dot must stand before the last label", raw)
	case !isTopLabel(top):
		l.add(CodeTopLabel, pos+tail+dot+1, end, "", "%q cannot be the last label of a name", top)
	case dotted:
		l.add(CodeTrailingDot, end-1, end, "", "the target ends in a dot")
	}
}

// labels looks for empty and long labels in the literal text of a target.
// Lengths behind macros are not known.
func (l *lexer) labels(raw string, pos, tail int) {
	literal := strings.TrimSuffix(raw[tail:], ".")
	if tail == 0 && len(literal) > 253 {
		l.add(CodeLongName, pos, pos+len(raw), "", "the name is longer than 253 octets")
	}
	for start := 0; ; {
		label, _, more := strings.Cut(literal[start:], ".")
		at := pos + tail + start
		// The first label may go on from a macro, so it is empty only at the start.
		if label == "" && (start > 0 || tail == 0) {
			l.add(CodeEmptyLabel, at, at+1, "", "a label is empty")
		}
		if len(label) > 63 {
			l.add(CodeLongLabel, at, at+len(label), "", "a label is longer than 63 octets")
		}
		if !more {
			return
		}
		start += len(label) + 1
	}
}

// isTopLabel reports whether s is a toplabel: letters, digits and hyphens, with
// at least one letter or hyphen inside, no hyphen at either end.
func isTopLabel(s string) bool {
	numeric := true
	for i := range len(s) {
		switch c := s[i]; {
		case isAlpha(c):
			numeric = false
		case c == '-' && i > 0 && i < len(s)-1:
			numeric = false
		case !isDigit(c):
			return false
		}
	}
	return s != "" && !numeric
}

// addressOf reads an address, also in brackets or with a final dot, as people
// write them where a name belongs.
func addressOf(s string) (netip.Addr, bool) {
	s = strings.TrimSuffix(s, ".")
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		s = s[1 : len(s)-1]
	}
	addr, err := netip.ParseAddr(s)
	return addr, err == nil && addr.Zone() == ""
}

func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// lower is strings.ToLower for ASCII only: the DNS folds nothing else.
func lower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] |= 0x20
				}
			}
			return string(b)
		}
	}
	return s
}
