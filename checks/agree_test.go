package checks_test

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"mxvet/checks"
	"mxvet/internal/audit"
	"mxvet/internal/gather"
	"mxvet/internal/simulate"
)

// In every scenario the audit says of each known sender what a simulation of its
// mail says: the same result of SPF by each kind of receiver, and a policy that
// the domain's own mail can pass only where somebody's mail does.
func TestAuditAgreesWithSimulation(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(scenarios, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	seen := make(chan int, len(files))
	t.Run("scenarios", func(t *testing.T) {
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".txtar")
			if !strings.HasPrefix(name, "spf-") && !strings.HasPrefix(name, "dmarc-") {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				seen <- agree(t, file)
			})
		}
	})
	close(seen)
	sum := 0
	for n := range seen {
		sum += n
	}
	if sum < 200 {
		t.Errorf("only %d senders were compared", sum)
	}
}

// agree compares the senders of one scenario and says how many there are.
func agree(t *testing.T, file string) (compared int) {
	world := load(t, file)
	o, err := audit.WorldOptions(world.Options)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		e, tape := look(t, world, o)
		results := map[string]checks.Result{}
		for _, res := range checks.Run(e, checks.All()) {
			results[res.Rule.ID] = res
		}
		passes := false
		for _, v := range e.Evaluations.List {
			d := simulate.Look(t.Context(), tape, tables().Suffixes, simulate.Path{
				Author: e.Domain, IP: v.IP, Sender: "postmaster@" + e.Domain, Helo: e.Domain, At: e.At,
			}).Decide(nil)
			compared++
			if s := d.SPF; s.Result != v.Counting.Result || s.Voids != v.Counting.Voids || s.Lookups != v.Counting.Lookups {
				t.Errorf("%s: the audit gives %s, the simulation %s", v.IP, v.Counting.Result, s.Result)
			}
			passes = passes || d.SPF.Result == "pass"
			if v.Kind == gather.EvaluatedNamed && d.SPF.Result != "pass" && silentAbout(results, v.IP.String()) {
				t.Errorf("%s: the simulation gives %s, and no rule tells of it", v.IP, d.SPF.Result)
			}
		}
		own := results["dmarc-unauthenticated"]
		if own.Status == checks.Fail && own.Severity != checks.Medium && passes {
			t.Errorf("dmarc-unauthenticated fails, but the simulation lets a sender pass:\n%s", explain(own))
		}
	})
	return compared
}

// silentAbout reports that no rule about SPF fails or is unknown for the record or
// the address.
func silentAbout(results map[string]checks.Result, ip string) bool {
	for id, res := range results {
		if !strings.HasPrefix(id, "spf-") || !strings.Contains("critical high medium", string(res.Severity)) {
			continue
		}
		for _, v := range res.Verdicts {
			if (v.Status == checks.Fail || v.Status == checks.Unknown) && (v.Subject == ip || !strings.HasPrefix(id, "spf-sender-not-passed")) {
				return false
			}
		}
	}
	return true
}
