package fix

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"mxvet/checks"
	"mxvet/internal/dkim"
	"mxvet/internal/dmarc"
	"mxvet/internal/gather"
	"mxvet/internal/paste"
	"mxvet/internal/zone"
)

// What to wait for. RFC 9989 section 7.4 asks for a month at none and as long at
// quarantine, and tells domains whose users may post to mailing lists to stay
// there: reject is for those who keep off lists, or accept what lists do then.
const (
	aMonth       = "a month of DMARC reports with all your own mail passing"
	whenMonth    = "a month of DMARC reports shows all your own mail passing"
	whenQuiet    = "another month of reports, at quarantine, shows no loss"
	onLists      = "nobody of the domain posts to mailing lists, or all who do were told that lists may drop them"
	neverApplied = "until now no receiver applied this policy: "
	lostToday    = "that the domain's own mail passes SPF or DKIM: none can today, and this policy has it refused; until then, p=none keeps it"
)

// dmarc proposes the DMARC record at the domain's own name.
func (c *composer) dmarc() (Fix, bool) {
	d := c.e.DMARC
	own := d.Own()
	if own == nil || own.Failed() || len(c.claims(DMARCRecord, own.Name, true)) == 0 {
		return Fix{}, false
	}
	place, ok := c.placeOf(own.Asked, own.Dangling())
	published := c.dmarcPublished()
	if len(published) == 0 && c.dmarcInherited() != nil {
		return Fix{}, false // the record of a name above: its own audit proposes
	}
	if slices.ContainsFunc(published, func(r dmarc.Record) bool { return !r.Whole() }) {
		return Fix{}, false // what was not read would be lost
	}
	if !ok {
		return c.elsewhere(DMARCRecord, "correct the DMARC record", own.Asked, own.Chain), true
	}
	return c.dmarcStages(place, published)
}

// dmarcInherited gives the record of a name above that applies to the domain.
func (c *composer) dmarcInherited() *dmarc.Record {
	if a := applied(c.e); a.At != c.e.Domain {
		return a.Record
	}
	return nil
}

// dmarcPublished gives the texts that were meant as the domain's DMARC record:
// those at its name, else those where nobody looks.
func (c *composer) dmarcPublished() []dmarc.Record {
	d := c.e.DMARC
	own := d.Own()
	for _, list := range [][]dmarc.Record{own.Records, own.Others, d.Apex.Records, d.Doubled.Records} {
		var out []dmarc.Record
		for _, r := range list {
			if meantAsDMARC(r) {
				out = append(out, r)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// meantAsDMARC leaves out proofs of ownership that only name the protocol.
func meantAsDMARC(r dmarc.Record) bool {
	return r.Valid || r.Has("p") || r.Has("rua") || strings.Contains(strings.ToLower(r.Text), "dmarc1")
}

// A dmarcPlan is what the record could say, step by step.
type dmarcPlan struct {
	c         *composer
	place     site
	published []dmarc.Record
	safe      dmarcDraft // corrected, with the policy that was published
	address   string     // put in because no other address for reports works
	missing   bool       // an address for reports is needed and unknown
}

// dmarcStages proposes a record and what may follow it.
func (c *composer) dmarcStages(place site, published []dmarc.Record) (Fix, bool) {
	p := dmarcPlan{c: c, place: place, published: published}
	p.correct()
	own := c.e.DMARC.Own()
	all := c.claims(DMARCRecord, own.Name, true)
	claims := c.claims(DMARCRecord, own.Name, false)
	if p.missing {
		if p.strengthened() {
			p.soften()
		}
		return p.ask(all)
	}
	if c.noMail() {
		f := p.fix(p.nobody(), all)
		f.Title, f.Safety = "have all mail that claims to be from the domain refused", SafeNow
		if names := c.mailBelow(); len(names) > 0 && p.safe.org {
			f.Safety, f.Needs = NeedsEvidence, "that mail of "+someNames(names)+" passes SPF or DKIM: these names take this policy, unless they have DMARC records of their own"
		}
		return f, true
	}

	meant := p.safe
	if p.strengthened() && (!p.reported() || p.safe.p == dmarc.None) {
		p.soften()
	}
	bold, subdomains := p.bold()
	evidence, seen := aMonth, whenMonth
	if names := c.mailBelow(); len(names) > 0 && bold.sp == "" && bold.org {
		evidence, seen = evidence+", that of "+someNames(names)+" too", seen+", that of "+someNames(names)+" too"
	} else if subdomains {
		evidence, seen = evidence+", that of subdomains too", seen+", that of subdomains too"
	}
	unsigned := checks.Unsigned(c.e)
	if unsigned && c.e.Role.Sends() { // SPF alone fails for forwarded mail
		evidence, seen = "DKIM signatures on all mail, then "+evidence, "all mail is signed with DKIM, and then "+seen
	}
	if p.unread() {
		evidence = "that the reports arrive, which mail to the domain does not today, then " + evidence
	}
	quiet := whenQuiet
	if c.hasUsers() {
		quiet = onLists + ", and " + whenQuiet
		if bold.p == dmarc.Reject {
			evidence, seen = evidence+", and that "+onLists, seen+", and "+onLists
		}
	}
	raised := p.safe.p == dmarc.None
	if !raised && bold.String() == p.safe.String() {
		claims = all // nothing holds the policy back but slips
	}
	if raised {
		bold.p = dmarc.Quarantine
	}
	steps := []dmarcDraft{bold}
	if raised && !unsigned {
		reject := bold
		reject.p = dmarc.Reject
		steps = append(steps, reject)
	}
	var more []Claim
	for _, claim := range all {
		if !slices.Contains(claims, claim) {
			more = append(more, claim)
		}
	}
	current := ""
	if len(published) == 1 {
		current = published[0].Text
	}
	changed := p.safe.String() != current || len(own.Records) != 1 || slices.ContainsFunc(own.Others, meantAsDMARC)
	// A first step without risk is worth it where it mends as much as the rest, or
	// where the evidence for the rest can only come after it.
	worthIt := len(claims) > 0 && !c.worst(more).Worse(c.worst(claims))
	staged := changed && (len(more) == 0 || worthIt || !p.reported() || raised && !c.mailPasses())
	if staged {
		f := p.fix(p.safe, claims)
		f.Title, f.Safety = p.title(), SafeNow
		switch {
		case p.strengthened():
			f.Safety, f.Needs = NeedsEvidence, neverApplied+evidence
		case p.disputed():
			f.Safety, f.Needs = NeedsEvidence, "that all your own mail passes SPF or DKIM: a tag stands twice, so that some receivers apply no policy today, and all will apply this one"
		case !raised && !p.safe.testing && !c.mailPasses():
			f.Safety, f.Needs = NeedsEvidence, lostToday
		case !raised && !p.safe.testing && c.mailUnknown():
			f.Safety, f.Needs = NeedsEvidence, "that the domain's own mail passes SPF or DKIM: what SPF says could not all be looked up, and no key is known"
		}
		for _, left := range meant.beyond(p.safe) {
			f.Steps = append(f.Steps, paste.Words("It begins at p=%s, which sends reports and refuses nothing: "+neverApplied+"%s.", string(p.safe.p), left))
		}
		if raised || len(more) > 0 {
			f.Next = p.next(append([]dmarcDraft{p.safe}, steps...), seen, quiet)
		}
		if unsigned && len(f.Next) > 0 {
			f.Next[0].Untried = true
		}
		return f, true
	}
	if len(more) == 0 || raised && !c.mailPasses() {
		return Fix{}, false
	}
	f := p.fix(bold, all)
	f.Safety, f.Needs = NeedsEvidence, evidence
	f.Title = "apply the DMARC policy in full"
	if raised {
		f.Title = "ask receivers to act on forged mail"
		f.Next = p.next(steps, quiet)
	}
	return f, true
}

// soften takes the draft back to the policy in force, for a record that asks for
// reports and for nothing that was never applied: what that would lose is seen in
// the reports, and only then.
func (p *dmarcPlan) soften() {
	d := &p.safe
	d.p = inForce(p.c.e.DMARC.Walk.Domain)
	d.testing, d.percent = false, ""
	if d.p == dmarc.None {
		d.sp, d.np = "", ""
	}
}

// hasUsers reports whether people may write from the domain, and so to mailing
// lists. A domain that only sends, or only receives, has machines.
func (c *composer) hasUsers() bool { return c.e.Role.Name == gather.Full }

// title says what the corrected record is.
func (p *dmarcPlan) title() string {
	own := p.c.e.DMARC.Own()
	switch {
	case len(p.published) == 0:
		return "publish a DMARC record that collects reports"
	case len(own.Records)+len(own.Others) == 0:
		return "move the DMARC record to where receivers look"
	case len(p.published) > 1:
		return fmt.Sprintf("make one of the %d DMARC records", len(p.published))
	}
	return "correct the DMARC record"
}

// fix gives the fix that publishes a draft.
func (p *dmarcPlan) fix(d dmarcDraft, claims []Claim) Fix {
	e := p.c.e
	own := e.DMARC.Own()
	var old []string
	for _, r := range slices.Concat(own.Records, own.Others) {
		if meantAsDMARC(r) {
			old = append(old, r.Text)
		}
	}
	f := Fix{
		ID: DMARCRecord, Claims: claims, Effort: LowEffort, Steps: p.safe.notes,
		Changes: p.place.publish(own.Answer, old, d.String()), VisibleWithin: visible(own.Answer, "TXT"),
	}
	for _, stray := range []dmarc.Place{e.DMARC.Doubled, e.DMARC.Apex} {
		var texts []string
		for _, r := range stray.Records {
			texts = append(texts, r.Text)
		}
		if ch := removal(stray.Asked, texts...); len(ch.Remove) > 0 && ch.Owner != f.Changes[0].Owner {
			f.Changes = append(f.Changes, ch)
		}
	}
	return f
}

// next gives the stages from draft to draft.
func (p *dmarcPlan) next(drafts []dmarcDraft, when ...string) []Stage {
	var out []Stage
	for i := 1; i < len(drafts); i++ {
		from, to := Quote(drafts[i-1].String()), Quote(drafts[i].String())
		if from == to {
			continue
		}
		out = append(out, Stage{When: when[i-1], Changes: []zone.Change{{
			Owner: p.place.owner, Type: "TXT", Remove: []string{from}, Add: []string{to}, TTL: p.place.ttl,
		}}})
	}
	return out
}

// ask proposes the record with a blank for the address that only the operator
// knows.
func (p *dmarcPlan) ask(claims []Claim) (Fix, bool) {
	d := p.safe
	d.rua = []string{"mailto:ADDRESS"}
	f := Fix{
		ID: DMARCRecord, Title: p.title(), Claims: claims, Effort: LowEffort, Safety: NeedsInput,
		Needs: "a mailbox for the reports" + p.c.noMailbox(),
		Steps: []Step{
			paste.Words("Choose a mailbox, or a service that reads the reports. If it is in another domain, that domain must agree with this record:\n%s",
				paste.Record(p.c.e.Domain+"._report._dmarc.OTHER-DOMAIN", -1, "TXT", `"v=DMARC1"`)),
			paste.Words("Publish:\n%s", p.record(d)),
		},
	}
	later, _ := p.bold()
	if later.rua = d.rua; later.p == dmarc.None {
		later.p = dmarc.Quarantine
	}
	if later.String() != d.String() {
		when := paste.Words(whenMonth)
		if checks.Unsigned(p.c.e) && p.c.e.Role.Sends() {
			when = paste.Words("all mail is signed with DKIM, and " + whenMonth)
		}
		f.Steps = append(f.Steps, paste.Words("Once %s, publish in its place:\n%s", when, p.record(later)))
	}
	return f, true
}

// record gives the line of zone text of a draft.
func (p *dmarcPlan) record(d dmarcDraft) paste.Text {
	return paste.Record(p.place.owner, int(p.place.ttl), "TXT", Quote(d.String()))
}

// nobody gives the draft for a domain without mail.
func (p *dmarcPlan) nobody() dmarcDraft {
	d := p.safe
	d.p, d.testing, d.percent = dmarc.Reject, false, ""
	d.rua = slices.DeleteFunc(slices.Clone(d.rua), func(s string) bool { return strings.HasSuffix(unlimited(s), "@"+p.c.e.Domain) })
	if d.org {
		d.sp, d.np = dmarc.Reject, dmarc.Reject
	}
	return d
}

// strengthened reports that the corrected record asks for more than receivers
// apply today, to the domain, to a name below it or to one that does not exist, so
// that mail may be lost which is delivered now.
func (p *dmarcPlan) strengthened() bool {
	d, now := p.safe, p.c.e.DMARC.Walk
	if d.p.Strength() > inForce(now.Domain).Strength() {
		return true
	}
	if !d.org || d.testing || d.percent == "0" {
		return false
	}
	sp := cmp.Or(d.sp, d.p)
	np := cmp.Or(d.np, sp)
	return sp.Strength() > inForce(now.Subdomain).Strength() || np.Strength() > inForce(now.NonExistent).Strength()
}

// disputed reports that the corrected record asks for a policy of which some
// receivers know nothing today, because one of its tags is repeated.
func (p *dmarcPlan) disputed() bool {
	enforces := p.safe.p != dmarc.None || p.safe.org && p.safe.sp.Strength() > dmarc.None.Strength()
	return enforces && !p.safe.testing && slices.ContainsFunc([]string{"p", "sp", "t", "pct", "v"}, func(tag string) bool {
		return p.c.fails("dmarc-syntax", "duplicate "+tag)
	})
}

// inForce gives the policy that receivers apply today, some of them where the
// record says t=y, which older ones do not know.
func inForce(a dmarc.Applied) dmarc.Policy {
	switch {
	case a.Record == nil || a.Policy == "":
		return dmarc.None
	case a.Demoted:
		return a.Asked
	}
	return a.Policy
}

// unread reports that the record asks for reports only at the domain itself, where
// no mail arrives today.
func (p *dmarcPlan) unread() bool {
	own := p.c.e.DMARC.Own()
	return p.c.mailDead() && len(own.Records) == 1 && len(own.Records[0].RUA) > 0 &&
		!slices.ContainsFunc(own.Records[0].RUA, func(u dmarc.URI) bool { return u.Host != p.c.e.Domain })
}

// reported reports whether reports come today, so that there can be evidence.
func (p *dmarcPlan) reported() bool {
	own := p.c.e.DMARC.Own()
	return len(own.Records) == 1 && slices.ContainsFunc(own.Records[0].RUA, p.works) && !p.unread()
}

// mailUnknown reports that a failed lookup keeps it open whether mail of the domain
// can pass DMARC.
func (c *composer) mailUnknown() bool {
	_, known := c.e.SPF.Authorises()
	return !known && c.sends() && !slices.ContainsFunc(c.e.DKIM.Selectors, dkim.Selector.Usable)
}

// mailPasses reports whether mail of the domain can pass DMARC at all, as far as
// is known: without SPF and DKIM, enforcement loses all of it.
func (c *composer) mailPasses() bool {
	if some, known := c.e.SPF.Authorises(); (some || !known) && len(c.e.SPF.PermErrors) == 0 {
		return true
	}
	return slices.ContainsFunc(c.e.DKIM.Selectors, dkim.Selector.Usable) || !c.sends()
}
