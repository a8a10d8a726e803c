package message

import (
	"regexp"
	"slices"
	"strings"
)

// TLS says whether a hop was encrypted.
type TLS string

// What a Received field tells about encryption.
const (
	TLSYes     TLS = "yes"
	TLSNo      TLS = "no"      // SMTP or ESMTP, and nothing about TLS
	TLSUnknown TLS = "unknown" // another protocol, or none is named
)

// What servers write about TLS in comments of their own, and what at the end.
var tlsComment = regexp.MustCompile(`(?i)^(using (tls|ssl)|version=(tls|ssl)|tlsv?1([._][0-3])?([:, )]|$)|tls$|tls[:= ]|ssl/tls|google transport security|\(?[A-Z0-9_-]+ encrypted\)?$)`)

// Protocols that say whether TLS was used (RFC 3848, RFC 6531 section 4.3, RFC 8314
// section 7.4), and some that are as plain.
var protocols = map[string]TLS{
	"ESMTPS": TLSYes, "ESMTPSA": TLSYes, "SMTPS": TLSYes, "UTF8SMTPS": TLSYes, "UTF8SMTPSA": TLSYes, "LMTPS": TLSYes,
	"LMTPSA": TLSYes, "UTF8LMTPS": TLSYes, "UTF8LMTPSA": TLSYes, "HTTPS": TLSYes,
	"SMTP": TLSNo, "ESMTP": TLSNo, "ESMTPA": TLSNo, "UTF8SMTP": TLSNo, "UTF8SMTPA": TLSNo, "HTTP": TLSNo,
}

// transport reads how the hop was made: by the protocol's name, and by comments that
// the server wrote behind what it says of its client.
func (h *Hop) transport(r trace) {
	words := r.clauses["with"]
	if len(words) == 2 && strings.EqualFold(words[0], "MailEnable") {
		words = words[1:]
	}
	if len(words) > 0 && !strings.EqualFold(words[0], "Microsoft") {
		if t, ok := protocols[strings.ToUpper(words[0])]; ok {
			h.TLS = t
		}
	}
	if h.TLS == TLSNo && strings.HasSuffix(h.By, ".amazonaws.com") {
		h.TLS = TLSUnknown // it writes SMTP for every session
	}
	said := slices.ContainsFunc(r.inBy, tlsComment.MatchString)
	known := false // the comment that names the client has been met
	for i, t := range r.from {
		if t.comment && known && tlsComment.MatchString(t.text) {
			said = true
		}
		known = known || t.comment && i > 0 && len(clientComment(t.text).addresses) > 0
	}
	if said {
		h.TLS = TLSYes
	}
}
