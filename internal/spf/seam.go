package spf

import "strings"

// maxString is the longest string that a TXT record can hold, in octets.
const maxString = 255

// ParseStrings reads a record from the strings of its TXT record, which are
// joined with nothing between them (RFC 7208 section 3.3). Beyond what Parse
// says it reports what goes wrong at the seams.
func ParseStrings(parts []string) Record {
	text := strings.Join(parts, "")
	r := Parse(text)
	known := len(r.Problems)
	add := func(code Code, term, pos, end int, instead, what string) {
		r.Problems = append(r.Problems, Problem{Code: code, Term: term, Pos: pos, End: end, Instead: instead, Text: what})
	}
	seam := 0
	for i, part := range parts {
		if len(part) > maxString {
			add(CodeLongString, -1, seam, seam+len(part), "", "a string is longer than 255 octets")
		}
		seam += len(part)
		if i+1 == len(parts) || part == "" || seam == len(text) {
			continue
		}
		if text[seam-1] == ' ' && text[seam] == ' ' {
			add(CodeSeamBlank, -1, seam-1, seam+1, "", "two blanks where two strings meet")
		}
		if n := r.at(seam); n >= 0 && glued(r.Terms[n], seam, len(part) == maxString) {
			t := r.Terms[n]
			cut := seam - t.Pos
			add(CodeGlued, n, t.Pos, t.Pos+len(t.Text), t.Text[:cut]+" "+t.Text[cut:],
				"two terms are joined where two strings meet: no blank stands there")
		}
	}
	if n := len(parts); n > 0 && len(parts[n-1]) == maxString && r.unfinished() {
		add(CodeCutOff, len(r.Terms)-1, len(text)-1, len(text), "",
			"the last string has 255 octets and the record does not end properly: it seems to be cut off")
	}
	for _, p := range r.Problems[known:] {
		if p.Term >= 0 {
			t := &r.Terms[p.Term]
			t.Problems = append(t.Problems, p)
		}
	}
	return r
}

// at gives the term that has octets on both sides of an offset, or -1.
func (r *Record) at(offset int) int {
	for i, t := range r.Terms {
		if t.Pos < offset && offset < t.Pos+len(t.Text) {
			return i
		}
	}
	return -1
}

// glued reports whether a term is two terms without a blank between them: both
// sides of the seam read well alone. Where the left string is full, it may have
// been split by a machine, in the middle of a word, so the joined term must be
// broken too.
func glued(t Term, seam int, full bool) bool {
	left, right := t.Text[:seam-t.Pos], t.Text[seam-t.Pos:]
	if full && !t.Fatal() || len(t.Text) > 4*maxString {
		return false
	}
	l, r := parseTerm(left, 0), parseTerm(right, 0)
	whole := func(t Term) bool { return t.Kind != KindUnknown && t.Kind != KindModifier && !t.Fatal() }
	if !whole(l) || !whole(r) {
		return false
	}
	// "ip4:192.0.2.1" and "0" or "a" and "ll" are one term cut in two.
	return t.Fatal() || l.Spec != nil && len(right) > 1
}

// unfinished reports whether the record ends as none does that is whole.
func (r *Record) unfinished() bool {
	if len(r.Terms) == 0 {
		return false
	}
	return r.Terms[len(r.Terms)-1].Fatal() || r.All() < 0 && r.Redirect() < 0
}
