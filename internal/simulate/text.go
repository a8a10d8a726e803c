package simulate

import (
	"strings"

	"mxvet/report"
)

// Text writes what a decision rests on and what it is.
func (d Decision) Text(l *report.Lines) {
	d.SPF.Text(l)
	l.Blank()
	d.DMARC(l)
}

// mostSteps bounds the steps of SPF that text shows; JSON has all.
const mostSteps = 60

// Text writes the steps of an SPF evaluation.
func (s SPF) Text(l *report.Lines) {
	if s.Result == "" {
		l.Head("SPF", "not asked: %s", s.Why)
		return
	}
	what := map[string]string{"mail-from": "MAIL FROM", "helo": "HELO"}[s.Identity]
	l.Head("SPF", "%s for %s (%s); %d of 10 lookups, %d of 2 void", s.Result, s.Domain, what, s.Lookups, s.Voids)
	for i, step := range s.Trace {
		if i == mostSteps {
			l.Say(2, "... %d more steps: see -o json", len(s.Trace)-i)
			break
		}
		depth := 2
		if step.At != "" {
			depth += 2 * strings.Count(step.At, ".")
		}
		if step.Term == "" {
			l.Row(depth, nil, "record of "+step.Domain)
			continue
		}
		l.Row(depth+2, []int{28}, step.Term, step.Outcome)
	}
	if s.Why != "" {
		l.Say(2, "%s", s.Why)
	}
	if s.Says != "" {
		l.Say(2, "the domain explains: %s", s.Says)
	}
	if s.Differ != "" {
		l.Say(2, "second opinion: %s: %s", s.Second, s.Differ)
	} else {
		l.Say(2, "second opinion: %s", s.Second)
	}
}

// DMARC writes alignment, policy and disposition by each kind of receiver; those
// that come to the same are written once.
func (d Decision) DMARC(l *report.Lines) {
	heading := "DMARC"
	for i := 0; i < len(d.Methods); {
		m, names := d.alike(i)
		i += len(names)
		by := strings.Join(names, "; ")
		if len(names) == len(d.Methods) {
			by = "every method (RFC 9989, RFC 7489)"
		}
		l.Head(heading, "%s by %s", m.Result, by)
		heading = ""
		m.text(l)
	}
	for i, text := range d.Differ {
		if i == 0 {
			l.Blank()
			l.Head("DIFFER", "receivers come to different results:")
		}
		l.Say(2, "%s", text)
	}
}

// same reports that two methods differ in nothing that is shown.
func (m Method) same(n Method) bool {
	if len(m.Identifiers) != len(n.Identifiers) {
		return false
	}
	for i, id := range m.Identifiers {
		other := n.Identifiers[i]
		if other.Org = id.Org; id != other {
			return false
		}
	}
	return m.Org == n.Org && m.RecordAt == n.RecordAt && m.Policy == n.Policy && m.Tag == n.Tag && m.Percent == n.Percent &&
		m.Demoted == n.Demoted && m.Result == n.Result && m.Disposition == n.Disposition && m.Why == n.Why
}

func (m Method) text(l *report.Lines) {
	switch {
	case m.Record == "" && len(m.Unknown) > 0 && m.Org != "":
		l.Say(2, "the record is not known; organizational domain %s", m.Org)
	case m.Record == "" && m.Org != "":
		l.Say(2, "no record; organizational domain %s", m.Org)
	case m.Record != "":
		policy := string(m.Policy)
		if policy == "" {
			policy = "no usable policy"
		} else if m.Tag != "" {
			policy = "policy " + policy + " (tag " + m.Tag + ")"
		}
		if m.Demoted {
			policy += ", one step lower than the tag asks because of t=y"
		}
		l.Say(2, "record of %s, %s; organizational domain %s", m.RecordAt, policy, m.Org)
		l.Verbatim(4, m.Record)
	}
	for _, i := range m.Identifiers {
		if i.Domain != "" {
			l.Row(2, []int{4, 9}, i.By, i.Result, i.Domain+": "+i.Alignment.Text(i.Result))
		}
	}
	l.Say(2, "%s: %s", m.Action(), m.Why)
	if m.softened() {
		l.Say(2, "the policy asks for reject; RFC 9989 section 7.4 forbids a receiver to reject on that alone, and many do all the same")
	}
}

// Text says in words what the alignment of a domain with that result does.
func (a Alignment) Text(result string) string {
	if a.aligned() && result != ResultPass {
		return map[Alignment]string{
			AlignedSame: "the same name, aligned if it passed",
			AlignedOrg:  "the same organization (relaxed), aligned if it passed",
		}[a]
	}
	return map[Alignment]string{
		AlignedSame:    "aligned, the same name",
		AlignedOrg:     "aligned, the same organization (relaxed)",
		NotStrict:      "not aligned: the same organization, but the record asks for the same name (strict)",
		NotAligned:     "not aligned: another organization",
		AlignedUnknown: "not known whether aligned: a lookup failed",
	}[a]
}
