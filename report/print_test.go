package report

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"mxvet/templates"
)

// On paper, cards that are longer than a page, or than what is left of one, go on
// on the next: only their small parts are kept whole.
func TestPrintBreaksLongCards(t *testing.T) {
	css, err := templates.FS.ReadFile("report.css")
	if err != nil {
		t.Fatal(err)
	}
	_, sheet, ok := strings.Cut(string(css), "@media print")
	if !ok {
		t.Fatal("no print sheet")
	}
	rules := regexp.MustCompile(`(?m)^\s*([^{}\n]+)\{[^}]*break-inside: avoid`).FindAllStringSubmatch(sheet, -1)
	if len(rules) == 0 {
		t.Error("nothing is kept whole, not even a row of a table")
	}
	for _, rule := range rules {
		for selector := range strings.SplitSeq(rule[1], ",") {
			switch strings.TrimSpace(selector) {
			case ".fix", ".finding", ".card", "section", "article", "pre", "details", ".stage", "ul", "ol", "table":
				t.Errorf("%s may be longer than a page, and is kept whole", selector)
			}
		}
	}
}

// On paper, where nothing is folded away, a long conversation that many findings cite
// is printed once.
func TestPrintShowsEvidenceOnce(t *testing.T) {
	r := sampleTypical(t)
	d := &r.Domains[0]
	var out bytes.Buffer
	if err := HTML(&out, r); err != nil {
		t.Fatal(err)
	}
	cited := map[string]int{}
	for _, f := range d.Findings {
		for _, ref := range f.Evidence {
			cited[ref]++
		}
	}
	again := 0
	for _, n := range cited {
		again += n - 1
	}
	if again == 0 {
		t.Fatal("the sample cites nothing twice")
	}
	if got := strings.Count(out.String(), `<dd class="again">`); got != again {
		t.Errorf("%d pieces of evidence are marked as shown before, want %d", got, again)
	}
	if got := strings.Count(out.String(), "(shown above)"); got != again {
		t.Errorf("%d say where they are shown, want %d", got, again)
	}
}
