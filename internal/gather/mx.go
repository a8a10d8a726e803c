package gather

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

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
	targets := way.Targets()
	m.Count = len(targets)
	for i, t := range targets[:min(m.Count, maxNamed)] {
		h := Host{Name: t.Host, Pref: t.Pref}
		if i >= maxLookedUp {
			none := wire.Answer{Fail: &wire.Fail{Kind: wire.FailLimit, Text: leftOut(targets[maxLookedUp:], m.Count)}}
			h.A, h.AAAA = none, none
		}
		m.Hosts = append(m.Hosts, h)
	}
}

// leftOut says of how many hosts nothing was looked up, and of which.
func leftOut(targets []wire.MX, all int) string {
	const named = 5
	var names []string
	for _, t := range targets[:min(len(targets), named)] {
		names = append(names, t.Host)
	}
	text := fmt.Sprintf("%d of %d mail hosts were not looked up, all after the first %d: %s", len(targets), all, all-len(targets), strings.Join(names, ", "))
	if more := len(targets) - named; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// Names gives the name of each host, also of those that are not kept.
func (m *MXSet) Names() []string {
	var out []string
	seen := map[string]bool{".": true}
	for _, h := range m.Hosts {
		seen[h.Name] = true
		out = append(out, h.Name)
	}
	for _, r := range m.Records {
		if !seen[r.Host] {
			seen[r.Host] = true
			out = append(out, r.Host)
		}
	}
	return out
}

// talkToHosts resolves every MX host and holds one conversation with each of
// its addresses, all hosts side by side; the Source keeps an address's
// conversations one after the other.
func talkToHosts(ctx context.Context, src wire.Source, table *provider.Table, e *Evidence, relay <-chan struct{}) {
	watch := newVantageWatch(ctx, src, table, e.Options)
	var wg together.Group
	for i := range e.MX.Hosts[:min(len(e.MX.Hosts), maxLookedUp)] {
		h := &e.MX.Hosts[i]
		var four, six []Address
		var more [2]int
		resolve := func(rrtype string, answer *wire.Answer, into *[]Address, more *int) {
			*answer = src.DNS(ctx, wire.Question{Name: h.Name, Type: rrtype})
			<-relay
			var ips []netip.Addr
			ips, *more = cut(answer.Addrs(), maxKept)
			*into = converse(ctx, src, watch, e, h, ips, i < maxHosts)
		}
		wg.Go(func() {
			var both together.Group
			both.Go(func() { resolve("A", &h.A, &four, &more[0]) })
			both.Go(func() { resolve("AAAA", &h.AAAA, &six, &more[1]) })
			if i < maxHosts {
				q := wire.Question{Name: h.Name, Type: "TXT"}
				h.TXT.Ref = q.Ref()
				both.Go(func() { h.TXT.Answer = src.DNS(ctx, q) })
			}
			both.Wait()
			h.Addrs, h.MoreAddrs = slices.Concat(four, six), more[0]+more[1]
		})
	}
	defer func() { e.Vantage.IPv4, e.Vantage.IPv6 = watch.end() }() // after a panic too: nobody is to watch on
	wg.Wait()
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
		p.Relay, out[i].RelayNotAsked = relayFor(e, h, ip, i == 0 && ip.Is4())
		out[i].Ref = p.Ref()
		watch.begin(ip)
		wg.Go(func() {
			out[i].Session = src.Talk(wire.OnGreeting(ctx, func() { watch.greeted(ip) }), p)
			watch.heard(ip, out[i].Session)
		})
	}
	wg.Wait()
	return out
}
