// Package templates makes the pages that reports are: templates of html/template, one
// for audits and one for messages, and the style sheet that both put inline.
package templates

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
)

// FS holds report.html.tmpl, message.html.tmpl and report.css.
//
//go:embed report.html.tmpl message.html.tmpl report.css
var FS embed.FS

// A Head is what every page puts into its own head.
type Head struct {
	CSS    template.CSS // the style sheet
	Policy string       // content security policy: this style sheet, and nothing else
}

// Write writes the page that the template of that name makes of data, which is given the
// head. Nothing is written where the page cannot be made.
func Write(w io.Writer, name string, funcs template.FuncMap, data func(Head) any) error {
	css, err := FS.ReadFile("report.css")
	if err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	t, err := template.New(name).Funcs(funcs).ParseFS(FS, name)
	if err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	sum := sha256.Sum256(css)
	var buf bytes.Buffer
	if err := t.Execute(&buf, data(Head{
		CSS:    template.CSS(css),
		Policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'",
	})); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	if _, err := buf.WriteTo(w); err != nil {
		return fmt.Errorf("write page %s: %w", name, err)
	}
	return nil
}
