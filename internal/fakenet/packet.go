package fakenet

import (
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// maxPackets bounds the datagrams that wait to be read; more are lost, as with
// a full socket buffer.
const maxPackets = 64

// A packetConn is a connected UDP socket: boundaries are kept, nothing is
// promised. It is a net.PacketConn too, since that is how DNS libraries tell
// UDP from TCP.
type packetConn struct {
	local, remote net.Addr
	delay         time.Duration                           // one way
	answer        func(p []byte, send func(reply []byte)) // the server; nil when nobody listens
	silent        bool                                    // nothing ever comes back, not even an error

	rd     deadline
	closed chan struct{}
	once   sync.Once

	mu      sync.Mutex
	flight  [][]byte // sent by the server, not yet here
	queue   [][]byte
	refused bool // the other side has said that nobody listens
	changed chan struct{}
}

func (c *packetConn) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Source: c.local, Addr: c.remote, Err: err}
}

func (c *packetConn) isClosed() bool {
	select {
	case <-c.closed:
		return true
	default:
		return false
	}
}

func after(d time.Duration, f func()) {
	if d <= 0 {
		f()
		return
	}
	time.AfterFunc(d, f)
}

// Write sends one datagram. The server runs when it arrives, without a
// goroutine that waits for it.
func (c *packetConn) Write(p []byte) (int, error) {
	if c.isClosed() {
		return 0, c.fail("write", net.ErrClosed)
	}
	if len(p) > 65507 {
		return 0, c.fail("write", syscall.EMSGSIZE)
	}
	packet := append([]byte{}, p...)
	switch {
	case c.silent:
	case c.answer == nil:
		after(2*c.delay, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.refused = true
			c.notify()
		})
	default:
		after(c.delay, func() {
			c.answer(packet, c.send)
		})
	}
	return len(p), nil
}

// send lets a reply travel. Those that are sent at one moment arrive in order.
func (c *packetConn) send(reply []byte) {
	c.mu.Lock()
	c.flight = append(c.flight, reply)
	c.mu.Unlock()
	after(c.delay, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.queue) < maxPackets && !c.isClosed() {
			c.queue = append(c.queue, c.flight[0])
		}
		c.flight = c.flight[1:]
		c.notify()
	})
}

func (c *packetConn) notify() {
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// Read gives one datagram; what does not fit into p is lost.
func (c *packetConn) Read(p []byte) (int, error) {
	for {
		if c.isClosed() {
			return 0, c.fail("read", net.ErrClosed)
		}
		if c.rd.expired() {
			return 0, c.fail("read", os.ErrDeadlineExceeded)
		}
		c.mu.Lock()
		if len(c.queue) > 0 {
			n := copy(p, c.queue[0])
			c.queue = c.queue[1:]
			c.mu.Unlock()
			return n, nil
		}
		if c.refused {
			c.refused = false
			c.mu.Unlock()
			return 0, c.fail("read", syscall.ECONNREFUSED)
		}
		if c.changed == nil {
			c.changed = make(chan struct{})
		}
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-c.closed:
		case <-c.rd.wait():
		}
	}
}

func (c *packetConn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, err := c.Read(p)
	return n, c.remote, err
}

func (c *packetConn) WriteTo(p []byte, _ net.Addr) (int, error) { return c.Write(p) }

func (c *packetConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

func (c *packetConn) LocalAddr() net.Addr  { return c.local }
func (c *packetConn) RemoteAddr() net.Addr { return c.remote }

func (c *packetConn) SetDeadline(t time.Time) error {
	c.rd.set(t)
	return nil
}

func (c *packetConn) SetReadDeadline(t time.Time) error {
	c.rd.set(t)
	return nil
}

func (c *packetConn) SetWriteDeadline(time.Time) error { return nil }
