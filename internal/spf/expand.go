package spf

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// facts are what macros expand to (RFC 7208 section 7.2).
type facts struct {
	local    string // of the sender; "postmaster" where it has none
	origin   string // domain of the sender
	domain   string // under evaluation
	helo     string
	ip       netip.Addr
	receiver string
	at       time.Time
	ptr      func() string // asks for the validated name of the client
}

// expand replaces the macros of a spec.
func (s *Spec) expand(f facts) string {
	if len(s.Parts) == 1 && s.Parts[0].Letter == 0 {
		return s.Parts[0].Literal
	}
	var b strings.Builder
	for _, p := range s.Parts {
		if p.Letter == 0 {
			b.WriteString(p.Literal)
			continue
		}
		v := p.transform(f.value(p.Letter))
		if p.Escape {
			v = escapeURL(v)
		}
		b.WriteString(v)
	}
	return b.String()
}

func (f facts) value(letter byte) string {
	switch letter {
	case 's':
		return f.local + "@" + f.origin
	case 'l':
		return f.local
	case 'o':
		return f.origin
	case 'd':
		return f.domain
	case 'h':
		return f.helo
	case 'i':
		return dotted(f.ip)
	case 'v':
		if f.ip.Is4() {
			return "in-addr"
		}
		return "ip6"
	case 'c':
		return f.ip.String()
	case 'r':
		if f.receiver == "" {
			return "unknown"
		}
		return f.receiver
	case 't':
		return strconv.FormatInt(f.at.Unix(), 10)
	case 'p':
		return f.ptr()
	}
	return ""
}

// transform splits, reverses and cuts a value (RFC 7208 section 7.3). Empty
// parts stay.
func (p Part) transform(v string) string {
	if p.Digits == 0 && !p.Reverse && p.Delims == "" {
		return v
	}
	delims := p.Delims
	if delims == "" {
		delims = "."
	}
	var parts []string
	start := 0
	for i := range len(v) {
		if strings.IndexByte(delims, v[i]) >= 0 {
			parts = append(parts, v[start:i])
			start = i + 1
		}
	}
	parts = append(parts, v[start:])
	if p.Reverse {
		slices.Reverse(parts)
	}
	if p.Digits > 0 && p.Digits < len(parts) {
		parts = parts[len(parts)-p.Digits:]
	}
	return strings.Join(parts, ".")
}

// dotted gives an IPv4 address in its usual form, an IPv6 address as nibbles.
func dotted(ip netip.Addr) string {
	if ip.Is4() {
		return ip.String()
	}
	const hex = "0123456789abcdef"
	b := make([]byte, 0, 63)
	for i, octet := range ip.As16() {
		if i > 0 {
			b = append(b, '.')
		}
		b = append(b, hex[octet>>4], '.', hex[octet&15])
	}
	return string(b)
}

// escapeURL escapes all but the unreserved characters of RFC 3986.
func escapeURL(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if isAlpha(c) || isDigit(c) || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

// known expands a target that is the same for every message: one that has no
// macros but d (the domain under evaluation) and o (the domain of the sender,
// which is the one that the evaluation started with).
func (s *Spec) known(owner, root string) (string, bool) {
	if s.Macros("slipvhcrt") {
		return "", false
	}
	return hostname(s.expand(facts{domain: owner, origin: root})), true
}

// hostname brings an expanded target into the form in which names are compared
// and asked for: lower case, no final dot, and no more than 253 octets, to which
// it is cut label by label from the left (RFC 7208 section 7.3).
func hostname(s string) string {
	s = strings.TrimSuffix(lower(s), ".")
	for len(s) > 253 {
		_, rest, ok := strings.Cut(s, ".")
		if !ok {
			break
		}
		s = rest
	}
	return s
}

// queryable reports whether the DNS can be asked for a name.
func queryable(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
	}
	return true
}

// wellFormed reports whether an evaluation can start at a name: a domain name of
// at least two labels, not an address literal (RFC 7208 section 4.3).
func wellFormed(name string) bool {
	return queryable(name) && strings.Contains(name, ".") && name[0] != '['
}

// presentation escapes a name for a question: expanded macros may hold anything.
func presentation(name string) string {
	plain := true
	for i := range len(name) {
		c := name[i]
		if c <= ' ' || c > '~' || strings.IndexByte(`'@;()"\`, c) >= 0 {
			plain = false
			break
		}
	}
	if plain {
		return name
	}
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case c < ' ' || c > '~':
			b.WriteByte('\\')
			b.WriteByte('0' + c/100)
			b.WriteByte('0' + c/10%10)
			b.WriteByte('0' + c%10)
		case strings.IndexByte(` '@;()"\`, c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
