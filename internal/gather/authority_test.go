package gather

import (
	"testing"

	"mxvet/internal/wire"
)

// That all servers fail is proven by their own failures alone, and only where
// direct questions are seen to get through.
func TestAllFail(t *testing.T) {
	answer := func(aa bool) wire.Answer { return wire.Answer{Rcode: "NOERROR", AA: aa} }
	failed := func(kind string) wire.Answer { return wire.Answer{Fail: &wire.Fail{Kind: kind}} }
	servers := func(answers ...wire.Answer) []ServerAnswer {
		var out []ServerAnswer
		for _, a := range answers {
			out = append(out, ServerAnswer{Answer: a})
		}
		return out
	}
	for _, c := range []struct {
		name        string
		a           Authority
		want, heard bool
	}{
		{"one server, silent", Authority{Asked: true, ParentAnswered: true, Servers: servers(failed(wire.FailTimeout))}, true, false},
		{"one server, lame", Authority{Asked: true, ParentAnswered: true, Servers: servers(answer(false))}, true, false},
		{"one server, well", Authority{Asked: true, ParentAnswered: true, Servers: servers(answer(true))}, false, true},
		{"one server denies the name", Authority{Asked: true, ParentAnswered: true, Servers: servers(wire.Answer{Rcode: "NXDOMAIN", AA: true})}, false, true},
		{"two, the second well", Authority{Asked: true, ParentAnswered: true, Servers: servers(failed(wire.FailServfail), answer(true))}, false, true},
		{"two, both fail", Authority{Asked: true, ParentAnswered: true, Servers: servers(failed(wire.FailServfail), failed(wire.FailRefused))}, true, false},
		{"no server", Authority{Asked: true, ParentAnswered: true}, false, false},
		{"no server has an address", Authority{Asked: true, ParentAnswered: true, Addressless: []string{"ns1"}}, true, false},
		{"an address could not be looked up", Authority{Asked: true, ParentAnswered: true, Addressless: []string{"ns1"}, Unresolved: []string{"ns2"}}, false, false},
		{"one fails, another's address could not be looked up", Authority{Asked: true, ParentAnswered: true, Servers: servers(failed(wire.FailTimeout)), Unresolved: []string{"ns2"}}, false, false},
		{"time ran out", Authority{Asked: true, ParentAnswered: true, Servers: servers(failed(wire.FailTimeout), failed(wire.FailDeadline))}, false, false},
		{"the parent is silent", Authority{Asked: true, Servers: servers(failed(wire.FailTimeout))}, false, false},
		{"not asked", Authority{ParentAnswered: true, Servers: servers(failed(wire.FailTimeout))}, false, false},
	} {
		if got := c.a.AllFail(); got != c.want || c.a.SomeAnswers() != c.heard {
			t.Errorf("%s: all fail %v, some answers %v", c.name, got, c.a.SomeAnswers())
		}
	}
}

// Validation fails only where the same question fails twice, and passes unchecked.
func TestBogus(t *testing.T) {
	ok := wire.Asked{Answer: wire.Answer{Rcode: "NOERROR"}}
	part := wire.Asked{Answer: wire.Answer{Rcode: "NOERROR", TCPFailed: true}}
	fails := func(kind string) wire.Asked { return wire.Asked{Answer: wire.Answer{Fail: &wire.Fail{Kind: kind}}} }
	for _, c := range []struct {
		name string
		a    Authority
		want bool
	}{
		{"fails twice, passes unchecked", Authority{Again: fails(wire.FailServfail), Unchecked: ok}, true},
		{"denied unchecked", Authority{Again: fails(wire.FailServfail), Unchecked: wire.Asked{Answer: wire.Answer{Rcode: "NXDOMAIN"}}}, true},
		{"fails unchecked", Authority{Again: fails(wire.FailServfail), Unchecked: fails(wire.FailServfail)}, false},
		{"passes the second time", Authority{Again: ok, Unchecked: ok}, false},
		{"silent the second time", Authority{Again: fails(wire.FailTimeout), Unchecked: ok}, false},
		{"part of an answer unchecked", Authority{Again: fails(wire.FailServfail), Unchecked: part}, false},
		{"not asked", Authority{}, false},
	} {
		if got := c.a.Bogus(); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
