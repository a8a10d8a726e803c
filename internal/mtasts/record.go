// Package mtasts reads MTA-STS: the statement of a mail domain that its servers
// do TLS with a valid certificate (RFC 8461).
//
// The statement has two parts. A TXT record at "_mta-sts.<domain>" says that
// there is a policy and gives it an id, which changes with the policy. The policy
// itself is a text file at "https://mta-sts.<domain>/.well-known/mta-sts.txt",
// whose certificate vouches for it: it lists the names that MX hosts may have
// (mx), says what a sender does when a host does not comply (mode: enforce means
// no delivery there, testing only a report, none no policy), and for how long a
// sender may remember it (max_age, in seconds). Senders never follow redirects.
//
// Everything here is a fact. What it means for the owner is judged elsewhere.
package mtasts

import (
	"strings"

	"mxvet/internal/syntax"
)

// A Field is one "name=value" of the record.
type Field struct {
	Name, Value string
	Pos         int // byte offset of the field in the text
}

// A Record is one TXT record read as an MTA-STS record (RFC 8461 section 3.1), as
// far as it could be understood.
type Record struct {
	Text string
	// Selected reports that the text begins with "v=STSv1;", exactly. Senders
	// discard other records before they look further.
	Selected bool
	Fields   []Field
	ID       string // the first id field, also when it is invalid
	Problems []Problem
}

// maxProblems bounds the problems of one code that are listed; all of a record or a
// policy, 64 kB at most, is read.
const maxProblems = 100

const version = "v=STSv1"

// Parse reads text as an MTA-STS record. It never fails: what is wrong is listed
// in Problems.
func Parse(text string) Record {
	r := Record{Text: text, Selected: strings.HasPrefix(text, version+";")}
	seen := map[string]bool{}
	for start, part := range syntax.Parts(text) {
		if part == "" {
			r.problem(EmptyField, start, "nothing before a semicolon")
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		trimmed, val := strings.TrimRight(name, " \t"), strings.TrimLeft(value, " \t")
		switch {
		case !ok:
			r.problem(Malformed, start, syntax.Quote(part)+" has no \"=\"")
			continue
		case !syntax.FieldName(trimmed):
			r.problem(Malformed, start, syntax.Quote(trimmed)+" is no field name")
			continue
		case seen[trimmed]:
			r.problem(Repeated, start, "field "+trimmed+" is repeated; the first counts")
		case trimmed != "v" && trimmed != "id":
			r.problem(UnknownField, start, "field "+syntax.Quote(trimmed)+" is not defined; senders ignore it")
		}
		if trimmed != name || val != value {
			r.problem(Blank, start, "blanks around \"=\" are not allowed")
		}
		if trimmed != "id" && !syntax.FieldValue(val) {
			r.problem(Malformed, start, "the value of field "+syntax.Quote(trimmed)+" is empty or holds characters that are not allowed")
		}
		if trimmed == "id" && !seen["id"] {
			if r.ID = val; !idValue(val) {
				r.problem(IDInvalid, start, "the id must be 1 to 32 letters and digits; it is "+syntax.Quote(val))
			}
		}
		seen[trimmed] = true
		r.Fields = append(r.Fields, Field{trimmed, val, start})
	}
	if !seen["id"] {
		r.problem(IDMissing, 0, "the record has no id")
	}
	r.start()
	return r
}

// start says why a record is not selected.
func (r *Record) start() {
	if r.Selected {
		return
	}
	first, _, cut := strings.Cut(r.Text, ";")
	bare := strings.Trim(first, " \t")
	compact := strings.NewReplacer(" ", "", "\t", "").Replace(bare)
	hasVersion := false
	for _, f := range r.Fields {
		hasVersion = hasVersion || f.Name == "v"
	}
	switch {
	case compact == version && (bare != first || compact != bare):
		r.problem(VersionBlank, 0, "a blank stands beside v=STSv1; senders look for \"v=STSv1;\" at the start")
	case first == version && !cut, strings.HasPrefix(bare, version+" "), strings.HasPrefix(bare, version+","):
		r.problem(VersionSeparator, min(len(version), len(r.Text)), "no semicolon follows v=STSv1")
	case strings.EqualFold(compact, version):
		r.problem(VersionCase, 0, "the version must be written v=STSv1, in this letter case")
	case hasVersion && (len(r.Fields) == 0 || r.Fields[0].Name != "v"):
		r.problem(VersionNotFirst, 0, "the version must come first")
	case hasVersion:
		r.problem(VersionValue, 0, "the version must be STSv1; it is "+syntax.Quote(r.Fields[0].Value))
	default:
		r.problem(VersionMissing, 0, "the record does not start with v=STSv1;")
	}
}

// Usable reports that a sender takes the record: it is selected and its id is
// well-formed.
func (r Record) Usable() bool { return r.Selected && idValue(r.ID) }

// String gives the fields as written, in one form of punctuation. Parts that are
// no fields are left out.
func (r Record) String() string {
	var b strings.Builder
	for i, f := range r.Fields {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(f.Name + "=" + f.Value + ";")
	}
	return b.String()
}

// Problem gives the first problem of that code; nil where there is none.
func (r Record) Problem(code Code) *Problem { return first(r.Problems, code) }

func (r *Record) problem(code Code, pos int, text string) {
	if room(r.Problems, code) {
		r.Problems = append(r.Problems, Problem{Code: code, Pos: min(pos, len(r.Text)), Text: text})
	}
}

// idValue reports whether s is 1 to 32 letters and digits.
func idValue(s string) bool {
	for i := range len(s) {
		if !syntax.Alnum(s[i]) {
			return false
		}
	}
	return s != "" && len(s) <= 32
}
