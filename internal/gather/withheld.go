package gather

import (
	"context"
	"fmt"
	"slices"

	"mxvet/internal/wire"
)

// A resolver may deny a record that every server of the zone has: out of a cache that
// is older than the record, or because somebody filters. Its word is then no proof
// that there is none, so such a denial is taken as a question without an answer; and
// so is one that nobody could confirm, since the servers could not be looked up.

// withheld gives the questions whose denial the zone's servers contradict, or could
// not be asked about because the lookup of their names failed.
func (e *Evidence) withheld(dmarc wire.Asked) map[wire.Ref]*wire.Fail {
	out := map[wire.Ref]*wire.Fail{}
	for _, c := range []struct {
		name, rrtype string
		said         wire.Answer
		of           func(Direct) wire.Asked
	}{
		{e.Domain, "MX", e.MX.Answer, func(d Direct) wire.Asked { return d.MX }},
		{e.Domain, "TXT", e.Apex.TXT, func(d Direct) wire.Asked { return d.TXT }},
		{dmarc.Name, "TXT", dmarc.Answer, func(d Direct) wire.Asked { return d.DMARC }},
	} {
		if c.said.NXDomain() && c.name == e.Domain || c.said.Assumed || c.said.TCPFailed || !c.said.Missing(c.rrtype) {
			continue // of a name that is denied whole, compareResolver tells
		}
		ref := wire.Question{Name: c.name, Type: c.rrtype}.Ref()
		if ns := e.Nameservers.NS; ns.Failed() && !e.serversLeftOut() && !e.MX.Answer.NXDomain() {
			out[ref] = &wire.Fail{
				Kind: wire.FailWithheld, Text: fmt.Sprintf("the resolver says that there is no %s record at %s, and who serves the zone, and could confirm it, could not be looked up (NS of %s: %s)", c.rrtype, c.name, ns.Name, ns.Answer.Fail),
			}
			continue
		}
		if s, has := e.Nameservers.contradicts(c.rrtype, c.of); has {
			out[ref] = &wire.Fail{
				Kind: wire.FailWithheld, Text: fmt.Sprintf("the resolver says that there is no %s record at %s, and %s [%s], asked directly, has one", c.rrtype, c.name, s.Name, s.Addr),
			}
		}
	}
	return out
}

// serversLeftOut reports that the user wants no server asked directly.
func (e *Evidence) serversLeftOut() bool {
	return e.Options.Offline || e.Options.NoServers || slices.Contains(e.Options.Skip, areaHosts)
}

// contradicts gives a server that has records of that type, where every server that
// answered with authority has some: where they differ, the resolver may have asked
// another one.
func (n Nameservers) contradicts(rrtype string, of func(Direct) wire.Asked) (has Direct, yes bool) {
	for _, d := range n.Servers {
		switch a := of(d).Answer; {
		case !a.OK() || !a.AA:
		case !a.Has(rrtype):
			return Direct{}, false
		default:
			has, yes = d, true
		}
	}
	return has, yes
}

// A withholding Source gives no answer to some questions, and says why.
type withholding struct {
	wire.Source
	fails map[wire.Ref]*wire.Fail
}

// DNS asks what is behind, unless the answer is known to be withheld.
func (w withholding) DNS(ctx context.Context, q wire.Question) wire.Answer {
	if f := w.fails[q.Ref()]; f != nil {
		return wire.Answer{Fail: f}
	}
	return w.Source.DNS(ctx, q)
}
