package dmarc

import (
	"net/url"
	"strconv"
	"strings"

	"mxvet/internal/syntax"
)

// A URI is one entry of rua or ruf (RFC 9989 section 4.6).
type URI struct {
	Raw    string // as written, without blanks around it
	Pos    int    // byte offset in the record
	Valid  bool   // a receiver can tell where to send
	Scheme string // lower case; "" where there is none
	// Address is the mail address of a mailto URI, percent-encoding undone, without
	// size and header fields.
	Address string
	// Host is the domain of the address, or the host of another URI, in lower
	// case; "" where it is an address literal or could not be read.
	Host string
	Size string // the number and unit after "!", which RFC 9989 tells to ignore
}

// uriList reads the addresses of one tag.
func (r *Record) uriList(tag string) []URI {
	t, ok := r.Tag(tag)
	if !ok || t.Value == "" {
		return nil
	}
	var list []URI
	pos := t.ValuePos
	parts := strings.SplitN(t.Value, ",", maxURIs+1)
	if len(parts) > maxURIs {
		parts = parts[:maxURIs]
		r.problem(TooLong, tag, t.Pos, "tag "+tag+" has more than "+strconv.Itoa(maxURIs)+" addresses: the rest was not read")
	}
	for i, part := range parts {
		u := URI{
			Raw: strings.Trim(part, blanks),
			Pos: pos + len(part) - len(strings.TrimLeft(part, blanks)),
		}
		pos += len(part) + 1
		next := ""
		if i+1 < len(parts) {
			next = strings.Trim(parts[i+1], blanks)
		}
		r.uri(&u, tag, next)
		list = append(list, u)
	}
	return list
}

// uri reads one entry; next is the one after it, "" at the end.
func (r *Record) uri(u *URI, tag, next string) {
	bad := func(code Code, text string) { r.problem(code, tag, u.Pos, syntax.Quote(u.Raw)+" in "+tag+" "+text) }
	text := u.Raw
	if text == "" {
		bad(URIInvalid, "is empty: a comma too many")
		return
	}
	for i := range len(text) {
		if text[i] > '~' {
			bad(URIUnicode, "has characters outside ASCII; domains are written in A-labels (xn--...)")
			return
		}
	}
	if uri, size, ok := strings.Cut(text, "!"); ok {
		if !reportSize(size) {
			bad(URIExclamation, "has an exclamation mark, which must be written %21")
			return
		}
		text, u.Size = uri, strings.ToLower(size)
		bad(URISize, "limits the report size, which RFC 9989 ignores")
	}
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok || !schemeName(scheme) {
		if strings.Contains(text, "@") {
			bad(URINoScheme, "has no scheme: a mail address needs mailto: before it")
		} else {
			bad(URIInvalid, "is no URI")
		}
		return
	}
	u.Scheme = strings.ToLower(scheme)
	if strings.ContainsAny(text, " \t\r\n<>\"\\^`{|}") {
		bad(URIInvalid, "has a blank or another character that a URI cannot hold")
		return
	}
	if u.Scheme != "mailto" {
		parsed, err := url.Parse(text)
		if err != nil || parsed.Host == "" && parsed.Opaque == "" {
			bad(URIInvalid, "is no URI")
			return
		}
		u.Host, u.Valid = strings.ToLower(strings.TrimSuffix(parsed.Hostname(), ".")), true
		if !syntax.DomainName(u.Host) {
			u.Host = ""
		}
		bad(URIScheme, "is no mailto URI; receivers need not support others")
		return
	}
	to, _, _ := strings.Cut(rest, "?")
	address, err := url.PathUnescape(to)
	at := strings.LastIndexByte(address, '@')
	switch {
	case err != nil:
		bad(URIInvalid, "has a broken percent-encoding")
		return
	case at < 0 && next != "" && !strings.Contains(next, ":") && strings.Contains(next, "@"):
		bad(URIComma, "is cut off by a comma, which must be written %2C within an address")
		return
	case at < 1:
		bad(URIInvalid, "has no mail address after mailto:")
		return
	case !strings.HasPrefix(to, "//") && !syntax.LocalPart(address[:at]):
		bad(URIInvalid, "has no valid mailbox before its last @")
		return
	}
	u.Address = address
	u.Host = strings.ToLower(strings.TrimSuffix(address[at+1:], "."))
	switch {
	case strings.HasPrefix(u.Host, "[") && strings.HasSuffix(u.Host, "]"):
		u.Host, u.Valid = "", true
	case !syntax.ASCII(u.Host):
		bad(URIUnicode, "has a domain that is not in A-labels (xn--...)")
		u.Host = ""
	case strings.HasPrefix(to, "//") || !syntax.DomainName(u.Host):
		bad(URIInvalid, "has no valid mail address after mailto:")
		u.Host = ""
	default:
		u.Valid = true
	}
}

// anyValid reports whether at least one entry is a syntactically valid URI, the
// condition of RFC 9989 section 4.10.1.
func anyValid(list []URI) bool {
	for _, u := range list {
		if u.Valid {
			return true
		}
	}
	return false
}

// reportSize reports whether s is a number with an optional unit.
func reportSize(s string) bool {
	if s != "" && strings.ContainsRune("kmgtKMGT", rune(s[len(s)-1])) {
		s = s[:len(s)-1]
	}
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func schemeName(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if 'a' <= c && c <= 'z' {
			continue
		}
		if i == 0 || !('0' <= s[i] && s[i] <= '9') && !strings.ContainsRune("+-.", rune(s[i])) {
			return false
		}
	}
	return s != ""
}
