package smtp

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxvet/internal/together"
)

func TestTimeouts(t *testing.T) {
	drip := func(p *peer, text string) {
		for i := range text {
			if _, err := p.Write([]byte(text[i : i+1])); err != nil {
				return
			}
			time.Sleep(time.Second)
		}
	}
	for _, test := range []struct {
		name   string
		script func(*peer)
		want   string
		took   time.Duration
		fails  bool
	}{
		{"late banner", func(p *peer) {
			time.Sleep(20 * time.Second)
			p.say("220 x")
			p.follow(map[string]string{"EHLO": "250 x", "MAIL": "250 ok", "RCPT": "250 ok", "RSET": "250 ok"})
		}, "banner:220 ehlo:250 mail:250 rcpt:250 rset:250 mail:250 rcpt:250 rset:250 quit:-", 20 * time.Second, false},
		{"silent", func(p *peer) { p.hear() }, "banner:-", 30 * time.Second, true},
		{"dripping banner", func(p *peer) { drip(p, strings.Repeat("220-x\r\n", 100)) }, "banner:-", 30 * time.Second, true},
		{"silent after EHLO", func(p *peer) {
			p.say("220 x")
			p.hear()
			p.hear()
		}, "banner:220 ehlo:-", 15 * time.Second, true},
		{"slow everywhere", func(p *peer) {
			time.Sleep(25 * time.Second)
			p.say("220 x")
			for p.hear() != "" {
				time.Sleep(14 * time.Second)
				p.say(ehlo)
			}
		}, "banner:220 ehlo:250 starttls:250 mail:-", 60 * time.Second, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, took := converse(t, config, test.script)
				got := transcript(r.Exchanges)
				if i := strings.Index(got, " mail:- rcpt:-"); test.name == "slow everywhere" && i >= 0 {
					got = got[:i] + " mail:-"
				}
				if got != test.want || took != test.took || (r.Err != nil) != test.fails {
					t.Errorf("%s after %v: %v", got, took, r.Err)
				}
				var timeout net.Error
				if test.fails && (!errors.As(r.Err, &timeout) || !timeout.Timeout()) {
					t.Errorf("%v is no timeout", r.Err)
				}
			})
		})
	}
}

// The end of the context ends the conversation where it stands.
func TestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer server.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		r := Run(ctx, client, config)
		if took := time.Since(began); took != 3*time.Second || r.Err == nil || transcript(r.Exchanges) != "banner:-" {
			t.Errorf("%v after %v, %v", r.Exchanges, took, r.Err)
		}
	})
}

// A server that begins to make us wait for replies to envelopes is not asked on.
func TestPause(t *testing.T) {
	const pipelining, alone = "250-x\r\n250 PIPELINING", "250 x"
	serve := func(offer string, wait func(n int) time.Duration) func(*peer) {
		return func(p *peer) {
			p.say("220 x")
			p.hear()
			time.Sleep(wait(-1))
			p.say(offer)
			for n := 0; ; n++ {
				line := p.hear()
				if line == "" || line == "QUIT" {
					return
				}
				time.Sleep(wait(n))
				p.say("250 ok")
			}
		}
	}
	at := func(stuck int, d time.Duration) func(int) time.Duration {
		return func(n int) time.Duration {
			if n == stuck {
				return d
			}
			return 0
		}
	}
	each := func(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }
	const all = " mail:250 rcpt:250 rset:250 mail:250 rcpt:250 rset:250 quit:-"
	for _, test := range []struct {
		name   string
		script func(*peer)
		want   string
		took   time.Duration
		stops  bool
	}{
		{"no pause", serve(pipelining, at(9, 0)), all, 0, false},
		{"a pause in the group", serve(pipelining, at(4, time.Second)), " mail:250 rcpt:250 rset:250 mail:250 rcpt:250 rset:-", time.Second, true},
		{"a long one at its beginning", serve(pipelining, at(0, 6*time.Second)), " mail:250 rcpt:- rset:- mail:- rcpt:- rset:-", 6 * time.Second, true},
		{"just below", serve(pipelining, at(4, 999*time.Millisecond)), all, 999 * time.Millisecond, false},
		{"at the last command, when nothing is left to ask", serve(pipelining, at(5, 2*time.Second)), all, 2 * time.Second, false},
		{"a pause, one by one", serve(alone, at(3, time.Second)), " mail:250 rcpt:250 rset:250 mail:250 quit:-", time.Second, true},
		{"far away, one by one", serve(alone, each(700*time.Millisecond)), all, 7 * 700 * time.Millisecond, false},
		{"slow with everything", serve(alone, each(3*time.Second)), " mail:250 quit:-", 6 * time.Second, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, took := converse(t, config, test.script)
				if got := transcript(r.Exchanges); got != "banner:220 ehlo:250"+test.want || took != test.took {
					t.Errorf("%s after %v", got, took)
				}
				if errors.Is(r.Err, ErrPause) != test.stops || !test.stops && r.Err != nil {
					t.Errorf("error %v, want a stop: %v", r.Err, test.stops)
				}
			})
		})
	}
}

// faultyConn panics when it is written to.
type faultyConn struct{ net.Conn }

// A fault beside the conversation comes back to whoever holds it, over a closed
// connection.
func TestWriteFaultComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		var served together.Group
		served.Go(func() {
			_, _ = theirs.Write([]byte("220 mx.example.com ESMTP\r\n"))
			if _, err := theirs.Read(make([]byte, 1)); err == nil {
				t.Error("something was written")
			}
			theirs.Close()
		})
		defer served.Wait()
		defer func() {
			if p := together.Caught(recover()); !strings.HasPrefix(p.Error(), "a fault of ours at ") {
				t.Errorf("%v", p)
			}
		}()
		r := Run(t.Context(), faultyConn{ours}, config)
		t.Errorf("no panic: %v", r.Err)
	})
}
