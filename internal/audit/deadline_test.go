package audit

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxvet/internal/fakenet"
	"mxvet/internal/fakenet/fakelive"
	"mxvet/internal/gather"
	"mxvet/internal/provider"
	"mxvet/internal/psl"
	"mxvet/internal/wire"
	"mxvet/report"
)

// auditedWithin audits the domain of a world under virtual time.
func auditedWithin(t *testing.T, text string, timeout time.Duration) (d report.Domain, took time.Duration) {
	t.Helper()
	world, err := fakenet.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	o, err := WorldOptions(world.Options)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		live := fakelive.Start(world, wire.LiveConfig{EHLO: o.EHLO})
		defer live.Close()
		job := Job{
			Targets: Targets(world.Domains[:1], o), Now: time.Now, Timeout: timeout,
			Tables: gather.Tables{Suffixes: psl.Default(), Providers: provider.Default()},
		}
		if err := job.Start(live, world.Now); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		rep, err := Run(t.Context(), job)
		if err != nil {
			t.Fatal(err)
		}
		d, took = rep.Domains[0], time.Since(began)
	})
	return d, took
}

// A mail host that says nothing takes all the time there is for asking, and no more;
// what is left suffices to prove every fix of the DNS from the tape.
func TestOneDeadline(t *testing.T) {
	for _, fault := range []string{"silent", "mute"} {
		const timeout = 10 * time.Second
		d, took := auditedWithin(t, "-- base --\nyoung\n-- hosts.yaml --\nhosts:\n- {name: mail.example.com, fault: "+fault+", smtp: {}}\n", timeout)
		if most := timeout * askingShare / 100; took > most {
			t.Errorf("%s: took %v, and asking ends after %v", fault, took, most)
		}
		fixes := 0
		for _, f := range d.Fixes {
			if len(f.Changes) == 0 || f.Safety == report.NeedsInput {
				continue
			}
			if fixes++; !f.Verified {
				t.Errorf("%s: %s is not verified: %s", fault, f.ID, f.Unverified)
			}
		}
		if fixes < 2 {
			t.Errorf("%s: only %d fixes of the DNS", fault, fixes)
		}
	}
}

// A slow is a Source that answers nothing before its context ends.
type slow struct{ wire.Source }

func (slow) DNS(ctx context.Context, q wire.Question) wire.Answer {
	<-ctx.Done()
	return wire.Answer{Fail: &wire.Fail{Kind: wire.FailDeadline, Text: "no time left"}}
}

// What a proof has to ask anew when the time for asking is up proves nothing, and so
// it does in a replay; what the audit itself failed to learn changes nothing.
func TestLateProof(t *testing.T) {
	asking, end := context.WithTimeout(t.Context(), 0)
	defer end()
	tape := wire.NewTape(slow{}, wire.Header{})
	known := wire.Question{Name: "example.com", Type: "MX"}
	for _, at := range []*wire.Tape{tape, replayed(t, tape, asking, known)} {
		r := &remainder{tape: at, asking: asking, known: map[wire.Ref]bool{known.Ref(): true}}
		if a := r.DNS(t.Context(), known); a.Fail == nil || r.unproven() != "" {
			t.Errorf("asked by the audit itself: %+v, %q", a, r.unproven())
		}
		if r.DNS(t.Context(), wire.Question{Name: "new.example.com", Type: "A"}); !strings.Contains(r.unproven(), "dns:A new.example.com") {
			t.Errorf("asked anew: %q", r.unproven())
		}
	}
}

// replayed gives a tape loaded from the file form of one that was asked that, and for
// a new name.
func replayed(t *testing.T, tape *wire.Tape, ctx context.Context, q wire.Question) *wire.Tape {
	t.Helper()
	tape.DNS(ctx, q)
	tape.DNS(ctx, wire.Question{Name: "new.example.com", Type: "A"})
	var file strings.Builder
	if err := tape.Save(&file); err != nil {
		t.Fatal(err)
	}
	loaded, err := wire.LoadTape(strings.NewReader(file.String()))
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// A fix whose changes lead to names that only answer too late is not verified, and
// says why.
func TestTimeOver(t *testing.T) {
	whole, end := context.WithCancel(t.Context())
	at := timing{whole: whole, asking: whole, end: end}
	if why := at.over(); why != "" {
		t.Error(why)
	}
	at.end()
	if at.over() == "" {
		t.Error("the time is up, and nobody says so")
	}
}
