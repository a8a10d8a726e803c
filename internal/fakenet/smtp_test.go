package fakenet

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"
)

const plain = `
-- zone/example.com --
@ IN MX 10 mx1
-- hosts.yaml --
hosts:
- name: mx1.example.com
  addrs: [192.0.2.1, "2001:db8::1"]
  smtp: {}
`

func TestSaneMX(t *testing.T) {
	n := start(t, plain)
	c := newClient(t, dial(t, n, "tcp", "[2001:db8::1]:25"))
	steps := []struct{ send, want string }{
		{"", "220 mx1.example.com ESMTP"},
		{"MAIL FROM:<>", "503 5.5.1 send HELO or EHLO first"},
		{"EHLO client.example.net", "250-mx1.example.com\n250-PIPELINING\n250-8BITMIME\n250-ENHANCEDSTATUSCODES\n250-SIZE 52428800\n250 STARTTLS"},
	}
	check := func(steps []struct{ send, want string }) {
		t.Helper()
		for _, s := range steps {
			got := ""
			if s.send == "" {
				got = c.reply()
			} else {
				got = c.cmd(s.send)
			}
			if got != s.want {
				t.Errorf("%q: %q, want %q", s.send, got, s.want)
			}
		}
	}
	check(steps)
	w := n.world
	state, err := c.startTLS(&tls.Config{ServerName: "mx1.example.com", RootCAs: n.CA(), Time: func() time.Time { return w.Now }})
	if err != nil {
		t.Fatal(err)
	}
	if state.Version != tls.VersionTLS13 || len(state.PeerCertificates) != 2 {
		t.Errorf("version %x, %d certificates", state.Version, len(state.PeerCertificates))
	}
	check([]struct{ send, want string }{
		{"EHLO client.example.net", "250-mx1.example.com\n250-PIPELINING\n250-8BITMIME\n250-ENHANCEDSTATUSCODES\n250 SIZE 52428800"},
		{"STARTTLS", "503 5.5.1 TLS is already active"},
		{"MAIL FROM:<>", "250 2.1.0 Ok"},
		{"RCPT TO:<postmaster@example.com>", "250 2.1.5 Ok"},
		{"RCPT TO:<Postmaster>", "250 2.1.5 Ok"},
		{"RCPT TO:<someone-else@example.com>", "550 5.1.1 no such user here"},
		{"RCPT TO:<user@example.net>", "550 5.7.1 relay access denied"},
		{"RCPT TO:<@example.com:user@example.net>", "550 5.7.1 relay access denied"},
		{"RCPT TO:<user%example.net@example.com>", "550 5.1.1 no such user here"},
		{"RCPT TO:<\"user@example.net\">", "501 5.1.3 bad recipient address syntax"},
		{"RCPT TO:<example.net!user>", "501 5.1.3 bad recipient address syntax"},
		{"RSET", "250 2.0.0 Ok"},
		{"RCPT TO:<postmaster@example.com>", "503 5.5.1 need MAIL command"},
		{"WIZ", "500 5.5.2 command not recognised"},
		{"QUIT", "221 2.0.0 Bye"},
	})
	if got := c.reply(); got != "EOF" {
		t.Errorf("after QUIT: %s", got)
	}
	if got := n.Conversations(); len(got) != 1 || got[0].SNI != "mx1.example.com" || got[0].Service != "smtp" || got[0].Count != 1 {
		t.Errorf("conversations %+v", got)
	}
	if got := n.Commands(); got["rcpt"] != 9 || got["ehlo"] != 2 || n.SawData() {
		t.Errorf("commands %v", got)
	}
}

func TestPipelining(t *testing.T) {
	n := start(t, plain)
	c := newClient(t, dial(t, n, "tcp", "192.0.2.1:25"))
	c.reply()
	c.Write([]byte("EHLO x.example\r\nMAIL FROM:<>\r\nRCPT TO:<abuse@example.com>\r\nDATA\r\n"))
	var codes []string
	for range 4 {
		codes = append(codes, c.reply()[:3])
	}
	if got := strings.Join(codes, " "); got != "250 250 250 354" {
		t.Error(got)
	}
	if !n.SawData() {
		t.Error("DATA was not counted")
	}
}
