package audit

import (
	"context"
	"fmt"
	"sync"

	"mxvet/internal/wire"
)

// askingShare is the part of a domain's time, in percent, in which others are asked.
// The rest is for judging and proving, which find their answers on the tape.
const askingShare = 85

// A timing is the time for one domain. There is one deadline, for all that is done
// about it.
type timing struct {
	whole  context.Context
	asking context.Context // ends earlier, where there is a deadline
	end    context.CancelFunc
}

func (j *Job) limited(ctx context.Context) timing {
	if j.Timeout <= 0 {
		whole, end := context.WithCancel(ctx)
		return timing{whole, whole, end}
	}
	whole, end := context.WithTimeout(ctx, j.Timeout)
	asking, stop := context.WithTimeout(whole, j.Timeout*askingShare/100)
	return timing{whole, asking, func() { stop(); end() }}
}

// over says in words that the time is up, "" where it is not.
func (t timing) over() string {
	if t.whole.Err() == nil {
		return ""
	}
	return "the time for this domain was up before it could be tried"
}

// notes is a Source that notes what is asked of it.
type notes struct {
	wire.Source
	mu   sync.Mutex
	refs map[wire.Ref]bool
}

func (n *notes) note(ref wire.Ref) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refs[ref] = true
}

// DNS implements wire.Source.
func (n *notes) DNS(ctx context.Context, q wire.Question) wire.Answer {
	n.note(q.Ref())
	return n.Source.DNS(ctx, q)
}

// Fetch implements wire.Source.
func (n *notes) Fetch(ctx context.Context, r wire.Request) wire.Page {
	n.note(r.Ref())
	return n.Source.Fetch(ctx, r)
}

// Talk implements wire.Source.
func (n *notes) Talk(ctx context.Context, p wire.Probe) wire.Session {
	n.note(p.Ref())
	return n.Source.Talk(ctx, p)
}

// A remainder is the Source of a proof: the tape, and what is not on it only as long
// as there is time to ask. It remembers the first request that the audit itself had
// not made and that got no answer for want of time: what follows from that proves
// nothing, neither now nor in a replay.
type remainder struct {
	tape   *wire.Tape
	asking context.Context
	known  map[wire.Ref]bool // what the audit itself asked

	mu   sync.Mutex
	late wire.Ref
}

// within bounds a request by the time for asking.
func (r *remainder) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if end, bounded := r.asking.Deadline(); bounded {
		return context.WithDeadline(ctx, end)
	}
	return ctx, func() {}
}

func (r *remainder) note(ref wire.Ref, f *wire.Fail) {
	if f == nil || f.Kind != wire.FailDeadline || r.known[ref] {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.late == "" || ref < r.late {
		r.late = ref
	}
}

// unproven says why a proof over this Source proves nothing, "" where it does.
func (r *remainder) unproven() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.late == "" {
		return ""
	}
	return fmt.Sprintf("the time for asking was up, and whether it helps depends on an answer that is not there (%s)", r.late)
}

// DNS implements wire.Source.
func (r *remainder) DNS(ctx context.Context, q wire.Question) wire.Answer {
	ctx, cancel := r.within(ctx)
	defer cancel()
	a := r.tape.DNS(ctx, q)
	r.note(q.Ref(), a.Fail)
	return a
}

// Fetch implements wire.Source.
func (r *remainder) Fetch(ctx context.Context, q wire.Request) wire.Page {
	ctx, cancel := r.within(ctx)
	defer cancel()
	p := r.tape.Fetch(ctx, q)
	r.note(q.Ref(), p.Fail)
	return p
}

// Talk implements wire.Source.
func (r *remainder) Talk(ctx context.Context, p wire.Probe) wire.Session {
	ctx, cancel := r.within(ctx)
	defer cancel()
	s := r.tape.Talk(ctx, p)
	r.note(p.Ref(), s.Fail)
	return s
}
