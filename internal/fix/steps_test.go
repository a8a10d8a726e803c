package fix

import (
	"os"
	"slices"
	"strings"
	"testing"

	"mxvet/checks"
	"mxvet/internal/paste"
	"mxvet/internal/provider"
)

// Every rule that can be high or worse, and every one about mail hosts, their TLS and
// the policies about it that can cost points, has steps, for what no proved change of
// a record mends, or there is a reason why there are none.
func TestStepsForEveryRule(t *testing.T) {
	known := settled(t)
	table := steps()
	byRecord := mends()
	for _, r := range checks.All() {
		grave := !checks.High.Worse(r.Severity)
		if !grave && !slices.Contains([]string{checks.AreaTLS, checks.AreaHosts, checks.AreaTransport}, r.Area) || r.Severity == checks.Info {
			continue
		}
		_, hasSteps := table.Rules[r.ID]
		_, hasNone := table.None[r.ID]
		_, mended := byRecord[r.ID]
		if !hasSteps && !hasNone && (grave || !mended) { // a record may be in other hands
			t.Errorf("%s: neither steps nor a reason for none in steps.yaml", r.ID)
		}
		if hasSteps && hasNone {
			t.Errorf("%s has steps and a reason for none", r.ID)
		}
	}
	for id := range byRecord {
		if !known[id] {
			t.Errorf("%s: no such rule", id)
		}
	}
	for id, why := range table.None {
		if !known[id] || why == "" {
			t.Errorf("%s: no such rule, or no reason", id)
		}
	}
	for id, e := range table.Rules {
		if !known[id] {
			t.Errorf("%s: no such rule", id)
		}
		if e.Title == "" || len(e.Steps) == 0 {
			t.Errorf("%s: no title or no steps", id)
		}
		if (e.Safety == NeedsInput || e.Safety == NeedsEvidence) != (e.Needs.String() != "") {
			t.Errorf("%s: safety %q needs %q", id, e.Safety, e.Needs)
		}
		if !slices.Contains([]string{"", NeedsEvidence, NeedsInput}, e.Safety) || !slices.Contains([]string{"", LowEffort, MediumEffort, HighEffort}, e.Effort) {
			t.Errorf("%s: safety %q, effort %q", id, e.Safety, e.Effort)
		}
		for name := range e.Software {
			if softwareNames[name] == "" {
				t.Errorf("%s: no such software: %s", id, name)
			}
		}
		for _, template := range slices.Concat(append([][]paste.Template{e.Steps, {e.Provider, e.Needs}}, values(e.Software)...)...) {
			text := template.String()
			bare := strings.NewReplacer("{host}", "", "{domain}", "", "{provider}", "", "{policy-hosts}", "", "{dmarc}", "").Replace(text)
			if strings.Contains(bare, "{policy") || strings.Contains(bare, "{dmarc") || strings.Contains(bare, "{host") || strings.Contains(bare, "{domain") || strings.Contains(bare, "{provider") || strings.HasSuffix(text, "\n") {
				t.Errorf("%s: %q", id, text)
			}
		}
	}
	for name := range softwareNames {
		if len(table.Rules["cert-expired"].Software[name]) == 0 {
			t.Errorf("how does one renew a certificate of %s?", name)
		}
	}
	if provider.Default() == nil {
		t.Fatal("no provider table")
	}
}

func values(m map[string][]paste.Template) [][]paste.Template {
	var out [][]paste.Template
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

// settled gives the rules that are built or planned.
func settled(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../../checks/standards.tsv")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{senderNotPassed: true, "spf-sender-error": true}
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(line, "\t"); len(f) > 1 {
			out[strings.TrimSpace(f[1])] = true
		}
	}
	return out
}
