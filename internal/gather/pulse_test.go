package gather_test

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// A zone that never answers is asked for what stands at the domain and at fixed
// names, and for nothing that goes on from there; the reader learns how long was
// waited in all.
func TestDeadZoneIsNotAskedOn(t *testing.T) {
	for _, c := range []struct {
		name, faults string
		most         int
		took         time.Duration
		text         string
	}{
		{"every packet is dropped", "- {zone: example.com, at: resolver, fault: timeout}\n- {zone: example.com, at: ns1.example.com, fault: timeout}\n- {zone: example.com, at: ns2.example.com, fault: timeout}", 75, 20 * time.Second, "waited 10s in all"},
		{"every answer is a failure", "- {zone: example.com, fault: servfail}", 40, 7 * time.Second, "none of the 6 questions"},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := servers(t, "-- dns.yaml --\nfaults:\n"+c.faults+"\n")
			synctest.Test(t, func(t *testing.T) {
				took, e, net := audit(t, world, gather.Options{Subdomains: []string{"a.example.com", "b.example.com"}, Selectors: []string{"s1"}})
				asked := 0
				for q, count := range net.Queries() {
					if strings.HasSuffix(q.Name, "example.com.") && q.Server == netip.MustParseAddr("192.0.2.53") {
						asked += count
					}
					if strings.Contains(q.Name, "_domainkey") || strings.HasSuffix(q.Name, "a.example.com.") {
						t.Errorf("%s %v was asked", q.Name, q)
					}
				}
				if asked > c.most || took > c.took {
					t.Errorf("%d questions about the domain in %v", asked, took)
				}
				if len(e.DKIM.Selectors) < 10 || len(e.Subdomains) != 2 || e.Stray.TXT.Answer.Fail == nil {
					t.Fatalf("%d selectors, %d subdomains, stray %+v", len(e.DKIM.Selectors), len(e.Subdomains), e.Stray.TXT)
				}
				for _, s := range e.DKIM.Selectors {
					if f := s.Answer.Fail; f == nil || !strings.Contains(f.Text, c.text) {
						t.Errorf("%s: %v", s.Owner, f)
					}
				}
				if f := e.MX.Answer.Fail; f.Kind == wire.FailTimeout && !strings.HasSuffix(f.Text, "no reply within 10s") {
					t.Errorf("MX: %s", f)
				}
			})
		})
	}
}

// One answer, and be it that there is no such record, shows that the zone lives.
func TestOneAnswerIsEnough(t *testing.T) {
	world := servers(t, "-- dns.yaml --\nfaults:\n- {name: example.com, type: [A, MX, TXT, NS, SOA], fault: servfail}\n")
	synctest.Test(t, func(t *testing.T) {
		_, e, _ := audit(t, world, gather.Options{})
		if !e.DKIM.Base.Answer.OK() || !e.Stray.TXT.Answer.OK() {
			t.Errorf("the selectors were not asked for: %v", e.DKIM.Base.Answer.Fail)
		}
	})
}
