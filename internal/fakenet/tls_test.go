package fakenet

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const certificates = `
-- now --
2026-11-02T09:00:00Z
-- zone/example.com --
@ IN MX 10 good
-- hosts.yaml --
hosts:
- {name: good.example.com, addrs: [192.0.2.1], smtp: {}, https: {}}
- {name: expired.example.com, addrs: [192.0.2.2], tls: {not-before: -95d, not-after: -5d}, smtp: {}}
- {name: future.example.com, addrs: [192.0.2.3], tls: {not-before: +1d}, smtp: {}}
- {name: self.example.com, addrs: [192.0.2.4], tls: {issuer: self}, smtp: {}}
- {name: private.example.com, addrs: [192.0.2.5], tls: {issuer: private}, smtp: {}}
- {name: leaf.example.com, addrs: [192.0.2.6], tls: {chain: leaf}, smtp: {}}
- {name: cn.example.com, addrs: [192.0.2.7], tls: {cn-only: true}, smtp: {}}
- {name: wild.example.com, addrs: [192.0.2.8], tls: {names: "*.example.com"}, smtp: {}}
- {name: rsa.example.com, addrs: [192.0.2.9], tls: {key: rsa1024}, smtp: {}}
- {name: old.example.com, addrs: [192.0.2.10], tls: {min: "1.0", max: "1.1"}, smtp: {}}
- {name: two.example.com, addrs: [192.0.2.11], tls: {no-sni: abort, sni: {other.example.com: {}}}, smtp: {}}
- {name: broken.example.com, addrs: [192.0.2.12], tls: {fault: abort}, smtp: {}}
- {name: sha1.example.com, addrs: [192.0.2.13], tls: {sig: sha1}, smtp: {}}
- {name: file.example.com, addrs: [192.0.2.14], tls: {file: own.pem}, smtp: {}}
- {name: client.example.com, addrs: [192.0.2.15], tls: {usage: client, key: ed25519}, smtp: {}}
-- keys/own.pem --
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
-----END PRIVATE KEY-----
`

func TestCertificates(t *testing.T) {
	n := start(t, certificates)
	state := func(address, name string, change ...func(*tls.Config)) (tls.ConnectionState, error) {
		c := newClient(t, dial(t, n, "tcp", address+":25"))
		c.reply()
		c.cmd("EHLO x.example")
		cfg := &tls.Config{ServerName: name, RootCAs: n.CA(), Time: func() time.Time { return n.world.Now }}
		for _, f := range change {
			f(cfg)
		}
		return c.startTLS(cfg)
	}
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var hostname x509.HostnameError
	for _, x := range []struct {
		address, name string
		want          any // nil: it verifies
	}{
		{"192.0.2.1", "good.example.com", nil},
		{"192.0.2.1", "bad.example.com", &hostname},
		{"192.0.2.2", "expired.example.com", &invalid},
		{"192.0.2.3", "future.example.com", &invalid},
		{"192.0.2.4", "self.example.com", &unknown},
		{"192.0.2.5", "private.example.com", &unknown},
		{"192.0.2.6", "leaf.example.com", &unknown},
		{"192.0.2.7", "cn.example.com", &hostname},
		{"192.0.2.8", "wild.example.com", nil},
		{"192.0.2.11", "other.example.com", nil},
		{"192.0.2.11", "two.example.com", nil},
		{"192.0.2.13", "sha1.example.com", &unknown},
		{"192.0.2.14", "file.example.com", nil},
		{"192.0.2.15", "client.example.com", &invalid},
	} {
		_, err := state(x.address, x.name)
		if x.want == nil && err != nil || x.want != nil && !errors.As(err, x.want) {
			t.Errorf("%s: %v, want %T", x.name, err, x.want)
		}
	}
	loose := func(c *tls.Config) { c.InsecureSkipVerify = true }
	if s, err := state("192.0.2.9", "rsa.example.com", loose); err != nil {
		t.Error(err)
	} else if key := s.PeerCertificates[0].PublicKey.(*rsa.PublicKey); key.Size() != 128 {
		t.Errorf("a key of %d bytes", key.Size())
	}
	if _, err := state("192.0.2.10", "old.example.com"); err == nil {
		t.Error("a server of TLS 1.1 was accepted")
	}
	if s, err := state("192.0.2.10", "old.example.com", func(c *tls.Config) { c.MinVersion = tls.VersionTLS10 }); err != nil || s.Version != tls.VersionTLS11 {
		t.Errorf("old: %x %v", s.Version, err)
	}
	if _, err := state("192.0.2.11", "", loose); err == nil {
		t.Error("a handshake without a server name went through")
	}
	if _, err := state("192.0.2.12", "broken.example.com"); err == nil {
		t.Error("a broken handshake went through")
	}
	if s, err := state("192.0.2.13", "sha1.example.com", loose); err != nil || s.PeerCertificates[0].SignatureAlgorithm != x509.ECDSAWithSHA1 {
		t.Errorf("sha1: %v", err)
	}
}

// The same world shows the same certificates in each run.
func TestCertificatesRepeat(t *testing.T) {
	var seen [][]byte
	for range 2 {
		n := start(t, certificates)
		c := tls.Client(dial(t, n, "tcp", "192.0.2.1:443"), &tls.Config{InsecureSkipVerify: true})
		if err := c.Handshake(); err != nil {
			t.Fatal(err)
		}
		seen = append(seen, c.ConnectionState().PeerCertificates[0].Raw)
		c.Close()
	}
	if !bytes.Equal(seen[0], seen[1]) {
		t.Error("the certificate changed")
	}
}

func TestHTTPS(t *testing.T) {
	n := start(t, `
-- hosts.yaml --
hosts:
- name: web.example.com
  addrs: [192.0.2.80]
  http: {pages: {/: {redirect: "https://web.example.com/"}}}
  https:
    tls: {names: [web.example.com, mta-sts.example.com]}
    pages:
      web.example.com/: hello
      /file: pages/some
      /json: {body: "{}", type: application/json, status: 418, headers: {X-Test: "yes"}}
      /big: {fill: 1000000}
      /stop: {body: 0123456789, stop: true}
      /raw: {raw: true, body: "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi"}
-- pages/some --
from a section
-- pages/mta-sts.example.com/.well-known/mta-sts.txt --
version: STSv1
`)
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{RootCAs: n.CA(), Time: func() time.Time { return n.world.Now }},
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				_, port, _ := net.SplitHostPort(address)
				return n.Dial(ctx, network, "192.0.2.80:"+port)
			},
		},
	}
	for _, x := range []struct {
		url    string
		status int
		kind   string
		body   string
	}{
		{"https://web.example.com/", 200, "text/plain; charset=utf-8", "hello"},
		{"https://mta-sts.example.com/", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"https://web.example.com/file", 200, "text/plain; charset=utf-8", "from a section\n"},
		{"https://web.example.com/json", 418, "application/json", "{}"},
		{"https://mta-sts.example.com/.well-known/mta-sts.txt", 200, "text/plain; charset=utf-8", "version: STSv1\n"},
		{"https://web.example.com/raw", 200, "", "hi"},
		{"http://web.example.com/", 302, "text/plain; charset=utf-8", ""},
	} {
		res, err := client.Get(x.url)
		if err != nil {
			t.Error(err)
			continue
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != x.status || res.Header.Get("Content-Type") != x.kind || string(body) != x.body {
			t.Errorf("%s: %d %q %q %v", x.url, res.StatusCode, res.Header.Get("Content-Type"), body, err)
		}
	}
	res, err := client.Get("https://web.example.com/big")
	if err != nil {
		t.Fatal(err)
	}
	if k, err := io.Copy(io.Discard, res.Body); k != 1000000 || err != nil {
		t.Errorf("big: %d bytes, %v", k, err)
	}
	if res, err = client.Get("https://web.example.com/stop"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(res.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("stop: %v", err)
	}
	if _, err := client.Get("https://other.example.com/"); err == nil {
		t.Error("the certificate fits any name")
	}
}

func TestEncryptedDNS(t *testing.T) {
	n := start(t, plain)
	cfg := &tls.Config{ServerName: n.ResolverName(), RootCAs: n.CA(), Time: func() time.Time { return n.world.Now }}
	host, _, _ := net.SplitHostPort(n.Resolver())

	c := &dns.Conn{Conn: tls.Client(dial(t, n, "tcp", host+":853"), cfg)}
	if err := c.WriteMsg(new(dns.Msg).SetQuestion("example.com.", dns.TypeMX)); err != nil {
		t.Fatal(err)
	}
	if m, err := c.ReadMsg(); err != nil || data(m.Answer) != "10 mx1.example.com." {
		t.Errorf("DoT: %v %v", m, err)
	}

	raw, _ := new(dns.Msg).SetQuestion("example.com.", dns.TypeMX).Pack()
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: n.CA(), Time: cfg.Time}, DisableKeepAlives: true,
		DialContext: n.Dial,
	}}
	post, err := client.Post("https://"+host+"/dns-query", "application/dns-message", bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	get, err := client.Get("https://" + host + "/dns-query?dns=" + base64.RawURLEncoding.EncodeToString(raw))
	if err != nil {
		t.Fatal(err)
	}
	for _, res := range []*http.Response{post, get} {
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		m := new(dns.Msg)
		if err := m.Unpack(body); err != nil || data(m.Answer) != "10 mx1.example.com." {
			t.Errorf("DoH: %v %v", m, err)
		}
	}
	over := map[string]int{}
	for q, k := range n.Queries() {
		over[q.Over] += k
	}
	if over["dot"] != 1 || over["doh"] != 2 {
		t.Errorf("queries %v", over)
	}
	tcp := dial(t, n, "tcp", n.Resolver())
	tcp.Write(binary.BigEndian.AppendUint16(nil, 3))
	tcp.Write([]byte("xyz"))
	if _, err := tcp.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("three bytes are no message: %v", err)
	}
}

const mailers = `
-- zone/example.com --
@ IN MX 10 mx1
-- zone/example.org --
@ IN MX 10 mx.control.test.
-- hosts.yaml --
hosts:
- {name: a.example.com, addrs: [192.0.2.1], smtp: {banner: [one, two], banner-code: 554}}
- {name: b.example.com, addrs: [192.0.2.2], smtp: {replies: {ehlo: "502 5.5.1 no"}}}
- {name: c.example.com, addrs: [192.0.2.3], smtp: {starttls: "off", keywords: [SIZE 10], auth-before-tls: [LOGIN]}}
- {name: d.example.com, addrs: [192.0.2.4], smtp: {starttls: unavailable, require-tls: true}}
- {name: e.example.com, addrs: [192.0.2.5], smtp: {rcpt: {policy: open}}}
- {name: f.example.com, addrs: [192.0.2.6], smtp: {rcpt: {policy: all}}}
- {name: g.example.com, addrs: [192.0.2.7], smtp: {rcpt: {greylist: true, catch-all: true}}}
- {name: h.example.com, addrs: [192.0.2.8], smtp: {rcpt: {limit: 1, rules: [{to: "^[^@]+%[^@]+@example", reply: "250 percent"}, {from: "^$", reply: ["550 no", "550 bounces"]}]}}}
- {name: i.example.com, addrs: [192.0.2.9], smtp: {close-after: banner}}
- {name: j.example.com, addrs: [192.0.2.10], smtp: {close-at: mail}}
- {name: k.example.com, addrs: [192.0.2.11], smtp: {reset-at: ehlo}}
- {name: l.example.com, addrs: [192.0.2.12], smtp: {starttls: broken}}
- {name: m.example.com, addrs: [192.0.2.13], smtp: {banner: "raw:220 \x1b[2J\n"}}
- {name: n.example.com, addrs: [192.0.2.14], smtp: {max-connections: 1}}
- {name: o.example.com, addrs: [192.0.2.15], submissions: {}}
- {name: p.example.com, addrs: [192.0.2.16], smtp: {injection: true}}
- {name: q.example.com, addrs: [192.0.2.17], smtp: {size: 0, keywords-after-tls: [SMTPUTF8], without: [pipelining], add: [DSN], replies: {"noop after-tls": "250 tls", quit: "221-a"}}}
`

func TestMailServers(t *testing.T) {
	text := strings.Replace(mailers, `, quit: "221-a"`, "", 1)
	n := start(t, text)
	talk := func(address string, commands ...string) []string {
		c := newClient(t, dial(t, n, "tcp", address+":25"))
		got := []string{c.reply()}
		for _, cmd := range commands {
			got = append(got, c.cmd(cmd))
		}
		return got
	}
	for _, x := range []struct {
		address  string
		commands []string
		want     string
	}{
		{"192.0.2.1", nil, "554-one\n554 two"},
		{"192.0.2.2", []string{"EHLO x", "HELO x"}, "220 b.example.com ESMTP|502 5.5.1 no|250 b.example.com"},
		{"192.0.2.3", []string{"EHLO x", "STARTTLS"}, "220 c.example.com ESMTP|250-c.example.com\n250-SIZE 10\n250 AUTH LOGIN|502 5.5.1 command not implemented"},
		{"192.0.2.4", []string{"HELO x", "STARTTLS", "MAIL FROM:<>"}, "220 d.example.com ESMTP|250 d.example.com|454 4.7.0 TLS not available due to local problem|530 5.7.0 Must issue a STARTTLS command first"},
		{
			"192.0.2.5",
			[]string{"HELO x", "MAIL FROM:<>", "RCPT TO:<a@example.org>", "RCPT TO:<a@b.example.org>", "RCPT TO:<a@x.invalid>", "RCPT TO:<a b>", "RCPT TO:<nobody@example.com>"},
			"220 e.example.com ESMTP|250 e.example.com|250 2.1.0 Ok|250 2.1.5 Ok|550 5.1.2 recipient domain not found|550 5.1.2 recipient domain not found|501 5.1.3 bad recipient address syntax|550 5.1.1 no such user here",
		},
		{"192.0.2.6", []string{"HELO x", "MAIL FROM:<>", "RCPT TO:<what is this>"}, "220 f.example.com ESMTP|250 f.example.com|250 2.1.0 Ok|250 2.1.5 Ok"},
		{"192.0.2.7", []string{"HELO x", "MAIL FROM:<>", "RCPT TO:<who@example.com>", "RCPT TO:<who@example.net>"}, "220 g.example.com ESMTP|250 g.example.com|250 2.1.0 Ok|450 4.7.1 greylisted, please try again later|550 5.7.1 relay access denied"},
		{"192.0.2.8", []string{"HELO x", "MAIL FROM:<>", "RCPT TO:<a%b@example.com>", "RCPT TO:<a>", "NOOP"}, "220 h.example.com ESMTP|250 h.example.com|250 2.1.0 Ok|250 percent|421 4.7.0 h.example.com too many recipients|EOF"},
		{"192.0.2.8", []string{"HELO x", "MAIL FROM:<>", "RCPT TO:<a@example.com>"}, "220 h.example.com ESMTP|250 h.example.com|250 2.1.0 Ok|550-no\n550 bounces"},
		{"192.0.2.9", []string{"HELO x"}, "220 i.example.com ESMTP|EOF"},
		{"192.0.2.10", []string{"HELO x", "MAIL FROM:<>"}, "220 j.example.com ESMTP|250 j.example.com|EOF"},
		{"192.0.2.13", nil, "220 \x1b[2J"},
		{"192.0.2.17", []string{"EHLO x"}, "220 q.example.com ESMTP|250-q.example.com\n250-8BITMIME\n250-ENHANCEDSTATUSCODES\n250-SIZE\n250-DSN\n250 STARTTLS"},
	} {
		if got := strings.Join(talk(x.address, x.commands...), "|"); got != x.want {
			t.Errorf("%s:\n got %q\nwant %q", x.address, got, x.want)
		}
	}

	c := newClient(t, dial(t, n, "tcp", "192.0.2.11:25"))
	c.reply()
	io.WriteString(c, "EHLO x\r\n")
	if _, err := c.rd.ReadString('\n'); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("reset: %v", err)
	}

	c = newClient(t, dial(t, n, "tcp", "192.0.2.12:25"))
	c.reply()
	if _, err := c.startTLS(&tls.Config{InsecureSkipVerify: true}); err == nil {
		t.Error("a broken handshake went through")
	}

	one, two := newClient(t, dial(t, n, "tcp", "192.0.2.14:25")), newClient(t, dial(t, n, "tcp", "192.0.2.14:25"))
	if a, b := one.reply(), two.reply(); a[:3] != "421" && b[:3] != "421" {
		t.Errorf("two connections at once: %q %q", a, b)
	}

	c = newClient(t, tls.Client(dial(t, n, "tcp", "192.0.2.15:465"), &tls.Config{InsecureSkipVerify: true}))
	if got := c.reply(); got != "220 o.example.com ESMTP" {
		t.Errorf("port 465: %q", got)
	}

	c = newClient(t, dial(t, n, "tcp", "192.0.2.17:25"))
	c.reply()
	if _, err := c.startTLS(&tls.Config{InsecureSkipVerify: true}); err != nil {
		t.Fatal(err)
	}
	if got := c.cmd("EHLO x") + "|" + c.cmd("NOOP"); got != "250-q.example.com\n250 SMTPUTF8|250 tls" {
		t.Errorf("after TLS: %q", got)
	}
	if _, err := Parse([]byte(mailers)); err == nil || !strings.Contains(err.Error(), "221-a") {
		t.Errorf("a reply that is none: %v", err)
	}
}

// Commands sent together with STARTTLS are dropped, except by a server that is
// open to injection: it runs them inside TLS.
func TestInjection(t *testing.T) {
	inBubble(t, `
-- hosts.yaml --
hosts:
- {name: good.example.com, addrs: [192.0.2.1], smtp: {}}
- {name: bad.example.com, addrs: [192.0.2.2], smtp: {injection: true}}
`, func(t *testing.T, n *Net) {
		for address, want := range map[string]string{"192.0.2.1:25": "i/o timeout", "192.0.2.2:25": "250 2.0.0 Ok"} {
			c := newClient(t, dial(t, n, "tcp", address))
			c.SetDeadline(time.Now().Add(time.Second))
			c.reply()
			io.WriteString(c, "STARTTLS\r\nNOOP\r\n")
			c.reply()
			tc := newClient(t, tls.Client(c.Conn, &tls.Config{InsecureSkipVerify: true}))
			if got := tc.reply(); !strings.HasSuffix(got, want) {
				t.Errorf("%s: %q, want %q", address, got, want)
			}
		}
	})
}

// Whatever a hostile server sends, it sends no more than the client takes, and
// it ends when the client goes.
func TestHostile(t *testing.T) {
	for _, kind := range hostileKinds {
		for _, at := range []string{"banner", "ehlo"} {
			inBubble(t, `
-- hosts.yaml --
hosts:
- {name: evil.example.com, addrs: [192.0.2.66], smtp: {hostile: {kind: `+kind+`, at: `+at+`}}}
`, func(t *testing.T, n *Net) {
				c := dial(t, n, "tcp", "192.0.2.66:25")
				c.SetDeadline(time.Now().Add(time.Minute))
				io.WriteString(c, "EHLO x\r\n")
				if got, _ := io.ReadAll(io.LimitReader(c, 50000)); len(got) < 10 {
					t.Errorf("%s: only %q", kind, got)
				}
			})
		}
	}
}
