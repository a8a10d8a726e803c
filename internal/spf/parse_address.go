package spf

import (
	"net/netip"
	"strconv"
	"strings"
)

// cutPrefixLength splits the argument of a or mx into target and prefix
// lengths. A slash may stand in a target too, but not in its last label and not
// behind its last macro.
func cutPrefixLength(arg string) (target, cidr string) {
	tail := 0
	for i := 0; i < len(arg); i++ {
		if arg[i] != '%' {
			continue
		}
		tail = min(i+2, len(arg))
		if i+1 < len(arg) && arg[i+1] == '{' {
			if n := strings.IndexByte(arg[i:], '}'); n > 0 {
				tail = i + n + 1
			} else {
				tail = len(arg)
			}
		}
		i = tail - 1
	}
	tail += strings.LastIndexByte(arg[tail:], '.') + 1
	if n := strings.IndexByte(arg[tail:], '/'); n >= 0 {
		return arg[:tail+n], arg[tail+n:]
	}
	return arg, ""
}

// dual reads the prefix lengths of a and mx: "/24", "//64" or "/24//64".
func (l *lexer) dual(t *Term, cidr string, pos int) {
	if cidr == "" {
		return
	}
	four, six, both := strings.Cut(cidr, "//")
	if four != "" {
		if n, ok := l.prefixLength(four[1:], pos+1, 32); ok {
			t.Bits4 = n
		}
	}
	if both {
		if n, ok := l.prefixLength(six, pos+len(four)+2, 128); ok {
			t.Bits6 = n
		}
	}
}

// prefixLength reads the digits of one prefix length.
func (l *lexer) prefixLength(s string, pos, limit int) (int, bool) {
	end := pos + len(s)
	switch {
	case s == "" || !allDigits(s):
		l.add(CodePrefixLength, pos, end, "", "%q is no prefix length", s)
		return 0, false
	case len(s) > 1 && s[0] == '0':
		l.add(CodePrefixZero, pos, end, "", "prefix length %q starts with a zero", s)
		return 0, false
	}
	n, err := strconv.Atoi(s)
	if err != nil || n > limit {
		l.add(CodePrefixRange, pos, end, "", "prefix length %s is over %d", s, limit)
		return 0, false
	}
	return n, true
}

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return true
}

// address reads the argument of ip4 or ip6.
func (l *lexer) address(t *Term, arg string, pos int) {
	text, length, hasLength := strings.Cut(arg, "/")
	if text == "" {
		l.add(CodeEmptyTarget, pos, pos+len(arg), "", "the address is empty")
		return
	}
	var addr netip.Addr
	if t.Kind == KindIP4 {
		addr = l.ip4(t, text, length, pos)
	} else {
		addr = l.ip6(t, text, length, pos)
	}
	limit := 32
	if t.Kind == KindIP6 {
		limit = 128
	}
	bits := limit
	if hasLength {
		n, ok := l.prefixLength(length, pos+len(text)+1, limit)
		if !ok {
			return
		}
		bits = n
	}
	if !addr.IsValid() {
		return
	}
	t.Prefix = netip.PrefixFrom(addr, bits)
	end := pos + len(arg)
	if masked := t.Prefix.Masked(); masked != t.Prefix {
		fixed := *t
		fixed.Prefix = masked
		l.add(CodeHostBits, pos, end, fixed.String(), "the address has bits set behind the prefix: the network is %s", masked)
	}
	if addr.Is4In6() {
		l.add(CodeMappedIP6, pos, end, "", "an IPv4-mapped address never matches in ip6")
	}
}

func (l *lexer) ip4(t *Term, text, length string, pos int) netip.Addr {
	addr, err := netip.ParseAddr(text)
	if err == nil && addr.Is4() {
		return addr
	}
	end := pos + len(text)
	if err == nil && addr.Zone() == "" {
		l.add(CodeIP6InIP4, pos, end, other(t, KindIP6, text, length), "%q is an IPv6 address", text)
		return netip.Addr{}
	}
	octets := strings.Split(strings.TrimSuffix(text, "."), ".")
	partial, zero := len(octets) < 4, false
	for _, o := range octets {
		n, err := strconv.Atoi(o)
		if err != nil || n > 255 || !allDigits(o) {
			l.add(CodeIP4, pos, end, "", "%q is no IPv4 address", text)
			return netip.Addr{}
		}
		zero = zero || len(o) > 1 && o[0] == '0'
	}
	switch {
	case partial:
		l.add(CodeIP4Partial, pos, end, whole(t, octets, length), "%q is not a full IPv4 address", text)
	case zero && len(octets) == 4 && text[len(text)-1] != '.':
		l.add(CodeIP4Zero, pos, end, "", "an octet of %q starts with a zero", text)
	default:
		l.add(CodeIP4, pos, end, "", "%q is no IPv4 address", text)
	}
	return netip.Addr{}
}

func (l *lexer) ip6(t *Term, text, length string, pos int) netip.Addr {
	addr, err := netip.ParseAddr(text)
	switch {
	case err == nil && addr.Is6() && addr.Zone() == "":
		return addr
	case err == nil && addr.Is4():
		l.add(CodeIP4InIP6, pos, pos+len(text), other(t, KindIP4, text, length), "%q is an IPv4 address", text)
	default:
		l.add(CodeIP6, pos, pos+len(text), "", "%q is no IPv6 address", text)
	}
	return netip.Addr{}
}

// other proposes the same network under the mechanism of the other family.
func other(t *Term, kind Kind, text, length string) string {
	return proposal(t, string(kind)+":"+text, length)
}

// whole proposes the network that a partial address stands for.
func whole(t *Term, octets []string, length string) string {
	if length == "" {
		length = strconv.Itoa(8 * len(octets))
	}
	for len(octets) < 4 {
		octets = append(octets, "0")
	}
	return proposal(t, "ip4:"+strings.Join(octets, "."), length)
}

func proposal(t *Term, term, length string) string {
	if t.Explicit {
		term = string(t.Qualifier) + term
	}
	if length != "" {
		term += "/" + length
	}
	if parseTerm(term, 0).Fatal() {
		return ""
	}
	return term
}
