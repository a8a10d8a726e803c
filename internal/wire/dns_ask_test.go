package wire

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

func TestDNSQueryAsSent(t *testing.T) {
	var seen []*dns.Msg
	n := &pipeNet{reply: func(_, _ string, q *dns.Msg) [][]byte {
		seen = append(seen, q)
		return packets(answer(q))
	}}
	l := newLive(t, LiveConfig{Resolvers: []string{"192.0.2.53"}, Dial: n.dial, AllowPrivate: true})
	for _, c := range []struct {
		q      Question
		rd, cd bool
		dialed string
	}{
		{Question{Name: "Example.COM.", Type: "mx"}, true, false, "udp 192.0.2.53:53"},
		{Question{Name: "example.com", Type: "MX", CD: true, TCP: true}, true, true, "tcp 192.0.2.53:53"},
		{Question{Name: "example.com", Type: "MX", Server: "198.51.100.1"}, false, false, "udp 198.51.100.1:53"},
		{Question{Name: "example.com", Type: "MX", Server: "[2001:db8::1]:5353", TCP: true}, false, false, "tcp [2001:db8::1]:5353"},
	} {
		a := l.DNS(t.Context(), c.q)
		if !a.OK() || a.From != strings.Replace(c.dialed, " ", ":", 1) {
			t.Errorf("%v: %+v", c.q.Ref(), a)
		}
		q := seen[len(seen)-1]
		opt := q.IsEdns0()
		if q.RecursionDesired != c.rd || q.CheckingDisabled != c.cd || opt == nil || opt.UDPSize() != 1232 || !opt.Do() {
			t.Errorf("%v went out as %v", c.q.Ref(), q)
		}
		if got := q.Question[0]; got.Name != "example.com." || got.Qtype != dns.TypeMX || got.Qclass != dns.ClassINET {
			t.Errorf("%v asked %v", c.q.Ref(), got)
		}
		if got := n.dials[len(n.dials)-1]; got != c.dialed {
			t.Errorf("%v dialed %s, want %s", c.q.Ref(), got, c.dialed)
		}
	}
	if got := l.Traffic(); got != (Traffic{Queries: 4, Connections: 2}) {
		t.Errorf("traffic %+v", got)
	}
}

func TestDNSQuestionsThatCannotBeAsked(t *testing.T) {
	l := newLive(t, LiveConfig{Resolvers: []string{"192.0.2.53"}, Dial: (&pipeNet{}).dial})
	for _, c := range []struct {
		q    Question
		kind string
	}{
		{Question{Name: strings.Repeat("a", 64) + ".example.com", Type: "A"}, FailProtocol},
		{Question{Name: strings.Repeat("abcdefg.", 40) + "example.com", Type: "A"}, FailProtocol},
		{Question{Name: "a..example.com", Type: "A"}, FailProtocol},
		{Question{Name: "example.com", Type: "NOSUCH"}, FailProtocol},
		{Question{Name: "example.com", Type: "TYPE99999"}, FailProtocol},
		{Question{Name: "example.com", Type: "A", Server: "ns.example.com"}, FailProtocol},
		{Question{Name: "example.com", Type: "A", Server: "127.0.0.1"}, FailForbidden},
		{Question{Name: "example.com", Type: "A", Server: "[::ffff:10.0.0.1]:53"}, FailForbidden},
		{Question{Name: "example.com", Type: "A", Server: "192.0.2.1:5353"}, FailForbidden},
	} {
		if a := l.DNS(t.Context(), c.q); a.Fail == nil || a.Fail.Kind != c.kind {
			t.Errorf("%s: %+v", c.q.Ref(), a)
		}
	}
}

// A name may hold any octet; the reply must be matched all the same.
func TestDNSOddNames(t *testing.T) {
	n := &pipeNet{reply: func(_, _ string, q *dns.Msg) [][]byte {
		return packets(answer(q, `a\032b\.c.example.com. 60 IN A 192.0.2.1`))
	}}
	l := newLive(t, LiveConfig{Resolvers: []string{"192.0.2.53"}, Dial: n.dial})
	if a := l.DNS(t.Context(), Question{Name: `A b\.c.example.com`, Type: "A"}); len(a.Addrs()) != 1 {
		t.Errorf("%+v", a)
	}
}

func TestDNSIgnoresStrangers(t *testing.T) {
	n := &pipeNet{reply: func(_, _ string, q *dns.Msg) [][]byte {
		right := answer(q, "example.com. 60 IN A 192.0.2.1")
		id, name, kind, notReply, two, opcode := right.Copy(), right.Copy(), right.Copy(), right.Copy(), right.Copy(), right.Copy()
		id.Id++
		name.Question[0].Name = "example.org."
		kind.Question[0].Qtype = dns.TypeAAAA
		notReply.Response = false
		two.Question = append(two.Question, two.Question[0])
		opcode.Opcode = dns.OpcodeNotify
		out := packets(id, name, kind, notReply, two, opcode)
		for i := range 200 { // a flood of guesses
			out = append(out, slices.Concat([]byte{byte(q.Id>>8) + 1, byte(i)}, out[0][2:]))
		}
		out = append(out, nil, []byte{1}, []byte("not DNS at all, yet long enough for a header"))
		malformed := packets(right)[0]
		out = append(out, malformed[:len(malformed)-20]) // right ID and question
		right.Question[0].Name = "EXAMPLE.com."
		return append(out, packets(right)...)
	}}
	l := newLive(t, LiveConfig{Resolvers: []string{"192.0.2.53"}, Dial: n.dial})
	a := l.DNS(t.Context(), Question{Name: "example.com", Type: "A"})
	if !slices.Equal(a.Answer, []string{"example.com.\t60\tIN\tA\t192.0.2.1"}) || a.Fail != nil {
		t.Errorf("%+v", a)
	}
	if l.Traffic().Queries != 1 {
		t.Errorf("%d queries", l.Traffic().Queries)
	}
}

func TestDNSFlood(t *testing.T) {
	n := &pipeNet{reply: func(_, _ string, q *dns.Msg) [][]byte {
		q.Id++
		return slices.Repeat(packets(answer(q)), 1000)
	}}
	l := newLive(t, LiveConfig{Resolvers: []string{"192.0.2.53"}, Dial: n.dial})
	if a := l.DNS(t.Context(), Question{Name: "example.com", Type: "A"}); a.Fail == nil || a.Fail.Kind != FailProtocol {
		t.Errorf("%+v", a)
	}
}

// Three resolvers, each with a habit: what comes out, and who was asked.
func TestDNSNextResolver(t *testing.T) {
	ede := &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeDNSBogus, ExtraText: "no key\nfor example.com"}
	habits := map[string]func(network string, q *dns.Msg) [][]byte{
		"good":     func(_ string, q *dns.Msg) [][]byte { return packets(answer(q, "example.com. 60 IN A 192.0.2.1")) },
		"silent":   func(string, *dns.Msg) [][]byte { return nil },
		"servfail": func(_ string, q *dns.Msg) [][]byte { return packets(failing(q, dns.RcodeServerFailure)) },
		"bogus":    func(_ string, q *dns.Msg) [][]byte { return packets(failing(q, dns.RcodeServerFailure, ede)) },
		"refused":  func(_ string, q *dns.Msg) [][]byte { return packets(failing(q, dns.RcodeRefused)) },
		"notauth":  func(_ string, q *dns.Msg) [][]byte { return packets(failing(q, dns.RcodeNotAuth)) },
		"nxdomain": func(_ string, q *dns.Msg) [][]byte { return packets(failing(q, dns.RcodeNameError)) },
		"cut": func(_ string, q *dns.Msg) [][]byte { // promises more than it sends
			raw := packets(answer(q, "example.com. 60 IN A 192.0.2.1"))[0]
			raw[7] = 4
			return [][]byte{raw}
		},
		"shifted": func(_ string, q *dns.Msg) [][]byte { // its OPT stands where an answer is promised
			raw := packets(answer(q))[0]
			raw[7] = 1
			return [][]byte{raw}
		},
		"bare": func(_ string, q *dns.Msg) [][]byte { // an error without the question
			m := failing(q, dns.RcodeRefused)
			m.Question = nil
			return packets(m)
		},
		"referral": func(_ string, q *dns.Msg) [][]byte {
			m := answer(q)
			m.RecursionAvailable = false
			m.Ns = answer(q, "com. 60 IN NS a.nic.example.").Answer
			return packets(m)
		},
		"old": func(_ string, q *dns.Msg) [][]byte { // knows no EDNS
			if q.IsEdns0() != nil {
				m := failing(q, dns.RcodeFormatError)
				m.Extra = nil
				return packets(m)
			}
			return packets(answer(q, "example.com. 60 IN A 192.0.2.1"))
		},
		"partial": func(network string, q *dns.Msg) [][]byte {
			if network == "tcp" {
				return nil
			}
			m := answer(q, "example.com. 60 IN A 192.0.2.9")
			m.Truncated = true
			return packets(m)
		},
		"no-tcp": func(network string, q *dns.Msg) [][]byte {
			if network == "tcp" {
				return nil
			}
			return packets(truncate(answer(q)))
		},
	}
	for _, c := range []struct {
		habits string
		rcode  string
		fail   string // kind
		asked  string
		took   time.Duration
	}{
		{"good", "NOERROR", "", "1", 0},
		{"nxdomain good", "NXDOMAIN", "", "1", 0},
		{"servfail good", "NOERROR", "", "12", 0},
		{"refused good", "NOERROR", "", "12", 0},
		{"notauth good", "NOERROR", "", "12", 0},
		{"referral good", "NOERROR", "", "12", 0},
		{"bare servfail good", "NOERROR", "", "123", 0},
		{"silent good", "NOERROR", "", "12", 2 * time.Second},
		{"cut good", "NOERROR", "", "12", 2 * time.Second},
		{"shifted good", "NOERROR", "", "12", 2 * time.Second},
		{"old", "NOERROR", "", "11", 0},
		{"servfail", "SERVFAIL", FailServfail, "1", 0},
		{"refused", "REFUSED", FailRefused, "1", 0},
		{"bare", "REFUSED", FailRefused, "1", 0},
		{"notauth", "NOTAUTH", FailRcode, "1", 0},
		{"referral", "NOERROR", FailProtocol, "1", 0},
		{"cut", "", FailProtocol, "111", 10 * time.Second},
		{"silent", "", FailTimeout, "111", 10 * time.Second}, // 2 s, 4 s, what is left of 10 s
		{"silent silent", "", FailTimeout, "121", 8 * time.Second},
		{"silent silent silent", "", FailTimeout, "123", 6 * time.Second},
		{"silent silent silent silent", "", FailTimeout, "1234", 8 * time.Second},
		{"silent bogus silent", "SERVFAIL", FailServfail, "123", 4 * time.Second},
		{"refused bogus servfail", "SERVFAIL", FailServfail, "123", 0},
		{"silent refused", "REFUSED", FailRefused, "121", 6 * time.Second},
		{"silent partial silent", "NOERROR", "", "1223", 8 * time.Second},
		{"no-tcp", "NOERROR", FailTimeout, "11", 4 * time.Second},
		{"no-tcp good", "NOERROR", "", "112", 4 * time.Second},
	} {
		t.Run(c.habits, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var resolvers []string
				var asked []byte
				names := strings.Fields(c.habits)
				for i := range names {
					resolvers = append(resolvers, "192.0.2."+string(byte('1'+i)))
				}
				n := &pipeNet{reply: func(network, address string, q *dns.Msg) [][]byte {
					which := address[len("192.0.2.")]
					asked = append(asked, which)
					return habits[names[which-'1']](network, q)
				}}
				l := newLive(t, LiveConfig{Resolvers: resolvers, Dial: n.dial})
				start := time.Now()
				a := l.DNS(t.Context(), Question{Name: "example.com", Type: "A"})
				if took := time.Since(start); took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
				n.replying.Lock()
				defer n.replying.Unlock()
				if string(asked) != c.asked {
					t.Errorf("asked %s, want %s", asked, c.asked)
				}
				kind := ""
				if a.Fail != nil {
					kind = a.Fail.Kind
				}
				if a.Rcode != c.rcode || kind != c.fail {
					t.Errorf("got %+v (%v)", a, a.Fail)
				}
				if (a.Rcode == "NOERROR" && c.fail == "") != (len(a.Answer) == 1) {
					t.Errorf("records %q", a.Answer)
				}
				if strings.Contains(c.habits, "bogus") && !slices.Equal(a.EDE, []string{"6 DNSSEC Bogus: no keyfor example.com"}) {
					t.Errorf("EDE %q", a.EDE)
				}
				if want := strings.Contains(c.habits, "partial") || c.habits == "no-tcp"; a.TCPFailed != want || a.Truncated != want {
					t.Errorf("truncated %v, TCP failed %v, want %v", a.Truncated, a.TCPFailed, want)
				}
				if a.TCPFailed && a.Missing("TXT") {
					t.Error("part of an answer proves absence")
				}
			})
		})
	}
}

// A silent first resolver costs its two seconds once, not for each question.
func TestDNSLeavesSilentResolver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &pipeNet{reply: func(_, address string, q *dns.Msg) [][]byte {
			if address == "192.0.2.1:53" {
				return nil
			}
			return packets(answer(q))
		}}
		l := newLive(t, LiveConfig{ResolvConf: []byte("nameserver 192.0.2.1\nnameserver 192.0.2.2\n"), Dial: n.dial})
		start := time.Now()
		for range 5 {
			if a := l.DNS(t.Context(), Question{Name: "example.com", Type: "A"}); !a.OK() {
				t.Fatalf("%+v", a)
			}
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestDNSContextEnds(t *testing.T) {
	for _, resolver := range []string{"192.0.2.53", "tcp:192.0.2.53"} {
		synctest.Test(t, func(t *testing.T) {
			n := &pipeNet{reply: func(string, string, *dns.Msg) [][]byte { return nil }}
			l := newLive(t, LiveConfig{Resolvers: []string{resolver}, Dial: n.dial})
			start := time.Now()
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(700*time.Millisecond, cancel)
			a := l.DNS(ctx, Question{Name: "example.com", Type: "A"})
			if a.Fail == nil || a.Fail.Kind != FailCanceled || time.Since(start) != 700*time.Millisecond {
				t.Errorf("%s: canceled: %+v after %v", resolver, a, time.Since(start))
			}
			a = l.DNS(ctx, Question{Name: "example.com", Type: "A"})
			if a.Fail == nil || a.Fail.Kind != FailCanceled || time.Since(start) != 700*time.Millisecond {
				t.Errorf("%s: canceled before: %+v after %v", resolver, a, time.Since(start))
			}
			ctx, cancel = context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			a = l.DNS(ctx, Question{Name: "example.com", Type: "A"})
			if a.Fail == nil || a.Fail.Kind != FailDeadline || time.Since(start) != 3700*time.Millisecond {
				t.Errorf("%s: deadline: %+v after %v", resolver, a, time.Since(start))
			}
		})
	}
}

// At most four queries at a time go to one authoritative server, and InFlight
// to all together; who waits can still be stopped.
func TestDNSInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out atomic.Int64
		release := make(chan struct{})
		n := &pipeNet{parallel: true, reply: func(_, _ string, q *dns.Msg) [][]byte {
			out.Add(1)
			<-release
			return packets(answer(q))
		}}
		l := newLive(t, LiveConfig{Resolvers: []string{"192.0.2.53"}, Dial: n.dial, AllowPrivate: true, InFlight: 6})
		ctx, cancel := context.WithCancel(t.Context())
		answers := make(chan Answer, 40)
		ask := func(server string) {
			for range 10 {
				go func() { answers <- l.DNS(ctx, Question{Name: "example.com", Type: "A", Server: server}) }()
			}
			synctest.Wait()
		}
		ask("192.0.2.1")
		if got := out.Load(); got != 4 {
			t.Errorf("%d queries at one server", got)
		}
		ask("192.0.2.2")
		ask("")
		if got := out.Load(); got != 6 {
			t.Errorf("%d queries in flight", got)
		}
		cancel()
		synctest.Wait()
		if len(answers) != 30 {
			t.Errorf("%d of 30 stopped", len(answers))
		}
		for len(answers) > 0 {
			if a := <-answers; a.Fail == nil || a.Fail.Kind != FailCanceled {
				t.Errorf("%+v", a)
			}
		}
		if len(l.gates) != 0 || len(l.inflight) != 0 {
			t.Errorf("left behind: %d gates, %d in flight", len(l.gates), len(l.inflight))
		}
		close(release)
		if a := l.DNS(t.Context(), Question{Name: "example.com", Type: "A", Server: "192.0.2.1"}); !a.OK() {
			t.Errorf("afterwards: %+v", a)
		}
	})
}
