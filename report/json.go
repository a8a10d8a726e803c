package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
)

//go:embed schema.json
var schemaJSON []byte

// Schema gives the JSON schema of the report.
func Schema() []byte { return append([]byte(nil), schemaJSON...) }

// JSON writes the report, indented. The same report gives the same bytes.
// Characters that a terminal or editor would act upon are written as escapes.
func JSON(w io.Writer, r *Report) error { return JSONForm().write(w, r) }

// JSONForm is the form of JSON. What the run cost stands before the domains.
func JSONForm() Form {
	return Form{
		name: "JSON report", shared: true,
		head: func(w io.Writer, r *Report, _ *gist) error {
			var head struct { // the first fields of a Report
				Schema string `json:"schema"`
				Tool   Tool   `json:"tool"`
				Rubric string `json:"rubric"`
				Run    Run    `json:"run"`
			}
			head.Schema, head.Tool, head.Rubric, head.Run = r.Schema, r.Tool, r.Rubric, r.Run
			text, err := encoded(head, "")
			if err != nil {
				return err
			}
			_, err = io.WriteString(w, strings.TrimSuffix(text, "\n}")+",\n  \"domains\": [")
			return err
		},
		domain: func(w io.Writer, part *Report, n nth) error {
			text, err := encoded(part.Domains[0], "    ")
			if err != nil {
				return err
			}
			between := ","
			if n.i == 0 {
				between = ""
			}
			_, err = io.WriteString(w, between+"\n    "+text)
			return err
		},
		tail: func(w io.Writer, _ *Report, g *gist) error {
			var tail struct { // the last ones
				Hosts    []Host     `json:"hosts"`
				Evidence []Evidence `json:"evidence"`
			}
			tail.Hosts, tail.Evidence = append([]Host{}, g.hosts...), append([]Evidence{}, g.evidence...)
			text, err := encoded(tail, "")
			if err != nil {
				return err
			}
			end := "\n  ],"
			if len(g.heads) == 0 {
				end = "],"
			}
			_, err = io.WriteString(w, end+strings.TrimPrefix(text, "{")+"\n")
			return err
		},
	}
}

// encoded gives a value as JSON text, each line after the first behind the prefix.
func encoded(v any, prefix string) (string, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetIndent(prefix, "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", err
	}
	return escapeHidden(strings.TrimSuffix(buf.String(), "\n")), nil
}

// escapeHidden writes hidden characters of JSON text, which can only stand
// inside its strings, as \uXXXX.
func escapeHidden(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, c := range s {
		switch {
		case c == '\n' || !hidden(c):
			b.WriteRune(c)
		case c < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			hi, lo := utf16.EncodeRune(c)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		}
	}
	return b.String()
}
