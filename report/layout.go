package report

import (
	"strings"

	"github.com/clipperhouse/displaywidth"
	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// width gives the terminal cells that text without control characters takes.
func width(s string) int { return displaywidth.String(s) }

// wrap breaks text into lines of at most n cells, at blanks, and inside words
// only where a word is longer than a line. Following lines are indented by hang
// cells. The text must be sanitised. Always gives at least one line.
func wrap(s string, n, hang int) []string {
	n = max(n, 8)
	if hang > n/2 {
		hang = 0
	}
	indent := strings.Repeat(" ", hang)
	var lines []string
	line, used, start := "", 0, 0
	flush := func() {
		lines = append(lines, line)
		line, used, start = indent, hang, hang
	}
	for word := range strings.FieldsSeq(s) {
		w := width(word)
		gap := 0
		if used > start {
			gap = 1
		}
		if used+gap+w <= n {
			line += strings.Repeat(" ", gap) + word
			used += gap + w
			continue
		}
		if used > start {
			flush()
		}
		for g := displaywidth.StringGraphemes(word); g.Next(); {
			if used+g.Width() > n && used > start {
				flush()
			}
			line += g.Value()
			used += g.Width()
		}
	}
	if used > start || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}

// shorten cuts text to n cells and marks the cut.
func shorten(s string, n int) string {
	if width(s) <= n {
		return s
	}
	return displaywidth.TruncateString(s, n, "...")
}

// pad fills text with blanks up to n cells.
func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-width(s))) }

// A cell is one field of a table: sanitised text and the colour of its lines.
type cell struct {
	text string
	role role
	hang int // indent of the lines after the first
}

// table lays out rows in columns with two blanks between them. The last column
// takes what is left of total and wraps; the others are as wide as their widest
// cell, or narrower where the last one would have no room. head may be nil.
func table(p paint, indent, total int, head []string, rows [][]cell) []string {
	if len(rows) == 0 {
		return nil
	}
	cols := len(rows[0])
	widths := make([]int, cols)
	for i, h := range head {
		widths[i] = width(h)
	}
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], width(c.text))
		}
	}
	const least, roomLast = 8, 16
	left := total - indent - 2*(cols-1)
	for sum(widths[:cols-1]) > left-roomLast {
		widest := 0
		for i, w := range widths[:cols-1] {
			if w > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= least {
			break
		}
		widths[widest]--
	}
	widths[cols-1] = max(left-sum(widths[:cols-1]), least)

	var out strings.Builder
	t := tablewriter.NewTable(&out,
		tablewriter.WithRenderer(renderer.NewBlueprint()),
		tablewriter.WithRendition(tw.Rendition{Borders: tw.BorderNone, Symbols: tw.NewSymbols(tw.StyleNone), Settings: tw.Settings{Separators: tw.SeparatorsNone, Lines: tw.LinesNone}}),
		tablewriter.WithRowAutoWrap(tw.WrapNone), tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithHeaderAutoFormat(tw.Off), tablewriter.WithTrimSpace(tw.Off),
		tablewriter.WithHeaderAlignment(tw.AlignLeft), tablewriter.WithRowAlignment(tw.AlignLeft),
		tablewriter.WithPadding(tw.Padding{Left: "", Right: "  ", Overwrite: true}),
		tablewriter.WithEastAsian(tw.Off), // the same output whatever the locale
	)
	if head != nil {
		cells := make([]string, len(head))
		for i, h := range head {
			cells[i] = strings.Join(paintAll(p, dim, wrap(h, widths[i], 0)), "\n")
		}
		t.Header(cells)
	}
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = strings.Join(paintAll(p, c.role, wrap(c.text, widths[i], c.hang)), "\n")
		}
		if err := t.Append(cells); err != nil {
			return []string{"table: " + err.Error()}
		}
	}
	if err := t.Render(); err != nil {
		return []string{"table: " + err.Error()}
	}
	var lines []string
	for line := range strings.Lines(out.String()) {
		lines = append(lines, strings.Repeat(" ", indent)+tidy(line))
	}
	return lines
}

func paintAll(p paint, r role, lines []string) []string {
	for i, l := range lines {
		lines[i] = p.as(r, l)
	}
	return lines
}

// tidy drops what the table writer adds to coloured cells: closing codes where
// no colour is open, and blanks at the end of the line.
func tidy(line string) string {
	const reset = "\x1b[0m"
	var b strings.Builder
	open := false
	for rest := strings.TrimRight(line, "\n"); rest != ""; {
		esc := strings.Index(rest, "\x1b[")
		if esc < 0 {
			b.WriteString(rest)
			break
		}
		b.WriteString(rest[:esc])
		end := esc + strings.IndexByte(rest[esc:], 'm') + 1
		if code := rest[esc:end]; code != reset || open {
			b.WriteString(code)
			open = code != reset
		}
		rest = rest[end:]
	}
	return strings.TrimRight(b.String(), " ")
}

func sum(ns []int) int {
	total := 0
	for _, n := range ns {
		total += n
	}
	return total
}

// A role says what a piece of text is; paint turns it into colour.
type role int

const (
	plain role = iota
	dim
	bold
	good
	warn
	bad
	cold
)

// paint adds SGR colours when it is true. Every call closes what it opened, so
// that a line never leaks colour into the next.
type paint bool

func (p paint) as(r role, s string) string {
	code := [...]string{plain: "", dim: "2", bold: "1", good: "32", warn: "33", bad: "31", cold: "36"}[r]
	if !bool(p) || code == "" || strings.TrimSpace(s) == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func severityRole(s string) role {
	switch severityOrder(s) {
	case 0, 1:
		return bad
	case 2:
		return warn
	case 3:
		return cold
	}
	return dim
}

func toneRole(tone string) role {
	switch tone {
	case ToneGood:
		return good
	case ToneWarn:
		return warn
	case ToneBad:
		return bad
	case ToneNone:
		return dim
	}
	return cold
}

func letterRole(letter Letter) role {
	switch letter {
	case "A+", "A":
		return good
	case "B", "C":
		return warn
	case "D", "F":
		return bad
	}
	return cold
}
