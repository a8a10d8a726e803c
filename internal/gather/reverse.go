package gather

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// A Reverse is the name of an address: the PTR records at its reverse name (RFC
// 1035 section 3.5, RFC 3596 section 2.5), and whether those names lead back to
// the address. Whoever holds the address chooses the name, so a name counts only
// where its own A or AAAA record agrees; receivers demand that of senders.
type Reverse struct {
	Ref    wire.Ref
	Answer wire.Answer // to the PTR question
	Names  []ReverseName
}

// A ReverseName is one PTR target, with the answer for its addresses.
type ReverseName struct {
	Name      string
	Ref       wire.Ref
	Answer    wire.Answer // A for an IPv4 address, AAAA for an IPv6 address
	Confirmed bool        // the address is among them
}

// Confirmed reports that some name leads back to the address.
func (r Reverse) Confirmed() bool {
	return slices.ContainsFunc(r.Names, func(n ReverseName) bool { return n.Confirmed })
}

// Unknown gives the failure of a lookup that could still confirm the address;
// nil where everything was answered, or some name is confirmed already.
func (r Reverse) Unknown() *wire.Fail {
	if r.Answer.Fail != nil || r.Confirmed() {
		return r.Answer.Fail
	}
	for _, n := range r.Names {
		if n.Answer.Fail != nil {
			return n.Answer.Fail
		}
	}
	return nil
}

// All gives every PTR name of the address, also those that were not looked up.
func (r Reverse) All() []string {
	return slices.Compact(slices.Sorted(slices.Values(r.Answer.Targets("PTR"))))
}

// More says how many names were not looked up.
func (r Reverse) More() int { return max(0, len(r.All())-len(r.Names)) }

func reverse(ctx context.Context, src wire.Source, ip netip.Addr) Reverse {
	ask := wire.Ask(ctx, src, reverseName(ip), "PTR")
	r := Reverse{Ref: ask.Ref, Answer: ask.Answer}
	rrtype := "AAAA"
	if ip.Is4() {
		rrtype = "A"
	}
	names := r.All()
	r.Names = make([]ReverseName, min(len(names), maxReverseNames))
	var wg together.Group
	for i := range r.Names {
		n := &r.Names[i]
		n.Name = names[i]
		wg.Go(func() {
			forward := wire.Ask(ctx, src, n.Name, rrtype)
			n.Ref, n.Answer = forward.Ref, forward.Answer
			n.Confirmed = slices.Contains(forward.Answer.Addrs(), ip)
		})
	}
	wg.Wait()
	return r
}

// reverseName gives the name below in-addr.arpa or ip6.arpa.
func reverseName(ip netip.Addr) string {
	var labels []string
	if ip = ip.Unmap(); ip.Is4() {
		for _, b := range ip.As4() {
			labels = append(labels, strconv.Itoa(int(b)))
		}
		slices.Reverse(labels)
		return strings.Join(labels, ".") + ".in-addr.arpa"
	}
	for _, b := range ip.As16() {
		labels = append(labels, strconv.FormatUint(uint64(b>>4), 16), strconv.FormatUint(uint64(b&15), 16))
	}
	slices.Reverse(labels)
	return strings.Join(labels, ".") + ".ip6.arpa"
}
