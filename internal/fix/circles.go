package fix

import (
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/paste"
)

// A circle is aliases that lead back to one of them, so that no record can be found.
type circle struct {
	name string   // that was asked about
	path []string // from the first alias that comes again until it does
}

// circles gives those at the places where the domain's records are looked up.
func circles(e *gather.Evidence) []circle {
	var out []circle
	add := func(name string, chain []string) {
		names := append([]string{name}, chain...)
		i := slices.Index(names, names[len(names)-1])
		if i < len(names)-1 && !slices.ContainsFunc(out, func(c circle) bool { return c.name == name }) {
			out = append(out, circle{name, names[i:]})
		}
	}
	for _, h := range e.MX.Hosts {
		add(h.Name, h.A.Chain(h.Name))
	}
	if e.SPF.Root != nil {
		for n := range e.SPF.Nodes() {
			add(n.Owner, n.TXT.Answer.Chain(n.Owner))
		}
	}
	if own := e.DMARC.Own(); own != nil {
		add(own.Name, own.Chain)
	}
	add(e.MTASTS.TXT.Name, e.MTASTS.Chain)
	add(e.MTASTS.Host, e.MTASTS.HostChain)
	add(e.TLSRPT.TXT.Name, e.TLSRPT.Chain)
	for _, s := range e.DKIM.Selectors {
		add(s.Owner, s.Chain)
	}
	return out
}

// withCircles says in each fix which aliases lead in a circle at the names that it is
// about: whatever else it proposes, they were meant to lead somewhere.
func withCircles(e *gather.Evidence, fixes []Fix) []Fix {
	for _, c := range circles(e) {
		for i := range fixes {
			if f := &fixes[i]; f.about(c.name) {
				f.Steps = append(f.Steps, paste.Words("The aliases (CNAME) lead in a circle: %s. If one of them was meant to lead to a host or record that there is, mend that alias instead.", paste.Shown(strings.Join(c.path, " -> "))))
			}
		}
	}
	return fixes
}

// about reports whether a fix changes a name, or claims what is said about it.
func (f *Fix) about(name string) bool {
	for _, ch := range f.Changes {
		if ch.Owner == name {
			return true
		}
	}
	return slices.ContainsFunc(f.Claims, func(c Claim) bool {
		return slices.ContainsFunc(strings.FieldsFunc(c.Subject+" "+c.Key, func(r rune) bool { return strings.ContainsRune(" :=,", r) }), func(word string) bool { return word == name })
	})
}
