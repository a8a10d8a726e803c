// Package dmarc reads DMARC records, finds the one that applies to a domain, and
// looks at where its reports would go.
//
// A domain owner says in a TXT record at "_dmarc.<domain>" what receivers should
// do with mail that has the domain in its From field but does not prove, through
// aligned SPF or DKIM, that it comes from there: nothing (p=none), treat it as
// suspicious (quarantine), or refuse it (reject). A domain without a record of
// its own inherits one from above. RFC 9989 finds that one by walking up the DNS
// tree; the older RFC 7489, which many receivers still follow, asks at the
// organizational domain that a public suffix list gives. The two can differ, so
// this package always evaluates both. Reports about mail seen go to the addresses
// in the tags rua and ruf; the owner of an address in another organization must
// agree to that in the DNS (RFC 9990 section 4).
//
// Everything here is a fact. What it means for the owner is judged elsewhere.
package dmarc

import (
	"slices"
	"strconv"
	"strings"

	"mxvet/internal/syntax"
)

// A Policy is what a record asks for, in lower case. The empty policy means that
// DMARC is not applied at all.
type Policy string

const (
	None       Policy = "none"
	Quarantine Policy = "quarantine"
	Reject     Policy = "reject"
)

// Strength orders policies: no DMARC 0, none 1, quarantine 2, reject 3.
func (p Policy) Strength() int {
	switch p {
	case None:
		return 1
	case Quarantine:
		return 2
	case Reject:
		return 3
	}
	return 0
}

// A Tag is one "name=value" of a record, as written but for blanks around name
// and value.
type Tag = syntax.Tag

// A Record is one TXT record read as a DMARC record (RFC 9989 sections 4.7 and
// 4.8, RFC 7489 sections 6.3 and 6.4), as far as it could be understood. Of a tag
// that is repeated the first counts.
type Record struct {
	Text string
	Tags []Tag

	// Valid reports that the text starts with the tag v=DMARC1 as both standards
	// require it. Receivers discard a record without it before they look further;
	// the fields below are filled all the same.
	Valid bool

	// Policies, "" where the tag is absent or its value invalid. Problems tells
	// the two apart, and so does Has.
	P, SP, NP Policy

	DKIM, SPF string // alignment, "r" or "s", by default "r"
	Testing   bool   // t=y
	PSD       string // "y", "n" or "u", by default "u"
	FO        []string
	RUA, RUF  []URI // every entry, in order, also those that are invalid
	Percent   int   // pct, 0 to 100; 100 where absent or invalid
	Problems  []Problem
}

// Bounds on what is kept of one record. All its tags are read.
const (
	maxURIs = 1000 // of one tag; TooLong tells where there are more
	// MaxProblems is how many problems of one code are listed.
	MaxProblems = 100
)

// known holds the tags of RFC 9989 and, at the end, those that it removed.
var known = [...]string{"v", "p", "sp", "np", "t", "psd", "adkim", "aspf", "fo", "rua", "ruf", "pct", "rf", "ri"}

// Parse reads text as a DMARC record. It never fails: what is wrong is listed in
// Problems, in the order in which it was met.
func Parse(text string) Record {
	r := Record{Text: text, DKIM: "r", SPF: "r", PSD: "u", Percent: 100}
	r.split()
	r.version()
	r.policies()
	r.keywords()
	r.failureOptions()
	r.RUA = r.uriList("rua")
	r.RUF = r.uriList("ruf")
	r.reporting()
	r.removed()
	return r
}

// Refusable gives the first departure from the grammar of tag lists for which a strict
// reader refuses the whole record, "" where there is none. Readers differ: RFC 9989
// section 4.8 has errors behind the version ignored.
func (r Record) Refusable() string {
	for _, p := range r.Problems {
		switch p.Code {
		case Malformed, Duplicate, BadByte:
			return p.Text
		}
	}
	return ""
}

// Has reports whether the record has the tag, whatever its value.
func (r Record) Has(name string) bool { _, ok := r.Tag(name); return ok }

// Tag gives the first tag of that name. Names are case-sensitive (RFC 6376
// section 3.2).
func (r Record) Tag(name string) (Tag, bool) {
	for _, t := range r.Tags {
		if t.Name == name {
			return t, true
		}
	}
	return Tag{}, false
}

// String gives the record with its tags as written, in one form of punctuation.
// Parts that are no tags are left out.
func (r Record) String() string {
	parts := make([]string, len(r.Tags))
	for i, t := range r.Tags {
		parts[i] = t.Name + "=" + t.Value
	}
	return strings.Join(parts, "; ")
}

const blanks = syntax.Blanks

// split cuts the text into tags (RFC 6376 section 3.2).
func (r *Record) split() {
	tags, problems := syntax.ReadTags(r.Text, len(r.Text))
	for _, p := range problems {
		switch p.Fault {
		case syntax.TagEmpty:
			r.problem(EmptyTag, "", p.Pos, "nothing between two semicolons")
		case syntax.TagEmptyEnd: // the record may end in one semicolon (RFC 9989 section 4.8)
			r.problem(EmptyTag, "", p.Pos, "more than one semicolon at the end")
		case syntax.TagNoPair:
			text := syntax.Quote(p.Item) + " has no \"=\""
			if strings.Contains(p.Item, ":") {
				text += "; if it is a report address, a comma belongs before it, not a semicolon"
			}
			r.problem(Malformed, "", p.Pos, text)
		case syntax.TagBadName:
			r.problem(Malformed, p.Name, p.Pos, syntax.Quote(p.Name)+" is no tag name")
		case syntax.TagTwice:
			r.problem(Duplicate, p.Name, p.Pos, "tag "+p.Name+" is repeated")
		case syntax.TagOctet:
			r.problem(BadByte, p.Name, p.Pos, "the value of tag "+syntax.Quote(p.Name)+" holds a byte that is not printable ASCII")
		}
	}
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case !syntax.TagName(t.Name) || seen[t.Name]:
		case t.Value == "":
			r.problem(EmptyValue, t.Name, t.Pos, "tag "+t.Name+" has no value")
		case !isKnown(t.Name):
			r.add(Problem{Code: UnknownTag, Tag: t.Name, Pos: t.Pos, Near: nearest(t.Name), Text: "tag " + syntax.Quote(t.Name) + " is not defined; receivers ignore it"})
		}
		seen[t.Name] = true
		r.Tags = append(r.Tags, t)
	}
	slices.SortStableFunc(r.Problems, func(a, b Problem) int { return a.Pos - b.Pos })
}

// version judges the start of the record. The value is compared exactly, and so is
// the name. For the name that is one of two readings: tag names are case-sensitive
// (RFC 6376 section 3.2), but the "v" in the grammar of RFC 9989 section 4.8 is a
// literal that takes a capital, too. The stricter reading decides whether the record
// is Valid, and the problem has a code of its own.
func (r *Record) version() {
	bad := func(code Code, pos int, text string) { r.problem(code, "v", pos, text) }
	lower := strings.ToLower(r.Text)
	if strings.HasPrefix(r.Text, "v") && len(r.Tags) > 0 && r.Tags[0].Name == "v" && r.Tags[0].Value == "DMARC1" {
		// The first tag must also be the first thing: parts that are no tags were
		// left out above.
		r.Valid = r.Tags[0].Pos == 0
	}
	switch {
	case r.Valid:
		return
	case strings.HasPrefix(r.Text, `"`) || strings.HasPrefix(r.Text, `'`):
		bad(VersionQuoted, 0, "the record starts with a quotation mark: quotes were typed into the value")
	case strings.HasPrefix(lower, `v=dmarc1\`):
		bad(VersionEscaped, len("v=dmarc1"), "a backslash stands before the semicolon: an escape was typed into the value")
	case len(r.Text) > 0 && strings.ContainsRune(blanks, rune(r.Text[0])) && Parse(strings.TrimLeft(r.Text, blanks)).Valid:
		bad(VersionBlank, 0, "a blank stands before v=DMARC1")
	case len(r.Tags) > 0 && r.Tags[0].Name == "v" && r.Tags[0].Value != "DMARC1":
		v := r.Tags[0]
		word, _, _ := strings.Cut(strings.ReplaceAll(v.Value, "\t", " "), " ")
		switch {
		case word == "DMARC1" || strings.HasPrefix(v.Value, "DMARC1,"):
			bad(VersionSeparator, v.ValuePos+len("DMARC1"), "no semicolon follows v=DMARC1")
		case strings.EqualFold(v.Value, "DMARC1"):
			bad(VersionCase, v.ValuePos, "the version must be written DMARC1, in capitals; it is "+syntax.Quote(v.Value))
		default:
			bad(VersionValue, v.ValuePos, "the version must be DMARC1; it is "+syntax.Quote(v.Value))
		}
	case len(r.Tags) > 0 && r.Tags[0].Name == "V" && r.Tags[0].Value == "DMARC1" && r.Tags[0].Pos == 0:
		bad(VersionName, 0, "the version tag is written with a capital V, which some receivers take and others do not")
	case len(r.Tags) > 0 && r.Tags[0].Name == "V" && strings.EqualFold(r.Tags[0].Value, "DMARC1"):
		bad(VersionCase, r.Tags[0].Pos, "the version tag must be a small v")
	case r.Has("v"):
		t, _ := r.Tag("v")
		bad(VersionNotFirst, t.Pos, "the version tag must come first")
	default:
		bad(VersionMissing, 0, "the record does not start with v=DMARC1")
	}
}

// policies reads p, sp and np.
func (r *Record) policies() {
	for _, x := range []struct {
		name string
		to   *Policy
		code Code
	}{{"p", &r.P, PolicyInvalid}, {"sp", &r.SP, SubPolicyInvalid}, {"np", &r.NP, SubPolicyInvalid}} {
		t, ok := r.Tag(x.name)
		if !ok {
			continue
		}
		switch p := Policy(strings.ToLower(t.Value)); p {
		case None, Quarantine, Reject:
			*x.to = p
			r.caseProblem(t, string(p))
		default:
			r.problem(x.code, t.Name, t.ValuePos, "tag "+t.Name+" must be none, quarantine or reject; it is "+syntax.Quote(t.Value))
		}
	}
	if !r.Has("p") {
		r.problem(PolicyMissing, "p", 0, "the record has no tag p")
	} else if len(r.Tags) > 1 && r.Tags[0].Name == "v" && r.Tags[1].Name != "p" {
		t, _ := r.Tag("p")
		r.problem(PolicyNotSecond, "p", t.Pos, "tag p does not follow the version, as RFC 7489 asks")
	}
}

// keywords reads the tags whose value is one letter.
func (r *Record) keywords() {
	for _, x := range []struct {
		name, allowed string
		set           func(string)
	}{
		{"t", "yn", func(s string) { r.Testing = s == "y" }},
		{"psd", "ynu", func(s string) { r.PSD = s }},
		{"adkim", "rs", func(s string) { r.DKIM = s }},
		{"aspf", "rs", func(s string) { r.SPF = s }},
	} {
		t, ok := r.Tag(x.name)
		if !ok {
			continue
		}
		v := strings.ToLower(t.Value)
		if len(v) != 1 || !strings.Contains(x.allowed, v) {
			r.problem(TagInvalid, t.Name, t.ValuePos, "tag "+t.Name+" must be one of "+strings.Join(strings.Split(x.allowed, ""), ", ")+"; it is "+syntax.Quote(t.Value)+" and the default applies")
			continue
		}
		r.caseProblem(t, v)
		x.set(v)
	}
}

// failureOptions reads fo. RFC 7489 allows any of 0, 1, d and s; RFC 9989 section
// 4.7 allows each once and 0 or 1, not both.
func (r *Record) failureOptions() {
	t, ok := r.Tag("fo")
	if !ok {
		return
	}
	if !r.Has("ruf") {
		r.problem(FailureOptionsUnused, "fo", t.Pos, "tag fo does nothing without ruf")
	}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(t.Value, ":") {
		v := strings.ToLower(strings.Trim(part, blanks))
		if len(v) != 1 || !strings.Contains("01ds", v) || seen[v] {
			r.problem(FailureOptionsInvalid, "fo", t.ValuePos, "tag fo must list 0, 1, d, s, each once, with colons between; it is "+syntax.Quote(t.Value))
			return
		}
		seen[v] = true
		r.FO = append(r.FO, v)
	}
	if seen["0"] && seen["1"] {
		r.problem(FailureOptionsBoth, "fo", t.ValuePos, "tag fo has both 0 and 1, which exclude each other")
	}
}

// reporting looks at the report addresses as a whole.
func (r *Record) reporting() {
	for _, x := range []struct {
		name string
		list []URI
	}{{"rua", r.RUA}, {"ruf", r.RUF}} {
		if len(x.list) > 2 {
			t, _ := r.Tag(x.name)
			n := strings.Count(t.Value, ",") + 1 // also those that were not read
			r.problem(ManyURIs, x.name, t.Pos, "tag "+x.name+" has "+strconv.Itoa(n)+" addresses; RFC 7489 readers need not support more than two")
		}
	}
	if t, ok := r.Tag("ruf"); ok && r.PSD == "y" {
		r.problem(FailureReportsPSD, "ruf", t.Pos, "a public suffix domain (psd=y) must not ask for failure reports, and receivers send none")
	}
}

// removed reads the tags that RFC 9989 took out. Its readers ignore them; readers
// of RFC 7489 do not.
func (r *Record) removed() {
	for _, name := range []string{"pct", "rf", "ri"} {
		t, ok := r.Tag(name)
		if !ok {
			continue
		}
		r.problem(RemovedTag, name, t.Pos, "tag "+name+" was removed by RFC 9989")
		n, err := strconv.ParseUint(t.Value, 10, 32)
		digits := err == nil && strings.Trim(t.Value, "0123456789") == ""
		switch name {
		case "pct":
			if !digits || n > 100 {
				r.problem(PercentInvalid, name, t.ValuePos, "tag pct must be a number from 0 to 100; it is "+syntax.Quote(t.Value))
			} else if r.Percent = int(n); n < 100 {
				r.problem(PercentPartial, name, t.ValuePos, "tag pct asks RFC 7489 readers to apply the policy to "+t.Value+" of 100 messages")
			}
		case "ri":
			if !digits {
				r.problem(RemovedInvalid, name, t.ValuePos, "tag ri must be a number of seconds; it is "+syntax.Quote(t.Value))
			}
		case "rf":
			for part := range strings.SplitSeq(t.Value, ":") {
				if !strings.EqualFold(strings.Trim(part, blanks), "afrf") {
					r.problem(RemovedInvalid, name, t.ValuePos, "tag rf can only be afrf; it is "+syntax.Quote(t.Value))
					break
				}
			}
		}
	}
}

func (r *Record) caseProblem(t Tag, lower string) {
	if t.Value != lower {
		r.problem(KeywordCase, t.Name, t.ValuePos, syntax.Quote(t.Value)+" is valid in any case, but some readers know "+lower+" only")
	}
}

func (r *Record) problem(code Code, tag string, pos int, text string) {
	r.add(Problem{Code: code, Tag: tag, Pos: pos, Text: text})
}

func (r *Record) add(p Problem) {
	if syntax.Fewer(r.Problems, MaxProblems, func(q Problem) bool { return q.Code == p.Code }) {
		r.Problems = append(r.Problems, p)
	}
}

// Whole reports whether the record was read to its end. Of one that was not, nothing
// follows from what was not met.
func (r Record) Whole() bool { return r.Problem(TooLong) == nil }

func isKnown(name string) bool {
	for _, k := range known {
		if k == name {
			return true
		}
	}
	return false
}
