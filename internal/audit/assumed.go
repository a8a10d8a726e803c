package audit

import (
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/psl"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// Assumed is what the user wants to be taken for published: how a domain is
// audited before its zone goes live.
type Assumed struct {
	Zones   []*zone.Zone
	Changes []zone.Change        // over the zones, and over the live DNS outside of them
	Pages   map[string]wire.Page // policies that are not served yet, by URL

	// For the report: the changes that the user gave, as they were given, and the
	// file of the policy.
	Given  []zone.Change
	Texts  []string
	Policy string

	presumed []string // names at which nothing is taken to be, see withoutRegistries
}

// over lays what is assumed over a Source; nil is no network.
func (a Assumed) over(src wire.Source) wire.Source {
	if src != nil && len(a.Zones)+len(a.Changes)+len(a.Pages) == 0 {
		return src
	}
	o := wire.NewOverlay(src, a.Zones, a.Changes)
	o.Pages = a.Pages
	return o
}

// withoutRegistries assumes that the public suffixes above the targets have no
// DMARC record. Receivers look there too, and few registries have one; without
// this, nothing about a domain's own DMARC could be said offline.
func (a Assumed) withoutRegistries(targets []Target, suffixes *psl.List) Assumed {
	var none []zone.Change
	for _, t := range targets {
		for name := zone.Parent(t.Domain); name != "."; name = zone.Parent(name) {
			owner := "_dmarc." + name
			if suffixes.IsPublicSuffix(name, false) && !a.laid().covers(owner) && !slices.ContainsFunc(none, func(c zone.Change) bool { return c.Owner == owner }) {
				none = append(none, zone.Change{Owner: owner, Type: "TXT", Remove: []string{"*"}})
				a.presumed = append(a.presumed, owner)
			}
		}
	}
	a.Changes = append(none, a.Changes...)
	return a
}

// laid is what a recording holds of Assumed: not the zones, since the tape has
// what they answered.
type laid struct {
	Zones    []laidZone    `json:"zones,omitempty"`
	Records  []string      `json:"records,omitempty"`
	Replaced []replacement `json:"replaced,omitempty"`
	Policy   string        `json:"policy,omitempty"`
	Presumed []string      `json:"presumed,omitempty"`
}

type laidZone struct {
	File   string `json:"file"`
	Origin string `json:"origin"`
}

func (a Assumed) laid() laid {
	l := laid{Records: a.Texts, Replaced: a.replacements(), Policy: a.Policy, Presumed: a.presumed}
	for _, z := range a.Zones {
		l.Zones = append(l.Zones, laidZone{z.File, z.Origin})
	}
	return l
}

func (l laid) files() []string {
	var out []string
	for _, z := range l.Zones {
		out = append(out, z.File)
	}
	return out
}

// about gives the zones that a domain is in, or that are below it.
func (a Assumed) about(domain string) []*zone.Zone {
	return slices.DeleteFunc(slices.Clone(a.Zones), func(z *zone.Zone) bool {
		return !z.Covers(domain) && z.Origin != domain && !strings.HasSuffix(z.Origin, "."+domain)
	})
}

// selectors gives the DKIM selectors of a domain that zones or changes have, in
// the order of the text.
func (a Assumed) selectors(domain string) []string {
	var out []string
	add := func(owner, rrtype string) {
		s, ok := strings.CutSuffix(owner, "._domainkey."+domain)
		if ok && s != "*" && (rrtype == "TXT" || rrtype == "CNAME") && !slices.Contains(out, s) && len(out) < maxZoneSelectors {
			out = append(out, s)
		}
	}
	for _, z := range a.about(domain) {
		for _, r := range z.Records {
			add(r.Owner, r.Type)
		}
	}
	for _, c := range a.Changes {
		if len(c.Add) > 0 {
			add(zone.Name(c.Owner), strings.ToUpper(c.Type))
		}
	}
	return out
}

// keysWhole reports that a zone has every name below _domainkey of a domain, so that
// selectors gives all selectors that there are: nothing there is handed to others, made
// from a wildcard, or moved.
func (a Assumed) keysWhole(domain string) bool {
	base := "_domainkey." + domain
	var z *zone.Zone
	for _, other := range a.Zones {
		if other.Covers(base) && (z == nil || z.Covers(other.Origin)) {
			z = other
		}
	}
	if z == nil || len(a.selectors(domain)) >= maxZoneSelectors {
		return false
	}
	if at := z.Lookup(base, "TXT"); at.Kind == zone.Referral || at.Kind == zone.Alias || at.Wildcard != "" {
		return false
	}
	elsewhere := func(owner, rrtype string) bool {
		inside := owner == base || strings.HasSuffix(owner, "."+base)
		return inside && (rrtype == "NS" || rrtype == "DNAME" || strings.Contains(owner, "*"))
	}
	return !slices.ContainsFunc(z.Records, func(r zone.Record) bool { return elsewhere(r.Owner, r.Type) }) &&
		!slices.ContainsFunc(a.Changes, func(c zone.Change) bool {
			return len(c.Add) > 0 && elsewhere(zone.Name(c.Owner), strings.ToUpper(c.Type))
		})
}

// mail gives the names below a domain that do mail by the text of zones and changes,
// in its order: with MX records other than a null MX, or an SPF record that does not
// say that nobody sends. Those with DMARC records of their own are left out, and
// mail hosts whose SPF record is for the name that they greet with.
func (a Assumed) mail(domain string) []string {
	var out []string
	own, takes, hosts := map[string]bool{}, map[string]bool{}, map[string]bool{}
	add := func(owner, rrtype, data string) {
		owner, text := zone.Name(owner), strings.ToLower(strings.Trim(data, `" `))
		if name, ok := strings.CutPrefix(owner, "_dmarc."); ok {
			own[name] = true
			return
		}
		mx := rrtype == "MX" && !strings.HasSuffix(data, " .")
		if mx {
			takes[owner] = true
			_, host, _ := strings.Cut(data, " ")
			hosts[zone.Name(host)] = true
		}
		spf := rrtype == "TXT" && strings.HasPrefix(text, "v=spf1 ") && text != "v=spf1 -all"
		host, _, _ := strings.Cut(owner, ".")
		if (mx || spf) && strings.HasSuffix(owner, "."+domain) && !strings.HasPrefix(host, "_") && !slices.Contains(out, owner) && len(out) < maxZoneMail {
			out = append(out, owner)
		}
	}
	for _, z := range a.about(domain) {
		for _, r := range z.Records {
			add(r.Owner, r.Type, r.Data)
		}
	}
	for _, c := range a.Changes {
		for _, data := range c.Add {
			add(c.Owner, strings.ToUpper(c.Type), data)
		}
	}
	return slices.DeleteFunc(out, func(name string) bool { return own[name] || hosts[name] && !takes[name] })
}

const (
	maxZoneMail      = 50
	maxZoneSelectors = 50
	maxZoneSlips     = 100
)

// slips gives the zone files about a domain, and what was found odd in them that
// has to do with it.
func (a Assumed) slips(domain string) (files []string, slips []zone.Slip) {
	below := func(name string) bool { return name == domain || strings.HasSuffix(name, "."+domain) }
	for _, z := range a.about(domain) {
		files = append(files, z.File)
		for _, s := range z.Slips {
			if (s.Owner == "" || below(s.Owner)) && len(slips) < maxZoneSlips {
				slips = append(slips, s)
			}
		}
	}
	return files, slips
}

// covers reports whether one of the zones has that name at or below its apex.
func (l laid) covers(name string) bool {
	name = zone.Name(name)
	return slices.ContainsFunc(l.Zones, func(z laidZone) bool {
		return z.Origin == "." || name == z.Origin || strings.HasSuffix(name, "."+z.Origin)
	})
}

// resolver gives who answered the questions about a domain; zone text does not
// count.
func (j *Job) resolver(e *gather.Evidence) string {
	answers := []wire.Answer{e.MX.Answer, e.Apex.A, e.Apex.AAAA, e.Apex.TXT, e.Apex.NS, e.Apex.SOA}
	if live, _, _ := j.Tape.Lookup(wire.Question{Name: e.Domain, Type: "MX", Live: true}.Ref()); live != nil {
		answers = append(answers, *live)
	}
	for _, a := range answers {
		if !a.Assumed && a.From != "" {
			return a.From
		}
	}
	return ""
}
