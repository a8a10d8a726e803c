package wire

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"mxvet/internal/together"
)

// A DialFunc opens one connection, like net.Dialer.DialContext. Networks are
// "udp" (a connected socket) and "tcp"; the host in address is always an IP
// address.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// LiveConfig says how Live reaches the network. The zero value of each field
// gives its default, but a resolver must be known from Resolvers or ResolvConf.
type LiveConfig struct {
	Resolvers    []string         // in ParseResolver's form; empty = those of ResolvConf
	ResolvConf   []byte           // content of resolv.conf
	Dial         DialFunc         // nil = net.Dialer
	AllowPrivate bool             // lifts the address guard
	Exempt       []netip.Addr     // configured by the operator (control host, proxy): the guard lets them pass
	EHLO         string           // name for EHLO; "" = address literal of the local address
	Roots        *x509.CertPool   // trusted beside the system's roots; nil = none
	Version      string           // of mxvet, for User-Agent
	Now          func() time.Time // the time at which certificates are judged; nil = time.Now
	InFlight     int              // DNS queries at a time; 0 = 256
	Timeouts     Timeouts
}

// Timeouts bound single operations. The context's deadline bounds them all.
type Timeouts struct {
	DNSTry   time.Duration // wait for one reply before the next try; doubled when the same server is asked again; 2 s
	DNSTotal time.Duration // one question, all tries; 10 s
	Connect  time.Duration // TCP connection; 10 s
	TLS      time.Duration // TLS handshake; 10 s
	Fetch    time.Duration // one page as a whole; 20 s
	Greeting time.Duration // SMTP banner, which a server may delay on purpose; 30 s
	Command  time.Duration // one reply to a command; 15 s
	Relay    time.Duration // all envelopes of a conversation together; 20 s
	Talk     time.Duration // one conversation as a whole; 60 s
}

func (t Timeouts) withDefaults() Timeouts {
	return Timeouts{
		DNSTry:   cmp.Or(t.DNSTry, 2*time.Second),
		DNSTotal: cmp.Or(t.DNSTotal, 10*time.Second),
		Connect:  cmp.Or(t.Connect, 10*time.Second),
		TLS:      cmp.Or(t.TLS, 10*time.Second),
		Fetch:    cmp.Or(t.Fetch, 20*time.Second),
		Greeting: cmp.Or(t.Greeting, 30*time.Second),
		Command:  cmp.Or(t.Command, 15*time.Second),
		Relay:    cmp.Or(t.Relay, 20*time.Second),
		Talk:     cmp.Or(t.Talk, 60*time.Second),
	}
}

// Live is the Source that asks the network. It remembers no answers; that is
// Tape's task. It keeps sockets to the resolvers open: Close them.
type Live struct {
	cfg  LiveConfig // with defaults filled in
	dial DialFunc   // cfg.Dial, counted; applies no guard and no timeout

	life      context.Context // ends with Close; bounds connections that outlive one question
	end       context.CancelFunc
	resolvers *upstreams
	bootstrap *upstreams    // of resolv.conf, for the names of resolvers; may be empty
	inflight  chan struct{} // a place for each DNS query that is out

	mu      sync.Mutex // never held while waiting
	gates   map[netip.Addr]*gate
	names   map[string]hostAddrs // of resolvers given by name
	running together.Group       // what outlives one request
	closed  bool                 // nothing new is to run

	turns turns // of conversations, by address
	trust *trust

	queries atomic.Int64
	dials   atomic.Int64
}

// NewLive gives a Source that asks the network. It opens no connection yet. The
// error says which resolver cannot be used, or that there is none.
func NewLive(c LiveConfig) (*Live, error) {
	c.Timeouts = c.Timeouts.withDefaults()
	c.InFlight = cmp.Or(c.InFlight, 256)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	ask, system, err := c.resolvers()
	if err != nil {
		return nil, err
	}
	l := &Live{
		cfg:      c,
		trust:    newTrust(c.Roots),
		inflight: make(chan struct{}, c.InFlight),
		gates:    map[netip.Addr]*gate{},
		names:    map[string]hostAddrs{},
	}
	l.life, l.end = context.WithCancel(context.Background())
	l.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if network != "udp" {
			l.dials.Add(1)
		}
		return c.Dial(ctx, network, address)
	}
	l.resolvers, l.bootstrap = l.newUpstreams(ask...), l.newUpstreams(system...)
	return l, nil
}

// Close closes the sockets to the resolvers, and waits for all that runs beside the
// requests. Questions in flight may fail.
func (l *Live) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.end()
	l.resolvers.close()
	l.bootstrap.close()
	l.running.Wait()
}

// beside runs what may outlive the request that it began with, until Close at the
// latest: it has to end when l.life does.
func (l *Live) beside(f func()) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		f()
		return
	}
	defer l.mu.Unlock()
	l.running.Go(f)
}

// Traffic counts what Live has sent.
type Traffic struct {
	Queries     int64 // DNS queries, repeated ones too
	Connections int64 // TCP connections opened or tried
}

// Traffic gives the counts so far.
func (l *Live) Traffic() Traffic {
	return Traffic{Queries: l.queries.Load(), Connections: l.dials.Load()}
}

// failOf makes a Fail of a network error; what is lower-case and names the
// operation and the peer. The context comes first: when it has ended, that is
// the reason, whatever the error says. Ports of our own are left out of the
// text, so that equal failures read equal.
func failOf(ctx context.Context, what string, err error) *Fail {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return &Fail{FailCanceled, what + ": stopped"}
	case ctx.Err() != nil:
		return &Fail{FailDeadline, what + ": no time left"}
	}
	text, tlsAlert := err.Error(), false
	if op, ok := errors.AsType[*net.OpError](err); ok {
		text = op.Err.Error()
		tlsAlert = op.Op == "remote error" || op.Op == "local error" // how crypto/tls wraps alerts
	}
	f := &Fail{FailUnreachable, what + ": " + text}
	timeout, ok := errors.AsType[net.Error](err)
	_, badCert := errors.AsType[*tls.CertificateVerificationError](err)
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case tlsAlert, badCert, notTLS, strings.HasPrefix(text, "tls: "), strings.Contains(text, " tls: "):
		f.Kind = FailTLS
	case ok && timeout.Timeout(), errors.Is(err, syscall.ETIMEDOUT):
		f.Kind = FailTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		f.Kind = FailRefused
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe), errors.Is(err, net.ErrClosed),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED):
		f.Kind = FailReset
	}
	return f
}
