package wire

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// OK reports whether the answer says something about the question: records,
// NODATA or NXDOMAIN.
func (a Answer) OK() bool { return a.Fail == nil && (a.Rcode == "NOERROR" || a.Rcode == "NXDOMAIN") }

// NXDomain reports that the name does not exist. After a CNAME it says so of
// the alias's target.
func (a Answer) NXDomain() bool { return a.Fail == nil && a.Rcode == "NXDOMAIN" }

// excess says that the answer is larger than any that is kept, "" where it is not.
func (a Answer) excess() string {
	size, n := 0, 0
	for _, list := range [][]string{a.Answer, a.Authority, a.Additional} {
		n += len(list)
		for _, s := range list {
			size += len(s)
		}
	}
	switch {
	case n > maxRecords:
		return fmt.Sprintf("%d records, more than %d", n, maxRecords)
	case size > maxAnswerText:
		return fmt.Sprintf("%d bytes of records, more than %d", size, maxAnswerText)
	}
	return ""
}

// Records gives the data fields of all records of that type in the answer, in
// presentation format, sorted.
func (a Answer) Records(rrtype string) []string {
	var out []string
	for _, s := range a.Answer {
		if data, _, ok := dataOf(s, rrtype); ok {
			out = append(out, data)
		}
	}
	return out
}

// Has reports whether the answer holds a record of that type.
func (a Answer) Has(rrtype string) bool {
	return slices.ContainsFunc(a.Answer, func(s string) bool {
		_, _, ok := dataOf(s, rrtype)
		return ok
	})
}

// Missing reports proof that there is no such RRset: NXDOMAIN, or a whole answer
// without it (NODATA). Part of an answer proves nothing.
func (a Answer) Missing(rrtype string) bool {
	return a.OK() && !a.Has(rrtype) && (!a.TCPFailed || a.Rcode == "NXDOMAIN")
}

// TXT gives each TXT record with its strings concatenated, nothing between them
// (RFC 7208 section 3.3). Bytes are as they came, escapes undone.
func (a Answer) TXT() []string {
	var out []string
	for _, parts := range a.TXTStrings() {
		out = append(out, strings.Join(parts, ""))
	}
	return out
}

// TXTStrings gives each TXT record as its separate strings.
func (a Answer) TXTStrings() [][]string {
	return decode(a, "TXT", plainTXT, func(rr *dns.TXT) ([]string, bool) {
		parts := make([]string, len(rr.Txt))
		for i, s := range rr.Txt {
			parts[i] = unescape(s)
		}
		return parts, true
	})
}

// An MX is one MX record; Host is in lower case without the final dot, and "."
// for a null MX (RFC 7505).
type MX struct {
	Pref uint16
	Host string
}

// MX gives the MX records by preference, then by name.
func (a Answer) MX() []MX {
	out := decode(a, "MX", plainMX, func(rr *dns.MX) (MX, bool) { return MX{rr.Preference, hostname(rr.Mx)}, true })
	slices.SortStableFunc(out, func(x, y MX) int {
		if x.Pref != y.Pref {
			return int(x.Pref) - int(y.Pref)
		}
		return strings.Compare(x.Host, y.Host)
	})
	return out
}

// Addrs gives the addresses of A and AAAA records, sorted.
func (a Answer) Addrs() []netip.Addr {
	out := decode(a, "A", plain4, func(rr *dns.A) (netip.Addr, bool) {
		ip, ok := netip.AddrFromSlice(rr.A)
		return ip.Unmap(), ok
	})
	out = append(out, decode(a, "AAAA", plain6, func(rr *dns.AAAA) (netip.Addr, bool) {
		return netip.AddrFromSlice(rr.AAAA.To16()) // an IPv4-mapped address stays what it is
	})...)
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

// AddrsOf gives the addresses of A and AAAA records whose owner is name.
func (a Answer) AddrsOf(name string) []netip.Addr {
	owned := slices.DeleteFunc(slices.Clone(a.Answer), func(s string) bool {
		owner, _, _ := strings.Cut(s, "\t")
		return hostname(owner) != hostname(name)
	})
	return Answer{Answer: owned}.Addrs()
}

// Targets gives the names that NS, PTR or CNAME records point at, in lower case
// without the final dot, sorted.
func (a Answer) Targets(rrtype string) []string {
	var out []string
	for _, data := range a.Records(rrtype) {
		out = append(out, hostname(data))
	}
	return out
}

// Chain gives the CNAME targets from the asked name on, in the order in which
// they are followed; it stops at a loop.
func (a Answer) Chain(name string) []string {
	next := map[string]string{}
	for _, rr := range decode(a, "CNAME", nil, func(rr *dns.CNAME) ([2]string, bool) {
		return [2]string{hostname(rr.Hdr.Name), hostname(rr.Target)}, true
	}) {
		next[rr[0]] = rr[1]
	}
	var out []string
	for at := hostname(name); next[at] != "" && len(out) < len(next); {
		at = next[at]
		out = append(out, at)
	}
	return out
}

// TTL gives the smallest time to live, in seconds, of the records of that type,
// and whether there are any.
func (a Answer) TTL(rrtype string) (uint32, bool) {
	ttl, found := uint32(0), false
	for _, s := range a.Answer {
		if _, _, ok := dataOf(s, rrtype); !ok {
			continue
		}
		if rr := parseRecord(s); rr != nil && dns.Type(rr.Header().Rrtype).String() == rrtype {
			if !found || rr.Header().Ttl < ttl {
				ttl = rr.Header().Ttl
			}
			found = true
		}
	}
	return ttl, found
}

// decode reads the records of one type. What plain can read of the data alone is
// not parsed any further: rules read answers again and again, and a peer decides
// how many records they have.
func decode[T dns.RR, V any](a Answer, rrtype string, plain func(data string) (V, bool), f func(T) (V, bool)) []V {
	var out []V
	for _, s := range a.Answer {
		data, canonical, ok := dataOf(s, rrtype)
		if !ok {
			continue
		}
		if canonical && plain != nil {
			if v, ok := plain(data); ok {
				out = append(out, v)
				continue
			}
		}
		if t, ok := parseRecord(s).(T); ok {
			if v, ok := f(t); ok {
				out = append(out, v)
			}
		}
	}
	return out
}

// parseRecord reads one record, nil when it is none. It is not dns.NewRR, which
// obeys $INCLUDE: a tape from elsewhere must not make us open files.
func parseRecord(s string) dns.RR {
	if strings.ContainsAny(s, "\r\n") {
		return nil
	}
	directive := strings.HasPrefix(s, "$") // to that parser; here it is an owner name
	if directive {
		s = `\` + s
	}
	zp := dns.NewZoneParser(strings.NewReader(s+"\n"), ".", "")
	rr, ok := zp.Next()
	if !ok || zp.Err() != nil {
		return nil
	}
	if h := rr.Header(); directive {
		h.Name = strings.TrimPrefix(h.Name, `\`)
	}
	return rr
}

// hostname gives a name in lower case without the final dot, the root as ".". A
// dot that is escaped belongs to the last label and stays.
func hostname(s string) string {
	s = strings.ToLower(s)
	if dns.IsFqdn(s) {
		s = s[:len(s)-1]
	}
	if s == "" {
		return "."
	}
	return s
}

// unescape undoes presentation format in one TXT string: \DDD and \X.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		if i+3 < len(s) && isDigit(s[i+1]) && isDigit(s[i+2]) && isDigit(s[i+3]) {
			b.WriteByte((s[i+1]-'0')*100 + (s[i+2]-'0')*10 + s[i+3] - '0')
			i += 3
			continue
		}
		i++
		b.WriteByte(s[i])
	}
	return b.String()
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
