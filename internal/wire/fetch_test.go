package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const policyURL = "https://mta-sts.example.com/.well-known/mta-sts.txt"

var web = Request{URL: policyURL, Addr: netip.MustParseAddrPort("192.0.2.80:443")}

// webHost answers one request over TLS with fixed bytes; nil TLS is plain HTTP.
func webHost(c *tls.Config, answer string, asked chan<- *http.Request) func(net.Conn) {
	return func(conn net.Conn) {
		if c != nil {
			s := tls.Server(conn, c)
			if s.Handshake() != nil {
				return
			}
			conn = s
		}
		r, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		if asked != nil {
			asked <- r
		}
		_, _ = io.WriteString(conn, answer)
		if s, ok := conn.(*tls.Conn); ok {
			_ = s.CloseWrite()
		}
	}
}

func page(status, header, body string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s", status, len(body), header, body)
}

func TestFetch(t *testing.T) {
	const policy = "version: STSv1\r\nmode: enforce\r\nmx: mx.example.com\r\nmax_age: 86400\r\n"
	ca := (*issuer)(nil).below(t, "root", nil)
	config := func(ca *issuer, name string, edit func(*x509.Certificate)) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, name, edit)}}
	}
	good := config(ca, "mta-sts.example.com", nil)
	plain := "Content-Type: text/plain\r\n"
	for _, test := range []struct {
		name   string
		tls    *tls.Config
		answer string
		want   Page
		fail   string
	}{
		{"good", good, page("200 OK", plain, policy), Page{Status: 200, ContentType: "text/plain", Body: []byte(policy)}, ""},
		{"another type", good, page("200 OK", "Content-Type: text/html; charset=x\r\n", policy), Page{Status: 200, ContentType: "text/html; charset=x", Body: []byte(policy)}, ""},
		{"not found", good, page("404 Not Found", "", "no"), Page{Status: 404, Body: []byte("no")}, ""},
		{"redirect", good, page("301 Moved", "Location: https://example.org/x\r\n", ""), Page{Status: 301, Location: "https://example.org/x"}, ""},
		{"chunked", good, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", Page{Status: 200, Body: []byte("abc")}, ""},
		{"interim response first", good, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + page("200 OK", "", "abc"), Page{Status: 200, Body: []byte("abc")}, ""},
		{"interim responses only", good, strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 20), Page{}, FailLimit},
		{"header as long as may be", good, page("200 OK", "X-A: "+strings.Repeat("b", maxHeader-100)+"\r\n", "abc"), Page{Status: 200, Body: []byte("abc")}, ""},
		{"tiny chunks", good, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", MaxBody) + "0\r\n\r\n", Page{Status: 200, Body: []byte(strings.Repeat("x", MaxBody))}, ""},
		{"until the end", good, "HTTP/1.0 200 OK\r\n\r\nabc", Page{Status: 200, Body: []byte("abc")}, ""},
		{"empty", good, page("200 OK", "", ""), Page{Status: 200}, ""},
		{"as long as may be", good, page("200 OK", "", strings.Repeat("x", MaxBody)), Page{Status: 200, Body: []byte(strings.Repeat("x", MaxBody))}, ""},
		{"longer", good, page("200 OK", "", strings.Repeat("x", MaxBody+1)), Page{Status: 200, Body: []byte(strings.Repeat("x", MaxBody)), Cut: true}, ""},
		{"body breaks off", good, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", Page{Status: 200}, FailReset},
		{"endless header", good, "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: "+strings.Repeat("b", 1000)+"\r\n", 100), Page{}, FailLimit},
		{"no HTTP", good, "220 mx.example.com ESMTP\r\n", Page{}, FailProtocol},
		{"nothing", good, "", Page{}, FailReset},
		{"self-signed", config(nil, "mta-sts.example.com", nil), page("200 OK", plain, policy), Page{Status: 200, ContentType: "text/plain", Body: []byte(policy)}, FailTLS},
		{"wrong name", config(ca, "www.example.com", nil), page("200 OK", plain, policy), Page{Status: 200, ContentType: "text/plain", Body: []byte(policy)}, FailTLS},
		{"expired", config(ca, "mta-sts.example.com", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), page("200 OK", plain, policy), Page{Status: 200, ContentType: "text/plain", Body: []byte(policy)}, FailTLS},
		{"no certificate", &tls.Config{}, "", Page{}, FailTLS},
		{"header not UTF-8", good, page("200 OK", "Content-Type: text/\xe9\r\n", "x"), Page{Status: 200, ContentType: "text/?", Body: []byte("x")}, ""},
	} {
		l := liveOver(t, dialFar(0, webHost(test.tls, test.answer, nil)), ca, nil)
		got := l.Fetch(t.Context(), web)
		kind := ""
		if got.Fail != nil {
			kind = got.Fail.Kind
		}
		if kind != test.fail {
			t.Errorf("%s: %v", test.name, got.Fail)
		}
		w := test.want
		if got.Status != w.Status || got.ContentType != w.ContentType || got.Location != w.Location || string(got.Body) != string(w.Body) || got.Cut != w.Cut {
			t.Errorf("%s: %d %q %q, %d bytes, %v", test.name, got.Status, got.ContentType, got.Location, len(got.Body), got.Cut)
		}
		if got.TLS == nil || (len(got.TLS.Chain) == 0) != (test.name == "no certificate") {
			t.Errorf("%s: %+v", test.name, got.TLS)
		}
	}
}

func TestFetchAsks(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://192.0.2.99:3128")
	t.Setenv("HTTP_PROXY", "http://192.0.2.99:3128")
	ca := (*issuer)(nil).below(t, "root", nil)
	cert := ca.leaf(t, "mta-sts.example.com", nil)
	for _, scheme := range []string{"https", "http"} {
		asked := make(chan *http.Request, 1)
		var c *tls.Config
		var sni string
		if scheme == "https" {
			c = &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
				sni = h.ServerName
				return &cert, nil
			}}
		}
		var dialled []string
		host := dialFar(0, webHost(c, page("200 OK", "", "x"), asked))
		l := liveOver(t, func(ctx context.Context, network, address string) (net.Conn, error) {
			dialled = append(dialled, network+" "+address)
			return host(ctx, network, address)
		}, ca, nil)
		p := l.Fetch(t.Context(), Request{URL: scheme + "://mta-sts.example.com/a?b", Addr: web.Addr})
		if p.Fail != nil || string(p.Body) != "x" || (p.TLS != nil) != (c != nil) {
			t.Fatalf("%s: %v %+v", scheme, p.Fail, p)
		}
		r := <-asked
		if r.Host != "mta-sts.example.com" || r.RequestURI != "/a?b" || r.UserAgent() != "mxvet/1.2.3" || r.Header.Get("Accept-Encoding") != "" || !r.Close {
			t.Errorf("%s: asked for %s at %s with %v", scheme, r.RequestURI, r.Host, r.Header)
		}
		if c != nil && sni != "mta-sts.example.com" || len(dialled) != 1 || dialled[0] != "tcp 192.0.2.80:443" {
			t.Errorf("%s: name %q at %q", scheme, sni, dialled)
		}
	}
}

func TestFetchRefusesURL(t *testing.T) {
	l := liveOver(t, nil, nil, nil)
	for _, u := range []string{"", "ftp://example.com/", "https:///x", "https://a:b@example.com/", "file:///etc/hosts", "https://exa mple.com/", "://"} {
		if p := l.Fetch(t.Context(), Request{URL: u, Addr: web.Addr}); p.Fail == nil || p.Fail.Kind != FailProtocol {
			t.Errorf("%q: %v", u, p.Fail)
		}
	}
}

// A server that is silent, or that sends a byte a second, gets no more than the
// time of a fetch, or of what it hangs in.
func TestFetchSlow(t *testing.T) {
	for _, test := range []struct {
		name string
		peer func(net.Conn)
		took time.Duration
	}{
		{"silent", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, 20 * time.Second},
		{"dripping header", func(c net.Conn) { drip(c, "HTTP/1.1 200 OK\r\n"+strings.Repeat("A: b\r\n", 100)) }, 20 * time.Second},
		{"dripping body", func(c net.Conn) { drip(c, page("200 OK", "", strings.Repeat("x", 100))) }, 20 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := liveOver(t, dialFar(0, test.peer), nil, nil)
				began := time.Now()
				p := l.Fetch(t.Context(), Request{URL: "http://ca.example.com/issuer.cer", Addr: web.Addr})
				if took := time.Since(began); p.Fail == nil || p.Fail.Kind != FailTimeout || took != test.took || p.Body != nil {
					t.Errorf("%v after %v, %d bytes", p.Fail, took, len(p.Body))
				}
				if p.Millis != int(test.took.Milliseconds()) {
					t.Errorf("%d ms", p.Millis)
				}
				if test.name == "silent" {
					began = time.Now()
					p = l.Fetch(t.Context(), web)
					if took := time.Since(began); p.Fail == nil || p.Fail.Kind != FailTimeout || took != 10*time.Second || p.TLS == nil {
						t.Errorf("in the handshake: %v after %v", p.Fail, took)
					}
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					if p = l.Fetch(ctx, web); p.Fail == nil || p.Fail.Kind != FailDeadline {
						t.Errorf("at the end of the audit: %v", p.Fail)
					}
				}
				l.Close()
				time.Sleep(3 * time.Minute) // the dripping ends
			})
		})
	}
}

func drip(c net.Conn, text string) {
	go func() { _, _ = io.Copy(io.Discard, c) }()
	for i := range text {
		if _, err := io.WriteString(c, text[i:i+1]); err != nil {
			return
		}
		time.Sleep(time.Second)
	}
}

// net/http's own server on a real socket; its test certificate is for
// example.com and of an authority that only this Live knows.
func TestFetchFromAnotherImplementation(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, r.Proto+" "+r.Host)
	}))
	t.Cleanup(server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	l := newLive(t, LiveConfig{Resolvers: []string{"192.0.2.53"}, AllowPrivate: true, Roots: pool})
	at := server.Listener.Addr().(*net.TCPAddr).AddrPort()
	if p := l.Fetch(t.Context(), Request{URL: "https://example.com/", Addr: at}); p.Fail != nil || string(p.Body) != "HTTP/1.1 example.com" || p.TLS.Version != "TLS 1.3" {
		t.Errorf("%v %q %+v", p.Fail, p.Body, p.TLS)
	}
	if p := l.Fetch(t.Context(), Request{URL: "https://mta-sts.example.org/", Addr: at}); p.Fail == nil || p.Fail.Kind != FailTLS || p.Status != 200 {
		t.Errorf("wrong name: %v %d", p.Fail, p.Status)
	}
}
