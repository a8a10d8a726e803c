// Package zone reads zone text, the master file format of RFC 1035 section 5,
// and answers from it as an authoritative server would.
//
// A zone is the part of the name tree below one apex, up to the names where NS
// records hand a subtree to somebody else (a cut). What a server says about a
// name in it is more than a search: a name without records exists when there is
// something below it (an empty non-terminal, RFC 8020), a wildcard stands in for
// names that do not exist (RFC 4592), an alias answers for all types (RFC 1034
// section 3.6.2), DNAME moves a subtree (RFC 6672), and nothing below a cut is
// the zone's own. Lookup keeps all of these apart.
//
// Every record keeps its file and line, so that a report can point at the text.
// Parse goes on after an error and reports all of them. Read is for text as people
// have it, which may say something else than they meant: such slips are noted
// beside the records. A Change is an edit of
// one RRset: what a fix proposes, and what "what if" lays over live answers.
package zone

import (
	"cmp"
	"slices"
	"sort"
	"strings"
)

// A Record is one record of a zone.
type Record struct {
	Owner string // canonical: see Name
	Type  string // "MX", "TXT", ..., "TYPE65534" for a type without a name
	TTL   uint32 // seconds
	Data  string // presentation format, names absolute
	Line  int    // first line of the entry, counted from 1
}

// String gives the record as one line of zone text with an absolute owner name:
// owner, TTL, class, type and data, separated by tabs.
func (r Record) String() string { return line(r.Owner, r.TTL, r.Type, r.Data) }

// A Zone is one zone's text, understood. It is not changed after Parse, and safe
// for concurrent use.
type Zone struct {
	File    string   // the name given to Parse
	Origin  string   // the apex, canonical
	Records []Record // in the order of the text, all of them at or below the apex
	Slips   []Slip   // what Read found odd, in the order of the text

	nodes map[string]node // by canonical name; a node without records is an empty non-terminal
	order []int32         // indexes into Records: those of a node stand together, by type
}

// A node is where the records of a name stand in a zone's order.
type node struct{ from, to int32 }

// Kinds of lookup results.
const (
	Found     = "found"       // Records is the RRset
	NoData    = "nodata"      // the name exists, without records of that type
	NXDomain  = "nxdomain"    // the name does not exist
	Alias     = "alias"       // Records holds a CNAME (and the DNAME that made it); ask again for Target
	Referral  = "referral"    // the name is at or below a cut; Records holds the cut's NS RRset
	OutOfZone = "out-of-zone" // the zone says nothing about the name
)

// A Result is what a zone says about one name and type.
type Result struct {
	Kind     string
	Records  []string // lines as Record.String gives them, sorted, no two alike
	Target   string   // Alias: canonical name; "" when DNAME made a name that is too long (YXDOMAIN)
	Cut      string   // Referral: canonical name of the cut
	Glue     []string // Referral: A and AAAA records in this zone of the cut's name servers, sorted
	SOA      string   // NoData, NXDomain: the zone's SOA record, "" where the text has none
	Wildcard string   // owner of the wildcard that the records were made from, canonical
	Lines    []int    // line numbers of the records that the result comes from, ascending
}

// Covers reports whether name is at or below the zone's apex. Cuts are not
// looked at.
func (z *Zone) Covers(name string) bool { return within(Name(name), z.Origin) }

// Find gives the records of that owner and type in the order of the text, with
// their lines, without regard to wildcards, aliases and cuts. Type "" or "ANY"
// gives all.
func (z *Zone) Find(owner, rrtype string) []Record {
	n := z.nodes[Name(owner)]
	rrtype, _ = typeName(rrtype)
	if rrtype == "" {
		rrtype = "ANY"
	}
	var out []Record
	for _, i := range z.indexes(n, rrtype) {
		out = append(out, z.Records[i])
	}
	return out
}

// Lookup answers as an authoritative server of the zone would (RFC 1034 section
// 4.3.2 with RFC 4592 and RFC 6672), one step: it does not follow aliases. Type
// "ANY" finds all records of a name. A name that has both an alias and other
// records, which the standard forbids, answers with the records asked for and
// falls back on the alias.
func (z *Zone) Lookup(name, rrtype string) Result {
	name = Name(name)
	rrtype, _ = typeName(rrtype)
	if !within(name, z.Origin) {
		return Result{Kind: OutOfZone}
	}
	encloser := z.Origin
	for _, at := range path(name, z.Origin) { // from the apex down
		n, exists := z.nodes[at]
		if !exists {
			return z.synthesize(name, rrtype, encloser)
		}
		encloser = at
		if at != z.Origin && len(z.at(n, "NS")) > 0 && !(at == name && rrtype == "DS") {
			return z.referral(at, n)
		}
		if at != name {
			if moved := z.at(n, "DNAME"); len(moved) > 0 {
				return z.dname(name, at, moved[:1])
			}
		}
	}
	return z.answer(name, rrtype, z.nodes[name], "")
}

// answer gives what node n says, with name as the owner.
func (z *Zone) answer(name, rrtype string, n node, wildcard string) Result {
	if idx := z.indexes(n, rrtype); len(idx) > 0 {
		r := Result{Kind: Found, Wildcard: wildcard}
		r.Records, r.Lines = z.render(name, idx)
		return r
	}
	if idx := z.at(n, "CNAME"); len(idx) > 0 {
		r := Result{Kind: Alias, Wildcard: wildcard, Target: Name(z.Records[idx[0]].Data)}
		r.Records, r.Lines = z.render(name, idx)
		return r
	}
	return Result{Kind: NoData, SOA: z.soa(), Wildcard: wildcard}
}

// synthesize answers for a name that is not in the zone, from the wildcard at
// its closest encloser where there is one (RFC 4592 section 3.3.1).
func (z *Zone) synthesize(name, rrtype, encloser string) Result {
	star := below("*", encloser)
	n, exists := z.nodes[star]
	if !exists {
		return Result{Kind: NXDomain, SOA: z.soa()}
	}
	return z.answer(name, rrtype, n, star)
}

func (z *Zone) dname(name, at string, idx []int32) Result {
	r := Result{Kind: Alias}
	r.Records, r.Lines = z.render(at, idx)
	rec := z.Records[idx[0]]
	prefix := name
	if at != "." {
		prefix = strings.TrimSuffix(name, "."+at)
	}
	target := below(prefix, Name(rec.Data))
	if tooLong(target) {
		return r
	}
	r.Target = target
	r.Records = append(r.Records, line(name, rec.TTL, "CNAME", absolute(target)))
	slices.Sort(r.Records)
	return r
}

func (z *Zone) referral(cut string, n node) Result {
	r := Result{Kind: Referral, Cut: cut}
	r.Records, r.Lines = z.render(cut, z.at(n, "NS"))
	for _, i := range z.at(n, "NS") {
		host := Name(z.Records[i].Data)
		for _, t := range []string{"A", "AAAA"} {
			glue, _ := z.render(host, z.at(z.nodes[host], t))
			r.Glue = append(r.Glue, glue...)
		}
	}
	slices.Sort(r.Glue)
	r.Glue = slices.Compact(r.Glue)
	return r
}

func (z *Zone) soa() string {
	if soa := z.at(z.nodes[z.Origin], "SOA"); len(soa) > 0 {
		return z.Records[soa[0]].String()
	}
	return ""
}

func (z *Zone) render(owner string, idx []int32) (records []string, lines []int) {
	for _, i := range idx {
		r := z.Records[i]
		lines = append(lines, r.Line)
		r.Owner = owner
		records = append(records, r.String())
	}
	slices.Sort(records)
	slices.Sort(lines)
	return slices.Compact(records), slices.Compact(lines)
}

// at gives the records of a node that have that type.
func (z *Zone) at(n node, rrtype string) []int32 {
	all := z.order[n.from:n.to]
	from, found := slices.BinarySearchFunc(all, rrtype, func(i int32, t string) int { return strings.Compare(z.Records[i].Type, t) })
	if !found {
		return nil
	}
	to := sort.Search(len(all), func(k int) bool { return z.Records[all[k]].Type > rrtype })
	return all[from:to]
}

func (z *Zone) indexes(n node, rrtype string) []int32 {
	if rrtype != "ANY" {
		return z.at(n, rrtype)
	}
	return slices.Sorted(slices.Values(z.order[n.from:n.to]))
}

// index builds the tree of names. An owner's ancestors up to the apex exist too. A
// zone may have some hundred thousand names, so that little is kept of each. It gives
// false where there are more than maxNames.
func (z *Zone) index() bool {
	z.nodes = map[string]node{z.Origin: {}}
	for _, r := range z.Records {
		n, known := z.nodes[r.Owner]
		n.to++
		z.nodes[r.Owner] = n
		for name := r.Owner; !known && name != z.Origin; {
			name = Parent(name)
			if _, known = z.nodes[name]; !known {
				z.nodes[name] = node{}
			}
		}
		if len(z.nodes) > maxNames {
			return false
		}
	}
	z.order = make([]int32, len(z.Records))
	end := int32(0)
	for i, r := range z.Records { // from is the place, to the count, until the records stand there
		n := z.nodes[r.Owner]
		if n.from == 0 {
			n.from = end + 1
			end += n.to
			n.to = n.from - 1
		}
		z.order[n.to] = int32(i)
		n.to++
		z.nodes[r.Owner] = n
	}
	for name, n := range z.nodes {
		if n.to == 0 {
			continue
		}
		n.from--
		z.nodes[name] = n
		slices.SortFunc(z.order[n.from:n.to], func(a, b int32) int {
			return cmp.Or(strings.Compare(z.Records[a].Type, z.Records[b].Type), int(a-b))
		})
	}
	return true
}
