package report

import (
	"slices"
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
	Unlooked = "NOT ASKED"
	NoMatter = "NOT APPLICABLE"
)

// Values of Answer.Tone: whether the answer is good news.
const (
	ToneGood    = "good"
	ToneWarn    = "warn"
	ToneBad     = "bad"
	ToneUnknown = "unknown"
	ToneNone    = "none" // neither: the question does not apply, or was not asked
)

var tones = map[string]string{Yes: ToneGood, No: ToneBad, Partly: ToneWarn, Unclear: ToneUnknown, Unlooked: ToneNone, NoMatter: ToneNone}

var questions = map[checks.Question]string{
	checks.Forgery: "Is it safe from forgery?", checks.Arrival: "Does its mail arrive?", checks.Transit: "Is it protected in transit?",
}

// answers gives the three answers. They come from what the rules bear on, from
// the role, and from how many mail hosts answered; no rule is named here.
func answers(e *gather.Evidence, role string, results []checks.Result) []Answer {
	a := asker{e: e, role: gather.Role{Name: role}, results: results, hosts: count(e)}
	arrival := a.arrival()
	return []Answer{a.forgery(), arrival, a.transit(arrival.Answer == No || arrival.Answer == NoMatter)}
}

// An asker holds what the answers are derived from.
type asker struct {
	e       *gather.Evidence
	role    gather.Role
	results []checks.Result
	hosts   tally
}

func (a asker) forgery() Answer {
	s := a.side(func(b checks.Bearing) bool { return b.On == checks.Forgery })
	if s.answer == Yes && len(s.good)+len(s.beside) == 0 {
		s.good = []string{"nothing was found that lets others forge it"}
	}
	return s.answered(checks.Forgery, join(s.words, s.remarks()...))
}

// arrival joins its two directions: the worse of them is the answer, and the text
// says which it is.
func (a asker) arrival() Answer {
	var ways []side
	for _, way := range []struct {
		direction checks.Direction
		there     bool
	}{{checks.MailTo, a.role.Receives()}, {checks.MailFrom, a.role.Sends()}} {
		if !way.there {
			continue
		}
		s := a.side(func(b checks.Bearing) bool { return b.On == checks.Arrival && b.Direction == way.direction })
		s.direction = string(way.direction)
		if way.direction == checks.MailTo {
			a.countHosts(&s)
		}
		ways = append(ways, s)
	}
	if len(ways) == 0 {
		return side{answer: NoMatter}.answered(checks.Arrival, "it neither takes nor sends mail")
	}
	worst := slices.MinFunc(ways, side.compare)
	sum := side{answer: worst.answer, topics: map[string]topic{}}
	var texts []string
	slices.SortStableFunc(ways, side.compare)
	for _, s := range ways {
		sum.merge(s)
		if s.answer == sum.answer {
			sum.rules = append(sum.rules, s.rules...)
			sum.direction += s.direction
		}
		if worst.answer == Yes {
			continue
		}
		text := join(s.words, s.remarks()...)
		if i := slices.IndexFunc(texts, func(t string) bool { return strings.HasSuffix(t, ": "+text) }); i >= 0 {
			texts[i] = "mail to and from it: " + text
		} else if s.answer != Yes {
			texts = append(texts, "mail "+s.direction+" it: "+text)
		}
	}
	if len(sum.direction) > len(checks.MailFrom) {
		sum.direction = DirectionBoth
	}
	if worst.answer == Yes {
		if texts = sum.remarks(); len(texts) == 0 {
			texts = []string{"nothing was found that stops it"}
		}
		return sum.answered(checks.Arrival, join("", texts...))
	}
	return sum.answered(checks.Arrival, strings.Join(texts, "; "))
}

// countHosts puts the number of working hosts into the answer about mail to the
// domain. Where none of them let anybody in, nothing shows that mail arrives.
func (a asker) countHosts(s *side) {
	h := a.hosts
	switch {
	case !h.tried || s.answer == No || s.answer == Unlooked:
	case h.up == 0:
		s.answer, s.words = Unclear, h.silence(a.e)
	case s.answer == Unclear:
	case s.answer == Yes:
		s.told = append(s.told, checks.AreaTopic(checks.AreaHosts))
		up := h.upWords()
		if len(h.missing) > 0 {
			up += " (" + strings.Join(h.missing, ", ") + ")"
		}
		s.good = append([]string{up}, s.good...)
	default:
		s.told = append(s.told, checks.AreaTopic(checks.AreaHosts))
		s.words = h.upWords() + ", " + s.words
	}
}

// transit answers for the way to the domain; lost says that no mail arrives.
func (a asker) transit(lost bool) Answer {
	if !a.role.Receives() {
		return side{answer: NoMatter}.answered(checks.Transit, "no mail is delivered to it")
	}
	s := a.side(func(b checks.Bearing) bool { return b.On == checks.Transit && b.Shield == "" })
	h := a.hosts
	switch {
	case s.answer == Unclear && len(s.rules) == 0 && !h.heard && !lost:
		s.words = "no mail server was asked, so encryption could not be checked"
	case s.answer == Unclear && len(s.rules) == 0 && !h.heard: // none is unknown: there is proof that none is there
		return side{answer: NoMatter}.answered(checks.Transit, "no mail server takes mail for it")
	case s.answer == Unclear && h.tried && !h.met && h.unmet != "":
		s.words = "no mail server was connected to, so encryption could not be checked: " + h.unmet
	case s.answer == Unclear && h.tried && !h.heard:
		s.words = "no mail server answered, so encryption could not be checked"
	case s.answer == Unclear && h.tried && h.ehlo == 0:
		s.words = "no mail server let this machine in, so encryption could not be checked"
	}
	shields, proven := a.shields(&s)
	s.policies = shields
	var texts []string
	if h.tls > 0 && (h.ehlo < h.hosts || h.unasked > 0) {
		texts = append(texts, "TLS on "+ratio(h.tls, h.ehlo)+" that answered")
	} else if h.tls > 0 {
		texts = append(texts, "TLS on "+ratio(h.tls, h.hosts)+" MX")
	}
	if s.answer == Unclear && !proven {
		return s.answered(checks.Transit, strings.Join(append(texts, s.words), ", but "))
	}
	text := join(s.words, append(append(texts, shields...), s.remarks()...)...)
	if h.tls > 0 && len(h.missing) > 0 {
		s.told = append(s.told, checks.AreaTopic(checks.AreaTLS))
		text += "; " + strings.Join(h.missing, ", ")
	}
	return s.answered(checks.Transit, text)
}

// shields lets the policies against the loss of encryption weigh on the answer: one
// that is whole is enough, and without any the protection is in part. It gives the
// words about each. Proven says that the hosts encrypt, whatever is unknown about
// the policies.
func (a asker) shields(s *side) (words []string, proven bool) {
	proven = s.answer != Unclear
	states := map[checks.Status]bool{}
	var why side
	for _, shield := range checks.Shields() {
		p := a.side(func(b checks.Bearing) bool { return b.Shield == shield })
		s.mergeTopics(p)
		state, text := p.shield(shield)
		if state == checks.NotAsked && len(p.topics) == 0 {
			s.topics[string(shield)] = topic{open: true} // no rule knows of it yet
		}
		states[state] = true
		if state == checks.Unknown {
			why = p
		}
		if state == checks.Pass || state == checks.Fail {
			s.rules = append(s.rules, p.rules...)
		}
		if text != "" {
			words = append(words, text)
		}
	}
	switch {
	case states[checks.Pass]:
	case states[checks.Unknown] && s.answer == Yes:
		s.answer, s.rules, s.words = Unclear, why.rules, ""
	case states[checks.Fail] && s.answer == Yes:
		s.answer = Partly
	case s.answer == Yes:
		s.answer, s.rules = Unlooked, nil
	}
	return words, proven
}

// shield gives the state of one policy in words. Its absence is claimed only by a
// rule that looked.
func (s side) shield(name checks.Shield) (checks.Status, string) {
	switch {
	case s.answer == No:
		return checks.Fail, s.words
	case s.answer == Unclear && len(s.rules) > 0:
		return checks.Unknown, s.words
	case s.answer == Yes && len(s.good) > 0:
		return checks.Pass, s.good[0]
	case s.answer == Yes:
		return checks.Pass, string(name) + " in use"
	}
	return checks.NotAsked, string(name) + " not checked"
}

// answered makes the answer to a question.
func (s side) answered(q checks.Question, text string) Answer {
	a := Answer{ID: string(q), Question: questions[q], Answer: s.answer, Tone: tones[s.answer], Text: text, Direction: s.direction, Policies: s.policies}
	a.Rules = slices.Compact(slices.Sorted(slices.Values(s.rules)))
	a.NotChecked = s.unchecked()
	open := slices.DeleteFunc(slices.Clone(a.NotChecked), func(name string) bool {
		name = strings.TrimSuffix(name, inPart)
		return slices.Contains(s.told, name) || slices.ContainsFunc(s.policies, func(p string) bool { return strings.HasPrefix(p, name) })
	})
	if len(open) > 0 && (s.answer == Yes || s.answer == Partly) {
		a.Text += "; not checked: " + strings.Join(open, ", ")
	}
	return a
}

func join(first string, more ...string) string {
	all := append([]string{first}, more...)
	return strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), ", ")
}
