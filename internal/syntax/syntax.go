// Package syntax holds the small pieces of grammar that several record formats
// share: host names, field names, plain ASCII, each a question about a text with
// yes or no for an answer; and the strict reading of data files in YAML.
package syntax

import (
	"iter"
	"strconv"
	"strings"
)

// ASCII reports whether s holds no byte above "~"; control characters pass.
func ASCII(s string) bool {
	for i := range len(s) {
		if s[i] > '~' {
			return false
		}
	}
	return true
}

// Alnum reports whether c is an ASCII letter or digit.
func Alnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// DomainName reports whether s can be asked about in the DNS as a host: up to 253
// bytes in labels of 1 to 63 letters, digits, hyphens and (tolerated) underscores,
// without a final dot.
func DomainName(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for i := range len(label) {
			if !Alnum(label[i]) && label[i] != '-' && label[i] != '_' {
				return false
			}
		}
	}
	return true
}

// LocalPart reports whether s can stand before the @ of a mailbox (RFC 5321 section
// 4.1.2): a quoted string, or text without blanks and the characters that need
// quotes. A comma, and dots wherever they are, pass: they are in use.
func LocalPart(s string) bool {
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		inner := strings.NewReplacer(`\\`, "", `\"`, "").Replace(s[1 : len(s)-1])
		return !strings.ContainsAny(inner, "\"\r\n")
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' || strings.IndexByte(`@()<>[]:;\"`, s[i]) >= 0 {
			return false
		}
	}
	return s != ""
}

// FieldName reports whether s is the name of a field in an MTA-STS or TLS-RPT
// record: a letter or digit, then up to 31 of those, "_", "-" and "." (RFC 8461
// section 3.1, RFC 8460 section 3).
func FieldName(s string) bool {
	for i := range len(s) {
		if !Alnum(s[i]) && (i == 0 || s[i] != '_' && s[i] != '-' && s[i] != '.') {
			return false
		}
	}
	return s != "" && len(s) <= 32
}

// FieldValue reports whether s is the value of an extension field there: printable
// ASCII without blank, "=" and ";".
func FieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '=' || c == ';' {
			return false
		}
	}
	return s != ""
}

// Quote puts text from outside between quotes for a message: cut after 60 bytes,
// anything but printable ASCII escaped.
func Quote(s string) string {
	if len(s) > 60 {
		s = s[:57] + "..."
	}
	return strconv.QuoteToASCII(s)
}

// Fewer reports whether fewer than most of a list are of a kind. Readers list so many
// problems of each kind, so that many of one hide none of another.
func Fewer[T any](list []T, most int, kind func(T) bool) bool {
	n := 0
	for _, v := range list {
		if kind(v) {
			n++
		}
	}
	return n < most
}

// Parts gives what stands between the semicolons of a record of fields (RFC 8461
// section 3.1, RFC 8460 section 3), without the blanks around it, and where in the
// text it begins. What is empty is given too, but for the end of the text.
func Parts(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		pos := 0
		for part := range strings.SplitSeq(text, ";") {
			start := pos + len(part) - len(strings.TrimLeft(part, " \t"))
			pos += len(part) + 1
			part = strings.Trim(part, " \t")
			if part == "" && pos > len(text) {
				return
			}
			if !yield(start, part) {
				return
			}
		}
	}
}
