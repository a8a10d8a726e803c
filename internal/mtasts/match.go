package mtasts

import (
	"net/netip"
	"strings"

	"mxvet/internal/syntax"
)

// Matches reports whether an MX host matches an mx pattern (RFC 8461 section
// 4.1). Letter case does not matter. "*." at the start of a pattern stands for
// exactly one label; there is no other wildcard. A pattern that is invalid matches
// nothing. The host may have a final dot.
func Matches(pattern, host string) bool {
	if code, _ := checkPattern(pattern); code != "" {
		return false
	}
	host = strings.TrimSuffix(host, ".")
	if parent, ok := strings.CutPrefix(pattern, "*."); ok {
		label, rest, ok := strings.Cut(host, ".")
		return ok && label != "" && strings.EqualFold(rest, parent)
	}
	return strings.EqualFold(host, pattern)
}

// checkPattern says what is wrong with an mx pattern: "" where nothing is.
func checkPattern(s string) (code Code, why string) {
	name := strings.TrimPrefix(s, "*.")
	switch {
	case s == "":
		return MXEmpty, "is empty"
	case strings.ContainsAny(s, " \t,;"):
		return MXSeveral, "is not one name; each name needs a line of its own"
	case !syntax.ASCII(s):
		return MXUnicode, "has characters outside ASCII; names are written in A-labels (xn--...)"
	case isAddress(s):
		return MXAddress, "is an address; only names are allowed"
	case strings.Contains(name, "*") || s == "*.":
		return MXWildcard, "uses a star other than as the whole first label"
	case strings.HasSuffix(s, "."):
		return MXTrailingDot, "ends in a dot"
	case !domainName(name):
		return MXInvalid, "is no domain name"
	}
	return "", ""
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	return err == nil
}

// domainName reports whether s is a domain name whose labels neither begin nor end
// with a hyphen.
func domainName(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
	}
	return syntax.DomainName(s)
}
