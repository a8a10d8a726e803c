package checks

import (
	"fmt"
	"slices"

	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// What an unregistered name is used for, in words, and what its next owner gets.
// SPF, DKIM and reports have rules of their own.
var dnsUses = []struct{ kind, what, gain string }{
	{gather.UseMX, "an MX record names", "gets mail for the domain"},
	{gather.UseNS, "an NS record names", "answers for the domain, whatever is asked"},
	{gather.UseMTASTS, "MTA-STS is an alias of", "says which hosts may take mail for the domain"},
	{gather.UseAlias, "the DMARC or TLS-RPT record is an alias of", "writes that record"},
}

// dnsRegistrationRules is about names of others that the domain relies on.
func dnsRegistrationRules() []Rule {
	return []Rule{{
		ID: "dns-unregistered", Area: AreaHosts, Severity: Critical,
		Bears: []Bearing{
			{On: Forgery, From: High, Weight: Partly, Words: "anyone can register a name that it relies on", About: "the registration of the names that it relies on"},
			{On: Transit, From: Critical, Weight: Breaks, Words: "anyone can register a name that its mail relies on", About: "the registration of the names that it relies on"},
		},
		Title: "no record relies on a name that anybody can register",
		Refs:  []string{"RFC 5321 section 5.1"},
		When:  dnsExists,
		Judge: func(e *gather.Evidence) []Verdict {
			var out []Verdict
			for _, r := range e.Registrations {
				for _, use := range dnsUses {
					i := slices.IndexFunc(r.Uses, func(u gather.Use) bool { return u.Kind == use.kind })
					if i < 0 {
						continue
					}
					v := Verdict{Key: r.Name, Status: Pass, Evidence: []wire.Ref{r.Ref}}
					switch {
					case r.Left:
						v = unlooked(r, mxQuestion(e))
					case r.Unregistered():
						v.Status, v.Severity = Fail, Critical
						if use.kind == gather.UseAlias { // no mail goes that way
							v.Severity = High
						}
						v.Message = fmt.Sprintf("%s %s, and %s appears to be unregistered: whoever registers it %s", use.what, r.Uses[i].Name, r.Name, use.gain)
					case !r.Answer.OK():
						v.Status, v.Message = dnsSilence(r.Name+" NS", r.Answer)
					}
					out = append(out, v)
					break // one verdict for each name
				}
			}
			return append(out, dnsUsesUnheard(e)...)
		},
	}}
}

// dnsUsesUnheard gives an unknown verdict for each lookup that could have brought
// further names of others.
func dnsUsesUnheard(e *gather.Evidence) []Verdict {
	asked := []wire.Asked{
		{Name: e.Domain, Ref: dnsRef(e.Domain, "MX"), Answer: e.MX.Answer},
		{Name: e.Domain, Ref: dnsRef(e.Domain, "NS"), Answer: e.Apex.NS},
		e.MTASTS.TXT,
	}
	mail := len(asked) // those on which the way of mail rests
	asked = append(asked, e.TLSRPT.TXT)
	if own := e.DMARC.Own(); own != nil {
		asked = append(asked, own.Asked)
	}
	var out []Verdict
	for i, a := range asked {
		if a.Ref != "" && a.Answer.Fail != nil {
			sev := Critical
			if i >= mail {
				sev = High
			}
			status, why := dnsSilence(a.Name, a.Answer)
			out = append(out, Verdict{Key: string(a.Ref), Status: status, Severity: sev, Evidence: []wire.Ref{a.Ref}, Message: "which names of others are relied on is not known: " + why})
		}
	}
	return out
}
