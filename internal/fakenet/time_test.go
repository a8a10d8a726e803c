package fakenet

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// since measures virtual time.
func since(t *testing.T, begin time.Time, want time.Duration, what string) {
	t.Helper()
	if got := time.Since(begin); got != want {
		t.Errorf("%s after %v, want %v", what, got, want)
	}
}

const far = `
-- zone/example.com --
@ IN MX 10 mx1
slow IN A 192.0.2.99
-- hosts.yaml --
latency: 100ms
resolver: {latency: 20ms}
hosts:
- {name: mx1.example.com, addrs: [192.0.2.1], smtp: {}}
- {name: late.example.com, addrs: [192.0.2.2], smtp: {greet-delay: 3s, tarpit: 500ms}}
- {name: silent.example.com, addrs: [192.0.2.3], fault: silent}
- {name: mute.example.com, addrs: [192.0.2.4], smtp: {fault: mute}}
- {name: refuse.example.com, addrs: [192.0.2.5], smtp: {fault: refuse}}
- {name: gone.example.com, addrs: [192.0.2.6], fault: unreachable}
- {name: drip.example.com, addrs: [192.0.2.7], http: {pages: {/: {body: "0123456789abcdef0123456789abcdef", drip: 1s, delay: 2s}}}}
-- dns.yaml --
faults:
- {name: slow.example.com, delay: 300ms}
- {name: dead.example.com, at: resolver, fault: timeout}
`

// inBubble runs f under virtual time with a world that runs.
func inBubble(t *testing.T, text string, f func(t *testing.T, n *Net)) {
	t.Helper()
	w, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	inBubbleOf(t, w, f)
}

func inBubbleOf(t *testing.T, w *World, f func(t *testing.T, n *Net)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := w.Start()
		defer n.Close()
		f(t, n)
	})
}

// A mail conversation costs what it costs on the internet: one round trip to
// connect, one to the banner (it needs no request, but the connection stands at
// the server half a round trip later), one for each command, two for STARTTLS
// with TLS 1.3.
func TestRoundTrips(t *testing.T) {
	inBubble(t, far, func(t *testing.T, n *Net) {
		const rtt = 100 * time.Millisecond
		begin := time.Now()
		conn, err := n.Dial(t.Context(), "tcp", "192.0.2.1:25")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		since(t, begin, rtt, "connected")
		c := newClient(t, conn)
		c.reply()
		since(t, begin, 2*rtt, "banner")
		c.cmd("EHLO client.example.net")
		since(t, begin, 3*rtt, "EHLO")
		c.t = t
		if _, err := c.startTLS(&tls.Config{InsecureSkipVerify: true}); err != nil {
			t.Fatal(err)
		}
		since(t, begin, 5*rtt, "certificate")
		c.cmd("EHLO client.example.net")
		since(t, begin, 6*rtt, "second EHLO")
		c.cmd("MAIL FROM:<>\r\nRCPT TO:<postmaster@example.com>\r\nRSET")
		c.reply()
		c.reply()
		since(t, begin, 7*rtt, "a pipelined group")
	})
}

func TestDelays(t *testing.T) {
	inBubble(t, far, func(t *testing.T, n *Net) {
		begin := time.Now()
		resolve(t, n, "example.com", "MX")
		since(t, begin, 20*time.Millisecond, "DNS over UDP")

		begin = time.Now()
		resolve(t, n, "slow.example.com", "A")
		since(t, begin, 320*time.Millisecond, "slow DNS")

		begin = time.Now()
		if _, err := ask(t, n, "tcp", n.Resolver(), "example.com", "MX"); err != nil {
			t.Error(err)
		}
		since(t, begin, 40*time.Millisecond, "DNS over TCP")

		begin = time.Now()
		_, err := ask(t, n, "udp", n.Resolver(), "dead.example.com", "MX")
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("dead DNS: %v", err)
		}
		since(t, begin, 5*time.Second, "dead DNS")

		begin = time.Now()
		c := newClient(t, dial(t, n, "tcp", "192.0.2.2:25"))
		c.reply()
		since(t, begin, 3200*time.Millisecond, "late banner")
		c.cmd("NOOP")
		since(t, begin, 3800*time.Millisecond, "tarpit")

		begin = time.Now()
		conn := dial(t, n, "tcp", "192.0.2.7:80")
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: drip.example.com\r\nConnection: close\r\n\r\n")
		if all, err := io.ReadAll(conn); err != nil || !bytes.HasSuffix(all, []byte("abcdef")) {
			t.Errorf("%q %v", all, err)
		}
		since(t, begin, 4200*time.Millisecond, "drip")
	})
}

func TestConnectionFaults(t *testing.T) {
	inBubble(t, far, func(t *testing.T, n *Net) {
		try := func(address string) (time.Duration, error) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			begin := time.Now()
			c, err := n.Dial(ctx, "tcp", address)
			if err == nil {
				c.Close()
			}
			return time.Since(begin), err
		}
		for _, x := range []struct {
			address string
			want    error
			after   time.Duration
		}{
			{"192.0.2.3:25", context.DeadlineExceeded, 10 * time.Second},
			{"192.0.2.5:25", syscall.ECONNREFUSED, 100 * time.Millisecond},
			{"192.0.2.1:26", syscall.ECONNREFUSED, 100 * time.Millisecond},
			{"192.0.2.6:25", syscall.EHOSTUNREACH, 100 * time.Millisecond},
			{"192.0.2.200:25", syscall.EHOSTUNREACH, 0},
		} {
			took, err := try(x.address)
			var op *net.OpError
			if !errors.Is(err, x.want) || !errors.As(err, &op) || took != x.after {
				t.Errorf("%s: %v after %v, want %v after %v", x.address, err, took, x.want, x.after)
			}
			if x.want == context.DeadlineExceeded && !op.Timeout() {
				t.Errorf("%s: %v is no timeout", x.address, err)
			}
		}
		c := dial(t, n, "tcp", "192.0.2.4:25")
		c.SetReadDeadline(time.Now().Add(time.Minute))
		begin := time.Now()
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("mute: %v", err)
		}
		since(t, begin, time.Minute, "deadline of a mute server")
		u := dial(t, n, "udp", "192.0.2.200:53")
		u.Write([]byte("x"))
		if _, err := u.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("UDP to nobody: %v", err)
		}
	})
}

func TestVantage(t *testing.T) {
	inBubble(t, `
-- zone/example.com --
@ IN MX 10 mx1
-- hosts.yaml --
vantage: {name: probe.example.net, ipv4: 198.51.100.9, ipv6: none, blocked: [25, 53]}
hosts:
- {name: mx1.example.com, addrs: [192.0.2.1, "2001:db8::1"], smtp: {}, submission: {}}
`, func(t *testing.T, n *Net) {
		if _, err := n.Dial(t.Context(), "tcp", "[2001:db8::1]:25"); !errors.Is(err, syscall.ENETUNREACH) {
			t.Errorf("IPv6: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := n.Dial(ctx, "tcp", "192.0.2.1:25"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("blocked port: %v", err)
		}
		c := dial(t, n, "tcp", "192.0.2.1:587")
		if got := c.LocalAddr().(*net.TCPAddr).IP.String(); got != "198.51.100.9" {
			t.Errorf("local address %s", got)
		}
		if got := c.RemoteAddr().String(); got != "192.0.2.1:587" {
			t.Errorf("remote address %s", got)
		}
		if got := data(resolve(t, n, "9.100.51.198.in-addr.arpa", "PTR").Answer); got != "probe.example.net." {
			t.Errorf("reverse name %q", got)
		}
		if _, err := ask(t, n, "udp", "203.0.113.251:53", "example.com", "MX"); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("blocked DNS: %v", err)
		}
	})
}

func TestConn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		addr := &net.TCPAddr{}
		a, b := connect(addr, addr, 50*time.Millisecond)
		begin := time.Now()
		go func() { // more than fits into the window: it has to wait for the reader
			a.Write(bytes.Repeat([]byte("x"), 3*window))
			a.CloseWrite()
		}()
		time.Sleep(time.Second)
		got, err := io.ReadAll(b)
		if len(got) != 3*window || err != nil {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		since(t, begin, time.Second+150*time.Millisecond-50*time.Millisecond, "all read")
		begin = time.Now()
		b.Write([]byte("still open")) // the other direction of a half-closed connection
		p := make([]byte, 20)
		if n, err := a.Read(p); string(p[:n]) != "still open" || err != nil {
			t.Errorf("%q %v", p[:n], err)
		}
		since(t, begin, 50*time.Millisecond, "half-closed answer")
		b.Close()
		if _, err := a.Read(p); err != io.EOF {
			t.Errorf("after close: %v", err)
		}
		if _, err := b.Read(p); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read on closed: %v", err)
		}
		if _, err := b.Write(p); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write on closed: %v", err)
		}

		a, b = connect(addr, addr, 0)
		b.Close()
		if _, err := a.Write(p); err != nil {
			t.Errorf("first write to a closed peer: %v", err)
		}
		if _, err := a.Write(p); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("second write to a closed peer: %v", err)
		}

		a, b = connect(addr, addr, 10*time.Millisecond)
		b.Write([]byte("last words"))
		b.abort()
		if n, err := a.Read(p); string(p[:n]) != "last words" {
			t.Errorf("%q %v", p[:n], err)
		}
		if _, err := a.Read(p); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("after a reset: %v", err)
		}

		a, b = connect(addr, addr, 0)
		defer b.Close()
		go func() { // a deadline set while another goroutine reads wakes it
			time.Sleep(time.Second)
			a.SetReadDeadline(time.Now())
		}()
		if _, err := a.Read(p); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("deadline in the past: %v", err)
		}
		a.SetReadDeadline(time.Time{})
		go b.Write([]byte("again"))
		if n, err := a.Read(p); string(p[:n]) != "again" {
			t.Errorf("after the deadline was lifted: %q %v", p[:n], err)
		}
		a.SetWriteDeadline(time.Now().Add(time.Second))
		if n, err := a.Write(make([]byte, 2*window)); n != window || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write without a reader: %d %v", n, err)
		}
	})
}

func TestDNSFaults(t *testing.T) {
	inBubble(t, `
-- zone/example.com --
@      IN NS ns1
@      IN NS ns2
@      IN TXT "apex"
a.ent  IN TXT "x"
big    IN TXT "`+long+`" "`+long+`" "`+long+`"
-- hosts.yaml --
hosts:
- {name: ns1.example.com, addrs: [192.0.2.10]}
- {name: ns2.example.com, addrs: [192.0.2.11]}
-- dns.yaml --
secure: [example.com]
faults:
- {name: servfail.example.com, fault: servfail, ede: "9 no DNSKEY"}
- {name: timeout.example.com, fault: timeout}
- {name: flaky.example.com, at: resolver, fault: servfail, times: 2}
- {name: big.example.com, at: resolver, fault: truncated-no-tcp}
- {name: id.example.com, at: resolver, fault: wrong-id}
- {name: junk.example.com, at: resolver, fault: garbage}
- {name: other.example.com, at: resolver, fault: wrong-question}
- {name: edns.example.com, at: resolver, fault: formerr, edns: true}
- {name: only.example.com, type: [MX], fault: refused, at: resolver}
- {zone: example.com, at: ns2.example.com, fault: refused}
- {zone: example.com, at: ns1.example.com, when: ent, fault: nxdomain}
- {zone: invented.test, at: resolver, when: nxdomain, answer: ["@ 60 IN A 203.0.113.99"]}
`, func(t *testing.T, n *Net) {
		edns := func(q *dns.Msg) { q.SetEdns0(1232, true) }
		if m := resolve(t, n, "servfail.example.com", "A", edns); m.Rcode != dns.RcodeServerFailure ||
			m.IsEdns0().Option[0].(*dns.EDNS0_EDE).ExtraText != "no DNSKEY" {
			t.Errorf("servfail: %v", m)
		}
		if m := resolve(t, n, "timeout.example.com", "A"); m.Rcode != dns.RcodeServerFailure {
			t.Errorf("an authority's silence through the resolver: %v", m)
		}
		if _, err := ask(t, n, "udp", "192.0.2.10:53", "timeout.example.com", "A"); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("an authority's silence: %v", err)
		}
		var codes []int
		for range 3 {
			codes = append(codes, resolve(t, n, "flaky.example.com", "A").Rcode)
		}
		if codes[0] != 2 || codes[1] != 2 || codes[2] != 3 {
			t.Errorf("flaky: %v", codes)
		}
		if m := resolve(t, n, "big.example.com", "TXT"); !m.Truncated || len(m.Answer) != 0 {
			t.Errorf("truncated: %v", m)
		}
		if _, err := ask(t, n, "tcp", n.Resolver(), "big.example.com", "TXT"); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("truncated, TCP: %v", err)
		}
		two := func(name string) (first, second *dns.Msg, err error) {
			c := &dns.Conn{Conn: dial(t, n, "udp", n.Resolver())}
			q := new(dns.Msg).SetQuestion(name, dns.TypeTXT)
			c.WriteMsg(q)
			first, err = c.ReadMsg()
			second, _ = c.ReadMsg()
			if second != nil && second.Id != q.Id {
				t.Errorf("%s: the second reply has another id", name)
			}
			if first != nil && first.Id == q.Id {
				t.Errorf("%s: the first reply has the right id", name)
			}
			return first, second, err
		}
		if first, second, _ := two("id.example.com."); first == nil || second == nil {
			t.Error("wrong id: not two replies")
		}
		if _, second, err := two("junk.example.com."); err == nil || second == nil {
			t.Errorf("garbage: %v %v", second, err)
		}
		if m := resolve(t, n, "other.example.com", "A"); m.Question[0].Name == "other.example.com." {
			t.Error("the question is the one that was asked")
		}
		if m := resolve(t, n, "edns.example.com", "A", edns); m.Rcode != dns.RcodeFormatError {
			t.Errorf("EDNS: %v", m)
		}
		if m := resolve(t, n, "edns.example.com", "A"); m.Rcode != dns.RcodeNameError {
			t.Errorf("without EDNS: %v", m)
		}
		if a, b := resolve(t, n, "only.example.com", "A").Rcode, resolve(t, n, "only.example.com", "MX").Rcode; a != 3 || b != 5 {
			t.Errorf("by type: %d %d", a, b)
		}
		if m := resolve(t, n, "some.invented.test", "A"); data(m.Answer) != "203.0.113.99" || m.Answer[0].Header().Name != "some.invented.test." {
			t.Errorf("invented: %v", m)
		}
		for server, want := range map[string]int{"192.0.2.10:53": 0, "192.0.2.11:53": dns.RcodeRefused} {
			if m, err := ask(t, n, "udp", server, "example.com", "TXT"); err != nil || m.Rcode != want {
				t.Errorf("%s: %v %v", server, m, err)
			}
		}
		if m, err := ask(t, n, "udp", "192.0.2.10:53", "ent.example.com", "TXT"); err != nil || m.Rcode != dns.RcodeNameError {
			t.Errorf("broken empty non-terminal: %v %v", m, err)
		}
		if m := resolve(t, n, "ent.example.com", "TXT"); m.Rcode != 0 {
			t.Errorf("empty non-terminal through the resolver: %v", m)
		}
		if m := resolve(t, n, "example.com", "TXT", edns); !m.AuthenticatedData {
			t.Error("no AD for a secure zone")
		}
	})
}
