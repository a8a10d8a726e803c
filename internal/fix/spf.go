package fix

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"mxvet/checks"
	"mxvet/internal/dmarc"
	"mxvet/internal/gather"
	"mxvet/internal/paste"
	"mxvet/internal/provider"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

const (
	nobodySends = "v=spf1 -all"
	spfEvidence = "that a month of DMARC reports names no sender of yours outside the record"
	mendMXFirst = "that the MX records are mended: this record says mx, and they lead nowhere today"

	// senderNotPassed is the rule about senders that the operator named.
	senderNotPassed = "spf-sender-not-passed"
)

// spf proposes the SPF record.
func (c *composer) spf() (Fix, bool) {
	n := c.spfNode()
	if n == nil || len(c.claims(SPFRecord, c.e.Domain, true)) == 0 {
		return Fix{}, false
	}
	root := c.e.SPF.Root
	switch {
	case c.noMail():
		return c.spfNobody()
	case len(root.Records) == 0 && c.spfMeant() == nil:
		return c.spfMissing()
	}
	return c.spfRewrite(n)
}

// spfNode gives the record to work on: the domain's own or, where that only
// redirects within the organization, the one that it leads to. It is nil where
// the record is not known, or stands at a name of somebody else.
func (c *composer) spfNode() *spf.Node {
	n := c.e.SPF.Root
	if n.TXT.Ref == "" || !n.TXT.Usable() {
		return nil
	}
	for range 5 {
		i := onlyRedirect(n)
		if i < 0 {
			break
		}
		child := n.Steps[i].Child
		if child == nil || child.Record == nil || !c.ours(child.Owner) {
			break
		}
		n = child
	}
	if slices.ContainsFunc(n.Records, func(r spf.Record) bool { return !r.Whole() }) {
		return nil // what was not read would be lost
	}
	if len(n.TXT.Answer.Chain(n.Owner)) > 0 {
		return nil // whoever holds the alias's target writes the record
	}
	return n
}

// onlyRedirect gives the index of the redirect in a sound record that does
// nothing else; -1 otherwise.
func onlyRedirect(n *spf.Node) int {
	if n.Record == nil || len(n.Record.Problems) > 0 || len(n.Steps) == 0 {
		return -1
	}
	for _, t := range n.Record.Terms {
		if t.Kind.Mechanism() {
			return -1
		}
	}
	return n.Record.Redirect()
}

// ours reports whether a name belongs to the domain's organization.
func (c *composer) ours(name string) bool {
	org := c.e.Suffixes.OrgDomain(c.e.Domain, false)
	return org != "" && below(name, org)
}

// spfNobody proposes the record of a domain that sends no mail.
func (c *composer) spfNobody() (Fix, bool) {
	f := c.spfFix(c.e.SPF.Root, nobodySends)
	f.Title = "say that nobody sends for the domain"
	f.Claims = c.claims(SPFRecord, c.e.Domain, true)
	f.Safety = SafeNow
	if c.spfNamesSenders() {
		f.Safety, f.Needs = NeedsEvidence, "that nobody sends for the domain: the record there now names senders"
	}
	return f, true
}

// spfMissing proposes a first record with the senders that are known here: the
// domain's own mail hosts, and the providers that its MX and DKIM records name.
func (c *composer) spfMissing() (Fix, bool) {
	var terms []string
	add := func(t string) {
		if !slices.Contains(terms, t) {
			terms = append(terms, t)
		}
	}
	table := provider.Default()
	for _, h := range c.e.MX.Hosts {
		p := table.ByMX(h.Name)
		switch {
		case p == nil && !c.e.MX.Implicit && len(h.Addrs) > 0:
			add("mx")
		case p == nil && c.e.MX.Implicit && c.someHostAnswers(): // a web host alone sends nothing
			add("a")
		case p != nil && p.Kind == provider.KindMailbox && len(p.SPF) > 0:
			add("include:" + ownRange(p, h.Name))
		}
	}
	for _, s := range c.e.DKIM.Selectors {
		if len(s.Chain) == 0 || !s.Found {
			continue
		}
		if p := table.ByDKIMTarget(s.Chain[len(s.Chain)-1]); p != nil && len(p.SPF) > 0 {
			add("include:" + ownRange(p, s.Chain[len(s.Chain)-1]))
		}
	}
	claims := c.claims(SPFRecord, c.e.Domain, false)
	if len(terms) == 0 {
		return Fix{
			ID: SPFRecord, Title: "publish an SPF record", Claims: claims, Effort: MediumEffort, Safety: NeedsInput,
			Needs: "the servers and services that send for the domain",
			Steps: []Step{
				paste.Words("List all that send mail with the domain as sender: mail server, newsletter, shop, ticket system, printers. Nothing seen from outside tells."),
				paste.Words("Publish one TXT record at %s with an include: or ip4: for each, for example:\nv=spf1 include:spf.PROVIDER ip4:ADDRESS ~all", c.e.Domain),
			},
		}, true
	}
	f := c.spfFix(c.e.SPF.Root, "v=spf1 "+strings.Join(terms, " ")+" ~all")
	f.Title = "publish an SPF record with the senders that are known"
	f.Claims = claims
	if p := inForce(c.e.DMARC.Walk.Domain); p.Strength() > dmarc.None.Strength() && checks.Unsigned(c.e) && !c.mailPasses() {
		f.Safety = SafeNow
		f.Steps = []Step{paste.Words("Nothing of the domain passes SPF or DKIM today, and its DMARC policy asks for %s: this record can only help. Add all else that sends; DMARC reports name it.", string(p))}
		return f, true
	}
	f.Safety, f.Needs = NeedsEvidence, "that nothing else sends for the domain; DMARC reports name the rest"
	return f, true
}

// ownRange gives the name by which a provider's customers include its ranges:
// that in the same domain as the host, where it has one for each region.
func ownRange(p *provider.Provider, host string) string {
	labels := strings.Split(host, ".")
	for i := range len(labels) - 1 {
		if parent := strings.Join(labels[i:], "."); slices.Contains(p.SPF, parent) {
			return parent
		}
	}
	return p.SPF[0]
}

// spfRewrite proposes the record in order.
func (c *composer) spfRewrite(n *spf.Node) (Fix, bool) {
	safe, bold := c.spfDraft(n, false), c.spfDraft(n, true)
	safeClaims := safe.clears(c, c.claims(SPFRecord, c.e.Domain, false))
	boldClaims := bold.clears(c, c.claims(SPFRecord, c.e.Domain, true))
	var more []Claim
	for _, claim := range boldClaims {
		if !slices.Contains(safeClaims, claim) {
			more = append(more, claim)
		}
	}
	if len(bold.unread) > 0 {
		return c.spfAsk(bold, boldClaims)
	}
	if !bold.passes() && c.spfNamesSenders() {
		bold, boldClaims, more = safe, safeClaims, nil // nobody would be left
	}
	if !safe.passes() && c.spfNamesSenders() && len(safe.dropped) > 0 {
		return c.spfAskSenders(safe, safeClaims)
	}
	first, claims := bold, boldClaims
	staged := false
	switch {
	case bold.lookups > spf.MaxLookups:
		return c.spfStuck(bold)
	case safe.lookups > spf.MaxLookups || len(safeClaims) == 0 || !c.changes(n, safe.text):
	case len(more) == 0:
		first, claims = safe, safeClaims
	case !c.worst(more).Worse(c.worst(safeClaims)):
		first, claims, staged = safe, safeClaims, true
	}
	if len(claims) == 0 || !c.changes(n, first.text) {
		return Fix{}, false
	}
	f := c.spfFix(n, first.text)
	f.Title, f.Claims, f.Steps = c.spfTitle(claims, first), claims, first.notes()
	f.Safety, f.Needs = SafeNow, ""
	if c.mxBroken() && slices.ContainsFunc(first.terms, func(t string) bool { return t == "mx" || t == "mx:"+c.e.Domain }) {
		first.need(mendMXFirst)
	} else if c.mxUnheard() && slices.ContainsFunc(first.terms, func(t string) bool { return t == "mx" || t == "mx:"+c.e.Domain }) {
		first.need("that the mail hosts have public addresses, which could not all be looked up")
	}
	switch {
	case len(first.needs) > 0:
		f.Safety, f.Needs = NeedsEvidence, strings.Join(first.needs, ", and ")
	case first.end == spf.Fail && c.sends() && c.spfVoid():
		f.Safety, f.Needs = NeedsEvidence, "that the record names every sender: until now no receiver applied it, and -all refuses the rest"
	}
	if first == safe && safe.eased {
		strict := strings.TrimSuffix(first.text, "~all") + "-all"
		f.Next = []Stage{{
			When:    "you know that the record names every sender, from a month of DMARC reports",
			Changes: []zone.Change{{Owner: n.Owner, Type: "TXT", Remove: []string{Quote(first.text)}, Add: []string{Quote(strict)}, TTL: ttlFor(n.TXT.Answer, "TXT")}},
		}}
	}
	if staged {
		f.Next = []Stage{{
			When:    "you know " + strings.Join(bold.needs, ", and "),
			Changes: []zone.Change{{Owner: n.Owner, Type: "TXT", Remove: []string{Quote(first.text)}, Add: []string{Quote(bold.text)}, TTL: ttlFor(n.TXT.Answer, "TXT")}},
		}}
	}
	return f, true
}

// mxUnheard reports that the mail hosts or their addresses could not all be looked up.
func (c *composer) mxUnheard() bool {
	return c.e.MX.Answer.Fail != nil || slices.ContainsFunc(c.e.MX.Hosts, func(h gather.Host) bool { return h.A.Fail != nil || h.AAAA.Fail != nil })
}

// spfAsk asks what the terms were to say that nobody can read: a record without
// them would refuse mail of senders that it was meant to let pass.
func (c *composer) spfAsk(d *spfDraft, claims []Claim) (Fix, bool) {
	terms, text := strings.Join(d.unread, ", "), d.text
	if !d.passes() { // a record that is copied as it stands must not say that nobody sends
		text = strings.Replace(text, "v=spf1", "v=spf1 SENDERS", 1)
	}
	var steps []Step
	senders, exp := []string{}, "" // an explanation names no sender
	for _, t := range d.unread {
		if strings.HasPrefix(strings.ToLower(t), "exp=") {
			exp = t
		} else {
			senders = append(senders, t)
		}
	}
	if len(senders) > 0 {
		steps = append(steps, paste.Words("Find out which senders %s was to name, and write them as ip4:, ip6:, a:, mx: or include: terms.", paste.Shown(strings.Join(senders, ", "))))
	}
	if exp != "" {
		steps = append(steps, paste.Words("%s was to name a TXT record with a text for senders who are refused: write the name of one, or leave the term out.", paste.Shown(exp)))
	}
	return Fix{
		ID: SPFRecord, Title: "correct the SPF record", Claims: claims, Effort: LowEffort, Safety: NeedsInput,
		Needs: "what was meant by " + paste.Shown(terms).String(),
		Steps: append(steps, paste.Words("Publish this record with those terms before its end:\n%s", d.record(text))),
	}, len(claims) > 0
}

// spfAskSenders asks who sends where nothing that can be read names anybody, a
// private address for example: that there is a term means that somebody sends.
func (c *composer) spfAskSenders(d *spfDraft, claims []Claim) (Fix, bool) {
	var terms []string
	for _, r := range d.dropped {
		terms = append(terms, r.terms...)
	}
	return Fix{
		ID: SPFRecord, Title: "name the senders in the SPF record", Claims: claims, Effort: LowEffort, Safety: NeedsInput,
		Needs: "the public address that sends in the place of " + shown(terms),
		Steps: []Step{paste.Words("Publish the record with the address that the internet sees, as ip4: or ip6::\n%s", d.record("v=spf1 ip4:ADDRESS ~all"))},
	}, len(claims) > 0
}

// mxBroken reports proof that no mail host can be reached by what the MX records
// say: none has an address of the public internet. A lookup that failed proves
// nothing.
func (c *composer) mxBroken() bool {
	for _, h := range c.e.MX.Hosts {
		inside := h.A.OK() && h.AAAA.OK() &&
			!slices.ContainsFunc(h.Addrs, func(a gather.Address) bool { return !c.special(a.IP) })
		if h.Name != "." && !addressless(h) && !inside {
			return false
		}
	}
	return len(c.e.MX.Hosts) > 0
}

// special reports whether an address is none of the public internet.
func (c *composer) special(ip netip.Addr) bool {
	if c.e.Options.AllowPrivate {
		_, yes := wire.SpecialButDocumentation(ip)
		return yes
	}
	_, yes := wire.Special(ip)
	return yes
}

// changes reports whether publishing a text changes anything.
func (c *composer) changes(n *spf.Node, text string) bool { return len(c.spfFix(n, text).Changes) > 0 }

// spfVoid reports whether receivers apply no SPF record of the domain today.
func (c *composer) spfVoid() bool {
	t := c.e.SPF
	return len(t.Root.Records) != 1 || len(t.PermErrors) > 0
}

// spfTitle says what the rewrite is about, by its worst claim.
func (c *composer) spfTitle(claims []Claim, d *spfDraft) string {
	if n := len(c.e.SPF.Root.Records); n > 1 {
		return fmt.Sprintf("merge the %d SPF records into one", n)
	}
	switch claims[0].Rule {
	case "spf-lookup-limit":
		return fmt.Sprintf("bring the SPF record from %d to %d DNS lookups", c.e.SPF.Lookups, d.lookups)
	case "spf-passes-all", "spf-end-neutral":
		return "end the SPF record in ~all"
	case "spf-unregistered":
		return "take the name that anybody can register out of the SPF record"
	case "spf-ptr":
		return "take ptr out of the SPF record"
	case "spf-type99":
		return "remove the SPF record of the withdrawn type"
	}
	return "correct the SPF record"
}

// spfFix gives a fix that puts one record in the place of all that are there.
func (c *composer) spfFix(n *spf.Node, text string) Fix {
	var old []string
	for _, r := range n.Records {
		old = append(old, r.Text)
	}
	for _, m := range n.Near {
		if m.Why != spf.NearSenderID || len(n.Records) == 0 {
			old = append(old, m.Text)
		}
	}
	f := Fix{
		ID: SPFRecord, Effort: LowEffort,
		Changes:       []zone.Change{replace(n.Owner, n.TXT.Answer, old, text)},
		VisibleWithin: visible(n.TXT.Answer, "TXT"),
	}
	if len(f.Changes[0].Remove) == 1 && f.Changes[0].Remove[0] == Quote(text) {
		f.Changes = nil
	}
	if ask := c.e.SPF.SPF99; n == c.e.SPF.Root && ask.Usable() && ask.Answer.Has("SPF") {
		f.Changes = append(f.Changes, zone.Change{Owner: n.Owner, Type: "SPF", Remove: []string{"*"}})
	}
	return f
}

// helo proposes SPF records for the mail hosts that send for the domain: bounces
// have no other name than theirs to check (RFC 7208 section 2.3).
func (c *composer) helo() (Fix, bool) {
	f := Fix{
		ID: HELORecord, Title: "give the mail hosts SPF records of their own", Effort: LowEffort,
		Safety: NeedsEvidence, Needs: "that each of these hosts sends only from the addresses of its own name",
	}
	for _, v := range c.failing("spf-helo") {
		i := slices.IndexFunc(c.e.MX.Hosts, func(h gather.Host) bool { return h.Name == v.Subject })
		if i < 0 || !below(v.Subject, c.e.Domain) {
			continue
		}
		h := c.e.MX.Hosts[i]
		if !h.TXT.Answer.Missing("TXT") || len(h.TXT.Answer.Chain(h.Name)) > 0 ||
			!slices.ContainsFunc(h.Addrs, func(a gather.Address) bool { return !c.special(a.IP) }) {
			continue
		}
		f.Changes = append(f.Changes, replace(h.Name, h.TXT.Answer, nil, "v=spf1 a -all"))
		f.Claims = append(f.Claims, Claim{"spf-helo", v.Subject, v.Key})
		f.VisibleWithin = max(f.VisibleWithin, visible(h.TXT.Answer, "TXT"))
	}
	return f, len(f.Changes) > 0
}

// textOf gives the text of a node's one record, "" where there is not one.
func textOf(n *spf.Node) string {
	if len(n.Records) != 1 {
		return ""
	}
	return n.Records[0].Text
}
