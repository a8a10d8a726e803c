package message

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"

	"mxvet/report"
)

var elements = strings.Fields(`html head meta title style body a header h1 p main section h2 h3 h5 div table thead tbody tr th td span
	article ul li code strong br pre svg circle text path rect g`)

func page(t testing.TB, r *Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// inspect holds what is true of every page: only known elements, nothing fetched, no
// script, a policy that fits, unique ids, and no hidden characters. It gives the text.
func inspect(t testing.TB, out string) string {
	t.Helper()
	if bare := strings.ReplaceAll(out, "\n", ""); !utf8.ValidString(out) || report.Sanitize(bare) != bare {
		t.Error("holds control characters, or no UTF-8")
	}
	doc, err := html.Parse(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	policy := ""
	var seen strings.Builder
	for n := range doc.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "style" {
			seen.WriteString(n.Data + " ")
		}
		if n.Type != html.ElementNode {
			continue
		}
		if !slices.Contains(elements, n.Data) {
			t.Errorf("element <%s>", n.Data)
		}
		for _, a := range n.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "src":
				t.Errorf("<%s> has the attribute %s", n.Data, a.Key)
			case a.Key == "href" && a.Val != "#content":
				t.Errorf("link to %q", a.Val)
			case a.Key == "id" && ids[a.Val]:
				t.Errorf("id %s twice", a.Val)
			case a.Key == "id":
				ids[a.Val] = true
			case a.Key == "content" && strings.HasPrefix(a.Val, "default-src"):
				policy = a.Val
			}
		}
	}
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(out)
	if style == nil {
		t.Fatal("no style")
	}
	sum := sha256.Sum256([]byte(style[1]))
	if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Errorf("policy %q", policy)
	}
	return strings.Join(strings.Fields(seen.String()), " ")
}

func TestHTML(t *testing.T) {
	src := world(t)
	m := parsed(t, crlfText(strings.Replace(plain, "A letter", "A <b>letter</b> \u202e\x1b[31m & more", 1)))
	m.prepend(signer{Domain: "example.com", Selector: "s1"}.sign(m))
	m.addSet(1, "none", "list.example; dkim=pass header.d=example.com", signer{Domain: "list.example", Selector: "l1"})
	text := "Authentication-Results: mx.example.net; spf=pass smtp.mailfrom=x@example.com\n" +
		received(string(m.text()), "x@example.com", "mx.example.com", "198.51.100.7")
	text = strings.Replace(text, "ARC-Seal:", "Received: from <script>alert</script> (pc [10.0.0.1]) by out.example.com with ESMTP; Mon, 02 Nov 2026 08:28:00 +0000\nARC-Seal:", 1)
	r := check(t, src, text, func(o *Options) { o.Authserv = []string{"mx.example.net"} })
	r.File = "mail<1>.eml"
	seen := inspect(t, page(t, r))
	for _, part := range []string{
		"Message from alice@example.com", "pass DKIM (example.com) proves", `A <b>letter</b> \u202e\x1b[31m & more`, "mail<1>.eml", "SPF fail", "DKIM pass", "DMARC pass",
		"198.51.100.7", "your border", "as the sender says", "after 2 min", "TLS", "in clear", "says <script>alert", "mx.example.net",
		"aligned, the same name", "v=DMARC1; p=reject", "verified by a second check", `"v=spf1 ip4:198.51.100.7 ip4:192.0.2.1 -all"`, "In place of",
		"trusted mx.example.net", "spf=pass x@example.com: here fail", "ARC chain: pass", "says cv=none; seal: pass", "msg-oversigning",
	} {
		if !strings.Contains(seen, part) && !strings.Contains(strings.ToLower(seen), strings.ToLower(part)) {
			t.Errorf("%q is not shown in\n%s", part, seen)
		}
	}
}

// However much a message holds, its page is bounded, and says what is left out.
func TestHTMLBounded(t *testing.T) {
	var b strings.Builder
	for i := range 300 {
		fmt.Fprintf(&b, "Received: from h%d (h%d [198.51.100.%d]) by s%d.example with ESMTP; Mon, 02 Nov 2026 08:28:00 +0000\n", i, i, i%250, i)
		b.WriteString("DKIM-Signature: " + strings.Repeat("x", 3000) + "\nAuthentication-Results: " + strings.Repeat("a=b ", 500) + "\nARC-Seal: i=1; b=" + strings.Repeat("y", 2000) + "\n")
	}
	r := check(t, world(t), b.String()+strings.Replace(plain, "Alice", strings.Repeat("Alice ", 5000), 1))
	out := page(t, r)
	if len(out) > 300000 {
		t.Errorf("%d bytes", len(out))
	}
	seen := inspect(t, out)
	for _, part := range []string{"176 older hops", "280 more signatures"} {
		if !strings.Contains(seen, part) {
			t.Errorf("%q is not shown", part)
		}
	}
}

func FuzzHTML(f *testing.F) {
	f.Add([]byte(received(plain, "a@example.com", "mx", "192.0.2.1")))
	f.Add([]byte("From: \"<script>\" <a@b.example>\nReceived: from <x> ([1.2.3.4]) by \"><img>\nSubject: =?utf-8?q?=3Cb?=\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := Parse(data); err != nil {
			return
		}
		inspect(t, page(t, check(t, nowhere{}, string(data))))
	})
}
