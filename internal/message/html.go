package message

import (
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"mxvet/internal/simulate"
	"mxvet/report"
	"mxvet/templates"
)

// Bounds of the HTML form, so that no message can make it huge.
const (
	maxHTMLHops   = 24
	maxHTMLClaims = 12
	maxHTMLFound  = 40
	maxHTMLText   = 600 // bytes of one text
)

// HTML writes the result as one self-contained file: no script, nothing fetched from
// anywhere, and a policy in the file that forbids both. Text of the message appears as
// text, with control characters shown as escapes.
func (r *Result) HTML(w io.Writer) error {
	return templates.Write(w, "message.html.tmpl", template.FuncMap{
		"text": text, "mid": func(y int) int { return y + 24 }, "line1": func(y int) int { return y + 20 }, "line2": func(y int) int { return y + 38 },
		"character": func(pos int) int { return pos + 1 },
	}, func(h templates.Head) any { return r.page(h) })
}

func (r *Result) page(head templates.Head) htmlMessage {
	page := htmlMessage{
		Head: head, Result: r, When: r.At.UTC().Format("2 January 2006, 15:04 UTC"), Size: size(r.Size),
		Title: text("Message from " + r.from()), Tone: tone(string(r.Verdict)), Answers: r.answers(), Hops: r.picture(), Aligned: r.alignments(),
		Sets: r.ARC.Sets[:min(len(r.ARC.Sets), maxHTMLClaims)], Reports: r.Reports[:min(len(r.Reports), maxHTMLClaims)],
	}
	page.Height = 28 + 62*len(page.Hops)
	page.MoreHops = len(r.Hops) - len(page.Hops)
	page.Found, page.Unknown = r.failed(), r.unknown()
	page.Found = page.Found[:min(len(page.Found), maxHTMLFound)]
	return page
}

// An htmlMessage is what the template is given. Texts of the message go through text.
type htmlMessage struct {
	templates.Head
	*Result
	Title      string
	When, Size string
	Tone       string
	Answers    []htmlAnswer
	Hops       []htmlHop
	Height     int
	MoreHops   int
	Aligned    []htmlAligned
	Sets       []Set
	Reports    []Report
	Found      []Finding
	Unknown    []Finding
}

// text bounds a text and makes it safe to show.
func text(s string) string {
	if len(s) > maxHTMLText {
		s = strings.ToValidUTF8(s[:maxHTMLText], "") + " [cut]"
	}
	return report.Sanitize(s)
}

func tone(result string) string {
	switch result {
	case simulate.ResultPass:
		return "good"
	case simulate.ResultFail, simulate.ResultPermError:
		return "bad"
	case simulate.ResultPolicy, "softfail", "neutral":
		return "warn"
	}
	return "unknown"
}

// from names the author for a heading.
func (r *Result) from() string {
	switch len(r.Author.Addresses) {
	case 0:
		return "nobody (" + r.Author.Why + ")"
	case 1:
		return r.Author.Addresses[0]
	}
	return fmt.Sprintf("%s and %d more", r.Author.Addresses[0], len(r.Author.Addresses)-1)
}

// An htmlAnswer is one of the three results.
type htmlAnswer struct{ Question, Answer, Text, Tone string }

func (r *Result) answers() []htmlAnswer {
	found := r.Decision.SPF
	s := htmlAnswer{Question: "SPF", Answer: string(found.Result), Text: found.Why, Tone: tone(string(found.Result))}
	switch {
	case found.Result == "":
		s.Answer = "not asked"
	case found.Domain != "":
		s.Text = strings.TrimSuffix("for "+found.Domain+"; "+found.Why, "; ")
	}
	d := htmlAnswer{Question: "DKIM", Answer: "no signature", Tone: "none", Text: "nothing proves the message once it is forwarded"}
	if len(r.Signatures) > 0 {
		best := r.Signatures[0]
		for _, sig := range r.Signatures[1:] {
			if best.Result != simulate.ResultPass && sig.Result == simulate.ResultPass {
				best = sig
			}
		}
		d = htmlAnswer{Question: "DKIM", Answer: best.Result, Tone: tone(best.Result), Text: strings.TrimSuffix("d="+best.Domain+"; "+best.Why, "; ")}
		if best.Result == "" {
			d.Answer = "unknown"
		}
	}
	m := r.Decision.Methods[0]
	dm := htmlAnswer{Question: "DMARC", Answer: m.Result, Tone: tone(m.Result), Text: m.Action() + ": " + m.Why}
	return []htmlAnswer{s, d, dm}
}

// An htmlAligned says how one proved or unproved domain stands to the author's, for each
// kind of receiver.
type htmlAligned struct{ By, Domain, Result, Tone, Text string }

func (r *Result) alignments() (out []htmlAligned) {
	for _, m := range r.Decision.Methods {
		for _, i := range m.Identifiers {
			if i.Domain == "" {
				continue
			}
			words := i.Alignment.Text(i.Result)
			at := slices.IndexFunc(out, func(a htmlAligned) bool { return a.By == i.By && a.Domain == i.Domain && a.Result == i.Result })
			switch {
			case at < 0 && len(out) < maxHTMLClaims:
				out = append(out, htmlAligned{i.By, i.Domain, i.Result, tone(i.Result), words})
			case at >= 0 && !strings.Contains(out[at].Text, words):
				out[at].Text += "; by " + m.Name + ": " + words
			}
		}
	}
	return out
}

// An htmlHop is one row of the picture: the client, the way, the server. The oldest hop
// is the first.
type htmlHop struct {
	Y                          int
	Client, ClientNote         string
	Way, Tone                  string // TLS
	Server, ServerNote         string
	Delay                      string
	Border, Claimed            bool // at this hop the message came in; only the sender says so
	Words                      string
	ClientTone, ServerTone, By string
}

func (r *Result) picture() (out []htmlHop) {
	hops := r.Hops[:min(len(r.Hops), maxHTMLHops)]
	for i, h := range slices.Backward(hops) {
		row := htmlHop{Y: 28 + 62*len(out), Server: h.By, Border: h.Number == r.Path.Border, Claimed: r.Path.Border > 0 && h.Number > r.Path.Border}
		switch {
		case h.IP.IsValid():
			row.Client, row.ClientNote = h.IP.String(), h.Name
			if h.Name == "" && h.Helo != "" {
				row.ClientNote = "says " + h.Helo
			}
		case h.local:
			row.Client = "handed over inside"
		default:
			row.Client, row.ClientNote = "address not known", h.Helo
		}
		if row.Server == "" {
			row.Server = "server without a name"
		}
		row.Way, row.Tone = map[TLS]string{TLSYes: "TLS", TLSNo: "in clear", TLSUnknown: "TLS not told"}[h.TLS], map[TLS]string{TLSYes: "good", TLSNo: "bad"}[h.TLS]
		if !h.Time.IsZero() {
			row.ServerNote = h.Time.Format(time.DateTime)
		}
		if h.Delay != nil {
			row.Delay = seconds(*h.Delay)
			if *h.Delay >= 0 {
				row.Delay = "after " + row.Delay
			}
		}
		switch {
		case row.Border && r.Path.Sure:
			row.By = "your border"
		case row.Border:
			row.By = "your border?"
		case row.Claimed && !r.border.known:
			row.By = "not known who wrote this"
		case row.Claimed:
			row.By = "as the sender says"
		case i < r.Path.Border:
			row.By = "inside"
		}
		words := []string{strings.TrimSuffix(row.Client+" ("+row.ClientNote+")", " ()"), row.Way, row.Server, row.Delay, row.By}
		row.Words = strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), ", ")
		for _, s := range []*string{&row.Client, &row.ClientNote, &row.Server, &row.ServerNote} {
			*s = short(*s, 38)
		}
		out = append(out, row)
	}
	return out
}

// short cuts a text that has to fit into the picture.
func short(s string, most int) string {
	s = report.Sanitize(s)
	if c := []rune(s); len(c) > most {
		return string(c[:most-1]) + "\u2026"
	}
	return s
}
