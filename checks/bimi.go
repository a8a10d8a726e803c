package checks

import (
	"fmt"
	"slices"
	"time"

	"mxvet/internal/bimi"
	"mxvet/internal/dmarc"
	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// Rules about BIMI, by which a domain names a logo to be shown beside its mail.
// It protects nothing and no RFC describes it, so all of this is information,
// whatever the drafts call a must: it costs no points and fails no run.
func bimiRules() []Rule {
	rules := slices.Concat(bimiRecordRules(), bimiLogoRules(), bimiMarkRules())
	for i := range rules {
		rules[i].Area, rules[i].Severity = AreaInfo, Info
		rules[i].citeBIMI()
	}
	return rules
}

// citeBIMI moves the unknowns of a guard into the judgement, where they can cite
// the lookups that failed.
func (r *Rule) citeBIMI() {
	when, judge := r.When, r.Judge
	r.When = func(e *gather.Evidence) (Status, string) {
		if status, why := when(e); status != Unknown {
			return status, why
		}
		return "", ""
	}
	r.Judge = func(e *gather.Evidence) []Verdict {
		status, why := when(e)
		switch {
		case status != Unknown:
			return judge(e)
		case e.BIMI.Unknown():
			return unknown(bimiRefs(e.BIMI), "%s", why)
		}
		return unknown(dmarcSilent(e), "%s", why)
	}
}

const (
	bimiDraft = "draft-brand-indicators-for-message-identification"
	svgDraft  = "draft-svg-tiny-ps-abrotman"
	vmcDraft  = "draft-fetch-validation-vmc-wchuang"
)

func bimiRecordRules() []Rule {
	return []Rule{
		{
			ID: "bimi-none", Title: "there is a BIMI record", Refs: []string{bimiDraft}, When: bimiSender,
			Judge: func(e *gather.Evidence) []Verdict {
				r := e.BIMI
				refs := bimiRefs(r)
				switch _, texts := bimiMeant(r); {
				case r.Place != nil:
					return nil
				case len(texts) > 0:
					return []Verdict{{Status: NotApplicable, Evidence: refs, Message: "there is a text that receivers do not take for a record (bimi-record-invalid)"}}
				case r.Unknown():
					return unknown(refs, "%s", bimiSilence(r))
				}
				return fail(Info, refs, "there is no BIMI record at %s, so no logo of the domain is shown beside its mail", r.Own.Owner)
			},
		},
		{
			ID: "bimi-record-invalid", Title: "the BIMI record is a single one and well-formed", Refs: []string{bimiDraft},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := bimiSender(e); status != "" {
					return status, why
				}
				switch _, texts := bimiMeant(e.BIMI); {
				case len(texts) > 0:
					return "", ""
				case e.BIMI.Unknown():
					return Unknown, bimiSilence(e.BIMI)
				}
				return NotApplicable, "there is no BIMI record"
			},
			Judge: judgeBIMIRecord,
		},
		{
			ID: "bimi-declined", Title: "the BIMI record names a logo", Refs: []string{bimiDraft}, When: bimiRecord,
			Judge: func(e *gather.Evidence) []Verdict {
				if e.BIMI.Record.Has(bimi.Declined) {
					return fail(Info, []wire.Ref{e.BIMI.Place.Ref}, "l and a are empty in the record at %s: the domain asks that no logo is shown", e.BIMI.Place.Owner)
				}
				return nil
			},
		},
		{
			ID: "bimi-dmarc", Title: "DMARC is strict enough for receivers to show the logo", Refs: []string{bimiDraft},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := bimiWanted(e); status != "" {
					return status, why
				}
				if status, why := dmarcRecord(e); status == Unknown || status == NotAsked {
					return status, why
				}
				return "", ""
			},
			Judge: judgeBIMIDMARC,
		},
	}
}

// bimiSender guards all rules here: a logo is shown beside mail from the domain.
func bimiSender(e *gather.Evidence) (Status, string) {
	switch {
	case e.BIMI == nil:
		return NotAsked, "area skipped"
	case !e.Role.Sends():
		return NotApplicable, "the domain does not send: " + e.Role.Why
	}
	return "", ""
}

// bimiRecord guards the rules about the one record that applies.
func bimiRecord(e *gather.Evidence) (Status, string) {
	if status, why := bimiSender(e); status != "" {
		return status, why
	}
	switch r := e.BIMI; {
	case r.Record != nil:
		return "", ""
	case r.Unknown():
		return Unknown, bimiSilence(r)
	}
	return NotApplicable, "there is no BIMI record that receivers use"
}

// bimiWanted guards the rules about what a record needs that does not decline.
func bimiWanted(e *gather.Evidence) (Status, string) {
	if status, why := bimiRecord(e); status != "" {
		return status, why
	}
	if e.BIMI.Record.Has(bimi.Declined) {
		return NotApplicable, "the domain declines to take part"
	}
	return "", ""
}

func bimiRefs(r *bimi.Result) []wire.Ref {
	refs := []wire.Ref{r.Own.Ref}
	if r.Org != nil {
		refs = append(refs, r.Org.Ref)
	}
	return refs
}

// bimiSilence says why it is not known whether there is a record.
func bimiSilence(r *bimi.Result) string {
	p := r.Own
	if p.Answer.OK() && r.Org != nil {
		p = r.Org
	}
	return "the TXT lookup at " + p.Owner + " gave no answer: " + noAnswer(p.Answer)
}

// bimiMeant gives the texts that are meant as BIMI records, and where they are:
// where receivers find a record, else where anything was tried.
func bimiMeant(r *bimi.Result) (*bimi.Place, []bimi.Record) {
	for _, p := range []*bimi.Place{r.Place, r.Own, r.Org} {
		if p == nil {
			continue
		}
		texts := slices.DeleteFunc(slices.Clone(p.Records), func(r bimi.Record) bool { return !r.Meant() })
		if len(texts) > 0 {
			return p, texts
		}
	}
	return nil, nil
}

func judgeBIMIRecord(e *gather.Evidence) []Verdict {
	place, texts := bimiMeant(e.BIMI)
	var out []Verdict
	add := func(key, message string) {
		if !hasKey(out, key) {
			out = append(out, Verdict{Key: key, Status: Fail, Severity: Info, Evidence: []wire.Ref{place.Ref}, Message: message})
		}
	}
	if n := len(place.Counting()); n > 1 {
		add("several", fmt.Sprintf("%d BIMI records at %s: receivers use none of them", n, place.Owner))
	}
	for _, r := range texts {
		for _, p := range r.Problems {
			switch p.Code {
			case bimi.VersionMissing, bimi.VersionLate, bimi.VersionUnknown:
				add(string(p.Code), fmt.Sprintf("receivers do not take %q for a BIMI record: %s", clip(r.Text), p.Text))
			case bimi.LocationMissing, bimi.LocationURI, bimi.AuthorityURI, bimi.PrefixList, bimi.Preference:
				add(string(p.Code), p.Text)
			}
		}
	}
	return out
}

// judgeBIMIDMARC looks at the policy that applies to the domain, and at the
// record of its organizational domain, which has to be strict too.
func judgeBIMIDMARC(e *gather.Evidence) []Verdict {
	a := dmarcApplied(e)
	refs := []wire.Ref{e.BIMI.Place.Ref}
	if a.Record == nil {
		return fail(Info, append(refs, e.DMARC.Own().Ref), "no DMARC record applies to the domain, and without an enforced policy no receiver shows the logo")
	}
	out := bimiPolicy(a.At, *a.Record, a.Relation, append(refs, dmarcRefs(e, a.At)...))
	if org := e.DMARC.Step(e.DMARC.Walk.Org); org != nil && org.Domain != a.At && len(org.Records) == 1 {
		out = append(out, bimiPolicy(org.Domain, org.Records[0], dmarc.Self, append(refs[:1:1], org.Ref))...)
	}
	return out
}

// bimiPolicy judges one DMARC record; it gives one verdict, or none where the
// record is strict enough.
func bimiPolicy(at string, r dmarc.Record, rel dmarc.Relation, refs []wire.Ref) []Verdict {
	policy := r.Effective(dmarc.RFC9989, rel)
	v := Verdict{Key: at, Status: Fail, Severity: Info, Evidence: refs}
	const no = ", and receivers show logos only where quarantine or reject is in force"
	switch percent := r.Effective(dmarc.RFC7489, rel).Percent; {
	case policy.Policy.Strength() < dmarc.Quarantine.Strength() && policy.Demoted:
		v.Message = fmt.Sprintf("the DMARC policy in the record of %s is weakened to none by t=y%s", at, no)
	case policy.Policy.Strength() < dmarc.Quarantine.Strength():
		v.Message = fmt.Sprintf("the DMARC policy in the record of %s comes to %s%s", at, dmarcName(policy.Policy), no)
	case r.SP == dmarc.None:
		v.Message = fmt.Sprintf("the DMARC record of %s leaves subdomains without protection (sp=none)%s", at, no)
	case policy.Policy == dmarc.Quarantine && percent < 100:
		v.Message = fmt.Sprintf("the DMARC record of %s asks for quarantine of %d per cent of the failing mail (pct)%s for all of it", at, percent, no)
	default:
		return nil
	}
	return []Verdict{v}
}

func bimiMarkRules() []Rule {
	return []Rule{
		{
			ID: "bimi-certificate", Title: "the mark certificate is served, in force and for this domain", Refs: []string{vmcDraft},
			When: bimiEvidence, Judge: judgeBIMICertificate,
		},
		{
			ID: "bimi-logo-differs", Title: "the logo is the one in the mark certificate", Refs: []string{vmcDraft, "RFC 3709 section 4.1"},
			When: bimiEvidence, Judge: judgeBIMILogoDiffers,
		},
		{
			ID: "bimi-self-asserted", Title: "a verified mark certificate vouches for the logo", Refs: []string{bimiDraft, "Gmail and Yahoo sender guidelines"},
			When: bimiWanted,
			Judge: func(e *gather.Evidence) []Verdict {
				r := e.BIMI
				refs := []wire.Ref{r.Place.Ref}
				switch {
				case r.Record.Authority == "":
					return fail(Info, refs, "the record names no mark certificate (a): Gmail and others show no logo that nobody vouches for")
				case (r.Mark == nil || r.Mark.Leaf == nil) && bimiUnfetched(r.Evidence) != "":
					return unknown(append(refs, bimiDocumentRefs(r.Evidence)...), "the mark certificate could not be fetched: %s", bimiUnfetched(r.Evidence))
				case r.Mark == nil || r.Mark.Leaf == nil:
					return []Verdict{{Status: NotApplicable, Evidence: refs, Message: "no mark certificate was seen (bimi-certificate)"}}
				}
				refs = append(refs, bimiDocumentRefs(r.Evidence)...)
				switch r.Mark.MarkType {
				case "Registered Mark", "Government Mark":
					return nil
				case "":
					return []Verdict{{Status: NotApplicable, Evidence: refs, Message: "the certificate does not say what kind of mark it is for"}}
				}
				return fail(Info, refs, "the certificate is for a %q, which is no registered mark: receivers may show the logo without the sign of a verified sender, or not at all", clip(r.Mark.MarkType))
			},
		},
	}
}

// bimiEvidence guards the rules about the mark certificate.
func bimiEvidence(e *gather.Evidence) (Status, string) {
	if status, why := bimiWanted(e); status != "" {
		return status, why
	}
	switch r := e.BIMI; {
	case r.Record.Authority == "":
		return NotApplicable, "the record names no mark certificate"
	case r.Evidence == nil:
		return NotApplicable, "the address of the mark certificate is invalid (bimi-record-invalid)"
	}
	return "", ""
}

func judgeBIMICertificate(e *gather.Evidence) []Verdict {
	r := e.BIMI
	if v := bimiServed(r.Evidence); v.Status != Pass {
		return []Verdict{v}
	}
	refs, m := bimiDocumentRefs(r.Evidence), r.Mark
	var out []Verdict
	add := func(key, format string, args ...any) {
		if !hasKey(out, key) {
			out = append(out, Verdict{Key: key, Status: Fail, Severity: Info, Evidence: refs, Message: fmt.Sprintf(format, args...)})
		}
	}
	for _, p := range m.Problems {
		switch p.Code {
		case bimi.NotPEM, bimi.NoIntermediate, bimi.Disorder, bimi.DuplicateCert, bimi.SeveralLeafs, bimi.NoLeaf,
			bimi.BadCertificate, bimi.OtherPEM, bimi.SCTMissing, bimi.CRLMissing, bimi.PurposeMissing:
			add(string(p.Code), "%s", clip(p.Text))
		}
	}
	if m.Leaf != nil {
		switch day := time.DateOnly; {
		case e.At.After(m.Leaf.NotAfter):
			add("expired", "the mark certificate expired on %s", m.Leaf.NotAfter.UTC().Format(day))
		case e.At.Before(m.Leaf.NotBefore):
			add("expired", "the mark certificate is not valid before %s", m.Leaf.NotBefore.UTC().Format(day))
		}
		if !m.Covers(r.Selector, r.Domain, r.OrgDomain) {
			add("names", "the mark certificate names %s, not %s", bimiNames(m), r.Domain)
		}
	}
	if len(out) == 0 {
		return []Verdict{{Status: Pass, Evidence: refs, Message: "whether its issuer is a known authority for marks was not judged: their roots are not built in; nor were revocation lists fetched"}}
	}
	return out
}

func bimiNames(m *bimi.Mark) string {
	if len(m.Names) == 0 {
		return "no domain"
	}
	var names []string
	for _, n := range m.Names {
		names = append(names, clip(n))
	}
	return dnsList(names)
}

func judgeBIMILogoDiffers(e *gather.Evidence) []Verdict {
	r := e.BIMI
	refs, m := bimiDocumentRefs(r.Evidence), r.Mark
	if m == nil || m.Leaf == nil {
		status := NotApplicable
		if bimiServed(r.Evidence).Status == Unknown {
			status = Unknown
		}
		return []Verdict{{Status: status, Evidence: refs, Message: "no mark certificate was seen (bimi-certificate)"}}
	}
	for _, p := range m.Problems {
		switch p.Code {
		case bimi.LogotypeMissing, bimi.LogotypeMalformed, bimi.LogotypeHash:
			return fail(Info, refs, "in the mark certificate %s", clip(p.Text))
		}
	}
	switch {
	case r.Logo == nil:
		return nil // the certificate's own logo is used
	case !r.Logo.Served():
		v := bimiServed(r.Logo)
		if v.Status == Fail {
			v.Status, v.Message = NotApplicable, "no logo came to compare (bimi-logo-fetch)"
		}
		return []Verdict{v}
	case !m.SameLogo(r.Logo.Page().Body):
		return fail(Info, append(refs, bimiDocumentRefs(r.Logo)...), "the file at %q is not the logo that the mark certificate holds", clip(r.Logo.URL))
	}
	return nil
}
