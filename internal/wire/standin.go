package wire

import (
	"context"
	"hash/fnv"
	"net/netip"
	"slices"
	"strings"
)

// A StandIn answers for names that lead nowhere today as if they led somewhere:
// what a record means, whatever became of the hosts that it names. A name without
// addresses, or with such as the internet does not see, gets one of its own of
// each family; one without MX records is its own mail host; one without an SPF
// record has one that lets its address pass.
//
// The addresses are placeholders, in ranges that no host has. Nothing is ever
// dialled through a StandIn, neither these nor others.
type StandIn struct {
	Behind  Source
	Domain  string // whose own TXT records stay as they are
	Special func(netip.Addr) (kind string, special bool)
}

// Networks of the placeholders: reserved (RFC 1112 section 4), and for discarding
// (RFC 6666).
var (
	standIn4 = netip.MustParsePrefix("240.0.0.0/5")
	standIn6 = netip.MustParsePrefix("100::/64")
)

// Placeholder reports whether an address is one that a StandIn gives.
func Placeholder(a netip.Addr) bool { return standIn4.Contains(a) || standIn6.Contains(a) }

// DNS implements Source.
func (s StandIn) DNS(ctx context.Context, q Question) Answer {
	a := s.Behind.DNS(ctx, q)
	name := strings.TrimSuffix(strings.ToLower(q.Name), ".")
	four, six := placeholders(name)
	switch q.Type {
	case "A":
		if s.somewhere(a) {
			return a
		}
		if other := q.as("AAAA"); s.somewhere(s.Behind.DNS(ctx, other)) {
			return a // it has the other family, and that is that
		}
		return standing(name, "A", four.String())
	case "AAAA":
		if s.somewhere(a) {
			return a
		}
		if other := q.as("A"); s.somewhere(s.Behind.DNS(ctx, other)) {
			return a
		}
		return standing(name, "AAAA", six.String())
	case "MX":
		if a.Has("MX") {
			return a
		}
		return standing(name, "MX", "10 "+name+".")
	case "TXT":
		if name == s.Domain || slices.ContainsFunc(a.TXT(), func(t string) bool { return strings.HasPrefix(strings.ToLower(t), "v=spf1") }) {
			return a
		}
		return standing(name, "TXT", `"v=spf1 ip4:`+four.String()+" ip6:"+six.String()+` -all"`)
	}
	return a
}

func (q Question) as(rrtype string) Question {
	q.Type = rrtype
	return q
}

// somewhere reports whether an answer holds an address that the internet sees.
func (s StandIn) somewhere(a Answer) bool {
	return slices.ContainsFunc(a.Addrs(), func(ip netip.Addr) bool {
		_, special := s.Special(ip)
		return !special
	})
}

func standing(name, rrtype, data string) Answer {
	return Answer{Rcode: "NOERROR", From: "stand-in", Assumed: true, Answer: []string{name + ".\t3600\tIN\t" + rrtype + "\t" + data}}
}

// placeholders gives the two addresses of a name, each time the same.
func placeholders(name string) (four, six netip.Addr) {
	h := fnv.New64a()
	h.Write([]byte(name))
	sum := h.Sum64()
	b4, b6 := standIn4.Addr().As4(), standIn6.Addr().As16()
	for i := range 4 {
		b4[i] |= byte(sum>>(8*i)) &^ []byte{0xf8, 0, 0, 0}[i]
	}
	for i := range 8 {
		b6[8+i] = byte(sum >> (8 * i))
	}
	return netip.AddrFrom4(b4), netip.AddrFrom16(b6)
}

// Fetch implements Source: nothing is fetched.
func (s StandIn) Fetch(context.Context, Request) Page { return Page{Fail: offline()} }

// Talk implements Source: nobody is dialled.
func (s StandIn) Talk(context.Context, Probe) Session { return Session{Fail: offline()} }
