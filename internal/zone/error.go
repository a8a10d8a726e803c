package zone

import (
	"fmt"
	"strings"
)

// An Error is one fault in zone text.
type Error struct {
	File   string
	Line   int // 0 when the fault is the whole text's
	Column int // in octets, counted from 1; 0 when the fault is the whole line's
	Text   string
}

func (e Error) Error() string {
	s := e.Text
	if e.Line > 0 {
		s = fmt.Sprintf("line %d: %s", e.Line, s)
	}
	if e.File != "" {
		s = e.File + ": " + s
	}
	return s
}

// Errors are the faults of one text in the order of its lines, MaxErrors at
// most; the last one then says that reading stopped.
type Errors []Error

func (es Errors) Error() string {
	text := make([]string, len(es))
	for i, e := range es {
		text[i] = e.Error()
	}
	return strings.Join(text, "\n")
}
