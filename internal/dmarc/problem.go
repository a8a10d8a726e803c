package dmarc

import "strings"

// A Code names one kind of problem in a record. Codes are stable.
type Code string

// Problems of the record's start: with any of these receivers do not take the
// text for a DMARC record. About VersionName alone they differ.
const (
	VersionMissing   Code = "version-missing"   // no version tag at all
	VersionNotFirst  Code = "version-not-first" // it is not the first tag
	VersionValue     Code = "version-value"     // another value than DMARC1
	VersionCase      Code = "version-case"      // DMARC1 in other letter case
	VersionName      Code = "version-name"      // V=DMARC1: the value is right, the name a capital
	VersionSeparator Code = "version-separator" // no semicolon after v=DMARC1
	VersionBlank     Code = "version-blank"     // a blank before v
	VersionQuoted    Code = "version-quoted"    // quotation marks within the value
	VersionEscaped   Code = "version-escaped"   // a backslash before the semicolon
)

// Problems of the tag list. With Malformed or Duplicate a strict reader of RFC
// 6376 section 3.2 refuses the whole record; RFC 9989 section 4.8 has errors after
// the version ignored, and defaults stand in. Readers differ.
const (
	Malformed  Code = "malformed"   // a part that is no "name=value"
	Duplicate  Code = "duplicate"   // a tag repeated
	EmptyTag   Code = "empty-tag"   // two semicolons with nothing between, also at the end
	EmptyValue Code = "empty-value" // "name=" without value
	BadByte    Code = "bad-byte"    // control character or non-ASCII byte
	UnknownTag Code = "unknown-tag" // Near may name the tag that was meant
	TooLong    Code = "too-long"    // more addresses than are read
)

// Problems of single tags.
const (
	PolicyMissing         Code = "policy-missing"
	PolicyInvalid         Code = "policy-invalid"
	PolicyNotSecond       Code = "policy-not-second"
	SubPolicyInvalid      Code = "subpolicy-invalid" // Tag is sp or np
	KeywordCase           Code = "keyword-case"      // valid, but not in lower case
	TagInvalid            Code = "tag-invalid"       // Tag is t, psd, adkim or aspf
	FailureOptionsInvalid Code = "fo-invalid"
	FailureOptionsBoth    Code = "fo-both" // 0 and 1
	FailureOptionsUnused  Code = "fo-unused"
	RemovedTag            Code = "removed-tag" // pct, rf or ri present
	RemovedInvalid        Code = "removed-invalid"
	PercentInvalid        Code = "pct-invalid"
	PercentPartial        Code = "pct-partial" // below 100
)

// Problems of report addresses; Tag is rua or ruf.
const (
	URIInvalid        Code = "uri-invalid"
	URINoScheme       Code = "uri-no-scheme" // typically a bare mail address
	URIComma          Code = "uri-comma"     // a comma that is not between addresses
	URIExclamation    Code = "uri-exclamation"
	URIUnicode        Code = "uri-unicode" // U-labels or other non-ASCII text
	URIScheme         Code = "uri-scheme"  // valid, but not mailto
	URISize           Code = "uri-size"    // the removed "!10m"
	ManyURIs          Code = "many-uris"   // more than two
	FailureReportsPSD Code = "ruf-psd"     // ruf with psd=y
)

// A Problem is one thing wrong or unusual in a record.
type Problem struct {
	Code Code
	Tag  string // the tag it concerns, "" for the record
	Pos  int    // byte offset in the text
	Near string // for UnknownTag: the tag that was probably meant, or ""
	Text string
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

// nearest gives the defined tag that an unknown name is probably meant to be:
// one in other letter case, a spelled-out name, or one edit away.
func nearest(name string) string {
	lower := strings.ToLower(name)
	switch lower {
	case "policy":
		return "p"
	case "subdomain", "subdomain_policy", "subpolicy":
		return "sp"
	case "version":
		return "v"
	case "test", "testing":
		return "t"
	case "percent":
		return "pct"
	}
	for _, k := range known {
		if lower == k {
			return k
		}
	}
	for _, k := range known {
		if len(k) > 2 && oneEdit(lower, k) {
			return k
		}
	}
	return ""
}

// oneEdit reports whether a becomes b by one inserted, removed or changed letter
// or by two neighbours changing places.
func oneEdit(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if i == len(a) {
		return false
	}
	if a[i+1:] == b[i+1:] {
		return true
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}
