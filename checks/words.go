package checks

import (
	"fmt"
	"strings"
	"time"

	"mxvet/internal/smtp"
	"mxvet/internal/wire"
)

// Words that messages of several areas share: texts from outside are quoted and
// cut, lists are cut with the number of what is left out.

const day = 24 * time.Hour

// clip shortens text from outside.
func clip(s string) string {
	const most = 100
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// several joins a few texts and counts the rest.
func several(texts []string) string {
	const shown = 3
	if len(texts) > shown {
		return strings.Join(texts[:shown], "; ") + fmt.Sprintf("; and %d more", len(texts)-shown)
	}
	return strings.Join(texts, "; ")
}

// dnsList joins names for a message; of many it shows the first few.
func dnsList(names []string) string {
	const shown = 4
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}

// someQuoted quotes the first few names.
func someQuoted(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	var out []string
	for _, n := range names[:min(len(names), 4)] {
		out = append(out, fmt.Sprintf("%q", n))
	}
	if more := len(names) - len(out); more > 0 {
		out = append(out, fmt.Sprintf("%d more", more))
	}
	return strings.Join(out, ", ")
}

// nameOf gives the common name, or the whole name where there is none.
func nameOf(common, whole string) string {
	if common != "" {
		return common
	}
	return whole
}

// replyText quotes a reply for a message.
func replyText(r *smtp.Reply) string {
	text := strings.TrimSpace(fmt.Sprintf("%03d %s", r.Code, r.Text()))
	if short := []rune(text); len(short) > 120 {
		text = string(short[:120]) + "..."
	}
	return fmt.Sprintf("%q", text)
}

// noAnswer says why nothing can be concluded from an answer.
func noAnswer(a wire.Answer) string {
	switch {
	case a.Fail != nil:
		return a.Fail.String()
	case a.TCPFailed:
		return "only a part of the answer came"
	}
	return "answer code " + a.Rcode
}

func dateOf(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// span writes a duration in whole days, below two days in hours.
func span(d time.Duration) string {
	if d < 2*day {
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d/day))
}
