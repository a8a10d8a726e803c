package message

import (
	"net/netip"
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

var noTLS = regexp.MustCompile(`(?i)tls[:= ]+(no|none|off)\b`)

// Protocols that say whether TLS was used (RFC 3848, RFC 6531 section 4.3), and some
// that are as plain.
var protocols = map[string]TLS{
	"ESMTPS": TLSYes, "ESMTPSA": TLSYes, "SMTPS": TLSYes, "UTF8SMTPS": TLSYes, "UTF8SMTPSA": TLSYes, "LMTPS": TLSYes,
	"LMTPSA": TLSYes, "UTF8LMTPS": TLSYes, "UTF8LMTPSA": TLSYes, "HTTPS": TLSYes,
	"SMTP": TLSNo, "ESMTP": TLSNo, "ESMTPA": TLSNo, "UTF8SMTP": TLSNo, "UTF8SMTPA": TLSNo, "HTTP": TLSNo,
}

// byLMTP reports whether a protocol hands messages over among a receiver's own programs:
// LMTP is none between independent hosts (RFC 2033 section 1).
func byLMTP(with string) bool {
	return strings.HasPrefix(strings.TrimPrefix(strings.ToUpper(with), "UTF8"), "LMTP")
}

// fetched reports that a program took a message out of a mailbox: the client is the server
// that keeps it, and the next field is of those that brought it there.
func fetched(with string) bool {
	with = strings.ToUpper(with)
	return strings.HasPrefix(with, "POP3") || strings.HasPrefix(with, "IMAP")
}

// mailProtocol reports that the words behind "with" name SMTP or LMTP, by whatever program.
func mailProtocol(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		w = strings.ToUpper(w)
		return strings.Contains(w, "SMTP") || strings.Contains(w, "LMTP")
	})
}

// What programs write of a message that somebody on their own host handed in: Postfix,
// qmail and Sendmail.
var byUser = regexp.MustCompile(`(?i)\bfrom userid\b|\binvoked by\b|/submit\b|^from [^@\s]+@localhost$`)

// qmailNet is what qmail writes above the field of its own SMTP server.
var qmailNet = regexp.MustCompile(`^qmail \d+ invoked from network$`)

// submitted reports that a field tells of a message that was handed in on the server's
// own host: below it stands what a user, or a script of a web site, wrote. Exim calls
// that local.
func submitted(with string, r trace) bool {
	with = strings.ToUpper(with)
	return with == "LOCAL" || strings.HasPrefix(with, "LOCAL-") || slices.ContainsFunc(slices.Concat(r.inBy, r.before), byUser.MatchString)
}

// handedOn reports that a field without a client is of a program that hands messages on
// within its own system: Postfix, which sends on what comes to an alias, and Google, whose
// machines call themselves by a bare address of their inside.
func handedOn(by string, r trace) bool {
	if r.late || slices.ContainsFunc(r.inBy, func(c string) bool { return len(clientComment(c).addresses) > 0 }) {
		return false
	}
	with := strings.Join(r.clauses["with"], " ")
	if ip, err := netip.ParseAddr(by); err == nil {
		if sixToFour.Contains(ip) {
			b := ip.As16()
			ip = netip.AddrFrom4([4]byte(b[2:6]))
		}
		return ip.IsPrivate() && with == "SMTP"
	}
	return with == "" && len(r.clauses["via"]) == 0 && slices.Contains(r.inBy, "Postfix")
}

var sixToFour = netip.MustParsePrefix("2002::/16")

// What servers write of a client that had to log in: Postfix, Sendmail, Courier, qmail and
// CommuniGate.
var byLogin = regexp.MustCompile(`(?i)^(authenticated |auth: |smtp-auth |account )`)

// loggedIn reports that a field tells of a user who handed a message in (RFC 6409): by the
// protocol's name (RFC 3848), or by a comment. What a client said of itself can only make
// it so, never the contrary.
func loggedIn(r trace) bool {
	if with := r.clauses["with"]; len(with) > 0 {
		name := strings.TrimPrefix(strings.ToUpper(with[0]), "UTF8")
		if name == "ESMTPA" || name == "ESMTPSA" || name == "ASMTP" || name == "SMTPA" || name == "SMTPSA" {
			return true
		}
	}
	return slices.ContainsFunc(r.from, func(t token) bool { return t.comment && byLogin.MatchString(t.text) })
}

// transport reads how the hop was made: by the protocol's name, and by comments that
// the server wrote behind what it says of its client.
func (h *Hop) transport(r trace) {
	words := r.clauses["with"]
	if len(words) == 2 && strings.EqualFold(words[0], "MailEnable") {
		words = words[1:]
	}
	if len(words) > 0 && !strings.EqualFold(words[0], "Microsoft") {
		protocol, how, _ := strings.Cut(strings.ToUpper(words[0]), "/") // ESMTP/TLS/CIPHER, of Cisco
		if t, ok := protocols[protocol]; ok {
			h.TLS = t
		}
		if strings.HasPrefix(how, "TLS/") {
			h.TLS = TLSYes
		}
	}
	if h.TLS == TLSNo && strings.HasSuffix(h.By, ".amazonaws.com") {
		h.TLS = TLSUnknown // it writes SMTP for every session
	}
	// The clause tls is of RFC 8314 section 4.3.
	tlsComment := func(c string) bool { return tlsComment.MatchString(c) && !noTLS.MatchString(c) }
	said := len(r.clauses["tls"]) > 0 || slices.ContainsFunc(r.inBy, tlsComment)
	known := false // the comment that names the client has been met
	for i, t := range r.from {
		if t.comment && known && tlsComment(t.text) {
			said = true
		}
		known = known || t.comment && i > 0 && len(clientComment(t.text).addresses) > 0
	}
	if said {
		h.TLS = TLSYes
	}
}
