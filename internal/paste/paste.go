// Package paste makes text that people paste: into a shell, a configuration file, a
// zone file, the console of a server. Names that come from the DNS can hold
// anything, and a host called a|id>FILE|b would run a program there. So such text is
// a type of its own, which can be made of nothing but constants of this program and
// of values that went through here: a name of letters, digits, hyphens, dots and
// underscores stands in its place; for any other an upper-case word does, and the
// name is told apart from what may be copied, in quotes, with the reason.
package paste

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"
)

// Text may be pasted. The zero value is empty. It is valid UTF-8 without control
// characters but for the line break.
type Text struct {
	s     string
	apart []standIn
}

// A standIn is a word in a text and the name that it stands for.
type standIn struct{ word, name string }

// constant is a type that only constants outside this package become by themselves.
type constant string

// Words gives a text. In the format, which is that of package fmt, a string is a
// name, a Text is itself, and a number or an address is as fmt has it.
func Words(format constant, values ...any) Text {
	var out Text
	shown := make([]any, len(values))
	for i, v := range values {
		shown[i] = out.take("NAME", v)
	}
	out.s = fmt.Sprintf(string(format), shown...)
	return out
}

// take gives a value as it stands in the text; word is what stands for a name that
// cannot.
func (t *Text) take(word string, v any) any {
	switch v := v.(type) {
	case Text:
		t.join(v)
		return v.s
	case string:
		if Plain(v) {
			return v
		}
		return t.standFor(word, v)
	case int, int64, uint16, uint32:
		return v
	case netip.Addr:
		return v.WithZone("")
	}
	return t.standFor(word, fmt.Sprint(v))
}

func (t *Text) standFor(word, name string) string {
	n := 1
	for _, a := range t.apart {
		if a.name == name && strings.HasPrefix(a.word, word) {
			return a.word
		}
		if strings.HasPrefix(a.word, word) {
			n++
		}
	}
	if n > 1 {
		word = fmt.Sprint(word, n)
	}
	t.apart = append(t.apart, standIn{word, name})
	return word
}

func (t *Text) join(o Text) {
	for _, a := range o.apart {
		if !slices.Contains(t.apart, a) {
			t.apart = append(t.apart, a)
		}
	}
}

// Join puts texts into one, with a constant between.
func Join(texts []Text, between constant) Text {
	var out Text
	for i, t := range texts {
		if i > 0 {
			out.s += string(between)
		}
		out.s += t.s
		out.join(t)
	}
	return out
}

// Plain reports whether a name can stand in a command as it is: letters, digits,
// hyphens, dots and underscores, and no hyphen first, which would make it an option.
// The first label may be the asterisk of a wildcard.
func Plain(name string) bool {
	name = strings.TrimPrefix(name, "*.")
	return name != "" && name[0] != '-' && strings.Trim(name, plain) == ""
}

const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"

// Shown gives what is told, and not to be typed: as it is where no sign of it means
// anything to a shell, else in quotes.
func Shown(s string) Text {
	if s != "" && strings.Trim(s, plain+" :/@+=,~?%{}") == "" {
		return Text{s: s}
	}
	return Text{s: Quoted(s)}
}

// Quoted gives a text in double quotes between which nothing means anything to a
// shell. What would is escaped as zone text does it, \DDD for a byte, where bytes
// are not escaped so already.
func Quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); {
		c, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case c == '\\' && i+1 < len(s) && s[i+1] > ' ' && s[i+1] <= '~' && !active(rune(s[i+1])): // escaped already
			b.WriteString(s[i : i+2])
			size = 2
		case c == utf8.RuneError && size == 1, c == '"', c == '\\', active(c), hidden(c):
			for _, octet := range []byte(s[i : i+size]) {
				fmt.Fprintf(&b, `\%03d`, octet)
			}
		default:
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	b.WriteByte('"')
	return b.String()
}

// active reports whether a shell acts on a character between double quotes; to some
// an exclamation mark is a command of earlier days.
func active(c rune) bool { return c == '$' || c == '`' || c == '!' }

// String gives the text, and after its first line what its words stand for.
func (t Text) String() string {
	if len(t.apart) == 0 {
		return t.s
	}
	first, rest, more := strings.Cut(t.s, "\n")
	if more {
		rest = "\n" + rest
	}
	if bare, colon := strings.CutSuffix(first, ":"); colon {
		first, rest = bare, ":"+rest
	}
	return first + " (" + t.reasons() + ")" + rest
}

// reasons says why names stand apart.
func (t Text) reasons() string {
	var out []string
	for _, a := range t.apart {
		why := "it is empty"
		switch bad := strings.Trim(a.name, plain); {
		case bad != "":
			c, size := utf8.DecodeRuneInString(bad)
			why = "a shell or a configuration file may act on " + Quoted(bad[:size])
			if c == ' ' {
				why = "it holds a blank"
			}
		case a.name != "":
			why = "it begins as an option does"
		}
		out = append(out, fmt.Sprintf("%s is %s, which stands apart because %s", a.word, Quoted(a.name), why))
	}
	return strings.Join(out, "; ")
}

// Empty reports whether there is no text.
func (t Text) Empty() bool { return t.s == "" }

// Lines gives the first line, with what its words stand for, and the lines after
// it, which may be copied.
func (t Text) Lines() (first string, rest []string) {
	lines := strings.Split(strings.TrimSuffix(t.String(), "\n"), "\n")
	return lines[0], lines[1:]
}
