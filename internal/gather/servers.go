package gather

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"mxvet/internal/psl"
	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// Nameservers are the servers of the zone that the domain is in, as the zone
// itself names them. Each is asked directly for the records that mail needs, and
// so differences between them show that a resolver, which asks only one of them,
// hides by chance.
type Nameservers struct {
	// NotAsked says why no server was asked directly; "" where some were.
	NotAsked string
	Zone     string     // the domain, or the name above it at which its zone begins; "" where not found
	NS       wire.Asked // the question for the zone's NS RRset
	Names    []Nameserver
	Servers  []Direct // in the order of Names, at most eight
	More     int      // names left out by the bound, not looked up
	// MoreAddresses is how many addresses of names that were asked are left out.
	MoreAddresses int
}

// A Nameserver is one name in the NS RRset.
type Nameserver struct {
	Name    string
	A, AAAA wire.Asked
}

// A Direct is one address of a name server, and what it said about the SOA
// record of the zone and about MX, TXT and DMARC record of the domain.
type Direct struct {
	Name string
	Addr netip.Addr

	SOA, MX, TXT, DMARC wire.Asked
}

// Asked gives the four questions.
func (d Direct) Asked() []wire.Asked { return []wire.Asked{d.SOA, d.MX, d.TXT, d.DMARC} }

// Authoritative reports that the server answered one of the questions at least
// as one that has the zone. What was laid over the DNS by the user counts.
func (d Direct) Authoritative() bool {
	return slices.ContainsFunc(d.Asked(), func(a wire.Asked) bool { return a.Answer.OK() && (a.Answer.AA || a.Answer.Assumed) })
}

const areaHosts = "mx" // score area of the rules about name servers

// askServers finds the servers of the domain's zone and asks each. It needs three
// answers in a row, four where the zone begins above the domain: less than a
// conversation with a mail server.
func askServers(ctx context.Context, src wire.Source, list *psl.List, domain string, o Options) Nameservers {
	n := Nameservers{NS: wire.Ask(ctx, src, domain, "NS")}
	switch {
	case o.Offline:
		n.NotAsked = "the network is switched off"
	case slices.Contains(o.Skip, areaHosts):
		n.NotAsked = "area skipped"
	case o.NoServers:
		n.NotAsked = "direct questions to name servers are switched off"
	}
	n.Zone = zoneOf(n.NS)
	switch {
	case n.Zone == "" && !n.NS.Failed():
		return n.without("no zone of the domain was found")
	case n.Zone == "":
	case list.IsPublicSuffix(n.Zone, true):
		return n.without("the domain is a name in the zone of the public suffix " + n.Zone)
	case n.Zone != domain:
		n.NS = wire.Ask(ctx, src, n.Zone, "NS")
	}
	if n.NS.Failed() {
		return n.without("the name servers are not known: " + n.NS.Answer.Fail.String())
	}
	if n.NotAsked == "" && n.NS.Answer.Assumed { // they would all say what the zone text says
		n.NotAsked = "the zone is not published yet"
	}

	names := n.NS.Answer.Targets("NS")
	n.More = max(0, len(names)-maxNameservers)
	names = names[:min(len(names), maxNameservers)]
	n.Names = make([]Nameserver, len(names))
	asked, more := make([][]Direct, len(names)), make([]int, len(names))
	short, cancel := context.WithTimeout(ctx, directWait)
	defer cancel()
	var wg together.Group
	for i, name := range names {
		wg.Go(func() {
			s := &n.Names[i]
			s.Name = name
			var both together.Group
			both.Go(func() { s.A = wire.Ask(ctx, src, name, "A") })
			both.Go(func() { s.AAAA = wire.Ask(ctx, src, name, "AAAA") })
			both.Wait()
			if n.NotAsked == "" {
				asked[i], more[i] = direct(short, src, n.Zone, domain, *s, share(i, len(names)))
			}
		})
	}
	wg.Wait()
	for i, servers := range asked {
		if len(servers) > 0 {
			n.MoreAddresses += more[i]
		}
		for _, s := range servers {
			if !slices.ContainsFunc(n.Servers, func(t Direct) bool { return t.Addr == s.Addr }) {
				n.Servers = append(n.Servers, s)
			}
		}
	}
	if n.NotAsked == "" && len(n.Servers) == 0 {
		n.NotAsked = "no name server has an address"
	}
	return n
}

// without gives n for a zone whose servers cannot be asked.
func (n Nameservers) without(why string) Nameservers {
	if n.NotAsked == "" {
		n.NotAsked = why
	}
	return n
}

// zoneOf gives the name at which the zone begins that holds the asked name: that
// name where it has NS records, else the owner of the SOA record that came with
// the denial (RFC 2308 section 3). It is "" for a name that does not exist, that
// is an alias, or of which nothing is known.
func zoneOf(ns wire.Asked) string {
	switch {
	case ns.Failed(), ns.Answer.NXDomain(), len(ns.Answer.Chain(ns.Name)) > 0:
		return ""
	case ns.Answer.Has("NS"):
		return ns.Name
	}
	for _, rr := range ns.Answer.Authority {
		f := strings.SplitN(rr, "\t", 5)
		if len(f) != 5 || f[3] != "SOA" {
			continue
		}
		if owner := strings.ToLower(strings.TrimSuffix(f[0], ".")); owner != "" && strings.HasSuffix(ns.Name, "."+owner) {
			return owner
		}
	}
	return ""
}

// share says how many addresses of the i-th of n names are asked: each name gets
// one as long as there are places, and the first ones what is left over.
func share(i, n int) int {
	share := maxServers / n
	if i < maxServers%n {
		share++
	}
	return share
}

// Unasked says how many of the names were not asked at any address, because of
// the bound or because their addresses could not be looked up.
func (n Nameservers) Unasked() int {
	if n.NotAsked != "" {
		return 0
	}
	left := 0
	for _, s := range n.Names {
		ips := slices.Concat(s.A.Answer.Addrs(), s.AAAA.Answer.Addrs())
		if (len(ips) > 0 || s.A.Failed() || s.AAAA.Failed()) && !slices.ContainsFunc(n.Servers, func(d Direct) bool { return slices.Contains(ips, d.Addr) }) {
			left++
		}
	}
	return left
}

// direct asks addresses of one name, both families by turns; more is how many it
// leaves out.
func direct(ctx context.Context, src wire.Source, zone, domain string, s Nameserver, most int) (out []Direct, more int) {
	var ips []netip.Addr
	four, six := s.A.Answer.Addrs(), s.AAAA.Answer.Addrs()
	for i := range max(len(four), len(six)) {
		if i < len(four) {
			ips = append(ips, four[i])
		}
		if i < len(six) {
			ips = append(ips, six[i])
		}
	}
	ips, more = cut(ips, most)
	out = make([]Direct, len(ips))
	var wg together.Group
	for i := range out {
		d := &out[i]
		d.Name, d.Addr = s.Name, ips[i]
		for _, q := range []struct {
			name, rrtype string
			into         *wire.Asked
		}{{zone, "SOA", &d.SOA}, {domain, "MX", &d.MX}, {domain, "TXT", &d.TXT}, {"_dmarc." + domain, "TXT", &d.DMARC}} {
			wg.Go(func() {
				q, into := wire.Question{Name: q.name, Type: q.rrtype, Server: d.Addr.String()}, q.into
				*into = wire.Asked{Name: q.Name, Ref: q.Ref(), Answer: src.DNS(ctx, q)}
			})
		}
	}
	wg.Wait()
	return out, more
}

// A Stray is a name below the domain that nobody chose: what the DNS says about
// it comes from a wildcard. Its refs are "" where the name would be too long.
type Stray struct {
	Name             string
	A, AAAA, MX, TXT wire.Asked
}

// Asked gives the four questions.
func (s Stray) Asked() []wire.Asked { return []wire.Asked{s.A, s.AAAA, s.MX, s.TXT} }

func askStray(ctx context.Context, src wire.Source, domain string, o Options) Stray {
	s := Stray{Name: wire.Label(o.Seed, "name", domain) + "." + domain}
	if len(s.Name) > 253 {
		return s
	}
	var wg together.Group
	for _, q := range []struct {
		rrtype string
		into   *wire.Asked
	}{{"A", &s.A}, {"AAAA", &s.AAAA}, {"MX", &s.MX}, {"TXT", &s.TXT}} {
		wg.Go(func() { *q.into = wire.Ask(ctx, src, s.Name, q.rrtype) })
	}
	wg.Wait()
	return s
}
