package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"mxvet/internal/together"
)

// An upstream is one DNS server as Live talks to it: a configured resolver, for
// as long as Live lives, or an authoritative server, for one question.
type upstream struct {
	Resolver
	name string // Resolver.String()
	live *Live
	end  context.CancelFunc
	udp  *sockets
	tcp  *streams     // TCP or TLS
	web  *http.Client // only for https
	lead *lead        // only for https
}

// upstreams are servers that may be asked in each other's place.
type upstreams struct {
	list  []*upstream
	first atomic.Int32 // index of the one to ask first: the next one after a silent one
}

func (l *Live) newUpstreams(rs ...Resolver) *upstreams {
	us := new(upstreams)
	for _, r := range rs {
		us.list = append(us.list, l.newUpstream(r))
	}
	return us
}

func (us *upstreams) close() {
	for _, u := range us.list {
		u.close()
	}
}

func (l *Live) newUpstream(r Resolver) *upstream {
	life, end := context.WithCancel(l.life)
	u := &upstream{Resolver: r, name: r.String(), live: l, end: end}
	u.udp = &sockets{dial: l.dial, address: r.address()}
	u.tcp = &streams{life: life, dial: u.connect, beside: l.beside}
	if r.Net == "https" {
		u.web, u.lead = u.client(), newLead()
	}
	return u
}

// close ends what is still open; queries in flight fail.
func (u *upstream) close() {
	u.end()
	u.udp.close()
	if u.web != nil {
		u.web.CloseIdleConnections()
	}
}

// from says whom an answer came from, and how.
func (u *upstream) from(tcp bool) string {
	if tcp && u.Net == "udp" {
		return "tcp:" + u.address()
	}
	return u.name
}

// ask sends the query once, over TCP where asked to, and waits for its reply
// until then, or until the context ends.
func (u *upstream) ask(ctx context.Context, until time.Time, q *query, tcp bool) (*dns.Msg, error) {
	u.live.queries.Add(1)
	if u.Net == "udp" && !tcp {
		return u.udp.ask(ctx, until, q)
	}
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	if u.Net == "https" {
		return u.post(ctx, q)
	}
	return u.tcp.ask(ctx, q)
}

// connect opens the TCP connection and, for tls and https, makes the handshake.
func (u *upstream) connect(ctx context.Context) (net.Conn, error) {
	addrs, err := u.live.resolverAddrs(ctx, u.Host)
	if err != nil {
		return nil, err
	}
	for _, addr := range addrs {
		var conn net.Conn
		if conn, err = u.connectTo(ctx, net.JoinHostPort(addr, strconv.Itoa(int(u.Port)))); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

func (u *upstream) connectTo(ctx context.Context, address string) (net.Conn, error) {
	timeouts := u.live.cfg.Timeouts
	dialing, cancel := context.WithTimeout(ctx, timeouts.Connect)
	defer cancel()
	conn, err := u.live.dial(dialing, "tcp", address)
	if err != nil || u.Net != "tls" && u.Net != "https" {
		return conn, err
	}
	shaking, cancel := context.WithTimeout(ctx, timeouts.TLS)
	defer cancel()
	secure := tls.Client(conn, u.tlsConfig())
	if err := secure.HandshakeContext(shaking); err != nil {
		conn.Close()
		return nil, fmt.Errorf("tls handshake: %w", err)
	}
	return secure, nil
}

// tlsConfig asks for a certificate of the configured name or address (RFC 8310
// section 8.1), from a root of this machine or of the operator.
func (u *upstream) tlsConfig() *tls.Config {
	host := u.Host
	if addr, err := netip.ParseAddr(host); err == nil {
		host = addr.WithZone("").String()
	}
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, NextProtos: []string{"dot"}}
	if u.Net == "https" {
		c.NextProtos = []string{"h2", "http/1.1"}
	}
	if extra := u.live.cfg.Roots; extra != nil {
		// Pools cannot be joined, so the two are tried one after the other.
		c.InsecureSkipVerify = true
		c.VerifyConnection = func(state tls.ConnectionState) error {
			opts := x509.VerifyOptions{DNSName: host, Intermediates: x509.NewCertPool()}
			for _, cert := range state.PeerCertificates[1:] {
				opts.Intermediates.AddCert(cert)
			}
			_, err := state.PeerCertificates[0].Verify(opts)
			if err == nil {
				return nil
			}
			opts.Roots = extra
			if _, second := state.PeerCertificates[0].Verify(opts); second == nil {
				return nil
			}
			return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
		}
	}
	return c
}

// resolverAddrs gives the addresses of a configured resolver. A name is looked
// up with the resolvers of resolv.conf and remembered for five minutes.
func (l *Live) resolverAddrs(ctx context.Context, host string) ([]string, error) {
	if _, err := netip.ParseAddr(host); err == nil {
		return []string{host}, nil
	}
	l.mu.Lock()
	known, ok := l.names[host]
	l.mu.Unlock()
	if ok && time.Now().Before(known.until) {
		return known.addrs, nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Timeouts.DNSTotal)
	defer cancel()
	types := []string{"A", "AAAA"}
	answers := make([]Answer, len(types))
	var asking together.Group
	for i, t := range types {
		asking.Go(func() { answers[i] = l.askAny(ctx, Question{Name: host, Type: t}, l.bootstrap) })
	}
	asking.Wait()
	var addrs []string
	for _, a := range answers {
		for _, addr := range a.Addrs() {
			addrs = append(addrs, addr.String())
		}
	}
	if len(addrs) == 0 {
		for _, a := range answers {
			if a.Fail != nil {
				return nil, fmt.Errorf("looking up the resolver's name %s: %s", host, a.Fail.Text)
			}
		}
		return nil, errors.New("the resolver's name " + host + " has no address")
	}
	l.mu.Lock()
	l.names[host] = hostAddrs{slices.Clip(addrs), time.Now().Add(5 * time.Minute)}
	l.mu.Unlock()
	return addrs, nil
}

type hostAddrs struct {
	addrs []string
	until time.Time
}
