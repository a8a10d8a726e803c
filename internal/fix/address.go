package fix

import (
	"slices"
	"strings"
)

// reportAddress gives a mailbox of the domain for reports, "" where none is
// known. It is never made up: it is one that the domain names for reports already,
// or postmaster, which a domain that takes mail must have (RFC 5321 section
// 4.5.1), unless it was seen to be refused.
func (c *composer) reportAddress() string {
	if !c.e.Role.Receives() || len(c.e.MX.Hosts) == 0 {
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
				add(u.Address, u.Host)
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
	if len(c.failing("smtp-postmaster")) > 0 {
		return ""
	}
	return "postmaster@" + c.e.Domain
}

// plainAddress reports whether an address can stand in a record as it is, without
// percent-encoding.
func plainAddress(s string) bool {
	local, _, ok := strings.Cut(s, "@")
	return ok && local != "" && strings.Trim(local, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_+") == ""
}
