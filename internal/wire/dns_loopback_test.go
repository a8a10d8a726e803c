package wire

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// loopbackDNS serves over UDP, and over TCP at the same port unless udpOnly. It
// gives the address.
func loopbackDNS(t testing.TB, udpOnly bool, reply func(network string, q *dns.Msg) *dns.Msg) string {
	t.Helper()
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		if m := reply(w.LocalAddr().Network(), q); m != nil {
			_ = w.WriteMsg(m)
		}
	})
	for range 20 { // until a port is free for both
		packets, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := packets.LocalAddr().String()
		var streams net.Listener
		if !udpOnly {
			if streams, err = net.Listen("tcp", address); err != nil {
				packets.Close()
				continue
			}
			serveDNS(t, &dns.Server{Listener: streams, Handler: handler})
		}
		serveDNS(t, &dns.Server{PacketConn: packets, Handler: handler})
		return address
	}
	t.Fatal("no free port")
	return ""
}

func serveDNS(t testing.TB, s *dns.Server) {
	started := make(chan struct{})
	s.NotifyStartedFunc = func() { close(started) }
	go func() { _ = s.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = s.Shutdown() })
}

func TestDNSTruncatedThenTCP(t *testing.T) {
	address := loopbackDNS(t, false, func(network string, q *dns.Msg) *dns.Msg {
		m := answer(q, manyTXT("example.com.", 100)...)
		if network == "udp" {
			m.Truncate(dns.MinMsgSize)
		}
		return m
	})
	l := newLive(t, LiveConfig{Resolvers: []string{address}, AllowPrivate: true})
	for _, server := range []string{"", address} {
		a := l.DNS(t.Context(), Question{Name: "example.com", Type: "TXT", Server: server})
		if a.Fail != nil || !a.Truncated || a.TCPFailed || len(a.TXT()) != 100 || a.From != "tcp:"+address {
			t.Errorf("%q: %v, truncated %v, tcp failed %v, %d records from %s", server, a.Fail, a.Truncated, a.TCPFailed, len(a.TXT()), a.From)
		}
	}
}

func TestDNSTruncatedAndTCPClosed(t *testing.T) {
	address := loopbackDNS(t, true, func(_ string, q *dns.Msg) *dns.Msg {
		m := answer(q, manyTXT("example.com.", 100)...)
		if q.Question[0].Name == "empty.example.com." {
			return truncate(m)
		}
		m.Truncate(dns.MinMsgSize)
		return m
	})
	l := newLive(t, LiveConfig{Resolvers: []string{address}})
	a := l.DNS(t.Context(), Question{Name: "example.com", Type: "TXT"})
	if n := len(a.TXT()); a.Fail != nil || !a.Truncated || !a.TCPFailed || n == 0 || n == 100 || a.From != "udp:"+address {
		t.Errorf("%v, truncated %v, tcp failed %v, %d records from %s", a.Fail, a.Truncated, a.TCPFailed, n, a.From)
	}
	a = l.DNS(t.Context(), Question{Name: "empty.example.com", Type: "TXT"})
	if a.Fail == nil || a.Fail.Kind != FailClosed || !a.TCPFailed || a.Missing("TXT") {
		t.Errorf("%+v", a)
	}
}

func TestDNSNobodyListens(t *testing.T) {
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := packets.LocalAddr().String()
	packets.Close()
	for _, proto := range []string{"udp:", "tcp:"} {
		l := newLive(t, LiveConfig{Resolvers: []string{strings.TrimPrefix(proto, "udp:") + address}})
		a := l.DNS(t.Context(), Question{Name: "example.com", Type: "A"})
		if want := (Fail{FailClosed, "dns query to " + proto + address + ": connection refused"}); a.Fail == nil || *a.Fail != want {
			t.Errorf("%+v", a)
		}
	}
}

// Ctrl-C during a query over a real socket.
func TestDNSCanceledOnLoopback(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	address := loopbackDNS(t, false, func(string, *dns.Msg) *dns.Msg { cancel(); return nil })
	l := newLive(t, LiveConfig{Resolvers: []string{address}, Timeouts: Timeouts{DNSTry: time.Hour, DNSTotal: time.Hour}})
	if a := l.DNS(ctx, Question{Name: "example.com", Type: "A"}); a.Fail == nil || a.Fail.Kind != FailCanceled {
		t.Errorf("%+v", a)
	}
}

// resolverCert makes a CA and a certificate from it.
func resolverCert(t *testing.T, names []string, ips ...string) (*x509.CertPool, tls.Certificate) {
	t.Helper()
	sign := func(template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if parent == nil {
			parent, parentKey = template, key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert, key
	}
	ca, caKey := sign(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}, nil, nil)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: names, NotAfter: time.Now().Add(time.Hour)}
	for _, ip := range ips {
		leaf.IPAddresses = append(leaf.IPAddresses, net.ParseIP(ip))
	}
	cert, key := sign(leaf, ca, caKey)
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	return pool, tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

// A countingListener counts what it accepts.
type countingListener struct {
	net.Listener
	accepted atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.accepted.Add(1)
	}
	return c, err
}

// dohHandler answers as RFC 8484 says, with 192.0.2.1 for every name.
func dohHandler(t *testing.T) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		q := new(dns.Msg)
		if err := q.Unpack(body); err != nil || q.Id != 0 || r.Method != http.MethodPost || r.URL.Path != "/dns-query" || r.Header.Get("Content-Type") != "application/dns-message" {
			t.Errorf("%s %s %v: %v", r.Method, r.URL, r.Header, err)
		}
		w.Header().Set("Content-Type", "application/dns-message")
		raw := packets(answer(q, q.Question[0].Name+" 60 IN A 192.0.2.1"))[0]
		switch q.Question[0].Name {
		case "status.example.com.":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "type.example.com.":
			w.Header().Set("Content-Type", "text/html")
		case "redirect.example.com.":
			http.Redirect(w, r, "/dns-query", http.StatusTemporaryRedirect)
			return
		case "long.example.com.":
			raw = append(raw, bytes.Repeat([]byte{0}, 1<<20)...)
		}
		_, _ = w.Write(raw)
	})
}

// encryptedResolver starts a DoT or DoH server and gives its port and count of
// connections.
func encryptedResolver(t *testing.T, network string, cert tls.Certificate) (port string, accepted *atomic.Int64) {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := &countingListener{Listener: inner}
	if network == "tls" {
		secure := tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"dot"}})
		serveDNS(t, &dns.Server{Listener: secure, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
			_ = w.WriteMsg(answer(q, q.Question[0].Name+" 60 IN A 192.0.2.1"))
		})})
	} else {
		s := httptest.NewUnstartedServer(dohHandler(t))
		s.Listener.Close()
		s.Listener = listener
		s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
		s.EnableHTTP2 = true
		s.Config.ErrorLog = discardLog()
		s.StartTLS()
		t.Cleanup(s.Close)
	}
	_, port, _ = net.SplitHostPort(inner.Addr().String())
	return port, &listener.accepted
}

func TestDNSEncrypted(t *testing.T) {
	roots, cert := resolverCert(t, []string{"dns.example.com"}, "127.0.0.1")
	_, stranger := resolverCert(t, []string{"dns.example.com"}, "127.0.0.1")
	// The resolver of resolv.conf knows where dns.example.com and dns.example.net are.
	var plain sync.Mutex
	asked := map[string]int{}
	system := loopbackDNS(t, true, func(_ string, q *dns.Msg) *dns.Msg {
		plain.Lock()
		defer plain.Unlock()
		asked[q.Question[0].Name]++
		if q.Question[0].Qtype == dns.TypeA && strings.HasPrefix(q.Question[0].Name, "dns.") {
			return answer(q, q.Question[0].Name+" 60 IN A 127.0.0.1")
		}
		return answer(q)
	})
	for _, network := range []string{"tls", "https"} {
		t.Run(network, func(t *testing.T) {
			port, accepted := encryptedResolver(t, network, cert)
			bad, _ := encryptedResolver(t, network, stranger)
			live := func(host string) *Live {
				return newLive(t, LiveConfig{
					Resolvers:  []string{network + "://" + host},
					ResolvConf: []byte("nameserver 127.0.0.53\n"),
					Roots:      roots,
					Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
						if address == "127.0.0.53:53" {
							address = system
						}
						return (&net.Dialer{}).DialContext(ctx, network, address)
					},
				})
			}
			for _, host := range []string{"127.0.0.1:" + port, "dns.example.com:" + port} {
				l := live(host)
				before := accepted.Load()
				var wg sync.WaitGroup
				for i := range 20 {
					wg.Go(func() {
						name := string(rune('a'+i)) + ".example.com"
						a := l.DNS(t.Context(), Question{Name: name, Type: "A"})
						if !slices.Equal(a.Addrs(), []netip.Addr{netip.MustParseAddr("192.0.2.1")}) || !strings.HasPrefix(a.From, network+"://"+host) || a.Truncated {
							t.Errorf("%s: %+v", host, a)
						}
					})
				}
				wg.Wait()
				if a := l.DNS(t.Context(), Question{Name: "again.example.com", Type: "A"}); !a.OK() {
					t.Errorf("%s: %+v", host, a)
				}
				if got := accepted.Load() - before; got != 1 {
					t.Errorf("%s: %d connections for 21 queries", host, got)
				}
			}
			for host, kind := range map[string]string{
				"127.0.0.1:" + bad:        FailTLS, // unknown authority
				"dns.example.net:" + port: FailTLS, // not the name in the certificate
				"nowhere.example:" + port: FailUnreachable,
			} {
				a := live(host).DNS(t.Context(), Question{Name: "example.com", Type: "A"})
				if a.Fail == nil || a.Fail.Kind != kind {
					t.Errorf("%s: %+v", host, a)
				}
			}
			if network == "https" {
				l := live("127.0.0.1:" + port)
				for _, name := range []string{"status", "type", "redirect", "long"} {
					if a := l.DNS(t.Context(), Question{Name: name + ".example.com", Type: "A"}); a.Fail == nil || a.Fail.Kind != FailProtocol {
						t.Errorf("%s: %+v", name, a)
					}
				}
			}
		})
	}
	plain.Lock()
	defer plain.Unlock()
	// A and AAAA, for one connection over TLS and up to four HTTPS at once.
	if n := asked["dns.example.com."]; n < 4 || n > 10 {
		t.Errorf("asked the system's resolver: %v", asked)
	}
}
