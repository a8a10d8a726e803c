package wire

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// newLive gives a Live that closes with the test.
func newLive(t testing.TB, c LiveConfig) *Live {
	t.Helper()
	l, err := NewLive(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// A pipeNet is a network of in-memory DNS servers. reply gives the packets that
// a server sends after a query, none for silence. Calls come one at a time,
// under replying, unless parallel is set.
type pipeNet struct {
	reply    func(network, address string, q *dns.Msg) [][]byte
	parallel bool
	replying sync.Mutex

	mu    sync.Mutex
	dials []string // "udp 192.0.2.53:53", in order
}

func (n *pipeNet) dial(_ context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	n.dials = append(n.dials, network+" "+address)
	n.mu.Unlock()
	ours, theirs := net.Pipe()
	go n.serve(theirs, network, address)
	return ours, nil
}

func (n *pipeNet) dialed() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.dials)
}

func (n *pipeNet) serve(c net.Conn, network, address string) {
	defer c.Close()
	buf := make([]byte, dns.MaxMsgSize)
	for {
		var size int
		var err error
		if network == "udp" {
			size, err = c.Read(buf)
		} else if _, err = io.ReadFull(c, buf[:2]); err == nil {
			size = int(binary.BigEndian.Uint16(buf))
			_, err = io.ReadFull(c, buf[:size])
		}
		if err != nil {
			return
		}
		q := new(dns.Msg)
		if err := q.Unpack(buf[:size]); err != nil {
			panic(err)
		}
		if !n.parallel {
			n.replying.Lock()
		}
		out := n.reply(network, address, q)
		if !n.parallel {
			n.replying.Unlock()
		}
		for _, raw := range out {
			if network != "udp" {
				raw = append(binary.BigEndian.AppendUint16(nil, uint16(len(raw))), raw...)
			}
			if _, err := c.Write(raw); err != nil {
				return
			}
		}
	}
}

// answer makes a reply with these records.
func answer(q *dns.Msg, records ...string) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable = true
	for _, s := range records {
		rr, err := dns.NewRR(s)
		if err != nil {
			panic(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	if opt := q.IsEdns0(); opt != nil {
		m.SetEdns0(1232, opt.Do())
	}
	return m
}

func failing(q *dns.Msg, rcode int, ede ...dns.EDNS0) *dns.Msg {
	m := answer(q)
	m.Rcode = rcode
	if opt := m.IsEdns0(); opt != nil {
		opt.Option = append(opt.Option, ede...)
	}
	return m
}

func packets(ms ...*dns.Msg) [][]byte {
	var out [][]byte
	for _, m := range ms {
		raw, err := m.Pack()
		if err != nil {
			panic(err)
		}
		out = append(out, raw)
	}
	return out
}

// truncate makes of m what a server sends over UDP when m does not fit.
func truncate(m *dns.Msg) *dns.Msg {
	m = m.Copy()
	m.Truncated, m.Answer = true, nil
	return m
}

// manyTXT gives n long TXT records of name.
func manyTXT(name string, n int) []string {
	var out []string
	for i := range n {
		out = append(out, name+" 300 IN TXT \"verification="+strconv.Itoa(10000+i)+"-0123456789012345678901234567890123456789\"")
	}
	return out
}
