package checks

import (
	"crypto/x509"
	"fmt"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

func certNameRules() []Rule {
	return []Rule{
		{
			ID: "cert-name", Area: AreaTLS, Severity: Low,
			Title: "the certificates name the mail host",
			Refs:  []string{"RFC 8461 section 4.1", "RFC 9525 section 6"},
			When:  needsSMTP,
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeLeaf(e, func(c conversation, _ *wire.TLS, leaf *x509.Certificate) Verdict {
					switch {
					case wire.LeafNameOK(leaf, c.Host.Name):
						return Verdict{Status: Pass}
					case commonName(leaf, c.Host.Name):
						return Verdict{Status: NotApplicable, Message: "only its common name has the host"}
					case len(leaf.DNSNames) == 0:
						return Verdict{Status: Fail, Message: fmt.Sprintf("it has no alternative names, and its subject %q is not %s", nameOf(leaf.Subject.CommonName, leaf.Subject.String()), c.Host.Name)}
					}
					return Verdict{Status: Fail, Message: fmt.Sprintf("it is for %s, not for %s", someQuoted(leaf.DNSNames), c.Host.Name)}
				})
			},
		},
		{
			ID: "cert-name-cn", Area: AreaTLS, Severity: Medium,
			Title: "the certificates have the host among their alternative names",
			Refs:  []string{"RFC 8461 section 4.1", "RFC 9525 section 2"},
			When:  needsSMTP,
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeLeaf(e, func(c conversation, _ *wire.TLS, leaf *x509.Certificate) Verdict {
					if !wire.LeafNameOK(leaf, c.Host.Name) && commonName(leaf, c.Host.Name) {
						return Verdict{Status: Fail, Message: fmt.Sprintf("only the common name %q has the host; alternative names: %s", leaf.Subject.CommonName, someQuoted(leaf.DNSNames))}
					}
					return Verdict{Status: Pass}
				})
			},
		},
		{
			ID: "cert-wildcard", Area: AreaTLS, Severity: Medium,
			Title: "a wildcard stands for the whole first label",
			Refs:  []string{"RFC 8461 section 4.1", "RFC 7672 section 3.2.3"},
			When:  needsSMTP,
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeLeaf(e, func(_ conversation, _ *wire.TLS, leaf *x509.Certificate) Verdict {
					var odd []string
					for _, name := range leaf.DNSNames {
						if strings.Contains(strings.TrimPrefix(name, "*."), "*") {
							odd = append(odd, name)
						}
					}
					if odd != nil {
						return Verdict{Status: Fail, Message: "senders take no wildcard like " + someQuoted(odd)}
					}
					return Verdict{Status: Pass}
				})
			},
		},
	}
}

// commonName reports whether the subject's common name has the host: what mail
// servers once looked at, and those that follow MTA-STS do not.
func commonName(leaf *x509.Certificate, host string) bool {
	cn := &x509.Certificate{DNSNames: []string{leaf.Subject.CommonName}}
	return leaf.Subject.CommonName != "" && wire.LeafNameOK(cn, host)
}
