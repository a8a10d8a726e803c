package report

import "mxvet/internal/spf"

// Bounds of the SPF tree in the model; the recording holds all of it.
const (
	maxSPFTerms = 400
	maxSPFDepth = 12
	maxSPFText  = 300 // bytes of a term
)

// spfTree describes the domain's SPF record and all that it refers to; nil
// where there is not exactly one record.
func spfTree(t *spf.Tree) *SPFTree {
	if t == nil || t.Root == nil || t.Root.Record == nil {
		return nil
	}
	problems := map[string]string{}
	for _, failures := range [][]spf.Failure{t.PermErrors, t.TempErrors} {
		for _, f := range failures {
			if problems[f.At] == "" {
				problems[f.At] = bound(f.Text, maxSPFText)
			}
		}
	}
	left := maxSPFTerms
	return &SPFTree{
		Domain: t.Domain, Record: bound(t.Root.Record.Text, maxSummary),
		Lookups: t.Lookups, Limit: spf.MaxLookups, AtLeast: t.AtLeast,
		Voids: max(t.Void4.Proven, t.Void6.Proven),
		Terms: spfTerms(t.Root, problems, &left, 0),
	}
}

func spfTerms(n *spf.Node, problems map[string]string, left *int, depth int) []SPFTerm {
	out := []SPFTerm{}
	for i := range n.Steps {
		if *left == 0 {
			return out
		}
		*left--
		s := &n.Steps[i]
		term := SPFTerm{
			Text: bound(s.Term.Text, maxSPFText), Lookups: s.Subtree, Problem: problems[s.At],
			Void: s.Void4.Proven > 0 || s.Void6.Proven > 0 && s.Dead,
		}
		switch {
		case term.Problem != "":
		case s.Dead:
			term.Problem = "finds no address, so it never matches"
		case s.Dynamic:
			term.Problem = "depends on the message, cannot be followed"
		}
		if s.Child != nil && s.Child.Record != nil && depth < maxSPFDepth {
			term.Record = bound(s.Child.Record.Text, maxSummary)
			term.Terms = spfTerms(s.Child, problems, left, depth+1)
		}
		out = append(out, term)
	}
	return out
}
