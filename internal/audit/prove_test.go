package audit_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxvet/checks"
	"mxvet/internal/audit"
	"mxvet/internal/fakenet"
	"mxvet/internal/fakenet/fakelive"
	"mxvet/internal/gather"
	"mxvet/internal/provider"
	"mxvet/internal/psl"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
	"mxvet/report"
)

// Every embedded world and every scenario: what a verified fix promises is what
// an audit finds that asks the whole internet anew, with the changes published.
// Nothing of the first audit is used for that, neither its answers nor its tape.
func TestFixesKeepTheirPromise(t *testing.T) {
	for _, name := range fakenet.Worlds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world, err := fakenet.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			keepsPromise(t, world)
		})
	}
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "scenarios", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		if !mendable(name) || testing.Short() && len(name)%5 != 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			world, err := fakenet.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			keepsPromise(t, world)
		})
	}
}

// mendable reports whether the findings of a scenario are such as the DNS can mend.
func mendable(name string) bool {
	family, _, _ := strings.Cut(name, "-")
	return (slices.Contains([]string{"spf", "dmarc", "mtasts", "tlsrpt", "mx", "dns"}, family) || strings.HasPrefix(name, "dkim-text-")) && !strings.HasSuffix(name, "-clean")
}

func keepsPromise(t *testing.T, world *fakenet.World) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := proven(t, world)
		separate(t, d)
		invariants(t, d)
		var all []zone.Change
		var only report.Score
		n := 0
		for _, f := range d.Fixes {
			if !f.Verified {
				continue
			}
			n++
			changes := changesOf(f.Changes)
			all = append(all, changes...)
			got, results := published(t, world, changes)
			only = got
			switch promised := f.ScoreAfter; {
			case (promised == nil) != (f.Points == nil), (promised != nil) != (got.Stands() && d.Score.Stands()):
				t.Errorf("%s: a score after it %v, points %v, now %q, an audit gives %q", f.ID, promised != nil, f.Points != nil, d.Score.Range(), got.Range())
			case promised != nil && (got.High != *promised || *f.Points != *promised-d.Score.High || f.After() != got.Range() || *f.PointsLow != got.Low-d.Score.Low):
				t.Errorf("%s promises %s (+%d from %s), an audit gives %s", f.ID, f.After(), *f.Points, d.Score.Range(), got.Range())
			}
			for _, res := range results {
				for _, v := range res.Verdicts {
					if v.Status == checks.Fail && slices.Contains(f.Fingerprints, report.Fingerprint(res.Rule.ID, v.Subject, v.Key)) {
						t.Errorf("%s does not clear %s %s %s: %s", f.ID, res.Rule.ID, v.Subject, v.Key, v.Message)
					}
				}
			}
			for _, s := range f.Next {
				changes = append(changes, changesOf(s.Changes)...)
				if got, _ := published(t, world, changes); s.ScoreAfter != nil && s.After() != got.Range() || s.ScoreAfter == nil && got.Stands() {
					t.Errorf("%s, once %s, promises %q, an audit gives %q", f.ID, s.When, s.After(), got.Range())
				}
			}
		}
		switch {
		case n == 0 && d.Next != nil:
			t.Errorf("no verified fix, but an outcome: %+v", d.Next)
		case n == 0:
		case d.Next == nil || d.Next.Fixes != n:
			t.Errorf("%d verified fixes, outcome %+v", n, d.Next)
		default:
			got := only
			if n > 1 {
				got, _ = published(t, world, all)
			}
			if got.High != d.Next.High || got.Low != d.Next.Low || got.LetterHigh != d.Next.LetterHigh {
				t.Errorf("all fixes promise %d-%d %s, an audit gives %d-%d %s", d.Next.Low, d.Next.High, d.Next.LetterHigh, got.Low, got.High, got.LetterHigh)
			}
			if d.Next.High < d.Score.High || d.Next.Low < d.Score.Low {
				t.Errorf("all fixes together lower the score from %d-%d to %d-%d", d.Score.Low, d.Score.High, d.Next.Low, d.Next.High)
			}
		}
	})
}

// separate holds that no two fixes change the same RRset, that every record can be
// published, and that what needs input is never called verified.
func separate(t *testing.T, d report.Domain) {
	t.Helper()
	taken := map[string]string{}
	ids := map[string]bool{}
	for _, f := range d.Fixes {
		if ids[f.ID] {
			t.Errorf("two fixes are called %s", f.ID)
		}
		ids[f.ID] = true
		if f.Verified && (f.Safety == report.NeedsInput || len(f.Changes) == 0 || len(f.Fingerprints) == 0) {
			t.Errorf("%s is verified: %+v", f.ID, f)
		}
		if len(f.Changes)+len(f.Steps) == 0 || f.Title == "" || f.Safety == "" || f.Effort == "" || len(f.Rules) == 0 {
			t.Errorf("%s says too little: %+v", f.ID, f)
		}
		for _, c := range changesOf(f.Changes) {
			key := c.Owner + " " + c.Type
			if other, twice := taken[key]; twice {
				t.Errorf("%s and %s both change %s", other, f.ID, key)
			}
			taken[key] = f.ID
			if err := c.Check(); err != nil {
				t.Errorf("%s: %v", f.ID, err)
			}
		}
	}
}

func changesOf(changes []report.Change) []zone.Change {
	var out []zone.Change
	for _, c := range changes {
		out = append(out, zone.Change{Owner: c.Owner, Type: c.Type, Remove: c.Old, Add: c.New, TTL: uint32(c.TTL)})
	}
	return out
}

func tables() gather.Tables {
	return gather.Tables{Suffixes: psl.Default(), Providers: provider.Default()}
}

// online runs do with a Source that asks a fresh copy of the world.
func online(t *testing.T, world *fakenet.World, o gather.Options, do func(wire.Source)) {
	t.Helper()
	live := fakelive.Start(world, wire.LiveConfig{EHLO: o.EHLO})
	defer live.Close()
	do(live)
}

// proven audits the world's first domain, fixes and all.
func proven(t *testing.T, world *fakenet.World) (d report.Domain) {
	t.Helper()
	o, err := audit.WorldOptions(world.Options)
	if err != nil {
		t.Fatal(err)
	}
	online(t, world, o, func(src wire.Source) {
		job := audit.Job{Targets: audit.Targets(world.Domains[:1], o), Tables: tables(), Now: time.Now}
		if err := job.Start(src, world.Now); err != nil {
			t.Fatal(err)
		}
		r, err := audit.Run(context.Background(), job)
		if err != nil {
			t.Fatal(err)
		}
		d = r.Domains[0]
	})
	return d
}

// published audits the same domain as it is once the changes are in the DNS.
func published(t *testing.T, world *fakenet.World, changes []zone.Change) (report.Score, []checks.Result) {
	t.Helper()
	o, err := audit.WorldOptions(world.Options)
	if err != nil {
		t.Fatal(err)
	}
	rubric, err := report.LoadRubric("")
	if err != nil {
		t.Fatal(err)
	}
	var results []checks.Result
	var score report.Score
	online(t, world, o, func(src wire.Source) {
		tape := wire.NewTape(wire.NewOverlay(src, nil, changes), wire.Header{Seed: o.Seed, At: world.Now})
		e := gather.Domain(context.Background(), tape, tables(), world.Now, world.Domains[0], o)
		results = checks.Run(e, checks.All())
		score = report.Judge(e, results, rubric).Score
	})
	return score, results
}
