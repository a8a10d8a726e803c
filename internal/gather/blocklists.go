package gather

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"mxvet/internal/dnsbl"
	"mxvet/internal/provider"
	"mxvet/internal/psl"
	"mxvet/internal/spf"
	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// Block lists are asked about three things: addresses that the domain sends from,
// addresses of its MX hosts, and its name. What it sends from can only be
// guessed from outside: what the user named, MX hosts that its SPF record lets
// pass, and what the record's own terms name singly or in a small range. Ranges
// and hosts of platforms that many share are left out: a listing there says
// nothing about this domain, and its owner can do nothing about it.

// DNSBLOptions choose the block lists. Lists are named by id or zone; see
// dnsbl.Table.Select.
type DNSBLOptions struct {
	Lists  []string `json:"lists,omitempty"`  // in place of the default ones
	Add    []string `json:"add,omitempty"`    // beside them
	Remove []string `json:"remove,omitempty"` // left out
}

// Blocklists is what block lists say about the domain.
type Blocklists struct {
	NotAsked  string // why none was asked; "" where some were
	Selection dnsbl.Selection
	// Health holds the tests in the order of Selection: one of a list of names, one
	// for each family that a list of addresses has.
	Health    []dnsbl.Health
	Addresses []ListedAddress // sending ones first, then MX hosts
	Names     []ListedName    // the domain, and the registered name that it is below
	Wide      []netip.Prefix  // own ranges that are too large to be asked about
	More      int             // sending addresses left out by the bound
	MoreKnown int             // those of them that are known to send, not only part of a range
	MoreHosts int             // addresses of MX hosts that do not send, left out by the bound
	Special   []netip.Addr    // not asked about: no addresses of the public internet
}

// A ListedAddress is one address and what each list of addresses says about it.
type ListedAddress struct {
	IP      netip.Addr
	Host    string // the MX host whose address it is, "" for none
	Sends   bool
	Ranged  bool   // it is known to send only as part of a range in SPF
	Why     string // why it counts as sending
	Results []dnsbl.Result
}

// A ListedName is one name and what each list of names says about it.
type ListedName struct {
	Name    string
	Results []dnsbl.Result
}

// areaReputation is the score area of rules about block lists: skipping it skips
// the questions.
const areaReputation = "reputation"

// A blocklistRun asks the lists for one domain. What it asks early it asks again
// later: the Source remembers.
type blocklistRun struct {
	src       wire.Source
	o         Options
	providers *provider.Table
	suffixes  *psl.List
	domain    string
	notAsked  string
	selection dnsbl.Selection
	tests     []*listTest // in the order of selection; of a list of addresses both families
}

// A listTest is the test of one list, made once.
type listTest struct {
	list   *dnsbl.List
	six    bool
	done   chan struct{} // closed when health is there
	health dnsbl.Health
}

func newBlocklistRun(src wire.Source, tables Tables, domain string, o Options) *blocklistRun {
	b := &blocklistRun{src: src, o: o, providers: tables.Providers, suffixes: tables.Suffixes, domain: domain}
	switch {
	case o.Offline:
		b.notAsked = "the network is switched off"
	case slices.Contains(o.Skip, areaReputation):
		b.notAsked = "area skipped"
	default:
		b.selection = dnsbl.Default().Select(o.DNSBL.Lists, o.DNSBL.Add, o.DNSBL.Remove)
		b.selection.Lists = b.selection.Lists[:min(len(b.selection.Lists), maxNamedLists)]
		if len(b.selection.Lists) == 0 {
			b.notAsked = "no block list is chosen"
		}
	}
	for _, l := range b.selection.Lists {
		b.tests = append(b.tests, &listTest{list: l, done: make(chan struct{})})
		if l.Kind == dnsbl.KindIP {
			b.tests = append(b.tests, &listTest{list: l, six: true, done: make(chan struct{})})
		}
	}
	return b
}

// begin tests the lists, and asks what needs no answer of others: about the
// domain's names and the addresses that the user named. Everything else waits for
// the tests, so begin must run beside it.
func (b *blocklistRun) begin(ctx context.Context) {
	if b.notAsked != "" {
		return
	}
	var wg together.Group
	for _, t := range b.tests {
		wg.Go(func() {
			defer close(t.done)
			t.health = dnsbl.Test(ctx, b.src, b.o.Seed, t.list, t.six)
		})
	}
	wg.Go(func() { b.names(ctx) })
	stated, _, _ := b.bounded(b.stated())
	wg.Go(func() { b.addresses(ctx, stated) })
	wg.Wait()
}

// earlySPF asks about the addresses that the SPF record names as soon as it is
// known.
func (b *blocklistRun) earlySPF(ctx context.Context, tree *spf.Tree) {
	if b.notAsked == "" {
		found, _ := b.named(tree)
		found, _, _ = b.bounded(found)
		b.addresses(ctx, found)
	}
}

// earlyHosts asks about the addresses of MX hosts as soon as each is known.
func (b *blocklistRun) earlyHosts(ctx context.Context, hosts []Host) {
	if b.notAsked != "" {
		return
	}
	var wg together.Group
	for _, h := range hosts[:min(len(hosts), maxHosts)] {
		if b.shared(h.Name) {
			continue
		}
		for _, rrtype := range []string{"A", "AAAA"} {
			wg.Go(func() {
				var found []ListedAddress
				for _, ip := range b.src.DNS(ctx, wire.Question{Name: h.Name, Type: rrtype}).Addrs() {
					found = append(found, ListedAddress{IP: ip})
				}
				b.addresses(ctx, found[:min(len(found), maxAddresses)])
			})
		}
	}
	wg.Wait()
}

// finish puts together what the lists say about all that is known now.
func (b *blocklistRun) finish(ctx context.Context, e *Evidence) Blocklists {
	out := Blocklists{NotAsked: b.notAsked, Selection: b.selection}
	if b.notAsked != "" {
		return out
	}
	hosts := b.hosts(e)
	var sending, inbound []ListedAddress
	sending = append(sending, b.stated()...)
	for _, a := range hosts {
		if a.Sends {
			sending = append(sending, a)
		} else {
			inbound = append(inbound, a)
		}
	}
	named, wide := b.named(e.SPF)
	out.Wide = wide
	sending, out.More, out.MoreKnown = b.bounded(append(sending, named...))
	for i := range sending { // an address that is named in several ways is one
		if j := slices.IndexFunc(hosts, func(h ListedAddress) bool { return h.IP == sending[i].IP }); j >= 0 {
			sending[i].Host = hosts[j].Host
		}
	}
	for _, a := range inbound {
		switch {
		case slices.ContainsFunc(sending, func(s ListedAddress) bool { return s.IP == a.IP }):
		case len(out.Addresses) < maxListedInbound:
			out.Addresses = append(out.Addresses, a)
		default:
			out.MoreHosts++
		}
	}
	out.Addresses = append(sending, out.Addresses...)
	out.Addresses = slices.DeleteFunc(out.Addresses, func(a ListedAddress) bool {
		if b.special(a.IP) {
			out.Special = append(out.Special, a.IP)
		}
		return b.special(a.IP)
	})

	var wg together.Group
	wg.Go(func() { b.addresses(ctx, out.Addresses) })
	wg.Go(func() { out.Names = b.names(ctx) })
	wg.Wait()
	for _, t := range b.tests {
		if t.health.State != dnsbl.Unsupported {
			out.Health = append(out.Health, t.health)
		}
	}
	return out
}

// stated gives what the user named.
func (b *blocklistRun) stated() []ListedAddress {
	var out []ListedAddress
	for _, ip := range b.o.SendIPs {
		out = append(out, ListedAddress{IP: ip.Unmap().WithZone(""), Sends: true, Why: "named by the user"})
	}
	return out
}

// hosts gives the addresses of the domain's own MX hosts. Those that its SPF
// record lets pass send too.
func (b *blocklistRun) hosts(e *Evidence) []ListedAddress {
	var out []ListedAddress
	for _, h := range e.MX.Hosts[:min(len(e.MX.Hosts), maxHosts)] {
		if b.shared(h.Name) {
			continue
		}
		for _, answer := range []wire.Answer{h.A, h.AAAA} {
			addrs := answer.Addrs()
			for _, ip := range addrs[:min(len(addrs), maxAddresses)] {
				a := ListedAddress{IP: ip.Unmap(), Host: h.Name}
				if e.SPF.Pass4.Contains(a.IP) || e.SPF.Pass6.Contains(a.IP) {
					a.Sends, a.Why = true, "an MX host that SPF lets pass"
				}
				out = append(out, a)
			}
		}
	}
	return out
}

// named gives the addresses that the domain's own SPF terms name, single ones
// before those of small ranges, and the ranges that are too large.
func (b *blocklistRun) named(tree *spf.Tree) (out []ListedAddress, wide []netip.Prefix) {
	var ranged []ListedAddress
	for _, n := range tree.Networks {
		if n.Qualifier != spf.Pass || !b.own(n.Node.Owner) || b.sharedTerm(n) {
			continue
		}
		p := n.Prefix.Masked()
		why := fmt.Sprintf("SPF term %q of %s", n.Step.Term.Text, n.Node.Owner)
		switch bits := p.Addr().BitLen() - p.Bits(); {
		case bits == 0:
			out = append(out, ListedAddress{IP: p.Addr().Unmap(), Sends: true, Why: why})
		case bits <= maxListedRange:
			for ip := p.Addr(); p.Contains(ip); ip = ip.Next() {
				ranged = append(ranged, ListedAddress{IP: ip, Sends: true, Ranged: true, Why: why})
			}
		case !slices.Contains(wide, p):
			wide = append(wide, p)
		}
	}
	return append(out, ranged...), wide
}

// own reports whether a name belongs to the domain: both are below the same
// registered name.
func (b *blocklistRun) own(name string) bool {
	return name == b.domain || b.suffixes.Registrable(name) == b.suffixes.Registrable(b.domain) && b.suffixes.Registrable(name) != ""
}

// shared reports whether a host belongs to a platform that many domains share.
func (b *blocklistRun) shared(host string) bool {
	p := b.providers.ByMX(host)
	return p != nil && p.Shared
}

// sharedTerm reports whether the network of an a or mx term is that of a shared
// platform's host.
func (b *blocklistRun) sharedTerm(n spf.Authorised) bool {
	if b.shared(n.Step.Target) {
		return true
	}
	return slices.ContainsFunc(n.Step.Hosts, func(h spf.Host) bool {
		return b.shared(h.Name) && slices.ContainsFunc(slices.Concat(h.A.Answer.Addrs(), h.AAAA.Answer.Addrs()), n.Prefix.Contains)
	})
}

// bounded leaves out repetitions and what is too much, and says how many that
// are, and of how many of those is known that they send. The first mention of an
// address counts.
func (b *blocklistRun) bounded(in []ListedAddress) (out []ListedAddress, more, known int) {
	seen := map[netip.Addr]bool{}
	for _, a := range in {
		switch {
		case seen[a.IP]:
			continue
		case len(out) < maxListedSenders:
			out = append(out, a)
		default:
			if more++; !a.Ranged {
				known++
			}
		}
		seen[a.IP] = true
	}
	return out, more, known
}

// special reports whether an address is none of the public internet, so that no
// list can have it.
func (b *blocklistRun) special(ip netip.Addr) bool {
	test := wire.Special
	if b.o.AllowPrivate {
		test = wire.SpecialButDocumentation
	}
	_, is := test(ip)
	return is
}

// addresses asks every list of addresses about each, and fills in what they say;
// not about those that are not of the public internet.
func (b *blocklistRun) addresses(ctx context.Context, all []ListedAddress) {
	var wg together.Group
	for i := range all {
		a := &all[i]
		if b.special(a.IP) {
			continue
		}
		tests := b.testsOf(dnsbl.KindIP, a.IP.Is6())
		a.Results = make([]dnsbl.Result, len(tests))
		for j, t := range tests {
			wg.Go(func() {
				<-t.done
				a.Results[j] = dnsbl.Address(ctx, b.src, t.health, a.IP)
			})
		}
	}
	wg.Wait()
}

// names asks every list of names about the domain.
func (b *blocklistRun) names(ctx context.Context) []ListedName {
	var out []ListedName
	for _, name := range []string{b.suffixes.Registrable(b.domain), b.domain} {
		if name != "" && !slices.ContainsFunc(out, func(n ListedName) bool { return n.Name == name }) {
			out = append(out, ListedName{Name: name})
		}
	}
	tests := b.testsOf(dnsbl.KindDomain, false)
	var wg together.Group
	for i := range out {
		out[i].Results = make([]dnsbl.Result, len(tests))
		for j, t := range tests {
			wg.Go(func() {
				<-t.done
				out[i].Results[j] = dnsbl.Domain(ctx, b.src, t.health, out[i].Name)
			})
		}
	}
	wg.Wait()
	return out
}

func (b *blocklistRun) testsOf(kind string, six bool) []*listTest {
	return slices.DeleteFunc(slices.Clone(b.tests), func(t *listTest) bool { return t.list.Kind != kind || t.six != six })
}
