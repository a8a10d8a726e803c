package checks

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"mxvet/internal/dkim"
	"mxvet/internal/gather"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// A dnsPolicy is one name at which policy records of the domain were found.
type dnsPolicy struct {
	wire.Asked
	texts []string // only those that are, or were meant as, policies
	key   bool     // DKIM keys: quotes in notes and white space are in order
}

// dnsPolicies gives the names with policy records.
func dnsPolicies(e *gather.Evidence) []dnsPolicy {
	root := e.SPF.Root
	apex := dnsPolicy{Asked: wire.Asked{Name: e.Domain, Ref: dnsRef(e.Domain, "TXT"), Answer: e.Apex.TXT}}
	for _, r := range root.Records {
		apex.texts = append(apex.texts, r.Text)
	}
	for _, n := range root.Near {
		apex.texts = append(apex.texts, n.Text)
	}
	out := []dnsPolicy{apex}
	if own := e.DMARC.Own(); own != nil {
		p := dnsPolicy{Asked: own.Asked}
		for _, r := range slices.Concat(own.Records, own.Others) {
			p.texts = append(p.texts, r.Text)
		}
		out = append(out, p)
	}
	p := dnsPolicy{Asked: e.MTASTS.TXT}
	for _, r := range slices.Concat(e.MTASTS.Records, e.MTASTS.Others) {
		p.texts = append(p.texts, r.Text)
	}
	out = append(out, p)
	p = dnsPolicy{Asked: e.TLSRPT.TXT}
	for _, r := range slices.Concat(e.TLSRPT.Records, e.TLSRPT.Others) {
		p.texts = append(p.texts, r.Text)
	}
	out = append(out, p)
	if b := e.BIMI; b != nil && b.Own != nil {
		p := dnsPolicy{Asked: wire.Asked{Name: b.Own.Owner, Ref: b.Own.Ref, Answer: b.Own.Answer}}
		for _, r := range b.Own.Records {
			if r.Counts() || strings.Contains(strings.ToLower(r.Text), "v=bimi1") {
				p.texts = append(p.texts, r.Text)
			}
		}
		out = append(out, p)
	}
	for _, s := range e.DKIM.Selectors {
		if !s.Found && (s.Wildcard || s.Doubtful || !slices.ContainsFunc(s.Records, func(r dkim.Record) bool { return UnquotedKey(r.Text) != "" })) {
			continue
		}
		p := dnsPolicy{Asked: wire.Asked{Name: s.Owner, Ref: s.Ref, Answer: s.Answer}, key: true}
		for _, r := range s.Records {
			p.texts = append(p.texts, r.Text)
		}
		out = append(out, p)
	}
	return slices.DeleteFunc(out, func(p dnsPolicy) bool { return len(p.texts) == 0 })
}

// dnsTextRules is about TXT records as such: how long, how written, how long kept.
func dnsTextRules() []Rule {
	somePolicy := func(e *gather.Evidence) (Status, string) {
		if status, why := dnsExists(e); status != "" {
			return status, why
		}
		if len(dnsPolicies(e)) > 0 {
			return "", ""
		}
		if a := e.Apex.TXT; !a.OK() || a.TCPFailed {
			return dnsSilence(e.Domain+" TXT", a)
		}
		return NotApplicable, "the domain has no policy record"
	}
	return []Rule{
		{
			ID: "dns-txt-size", Area: AreaHosts, Severity: Low,
			Title: "the TXT records beside SPF fit into a small answer",
			Refs:  []string{"RFC 7208 section 3.4"},
			When:  dnsExists,
			Judge: func(e *gather.Evidence) []Verdict {
				refs := []wire.Ref{dnsRef(e.Domain, "TXT")}
				if a := e.Apex.TXT; !a.OK() || a.TCPFailed {
					status, why := dnsSilence(e.Domain+" TXT", a)
					return []Verdict{{Status: status, Evidence: refs, Message: why}}
				}
				texts := e.Apex.TXT.TXT()
				size, other := len(e.Domain), 0
				for _, t := range texts {
					size += len(t)
				}
				for _, r := range e.SPF.Root.Records {
					other += len(r.Text)
				}
				switch {
				case len(texts) == 0:
					return []Verdict{{Status: NotApplicable, Evidence: refs, Message: "the domain has no TXT record"}}
				case size > dnsSmallAnswer:
					return fail(Low, refs, "the name and the %d TXT records at it take %d octets, more than %d (%d of them are SPF): some receivers ask again over TCP, or not at all", len(texts), size, dnsSmallAnswer, other)
				}
				return nil
			},
		},
		{
			ID: "dns-txt-quoting", Area: AreaHosts, Severity: Medium,
			Title: "policy records hold no stray quotes, backslashes or other bytes",
			Refs:  []string{"RFC 7208 section 3.1", "RFC 8461 section 3.1"},
			When:  somePolicy,
			Judge: func(e *gather.Evidence) []Verdict {
				var out []Verdict
				for _, p := range dnsPolicies(e) {
					v := Verdict{Subject: p.Name, Status: Pass, Evidence: []wire.Ref{p.Ref}}
					for _, text := range p.texts {
						if zoneQuotesTell(e, p.Name, text) {
							continue
						}
						if what, pos := dnsStray(text, p.key); what != "" {
							v.Status, v.Severity = Fail, Medium
							v.Message = fmt.Sprintf("%s in the text %q, behind %d characters", what, dnsAround(text, pos), utf8.RuneCountInString(text[:pos]))
							if pos == 0 {
								v.Message = fmt.Sprintf("the text %q begins with %s", dnsAround(text, pos), what)
							}
							break
						}
					}
					out = append(out, v)
				}
				return append(out, dnsPoliciesUnheard(e, Medium)...)
			},
		},
		{
			ID: "dns-policy-ttl", Area: AreaHosts, Severity: Info,
			Title: "policy records are kept neither too long nor too short",
			Refs:  []string{"RFC 1912 section 2.2"},
			When:  somePolicy,
			Judge: func(e *gather.Evidence) []Verdict {
				var out []Verdict
				for _, p := range dnsPolicies(e) {
					// A resolver counts down, so a small number tells only where it
					// comes from the zone itself.
					from := dnsPublished(e, p.Asked)
					ttl, found := from.Answer.TTL("TXT")
					exact := from.Answer.AA || from.Answer.Assumed
					v := Verdict{Subject: p.Name, Status: Pass, Evidence: []wire.Ref{from.Ref}}
					switch {
					case !found:
						continue
					case ttl > dnsLongTTL:
						v.Status, v.Severity, v.Message = Fail, Info, fmt.Sprintf("a TTL of %d seconds, more than %d: for so long others may keep an old policy after a change", ttl, dnsLongTTL)
					case ttl < dnsShortTTL && !exact && e.Apex.NS.Fail != nil:
						status, why := dnsSilence(e.Domain+" NS", e.Apex.NS)
						v.Status, v.Severity, v.Message = status, Info, fmt.Sprintf("a TTL of %d seconds, which may be the rest of a longer one; the zone's servers are not known: %s", ttl, why)
					case ttl < dnsShortTTL && exact:
						v.Status, v.Severity, v.Message = Fail, Info, fmt.Sprintf("a TTL of %d seconds, less than %d: each mail asks your name servers again", ttl, dnsShortTTL)
					}
					out = append(out, v)
				}
				return append(out, dnsPoliciesUnheard(e, Info)...)
			},
		},
	}
}

// dnsPoliciesUnheard gives an unknown verdict for each name of a policy record that
// was asked without an answer, and for the first of the selectors. Sev is what a
// fault there would have cost.
func dnsPoliciesUnheard(e *gather.Evidence, sev Severity) []Verdict {
	asked := []wire.Asked{{Name: e.Domain, Ref: dnsRef(e.Domain, "TXT"), Answer: e.Apex.TXT}, e.MTASTS.TXT, e.TLSRPT.TXT}
	if own := e.DMARC.Own(); own != nil {
		asked = append(asked, own.Asked)
	}
	if b := e.BIMI; b != nil && b.Own != nil {
		asked = append(asked, wire.Asked{Name: b.Own.Owner, Ref: b.Own.Ref, Answer: b.Own.Answer})
	}
	if s := e.DKIM.Unheard(); s != nil {
		asked = append(asked, wire.Asked{Name: s.Owner, Ref: s.Ref, Answer: s.Answer})
	}
	var out []Verdict
	for _, a := range asked {
		if a.Ref != "" && a.Answer.Fail != nil {
			status, why := dnsSilence(a.Name+" TXT", a.Answer)
			out = append(out, Verdict{Subject: a.Name, Status: status, Severity: sev, Message: why, Evidence: []wire.Ref{a.Ref}})
		}
	}
	return out
}

// UnquotedKey gives the DKIM key in a text that begins with a quote mark, without
// the quotes and the blanks between its parts; "" where there is none.
func UnquotedKey(text string) string {
	if !strings.HasPrefix(text, `"`) {
		return ""
	}
	var b strings.Builder
	for i, part := range strings.Split(text, `"`) {
		if i%2 == 1 || strings.TrimSpace(part) != "" {
			b.WriteString(part)
		}
	}
	if key := b.String(); dkim.Parse(key).LooksLikeKey() {
		return key
	}
	return ""
}

// dnsPublished gives the answer to the same question by a name server of the zone,
// where one was asked directly; else the one that is given.
func dnsPublished(e *gather.Evidence, a wire.Asked) wire.Asked {
	for _, d := range e.Nameservers.Servers {
		for _, q := range []wire.Asked{d.TXT, d.DMARC} {
			if q.Name == a.Name && q.Answer.AA && q.Answer.Has("TXT") {
				return q
			}
		}
	}
	return a
}

// Bounds of the rules above: octets of name and text, and seconds.
const (
	dnsSmallAnswer = 450
	dnsShortTTL    = 60
	dnsLongTTL     = 86400
)

// dnsStray finds what zone editors leave in a text by mistake, and where: "" where
// there is nothing.
func dnsStray(text string, key bool) (what string, pos int) {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' && key && i > 0 && i < len(text)-1 && !strings.Contains(text, `" "`):
			continue // a note may quote something
		case c == '"':
			return "a quote mark", i
		case c == '\\' && i+1 < len(text) && text[i+1] == ';':
			return "a backslash before a semicolon", i
		case key && (c == '\t' || c == '\r' || c == '\n'):
		case c < 0x20 || c == 0x7f:
			return fmt.Sprintf("a control character (0x%02x)", c), i
		case c > 0x7f:
			r, size := utf8.DecodeRuneInString(text[i:])
			switch {
			case zone.OddQuote(r):
				return fmt.Sprintf("the quote mark %c, which is not the straight one and part of the text", r), i
			case size > 1 && unicode.IsPrint(r):
				return fmt.Sprintf("the character %c, which no policy may hold", r), i
			}
			return fmt.Sprintf("a character (0x%02x) that no policy may hold", c), i
		}
	}
	return "", 0
}

// dnsAround shows the surroundings of a place in a text, in whole characters.
func dnsAround(text string, pos int) string {
	from, to := max(0, pos-20), min(len(text), pos+20)
	for from > 0 && !utf8.RuneStart(text[from]) {
		from--
	}
	for to < len(text) && !utf8.RuneStart(text[to]) {
		to++
	}
	return text[from:to]
}
