package zone

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/miekg/dns"
)

// Name gives the canonical form of a domain name: lower case, without the final
// dot, the root as ".", and escapes only where they are needed. Text that is no
// domain name is put in lower case and loses its final dot, no more.
func Name(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r == '\\' || r <= ' ' || r > '~' }) {
		buf := make([]byte, 256)
		if _, err := dns.PackDomainName(dns.Fqdn(s), buf, 0, nil, false); err == nil {
			if name, _, err := dns.UnpackDomainName(buf, 0); err == nil {
				s = name
			}
		}
	}
	s = strings.ToLower(s)
	if dns.IsFqdn(s) {
		s = s[:len(s)-1]
	}
	if s == "" {
		return "."
	}
	return s
}

// Text gives a canonical name without its escapes, as somebody wrote it: octets that
// are no UTF-8 are taken for Latin-1.
func Text(name string) string {
	s := unescape(name)
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

// absolute gives a canonical name with its final dot.
func absolute(name string) string {
	if name == "." {
		return "."
	}
	return name + "."
}

// below joins labels and the canonical name under which they stand.
func below(labels, name string) string {
	if name == "." {
		return labels
	}
	return labels + "." + name
}

// within reports whether canonical name is apex or below it.
func within(name, apex string) bool {
	if !strings.HasSuffix(name, apex) && apex != "." {
		return false
	}
	return apex == "." || name == apex || name != "." && dns.IsSubDomain(apex+".", name+".")
}

// Parent gives the name above a canonical name; the root is its own parent.
func Parent(name string) string {
	if next, end := dns.NextLabel(name, 0); !end && next < len(name) {
		return name[next:]
	}
	return "."
}

// path gives the names from apex down to name, both included; name is within
// apex.
func path(name, apex string) []string {
	out := []string{name}
	for name != apex && name != "." {
		name = Parent(name)
		out = append(out, name)
	}
	slices.Reverse(out)
	return out
}

// tooLong reports whether the name needs more than the 255 octets that the wire
// format has for it (RFC 1035 section 2.3.4).
func tooLong(name string) bool {
	_, err := dns.PackDomainName(absolute(name), make([]byte, 255), 0, nil, false)
	return err != nil
}

func line(owner string, ttl uint32, rrtype, data string) string {
	return absolute(owner) + "\t" + strconv.FormatUint(uint64(ttl), 10) + "\tIN\t" + rrtype + "\t" + data
}
