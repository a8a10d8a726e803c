package audit_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mxvet/internal/audit"
	"mxvet/internal/gather"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
	"mxvet/report"
)

// zonesOf gives n domains with a zone file each.
func zonesOf(t *testing.T, n int) (domains []string, zones []*zone.Zone) {
	t.Helper()
	for i := range n {
		name := fmt.Sprintf("d%d.example", i)
		z, err := zone.Parse(strings.NewReader("$TTL 3600\n@ IN SOA ns1 hostmaster 1 7200 3600 1209600 3600\n@ IN NS ns1\nns1 IN A 192.0.2.53\n"+
			"@ IN MX 10 mx\nmx IN A 192.0.2.1\n@ IN TXT \"v=spf1 mx ~all\"\n"), name+".zone", name)
		if err != nil {
			t.Fatal(err)
		}
		domains, zones = append(domains, name), append(zones, z)
	}
	return domains, zones
}

// A run over many domains forgets what was asked about each, unless it is recorded,
// and its report is the same for it. Each domain names its own zone file.
func TestManyDomains(t *testing.T) {
	const n = 12
	reports := map[bool]*report.Report{}
	for _, lean := range []bool{false, true} {
		domains, zones := zonesOf(t, n)
		job := audit.Job{
			Targets: audit.Targets(domains, gather.Options{Offline: true}), Assumed: audit.Assumed{Zones: zones},
			Tables: tables(), Now: func() time.Time { return time.Unix(0, 0) }, Lean: lean,
		}
		if err := job.Start(nil, time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
		rep, err := audit.Run(t.Context(), job)
		if err != nil {
			t.Fatal(err)
		}
		reports[lean] = rep
		for i, d := range rep.Domains {
			if !slices.Equal(d.Zones, []string{domains[i] + ".zone"}) {
				t.Errorf("%s: zone files %v", d.Name, d.Zones)
			}
			a, _, _ := job.Tape.Lookup(wire.Question{Name: d.Name, Type: "MX"}.Ref())
			if (a == nil) != lean {
				t.Errorf("lean %v: MX of %s on the tape: %v", lean, d.Name, a != nil)
			}
		}
		var text bytes.Buffer
		if err := report.Text(&text, rep, report.TextOptions{Width: 80}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(text.String(), "d7.example.zone"); got != 1 {
			t.Errorf("the zone file of one domain is named %d times", got)
		}
	}
	var whole, lean bytes.Buffer
	if err := report.JSON(&whole, reports[false]); err != nil {
		t.Fatal(err)
	}
	if err := report.JSON(&lean, reports[true]); err != nil {
		t.Fatal(err)
	}
	if whole.String() != lean.String() {
		t.Error("what is forgotten changes the report")
	}
}
