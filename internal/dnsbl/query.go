package dnsbl

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// AddressName gives the name to ask for: the octets of an IPv4 address (RFC 5782
// section 2.1) or the 32 nibbles of an IPv6 address (section 2.4) in reverse, then
// the zone. An IPv4-mapped IPv6 address counts as IPv6: section 5 has a test
// entry of that form.
func AddressName(ip netip.Addr, zone string) string {
	var b strings.Builder
	if ip.Is4() {
		a := ip.As4()
		fmt.Fprintf(&b, "%d.%d.%d.%d.", a[3], a[2], a[1], a[0])
	} else {
		a := ip.As16()
		for i := len(a) - 1; i >= 0; i-- {
			fmt.Fprintf(&b, "%x.%x.", a[i]&15, a[i]>>4)
		}
	}
	return b.String() + zone
}

// Health says whether a list can be believed, for one address family or for
// domain names.
type Health struct {
	List *List
	IPv6 bool
	// Reading holds Clean where the list works; Refused, Broken, NoAnswer or
	// Unsupported where it is not used, and why.
	Reading
	// Absent: no test entry is listed, but nothing else is wrong. So looks a list
	// that has moved away or never had such entries, and every list where its
	// zone cannot be reached.
	Absent bool
	Asked  []wire.Asked
}

// Works reports whether answers of the list count.
func (h Health) Works() bool { return h.State == Clean }

// Test asks the list for entries that must be there and for entries that must
// not (RFC 5782 section 5), and for a random label, which only a wildcard can
// answer. Six asks for the IPv6 entries of a list of addresses.
func Test(ctx context.Context, src wire.Source, seed string, l *List, six bool) Health {
	h := Health{List: l, IPv6: six}
	if l.Kind == KindDomain && six || l.Kind == KindIP && !l.has(six) {
		h.State, h.Why = Unsupported, "it has no such entries"
		return h
	}
	var names []string
	positive := len(l.Positive)
	switch {
	case six:
		positive = 1
		names = []string{AddressName(netip.MustParseAddr("::ffff:7f00:2"), l.Zone)}
		if l.Negative != "none" {
			names = append(names, AddressName(netip.MustParseAddr("::ffff:7f00:1"), l.Zone))
		}
	default:
		for _, p := range l.Positive {
			names = append(names, l.entry(p))
		}
		if l.Negative != "none" {
			names = append(names, l.entry(l.Negative))
		}
	}
	names = append(names, wire.Label(seed, "dnsbl", l.Zone)+"."+l.Zone)
	h.Asked = make([]wire.Asked, len(names))
	var wg together.Group
	for i, name := range names {
		wg.Go(func() { h.Asked[i] = wire.Ask(ctx, src, name, "A") })
	}
	wg.Wait()
	h.judge(positive)
	return h
}

func (l *List) entry(test string) string {
	if ip, err := netip.ParseAddr(test); err == nil && l.Kind == KindIP {
		return AddressName(ip, l.Zone)
	}
	return test + "." + l.Zone
}

// judge reads the answers, of which the first few must mean listed and the rest
// must not.
func (h *Health) judge(positive int) {
	listed, silent, clean := false, "", false
	for i, a := range h.Asked {
		r := h.List.Read(a.Answer)
		switch {
		case r.State == Refused, r.State == Broken:
			h.Reading = r
			return
		case i < positive && len(r.Hits) > 0:
			listed = true
		case r.State == NoAnswer:
			silent = a.Name + ": " + r.Why
		case i >= positive && len(r.Hits) > 0:
			h.State, h.Why = Broken, "it lists everything: it has "+r.Hits[0].Answer.String()+" for "+a.Name+", which must not be listed"
			return
		case i >= positive:
			clean = true
		}
	}
	switch {
	case listed && clean:
		h.State = Clean
	case silent != "":
		h.State, h.Why = NoAnswer, silent
	default:
		h.State, h.Absent = Broken, true
		h.Why = "its test entry " + h.Asked[0].Name + " is not listed"
	}
}

// A Result is what one list says about one address or domain name.
type Result struct {
	List    *List
	Subject string
	Reading
	Health  Health
	A       wire.Asked // its Ref is "" where nothing was asked
	TXT     wire.Asked // asked only where something was found
	Reasons []string   // the texts of TXT
}

// Refs gives the questions behind the result.
func (r Result) Refs() []wire.Ref {
	var out []wire.Ref
	for _, a := range []wire.Asked{r.A, r.TXT} {
		if a.Ref != "" {
			out = append(out, a.Ref)
		}
	}
	if len(out) == 0 {
		for _, a := range r.Health.Asked {
			out = append(out, a.Ref)
		}
	}
	return out
}

// Address asks the tested list about an address; h must be the test for the
// address's family. A list that failed its test is not asked: the result says why.
func Address(ctx context.Context, src wire.Source, h Health, ip netip.Addr) Result {
	ip = ip.Unmap().WithZone("")
	r := Result{List: h.List, Subject: ip.String(), Health: h}
	switch {
	case h.List.Kind != KindIP:
		r.State, r.Why = Unsupported, "it lists domain names, not addresses"
		return r
	case h.IPv6 != ip.Is6():
		r.State, r.Why = Unsupported, "it was tested for another address family"
		return r
	}
	return r.ask(ctx, src, AddressName(ip, h.List.Zone))
}

// Domain asks the tested list about a domain name, in A-labels. A list that failed
// its test is not asked.
func Domain(ctx context.Context, src wire.Source, h Health, name string) Result {
	name = canonical(name)
	r := Result{List: h.List, Subject: name, Health: h}
	switch {
	case h.List.Kind != KindDomain:
		r.State, r.Why = Unsupported, "it lists addresses, not domain names"
		return r
	case !validName(name) || len(name)+1+len(h.List.Zone) > 253:
		r.State, r.Why = Unsupported, "the name cannot stand before its zone"
		return r
	}
	return r.ask(ctx, src, name+"."+h.List.Zone)
}

func (r Result) ask(ctx context.Context, src wire.Source, name string) Result {
	if !r.Health.Works() {
		r.Reading = r.Health.Reading
		return r
	}
	r.A = wire.Ask(ctx, src, name, "A")
	r.Reading = r.List.Read(r.A.Answer)
	if r.State == Listed {
		r.TXT = wire.Ask(ctx, src, name, "TXT")
		r.Reasons = reasons(r.TXT.Answer)
	}
	return r
}
