package zone

import (
	"fmt"
	"slices"
	"strings"
)

// ParseChanges reads record lines as one edit, made in their order. A line is one
// of
//
//	NAME [TTL] [IN] TYPE DATA     the record in place of the RRset
//	+ NAME [TTL] [IN] TYPE DATA   the record beside what is there
//	- NAME TYPE [DATA]            without the record, or without the whole RRset
//
// Several lines of the first kind about one RRset replace it together. Since no
// other record may stand beside an alias (RFC 1034 section 3.6.2), a record that
// replaces takes an alias at its name away, and an alias the records that mail
// asks for. Names are absolute, with or without the final dot; the TTL is 3600
// where none is given.
func ParseChanges(lines []string) ([]Change, error) {
	type set struct{ owner, rrtype string }
	replaced := map[set]bool{}
	var out []Change
	for _, s := range lines {
		c, err := ParseChange(s)
		if err != nil {
			return nil, err
		}
		if key := (set{c.Owner, c.Type}); c.replaces() {
			if replaced[key] {
				c.Remove = nil
			} else {
				out = append(out, c.room()...)
			}
			replaced[key] = true
		}
		out = append(out, c)
	}
	return out, nil
}

// replaces reports whether the change puts records in the place of all.
func (c Change) replaces() bool { return len(c.Add) > 0 && slices.Contains(c.Remove, "*") }

// room gives the changes that take away what cannot stand beside what c adds.
func (c Change) room() []Change {
	types := []string{"CNAME"}
	if c.Type == "CNAME" {
		types = []string{"A", "AAAA", "MX", "TXT"}
	}
	var out []Change
	for _, t := range types {
		out = append(out, Change{Owner: c.Owner, Type: t, Remove: []string{"*"}})
	}
	return out
}

// ParseChange reads one line as ParseChanges does.
func ParseChange(s string) (Change, error) {
	fail := func(why, hint string) (Change, error) {
		return Change{}, fmt.Errorf("record %q: %s: %s", clip(s), why, hint)
	}
	const form = `write NAME TTL IN TYPE DATA, as in 'www.example.com 3600 IN A 192.0.2.80'`
	text := strings.TrimSpace(s)
	mark := ""
	if text != "" && strings.Contains("+-", text[:1]) {
		mark, text = text[:1], strings.TrimSpace(text[1:])
	}
	sc := scanner{text: text, line: 1}
	e, ok := sc.next()
	if _, more := sc.next(); !ok || more {
		return fail("that is not one record", form)
	}
	if e.fault != "" {
		return fail(e.fault, form)
	}
	switch name := e.words[0].text; {
	case name == "@" || !strings.Contains(name, "."):
		return fail(fmt.Sprintf("%s is no whole name", clip(name)), "write it with the domain, as in _dmarc.example.com")
	case !validName(name):
		return fail(fmt.Sprintf("%q is not a domain name", clip(name)), form)
	case mark == "-":
		return parseRemoval(e, fail)
	}
	p := &parser{origin: ".", panel: true}
	p.record(e, true)
	switch {
	case len(p.errs) > 0:
		return fail(p.errs[0].Text, form)
	case slices.ContainsFunc(p.slips, func(s Slip) bool { return s.Kind == SlipQuotes }):
		return fail(fmt.Sprintf("without quotes only %q of the text counts", clip(p.slips[len(p.slips)-1].Said)), `write the text in double quotes: 'NAME TTL IN TXT "TEXT"'`)
	}
	r := p.records[0]
	c := Change{Owner: r.Owner, Type: r.Type, Add: []string{r.Data}, TTL: r.TTL}
	if mark == "" {
		c.Remove = []string{"*"}
	}
	return c, nil
}

func parseRemoval(e entry, fail func(why, hint string) (Change, error)) (Change, error) {
	const form = `write - NAME TYPE or - NAME TYPE DATA, as in '- example.com MX'`
	c := Change{Owner: Name(e.words[0].text)}
	words := e.words[1:]
	for len(words) > 0 {
		if _, isTTL := parseTTL(words[0].text); !isTTL && !strings.EqualFold(words[0].text, "IN") {
			break
		}
		words = words[1:]
	}
	if len(words) == 0 {
		return fail("the type is missing", form)
	}
	rrtype, known := typeName(words[0].text)
	if !known {
		return fail(fmt.Sprintf("%q is not a record type", clip(rrtype)), form)
	}
	c.Type = rrtype
	words = words[1:]
	if len(words) == 0 || len(words) == 1 && words[0].text == "*" {
		c.Remove = []string{"*"}
		return c, nil
	}
	rr, why := newRR(absolute(c.Owner), 0, c.Type, words, ".")
	if why != "" {
		return fail(why, form)
	}
	c.Remove = []string{recordOf(rr).Data}
	return c, nil
}
