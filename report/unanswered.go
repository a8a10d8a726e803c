package report

import (
	"slices"

	"mxvet/checks"
	"mxvet/internal/dkim"
	"mxvet/internal/gather"
	"mxvet/internal/smtp"
)

// unanswered lists the areas of which nothing can be said because what they
// stand on gave no usable answer: the record itself, for mx every host, and for any
// area all that its rules look at. Areas that were skipped or not asked are not among
// them, nor is mx where a rule has proof that mail to the domain fails: that is an
// answer.
func unanswered(e *gather.Evidence, results []checks.Result) []string {
	out := []string{}
	causes := causesOf(e)
	for _, area := range checks.Areas() {
		if !slices.Contains(e.Options.Skip, area) && (noAnswer(e, causes, area, results) || noBase(e, area, results)) {
			out = append(out, area)
		}
	}
	return out
}

// noBase reports that what an area stands on gave no usable answer, whatever some of
// its rules could look at.
func noBase(e *gather.Evidence, area string, results []checks.Result) bool {
	unheard := e.Vantage.Resolver != "" // of the hosts nobody else says the same
	if unheard && !e.Vantage.Corroborated {
		return slices.Contains([]string{checks.AreaDMARC, checks.AreaSPF, checks.AreaDKIM, checks.AreaHosts}, area) // nothing that it says counts
	}
	switch area {
	case checks.AreaDMARC:
		return e.DMARC != nil && e.DMARC.Walk.Domain.Unknown
	case checks.AreaSPF:
		return e.SPF != nil && e.SPF.Root.TXT.Answer.Fail != nil
	case checks.AreaDKIM:
		return e.DKIM != nil && e.DKIM.CanExist() == dkim.ExistUnknown
	case checks.AreaHosts:
		return unheard || (e.MX.Answer.Fail != nil || e.Role.Receives() && noHostTalks(e)) && !slices.ContainsFunc(results, stopsMailTo)
	}
	return false
}

// noAnswer reports that no rule of an area had an answer, while one was asked for.
func noAnswer(e *gather.Evidence, causes causes, area string, results []checks.Result) bool {
	open := false
	for _, res := range results {
		if res.Rule.Area != area {
			continue
		}
		for _, v := range res.Verdicts {
			switch v.Status {
			case checks.Pass, checks.Fail:
				return false
			case checks.Unknown:
				open = open || !e.Options.Offline || v.Unjudged || causes.fault(v.Evidence)
			}
		}
	}
	return open
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
