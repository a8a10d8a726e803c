package checks

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/dmarc"
	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// dmarcDiscoveryRules is about how receivers find the record and the
// organizational domain: by tree walk (RFC 9989), or with a public suffix list
// (RFC 7489).
func dmarcDiscoveryRules() []Rule {
	return []Rule{
		{
			ID: "dmarc-discovery-differs", Area: AreaDMARC, Severity: Medium,
			Bears: []Bearing{{On: Forgery, From: Medium, Weight: Partly, Words: "older and newer receivers find different policies"}},
			Title: "old and new receivers find the same record and organizational domain",
			Refs:  []string{"RFC 9989 sections 4.10.2 and 11.8", "RFC 9989 appendix C.3", "RFC 7489 section 3.2"},
			When:  dmarcRecord,
			Judge: judgeDMARCDiscovery,
		},
		{
			ID: "dmarc-deep-name", Area: AreaDMARC, Severity: Medium,
			Title: "a name of more than eight labels has a DMARC record of its own",
			Refs:  []string{"RFC 9989 sections 4.10 and 5.1.8"},
			When: func(e *gather.Evidence) (Status, string) {
				if dmarcLabels(e.Domain) <= 8 {
					return "", ""
				}
				return dmarcRecord(e)
			},
			Judge: func(e *gather.Evidence) []Verdict {
				n := dmarcLabels(e.Domain)
				if n <= 8 || len(e.DMARC.Own().Records) > 0 {
					return nil
				}
				a := dmarcApplied(e)
				return fail(Medium, dmarcRefs(e, e.Domain), "the name has %d labels and no record of its own: the tree walk jumps to its last 7 labels and finds the record of %s", n, a.At)
			},
		},
		{
			ID: "dmarc-psd-wrong", Area: AreaDMARC, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "DMARC takes its subdomains for strangers"}},
			Title: "tag psd fits the domain's place in the DNS",
			Refs:  []string{"RFC 9989 sections 4.7, 4.10.2 and 5.1.8"},
			When:  dmarcRecord,
			Judge: func(e *gather.Evidence) []Verdict {
				var out []Verdict
				for _, s := range dmarcSought(e) {
					if len(s.Records) != 1 {
						continue
					}
					v := Verdict{Key: s.Domain, Status: Fail, Evidence: []wire.Ref{s.Ref}}
					list := e.Suffixes
					switch s.Records[0].PSD {
					case "y":
						if list.IsPublicSuffix(s.Domain, true) {
							continue
						}
						v.Severity = High
						v.Message = fmt.Sprintf("psd=y says that others register names below %s, but it is on no list of public suffixes: each name below becomes an organization of its own, and mail no longer aligns between them", s.Domain)
					case "n":
						if list.IsPublicSuffix(s.Domain, true) || s.Domain == list.OrgDomain(s.Domain, true) || s.Domain == list.OrgDomain(s.Domain, false) {
							continue
						}
						v.Severity = Info
						v.Message = fmt.Sprintf("psd=n below the registered domain %s: %s is an organization of its own, and mail does not align across that border", list.OrgDomain(s.Domain, false), s.Domain)
					default:
						continue
					}
					out = append(out, v)
				}
				return out
			},
		},
		{
			ID: "dmarc-psd-missing", Area: AreaDMARC, Severity: High,
			Bears: []Bearing{{On: Forgery, From: High, Weight: Partly, Words: "names below it can forge each other"}},
			Title: "a public suffix says so in its DMARC record",
			Refs:  []string{"RFC 9989 sections 4.10.2 and 5.2"},
			When: func(e *gather.Evidence) (Status, string) {
				if !e.DMARC.PublicSuffix && !e.DMARC.PublicSuffixPrivate {
					return NotApplicable, "the domain is not a public suffix"
				}
				return dmarcOwnRecord(e)
			},
			Judge: func(e *gather.Evidence) []Verdict {
				if e.DMARC.Own().Records[0].PSD == "y" {
					return nil
				}
				return fail(High, dmarcRefs(e, e.Domain), "others register names below %s, but its record does not say psd=y: they all count as one organization, and can forge each other", e.Domain)
			},
		},
	}
}

func dmarcLabels(name string) int { return strings.Count(name, ".") + 1 }

func judgeDMARCDiscovery(e *gather.Evidence) []Verdict {
	d := e.DMARC
	var parts []string
	sev := Low // most code that uses the list uses all of it, so the rest weighs little
	for _, x := range d.Differences {
		// Names below a public suffix belong to others; their own audits judge them.
		if x.What == dmarc.DiffersPolicy || x.Relation != dmarc.Self && d.PublicSuffixPrivate {
			continue
		}
		what := "organizational domain"
		if x.What == dmarc.DiffersRecord {
			what = "record for the domain"
			switch x.Relation {
			case dmarc.Existing:
				what = "record for subdomains"
			case dmarc.NonExisting:
				continue // as for those that exist
			}
		}
		parts = append(parts, what+": "+dmarcViews(x))
		if x.Walk != x.PSLPrivate {
			sev = Medium
		}
	}
	var refs []wire.Ref
	for _, s := range dmarcSought(e) {
		if s.Ref != "" && (len(s.Records) > 0 || s.Failed()) {
			refs = append(refs, s.Ref)
		}
	}
	switch {
	case len(parts) > 0:
		return fail(sev, refs, "%s%s", strings.Join(parts, "; "), dmarcUnmarkedSuffix(e))
	case d.Walk.OrgUnknown:
		for _, s := range d.Steps {
			if s.Used && s.Failed() {
				_, why := dmarcSilence(s.Asked)
				return unknown(refs, "the organizational domain is unknown: %s", why)
			}
		}
	}
	return nil
}

// dmarcUnmarkedSuffix tells of a public suffix above the domain that the tree walk
// takes for the organization, because its record does not say psd=y; "" where there
// is none. The owner of the domain can draw the border (RFC 9989 section 11.8).
func dmarcUnmarkedSuffix(e *gather.Evidence) string {
	org := e.DMARC.Walk.Org
	if org == e.Domain || !e.Suffixes.IsPublicSuffix(org, true) {
		return ""
	}
	return fmt.Sprintf("; others register names below %s, whose record does not say psd=y, so their mail can pass for yours: psd=n in the record of %s draws the border",
		org, e.Suffixes.OrgDomain(e.Domain, true))
}

// dmarcPublicSuffix reports whether a record at a name speaks for a public suffix: by
// its tag or by the list.
func dmarcPublicSuffix(e *gather.Evidence, a dmarc.Applied) bool {
	return a.Record != nil && a.Record.PSD == "y" || e.Suffixes.IsPublicSuffix(a.At, true)
}

// dmarcViews lists who finds what.
func dmarcViews(x dmarc.Difference) string {
	name := func(s string) string {
		if s == "" {
			return "none"
		}
		// Discovery writes a name below the domain that nobody chose as a star.
		return strings.TrimPrefix(s, "*.")
	}
	views := []string{name(x.Walk) + " by tree walk", name(x.PSL) + " by public suffix list"}
	if x.PSL != x.PSLPrivate {
		views[1] += " without private suffixes"
		views = append(views, name(x.PSLPrivate)+" with them")
	}
	return strings.Join(slices.Compact(views), ", ")
}
