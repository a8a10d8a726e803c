package checks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/mtasts"
	"mxvet/internal/spf"
	"mxvet/internal/tlsrpt"
	"mxvet/internal/wire"
)

// Rules about names below the domain. Only DMARC is inherited; SPF, MTA-STS and
// TLS-RPT are not, so that a name without records of its own has no protection.
// Which names there are cannot be found out from outside: the user names them.
func namesWanted(e *gather.Evidence) string {
	if names := e.Options.ZoneMail; len(names) > 0 {
		return "the zone text has mail at " + someQuoted(names) + ": to have such names looked at, name them with --subdomain"
	}
	return "names below the domain cannot be listed from outside: name those in use with --subdomain"
}

// subdomainNamed guards rules that know nothing without a named subdomain.
func subdomainNamed(e *gather.Evidence) (Status, string) {
	if len(e.Subdomains) == 0 {
		return NotAsked, namesWanted(e)
	}
	return "", ""
}

func spfSubdomainRules() []Rule {
	return []Rule{{
		ID: "spf-subdomain", Area: AreaSPF, Severity: Medium,
		Title: "each name below the domain has an SPF record of its own",
		Refs:  []string{"RFC 7208 section 3.5", "RFC 7208 section 10.1.2", "BSI TR-03182-01"},
		When: func(e *gather.Evidence) (Status, string) {
			if status, why := spfAnswer(e); status != "" {
				return status, why
			}
			if len(e.SPF.Root.Records) == 0 {
				return NotApplicable, "the domain itself has no SPF record"
			}
			return "", ""
		},
		Judge: judgeSPFSubdomains,
	}}
}

func judgeSPFSubdomains(e *gather.Evidence) []Verdict {
	var out []Verdict
	for _, s := range e.Subdomains {
		out = append(out, judgeSPFSubdomain(e, s))
	}
	for _, h := range spfKnownHosts(e) {
		v := judgeSPFHost(h)
		if v.Status == Fail && e.SPF.Incomplete { // one that sends is judged by spf-helo
			v.Status, v.Message = Unknown, v.Message+"; whether it sends is not known: a part of the domain's SPF record could not be looked up"
		}
		out = append(out, v)
	}
	if f := e.MX.Answer.Fail; f != nil {
		out = append(out, Verdict{
			Key: "mx", Status: Unknown, Severity: Low, Evidence: mxQuestion(e),
			Message: "whether the names of mail hosts have SPF records is not known: the MX lookup gave no answer: " + f.String(),
		})
	}
	if v, ok := judgeSPFWildcard(e); ok {
		out = append(out, v)
	}
	if len(e.Subdomains) == 0 && !slices.ContainsFunc(out, func(v Verdict) bool { return v.Status == Fail || v.Status == Unknown }) {
		return []Verdict{{Status: NotAsked, Message: namesWanted(e)}}
	}
	return out
}

// spfSubdomainMissing is the severity of a missing record: on a domain without
// mail every name must say so.
func spfSubdomainMissing(e *gather.Evidence) Severity {
	if e.Role.Name == gather.NoMail {
		return Medium
	}
	return Low
}

func judgeSPFSubdomain(e *gather.Evidence, s gather.Subdomain) Verdict {
	txt := s.SPF.Root.TXT
	v := Verdict{Subject: s.Name, Status: Pass, Evidence: []wire.Ref{txt.Ref, s.A.Ref, s.AAAA.Ref, s.MX.Ref}}
	switch {
	case txt.Ref == "" || !txt.Usable():
		v.Status, v.Message = Unknown, "the SPF lookup gave no answer: "+noAnswer(txt.Answer)
	case len(s.SPF.PermErrors) > 0:
		v.Status, v.Severity = Fail, spfSubdomainMissing(e)
		v.Message = "its SPF record is void: " + s.SPF.PermErrors[0].Text
	case len(s.SPF.Root.Records) > 0:
	default:
		var has []string
		var silent *wire.Asked
		for i, a := range []wire.Asked{s.A, s.AAAA, s.MX} {
			rrtype := []string{"A", "AAAA", "MX"}[i]
			if a.Answer.Has(rrtype) {
				has = append(has, rrtype)
			} else if a.Failed() && silent == nil {
				silent = &a
			}
		}
		switch {
		case len(has) > 0:
			v.Status, v.Severity = Fail, spfSubdomainMissing(e)
			v.Message = fmt.Sprintf("the name has %s records and no SPF record, and that of %s does not count for it", strings.Join(has, ", "), e.Domain)
		case silent != nil:
			v.Status, v.Message = dnsSilence(silent.Name, silent.Answer)
		default:
			v.Status, v.Message = NotApplicable, "the name has neither address nor MX"
		}
	}
	return v
}

// spfKnownHosts gives the mail hosts below the domain that nobody named. Those
// that send are judged by spf-helo.
func spfKnownHosts(e *gather.Evidence) []gather.Host {
	return slices.DeleteFunc(slices.Clone(e.MX.Hosts), func(h gather.Host) bool {
		sends := e.Role.Sends() && slices.ContainsFunc(h.Addrs, func(a gather.Address) bool { return spfPasses(e, a.IP) })
		return sends || h.TXT.Ref == "" || !strings.HasSuffix(h.Name, "."+e.Domain) || !h.A.Has("A") && !h.AAAA.Has("AAAA") && h.A.Fail == nil && h.AAAA.Fail == nil ||
			slices.ContainsFunc(e.Subdomains, func(s gather.Subdomain) bool { return s.Name == h.Name })
	})
}

func judgeSPFHost(h gather.Host) Verdict {
	v := Verdict{Subject: h.Name, Status: Pass, Evidence: []wire.Ref{h.TXT.Ref}}
	records, _ := spf.Select(h.TXT.Answer.TXT())
	switch {
	case len(records) > 0:
	case h.TXT.Answer.OK() && !h.A.Has("A") && !h.AAAA.Has("AAAA"):
		v.Status, v.Severity, v.Message = Unknown, Low, "it has no SPF record, and whether it has addresses is not known: "+cmp.Or(h.A.Fail, h.AAAA.Fail).String()
	case h.TXT.Answer.Missing("TXT"), h.TXT.Answer.OK() && !h.TXT.Answer.TCPFailed:
		v.Status, v.Severity = Fail, Low
		v.Message = "the mail host has addresses and no SPF record, so any server may use its name as a sender's"
	default:
		v.Status, v.Message = Unknown, "the SPF lookup gave no answer: "+noAnswer(h.TXT.Answer)
	}
	return v
}

// judgeSPFWildcard notes a wildcard SPF record. It is discouraged where names are
// in use, and customary for domains without mail.
func judgeSPFWildcard(e *gather.Evidence) (Verdict, bool) {
	txt := e.Stray.TXT
	if txt.Ref != "" && txt.Failed() && !e.Options.Offline && e.Role.Name != gather.NoMail {
		_, why := dnsSilence(txt.Name+" TXT", txt.Answer)
		return Verdict{
			Subject: "*." + e.Domain, Status: Unknown, Severity: Info, Evidence: []wire.Ref{txt.Ref},
			Message: "whether a wildcard gives names an SPF record is not known: " + why,
		}, true
	}
	records, _ := spf.Select(txt.Answer.TXT())
	if len(records) == 0 || e.Role.Name == gather.NoMail {
		return Verdict{}, false
	}
	return Verdict{
		Subject: "*." + e.Domain, Status: Fail, Severity: Info, Evidence: []wire.Ref{txt.Ref},
		Message: fmt.Sprintf("a wildcard gives every name that has no records the SPF record %q; names that have some do not get it", clip(records[0])),
	}, true
}

func dmarcSubdomainRecordRules() []Rule {
	return []Rule{{
		ID: "dmarc-subdomain-record", Area: AreaDMARC, Severity: Medium,
		Title: "no name below the domain asks for less than the domain does",
		Refs:  []string{"RFC 9989 section 4.10.1"},
		When: func(e *gather.Evidence) (Status, string) {
			if status, why := subdomainNamed(e); status != "" {
				return status, why
			}
			switch below := e.DMARC.Walk.Subdomain; {
			case below.Unknown:
				return Unknown, "a lookup failed that decides about the policy of subdomains"
			case below.Policy == "":
				return NotApplicable, "no policy applies to names below the domain"
			}
			return "", ""
		},
		Judge: func(e *gather.Evidence) []Verdict {
			var out []Verdict
			for _, s := range e.Subdomains {
				own, inherited := s.DMARC.Own(), e.DMARC.Walk.Subdomain
				v := Verdict{Subject: s.Name, Status: Pass, Evidence: []wire.Ref{own.Ref}}
				a := s.DMARC.Walk.Domain
				switch {
				case own.Failed():
					v.Status, v.Message = dmarcSilence(own.Asked)
				case len(own.Records) != 1:
					v.Message = "the name has no valid record of its own and inherits the policy " + string(inherited.Policy)
				case a.Policy.Strength() < inherited.Policy.Strength():
					v.Status, v.Severity = Fail, Medium
					v.Evidence = append(v.Evidence, dmarcRefs(e, inherited.At)...)
					v.Message = fmt.Sprintf("the record of its own gives the policy %s; without it the name would have %s from %s", dmarcName(a.Policy), inherited.Policy, inherited.At)
				}
				out = append(out, v)
			}
			return out
		},
	}}
}

// transportSubdomainRules is about protocols that protect mail to a name, for
// which each name that takes mail needs records of its own.
func transportSubdomainRules() []Rule {
	return []Rule{
		{
			ID: "mtasts-subdomain", Area: AreaTransport, Severity: Medium,
			Title: "each name below the domain that takes mail has MTA-STS of its own",
			Refs:  []string{"RFC 8461 section 3.4"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := subdomainNamed(e); status != "" {
					return status, why
				}
				switch {
				case e.Role.Receives() && e.MTASTS.TXT.Failed():
					return dnsSilence(e.MTASTS.TXT.Name+" TXT", e.MTASTS.TXT.Answer)
				case e.Role.Receives() && len(e.MTASTS.Records) == 0:
					return NotApplicable, "the domain itself has no MTA-STS record"
				}
				return "", ""
			},
			Judge: func(e *gather.Evidence) []Verdict {
				return receivingSubdomains(e, func(s gather.Subdomain) (wire.Asked, int) {
					n := 0
					for _, text := range s.MTASTS.Answer.TXT() {
						if mtasts.Parse(text).Selected {
							n++
						}
					}
					return s.MTASTS, n
				}, Medium, "takes mail and has no MTA-STS record, and the policy of "+e.Domain+" does not count for it")
			},
		},
		{
			ID: "tlsrpt-subdomain", Area: AreaTransport, Severity: Low,
			Title: "each name below the domain that takes mail has a TLS-RPT record of its own",
			Refs:  []string{"RFC 8460 section 3"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := subdomainNamed(e); status != "" {
					return status, why
				}
				if e.Role.Receives() && !e.TLSRPT.TXT.Failed() && len(e.TLSRPT.Records) == 0 {
					return NotApplicable, "the domain itself has no TLS-RPT record"
				}
				return "", ""
			},
			Judge: func(e *gather.Evidence) []Verdict {
				return receivingSubdomains(e, func(s gather.Subdomain) (wire.Asked, int) {
					n := 0
					for _, text := range s.TLSRPT.Answer.TXT() {
						if tlsrpt.Parse(text).Selected {
							n++
						}
					}
					return s.TLSRPT, n
				}, Low, "takes mail and has no TLS-RPT record, so nobody reports trouble with TLS on its way")
			},
		},
	}
}

// receivingSubdomains fails each named subdomain that has an MX record and not
// exactly one record of a protocol. A null MX takes no mail.
func receivingSubdomains(e *gather.Evidence, records func(gather.Subdomain) (wire.Asked, int), sev Severity, missing string) []Verdict {
	var out []Verdict
	for _, s := range e.Subdomains {
		asked, n := records(s)
		v := Verdict{Subject: s.Name, Status: Pass, Evidence: []wire.Ref{s.MX.Ref, asked.Ref}}
		takes := slices.ContainsFunc(s.MX.Answer.MX(), func(m wire.MX) bool { return m.Host != "." })
		switch {
		case s.MX.Failed():
			v.Status, v.Message = dnsSilence(s.Name+" MX", s.MX.Answer)
		case !takes:
			v.Status, v.Message = NotApplicable, "the name has no MX record for mail"
		case asked.Failed():
			v.Status, v.Message = dnsSilence(asked.Name+" TXT", asked.Answer)
		case n == 0:
			v.Status, v.Severity, v.Message = Fail, sev, "the name "+missing
		case n > 1:
			v.Status, v.Severity, v.Message = Fail, sev, fmt.Sprintf("%d records at %s count, and senders take one only where it is alone", n, asked.Name)
		}
		out = append(out, v)
	}
	return out
}
