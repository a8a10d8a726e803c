package dmarc

import (
	"context"
	"slices"

	"mxvet/internal/psl"
	"mxvet/internal/route"
	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// maxDestinations bounds how many report hosts of one record are looked at.
const maxDestinations = 10

// Reports says where the reports of one record would go.
type Reports struct {
	PolicyDomain string // the domain of the record
	Destinations []Destination
	Skipped      []string // hosts beyond the first ten, not looked at
}

// A Destination is one host that report addresses name.
type Destination struct {
	Host string
	Tags []string // rua, ruf: those that name it
	URIs []URI

	// Whether the host belongs to another organization than the record's domain,
	// by comparing organizational domains in the three ways. Only External can be
	// unknown: a lookup of one of the two walks failed.
	External, ExternalUnknown       bool
	ExternalPSL, ExternalPSLPrivate bool
	Org                             string // organizational domain of the host, by tree walk
	Walk                            []Step // the steps of that walk

	Authorisation Authorisation
	Route         *route.Route // how mail gets there; nil where no mailto address names the host
}

// An Authorisation is the host's consent to get reports of another domain: a TXT
// record at "<policy domain>._report._dmarc.<host>" (RFC 9990 section 4). It is
// asked for whenever the host is another name than the record's domain; whether it
// is needed is the Destination's to say.
type Authorisation struct {
	wire.Asked          // Ref is "" where it was not asked
	TooLong    bool     // the name exceeds what the DNS allows, so consent is impossible
	Records    []Record // start with v=DMARC1: one is enough
	Others     []Record // meant to be such a record, but do not count
	// OtherRUA and OtherRUF list valid addresses in those tags that are on another
	// host. Reports of that kind must then be sent neither to them nor to the address
	// in the policy record (RFC 9990 section 4, RFC 9991 section 5).
	OtherRUA, OtherRUF []URI
}

// Given reports consent.
func (a Authorisation) Given() bool { return len(a.Records) > 0 }

// Elsewhere gives the addresses on another host that concern reports of a kind,
// which is rua or ruf.
func (a Authorisation) Elsewhere(tag string) []URI {
	if tag == "ruf" {
		return a.OtherRUF
	}
	return a.OtherRUA
}

// Unknown reports that the question has no usable answer.
func (a Authorisation) Unknown() bool { return a.Ref != "" && a.Failed() }

// reports looks at all destinations of a record at once. External is left to
// compare, which needs the walk from the record's domain.
func reports(ctx context.Context, src wire.Source, list *psl.List, policyDomain string, r *Record) *Reports {
	out := &Reports{PolicyDomain: policyDomain}
	for _, x := range []struct {
		tag  string
		list []URI
	}{{"rua", r.RUA}, {"ruf", r.RUF}} {
		for _, u := range x.list {
			if u.Valid && u.Host != "" {
				out.add(x.tag, u)
			}
		}
	}
	var wg together.Group
	for i := range out.Destinations {
		wg.Go(func() { out.Destinations[i].look(ctx, src, list, policyDomain) })
	}
	wg.Wait()
	return out
}

func (rs *Reports) add(tag string, u URI) {
	i := slices.IndexFunc(rs.Destinations, func(d Destination) bool { return d.Host == u.Host })
	if i < 0 {
		if len(rs.Destinations) == maxDestinations {
			if !slices.Contains(rs.Skipped, u.Host) {
				rs.Skipped = append(rs.Skipped, u.Host)
			}
			return
		}
		i = len(rs.Destinations)
		rs.Destinations = append(rs.Destinations, Destination{Host: u.Host})
	}
	d := &rs.Destinations[i]
	d.URIs = append(d.URIs, u)
	if !slices.Contains(d.Tags, tag) {
		d.Tags = append(d.Tags, tag)
	}
}

// look asks all that concerns one destination.
func (d *Destination) look(ctx context.Context, src wire.Source, list *psl.List, policyDomain string) {
	var wg together.Group
	if d.Host != policyDomain {
		names := walkNames(d.Host)
		d.Walk = make([]Step, len(names))
		for i, name := range names {
			wg.Go(func() { d.Walk[i] = step(ctx, src, name) })
		}
		wg.Go(func() { d.Authorisation = authorisation(ctx, src, policyDomain, d.Host) })
	}
	if slices.ContainsFunc(d.URIs, func(u URI) bool { return u.Scheme == "mailto" }) {
		wg.Go(func() {
			way := route.Lookup(ctx, src, list, d.Host)
			d.Route = &way
		})
	}
	wg.Wait()
}

func authorisation(ctx context.Context, src wire.Source, policyDomain, host string) Authorisation {
	name := policyDomain + "._report._dmarc." + host
	if len(name) > 253 {
		return Authorisation{Asked: wire.Asked{Name: name}, TooLong: true}
	}
	a := Authorisation{Asked: wire.Ask(ctx, src, name, "TXT")}
	for _, text := range a.Answer.TXT() {
		r := Parse(text)
		if !r.Valid {
			if meant(r) {
				a.Others = append(a.Others, r)
			}
			continue
		}
		a.Records = append(a.Records, r)
		a.OtherRUA = append(a.OtherRUA, elsewhere(r.RUA, host)...)
		a.OtherRUF = append(a.OtherRUF, elsewhere(r.RUF, host)...)
	}
	return a
}

// elsewhere gives the valid addresses that are not on the host. What is malformed is
// ignored (RFC 9990 section 3.5).
func elsewhere(list []URI, host string) []URI {
	var out []URI
	for _, u := range list {
		if u.Valid && u.Host != host {
			out = append(out, u)
		}
	}
	return out
}

// compare decides for each destination whether it is external to the policy
// domain, whose own walk is given.
func (rs *Reports) compare(policy found, list *psl.List) {
	for i := range rs.Destinations {
		d := &rs.Destinations[i]
		if d.Host == rs.PolicyDomain {
			d.Org = policy.org
			continue
		}
		host := tree(d.Walk).walk(d.Host)
		for j := range d.Walk {
			d.Walk[j].InWalk = true
			d.Walk[j].Used = slices.Contains(host.used, d.Walk[j].Domain)
		}
		d.Org = host.org
		d.External = host.org != policy.org
		d.ExternalUnknown = len(host.failed)+len(policy.failed) > 0
		d.ExternalPSL = list.OrgDomain(d.Host, false) != list.OrgDomain(rs.PolicyDomain, false)
		d.ExternalPSLPrivate = list.OrgDomain(d.Host, true) != list.OrgDomain(rs.PolicyDomain, true)
	}
}
