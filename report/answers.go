package report

import (
	"fmt"
	"strings"

	"mxvet/checks"
	"mxvet/internal/gather"
)

// Values of Answer.Answer.
const (
	Yes      = "YES"
	No       = "NO"
	Partly   = "PARTLY"
	Unclear  = "UNKNOWN"
	NoMatter = "NOT APPLICABLE"
)

// Values of Answer.Tone: whether the answer is good news.
const (
	ToneGood    = "good"
	ToneWarn    = "warn"
	ToneBad     = "bad"
	ToneUnknown = "unknown"
	ToneNone    = "none" // neither: the question does not apply
)

// A sign is a rule whose failure, from that severity up, decides an answer, and
// what it means in plain words.
type sign struct {
	rule    string
	atLeast checks.Severity
	words   string
}

// Others can forge the domain's mail.
var forgeable = []sign{
	{"dmarc-record-missing", checks.Low, "no DMARC record"},
	{"dmarc-record-void", checks.Low, "the DMARC record has no effect"},
	{"spf-passes-all", checks.Low, "SPF lets every address pass"},
	{"dkim-key-known", checks.High, "a DKIM key is publicly known"},
	{"dkim-key-short", checks.High, "a DKIM key is short enough to be broken"},
	{"spf-unregistered", checks.High, "SPF trusts a domain that anyone can register"},
	{"dmarc-policy-none", checks.Low, "DMARC only monitors (p=none)"},
	{"dmarc-policy-missing", checks.Low, "DMARC names no policy, so it only monitors"},
	{"dmarc-policy-invalid", checks.High, "the DMARC policy is invalid, so it only monitors"},
	{"dmarc-subpolicy-invalid", checks.High, "a DMARC subdomain policy is invalid and voids the record"},
}

// Some of it can be forged, or at some receivers.
var partlyForgeable = []sign{
	{"dmarc-subdomain-weaker", checks.Low, "subdomains are less protected"},
	{"dmarc-nonexistent-weak", checks.Medium, "names that do not exist below it are unprotected"},
	{"dmarc-testing", checks.Low, "DMARC is in test mode (t=y)"},
	{"dmarc-pct", checks.Medium, "older receivers stop only a share (pct)"},
	{"dmarc-discovery-differs", checks.Medium, "older and newer receivers find different policies"},
	{"spf-too-wide", checks.Medium, "SPF lets very wide networks pass"},
}

// Mail for the domain is lost now.
var lost = []sign{
	{"dns-nxdomain", checks.High, "the domain does not exist"},
	{"mx-none", checks.High, "no host takes its mail"},
	{"mx-no-address", checks.Critical, "no MX host has an address"},
	{"mx-unreachable", checks.Critical, "no MX host answers on port 25"},
	{"smtp-banner-refuses", checks.Critical, "its mail servers turn every sender away"},
	{"dnssec-bogus", checks.Critical, "DNSSEC is broken: validating senders see no domain"},
	{"dane-mismatch", checks.Critical, "DANE does not match: senders that check it do not deliver"},
	{"dane-no-starttls", checks.Critical, "DANE without STARTTLS: senders that check it do not deliver"},
	{"dane-lookup-fails", checks.Critical, "TLSA lookups fail: senders that check DANE do not deliver"},
	{"mtasts-mx-mismatch", checks.Critical, "the MTA-STS policy forbids its own MX hosts"},
	{"mtasts-cert", checks.Critical, "MTA-STS forbids delivery: bad certificates"},
	{"mtasts-starttls", checks.Critical, "MTA-STS forbids delivery: no STARTTLS"},
}

// Some of it is lost, or likely to be refused.
var partlyLost = []sign{
	{"dmarc-unauthenticated", checks.High, "its own mail cannot pass its DMARC policy"},
	{"dnsbl-listed", checks.High, "an address is on a block list"},
	{"relay-open", checks.High, "a server looks like an open relay"},
	{"mx-unreachable", checks.High, "an MX host does not answer"},
	{"mx-no-address", checks.High, "an MX host has no address"},
	{"mx-special-address", checks.High, "an MX address is not a public one"},
	{"mx-null-mixed", checks.High, "a null MX stands beside other MX records"},
	{"mx-not-hostname", checks.High, "an MX record names no valid host"},
	{"smtp-banner-refuses", checks.High, "a mail server turns senders away"},
	{"dnssec-bogus", checks.High, "DNSSEC is broken for a part of it"},
	{"dane-mismatch", checks.High, "DANE does not match on a host"},
	{"dane-no-starttls", checks.High, "a host has DANE without STARTTLS"},
	{"dane-lookup-fails", checks.High, "TLSA lookups fail for a host"},
	{"mtasts-mx-mismatch", checks.High, "MTA-STS forbids an MX host"},
	{"mtasts-cert", checks.High, "MTA-STS forbids a host: bad certificate"},
	{"mtasts-starttls", checks.High, "MTA-STS forbids a host: no STARTTLS"},
	{"spf-syntax", checks.High, "SPF is broken"},
	{"spf-record-multiple", checks.High, "there are several SPF records"},
	{"spf-lookup-limit", checks.High, "SPF needs too many DNS lookups"},
	{"spf-include-broken", checks.High, "an SPF include is broken"},
	{"spf-loop", checks.High, "SPF runs in a loop"},
	{"spf-redirect-broken", checks.High, "the SPF redirect is broken"},
	{"spf-void-limit", checks.High, "SPF has too many dead names"},
	{"spf-mx-limit", checks.High, "SPF meets too many MX hosts"},
	{"ip-ptr-missing", checks.High, "a host has no reverse DNS"},
	{"ip-ptr-unconfirmed", checks.High, "a host's reverse DNS does not lead back"},
}

// The policies against a downgrade, each by rules that must all pass.
var (
	enforcedMTASTS = []string{"mtasts-none", "mtasts-fetch", "mtasts-testing", "mtasts-mode-none"}
	publishedDANE  = []string{"dane-none", "dane-unsigned", "dane-mismatch"}
)

// A bench holds the results by rule, for the three answers.
type bench map[string]checks.Result

func answers(e *gather.Evidence, role string, results []checks.Result) []Answer {
	b := bench{}
	for _, r := range results {
		b[r.Rule.ID] = r
	}
	who := gather.Role{Name: role}
	return []Answer{b.forge(), b.arrive(e, who), b.transit(e, who)}
}

func (b bench) status(rule string) checks.Status { return b[rule].Status }

// first gives the words of the first sign that is proven.
func (b bench) first(signs []sign) (string, bool) {
	for _, s := range signs {
		if v, failed := worstFailure(b[s.rule]); failed && !s.atLeast.Worse(v.Severity) {
			return s.words, true
		}
	}
	return "", false
}

// unsettled gives the reason why one of the rules neither passed nor failed nor
// was inapplicable; ok is false when all are settled.
func (b bench) unsettled(rules ...string) (string, bool) {
	for _, id := range rules {
		res, there := b[id]
		if !there {
			return "not checked: " + id, true
		}
		if res.Status == checks.Unknown || res.Status == checks.NotAsked {
			for _, v := range res.Verdicts {
				if v.Status == res.Status && v.Message != "" {
					return bound(v.Message, maxMessage), true
				}
			}
			return "no usable answer: " + id, true
		}
	}
	return "", false
}

func (b bench) allPass(rules []string) bool {
	for _, id := range rules {
		if b.status(id) != checks.Pass {
			return false
		}
	}
	return true
}

func (b bench) forge() Answer {
	a := Answer{ID: "forge", Question: "Can others forge it?"}
	if words, bad := b.first(forgeable); bad {
		return a.with(Yes, ToneBad, words)
	}
	if why, open := b.unsettled("dmarc-record-missing", "dmarc-policy-none"); open {
		return a.with(Unclear, ToneUnknown, why)
	}
	if b.status("spf-passes-all") == checks.Unknown {
		why, _ := b.unsettled("spf-passes-all")
		return a.with(Unclear, ToneUnknown, why)
	}
	if words, some := b.first(partlyForgeable); some {
		return a.with(Partly, ToneWarn, words)
	}
	if b.status("dmarc-policy-quarantine") == checks.Fail {
		return a.with(No, ToneGood, "DMARC has forgeries put aside (p=quarantine)")
	}
	return a.with(No, ToneGood, "DMARC has forgeries rejected")
}

func (b bench) arrive(e *gather.Evidence, role gather.Role) Answer {
	a := Answer{ID: "arrive", Question: "Does its mail arrive?"}
	if !role.Receives() && !role.Sends() {
		return a.with(NoMatter, ToneNone, "it neither takes nor sends mail")
	}
	if words, bad := b.first(lost); bad {
		return a.with(No, ToneBad, words)
	}
	words, some := b.first(partlyLost)
	if role.Receives() && !some {
		if why, open := b.unsettled("mx-unreachable"); open {
			return a.with(Unclear, ToneUnknown, why)
		}
	}
	parts := []string{}
	if c := count(e); role.Receives() && c.hosts > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d MX up", c.up, c.hosts))
	}
	if some {
		return a.with(Partly, ToneWarn, strings.Join(append(parts, words), ", "))
	}
	if b.status("relay-open") == checks.Pass {
		parts = append(parts, "no relay seen")
	}
	if b.status("dnsbl-listed") == checks.Pass {
		parts = append(parts, "on no block list")
	}
	if len(parts) == 0 {
		parts = append(parts, "nothing was found that stops it")
	}
	return a.with(Yes, ToneGood, strings.Join(parts, ", "))
}

func (b bench) transit(e *gather.Evidence, role gather.Role) Answer {
	a := Answer{ID: "transit", Question: "Is transit protected?"}
	if !role.Receives() {
		return a.with(NoMatter, ToneNone, "no mail is delivered to it")
	}
	c := count(e)
	if c.up == 0 {
		if why, open := b.unsettled("smtp-starttls-none", "mx-unreachable"); open {
			return a.with(Unclear, ToneUnknown, why)
		}
		return a.with(Unclear, ToneUnknown, "no MX host was reached")
	}
	sts, dane := b.mtasts(), b.dane()
	text := strings.Join([]string{fmt.Sprintf("TLS on %d of %d MX", c.tls, c.hosts), dane.words, sts.words}, ", ")
	switch {
	case c.tls == 0:
		return a.with(No, ToneBad, text)
	case c.tls < c.up:
		return a.with(Partly, ToneWarn, text)
	case sts.state != checks.Pass && dane.state != checks.Pass:
		if sts.state == checks.Unknown || dane.state == checks.Unknown {
			return a.with(Unclear, ToneUnknown, text)
		}
		return a.with(Partly, ToneWarn, text)
	}
	for _, r := range b {
		if r.Rule.Area != checks.AreaTLS && r.Rule.Area != checks.AreaTransport {
			continue
		}
		if v, failed := worstFailure(r); failed && !checks.High.Worse(v.Severity) {
			return a.with(Partly, ToneWarn, text+", with serious findings")
		}
	}
	if c.up < c.hosts {
		return a.with(Unclear, ToneUnknown, text+", not every host was reached")
	}
	return a.with(Yes, ToneGood, text)
}

// A protection is the state of one policy, in words.
type protection struct {
	state checks.Status // pass, fail or unknown
	words string
}

func (b bench) mtasts() protection {
	switch {
	case b.status("mtasts-none") == checks.Fail:
		return protection{checks.Fail, "no MTA-STS"}
	case b.status("mtasts-testing") == checks.Fail:
		return protection{checks.Fail, "MTA-STS only tests"}
	case b.status("mtasts-mode-none") == checks.Fail:
		return protection{checks.Fail, "MTA-STS switched off"}
	case b.allPass(enforcedMTASTS):
		return protection{checks.Pass, "MTA-STS enforced"}
	}
	for _, id := range []string{"mtasts-record-invalid", "mtasts-record-missing", "mtasts-record-multiple", "mtasts-fetch", "mtasts-host-cert", "mtasts-policy-invalid"} {
		if b.status(id) == checks.Fail {
			return protection{checks.Fail, "MTA-STS broken"}
		}
	}
	return protection{checks.Unknown, "MTA-STS unknown"}
}

func (b bench) dane() protection {
	switch {
	case b.allPass(publishedDANE):
		return protection{checks.Pass, "DANE ok"}
	case b.status("dane-mismatch") == checks.Fail:
		return protection{checks.Fail, "DANE does not match"}
	case b.status("dane-none") == checks.Unknown || b.status("dane-mismatch") == checks.Unknown:
		return protection{checks.Unknown, "DANE unknown"}
	}
	return protection{checks.Fail, "no DANE"}
}

// A tally counts MX hosts: all, those of which some address answered, and those
// of which every address that answered also spoke TLS.
type tally struct{ hosts, up, tls int }

func count(e *gather.Evidence) tally {
	var t tally
	for _, h := range Hosts(e) {
		t.hosts++
		up, secure := false, true
		for _, a := range h.Addresses {
			if a.Reached {
				up = true
				secure = secure && a.TLS != nil && a.TLS.Error == ""
			}
		}
		if up {
			t.up++
			if secure {
				t.tls++
			}
		}
	}
	return t
}

func (a Answer) with(answer, tone, text string) Answer {
	a.Answer, a.Tone, a.Text = answer, tone, text
	return a
}
