package fakenet

import (
	"bytes"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// window bounds what one direction of a connection holds: what was written and
// not yet read. A writer waits for room, as with a socket.
const window = 128 << 10

// A stream is one direction of a TCP connection. What is written arrives after
// delay, in order. Readers and writers wait on channels only, so that the clock
// of testing/synctest can run; the mutex is never held while waiting.
type stream struct {
	delay time.Duration

	mu      sync.Mutex
	flight  []piece       // sent, not yet arrived
	arrived []byte        // ready to be read
	size    int           // bytes in flight and arrived
	sentEnd bool          // the writer has closed its side
	end     bool          // the end has arrived
	reset   bool          // a reset has arrived
	gone    bool          // the reader has closed
	broken  bool          // the writer knows that the reader has closed
	changed chan struct{} // closed at the next change; nil while nobody waits
}

// A piece is what travels: bytes, or the end of the stream, or a reset.
type piece struct {
	data       []byte
	end, reset bool
}

// wait gives a channel that is closed at the next change. Call it locked.
func (s *stream) wait() chan struct{} {
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}

// notify wakes all who wait. Call it locked.
func (s *stream) notify() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// later runs f locked, after the time.
func (s *stream) later(after time.Duration, f func()) {
	run := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		f()
		s.notify()
	}
	if after <= 0 {
		run()
		return
	}
	time.AfterFunc(after, run)
}

// land moves the oldest piece in flight to what can be read. Each piece has a
// timer of its own with the same delay, so it does not matter whose timer runs
// first. Call it locked.
func (s *stream) land() {
	if len(s.flight) == 0 {
		return
	}
	p := s.flight[0]
	s.flight = s.flight[1:]
	s.end = s.end || p.end
	s.reset = s.reset || p.reset
	if s.gone {
		s.size -= len(p.data)
	} else {
		s.arrived = append(s.arrived, p.data...)
	}
}

func (s *stream) write(p []byte, dl *deadline, closed <-chan struct{}) (int, error) {
	n := 0
	for {
		if dl.expired() {
			return n, os.ErrDeadlineExceeded
		}
		s.mu.Lock()
		switch {
		case s.sentEnd:
			s.mu.Unlock()
			return n, net.ErrClosed
		case s.reset:
			s.mu.Unlock()
			return n, syscall.ECONNRESET
		case s.broken:
			s.mu.Unlock()
			return n, syscall.EPIPE
		case s.gone && s.size < window: // as with TCP, writing into a closed connection seems to work at first
			s.size += len(p)
			s.mu.Unlock()
			s.later(2*s.delay, func() { s.broken = true })
			return len(p), nil
		}
		if room := window - s.size; room > 0 || len(p) == n {
			k := min(room, len(p)-n)
			if k > 0 {
				s.flight = append(s.flight, piece{data: bytes.Clone(p[n : n+k])})
				s.size += k
				n += k
			}
			s.mu.Unlock()
			if k > 0 {
				s.later(s.delay, s.land)
			}
			if n == len(p) {
				return n, nil
			}
			continue
		}
		changed := s.wait()
		s.mu.Unlock()
		select {
		case <-changed:
		case <-closed:
			return n, net.ErrClosed
		case <-dl.wait():
		}
	}
}

func (s *stream) read(p []byte, dl *deadline, closed <-chan struct{}) (int, error) {
	for {
		select {
		case <-closed:
			return 0, net.ErrClosed
		default:
		}
		if dl.expired() {
			return 0, os.ErrDeadlineExceeded
		}
		s.mu.Lock()
		switch {
		case len(p) == 0:
			s.mu.Unlock()
			return 0, nil
		case len(s.arrived) > 0:
			n := copy(p, s.arrived)
			s.arrived = s.arrived[n:]
			s.size -= n
			s.notify()
			s.mu.Unlock()
			return n, nil
		case s.reset:
			s.mu.Unlock()
			return 0, syscall.ECONNRESET
		case s.end:
			s.mu.Unlock()
			return 0, io.EOF
		}
		changed := s.wait()
		s.mu.Unlock()
		select {
		case <-changed:
		case <-closed:
		case <-dl.wait():
		}
	}
}

// finish sends the last piece, behind what is in flight.
func (s *stream) finish(last piece) {
	s.mu.Lock()
	if s.sentEnd {
		s.mu.Unlock()
		return
	}
	s.sentEnd = true
	s.flight = append(s.flight, last)
	s.mu.Unlock()
	s.later(s.delay, s.land)
}

// closeRead forgets what has not been read and tells the writer.
func (s *stream) closeRead() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	s.size -= len(s.arrived)
	s.arrived = nil
	s.notify()
}

// A conn is one end of a TCP connection.
type conn struct {
	local, remote net.Addr
	in, out       *stream
	rd, wr        deadline
	closed        chan struct{}
	once          sync.Once
	onClose       func()
}

// connect gives the two ends of a connection over which each byte travels for
// delay in either direction.
func connect(client, server net.Addr, delay time.Duration) (c, s *conn) {
	up, down := &stream{delay: delay}, &stream{delay: delay}
	c = &conn{local: client, remote: server, in: down, out: up, closed: make(chan struct{})}
	s = &conn{local: server, remote: client, in: up, out: down, closed: make(chan struct{})}
	return c, s
}

func (c *conn) fail(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p, &c.rd, c.closed)
	return n, c.fail("read", err)
}

func (c *conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p, &c.wr, c.closed)
	return n, c.fail("write", err)
}

// CloseWrite ends the sending side; reading goes on.
func (c *conn) CloseWrite() error {
	c.out.finish(piece{end: true})
	return nil
}

func (c *conn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.out.finish(piece{end: true})
		c.in.closeRead()
		if c.onClose != nil {
			c.onClose()
		}
	})
	return nil
}

// abort closes the connection with a reset instead of an orderly end.
func (c *conn) abort() {
	c.out.finish(piece{reset: true})
	c.in.later(c.in.delay, func() { c.in.reset = true }) // what the other side writes from then on
	c.once.Do(func() {
		close(c.closed)
		if c.onClose != nil {
			c.onClose()
		}
	})
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

func (c *conn) SetDeadline(t time.Time) error {
	c.rd.set(t)
	c.wr.set(t)
	return nil
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.rd.set(t)
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.wr.set(t)
	return nil
}

// A deadline is a moment that can be moved while somebody waits for it. The
// zero value never comes.
type deadline struct {
	mu     sync.Mutex
	turn   int // counts the calls of set, so that a late timer knows that it is stale
	timer  *time.Timer
	passed chan struct{} // closed when the moment has come
	over   bool
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turn++
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if d.passed == nil || d.over {
		d.passed, d.over = make(chan struct{}), false
	}
	if t.IsZero() {
		return
	}
	left := time.Until(t)
	if left <= 0 {
		d.over = true
		close(d.passed)
		return
	}
	turn := d.turn
	d.timer = time.AfterFunc(left, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.turn == turn {
			d.over = true
			close(d.passed)
		}
	})
}

// wait gives a channel that is closed when the moment has come.
func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.passed == nil {
		d.passed = make(chan struct{})
	}
	return d.passed
}

func (d *deadline) expired() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.over
}
