package checks

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
)

// Rules about the text of the record: what voids it, and what receivers pass over
// although somebody meant something by it.
func spfSyntaxRules() []Rule {
	return []Rule{
		{
			ID: "spf-syntax", Area: AreaSPF, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "SPF is broken"}},
			Title: "every term of the SPF record can be read",
			Refs:  []string{"RFC 7208 section 4.6", "RFC 7208 section 7.1", "RFC 7208 section 12"},
			When:  spfText, Judge: judgeSPFSyntax,
		},
		{
			ID: "spf-cut-off", Area: AreaSPF, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "SPF is cut off in the middle"}},
			Title: "the strings of the SPF record join to what was meant",
			Refs:  []string{"RFC 7208 section 3.3"},
			When:  spfText, Judge: judgeSPFSeams,
		},
		{
			ID: "spf-mechanism-as-modifier", Area: AreaSPF, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "SPF has a term that receivers skip"}},
			Title: "no mechanism of the SPF record is written with an equals sign",
			Refs:  []string{"RFC 7208 section 4.6.1", "RFC 7208 section 6"},
			When:  spfText, Judge: spfProblem(High, spf.CodeAsModifier),
		},
		{
			ID: "spf-unknown-modifier", Area: AreaSPF, Severity: Info,
			Title: "every modifier of the SPF record has a meaning",
			Refs:  []string{"RFC 7208 section 6", "RFC 6652 section 3"},
			When:  spfText, Judge: spfProblem(Info, spf.CodeUnknownModifier, spf.CodeVersionAgain),
		},
		{
			ID: "spf-after-all", Area: AreaSPF, Severity: Medium,
			Title: "no mechanism of the SPF record stands behind all",
			Refs:  []string{"RFC 7208 section 5.1"},
			When:  spfText, Judge: spfProblem(Medium, spf.CodeAfterAll),
		},
		{
			ID: "spf-redirect-ignored", Area: AreaSPF, Severity: Medium,
			Title: "no redirect stands in an SPF record that has all",
			Refs:  []string{"RFC 7208 section 5.1", "RFC 7208 section 6.1"},
			When:  spfText, Judge: spfProblem(Medium, spf.CodeRedirectAll),
		},
		{
			ID: "spf-include-qualifier", Area: AreaSPF, Severity: Low,
			Title: "no include of the SPF record turns its passes into failures",
			Refs:  []string{"RFC 7208 section 5.2"},
			When:  spfText, Judge: spfProblem(Low, spf.CodeNegatedInclude),
		},
		{
			ID: "spf-trailing-dot", Area: AreaSPF, Severity: Low,
			Title: "no target in the SPF record ends in a dot",
			Refs:  []string{"RFC 7208 section 7.3"},
			When:  spfText, Judge: spfProblem(Low, spf.CodeTrailingDot),
		},
		{
			ID: "spf-sender-macro", Area: AreaSPF, Severity: Info,
			Title: "no lookup of the SPF record depends on the sender",
			Refs:  []string{"RFC 7208 section 7.3"},
			When:  spfText, Judge: spfProblem(Info, spf.CodeMacroSender),
		},
		{
			ID: "spf-label-length", Area: AreaSPF, Severity: Medium,
			Title: "every name in the SPF record is a possible name",
			Refs:  []string{"RFC 7208 section 4.8", "RFC 1035 section 2.3.4"},
			When:  spfText,
			Judge: func(e *gather.Evidence) []Verdict {
				return spfEachProblem(e, func(r *spf.Record, p spf.Problem) (Severity, string) {
					switch p.Code {
					case spf.CodeLongLabel, spf.CodeEmptyLabel, spf.CodeLongName:
					default:
						return "", ""
					}
					switch t := r.Terms[p.Term]; {
					case t.Fatal(), t.Kind == spf.KindInclude, t.Kind == spf.KindRedirect:
						return "", "" // rules spf-syntax, spf-include-broken, spf-redirect-broken
					}
					return Medium, p.Text + ", and what receivers make of that is not defined"
				})
			},
		},
		{
			ID: "spf-ptr", Area: AreaSPF, Severity: Medium,
			Title: "the SPF record does not use ptr",
			Refs:  []string{"RFC 7208 section 5.5", "RFC 7208 section 7.3"},
			When:  spfText, Judge: judgeSPFPtr,
		},
	}
}

// judgeSPFSyntax gives one verdict for each broken term of the domain's own
// records; those that they refer to have rules of their own.
func judgeSPFSyntax(e *gather.Evidence) []Verdict {
	root := e.SPF.Root
	var out []Verdict
	for _, r := range root.Records {
		for _, t := range r.Terms {
			why := brokenTerm(t)
			key := spfClip(t.Text)
			if why == "" || slices.ContainsFunc(out, func(v Verdict) bool { return v.Key == key }) {
				continue
			}
			out = append(out, Verdict{
				Key: key, Status: Fail, Severity: High, Evidence: []wire.Ref{root.TXT.Ref},
				Message: fmt.Sprintf("%q: %s; one such term voids the whole record", key, why),
			})
			if len(out) == maxSPFVerdicts {
				return out
			}
		}
	}
	return out
}

// brokenTerm says what is wrong with a term that has a syntax error, "" where it
// has none.
func brokenTerm(t spf.Term) string {
	var why []string
	for _, p := range t.Problems {
		if p.Fatal() {
			why = append(why, p.Text+spfMeant(p))
		}
	}
	if len(why) == 0 {
		return ""
	}
	for _, p := range t.Problems { // the cause, where it can be told
		switch p.Code {
		case spf.CodeGlued:
			return p.Text + spfMeant(p)
		case spf.CodeCutOff:
			why = append(why, p.Text)
		}
	}
	return strings.Join(why, "; ")
}

// judgeSPFSeams tells of accidents with strings that leave a valid record. Those
// that leave a broken one are told with the broken term.
func judgeSPFSeams(e *gather.Evidence) []Verdict {
	broken := false
	out := spfEachProblem(e, func(r *spf.Record, p spf.Problem) (Severity, string) {
		switch p.Code {
		case spf.CodeGlued, spf.CodeCutOff, spf.CodeLongString:
			if p.Term < 0 || !r.Terms[p.Term].Fatal() {
				return High, p.Text + spfMeant(p)
			}
			broken = true
		}
		return "", ""
	})
	if len(out) == 0 && broken {
		return []Verdict{{Status: NotApplicable, Message: "the accident leaves a term that cannot be read: rule spf-syntax tells of it"}}
	}
	return out
}

// judgeSPFPtr also looks into the records of others: they slow down every
// evaluation, but only their owners can mend them.
func judgeSPFPtr(e *gather.Evidence) []Verdict {
	codes := []spf.Code{spf.CodePtr, spf.CodeMacroP}
	out := spfProblem(Medium, codes...)(e)
	for n := range e.SPF.Nodes() {
		if n.Record == nil || !n.Included() {
			continue
		}
		for _, p := range n.Record.Problems {
			if !slices.Contains(codes, p.Code) {
				continue
			}
			key := spfTerm(n, n.Record.Terms[p.Term].Text)
			if !slices.ContainsFunc(out, func(v Verdict) bool { return v.Key == key }) {
				out = append(out, Verdict{
					Key: key, Status: Fail, Severity: Info, Evidence: []wire.Ref{n.TXT.Ref},
					Message: fmt.Sprintf("%q, a record of somebody else: %s", key, p.Text),
				})
			}
		}
	}
	for _, v := range spfGaps(e, true) {
		if len(e.SPF.TempErrors) > 0 {
			v.Severity = Info
			out = append(out, v)
		}
	}
	return out
}
