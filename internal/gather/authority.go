package gather

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"

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
	Name           string // that was asked: the domain, or the selector's full name
	ParentAnswered bool   // a server of the parent zone answered us directly
	Servers        []ServerAnswer
	Unasked        int      // name servers of which the bound left all addresses out
	Ref            wire.Ref // the question that the resolver failed on
}

// ServerAnswer is one authoritative server's answer.
type ServerAnswer struct {
	Name   string
	Addr   netip.Addr
	Ref    wire.Ref
	Answer wire.Answer
}

// AllFail reports proof that no authoritative server gives a usable answer. Each
// was asked at one of its addresses at least.
func (a Authority) AllFail() bool {
	return a.Asked && a.ParentAnswered && len(a.Servers) > 0 && a.Unasked == 0 &&
		!slices.ContainsFunc(a.Servers, func(s ServerAnswer) bool { return s.Answer.OK() && s.Answer.AA })
}

const maxServers = 8 // authoritative addresses asked, of parent and of the domain

// confirmEarly confirms what the resolver says about MX and TXT at the domain, as
// soon as it has said it.
func confirmEarly(ctx context.Context, src wire.Source, domain string, o Options) Authority {
	var mx, txt wire.Asked
	var wg sync.WaitGroup
	wg.Go(func() { mx = wire.Ask(ctx, src, domain, "MX") })
	wg.Go(func() { txt = wire.Ask(ctx, src, domain, "TXT") })
	wg.Wait()
	for i, a := range []wire.Asked{mx, txt} {
		if doubtful(a.Answer) {
			return confirm(ctx, src, domain, o, domain, []string{"MX", "TXT"}[i])
		}
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
	return a.TCPFailed || a.Fail != nil && slices.Contains([]string{wire.FailServfail, wire.FailTimeout, wire.FailRefused, wire.FailRcode}, a.Fail.Kind)
}

// confirm asks the domain's own servers for one RRset.
func confirm(ctx context.Context, src wire.Source, domain string, o Options, owner, rrtype string) Authority {
	if o.Offline {
		return Authority{}
	}
	a := Authority{Asked: true, Name: owner, Ref: wire.Question{Name: owner, Type: rrtype}.Ref()}
	names, glue := a.delegation(ctx, src, domain)
	a.Servers = make([]ServerAnswer, 0, maxServers)
	for _, name := range names {
		ips := glue[name]
		if len(ips) == 0 {
			ips = addresses(ctx, src, name)
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
	var wg sync.WaitGroup
	for i := range a.Servers {
		s := &a.Servers[i]
		q := wire.Question{Name: owner, Type: rrtype, Server: s.Addr.String()}
		s.Ref = q.Ref()
		wg.Go(func() { s.Answer = src.DNS(ctx, q) })
	}
	wg.Wait()
	return a
}

// delegation asks servers of the parent zone who serves the domain. It climbs
// until it finds a zone whose NS RRset the resolver knows.
func (a *Authority) delegation(ctx context.Context, src wire.Source, domain string) (names []string, glue map[string][]netip.Addr) {
	glue = map[string][]netip.Addr{}
	parent := domain
	for {
		_, rest, ok := strings.Cut(parent, ".")
		if !ok {
			rest = "."
		}
		parent = rest
		ns := src.DNS(ctx, wire.Question{Name: parent, Type: "NS"})
		servers := ns.Targets("NS")
		if len(servers) == 0 && parent != "." {
			continue
		}
		asked := 0
		for _, server := range servers {
			for _, ip := range addresses(ctx, src, server) {
				if asked++; asked > maxServers/2 {
					return names, glue
				}
				answer := src.DNS(ctx, wire.Question{Name: domain, Type: "NS", Server: ip.String()})
				referral := wire.Answer{Answer: slices.Concat(answer.Authority, answer.Answer)}
				if names = referral.Targets("NS"); answer.Fail == nil && len(names) > 0 {
					// An intercepting resolver would give an answer here, not a referral.
					a.ParentAnswered = len(answer.Answer) == 0 || answer.AA
					for _, name := range names {
						glue[name] = wire.Answer{Answer: answer.Additional}.AddrsOf(name)
					}
					return names, glue
				}
				if answer.OK() && answer.AA {
					a.ParentAnswered = true
				}
			}
		}
		return names, glue
	}
}

func addresses(ctx context.Context, src wire.Source, name string) []netip.Addr {
	var four, six wire.Answer
	var wg sync.WaitGroup
	wg.Go(func() { four = src.DNS(ctx, wire.Question{Name: name, Type: "A"}) })
	wg.Go(func() { six = src.DNS(ctx, wire.Question{Name: name, Type: "AAAA"}) })
	wg.Wait()
	return slices.Concat(four.Addrs(), six.Addrs())
}
