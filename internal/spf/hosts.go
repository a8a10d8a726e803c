package spf

import (
	"fmt"
	"net/netip"

	"mxvet/internal/wire"
)

// family gives the index of a network's family.
func family(p netip.Prefix) int {
	if p.Addr().Is4() {
		return v4
	}
	return v6
}

// hostTerm evaluates a, mx, exists or ptr: what it finds, and what it does not.
func (w *walker) hostTerm(n *Node, i int, alive [2]bool) {
	s := &n.Steps[i]
	kind := s.Term.Kind
	defer w.void(n, i, alive)
	switch {
	case kind == KindPTR || s.Dynamic: // ptr asks for the client's names
		w.open(n, s)
		s.Void4.Possible, s.Void6.Possible = 1, 1
		return
	case !queryable(s.Target): // no question is asked for such a name
		s.Dead = true
		return
	}
	got := w.hosts[hostKey{kind, s.Target}]
	if got == nil {
		w.tree.Cut = true
		return
	}
	switch kind {
	case KindExists:
		s.A = &got.a
		switch {
		case !w.usable(n, i, got.a, alive):
		case got.a.Void("A"):
			s.Void4.Proven, s.Void6.Proven = 1, 1
			s.Dead = true
		default: // the same name for every message: it matches everybody
			s.Nets = []netip.Prefix{everything4, everything6}
		}
	case KindA:
		s.A, s.AAAA = &got.a, &got.aaaa
		w.addressTerm(n, i, alive)
	case KindMX:
		s.MX = &got.mx
		w.mxTerm(n, i, got, alive)
	}
}

// usable notes a question without a usable answer.
func (w *walker) usable(n *Node, i int, a Ask, alive [2]bool) bool {
	if a.Usable() {
		return true
	}
	if alive[v4] || alive[v6] {
		w.temp(n, i, a, string(a.Ref))
	}
	return false
}

// addressTerm evaluates a: A for IPv4 clients, AAAA for IPv6 clients.
func (w *walker) addressTerm(n *Node, i int, alive [2]bool) {
	s := &n.Steps[i]
	ok4 := w.usable(n, i, *s.A, [2]bool{alive[v4], false})
	ok6 := w.usable(n, i, *s.AAAA, [2]bool{false, alive[v6]})
	if s.A.Void("A") {
		s.Void4.Proven = 1
	}
	if s.AAAA.Void("AAAA") {
		s.Void6.Proven = 1
	}
	s.networks(s.A.Answer, s.AAAA.Answer)
	s.Dead = ok4 && ok6 && len(s.Nets) == 0
}

// mxTerm evaluates mx. A name without MX records does not fall back to its
// addresses (RFC 7208 section 5.4).
func (w *walker) mxTerm(n *Node, i int, got *hostAnswers, alive [2]bool) {
	s := &n.Steps[i]
	if !w.usable(n, i, got.mx, alive) {
		return
	}
	if got.mx.Void("MX") {
		s.Void4.Proven, s.Void6.Proven = 1, 1
		s.Dead = true
		return
	}
	if all := len(mailHosts(got.mx.Answer)); all > MaxMX {
		s.TooMany = all
		w.perm(n, i, CodeMXLimit, alive, got.mx.Ref, fmt.Sprintf("%s has %d mail hosts, more than %d", s.Target, all, MaxMX))
	}
	s.Hosts = got.hosts
	sure := true
	for _, h := range s.Hosts {
		if h.A.Ref == "" {
			continue // a name that cannot be asked for
		}
		ok4 := w.usable(n, i, h.A, [2]bool{alive[v4], false})
		ok6 := w.usable(n, i, h.AAAA, [2]bool{false, alive[v6]})
		sure = sure && ok4 && ok6
		if h.A.Void("A") {
			s.Void4.Hosts++
		}
		if h.AAAA.Void("AAAA") {
			s.Void6.Hosts++
		}
		s.networks(h.A.Answer, h.AAAA.Answer)
	}
	s.Dead = sure && len(s.Nets) == 0
}

// networks adds the networks around the addresses in answers, by the prefix
// lengths of the term.
func (s *Step) networks(answers ...wire.Answer) {
	for _, a := range answers {
		for _, addr := range a.Addrs() {
			bits := s.Term.Bits6
			if addr.Is4() {
				bits = s.Term.Bits4
			}
			s.Nets = append(s.Nets, netip.PrefixFrom(addr, bits).Masked())
		}
	}
}

// open notes a term whose clients cannot be known.
func (w *walker) open(n *Node, s *Step) {
	o := Opening{Pass, n, s}
	if s.Term.Kind != KindRedirect {
		o.Qualifier = s.Term.Qualifier
	}
	o.Qualifier = n.effect(o.Qualifier)
	w.tree.Open = append(w.tree.Open, o)
}

// authorise lists the networks of a term.
func (w *walker) authorise(n *Node, s *Step, alive [2]bool) {
	effect := n.effect(s.Term.Qualifier)
	nets := s.Nets
	if s.Term.Kind == KindAll {
		nets = []netip.Prefix{everything4, everything6}
	}
	for _, p := range nets {
		if alive[family(p)] {
			w.tree.Networks = append(w.tree.Networks, Authorised{p, effect, n, s})
		}
	}
}

// effect gives what a match with that qualifier in the record of n means for the
// whole evaluation; 0 is nothing, because an include matches only on pass.
func (n *Node) effect(qualifier byte) byte {
	for ; n.Parent != nil; n = n.Parent {
		if via := n.Parent.Record.Terms[n.Via]; via.Kind == KindInclude {
			if qualifier != Pass {
				return 0
			}
			qualifier = via.Qualifier
		}
	}
	return qualifier
}

// passing gives which of the addresses left over by earlier terms get "pass"
// from the record of n, as if the term without did not exist.
func (n *Node) passing(f int, left Set, without *Step) Set {
	var pass Set
	for _, i := range n.order() {
		s := &n.Steps[i]
		if s == without || f == v4 && !s.Runs4 || f == v6 && !s.Runs6 {
			continue
		}
		var match Set
		switch {
		case s.Term.Kind == KindAll:
			match = left
		case s.Child == nil:
			match = left.intersect(s.sets[f])
		case s.Term.Kind == KindRedirect:
			return pass.union(s.Child.passing(f, left, without))
		default:
			match = s.Child.passing(f, left, without)
		}
		if s.Term.Qualifier == Pass {
			pass = pass.union(match)
		}
		left = left.minus(match)
	}
	return pass
}
