package spf

// judgeTogether finds what shows only when the terms are seen side by side.
func (r *Record) judgeTogether() {
	all := -1
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
				for j := range r.Terms[:i] {
					if u := &r.Terms[j]; t.same(u) && !u.Fatal() {
						add(CodeRepeated, "the same term stands in the record before")
						break
					}
				}
			}
			if t.Kind == KindAll && !t.Fatal() && all < 0 {
				all = i
			}
		}
	}
}

// same reports whether two mechanisms match the same, whatever their qualifiers:
// the second one can then match nothing new.
func (t *Term) same(u *Term) bool {
	// What differs most often, and is cheapest to compare, comes first: long
	// records compare every pair of terms.
	switch {
	case t.Prefix.IsValid() || u.Prefix.IsValid():
		return t.Prefix.Bits() == u.Prefix.Bits() && t.Prefix.Contains(u.Prefix.Addr())
	case t.Bits4 != u.Bits4 || t.Bits6 != u.Bits6 || (t.Spec == nil) != (u.Spec == nil) || t.Kind != u.Kind:
		return false
	}
	return t.Spec == nil || hostname(t.Spec.Raw) == hostname(u.Spec.Raw)
}
