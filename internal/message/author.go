package message

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"mxvet/internal/syntax"
)

// An Author is what the From fields say (RFC 5322 section 3.6.2).
type Author struct {
	Fields    int      `json:"from_fields"`
	Addresses []string `json:"addresses,omitempty"`
	Names     []string `json:"display_names,omitempty"`
	Domains   []string `json:"domains,omitempty"` // in A-labels, each once
	Broken    string   `json:"broken,omitempty"`  // why a From field cannot be read by the rules
	// Domain is the one author domain that DMARC judges by; "" where there is not
	// exactly one, and Why says so.
	Domain string `json:"domain,omitempty"`
	Why    string `json:"why,omitempty"`
	// Doubts say what a reader may take for the author besides.
	Doubts []string `json:"doubts,omitempty"`

	opaque []string // charsets of names that cannot be decoded
}

func (m *Message) author() Author {
	var a Author
	var comments []string
	var boxes []mailbox
	many := false
	for _, f := range m.All("From") {
		a.Fields++
		value := f.Value()
		list, said, err := parseAddresses(value)
		many = many || errors.Is(err, errMany)
		comments = append(comments, said...)
		if err == nil {
			boxes = append(boxes, list...)
			for _, box := range list {
				a.add(box.String())
			}
			continue
		}
		if a.Broken == "" {
			a.Broken = "the From field is not written as RFC 5322 section 3.4 asks (" + err.Error() + ")"
		}
		for _, address := range anyAddresses(value) {
			a.add(address)
		}
	}
	unnamed := false
	for _, addr := range a.Addresses {
		d := domainOf(addr)
		if d != "" && a.Broken == "" && !written(addr[strings.LastIndexByte(addr, '@')+1:], d) {
			a.Broken = "the domain in the From field holds characters that no internationalized name has (RFC 5890 section 2.3.2.1, RFC 6532 section 3.1)"
		}
		switch {
		case d == "":
			unnamed = true
		case !slices.Contains(a.Domains, d):
			a.Domains = append(a.Domains, d)
		}
	}
	switch {
	case a.Fields == 0:
		a.Why = "there is no From field"
	case a.Fields > 1:
		a.Why = "there are several From fields"
	case len(a.Addresses) == 0:
		a.Why = "the From field holds no address"
	case many:
		a.Why = "the From field holds more addresses than are read"
	case len(a.Domains) > 1:
		a.Why = "the From field names several domains"
	case len(a.Domains) == 0 || unnamed:
		a.Why = "an address in the From field has no domain name"
	default:
		a.Domain = a.Domains[0]
	}
	a.doubt(boxes, comments)
	return a
}

func (a *Author) add(address string) {
	if len(a.Addresses) < maxAddresses {
		a.Addresses = append(a.Addresses, address)
	}
}

// anyAddresses gives what a lenient reader may find in a field that is not written by
// the rules.
func anyAddresses(value string) (out []string) {
	for word := range strings.FieldsFuncSeq(value, func(c rune) bool { return strings.ContainsRune("<>,;:\"() \t\r\n", c) }) {
		if at := strings.LastIndexByte(word, '@'); at > 0 && len(out) < maxAddresses && !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	return out
}

// written reports whether a name whose A-labels are given is written in these, or in
// U-labels, in whatever case: not in characters that programs map to others, or leave out.
func written(name, ascii string) bool {
	name = strings.TrimSuffix(name, ".")
	if syntax.ASCII(name) {
		return true
	}
	text, err := idna.ToUnicode(ascii)
	if err != nil || !utf8.ValidString(name) || strings.ToLower(name) != text {
		return false
	}
	given, labels := strings.Split(name, "."), strings.Split(ascii, ".")
	for i, label := range given {
		if i >= len(labels) || !syntax.ASCII(label) && !strings.HasPrefix(labels[i], "xn--") {
			return false
		}
	}
	return len(given) == len(labels)
}

// domainOf gives the domain of an address in A-labels, "" where it has none.
func domainOf(address string) string {
	return domainName(address[strings.LastIndexByte(address, '@')+1:])
}

// domainName gives a name in A-labels, lower case, without the final dot; "" for
// what is none.
func domainName(s string) string {
	s = strings.TrimSuffix(strings.TrimSpace(s), ".")
	if len(s) > 1000 {
		return ""
	}
	if !syntax.ASCII(s) {
		ascii, err := idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false)).ToASCII(s)
		if err != nil {
			return ""
		}
		s = ascii
	}
	s = strings.ToLower(s)
	if !syntax.DomainName(s) {
		return ""
	}
	return s
}
