package checks

import (
	"crypto/x509"
	"fmt"
	"time"

	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

func certTimeRules() []Rule {
	return []Rule{
		{
			ID: "cert-expired", Area: AreaTLS, Severity: Medium,
			Title: "the certificates are within their validity period",
			Refs:  []string{"RFC 5280 section 4.1.2.5", "RFC 8461 section 4.2"},
			When:  needsSMTP,
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeLeaf(e, func(_ conversation, _ *wire.TLS, leaf *x509.Certificate) Verdict {
					switch {
					case e.At.After(leaf.NotAfter):
						return Verdict{Status: Fail, Message: fmt.Sprintf("expired on %s, %s ago", dateOf(leaf.NotAfter), span(e.At.Sub(leaf.NotAfter)))}
					case e.At.Before(leaf.NotBefore):
						return Verdict{Status: Fail, Message: fmt.Sprintf("not valid before %s, in %s", dateOf(leaf.NotBefore), span(leaf.NotBefore.Sub(e.At)))}
					}
					return Verdict{Status: Pass, Message: "valid until " + dateOf(leaf.NotAfter)}
				})
			},
		},
		{
			ID: "cert-expiry", Area: AreaTLS, Severity: High,
			Bears: []Bearing{{On: Transit, From: High, Weight: Beside, Words: "a certificate that MTA-STS asks for ends soon"}},
			Title: "the certificates are renewed in good time",
			Refs:  []string{"CA/Browser Forum ballot SC-081v3", "RFC 8461 section 4.2"},
			When:  needsSMTP,
			Judge: judgeExpiry,
		},
		{
			ID: "cert-lifetime", Area: AreaTLS, Severity: Medium,
			Title: "public certificates live no longer than allowed",
			Refs:  []string{"CA/Browser Forum ballot SC-081v3", "CA/Browser Forum baseline requirements section 6.3.2"},
			When:  needsSMTP,
			Judge: judgeLifetime,
		},
	}
}

// An ending says how near the end of a certificate is.
type ending struct {
	valid      bool   // at that time
	soon, late bool   // a quarter is left, or 30 days; 15 %, or 7 days
	left       string // what is left, and the limit that it is under
}

// endOf measures what is left against the certificate's own lifetime: lifetimes
// run from 6 to 398 days, and common clients renew when a third is left. A fixed
// number of days would scold a short-lived certificate all its life.
func endOf(leaf *x509.Certificate, at time.Time) ending {
	life, left := leaf.NotAfter.Sub(leaf.NotBefore), leaf.NotAfter.Sub(at)
	soon, late := min(30*day, life/4), min(7*day, life*15/100)
	out := ending{valid: left >= 0 && !at.Before(leaf.NotBefore), soon: left < soon, late: left < late}
	limit := soon
	if out.late {
		limit = late
	}
	out.left = fmt.Sprintf("expires on %s: %s of %s are left, less than %s", dateOf(leaf.NotAfter), span(left), span(life), span(limit))
	return out
}

func judgeExpiry(e *gather.Evidence) []Verdict {
	return judgeLeaf(e, func(c conversation, t *wire.TLS, leaf *x509.Certificate) Verdict {
		end := endOf(leaf, e.At)
		switch {
		case !end.valid:
			return Verdict{Status: NotApplicable, Message: "it is not valid at this time"}
		case end.late && enforced(e, c.Host.Name):
			return Verdict{Status: Fail, Severity: High, Message: end.left + ", and MTA-STS makes senders refuse an expired one"}
		case end.late && t.Trusted():
			return Verdict{Status: Fail, Severity: Medium, Message: end.left}
		case end.soon:
			return Verdict{Status: Fail, Severity: Low, Message: end.left}
		}
		return Verdict{Status: Pass, Message: "valid until " + dateOf(leaf.NotAfter)}
	})
}

// limits are the longest lifetimes that public authorities may give, by the day
// of issue, newest first.
var limits = []struct {
	from time.Time
	days int
}{
	{time.Date(2029, 3, 15, 0, 0, 0, 0, time.UTC), 47},
	{time.Date(2027, 3, 15, 0, 0, 0, 0, time.UTC), 100},
	{time.Date(2026, 3, 15, 0, 0, 0, 0, time.UTC), 200},
	{time.Date(2020, 9, 1, 0, 0, 0, 0, time.UTC), 398},
}

func judgeLifetime(e *gather.Evidence) []Verdict {
	return judgeLeaf(e, func(_ conversation, t *wire.TLS, leaf *x509.Certificate) Verdict {
		if t.Mozilla != wire.Trusted {
			return Verdict{Status: NotApplicable, Message: "it comes from no public authority"}
		}
		life := leaf.NotAfter.Sub(leaf.NotBefore)
		for _, l := range limits {
			if leaf.NotBefore.Before(l.from) {
				continue
			}
			if life > time.Duration(l.days)*day {
				return Verdict{Status: Fail, Message: fmt.Sprintf("issued on %s for %s; at most %d days were allowed then", dateOf(leaf.NotBefore), span(life), l.days)}
			}
			break
		}
		return Verdict{Status: Pass, Message: "issued for " + span(life)}
	})
}
