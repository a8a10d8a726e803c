package audit_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxvet/internal/audit"
	"mxvet/internal/fakenet"
	"mxvet/internal/hostile"
	"mxvet/internal/wire"
	"mxvet/report"
)

// What a domain may take at most; tricks that need all of it are told apart from
// those that stop the clock by one second.
const trickTime = 45 * time.Second

// Whatever a stranger's servers send, the audit ends with its deadline, says what
// is true, and judges all that the trick does not touch as it judges the model.
func TestHostileTricks(t *testing.T) {
	model, _ := auditWithin(t, "-- base --\nmodel\n")
	usual := outcomes(model)
	names := map[string]bool{}
	for i, trick := range hostile.All() {
		if names[trick.Name] {
			t.Errorf("%s: there twice", trick.Name)
		}
		names[trick.Name] = true
		if underRace && i%4 > 0 {
			continue // they differ in data, not in what runs side by side
		}
		t.Run(trick.Name, func(t *testing.T) {
			rep, took := auditWithin(t, trick.World())
			if took > trickTime+time.Second {
				t.Errorf("took %v, and %v is the deadline", took, trickTime)
			}
			d := rep.Domains[0]
			got := outcomes(rep)
			for rule, was := range usual {
				touched := slices.ContainsFunc(trick.Touches, func(p string) bool { return strings.HasPrefix(rule, p) })
				if is := got[rule]; is != was && !touched {
					t.Errorf("%s: %s, which this has nothing to do with; for the model domain it is %s: %s", rule, is, was, reasons(d, rule))
				}
			}
			for _, rule := range trick.Fails {
				if got[rule] != "fail" {
					t.Errorf("%s: %q, want fail: %s", rule, got[rule], reasons(d, rule))
				}
			}
			for _, rule := range trick.Unsure {
				if got[rule] != "unknown" {
					t.Errorf("%s: %q, want unknown: %s", rule, got[rule], reasons(d, rule))
				}
			}
			for _, f := range d.Findings {
				if trick.Peer == hostile.SMTP && strings.Contains(f.Subject, "mx1.example.com") {
					t.Errorf("%s of the good host: %s", f.Rule, f.Message)
				}
			}
			if raw := rawIn(t, rep); raw != "" {
				t.Errorf("reaches the terminal: %q", raw)
			}
		})
	}
	if len(names) < 80 {
		t.Errorf("only %d tricks", len(names))
	}
}

// outcomes gives the status of each rule that came to one.
func outcomes(rep *report.Report) map[string]string {
	out := map[string]string{}
	d := rep.Domains[0]
	for _, rule := range d.Passed {
		out[rule] = "pass"
	}
	for _, u := range d.Unknown {
		out[u.Rule] = "unknown"
	}
	for _, f := range d.Findings {
		out[f.Rule] = "fail"
	}
	return out
}

// reasons gives what was said of a rule.
func reasons(d report.Domain, rule string) string {
	var out []string
	for _, f := range d.Findings {
		if f.Rule == rule {
			out = append(out, f.Subject+": "+f.Message)
		}
	}
	for _, u := range d.Unknown {
		if u.Rule == rule {
			out = append(out, u.Subject+": "+u.Reason)
		}
	}
	return strings.Join(out[:min(len(out), 3)], "; ")
}

// rawIn gives what of the text report no terminal should see, "" for nothing.
func rawIn(t *testing.T, rep *report.Report) string {
	t.Helper()
	var text bytes.Buffer
	if err := report.Text(&text, rep, report.TextOptions{Width: 80, Wide: true}); err != nil {
		t.Fatal(err)
	}
	i := strings.IndexFunc(text.String(), func(r rune) bool { return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e })
	if i < 0 {
		return ""
	}
	return text.String()[max(0, i-30):min(text.Len(), i+30)]
}

// auditWithin audits a world's domain under virtual time, and says how long it took.
func auditWithin(t *testing.T, text string) (rep *report.Report, took time.Duration) {
	t.Helper()
	world, err := fakenet.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	o, err := audit.WorldOptions(world.Options)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		online(t, world, o, func(src wire.Source) {
			job := audit.Job{Targets: audit.Targets(world.Domains[:1], o), Tables: tables(), Now: time.Now, Timeout: trickTime}
			if err := job.Start(src, world.Now); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if rep, err = audit.Run(t.Context(), job); err != nil {
				t.Fatal(err)
			}
			took = time.Since(began)
		})
	})
	t.Logf("%v of virtual time, %v of this machine's", took.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
	return rep, took
}
