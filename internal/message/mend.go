package message

import (
	"context"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"mxvet/internal/dkim"
	"mxvet/internal/fix"
	"mxvet/internal/paste"
	"mxvet/internal/psl"
	"mxvet/internal/simulate"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// A Fix is a record that mends what the message failed by. It is verified by checking
// the message once more, with the record in place of what is published.
type Fix struct {
	For      string   `json:"for"` // spf, dkim or dmarc
	Title    string   `json:"title"`
	Needs    string   `json:"needs"` // what has to be so before it is published
	Records  []string `json:"records"`
	Replaces []string `json:"replaces,omitempty"`
	Verified bool     `json:"verified"`

	change zone.Change
	worked func(*Result) bool
}

const fixTTL = 3600

// mend proposes records, where one can mend what was found. The message has to be
// proved to come from its author: no record may let a forger in.
func (r *Result) mend(ctx context.Context, src wire.Source, list *psl.List, o Options) {
	for _, f := range slices.Concat(r.mendKeys(ctx, src), r.endTest(ctx, src), r.mendSPF(ctx, src, list), r.mendAlignment(ctx, src)) {
		again := examine(ctx, wire.NewOverlay(src, nil, []zone.Change{f.change}), list, r.message, o)
		f.Verified = f.worked(again)
		f.Records, f.Replaces = f.lines(f.change.Add), f.lines(f.change.Remove)
		r.Fixes = append(r.Fixes, f)
	}
}

// lines gives data of the fix's record as lines of zone text that may be pasted: the
// texts came from the DNS.
func (f Fix) lines(data []string) (out []string) {
	for _, d := range data {
		out = append(out, paste.Record(f.change.Owner, fixTTL, f.change.Type, d).String())
	}
	return out
}

// published gives the one TXT record at a name whose text begins so: its text, and its
// data as zone text. Names that are aliases, and answers with several, give none: such
// records are somebody else's, or not to be mended by one change.
func published(ctx context.Context, src wire.Source, name, prefix string) (text, data string, ok bool) {
	a := wire.Ask(ctx, src, name, "TXT").Answer
	if !a.OK() || len(a.Chain(name)) > 0 {
		return "", "", false
	}
	texts, lines := a.TXT(), a.Records("TXT")
	if len(texts) != len(lines) {
		return "", "", false
	}
	n := 0
	for i, s := range texts {
		if strings.HasPrefix(strings.ToLower(s), prefix) {
			text, data = s, lines[i]
			n++
		}
	}
	return text, data, n == 1
}

// replace makes the change of one TXT record; what is "" was not there.
func replace(name, data, text string) zone.Change {
	c := zone.Change{Owner: name, Type: "TXT", Add: []string{fix.Quote(text)}, TTL: fixTTL}
	if data != "" {
		c.Remove = []string{data}
	}
	return c
}

// mendKeys writes key records rightly for which verifiers must ignore a good signature.
func (r *Result) mendKeys(ctx context.Context, src wire.Source) (out []Fix) {
	var names []string
	for _, s := range r.Signatures {
		if s.Result != simulate.ResultPermError || s.Lenient != simulate.ResultPass || s.fault == "" || slices.Contains(names, s.KeyName) || !r.mayAlign(s.Domain) {
			continue
		}
		names = append(names, s.KeyName)
		old, data, ok := published(ctx, src, s.KeyName, "")
		if !ok {
			continue
		}
		k := dkim.Parse(old)
		title, needs := "write the key record as the standard has it, which it is not now: "+s.fault, "nothing: the key stays the same"
		if k.Has(dkim.HashNoSHA256) || k.Has(dkim.ServiceNotEmail) { // what is not named is permitted
			k.Hashes, k.Services = nil, nil
			title = "let the key sign mail, which its record does not permit: " + s.fault
			needs = "the key stays the same, and its record limits it no longer: do this only if it is meant to sign mail; else sign with another selector"
		}
		text := k.Canonical()
		if text == "" || text == old {
			continue
		}
		name := s.KeyName
		out = append(out, Fix{
			For: "dkim", Title: title,
			Needs:  needs,
			change: replace(name, data, text),
			worked: func(r *Result) bool {
				return slices.ContainsFunc(r.Signatures, func(s Signature) bool { return s.KeyName == name && s.Result == simulate.ResultPass })
			},
		})
	}
	return out
}

// endTest takes the flag y out of the record of a key by which the message passes.
func (r *Result) endTest(ctx context.Context, src wire.Source) []Fix {
	i := slices.IndexFunc(r.Signatures, func(s Signature) bool {
		return s.Result == simulate.ResultPass && s.testing && r.mayAlign(s.Domain)
	})
	if i < 0 {
		return nil
	}
	name := r.Signatures[i].KeyName
	old, data, ok := published(ctx, src, name, "")
	if !ok {
		return nil
	}
	k := dkim.Parse(old)
	k.Flags = slices.DeleteFunc(k.Flags, func(f string) bool { return f == "y" })
	return []Fix{{
		For: "dkim", Title: "end the test: take the flag y out of the key record",
		Needs:  "all that sends mail of the domain signs it well, as this message is signed",
		change: replace(name, data, k.Canonical()),
		worked: func(r *Result) bool {
			return slices.ContainsFunc(r.Signatures, func(s Signature) bool {
				return s.KeyName == name && s.Result == simulate.ResultPass && !s.testing
			})
		},
	}}
}

// mayAlign reports whether a domain is of the author's organization for some receiver.
func (r *Result) mayAlign(domain string) bool {
	for _, m := range r.Decision.Methods {
		for _, i := range m.Identifiers {
			if i.Domain == domain && i.Alignment != simulate.NotAligned && i.Alignment != simulate.AlignedUnknown {
				return true
			}
		}
	}
	return false
}

// mendSPF lets the client send, where a signature proves that the message is the
// author's, and MAIL FROM is of the same organization.
func (r *Result) mendSPF(ctx context.Context, src wire.Source, list *psl.List) []Fix {
	found := r.Decision.SPF
	proved := r.Author.Broken == "" && slices.ContainsFunc(r.Signatures, func(s Signature) bool { return s.Result == simulate.ResultPass && r.aligned(s) && r.fresh(s) })
	if !proved || found.Identity != "mail-from" || !r.mayAlign(found.Domain) || !r.Path.IP.IsValid() || r.foreign(list, found.Domain) {
		return nil
	}
	if strings.HasPrefix(found.Term, "-") && !strings.EqualFold(found.Term, "-all") { // the owner bars it
		return nil
	}
	switch found.Result {
	case spf.ResultFail, spf.ResultSoftfail, spf.ResultNeutral:
	default:
		return nil
	}
	old, data, ok := published(ctx, src, found.Domain, "v=spf1 ")
	if !ok {
		return nil
	}
	term := "ip4:"
	if r.Path.IP.Is6() {
		term = "ip6:"
	}
	return []Fix{{
		For: "spf", Title: "let " + r.Path.IP.String() + " send for " + found.Domain,
		Needs:  "the address has to be one of your own servers, or one that a service keeps for you alone; for a shared one, add the include that the service names instead. A forwarder needs no entry: its mail passes by DKIM",
		change: replace(found.Domain, data, "v=spf1 "+term+r.Path.IP.String()+old[len("v=spf1"):]),
		worked: func(r *Result) bool { return r.Decision.SPF.Result == spf.ResultPass },
	}}
}

// foreign reports that nothing ties the client to the sender's organization, or that what
// the path shows is another's: a service that many share, which is named by its include, a
// forwarder, which needs no entry, or somebody who sends an old message again. Only a name
// that the server found counts: what the client calls itself, it chooses.
func (r *Result) foreign(list *psl.List, sender string) bool {
	other := func(name string) bool {
		d := domainName(name)
		return list.OrgDomain(d, true) != list.OrgDomain(sender, true)
	}
	h := r.border.hop
	switch {
	case h == nil || h.IP != r.Path.IP: // the user named the client
		return false
	case h.alone, h.Name == "", other(h.Name):
		return true
	}
	return slices.ContainsFunc(r.Hops[h.Number:], func(h Hop) bool { return h.public() && h.By != "" && other(h.By) })
}

// fresh reports that a signature says of this delivery too that it is the author's, as
// far as a signature can: anybody who once got a message may send it on, with what is not
// signed changed (RFC 6376 section 8.6). A replayed one must not get its sender into SPF.
func (r *Result) fresh(s Signature) bool {
	for _, name := range []string{"to", "subject", "date"} {
		if !slices.Contains(s.Headers, name) || len(r.message.All(name)) != 1 {
			return false
		}
	}
	if slices.ContainsFunc(r.message.Fields, sentOn) {
		return false
	}
	value, _ := r.message.First("Date")
	date, err := mail.ParseDate(value)
	if err != nil {
		return false
	}
	const aDay, skew = 24 * time.Hour, time.Hour
	arrival := r.Path.Arrival
	if arrival.IsZero() {
		arrival = r.At
	}
	recent := func(t time.Time) bool { return arrival.Sub(t) >= -skew && arrival.Sub(t) <= aDay }
	return recent(date) && (s.Signed.IsZero() || recent(s.Signed))
}

// sentOn reports a field by which a message is marked as one that somebody sends on: from
// a list, a forwarding mailbox, or by hand (RFC 5322 section 3.6.6, RFC 2369, RFC 3834).
func sentOn(f Field) bool {
	name, value := strings.ToLower(f.Name), strings.ToLower(f.Value())
	switch name {
	case "x-forwarded-to", "x-forwarded-for", "list-id", "list-post":
		return true
	case "precedence":
		return value == "list"
	case "auto-submitted":
		return strings.Contains(value, "forwarded")
	}
	return strings.HasPrefix(name, "resent-")
}

// mendAlignment takes back strict alignment, where only that keeps a proved domain of
// the same organization from counting.
func (r *Result) mendAlignment(ctx context.Context, src wire.Source) []Fix {
	for _, m := range r.Decision.Methods {
		i := -1
		for _, by := range []string{"dkim", "spf"} { // a signature is proof also of mail that is sent on
			if i < 0 {
				i = slices.IndexFunc(m.Identifiers, func(i simulate.Identifier) bool {
					return i.By == by && i.Alignment == simulate.NotStrict && i.Result == simulate.ResultPass
				})
			}
		}
		if i < 0 || m.Aligned == simulate.Pass || m.RecordAt == "" {
			continue
		}
		if proof := m.Identifiers[i]; proof.By == "dkim" && !slices.ContainsFunc(r.Signatures, func(s Signature) bool {
			return s.Domain == proof.Domain && s.Result == simulate.ResultPass && r.fresh(s)
		}) {
			continue
		}
		tag := map[string]string{"spf": "aspf", "dkim": "adkim"}[m.Identifiers[i].By]
		name := "_dmarc." + m.RecordAt
		old, data, ok := published(ctx, src, name, "v=dmarc1")
		if !ok {
			continue
		}
		var parts []string
		for part := range strings.SplitSeq(old, ";") {
			if n, _, _ := strings.Cut(part, "="); strings.TrimSpace(n) != tag && strings.TrimSpace(part) != "" {
				parts = append(parts, strings.TrimSpace(part))
			}
		}
		method := m.Name
		return []Fix{{
			For: "dmarc", Title: "take " + m.Identifiers[i].Domain + ", which is of the same organization, for aligned: without the tag " + tag,
			Needs:  "whoever controls a name below " + m.RecordAt + " can then send for it: do this only if all of them may; else sign with d=" + r.Author.Domain,
			change: replace(name, data, strings.Join(parts, "; ")),
			worked: func(r *Result) bool {
				return slices.ContainsFunc(r.Decision.Methods, func(m simulate.Method) bool { return m.Name == method && m.Aligned == simulate.Pass })
			},
		}}
	}
	return nil
}

// seconds gives a delay for people.
func seconds(n int64) string {
	unit := func(n int64, what string) string { return strconv.FormatInt(n, 10) + " " + what }
	switch {
	case n < 0:
		return "the clocks differ by " + seconds(-n)
	case n < 120:
		return unit(n, "s")
	case n < 7200:
		return unit(n/60, "min")
	case n < 172800:
		return unit(n/3600, "h")
	}
	return unit(n/86400, "days")
}
