package audit_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxvet/internal/audit"
	"mxvet/internal/fakenet"
	"mxvet/internal/wire"
	"mxvet/report"
)

// What a zone can hold to hurt its reader: each must end as a report in bounded
// time, with clear words and nothing raw in them.
func TestHostileZones(t *testing.T) {
	quoted := func(s string) string { // as TXT strings of at most 255 bytes
		var b strings.Builder
		for len(s) > 0 {
			n := min(len(s), 250)
			fmt.Fprintf(&b, "%q ", s[:n])
			s = s[n:]
		}
		return b.String()
	}
	var nested, selectors strings.Builder
	for i := range 100 {
		fmt.Fprintf(&nested, "i%d IN TXT \"v=spf1 include:i%d.example.com -all\"\n", i, i+1)
	}
	for i := range 50 {
		fmt.Fprintf(&selectors, "s%d, ", i)
	}
	for _, c := range []struct{ name, zone, options, rule string }{
		{"a TXT of nearly 64 KiB", "@ IN TXT " + quoted("v=spf1 "+strings.Repeat("ip4:192.0.2.1 ", 4400)+"-all"), "", "spf-redundant"},
		{"100 nested includes", "@ IN TXT \"v=spf1 include:i0.example.com -all\"\n" + nested.String(), "", "spf-lookup-limit"},
		{"an SPF loop", "@ IN TXT \"v=spf1 include:a.example.com -all\"\na IN TXT \"v=spf1 include:example.com -all\"", "", "spf-loop"},
		{"CNAMEs in a circle", "_dmarc IN CNAME x\nx IN CNAME _dmarc", "", ""},
		{"NUL and other bytes", `@ IN TXT "v=spf1 \000\255\027[31m <script>alert\(1\)</script> -all"`, "", "spf-syntax"},
		{"terminal escapes in DMARC", `_dmarc IN TXT "v=DMARC1; p=\027]0;owned\007reject; rua=mailto:a@example.com"`, "", "dmarc-policy-invalid"},
		{"fifty selectors", "@ IN MX 10 mx", "selectors: [" + strings.TrimSuffix(selectors.String(), ", ") + "]\n", "dkim-selector-missing"},
		{"a DKIM key of 16,384 bits", "s1._domainkey IN TXT " + quoted("v=DKIM1; p="+strings.Repeat("A", 2752)), "selectors: [s1]\n", "dkim-key-invalid"},
		{"a thousand mail hosts", manyHosts(1000), "", "mx-too-many"},
		{"a mail host of 300 addresses", "@ IN MX 10 mx\n" + manyAddresses(300), "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			world, err := fakenet.Parse([]byte("-- options --\ndomain: example.com\n" + c.options + "-- zone/example.com --\n" + c.zone + "\n"))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				rep, took := auditWorld(t, world)
				if took > 3*time.Minute {
					t.Errorf("took %v of virtual time", took)
				}
				found := c.rule == ""
				for _, f := range rep.Domains[0].Findings {
					found = found || f.Rule == c.rule
				}
				if !found {
					t.Errorf("%s did not fire", c.rule)
				}
				var text, html bytes.Buffer
				if err := report.Text(&text, rep, report.TextOptions{Width: 80, Wide: true}); err != nil {
					t.Fatal(err)
				}
				if err := report.HTML(&html, rep); err != nil {
					t.Fatal(err)
				}
				if i := strings.IndexFunc(text.String(), func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }); i >= 0 {
					t.Errorf("a control character reaches the terminal: %q", text.String()[max(0, i-30):i+10])
				}
				if strings.Contains(html.String(), "<script") {
					t.Error("markup from the DNS reaches the page")
				}
				if n := html.Len(); n > 1<<20 {
					t.Errorf("a page of %d bytes", n)
				}
			})
		})
	}
}

func manyHosts(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "@ IN MX %d mx%d\n", i, i)
	}
	return b.String()
}

func manyAddresses(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "mx IN A 198.18.%d.%d\n", i/256, i%256)
	}
	return b.String()
}

func auditWorld(t *testing.T, world *fakenet.World) (rep *report.Report, took time.Duration) {
	t.Helper()
	o, err := audit.WorldOptions(world.Options)
	if err != nil {
		t.Fatal(err)
	}
	online(t, world, o, func(src wire.Source) {
		job := audit.Job{Targets: audit.Targets(world.Domains, o), Tables: tables(), Now: time.Now}
		if err := job.Start(src, world.Now); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if rep, err = audit.Run(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		took = time.Since(began)
	})
	return rep, took
}
