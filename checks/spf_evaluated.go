package checks

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
)

// What the evaluation of single addresses says, where the tree of the record
// alone cannot tell: which sender passes, and what stands behind macros.

// spfPasses reports that SPF lets mail of the domain from an address pass: as
// evaluated, else as the tree tells.
func spfPasses(e *gather.Evidence, ip netip.Addr) bool {
	if v := e.Evaluations.Of(ip); v != nil && v.Counting.Result != spf.ResultTempError {
		return v.Counting.Result == spf.ResultPass
	}
	return e.SPF.Pass4.Contains(ip) || e.SPF.Pass6.Contains(ip)
}

// Wider networks than these are no sign that a domain knows an address in them:
// they are a provider's, or everybody's.
const (
	knows4 = 24
	knows6 = 48
)

// spfNames reports that some term which lets mail pass names a small network with
// the address in it.
func spfNames(e *gather.Evidence, ip netip.Addr) bool {
	least := knows6
	if ip.Is4() {
		least = knows4
	}
	return slices.ContainsFunc(e.SPF.Networks, func(n spf.Authorised) bool {
		return n.Qualifier == spf.Pass && n.Prefix.Bits() >= least && n.Prefix.Contains(ip)
	})
}

// What SPF can do for the domain's own mail.
type ownSPF int

const (
	ownPasses ownSPF = iota // from some address it passes
	ownFails                // from none, by what every receiver must do
	ownVoid                 // from none, at receivers that count lookups which find nothing
	ownHosts                // the same, only where the hosts of mx terms count too
	ownUnknown
)

// spfOwnMail says whether SPF can pass for any sender of the domain. Why is ""
// only where it can.
func spfOwnMail(e *gather.Evidence) (state ownSPF, why string, refs []wire.Ref) {
	root := e.SPF.Root
	refs = []wire.Ref{root.TXT.Ref}
	switch {
	case root.TXT.Answer.Fail != nil:
		return ownUnknown, root.TXT.Answer.Fail.String(), refs
	case !root.TXT.Usable():
		return ownUnknown, "the answer was cut short", refs
	case len(root.Records) == 0:
		return ownFails, "there is no SPF record", refs
	case len(root.Records) > 1:
		return ownFails, fmt.Sprintf("there are %d SPF records, which is an error", len(root.Records)), refs
	case root.Record.Fatal():
		return ownFails, "the SPF record has a syntax error", refs
	}
	var void, hosts, silent, broken, other *gather.Evaluation
	for i := range e.Evaluations.List {
		v := &e.Evaluations.List[i]
		switch {
		case v.Kind == gather.EvaluatedStranger:
		case v.Pass():
			return ownPasses, "", v.Refs
		case v.Counting.Result == spf.ResultPass:
			hosts = v
		case v.Lenient.Result == spf.ResultPass:
			void = v
		case v.Counting.Result == spf.ResultTempError, v.Lenient.Result == spf.ResultTempError:
			silent = v
		case v.Counting.Result == spf.ResultPermError:
			broken = v
		case v.Known():
			other = v
		}
	}
	switch {
	case hosts != nil:
		return ownHosts, "more than two DNS lookups of the SPF record find nothing where the hosts of its mx terms count", hosts.Refs
	case void != nil:
		return ownVoid, "more than two DNS lookups of the SPF record find nothing", void.Refs
	case silent != nil:
		return ownUnknown, silent.Counting.Text, silent.Refs
	case e.SPF.Incomplete:
		return ownUnknown, "parts of the record could not be looked up", refs
	case broken != nil && other == nil && len(e.Evaluations.Silent) == 0:
		return ownFails, "receivers cannot use the SPF record (" + broken.Counting.Text + ")", broken.Refs
	case spfOpen(e):
		return ownUnknown, "whom the record lets pass depends on the message", refs
	case e.SPF.Cut:
		return ownUnknown, spfTooLarge, refs
	case broken != nil:
		return ownFails, "receivers cannot use the SPF record (" + broken.Counting.Text + ")", broken.Refs
	}
	return ownFails, "the SPF record lets nobody send", refs
}

// spfOpen reports that some term may let clients pass who cannot be known.
func spfOpen(e *gather.Evidence) bool {
	return slices.ContainsFunc(e.SPF.Open, func(o spf.Opening) bool { return o.Qualifier == spf.Pass })
}

// spfUnfollowed gives the include and redirect terms whose target depends on the
// message: what stands behind them is not known.
func spfUnfollowed(e *gather.Evidence) (terms []string, refs []wire.Ref) {
	for n, s := range e.SPF.Steps() {
		if s.Dynamic && (s.Term.Kind == spf.KindInclude || s.Term.Kind == spf.KindRedirect) {
			if key := fmt.Sprintf("%q", spfTerm(n, s.Term.Text)); !slices.Contains(terms, key) {
				terms, refs = append(terms, key), append(refs, n.TXT.Ref)
			}
		}
	}
	return terms, refs
}

// spfStranger says what an address gets from which no mail can come, of the worst
// family; nil where the record has no macros that could let it pass.
func spfStranger(e *gather.Evidence) (worst *gather.Evaluation) {
	for i := range e.Evaluations.List {
		v := &e.Evaluations.List[i]
		if v.Kind != gather.EvaluatedStranger {
			continue
		}
		switch {
		case worst == nil, v.Counting.Result == spf.ResultPass,
			v.Lenient.Result == spf.ResultPass && worst.Counting.Result != spf.ResultPass,
			v.Counting.Result == spf.ResultTempError && worst.Counting.Result != spf.ResultPass && worst.Lenient.Result != spf.ResultPass:
			worst = v
		}
	}
	return worst
}

// spfEvaluatedRules are about senders that are known.
func spfEvaluatedRules() []Rule {
	return []Rule{
		{
			ID: "spf-sender-not-passed", Area: AreaSPF, Severity: High,
			Title: "the SPF record lets every sender pass that you named",
			Refs:  []string{"RFC 7208 section 2.6", "RFC 7208 section 10.1.2"},
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "a sender that you named does not pass SPF"}},
			When: func(e *gather.Evidence) (Status, string) {
				switch status, why := spfRecord(e); {
				case len(e.Options.SendIPs) == 0:
					return NotApplicable, "no sender was named: name them with --send-ip"
				case status != "":
					return status, why
				case e.SPF.Root.Record.Fatal():
					return NotApplicable, "the record cannot be read: rule spf-syntax tells of it"
				}
				return "", ""
			},
			Judge: judgeSPFNamed,
		},
		{
			ID: "spf-sender-error", Area: AreaSPF, Severity: High,
			Title: "the SPF record gives a result for the addresses that send",
			Refs:  []string{"RFC 7208 section 2.6.7", "RFC 7208 section 4.6.4"},
			Bears: []Bearing{
				{On: Forgery, From: High, Weight: Partly, Words: "receivers cannot use the SPF record"},
				{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "receivers cannot use the SPF record"},
			},
			When:  spfRecord,
			Judge: judgeSPFErrors,
		},
	}
}

// judgeSPFNamed looks at each sender that the user named. Its subject is the
// address.
func judgeSPFNamed(e *gather.Evidence) []Verdict {
	var out []Verdict
	for _, v := range e.Evaluations.List {
		if v.Kind != gather.EvaluatedNamed {
			continue
		}
		verdict := Verdict{Subject: v.IP.String(), Status: Pass, Evidence: v.Refs}
		switch {
		case v.Pass():
		case v.Counting.Result == spf.ResultTempError:
			verdict.Status, verdict.Message = Unknown, "its result is not known: "+v.Counting.Text
		case v.Counting.Result == spf.ResultPass:
			verdict.Status, verdict.Severity = Fail, Low
			verdict.Message = "you named it as a sender, but not every receiver lets it pass: " + v.Differ()
		case v.Counting.Result == spf.ResultPermError:
			verdict.Status, verdict.Message = NotApplicable, "the evaluation ends in an error, and other rules say where: "+v.Counting.Text
		default:
			verdict.Status, verdict.Severity = Fail, High
			verdict.Message = "you named it as a sender, but SPF gives " + outcome(v.Counting)
		}
		out = append(out, verdict)
	}
	if left := len(e.Options.SendIPs) - len(out); e.Evaluations.More > 0 && left > 0 {
		out = append(out, Verdict{Status: Unknown, Evidence: spfQuestion(e), Message: fmt.Sprintf(
			"only the first %d of %d senders named were looked at", len(out), len(e.Options.SendIPs))})
	}
	return out
}

// outcome gives a result and what it came from.
func outcome(c spf.CheckResult) string {
	switch {
	case c.Text != "":
		return string(c.Result) + ": " + c.Text
	case c.Term != "":
		return fmt.Sprintf("%s: the term %q of %s decides", c.Result, spfClip(c.Term), c.Domain)
	}
	return fmt.Sprintf("%s: no term of %s fits it", c.Result, c.Domain)
}

// judgeSPFErrors tells of evaluations that end in an error which the tree does
// not show: it lies behind a target that depends on the message.
func judgeSPFErrors(e *gather.Evidence) []Verdict {
	for _, f := range e.SPF.PermErrors {
		if f.Code != spf.CodeVoid {
			return []Verdict{{Status: NotApplicable, Message: "the record is in error for everybody, and other rules say where: " + f.Text}}
		}
	}
	var broken, silent []string
	var refs, unheard []wire.Ref
	why := ""
	known, fine, named := 0, 0, 0
	for _, v := range e.Evaluations.List {
		if !v.Known() {
			continue
		}
		known++
		switch c := v.Counting; {
		case c.Result == spf.ResultTempError:
			silent, unheard = append(silent, v.IP.String()), append(unheard, v.Refs...)
			if why == "" {
				why = c.Text
			}
		case c.Result == spf.ResultPermError && !toldByTree(e, c.Reason, v.IP.Is6()):
			if v.Kind == gather.EvaluatedNamed {
				named++
			}
			if broken = append(broken, v.IP.String()); len(broken) == 1 {
				refs, why = v.Refs, c.Text
				if c.Reason == spf.CodeVoid {
					why += ", at receivers that count them"
				}
			}
		default:
			fine++
		}
	}
	unfollowed, _ := spfUnfollowed(e)
	switch {
	case len(broken) > 0:
		sev := High
		if fine+len(silent) > 0 && named == 0 { // a mail host that may never send
			sev = Medium
		}
		return fail(sev, refs, "evaluated for %s: permanent error (%s), so receivers treat such mail as if there were no record", spfList(broken), why)
	case len(silent) > 0:
		return unknown(unheard, "evaluated for %s: the result is not known: %s", spfList(silent), why)
	case known == 0 && len(unfollowed) > 0:
		return unknown(spfRefs(e), "%s depends on the message, and no sender is known for which to evaluate it: name one with --send-ip", strings.Join(unfollowed, ", "))
	case len(e.Evaluations.Silent) > 0 && len(e.SPF.Open) > 0:
		a := e.Evaluations.Silent[0]
		return unknown([]wire.Ref{a.Ref}, "not all addresses of the mail hosts are known, so it could not be evaluated for them: %s", noAnswer(a.Answer))
	case e.Evaluations.More > 0 && len(unfollowed) > 0:
		return unknown(spfRefs(e), "only the first %d of %d known addresses were evaluated", known, known+e.Evaluations.More)
	case len(e.SPF.TempErrors) > 0:
		return spfGaps(e, false)
	}
	return nil
}

// toldByTree reports that the tree shows the same error for clients of the family.
func toldByTree(e *gather.Evidence, code spf.Code, six bool) bool {
	return slices.ContainsFunc(e.SPF.PermErrors, func(f spf.Failure) bool {
		return f.Code == code && (f.Family == 0 || (f.Family == 6) == six)
	})
}

// spfEvaluated says what the known addresses get, for where the tree ends.
func spfEvaluated(e *gather.Evidence) string {
	var results []string
	count := map[string]int{}
	for _, v := range e.Evaluations.List {
		if !v.Known() {
			continue
		}
		r := string(v.Counting.Result)
		if count[r]++; count[r] == 1 {
			results = append(results, r)
		}
	}
	if len(results) == 0 {
		return "no sender is known for which to evaluate it"
	}
	for i, r := range results {
		results[i] = fmt.Sprintf("%s for %d", r, count[r])
	}
	return "evaluated for the addresses that are known: " + strings.Join(results, ", ")
}
