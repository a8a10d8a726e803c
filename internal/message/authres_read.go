package message

import (
	"errors"
	"strings"
)

// readReport reads the payload of an Authentication-Results field (RFC 8601 section
// 2.2): comments and folding may stand between all its parts. Where a part is not
// written so, the parts behind the next semicolon are read all the same.
func readReport(value string) Report {
	p := &scanner{s: value}
	r := Report{}
	fault := func(err error) {
		if err != nil && r.Broken == "" {
			r.Broken = err.Error()
		}
	}
	p.blank()
	start := p.i
	r.ID = strings.ToLower(cut(p.value()))
	if p.blank(); p.at('=') || p.at('/') { // no id, as one large service writes the field
		fault(&badAddress{"it begins with a result, not with the name of a server", start})
		r.ID, p.i = "", start
		r.resinfo(p, fault)
	} else {
		if r.ID == "" {
			fault(p.bad("it names no server"))
		}
		if version := p.digits(); version != "" && strings.Trim(version, "0") != "1" {
			fault(p.bad("version " + cut(version) + " is not known"))
			return r
		}
	}
	for len(r.Claims) < maxClaims {
		if p.blank(); !p.more() {
			break
		}
		if !p.take(';') {
			fault(p.bad("a semicolon is missing"))
			p.skip()
			continue
		}
		if p.blank(); !p.more() {
			break // a semicolon at the end, as many write it
		}
		r.resinfo(p, fault)
	}
	if p.broken {
		fault(p.bad("a comment or a quoted string has no end"))
	}
	return r
}

// skip goes to the next semicolon outside of comments and quoted strings.
func (p *scanner) skip() {
	for p.blank(); p.more() && !p.at(';'); p.blank() {
		if p.at('"') {
			p.quoted()
		} else {
			p.i++
		}
	}
}

// keyword reads a name of letters, digits, hyphens and (tolerated) underscores.
func (p *scanner) keyword() string {
	start := p.i
	for p.more() {
		c := p.s[p.i]
		if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '-' || c == '_') {
			break
		}
		p.i++
	}
	return p.s[start:p.i]
}

func (p *scanner) digits() string {
	start := p.i
	for p.more() && '0' <= p.s[p.i] && p.s[p.i] <= '9' {
		p.i++
	}
	return p.s[start:p.i]
}

// value reads a value: a quoted string, or a token. Tokens are taken in a wide sense,
// up to white space, a comment or a semicolon; those before "=" end there.
func (p *scanner) value() string { return p.wide("=/") }

func (p *scanner) wide(until string) string {
	var b strings.Builder
	for p.more() {
		switch c := p.s[p.i]; {
		case c == '"':
			raw, text := p.quoted()
			if b.Len() == 0 && !p.at('@') {
				b.WriteString(text)
			} else {
				b.WriteString(raw) // a local part
			}
		case strings.IndexByte(" \t\r\n;(", c) >= 0 || strings.IndexByte(until, c) >= 0:
			return b.String()
		default:
			b.WriteByte(c)
			p.i++
		}
	}
	return b.String()
}

var errResult = errors.New("a part is no result of the form method=result")

// resinfo reads one result with its reason and properties.
func (r *Report) resinfo(p *scanner, fault func(error)) {
	method := strings.ToLower(p.keyword())
	p.blank()
	version := ""
	if p.take('/') {
		p.blank()
		version = p.digits()
		p.blank()
	}
	if method == "none" && !p.at('=') {
		p.skip()
		return
	}
	if method == "" || !p.take('=') {
		fault(errResult)
		p.skip()
		return
	}
	p.blank()
	c := Claim{Method: cut(method), Result: cut(strings.ToLower(p.keyword()))}
	if c.Result == "" {
		fault(errResult)
		p.skip()
		return
	}
	if version != "" && strings.TrimLeft(version, "0") != "1" {
		c.Method += "/" + cut(version)
	}
	props := map[string]string{}
	var order []string
	for {
		if p.blank(); !p.more() || p.at(';') {
			break
		}
		start := p.i
		name := strings.ToLower(p.keyword())
		for p.blank(); name != "" && p.take('.'); p.blank() {
			p.blank()
			name += "." + strings.ToLower(p.keyword())
		}
		if name == "" || !p.take('=') {
			fault(&badAddress{"a part is no property of the form type.property=value", start})
			p.skip()
			break
		}
		p.blank()
		value := cut(p.wide(""))
		if _, again := props[name]; !again && len(order) < maxClaims {
			props[name] = value
			order = append(order, name)
		}
	}
	c.Reason = props["reason"]
	c.about(props, order)
	r.Claims = append(r.Claims, c)
}

// Properties that say what a result is about, the more telling first.
var aboutProperties = map[string][]string{
	"spf":   {"smtp.mailfrom", "smtp.mfrom", "smtp.helo"},
	"dkim":  {"header.d", "header.i"},
	"dmarc": {"header.from"},
	"arc":   {},
	"iprev": {"policy.iprev", "smtp.remote-ip"},
	"auth":  {"smtp.auth", "smtp.mailfrom"},
}

func (c *Claim) about(props map[string]string, order []string) {
	names, known := aboutProperties[c.Method]
	if !known {
		names = order
	}
	for _, name := range names {
		if v := props[name]; v != "" && name != "reason" {
			c.About = v
			break
		}
	}
	if c.Method == "dkim" && props["header.d"] == "" {
		_, c.About = cutLast(c.About, '@')
	}
}
