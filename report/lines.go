package report

import (
	"fmt"
	"io"
	"strings"
)

// Lines is plain text for a terminal, written line by line by commands that
// show something else than an audit. What goes in may come from anywhere: each
// line is made safe to print (see Sanitize) and broken at the width.
type Lines struct {
	Width int // in cells; 0 is 80
	b     strings.Builder
}

// headingWidth is the room for headings.
const headingWidth = 12

// Say adds a line, indented, and broken at blanks; what does not fit follows with
// two cells more.
func (p *Lines) Say(indent int, format string, args ...any) {
	text := Sanitize(fmt.Sprintf(format, args...))
	for _, line := range wrap(text, p.room()-indent, 2) {
		p.put(strings.Repeat(" ", indent) + line)
	}
}

// Head adds a line that begins with a heading; what does not fit follows below
// the text.
func (p *Lines) Head(heading, format string, args ...any) {
	lines := wrap(Sanitize(fmt.Sprintf(format, args...)), p.room()-headingWidth, 0)
	for i, line := range lines {
		if i > 0 {
			heading = ""
		}
		p.put(pad(heading, headingWidth) + line)
	}
}

// Row adds a line of columns with two blanks between them. Columns are as wide
// as asked or as their text; the last one is broken like the text of Say.
func (p *Lines) Row(indent int, widths []int, cells ...string) {
	var b strings.Builder
	at := indent
	for i, w := range widths {
		text := pad(Sanitize(cells[i]), w) + "  "
		b.WriteString(text)
		at += width(text)
	}
	for i, line := range wrap(Sanitize(cells[len(widths)]), max(p.room()-at, 20), 2) {
		start := strings.Repeat(" ", at)
		if i == 0 {
			start = strings.Repeat(" ", indent) + b.String()
		}
		p.put(start + line)
	}
}

// Verbatim adds a line that is never broken: record text.
func (p *Lines) Verbatim(indent int, text string) {
	p.put(strings.Repeat(" ", indent) + Sanitize(text))
}

// Blank adds an empty line.
func (p *Lines) Blank() { p.b.WriteByte('\n') }

// WriteTo implements io.WriterTo.
func (p *Lines) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, p.b.String())
	return int64(n), err
}

func (p *Lines) room() int {
	if p.Width <= 0 {
		return 80
	}
	return max(p.Width, 40)
}

func (p *Lines) put(line string) { p.b.WriteString(strings.TrimRight(line, " ") + "\n") }
