package checks

import (
	"fmt"
	"slices"

	"mxvet/internal/gather"
	"mxvet/internal/mtasts"
	"mxvet/internal/smtp"
	"mxvet/internal/wire"
)

// Rules that hold the MX hosts against the policy. A host that breaks a policy in
// mode enforce gets no mail from senders that follow it.
func mtastsHostRules() []Rule {
	overSMTP := func(e *gather.Evidence) (Status, string) {
		if status, why := stsAsks(e); status != "" {
			return status, why
		}
		return needsSMTP(e)
	}
	each := func(judge func(*gather.Evidence, conversation) Verdict) func(*gather.Evidence) []Verdict {
		return func(e *gather.Evidence) []Verdict {
			out := judgeEach(e, func(c conversation) Verdict { return judge(e, c) })
			weigh(e, out)
			return out
		}
	}
	return []Rule{
		{
			ID: "mtasts-mx-mismatch", Area: AreaTransport, Severity: Critical,
			Bears: []Bearing{
				{On: Arrival, From: Critical, Weight: Decides, Direction: MailTo, Words: "the MTA-STS policy forbids its own MX hosts", About: "MTA-STS"},
				{On: Arrival, From: High, Weight: Partly, Direction: MailTo, Words: "MTA-STS forbids an MX host", About: "MTA-STS"},
				{On: Transit, From: High, Weight: Partly, Words: "the MTA-STS policy leaves out an MX host"},
			},
			Title: "the MTA-STS policy allows every MX host",
			Refs:  []string{"RFC 8461 section 4.1", "RFC 8461 section 5"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := stsAsks(e); status != "" {
					return status, why
				}
				if len(stsServed(e.MTASTS).Policy.MX) == 0 {
					return NotApplicable, "the policy has no mx (mtasts-policy-invalid)"
				}
				return knownHosts(e)
			},
			Judge: func(e *gather.Evidence) []Verdict {
				f := stsServed(e.MTASTS)
				var out []Verdict
				for _, name := range e.MX.Names() {
					v := Verdict{Subject: name, Status: Pass, Evidence: []wire.Ref{e.MX.Ref, f.Ref}}
					if len(f.Policy.Matches(name)) == 0 {
						v.Status = Fail
						v.Message = fmt.Sprintf("no mx line of the policy (%s) fits the MX host %s, %s", patterns(f.Policy), name, consequence(e))
					}
					out = append(out, v)
				}
				weigh(e, out)
				return out
			},
		},
		{
			ID: "mtasts-starttls", Area: AreaTransport, Severity: Critical,
			Bears: []Bearing{
				{On: Arrival, From: Critical, Weight: Decides, Direction: MailTo, Words: "MTA-STS forbids delivery for want of encryption", About: "MTA-STS"},
				{On: Arrival, From: High, Weight: Partly, Direction: MailTo, Words: "MTA-STS forbids a host for want of encryption", About: "MTA-STS"},
			},
			Title: "every MX host does TLS as its MTA-STS policy promises",
			Refs:  []string{"RFC 8461 section 4", "RFC 8461 section 5", "RFC 3207"},
			When:  overSMTP,
			Judge: each(promisedTLS),
		},
		{
			ID: "mtasts-cert", Area: AreaTransport, Severity: Critical,
			Bears: []Bearing{
				{On: Arrival, From: Critical, Weight: Decides, Direction: MailTo, Words: "MTA-STS forbids delivery for bad certificates", About: "MTA-STS"},
				{On: Arrival, From: High, Weight: Partly, Direction: MailTo, Words: "by MTA-STS, senders refuse a bad certificate", About: "MTA-STS"},
				{On: Transit, From: High, Weight: Partly, Words: "a certificate breaks the MTA-STS policy"},
			},
			Title: "every MX host has the certificate that MTA-STS asks for",
			Refs:  []string{"RFC 8461 section 4.2", "RFC 8461 section 5"},
			When:  overSMTP,
			Judge: each(promisedCert),
		},
		{
			ID: "mtasts-tls-version", Area: AreaTransport, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailTo, Words: "MTA-STS asks for newer encryption than a host has", About: "MTA-STS"}},
			Title: "every MX host with MTA-STS does TLS 1.2 or newer",
			Refs:  []string{"RFC 8461 section 7.2", "RFC 8996"},
			When:  overSMTP,
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeEach(e, func(c conversation) Verdict {
					v := promisedTLS(e, c)
					if v.Status != Pass {
						return withoutTLS(v)
					}
					switch version := c.Addr.Session.TLS.Version; version {
					case "TLS 1.2", "TLS 1.3":
					default:
						v = Verdict{Status: Fail, Severity: Medium, Message: version + " is the newest version that it speaks; MTA-STS asks for TLS 1.2 at least"}
						if stsServed(e.MTASTS).Policy.Mode == mtasts.Enforce {
							v.Severity = High
						}
					}
					return v
				})
			},
		},
	}
}

// knownHosts guards rules that compare the policy with the names of the MX hosts.
func knownHosts(e *gather.Evidence) (Status, string) {
	switch {
	case !e.MX.Answer.OK() || e.MX.Answer.TCPFailed:
		return Unknown, "the MX hosts are unknown: " + noAnswer(e.MX.Answer)
	case nowhereToGo(e):
		return NotApplicable, "the domain has no mail host"
	case len(e.MX.Hosts) == 0:
		return Unknown, "there is no MX, and whether the domain has an address is unknown"
	}
	return "", ""
}

// promisedTLS judges whether TLS came about.
func promisedTLS(e *gather.Evidence, c conversation) Verdict {
	s := c.Addr.Session
	dunno := func(why string) Verdict {
		if s.Fail != nil {
			why += ": " + s.Fail.String()
		}
		return Verdict{Status: Unknown, Message: why}
	}
	bad := func(format string, args ...any) Verdict {
		return Verdict{Status: Fail, Message: fmt.Sprintf(format, args...) + ", " + consequence(e)}
	}
	offered := smtp.Offered(s.Exchanges, smtp.StageEHLO)
	reply := smtp.Answered(s.Exchanges, smtp.StageSTARTTLS)
	switch {
	case offered == nil:
		_, why := c.mute(e)
		return Verdict{Status: Unknown, Message: why}
	case !offered.StartTLS:
		return bad("STARTTLS is not offered")
	case reply == nil:
		return dunno("STARTTLS was not answered")
	case reply.Code/100 == 4:
		return dunno(fmt.Sprintf("STARTTLS is offered, but was answered with %d %q, which may pass", reply.Code, clip(reply.Text())))
	case reply.Code != 220:
		return bad("STARTTLS is offered, but answered with %d %q", reply.Code, clip(reply.Text()))
	case s.TLS == nil:
		return dunno("no TLS handshake was held")
	case s.TLS.Error == "":
		return Verdict{Status: Pass}
	case s.Fail == nil || s.Fail.Kind == wire.FailTLS || s.Fail.Kind == wire.FailReset || s.Fail.Kind == wire.FailProtocol:
		return bad("the TLS handshake fails (%s)", clip(s.TLS.Error))
	}
	return dunno("the TLS handshake did not end")
}

// promisedCert judges the certificate of a host that does TLS.
func promisedCert(e *gather.Evidence, c conversation) Verdict {
	if v := promisedTLS(e, c); v.Status != Pass {
		return withoutTLS(v)
	}
	if len(c.Addr.Session.TLS.Chain) == 0 {
		return Verdict{Status: Unknown, Message: "the certificate was not seen"}
	}
	if err := c.Addr.Session.TLS.Verifies(c.Host.Name, e.At); err != nil {
		return Verdict{Status: Fail, Message: fmt.Sprintf("the certificate does not prove that this is %s (%s), %s", c.Host.Name, err, consequence(e))}
	}
	return Verdict{Status: Pass}
}

// withoutTLS says what the want of TLS means for a rule about what TLS showed.
func withoutTLS(v Verdict) Verdict {
	if v.Status == Fail {
		return Verdict{Status: NotApplicable, Message: "there is no TLS (mtasts-starttls)"}
	}
	return v
}

// consequence says what becomes of mail to a host that breaks the policy.
func consequence(e *gather.Evidence) string {
	switch {
	case stsServed(e.MTASTS).Policy.Mode != mtasts.Enforce:
		return "and in mode enforce senders would not deliver there"
	case !stsInForce(e):
		return "and senders will not deliver there as soon as they can use the policy"
	case e.MTASTS.TXT.Failed():
		return "and whether senders heed the policy is not known: " + noAnswer(e.MTASTS.TXT.Answer)
	}
	return "so senders that follow the policy do not deliver there"
}

func patterns(p *mtasts.Policy) string {
	var out []string
	for _, m := range p.MX {
		out = append(out, fmt.Sprintf("%q", clip(m.Text)))
	}
	return several(out)
}

// weigh sets the severity of hosts that break the policy: in mode enforce mail is
// lost where none is left that keeps it, and delayed or put at risk where some
// are; in mode testing nothing is lost yet.
func weigh(e *gather.Evidence, verdicts []Verdict) {
	sev := High
	switch {
	case stsServed(e.MTASTS).Policy.Mode != mtasts.Enforce || !stsInForce(e):
		sev = Medium
	case len(keepers(e)) == 0:
		sev = Critical
	}
	for i := range verdicts {
		if v := &verdicts[i]; v.Status == Fail || v.Status == Unknown {
			v.Severity = sev
			if v.Status == Unknown && sev == High && !someKeeps(e) { // it may be the last one
				v.Severity = Critical
			}
			if sev != Medium && e.MTASTS.TXT.Failed() {
				v.Status = Unknown // senders may not know of the policy at all
			}
		}
	}
}

// someKeeps reports that some address of an MX host is seen to keep the policy.
func someKeeps(e *gather.Evidence) bool {
	p := stsServed(e.MTASTS).Policy
	return slices.ContainsFunc(conversations(e), func(c conversation) bool {
		return len(p.Matches(c.Host.Name)) > 0 && promisedCert(e, c).Status == Pass
	})
}

// keepers gives the MX hosts that are neither proven to break the policy, by name
// or at each address that answered, nor proven dead.
func keepers(e *gather.Evidence) []string {
	p := stsServed(e.MTASTS).Policy
	var out []string
	all := conversations(e)
	for i := range e.MX.Hosts {
		h := &e.MX.Hosts[i]
		useless, other := 0, 0
		for _, c := range all {
			if c.Host != h {
				continue
			}
			dead, _ := c.unreached(e)
			switch {
			case dead == NotApplicable, dead == "" && (promisedTLS(e, c).Status == Fail || promisedCert(e, c).Status == Fail):
				useless++
			case dead != NotAsked:
				other++
			}
		}
		noAddress := h.A.Missing("A") && h.AAAA.Missing("AAAA")
		if len(p.Matches(h.Name)) > 0 && !noAddress && (useless == 0 || other > 0) {
			out = append(out, h.Name)
		}
	}
	for _, name := range e.MX.Names()[len(e.MX.Hosts):] { // of these nothing is known
		if len(p.Matches(name)) > 0 {
			out = append(out, name)
		}
	}
	return out
}
