package simulate

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/dmarc"
	"mxvet/internal/spf"
)

// sum takes the methods together and lists where receivers differ.
func (d *Decision) sum() {
	first := d.Methods[0]
	proves := " proves a domain that is aligned with "
	if strings.Contains(first.proof(), " and ") {
		proves = " prove a domain that is aligned with "
	}
	d.Verdict, d.Why = Pass, first.proof()+proves+d.Author
	if first.Result == ResultNone || first.Result == ResultPermError {
		d.Why += "; but " + first.Why + ", so receivers do not ask for it"
	}
	for _, m := range d.Methods {
		switch {
		case m.Aligned == Fail && d.Verdict != Fail:
			d.Verdict, d.Why = Fail, m.Why
			if d.Author != "" && m.Result != ResultFail {
				d.Why = "neither SPF nor DKIM proves an aligned domain; " + m.Why
			}
			if slices.ContainsFunc(d.Methods, func(n Method) bool { return n.Aligned == Pass }) {
				d.Why = "not for every receiver: by " + m.Name + ", " + d.Why
			}
		case m.Aligned == Unknown && d.Verdict == Pass:
			d.Verdict, d.Why = Unknown, d.unknowns(m)
		case m.Result == ResultTempError && d.Verdict == Pass:
			d.Verdict, d.Why = Unknown, "an aligned domain is proved by "+m.proof()+", but "+m.Why+", and so DMARC neither passes nor fails"
		}
	}
	if d.SPF.Differ != "" {
		d.Differ = append(d.Differ, fmt.Sprintf("SPF gives %s by one program and %s by another: %s", d.SPF.Result, d.SPF.Second, d.SPF.Differ))
	}
	if d.SPF.Voided != "" {
		d.Differ = append(d.Differ, "SPF: "+d.SPF.Voided)
	}
	for i, m := range d.Methods {
		if m.fault != "" && !slices.ContainsFunc(d.Methods[:i], func(n Method) bool { return n.Record == m.Record }) {
			d.Differ = append(d.Differ, "DMARC: "+m.fault+" in the record of "+m.RecordAt+": a strict reader takes it for none (RFC 6376 section 3.2), others read the rest (RFC 9989 section 4.8)")
		}
	}
	if !slices.ContainsFunc(d.Methods[1:], func(m Method) bool { return m.Result != first.Result || m.Action() != first.Action() }) {
		d.spfFirst(first)
		return
	}
	var says []string
	for i := 0; i < len(d.Methods); {
		m, names := d.alike(i)
		says = append(says, fmt.Sprintf("%s (%s): %s, %s", strings.Join(names, " and "), m.basis(), m.Result, m.Action()))
		i += len(names)
	}
	d.Differ = append(d.Differ, "DMARC: "+strings.Join(says, "; "))
	d.spfFirst(first)
}

// alike gives a method and the names of it and of those after it that come to the
// same.
func (d *Decision) alike(i int) (m Method, names []string) {
	m = d.Methods[i]
	for ; i < len(d.Methods) && d.Methods[i].same(m); i++ {
		names = append(names, d.Methods[i].Name)
	}
	return m, names
}

// spfFirst tells of receivers that act on SPF alone, where the policy has them not
// refuse the message.
func (d *Decision) spfFirst(m Method) {
	if d.SPF.Result == spf.ResultPermError {
		d.Differ = append(d.Differ, "SPF gives permerror: the record of "+d.SPF.Domain+" is in error, and some receivers refuse mail for that (RFC 7208 section 8.7)")
	}
	if d.SPF.Result == spf.ResultFail && (m.Result != ResultFail || m.Disposition == Deliver) {
		d.Differ = append(d.Differ, "SPF gives fail, and some receivers refuse at MAIL FROM on that alone, before DKIM and DMARC are seen (RFC 9989 section 7.1)")
	}
}

// basis says what a method went by.
func (m Method) basis() string {
	if m.RecordAt == "" {
		return "organizational domain " + m.Org + ", no record"
	}
	return "organizational domain " + m.Org + ", record of " + m.RecordAt
}

// unknowns says which answers are missing.
func (d *Decision) unknowns(m Method) string {
	var why []string
	if len(m.Unknown) > 0 {
		why = append(why, "no answer about the policy of "+strings.Join(m.Unknown, ", "))
	}
	for _, i := range m.Identifiers {
		switch {
		case i.Counts() != Unknown:
		case i.By == "spf" && i.Result == "":
			why = append(why, "SPF could not be asked: "+d.SPF.Why)
		case i.By == "spf" && i.Result == ResultTempError:
			why = append(why, "SPF got no answer: "+d.SPF.Why)
		case i.Result == ResultTempError:
			why = append(why, "no answer about the key of a signature of "+i.Domain)
		case i.By == "dkim" && i.Result == "":
			why = append(why, "there are signatures of "+i.Domain+" that were not verified")
		default:
			why = append(why, "no answer about the organization of "+i.Domain)
		}
	}
	return strings.Join(why, "; ")
}

// softened reports that the policy asks for more than the standard of the receiver
// has it do.
func (m Method) softened() bool {
	return m.Result == ResultFail && m.Policy == dmarc.Reject && m.reader == dmarc.RFC9989
}

// Action says in words what a receiver does that follows the policy.
func (m Method) Action() string {
	switch {
	case m.Disposition == Open && m.Result == ResultNone:
		return "left to the receiver"
	case m.Result == ResultUnknown:
		return "what a receiver does is not known"
	case m.softened():
		return "put aside as suspicious unless the receiver knows more"
	case m.Result == ResultFail && m.Percent == 0 && m.Policy == dmarc.Reject:
		return "put aside as suspicious, or delivered (pct=0 asks to reject no such message, and receivers differ)"
	case m.Result == ResultFail && m.Percent == 0 && m.Policy == dmarc.Quarantine:
		return "delivered (pct=0 asks to put no such message aside; some receivers put it aside all the same)"
	}
	rest := map[Disposition]string{Quarantine: "delivered", Reject: "put aside"}[m.Disposition]
	text := map[Disposition]string{
		Accept: "accepted", Deliver: "delivered as if there were no DMARC", Quarantine: "put aside as suspicious",
		Reject: "rejected", Open: "asked again later, or delivered without DMARC",
	}[m.Disposition]
	if rest != "" && m.Percent > 0 && m.Percent < 100 {
		text = fmt.Sprintf("%s for %d of 100 such messages, the others %s (pct)", text, m.Percent, rest)
	}
	return text
}
