package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"mxvet/internal/audit"
	"mxvet/internal/gather"
	"mxvet/internal/together"
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
		job := offlineOf(t, n)
		job.Lean = lean
		if err := job.Start(nil, time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
		rep, err := audit.Run(t.Context(), job)
		if err != nil {
			t.Fatal(err)
		}
		reports[lean] = rep
		for i, d := range rep.Domains {
			if !slices.Equal(d.Zones, []string{job.Targets[i].Domain + ".zone"}) {
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

// offlineOf is a job over n domains with a zone file each.
func offlineOf(t *testing.T, n int) audit.Job {
	t.Helper()
	domains, zones := zonesOf(t, n)
	return audit.Job{
		Targets: audit.Targets(domains, gather.Options{Offline: true}), Assumed: audit.Assumed{Zones: zones},
		Tables: tables(), Now: func() time.Time { return time.Unix(0, 0) }, Lean: true,
	}
}

// Who takes domains one by one gets each as it stands in the report of all, in the
// order of the targets, and nothing is kept of it.
func TestEach(t *testing.T) {
	const n = 6
	job := offlineOf(t, n)
	if err := job.Start(nil, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	whole, err := audit.Run(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	job = offlineOf(t, n)
	if err := job.Start(nil, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	series := report.JSONForm().Series(n, nil)
	job.Each = func(part *report.Report) {
		if err := series.Add(part); err != nil {
			t.Error(err)
		}
	}
	run, err := audit.Run(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	if len(run.Domains)+len(run.Hosts)+len(run.Evidence) > 0 {
		t.Error("what was given away is kept")
	}
	var all, pieces bytes.Buffer
	if err := report.JSON(&all, whole); err != nil {
		t.Fatal(err)
	}
	rest, err := series.End(run)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(&pieces, rest); err != nil {
		t.Fatal(err)
	}
	if all.String() != pieces.String() {
		t.Errorf("%d bytes in pieces, %d of the whole", pieces.Len(), all.Len())
	}
}

// faulty panics when it is asked about one domain.
type faulty struct{ wire.Source }

func (f faulty) DNS(_ context.Context, q wire.Question) wire.Answer {
	if strings.HasSuffix(q.Name, "d2.example") && q.Type == "TXT" {
		panic("a fault of ours")
	}
	return wire.Answer{Rcode: "NXDOMAIN"}
}

// A fault about one domain comes back once the others have ended, and no report goes
// on behind the gap.
func TestFaultOfOne(t *testing.T) {
	job := audit.Job{
		Targets: audit.Targets([]string{"d0.example", "d1.example", "d2.example", "d3.example"}, gather.Options{NoSMTP: true}),
		Tables:  tables(), Now: func() time.Time { return time.Unix(0, 0) }, Lean: true,
	}
	if err := job.Start(faulty{}, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	var told []string
	job.Each = func(part *report.Report) { told = append(told, part.Domains[0].Name) }
	defer func() {
		if p := together.Caught(recover()); !strings.HasPrefix(p.Error(), "a fault of ours at ") {
			t.Error(p)
		}
		if !slices.Equal(told, []string{"d0.example", "d1.example"}) {
			t.Errorf("told: %v", told)
		}
	}()
	_, err := audit.Run(t.Context(), job)
	t.Errorf("no panic: %v", err)
}
