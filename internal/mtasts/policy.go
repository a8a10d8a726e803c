package mtasts

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"mxvet/internal/syntax"
)

// Modes of a policy (RFC 8461 section 5).
const (
	Enforce = "enforce"
	Testing = "testing"
	NoMode  = "none"
)

// MaxAgeLimit is the largest max_age that the standard allows, in seconds.
const MaxAgeLimit = 31557600

// A Policy is a policy file (RFC 8461 section 3.2), as far as it could be
// understood. Of a field that is repeated, other than mx, the first counts.
type Policy struct {
	Lines  []Line
	MX     []Pattern
	Mode   string // Enforce, Testing or NoMode; "" where missing or invalid
	MaxAge int64  // seconds; -1 where missing or invalid; may exceed MaxAgeLimit

	VersionOK bool // version is STSv1

	// How many lines end in CR LF, in LF and in CR alone. The last line need not
	// end in any.
	CRLF, LF, CR int
	Problems     []Problem
}

// A Line is one "name: value" of a policy.
type Line struct {
	Name, Value string
	Number      int // from 1
	Pos         int // byte offset in the body
}

// A Pattern is one mx field.
type Pattern struct {
	Text    string
	Line    int
	Problem Code // "" where it can match a host
}

// ParsePolicy reads the body of a policy file. It never fails: what is wrong is
// listed in Problems.
func ParsePolicy(body []byte) Policy {
	p := Policy{MaxAge: -1}
	pos := 0
	if rest, ok := bytes.CutPrefix(body, []byte("\xef\xbb\xbf")); ok {
		p.problem(BOM, 1, 0, "a byte order mark stands before the first field")
		pos, body = 3, rest
	}
	firstLF, firstCR := 0, 0
	seen := map[string]bool{}
	for number := 1; len(body) > 0; number++ {
		line, ending := body, 0
		if i := bytes.IndexAny(body, "\r\n"); i >= 0 {
			line, ending = body[:i], 1
			switch {
			case bytes.HasPrefix(body[i:], []byte("\r\n")):
				p.CRLF++
				ending = 2
			case body[i] == '\n':
				if p.LF++; firstLF == 0 {
					firstLF = number
				}
			default:
				if p.CR++; firstCR == 0 {
					firstCR = number
				}
			}
		}
		p.line(string(line), number, pos, seen)
		pos += len(line) + ending
		body = body[len(line)+ending:]
	}
	if p.CR > 0 {
		p.problem(BareCR, firstCR, 0, strconv.Itoa(p.CR)+" lines end in CR alone")
	}
	if p.LF > 0 {
		p.problem(BareLF, firstLF, 0, strconv.Itoa(p.LF)+" lines end in LF alone; the text of the standard asks for CR LF, its grammar allows both")
	}
	if !seen["version"] {
		p.problem(PolicyVersionMissing, 0, 0, "the policy has no version")
	}
	if !seen["mode"] {
		p.problem(ModeMissing, 0, 0, "the policy has no mode")
	}
	if !seen["max_age"] {
		p.problem(MaxAgeMissing, 0, 0, "the policy has no max_age")
	}
	if len(p.MX) == 0 && p.Mode != NoMode {
		p.problem(MXMissing, 0, 0, "the policy has no mx")
	}
	return p
}

// line reads one line without its end.
func (p *Policy) line(text string, number, pos int, seen map[string]bool) {
	bad := func(code Code, text string) { p.problem(code, number, pos, text) }
	if strings.Trim(text, " \t") == "" {
		bad(EmptyLine, "the line is empty")
		return
	}
	if text[0] == ' ' || text[0] == '\t' {
		bad(Blank, "a blank stands at the start of the line")
		text = strings.TrimLeft(text, " \t")
	}
	name, value, ok := strings.Cut(text, ":")
	if !ok {
		bad(Malformed, syntax.Quote(text)+" has no colon")
		return
	}
	if bare := strings.TrimRight(name, " \t"); bare != name {
		bad(Blank, "a blank stands before the colon")
		name = bare
	}
	value = strings.Trim(value, " \t")
	if !syntax.FieldName(name) {
		bad(Malformed, syntax.Quote(name)+" is no field name")
		return
	}
	p.Lines = append(p.Lines, Line{name, value, number, pos})
	if name == "mx" {
		code, why := checkPattern(value)
		p.MX = append(p.MX, Pattern{value, number, code})
		if code != "" {
			bad(code, "mx "+syntax.Quote(value)+" "+why)
		}
		return
	}
	if seen[name] {
		bad(Repeated, "field "+name+" is repeated; the first counts")
		return
	}
	seen[name] = true
	switch name {
	case "version":
		if p.VersionOK = value == "STSv1"; !p.VersionOK {
			bad(PolicyVersionInvalid, "the version must be STSv1; it is "+syntax.Quote(value))
		}
	case "mode":
		switch value {
		case Enforce, Testing, NoMode:
			p.Mode = value
		default:
			bad(ModeInvalid, "the mode must be enforce, testing or none, in small letters; it is "+syntax.Quote(value))
		}
	case "max_age":
		n, err := strconv.ParseInt(value, 10, 64)
		switch {
		case err != nil || len(value) > 10 || strings.Trim(value, "0123456789") != "":
			bad(MaxAgeInvalid, "max_age must be a number of seconds of 1 to 10 digits; it is "+syntax.Quote(value))
		case n > MaxAgeLimit:
			bad(MaxAgeTooLarge, "max_age must not exceed "+strconv.Itoa(MaxAgeLimit)+"; it is "+value)
			p.MaxAge = n
		default:
			p.MaxAge = n
		}
	default:
		if !policyValue(value) {
			bad(Malformed, "the value of field "+syntax.Quote(name)+" is empty or holds characters that are not allowed")
		}
		switch lower := strings.ReplaceAll(strings.ToLower(name), "-", "_"); lower {
		case "version", "mode", "mx", "max_age":
			bad(UnknownField, "field "+syntax.Quote(name)+" is not defined and ignored; it must be written "+lower)
		default:
			bad(UnknownField, "field "+syntax.Quote(name)+" is not defined; senders ignore it")
		}
	}
}

// Usable reports that the policy has all required fields in valid form: version,
// mode, max_age, and at least one mx unless the mode is none. A strict sender may
// still refuse it for its syntax, which Problems tells.
func (p *Policy) Usable() bool {
	return p.VersionOK && p.Mode != "" && p.MaxAge >= 0 && (p.Mode == NoMode || len(p.MX) > 0)
}

// Matches gives the patterns that a host matches.
func (p *Policy) Matches(host string) []Pattern {
	var out []Pattern
	for _, m := range p.MX {
		if m.Problem == "" && Matches(m.Text, host) {
			out = append(out, m)
		}
	}
	return out
}

// String gives the fields in order, a line each, ended by CR LF.
func (p Policy) String() string {
	var b strings.Builder
	for _, l := range p.Lines {
		b.WriteString(l.Name + ": " + l.Value + "\r\n")
	}
	return b.String()
}

// Problem gives the first problem of that code; nil where there is none.
func (p *Policy) Problem(code Code) *Problem { return first(p.Problems, code) }

func (p *Policy) problem(code Code, line, pos int, text string) {
	if room(p.Problems, code) {
		p.Problems = append(p.Problems, Problem{code, line, pos, text})
	}
}

// policyValue reports whether s may be the value of an extension field: printable
// text in UTF-8.
func policyValue(s string) bool {
	for _, c := range s {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	return s != "" && utf8.ValidString(s)
}
