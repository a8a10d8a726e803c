package audit_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"mxvet/internal/fakenet"
	"mxvet/internal/spf"
	"mxvet/internal/zone"
	"mxvet/report"
)

// What holds for the fixes of every scenario, whatever it is about. The worlds, and
// the scenarios that TestFixesKeepTheirPromise audits anyway, are seen to there.
func TestFixInvariants(t *testing.T) {
	worlds := map[string][]byte{}
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "scenarios", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for i, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		if mendable(name) || testing.Short() && i%13 != 0 {
			continue
		}
		if worlds[name], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range worlds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world, err := fakenet.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				d := proven(t, world)
				separate(t, d)
				invariants(t, d)
			})
		})
	}
}

func invariants(t *testing.T, d report.Domain) {
	t.Helper()
	groups := []string{report.GroupPublish, report.GroupEvidence, report.GroupServers}
	order := 0
	var claimed []string
	for _, f := range d.Fixes {
		if f.Safety == report.SafeNow && !f.Verified {
			t.Errorf("%s is called safe now and is not verified: %s", f.ID, f.Unverified)
		}
		if f.Safety == report.SafeNow && f.Needs != "" || (f.Safety == report.NeedsEvidence || f.Safety == report.NeedsInput) && f.Needs == "" {
			t.Errorf("%s is %s and needs %q", f.ID, f.Safety, f.Needs)
		}
		if f.Safety == report.SafeNow {
			harmless(t, d, f)
		}
		g := slices.Index(groups, f.Group)
		if g < order {
			t.Errorf("%s stands behind the group %s", f.ID, groups[order])
		}
		order = max(order, g)
		if len(f.Changes) > 0 && f.Group == report.GroupServers {
			t.Errorf("%s changes a record and is told as no change of the DNS", f.ID)
		}
		claimed = append(claimed, f.Fingerprints...)
		for _, s := range f.Next {
			claimed = append(claimed, s.Fingerprints...)
			if !s.Verified && len(s.Fingerprints) > 0 {
				t.Errorf("%s claims for a stage that proved nothing", f.ID)
			}
		}
		_, again, _ := strings.Cut(f.Undo, "\n")
		for _, c := range f.Changes {
			for _, data := range c.Old {
				if data != "*" && !strings.Contains(again, data) && f.ID != "mtasts-record" { // a broken one must not come back
					t.Errorf("%s: undo does not name %s", f.ID, data)
				}
			}
		}
	}
	for _, x := range d.Findings {
		if (x.Severity == "high" || x.Severity == "critical") && !slices.Contains(claimed, x.Fingerprint) {
			t.Errorf("nothing mends %s %s %s: %s", x.Severity, x.Rule, x.Subject, x.Message)
		}
	}
}

// free reports that a term relies on a name that anybody can register, which nobody
// of the domain's can send through.
func free(d report.Domain, term spf.Term) bool {
	return slices.ContainsFunc(d.Findings, func(f report.Finding) bool {
		return f.Rule == "spf-unregistered" && (strings.HasSuffix(term.Text, ":"+f.Key) || strings.HasSuffix(term.Text, "."+f.Key))
	})
}

// harmless reads the texts of a change that is called safe now: no sender and no mail
// host that the old records name may be missing in the new ones. It knows nothing of
// how fixes are made.
func harmless(t *testing.T, d report.Domain, f report.Fix) {
	t.Helper()
	for _, c := range f.Changes {
		if c.Type == "MX" {
			var stay []string
			for _, data := range c.New {
				stay = append(stay, host(data))
			}
			for _, m := range d.MX {
				if !slices.ContainsFunc(c.Old, func(data string) bool { return host(data) == m.Host }) {
					stay = append(stay, m.Host)
				}
			}
			for _, data := range c.Old {
				h := host(data)
				if h == "." || slices.Contains(stay, h) || slices.Contains(f.Rules, "dns-final-dot") && slices.ContainsFunc(stay, func(s string) bool { return h == s+"."+d.Name }) {
					continue
				}
				if twice := slices.ContainsFunc(f.Rules, func(r string) bool { return r == "mx-duplicate" || r == "dns-unregistered" }); !twice {
					t.Errorf("%s takes away %s", f.ID, data)
				}
			}
		}
		if c.Type != "TXT" || len(c.New) == 0 {
			continue
		}
		after := spf.Parse(text(t, c.New[0]))
		for _, data := range c.Old {
			before := spf.Parse(text(t, data))
			if before.Fatal() || len(before.Terms) == 0 {
				continue
			}
			for _, term := range before.Terms {
				names := term.Kind == spf.KindInclude || term.Kind == spf.KindA || term.Kind == spf.KindMX || term.Kind == spf.KindExists
				if !names || term.Qualifier != spf.Pass || slices.ContainsFunc(after.Terms, func(u spf.Term) bool { return u.String() == term.String() || sameTarget(u, term) }) {
					continue
				}
				if free(d, term) {
					continue
				}
				if !coveredByNetwork(after) {
					t.Errorf("%s takes %s away: %s becomes %s", f.ID, term.Text, data, c.New[0])
				}
			}
		}
	}
}

func sameTarget(a, b spf.Term) bool {
	return a.Kind == b.Kind && a.Spec != nil && b.Spec != nil && strings.EqualFold(strings.TrimSuffix(a.Spec.Raw, "."), strings.TrimSuffix(b.Spec.Raw, "."))
}

// coveredByNetwork reports whether a record names networks, which may hold what a
// name led to.
func coveredByNetwork(r spf.Record) bool {
	return slices.ContainsFunc(r.Terms, func(t spf.Term) bool { return t.Prefix != netip.Prefix{} })
}

func host(data string) string { return zone.Name(data[strings.LastIndexByte(data, ' ')+1:]) }

func text(t *testing.T, data string) string {
	t.Helper()
	var b strings.Builder
	in := false
	for _, c := range data { // records of the tests hold no escaped quotes
		switch {
		case c == '"':
			in = !in
		case in:
			b.WriteRune(c)
		}
	}
	return b.String()
}
