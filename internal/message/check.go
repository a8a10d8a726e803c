package message

import (
	"context"
	"fmt"
	"net/netip"
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
}

// Schema names the form of a Result in JSON.
const Schema = "mxvet.message/1"

// A Result is all that is known of a message.
type Result struct {
	Schema     string            `json:"schema"`
	File       string            `json:"file,omitempty"`
	At         time.Time         `json:"at"`
	Size       int               `json:"size"`
	Verdict    simulate.Verdict  `json:"verdict"`
	Why        string            `json:"why"`
	Author     Author            `json:"author"`
	MessageID  string            `json:"message_id,omitempty"`
	Date       string            `json:"date,omitempty"`
	Subject    string            `json:"subject,omitempty"`
	Path       Path              `json:"path"`
	Hops       []Hop             `json:"received,omitempty"` // newest first
	Signatures []Signature       `json:"dkim,omitempty"`     // from the top
	Decision   simulate.Decision `json:"decision"`
	Reports    []Report          `json:"authentication_results,omitempty"`
	ARC        *ARC              `json:"arc"`
	Findings   []Finding         `json:"findings"`

	message *Message
	border  *Hop
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
	r := &Result{
		Schema: Schema, At: o.At, Size: m.Size, Author: m.author(), Hops: m.hops(),
		Signatures: m.signatures(), Reports: m.reports(), ARC: m.arc(), message: m,
	}
	r.MessageID, r.Date, r.Subject = m.shown("Message-ID"), m.shown("Date"), m.shown("Subject")
	r.path(list, o)

	path := simulate.Path{
		Author: r.Author.Domain, NoAuthor: r.Author.Why, Authors: r.Author.Domains, IP: r.Path.IP, Sender: r.Path.Sender, Helo: r.Path.Helo,
		NoSPF: r.Path.Unknown, At: o.At,
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
	m.verify(r.Signatures, asked, arrival)
	r.ARC.validate(m, asked)
	wg.Wait()

	var outcomes []simulate.Signature
	for _, s := range r.Signatures[:min(len(r.Signatures), maxSignatures)] {
		outcomes = append(outcomes, simulate.Signature{Domain: s.Domain, Result: s.Result})
	}
	r.Decision = view.Decide(outcomes)
	r.Verdict, r.Why = r.Decision.Verdict, r.Decision.Why
	for i := range r.Reports {
		r.Reports[i].trust(o.Authserv, r.Hops, r.border)
		r.Reports[i].compare(r)
	}
	for _, s := range r.ARC.Sets {
		if s.Said != nil {
			s.Said.Why = "written by a forwarder; to be believed as far as its seal is"
			s.Said.compare(r)
		}
	}
	r.judge()
	return r
}

// path finds client, HELO name and MAIL FROM: what the user says, else what the
// file says.
func (r *Result) path(list *psl.List, o Options) {
	p := &r.Path
	r.border, p.Doubt = border(r.Hops, list)
	if o.IP.IsValid() {
		p.IP, p.IPFrom, p.Doubt = o.IP.Unmap(), "--ip", ""
		r.border = nil
		for i := range r.Hops {
			if r.border == nil && r.Hops[i].IP == p.IP {
				r.border = &r.Hops[i]
			}
		}
	}
	if h := r.border; h != nil {
		if !o.IP.IsValid() {
			p.IP, p.IPFrom = h.IP, h.describe(len(r.Hops))
		}
		p.Helo, p.Arrival = h.Helo, h.Time
	}
	if o.Helo != "" {
		p.Helo = o.Helo
	}
	known := true
	returnPath, found := r.message.First("Return-Path")
	switch {
	case o.HasSender:
		p.Sender, p.From = o.Sender, "--mail-from"
	case found:
		p.Sender, p.From = strings.Trim(strings.TrimSpace(returnPath), "<>"), "Return-Path"
	case r.border != nil && r.border.Sender != "":
		p.Sender, p.From = r.border.Sender, r.border.describe(len(r.Hops))
	default:
		known = false
	}
	if known && p.Sender != "" {
		at := strings.LastIndexByte(p.Sender, '@')
		d := domainName(p.Sender[at+1:])
		if d == "" {
			p.Unknown = "the MAIL FROM address " + cut(p.Sender) + " has no domain name"
			p.Sender = ""
			return
		}
		local := p.Sender[:at+1]
		if local == "" {
			local = "postmaster@" // RFC 7208 section 4.3
		}
		p.Sender = local + d
	}
	switch {
	case !known:
		p.Unknown = "the file does not say what MAIL FROM was (no Return-Path): name it with --mail-from"
	case !p.IP.IsValid():
		p.Unknown = "no Received field names a public address: name the client with --ip"
	case p.Sender == "" && domainName(p.Helo) == "":
		p.Unknown = "MAIL FROM is empty and the HELO name is not known: name it with --helo"
	}
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
func size(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f kB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}
