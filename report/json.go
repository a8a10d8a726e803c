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
func JSON(w io.Writer, r *Report) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("write JSON report: %w", err)
	}
	if _, err := io.WriteString(w, escapeHidden(buf.String())); err != nil {
		return fmt.Errorf("write JSON report: %w", err)
	}
	return nil
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
