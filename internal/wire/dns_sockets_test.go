package wire

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

func TestDNSSocketsAreRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ids := map[uint16]bool{}
		silent := false
		n := &pipeNet{reply: func(_, _ string, q *dns.Msg) [][]byte {
			ids[q.Id] = true
			if silent {
				silent = false
				return nil
			}
			return packets(answer(q))
		}}
		l := newLive(t, LiveConfig{Resolvers: []string{"192.0.2.53"}, Dial: n.dial})
		ask := func(times, sockets int, why string) {
			t.Helper()
			before := n.dialed()
			for range times {
				if a := l.DNS(t.Context(), Question{Name: "example.com", Type: "A"}); !a.OK() {
					t.Fatalf("%+v", a)
				}
			}
			if got := n.dialed() - before; got != sockets {
				t.Errorf("%s: %d sockets for %d queries, want %d", why, got, times, sockets)
			}
		}
		ask(3*socketQueries, 3, "number of queries")
		n.replying.Lock()
		if len(ids) < 3*socketQueries*9/10 { // by chance a few are equal
			t.Errorf("%d different IDs", len(ids))
		}
		n.replying.Unlock()
		ask(1, 1, "first of a new socket")
		ask(1, 0, "same socket")
		time.Sleep(socketAge)
		ask(1, 1, "age")
		n.replying.Lock()
		silent = true
		n.replying.Unlock()
		ask(1, 1, "after silence")
	})
}

func TestDNSSocketsIdleAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		n := &pipeNet{parallel: true, reply: func(_, _ string, q *dns.Msg) [][]byte {
			<-release
			return packets(answer(q))
		}}
		l := newLive(t, LiveConfig{Resolvers: []string{"192.0.2.53"}, Dial: n.dial})
		var wg sync.WaitGroup
		for range 2 * socketsIdle {
			wg.Go(func() { l.DNS(t.Context(), Question{Name: "example.com", Type: "A"}) })
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		if idle := len(l.resolvers.list[0].udp.idle); n.dialed() != 2*socketsIdle || idle != socketsIdle {
			t.Errorf("%d sockets dialed, %d idle", n.dialed(), idle)
		}
		l.Close()
		if idle := len(l.resolvers.list[0].udp.idle); idle != 0 {
			t.Errorf("%d idle after Close", idle)
		}
	})
}

// Many queries share one connection, and their answers come in any order.
func TestDNSStreamIsPipelined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var held [][]byte
		n := &pipeNet{reply: func(_, _ string, q *dns.Msg) [][]byte {
			m := answer(q, q.Question[0].Name+" 60 IN TXT "+q.Question[0].Name)
			held = append(packets(m), held...) // last in, first out
			if len(held) < 10 {
				return nil
			}
			return append(held, packets(m)...) // one of them twice
		}}
		l := newLive(t, LiveConfig{Resolvers: []string{"tcp:192.0.2.53"}, Dial: n.dial})
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				name := string(rune('a'+i)) + ".example.com"
				a := l.DNS(t.Context(), Question{Name: name, Type: "TXT"})
				if txt := a.TXT(); len(txt) != 1 || txt[0] != name+"." {
					t.Errorf("%s: %+v", name, a)
				}
			})
		}
		wg.Wait()
		if n.dialed() != 1 || time.Since(start) != 0 {
			t.Errorf("%d connections, %v", n.dialed(), time.Since(start))
		}
	})
}

// What becomes of a connection: kept, closed when idle, replaced when the
// server has closed it, left when it has gone silent.
func TestDNSStreamLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var conns []net.Conn
		silent := false
		n := &pipeNet{reply: func(_, _ string, q *dns.Msg) [][]byte {
			if silent && len(conns) < 5 {
				return nil
			}
			return packets(answer(q))
		}}
		l := newLive(t, LiveConfig{Resolvers: []string{"tcp:192.0.2.53"}, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := n.dial(ctx, network, address)
			n.replying.Lock()
			defer n.replying.Unlock()
			conns = append(conns, c)
			return c, err
		}})
		ask := func(what string, want int) {
			t.Helper()
			if a := l.DNS(t.Context(), Question{Name: "example.com", Type: "A"}); !a.OK() {
				t.Errorf("%s: %+v", what, a)
			}
			n.replying.Lock()
			defer n.replying.Unlock()
			if len(conns) != want {
				t.Errorf("%s: %d connections, want %d", what, len(conns), want)
			}
		}
		ask("first", 1)
		time.Sleep(streamIdle - time.Second)
		ask("kept", 1)
		time.Sleep(streamIdle + time.Second)
		ask("idle for too long", 2)
		n.replying.Lock()
		conns[1].Close()
		n.replying.Unlock()
		ask("closed meanwhile", 3)
		time.Sleep(streamIdle + time.Second)
		ask("fresh", 4)
		n.replying.Lock()
		silent = true
		n.replying.Unlock()
		start := time.Now()
		ask("gone silent", 5)
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// A server that closes after each answer costs a connection each, not a failure.
func TestDNSStreamClosedAfterEachAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &pipeNet{}
		l := newLive(t, LiveConfig{Resolvers: []string{"tcp:192.0.2.53"}, Dial: func(_ context.Context, network, address string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			one := &pipeNet{reply: func(_, _ string, q *dns.Msg) [][]byte {
				go func() { synctest.Wait(); theirs.Close() }()
				return packets(answer(q))
			}}
			go one.serve(theirs, network, address)
			n.dials = append(n.dials, address)
			return ours, nil
		}})
		for i := range 3 {
			if a := l.DNS(t.Context(), Question{Name: "example.com", Type: "A"}); !a.OK() {
				t.Errorf("%d: %+v", i, a)
			}
			time.Sleep(time.Second)
		}
		if len(n.dials) != 3 {
			t.Errorf("%d connections", len(n.dials))
		}
	})
}

func TestDNSStreamFailures(t *testing.T) {
	for _, c := range []struct {
		name  string
		serve func(net.Conn)
		kind  string
	}{
		{"closes at once", func(c net.Conn) { c.Close() }, FailReset},
		{"another question", func(c net.Conn) {
			(&pipeNet{reply: func(_, _ string, q *dns.Msg) [][]byte {
				m := answer(q)
				m.Question[0].Name = "example.org."
				return packets(m)
			}}).serve(c, "tcp", "")
		}, FailProtocol},
		{"frame too short", func(c net.Conn) {
			_, _ = io.ReadFull(c, make([]byte, 20))
			_, _ = c.Write([]byte{0, 3, 1, 2, 3})
			_, _ = io.Copy(io.Discard, c)
		}, FailProtocol},
		{"half a reply", func(c net.Conn) {
			_, _ = io.ReadFull(c, make([]byte, 20))
			_, _ = c.Write([]byte{0, 200, 1, 2, 3})
			c.Close()
		}, FailReset},
		{"reads nothing", func(net.Conn) {}, FailTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLive(t, LiveConfig{Resolvers: []string{"tcp:192.0.2.53"}, Dial: func(context.Context, string, string) (net.Conn, error) {
					ours, theirs := net.Pipe()
					go c.serve(theirs)
					return ours, nil
				}})
				if a := l.DNS(t.Context(), Question{Name: "example.com", Type: "A"}); a.Fail == nil || a.Fail.Kind != c.kind {
					t.Errorf("%+v (%v)", a, a.Fail)
				}
			})
		})
	}
}

func TestDNSDialFails(t *testing.T) {
	for _, resolver := range []string{"192.0.2.53", "tcp:192.0.2.53", "tls://192.0.2.53", "https://192.0.2.53"} {
		l := newLive(t, LiveConfig{Resolvers: []string{resolver}, Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("no route to host")}
		}})
		a := l.DNS(t.Context(), Question{Name: "example.com", Type: "A"})
		if a.Fail == nil || a.Fail.Kind != FailUnreachable || !strings.Contains(a.Fail.Text, "192.0.2.53") || !strings.HasSuffix(a.Fail.Text, ": no route to host") {
			t.Errorf("%s: %v", resolver, a.Fail)
		}
	}
}
