package checks

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/smtp"
)

// Rules on what the hosts answer to strangers: relaying, and the recipients that
// the relay test's controls name. RCPT alone proves no relay, so the worst that
// is said here is a suspicion; only a message that arrives would be proof.
func relayRules() []Rule {
	return []Rule{
		{
			ID: "relay-open", Area: AreaHosts, Severity: Critical,
			Bears: []Bearing{
				{On: Forgery, From: Critical, Weight: Breaks, Words: "a server that SPF lets send looks like an open relay", About: "relaying"},
				{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "a server looks like an open relay", Good: "no relay seen", About: "relaying"},
			},
			Title: "no mail host takes mail from strangers for strangers",
			Refs:  []string{"RFC 5321 section 7.9", "RFC 5321 section 3.6.2"},
			When:  needsSMTP,
			Judge: judgeOpenRelay,
		},
		{
			ID: "relay-suspected", Area: AreaHosts, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "a server may be an open relay", About: "relaying"}},
			Title: "no form of address suggests that a mail host relays",
			Refs:  []string{"RFC 5321 section 3.6.1", "RFC 5321 appendix C"},
			When:  needsSMTP,
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeEach(e, func(c conversation) Verdict { return judgeRelay(e, c, false) })
			},
		},
		{
			ID: "smtp-postmaster", Area: AreaHosts, Severity: Medium,
			Bears: []Bearing{{On: Arrival, From: Medium, Weight: Partly, Direction: MailTo, Words: "even mail for postmaster is refused", About: "whether a recipient is taken"}},
			Title: "mail for postmaster is taken",
			Refs:  []string{"RFC 5321 section 4.5.1"},
			When:  needsSMTP,
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeEach(e, func(c conversation) Verdict { return judgeMailbox(e, c, gather.FormPostmaster, "postmaster", Medium) })
			},
		},
		{
			ID: "smtp-abuse", Area: AreaHosts, Severity: Low,
			Title: "mail for abuse is taken",
			Refs:  []string{"RFC 2142 section 2", "RFC 2142 section 4"},
			When:  needsSMTP,
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeEach(e, func(c conversation) Verdict { return judgeMailbox(e, c, gather.FormAbuse, "abuse", Low) })
			},
		},
		{
			ID: "smtp-catch-all", Area: AreaHosts, Severity: Info,
			Title: "mail for unknown recipients is refused",
			Refs:  []string{"RFC 5321 section 3.3"},
			When:  needsSMTP,
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeEach(e, func(c conversation) Verdict { return judgeCatchAll(e, c) })
			},
		},
	}
}

// judgeOpenRelay is about each host. One that SPF lets send is worse: what
// strangers send through it passes as the domain's own. That may be true of an
// address that could not be looked up.
func judgeOpenRelay(e *gather.Evidence) []Verdict {
	out := judgeEach(e, func(c conversation) Verdict { return judgeRelay(e, c, true) })
	for i, c := range conversations(e) {
		v := &out[i]
		if v.Status != Fail && v.Status != Unknown {
			continue
		}
		v.Severity = High
		if e.SPF.Pass4.Contains(c.Addr.IP) || e.SPF.Pass6.Contains(c.Addr.IP) {
			v.Severity = Critical
			if v.Status == Fail {
				v.Message += "; SPF lets it send, so what strangers send through it passes as mail of the domain"
			}
		}
	}
	return out
}

// An outcome is what one envelope came to.
type envelopeOutcome struct {
	asked bool
	reply smtp.Reply // to RCPT; to MAIL where that was refused; code 0 where none came
	mail  bool       // the sender was refused
}

func (o envelopeOutcome) accepted() bool { return o.asked && !o.mail && o.reply.Code/100 == 2 }

// refused reports a final refusal of the recipient.
func (o envelopeOutcome) refused() bool { return o.asked && !o.mail && o.reply.Code/100 == 5 }

func (o envelopeOutcome) String() string {
	switch {
	case !o.asked || o.reply.Code == 0:
		return "no reply"
	case o.mail:
		return fmt.Sprintf("sender refused: %d %.100q", o.reply.Code, o.reply.Text())
	}
	return fmt.Sprintf("%d %.100q", o.reply.Code, o.reply.Text())
}

func envelopeOf(c conversation, form string) envelopeOutcome {
	var o envelopeOutcome
	for _, x := range c.Addr.Session.Exchanges {
		if x.Form != form || x.Reply == nil {
			continue
		}
		switch x.Stage {
		case smtp.StageMail:
			o.asked = true
			if x.Reply.Code/100 != 2 {
				o.mail, o.reply = true, *x.Reply
			}
		case smtp.StageRcpt:
			if !o.mail {
				o.reply = *x.Reply
			}
		}
	}
	return o
}

// relayUnasked gives the verdict of a host that was not asked to relay.
func relayUnasked(e *gather.Evidence, c conversation) (Verdict, bool) {
	switch why := c.Addr.RelayNotAsked; {
	case strings.HasPrefix(why, "shared platform"):
		return Verdict{Status: NotApplicable, Message: why}, true
	case relayLost(e, c):
		return Verdict{Status: Unknown, Message: why, Evidence: append(c.refs(), e.Relay.Lost)}, true
	case why != "":
		return Verdict{Status: NotAsked, Message: why}, true
	}
	if smtp.Offered(c.Addr.Session.Exchanges, smtp.StageEHLO) == nil {
		status, why := c.mute(e)
		return Verdict{Status: status, Message: why, NoFault: c.refused()}, true
	}
	if !envelopeOf(c, gather.FormPostmaster).asked {
		why := "the conversation ended before the relay test"
		if slices.ContainsFunc(c.Addr.Session.Exchanges, func(x smtp.Exchange) bool { return x.Form != "" }) {
			why = "the recipients of the relay test were named, and no answer came"
		}
		if f := c.Addr.Session.Fail; f != nil {
			why += ": " + f.String()
		}
		return Verdict{Status: Unknown, Message: why}, true
	}
	return Verdict{}, false
}

// relayLost reports that a lookup which failed kept the host from being asked.
func relayLost(e *gather.Evidence, c conversation) bool {
	return e.Relay.Lost != "" && c.Addr.RelayNotAsked == e.Relay.NotAsked
}

// judgeRelay weighs all replies of one host. Open is for the rule about ordinary
// addresses that a server which looks at recipients took; everything weaker is a
// suspicion, for the other rule.
func judgeRelay(e *gather.Evidence, c conversation, open bool) Verdict {
	if v, done := relayUnasked(e, c); done {
		return v
	}
	// A server that slows strangers down until time is up has answered all the same.
	told := c.Addr.Session.Fail == nil || envelopeOf(c, gather.FormNull).refused()
	unknown := func(format string, args ...any) Verdict {
		return Verdict{Status: Unknown, Message: fmt.Sprintf(format, args...), NoFault: told}
	}
	random := envelopeOf(c, gather.FormRandom)
	loose := false // it takes what nobody can deliver to, but not unknown names of its own
	if o := envelopeOf(c, gather.FormUnresolvable); o.accepted() {
		if loose = random.refused(); !loose {
			return unknown("the server takes recipients that nobody can deliver to (%s), so RCPT says nothing about relaying; it may bounce to forged senders", o)
		}
	}
	var plain, routed, unclear []string
	tried := 0
	for _, form := range relayForms(c) {
		o := envelopeOf(c, form)
		tried++
		switch {
		case o.accepted() && gather.Plain(form):
			plain = append(plain, form+": "+o.String())
		case o.accepted():
			routed = append(routed, form+": "+o.String())
		case !o.refused():
			unclear = append(unclear, form+": "+o.String())
		}
	}
	seen := slices.Concat(plain, routed)
	strong := len(plain) > 0 && random.refused() && !loose && e.Relay.Weak == ""
	switch {
	case len(seen) > 0 && trusted(e, c):
		return unknown("accepted at RCPT (%s), but asked from an address that the domain itself trusts; ask from elsewhere", strings.Join(seen, "; "))
	case len(seen) > 0 && perhapsTrusted(e, c) != "":
		told = false
		return unknown("accepted at RCPT (%s), but whether the domain trusts the address that was asked from is not known: %s", strings.Join(seen, "; "), perhapsTrusted(e, c))
	case len(seen) > 0 && takesFor(e) != "":
		return unknown("accepted at RCPT (%s), but mail for %s goes to the audited host %s, so this proves nothing: name a recipient elsewhere with --relay-rcpt", strings.Join(seen, "; "), e.Relay.To, takesFor(e))
	case len(seen) > 0 && perhapsTakesFor(e) != "":
		told = false
		return unknown("accepted at RCPT (%s), but whether mail for %s goes to the audited hosts themselves is not known: %s", strings.Join(seen, "; "), e.Relay.To, perhapsTakesFor(e))
	case strong && open:
		return Verdict{Status: Fail, Message: fmt.Sprintf(
			"strongly suspected open relay: accepted mail for %s from a stranger, though it refuses unknown recipients of its own (%s); only a delivered message would be proof",
			e.Relay.To, strings.Join(plain, "; "))}
	case strong:
		return Verdict{Status: NotApplicable, Message: "relay-open tells of this host"}
	case len(plain) > 0 && open:
		return unknown("accepted at RCPT (%s), but the server is not seen to look at recipients: see relay-suspected", strings.Join(plain, "; "))
	case len(plain) > 0:
		why := "it takes unknown recipients of its own too"
		if e.Relay.Weak != "" {
			why = e.Relay.Weak
		} else if loose {
			why = "it takes domains that cannot exist too, though it refuses unknown recipients of its own"
		} else if !random.accepted() {
			why = "an unknown recipient of its own got " + random.String()
		}
		return Verdict{Status: Fail, Severity: High, Message: fmt.Sprintf("accepted mail for %s at RCPT (%s); no proof, since %s", e.Relay.To, strings.Join(plain, "; "), why)}
	case len(routed) > 0 && !open && random.refused():
		return Verdict{Status: Fail, Severity: High, Message: fmt.Sprintf("accepted routed forms of a foreign address (%s), though it refuses unknown recipients; no proof, but such forms are how relays are abused", strings.Join(routed, "; "))}
	case len(routed) > 0 && !open:
		return unknown("accepted routed forms (%s), but they are legal local addresses, and unknown recipients are not refused (%s)", strings.Join(routed, "; "), random)
	}
	if f := c.Addr.Session.Fail; f != nil && !envelopeOf(c, gather.FormRoute).asked {
		return unknown("the test was stopped before its end: %s", f)
	}
	if len(unclear) > 0 {
		return unknown("no clear answer: %s", strings.Join(unclear, "; "))
	}
	if post := envelopeOf(c, gather.FormPostmaster); !post.accepted() {
		return unknown("postmaster was refused too (%s), so nothing shows that the server takes any mail from here, and a refusal of foreign addresses proves nothing", post)
	}
	return Verdict{Status: Pass, Message: fmt.Sprintf("%d forms tried from %s on %s, all refused", tried, c.Addr.Session.Local, e.At.Format("2006-01-02"))}
}

// relayForms lists the forms that ask to relay, in the order in which they went.
func relayForms(c conversation) []string {
	var out []string
	for _, x := range c.Addr.Session.Exchanges {
		if x.Form != "" && !strings.HasPrefix(x.Form, "control-") && !slices.Contains(out, x.Form) {
			out = append(out, x.Form)
		}
	}
	return out
}

// trusted reports whether the host may know the address that we asked from as
// one of its own: the domain's SPF names it, or it is one of its mail hosts. The
// address is ours as this machine knows it, or as the server names it.
func trusted(e *gather.Evidence, c conversation) bool {
	ips := []netip.Addr{c.Addr.Session.Local}
	for _, stage := range []string{smtp.StageBanner, smtp.StageEHLO, smtp.StageEHLOTLS} {
		if r := smtp.Answered(c.Addr.Session.Exchanges, stage); r != nil && len(r.Lines) > 0 {
			for _, word := range strings.FieldsFunc(r.Lines[0], func(r rune) bool { return strings.ContainsRune(" []()<>,;", r) }) {
				if ip, err := netip.ParseAddr(strings.TrimPrefix(word, "IPv6:")); err == nil {
					ips = append(ips, ip.Unmap())
				}
			}
		}
	}
	for _, ip := range ips {
		if !ip.IsValid() {
			continue
		}
		if spfPasses(e, ip) && spfNames(e, ip) {
			return true
		}
		for _, h := range e.MX.Hosts {
			if slices.ContainsFunc(h.Addrs, func(a gather.Address) bool { return a.IP == ip }) && ip != c.Addr.IP {
				return true
			}
		}
	}
	return false
}

// perhapsTrusted says which lookup failed that could have shown that trust; "" where
// none did.
func perhapsTrusted(e *gather.Evidence, c conversation) string {
	if e.SPF.Incomplete {
		return "a part of the SPF record could not be looked up"
	}
	for _, h := range e.MX.Hosts {
		name, a := h.Name+" AAAA", h.AAAA
		if c.Addr.IP.Is4() { // so is ours
			name, a = h.Name+" A", h.A
		}
		if a.Fail != nil {
			_, why := dnsSilence(name, a)
			return why
		}
	}
	return ""
}

// takesFor gives an audited host to which mail for the foreign recipient goes, "" where
// none is known to be one.
func takesFor(e *gather.Evidence) string {
	for _, h := range e.MX.Hosts {
		if slices.ContainsFunc(h.Addrs, func(a gather.Address) bool { return slices.Contains(e.Relay.Where, a.IP) }) {
			return h.Name
		}
	}
	return ""
}

// perhapsTakesFor says what keeps that open; "" where nothing does.
func perhapsTakesFor(e *gather.Evidence) string {
	for _, h := range e.MX.Hosts {
		if v, silent := mxSilentAddress(h); silent {
			return h.Name + ": " + v.Message
		}
		if h.MoreAddrs > 0 {
			return fmt.Sprintf("only %d of the %d addresses of %s were looked at", len(h.Addrs), len(h.Addrs)+h.MoreAddrs, h.Name)
		}
	}
	return ""
}

// judgeMailbox judges a mailbox that every domain should have.
func judgeMailbox(e *gather.Evidence, c conversation, form, name string, sev Severity) Verdict {
	if v, done := relayUnasked(e, c); done {
		return v
	}
	if !slices.ContainsFunc(c.Addr.Session.Exchanges, func(x smtp.Exchange) bool { return x.Form == form }) {
		if f := c.Addr.Session.Fail; f != nil {
			return Verdict{Status: Unknown, Severity: sev, Message: "the test was stopped before its end: " + f.String()}
		}
		return Verdict{Status: NotAsked, Message: "asked at another address of the host only"}
	}
	box, random := envelopeOf(c, form), envelopeOf(c, gather.FormRandom)
	switch {
	case box.accepted():
		return Verdict{Status: Pass}
	case box.refused() && (random.accepted() || strings.HasPrefix(box.reply.Enhanced(), "5.1.")):
		return Verdict{Status: Fail, Severity: sev, Message: "refuses mail for " + name + ": " + box.String()}
	}
	return Verdict{Status: Unknown, Severity: sev, Message: name + " was neither taken nor clearly unknown: " + box.String()}
}

func judgeCatchAll(e *gather.Evidence, c conversation) Verdict {
	if v, done := relayUnasked(e, c); done {
		return v
	}
	switch random := envelopeOf(c, gather.FormRandom); {
	case random.accepted():
		return Verdict{Status: Fail, Severity: Info, Message: "accepted a recipient that nobody has: " + random.String()}
	case random.refused():
		return Verdict{Status: Pass}
	default:
		return Verdict{Status: Unknown, Severity: Info, Message: "no clear answer for a recipient that nobody has: " + random.String()}
	}
}
