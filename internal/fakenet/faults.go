package fakenet

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// dnsFile is the section dns.yaml.
type dnsFile struct {
	Secure []string    `yaml:"secure"` // zones for which the resolver sets AD
	Faults []*dnsFault `yaml:"faults"`
}

// A dnsFault changes how a question is answered. The first one that fits is
// taken.
type dnsFault struct {
	Name   string `yaml:"name"`    // exactly this name
	Zone   string `yaml:"zone"`    // this name and all below it
	Type   list   `yaml:"type"`    // these types; default all
	At     string `yaml:"at"`      // "resolver", name or address of a server; default everywhere
	Over   list   `yaml:"over"`    // udp, tcp, dot, doh; default all
	When   string `yaml:"when"`    // only if the answer would be: nxdomain, nodata, data, ent
	EDNS   bool   `yaml:"edns"`    // only for questions with EDNS
	Check  bool   `yaml:"checked"` // only for questions without CD
	Times  int    `yaml:"times"`
	Fault  string `yaml:"fault"`
	EDE    string `yaml:"ede"` // "CODE TEXT", an extended DNS error (RFC 8914)
	Delay  span   `yaml:"delay"`
	Answer list   `yaml:"answer"` // records instead of the real ones; "@" is the asked name

	types  []uint16
	answer []dns.RR
}

// dnsFaults are the values of "fault".
var dnsFaults = []string{
	"",
	"servfail", "refused", "formerr", "notimp", "nxdomain", "nodata",
	"timeout",          // no reply
	"truncated",        // over UDP an empty answer with TC; TCP works
	"truncated-no-tcp", // the same, and TCP is silent
	"truncated-reset",  // the same, and TCP is closed
	"wrong-id",         // first a reply with another id, then the right one
	"garbage",          // first bytes that are no DNS message, then the right one
	"only-garbage",     // nothing but such bytes
	"wrong-question",   // a reply to another question
	"no-aa",            // the answer without the AA bit
	"lame",             // a referral to the root, as a server that does not have the zone
}

func (f *dnsFile) check() error {
	for i, x := range f.Faults {
		where := fmt.Sprintf("dns.yaml: fault %d", i+1)
		if x == nil {
			return fmt.Errorf("%s is empty", where)
		}
		if !slices.Contains(dnsFaults, x.Fault) {
			return fmt.Errorf("%s: unknown fault %q", where, x.Fault)
		}
		if !slices.Contains([]string{"", "nxdomain", "nodata", "data", "ent"}, x.When) {
			return fmt.Errorf("%s: unknown when %q", where, x.When)
		}
		for _, t := range x.Type {
			v, ok := dns.StringToType[strings.ToUpper(t)]
			if !ok {
				return fmt.Errorf("%s: unknown type %q", where, t)
			}
			x.types = append(x.types, v)
		}
		for _, o := range x.Over {
			if !slices.Contains([]string{"udp", "tcp", "dot", "doh"}, o) {
				return fmt.Errorf("%s: unknown over %q", where, o)
			}
		}
		if code, _, _ := strings.Cut(x.EDE, " "); x.EDE != "" {
			if _, err := strconv.ParseUint(code, 10, 16); err != nil {
				return fmt.Errorf("%s: ede %q does not begin with a number", where, x.EDE)
			}
		}
		for _, a := range x.Answer {
			owner, rest, _ := strings.Cut(a, " ")
			if owner == "@" {
				a = askedName + " " + rest
			}
			rr, err := dns.NewRR(a)
			if err != nil || rr == nil {
				return fmt.Errorf("%s: %q is no record", where, a)
			}
			x.answer = append(x.answer, rr)
		}
	}
	return nil
}

// askedName stands in the records of a fault for the name that is asked.
const askedName = "asked-name.invalid."

func (f *dnsFile) isSecure(name string) bool {
	return slices.ContainsFunc(f.Secure, func(z string) bool { return dns.IsSubDomain(fqdn(z), name) })
}

func (f *dnsFault) fits(s *dnsServer, over, name string, qtype uint16, edns, cd bool, r *result) bool {
	switch {
	case f.Name != "" && fqdn(f.Name) != name,
		f.Zone != "" && !dns.IsSubDomain(fqdn(f.Zone), name),
		len(f.types) > 0 && !slices.Contains(f.types, qtype),
		len(f.Over) > 0 && !slices.Contains(f.Over, over),
		f.EDNS && !edns,
		f.Check && cd:
		return false
	}
	switch f.At {
	case "":
	case "resolver":
		if !s.resolver {
			return false
		}
	default:
		if f.At != s.addr.String() && (s.resolver || fqdn(f.At) != s.name) {
			return false
		}
	}
	empty := r.rcode == dns.RcodeSuccess && len(r.answer) == 0 && !referred(*r)
	switch f.When {
	case "nxdomain":
		return r.rcode == dns.RcodeNameError
	case "nodata":
		return empty
	case "ent":
		return empty && r.hollow
	case "data":
		return len(r.answer) > 0
	}
	return true
}

// dnsFault finds the fault for a question and bends the result by it. An
// authority's fault without "at" is seen through the resolver as SERVFAIL.
func (n *Net) dnsFault(s *dnsServer, over, name string, qtype uint16, edns, cd bool, r *result) (*dnsFault, time.Duration) {
	for i, f := range n.world.dns.Faults {
		if !f.fits(s, over, name, qtype, edns, cd, r) || f.Times > 0 && !n.takeTurn(i, f.Times) {
			continue
		}
		if len(f.answer) > 0 {
			*r = result{aa: r.aa}
			for _, rr := range f.answer {
				rr = dns.Copy(rr)
				if rr.Header().Name == askedName {
					rr.Header().Name = name
				}
				r.answer = append(r.answer, rr)
			}
		}
		kind := f.Fault
		if s.resolver && f.At == "" {
			switch kind {
			case "timeout", "refused", "formerr", "notimp", "truncated-no-tcp", "truncated-reset", "only-garbage", "wrong-question", "lame":
				kind = "servfail"
				if f.EDE == "" {
					r.ede = "22 no reachable authority"
				}
			case "truncated", "wrong-id", "garbage", "no-aa":
				kind = ""
			}
		}
		switch kind {
		case "servfail":
			*r = result{rcode: dns.RcodeServerFailure, ede: r.ede}
		case "refused":
			*r = result{rcode: dns.RcodeRefused}
		case "formerr":
			*r = result{rcode: dns.RcodeFormatError}
		case "notimp":
			*r = result{rcode: dns.RcodeNotImplemented}
		case "nxdomain":
			*r = result{rcode: dns.RcodeNameError, aa: r.aa, ns: n.soaFor(name)}
		case "nodata":
			*r = result{aa: r.aa, ns: n.soaFor(name)}
		case "no-aa":
			r.aa = false
		case "lame":
			root := n.world.zones["."]
			*r = root.refer(result{}, ".")
		}
		if f.EDE != "" {
			r.ede = f.EDE
		}
		bent := *f
		bent.Fault = kind
		return &bent, time.Duration(f.Delay)
	}
	return nil, 0
}

func (n *Net) soaFor(name string) []dns.RR { return deepest(n.world.zones, name).negative() }

// apply packs the message, as often and as badly as the fault wants it.
func (f *dnsFault) apply(m *dns.Msg, over string, delay time.Duration) (replies []dnsReply, hangUp bool) {
	kind := ""
	if f != nil {
		kind = f.Fault
	}
	good := func() []byte {
		data, err := m.Pack()
		if err != nil {
			m.Answer, m.Ns, m.Extra, m.Rcode = nil, nil, nil, dns.RcodeServerFailure
			data, _ = m.Pack()
		}
		return data
	}
	junk := []byte{0xde, 0xad, 0xbe, 0xef, 0xff, 0xff, 0xff, 0xff, 0xff}
	stream := over != "udp"
	switch kind {
	case "timeout":
		return nil, false
	case "truncated", "truncated-no-tcp", "truncated-reset":
		if stream {
			switch kind {
			case "truncated-no-tcp":
				return nil, false
			case "truncated-reset":
				return nil, true
			}
			break
		}
		m.Answer, m.Ns, m.Truncated = nil, nil, true
	case "wrong-id":
		data := good()
		wrong := slices.Clone(data)
		binary.BigEndian.PutUint16(wrong, m.Id^0x5555)
		return []dnsReply{{delay, wrong}, {0, data}}, false
	case "garbage":
		return []dnsReply{{delay, junk}, {0, good()}}, false
	case "only-garbage":
		return []dnsReply{{delay, junk}}, false
	case "wrong-question":
		m.Question[0].Name = "wrong-question.example."
	}
	return []dnsReply{{delay, good()}}, false
}
