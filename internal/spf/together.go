package spf

import "net/netip"

// judgeTogether finds what shows only when the terms are seen side by side.
func (r *Record) judgeTogether() {
	all := -1
	seen := make(map[matcher]bool, len(r.Terms))
	redirects, exps := -1, -1
	hasAll := r.All() >= 0
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
				m := t.matcher()
				if seen[m] {
					add(CodeRepeated, "the same term stands in the record before")
				}
				seen[m] = true
			}
			if t.Kind == KindAll && !t.Fatal() && all < 0 {
				all = i
			}
		}
	}
}

// A matcher is what a mechanism matches, without its qualifier: a second term
// with the same one can match nothing new.
type matcher struct {
	kind         Kind
	target       string
	prefix       netip.Prefix
	bits4, bits6 int
}

func (t *Term) matcher() matcher {
	m := matcher{kind: t.Kind, bits4: t.Bits4, bits6: t.Bits6}
	if t.Spec != nil {
		m.target = hostname(t.Spec.Raw)
	}
	if t.Prefix.IsValid() {
		m.prefix = t.Prefix.Masked()
	}
	return m
}
