package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"mxvet/internal/gather"
)

// TextOptions say how the text form looks. The zero value is 80 columns without
// colour.
type TextOptions struct {
	Width   int  // terminal columns; 0 is 80, and 40 the least
	Color   bool // SGR colours
	Wide    bool // also hosts, passed rules, and full messages
	Quiet   bool // only score, answers and what costs points
	Verbose bool // every finding with its evidence
}

// Text writes the report for a person at a terminal. Lines are at most Width
// cells wide, except those that hold record text, which is never broken. Text
// from the network is sanitised; without Color no byte below 0x20 but the line
// feed is written.
func Text(w io.Writer, r *Report, o TextOptions) error { return TextForm(o).write(w, r) }

// TextForm is the form of Text.
func TextForm(o TextOptions) Form {
	if o.Width <= 0 {
		o.Width = 80
	}
	o.Width = max(o.Width, 40)
	piece := func(w io.Writer, r *Report, fill func(*page)) error {
		p := &page{paint: paint(o.Color), o: o, r: r}
		fill(p)
		_, err := io.WriteString(w, p.out.String())
		return err
	}
	return Form{
		name: "text report", Flows: true,
		head: func(io.Writer, *Report, *gist) error { return nil },
		domain: func(w io.Writer, part *Report, n nth) error {
			return piece(w, part, func(p *page) {
				if n.i > 0 {
					p.blank()
				}
				p.several = n.of > 1
				p.domain(&part.Domains[0])
			})
		},
		tail: func(w io.Writer, r *Report, g *gist) error {
			return piece(w, r, func(p *page) {
				if len(g.heads) > 1 {
					p.summary(g.heads)
				}
				if !o.Quiet {
					p.footer(g.heads)
				}
			})
		},
	}
}

// A page collects lines.
type page struct {
	paint
	o   TextOptions
	r   *Report
	out strings.Builder

	several bool // r is the part about one of several domains
}

func (p *page) line(s string) { p.out.WriteString(strings.TrimRight(s, " ") + "\n") }

func (p *page) blank() { p.line("") }

func (p *page) lines(ls []string) {
	for _, l := range ls {
		p.line(l)
	}
}

// para writes wrapped text, all lines indented.
func (p *page) para(indent int, r role, s string) {
	for _, l := range wrap(s, p.o.Width-indent, 0) {
		p.line(strings.Repeat(" ", indent) + p.as(r, l))
	}
}

// section writes a blank line and a heading, with a note beside or below it.
func (p *page) section(title, note string) {
	p.blank()
	if note != "" && width(title)+2+width(note) <= p.o.Width {
		p.line(p.as(bold, title) + "  " + p.as(dim, note))
		return
	}
	p.line(p.as(bold, title))
	if note != "" {
		p.para(2, dim, note)
	}
}

// full reports whether everything is to be shown.
func (p *page) full() bool { return p.o.Wide || p.o.Verbose }

func (p *page) domain(d *Domain) {
	p.header(d)
	p.answers(d)
	findings := tellOnce(d)
	p.areas(d, findings)
	if p.o.Quiet {
		return
	}
	if p.full() {
		p.findings(findings)
	} else {
		p.alsoFound(d, findings)
	}
	p.unknown(d)
	if p.full() {
		p.hosts(d)
		p.lists(d)
	}
	p.drift(d)
	p.fixes(d)
	p.timeline(d)
}

func (p *page) header(d *Domain) {
	name := clean(d.Name, maxName)
	if d.Unicode != d.Name {
		name += " (" + clean(d.Unicode, maxName) + ")"
	}
	profile := clean(d.Profile.Role, 20) + " profile"
	if d.Profile.Role == gather.Full {
		profile += " (sends and receives)"
	}
	switch absent := d.Profile.Unproven && d.Profile.Role != gather.Full; {
	case absent:
		profile += ", not proven"
	case d.Profile.Unproven:
		profile = "profile not proven, counted as full"
	}
	right := profile + ", scored by rubric " + clean(p.r.Rubric, 20)
	if width(name)+width(right)+2 <= p.o.Width {
		p.line(p.as(bold, pad(name, p.o.Width-width(right))) + p.as(dim, right))
	} else {
		for _, l := range wrap(name, p.o.Width, 0) {
			p.line(p.as(bold, l))
		}
		p.para(0, dim, right)
	}

	if premise := p.r.Run.premiseOf(d, p.several); premise != "" {
		p.para(0, warn, clean(premise, maxMessage))
	}
	for _, missed := range p.r.Run.Missed() {
		p.line(p.as(warn, Sanitize(missed)))
	}
	if d.Profile.Unproven && d.Profile.Role != gather.Full { // what the owner has to know first
		p.para(0, warn, clean(d.Profile.Why, maxMessage))
	}
	s := d.Score
	var facts []string
	if s.Cap != nil {
		facts = append(facts, fmt.Sprintf("%s points, held at %d: %s", s.Raw, s.Cap.At, clean(s.Cap.Words, maxMessage)))
	}
	facts = append(facts, fmt.Sprintf("%d %% of what was asked was answered", s.Coverage))
	p.scored("SCORE", s.Mark, s.Suffix, facts)
	if d.Next.better(s.Mark) && !p.o.Quiet {
		p.scored("NEXT", d.Next.Mark, nil, []string{p.nextText(d.Next)})
	}
	p.blank()
}

func (p *page) nextText(n *Outcome) string {
	how := "not proved by a second audit"
	if n.Verified {
		how = "proved by a second audit"
	}
	if n.Fixes == 1 {
		return "after the verified fix below, " + how
	}
	return fmt.Sprintf("after the %d verified fixes below, %s", n.Fixes, how)
}

// grade is the letter with what qualifies it.
func grade(m Mark, suffix []string) string {
	g := m.Grade()
	if len(suffix) > 0 {
		g = strings.TrimSpace(g + " (" + clean(strings.Join(suffix, ", "), 100) + ")")
	}
	return g
}

// scored writes "SCORE 79 C   fact   fact", breaking between facts, or why there
// is no score.
func (p *page) scored(label string, m Mark, suffix, facts []string) {
	if !m.Stands() {
		head := "NO " + label + "  "
		why := clean(m.Why, maxMessage) + " (" + strings.Join(append([]string{m.Possible()}, suffix...), ", ") + ")"
		for i, l := range wrap(why, p.o.Width-width(head), 0) {
			if i == 0 {
				p.line(p.as(bold, head) + p.as(cold, l))
			} else {
				p.line(strings.Repeat(" ", width(head)) + p.as(cold, l))
			}
		}
		return
	}
	grade := grade(m, suffix)
	head := pad(label, 5) + " " + m.Range() + "  "
	line := p.as(dim, pad(label, 5)) + " " + p.as(bold, m.Range()) + "  " + p.as(letterRole(m.Letter), grade)
	used := width(head) + width(grade)
	for _, f := range facts {
		if used+3+width(f) <= p.o.Width {
			line += "   " + f
			used += 3 + width(f)
			continue
		}
		p.line(line)
		ls := wrap(f, p.o.Width-width(head), 0)
		for _, l := range ls[:len(ls)-1] {
			p.line(strings.Repeat(" ", width(head)) + l)
		}
		line = strings.Repeat(" ", width(head)) + ls[len(ls)-1]
		used = width(line)
	}
	p.line(line)
}

func (p *page) answers(d *Domain) {
	var rows [][]cell
	for _, a := range d.Answers {
		word := clean(a.Answer, 20)
		if a.Answer == NoMatter {
			word = "n/a"
		}
		rows = append(rows, []cell{{text: clean(a.Question, 60)}, {text: word, role: toneRole(a.Tone)}, {text: clean(a.Text, maxMessage)}})
	}
	if len(rows) > 0 {
		p.lines(table(p.paint, 2, p.o.Width, nil, rows))
		p.blank()
	}
}

// summary lists the domains of a report that has several.
func (p *page) summary(heads []headline) {
	rows := [][]cell{}
	for _, h := range heads {
		number, letter := h.shownScore()
		rows = append(rows, []cell{
			{text: number},
			{text: letter, role: letterRole(h.Score.Letter)},
			{text: strings.ToUpper(clean(h.Worst, 10)), role: severityRole(h.Worst)},
			{text: clean(h.Name, maxName)},
		})
	}
	p.blank()
	p.lines(table(p.paint, 0, p.o.Width, []string{"SCORE", "GRADE", "WORST", "DOMAIN"}, rows))
}

// footer says what the run cost, from where it looked, and what to do next.
func (p *page) footer(heads []headline) {
	run := p.r.Run
	p.blank()
	p.para(0, dim, run.Cost())
	for _, v := range []struct {
		family string
		reach  Reach
	}{{"IPv4", run.IPv4}, {"IPv6", run.IPv6}} {
		if v.reach.State == ReachBroken {
			p.para(0, dim, "from here, "+v.family+" reaches no mail server: "+clean(v.reach.Why, maxMessage))
		}
	}
	if run.ResolverNote != "" {
		p.para(0, dim, "resolver: "+clean(run.ResolverNote, maxMessage))
	}
	for _, a := range run.Assumed() {
		p.line(p.as(dim, "assumed: "+Sanitize(a)))
	}
	for _, line := range slices.Concat(run.Stood(), run.Presumed()) {
		p.line(p.as(dim, Sanitize(line)))
	}
	if special := run.TreatedPublic(); special != "" {
		p.para(0, dim, special)
	}
	if i := slices.IndexFunc(heads, func(h headline) bool { return h.First != "" }); i >= 0 {
		p.para(0, dim, "next: mxvet explain "+clean(heads[i].First, 60))
	}
}

// firstCost names the rule that a reader should look up first: the one that
// caps the score, or costs most, or else is the worst.
func (d *Domain) firstCost() string {
	if d.Score.Cap != nil {
		return d.Score.Cap.Rule
	}
	first := d.Findings[0]
	for _, f := range d.Findings {
		if f.Cost > first.Cost {
			first = f
		}
	}
	return first.Rule
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func seconds(ms int) string { return fmt.Sprintf("%d.%02d s", ms/1000, ms%1000/10) }

// lasting says a number of seconds in words, rounded up to the larger unit.
func lasting(s int) string {
	d := time.Duration(s) * time.Second
	switch {
	case s <= 0:
		return "at once"
	case d < time.Minute:
		return plural(s, "second", "seconds")
	case d < 2*time.Hour && s%3600 != 0:
		return plural((s+59)/60, "minute", "minutes")
	case d < 48*time.Hour:
		return plural((s+3599)/3600, "hour", "hours")
	}
	return plural((s+86399)/86400, "day", "days")
}
