package wire

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Tries for one question. Resolvers that are silent may be asked again; one
// that answered with an error is not.
const (
	resolverTries  = 3 // at least; one for each resolver where there are more
	serverTries    = 2
	mostTries      = 6
	serverInFlight = 4 // queries at a time to one authoritative server
)

const noReply = ": no reply within "

// DNS asks one question: over UDP with EDNS(0) and the DO bit, then over TCP
// when the reply is truncated. After silence, SERVFAIL, REFUSED or another
// error the next resolver is asked, within Timeouts.DNSTotal; when none gives an
// answer, the most telling failure is returned. An answer is taken from
// Question.Server as it comes, so a referral shows as NOERROR without AA and
// without records; from a resolver, a referral is a failure.
func (l *Live) DNS(ctx context.Context, q Question) Answer {
	q = q.Canonical()
	servers := l.resolvers
	if q.Server != "" {
		r, addr, err := parseServer(q.Server)
		if err != nil {
			return Answer{Fail: &Fail{FailProtocol, err.Error()}}
		}
		if f := l.allowed(addr); f != nil {
			return Answer{Fail: f}
		}
		if f := l.enter(ctx, addr); f != nil {
			return Answer{Fail: f}
		}
		defer l.leave(addr)
		servers = l.newUpstreams(r)
		defer servers.close()
	}
	select {
	case l.inflight <- struct{}{}:
		defer func() { <-l.inflight }()
	case <-ctx.Done():
		return Answer{Fail: failOf(ctx, "dns query for "+string(q.Ref()), ctx.Err())}
	}
	start := time.Now()
	a := l.askAny(ctx, q, servers)
	a.Millis = int(time.Since(start).Milliseconds())
	return a
}

// askAny asks the servers in turn until one gives an answer.
func (l *Live) askAny(ctx context.Context, q Question, from *upstreams) Answer {
	full, err := newQuery(q, true)
	if err != nil {
		return Answer{Fail: &Fail{FailProtocol, "dns query for " + string(q.Ref()) + ": " + err.Error()}}
	}
	end := time.Now().Add(l.cfg.Timeouts.DNSTotal)
	servers, first := from.list, int(from.first.Load())
	tries := serverTries
	if full.recursive {
		tries = min(max(resolverTries, len(servers)), mostTries)
	}
	asked := make([]int, len(servers))
	gone := make([]bool, len(servers)) // gave an error, not to be asked again
	var best Answer
	var waited time.Duration // in vain
	for at := first; tries > 0 && ctx.Err() == nil && time.Now().Before(end) && slices.Contains(gone, false); at = (at + 1) % len(servers) {
		if gone[at] {
			continue
		}
		wait := min(l.cfg.Timeouts.DNSTry<<asked[at], time.Until(end))
		a := l.try(ctx, end, servers[at], q, full, wait)
		if a.OK() && !a.TCPFailed {
			return a
		}
		tries--
		asked[at]++
		gone[at] = a.Rcode != ""
		if at == first && a.Rcode == "" && ctx.Err() == nil {
			// Questions to come need not wait for a resolver that is silent.
			from.first.CompareAndSwap(int32(first), int32((first+1)%len(servers)))
		}
		if a.Fail != nil && a.Fail.Kind == FailTimeout && a.Rcode == "" {
			waited += wait
		}
		if weight(a) > weight(best) {
			best = a
		}
	}
	if best.Fail != nil && best.Fail.Kind == FailTimeout && best.Rcode == "" {
		what, _, _ := strings.Cut(best.Fail.Text, noReply)
		best.Fail = &Fail{FailTimeout, what + noReply + waited.Round(100*time.Millisecond).String()}
	}
	if errors.Is(ctx.Err(), context.Canceled) || ctx.Err() != nil && best.Rcode == "" {
		return Answer{Fail: failOf(ctx, "dns query for "+string(q.Ref()), ctx.Err())}
	}
	return best
}

// try asks one server once, and again where its reply asks for it: over TCP
// after truncation, without EDNS after an error of a server that knows no EDNS
// (RFC 6891 section 7). end bounds all tries.
func (l *Live) try(ctx context.Context, end time.Time, u *upstream, q Question, full *query, wait time.Duration) Answer {
	ask := func(query *query, tcp bool, wait time.Duration) (*dns.Msg, *Fail) {
		until := time.Now().Add(wait)
		if until.After(end) {
			until = end
		}
		m, err := u.ask(ctx, until, query, tcp)
		if err == nil {
			return m, nil
		}
		what := "dns query to " + u.from(tcp)
		f := failOf(ctx, what, err)
		switch {
		case f.Kind == FailCanceled, f.Kind == FailDeadline:
		case errors.Is(err, errMalformed), errors.Is(err, errNotOurs):
			f.Kind = FailProtocol
		case errors.Is(err, errStreamFull):
			f.Kind = FailLimit
		case f.Kind == FailRefused: // no word of a server, as the RCODE is
			f.Kind, f.Text = FailClosed, what+": connection refused"
		case f.Kind == FailTimeout:
			f.Text = what + noReply + wait.Round(100*time.Millisecond).String()
		}
		return nil, f
	}
	m, fail := ask(full, q.TCP, wait)
	if fail != nil {
		return Answer{Fail: fail}
	}
	if (m.Rcode == dns.RcodeFormatError || m.Rcode == dns.RcodeNotImplemented) && m.IsEdns0() == nil {
		if plain, err := newQuery(q, false); err == nil {
			if again, fail := ask(plain, q.TCP, wait); fail == nil {
				full, m = plain, again
			}
		}
	}
	if !m.Truncated {
		return full.answer(m, u.from(q.TCP))
	}
	fail = &Fail{FailProtocol, u.from(true) + " truncated its answer over TCP"}
	if u.Net == "udp" && !q.TCP {
		var whole *dns.Msg
		if whole, fail = ask(full, true, 2*wait); fail == nil {
			a := full.answer(whole, u.from(true))
			a.Truncated = true
			if a.OK() && !whole.Truncated {
				return a
			}
			fail = a.Fail
		}
	}
	a := full.answer(m, u.from(q.TCP))
	a.Truncated, a.TCPFailed = true, true
	if a.Rcode == "NOERROR" && a.Fail == nil && len(a.Answer) == 0 {
		// Nothing came at all, which must not read as "there is nothing".
		a.Fail = &Fail{FailProtocol, a.From + " truncated its answer to nothing"}
		if fail != nil {
			a.Fail = &Fail{fail.Kind, a.Fail.Text + ", then: " + fail.Text}
		}
		a.Authority, a.Additional = nil, nil
	}
	return a
}

// weight orders unusable answers by how much they say: part of an answer, then
// a server's own error, then what happened on the way.
func weight(a Answer) int {
	switch {
	case a.Fail == nil && a.Rcode == "":
		return 0 // no answer yet
	case a.Fail == nil:
		return 12
	case a.TCPFailed:
		return 11
	case a.Fail.Kind == FailServfail && len(a.EDE) > 0:
		return 10
	case a.Fail.Kind == FailServfail:
		return 9
	case a.Rcode != "" && a.Fail.Kind != FailRefused:
		return 8
	case a.Rcode != "":
		return 7
	}
	switch a.Fail.Kind {
	case FailProtocol, FailLimit:
		return 5
	case FailTLS:
		return 4
	case FailClosed, FailReset:
		return 3
	case FailTimeout:
		return 2
	}
	return 1
}

// A gate holds the number of queries at a time to one authoritative server.
type gate struct {
	slots chan struct{}
	users int
}

// enter waits until the server at addr may be asked; leave must follow unless a
// Fail is given.
func (l *Live) enter(ctx context.Context, addr netip.Addr) *Fail {
	l.mu.Lock()
	g := l.gates[addr]
	if g == nil {
		g = &gate{slots: make(chan struct{}, serverInFlight)}
		l.gates[addr] = g
	}
	g.users++
	l.mu.Unlock()
	select {
	case g.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		l.forget(addr, g)
		return failOf(ctx, "waiting to ask the name server "+addr.String(), ctx.Err())
	}
}

func (l *Live) leave(addr netip.Addr) {
	l.mu.Lock()
	g := l.gates[addr]
	l.mu.Unlock()
	<-g.slots
	l.forget(addr, g)
}

func (l *Live) forget(addr netip.Addr, g *gate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g.users--; g.users == 0 {
		delete(l.gates, addr)
	}
}

// resolvers reads the configuration: the resolvers to ask, and those of
// resolv.conf, which look up names of resolvers.
func (c LiveConfig) resolvers() (ask, system []Resolver, err error) {
	system = parseResolvConf(c.ResolvConf)
	for _, s := range c.Resolvers {
		r, err := ParseResolver(s)
		if err != nil {
			return nil, nil, err
		}
		if _, err := netip.ParseAddr(r.Host); err != nil && len(system) == 0 {
			return nil, nil, errors.New("resolver " + r.String() + ": its name cannot be looked up, as resolv.conf names no name server; give its address instead")
		}
		ask = append(ask, r)
	}
	if len(ask) == 0 {
		ask = system
	}
	if len(ask) == 0 {
		return nil, nil, errors.New("no resolver: resolv.conf names no name server; give one with --resolver ADDRESS")
	}
	return ask, system, nil
}
