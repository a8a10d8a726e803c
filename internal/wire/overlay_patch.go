package wire

import (
	"context"
	"slices"
	"strings"

	"mxvet/internal/zone"
)

// patchNothing answers where there is no Source: what is added is all there is.
func (o *Overlay) patchNothing(q Question) step {
	if p, ok := o.patch(q, Answer{Rcode: "NOERROR", From: "assumed records"}); ok {
		return p
	}
	if len(o.changes[rrset{q.Name, q.Type}]) > 0 {
		return step{Answer: Answer{Rcode: "NOERROR", From: "assumed records"}, assumed: true}
	}
	return step{Answer: Answer{Fail: offline()}}
}

// patch lays the changes of q's RRset, and of an alias in its place, over base.
// It is false when they change nothing.
func (o *Overlay) patch(q Question, base Answer) (step, bool) {
	own, alias := o.changes[rrset{q.Name, q.Type}], o.changes[rrset{q.Name, "CNAME"}]
	if q.Type == "CNAME" {
		alias = nil
	}
	if len(own)+len(alias) == 0 || base.Fail != nil && !replaced(own) {
		return step{}, false
	}
	had, hadAlias := base.at(q.Name, q.Type), base.at(q.Name, "CNAME")
	var aliases []string
	if q.Type != "CNAME" {
		aliases = zone.Apply(hadAlias, alias)
	}
	records := zone.Apply(had, own)
	sameAlias := q.Type == "CNAME" || slices.Equal(aliases, hadAlias)
	// Servers refuse other records beside an alias: what was there first stays.
	aliased := len(aliases) > 0 && len(hadAlias) > 0
	if base.Fail == nil && sameAlias && (aliased || slices.Equal(records, had)) {
		return step{}, false
	}
	s := step{Answer: base, assumed: true}
	s.Rcode, s.Authority, s.Fail = "NOERROR", nil, nil
	if base.Fail != nil {
		s.EDE = nil // about what the change replaces
	}
	switch {
	case aliased, len(aliases) > 0 && len(records) == 0:
		s.Answer.Answer = aliases
		s.next = o.follow(q, zone.Name(data(aliases[0])))
	case len(records) > 0:
		s.Answer.Answer = records
	case base.Fail != nil:
		return step{}, false // all of an unknown RRset was removed, but an alias may be there
	default:
		s.Answer = negative(base)
		if len(hadAlias) > 0 {
			s.Authority = nil // of the zone that the alias led to
		}
	}
	return s, true
}

// replaced reports whether the changes leave nothing of what was there.
func replaced(changes []zone.Change) bool {
	return slices.ContainsFunc(changes, func(c zone.Change) bool { return slices.Contains(c.Remove, "*") })
}

// negative makes base say NODATA. Of its authority records only the SOA stays:
// proofs of absence in it would prove something else.
func negative(base Answer) Answer {
	a := base
	a.Rcode, a.Answer = "NOERROR", nil
	a.Authority = nil
	for _, s := range base.Authority {
		if f := strings.SplitN(s, "\t", 5); len(f) == 5 && f[3] == "SOA" {
			a.Authority = append(a.Authority, s)
		}
	}
	return a
}

// wildcard answers for a name that does not exist behind, from a wildcard that a
// change adds records to (RFC 4592 section 3.3.1).
func (o *Overlay) wildcard(ctx context.Context, q Question, base Answer) step {
	none := step{Answer: base}
	depth := 0
	for name := zone.Parent(q.Name); !o.made[star(name)]; name = zone.Parent(name) {
		if depth++; name == "." || depth > maxAliases {
			return none // no wildcard above, or none that is worth so many questions
		}
	}
	for name := zone.Parent(q.Name); ; name = zone.Parent(name) {
		if !o.made[star(name)] {
			// Where name exists, it is the closest encloser, and has no wildcard.
			if o.made[name] {
				return none
			}
			between := q
			between.Name = name
			switch a := o.behind.DNS(ctx, between); {
			case a.Fail != nil:
				return step{Answer: a}
			case a.Rcode != "NXDOMAIN" || a.Has("CNAME"):
				return none
			}
			continue
		}
		from := q
		from.Name = star(name)
		s := o.step(ctx, from, from.Name)
		s.assumed = true
		s.Answer.Answer = slices.Clone(s.Answer.Answer) // it may be shared
		for i, rr := range s.Answer.Answer {
			if owner, rest, _ := strings.Cut(rr, "\t"); zone.Name(owner) == from.Name {
				s.Answer.Answer[i] = q.Name + ".\t" + rest
			}
		}
		return s
	}
}
