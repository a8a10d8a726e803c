package message

import (
	"fmt"
	"strings"
	"testing"
)

// How deep parts stand in each other, whatever their lines look like.
func TestNesting(t *testing.T) {
	multi := func(b string) string { return "Content-Type: multipart/mixed; boundary=" + b + "\n\n" }
	const text = "Content-Type: text/plain\n\na\n"
	var parts strings.Builder
	for i := range maxNesting - 1 {
		fmt.Fprintf(&parts, "--b%d\n%s", i, multi(fmt.Sprintf("b%d", i+1)))
	}
	for name, c := range map[string]struct {
		kind, body string
		deepest    int
		open       int // parts that are open at the end
		more       bool
	}{
		"no parts":                      {"text/plain", "--a\n" + multi("b"), 0, 0, false},
		"no Content-Type":               {"", "--a\n" + multi("b"), 0, 0, false},
		"no boundary":                   {"multipart/mixed", "--a\n" + multi("b"), 0, 0, false},
		"flat":                          {"multipart/mixed; boundary=a", "--a\n" + text + "--a\n" + text + "--a--\n", 1, 0, false},
		"one in the other":              {"multipart/mixed; boundary=a", "--a\n" + multi("b") + "--b\n" + text + "--b--\n--a\n" + text + "--a--\n", 2, 0, false},
		"side by side":                  {"multipart/mixed; boundary=a", strings.Repeat("--a\n"+multi("b")+"--b\n"+text+"--b--\n", 200) + "--a--\n", 2, 0, false},
		"inner one without an end":      {"multipart/mixed; boundary=a", strings.Repeat("--a\n"+multi("b")+"--b\n"+text, 200), 2, 2, false},
		"outer end ends both":           {"multipart/mixed; boundary=a", "--a\n" + multi("b") + "--b\n" + text + "--a--\n--b\n" + multi("c"), 2, 0, false},
		"folded, quoted, in capitals":   {"Multipart/Mixed; Boundary=\"a b\"", "--a b  \t\nX: y\nCONTENT-TYPE:\n multipart/digest;\n\tboundary=\"=_x\"\nX: y\n z\n\n--=_x\n" + text, 2, 2, false},
		"field in the text of a part":   {"multipart/mixed; boundary=a", "--a\n" + text + multi("b") + "--b\n" + multi("c"), 1, 1, false},
		"another boundary":              {"multipart/mixed; boundary=a", "--ab\n" + multi("b") + "--b\n", 1, 1, false},
		"message in a message":          {"message/rfc822", "Subject: x\nContent-Type: message/rfc822\n\n" + multi("b") + "--b\n" + text, 3, 3, false},
		"message in a part, then more":  {"multipart/mixed; boundary=a", "--a\nContent-Type: message/rfc822\n\n" + multi("b") + "--b\n" + text + "--a\n" + text, 3, 1, false},
		"the same boundary within":      {"multipart/mixed; boundary=a", "--a\n" + multi("a") + "--a\n" + multi("b") + "--b\n" + text + "--b--\n--a--\n--a\n" + text, 3, 1, false},
		"as deep as is followed":        {"multipart/mixed; boundary=b0", parts.String() + "--b99\n" + text, maxNesting, maxNesting, false},
		"deeper":                        {"multipart/mixed; boundary=b0", parts.String() + "--b99\n" + multi("c") + "--c\n" + multi("d"), maxNesting, maxNesting, true},
		"messages deeper":               {"message/rfc822", strings.Repeat("Content-Type: message/rfc822\n\n", maxNesting), maxNesting, maxNesting, true},
		"Content-Type longer than read": {"multipart/mixed; boundary=a", "--a\nContent-Type: multipart/mixed; x=\"" + strings.Repeat("y", 3000) + "\n z\"; boundary=b\n\n--b\n" + text, 1, 1, false},
	} {
		n, deepest := newNesting(c.kind), 0
		for line := range strings.SplitSeq(c.body, "\n") {
			deepest = max(deepest, len(n.open))
			n.line([]byte(line))
		}
		if deepest != c.deepest || len(n.open) != c.open || n.more != c.more {
			t.Errorf("%s: %d deep, %d open at the end, more %v; want %d, %d, %v", name, deepest, len(n.open), n.more, c.deepest, c.open, c.more)
		}
	}
}
