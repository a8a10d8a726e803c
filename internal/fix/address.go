package fix

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/paste"
	"mxvet/internal/spf"
)

// reportAddress gives a mailbox of the domain for reports, "" where none is
// known. It is never made up: it is one that the domain names for reports already,
// or postmaster, which a domain that takes mail must have (RFC 5321 section
// 4.5.1), where a mail host was heard and did not refuse it. No address of the
// domain is of use where mail to it is known to go astray.
func (c *composer) reportAddress() string {
	if !c.e.Role.Receives() || len(c.e.MX.Hosts) == 0 || c.mailDead() {
		return ""
	}
	var known []string
	add := func(address, host string) {
		if host == c.e.Domain {
			known = append(known, address)
		}
	}
	d, t := c.e.DMARC, c.e.TLSRPT
	if own := d.Own(); own != nil {
		for _, r := range slices.Concat(own.Records, own.Others, d.Apex.Records, d.Doubled.Records) {
			for _, u := range understood(r).RUA {
				address, _, _ := strings.Cut(strings.TrimPrefix(u.Raw, "mailto:"), "!")
				_, host, _ := strings.Cut(address, "@")
				add(address, strings.ToLower(host))
			}
		}
	}
	for _, r := range slices.Concat(t.Records, t.Others, t.Apex.Records, t.Doubled.Records) {
		for _, u := range tlsMeant(r).RUA {
			add(u.Address, u.Host)
		}
	}
	for _, address := range known {
		if plainAddress(address) {
			return address
		}
	}
	if len(c.failing("smtp-postmaster")) > 0 || !c.someHostAnswers() {
		return ""
	}
	return "postmaster@" + c.e.Domain
}

// mailDead reports that no mail to the domain arrives today: nothing names a mail
// host, what the MX records name leads nowhere, or no host takes mail.
func (c *composer) mailDead() bool {
	m := c.e.MX
	if m.Implicit || c.mxBroken() || c.fails("mx-null-mixed", "") {
		return true
	}
	return !c.someHostAnswers() && (c.fails("mx-unreachable", "") || c.fails("smtp-banner-refuses", ""))
}

// noMailbox says why no mailbox of the domain is proposed.
func (c *composer) noMailbox() string {
	switch {
	case !c.e.Role.Receives():
		return ": the domain takes no mail"
	case c.mailDead():
		return ": mail to the domain itself does not arrive today"
	}
	return " that is read: no mail host was seen to take mail"
}

// mailBelow gives the names below the domain that do mail, as far as the zone's text
// or the user names them, or of which a failed lookup keeps that open, and to which
// no DMARC record of their own applies.
func (c *composer) mailBelow() []string {
	out := slices.Clone(c.e.Options.ZoneMail)
	for _, s := range c.e.Subdomains {
		if s.DMARC.Walk.Domain.At == s.Name || slices.Contains(out, s.Name) {
			continue
		}
		mx := s.MX.Answer.MX()
		receives := s.MX.Failed() || len(mx) > 0 && mx[0].Host != "."
		sends := s.SPF.Incomplete || slices.ContainsFunc(s.SPF.Root.Records, func(r spf.Record) bool { return namesSenders(&r, s.SPF.Root.Steps) })
		if receives || sends {
			out = append(out, s.Name)
		}
	}
	return out
}

// someNames lists names, the first of many.
func someNames(names []string) string {
	const few = 4
	if more := len(names) - few; more > 0 {
		return fmt.Sprintf("%s and %d more", shown(names[:few]), more)
	}
	return shown(names)
}

// shown lists names of others in a sentence.
func shown(names []string) string {
	var out []string
	for _, name := range names {
		out = append(out, paste.Shown(name).String())
	}
	return strings.Join(out, ", ")
}

// plainAddress reports whether an address can stand in a record as it is, without
// percent-encoding.
func plainAddress(s string) bool {
	local, _, ok := strings.Cut(s, "@")
	return ok && local != "" && strings.Trim(local, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_+") == ""
}
