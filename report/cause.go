package report

import (
	"cmp"
	"slices"
	"strings"

	"mxvet/checks"
	"mxvet/internal/gather"
	"mxvet/internal/smtp"
	"mxvet/internal/wire"
)

// Causes say why conversations with mail hosts and questions to the DNS taught
// nothing, so that the many rules that wait for the same one can be told together.
type causes struct {
	e       *gather.Evidence
	mute    map[wire.Ref]muteHost // the conversations that did not come as far as EHLO
	talks   bool                  // some other one did
	control []wire.Ref            // conversations that show whether port 25 is open from here
	dead    bool                  // no question about the domain's own name was answered
}

type muteHost struct {
	name  string
	heard bool   // a greeting came
	away  bool   // and this machine was turned away
	unmet string // why nobody tried to connect: our own doing; "" where somebody did
	ours  bool   // over its address family, this machine reaches no mail server
	six   bool   // that family is IPv6
}

// causesOf looks through the conversations that were held.
func causesOf(e *gather.Evidence) causes {
	c := causes{e: e, mute: map[wire.Ref]muteHost{}, control: []wire.Ref{e.Vantage.IPv4.Ref, e.Vantage.IPv6.Ref}}
	c.dead = e.MX.Answer.Fail != nil && e.Apex.A.Fail != nil && e.Apex.TXT.Fail != nil && e.Apex.NS.Fail != nil && e.Apex.SOA.Fail != nil
	for _, h := range e.MX.Hosts {
		for _, a := range h.Addrs {
			switch ex := a.Session.Exchanges; {
			case !dialled(a):
			case smtp.Offered(ex, smtp.StageEHLO) != nil:
				c.talks = true
			default:
				from := e.Vantage.IPv6
				if a.IP.Is4() {
					from = e.Vantage.IPv4
				}
				c.mute[a.Ref] = muteHost{name: h.Name, heard: smtp.Banner(ex) != nil, away: checks.Refused(a.Session), unmet: unmet(a.Session), ours: from.Broken, six: !a.IP.Is4()}
			}
		}
	}
	return c
}

// of gives the cause of an unknown verdict that rests on such failures, "" where
// there is none: a question that failed, or else conversations and nothing beside
// them.
func (c causes) of(evidence []wire.Ref) string {
	if cause := c.question(evidence); cause != "" {
		return cause
	}
	var hosts []string
	heard, away, ours, unmet := false, false, true, ""
	all := true // of those that count, nobody tried to connect
	count := func(m muteHost) {
		heard, away, ours = heard || m.heard, away || m.away, ours && m.ours
		unmet, all = cmp.Or(unmet, m.unmet), all && m.unmet != ""
	}
	for _, ref := range evidence {
		m, ok := c.mute[ref]
		switch {
		case slices.Contains(c.control, ref):
			continue
		case !ok:
			return ""
		}
		count(m)
		if !slices.Contains(hosts, m.name) {
			hosts = append(hosts, m.name)
		}
	}
	if !c.talks { // then what one host did is only a part of the whole
		for _, m := range c.mute {
			count(m)
		}
	}
	slices.Sort(hosts)
	switch {
	case len(hosts) == 0:
		return ""
	case all && c.talks:
		return strings.Join(hosts, ", ") + " was not connected to: " + unmet
	case all:
		return "no mail server was connected to: " + unmet
	case ours && c.talks:
		return "this machine reaches no mail server over the address family of " + strings.Join(hosts, ", ")
	case ours && c.onlySix():
		return "this machine reaches nobody over IPv6, and the mail servers have no IPv4 address"
	case ours:
		return "this machine reaches no mail server on port 25, wherever it is"
	case c.talks && heard && !away:
		return strings.Join(hosts, ", ") + " greeted, and did not answer EHLO"
	case c.talks && heard:
		return strings.Join(hosts, ", ") + " turned this machine away before any mail was offered"
	case c.talks:
		return strings.Join(hosts, ", ") + " did not answer on port 25"
	case heard && !away:
		return "no mail server talked with this machine: those that greeted did not answer EHLO"
	case heard:
		return "no mail server talked with this machine: those that answered on port 25 turned it away"
	}
	if c.e.Vantage.IPv4.Proven || c.e.Vantage.IPv6.Proven {
		return "no mail server of the domain answered on port 25, while one elsewhere did"
	}
	return "no mail server answered on port 25"
}

// question gives the cause of a verdict that cites DNS questions that failed: where
// nothing of the domain's own zone answers, that, and else the one nearest to the
// root of the DNS.
func (c causes) question(evidence []wire.Ref) string {
	var first gather.Failure
	for _, ref := range evidence {
		if q, isQuestion := strings.CutPrefix(string(ref), "dns:"); c.dead && !c.e.Options.Offline && isQuestion && (strings.HasSuffix(q, " "+c.e.Domain) || strings.HasSuffix(q, "."+c.e.Domain)) {
			if c.e.Authority.AllFail() {
				return "no name server of " + c.e.Domain + " gives an answer"
			}
			if f := c.e.MX.Answer.Fail; f.Kind == wire.FailClosed || f.Kind == wire.FailUnreachable {
				return "the resolver cannot be reached: " + strings.TrimPrefix(f.Text, "dns query to ") + "; --resolver names another"
			}
			return "the resolver has no answer about " + c.e.Domain + ": " + failure(c.e.MX.Answer.Fail.Kind)
		}
		f, failed := c.e.Failures[ref]
		if !failed || f.Question.Server != "" {
			continue
		}
		if f.Kind == wire.FailAliasLoop { // it says all, and what it is
			return bound(f.Text, maxMessage)
		}
		if f.Kind == wire.FailOffline {
			return "it needs names that the zone files do not hold, and nothing was asked (--offline)"
		}
		if q := first.Question; q.Name == "" || cmp.Or(strings.Count(f.Question.Name, ".")-strings.Count(q.Name, "."), strings.Compare(f.Question.Name, q.Name), strings.Compare(f.Question.Type, q.Type)) < 0 {
			first = f
		}
	}
	if first.Question.Name == "" {
		return ""
	}
	return first.Question.Type + " of " + first.Question.Name + " could not be looked up: " + failure(first.Kind)
}

// switchedOff reports that a verdict is unknown because its questions need the network,
// and by no fault of the zone text itself, nor for want of time, which no network would
// mend.
func (c causes) switchedOff(evidence []wire.Ref) bool {
	offline := slices.ContainsFunc(evidence, func(ref wire.Ref) bool { return c.e.Failures[ref].Kind == wire.FailOffline })
	return offline && !c.fault(evidence)
}

// fault reports that a verdict is unknown by what no network would mend: a fault of the
// zone text itself, or time that was up.
func (c causes) fault(evidence []wire.Ref) bool {
	return slices.ContainsFunc(evidence, func(ref wire.Ref) bool {
		return slices.Contains([]string{wire.FailAliasLoop, wire.FailDeadline}, c.e.Failures[ref].Kind)
	})
}

// failure puts the kind of a failed question into words.
func failure(kind string) string {
	switch kind {
	case wire.FailTimeout:
		return "no reply"
	case wire.FailDeadline:
		return "no time was left"
	case wire.FailServfail:
		return "SERVFAIL"
	case wire.FailRefused:
		return "REFUSED"
	case wire.FailClosed:
		return "the connection was refused"
	case wire.FailWithheld:
		return "the resolver denies it, and the zone's own servers have it"
	case wire.FailNotOnTape:
		return "the recorded run did not ask it"
	case wire.FailCanceled:
		return "the audit was stopped"
	case wire.FailLimit:
		return "the audit has asked as much as it may"
	}
	return kind
}

// unmet says why no connection to a mail server was tried, "" where one was.
func unmet(s wire.Session) string {
	if f := s.Fail; f != nil && len(s.Exchanges) == 0 {
		switch f.Kind {
		case wire.FailDeadline, wire.FailCanceled, wire.FailLimit, wire.FailNotOnTape:
			return failure(f.Kind)
		}
	}
	return ""
}

// onlySix reports that all conversations without EHLO were tried over IPv6.
func (c causes) onlySix() bool {
	for _, m := range c.mute {
		if !m.six {
			return false
		}
	}
	return true
}

// cause is what an unknown is told under.
func (u Unknown) cause() string { return cmp.Or(u.Cause, u.Reason) }
