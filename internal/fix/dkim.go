package fix

import (
	"slices"
	"strings"

	"mxvet/checks"
	"mxvet/internal/dkim"
	"mxvet/internal/gather"
	"mxvet/internal/paste"
	"mxvet/internal/zone"
)

// revoked is the record of a key that is not to be used any more (RFC 6376 section
// 3.6.1).
const revoked = "v=DKIM1; p="

// weakKeys are the rules about keys with which others may sign, or that verifiers
// refuse soon.
func weakKeys() []string { return []string{"dkim-key-short", "dkim-key-known", "dkim-key-1024"} }

// dkimKeys proposes what becomes of keys that are too weak: where the domain sends,
// a new one under a new selector, which only its signer can make, and then the
// revocation of the old; else the revocation alone.
func (c *composer) dkimKeys() (Fix, bool) {
	rules := weakKeys()
	if !c.e.Role.Sends() {
		rules = append(rules, "dkim-no-mail")
	}
	f := Fix{ID: DKIMKeys, Effort: MediumEffort}
	var soon, later []zone.Change // revocations: of keys with which others can sign, of the rest
	var weak []string
	for _, rule := range rules {
		for _, v := range c.failing(rule) {
			ch, ok := c.revocation(v)
			if !ok {
				continue
			}
			f.Claims = append(f.Claims, Claim{rule, v.Subject, v.Key})
			f.VisibleWithin = max(f.VisibleWithin, ch.within)
			if slices.ContainsFunc(slices.Concat(soon, later), func(o zone.Change) bool { return o.Owner == ch.Owner }) {
				continue // of two rules about one key the graver comes first
			}
			if weak = append(weak, rule); rule == "dkim-key-1024" {
				later = append(later, ch.Change)
			} else {
				soon = append(soon, ch.Change)
			}
		}
	}
	if len(soon)+len(later) == 0 {
		return Fix{}, false
	}
	f.Claims = c.inOrder(f.Claims)
	if !c.e.Role.Sends() {
		f.Title, f.Effort, f.Changes = "withdraw the DKIM keys", LowEffort, slices.Concat(soon, later)
		f.Safety, f.Needs = NeedsEvidence, "that nothing signs mail with them: the domain sends none"
		return f, true
	}
	for _, v := range c.failing("dkim-testing") { // of a key that goes anyway
		if slices.ContainsFunc(slices.Concat(soon, later), func(ch zone.Change) bool { return ch.Owner == v.Subject }) {
			f.Claims = append(f.Claims, Claim{"dkim-testing", v.Subject, v.Key})
		}
	}
	unsigned := c.failing("dmarc-without-dkim")
	entry := steps().Rules[f.Claims[0].Rule]
	f.Title = entry.Title
	f.Steps = append(entry.steps(c.e, f.Claims), paste.Words("The new record, with the names and the key that the signer shows:\n%s",
		paste.Record("NEW-SELECTOR._domainkey."+c.e.Domain, defaultTTL, "TXT", `"v=DKIM1; k=rsa; p=PUBLIC-KEY"`)))
	some, known := c.e.SPF.Authorises()
	if len(later) == 0 && !slices.Contains(weak, "dkim-key-known") && some && known && len(c.e.SPF.PermErrors) == 0 {
		// No verifier is to accept so short a key, whoever signs with it (RFC 8301
		// section 3.2), and SPF passes.
		f.Title, f.Changes, f.Safety = "withdraw the short DKIM key, and sign with a longer one", soon, SafeNow
		if len(unsigned) > 0 {
			f.Title, f.Steps = "withdraw the short DKIM key", nil // to sign at all is a fix of its own
		}
		return f, true
	}
	f.Safety, f.Needs = NeedsInput, "a new key of 2048 bits, made where the mail is signed"
	for _, v := range unsigned { // the new key mends that as well
		f.Claims = append(f.Claims, Claim{"dmarc-without-dkim", v.Subject, v.Key})
	}
	if len(soon) > 0 {
		f.Next = append(f.Next, Stage{When: "the new selector signs, and no later: until then others can sign with the old key, or verifiers ignore it (RFC 8301 section 3.2)", Changes: soon, Untried: true})
	}
	if len(later) > 0 {
		f.Next = append(f.Next, Stage{When: "all mail has been signed with the new selector for a week", Changes: later, Untried: true})
	}
	return f, true
}

// A revocation is the change that revokes a key, and for how many seconds caches may
// hold the old record.
type revocation struct {
	zone.Change
	within int
}

// revocation gives the change that revokes the key of a verdict. There is none where
// the record stands with whoever signs, or at another name.
func (c *composer) revocation(v checks.Verdict) (revocation, bool) {
	i := slices.IndexFunc(c.e.DKIM.Selectors, func(s dkim.Selector) bool { return s.Owner == v.Subject && s.Name == v.Key })
	if i < 0 {
		return revocation{}, false
	}
	s := c.e.DKIM.Selectors[i]
	if len(s.Chain) > 0 || s.Wildcard || s.Doubtful || !usable(s.Answer) {
		return revocation{}, false
	}
	ch := zone.Change{Owner: s.Owner, Type: "TXT", Add: []string{Quote(revoked)}, TTL: ttlFor(s.Answer, "TXT")}
	for _, r := range s.Records {
		if r.Key.Usable() || r.Key.Bits > 0 {
			ch.Remove = append(ch.Remove, dataOf(s.Answer, r.Text)...)
		}
	}
	return revocation{ch, visible(s.Answer, "TXT")}, len(ch.Remove) > 0
}

// dkimAliases takes out the aliases that anybody can take over: what they lead to does
// not exist, so no signature is lost that verifies today.
func (c *composer) dkimAliases() (Fix, bool) {
	f := Fix{ID: DKIMAliases, Title: "take out the selectors that anybody can take over", Effort: LowEffort, Safety: SafeNow}
	for _, v := range c.failing("dkim-alias") {
		if v.Severity != checks.Critical {
			continue // it leads nowhere, and nobody can change that but its owner
		}
		i := slices.IndexFunc(c.e.DKIM.Selectors, func(s dkim.Selector) bool { return s.Owner == v.Subject && s.Name == v.Key })
		if i < 0 || len(c.e.DKIM.Selectors[i].Chain) == 0 {
			continue
		}
		s := c.e.DKIM.Selectors[i]
		if s.Wildcard || s.Doubtful || !usable(s.Answer) {
			continue
		}
		f.Claims = append(f.Claims, Claim{"dkim-alias", v.Subject, v.Key})
		f.Changes = append(f.Changes, zone.Change{Owner: s.Owner, Type: "CNAME", Remove: []string{s.Chain[0] + "."}, TTL: ttlFor(s.Answer, "CNAME")})
		f.VisibleWithin = max(f.VisibleWithin, visible(s.Answer, "CNAME"))
		for _, u := range c.failing("dns-unregistered") {
			if claim := (Claim{"dns-unregistered", u.Subject, u.Key}); below(s.Chain[len(s.Chain)-1], u.Subject) && !slices.Contains(f.Claims, claim) {
				f.Claims = append(f.Claims, claim)
			}
		}
	}
	f.Claims = c.inOrder(f.Claims)
	return f, len(f.Changes) > 0
}

// absent proposes the three records that say of a name without any sign of mail that
// it never does mail. Whether that is so only its owner knows.
func (c *composer) absent() (Fix, bool) {
	e := c.e
	f := Fix{
		ID: NoMailRecords, Title: "say that this name does no mail", Effort: LowEffort, Safety: NeedsInput,
		Needs: "your word: only if this name shall never do mail",
	}
	for _, rule := range []string{
		"mx-null-missing", "mx-none", "spf-no-mail", "spf-record-missing", "dmarc-no-mail", "dmarc-record-missing", "dmarc-policy-none",
	} {
		for _, v := range c.failing(rule) {
			f.Claims = append(f.Claims, Claim{rule, v.Subject, v.Key})
		}
	}
	add := func(ch zone.Change, within int) {
		f.Changes = append(f.Changes, ch)
		f.VisibleWithin = max(f.VisibleWithin, within)
	}
	if usable(e.MX.Answer) && !e.MX.Answer.Has("MX") {
		add(zone.Change{Owner: e.Domain, Type: "MX", Add: []string{nullMX}, TTL: defaultTTL}, visible(e.MX.Answer, "MX"))
	}
	if n := e.SPF.Root; n.TXT.Usable() && len(n.Records) == 0 {
		add(replace(e.Domain, n.TXT.Answer, nil, nobodySends), visible(n.TXT.Answer, "TXT"))
	}
	own := e.DMARC.Own()
	inherited := c.dmarcInherited()
	if own != nil && !own.Failed() && len(own.Chain) == 0 && len(own.Records) == 0 && (inherited == nil || !strings.EqualFold(string(e.DMARC.Walk.Domain.Policy), "reject")) {
		add(replace(own.Name, own.Answer, nil, "v=DMARC1; p=reject"), visible(own.Answer, "TXT"))
	}
	f.Claims = c.inOrder(f.Claims)
	f.Undo = undo(f.Changes)
	return f, len(f.Claims) > 0 && len(f.Changes) > 0
}

// suggestsNoMail reports whether the domain counts as one without mail only because
// nothing suggests any.
func (c *composer) suggestsNoMail() bool {
	return c.e.Role.Name == gather.NoMail && c.e.Role.Unproven && !c.e.Role.Stated
}
