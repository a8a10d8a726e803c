package checks_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mxvet/checks"
	"mxvet/internal/message"
)

// sections holds the numbers of the sections of the DMARC standards, as their tables
// of contents have them; those of an appendix begin with its letter.
var sections = map[string]string{
	"RFC 9989": `1 2 2.1 2.2 2.3 2.4 3 3.1 3.2 3.2.1 3.2.2 3.2.3 3.2.4 3.2.5 3.2.6 3.2.7 3.2.8 3.2.9
		3.2.10 3.2.10.1 3.2.10.2 3.2.11 3.2.12 3.2.13 3.2.14 3.2.15 3.2.16 3.2.17 3.2.18
		4 4.1 4.2 4.3 4.4 4.4.1 4.4.2 4.4.3 4.5 4.6 4.7 4.8 4.9 4.10 4.10.1 4.10.2
		5 5.1 5.1.1 5.1.2 5.1.3 5.1.4 5.1.5 5.1.6 5.1.7 5.1.8 5.2 5.3 5.3.1 5.3.2 5.3.3 5.3.4 5.3.5 5.3.6
		5.3.7 5.3.8 5.3.9 5.4 6 7 7.1 7.2 7.3 7.4 8 9 9.1 9.2 9.3 9.4 9.5 10 10.1 10.2
		11 11.1 11.2 11.3 11.4 11.5 11.6 11.7 11.8 12 12.1 12.2
		A A.1 A.2 A.3 A.4 A.5 A.6 B B.1 B.1.1 B.1.2 B.2 B.2.1 B.2.2 B.2.3 B.2.4 B.2.5 B.3 B.3.1 B.4 B.4.1
		B.4.2 B.4.3 B.5 C C.1 C.2 C.2.1 C.2.2 C.3 C.4 C.5 C.5.1 C.5.2 C.6 C.7 C.8 C.9 C.10`,
	"RFC 9990": `1 1.1 1.1.1 1.1.2 2 3 3.1 3.1.1 3.1.2 3.1.3 3.1.4 3.1.5 3.1.6 3.2 3.3 3.4 3.5 3.5.1 3.5.2
		3.5.3 3.5.4 4 5 6 6.1 6.2 7 7.1 7.2 7.3 8 8.1 8.2 8.3 9 9.1 9.2 9.3 10 10.1 10.2 A B C`,
	"RFC 9991": `1 1.1 1.2 2 3 4 5 5.1 6 6.1 7 7.1 7.2 7.3 8 8.1 9 9.1 9.2 A`,
}

// A citation is a document, the kind of its part, and the numbers: "RFC 9989 sections
// 4.7 and 4.8". A comma after which no document stands goes on with the numbers.
var citation = regexp.MustCompile(`(RFC 99(?:89|90|91)) (sections?|[aA]ppendix|[aA]ppendices) ((?:[A-C]|[0-9]+)(?:\.[0-9]+)*(?:(?:, | and |, and )(?:[A-C]|[0-9]+)(?:\.[0-9]+)*)*)`)

// cited gives what is wrong with the citations of the DMARC standards in a text.
func cited(text string) (wrong []string) {
	text = strings.Join(strings.Fields(strings.ReplaceAll(text, "//", " ")), " ")
	for _, m := range citation.FindAllStringSubmatch(text, -1) {
		numbers := regexp.MustCompile(`, and |, | and `).Split(m[3], -1)
		appendix := !strings.HasPrefix(m[2], "section")
		for _, n := range numbers {
			switch known := slices.Contains(strings.Fields(sections[m[1]]), n); {
			case !known:
				wrong = append(wrong, m[1]+" has no "+n)
			case appendix != strings.Contains("ABC", n[:1]):
				wrong = append(wrong, m[0]+": A to C are appendices, and only they")
			}
		}
		if len(numbers) > 1 != strings.HasSuffix(m[2], "s") {
			wrong = append(wrong, m[0]+": one or several")
		}
	}
	return wrong
}

// Rules, pages and comments cite no section of the DMARC standards that there is not.
func TestCitations(t *testing.T) {
	for text, want := range map[string]int{
		"RFC 9989 section 4.7": 0, "RFC 9989 sections 4.7, 4.8 and 11.8; RFC 9990 section 4": 0, "RFC 9989 appendix C.3": 0,
		"RFC 9989 section 4.11": 1, "RFC 9990 sections 4 and 11.2": 1, "RFC 9989 section C.3": 1, "RFC 9991 appendix B": 1,
		"RFC 9989\n// section 5.1.9": 1, "RFC 9989 sections 4.7": 1,
	} {
		if wrong := cited(text); len(wrong) != want {
			t.Errorf("%q: %q, want %d", text, wrong, want)
		}
	}
	for _, r := range slices.Concat(checks.All(), message.Rules(nil)) {
		for _, wrong := range cited(strings.Join(r.Refs, "; ")) {
			t.Errorf("%s: %s", r.ID, wrong)
		}
	}
	for _, pattern := range []string{
		"docs/*.md", "*.go", "../docs/*.md", "../README.md", "../internal/*/*.go", "../internal/*/docs/*.md", "../internal/fix/*.yaml", "../report/*.go", "../cmd/mxvet/*.go",
	} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files, %v", pattern, err)
		}
		for _, file := range files {
			if filepath.Base(file) == "citations_test.go" {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, wrong := range cited(string(text)) {
				t.Errorf("%s: %s", file, wrong)
			}
		}
	}
}
