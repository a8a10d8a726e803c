package gather_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"mxvet/internal/fakenet"
	"mxvet/internal/gather"
)

// Registered names are asked for only where no other answer proves that they
// exist, and what is missing below a registered name is not a free name.
func TestRegistrations(t *testing.T) {
	world, err := fakenet.Parse([]byte(`names of others, some of them free
-- options --
domain: example.com
selectors: [s1]
-- zone/example.com --
@ IN MX 10 mx
@ IN MX 20 mx.gone-mx.example.
@ IN TXT "v=spf1 include:spf.known.example include:missing.known.example a:gone-a.example a:out.gone-a.example a:mail.notld exists:%{i}.gone-macro.example -all"
_dmarc IN TXT "v=DMARC1; p=reject; rua=mailto:dmarc@gone-report.example"
s1._domainkey IN CNAME s1.gone-alias.example.
-- zone/known.example --
spf IN TXT "v=spf1 ip4:192.0.2.1 -all"
-- hosts.yaml --
hosts:
- {name: mx.example.com, addrs: [192.0.2.1], smtp: {}}
`))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		_, e, _ := audit(t, world, gather.Options{Selectors: []string{"s1"}})
		var free, asked []string
		for _, r := range e.Registrations {
			asked = append(asked, r.Name)
			if r.Unregistered() {
				free = append(free, r.Name+" "+r.Uses[0].Kind)
			}
		}
		want := "gone-a.example spf, gone-alias.example dkim, gone-mx.example mx, gone-report.example reports"
		if got := strings.Join(free, ", "); got != want {
			t.Errorf("free: %s\nwant: %s", got, want)
		}
		// The name servers' domain, the registered name with a gap, and the name
		// below no top-level domain.
		for _, name := range []string{"dns.test", "known.example", "mail.notld"} {
			if !slices.Contains(asked, name) {
				t.Errorf("%s was not asked for: %v", name, asked)
			}
		}
		if !slices.IsSorted(asked) || len(asked) != 7 {
			t.Errorf("asked %v", asked)
		}
		if txt := e.MX.Hosts[0].TXT; txt.Ref != "dns:TXT mx.example.com" || txt.Answer.Rcode != "NOERROR" {
			t.Errorf("TXT of the mail host: %+v", txt)
		}
	})
}

// Names beyond the bound are kept, and marked as not asked.
func TestRegistrationsBounded(t *testing.T) {
	var mx strings.Builder
	for i := range gather.MaxRegistrations + 2 {
		fmt.Fprintf(&mx, "@ IN MX 10 mx.d%02d.example.\n", i)
	}
	world, err := fakenet.Parse([]byte("more names of others than are asked\n-- options --\ndomain: example.com\n-- zone/example.com --\n" + mx.String()))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		_, e, _ := audit(t, world, gather.Options{NoSMTP: true})
		asked, left := 0, 0
		for _, r := range e.Registrations {
			switch {
			case r.Left && r.Ref == "" && !r.Unregistered():
				left++
			case !r.Left && r.Ref != "":
				asked++
			}
		}
		// Beside the mail hosts, the name servers' domain.
		if asked != gather.MaxRegistrations || left != 3 || len(e.Registrations) != asked+left {
			t.Errorf("%d asked and %d left out of %d", asked, left, len(e.Registrations))
		}
	})
}
