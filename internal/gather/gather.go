package gather

import (
	"context"
	"slices"
	"time"

	"mxvet/internal/bimi"
	"mxvet/internal/dkim"
	"mxvet/internal/dmarc"
	"mxvet/internal/mtasts"
	"mxvet/internal/provider"
	"mxvet/internal/psl"
	"mxvet/internal/route"
	"mxvet/internal/spf"
	"mxvet/internal/tlsrpt"
	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// Tables are the data sets that gathering needs.
type Tables struct {
	Suffixes  *psl.List
	Providers *provider.Table
}

// Domain gathers everything about one domain. It ends when all answers are
// there or ctx is done; what did not answer in time is a failure inside its
// answer. Source must remember answers (a wire.Tape does): several parts ask the
// same question on purpose, each when it is ready to.
func Domain(ctx context.Context, src wire.Source, tables Tables, at time.Time, domain string, o Options) *Evidence {
	e := &Evidence{Domain: domain, At: at, Options: o, Suffixes: tables.Suffixes, Failures: map[wire.Ref]Failure{}}
	src = &failureLog{Source: src, failed: e.Failures}
	ask := func(name, rrtype string) wire.Answer {
		return src.DNS(ctx, wire.Question{Name: name, Type: rrtype})
	}
	lists := newBlocklistRun(src, tables, domain, o)
	answered := pulse(ctx, src, domain, o)
	var wg together.Group

	// Everything whose name is known from the start goes out at once.
	for _, q := range []struct {
		rrtype string
		into   *wire.Answer
	}{
		{"A", &e.Apex.A}, {"AAAA", &e.Apex.AAAA}, {"TXT", &e.Apex.TXT}, {"NS", &e.Apex.NS}, {"SOA", &e.Apex.SOA},
	} {
		wg.Go(func() { *q.into = ask(domain, q.rrtype) })
	}
	wg.Go(func() {
		e.SPF = spf.Lookup(ctx, src, domain)
		var l leads
		l.addSPF(e.SPF)
		var inner together.Group
		inner.Go(func() { e.Senders, e.MoreSenders = senders(ctx, src, e.SPF, o) })
		inner.Go(func() { e.Evaluations = evaluate(ctx, src, domain, e.SPF, o, at) })
		inner.Go(func() { lists.earlySPF(ctx, e.SPF) })
		inner.Go(func() { registrations(ctx, src, tables.Suffixes, domain, l) }) // early; asked again below with the rest
		inner.Wait()
	})
	wg.Go(func() {
		var l leads
		l.addNS(ask(domain, "NS"))
		registrations(ctx, src, tables.Suffixes, domain, l)
	})
	wg.Go(func() { e.DMARC = dmarc.Lookup(ctx, src, tables.Suffixes, domain) })
	wg.Go(func() { e.MTASTS = mtasts.Lookup(ctx, src, domain, o.PolicyAssumed) })
	wg.Go(func() { e.TLSRPT = tlsrpt.Lookup(ctx, src, tables.Suffixes, domain) })
	wg.Go(func() { e.Nameservers = askServers(ctx, src, tables.Suffixes, domain, o) })
	wg.Go(func() { e.Stray = askStray(ctx, unlessDead(src, answered), domain, o) })
	wg.Go(func() { e.Subdomains = subdomains(ctx, unlessDead(src, answered), tables.Suffixes, domain, o) })
	wg.Go(func() { // remembered for when the providers of the MX hosts tell the rest
		if named := namedSelectors(o); len(named) > 0 {
			dkim.Lookup(ctx, unlessDead(src, answered), domain, named[:min(len(named), maxSelectors)], wire.Label(o.Seed, "selector", domain))
		}
	})
	wg.Go(func() { e.BIMI = indicator(ctx, src, tables.Suffixes, domain, o) })
	var trouble string
	var shown []wire.Ref
	wg.Go(func() { trouble, shown = testResolver(ctx, src, o) })
	wg.Go(func() { lists.begin(ctx) })
	wg.Go(func() { e.Authority = confirmEarly(ctx, src, domain, o) })

	relay := make(chan struct{})
	wg.Go(func() {
		defer close(relay)
		e.Relay = askToRelay(ctx, src, tables.Suffixes, domain, o)
	})

	// The MX answer opens the longest chain: addresses, then conversations.
	wg.Go(func() {
		e.MX.read(route.Follow(ctx, src, domain))
		e.Providers = detect(tables.Providers, e.MX.Hosts)
		var inner together.Group
		inner.Go(func() {
			var asked []dkim.Candidate
			asked, e.MoreSelectors = candidates(tables.Providers, e.Providers, o)
			e.DKIM = dkim.Lookup(ctx, unlessDead(src, answered), domain, asked, wire.Label(o.Seed, "selector", domain))
		})
		hosts := slices.Clone(e.MX.Hosts) // talkToHosts fills in the originals
		inner.Go(func() {
			talkToHosts(ctx, src, tables.Providers, e, relay)
			lookOutside(ctx, src, tables.Suffixes, e)
		})
		inner.Go(func() { lists.earlyHosts(ctx, hosts) })
		inner.Wait()
	})
	wg.Wait()

	var l leads
	l.addSPF(e.SPF)
	l.addNS(e.Apex.NS)
	l.addRest(e)
	var slips together.Group
	slips.Go(func() { e.Dotless, e.DotlessMore = dotless(ctx, src, tables, e) })
	slips.Go(func() { e.Pointers = pointers(ctx, src, tables.Suffixes, e) })
	e.Registrations = registrations(ctx, src, tables.Suffixes, domain, l)
	slips.Wait()
	e.Blocklists = lists.finish(ctx, e)
	if !e.Authority.Asked {
		e.Authority = confirmLate(ctx, src, e)
	}
	e.Vantage.Resolver, e.Vantage.ResolverRefs = trouble, shown
	dmarcRecord := wire.Ask(ctx, src, "_dmarc."+domain, "TXT")
	e.compareResolver(dmarcRecord)
	if fails := e.withheld(dmarcRecord); len(fails) > 0 { // all the rest is remembered
		return Domain(ctx, withholding{src, fails}, tables, at, domain, o)
	}
	e.Role = roleOf(e)
	return e
}

const areaInformation = "information" // score area of the rules about the brand indicator

func indicator(ctx context.Context, src wire.Source, list *psl.List, domain string, o Options) *bimi.Result {
	if slices.Contains(o.Skip, areaInformation) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, indicatorWait)
	defer cancel()
	return bimi.Lookup(ctx, src, domain, list.OrgDomain(domain, false), o.BIMISelector)
}

// detect says whose hosts the MX hosts are, and names these providers, best
// preference first, each once.
func detect(table *provider.Table, hosts []Host) []*provider.Provider {
	var out []*provider.Provider
	for i := range hosts {
		h := &hosts[i]
		if h.Provider = table.ByMX(h.Name); h.Provider != nil && !slices.Contains(out, h.Provider) {
			out = append(out, h.Provider)
		}
	}
	return out
}

// candidates lists the DKIM selectors to ask for: what the user named, then those
// of the zone text, then what the detected providers use, then common ones. More is
// how many of the named ones the bound leaves out.
func candidates(table *provider.Table, detected []*provider.Provider, o Options) (out []dkim.Candidate, more int) {
	seen := map[string]bool{}
	add := func(c dkim.Candidate) {
		switch {
		case seen[c.Selector]:
			return
		case len(out) < maxSelectors:
			out = append(out, c)
		case c.Source == dkim.SourceUser || c.Source == dkim.SourceZone:
			more++
		}
		seen[c.Selector] = true
	}
	for _, c := range namedSelectors(o) {
		add(c)
	}
	for _, s := range table.Selectors(detected) {
		source := dkim.SourceCommon
		if s.Provider != "" {
			source = dkim.SourceProvider
		}
		add(dkim.Candidate{Selector: s.Name, Source: source, Provider: s.Provider})
	}
	return out, more
}

// namedSelectors gives the selectors that are known without asking anybody.
func namedSelectors(o Options) []dkim.Candidate {
	var out []dkim.Candidate
	for _, s := range o.Selectors {
		out = append(out, dkim.Candidate{Selector: s, Source: dkim.SourceUser})
	}
	for _, s := range o.ZoneSelectors {
		if !slices.Contains(o.Selectors, s) {
			out = append(out, dkim.Candidate{Selector: s, Source: dkim.SourceZone})
		}
	}
	return out
}
