package fix

import (
	"regexp"
	"slices"
	"strings"

	"mxvet/internal/paste"
	"mxvet/internal/tlsrpt"
)

// tlsrpt proposes the TLS-RPT record.
func (c *composer) tlsrpt() (Fix, bool) {
	r := c.e.TLSRPT
	claims := c.claims(TLSRPTRecord, r.TXT.Name, true)
	if len(claims) == 0 || r.TXT.Failed() {
		return Fix{}, false
	}
	here := slices.Concat(r.Records, r.Others)
	place, ok := c.placeOf(r.TXT, len(here) == 0 && len(r.Chain) > 0 && r.TXT.Answer.Missing("TXT"))
	if !ok {
		return c.elsewhere(TLSRPTRecord, "correct the TLS-RPT record", r.TXT, r.Chain), true
	}
	if slices.ContainsFunc(here, func(r tlsrpt.Record) bool { return !r.Whole() }) {
		return Fix{}, false // what was not read would be lost
	}
	meant := here
	for _, p := range []tlsrpt.Place{r.Apex, r.Doubled} {
		if len(meant) == 0 {
			meant = p.Records
		}
	}
	var places []string
	for _, rec := range meant {
		for _, u := range slices.Concat(tlsMeant(rec).RUA, behindSemicolon(rec)) {
			if text := c.tlsPlace(u); text != "" && !slices.Contains(places, text) {
				places = append(places, text)
			}
		}
	}
	if len(places) == 0 {
		address := c.reportAddress()
		if address == "" {
			return Fix{
				ID: TLSRPTRecord, Title: "ask for TLS reports", Claims: claims, Effort: LowEffort, Safety: NeedsInput,
				Needs: "a mailbox for the reports" + c.noMailbox(),
				Steps: []Step{paste.Words("Publish:\n%s", paste.Record(r.TXT.Name, defaultTTL, "TXT", Quote("v=TLSRPTv1; rua=mailto:ADDRESS")))},
			}, true
		}
		places = []string{"mailto:" + address}
	}
	var old []string
	for _, rec := range here {
		old = append(old, rec.Text)
	}
	f := Fix{
		ID: TLSRPTRecord, Title: "ask for TLS reports", Claims: claims, Effort: LowEffort, Safety: SafeNow,
		Changes:       place.publish(r.TXT.Answer, old, "v=TLSRPTv1; rua="+strings.Join(places, ",")),
		VisibleWithin: visible(r.TXT.Answer, "TXT"),
	}
	if len(old) > 0 {
		f.Title = "correct the TLS-RPT record"
	}
	for _, p := range []tlsrpt.Place{r.Doubled, r.Apex} {
		var texts []string
		for _, rec := range p.Records {
			texts = append(texts, rec.Text)
		}
		if ch := removal(p.Asked, texts...); len(ch.Remove) > 0 && len(here) == 0 && ch.Owner != f.Changes[0].Owner {
			f.Changes = append(f.Changes, ch)
		}
	}
	return f, true
}

// tlsVersion finds what was typed for the version of a record.
var tlsVersion = regexp.MustCompile(`(?i)^[\s"']*v\s*=\s*["']?\s*tls-?rpt\s*(v?1)?(\.0)?\s*["']?\s*\\?\s*[;,:]?\s*`)

// tlsMeant reads a record as it was meant, with a proper version.
func tlsMeant(r tlsrpt.Record) tlsrpt.Record {
	if r.Selected {
		return r
	}
	text := strings.NewReplacer(`\;`, ";", `"`, "").Replace(r.Text)
	return tlsrpt.Parse("v=TLSRPTv1; " + tlsVersion.ReplaceAllString(text, ""))
}

// behindSemicolon gives the addresses that a record separates by a semicolon, where a
// comma belongs: they stand outside of any field.
func behindSemicolon(r tlsrpt.Record) []tlsrpt.URI {
	var out []tlsrpt.URI
	for part := range strings.SplitSeq(r.Text, ";") {
		if part = strings.TrimSpace(part); strings.HasPrefix(strings.ToLower(part), "mailto:") || strings.HasPrefix(strings.ToLower(part), "https:") {
			out = append(out, tlsrpt.Parse("v=TLSRPTv1; rua="+part).RUA...)
		}
	}
	return out
}

// tlsPlace gives a place for reports as it can stand in a record, "" where it is
// no good.
func (c *composer) tlsPlace(u tlsrpt.URI) string {
	if address, _, _ := strings.Cut(strings.TrimPrefix(u.Raw, "mailto:"), "!"); !u.Valid && plainAddress(address) {
		u = tlsrpt.Parse("v=TLSRPTv1; rua=mailto:" + address).RUA[0]
	}
	if !u.Valid || u.Host == "" {
		return ""
	}
	for _, rule := range []string{"tlsrpt-undeliverable", "tlsrpt-endpoint"} {
		for _, v := range c.failing(rule) {
			if v.Subject == u.Host {
				return ""
			}
		}
	}
	return u.Raw
}
