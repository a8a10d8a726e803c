package fakenet

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A Net is a world that runs. Its methods may be called at any time from any
// goroutine. Its servers live until Close.
type Net struct {
	world     *World
	ca        *authorities
	endpoints map[netip.Addr]*endpoint
	done      chan struct{}
	wg        sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	port     uint16
	conns    map[net.Conn]bool
	certs    map[certKey]*tls.Certificate
	turns    map[int]int
	visits   []*visit
	open     map[netip.AddrPort]int
	queries  map[Query]int
	commands map[string]int
}

// Start sets the world going. Certificates are made when they are first asked
// for, the same ones in each run.
func (w *World) Start() *Net {
	ca, err := newAuthorities()
	if err != nil {
		panic("fakenet: " + err.Error()) // nothing in it depends on the world
	}
	n := &Net{
		world: w, ca: ca, done: make(chan struct{}), port: 49151,
		endpoints: map[netip.Addr]*endpoint{}, conns: map[net.Conn]bool{}, certs: map[certKey]*tls.Certificate{},
		turns: map[int]int{}, open: map[netip.AddrPort]int{}, queries: map[Query]int{}, commands: map[string]int{},
	}
	for _, e := range w.endpoints {
		n.endpoints[e.addr] = e
	}
	return n
}

// Close ends all connections and waits until the servers have gone.
func (n *Net) Close() {
	n.mu.Lock()
	if !n.closed {
		n.closed = true
		close(n.done)
	}
	conns := slices.Collect(maps.Keys(n.conns))
	n.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
	n.wg.Wait()
}

// CA gives the roots that the world trusts: the one of issuer "public".
func (n *Net) CA() *x509.CertPool { return n.ca.pool.Clone() }

// Resolver gives the address and port of the world's resolver for UDP and TCP.
// It speaks DNS over TLS on port 853 and over HTTPS at /dns-query on port 443.
func (n *Net) Resolver() string {
	for _, s := range n.world.servers {
		if s.resolver {
			return netip.AddrPortFrom(s.addr, 53).String()
		}
	}
	return ""
}

// ResolverName gives the name in the certificate of the resolver.
func (n *Net) ResolverName() string { return cmp.Or(n.world.hosts.Resolver.Name, resolverName) }

func (w *World) vantage4() string { return cmp.Or(w.hosts.Vantage.IPv4, "198.51.100.7") }
func (w *World) vantage6() string { return cmp.Or(w.hosts.Vantage.IPv6, "2001:db8:7::7") }

// sleep waits; false means that the net was closed.
func (n *Net) sleep(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-n.done:
		return false
	}
}

// Dial connects to an address of the world. network is tcp, tcp4, tcp6, udp,
// udp4 or udp6, address an IP address with a port: names are not resolved.
// Setting up TCP takes one round trip of the host; errors are those of the
// operating system (connection refused, no route to host, network is
// unreachable), as net.Dialer wraps them.
func (n *Net) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fmt.Errorf("fakenet: dial %s %s: not an IP address and port", network, address)
	}
	to = netip.AddrPortFrom(to.Addr().Unmap().WithZone(""), to.Port())
	base, family := strings.TrimRight(network, "46"), network[len(strings.TrimRight(network, "46")):]
	if base != "tcp" && base != "udp" || family == "4" && !to.Addr().Is4() || family == "6" && to.Addr().Is4() {
		return nil, fmt.Errorf("fakenet: dial %s %s: no such network for this address", network, address)
	}
	var local, remote net.Addr
	from, err := n.source(to.Addr())
	if base == "udp" {
		local, remote = net.UDPAddrFromAddrPort(from), net.UDPAddrFromAddrPort(to)
	} else {
		local, remote = net.TCPAddrFromAddrPort(from), net.TCPAddrFromAddrPort(to)
	}
	fail := func(err error) error {
		return &net.OpError{Op: "dial", Net: network, Source: local, Addr: remote, Err: err}
	}
	if err != nil {
		local = nil
		return nil, fail(err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fail(err)
	}
	if base == "udp" {
		return n.dialUDP(local, remote, to), nil
	}
	c, err := n.dialTCP(ctx, local, remote, to)
	if err != nil {
		return nil, fail(err)
	}
	return c, nil
}

// source gives the address and port that a connection comes from.
func (n *Net) source(to netip.Addr) (netip.AddrPort, error) {
	text := n.world.vantage6()
	if to.Is4() {
		text = n.world.vantage4()
	}
	from, err := netip.ParseAddr(text)
	if err != nil {
		return netip.AddrPort{}, syscall.ENETUNREACH
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.port++
	if n.port < 49152 {
		n.port = 49152
	}
	return netip.AddrPortFrom(from, n.port), nil
}

// blocked reports that the network near the asker drops packets to that port.
func (n *Net) blocked(e *endpoint, port uint16) bool {
	return (e == nil || e.dns == nil || !e.dns.resolver) && slices.Contains(n.world.hosts.Vantage.Blocked, int(port))
}

func (n *Net) dialUDP(local, remote net.Addr, to netip.AddrPort) net.Conn {
	c := &packetConn{local: local, remote: remote, closed: make(chan struct{})}
	e := n.endpoints[to.Addr()]
	if e != nil {
		c.delay = e.latency / 2
		switch e.host.Fault {
		case "silent", "mute":
			c.silent = true
		}
	}
	c.silent = c.silent || n.blocked(e, to.Port())
	if e == nil || e.dns == nil || to.Port() != 53 || e.host.Fault == "refuse" || e.host.Fault == "unreachable" {
		return c
	}
	c.answer = func(p []byte, send func([]byte)) {
		replies, _ := n.answerDNS(e.dns, "udp", p)
		var next func()
		next = func() {
			if len(replies) == 0 {
				return
			}
			r := replies[0]
			replies = replies[1:]
			after(r.after, func() {
				send(r.data)
				next()
			})
		}
		next()
	}
	return c
}

func (n *Net) dialTCP(ctx context.Context, local, remote net.Addr, to netip.AddrPort) (net.Conn, error) {
	e := n.endpoints[to.Addr()]
	if n.blocked(e, to.Port()) {
		return nil, n.never(ctx)
	}
	if e == nil {
		return nil, syscall.EHOSTUNREACH
	}
	svc := e.services[to.Port()]
	fault := e.host.Fault
	if svc != nil {
		fault = svc.fault
	}
	if fault == "silent" {
		return nil, n.never(ctx)
	}
	if e.latency > 0 {
		t := time.NewTimer(e.latency)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-n.done:
			return nil, net.ErrClosed
		}
	}
	switch {
	case fault == "unreachable":
		return nil, syscall.EHOSTUNREACH
	case fault == "refuse" || svc == nil:
		return nil, syscall.ECONNREFUSED
	}
	client, server := connect(local, remote, e.latency/2)
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return nil, net.ErrClosed
	}
	v := n.visit(svc.kind, to)
	n.conns[client], n.conns[server] = true, true
	client.onClose = func() { n.forget(client, v) }
	server.onClose = func() { n.forget(server, nil) }
	n.wg.Add(1)
	n.mu.Unlock()
	go func() {
		defer n.wg.Done()
		defer server.Close()
		if n.sleep(e.latency / 2) { // what the client sends first arrives now
			n.handle(server, e, svc, fault, v)
		}
	}()
	return client, nil
}

// never waits until the caller gives up.
func (n *Net) never(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-n.done:
		return net.ErrClosed
	}
}

func (n *Net) forget(c net.Conn, v *visit) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, c)
	if v != nil {
		n.open[v.addr]--
	}
}

// abort resets the TCP connection below c.
func abort(c net.Conn) {
	switch c := c.(type) {
	case *conn:
		c.abort()
	case *tls.Conn:
		abort(c.NetConn())
	}
}

// handle is the server's side of one connection.
func (n *Net) handle(c net.Conn, e *endpoint, svc *service, fault string, v *visit) {
	switch fault {
	case "reset":
		abort(c)
		return
	case "close":
		return
	case "mute":
		io.Copy(io.Discard, c)
		return
	}
	name := e.host.Name
	names := []string{name}
	switch svc.kind {
	case "https", "doh", "dot":
		if svc.http != nil {
			names = append(names, svc.http.hosts()...)
		}
		t, err := n.upgrade(c, svc.tls, name, slices.Compact(names), v.sni)
		if err != nil {
			return
		}
		defer t.Close()
		c = t
	}
	switch svc.kind {
	case "dns":
		n.serveDNS(c, e.dns, "tcp")
	case "dot":
		n.serveDNS(c, e.dns, "dot")
	case "doh":
		n.serveDoH(c, e.dns)
	case "https", "http":
		n.serveHTTP(c, svc.http)
	default:
		n.serveSMTP(c, svc, name, v)
	}
}
