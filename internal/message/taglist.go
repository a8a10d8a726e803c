package message

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"mxvet/internal/syntax"
)

// A Remark is a departure from what a standard asks of a field.
type Remark struct {
	Text string `json:"text"`
	Pos  int    `json:"position"` // byte offset in the field; 0 where it concerns the whole
}

// A tagList is the value of a DKIM or ARC field (RFC 6376 section 3.2).
type tagList struct {
	tags    []syntax.Tag
	values  map[string]string // of the first tag of a name
	at      map[string]int    // where its value begins in the field
	remarks []Remark          // departures from the grammar: a verifier must refuse the list (section 6.1.1)
}

// maxTags bounds the tags of one field.
const maxTags = 100

// readTagList reads the value of a field.
func readTagList(f Field) tagList {
	value := f.Raw[strings.IndexByte(f.Raw, ':')+1:]
	offset := len(f.Raw) - len(value)
	t := tagList{values: map[string]string{}, at: map[string]int{}}
	var problems []syntax.TagProblem
	t.tags, problems = syntax.ReadTags(value, maxTags)
	for i := range t.tags {
		tag := &t.tags[i]
		tag.Pos, tag.ValuePos = tag.Pos+offset, tag.ValuePos+offset
		if _, again := t.values[tag.Name]; !again {
			t.values[tag.Name], t.at[tag.Name] = tag.Value, tag.ValuePos
		}
	}
	for _, p := range problems {
		text := p.String()
		switch {
		case p.Fault == syntax.TagNoPair:
			text = syntax.Quote(p.Item) + " is no tag: it has no \"=\""
		case p.Fault == syntax.TagTwice:
			text = "tag " + cut(p.Name) + " stands twice"
		case p.Fault == syntax.TagOctet && p.Item[0] >= utf8.RuneSelf && utf8.ValidString(t.values[p.Name]):
			continue // text in UTF-8 (RFC 8616 section 5)
		}
		t.remark(p.Pos+offset, "%s", cut(text))
	}
	return t
}

func (t *tagList) remark(pos int, format string, args ...any) {
	if len(t.remarks) < 20 {
		t.remarks = append(t.remarks, Remark{fmt.Sprintf(format, args...), pos})
	}
}

// get gives a tag's value without any blanks in it, as lenient readers take it.
func (t tagList) get(name string) string { return squeeze(t.values[name]) }

func (t tagList) has(name string) bool { _, ok := t.values[name]; return ok }

// list gives the parts of a value with colons, without blanks.
func (t tagList) list(name string) []string {
	if !t.has(name) {
		return nil
	}
	return strings.Split(t.get(name), ":")
}

func squeeze(s string) string {
	if !strings.ContainsAny(s, syntax.Blanks) {
		return s
	}
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune(syntax.Blanks, c) {
			return -1
		}
		return c
	}, s)
}

// forms reads the tag c: whether header and body are relaxed (RFC 6376 section 3.5).
func (t tagList) forms() (header, body bool, err error) {
	h, b, found := strings.Cut(t.get("c"), "/")
	if !found {
		b = "simple"
	}
	if h == "" && !found {
		h = "simple"
	}
	for _, f := range []string{h, b} {
		if f != "simple" && f != "relaxed" {
			err = errors.New("unknown canonical form " + syntax.Quote(f))
		}
	}
	return h == "relaxed", b == "relaxed", err
}

// A tagRule says what the value of a tag may be: it gives what is wrong with it.
type tagRule func(t tagList, value string) string

// Rules of the tags of signatures (RFC 6376 section 3.5).
var signatureTags = map[string]tagRule{
	"a":  keyword("rsa-sha256", "ed25519-sha256", "rsa-sha1"),
	"b":  base64Value,
	"bh": base64Value,
	"c": func(t tagList, value string) string {
		if _, _, err := t.forms(); err != nil {
			return err.Error()
		}
		if value == "" {
			return "there is no value"
		}
		return inner(value)
	},
	"d": nameValue,
	"h": fieldNames,
	"i": identity,
	"l": digits(76),
	"q": func(t tagList, _ string) string {
		if !slices.Contains(t.list("q"), "dns/txt") {
			return "no way to get the key that is known: only dns/txt is"
		}
		return ""
	},
	"s": nameValue,
	"t": digits(12),
	"v": keyword("1"),
	"x": digits(12),
}

// check holds the values against the rules of these tags, all of which have one, and
// says which of the required ones are missing.
func (t *tagList) check(known, required string) {
	for name := range strings.FieldsSeq(required) {
		if !t.has(name) {
			t.remark(0, "there is no tag %s", name)
		}
	}
	for name := range strings.FieldsSeq(known) {
		if !t.has(name) {
			continue
		}
		if wrong := signatureTags[name](*t, t.values[name]); wrong != "" {
			t.remark(t.at[name], "tag %s: %s", name, wrong)
		}
	}
}

// inner says whether blanks stand within a value that has none.
func inner(value string) string {
	if strings.ContainsAny(value, syntax.Blanks) {
		return "blanks within the value"
	}
	return ""
}

func keyword(known ...string) tagRule {
	return func(_ tagList, value string) string {
		if !slices.Contains(known, value) {
			return syntax.Quote(value) + " is not known"
		}
		return ""
	}
}

func digits(most int) tagRule {
	return func(_ tagList, value string) string {
		if value == "" || len(value) > most || strings.Trim(value, "0123456789") != "" {
			return fmt.Sprintf("%s is no number of 1 to %d digits", syntax.Quote(value), most)
		}
		return ""
	}
}

func nameValue(_ tagList, value string) string {
	if wrong := inner(value); wrong != "" {
		return wrong
	}
	if domainName(value) == "" || strings.HasSuffix(value, ".") {
		return syntax.Quote(value) + " is no domain name"
	}
	return ""
}

func base64Value(_ tagList, value string) string {
	if _, err := decodeBase64(squeeze(value)); err != nil || value == "" {
		return "the value is not base64"
	}
	return ""
}

// fieldNames is the rule of the tag h: names of fields with colons between, of which
// one is From (section 5.4).
func fieldNames(t tagList, value string) string {
	from := false
	for part := range strings.SplitSeq(value, ":") {
		part = strings.Trim(part, syntax.Blanks)
		if !fieldName(part) || strings.ContainsRune(part, ';') {
			return syntax.Quote(part) + " is no name of a field"
		}
		from = from || strings.EqualFold(part, "From")
	}
	if !from {
		return "the From field is not signed"
	}
	return ""
}

// identity is the rule of the tag i: an address, or @ and a domain, of the domain d or
// one below it, by names without regard to case.
func identity(t tagList, value string) string {
	at := strings.LastIndexByte(value, '@')
	if at < 0 {
		return syntax.Quote(value) + " has no @"
	}
	if wrong := nameValue(t, value[at+1:]); wrong != "" {
		return wrong
	}
	d, own := domainName(t.get("d")), domainName(value[at+1:])
	if own != d && !strings.HasSuffix(own, "."+d) {
		return syntax.Quote(value) + " is not of the domain " + syntax.Quote(d)
	}
	return ""
}
