package fix

import (
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// spfMeant gives the text that was meant as the record where no receiver sees
// one; nil where there is none.
func (c *composer) spfMeant() *spf.Record {
	for _, m := range c.e.SPF.Root.Near {
		if m.Why == spf.NearSenderID {
			continue
		}
		if r := c.spfUnquoted(m); r != nil {
			return r
		}
		return new(spf.Parse("v=spf1 " + m.Rest))
	}
	if ask := c.e.SPF.SPF99; ask.Usable() {
		for _, p := range publishedAt(ask.Answer, "SPF") {
			text := (wire.Answer{Answer: []string{".\t0\tIN\tTXT\t" + p.data}}).TXT()
			if len(text) == 1 && strings.HasPrefix(strings.ToLower(text[0]), "v=spf1") {
				return new(spf.Parse(text[0]))
			}
		}
	}
	return nil
}

// spfUnquoted reads a record whose terms were typed into zone text without quotes:
// each became a string of its own, and they join without blanks (RFC 7208 section
// 3.3). It is nil where the strings do not read as a record with blanks between.
func (c *composer) spfUnquoted(m spf.NearMiss) *spf.Record {
	for _, parts := range c.e.SPF.Root.TXT.Answer.TXTStrings() {
		if len(parts) < 2 || strings.Join(parts, "") != m.Text {
			continue
		}
		if r := spf.Parse(strings.Join(parts, " ")); !r.Fatal() && len(r.Terms) > 0 {
			return &r
		}
	}
	return nil
}

// sends reports whether the domain may send mail. From a record that receivers
// cannot read nothing follows.
func (c *composer) sends() bool {
	return c.e.Role.Sends() || !c.e.Role.Stated && c.spfNamesSenders()
}

// noMail reports whether it is safe to say that the domain does no mail.
func (c *composer) noMail() bool {
	return c.e.Role.Name == gather.NoMail && !c.suggestsNoMail() && (c.e.Role.Stated || !c.spfNamesSenders())
}

// spfNamesSenders reports whether some SPF text of the domain, broken or not, is
// meant to let somebody send.
func (c *composer) spfNamesSenders() bool {
	root := c.e.SPF.Root
	records := slices.Clone(root.Records)
	if r := c.spfMeant(); r != nil {
		records = append(records, *r)
	}
	return slices.ContainsFunc(records, func(r spf.Record) bool { return namesSenders(&r, root.Steps) })
}

// namesSenders reports whether the text of a record is meant to let somebody
// send. A redirect is meant as the record that it leads to; where there is none,
// it is meant to lead to senders.
func namesSenders(r *spf.Record, steps []spf.Step) bool {
	for i, t := range r.Terms {
		switch t.Kind {
		case spf.KindAll:
			if t.Qualifier == spf.Pass {
				return true
			}
		case spf.KindExp:
		case spf.KindModifier:
			if slices.ContainsFunc(t.Problems, func(p spf.Problem) bool { return p.Code == spf.CodeAsModifier }) {
				return true
			}
		case spf.KindRedirect:
			if r.All() >= 0 {
				continue
			}
			if i >= len(steps) || steps[i].Child == nil || steps[i].Child.Record == nil || namesSenders(steps[i].Child.Record, steps[i].Child.Steps) {
				return true
			}
		default:
			if t.Qualifier != spf.Fail && t.Qualifier != spf.Softfail && t.Qualifier != spf.Neutral {
				return true
			}
		}
	}
	return false
}

// Meant gives the SPF record of the domain as its text means it, one variant for
// each text that claims to be the record: with slips corrected, with no sender
// left out, and those behind all before it. Each variant is the change that would
// publish it; there is none where the record is not known.
func Meant(e *gather.Evidence) [][]zone.Change {
	c := &composer{e: e}
	n := c.spfNode()
	if n == nil {
		return nil
	}
	records := slices.Clone(n.Records)
	if n == e.SPF.Root {
		if r := c.spfMeant(); r != nil {
			records = append(records, *r)
		}
	}
	var out [][]zone.Change
	for _, r := range records {
		var terms, tail []string
		for _, t := range r.Terms {
			if unreadable(t) {
				continue
			}
			for _, text := range corrected(t) {
				if kind := spf.Parse("v=spf1 " + text).Terms[0].Kind; kind.Mechanism() && kind != spf.KindAll {
					terms = append(terms, text)
				} else {
					tail = append(tail, text)
				}
			}
		}
		text := strings.Join(slices.Concat([]string{"v=spf1"}, terms, tail), " ")
		out = append(out, []zone.Change{{Owner: n.Owner, Type: "TXT", Remove: []string{"*"}, Add: []string{Quote(text)}, TTL: defaultTTL}})
	}
	return out
}
