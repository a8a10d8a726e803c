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

// A way is the hops of a message, the newest first, and what the user says of them.
type way struct {
	hops []Hop
	list *psl.List
	own  own
}

// border goes down from the topmost field, which the last server wrote. The next field
// can be believed only where the client of this one is the receiver's own: it is the
// server's own host, or stands in a network that the user names, or has a name that the
// user names and that leads back to its address. What a client calls itself, and a name
// that nobody verified, decide nothing: the sender chooses them. Where they speak for an
// own host all the same, none is known.
func (w way) border() border {
	vouched := false // the user named the host that wrote this field
	for i := range w.hops {
		h := &w.hops[i]
		doubtful := func(why, hint string) border {
			return border{hop: h, doubt: h.describe(len(w.hops)) + ": " + why, hint: hint}
		}
		switch {
		case h.user && h.Doubt == "": // what stands below, a user wrote
			return border{hop: h, hint: h.hint(), known: true}
		case h.local:
			if why, hint := w.handedOn(i); why != "" {
				return doubtful(why, hint)
			}
			continue
		case h.Doubt != "":
			return doubtful(h.Doubt, h.hint())
		case w.own.holds(h.IP), h.Verified && w.own.named(h.Name):
			vouched = true
			continue
		case h.IP.IsLoopback():
			if why, hint := w.filtered(i); why != "" {
				return doubtful(why, hint)
			}
			continue
		case h.inner():
			if why, hint := w.hidden(i); why != "" {
				return doubtful(why, hint)
			}
			continue
		}
		return w.at(h, vouched)
	}
	if vouched && slices.ContainsFunc(w.hops, Hop.outside) {
		return border{doubt: "--by names the client of every Received field: it is for the servers of the receiver, not for those of the sender"}
	}
	return border{}
}

// at gives the border at a hop whose client is from outside, as it seems.
func (w way) at(h *Hop, vouched bool) border {
	b := border{hop: h, known: true, named: vouched || w.own.given() && w.own.writes(h.By)}
	byName, byHelo := w.own.named(h.Name), w.own.named(h.Helo)
	if !w.own.given() {
		byName, byHelo = h.kin(w.list, h.Name), h.kin(w.list, h.Helo)
	}
	either := fmt.Sprintf("if %s is a mail server of your own, say so: --by %s; if it is not, --ip %s", h.IP, h.IP, h.IP)
	switch {
	case byName:
		b.known, b.doubt, b.hint = false, "the client has a name of the server's own organization, and then no border is crossed here", either
	case byHelo:
		b.known, b.doubt, b.hint = false, "the client calls itself a host of the server's own organization", either
	case len(w.own.names) > 0 && !b.named:
		b.known, b.doubt, b.hint = false, h.describe(len(w.hops))+", which neither --by nor --authserv-id names", yours(h.By)
	}
	return b
}

// yours asks the user to say that a server is his own. The name stands in a line to be
// typed only where it is one: it may be the sender's words.
func yours(server string) string {
	if _, number := address(server); !number && (domainName(server) != strings.ToLower(server) || strings.HasPrefix(server, "-")) {
		server = "with its address"
	}
	return "if that is a mail server of your own, say so: --by " + server + "; else name the client with --ip"
}

// The next functions say why the field under a hop cannot be believed, "" where it can,
// and what the user can say.

// hidden is about clients with a private address. It may be that of a proxy which hides
// who came, and then the sender wrote what stands below: only the user knows.
func (w way) hidden(i int) (why, hint string) {
	h, below := w.hops[i], w.hops[i+1:]
	if !slices.ContainsFunc(below, Hop.outside) {
		return "", ""
	}
	return "its client has the private address " + h.IP.String() + ", and a proxy with such an address may hide who came",
		"if that is a mail server of your own, say so: " + insideOf(h, below) + "; else name the client with --ip"
}

// filtered is about clients on the server's own host. They are programs of the
// receiver's, such as a filter, since servers relay for that address: what they hand back
// bears a field of the same organization as one above, and of the same day.
func (w way) filtered(i int) (why, hint string) {
	h := w.hops[i]
	b, ends := w.next(i)
	switch {
	case ends:
		return "", ""
	case h.Delay == nil:
		why = "there is no date in it or in the field below, as every server writes one"
	case apart(*h.Delay):
		why = "the field below is of another time"
	case h.Helo != "" && h.Helo != "localhost" && h.Helo != "["+h.IP.String()+"]" && !w.above(i, h.Helo):
		why = "it calls itself " + h.Helo + ", as no filter of that server does: a proxy may hide who came"
	case !w.above(i, b.By):
		why = "another organization's server (" + b.By + ") wrote the field below: a proxy may hide who came"
	default:
		return "", ""
	}
	return "its client is on the same host, and " + why, yours(h.IP.String())
}

// handedOn is about fields without a client, by which a message is handed on within one
// system: on the same day, to a server of the same organization. Where the names tell no
// organization, nothing speaks against it; what was fetched out of a mailbox is another's.
func (w way) handedOn(i int) (why, hint string) {
	h := w.hops[i]
	b, ends := w.next(i)
	tells := func(h Hop) bool {
		_, number := address(h.By)
		return !number && strings.Contains(domainName(h.By), ".")
	}
	switch {
	case ends, fetched(h.With):
		return "", ""
	case h.Delay != nil && apart(*h.Delay):
		return "it names no client, and the field below is of another time", h.hint()
	case slices.ContainsFunc(w.hops[:i+1], tells) && !w.own.writes(b.By) && !w.above(i, b.By):
		return "it names no client, and another organization's server (" + b.By + ") wrote the field below", yours(b.By)
	}
	return "", ""
}

// next gives the field below; ends, where that decides nothing: there is none, or what
// it tells is looked at by itself.
func (w way) next(i int) (below Hop, ends bool) {
	if i+1 == len(w.hops) {
		return Hop{}, true
	}
	below = w.hops[i+1]
	return below, !below.outside() || below.Doubt != ""
}

// above reports that one of the servers down to a hop has that name, or is of its
// organization.
func (w way) above(i int, name string) bool {
	return slices.ContainsFunc(w.hops[:i+1], func(h Hop) bool { return h.By == name || h.kin(w.list, name) })
}

// apart reports that fields of one system are not written in such seconds of each other.
func apart(delay int64) bool {
	const anHour, aDay = 60 * 60, 24 * 60 * 60
	return delay > aDay || delay < -anHour
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
