package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"
)

// A Tape stands in front of a Source and remembers each answer: the same request
// is made once, however many ask, at the same time or later. Saved, it is the
// evidence of a run; loaded, with no Source behind it, it answers as the recorded
// run was answered, and everything else with FailNotOnTape.
//
// Only what came of cancelling (context.Canceled) is forgotten: whoever waited
// for it asks again. That time ran out is an answer and is kept. What a Tape
// gives has been through its file form, so a run sees exactly what its replay
// will see. Answers are shared: nobody may change their slices.
//
// Those who wait for another's request wait on a channel until their own context
// ends.
type Tape struct {
	behind Source // nil in a replay
	asIs   bool   // answers are kept as they come: see NewMemo

	mu     sync.Mutex // never held while waiting
	gone   int        // questions that were counted and forgotten
	header Header
	dns    map[Ref]*entry[Answer]
	pages  map[Ref]*entry[Page]
	talks  map[Ref]*entry[Session]

	// What a file holds, as it is written there; not changed any more. What was asked
	// for is in the maps too.
	stored map[Ref]string
}

// A Header says what a tape is a recording of.
type Header struct {
	Version int             `json:"version"` // of the file format: TapeVersion
	Tool    string          `json:"tool,omitempty"`
	Options json.RawMessage `json:"options,omitempty"` // what was asked for, so that a replay asks the same
	At      time.Time       `json:"at"`                // the time that the audit judges by, UTC
	Seed    string          `json:"seed,omitempty"`    // of random labels: see Label
	Receipt json.RawMessage `json:"receipt,omitempty"` // what the run cost
}

// An entry is one request that was made or is being made. Value and forgotten are
// set before done is closed.
type entry[T any] struct {
	done      chan struct{}
	value     T
	forgotten bool
}

// NewTape gives an empty tape in front of a Source. It sets the header's version.
func NewTape(behind Source, h Header) *Tape {
	h.Version = TapeVersion
	h.At = h.At.UTC().Round(0) // without the monotonic clock, which the file does not hold
	return &Tape{
		behind: behind,
		header: h,
		dns:    map[Ref]*entry[Answer]{},
		pages:  map[Ref]*entry[Page]{},
		talks:  map[Ref]*entry[Session]{},
		stored: map[Ref]string{},
	}
}

// NewMemo gives a tape that is never saved, so that its answers need not go through
// the file form: for what stands over another tape.
func NewMemo(behind Source) *Tape {
	t := NewTape(behind, Header{})
	t.asIs = true
	return t
}

// Header gives the header as it is now.
func (t *Tape) Header() Header {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.header
}

// SetReceipt sets the header's receipt, which must be JSON.
func (t *Tape) SetReceipt(receipt json.RawMessage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.header.Receipt = receipt
}

// DNS implements Source.
func (t *Tape) DNS(ctx context.Context, q Question) Answer {
	q = q.Canonical()
	return remember(ctx, t, t.dns, q.Ref(), Answer.fail,
		func(f *Fail) Answer { return Answer{Fail: f} },
		func() Answer { return t.behind.DNS(ctx, q) })
}

// Fetch implements Source.
func (t *Tape) Fetch(ctx context.Context, r Request) Page {
	return remember(ctx, t, t.pages, r.Ref(), Page.fail,
		func(f *Fail) Page { return Page{Fail: f} },
		func() Page { return t.behind.Fetch(ctx, r) })
}

// Talk implements Source.
func (t *Tape) Talk(ctx context.Context, p Probe) Session {
	return remember(ctx, t, t.talks, p.Ref(), Session.fail,
		func(f *Fail) Session { return Session{Fail: f} },
		func() Session { return t.behind.Talk(ctx, p) })
}

func (a Answer) fail() *Fail  { return a.Fail }
func (p Page) fail() *Fail    { return p.Fail }
func (s Session) fail() *Fail { return s.Fail }

// remember gives the answer under ref in m, which belongs to t. The first to
// come asks. fail finds the failure in an answer, failed makes an answer of one.
func remember[T any](ctx context.Context, t *Tape, m map[Ref]*entry[T], ref Ref, fail func(T) *Fail, failed func(*Fail) T, ask func() T) T {
	for {
		t.mu.Lock()
		e := recall(t, m, ref, budgetOf(ctx))
		if e == nil && t.behind == nil {
			t.mu.Unlock()
			return failed(&Fail{FailNotOnTape, "the recorded run did not ask this"})
		}
		if e == nil {
			e = &entry[T]{done: make(chan struct{}), forgotten: true}
			m[ref] = e
			t.mu.Unlock()
			return first(ctx, t, m, ref, e, fail, ask)
		}
		t.mu.Unlock()

		select {
		case <-e.done:
		default:
			select {
			case <-e.done:
			case <-ctx.Done():
				return failed(failWaiting(ctx, ref))
			}
		}
		if !e.forgotten {
			return e.value
		}
	}
}

// first asks, and keeps the answer unless it came of cancelling. A panic behind
// leaves no trace, so that those who wait are not left waiting.
func first[T any](ctx context.Context, t *Tape, m map[Ref]*entry[T], ref Ref, e *entry[T], fail func(T) *Fail, ask func() T) T {
	defer func() {
		if e.forgotten {
			t.mu.Lock()
			delete(m, ref)
			t.mu.Unlock()
		}
		close(e.done)
	}()
	v := ask()
	f := fail(v)
	if f != nil && (f.Kind == FailCanceled || errors.Is(ctx.Err(), context.Canceled)) {
		return v
	}
	if !t.asIs {
		v = asRecorded(v)
	}
	e.value, e.forgotten = v, false
	return e.value
}

func failWaiting(ctx context.Context, ref Ref) *Fail {
	if errors.Is(ctx.Err(), context.Canceled) {
		return &Fail{FailCanceled, string(ref) + ": stopped"}
	}
	return &Fail{FailDeadline, string(ref) + ": no time left"}
}

// asRecorded gives v as it comes back from a file: text that is not UTF-8 has
// replacement characters, and empty lists are nil.
func asRecorded[T any](v T) T {
	data, err := json.Marshal(v)
	if err != nil {
		return v // the types of answers have no value that cannot be written
	}
	var out T
	if err := json.Unmarshal(data, &out); err != nil {
		return v
	}
	return out
}

// Lookup gives what the tape holds under ref, as an Answer, a Page or a Session.
// What is being asked just now is not there yet.
func (t *Tape) Lookup(ref Ref) (answer *Answer, page *Page, session *Session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch ref.kind() {
	case "dns":
		return ready(recall(t, t.dns, ref, nil)), nil, nil
	case "get":
		return nil, ready(recall(t, t.pages, ref, nil)), nil
	}
	return nil, nil, ready(recall(t, t.talks, ref, nil))
}

// recall gives the entry under ref, from what a file holds where it is not in m yet.
// Of a run it was within the budget; what comes from elsewhere is held to it. The
// caller holds the lock.
func recall[T any](t *Tape, m map[Ref]*entry[T], ref Ref, b *Budget) *entry[T] {
	e := m[ref]
	text, held := t.stored[ref]
	if e != nil || !held {
		return e
	}
	v, err := answered[T](text)
	if err != nil || v == nil {
		return nil // it was read once, when the file was
	}
	if a, ok := any(v).(*Answer); ok {
		a.settle()
	}
	b.hold(v, ref)
	e = &entry[T]{done: make(chan struct{}), value: *v}
	close(e.done)
	m[ref] = e
	return e
}

// recallAll puts all that a file holds into the maps.
func (t *Tape) recallAll() {
	for ref := range t.stored {
		switch ref.kind() {
		case "dns":
			recall(t, t.dns, ref, nil)
		case "get":
			recall(t, t.pages, ref, nil)
		default:
			recall(t, t.talks, ref, nil)
		}
	}
}

// ready gives the value of an entry that has one.
func ready[T any](e *entry[T]) *T {
	if e == nil {
		return nil
	}
	select {
	case <-e.done:
	default:
		return nil
	}
	if e.forgotten {
		return nil
	}
	v := e.value
	return &v
}

// Counts gives the number of questions put to the DNS, and of connections for
// pages and conversations. What never left the machine does not count: assumed
// answers, forbidden addresses, and what was asked offline.
func (t *Tape) Counts() (queries, connections int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.recallAll()
	queries = t.gone
	for _, e := range t.dns {
		if a := ready(e); a != nil && a.asked() {
			queries++
		}
	}
	for _, e := range t.pages {
		if p := ready(e); p != nil && !p.Assumed && leaves(p.Fail) {
			connections++
		}
	}
	for _, e := range t.talks {
		if s := ready(e); s != nil && leaves(s.Fail) {
			connections++
		}
	}
	return queries, connections
}

// leaves reports that a request left the machine.
func leaves(f *Fail) bool { return f == nil || f.Kind != FailOffline && f.Kind != FailForbidden }

func (a Answer) asked() bool { return !a.Assumed && leaves(a.Fail) }

// Forget drops the answers about a domain and all names below it, but for counting
// them: for a run over many domains, once one of them is done with.
func (t *Tape) Forget(domain string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for ref, e := range t.dns {
		_, name, _ := strings.Cut(string(ref), " ")
		if i := strings.IndexAny(name, "@+"); i >= 0 { // names have none
			name = name[:i]
		}
		if name != domain && !strings.HasSuffix(name, "."+domain) {
			continue
		}
		if a := ready(e); a != nil {
			if a.asked() {
				t.gone++
			}
			delete(t.dns, ref)
		}
	}
}

// compact gives JSON without blanks, "" for none.
func compact(raw json.RawMessage) (json.RawMessage, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	err := json.Compact(&b, raw)
	return b.Bytes(), err
}

// kind gives the part of a ref before the first colon.
func (r Ref) kind() string {
	k, _, _ := strings.Cut(string(r), ":")
	return k
}
