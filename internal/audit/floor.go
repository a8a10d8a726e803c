package audit

import (
	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// floor gives the milliseconds that the audit of one domain takes at least: the
// longest chain of requests that need each other, with each request as slow as
// it was. No order of asking can be faster.
func floor(e *gather.Evidence) int {
	longest := 0
	for _, h := range e.MX.Hosts {
		for _, a := range h.Addrs {
			resolve := h.A.Millis
			if a.IP.Is6() && !a.IP.Is4In6() {
				resolve = h.AAAA.Millis
			}
			longest = max(longest, e.MX.Answer.Millis+resolve+a.Session.Millis)
		}
	}
	for _, s := range e.DKIM.Selectors {
		longest = max(longest, e.MX.Answer.Millis+s.Answer.Millis)
	}
	for _, p := range e.MTASTS.Pages {
		longest = max(longest, max(e.MTASTS.A.Answer.Millis, e.MTASTS.AAAA.Answer.Millis)+p.Page.Millis)
	}
	for _, d := range e.Nameservers.Servers {
		resolve := 0
		for _, n := range e.Nameservers.Names {
			if n.Name == d.Name {
				resolve = max(n.A.Answer.Millis, n.AAAA.Answer.Millis)
			}
		}
		for _, a := range d.Asked() {
			longest = max(longest, e.Apex.NS.Millis+resolve+a.Answer.Millis)
		}
	}
	for _, a := range []wire.Answer{e.Apex.A, e.Apex.AAAA, e.Apex.TXT, e.Apex.NS, e.Apex.SOA} {
		longest = max(longest, a.Millis)
	}
	return longest
}
