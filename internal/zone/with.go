package zone

import (
	"slices"
	"strings"
)

// With gives the zone as it is after the changes; z stays as it is. Changes of
// names outside the zone are passed over. Records that come from a change have
// line 0. Name servers refuse an alias beside other records (RFC 1034 section
// 3.6.2): where changes would make such a pair, what they add to it is left out.
func (z *Zone) With(changes []Change) *Zone {
	type set struct{ owner, rrtype string }
	byOwner := map[string][]Change{}
	touched := map[set]bool{}
	var owners []string
	for _, c := range changes {
		rrtype, _ := typeName(c.Type)
		c.Owner, c.Type = Name(c.Owner), rrtype
		if !within(c.Owner, z.Origin) {
			continue
		}
		if byOwner[c.Owner] == nil {
			owners = append(owners, c.Owner)
		}
		byOwner[c.Owner] = append(byOwner[c.Owner], c)
		touched[set{c.Owner, rrtype}] = true
	}
	if len(owners) == 0 {
		return z
	}
	out := &Zone{File: z.File, Origin: z.Origin}
	for _, r := range z.Records {
		if !touched[set{r.Owner, r.Type}] {
			out.Records = append(out.Records, r)
		}
	}
	for _, owner := range owners {
		lines := map[string]int{}
		var before, stay []string
		for _, r := range z.Find(owner, "ANY") {
			lines[r.String()] = r.Line
			if touched[set{owner, r.Type}] {
				before = append(before, r.String())
			} else {
				stay = append(stay, r.String())
			}
		}
		after := Apply(before, byOwner[owner])
		all := slices.Concat(stay, after)
		after = slices.DeleteFunc(after, func(s string) bool {
			_, old := lines[s]
			return !old && clashes(s, all, lines)
		})
		for _, s := range after {
			r := split(s)
			r.Owner, r.Line = owner, lines[s]
			out.Records = append(out.Records, r)
		}
	}
	out.index()
	return out
}

// clashes reports whether new record s may not stand beside the others at its
// name: it is an alias and they are not, or the other way round. Among new ones
// the alias yields. DNSSEC's own records may stand beside an alias (RFC 4035
// section 2.5).
func clashes(s string, others []string, old map[string]int) bool {
	alias := split(s).Type == "CNAME"
	return slices.ContainsFunc(others, func(o string) bool {
		t := split(o).Type
		if t == "RRSIG" || t == "NSEC" {
			return false
		}
		_, isOld := old[o]
		return alias && t != "CNAME" || !alias && t == "CNAME" && isOld
	})
}

// split takes a line of Record.String apart.
func split(s string) Record {
	f := strings.SplitN(s, "\t", 5)
	if len(f) != 5 {
		return Record{}
	}
	ttl, _ := parseTTL(f[1])
	return Record{Owner: Name(f[0]), Type: f[3], TTL: ttl, Data: f[4]}
}
