package tlsrpt

import (
	"context"
	"slices"
	"strings"

	"mxvet/internal/psl"
	"mxvet/internal/route"
	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// A Result is all that a domain shows about TLS-RPT.
type Result struct {
	Domain  string // lower case, without the final dot
	TXT     wire.Asked
	Chain   []string // targets of CNAMEs at _smtp._tls, in order
	Records []Record // those that senders select; reports are off unless it is exactly one
	Others  []Record // discarded by senders, but meant to be TLS-RPT records

	Destinations []Destination // of the one selected record
	Skipped      []string      // hosts beyond the first ten, not looked at

	// Places where the record is sometimes published by mistake, with what was
	// found there.
	Apex, Doubled Place
}

// A Place is a name where no TLS-RPT record belongs.
type Place struct {
	wire.Asked
	Records []Record // found there all the same, selected or not
}

// A Destination is one host that reports go to.
type Destination struct {
	Host        string
	Scheme      string // mailto or https
	URIs        []URI
	route.Route // of mail for mailto, of the web for https
}

const maxDestinations = 10

// Lookup finds the TLS-RPT record of a domain and looks at how to reach the hosts
// that it names. Domain is in A-labels.
func Lookup(ctx context.Context, src wire.Source, list *psl.List, domain string) *Result {
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	r := &Result{Domain: domain}
	var wg together.Group
	wg.Go(func() { r.Apex = place(ctx, src, domain) })
	wg.Go(func() { r.Doubled = place(ctx, src, "_smtp._tls."+domain+"."+domain) })
	wg.Go(func() {
		r.TXT = wire.Ask(ctx, src, "_smtp._tls."+domain, "TXT")
		r.Chain = r.TXT.Answer.Chain(r.TXT.Name)
		for _, text := range r.TXT.Answer.TXT() {
			if rec := Parse(text); rec.Selected {
				r.Records = append(r.Records, rec)
			} else if strings.Contains(strings.ToLower(text), "tlsrpt") || len(rec.RUA) > 0 {
				r.Others = append(r.Others, rec)
			}
		}
		if rec := r.Record(); rec != nil {
			r.look(ctx, src, list, rec)
		}
	})
	wg.Wait()
	return r
}

// look asks about all destinations at once.
func (r *Result) look(ctx context.Context, src wire.Source, list *psl.List, rec *Record) {
	for _, u := range rec.RUA {
		if !u.Valid || u.Host == "" {
			continue
		}
		i := slices.IndexFunc(r.Destinations, func(d Destination) bool { return d.Host == u.Host && d.Scheme == u.Scheme })
		if i < 0 {
			if len(r.Destinations) == maxDestinations {
				if !slices.Contains(r.Skipped, u.Host) {
					r.Skipped = append(r.Skipped, u.Host)
				}
				continue
			}
			i = len(r.Destinations)
			r.Destinations = append(r.Destinations, Destination{Host: u.Host, Scheme: u.Scheme})
		}
		r.Destinations[i].URIs = append(r.Destinations[i].URIs, u)
	}
	var wg together.Group
	for i := range r.Destinations {
		d := &r.Destinations[i]
		look := route.Web
		if d.Scheme == "mailto" {
			look = route.Lookup
		}
		wg.Go(func() { d.Route = look(ctx, src, list, d.Host) })
	}
	wg.Wait()
}

func place(ctx context.Context, src wire.Source, name string) Place {
	if len(name) > 253 {
		return Place{Asked: wire.Asked{Name: name, Answer: wire.Answer{Rcode: "NXDOMAIN"}}}
	}
	p := Place{Asked: wire.Ask(ctx, src, name, "TXT")}
	for _, text := range p.Answer.TXT() {
		if strings.Contains(strings.ToLower(text), "v=tlsrpt") {
			p.Records = append(p.Records, Parse(text))
		}
	}
	return p
}

// Record gives the record that senders use; nil where there is not exactly one to
// select.
func (r *Result) Record() *Record {
	if len(r.Records) != 1 {
		return nil
	}
	return &r.Records[0]
}
