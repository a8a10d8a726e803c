package checks

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/mtasts"
	"mxvet/internal/smtp"
	"mxvet/internal/wire"
)

// Rules about the way from clear text into TLS.
func starttlsRules() []Rule {
	return []Rule{
		{
			ID: "smtp-starttls-none", Area: AreaTLS, Severity: High,
			Bears: []Bearing{
				{On: Transit, From: High, Weight: Decides, Everywhere: true, Words: "no host offers encryption to this machine"},
				{On: Transit, From: High, Weight: Partly, Words: "a host offers no encryption to this machine"},
			},
			Title: "the mail hosts offer STARTTLS",
			Refs:  []string{"RFC 3207 section 4", "RFC 7672 section 2.2"},
			When:  needsSMTP, Judge: judgeNoSTARTTLS,
		},
		{
			ID: "smtp-starttls-fails", Area: AreaTLS, Severity: High,
			Bears: []Bearing{
				{On: Transit, From: Medium, Weight: Decides, Everywhere: true, Words: "encryption fails at its hosts"},
				{On: Transit, From: Medium, Weight: Partly, Words: "encryption fails at a host"},
			},
			Title: "STARTTLS leads to a TLS connection",
			Refs:  []string{"RFC 3207 section 4", "RFC 7672 section 2.2"},
			When:  needsSMTP, Judge: judgeBrokenSTARTTLS,
		},
		{
			ID: "smtp-requiretls", Area: AreaInfo, Severity: Low,
			Title: "REQUIRETLS is offered only where it can be used",
			Refs:  []string{"RFC 8689 section 2", "RFC 8689 section 4.2.1"},
			When:  needsSMTP, Judge: judgeRequireTLS,
		},
	}
}

// masked is what some firewalls make of a keyword that they do not like, starred
// what they make of a greeting.
var (
	masked  = regexp.MustCompile(`^X{7,}[A-Z]?$`)
	starred = regexp.MustCompile(`\*{8,}`)
)

// stripSigns names what a conversation shows of something on the way that takes
// offers and commands out of it.
func stripSigns(c conversation, f *smtp.Features) string {
	var signs []string
	if i := slices.IndexFunc(f.Keywords, func(k smtp.Keyword) bool { return masked.MatchString(k.Name) }); i >= 0 {
		signs = append(signs, fmt.Sprintf("the keyword %q", f.Keywords[i].Name))
	}
	if banner := smtp.Banner(c.Addr.Session.Exchanges); banner != nil && starred.MatchString(banner.Text()) {
		signs = append(signs, "the stars in its greeting")
	}
	if r := smtp.Answered(c.Addr.Session.Exchanges, smtp.StageSTARTTLS); r != nil && (r.Code == 500 || r.Code == 502) {
		signs = append(signs, "that a command which is offered is not known")
	}
	return strings.Join(signs, " and ")
}

func judgeNoSTARTTLS(e *gather.Evidence) []Verdict {
	offers := slices.ContainsFunc(conversations(e), func(c conversation) bool { f := c.offer(); return f != nil && f.StartTLS })
	return judgeOffer(e, func(c conversation, f *smtp.Features) Verdict {
		signs := stripSigns(c, f)
		switch {
		case f.StartTLS:
			return Verdict{Status: Pass}
		case signs != "" && offers:
			return Verdict{Status: Fail, Message: "STARTTLS is not offered to this machine; a firewall before the server seems to take it away: it shows in " + signs}
		case signs != "":
			return Verdict{Status: Unknown, Message: "STARTTLS is not offered to this machine; a firewall on the way seems to take it away, and it may stand at either end: it shows in " + signs}
		}
		var names []string
		for _, k := range f.Keywords[:min(len(f.Keywords), 12)] {
			names = append(names, k.Name)
		}
		if names == nil {
			return Verdict{Status: Fail, Message: "STARTTLS is not offered to this machine, nor any other extension"}
		}
		return Verdict{Status: Fail, Message: fmt.Sprintf("STARTTLS is not offered to this machine (offered: %q)", strings.Join(names, " "))}
	})
}

// judgeBrokenSTARTTLS is milder about a server that says that it cannot just now,
// unless no address of the domain gives TLS.
func judgeBrokenSTARTTLS(e *gather.Evidence) []Verdict {
	out := judgeEachSTARTTLS(e)
	works := func(v Verdict) bool { return v.Status == Pass || v.Status == Unknown }
	if !slices.ContainsFunc(out, works) {
		for i := range out {
			if out[i].Status == Fail {
				out[i].Severity = High
			}
		}
	}
	return out
}

func judgeEachSTARTTLS(e *gather.Evidence) []Verdict {
	return judgeOffer(e, func(c conversation, f *smtp.Features) Verdict {
		s := c.Addr.Session
		r := smtp.Answered(s.Exchanges, smtp.StageSTARTTLS)
		switch {
		case !f.StartTLS:
			return Verdict{Status: NotApplicable, Message: "it does not offer STARTTLS"}
		case r != nil && r.Code/100 == 4 && r.Code != 421:
			return Verdict{Status: Fail, Severity: Medium, Message: "STARTTLS is offered, but answered with " + replyText(r)}
		case r != nil && r.Code != 220 && r.Code != 421:
			message := "STARTTLS is offered, but answered with " + replyText(r)
			if signs := stripSigns(c, f); signs != "" {
				message += "; perhaps a firewall on the way takes the command out: it shows in " + signs
			}
			return Verdict{Status: Fail, Message: message}
		case r == nil && s.Fail != nil && s.Fail.Kind == wire.FailReset:
			return Verdict{Status: Fail, Message: "STARTTLS is offered, but the server closes the connection instead of an answer: " + s.Fail.String()}
		}
		status, why := c.noTLS(f)
		switch {
		case status == Unknown:
			return Verdict{Status: Unknown, Message: why}
		case status == "":
			return afterHandshake(c)
		case wantsClient(s.TLS):
			return Verdict{Status: NotApplicable, Message: "it insists on a client certificate"}
		case unreadable(s.TLS.Error):
			return Verdict{Status: Unknown, Message: "mxvet cannot read what the server shows, others perhaps can: " + s.TLS.Error}
		}
		return Verdict{Status: Fail, Message: "STARTTLS is offered, but the TLS handshake fails: " + s.TLS.Error}
	})
}

// afterHandshake judges whether the conversation goes on inside TLS.
func afterHandshake(c conversation) Verdict {
	s := c.Addr.Session
	switch r := smtp.Answered(s.Exchanges, smtp.StageEHLOTLS); {
	case r != nil && r.Code/100 == 2:
		return Verdict{Status: Pass}
	case r != nil && r.Code/100 == 5:
		return Verdict{Status: Fail, Message: "inside TLS, EHLO is answered with " + replyText(r)}
	case r != nil:
		return Verdict{Status: Unknown, Message: "inside TLS, EHLO was answered with " + replyText(r)}
	case s.Fail != nil && s.Fail.Kind == wire.FailReset:
		return Verdict{Status: Fail, Message: "the server closes the connection right after the TLS handshake: " + s.Fail.String()}
	}
	return Verdict{Status: Unknown, Message: "inside TLS, EHLO was not answered: " + s.Fail.String()}
}

// unreadable reports an error that is about the limits of the library that mxvet
// speaks TLS with: certificates and keys which it will not look at.
func unreadable(err string) bool {
	return slices.ContainsFunc([]string{"failed to parse certificate", "keys are insecure", "RSA key larger than", "unsupported certificate"}, func(s string) bool {
		return strings.Contains(err, s) && !strings.Contains(err, "remote error")
	})
}

// judgeRequireTLS judges servers that offer REQUIRETLS: a sender may use it only
// where the host is vouched for, by DNSSEC or MTA-STS, and its certificate
// verifies. DNSSEC is not looked at, so without MTA-STS nothing is said.
func judgeRequireTLS(e *gather.Evidence) []Verdict {
	return judgeTLS(e, func(c conversation, t *wire.TLS) Verdict {
		inside := smtp.Offered(c.Addr.Session.Exchanges, smtp.StageEHLOTLS)
		switch {
		case inside == nil:
			return Verdict{Status: Unknown, Message: "EHLO inside TLS was not answered"}
		case !inside.RequireTLS:
			return Verdict{Status: NotApplicable, Message: "REQUIRETLS is not offered"}
		}
		err := t.Verifies(c.Host.Name, e.At)
		switch vouched := vouchedFor(e, c.Host.Name); {
		case !vouched && e.MTASTS != nil && e.MTASTS.TXT.Failed():
			status, why := dnsSilence(e.MTASTS.TXT.Name+" TXT", e.MTASTS.TXT.Answer)
			return Verdict{Status: status, Message: "REQUIRETLS is offered; whether an MTA-STS policy vouches for the host is not known: " + why}
		case !vouched:
			return Verdict{Status: NotAsked, Message: "REQUIRETLS is offered; no MTA-STS policy vouches for the host, and DNSSEC is not looked at here"}
		case err != nil:
			return Verdict{Status: Fail, Message: "REQUIRETLS is offered, but no sender can use it, since the certificate does not verify: " + err.Error()}
		}
		return Verdict{Status: Pass, Message: "REQUIRETLS is offered, and the host is vouched for by MTA-STS"}
	})
}

// vouchedFor reports that a usable MTA-STS policy lists the host.
func vouchedFor(e *gather.Evidence, host string) bool {
	if e.MTASTS == nil || e.MTASTS.Record() == nil {
		return false
	}
	p := e.MTASTS.Policy()
	return p != nil && p.Usable() && p.Mode != mtasts.NoMode && len(p.Matches(host)) > 0
}

// enforced reports that senders which honour MTA-STS will not deliver to the
// host unless its certificate verifies.
func enforced(e *gather.Evidence, host string) bool {
	return vouchedFor(e, host) && e.MTASTS.Policy().Mode == mtasts.Enforce
}

// wantsClient reports a handshake that failed for want of a client certificate.
func wantsClient(t *wire.TLS) bool { return t != nil && t.WantsClientCert && t.Error != "" }
