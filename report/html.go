package report

import (
	"cmp"
	"fmt"
	"html/template"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"mxvet/checks"
	"mxvet/templates"
)

// Bounds of the HTML form, so that no domain can make it huge.
const (
	maxField    = 4096 // bytes of one text
	maxFindings = 300
	maxEvents   = 40
	maxPlaces   = 20 // subjects that one reason names
	maxDrift    = 100
)

// HTML writes the report as one self-contained file: no script, nothing fetched
// from anywhere, and a policy in the file that forbids both. Text from the
// network appears as text, with control characters shown as escapes.
func HTML(w io.Writer, r *Report) error { return HTMLForm().write(w, r) }

// HTMLForm is the form of HTML. A table of all domains stands before them.
func HTMLForm() Form {
	page := sync.OnceValues(func() (*templates.Page, error) { return templates.Load("report.html.tmpl", htmlFuncs()) })
	write := func(w io.Writer, name string, data func(templates.Head) any) error {
		p, err := page()
		if err != nil {
			return err
		}
		return p.Write(w, name, data(p.Head))
	}
	return Form{
		name: "HTML report",
		head: func(w io.Writer, r *Report, g *gist) error {
			return write(w, "head", func(h templates.Head) any { return newHTMLPage(r, g, h) })
		},
		domain: func(w io.Writer, part *Report, n nth) error {
			return write(w, "domain", func(templates.Head) any {
				r := cleaned(reflect.ValueOf(part), maxField).Interface().(*Report)
				return htmlScope{Domain: arrange(r, &r.Domains[0], htmlID(n.i)), Proof: proofNote}
			})
		},
		tail: func(w io.Writer, r *Report, g *gist) error {
			return write(w, "tail", func(h templates.Head) any { return newHTMLPage(r, g, h) })
		},
	}
}

// htmlID is the prefix of the anchors of one domain.
func htmlID(i int) string { return fmt.Sprintf("d%d-", i+1) }

func htmlFuncs() template.FuncMap {
	return template.FuncMap{
		"date":    func(t time.Time) string { return t.UTC().Format(dateForm) },
		"clock":   func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") },
		"lasting": lasting,
		"join":    strings.Join,
		"plural":  plural,
		"percent": func(r *Rubric, s string) int { return r.Severity[checks.Severity(s)] },
		"repeat":  func(n int) []struct{} { return make([]struct{}, max(0, n)) },
		// Places in the pictures, from the corner of a box or the line of a row.
		"mid":    func(y int) int { return y + pathBoxHeight/2 },
		"middle": func(y int) int { return y + pathBoxHeight/2 + 5 },
		"line1":  func(y int) int { return y + 20 },
		"line2":  func(y int) int { return y + 38 },
		"left":   func(x int) int { return x - 20 },
		"pad":    func(x int) int { return x + 12 },
		"above":  func(y int) int { return y - 3 },
		"below":  func(y int) int { return y + 15 },
		"unit":   func(y int) int { return y - 10 },
		"meter":  func(cells []meterCell) int { return max(16*len(cells), 16) },
	}
}

// An htmlPage is what the template is given. Its report is a sanitised copy.
type htmlPage struct {
	templates.Head
	Title   string
	Report  *Report
	Summary []htmlHeadline // of several domains
	Rubric  *Rubric        // nil when the report was scored by one that this version does not know
}

// An htmlHeadline is one line of the table of all domains.
type htmlHeadline struct{ ID, Name, Number, Grade, Tone string }

// An htmlScope is what the template of one domain sees.
type htmlScope struct {
	Domain htmlDomain
	Proof  string
}

// An htmlDomain is one domain, arranged for the template.
type htmlDomain struct {
	*Domain
	ID           string // prefix of anchors
	Tone         string
	Grade        string
	Number       string // "79", "79-83" or "-"
	Better       *Outcome
	Ring         htmlRing
	Areas        []htmlArea
	Groups       []htmlGroup
	More         int // findings left out
	Fixes        []htmlFix
	Unknowns     []htmlReason
	UnknownNote  string // begins the sentence
	Unasked      []htmlReason
	Inapplicable []htmlReason
	Path         *htmlPath
	Tree         *htmlTree
	Events       []htmlEvent
	Trend        *htmlTrend
}

// An htmlRing is the score as an arc: proven points, and the part of them that
// depends on what is unknown.
type htmlRing struct{ Low, High, Round string }

type htmlArea struct {
	Area
	Kept, Maybe float64 // per cent of the budget
	Note        string
	Tone        string
}

type htmlGroup struct {
	Title    string
	Findings []htmlFinding
}

type htmlFinding struct {
	Finding
	Place    string // subject and key, "" when it is the domain itself
	Evidence []htmlEvidence
}

// An htmlEvidence is one piece of evidence. On paper, where nothing is folded away,
// only its first mention shows it.
type htmlEvidence struct {
	Evidence
	Again bool
}

type htmlReason struct {
	Reason string
	Rules  string
	Places string
}

type htmlEvent struct {
	Event
	Left string
	Tone string
	Bar  float64 // per cent, on a root scale up to a year
}

type htmlTrend struct{ Points, Label, LastX, LastY string }

func newHTMLPage(r *Report, g *gist, head templates.Head) htmlPage {
	run := *r
	run.Domains, run.Hosts, run.Evidence = nil, nil, nil
	r = cleaned(reflect.ValueOf(&run), maxField).Interface().(*Report)
	p := htmlPage{Head: head, Report: r, Title: "Mail audit of " + plural(len(g.heads), "domain", "domains")}
	if len(g.heads) == 1 {
		p.Title = "Mail audit of " + clean(g.heads[0].Name, maxField)
	}
	if rubric, err := LoadRubric(r.Rubric); err == nil {
		p.Rubric = rubric
	}
	for i, h := range g.heads {
		if len(g.heads) > 1 {
			number, letter := h.shownScore()
			p.Summary = append(p.Summary, htmlHeadline{htmlID(i), clean(h.Name, maxField), number, letter, toneOfLetter(h.Score.Letter)})
		}
	}
	return p
}

// arrange makes the template's view of one domain of a sanitised report.
func arrange(r *Report, d *Domain, id string) htmlDomain {
	h := htmlDomain{
		Domain: d, ID: id, Tone: toneOfLetter(d.Score.Letter), Ring: ring(d.Score),
		Grade: cmp.Or(grade(d.Score.Mark, d.Score.Suffix), "-"), Number: cmp.Or(d.Score.Range(), "-"),
	}
	if d.Next.better(d.Score.Mark) {
		h.Better = d.Next
	}
	for _, a := range d.Areas {
		if a.Budget == 0 && len(a.Costs) == 0 {
			continue
		}
		h.Areas = append(h.Areas, arrangeArea(a))
	}
	h.Groups, h.More = groupFindings(r, d)
	h.Fixes = arrangeFixes(d.Fixes)
	h.Unknowns = htmlReasons(unknownByReason(d))
	note := unknownNote(r, d)
	h.UnknownNote = strings.ToUpper(note[:1]) + note[1:]
	h.Unasked = htmlReasons(unaskedByReason(d.NotAsked))
	h.Inapplicable = htmlReasons(unaskedByReason(d.NotApplicable))
	h.Path = pathPicture(r, d)
	h.Tree = treePicture(d.SPF)
	for _, e := range d.Timeline[:min(len(d.Timeline), maxEvents)] {
		role, left := distance(r.Run.At, e.At)
		days := math.Max(0, e.At.Sub(r.Run.At).Hours()/24)
		h.Events = append(h.Events, htmlEvent{Event: e, Left: left, Tone: urgency(role), Bar: round1(100 * math.Sqrt(math.Min(days, 365)/365))})
	}
	d.Drift = d.Drift[:min(len(d.Drift), maxDrift)]
	h.Trend = trend(d)
	return h
}

func urgency(r role) string {
	switch r {
	case bad:
		return "bad"
	case warn:
		return "warn"
	}
	return "plain"
}

func toneOfLetter(letter Letter) string {
	switch letterRole(letter) {
	case good:
		return "good"
	case warn:
		return "warn"
	case bad:
		return "bad"
	}
	return "cold"
}

func round1(f float64) float64 { return math.Round(f*10) / 10 }

// ring gives the arcs of the score's circle, of radius 52.
func ring(s Score) htmlRing {
	const around = 2 * math.Pi * 52
	arc := func(n int) string { return fmt.Sprintf("%.1f", around*float64(n)/100) }
	return htmlRing{Low: arc(s.Low), High: arc(s.High), Round: fmt.Sprintf("%.1f", around)}
}

func arrangeArea(a Area) htmlArea {
	h := htmlArea{Area: a, Tone: "good"}
	switch {
	case a.Points == nil:
		h.Maybe = 100
	case a.Budget > 0:
		h.Kept = round1(float64(*a.PointsLow) / float64(a.Budget))
		h.Maybe = round1(float64(*a.Points-*a.PointsLow) / float64(a.Budget))
	}
	switch {
	case a.Unknown > 0:
		h.Tone, h.Note = "cold", plural(a.Unknown, "rule", "rules")+" unknown"
	case len(a.Costs) > 0:
	case a.Passed > 0 || a.Failed > 0:
		h.Note = plural(a.Passed, "rule", "rules") + " passed"
	case a.NotAsked > 0:
		h.Tone, h.Note = "cold", "not asked"
	default:
		h.Tone, h.Note = "cold", "does not apply"
	}
	return h
}

// groupFindings puts the findings under their areas, with their evidence.
func groupFindings(r *Report, d *Domain) ([]htmlGroup, int) {
	shown := d.Findings[:min(len(d.Findings), maxFindings)]
	var groups []htmlGroup
	seen := map[string]bool{}
	place := func(area Area) {
		g := htmlGroup{Title: area.Title}
		for _, f := range shown {
			if f.Area != area.ID {
				continue
			}
			hf := htmlFinding{Finding: f}
			if f.Subject != d.Name {
				hf.Place = f.Subject
			}
			if f.Key != "" {
				hf.Place = strings.TrimSpace(hf.Place + " " + f.Key)
			}
			for _, ref := range f.Evidence {
				hf.Evidence = append(hf.Evidence, htmlEvidence{Evidence{Ref: ref, Text: r.summary(ref)}, seen[ref]})
				seen[ref] = true
			}
			g.Findings = append(g.Findings, hf)
		}
		if len(g.Findings) > 0 {
			groups = append(groups, g)
		}
	}
	for _, a := range d.Areas {
		place(a)
	}
	return groups, len(d.Findings) - len(shown)
}

func htmlReasons(groups []reasonGroup) []htmlReason {
	var out []htmlReason
	for _, g := range groups {
		out = append(out, htmlReason{Reason: cmp.Or(g.reason, "no reason given"), Rules: strings.Join(g.rules, ", "), Places: firstOf(g.places)})
	}
	return out
}

// firstOf joins the first names of a list, and says how many it leaves out.
func firstOf(names []string) string {
	if n := len(names) - maxPlaces; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxPlaces], ", "), n)
	}
	return strings.Join(names, ", ")
}

// trend gives the line of scores over time, on a field of 320 by 64; nil with
// fewer than two.
func trend(d *Domain) *htmlTrend {
	items := slices.Clone(d.History)
	if d.Score.Stands() {
		items = append(items, HistoryItem{Score: d.Score.High, Low: d.Score.Low})
	}
	if len(items) < 2 {
		return nil
	}
	items = items[max(0, len(items)-60):]
	t := &htmlTrend{}
	var points, scores []string
	for i, it := range items {
		t.LastX = fmt.Sprintf("%.1f", 6+308*float64(i)/float64(len(items)-1))
		t.LastY = fmt.Sprintf("%.1f", 58-52*float64(min(max(it.Score, 0), 100))/100)
		points = append(points, t.LastX+","+t.LastY)
		scores = append(scores, fmt.Sprint(it.Score))
	}
	t.Points, t.Label = strings.Join(points, " "), strings.Join(scores, ", ")
	return t
}

// cleanLines is clean for a text of several lines.
func cleanLines(s string, n int) string {
	lines := strings.Split(bound(s, n), "\n")
	for i := range lines {
		lines[i] = Sanitize(lines[i])
	}
	return strings.Join(lines, "\n")
}

// cleaned copies a value with every text in it bounded and sanitised. Only the
// texts of evidence, and how a fix is undone, keep their line breaks.
func cleaned(v reflect.Value, n int) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(cleaned(v.Elem(), n))
		}
	case reflect.String:
		out.SetString(clean(v.String(), n))
	case reflect.Slice:
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(cleaned(v.Index(i), n))
		}
	case reflect.Struct:
		if e, ok := v.Interface().(Evidence); ok {
			return reflect.ValueOf(Evidence{Ref: clean(e.Ref, n), Text: cleanLines(e.Text, n)})
		}
		if v.Type() == reflect.TypeFor[time.Time]() {
			return v
		}
		if f, ok := v.Interface().(Fix); ok { // undo holds records behind its first line
			defer func() { out.FieldByName("Undo").SetString(cleanLines(f.Undo, n)) }()
		}
		for i := range v.NumField() {
			out.Field(i).Set(cleaned(v.Field(i), n))
		}
	default:
		out.Set(v)
	}
	return out
}
