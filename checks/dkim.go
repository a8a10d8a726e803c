package checks

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/dkim"
	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// Rules about the DKIM keys of the domain. Selectors cannot be listed from
// outside: a guess that finds nothing is no finding.
func dkimRules() []Rule {
	return slices.Concat(dkimSelectorRules(), dkimRecordRules(), dkimUseRules(), dkimStrengthRules(), dkimSetRules(), dkimPointerRules())
}

// dkimSends guards the rules that only a sender's keys have to meet. The strength
// of a key matters for everybody: who breaks it can sign as the domain.
func dkimSends(e *gather.Evidence) (Status, string) {
	switch {
	case dnsMissing(e):
		return NotApplicable, "the domain does not exist"
	case !e.Role.Sends():
		return NotApplicable, "the domain sends no mail: " + e.Role.Why
	}
	return "", ""
}

// dkimFound guards the rules that judge keys, wherever they were found.
func dkimFound(e *gather.Evidence) (Status, string) {
	d := e.DKIM
	if len(d.Found()) > 0 || slices.ContainsFunc(d.Selectors, func(s dkim.Selector) bool { return s.Named() && dkimSilent(s) }) {
		return "", ""
	}
	if dnsMissing(e) {
		return NotApplicable, "the domain does not exist"
	}
	if len(dkimUnseen(e, "")) > 0 {
		return "", ""
	}
	return NotApplicable, "no DKIM key was found"
}

// dkimKeys guards the rules that judge keys with which mail is signed.
func dkimKeys(e *gather.Evidence) (Status, string) {
	if status, why := dkimSends(e); status != "" {
		return status, why
	}
	return dkimFound(e)
}

// dkimSilent reports that nothing is known about a selector.
func dkimSilent(s dkim.Selector) bool {
	return s.Invalid == "" && (!s.Answer.OK() || s.Answer.TCPFailed && len(s.Records) == 0)
}

// dkimAllSilent gives the first selector where no selector gave an answer, else nil.
func dkimAllSilent(d *dkim.Result) *dkim.Selector {
	var first *dkim.Selector
	for i := range d.Selectors {
		s := &d.Selectors[i]
		switch {
		case s.Invalid != "":
		case !dkimSilent(*s):
			return nil
		case first == nil:
			first = s
		}
	}
	return first
}

// dkimDoubt is the verdict on keys at guessed names that may be a wildcard's.
func dkimDoubt(d *dkim.Result) (Verdict, bool) {
	if !slices.ContainsFunc(d.Selectors, func(s dkim.Selector) bool { return s.Doubtful }) {
		return Verdict{}, false
	}
	status, why := dnsSilence(d.Control.Owner+" TXT", d.Control.Answer)
	return Verdict{Key: "*", Status: status, Evidence: []wire.Ref{d.Control.Ref}, Message: "the keys that were found may be a wildcard's: " + why}, true
}

// dkimNamed reports whether somebody who knows named a selector.
func dkimNamed(d *dkim.Result) bool { return slices.ContainsFunc(d.Selectors, dkim.Selector.Named) }

// dkimStated is dkimNamed without the names of the zone text that gave no answer:
// their keys may be revoked ones.
func dkimStated(d *dkim.Result) bool {
	return slices.ContainsFunc(d.Selectors, func(s dkim.Selector) bool {
		return s.Named() && (s.Source != dkim.SourceZone || !dkimSilent(s))
	})
}

// dkimZoneNone reports that the zone text shows all selectors, and that whatever it
// has there is no key, or a revoked one.
func dkimZoneNone(e *gather.Evidence) bool {
	return e.Options.ZoneKeysWhole && e.MoreSelectors == 0 && !dkimNamed(e.DKIM) && !slices.ContainsFunc(e.DKIM.Selectors, dkimSilent) && !dkimUsable(e.DKIM)
}

// dkimUsable reports that some selector has a key that verifiers can use.
func dkimUsable(d *dkim.Result) bool {
	return slices.ContainsFunc(d.Selectors, func(s dkim.Selector) bool {
		return slices.ContainsFunc(s.Records, func(r dkim.Record) bool { return r.Key.Usable() })
	})
}

// dkimRead gives the records of a selector that are worth judging: where keys and
// other texts stand side by side, the keys.
func dkimRead(s dkim.Selector) []dkim.Record {
	keys := slices.DeleteFunc(slices.Clone(s.Records), func(r dkim.Record) bool { return !r.Key.LooksLikeKey() })
	if len(keys) > 0 {
		return keys
	}
	return s.Records
}

// dkimEach gives one verdict for each selector at which there is something: the
// worst of those that judge gives for its records. A named selector of which
// nothing is known is unknown, and so are guessed ones, together; most is what a
// failure there would have cost.
func dkimEach(e *gather.Evidence, most Severity, judge func(dkim.Selector, dkim.Key) Verdict) []Verdict {
	return append(dkimJudged(e, most, judge), dkimUnseen(e, most)...)
}

// dkimJudged is dkimEach without the selectors that were guessed in vain.
func dkimJudged(e *gather.Evidence, most Severity, judge func(dkim.Selector, dkim.Key) Verdict) []Verdict {
	var out []Verdict
	for _, s := range e.DKIM.Selectors {
		switch {
		case s.Found:
			var all []Verdict
			for _, r := range dkimRead(s) {
				all = append(all, dkimVerdict(s, judge(s, r.Key)))
			}
			out = append(out, slices.MinFunc(all, Verdict.compare))
		case s.Named() && dkimSilent(s):
			status, why := dnsSilence(s.Owner+" TXT", s.Answer)
			out = append(out, dkimVerdict(s, Verdict{Status: status, Severity: most, Message: why}))
		}
	}
	return out
}

// dkimUnseen tells of keys that may be there and were not seen: of selectors that
// were named and not asked, and, in one verdict, where keys at guessed names are not
// known: a lookup had no answer, or nothing tells a key from a wildcard's. Most is
// what a fault of such a key would have cost; at guessed names it weighs high at
// most, as most of these hold no key.
func dkimUnseen(e *gather.Evidence, most Severity) []Verdict {
	d := e.DKIM
	i := slices.IndexFunc(d.Selectors, func(s dkim.Selector) bool { return !s.Named() && dkimSilent(s) })
	v, open := dkimDoubt(d)
	switch {
	case i >= 0:
		s := d.Selectors[i]
		status, why := dnsSilence(s.Owner+" TXT", s.Answer)
		v = dkimVerdict(s, Verdict{Status: status, Message: why})
	case !open:
		return boundSelectors(e, most)
	}
	v.Severity = most
	if most == Critical {
		v.Severity = High
	}
	return append(boundSelectors(e, most), v)
}

// dkimVerdict fills in what every verdict about a selector has.
func dkimVerdict(s dkim.Selector, v Verdict) Verdict {
	v.Subject, v.Key = s.Owner, s.Name
	if v.Evidence == nil && s.Ref != "" {
		v.Evidence = []wire.Ref{s.Ref}
	}
	return v
}

// dkimProblem fails for the first problem of a key that has one of the codes.
func dkimProblem(k dkim.Key, sev Severity, codes ...dkim.Code) Verdict {
	var texts []string
	for _, p := range k.Problems {
		if slices.Contains(codes, p.Code) && !slices.Contains(texts, p.Text) && len(texts) < 4 {
			texts = append(texts, p.Text)
		}
	}
	if texts == nil {
		return Verdict{Status: Pass}
	}
	return Verdict{Status: Fail, Severity: sev, Message: strings.Join(texts, "; ")}
}

// dkimHas reports any of the codes.
func dkimHas(k dkim.Key, codes ...dkim.Code) bool { return slices.ContainsFunc(codes, k.Has) }

// dkimOtherwise is the verdict on a key whose record is broken in a way that
// another rule tells.
func dkimOtherwise(why string) Verdict { return Verdict{Status: NotApplicable, Message: why} }

// dkimSelectorRules is about which keys there are at all.
func dkimSelectorRules() []Rule {
	return []Rule{
		{
			ID: "dkim-none", Area: AreaDKIM, Severity: Medium,
			Title: "the DNS does not rule out a DKIM key",
			Refs:  []string{"RFC 8020 section 2", "RFC 6376 section 3.6.2.1"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := dkimSends(e); status != "" {
					return status, why
				}
				if e.DKIM.CanExist() != dkim.ExistYes && dkimNamed(e.DKIM) {
					return NotApplicable, "selectors are known: they are judged one by one"
				}
				return "", ""
			},
			Judge: func(e *gather.Evidence) []Verdict {
				d := e.DKIM
				refs := []wire.Ref{d.Base.Ref}
				silent := slices.IndexFunc(d.Selectors, dkimSilent)
				switch exist := d.CanExist(); {
				case exist != dkim.ExistNo && e.Options.ZoneKeysWhole && !dkimStated(d) && !dkimUsable(d) && silent >= 0:
					s := d.Selectors[silent]
					status, why := dnsSilence(s.Owner+" TXT", s.Answer)
					return []Verdict{{Status: status, Evidence: append(refs, s.Ref), Message: why}}
				case exist != dkim.ExistNo && dkimZoneNone(e):
					have := "no selector"
					for _, s := range d.Found() {
						refs = append(refs, s.Ref)
						have = "none but revoked ones"
					}
					return fail(Medium, refs, "there is no DKIM key: the zone file has %[2]s below %[1]s, so mail goes out unsigned or cannot be verified", d.Base.Owner, have)
				case exist == dkim.ExistNo:
					return fail(Medium, refs, "there is no DKIM key: %s does not exist (NXDOMAIN), so neither does any name below it, and mail goes out unsigned or cannot be verified", d.Base.Owner)
				case exist == dkim.ExistUnknown:
					if d.BrokenDenial() {
						return unknown(refs, "%s is answered with NXDOMAIN, but names below it exist: the name servers' denials prove nothing", d.Base.Owner)
					}
					if s := d.Unheard(); s != nil && d.Base.Answer.OK() {
						status, why := dnsSilence(s.Owner+" TXT", s.Answer)
						return []Verdict{{Status: status, Evidence: append(refs, s.Ref), Message: why}}
					}
					status, why := dnsSilence(d.Base.Owner+" TXT", d.Base.Answer)
					return []Verdict{{Status: status, Evidence: refs, Message: why}}
				}
				return nil
			},
		},
		{
			ID: "dkim-selector-unknown", Area: AreaDKIM, Severity: Medium,
			Title: "a DKIM selector of the domain is known",
			Refs:  []string{"RFC 6376 section 3.1"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := dkimSends(e); status != "" {
					return status, why
				}
				switch {
				case len(e.DKIM.Found()) > 0:
				case dkimNamed(e.DKIM):
					return NotApplicable, "selectors are known: they are judged one by one"
				case e.DKIM.CanExist() == dkim.ExistNo || dkimZoneNone(e):
					return NotApplicable, "there is no DKIM key at all"
				}
				return "", ""
			},
			Judge: func(e *gather.Evidence) []Verdict {
				d := e.DKIM
				if len(d.Found()) > 0 {
					return nil
				}
				refs := []wire.Ref{d.Base.Ref}
				if s := dkimAllSilent(d); s != nil {
					status, why := dnsSilence(s.Owner+" TXT", s.Answer)
					return []Verdict{{Status: status, Evidence: append(refs, s.Ref), Message: why}}
				}
				if v, open := dkimDoubt(d); open {
					return []Verdict{v}
				}
				return unknown(refs, "no selector known: none of %d usual names has a key, which proves nothing; give one with --selector (it is the tag s= in the DKIM-Signature of a message)", len(d.Selectors))
			},
		},
		{
			ID: "dkim-selector-missing", Area: AreaDKIM, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "a DKIM selector in use has no key"}},
			Title: "every selector that was named has a key record",
			Refs:  []string{"RFC 6376 section 6.1.2"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := dkimSends(e); status != "" {
					return status, why
				}
				if !dkimNamed(e.DKIM) {
					return NotApplicable, "no selector is known to be in use"
				}
				return "", ""
			},
			Judge: func(e *gather.Evidence) []Verdict {
				var out []Verdict
				for _, s := range e.DKIM.Selectors {
					if !s.Named() {
						continue
					}
					v := Verdict{Status: Pass}
					switch {
					case s.Invalid != "":
						v = Verdict{Status: Fail, Severity: High, Message: fmt.Sprintf("%q can be no selector: %s", s.Name, s.Invalid)}
					case s.Dangling:
						v = dkimOtherwise("the selector is an alias that leads nowhere")
					case s.Missing():
						v = Verdict{Status: Fail, Severity: High, Message: s.Owner + " has no TXT record (" + dkimAbsence(s) + "): signatures made with it cannot be verified"}
					case dkimSilent(s):
						v.Status, v.Message = dnsSilence(s.Owner+" TXT", s.Answer)
					}
					out = append(out, dkimVerdict(s, v))
				}
				return append(out, boundSelectors(e, High)...)
			},
		},
		{
			ID: "dkim-alias", Area: AreaDKIM, Severity: Critical,
			Bears: []Bearing{
				{On: Forgery, From: Critical, Weight: Breaks, Words: "a DKIM alias leads to a domain that anyone can register"},
				{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "a DKIM selector leads nowhere"},
			},
			Title: "selectors that are aliases lead to a key",
			Refs:  []string{"RFC 6376 section 3.6.2.1", "RFC 1034 section 3.6.2"},
			Judge: judgeDKIMAlias,
		},
		{
			ID: "dkim-tcp-closed", Area: AreaDKIM, Severity: Medium,
			Title: "key records too long for UDP come over TCP",
			Refs:  []string{"RFC 6376 section 3.3.3", "RFC 7766 section 5"},
			When:  dkimFound,
			Judge: func(e *gather.Evidence) []Verdict {
				var out []Verdict
				for _, s := range e.DKIM.Selectors {
					switch closed := dnsTCPClosed(e, s.Owner, Medium); {
					case closed != nil:
						out = append(out, closed...)
					case s.Named() && s.Invalid == "" && (dkimSilent(s) || s.Answer.TCPFailed):
						status, why := dnsSilence(s.Owner+" TXT", s.Answer)
						out = append(out, dkimVerdict(s, Verdict{Status: status, Message: why}))
					case s.Found:
						out = append(out, dkimVerdict(s, Verdict{Status: Pass}))
					}
				}
				return append(out, dkimUnseen(e, Medium)...)
			},
		},
	}
}

func dkimAbsence(s dkim.Selector) string {
	if s.Answer.NXDomain() {
		return "there is no such name"
	}
	return "the name exists"
}
