package message

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// doubt collects what a reader may take for the author although it is not what was
// checked.
func (a *Author) doubt(boxes []mailbox, comments []string) {
	add := func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); len(a.Doubts) < 10 && !slices.Contains(a.Doubts, text) {
			a.Doubts = append(a.Doubts, text)
		}
	}
	foreign := func(text string) string {
		for _, address := range anyAddresses(asSeen(text)) {
			if d := domainOf(address); strings.Contains(d, ".") && !slices.Contains(a.Domains, d) {
				return cut(address)
			}
		}
		return ""
	}
	for _, box := range boxes {
		if box.name != "" && len(a.Names) < 10 {
			a.Names = append(a.Names, cut(box.name))
		}
		if len(box.name)+len(box.group) > maxName {
			add("the name that readers see has more than %d characters, and was not looked at", maxName)
		} else if shown := foreign(box.name + " " + box.group); shown != "" {
			add("the name that readers see holds an address of another domain, %s", shown)
		}
		if hidden(box.name + box.group) {
			add("the name that readers see holds characters that are not seen or change the direction of writing")
		}
		if hidden(box.local) {
			add("the address %s holds characters that are not seen or change the direction of writing", cut(box.String()))
		}
		if box.opaque != "" && !slices.Contains(a.opaque, box.opaque) {
			a.opaque = append(a.opaque, box.opaque)
		}
		if strings.HasPrefix(box.local, "=?") || strings.Contains(box.domain, "=?") {
			add("the address %s is written as an encoded word, which programs that show it may decode (RFC 2047 section 5 forbids it)", cut(box.String()))
		}
		if strings.Contains(strings.Trim(box.local, `"`), "@") {
			add("the local part of %s holds an @: a reader may see another domain", cut(box.String()))
		}
		if box.group != "" {
			add("the address stands in a group, which few programs show")
		}
		if box.route {
			add("the address has an obsolete route before it (RFC 5322 section 4.4)")
		}
	}
	for _, c := range comments {
		c, opaque := decoded(c)
		if opaque != "" && !slices.Contains(a.opaque, opaque) {
			a.opaque = append(a.opaque, opaque)
		}
		if hidden(c) {
			add("a comment in the From field holds characters that are not seen or change the direction of writing")
		}
		if shown := foreign(c); shown != "" {
			add("a comment in the From field holds an address of another domain, %s", shown)
		}
	}
	for _, d := range a.Domains {
		if text := lookalike(d); text != "" {
			add("the domain %s %s", d, text)
		}
	}
}

// fillers are letters and signs that show nothing, or a blank.
const fillers = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"

// hidden reports characters that are not seen, or change what is seen of others.
func hidden(s string) bool {
	return strings.ContainsFunc(s, func(c rune) bool {
		return unicode.Is(unicode.Cf, c) && c != '\u200c' && c != '\u200d' || unicode.IsControl(c) || strings.ContainsRune(fillers, c)
	})
}

var aroundAt = regexp.MustCompile(`[\s\x{a0}\x{2000}-\x{200a}\x{202f}\x{3000}]*@[\s\x{a0}\x{2000}-\x{200a}\x{202f}\x{3000}]*`)

// asSeen gives text as a reader takes it in: without what is not seen, with signs that
// look like "@" and "." as these, and without blanks around "@".
func asSeen(s string) string {
	s = strings.Map(func(c rune) rune {
		switch {
		case strings.ContainsRune("\uff20\ufe6b", c):
			return '@'
		case strings.ContainsRune("\u2024\uff0e\u3002\uff61\ufe52", c):
			return '.'
		case unicode.In(c, unicode.Cf, unicode.Variation_Selector) || strings.ContainsRune(fillers, c):
			return -1
		}
		return c
	}, s)
	return aroundAt.ReplaceAllString(s, "@")
}

// Letters that look like Latin ones, in pairs: Cyrillic, Greek, Armenian and others.
const alike = "аaеeоoрpсcуyхxіiјjѕsԁdӏlһhԛqԝwɡgкkмmнhтtвbгrпn" +
	"οoαaνvρpτtκkιiυuχxγyηnωwσo" +
	"օoսuոnհhցgզqաwոn" + "ıiſsɩiɑaʏy"

var skeleton = func() map[rune]rune {
	out := map[rune]rune{}
	letters := []rune(alike)
	for i := 0; i+1 < len(letters); i += 2 {
		out[letters[i]] = letters[i+1]
	}
	return out
}()

// lookalike says what a reader may take a domain for, "" where there is no doubt.
func lookalike(domain string) string {
	if !strings.Contains(domain, "xn--") {
		return ""
	}
	text, err := idna.ToUnicode(domain)
	if err != nil {
		return ""
	}
	for label := range strings.SplitSeq(text, ".") {
		latin, other := false, false
		plain := make([]rune, 0, len(label))
		for _, c := range label {
			switch {
			case unicode.Is(unicode.Latin, c):
				latin = true
			case unicode.In(c, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee, unicode.Coptic):
				other = true
			}
			if same, ok := skeleton[c]; ok {
				c = same
			}
			plain = append(plain, c)
		}
		if latin && other {
			return fmt.Sprintf("mixes scripts in one label (%s), as names do that imitate others", label)
		}
		if seen := string(plain); seen != label && !strings.ContainsFunc(seen, func(c rune) bool { return c > '~' }) {
			return fmt.Sprintf("is shown as %s, which looks like %s", text, strings.Replace(text, label, seen, 1))
		}
	}
	return ""
}
