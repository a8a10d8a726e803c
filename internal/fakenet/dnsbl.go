package fakenet

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// A dnsblSpec is a DNS block or allow list (RFC 5782): a zone that is made from
// its entries.
type dnsblSpec struct {
	Zone  string `yaml:"zone"`
	Names bool   `yaml:"names"` // it lists domain names, not addresses
	// Listed gives the answer for addresses, or names: IPv4 addresses become A
	// records, everything else TXT.
	Listed map[string]list `yaml:"listed"`
	Test   list            `yaml:"test"` // the answer for test entries, or "none"
	// IPv4Only: there is no test entry for IPv6.
	IPv4Only   bool `yaml:"ipv4-only"`
	Everything list `yaml:"everything"` // the answer to every question
	Absent     bool `yaml:"absent"`     // the list does not exist
}

// standardLists are the lists that mxvet asks unless told otherwise. Every world
// has them, in good order and without entries: so a world says only what is
// different. That none is missing here is tested in internal/dnsbl.
func standardLists() []dnsblSpec {
	return []dnsblSpec{
		{Zone: "zen.spamhaus.org", Test: list{"127.0.0.2", "127.0.0.4", "127.0.0.10"}},
		{Zone: "dbl.spamhaus.org", Names: true, Test: list{"127.0.1.2"}},
		{Zone: "bl.spamcop.net", IPv4Only: true},
		{Zone: "psbl.surriel.com", IPv4Only: true},
		{Zone: "bl.mailspike.net", IPv4Only: true},
		{Zone: "multi.surbl.org", Names: true, Test: list{"127.0.0.254"}},
		{Zone: "multi.uribl.com", Names: true, Test: list{"127.0.0.14"}},
		{Zone: "dnsbl-1.uceprotect.net", IPv4Only: true},
		{Zone: "dnsbl.dronebl.org"},
		{Zone: "list.dnswl.org", Test: list{"127.0.10.0"}},
	}
}

// addLists makes the zones of the world's lists, unless its author wrote the
// zone as text. An entry for a standard list says what is different about it.
func (w *World) addLists() error {
	lists := standardLists()
	seen := map[string]bool{}
	for _, own := range w.hosts.DNSBL {
		if seen[fqdn(own.Zone)] {
			return fmt.Errorf("hosts.yaml: dnsbl: %s stands twice", own.Zone)
		}
		seen[fqdn(own.Zone)] = true
		i := slices.IndexFunc(lists, func(l dnsblSpec) bool { return fqdn(l.Zone) == fqdn(own.Zone) })
		if i < 0 {
			lists = append(lists, own)
			continue
		}
		own.Names = own.Names || lists[i].Names
		own.IPv4Only = own.IPv4Only || lists[i].IPv4Only
		if len(own.Test) == 0 {
			own.Test = lists[i].Test
		}
		lists[i] = own
	}
	for _, l := range lists {
		if err := w.addList(l); err != nil {
			return fmt.Errorf("hosts.yaml: dnsbl: %w", err)
		}
	}
	return nil
}

func (w *World) addList(l dnsblSpec) error {
	origin := fqdn(l.Zone)
	if !plainName(origin) || dns.CountLabel(origin) < 2 {
		return fmt.Errorf("%q is no zone", l.Zone)
	}
	if l.Absent || w.zones[origin] != nil {
		return nil
	}
	z := newZone(origin)
	w.zones[origin] = z
	if len(l.Everything) > 0 {
		// No entry may stand beside the wildcard: it would hide it from its neighbours.
		return z.entry("*", l.Everything)
	}
	if len(l.Test) == 0 {
		l.Test = list{"127.0.0.2"}
	}
	if l.Test[0] != "none" {
		entries := []string{"127.0.0.2", "::ffff:7f00:2"}
		switch {
		case l.Names:
			entries = []string{"test"}
		case l.IPv4Only:
			entries = entries[:1]
		}
		for _, e := range entries {
			if err := z.entry(e, l.Test); err != nil {
				return err
			}
		}
	}
	for _, who := range slices.Sorted(maps.Keys(l.Listed)) {
		if _, err := netip.ParseAddr(who); (err == nil) == l.Names {
			return fmt.Errorf("%s: %q does not fit a list of its kind", l.Zone, who)
		}
		if err := z.entry(who, l.Listed[who]); err != nil {
			return err
		}
	}
	return nil
}

// entry adds what the list says about an address or a name.
func (z *zone) entry(who string, says list) error {
	if ip, err := netip.ParseAddr(who); err == nil {
		who = strings.TrimSuffix(strings.TrimSuffix(reverse(ip), ".in-addr.arpa."), ".ip6.arpa.")
	}
	owner := fqdn(who + "." + z.origin)
	if _, ok := dns.IsDomainName(owner); !ok || who != "*" && !plainName(owner) {
		return fmt.Errorf("%s: %q is neither an address nor a name", z.origin, who)
	}
	answers := 0
	for _, s := range says {
		if ip, err := netip.ParseAddr(s); err == nil && ip.Is4() {
			answers++
			z.add(record("%s 300 IN A %s", owner, ip))
			continue
		}
		z.add(&dns.TXT{Hdr: dns.RR_Header{Name: owner, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 300}, Txt: chunks(s)})
	}
	if answers == 0 {
		return fmt.Errorf("%s: the entry %q has no answer such as 127.0.0.2", z.origin, who)
	}
	return nil
}

// reverse gives the reverse name of an address. An IPv4-mapped IPv6 address is an
// IPv6 address here: lists have a test entry of that form.
func reverse(ip netip.Addr) string {
	if ip.Is4() {
		name, _ := dns.ReverseAddr(ip.String())
		return name
	}
	var b strings.Builder
	a := ip.As16()
	for _, octet := range slices.Backward(a[:]) {
		fmt.Fprintf(&b, "%x.%x.", octet&15, octet>>4)
	}
	return b.String() + "ip6.arpa."
}

// chunks cuts a text into the strings of a TXT record, and escapes what its
// presentation form needs escaped.
func chunks(s string) []string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	out := []string{}
	for len(s) > 255 {
		out = append(out, escape.Replace(s[:255]))
		s = s[255:]
	}
	return append(out, escape.Replace(s))
}
