package audit_test

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/checks"
	"mxvet/internal/fix"
	"mxvet/internal/wire"
	"mxvet/report"
)

// Rules whose subject is the failure itself: a server, host or page that does not
// answer. They alone may fail because something did not answer; why says for which
// requests, by a part of their Ref.
var failureIsTheFault = []struct{ rule, ref, why string }{
	{"mx-unreachable", "smtp:", "it says which mail servers do not answer"},
	{"dns-servers-fail", "dns:NS ", "where a zone above does not say who serves the name, the next one up is asked, and those it names then failed under our eyes"},
	{"dns-servers-fail", "dns:MX ", "where the resolver fails, it says whether any server answers with authority"},
	{"dns-servers-fail", "dns:TXT ", "likewise"},
	{"mtasts-testing", "dns:A", "where addresses serve different policies, that of those that are known counts"},
	{"mtasts-line-ending", "dns:A", "likewise"},
	{"mtasts-line-ending", "get:", "likewise"},
	{"dmarc-lookup-fails", "dns:TXT _dmarc.", "it says that the name servers give no DMARC record"},
	{"mtasts-testing", "get:", "where addresses serve different policies, that of those that answer counts"},
	{"dnssec-bogus", "+tcp", "a resolver that refuses twice what it gives unchecked is how failed validation shows"},
	{"mtasts-fetch", "get:", "it says where the policy cannot be fetched"},
}

func mayFail(rule string, ref wire.Ref) bool {
	for _, f := range failureIsTheFault {
		if f.rule == rule && strings.Contains(string(ref), f.ref) {
			return true
		}
	}
	return false
}

// Rules that leave a fault to a graver rule while that one fails, and tell of it
// themselves where that one is not known any more: what they saw is proven.
var toldByAnother = []struct{ rule, by, why string }{
	{"spf-too-wide", "spf-passes-all", "a network is wide whatever else the record lets pass"},
	{"spf-lookup-near", "spf-lookup-limit", "so many lookups are used, whatever else is"},
	{"dmarc-report-unauthorised", "dmarc-report-undeliverable", "who does not agree to get reports does not, whether or not mail can be sent there"},
	{"spf-never-matches", "spf-unregistered", "a name that does not exist matches nobody, whether or not it can be registered"},
	{"dmarc-without-dkim", "dmarc-unauthenticated", "there is no DKIM key whatever becomes of SPF"},
	{"mx-no-address", "dns-final-dot", "a name leads nowhere whether or not it lacks its final dot"},
}

func toldNow(rule string, before, after view) bool {
	for _, o := range toldByAnother {
		left := slices.ContainsFunc(before.results[rule].Verdicts, func(v checks.Verdict) bool { return v.Status == checks.NotApplicable })
		if o.rule == rule && left && before.results[o.by].Status == checks.Fail && after.results[o.by].Status == checks.Unknown {
			return true
		}
	}
	return false
}

// A breach is something that a failure must not bring about.
type breach struct{ kind, rule, text string }

// compare holds an audit with one failure against the one without:
//   - no rule and no verdict passes that failed or was unknown, no failure goes away
//     but to unknown, and none fails that did not, nor more severely, except by
//     failureIsTheFault; what did not apply may pass, since a role that is not
//     proven counts as the fullest;
//   - no answer gets better, and none is decided by what is not known; but what
//     weighs only partly is told beside a yes as not checked, and does not take it
//     away, or a single list that is silent would leave no domain its answer;
//   - the role stays, or becomes unproven;
//   - where one number stands without a range, it is no higher; where the rule behind
//     a cap is no longer known, none stands above that cap, and the question that it
//     decides is open.
func compare(before, after view, ref wire.Ref) []breach {
	var out []breach
	say := func(kind, rule, format string, args ...any) {
		out = append(out, breach{kind, rule, fmt.Sprintf(format, args...)})
	}
	for id, now := range after.results {
		if !toldNow(id, before, after) {
			compareRule(before.results[id], now, ref, say)
		}
	}
	compareAnswers(before, after, ref, say)

	was, now := before.domain.Profile, after.domain.Profile
	if !now.Unproven && (was.Role != now.Role || was.Unproven) {
		say("the role changes", now.Role, "from %s (%s) to %s (%s)", was.Role, was.Why, now.Role, now.Why)
	}
	if s := after.domain.Score; s.Stands() {
		if s.High == s.Low && s.High > before.domain.Score.High {
			say("the score rises", "score", "from %d to %d without a range", before.domain.Score.High, s.High)
		}
		for _, c := range before.domain.Score.Caps {
			if after.results[c.Rule].Status == checks.Unknown && s.High > c.At {
				say("a number stands without the rule behind a cap", c.Rule, "%s %s, was %d", s.Range(), s.Grade(), before.domain.Score.High)
			}
		}
	}
	for _, c := range before.domain.Score.Caps {
		res := after.results[c.Rule]
		if res.Status != checks.Unknown {
			continue
		}
		for _, b := range res.Rule.Bears {
			if a := answerTo(after, b.On); (b.Weight == checks.Decides || b.Weight == checks.Breaks) && failsAt(before.results[c.Rule], b) && a != report.Unclear && a != report.No {
				say("the rule behind a cap is unknown, and the answer stands", c.Rule, "%s %s", b.On, a)
			}
		}
	}
	return out
}

// counterpart finds what was said of the same subject and key. Where the name of a
// host was not found out, its address stands alone.
func counterpart(was checks.Result, v checks.Verdict) (checks.Verdict, bool) {
	address := func(subject string) string {
		_, ip, _ := strings.Cut(subject, " [")
		return strings.TrimSuffix(ip, "]")
	}
	for _, same := range []func(checks.Verdict) bool{
		func(o checks.Verdict) bool { return o.Subject == v.Subject },
		func(o checks.Verdict) bool { return address(o.Subject) == v.Subject },
	} {
		if i := slices.IndexFunc(was.Verdicts, func(o checks.Verdict) bool { return o.Key == v.Key && same(o) }); i >= 0 {
			return was.Verdicts[i], true
		}
	}
	return checks.Verdict{}, false
}

func compareRule(was, now checks.Result, ref wire.Ref, say func(kind, rule, format string, args ...any)) {
	id := now.Rule.ID
	message := func(v checks.Verdict) string {
		return strings.TrimSpace(v.Subject+" "+v.Key+" "+string(v.Severity)) + ": " + v.Message
	}
	reason := func(r checks.Result) string {
		if len(r.Verdicts) == 0 {
			return ""
		}
		return message(r.Verdicts[0])
	}
	switch {
	case now.Status == checks.Pass && (was.Status == checks.Fail || was.Status == checks.Unknown):
		say(string(was.Status)+" becomes pass", id, "was %s", reason(was))
		return
	case was.Status == checks.Fail && now.Status != checks.Fail && now.Status != checks.Unknown:
		say("fail becomes "+string(now.Status), id, "was %s, now %s", reason(was), reason(now))
		return
	}
	for _, v := range now.Verdicts {
		o, there := counterpart(was, v)
		switch {
		case v.Status == checks.Pass && there && (o.Status == checks.Fail || o.Status == checks.Unknown):
			say(string(o.Status)+" verdict becomes pass", id, "was %s", message(o))
		case v.Status != checks.Fail || mayFail(id, ref):
		case was.Status != checks.Fail:
			say(string(was.Status)+" becomes fail", id, "%s", message(v))
		case !there && cutBefore(was): // what is left out for the lost one moves up a place
		case !there || o.Status != checks.Fail:
			say("one more verdict fails", id, "%s; was %s", message(v), message(o))
		case v.Severity.Worse(o.Severity):
			say("a failure becomes worse", id, "%s; was %s", message(v), message(o))
		}
	}
}

// cutBefore reports that a rule did not look at everything, because of a bound.
func cutBefore(was checks.Result) bool {
	return slices.ContainsFunc(was.Verdicts, func(v checks.Verdict) bool { return v.Status == checks.Unknown && strings.HasPrefix(v.Key, "more") })
}

// goodness ranks the answers of which one is better than another; -1 is none.
// YES is good of every question.
func goodness(answer string) int {
	return slices.Index([]string{report.No, report.Partly, report.Yes}, answer)
}

// answerTo gives the answer to a question.
func answerTo(v view, q checks.Question) string {
	return answerAt(v, slices.Index(checks.Questions(), q))
}

func answerAt(v view, i int) string {
	return v.domain.Answers[i].Answer
}

func compareAnswers(before, after view, ref wire.Ref, say func(kind, rule, format string, args ...any)) {
	for i, q := range checks.Questions() {
		was, now := answerAt(before, i), answerAt(after, i)
		text := fmt.Sprintf("%s (%s) becomes %s (%s)", was, before.domain.Answers[i].Text, now, after.domain.Answers[i].Text)
		w, n := goodness(was), goodness(now)
		switch {
		case was == now:
		case was == report.Partly && now == report.Yes && partlyLost(before, after, q, i):
		case was == report.Unclear && controlLost(after, ref):
		case n > w && w >= 0, n > 0 && w < 0, w >= 0 && n < 0 && now != report.Unclear:
			say("an answer gets better", string(q), "%s", text)
		case w < 0 && n == 0 && !becameFault(before, after, ref):
			say("an answer is decided by a failure", string(q), "%s", text)
		case was == report.No && now == report.Unclear && !decidersUnknown(before, after, q):
			say("an answer is open though what decided it is known", string(q), "%s", text)
		}
	}
}

// controlLost reports that the failure is the control host's: it shows that this
// machine reaches nobody, and what cannot be asked from here stands beside an answer
// and does not hold it back, or a network that blocks port 25 would have no answers.
func controlLost(after view, ref wire.Ref) bool {
	v := after.evidence.Vantage
	return v.IPv4.Broken && v.IPv4.Ref == ref || v.IPv6.Broken && v.IPv6.Ref == ref
}

// becameFault reports whether a rule whose subject is the failure fails by it.
func becameFault(before, after view, ref wire.Ref) bool {
	for id, res := range after.results {
		if res.Status == checks.Fail && before.results[id].Status != checks.Fail && mayFail(id, ref) {
			return true
		}
	}
	return false
}

// failsAt reports whether a rule fails in that respect.
func failsAt(res checks.Result, b checks.Bearing) bool {
	status, _ := b.Of(res)
	return status == checks.Fail
}

// decidersUnknown reports whether a rule that decided the answer by its failure
// does so no longer: it is unknown, or what made it so grave is.
func decidersUnknown(before, after view, q checks.Question) bool {
	return losesFailure(before, after, q, func(_ checks.Rule, b checks.Bearing) bool {
		return b.Weight == checks.Decides || b.Weight == checks.Breaks
	})
}

// partlyLost reports whether what made an answer partly is no longer known, and the
// answer says that it was not checked.
func partlyLost(before, after view, q checks.Question, i int) bool {
	open := strings.Join(after.domain.Answers[i].NotChecked, "\n") + "\n"
	return losesFailure(before, after, q, func(r checks.Rule, b checks.Bearing) bool {
		topic := r.Topic(b)
		return b.Weight == checks.Partly && (strings.Contains(open, topic+"\n") || strings.Contains(open, topic+" (in part)\n"))
	})
}

// losesFailure reports whether a rule failed in a respect of the question that
// counts, and is unknown there now.
func losesFailure(before, after view, q checks.Question, counts func(checks.Rule, checks.Bearing) bool) bool {
	for id, was := range before.results {
		now := after.results[id]
		open := slices.ContainsFunc(now.Verdicts, func(v checks.Verdict) bool { return v.Status == checks.Unknown })
		for _, b := range was.Rule.Bears {
			if b.On == q && counts(was.Rule, b) && failsAt(was, b) && !failsAt(now, b) && (open || now.Status == checks.Fail) {
				return true
			}
		}
	}
	return false
}

// newlySafe gives, in words, a fix that may be made now and was not proposed
// before; "" where there is none.
func newlySafe(before, after []fix.Fix) string {
	known := map[string]bool{}
	for _, f := range before {
		known[proposal(f)] = f.Safety == fix.SafeNow
	}
	for _, f := range after {
		if f.Safety == fix.SafeNow && len(f.Changes) > 0 && !known[proposal(f)] {
			return proposal(f)
		}
	}
	return ""
}

func proposal(f fix.Fix) string {
	var text strings.Builder
	text.WriteString(f.ID)
	for _, c := range f.Changes {
		text.WriteString(" " + c.Owner + " " + c.Type + " " + strings.Join(c.Add, ", "))
	}
	return text.String()
}

// verifiedSafe reports whether one of the fixes is that proposal, proved, and safe.
func verifiedSafe(fixes []report.Fix, text string) bool {
	id, _, _ := strings.Cut(text, " ")
	return slices.ContainsFunc(fixes, func(f report.Fix) bool {
		return f.ID == id && f.Verified && f.Safety == report.SafeNow
	})
}
