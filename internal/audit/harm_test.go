package audit_test

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mxvet/checks"
	"mxvet/internal/audit"
	"mxvet/internal/fakenet"
	"mxvet/internal/fix"
	"mxvet/internal/gather"
	"mxvet/internal/wire"
	"mxvet/report"
)

var (
	harmWhole = flag.Bool("harm.whole", false, "fail every answer of every scenario and world, not a sample")
	harmSeed  = flag.Uint64("harm.seed", 1, "seed of the sample; 0 is a new one")
	harmSome  = flag.Int("harm.scenarios", 80, "how many scenarios and worlds the sample has")
	harmEvery = flag.Int("harm.answers", 16, "how many answers of each fail in the sample")
	harmOnly  = flag.String("harm.only", "", "only scenarios and worlds whose name contains this; every answer of theirs")
	harmList  = flag.String("harm.list", "", "write what was seen to be unknown, and by which failure, to this file")
)

// Every scenario and every embedded world is audited once as it is, and then once
// for each single answer of the network with that answer failing: a DNS question
// with SERVFAIL or with silence, a page or a conversation with silence. A failure
// tells us less, so nothing may look better for it, and nothing may look worse but
// where the failure itself is the fault. See compare for what must hold.
//
// Everything is asked again over the tape of the first audit; what a failure leads
// to for the first time is asked of the made-up internet.
func TestOneFailureProvesNothing(t *testing.T) {
	seed := *harmSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	random := rand.New(rand.NewPCG(seed, 0))
	subjects := harmSubjects(t)
	wanted := map[string][]string{} // rule -> scenarios
	for _, s := range subjects {
		for _, line := range s.world.Want {
			if rule, ok := strings.CutSuffix(line, " unknown"); ok {
				wanted[strings.TrimSpace(rule)] = append(wanted[strings.TrimSpace(rule)], s.name)
			}
		}
	}
	subjects = slices.DeleteFunc(subjects, func(s harmSubject) bool { return !strings.Contains(s.name, *harmOnly) })
	answers, always := map[string]int{}, map[string][]wire.Ref{}
	if !*harmWhole && *harmOnly == "" {
		always = onceBroken(t)
		random.Shuffle(len(subjects), func(i, j int) { subjects[i], subjects[j] = subjects[j], subjects[i] })
		some := *harmSome
		if underRace {
			some /= 4
		}
		for _, s := range subjects[:min(some, len(subjects))] {
			answers[s.name] = *harmEvery
		}
		subjects = slices.DeleteFunc(subjects, func(s harmSubject) bool { return answers[s.name] == 0 && always[s.name] == nil })
	}
	t.Logf("seed %d (-harm.seed to have the same sample again), %d scenarios and worlds", seed, len(subjects))
	rubric, err := report.LoadRubric("")
	if err != nil {
		t.Fatal(err)
	}
	l := &ledger{kinds: map[string][]string{}, guarded: map[string][]sight{}, judged: map[string][]sight{}}
	t.Run("each", func(t *testing.T) {
		for _, s := range subjects {
			pick := rand.New(rand.NewPCG(seed, hashOf(s.name)))
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				harmEach(t, s, rubric, l, func(refs []wire.Ref) []wire.Ref {
					if len(answers)+len(always) == 0 {
						return refs
					}
					must := slices.DeleteFunc(slices.Clone(refs), func(r wire.Ref) bool { return !slices.Contains(always[s.name], r) })
					if len(must) != len(always[s.name]) {
						t.Errorf("%d of %d requests of testdata/once-broken.txt were answered: %q", len(must), len(always[s.name]), must)
					}
					pick.Shuffle(len(refs), func(i, j int) { refs[i], refs[j] = refs[j], refs[i] })
					return append(must, refs[:min(answers[s.name], len(refs))]...)
				})
			})
		}
	})
	t.Logf("%d failures tried", l.tried)
	l.tell(t)
	l.needScenarios(t, wanted, *harmWhole)
	if *harmList != "" {
		l.write(t, *harmList)
	}
}

// onceBroken gives the failures, by scenario, over which something broke before it
// was mended: they belong to every sample.
func onceBroken(t *testing.T) map[string][]wire.Ref {
	t.Helper()
	text, err := os.ReadFile("testdata/once-broken.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]wire.Ref{}
	for line := range strings.Lines(string(text)) {
		name, ref, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok {
			t.Fatalf("testdata/once-broken.txt: %q is not a scenario, a tab and a request", line)
		}
		out[name] = append(out[name], wire.Ref(ref))
	}
	return out
}

func hashOf(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}

// A harmSubject is a world that is audited with answers failing.
type harmSubject struct {
	name  string
	world *fakenet.World
}

func harmSubjects(t *testing.T) []harmSubject {
	t.Helper()
	var out []harmSubject
	for _, name := range fakenet.Worlds() {
		world, err := fakenet.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, harmSubject{"world " + name, world})
	}
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "scenarios", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		world, err := fakenet.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out = append(out, harmSubject{strings.TrimSuffix(filepath.Base(file), ".txtar"), world})
	}
	return slices.DeleteFunc(out, func(s harmSubject) bool { // without the network only texts answer, which do not fail
		o, err := audit.WorldOptions(s.world.Options)
		return err == nil && o.Offline
	})
}

// A view is what one audit came to.
type view struct {
	evidence *gather.Evidence
	results  map[string]checks.Result
	domain   report.Domain
	fixes    []fix.Fix // proposed, not proved
}

func harmEach(t *testing.T, s harmSubject, rubric *report.Rubric, l *ledger, choose func([]wire.Ref) []wire.Ref) {
	t.Helper()
	o, err := audit.WorldOptions(s.world.Options)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		online(t, s.world, o, func(src wire.Source) {
			tape := wire.NewTape(src, wire.Header{Seed: o.Seed, At: s.world.Now})
			look := func(src *failing) view {
				memo := wire.NewTape(src, wire.Header{Seed: o.Seed, At: s.world.Now})
				e := gather.Domain(t.Context(), memo, tables(), s.world.Now, s.world.Domains[0], o)
				results := checks.Run(e, checks.All())
				v := view{e, map[string]checks.Result{}, report.Build(e, results, rubric), fix.Propose(e, results)}
				for _, res := range results {
					v.results[res.Rule.ID] = res
				}
				return v
			}
			prove := func(src *failing) []report.Fix {
				job := audit.Job{Targets: audit.Targets(s.world.Domains[:1], o), Tables: tables(), Now: time.Now}
				if err := job.Start(src, s.world.Now); err != nil {
					t.Fatal(err)
				}
				rep, err := audit.Run(t.Context(), job)
				if err != nil {
					t.Fatal(err)
				}
				return rep.Domains[0].Fixes
			}
			whole := &failing{behind: tape, answered: map[wire.Ref]bool{}}
			before := look(whole)
			l.see(s.name, "", before)
			var safe []report.Fix // asked for at most once
			for _, ref := range choose(slices.Sorted(maps.Keys(whole.answered))) {
				src := &failing{behind: tape, ref: ref, silent: hashOf(s.name+string(ref))%2 == 0}
				after := look(src)
				l.see(s.name, src.String(), after)
				broken := compare(before, after, ref)
				if f := newlySafe(before.fixes, after.fixes); f != "" {
					if safe == nil {
						safe = append(prove(whole), report.Fix{})
					}
					if verifiedSafe(prove(src), f) && !verifiedSafe(safe, f) {
						broken = append(broken, breach{"a safe-now fix appears", strings.Fields(f)[0], f})
					}
				}
				l.add(s.name, src.String(), broken)
			}
		})
	})
}

// A failing Source fails one request; the rest it hands on. With answered set it
// notes which requests were answered.
type failing struct {
	behind wire.Source
	ref    wire.Ref
	silent bool // a DNS question gets no reply, rather than SERVFAIL

	mu       sync.Mutex
	answered map[wire.Ref]bool
}

func (f *failing) String() string {
	how := "no reply"
	if strings.HasPrefix(string(f.ref), "dns:") && !f.silent {
		how = "SERVFAIL"
	}
	return string(f.ref) + ": " + how
}

func (f *failing) note(ref wire.Ref, fail *wire.Fail) {
	if f.answered == nil || fail != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answered[ref] = true
}

func (f *failing) DNS(ctx context.Context, q wire.Question) wire.Answer {
	switch ref := q.Ref(); {
	case ref != f.ref:
		a := f.behind.DNS(ctx, q)
		note := a.Fail
		if !a.OK() {
			note = &wire.Fail{}
		}
		f.note(ref, note)
		return a
	case f.silent:
		return wire.Answer{Fail: &wire.Fail{Kind: wire.FailTimeout, Text: "no reply within 2s"}}
	}
	return wire.Answer{Rcode: "SERVFAIL", Fail: &wire.Fail{Kind: wire.FailServfail, Text: "the server answered SERVFAIL"}}
}

func (f *failing) Fetch(ctx context.Context, r wire.Request) wire.Page {
	if r.Ref() == f.ref {
		return wire.Page{Fail: &wire.Fail{Kind: wire.FailTimeout, Text: "no connection within 5s"}}
	}
	p := f.behind.Fetch(ctx, r)
	f.note(r.Ref(), p.Fail)
	return p
}

func (f *failing) Talk(ctx context.Context, p wire.Probe) wire.Session {
	if p.Ref() == f.ref {
		return wire.Session{Fail: &wire.Fail{Kind: wire.FailTimeout, Text: "no connection within 5s"}}
	}
	s := f.behind.Talk(ctx, p)
	f.note(p.Ref(), s.Fail)
	return s
}

// A ledger collects what is broken, and which rules were seen to be unknown: by
// their guard, which many share, or by their own judgement.
type ledger struct {
	mu              sync.Mutex
	tried           int
	kinds           map[string][]string // "kind: rule" -> where
	guarded, judged map[string][]sight  // by rule
}

// A sight is where a rule was unknown.
type sight struct{ scenario, failure string } // failure "" is the scenario as it is

func (s sight) String() string { return strings.TrimSuffix(s.scenario+", "+s.failure, ", ") }

func (l *ledger) add(scenario, failure string, broken []breach) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tried++
	for _, b := range broken {
		key := b.kind + ": " + b.rule
		l.kinds[key] = append(l.kinds[key], scenario+", "+failure+": "+b.text)
	}
}

func (l *ledger) see(scenario, failure string, v view) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, res := range v.results {
		if res.Status != checks.Unknown {
			continue
		}
		how := l.judged
		if v.evidence.Vantage.Resolver != "" || len(v.evidence.Role.Could) > 0 {
			how = l.guarded // a doubt about the resolver or the role, of many rules at once
		} else if res.Rule.When != nil {
			if status, _ := res.Rule.When(v.evidence); status != "" {
				how = l.guarded
			}
		}
		how[id] = append(how[id], sight{scenario, failure})
	}
}

// tell makes one error of each kind of breach, with up to three examples.
func (l *ledger) tell(t *testing.T) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(l.kinds)) {
		where := l.kinds[key]
		slices.Sort(where)
		n := len(where)
		if n > 3 {
			where = []string{where[0], where[n/2], where[n-1]}
		}
		t.Errorf("%s (%d times)\n    %s", key, n, strings.Join(where, "\n    "))
	}
}

// needScenarios holds that every rule that was seen to be unknown has a scenario
// that wants it to be; where everything was looked at, that every rule which comes
// to that by its own judgement has one in which it does.
func (l *ledger) needScenarios(t *testing.T, wanted map[string][]string, whole bool) {
	t.Helper()
	all := map[string][]sight{}
	maps.Copy(all, l.guarded)
	maps.Copy(all, l.judged)
	var lacking []string
	for _, id := range slices.Sorted(maps.Keys(all)) {
		switch {
		case len(wanted[id]) == 0:
			lacking = append(lacking, fmt.Sprintf("%s, as in %s", id, all[id][0]))
		case whole && len(l.judged[id]) > 0 && !slices.ContainsFunc(l.judged[id], func(s sight) bool {
			return s.failure == "" && slices.Contains(wanted[id], s.scenario)
		}):
			lacking = append(lacking, fmt.Sprintf("%s by its own judgement, as in %s", id, l.judged[id][0]))
		}
	}
	if len(lacking) > 0 {
		t.Errorf("%d of %d rules that can be unknown have no scenario that wants that of them:\n    %s", len(lacking), len(all), strings.Join(lacking, "\n    "))
	}
}

// write keeps where rules were unknown: rule, how, scenario, failure.
func (l *ledger) write(t *testing.T, file string) {
	t.Helper()
	var lines []string
	for how, rules := range map[string]map[string][]sight{"guarded": l.guarded, "judged": l.judged} {
		for id, where := range rules {
			for _, s := range where {
				lines = append(lines, strings.Join([]string{id, how, s.scenario, s.failure}, "\t")+"\n")
			}
		}
	}
	slices.Sort(lines)
	if err := os.WriteFile(file, []byte(strings.Join(lines, "")), 0o644); err != nil {
		t.Fatal(err)
	}
}
