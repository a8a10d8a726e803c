package message

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"mxvet/internal/psl"
)

// own is what the user says of the servers that are the receiver's.
type own struct {
	names []string       // of hosts, and of domains whose hosts they are
	nets  []netip.Prefix // that they stand in
}

// given reports that the user named servers.
func (o own) given() bool { return len(o.names)+len(o.nets) > 0 }

// named reports whether a name is one of the user's, or below one.
func (o own) named(name string) bool {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	return name != "" && slices.ContainsFunc(o.names, func(n string) bool {
		n = strings.TrimSuffix(strings.ToLower(n), ".")
		return name == n || strings.Contains(n, ".") && strings.HasSuffix(name, "."+n)
	})
}

// holds reports whether an address is in one of the user's networks.
func (o own) holds(ip netip.Addr) bool {
	return ip.IsValid() && slices.ContainsFunc(o.nets, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// writes reports whether a server that calls itself so is one of the user's.
func (o own) writes(by string) bool {
	if ip, ok := address(by); ok && o.holds(ip) {
		return true
	}
	return o.named(by)
}

// A border is the hop at which a message came to its receiver.
type border struct {
	hop   *Hop   // nil where there is none
	doubt string // what speaks against it
	hint  string // what the user can say to settle it
	named bool   // the user named the server
	known bool   // the field was written by the receiver's own server, as far as can be seen
}

// findBorder goes down from the topmost field, which the last server wrote. The next
// field can be believed only where the client of this one is the receiver's own: it is
// the server's own host, or stands in a network that the user names, or has a name that
// the user names and that leads back to its address. What a client calls itself, and a
// name that nobody verified, decide nothing: the sender chooses them. Where they speak
// for an own host all the same, none is known.
func findBorder(hops []Hop, list *psl.List, o own) border {
	vouched := false // the user named the host that wrote this field
	for i := range hops {
		h := &hops[i]
		switch {
		case h.user && h.Doubt == "": // what stands below, a user wrote
			return border{hop: h, hint: h.hint(), known: true}
		case h.local:
			if why := otherSystem(hops, i, list, o); why != "" {
				return border{h, fmt.Sprintf("%s: %s", h.describe(len(hops)), why), "if that is a mail server of your own, say so: --by " + hops[i+1].By + "; else name the client with --ip", false, false}
			}
			continue
		case h.Doubt != "":
			return border{h, fmt.Sprintf("%s: %s", h.describe(len(hops)), h.Doubt), h.hint(), false, false}
		case o.holds(h.IP), h.Verified && o.named(h.Name):
			vouched = true
			continue
		case h.inner():
			if why, hint := unlinked(hops, i, list, o); why != "" {
				return border{h, fmt.Sprintf("%s: %s", h.describe(len(hops)), why), hint, false, false}
			}
			continue
		}
		b := border{hop: h, known: true}
		byName, byHelo := o.named(h.Name), o.named(h.Helo)
		if !o.given() {
			byName, byHelo = h.kin(list, h.Name), h.kin(list, h.Helo)
		}
		either := fmt.Sprintf("if %s is a mail server of your own, say so: --by %s; if it is not, --ip %s", h.IP, h.IP, h.IP)
		b.named = vouched || o.given() && o.writes(h.By)
		switch {
		case byName:
			b.doubt, b.known, b.hint = "the client has a name of the server's own organization, and then no border is crossed here", false, either
		case byHelo:
			b.doubt, b.known, b.hint = "the client calls itself a host of the server's own organization", false, either
		case len(o.names) > 0 && !vouched && !o.writes(h.By):
			b.doubt, b.known = fmt.Sprintf("%s, which neither --by nor --authserv-id names", h.describe(len(hops))), false
			b.hint = "if that is a mail server of your own, say so: --by " + h.By + "; else name the client with --ip"
		}
		return b
	}
	if vouched && slices.ContainsFunc(hops, Hop.outside) {
		return border{doubt: "--by names the client of every Received field: it is for the servers of the receiver, not for those of the sender"}
	}
	return border{}
}

// unlinked says why the field below one whose client has an address of the inside cannot
// be believed, "" where it can, and what the user can say. A private address may be that
// of a proxy which hides who came, and then the sender wrote what stands below: only the
// user knows. A client on the server's own host is a program of the receiver's, such as a
// filter, since servers relay for that address; what it hands back bears a field of the
// same organization as one above, and of the same day.
func unlinked(hops []Hop, i int, list *psl.List, o own) (why, hint string) {
	const anHour, aDay = 60 * 60, 24 * 60 * 60
	h, below := hops[i], hops[i+1:]
	if !slices.ContainsFunc(below, Hop.outside) {
		return "", ""
	}
	b := below[0]
	filter := "if what runs there is a filter of your own, say so: --by " + h.IP.String() + "; else name the client with --ip"
	same := func(h Hop) bool { return h.By == b.By || b.kin(list, h.By) }
	switch {
	case !h.IP.IsLoopback():
		return "its client has the private address " + h.IP.String() + ", and a proxy with such an address may hide who came",
			"if that is a mail server of your own, say so: " + insideOf(h, below) + "; else name the client with --ip"
	case !b.outside() || b.Doubt != "": // further down the question comes again
		return "", ""
	case h.Delay == nil:
		return "its client is on the same host, and there is no date in it or in the field below, as every server writes one", filter
	case *h.Delay > aDay || *h.Delay < -anHour:
		return "its client is on the same host, and the field below is of another time", filter
	case h.Helo != "" && h.Helo != "localhost" && h.Helo != "["+h.IP.String()+"]" && h.Helo != h.By && !h.kin(list, h.Helo) && !slices.ContainsFunc(hops[:i+1], func(h Hop) bool { return h.kin(list, hops[i].Helo) }) && h.Helo != b.By:
		return "its client is on the same host and calls itself " + h.Helo + ", as no filter of that server does: a proxy may hide who came", filter
	case !slices.ContainsFunc(hops[:i+1], same):
		return "its client is on the same host, and another organization's server (" + b.By + ") wrote the field below: a proxy may hide who came", filter
	}
	return "", ""
}

// otherSystem says why the field below one by which a server handed a message on within
// its own system cannot be of that system, "" where it can: a server hands on what came the
// same day, to a server of the same organization. Where the names tell no organization,
// nothing speaks against it; what was fetched out of a mailbox is another's.
func otherSystem(hops []Hop, i int, list *psl.List, o own) string {
	const anHour, aDay = 60 * 60, 24 * 60 * 60
	h := hops[i]
	if i+1 == len(hops) || !hops[i+1].outside() || hops[i+1].Doubt != "" || fetched(h.With) {
		return ""
	}
	b := hops[i+1]
	if h.Delay != nil && (*h.Delay > aDay || *h.Delay < -anHour) {
		return "it names no client, and the field below is of another time"
	}
	tells := func(h Hop) bool {
		_, number := address(h.By)
		return !number && strings.Contains(domainName(h.By), ".")
	}
	if slices.ContainsFunc(hops[:i+1], tells) && !o.writes(b.By) &&
		!slices.ContainsFunc(hops[:i+1], func(h Hop) bool { return h.By == b.By || b.kin(list, h.By) }) {
		return "it names no client, and another organization's server (" + b.By + ") wrote the field below"
	}
	return ""
}

// hint says what the user can do about a field that does not tell its client.
func (h Hop) hint() string {
	if h.user {
		return "SPF and DMARC are not for mail that is handed in: examine the copy that the recipient's server received"
	}
	return "name the client with --ip"
}

// insideOf gives the flags that name the private clients in a row that begins with h.
func insideOf(h Hop, below []Hop) string {
	const most = 4
	var named []string
	for _, h := range append([]Hop{h}, below...) {
		flag := "--by " + h.IP.String()
		if h.outside() || len(named) == most {
			break
		}
		if h.IP.IsValid() && !h.IP.IsLoopback() && !slices.Contains(named, flag) {
			named = append(named, flag)
		}
	}
	return strings.Join(named, " ")
}

// kin reports that a name is of the server's organization.
func (h Hop) kin(list *psl.List, name string) bool {
	by, name := domainName(h.By), domainName(name)
	return by != "" && name != "" && list.OrgDomain(name, true) == list.OrgDomain(by, true)
}

// describe names a hop for people.
func (h Hop) describe(of int) string {
	s := fmt.Sprintf("Received field %d of %d", h.Number, of)
	if h.By != "" {
		s += ", written by " + h.By
	}
	return s
}
