package report

import "slices"

// A reasonGroup is what one reason kept from being told: the rules, and the
// subjects other than the domain itself.
type reasonGroup struct {
	reason string
	rules  []string
	places []string
}

// unknownByReason groups a domain's unknowns by cause or else by reason, that for
// which most rules wait first.
func unknownByReason(d *Domain) []reasonGroup {
	var groups []reasonGroup
	for _, u := range d.Unknown {
		place := u.Subject
		if place == d.Name || u.Cause != "" { // a cause names its hosts
			place = ""
		}
		groups = addReason(groups, u.cause(), u.Rule, place)
	}
	slices.SortStableFunc(groups, func(a, b reasonGroup) int { return len(b.rules) - len(a.rules) })
	return groups
}

// unknownNote says what the domain's unknowns have in common.
func unknownNote(r *Report, d *Domain) string {
	late := func(u Unknown) bool { return u.Unjudged }
	switch {
	case slices.ContainsFunc(d.Unknown, late):
		return "no answer, or no time left to judge it"
	case r.Run.Options.Offline:
		return "cannot be told from the zone alone"
	}
	return "asked, but no usable answer"
}

// WhySilent gives the reason for which most rules of some areas had no answer, "" where
// all had one.
func (d *Domain) WhySilent(areas ...string) string {
	of := Domain{Name: d.Name}
	for _, u := range d.Unknown {
		if slices.Contains(areas, u.Area) {
			of.Unknown = append(of.Unknown, u)
		}
	}
	if why := mainReason(&of); why != "" {
		return why
	}
	for _, u := range d.NotAsked {
		if slices.Contains(areas, u.Area) {
			return u.Reason
		}
	}
	return ""
}

// Silent reports that no rule of an area had an answer, though it applies.
func (d *Domain) Silent(area string) bool {
	return slices.Contains(d.Unanswered, area) || slices.ContainsFunc(d.Areas, func(a Area) bool {
		return a.ID == area && a.Passed+a.Failed == 0 && a.Unknown+a.NotAsked > 0
	})
}

// unaskedByReason does the same for rules that were not asked or do not apply.
func unaskedByReason(us []Unasked) []reasonGroup {
	var groups []reasonGroup
	for _, u := range us {
		groups = addReason(groups, u.Reason, u.Rule, "")
	}
	return groups
}

func addReason(groups []reasonGroup, reason, rule, place string) []reasonGroup {
	i := slices.IndexFunc(groups, func(g reasonGroup) bool { return g.reason == reason })
	if i < 0 {
		groups = append(groups, reasonGroup{reason: reason})
		i = len(groups) - 1
	}
	g := &groups[i]
	if !slices.Contains(g.rules, rule) {
		g.rules = append(g.rules, rule)
	}
	if place != "" && !slices.Contains(g.places, place) {
		g.places = append(g.places, place)
	}
	return groups
}
