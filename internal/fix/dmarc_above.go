package fix

import (
	"mxvet/internal/dmarc"
	"mxvet/internal/gather"
	"mxvet/internal/paste"
)

// policyAbove gives the steps for a policy that only monitors and that a record of a
// name above says for the domain: with the tag that speaks there for names like it
// (RFC 9989 section 4.7), not with p, which is for others. It is nil where the
// domain's own record says it.
func policyAbove(e *gather.Evidence) []Step {
	a := applied(e)
	tag := map[dmarc.Relation]string{dmarc.Existing: "sp", dmarc.NonExisting: "np"}[a.Relation]
	if a.Record == nil || a.At == e.Domain || tag == "" {
		return nil
	}
	says := paste.Words("has no %s, so p=%s counts", tag, string(a.Record.P))
	if a.Tag == tag {
		says = paste.Words("says %s=%s", tag, string(a.Asked))
	}
	if a.Record.Testing {
		says = paste.Words("%s, with t=y", says)
	}
	return []Step{paste.Words("First see that all mail passes: SPF names every sender, and DKIM signs with the domain's name. Then read the reports for a month. The policy for %s stands in the record at _dmarc.%s: set %s=quarantine there, without t=y (today it %s), which holds for the other names below %s too; or publish a DMARC record with p=quarantine at _dmarc.%s.", e.Domain, a.At, tag, says, a.At, e.Domain)}
}

// applied gives the DMARC record that applies to the domain.
func applied(e *gather.Evidence) dmarc.Applied {
	for _, m := range []dmarc.Method{e.DMARC.Walk, e.DMARC.PSL, e.DMARC.PSLPrivate} {
		if m.Domain.Record != nil {
			return m.Domain
		}
	}
	return dmarc.Applied{}
}
