package gather

import (
	"context"
	"net/netip"
	"slices"
	"sync"

	"mxvet/internal/provider"
	"mxvet/internal/wire"
)

// read fills in what follows from the MX answer: the hosts that mail goes to.
// Where there is no MX RRset, mail goes to the domain's own address (RFC 5321
// section 5.1); only a proof that there is none says so.
func (m *MXSet) read(domain string, ask func(name, rrtype string) wire.Answer) {
	m.Records = m.Answer.MX()
	m.Null = len(m.Records) == 1 && m.Records[0].Host == "."
	if m.Answer.Missing("MX") && !m.Answer.NXDomain() {
		var four, six wire.Answer
		var wg sync.WaitGroup
		wg.Go(func() { four = ask(domain, "A") })
		wg.Go(func() { six = ask(domain, "AAAA") })
		wg.Wait()
		if m.Implicit = four.Has("A") || six.Has("AAAA"); m.Implicit {
			m.Hosts = []Host{{Name: domain}}
		}
		return
	}
	for _, r := range m.Records { // sorted by preference: the first mention of a host counts
		if r.Host != "." && !slices.ContainsFunc(m.Hosts, func(h Host) bool { return h.Name == r.Host }) {
			m.Hosts = append(m.Hosts, Host{Name: r.Host, Pref: r.Pref})
		}
	}
}

// talkToHosts resolves every MX host and holds one conversation with each of
// its addresses, all hosts side by side; the Source keeps an address's
// conversations one after the other.
func talkToHosts(ctx context.Context, src wire.Source, table *provider.Table, e *Evidence, relay <-chan struct{}) {
	watch := newVantageWatch(ctx, src, table, e.Options)
	var wg sync.WaitGroup
	for i := range e.MX.Hosts {
		h := &e.MX.Hosts[i]
		var four, six []Address
		resolve := func(rrtype string, answer *wire.Answer, into *[]Address) {
			*answer = src.DNS(ctx, wire.Question{Name: h.Name, Type: rrtype})
			<-relay
			*into = converse(ctx, src, watch, e, h, answer.Addrs(), i < maxHosts)
		}
		wg.Go(func() {
			var both sync.WaitGroup
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
	var wg sync.WaitGroup
	for i, ip := range ips {
		out[i].IP = ip
		if !probe || i >= maxAddresses || e.Options.Offline {
			continue
		}
		wg.Go(func() { out[i].Reverse = reverse(ctx, src, ip) })
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
