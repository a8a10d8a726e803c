package gather

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// Authority is what the domain's own name servers said when the resolver gave
// no usable answer, or only part of one, about the domain or else about a DKIM
// selector. A resolver that fails may be at fault itself, so before "all name
// servers fail" is said, each is asked directly; and since many networks let no
// DNS out but to their resolver, their silence counts only where a server of the
// parent zone answered directly in the same run.
type Authority struct {
	Asked          bool
	Name           string       // that was asked: the domain, or the selector's full name
	ParentAnswered bool         // a server of the parent zone answered us directly
	Parent         ServerAnswer // what it said about the domain's name servers
	Servers        []ServerAnswer
	Unsure         bool     // a lookup failed on the way to the servers of the parent zone
	Unasked        int      // name servers of which the bound left all addresses out
	Addressless    []string // name servers of the domain that are proven to have no address
	Unresolved     []string // and those of which no address could be looked up
	Ref            wire.Ref // the question that the resolver failed on

	// After SERVFAIL the resolver is asked once more, and once without checking
	// (RFC 4035 section 3.2.2): what it gives only unchecked fails validation.
	Again, Unchecked wire.Asked
}

// ServerAnswer is one authoritative server's answer.
type ServerAnswer struct {
	Name   string
	Addr   netip.Addr
	Ref    wire.Ref
	Answer wire.Answer
}

// usable reports an answer with authority.
func (s ServerAnswer) usable() bool { return s.Answer.OK() && s.Answer.AA }

// unfinished reports that the question was not asked to its end, which says
// nothing about the server.
func (s ServerAnswer) unfinished() bool {
	return s.Answer.Fail != nil && slices.Contains([]string{wire.FailDeadline, wire.FailCanceled, wire.FailNotOnTape, wire.FailLimit, wire.FailOffline}, s.Answer.Fail.Kind)
}

// AllFail reports proof that no authoritative server gives a usable answer. Each
// was asked at one of its addresses at least.
func (a Authority) AllFail() bool {
	return a.Asked && a.ParentAnswered && len(a.Servers)+len(a.Addressless) > 0 && len(a.Unresolved) == 0 && a.Unasked == 0 &&
		!slices.ContainsFunc(a.Servers, func(s ServerAnswer) bool { return s.usable() || s.unfinished() })
}

// SomeAnswers reports that a server of the domain answered with authority.
func (a Authority) SomeAnswers() bool { return slices.ContainsFunc(a.Servers, ServerAnswer.usable) }

// Bogus reports proof that the resolver holds the answer back only because it does
// not pass DNSSEC validation.
func (a Authority) Bogus() bool {
	again, unchecked := a.Again.Answer.Fail, a.Unchecked.Answer
	return again != nil && again.Kind == wire.FailServfail && unchecked.OK() && !unchecked.TCPFailed
}

// knows gives the server that was seen to know the domain, against the resolver's
// word that there is no such name.
func (a Authority) knows(domain string) (ServerAnswer, bool) {
	p := a.Parent.Answer
	referral := wire.Answer{Answer: p.Authority}
	if a.ParentAnswered && p.OK() && !p.NXDomain() && (p.AA || slices.ContainsFunc(referral.Answer, func(rr string) bool {
		owner, rest, _ := strings.Cut(rr, "\t")
		return strings.EqualFold(owner, domain+".") && strings.Contains(rest, "\tNS\t")
	})) {
		return a.Parent, true
	}
	i := slices.IndexFunc(a.Servers, func(s ServerAnswer) bool { return s.usable() && !s.Answer.NXDomain() })
	if i < 0 {
		return ServerAnswer{}, false
	}
	return a.Servers[i], true
}

// confirmEarly confirms what the resolver says about MX and TXT at the domain, as
// soon as it has said it; also that the domain does not exist, which a resolver
// that filters or is out of date may say wrongly.
func confirmEarly(ctx context.Context, src wire.Source, domain string, o Options) Authority {
	var mx, txt wire.Asked
	var wg together.Group
	wg.Go(func() { mx = wire.Ask(ctx, src, domain, "MX") })
	wg.Go(func() { txt = wire.Ask(ctx, src, domain, "TXT") })
	wg.Wait()
	for i, a := range []wire.Asked{mx, txt} {
		if doubtful(a.Answer) {
			return confirm(ctx, src, domain, o, domain, []string{"MX", "TXT"}[i])
		}
	}
	if denied := mx.Answer; denied.NXDomain() && len(denied.Chain(domain)) == 0 && !denied.Assumed {
		short, cancel := context.WithTimeout(ctx, directWait)
		defer cancel()
		return confirm(short, src, domain, o, domain, "MX")
	}
	return Authority{}
}

// confirmLate confirms DKIM selectors; those that the user named stand first.
func confirmLate(ctx context.Context, src wire.Source, e *Evidence) Authority {
	for _, s := range e.DKIM.Selectors {
		if s.Invalid == "" && doubtful(s.Answer) {
			return confirm(ctx, src, e.Domain, e.Options, s.Owner, "TXT")
		}
	}
	return Authority{}
}

// doubtful reports that the resolver gave no answer, or only part of one, which
// may be its own fault.
func doubtful(a wire.Answer) bool {
	return a.TCPFailed || a.Fail != nil && slices.Contains([]string{wire.FailServfail, wire.FailTimeout, wire.FailRefused, wire.FailClosed, wire.FailRcode}, a.Fail.Kind)
}

// confirm asks the domain's own servers for one RRset.
func confirm(ctx context.Context, src wire.Source, domain string, o Options, owner, rrtype string) Authority {
	if o.Offline {
		return Authority{}
	}
	a := Authority{Asked: true, Name: owner, Ref: wire.Question{Name: owner, Type: rrtype}.Ref()}
	var wg together.Group
	if f := wire.Ask(ctx, src, owner, rrtype).Answer.Fail; f != nil && f.Kind == wire.FailServfail {
		ask := func(q wire.Question, into *wire.Asked) {
			*into = wire.Asked{Name: owner, Ref: q.Ref(), Answer: src.DNS(ctx, q)}
		}
		wg.Go(func() { ask(wire.Question{Name: owner, Type: rrtype, TCP: true}, &a.Again) })
		wg.Go(func() { ask(wire.Question{Name: owner, Type: rrtype, CD: true}, &a.Unchecked) })
	}
	names, glue := a.delegation(ctx, src, domain)
	names, a.Unasked = cut(names, maxNameservers)
	found, failed := make([][]netip.Addr, len(names)), make([]bool, len(names))
	var lookups together.Group
	for i, name := range names {
		if found[i] = glue[name]; len(found[i]) == 0 {
			lookups.Go(func() { found[i], failed[i] = addresses(ctx, src, name) })
		}
	}
	lookups.Wait()
	for i, name := range names {
		ips := found[i]
		switch {
		case len(ips) > 0:
		case failed[i]:
			a.Unresolved = append(a.Unresolved, name)
		default:
			a.Addressless = append(a.Addressless, name)
		}
		if len(ips) > 0 && len(a.Servers) == maxServers {
			a.Unasked++
		}
		for _, ip := range ips {
			if len(a.Servers) < maxServers {
				a.Servers = append(a.Servers, ServerAnswer{Name: name, Addr: ip})
			}
		}
	}
	for i := range a.Servers {
		wg.Go(func() { a.Servers[i].ask(ctx, src, owner, rrtype) })
	}
	wg.Wait()
	return a
}

// ask asks the server.
func (s *ServerAnswer) ask(ctx context.Context, src wire.Source, name, rrtype string) {
	q := wire.Question{Name: name, Type: rrtype, Server: s.Addr.String()}
	s.Ref, s.Answer = q.Ref(), src.DNS(ctx, q)
}

// delegation asks servers of the parent zone who serves the domain. It climbs
// until it finds a zone whose NS RRset the resolver knows.
func (a *Authority) delegation(ctx context.Context, src wire.Source, domain string) (names []string, glue map[string][]netip.Addr) {
	glue = map[string][]netip.Addr{}
	var servers []string
	for parent := domain; len(servers) == 0 && parent != "."; {
		_, rest, ok := strings.Cut(parent, ".")
		if !ok {
			rest = "."
		}
		parent = rest
		ns := src.DNS(ctx, wire.Question{Name: parent, Type: "NS"})
		servers = ns.Targets("NS")
		a.Unsure = a.Unsure || !ns.OK()
	}
	servers, _ = cut(servers, maxServers/2)
	found, failed := make([][]netip.Addr, len(servers)), make([]bool, len(servers))
	var wg together.Group
	for i, server := range servers {
		wg.Go(func() { found[i], failed[i] = addresses(ctx, src, server) })
	}
	wg.Wait()
	var parents []ServerAnswer
	for i, server := range servers {
		a.Unsure = a.Unsure || failed[i]
		for _, ip := range found[i] {
			parents = append(parents, ServerAnswer{Name: server, Addr: ip})
		}
	}
	parents, _ = cut(parents, maxServers/2)
	short, cancel := context.WithTimeout(ctx, directWait)
	defer cancel()
	for i := range parents {
		wg.Go(func() { parents[i].ask(short, src, domain, "NS") })
	}
	wg.Wait()
	for _, p := range parents {
		referral := wire.Answer{Answer: slices.Concat(p.Answer.Authority, p.Answer.Answer)}
		if names = referral.Targets("NS"); p.Answer.Fail == nil && len(names) > 0 {
			// An intercepting resolver would give an answer here, not a referral.
			a.ParentAnswered = len(p.Answer.Answer) == 0 || p.Answer.AA
			a.Parent = p
			for _, name := range names {
				glue[name] = wire.Answer{Answer: p.Answer.Additional}.AddrsOf(name)
			}
			return names, glue
		}
		if p.usable() {
			a.ParentAnswered, a.Parent = true, p
		}
	}
	return nil, glue
}

// addresses gives the addresses of a host; failed says that some lookup of them
// had no answer.
func addresses(ctx context.Context, src wire.Source, name string) (ips []netip.Addr, failed bool) {
	var four, six wire.Asked
	var wg together.Group
	wg.Go(func() { four = wire.Ask(ctx, src, name, "A") })
	wg.Go(func() { six = wire.Ask(ctx, src, name, "AAAA") })
	wg.Wait()
	return slices.Concat(four.Answer.Addrs(), six.Answer.Addrs()), four.Failed() || six.Failed()
}
