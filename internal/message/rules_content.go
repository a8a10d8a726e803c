package message

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"mxvet/checks"
	"mxvet/internal/simulate"
)

// seen lists the fields that readers see or answer to, in lower case.
var seen = []string{"from", "to", "cc", "subject", "date", "reply-to"}

// oversigned answers MSG-007: in the tag h each of these fields stands once more
// than in the header, so that none can be added.
func (r *Result) oversigned() []checks.Verdict {
	var least []string
	found := false
	for _, s := range r.Signatures {
		if s.Result != simulate.ResultPass || !r.aligned(s) {
			continue
		}
		var open []string
		for _, name := range seen {
			if s.signs(name) <= len(r.message.All(name)) {
				open = append(open, name)
			}
		}
		if !found || len(open) < len(least) {
			found, least = true, open
		}
	}
	switch {
	case !found:
		return one(checks.NotApplicable, "", nil, "no valid signature of the author's domain")
	case len(least) > 0:
		return one(checks.Fail, checks.Low, nil, "a second field can be added and the signature still verifies: %s", strings.Join(least, ", "))
	}
	return nil
}

// aligned reports that every kind of receiver finds the signature's domain
// aligned.
func (r *Result) aligned(s Signature) bool {
	for _, m := range r.Decision.Methods {
		if !slices.ContainsFunc(m.Identifiers, func(i simulate.Identifier) bool {
			return i.By == "dkim" && i.Domain == s.Domain && i.Counts() == simulate.Pass
		}) {
			return false
		}
	}
	return r.Author.Domain != ""
}

// bulk says by what a message is marked as sent to many, "" where nothing does.
// Posts to a discussion list are not meant: their readers are its writers.
func (r *Result) bulk() string {
	if len(r.message.All("List-Post")) > 0 {
		return ""
	}
	if v, _ := r.message.First("Precedence"); strings.EqualFold(v, "bulk") {
		return "Precedence: bulk"
	}
	for _, name := range []string{"List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-ID"} {
		if len(r.message.All(name)) > 0 {
			return "a field " + name
		}
	}
	return ""
}

// unsubscribe answers MSG-008.
func (r *Result) unsubscribe() []checks.Verdict {
	mark := r.bulk()
	if mark == "" {
		return one(checks.NotApplicable, "", nil, "nothing marks this as bulk mail")
	}
	bad := func(format string, args ...any) []checks.Verdict {
		return one(checks.Fail, checks.High, nil, "%s (bulk mail by %s)", fmt.Sprintf(format, args...), mark)
	}
	where, _ := r.message.First("List-Unsubscribe")
	post, found := r.message.First("List-Unsubscribe-Post")
	switch {
	case where == "":
		return bad("no List-Unsubscribe field")
	case !strings.Contains(strings.ToLower(where), "<https://"):
		return bad("List-Unsubscribe names no https address")
	case !found:
		return bad("no List-Unsubscribe-Post field, so nobody offers the one click")
	case !strings.EqualFold(squeeze(post), "List-Unsubscribe=One-Click"):
		return bad("List-Unsubscribe-Post says %q instead of List-Unsubscribe=One-Click", cut(post))
	}
	unknown := false
	for _, s := range r.Signatures {
		covers := s.signs("list-unsubscribe") > 0 && s.signs("list-unsubscribe-post") > 0
		switch {
		case covers && s.Result == simulate.ResultPass:
			return nil
		case covers && s.Result == simulate.ResultTempError:
			unknown = true
		}
	}
	if unknown {
		return one(checks.Unknown, checks.High, nil, "no answer about the key of the signature that covers the two fields")
	}
	return bad("no valid DKIM signature covers List-Unsubscribe and List-Unsubscribe-Post")
}

// single lists the fields that may stand once (RFC 5322 section 3.6). From is for
// another rule.
var single = []string{
	"Date", "Sender", "Reply-To", "To", "Cc", "Bcc", "Message-ID", "In-Reply-To", "References", "Subject",
	"MIME-Version", "Content-Type", "Content-Transfer-Encoding", // RFC 2045 section 3
}

// wellFormed answers MSG-010.
func (r *Result) wellFormed() []checks.Verdict {
	var out []checks.Verdict
	fail := func(key string, sev checks.Severity, format string, args ...any) {
		out = append(out, checks.Verdict{Key: key, Status: checks.Fail, Severity: sev, Message: fmt.Sprintf(format, args...)})
	}
	for _, name := range single {
		if n := len(r.message.All(name)); n > 1 {
			fail(name, checks.Medium, "%d fields %s, and there may be one", n, name)
		}
	}
	ids := r.message.All("Message-ID")
	switch {
	case len(ids) == 0:
		fail("Message-ID", checks.Medium, "no Message-ID field")
	case len(ids) == 1 && !messageID(ids[0].Value()):
		fail("Message-ID", checks.Low, "the Message-ID %q is not of the form <left@right>", cut(ids[0].Value()))
	}
	if len(r.message.All("Date")) == 0 {
		fail("Date", checks.Medium, "no Date field")
	}
	if len(r.Author.Addresses) > 1 && r.Author.Fields == 1 && len(r.message.All("Sender")) == 0 {
		fail("Sender", checks.Medium, "the From field names several mailboxes, and no Sender field tells which of them sent the message (RFC 5322 section 3.6.2)")
	}
	if v, _ := r.message.First("Content-Type"); boundaries(v) > 1 {
		fail("boundary", checks.Medium, "the Content-Type field has several boundaries: programs see different parts of the message")
	}
	if r.message.mixed {
		fail("LF", checks.Medium, "some lines of the body end in LF alone, and others in CRLF: servers that take a lone LF for the end of a line see another message than those that do not, and signatures break")
	}
	if r.message.nul {
		fail("NUL", checks.Medium, "the body holds a NUL character, which no message may (RFC 5322 section 4): programs stop there, or leave it out")
	}
	if r.message.loneCR {
		fail("CR", checks.Medium, "a CR stands without an LF: programs take it for a character or for the end of a line, and signatures break")
	}
	if n := r.message.longest(); n > maxLine {
		fail("length", checks.Medium, "a line of the header has %d characters, and a line may have %d: programs may cut it or refuse the message", n, maxLine)
	}
	if n := r.message.longLine; n > maxLine {
		fail("body", checks.Low, "a line of the body has %d characters, and a line may have %d: servers may break it, and then signatures do not hold", n, maxLine)
	}
	if slices.ContainsFunc(r.message.Fields, blankLine) {
		fail("blank", checks.Medium, "a line of the header holds nothing but blanks (RFC 5322 section 3.2.2): some programs take it for the end of the header")
	}
	if r.message.deep {
		fail("parts", checks.Medium, "parts of the body stand in each other more than %d deep: deeper ones were not looked at, programs that look for viruses may stop there too, and Postfix refuses such a message", maxNesting)
	}
	if i := slices.IndexFunc(r.message.Fields, func(f Field) bool { return f.Name == "" }); i >= 0 {
		fail("line", checks.Medium, "a line of the header is no field: %q", cut(strings.TrimSpace(r.message.Fields[i].Raw)))
	}
	return out
}

// boundary is the parameter that names the line between parts.
var boundary = regexp.MustCompile(`(?i);\s*boundary\*?(0\*?)?\s*=`)

var quotedText = regexp.MustCompile(`"(\\.|[^"\\])*"`)

// boundaries counts the boundaries that a Content-Type field names.
func boundaries(value string) int {
	value = value[:min(len(value), maxTypeField)]
	return len(boundary.FindAllString(quotedText.ReplaceAllString(value, `""`), 3))
}

// blankLine reports that a field holds a line of blanks alone, behind its first.
func blankLine(f Field) bool {
	_, rest, _ := strings.Cut(f.Raw, "\r\n")
	for line := range strings.SplitSeq(strings.TrimSuffix(rest, "\r\n"), "\r\n") {
		if rest != "" && strings.Trim(line, " \t") == "" {
			return true
		}
	}
	return false
}

// maxLine is the longest line of a message, without its end (RFC 5322 section 2.1.1).
const maxLine = 998

// longest gives the length of the longest line of the header.
func (m *Message) longest() (n int) {
	for _, f := range m.Fields {
		for line := range strings.SplitSeq(f.Raw, "\r\n") {
			n = max(n, len(line))
		}
	}
	return n
}

// messageID reports whether s has the form of RFC 5322 section 3.6.4, roughly:
// receivers look for no more.
func messageID(s string) bool {
	inner, ok := strings.CutPrefix(s, "<")
	inner, ok2 := strings.CutSuffix(inner, ">")
	left, right, ok3 := strings.Cut(inner, "@")
	return ok && ok2 && ok3 && left != "" && right != "" && !strings.ContainsAny(inner, "<> \t")
}

// encrypted answers MSG-011.
func (r *Result) encrypted() []checks.Verdict {
	h := r.border.hop
	if h == nil {
		return one(checks.NotAsked, "", nil, "no Received field shows the hop to your border server; --ip tells which one it is")
	}
	if !r.border.known {
		return one(checks.Unknown, checks.Medium, nil, "it is not known at which hop the message came to your servers: %s", r.border.doubt)
	}
	switch h.TLS {
	case TLSNo:
		return one(checks.Fail, checks.Medium, nil, "%s: from %s with %s, and nothing about TLS: the message crossed the internet in clear", h.describe(len(r.Hops)), h.IP, cut(h.With))
	case TLSUnknown:
		with := cut(h.With)
		if with == "" {
			with = "no protocol"
		}
		return one(checks.Unknown, checks.Medium, nil, "%s names %s, which does not tell whether TLS was used", h.describe(len(r.Hops)), with)
	}
	return nil
}

// mailboxProviders lists domains of mailbox providers: their addresses are for people who
// send through them.
var mailboxProviders = []string{
	"gmail.com", "googlemail.com", "yahoo.com", "ymail.com", "aol.com", "outlook.com", "hotmail.com", "live.com",
	"msn.com", "icloud.com", "me.com", "mac.com", "gmx.net", "gmx.de", "web.de", "mail.ru", "proton.me", "protonmail.com",
}

// freemail answers MSG-012: an address of a mailbox provider in From, while
// nothing proves that the provider sent it.
func (r *Result) freemail() []checks.Verdict {
	if v := r.noAuthor(); v != nil {
		return v
	}
	if !slices.Contains(mailboxProviders, r.Author.Domain) {
		return nil
	}
	switch r.Decision.Verdict {
	case simulate.Fail:
		return one(checks.Fail, checks.High, nil, "the author's address is of %s, and neither SPF nor DKIM shows that it sent the message: many receivers put such mail aside, whatever the provider's record asks", r.Author.Domain)
	case simulate.Unknown:
		return one(checks.Unknown, checks.High, nil, "it is not known whether %s sent the message: %s", r.Author.Domain, r.Decision.Why)
	}
	return nil
}
