package checks

import (
	"fmt"
	"math/big"
	"slices"

	"mxvet/internal/dmarc"
	"mxvet/internal/gather"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
)

// Rules about what the record says in the end: who passes, and what happens to
// everybody else.
func spfPolicyRules() []Rule {
	return []Rule{
		{
			ID: "spf-passes-all", Area: AreaSPF, Severity: Critical,
			Bears: []Bearing{{On: Forgery, From: Low, Weight: Decides, Words: "SPF lets most of the internet pass"}},
			Title: "the SPF record does not let everybody send",
			Refs:  []string{"RFC 7208 section 4.6.2", "RFC 7208 section 5.1", "BSI TR-03182-01"},
			When:  spfRecord, Judge: judgeSPFPassesAll,
		},
		{
			ID: "spf-end-neutral", Area: AreaSPF, Severity: High,
			Bears: []Bearing{{On: Forgery, From: High, Weight: Partly, Words: "SPF says nothing about strangers"}},
			Title: "the SPF record ends in ~all or -all",
			Refs:  []string{"RFC 7208 section 4.7", "RFC 7208 section 5.2", "BSI TR-03182-01", "Internet.nl"},
			When:  spfEnd,
			Judge: func(e *gather.Evidence) []Verdict {
				t := e.SPF
				if t.Ends != "?all" && t.Ends != "none" {
					return nil
				}
				sev, refs, how := Medium, []wire.Ref{t.Decides.TXT.Ref}, "ends in ?all"
				if t.Ends == "none" {
					how = "has neither all nor redirect"
				}
				enforced, known := spfBacked(e)
				if known && !enforced {
					sev, refs, how = High, append(refs, spfBackedBy(e)...), how+", and DMARC is not enforced either"
				}
				return fail(sev, refs, "the record of %s %s, so mail from anywhere else is neither passed nor failed", t.Decides.Owner, how)
			},
		},
		{
			ID: "spf-end-softfail", Area: AreaSPF, Severity: Low,
			Title: "an SPF record that ends in ~all is backed by DMARC",
			Refs:  []string{"RFC 7208 section 8.5", "Internet.nl"},
			When:  spfEnd,
			Judge: func(e *gather.Evidence) []Verdict {
				if e.SPF.Ends != "~all" {
					return nil
				}
				enforced, known := spfBacked(e)
				switch {
				case !known:
					return unknown(spfBackedBy(e), "whether DMARC backs ~all is unknown: %s could not be looked up", spfList(dmarcApplied(e).Failed))
				case enforced:
					return nil
				}
				policy := "there is no DMARC policy"
				if dmarcApplied(e).Policy != "" {
					policy = fmt.Sprintf("the effective DMARC policy is %s", dmarcApplied(e).Policy)
				}
				return fail(Low, append([]wire.Ref{e.SPF.Decides.TXT.Ref}, spfBackedBy(e)...), "~all only marks mail from elsewhere, and %s: nothing asks receivers to refuse it", policy)
			},
		},
		{
			ID: "spf-end-fail", Area: AreaSPF, Severity: Info,
			Title: "the SPF record of a sender leaves the refusal to DMARC",
			Refs:  []string{"RFC 9989 section 7.1", "Internet.nl"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := spfEnd(e); status != "" {
					return status, why
				}
				enforced, known := spfBacked(e)
				switch {
				case !e.Role.Sends():
					return NotApplicable, "the domain does not send: " + e.Role.Why
				case !known:
					return Unknown, "whether DMARC is enforced is unknown"
				case !enforced:
					return NotApplicable, "DMARC is not enforced, so the refusal is left to SPF"
				}
				return "", ""
			},
			Judge: func(e *gather.Evidence) []Verdict {
				if e.SPF.Ends != "-all" {
					return nil
				}
				return fail(Info, []wire.Ref{e.SPF.Decides.TXT.Ref}, "the record ends in -all: some receivers refuse forwarded mail on that alone, before DKIM and DMARC are looked at, and no report shows it")
			},
		},
		{
			ID: "spf-no-mail", Area: AreaSPF, Severity: High,
			Bears: []Bearing{{On: Forgery, From: High, Weight: Partly, Words: "SPF does not say that nobody sends"}},
			Title: "the SPF record of a domain without mail lets nobody send",
			Refs:  []string{"RFC 7208 section 10.1.2", "BSI TR-03182-11", "BOD 18-01"},
			When: func(e *gather.Evidence) (Status, string) {
				if e.Role.Name != gather.NoMail {
					if slices.Contains(e.Role.Could, gather.NoMail) {
						return Unknown, "whether the domain does mail could not be found out: " + e.Role.Why
					}
					return NotApplicable, "the domain does mail: " + e.Role.Why
				}
				return spfRecord(e)
			},
			Judge: judgeSPFNoMail,
		},
	}
}

// spfEnd guards rules about the end of the record that decides.
func spfEnd(e *gather.Evidence) (Status, string) {
	if status, why := spfRecord(e); status != "" {
		return status, why
	}
	t := e.SPF
	if e.Role.Name == gather.NoMail {
		return NotApplicable, "rule spf-no-mail says what such a domain needs"
	}
	if t.Decides == nil {
		for _, f := range t.TempErrors {
			if _, ok := reference(f, spf.KindRedirect); ok && f.Step < 0 && !f.Node.Included() {
				return Unknown, f.Text + ": " + f.Fail.String()
			}
		}
		if t.Cut {
			return Unknown, spfTooLarge
		}
		return NotApplicable, "the record redirects, and what decides there cannot be told"
	}
	if t.Ends != "none" {
		return "", ""
	}
	for _, p := range t.Decides.Record.Problems {
		switch {
		case p.Fatal():
			return NotApplicable, "the end may be the term that cannot be read: rule spf-syntax"
		case p.Code == spf.CodeCutOff || p.Code == spf.CodeGlued:
			return NotApplicable, "the end seems to be lost: rule spf-cut-off"
		}
	}
	return "", ""
}

// spfBacked reports whether DMARC asks receivers not to deliver forged mail, and
// whether that is known.
func spfBacked(e *gather.Evidence) (enforced, known bool) {
	a := dmarcApplied(e)
	return !a.Unknown && (a.Policy == dmarc.Quarantine || a.Policy == dmarc.Reject), !a.Unknown
}

// spfBackedBy cites the questions that the DMARC policy comes from.
func spfBackedBy(e *gather.Evidence) []wire.Ref {
	var refs []wire.Ref
	for _, s := range e.DMARC.Steps {
		if s.Used && s.Ref != "" {
			refs = append(refs, s.Ref)
		}
	}
	return refs
}

// mostOfIPv4 is half of all IPv4 addresses: who lets so many pass lets nearly
// everybody pass, since any forger has a machine there.
const mostOfIPv4 = 1 << 31

func judgeSPFPassesAll(e *gather.Evidence) []Verdict {
	t := e.SPF
	how, refs := "", []wire.Ref(nil)
	var families []string
	for _, a := range t.Networks {
		if a.Prefix.Bits() != 0 || a.Qualifier != spf.Pass {
			continue
		}
		family := "IPv6"
		if a.Prefix.Addr().Is4() {
			family = "IPv4"
		}
		if !slices.Contains(families, family) {
			families = append(families, family)
		}
		if how == "" {
			how, refs = fmt.Sprintf("%q", spfTerm(a.Node, a.Step.Term.Text)), []wire.Ref{a.Node.TXT.Ref}
		}
	}
	if how == "" && (t.Pass4.All() || t.Pass6.All()) {
		how, refs = "the networks of the record together", spfRefs(e)
		for _, x := range []struct {
			all    bool
			family string
		}{{t.Pass4.All(), "IPv4"}, {t.Pass6.All(), "IPv6"}} {
			if x.all {
				families = append(families, x.family)
			}
		}
	}
	if n := t.Pass4.Size(); how == "" && n.Cmp(big.NewInt(mostOfIPv4)) >= 0 {
		how = fmt.Sprintf("the networks of the record together hold %d %% of all IPv4 addresses", n.Mul(n, big.NewInt(100)).Rsh(n, 32))
		if void := spfVoidFor(e, []string{"IPv4"}); void != "" {
			return fail(Info, spfRefs(e), "%s, and mail from all of them would pass if receivers could use the record (%s)", how, void)
		}
		return fail(Critical, spfRefs(e), "%s, and mail from all of them passes%s", how, spfPassesWhere(e, []string{"IPv4"}))
	}
	if how == "" {
		v, where := spfStranger(e), ""
		if v != nil && v.Counting.Result != spf.ResultPass {
			where = spfWhereNotCounted
		}
		switch {
		case v == nil:
		case v.Counting.Result == spf.ResultPass, v.Lenient.Result == spf.ResultPass:
			return fail(Critical, v.Refs, "%q of %s: mail from %s passes, an address from which no mail can come: so it passes from everywhere%s", spfClip(v.Lenient.Term), v.Lenient.Domain, v.IP, where)
		case v.Counting.Result == spf.ResultTempError:
			return unknown(v.Refs, "whether macros let everybody pass is not known: %s", v.Counting.Text)
		}
		return spfGaps(e, true)
	}
	if void := spfVoidFor(e, families); void != "" {
		return fail(Info, refs, "%s: mail from every %s address in the world would pass if receivers could use the record (%s)", how, spfAnd(families), void)
	}
	return fail(Critical, refs, "%s: mail from every %s address in the world passes%s", how, spfAnd(families), spfPassesWhere(e, families))
}

// spfVoidFor gives the reason for which every receiver gives up before all of these
// families are let in, "" where there is none.
func spfVoidFor(e *gather.Evidence, families []string) string {
	return spfGivesUp(e, families, func(f spf.Failure) bool { return f.Code != spf.CodeVoid })
}

// Counting lookups that find nothing is only recommended to receivers (RFC 7208
// section 4.6.4): many do not.
const spfWhereNotCounted = " at receivers that do not count lookups which find nothing; those that do give up before"

// spfPassesWhere says that only some receivers let these families in, "" where all do.
func spfPassesWhere(e *gather.Evidence, families []string) string {
	if spfGivesUp(e, families, func(spf.Failure) bool { return true }) == "" {
		return ""
	}
	return spfWhereNotCounted
}

// spfGivesUp gives the first of the errors that count with which an evaluation ends
// for clients of each of these families, "" where some family meets none.
func spfGivesUp(e *gather.Evidence, families []string, counts func(spf.Failure) bool) string {
	why := ""
	for _, family := range families {
		i := slices.IndexFunc(e.SPF.PermErrors, func(f spf.Failure) bool {
			return counts(f) && (f.Family == 0 || f.Family == 4 && family == "IPv4" || f.Family == 6 && family == "IPv6")
		})
		if i < 0 {
			return ""
		}
		why = e.SPF.PermErrors[i].Text
	}
	return why
}

func spfAnd(items []string) string {
	if len(items) == 2 {
		return items[0] + " and " + items[1]
	}
	return spfList(items)
}

func judgeSPFNoMail(e *gather.Evidence) []Verdict {
	t := e.SPF
	refs := []wire.Ref{t.Root.TXT.Ref}
	switch {
	case t.Root.Record.Fatal():
		return []Verdict{{Status: NotApplicable, Message: "the record cannot be read: rule spf-syntax tells of it"}}
	case len(judgeSPFPassesAll(e)) > 0 && judgeSPFPassesAll(e)[0].Status == Fail:
		return []Verdict{{Status: NotApplicable, Message: "the record lets everybody send: rule spf-passes-all tells of it"}}
	case t.Decides == nil:
		return fail(High, refs, "%q is not just \"v=spf1 -all\"", spfClip(t.Root.Record.Text))
	}
	plain := t.Ends == "-all"
	for n := t.Decides; n != nil; n = n.Parent { // a redirect to such a record says the same
		for _, term := range n.Record.Terms {
			plain = plain && (!term.Kind.Mechanism() || term.Kind == spf.KindAll)
		}
	}
	if !plain {
		return fail(High, refs, "the domain does no mail (%s), but its record is %q, not just \"v=spf1 -all\"", e.Role.Why, spfClip(t.Root.Record.Text))
	}
	return nil
}
