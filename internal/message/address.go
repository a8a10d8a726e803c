package message

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"

	"golang.org/x/net/html/charset"
)

// A mailbox is one address of a field (RFC 5322 section 3.4).
type mailbox struct {
	name   string // that is shown, decoded; "" where there is none
	local  string // as written, with its quotation marks, without comments
	domain string // as written, without comments
	group  string // name of the group that holds it
	route  bool   // it has an obsolete route (section 4.4)
	opaque string // charset of a part of the name that cannot be decoded; "" where all can
}

func (m mailbox) String() string { return m.local + "@" + m.domain }

// maxAddresses bounds the addresses that are read of one field.
const maxAddresses = 100

// A badAddress says where a field departs from the grammar.
type badAddress struct {
	what string
	pos  int
}

func (e *badAddress) Error() string {
	return fmt.Sprintf("%s, at character %d", e.what, e.pos+1)
}

// errMany says that a field holds more than is read.
var errMany = fmt.Errorf("it names more than %d addresses", maxAddresses)

// parseAddresses reads an address list (RFC 5322 section 3.4 with the obsolete forms of
// section 4.4, groups as RFC 6854 allows them in From). It gives what it read up to an
// error, and the comments.
func parseAddresses(value string) (list []mailbox, comments []string, err error) {
	p := &scanner{s: value}
	list, err = p.addresses("")
	if err == nil && p.broken {
		err = &badAddress{"a comment or a quoted string has no end", len(value)}
	}
	if err == nil && len(list) == 0 {
		err = &badAddress{"there is no address", 0}
	}
	return list, p.comments, err
}

func (p *scanner) bad(what string) error { return &badAddress{what, p.i} }

// addresses reads addresses with commas between; within a group up to its semicolon.
func (p *scanner) addresses(group string) (list []mailbox, err error) {
	for {
		p.blank()
		switch {
		case !p.more():
			if group != "" {
				return list, p.bad("the group has no end")
			}
			return list, nil
		case p.at(',') || group != "" && p.at(';'): // empty elements are an obsolete form
			if p.s[p.i] == ';' {
				return list, nil
			}
			p.i++
			continue
		case len(list) >= maxAddresses:
			return list, errMany
		}
		found, err := p.address(group)
		list = append(list, found...)
		if err != nil {
			return list, err
		}
		if p.blank(); p.at('<') {
			return list, p.bad("an address stands where the name belongs, and a name with an @ in it has to stand in quotation marks; or a comma is missing")
		}
		if p.more() && !p.at(',') && (group == "" || !p.at(';')) {
			return list, p.bad("a comma is missing")
		}
	}
}

// A word of a phrase or a local part.
type word struct {
	raw, text string
	dot       bool // a dot alone
	glued     bool // nothing stands between it and the word before
}

// address reads a mailbox or a group.
func (p *scanner) address(group string) ([]mailbox, error) {
	words := p.words()
	switch {
	case p.broken:
		return nil, p.bad("a comment or a quoted string has no end")
	case p.at('@'):
		local, ok := localPart(words)
		if !ok {
			return nil, p.bad("what stands before @ is no local part")
		}
		p.i++
		domain, err := p.domain()
		if err != nil {
			return nil, err
		}
		return []mailbox{{local: local, domain: domain, group: group}}, nil
	case p.at('<'):
		p.i++
		m, err := p.angle()
		m.name, m.opaque = phrase(words)
		m.group = group
		if err != nil {
			return nil, err
		}
		return []mailbox{m}, nil
	case p.at(':') && group == "" && len(words) > 0:
		p.i++
		name, opaque := phrase(words)
		list, err := p.addresses(name + " ")
		for i := range list {
			if list[i].group = name; list[i].opaque == "" {
				list[i].opaque = opaque
			}
		}
		if err == nil && !p.take(';') {
			err = p.bad("the group has no end")
		}
		return list, err
	case len(words) > 0:
		return nil, p.bad("a name without an address")
	}
	return nil, p.bad("unexpected character")
}

// words reads words and dots up to something else.
func (p *scanner) words() (out []word) {
	apart := p.blank()
	for p.more() && !p.broken {
		w := word{glued: !apart}
		switch {
		case p.at('"'):
			w.raw, w.text = p.quoted()
		case p.at('.'):
			p.i++
			w.raw, w.text, w.dot = ".", ".", true
		default:
			if w.raw = p.atom(""); w.raw == "" {
				return out
			}
			w.text = w.raw
		}
		out = append(out, w)
		apart = p.blank()
	}
	return out
}

// localPart joins words that have a dot between each two (obs-local-part).
func localPart(words []word) (string, bool) {
	var b strings.Builder
	for i, w := range words {
		if w.dot != (i%2 == 1) {
			return "", false
		}
		b.WriteString(w.raw)
	}
	return b.String(), len(words)%2 == 1
}

// domain reads a domain, also with blanks around its dots (obs-domain), or a literal.
func (p *scanner) domain() (string, error) {
	p.blank()
	if p.at('[') {
		end := strings.IndexByte(p.s[p.i:], ']')
		if end < 0 {
			return "", p.bad("the address literal has no end")
		}
		text := p.s[p.i : p.i+end+1]
		p.i += end + 1
		return text, nil
	}
	var b strings.Builder
	for {
		part := p.atom("")
		if part == "" {
			return "", p.bad("a part of the domain is missing")
		}
		b.WriteString(part)
		if p.blank(); !p.take('.') {
			return b.String(), nil
		}
		b.WriteByte('.')
		p.blank()
	}
}

// angle reads an address up to ">", with an obsolete route before it.
func (p *scanner) angle() (m mailbox, err error) {
	p.blank()
	for p.at('@') || p.at(',') {
		m.route = true
		if p.take(',') {
			p.blank()
			continue
		}
		p.i++
		if _, err := p.domain(); err != nil {
			return m, err
		}
		if p.take(':') {
			break
		}
		if !p.at(',') {
			return m, p.bad("the route has no end")
		}
	}
	local, ok := localPart(p.words())
	if !ok || !p.take('@') {
		return m, p.bad("what stands between < and > is no address")
	}
	m.local = local
	if m.domain, err = p.domain(); err != nil {
		return m, err
	}
	if p.blank(); !p.take('>') {
		return m, p.bad("a > is missing")
	}
	return m, nil
}

// phrase gives the words of a name for people, and the charset of an encoded word that
// cannot be decoded.
func phrase(words []word) (text, opaque string) {
	var b strings.Builder
	for i, w := range words {
		if i > 0 && !w.glued {
			b.WriteByte(' ')
		}
		b.WriteString(w.text)
	}
	return decoded(b.String())
}

// maxName bounds the name of an address that is decoded and looked at, in bytes.
const maxName = 8000

// decoded gives text with its encoded words decoded (RFC 2047), and the charset of one
// that cannot be: it stays as it is.
func decoded(s string) (text, opaque string) {
	if !strings.Contains(s, "=?") {
		return s, ""
	}
	if len(s) > maxName {
		return s, fmt.Sprintf("more than %d characters", maxName)
	}
	d := mime.WordDecoder{CharsetReader: func(label string, in io.Reader) (io.Reader, error) {
		if lower := strings.ToLower(label); strings.HasPrefix(lower, "utf-16") || strings.HasPrefix(lower, "utf-32") {
			opaque = cut(label) // programs differ in the order of octets
			return nil, errors.New("charset " + label)
		}
		out, err := charset.NewReaderLabel(label, in)
		if err != nil {
			opaque = cut(label)
		}
		return out, err
	}}
	if out, err := d.DecodeHeader(s); err == nil {
		return out, ""
	}
	return s, opaque
}

// parsePath reads a path as Return-Path holds it (RFC 5322 section 3.6.7, RFC 5321
// section 4.1.2): an address in angle brackets, "<>" for the null sender; addresses
// without brackets are taken too.
func parsePath(value string) (address string, ok bool) {
	p := &scanner{s: value}
	if p.blank(); p.at('<') {
		address, ok = p.path()
		if p.blank(); !ok || p.more() {
			return "", false
		}
		return address, true
	}
	list, _, err := parseAddresses(value)
	if err != nil || len(list) != 1 {
		return "", false
	}
	return list[0].String(), true
}

// path reads an address in angle brackets, or "<>".
func (p *scanner) path() (address string, ok bool) {
	p.i++
	if p.blank(); p.take('>') {
		return "", true
	}
	m, err := p.angle()
	if err != nil {
		return "", false
	}
	return m.String(), true
}
