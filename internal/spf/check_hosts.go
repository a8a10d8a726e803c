package spf

import (
	"net/netip"
	"slices"
	"strings"
)

// addressType gives the type that is asked for a client's family.
func (e *evaluation) addressType() string {
	if e.facts.ip.Is4() {
		return "A"
	}
	return "AAAA"
}

// find asks a question of a term. Without records it says so, and stops the
// evaluation where that was one time too many.
func (e *evaluation) find(name, rrtype, at string) (a Ask, found bool, stop *verdict) {
	a = ask(e.ctx, e.src, name, rrtype)
	e.trace(at, name, "", rrtype, a.Ref)
	if !a.Usable() {
		return a, false, temporary(a)
	}
	if a.Void(rrtype) {
		return a, false, e.void()
	}
	return a, true, nil
}

// near reports whether the client is in the network of that length around one of
// the addresses.
func (e *evaluation) near(a Ask, t *Term) bool {
	bits := t.Bits4
	if e.facts.ip.Is6() {
		bits = t.Bits6
	}
	for _, addr := range a.Answer.Addrs() {
		if addr.BitLen() != e.facts.ip.BitLen() {
			continue
		}
		if netip.PrefixFrom(addr, bits).Masked().Contains(e.facts.ip) {
			return true
		}
	}
	return false
}

// address evaluates the a mechanism (RFC 7208 section 5.3).
func (e *evaluation) address(target string, t *Term, at string) (bool, *verdict) {
	if !queryable(target) {
		return false, nil
	}
	a, found, stop := e.find(presentation(target), e.addressType(), at)
	if !found {
		return false, stop
	}
	return e.near(a, t), nil
}

// mx evaluates the mx mechanism (section 5.4).
func (e *evaluation) mx(target string, t *Term, at string) (bool, *verdict) {
	if !queryable(target) {
		return false, nil
	}
	a, found, stop := e.find(presentation(target), "MX", at)
	if !found {
		return false, stop
	}
	hosts := mailHosts(a.Answer)
	if len(hosts) > MaxMX {
		return false, permanent(CodeMXLimit, "%s has %d mail hosts, more than %d", target, len(hosts), MaxMX)
	}
	for _, h := range hosts {
		if !queryable(h.Host) {
			continue
		}
		a := ask(e.ctx, e.src, h.Host, e.addressType())
		e.trace(at, h.Host, "", e.addressType(), a.Ref)
		if !a.Usable() {
			return false, temporary(a)
		}
		if e.near(a, t) {
			return true, nil
		}
		if e.CountHosts && a.Void(e.addressType()) {
			if stop := e.void(); stop != nil {
				return false, stop
			}
		}
	}
	return false, nil
}

// exists evaluates the exists mechanism, which asks for A whatever the client's
// family (section 5.7).
func (e *evaluation) exists(target, at string) (bool, *verdict) {
	if !queryable(target) {
		return false, nil
	}
	_, found, stop := e.find(presentation(target), "A", at)
	return found, stop
}

// ptr evaluates the ptr mechanism (section 5.5): it matches where a validated
// name of the client is the target or lies below it.
func (e *evaluation) ptr(target string) (bool, *verdict) {
	names, stop := e.clientNames(true)
	for _, n := range names {
		if within(n, target) {
			return true, nil
		}
	}
	return false, stop
}

// validated gives the name for the p macro: the domain itself, else a name below
// it, else any (section 7.3).
func (e *evaluation) validated(domain string) string {
	names, _ := e.clientNames(false)
	best := "unknown"
	for _, n := range names {
		switch {
		case n == domain:
			return n
		case within(n, domain):
			if !within(best, domain) {
				best = n
			}
		case best == "unknown":
			best = n
		}
	}
	return best
}

// clientNames asks for the names of the client and keeps those that lead back to
// its address. A failure of the client's DNS is not the domain's: it means no
// name (section 5.5).
func (e *evaluation) clientNames(count bool) ([]string, *verdict) {
	if e.asked {
		return e.names, nil
	}
	e.asked = true
	ptr := ask(e.ctx, e.src, reverse(e.facts.ip), "PTR")
	if !ptr.Usable() {
		return nil, nil
	}
	if ptr.Void("PTR") {
		if count {
			return nil, e.void()
		}
		return nil, nil
	}
	names := ptr.Answer.Targets("PTR")
	for _, n := range names[:min(len(names), MaxPTR)] {
		if !queryable(n) {
			continue
		}
		a := ask(e.ctx, e.src, n, e.addressType())
		if !a.Usable() {
			continue
		}
		if slices.Contains(a.Answer.Addrs(), e.facts.ip) {
			e.names = append(e.names, n)
		}
	}
	return e.names, nil
}

// reverse gives the name under which the PTR records of an address stand.
func reverse(ip netip.Addr) string {
	name := Part{Reverse: true}.transform(dotted(ip))
	if ip.Is4() {
		return name + ".in-addr.arpa"
	}
	return name + ".ip6.arpa"
}

// within reports whether a name is domain or lies below it.
func within(name, domain string) bool {
	return name == domain || strings.HasSuffix(name, "."+domain)
}

// explanation gives the text for a fail, or "" (section 6.2). It costs nothing:
// its lookups do not count.
func (e *evaluation) explanation(r *Record, domain string) string {
	i := r.Exp()
	if i < 0 {
		return ""
	}
	f := e.facts
	f.domain = domain
	f.ptr = func() string { return e.validated(domain) }
	target := hostname(r.Terms[i].Spec.expand(f))
	if !queryable(target) {
		return ""
	}
	txt := ask(e.ctx, e.src, presentation(target), "TXT")
	texts := txt.Answer.TXT()
	if !txt.Usable() || len(texts) != 1 {
		return ""
	}
	var l lexer
	spec := l.explanation(texts[0])
	if len(l.problems) > 0 {
		return ""
	}
	return spec.expand(f)
}
