package report

import (
	"fmt"
	"strings"
	"time"

	"mxvet/checks"
)

// Bounds of the pictures.
const (
	maxPathRows = 24
	maxTreeRows = 60
	maxTreeDeep = 10
)

// An htmlPath is the picture of the way mail takes: MX host, address, TLS,
// certificate, and what was found. Lengths are in the units of its view box.
type htmlPath struct {
	Height int
	Policy string // words about DANE and MTA-STS
	Hosts  []pathHost
	Rows   []pathRow
	Lines  []string // the same in words
	More   int      // addresses left out
}

type pathHost struct {
	Y, Height, Mid int
	Name, Note     string
}

type pathRow struct {
	Y, HostMid int
	Boxes      []pathBox
}

type pathBox struct {
	X, Width   int
	Tone       string
	Text, Note string
	Mono       bool
}

const (
	pathRowHeight = 62
	pathBoxHeight = 48
)

func pathPicture(r *Report, d *Domain) *htmlPath {
	if len(d.MX) == 0 {
		return nil
	}
	p := &htmlPath{}
	for _, a := range d.Answers {
		p.Policy += strings.Join(a.Policies, ", ")
	}
	y := 28
	for _, m := range d.MX {
		var addresses []HostAddress
		if h := r.host(m.Host); h != nil {
			addresses = h.Addresses
		}
		room := maxPathRows - len(p.Rows)
		if room <= 0 {
			p.More += max(1, len(addresses))
			continue
		}
		if len(addresses) > room {
			p.More += len(addresses) - room
			addresses = addresses[:room]
		}
		rows := max(1, len(addresses))
		host := pathHost{Y: y, Height: rows*pathRowHeight - (pathRowHeight - pathBoxHeight), Name: shorten(m.Host, 27), Note: fmt.Sprintf("preference %d", m.Pref)}
		host.Mid = y + host.Height/2
		p.Hosts = append(p.Hosts, host)
		if len(addresses) == 0 {
			p.Rows = append(p.Rows, pathRow{Y: y, HostMid: host.Mid, Boxes: []pathBox{{X: 240, Width: 170, Tone: "warn", Text: "no address known"}}})
			p.Lines = append(p.Lines, fmt.Sprintf("%s (preference %d): no address known", m.Host, m.Pref))
			y += pathRowHeight
		}
		for _, a := range addresses {
			boxes := pathBoxes(r.Run.At, d, m.Host, a)
			p.Rows = append(p.Rows, pathRow{Y: y, HostMid: host.Mid, Boxes: boxes})
			words := []string{fmt.Sprintf("%s (preference %d)", m.Host, m.Pref)}
			for _, box := range boxes {
				words = append(words, strings.TrimSuffix(box.Text+", "+box.Note, ", "))
			}
			p.Lines = append(p.Lines, strings.Join(words, " \u2192 "))
			y += pathRowHeight
		}
	}
	p.Height = y
	return p
}

// pathBoxes gives address, TLS, certificate and verdict of one address.
func pathBoxes(now time.Time, d *Domain, host string, a HostAddress) []pathBox {
	address := pathBox{X: 240, Width: 170, Text: shorten(a.IP, 22), Mono: true, Tone: "good", Note: fmt.Sprintf("answered in %d ms", a.Millis)}
	tls := pathBox{X: 430, Width: 180, Text: "not seen"}
	cert := pathBox{X: 630, Width: 180, Text: "not seen"}
	switch {
	case !a.Talked:
		address.Tone, address.Note = "", "not asked"
	case !a.Reached:
		address.Tone, address.Note = "warn", "no answer"
	case !a.up():
		address.Tone, address.Note = "warn", "refused us"
	case a.TLS != nil && a.TLS.Error != "":
		tls.Tone, tls.Text, tls.Note = "bad", "handshake fails", shorten(a.TLS.Error, 26)
	case a.TLS != nil:
		tls.Tone, tls.Text, tls.Note = "good", shorten(a.TLS.Version, 22), shorten(a.TLS.Group, 26)
		if a.TLS.Version != "TLS 1.3" && a.TLS.Version != "TLS 1.2" {
			tls.Tone = "warn"
		}
	case a.STARTTLS:
		tls.Tone, tls.Text = "warn", "offered, not used"
	default:
		tls.Tone, tls.Text = "bad", "no STARTTLS"
	}
	if c := a.Cert; c != nil {
		cert.Tone, cert.Text = "good", shorten(c.Key+", "+c.trust(), 25)
		r, _ := distance(now, c.NotAfter)
		cert.Note = fmt.Sprintf("ends %s, %d d", c.NotAfter.UTC().Format(dateForm), int(c.NotAfter.Sub(now).Hours()/24))
		if t := urgency(r); t != "plain" {
			cert.Tone = t
		} else if !strings.HasPrefix(c.trust(), "trusted") {
			cert.Tone = "warn"
		}
	}
	verdict := pathVerdict(d, host, a.IP)
	if !a.up() && verdict.Tone == "good" {
		verdict.Tone, verdict.Text = "", "nothing to judge"
	}
	return []pathBox{address, tls, cert, verdict}
}

// pathVerdict gives the worst finding about a host or one of its addresses.
func pathVerdict(d *Domain, host, ip string) pathBox {
	box := pathBox{X: 830, Width: 170, Tone: "good", Text: "nothing found"}
	for _, f := range d.Findings { // worst first
		if f.Severity != string(checks.Info) && (about(f.Subject, host) || about(f.Subject, ip)) {
			box.Text, box.Note = f.Severity+" finding", shorten(f.Rule, 25)
			box.Tone = "warn"
			if severityOrder(f.Severity) <= 1 {
				box.Tone = "bad"
			}
			return box
		}
	}
	for _, u := range d.Unknown {
		if about(u.Subject, host) || about(u.Subject, ip) {
			box.Tone, box.Text, box.Note = "", "unknown", shorten(u.Rule, 25)
			return box
		}
	}
	return box
}

// An htmlTree is the picture of an SPF record: a row a term, with the DNS
// lookups that the term and all below it cost.
type htmlTree struct {
	*SPFTree
	Height int
	Rows   []treeRow
	Cells  []meterCell
	More   int
}

type treeRow struct {
	Y, X     int
	Elbow    string // path from the row above it that it belongs to
	Text     string
	Problem  string
	Note     string // the problem, as far as there is room for it
	ProblemX int
	Cost     string
	Units    []treeUnit
	Depth    int
	Opens    int // how many lists to open before it, in words
	Closes   int // how many to close after it
}

type treeUnit struct {
	X    int
	Over bool
}

type meterCell struct {
	X    int
	Tone string
}

const (
	treeRowHeight = 26
	treeIndent    = 24
	treeUnitsX    = 800
)

func treePicture(s *SPFTree) *htmlTree {
	if s == nil {
		return nil
	}
	t := &htmlTree{SPFTree: s}
	t.add(s.Terms, 0, 22)
	t.Height = 30 + len(t.Rows)*treeRowHeight
	for i := range t.Rows {
		before, after := -1, -1
		if i > 0 {
			before = t.Rows[i-1].Depth
		}
		if i+1 < len(t.Rows) {
			after = t.Rows[i+1].Depth
		}
		t.Rows[i].Opens = max(0, t.Rows[i].Depth-before)
		t.Rows[i].Closes = max(0, t.Rows[i].Depth-after)
	}
	for i := range max(s.Limit, min(s.Lookups, 2*s.Limit)) {
		tone := ""
		switch {
		case i >= s.Lookups:
		case i >= s.Limit:
			tone = "over"
		case s.Lookups > s.Limit-2:
			tone = "near"
		default:
			tone = "used"
		}
		t.Cells = append(t.Cells, meterCell{X: i * 16, Tone: tone})
	}
	return t
}

// add appends the rows of terms. Terms that cost nothing and have no problem
// share a row.
func (t *htmlTree) add(terms []SPFTerm, depth, parentY int) {
	for i := 0; i < len(terms); i++ {
		if len(t.Rows) >= maxTreeRows || depth > maxTreeDeep {
			t.More += len(terms) - i
			return
		}
		term := terms[i]
		var text strings.Builder
		text.WriteString(term.Text)
		if quiet(term) {
			for i+1 < len(terms) && quiet(terms[i+1]) {
				i++
				text.WriteString(" " + terms[i].Text)
			}
		}
		y := 40 + len(t.Rows)*treeRowHeight
		x := 8 + depth*treeIndent
		row := treeRow{Y: y, X: x + 18, Depth: depth, Text: shorten(text.String(), 84-3*depth), Problem: term.Problem}
		row.Elbow = fmt.Sprintf("M%d %dV%dH%d", x+4, parentY, y-4, x+14)
		if term.Void && row.Problem == "" {
			row.Problem = "answers nothing"
		}
		row.ProblemX = row.X + width(row.Text)*77/10 + 12
		row.Note = shorten(row.Problem, max(0, treeUnitsX-10-row.ProblemX)/7)
		if term.Lookups > 0 {
			row.Cost = fmt.Sprint(term.Lookups)
			for u := range min(term.Lookups, 12) {
				row.Units = append(row.Units, treeUnit{X: treeUnitsX + 28 + u*13, Over: t.Limit > 0 && u >= t.Limit})
			}
		}
		t.Rows = append(t.Rows, row)
		t.add(term.Terms, depth+1, y+4)
	}
}

func quiet(t SPFTerm) bool {
	return t.Lookups == 0 && t.Problem == "" && !t.Void && len(t.Terms) == 0
}
