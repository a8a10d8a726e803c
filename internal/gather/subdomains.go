package gather

import (
	"context"
	"slices"
	"strings"

	"mxvet/internal/dmarc"
	"mxvet/internal/psl"
	"mxvet/internal/spf"
	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// A Subdomain is a name below the domain that the user named. Names below a
// domain cannot be listed from outside, and of the protocols here only DMARC is
// inherited: each name needs records of its own.
type Subdomain struct {
	Name        string
	A, AAAA, MX wire.Asked
	SPF         *spf.Tree
	DMARC       *dmarc.Discovery
	MTASTS      wire.Asked // the TXT question at _mta-sts
	TLSRPT      wire.Asked // the TXT question at _smtp._tls
}

// subdomains asks about those of the named ones that are below the domain, each
// once, in their order.
func subdomains(ctx context.Context, src wire.Source, list *psl.List, domain string, o Options) []Subdomain {
	var out []Subdomain
	for _, name := range o.Subdomains {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		if !strings.HasSuffix(name, "."+domain) || len(out) == MaxSubdomains ||
			slices.ContainsFunc(out, func(s Subdomain) bool { return s.Name == name }) {
			continue
		}
		out = append(out, Subdomain{Name: name})
	}
	var wg together.Group
	for i := range out {
		s := &out[i]
		for _, q := range []struct {
			name, rrtype string
			into         *wire.Asked
		}{
			{s.Name, "A", &s.A},
			{s.Name, "AAAA", &s.AAAA},
			{s.Name, "MX", &s.MX},
			{"_mta-sts." + s.Name, "TXT", &s.MTASTS},
			{"_smtp._tls." + s.Name, "TXT", &s.TLSRPT},
		} {
			wg.Go(func() { *q.into = wire.Ask(ctx, src, q.name, q.rrtype) })
		}
		wg.Go(func() { s.SPF = spf.Lookup(ctx, src, s.Name) })
		wg.Go(func() { s.DMARC = dmarc.Discover(ctx, src, list, s.Name) })
	}
	wg.Wait()
	return out
}
