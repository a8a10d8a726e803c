package checks

import (
	"fmt"
	"strings"

	"mxvet/internal/dmarc"
	"mxvet/internal/gather"
	"mxvet/internal/route"
	"mxvet/internal/wire"
)

// dmarcAddressRules is about how the record asks for reports.
func dmarcAddressRules() []Rule {
	return []Rule{
		{
			ID: "dmarc-no-reports", Area: AreaDMARC, Severity: Medium,
			Title: "the record asks for aggregate reports",
			Refs:  []string{"RFC 9989 sections 5.1.3 and 8", "RFC 9989 section 10.1"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := dmarcInForce(e); status != "" {
					return status, why
				}
				if a := dmarcApplied(e); a.At == e.Domain && len(a.Record.RUA) == 0 && dmarcPublicSuffix(e, a) {
					return NotApplicable, "others register names below the domain, and reports would tell about their mail"
				}
				if works, _, _ := dmarcReporting(e); !works && dmarcApplied(e).Policy == dmarc.None {
					return NotApplicable, "dmarc-policy-none judges a policy of none without reports"
				}
				return "", ""
			},
			Judge: func(e *gather.Evidence) []Verdict {
				a := dmarcApplied(e)
				if len(a.Record.RUA) > 0 {
					return nil
				}
				sev := Medium
				if e.Role.Name == gather.NoMail {
					sev = Info // no mail of its own can fail
				}
				return fail(sev, dmarcRefs(e, a.At), "%sthere is no rua, so nobody sees whose mail fails", dmarcWhere(e, a.At))
			},
		},
		{
			ID: "dmarc-report-uri", Area: AreaDMARC, Severity: High, Bearless: "it is about reports, not mail",
			Title: "all report addresses are valid URIs",
			Refs:  []string{"RFC 9989 sections 4.7 and 4.8", "RFC 9989 section 5.3.1", "RFC 9990 section 3.5", "RFC 8616"},
			When:  dmarcAddresses,
			Judge: dmarcProblems(func(r dmarc.Record, p dmarc.Problem) Severity {
				switch p.Code {
				case dmarc.URIUnicode:
					return High
				case dmarc.URIInvalid, dmarc.URINoScheme, dmarc.URIComma, dmarc.URIExclamation:
					list := r.RUA
					if p.Tag == "ruf" {
						list = r.RUF
					}
					for _, u := range list {
						if u.Valid {
							return Medium
						}
					}
					return High
				}
				return ""
			}),
		},
		{
			ID: "dmarc-report-scheme", Area: AreaDMARC, Severity: Low,
			Title: "report addresses are mailto URIs without size limit",
			Refs:  []string{"RFC 9989 sections 4.7 and 4.8"},
			When:  dmarcAddresses,
			Judge: dmarcProblems(dmarcOf(Low, dmarc.URIScheme, dmarc.URISize)),
		},
		{
			ID: "dmarc-report-many", Area: AreaDMARC, Severity: Low,
			Title: "no more than two addresses are given for a kind of report",
			Refs:  []string{"RFC 7489 section 6.2", "RFC 9989 section 4.6", "RFC 9989 appendix C.7", "RFC 9990 section 3.5"},
			When:  dmarcAddresses,
			Judge: dmarcProblems(dmarcOf(Low, dmarc.ManyURIs)),
		},
		{
			ID: "dmarc-failure-reports", Area: AreaDMARC, Severity: Low,
			Title: "no failure reports are asked for",
			Refs:  []string{"RFC 9991 sections 2 and 7", "RFC 9989 sections 4.7 and 10.2", "RFC 9990 section 7.3"},
			When:  dmarcInForce,
			Judge: func(e *gather.Evidence) []Verdict {
				a := dmarcApplied(e)
				out := dmarcProblems(dmarcOf(Info, dmarc.FailureOptionsUnused))(e)
				if !a.Record.Has("ruf") {
					return out
				}
				v := Verdict{
					Key: "ruf", Status: Fail, Severity: Info, Evidence: dmarcRefs(e, a.At),
					Message: dmarcWhere(e, a.At) + "ruf asks for copies of single messages: few receivers send them, and they hold personal data",
				}
				switch p := a.Record.Problem(dmarc.FailureReportsPSD); {
				case p != nil:
					v.Severity, v.Message = Low, dmarcWhere(e, a.At)+p.Text
				case dmarcPublicSuffix(e, a):
					v.Severity = Low
					v.Message = fmt.Sprintf("others register names below %s, so its record must not ask for failure reports: they would hold their mail", a.At)
				}
				return append(out, v)
			},
		},
	}
}

// dmarcAddresses guards the rules about report addresses.
func dmarcAddresses(e *gather.Evidence) (Status, string) {
	if status, why := dmarcRecord(e); status != "" {
		return status, why
	}
	if r := dmarcApplied(e).Record; len(r.RUA)+len(r.RUF) == 0 {
		return NotApplicable, "the record names no report address"
	}
	return "", ""
}

// dmarcDestinations guards the rules about the hosts that get reports.
func dmarcDestinations(e *gather.Evidence) (Status, string) {
	if status, why := dmarcAddresses(e); status != "" {
		return status, why
	}
	if rs := e.DMARC.Reports; rs == nil || len(rs.Destinations) == 0 {
		return NotApplicable, "no report address names a domain"
	}
	return "", ""
}

// dmarcDestinationRules is about the domains that get the reports.
func dmarcDestinationRules() []Rule {
	return []Rule{
		{
			ID: "dmarc-report-unauthorised", Area: AreaDMARC, Severity: High, Bearless: "it is about reports, not mail",
			Title: "other organizations agree to get the reports",
			Refs:  []string{"RFC 9990 sections 3.5 and 4", "RFC 9991 section 5", "RFC 7489 section 7.1"},
			When:  dmarcDestinations,
			Judge: func(e *gather.Evidence) []Verdict {
				var out []Verdict
				for i := range e.DMARC.Reports.Destinations {
					out = append(out, dmarcConsent(e, &e.DMARC.Reports.Destinations[i]))
				}
				return append(out, dmarcSkipped(e)...)
			},
		},
		{
			ID: "dmarc-report-undeliverable", Area: AreaDMARC, Severity: Critical, Bearless: "it is about reports, not mail",
			Title: "the domains of all report addresses take mail",
			Refs:  []string{"RFC 9990 section 3.5", "RFC 7505", "RFC 5321 section 5.1"},
			When:  dmarcDestinations,
			Judge: func(e *gather.Evidence) []Verdict {
				var out []Verdict
				for _, dest := range e.DMARC.Reports.Destinations {
					if dest.Route != nil {
						out = append(out, dmarcDelivery(&dest))
					}
					if r := dest.Route; r != nil && r.State() == route.NXDomain && r.Registered.Ref != "" && r.Registered.Failed() {
						status, why := dnsSilence(r.Registered.Name+" NS", r.Registered.Answer)
						out = append(out, Verdict{
							Key: dest.Host + " registration", Status: status, Severity: Critical, Evidence: []wire.Ref{r.Registered.Ref},
							Message: "whether anybody could register " + dest.Host + ", and get the reports, is not known: " + why,
						})
					}
				}
				return append(out, dmarcSkipped(e)...)
			},
		},
	}
}

// dmarcSkipped says which report hosts were not looked at.
func dmarcSkipped(e *gather.Evidence) []Verdict {
	var out []Verdict
	for _, host := range e.DMARC.Reports.Skipped {
		out = append(out, Verdict{
			Key: host, Status: Unknown, Evidence: dmarcRefs(e, e.DMARC.Reports.PolicyDomain),
			Message: fmt.Sprintf("only the first %d of %d report domains were looked at", len(e.DMARC.Reports.Destinations), len(e.DMARC.Reports.Destinations)+len(e.DMARC.Reports.Skipped)),
		})
	}
	return out
}

// dmarcConsent judges whether a destination agrees to get the reports.
func dmarcConsent(e *gather.Evidence, dest *dmarc.Destination) Verdict {
	rs, auth := e.DMARC.Reports, dest.Authorisation
	v := Verdict{Key: dest.Host, Status: Pass, Evidence: dmarcRefs(e, rs.PolicyDomain)}
	external := dest.External && !dest.ExternalUnknown || dest.ExternalPSL || dest.ExternalPSLPrivate
	if !external && !dest.ExternalUnknown {
		return v
	}
	if auth.Ref != "" {
		v.Evidence = append(v.Evidence, auth.Ref)
	}
	switch {
	case auth.Given():
		v.Status, v.Severity, v.Message = dmarcSentOn(dest)
		return v
	case dmarcDeadEnd(dest.Route) != "":
		v.Status, v.Message = NotApplicable, "dmarc-report-undeliverable judges domains that take no mail"
		return v
	case auth.Unknown():
		v.Status, v.Message = dmarcSilence(auth.Asked)
		return v
	case !external:
		v.Status = Unknown
		v.Message = "whether " + dest.Host + " is another organization is unknown: a lookup failed"
		return v
	}
	v.Status, v.Severity = Fail, High
	who := fmt.Sprintf("%s (%s) is another organization", dest.Host, strings.Join(dest.Tags, ", "))
	if !dest.External || !dest.ExternalPSL || !dest.ExternalPSLPrivate {
		v.Severity = Medium
		how := "by the public suffix list"
		if dest.External {
			how = "by tree walk"
		}
		who += " " + how + ", though not by every method"
	}
	switch {
	case auth.TooLong:
		v.Message = fmt.Sprintf("%s, and cannot agree: the name %q is longer than the DNS allows", who, dmarcShort(auth.Name))
	case len(auth.Others) > 0:
		v.Message = fmt.Sprintf("%s, and the text %q at %s is no agreement: it must start with v=DMARC1", who, dmarcShort(auth.Others[0].Text), auth.Name)
	default:
		v.Message = fmt.Sprintf("%s, and does not agree to get reports about %s: there is no TXT record v=DMARC1 at %s", who, rs.PolicyDomain, auth.Name)
	}
	return v
}

// dmarcSentOn judges an agreement by the addresses that it gives instead. Only those
// of a kind of report that is asked for bear on it.
func dmarcSentOn(dest *dmarc.Destination) (Status, Severity, string) {
	auth := dest.Authorisation
	kinds := map[string]string{"rua": "aggregate reports", "ruf": "failure reports"}
	for _, tag := range dest.Tags {
		if other := auth.Elsewhere(tag); len(other) > 0 {
			return Fail, Medium, fmt.Sprintf("%s sends the %s on to %q, another domain, which is not allowed: nobody gets them",
				auth.Name, kinds[tag], dmarcShort(other[0].Raw))
		}
	}
	for _, tag := range []string{"rua", "ruf"} {
		if other := auth.Elsewhere(tag); len(other) > 0 {
			return Fail, Info, fmt.Sprintf("%s agrees, and would send %s on to %q, another domain, which is not allowed; none are asked for here",
				auth.Name, kinds[tag], dmarcShort(other[0].Raw))
		}
	}
	return Pass, "", auth.Name + " agrees"
}

// dmarcDelivery judges whether mail gets to a destination.
func dmarcDelivery(dest *dmarc.Destination) Verdict {
	r := dest.Route
	v := Verdict{Key: dest.Host, Status: Pass}
	for _, a := range r.Asked() {
		v.Evidence = append(v.Evidence, a.Ref)
	}
	switch r.State() {
	case route.Unknown:
		if a, ok := r.Failed(); ok {
			v.Status, v.Message = dmarcSilence(a)
			v.Severity = High
		}
	case route.Unregistered, route.NXDomain, route.None, route.NullMX:
		v.Status, v.Severity = Fail, High
		if r.State() == route.Unregistered {
			v.Severity = Critical
		}
		v.Message = fmt.Sprintf("reports (%s) go to %s, which %s", strings.Join(dest.Tags, ", "), dest.Host, dmarcDeadEnd(r))
	}
	return v
}

// dmarcDeadEnd says what keeps mail from getting to a domain; "" where nothing is
// known to.
func dmarcDeadEnd(r *route.Route) string {
	if r == nil {
		return ""
	}
	switch r.State() {
	case route.Unregistered:
		return "is not registered: whoever registers it gets the reports"
	case route.NXDomain:
		return "does not exist"
	case route.None:
		return "has neither MX records nor an address"
	case route.NullMX:
		return "takes no mail (null MX)"
	}
	return ""
}
