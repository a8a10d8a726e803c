package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"mxvet/checks"
	"mxvet/internal/gather"
	"mxvet/internal/smtp"
	"mxvet/internal/wire"
)

// DirectionBoth is the direction of an answer that holds for mail to and from the
// domain.
const DirectionBoth = "both"

// A side is a question, or one direction of it, as the rules answer it that bear
// on it.
type side struct {
	answer    string
	direction string
	words     string   // what decides the answer, or why it is not known
	good      []string // what passes earn
	beside    []string // failures that change nothing
	rules     []string // that the answer rests on
	topics    map[string]topic
	told      []string // topics of which the text tells already
	policies  []string // what was seen of the policies that keep the encryption on
}

// A topic is something that rules look at: whether some could, and whether some
// could not.
type topic struct{ seen, open bool }

// A stand is what one rule says in one respect.
type stand struct {
	rule    checks.Rule
	bearing checks.Bearing
	status  checks.Status
	verdict checks.Verdict
	seen    bool // it passed or failed somewhere
}

// stands collects them. Without the network nothing was asked, so what rests on a
// question is not unknown but not asked; what the zone text itself, a bound of ours or
// want of time keeps from being known is.
func (a asker) stands(about func(checks.Bearing) bool) []stand {
	var out []stand
	causes := causesOf(a.e)
	for _, res := range a.results {
		for _, b := range res.Rule.Bears {
			if !about(b) {
				continue
			}
			status, v := b.Of(res)
			if status == checks.Unknown && a.e.Options.Offline && !v.Unjudged && causes.switchedOff(v.Evidence) {
				status, v.Message = checks.NotAsked, "the network is switched off"
			}
			seen := slices.ContainsFunc(res.Verdicts, func(v checks.Verdict) bool { return v.Status == checks.Pass || v.Status == checks.Fail })
			out = append(out, stand{res.Rule, b, status, v, seen})
		}
	}
	return out
}

// side answers by the rules that bear on something. A deciding failure makes it
// no; without one, a deciding rule that is unknown leaves it unknown, and one that
// was not asked leaves it not asked; a failure that weighs partly makes it partly.
// What breaks it is as good as deciding where an answer failed.
// It is yes only where a deciding rule passed.
func (a asker) side(about func(checks.Bearing) bool) side {
	all := a.stands(about)
	s := side{topics: map[string]topic{}}
	for _, st := range all {
		s.notice(st)
	}
	pick := func(status checks.Status, weights ...checks.Weight) []stand {
		var out []stand
		for _, st := range all {
			if st.status == status && slices.Contains(weights, st.bearing.Weight) {
				out = append(out, st)
			}
		}
		return out
	}
	partly := pick(checks.Fail, checks.Partly)
	unknown := slices.DeleteFunc(pick(checks.Unknown, checks.Decides, checks.Breaks), func(st stand) bool {
		return st.bearing.Weight == checks.Breaks && st.verdict.NoFault
	})
	switch broken, unasked := pick(checks.Fail, checks.Decides, checks.Breaks), pick(checks.NotAsked, checks.Decides); {
	case len(broken) > 0:
		s.rest(No, broken, worst(broken).bearing.Words)
	case len(unknown) > 0:
		st := worst(unknown)
		words := a.reason(st.verdict)
		if !st.verdict.Unjudged { // which holds for more than this topic
			words = st.rule.Topic(st.bearing) + " could not be checked: " + words
		}
		s.rest(Unclear, unknown, words)
		if st.bearing.Weight == checks.Breaks && len(s.good) > 0 && len(pick(checks.Unknown, checks.Decides)) == 0 {
			s.words = join("", s.good...) + ", but " + s.words
		}
		s.but(partly)
	case len(unasked) > 0:
		st := worst(unasked)
		s.rest(Unlooked, unasked, st.rule.Topic(st.bearing)+" not checked: "+bound(st.verdict.Message, maxMessage))
		s.but(partly)
	case len(partly) > 0:
		s.rest(Partly, partly, worst(partly).bearing.Words)
	case len(pick(checks.Pass, checks.Decides)) > 0:
		s.rest(Yes, pick(checks.Pass, checks.Decides), "")
	default:
		s.rest(Unclear, nil, "nothing that decides it could be checked")
	}
	return s
}

// but adds what is known to be wrong, to an answer that stays open all the same.
func (s *side) but(partly []stand) {
	if len(partly) > 0 {
		s.words += ", but " + worst(partly).bearing.Words
	}
}

// notice takes up what a rule says whatever the answer will be.
func (s *side) notice(st stand) {
	add := func(to *[]string, words string) {
		if words != "" && !slices.Contains(*to, words) {
			*to = append(*to, words)
		}
	}
	name := st.rule.Topic(st.bearing)
	t := s.topics[name]
	switch st.status {
	case checks.Pass:
		add(&s.good, st.bearing.Good)
	case checks.Fail:
		if st.bearing.Weight == checks.Beside {
			add(&s.beside, st.bearing.Words)
		}
	case checks.Unknown, checks.NotAsked:
		t.open = t.open || st.bearing.Weight != checks.Beside
	}
	t.seen = t.seen || st.seen
	if t.seen || t.open {
		s.topics[name] = t
	}
}

func (s *side) rest(answer string, on []stand, words string) {
	s.answer, s.words = answer, words
	for _, st := range on {
		s.rules = append(s.rules, st.rule.ID)
	}
}

// merge takes over what stands beside another side's answer.
func (s *side) merge(o side) {
	s.good, s.beside, s.told = append(s.good, o.good...), append(s.beside, o.beside...), append(s.told, o.told...)
	s.mergeTopics(o)
}

func (s *side) mergeTopics(o side) {
	for name, t := range o.topics {
		was := s.topics[name]
		s.topics[name] = topic{was.seen || t.seen, was.open || t.open}
	}
}

// remarks gives what stands beside an answer that is not bad.
func (s side) remarks() []string {
	switch s.answer {
	case Yes:
		return append(slices.Clone(s.good), s.beside...)
	case Partly:
		return s.beside
	}
	return nil
}

// unchecked lists what rules could not look at, or not everywhere.
func (s side) unchecked() []string {
	out := []string{}
	for name, t := range s.topics {
		switch {
		case t.open && t.seen:
			out = append(out, name+inPart)
		case t.open:
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// inPart marks what was looked at, but not everywhere.
const inPart = " (in part)"

// compare puts the worse answer first.
func (s side) compare(o side) int {
	order := []string{No, Unclear, Partly, Unlooked, Yes}
	return slices.Index(order, s.answer) - slices.Index(order, o.answer)
}

// worst gives the stand with the most severe verdict, the first among equals.
func worst(all []stand) stand {
	return slices.MinFunc(all, func(a, b stand) int {
		return cmp.Compare(severityOrder(string(a.verdict.Severity)), severityOrder(string(b.verdict.Severity)))
	})
}

// reason says in one sentence why something is not known.
func (a asker) reason(v checks.Verdict) string {
	text := v.Message
	if cause := causesOf(a.e).of(v.Evidence); cause != "" {
		return bound(cause, maxMessage)
	}
	if v.Subject != "" && v.Subject != a.e.Domain && !strings.Contains(text, v.Subject) {
		text = v.Subject + ": " + text
	}
	return bound(text, maxMessage)
}

// A tally counts MX hosts by what their addresses showed.
type tally struct {
	hosts   int
	tried   bool     // some address was talked to
	up      int      // took EHLO or HELO at some address
	ehlo    int      // took EHLO at some address
	tls     int      // of these, those that spoke TLS wherever they took EHLO
	missing []string // those that did not take EHLO, with what they did
	refusal string   // the first greeting that is none
	heard   bool     // some address greeted
	broke   bool     // some address greeted, and then turned this machine away
	met     bool     // a connection was tried
	unmet   string   // why none was
	unasked int      // hosts that a bound left out, which are not in hosts
}

// upWords says how many of the hosts work, of those that were asked.
func (t tally) upWords() string {
	if t.unasked > 0 {
		return fmt.Sprintf("%s MX that were asked up, %d not asked", ratio(t.up, t.hosts), t.unasked)
	}
	return ratio(t.up, t.hosts) + " MX up"
}

// silence says why no mail server could be worked with.
func (t tally) silence(e *gather.Evidence) string {
	switch {
	case t.refusal != "":
		return "refused this machine: " + t.refusal
	case t.broke:
		return "its mail servers broke off before mail could be given to them"
	case t.heard:
		return "its mail servers greeted, and did not answer EHLO"
	case !t.met && t.unmet != "":
		return "no mail server was connected to: " + t.unmet
	}
	four, six := false, false
	for _, h := range e.MX.Hosts {
		for _, a := range h.Addrs {
			four, six = four || a.IP.Is4(), six || !a.IP.Is4()
		}
	}
	switch {
	case six && !four && e.Vantage.IPv6.Broken:
		return "its mail servers have IPv6 addresses only, and this machine reaches none over IPv6"
	case four && e.Vantage.IPv4.Broken:
		return "no mail server answered on port 25, and this machine reaches no others either"
	}
	return "no mail server answered this machine on port 25"
}

func count(e *gather.Evidence) tally {
	const named = 3
	t := tally{hosts: len(e.MX.Hosts)}
	var rest int
	for _, h := range e.MX.Hosts {
		if len(h.Addrs) > 0 && !slices.ContainsFunc(h.Addrs, func(a gather.Address) bool {
			_, special := e.Options.Special(a.IP)
			return a.Ref != "" || special // which is never asked, and no host that a bound left out
		}) {
			t.hosts--
			t.unasked++
			continue
		}
		up, ehlo, tls, broke := false, false, true, false
		var banner *smtp.Reply
		for _, a := range h.Addrs {
			ex := a.Session.Exchanges
			t.tried = t.tried || dialled(a)
			if why := unmet(a.Session); dialled(a) && why == "" {
				t.met = true
			} else if why != "" {
				t.unmet = why
			}
			if r := smtp.Banner(ex); r != nil {
				banner, t.heard = r, true
				broke = broke || checks.Refused(a.Session)
				if r.Code != 220 && t.refusal == "" {
					t.refusal = bound(fmt.Sprintf("%s says %q", h.Name, fmt.Sprint(r.Code, " ", r.Text())), maxBanner)
				}
			}
			if took(ex, smtp.StageEHLO) {
				up, ehlo = true, true
				tls = tls && a.Session.TLS != nil && a.Session.TLS.Error == ""
			}
			up = up || took(ex, smtp.StageHELO)
		}
		t.broke = t.broke || broke
		if up {
			t.up++
		}
		switch {
		case ehlo && tls:
			t.ehlo++
			t.tls++
		case ehlo:
			t.ehlo++
		case len(t.missing) == named:
			rest++
		case h.A.Missing("A") && h.AAAA.Missing("AAAA"):
			t.missing = append(t.missing, bound(h.Name, maxName)+" has no address")
		case len(h.Addrs) == 0:
			t.missing = append(t.missing, bound(h.Name, maxName)+" without a known address")
		case banner != nil && banner.Code != 220:
			t.missing = append(t.missing, bound(h.Name, maxName)+" turned this machine away")
		case broke:
			t.missing = append(t.missing, bound(h.Name, maxName)+" broke off")
		case banner != nil:
			t.missing = append(t.missing, bound(h.Name, maxName)+" did not answer EHLO")
		default:
			t.missing = append(t.missing, bound(h.Name, maxName)+" not reached")
		}
	}
	if rest > 0 {
		t.missing = append(t.missing, fmt.Sprintf("and %d more", rest))
	}
	return t
}

// dialled reports that a conversation with the address was tried: special-purpose
// addresses are left alone, and nobody's silence is told of them.
func dialled(a gather.Address) bool {
	return a.Ref != "" && (a.Session.Fail == nil || a.Session.Fail.Kind != wire.FailForbidden)
}

// took reports that the server took a greeting.
func took(ex []smtp.Exchange, stage string) bool {
	r := smtp.Answered(ex, stage)
	return r != nil && r.Code/100 == 2
}

func ratio(n, of int) string { return fmt.Sprintf("%d of %d", n, of) }
