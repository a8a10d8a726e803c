package checks

import (
	"fmt"
	"slices"

	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// mxAddressRules is about the addresses of the mail hosts.
func mxAddressRules() []Rule {
	return []Rule{
		{
			ID: "mx-special-address", Area: AreaHosts, Severity: Critical,
			Bears: []Bearing{
				{On: Arrival, From: Critical, Weight: Decides, Everywhere: true, Direction: MailTo, Words: "no MX host has a public address", About: "the servers' addresses"},
				{On: Arrival, From: High, Weight: Partly, Direction: MailTo, Words: "an MX address is not a public one", About: "the servers' addresses"},
			},
			Title: "mail hosts have public addresses",
			Refs:  []string{"RFC 6890 section 2.2", "RFC 5321 section 5.1"},
			When:  mxMailHosts,
			Judge: judgeMXSpecial,
		},
		{
			ID: "mx-no-ipv4", Area: AreaHosts, Severity: High,
			Title: "mail hosts can be reached over IPv4",
			Refs:  []string{"RFC 5321 section 5.2", "RFC 3974"},
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailTo, Words: "senders without IPv6 cannot deliver"}},
			When:  mxReceives,
			Judge: judgeMXNoIPv4,
		},
		{
			ID: "mx-no-ipv6", Area: AreaHosts, Severity: Low,
			Title: "mail hosts can be reached over IPv6",
			Refs:  []string{"Internet.nl mail test, IPv6 addresses of mail servers"},
			When:  mxReceives,
			Judge: judgeMXNoIPv6,
		},
	}
}

// mxReceives guards the rules about how the hosts can be reached.
func mxReceives(e *gather.Evidence) (Status, string) {
	if status, why := mxMailHosts(e); status != "" {
		return status, why
	}
	if !e.Role.Receives() {
		return NotApplicable, "the domain is not expected to receive mail: " + e.Role.Why
	}
	return "", ""
}

const mxShown = 8 // addresses of a host for which the answer of its zone's server is cited

// judgeMXSpecial tells of each address that is none of the public internet, once a
// server of its zone gave it too: what the resolver alone says may be an inside
// view. Where there is no other address, no mail can arrive.
func judgeMXSpecial(e *gather.Evidence) []Verdict {
	var out []Verdict
	all, any := true, false
	for i := range e.MX.Hosts {
		h := &e.MX.Hosts[i]
		for j, a := range h.Addrs {
			v := Verdict{Subject: fmt.Sprintf("%s [%s]", h.Name, a.IP), Status: Pass, Evidence: hostRefs(*h)}
			kind, special := mxSpecial(e, a)
			any, all = true, all && special
			ref, confirmed := h.Confirmed(a.IP)
			if ref == "" && len(h.Outside) > 0 {
				ref = h.Outside[0].Ref
			}
			if special && ref != "" && j < mxShown { // the same answer again and again makes no proof stronger
				v.Evidence = append(v.Evidence, ref)
			}
			switch {
			case !special:
			case confirmed:
				v.Status, v.Severity = Fail, High
				v.Message = fmt.Sprintf("%s is no address of the public internet (%s): mail sent there is lost or goes astray", a.IP, kind)
			default:
				v.Status, v.Severity = Unknown, High
				v.Message = fmt.Sprintf("the resolver gives %s, which is no address of the public internet (%s), and %s: your resolver may show an inside view", a.IP, kind, mxOutside(h))
			}
			out = append(out, v)
		}
		if v, silent := mxSilentAddress(*h); silent {
			v.Severity, all = High, false
			out = append(out, v)
		}
	}
	if out == nil {
		return []Verdict{{Status: NotApplicable, Message: "no mail host has an address"}}
	}
	if more := boundAddresses(e); more != nil {
		out, all = append(out, more...), false
	}
	if any && all {
		for i := range out {
			out[i].Severity = Critical
			if out[i].Status == Fail {
				out[i].Message += "; no mail host has another address, so no mail can arrive"
			}
		}
	}
	return out
}

// mxOutside says what the servers of a host's zone said about its addresses.
func mxOutside(h *gather.Host) string {
	var seen []string
	denied := ""
	for _, s := range h.Outside {
		if !s.Answer.OK() || !s.Answer.AA {
			continue
		}
		denied = s.Name
		for _, ip := range s.Answer.Addrs() {
			if !slices.Contains(seen, ip.String()) {
				seen = append(seen, ip.String())
			}
		}
	}
	switch {
	case len(seen) > 0:
		return "the zone's own servers give " + dnsList(seen)
	case denied != "":
		return "the zone's own server " + denied + " gives no such address"
	}
	return "the zone's own servers could not be asked"
}

// judgeMXNoIPv4 asks that some host has an IPv4 address. Hosts without any
// address are another rule's matter.
func judgeMXNoIPv4(e *gather.Evidence) []Verdict {
	if slices.ContainsFunc(e.MX.Hosts, func(h gather.Host) bool { return h.A.Has("A") }) {
		return nil
	}
	some := false
	for _, h := range e.MX.Hosts {
		if !h.A.Missing("A") {
			status, why := dnsSilence(h.Name+" A", h.A)
			return []Verdict{{Status: status, Evidence: hostRefs(h), Message: "no mail host is known to have an IPv4 address: " + why}}
		}
		some = some || h.AAAA.Has("AAAA")
	}
	for _, h := range e.MX.Hosts {
		if !some && h.AAAA.Fail != nil {
			status, why := dnsSilence(h.Name+" AAAA", h.AAAA)
			return []Verdict{{Status: status, Evidence: hostRefs(h), Message: why}}
		}
	}
	if !some {
		return []Verdict{{Status: NotApplicable, Message: "no mail host has an address"}}
	}
	return fail(High, mxRefs(e, e.MX.Hosts...), "no mail host has an IPv4 address (%s): senders without IPv6, which are many, cannot deliver", mxHostNames(e.MX.Hosts))
}

// mxSpecial judges an address as far as this run takes documentation ranges for
// ordinary ones.
func mxSpecial(e *gather.Evidence, a gather.Address) (kind string, special bool) {
	return e.Options.Special(a.IP)
}

// mxSilentAddress says that some addresses of a host could not be asked for.
func mxSilentAddress(h gather.Host) (Verdict, bool) {
	for _, q := range []struct {
		name   string
		answer wire.Answer
	}{{h.Name + " A", h.A}, {h.Name + " AAAA", h.AAAA}} {
		if q.answer.Fail != nil {
			status, why := dnsSilence(q.name, q.answer)
			return Verdict{Subject: h.Name, Status: status, Message: why, Evidence: hostRefs(h)}, true
		}
	}
	return Verdict{}, false
}

// judgeMXNoIPv6 asks that some host has an IPv6 address; that others have none is
// worth a remark. Hosts without any address are another rule's matter.
func judgeMXNoIPv6(e *gather.Evidence) []Verdict {
	some := slices.ContainsFunc(e.MX.Hosts, func(h gather.Host) bool { return h.AAAA.Has("AAAA") })
	var out []Verdict
	without, silent := 0, false
	for _, h := range e.MX.Hosts {
		v := Verdict{Subject: h.Name, Status: Pass, Evidence: hostRefs(h)}
		switch {
		case h.AAAA.Has("AAAA"):
		case mxAddressless(h.A, h.AAAA):
			v.Status, v.Message = NotApplicable, "the host has no address at all"
		case h.AAAA.Missing("AAAA") && h.A.Fail != nil:
			silent = true
			_, why := dnsSilence(h.Name+" A", h.A)
			v.Status, v.Severity, v.Message = Unknown, Low, "whether the host has any address is not known: "+why
		case h.AAAA.Missing("AAAA"):
			without++
			v.Status, v.Severity, v.Message = Fail, Info, h.Name+" has no AAAA record, other mail hosts have one"
		default:
			silent = true
			v.Status, v.Message = dnsSilence(h.Name+" AAAA", h.AAAA)
			v.Severity = Low
			if some {
				v.Severity = Info
			}
		}
		out = append(out, v)
	}
	switch {
	case some || without == 0:
		return out
	case silent:
		return slices.DeleteFunc(out, func(v Verdict) bool { return v.Status == Fail })
	}
	return fail(Low, mxRefs(e, e.MX.Hosts...), "no mail host has an AAAA record, so senders without IPv4 cannot deliver (%s)", mxHostNames(e.MX.Hosts))
}
