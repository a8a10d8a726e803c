package gather_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"mxvet/internal/fakenet"
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

// The relay test is made only where the recipient is seen to be somebody else's:
// an address that could not be looked up might be one of the audited hosts.
func TestRelayRecipient(t *testing.T) {
	for _, c := range []struct{ name, zone, faults, want string }{
		{"somebody else's", "@ IN MX 10 mx", "", ""},
		{"by its own address", "@ IN A 203.0.113.8", "", ""},
		{"an address was not found out", "@ IN MX 10 mx", "{name: mx.example.net, type: AAAA, fault: servfail}", "could not be found out"},
		{"one of our addresses was not found out", "@ IN MX 10 mx", "{name: mx.example.com, type: AAAA, fault: servfail}", ""},
		{"no address was found out", "@ IN MX 10 mx", "{name: mx.example.net, fault: servfail}", "could not be found out"},
		{"whether there is an MX was not found out", "@ IN A 203.0.113.8", "{name: example.net, type: MX, fault: servfail}", "could not be found out"},
		{"takes no mail", "@ IN MX 0 .", "", "takes no mail"},
		{"its host has no address", "@ IN MX 10 gone", "", "takes no mail"},
		{"neither MX nor address", "@ IN TXT x", "", "takes no mail"},
		{"the same host", "@ IN MX 10 mx.example.com.", "", "the audited hosts themselves"},
		{"the same host, and another that was not found out", "@ IN MX 10 mx.example.com.\n@ IN MX 20 mx", "{name: mx.example.net, fault: servfail}", "the audited hosts themselves"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := "-- zone/example.com --\n@ IN MX 10 mx\n-- zone/example.net --\n" + c.zone + "\n-- hosts.yaml --\nhosts:\n" +
				"- {name: mx.example.com, addrs: [192.0.2.1], smtp: {}}\n- {name: mx.example.net, addrs: [203.0.113.8], smtp: {}}\n"
			if c.faults != "" {
				text += "-- dns.yaml --\nfaults:\n- " + c.faults + "\n"
			}
			world, err := fakenet.Parse([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				_, e, _ := audit(t, world, gather.Options{EHLO: "probe.example.org", RelayRcpt: "me@example.net"})
				if got := e.MX.Hosts[0].Addrs[0].RelayNotAsked; (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
					t.Errorf("got %q, want %q", got, c.want)
				}
				if lost := e.Relay.Lost != "" && e.Relay.NotAsked == e.MX.Hosts[0].Addrs[0].RelayNotAsked; lost != strings.Contains(c.want, "could not be found out") {
					t.Errorf("%q rests on a lookup that failed: %v (%s)", e.Relay.NotAsked, lost, e.Relay.Lost)
				}
			})
		})
	}
}
