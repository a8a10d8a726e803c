package syntax

import (
	"fmt"
	"strconv"
	"strings"
)

// A Tag is one name=value pair of a tag list (RFC 6376 section 3.2), as DKIM keys
// and signatures, DMARC and BIMI records have it.
type Tag struct {
	Name, Value string // blanks and line breaks around both removed
	Pos         int    // byte offset of the name
	ValuePos    int    // byte offset of the value
}

// A TagFault is one way in which a text departs from the grammar of a tag list.
type TagFault int

// Departures from the grammar.
const (
	TagNoPair   TagFault = iota // an item without "="
	TagBadName                  // a name that is not a letter, then letters, digits and underscores
	TagEmpty                    // nothing before a semicolon
	TagEmptyEnd                 // the same at the end: more than the one semicolon that may stand there
	TagTwice                    // a name that was there before
	TagOctet                    // an octet that no value may hold
	TagLimit                    // more tags than are read; the rest was left out
)

// A TagProblem is one departure.
type TagProblem struct {
	Fault TagFault
	Name  string // of the tag, "" where the item has none
	Item  string // the item; for TagOctet the octet, for TagLimit how many tags were read
	Pos   int    // byte offset
}

// String says in words what is wrong.
func (p TagProblem) String() string {
	switch p.Fault {
	case TagNoPair:
		return Quote(p.Item) + " is no name=value pair"
	case TagBadName:
		return Quote(p.Name) + " is no tag name"
	case TagTwice:
		return "tag " + p.Name + " occurs more than once"
	case TagOctet:
		return fmt.Sprintf("octet 0x%02x in the value of %s", p.Item, p.Name)
	case TagLimit:
		return "only the first " + p.Item + " tags are examined"
	}
	return "a semicolon with nothing before it"
}

// Blanks are the characters that may stand around the names and values of a tag
// list, and between the words of a value: those of folding white space.
const Blanks = " \t\r\n"

// ReadTags splits a text at semicolons into at most so many tags. It gives every
// item that has a name before an "=", also such as are misnamed or repeated, in the
// order of the text, and every departure from the grammar.
func ReadTags(text string, most int) (tags []Tag, problems []TagProblem) {
	seen := map[string]bool{}
	empty := -1 // position of the first semicolon with nothing before it, of several in a row
	for pos := 0; pos <= len(text); {
		item, _, more := strings.Cut(text[pos:], ";")
		at, end := pos+len(item)-len(strings.TrimLeft(item, Blanks)), pos+len(item)
		pos = end + 1
		if strings.Trim(item, Blanks) == "" {
			if more && empty < 0 {
				empty = end
			}
			continue
		}
		if empty >= 0 {
			problems = append(problems, TagProblem{Fault: TagEmpty, Pos: empty})
			empty = -1
		}
		if len(tags) == most {
			return tags, append(problems, TagProblem{Fault: TagLimit, Item: strconv.Itoa(most), Pos: at})
		}
		name, value, ok := strings.Cut(item, "=")
		name = strings.Trim(name, Blanks)
		trimmed := strings.Trim(item, Blanks)
		if !ok {
			problems = append(problems, TagProblem{TagNoPair, "", trimmed, at})
			continue
		}
		if !TagName(name) {
			problems = append(problems, TagProblem{TagBadName, name, trimmed, at})
			if name == "" {
				continue
			}
		}
		if seen[name] {
			problems = append(problems, TagProblem{TagTwice, name, trimmed, at})
		}
		seen[name] = true
		t := Tag{Name: name, Value: strings.Trim(value, Blanks), Pos: at, ValuePos: end - len(value)}
		if t.Value != "" {
			t.ValuePos = end - len(strings.TrimLeft(value, Blanks))
		}
		if i := badOctet(t.Value); i >= 0 {
			problems = append(problems, TagProblem{TagOctet, name, t.Value[i : i+1], t.ValuePos + i})
		}
		tags = append(tags, t)
	}
	if empty >= 0 {
		problems = append(problems, TagProblem{Fault: TagEmptyEnd, Pos: empty})
	}
	return tags, problems
}

// badOctet gives the first octet that is neither printable ASCII nor a blank, -1
// where there is none.
func badOctet(s string) int {
	for i := range len(s) {
		if c := s[i]; (c <= ' ' || c > '~') && strings.IndexByte(Blanks, c) < 0 {
			return i
		}
	}
	return -1
}

// TagName reports whether s is the name of a tag: a letter, then letters, digits
// and underscores.
func TagName(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; 'a' <= c && c <= 'z' {
			continue
		}
		if i == 0 || !('0' <= s[i] && s[i] <= '9') && s[i] != '_' {
			return false
		}
	}
	return s != ""
}
