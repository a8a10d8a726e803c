package gather

import (
	"context"
	"net/netip"
	"slices"

	"mxvet/internal/provider"
	"mxvet/internal/route"
	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// read takes over the hosts that mail goes to, and how that was found.
func (m *MXSet) read(way route.Route) {
	m.Ref, m.Answer = way.MX.Ref, way.MX.Answer
	m.Records = m.Answer.MX()
	state := way.State()
	m.Null, m.Implicit = state == route.NullMX, state == route.Address
	for _, t := range way.Targets() {
		m.Hosts = append(m.Hosts, Host{Name: t.Host, Pref: t.Pref})
	}
}

// talkToHosts resolves every MX host and holds one conversation with each of
// its addresses, all hosts side by side; the Source keeps an address's
// conversations one after the other.
func talkToHosts(ctx context.Context, src wire.Source, table *provider.Table, e *Evidence, relay <-chan struct{}) {
	watch := newVantageWatch(ctx, src, table, e.Options)
	var wg together.Group
	for i := range e.MX.Hosts {
		h := &e.MX.Hosts[i]
		var four, six []Address
		resolve := func(rrtype string, answer *wire.Answer, into *[]Address) {
			*answer = src.DNS(ctx, wire.Question{Name: h.Name, Type: rrtype})
			<-relay
			*into = converse(ctx, src, watch, e, h, answer.Addrs(), i < maxHosts)
		}
		wg.Go(func() {
			var both together.Group
			both.Go(func() { resolve("A", &h.A, &four) })
			both.Go(func() { resolve("AAAA", &h.AAAA, &six) })
			if i < maxHosts {
				q := wire.Question{Name: h.Name, Type: "TXT"}
				h.TXT.Ref = q.Ref()
				both.Go(func() { h.TXT.Answer = src.DNS(ctx, q) })
			}
			both.Wait()
			h.Addrs = slices.Concat(four, six)
		})
	}
	wg.Wait()
	e.Vantage.IPv4, e.Vantage.IPv6 = watch.end()
}

func converse(ctx context.Context, src wire.Source, watch *vantageWatch, e *Evidence, h *Host, ips []netip.Addr, probe bool) []Address {
	out := make([]Address, len(ips))
	var wg together.Group
	for i, ip := range ips {
		out[i].IP = ip
		if !probe || i >= maxAddresses || e.Options.Offline {
			continue
		}
		if _, special := e.Options.Special(ip); !special { // nobody outside sees its name
			wg.Go(func() { out[i].Reverse = reverse(ctx, src, ip) })
		}
		if e.Options.NoSMTP {
			continue
		}
		p := wire.Probe{Proto: "smtp", Addr: netip.AddrPortFrom(ip, 25), SNI: h.Name, Variant: "default"}
		p.Relay, out[i].RelayNotAsked = relayFor(e, h, i == 0 && ip.Is4())
		out[i].Ref = p.Ref()
		watch.begin(ip)
		wg.Go(func() {
			out[i].Session = src.Talk(ctx, p)
			watch.heard(ip, out[i].Session)
		})
	}
	wg.Wait()
	return out
}
