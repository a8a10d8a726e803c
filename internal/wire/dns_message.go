package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/miekg/dns"
)

// Bounds on one answer. A message has at most 64 KiB, but compressed names can
// make its text much longer.
const (
	maxRecords    = 2000
	maxAnswerText = 1 << 20 // bytes
	maxEDE        = 8
	maxEDEText    = 200 // bytes
)

// optRecord offers EDNS(0) (RFC 6891): UDP payloads of 1232 octets, which fit
// every path unfragmented, and the DO bit.
const optRecord = "\x00" + "\x00\x29" + "\x04\xd0" + "\x00\x00\x80\x00" + "\x00\x00"

var (
	errNotOurs   = errors.New("a reply to another query")
	errMalformed = errors.New("a reply that cannot be read")
)

// A query is one question as it goes out.
type query struct {
	name      string // absolute, lower case, as miekg/dns writes it after unpacking
	qtype     uint16
	recursive bool
	packed    []byte // with ID 0
}

// newQuery packs q. The error says why q cannot be asked.
func newQuery(q Question, edns bool) (*query, error) {
	qtype, ok := dns.StringToType[q.Type]
	if number, generic := strings.CutPrefix(q.Type, "TYPE"); !ok && generic {
		n, err := strconv.ParseUint(number, 10, 16)
		qtype, ok = uint16(n), err == nil
	}
	if !ok {
		return nil, fmt.Errorf("unknown record type %q", q.Type)
	}
	if _, ok := dns.IsDomainName(q.Name); !ok {
		return nil, errors.New("not a name that the DNS can carry (labels of 1 to 63 octets, 255 in all)")
	}
	packed := make([]byte, 12+255+4+len(optRecord))
	end, err := dns.PackDomainName(dns.Fqdn(q.Name), packed, 12, nil, false)
	if err != nil {
		return nil, fmt.Errorf("not a name that the DNS can carry: %w", err)
	}
	if q.Server == "" {
		packed[2] |= 0x01 // RD
	}
	if q.CD {
		packed[3] |= 0x10
	}
	packed[5] = 1 // QDCOUNT
	packed = binary.BigEndian.AppendUint16(packed[:end], qtype)
	packed = binary.BigEndian.AppendUint16(packed, dns.ClassINET)
	if edns {
		packed[11] = 1 // ARCOUNT
		packed = append(packed, optRecord...)
	}
	name, _, err := dns.UnpackDomainName(packed, 12)
	if err != nil {
		return nil, err
	}
	return &query{name: strings.ToLower(name), qtype: qtype, recursive: q.Server == "", packed: packed}, nil
}

// withID appends the packed query to buf, under that ID.
func (q *query) withID(buf []byte, id uint16) []byte {
	start := len(buf)
	buf = append(buf, q.packed...)
	binary.BigEndian.PutUint16(buf[start:], id)
	return buf
}

// read unpacks a reply. The error is errNotOurs unless ID and question are those
// of the query, and errMalformed where they are but the rest is broken. A
// truncated reply may be cut anywhere.
func (q *query) read(raw []byte, id uint16) (*dns.Msg, error) {
	if len(raw) < 12 || binary.BigEndian.Uint16(raw) != id || raw[2]&0x80 == 0 {
		return nil, errNotOurs
	}
	m := new(dns.Msg)
	broken := m.Unpack(raw)
	switch {
	case len(m.Question) == 1:
		if a := m.Question[0]; a.Qtype != q.qtype || a.Qclass != dns.ClassINET || !strings.EqualFold(a.Name, q.name) {
			return nil, errNotOurs
		}
	case len(m.Question) == 0 && broken == nil && m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError:
		// Some servers send an error without the question.
		return m, nil
	case broken == nil:
		return nil, errNotOurs
	}
	if m.Opcode != dns.OpcodeQuery {
		return nil, errNotOurs
	}
	if m.Truncated {
		return m, nil
	}
	// Unpack accepts a message that ends after fewer records than its header
	// promises; such a message is cut, and what is missing must not count as absent.
	if broken != nil || int(binary.BigEndian.Uint16(raw[6:])) != len(m.Answer) || int(binary.BigEndian.Uint16(raw[8:])) != len(m.Ns) {
		return nil, errMalformed
	}
	// The same cut may make the OPT record pass for an answer.
	if opt := func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeOPT }; slices.ContainsFunc(m.Answer, opt) || slices.ContainsFunc(m.Ns, opt) {
		return nil, errMalformed
	}
	return m, nil
}

// answer turns a reply into an Answer; from says who sent it.
func (q *query) answer(m *dns.Msg, from string) Answer {
	a := Answer{
		Rcode: rcode(m.Rcode),
		AA:    m.Authoritative,
		AD:    m.AuthenticatedData,
		EDE:   extendedErrors(m),
		From:  from,
	}
	if m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError {
		a.Fail = failedBy(a.Rcode, from, a.EDE)
		return a
	}
	if q.recursive && m.Rcode == dns.RcodeSuccess && referral(m) {
		a.Fail = &Fail{FailProtocol, from + " answered with a referral: it is no recursive resolver"}
		return a
	}
	if n := len(m.Answer) + len(m.Ns) + len(m.Extra); n > maxRecords {
		a.Fail = &Fail{FailLimit, fmt.Sprintf("%s sent %d records, more than %d", from, n, maxRecords)}
		return a
	}
	a.Answer = texts(q.belonging(m.Answer))
	a.Authority = texts(m.Ns)
	a.Additional = texts(glue(m))
	if why := a.excess(); why != "" {
		a.Answer, a.Authority, a.Additional = nil, nil, nil
		a.Fail = &Fail{FailLimit, from + " sent " + why}
	}
	return a
}

// failedBy gives the failure that an RCODE is which says nothing of the name.
func failedBy(rcode, from string, ede []string) *Fail {
	kind := FailRcode
	switch rcode {
	case "SERVFAIL":
		kind = FailServfail
	case "REFUSED":
		kind = FailRefused
	}
	why := ""
	if len(ede) > 0 {
		why = " (" + strings.Join(ede, "; ") + ")"
	}
	return &Fail{kind, from + " answered " + rcode + why}
}

// referral reports a reply that only points to other name servers. A resolver
// that does not recurse sends it, and it is no proof of absence.
func referral(m *dns.Msg) bool {
	if m.Authoritative || m.RecursionAvailable || len(m.Answer) > 0 {
		return false
	}
	ns := false
	for _, rr := range m.Ns {
		switch rr.Header().Rrtype {
		case dns.TypeSOA:
			return false
		case dns.TypeNS:
			ns = true
		}
	}
	return ns
}

// belonging keeps the records that answer the question: of the asked type, or
// CNAMEs, at the asked name or at a name to which CNAMEs lead from there; the
// signatures over them; and DNAMEs from which a CNAME on the way was made.
func (q *query) belonging(rrs []dns.RR) []dns.RR {
	names := q.chain(rrs)
	var out []dns.RR
	for _, rr := range rrs {
		h := rr.Header()
		if h.Class != dns.ClassINET || h.Rrtype == dns.TypeOPT {
			continue
		}
		kind := h.Rrtype
		if sig, ok := rr.(*dns.RRSIG); ok && q.qtype != dns.TypeRRSIG {
			kind = sig.TypeCovered
		}
		owner := strings.ToLower(h.Name)
		at := slices.Contains(names, owner)
		switch {
		case at && (kind == q.qtype || kind == dns.TypeCNAME || q.qtype == dns.TypeANY):
		case kind == dns.TypeDNAME && slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, "."+owner) || owner == "." && n != "." }):
		default:
			continue
		}
		out = append(out, rr)
	}
	return out
}

// glue gives the addresses in the additional section that belong to name
// servers in the authority section; nothing else there is of use.
func glue(m *dns.Msg) []dns.RR {
	servers := map[string]bool{}
	for _, rr := range m.Ns {
		if ns, ok := rr.(*dns.NS); ok {
			servers[strings.ToLower(ns.Ns)] = true
		}
	}
	var out []dns.RR
	for _, rr := range m.Extra {
		if h := rr.Header(); (h.Rrtype == dns.TypeA || h.Rrtype == dns.TypeAAAA) && servers[strings.ToLower(h.Name)] {
			out = append(out, rr)
		}
	}
	return out
}

// chain gives the asked name and the names to which CNAMEs lead from there.
func (q *query) chain(rrs []dns.RR) []string {
	names := []string{q.name}
	if q.qtype == dns.TypeCNAME || q.qtype == dns.TypeANY {
		return names
	}
	var next map[string][]string
	for _, rr := range rrs {
		if c, ok := rr.(*dns.CNAME); ok && c.Hdr.Class == dns.ClassINET {
			if next == nil {
				next = map[string][]string{}
			}
			owner := strings.ToLower(c.Hdr.Name)
			next[owner] = append(next[owner], strings.ToLower(c.Target))
		}
	}
	if next == nil {
		return names
	}
	seen := map[string]bool{q.name: true}
	for i := 0; i < len(names); i++ {
		for _, target := range next[names[i]] {
			if !seen[target] {
				seen[target] = true
				names = append(names, target)
			}
		}
	}
	return names
}

// texts gives the records in presentation format with owners in lower case,
// sorted, each once.
func texts(rrs []dns.RR) []string {
	var out []string
	for _, rr := range rrs {
		h := rr.Header()
		if h.Class != dns.ClassINET || h.Rrtype == dns.TypeOPT {
			continue
		}
		h.Name = strings.ToLower(h.Name)
		out = append(out, text(rr))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// text is rr.String(). For TXT, which is most of what mxvet asks for, it is
// faster: strings that have been unpacked are escaped already.
func text(rr dns.RR) string {
	txt, ok := rr.(*dns.TXT)
	if !ok {
		return rr.String()
	}
	size := len(txt.Hdr.Name) + 20
	for _, s := range txt.Txt {
		size += len(s) + 3
	}
	var b strings.Builder
	b.Grow(size)
	b.WriteString(txt.Hdr.Name)
	b.WriteByte('\t')
	var ttl [10]byte
	b.Write(strconv.AppendUint(ttl[:0], uint64(txt.Hdr.Ttl), 10))
	b.WriteString("\tIN\tTXT\t")
	for i, s := range txt.Txt {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteByte('"')
		b.WriteString(s)
		b.WriteByte('"')
	}
	return b.String()
}

func rcode(n int) string {
	if s, ok := dns.RcodeToString[n]; ok {
		return s
	}
	return "RCODE" + strconv.Itoa(n)
}

// extendedErrors gives the extended DNS errors (RFC 8914) as "CODE NAME: TEXT".
func extendedErrors(m *dns.Msg) []string {
	opt := m.IsEdns0()
	if opt == nil {
		return nil
	}
	var out []string
	for _, o := range opt.Option {
		e, ok := o.(*dns.EDNS0_EDE)
		if !ok || len(out) == maxEDE {
			continue
		}
		s := strconv.Itoa(int(e.InfoCode))
		if name := dns.ExtendedErrorCodeToString[e.InfoCode]; name != "" {
			s += " " + name
		}
		if text := printable(e.ExtraText); text != "" {
			s += ": " + text
		}
		out = append(out, s)
	}
	return out
}

// printable makes text from the network safe to show: one line of valid UTF-8,
// bounded.
func printable(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), maxEDEText)], "")
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}
