package spf

import (
	"math/big"
	"net/netip"
	"slices"
)

// A Set is a set of addresses of one family: spans in ascending order that
// neither overlap nor touch.
type Set []Span

// A Span is the addresses from Lo to Hi, both included.
type Span struct{ Lo, Hi netip.Addr }

var (
	everything4 = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	everything6 = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
)

// everything gives the set of all addresses of a family.
func everything(family int) Set {
	if family == v4 {
		return Set{spanOf(everything4)}
	}
	return Set{spanOf(everything6)}
}

// spanOf gives the addresses of a network.
func spanOf(p netip.Prefix) Span {
	p = p.Masked()
	last := p.Addr().AsSlice()
	for i := p.Bits(); i < len(last)*8; i++ {
		last[i/8] |= 0x80 >> (i % 8)
	}
	hi, _ := netip.AddrFromSlice(last)
	return Span{p.Addr(), hi}
}

// setOf gives the union of the networks of one family.
func setOf(nets []netip.Prefix, f int) Set {
	var spans Set
	for _, p := range nets {
		if family(p) == f {
			spans = append(spans, spanOf(p))
		}
	}
	return normal(spans)
}

// normal sorts spans and joins those that overlap or touch.
func normal(spans Set) Set {
	slices.SortFunc(spans, func(a, b Span) int { return a.Lo.Compare(b.Lo) })
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 {
			last := &out[n-1]
			// Next is the zero Addr behind the last address of all.
			if next := last.Hi.Next(); !next.IsValid() || s.Lo.Compare(next) <= 0 {
				if last.Hi.Less(s.Hi) {
					last.Hi = s.Hi
				}
				continue
			}
		}
		out = append(out, s)
	}
	return out
}

// union gives the addresses in s or in t.
func (s Set) union(t Set) Set { return normal(append(slices.Clone(s), t...)) }

// intersect gives the addresses in s and in t.
func (s Set) intersect(t Set) Set {
	var out Set
	for i, j := 0, 0; i < len(s) && j < len(t); {
		lo, hi := s[i].Lo, s[i].Hi
		if lo.Less(t[j].Lo) {
			lo = t[j].Lo
		}
		if t[j].Hi.Less(hi) {
			hi = t[j].Hi
		}
		if !hi.Less(lo) {
			out = append(out, Span{lo, hi})
		}
		if s[i].Hi.Less(t[j].Hi) {
			i++
		} else {
			j++
		}
	}
	return out
}

// minus gives the addresses in s that are not in t.
func (s Set) minus(t Set) Set {
	var out Set
	j := 0
	for _, span := range s {
		lo, done := span.Lo, false
		for j < len(t) && t[j].Hi.Less(lo) {
			j++
		}
		for k := j; k < len(t) && !span.Hi.Less(t[k].Lo); k++ {
			if lo.Less(t[k].Lo) {
				out = append(out, Span{lo, t[k].Lo.Prev()})
			}
			lo = t[k].Hi.Next()
			if !lo.IsValid() || span.Hi.Less(lo) {
				done = true
				break
			}
		}
		if !done {
			out = append(out, Span{lo, span.Hi})
		}
	}
	return out
}

// Contains reports whether an address is in the set.
func (s Set) Contains(a netip.Addr) bool {
	a = a.Unmap()
	return slices.ContainsFunc(s, func(p Span) bool {
		return p.Lo.BitLen() == a.BitLen() && !a.Less(p.Lo) && !p.Hi.Less(a)
	})
}

// All reports whether the set holds every address of its family.
func (s Set) All() bool {
	return len(s) == 1 && !s[0].Lo.Prev().IsValid() && !s[0].Hi.Next().IsValid()
}

// Size gives the number of addresses.
func (s Set) Size() *big.Int {
	sum := new(big.Int)
	for _, p := range s {
		lo := new(big.Int).SetBytes(p.Lo.AsSlice())
		hi := new(big.Int).SetBytes(p.Hi.AsSlice())
		sum.Add(sum, hi.Sub(hi, lo).Add(hi, big.NewInt(1)))
	}
	return sum
}

// Prefixes gives the set as the fewest networks, in ascending order.
func (s Set) Prefixes() []netip.Prefix {
	var out []netip.Prefix
	for _, span := range s {
		for lo := span.Lo; lo.IsValid() && !span.Hi.Less(lo); {
			// The largest network that starts at lo and ends within the span.
			bits := lo.BitLen()
			for bits > 0 {
				p := netip.PrefixFrom(lo, bits-1)
				if p.Masked().Addr() != lo || span.Hi.Less(spanOf(p).Hi) {
					break
				}
				bits--
			}
			p := netip.PrefixFrom(lo, bits)
			out = append(out, p)
			lo = spanOf(p).Hi.Next()
		}
	}
	return out
}
