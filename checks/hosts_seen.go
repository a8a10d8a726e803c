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

// needsSMTP guards rules that judge conversations with the MX hosts.
func needsSMTP(e *gather.Evidence) (Status, string) {
	switch {
	case !e.Role.Receives():
		return NotApplicable, "the domain is not expected to receive mail: " + e.Role.Why
	case e.Options.Offline:
		return NotAsked, "the network is switched off"
	case e.Options.NoSMTP:
		return NotAsked, "SMTP is switched off"
	case e.MX.Answer.Fail != nil:
		return Unknown, "the MX lookup gave no answer: " + e.MX.Answer.Fail.String()
	case len(e.MX.Hosts) == 0:
		return NotApplicable, "the domain names no mail host"
	case len(conversations(e)) > 0:
		return "", ""
	}
	for _, h := range e.MX.Hosts {
		for _, a := range []wire.Answer{h.A, h.AAAA} {
			if a.Fail != nil {
				return Unknown, "no address of a mail host is known: " + h.Name + ": " + a.Fail.String()
			}
		}
	}
	return NotApplicable, "no mail host has an address"
}

// Connected reports that the TCP connection stood. Whether a banner came is
// another question: smtp.Banner.
func (c conversation) Connected() bool { return len(c.Addr.Session.Exchanges) > 0 }

func (c conversation) refs() []wire.Ref { return []wire.Ref{c.Addr.Ref} }

// unreached says what an address that could not be connected means for a rule
// that wanted to hear it; "" where the connection stood. Rule mx-unreachable
// tells of the addresses that are proven dead, so here they do not apply, unless
// nothing of the domain was heard at all. An address family that does not work
// from here leaves a host unknown, unless it was heard over the other one.
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
	reach, family := e.Vantage.IPv4, "IPv4"
	if !c.Addr.IP.Unmap().Is4() {
		reach, family = e.Vantage.IPv6, "IPv6"
	}
	if c.Addr.Session.Fail == nil {
		return Unknown, "no conversation"
	}
	switch c.Addr.Session.Fail.Kind {
	case wire.FailTimeout, wire.FailRefused, wire.FailUnreachable, wire.FailReset, wire.FailForbidden:
	default:
		return Unknown, why // our own doing: out of time, not on the tape
	}
	switch {
	case reach.Proven && heard(all, nil):
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
			v = Verdict{Status: status, Message: why}
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
	return out
}
