package message

import (
	"slices"
	"strings"
)

// A token of a Received field: a word, or a comment without its parentheses.
type token struct {
	text    string
	comment bool
}

// tokens splits a field at blanks and comments, which may be nested, up to the last
// semicolon outside of comments; date is what follows that. Behind the word "by" a
// quoted string is one with what is around it, and so is what stands in angle brackets:
// addresses stand there, and their local parts are the peer's to choose. Before it a
// quotation mark is a character like others: HELO names are written as they were said.
// whole is false where a comment or an address has no end, or a quoted string holds what
// looks like the server's clause: then nobody can tell who wrote what is in it.
func tokens(s string) (out []token, date string, whole bool) {
	whole = true
	start, depth, semicolon, at, own := -1, 0, -1, 0, false
	flush := func(end int, comment bool) {
		if start >= 0 && end > start {
			out = append(out, token{s[start:end], comment})
			own = own || !comment && strings.EqualFold(s[start:end], "by")
		}
		start = -1
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && depth > 0:
			i++
		case c == '"' && own && quotedEnd(s, i) > 0:
			if start < 0 {
				start = i
			}
			whole = whole && !holdsClause(s[i:quotedEnd(s, i)])
			i = quotedEnd(s, i)
		case c == '<' && own && depth == 0:
			end := bracketEnd(s, i)
			if end == 0 || holdsClause(s[i:end]) {
				whole, end = false, i
			}
			if start < 0 {
				start = i
			}
			i = end
		case c == '(':
			if depth == 0 {
				flush(i, false)
				start = i + 1
			}
			depth++
		case c == ')' && depth > 0:
			if depth--; depth == 0 {
				flush(i, true)
			}
		case depth > 0:
		case c == ';':
			flush(i, false)
			semicolon, at = i, len(out)
		case c == ' ' || c == '\t':
			flush(i, false)
		case start < 0:
			start = i
		}
	}
	flush(len(s), depth > 0)
	if semicolon < 0 {
		return out, "", whole && depth == 0
	}
	return out[:at], s[semicolon+1:], whole && depth == 0
}

// holdsClause reports that a text holds the word by which a server begins its clause.
func holdsClause(s string) bool { return slices.Contains(strings.Fields(strings.ToLower(s)), "by") }

// bracketEnd gives the index of the ">" that ends an address at start, 0 where none does:
// outside of quotes an address holds no blank.
func bracketEnd(s string, start int) int {
	for i := start + 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			if end := quotedEnd(s, i); end > 0 {
				i = end
			}
		case '>':
			return i
		case ' ', '\t':
			return 0
		}
	}
	return 0
}

// quotedEnd gives the index of the mark that ends the quoted string at start, 0 where
// none does.
func quotedEnd(s string, start int) int {
	for i := start + 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return 0
}

// A trace is a field in its parts.
type trace struct {
	from    []token             // of the clause that names the client
	before  []string            // comments before any clause, which say nothing of the client
	inBy    []string            // comments of the clauses that the server writes about itself
	clauses map[string][]string // words of the others, by their keyword
	twice   bool                // a clause stands twice, or before the server's name, or without a value, as no server writes it
	hasFrom bool
	late    bool // the client stands behind other clauses, as no server writes it
}

func splitReceived(all []token) trace {
	r := trace{clauses: map[string][]string{}}
	clause, value := "", false // value: the next word belongs to the clause, whatever it is
	for _, t := range all {
		lower := strings.ToLower(t.text)
		keyword := !t.comment && slices.Contains([]string{"from", "by", "via", "with", "id", "for"}, lower)
		switch {
		case t.comment && clause == "from":
			r.from = append(r.from, t)
			value = false
		case t.comment && clause == "":
			r.before = append(r.before, t.text)
		case t.comment:
			r.inBy = append(r.inBy, t.text)
		case value && keyword && clause != "from": // a client that calls itself "x with" would take what the server wrote for its own
			r.twice, value = true, false
		case value:
			value = false
			if clause == "from" {
				r.from = append(r.from, t)
			} else {
				r.clauses[clause] = append(r.clauses[clause], t.text)
			}
		case lower == "from" && clause == "":
			clause, value, r.hasFrom = "from", true, true
		case lower == "from" && r.hasFrom, lower == "by" && r.clauses["by"] != nil:
			r.twice = true
		case lower == "from":
			r.late = true
		case keyword && lower != "by" && r.hasFrom && r.clauses["by"] == nil:
			r.twice = true
		case keyword, lower == "tls" && r.clauses["by"] != nil:
			clause, value = lower, true
		case clause == "from":
			r.from = append(r.from, t)
		default:
			r.clauses[clause] = append(r.clauses[clause], t.text)
		}
	}
	return r
}
