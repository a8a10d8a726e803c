package wire

import (
	"context"
	"fmt"
	"sync"
)

// A Budget bounds what one domain can make a Source do and keep, over all its
// requests together. What a domain of real life has is far below; a hostile one
// must not turn an audit into a flood, or fill memory.
//
// An answer, a page or a conversation of up to Ordinary bytes is always kept, so
// that a heap of large answers takes nothing from the ordinary ones. Larger answers
// of the DNS share Bytes, and so do larger pages and conversations. What goes beyond
// a bound gives FailLimit.
type Budget struct {
	Questions   int // put to the DNS
	Connections int // for pages and conversations
	Ordinary    int // bytes
	Bytes       int // of all larger ones

	mu   sync.Mutex
	used struct{ questions, connections, answers, streams int }
}

type budgetKey struct{}

// Within gives a context whose requests, made of a Source that is Bounded, draw on
// the budget.
func (b *Budget) Within(ctx context.Context) context.Context {
	return context.WithValue(ctx, budgetKey{}, b)
}

// budgetOf gives the budget of a request, nil where there is none.
func budgetOf(ctx context.Context) *Budget {
	b, _ := ctx.Value(budgetKey{}).(*Budget)
	return b
}

// Bounded gives a Source that holds requests to the Budget of their context, and
// bounds nothing where there is none. It belongs behind a Tape, so that what was
// cut is on the tape, and cut again in a replay.
func Bounded(behind Source) Source {
	if behind == nil {
		return nil
	}
	return bounded{behind}
}

type bounded struct{ behind Source }

// DNS implements Source.
func (s bounded) DNS(ctx context.Context, q Question) Answer {
	b := budgetOf(ctx)
	if b == nil {
		return s.behind.DNS(ctx, q)
	}
	if f := b.take(&b.used.questions, b.Questions, "questions were put to the DNS"); f != nil {
		return Answer{Fail: f}
	}
	a := s.behind.DNS(ctx, q)
	b.hold(&a, q.Ref())
	return a
}

// Fetch implements Source.
func (s bounded) Fetch(ctx context.Context, r Request) Page {
	b := budgetOf(ctx)
	if b == nil {
		return s.behind.Fetch(ctx, r)
	}
	if f := b.take(&b.used.connections, b.Connections, "connections were made"); f != nil {
		return Page{Fail: f}
	}
	p := s.behind.Fetch(ctx, r)
	b.hold(&p, r.Ref())
	return p
}

// Talk implements Source.
func (s bounded) Talk(ctx context.Context, p Probe) Session {
	b := budgetOf(ctx)
	if b == nil {
		return s.behind.Talk(ctx, p)
	}
	if f := b.take(&b.used.connections, b.Connections, "connections were made"); f != nil {
		return Session{Fail: f}
	}
	c := s.behind.Talk(ctx, p)
	b.hold(&c, p.Ref())
	return c
}

// hold puts a failure in the place of an answer, a page or a session that goes beyond
// the budget. A nil Budget bounds nothing.
func (b *Budget) hold(v any, ref Ref) {
	if b == nil {
		return
	}
	switch v := v.(type) {
	case *Answer:
		size := 0
		for _, list := range [][]string{v.Answer, v.Authority, v.Additional, v.EDE} {
			for _, s := range list {
				size += len(s)
			}
		}
		if f := b.keep(&b.used.answers, size, ref); f != nil {
			*v = Answer{Rcode: v.Rcode, From: v.From, Millis: v.Millis, Fail: f}
		}
	case *Page:
		if f := b.keep(&b.used.streams, len(v.Body)+v.TLS.size(), ref); f != nil {
			*v = Page{Millis: v.Millis, Fail: f}
		}
	case *Session:
		size := v.TLS.size()
		for _, x := range v.Exchanges {
			size += len(x.Raw)
			if x.Reply != nil {
				for _, l := range x.Reply.Lines {
					size += len(l)
				}
			}
		}
		if f := b.keep(&b.used.streams, size, ref); f != nil {
			*v = Session{Local: v.Local, Millis: v.Millis, Connect: v.Connect, Fail: f}
		}
	}
}

func (t *TLS) size() int {
	if t == nil {
		return 0
	}
	n := 0
	for _, c := range t.Chain {
		n += len(c)
	}
	return n
}

// take counts one request.
func (b *Budget) take(used *int, most int, what string) *Fail {
	b.mu.Lock()
	defer b.mu.Unlock()
	if *used >= most {
		return &Fail{FailLimit, fmt.Sprintf("not asked: %d %s for this domain, which is the bound", most, what)}
	}
	*used++
	return nil
}

// keep counts what an answer holds.
func (b *Budget) keep(used *int, size int, what Ref) *Fail {
	if size <= b.Ordinary {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if *used+size > b.Bytes {
		return &Fail{FailLimit, fmt.Sprintf("%s: %d bytes came, and for one domain no more than %d of large answers are kept", what, size, b.Bytes)}
	}
	*used += size
	return nil
}
