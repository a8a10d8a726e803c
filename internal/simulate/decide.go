package simulate

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/dmarc"
	"mxvet/internal/spf"
)

// A Verdict sums a decision up over all kinds of receiver.
type Verdict string

const (
	Pass    Verdict = "pass"    // an aligned domain is proved, for every kind of receiver
	Fail    Verdict = "fail"    // for at least one kind of receiver none is
	Unknown Verdict = "unknown" // a lookup failed, or a part of the path is not known, without which it does not pass
)

// Results of a signature and of DMARC (RFC 8601 section 2.7).
const (
	ResultPass      = "pass"
	ResultFail      = "fail"
	ResultNone      = "none"
	ResultPolicy    = "policy" // verifies, but in a way that receivers do not accept
	ResultTempError = "temperror"
	ResultPermError = "permerror"

	// ResultUnknown is no result of RFC 8601: the receiver had one, but a part of the path
	// is not known here, and so neither is the result.
	ResultUnknown = "unknown"
)

// A Signature is the outcome of one DKIM signature.
type Signature struct {
	Domain string `json:"domain"` // tag d, A-labels
	Result string `json:"result"`
}

// A Decision is what receivers make of a message.
type Decision struct {
	Verdict Verdict  `json:"verdict"`
	Why     string   `json:"why"`
	Author  string   `json:"author_domain,omitempty"`
	SPF     SPF      `json:"spf"`
	Methods []Method `json:"dmarc"`
	// Differ lists points on which receivers come to different results, each with
	// the reason.
	Differ []string `json:"receivers_differ,omitempty"`
}

// Names of the kinds of receiver.
const (
	ByWalk    = "RFC 9989, tree walk"
	ByList    = "RFC 7489, public suffix list"
	ByPrivate = "RFC 7489, list with private suffixes"
)

// A Method is what one kind of receiver makes of the message.
type Method struct {
	Name        string       `json:"method"`
	Org         string       `json:"organizational_domain,omitempty"`
	RecordAt    string       `json:"record_at,omitempty"` // domain of the record that applies; "" where none does
	Record      string       `json:"record,omitempty"`
	Policy      dmarc.Policy `json:"policy,omitempty"` // in effect, after testing mode and fallback
	Tag         string       `json:"policy_tag,omitempty"`
	Percent     int          `json:"percent"`           // of failing mail that the policy is for: below 100 only through pct
	Demoted     bool         `json:"testing,omitempty"` // t=y took one step off the policy
	Unknown     []string     `json:"lookups_failed,omitempty"`
	Identifiers []Identifier `json:"identifiers,omitempty"`

	Aligned     Verdict     `json:"aligned"` // whether an aligned domain is proved
	Result      string      `json:"result"`  // of DMARC: pass, fail, none, temperror, permerror, unknown
	Disposition Disposition `json:"disposition"`
	Why         string      `json:"why"`

	reader dmarc.Reader
	fault  string // of the record, for which a strict reader takes it for none
	silent bool   // a lookup failed that decides which record applies
	void   bool   // the record applies and is improperly formed
	beside string // what stands where a record is looked for and is none
}

// A Disposition is what a receiver does that follows its standard and knows nothing
// else of the message.
type Disposition string

const (
	Accept     Disposition = "accept"     // DMARC passes
	Deliver    Disposition = "deliver"    // DMARC does not pass, and nobody asks for anything: no policy, or p=none
	Quarantine Disposition = "quarantine" // as suspicious
	Reject     Disposition = "reject"
	Open       Disposition = "unknown" // the receiver's choice: try again later, go on without DMARC, or refuse
)

// An Identifier is one domain that SPF or DKIM speaks for.
type Identifier struct {
	By        string    `json:"by"` // spf or dkim
	Domain    string    `json:"domain"`
	Result    string    `json:"result"`
	Org       string    `json:"organizational_domain,omitempty"`
	Alignment Alignment `json:"alignment"`
}

// An Alignment is how a domain stands to the author domain (RFC 9989 section 4.4).
type Alignment string

const (
	AlignedSame    Alignment = "same"    // the same name: aligned in strict mode too
	AlignedOrg     Alignment = "org"     // the same organization, and relaxed mode
	NotStrict      Alignment = "strict"  // the same organization, but the record asks for the same name
	NotAligned     Alignment = "none"    // another organization
	AlignedUnknown Alignment = "unknown" // a lookup failed
)

func (a Alignment) aligned() bool { return a == AlignedSame || a == AlignedOrg }

// Counts reports what the identifier does for DMARC.
func (i Identifier) Counts() Verdict {
	possible := i.Result == ResultTempError || i.Result == ""
	switch {
	case i.Result == ResultPass && i.Alignment.aligned():
		return Pass
	case i.Result == ResultPass && i.Alignment == AlignedUnknown, possible && i.Alignment != NotAligned && i.Alignment != NotStrict:
		return Unknown
	}
	return Fail
}

// unanswered reports that a lookup failed without which it is not known what the
// identifier does.
func (i Identifier) unanswered() bool { return i.Counts() == Unknown && i.Result != "" }

// Decide judges the message. The signatures are those whose domains the path
// named.
func (v *View) Decide(signatures []Signature) Decision {
	d := Decision{Author: v.path.Author, SPF: v.spf}
	walk, list, private := Method{Name: ByWalk, Percent: 100}, Method{Name: ByList, Percent: 100}, Method{Name: ByPrivate, Percent: 100}
	if v.discovery != nil {
		v.fill(&walk, v.discovery.Walk, signatures, func(domain string) (string, bool) {
			o, asked := v.orgs[domain]
			if !asked { // no name that can have an organization
				return domain, true
			}
			return o.Domain, len(o.Failed) == 0 && !v.discovery.Walk.OrgUnknown
		})
		byList := func(private bool) func(string) (string, bool) {
			return func(domain string) (string, bool) { return v.list.OrgDomain(domain, private), true }
		}
		v.fill(&list, v.discovery.PSL, signatures, byList(false))
		v.fill(&private, v.discovery.PSLPrivate, signatures, byList(true))
	}
	d.Methods = []Method{walk, list, private}
	for i := range d.Methods {
		d.Methods[i].conclude(v.path)
	}
	d.sum()
	if v.helo.Result == spf.ResultFail {
		d.Differ = append(d.Differ, "SPF gives fail for the HELO name "+name(v.path.Helo)+" by itself, and receivers that check it too, as RFC 7208 section 2.3 recommends, may refuse the client for that")
	}
	if v.path.Doubt != "" && d.Verdict == Pass {
		d.Verdict, d.Why = Unknown, v.path.Doubt
	}
	return d
}

// fill says what one method finds. org gives the organizational domain of an
// identifier, and whether it is known.
func (v *View) fill(m *Method, found dmarc.Method, signatures []Signature, org func(string) (string, bool)) {
	applied := found.Domain
	m.Org, m.RecordAt, m.Policy, m.Tag, m.Demoted = found.Org, applied.At, applied.Policy, applied.Tag, applied.Demoted
	m.reader, m.void, m.beside = found.Reader, applied.Invalid, v.beside(applied)
	if applied.Unknown {
		m.Unknown, m.silent = applied.Failed, len(applied.Failed) > 0
		if len(m.Unknown) == 0 {
			m.Unknown = []string{v.path.Author} // it is not known whether it exists
		}
	}
	dkimMode, spfMode := "r", "r"
	if applied.Record != nil {
		m.Record, m.Percent = applied.Record.Text, applied.Percent
		m.fault = applied.Record.Refusable()
		dkimMode, spfMode = applied.Record.DKIM, applied.Record.SPF
	}
	add := func(by, domain, result, mode string) {
		i := Identifier{By: by, Domain: domain, Result: result}
		var known bool
		if domain == v.path.Author {
			i.Org, known = found.Org, true
		} else {
			i.Org, known = org(domain)
		}
		switch {
		case domain == v.path.Author:
			i.Alignment = AlignedSame
		case apart(domain, found):
			i.Alignment = NotAligned
		case !known:
			i.Alignment = AlignedUnknown
		case i.Org != found.Org:
			i.Alignment = NotAligned
		case applied.Unknown:
			i.Alignment = AlignedUnknown // the record that may ask for strict mode is not known
		case mode == "s":
			i.Alignment = NotStrict
		default:
			i.Alignment = AlignedOrg
		}
		m.Identifiers = append(m.Identifiers, i)
	}
	if v.spf.Domain != "" {
		add("spf", v.spf.Domain, string(v.spf.Result), spfMode)
	} else {
		m.Identifiers = append(m.Identifiers, Identifier{By: "spf", Alignment: AlignedUnknown})
	}
	for _, s := range signatures {
		add("dkim", name(s.Domain), s.Result, dkimMode)
	}
}

// beside says what stands at the names where a record was looked for and counts as none,
// "" where nothing does.
func (v *View) beside(applied dmarc.Applied) string {
	if applied.Record != nil {
		return ""
	}
	if len(applied.Dropped) > 0 {
		return ": " + applied.Dropped[0] + " has several DMARC records, and then none of them counts (RFC 9989 section 4.10)"
	}
	if v.discovery.Exists == dmarc.DoesNotExist {
		return ": the domain does not exist, and many receivers refuse its mail for that"
	}
	for _, s := range v.discovery.Steps {
		if len(s.Others) > 0 {
			return ": what stands at _dmarc." + s.Domain + " is none, for it does not begin with v=DMARC1 (RFC 9989 section 4.7)"
		}
	}
	return ""
}

// apart reports that a domain has another organization than the author, whatever a
// lookup would have found: an organizational domain is the name itself or one above it.
func apart(domain string, author dmarc.Method) bool {
	if !author.OrgUnknown {
		return domain != author.Org && !strings.HasSuffix(domain, "."+author.Org)
	}
	top := func(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }
	return top(domain) != top(author.Org)
}

// conclude chooses result and disposition from what was filled in.
func (m *Method) conclude(p Path) {
	m.Aligned = Fail
	for _, i := range m.Identifiers {
		switch i.Counts() {
		case Pass:
			m.Aligned = Pass
		case Unknown:
			if m.Aligned == Fail {
				m.Aligned = Unknown
			}
		}
	}
	switch {
	case p.Author == "":
		m.Result, m.Disposition, m.Why = ResultNone, Open, p.unjudged()
	case m.silent, len(m.Unknown) > 0 && m.Aligned != Pass:
		m.Result, m.Disposition, m.Why = ResultTempError, Open, "no answer about the policy of "+strings.Join(m.Unknown, ", ")
	case m.Record == "":
		m.Result, m.Disposition, m.Why = ResultNone, Deliver, "no DMARC record applies to "+p.Author+m.beside
	case m.Policy == "" && m.void:
		m.Result, m.Disposition = ResultPermError, Deliver
		m.Why = "the DMARC record of " + m.RecordAt + " has a policy that is none of the three, and no valid rua: it has no effect"
	case m.Policy == "":
		m.Result, m.Disposition = ResultNone, Deliver
		m.Why = "the DMARC record of " + m.RecordAt + " has neither tag p nor a valid rua: it has no effect"
	case m.Aligned == Pass:
		m.Result, m.Disposition = ResultPass, Accept
		m.Why = m.proof() + ": proved and aligned"
	case m.Aligned == Unknown && !slices.ContainsFunc(m.Identifiers, Identifier.unanswered):
		m.Result, m.Disposition, m.Why = ResultUnknown, Open, "what could make it pass was not checked"
	case m.Aligned == Unknown:
		m.Result, m.Disposition, m.Why = ResultTempError, Open, "what could make it pass is not known"
	default:
		m.Result, m.Why = ResultFail, "neither SPF nor DKIM proves an aligned domain"
		m.Disposition = m.asked()
	}
}

// asked gives what is done with mail that fails. A receiver that follows RFC 9989
// rejects nothing for the policy alone: it puts aside (section 7.4). With pct=0 one
// that follows RFC 7489 applies the policy to no message, but the next milder one to
// all (section 6.6.4).
func (m *Method) asked() Disposition {
	none := m.Percent == 0
	switch {
	case m.Policy == dmarc.Reject && m.reader != dmarc.RFC9989 && !none:
		return Reject
	case m.Policy == dmarc.Reject, m.Policy == dmarc.Quarantine && !none:
		return Quarantine
	}
	return Deliver
}

// unjudged says what becomes of a message that DMARC cannot judge, because it does
// not have exactly one author domain.
func (p Path) unjudged() string {
	text := p.NoAuthor + ": without exactly one author domain there is no DMARC result (RFC 9989 section 5.3.1); many receivers refuse such a message, others go on without DMARC"
	if n := len(p.Authors); n > 1 {
		names := strings.Join(p.Authors[:min(n, maxAuthors)], ", ")
		if n > maxAuthors {
			names += fmt.Sprintf(" and %d more", n-maxAuthors)
		}
		text += ", or judge each of " + names + " and act by the strictest policy that fails (section 11.5)"
	}
	return text
}

// maxAuthors bounds how many author domains are named.
const maxAuthors = 5

// proof names what passes and is aligned.
func (m *Method) proof() string {
	var by []string
	for _, i := range m.Identifiers {
		if text := strings.ToUpper(i.By) + " (" + i.Domain + ")"; i.Counts() == Pass && !slices.Contains(by, text) {
			by = append(by, text)
		}
	}
	return strings.Join(by, " and ")
}
