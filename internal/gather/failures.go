package gather

import (
	"context"
	"sync"

	"mxvet/internal/wire"
)

// A Failure is a DNS question that got no usable answer.
type Failure struct {
	Question wire.Question
	Kind     string // of the wire.Fail
	Text     string // its reason in words
}

// A failureLog is a Source that notes which DNS questions failed; everything else it
// hands on.
type failureLog struct {
	wire.Source
	mu     sync.Mutex
	failed map[wire.Ref]Failure
}

// DNS asks what is behind, and notes a failure.
func (l *failureLog) DNS(ctx context.Context, q wire.Question) wire.Answer {
	a := l.Source.DNS(ctx, q)
	if a.Fail != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.failed[q.Ref()] = Failure{q, a.Fail.Kind, a.Fail.String()}
	}
	return a
}
