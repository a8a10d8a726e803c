package checks

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
)

// Rules about the domain's SPF record. Some of them say that the record is void:
// a receiver that meets such a fault treats the domain as if it had no policy
// (permerror). The others go on to tell what they see, so that everything can be
// mended at once, but leave alone what only follows from such a fault.
func spfRules() []Rule {
	return slices.Concat(spfRecordRules(), reading(boundSPF,
		spfSyntaxRules(), spfLimitRules(), spfTargetRules(),
		spfPolicyRules(), spfNetworkRules(), spfEvaluatedRules(),
	))
}

// spfQuestion cites the question for the record.
func spfQuestion(e *gather.Evidence) []wire.Ref { return []wire.Ref{e.SPF.Root.TXT.Ref} }

// spfAnswer guards rules that need to know what is published at the domain.
func spfAnswer(e *gather.Evidence) (Status, string) {
	txt := e.SPF.Root.TXT
	switch {
	case txt.Ref == "":
		return NotApplicable, "the name cannot hold an SPF record"
	case txt.Usable():
		return "", ""
	case txt.Answer.Fail != nil:
		return Unknown, "the SPF lookup gave no answer: " + txt.Answer.Fail.String()
	}
	return Unknown, "the SPF lookup gave no whole answer: rcode " + txt.Answer.Rcode + ", and TCP gave nothing"
}

// spfText guards rules about the text of a record; several records have one each.
func spfText(e *gather.Evidence) (Status, string) {
	if status, why := spfAnswer(e); status != "" {
		return status, why
	}
	if len(e.SPF.Root.Records) == 0 {
		return NotApplicable, "no SPF record"
	}
	return "", ""
}

// spfRecord guards rules about what the record does, which needs that there is
// exactly one.
func spfRecord(e *gather.Evidence) (Status, string) {
	if status, why := spfText(e); status != "" {
		return status, why
	}
	if n := len(e.SPF.Root.Records); n > 1 {
		return NotApplicable, fmt.Sprintf("%d SPF records, so none counts", n)
	}
	return "", ""
}

// spfGaps gives an unknown verdict where parts of the tree could not be looked
// up or followed, nil where all of it is known. Records says that only records matter, not
// the addresses behind their terms.
func spfGaps(e *gather.Evidence, records bool) []Verdict {
	var names []string
	var refs []wire.Ref
	for _, f := range e.SPF.TempErrors {
		if (!records || f.Step < 0) && !slices.Contains(refs, f.Ref) {
			refs = append(refs, f.Ref)
			names = append(names, f.Text+" ("+f.Fail.String()+")")
		}
	}
	unfollowed, at := spfUnfollowed(e)
	switch {
	case len(names) > 0:
		return unknown(refs, "not all of the tree is known: %s", spfList(names))
	case len(unfollowed) > 0:
		return unknown(at, "what stands behind %s depends on the message, so it could not be followed; %s", spfList(unfollowed), spfEvaluated(e))
	case e.SPF.Cut:
		return unknown(spfRefs(e), "%s", spfTooLarge)
	}
	return nil
}

const spfTooLarge = "the SPF record and what it includes are too large to follow to their end"

// spfRefs cites the questions for all records of the tree.
func spfRefs(e *gather.Evidence) []wire.Ref {
	var refs []wire.Ref
	for n := range e.SPF.Nodes() {
		if n.TXT.Ref != "" && !slices.Contains(refs, n.TXT.Ref) {
			refs = append(refs, n.TXT.Ref)
		}
	}
	return refs
}

// spfOwn gives the records of which the domain is the author in effect: its own,
// and those that redirects lead to.
func spfOwn(e *gather.Evidence) []*spf.Node {
	var own []*spf.Node
	for n := range e.SPF.Nodes() {
		if !n.Included() {
			own = append(own, n)
		}
	}
	return own
}

// spfTerm names a term, and its record unless that is the domain's own.
func spfTerm(n *spf.Node, term string) string {
	if n.Parent == nil {
		return spfClip(term)
	}
	return spfClip(term) + " in " + n.Owner
}

// maxSPFVerdicts bounds what one rule says about a record: a hostile one may have
// thousands of bad terms.
const maxSPFVerdicts = 50

// spfEachProblem gives one verdict for each term, or record, of the domain that has
// a problem which judge does not pass over by giving no severity.
func spfEachProblem(e *gather.Evidence, judge func(*spf.Record, spf.Problem) (Severity, string)) []Verdict {
	var out []Verdict
	for _, n := range spfOwn(e) {
		for i := range n.Records {
			r := &n.Records[i]
			for _, p := range r.Problems {
				sev, text := judge(r, p)
				if sev == "" {
					continue
				}
				key := spfTerm(n, "")
				if p.Term >= 0 {
					key = spfTerm(n, r.Terms[p.Term].Text)
					text = fmt.Sprintf("%q: %s", key, text)
				}
				if j := slices.IndexFunc(out, func(v Verdict) bool { return v.Key == key }); j >= 0 {
					if sev.Worse(out[j].Severity) {
						out[j].Severity, out[j].Message = sev, text
					}
					continue
				}
				out = append(out, Verdict{Key: key, Status: Fail, Severity: sev, Message: text, Evidence: []wire.Ref{n.TXT.Ref}})
				if len(out) == maxSPFVerdicts {
					return out
				}
			}
		}
	}
	return out
}

// spfProblem makes a judge of problems with these codes; terms that have a syntax
// error are left to rule spf-syntax.
func spfProblem(sev Severity, codes ...spf.Code) func(*gather.Evidence) []Verdict {
	return func(e *gather.Evidence) []Verdict {
		return spfEachProblem(e, func(r *spf.Record, p spf.Problem) (Severity, string) {
			if !slices.Contains(codes, p.Code) || p.Term >= 0 && r.Terms[p.Term].Fatal() {
				return "", ""
			}
			return sev, p.Text + spfMeant(p)
		})
	}
}

func spfMeant(p spf.Problem) string {
	if p.Instead == "" {
		return ""
	}
	return fmt.Sprintf(", probably meant as %q", spfClip(p.Instead))
}

// spfClip shortens what comes from outside.
func spfClip(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// spfList joins the first ten of some texts.
func spfList(items []string) string {
	const most = 10
	if len(items) <= most {
		return strings.Join(items, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(items[:most], ", "), len(items)-most)
}

func spfRecordRules() []Rule {
	return []Rule{
		{
			ID: "spf-record-missing", Area: AreaSPF, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "there is no SPF record"}},
			Title: "the domain has an SPF record",
			Refs:  []string{"RFC 7208 section 4.5", "RFC 7208 section 10.1.2", "BSI TR-03182-01"},
			When:  spfAnswer, Judge: judgeSPFMissing,
		},
		{
			ID: "spf-record-multiple", Area: AreaSPF, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "there are several SPF records"}},
			Title: "there is only one SPF record",
			Refs:  []string{"RFC 7208 section 3.2", "RFC 7208 section 4.5"},
			When:  spfText,
			Judge: func(e *gather.Evidence) []Verdict {
				root := e.SPF.Root
				if len(root.Records) < 2 {
					return nil
				}
				var texts []string
				for _, r := range root.Records {
					texts = append(texts, fmt.Sprintf("%q", spfClip(r.Text)))
				}
				return fail(High, []wire.Ref{root.TXT.Ref}, "%d SPF records where one is allowed, so receivers use none of them: %s", len(texts), spfList(texts))
			},
		},
		{
			ID: "spf-version-broken", Area: AreaSPF, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "receivers do not see its SPF text"}},
			Title: "every SPF text starts with v=spf1 and a blank",
			Refs:  []string{"RFC 7208 section 4.5", "RFC 7208 section 12"},
			When:  spfAnswer, Judge: judgeSPFVersion,
		},
		{
			ID: "spf-type99", Area: AreaSPF, Severity: Low,
			Title: "SPF is published as TXT only",
			Refs:  []string{"RFC 7208 section 3.1"},
			When:  spfAnswer,
			Judge: func(e *gather.Evidence) []Verdict {
				ask := e.SPF.SPF99
				refs := []wire.Ref{ask.Ref}
				if !ask.Usable() {
					return unknown(refs, "the question for type SPF gave no answer: %s", ask.Answer.Fail)
				}
				if ask.Answer.Has("SPF") {
					return fail(Low, refs, "the domain has a record of the withdrawn type SPF (99), which receivers do not read")
				}
				return nil
			},
		},
	}
}

func judgeSPFMissing(e *gather.Evidence) []Verdict {
	root := e.SPF.Root
	if len(root.Records) > 0 {
		return nil
	}
	refs := []wire.Ref{root.TXT.Ref}
	switch {
	case len(root.Near) > 0:
		return fail(High, refs, "no SPF record: the text %q resembles one, but receivers do not see it as one", spfClip(root.Near[0].Text))
	case root.TXT.Answer.NXDomain():
		return fail(High, refs, "no SPF record: the name does not exist (NXDOMAIN)")
	case e.SPF.SPF99.Answer.Has("SPF"):
		return fail(High, append(refs, e.SPF.SPF99.Ref), "no SPF record of type TXT, only one of the withdrawn type SPF (99), which receivers do not read")
	}
	switch n := len(root.TXT.Answer.Records("TXT")); n {
	case 0:
		return fail(High, refs, "no SPF record: the domain has no TXT record at all")
	case 1:
		return fail(High, refs, "no SPF record: the only TXT record does not start with v=spf1")
	default:
		return fail(High, refs, "no SPF record: none of the %d TXT records starts with v=spf1", n)
	}
}

// spfNearTexts say why a text is invisible.
var spfNearTexts = map[spf.Near]string{
	spf.NearLeading:   "something stands before the version",
	spf.NearSeparator: "no blank follows the version",
	spf.NearGlued:     "a term is glued to the version",
	spf.NearVersion:   "that version does not exist",
	spf.NearBlank:     "blanks stand inside the version",
	spf.NearNoTag:     `"v=" is missing`,
	spf.NearSpelling:  "the version is misspelt",
	spf.NearSenderID:  "it is for Sender ID, which receivers gave up",
}

func judgeSPFVersion(e *gather.Evidence) []Verdict {
	root := e.SPF.Root
	var out []Verdict
	for _, m := range root.Near {
		if zoneQuotesTell(e, root.Owner, m.Text) {
			continue
		}
		sev, effect := High, "so the domain has no SPF record"
		if len(root.Records) > 0 {
			sev, effect = Low, "the record beside it is not harmed"
			if m.Why == spf.NearSenderID {
				sev = Info
			}
		}
		out = append(out, Verdict{
			Key: spfClip(m.Text), Status: Fail, Severity: sev, Evidence: []wire.Ref{root.TXT.Ref},
			Message: fmt.Sprintf("%q is no SPF record, because %s; %s", spfClip(m.Text), spfNearTexts[m.Why], effect),
		})
	}
	for _, r := range root.Records {
		for _, p := range r.Problems {
			if p.Code == spf.CodeVersionCase {
				out = append(out, Verdict{
					Key: "case", Status: Fail, Severity: Low, Evidence: []wire.Ref{root.TXT.Ref},
					Message: fmt.Sprintf("the version is written %q: allowed, but some readers know only lower case", r.Text[:p.End]),
				})
			}
		}
	}
	return out
}
