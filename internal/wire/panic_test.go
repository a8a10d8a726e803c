package wire

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"mxvet/internal/together"
)

// panics gives what f panics with.
func panics(f func()) (p *together.Panic) {
	defer func() {
		if v := recover(); v != nil {
			p = together.Caught(v)
		}
	}()
	f()
	return nil
}

// A fault in a connection to the resolver comes back to who waits for its answer, and
// to who closes.
func TestStreamFaultComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := NewLive(LiveConfig{
			Resolvers: []string{"tcp:192.0.2.53"}, AllowPrivate: true,
			Dial: func(context.Context, string, string) (net.Conn, error) { panic("no such door") },
		})
		if err != nil {
			t.Fatal(err)
		}
		ask := func() { l.DNS(t.Context(), Question{Name: "example.com", Type: "MX"}) }
		if p := panics(ask); p == nil || !strings.HasPrefix(p.Error(), "no such door at mxvet/internal/wire.") {
			t.Errorf("%v", p)
		}
		if p := panics(l.Close); p == nil {
			t.Error("closed without a word")
		}
	})
}

// Close waits for what runs beside the requests, and ends it: the bubble would not end.
func TestCloseEndsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := NewLive(LiveConfig{
			Resolvers: []string{"tcp:192.0.2.53"}, AllowPrivate: true,
			Dial: func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				context.AfterFunc(t.Context(), func() { theirs.Close() })
				return ours, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if a := l.DNS(t.Context(), Question{Name: "example.com", Type: "MX"}); a.Fail == nil {
			t.Errorf("%+v", a)
		}
		l.Close()
		if a := l.DNS(t.Context(), Question{Name: "example.com", Type: "MX"}); a.Fail == nil {
			t.Errorf("an answer after the end: %+v", a)
		}
	})
}
