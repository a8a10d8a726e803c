package wire

import (
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// What the parser of zone text alone makes of an answer.
type slowly struct {
	addrs []netip.Addr
	mx    []MX
	txt   []string
}

func (a Answer) slowly() (out slowly) {
	for _, s := range a.Answer {
		switch rr := parseRecord(s).(type) {
		case *dns.A:
			if ip, ok := netip.AddrFromSlice(rr.A); ok {
				out.addrs = append(out.addrs, ip.Unmap())
			}
		case *dns.AAAA:
			if ip, ok := netip.AddrFromSlice(rr.AAAA.To16()); ok {
				out.addrs = append(out.addrs, ip)
			}
		case *dns.MX:
			out.mx = append(out.mx, MX{rr.Preference, hostname(rr.Mx)})
		case *dns.TXT:
			var all strings.Builder
			for _, part := range rr.Txt {
				all.WriteString(unescape(part))
			}
			out.txt = append(out.txt, all.String())
		}
	}
	return out
}
