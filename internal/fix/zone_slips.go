package fix

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/checks"
	"mxvet/internal/bimi"
	"mxvet/internal/dkim"
	"mxvet/internal/dmarc"
	"mxvet/internal/gather"
	"mxvet/internal/paste"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// slips proposes what mends the slips of a zone's text: names without their final
// dot, texts that lost their quotes or have them in the value, names of aliases in
// TXT records. Each gives back what was meant, whole.
func (c *composer) slips() []Fix {
	var out []Fix
	for _, propose := range []func() (Fix, bool){c.finalDots, c.spfWords} {
		if f, ok := propose(); ok && c.worthwhile(f) {
			out = append(out, f)
		}
	}
	for _, f := range slices.Concat(c.quotesBack(), c.aliasesBack(), c.quotesOff()) {
		i := slices.IndexFunc(out, func(o Fix) bool { return o.ID == f.ID })
		switch {
		case !c.worthwhile(f):
		case i < 0:
			out = append(out, f)
		case f.ID != SPFRecord:
			out[i] = out[i].Then(f, func(Claim) bool { return true })
		}
	}
	return out
}

// beside leaves out proposals for RRsets that slips are mended in: what they rest
// on is not what the owner meant.
func beside(slips, fixes []Fix) []Fix {
	clash := func(ch zone.Change) bool {
		return slices.ContainsFunc(slips, func(f Fix) bool {
			return slices.ContainsFunc(f.Changes, func(s zone.Change) bool {
				return s.Owner == ch.Owner && s.Type == ch.Type && (len(ch.Add) > 0 || ch.Type != "TXT")
			})
		})
	}
	return append(slices.Clone(slips), slices.DeleteFunc(fixes, func(f Fix) bool {
		return slices.ContainsFunc(f.Changes, clash) || slices.ContainsFunc(slips, func(s Fix) bool { return s.ID == f.ID })
	})...)
}

// finalDots writes the names as they were meant. A name that nobody has, with the
// zone's name or without, is not written anew.
func (c *composer) finalDots() (Fix, bool) {
	f := Fix{ID: FinalDot, Title: "write the final dot", Effort: LowEffort, Safety: SafeNow}
	for _, v := range c.failing("dns-final-dot") {
		i := slices.IndexFunc(c.e.Dotless, func(d gather.Dotless) bool { return d.Owner == v.Subject && d.Name == v.Key })
		if i < 0 || c.e.Dotless[i].Nowhere() {
			continue
		}
		d := c.e.Dotless[i]
		ch, a := c.dotted(d)
		f.Changes = Squash(f.Changes, []zone.Change{ch})
		f.Claims = append(f.Claims, Claim{"dns-final-dot", v.Subject, v.Key})
		f.VisibleWithin = max(f.VisibleWithin, visible(a, d.Type))
		if !d.Doubled && d.Provider == nil {
			f.Safety, f.Needs = NeedsEvidence, join(f.Needs, "that "+shown([]string{d.Meant})+" is the name that you mean")
		} else if !d.Found() && slices.ContainsFunc(d.Wanted, wire.Asked.Failed) {
			f.Safety, f.Needs = NeedsEvidence, join(f.Needs, "that something is at "+shown([]string{d.Meant})+", which could not be looked up")
		}
		if d.Use == gather.UseNS {
			f.Steps = append(f.Steps, paste.Words("Have %s named at the registrar too, if it is not yet.", d.Meant))
		}
	}
	if len(f.Changes) > 0 && !slices.ContainsFunc(f.Changes, func(ch zone.Change) bool { return len(ch.Add) > 0 }) {
		f.Title = "take out the record without the final dot: what it means is there already"
	}
	return f, len(f.Changes) > 0
}

// Dotted gives the changes that write the names of mail hosts as they were meant
// where their final dot is missing and nothing is at the name that they make so.
func Dotted(e *gather.Evidence) []zone.Change {
	c := &composer{e: e}
	var out []zone.Change
	for _, d := range e.Dotless {
		if d.Type == "MX" && d.Lost() && !d.Nowhere() {
			ch, _ := c.dotted(d)
			out = Squash(out, []zone.Change{ch})
		}
	}
	return out
}

// dotted gives the change that puts the name as it was meant into its record, and
// the answer that shows the record.
func (c *composer) dotted(d gather.Dotless) (zone.Change, wire.Answer) {
	ch := zone.Change{Owner: d.Owner, Type: d.Type}
	var a wire.Answer
	switch d.Type {
	case "MX":
		a = c.e.MX.Answer
		for _, r := range c.e.MX.Records {
			if r.Host != d.Name {
				continue
			}
			ch.Remove = append(ch.Remove, fmt.Sprintf("%d %s.", r.Pref, d.Name))
			i := slices.IndexFunc(c.e.MX.Records, func(o wire.MX) bool { return o.Host == d.Meant })
			if i >= 0 && c.e.MX.Records[i].Pref > r.Pref { // the better preference was meant too
				ch.Remove = append(ch.Remove, fmt.Sprintf("%d %s.", c.e.MX.Records[i].Pref, d.Meant))
			}
			if i < 0 || c.e.MX.Records[i].Pref > r.Pref {
				ch.Add = append(ch.Add, fmt.Sprintf("%d %s.", r.Pref, d.Meant))
			}
		}
	default:
		ch.Remove, ch.Add = []string{d.Name + "."}, []string{d.Meant + "."}
		switch at := checks.TextsAt(c.e, d.Owner); {
		case d.Type == "NS":
			a = c.e.Apex.NS
		case d.Use == gather.UseMTASTS:
			a = c.e.MTASTS.A.Answer
		case at != nil:
			a = at.Answer
		}
	}
	ch.TTL = ttlFor(a, d.Type)
	return ch, a
}

// spfWords joins an SPF record whose words are strings of their own, as a text
// without quotes in a zone file gives them, with the blanks that it lacks.
func (c *composer) spfWords() (Fix, bool) {
	n := c.e.SPF.Root
	if !usable(n.TXT.Answer) || len(n.TXT.Answer.Chain(n.Owner)) > 0 || len(n.Records) > 0 {
		return Fix{}, false
	}
	for _, words := range n.TXT.Answer.TXTStrings() {
		if len(words) < 2 || !strings.EqualFold(words[0], "v=spf1") || slices.ContainsFunc(words[1:], func(w string) bool { return w == "" || strings.ContainsAny(w, " \"") }) {
			continue
		}
		claims := c.claims(SPFRecord, n.Owner, false)
		for _, v := range c.failing("dns-zone-quotes") {
			if v.Subject == n.Owner {
				claims = append(claims, Claim{"dns-zone-quotes", v.Subject, v.Key})
			}
		}
		return c.rewritten(SPFRecord, n.Owner, n.TXT.Answer, strings.Join(words, ""), strings.Join(words, " "), c.inOrder(claims)), len(claims) > 0
	}
	return Fix{}, false
}

// rewritten is the fix that puts the text that was meant in the place of another.
func (c *composer) rewritten(id, owner string, a wire.Answer, said, meant string, claims []Claim) Fix {
	f := Fix{
		ID: id, Title: "publish the text as it was meant", Claims: claims, Changes: []zone.Change{replace(owner, a, []string{said}, meant)},
		Effort: LowEffort, Safety: SafeNow, VisibleWithin: visible(a, "TXT"),
	}
	lower := strings.ToLower(meant)
	switch {
	case id == SPFRecord && strings.HasSuffix(strings.TrimSpace(lower), "-all") && c.sends() && c.spfVoid():
		f.Safety, f.Needs = NeedsEvidence, "that the record names every sender: until now no receiver applied it, and -all refuses the rest"
	case id == DMARCRecord:
		c.fromReports(&f, owner, a, said, meant)
	}
	return f
}

// fromReports lets a DMARC record that no receiver ever applied begin with reports,
// where it was to enforce a policy.
func (c *composer) fromReports(f *Fix, owner string, a wire.Answer, said, meant string) {
	p := dmarcPlan{c: c, place: site{owner: owner, ttl: ttlFor(a, "TXT")}, published: []dmarc.Record{dmarc.Parse(meant)}}
	p.correct()
	asked := p.safe.p
	if !p.strengthened() || len(p.safe.rua) == 0 {
		if asked != dmarc.None {
			f.Safety, f.Needs = NeedsEvidence, "that all your own mail passes SPF or DKIM: until now no receiver applied the policy"
		}
		return
	}
	p.soften()
	bold, _ := p.bold()
	bold.p = dmarc.Quarantine
	reject := bold
	reject.p = dmarc.Reject
	drafts, seen, quiet := []dmarcDraft{p.safe, bold, reject}, whenMonth, whenQuiet
	if c.hasUsers() {
		quiet = onLists + ", and " + whenQuiet
	}
	if checks.Unsigned(c.e) {
		drafts, seen = drafts[:2], "all mail is signed with DKIM, and then "+whenMonth
	}
	f.Changes = []zone.Change{replace(owner, a, []string{said}, p.safe.String())}
	f.Steps = append(f.Steps, paste.Words("It begins at p=none, which sends reports and refuses nothing: "+neverApplied+"%s.", string(asked)))
	f.Next = p.next(drafts, seen, quiet)
	f.Next[0].Untried = len(drafts) == 2
}

// quotesBack puts texts of the zone file into quotes.
func (c *composer) quotesBack() []Fix {
	var out []Fix
	for _, v := range c.failing("dns-zone-quotes") {
		i := slices.IndexFunc(c.e.Options.ZoneSlips, func(s zone.Slip) bool {
			return s.Kind == zone.SlipQuotes && s.Meant != "" && s.Owner == v.Subject && fmt.Sprint(s.Line) == v.Key
		})
		at := checks.TextsAt(c.e, v.Subject)
		if i < 0 || at == nil || at.Failed() || len(at.Answer.Chain(at.Name)) > 0 {
			continue
		}
		s := c.e.Options.ZoneSlips[i]
		id := c.idOf(s.Owner)
		claims := append([]Claim{{"dns-zone-quotes", v.Subject, v.Key}}, c.claims(id, s.Owner, false)...)
		f := c.rewritten(id, s.Owner, at.Answer, s.Said, s.Meant, claims)
		if len(f.Changes[0].Remove) > 0 {
			out = append(out, f)
		}
	}
	return out
}

// idOf gives the fix of the record at a name.
func (c *composer) idOf(owner string) string {
	own := c.e.DMARC.Own()
	switch {
	case owner == c.e.Domain:
		return SPFRecord
	case own != nil && owner == own.Name:
		return DMARCRecord
	case owner == c.e.MTASTS.TXT.Name:
		return MTASTSRecord
	case owner == c.e.TLSRPT.TXT.Name:
		return TLSRPTRecord
	case strings.HasSuffix(owner, "._domainkey."+c.e.Domain):
		return DKIMRecord
	case c.e.BIMI != nil && c.e.BIMI.Own != nil && owner == c.e.BIMI.Own.Owner:
		return BIMIRecord
	}
	return ZoneQuotes
}

// aliasesBack puts aliases in the place of TXT records that hold their targets.
func (c *composer) aliasesBack() []Fix {
	var out []Fix
	for _, v := range c.failing("dkim-text-for-alias") {
		i := slices.IndexFunc(c.e.Pointers, func(p gather.Pointer) bool { return p.Owner == v.Subject && p.Target == v.Key })
		at := checks.TextsAt(c.e, v.Subject)
		if i < 0 || at == nil || at.Failed() || len(publishedAt(at.Answer, "TXT")) != 1 {
			continue
		}
		p, ttl := c.e.Pointers[i], ttlFor(at.Answer, "TXT")
		f := Fix{
			ID: DKIMRecord, Title: "publish the alias of the DKIM key", Effort: LowEffort, Safety: SafeNow,
			Claims: []Claim{{"dkim-text-for-alias", v.Subject, v.Key}},
			Changes: []zone.Change{
				{Owner: p.Owner, Type: "TXT", Remove: []string{"*"}, TTL: ttl},
				{Owner: p.Owner, Type: "CNAME", Add: []string{p.Target + "."}, TTL: ttl},
			},
			VisibleWithin: visible(at.Answer, "TXT"),
		}
		if !slices.ContainsFunc(p.TXT.Answer.TXT(), func(text string) bool { return dkim.Parse(text).LooksLikeKey() }) {
			f.Safety, f.Needs = NeedsEvidence, "that the key is to be found at "+shown([]string{p.Target})
		}
		out = append(out, f)
	}
	return out
}

// quotesOff takes quote marks out of the values of keys and brand indicators; the
// other policies have fixes of their own for that.
func (c *composer) quotesOff() []Fix {
	var out []Fix
	for _, v := range c.failing("dns-txt-quoting") {
		id, at := c.idOf(v.Subject), checks.TextsAt(c.e, v.Subject)
		if id != DKIMRecord && id != BIMIRecord || at == nil || at.Failed() || len(at.Answer.Chain(at.Name)) > 0 {
			continue
		}
		for _, text := range at.Answer.TXT() {
			meant := checks.UnquotedKey(text)
			if bare := strings.Trim(text, `"`); id == BIMIRecord && bare != text && bimi.Parse(bare).Counts() {
				meant = bare
			}
			if meant != "" {
				f := c.rewritten(id, v.Subject, at.Answer, text, meant, []Claim{{"dns-txt-quoting", v.Subject, v.Key}})
				f.Title = "take the quote marks out of the text"
				out = append(out, f)
			}
		}
	}
	return out
}
