// Package tlsrpt reads TLS-RPT: where a mail domain wants to be told that mail to
// it had trouble with TLS (RFC 8460).
//
// A TXT record at "_smtp._tls.<domain>" names one or more places, as mailto or
// https URIs. Sending servers put together a report for each day: how many
// connections succeeded and failed, under which DANE or MTA-STS policy, and why.
// Unlike DMARC there is no consent to ask of a place in another organization, and
// no inheritance from the domain above.
//
// Everything here is a fact. What it means for the owner is judged elsewhere.
package tlsrpt

import (
	"net/url"
	"strconv"
	"strings"

	"mxvet/internal/syntax"
)

// A Code names one kind of problem in a record. Codes are stable.
type Code string

// Problems of the start. With any of these senders discard the record.
const (
	VersionMissing   Code = "version-missing"
	VersionNotFirst  Code = "version-not-first"
	VersionValue     Code = "version-value"
	VersionCase      Code = "version-case"
	VersionSeparator Code = "version-separator" // no semicolon after v=TLSRPTv1
	VersionBlank     Code = "version-blank"     // blank before or within "v=TLSRPTv1;": grammar and selection rule differ here
)

// Problems of the fields.
const (
	Malformed    Code = "malformed" // no "name=value", or characters that are not allowed
	Blank        Code = "blank"     // blanks around "="
	EmptyField   Code = "empty-field"
	RepeatedV    Code = "repeated-version"
	UnknownField Code = "unknown-field"
	TooLong      Code = "too-long" // more places than are read
	RUAMissing   Code = "rua-missing"
	RUAEmpty     Code = "rua-empty"
)

// Problems of the places in rua.
const (
	URIInvalid     Code = "uri-invalid"
	URINoScheme    Code = "uri-no-scheme" // typically a bare mail address
	URIScheme      Code = "uri-scheme"    // neither mailto nor https
	URIHTTPS       Code = "uri-https"     // valid
	URIComma       Code = "uri-comma"     // a comma that is not between places
	URIExclamation Code = "uri-exclamation"
	URISemicolon   Code = "uri-semicolon" // a semicolon within or between places
	URIUnicode     Code = "uri-unicode"
)

// A Problem is one thing wrong or unusual in a record.
type Problem struct {
	Code Code
	Pos  int // byte offset in the text
	Text string
}

// A Field is one "name=value" of the record.
type Field struct {
	Name, Value string
	Pos         int // byte offset of the field
	valuePos    int
}

// A Record is one TXT record read as a TLS-RPT record (RFC 8460 section 3), as
// far as it could be understood.
type Record struct {
	Text string
	// Selected reports that the text begins with "v=TLSRPTv1;", exactly. Senders
	// discard other records before they look further.
	Selected bool
	Fields   []Field
	RUA      []URI // of all rua fields, in order, also those that are invalid
	Problems []Problem
}

// A URI is one place that reports go to.
type URI struct {
	Raw     string // as written, without blanks around it
	Pos     int    // byte offset in the record
	Valid   bool   // a mailto or https URI that a sender can use
	Scheme  string // lower case; "" where there is none
	Address string // of mailto: percent-encoding undone, without header fields
	Host    string // domain of the address or host of the URI, lower case; "" where it is an address literal
}

// Bounds on what is kept of one record. All its fields are read.
const (
	maxURIs     = 1000 // TooLong tells where there are more
	maxProblems = 100  // of one code
)

const version = "v=TLSRPTv1"

// Parse reads text as a TLS-RPT record. It never fails: what is wrong is listed in
// Problems.
func Parse(text string) Record {
	r := Record{Text: text, Selected: strings.HasPrefix(text, version+";")}
	hasV, hasRUA := false, false
	for start, part := range syntax.Parts(text) {
		if part == "" {
			r.problem(EmptyField, start, "nothing before a semicolon")
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		f := Field{Name: strings.TrimRight(name, " \t"), Value: strings.TrimLeft(value, " \t"), Pos: start}
		f.valuePos = start + len(part) - len(f.Value)
		afterRUA := len(r.Fields) > 0 && r.Fields[len(r.Fields)-1].Name == "rua"
		switch {
		case (!ok || !syntax.FieldName(f.Name)) && afterRUA:
			r.problem(URISemicolon, start, syntax.Quote(part)+" follows rua after a semicolon; a comma separates places, and a semicolon within one is written %3B")
			continue
		case !ok:
			r.problem(Malformed, start, syntax.Quote(part)+" has no \"=\"")
			continue
		case !syntax.FieldName(f.Name):
			r.problem(Malformed, start, syntax.Quote(f.Name)+" is no field name")
			continue
		case f.Name == "v" && hasV:
			r.problem(RepeatedV, start, "field v is repeated")
		case f.Name != "v" && f.Name != "rua":
			r.problem(UnknownField, start, "field "+syntax.Quote(f.Name)+" is not defined; senders ignore it")
		}
		if f.Name != name || f.Value != value {
			r.problem(Blank, start, "blanks around \"=\" are not allowed")
		}
		if f.Name != "rua" && !syntax.FieldValue(f.Value) {
			r.problem(Malformed, start, "the value of field "+syntax.Quote(f.Name)+" is empty or holds characters that are not allowed")
		}
		hasV = hasV || f.Name == "v"
		r.Fields = append(r.Fields, f)
		if f.Name == "rua" {
			hasRUA = true
			r.places(f)
		}
	}
	if !hasRUA {
		r.problem(RUAMissing, 0, "the record has no rua")
	}
	r.start(hasV)
	return r
}

// start says why a record is not selected.
func (r *Record) start(hasV bool) {
	if r.Selected {
		return
	}
	first, _, cut := strings.Cut(r.Text, ";")
	bare := strings.Trim(first, " \t")
	compact := strings.NewReplacer(" ", "", "\t", "").Replace(bare)
	switch {
	case compact == version && (bare != first || compact != bare):
		r.problem(VersionBlank, 0, "a blank stands beside v=TLSRPTv1; senders look for \"v=TLSRPTv1;\" at the start")
	case first == version && !cut, strings.HasPrefix(bare, version+" "), strings.HasPrefix(bare, version+","):
		r.problem(VersionSeparator, min(len(version), len(r.Text)), "no semicolon follows v=TLSRPTv1")
	case strings.EqualFold(compact, version):
		r.problem(VersionCase, 0, "the version must be written v=TLSRPTv1, in this letter case")
	case hasV && r.Fields[0].Name != "v":
		r.problem(VersionNotFirst, 0, "the version must come first")
	case hasV:
		r.problem(VersionValue, 0, "the version must be TLSRPTv1; it is "+syntax.Quote(r.Fields[0].Value))
	default:
		r.problem(VersionMissing, 0, "the record does not start with v=TLSRPTv1;")
	}
}

// places reads the URIs of one rua field.
func (r *Record) places(f Field) {
	if f.Value == "" {
		r.problem(RUAEmpty, f.Pos, "rua has no value")
		return
	}
	pos := f.valuePos
	parts := strings.Split(f.Value, ",")
	for i, part := range parts {
		u := URI{
			Raw: strings.Trim(part, " \t"),
			Pos: pos + len(part) - len(strings.TrimLeft(part, " \t")),
		}
		pos += len(part) + 1
		if len(r.RUA) == maxURIs {
			r.problem(TooLong, u.Pos, "more than "+strconv.Itoa(maxURIs)+" places: the rest was not read")
			return
		}
		next := ""
		if i+1 < len(parts) {
			next = strings.Trim(parts[i+1], " \t")
		}
		r.place(&u, next)
		r.RUA = append(r.RUA, u)
	}
}

// place reads one URI; next is the one after it, "" at the end.
func (r *Record) place(u *URI, next string) {
	bad := func(code Code, text string) { r.problem(code, u.Pos, syntax.Quote(u.Raw)+" in rua "+text) }
	scheme, rest, ok := strings.Cut(u.Raw, ":")
	switch {
	case u.Raw == "":
		bad(URIInvalid, "is empty: a comma too many")
		return
	case !syntax.ASCII(u.Raw):
		bad(URIUnicode, "has characters outside ASCII; domains are written in A-labels (xn--...)")
		return
	case strings.Contains(u.Raw, "!"):
		bad(URIExclamation, "has an exclamation mark, which must be written %21")
		return
	case !ok && strings.Contains(u.Raw, "@"):
		bad(URINoScheme, "has no scheme: a mail address needs mailto: before it")
		return
	case !ok, strings.ContainsAny(u.Raw, " \t\r\n<>\"\\^`{|}"):
		bad(URIInvalid, "is no URI")
		return
	}
	u.Scheme = strings.ToLower(scheme)
	switch u.Scheme {
	case "mailto":
		to, _, _ := strings.Cut(rest, "?")
		address, err := url.PathUnescape(to)
		at := strings.LastIndexByte(address, '@')
		switch {
		case at < 0 && next != "" && !strings.Contains(next, ":") && strings.Contains(next, "@"):
			bad(URIComma, "is cut off by a comma, which must be written %2C within an address")
			return
		case err != nil || at < 1 || strings.HasPrefix(to, "//"):
			bad(URIInvalid, "has no mail address after mailto:")
			return
		case !syntax.LocalPart(address[:at]):
			bad(URIInvalid, "has no valid mailbox before its last @")
			return
		}
		u.Address, u.Host = address, strings.ToLower(strings.TrimSuffix(address[at+1:], "."))
		if strings.HasPrefix(u.Host, "[") && strings.HasSuffix(u.Host, "]") {
			u.Host, u.Valid = "", true
			return
		}
		if u.Valid = syntax.DomainName(u.Host); !u.Valid {
			bad(URIInvalid, "has no valid domain")
			u.Host = ""
		}
	case "https":
		parsed, err := url.Parse(u.Raw)
		if err != nil || parsed.Hostname() == "" {
			bad(URIInvalid, "is no https URI")
			return
		}
		if u.Valid, u.Host = true, strings.ToLower(strings.TrimSuffix(parsed.Hostname(), ".")); !syntax.DomainName(u.Host) {
			u.Host = ""
		}
		bad(URIHTTPS, "is an https address")
	default:
		bad(URIScheme, "is neither mailto nor https")
	}
}

// String gives the fields as written, in one form of punctuation. Parts that are
// no fields are left out.
func (r Record) String() string {
	parts := make([]string, len(r.Fields))
	for i, f := range r.Fields {
		parts[i] = f.Name + "=" + f.Value
	}
	return strings.Join(parts, "; ")
}

// Usable reports that a sender takes the record and has at least one place to
// report to.
func (r Record) Usable() bool {
	for _, u := range r.RUA {
		if u.Valid {
			return r.Selected
		}
	}
	return false
}

// Problem gives the first problem of that code; nil where there is none.
func (r Record) Problem(code Code) *Problem {
	for i := range r.Problems {
		if r.Problems[i].Code == code {
			return &r.Problems[i]
		}
	}
	return nil
}

// Whole reports whether the record was read to its end. Of one that was not, nothing
// follows from what was not met.
func (r Record) Whole() bool { return r.Problem(TooLong) == nil }

func (r *Record) problem(code Code, pos int, text string) {
	if syntax.Fewer(r.Problems, maxProblems, func(p Problem) bool { return p.Code == code }) {
		r.Problems = append(r.Problems, Problem{Code: code, Pos: min(pos, len(r.Text)), Text: text})
	}
}
