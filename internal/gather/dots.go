package gather

import (
	"context"
	"slices"
	"strings"

	"mxvet/internal/provider"
	"mxvet/internal/psl"
	"mxvet/internal/together"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// A Dotless is a name in a record that looks as if its final dot was forgotten:
// name servers append the zone's name to such a name (RFC 1035 section 5.1), and
// mx1.example.net becomes mx1.example.net.example.com.
type Dotless struct {
	Use   string // one of the Use constants
	Owner string // of the record
	Type  string // MX, NS or CNAME
	Name  string // as it is published
	Meant string // without what was appended
	Zone  string // what was appended

	Doubled bool // the name ends in the domain, or the zone's name, twice
	// There and Wanted are the questions at Name and at Meant: for addresses, or
	// for what the alias should lead to.
	There, Wanted []wire.Asked
	// Between is the question for the top-level domain of Meant below Zone. That
	// it does not exist shows that nothing of the zone's own is there.
	Between  wire.Asked
	Provider *provider.Provider // whose host or key Meant is; nil where that is not known
}

// types gives what is asked for at both names.
func (d Dotless) types() []string {
	if d.Use == UseDKIM || d.Use == UseAlias {
		return []string{"TXT"}
	}
	return []string{"A", "AAAA"}
}

// Stands reports that the published name leads somewhere all the same.
func (d Dotless) Stands() bool { return d.has(d.There) }

// Lost reports proof that nothing is at the published name.
func (d Dotless) Lost() bool { return d.missing(d.There) }

// Found reports that what is looked for is at the name without the zone's.
func (d Dotless) Found() bool { return d.has(d.Wanted) }

// Nowhere reports proof that nothing is at the name without the zone's.
func (d Dotless) Nowhere() bool { return d.missing(d.Wanted) }

func (d Dotless) has(asked []wire.Asked) bool {
	for i, rrtype := range d.types() {
		if asked[i].Answer.Has(rrtype) {
			return true
		}
	}
	return false
}

func (d Dotless) missing(asked []wire.Asked) bool {
	for i, rrtype := range d.types() {
		if asked[i].Failed() || !asked[i].Answer.Missing(rrtype) {
			return false
		}
	}
	return true
}

// dotless finds the names that look so, and asks whether they lead anywhere, and
// whether they would without what was appended. A domain whose names look right
// costs no question. More counts those left out by the bound.
func dotless(ctx context.Context, src wire.Source, tables Tables, e *Evidence) (out []Dotless, more int) {
	add := func(use, owner, rrtype, name string) {
		d := Dotless{Use: use, Owner: owner, Type: rrtype, Name: name}
		switch {
		case !d.split(tables, e), slices.ContainsFunc(out, func(o Dotless) bool { return o.Owner == owner && o.Name == name }):
		case len(out) == maxDotless:
			more++
		default:
			out = append(out, d)
		}
	}
	for _, r := range e.MX.Records {
		add(UseMX, e.Domain, "MX", r.Host)
	}
	for _, host := range e.Apex.NS.Targets("NS") {
		add(UseNS, e.Domain, "NS", host)
	}
	aliases := func(use, owner string, a wire.Answer) {
		for _, target := range a.Chain(owner) {
			if owner != e.Domain && !strings.HasSuffix(owner, "."+e.Domain) {
				return
			}
			target = zone.Name(target)
			add(use, owner, "CNAME", target)
			owner = target
		}
	}
	for _, s := range e.DKIM.Selectors {
		aliases(UseDKIM, s.Owner, s.Answer)
	}
	if own := e.DMARC.Own(); own != nil {
		aliases(UseAlias, own.Name, own.Answer)
	}
	aliases(UseAlias, e.MTASTS.TXT.Name, e.MTASTS.TXT.Answer)
	aliases(UseAlias, e.TLSRPT.TXT.Name, e.TLSRPT.TXT.Answer)
	aliases(UseMTASTS, e.MTASTS.Host, e.MTASTS.A.Answer)

	var wg together.Group
	for i := range out {
		d := &out[i]
		types := d.types()
		d.There, d.Wanted = make([]wire.Asked, len(types)), make([]wire.Asked, len(types))
		for k, rrtype := range types {
			wg.Go(func() { d.There[k] = wire.Ask(ctx, src, d.Name, rrtype) })
			wg.Go(func() { d.Wanted[k] = wire.Ask(ctx, src, d.Meant, rrtype) })
		}
		between := d.Meant[strings.LastIndexByte(d.Meant, '.')+1:] + "." + d.Zone
		wg.Go(func() { d.Between = wire.Ask(ctx, src, between, "A") })
	}
	wg.Wait()
	return out, more
}

// split fills in what was appended and what was meant. It is false where nothing
// looks appended: what is left must end in the domain again, or in a name from a
// registry.
func (d *Dotless) split(tables Tables, e *Evidence) bool {
	tops := []string{e.Domain, e.Nameservers.Zone, tables.Suffixes.Registrable(e.Domain)}
	for _, top := range tops {
		meant, ok := strings.CutSuffix(d.Name, "."+top)
		if !ok || top == "" || top == "." || !strings.Contains(meant, ".") {
			continue
		}
		d.Zone, d.Meant = top, meant
		for _, own := range tops {
			d.Doubled = d.Doubled || own != "" && own != "." && (meant == own || strings.HasSuffix(meant, "."+own))
		}
		if d.Use == UseDKIM {
			d.Provider = tables.Providers.ByDKIMTarget(meant)
		} else {
			d.Provider = tables.Providers.ByMX(meant)
		}
		return d.Doubled || tables.Suffixes.Listed(meant) && tables.Suffixes.Registrable(meant) != ""
	}
	return false
}

// A Pointer is a TXT record at a name for DKIM keys that holds nothing but a host
// name: what a provider gives as the target of an alias.
type Pointer struct {
	Owner  string // of the TXT record
	Ref    wire.Ref
	Target string
	TXT    wire.Asked // at the target, where the key should be; Ref is "" where it was not asked
}

// pointers finds such records, and asks for the keys.
func pointers(ctx context.Context, src wire.Source, list *psl.List, e *Evidence) []Pointer {
	var out []Pointer
	for _, s := range e.DKIM.Selectors {
		for _, r := range s.Records {
			target := zone.Name(strings.Trim(r.Text, " \t\"'"))
			if !s.Wildcard && !s.Doubtful && len(s.Chain) == 0 && hostLike(list, target) && target != s.Owner {
				out = append(out, Pointer{Owner: s.Owner, Ref: s.Ref, Target: target})
			}
		}
	}
	var wg together.Group
	for i := range min(len(out), maxPointers) {
		wg.Go(func() { out[i].TXT = wire.Ask(ctx, src, out[i].Target, "TXT") })
	}
	wg.Wait()
	return out
}

// hostLike reports whether a text is a name of three labels or more below a
// top-level domain that exists, or such a one for keys.
func hostLike(list *psl.List, name string) bool {
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return len(name) <= 253 && (len(labels) > 2 && list.Listed(name) || strings.Contains(name, "._domainkey."))
}
