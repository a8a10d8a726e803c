package dnsbl

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"

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
// answer. A list that was tested before costs nothing: the Source remembers.
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
	var wg sync.WaitGroup
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

// Address asks a list of addresses about one. A list that fails its test is not
// asked: the result says why.
func Address(ctx context.Context, src wire.Source, seed string, l *List, ip netip.Addr) Result {
	ip = ip.Unmap().WithZone("")
	r := Result{List: l, Subject: ip.String()}
	if l.Kind != KindIP {
		r.State, r.Why = Unsupported, "it lists domain names, not addresses"
		return r
	}
	return r.ask(ctx, src, Test(ctx, src, seed, l, ip.Is6()), AddressName(ip, l.Zone))
}

// Domain asks a list of domain names about one, in A-labels. A list that fails
// its test is not asked.
func Domain(ctx context.Context, src wire.Source, seed string, l *List, name string) Result {
	name = canonical(name)
	r := Result{List: l, Subject: name}
	switch {
	case l.Kind != KindDomain:
		r.State, r.Why = Unsupported, "it lists addresses, not domain names"
	case !validName(name) || len(name)+1+len(l.Zone) > 253:
		r.State, r.Why = Unsupported, "the name cannot stand before its zone"
	default:
		return r.ask(ctx, src, Test(ctx, src, seed, l, false), name+"."+l.Zone)
	}
	return r
}

func (r Result) ask(ctx context.Context, src wire.Source, h Health, name string) Result {
	r.Health = h
	if !h.Works() {
		r.Reading = h.Reading
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
