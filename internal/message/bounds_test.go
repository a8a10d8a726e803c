package message

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"mxvet/internal/psl"
	"mxvet/internal/simulate"
	"mxvet/report"
)

// Whatever is in a message, it is read with bounds, in the time of its length, and what
// was left out is told.
func TestBounds(t *testing.T) {
	src := world(t)
	bogus := "DKIM-Signature: v=1; a=ed25519-sha256; d=d%d.example; s=s1; h=from; bh=AAAA; b=AAAA\n"
	var many strings.Builder
	for i := range 10000 {
		fmt.Fprintf(&many, bogus, i)
	}
	folded := func(name, line string) string { return name + ":" + strings.Repeat("\n "+line, 120000) + "\n" }
	deep := "Content-Type: multipart/mixed; boundary=b0\n" + plain + strings.Repeat("--b0\nContent-Type: multipart/mixed; boundary=b0\n\n", 20000)
	head := received("", "alice@example.com", "mail.example.com", "192.0.2.1")
	for name, c := range map[string]struct {
		text    string
		verdict simulate.Verdict
		told    string
	}{
		"10,000 signatures":           {head + many.String() + plain, "pass", "9980 more signatures"},
		"line of 1 MB":                {head + "X-Long: " + strings.Repeat("x", 1<<20) + "\n" + plain, "pass", "a line of the header has 1048584 characters"},
		"Received of 1 MB":            {head + "Received: from " + strings.Repeat("(", 1<<20) + "\n" + plain, "pass", ""},
		"field folded 120,000 times":  {head + folded("X-Folded", "x") + plain, "pass", ""},
		"Received folded so":          {head + folded("Received", "from x") + plain, "pass", ""},
		"subject folded so":           {head + strings.Replace(plain, "Subject: A letter\n", folded("Subject", "x"), 1), "pass", ""},
		"To of 120,000 comments":      {head + strings.Replace(plain, "To: bob@example.net\n", folded("To", "(("), 1), "pass", ""},
		"From of 120,000 comments":    {head + strings.Replace(plain, "From: Alice <alice@example.com>\n", folded("From", "(x)")+" alice@example.com\n", 1), "pass", ""},
		"From of 120,000 open ones":   {head + strings.Replace(plain, "From: Alice <alice@example.com>\n", folded("From", "(x")+" alice@example.com\n", 1), "unknown", "no end"},
		"signature folded so":         {head + folded("DKIM-Signature", ";") + plain, "pass", "a semicolon with nothing before it"},
		"results folded so":           {head + folded("Authentication-Results", "a=b;") + plain, "pass", "begins with a result"},
		"ARC field folded so":         {head + folded("ARC-Seal", "i=1;") + plain, "pass", "must have one of each"},
		"as many fields as are read":  {head + strings.Repeat("X: y\n", 40000) + plain, "pass", ""},
		"MIME nested 20,000 times":    {head + deep, "pass", "more than 100 deep"},
		"names in h without end":      {head + "DKIM-Signature: v=1; a=ed25519-sha256; d=example.com; s=s1; h=from" + strings.Repeat(":x", 100000) + "; bh=AAAA; b=AAAA\n" + plain, "pass", "names more than 300"},
		"a hundred thousand ARC sets": {head + strings.Repeat("ARC-Seal: i=1; b=x\n", 20000) + plain, "pass", "must have one of each"},
	} {
		r := check(t, src, c.text)
		if r.Verdict != c.verdict {
			t.Errorf("%s: %s (%s)", name, r.Verdict, r.Why)
		}
		var l bytes.Buffer
		var lines report.Lines
		r.Text(&lines, false)
		if _, err := lines.WriteTo(&l); err != nil {
			t.Fatal(err)
		}
		all := strings.Join(strings.Fields(l.String()+told(r)+fmt.Sprint(r.ARC.Why, r.Notes)), " ")
		if !strings.Contains(all, c.told) {
			t.Errorf("%s: %q is not told", name, c.told)
		}
		if l.Len() > 40000 {
			t.Errorf("%s: %d bytes of text", name, l.Len())
		}
	}
}

// In an mbox the first message is read, and the ">" that stands before "From " in a body
// does not break its signature.
func TestMailbox(t *testing.T) {
	signed := librarySign(t, plain+"From here on\n>From there\n", ed("example.com", "s1"))
	quoted := strings.NewReplacer("\r\nFrom here", "\r\n>From here", "\r\n>From there", "\r\n>>From there").Replace(signed)
	line := "From alice@example.com Mon Nov  2 08:00:00 2026\n"
	for name, c := range map[string]struct{ text, result, note string }{
		"not an mbox":                     {signed, "pass", ""},
		"mbox, not quoted":                {line + signed, "pass", "line \"From alice"},
		"mbox, quoted":                    {line + quoted, "pass", "line \"From alice"},
		"quoted, but no mbox":             {quoted, "fail", ""},
		"quoted mark":                     {">" + line + signed, "pass", "line \">From alice"},
		"mark and byte order mark":        {"\xef\xbb\xbf" + line + signed, "pass", "byte order mark"},
		"two messages":                    {line + quoted + "\r\n" + line + "From: x@y.example\n\nother\n", "pass", "several messages"},
		"a line that is none of the mbox": {line + signed[:len(signed)-len(">From there\r\n")] + "\r\nFrom now on\r\n", "fail", "line \"From alice"},
	} {
		m := parsed(t, c.text)
		r := check(t, world(t), c.text)
		if s := r.Signatures[0]; s.Result != c.result {
			t.Errorf("%s: %s (%s)", name, s.Result, s.Why)
		}
		if notes := strings.Join(m.Notes, "; "); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
			t.Errorf("%s: %q", name, notes)
		}
		if strings.Contains(string(m.Body), "\r\nother") {
			t.Errorf("%s: the second message was read", name)
		}
	}
}

// The body is canonical whatever the pieces in which it comes, and line ends do not
// matter.
func TestStreaming(t *testing.T) {
	text := librarySign(t, "From: a@example.com\n\n"+strings.Repeat("A  line \t of text \n\n\n", 4000)+strings.Repeat("long ", 50000)+"\n"+strings.Repeat("a ", 100000)+"\n\n \n", dkim.SignOptions{
		Domain: "example.com", Selector: "s1", Signer: edKey("s1"), BodyCanonicalization: dkim.CanonicalizationRelaxed,
	})
	text = librarySign(t, text, dkim.SignOptions{Domain: "example.com", Selector: "s1", Signer: edKey("s1"), HeaderKeys: []string{"From"}})
	for name, r := range map[string]io.Reader{
		"at once":           strings.NewReader(text),
		"byte by byte":      oneByte{strings.NewReader(text)},
		"LF":                strings.NewReader(strings.ReplaceAll(text, "\r\n", "\n")),
		"LF, byte by byte":  oneByte{strings.NewReader(strings.ReplaceAll(text, "\r\n", "\n"))},
		"without last line": strings.NewReader(strings.TrimRight(text, "\r\n ")),
	} {
		m, err := Read(r)
		if err != nil {
			t.Fatal(err)
		}
		res := Check(t.Context(), world(t), psl.Default(), m, Options{At: now})
		if got := res.Signatures[1].Result; got != "pass" { // also without the end: in relaxed form a line of blanks is empty
			t.Errorf("%s, relaxed: %s (%s)", name, got, res.Signatures[1].Why)
		}
		if got := res.Signatures[0].Result; got != "pass" && name != "without last line" {
			t.Errorf("%s, simple: %s (%s)", name, got, res.Signatures[0].Why)
		}
	}
}

// Lines are the same whatever pieces they come in, and a CR belongs to the end of a line
// only where an LF follows.
func TestLines(t *testing.T) {
	full := strings.Repeat("x", 64<<10-1)
	for name, c := range map[string]struct {
		text  string
		lines []string
	}{
		"CRLF":                        {"a\r\nb\r\n", []string{"a", "b"}},
		"LF, and no end":              {"a\n\nb", []string{"a", "", "b"}},
		"CR alone":                    {"a\rb\r\r\nc\r", []string{"a\rb\r", "c\r"}},
		"CRLF between two pieces":     {full + "\r\nb\r\n", []string{full, "b"}},
		"CR at the end of a piece":    {full + "\rb\r\n", []string{full + "\rb"}},
		"two CR at the end of one":    {full + "\r\r\nb", []string{full + "\r", "b"}},
		"CR at the end of the file":   {full + "\r", []string{full + "\r"}},
		"line of one piece, then LF":  {full + "y\nb", []string{full + "y", "b"}},
		"line longer than two pieces": {full + full + full + "\r\n", []string{full + full + full}},
	} {
		in := &lines{r: bufio.NewReaderSize(strings.NewReader(c.text), 64<<10), most: MaxSize}
		var got []string
		for {
			line, last, err := in.whole(1 << 20)
			if err != nil {
				t.Fatal(err)
			}
			if last && len(line) == 0 {
				break
			}
			got = append(got, string(line))
		}
		if !slices.Equal(got, c.lines) {
			t.Errorf("%s: %d lines, of %d bytes; want %d", name, len(got), len(strings.Join(got, "")), len(c.lines))
		}
		if in.size != int64(len(c.text)) {
			t.Errorf("%s: %d bytes", name, in.size)
		}
	}
}

type oneByte struct{ r io.Reader }

func (o oneByte) Read(b []byte) (int, error) { return o.r.Read(b[:1]) }
