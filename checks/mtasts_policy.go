package checks

import (
	"fmt"
	"slices"

	"mxvet/internal/gather"
	"mxvet/internal/mtasts"
	"mxvet/internal/wire"
)

// Lifetimes of a policy in seconds, below which it protects little: a sender
// that has no fresh copy can be kept from getting one.
const (
	oneDay  = 86400
	oneWeek = 604800
)

const maxStale = 20 // mx lines reported one by one; a hostile policy has thousands

// Rules about what the policy says.
func mtastsPolicyRules() []Rule {
	return []Rule{
		{
			ID: "mtasts-policy-invalid", Area: AreaTransport, Severity: High,
			Bears: []Bearing{{On: Transit, From: High, Weight: Decides, Shield: MTASTS, Words: "no MTA-STS for new senders (broken policy)"}},
			Title: "the MTA-STS policy is well-formed",
			Refs:  []string{"RFC 8461 section 3.2"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := stsFetched(e); status != "" {
					return status, why
				}
				if stsServed(e.MTASTS) == nil && e.MTASTS.Policy() != nil {
					return "", "" // a page that is no policy at all
				}
				return stsPolicy(e)
			},
			Judge: judgePolicy,
		},
		{
			ID: "mtasts-testing", Area: AreaTransport, Severity: Low,
			Bears: []Bearing{{On: Transit, From: Low, Weight: Decides, Shield: MTASTS, Words: "MTA-STS only tests", Good: "MTA-STS enforced"}},
			Title: "the MTA-STS policy is past its testing mode",
			Refs:  []string{"RFC 8461 section 5"},
			When:  stsMode,
			Judge: func(e *gather.Evidence) []Verdict {
				if f := stsServed(e.MTASTS); f.Policy.Mode == mtasts.Testing {
					return fail(Low, []wire.Ref{f.Ref}, "the policy has mode testing: senders deliver in any case and at most report")
				}
				return nil
			},
		},
		{
			ID: "mtasts-mode-none", Area: AreaTransport, Severity: Medium,
			Bears: []Bearing{{On: Transit, From: Low, Weight: Decides, Shield: MTASTS, Words: "MTA-STS switched off"}},
			Title: "the MTA-STS policy is not switched off",
			Refs:  []string{"RFC 8461 section 5", "RFC 8461 section 8.3"},
			When:  stsMode,
			Judge: func(e *gather.Evidence) []Verdict {
				if f := stsServed(e.MTASTS); f.Policy.Mode == mtasts.NoMode {
					return fail(Medium, []wire.Ref{f.Ref}, "the policy has mode none: senders drop what they knew and protect nothing")
				}
				return nil
			},
		},
		{
			ID: "mtasts-max-age-short", Area: AreaTransport, Severity: Medium,
			Title: "senders may remember the policy for at least a week",
			Refs:  []string{"RFC 8461 section 3.2", "RFC 8461 section 10"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := stsAsks(e); status != "" {
					return status, why
				}
				if stsServed(e.MTASTS).Policy.MaxAge < 0 {
					return NotApplicable, "the policy has no valid max_age (mtasts-policy-invalid)"
				}
				return "", ""
			},
			Judge: func(e *gather.Evidence) []Verdict {
				f := stsServed(e.MTASTS)
				switch p := f.Policy; {
				case p.MaxAge < oneDay && p.Mode == mtasts.Enforce:
					return fail(Medium, []wire.Ref{f.Ref}, "max_age is %d s, less than a day (%d): a sender that seldom writes never has a policy at hand", p.MaxAge, oneDay)
				case p.Mode == mtasts.Testing:
					return nil // a short time is in order until the policy is enforced
				case p.MaxAge < oneWeek:
					return fail(Low, []wire.Ref{f.Ref}, "max_age is %d s, less than a week (%d)", p.MaxAge, oneWeek)
				}
				return nil
			},
		},
		{
			ID: "mtasts-mx-pattern", Area: AreaTransport, Severity: High,
			Bears: []Bearing{{On: Transit, From: High, Weight: Beside, Words: "a line of the MTA-STS policy fits no host"}},
			Title: "each mx line of the policy is a valid pattern",
			Refs:  []string{"RFC 8461 section 3.2", "RFC 8461 section 4.1"},
			When:  stsAsks,
			Judge: func(e *gather.Evidence) []Verdict {
				f := stsServed(e.MTASTS)
				var out []Verdict
				for _, p := range f.Policy.Problems {
					i := slices.IndexFunc(f.Policy.MX, func(m mtasts.Pattern) bool { return m.Line == p.Line && m.Problem == p.Code })
					if i < 0 {
						continue
					}
					key := clip(f.Policy.MX[i].Text)
					if key == "" {
						key = fmt.Sprintf("line %d", p.Line)
					}
					if !hasKey(out, key) {
						out = append(out, Verdict{
							Key: key, Status: Fail, Severity: High, Evidence: []wire.Ref{f.Ref},
							Message: fmt.Sprintf("line %d: %s; it matches no host", p.Line, p.Text),
						})
					}
				}
				return out
			},
		},
		{
			ID: "mtasts-mx-stale", Area: AreaTransport, Severity: Info,
			Title: "each mx line of the policy fits an MX host",
			Refs:  []string{"RFC 8461 section 4.1"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := stsAsks(e); status != "" {
					return status, why
				}
				return knownHosts(e)
			},
			Judge: func(e *gather.Evidence) []Verdict {
				f := stsServed(e.MTASTS)
				var out []Verdict
				hosts := e.MX.Names()
				for _, m := range f.Policy.MX {
					if len(out) == maxStale {
						break
					}
					fits := slices.ContainsFunc(hosts, func(name string) bool { return mtasts.Matches(m.Text, name) })
					if m.Problem == "" && !fits && !hasKey(out, m.Text) {
						out = append(out, Verdict{
							Key: m.Text, Status: Fail, Severity: Info, Evidence: []wire.Ref{f.Ref, e.MX.Ref},
							Message: fmt.Sprintf("mx %q fits none of the %d MX hosts", clip(m.Text), len(hosts)),
						})
					}
				}
				return out
			},
		},
		{
			ID: "mtasts-line-ending", Area: AreaTransport, Severity: Info,
			Title: "the lines of the policy end in CR LF",
			Refs:  []string{"RFC 8461 section 3.2"},
			When:  stsPolicy,
			Judge: func(e *gather.Evidence) []Verdict {
				f := stsServed(e.MTASTS)
				if p := f.Policy.Problem(mtasts.BareLF); p != nil {
					return fail(Info, []wire.Ref{f.Ref}, "%s", p.Text)
				}
				return nil
			},
		},
	}
}

// judgePolicy gives one verdict for each kind of fault. High is what makes the
// policy void for every sender; the grammar forbids the rest too, but most
// senders read on.
func judgePolicy(e *gather.Evidence) []Verdict {
	f := stsServed(e.MTASTS)
	if f == nil {
		for _, g := range e.MTASTS.Pages {
			if g.Policy != nil {
				return fail(High, []wire.Ref{g.Ref}, "%s serves no policy: none of its fields is there, and the file begins with %q", e.MTASTS.Host, clip(string(g.Page.Body[:min(len(g.Page.Body), 60)])))
			}
		}
	}
	var out []Verdict
	for _, p := range f.Policy.Problems {
		sev := policySeverity(p)
		if sev == "" {
			continue
		}
		v := Verdict{Key: string(p.Code), Status: Fail, Severity: sev, Evidence: []wire.Ref{f.Ref}, Message: p.Text}
		if p.Line > 0 {
			v.Message = fmt.Sprintf("line %d: %s", p.Line, p.Text)
		}
		if !hasKey(out, v.Key) { // line by line: the first is the worst
			out = append(out, v)
		}
	}
	return out
}

func policySeverity(p mtasts.Problem) Severity {
	switch p.Code {
	case mtasts.PolicyVersionMissing, mtasts.PolicyVersionInvalid, mtasts.ModeMissing, mtasts.ModeInvalid,
		mtasts.MaxAgeMissing, mtasts.MaxAgeInvalid, mtasts.MXMissing, mtasts.BareCR, mtasts.BOM:
		return High
	case mtasts.MaxAgeTooLarge, mtasts.Malformed:
		return Medium
	case mtasts.Blank, mtasts.EmptyLine:
		if p.Line == 1 {
			return High
		}
		return Low
	}
	return ""
}
