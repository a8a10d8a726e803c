package zone

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// Nearly all records of large zones have names of letters and digits and simple data.
// plain reads these without the parser of single records, which takes fifty times as
// long; whatever looks otherwise is left to that. What both read is the same.

// plain makes a record, unless it is one for newRR.
func plain(owner string, ttl uint32, rrtype string, data []word, origin string) (Record, bool) {
	if !plainName(owner) || len(data) == 0 || data[0].text == `\#` {
		return Record{}, false
	}
	var text string
	ok := false
	switch one := data[0].text; rrtype {
	case "A":
		ip, err := netip.ParseAddr(one)
		text, ok = ip.String(), err == nil && ip.Is4() && unquoted(data, 1)
	case "AAAA":
		ip, err := netip.ParseAddr(one)
		text, ok = ip.String(), err == nil && ip.Is6() && !ip.Is4In6() && ip.Zone() == "" && unquoted(data, 1)
	case "MX":
		if !unquoted(data, 2) {
			break
		}
		pref, err := strconv.ParseUint(one, 10, 16)
		host, plain := plainTarget(data[1].text, origin)
		text, ok = strconv.FormatUint(pref, 10)+" "+host, err == nil && plain
	case "CNAME", "NS", "PTR":
		text, ok = plainTarget(one, origin)
		ok = ok && unquoted(data, 1)
	case "TXT":
		text, ok = plainTexts(data)
	}
	if !ok {
		return Record{}, false
	}
	return Record{Owner: strings.Clone(Name(owner)), Type: dns.TypeToString[dns.StringToType[rrtype]], TTL: ttl, Data: text}, true
}

// unquoted reports that there are n words, none of them in quotes.
func unquoted(data []word, n int) bool {
	if len(data) != n {
		return false
	}
	for _, w := range data {
		if w.quoted {
			return false
		}
	}
	return true
}

func plainTarget(s, origin string) (string, bool) {
	if !strings.HasSuffix(s, ".") {
		if origin == "" {
			return "", false
		}
		s += "." + strings.TrimPrefix(origin, ".")
	}
	return strings.Clone(s), plainName(s)
}

func plainTexts(data []word) (string, bool) {
	size := 0
	for _, w := range data {
		if w.text == "" || len(w.text) > 255 || strings.IndexFunc(w.text, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) >= 0 {
			return "", false
		}
		size += len(w.text) + 3
	}
	if size > 60_000 {
		return "", false
	}
	var b strings.Builder
	b.Grow(size)
	for i, w := range data {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(`"` + w.text + `"`)
	}
	return b.String(), true
}

// plainName reports an absolute name of letters, digits, hyphens, underscores and
// asterisks, which is not too long.
func plainName(s string) bool {
	if len(s) < 2 || s[len(s)-1] != '.' || len(s) > 254 {
		return false
	}
	label := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			if label == 0 {
				return false
			}
			label = 0
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', isDigit(c), c == '-', c == '_', c == '*':
			if label++; label > 63 {
				return false
			}
		default:
			return false
		}
	}
	return true
}
