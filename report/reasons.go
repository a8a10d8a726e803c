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
