package checks

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/smtp"
	"mxvet/internal/wire"
)

// Rules about TLS as the mail hosts speak it on port 25. They judge the one
// handshake of the conversation, in which mxvet offers TLS 1.0 to 1.3 and all
// cipher suites that its library knows: what the server chose from that is what
// it gives to a modern sender. What it would take from an old one is for the
// deep probe.
func tlsRules() []Rule {
	return []Rule{
		{
			ID: "tls-version-old", Area: AreaTLS, Severity: High,
			Bears: []Bearing{{On: Transit, From: High, Weight: Partly, Words: "a host speaks only outdated TLS"}},
			Title: "the mail hosts speak TLS 1.2 or newer",
			Refs:  []string{"RFC 9325 section 3.1.1", "RFC 8996", "RFC 8461 section 7.2"},
			When:  needsSMTP,
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeTLS(e, func(_ conversation, t *wire.TLS) Verdict {
					if old(t) {
						return Verdict{Status: Fail, Message: t.Version + " is the newest version that it speaks; 1.2 and 1.3 were offered to it"}
					}
					return Verdict{Status: Pass, Message: t.Version}
				})
			},
		},
		{
			ID: "tls-version-13", Area: AreaTLS, Severity: Low,
			Title: "the mail hosts speak TLS 1.3",
			Refs:  []string{"RFC 9325 section 3.1.1"},
			When:  needsSMTP,
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeTLS(e, func(_ conversation, t *wire.TLS) Verdict {
					switch {
					case old(t):
						return Verdict{Status: NotApplicable, Message: "it does not even speak TLS 1.2"}
					case t.Version != "TLS 1.3":
						return Verdict{Status: Fail, Message: t.Version + " is the newest version that it speaks; 1.3 was offered to it"}
					}
					return Verdict{Status: Pass}
				})
			},
		},
		{
			ID: "tls-cipher-weak", Area: AreaTLS, Severity: High,
			Bears: []Bearing{{On: Transit, From: High, Weight: Partly, Words: "a host chooses broken encryption"}},
			Title: "connections use a strong cipher suite",
			Refs:  []string{"RFC 9325 section 4.1", "RFC 9325 section 4.2"},
			When:  needsSMTP, Judge: judgeCipher,
		},
		{
			ID: "tls-forward-secrecy", Area: AreaTLS, Severity: Medium,
			Title: "connections have forward secrecy",
			Refs:  []string{"RFC 9325 section 4.1"},
			When:  needsSMTP,
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeTLS(e, func(_ conversation, t *wire.TLS) Verdict {
					if strings.HasPrefix(t.Cipher, "TLS_RSA_") {
						return Verdict{Status: Fail, Message: "it chose " + t.Cipher + ", whose key exchange rests on the certificate's key alone, though suites with ECDHE were offered"}
					}
					return Verdict{Status: Pass}
				})
			},
		},
		{
			ID: "tls-post-quantum", Area: AreaTLS, Severity: Info,
			Title: "connections use a key exchange that withstands quantum computers",
			Refs:  []string{"NCSC-NL guideline for TLS 2025-05"},
			When:  needsSMTP,
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeTLS(e, func(_ conversation, t *wire.TLS) Verdict {
					switch {
					case t.Version != "TLS 1.3":
						return Verdict{Status: NotApplicable, Message: "such a key exchange needs TLS 1.3"}
					case !strings.Contains(t.Group, "MLKEM"):
						return Verdict{Status: Fail, Message: fmt.Sprintf("it chose %s, though X25519MLKEM768 was offered", t.Group)}
					}
					return Verdict{Status: Pass, Message: t.Group}
				})
			},
		},
		{
			ID: "tls-client-certificate", Area: AreaTLS, Severity: High,
			Bears: []Bearing{
				{On: Transit, From: High, Weight: Decides, Everywhere: true, Words: "its hosts demand certificates that senders do not have"},
				{On: Transit, From: High, Weight: Partly, Words: "a host demands a certificate that senders do not have"},
			},
			Title: "senders need no certificate of their own",
			Refs:  []string{"RFC 3207 section 4"},
			When:  needsSMTP,
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeOffer(e, func(c conversation, f *smtp.Features) Verdict {
					t := c.Addr.Session.TLS
					switch status, why := c.noTLS(f); {
					case status == NotApplicable && wantsClient(t):
						return Verdict{Status: Fail, Message: "it asks for a client certificate and ends the connection when it gets none: " + t.Error}
					case status != "":
						return Verdict{Status: status, Message: why}
					case t.WantsClientCert:
						return Verdict{Status: Pass, Message: "it asks for a client certificate, but takes senders without one"}
					}
					return Verdict{Status: Pass}
				})
			},
		},
	}
}

// old reports a version below TLS 1.2.
func old(t *wire.TLS) bool {
	return slices.Contains([]string{"SSLv3", "TLS 1.0", "TLS 1.1"}, t.Version)
}

func judgeCipher(e *gather.Evidence) []Verdict {
	return judgeTLS(e, func(_ conversation, t *wire.TLS) Verdict {
		has := func(part string) bool { return strings.Contains(t.Cipher, part) }
		switch {
		case has("_RC4_"), has("_NULL"), has("_EXPORT"), has("_DES_"), has("_anon_"):
			return Verdict{Status: Fail, Severity: High, Message: "it chose " + t.Cipher + ", which is broken, though strong suites were offered"}
		case has("_3DES_"):
			return Verdict{Status: Fail, Severity: Medium, Message: "it chose " + t.Cipher + ", of less than 128 bits, though strong suites were offered"}
		case has("_CBC_") && !old(t):
			return Verdict{Status: Fail, Severity: Low, Message: "it chose " + t.Cipher + ", though suites with authenticated encryption (AEAD) were offered"}
		}
		return Verdict{Status: Pass, Message: t.Cipher}
	})
}
