package report

import (
	"fmt"
	"strings"
	"time"
)

// proofNote says what a proof is worth, beside each.
const proofNote = "verified by a second audit over the changed DNS; senders that nobody named cannot be seen"

// mostSteps bounds the fixes outside the DNS that the short form shows.
const mostSteps = 6

// fixGroup is one of the three groups of fixes.
type fixGroup struct{ name, title string }

// fixGroups gives the groups in the order in which they are shown.
func fixGroups() []fixGroup {
	return []fixGroup{
		{GroupPublish, "publish today"},
		{GroupEvidence, "after evidence"},
		{GroupServers, "on the servers"},
	}
}

// fixes writes what to do, in its three groups.
func (p *page) fixes(d *Domain) {
	n := 0
	for _, g := range fixGroups() {
		inGroup := 0
		for _, f := range d.Fixes {
			if f.Group != g.name {
				continue
			}
			if n++; inGroup == 0 {
				p.section(strings.ToUpper(g.title), "")
			} else {
				p.blank()
			}
			if inGroup++; g.name == GroupServers && inGroup > mostSteps && !p.full() {
				p.para(0, dim, fmt.Sprintf("%d more, worth less: -o wide shows them", inGroupOf(d.Fixes, g.name)-mostSteps))
				break
			}
			p.fix(n, f)
		}
	}
}

func inGroupOf(fixes []Fix, group string) int {
	n := 0
	for _, f := range fixes {
		if f.Group == group {
			n++
		}
	}
	return n
}

// fix writes one fix.
func (p *page) fix(n int, f Fix) {
	p.fixHead(fmt.Sprintf("FIX %d", n), f)
	p.changes(f.Changes)
	p.steps(f.Steps)
	if len(f.Changes) > 0 {
		p.para(2, dim, p.proof(f)+"; visible within "+lasting(f.VisibleWithin))
		p.undo(f)
	}
	for _, s := range f.Next {
		p.para(2, plain, "then, once "+clean(s.When, maxMessage)+bracketed("score ", s.After())+":")
		p.changes(s.Changes)
	}
}

// bracketed puts words behind others in brackets, "" where there are none.
func bracketed(label, words string) string {
	if words == "" {
		return ""
	}
	return " (" + label + words + ")"
}

// undo writes how to take a change back.
func (p *page) undo(f Fix) {
	words, lines := f.undo()
	if words == "" {
		return
	}
	p.para(2, dim, "undo: "+clean(words, maxMessage))
	for _, line := range lines {
		p.line("  " + p.as(dim, Sanitize(line)))
	}
}

// proof says what the second audit showed.
func (p *page) proof(f Fix) string {
	switch {
	case f.Verified:
		if after := f.After(); after != "" {
			return proofNote + ": score " + after + " after it"
		}
		return proofNote
	case f.Unverified != "":
		return "not verified: " + clean(f.Unverified, maxMessage)
	}
	return "not verified"
}

// fixHead writes label, rule, points and what the fix asks for.
func (p *page) fixHead(label string, f Fix) {
	name := clean(f.ID, 60)
	if len(f.Rules) > 0 {
		name = clean(f.Rules[0], 60)
	}
	points := prefixed("  ", f.gain())
	text := ""
	switch f.Safety {
	case NeedsEvidence:
		text = "WAIT FIRST"
	case NeedsInput:
		text = "NEEDS INPUT"
	case SafeNow:
		text = "SAFE NOW"
	}
	switch needs := clean(f.Needs, maxMessage); {
	case needs == "":
	case f.Safety == NeedsEvidence && strings.HasPrefix(needs, "that "):
		text += " until you know " + needs
	default:
		text = strings.TrimPrefix(text+": "+needs, ": ")
	}
	head := label + "  " + name + points
	if text != "" && width(head)+2+width(text) <= p.o.Width {
		p.line(p.as(bold, label) + "  " + p.as(bold, name) + p.as(good, points) + "  " + p.as(safetyRole(f.Safety), text))
		text = ""
	} else {
		p.line(p.as(bold, label) + "  " + p.as(bold, name) + p.as(good, points))
	}
	if f.Title != "" {
		p.para(2, plain, clean(f.Title, maxMessage))
	}
	if len(f.Rules) > 1 {
		p.para(2, plain, "clears: "+clean(strings.Join(f.Rules, ", "), maxMessage))
	}
	if text != "" {
		p.para(2, safetyRole(f.Safety), text)
	}
}

func safetyRole(s string) role {
	if s == SafeNow {
		return good
	}
	return warn
}

// record reports whether a fix is a record to publish, also where a value in it is
// still to be asked for.
func (f *Fix) record() bool { return f.Group != GroupServers }

// changes writes records as zone lines, never broken, so that they can be copied,
// each with what it takes the place of.
func (p *page) changes(cs []Change) {
	for _, c := range removalsFirst(cs) {
		for _, line := range c.after() {
			p.line("  " + line)
		}
		label := "replaces "
		if len(c.New) == 0 {
			label = "remove   "
		}
		for _, line := range c.before() {
			p.line("  " + p.as(dim, label+line))
		}
		if len(c.New) > 0 && len(c.Old) == 0 {
			p.para(2, dim, newRecord)
		}
	}
}

// steps writes what a person does; of several, each has its number. Lines to copy
// are never broken.
func (p *page) steps(steps []Step) {
	for i, s := range steps {
		mark := ""
		if len(steps) > 1 {
			mark = fmt.Sprintf("%d. ", i+1)
		}
		gap := strings.Repeat(" ", len(mark))
		for j, l := range wrap(clean(s.Text, maxMessage), p.o.Width-2-len(mark), 0) {
			if j > 0 {
				mark = gap
			}
			p.line("  " + mark + l)
		}
		for _, l := range s.Copy {
			p.line("    " + gap + Sanitize(l))
		}
	}
}

// drift writes where the zone laid over the DNS differs from it.
func (p *page) drift(d *Domain) {
	if len(d.Drift) == 0 {
		return
	}
	p.section("ZONE AND LIVE DNS DIFFER", "")
	for _, x := range d.Drift {
		head := clean(x.Owner, maxName) + " " + clean(x.Type, 10)
		if x.Note != "" {
			head += ": " + clean(x.Note, maxMessage)
		}
		p.para(2, plain, head)
		if len(x.Zone) == 0 {
			p.line("    " + p.as(dim, "zone has nothing"))
		}
		for _, data := range x.Zone {
			p.line("    " + p.as(good, "zone ") + Sanitize(data))
		}
		for _, data := range x.Live {
			p.line("    " + p.as(dim, "live ") + Sanitize(data))
		}
	}
}

// timeline writes what ends next; the short form shows the first five.
func (p *page) timeline(d *Domain) {
	events := d.Timeline
	if len(events) == 0 {
		return
	}
	if !p.full() && len(events) > 5 {
		events = events[:5]
	}
	var rows [][]cell
	for _, e := range events {
		what := clean(e.What, maxMessage)
		if e.Subject != "" {
			what += ": " + clean(e.Subject, maxName)
		}
		r, when := distance(p.r.Run.At, e.At)
		rows = append(rows, []cell{{text: e.At.UTC().Format(dateForm)}, {text: when, role: r}, {text: what, hang: 2}})
	}
	p.section("NEXT TO BREAK", "")
	p.lines(table(p.paint, 2, p.o.Width, nil, rows))
}

// distance says how far away a time is, and how alarming that is.
func distance(now, at time.Time) (role, string) {
	const day = 24 * time.Hour
	left := at.Sub(now)
	days := int(left / day)
	switch {
	case left < 0:
		return bad, plural(int(-left/day), "day", "days") + " ago"
	case days == 0:
		return bad, "today"
	case days <= 7:
		return bad, "in " + plural(days, "day", "days")
	case days <= 30:
		return warn, "in " + plural(days, "day", "days")
	}
	return plain, "in " + plural(days, "day", "days")
}

// hosts writes one line for each address of the domain's mail hosts.
func (p *page) hosts(d *Domain) {
	var rows [][]cell
	for _, m := range d.MX {
		h := p.r.host(m.Host)
		if h == nil || len(h.Addresses) == 0 {
			rows = append(rows, []cell{{text: fmt.Sprint(m.Pref)}, {text: clean(m.Host, maxName)}, {text: "no address", role: warn}, {}, {}})
			continue
		}
		for _, a := range h.Addresses {
			state, r := "up", good
			switch {
			case !a.Talked:
				state, r = "not asked", dim
			case !a.Reached:
				state, r = "no answer", warn
			case !a.up():
				state, r = "refused us", warn
			}
			what := a.describe()
			rows = append(rows, []cell{{text: fmt.Sprint(m.Pref)}, {text: clean(m.Host, maxName)}, {text: clean(a.IP, 50)}, {text: state, role: r}, {text: what, hang: 2}})
		}
	}
	if len(rows) > 0 {
		p.blank()
		p.lines(table(p.paint, 0, p.o.Width, []string{"PREF", "HOST", "ADDRESS", "STATE", "TLS AND CERTIFICATE"}, rows))
	}
	for _, m := range d.MX {
		if h := p.r.host(m.Host); h != nil {
			for _, line := range h.offers() {
				p.para(0, dim, line)
			}
		}
	}
}

// offers says whose host it is, and what its addresses offer at EHLO: once where
// they offer the same.
func (h *Host) offers() []string {
	var out []string
	name := clean(h.Name, maxName)
	if h.Provider != "" {
		out = append(out, name+" is a host of "+clean(h.Provider, maxName))
	}
	by := map[string][]string{}
	var lists []string
	for _, a := range h.Addresses {
		if len(a.Keywords) == 0 {
			continue
		}
		list := clean(strings.Join(a.Keywords, ", "), maxMessage)
		if by[list] == nil {
			lists = append(lists, list)
		}
		by[list] = append(by[list], clean(a.IP, 50))
	}
	for _, list := range lists {
		at := ""
		if len(lists) > 1 {
			at = " at " + strings.Join(by[list], ", ")
		}
		out = append(out, name+at+" offers "+list)
	}
	return out
}

// describe says what the conversation with an address showed, sanitised.
func (a HostAddress) describe() string {
	var parts []string
	switch {
	case !a.Talked:
	case !a.Reached:
		parts = append(parts, clean(a.Fail, maxMessage))
	case !a.up():
		parts = append(parts, clean(a.Refused, maxMessage))
	case a.TLS == nil && !a.STARTTLS:
		parts = append(parts, "no STARTTLS")
	case a.TLS == nil:
		parts = append(parts, "STARTTLS offered, no handshake")
	case a.TLS.Error != "":
		parts = append(parts, "TLS failed: "+clean(a.TLS.Error, maxMessage))
	default:
		parts = append(parts, clean(strings.Join(strings.Fields(a.TLS.Version+" "+a.TLS.Group), " "), 100))
	}
	if c := a.Cert; c != nil {
		parts = append(parts, fmt.Sprintf("%s to %s, %s", clean(c.Key, 40), c.NotAfter.UTC().Format(dateForm), clean(c.trust(), 60)))
	}
	return strings.Join(parts, "; ")
}
