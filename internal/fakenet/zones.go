package fakenet

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

const defaultTTL = 3600

// A zone is the data of one zone. A name without records of its own that has
// names below it (an empty non-terminal) is in nodes too.
type zone struct {
	origin  string // lower case, final dot
	nodes   map[string]map[uint16][]dns.RR
	written map[string]bool // names with an address or alias in the author's text; nil: no author
}

func newZone(origin string) *zone {
	return &zone{origin: origin, nodes: map[string]map[uint16][]dns.RR{origin: {}}}
}

// add puts a record in, and its name and the names between it and the apex.
func (z *zone) add(rr dns.RR) {
	name := dns.CanonicalName(rr.Header().Name)
	rrtype := rr.Header().Rrtype
	z.touch(name)
	for _, old := range z.nodes[name][rrtype] {
		if dns.IsDuplicate(old, rr) {
			return
		}
	}
	z.nodes[name][rrtype] = append(z.nodes[name][rrtype], rr)
}

// write adds a record of the author's text.
func (z *zone) write(rr dns.RR) {
	z.add(rr)
	switch rr.Header().Rrtype {
	case dns.TypeA, dns.TypeAAAA, dns.TypeCNAME:
		z.written[fqdn(rr.Header().Name)] = true
	}
}

func (z *zone) touch(name string) {
	for at := name; dns.IsSubDomain(z.origin, at); at = parent(at) {
		if z.nodes[at] == nil {
			z.nodes[at] = map[uint16][]dns.RR{}
		}
		if at == z.origin {
			return
		}
	}
}

func (z *zone) get(name string, rrtype uint16) []dns.RR { return z.nodes[name][rrtype] }

// parent takes the first label off; the root is its own parent.
func parent(name string) string {
	i, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[i:]
}

// fqdn gives a name in the form that zones are keyed by.
func fqdn(name string) string { return dns.CanonicalName(name) }

func record(format string, args ...any) dns.RR {
	rr, err := dns.NewRR(fmt.Sprintf(format, args...))
	if err != nil {
		panic("fakenet: built-in record: " + err.Error()) // names were checked when they were read
	}
	return rr
}

// plainName reports whether a name can stand in zone text as it is.
func plainName(name string) bool {
	_, ok := dns.IsDomainName(name)
	if !ok || name == "" {
		return false
	}
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`;"\()@$`, c) >= 0 {
			return false
		}
	}
	return true
}

// readZone parses the section "zone/NAME" or "zone/NAME@SERVER".
func (w *World) readZone(s section, name string) error {
	name, server, isVariant := strings.Cut(name, "@")
	origin := fqdn(name)
	if !plainName(origin) {
		return fmt.Errorf("line %d: zone name %q", s.line, name)
	}
	z := newZone(origin)
	z.written = map[string]bool{}
	zp := dns.NewZoneParser(bytes.NewReader(s.padded()), origin, s.name)
	zp.SetDefaultTTL(defaultTTL)
	for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
		if !dns.IsSubDomain(origin, fqdn(rr.Header().Name)) {
			return fmt.Errorf("%s: %s is not in this zone", s.name, rr.Header().Name)
		}
		z.write(rr)
	}
	if err := zp.Err(); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	if isVariant {
		w.variants[origin+"@"+server] = z
		return nil
	}
	if w.zones[origin] != nil {
		return fmt.Errorf("line %d: zone %s stands twice", s.line, origin)
	}
	w.zones[origin] = z
	return nil
}

// Hosts that every world has, unless it names its own.
const (
	resolverName = "resolver.test"
	resolverAddr = "192.0.2.53"
	registryName = "a.registry.test"
	controlName  = "mx.control.test" // a mail server that is certainly up
)

// nameservers are the hosts that serve zones without NS records.
func nameservers() []*hostSpec {
	return []*hostSpec{
		{Name: "ns1.dns.test", Addrs: []string{"203.0.113.251", "2001:db8:ffff::251"}},
		{Name: "ns2.dns.test", Addrs: []string{"198.51.100.252", "2001:db8:fffe::252"}},
	}
}

// deepest gives the zone that holds a name, nil if there is none.
func deepest(zones map[string]*zone, name string) *zone {
	for at := name; ; at = parent(at) {
		if z := zones[at]; z != nil {
			return z
		}
		if at == "." {
			return nil
		}
	}
}

// complete adds what an author need not write: block lists, addresses and
// reverse names of hosts, SOA and NS, parents and their delegations, DNS servers.
func (w *World) complete() error {
	if err := w.addLists(); err != nil {
		return err
	}
	hosts := slices.Clone(w.hosts.Hosts)
	if i := slices.Index(hosts, nil); i >= 0 {
		return fmt.Errorf("hosts.yaml: host %d is empty", i+1)
	}
	if w.hosts.Vantage.Name != "" {
		h := &hostSpec{Name: w.hosts.Vantage.Name}
		for _, a := range []string{w.vantage4(), w.vantage6()} {
			if a != "none" {
				h.Addrs = append(h.Addrs, a)
			}
		}
		hosts = append(hosts, h)
	}
	resolver := &hostSpec{Name: resolverName, Addrs: []string{resolverAddr}, TLS: w.hosts.Resolver.TLS, Latency: w.hosts.Resolver.Latency}
	if r := w.hosts.Resolver; r.Name != "" {
		resolver.Name = r.Name
	}
	if r := w.hosts.Resolver; len(r.Addrs) > 0 {
		resolver.Addrs = r.Addrs
	}
	registry := &hostSpec{Name: registryName, Addrs: []string{"203.0.113.253", "2001:db8:ffff::253"}}
	hosts = append(append(hosts, resolver, registry), nameservers()...)
	if !slices.ContainsFunc(hosts, func(h *hostSpec) bool { return fqdn(h.Name) == controlName+"." }) {
		hosts = append(hosts, &hostSpec{Name: controlName, Addrs: []string{"203.0.113.250", "2001:db8:ffff::250"}, SMTP: &smtpSpec{}})
	}

	for _, h := range hosts {
		if !plainName(h.Name) {
			return fmt.Errorf("hosts.yaml: %q is no host name", h.Name)
		}
		if err := w.publish(h); err != nil {
			return err
		}
	}
	for _, z := range w.allZones() {
		w.nameZone(z)
	}
	w.addParents()
	if err := w.publishReverse(hosts); err != nil {
		return err
	}
	w.addParents() // the reverse zones need parents too
	for _, z := range w.sortedZones() {
		w.delegate(z)
	}
	return w.serve(hosts, resolver, registry)
}

// allZones gives zones and variants, in a fixed order.
func (w *World) allZones() []*zone {
	out := w.sortedZones()
	for _, k := range slices.Sorted(maps.Keys(w.variants)) {
		out = append(out, w.variants[k])
	}
	return out
}

func (w *World) sortedZones() []*zone {
	var out []*zone
	for _, k := range slices.Sorted(maps.Keys(w.zones)) {
		out = append(out, w.zones[k])
	}
	return out
}

// publish adds the addresses of a host to its zone, unless the zone's author
// wrote an address or an alias at that name.
func (w *World) publish(h *hostSpec) error {
	addrs, err := parseAddrs("hosts.yaml: "+h.Name, h.Addrs)
	if err != nil || h.Unpublished {
		return err
	}
	name := fqdn(h.Name)
	z := deepest(w.zones, name)
	if z == nil {
		origin := parent(name)
		if dns.CountLabel(name) < 3 {
			origin = name
		}
		z = newZone(origin)
		w.zones[origin] = z
	}
	targets := []*zone{z}
	for _, k := range slices.Sorted(maps.Keys(w.variants)) {
		if v := w.variants[k]; v.origin == z.origin {
			targets = append(targets, v)
		}
	}
	for _, t := range targets {
		if t.written[name] {
			continue
		}
		for _, a := range addrs {
			rrtype := "AAAA"
			if a.Is4() {
				rrtype = "A"
			}
			t.add(record("%s %d IN %s %s", name, defaultTTL, rrtype, a))
		}
	}
	return nil
}

// nameZone gives a zone its SOA and NS records where it has none.
func (w *World) nameZone(z *zone) {
	if len(z.get(z.origin, dns.TypeNS)) == 0 {
		if main := w.zones[z.origin]; main != nil && main != z && len(main.get(z.origin, dns.TypeNS)) > 0 {
			for _, rr := range main.get(z.origin, dns.TypeNS) {
				z.add(rr)
			}
		} else if !w.inherit(z) {
			for _, h := range nameservers() {
				z.add(record("%s %d IN NS %s.", z.origin, defaultTTL, h.Name))
			}
		}
	}
	if len(z.get(z.origin, dns.TypeSOA)) == 0 {
		first := z.get(z.origin, dns.TypeNS)[0].(*dns.NS).Ns
		mbox := "hostmaster." + z.origin
		if z.origin == "." {
			mbox = "hostmaster.registry.test."
		}
		z.add(record("%s %d IN SOA %s %s %s01 7200 3600 1209600 3600", z.origin, defaultTTL, first, mbox, w.Now.Format("20060102")))
	}
}

// inherit copies NS records, and glue, that an author wrote into the parent.
func (w *World) inherit(z *zone) bool {
	up := deepest(w.zones, parent(z.origin))
	if z.origin == "." || up == nil || len(up.get(z.origin, dns.TypeNS)) == 0 {
		return false
	}
	for _, rr := range up.get(z.origin, dns.TypeNS) {
		z.add(rr)
		host := fqdn(rr.(*dns.NS).Ns)
		if dns.IsSubDomain(z.origin, host) && !z.written[host] {
			for _, t := range []uint16{dns.TypeA, dns.TypeAAAA} {
				for _, glue := range up.get(host, t) {
					z.add(glue)
				}
			}
		}
	}
	return true
}

// addParents adds the root and a zone for each top-level domain.
func (w *World) addParents() {
	origins := []string{"."}
	for _, z := range w.sortedZones() {
		if labels := dns.SplitDomainName(z.origin); len(labels) > 0 {
			origins = append(origins, labels[len(labels)-1]+".")
		}
	}
	for _, o := range origins {
		z := w.zones[o]
		if z == nil {
			z = newZone(o)
			w.zones[o] = z
			z.add(record("%s %d IN NS %s.", o, 172800, registryName))
		}
		w.nameZone(z)
	}
}

// publishReverse adds a PTR for each address of a host, in zones of their own
// unless the author wrote the reverse zone.
func (w *World) publishReverse(hosts []*hostSpec) error {
	for _, h := range hosts {
		names := []string(h.PTR)
		if len(names) == 0 {
			names = []string{h.Name}
		}
		if names[0] == "none" {
			continue
		}
		addrs, err := parseAddrs("hosts.yaml: "+h.Name, h.Addrs)
		if err != nil {
			return err
		}
		for _, a := range addrs {
			name, _ := dns.ReverseAddr(a.String())
			z := deepest(w.zones, name)
			if z.written != nil && z.origin != "." && z.origin != "arpa." {
				continue
			}
			if z.written == nil {
				origin := "ip6.arpa."
				if a.Is4() {
					origin = "in-addr.arpa."
				}
				if z = w.zones[origin]; z == nil {
					z = newZone(origin)
					w.zones[origin] = z
					z.add(record("%s %d IN NS %s.", origin, 172800, registryName))
					w.nameZone(z)
				}
			}
			for _, n := range names {
				rr, err := dns.NewRR(fmt.Sprintf("%s %d IN PTR %s", name, defaultTTL, dns.Fqdn(n)))
				if err != nil {
					return fmt.Errorf("hosts.yaml: %s: ptr %q is no name", h.Name, n)
				}
				z.add(rr)
			}
		}
	}
	return nil
}

// delegate makes the zone's parent refer to it, and moves its DS up.
func (w *World) delegate(z *zone) {
	if z.origin == "." {
		return
	}
	up := deepest(w.zones, parent(z.origin))
	for _, ds := range z.get(z.origin, dns.TypeDS) {
		up.add(ds)
	}
	delete(z.nodes[z.origin], dns.TypeDS)
	if len(up.get(z.origin, dns.TypeNS)) > 0 {
		return
	}
	for _, rr := range z.get(z.origin, dns.TypeNS) {
		up.add(rr)
		host := fqdn(rr.(*dns.NS).Ns)
		if !dns.IsSubDomain(z.origin, host) { // only names in the zone itself need glue
			continue
		}
		for _, t := range []uint16{dns.TypeA, dns.TypeAAAA} {
			for _, glue := range z.get(host, t) {
				up.add(glue)
			}
		}
	}
}
