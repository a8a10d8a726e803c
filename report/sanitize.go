package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of texts that come from the network, in bytes. The model holds bounded
// texts; the recording holds the whole answer.
const (
	maxMessage = 1000
	maxSummary = 2000
	maxBanner  = 300
	maxName    = 255
)

// Sanitize makes text from DNS or servers safe to print: control characters
// (C0, C1, DEL), format characters such as the bidirectional controls, line and
// paragraph separators, private-use characters and invalid UTF-8 are shown as
// escapes. The joiners that scripts and emoji need stay. The result holds no
// byte that a terminal acts upon.
func Sanitize(s string) string {
	clean := true
	for _, c := range s {
		if c == utf8.RuneError || hidden(c) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		c, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case c == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !hidden(c):
			b.WriteString(s[i : i+size])
		case c < 0x100:
			fmt.Fprintf(&b, `\x%02x`, c)
		case c < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			fmt.Fprintf(&b, `\U%08x`, c)
		}
		i += size
	}
	return b.String()
}

// escapeInvalid shows the bytes that are not UTF-8 as escapes, and nothing else.
func escapeInvalid(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		c, size := utf8.DecodeRuneInString(s[i:])
		if c == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, `\x%02x`, s[i])
		} else {
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

func hidden(c rune) bool {
	const joiner, nonJoiner = '\u200d', '\u200c'
	return c != joiner && c != nonJoiner && unicode.In(c, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp)
}

// bound cuts text to at most n bytes, at a character, and marks the cut.
func bound(s string, n int) string {
	if len(s) <= n {
		return s
	}
	const mark = " [cut]"
	cut := n - len(mark)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + mark
}

// clean is Sanitize after bound, for one field of the model.
func clean(s string, n int) string { return Sanitize(bound(s, n)) }
