package wire

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// scripted answers from functions and counts how often it is asked.
type scripted struct {
	dns   func(context.Context, Question) Answer
	fetch func(context.Context, Request) Page
	talk  func(context.Context, Probe) Session
	asked atomic.Int64
}

func (s *scripted) DNS(ctx context.Context, q Question) Answer {
	s.asked.Add(1)
	return s.dns(ctx, q)
}

func (s *scripted) Fetch(ctx context.Context, r Request) Page {
	s.asked.Add(1)
	return s.fetch(ctx, r)
}

func (s *scripted) Talk(ctx context.Context, p Probe) Session {
	s.asked.Add(1)
	return s.talk(ctx, p)
}

// slow answers each question after a second, unless the context ends before.
func slow(rcode string) *scripted {
	return &scripted{dns: func(ctx context.Context, _ Question) Answer {
		select {
		case <-time.After(time.Second):
			return Answer{Rcode: rcode}
		case <-ctx.Done():
			return Answer{Fail: failOf(ctx, "dns", ctx.Err())}
		}
	}}
}

func TestTapeAsksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		behind := slow("NXDOMAIN")
		tape := NewTape(behind, Header{})
		began := time.Now()
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				q := Question{Name: "example.com", Type: "MX"}
				if i%2 == 1 {
					q = Question{Name: "EXAMPLE.com.", Type: "mx"}
				}
				if a := tape.DNS(t.Context(), q); !a.NXDomain() {
					t.Errorf("got %+v", a)
				}
			})
		}
		wg.Wait()
		tape.DNS(t.Context(), Question{Name: "example.com", Type: "MX"})
		if n := behind.asked.Load(); n != 1 || time.Since(began) != time.Second {
			t.Errorf("asked %d times in %s, want once in 1s", n, time.Since(began))
		}
		tape.DNS(t.Context(), Question{Name: "example.com", Type: "MX", CD: true})
		if n := behind.asked.Load(); n != 2 {
			t.Errorf("asked %d times, want 2: another question", n)
		}
		if q, c := tape.Counts(); q != 2 || c != 0 {
			t.Errorf("counts %d, %d", q, c)
		}
	})
}

func TestTapeWaiterHasItsOwnContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tape := NewTape(slow("NOERROR"), Header{})
		q := Question{Name: "example.com", Type: "MX"}
		var wg sync.WaitGroup
		wg.Go(func() {
			if a := tape.DNS(t.Context(), q); a.Rcode != "NOERROR" {
				t.Errorf("the asker got %+v", a)
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		if a := tape.DNS(ctx, q); a.Fail == nil || a.Fail.Kind != FailDeadline {
			t.Errorf("the waiter whose time is up got %+v", a)
		}
		stopped, stop := context.WithCancel(t.Context())
		stop()
		if a := tape.DNS(stopped, q); a.Fail == nil || a.Fail.Kind != FailCanceled {
			t.Errorf("the waiter who was stopped got %+v", a)
		}
		wg.Wait()
		if a := tape.DNS(stopped, q); a.Rcode != "NOERROR" {
			t.Errorf("an answer that is there was not given: %+v", a)
		}
	})
}

func TestTapeForgetsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		behind := slow("NOERROR")
		tape := NewTape(behind, Header{})
		q := Question{Name: "example.com", Type: "MX"}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if a := tape.DNS(ctx, q); a.Fail == nil || a.Fail.Kind != FailCanceled {
				t.Errorf("the cancelled asker got %+v", a)
			}
		})
		synctest.Wait()
		for range 3 {
			wg.Go(func() {
				if a := tape.DNS(t.Context(), q); a.Rcode != "NOERROR" {
					t.Errorf("a waiter got %+v", a)
				}
			})
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		if n := behind.asked.Load(); n != 2 {
			t.Errorf("asked %d times, want twice: one waiter asks again, the others wait for it", n)
		}
	})
}

func TestTapeKeepsDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		behind := slow("NOERROR")
		tape := NewTape(behind, Header{})
		q := Question{Name: "example.com", Type: "MX"}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		tape.DNS(ctx, q)
		if a := tape.DNS(t.Context(), q); a.Fail == nil || a.Fail.Kind != FailDeadline || behind.asked.Load() != 1 {
			t.Errorf("asked %d times, got %+v", behind.asked.Load(), a)
		}
	})
}

func TestTapePanicLeavesNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fall := make(chan struct{})
		behind := &scripted{}
		behind.dns = func(context.Context, Question) Answer {
			if behind.asked.Load() == 1 {
				<-fall
				panic("behind")
			}
			return Answer{Rcode: "NOERROR"}
		}
		tape := NewTape(behind, Header{})
		q := Question{Name: "example.com", Type: "MX"}
		var wg sync.WaitGroup
		wg.Go(func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was lost")
				}
			}()
			tape.DNS(t.Context(), q)
		})
		synctest.Wait()
		wg.Go(func() {
			if a := tape.DNS(t.Context(), q); a.Rcode != "NOERROR" {
				t.Errorf("got %+v", a)
			}
		})
		synctest.Wait()
		close(fall)
		wg.Wait()
	})
}

func (brokenReader) Read([]byte) (int, error)  { return 0, errBroken }
func (brokenReader) Write([]byte) (int, error) { return 0, errBroken }

func TestLabel(t *testing.T) {
	a := Label("seed", "selector", "example.com")
	if want := "jgcjchjphllmfhce"; a != want { // recordings hold it: it must never change
		t.Errorf("label %q, want %q", a, want)
	}
	if a != Label("seed", "selector", "EXAMPLE.com.") {
		t.Errorf("case and final dot matter: %q", a)
	}
	seen := map[string]string{a: "the first"}
	for _, in := range [][3]string{{"seed2", "selector", "example.com"}, {"seed", "subdomain", "example.com"}, {"seed", "selector", "example.org"}, {"", "", ""}} {
		l := Label(in[0], in[1], in[2])
		if seen[l] != "" {
			t.Errorf("%v and %v have the same label", in, seen[l])
		}
		seen[l] = fmt.Sprint(in)
	}
}
