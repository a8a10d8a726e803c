package report

import (
	"fmt"
	"strings"
)

// briefMessage is how much of a message the short form shows, in cells.
const briefMessage = 240

// brief cuts a message of the short form, at a word where one begins near.
func (p *page) brief(s string) string {
	s = clean(s, maxMessage)
	if p.full() || width(s) <= briefMessage {
		return s
	}
	s = shorten(s, briefMessage)
	if i := strings.LastIndexByte(s, ' '); i > len(s)-40 {
		s = s[:i] + " ..."
	}
	return s
}

// sentence says a finding with what it is told of.
func (p *page) sentence(t told) string {
	if place := t.place(p.few); place != "" && !t.saysItself() {
		return place + ": " + p.brief(t.Message)
	}
	return p.brief(t.Message)
}

// areas writes the table of points and what costs them, each with its sentence
// unless the list of findings has that.
func (p *page) areas(d *Domain, findings []told) {
	message := map[string]string{}
	for _, f := range findings {
		if _, seen := message[f.Rule]; !seen && !p.full() {
			message[f.Rule] = ": " + p.sentence(f)
		}
	}
	var rows [][]cell
	for _, a := range d.Areas {
		if a.Budget == 0 && len(a.Costs) == 0 {
			continue
		}
		first := []cell{
			{text: clean(a.Title, 30)},
			{text: a.Share()},
			{text: strings.ToUpper(clean(a.Worst, 10)), role: severityRole(a.Worst)},
		}
		if o := p.r.Run.Options; (o.Offline || !o.SMTP) && len(a.Costs) == 0 && a.Unknown == 0 && a.Passed+a.Failed > 0 && a.NotAsked > 0 {
			rows = append(rows, append(first, cell{text: "ok; " + plural(a.NotAsked, "rule", "rules") + " not asked", role: good}))
			continue
		}
		add := func(what cell) {
			rows = append(rows, append(first, what))
			first = []cell{{}, {}, {}}
		}
		for _, c := range a.Costs {
			price := "-" + c.Points.String()
			if c.Points == 0 {
				price = "(area at 0)" // it has nothing left to lose
			}
			add(cell{text: price + " " + clean(c.Rule, 60) + message[c.Rule], hang: 2})
		}
		switch {
		case a.Unknown > 0:
			add(cell{text: plural(a.Unknown, "rule", "rules") + " unknown", role: cold})
		case len(a.Costs) > 0:
		case a.Passed > 0 || a.Failed > 0:
			add(cell{text: "ok", role: good})
		case a.NotAsked > 0:
			add(cell{text: "not asked", role: dim})
		default:
			add(cell{text: "does not apply", role: dim})
		}
	}
	p.lines(table(p.paint, 0, p.o.Width, []string{"AREA", "POINTS", "WORST", "WHAT COSTS POINTS"}, rows))
}

// Share gives an area's points as people read them: "12.75/15", "9-15/15" where
// unknown rules make a range, "-" where nothing was measured.
func (a Area) Share() string {
	switch {
	case a.Points == nil:
		return "-"
	case *a.PointsLow != *a.Points:
		return fmt.Sprintf("%s-%s/%d", a.PointsLow, a.Points, a.Budget)
	}
	return fmt.Sprintf("%s/%d", a.Points, a.Budget)
}

// alsoFound writes the findings that the table of areas does not show: further
// subjects of the same rule, and rules that cost nothing.
func (p *page) alsoFound(d *Domain, findings []told) {
	shown := map[string]bool{}
	for _, a := range d.Areas {
		for _, c := range a.Costs {
			shown[c.Rule] = true
		}
	}
	var rows [][]cell
	notes := 0
	for _, f := range findings {
		switch {
		case shown[f.Rule]:
			shown[f.Rule] = false // the worst is in the table, the others are not
		case f.Severity == "info":
			notes++
		default:
			rows = append(rows, []cell{
				{text: strings.ToUpper(clean(f.Severity, 10)), role: severityRole(f.Severity)},
				{text: clean(f.Rule, 60) + ": " + p.sentence(f), hang: 2},
			})
		}
	}
	if notes > 0 {
		rows = append(rows, []cell{{text: "INFO", role: dim}, {text: plural(notes, "note that costs", "notes that cost") + " no points: -o wide shows more", role: dim}})
	}
	if len(rows) > 0 {
		p.section("ALSO FOUND", "")
		p.lines(table(p.paint, 2, p.o.Width, nil, rows))
	}
}

// findings writes every finding with its evidence.
func (p *page) findings(findings []told) {
	if len(findings) == 0 {
		return
	}
	p.section("FINDINGS", "")
	for _, f := range findings {
		var head strings.Builder
		head.WriteString(pad(strings.ToUpper(clean(f.Severity, 10)), 8) + "  " + clean(f.Rule, 60))
		for _, words := range []string{f.place(p.few), clean(f.Key, maxName)} {
			if words != "" {
				head.WriteString("  " + words)
			}
		}
		if f.Cost > 0 {
			head.WriteString("  -" + f.Cost.String())
		}
		for i, l := range wrapHead(head.String(), p.o.Width-2) {
			if i == 0 {
				sev, rest := l[:min(len(l), 8)], l[min(len(l), 8):]
				p.line("  " + p.as(severityRole(f.Severity), sev) + rest)
			} else {
				p.line("  " + l)
			}
		}
		p.para(12, plain, clean(f.Message, maxMessage))
		if len(f.Refs) > 0 {
			p.para(12, dim, clean(strings.Join(f.Refs, "; "), maxMessage))
		}
		p.evidence(f.Evidence)
	}
}

// wrapHead wraps a line whose columns are separated by several blanks, which
// plain wrapping would join.
func wrapHead(s string, n int) []string {
	if width(s) <= n {
		return []string{s}
	}
	parts := strings.Split(s, "  ")
	var lines []string
	line := ""
	for _, part := range parts {
		switch {
		case line == "":
			line = part
		case width(line)+2+width(part) <= n:
			line += "  " + part
		default:
			lines = append(lines, line)
			line = strings.Repeat(" ", 10) + part
		}
	}
	var out []string
	for _, l := range append(lines, line) {
		if width(l) <= n {
			out = append(out, l)
			continue
		}
		for _, w := range wrap(l, n-10, 0) {
			out = append(out, strings.Repeat(" ", 10)+w)
		}
	}
	return out
}

// evidence writes what was asked and, where verbose, what came back. Record text
// is not broken.
func (p *page) evidence(refs []string) {
	for _, ref := range refs {
		p.line(strings.Repeat(" ", 12) + p.as(cold, clean(ref, maxSummary)))
		if !p.o.Verbose {
			continue
		}
		for l := range strings.Lines(p.r.summary(ref)) {
			p.line(strings.Repeat(" ", 14) + p.as(dim, clean(strings.TrimRight(l, "\n"), maxSummary)))
		}
	}
}

// unknown writes what could not be told, by reason.
func (p *page) unknown(d *Domain) {
	if len(d.Unknown) == 0 {
		return
	}
	p.section("UNKNOWN", unknownNote(p.r, d)+": neither good nor bad")
	for _, g := range unknownByReason(d) {
		reason := clean(g.reason, maxMessage)
		if len(g.places) > 0 {
			reason += " (" + p.few(g.places) + ")"
		}
		for i, l := range wrap(reason, p.o.Width-4, 2) {
			mark := "  "
			if i == 0 {
				mark = p.as(cold, "? ")
			}
			p.line("  " + mark + l)
		}
		p.para(6, dim, plural(len(g.rules), "rule", "rules")+": "+p.few(g.rules))
	}
}

// few joins names, in the short form only the first six.
func (p *page) few(names []string) string {
	const most = 6
	more := ""
	if !p.full() && len(names) > most {
		more = fmt.Sprintf(" and %d more", len(names)-most)
		names = names[:most]
	}
	shown := make([]string, len(names))
	for i, n := range names {
		shown[i] = clean(n, maxName)
	}
	return strings.Join(shown, ", ") + more
}

// lists writes which rules were not asked, do not apply, or passed.
func (p *page) lists(d *Domain) {
	byReason := func(title, note string, us []Unasked) {
		if len(us) == 0 {
			return
		}
		p.section(title, note)
		for _, g := range unaskedByReason(us) {
			if g.reason != "" {
				p.para(2, plain, clean(g.reason, maxMessage))
			}
			p.para(6, dim, p.few(g.rules))
		}
	}
	byReason("NOT ASKED", "counts neither for nor against the domain", d.NotAsked)
	if !p.o.Verbose {
		return
	}
	byReason("DOES NOT APPLY", "by what the domain does", d.NotApplicable)
	if len(d.Passed) > 0 {
		p.section("PASSED", plural(len(d.Passed), "rule", "rules"))
		p.para(2, dim, p.few(d.Passed))
	}
}
