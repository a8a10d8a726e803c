package paste

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Record gives a record as a line of zone text with its absolute name. Its data is
// in presentation format (RFC 1035 section 5.1); ttl below 0 leaves the time to live
// out. The line means the same to every reader of zones as what it is made of, holds
// nothing but printable ASCII, begins no directive, and does nothing in a shell:
// outside quotes, signs other than those of names are octets (\DDD), and so are
// inside them those that a shell acts on there.
func Record(owner string, ttl int, rrtype, data string) Text {
	time := ""
	if ttl >= 0 {
		time = fmt.Sprint(" ", ttl)
	}
	return Text{s: fmt.Sprintf("%s%s IN %s %s", Owner(owner), time, bare(rrtype), Data(data))}
}

// Owner gives a domain name in presentation format with its final dot.
func Owner(name string) string {
	if name == "" || name == "." {
		return "."
	}
	dotted := strings.HasSuffix(name, ".") && !escapedEnd(name[:len(name)-1])
	if name = neutral(name); !dotted {
		name += "."
	}
	return name
}

// escapedEnd reports whether a backslash at the end of s escapes what follows.
func escapedEnd(s string) bool {
	n := len(s) - len(strings.TrimRight(s, `\`))
	return n%2 == 1
}

// Data gives the data of a record: words, and strings in double quotes.
func Data(data string) string {
	if generic, ok := strings.CutPrefix(data, `\# `); ok { // RFC 3597 section 5
		return `\# ` + bare(generic)
	}
	var b strings.Builder
	for rest := strings.Trim(data, blanks); rest != ""; {
		switch n := 0; {
		case strings.IndexByte(blanks, rest[0]) >= 0:
			b.WriteByte(' ')
			rest = strings.TrimLeft(rest, blanks)
		case rest[0] == '"':
			n = until(rest[1:], `"`)
			b.WriteString(`"` + quoted(rest[1:1+n]) + `"`)
			rest = strings.TrimPrefix(rest[1+n:], `"`)
		default:
			n = until(rest, blanks+`"`)
			b.WriteString(neutral(rest[:n]))
			rest = rest[n:]
		}
	}
	return b.String()
}

const blanks = " \t\r\n\v\f"

// until gives the index of the first of these bytes that no backslash escapes.
func until(s, ends string) int {
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
			continue
		}
		if strings.IndexByte(ends, s[i]) >= 0 {
			return i
		}
	}
	return len(s)
}

// bare leaves nothing but what types and numbers are made of.
func bare(s string) string {
	return strings.Map(func(c rune) rune {
		if c == ' ' || c < 0x80 && (unicode.IsLetter(c) || unicode.IsDigit(c)) || c == '-' {
			return c
		}
		return -1
	}, s)
}

// neutral writes a word of zone text with every sign that is none of names or
// numbers as an octet.
func neutral(s string) string {
	return octets(s, func(c byte) bool { return strings.IndexByte(plain+"*/:+=,", c) >= 0 })
}

// quoted writes the inside of a string of zone text. Exclamation marks stay: DMARC
// has them (RFC 7489 section 6.3), and a shell brings back by them no more than what
// its own user typed before.
func quoted(s string) string {
	return octets(s, func(c byte) bool {
		return c >= ' ' && c <= '~' && c != '"' && c != '\\' && (c == '!' || !active(rune(c)))
	})
}

// octets writes presentation format anew: bytes that fit as they are, others as
// \DDD. An escape of a sign that fits is kept, since it may be there for a reason: a
// dot in a label.
func octets(s string, fits func(byte) bool) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c != '\\':
			if fits(c) {
				b.WriteByte(c)
			} else {
				fmt.Fprintf(&b, `\%03d`, c)
			}
		case i+3 < len(s) && digits(s[i+1:i+4]):
			b.WriteString(s[i : i+4])
			i += 3
		case i+1 == len(s): // escapes nothing
			b.WriteString(`\092`)
		default:
			i++
			switch c := s[i]; {
			case c == '"' || c == '\\':
				b.WriteString(s[i-1 : i+1])
			case fits(c) && !(c >= '0' && c <= '9'):
				b.WriteString(s[i-1 : i+1])
			default:
				fmt.Fprintf(&b, `\%03d`, c)
			}
		}
	}
	return b.String()
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// hidden reports whether a character shows nothing of itself, or changes what is
// around it.
func hidden(c rune) bool {
	return c == utf8.RuneError || unicode.In(c, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp)
}
