package message

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"mxvet/checks"
	"mxvet/internal/gather"
	"mxvet/internal/simulate"
	"mxvet/internal/wire"
)

// Area is the area of rules about a message. It has no score: a message is not a
// domain.
const Area = "message"

//go:embed docs/*.md
var docs embed.FS

// Explain gives the page of a rule about messages.
func Explain(id string) (string, error) {
	page, err := docs.ReadFile("docs/" + id + ".md")
	if err != nil {
		return "", fmt.Errorf("no page for rule %q", id)
	}
	return string(page), nil
}

// Rules gives the rules about messages, to be applied to one. With nil they can
// be listed, not judged.
func Rules(r *Result) []checks.Rule {
	rule := func(id, title string, sev checks.Severity, judge func() []checks.Verdict, refs ...string) checks.Rule {
		return checks.Rule{
			ID: id, Area: Area, Title: title, Severity: sev, Refs: refs,
			Judge: func(*gather.Evidence) []checks.Verdict { return judge() },
		}
	}
	return []checks.Rule{
		rule("msg-from", "the message has one From field that names one domain", checks.High, r.oneAuthor,
			"RFC 9989 section 5.3.1", "RFC 9989 section 11.5", "RFC 5322 section 3.6.2", "Google: email sender guidelines"),
		rule("msg-from-lookalike", "readers see the author that was checked", checks.Medium, r.plainAuthor,
			"RFC 7489 section 12.4", "RFC 2047 section 5", "RFC 6854 section 3", "Unicode Technical Standard 39 section 4"),
		rule("msg-dkim-unaligned", "a DKIM signature of the author's domain verifies", checks.High, r.dkimAligned,
			"RFC 9989 section 5.1.2", "Google, Yahoo, Microsoft: requirements for bulk senders"),
		rule("msg-spf-unaligned", "the domain in MAIL FROM is aligned with the author's", checks.Medium, r.spfAligned,
			"RFC 9989 section 5.1.1"),
		rule("msg-dkim-weak", "the DKIM signatures protect what they should", checks.High, r.strongSignatures,
			"RFC 8301 section 3.1", "RFC 6376 section 8.2", "RFC 6376 section 5.4", "RFC 6376 section 3.6.1"),
		rule("msg-oversigning", "fields that readers see cannot be added behind the signature", checks.Low, r.oversigned,
			"BSI TR-03182-04", "RFC 6376 section 5.4.2", "RFC 6376 section 8.15"),
		rule("msg-unsubscribe", "bulk mail can be unsubscribed with one click", checks.High, r.unsubscribe,
			"RFC 8058 section 3.1", "Google, Yahoo: requirements for bulk senders"),
		rule("msg-format", "the header has a Message-ID and no field twice that may stand once", checks.Medium, r.wellFormed,
			"RFC 5322 section 3.6", "RFC 2046 section 5.1", "Google: email sender guidelines", "Postfix: mime_nesting_limit"),
		rule("msg-plaintext-hop", "the message came to the border server over TLS", checks.Medium, r.encrypted,
			"Google: email sender guidelines", "RFC 3848"),
		rule("msg-from-freemail", "the author's address is not of a mailbox provider that did not send the message", checks.High, r.freemail,
			"Google: email sender guidelines"),
		rule("msg-arc", "the ARC seals, where there are any, form a whole chain", checks.Info, r.wholeChain,
			"RFC 8617 section 5.2", "draft-ietf-dmarc-arc-to-historic"),
	}
}

// one makes a single verdict.
func one(status checks.Status, sev checks.Severity, refs []wire.Ref, format string, args ...any) []checks.Verdict {
	return []checks.Verdict{{Status: status, Severity: sev, Evidence: refs, Message: fmt.Sprintf(format, args...)}}
}

// oneAuthor answers MSG-006.
func (r *Result) oneAuthor() []checks.Verdict {
	a := r.Author
	switch {
	case a.Fields > 1:
		return one(checks.Fail, checks.High, nil, "%d From fields: a reader may see another one than the receiver checks", a.Fields)
	case len(a.Domains) > 1:
		return one(checks.Fail, checks.High, nil, "the From field names %d domains (%s): many receivers refuse such a message", len(a.Domains), list(a.Domains))
	case a.Domain == "":
		return one(checks.Fail, checks.High, nil, "%s", a.Why)
	case a.Broken != "":
		return one(checks.Fail, checks.Medium, nil, "%s: readers may find another address in it", a.Broken)
	}
	return nil
}

// plainAuthor tells what a reader may take for the author besides.
func (r *Result) plainAuthor() []checks.Verdict {
	if r.Author.Fields == 0 {
		return one(checks.NotApplicable, "", nil, "%s", r.Author.Why)
	}
	var out []checks.Verdict
	for _, doubt := range r.Author.Doubts {
		out = append(out, checks.Verdict{Key: doubt, Status: checks.Fail, Severity: checks.Medium, Message: doubt})
	}
	if len(r.Author.opaque) > 0 {
		out = append(out, checks.Verdict{
			Key: "charset", Status: checks.Unknown, Severity: checks.Medium,
			Message: "a name in the From field is in a charset that cannot be decoded here (" + list(r.Author.opaque) + "), so what readers see is not known",
		})
	}
	return out
}

// list joins names, at most five.
func list(names []string) string {
	if len(names) > 5 {
		return strings.Join(names[:5], ", ") + fmt.Sprintf(" and %d more", len(names)-5)
	}
	return strings.Join(names, ", ")
}

// noAuthor is the answer of rules that need the author domain.
func (r *Result) noAuthor() []checks.Verdict {
	if r.Author.Domain == "" {
		return one(checks.NotApplicable, "", nil, "%s", r.Author.Why)
	}
	return nil
}

// dkimAligned answers MSG-001.
func (r *Result) dkimAligned() []checks.Verdict {
	if v := r.noAuthor(); v != nil {
		return v
	}
	if len(r.Signatures) == 0 {
		if r.Verdict != simulate.Pass {
			return one(checks.Fail, checks.High, nil, "no DKIM signature, which would prove that the message is from %s, also where SPF does not", r.Author.Domain)
		}
		return one(checks.Fail, checks.High, nil, "no DKIM signature: after forwarding nothing proves that the message is from %s", r.Author.Domain)
	}
	var refs []wire.Ref
	for _, s := range r.Signatures {
		if s.ref != "" {
			refs = append(refs, s.ref)
		}
	}
	worst, where := simulate.Pass, ""
	for _, m := range r.Decision.Methods {
		switch state := byDKIM(m); {
		case state == simulate.Fail && worst != simulate.Fail, state == simulate.Unknown && worst == simulate.Pass:
			worst, where = state, m.Name
		}
	}
	switch worst {
	case simulate.Unknown:
		return one(checks.Unknown, checks.High, refs, "no answer about a key or an organization that decides whether a signature is aligned with %s", r.Author.Domain)
	case simulate.Fail:
		return one(checks.Fail, checks.High, refs, "no valid signature is aligned with %s (by %s): %s", r.Author.Domain, where, r.signaturesShort())
	}
	return one(checks.Pass, "", refs, "")
}

// byDKIM sums up what the signatures do for one kind of receiver.
func byDKIM(m simulate.Method) simulate.Verdict {
	state := simulate.Fail
	for _, i := range m.Identifiers {
		if i.By != "dkim" {
			continue
		}
		switch i.Counts() {
		case simulate.Pass:
			return simulate.Pass
		case simulate.Unknown:
			state = simulate.Unknown
		}
	}
	return state
}

func (r *Result) signaturesShort() string {
	var out []string
	for _, s := range r.Signatures[:min(len(r.Signatures), 5)] {
		text := "d=" + s.Domain + " " + s.Result
		if s.Why != "" {
			text += " (" + s.Why + ")"
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

// spfAligned answers MSG-002.
func (r *Result) spfAligned() []checks.Verdict {
	if v := r.noAuthor(); v != nil {
		return v
	}
	spf := r.Decision.SPF
	if spf.Domain == "" {
		return one(checks.NotAsked, "", nil, "%s", r.Path.Unknown)
	}
	for _, m := range r.Decision.Methods {
		switch m.Identifiers[0].Alignment {
		case simulate.NotAligned, simulate.NotStrict:
			where := "MAIL FROM names " + spf.Domain
			if spf.Identity == "helo" {
				where = "MAIL FROM is empty, and the HELO name " + spf.Domain + " counts"
			}
			return one(checks.Fail, checks.Medium, nil, "%s, which is not aligned with %s (by %s): SPF does nothing for DMARC; no fault of the author's where a forwarder or a list sent it on", where, r.Author.Domain, m.Name)
		case simulate.AlignedUnknown:
			return one(checks.Unknown, checks.Medium, nil, "no answer about the organization of %s or the policy of %s", spf.Domain, r.Author.Domain)
		}
	}
	return nil
}

// strongSignatures answers MSG-003, MSG-004 and MSG-005.
func (r *Result) strongSignatures() []checks.Verdict {
	if len(r.Signatures) == 0 {
		return one(checks.NotApplicable, "", nil, "no DKIM signature")
	}
	var out []checks.Verdict
	for n, s := range r.Signatures {
		name := s.KeyName
		if name == "" {
			name = fmt.Sprintf("signature %d", n+1)
		}
		var refs []wire.Ref
		if s.ref != "" {
			refs = []wire.Ref{s.ref}
		}
		fail := func(what string, sev checks.Severity, format string, args ...any) {
			v := checks.Verdict{Key: name + " " + what, Status: checks.Fail, Severity: sev, Evidence: refs, Message: name + ": " + fmt.Sprintf(format, args...)}
			if !slices.ContainsFunc(out, func(w checks.Verdict) bool { return w.Key == v.Key }) {
				out = append(out, v)
			}
		}
		if strings.HasSuffix(s.Algorithm, "-sha1") {
			fail("sha1", checks.High, "signed with %s, which receivers may not accept", cut(s.Algorithm))
		}
		if s.tags.has("l") {
			fail("length", checks.Medium, "tag l: text can be added at the end of the body and the signature still verifies")
		}
		if s.signs("from") == 0 {
			fail("from", checks.High, "the From field is not signed")
		}
		if open := r.unsigned(s); len(open) > 0 && s.signs("from") > 0 {
			fail("fields", checks.Medium, "%s not signed, so anybody can change them in a message that he sends on, and the signature still verifies", strings.Join(open, ", "))
		}
		if s.KeyType == "rsa" && s.KeyBits > 0 && s.KeyBits < 1024 {
			fail("key", checks.High, "an RSA key of %d bits, and receivers accept no less than 1024", s.KeyBits)
		}
		switch {
		case !s.otherIdentity():
		case !strings.HasSuffix(domainOf(s.Identity), "."+s.Domain):
			fail("identity", checks.High, "the identity %s is not of the domain %s that signs", cut(s.Identity), s.Domain)
		case s.strict:
			fail("identity", checks.High, "the identity %s is of a subdomain, and the flag s of the key forbids that", cut(s.Identity))
		}
	}
	return out
}

// unsigned lists the fields of the message that a signature should cover, and does not:
// those by which readers tell what it is (RFC 6376 section 5.4.1).
func (r *Result) unsigned(s Signature) (out []string) {
	if s.Result != simulate.ResultPass {
		return nil
	}
	for _, name := range []string{"To", "Subject", "Date"} {
		if s.signs(strings.ToLower(name)) == 0 && len(r.message.All(name)) > 0 {
			out = append(out, name)
		}
	}
	return out
}

// wholeChain answers FUT-001: a note, without weight either way.
func (r *Result) wholeChain() []checks.Verdict {
	switch r.ARC.Result {
	case simulate.ResultNone:
		return one(checks.NotApplicable, "", nil, "no ARC seals")
	case simulate.ResultTempError:
		return one(checks.Unknown, checks.Info, nil, "%s", r.ARC.Why)
	case simulate.ResultPass:
		return nil
	}
	return one(checks.Fail, checks.Info, nil, "the chain of %d ARC sets does not hold: %s", len(r.ARC.Sets), r.ARC.Why)
}
