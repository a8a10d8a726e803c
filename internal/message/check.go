package message

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mxvet/checks"
	"mxvet/internal/gather"
	"mxvet/internal/psl"
	"mxvet/internal/simulate"
	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// Options are what the user knows better than the file.
type Options struct {
	At        time.Time  // of the check
	IP        netip.Addr // of the client; invalid: from the Received fields
	Helo      string     // "" : from there too
	Sender    string     // address or domain of MAIL FROM
	HasSender bool       // Sender is set; "" is the null sender
	Authserv  []string   // ids of the user's own servers
	// By names the receiver's servers: hosts, domains, addresses or networks.
	By []string
}

// own gives the servers that the user named.
func (o Options) own() own {
	var out own
	for _, s := range append(slices.Clone(o.By), o.Authserv...) {
		if p, err := netip.ParsePrefix(s); err == nil {
			out.nets = append(out.nets, p.Masked())
		} else if ip, ok := address(s); ok {
			out.nets = append(out.nets, netip.PrefixFrom(ip, ip.BitLen()))
		} else {
			out.names = append(out.names, s)
		}
	}
	return out
}

// Schema names the form of a Result in JSON.
const Schema = "mxvet.message/1"

// A Result is all that is known of a message.
type Result struct {
	Schema     string            `json:"schema"`
	File       string            `json:"file,omitempty"`
	At         time.Time         `json:"at"`
	Size       int64             `json:"size"`
	Notes      []string          `json:"notes,omitempty"` // how the file was read, and what was left out
	Verdict    simulate.Verdict  `json:"verdict"`
	Why        string            `json:"why"`
	Author     Author            `json:"author"`
	MessageID  string            `json:"message_id,omitempty"`
	Date       string            `json:"date,omitempty"`
	Subject    string            `json:"subject,omitempty"`
	Path       Path              `json:"path"`
	Hops       []Hop             `json:"received,omitempty"` // newest first
	Signatures []Signature       `json:"dkim,omitempty"`     // from the top
	More       int               `json:"dkim_not_listed,omitempty"`
	Decision   simulate.Decision `json:"decision"`
	Reports    []Report          `json:"authentication_results,omitempty"`
	ARC        *ARC              `json:"arc"`
	Findings   []Finding         `json:"findings"`
	Fixes      []Fix             `json:"fixes,omitempty"`

	message *Message
	border  border
}

// A Path is how the message came, and where each part is known from.
type Path struct {
	IP      netip.Addr `json:"ip,omitzero"`
	IPFrom  string     `json:"ip_source,omitempty"`
	Helo    string     `json:"helo,omitempty"`
	Sender  string     `json:"mail_from"` // "" is the null sender, or nothing known
	From    string     `json:"mail_from_source,omitempty"`
	Doubt   string     `json:"doubt,omitempty"` // what speaks against the address
	Unknown string     `json:"unknown,omitempty"`
	Border  int        `json:"border,omitempty"` // number of the Received field at which the message came to its receiver
	Sure    bool       `json:"border_sure"`      // that field was written by the receiver's own server, as far as can be seen
	Arrival time.Time  `json:"arrival,omitzero"` // by the border's Received field
}

// A Finding is what one rule says about the message.
type Finding struct {
	Rule     string          `json:"rule"`
	Title    string          `json:"title"`
	Status   checks.Status   `json:"status"`
	Severity checks.Severity `json:"severity,omitempty"`
	Key      string          `json:"key,omitempty"`
	Message  string          `json:"message,omitempty"`
	Evidence []wire.Ref      `json:"evidence,omitempty"`
}

// Check examines a message. All questions to the DNS are asked at once; their
// failures are in the result.
func Check(ctx context.Context, src wire.Source, list *psl.List, m *Message, o Options) *Result {
	r := examine(ctx, src, list, m, o)
	r.mend(ctx, src, list, o)
	return r
}

// examine does all but the fixes.
func examine(ctx context.Context, src wire.Source, list *psl.List, m *Message, o Options) *Result {
	r := &Result{
		Schema: Schema, At: o.At, Size: m.Size, Notes: m.Notes, Author: m.author(), Hops: m.hops(),
		Reports: m.reports(), ARC: m.arc(), message: m,
	}
	r.Signatures, r.More = m.signatures()
	r.MessageID, r.Date, r.Subject = m.shown("Message-ID"), m.shown("Date"), m.shown("Subject")
	r.path(list, o)

	path := simulate.Path{
		Author: r.Author.Domain, NoAuthor: r.Author.Why, Authors: r.Author.Domains, IP: r.Path.IP, Sender: r.Path.Sender, Helo: r.Path.Helo,
		NoSPF: r.Path.Unknown, At: o.At,
	}
	if r.Author.Broken != "" {
		path.Doubt = r.Author.Broken + ": receivers may find another author in it, or refuse the message"
	}
	if i := slices.IndexFunc(m.Fields, func(f Field) bool { return f.Name == "" || f.Is("From") }); i >= 0 && m.Fields[i].Name == "" {
		path.Doubt = "a line that is no field stands before the From field: programs that end the header there find another author, or none"
	}
	names := r.ARC.keyNames()
	for _, s := range r.Signatures[:min(len(r.Signatures), maxSignatures)] {
		path.Signers = append(path.Signers, s.Domain)
		if s.KeyName != "" {
			names = append(names, s.KeyName)
		}
	}
	var wg together.Group
	var view *simulate.View
	wg.Go(func() { view = simulate.Look(ctx, src, list, path) })
	asked := askKeys(ctx, src, names)
	arrival := o.At
	if !r.Path.Arrival.IsZero() && r.Path.Arrival.Before(o.At) {
		arrival = r.Path.Arrival
	}
	p := newPicker(m.Fields)
	m.verify(p, r.Signatures, asked, arrival, o.At)
	r.ARC.validate(m, p, asked, arrival)
	wg.Wait()

	r.decide(view)
	r.Verdict, r.Why = r.Decision.Verdict, r.Decision.Why
	r.Decision.Differ = append(r.Decision.Differ, r.differ()...)
	for i := range r.Reports {
		r.Reports[i].trust(o.Authserv, r.border)
		r.Reports[i].compare(r, false)
	}
	for _, s := range r.ARC.Sets {
		if s.Said != nil {
			s.Said.Why = "written by a forwarder; to be believed as far as its seal is"
			s.Said.compare(r, true)
		}
	}
	r.judge()
	return r
}

// decide judges by the results of the signatures, and says where receivers that take
// some of them otherwise come to another end.
func (r *Result) decide(view *simulate.View) {
	by := func(result func(Signature) string) simulate.Decision {
		var out []simulate.Signature
		for _, s := range r.Signatures {
			out = append(out, simulate.Signature{Domain: s.Domain, Result: result(s)})
		}
		if r.More > 0 { // one of them may be of the author's domain, and good
			out = append(out, simulate.Signature{Domain: r.Author.Domain})
		}
		return view.Decide(out)
	}
	r.Decision = by(func(s Signature) string { return s.Result })
	switch r.Decision.Verdict {
	case simulate.Pass:
		untested := by(func(s Signature) string {
			if s.testing {
				return simulate.ResultNone
			}
			return s.Result
		})
		if untested.Verdict != simulate.Pass {
			r.Decision.Verdict = simulate.Fail
			r.Decision.Why = "not for every receiver: nothing but a key whose owner tests it (flag y) proves an aligned domain, and by RFC 6376 section 3.6.1 the message counts as unsigned then"
		}
	case simulate.Fail:
		if by(func(s Signature) string { return cmp.Or(s.Lenient, s.Result) }).Verdict == simulate.Pass {
			r.Decision.Why = "not for every receiver: " + r.Decision.Why + ", unless a receiver accepts a signature that others do not"
		}
	}
}

// path finds client, HELO name and MAIL FROM: what the user says, else what the
// receiver's own servers wrote into the file.
func (r *Result) path(list *psl.List, o Options) {
	p := &r.Path
	r.border = way{r.Hops, list, o.own()}.border()
	p.Doubt = r.border.doubt
	if o.IP.IsValid() {
		ip, _ := address(o.IP.String())
		p.IP, p.IPFrom, p.Doubt = ip, "--ip", ""
		if h := r.border.hop; h == nil || h.Doubt == "" { // else that field is the border's, and the address was missing
			r.border = border{}
			if i := slices.IndexFunc(r.Hops, func(h Hop) bool { return h.IP == p.IP }); i >= 0 {
				r.border.hop = &r.Hops[i]
			}
		}
		r.border.known = r.border.hop != nil
	}
	if h := r.border.hop; h != nil {
		if !o.IP.IsValid() && h.IP.IsValid() {
			p.IP, p.IPFrom = h.IP, h.describe(len(r.Hops))
		}
		p.Helo, p.Arrival, p.Border, p.Sure = h.Helo, h.Time, h.Number, r.border.known && p.Doubt == ""
	}
	if !r.border.known && len(r.Hops) > 0 {
		p.Arrival = r.Hops[0].Time // the last server's clock, which the sender cannot set
	}
	if o.Helo != "" {
		p.Helo = o.Helo
	}
	r.sender(o)
	if p.Unknown != "" {
		return
	}
	switch {
	case p.IPFrom != "--ip" && r.border.hop != nil && !r.border.known:
		p.Unknown = "it is not known who brought the message: " + r.border.doubt + "; " + r.border.hint
	case p.IPFrom != "--ip" && r.border.hop != nil && r.border.hop.user:
		p.Unknown = r.border.hop.describe(len(r.Hops)) + ": the client logged in and handed the message in as a user, and who logs in is not held against SPF"
	case len(r.Hops) == 0 && !p.IP.IsValid():
		p.Unknown = "there is no Received field, as every message has that went through a server: this is a draft, a copy of what was sent, or a printed text; take the source of the message in the mailbox that received it, or name the client with --ip and MAIL FROM with --mail-from"
	case !p.IP.IsValid() && r.border.doubt != "":
		p.Unknown = "it is not known who brought the message: " + r.border.doubt
	case !p.IP.IsValid():
		p.Unknown = "no Received field names a public address: name the client with --ip"
	case p.From == "":
		p.Unknown = "the file does not say what MAIL FROM was: name it with --mail-from"
	case p.Sender == "" && p.Helo == "":
		p.Unknown = "MAIL FROM is empty and the HELO name is not known: name it with --helo"
	}
}

// sender finds MAIL FROM. A Return-Path counts only above the Received field of the
// border: what stands below it, the sender may have written.
func (r *Result) sender(o Options) {
	p := &r.Path
	sender, ok := "", true
	field := slices.IndexFunc(r.message.Fields, func(f Field) bool { return f.Is("Return-Path") })
	h := r.border.hop
	switch {
	case o.HasSender:
		sender, p.From = o.Sender, "--mail-from"
	case field >= 0 && h != nil && field < h.field, field >= 0 && h == nil && len(r.Hops) > 0 && field < r.Hops[0].field && r.Hops[0].Doubt == "":
		sender, ok = parsePath(r.message.Fields[field].Value())
		p.From = "Return-Path"
	case h != nil && h.Sender != "" && r.border.known:
		sender, p.From = h.Sender, h.describe(len(r.Hops))
	case field >= 0 && h == nil && r.border.doubt != "": // told with the client
		return
	case field >= 0 && h == nil && o.IP.IsValid() && len(r.Hops) > 0:
		p.Unknown = "what MAIL FROM was is not known: no Received field names " + o.IP.String() + " as its client, so nothing ties the Return-Path to it; name it with --mail-from"
		return
	case field >= 0 && h == nil:
		p.Unknown = "what MAIL FROM was is not known: no Received field of your servers stands below the Return-Path, so the sender may have written it; name it with --mail-from"
		return
	case field >= 0:
		p.Unknown = "what MAIL FROM was is not known: the Return-Path stands below the Received field of your border, so the sender may have written it; name it with --mail-from"
		return
	default:
		return
	}
	if !ok {
		p.Unknown = "the Return-Path " + cut(r.message.Fields[field].Value()) + " holds no address: name it with --mail-from"
		return
	}
	if sender == "" {
		return
	}
	at := strings.LastIndexByte(sender, '@')
	d := domainName(sender[at+1:])
	if d == "" || len(sender) > 1000 {
		p.Unknown = "the MAIL FROM address " + cut(sender) + " has no domain name"
		return
	}
	local := sender[:at+1]
	if local == "" {
		local = "postmaster@" // RFC 7208 section 4.3
	}
	p.Sender = local + d
}

// severities from the worst on.
var severities = []checks.Severity{checks.Critical, checks.High, checks.Medium, checks.Low, checks.Info}

// failed gives what rules found, the worst first.
func (r *Result) failed() (out []Finding) {
	for _, sev := range severities {
		for _, f := range r.Findings {
			if f.Status == checks.Fail && f.Severity == sev {
				out = append(out, f)
			}
		}
	}
	return out
}

// unknown gives the findings of rules that had no usable answer.
func (r *Result) unknown() (out []Finding) {
	for _, f := range r.Findings {
		if f.Status == checks.Unknown {
			out = append(out, f)
		}
	}
	return out
}

// judge applies the rules.
func (r *Result) judge() {
	for _, res := range checks.Run(&gather.Evidence{Domain: r.Author.Domain}, Rules(r)) {
		for _, v := range res.Verdicts {
			r.Findings = append(r.Findings, Finding{
				Rule: res.Rule.ID, Title: res.Rule.Title, Status: v.Status, Severity: v.Severity, Key: v.Key,
				Message: v.Message, Evidence: v.Evidence,
			})
		}
	}
}

// size gives a number of bytes for people.
func size(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f kB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}
