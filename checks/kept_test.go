package checks_test

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"mxvet/checks"
	"mxvet/internal/dkim"
	"mxvet/internal/dnsbl"
	"mxvet/internal/fakenet"
	"mxvet/internal/fix"
	"mxvet/internal/gather"
	"mxvet/internal/kept"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
	"mxvet/report"
)

// What scenarios and worlds come to before and behind the rules is kept in files
// too: what was asked and found out, what is proposed, and what the head of the
// report says.
type keptTables struct {
	gathered, proposals, heads, cited *kept.Table
	rubric                            *report.Rubric
}

func readKept(t *testing.T) keptTables {
	t.Helper()
	read := func(file string) *kept.Table {
		table, err := kept.Read(file, *update)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { table.Write(t, isThere) })
		return table
	}
	rubric, err := report.LoadRubric("")
	if err != nil {
		t.Fatal(err)
	}
	return keptTables{read("testdata/gathered.txt"), read("testdata/proposals.txt"), read("testdata/heads.txt"), read("testdata/cited.txt"), rubric}
}

// isThere reports whether a case is one of the scenarios or worlds that there are.
func isThere(name string) bool {
	if world, ok := strings.CutPrefix(name, worldPrefix); ok {
		return slices.Contains(fakenet.Worlds(), world)
	}
	_, err := os.Stat(scenarios + "/" + name + ".txtar")
	return err == nil
}

const worldPrefix = "world-"

func (k keptTables) hold(t *testing.T, name string, s seen) {
	t.Helper()
	k.gathered.Hold(t, name, gatheredOf(s.e, s.asked)...)
	k.proposals.Hold(t, name, proposalsOf(s.e, s.results)...)
	k.heads.Hold(t, name, headOf(s.e, s.results, k.rubric)...)
	k.cited.Hold(t, name, citedOf(ruleOf(name, s.byRule()), s.results)...)
}

// The worlds of the program have no expectations but those of the tables.
func TestWorlds(t *testing.T) {
	tables := readKept(t)
	for _, name := range fakenet.Worlds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world, err := fakenet.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			tables.hold(t, worldPrefix+name, observe(t, world))
		})
	}
}

// A page collects lines under a heading.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) {
	if p.Len() > 0 {
		p.WriteByte('\n')
	}
	p.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " "))
}

// citedOf gives what the verdicts of a scenario's own rule rest on, and in one line
// for each area which other rules fail or are unknown, and how badly.
func citedOf(own string, results []checks.Result) []string {
	var cited page
	others := map[string]*page{}
	for _, res := range results {
		kinds := map[string]int{}
		for _, v := range res.Verdicts {
			switch {
			case res.Rule.ID == own && len(v.Evidence) > 0:
				cited.line("%s %s %s %s: %s", own, v.Status, v.Subject, v.Key, v.Evidence)
			case res.Rule.ID != own && (v.Status == checks.Fail || v.Status == checks.Unknown):
				kinds[fmt.Sprintf("%s %s", v.Status, v.Severity)]++
			}
		}
		for _, kind := range slices.Sorted(maps.Keys(kinds)) {
			p := others[res.Rule.Area]
			if p == nil {
				p = &page{}
				others[res.Rule.Area] = p
			}
			p.line("%s %s %d", res.Rule.ID, kind, kinds[kind])
		}
	}
	out := []string{}
	if cited.Len() > 0 {
		out = append(out, cited.String())
	}
	for _, area := range slices.Sorted(maps.Keys(others)) {
		out = append(out, strings.ReplaceAll(others[area].String(), "\n", ", "))
	}
	return out
}

// gatheredOf gives what was found out beyond the answers themselves.
func gatheredOf(e *gather.Evidence, asked []wire.Ref) []string {
	pages := []func(*page, *gather.Evidence){roleFacts, authorityFacts, serverFacts, hostFacts, senderFacts, listFacts, nameFacts, keyFacts}
	out := make([]string, 0, len(pages)+1)
	for _, facts := range pages {
		var p page
		if facts(&p, e); p.Len() > 0 {
			out = append(out, p.String())
		}
	}
	return append(out, requests(asked))
}

// requests counts what was asked, by kind; the number at the end changes with any of
// them.
func requests(asked []wire.Ref) string {
	kinds := map[string]int{}
	sum := fnv.New32a()
	for _, ref := range slices.Sorted(slices.Values(asked)) {
		kind, _, _ := strings.Cut(strings.TrimPrefix(string(ref), "dns:"), " ")
		kind, _, _ = strings.Cut(kind, ":") // of pages and conversations
		kinds[kind]++
		sum.Write([]byte(ref + "\n"))
	}
	var b strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Fprintf(&b, " %d %s,", kinds[kind], kind)
	}
	return fmt.Sprintf("asked%s %08x", b.String(), sum.Sum32())
}

func roleFacts(p *page, e *gather.Evidence) {
	r := e.Role
	p.line("role %s: %s%s", r.Name, r.Why, marks("stated", r.Stated, "unproven", r.Unproven, "absent", r.Absent))
	if len(r.Could) > 0 {
		p.line("could %s", strings.Join(r.Could, " "))
	}
	v := e.Vantage
	for _, f := range []struct {
		name string
		gather.Reach
	}{{"IPv4", v.IPv4}, {"IPv6", v.IPv6}} {
		if f.Reach != (gather.Reach{}) {
			p.line("%s%s %s %s", f.name, marks("proven", f.Proven, "broken", f.Broken), f.Ref, f.Why)
		}
	}
	if v.Resolver != "" {
		p.line("resolver: %s %v%s", v.Resolver, v.ResolverRefs, marks("corroborated", v.Corroborated))
	}
	if w := e.Relay; true {
		p.line("relay: %s", cmp.Or(w.NotAsked, w.From+" to "+w.To))
		if w.Lost != "" || w.Weak != "" {
			p.line("%s %s", w.Lost, w.Weak)
		}
	}
}

func authorityFacts(p *page, e *gather.Evidence) {
	if a := e.Authority; a.Asked {
		p.line("authority of %s, for %s%s", a.Name, a.Ref, marks("parent answered", a.ParentAnswered, "unsure", a.Unsure, "all fail", a.AllFail(), "some answers", a.SomeAnswers(), "bogus", a.Bogus()))
		p.line("parent %s [%s] %s", a.Parent.Name, a.Parent.Ref, told(a.Parent.Answer))
		for _, s := range a.Servers {
			p.line("server %s [%s] %s", s.Name, s.Addr, told(s.Answer))
		}
		p.line("unasked %d, without address %v, unresolved %v, again %s, unchecked %s", a.Unasked, a.Addressless, a.Unresolved, told(a.Again.Answer), told(a.Unchecked.Answer))
	}
	for _, ref := range slices.Sorted(maps.Keys(e.Failures)) {
		p.line("failed %s: %s", ref, e.Failures[ref].Kind)
	}
}

// told sums up an answer.
func told(a wire.Answer) string {
	if a.Fail != nil {
		return a.Fail.Kind
	}
	return strings.TrimSpace(fmt.Sprintf("%s %d%s", strings.TrimPrefix(a.Rcode, "NO"), len(a.Answer), marks("aa", a.AA, "assumed", a.Assumed, "cut short", a.TCPFailed)))
}

func serverFacts(p *page, e *gather.Evidence) {
	n := e.Nameservers
	p.line("zone %s, %d names and %d more, %d addresses and %d more, %d unasked; %s", n.Zone, len(n.Names), n.More, len(n.Servers), n.MoreAddresses, n.Unasked(), n.NotAsked)
	for _, s := range n.Names {
		p.line("%s %s, %s", s.Name, told(s.A.Answer), told(s.AAAA.Answer))
	}
	for _, d := range n.Servers {
		p.line("%s %s; %s; %s; %s%s", d.Addr, told(d.SOA.Answer), told(d.MX.Answer), told(d.TXT.Answer), told(d.DMARC.Answer), marks("authoritative", d.Authoritative()))
	}
	s := e.Stray
	p.line("stray %s; %s; %s; %s", told(s.A.Answer), told(s.AAAA.Answer), told(s.MX.Answer), told(s.TXT.Answer))
}

func hostFacts(p *page, e *gather.Evidence) {
	p.line("MX%s, of %d", marks("null", e.MX.Null, "implicit", e.MX.Implicit), len(e.MX.Records))
	for _, h := range e.MX.Hosts {
		provider := ""
		if h.Provider != nil {
			provider = h.Provider.ID
		}
		p.line("%d %s %s; %s, %s; TXT %s", h.Pref, h.Name, provider, told(h.A), told(h.AAAA), told(h.TXT.Answer))
		for _, a := range h.Addrs {
			p.line("%s %s%s %s", a.IP, conversation(a), marks("not asked to relay", a.RelayNotAsked != ""), reversed(a.Reverse))
			if ref, ok := h.Confirmed(a.IP); ok {
				p.line("confirmed by %s", cmp.Or(string(ref), "assumption"))
			}
		}
		for _, s := range h.Outside {
			p.line("outside %s [%s] %s", s.Name, s.Addr, told(s.Answer))
		}
	}
}

// conversation sums one up.
func conversation(a gather.Address) string {
	if a.Ref == "" {
		return "no conversation"
	}
	text := fmt.Sprintf("%d exchanges", len(a.Session.Exchanges))
	if a.Session.Fail != nil {
		text += ", " + a.Session.Fail.Kind
	}
	return text
}

func reversed(r gather.Reverse) string {
	if r.Ref == "" {
		return "unnamed"
	}
	var names []string
	for _, n := range r.Names {
		names = append(names, n.Name+" "+told(n.Answer)+marks("back", n.Confirmed))
	}
	text := fmt.Sprintf("named %s %s%s", told(r.Answer), strings.Join(names, ", "), marks("confirmed", r.Confirmed(), "unknown", r.Unknown() != nil))
	if r.More() > 0 {
		text += fmt.Sprintf(" and %d more", r.More())
	}
	return text
}

func senderFacts(p *page, e *gather.Evidence) {
	for _, s := range e.Senders {
		p.line("sender %s (%s) %s", s.IP, s.Why, reversed(s.Reverse))
	}
	for _, v := range e.Evaluations.List {
		result := string(v.Counting.Result)
		if v.Hosts.Result != v.Counting.Result || v.Lenient.Result != v.Counting.Result {
			result += fmt.Sprintf(", %s, %s", v.Hosts.Result, v.Lenient.Result)
		}
		p.line("%s %s (%s): %s, %d refs", v.Kind, v.IP, v.Why, result, len(v.Refs))
	}
	for _, a := range e.Evaluations.Silent {
		p.line("silent %s", a.Ref)
	}
	if e.MoreSenders+e.Evaluations.More > 0 {
		p.line("more senders %d, evaluated %d", e.MoreSenders, e.Evaluations.More)
	}
}

func listFacts(p *page, e *gather.Evidence) {
	b := e.Blocklists
	p.line("lists %d, health %d; %s", len(b.Selection.Lists), len(b.Health), b.NotAsked)
	for _, h := range b.Health {
		if !h.Works() {
			p.line("%s %s %s", h.List.ID, h.State, h.Why)
		}
	}
	var alike page // addresses of which the same is known stand in one line
	last := ""
	for _, a := range b.Addresses {
		facts := fmt.Sprintf("%s %s%s: %s", a.Host, a.Why, marks("sends", a.Sends, "ranged", a.Ranged), states(a.Results))
		if facts != last && last != "" {
			p.line("%s%s", alike.String(), last)
			alike.Reset()
		}
		alike.WriteString(a.IP.String() + " ")
		last = facts
	}
	if last != "" {
		p.line("%s%s", alike.String(), last)
	}
	for _, n := range b.Names {
		p.line("%s: %s", n.Name, states(n.Results))
	}
	if more := fmt.Sprintln("wide", b.Wide, "special", b.Special, "more", b.More, b.MoreKnown, b.MoreHosts); more != "wide [] special [] more 0 0 0\n" {
		p.line("%s", strings.TrimSpace(more))
	}
}

// states counts equal ones in a row.
func states(results []dnsbl.Result) string {
	var b strings.Builder
	for i := 0; i < len(results); {
		n := 1
		for i+n < len(results) && results[i+n].State == results[i].State {
			n++
		}
		fmt.Fprintf(&b, "%d %s ", n, results[i].State)
		i += n
	}
	return b.String()
}

func nameFacts(p *page, e *gather.Evidence) {
	for _, s := range e.Subdomains {
		p.line("below %s: %s; %s; %s; %s; %s, %d SPF records, %d DMARC steps", s.Name, told(s.A.Answer), told(s.AAAA.Answer), told(s.MX.Answer), told(s.MTASTS.Answer), told(s.TLSRPT.Answer), len(s.SPF.Root.Records), len(s.DMARC.Steps))
	}
	for _, r := range e.Registrations {
		p.line("name %s%s %s", r.Name, marks("left", r.Left, "free", r.Unregistered()), told(r.Answer))
		for _, u := range r.Uses {
			p.line("of %s %s", u.Kind, u.Name)
		}
	}
	for _, d := range e.Dotless {
		provider := ""
		if d.Provider != nil {
			provider = d.Provider.ID
		}
		p.line("dot %s %s %s %s = %s + %s %s%s", d.Use, d.Owner, d.Type, d.Name, d.Meant, d.Zone, provider, marks("doubled", d.Doubled, "stands", d.Stands(), "lost", d.Lost(), "found", d.Found(), "nowhere", d.Nowhere()))
	}
	if e.DotlessMore > 0 {
		p.line("and %d more", e.DotlessMore)
	}
	for _, q := range e.Pointers {
		p.line("pointer %s to %s %s", q.Owner, q.Target, told(q.TXT.Answer))
	}
}

func keyFacts(p *page, e *gather.Evidence) {
	d := e.DKIM
	p.line("keys of %d selectors, %d more; base %s, control %s, old policies %d, ADSP %d", len(d.Selectors), e.MoreSelectors, told(d.Base.Answer), told(d.Control.Answer), len(d.OldPolicies), len(d.ADSPPolicies))
	for _, s := range d.Selectors {
		if len(s.Records)+len(s.Chain) == 0 && (s.Source == dkim.SourceCommon || s.Source == dkim.SourceProvider) && s.Answer.NXDomain() {
			continue
		}
		p.line("%s (%s %s) %s %v%s %s", s.Name, s.Source, s.Provider, told(s.Answer), s.Chain, marks("found", s.Found, "wildcard", s.Wildcard, "dangling", s.Dangling, "named", s.Named(), "missing", s.Missing()), s.Invalid)
		for _, r := range s.Records {
			p.line("%s %d problems%s", r.Key.Type, len(r.Key.Problems), marks("usable", r.Key.Usable(), "revoked", r.Key.Revoked()))
		}
	}
}

// marks names those of some conditions that hold: name, condition, name, condition.
func marks(pairs ...any) string {
	var out strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1].(bool) {
			out.WriteString(", " + pairs[i].(string))
		}
	}
	return out.String()
}

// proposalsOf gives each proposed fix whole.
func proposalsOf(e *gather.Evidence, results []checks.Result) []string {
	var out []string
	for _, f := range fix.Propose(e, results) {
		out = append(out, proposed(f))
	}
	return out
}

func proposed(f fix.Fix) string {
	var p page
	p.line("%s %s %s: %s%s", f.ID, f.Safety, f.Effort, f.Title, marks("record", f.Record()))
	for _, c := range f.Claims {
		p.line("claims %s %s %s", c.Rule, c.Subject, c.Key)
	}
	changes := func(all []zone.Change) {
		for _, c := range all {
			for _, data := range c.Remove {
				p.line("- %s %s %s", c.Owner, c.Type, data)
			}
			for _, data := range c.Add {
				p.line("+ %s %d %s %s", c.Owner, c.TTL, c.Type, data)
			}
		}
	}
	changes(f.Changes)
	for _, s := range f.Steps {
		first, rest := s.Lines()
		p.line("step %s", first)
		for _, line := range rest {
			p.line("| %s", line)
		}
	}
	if f.Needs != "" {
		p.line("needs %s", f.Needs)
	}
	if !f.Undo.Empty() {
		p.line("undo in %d s: %s", f.VisibleWithin, f.Undo)
	}
	for _, s := range f.Next {
		p.line("then, when %s%s", s.When, marks("untried", s.Untried))
		changes(s.Changes)
	}
	return p.String()
}

// headOf gives the three answers, the score, and what it is made of.
func headOf(e *gather.Evidence, results []checks.Result, rubric *report.Rubric) []string {
	d := report.Build(e, results, rubric)
	var out []string
	for _, a := range d.Answers {
		out = append(out, fmt.Sprintf("%s %s %s%s\nby %s; open %s; %s", a.ID, a.Answer, a.Text, suffixed(" ", a.Direction), strings.Join(a.Rules, " "), strings.Join(a.NotChecked, ", "), strings.Join(a.Policies, ", ")))
	}
	s := d.Score
	var p page
	p.line("score %s %s, %d to %d, %s to %s%s, coverage %d, raw %v to %v %v", cmp.Or(s.Range(), "-"), cmp.Or(s.Grade(), "-"), s.Low, s.High, s.LetterLow, s.LetterHigh, marks("provisional", s.Provisional), s.Coverage, s.RawLow, s.Raw, s.Suffix)
	if s.Why != "" {
		p.line("since %s", s.Why)
	}
	for i, c := range s.Caps {
		p.line("cap %d %s %s: %s%s", c.At, c.Rule, c.Words, c.Why, marks("decides", i == 0 && s.Cap != nil))
	}
	out = append(out, p.String())
	for _, a := range d.Areas {
		var p page
		p.line("%s %s to %s of %d, %s, %d %d %d %d %d", a.ID, points(a.PointsLow), points(a.Points), a.Budget, cmp.Or(a.Worst, "nothing"), a.Passed, a.Failed, a.Unknown, a.NotAsked, a.NotApplicable)
		for _, c := range a.Costs {
			p.line("%s %s %v of %v%s", c.Rule, c.Severity, c.Points, c.Alone, marks("whole", c.Whole))
		}
		out = append(out, p.String())
	}
	return out
}

func points(p *report.Points) string {
	if p == nil {
		return "-"
	}
	return fmt.Sprint(*p)
}

func suffixed(before, text string) string {
	if text == "" {
		return ""
	}
	return before + "(" + text + ")"
}
