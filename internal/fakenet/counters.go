package fakenet

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// A visit is one TCP connection as the counters see it.
type visit struct {
	net  *Net
	kind string
	addr netip.AddrPort
	name string // SNI
	peak int    // connections open to this address at that moment
}

// visit counts a connection. Call it locked.
func (n *Net) visit(kind string, addr netip.AddrPort) *visit {
	n.open[addr]++
	v := &visit{net: n, kind: kind, addr: addr, peak: n.open[addr]}
	n.visits = append(n.visits, v)
	return v
}

func (v *visit) sni(name string) {
	v.net.mu.Lock()
	defer v.net.mu.Unlock()
	v.name = name
}

func (v *visit) open() int {
	v.net.mu.Lock()
	defer v.net.mu.Unlock()
	return v.net.open[v.addr]
}

// A Conversation counts the connections to one service under one server name.
type Conversation struct {
	Service string // smtp submission submissions https http dns dot doh
	Addr    netip.AddrPort
	SNI     string // "" without TLS, or without a name in it
	Count   int
	Peak    int // the most that were open at once to that address and port
}

// Conversations gives the TCP connections so far, sorted.
func (n *Net) Conversations() []Conversation {
	n.mu.Lock()
	defer n.mu.Unlock()
	byKey := map[Conversation]*Conversation{}
	for _, v := range n.visits {
		k := Conversation{Service: v.kind, Addr: v.addr, SNI: v.name}
		c := byKey[k]
		if c == nil {
			c = &Conversation{Service: v.kind, Addr: v.addr, SNI: v.name}
			byKey[k] = c
		}
		c.Count++
		c.Peak = max(c.Peak, v.peak)
	}
	var out []Conversation
	for _, c := range byKey {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b Conversation) int {
		return cmp.Or(strings.Compare(a.Service, b.Service), a.Addr.Compare(b.Addr), strings.Compare(a.SNI, b.SNI))
	})
	return out
}

// A Query is one DNS question that came in at one server.
type Query struct {
	Server netip.Addr
	Over   string // udp tcp dot doh
	Name   string // lower case, final dot
	Type   string
}

func (n *Net) countQuery(s *dnsServer, over, name string, qtype uint16) {
	t := dns.TypeToString[qtype]
	if t == "" {
		t = "TYPE" + strconv.Itoa(int(qtype))
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.queries[Query{s.addr, over, name, t}]++
}

// Queries gives the DNS questions so far and how often each came.
func (n *Net) Queries() map[Query]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.queries)
}

// QueryCount gives the number of DNS questions so far.
func (n *Net) QueryCount() int {
	sum := 0
	for _, k := range n.Queries() {
		sum += k
	}
	return sum
}

func (n *Net) countCommand(verb string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.commands) < 1000 {
		n.commands[verb]++
	}
}

// Commands gives the SMTP commands so far, by verb in lower case.
func (n *Net) Commands() map[string]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.commands)
}

// SawData reports whether anybody sent DATA or BDAT.
func (n *Net) SawData() bool {
	c := n.Commands()
	return c["data"]+c["bdat"] > 0
}

// takeTurn counts the use of a DNS fault and reports whether it is one of the
// first so many.
func (n *Net) takeTurn(fault, times int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.turns[fault]++
	return n.turns[fault] <= times
}
