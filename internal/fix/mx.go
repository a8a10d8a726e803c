package fix

import (
	"maps"
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/paste"
	"mxvet/internal/smtp"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

const nullMX = "0 ."

// mx proposes the MX records: the null MX of a domain that takes no mail, or the
// records without those that only do harm.
func (c *composer) mx() (Fix, bool) {
	m := c.e.MX
	if !usable(m.Answer) || m.Answer.NXDomain() || len(m.Answer.Chain(c.e.Domain)) > 0 {
		return Fix{}, false
	}
	if len(m.Hosts) == 0 || c.noMail() {
		return c.nullMX()
	}
	return c.mxHosts()
}

func (c *composer) nullMX() (Fix, bool) {
	claims := c.claims(NullMX, c.e.Domain, true)
	if len(claims) == 0 {
		return Fix{}, false
	}
	ch := zone.Change{Owner: c.e.Domain, Type: "MX", Add: []string{nullMX}, TTL: ttlFor(c.e.MX.Answer, "MX")}
	for _, p := range publishedAt(c.e.MX.Answer, "MX") {
		if p.data != nullMX {
			ch.Remove = append(ch.Remove, p.data)
		}
	}
	f := Fix{
		ID: NullMX, Title: "say that the domain takes no mail (null MX)", Claims: claims, Changes: []zone.Change{ch},
		Effort: LowEffort, Safety: SafeNow, VisibleWithin: visible(c.e.MX.Answer, "MX"),
	}
	if slices.ContainsFunc(ch.Remove, func(data string) bool { return !strings.HasSuffix(data, " .") }) {
		f.Safety, f.Needs = NeedsEvidence, "that nobody reads mail at the domain: its MX records name hosts"
	} else if !c.e.Role.Stated && !hasNull(c.e) {
		f.Safety, f.Needs = NeedsEvidence, "that nobody reads mail at the domain: "+c.e.Role.Why
	}
	return f, true
}

func hasNull(e *gather.Evidence) bool {
	return slices.ContainsFunc(publishedAt(e.MX.Answer, "MX"), func(p published) bool {
		return len(p.data) > 2 && p.data[len(p.data)-2:] == " ."
	})
}

// mxHosts takes out a null MX beside hosts that answer, second mentions of a
// host, and hosts that are proven to have no address while others have one.
func (c *composer) mxHosts() (Fix, bool) {
	e := c.e
	claims := c.claims(MXRecords, e.Domain, true)
	if len(claims) == 0 {
		return Fix{}, false
	}
	best := map[string]uint16{}
	for _, r := range e.MX.Records { // by preference
		if _, seen := best[r.Host]; !seen {
			best[r.Host] = r.Pref
		}
	}
	ch := zone.Change{Owner: e.Domain, Type: "MX", TTL: ttlFor(e.MX.Answer, "MX")}
	var notes []Step
	left := 0
	for _, h := range e.MX.Hosts {
		if !addressless(h) {
			left++
		}
	}
	if left == 0 {
		return Fix{}, false
	}
	gone := map[string]bool{}
	for _, p := range publishedAt(e.MX.Answer, "MX") {
		read := (wire.Answer{Answer: []string{e.Domain + ".\t0\tIN\tMX\t" + p.data}}).MX()
		if len(read) != 1 {
			continue
		}
		pref, host := read[0].Pref, read[0].Host
		i := slices.IndexFunc(e.MX.Hosts, func(h gather.Host) bool { return h.Name == host })
		switch {
		case host == ".":
			gone[host] = true
		case i >= 0 && addressless(e.MX.Hosts[i]) && len(c.failing("mx-no-address")) > 0:
			gone[host] = true
			if c.unregistered(host) {
				notes = append(notes, paste.Words("Anybody can register the name that %s depends on, and would get mail: do not wait.", host))
			} else {
				notes = append(notes, paste.Words("If %s should take mail, give it A and AAAA records instead.", host))
			}
		case pref == best[host]:
			continue
		}
		ch.Remove = append(ch.Remove, p.data)
	}
	if len(ch.Remove) == 0 {
		return Fix{}, false
	}
	claims = slices.DeleteFunc(claims, func(claim Claim) bool {
		return claim.Rule == "mx-no-address" && !gone[claim.Subject] || claim.Rule == "mx-null-mixed" && !gone["."]
	})
	f := Fix{
		ID: MXRecords, Title: "take out the MX records that lead nowhere", Claims: claims, Changes: []zone.Change{ch}, Steps: notes,
		Effort: LowEffort, Safety: SafeNow, VisibleWithin: visible(e.MX.Answer, "MX"),
	}
	var needs []string
	if gone["."] && !c.someHostAnswers() {
		needs = append(needs, "that the domain takes mail: a null MX beside its hosts says that it does not")
	}
	delete(gone, ".")
	for _, v := range c.failing("dns-unregistered") {
		if slices.ContainsFunc(slices.Collect(maps.Keys(gone)), func(host string) bool { return below(host, v.Key) }) {
			f.Claims = append(f.Claims, Claim{"dns-unregistered", v.Subject, v.Key})
		}
	}
	f.Claims = c.inOrder(f.Claims)
	maps.DeleteFunc(gone, func(host string, _ bool) bool { return c.unregistered(host) }) // whoever registers it gets the mail
	if hosts := slices.Sorted(maps.Keys(gone)); len(hosts) == 1 {                         // the record means that the host takes mail, whatever it leads to today
		needs = append(needs, "that "+shown(hosts)+" is not to take mail any more")
	} else if len(hosts) > 1 {
		needs = append(needs, "that none of these hosts is to take mail any more: "+shown(hosts))
	}
	if len(needs) > 0 {
		f.Safety, f.Needs = NeedsEvidence, strings.Join(needs, ", and ")
	}
	return f, true
}

// addressless reports proof that a host has no address.
func addressless(h gather.Host) bool { return h.A.Missing("A") && h.AAAA.Missing("AAAA") }

// someHostAnswers reports whether a mail host was heard.
func (c *composer) someHostAnswers() bool {
	for _, h := range c.e.MX.Hosts {
		for _, a := range h.Addrs {
			if smtp.Banner(a.Session.Exchanges) != nil {
				return true
			}
		}
	}
	return false
}
