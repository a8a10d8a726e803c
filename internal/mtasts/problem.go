package mtasts

import "mxvet/internal/syntax"

// A Code names one kind of problem. Codes are stable.
type Code string

// Problems of the TXT record. With any of the first six senders discard it.
const (
	VersionMissing   Code = "version-missing"
	VersionNotFirst  Code = "version-not-first"
	VersionValue     Code = "version-value"
	VersionCase      Code = "version-case"
	VersionSeparator Code = "version-separator" // no semicolon after v=STSv1
	VersionBlank     Code = "version-blank"     // blank before or within "v=STSv1;": grammar and selection rule differ here
	IDMissing        Code = "id-missing"
	IDInvalid        Code = "id-invalid"
	EmptyField       Code = "empty-field"
)

// Problems of record and policy alike.
const (
	Malformed    Code = "malformed"     // no name and value, or characters that are not allowed
	Blank        Code = "blank"         // a blank before or after "=", before ":", or at the start of a line
	Repeated     Code = "repeated"      // a field that may come once, repeated: the first counts
	UnknownField Code = "unknown-field" // ignored by senders
)

// Problems of the policy.
const (
	PolicyVersionMissing Code = "policy-version-missing"
	PolicyVersionInvalid Code = "policy-version-invalid"
	ModeMissing          Code = "mode-missing"
	ModeInvalid          Code = "mode-invalid"
	MaxAgeMissing        Code = "max-age-missing"
	MaxAgeInvalid        Code = "max-age-invalid"   // not 1 to 10 digits
	MaxAgeTooLarge       Code = "max-age-too-large" // above 31557600, a year
	MXMissing            Code = "mx-missing"        // and mode is not none
	BOM                  Code = "bom"               // a byte order mark before the first field
	BareCR               Code = "bare-cr"           // lines that end in CR alone
	BareLF               Code = "bare-lf"           // lines that end in LF alone
	EmptyLine            Code = "empty-line"
)

// Problems of one mx pattern. Such a pattern matches no host.
const (
	MXEmpty       Code = "mx-empty"
	MXSeveral     Code = "mx-several"      // several names on one line
	MXWildcard    Code = "mx-wildcard"     // a star that is not the whole leftmost label
	MXUnicode     Code = "mx-unicode"      // U-labels
	MXAddress     Code = "mx-address"      // an IP address
	MXTrailingDot Code = "mx-trailing-dot" // "mx.example.com."
	MXInvalid     Code = "mx-invalid"      // no domain name otherwise
)

// A Problem is one thing wrong or unusual in a record or a policy.
type Problem struct {
	Code Code
	Line int // in a policy, from 1; 0 in a record
	Pos  int // byte offset in text or body
	Text string
}

func first(list []Problem, code Code) *Problem {
	for i := range list {
		if list[i].Code == code {
			return &list[i]
		}
	}
	return nil
}

// room reports whether one more problem of a code is listed.
func room(list []Problem, code Code) bool {
	return syntax.Fewer(list, maxProblems, func(p Problem) bool { return p.Code == code })
}
