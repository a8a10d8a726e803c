// Package templates holds the files that HTML reports are made of: templates of
// html/template, one for audits and one for messages, and the style sheet that both
// put inline.
package templates

import "embed"

// FS holds report.html.tmpl, message.html.tmpl and report.css.
//
//go:embed report.html.tmpl message.html.tmpl report.css
var FS embed.FS
