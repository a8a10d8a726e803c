package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"mxvet/internal/smtp"
)

// Talk holds one conversation with the server at exactly p.Addr. Proto is
// "smtp" or "submission" (STARTTLS is used where offered), or "smtps" or
// "submissions" (TLS from the first byte). Conversations with one address wait
// for each other; waiting does not count in Millis.
//
// Fail says why a conversation ended early: refused for a reply that ends it
// (another banner than 220, EHLO not accepted, 421), tls for a failed
// handshake, protocol, limit, timeout, reset and so on. Whatever was exchanged
// before is kept and stays valid, so a rule asks for the exchange that it needs
// before it looks at Fail.
func (l *Live) Talk(ctx context.Context, p Probe) Session {
	secure := false
	switch p.Proto {
	case "smtp", "submission":
	case "smtps", "submissions":
		secure = true
	default:
		return Session{Fail: &Fail{FailProtocol, "mxvet cannot speak " + p.Proto}}
	}
	if p.Variant != "" && p.Variant != "default" && p.Variant != VariantBanner {
		return Session{Fail: &Fail{FailProtocol, "mxvet knows no variant " + p.Variant + " of " + p.Proto}}
	}
	if f := l.allowed(p.Addr.Addr()); f != nil {
		return Session{Fail: f}
	}
	done, err := l.turns.take(ctx, p.Addr.Addr())
	if err != nil {
		return Session{Fail: failOf(ctx, "wait for other conversations with "+p.Addr.Addr().String(), err)}
	}
	defer done()

	var s Session
	began := time.Now()
	conn, err := l.connect(ctx, p.Addr)
	s.Connect = millisSince(began)
	if err == nil {
		err = l.converse(ctx, conn, p, secure, &s)
	}
	s.Millis = millisSince(began)
	if s.TLS != nil {
		l.trust.judge(s.TLS, l.cfg.Now())
	}
	if err != nil {
		s.Fail = talkFail(ctx, p, s, err)
	}
	return s
}

type greetingKey struct{}

// OnGreeting gives a context for one Talk, which calls heard as soon as the server
// has greeted, whatever it said, long before the conversation is over. What comes
// from a Tape, or was asked by somebody else, calls nobody.
func OnGreeting(ctx context.Context, heard func()) context.Context {
	return context.WithValue(ctx, greetingKey{}, heard)
}

// connect opens a TCP connection. The caller has asked the guard.
func (l *Live) connect(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Timeouts.Connect)
	defer cancel()
	return l.dial(ctx, "tcp", addr.String())
}

func (l *Live) converse(ctx context.Context, conn net.Conn, p Probe, secure bool, s *Session) error {
	t := l.cfg.Timeouts
	if local, err := netip.ParseAddrPort(conn.LocalAddr().String()); err == nil {
		s.Local = local.Addr().Unmap().WithZone("")
	}
	c := smtp.Config{
		Greet:     p.Variant == VariantBanner,
		EHLO:      l.cfg.EHLO,
		Envelopes: smtp.ParseEnvelopes(p.Relay),
		Secure:    secure,
		Timeouts:  smtp.Timeouts{Greeting: t.Greeting, Command: t.Command, Handshake: t.TLS, Envelopes: t.Relay, Total: t.Talk},
	}
	raw := conn
	c.Beside = func(leave func()) {
		l.beside(func() {
			stop := context.AfterFunc(l.life, func() { _ = raw.Close() })
			defer stop()
			leave()
		})
	}
	c.Heard, _ = ctx.Value(greetingKey{}).(func())
	if c.EHLO == "" {
		c.EHLO = addressLiteral(conn.LocalAddr())
	}
	upgrade := func(ctx context.Context, conn net.Conn) (net.Conn, error) {
		upgraded, seen, err := handshake(ctx, conn, p.SNI)
		s.TLS = seen
		if err != nil {
			return nil, err // not a nil *tls.Conn inside an interface
		}
		return upgraded, nil
	}
	if secure {
		_ = conn.SetDeadline(time.Now().Add(min(t.TLS, t.Talk)))
		upgraded, err := upgrade(ctx, conn)
		if err != nil {
			_ = conn.Close()
			return fmt.Errorf("%w: %w", smtp.ErrTLS, err)
		}
		conn = upgraded
	} else {
		c.Upgrade = upgrade
	}
	r := smtp.Run(ctx, conn, c)
	s.Exchanges = r.Exchanges
	if s.TLS != nil && s.TLS.Error == "" && isAlert(r.Err) {
		s.TLS.Error = r.Err.Error() // refused after our side of the handshake, for want of a client certificate for instance
	}
	return r.Err
}

// talkFail classes what ended a conversation. A reply that came is an answer
// even if the time was up a moment later.
func talkFail(ctx context.Context, p Probe, s Session, err error) *Fail {
	f := failOf(ctx, p.Proto, err)
	switch {
	case errors.Is(err, smtp.ErrRefused):
		f.Kind = FailRefused
	case errors.Is(err, smtp.ErrProtocol), errors.Is(err, smtp.ErrCommand):
		f.Kind = FailProtocol
	case errors.Is(err, smtp.ErrLimit), errors.Is(err, smtp.ErrPause):
		f.Kind = FailLimit
	case f.Kind == FailCanceled, f.Kind == FailDeadline:
		return f
	case f.Kind == FailTimeout:
	case errors.Is(err, smtp.ErrTLS), isAlert(err):
		f.Kind = FailTLS
	}
	op, ok := errors.AsType[*net.OpError](err)
	switch dial := ok && op.Op == "dial"; {
	case f.Kind == FailTimeout && s.Exchanges == nil:
		f.Text = fmt.Sprintf("no answer on port %d", p.Addr.Port())
	case dial && f.Kind == FailRefused:
		f.Text = fmt.Sprintf("connection refused on port %d", p.Addr.Port())
	case dial: // without the address, which whoever asked knows
		f.Text = strings.ToValidUTF8(fmt.Sprintf("no connection to port %d: %s", p.Addr.Port(), op.Err), "?")
	default: // with the stage, without addresses and ports of both ends
		text := err.Error()
		if ok && op.Addr != nil {
			text = strings.Replace(text, op.Error(), op.Err.Error(), 1)
		}
		f.Text = strings.ToValidUTF8(p.Proto+": "+text, "?")
	}
	return f
}

// addressLiteral names this machine by its address (RFC 5321 section 4.1.3),
// for want of a name. A connection that has none is inside this machine.
func addressLiteral(local net.Addr) string {
	addr := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if local != nil {
		if at, err := netip.ParseAddrPort(local.String()); err == nil {
			addr = at.Addr().Unmap().WithZone("")
		}
	}
	if addr.Is6() {
		return "[IPv6:" + addr.String() + "]"
	}
	return "[" + addr.String() + "]"
}

func millisSince(began time.Time) int { return int(time.Since(began).Milliseconds()) }

// turns lets one conversation at a time happen with each address. It holds only
// addresses that somebody talks with or waits for. The zero value is ready.
type turns struct {
	mu sync.Mutex
	at map[netip.Addr]*turn
}

type turn struct {
	free  chan struct{} // holds one element while nobody talks
	users int           // who talk and wait
}

// take waits for the turn at addr, on a channel: a wait for a mutex would stop
// the clock of testing/synctest. The error is the context's.
func (t *turns) take(ctx context.Context, addr netip.Addr) (done func(), err error) {
	t.mu.Lock()
	if t.at == nil {
		t.at = map[netip.Addr]*turn{}
	}
	mine := t.at[addr]
	if mine == nil {
		mine = &turn{free: make(chan struct{}, 1)}
		mine.free <- struct{}{}
		t.at[addr] = mine
	}
	mine.users++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if mine.users--; mine.users == 0 {
			delete(t.at, addr)
		}
	}
	select {
	case <-mine.free:
		return func() { mine.free <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
