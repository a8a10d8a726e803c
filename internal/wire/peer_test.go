package wire

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// An issuer is a certificate authority, or one below it.
type issuer struct {
	cert *x509.Certificate
	key  crypto.Signer
	sent [][]byte // what a server sends behind a leaf of this issuer
}

// newKey gives a P-256 key; tests that need another kind make it themselves.
func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign makes a certificate valid for two days around now, after edit has
// changed the template. A nil issuer makes it self-signed.
func (ca *issuer) sign(t testing.TB, name string, key crypto.Signer, edit func(*x509.Certificate)) []byte {
	t.Helper()
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-24 * time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
	if edit != nil {
		edit(template)
	}
	parent, by := template, key
	if ca != nil {
		parent, by = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// below makes an authority that ca vouches for; of a nil ca, a root.
func (ca *issuer) below(t testing.TB, name string, edit func(*x509.Certificate)) *issuer {
	t.Helper()
	key := newKey(t)
	der := ca.sign(t, name, key, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
		if edit != nil {
			edit(c)
		}
	})
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	below := &issuer{cert: cert, key: key}
	if ca != nil {
		below.sent = append([][]byte{der}, ca.sent...)
	}
	return below
}

// leaf makes the certificate of a server with that name, as a public authority
// would.
func (ca *issuer) leaf(t testing.TB, name string, edit func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key := newKey(t)
	der := ca.sign(t, name, key, func(c *x509.Certificate) {
		c.DNSNames = []string{name}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		c.IssuingCertificateURL = []string{"http://ca.example.net/issuer.cer"}
		if edit != nil {
			edit(c)
		}
	})
	cert := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	if ca != nil {
		cert.Certificate = append(cert.Certificate, ca.sent...)
	}
	return cert
}

func (ca *issuer) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// dialTo is a network on which every address is the same peer.
func dialTo(peer func(net.Conn)) DialFunc {
	return func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			peer(theirs)
		}()
		return ours, nil
	}
}

// dialFar is the same at a distance: connecting takes one round trip, and each
// byte half of one.
func dialFar(rtt time.Duration, peer func(net.Conn)) DialFunc {
	return func(context.Context, string, string) (net.Conn, error) {
		time.Sleep(rtt)
		ours, a := net.Pipe()
		b, theirs := net.Pipe()
		go carry(a, b, rtt/2)
		go carry(b, a, rtt/2)
		go func() {
			defer theirs.Close()
			time.Sleep(rtt / 2) // until the last packet of the TCP handshake has arrived
			peer(theirs)
		}()
		return ours, nil
	}
}

// settle lets virtual time pass until far peers have seen the end.
func settle() { time.Sleep(time.Minute) }

// carry brings bytes from one pipe to another, each delay after it was sent.
func carry(from, to net.Conn, delay time.Duration) {
	type piece struct {
		data []byte
		at   time.Time
	}
	flight := make(chan piece, 1024)
	go func() {
		defer close(flight)
		for {
			buf := make([]byte, 4096)
			n, err := from.Read(buf)
			if err != nil {
				return
			}
			flight <- piece{buf[:n], time.Now().Add(delay)}
		}
	}()
	for p := range flight {
		time.Sleep(time.Until(p.at))
		_, _ = to.Write(p.data) // fails where the receiver has gone: what it sent before still arrives
	}
	_ = to.Close()
}

// A mailHost is a scripted mail server; the zero value offers STARTTLS and
// PIPELINING, and has no certificate.
type mailHost struct {
	tls     *tls.Config
	answers map[string]string // by verb, or by "TLS verb" inside TLS, instead of the usual
}

func (h mailHost) serve(c net.Conn) {
	usual := map[string]string{
		"banner":   "220 mx.example.com ESMTP",
		"EHLO":     "250-mx.example.com\r\n250-PIPELINING\r\n250 STARTTLS",
		"TLS EHLO": "250-mx.example.com\r\n250-PIPELINING\r\n250 AUTH PLAIN",
		"STARTTLS": "220 go",
		"MAIL":     "250 ok", "RCPT": "550 5.7.1 no", "RSET": "250 ok", "QUIT": "221 bye",
	}
	inside := ""
	answer := func(verb string) bool {
		text, ok := "", false
		for _, m := range []map[string]string{h.answers, usual} {
			for _, key := range []string{inside + verb, verb} {
				if !ok {
					text, ok = m[key]
				}
			}
		}
		if text == "" {
			return false
		}
		_, err := c.Write([]byte(text + "\r\n"))
		return err == nil
	}
	if !answer("banner") {
		return
	}
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		verb, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasPrefix(line, "\x16") {
			verb = "hello" // of TLS, which is not a line
		}
		if err != nil || !answer(verb) || verb == "QUIT" {
			return
		}
		if verb == "STARTTLS" && h.tls != nil {
			s := tls.Server(c, h.tls)
			if s.Handshake() != nil {
				return
			}
			c, r, inside = s, bufio.NewReader(s), "TLS "
		}
	}
}

// liveOver gives a Live over an in-memory network.
func liveOver(t testing.TB, dial DialFunc, ca *issuer, edit func(*LiveConfig)) *Live {
	t.Helper()
	c := LiveConfig{Resolvers: []string{"192.0.2.53"}, Dial: dial, AllowPrivate: true, EHLO: "probe.example.net", Version: "1.2.3"}
	if ca != nil {
		c.Roots = ca.pool()
	}
	if edit != nil {
		edit(&c)
	}
	return newLive(t, c)
}

var mx1 = Probe{Proto: "smtp", Addr: netip.MustParseAddrPort("192.0.2.25:25"), SNI: "mx.example.com", Variant: "default"}
