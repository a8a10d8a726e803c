package checks

import (
	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// Rules about the domain's place in the DNS: what everything else stands on.
func dnsRules() []Rule {
	return []Rule{
		{
			ID: "dns-nxdomain", Area: AreaHosts, Severity: Critical,
			Title: "the domain exists",
			Refs:  []string{"RFC 5321 section 5.1", "RFC 8020"},
			Judge: func(e *gather.Evidence) []Verdict {
				refs := []wire.Ref{e.MX.Ref}
				switch {
				case e.MX.Answer.Fail != nil:
					return unknown(refs, "whether the domain exists is unknown: %s", e.MX.Answer.Fail)
				case e.MX.Answer.NXDomain() && len(e.MX.Answer.Chain(e.Domain)) == 0:
					return fail(Critical, refs, "the DNS says that there is no such domain (NXDOMAIN)")
				}
				return nil
			},
		},
	}
}
