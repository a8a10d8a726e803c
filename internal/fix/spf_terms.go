package fix

import (
	"net/netip"
	"slices"
	"strings"

	"mxvet/checks"
	"mxvet/internal/gather"
	"mxvet/internal/paste"
	"mxvet/internal/spf"
)

// corrected gives the terms that were meant by one that is wrong or odd in a way
// that tells it, else the term itself.
func corrected(t spf.Term) []string {
	texts := []string{t.Text}
	for range 3 { // a term may have several faults
		var next []string
		for _, text := range texts {
			u := t
			if text != t.Text {
				u = spf.Parse("v=spf1 " + text).Terms[0]
			}
			next = append(next, strings.Fields(instead(u))...)
		}
		if slices.Equal(next, texts) {
			break
		}
		texts = next
	}
	return texts
}

// instead gives what a term was meant as, or its text.
func instead(t spf.Term) string {
	for _, p := range t.Problems {
		if p.Code == spf.CodeGlued && p.Instead != "" {
			return p.Instead
		}
	}
	for _, p := range t.Problems {
		switch {
		case p.Code == spf.CodeMappedIP6 && t.Prefix.Bits() >= 96:
			term := networkTerm(netip.PrefixFrom(t.Prefix.Addr().Unmap(), t.Prefix.Bits()-96).Masked())
			if t.Explicit {
				term = string(t.Qualifier) + term
			}
			return term
		case p.Instead != "" && p.Code != spf.CodeUnknownModifier:
			return p.Instead
		}
	}
	return t.Text
}

// unwanted says why a term is left out, "" where it stays.
func (d *spfDraft) unwanted(t *spf.Term, step *spf.Step, i int) string {
	has := func(code spf.Code) bool {
		return slices.ContainsFunc(t.Problems, func(p spf.Problem) bool { return p.Code == code })
	}
	key := clip(t.Text)
	if d.node.Parent != nil {
		key += " in " + d.node.Owner
	}
	told := func(rule string) bool { return d.c.fails(rule, key) }
	everything := t.Prefix.IsValid() && t.Prefix.Bits() == 0 || (t.Kind == spf.KindA || t.Kind == spf.KindMX) && (t.Bits4 == 0 || t.Bits6 == 0)
	switch {
	case has(spf.CodeVersionAgain):
		return "the version, again"
	case has(spf.CodeDuplicate):
		return "stands in the record before"
	case unreadable(*t):
		d.unread = append(d.unread, clip(t.Text))
		return "it cannot be read"
	case t.Kind == spf.KindExp && len(d.c.failing("spf-exp-broken")) > 0:
		return "the explanation cannot be read"
	case t.Kind == spf.KindRedirect && has(spf.CodeRedirectAll):
		return "no effect beside all"
	case has(spf.CodeRepeated):
		return "stands in the record before"
	case has(spf.CodeAfterAll) && t.Kind == spf.KindAll:
		return "all stands in the record before"
	case everything && d.bold && t.Qualifier == spf.Pass:
		d.need("that the rest of the record names every sender")
		return "lets everybody send"
	case told("spf-never-matches"):
		if !d.bold || step == nil || d.c.mendable(step) {
			return "" // whoever is meant may come back
		}
		d.gone(step.Target)
		return "can never match today"
	case told("spf-label-length"):
		if !d.bold {
			return ""
		}
		d.need("that " + shown([]string{clip(t.Text)}) + " stands for no server of yours")
		return "no possible name"
	case has(spf.CodeAfterAll) && d.full && t.Kind.Asks():
		d.need("that " + shown([]string{clip(t.Text)}) + " stands for no server of yours")
		return "never reached, and no lookup is left for it"
	case step != nil && d.covered[step] && !partlyDead(step):
		if t.Kind.Asks() {
			if !d.bold {
				return ""
			}
			d.need("that what " + shown([]string{clip(t.Text)}) + " leads to stays within the networks of the record")
		}
		return "another term lets the same addresses pass today"
	case !t.Kind.Asks() && told("spf-network-odd") && !has(spf.CodeMappedIP6) && d.special(key): // a host may get another address
		return "no network of the public internet"
	case step == nil:
		return ""
	}
	return d.broken(step, i)
}

// special reports that the rule about odd networks charges for the term: no mail
// comes from there. A remark is about its spelling only.
func (d *spfDraft) special(key string) bool {
	return slices.ContainsFunc(d.c.failing("spf-network-odd"), func(v checks.Verdict) bool {
		return v.Key == key && v.Severity != checks.Info
	})
}

// unreadable reports whether nobody can tell what a term was meant as.
func unreadable(t spf.Term) bool { return t.Fatal() && slices.Equal(corrected(t), []string{t.Text}) }

// gone asks for the word that nothing sends from behind a name any more. What its
// owner meant counts, not what the name leads to today.
func (d *spfDraft) gone(name string) {
	d.need("that no mail of yours is sent through " + shown([]string{name}) + " any more")
}

// partlyDead reports whether a term names hosts of which some have no address
// today: with these it may let more pass than what covers it now.
func partlyDead(s *spf.Step) bool {
	return slices.ContainsFunc(s.Hosts, func(h spf.Host) bool { return h.A.Void("A") && h.AAAA.Void("AAAA") })
}

// mendable reports whether a term matches nothing only because of the mail hosts:
// these have to be mended, and the term is right as it is.
func (c *composer) mendable(s *spf.Step) bool {
	if s.Term.Kind == spf.KindMX {
		return s.MX != nil && (s.MX.Answer.Has("MX") || s.MX.Answer.NXDomain()) // the name is there: it has this very record
	}
	return slices.ContainsFunc(c.e.MX.Hosts, func(h gather.Host) bool { return h.Name == s.Target })
}

// broken says why the target of a term voids the record or can be taken over. To
// leave it out is bold: its owner may put the record right again. But a name that
// anybody can register has no owner, and where no receiver applies the record today,
// nobody loses anything with it.
func (d *spfDraft) broken(step *spf.Step, i int) string {
	why := d.brokenTarget(step, i)
	if why == "" || step.Target == d.node.Owner {
		return why
	}
	if why == forAnybody && d.c.spfVoid() {
		return why
	}
	if !d.bold {
		return ""
	}
	d.gone(step.Target)
	return why
}

// forAnybody is why a term at a name that is free is left out.
const forAnybody = "anybody can register that name"

func (d *spfDraft) brokenTarget(step *spf.Step, i int) string {
	t := d.c.e.SPF
	for _, r := range d.c.e.Registrations {
		if r.Unregistered() && slices.Contains(r.Uses, gather.Use{Kind: gather.UseSPF, Name: step.Target}) {
			return forAnybody
		}
	}
	if step.Term.Kind != spf.KindInclude {
		return ""
	}
	for _, f := range t.PermErrors {
		child := f.Node.Parent == d.node && f.Node.Via == i && f.Step < 0
		here := f.Node == d.node && f.Step == i
		switch {
		case child && f.Code == spf.CodeNoRecord:
			return "there is no SPF record behind it"
		case here && f.Code == spf.CodeBadTarget:
			return "no domain name"
		case here && f.Code == spf.CodeLoop && step.Target == d.node.Owner:
			return "the record includes itself"
		}
	}
	return ""
}

// voidTerms gives the steps for terms of the organization's own SPF records behind
// which nothing is found, some of them for clients of one family only: a name without
// IPv6 addresses costs a void lookup whenever an IPv6 client is checked (RFC 7208
// section 4.6.4), the addresses that it has cost none. It is nil where all such terms
// are in records of others.
func voidTerms(e *gather.Evidence) []Step {
	c := &composer{e: e}
	var out []Step
	others := false
	for n, s := range e.SPF.Steps() {
		switch term := paste.Shown(s.Term.Text); {
		case !(s.Runs4 && s.Void4.Proven > 0) && !(s.Runs6 && s.Void6.Proven > 0):
		case !c.ours(n.Owner):
			others = true
		case len(s.Nets) > 0 && len(s.Nets) <= 8:
			var nets []string
			for _, p := range s.Nets {
				nets = append(nets, networkTerm(p))
			}
			out = append(out, paste.Words("Write %s in the SPF record of %s as the addresses that it has today: %s. They must follow when those change.", term, n.Owner, paste.Shown(strings.Join(nets, " "))))
		default:
			out = append(out, paste.Words("Take %s out of the SPF record of %s, unless the host still sends: then give it an address.", term, n.Owner))
		}
	}
	if len(out) > 0 && others {
		out = append(out, paste.Words("The rest is in records of others that yours includes: tell their owners, or take the include out."))
	}
	return out
}

// spfStuck proposes what to decide where the record stays over the limit of
// lookups: which senders to give up is not ours to say.
func (c *composer) spfStuck(d *spfDraft) (Fix, bool) {
	f := Fix{
		ID: SPFRecord, Title: "bring the SPF record under 10 DNS lookups", Claims: c.claims(SPFRecord, c.e.Domain, true), Effort: HighEffort, Safety: NeedsInput,
		Needs: "which senders are still in use",
	}
	if d.text != textOf(c.e.SPF.Root) {
		f.Steps = append(f.Steps, paste.Words("Begin with this record, which drops what does nothing and still needs %d lookups:\n%s", d.lookups, paste.Shown(d.text)))
	}
	var cheap, own []paste.Text
	for _, s := range c.e.SPF.Savings() {
		if s.Step.Term.Kind != spf.KindInclude || s.Node != c.e.SPF.Root {
			continue
		}
		if c.ours(s.Step.Target) { // written by the owner, and no service to give up
			own = append(own, paste.Words("%s (%d lookups)", paste.Shown(s.Step.Term.Text), s.Frees))
			continue
		}
		lost := paste.Words("addresses that cannot be known")
		switch {
		case s.Open:
		case s.Lost6.Sign() > 0:
			lost = paste.Words("%s IPv4 addresses and IPv6 networks", s.Lost4.String())
		default:
			lost = paste.Words("%s IPv4 addresses", s.Lost4.String())
		}
		if cheap = append(cheap, paste.Words("%s frees %d lookups, and %s no longer pass", paste.Shown(s.Step.Term.Text), s.Frees, lost)); len(cheap) == 3 {
			break
		}
	}
	if len(own) > 0 {
		f.Steps = append(f.Steps, paste.Words("Parts of the record stand at other names of yours: %s. Look there for services that are no longer used.", paste.Join(own, ", ")))
	}
	if len(cheap) > 0 {
		f.Steps = append(f.Steps, paste.Words("Take out an include of a service that is no longer used; the cheapest first: %s.", paste.Join(cheap, "; ")))
	}
	f.Steps = append(f.Steps, paste.Words("Or give a service a subdomain of its own as sender (news.%s) with its own SPF record: each name has ten lookups.", c.e.Domain))
	return f, true
}
