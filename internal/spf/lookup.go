package spf

import (
	"context"
	"fmt"
	"strings"

	"mxvet/internal/wire"
)

// Lookup asks for the record of a domain and for everything it refers to, and
// walks the tree as an evaluation would, without a message: terms from left to
// right, nothing behind all, redirect only where there is no all, each term
// counted every time it is evaluated (RFC 7208 section 4.6.4). The domain may be
// written in any case, with or without the final dot.
func Lookup(ctx context.Context, src wire.Source, domain string) *Tree {
	domain = strings.TrimSuffix(lower(domain), ".")
	return build(gather(ctx, src, domain))
}

// A walker builds the tree from the answers.
type walker struct {
	*harvest
	tree    *Tree
	lookups [2]int // IPv4 clients, IPv6 clients
	over    [2]*Failure
	voids   [2]Voids
	voided  [2]*Failure
	nodes   int
	steps   int
	nets    int
	path    []*Node
}

// Indexes of the families; a walk follows both at once.
const (
	v4 = iota
	v6
)

func build(h *harvest) *Tree {
	w := &walker{harvest: h, tree: &Tree{Domain: h.root, SPF99: h.spf99}}
	t := w.tree
	t.Root, _ = w.node(h.root, "", nil, -1, [2]bool{true, true})
	t.Lookups = max(w.lookups[v4], w.lookups[v6])
	t.Void4, t.Void6 = w.voids[v4], w.voids[v6]
	t.limits(w.over)
	t.limits(w.voided)
	t.Incomplete = len(t.TempErrors) > 0
	t.AtLeast = t.AtLeast || t.Incomplete || t.Cut
	t.Pass4, t.Pass6 = t.Root.passing(v4, everything(v4), nil), t.Root.passing(v6, everything(v6), nil)
	t.decide()
	t.measure()
	return t
}

// limits marks the failures of the two families that only one of them meets. A
// failure that both meet at the same term is listed once.
func (t *Tree) limits(found [2]*Failure) {
	four, six := found[v4], found[v6]
	keep := t.PermErrors[:0]
	for _, f := range t.PermErrors {
		if four != nil && six != nil && f.Code == four.Code && four.At == six.At {
			if f.Family == 6 {
				continue
			}
			f.Family = 0
		}
		keep = append(keep, f)
	}
	t.PermErrors = keep
}

// node evaluates the record at owner. alive says for which families of clients;
// the second result, for which of them the record lets every client pass.
func (w *walker) node(owner, at string, parent *Node, via int, alive [2]bool) (*Node, [2]bool) {
	n := &Node{Owner: owner, At: at, Parent: parent, Via: via}
	if parent != nil {
		n.Depth = parent.Depth + 1
	}
	w.nodes++
	for i, p := range w.path {
		if p.Owner == owner {
			for _, q := range w.path[i:] {
				n.Loop = append(n.Loop, q.Owner)
			}
			n.Loop = append(n.Loop, owner)
			w.tree.AtLeast = true
			w.perm(parent, via, CodeLoop, alive, "", "the record refers to itself: "+strings.Join(n.Loop, " -> "))
			return n, [2]bool{}
		}
	}
	s := w.sites[owner]
	if s == nil || w.nodes > maxNodes {
		w.tree.Cut = true
		return n, [2]bool{}
	}
	n.TXT, n.Records, n.Near, n.Record = s.txt, s.records, s.near, s.record()
	switch {
	case n.TXT.Ref == "": // not asked: the domain is malformed
	case !n.TXT.Usable():
		w.temp(n, -1, n.TXT, "the record of "+owner)
	case len(n.Records) > 1:
		w.perm(n, -1, CodeMultiple, alive, n.TXT.Ref, fmt.Sprintf("%s has %d SPF records", owner, len(n.Records)))
	case n.Record == nil && parent != nil:
		what := "no SPF record"
		if n.TXT.Answer.NXDomain() {
			what = "no SPF record: the name does not exist"
		}
		w.perm(n, -1, CodeNoRecord, alive, n.TXT.Ref, owner+" has "+what)
	case n.Record != nil && n.Record.Fatal():
		w.perm(n, -1, CodeSyntax, alive, n.TXT.Ref, "the record of "+owner+" has a syntax error")
	}
	if n.Record == nil {
		return n, [2]bool{}
	}
	w.path = append(w.path, n)
	defer func() { w.path = w.path[:len(w.path)-1] }()
	if !n.Included() {
		w.explain(n)
	}
	return n, w.terms(n, alive)
}

// terms evaluates the terms of a record.
func (w *walker) terms(n *Node, alive [2]bool) (passes [2]bool) {
	r := n.Record
	n.Steps = make([]Step, len(r.Terms))
	for i := range n.Steps {
		n.Steps[i].Term = &r.Terms[i]
		n.Steps[i].At = join(n.At, i)
	}
	if !r.Whole() {
		w.tree.Cut = true
	}
	sure := [2]bool{true, true} // no term so far can have given anything but pass
	for _, i := range r.Order() {
		s := &n.Steps[i]
		if w.steps++; w.steps > maxSteps {
			w.tree.Cut = true
			return passes
		}
		s.Runs4, s.Runs6 = alive[v4], alive[v6]
		if !s.Runs() {
			continue
		}
		before := w.lookups
		matches := w.term(n, i, alive)
		s.Running = max(w.lookups[v4], w.lookups[v6])
		s.Subtree = max(w.lookups[v4]-before[v4], w.lookups[v6]-before[v6])
		for f := range 2 {
			switch {
			case !alive[f]:
			case s.Term.Kind == KindRedirect:
				passes[f] = sure[f] && matches[f]
			case matches[f]:
				alive[f] = false
				passes[f] = sure[f] && s.Term.Qualifier == Pass
			case s.Term.Qualifier != Pass && s.canMatch(f):
				sure[f] = false
			}
		}
	}
	return passes
}

// canMatch reports whether a term can match some client of a family.
func (s *Step) canMatch(family int) bool {
	switch s.Term.Kind {
	case KindIP4:
		return family == v4
	case KindIP6:
		return family == v6
	}
	return !s.Dead
}

// term evaluates one term and says for which families it matches every client;
// for redirect, lets every client pass.
func (w *walker) term(n *Node, i int, alive [2]bool) (matches [2]bool) {
	s := &n.Steps[i]
	t := s.Term
	if t.Spec != nil && t.Spec.Macros("p") {
		w.tree.MacroP++
	}
	if t.Kind.Asks() {
		s.Cost = 1
		w.count(n, i, alive)
		if target, ok := t.target(n.Owner, w.root); ok {
			s.Target = target
		} else {
			s.Dynamic = true
		}
	}
	switch t.Kind {
	case KindAll:
		w.authorise(n, s, alive)
		return alive
	case KindIP4, KindIP6:
		s.Nets = append(s.Nets, t.Prefix.Masked())
	case KindInclude, KindRedirect:
		return w.refer(n, i, alive)
	case KindA, KindMX, KindExists, KindPTR:
		w.hostTerm(n, i, alive)
	}
	if w.nets += len(s.Nets); w.nets > maxNets {
		w.tree.Cut = true
		s.Nets = nil
	}
	s.sets = [2]Set{setOf(s.Nets, v4), setOf(s.Nets, v6)}
	w.authorise(n, s, alive)
	for _, p := range s.Nets {
		if f := family(p); p.Bits() == 0 && alive[f] {
			matches[f] = true
		}
	}
	return matches
}

// refer follows include or redirect.
func (w *walker) refer(n *Node, i int, alive [2]bool) (passes [2]bool) {
	s := &n.Steps[i]
	switch {
	case s.Dynamic:
		w.tree.AtLeast = true
		w.open(n, s)
	case !wellFormed(s.Target):
		w.perm(n, i, CodeBadTarget, alive, "", fmt.Sprintf("%q is no domain name that can hold a record", s.Target))
	case n.Depth >= maxDepth:
		w.tree.Cut = true
	default:
		s.Child, passes = w.node(s.Target, s.At, n, i, alive)
	}
	return passes
}

// count counts one lookup.
func (w *walker) count(n *Node, i int, alive [2]bool) {
	for f := range 2 {
		if !alive[f] {
			continue
		}
		if w.lookups[f]++; w.lookups[f] > MaxLookups && w.over[f] == nil {
			w.over[f] = w.perm(n, i, CodeLookups, [2]bool{f == v4, f == v6}, "", "this term is the eleventh that causes a lookup")
		}
	}
}

// void counts lookups without an answer.
func (w *walker) void(n *Node, i int, alive [2]bool) {
	s := &n.Steps[i]
	for f, v := range [2]Voids{s.Void4, s.Void6} {
		if !alive[f] {
			continue
		}
		if w.voids[f].add(v); w.voids[f].Proven > MaxVoid && w.voided[f] == nil {
			w.voided[f] = w.perm(n, i, CodeVoid, [2]bool{f == v4, f == v6}, "", "this term causes the third lookup that finds nothing")
		}
	}
}

// perm notes a reason for permerror that clients of the families alive meet.
func (w *walker) perm(n *Node, step int, code Code, alive [2]bool, ref wire.Ref, text string) *Failure {
	f := failure(n, step, code, ref, text)
	switch {
	case !alive[v6]:
		f.Family = 4
	case !alive[v4]:
		f.Family = 6
	}
	w.tree.PermErrors = append(w.tree.PermErrors, f)
	return &f
}

func (w *walker) temp(n *Node, step int, a Ask, what string) {
	f := failure(n, step, CodeUnreachable, a.Ref, what+" could not be looked up")
	f.Fail = a.fail()
	w.tree.TempErrors = append(w.tree.TempErrors, f)
}

func failure(n *Node, step int, code Code, ref wire.Ref, text string) Failure {
	at := n.At
	if step >= 0 {
		at = join(n.At, step)
	}
	return Failure{Code: code, At: at, Path: n.Path(), Node: n, Step: step, Text: text, Ref: ref}
}

func join(at string, i int) string {
	if at == "" {
		return fmt.Sprint(i)
	}
	return fmt.Sprintf("%s.%d", at, i)
}
