package checks

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"

	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

func certKeyRules() []Rule {
	return []Rule{
		{
			ID: "cert-key", Area: AreaTLS, Severity: High,
			Bears: []Bearing{{On: Transit, From: High, Weight: Partly, Words: "a certificate has a weak key"}},
			Title: "the certificates have strong keys",
			Refs:  []string{"RFC 9325 section 4.5", "NCSC-NL guideline for TLS 2025-05"},
			When:  needsSMTP,
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeLeaf(e, func(_ conversation, t *wire.TLS, leaf *x509.Certificate) Verdict {
					v := judgeKey(leaf)
					for _, c := range t.Certs() {
						// The keys of the authorities are theirs to choose, unless they are broken.
						if above := judgeKey(c); !c.Equal(leaf) && !selfIssued(c) && above.Status == Fail && above.Severity == High && v.Severity != High {
							v = above
							v.Message = fmt.Sprintf("the intermediate %q: %s", nameOf(c.Subject.CommonName, c.Subject.String()), v.Message)
						}
					}
					return v
				})
			},
		},
		{
			ID: "cert-key-known", Area: AreaTLS, Severity: Critical,
			Bears: []Bearing{
				{On: Transit, From: Critical, Weight: Breaks, Words: "the private key of its certificates is published"},
				{On: Transit, From: High, Weight: Partly, Words: "the private key of a certificate is published"},
			},
			Title: "nobody else has the certificates' keys",
			Refs:  []string{"RFC 9500 section 3", "practice"},
			When:  needsSMTP,
			Judge: judgeKnownKey,
		},
	}
}

// judgeKnownKey is milder where another host has a key of its own: then only part
// of the mail lies open.
func judgeKnownKey(e *gather.Evidence) []Verdict {
	out := judgeLeaf(e, func(_ conversation, _ *wire.TLS, leaf *x509.Certificate) Verdict {
		sum := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
		if from, known := publishedKeys[hex.EncodeToString(sum[:])]; known {
			return Verdict{Status: Fail, Severity: Critical, Message: "its private key is published: " + from}
		}
		return Verdict{Status: Pass}
	})
	if slices.ContainsFunc(out, func(v Verdict) bool { return v.Status == Pass }) {
		for i := range out {
			if out[i].Status == Fail {
				out[i].Severity = High
			}
		}
	}
	return out
}

// judgeKey judges the size of a public key.
func judgeKey(c *x509.Certificate) Verdict {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		switch bits := key.N.BitLen(); {
		case bits < 2048:
			return Verdict{Status: Fail, Severity: High, Message: fmt.Sprintf("its RSA key has %d bits, at least 2048 are needed", bits)}
		case bits < 3072:
			return Verdict{Status: Fail, Severity: Info, Message: fmt.Sprintf("its RSA key has %d bits: good for now, 3072 or P-256 for the years to come", bits)}
		default:
			return Verdict{Status: Pass, Message: fmt.Sprintf("RSA, %d bits", bits)}
		}
	case *ecdsa.PublicKey:
		if name := key.Params().Name; !slices.Contains([]string{"P-256", "P-384", "P-521"}, name) {
			return Verdict{Status: Fail, Severity: Low, Message: "its key is on the curve " + name + ", which few accept: P-256 or P-384 is the choice"}
		}
		return Verdict{Status: Pass, Message: "ECDSA, " + key.Params().Name}
	case ed25519.PublicKey:
		return Verdict{Status: Pass, Message: "Ed25519"}
	}
	return Verdict{Status: Unknown, Message: "keys of the type " + c.PublicKeyAlgorithm.String() + " are not judged"}
}

// publishedKeys are keys from documents and source code that end up on servers
// by copying an example, by the SHA-256 of their SubjectPublicKeyInfo. It is no
// search for leaked keys: those number in the millions.
var publishedKeys = map[string]string{
	"8fb6bad671cfe698393c453357da61b56d757ab8c0f3fb9c87f2849e63131878": "testRSA2048 of RFC 9500",
	"b2b04340cfaee616ec9c2c62d261b208e54bb197498df52e8cadede23ac0ba5e": "testECCP256 of RFC 9500",
	"c4c10105a0be0ed4dd3354428dc38a9bfee64da141ce16e75c94eda272f9dd3a": "testECCP384 of RFC 9500",
	"acb1b8327fef995e2458fdf5e3c33b2dc0749feabd6a894cb9bda9d70ac06c24": "testECCP521 of RFC 9500",
	"389f9ede520dbc33d2aebc489246ad89e221d1ec15f693c348c58b08219367aa": "the test server of Go's net/http",
	"226acd9b52f5731987d46521bbe02fa88045f9eb0c4a262690022d23cbb5eef2": "the example of Go's crypto/tls",
}
