// Package route says where mail for a name goes, as a sender finds it out (RFC
// 5321 section 5.1): to the hosts of the MX RRset, best preference first; where
// there is proof of no MX RRset, to the addresses of the name itself (implicit
// MX); nowhere where the only MX record is null (RFC 7505). Each step keeps its
// answer, since a lookup that failed is never a proof of absence: what hangs on
// one is unknown.
package route

import (
	"context"
	"net/netip"
	"slices"

	"mxvet/internal/psl"
	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// A Route is what the DNS says about getting mail to a domain. A question that was
// not asked has no Ref.
type Route struct {
	Domain  string
	MX      wire.Asked // not asked of the host of a web address
	A, AAAA wire.Asked // at Domain; by Follow asked only where there is no MX RRset
	// Registered is the NS question for the name that is registered with a
	// registry. It is not asked where Domain is that name itself; its Name is ""
	// where Domain is a public suffix, or by Follow.
	Registered wire.Asked
}

// A State is the outcome of a Route.
type State string

// The states.
const (
	MX           State = "mx"           // MX records; their hosts are not looked at here
	Address      State = "address"      // an address, where no MX says otherwise
	NullMX       State = "null-mx"      // takes no mail (RFC 7505)
	None         State = "none"         // exists, with neither MX nor address
	NXDomain     State = "nxdomain"     // does not exist
	Unregistered State = "unregistered" // nor does the registrable name: somebody else may register it
	Unknown      State = "unknown"
)

// Lookup asks at once all that may be needed, so that it takes one round trip.
func Lookup(ctx context.Context, src wire.Source, list *psl.List, domain string) Route {
	r := Route{Domain: domain}
	var wg together.Group
	wg.Go(func() { r.MX = wire.Ask(ctx, src, domain, "MX") })
	wg.Go(func() { r.web(ctx, src, list) })
	wg.Wait()
	return r
}

// Web is Lookup for the host of a web address, to which MX records mean nothing.
func Web(ctx context.Context, src wire.Source, list *psl.List, host string) Route {
	r := Route{Domain: host}
	r.web(ctx, src, list)
	return r
}

func (r *Route) web(ctx context.Context, src wire.Source, list *psl.List) {
	var wg together.Group
	wg.Go(func() { r.addresses(ctx, src) })
	if name := list.Registrable(r.Domain); name == "" || name == r.Domain {
		r.Registered.Name = name
	} else {
		wg.Go(func() { r.Registered = wire.Ask(ctx, src, name, "NS") })
	}
	wg.Wait()
}

// Follow goes step by step: addresses of the name itself are asked for only once
// it is proven that there is no MX RRset.
func Follow(ctx context.Context, src wire.Source, domain string) Route {
	r := Route{Domain: domain, MX: wire.Ask(ctx, src, domain, "MX")}
	if r.MX.Answer.Missing("MX") && !r.MX.Answer.NXDomain() {
		r.addresses(ctx, src)
	}
	return r
}

func (r *Route) addresses(ctx context.Context, src wire.Source) {
	r.A, r.AAAA = both(ctx, src, r.Domain)
}

func both(ctx context.Context, src wire.Source, name string) (four, six wire.Asked) {
	var wg together.Group
	wg.Go(func() { four = wire.Ask(ctx, src, name, "A") })
	wg.Go(func() { six = wire.Ask(ctx, src, name, "AAAA") })
	wg.Wait()
	return four, six
}

// State sums the route up.
func (r *Route) State() State {
	lead := r.A
	if r.MX.Ref != "" {
		lead = r.MX
		switch mx := r.MX.Answer.MX(); {
		case null(mx):
			return NullMX
		case len(mx) > 0:
			return MX
		case r.MX.Failed():
			return Unknown
		}
	}
	switch {
	case r.contradicted():
		return Unknown
	case lead.Answer.NXDomain():
		if !lead.Answer.Has("CNAME") && !psl.Local(r.Domain) && (r.Registered.Name == r.Domain || r.Registered.Answer.NXDomain()) {
			return Unregistered
		}
		return NXDomain
	case r.A.Answer.Has("A") || r.AAAA.Answer.Has("AAAA"):
		return Address
	case r.A.Failed() || r.AAAA.Failed():
		return Unknown
	}
	return None
}

// null reports a single record with target ".", whatever its preference.
func null(mx []wire.MX) bool { return len(mx) == 1 && mx[0].Host == "." }

// Failed gives the first step that failed of those on which an unknown state
// rests; ok is false where none did.
func (r *Route) Failed() (asked wire.Asked, ok bool) {
	for _, a := range []wire.Asked{r.MX, r.A, r.AAAA} {
		if a.Ref != "" && a.Failed() {
			return a, true
		}
	}
	if r.contradicted() {
		return r.MX, true
	}
	return wire.Asked{}, false
}

// contradicted reports that one question says that the name does not exist, and
// another that it does: somebody answers wrongly, and nothing follows.
func (r *Route) contradicted() bool {
	if r.MX.Ref == "" || !r.MX.Answer.NXDomain() {
		return false
	}
	exists := func(a wire.Asked) bool { return a.Ref != "" && a.Answer.OK() && !a.Answer.NXDomain() }
	return exists(r.A) || exists(r.AAAA)
}

// Asked gives the questions that were asked.
func (r *Route) Asked() []wire.Asked {
	return slices.DeleteFunc([]wire.Asked{r.MX, r.A, r.AAAA, r.Registered}, func(a wire.Asked) bool { return a.Ref == "" })
}

// Targets gives the hosts that take the mail, best preference first, each once;
// the domain itself, with preference 0, where it has an address and no MX. None
// are given where mail goes nowhere, or where that is unknown.
func (r *Route) Targets() []wire.MX {
	if r.MX.Ref != "" && r.State() == Address {
		return []wire.MX{{Host: r.Domain}}
	}
	var out []wire.MX
	seen := map[string]bool{".": true}
	for _, m := range r.MX.Answer.MX() { // the first mention of a host counts
		if !seen[m.Host] {
			seen[m.Host] = true
			out = append(out, m)
		}
	}
	return out
}

// Destinations are the addresses that mail for a domain is delivered to.
type Destinations struct {
	State State
	Addrs []netip.Addr
	Whole bool       // nothing failed and nothing was left out: there are no others
	Lost  wire.Asked // a question that failed, its Ref "" where none did
}

// Addresses goes on to the addresses of the targets, of the first most of them.
func (r *Route) Addresses(ctx context.Context, src wire.Source, most int) Destinations {
	targets := r.Targets()
	d := Destinations{State: r.State(), Whole: len(targets) <= most && !r.MX.Failed()}
	if d.State == Unknown {
		d.Whole = false
	}
	if r.MX.Failed() || d.State == Unknown {
		d.Lost, _ = r.Failed()
	}
	targets = targets[:min(len(targets), most)]
	found := make([][2]wire.Asked, len(targets))
	var wg together.Group
	for i, t := range targets {
		wg.Go(func() { found[i][0], found[i][1] = both(ctx, src, t.Host) })
	}
	wg.Wait()
	for _, f := range found {
		for _, a := range f {
			d.Addrs = append(d.Addrs, a.Answer.Addrs()...)
			if a.Failed() && d.Lost.Ref == "" {
				d.Lost = a
			}
			d.Whole = d.Whole && !a.Failed()
		}
	}
	return d
}
