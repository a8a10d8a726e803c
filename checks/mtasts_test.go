package checks

import (
	"net/netip"
	"testing"

	"mxvet/internal/gather"
	"mxvet/internal/mtasts"
	"mxvet/internal/wire"
)

const goodPolicy = "version: STSv1\r\nmode: enforce\r\nmx: mx.example.com\r\nmax_age: 604800\r\n"

// stsEvidence is a domain with a record, whose policy host gave these pages, one
// an address: the first is over IPv4, the second over IPv6, and so on.
func stsEvidence(pages ...wire.Page) *gather.Evidence {
	r := &mtasts.Result{Domain: "example.com", Host: "mta-sts.example.com"}
	r.TXT = wire.Asked{Name: "_mta-sts.example.com", Answer: wire.Answer{Rcode: "NOERROR"}}
	r.Records = []mtasts.Record{mtasts.Parse("v=STSv1; id=1;")}
	addrs := []string{"192.0.2.1", "2001:db8::1", "192.0.2.2"}
	for i, p := range pages {
		f := mtasts.Fetched{Addr: netip.MustParseAddr(addrs[i]), Page: p}
		if p.Fail == nil && p.Status == 200 {
			f.Policy = new(mtasts.ParsePolicy(p.Body))
		}
		r.Pages = append(r.Pages, f)
	}
	return &gather.Evidence{Domain: "example.com", Role: gather.Role{Name: gather.Full}, MTASTS: r}
}

func ruleOf(t *testing.T, rules []Rule, id string) Rule {
	t.Helper()
	for _, r := range rules {
		if r.ID == id {
			return r
		}
	}
	t.Fatalf("no rule %s", id)
	return Rule{}
}

// What a failed fetch proves, for kinds of failure that a world cannot bring
// about or not in this combination.
func TestFetchFailures(t *testing.T) {
	good := wire.Page{Status: 200, ContentType: "text/plain", Body: []byte(goodPolicy), TLS: &wire.TLS{}}
	failed := func(kind string) wire.Page { return wire.Page{Fail: &wire.Fail{Kind: kind}} }
	inHandshake := failed(wire.FailTimeout)
	inHandshake.TLS = &wire.TLS{Error: "context deadline exceeded"}
	tests := []struct {
		name   string
		pages  []wire.Page
		proven bool // IPv6, by a mail server
		want   []Status
	}{
		{"reset", []wire.Page{failed(wire.FailReset)}, false, []Status{Fail}},
		{"not HTTP", []wire.Page{failed(wire.FailProtocol)}, false, []Status{Fail}},
		{"out of time", []wire.Page{failed(wire.FailDeadline)}, false, []Status{Unknown}},
		{"guarded address", []wire.Page{failed(wire.FailForbidden)}, false, []Status{Unknown}},
		{"not on the tape", []wire.Page{failed(wire.FailNotOnTape)}, false, []Status{Unknown}},
		{"offline", []wire.Page{failed(wire.FailOffline)}, false, []Status{NotAsked}},
		{"handshake out of time", []wire.Page{inHandshake}, false, []Status{Unknown}},
		{"no IPv6", []wire.Page{good, failed(wire.FailUnreachable)}, false, []Status{Pass, NotAsked}},
		{"IPv6 works from here", []wire.Page{good, failed(wire.FailTimeout)}, true, []Status{Pass, Fail}},
		{"IPv6 works, HTTPS may not", []wire.Page{failed(wire.FailTimeout), failed(wire.FailTimeout)}, true, []Status{Unknown, Unknown}},
		{"one of two over IPv4", []wire.Page{good, failed(wire.FailTimeout), failed(wire.FailTimeout)}, false, []Status{Pass, NotAsked, Fail}},
		{"IPv4 says no, IPv6 nothing", []wire.Page{{Status: 404, TLS: &wire.TLS{}}, failed(wire.FailUnreachable)}, false, []Status{Fail, Unknown}},
	}
	for _, tt := range tests {
		e := stsEvidence(tt.pages...)
		e.Vantage.IPv6.Proven = tt.proven
		got := judgeFetch(e)
		for i, want := range tt.want {
			if got[i].Status != want {
				t.Errorf("%s: %s is %s (%s), want %s", tt.name, got[i].Subject, got[i].Status, got[i].Message, want)
			}
		}
	}
}

func TestSlowPolicy(t *testing.T) {
	for millis, want := range map[int]Status{60_000: Pass, 60_001: Fail} {
		e := stsEvidence(wire.Page{Status: 200, Body: []byte(goodPolicy), Millis: millis})
		if got := ruleOf(t, mtastsRules(), "mtasts-size").apply(e); got.Status != want {
			t.Errorf("%d ms: %s, want %s", millis, got.Status, want)
		}
	}
}

// A truncated answer whose rest never came proves nothing, neither that a record
// is missing nor that there is one only.
func TestPartOfAnAnswer(t *testing.T) {
	e := stsEvidence()
	e.MTASTS.TXT.Answer.TCPFailed = true
	for _, id := range []string{"mtasts-none", "mtasts-record-multiple", "mtasts-record-invalid", "mtasts-fetch"} {
		if got := ruleOf(t, mtastsRules(), id).apply(e); got.Status != Unknown {
			t.Errorf("%s: %s, want unknown", id, got.Status)
		}
	}
}

// A user who says that a domain takes mail is believed, but a null MX names no
// host that a policy could protect.
func TestStatedRoleWithNullMX(t *testing.T) {
	e := stsEvidence(wire.Page{Status: 200, Body: []byte(goodPolicy)})
	e.MX.Answer, e.MX.Null = wire.Answer{Rcode: "NOERROR", Answer: []string{"example.com.\t60\tIN\tMX\t0 ."}}, true
	if got := ruleOf(t, mtastsRules(), "mtasts-mx-mismatch").apply(e); got.Status != NotApplicable {
		t.Errorf("mtasts-mx-mismatch: %s, want not-applicable", got.Status)
	}
	e.MTASTS = &mtasts.Result{TXT: wire.Asked{Answer: wire.Answer{Rcode: "NXDOMAIN"}}}
	if got := ruleOf(t, mtastsRules(), "mtasts-none").apply(e); got.Status != NotApplicable {
		t.Errorf("mtasts-none: %s, want not-applicable", got.Status)
	}
}
