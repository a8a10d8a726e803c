package checks

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/mtasts"
	"mxvet/internal/smtp"
	"mxvet/internal/wire"
)

// mxReachRules is about what the conversations with the mail hosts showed of the
// set as a whole. What one host does wrong is told by the SMTP rules.
func mxReachRules() []Rule {
	return []Rule{
		{
			ID: "mx-unreachable", Area: AreaHosts, Severity: Critical,
			Bears: []Bearing{
				{On: Arrival, From: High, Weight: Decides, Everywhere: true, Direction: MailTo, Words: "no MX host that was tried answers on port 25"},
				{On: Arrival, From: High, Weight: Partly, Direction: MailTo, Words: "an MX host does not answer"},
			},
			Title: "every MX address answers on port 25",
			Refs:  []string{"RFC 5321 section 5.1"},
			When:  needsSMTP,
			Judge: judgeMXUnreachable,
		},
		{
			ID: "mx-unequal", Area: AreaHosts, Severity: High, Bearless: "the rule about what one host lacks bears on it",
			Title: "all MX hosts protect mail equally well",
			Refs:  []string{"RFC 7672 section 2.2.1", "RFC 8461 section 8.4"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := needsSMTP(e); status != "" {
					return status, why
				}
				if len(e.MX.Hosts) < 2 {
					return NotApplicable, "there is only one mail host"
				}
				return "", ""
			},
			Judge: judgeMXUnequal,
		},
	}
}

// How one attempt to reach port 25 ended.
type mxEnd int

const (
	mxHeard   mxEnd = iota // a banner came, or another reply
	mxDoubt                // connected, but not a word; or the fault may be ours
	mxRefused              // the connection was refused
	mxSilent               // the connection was never completed
)

func mxEndOf(c conversation) mxEnd {
	s := c.Addr.Session
	switch {
	case smtp.Banner(s.Exchanges) != nil:
		return mxHeard
	case c.Connected() || s.Fail == nil:
		return mxDoubt
	}
	switch s.Fail.Kind {
	case wire.FailRefused:
		return mxRefused
	case wire.FailTimeout, wire.FailUnreachable:
		return mxSilent
	}
	return mxDoubt
}

// judgeMXUnreachable calls an address dead only where mail servers are known to
// be reachable over its family from here. A refusal is then proof; silence is
// only where another address of the domain answers, since otherwise the domain
// may just not want to talk with us.
func judgeMXUnreachable(e *gather.Evidence) []Verdict {
	all := conversations(e)
	heard := slices.ContainsFunc(all, func(c conversation) bool { return mxEndOf(c) == mxHeard })
	lost := mxAllRefused(e, all)
	var out []Verdict
	for _, c := range all {
		if kind, special := mxSpecial(e, *c.Addr); special {
			out = append(out, Verdict{Subject: c.Subject, Status: NotApplicable, Message: "no public address (" + kind + ")"})
			continue
		}
		v := Verdict{Subject: c.Subject, Status: Pass, Severity: High, Evidence: c.refs()}
		reach, family := mxReach(e, c)
		if reach.Ref != "" {
			v.Evidence = append(v.Evidence, reach.Ref)
		}
		fails := c.Addr.Session.Fail.String()
		switch end := mxEndOf(c); {
		case end == mxHeard:
			v.Severity = ""
		case end == mxDoubt:
			v.Status, v.Message = Unknown, "the server was not heard: "+fails
		case !reach.Proven && reach.Why != "":
			v.Status, v.Message = Unknown, fmt.Sprintf("%s; %s", fails, reach.Why)
		case !reach.Proven:
			v.Status, v.Message = Unknown, fails+"; nothing shows that mail servers can be reached over "+family+" from here"
		case end == mxRefused && lost:
			v.Status, v.Severity, v.Message = Fail, Critical, "port 25 is refused, as at every other MX address: no mail can be delivered"
			if len(all) == 1 {
				v.Message = "port 25 is refused, and there is no other address: no mail can be delivered"
			}
		case end == mxRefused:
			v.Status, v.Message = Fail, "port 25 is refused: no mail server listens there"
		case heard:
			v.Status, v.Message = Fail, "port 25 does not answer ("+fails+"), while other MX addresses of the domain do"
		default:
			v.Status, v.Message = Unknown, "no MX address of the domain answers, which may be aimed at the place from which was asked: "+fails
		}
		out = append(out, v)
	}
	return append(out, mxNotTried(e)...)
}

// mxAllRefused reports proof that every address of every host refuses.
func mxAllRefused(e *gather.Evidence, all []conversation) bool {
	tried := 0
	for _, c := range all {
		reach, _ := mxReach(e, c)
		if _, special := mxSpecial(e, *c.Addr); special {
			continue
		}
		if mxEndOf(c) != mxRefused || !reach.Proven {
			return false
		}
		tried++
	}
	return tried > 0 && len(mxNotTried(e)) == 0
}

// mxNotTried lists what keeps a view of all addresses from being whole: addresses
// beyond the bounds, and answers that did not come.
func mxNotTried(e *gather.Evidence) []Verdict {
	var out []Verdict
	for _, h := range e.MX.Hosts {
		for _, a := range h.Addrs {
			if a.Ref == "" {
				out = append(out, Verdict{Subject: fmt.Sprintf("%s [%s]", h.Name, a.IP), Status: NotAsked, Message: "only the first hosts and addresses are tried"})
			}
		}
		if v, silent := mxSilentAddress(h); silent {
			v.Severity = High
			out = append(out, v)
		}
	}
	return out
}

func mxReach(e *gather.Evidence, c conversation) (reach gather.Reach, family string) {
	if c.Addr.IP.Unmap().Is4() {
		return e.Vantage.IPv4, "IPv4"
	}
	return e.Vantage.IPv6, "IPv6"
}

// A protection is something that keeps mail to a host from being read on its way.
type mxProtection struct {
	name string
	sev  Severity // of its lack at one host
	of   func(*gather.Evidence, conversation) mxHas
}

type mxHas int

const (
	mxHasUnknown mxHas = iota
	mxLacks
	mxHasIt
)

// judgeMXUnequal compares each host with the best. A host has what all of its
// addresses have that were heard; it lacks what one of them is proven to lack.
func judgeMXUnequal(e *gather.Evidence) []Verdict {
	protections := []mxProtection{{"STARTTLS", High, mxStartTLS}, {"a valid certificate", mxCertSeverity(e), mxCertificate}}
	if p := mxPolicy(e); p != nil {
		protections = append(protections, mxProtection{"a place in the MTA-STS policy", High, func(_ *gather.Evidence, c conversation) mxHas {
			if slices.ContainsFunc(p.MX, func(m mtasts.Pattern) bool { return mtasts.Matches(m.Text, c.Host.Name) }) {
				return mxHasIt
			}
			return mxLacks
		}})
	}
	all := conversations(e)
	var heard []string // hosts, by preference
	for _, c := range all {
		if mxEndOf(c) == mxHeard && !slices.Contains(heard, c.Host.Name) {
			heard = append(heard, c.Host.Name)
		}
	}
	if len(heard) == 0 {
		return unknown(mxConversationRefs(all, ""), "no mail host was heard")
	}
	var out []Verdict
	for i := range e.MX.Hosts {
		h := &e.MX.Hosts[i]
		v := Verdict{Subject: h.Name, Status: Pass, Evidence: mxConversationRefs(all, h.Name)}
		if !slices.Contains(heard, h.Name) {
			if silent, lost := mxSilentAddress(*h); lost && len(v.Evidence) == 0 {
				v.Status, v.Message, v.Evidence = silent.Status, silent.Message, silent.Evidence
			} else if len(v.Evidence) == 0 {
				v.Status, v.Message, v.Evidence = NotApplicable, "the host has no address that was tried", hostRefs(*h)
			} else {
				v.Status, v.Message = mxUnheard(e, all, h.Name)
			}
			v.Severity = High
			out = append(out, v)
			continue
		}
		var lacks []string
		open := "" // what it lacks, and perhaps all others too
		v.Severity = Info
		for _, p := range protections {
			if mxHostHas(e, all, h.Name, p) != mxLacks {
				continue
			}
			best := slices.IndexFunc(heard, func(name string) bool { return mxHostHas(e, all, name, p) == mxHasIt })
			if best < 0 {
				other := slices.IndexFunc(e.MX.Hosts, func(o gather.Host) bool {
					status, _ := mxUnheard(e, all, o.Name)
					_, lost := mxSilentAddress(o)
					return o.Name != h.Name && (status == Unknown || lost)
				})
				if other >= 0 && open == "" {
					open = fmt.Sprintf("%s lacks %s; whether %s has it is not known", h.Name, p.name, e.MX.Hosts[other].Name)
				}
				continue
			}
			lacks = append(lacks, fmt.Sprintf("%s, which %s has", p.name, heard[best]))
			v.Evidence = append(v.Evidence, mxConversationRefs(all, heard[best])...)
			if p.sev.Worse(v.Severity) {
				v.Severity = p.sev
			}
		}
		if open == "" && e.MTASTS.TXT.Failed() && len(heard) > 1 {
			_, why := dnsSilence(e.MTASTS.TXT.Name+" TXT", e.MTASTS.TXT.Answer)
			open = "whether an MTA-STS policy names all hosts is not known: " + why
		}
		silent, lost := mxSilentAddress(*h)
		switch status, why := mxUnheard(e, all, h.Name); {
		case len(lacks) > 0:
			v.Status, v.Message = Fail, h.Name+" lacks "+strings.Join(lacks, ", and ")+": mail that goes there is less protected"
		case open != "":
			v.Status, v.Severity, v.Message = Unknown, High, open
		case status == Unknown:
			v.Status, v.Severity, v.Message = Unknown, High, why
		case lost:
			v.Status, v.Severity, v.Message = silent.Status, High, silent.Message
			v.Evidence = append(v.Evidence, silent.Evidence...)
		default:
			v.Severity = ""
		}
		out = append(out, v)
	}
	return out
}

// mxUnheard says what it means for a comparison that a host was not heard. An
// address that is proven dead is another rule's matter.
func mxUnheard(e *gather.Evidence, all []conversation, host string) (Status, string) {
	last, why := NotApplicable, "no address of the host can be reached"
	for _, c := range all {
		if c.Host.Name != host || mxEndOf(c) == mxHeard {
			continue
		}
		switch status, text := c.unreached(e); status {
		case "":
			return Unknown, "the server was not heard: " + c.Addr.Session.Fail.String()
		case Unknown:
			return Unknown, text
		case NotAsked:
			last, why = status, text
		}
	}
	return last, why
}

// mxConversationRefs cites the conversations with a host, or all.
func mxConversationRefs(all []conversation, host string) []wire.Ref {
	var refs []wire.Ref
	for _, c := range all {
		if host == "" || c.Host.Name == host {
			refs = append(refs, c.Addr.Ref)
		}
	}
	return refs
}

func mxHostHas(e *gather.Evidence, all []conversation, host string, p mxProtection) mxHas {
	sum := mxHasUnknown
	for _, c := range all {
		if c.Host.Name != host || mxEndOf(c) != mxHeard {
			continue
		}
		switch p.of(e, c) {
		case mxLacks:
			return mxLacks
		case mxHasIt:
			sum = mxHasIt
		}
	}
	return sum
}

func mxStartTLS(_ *gather.Evidence, c conversation) mxHas {
	x := c.Addr.Session.Exchanges
	offer, reply := smtp.Offered(x, smtp.StageEHLO), smtp.Answered(x, smtp.StageSTARTTLS)
	switch tls := c.Addr.Session.TLS; {
	case tls != nil && tls.Error == "" && tls.Version != "":
		return mxHasIt
	case tls != nil && tls.Error != "" && c.Addr.Session.Fail != nil && c.Addr.Session.Fail.Kind == wire.FailTLS,
		reply != nil && reply.Code/100 == 5,
		offer != nil && !offer.StartTLS:
		return mxLacks
	}
	return mxHasUnknown
}

// mxCertificate judges chain, name and time together, as a sender that verifies
// would. Where there was no TLS that is said already.
func mxCertificate(e *gather.Evidence, c conversation) mxHas {
	tls := c.Addr.Session.TLS
	if tls == nil || tls.Error != "" || len(tls.Chain) == 0 {
		return mxHasUnknown
	}
	leaf, err := x509.ParseCertificate(tls.Chain[0])
	if err != nil || tls.System != wire.Trusted && tls.Mozilla != wire.Trusted ||
		leaf.VerifyHostname(c.Host.Name) != nil || e.At.Before(leaf.NotBefore) || e.At.After(leaf.NotAfter) {
		return mxLacks
	}
	return mxHasIt
}

// mxPolicy gives the MTA-STS policy that senders hold the hosts against, nil
// where there is none.
func mxPolicy(e *gather.Evidence) *mtasts.Policy {
	if p := e.MTASTS.Policy(); p != nil && e.MTASTS.Record() != nil && (p.Mode == mtasts.Enforce || p.Mode == mtasts.Testing) {
		return p
	}
	return nil
}

// mxCertSeverity says what the lack of a valid certificate matters: few senders
// verify it unless a policy asks them to.
func mxCertSeverity(e *gather.Evidence) Severity {
	if mxPolicy(e) != nil {
		return High
	}
	return Low
}
