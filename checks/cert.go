package checks

import (
	"crypto/x509"
	"slices"

	"mxvet/internal/gather"
	"mxvet/internal/smtp"
	"mxvet/internal/wire"
)

// Rules about the certificates that the mail hosts show on port 25. Few senders
// look at them there unless MTA-STS or DANE makes them: what breaks mail under
// an MTA-STS policy is rule mtasts-cert, these tell what is wrong with the
// certificate as such. cert_time.go, cert_trust.go, cert_name.go and cert_key.go
// have them by question.
func certRules() []Rule {
	return slices.Concat(certTimeRules(), certTrustRules(), certNameRules(), certKeyRules())
}

// judgeLeaf judges each server certificate that came, also where the handshake
// failed afterwards.
func judgeLeaf(e *gather.Evidence, judge func(conversation, *wire.TLS, *x509.Certificate) Verdict) []Verdict {
	return judgeOffer(e, func(c conversation, f *smtp.Features) Verdict {
		t := c.Addr.Session.TLS
		if t == nil || len(t.Chain) == 0 {
			status, why := c.noTLS(f)
			if status == "" {
				status, why = Unknown, "no certificate came"
			}
			return Verdict{Status: status, Message: why}
		}
		leaf := t.Leaf()
		if leaf == nil {
			return Verdict{Status: Unknown, Message: "the certificate cannot be read"}
		}
		return judge(c, t, leaf)
	})
}

// selfIssued reports a certificate that names itself as its issuer. Nobody
// stands behind it but itself, so nothing in it is worth a second finding.
func selfIssued(c *x509.Certificate) bool {
	return string(c.RawIssuer) == string(c.RawSubject)
}
