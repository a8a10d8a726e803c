package checks

import (
	"embed"
	"fmt"
)

// A page a rule: a heading "RULE-ID: TITLE", then what the rule asks for, why it
// matters, and how to mend a failure. Severity and sources are the rule's own.
//
//go:embed docs/*.md
var docs embed.FS

//go:embed standards.tsv
var standards string

// Explain gives the page of a rule, in Markdown that reads well as plain text.
func Explain(id string) (string, error) {
	page, err := docs.ReadFile("docs/" + id + ".md")
	if err != nil {
		return "", fmt.Errorf("no page for rule %q", id)
	}
	return string(page), nil
}

// Standards gives the table of requirements: one line each, id, rule and note
// separated by tabs. The rule is "-" where none is built, and the note says why;
// the note "planned: ..." marks a rule that is still to come, and says what for.
func Standards() string { return standards }
