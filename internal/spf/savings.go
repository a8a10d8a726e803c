package spf

import (
	"cmp"
	"math/big"
	"net/netip"
	"slices"
)

// A Saving is what removing one term would bring and cost.
type Saving struct {
	Node  *Node
	Step  *Step
	Frees int      // lookups
	Void4 int      // proven void lookups of IPv4 clients
	Void6 int      // and of IPv6 clients
	Lost4 *big.Int // IPv4 addresses that pass now and no longer would
	Lost6 *big.Int
	Open  bool // it may let addresses pass that cannot be known (ptr, exists, macros), or its lookup failed
}

// Loses reports whether some address that passes now no longer would, or may not.
func (s Saving) Loses() bool { return s.Open || s.Lost4.Sign() > 0 || s.Lost6.Sign() > 0 }

// maxSavings bounds the terms that are ranked.
const maxSavings = 40

// Savings ranks the terms of the records that the domain can change, its own and
// those it redirects to, by how cheaply they free lookups: first those that let
// nobody pass, then by lookups freed, then by the fewest addresses lost.
// Redirects themselves are not listed: removing one changes who decides. Of a
// record with very many terms only the first are ranked.
func (t *Tree) Savings() []Saving {
	var out []Saving
	for n, s := range t.Steps() {
		if n.Included() || s.Cost == 0 || s.Term.Kind == KindRedirect {
			continue
		}
		saving := Saving{Node: n, Step: s, Frees: s.Subtree, Open: t.open(s)}
		saving.Void4, saving.Void6 = s.voids()
		saving.Lost4 = t.Pass4.minus(t.Root.passing(v4, everything(v4), s)).Size()
		saving.Lost6 = t.Pass6.minus(t.Root.passing(v6, everything(v6), s)).Size()
		if out = append(out, saving); len(out) == maxSavings {
			break
		}
	}
	slices.SortStableFunc(out, func(a, b Saving) int {
		lost := func(s Saving) int {
			if s.Loses() {
				return 1
			}
			return 0
		}
		return cmp.Or(lost(a)-lost(b), b.Frees-a.Frees, a.Lost4.Cmp(b.Lost4), a.Lost6.Cmp(b.Lost6))
	})
	return out
}

// open reports whether a term, or one below it, matches clients that cannot be
// known.
func (t *Tree) open(s *Step) bool {
	unknown := func(at string) bool {
		return at == s.At || len(at) > len(s.At) && at[:len(s.At)] == s.At && at[len(s.At)] == '.'
	}
	return slices.ContainsFunc(t.Open, func(o Opening) bool { return unknown(o.Step.At) }) ||
		slices.ContainsFunc(t.TempErrors, func(f Failure) bool { return unknown(f.At) })
}

// voids gives the proven void lookups of a term and of all below it.
func (s *Step) voids() (four, six int) {
	count := func(s *Step) {
		if s.Runs4 {
			four += s.Void4.Proven
		}
		if s.Runs6 {
			six += s.Void6.Proven
		}
	}
	count(s)
	if s.Child != nil {
		s.Child.steps(func(_ *Node, s *Step) bool {
			count(s)
			return true
		})
	}
	return four, six
}

// A Cover is a network that another one holds already.
type Cover struct {
	Network Authorised
	By      Authorised
}

// Covered gives the passing networks that lie within a passing network of
// another term, each once, with the widest that holds them: all of them could be
// left out. Of two equal ones the later is covered.
func (t *Tree) Covered() []Cover {
	var pass []Authorised
	for _, a := range t.Networks {
		if a.Qualifier == Pass && a.Step.Term.Kind != KindAll {
			pass = append(pass, a)
		}
	}
	// Widest first; a stable sort keeps the order of evaluation.
	sorted := slices.Clone(pass)
	slices.SortStableFunc(sorted, func(a, b Authorised) int { return a.Prefix.Bits() - b.Prefix.Bits() })
	type named struct {
		step *Step
		net  netip.Prefix
	}
	first := map[netip.Prefix]Authorised{}
	covered := map[named]Authorised{}
	for _, a := range sorted {
		for bits := range a.Prefix.Bits() + 1 {
			wider, _ := a.Prefix.Addr().Prefix(bits)
			if by, ok := first[wider]; ok && by.Step != a.Step {
				covered[named{a.Step, a.Prefix}] = by
				break
			}
		}
		if _, ok := first[a.Prefix]; !ok {
			first[a.Prefix] = a
		}
	}
	var out []Cover
	for _, a := range pass {
		key := named{a.Step, a.Prefix}
		if by, ok := covered[key]; ok {
			out = append(out, Cover{a, by})
			delete(covered, key)
		}
	}
	return out
}
