package checks

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/dkim"
	"mxvet/internal/gather"
	"mxvet/internal/provider"
	"mxvet/internal/wire"
)

// dkimSetRules is about the keys of the domain together, and about what else
// answers below _domainkey.
func dkimSetRules() []Rule {
	return []Rule{
		{
			ID: "dkim-ed25519", Area: AreaDKIM, Severity: Medium,
			Title: "there are keys of both types, RSA and Ed25519",
			Refs:  []string{"RFC 8463 sections 5 and 6", "RFC 8301 section 3.1"},
			When:  dkimKeys,
			Judge: judgeDKIMEd25519,
		},
		{
			ID: "dkim-key-shared", Area: AreaDKIM, Severity: Low,
			Title: "every selector has a key of its own",
			Refs:  []string{"BSI TR-03182-03"},
			When:  dkimFound,
			Judge: func(e *gather.Evidence) []Verdict {
				var out []Verdict
				for _, g := range e.DKIM.SameKey() {
					v := Verdict{Key: g.Fingerprint, Status: Fail, Severity: Low}
					v.Message = fmt.Sprintf("the selectors %s hold the same key (fingerprint %.16s)", dnsList(g.Selectors), g.Fingerprint)
					for _, s := range e.DKIM.Selectors {
						if slices.Contains(g.Selectors, s.Name) {
							v.Evidence = append(v.Evidence, s.Ref)
						}
					}
					out = append(out, v)
				}
				for _, s := range e.DKIM.Selectors {
					if s.Named() && dkimSilent(s) {
						status, why := dnsSilence(s.Owner+" TXT", s.Answer)
						out = append(out, dkimVerdict(s, Verdict{Status: status, Severity: Low, Message: why}))
					}
				}
				return append(out, dkimUnseen(e, Low)...)
			},
		},
		{
			ID: "dkim-wildcard", Area: AreaDKIM, Severity: Low,
			Title: "no wildcard gives every selector a key",
			Refs:  []string{"RFC 6376 section 3.6.2.1", "RFC 4592 section 2.1.1"},
			When:  dnsExists,
			Judge: func(e *gather.Evidence) []Verdict {
				c := e.DKIM.Control
				refs := []wire.Ref{c.Ref}
				if dkimSilent(c) {
					status, why := dnsSilence(c.Owner+" TXT", c.Answer)
					return []Verdict{{Status: status, Evidence: refs, Message: why}}
				}
				revoked := false
				for _, r := range e.DKIM.WildcardKeys() {
					if r.Key.Usable() {
						return fail(Low, refs, "every name below _domainkey answers with the same usable key (%s), so a mistyped or retired selector goes unnoticed", dkimDescribe(r.Key))
					}
					revoked = revoked || r.Key.Revoked()
				}
				if revoked {
					return []Verdict{{Status: Pass, Evidence: refs, Message: "a wildcard says that every key is revoked"}}
				}
				return nil
			},
		},
		{
			ID: "dkim-no-mail", Area: AreaDKIM, Severity: Medium,
			Title: "a domain without mail has no usable key",
			Refs:  []string{"M3AAWG protecting parked domains", "RFC 6376 section 3.6.1"},
			When: func(e *gather.Evidence) (Status, string) {
				if e.Role.Name != gather.NoMail {
					return NotApplicable, "the domain uses mail: " + e.Role.Why
				}
				return dnsExists(e)
			},
			Judge: func(e *gather.Evidence) []Verdict {
				out := dkimEach(e, Medium, func(_ dkim.Selector, k dkim.Key) Verdict {
					if k.Usable() {
						return Verdict{Status: Fail, Severity: Medium, Message: "the domain does no mail, but has a usable key here (" + dkimDescribe(k) + ")"}
					}
					return Verdict{Status: Pass}
				})
				for _, r := range e.DKIM.WildcardKeys() {
					if r.Key.Usable() {
						return append(out, Verdict{
							Key: "*", Status: Fail, Severity: Medium, Evidence: []wire.Ref{e.DKIM.Control.Ref},
							Message: "the domain does no mail, but every selector has a usable key (" + dkimDescribe(r.Key) + ")",
						})
					}
				}
				return out
			},
		},
		{
			ID: "dkim-leftover-policy", Area: AreaDKIM, Severity: Info,
			Title: "nothing is left of DomainKeys and ADSP",
			Refs:  []string{"RFC 5617 (historic)", "RFC 4870 (historic)"},
			When:  dnsExists,
			Judge: func(e *gather.Evidence) []Verdict {
				d := e.DKIM
				var out []Verdict
				for _, x := range []struct {
					at    dkim.Selector
					what  string
					texts []string
				}{{d.Base, "DomainKeys", d.OldPolicies}, {d.ADSP, "ADSP", d.ADSPPolicies}} {
					v := Verdict{Subject: x.at.Owner, Status: Pass, Evidence: []wire.Ref{x.at.Ref}}
					switch {
					case len(x.texts) > 0:
						v.Status, v.Severity, v.Message = Fail, Info, fmt.Sprintf("%q is a policy of %s, which nobody reads any more", dnsShort(x.texts[0]), x.what)
					case dkimSilent(x.at):
						v.Status, v.Message = dnsSilence(x.at.Owner+" TXT", x.at.Answer)
					}
					out = append(out, v)
				}
				return out
			},
		},
	}
}

func dkimDescribe(k dkim.Key) string {
	if k.Type == dkim.Ed25519 {
		return "Ed25519"
	}
	return fmt.Sprintf("RSA, %d bits", k.Bits)
}

// judgeDKIMEd25519 looks at the types of all keys that can be read. RSA is what
// every verifier knows; Ed25519 is the smaller and stronger addition.
func judgeDKIMEd25519(e *gather.Evidence) []Verdict {
	var rsa, ed []string
	named, silent := false, ""
	var refs []wire.Ref
	for _, s := range e.DKIM.Selectors {
		if s.Named() && dkimSilent(s) {
			silent, refs = s.Owner, append(refs, s.Ref)
		}
		if !s.Found {
			continue
		}
		for _, r := range dkimRead(s) {
			if r.Key.Bits == 0 {
				continue
			}
			refs = append(refs, s.Ref)
			if r.Key.Type == dkim.Ed25519 {
				ed = append(ed, s.Name)
				named = named || s.Named()
			} else {
				rsa = append(rsa, s.Name)
			}
		}
	}
	switch {
	case silent != "" && (len(rsa) == 0 || len(ed) == 0):
		return []Verdict{{Status: Unknown, Severity: Info, Evidence: refs, Message: "the lookup of " + silent + " gave no answer, so the types of all keys are not known"}}
	case len(rsa) == 0 || len(ed) == 0:
		if open := dkimUnseen(e, Info); open != nil {
			return open
		}
	}
	switch {
	case len(rsa)+len(ed) == 0:
		return []Verdict{{Status: NotApplicable, Message: "there is no readable key"}}
	case len(rsa) == 0 && named:
		return fail(Medium, refs, "the only keys known are of type Ed25519 (%s), which many receivers cannot verify: signers must use RSA too", dnsList(ed))
	case len(rsa) == 0:
		return fail(Info, refs, "the only keys that were found are of type Ed25519 (%s); there may be others", dnsList(ed))
	case len(ed) == 0:
		return fail(Info, refs, "no Ed25519 key is known beside the RSA keys (%s)", dnsList(rsa))
	}
	return nil
}

// judgeDKIMAlias follows the selectors that are aliases. One that leads nowhere
// has no key; one that leads to a name that anybody can register gives the key away.
func judgeDKIMAlias(e *gather.Evidence) []Verdict {
	var out []Verdict
	open := false // some alias may be a wildcard's
	for _, s := range e.DKIM.Selectors {
		if s.Named() && dkimSilent(s) {
			status, why := dnsSilence(s.Owner+" TXT", s.Answer)
			out = append(out, dkimVerdict(s, Verdict{Status: status, Severity: High, Message: why}))
			continue
		}
		if len(s.Chain) == 0 || s.Wildcard && !s.Named() {
			continue
		}
		if !s.Named() && e.DKIM.MayHaveWildcard() {
			open = true
			continue
		}
		end := s.Chain[len(s.Chain)-1]
		v := Verdict{Status: Pass, Message: "an alias of " + strings.Join(s.Chain, ", then ")}
		if p := provider.Default().ByDKIMTarget(end); p != nil {
			v.Message += " (" + p.Name + ")"
		}
		free := slices.IndexFunc(e.Registrations, func(r gather.Registration) bool {
			return r.Unregistered() && slices.Contains(r.Uses, gather.Use{Kind: gather.UseDKIM, Name: end})
		})
		switch {
		case !s.Dangling:
		case free >= 0:
			r := e.Registrations[free]
			v = Verdict{Status: Fail, Severity: Critical, Evidence: []wire.Ref{s.Ref, r.Ref}}
			v.Message = fmt.Sprintf("the selector is an alias of %s, and %s appears to be unregistered: whoever registers it can sign as the domain", end, r.Name)
		default:
			v = Verdict{Status: Fail, Severity: High, Message: fmt.Sprintf("the selector is an alias of %s, where there is no TXT record: signatures made with it cannot be verified", end)}
			if p := provider.Default().ByDKIMTarget(end); p != nil && !s.Named() {
				v.Severity = Info
				v.Message = fmt.Sprintf("the selector, which nobody named, is an alias of %s, where there is no key now: %s puts one there when it changes keys, so leave the alias", end, p.Name)
			} else if !s.Named() {
				v.Severity = Medium
				v.Message = fmt.Sprintf("the selector, which nobody named, is an alias of %s, where there is no TXT record", end)
			}
		}
		out = append(out, dkimVerdict(s, v))
		if i := slices.IndexFunc(e.Registrations, func(r gather.Registration) bool {
			return r.Answer.Fail != nil && slices.Contains(r.Uses, gather.Use{Kind: gather.UseDKIM, Name: end})
		}); s.Dangling && i >= 0 {
			r := e.Registrations[i]
			status, why := dnsSilence(r.Name+" NS", r.Answer)
			out = append(out, Verdict{
				Subject: s.Owner, Key: s.Name + " registration", Status: status, Severity: Critical, Evidence: []wire.Ref{s.Ref, r.Ref},
				Message: "whether anybody could register " + r.Name + ", and sign as the domain, is not known: " + why,
			})
		}
	}
	guesses := dkimUnseen(e, High)
	if c := e.DKIM.Control; open && guesses == nil {
		status, why := dnsSilence(c.Owner+" TXT", c.Answer)
		guesses = []Verdict{{Key: "*", Status: status, Severity: High, Evidence: []wire.Ref{c.Ref}, Message: "the aliases that were found may be a wildcard's: " + why}}
	}
	if out = append(out, guesses...); out == nil {
		return []Verdict{{Status: NotApplicable, Message: "no selector that was asked is an alias"}}
	}
	return out
}
