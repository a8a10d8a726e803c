package wire

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// A socket serves one query at a time, so that a guessed reply must hit both
// its random port and the one ID that is outstanding there. It is renewed after
// so many queries or so long, whichever comes first.
const (
	socketQueries = 200
	socketAge     = 10 * time.Second
	socketsIdle   = 64  // kept between queries, per resolver
	maxStrangers  = 256 // replies that are not ours, after which a try is given up
	udpBuffer     = 4096
)

type socket struct {
	net.Conn
	opened  time.Time
	queries int
	out, in []byte
}

// sockets are the UDP sockets to one server.
type sockets struct {
	dial    DialFunc
	address string

	mu     sync.Mutex
	idle   []*socket
	closed bool
}

func (p *sockets) get(ctx context.Context) (*socket, error) {
	p.mu.Lock()
	for len(p.idle) > 0 {
		s := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if time.Since(s.opened) < socketAge {
			p.mu.Unlock()
			return s, nil
		}
		s.Close()
	}
	p.mu.Unlock()
	conn, err := p.dial(ctx, "udp", p.address)
	if err != nil {
		return nil, err
	}
	return &socket{Conn: conn, opened: time.Now(), in: make([]byte, udpBuffer)}, nil
}

func (p *sockets) put(s *socket) {
	p.mu.Lock()
	keep := !p.closed && s.queries < socketQueries && len(p.idle) < socketsIdle && time.Since(s.opened) < socketAge
	if keep {
		p.idle = append(p.idle, s)
	}
	p.mu.Unlock()
	if !keep {
		s.Close()
	}
}

func (p *sockets) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, s := range p.idle {
		s.Close()
	}
	p.idle = nil
}

// ask sends the query once and waits for its reply until then, or until the
// context ends. Other replies are ignored. A socket on which no reply came is
// not used again, so that a late one meets no later query.
func (p *sockets) ask(ctx context.Context, until time.Time, q *query) (*dns.Msg, error) {
	s, err := p.get(ctx)
	if err != nil {
		return nil, err
	}
	s.queries++
	s.SetDeadline(until)
	release := context.AfterFunc(ctx, func() { s.SetDeadline(time.Unix(1, 0)) })
	m, err := s.ask(q)
	if !release() || err != nil {
		s.Close()
	} else {
		p.put(s)
	}
	return m, err
}

func (s *socket) ask(q *query) (*dns.Msg, error) {
	id := uint16(rand.Uint32())
	s.out = q.withID(s.out[:0], id)
	if _, err := s.Write(s.out); err != nil {
		return nil, err
	}
	malformed := false
	for range maxStrangers {
		n, err := s.Read(s.in)
		if err != nil {
			if malformed {
				return nil, errMalformed
			}
			return nil, err
		}
		m, err := q.read(s.in[:n], id)
		if err == nil {
			return m, nil
		}
		malformed = malformed || err == errMalformed
	}
	return nil, fmt.Errorf("%w, %d times", errNotOurs, maxStrangers)
}
