package checks

import (
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/smtp"
)

// Rules about logging in on port 25, which other mail servers never do.
func authRules() []Rule {
	return []Rule{
		{
			ID: "smtp-auth-plaintext", Area: AreaTLS, Severity: High, Bearless: "it is about passwords of users, not about mail between servers",
			Title: "no password is asked for in clear text",
			Refs:  []string{"RFC 4954 section 4", "RFC 4954 section 9"},
			When:  needsSMTP,
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeOffer(e, func(_ conversation, f *smtp.Features) Verdict {
					if open := plaintext(f); len(open) > 0 {
						return Verdict{Status: Fail, Message: "before TLS it offers AUTH " + strings.Join(open, " ") + ", which sends the password readable"}
					}
					return Verdict{Status: Pass}
				})
			},
		},
		{
			ID: "smtp-auth-offered", Area: AreaHosts, Severity: Low,
			Title: "the port for incoming mail takes no logins",
			Refs:  []string{"RFC 8314 section 3", "RFC 6409 section 3.1"},
			When:  needsSMTP,
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeOffer(e, func(c conversation, f *smtp.Features) Verdict {
					inside := c.lastOffer(f)
					status, why := c.noTLS(f)
					switch {
					case len(plaintext(f)) > 0:
						return Verdict{Status: NotApplicable, Message: "AUTH is offered in clear text, which is worse"}
					case len(f.Auth) > 0:
						return Verdict{Status: Fail, Message: "port 25 offers AUTH " + strings.Join(f.Auth, " ")}
					case len(inside.Auth) > 0:
						return Verdict{Status: Fail, Message: "port 25 offers AUTH " + strings.Join(inside.Auth, " ") + " inside TLS"}
					case status == Unknown:
						return Verdict{Status: Unknown, Message: why}
					case status == "" && inside == f:
						return Verdict{Status: Unknown, Message: "EHLO inside TLS was not answered: " + c.Addr.Session.Fail.String()}
					}
					return Verdict{Status: Pass}
				})
			},
		},
	}
}

// plaintext gives the mechanisms offered that send the password as it is.
func plaintext(f *smtp.Features) []string {
	return slices.DeleteFunc(slices.Clone(f.Auth), func(m string) bool { return m != "PLAIN" && m != "LOGIN" })
}
