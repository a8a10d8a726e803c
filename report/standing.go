package report

import (
	"encoding/json"
	"fmt"
	"slices"

	"mxvet/checks"
	"mxvet/internal/gather"
)

// A Mark is a number and a letter. High counts proven losses only, Low counts
// every unknown as failed too. Number, NumberLow and Letter are what is shown of
// them, and null where too little was seen.
type Mark struct {
	Number      *int   `json:"score" jsonschema:"nullable,minimum=0,maximum=100"`     // High, where a number stands
	NumberLow   *int   `json:"score_low" jsonschema:"nullable,minimum=0,maximum=100"` // Low, where a number stands
	Letter      Letter `json:"letter" jsonschema:"nullable"`                          // null unless both ends of a number that stands have the same
	Provisional bool   `json:"provisional"`                                           // not a single number with a letter
	Why         string `json:"why"`                                                   // why no number stands, "" where one does
	High        int    `json:"possible_high" jsonschema:"minimum=0,maximum=100"`
	Low         int    `json:"possible_low" jsonschema:"minimum=0,maximum=100"`
	LetterHigh  Letter `json:"letter_high" jsonschema:"nullable"`
	LetterLow   Letter `json:"letter_low" jsonschema:"nullable"`
}

// A Letter is a grade, "A+" to "F". The empty one means that none is given, and
// is null in JSON.
type Letter string

// MarshalJSON writes the letter, or null for none.
func (l Letter) MarshalJSON() ([]byte, error) {
	if l == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(l))
}

// stand decides what of a mark is shown. A number is earned where enough was seen
// and none of the three answers is open: with a proven low end apart from the high
// one it is a range, and a letter needs both ends to agree. Elsewhere there is
// none, and why says what keeps it from being there.
func (m *Mark) stand(coverage, least int, answers []Answer, why string) {
	open := slices.IndexFunc(answers, func(a Answer) bool { return a.Answer == Unclear })
	m.Number, m.NumberLow, m.Letter, m.Why, m.Provisional = nil, nil, "", "", true
	if coverage < least || open >= 0 {
		switch m.Why = why; {
		case why != "":
		case open >= 0:
			m.Why = answers[open].Text
		default:
			m.Why = fmt.Sprintf("only %d %% of what was asked was answered", coverage)
		}
		return
	}
	high, low := m.High, m.Low
	m.Number, m.NumberLow = &high, &low
	if m.LetterHigh == m.LetterLow {
		m.Letter = m.LetterHigh
	}
	m.Provisional = low != high || m.Letter == ""
}

// hold takes the number away where a cap may lie hidden behind a question that got
// no answer: what is possible then reaches down to that cap.
func (s *Score) hold(e *gather.Evidence, r *Rubric, profile string, results []checks.Result) {
	at, rule, v := r.openCap(profile, s.High, results)
	if at == s.High || e.Options.Offline {
		return
	}
	if at < s.Low {
		s.Low, s.LetterLow = at, r.grade(at, false)
	}
	if !s.Stands() {
		return
	}
	s.Number, s.NumberLow, s.Letter = nil, nil, ""
	s.Why = fmt.Sprintf("%s could not be checked, which may hold it at %d: %s", topicOf(rule, v), at, asker{e: e}.reason(v))
}

// topicOf names what was not looked at while a rule is unknown.
func topicOf(rule checks.Rule, v checks.Verdict) string {
	for _, b := range rule.Bears {
		if !b.From.Worse(v.Severity) {
			return rule.Topic(b)
		}
	}
	return checks.AreaTopic(rule.Area)
}

// Stands reports whether a number is shown.
func (m Mark) Stands() bool { return m.Number != nil }

// Range gives the number as people read it: "79", "79-83", or "" where none stands.
func (m Mark) Range() string {
	switch {
	case m.Number == nil:
		return ""
	case m.Low != m.High:
		return fmt.Sprintf("%d-%d", m.Low, m.High)
	}
	return fmt.Sprint(m.High)
}

// Grade gives the letter that goes with Range: "C", "(D to A)", or "" where no
// number stands.
func (m Mark) Grade() string {
	switch {
	case m.Number == nil:
		return ""
	case m.Letter == "":
		return fmt.Sprintf("(%s to %s)", m.LetterLow, m.LetterHigh)
	}
	return string(m.Letter)
}

// Possible says in words between which ends the score lies where no number stands.
func (m Mark) Possible() string {
	if m.Low == m.High {
		return fmt.Sprintf("%d possible", m.High)
	}
	return fmt.Sprintf("%d to %d possible", m.Low, m.High)
}

// better reports whether an outcome is worth telling beside what is now.
func (n *Outcome) better(now Mark) bool {
	return n != nil && n.Stands() && (!now.Stands() || n.High > now.High || n.Low > now.Low || n.Letter != now.Letter)
}

// mainReason gives the reason for which most rules are unknown, "" where none is.
func mainReason(d *Domain) string {
	if groups := unknownByReason(d); len(groups) > 0 {
		return groups[0].reason
	}
	return ""
}
