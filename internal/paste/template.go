package paste

import (
	"fmt"
	"strings"
)

// A Template is a text of this program's own data files, with places for values in
// braces, such as {host}. It is made by reading such a file, never of what comes
// from outside.
type Template struct{ s string }

// UnmarshalText takes the text of a template.
func (t *Template) UnmarshalText(text []byte) error {
	if s := string(text); strings.ContainsFunc(s, func(c rune) bool { return c != '\n' && hidden(c) }) {
		return fmt.Errorf("a template with control characters: %q", s)
	}
	t.s = string(text)
	return nil
}

// Holds reports whether the template has a place for a value.
func (t Template) Holds(key string) bool { return strings.Contains(t.s, "{"+key+"}") }

// String gives the template as it was read.
func (t Template) String() string { return t.s }

// Instead gives the template with another constant in the place of one.
func (t Template) Instead(old, with constant) Template {
	return Template{strings.ReplaceAll(t.s, string(old), string(with))}
}

// List gives one template of several, between constants.
func List(before constant, parts []Template, between, after constant) Template {
	var texts []string
	for _, p := range parts {
		texts = append(texts, p.s)
	}
	return Template{string(before) + strings.Join(texts, string(between)) + string(after)}
}

// Fill puts values into their places: names, or texts. For a name that cannot stand
// there the key does, in capitals.
func (t Template) Fill(values map[string]any) Text {
	var out Text
	rest := t.s
	for {
		before, after, found := strings.Cut(rest, "{")
		out.s += before
		if !found {
			return out
		}
		key, tail, closed := strings.Cut(after, "}")
		if v, known := values[key]; closed && known {
			out.s += fmt.Sprint(out.take(strings.ToUpper(key), v))
			rest = tail
		} else {
			out.s += "{"
			rest = after
		}
	}
}
