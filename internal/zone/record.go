package zone

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

const maxTTL = 1<<31 - 1 // RFC 2181 section 8

// parseTTL reads seconds, or numbers with the units w, d, h, m and s.
func parseTTL(s string) (uint32, bool) {
	sum, n, digits := uint64(0), uint64(0), 0
	for i := range len(s) {
		c := s[i]
		if isDigit(c) {
			n = n*10 + uint64(c-'0')
			if digits++; digits > 10 {
				return 0, false
			}
			continue
		}
		unit := ttlUnit(c)
		if unit == 0 || digits == 0 {
			return 0, false
		}
		sum += n * unit
		n, digits = 0, 0
		if sum > maxTTL {
			return 0, false
		}
	}
	if s == "" {
		return 0, false
	}
	sum += n
	return uint32(sum), sum <= maxTTL
}

func ttlUnit(c byte) uint64 {
	switch c {
	case 's', 'S':
		return 1
	case 'm', 'M':
		return 60
	case 'h', 'H':
		return 3600
	case 'd', 'D':
		return 86400
	case 'w', 'W':
		return 604800
	}
	return 0
}

func validName(s string) bool {
	if plainName(s) {
		return true
	}
	if _, ok := dns.IsDomainName(s); !ok {
		return false
	}
	return !tooLong(Name(s))
}

// newRR makes a record, or says why it is none. The result has gone through the
// wire format, so that its data has one spelling only and is known to fit.
func newRR(owner string, ttl uint32, rrtype string, data []word, origin string) (rr dns.RR, why string) {
	rrtype, ok := typeName(rrtype)
	if !ok {
		return nil, noType(rrtype)
	}
	if len(data) == 0 {
		return nil, fmt.Sprintf("%s record without data", rrtype)
	}
	generic := data[0].text == `\#` && !data[0].quoted // RFC 3597 section 5
	if least := fewest[rrtype]; !generic && (len(data) < least || rrtype == "SOA" && len(data) > least) {
		return nil, fmt.Sprintf("%s record: %d words of data: write %s", rrtype, len(data), dataHint(rrtype))
	}
	if !generic {
		if why := stringsFit(rrtype, data); why != "" {
			return nil, why
		}
	}
	var b strings.Builder
	if strings.HasPrefix(owner, "$") {
		b.WriteByte('\\') // no directive
	}
	b.WriteString(owner + "\t" + strconv.FormatUint(uint64(ttl), 10) + "\tIN\t" + rrtype + "\t")
	for i, w := range data {
		if i > 0 {
			b.WriteByte(' ')
		}
		if w.quoted {
			b.WriteString(`"` + w.text + `"`)
		} else {
			b.WriteString(w.text)
		}
	}
	b.WriteByte('\n')
	zp := dns.NewZoneParser(strings.NewReader(b.String()), origin, "")
	rr, _ = zp.Next()
	if err := zp.Err(); err != nil {
		s := strings.TrimPrefix(err.Error(), "dns: ")
		if i := strings.LastIndex(s, " at line: "); i > 0 {
			s = s[:i] // its line is that of this one entry
		}
		if hint := dataHint(rrtype); hint != "" && !generic {
			s += ": write " + hint
		}
		return nil, fmt.Sprintf("%s record: %s", rrtype, s)
	}
	if rr == nil {
		return nil, fmt.Sprintf("%s record: the data cannot be read", rrtype)
	}
	if n := dns.Len(rr); n > 65535 {
		return nil, fmt.Sprintf("%s record: it takes %d octets, and a record can have no more than 65535", rrtype, n)
	}
	rr, err := throughWire(rr)
	if err != nil {
		return nil, fmt.Sprintf("%s record: %s", rrtype, strings.TrimPrefix(err.Error(), "dns: "))
	}
	if _, unknown := rr.(*dns.RFC3597); generic && !unknown {
		// Octets of a type that has a text form may end too early for it, which
		// unpacking lets pass.
		zp := dns.NewZoneParser(strings.NewReader(rr.String()+"\n"), ".", "")
		if again, _ := zp.Next(); zp.Err() != nil || again == nil || again.String() != rr.String() {
			return nil, fmt.Sprintf("%s record: the octets are not the data of that type", rrtype)
		}
	}
	return rr, ""
}

// unread are types that the DNS has or had, and that have no text form here.
var unread = map[string]int{"WKS": 11, "A6": 38, "SINK": 40}

// noType says why a word that stands in the place of a record type is none.
func noType(s string) string {
	if n, ok := unread[s]; ok {
		return fmt.Sprintf(`mxvet does not read the text form of %s records: leave them out, or write TYPE%d \# LENGTH HEX`, s, n)
	}
	if strings.Trim(s, "0123456789") == "" && s != "" {
		return fmt.Sprintf("%s is no time to live, which has seconds up to %d, and no record type", clip(s), maxTTL)
	}
	return fmt.Sprintf("%q is not a record type", clip(s))
}

// fewest is how many words of data there must be, where the parser of single records
// takes missing ones for 0 or for empty.
var fewest = map[string]int{"SOA": 7, "TLSA": 4, "SMIMEA": 4, "SSHFP": 3, "DS": 4, "CDS": 4}

// dataHint says what the data of a type looks like, "" for those that people do
// not write by hand.
func dataHint(rrtype string) string {
	switch rrtype {
	case "A":
		return "an IPv4 address, as in A 192.0.2.1"
	case "AAAA":
		return "an IPv6 address, as in AAAA 2001:db8::1"
	case "CNAME", "NS", "PTR":
		return "one name, as in " + rrtype + " host.example.com."
	case "MX":
		return "a preference and a name, as in MX 10 mx1.example.com."
	case "SRV":
		return "priority, weight, port and a name, as in SRV 0 1 587 mail.example.com."
	case "TLSA", "SMIMEA", "DS", "CDS":
		return "three numbers and a digest in hexadecimal"
	case "SSHFP":
		return "two numbers and a digest in hexadecimal"
	case "SOA":
		return "two names and five numbers, as in SOA ns1 hostmaster 1 7200 3600 1209600 300"
	}
	return ""
}

// typeName gives the name of a type that zones hold, in upper case; TYPE16 is
// TXT (RFC 3597 section 5). Types that occur in questions and messages only are
// not among them (RFC 6895 section 3.1). For others it gives s in upper case and
// false.
func typeName(s string) (string, bool) {
	s = strings.ToUpper(s)
	t, ok := dns.StringToType[s]
	if digits, found := strings.CutPrefix(s, "TYPE"); !ok && found {
		n, err := strconv.ParseUint(digits, 10, 16)
		t, ok = uint16(n), err == nil
	}
	if !ok || t == dns.TypeNone || t == dns.TypeOPT || 128 <= t && t <= 255 || t == dns.TypeReserved {
		return s, false
	}
	return dns.Type(t).String(), true
}

// stringsFit holds the strings of TXT records against their limit, because the
// parser below would cut long ones up without a word, and name servers refuse
// them (RFC 1035 section 3.3).
func stringsFit(rrtype string, data []word) string {
	if rrtype != "TXT" && rrtype != "SPF" {
		return ""
	}
	for _, w := range data {
		if n := octets(w.text); n > 255 {
			return fmt.Sprintf("%s record: a string of %d octets, at most 255 fit: write it as several quoted strings", rrtype, n)
		}
	}
	return ""
}

// octets counts the octets that text with escapes stands for.
func octets(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			if i+3 < len(s) && isDigit(s[i+1]) && isDigit(s[i+2]) && isDigit(s[i+3]) {
				i += 2
			}
			i++
		}
		n++
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func throughWire(rr dns.RR) (dns.RR, error) {
	buf := make([]byte, max(dns.Len(rr)+16, 512))
	n, err := dns.PackRR(rr, buf, 0, nil, false)
	if err != nil {
		return nil, err
	}
	out, _, err := dns.UnpackRR(buf[:n], 0)
	return out, err
}

func recordOf(rr dns.RR) Record {
	h := rr.Header()
	data := strings.TrimPrefix(rr.String(), h.String())
	if unknown, ok := rr.(*dns.RFC3597); ok {
		data = fmt.Sprintf(`\# %d %s`, len(unknown.Rdata)/2, unknown.Rdata)
	}
	return Record{Owner: Name(h.Name), Type: dns.Type(h.Rrtype).String(), TTL: h.Ttl, Data: strings.Clone(data)}
}
