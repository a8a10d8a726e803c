package message

import (
	"fmt"
	"net/mail"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"mxvet/internal/wire"
)

// A Hop is what one Received field says (RFC 5321 section 4.4), as far as it can
// be read: every program writes it in its own way. What the server saw (address,
// name) is kept apart from what its peer said (HELO).
type Hop struct {
	Number int        `json:"number"`         // 1 is the topmost, the last hop
	Helo   string     `json:"helo,omitempty"` // as the client said it; an address in brackets
	Name   string     `json:"client_name,omitempty"`
	IP     netip.Addr `json:"ip,omitzero"`
	By     string     `json:"by,omitempty"`
	With   string     `json:"with,omitempty"` // protocol, as written
	TLS    TLS        `json:"tls"`
	Sender string     `json:"sender,omitempty"` // MAIL FROM, where the field says so
	Time   time.Time  `json:"time,omitzero"`
	Delay  *int64     `json:"delay_seconds,omitempty"` // since the hop before; below 0 the clocks differ
	Doubt  string     `json:"doubt,omitempty"`         // why the client's address is not known
	// Verified says that the server writes a name of the client only if that leads
	// back to the address.
	Verified bool `json:"name_verified,omitempty"`

	local bool // the message was handed on inside: by a program that names no client there, or by a protocol of the inside
	user  bool // a user handed the message in: on that very host, or after he logged in
	alone bool // the server looked for a name of the client that leads back to it, and found none
	field int  // index of the field
}

// nowhereNets lists networks of which no address tells where its owner is, although they are
// of the internet: 6to4 (RFC 7526) and identifiers without a place (RFC 7343).
var nowhereNets = []netip.Prefix{sixToFour, netip.MustParsePrefix("2001:20::/28")}

// translated is the network in whose addresses IPv4 addresses stand (RFC 6052).
var translated = netip.MustParsePrefix("64:ff9b::/96")

// public reports whether the client has an address of the public internet. The
// networks of documentation count as public here.
func (h Hop) public() bool {
	if !h.IP.IsValid() || slices.ContainsFunc(nowhereNets, func(p netip.Prefix) bool { return p.Contains(h.IP) }) {
		return false
	}
	_, special := wire.SpecialButDocumentation(h.IP)
	return !special
}

// inner reports whether the client has an address that a host of the receiver's own may
// have: of a private network (RFC 1918, RFC 4193), of this host or of this link. No other
// address that is not of the public internet tells where a message came from.
func (h Hop) inner() bool {
	return h.IP.IsValid() && (h.IP.IsPrivate() || h.IP.IsLoopback() || h.IP.IsLinkLocalUnicast())
}

// outside reports whether the message may have come in from the internet at this hop.
func (h Hop) outside() bool { return !h.local && (h.Doubt != "" || !h.inner()) }

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
	for i := range len(out) - 1 {
		if a, b := out[i].Time, out[i+1].Time; !a.IsZero() && !b.IsZero() {
			seconds := int64(a.Sub(b) / time.Second)
			out[i].Delay = &seconds
		}
	}
	return out
}

// maxReceived bounds one field, in bytes: servers write a few hundred, and cut what a
// client says of itself.
const maxReceived = 32 << 10

func parseReceived(value string) Hop {
	h := Hop{TLS: TLSUnknown}
	if len(value) > maxReceived {
		h.Doubt = fmt.Sprintf("it has more than %d kB, and no server writes such a field", maxReceived>>10)
		return h
	}
	all, date, whole := tokens(value)
	if t, err := mail.ParseDate(strings.TrimSpace(date)); err == nil {
		if t = t.UTC(); t.Year() > 0 && t.Year() < 10000 { // what JSON can hold
			h.Time = t
		}
	}
	r := splitReceived(all)
	if by := r.clauses["by"]; len(by) > 0 {
		h.By = cut(strings.TrimSuffix(strings.ToLower(by[0]), "."))
	}
	if with := r.clauses["with"]; len(with) > 0 {
		h.With = cut(with[0])
		if with[0] == "Microsoft" || with[0] == "MailEnable" {
			h.With = cut(strings.Join(with, " "))
		}
	}
	for _, c := range r.inBy {
		if at := strings.Index(strings.ToLower(c), "envelope-from <"); at >= 0 {
			h.Sender = envelope(c[at+len("envelope-from "):])
		}
	}
	if r.hasFrom {
		h.client(r)
	}
	switch {
	case !whole:
		h.IP, h.Doubt = netip.Addr{}, "a comment or an address in it has no end, so the client may have written what looks like the server's words"
	case r.twice, h.By != "" && slices.Contains(strings.Fields(strings.ToLower(date)), "by"):
		h.IP, h.Doubt = netip.Addr{}, "a clause stands twice in it, or at a place where no server writes it"
	case !r.hasFrom && slices.ContainsFunc(r.before, qmailNet.MatchString):
		h.local = true
	case submitted(h.With, r):
		h.IP, h.user = netip.Addr{}, true
		h.Doubt = "the message was handed in on that very host, by a person or a program there"
	case h.By == "":
		h.IP, h.Doubt = netip.Addr{}, "it does not say which server wrote it (RFC 5321 section 4.4)"
	case !r.hasFrom && handedOn(h.By, r):
		h.local = true
	case !r.hasFrom:
		h.Doubt = "it does not begin with a client (RFC 5321 section 4.4), and is not of a program that is known to leave it out"
	case fetched(h.With):
		h.local, h.Doubt = true, ""
	case h.With != "" && !mailProtocol(r.clauses["with"]):
		h.Doubt, h.user = "the message came to that server by "+h.With+", not by SMTP: no client brought it", strings.EqualFold(h.With, "mapi")
	case byLMTP(h.With) && !h.public():
		h.local, h.Doubt = true, ""
	case h.Doubt == "" && h.IP.IsValid() && !h.inner() && !h.public():
		h.Doubt = "nobody can tell where the address " + h.IP.String() + " is: it is of no network of the internet, and of no private one"
	}
	h.user = h.user || loggedIn(r)
	h.transport(r)
	return h
}

// envelope reads the path that a server wrote down as MAIL FROM; text may follow it. In
// a quoted local part a ">" ends nothing.
func envelope(text string) string {
	if strings.HasPrefix(text, `<"`) {
		p := &scanner{s: text}
		sender, _ := p.path()
		return cut(sender)
	}
	sender, _, _ := strings.Cut(text[1:], ">")
	return cut(sender)
}

// What servers write about a session beside the client: what a peer chose may be in
// it, but never the address that the server saw.
var aboutSession = regexp.MustCompile(`(?i)^(using tls|using ssl|client cn "|client did not|no client cert|not verified|authenticated |auth: |tls: |tlsv?1(\.[0-3])?([:, )]|$)|version=|cert: )`)

// Programs whose field names the client only by a name that leads back to its address,
// by what they write about themselves.
var verifies = regexp.MustCompile(`^(Postfix\b|Exim\b|8\.\d+\.\d+/8\.|8\.\d+\.\d+\+)`)

// client reads the clause that names the client. The forms are: HELO (NAME [ADDRESS]),
// of Postfix, Sendmail and most others; HELO (ADDRESS), of Exchange; NAME ([ADDRESS]
// helo=HELO) and [ADDRESS] (helo=HELO), of Exim; NAME (HELO HELO) (ADDRESS), of qmail;
// ADDRESS (EHLO HELO), of Yahoo and CommuniGate.
func (h *Hop) client(r trace) {
	if h.byAddress(r) {
		return
	}
	var first string // the word behind "from"
	var seen []netip.Addr
	labelled, outside, blanks, forged, unnamed := false, false, false, false, false
	for i, t := range r.from {
		if !t.comment {
			if i == 0 {
				first = t.text
			} else if _, ok := address(t.text); ok {
				outside = true
			} else {
				blanks = true
			}
			continue
		}
		c := clientComment(t.text)
		if c.labelled {
			labelled = true
			h.Helo = c.helo
		}
		forged, unnamed = forged || c.forged, unnamed || c.unnamed
		if h.Name == "" {
			h.Name = c.name
		}
		for _, ip := range c.addresses {
			if !slices.Contains(seen, ip) {
				seen = append(seen, ip)
			}
		}
	}
	if !labelled {
		h.Helo = heloName(first)
	}
	exim := slices.ContainsFunc(r.inBy, func(c string) bool { return strings.HasPrefix(c, "Exim ") })
	h.Verified = !forged && slices.ContainsFunc(r.inBy, verifies.MatchString)
	ip, literal := address(first)
	switch {
	case blanks:
		h.Doubt = "what the client called itself holds blanks, so it may have written what looks like the server's words"
	case len(seen) > 1:
		h.Doubt = "it names several addresses where servers write that of their client (" + seen[0].String() + ", " + seen[1].String() + ")"
	case len(seen) == 1 && literal && labelled && seen[0] != ip:
		h.Doubt = "it names several addresses where servers write that of their client (" + ip.String() + ", " + seen[0].String() + ")"
	case len(seen) == 1:
		h.IP = seen[0]
		if labelled && h.Name == "" && !literal {
			h.Name = hostName(first)
		}
	case literal && (labelled || exim):
		h.IP = ip
	case literal || outside:
		h.Doubt = "the address in it may be what the client said of itself: it does not stand where servers write what they saw"
	default:
		h.Doubt = "it does not tell the address of the client"
	}
	if h.Name == "" && exim && !literal {
		h.Name = hostName(first)
	}
	h.Verified = h.Verified && h.Name != ""
	h.alone = h.Name == "" && unnamed || forged
}

// byAddress reads the form [ADDRESS] (HELO), of chasquid: where others write what they
// saw, it writes what the client said.
func (h *Hop) byAddress(r trace) bool {
	if !slices.Contains(r.inBy, "chasquid") || len(r.from) == 0 {
		return false
	}
	ip, literal := address(r.from[0].text)
	if !literal {
		h.Helo, h.Doubt = heloName(r.from[0].text), "it does not tell the address of the client"
		return true
	}
	h.IP = ip
	if len(r.from) > 1 {
		h.Helo = heloName(r.from[1].text)
	}
	return true
}

// A clientInfo is what one comment of the clause says.
type clientInfo struct {
	helo      string // that the comment labels as such
	labelled  bool
	name      string // of the client by reverse lookup, which the server made
	forged    bool   // the name does not lead back
	unnamed   bool   // the server says that it found none
	addresses []netip.Addr
}

func clientComment(text string) (c clientInfo) {
	if aboutSession.MatchString(text) {
		return c
	}
	if open := strings.IndexByte(text, '('); open >= 0 { // a comment within it
		c.forged = strings.Contains(text[open:], "may be forged")
		text = text[:open]
	}
	var bare []netip.Addr
	words := strings.Fields(text)
	for i, w := range words {
		lower := strings.ToLower(w)
		if helo, ok := strings.CutPrefix(lower, "helo="); ok {
			c.labelled, c.helo = true, heloName(helo)
			break
		}
		if lower == "helo" || lower == "ehlo" || lower == "lhlo" {
			if c.labelled = true; i+1 < len(words) {
				c.helo = heloName(words[i+1])
			}
			break // the rest is what the client said
		}
		_, w = cutLast(w, '@') // what stands before is an ident reply
		ip, ok := address(w)
		switch {
		case ok && strings.HasPrefix(w, "["):
			c.addresses = append(c.addresses, ip)
		case ok:
			bare = append(bare, ip)
		case lower == "unknown":
			c.unnamed = true
		case c.name == "":
			c.name = hostName(w)
		}
	}
	if len(c.addresses) == 0 && c.name == "" && len(words) == 1 {
		c.addresses = bare
	}
	return c
}

func cutLast(s string, sep byte) (before, after string) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return "", s
	}
	return s[:i], s[i+1:]
}

// address reads an address as Received fields have it: bare, in brackets, with
// "IPv6:" before it, with a port or a zone behind it.
func address(w string) (netip.Addr, bool) {
	if inner, ok := strings.CutPrefix(w, "["); ok {
		inner, _, ok = strings.Cut(inner, "]")
		if !ok {
			return netip.Addr{}, false
		}
		w = inner
	}
	if len(w) > 5 && strings.EqualFold(w[:5], "IPv6:") {
		w = w[5:]
	}
	ip, err := netip.ParseAddr(w)
	if err != nil {
		return netip.Addr{}, false
	}
	ip = ip.Unmap().WithZone("")
	if translated.Contains(ip) {
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[12:]))
	}
	return ip, true
}

// heloName gives what a client called itself: a name, or an address in brackets.
func heloName(w string) string {
	if ip, ok := address(w); ok {
		return "[" + ip.String() + "]"
	}
	return cut(strings.TrimSuffix(strings.ToLower(w), "."))
}

// hostName gives a name that a server wrote down, "" for what is none, or stands for
// none.
func hostName(w string) string {
	w = strings.TrimSuffix(strings.ToLower(w), ".")
	if !strings.Contains(w, ".") || domainName(w) == "" {
		return ""
	}
	return cut(w)
}
