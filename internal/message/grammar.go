package message

import (
	"strings"
	"unicode/utf8"
)

// A scanner reads the structured fields of a header token by token (RFC 5322
// sections 3.2 and 4, with the UTF-8 of RFC 6532). It never goes back, so each field
// costs its length.
type scanner struct {
	s        string
	i        int
	comments []string // met so far, without their parentheses; the first maxComments
	broken   bool     // a comment or a quoted string has no end
}

const maxComments = 100

// more reports whether text is left.
func (p *scanner) more() bool { return p.i < len(p.s) }

// at reports whether the next character is c.
func (p *scanner) at(c byte) bool { return p.i < len(p.s) && p.s[p.i] == c }

// take reads the character c where it is the next one.
func (p *scanner) take(c byte) bool {
	if p.at(c) {
		p.i++
		return true
	}
	return false
}

// blank passes over white space and comments, and reports whether there was any.
func (p *scanner) blank() bool {
	start := p.i
	for p.more() {
		switch p.s[p.i] {
		case ' ', '\t', '\r', '\n':
			p.i++
		case '(':
			p.comment()
		default:
			return p.i > start
		}
	}
	return p.i > start
}

// comment reads a comment, which may hold others.
func (p *scanner) comment() {
	p.i++
	start, depth := p.i, 1
	for ; p.i < len(p.s); p.i++ {
		switch p.s[p.i] {
		case '\\':
			p.i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				p.keep(p.s[start:p.i])
				p.i++
				return
			}
		}
	}
	p.i = len(p.s)
	p.broken = true
	p.keep(p.s[start:])
}

func (p *scanner) keep(comment string) {
	if len(p.comments) < maxComments {
		p.comments = append(p.comments, comment)
	}
}

// atom reads the longest text of characters that an atom may hold, and such as other
// says; "" where there is none.
func (p *scanner) atom(other string) string {
	start := p.i
	for p.more() {
		if c := p.s[p.i]; c < utf8.RuneSelf && !atomText(c) && strings.IndexByte(other, c) < 0 {
			break
		}
		p.i++
	}
	return p.s[start:p.i]
}

// atomText reports whether an atom may hold the ASCII character (section 3.2.3).
func atomText(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

// quoted reads a quoted string: as written, and what it stands for.
func (p *scanner) quoted() (raw, text string) {
	start := p.i
	p.i++
	var b strings.Builder
	for ; p.i < len(p.s); p.i++ {
		switch c := p.s[p.i]; c {
		case '\\':
			if p.i++; p.i < len(p.s) {
				b.WriteByte(p.s[p.i])
			}
		case '"':
			p.i++
			return p.s[start:p.i], b.String()
		case '\r', '\n':
		default:
			b.WriteByte(c)
		}
	}
	p.i = len(p.s)
	p.broken = true
	return p.s[start:], b.String()
}
