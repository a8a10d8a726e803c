// Package wire is the one door to the network. Everything that mxvet learns
// about the outside world comes through a Source, which answers three kinds of
// request: a DNS question, the fetch of one URL from one address, and a
// conversation with one mail server at one address.
//
// Three Sources exist. Live asks the network. Tape stands in front of another
// Source, remembers each answer once, and can be saved and replayed. Overlay
// answers from zone text or from proposed record changes before it asks the
// Source behind it.
//
// A Source returns no Go error, because getting no answer is an answer: a mail
// domain is judged by silence too. What went wrong is a Fail inside the answer.
// NXDOMAIN and an empty answer (NODATA) are answers, not failures (RFC 2308
// section 2); only they may ever be read as "there is no such record".
package wire

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"strings"

	"mxvet/internal/smtp"
)

// A Source answers requests about the outside world. Implementations are safe
// for concurrent use. A cancelled context gives an answer whose Fail has the
// kind FailCanceled; a deadline that passed gives FailDeadline.
type Source interface {
	DNS(ctx context.Context, q Question) Answer
	Fetch(ctx context.Context, r Request) Page
	Talk(ctx context.Context, p Probe) Session
}

// A Ref names one request in canonical form: the key of memo and tape, and what
// a verdict cites as its evidence.
type Ref string

// Kinds of failure. They say why no usable answer came; none of them says
// anything about whether a record exists.
const (
	FailTimeout     = "timeout"            // the peer was silent for as long as one operation may take
	FailDeadline    = "deadline"           // the whole audit's time was up
	FailCanceled    = "canceled"           // the user stopped the run; never recorded
	FailServfail    = "servfail"           // RCODE SERVFAIL
	FailRefused     = "refused"            // RCODE REFUSED; of pages and conversations, a refused connection
	FailClosed      = "connection-refused" // of a DNS question: nobody listens where it was put
	FailRcode       = "rcode"              // another RCODE that is no answer
	FailUnreachable = "unreachable"        // no route, or the network said so
	FailReset       = "reset"              // the peer closed or reset the connection early
	FailTLS         = "tls"                // the TLS handshake failed
	FailProtocol    = "protocol"           // the peer does not speak the protocol
	FailLimit       = "limit"              // a bound on size or number was reached
	FailNotOnTape   = "not-on-tape"        // a replay was asked something that was not recorded
	FailForbidden   = "forbidden-address"  // the address guard refused to dial
	FailOffline     = "offline"            // the user asked not to use the network
	FailAliasLoop   = "alias-loop"         // zone text leads from alias to alias without an end
	FailWithheld    = "withheld"           // the resolver denies what the zone's own servers have
)

// A Fail says why no usable answer came.
type Fail struct {
	Kind string `json:"kind"`
	Text string `json:"text,omitempty"` // lower-case, what failed, on what, why
}

// String returns the reason in words, for people; the kind is for programs. It is
// "" for nil.
func (f *Fail) String() string {
	if f == nil {
		return ""
	}
	return cmp.Or(f.Text, f.Kind)
}

// escapeRef writes as %XX what would make the Ref of a hostile name read like the
// Ref of another request, and what is not printable ASCII.
func escapeRef(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || strings.IndexByte("@#+%", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// A Question asks the DNS for one RRset.
type Question struct {
	Name   string // any case, with or without the final dot; canonical form is lower-case without it
	Type   string // "MX", "TXT", ...
	Server string // "" = the configured resolvers; else address or address:port of one server, asked without recursion
	TCP    bool   // ask over TCP at once
	CD     bool   // checking disabled, so that bogus data can be told from a broken server
	Live   bool   // past every Overlay: what is published now
}

// Canonical gives q with its name in lower case without the final dot (the root
// is "."), and its type in upper case.
func (q Question) Canonical() Question {
	q.Name = hostname(q.Name)
	q.Type = strings.ToUpper(q.Type)
	return q
}

// Ref gives "dns:TYPE NAME", followed by "@SERVER", "+tcp", "+cd" and "+live"
// where set.
func (q Question) Ref() Ref {
	q = q.Canonical()
	s := "dns:" + q.Type + " " + escapeRef(q.Name)
	if q.Server != "" {
		s += "@" + q.Server
	}
	if q.TCP {
		s += "+tcp"
	}
	if q.CD {
		s += "+cd"
	}
	if q.Live {
		s += "+live"
	}
	return Ref(s)
}

// An Answer is what the DNS said. Records are in presentation format with
// absolute owner names, sorted; the methods decode them. When Fail is set the
// record lists are empty and nothing may be concluded from that; it is set whenever
// Rcode is neither NOERROR nor NXDOMAIN.
type Answer struct {
	Rcode      string   `json:"rcode,omitempty"` // "NOERROR", "NXDOMAIN", ...; "" when no message came
	AA         bool     `json:"aa,omitempty"`
	AD         bool     `json:"ad,omitempty"`         // context, never proof
	Truncated  bool     `json:"truncated,omitempty"`  // the UDP answer was truncated
	TCPFailed  bool     `json:"tcp_failed,omitempty"` // truncated over UDP, and TCP gave nothing: the records are partial
	Assumed    bool     `json:"assumed,omitempty"`    // from an overlay
	EDE        []string `json:"ede,omitempty"`        // extended DNS errors (RFC 8914), "CODE TEXT"
	Answer     []string `json:"answer,omitempty"`
	Authority  []string `json:"authority,omitempty"`
	Additional []string `json:"additional,omitempty"` // addresses of name servers in a referral (glue)
	From       string   `json:"from,omitempty"`       // who answered
	Millis     int      `json:"ms,omitempty"`
	Fail       *Fail    `json:"fail,omitempty"`
}

// An Asked is one question together with what came back.
type Asked struct {
	Name   string
	Ref    Ref
	Answer Answer
}

// Ask asks the configured resolvers.
func Ask(ctx context.Context, src Source, name, rrtype string) Asked {
	q := Question{Name: name, Type: rrtype}
	return Asked{Name: name, Ref: q.Ref(), Answer: src.DNS(ctx, q)}
}

// Failed reports that nothing can be concluded from the answer: none came, or
// only part of it.
func (a Asked) Failed() bool { return !a.Answer.OK() || a.Answer.TCPFailed }

// A Request fetches one URL from one address: it is dialled exactly there, and
// server name and Host come from the URL. Redirects are reported, not followed.
type Request struct {
	URL  string
	Addr netip.AddrPort
}

// Ref gives "get:URL@ADDRESS", "get:URL" for a page that only an Overlay can give.
func (r Request) Ref() Ref {
	s := "get:" + escapeRef(r.URL)
	if r.Addr.IsValid() {
		s += "@" + r.Addr.String()
	}
	return Ref(s)
}

// A Page is the answer to a Request.
type Page struct {
	Status      int    `json:"status,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	Location    string `json:"location,omitempty"` // target of a redirect, as sent
	Body        []byte `json:"body,omitempty"`
	Cut         bool   `json:"cut,omitempty"`     // the body was longer than the cap and is cut there
	Assumed     bool   `json:"assumed,omitempty"` // from an overlay
	TLS         *TLS   `json:"tls,omitempty"`
	Millis      int    `json:"ms,omitempty"`
	Fail        *Fail  `json:"fail,omitempty"` // also set when the certificate does not verify: kind tls, with TLS filled
}

// A Probe is one conversation with one server. It is comparable.
type Probe struct {
	Proto   string // "smtp", later submission submissions imap imaps pop3 pop3s
	Addr    netip.AddrPort
	SNI     string // TLS server name; "" sends none
	Variant string // "default", or what this conversation does differently
	Relay   string // envelopes to try after the second EHLO, in smtp.Envelopes' text form; "" = none
}

// VariantBanner is a conversation of connect, banner and QUIT.
const VariantBanner = "banner"

// Ref gives "PROTO:ADDRESS/SNI", followed by "#VARIANT" unless default and by
// "+relay" where envelopes are tried.
func (p Probe) Ref() Ref {
	s := p.Proto + ":" + p.Addr.String() + "/" + escapeRef(strings.ToLower(p.SNI))
	if p.Variant != "" && p.Variant != "default" {
		s += "#" + p.Variant
	}
	if p.Relay != "" {
		s += "+relay"
	}
	return Ref(s)
}

// A Session is the answer to a Probe: the exact transcript, and what TLS showed.
type Session struct {
	Exchanges []smtp.Exchange `json:"exchanges,omitempty"`
	TLS       *TLS            `json:"tls,omitempty"`     // nil when no handshake was started
	Local     netip.Addr      `json:"local,omitzero"`    // our address, as this machine knows it
	Millis    int             `json:"ms,omitempty"`      // whole conversation
	Connect   int             `json:"connect,omitempty"` // milliseconds until the connection stood
	Fail      *Fail           `json:"fail,omitempty"`    // what ended the conversation early; earlier exchanges stay valid
}

// TLS is what one handshake showed. Chain, name and time are judged apart, so
// the chain is kept even when it does not verify.
type TLS struct {
	Version         string   `json:"version,omitempty"` // "TLS 1.3"
	Cipher          string   `json:"cipher,omitempty"`
	Group           string   `json:"group,omitempty"`   // key exchange group, "X25519MLKEM768"
	Chain           [][]byte `json:"chain,omitempty"`   // DER, leaf first, as sent
	System          string   `json:"system,omitempty"`  // Trust verdict by this machine's roots and --ca-file
	Mozilla         string   `json:"mozilla,omitempty"` // Trust verdict by Mozilla's roots
	Error           string   `json:"error,omitempty"`   // the handshake failed: why; where time ran out in it, the answer's Fail says so
	WantsClientCert bool     `json:"wants_client_cert,omitempty"`
}

// Trust verdicts. They ignore the host name, and the leaf's own validity period
// (it is judged at the audit's time by the rules), so that the three questions
// about a certificate stay apart.
const (
	Trusted            = "trusted"
	TrustSelfSigned    = "self-signed"
	TrustUnknownRoot   = "unknown-authority"
	TrustIncomplete    = "incomplete-chain" // an intermediate was not sent
	TrustInvalid       = "invalid"          // chain found, but expired or otherwise invalid above the leaf
	TrustNotApplicable = ""
)
