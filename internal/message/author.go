package message

import (
	"errors"
	"io"
	"mime"
	"net/mail"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"mxvet/internal/syntax"
)

// An Author is what the From fields say (RFC 5322 section 3.6.2).
type Author struct {
	Fields    int      `json:"from_fields"`
	Addresses []string `json:"addresses,omitempty"`
	Domains   []string `json:"domains,omitempty"` // in A-labels, each once
	Broken    string   `json:"broken,omitempty"`  // why a From field cannot be read by the rules
	// Domain is the one author domain that DMARC judges by; "" where there is not
	// exactly one, and Why says so.
	Domain string `json:"domain,omitempty"`
	Why    string `json:"why,omitempty"`
}

func (m *Message) author() Author {
	var a Author
	for _, f := range m.All("From") {
		a.Fields++
		addresses, err := parseAddresses(f.Value())
		if err != nil && a.Broken == "" {
			a.Broken = err.Error()
		}
		a.Addresses = append(a.Addresses, addresses...)
	}
	unnamed := false
	for _, addr := range a.Addresses {
		d := domainOf(addr)
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
	case len(a.Domains) > 1:
		a.Why = "the From field names several domains"
	case len(a.Domains) == 0 || unnamed:
		a.Why = "an address in the From field has no domain name"
	default:
		a.Domain = a.Domains[0]
	}
	return a
}

// maxAddresses bounds the addresses that are read of one field.
const maxAddresses = 100

// parseAddresses reads the addresses of a field. Where it is not written by the
// rules, it gives what a lenient reader finds, beside the error.
func parseAddresses(value string) ([]string, error) {
	p := mail.AddressParser{WordDecoder: &mime.WordDecoder{
		CharsetReader: func(_ string, r io.Reader) (io.Reader, error) { return r, nil }, // names are not used
	}}
	list, err := p.ParseList(value)
	if err == nil {
		out := make([]string, 0, len(list))
		for _, a := range list[:min(len(list), maxAddresses)] {
			out = append(out, a.Address)
		}
		return out, nil
	}
	var out []string
	for word := range strings.FieldsFuncSeq(value, func(c rune) bool { return strings.ContainsRune("<>,;:\"() \t", c) }) {
		if at := strings.LastIndexByte(word, '@'); at > 0 && len(out) < maxAddresses && !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	return out, errors.New("the From field is not written as RFC 5322 section 3.4 asks")
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
