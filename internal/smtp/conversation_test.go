package smtp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A peer is the server's end of a scripted conversation.
type peer struct {
	net.Conn
	r *bufio.Reader
}

func (p *peer) say(lines ...string) {
	_, _ = p.Write([]byte(strings.Join(lines, "\r\n") + "\r\n"))
}

func (p *peer) hear() string {
	line, err := p.r.ReadString('\n')
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(line, "\r\n")
}

// follow answers each command by its first word, or by the whole of it, and
// closes where there is no answer.
func (p *peer) follow(answers map[string]string) {
	for {
		command := p.hear()
		word, _, _ := strings.Cut(command, " ")
		answer, ok := answers[command]
		if !ok {
			answer, ok = answers[word]
		}
		if !ok {
			return
		}
		p.say(answer)
	}
}

var (
	both    = Envelopes{{"control", "", "postmaster@example.com"}, {"null-sender", "", "test@example.org"}}
	polite  = Timeouts{Greeting: 30 * time.Second, Command: 15 * time.Second, Handshake: 10 * time.Second, Envelopes: 20 * time.Second, Total: time.Minute}
	trivial = func(_ context.Context, c net.Conn) (net.Conn, error) { return c, nil }
	config  = Config{EHLO: "probe.example.net", Upgrade: trivial, Envelopes: both, Timeouts: polite}
)

// converse runs the client against a script in virtual time.
func converse(t *testing.T, c Config, script func(*peer)) (Result, time.Duration) {
	t.Helper()
	client, server := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer server.Close()
		script(&peer{server, bufio.NewReader(server)})
	}()
	began := time.Now()
	r := Run(t.Context(), client, c)
	took := time.Since(began)
	<-done
	return r, took
}

// transcript writes exchanges as "stage:code", or "stage:-" without a reply.
func transcript(exchanges []Exchange) string {
	var out []string
	for _, e := range exchanges {
		code := "-"
		if e.Reply != nil {
			code = fmt.Sprint(e.Reply.Code)
		}
		out = append(out, e.Stage+":"+code)
	}
	return strings.Join(out, " ")
}

const ehlo = "250-mx.example.com at your service\r\n250-STARTTLS\r\n250-PIPELINING\r\n250 SIZE 1000"

func TestConversations(t *testing.T) {
	good := map[string]string{
		"EHLO": ehlo, "STARTTLS": "220 go", "MAIL": "250 ok", "RCPT": "550 5.7.1 no", "RSET": "250 ok",
	}
	with := func(changes ...string) map[string]string {
		m := map[string]string{}
		maps.Copy(m, good)
		for i := 0; i < len(changes); i += 2 {
			if changes[i+1] == "" {
				delete(m, changes[i])
			} else {
				m[changes[i]] = changes[i+1]
			}
		}
		return m
	}
	const group = " mail:250 rcpt:550 rset:250 mail:250 rcpt:550 rset:250"
	for _, test := range []struct {
		name    string
		banner  string
		answers map[string]string
		want    string
		err     error
	}{
		{"whole", "220 mx.example.com ESMTP", good, "banner:220 ehlo:250 starttls:220 tls:- ehlo-tls:250" + group + " quit:-", nil},
		{"banner of several lines", "220-mx.example.com\r\n220-no spam\r\n220 please", good, "banner:220 ehlo:250 starttls:220 tls:- ehlo-tls:250" + group + " quit:-", nil},
		{"banner refuses", "554 5.7.1 no service", good, "banner:554 quit:-", ErrRefused},
		{"banner is another 2xx", "250 hello", good, "banner:250 quit:-", ErrRefused},
		{"421 as banner", "421 4.3.2 too busy", good, "banner:421", ErrRefused},
		{"421 to EHLO", "220 x", with("EHLO", "421 later"), "banner:220 ehlo:421", ErrRefused},
		{"421 to STARTTLS", "220 x", with("STARTTLS", "421 later"), "banner:220 ehlo:250 starttls:421", ErrRefused},
		{"421 to a recipient", "220 x", with("RCPT", "421 4.7.0 enough"), "banner:220 ehlo:250 starttls:220 tls:- ehlo-tls:250 mail:250 rcpt:421 rset:- mail:- rcpt:- rset:-", ErrRefused},
		{"HELO", "220 x", with("EHLO", "502 unknown", "HELO", "250 mx.example.com"), "banner:220 ehlo:502 helo:250" + group + " quit:-", nil},
		{"no HELO either", "220 x", with("EHLO", "500 unknown", "HELO", "550 no"), "banner:220 ehlo:500 helo:550 quit:-", ErrRefused},
		{"EHLO refused for policy", "220 x", with("EHLO", "550 5.7.1 you?"), "banner:220 ehlo:550 quit:-", ErrRefused},
		{"no STARTTLS offered", "220 x", with("EHLO", "250 mx.example.com"), "banner:220 ehlo:250" + group + " quit:-", nil},
		{"STARTTLS refused", "220 x", with("STARTTLS", "454 4.7.0 not now"), "banner:220 ehlo:250 starttls:454" + group + " quit:-", nil},
		{"sender refused, one by one", "220 x", with("EHLO", "250 mx.example.com", "MAIL", "451 later"), "banner:220 ehlo:250 mail:451 mail:451 quit:-", nil},
		{"sender refused, grouped", "220 x", with("MAIL", "451 later", "RCPT", "503 no sender"), "banner:220 ehlo:250 starttls:220 tls:- ehlo-tls:250 mail:451 rcpt:503 rset:250 mail:451 rcpt:503 rset:250 quit:-", nil},
		{"closed at EHLO", "220 x", with("EHLO", ""), "banner:220 ehlo:-", errAny},
		{"closed among the envelopes", "220 x", with("RSET", ""), "banner:220 ehlo:250 starttls:220 tls:- ehlo-tls:250 mail:250 rcpt:550 rset:- mail:- rcpt:- rset:-", errAny},
		{"not a mail server", "SSH-2.0-OpenSSH_9.9", good, "banner:-", ErrProtocol},
		{"binary", "\x16\x03\x01\x00\xff", good, "banner:-", ErrProtocol},
		{"malformed separator", "220+mx.example.com", good, "banner:-", ErrProtocol},
		{"code out of range", "120 wait", good, "banner:-", ErrProtocol},
		{"code alone", "220", good, "banner:220 ehlo:250 starttls:220 tls:- ehlo-tls:250" + group + " quit:-", nil},
		{"endless banner", strings.Repeat("220-x\r\n", MaxLines) + "220 x", good, "banner:-", ErrLimit},
		{"longest banner", strings.Repeat("220-x\r\n", MaxLines-1) + "220 x", good, "banner:220 ehlo:250 starttls:220 tls:- ehlo-tls:250" + group + " quit:-", nil},
		{"too many bytes", "220-" + strings.Repeat("x", MaxBytes), good, "banner:-", ErrLimit},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, took := converse(t, config, func(p *peer) {
					p.say(test.banner)
					p.follow(test.answers)
				})
				if got := transcript(r.Exchanges); got != test.want {
					t.Errorf("transcript\n%s, want\n%s", got, test.want)
				}
				switch {
				case test.err == errAny && (r.Err == nil || errors.Is(r.Err, ErrRefused)),
					test.err != errAny && !errors.Is(r.Err, test.err):
					t.Errorf("error %v, want %v", r.Err, test.err)
				}
				if took != 0 {
					t.Errorf("waited %v for a server that answers at once", took)
				}
			})
		})
	}
}

var errAny = errors.New("any error of the connection")

// The default group leaves in one piece, and a server may answer all of it in
// one piece too.
func TestGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var group []string
		r, _ := converse(t, config, func(p *peer) {
			p.say("220 x")
			for _, answer := range []string{ehlo, "220 go", ehlo} {
				p.hear()
				p.say(answer)
			}
			buf := make([]byte, 4096)
			n, _ := p.Read(buf)
			group = strings.Split(strings.TrimSuffix(string(buf[:n]), "\r\n"), "\r\n")
			p.say("250 a", "250 b", "250 c", "250 d", "550-e", "550 e", "250 f")
			p.hear()
		})
		want := []string{
			"MAIL FROM:<>", "RCPT TO:<postmaster@example.com>", "RSET", "MAIL FROM:<>", "RCPT TO:<test@example.org>", "RSET",
		}
		if !slices.Equal(group, want) {
			t.Errorf("sent %q, want %q", group, want)
		}
		if e := r.Exchanges[9]; e.Stage != StageRcpt || e.Form != "null-sender" || e.Reply.Code != 550 || len(e.Reply.Lines) != 2 {
			t.Errorf("fifth reply of the group is at %+v", e)
		}
		if r.Err != nil {
			t.Error(r.Err)
		}
	})
}

// A server that did not offer PIPELINING sees the next command only after its
// reply to the one before.
func TestNoGroupWithoutPipelining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := converse(t, config, func(p *peer) {
			p.say("220 x")
			p.hear()
			p.say("250 mx.example.com")
			for range 6 {
				p.hear()
				synctest.Wait()
				if n := p.r.Buffered(); n != 0 {
					t.Errorf("%d bytes beyond one command", n)
				}
				p.say("250 ok")
			}
			p.hear()
		})
		if r.Err != nil {
			t.Error(r.Err)
		}
	})
}

func TestOddities(t *testing.T) {
	long := "220 " + strings.Repeat("x", 2*MaxLine)
	for _, test := range []struct {
		name, sent string
		text       string
		notes      []string
		raw        string
	}{
		{"plain", "220 hello\r\n", "hello", nil, ""},
		{"bare LF", "220-a\n220 b\n", "a b", []string{NoteBareLF}, ""},
		{"long line", long + "\r\n", strings.Repeat("x", MaxLine-4), []string{NoteCut}, ""},
		{"codes differ", "250-a\r\n220 b\r\n", "a b", []string{NoteMixedCodes}, ""},
		{"unasked", "220 a\r\n250 hello\r\n", "a", []string{NoteUnasked}, "250 hello\r"},
		{"not UTF-8", "220 caf\xe9 \u00e9\r\n", "caf\\xe9 \u00e9", nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := converse(t, config, func(p *peer) {
					_, _ = p.Write([]byte(test.sent))
					p.hear()
					p.say("421 enough")
				})
				e := r.Exchanges[0]
				if e.Reply == nil || e.Reply.Code != 220 || e.Reply.Text() != test.text || !slices.Equal(e.Notes, test.notes) || e.Raw != test.raw {
					t.Errorf("got %+v %+v", e, e.Reply)
				}
			})
		})
	}
}

// What follows the 220 in clear text must not be answered, and must not be read
// as if it had come inside TLS.
func TestPlaintextInjection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := converse(t, config, func(p *peer) {
			p.say("220 x")
			p.hear()
			p.say(ehlo)
			p.hear()
			p.say("220 go", "250-evil.example.com", "250 AUTH PLAIN")
			p.hear()
			p.say("250 mx.example.com")
			p.follow(map[string]string{"MAIL": "250 ok", "RCPT": "250 ok", "RSET": "250 ok"})
		})
		e := Find(r.Exchanges, StageSTARTTLS)
		if !slices.Contains(e.Notes, NoteUnasked) || !strings.Contains(e.Raw, "AUTH PLAIN") {
			t.Errorf("no evidence of the injected reply: %+v", e)
		}
		if f := Offered(r.Exchanges, StageEHLOTLS); f == nil || f.Host != "mx.example.com" || len(f.Auth) != 0 {
			t.Errorf("the injected reply was believed: %+v", f)
		}
	})
}

func TestHandshakeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config
		broken := errors.New("no common version")
		c.Upgrade = func(context.Context, net.Conn) (net.Conn, error) { return nil, broken }
		r, took := converse(t, c, func(p *peer) {
			p.say("220 x")
			p.follow(map[string]string{"EHLO": ehlo, "STARTTLS": "220 go"})
		})
		if got := transcript(r.Exchanges); got != "banner:220 ehlo:250 starttls:220 tls:-" || took != 0 {
			t.Errorf("%s after %v", got, took)
		}
		if !errors.Is(r.Err, ErrTLS) || !errors.Is(r.Err, broken) {
			t.Errorf("error %v", r.Err)
		}
	})
}

// Secure means that TLS came first, as on port 465.
func TestSecure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config
		c.Secure, c.Upgrade, c.Envelopes = true, nil, nil
		r, _ := converse(t, c, func(p *peer) {
			p.say("220 x")
			p.follow(map[string]string{"EHLO": ehlo})
		})
		if got := transcript(r.Exchanges); got != "banner:220 ehlo-tls:250 quit:-" {
			t.Error(got)
		}
	})
}

// A name or path with a line end would be a command of its own.
func TestNoCommandInsideAName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config
		c.Envelopes = Envelopes{{"bad", "", "a@example.com>\r\nVRFY <b"}, {"long", "", strings.Repeat("a", 600)}, {"good", "", "c@example.com"}}
		var heard []string
		script := func(p *peer) {
			p.say("220 x")
			for {
				command := p.hear()
				if command == "" {
					return
				}
				heard = append(heard, command)
				p.say("250 mx.example.com")
			}
		}
		converse(t, c, script)
		if want := []string{"EHLO probe.example.net", "MAIL FROM:<>", "RCPT TO:<c@example.com>", "RSET", "QUIT"}; !slices.Equal(heard, want) {
			t.Errorf("sent %q", heard)
		}
		heard, c.EHLO = nil, "a\r\nVRFY b"
		if r, _ := converse(t, c, script); !errors.Is(r.Err, ErrCommand) || !slices.Equal(heard, []string{"QUIT"}) {
			t.Errorf("sent %q, %v", heard, r.Err)
		}
	})
}

// A probe never begins a message. The word does not occur in the package.
func TestNoMessageIsEverSent(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no source found", err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{`"DATA`, `"BDAT`, "DATA\\r", "BDAT\\r"} {
			if strings.Contains(string(text), word) {
				t.Errorf("%s holds %s", f, word)
			}
		}
	}
}

func (faultyConn) Write([]byte) (int, error) { panic("a fault of ours") }
