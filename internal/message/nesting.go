package message

import (
	"bytes"
	"mime"
	"strings"
)

// maxNesting bounds how deep the parts of a body are followed. Postfix refuses mail that
// is nested deeper (mime_nesting_limit), and other programs do not look further.
const maxNesting = 100

// maxTypeField bounds what is read of one Content-Type field, in bytes.
const maxTypeField = 2000

// A nesting follows the parts of a body (RFC 2046 sections 5.1 and 5.2.1), line by line,
// to see how deep they stand in each other. Parts that are encoded are not opened.
type nesting struct {
	open   []string       // boundaries of the parts around the line, the outermost first; "" for a message
	level  map[string]int // of the innermost part with that boundary, from 1
	header bool           // the lines are those of a part's header
	field  []byte         // of that header: Content-Type so far
	within bool           // the line before is one of that field
	more   bool           // there are parts deeper than maxNesting
}

// newNesting begins with the value of the message's own Content-Type.
func newNesting(contentType string) *nesting {
	n := &nesting{level: map[string]int{}}
	n.enter(contentType)
	return n
}

// line takes the start of a line.
func (n *nesting) line(text []byte) {
	if len(n.open) > 0 && bytes.HasPrefix(text, []byte("--")) {
		boundary := bytes.TrimRight(text[2:], " \t")
		if level := n.level[string(boundary)]; level > 0 {
			n.leave(level)
			n.header, n.field, n.within = true, nil, false
			return
		}
		if boundary, ends := bytes.CutSuffix(boundary, []byte("--")); ends && n.level[string(boundary)] > 0 {
			n.leave(n.level[string(boundary)] - 1)
			n.header = false
			return
		}
	}
	const name = "content-type:"
	switch {
	case !n.header:
	case len(text) == 0:
		n.header = false
		n.enter(string(n.field))
	case text[0] == ' ' || text[0] == '\t':
		if n.within {
			n.field = append(n.field, text[:min(len(text), maxTypeField-len(n.field))]...)
		}
	default:
		n.within = n.field == nil && len(text) >= len(name) && strings.EqualFold(string(text[:len(name)]), name)
		if n.within {
			n.field = append([]byte{}, text[len(name):min(len(text), maxTypeField)]...)
		}
	}
}

// enter opens what a Content-Type says to hold parts.
func (n *nesting) enter(contentType string) {
	kind, params, err := mime.ParseMediaType(contentType)
	boundary := params["boundary"]
	parts, message := strings.HasPrefix(kind, "multipart/") && boundary != "", kind == "message/rfc822" || kind == "message/global"
	switch {
	case err != nil || !parts && !message:
		return
	case len(n.open) == maxNesting:
		n.more = true
		return
	case message:
		boundary, n.header, n.field, n.within = "", true, nil, false
	}
	n.open = append(n.open, boundary)
	if boundary != "" {
		n.level[boundary] = len(n.open)
	}
}

// leave closes the parts deeper than so many levels.
func (n *nesting) leave(levels int) {
	closed := n.open[levels:]
	n.open = n.open[:levels]
	for _, boundary := range closed {
		delete(n.level, boundary)
	}
	if len(closed) > 0 {
		for i, boundary := range n.open { // one that was closed may stand further out as well
			if boundary != "" {
				n.level[boundary] = i + 1
			}
		}
	}
}
