package checks

import (
	"fmt"
	"slices"

	"mxvet/internal/gather"
	"mxvet/internal/smtp"
	"mxvet/internal/wire"
)

// A conversation is one address of an MX host with which one was held, or
// tried.
type conversation struct {
	Host    *gather.Host
	Addr    *gather.Address
	Subject string // "mx1.example.com [192.0.2.1]"
}

// conversations gives them by preference of the host. Addresses that nobody
// tried to talk with (bounds, SMTP switched off) are not among them.
func conversations(e *gather.Evidence) []conversation {
	var out []conversation
	for i := range e.MX.Hosts {
		h := &e.MX.Hosts[i]
		for j := range h.Addrs {
			if a := &h.Addrs[j]; a.Ref != "" {
				out = append(out, conversation{h, a, fmt.Sprintf("%s [%s]", h.Name, a.IP)})
			}
		}
	}
	return out
}

// Connected reports that the TCP connection stood. Whether a banner came is
// another question: smtp.Banner.
func (c conversation) Connected() bool { return len(c.Addr.Session.Exchanges) > 0 }

func (c conversation) refs() []wire.Ref { return []wire.Ref{c.Addr.Ref} }

// reach says whether mail servers can be reached over the address's family.
func (c conversation) reach(e *gather.Evidence) (reach gather.Reach, family string) {
	if c.Addr.IP.Unmap().Is4() {
		return e.Vantage.IPv4, "IPv4"
	}
	return e.Vantage.IPv6, "IPv6"
}

// unreached says what an address that could not be connected means for a rule
// that wanted to hear it; "" where the connection stood. Rule mx-unreachable
// tells of the addresses that refuse, so here they do not apply. Silence tells
// nothing of what would have been said, also where it is told as a fault. An
// address family that does not work from here leaves a host unknown, unless it was
// heard over the other one.
func (c conversation) unreached(e *gather.Evidence) (Status, string) {
	if c.Connected() {
		return "", ""
	}
	heard := func(all []conversation, host *gather.Host) bool {
		return slices.ContainsFunc(all, func(o conversation) bool {
			return (host == nil || o.Host == host) && smtp.Banner(o.Addr.Session.Exchanges) != nil
		})
	}
	all, why := conversations(e), c.Addr.Session.Fail.String()
	reach, family := c.reach(e)
	if c.Addr.Session.Fail == nil {
		return Unknown, "no conversation"
	}
	kind := c.Addr.Session.Fail.Kind
	switch kind {
	case wire.FailTimeout, wire.FailRefused, wire.FailUnreachable:
	case wire.FailForbidden:
		return NotApplicable, why // no public address
	default:
		return Unknown, why // perhaps our own doing: out of time, not on the tape
	}
	switch {
	case reach.Proven && kind == wire.FailRefused:
		return NotApplicable, "it cannot be reached: " + why
	case reach.Proven:
		return Unknown, why
	case heard(all, c.Host):
		return NotAsked, "mail servers cannot be shown to be reachable over " + family + " from here; the host was heard over other addresses"
	case reach.Why != "":
		return Unknown, why + "; " + reach.Why
	}
	return Unknown, why
}

// judgeEach gives one verdict for each conversation. Judge is asked only where
// the connection stood; it may leave subject and evidence to judgeEach.
func judgeEach(e *gather.Evidence, judge func(conversation) Verdict) []Verdict {
	var out []Verdict
	for _, c := range conversations(e) {
		var v Verdict
		if status, why := c.unreached(e); status != "" {
			reach, _ := c.reach(e)
			v = Verdict{Status: status, Message: why, Evidence: c.refs(), NoFault: reach.Broken}
			if reach.Ref != "" {
				v.Evidence = append(v.Evidence, reach.Ref)
			}
		} else {
			v = judge(c)
		}
		if v.Subject == "" {
			v.Subject = c.Subject
		}
		if v.Evidence == nil {
			v.Evidence = c.refs()
		}
		out = append(out, v)
	}
	return slices.Concat(out, boundHosts(e), lostHosts(e))
}

// lostHosts tells of mail hosts some of whose addresses could not be looked up:
// what a conversation there would have shown is not known.
func lostHosts(e *gather.Evidence) []Verdict {
	var out []Verdict
	for _, h := range e.MX.Hosts {
		if v, silent := mxSilentAddress(h); silent {
			out = append(out, v)
		}
	}
	return out
}

// judgeOffer judges what each server offers in clear text, where it said so.
func judgeOffer(e *gather.Evidence, judge func(conversation, *smtp.Features) Verdict) []Verdict {
	return judgeEach(e, func(c conversation) Verdict {
		if f := c.offer(); f != nil {
			return judge(c, f)
		}
		status, why := c.mute(e)
		return Verdict{Status: status, Message: why}
	})
}

// offer gives what the server offers in clear text, nil where it did not answer
// EHLO. One that only took HELO is not among the answers: something on the way
// may have kept EHLO from it.
func (c conversation) offer() *smtp.Features {
	ex := c.Addr.Session.Exchanges
	if r := smtp.Answered(ex, smtp.StageEHLO); r == nil || r.Code/100 != 2 {
		return nil
	}
	return smtp.Offered(ex, smtp.StageEHLO)
}

// mute says why a server that could be connected did not say what it offers. Its
// TLS is then not known: a host that turns all senders away is of no account only
// where another one takes the mail.
func (c conversation) mute(e *gather.Evidence) (Status, string) {
	ex, fail := c.Addr.Session.Exchanges, c.Addr.Session.Fail.String()
	banner, ehlo, helo := smtp.Banner(ex), smtp.Answered(ex, smtp.StageEHLO), smtp.Answered(ex, smtp.StageHELO)
	switch {
	case banner == nil:
		return Unknown, "no greeting came: " + fail
	case c.turnsAllAway(e):
		if slices.ContainsFunc(conversations(e), func(o conversation) bool { return o.offer() != nil }) {
			return NotApplicable, "it greets with " + replyText(banner) + ", so no mail goes there"
		}
		return Unknown, "it takes no mail, so nothing more was seen of it: " + replyText(banner)
	case banner.Code != 220:
		return Unknown, "refused this machine: " + replyText(banner)
	case ehlo == nil && smtp.Find(ex, smtp.StageEHLO) != nil && c.hungUp():
		return Unknown, "refused this machine: it greeted with " + replyText(banner) + ", and closed the connection after EHLO"
	case ehlo == nil:
		return Unknown, "EHLO was not answered: " + fail
	case helo != nil && helo.Code/100 == 2:
		return Unknown, "EHLO was answered with " + replyText(ehlo) + ", so what it offers is not known"
	}
	return Unknown, "refused this machine: EHLO was answered with " + replyText(ehlo)
}

// refused reports that the server answered and would not talk with this machine: that
// is its last word here. Silence is none.
func (c conversation) refused() bool { return Refused(c.Addr.Session) }

// Refused reports that a server greeted and turned the other side away, by its
// greeting, by its answer to EHLO or by hanging up on it.
func Refused(s wire.Session) bool {
	banner := smtp.Banner(s.Exchanges)
	return banner != nil && (banner.Code != 220 || smtp.Answered(s.Exchanges, smtp.StageEHLO) != nil || s.Fail != nil && s.Fail.Kind == wire.FailReset)
}

// hungUp reports that the server ended the conversation without a word.
func (c conversation) hungUp() bool {
	f := c.Addr.Session.Fail
	return f != nil && f.Kind == wire.FailReset
}

// judgeTLS judges each handshake that succeeded.
func judgeTLS(e *gather.Evidence, judge func(conversation, *wire.TLS) Verdict) []Verdict {
	return judgeOffer(e, func(c conversation, f *smtp.Features) Verdict {
		status, why := c.noTLS(f)
		if status != "" {
			return Verdict{Status: status, Message: why}
		}
		return judge(c, c.Addr.Session.TLS)
	})
}

// noTLS says why there is no complete handshake to judge; "" where there is.
// Rules smtp-starttls-none, smtp-starttls-fails and tls-client-certificate tell
// of the server's own faults, so here those only make other rules not apply.
func (c conversation) noTLS(f *smtp.Features) (Status, string) {
	s := c.Addr.Session
	r := smtp.Answered(s.Exchanges, smtp.StageSTARTTLS)
	switch {
	case !f.StartTLS:
		return NotApplicable, "it does not offer STARTTLS"
	case r == nil, r.Code == 421:
		return Unknown, "STARTTLS was not answered: " + s.Fail.String()
	case r.Code != 220:
		return NotApplicable, "STARTTLS was answered with " + replyText(r)
	case s.TLS == nil:
		return Unknown, "no handshake was seen"
	case s.TLS.Error != "" && outOfTime(s.Fail):
		return Unknown, "the TLS handshake did not end: " + s.Fail.String()
	case s.TLS.Error != "":
		return NotApplicable, "the TLS handshake fails"
	}
	return "", ""
}

// outOfTime reports that a conversation ended for want of time, the peer's or
// ours, which says nothing about what would have come.
func outOfTime(f *wire.Fail) bool {
	return f != nil && slices.Contains([]string{wire.FailTimeout, wire.FailDeadline, wire.FailCanceled}, f.Kind)
}
