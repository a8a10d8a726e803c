package dkim

import (
	"context"
	"slices"
	"strings"

	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// Where a selector comes from.
const (
	SourceUser     = "user"     // named for this run
	SourceConfig   = "config"   // named in the configuration
	SourceMessage  = "message"  // seen in a signature
	SourceZone     = "zone"     // a name of the zone text that is audited
	SourceProvider = "provider" // usual at a provider that was detected
	SourceCommon   = "common"   // usual anywhere
)

// A Candidate is a selector to ask for.
type Candidate struct {
	Selector string
	Source   string // one of the Source constants
	Provider string // provider id, "" unless the source is SourceProvider
}

// A Record is one TXT record read as a key record.
type Record struct {
	Strings []string // as published
	Text    string   // the strings joined (RFC 6376 section 3.6.2.2)
	Key     Key
}

// A Selector is what was found at one selector.
type Selector struct {
	Name, Source, Provider string

	Owner   string // the full name that was asked
	Ref     wire.Ref
	Answer  wire.Answer
	Invalid string // why the name cannot be asked; Answer is empty then

	Chain    []string // targets of the alias, in order; nil without one
	Dangling bool     // an alias whose target does not exist or holds no TXT record
	Records  []Record // all TXT records; more than one is an error of the owner
	Wildcard bool     // the answer is the one that any name gets
	Doubtful bool     // a key at a guessed name, where no answer tells it from a wildcard's
	Found    bool     // a key record, or any record where the selector was named
}

// Named reports that somebody who knows says the selector is in use, so that its
// absence is a finding. A guess that finds nothing is none. A name of the zone text
// is in use too, unless all it says is that the key is revoked, as of old ones.
func (s Selector) Named() bool {
	if s.Source == SourceZone {
		return len(s.Records) == 0 || slices.ContainsFunc(s.Records, func(r Record) bool { return !r.Key.Revoked() })
	}
	return s.Source == SourceUser || s.Source == SourceConfig || s.Source == SourceMessage
}

// Usable reports that the selector has one record, with a key that verifiers can use.
func (s Selector) Usable() bool { return s.Found && len(s.Records) == 1 && s.Records[0].Key.Usable() }

// Missing reports proof that there is no TXT record.
func (s Selector) Missing() bool { return s.Invalid == "" && s.Answer.Missing("TXT") }

// A Result is everything about the keys of one domain.
type Result struct {
	Domain    string
	Base      Selector   // _domainkey itself; Name is ""
	Control   Selector   // a name that nobody chose: what it gets, every name gets
	ADSP      Selector   // _adsp._domainkey (RFC 5617, historic)
	Selectors []Selector // in the order of the candidates

	OldPolicies  []string // texts at _domainkey that are DomainKeys policies (RFC 4870)
	ADSPPolicies []string // texts at _adsp._domainkey that are ADSP records
}

// Lookup asks for all candidates, for _domainkey, for the control and for what
// older standards left, all at once. Control is a label that no operator would
// choose; it tells wildcards from keys. Candidates that differ only in case are
// asked once, the first one counts.
func Lookup(ctx context.Context, src wire.Source, domain string, candidates []Candidate, control string) *Result {
	r := &Result{Domain: strings.ToLower(strings.TrimSuffix(domain, "."))}
	base := "_domainkey." + r.Domain
	r.Base = Selector{Owner: base}
	r.Control = Selector{Name: control, Owner: control + "." + base}
	r.ADSP = Selector{Name: "_adsp", Owner: "_adsp." + base}

	seen := map[string]bool{}
	for _, c := range candidates {
		name := strings.ToLower(strings.TrimSuffix(c.Selector, "."))
		if seen[name] {
			continue
		}
		seen[name] = true
		s := Selector{Name: name, Source: c.Source, Provider: c.Provider, Owner: name + "." + base}
		s.Invalid = invalid(name, s.Owner)
		r.Selectors = append(r.Selectors, s)
	}

	var wg together.Group
	for _, s := range []*Selector{&r.Base, &r.Control, &r.ADSP} {
		wg.Go(func() { s.ask(ctx, src) })
	}
	for i := range r.Selectors {
		if s := &r.Selectors[i]; s.Invalid == "" {
			wg.Go(func() { s.ask(ctx, src) })
		}
	}
	wg.Wait()

	open := r.MayHaveWildcard()
	for i := range r.Selectors {
		s := &r.Selectors[i]
		s.Wildcard = s.sameAs(r.Control)
		guessed := !s.Named() && slices.ContainsFunc(s.Records, func(rec Record) bool { return rec.Key.LooksLikeKey() })
		s.Doubtful = guessed && open
		s.Found = len(s.Records) > 0 && s.Named() || guessed && !open && !s.Wildcard
	}
	r.ADSP.Wildcard = r.ADSP.sameAs(r.Control)
	r.leftovers()
	return r
}

// MayHaveWildcard reports that nothing rules out a wildcard below _domainkey: the
// control had no answer, and no name there is denied (RFC 4592 section 2.2.1).
func (r *Result) MayHaveWildcard() bool {
	return !r.Control.Answer.OK() && !slices.ContainsFunc(r.Selectors, func(s Selector) bool {
		return s.Invalid == "" && s.Answer.OK() && s.Answer.NXDomain() && len(s.Chain) == 0
	})
}

// invalid says why a selector cannot be a name. Underscores are no part of the
// grammar (RFC 6376 section 3.1) but occur.
func invalid(name, owner string) string {
	if len(owner) > 253 {
		return "the name is longer than 253 octets"
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return "a label has not 1 to 63 octets"
		}
		if strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return "only letters, digits, hyphens and underscores can be in a selector"
		}
	}
	return ""
}

func (s *Selector) ask(ctx context.Context, src wire.Source) {
	q := wire.Question{Name: s.Owner, Type: "TXT"}
	s.Ref = q.Ref()
	s.Answer = src.DNS(ctx, q)
	s.Chain = s.Answer.Chain(s.Owner)
	for _, parts := range s.Answer.TXTStrings() {
		text := strings.Join(parts, "")
		s.Records = append(s.Records, Record{parts, text, Parse(text)})
	}
	s.Dangling = len(s.Chain) > 0 && s.Answer.Missing("TXT")
}

// sameAs reports that two names got the same answer: the same texts, or the same
// alias into nothing. Nothing at all is no answer.
func (s Selector) sameAs(control Selector) bool {
	if !s.Answer.OK() || !control.Answer.OK() || len(s.Records) != len(control.Records) {
		return false
	}
	if len(s.Records) == 0 {
		return len(s.Chain) > 0 && len(control.Chain) > 0 && s.Chain[len(s.Chain)-1] == control.Chain[len(control.Chain)-1]
	}
	return slices.Equal(texts(s), texts(control))
}

func texts(s Selector) []string {
	var out []string
	for _, rec := range s.Records {
		out = append(out, rec.Text)
	}
	slices.Sort(out)
	return out
}

func (r *Result) leftovers() {
	if !r.Base.sameAs(r.Control) {
		for _, rec := range r.Base.Records {
			if policy(rec.Key) {
				r.OldPolicies = append(r.OldPolicies, rec.Text)
			}
		}
	}
	if !r.ADSP.Wildcard {
		for _, rec := range r.ADSP.Records {
			if _, ok := rec.Key.Tag("dkim"); ok {
				r.ADSPPolicies = append(r.ADSPPolicies, rec.Text)
			}
		}
	}
}

// policy recognises the policy record of DomainKeys: tags o (outbound signing),
// r (reports), t (testing), n (notes), and no key.
func policy(k Key) bool {
	if k.LooksLikeKey() {
		return false
	}
	return slices.ContainsFunc(k.Tags, func(t Tag) bool { return t.Name == "o" || t.Name == "r" || t.Name == "t" && t.Value == "y" })
}

// Found gives the selectors at which there is something to judge.
func (r *Result) Found() []Selector {
	var out []Selector
	for _, s := range r.Selectors {
		if s.Found {
			out = append(out, s)
		}
	}
	return out
}

// Whether keys can exist below a domain.
const (
	ExistYes     = "yes"     // there is one
	ExistMaybe   = "maybe"   // _domainkey exists: something lies below it
	ExistNo      = "no"      // _domainkey does not exist, so nothing can lie below it (RFC 8020)
	ExistUnknown = "unknown" // no answer, or answers that contradict each other
)

// CanExist draws the conclusion from the answers for _domainkey, the control and
// the selectors. NXDOMAIN for _domainkey rules keys out, unless the server is
// seen to break the rule, or a name below is not known: some servers deny names
// that only have others below them.
func (r *Result) CanExist() string {
	if len(r.Found()) > 0 {
		return ExistYes
	}
	switch {
	case !r.Base.Answer.OK():
		return ExistUnknown
	case !r.Base.Answer.NXDomain() || len(r.Base.Chain) > 0:
		return ExistMaybe
	case r.BrokenDenial(), r.Unheard() != nil:
		return ExistUnknown
	}
	return ExistNo
}

// Unheard returns the first name below _domainkey that was asked without an
// answer, nil where there is none. While _domainkey is denied, an answer there
// could show the denial to be wrong.
func (r *Result) Unheard() *Selector {
	for i := range r.Selectors {
		if s := &r.Selectors[i]; s.Invalid == "" && !s.Answer.OK() {
			return s
		}
	}
	return nil
}

// BrokenDenial reports that _domainkey is said not to exist while a name below it
// does: the server denies empty non-terminals.
func (r *Result) BrokenDenial() bool {
	if !r.Base.Answer.NXDomain() || len(r.Base.Chain) > 0 {
		return false
	}
	exists := func(s Selector) bool {
		return s.Invalid == "" && s.Answer.OK() && (!s.Answer.NXDomain() || len(s.Chain) > 0)
	}
	return exists(r.Control) || exists(r.ADSP) || slices.ContainsFunc(r.Selectors, exists)
}

// WildcardKeys gives the key records that any name under _domainkey gets.
func (r *Result) WildcardKeys() []Record {
	var out []Record
	for _, rec := range r.Control.Records {
		if rec.Key.LooksLikeKey() {
			out = append(out, rec)
		}
	}
	return out
}

// A KeyGroup is one key at several selectors.
type KeyGroup struct {
	Fingerprint string
	Selectors   []string
}

// SameKey gives the keys that lie at more than one selector. Answers of a
// wildcard do not count.
func (r *Result) SameKey() []KeyGroup {
	var out []KeyGroup
	for _, s := range r.Selectors {
		if !s.Found || s.Wildcard {
			continue
		}
		for _, rec := range s.Records {
			print := rec.Key.Fingerprint
			if print == "" {
				continue
			}
			i := slices.IndexFunc(out, func(g KeyGroup) bool { return g.Fingerprint == print })
			if i < 0 {
				out = append(out, KeyGroup{print, []string{s.Name}})
			} else if !slices.Contains(out[i].Selectors, s.Name) {
				out[i].Selectors = append(out[i].Selectors, s.Name)
			}
		}
	}
	return slices.DeleteFunc(out, func(g KeyGroup) bool { return len(g.Selectors) < 2 })
}

// SharedPrimes gives the pairs of selectors whose RSA keys have a prime in
// common. The first 20 keys are compared.
func (r *Result) SharedPrimes() [][2]string {
	type named struct {
		name string
		key  Key
	}
	var keys []named
	for _, s := range r.Found() {
		for _, rec := range s.Records {
			if rec.Key.modulus != nil && len(keys) < 20 {
				keys = append(keys, named{s.Name, rec.Key})
			}
		}
	}
	var out [][2]string
	for i, a := range keys {
		for _, b := range keys[i+1:] {
			if SharedPrime(a.key, b.key) {
				out = append(out, [2]string{a.name, b.name})
			}
		}
	}
	return out
}
