package gather_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"mxvet/internal/gather"
	"mxvet/internal/smtp"
)

// Each address is asked about few recipients, controls first, and no more than
// decide where another address of the host was asked already.
func TestRelayRecipients(t *testing.T) {
	world := timedWorld(t, 2, `- {name: probe.example.net, addrs: [203.0.113.7]}
- {name: mx.example.net, addrs: [203.0.113.8], smtp: {}}`)
	synctest.Test(t, func(t *testing.T) {
		_, e, _ := audit(t, world, gather.Options{EHLO: "probe.example.net", RelayRcpt: "me@mx.example.net"})
		for _, h := range e.MX.Hosts {
			for _, a := range h.Addrs {
				var forms []string
				refused := 0
				for _, x := range a.Session.Exchanges {
					if x.Stage != smtp.StageRcpt {
						continue
					}
					forms = append(forms, x.Form)
					if x.Reply.Code/100 == 5 {
						refused++
					}
				}
				want := gather.MaxRecipients
				if a.IP.Is6() {
					want = gather.MaxRecipientsAgain
				}
				if len(forms) != want {
					t.Errorf("%s: %d recipients, want %d: %q", a.IP, len(forms), want, forms)
				}
				if refused >= 10 {
					t.Errorf("%s: %d refused recipients: servers begin to pause at ten", a.IP, refused)
				}
				asks := slices.IndexFunc(forms, func(f string) bool { return !strings.HasPrefix(f, "control-") })
				if forms[0] != gather.FormPostmaster || slices.ContainsFunc(forms[asks:], func(f string) bool { return strings.HasPrefix(f, "control-") }) {
					t.Errorf("%s: the controls do not come first: %q", a.IP, forms)
				}
			}
		}
	})
}
