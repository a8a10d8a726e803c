package tlsrpt

import (
	"strconv"
	"strings"
)

// fieldName reports whether s is a field name: a letter or digit, then up to 31 of
// those, "_", "-" and ".".
func fieldName(s string) bool {
	for i := range len(s) {
		if !alnum(s[i]) && (i == 0 || s[i] != '_' && s[i] != '-' && s[i] != '.') {
			return false
		}
	}
	return s != "" && len(s) <= 32
}

// extensionValue reports whether s is printable ASCII without blank, "=" and ";".
func extensionValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '=' || c == ';' {
			return false
		}
	}
	return s != ""
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] > '~' {
			return false
		}
	}
	return true
}

// domainName reports whether s can be asked about in the DNS as a host: labels of
// letters, digits, hyphens and (tolerated) underscores.
func domainName(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for i := range len(label) {
			if !alnum(label[i]) && label[i] != '-' && label[i] != '_' {
				return false
			}
		}
	}
	return true
}

func alnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// quote puts untrusted text between quotes, shortened.
func quote(s string) string {
	if len(s) > 60 {
		s = s[:57] + "..."
	}
	return strconv.QuoteToASCII(s)
}
