package zone

import (
	"fmt"
	"strings"
)

// A scanner cuts zone text into entries. An entry is a line, or several where
// parentheses hold them together (RFC 1035 section 5.1).
type scanner struct {
	text string
	pos  int
	line int
	bol  int // where the line begins
}

type entry struct {
	line      int // first line
	indented  bool
	words     []word // never empty, unless there is a fault
	tail      string // the comment behind the last word of an entry of one line, with its ;
	fault     string // why the entry cannot be used
	faultLine int
	faultCol  int
}

// A word keeps its escapes; quotes are taken off.
type word struct {
	text   string
	quoted bool
	col    int // in octets, counted from 1
}

// next gives the next entry that has words or a fault.
func (s *scanner) next() (entry, bool) {
	for s.pos < len(s.text) {
		if e := s.scan(); len(e.words) > 0 || e.fault != "" {
			return e, true
		}
	}
	return entry{}, false
}

func (s *scanner) scan() entry {
	start := s.pos
	c := s.text[s.pos]
	e := entry{line: s.line, indented: c == ' ' || c == '\t'}
	open, openAt, openLine, openCol, openEnd := 0, 0, 0, 0, 0
	fault := func(at int, format string, args ...any) {
		if e.fault == "" {
			e.fault, e.faultLine, e.faultCol = fmt.Sprintf(format, args...), s.line, at-s.bol+1
		}
	}
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; c {
		case '\n':
			s.pos++
			s.line++
			s.bol = s.pos
			if open == 0 {
				return e
			}
			if openEnd == 0 {
				openEnd = s.pos
			}
		case ' ', '\t', '\r':
			s.pos++
		case ';':
			from := s.pos
			if i := strings.IndexByte(s.text[s.pos:], '\n'); i >= 0 {
				s.pos += i
			} else {
				s.pos = len(s.text)
			}
			if openEnd == 0 && open == 0 {
				e.tail = strings.TrimSuffix(s.text[from:s.pos], "\r")
			}
			if open == 0 {
				continue // a comment may be as long as it likes
			}
		case '(':
			s.pos++
			if open++; open == 1 {
				openAt, openLine, openCol, openEnd = s.pos, s.line, s.pos-s.bol, 0
			}
		case ')':
			s.pos++
			if open == 0 {
				fault(s.pos-1, "a ) without (")
			}
			open = max(open-1, 0)
		case '"':
			s.pos++
			from := s.pos
			s.skip(`"`)
			e.words = append(e.words, word{s.text[from:s.pos], true, from - s.bol})
			if s.pos == len(s.text) || s.text[s.pos] != '"' {
				fault(from-1, "the line ends inside quotes")
				break
			}
			s.pos++
		default:
			from := s.pos
			s.skip(" \t\r;()\"")
			w := s.text[from:s.pos]
			if strings.ContainsFunc(w, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				fault(from, "a control character in %q", clip(w))
			}
			e.words = append(e.words, word{w, false, from - s.bol + 1})
		}
		if s.pos-start > maxEntry || len(e.words) > maxTokens {
			if open == 0 {
				fault(start, "an entry of more than %d octets or %d words", maxEntry, maxTokens)
				e.words = nil
				s.skip("")
			}
			break
		}
	}
	if open > 0 {
		if openEnd == 0 { // also of that line there is more than is read
			s.skip("")
			openEnd = min(s.pos+1, len(s.text))
		}
		// Read on behind the line with the open parenthesis, as if it were closed
		// there: the rest of the text should not be lost.
		e.words, e.fault, e.faultLine, e.faultCol = nil, "a ( that is never closed", openLine, openCol
		if i := strings.IndexByte(s.text[openAt:], '\n'); strings.Contains(s.text[openAt:openAt+max(i, 0)], ";") {
			e.fault += ": a ; outside quotes begins a comment, also before a )"
		}
		if openEnd > 0 {
			s.pos, s.line, s.bol = openEnd, openLine+1, openEnd
		}
	}
	return e
}

// skip goes to the next unescaped octet of stop, or to the end of the line.
func (s *scanner) skip(stop string) {
	for ; s.pos < len(s.text); s.pos++ {
		switch c := s.text[s.pos]; {
		case c == '\n' || strings.IndexByte(stop, c) >= 0:
			return
		case c == '\\' && s.pos+1 < len(s.text) && s.text[s.pos+1] != '\n':
			s.pos++
		}
	}
}

// clip shortens what an error quotes.
func clip(s string) string {
	if len(s) > 60 {
		return s[:57] + "..."
	}
	return s
}
