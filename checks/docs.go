package checks

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

// A page a rule: a heading "RULE-ID: TITLE", then what the rule asks for, why it
// matters, and how to mend a failure. Severity and sources are the rule's own.
//
//go:embed docs/*.md
var docs embed.FS

//go:embed standards.tsv
var standards string

// drafts is what pages say whose rules cite the new DMARC standards: these were
// checked against the last draft of each, not against the final text.
const drafts = `
RFC 9989, 9990 and 9991 were read in their last drafts (the first is
draft-ietf-dmarc-dmarcbis-41); a section may have another number in the RFC.
`

// Explain gives the page of a rule, in Markdown that reads well as plain text.
func Explain(id string) (string, error) {
	page, err := docs.ReadFile("docs/" + id + ".md")
	if err != nil {
		return "", fmt.Errorf("no page for rule %q", id)
	}
	for _, r := range All() {
		if r.ID == id && slices.ContainsFunc(r.Refs, citesDraft) {
			return string(page) + drafts, nil
		}
	}
	return string(page), nil
}

// Standards gives the table of requirements: one line each, id, rule and note
// separated by tabs. The rule is "-" where none is built, and the note says why;
// the note "planned: ..." marks a rule that is still to come, and says what for.
func Standards() string { return standards }

func citesDraft(ref string) bool {
	return strings.HasPrefix(ref, "RFC 9989") || strings.HasPrefix(ref, "RFC 9990") || strings.HasPrefix(ref, "RFC 9991")
}
