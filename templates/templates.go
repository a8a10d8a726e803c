// Package templates holds the files that the HTML report is made of: one
// template of html/template, and one style sheet that it puts inline.
package templates

import "embed"

// FS holds report.html.tmpl and report.css.
//
//go:embed report.html.tmpl report.css
var FS embed.FS
