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
			ID: "mx-special-address", Area: AreaHosts, Severity: High,
			Title: "mail hosts have public addresses",
			Refs:  []string{"RFC 6890 section 2.2", "RFC 5321 section 5.1"},
			When:  mxMailHosts,
			Judge: func(e *gather.Evidence) []Verdict {
				var out []Verdict
				for _, h := range e.MX.Hosts {
					for _, a := range h.Addrs {
						v := Verdict{Subject: fmt.Sprintf("%s [%s]", h.Name, a.IP), Status: Pass, Evidence: hostRefs(h)}
						if kind, special := mxSpecial(e, a); special {
							v.Status, v.Severity = Fail, High
							v.Message = fmt.Sprintf("%s is no address of the public internet (%s): mail sent there is lost or goes astray", a.IP, kind)
						}
						out = append(out, v)
					}
					if v, silent := mxSilentAddress(h); silent {
						out = append(out, v)
					}
				}
				if out == nil {
					return []Verdict{{Status: NotApplicable, Message: "no mail host has an address"}}
				}
				return out
			},
		},
		{
			ID: "mx-no-ipv6", Area: AreaHosts, Severity: Low,
			Title: "mail hosts can be reached over IPv6",
			Refs:  []string{"Internet.nl mail test, IPv6 addresses of mail servers"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := mxMailHosts(e); status != "" {
					return status, why
				}
				if !e.Role.Receives() {
					return NotApplicable, "the domain is not expected to receive mail: " + e.Role.Why
				}
				return "", ""
			},
			Judge: judgeMXNoIPv6,
		},
	}
}

// mxSpecial judges an address as far as this run takes documentation ranges for
// ordinary ones.
func mxSpecial(e *gather.Evidence, a gather.Address) (kind string, special bool) {
	if e.Options.AllowPrivate {
		return wire.SpecialButDocumentation(a.IP)
	}
	return wire.Special(a.IP)
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
