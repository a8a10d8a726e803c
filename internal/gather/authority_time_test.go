package gather_test

import (
	"testing"
	"testing/synctest"
	"time"

	"mxvet/internal/fakenet"
	"mxvet/internal/gather"
)

// Where port 53 is shut, an audit does not wait longer for name servers than it must
// to know that, however many of them there are.
func TestAuthorityTime(t *testing.T) {
	for _, c := range []struct {
		name, faults string
		most         time.Duration
	}{
		{"SERVFAIL for all texts", "- {zone: example.com, type: TXT, fault: servfail}", 3100 * time.Millisecond},
		{"SERVFAIL for everything", "- {zone: example.com, fault: servfail}", 3100 * time.Millisecond},
		{"SERVFAIL for a selector", "- {zone: s1._domainkey.example.com, fault: servfail}", 6200 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			world, err := fakenet.Parse([]byte("-- zone/example.com --\n@ IN MX 10 mx\n@ IN TXT \"v=spf1 mx -all\"\n" +
				"-- hosts.yaml --\nvantage: {blocked: [53]}\nhosts:\n- {name: mx.example.com, addrs: [192.0.2.1]}\n-- dns.yaml --\nfaults:\n" + c.faults + "\n"))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				took, e, _ := audit(t, world, gather.Options{NoSMTP: true, Selectors: []string{"s1"}})
				if !e.Authority.Asked || took > c.most {
					t.Errorf("took %v, at most %v was to be waited (asked: %v)", took, c.most, e.Authority.Asked)
				}
			})
		})
	}
}
