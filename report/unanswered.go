package report

import (
	"slices"

	"mxvet/checks"
	"mxvet/internal/dkim"
	"mxvet/internal/gather"
	"mxvet/internal/smtp"
)

// unanswered lists the areas of which nothing can be said because what they
// stand on gave no usable answer: the record itself, or for mx every host. Areas
// that were skipped or not asked are not among them, nor is mx where a rule has
// proof that mail to the domain fails: that is an answer.
func unanswered(e *gather.Evidence, results []checks.Result) []string {
	out := []string{}
	add := func(area string, yes bool) {
		if yes && !slices.Contains(e.Options.Skip, area) {
			out = append(out, area)
		}
	}
	if v := e.Vantage; v.Resolver != "" && !v.Corroborated { // nothing that it says counts
		for _, area := range []string{checks.AreaDMARC, checks.AreaSPF, checks.AreaDKIM, checks.AreaHosts} {
			add(area, true)
		}
		return out
	}
	add(checks.AreaDMARC, e.DMARC != nil && e.DMARC.Walk.Domain.Unknown)
	add(checks.AreaSPF, e.SPF != nil && e.SPF.Root.TXT.Answer.Fail != nil)
	add(checks.AreaDKIM, e.DKIM != nil && e.DKIM.CanExist() == dkim.ExistUnknown)
	add(checks.AreaHosts, e.Vantage.Resolver != "") // of the hosts nobody else says the same
	add(checks.AreaHosts, e.Vantage.Resolver == "" && (e.MX.Answer.Fail != nil || e.Role.Receives() && noHostTalks(e)) && !slices.ContainsFunc(results, stopsMailTo))
	return out
}

// noHostTalks reports that conversations were tried, and not one server took EHLO
// or HELO: a greeting that turns us away says nothing about the host.
func noHostTalks(e *gather.Evidence) bool {
	tried := false
	for _, h := range e.MX.Hosts {
		for _, a := range h.Addrs {
			if a.Ref == "" {
				continue
			}
			tried = true
			if smtp.Offered(a.Session.Exchanges, smtp.StageEHLO) != nil {
				return false
			}
		}
	}
	return tried
}

// stopsMailTo reports a failure that decides that mail to the domain does not
// arrive.
func stopsMailTo(res checks.Result) bool {
	worst, failed := worstFailure(res)
	return failed && slices.ContainsFunc(res.Rule.Bears, func(b checks.Bearing) bool {
		return b.On == checks.Arrival && b.Direction == checks.MailTo && b.Weight == checks.Decides && !b.From.Worse(worst.Severity)
	})
}
