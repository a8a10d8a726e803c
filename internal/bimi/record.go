// Package bimi reads Brand Indicators for Message Identification: the record by
// which a domain names a logo to be shown beside its mail.
//
// A receiver that has authenticated a message by DMARC, under a policy that is
// enforced, asks for the TXT record at <selector>._bimi.<author domain>, selector
// "default" unless the message names another, and at the organizational domain
// where there is none. The record is a tag list: v=BIMI1 first; l, the https
// address of an SVG file; a, the https address of a mark certificate that proves
// the right to the logo. Both empty mean that the domain declines. The logo must
// keep to a small and safe profile of SVG, Tiny Portable/Secure. The certificate
// is an X.509 certificate with a key purpose of its own and the logo embedded as
// a logotype (RFC 3709).
//
// All this is Internet-Drafts (draft-brand-indicators-for-message-identification,
// draft-svg-tiny-ps-abrotman, draft-fetch-validation-vmc-wchuang) and receivers'
// guidance; no RFC exists.
package bimi

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"mxvet/internal/syntax"
)

// A Code names one kind of problem. Codes are stable.
type Code string

// Problems of assertion records.
const (
	Syntax          Code = "syntax" // an item without "=", a malformed tag name, or an octet that no value holds
	EmptyTag        Code = "empty-tag"
	DuplicateTag    Code = "duplicate-tag"
	UnknownTag      Code = "unknown-tag"
	VersionMissing  Code = "version-missing"
	VersionLate     Code = "version-not-first"
	VersionUnknown  Code = "version-unknown"
	LocationMissing Code = "location-missing" // no l tag
	LocationURI     Code = "location-uri"     // l is not one https URI with a full host name
	AuthorityURI    Code = "authority-uri"    // the same for a
	Declined        Code = "declined"         // l and a are both empty
	PrefixList      Code = "local-part-prefix"
	Preference      Code = "avatar-preference"
	Limit           Code = "limit" // more than is examined
)

// A Problem is one thing wrong or remarkable.
type Problem struct {
	Code Code
	Tag  string // tag or element concerned, "" for the whole
	Pos  int    // byte offset in the text
	Text string // lower-case: what is there
}

// A Tag is one name=value pair in the order of the record.
type Tag = syntax.Tag

// A Record is an assertion record as far as it could be understood.
type Record struct {
	Text       string
	Tags       []Tag
	Location   string   // l
	Authority  string   // a
	Prefixes   []string // lps: local-part prefixes that may serve as selectors
	Preference string   // avp: "brand" or "personal", "" when absent
	Problems   []Problem
}

const (
	maxText     = 65535 // a TXT record cannot be longer
	maxProblems = 50    // of one code

	space = syntax.Blanks
)

// Parse reads the text of one TXT record. It never fails; what is wrong is in
// Problems.
func Parse(text string) Record {
	r := Record{Text: text}
	if len(text) > maxText {
		r.problem(Limit, "", maxText, fmt.Sprintf("only the first %d octets are examined", maxText))
		text = text[:maxText]
	}
	r.readTags(text)

	if _, ok := r.tag("v"); !ok {
		r.problem(VersionMissing, "v", 0, "there is no v tag")
	}
	for i, t := range r.Tags {
		switch t.Name {
		case "v":
			if i > 0 {
				r.problem(VersionLate, "v", t.Pos, "v is not the first tag")
			}
			if t.Value != "BIMI1" {
				r.problem(VersionUnknown, "v", t.ValuePos, fmt.Sprintf("version %q is not BIMI1", short(t.Value)))
			}
		case "l":
			r.Location = t.Value
			r.uri(LocationURI, t)
		case "a":
			r.Authority = t.Value
			r.uri(AuthorityURI, t)
		case "lps":
			r.prefixes(t)
		case "avp":
			r.Preference = t.Value
			if t.Value != "brand" && t.Value != "personal" {
				r.problem(Preference, "avp", t.ValuePos, fmt.Sprintf("avp=%s is neither brand nor personal", short(t.Value)))
			}
		default:
			r.problem(UnknownTag, t.Name, t.Pos, fmt.Sprintf("tag %s is unknown and ignored", short(t.Name)))
		}
	}
	l, ok := r.tag("l")
	switch {
	case !ok:
		r.problem(LocationMissing, "l", len(text), "there is no l tag")
	case l.Value == "" && r.Authority == "":
		r.problem(Declined, "l", l.Pos, "l and a are empty: the domain declines to take part")
	}
	slices.SortStableFunc(r.Problems, func(a, b Problem) int { return a.Pos - b.Pos })
	return r
}

// String gives the tags in their order. Parsing it again gives the same tags.
func (r Record) String() string {
	parts := make([]string, len(r.Tags))
	for i, t := range r.Tags {
		parts[i] = t.Name + "=" + t.Value
	}
	return strings.Join(parts, "; ")
}

// Has reports a problem with that code.
func (r Record) Has(code Code) bool {
	return slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Code == code })
}

// Counts reports that receivers take this text for a BIMI record: v=BIMI1 is its
// first tag. All others are discarded before records are counted.
func (r Record) Counts() bool {
	return len(r.Tags) > 0 && r.Tags[0].Name == "v" && r.Tags[0].Value == "BIMI1"
}

// Meant reports that the text is meant as a BIMI record, rightly written or not.
func (r Record) Meant() bool {
	t, ok := r.tag("v")
	return ok && strings.HasPrefix(strings.ToUpper(t.Value), "BIMI")
}

func (r Record) tag(name string) (Tag, bool) {
	i := slices.IndexFunc(r.Tags, func(t Tag) bool { return t.Name == name })
	if i < 0 {
		return Tag{}, false
	}
	return r.Tags[i], true
}

func (r *Record) problem(code Code, tag string, pos int, text string) {
	if room(r.Problems, code) {
		r.Problems = append(r.Problems, Problem{code, tag, pos, text})
	}
}

// room reports whether one more problem of a code is listed.
func room(list []Problem, code Code) bool {
	return syntax.Fewer(list, maxProblems, func(p Problem) bool { return p.Code == code })
}

// tagFaults gives the problem for each departure from the grammar of tag lists.
var tagFaults = map[syntax.TagFault]Code{
	syntax.TagEmpty: EmptyTag, syntax.TagEmptyEnd: EmptyTag, syntax.TagNoPair: Syntax, syntax.TagBadName: Syntax,
	syntax.TagTwice: DuplicateTag, syntax.TagOctet: Syntax,
}

// readTags splits a tag list (RFC 6376 section 3.2, which the draft refers to).
// Of a tag that occurs twice the first one is kept.
func (r *Record) readTags(text string) {
	tags, problems := syntax.ReadTags(text, len(text))
	for _, p := range problems {
		code, tag := tagFaults[p.Fault], p.Name
		if p.Fault == syntax.TagBadName {
			tag = ""
		}
		r.problem(code, tag, p.Pos, p.String())
	}
	seen := map[string]bool{}
	for _, t := range tags {
		if !seen[t.Name] && syntax.TagName(t.Name) {
			seen[t.Name] = true
			r.Tags = append(r.Tags, t)
		}
	}
}

// uri checks that a value is empty or one https URI with a full host name.
func (r *Record) uri(code Code, t Tag) {
	if t.Value == "" {
		return
	}
	if why := badURI(t.Value); why != "" {
		r.problem(code, t.Name, t.ValuePos, t.Name+": "+why)
	}
}

func badURI(s string) string {
	if strings.ContainsAny(s, space) || strings.Contains(s, ",http") {
		return "more than one URI"
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "not a URI"
	case !strings.EqualFold(u.Scheme, "https"):
		return fmt.Sprintf("scheme %q is not https", short(u.Scheme))
	case u.User != nil:
		return "the URI holds a user name"
	}
	host := strings.TrimSuffix(u.Hostname(), ".")
	if _, err := netip.ParseAddr(host); err == nil || !strings.Contains(host, ".") || len(host) > 253 ||
		strings.Trim(strings.ToLower(host), "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" || strings.Contains("."+host+".", "..") {
		return fmt.Sprintf("%q is no full host name", short(u.Hostname()))
	}
	return ""
}

func (r *Record) prefixes(t Tag) {
	for part := range strings.SplitSeq(t.Value, ",") {
		part = strings.Trim(part, space)
		if part == "" || len(part) > 63 || strings.Trim(strings.ToLower(part), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			if part != "" || t.Value != "" {
				r.problem(PrefixList, "lps", t.ValuePos, fmt.Sprintf("local-part prefix %q has other characters than letters, digits and hyphens, or is not 1 to 63 long", short(part)))
			}
			continue
		}
		r.Prefixes = append(r.Prefixes, part)
	}
}

// short keeps quoted input in messages readable.
func short(s string) string {
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}
