package checks

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestRulesAreWellFormed(t *testing.T) {
	id := regexp.MustCompile(`^[a-z]+(-[a-z0-9]+)+$`)
	areas := []string{AreaDMARC, AreaSPF, AreaDKIM, AreaTLS, AreaTransport, AreaHosts, AreaReputation, AreaInfo}
	seen := map[string]bool{}
	for _, r := range All() {
		switch {
		case !id.MatchString(r.ID):
			t.Errorf("%q is no rule id", r.ID)
		case seen[r.ID]:
			t.Errorf("%s stands twice", r.ID)
		case !slices.Contains(areas, r.Area):
			t.Errorf("%s: no such area %q", r.ID, r.Area)
		case !slices.Contains(severities, r.Severity):
			t.Errorf("%s: no such severity %q", r.ID, r.Severity)
		case r.Title == "" || strings.HasSuffix(r.Title, "."):
			t.Errorf("%s: title %q", r.ID, r.Title)
		case len(r.Refs) == 0:
			t.Errorf("%s: no source", r.ID)
		case r.Judge == nil:
			t.Errorf("%s: no judgement", r.ID)
		}
		seen[r.ID] = true
	}
}

func TestEveryRuleHasItsPage(t *testing.T) {
	pages, err := fs.Glob(docs, "docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{}
	for _, p := range pages {
		left[strings.TrimSuffix(path.Base(p), ".md")] = true
	}
	for _, r := range All() {
		page, err := Explain(r.ID)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		delete(left, r.ID)
		if want := "# " + r.ID + ": " + r.Title + "\n"; !strings.HasPrefix(page, want) {
			first, _, _ := strings.Cut(page, "\n")
			t.Errorf("%s.md starts %q, want %q", r.ID, first, strings.TrimSpace(want))
		}
		for _, heading := range []string{"\n## Why it matters\n", "\n## How to mend it\n"} {
			if !strings.Contains(page, heading) {
				t.Errorf("%s.md has no section %q", r.ID, strings.TrimSpace(heading))
			}
		}
	}
	for id := range left {
		t.Errorf("docs/%s.md belongs to no rule", id)
	}
}
