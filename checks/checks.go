// Package checks holds the rules: what mxvet thinks of what it saw.
//
// A rule is one requirement that a mail domain should meet, taken from a
// standard or from the published rules of large receivers. It is a pure
// function from the gathered evidence to verdicts: no network, no clock (the
// audit's time is Evidence.At), no files. Rules live in one file or a few per
// area; All lists them. To add one: an entry in its area's file, with what it bears
// on if it can be high or worse, a page docs/RULE-ID.md, and two scenarios under
// testdata/scenarios, one that fails and one that is clean.
package checks

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// A Status is the outcome of a rule for one subject.
type Status string

// The statuses, as JSON writes them. Unknown is a result: it costs no points,
// never reads as missing, and always says why.
const (
	Fail          Status = "fail"
	Unknown       Status = "unknown" // asked, no usable answer
	Pass          Status = "pass"
	NotAsked      Status = "not-asked"      // would need --deep, history, a message, or a network that is switched off
	NotApplicable Status = "not-applicable" // by role or by fact
)

// A Severity says how much a failure matters.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical" // mail is lost now, or the domain can be impersonated now
	High     Severity = "high"     // a protection is void, or large receivers will reject mail
	Medium   Severity = "medium"   // a protection is weakened
	Low      Severity = "low"      // hygiene
	Info     Severity = "info"     // context, never costs points
)

var (
	severities = []Severity{Critical, High, Medium, Low, Info}
	statuses   = []Status{Fail, Unknown, Pass, NotAsked, NotApplicable}
)

// Worse reports whether s is more severe than t.
func (s Severity) Worse(t Severity) bool {
	return slices.Index(severities, s) < slices.Index(severities, t)
}

// Score areas. A rule in AreaInfo never costs points.
const (
	AreaDMARC      = "dmarc"
	AreaSPF        = "spf"
	AreaDKIM       = "dkim"
	AreaTLS        = "smtp-tls"
	AreaTransport  = "transport"
	AreaHosts      = "mx"
	AreaReputation = "reputation"
	AreaInfo       = "information"
)

// Areas lists the score areas.
func Areas() []string {
	return []string{AreaDMARC, AreaSPF, AreaDKIM, AreaTLS, AreaTransport, AreaHosts, AreaReputation, AreaInfo}
}

// A Rule is one requirement that a domain should meet.
type Rule struct {
	ID       string   // "spf-lookup-limit": area, then defect; never reused for another meaning
	Area     string   // score area
	Title    string   // true when the rule passes, without a full stop
	Severity Severity // the worst that it can give
	Refs     []string // "RFC 7208 section 4.6.4"

	// Bears says what a failure means for the three questions of a report; a rule
	// that can be high or worse and bears on none says in Bearless why.
	Bears    []Bearing
	Bearless string

	// When is the guard shared by many rules: StatusOf any case in which Judge
	// cannot be asked, with the reason. It returns "" to let Judge decide; nil
	// means always.
	When func(*gather.Evidence) (Status, string)
	// Cites gives the requests on which an unknown of When rests.
	Cites func(*gather.Evidence) []wire.Ref
	// Judge gives the verdicts, at most one per subject and key. None at all
	// means that the rule passes for the domain.
	Judge func(*gather.Evidence) []Verdict
}

// A Verdict is what a rule says about one subject.
type Verdict struct {
	Subject  string // domain, host or address
	Key      string // tells apart several verdicts about one subject: a list, term or selector
	Status   Status
	Severity Severity   // of a failure, or the severity that an unknown would have cost
	Message  string     // what was seen, and the limit it broke
	NoFault  bool       // of an unknown: no answer failed: who was asked does not tell, or this machine cannot ask
	Unjudged bool       // of an unknown: the time was up before the rule was applied
	Evidence []wire.Ref // the requests that show it
}

// A Result is one rule applied to one domain. Verdicts are sorted, worst first.
type Result struct {
	Rule     Rule
	Status   Status   // the worst of its verdicts: fail, unknown, pass, not-asked, not-applicable
	Severity Severity // of the worst failing verdict; the rule's own where it is unknown; else info
	Verdicts []Verdict
}

// All gives every rule, by area. Its order is the order of the report.
func All() []Rule {
	return slices.Concat(
		citing(mxQuestion, dnsRules(), mxRules()),
		citing(spfQuestion, spfRules(), spfSubdomainRules()),
		citing(dkimQuestion, dkimRules()),
		citing(dmarcSilent, dmarcRules(), dmarcSubdomainRecordRules()),
		citing(mxQuestion, mtastsRules(), tlsrptRules(), transportSubdomainRules()),
		citing(mxQuestion, smtpRules(), tlsRules(), certRules(), relayRules(), ipRules()),
		citing(mxQuestion, dnsblRules(), bimiRules()),
	)
}

// citing joins rules whose guards rest on the same requests, except where a rule
// says better.
func citing(refs func(*gather.Evidence) []wire.Ref, groups ...[]Rule) []Rule {
	rules := slices.Concat(groups...)
	for i := range rules {
		if rules[i].Cites == nil {
			rules[i].Cites = refs
		}
	}
	return rules
}

func mxQuestion(e *gather.Evidence) []wire.Ref { return []wire.Ref{e.MX.Ref} }

func dkimQuestion(e *gather.Evidence) []wire.Ref { return []wire.Ref{e.DKIM.Base.Ref} }

// Run applies the rules to the evidence. A rule whose area was skipped by the
// user is not asked. Run panics on no evidence that gather can produce.
func Run(e *gather.Evidence, rules []Rule) []Result { return RunUntil(nil, e, rules) }

// RunUntil is Run for as long as there is time. Once done is closed, what is not
// judged yet is unknown, but for areas that were to be left out.
func RunUntil(done <-chan struct{}, e *gather.Evidence, rules []Rule) []Result {
	out := make([]Result, len(rules))
	for i, r := range rules {
		late := false
		select {
		case <-done:
			late = !slices.Contains(e.Options.Skip, r.Area)
		default:
		}
		if !late {
			out[i] = r.apply(e)
			continue
		}
		out[i] = Result{Rule: r, Verdicts: []Verdict{{Status: Unknown, Unjudged: true, Message: "the time for this domain was up before it was judged"}}}
		out[i].settle(e)
	}
	return out
}

// apply judges by the domain's role; where that could not be found out, what would
// be judged otherwise in another role that it may have is unknown.
func (r Rule) apply(e *gather.Evidence) Result {
	res := r.judge(e)
	for _, role := range e.Role.Could {
		other := *e
		other.Role = gather.Role{Name: role, Unproven: true, Why: e.Role.Why}
		res = res.agreed(e, r.judge(&other))
	}
	return res
}

func (r Rule) judge(e *gather.Evidence) Result {
	res := Result{Rule: r, Verdicts: r.verdicts(e)}
	if len(res.Verdicts) == 0 {
		res.Verdicts = []Verdict{{Subject: e.Domain, Status: Pass}}
	}
	if why := r.doubt(e); why != "" && slices.ContainsFunc(res.Verdicts, func(v Verdict) bool { return v.Status != NotAsked && v.Status != Unknown }) {
		res.Verdicts = unknown(e.Vantage.ResolverRefs, "%s: what it says alone proves nothing", why)
	}
	res.settle(e)
	return res
}

// settle fills in what verdicts leave out, sorts them, and gives the result the
// status of the worst.
func (res *Result) settle(e *gather.Evidence) {
	res.Status, res.Severity = NotApplicable, Info
	for i := range res.Verdicts {
		v := &res.Verdicts[i]
		if v.Subject == "" {
			v.Subject = e.Domain
		}
		if v.Severity == "" && (v.Status == Fail || v.Status == Unknown) {
			v.Severity = res.Rule.Severity
		}
		if slices.Index(statuses, v.Status) < slices.Index(statuses, res.Status) {
			res.Status = v.Status
		}
	}
	for _, v := range res.Verdicts {
		if v.Status == res.Status && (v.Status == Fail || v.Status == Unknown) && v.Severity.Worse(res.Severity) {
			res.Severity = v.Severity
		}
	}
	slices.SortStableFunc(res.Verdicts, Verdict.compare)
	res.Verdicts = bounded(res.Verdicts)
}

// verdicts asks guard and judge.
func (r Rule) verdicts(e *gather.Evidence) []Verdict {
	if slices.Contains(e.Options.Skip, r.Area) {
		return []Verdict{{Subject: e.Domain, Status: NotAsked, Message: "area skipped"}}
	}
	if r.When != nil {
		if status, why := r.When(e); status != "" {
			v := Verdict{Subject: e.Domain, Status: status, Message: why}
			if status == Unknown && r.Cites != nil {
				v.Evidence = r.Cites(e)
			}
			return []Verdict{v}
		}
	}
	return r.Judge(e)
}

// doubt says what is wrong with the resolver on whose word the rule rests, ""
// where it can be believed: where nothing is, or where servers of the zone say the
// same of the records that the area stands on. Two rules compare such servers
// themselves, and one reads the zone file only.
func (r Rule) doubt(e *gather.Evidence) string {
	v := e.Vantage
	if slices.Contains([]string{"dns-lame", "dns-servers-differ", "dns-zone-text"}, r.ID) ||
		v.Corroborated && slices.Contains([]string{AreaDMARC, AreaSPF, AreaDKIM}, r.Area) {
		return ""
	}
	return v.Resolver
}

func (v Verdict) compare(w Verdict) int {
	if d := slices.Index(statuses, v.Status) - slices.Index(statuses, w.Status); d != 0 {
		return d
	}
	if d := slices.Index(severities, v.Severity) - slices.Index(severities, w.Severity); d != 0 {
		return d
	}
	if d := strings.Compare(v.Subject, w.Subject); d != 0 {
		return d
	}
	return strings.Compare(v.Key, w.Key)
}

// fail makes one failing verdict about the domain.
func fail(sev Severity, refs []wire.Ref, format string, args ...any) []Verdict {
	return []Verdict{{Status: Fail, Severity: sev, Evidence: refs, Message: fmt.Sprintf(format, args...)}}
}

// unknown makes one verdict that says why nothing is known.
func unknown(refs []wire.Ref, format string, args ...any) []Verdict {
	return []Verdict{{Status: Unknown, Evidence: refs, Message: fmt.Sprintf(format, args...)}}
}
