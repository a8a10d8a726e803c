package audit_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"mxvet/internal/fakenet"
	"mxvet/report"
)

// What is proposed, in which order and how safe, where a record relies on others that
// are broken.
func TestFixesRelyOnNothingBroken(t *testing.T) {
	const policy = `_dmarc IN TXT "v=DMARC1; p=reject; rua=mailto:dmarc@example.com"` + "\n"
	const short512 = `s1._domainkey IN TXT "v=DKIM1; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAPGdvb0qxR/ORYC7KJ88YoPIyWMXi71zSy1E9hI2MpM33flUYEKSTNleVYLbDXxbhGcbZJ+WN5l+ccWuayVrA90CAwEAAQ=="` + "\n"
	const host = "- {name: mx.example.com, addrs: [192.0.2.25], smtp: {}}"
	for _, c := range []struct {
		name, zone, hosts string
		first             string // rule that the first fix names
		never             string // record text that no fix may hold, now or later
		safe              []string
	}{
		{name: "mx leads to no address", zone: "@ IN MX 10 gone\n@ IN TXT \"v=spf1 mx -all\"\n" + policy, first: "mx-no-address", never: "v=spf1 -all"},
		{name: "mx leads inside", zone: "@ IN MX 10 inside\ninside IN A 10.1.2.3\n@ IN TXT \"v=spf1 mx -all\"\n" + policy, first: "mx-special-address", never: "v=spf1 -all"},
		{name: "mx leads nowhere, and a slip beside it", zone: "@ IN MX 10 gone\n@ IN TXT \"v=spf1 mx ipv4:192.0.2.26 -all\"\n" + policy, never: "v=spf1 ip4:192.0.2.26 -all"},
		{name: "the mail host lacks its final dot", zone: "@ IN MX 10 mx.example.com\n@ IN TXT \"v=spf1 mx -all\"\n" + policy, hosts: host, first: "dns-final-dot", safe: []string{"final-dot"}},
		{name: "the host lacks it, and the SPF record its quotes", zone: "@ IN MX 10 mx.example.com\n@ IN TXT v=spf1 mx -all\n" + policy, hosts: host, safe: []string{"final-dot"}},
		{name: "one of two hosts lacks it", zone: "@ IN MX 10 mx\n@ IN MX 20 other.example.com\n@ IN TXT \"v=spf1 mx ~all\"\n" + policy, hosts: host + "\n- {name: other.example.com, addrs: [192.0.2.99], smtp: {}}", safe: []string{"final-dot"}},
		{name: "what touches no sender beside a broken SPF record", zone: "@ IN MX 10 mx\n@ IN TXT \"v=spf1 ip4:192.0.2.25 ~all ip4:203.0.113.9 ipv6:2001:db8::1\"\n@ IN TXT \"v=spf1 a ~all\"\n_dmarc IN TXT \"v=DMARC1; p=rejct; rua=mailto:dmarc@example.com\"\n", hosts: host, safe: []string{"tlsrpt-record", "dmarc-record"}},
		{name: "a host of two is gone", zone: "@ IN MX 10 mx\n@ IN MX 20 gone\n@ IN TXT \"v=spf1 mx ~all\"\n" + policy, hosts: host, never: "v=spf1 ~all"},
		{name: "typed without quotes", zone: "@ IN MX 10 mx\n@ IN TXT v=spf1 ip4:192.0.2.25 include:s.example.com ~all\ns IN TXT \"v=spf1 ip4:203.0.113.0/28 -all\"\n" + policy, hosts: host, never: `"v=spf1"` + "\n", safe: []string{"spf-record"}},
		{name: "an address in the MX record", zone: "@ IN MX 10 192.0.2.25.\n@ IN TXT \"v=spf1 ip4:192.0.2.25 ~all\"\n" + policy, never: "mx: 192.0.2.25"},
		{name: "a key that anybody can break", zone: "@ IN MX 10 mx\n@ IN TXT \"v=spf1 ip4:192.0.2.25 ~all\"\n" + policy + short512, hosts: host, first: "dkim-key-short"},
		{name: "anybody can register a name of a record that is void", zone: "@ IN MX 10 mx\n@ IN TXT \"v=spf1 mx include:spf.gone.test -all\"\n" + policy, hosts: host, first: "spf-unregistered", never: "include:spf.gone.test", safe: []string{"spf-record"}},
		{name: "p=none pays most", zone: "@ IN MX 10 mx\n@ IN TXT \"v=spf1 ip4:192.0.2.25 ~all\"\n_dmarc IN TXT \"v=DMARC1; p=none; np=reject; rua=mailto:dmarc@example.com\"\n", hosts: host, first: "tlsrpt-none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.hosts == "" {
				c.hosts = "- {name: other.example.com, addrs: [192.0.2.99], smtp: {}}"
			}
			options := "domain: example.com"
			if strings.Contains(c.zone, "s1._domainkey") {
				options += "\nselectors: [s1]"
			}
			world, err := fakenet.Parse([]byte("-- options --\n" + options + "\n-- zone/example.com --\n" + c.zone + "-- hosts.yaml --\nhosts:\n" + c.hosts + "\n"))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				d := proven(t, world)
				invariants(t, d)
				var safe []string
				for _, f := range d.Fixes {
					if f.Safety == report.SafeNow {
						safe = append(safe, f.ID)
					}
					var all []string
					for _, ch := range f.Changes {
						all = append(all, ch.New...)
					}
					for _, s := range f.Next {
						for _, ch := range s.Changes {
							all = append(all, ch.New...)
						}
					}
					for _, s := range f.Steps {
						all = append(all, s.Copy...)
					}
					if c.never != "" && strings.Contains(strings.Join(all, "\n")+"\n", c.never) {
						t.Errorf("%s says %q", f.ID, all)
					}
				}
				if c.first != "" && (len(d.Fixes) == 0 || !slices.Contains(d.Fixes[0].Rules, c.first)) {
					t.Errorf("first comes %+v", d.Fixes)
				}
				for _, id := range c.safe {
					if !slices.Contains(safe, id) {
						t.Errorf("%s is not safe: %v", id, safe)
					}
				}
				if c.safe == nil && slices.Contains(safe, "spf-record") {
					t.Errorf("the SPF record may be changed at once: %v", safe)
				}
			})
		})
	}
}

// A policy that a record of a name above says for the domain is mended there, with
// the tag that speaks for it, and no answer names another one.
func TestPolicyFromAbove(t *testing.T) {
	for record, want := range map[string]string{
		"p=reject; sp=none":     "set sp=quarantine there, without t=y (today it says sp=none)",
		"p=none":                "set sp=quarantine there, without t=y (today it has no sp, so p=none counts)",
		"p=quarantine; t=y":     "set sp=quarantine there, without t=y (today it has no sp, so p=quarantine counts, with t=y)",
		"p=reject; sp=none;t=y": "set sp=quarantine there, without t=y (today it says sp=none, with t=y)",
	} {
		world, err := fakenet.Parse([]byte("-- base --\nmodel\n-- options --\ndomain: news.example.com\n-- patch --\n" +
			"- _dmarc.example.com. TXT\n_dmarc.example.com. IN TXT \"v=DMARC1; " + record + "; rua=mailto:dmarc@example.com\"\n@ IN MX 10 mx1.example.com.\n@ IN TXT \"v=spf1 mx -all\"\n"))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			d := proven(t, world)
			i := slices.IndexFunc(d.Fixes, func(f report.Fix) bool { return slices.Contains(f.Rules, "dmarc-policy-none") })
			if i < 0 {
				t.Fatalf("%s: no fix: %+v", record, d.Fixes)
			}
			text := d.Fixes[i].Steps[0].Text
			if !strings.Contains(text, want) || !strings.Contains(text, "in the record at _dmarc.example.com:") || !strings.Contains(text, "at _dmarc.news.example.com.") {
				t.Errorf("%s: %s", record, text)
			}
			for _, a := range d.Answers {
				if strings.Contains(a.Text, "p=") {
					t.Errorf("%s: %s", record, a.Text)
				}
			}
			if d.Score.Cap == nil || strings.Contains(d.Score.Cap.Words, "p=") {
				t.Errorf("%s: cap %+v", record, d.Score.Cap)
			}
		})
	}
}
