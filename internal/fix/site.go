package fix

import (
	"slices"

	"mxvet/internal/paste"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// A site is a name at which a record can be put.
type site struct {
	owner string
	ttl   uint32
	alias bool // an alias that leads nowhere stands there and must go
}

// placeOf gives where a record belongs that is looked for at a name: there, or
// at the end of aliases within the organization. It is false where the aliases
// lead to somebody else.
func (c *composer) placeOf(a wire.Asked, dangling bool) (site, bool) {
	s := site{owner: a.Name, ttl: ttlFor(a.Answer, "TXT")}
	chain := a.Answer.Chain(a.Name)
	switch {
	case len(chain) == 0 || c.wildcardAlias(chain[0]):
		return s, true // a record of its own stands above the wildcard's
	case dangling:
		s.alias = true
		return s, len(publishedAt(a.Answer, "CNAME")) > 0
	}
	s.owner = chain[len(chain)-1]
	return s, c.ours(s.owner)
}

// wildcardAlias reports that a wildcard gives every name below the domain that alias.
func (c *composer) wildcardAlias(target string) bool {
	return slices.ContainsFunc(c.e.Stray.Asked(), func(a wire.Asked) bool {
		chain := a.Answer.Chain(a.Name)
		return len(chain) > 0 && chain[0] == target
	})
}

// publish gives the changes that put a text in the place of others.
func (s site) publish(a wire.Answer, old []string, text string) []zone.Change {
	ch := replace(s.owner, a, old, text)
	ch.TTL = s.ttl
	if !s.alias {
		return []zone.Change{ch}
	}
	return []zone.Change{ch, {Owner: s.owner, Type: "CNAME", Remove: []string{"*"}}}
}

// elsewhere is the fix of a record that stands at the end of an alias, in the
// hands of somebody else.
func (c *composer) elsewhere(id, title string, a wire.Asked, chain []string) Fix {
	end := chain[len(chain)-1]
	return Fix{
		ID: id, Title: title, Claims: c.claims(id, a.Name, true), Effort: MediumEffort, Safety: NeedsInput,
		Needs: "whoever holds " + shown([]string{end}),
		Steps: []Step{
			paste.Words("%s is an alias of %s: have the record corrected there, by its owner.", a.Name, end),
			paste.Words("Or replace the alias by a TXT record of your own at %s.", a.Name),
		},
	}
}
