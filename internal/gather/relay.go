package gather

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"mxvet/internal/psl"
	"mxvet/internal/route"
	"mxvet/internal/smtp"
	"mxvet/internal/wire"
)

// An open relay takes mail from strangers for strangers. Whether a host is one
// can be asked without sending anything: MAIL, RCPT, RSET, and see what RCPT
// says. The answer proves little by itself: some servers take every recipient
// and reject later, some trust the address that asks, some put off every first
// contact. So controls go first, a recipient that must exist, one that must not,
// and one that nobody can deliver to, and the rules judge all replies together.
// Servers count refused recipients, and slow down or hang up when there are many
// (Postfix after ten): so each address is asked as little as decides.

// Relay is how the hosts of a domain were asked to relay.
type Relay struct {
	NotAsked string // why they were not; "" where they were
	// Lost is a question about the way of the mail that gave no answer, where
	// NotAsked rests on that: had it been answered, they might have been asked.
	Lost     wire.Ref
	Weak     string // why no verdict can be strong
	From, To string // sender and recipient, both foreign to the audited domain
	// Where are the addresses that mail for To goes to. A host that has one of them
	// is not asked; where another one has, that the recipient is taken proves nothing.
	Where []netip.Addr
}

// Forms of envelopes. The controls come first; the others ask to relay.
const (
	FormPostmaster   = "control-postmaster"   // must exist (RFC 5321 section 4.5.1)
	FormAbuse        = "control-abuse"        // should exist (RFC 2142 section 2)
	FormRandom       = "control-random"       // nobody's name
	FormUnresolvable = "control-unresolvable" // a domain that cannot exist (RFC 6761 section 6.4)
	FormNull         = "null-sender"
	FormForeign      = "foreign-sender"
	FormLocal        = "local-sender"
	FormPercent      = "percent"
	FormBang         = "bang"
	FormRoute        = "source-route"
)

// Plain reports whether a form is an ordinary address, so that accepting it
// means one thing only. The routed forms are legal local addresses too.
func Plain(form string) bool {
	return form == FormNull || form == FormForeign || form == FormLocal
}

// askToRelay decides whom to name as sender and recipient, once for the domain.
// The recipient must be foreign to the domain and able to receive, or accepting
// it would prove nothing.
func askToRelay(ctx context.Context, src wire.Source, list *psl.List, domain string, o Options) Relay {
	off := func(why string) Relay { return Relay{NotAsked: why} }
	switch {
	case o.Relay == "off":
		return off("the relay test is switched off")
	case o.NoSMTP || o.Offline:
		return off("SMTP is switched off")
	}
	named := o.EHLO != "" && !strings.HasPrefix(o.EHLO, "[")
	r := Relay{From: o.RelayFrom, To: o.RelayRcpt}
	if r.To == "" {
		if !named {
			return off("no foreign recipient to ask for: name a mailbox of your own elsewhere with --relay-rcpt, or this machine with --ehlo")
		}
		r.To = "postmaster@" + list.OrgDomain(o.EHLO, false)
	}
	if r.From == "" && named {
		r.From = "postmaster@" + list.OrgDomain(o.EHLO, false)
	}
	if !named {
		r.Weak = "this machine has no name to say at EHLO (--ehlo), which servers hold against it"
	}
	to := r.To[strings.LastIndexByte(r.To, '@')+1:]
	if list.OrgDomain(to, false) == list.OrgDomain(domain, false) {
		return off("the recipient " + r.To + " belongs to the audited domain: name one elsewhere with --relay-rcpt")
	}
	ctx, cancel := context.WithTimeout(ctx, relayWait)
	defer cancel()
	way := route.Follow(ctx, src, to)
	theirs := way.Addresses(ctx, src, maxHosts)
	r.Where = theirs.Addrs
	switch {
	case len(theirs.Addrs) == 0 && theirs.Whole:
		return off("the recipient domain " + to + " takes no mail, so every server refuses it: name a mailbox with --relay-rcpt")
	case len(theirs.Addrs) == 0:
		r.NotAsked, r.Lost = "where mail for "+to+" goes could not be found out", theirs.Lost.Ref
	case !theirs.Whole:
		r.NotAsked = "whether mail for " + to + " goes to the audited hosts themselves could not be found out: some of its addresses are not known"
		r.Lost = theirs.Lost.Ref
	}
	return r
}

// envelopes gives what one address of a host is asked. Whole is for the first;
// at the others less will show whether they are configured alike.
func (r Relay) envelopes(domain string, o Options, whole bool) smtp.Envelopes {
	label := func(purpose string) string { return wire.Label(o.Seed, "relay-"+purpose, domain) }
	user, foreign := r.To[:strings.LastIndexByte(r.To, '@')], r.To[strings.LastIndexByte(r.To, '@')+1:]
	sender := "postmaster@" + domain
	es := smtp.Envelopes{
		{Form: FormPostmaster, To: "postmaster@" + domain},
		{Form: FormAbuse, To: "abuse@" + domain},
		{Form: FormRandom, To: label("random") + "@" + domain},
		{Form: FormUnresolvable, To: label("unresolvable") + "@" + label("domain") + ".invalid"},
		{Form: FormNull, To: r.To},
		{Form: FormForeign, From: r.From, To: r.To},
		{Form: FormLocal, From: sender, To: r.To},
		{Form: FormPercent, To: user + "%" + foreign + "@" + domain},
		{Form: FormBang, To: foreign + "!" + user + "@" + domain},
		{Form: FormRoute, To: "@" + domain + ":" + r.To},
	}
	return slices.DeleteFunc(es, func(e smtp.Envelope) bool {
		return e.Form == FormForeign && r.From == "" || !whole && slices.Contains([]string{FormAbuse, FormForeign, FormPercent, FormBang}, e.Form)
	})
}

// relayFor gives the envelopes for an address of a host, or why it is not asked. It
// rests on nothing that concerns other hosts, for which nobody is to wait.
func relayFor(e *Evidence, h *Host, ip netip.Addr, whole bool) (probe, notAsked string) {
	switch {
	case slices.Contains(e.Relay.Where, ip):
		return "", "mail for " + e.Relay.To + " goes to the audited hosts themselves: name a recipient elsewhere with --relay-rcpt"
	case e.Relay.NotAsked != "":
		return "", e.Relay.NotAsked
	case h.Provider != nil && h.Provider.Shared:
		return "", "shared platform: " + h.Provider.Name + " runs it for many customers"
	case slices.Contains(e.Options.SharedHosts, h.Name):
		return "", "several of the audited domains share this host: audit one of them alone to ask"
	}
	return e.Relay.envelopes(e.Domain, e.Options, whole).String(), ""
}
