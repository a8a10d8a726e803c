package wire

import (
	"net/netip"
	"strconv"
	"strings"
)

// Records in the one form in which they come off the wire are read without the
// parser of zone text, which is a hundred times slower; whatever looks otherwise is
// left to it.

// dataOf gives the data field of a record of that type; ok is false for another
// type. Canonical reports that owner, time to live and class are in the form in
// which answers come off the wire.
func dataOf(record, rrtype string) (data string, canonical, ok bool) {
	owner, rest, _ := strings.Cut(record, "\t")
	ttl, rest, _ := strings.Cut(rest, "\t")
	class, rest, _ := strings.Cut(rest, "\t")
	kind, data, ok := strings.Cut(rest, "\t")
	if !ok || kind != rrtype {
		return "", false, false
	}
	_, err := strconv.ParseUint(ttl, 10, 32)
	return data, err == nil && class == "IN" && plainName(owner), true
}

// plainName reports an absolute name without escapes and special characters.
func plainName(s string) bool {
	if s == "" || s[len(s)-1] != '.' || len(s) > 254 {
		return false
	}
	label := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			if label == 0 && len(s) > 1 {
				return false
			}
			label = 0
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '*':
			if label++; label > 63 {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func plain4(data string) (netip.Addr, bool) {
	ip, err := netip.ParseAddr(data)
	return ip, err == nil && ip.Is4()
}

func plain6(data string) (netip.Addr, bool) {
	ip, err := netip.ParseAddr(data)
	return ip, err == nil && ip.Is6() && ip.Zone() == ""
}

func plainMX(data string) (MX, bool) {
	pref, host, _ := strings.Cut(data, " ")
	n, err := strconv.ParseUint(pref, 10, 16)
	return MX{uint16(n), hostname(host)}, err == nil && plainName(host)
}

// plainTXT reads quoted strings with one blank between them.
func plainTXT(data string) ([]string, bool) {
	var out []string
	for {
		if len(data) < 2 || data[0] != '"' {
			return nil, false
		}
		end := 1
		for end < len(data) && data[end] != '"' {
			if data[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(data) {
			return nil, false
		}
		part := unescape(data[1:end])
		if len(part) > 255 || end == 1 {
			return nil, false // cut, or left out, as the parser does it
		}
		out = append(out, part)
		if data = data[end+1:]; data == "" {
			return out, true
		}
		if data[0] != ' ' {
			return nil, false
		}
		data = data[1:]
	}
}
