package zone

import "slices"

// automatic is the TTL that stands for the 1 of a provider's exports.
const automatic = 300

// apex gives the owner of the SOA record, which is the zone's name. In the exports
// of a provider it stands at the root, or at a name without final dot, and all other
// records have whole names: then it is put where they belong. Origin is the caller's.
func (p *parser) apex(soa int, origin string) string {
	said, line := p.records[soa].Owner, p.records[soa].Line
	if !p.panel {
		return said
	}
	meant := ""
	if half := len(said) / 2; said != "." && said[half] == '.' && said[:half] == said[half+1:] {
		meant = said[:half]
		if !p.any(func(owner string) bool { return !within(owner, said) && within(owner, meant) }) {
			p.fail(line, "the SOA record stands at %s, as if its final dot were missing: write %s, or $ORIGIN . before the first record where all names are whole", absolute(said), absolute(meant))
			return said
		}
	} else if said != "." {
		return said
	} else if meant = p.common(); origin != "" && !p.any(func(owner string) bool { return owner != "." && !within(owner, Name(origin)) }) {
		meant = Name(origin)
	}
	if meant == "" || meant == "." {
		p.fail(line, "the SOA record stands at the root, so this would be the root zone: write the zone's name before it, as in $ORIGIN example.com.")
		return said
	}
	p.slip(Slip{File: p.file, Line: line, Kind: SlipApex, Owner: meant, Said: absolute(said), Meant: meant})
	for i := range p.records {
		if p.records[i].Owner == said {
			p.records[i].Owner = meant
		}
	}
	return meant
}

// common gives the owner that all others are at or below, "" where there is none.
// Owners that are the root are passed over.
func (p *parser) common() string {
	top := ""
	for _, r := range p.records {
		if r.Owner != "." && (top == "" || within(top, r.Owner)) {
			top = r.Owner
		}
	}
	if p.any(func(owner string) bool { return owner != "." && !within(owner, top) }) {
		return ""
	}
	return top
}

func (p *parser) any(is func(owner string) bool) bool {
	return slices.ContainsFunc(p.records, func(r Record) bool { return is(r.Owner) })
}
