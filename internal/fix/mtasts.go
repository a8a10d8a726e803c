package fix

import (
	"slices"
	"strings"

	"mxvet/checks"
	"mxvet/internal/gather"
	"mxvet/internal/mtasts"
	"mxvet/internal/paste"
)

// Lifetimes of a policy in seconds: while it is tried, and once it stands.
const (
	policyDay   = 86400
	policyWeeks = 1209600
)

// stsID gives the id of a record made at the audit's time.
func (c *composer) stsID() string { return c.e.At.UTC().Format("20060102150405") }

// servedPolicy gives the policy that the first address serves and that has the
// fields of one; nil where none does.
func servedPolicy(r *mtasts.Result) *mtasts.Policy {
	for _, f := range r.Pages {
		if f.Policy != nil && (f.Policy.Mode != "" || len(f.Policy.MX) > 0) {
			return f.Policy
		}
	}
	return nil
}

// mtastsRecord proposes the TXT record that announces the policy.
func (c *composer) mtastsRecord() (Fix, bool) {
	r := c.e.MTASTS
	claims := c.claims(MTASTSRecord, r.TXT.Name, true)
	if len(claims) == 0 || r.TXT.Failed() {
		return Fix{}, false
	}
	here := slices.Concat(r.Records, r.Others)
	place, ok := c.placeOf(r.TXT, len(here) == 0 && len(r.Chain) > 0 && r.TXT.Answer.Missing("TXT"))
	if !ok {
		return c.elsewhere(MTASTSRecord, "correct the MTA-STS record", r.TXT, r.Chain), true
	}
	policy := servedPolicy(r)
	if policy == nil || !policy.Usable() {
		if len(here) == 0 {
			return Fix{}, false // the policy comes first
		}
	}
	var old []string
	for _, rec := range here {
		old = append(old, rec.Text)
	}
	f := Fix{
		ID: MTASTSRecord, Title: "announce the MTA-STS policy", Claims: claims, Effort: LowEffort, Safety: SafeNow,
		Changes:       place.publish(r.TXT.Answer, old, "v=STSv1; id="+c.stsID()+";"),
		VisibleWithin: visible(r.TXT.Answer, "TXT"), Undo: withdraw(policy),
	}
	if len(old) > 0 {
		f.Title = "correct the MTA-STS record"
	}
	if policy != nil && policy.Mode == mtasts.Enforce && !c.everyHostProven() {
		f.Safety = NeedsEvidence
		f.Needs = "that every MX host does TLS with a valid certificate: from here not all of them could be seen to, and the policy is enforced"
	}
	for _, p := range []mtasts.Place{r.Doubled, r.Apex} {
		var texts []string
		for _, rec := range p.Records {
			texts = append(texts, rec.Text)
		}
		if ch := removal(p.Asked, texts...); len(ch.Remove) > 0 && len(here) == 0 && ch.Owner != f.Changes[0].Owner {
			f.Changes = append(f.Changes, ch)
		}
	}
	return f, true
}

// withdraw says how a policy is taken back: senders keep it until its max_age is
// over, whatever becomes of the record, unless they fetch one of mode none before
// (RFC 8461 section 8.3).
func withdraw(p *mtasts.Policy) paste.Text {
	wait := paste.Words("the longest max_age that was served before is over")
	if p != nil && p.MaxAge > 0 {
		wait = paste.Words("%d seconds, its max_age until now, are over", p.MaxAge)
	}
	return paste.Words("serve the policy with mode none and max_age %d, and give the record a new id; remove both only once %s, since senders keep the policy that they know", policyDay, wait)
}

// everyHostProven reports whether each address of each MX host was seen to do TLS
// with a certificate that senders accept.
func (c *composer) everyHostProven() bool {
	for _, h := range c.e.MX.Hosts {
		if len(h.Addrs) == 0 {
			return false
		}
		for _, a := range h.Addrs {
			if t := a.Session.TLS; t == nil || t.Error != "" || t.Verifies(h.Name, c.e.At) != nil {
				return false
			}
		}
	}
	return len(c.e.MX.Hosts) > 0
}

// mtastsPolicy proposes the policy file. The DNS cannot hold it, so it comes as
// text to serve.
func (c *composer) mtastsPolicy() (Fix, bool) {
	r := c.e.MTASTS
	claims := c.claims(MTASTSPolicy, r.TXT.Name, true)
	if len(claims) == 0 || len(c.policyHosts()) == 0 {
		return Fix{}, false
	}
	if c.mailDead() || c.unsteadyMX() {
		return Fix{
			ID: MTASTSPolicy, Title: "mend the MX records before the MTA-STS policy", Claims: claims, Effort: MediumEffort, Safety: Manual,
			Steps: []Step{paste.Words("First see that the MX records name hosts that take mail, and no others. A policy for the hosts of today would have senders hold fast to what is broken, so write it, in mode testing, only then.")},
		}, c.worst(claims) != checks.Low
	}
	served := servedPolicy(r)
	for _, claim := range claims { // a page that cannot be fetched has other steps
		if served == nil && claim.Rule != "mtasts-none" && claim.Rule != "mtasts-policy-invalid" {
			return Fix{}, false
		}
	}
	mode, age := mtasts.Testing, int64(policyDay)
	f := Fix{ID: MTASTSPolicy, Claims: claims, Effort: MediumEffort, Safety: Manual, Undo: paste.Words("serve the old file again, with a new id in the record")}
	switch {
	case served == nil && !r.NoHost() && len(r.Pages) > 0:
		f.Title, f.Undo = "serve an MTA-STS policy", withdraw(nil)
	case served == nil:
		f.Title, f.Effort, f.Safety = "publish an MTA-STS policy", HighEffort, NeedsInput
		f.Undo = withdraw(nil)
		f.Needs = "the address of a web server that can serve " + r.Host
	default:
		f.Title, f.Claims = "correct the MTA-STS policy", slices.Concat(claims, c.unequalBy(claims))
		if served.Mode == mtasts.Enforce {
			mode = mtasts.Enforce
		}
		age = served.MaxAge
		switch {
		case age < policyDay: // none at all is under it
			age = policyDay
		case age > mtasts.MaxAgeLimit:
			age = mtasts.MaxAgeLimit
		}
		if only := without(claims, "mtasts-testing", "mtasts-max-age-short", "mtasts-line-ending", "mtasts-mx-stale", "mtasts-unknown-field"); served.Mode == mtasts.Testing && len(only) == 0 && c.everyHostProven() {
			mode = mtasts.Enforce
			f.Title, f.Safety, f.Needs = "put the MTA-STS policy into force", NeedsEvidence, "two weeks of TLS reports without failures"
		}
		if c.fails("mtasts-max-age-short", "") || mode == mtasts.Enforce && served.Mode != mtasts.Enforce {
			age = max(age, policyWeeks)
		}
	}
	if served == nil && !(!r.NoHost() && len(r.Pages) > 0) {
		f.Steps = append(f.Steps, paste.Words("Give %s A and AAAA records of a web server, and a certificate for that name.", r.Host))
	}
	f.Steps = append(f.Steps, paste.Words("Serve this file as text/plain at %s (lines end in CR LF):\n%s", paste.Shown(r.URL()), c.policyText(mode, age)))
	f.Steps = append(f.Steps, paste.Words("Then publish the record, with a new id at each change of the file:\n%s", paste.Record(r.TXT.Name, defaultTTL, "TXT", Quote("v=STSv1; id="+c.stsID()+";"))))
	if mode == mtasts.Testing {
		f.Steps = append(f.Steps, paste.Words("After two weeks of TLS reports without failures, change the mode to enforce, max_age to 1209600, and the id."))
	}
	return f, true
}

// unequalBy gives the claims that a mail host is less protected than others where a
// place in the policy is all that it lacks: the corrected policy mends these too.
func (c *composer) unequalBy(claims []Claim) []Claim {
	var out []Claim
	for _, v := range c.failing("mx-unequal") {
		named := slices.ContainsFunc(claims, func(claim Claim) bool { return claim.Rule == "mtasts-mx-mismatch" && claim.Subject == v.Subject })
		more := slices.ContainsFunc(c.results, func(res checks.Result) bool {
			cause := steps().Rules[res.Rule.ID].Cause
			return cause != "" && cause != anyCause && slices.ContainsFunc(c.failing(res.Rule.ID), func(o checks.Verdict) bool {
				h := hostOf(c.e, o.Subject)
				return h != nil && h.Name == v.Subject
			})
		})
		if named && !more {
			out = append(out, Claim{"mx-unequal", v.Subject, v.Key})
		}
	}
	return out
}

// unsteadyMX reports that the MX records are to be changed anyway: a name without
// its final dot, one that anybody can register, one that leads nowhere.
func (c *composer) unsteadyMX() bool {
	if slices.ContainsFunc(c.e.Dotless, func(d gather.Dotless) bool { return d.Type == "MX" && d.Lost() }) || c.fails("mx-not-hostname", "") {
		return true
	}
	return slices.ContainsFunc(c.e.MX.Hosts, func(h gather.Host) bool {
		return h.Name != "." && (addressless(h) || c.unregistered(h.Name))
	})
}

// unregistered reports whether a name depends on one that anybody can register.
func (c *composer) unregistered(host string) bool {
	return slices.ContainsFunc(c.failing("dns-unregistered"), func(v checks.Verdict) bool { return below(host, v.Subject) || below(host, v.Key) && v.Key != "" })
}

// policyText writes the policy for the MX hosts as they are.
func (c *composer) policyText(mode string, age int64) paste.Text {
	return paste.Words("version: STSv1\nmode: %s\n%s\nmax_age: %d", mode, mxLines(c.policyHosts()), age)
}

// mxLines gives the lines of a policy that name hosts.
func mxLines(hosts []string) paste.Text {
	var lines []paste.Text
	for _, name := range hosts {
		lines = append(lines, paste.Words("mx: %s", name))
	}
	return paste.Join(lines, "\n")
}

// policyHosts gives all MX hosts, also those that were not looked at, as a policy can
// name them, nil where one of them is not known or no host name: an address has no
// place in a policy (RFC 8461 section 3.2), and the MX records have to be mended first.
func (c *composer) policyHosts() []string {
	if !usable(c.e.MX.Answer) {
		return nil
	}
	var out []string
	for _, name := range c.e.MX.Names() {
		switch {
		case name == ".":
		case !hostName(name):
			return nil
		default:
			out = append(out, name)
		}
	}
	return out
}

// hostName reports whether a name is made of letters, digits and hyphens, with a
// last label that is no number, so that it is no address.
func hostName(name string) bool {
	labels := strings.Split(name, ".")
	for _, l := range labels {
		if l == "" || strings.Trim(strings.ToLower(l), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || l[0] == '-' || l[len(l)-1] == '-' {
			return false
		}
	}
	return len(labels) > 1 && strings.Trim(labels[len(labels)-1], "0123456789") != ""
}
