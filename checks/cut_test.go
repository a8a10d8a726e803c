package checks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mxvet/checks"
	"mxvet/internal/fakenet"
	"mxvet/internal/fix"
)

// What a bound of ours cut off is unknown: it is neither missing nor in order.
func TestCut(t *testing.T) {
	const rest = "@ IN MX 10 mx\n"
	var nets strings.Builder
	for i := range 2500 {
		fmt.Fprintf(&nets, " \"ip4:198.18.%d.%d \"", i/250, i%250)
	}
	list := func(n int, between, item string) string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprintf(item, i))
		}
		return strings.Join(out, between)
	}
	for _, c := range []struct{ name, zone, options, unknown, pass, want, said, alone string }{
		{
			name: "the end of an SPF record", zone: rest + `@ IN TXT "v=spf1 ip4:192.0.2.25 "` + nets.String() + `"-all"`,
			unknown: "spf-end-neutral spf-syntax spf-passes-all spf-lookup-limit spf-sender-error", alone: "spf-record",
		},
		{
			name: "an SPF record with an error that was read", zone: rest + `@ IN TXT "v=spf1 ip4:192.0.2.25/33 "` + nets.String() + `"+all"`,
			unknown: "spf-end-neutral spf-passes-all", want: "spf-syntax", alone: "spf-record",
		},
		{
			name: "more selectors than are asked", zone: rest + list(100, "\n", "s%d._domainkey IN TXT \"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\""),
			options: "selectors: [" + list(100, ", ", "s%d") + "]\n",
			unknown: "dkim-key-short dkim-key-invalid dkim-exponent dkim-selector-missing", said: "60 of 100",
		},
		{
			name: "a DMARC policy behind many tags", zone: rest + `_dmarc IN TXT "v=DMARC1; ` + list(400, `" "`, "x%d=y;") + ` p=reject; rua=mailto:postmaster@example.com"`,
			pass: "dmarc-policy-missing dmarc-no-reports dmarc-policy-none dmarc-syntax",
		},
		{
			name: "DMARC reports to many", zone: rest + `_dmarc IN TXT "v=DMARC1; p=none; rua=mailto:a@example.com` + list(300, `" "`, ",mailto:a%d@example.com") + `"`,
			pass: "dmarc-syntax", want: "dmarc-report-many", said: "has 301 addresses",
		},
		{
			name: "DMARC reports to more than are read", zone: rest + `_dmarc IN TXT "v=DMARC1; p=none; rua=mailto:a@example.com` + list(1100, `" "`, ",mailto:a%d@example.com") + `"`,
			pass: "dmarc-syntax", unknown: "dmarc-report-uri dmarc-report-undeliverable", want: "dmarc-report-many", alone: "dmarc-record",
		},
		{
			name: "TLS reports behind many fields", zone: rest + `_smtp._tls IN TXT "v=TLSRPTv1; ` + list(150, `" "`, "x%d=y;") + ` rua=mailto:postmaster@example.com"`,
			pass: "tlsrpt-record-invalid tlsrpt-destination",
		},
		{
			name: "TLS reports to more than are read", zone: rest + `_smtp._tls IN TXT "v=TLSRPTv1; rua=mailto:a@example.com` + list(1100, `" "`, ",mailto:a%d@example.com") + `"`,
			unknown: "tlsrpt-destination tlsrpt-undeliverable", alone: "tlsrpt-record",
		},
		{
			name: "an MTA-STS id behind many fields", zone: rest + `_mta-sts IN TXT "v=STSv1; ` + list(150, `" "`, "x%d=y;") + ` id=1"`,
			pass: "mtasts-record-invalid",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			world, err := fakenet.Parse([]byte("-- options --\ndomain: example.com\n" + c.options + "-- zone/example.com --\n" + c.zone + "\n-- hosts.yaml --\nhosts:\n- {name: mx.example.com, addrs: [192.0.2.25], smtp: {}}\n"))
			if err != nil {
				t.Fatal(err)
			}
			saw := observe(t, world)
			results := saw.byRule()
			for _, f := range fix.Propose(saw.e, saw.results) {
				if len(f.Changes) > 0 && slices.Contains(strings.Fields(c.alone), f.ID) {
					t.Errorf("fix %s is composed from what was not read: %s", f.ID, proposed(f))
				}
			}
			for id := range strings.FieldsSeq(c.unknown) {
				if results[id].Status != checks.Unknown || !strings.Contains(explain(results[id]), c.said) {
					t.Errorf("%s is not unknown\n%s", id, explain(results[id]))
				}
			}
			for id := range strings.FieldsSeq(c.pass) {
				if results[id].Status != checks.Pass {
					t.Errorf("%s does not pass\n%s", id, explain(results[id]))
				}
			}
			for id := range strings.FieldsSeq(c.want) {
				if results[id].Status != checks.Fail || !strings.Contains(explain(results[id]), c.said) {
					t.Errorf("%s does not fail\n%s", id, explain(results[id]))
				}
			}
		})
	}
}
