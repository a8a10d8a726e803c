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
	for _, c := range []struct{ name, zone, options, unknown, want, alone string }{
		{
			name: "the end of an SPF record", zone: rest + `@ IN TXT "v=spf1 ip4:192.0.2.25 "` + nets.String() + `"-all"`,
			unknown: "spf-end-neutral spf-syntax spf-passes-all spf-lookup-limit spf-sender-error", alone: "spf-record",
		},
		{
			name: "an SPF record with an error that was read", zone: rest + `@ IN TXT "v=spf1 ip4:192.0.2.25/33 "` + nets.String() + `"+all"`,
			unknown: "spf-end-neutral spf-passes-all", want: "spf-syntax", alone: "spf-record",
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
			for _, id := range strings.Fields(c.unknown) {
				if results[id].Status != checks.Unknown {
					t.Errorf("%s is not unknown\n%s", id, explain(results[id]))
				}
			}
			for _, id := range strings.Fields(c.want) {
				if results[id].Status != checks.Fail {
					t.Errorf("%s does not fail\n%s", id, explain(results[id]))
				}
			}
		})
	}
}
