package checks_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"mxvet/checks"
	"mxvet/internal/audit"
	"mxvet/internal/fakenet"
	"mxvet/internal/fakenet/fakelive"
	"mxvet/internal/gather"
	"mxvet/internal/provider"
	"mxvet/internal/psl"
	"mxvet/internal/wire"
)

const scenarios = "../testdata/scenarios"

// A scenario is a made-up internet, audited over the same code as the real one.
// Its section "want" lists rules that must fail, one a line, as badly as they can or
// with the severity ("spf-void medium"), or with another status ("spf-void unknown"); its
// section "never" lists rules that must not fail. A rule's scenarios are the
// files RULE-ID.txtar, which must make it fail (or be unknown, for a rule that can
// do no worse and whose "want" says so), and RULE-ID-clean.txtar, in which it must
// pass; RULE-ID-ANYTHING.txtar are further cases. A trap from a
// defect of another tool names it in the comment at the top.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(scenarios, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	verdicts, tables := readVerdicts(t), readKept(t)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world := load(t, file)
			saw := observe(t, world)
			results := saw.byRule()
			verdicts.hold(t, name, results)
			tables.hold(t, name, saw)
			for _, line := range world.Want {
				f := strings.Fields(line)
				res, ok := results[f[0]]
				switch {
				case !ok:
					t.Errorf("want %s: no such rule", f[0])
				case len(f) == 1 && (res.Status != checks.Fail || res.Severity != res.Rule.Severity),
					len(f) == 2 && string(res.Status) != f[1] && (res.Status != checks.Fail || string(res.Severity) != f[1]):
					t.Errorf("want %s, got %s %s\n%s", line, res.Status, res.Severity, explain(res))
				case len(f) > 2:
					t.Errorf("want %q: rule, then status or severity", line)
				}
			}
			for _, line := range world.Never {
				if res, ok := results[line]; !ok {
					t.Errorf("never %s: no such rule", line)
				} else if res.Status == checks.Fail {
					t.Errorf("%s must not fail\n%s", line, explain(res))
				}
			}
			if rule, ok := strings.CutSuffix(name, "-clean"); ok {
				if res, ok := results[rule]; !ok || res.Status != checks.Pass {
					t.Errorf("%s must pass here, got %q\n%s", rule, res.Status, explain(res))
				}
			} else if res, ok := results[name]; ok && res.Status != checks.Fail && !slices.Contains(world.Want, name+" unknown") {
				t.Errorf("%s must fail here, got %q\n%s", name, res.Status, explain(res))
			}
		})
	}
}

// Rules and scenarios match one to one.
func TestEveryRuleHasScenarios(t *testing.T) {
	ids := map[string]bool{}
	for _, r := range checks.All() {
		ids[r.ID] = true
		for _, suffix := range []string{"", "-clean"} {
			if _, err := os.Stat(filepath.Join(scenarios, r.ID+suffix+".txtar")); err != nil {
				t.Errorf("%s: no scenario %s%s.txtar", r.ID, r.ID, suffix)
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(scenarios, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".txtar")
		for id := name; !ids[id]; {
			cut := strings.LastIndexByte(id, '-')
			if cut < 0 {
				t.Errorf("%s.txtar belongs to no rule", name)
				break
			}
			id = id[:cut]
		}
	}
}

func load(t *testing.T, file string) *fakenet.World {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	world, err := fakenet.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return world
}

// A seen is what one audit asked, found out, and thinks of it.
type seen struct {
	e       *gather.Evidence
	asked   []wire.Ref
	results []checks.Result
}

func (s seen) byRule() map[string]checks.Result {
	out := map[string]checks.Result{}
	for _, res := range s.results {
		out[res.Rule.ID] = res
	}
	return out
}

// judge audits the world's first domain and gives the results of its rules.
func judge(t *testing.T, world *fakenet.World) map[string]checks.Result {
	t.Helper()
	return observe(t, world).byRule()
}

// observe audits the world's first domain under virtual time.
func observe(t *testing.T, world *fakenet.World) seen {
	t.Helper()
	o, err := audit.WorldOptions(world.Options)
	if err != nil {
		t.Fatal(err)
	}
	var out seen
	synctest.Test(t, func(t *testing.T) {
		asked := &noting{}
		out.e, _ = lookThrough(t, world, o, asked)
		out.asked = asked.refs
		for _, r := range checks.All() {
			if r.When == nil {
				continue
			}
			if status, _ := r.When(out.e); status == checks.Pass || status == checks.Fail {
				t.Errorf("%s: its guard says %s, which is for its judgement", r.ID, status)
			}
		}
		out.results = checks.Run(out.e, checks.All())
		for _, res := range out.results {
			if res.Status == checks.Unknown && slices.ContainsFunc(res.Verdicts, func(v checks.Verdict) bool {
				return v.Status == checks.Unknown && v.Message == ""
			}) {
				t.Errorf("%s is unknown without a reason", res.Rule.ID)
			}
			for _, v := range res.Verdicts {
				if v.Status == checks.Unknown && len(v.Evidence) == 0 {
					t.Errorf("%s: %s without evidence: %s", res.Rule.ID, v.Status, v.Message)
				}
			}
		}
	})
	return out
}

// A noting Source notes what is asked.
type noting struct {
	wire.Source
	mu   sync.Mutex
	refs []wire.Ref
}

func (n *noting) note(ref wire.Ref) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refs = append(n.refs, ref)
}

func (n *noting) DNS(ctx context.Context, q wire.Question) wire.Answer {
	n.note(q.Ref())
	return n.Source.DNS(ctx, q)
}

func (n *noting) Fetch(ctx context.Context, r wire.Request) wire.Page {
	n.note(r.Ref())
	return n.Source.Fetch(ctx, r)
}

func (n *noting) Talk(ctx context.Context, p wire.Probe) wire.Session {
	n.note(p.Ref())
	return n.Source.Talk(ctx, p)
}

// look gathers the world's first domain over the code that asks the real internet.
// The tape holds all that was answered.
func look(tb testing.TB, world *fakenet.World, o gather.Options) (*gather.Evidence, *wire.Tape) {
	tb.Helper()
	return lookThrough(tb, world, o, &noting{})
}

func lookThrough(tb testing.TB, world *fakenet.World, o gather.Options, asked *noting) (*gather.Evidence, *wire.Tape) {
	tb.Helper()
	live := fakelive.Start(world, wire.LiveConfig{EHLO: o.EHLO})
	defer live.Close()
	asked.Source = live
	tape := wire.NewTape(asked, wire.Header{Seed: o.Seed, At: world.Now})
	return gather.Domain(tb.Context(), tape, tables(), world.Now, world.Domains[0], o), tape
}

func tables() gather.Tables {
	return gather.Tables{Suffixes: psl.Default(), Providers: provider.Default()}
}

func explain(res checks.Result) string {
	var b strings.Builder
	for _, v := range res.Verdicts {
		b.WriteString("  " + string(v.Status) + " " + string(v.Severity) + " " + v.Subject + " " + v.Key + ": " + v.Message + "\n")
	}
	return b.String()
}
