package checks

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/psl"
	"mxvet/internal/smtp"
)

// Rules about the mail service that the hosts give on port 25: whether they
// greet, and what they say about themselves. smtp_tls.go has those about the way
// into TLS, smtp_auth.go those about logging in.
func smtpRules() []Rule {
	return slices.Concat(serviceRules(), starttlsRules(), authRules())
}

func serviceRules() []Rule {
	return []Rule{
		{
			ID: "smtp-banner-refuses", Area: AreaHosts, Severity: Critical,
			Bears: []Bearing{
				{On: Arrival, From: Critical, Weight: Decides, Everywhere: true, Direction: MailTo, Words: "its mail servers turn every sender away"},
				{On: Arrival, From: High, Weight: Partly, Direction: MailTo, Words: "a mail server turns senders away"},
			},
			Title: "the mail hosts take mail from strangers, or at least talk with them",
			Refs:  []string{"RFC 5321 section 3.1", "RFC 7504 section 3", "RFC 5321 section 4.3.2"},
			When:  needsSMTP, Judge: judgeBanner,
		},
		{
			ID: "smtp-ehlo-refused", Area: AreaHosts, Severity: High,
			Bears: []Bearing{
				{On: Arrival, From: High, Weight: Partly, Direction: MailTo, Words: "a mail server refuses the greeting of senders"},
				{On: Transit, From: High, Weight: Partly, Words: "a mail server cannot begin encryption"},
			},
			Title: "the mail hosts understand EHLO",
			Refs:  []string{"RFC 5321 section 4.5.1", "RFC 5321 section 3.2"},
			When:  needsSMTP, Judge: judgeEHLO,
		},
		{
			ID: "smtp-host-name", Area: AreaHosts, Severity: Low,
			Title: "the mail hosts name themselves with a full host name",
			Refs:  []string{"RFC 5321 section 2.3.5", "RFC 5321 section 4.2"},
			When:  needsSMTP, Judge: judgeHostName,
		},
		{
			ID: "smtp-banner-version", Area: AreaInfo, Severity: Info,
			Title: "the greeting does not show a software version",
			Refs:  []string{"practice"},
			When:  needsSMTP, Judge: judgeVersion,
		},
		{
			ID: "smtp-deferred", Area: AreaInfo, Severity: Info,
			Title: "the mail hosts talk to a stranger at the first try",
			Refs:  []string{"RFC 5321 section 3.8", "RFC 6647"},
			When:  needsSMTP, Judge: judgeDeferred,
		},
		{
			ID: "smtp-extensions", Area: AreaInfo, Severity: Info,
			Title: "the mail hosts offer the usual extensions",
			Refs:  []string{"RFC 1870", "RFC 2034", "RFC 2920", "RFC 6152", "RFC 6531"},
			When:  needsSMTP, Judge: judgeExtensions,
		},
		{
			ID: "smtp-addresses-differ", Area: AreaTLS, Severity: Medium,
			Title: "all addresses of a mail host behave alike",
			Refs:  []string{"RFC 9325 section 3.9"},
			When:  needsSMTP, Judge: judgeDifferences,
		},
	}
}

// judgeBanner tells a host that takes mail from nobody from one that refused us:
// the first is a fact about the host, the second one about the place from which
// was asked.
func judgeBanner(e *gather.Evidence) []Verdict {
	out := judgeEach(e, func(c conversation) Verdict {
		banner := smtp.Banner(c.Addr.Session.Exchanges)
		switch {
		case banner != nil && c.turnsAllAway(e):
			return Verdict{Status: Fail, Severity: High, Message: "it greets with " + replyText(banner) + ": it takes no mail, from anybody"}
		case banner != nil && banner.Code == 220 && c.helloUnknown():
			return Verdict{Status: NotApplicable, Message: "it greets with 220; smtp-ehlo-refused tells what comes after"}
		case smtp.Offered(c.Addr.Session.Exchanges, smtp.StageEHLO) == nil:
			status, why := c.mute(e)
			return Verdict{Status: status, Message: why}
		}
		return Verdict{Status: Pass}
	})
	if nobodyWelcome(e, out) {
		for i := range out {
			if out[i].Status == Fail {
				out[i].Severity = Critical
				out[i].Message += ", and no other address of the domain takes any: all mail to it is returned"
			}
		}
	}
	return out
}

// nobodyWelcome reports that every address of the domain was seen, and each that
// can be reached turns all senders away.
func nobodyWelcome(e *gather.Evidence, verdicts []Verdict) bool {
	away := false
	for _, v := range verdicts {
		switch v.Status {
		case Pass, Unknown:
			return false
		case Fail:
			away = true
		}
	}
	return away && len(mxNotTried(e)) == 0 && !slices.ContainsFunc(conversations(e), conversation.helloUnknown)
}

// noService finds the words with which a greeting says that no mail service is
// there for anybody.
var noService = regexp.MustCompile(`(?i)\b(no|not an?) (e?smtp|e-?mail|mail)\b.{0,12}\b(service|server|here)\b|\b(does not|doesn't|will not|not|never) (accept|receive|tak)(s|e|es|ing)? (any )?(e-?mail|mail|messages)\b`)

// turnsAllAway reports a greeting that says that the host takes mail from nobody:
// 521 (RFC 7504 section 3), or a 554 that says so in words (RFC 5321 section
// 3.1). Every other refusal may mean only the place that mxvet runs at, and so
// may these where they speak of the client.
func (c conversation) turnsAllAway(e *gather.Evidence) bool {
	banner := smtp.Banner(c.Addr.Session.Exchanges)
	return banner != nil && (banner.Code == 521 || banner.Code == 554 && noService.MatchString(banner.Text())) && !refusesUs(e, c, banner)
}

// helloUnknown reports a server that knows neither EHLO nor HELO.
func (c conversation) helloUnknown() bool {
	ex := c.Addr.Session.Exchanges
	ehlo, helo := smtp.Answered(ex, smtp.StageEHLO), smtp.Answered(ex, smtp.StageHELO)
	return ehlo != nil && (ehlo.Code == 500 || ehlo.Code == 502) && helo != nil && helo.Code/100 == 5
}

// aboutClient finds words in a refusal that speak of the client: its address,
// its name, its reputation, a list that it is on.
var aboutClient = regexp.MustCompile(`(?i)\b5\.7\.\d+\b|your|client|reputation|block|black|deny|denied|list|rbl\b|spam|banned|ptr\b|rdns|reverse|lookup|policy|abus|dynamic|residential|access|https?://`)

// refusesUs reports that a refusing greeting may mean us and not everybody.
func refusesUs(e *gather.Evidence, c conversation, banner *smtp.Reply) bool {
	text := banner.Text()
	if aboutClient.MatchString(text) || e.Options.EHLO != "" && strings.Contains(strings.ToLower(text), strings.ToLower(e.Options.EHLO)) {
		return true
	}
	return slices.ContainsFunc(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t[](){}<>,;=\"'", r) }), func(word string) bool {
		ip, err := netip.ParseAddr(strings.TrimPrefix(strings.TrimRight(word, ".:"), "IPv6:"))
		return err == nil && ip != c.Addr.IP
	})
}

func judgeEHLO(e *gather.Evidence) []Verdict {
	return judgeEach(e, func(c conversation) Verdict {
		ex := c.Addr.Session.Exchanges
		ehlo := smtp.Answered(ex, smtp.StageEHLO)
		switch {
		case ehlo == nil:
			status, why := c.mute(e)
			return Verdict{Status: status, Message: why}
		case ehlo.Code/100 == 2:
			return Verdict{Status: Pass}
		case ehlo.Code != 500 && ehlo.Code != 502:
			status, why := c.mute(e)
			return Verdict{Status: status, Message: why}
		}
		message := "EHLO is answered with " + replyText(ehlo)
		switch helo := smtp.Answered(ex, smtp.StageHELO); {
		case helo == nil:
		case helo.Code/100 == 2:
			message += "; HELO is taken, but it offers no extension, TLS among them"
		default:
			message += ", HELO with " + replyText(helo)
		}
		return Verdict{Status: Fail, Message: message}
	})
}

func judgeHostName(e *gather.Evidence) []Verdict {
	return judgeOffer(e, func(c conversation, _ *smtp.Features) Verdict {
		var wrong []string
		for _, n := range []struct{ where, stage string }{{"the greeting", smtp.StageBanner}, {"the answer to EHLO", smtp.StageEHLO}} {
			reply := smtp.Answered(c.Addr.Session.Exchanges, n.stage)
			if reply == nil { // in recordings that no run made
				continue
			}
			if why := notFullName(reply.FirstWord()); why != "" {
				wrong = append(wrong, fmt.Sprintf("%s begins with %q, %s", n.where, reply.FirstWord(), why))
			}
		}
		if wrong != nil {
			return Verdict{Status: Fail, Message: strings.Join(wrong, "; ")}
		}
		return Verdict{Status: Pass}
	})
}

// notFullName says why a name, as smtp.Reply.FirstWord gives it, cannot be the
// host's name in the public DNS; "" where it can.
func notFullName(name string) string {
	labels := strings.Split(name, ".")
	top := labels[len(labels)-1]
	_, err := netip.ParseAddr(name)
	switch {
	case strings.HasPrefix(name, "["), err == nil:
		return "an address and no name"
	case len(name) > 253, slices.ContainsFunc(labels, badLabel):
		return "which is no host name"
	case len(labels) < 2:
		return "which has no domain"
	case psl.Local(top), top == "arpa":
		return "which exists in no public DNS"
	case strings.Trim(top, "0123456789") == "":
		return "which is no host name"
	}
	return ""
}

func badLabel(label string) bool {
	return label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
		strings.ContainsFunc(label, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' && r < 0x80
		})
}

// version finds a product word and a number of two or more parts after it.
var (
	version = regexp.MustCompile(`([A-Za-z][A-Za-z+_-]*)[ /:,(]{1,3}v?(\d+\.\d+[\w./-]*)`)
	date    = regexp.MustCompile(`^(\d{1,2}\.\d{1,2}\.\d{2,4}|\d{4}\.\d{1,2}\.\d{1,2})$`)
)

func judgeVersion(e *gather.Evidence) []Verdict {
	return judgeEach(e, func(c conversation) Verdict {
		banner := smtp.Banner(c.Addr.Session.Exchanges)
		if banner == nil {
			return Verdict{Status: Unknown, Message: "no greeting came: " + c.Addr.Session.Fail.String()}
		}
		_, text, _ := strings.Cut(banner.Text(), " ") // the first word is the host's name
		for _, m := range version.FindAllStringSubmatch(text, -1) {
			number := strings.TrimRight(m[2], "./-")
			if _, err := netip.ParseAddr(number); err != nil && !date.MatchString(number) {
				return Verdict{Status: Fail, Message: fmt.Sprintf("the greeting shows %q: %s", m[1]+" "+number, replyText(banner))}
			}
		}
		return Verdict{Status: Pass}
	})
}

func judgeDeferred(e *gather.Evidence) []Verdict {
	return judgeEach(e, func(c conversation) Verdict {
		ex := c.Addr.Session.Exchanges
		for _, stage := range []string{smtp.StageBanner, smtp.StageEHLO, smtp.StageHELO, smtp.StageSTARTTLS, smtp.StageEHLOTLS} {
			if r := smtp.Answered(ex, stage); r != nil && r.Code/100 == 4 && (stage != smtp.StageSTARTTLS || r.Code == 421) {
				return Verdict{Status: Fail, Message: fmt.Sprintf("it put mxvet off at %s with %s: what comes after is unknown, so try again later", stageName(stage), replyText(r))}
			}
		}
		if smtp.Banner(ex) == nil {
			return Verdict{Status: Unknown, Message: "no greeting came: " + c.Addr.Session.Fail.String()}
		}
		switch post := envelopeOf(c, gather.FormPostmaster); {
		case relayLost(e, c):
			return Verdict{Status: Unknown, Message: "no recipient was named: " + e.Relay.NotAsked, Evidence: append(c.refs(), e.Relay.Lost)}
		case !post.asked:
			return Verdict{Status: Pass, Message: "as far as EHLO; no recipient was named"}
		case post.reply.Code/100 == 4:
			return Verdict{Status: Fail, Message: "it put mxvet off at the recipient postmaster (" + post.String() + "), as greylisting does: senders that come back are let in, so try again in some minutes"}
		}
		return Verdict{Status: Pass}
	})
}

func stageName(stage string) string {
	switch stage {
	case smtp.StageBanner:
		return "the greeting"
	case smtp.StageEHLOTLS:
		return "EHLO inside TLS"
	}
	return strings.ToUpper(stage)
}

// lastOffer gives what the server offers where senders end up: inside TLS if
// the conversation got there, else in clear text.
func (c conversation) lastOffer(clear *smtp.Features) *smtp.Features {
	if inside := smtp.Offered(c.Addr.Session.Exchanges, smtp.StageEHLOTLS); inside != nil {
		return inside
	}
	return clear
}

func judgeExtensions(e *gather.Evidence) []Verdict {
	return judgeOffer(e, func(c conversation, f *smtp.Features) Verdict {
		f = c.lastOffer(f)
		var missing []string
		for _, x := range []struct {
			name    string
			offered bool
		}{
			{"8BITMIME", f.EightBitMIME}, {"PIPELINING", f.Pipelining}, {"SIZE", f.SizeOffered}, {"ENHANCEDSTATUSCODES", f.Enhanced},
		} {
			if !x.offered {
				missing = append(missing, x.name)
			}
		}
		utf8 := "SMTPUTF8 is not offered"
		if f.SMTPUTF8 {
			utf8 = "SMTPUTF8 is offered"
		}
		if missing != nil {
			return Verdict{Status: Fail, Message: "it does not offer " + strings.Join(missing, ", ") + "; " + utf8}
		}
		return Verdict{Status: Pass, Message: utf8}
	})
}
