package spf

import "net/netip"

// judgeTogether finds what shows only when the terms are seen side by side.
func (r *Record) judgeTogether() {
	all := -1
	redirects, exps := -1, -1
	hasAll := r.All() >= 0
	seen := map[meaning]bool{}
	for i := range r.Terms {
		t := &r.Terms[i]
		add := func(code Code, text string) {
			t.Problems = append(t.Problems, Problem{Code: code, Pos: t.Pos, End: t.Pos + len(t.Text), Text: text})
		}
		switch t.Kind {
		case KindRedirect:
			if redirects >= 0 {
				add(CodeDuplicate, "redirect stands in the record twice")
			}
			redirects = i
			if hasAll {
				add(CodeRedirectAll, "redirect has no effect in a record that has an all mechanism")
			}
		case KindExp:
			if exps >= 0 {
				add(CodeDuplicate, "exp stands in the record twice")
			}
			exps = i
		case KindModifier, KindUnknown:
		default:
			if all >= 0 {
				add(CodeAfterAll, "nothing behind all is ever reached")
			} else if !t.Fatal() {
				if m := t.meaning(); seen[m] {
					add(CodeRepeated, "the same term stands in the record before")
				} else {
					seen[m] = true
				}
			}
			if t.Kind == KindAll && !t.Fatal() && all < 0 {
				all = i
			}
		}
	}
}

// A meaning is what a mechanism matches, whatever its qualifier: of two with the same
// one, the second can match nothing new.
type meaning struct {
	prefix       netip.Prefix
	kind         Kind
	bits4, bits6 int
	named        bool
	name         string
}

func (t *Term) meaning() meaning {
	switch {
	case t.Prefix.IsValid():
		return meaning{prefix: t.Prefix.Masked()}
	case t.Spec == nil:
		return meaning{kind: t.Kind, bits4: t.Bits4, bits6: t.Bits6}
	}
	return meaning{kind: t.Kind, bits4: t.Bits4, bits6: t.Bits6, named: true, name: hostname(t.Spec.Raw)}
}
