package wire

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"mxvet/internal/smtp"
)

// stages writes exchanges as "stage:code", or "stage:-" without a reply.
func stages(exchanges []smtp.Exchange) string {
	var out []string
	for _, e := range exchanges {
		if e.Reply == nil {
			out = append(out, e.Stage+":-")
		} else {
			out = append(out, fmt.Sprintf("%s:%d", e.Stage, e.Reply.Code))
		}
	}
	return strings.Join(out, " ")
}

const toTLS = "banner:220 ehlo:250 starttls:220 tls:-"

// The chain of dependent waits is as short as the protocol allows: the
// certificate after five round trips from the start, the keywords inside TLS
// after six, all relay replies after seven; with TLS 1.2 one more.
func TestTalkTakesNoRoundTripTooMany(t *testing.T) {
	for _, test := range []struct {
		version uint16
		extra   int
	}{{tls.VersionTLS13, 0}, {tls.VersionTLS12, 1}} {
		synctest.Test(t, func(t *testing.T) {
			const rtt = 100
			ca := (*issuer)(nil).below(t, "root", nil)
			host := mailHost{tls: &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, "mx.example.com", nil)}, MaxVersion: test.version}}
			l := liveOver(t, dialFar(rtt*time.Millisecond, host.serve), ca, nil)
			p := mx1
			p.Relay = smtp.Envelopes{{Form: "a", To: "postmaster@example.com"}, {Form: "b", From: "x@example.net", To: "y@example.org"}}.String()
			defer settle()
			began := time.Now()
			s := l.Talk(t.Context(), p)
			took := int(time.Since(began).Milliseconds())
			if s.Fail != nil || !s.TLS.Trusted() {
				t.Fatalf("%v, %+v", s.Fail, s.TLS)
			}
			at := s.Connect
			for _, want := range []struct {
				stage string
				trips int
			}{
				{smtp.StageBanner, 2},
				{smtp.StageEHLO, 3},
				{smtp.StageSTARTTLS, 4},
				{smtp.StageTLS, 5 + test.extra},
				{smtp.StageEHLOTLS, 6 + test.extra},
			} {
				at += smtp.Find(s.Exchanges, want.stage).Millis
				if at != want.trips*rtt {
					t.Errorf("TLS %x: %s after %d ms, want %d round trips", test.version, want.stage, at, want.trips)
				}
			}
			if s.Connect != rtt || s.Millis != (7+test.extra)*rtt || took != s.Millis {
				t.Errorf("TLS %x: connected after %d ms, ended after %d (%d) ms", test.version, s.Connect, s.Millis, took)
			}
			if got := stages(s.Exchanges); got != toTLS+" ehlo-tls:250 mail:250 rcpt:550 rset:250 mail:250 rcpt:550 rset:250 quit:-" {
				t.Error(got)
			}
		})
	}
}

func TestTalkVersions(t *testing.T) {
	ca := (*issuer)(nil).below(t, "root", nil)
	cert := ca.leaf(t, "mx.example.com", nil)
	for _, test := range []struct {
		version uint16
		want    string
		group   string
	}{
		{tls.VersionTLS10, "TLS 1.0", "X25519"},
		{tls.VersionTLS11, "TLS 1.1", "X25519"},
		{tls.VersionTLS12, "TLS 1.2", "X25519"},
		{tls.VersionTLS13, "TLS 1.3", "X25519MLKEM768"},
	} {
		host := mailHost{tls: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: test.version, MaxVersion: test.version}}
		s := liveOver(t, dialTo(host.serve), ca, nil).Talk(t.Context(), mx1)
		if s.Fail != nil || s.TLS == nil || s.TLS.Version != test.want || s.TLS.Group != test.group || s.TLS.Cipher == "" || s.TLS.WantsClientCert {
			t.Errorf("%s: %v %+v", test.want, s.Fail, s.TLS)
		}
	}
}

// Key exchange without a group, by a cipher suite that is off by default.
func TestTalkOldCipher(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der := (*issuer)(nil).sign(t, "mx.example.com", key, nil)
	host := mailHost{tls: &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		MaxVersion:   tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA},
	}}
	s := liveOver(t, dialTo(host.serve), nil, nil).Talk(t.Context(), mx1)
	if s.Fail != nil || s.TLS.Cipher != "TLS_RSA_WITH_AES_128_CBC_SHA" || s.TLS.Group != "" || s.TLS.Mozilla != TrustSelfSigned {
		t.Errorf("%v %+v", s.Fail, s.TLS)
	}
}

// What the system says of a connection names our own address and port: they change
// from one try to the next, and say nothing of the peer.
func TestTalkOwnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := liveOver(t, func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			_ = far.Close()
			return brokenConn{near}, nil
		}, nil, nil)
		s := l.Talk(t.Context(), mx1)
		if s.Fail == nil || s.Fail.Kind != FailReset || s.Fail.Text != "smtp: banner: connection reset by peer" {
			t.Errorf("%+v", s.Fail)
		}
		l.Close()
	})
}

func (brokenConn) Read([]byte) (int, error) {
	return 0, &net.OpError{
		Op: "read", Net: "tcp", Err: syscall.ECONNRESET,
		Source: &net.TCPAddr{IP: net.IPv4(198, 51, 100, 7), Port: 49152},
		Addr:   &net.TCPAddr{IP: net.IPv4(192, 0, 2, 25), Port: 25},
	}
}

func TestTalkGuard(t *testing.T) {
	l := liveOver(t, nil, nil, func(c *LiveConfig) {
		c.AllowPrivate = false
		c.Dial = func(context.Context, string, string) (net.Conn, error) {
			t.Error("dialled")
			return nil, errors.New("no")
		}
	})
	if s := l.Talk(t.Context(), mx1); s.Fail == nil || s.Fail.Kind != FailForbidden {
		t.Error(s.Fail)
	}
	if p := l.Fetch(t.Context(), Request{URL: "https://mta-sts.example.com/", Addr: mx1.Addr}); p.Fail == nil || p.Fail.Kind != FailForbidden {
		t.Error(p.Fail)
	}
}

// One conversation at a time with an address, whatever the port and name; other
// addresses do not wait.
func TestTalkSerialPerAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		var mu sync.Mutex
		at := map[string]int{}
		dial := func(_ context.Context, _, address string) (net.Conn, error) {
			host, _, _ := net.SplitHostPort(address)
			ours, theirs := net.Pipe()
			mu.Lock()
			at[host]++
			if at[host] > 1 {
				t.Errorf("%d conversations with %s", at[host], host)
			}
			mu.Unlock()
			most.Store(max(most.Load(), now.Add(1)))
			go func() {
				defer theirs.Close()
				time.Sleep(time.Second)
				mu.Lock()
				at[host]--
				mu.Unlock()
				now.Add(-1)
				_, _ = io.WriteString(theirs, "421 busy\r\n")
			}()
			return ours, nil
		}
		l := liveOver(t, dial, nil, nil)
		began := time.Now()
		var wg sync.WaitGroup
		for i := range 6 {
			p := mx1
			p.Addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i % 2)}), uint16(25+i))
			wg.Go(func() {
				if s := l.Talk(t.Context(), p); s.Millis != 1000 {
					t.Errorf("%d ms: waiting counted", s.Millis)
				}
			})
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		synctest.Wait()
		if s := l.Talk(ctx, Probe{Proto: "smtp", Addr: netip.MustParseAddrPort("192.0.2.1:25")}); s.Fail == nil || s.Fail.Kind != FailDeadline {
			t.Errorf("gave up waiting: %v", s.Fail)
		}
		wg.Wait()
		if took := time.Since(began); took != 3*time.Second || most.Load() != 2 {
			t.Errorf("took %v, at most %d at a time", took, most.Load())
		}
		if len(l.turns.at) != 0 {
			t.Errorf("%d addresses remembered", len(l.turns.at))
		}
		l.Close()
	})
}

func TestTalkImplicitTLS(t *testing.T) {
	ca := (*issuer)(nil).below(t, "root", nil)
	c := &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, "mx.example.com", nil)}}
	l := liveOver(t, dialTo(func(raw net.Conn) { mailHost{}.serve(tls.Server(raw, c)) }), ca, nil)
	p := mx1
	p.Proto = "submissions"
	s := l.Talk(t.Context(), p)
	if got := stages(s.Exchanges); s.Fail != nil || got != "banner:220 ehlo-tls:250 quit:-" || !s.TLS.Trusted() {
		t.Errorf("%v %s %+v", s.Fail, got, s.TLS)
	}
	l = liveOver(t, dialFar(0, mailHost{}.serve), ca, nil)
	if s := l.Talk(t.Context(), p); s.Fail == nil || s.Fail.Kind != FailTLS || s.TLS.Error == "" || s.Exchanges != nil {
		t.Errorf("plain text for TLS: %v %+v", s.Fail, s.TLS)
	}
}

func TestAddressLiteral(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1:1":          "[192.0.2.1]",
		"[2001:db8::1]:25":     "[IPv6:2001:db8::1]",
		"[fe80::1%eth0]:25":    "[IPv6:fe80::1]",
		"[::ffff:192.0.2.1]:1": "[192.0.2.1]",
		"pipe":                 "[127.0.0.1]",
	} {
		if got := addressLiteral(namedAddr(in)); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

type namedAddr string

func (a namedAddr) Network() string { return "test" }
func (a namedAddr) String() string  { return string(a) }

// go-smtp is a server written by others, on a real socket.
func TestTalkWithAnotherImplementation(t *testing.T) {
	ca := (*issuer)(nil).below(t, "root", nil)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var heard heardNames
	server := gosmtp.NewServer(&heard)
	server.Domain = "mx.example.com"
	server.EnableREQUIRETLS, server.EnableSMTPUTF8 = true, true
	server.MaxMessageBytes = 12345
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, "mx.example.com", nil)}}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })

	l := newLive(t, LiveConfig{Resolvers: []string{"192.0.2.53"}, AllowPrivate: true, Roots: ca.pool()})
	p := mx1
	p.Addr = listener.Addr().(*net.TCPAddr).AddrPort()
	p.Relay = smtp.Envelopes{{Form: "good", To: "postmaster@example.com"}, {Form: "bad", To: "x@example.org"}}.String()
	s := l.Talk(t.Context(), p)
	if got := stages(s.Exchanges); s.Fail != nil || got != toTLS+" ehlo-tls:250 mail:250 rcpt:250 rset:250 mail:250 rcpt:554 rset:250 quit:-" {
		t.Fatalf("%v, %s", s.Fail, got)
	}
	if s.TLS.Version != "TLS 1.3" || s.TLS.Group != "X25519MLKEM768" || s.TLS.Verifies("mx.example.com", time.Now()) != nil {
		t.Errorf("%+v", s.TLS)
	}
	before, after := smtp.Offered(s.Exchanges, smtp.StageEHLO), smtp.Offered(s.Exchanges, smtp.StageEHLOTLS)
	if !before.StartTLS || after.StartTLS || before.RequireTLS || !after.RequireTLS || !after.Pipelining || !after.SMTPUTF8 || after.Size != 12345 {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	if name := smtp.Banner(s.Exchanges).HostName(); name != "mx.example.com" {
		t.Errorf("banner of %q", name)
	}
	if heard.name != "[127.0.0.1]" {
		t.Errorf("we were %q", heard.name)
	}
	stored, err := json.Marshal(s)
	var loaded Session
	if err == nil {
		err = json.Unmarshal(stored, &loaded)
	}
	if err != nil || !reflect.DeepEqual(loaded, s) {
		t.Errorf("%v: stored and loaded, the session differs", err)
	}
}

// heardNames is go-smtp's back end; it knows one recipient.
type heardNames struct{ name string }

func (h *heardNames) NewSession(c *gosmtp.Conn) (gosmtp.Session, error) {
	h.name = c.Hostname()
	return oneRecipient{}, nil
}

type oneRecipient struct{}

func (oneRecipient) Reset()                                 {}
func (oneRecipient) Logout() error                          { return nil }
func (oneRecipient) Mail(string, *gosmtp.MailOptions) error { return nil }
func (oneRecipient) Data(io.Reader) error                   { return errors.New("a message was sent") }

func (oneRecipient) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	if to != "postmaster@example.com" {
		return &gosmtp.SMTPError{Code: 554, EnhancedCode: gosmtp.EnhancedCode{5, 7, 1}, Message: "no such recipient"}
	}
	return nil
}
