package checks

import (
	"fmt"
	"slices"

	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// dnsServerRules is about the servers of the zone, as far as they were asked: that
// is done only where the resolver gave no usable answer.
func dnsServerRules() []Rule {
	return []Rule{
		{
			ID: "dns-servers-fail", Area: AreaHosts, Severity: Critical,
			Bears: []Bearing{
				{On: Arrival, From: Critical, Weight: Breaks, Direction: MailTo, Words: "none of its name servers answers, so mail returns after days", About: "the name servers"},
				{On: Arrival, From: Critical, Weight: Breaks, Direction: MailFrom, Words: "none of its name servers answers", About: "the name servers"},
				{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "its name servers answer no question for its SPF record", About: "the name servers"},
			},
			Title: "the domain's name servers answer",
			Refs:  []string{"RFC 5321 section 5.1", "RFC 7208 section 4.4"},
			When:  dnsExists,
			Judge: judgeDNSServersFail,
		},
		{
			ID: "dnssec-bogus", Area: AreaHosts, Severity: High,
			Title: "no answer about the domain is held back because of its signatures",
			Refs:  []string{"RFC 4035 section 5.5", "RFC 7672 section 2.1.1"},
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailTo, Words: "DNSSEC validation fails, so many senders see no domain"}},
			When:  dnsExists,
			Judge: judgeDNSSECBogus,
		},
		{
			ID: "dns-tcp-closed", Area: AreaHosts, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "receivers cannot fetch its long records", About: "the name servers"}},
			Title: "answers too long for UDP come over TCP",
			Refs:  []string{"RFC 7766 section 5", "RFC 7208 section 3.4"},
			When:  dnsExists,
			Judge: func(e *gather.Evidence) []Verdict {
				refs := []wire.Ref{dnsRef(e.Domain, "TXT")}
				switch {
				case !e.Apex.TXT.OK() || e.Apex.TXT.TCPFailed:
					if out := dnsTCPClosed(e, e.Domain, High); out != nil {
						return out
					}
					status, why := dnsSilence(e.Domain+" TXT", e.Apex.TXT)
					return []Verdict{{Status: status, Evidence: refs, Message: why}}
				}
				return nil
			},
		},
	}
}

func judgeDNSServersFail(e *gather.Evidence) []Verdict {
	a := e.Authority
	refs := []wire.Ref{a.Ref}
	for _, s := range a.Servers {
		refs = append(refs, s.Ref)
	}
	silent := func() (status Status, why string) {
		for _, q := range []struct {
			rrtype string
			answer wire.Answer
		}{{"MX", e.MX.Answer}, {"TXT", e.Apex.TXT}} {
			if q.answer.Fail != nil {
				return dnsSilence(e.Domain+" "+q.rrtype, q.answer)
			}
		}
		return "", ""
	}
	status, why := silent()
	switch {
	case status == "":
		return nil
	case !a.Asked || a.Name != e.Domain:
		return []Verdict{{Status: status, Evidence: []wire.Ref{e.MX.Ref, dnsRef(e.Domain, "TXT")}, Message: why}}
	case dnsTCPClosed(e, e.Domain, High) != nil:
		return []Verdict{{Status: NotApplicable, Evidence: refs, Message: "the servers answer, but not over TCP"}}
	case a.Bogus():
		return []Verdict{{Status: NotApplicable, Evidence: refs, Message: "the servers answer, but their answers fail validation: rule dnssec-bogus tells of it"}}
	case a.AllFail() && len(a.Servers) == 0:
		return fail(dnsServersSeverity(e), refs, "no name server of the domain has an address (%s)%s", dnsList(a.Addressless), dnsServersLoss(e))
	case a.AllFail() && len(a.Servers) == 1:
		return fail(dnsServersSeverity(e), refs, "the only name server that was asked does not answer for the domain: %s%s", dnsServerFaults(a), dnsServersLoss(e))
	case a.AllFail():
		return fail(dnsServersSeverity(e), refs, "none of the %d addresses of name servers that were asked answers for the domain: %s%s", len(a.Servers), dnsServerFaults(a), dnsServersLoss(e))
	case !a.ParentAnswered:
		return unknown(refs, "%s; no name server could be asked directly from here, so it may be the resolver", why)
	case a.SomeAnswers():
		return unknown(refs, "%s; a name server of the domain, asked directly, answers: it may be the resolver, or the way from it to the servers", why)
	case len(a.Servers) == 0:
		return unknown(refs, "%s; no address of a name server of the domain could be found", why)
	}
	return unknown(refs, "%s; not every name server of the domain could be asked", why)
}

// dnsServersSeverity is the worst where not even the mail hosts can be found.
func dnsServersSeverity(e *gather.Evidence) Severity {
	if e.MX.Answer.Fail != nil {
		return Critical
	}
	return High
}

func dnsServersLoss(e *gather.Evidence) string {
	if e.MX.Answer.Fail != nil && e.Role.Receives() {
		return "; mail waits at its senders and goes back after some days"
	}
	return ""
}

// judgeDNSSECBogus tells of an answer that the resolver gives only when it is
// asked not to check it. Whether the signatures are right is not looked at here: a
// resolver that does not check finds nothing.
func judgeDNSSECBogus(e *gather.Evidence) []Verdict {
	a := e.Authority
	switch {
	case a.Bogus():
		why := ""
		if ede := slices.Concat(a.Again.Answer.EDE, []string{""})[0]; ede != "" {
			why = fmt.Sprintf(" (it says %q)", ede)
		}
		return []Verdict{{
			Status: Fail, Severity: High, Evidence: []wire.Ref{a.Ref, a.Again.Ref, a.Unchecked.Ref},
			Message: fmt.Sprintf("the resolver refuses the answer about %s, and gives it when asked not to check its signatures%s: DNSSEC validation fails, so whoever checks sees no such domain", a.Name, why),
		}}
	case a.Again.Ref != "":
		return unknown([]wire.Ref{a.Ref, a.Again.Ref, a.Unchecked.Ref}, "%s: %s; whether that is because of signatures is not known", a.Name, a.Again.Answer.Fail)
	}
	for _, q := range []struct {
		name   string
		answer wire.Answer
	}{{"MX", e.MX.Answer}, {"TXT", e.Apex.TXT}} {
		if q.answer.Fail != nil {
			status, why := dnsSilence(e.Domain+" "+q.name, q.answer)
			return []Verdict{{Status: status, Evidence: []wire.Ref{dnsRef(e.Domain, q.name)}, Message: why}}
		}
	}
	if s := e.DKIM.Unheard(); s != nil {
		status, why := dnsSilence(s.Owner+" TXT", s.Answer)
		return []Verdict{{Status: status, Evidence: []wire.Ref{s.Ref}, Message: why}}
	}
	return nil
}

// dnsServerFaults says of each server what it did, in a few words.
func dnsServerFaults(a gather.Authority) string {
	var out []string
	for _, s := range a.Servers {
		what := "answers without authority"
		switch f := s.Answer.Fail; {
		case f == nil:
		case f.Kind == wire.FailTimeout || f.Kind == wire.FailDeadline:
			what = "is silent"
		case f.Kind == wire.FailClosed:
			what = "refuses the connection"
		default:
			what = f.Kind
		}
		out = append(out, fmt.Sprintf("%s [%s] %s", s.Name, s.Addr, what))
	}
	return dnsList(out)
}

// dnsTCPClosed gives a verdict for each authoritative server that was seen to cut
// its answer about the name short over UDP and to give nothing over TCP. What the
// resolver does over TCP says nothing about the domain.
func dnsTCPClosed(e *gather.Evidence, name string, sev Severity) []Verdict {
	a := e.Authority
	if !a.Asked || a.Name != name {
		return nil
	}
	var out []Verdict
	for _, s := range a.Servers {
		if s.Answer.TCPFailed {
			out = append(out, Verdict{
				Subject: fmt.Sprintf("%s [%s]", s.Name, s.Addr), Status: Fail, Severity: sev, Evidence: []wire.Ref{a.Ref, s.Ref},
				Message: fmt.Sprintf("the answer about %s is too long for UDP, and over TCP the server gives none: nobody gets it", name),
			})
		}
	}
	slices.SortStableFunc(out, Verdict.compare)
	return out
}
