package checks

import (
	"slices"

	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// Rules about the domain's place in the DNS: what everything else stands on.
func dnsRules() []Rule {
	return slices.Concat(dnsZoneRules(), dnsServerRules(), dnsTextRules(), dnsOwnerRules(), dnsRegistrationRules(), dnsDirectRules(), dnsWildcardRules(), dnsSlipRules())
}

// dnsSilence gives the status for a question without a usable answer, and says
// why there is none. Names outside of a zone that is audited offline are unknown
// too: only what needs more than the DNS counts as not asked then.
func dnsSilence(question string, a wire.Answer) (Status, string) {
	switch f := a.Fail; {
	case f == nil && a.TCPFailed:
		return Unknown, question + ": the answer was cut short, and TCP gave nothing"
	case f == nil:
		return Unknown, question + ": no usable answer (" + a.Rcode + ")"
	default:
		return Unknown, question + ": " + f.String()
	}
}

// dnsMissing reports that the domain does not exist: then nothing else about its
// DNS applies.
func dnsMissing(e *gather.Evidence) bool {
	return e.Gone()
}

func dnsExists(e *gather.Evidence) (Status, string) {
	if dnsMissing(e) {
		return NotApplicable, "the domain does not exist"
	}
	return "", ""
}

// dnsRef names a question to the configured resolvers.
func dnsRef(name, rrtype string) wire.Ref { return wire.Question{Name: name, Type: rrtype}.Ref() }

// dnsZoneRules is about the domain's name itself.
func dnsZoneRules() []Rule {
	return []Rule{
		{
			ID: "dns-nxdomain", Area: AreaHosts, Severity: Critical,
			Bears: []Bearing{
				{On: Arrival, From: Critical, Weight: Decides, Direction: MailTo, Words: "the domain does not exist", About: "the DNS"},
				{On: Arrival, From: Critical, Weight: Decides, Direction: MailFrom, Words: "the domain does not exist", About: "the DNS"},
			},
			Title: "the domain exists",
			Refs:  []string{"RFC 5321 section 5.1", "RFC 8020"},
			Judge: func(e *gather.Evidence) []Verdict {
				refs := []wire.Ref{e.MX.Ref}
				switch {
				case e.MX.Answer.Fail != nil:
					status, why := dnsSilence(e.Domain+" MX", e.MX.Answer)
					return []Verdict{{Status: status, Evidence: refs, Message: why}}
				case dnsMissing(e) && e.Authority.Unsure && !e.Authority.ParentAnswered:
					return unknown(append(refs, e.Authority.Ref), "the resolver says that there is no such domain; that could not be confirmed, since the servers of the zone above could not be looked up")
				case dnsMissing(e):
					return fail(Critical, refs, "the DNS says that there is no such domain (NXDOMAIN)")
				}
				return nil
			},
		},
		{
			ID: "dns-ns-single", Area: AreaHosts, Severity: Medium,
			Title: "the zone has two name servers or more",
			Refs:  []string{"RFC 1034 section 4.1", "RFC 2182 section 5"},
			When:  dnsExists,
			Judge: func(e *gather.Evidence) []Verdict {
				refs, names := []wire.Ref{dnsRef(e.Domain, "NS")}, e.Apex.NS.Targets("NS")
				switch {
				case !e.Apex.NS.OK() || e.Apex.NS.TCPFailed:
					status, why := dnsSilence(e.Domain+" NS", e.Apex.NS)
					return []Verdict{{Status: status, Evidence: refs, Message: why}}
				case len(names) == 0:
					return []Verdict{{Status: NotApplicable, Evidence: refs, Message: "no zone begins at this name"}}
				case len(names) == 1:
					return fail(Medium, refs, "%s is the only name server: when it is out of reach, mail to and from the domain stops", names[0])
				}
				return nil
			},
		},
		{
			ID: "dns-cname-conflict", Area: AreaHosts, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailTo, Words: "an alias stands beside other records", About: "the DNS"}},
			Title: "no alias stands beside other records",
			Refs:  []string{"RFC 1034 section 3.6.2", "RFC 2181 section 10.1"},
			When:  dnsExists,
			Judge: judgeDNSCNAMEConflict,
		},
		{
			ID: "dns-empty-nonterminal", Area: AreaHosts, Severity: Medium,
			Title: "names with only other names below them are not denied",
			Refs:  []string{"RFC 8020 section 2", "RFC 4592 section 2.2.2"},
			When:  dnsExists,
			Judge: func(e *gather.Evidence) []Verdict {
				d := e.DKIM
				refs := []wire.Ref{d.Base.Ref}
				below := dnsBelowDomainKey(e)
				if below != nil {
					refs = append(refs, below.Ref)
				}
				switch {
				case !d.Base.Answer.OK():
					status, why := dnsSilence(d.Base.Owner, d.Base.Answer)
					return []Verdict{{Status: status, Evidence: refs, Message: why}}
				case below == nil && d.Base.Answer.NXDomain() && d.Unheard() != nil:
					s := d.Unheard()
					status, why := dnsSilence(s.Owner+" TXT", s.Answer)
					return []Verdict{{Status: status, Evidence: append(refs, s.Ref), Message: why}}
				case below == nil:
					return []Verdict{{Status: NotApplicable, Evidence: refs, Message: "no name below " + d.Base.Owner + " is known"}}
				case d.BrokenDenial():
					return fail(Medium, refs, "%s is answered with NXDOMAIN, although %s exists: resolvers may deny everything below", d.Base.Owner, below.Owner)
				}
				return nil
			},
		},
	}
}
