package checks

import (
	"net/netip"
	"testing"

	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// What a name server did is told by what came, or by what did not.
func TestWhatServersDid(t *testing.T) {
	answer := func(rcode, kind, text string) wire.Answer {
		a := wire.Answer{Rcode: rcode}
		if kind != "" {
			a.Fail = &wire.Fail{Kind: kind, Text: text}
		}
		return a
	}
	for _, test := range []struct {
		answer wire.Answer
		lame   string
		proven bool
		fault  string
	}{
		{answer("NOERROR", "", ""), "the server answers without authority for the zone example.com, so resolvers do not take its answers", true, "answers without authority"},
		{answer("REFUSED", wire.FailRefused, "refused"), "the server does not answer for the zone example.com: REFUSED", true, wire.FailRefused},
		{answer("", wire.FailForbidden, "10.0.0.1 is a private address"), "10.0.0.1 is a private address", true, wire.FailForbidden},
		{answer("", wire.FailTimeout, "no reply within 3s"), "no answer came from the server: it is silent", false, "is silent"},
		{answer("", wire.FailDeadline, "no time left"), "no answer came from the server: it is silent", false, "is silent"},
		{answer("", wire.FailReset, "connection reset"), "no answer came from the server: connection reset", false, wire.FailReset},
	} {
		lame, proven := dnsLame(gather.Direct{SOA: wire.Asked{Ref: "a", Answer: test.answer}}, "example.com")
		if lame != test.lame || proven != test.proven {
			t.Errorf("%+v: %q, %v", test.answer, lame, proven)
		}
		s := gather.ServerAnswer{Name: "ns1.example.com", Addr: netip.MustParseAddr("192.0.2.10"), Answer: test.answer}
		if got, want := dnsServerFaults(gather.Authority{Servers: []gather.ServerAnswer{s}}), "ns1.example.com [192.0.2.10] "+test.fault; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A question that the audit's end cut short is no silence of the server's.
func TestCutShort(t *testing.T) {
	for _, test := range []struct {
		kind   string
		millis int
		want   bool
	}{
		{wire.FailDeadline, 1999, true},
		{wire.FailDeadline, 2000, false},
		{wire.FailTimeout, 10, false},
		{wire.FailNotOnTape, 0, true},
		{wire.FailCanceled, 3000, true},
		{wire.FailLimit, 3000, true},
		{wire.FailRefused, 0, false},
	} {
		if got := dnsCutShort(wire.Answer{Fail: &wire.Fail{Kind: test.kind}, Millis: test.millis}); got != test.want {
			t.Errorf("%s after %d ms: %v", test.kind, test.millis, got)
		}
	}
	if dnsCutShort(wire.Answer{}) {
		t.Error("an answer that came was cut short")
	}
}
