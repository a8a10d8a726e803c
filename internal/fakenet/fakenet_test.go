package fakenet

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// start parses a world and sets it going for one test.
func start(t *testing.T, text string) *Net {
	t.Helper()
	w, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	n := w.Start()
	t.Cleanup(n.Close)
	return n
}

func dial(t *testing.T, n *Net, network, address string) net.Conn {
	t.Helper()
	c, err := n.Dial(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// ask sends one question and reads one reply.
func ask(t *testing.T, n *Net, network, server, name, qtype string, change ...func(*dns.Msg)) (*dns.Msg, error) {
	t.Helper()
	c := &dns.Conn{Conn: dial(t, n, network, server), UDPSize: 4096}
	c.SetDeadline(time.Now().Add(5 * time.Second))
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(name), dns.StringToType[qtype])
	for _, f := range change {
		f(q)
	}
	if err := c.WriteMsg(q); err != nil {
		return nil, err
	}
	return c.ReadMsg()
}

// resolve asks the world's resolver, which must answer.
func resolve(t *testing.T, n *Net, name, qtype string, change ...func(*dns.Msg)) *dns.Msg {
	t.Helper()
	m, err := ask(t, n, "udp", n.Resolver(), name, qtype, change...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// data gives the records' data, one a line.
func data(rrs []dns.RR) string {
	var out []string
	for _, rr := range rrs {
		out = append(out, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	return strings.Join(out, "\n")
}

// A client is the plain side of a mail conversation.
type client struct {
	t *testing.T
	net.Conn
	rd *bufio.Reader
}

func newClient(t *testing.T, c net.Conn) *client {
	return &client{t, c, bufio.NewReader(c)}
}

// reply reads one reply, lines joined with LF.
func (c *client) reply() string {
	c.t.Helper()
	var lines []string
	for {
		line, err := c.rd.ReadString('\n')
		if err != nil {
			if len(lines) > 0 || line != "" {
				c.t.Fatalf("reply %q %q ends with %v", lines, line, err)
			}
			return err.Error()
		}
		line = strings.TrimRight(line, "\r\n")
		lines = append(lines, line)
		if len(line) < 4 || line[3] != '-' {
			return strings.Join(lines, "\n")
		}
	}
}

func (c *client) cmd(line string) string {
	c.t.Helper()
	if _, err := io.WriteString(c, line+"\r\n"); err != nil {
		return err.Error()
	}
	return c.reply()
}

// startTLS upgrades and gives the state of the connection; roots nil means that
// the certificate is not verified.
func (c *client) startTLS(cfg *tls.Config) (tls.ConnectionState, error) {
	c.t.Helper()
	if got := c.cmd("STARTTLS"); !strings.HasPrefix(got, "220") {
		c.t.Fatalf("STARTTLS: %s", got)
	}
	tc := tls.Client(c.Conn, cfg)
	if err := tc.Handshake(); err != nil {
		return tls.ConnectionState{}, err
	}
	c.Conn, c.rd = tc, bufio.NewReader(tc)
	return tc.ConnectionState(), nil
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(plain))
	f.Add([]byte(zones))
	f.Add([]byte(mailers))
	f.Add([]byte(certificates))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 10000 || strings.Contains(strings.ToUpper(string(text)), "GENERATE") {
			t.Skip("it only takes long")
		}
		w, err := Parse(text)
		if err != nil {
			return
		}
		n := w.Start()
		defer n.Close()
		for _, d := range append(w.Domains, "example.com", "x.invalid") {
			q := new(dns.Msg).SetQuestion(dns.Fqdn(d), dns.TypeMX)
			raw, err := q.Pack()
			if err != nil {
				continue
			}
			for _, s := range w.servers {
				n.answerDNS(s, "udp", raw)
			}
		}
	})
}
