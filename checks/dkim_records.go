package checks

import (
	"fmt"
	"slices"

	"mxvet/internal/dkim"
	"mxvet/internal/gather"
)

// What breaks a key record as a text, so that no verifier comes to its key.
var dkimBroken = []dkim.Code{dkim.Syntax, dkim.Character, dkim.DuplicateTag}

// dkimRecordRules is about key records that verifiers cannot read.
func dkimRecordRules() []Rule {
	return []Rule{
		{
			ID: "dkim-record-multiple", Area: AreaDKIM, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "a DKIM selector has several records"}},
			Title: "a selector has one TXT record",
			Refs:  []string{"RFC 6376 section 3.6.2.2"},
			When:  dkimKeys,
			Judge: func(e *gather.Evidence) []Verdict {
				var out []Verdict
				for _, s := range e.DKIM.Selectors {
					switch {
					case s.Found && len(s.Records) > 1:
						out = append(out, dkimVerdict(s, Verdict{Status: Fail, Severity: High, Message: fmt.Sprintf("%d TXT records at %s: which one a verifier takes is chance, and separate records are never joined", len(s.Records), s.Owner)}))
					case s.Found:
						out = append(out, dkimVerdict(s, Verdict{Status: Pass}))
					case s.Named() && dkimSilent(s):
						status, why := dnsSilence(s.Owner+" TXT", s.Answer)
						out = append(out, dkimVerdict(s, Verdict{Status: status, Message: why}))
					}
				}
				return append(out, dkimUnseen(e, High)...)
			},
		},
		{
			ID: "dkim-syntax", Area: AreaDKIM, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "a DKIM record cannot be read"}},
			Title: "key records are well-formed lists of tags",
			Refs:  []string{"RFC 6376 section 3.2"},
			When:  dkimKeys,
			Judge: func(e *gather.Evidence) []Verdict {
				return dkimEach(e, High, func(_ dkim.Selector, k dkim.Key) Verdict { return dkimProblem(k, High, dkimBroken...) })
			},
		},
		{
			ID: "dkim-version", Area: AreaDKIM, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "receivers ignore a DKIM record"}},
			Title: "key records begin with v=DKIM1",
			Refs:  []string{"RFC 6376 section 3.6.1"},
			When:  dkimKeys,
			Judge: func(e *gather.Evidence) []Verdict {
				return dkimEach(e, High, func(_ dkim.Selector, k dkim.Key) Verdict {
					switch {
					case len(k.Tags) == 0:
						return dkimOtherwise("the record is no list of tags")
					case dkimHas(k, dkim.VersionLate, dkim.VersionUnknown):
						v := dkimProblem(k, High, dkim.VersionLate, dkim.VersionUnknown)
						v.Message += ": verifiers ignore the record"
						return v
					}
					return dkimProblem(k, Info, dkim.VersionMissing)
				})
			},
		},
		{
			ID: "dkim-key-type", Area: AreaDKIM, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "receivers ignore a DKIM record"}},
			Title: "key records name a key type that verifiers know",
			Refs:  []string{"RFC 6376 section 3.6.1", "RFC 8463 section 4.2"},
			When:  dkimKeys,
			Judge: func(e *gather.Evidence) []Verdict {
				return dkimEach(e, High, func(_ dkim.Selector, k dkim.Key) Verdict {
					if v := dkimProblem(k, High, dkim.TypeUnknown); v.Status == Fail {
						v.Message += ": verifiers ignore the record"
						return v
					}
					for _, p := range k.Problems {
						if p.Code == dkim.LetterCase && p.Tag == "k" {
							return Verdict{Status: Fail, Severity: Low, Message: p.Text + ": some verifiers compare exactly"}
						}
					}
					return Verdict{Status: Pass}
				})
			},
		},
		{
			ID: "dkim-key-truncated", Area: AreaDKIM, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "a DKIM key is cut off"}},
			Title: "no key is cut off",
			Refs:  []string{"RFC 6376 section 3.6.2.2"},
			When:  dkimKeys,
			Judge: func(e *gather.Evidence) []Verdict {
				return dkimEach(e, High, func(_ dkim.Selector, k dkim.Key) Verdict {
					v := dkimProblem(k, High, dkim.KeyTruncated)
					if v.Status == Fail {
						v.Message = "the key is cut off: " + v.Message
					}
					return v
				})
			},
		},
		{
			ID: "dkim-key-invalid", Area: AreaDKIM, Severity: Critical,
			Bears: []Bearing{
				{On: Forgery, From: Critical, Weight: Breaks, Words: "a DKIM record publishes the private key"},
				{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "a DKIM key cannot be used"},
			},
			Title: "key records hold a readable public key",
			Refs:  []string{"RFC 6376 sections 3.6.1 and 6.1.2", "RFC 8463 section 4.2"},
			When:  dkimKeys,
			Judge: func(e *gather.Evidence) []Verdict { return dkimEach(e, High, judgeDKIMKey) },
		},
		{
			ID: "dkim-revoked", Area: AreaDKIM, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "a DKIM key in use is revoked"}},
			Title: "no selector in use is revoked",
			Refs:  []string{"RFC 6376 sections 3.6.1 and 6.1.2"},
			When:  dkimKeys,
			Judge: func(e *gather.Evidence) []Verdict {
				return append(dkimJudged(e, High, func(s dkim.Selector, k dkim.Key) Verdict {
					switch {
					case k.Revoked() && s.Named():
						return Verdict{Status: Fail, Severity: High, Message: "the key of a selector that was named is revoked (p= is empty): signatures made with it fail"}
					case k.Revoked():
						return Verdict{Status: Fail, Severity: Info, Message: "the key of a selector that nobody named is revoked (p= is empty): in order if it is an old one"}
					}
					return Verdict{Status: Pass}
				}), dkimUnseen(e, Info)...)
			},
		},
		{
			ID: "dkim-unknown-tag", Area: AreaDKIM, Severity: Info,
			Title: "key records hold only tags and values that mean something",
			Refs:  []string{"RFC 6376 section 3.6.1"},
			When:  dkimKeys,
			Judge: func(e *gather.Evidence) []Verdict {
				return dkimEach(e, Info, func(_ dkim.Selector, k dkim.Key) Verdict {
					return dkimProblem(k, Info, dkim.UnknownTag, dkim.UnknownFlag, dkim.HashUnknown)
				})
			},
		},
	}
}

// judgeDKIMKey judges the p tag, unless another rule tells why there is no key to
// be read.
func judgeDKIMKey(_ dkim.Selector, k dkim.Key) Verdict {
	switch {
	case k.Has(dkim.KeyPrivate):
		v := dkimProblem(k, Critical, dkim.KeyPrivate)
		v.Message += ": whoever reads it can sign as the domain"
		return v
	case k.Has(dkim.KeyMissing) && dkimHas(k, dkim.Syntax):
		return dkimOtherwise("the record is no list of tags")
	case k.Has(dkim.KeyTruncated):
		return dkimOtherwise("the key is cut off")
	case k.Revoked():
		return dkimOtherwise("the key is revoked")
	case k.Has(dkim.TypeUnknown):
		return dkimOtherwise("the key type is unknown")
	}
	hard := []dkim.Code{dkim.KeyMissing, dkim.KeyBase64, dkim.KeyInvalid, dkim.KeyMismatch, dkim.Ed25519Length, dkim.Ed25519DER}
	if v := dkimProblem(k, High, hard...); v.Status == Fail {
		v.Message += ": no signature can be verified with it"
		return v
	}
	if v := dkimProblem(k, Low, dkim.KeyPadding, dkim.KeyEncoding); v.Status == Fail {
		v.Message += ": strict verifiers refuse the key"
		return v
	}
	return Verdict{Status: Pass}
}

// dkimUseRules is about what a readable key may be used for.
func dkimUseRules() []Rule {
	return []Rule{
		{
			ID: "dkim-hash", Area: AreaDKIM, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "a DKIM key permits no hash that counts"}},
			Title: "key records permit SHA-256 and no weaker hash",
			Refs:  []string{"RFC 8301 section 3.1", "RFC 6376 section 6.1.2"},
			When:  dkimKeys,
			Judge: func(e *gather.Evidence) []Verdict {
				return dkimEach(e, High, func(_ dkim.Selector, k dkim.Key) Verdict {
					if v := dkimProblem(k, High, dkim.HashNoSHA256); v.Status == Fail {
						v.Message += ": signatures with the only hash that verifiers accept do not count"
						return v
					}
					return dkimProblem(k, Low, dkim.HashSHA1)
				})
			},
		},
		{
			ID: "dkim-service", Area: AreaDKIM, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "a DKIM key is not for e-mail"}},
			Title: "keys may be used for e-mail",
			Refs:  []string{"RFC 6376 section 3.6.1", "RFC 8460 section 3"},
			When:  dkimKeys,
			Judge: func(e *gather.Evidence) []Verdict {
				return dkimEach(e, High, func(_ dkim.Selector, k dkim.Key) Verdict {
					if slices.Equal(k.Services, []string{"tlsrpt"}) {
						return Verdict{Status: Pass, Message: "a key for TLS reports only"}
					}
					return dkimProblem(k, High, dkim.ServiceNotEmail)
				})
			},
		},
		{
			ID: "dkim-testing", Area: AreaDKIM, Severity: Medium,
			Title: "no key is marked as a test",
			Refs:  []string{"RFC 6376 section 3.6.1"},
			When:  dkimKeys,
			Judge: func(e *gather.Evidence) []Verdict {
				return dkimEach(e, Medium, func(_ dkim.Selector, k dkim.Key) Verdict {
					v := dkimProblem(k, Medium, dkim.Testing)
					if v.Status == Fail {
						v.Message += ", so verifiers may treat signed mail as unsigned"
					}
					return v
				})
			},
		},
		{
			ID: "dkim-strict-flag", Area: AreaDKIM, Severity: Info,
			Title: "keys may not be used for subdomains",
			Refs:  []string{"RFC 6376 section 3.6.1"},
			When:  dkimKeys,
			Judge: func(e *gather.Evidence) []Verdict {
				return dkimEach(e, Info, func(_ dkim.Selector, k dkim.Key) Verdict {
					if k.Bits == 0 {
						return dkimOtherwise("there is no readable key")
					}
					return dkimProblem(k, Info, dkim.NotStrict)
				})
			},
		},
	}
}
