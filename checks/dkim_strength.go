package checks

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/dkim"
	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// Lengths of RSA keys, in bits. Under the first a key can be factored by anybody
// who wants to; verifiers need not support keys over the last.
const (
	dkimShort  = 1024
	dkimUsual  = 2048
	dkimLonger = 4096
)

// dkimStrengthRules is about whether somebody else could sign with a key.
func dkimStrengthRules() []Rule {
	rsa := func(judge func(bits int) Verdict) func(dkim.Selector, dkim.Key) Verdict {
		return func(_ dkim.Selector, k dkim.Key) Verdict {
			if k.Type != dkim.RSA || k.Bits == 0 {
				return dkimOtherwise("there is no readable RSA key")
			}
			return judge(k.Bits)
		}
	}
	return []Rule{
		{
			ID: "dkim-key-short", Area: AreaDKIM, Severity: Critical,
			Bears: []Bearing{
				{On: Forgery, From: Critical, Weight: Decides, Words: "a DKIM key is short enough to be broken"},
				{On: Forgery, From: High, Weight: Breaks, Words: "a DKIM key is short enough to be broken"},
				{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "a DKIM key is too short to count"},
			},
			Title: "RSA keys have 1024 bits or more",
			Refs:  []string{"RFC 8301 section 3.2"},
			When:  dkimFound,
			Judge: func(e *gather.Evidence) []Verdict {
				return dkimEach(e, Critical, rsa(func(bits int) Verdict {
					if bits < dkimShort {
						return Verdict{Status: Fail, Severity: Critical, Message: fmt.Sprintf("an RSA key of %d bits, less than %d: it can be broken, and verifiers refuse it", bits, dkimShort)}
					}
					return Verdict{Status: Pass}
				}))
			},
		},
		{
			ID: "dkim-key-1024", Area: AreaDKIM, Severity: Medium,
			Title: "RSA keys have 2048 bits or more",
			Refs:  []string{"RFC 8301 section 3.2"},
			When:  dkimFound,
			Judge: func(e *gather.Evidence) []Verdict {
				return dkimEach(e, Medium, rsa(func(bits int) Verdict {
					switch {
					case bits < dkimShort:
						return dkimOtherwise(fmt.Sprintf("the key has less than %d bits", dkimShort))
					case bits < dkimUsual:
						return Verdict{Status: Fail, Severity: Medium, Message: fmt.Sprintf("an RSA key of %d bits, where %d are recommended", bits, dkimUsual)}
					}
					return Verdict{Status: Pass}
				}))
			},
		},
		{
			ID: "dkim-key-long", Area: AreaDKIM, Severity: Medium,
			Title: "RSA keys are not longer than verifiers need",
			Refs:  []string{"RFC 8301 section 3.2", "BSI TR-03182-03"},
			When:  dkimKeys,
			Judge: func(e *gather.Evidence) []Verdict {
				return dkimEach(e, Medium, rsa(func(bits int) Verdict {
					switch {
					case bits > dkimLonger:
						return Verdict{Status: Fail, Severity: Medium, Message: fmt.Sprintf("an RSA key of %d bits: verifiers need only support up to %d", bits, dkimLonger)}
					case bits > dkimUsual:
						return Verdict{Status: Fail, Severity: Info, Message: fmt.Sprintf("an RSA key of %d bits: %d are enough, and fit into a DNS answer more easily", bits, dkimUsual)}
					}
					return Verdict{Status: Pass}
				}))
			},
		},
		{
			ID: "dkim-exponent", Area: AreaDKIM, Severity: Medium,
			Title: "RSA keys have a usual public exponent",
			Refs:  []string{"RFC 6376 section 8.13", "RFC 8017 section 3.1"},
			When:  dkimFound,
			Judge: func(e *gather.Evidence) []Verdict {
				return dkimEach(e, Medium, func(_ dkim.Selector, k dkim.Key) Verdict {
					if k.Type != dkim.RSA || k.Bits == 0 {
						return dkimOtherwise("there is no readable RSA key")
					}
					v := dkimProblem(k, Medium, dkim.RSAExponent)
					if v.Status == Fail {
						v.Message += ", where 65537 is usual: verifiers refuse such keys, or the key is no secret"
					}
					return v
				})
			},
		},
		{
			ID: "dkim-key-known", Area: AreaDKIM, Severity: Critical,
			Bears: []Bearing{
				{On: Forgery, From: Critical, Weight: Decides, Words: "a DKIM key is publicly known"},
				{On: Forgery, From: High, Weight: Breaks, Words: "a DKIM key is publicly known"},
			},
			Title: "nobody else can know the private keys",
			Refs:  []string{"RFC 6376 section 8", "RFC 9500 section 2"},
			When:  dkimFound,
			Judge: func(e *gather.Evidence) []Verdict {
				shared := e.DKIM.SharedPrimes()
				silent := slices.IndexFunc(e.DKIM.Selectors, func(s dkim.Selector) bool { return s.Named() && dkimSilent(s) })
				return dkimEach(e, Critical, func(s dkim.Selector, k dkim.Key) Verdict {
					var why []string
					for _, w := range k.Weak {
						why = append(why, w.Text)
					}
					for _, pair := range shared {
						if i := slices.Index(pair[:], s.Name); i >= 0 && k.Type == dkim.RSA && k.Bits > 0 {
							why = append(why, "the key has a prime in common with that of selector "+pair[1-i]+", so both can be factored")
						}
					}
					switch {
					case len(why) > 0:
						return Verdict{Status: Fail, Severity: Critical, Message: "anybody can sign with this key: " + strings.Join(why, "; ")}
					case k.Bits == 0:
						return dkimOtherwise("there is no readable key")
					case k.Has(dkim.Limit):
						return Verdict{Status: Unknown, Severity: Critical, Message: fmt.Sprintf("an RSA key of %d bits was not tested: it is too long", k.Bits)}
					case silent >= 0 && k.Type == dkim.RSA:
						other := e.DKIM.Selectors[silent]
						status, why := dnsSilence(other.Owner+" TXT", other.Answer)
						return Verdict{Status: status, Severity: Critical, Message: "it could not be compared with the key of selector " + other.Name + ": " + why, Evidence: []wire.Ref{s.Ref, other.Ref}}
					}
					return Verdict{Status: Pass}
				})
			},
		},
	}
}
