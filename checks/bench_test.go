package checks_test

import (
	"slices"
	"testing"

	"mxvet/checks"
	"mxvet/internal/audit"
	"mxvet/internal/fakenet"
	"mxvet/internal/gather"
)

// What it costs to judge one domain whose evidence is there: the rules of sender
// authentication alone, and all of them.
func BenchmarkJudge(b *testing.B) {
	world, err := fakenet.Load("model")
	if err != nil {
		b.Fatal(err)
	}
	o, err := audit.WorldOptions(world.Options)
	if err != nil {
		b.Fatal(err)
	}
	e, tape := look(b, world, o)
	all := checks.All()
	sender := slices.DeleteFunc(slices.Clone(all), func(r checks.Rule) bool {
		return r.Area != checks.AreaSPF && r.Area != checks.AreaDKIM && r.Area != checks.AreaDMARC
	})
	for _, c := range []struct {
		name  string
		rules []checks.Rule
	}{{"sender-authentication", sender}, {"all", all}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if n := len(checks.Run(e, c.rules)); n != len(c.rules) {
					b.Fatal(n)
				}
			}
		})
	}
	b.Run("gather from tape", func(b *testing.B) {
		for b.Loop() {
			gather.Domain(b.Context(), tape, tables(), world.Now, world.Domains[0], o)
		}
	})
}
