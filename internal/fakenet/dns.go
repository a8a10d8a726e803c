package fakenet

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// A dnsServer answers DNS questions at one or more addresses: as an authority
// for some zones, or as the resolver for all of them.
type dnsServer struct {
	name     string
	addr     netip.Addr
	resolver bool
	zones    map[string]*zone // of an authority
}

// serve gives each address its services, DNS among them.
func (w *World) serve(hosts []*hostSpec, resolver, registry *hostSpec) error {
	byAddr := map[netip.Addr]*endpoint{}
	for _, h := range hosts {
		if h.Name == w.hosts.Vantage.Name {
			continue
		}
		es, err := w.listen(h)
		if err != nil {
			return err
		}
		for _, e := range es {
			if old := byAddr[e.addr]; old != nil {
				return fmt.Errorf("hosts.yaml: %s is the address of both %s and %s", e.addr, old.host.Name, h.Name)
			}
			byAddr[e.addr] = e
			w.endpoints = append(w.endpoints, e)
			if h == resolver {
				if err := w.resolveAt(e); err != nil {
					return err
				}
			}
		}
	}
	for _, z := range w.sortedZones() {
		for _, rr := range z.get(z.origin, dns.TypeNS) {
			server := fqdn(rr.(*dns.NS).Ns)
			for _, a := range w.addressesOf(server, hosts) {
				w.authority(byAddr, z, server, a)
			}
		}
	}
	for name := range maps.Keys(w.variants) {
		origin, server, _ := strings.Cut(name, "@")
		if w.zones[origin] == nil {
			return fmt.Errorf("zone/%s: there is no zone %s", name, origin)
		}
		for _, a := range w.addressesOf(fqdn(server), hosts) {
			w.authority(byAddr, w.variants[name], fqdn(server), a)
		}
		if len(w.addressesOf(fqdn(server), hosts)) == 0 {
			return fmt.Errorf("zone/%s: the server %s has no address", name, server)
		}
	}
	return w.dns.check()
}

// resolveAt makes an endpoint the resolver, over UDP, TCP, TLS and HTTPS.
func (w *World) resolveAt(e *endpoint) error {
	e.dns = &dnsServer{name: fqdn(e.host.Name), addr: e.addr, resolver: true}
	w.servers = append(w.servers, e.dns)
	cert := &certSpec{Names: append(list{e.host.Name}, e.host.Addrs...)}
	if e.host.TLS != nil {
		cert = e.host.TLS
	}
	if err := cert.check(w); err != nil {
		return fmt.Errorf("hosts.yaml: resolver: tls: %w", err)
	}
	e.services = map[uint16]*service{
		53:  {kind: "dns"},
		853: {kind: "dot", tls: cert},
		443: {kind: "doh", tls: cert},
	}
	return nil
}

// addressesOf gives where a name server listens: the addresses of the host of
// that name, and those that the DNS gives for it.
func (w *World) addressesOf(server string, hosts []*hostSpec) []netip.Addr {
	var out []netip.Addr
	for _, h := range hosts {
		if fqdn(h.Name) == server {
			addrs, _ := parseAddrs("", h.Addrs)
			out = append(out, addrs...)
		}
	}
	for _, t := range []uint16{dns.TypeA, dns.TypeAAAA} {
		for _, rr := range w.resolve(server, t).answer {
			switch rr := rr.(type) {
			case *dns.A:
				a, _ := netip.AddrFromSlice(rr.A.To4())
				out = append(out, a)
			case *dns.AAAA:
				a, _ := netip.AddrFromSlice(rr.AAAA.To16())
				out = append(out, a)
			}
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

// authority makes the address answer for the zone.
func (w *World) authority(byAddr map[netip.Addr]*endpoint, z *zone, name string, a netip.Addr) {
	e := byAddr[a]
	if e == nil {
		h := &hostSpec{Name: strings.TrimSuffix(name, ".")}
		e = &endpoint{host: h, addr: a, latency: time.Duration(w.hosts.Latency)}
		byAddr[a] = e
		w.endpoints = append(w.endpoints, e)
	}
	if e.dns == nil {
		e.dns = &dnsServer{name: name, addr: a, zones: map[string]*zone{}}
		w.servers = append(w.servers, e.dns)
		e.services = maps.Clone(e.services)
		if e.services == nil {
			e.services = map[uint16]*service{}
		}
		e.services[53] = &service{kind: "dns", fault: e.host.Fault}
	}
	if !e.dns.resolver {
		e.dns.zones[z.origin] = z
	}
}

// A result is what the data say about a question.
type result struct {
	rcode  int
	aa     bool
	answer []dns.RR
	ns     []dns.RR
	extra  []dns.RR
	ede    string
	hollow bool // the name exists only because of names below it
}

// look answers from one zone: it does not leave it (RFC 1034 section 4.3.2).
// next is the name to go on with, where a CNAME leads out of the zone.
func (z *zone) look(name string, qtype uint16) (r result, next string) {
	r.aa = true
	for range 16 {
		if cut := z.cut(name, qtype); cut != "" {
			return z.refer(r, cut), ""
		}
		owner := z.match(name)
		if owner == "" {
			if target := z.dname(name, &r); target != "" {
				if !dns.IsSubDomain(z.origin, target) {
					return r, target
				}
				name = target
				continue
			}
			r.rcode = dns.RcodeNameError
			r.ns = append(r.ns, z.negative()...)
			return r, ""
		}
		if rrs := z.pick(owner, name, qtype); len(rrs) > 0 {
			r.answer = append(r.answer, rrs...)
			return r, ""
		}
		alias := z.pick(owner, name, dns.TypeCNAME)
		if len(alias) == 0 {
			r.hollow = len(z.nodes[owner]) == 0
			r.ns = append(r.ns, z.negative()...)
			return r, ""
		}
		r.answer = append(r.answer, alias...)
		name = fqdn(alias[0].(*dns.CNAME).Target)
		if !dns.IsSubDomain(z.origin, name) {
			return r, name
		}
	}
	return r, "" // a loop: what was found so far, as servers do
}

// cut gives the highest name at or above name at which another zone begins. For
// DS the question at the cut itself belongs to this side (RFC 4035 section 3.1.4.1).
func (z *zone) cut(name string, qtype uint16) string {
	found := ""
	for at := name; at != z.origin && dns.IsSubDomain(z.origin, at); at = parent(at) {
		if len(z.get(at, dns.TypeNS)) > 0 && (at != name || qtype != dns.TypeDS) {
			found = at
		}
	}
	return found
}

func (z *zone) refer(r result, cut string) result {
	r.aa = len(r.answer) > 0
	r.ns = append(r.ns, z.get(cut, dns.TypeNS)...)
	r.ns = append(r.ns, z.get(cut, dns.TypeDS)...)
	for _, rr := range z.get(cut, dns.TypeNS) {
		host := fqdn(rr.(*dns.NS).Ns)
		r.extra = append(r.extra, z.get(host, dns.TypeA)...)
		r.extra = append(r.extra, z.get(host, dns.TypeAAAA)...)
	}
	return r
}

// match gives the owner whose records answer for the name: itself, or the
// wildcard below its closest encloser (RFC 4592 section 3.3.1); "" if there is none.
func (z *zone) match(name string) string {
	if z.nodes[name] != nil {
		return name
	}
	at := parent(name)
	for z.nodes[at] == nil && at != z.origin {
		at = parent(at)
	}
	wild := "*." + at
	if at == "." {
		wild = "*."
	}
	if z.nodes[wild] != nil {
		return wild
	}
	return ""
}

// pick gives the records of the type, with the asked name as their owner.
func (z *zone) pick(owner, name string, qtype uint16) []dns.RR {
	var out []dns.RR
	take := func(rrs []dns.RR) {
		for _, rr := range rrs {
			if owner != name {
				rr = dns.Copy(rr)
				rr.Header().Name = name
			}
			out = append(out, rr)
		}
	}
	if qtype != dns.TypeANY {
		take(z.get(owner, qtype))
		return out
	}
	for _, t := range slices.Sorted(maps.Keys(z.nodes[owner])) {
		take(z.get(owner, t))
	}
	return out
}

// dname follows a DNAME above the name (RFC 6672): it adds it and the CNAME made
// from it to the answer, and gives the new name.
func (z *zone) dname(name string, r *result) string {
	for at := parent(name); dns.IsSubDomain(z.origin, at); at = parent(at) {
		if rrs := z.get(at, dns.TypeDNAME); len(rrs) > 0 {
			d := rrs[0].(*dns.DNAME)
			target := fqdn(strings.TrimSuffix(name, at) + d.Target)
			if _, ok := dns.IsDomainName(target); !ok {
				return ""
			}
			r.answer = append(r.answer, d, &dns.CNAME{
				Hdr:    dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: d.Hdr.Ttl},
				Target: target,
			})
			return target
		}
		if at == z.origin {
			break
		}
	}
	return ""
}

// negative gives the SOA that goes with an answer without records; its TTL is
// how long that may be remembered (RFC 2308 section 3).
func (z *zone) negative() []dns.RR {
	rrs := z.get(z.origin, dns.TypeSOA)
	if len(rrs) == 0 {
		return nil
	}
	soa := dns.Copy(rrs[0]).(*dns.SOA)
	soa.Hdr.Ttl = min(soa.Hdr.Ttl, soa.Minttl)
	return []dns.RR{soa}
}

// authoritative answers as a server that has these zones and no others.
func (s *dnsServer) authoritative(name string, qtype uint16) result {
	z := deepest(s.zones, name)
	if z != nil && qtype == dns.TypeDS && z.origin == name && name != "." {
		if up := deepest(s.zones, parent(name)); up != nil {
			z = up
		}
	}
	if z == nil {
		return result{rcode: dns.RcodeRefused}
	}
	var all result
	for range 16 {
		r, next := z.look(name, qtype)
		r.answer = append(all.answer, r.answer...)
		all = r
		if next == "" {
			break
		}
		if z = deepest(s.zones, next); z == nil {
			break // the rest is elsewhere; the client goes on
		}
		name = next
	}
	return all
}

// resolve answers as a resolver does: from all zones, through all aliases.
func (w *World) resolve(name string, qtype uint16) result {
	var all result
	for range 16 {
		z := deepest(w.zones, name)
		if qtype == dns.TypeDS && z.origin == name && name != "." {
			z = deepest(w.zones, parent(name))
		}
		r, next := z.look(name, qtype)
		r.answer = append(all.answer, r.answer...)
		all = r
		all.aa = false
		if referred(r) {
			return result{rcode: dns.RcodeServerFailure, ede: "22 no server of the zone answers for it"}
		}
		if next == "" {
			all.extra = nil
			return all
		}
		name = next
	}
	return result{rcode: dns.RcodeServerFailure, ede: "0 too many aliases"}
}

// referred reports that the answer only points at other servers.
func referred(r result) bool {
	return r.rcode == dns.RcodeSuccess && len(r.ns) > 0 && r.ns[0].Header().Rrtype == dns.TypeNS
}
