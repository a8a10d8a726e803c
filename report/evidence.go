package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"mxvet/internal/wire"
)

// SummarizeAnswer says in a few lines what the DNS answered.
func SummarizeAnswer(a wire.Answer) string {
	if a.Fail != nil {
		return "no usable answer: " + a.Fail.String()
	}
	lines := []string{}
	for _, rr := range a.Answer {
		lines = append(lines, strings.ReplaceAll(rr, "\t", " "))
	}
	if len(lines) == 0 {
		if a.Rcode == "NXDOMAIN" {
			lines = append(lines, "NXDOMAIN: the name does not exist")
		} else {
			lines = append(lines, a.Rcode+": no such record at this name")
		}
	}
	notes := []string{}
	if a.From != "" {
		notes = append(notes, "from "+a.From)
	}
	if a.Assumed {
		notes = append(notes, "assumed, not published")
	}
	if a.TCPFailed {
		notes = append(notes, "cut off over UDP, and TCP gave nothing")
	}
	if len(notes) > 0 {
		lines = append(lines, "("+strings.Join(notes, ", ")+")")
	}
	return bound(strings.Join(lines, "\n"), maxSummary)
}

// SummarizePage says what an HTTPS fetch gave: status, type and the beginning
// of the body.
func SummarizePage(p wire.Page) string {
	lines := []string{}
	if p.Status != 0 {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("HTTP %d %s", p.Status, p.ContentType)))
	}
	if p.Location != "" {
		lines = append(lines, "redirects to "+p.Location)
	}
	if p.TLS != nil {
		lines = append(lines, summarizeTLS(p.TLS))
	}
	if p.Fail != nil {
		lines = append(lines, "failed: "+p.Fail.String())
	}
	if len(p.Body) > 0 && utf8.Valid(p.Body) {
		lines = append(lines, strings.TrimRight(string(p.Body[:min(len(p.Body), maxSummary)]), "\r\n"))
	}
	return bound(strings.ReplaceAll(strings.Join(lines, "\n"), "\r\n", "\n"), maxSummary)
}

// SummarizeSession gives the transcript, with what TLS showed where it began.
func SummarizeSession(s wire.Session) string {
	lines := []string{}
	for _, x := range s.Exchanges {
		if x.Command != "" {
			lines = append(lines, "C: "+strings.TrimRight(x.Command, "\r\n"))
		}
		if x.Reply != nil {
			for i, l := range x.Reply.Lines {
				sep := "-"
				if i == len(x.Reply.Lines)-1 {
					sep = " "
				}
				lines = append(lines, fmt.Sprintf("S: %03d%s%s", x.Reply.Code, sep, l))
			}
		}
	}
	if s.TLS != nil {
		lines = append(lines, summarizeTLS(s.TLS))
	}
	if s.Fail != nil {
		lines = append(lines, "ended: "+s.Fail.String())
	}
	return bound(strings.Join(lines, "\n"), maxSummary)
}

func summarizeTLS(t *wire.TLS) string {
	if t.Error != "" {
		return "TLS handshake failed: " + t.Error
	}
	s := strings.Join(strings.Fields(t.Version+" "+t.Cipher+" "+t.Group), " ")
	if c := certificateOf(t); c != nil {
		s += fmt.Sprintf("\ncertificate of %s by %s, %s to %s, %s", strings.Join(c.Names, " "), c.Issuer,
			c.NotBefore.Format(dateForm), c.NotAfter.Format(dateForm), t.Mozilla)
	}
	return s
}

const dateForm = "2006-01-02"
