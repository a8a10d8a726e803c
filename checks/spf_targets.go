package checks

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
)

// Rules about what the record refers to: other records, hosts, names of others.
func spfTargetRules() []Rule {
	return []Rule{
		{
			ID: "spf-include-broken", Area: AreaSPF, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "an SPF include is broken"}},
			Title: "every include of the SPF record leads to a valid record",
			Refs:  []string{"RFC 7208 section 5.2"},
			When:  spfRecord,
			Judge: func(e *gather.Evidence) []Verdict { return judgeSPFReferences(e, spf.KindInclude) },
		},
		{
			ID: "spf-redirect-broken", Area: AreaSPF, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "the SPF redirect is broken"}},
			Title: "every redirect of the SPF record leads to a valid record",
			Refs:  []string{"RFC 7208 section 6.1"},
			When:  spfRecord,
			Judge: func(e *gather.Evidence) []Verdict { return judgeSPFReferences(e, spf.KindRedirect) },
		},
		{
			ID: "spf-loop", Area: AreaSPF, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "SPF runs in a loop"}},
			Title: "the SPF record does not lead back to itself",
			Refs:  []string{"RFC 7208 section 4.6.4"},
			When:  spfRecord,
			Judge: func(e *gather.Evidence) []Verdict {
				var out []Verdict
				for n := range e.SPF.Nodes() {
					key := strings.Join(n.Loop, " ")
					if key == "" || slices.ContainsFunc(out, func(v Verdict) bool { return v.Key == key }) {
						continue
					}
					out = append(out, Verdict{
						Key: key, Status: Fail, Severity: High, Evidence: []wire.Ref{n.Parent.TXT.Ref},
						Message: fmt.Sprintf("the evaluation goes in a circle (%s) until a receiver stops it with an error", strings.Join(n.Loop, " -> ")),
					})
				}
				if len(out) == 0 {
					return spfGaps(e, true)
				}
				return out
			},
		},
		{
			ID: "spf-never-matches", Area: AreaSPF, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "SPF lets none of its senders pass"}},
			Title: "every a, mx and exists term of the SPF record can match",
			Refs:  []string{"RFC 7208 section 4.6.4", "RFC 7208 section 5.4"},
			When:  spfRecord,
			Judge: func(e *gather.Evidence) []Verdict {
				var out []Verdict
				severity, rest := Medium, ""
				if e.Role.Sends() && spfFailsAll(e) {
					severity, rest = High, ", and no other term lets anybody pass: all mail of the domain fails SPF"
				}
				for n, s := range e.SPF.Steps() {
					key := spfTerm(n, s.Term.Text)
					if slices.ContainsFunc(out, func(v Verdict) bool { return v.Key == key }) {
						continue
					}
					switch {
					case !neverMatches(n, s):
					case spfUnregistered(e, s.Target):
						out = append(out, Verdict{Key: key, Status: NotApplicable, Message: "the name can be registered: rule spf-unregistered tells of it"})
					default:
						out = append(out, Verdict{
							Key: key, Status: Fail, Severity: severity, Evidence: deadRefs(s),
							Message: fmt.Sprintf("%q can never match: %s%s", key, whyDead(s), rest),
						})
					}
				}
				return append(out, maybeDead(e)...)
			},
		},
		{
			ID: "spf-unregistered", Area: AreaSPF, Severity: Critical,
			Bears: []Bearing{{On: Forgery, From: High, Weight: Breaks, Words: "SPF trusts a domain that anyone can register", About: "the registration of the names that SPF relies on"}},
			Title: "nobody can register a name that the SPF record relies on",
			Refs:  []string{"RFC 7208 section 11.2", "takeover practice"},
			When:  spfRecord, Judge: judgeSPFUnregistered,
		},
		{
			ID: "spf-redirect-foreign", Area: AreaSPF, Severity: Low,
			Title: "the SPF record redirects only within the organization",
			Refs:  []string{"RFC 7208 section 6.1"},
			When:  spfRecord,
			Judge: func(e *gather.Evidence) []Verdict {
				org := e.Suffixes.OrgDomain(e.Domain, false)
				var out []Verdict
				for n, s := range e.SPF.Steps() {
					if n.Included() || s.Term.Kind != spf.KindRedirect || s.Dynamic || e.Suffixes.OrgDomain(s.Target, false) == org {
						continue
					}
					out = append(out, Verdict{
						Key: spfTerm(n, s.Term.Text), Status: Fail, Severity: Low, Evidence: []wire.Ref{n.TXT.Ref},
						Message: fmt.Sprintf("%q hands the whole decision to %s, which belongs to somebody else than %s", spfTerm(n, s.Term.Text), s.Target, org),
					})
				}
				return out
			},
		},
		{
			ID: "spf-exp-broken", Area: AreaSPF, Severity: Low,
			Title: "the explanation of the SPF record can be read",
			Refs:  []string{"RFC 7208 section 6.2"},
			When:  spfRecord, Judge: judgeSPFExp,
		},
		{
			ID: "spf-helo", Area: AreaSPF, Severity: Low,
			Title: "the mail hosts that send have SPF records of their own",
			Refs:  []string{"RFC 7208 section 2.3", "RFC 7208 section 10.1.3"},
			When: func(e *gather.Evidence) (Status, string) {
				if !e.Role.Sends() {
					return NotApplicable, "the domain does not send: " + e.Role.Why
				}
				return spfRecord(e)
			},
			Judge: judgeSPFHELO,
		},
	}
}

// judgeSPFReferences tells of includes or redirects whose record voids the whole.
func judgeSPFReferences(e *gather.Evidence, kind spf.Kind) []Verdict {
	var out []Verdict
	add := func(key string, v Verdict) {
		v.Key = key
		if !slices.ContainsFunc(out, func(o Verdict) bool { return o.Key == key }) {
			out = append(out, v)
		}
	}
	for _, f := range e.SPF.PermErrors {
		target, ok := reference(f, kind)
		if !ok {
			continue
		}
		var text strings.Builder
		text.WriteString(f.Text)
		switch f.Code {
		case spf.CodeNoRecord, spf.CodeMultiple, spf.CodeBadTarget:
		case spf.CodeSyntax:
			for _, t := range f.Node.Record.Terms {
				if t.Fatal() {
					text.WriteString(fmt.Sprintf(" in %q: %s", spfClip(t.Text), brokenTerm(t)))
					break
				}
			}
		default:
			continue
		}
		v := Verdict{Status: Fail, Severity: High, Message: fmt.Sprintf("%s, which voids every record that refers to it%s", text.String(), spfRoute(f.Path))}
		if f.Ref != "" {
			v.Evidence = []wire.Ref{f.Ref}
		} else {
			v.Evidence = []wire.Ref{f.Node.TXT.Ref}
		}
		add(target, v)
	}
	for _, f := range e.SPF.TempErrors {
		if target, ok := reference(f, kind); ok && f.Step < 0 {
			add(target, Verdict{Status: Unknown, Evidence: []wire.Ref{f.Ref}, Message: f.Text + ": " + f.Fail.String()})
		}
	}
	for n, s := range e.SPF.Steps() {
		if s.Dynamic && s.Term.Kind == kind {
			key := spfTerm(n, s.Term.Text)
			add(key, Verdict{Status: Unknown, Evidence: []wire.Ref{n.TXT.Ref}, Message: fmt.Sprintf("where %q leads depends on the message; %s", key, spfEvaluated(e))})
		}
	}
	return out
}

// reference gives the name behind the include or redirect that a failure comes
// from.
func reference(f spf.Failure, kind spf.Kind) (string, bool) {
	switch {
	case f.Code == spf.CodeBadTarget:
		s := &f.Node.Steps[f.Step]
		return s.Target, s.Term.Kind == kind
	case f.Step < 0 && f.Node.Parent != nil:
		return f.Node.Owner, f.Node.Parent.Record.Terms[f.Node.Via].Kind == kind
	}
	return "", false
}

// spfRoute shows how a record deeper in the tree is reached.
func spfRoute(path []string) string {
	if len(path) < 3 {
		return ""
	}
	return " (" + spfList(path[1:]) + ")"
}

// neverMatches reports an a, mx or exists term of the domain itself that is
// proven to find no address. What is wrong with the name itself other rules tell.
func neverMatches(n *spf.Node, s *spf.Step) bool {
	return s.Dead && !n.Included() && !slices.ContainsFunc(s.Term.Problems, func(p spf.Problem) bool {
		switch p.Code {
		case spf.CodeLongLabel, spf.CodeEmptyLabel, spf.CodeLongName, spf.CodeGlued:
			return true
		}
		return false
	})
}

// maybeDead tells of terms of which nothing is known that matches, since a lookup
// failed.
func maybeDead(e *gather.Evidence) []Verdict {
	var out []Verdict
	for _, f := range e.SPF.TempErrors {
		if f.Step < 0 || f.Node.Included() || len(f.Node.Steps[f.Step].Nets) > 0 {
			continue
		}
		key := spfTerm(f.Node, f.Node.Steps[f.Step].Term.Text)
		if !slices.ContainsFunc(out, func(v Verdict) bool { return v.Key == key }) {
			out = append(out, Verdict{
				Key: key, Status: Unknown, Severity: High, Evidence: []wire.Ref{f.Ref},
				Message: fmt.Sprintf("whether %q can match is not known: %s: %s", key, f.Text, f.Fail),
			})
		}
	}
	return out
}

// spfFailsAll reports proof that the record, as it can be followed today, passes
// nobody and refuses or marks everybody.
func spfFailsAll(e *gather.Evidence) bool {
	t := e.SPF
	return len(t.Pass4)+len(t.Pass6) == 0 && !t.Incomplete && !t.Cut && len(t.PermErrors) == 0 && !spfOpen(e) && (t.Ends == "-all" || t.Ends == "~all")
}

func whyDead(s *spf.Step) string {
	switch {
	case s.MX != nil && s.MX.Answer.NXDomain(), s.A != nil && s.A.Answer.NXDomain():
		return s.Target + " does not exist (NXDOMAIN)"
	case s.Term.Kind == spf.KindMX && s.MX != nil && s.MX.Void("MX"):
		return s.Target + " has no MX record, and its addresses do not count instead"
	case s.Term.Kind == spf.KindMX:
		return "the mail hosts of " + s.Target + " have no address"
	}
	return s.Target + " has no address"
}

func deadRefs(s *spf.Step) (refs []wire.Ref) {
	for _, a := range []*spf.Ask{s.MX, s.A, s.AAAA} {
		if a != nil {
			refs = append(refs, a.Ref)
		}
	}
	for i := range s.Hosts {
		for _, a := range []*spf.Ask{&s.Hosts[i].A, &s.Hosts[i].AAAA} {
			if a.Ref != "" {
				refs = append(refs, a.Ref)
			}
		}
	}
	return refs
}

// spfUnregistered reports that a name lies under one that rule spf-unregistered
// tells of.
func spfUnregistered(e *gather.Evidence, name string) bool {
	own := e.Suffixes.Registrable(name)
	return slices.ContainsFunc(e.Registrations, func(r gather.Registration) bool { return r.Name == own && r.Unregistered() })
}

func judgeSPFUnregistered(e *gather.Evidence) []Verdict {
	var out []Verdict
	for _, r := range e.Registrations {
		if !r.Used(gather.UseSPF) {
			continue
		}
		var names []string
		for _, u := range r.Uses {
			if u.Kind == gather.UseSPF && !slices.Contains(names, u.Name) {
				names = append(names, u.Name)
			}
		}
		v := Verdict{Key: r.Name, Evidence: []wire.Ref{r.Ref}}
		switch {
		case r.Left:
			v = unlooked(r, spfRefs(e))
		case r.Unregistered():
			v.Status, v.Severity = Fail, Critical
			v.Message = fmt.Sprintf("%s appears to be unregistered, but the record refers to %s: whoever registers it may send as %s", r.Name, spfList(names), e.Domain)
		case !r.Answer.OK():
			v.Status, v.Message = Unknown, fmt.Sprintf("whether %s is registered could not be found out: %s", r.Name, r.Answer.Fail)
		default:
			continue
		}
		out = append(out, v)
	}
	return out
}

func judgeSPFExp(e *gather.Evidence) []Verdict {
	n := e.SPF.Decides
	if n == nil {
		n = e.SPF.Root
	}
	if n.Exp == nil {
		return []Verdict{{Status: NotApplicable, Message: "the record has no explanation"}}
	}
	x, refs := n.Exp, []wire.Ref{n.Exp.TXT.Ref}
	switch {
	case x.Dynamic:
		return []Verdict{{Status: NotApplicable, Message: "where the explanation stands depends on the message"}}
	case x.TXT.Ref == "":
		return fail(Low, []wire.Ref{n.TXT.Ref}, "exp=%s is no name that can be asked for", spfClip(x.Target))
	case !x.TXT.Usable():
		return unknown(refs, "the explanation at %s could not be looked up: %s", x.Target, x.TXT.Answer.Fail)
	case len(x.Problems) > 0:
		return fail(Low, refs, "the explanation at %s is ignored: %s", x.Target, x.Problems[0].Text)
	}
	return nil
}
