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

// A Page is a parsed file of templates, with the head that its pages get.
type Page struct {
	Head
	file string
	set  *template.Template
}

// Load reads the file of that name.
func Load(file string, funcs template.FuncMap) (*Page, error) {
	css, err := FS.ReadFile("report.css")
	if err != nil {
		return nil, fmt.Errorf("page %s: %w", file, err)
	}
	t, err := template.New(file).Funcs(funcs).ParseFS(FS, file)
	if err != nil {
		return nil, fmt.Errorf("page %s: %w", file, err)
	}
	sum := sha256.Sum256(css)
	return &Page{
		file: file, set: t,
		Head: Head{
			CSS:    template.CSS(css),
			Policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'",
		},
	}, nil
}

// Write writes what the template of that name makes of data. Nothing is written where
// that cannot be made.
func (p *Page) Write(w io.Writer, name string, data any) error {
	var buf bytes.Buffer
	if err := p.set.ExecuteTemplate(&buf, name, data); err != nil {
		return fmt.Errorf("page %s: %w", p.file, err)
	}
	if _, err := buf.WriteTo(w); err != nil {
		return fmt.Errorf("write page %s: %w", p.file, err)
	}
	return nil
}

// Write writes the page that a file of one template makes of data, which is given the
// head.
func Write(w io.Writer, file string, funcs template.FuncMap, data func(Head) any) error {
	p, err := Load(file, funcs)
	if err != nil {
		return err
	}
	return p.Write(w, file, data(p.Head))
}
