package checks

import (
	"crypto/x509"
	"fmt"
	"slices"

	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

func certTrustRules() []Rule {
	return []Rule{
		{
			ID: "cert-untrusted", Area: AreaTLS, Severity: Low,
			Title: "the certificates come from a public authority",
			Refs:  []string{"RFC 8461 section 4.2"},
			When:  needsSMTP, Judge: judgeTrust,
		},
		{
			ID: "cert-chain", Area: AreaTLS, Severity: Medium,
			Title: "the servers send all intermediate certificates",
			Refs:  []string{"RFC 8461 section 4.2", "RFC 7672 section 3.1.2", "RFC 5246 section 7.4.2"},
			When:  needsSMTP,
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeLeaf(e, func(_ conversation, t *wire.TLS, leaf *x509.Certificate) Verdict {
					switch {
					case t.Trusted():
						return Verdict{Status: Pass}
					case weak(t) != nil:
						return Verdict{Status: NotApplicable, Message: "the chain breaks at a weak signature"}
					case verdictOf(t) == wire.TrustIncomplete:
						return Verdict{Status: Fail, Message: fmt.Sprintf("the certificate of the issuer, %q, is not sent, so no chain to a root can be built (%d sent)", nameOf(leaf.Issuer.CommonName, leaf.Issuer.String()), len(t.Chain))}
					case verdictOf(t) == wire.TrustNotApplicable:
						return Verdict{Status: Unknown, Message: "this machine has no root certificates to judge by"}
					case verdictOf(t) == wire.TrustUnknownRoot && !t.IssuerSent():
						return Verdict{Status: Unknown, Message: fmt.Sprintf("the issuer, %q, is neither sent nor known: its certificate may be missing, or it is no public authority", nameOf(leaf.Issuer.CommonName, leaf.Issuer.String()))}
					}
					return Verdict{Status: NotApplicable, Message: "the chain leads to no public authority"}
				})
			},
		},
		{
			ID: "cert-signature", Area: AreaTLS, Severity: High,
			Bears: []Bearing{{On: Transit, From: High, Weight: Partly, Words: "a certificate has a signature that can be forged"}},
			Title: "no certificate is signed with SHA-1 or MD5",
			Refs:  []string{"RFC 9325 section 4.5"},
			When:  needsSMTP,
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeLeaf(e, func(_ conversation, t *wire.TLS, _ *x509.Certificate) Verdict {
					if c := weak(t); c != nil {
						return Verdict{Status: Fail, Message: fmt.Sprintf("the certificate of %q is signed with %s", nameOf(c.Subject.CommonName, c.Subject.String()), c.SignatureAlgorithm)}
					}
					return Verdict{Status: Pass}
				})
			},
		},
		{
			ID: "cert-usage", Area: AreaTLS, Severity: Medium,
			Title: "the certificates are made for servers",
			Refs:  []string{"RFC 5280 section 4.2.1.9", "RFC 5280 section 4.2.1.12"},
			When:  needsSMTP,
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeLeaf(e, func(_ conversation, _ *wire.TLS, leaf *x509.Certificate) Verdict {
					switch {
					case selfIssued(leaf):
						return Verdict{Status: NotApplicable, Message: "it is self-signed"}
					case leaf.IsCA:
						return Verdict{Status: Fail, Message: "it is the certificate of an authority (CA:TRUE), not of a server"}
					case !forServers(leaf):
						return Verdict{Status: Fail, Message: "its extended key usage does not include server authentication"}
					}
					return Verdict{Status: Pass}
				})
			},
		},
	}
}

func judgeTrust(e *gather.Evidence) []Verdict {
	return judgeLeaf(e, func(_ conversation, t *wire.TLS, leaf *x509.Certificate) Verdict {
		if t.Trusted() {
			return Verdict{Status: Pass, Message: stores(t)}
		}
		issuer := nameOf(leaf.Issuer.CommonName, leaf.Issuer.String())
		switch verdictOf(t) {
		case wire.TrustNotApplicable:
			return Verdict{Status: Unknown, Message: "this machine has no root certificates to judge by"}
		case wire.TrustSelfSigned:
			return Verdict{Status: Fail, Message: fmt.Sprintf("it is self-signed, by %q", issuer)}
		}
		switch {
		case weak(t) != nil:
			return Verdict{Status: NotApplicable, Message: "the chain breaks at a weak signature"}
		case verdictOf(t) == wire.TrustIncomplete:
			return Verdict{Status: NotApplicable, Message: "an intermediate certificate is missing"}
		case verdictOf(t) == wire.TrustInvalid && (leaf.IsCA || !forServers(leaf)):
			return Verdict{Status: NotApplicable, Message: "it is not made for servers"}
		case verdictOf(t) == wire.TrustInvalid:
			return Verdict{Status: Fail, Message: fmt.Sprintf("the chain above it, from %q on, is expired or otherwise invalid", issuer)}
		}
		if !t.IssuerSent() {
			return Verdict{Status: Fail, Message: fmt.Sprintf("its issuer, %q, is neither sent nor known to Mozilla or this machine: the chain is incomplete, or the issuer is no public authority", issuer)}
		}
		return Verdict{Status: Fail, Message: fmt.Sprintf("it is signed by %q, which is no public authority", issuer)}
	})
}

// stores names the sets of roots that trust a chain, those of --ca-file counted
// with each.
func stores(t *wire.TLS) string {
	switch {
	case t.Mozilla != wire.Trusted && t.Mozilla != wire.TrustNotApplicable:
		return "this machine trusts the authority, Mozilla's list of public ones does not have it"
	case t.System != wire.Trusted && t.System != wire.TrustNotApplicable:
		return "Mozilla's list of public authorities has the authority, this machine does not"
	}
	return ""
}

// verdictOf gives Mozilla's verdict, which is the same everywhere, or the
// machine's where there is none.
func verdictOf(t *wire.TLS) string {
	if t.Mozilla == wire.TrustNotApplicable {
		return t.System
	}
	return t.Mozilla
}

// weak gives the first certificate below the root with a signature that can be
// forged, nil where there is none. A root's own signature counts for nothing.
func weak(t *wire.TLS) *x509.Certificate {
	broken := []x509.SignatureAlgorithm{x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1}
	for _, c := range t.Certs() {
		if !selfIssued(c) && slices.Contains(broken, c.SignatureAlgorithm) {
			return c
		}
	}
	return nil
}

// forServers reports that the extended key usage allows TLS servers. A
// certificate without the extension may be used for everything.
func forServers(c *x509.Certificate) bool {
	return len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 ||
		slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth) || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny)
}
