package wire

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"mxvet/internal/together"
)

// streamIdle is how long a connection to a resolver stays open unused.
const streamIdle = 10 * time.Second

var errStreamFull = errors.New("too many queries outstanding on one connection")

// A stream is one TCP or TLS connection to a DNS server with many queries
// outstanding at once (RFC 7766 section 6.2.1.1). It may be asked before the
// connection stands. When it breaks, done is closed and err says why.
type stream struct {
	queue   chan []byte // framed queries for the writer
	done    chan struct{}
	err     error        // valid after done; a *together.Panic is a fault of ours
	up      atomic.Bool  // the connection stands
	replies atomic.Int64 // received so far

	mu      sync.Mutex
	waiting map[uint16]chan []byte
	conn    net.Conn
}

// openStream starts a stream; life bounds its existence, dial makes the
// connection and is bounded by itself. A panic comes again in those who wait for a
// reply, and where beside waits.
func openStream(life context.Context, dial func(context.Context) (net.Conn, error), beside func(func())) *stream {
	s := &stream{queue: make(chan []byte, 64), done: make(chan struct{}), waiting: map[uint16]chan []byte{}}
	beside(func() {
		defer close(s.done)
		defer func() {
			if v := recover(); v != nil {
				p := together.Caught(v)
				s.err = p
				panic(p)
			}
		}()
		s.err = s.run(life, dial)
	})
	return s
}

// run gives why the connection ended.
func (s *stream) run(life context.Context, dial func(context.Context) (net.Conn, error)) error {
	conn, err := dial(life)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(streamIdle))
	s.mu.Lock()
	s.conn = conn
	s.mu.Unlock()
	s.up.Store(true)
	release := context.AfterFunc(life, func() { conn.Close() })
	failed := make(chan struct{})
	var writing together.Group
	writing.Go(func() { s.write(conn, failed) })
	err = s.read(conn)
	release()
	conn.Close()
	close(failed)
	writing.Wait()
	return err
}

// broken gives why the stream ended, and panics where that is a fault of ours.
func (s *stream) broken() error {
	if p, ok := s.err.(*together.Panic); ok {
		panic(p)
	}
	return s.err
}

// write sends what is queued, together where several wait; a failure closes the
// connection, which the reader notices.
func (s *stream) write(conn net.Conn, failed <-chan struct{}) {
	w := bufio.NewWriter(conn)
	for {
		select {
		case <-failed:
			return
		case b := <-s.queue:
			conn.SetWriteDeadline(time.Now().Add(streamIdle))
			_, err := w.Write(b)
			if err == nil && len(s.queue) == 0 {
				err = w.Flush()
			}
			if err != nil {
				conn.Close()
				return
			}
		}
	}
}

func (s *stream) read(conn net.Conn) error {
	r := bufio.NewReader(conn)
	for {
		var size [2]byte
		if _, err := io.ReadFull(r, size[:]); err != nil {
			return err
		}
		raw := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(r, raw); err != nil {
			return err
		}
		if len(raw) < 12 {
			return errMalformed
		}
		conn.SetReadDeadline(time.Now().Add(streamIdle))
		s.replies.Add(1)
		id := binary.BigEndian.Uint16(raw)
		s.mu.Lock()
		reply := s.waiting[id]
		delete(s.waiting, id)
		s.mu.Unlock()
		if reply != nil {
			reply <- raw
		}
	}
}

// expect reserves an ID that is not in use.
func (s *stream) expect() (uint16, chan []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) > 1<<14 {
		return 0, nil, errStreamFull
	}
	id := uint16(rand.Uint32())
	for s.waiting[id] != nil {
		id++
	}
	reply := make(chan []byte, 1)
	s.waiting[id] = reply
	if s.conn != nil {
		s.conn.SetReadDeadline(time.Now().Add(streamIdle))
	}
	return id, reply, nil
}

// ask sends the query and waits for its reply until the context ends.
func (s *stream) ask(ctx context.Context, q *query) (*dns.Msg, error) {
	id, reply, err := s.expect()
	if err != nil {
		return nil, err
	}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.waiting[id] == reply {
			delete(s.waiting, id)
		}
	}()
	framed := binary.BigEndian.AppendUint16(nil, uint16(len(q.packed)))
	select {
	case s.queue <- q.withID(framed, id):
	case <-s.done:
		return nil, s.broken()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case raw := <-reply:
		return q.read(raw, id)
	case <-s.done:
		select {
		case raw := <-reply: // it came just before the end
			return q.read(raw, id)
		default:
			return nil, s.broken()
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// streams keeps the current connection to one server.
type streams struct {
	life   context.Context
	dial   func(context.Context) (net.Conn, error)
	beside func(func()) // runs a stream

	mu      sync.Mutex
	current *stream
}

func (p *streams) get() *stream {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current != nil {
		select {
		case <-p.current.done:
		default:
			return p.current
		}
	}
	p.current = openStream(p.life, p.dial, p.beside)
	return p.current
}

// retire takes s out of use; it closes when nothing has happened on it for
// streamIdle.
func (p *streams) retire(s *stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == s {
		p.current = nil
	}
}

// ask asks over the current connection, or a new one. A server may close an
// idle connection at any time, so when one that has worked breaks, the query is
// sent once more over a new one (RFC 7766 section 6.2.4).
func (p *streams) ask(ctx context.Context, q *query) (*dns.Msg, error) {
	for again := false; ; again = true {
		s := p.get()
		up, replies := s.up.Load(), s.replies.Load()
		m, err := s.ask(ctx, q)
		switch {
		case err == nil:
			return m, nil
		case ctx.Err() != nil:
			if up && s.replies.Load() == replies {
				p.retire(s) // open but silent: perhaps a path that has died
			}
			return nil, err
		case again || s.replies.Load() == 0 || errors.Is(err, errNotOurs) || errors.Is(err, errMalformed):
			return nil, err
		}
	}
}
