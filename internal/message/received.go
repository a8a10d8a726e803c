package message

import (
	"fmt"
	"net/mail"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"mxvet/internal/psl"
	"mxvet/internal/wire"
)

// A Hop is what one Received field says (RFC 5321 section 4.4), as far as it can
// be read: every program writes it in its own way.
type Hop struct {
	Number int        `json:"number"` // 1 is the topmost, the last hop
	Helo   string     `json:"helo,omitempty"`
	names  []string   // of the client by reverse lookup, which the server made
	IP     netip.Addr `json:"ip,omitzero"`
	By     string     `json:"by,omitempty"`
	With   string     `json:"with,omitempty"` // protocol, as written
	TLS    TLS        `json:"tls"`
	Sender string     `json:"sender,omitempty"` // MAIL FROM, where the field says so
	Time   time.Time  `json:"time,omitzero"`
	field  int        // index of the field
}

// TLS says whether a hop was encrypted.
type TLS string

// What a Received field tells about encryption.
const (
	TLSYes     TLS = "yes"
	TLSNo      TLS = "no"      // SMTP or ESMTP, and nothing about TLS
	TLSUnknown TLS = "unknown" // another protocol, or none is named
)

// Public reports whether the client has an address of the public internet. The
// networks of documentation count as public here.
func (h Hop) public() bool {
	if !h.IP.IsValid() {
		return false
	}
	_, special := wire.SpecialButDocumentation(h.IP)
	return !special
}

// maxHops bounds the Received fields that are read. Servers refuse messages with
// about a hundred.
const maxHops = 200

func (m *Message) hops() []Hop {
	var out []Hop
	for i, f := range m.Fields {
		if f.Is("Received") && len(out) < maxHops {
			h := parseReceived(f.Value())
			h.Number, h.field = len(out)+1, i
			out = append(out, h)
		}
	}
	return out
}

// A token of a structured field: a word, or a comment without its parentheses.
type token struct {
	text    string
	comment bool
}

// tokens splits a field at blanks and comments. Comments may be nested.
func tokens(s string) []token {
	var out []token
	start, depth := -1, 0
	flush := func(end int, comment bool) {
		if start >= 0 && end > start {
			out = append(out, token{s[start:end], comment})
		}
		start = -1
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && depth > 0:
			i++
		case c == '(':
			if depth == 0 {
				flush(i, false)
				start = i + 1
			}
			depth++
		case c == ')' && depth > 0:
			if depth--; depth == 0 {
				flush(i, true)
			}
		case depth > 0:
		case c == ' ' || c == '\t':
			flush(i, false)
		case start < 0:
			start = i
		}
	}
	flush(len(s), depth > 0)
	return out
}

// What programs write about TLS beside the protocol's name.
var speaksTLS = regexp.MustCompile(`(?i)\b(tls ?v?1|ssl ?v?3|version=tls|cipher[= ]|using tls|tls_[a-z0-9]+_|encrypted)`)

func parseReceived(value string) Hop {
	h := Hop{TLS: TLSUnknown}
	text := value
	if i := strings.LastIndexByte(value, ';'); i >= 0 {
		text = value[:i]
		if t, err := mail.ParseDate(strings.TrimSpace(value[i+1:])); err == nil {
			h.Time = t.UTC()
		}
	}
	clause := ""
	var from []token
	for _, t := range tokens(text) {
		lower := strings.ToLower(t.text)
		switch {
		case t.comment && clause == "from":
			from = append(from, t)
		case t.comment:
		case lower == "from" && clause == "":
			clause = "from"
			continue
		case lower == "by" && (clause == "from" || clause == ""), lower == "via", lower == "with", lower == "id", lower == "for":
			clause = lower
			continue
		case clause == "from":
			from = append(from, t)
		case clause == "by" && h.By == "":
			h.By = strings.TrimSuffix(strings.ToLower(t.text), ".")
		case clause == "with" && h.With == "":
			h.With = t.text
		}
		if t.comment {
			if at := strings.Index(lower, "envelope-from <"); at >= 0 {
				h.Sender, _, _ = strings.Cut(t.text[at+len("envelope-from <"):], ">")
			}
		}
	}
	h.client(from)
	h.transport(text)
	return h
}

// client reads the clause that names the client.
func (h *Hop) client(from []token) {
	add := func(name string) {
		name = strings.TrimSuffix(strings.ToLower(name), ".")
		if strings.Contains(name, ".") && !slices.Contains(h.names, name) {
			h.names = append(h.names, name)
		}
	}
	for i, t := range from {
		words := strings.FieldsFunc(t.text, func(c rune) bool { return c == ' ' || c == '\t' || c == '(' || c == ')' })
		for j, w := range words {
			lower := strings.ToLower(w)
			if helo, ok := strings.CutPrefix(lower, "helo="); ok {
				h.Helo = strings.Trim(helo, "[]")
				continue
			}
			if lower == "helo" || lower == "ehlo" {
				if j+1 < len(words) {
					h.Helo = strings.ToLower(words[j+1])
				}
				continue
			}
			w = strings.Trim(w, "[]")
			w = strings.TrimPrefix(strings.TrimPrefix(w, "IPv6:"), "ipv6:")
			if host, _, ok := strings.Cut(w, "]:"); ok { // "[192.0.2.1]:1234"
				w = host
			}
			if ip, err := netip.ParseAddr(w); err == nil {
				// The address that the server saw stands in brackets or a comment; the
				// word after "from" is what the client says.
				if !h.IP.IsValid() || i > 0 && t.comment && h.Helo == "" {
					h.IP = ip.Unmap().WithZone("")
				}
				continue
			}
			if i == 0 && !t.comment && h.Helo == "" {
				h.Helo = strings.TrimSuffix(lower, ".")
			}
			if t.comment {
				add(w)
			}
		}
	}
}

// transport reads how the hop was made.
func (h *Hop) transport(text string) {
	switch with := strings.ToUpper(h.With); with {
	case "ESMTPS", "ESMTPSA", "SMTPS", "UTF8SMTPS", "UTF8SMTPSA", "LMTPS", "LMTPSA", "UTF8LMTPS", "UTF8LMTPSA", "HTTPS":
		h.TLS = TLSYes
	case "SMTP", "ESMTP", "ESMTPA", "UTF8SMTP", "UTF8SMTPA":
		h.TLS = TLSNo
	}
	if h.TLS != TLSYes && speaksTLS.MatchString(text) {
		h.TLS = TLSYes
	}
}

// border finds the hop at which the message came to its receiver: the topmost one
// from a public address that no reverse lookup shows to be a host of the server's
// own organization. It is a guess, and doubt says what speaks against it. What a
// client calls itself decides nothing: the sender chooses that.
func border(hops []Hop, list *psl.List) (found *Hop, doubt string) {
	public := 0
	for i := range hops {
		h := &hops[i]
		if !h.public() {
			continue
		}
		if public++; found == nil && !h.inside(list, h.names...) {
			found = h
		}
	}
	for i := range hops {
		if found == nil && hops[i].public() {
			found, doubt = &hops[i], "the client is a host of the server's own organization"
		}
	}
	switch {
	case found == nil || doubt != "":
	case found.inside(list, found.Helo):
		doubt = "the client calls itself a host of the server's own organization"
	case public > 1:
		doubt = fmt.Sprintf("%d fields name a public address", public)
	}
	return found, doubt
}

// inside reports that one of the client's names is of the server's organization.
func (h Hop) inside(list *psl.List, names ...string) bool {
	by := domainName(h.By)
	return by != "" && slices.ContainsFunc(names, func(n string) bool {
		n = domainName(n)
		return n != "" && list.OrgDomain(n, true) == list.OrgDomain(by, true)
	})
}

// describe names a hop for people.
func (h Hop) describe(of int) string {
	s := fmt.Sprintf("Received field %d of %d", h.Number, of)
	if h.By != "" {
		s += ", written by " + h.By
	}
	return s
}
