// Package gather decides who is asked what, and when. It starts every request
// as soon as its name or address is known, all hosts side by side, and returns
// the Evidence on which the rules judge. Latency lives here and nowhere else:
// an audit takes as long as its longest chain of requests that need each other
// (MX, then address, then the SMTP conversation).
package gather

import (
	"net/netip"
	"time"

	"mxvet/internal/bimi"
	"mxvet/internal/dkim"
	"mxvet/internal/dmarc"
	"mxvet/internal/mtasts"
	"mxvet/internal/provider"
	"mxvet/internal/psl"
	"mxvet/internal/spf"
	"mxvet/internal/tlsrpt"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// Evidence is everything that was learnt about one domain.
type Evidence struct {
	Domain  string // A-labels, lower case, no final dot
	At      time.Time
	Options Options
	Role    Role
	Vantage Vantage
	Apex    Apex
	MX      MXSet
	SPF     *spf.Tree
	DKIM    *dkim.Result
	DMARC   *dmarc.Discovery
	MTASTS  *mtasts.Result
	TLSRPT  *tlsrpt.Result
	BIMI    *bimi.Result // nil where that area is skipped

	Providers []*provider.Provider // whose hosts the MX are, best preference first
	Suffixes  *psl.List
	Relay     Relay
	Senders   []Sender
	// MoreSenders is how many known senders the bound left out.
	MoreSenders int
	// MoreSelectors is how many DKIM selectors that were named the bound left out.
	MoreSelectors int
	Evaluations   Evaluations
	// Blocklists is what block lists say about addresses and name of the domain.
	Blocklists Blocklists
	Authority  Authority // asked only where the resolver gave no usable answer

	Nameservers Nameservers // asked directly, one by one
	Stray       Stray
	Subdomains  []Subdomain // those that the user named

	// Registrations are the names of others that records rely on and of which it
	// was in doubt whether they exist, sorted.
	Registrations []Registration

	Failures map[wire.Ref]Failure // the DNS questions that got no usable answer

	Dotless     []Dotless // names that look as if their final dot was forgotten
	DotlessMore int       // such names left out by the bound
	Pointers    []Pointer // keys that are host names in place of an alias
}

// Options are the user's wishes about one domain's audit. They decide what is
// gathered, so a recording holds them and a replay uses the recorded ones.
type Options struct {
	Profile      string       `json:"profile,omitempty"` // "" or "auto": found out; else a Role's name
	Selectors    []string     `json:"selectors,omitempty"`
	SendIPs      []netip.Addr `json:"send_ips,omitempty"`
	Subdomains   []string     `json:"subdomains,omitempty"`
	Skip         []string     `json:"skip,omitempty"` // score areas
	NoSMTP       bool         `json:"no_smtp,omitempty"`
	NoServers    bool         `json:"no_servers,omitempty"` // name servers are not asked directly
	Offline      bool         `json:"offline,omitempty"`
	Deep         bool         `json:"deep,omitempty"`
	AllowPrivate bool         `json:"allow_private,omitempty"`
	Control      string       `json:"control,omitempty"` // host[:port] that shows whether port 25 is open from here
	EHLO         string       `json:"ehlo,omitempty"`
	Relay        string       `json:"relay,omitempty"` // "", "basic", "full", "off"
	RelayFrom    string       `json:"relay_from,omitempty"`
	RelayRcpt    string       `json:"relay_rcpt,omitempty"`
	BIMISelector string       `json:"bimi_selector,omitempty"` // "" is the default one
	DNSBL        DNSBLOptions `json:"dnsbl,omitzero"`
	SharedHosts  []string     `json:"-"` // MX hosts of several domains of this run, which are not asked to relay
	// ZoneSelectors are the DKIM selectors in zone text that an Overlay has. They are
	// all there can be where that text has every name below _domainkey.
	ZoneSelectors []string `json:"zone_selectors,omitempty"`
	ZoneKeysWhole bool     `json:"zone_keys_whole,omitempty"`
	// ZoneMail are the names below the domain in that text that have MX records or
	// an SPF record that names senders, and no DMARC record of their own.
	ZoneMail []string `json:"zone_mail,omitempty"`
	// ZoneFiles names the zone texts that an Overlay has for the domain, ZoneSlips
	// what was found odd in them.
	ZoneFiles []string    `json:"zone_files,omitempty"`
	ZoneSlips []zone.Slip `json:"zone_slips,omitempty"`
	// PolicyAssumed says that an Overlay has an MTA-STS policy that is not served yet.
	PolicyAssumed bool   `json:"policy_assumed,omitempty"`
	Seed          string `json:"seed"` // makes the random labels of this run
}

// A Role says what a domain does with mail. The operator's own statement wins;
// otherwise it follows from what MX and SPF records say, and from what speaks for
// sending: selectors and addresses that the user gave, and DKIM keys.
type Role struct {
	Name     string // "full", "receive-only", "send-only", "no-mail"
	Stated   bool   // by the user
	Unproven bool   // the records do not say, or gave no answer: counted as full, unless Absent
	// Absent says that nothing suggests mail: the name exists without MX, address,
	// SPF text or DKIM key, all of which were asked for and answered. It is
	// no-mail then, unproven: no record of the owner says so.
	Absent bool
	// Could names the other roles that are open because some lookup failed. What
	// fails in the one and does not apply in another is unknown.
	Could []string
	Why   string
}

// The roles.
const (
	Full        = "full"
	ReceiveOnly = "receive-only"
	SendOnly    = "send-only"
	NoMail      = "no-mail"
)

// Receives reports whether mail for the domain is expected to arrive.
func (r Role) Receives() bool { return r.Name == Full || r.Name == ReceiveOnly }

// Sends reports whether mail from the domain is expected.
func (r Role) Sends() bool { return r.Name == Full || r.Name == SendOnly }

// Apex holds the records at the domain's own name.
type Apex struct {
	A, AAAA, TXT, NS, SOA wire.Answer
}

// MXSet is the domain's MX RRset and the hosts that mail goes to.
type MXSet struct {
	Ref      wire.Ref
	Answer   wire.Answer
	Records  []wire.MX
	Null     bool // a single record with target "." (RFC 7505), whatever its preference
	Implicit bool // no MX, but an address: mail goes to the domain's own name (RFC 5321 section 5.1)
	// Hosts are kept up to a bound. Where there are more, the last one that is kept
	// stands for them: its addresses were not looked up, and its answers say so.
	Hosts []Host
	Count int // of all hosts
}

// A Host is one MX target, best preference first.
type Host struct {
	Name    string
	Pref    uint16
	A, AAAA wire.Answer
	TXT     Text // at the host's own name: SPF for its HELO
	Addrs   []Address
	// MoreAddrs is how many further addresses the bound left out.
	MoreAddrs int
	// Outside is what the servers of its zone say, where the resolver gave a
	// special-purpose address.
	Outside []ServerAnswer

	Provider *provider.Provider // whose host it is; nil where that is not known
}

// A Text is a TXT question and its answer; Ref is "" where it was not asked.
type Text struct {
	Ref    wire.Ref
	Answer wire.Answer
}

// An Address is one address of an MX host, and the conversation with it.
type Address struct {
	IP      netip.Addr
	Ref     wire.Ref     // of the conversation; "" when none was held
	Session wire.Session // zero when Ref is ""
	Reverse Reverse      // zero beyond the bounds, and offline

	RelayNotAsked string // why this host was not asked to relay; "" where it was
}

// Vantage is what is known about the place from which was asked.
type Vantage struct {
	IPv4, IPv6 Reach
	Resolver   string // "" or what is wrong with the resolver: what it says alone proves nothing
	// ResolverRefs are the questions that show it.
	ResolverRefs []wire.Ref
	// Corroborated says that servers of the zone, asked directly, give the same MX,
	// TXT and DMARC records as that resolver.
	Corroborated bool
}

// Reach says whether mail servers can be reached over one address family.
type Reach struct {
	Proven bool // some mail server answered on port 25
	Broken bool // no route, or the control host stayed silent
	Why    string
	Ref    wire.Ref // the control conversation, if one was held
}
