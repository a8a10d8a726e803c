package fix

import (
	"slices"
	"strings"

	"mxvet/checks"
	"mxvet/internal/dkim"
	"mxvet/internal/gather"
	"mxvet/internal/paste"
)

// anyCause is that of what one host lacks: it is mended with whatever it lacks.
const anyCause = "any"

// byCause joins fixes whose rules fail at the same host by the same cause: an expired
// certificate is renewed once, however many rules tell of it.
func byCause(e *gather.Evidence, results []checks.Result, fixes []Fix) []Fix {
	out := slices.Clone(fixes)
	for i := 0; i < len(out); i++ {
		for j := i + 1; j < len(out); j++ {
			if sameCause(out[i], out[j]) && len(shared(e, out[i], out[j])) > 0 {
				out[i].Claims = slices.Concat(out[i].Claims, out[j].Claims)
				out = slices.Delete(out, j, j+1)
				j = i // what the last one brought together
			}
		}
	}
	c := &composer{e: e, results: results}
	for i := range out {
		if f := &out[i]; causeOf(f.Claims) != "" && len(f.Rules()) > 1 {
			f.Claims = c.inOrder(f.Claims)
			c.joined(f)
		}
	}
	for i := range out {
		exchanged := func(rule string) bool { return strings.HasPrefix(rule, "cert-") && rule != "cert-chain" }
		if f := &out[i]; causeOf(f.Claims) == "certificate" && slices.ContainsFunc(f.Rules(), exchanged) {
			f.Steps = append(f.Steps, paste.Words("If the host has TLSA records (DANE), which were not looked up: a certificate with the same key needs no change where they say 3 1 1. For a new key, publish its record beside the old one, and exchange the certificate only after two TTLs (RFC 7671 section 8.1)."))
		}
	}
	return unnamed(e, signed(e, attached(e, out)))
}

// unnamed hands what is said of the address that senders try for want of an MX record,
// where nothing answers, to the fix that names a mail host or says that there is none:
// a web server that takes no mail has not broken down.
func unnamed(e *gather.Evidence, fixes []Fix) []Fix {
	i := slices.IndexFunc(fixes, func(f Fix) bool { return f.ID == "steps-mx-implicit" })
	if i < 0 || !e.MX.Implicit || (&composer{e: e}).someHostAnswers() {
		return fixes
	}
	for j := range fixes {
		if f := &fixes[j]; j != i && slices.Contains([]string{"steps-mx-unreachable", "steps-mx-no-ipv6", "steps-mx-no-ipv4"}, f.ID) {
			fixes[i].Claims, f.Claims = append(fixes[i].Claims, f.Claims...), nil
		}
	}
	return slices.DeleteFunc(fixes, func(f Fix) bool { return len(f.Claims) == 0 })
}

// signed hands the claims that mail is not signed to the fix that publishes a key
// again at a selector in use, and leaves out the fixes of which nothing is left.
func signed(e *gather.Evidence, fixes []Fix) []Fix {
	i := slices.IndexFunc(fixes, func(f Fix) bool { return republishes(e, f) })
	if i < 0 {
		return fixes
	}
	for j := range fixes {
		if f := &fixes[j]; j != i && slices.Contains([]string{"dmarc-without-dkim", "dkim-none"}, f.Claims[0].Rule) && len(f.Rules()) == 1 {
			fixes[i].Claims, f.Claims = append(fixes[i].Claims, f.Claims...), nil
		}
	}
	return slices.DeleteFunc(fixes, func(f Fix) bool { return len(f.Claims) == 0 })
}

// republishes reports whether a fix is about a selector in use whose record holds no
// usable key, and ends in one that does.
func republishes(e *gather.Evidence, f Fix) bool {
	return f.dns && slices.ContainsFunc(f.Claims, func(c Claim) bool {
		return slices.ContainsFunc(e.DKIM.Selectors, func(s dkim.Selector) bool {
			return s.Named() && s.Owner == c.Subject && s.Name == c.Key && !s.Usable() && s.Invalid == ""
		})
	})
}

// causeOf gives the cause of the claims, "" where the table names none.
func causeOf(claims []Claim) string {
	if cause := steps().Rules[claims[0].Rule].Cause; cause != anyCause {
		return cause
	}
	return ""
}

func sameCause(f, g Fix) bool {
	cause := causeOf(f.Claims)
	return cause != "" && cause == causeOf(g.Claims)
}

// hosts names the mail hosts that claims are about.
func hosts(e *gather.Evidence, claims []Claim) []string {
	var out []string
	for _, c := range claims {
		if h := hostOf(e, c.Subject); h != nil && !slices.Contains(out, h.Name) {
			out = append(out, h.Name)
		}
	}
	return out
}

func shared(e *gather.Evidence, f, g Fix) []string {
	there := hosts(e, g.Claims)
	return slices.DeleteFunc(hosts(e, f.Claims), func(h string) bool { return !slices.Contains(there, h) })
}

// joined gives a fix that claims several rules its words: for each set of rules, the
// hosts at which these fail.
func (c *composer) joined(f *Fix) {
	type group struct {
		rules  []string
		claims []Claim
	}
	var groups []group
	for _, host := range hosts(c.e, f.Claims) {
		var here group
		for _, claim := range f.Claims {
			if h := hostOf(c.e, claim.Subject); h != nil && h.Name == host {
				here.claims = append(here.claims, claim)
				if !slices.Contains(here.rules, claim.Rule) {
					here.rules = append(here.rules, claim.Rule)
				}
			}
		}
		if i := slices.IndexFunc(groups, func(g group) bool { return slices.Equal(g.rules, here.rules) }); i >= 0 {
			groups[i].claims = append(groups[i].claims, here.claims...)
		} else {
			groups = append(groups, here)
		}
	}
	first := steps().Rules[f.Claims[0].Rule]
	f.ID, f.Title, f.Steps = "steps-"+f.Claims[0].Rule, first.Title, nil
	var wants []string
	for _, rule := range f.Rules() {
		if steps().Rules[rule].Wants.String() != "" {
			wants = append(wants, rule)
		}
	}
	switch {
	case len(wants) == 1:
		f.Title = steps().Rules[wants[0]].Title
	case len(wants) > 1:
		f.Title = "replace the certificate by one that is right in all respects"
	}
	for _, g := range groups {
		for _, step := range stepsFor(g.rules).steps(c.e, g.claims) {
			if !slices.ContainsFunc(f.Steps, func(s Step) bool { return s.String() == step.String() }) {
				f.Steps = append(f.Steps, step)
			}
		}
	}
}

// stepsFor gives what is to be done where all of these rules, of one cause, fail: the
// steps of the first that says nothing about what to do until then, or, of a
// certificate that has to become several things, those for all of them.
func stepsFor(rules []string) entry {
	table := steps().Rules
	if len(rules) == 1 {
		return table[rules[0]]
	}
	var wants, also []paste.Template
	for _, rule := range rules {
		if w := table[rule].Wants; w.String() != "" {
			wants = append(wants, w)
		}
		if a := table[rule].Also; a.String() != "" && !slices.Contains(also, a) {
			also = append(also, a)
		}
	}
	plain := slices.IndexFunc(rules, func(r string) bool { return table[r].Also.String() == "" })
	if plain < 0 {
		return table[rules[0]]
	}
	en := table[rules[plain]]
	if len(wants) > 1 {
		text := paste.List("Have one certificate issued that is all of this: ", wants, "; ", ". Install it with its chain.")
		en = entry{Steps: []paste.Template{text}, Software: map[string][]paste.Template{}}
		for software, lines := range table["cert-key"].Software {
			en.Software[software] = slices.Concat(en.Steps, lines)
		}
	}
	en.Steps = slices.Concat(en.Steps, also)
	software := map[string][]paste.Template{}
	for name, lines := range en.Software {
		software[name] = slices.Concat(lines, also)
	}
	en.Software = software
	return en
}

// attached hands the claims of rules of any cause to the fix for their host, and
// leaves them alone where there is none.
func attached(e *gather.Evidence, fixes []Fix) []Fix {
	for i := range fixes {
		if steps().Rules[fixes[i].Claims[0].Rule].Cause != anyCause {
			continue
		}
		var left []Claim
		for _, claim := range fixes[i].Claims {
			alone := Fix{Claims: []Claim{claim}}
			j := slices.IndexFunc(fixes, func(g Fix) bool {
				return len(g.Claims) > 0 && causeOf(g.Claims) != "" && len(shared(e, alone, g)) > 0
			})
			if j < 0 {
				left = append(left, claim)
			} else {
				fixes[j].Claims = append(fixes[j].Claims, claim)
			}
		}
		fixes[i].Claims = left
	}
	return slices.DeleteFunc(fixes, func(f Fix) bool { return len(f.Claims) == 0 })
}
