package checks

import (
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
)

// dnsWildcardRules is about wildcards at the domain, seen at a name that nobody
// chose.
func dnsWildcardRules() []Rule {
	return []Rule{
		{
			ID: "dns-wildcard-name", Area: AreaHosts, Severity: Low,
			Title: "no wildcard takes the DMARC policy for unknown names away",
			Refs:  []string{"RFC 9989 section 3.2.13", "RFC 4592 section 2.1.1"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := dnsStrayName(e); status != "" {
					return status, why
				}
				return dmarcRecord(e)
			},
			Judge: judgeDNSWildcardName,
		},
		{
			ID: "mx-wildcard", Area: AreaHosts, Severity: Low,
			Title: "no wildcard makes every name below the domain take mail",
			Refs:  []string{"RFC 7208 section 3.5", "RFC 4592 section 2.1.1"},
			When:  dnsStrayName,
			Judge: judgeMXWildcard,
		},
	}
}

// dnsStrayName guards the rules about the name that nobody chose. A resolver that
// invents addresses for names that do not exist proves nothing there.
func dnsStrayName(e *gather.Evidence) (Status, string) {
	if status, why := dnsExists(e); status != "" {
		return status, why
	}
	switch {
	case e.Stray.A.Ref == "":
		return NotApplicable, "names below the domain would be too long"
	case e.Vantage.Resolver != "":
		return Unknown, e.Vantage.Resolver
	}
	return "", ""
}

// judgeDNSWildcardName fails where the wildcard does harm: DMARC has a policy for
// names that do not exist, stricter than that for names that do, and as every
// name exists it never applies.
func judgeDNSWildcardName(e *gather.Evidence) []Verdict {
	var refs []wire.Ref
	var types []string
	var silent *wire.Asked
	for i, a := range e.Stray.Asked() {
		rrtype := []string{"A", "AAAA", "MX", "TXT"}[i]
		if a.Failed() && silent == nil {
			silent = &a
		}
		if len(a.Answer.Chain(a.Name)) > 0 {
			rrtype = "CNAME"
		} else if !a.Answer.Has(rrtype) {
			continue
		}
		refs = append(refs, a.Ref)
		if !slices.Contains(types, rrtype) {
			types = append(types, rrtype)
		}
	}
	below, unborn := e.DMARC.Walk.Subdomain, e.DMARC.Walk.NonExistent
	switch {
	case below.Unknown || unborn.Unknown:
		return unknown(dmarcSilent(e), "a lookup failed that decides about the DMARC policy of names below the domain")
	case unborn.Policy.Strength() <= below.Policy.Strength():
		return nil // nothing to lose
	case len(types) > 0:
		return fail(Low, append(refs, dmarcRefs(e, unborn.At)...), "a wildcard (%s) makes every name below the domain exist, so the DMARC policy for names that do not, %s=%s, never applies; the one for subdomains, %s, does",
			strings.Join(types, ", "), unborn.Tag, unborn.Asked, dmarcName(below.Policy))
	case silent != nil:
		status, why := dnsSilence(silent.Name, silent.Answer)
		return []Verdict{{Status: status, Evidence: []wire.Ref{silent.Ref}, Message: why}}
	}
	return nil
}

// judgeMXWildcard lets a null MX pass, which protects names that take no mail, and
// a wildcard that has its SPF record beside it.
func judgeMXWildcard(e *gather.Evidence) []Verdict {
	mx, txt := e.Stray.MX, e.Stray.TXT
	refs := []wire.Ref{mx.Ref}
	if mx.Failed() {
		status, why := dnsSilence(mx.Name+" MX", mx.Answer)
		return []Verdict{{Status: status, Evidence: refs, Message: why}}
	}
	var hosts []string
	for _, r := range mx.Answer.MX() {
		if r.Host != "." {
			hosts = append(hosts, r.Host)
		}
	}
	if len(hosts) == 0 {
		return nil
	}
	refs = append(refs, txt.Ref)
	switch records, _ := spf.Select(txt.Answer.TXT()); {
	case len(records) > 0:
		return nil
	case txt.Failed():
		status, why := dnsSilence(txt.Name+" TXT", txt.Answer)
		return []Verdict{{Status: status, Evidence: refs, Message: why}}
	}
	return fail(Low, refs, "a wildcard sends mail for every name below the domain to %s, and these names have no SPF record: mail from any of them looks as if it could be answered", dnsList(hosts))
}
