package spf

import (
	"iter"
	"net/netip"
	"slices"

	"mxvet/internal/wire"
)

// A Tree is what one record can do to any client: the record of a domain and
// everything it refers to, without a message. Counts are those of the worst
// path: a client that no term matches, except terms that match everybody.
type Tree struct {
	Domain string
	Root   *Node
	SPF99  Ask // the question for the withdrawn type SPF, 99 (RFC 7208 section 3.1)

	// Lookups counts the terms that cause lookups, each time they are
	// evaluated; at most ten are allowed (section 4.6.4). It is the larger of
	// the two families, which differ only where a term matches all clients of
	// one family.
	Lookups int
	// AtLeast says that Lookups is a lower bound because a target of include or
	// redirect depends on the message, or the walk was cut off, or a name could
	// not be looked up, or there is a loop.
	AtLeast bool
	// MacroP counts evaluated terms with the p macro: some receivers count the
	// PTR lookup behind it too.
	MacroP int
	Void4  Voids // lookups without an answer, for IPv4 clients
	Void6  Voids // and for IPv6 clients

	// PermErrors are the proven reasons for permerror on the worst path, in the
	// order of evaluation. A receiver stops at the first; the counts go on, as if
	// each had been mended.
	PermErrors []Failure
	// TempErrors are the names that could not be looked up.
	TempErrors []Failure
	Incomplete bool // TempErrors is not empty: counts and networks are lower bounds
	Cut        bool // a bound of the walk was reached: the tree is far too large

	// Networks are the networks named by terms that can have an effect, in the
	// order of evaluation.
	Networks []Authorised
	// Pass4 and Pass6 are exactly the addresses that pass, as far as Networks
	// tells; Open terms may let further addresses pass or exclude some.
	Pass4, Pass6 Set
	// Open are the evaluated terms whose addresses cannot be known without a
	// message: ptr, and targets with macros.
	Open []Opening

	// Decides is the record whose end decides what happens to clients that no
	// term matches: that of the domain, or where its redirects lead. Nil where
	// that cannot be told: its target is not known, or its rest was not read.
	Decides *Node
	// Ends is how that record ends: "-all", "~all", "?all", "+all", "none" where
	// there is neither all nor redirect, "" where Decides is nil.
	Ends string
	// Millis is the time that all distinct lookups of the tree took, one after
	// the other, in milliseconds; a careful receiver gives up at 20 seconds.
	Millis int
}

// Voids counts lookups that find nothing; at most two are allowed (RFC 7208
// section 4.6.4).
type Voids struct {
	Proven   int // by the question that the term itself asks
	Hosts    int // hosts of mx terms without an address: only some receivers count these
	Possible int // terms that may find nothing, depending on the message: ptr, exists, macros
}

func (v *Voids) add(w Voids) {
	v.Proven += w.Proven
	v.Hosts += w.Hosts
	v.Possible += w.Possible
}

// A Node is one evaluation of one domain's record. A record that is evaluated
// twice has two nodes.
type Node struct {
	Owner   string
	At      string // position in the tree: "" for the root, else the indexes of the terms that lead here: "2.0"
	Depth   int
	Parent  *Node // nil for the root
	Via     int   // index of the term in the parent's record; -1 for the root
	TXT     Ask   // the question for the record; its Ref is "" where none was asked
	Records []Record
	Near    []NearMiss // texts that resemble a record
	Record  *Record    // the record; nil unless there is exactly one
	Steps   []Step     // one for each term of Record, same index
	Exp     *Exp       // the explanation, where this record may decide
	Loop    []string   // not empty: this domain is under evaluation already; the owners from there to here
}

// Included reports whether the node is, or hangs below, an include: its end has
// no effect of its own.
func (n *Node) Included() bool {
	for ; n.Parent != nil; n = n.Parent {
		if n.Parent.Record.Terms[n.Via].Kind == KindInclude {
			return true
		}
	}
	return false
}

// Path gives the owners from the root to the node.
func (n *Node) Path() []string {
	var path []string
	for ; n != nil; n = n.Parent {
		path = append(path, n.Owner)
	}
	slices.Reverse(path)
	return path
}

// A Step is what evaluating one term does.
type Step struct {
	Term    *Term
	At      string // position in the tree, as in Node
	Runs4   bool   // evaluated for IPv4 clients on the worst path
	Runs6   bool
	Cost    int    // 1 where the term counts as a lookup
	Subtree int    // lookups of the term and of all below it
	Running int    // lookups made once the term, and all below it, is done
	Target  string // what it points at, lower case; "" where there is none or it is Dynamic
	Dynamic bool   // the target depends on the message

	Child   *Node // include and redirect
	MX      *Ask  // mx
	A       *Ask  // a and exists
	AAAA    *Ask  // a
	Hosts   []Host
	TooMany int // number of MX hosts where that is over the limit
	Void4   Voids
	Void6   Voids
	Nets    []netip.Prefix // what the term matches: ip4, ip6, a, mx; an exists that is the same for all names everything
	Dead    bool           // a, mx or exists that is proven to find no address: it never matches
	sets    [2]Set         // Nets by family
}

// Runs reports whether the term is evaluated at all.
func (s *Step) Runs() bool { return s.Runs4 || s.Runs6 }

// A Host is one host behind an mx term.
type Host struct {
	Name string
	Pref uint16
	A    Ask
	AAAA Ask
}

// An Exp is the explanation that exp points at (RFC 7208 section 6.2).
type Exp struct {
	Target  string
	Dynamic bool // the target depends on the message: nothing was asked
	TXT     Ask
	Text    string
	// Problems are the reasons for which receivers ignore the explanation; their
	// positions are those of Text.
	Problems []Problem
}

// A Failure is one reason for permerror or temperror in the tree.
type Failure struct {
	Code   Code
	At     string    // position in the tree
	Path   []string  // owners from the root to the record concerned
	Node   *Node     // the record concerned
	Step   int       // index of the term in the node's record, -1 for the record as a whole
	Family int       // 4 or 6 where only such clients meet it; 0 for all
	Text   string    // in words
	Ref    wire.Ref  // the question that shows it, where there is one
	Fail   wire.Fail // TempErrors: why there was no answer
}

// An Authorised network is named by a term.
type Authorised struct {
	Prefix    netip.Prefix // masked
	Qualifier byte         // what a match gives in the end; 0 where it has no effect, as in an include that does not pass
	Node      *Node
	Step      *Step
}

// An Opening is a term that matches clients who cannot be known without a
// message.
type Opening struct {
	Qualifier byte // what a match gives in the end, as in Authorised
	Node      *Node
	Step      *Step
}

// Nodes gives the records of the tree in the order of evaluation.
func (t *Tree) Nodes() iter.Seq[*Node] {
	return func(yield func(*Node) bool) { t.Root.each(yield) }
}

func (n *Node) each(yield func(*Node) bool) bool {
	if !yield(n) {
		return false
	}
	for _, i := range n.order() {
		if c := n.Steps[i].Child; c != nil && !c.each(yield) {
			return false
		}
	}
	return true
}

// Steps gives the evaluated terms of the tree in the order of evaluation, each
// with its record.
func (t *Tree) Steps() iter.Seq2[*Node, *Step] {
	return func(yield func(*Node, *Step) bool) { t.Root.steps(yield) }
}

func (n *Node) steps(yield func(*Node, *Step) bool) bool {
	for _, i := range n.order() {
		s := &n.Steps[i]
		if !s.Runs() {
			continue
		}
		if !yield(n, s) || s.Child != nil && !s.Child.steps(yield) {
			return false
		}
	}
	return true
}

// order gives the indexes of the steps in the order of evaluation.
func (n *Node) order() []int {
	if len(n.Steps) == 0 {
		return nil
	}
	return n.Record.Order()
}

// Authorises reports whether the record lets some address pass, and whether that
// is known. Without a record it lets none.
func (t *Tree) Authorises() (some, known bool) {
	if len(t.Pass4) > 0 || len(t.Pass6) > 0 {
		return true, true
	}
	if t.Incomplete || t.Cut || len(t.Root.Records) > 1 {
		return false, false
	}
	for _, o := range t.Open {
		if o.Qualifier == Pass {
			return false, false
		}
	}
	return false, true
}
