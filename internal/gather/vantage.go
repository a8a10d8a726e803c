package gather

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"mxvet/internal/provider"
	"mxvet/internal/smtp"
	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// Many networks block port 25, and many have no IPv6. Then silence says nothing
// about the domain. So before silence counts, something must have been heard
// over that address family from here: one of the domain's own hosts, or else
// the control host, a mail host of a large platform that is certainly up. It is
// asked only where the domain's hosts leave a doubt: after a second without any
// banner, or when all of them have failed; once a run, connect, banner, QUIT.

type vantageWatch struct {
	four, six *familyWatch
	watching  together.Group
}

type familyWatch struct {
	heard chan struct{} // closed at the first banner
	once  sync.Once
	ended chan struct{} // closed when all conversations are over
	reach Reach         // the watcher's result
	begin sync.Once
	watch func(*familyWatch)
}

func newVantageWatch(ctx context.Context, src wire.Source, table *provider.Table, o Options) *vantageWatch {
	watch := func(is6 bool) *familyWatch {
		return &familyWatch{
			heard: make(chan struct{}), ended: make(chan struct{}),
			watch: func(f *familyWatch) { f.reach = f.judge(ctx, src, table, o, is6) },
		}
	}
	return &vantageWatch{four: watch(false), six: watch(true)}
}

func (w *vantageWatch) family(ip netip.Addr) *familyWatch {
	if ip.Unmap().Is4() {
		return w.four
	}
	return w.six
}

// begin says that a conversation with ip starts.
func (w *vantageWatch) begin(ip netip.Addr) {
	f := w.family(ip)
	f.begin.Do(func() { w.watching.Go(func() { f.watch(f) }) })
}

// greeted says that ip has sent its banner, whatever comes after it.
func (w *vantageWatch) greeted(ip netip.Addr) {
	f := w.family(ip)
	f.once.Do(func() { close(f.heard) })
}

// heard says how it went.
func (w *vantageWatch) heard(ip netip.Addr, s wire.Session) {
	if smtp.Find(s.Exchanges, smtp.StageBanner) != nil {
		w.greeted(ip)
	}
}

// end says that all conversations are over, and gives what was found.
func (w *vantageWatch) end() (four, six Reach) {
	close(w.four.ended)
	close(w.six.ended)
	w.watching.Wait()
	return w.four.reach, w.six.reach
}

func (f *familyWatch) judge(ctx context.Context, src wire.Source, table *provider.Table, o Options, is6 bool) Reach {
	select {
	case <-f.heard:
		return Reach{Proven: true}
	case <-f.ended:
	case <-time.After(silence):
	}
	select { // both may be true by now
	case <-f.heard:
		return Reach{Proven: true}
	default:
	}
	r := askControl(ctx, src, table, o, is6)
	<-f.ended
	select { // a slow host of the domain proves more than a silent control host disproves
	case <-f.heard:
		return Reach{Proven: true, Ref: r.Ref}
	default:
		return r
	}
}

// askControl holds the control conversation over one address family.
func askControl(ctx context.Context, src wire.Source, table *provider.Table, o Options, is6 bool) Reach {
	hosts, port := table.Controls(), uint16(25)
	if o.AllowPrivate {
		hosts = nil // a closed network: only what the user named
	}
	if o.Control != "" {
		host, p := splitPort(o.Control)
		hosts, port = []string{host}, p
	}
	rrtype, family := "A", "IPv4"
	if is6 {
		rrtype, family = "AAAA", "IPv6"
	}
	for _, host := range hosts {
		var ips []netip.Addr
		if ip, err := netip.ParseAddr(host); err == nil {
			if ip.Is6() == is6 {
				ips = []netip.Addr{ip}
			}
		} else {
			ips = src.DNS(ctx, wire.Question{Name: host, Type: rrtype}).Addrs()
		}
		if len(ips) == 0 {
			continue
		}
		p := wire.Probe{Proto: "smtp", Addr: netip.AddrPortFrom(ips[0], port), SNI: host, Variant: wire.VariantBanner}
		s := src.Talk(ctx, p)
		if smtp.Find(s.Exchanges, smtp.StageBanner) != nil {
			return Reach{Proven: true, Ref: p.Ref()}
		}
		if f := s.Fail; f != nil && (f.Kind == wire.FailForbidden || f.Kind == wire.FailLimit || f.Kind == wire.FailNotOnTape) {
			return Reach{Ref: p.Ref(), Why: "the control host " + host + " was not asked over " + family + " (" + f.String() + "), so nothing shows that port 25 is open from here"}
		}
		return Reach{Broken: true, Ref: p.Ref(), Why: "the control host " + host + " cannot be reached over " + family + " either (" + s.Fail.String() + ")"}
	}
	return Reach{Why: "no control host has an " + family + " address, so nothing shows that port 25 is open from here"}
}

// splitPort reads host[:port], where host may be an IPv6 address in brackets or
// without; the port is 25 unless given.
func splitPort(s string) (host string, port uint16) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().String(), ap.Port()
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return s, 25
	}
	host, p, _ := strings.Cut(s, ":")
	if n, err := strconv.ParseUint(p, 10, 16); err == nil {
		return host, uint16(n)
	}
	return host, 25
}

// testResolver looks for signs that the resolver does not say what the DNS says: an
// invented answer for a name that cannot exist, which would make missing records
// look present. It gives what is wrong, "" for nothing, and the question.
func testResolver(ctx context.Context, src wire.Source, o Options) (trouble string, refs []wire.Ref) {
	if o.Offline {
		return "", nil
	}
	asked := make([]wire.Asked, 2) // if one question fails, the other still tells
	var wg together.Group
	for i, tld := range []string{"com", "org"} {
		wg.Go(func() { asked[i] = wire.Ask(ctx, src, wire.Label(o.Seed, "resolver", "")+"."+tld, "A") })
	}
	wg.Wait()
	for _, a := range asked {
		if a.Answer.Has("A") {
			return "the resolver invents addresses for names that do not exist (" + a.Name + ")", []wire.Ref{a.Ref}
		}
	}
	return "", nil
}

// compareResolver holds what the resolver said about the domain against what the
// zone's servers say when they are asked directly.
func (e *Evidence) compareResolver(dmarc wire.Asked) {
	v := &e.Vantage
	denied := slices.ContainsFunc([]wire.Answer{e.MX.Answer, e.Apex.TXT, e.Apex.NS, e.Apex.SOA, e.Apex.A}, func(a wire.Answer) bool {
		return a.NXDomain() && len(a.Chain(e.Domain)) == 0
	})
	if v.Resolver == "" && denied {
		if s, knows := e.Authority.knows(e.Domain); knows {
			v.Resolver = "the resolver says that " + e.Domain + " does not exist, and " + s.Name + " [" + s.Addr.String() + "], asked directly, knows it"
			v.ResolverRefs = []wire.Ref{e.MX.Ref, s.Ref}
		}
	}
	v.Corroborated = v.Resolver != "" &&
		e.Nameservers.agree("MX", e.MX.Answer, func(d Direct) wire.Answer { return d.MX.Answer }) &&
		e.Nameservers.agree("TXT", e.Apex.TXT, func(d Direct) wire.Answer { return d.TXT.Answer }) &&
		e.Nameservers.agree("TXT", dmarc.Answer, func(d Direct) wire.Answer { return d.DMARC.Answer })
}

// agree reports that a server answered with authority, and each that did gave the
// same records. What the user laid over the DNS does not come from the resolver.
func (n Nameservers) agree(rrtype string, resolver wire.Answer, of func(Direct) wire.Answer) bool {
	some := resolver.Assumed
	for _, d := range n.Servers {
		a := of(d)
		if !a.OK() || !a.AA {
			continue
		}
		if some = true; !resolver.OK() || a.NXDomain() != resolver.NXDomain() || !slices.Equal(a.Records(rrtype), resolver.Records(rrtype)) {
			return false
		}
	}
	return some
}
