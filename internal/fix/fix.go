// Package fix proposes what would clear failing verdicts.
//
// There is one fix for each record set that the domain can change in the DNS:
// the SPF record, the DMARC record, the MTA-STS record, the TLS-RPT record, the
// MX records. It is composed from all verdicts about that record, so two findings
// never lead to two records that contradict each other. What a change in the DNS
// cannot mend becomes steps for a person, with the setting of the server software
// or of the provider that was seen.
//
// A proposal is made from evidence alone, without asking anything, and promises
// nothing: package audit lays the changes over the answers, audits again, and
// calls a fix verified only if it did what it claims. A value that only the
// operator knows is asked for, never invented, and what is unknown is never
// mended.
package fix

import (
	"slices"
	"strings"

	"mxvet/checks"
	"mxvet/internal/gather"
	"mxvet/internal/paste"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// How safe it is to make a change now.
const (
	SafeNow       = "safe-now"       // breaks no mail
	NeedsEvidence = "needs-evidence" // safe only once something is known that reports or logs tell
	NeedsInput    = "needs-input"    // a value is missing that only the operator knows
	Manual        = "manual"         // work outside the DNS, which no audit over changed records can try
)

// How much work a fix is.
const (
	LowEffort    = "low"
	MediumEffort = "medium"
	HighEffort   = "high"
)

// Identifiers of the fixes of records. Those of steps are "steps-" and the rule.
const (
	SPFRecord    = "spf-record"
	HELORecord   = "helo-spf"
	DMARCRecord  = "dmarc-record"
	MTASTSRecord = "mtasts-record"
	MTASTSPolicy = "mtasts-policy"
	TLSRPTRecord = "tlsrpt-record"
	NullMX       = "null-mx"
	MXRecords    = "mx-records"
	FinalDot     = "final-dot"
	DKIMRecord   = "dkim-record"
	BIMIRecord   = "bimi-record"
	ZoneQuotes   = "zone-quotes" // of a text with no fix of its own

	DKIMKeys      = "dkim-keys"
	DKIMAliases   = "dkim-aliases"
	NoMailRecords = "no-mail-records"
)

// A Claim is one failing verdict that a fix is to clear.
type Claim struct{ Rule, Subject, Key string }

// A Fix is one proposal.
type Fix struct {
	ID            string
	Title         string        // what to do, in words
	Claims        []Claim       // in the order of the rules, the one that names it first
	Changes       []zone.Change // empty: nothing that the DNS can mend, or a value is missing
	Steps         []Step        // for a person
	Effort        string
	Safety        string
	Needs         string     // the evidence or the input that is asked for
	Undo          paste.Text // what to do, and in lines of their own the records to publish again
	VisibleWithin int        // seconds that caches may hold what was there before
	Next          []Stage
	dns           bool // steps that end in a record of the domain
}

// Record reports whether a fix is a record to publish, also where a value in it, or
// the key behind it, has to be made elsewhere first.
func (f Fix) Record() bool {
	return f.dns || len(f.Changes) > 0 || slices.ContainsFunc(f.Next, func(s Stage) bool { return len(s.Changes) > 0 })
}

// A Stage is a later step of a change that must not be made at once.
type Stage struct {
	When    string        // what must hold before
	Changes []zone.Change // over those of the fix and of the stages before
	Untried bool          // it waits for what changes the outcome and no audit can see today
}

// A Step is something for a person to do: a text whose lines after the first are to
// be copied as they stand, records or a file.
type Step = paste.Text

// Rules gives the rules of the claims, each once, in their order.
func (f Fix) Rules() []string {
	var out []string
	for _, c := range f.Claims {
		if !slices.Contains(out, c.Rule) {
			out = append(out, c.Rule)
		}
	}
	return out
}

// Then gives the fix that does what f does and then what g does, which was
// proposed for the records as f leaves them. It claims what f claims, and of what
// g claims that which was failing before.
func (f Fix) Then(g Fix, failing func(Claim) bool) Fix {
	out := f
	out.Changes = Squash(f.Changes, g.Changes)
	out.Claims = slices.Clone(f.Claims)
	for _, c := range g.Claims {
		if failing(c) && !slices.Contains(out.Claims, c) {
			out.Claims = append(out.Claims, c)
		}
	}
	out.Steps = slices.Concat(f.Steps, g.Steps)
	out.Safety = f.Safety
	if riskier(g.Safety, f.Safety) {
		out.Safety = g.Safety
	}
	out.Needs = join(f.Needs, g.Needs)
	out.Next = g.Next
	out.Undo = undo(out.Changes)
	return out
}

func riskier(a, b string) bool {
	order := []string{SafeNow, Manual, NeedsEvidence, NeedsInput}
	return slices.Index(order, a) > slices.Index(order, b)
}

// join puts two texts into one, each once.
func join(a, b string) string {
	switch {
	case a == "" || a == b:
		return b
	case b == "":
		return a
	}
	return a + "; " + b
}

// Squash gives the changes that do in one go what first and then second do.
func Squash(first, second []zone.Change) []zone.Change {
	out := slices.Clone(first)
	for _, c := range second {
		i := slices.IndexFunc(out, func(o zone.Change) bool { return o.Owner == c.Owner && o.Type == c.Type })
		if i < 0 {
			out = append(out, c)
			continue
		}
		was := out[i]
		now := zone.Change{Owner: c.Owner, Type: c.Type, TTL: c.TTL, Remove: slices.Clone(was.Remove)}
		for _, data := range was.Add {
			if !slices.Contains(c.Remove, data) && !slices.Contains(c.Remove, "*") {
				now.Add = append(now.Add, data)
			}
		}
		for _, data := range c.Remove {
			if !slices.Contains(was.Add, data) && !slices.Contains(now.Remove, data) {
				now.Remove = append(now.Remove, data)
			}
		}
		for _, data := range c.Add {
			if !slices.Contains(now.Add, data) {
				now.Add = append(now.Add, data)
			}
		}
		out[i] = now
	}
	return out
}

// Propose gives the fixes for what failed: first those of records, then steps for
// the verdicts that no record can clear. No two of them change the same RRset. Of
// a domain that does not exist nothing but that is to be mended.
func Propose(e *gather.Evidence, results []checks.Result) []Fix {
	c := &composer{e: e, results: results}
	var out []Fix
	if c.fails("dns-nxdomain", "") {
		out := Steps(e, results, func(claim Claim) bool { return claim.Rule != "dns-nxdomain" })
		for i := range out { // all the rest comes of that
			for _, res := range results {
				for _, v := range c.failing(res.Rule.ID) {
					if claim := (Claim{res.Rule.ID, v.Subject, v.Key}); !slices.Contains(out[i].Claims, claim) {
						out[i].Claims = append(out[i].Claims, claim)
					}
				}
			}
		}
		return out
	}
	proposals := []func() (Fix, bool){c.spf, c.helo, c.dmarc, c.mtastsRecord, c.mtastsPolicy, c.tlsrpt, c.mx, c.dkimKeys, c.dkimAliases}
	if c.suggestsNoMail() {
		proposals = []func() (Fix, bool){c.absent}
	}
	for _, propose := range proposals {
		if f, ok := propose(); ok && (c.worthwhile(f) || f.ID == NoMailRecords) {
			out = append(out, f)
		}
	}
	out = withCircles(e, separate(beside(c.slips(), out)))
	for i := range out {
		if f := &out[i]; f.Undo.Empty() && len(f.Changes) > 0 {
			f.Undo = undo(f.Changes)
		}
		out[i].dns = out[i].ID != MTASTSPolicy // a file on a web server
	}
	taken := map[Claim]bool{}
	for _, f := range out {
		for _, claim := range f.Claims {
			taken[claim] = true
		}
	}
	return append(out, Steps(e, results, func(c Claim) bool { return taken[c] })...)
}

// A composer makes the proposals for one domain.
type composer struct {
	e       *gather.Evidence
	results []checks.Result
}

// failing gives the failing verdicts of a rule.
func (c *composer) failing(rule string) []checks.Verdict {
	for _, res := range c.results {
		if res.Rule.ID == rule && res.Status == checks.Fail {
			return slices.DeleteFunc(slices.Clone(res.Verdicts), func(v checks.Verdict) bool { return v.Status != checks.Fail })
		}
	}
	return nil
}

// fails reports whether a rule fails, for that key unless it is "".
func (c *composer) fails(rule, key string) bool {
	return slices.ContainsFunc(c.failing(rule), func(v checks.Verdict) bool { return key == "" || v.Key == key })
}

// severity gives the severity of a claimed verdict, "" where it does not fail.
func (c *composer) severity(claim Claim) checks.Severity {
	for _, v := range c.failing(claim.Rule) {
		if v.Subject == claim.Subject && v.Key == claim.Key {
			return v.Severity
		}
	}
	return ""
}

// worst gives the worst severity among claims, info where there are none.
func (c *composer) worst(claims []Claim) checks.Severity {
	worst := checks.Info
	for _, claim := range claims {
		if s := c.severity(claim); s != "" && s.Worse(worst) {
			worst = s
		}
	}
	return worst
}

// worthwhile reports whether a fix clears anything that costs points; a remark
// alone is no reason to touch a record.
func (c *composer) worthwhile(f Fix) bool { return c.worst(f.Claims) != checks.Info }

// inOrder sorts claims, the most severe first, so that they name the fix.
func (c *composer) inOrder(claims []Claim) []Claim {
	slices.SortStableFunc(claims, func(a, b Claim) int {
		switch x, y := c.severity(a), c.severity(b); {
		case x.Worse(y):
			return -1
		case y.Worse(x):
			return 1
		}
		return 0
	})
	return claims
}

// separate sees to it that no two fixes change the same RRset. What clashes is
// only ever the removal of a stray record; it becomes a step.
func separate(fixes []Fix) []Fix {
	type set struct{ owner, rrtype string }
	taken := map[set]bool{}
	for i := range fixes {
		f := &fixes[i]
		f.Changes = slices.DeleteFunc(f.Changes, func(ch zone.Change) bool {
			if key := (set{ch.Owner, ch.Type}); !taken[key] || len(ch.Add) > 0 {
				return false
			}
			for _, data := range ch.Remove {
				f.Steps = append(f.Steps, paste.Words("Then remove the stray %s record of %s:\n%s", ch.Type, ch.Owner, paste.Record(ch.Owner, -1, ch.Type, data)))
			}
			return true
		})
		for _, ch := range f.Changes {
			taken[set{ch.Owner, ch.Type}] = true
		}
	}
	return fixes
}

// below reports whether a name is the domain or lies below it.
func below(name, domain string) bool {
	return name == domain || strings.HasSuffix(name, "."+domain)
}

// usable reports whether an answer may be built upon.
func usable(a wire.Answer) bool { return a.OK() && !a.TCPFailed }
