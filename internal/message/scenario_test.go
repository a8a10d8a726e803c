package message

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.yaml.in/yaml/v3"

	"mxvet/checks"
	"mxvet/internal/fakenet"
	"mxvet/internal/gather"
	"mxvet/internal/psl"
	"mxvet/internal/wire"
)

const scenarios = "../../testdata/messages"

// A scenario is a world as internal/fakenet describes it, and a message in it:
// data/message.eml as its author wrote it, data/sign the signatures and seals that
// are put on it in this order, data/footer what is put behind its body then, and
// data/trace the fields that the receiver's servers put on top. "want" and "never"
// name rules as in the scenarios of audits; RULE-ID.txtar must make the rule fail,
// and RULE-ID-clean.txtar must make it pass.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(scenarios, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
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
			results := judged(t, world)
			for _, line := range world.Want {
				rule, want, _ := strings.Cut(line, " ")
				res, ok := results[rule]
				if !ok || want == "" || string(res.Status) != want && (res.Status != checks.Fail || string(res.Severity) != want) {
					t.Errorf("want %s, got %s %s\n%s", line, res.Status, res.Severity, explained(res))
				}
			}
			for _, rule := range world.Never {
				if res, ok := results[rule]; !ok || res.Status == checks.Fail {
					t.Errorf("%s must not fail\n%s", rule, explained(res))
				}
			}
			if rule, ok := strings.CutSuffix(name, "-clean"); ok && results[rule].Status != checks.Pass {
				t.Errorf("%s must pass here, got %q\n%s", rule, results[rule].Status, explained(results[rule]))
			} else if res, ok := results[name]; ok && res.Status != checks.Fail {
				t.Errorf("%s must fail here, got %q", name, res.Status)
			}
		})
	}
}

// judged checks the message of a world, under virtual time.
func judged(t *testing.T, world *fakenet.World) map[string]checks.Result {
	t.Helper()
	m := sample(t, world)
	out := map[string]checks.Result{}
	synctest.Test(t, func(t *testing.T) {
		net := world.Start()
		defer net.Close()
		live, err := wire.NewLive(wire.LiveConfig{
			Resolvers: []string{net.Resolver()}, Dial: net.Dial, AllowPrivate: true, Now: func() time.Time { return world.Now },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer live.Close()
		tape := wire.NewTape(live, wire.Header{At: world.Now})
		r := Check(t.Context(), tape, psl.Default(), m, Options{At: world.Now})
		for _, res := range checks.Run(&gather.Evidence{Domain: r.Author.Domain}, Rules(r)) {
			out[res.Rule.ID] = res
			for _, v := range res.Verdicts {
				if v.Message == "" && v.Status != checks.Pass {
					t.Errorf("%s: %s without a reason", res.Rule.ID, v.Status)
				}
			}
		}
	})
	return out
}

// sample makes the message of a world.
func sample(t *testing.T, world *fakenet.World) *Message {
	t.Helper()
	var marks []struct {
		signer  `yaml:",inline"`
		Set     int    `yaml:"arc"`
		CV      string `yaml:"cv"`
		Results string `yaml:"results"`
	}
	if err := yaml.Unmarshal(world.File("data/sign"), &marks); err != nil {
		t.Fatal(err)
	}
	m := parsed(t, string(world.File("data/message.eml")))
	for _, s := range marks {
		if s.Set > 0 {
			m.addSet(s.Set, s.CV, s.Results, s.signer)
			continue
		}
		m.prepend(s.sign(m))
	}
	m.Body = append(m.Body, crlfText(string(world.File("data/footer")))...)
	return parsed(t, string(world.File("data/trace"))+string(m.text()))
}

func explained(res checks.Result) string {
	var b strings.Builder
	for _, v := range res.Verdicts {
		b.WriteString("  " + string(v.Status) + " " + string(v.Severity) + " " + v.Key + ": " + v.Message + "\n")
	}
	return b.String()
}

// Every rule has a page and two scenarios, and there are no others.
func TestEveryRule(t *testing.T) {
	left := map[string]bool{}
	entries, err := docs.ReadDir("docs")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		left[strings.TrimSuffix(e.Name(), ".md")] = true
	}
	var ids []string
	for _, r := range Rules(nil) {
		ids = append(ids, r.ID)
		delete(left, r.ID)
		page, err := Explain(r.ID)
		if err != nil {
			t.Error(err)
		}
		if !strings.HasPrefix(page, "# "+r.ID+": "+r.Title+"\n") || !strings.Contains(page, "\n## Why it matters\n") || !strings.Contains(page, "\n## How to mend it\n") {
			t.Errorf("docs/%s.md: headings", r.ID)
		}
		if r.Title == "" || len(r.Refs) == 0 || r.Judge == nil || r.Area != Area || r.Severity == "" {
			t.Errorf("%s: something is missing", r.ID)
		}
		for _, suffix := range []string{"", "-clean"} {
			if _, err := os.Stat(filepath.Join(scenarios, r.ID+suffix+".txtar")); err != nil {
				t.Errorf("%s: no scenario %s%s.txtar", r.ID, r.ID, suffix)
			}
		}
	}
	for id := range left {
		t.Errorf("docs/%s.md belongs to no rule", id)
	}
	for _, r := range checks.All() {
		if slices.Contains(ids, r.ID) {
			t.Errorf("%s is a rule about domains too", r.ID)
		}
	}
	files, err := filepath.Glob(filepath.Join(scenarios, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".txtar")
		if !slices.ContainsFunc(ids, func(id string) bool { return name == id || strings.HasPrefix(name, id+"-") }) {
			t.Errorf("%s.txtar belongs to no rule", name)
		}
	}
}
