package spf

import (
	"slices"
	"strings"
	"unicode"

	"mxvet/internal/wire"
)

// decide finds the record whose end decides.
func (t *Tree) decide() {
	for n := t.Root; n.Record != nil && len(n.Loop) == 0; {
		if i := n.Record.All(); i >= 0 {
			t.Decides, t.Ends = n, string(n.Record.Terms[i].Qualifier)+"all"
			return
		}
		if !n.Record.Whole() { // all may stand in the rest
			return
		}
		i := n.Record.Redirect()
		if i < 0 {
			t.Decides, t.Ends = n, "none"
			return
		}
		if n = n.Steps[i].Child; n == nil {
			return
		}
	}
}

// measure adds up the time of all distinct lookups.
func (t *Tree) measure() {
	seen := map[wire.Ref]bool{}
	add := func(asks ...*Ask) {
		for _, a := range asks {
			if a != nil && a.Ref != "" && !seen[a.Ref] {
				seen[a.Ref] = true
				t.Millis += a.Answer.Millis
			}
		}
	}
	for n := range t.Nodes() {
		add(&n.TXT)
	}
	for _, s := range t.Steps() {
		add(s.MX, s.A, s.AAAA)
		for i := range s.Hosts {
			add(&s.Hosts[i].A, &s.Hosts[i].AAAA)
		}
	}
}

// explain reads the explanation of a record that may decide.
func (w *walker) explain(n *Node) {
	i := n.Record.Exp()
	if i < 0 {
		return
	}
	n.Exp = &Exp{}
	target, ok := n.Record.Terms[i].target(n.Owner, w.root)
	if !ok {
		n.Exp.Dynamic = true
		return
	}
	n.Exp.Target = target
	if a := w.exps[target]; a != nil {
		n.Exp.read(*a)
	}
}

// read takes the explanation from its answer (RFC 7208 section 6.2).
func (e *Exp) read(txt Ask) {
	e.TXT = txt
	if !txt.Usable() {
		return
	}
	var l lexer
	texts := txt.Answer.TXT()
	switch len(texts) {
	case 0:
		l.add(CodeExpMissing, 0, 0, "", "the explanation does not exist")
	case 1:
		e.Text = texts[0]
		l.explanation(e.Text)
	default:
		l.add(CodeExpMultiple, 0, 0, "", "there are %d texts instead of one", len(texts))
	}
	e.Problems = l.problems
}

// explanation reads the text that exp points at: macros and blanks, ASCII only.
func (l *lexer) explanation(text string) *Spec {
	if i := strings.IndexFunc(text, func(c rune) bool { return c > unicode.MaxASCII || c < ' ' || c == 0x7f }); i >= 0 {
		l.add(CodeExpASCII, i, i+1, "", "the explanation holds a character that is not printable ASCII")
	}
	return l.spec(text, 0, roleText)
}

// A Target is a name that the tree depends on.
type Target struct {
	Name string
	Node *Node // where it is named first
	Step *Step
}

// Targets gives the names that evaluated terms point at, and the hosts behind mx
// terms, each once, in the order of evaluation; the domain itself is left out.
// Whoever owns one of them can let mail pass.
func (t *Tree) Targets() []Target {
	var out []Target
	seen := []string{t.Domain, ""}
	add := func(name string, n *Node, s *Step) {
		if !slices.Contains(seen, name) {
			seen = append(seen, name)
			out = append(out, Target{name, n, s})
		}
	}
	for n, s := range t.Steps() {
		add(s.Target, n, s)
		for _, h := range s.Hosts {
			add(h.Name, n, s)
		}
	}
	return out
}
