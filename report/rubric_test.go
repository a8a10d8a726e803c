package report

import (
	"slices"
	"strings"
	"testing"

	"mxvet/checks"
)

// ruleIDs gives the ids of all rules, built and planned.
func ruleIDs(t *testing.T) []string {
	t.Helper()
	var ids []string
	for _, r := range checks.All() {
		ids = append(ids, r.ID)
	}
	for line := range strings.Lines(checks.Standards()) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) >= 3 && strings.HasPrefix(f[2], "planned") {
			ids = append(ids, f[1])
		}
	}
	return ids
}

func TestRubricNamesKnownRules(t *testing.T) {
	ids, r := ruleIDs(t), rubric(t)
	var named []string
	for _, e := range slices.Concat(r.Whole, r.Caps) {
		named = append(named, e.Rule)
	}
	for _, n := range r.Needs {
		named = append(named, slices.Concat(n.Any...)...)
	}
	for _, id := range named {
		if !slices.Contains(ids, id) {
			t.Errorf("no rule is called %s", id)
		}
	}
}

func TestRubricAreas(t *testing.T) {
	r := rubric(t)
	for _, rule := range checks.All() {
		if _, i := r.area(rule.Area); i == len(r.Areas) {
			t.Errorf("rule %s: the rubric has no area %q", rule.ID, rule.Area)
		}
	}
	for _, sev := range []checks.Severity{checks.Critical, checks.High, checks.Medium, checks.Low, checks.Info} {
		if _, there := r.Severity[sev]; !there {
			t.Errorf("the rubric has no cost for %s", sev)
		}
	}
	if r.Version != Rubrics()[len(Rubrics())-1] {
		t.Errorf("the current rubric says it is %s", r.Version)
	}
}

func TestRubricRefused(t *testing.T) {
	good := string(rubricYAML)
	for name, bad := range map[string]string{
		"unknown key":    good + "\nextra: 1\n",
		"budget not 100": strings.Replace(good, "full: 25", "full: 26", 1),
		"no YAML":        "{",
	} {
		if _, err := parseRubric([]byte(bad)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := LoadRubric("1999.1"); err == nil {
		t.Error("rubric 1999.1: accepted")
	}
}
