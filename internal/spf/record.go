// Package spf reads, walks and evaluates Sender Policy Framework records
// (RFC 7208).
//
// A domain publishes one TXT record that starts with "v=spf1" and goes on with
// terms. A directive is a mechanism with a qualifier: the mechanism (all,
// include, a, mx, ptr, ip4, ip6, exists) says which clients it matches, the
// qualifier (+ pass, - fail, ~ softfail, ? neutral) what a match means. The
// first match ends the evaluation. A modifier (redirect, exp) names a domain:
// redirect hands the decision over where nothing matched, exp points at a text
// for the rejected. Targets may hold macros such as %{i}, which expand to facts
// about the message (section 7).
//
// Because an evaluation may ask the DNS on behalf of strangers it is bounded
// (section 4.6.4): ten terms that cause lookups over the whole tree of includes
// and redirects, two lookups that find nothing, ten hosts behind one mx. A
// record that breaks a bound, or has a syntax error anywhere, gives "permerror",
// which receivers treat as if there were no policy.
//
// Parse reports everything wrong with one record, Lookup walks the whole tree
// without a message (what can happen to any client), and Check evaluates one
// message as a receiver does.
package spf

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// A Kind says what a term is.
type Kind string

// Kinds of term (RFC 7208 sections 5 and 6).
const (
	KindAll      Kind = "all"
	KindInclude  Kind = "include"
	KindA        Kind = "a"
	KindMX       Kind = "mx"
	KindPTR      Kind = "ptr"
	KindIP4      Kind = "ip4"
	KindIP6      Kind = "ip6"
	KindExists   Kind = "exists"
	KindRedirect Kind = "redirect"
	KindExp      Kind = "exp"
	KindModifier Kind = "modifier" // a modifier that RFC 7208 does not define: ignored
	KindUnknown  Kind = "unknown"  // neither a known mechanism nor a modifier: a syntax error
)

// Mechanism reports whether terms of that kind are mechanisms.
func (k Kind) Mechanism() bool {
	switch k {
	case KindRedirect, KindExp, KindModifier, KindUnknown:
		return false
	}
	return true
}

// Asks reports whether a term of that kind counts against the limit of ten
// (RFC 7208 section 4.6.4).
func (k Kind) Asks() bool {
	switch k {
	case KindInclude, KindA, KindMX, KindPTR, KindExists, KindRedirect:
		return true
	}
	return false
}

// Qualifiers (RFC 7208 section 4.6.2).
const (
	Pass     byte = '+'
	Fail     byte = '-'
	Softfail byte = '~'
	Neutral  byte = '?'
)

// Limits of RFC 7208 section 4.6.4.
const (
	MaxLookups = 10 // terms that cause lookups, in one evaluation
	MaxVoid    = 2  // lookups that find nothing, in one evaluation
	MaxMX      = 10 // hosts behind one mx term
	MaxPTR     = 10 // names of one client that are looked at
)

// maxTerms bounds what is read of one record. Records that follow the advice of
// section 3.4 on their size have some forty terms.
const maxTerms = 2000

// A Record is one SPF record as far as it could be understood.
type Record struct {
	Text     string
	Terms    []Term    // in the order of the text
	Problems []Problem // everything found, by position; also those of the terms
}

// A Term is one directive or modifier. Fields that the text does not give, or
// gives wrongly, have their zero or default value.
type Term struct {
	Kind      Kind
	Name      string       // of mechanism or modifier, as written
	Qualifier byte         // Pass, Fail, Softfail or Neutral; 0 for a modifier
	Explicit  bool         // the qualifier is written
	Spec      *Spec        // target as written; nil where there is none
	Prefix    netip.Prefix // ip4 and ip6; host bits stay as written; invalid where it could not be read
	Bits4     int          // a and mx: prefix length for IPv4 clients, 32 unless given
	Bits6     int          // a and mx: prefix length for IPv6 clients, 128 unless given
	Pos       int          // byte offset in the record
	Text      string       // as written
	Problems  []Problem
}

// Parse reads a record. Whatever is wrong is listed, and the terms hold what
// could be understood. Only of a record with thousands of terms the rest is left
// unread, with CodeTooLong among its problems. A text without the version section is
// read too, with CodeVersion among its problems.
func Parse(text string) Record {
	r := Record{Text: text}
	at := r.version()
	if at < len(text) {
		r.Terms = make([]Term, 0, min(strings.Count(text[at:], " ")+1, maxTerms))
	}
	for at < len(text) {
		if text[at] == ' ' {
			at++
			continue
		}
		if len(r.Terms) == maxTerms {
			r.Problems = append(r.Problems, Problem{
				Code: CodeTooLong, Term: -1, Pos: at, End: len(text),
				Text: "the record has so many terms that its rest was not read",
			})
			break
		}
		end := len(text)
		if i := strings.IndexByte(text[at:], ' '); i >= 0 {
			end = at + i
		}
		r.Terms = append(r.Terms, parseTerm(text[at:end], at))
		at = end
	}
	r.judgeTogether()
	r.collect()
	return r
}

// Fatal reports whether the record has a syntax error, so that its evaluation
// ends in permerror (RFC 7208 section 4.6).
func (r Record) Fatal() bool { return slices.ContainsFunc(r.Problems, Problem.Fatal) }

// Whole reports whether the record was read to its end. Of one that was not, nothing
// follows from what was not met.
func (r Record) Whole() bool {
	return !slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Code == CodeTooLong })
}

// All gives the index of the first all mechanism, or -1.
func (r Record) All() int {
	return slices.IndexFunc(r.Terms, func(t Term) bool { return t.Kind == KindAll && !t.Fatal() })
}

// Redirect gives the index of the first usable redirect modifier, or -1. It has
// no effect where the record has an all mechanism (RFC 7208 section 6.1).
func (r Record) Redirect() int {
	return slices.IndexFunc(r.Terms, func(t Term) bool { return t.Kind == KindRedirect && !t.Fatal() })
}

// Exp gives the index of the first usable exp modifier, or -1.
func (r Record) Exp() int {
	return slices.IndexFunc(r.Terms, func(t Term) bool { return t.Kind == KindExp && !t.Fatal() })
}

// Order gives the indexes of the terms in the order of evaluation: mechanisms as
// they stand up to the first all, then redirect where there is no all. Terms
// with a syntax error, later terms and other modifiers are left out.
func (r Record) Order() []int {
	var order []int
	for i, t := range r.Terms {
		if t.Kind.Mechanism() && !t.Fatal() {
			order = append(order, i)
			if t.Kind == KindAll {
				return order
			}
		}
	}
	if i := r.Redirect(); i >= 0 {
		order = append(order, i)
	}
	return order
}

// String gives the record in a canonical form: lower-case version and names,
// one blank between terms, addresses as RFC 5952 writes them. Terms with a
// syntax error stay as they are. Parsing it and printing again changes nothing.
func (r Record) String() string {
	var b strings.Builder
	b.WriteString("v=spf1")
	for _, t := range r.Terms {
		b.WriteByte(' ')
		b.WriteString(t.String())
	}
	return b.String()
}

// Fatal reports whether the term has a syntax error.
func (t Term) Fatal() bool { return slices.ContainsFunc(t.Problems, Problem.Fatal) }

// String gives the term in its canonical form, or as written where it has a
// syntax error.
func (t Term) String() string {
	if t.Kind == KindUnknown || t.Kind == KindModifier || t.Fatal() {
		return t.Text
	}
	var b strings.Builder
	if t.Explicit {
		b.WriteByte(t.Qualifier)
	}
	b.WriteString(strings.ToLower(t.Name))
	switch t.Kind {
	case KindRedirect, KindExp:
		b.WriteByte('=')
		b.WriteString(t.Spec.Raw)
	case KindIP4, KindIP6:
		b.WriteByte(':')
		b.WriteString(t.Prefix.Addr().String())
		if t.Prefix.Bits() != t.Prefix.Addr().BitLen() {
			b.WriteByte('/')
			b.WriteString(strconv.Itoa(t.Prefix.Bits()))
		}
	default:
		if t.Spec != nil {
			b.WriteByte(':')
			b.WriteString(t.Spec.Raw)
		}
		if t.Kind == KindA || t.Kind == KindMX {
			if t.Bits4 != 32 {
				b.WriteByte('/')
				b.WriteString(strconv.Itoa(t.Bits4))
			}
			if t.Bits6 != 128 {
				b.WriteString("//")
				b.WriteString(strconv.Itoa(t.Bits6))
			}
		}
	}
	return b.String()
}

// version reads the version section and gives the offset after it.
func (r *Record) version() int {
	if hasVersion(r.Text) {
		if r.Text[:len(version)] != version {
			r.Problems = append(r.Problems, Problem{
				Code: CodeVersionCase, Term: -1, End: len(version), Instead: version,
				Text: "the version is not in lower case",
			})
		}
		return len(version)
	}
	r.Problems = append(r.Problems, Problem{
		Code: CodeVersion, Term: -1, End: len(r.Text),
		Text: `the text does not start with "v=spf1" and a blank`,
	})
	// What looks like a misspelt version is no term.
	first, _, _ := strings.Cut(strings.TrimLeft(r.Text, " "), " ")
	if strings.Contains(lower(first), "spf") && !strings.ContainsAny(first, ":/") {
		return strings.Index(r.Text, first) + len(first)
	}
	return 0
}

// collect gathers the problems of the terms, by position.
func (r *Record) collect() {
	for i := range r.Terms {
		for j := range r.Terms[i].Problems {
			r.Terms[i].Problems[j].Term = i
		}
		r.Problems = append(r.Problems, r.Terms[i].Problems...)
	}
	slices.SortStableFunc(r.Problems, func(a, b Problem) int { return a.Pos - b.Pos })
}
