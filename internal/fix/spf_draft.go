package fix

import (
	"net/netip"
	"slices"
	"strings"

	"mxvet/internal/paste"
	"mxvet/internal/spf"
)

// A spfDraft is an SPF record being put in order.
type spfDraft struct {
	c    *composer
	node *spf.Node
	bold bool // also what may break mail

	terms   []string // mechanisms before the end
	tail    []string // modifiers behind it
	kept    []*spf.Step
	end     byte // qualifier of all; 0 where there is none
	target  string
	dropped []reason // what was left out
	lookups int      // of the draft, where they can be told; 0 otherwise
	unread  []string // terms of which nobody can tell what they were meant as
	needs   []string // evidence for what may break mail
	text    string
	eased   bool // it ends in ~all for now, in the place of -all

	covered map[*spf.Step]bool // terms that let nobody pass whom another does not
	full    bool               // no lookups are left for terms that are not reached today
}

// A reason is why some terms were left out.
type reason struct {
	why   string
	terms []string
}

// spfDraft writes the record of a node anew.
func (c *composer) spfDraft(n *spf.Node, bold bool) *spfDraft {
	d := &spfDraft{c: c, node: n, bold: bold, covered: coveredTerms(c.e.SPF)}
	switch records := n.Records; {
	case len(records) == 1:
		d.full = c.e.SPF.Lookups+behindAll(&records[0]) > spf.MaxLookups
		d.read(&records[0], n.Steps)
		if n.Record != nil && n == c.e.SPF.Root {
			d.lookups = c.e.SPF.Lookups
			for i := range n.Steps {
				if s := &n.Steps[i]; s.Runs() && s.Cost > 0 && !slices.Contains(d.kept, s) {
					d.lookups -= s.Subtree
				}
			}
			d.flatten()
		}
	case len(records) > 1:
		d.merge(records)
	default:
		d.read(c.spfMeant(), nil)
	}
	d.addSenders()
	d.finish()
	return d
}

// coveredTerms gives the terms of the domain all of whose networks another of its
// terms lets pass, one that names networks itself: where names lead may change.
func coveredTerms(t *spf.Tree) map[*spf.Step]bool {
	held := map[*spf.Step]map[netip.Prefix]bool{}
	for _, c := range t.Covered() {
		if c.By.Node.Included() || c.By.Step.Term.Kind.Asks() {
			continue
		}
		if held[c.Network.Step] == nil {
			held[c.Network.Step] = map[netip.Prefix]bool{}
		}
		held[c.Network.Step][c.Network.Prefix] = true
	}
	out := map[*spf.Step]bool{}
	for n, s := range t.Steps() {
		if n.Included() || s.Term.Qualifier != spf.Pass || len(s.Nets) == 0 {
			continue
		}
		out[s] = !slices.ContainsFunc(s.Nets, func(p netip.Prefix) bool { return !held[s][p] })
	}
	return out
}

// behindAll gives the lookups, at least, of the terms that stand behind all.
func behindAll(r *spf.Record) int {
	n := 0
	for _, t := range r.Terms {
		if t.Kind.Asks() && slices.ContainsFunc(t.Problems, func(p spf.Problem) bool { return p.Code == spf.CodeAfterAll }) {
			n++
			if t.Kind == spf.KindInclude { // what is behind it was not asked
				n++
			}
		}
	}
	return n
}

// merge puts the terms of several records into one, in their order, with the
// mildest end.
func (d *spfDraft) merge(records []spf.Record) {
	end, some := byte(0), false
	for i := range records {
		d.end, d.target = 0, ""
		d.read(&records[i], nil)
		if d.target != "" { // beside other terms a redirect can only be an include, whose end is not known here
			d.add("include:" + d.target)
			d.end = spf.Softfail
		}
		if !some || milder(d.end, end) {
			end, some = d.end, true
		}
	}
	d.end, d.target = end, ""
}

// milder orders ends of a record: none and neutral, softfail, fail. That of a
// record which lets everybody send counts as softfail, since none of several
// records is in force.
func milder(a, b byte) bool {
	rank := func(q byte) int { return slices.Index([]byte{0, spf.Neutral, spf.Pass, spf.Softfail, spf.Fail}, q) }
	return rank(a) < rank(b)
}

// read takes over the terms of a record, corrected.
func (d *spfDraft) read(r *spf.Record, steps []spf.Step) {
	for i := range r.Terms {
		t := &r.Terms[i]
		var step *spf.Step
		if i < len(steps) {
			step = &steps[i]
		}
		if why := d.unwanted(t, step, i); why != "" {
			d.drop(t.Text, why)
			continue
		}
		for j, text := range corrected(*t) {
			u := spf.Parse("v=spf1 " + text).Terms[0]
			if j > 0 {
				step = nil
			}
			d.take(&u, step, r)
		}
	}
}

// take puts one sound term in its place.
func (d *spfDraft) take(t *spf.Term, step *spf.Step, r *spf.Record) {
	switch t.Kind {
	case spf.KindAll:
		if d.end == 0 {
			d.end = t.Qualifier
		}
	case spf.KindRedirect:
		if r.All() < 0 && d.target == "" {
			d.target = t.Spec.Raw
			d.keep(step)
		}
	case spf.KindExp, spf.KindModifier:
		if !slices.Contains(d.tail, t.String()) {
			d.tail = append(d.tail, t.String())
		}
	case spf.KindPTR:
		if d.bold {
			d.drop(t.Text, "slow, and many receivers skip it")
			d.need("that no sender passes by its host name alone (ptr)")
			return
		}
		d.add(t.String())
		d.keep(step)
	default:
		d.add(t.String())
		d.keep(step)
	}
}

// addSenders lets those pass of whom the operator says that they send.
func (d *spfDraft) addSenders() {
	for _, v := range d.c.failing(senderNotPassed) {
		if ip, err := netip.ParseAddr(v.Subject); err == nil {
			d.add(networkTerm(netip.PrefixFrom(ip, ip.BitLen())))
		}
	}
}

// passes reports whether the draft lets anybody pass.
func (d *spfDraft) passes() bool {
	return d.target != "" || d.end == spf.Pass || slices.ContainsFunc(d.terms, func(t string) bool {
		return strings.IndexByte("-~?", t[0]) < 0
	})
}

func (d *spfDraft) add(term string) {
	if !slices.Contains(d.terms, term) {
		d.terms = append(d.terms, term)
	}
}

func (d *spfDraft) keep(s *spf.Step) {
	if s != nil {
		d.kept = append(d.kept, s)
	}
}

func (d *spfDraft) drop(term, why string) {
	i := slices.IndexFunc(d.dropped, func(r reason) bool { return r.why == why })
	if i < 0 {
		i = len(d.dropped)
		d.dropped = append(d.dropped, reason{why: why})
	}
	if term = clip(term); !slices.Contains(d.dropped[i].terms, term) {
		d.dropped[i].terms = append(d.dropped[i].terms, term)
	}
}

func (d *spfDraft) need(what string) {
	if !slices.Contains(d.needs, what) {
		d.needs = append(d.needs, what)
	}
}

// flatten replaces a and mx terms of the organization by the addresses that they
// have today, as many as it takes to come under the limit of lookups.
func (d *spfDraft) flatten() {
	if !d.bold {
		return
	}
	for _, s := range d.kept {
		if d.lookups <= spf.MaxLookups {
			return
		}
		kind := s.Term.Kind
		if kind != spf.KindA && kind != spf.KindMX || s.Dynamic || !s.Runs() || len(s.Nets) == 0 || s.TooMany > 0 ||
			!d.c.ours(s.Target) || len(s.Nets) > 8 || d.silent(s) {
			continue
		}
		i := slices.Index(d.terms, s.Term.String())
		if i < 0 {
			continue
		}
		var nets []string
		for _, p := range s.Nets {
			term := networkTerm(p)
			if s.Term.Qualifier != spf.Pass {
				term = string(s.Term.Qualifier) + term
			}
			if !slices.Contains(nets, term) && !slices.Contains(d.terms, term) {
				nets = append(nets, term)
			}
		}
		slices.Sort(nets)
		d.terms = slices.Replace(d.terms, i, i+1, nets...)
		d.lookups -= s.Subtree
		d.drop(s.Term.Text, "written as its addresses of today: they must follow when those change")
		d.need("that somebody keeps the addresses in the record up to date")
	}
}

// networkTerm writes a network as a term.
func networkTerm(p netip.Prefix) string {
	kind := "ip6:"
	if p.Addr().Is4() {
		kind = "ip4:"
	}
	if p.IsSingleIP() {
		return kind + p.Addr().String()
	}
	return kind + p.String()
}

// silent reports that some lookup behind a term failed.
func (d *spfDraft) silent(s *spf.Step) bool {
	return slices.ContainsFunc(d.c.e.SPF.TempErrors, func(f spf.Failure) bool { return f.At == s.At })
}

// finish settles the end and writes the text.
func (d *spfDraft) finish() {
	if d.c.spfVoid() && !d.bold && d.end == spf.Fail && d.c.sends() { // -all was never applied, and may refuse who is not named
		d.end, d.eased = spf.Softfail, true
	}
	switch {
	case d.target != "" && d.end == 0:
	case d.bold && (d.end == 0 || d.end == spf.Neutral || d.end == spf.Pass):
		if d.end == spf.Pass {
			d.need("that the record names every sender: +all let everybody pass")
		} else {
			d.need(spfEvidence)
		}
		d.end = spf.Softfail
	}
	if d.end == spf.Pass && len(d.node.Records) > 1 {
		d.end = spf.Softfail
	}
	parts := append([]string{"v=spf1"}, d.terms...)
	switch {
	case d.end == spf.Pass:
		parts = append(parts, "+all")
	case d.end != 0:
		parts = append(parts, string(d.end)+"all")
	case d.target != "":
		parts = append(parts, "redirect="+d.target)
	}
	d.text = strings.Join(append(parts, d.tail...), " ")
}

// notes tells what was left out.
func (d *spfDraft) notes() []Step {
	var parts []paste.Text
	for _, r := range d.dropped {
		parts = append(parts, paste.Words("%s (%s)", paste.Shown(strings.Join(r.terms, ", ")), paste.Shown(r.why)))
	}
	if len(parts) == 0 {
		return nil
	}
	return []Step{paste.Words("Left out: %s.", paste.Join(parts, "; "))}
}

// record gives a text as the line of zone text that takes the place of the node's.
func (d *spfDraft) record(text string) paste.Text {
	return paste.Record(d.node.Owner, int(ttlFor(d.node.TXT.Answer, "TXT")), "TXT", Quote(text))
}

// clears leaves out the claims that the draft cannot meet.
func (d *spfDraft) clears(c *composer, claims []Claim) []Claim {
	return slices.DeleteFunc(claims, func(claim Claim) bool {
		key, _, _ := strings.Cut(claim.Key, " in ")
		switch claim.Rule {
		case "spf-lookup-limit":
			return d.lookups > spf.MaxLookups
		case "spf-lookup-near":
			return d.lookups == 0 || d.lookups >= spf.MaxLookups-1
		case "spf-void", "spf-void-limit":
			return c.e.SPF.Root.Record == nil || !slices.ContainsFunc(d.node.Record.Terms, func(t spf.Term) bool {
				return c.fails("spf-never-matches", clip(t.Text)) && count(d.text, t.Text) == 0
			})
		case senderNotPassed:
			return false
		case "spf-record-missing", "spf-record-multiple", "spf-type99", "spf-version-broken", "dns-txt-quoting", "spf-after-all":
			return false
		case "spf-include-broken", "spf-loop":
			return strings.Contains(d.text+" ", ":"+key+" ")
		}
		return claim.Key != "" && count(d.text, key) >= max(1, count(textOf(d.node), key))
	})
}

// count gives how often a term stands in a record.
func count(text, term string) int {
	n := 0
	for f := range strings.FieldsSeq(text) {
		if f == term {
			n++
		}
	}
	return n
}

// clip shortens a term as the rules do in the keys of their verdicts.
func clip(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
