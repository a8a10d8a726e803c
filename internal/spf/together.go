package spf

// judgeTogether finds what shows only when the terms are seen side by side.
func (r *Record) judgeTogether() {
	all := -1
	seen := map[string]int{}
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
				key := t.key()
				if _, again := seen[key]; again {
					add(CodeRepeated, "the same term stands in the record before")
				}
				seen[key] = i
			}
			if t.Kind == KindAll && !t.Fatal() && all < 0 {
				all = i
			}
		}
	}
}

// key gives what a mechanism matches, without its qualifier: a second term with
// the same key can match nothing new.
func (t Term) key() string {
	t.Explicit = false
	if t.Prefix.IsValid() {
		t.Prefix = t.Prefix.Masked()
	}
	return lower(t.String())
}
