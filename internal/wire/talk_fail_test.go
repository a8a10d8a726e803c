package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"mxvet/internal/smtp"
)

func TestTalkHandshakeFails(t *testing.T) {
	ca := (*issuer)(nil).below(t, "root", nil)
	certs := []tls.Certificate{ca.leaf(t, "mx.example.com", nil)}
	for _, test := range []struct {
		name   string
		peer   func(net.Conn)
		kind   string
		stages string
		chain  bool
		wants  bool
	}{
		{"no certificate", mailHost{tls: &tls.Config{}}.serve, FailTLS, toTLS, false, false},
		{"client certificate, TLS 1.2", mailHost{tls: &tls.Config{Certificates: certs, MaxVersion: tls.VersionTLS12, ClientAuth: tls.RequireAnyClientCert}}.serve, FailTLS, toTLS, true, true},
		{"client certificate, TLS 1.3", mailHost{tls: &tls.Config{Certificates: certs, ClientAuth: tls.RequireAnyClientCert}}.serve, FailTLS, toTLS + " ehlo-tls:-", true, true},
		{"client certificate if there is one", mailHost{tls: &tls.Config{Certificates: certs, ClientAuth: tls.RequestClientCert}}.serve, "", toTLS + " ehlo-tls:250 quit:-", true, true},
		{"no TLS behind STARTTLS", mailHost{answers: map[string]string{"STARTTLS": "220 go", "hello": "500 what?"}}.serve, FailTLS, toTLS, false, false},
		{"closed at STARTTLS", mailHost{answers: map[string]string{"STARTTLS": ""}}.serve, FailReset, "banner:220 ehlo:250 starttls:-", false, false},
	} {
		s := liveOver(t, dialFar(0, test.peer), ca, nil).Talk(t.Context(), mx1)
		kind := ""
		if s.Fail != nil {
			kind = s.Fail.Kind
		}
		if got := stages(s.Exchanges); kind != test.kind || got != test.stages {
			t.Errorf("%s: %v after %s", test.name, s.Fail, got)
		}
		if s.TLS == nil {
			if test.kind == FailTLS {
				t.Errorf("%s: nothing about TLS", test.name)
			}
			continue
		}
		if (s.TLS.Error != "") != (test.kind == FailTLS) || (len(s.TLS.Chain) > 0) != test.chain || s.TLS.WantsClientCert != test.wants {
			t.Errorf("%s: %+v", test.name, s.TLS)
		}
		if test.chain && (!s.TLS.Trusted() || s.TLS.Version == "") {
			t.Errorf("%s: chain came but System is %q, version %q", test.name, s.TLS.System, s.TLS.Version)
		}
	}
}

func TestTalkFails(t *testing.T) {
	silent := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	answer := func(pairs ...string) DialFunc {
		h := mailHost{tls: &tls.Config{}, answers: map[string]string{}}
		for i := 0; i < len(pairs); i += 2 {
			h.answers[pairs[i]] = pairs[i+1]
		}
		return dialTo(h.serve)
	}
	failing := func(err error) DialFunc {
		return func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
		}
	}
	for _, test := range []struct {
		name string
		dial DialFunc
		edit func(*Probe)
		want string
		took time.Duration
	}{
		{"refused", failing(syscall.ECONNREFUSED), nil, FailRefused, 0},
		{"unreachable", failing(syscall.EHOSTUNREACH), nil, FailUnreachable, 0},
		{"no answer to SYN", func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, nil, FailTimeout, 10 * time.Second},
		{"silent", dialTo(silent), nil, FailTimeout, 30 * time.Second},
		{"closed at once", dialTo(func(net.Conn) {}), nil, FailReset, 0},
		{"another protocol", answer("banner", "SSH-2.0-x"), nil, FailProtocol, 0},
		{"busy", answer("banner", "421 4.3.2 busy"), nil, FailRefused, 0},
		{"no service", answer("banner", "554 no"), nil, FailRefused, 0},
		{"EHLO refused", answer("EHLO", "550 no"), nil, FailRefused, 0},
		{"endless", answer("banner", strings.Repeat("220-x\r\n", 200)), nil, FailLimit, 0},
		{"unknown protocol", nil, func(p *Probe) { p.Proto = "nntp" }, FailProtocol, 0},
		{"unknown variant", nil, func(p *Probe) { p.Variant = "backwards" }, FailProtocol, 0},
		{"no address", nil, func(p *Probe) { p.Addr = netip.AddrPort{} }, FailForbidden, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := liveOver(t, test.dial, nil, nil)
				p := mx1
				if test.edit != nil {
					test.edit(&p)
				}
				began := time.Now()
				s := l.Talk(t.Context(), p)
				if s.Fail == nil || s.Fail.Kind != test.want || time.Since(began) != test.took || s.TLS != nil {
					t.Errorf("%v after %v, TLS %+v", s.Fail, time.Since(began), s.TLS)
				}
				l.Close()
			})
		})
	}
}

// Our own port, another one each time, stands in no reason; what each side says of the
// other does.
func TestTalkFailText(t *testing.T) {
	ours := &net.TCPAddr{IP: net.IPv4(198, 51, 100, 7), Port: 49342}
	theirs := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 18), Port: 25}
	for _, test := range []struct {
		err  error
		want string
	}{
		{&net.OpError{Op: "read", Net: "tcp", Source: ours, Addr: theirs, Err: syscall.ECONNRESET}, "smtp: TLS handshake failed: connection reset by peer"},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: handshake failure")}, "smtp: TLS handshake failed: remote error: tls: handshake failure"},
		{io.EOF, "smtp: TLS handshake failed: EOF"},
	} {
		s := Session{Exchanges: []smtp.Exchange{{}}}
		if f := talkFail(t.Context(), mx1, s, fmt.Errorf("%w: %w", smtp.ErrTLS, test.err)); f.Text != test.want {
			t.Errorf("got %q, want %q", f.Text, test.want)
		}
	}
}

// Silence in the handshake is a timeout; the error says where it happened.
func TestTalkSilentHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := liveOver(t, dialTo(func(c net.Conn) {
			_, _ = io.WriteString(c, "220 x\r\n")
			buf := make([]byte, 4096)
			for _, answer := range []string{"250-x\r\n250 STARTTLS\r\n", "220 go\r\n"} {
				_, _ = c.Read(buf)
				_, _ = io.WriteString(c, answer)
			}
			_, _ = io.Copy(io.Discard, c)
		}), nil, nil)
		s := l.Talk(t.Context(), mx1)
		if s.Fail == nil || s.Fail.Kind != FailTimeout || s.Millis != 10_000 || s.TLS == nil || s.TLS.Error == "" {
			t.Errorf("%v after %d ms, %+v", s.Fail, s.Millis, s.TLS)
		}
		l.Close()
	})
}

type brokenConn struct{ net.Conn }

func TestTalkContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := liveOver(t, dialTo(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), nil, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		s := l.Talk(ctx, mx1)
		if s.Fail == nil || s.Fail.Kind != FailDeadline || s.Millis != 5000 {
			t.Errorf("%v after %d ms", s.Fail, s.Millis)
		}
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, stop)
		if s := l.Talk(ctx, mx1); s.Fail == nil || s.Fail.Kind != FailCanceled || s.Millis != 1000 {
			t.Errorf("%v after %d ms", s.Fail, s.Millis)
		}
		l.Close()
	})
}
