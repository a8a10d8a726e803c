package checks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/dkim"
	"mxvet/internal/gather"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// dnsSlipRules is about what happens on the way from the zone's text into the DNS:
// dots, quotes and types.
func dnsSlipRules() []Rule {
	withZone := func(e *gather.Evidence) (Status, string) {
		if len(e.Options.ZoneFiles) == 0 {
			return NotApplicable, "no zone file was given"
		}
		return "", ""
	}
	return []Rule{
		{
			ID: "dns-final-dot", Area: AreaHosts, Severity: High,
			Title: "no name in a record lacks its final dot",
			Refs:  []string{"RFC 1035 section 5.1", "RFC 1912 section 2.1"},
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailTo, Words: "a host name lacks its final dot and leads nowhere"}},
			When:  dnsExists,
			Judge: judgeDNSFinalDot,
		},
		{
			ID: "dns-zone-quotes", Area: AreaHosts, Severity: High,
			Title:    "no text in the zone file loses a part because it has no quotes",
			Refs:     []string{"RFC 1035 section 5.1", "RFC 7208 section 3.3", "RFC 6376 section 3.6.2.2"},
			Bearless: "what the cut text means is told by the rules about that record",
			When:     withZone,
			Judge:    judgeDNSZoneQuotes,
		},
		{
			ID: "dns-zone-text", Area: AreaHosts, Severity: Medium,
			Title: "name servers can read the zone file as it stands",
			Refs:  []string{"RFC 1035 section 5", "RFC 7208 section 3.1", "RFC 9989 section 4.1", "RFC 6376 section 3.6.2.1"},
			When:  withZone,
			Judge: judgeDNSZoneText,
		},
	}
}

// judgeDNSFinalDot finds names to which the zone's own was appended. Without a
// network, nobody can say whether the name without it exists: then it has to look
// so beyond doubt.
func judgeDNSFinalDot(e *gather.Evidence) []Verdict {
	out := dnsDotsUnseen(e)
	for _, d := range e.Dotless {
		v := Verdict{Subject: d.Owner, Key: d.Name, Status: Pass, Severity: High}
		if d.Type == "CNAME" {
			v.Severity = Medium
		}
		for _, a := range slices.Concat(d.There, d.Wanted) {
			v.Evidence = append(v.Evidence, a.Ref)
		}
		named := fmt.Sprintf("the %s record names %s", d.Type, d.Name)
		far := d.Between.Answer.NXDomain() && (strings.Count(d.Meant, ".") > 1 || d.Provider != nil)
		switch {
		case d.Stands() && d.Doubled:
			v.Status, v.Severity = Fail, Medium
			v.Message = fmt.Sprintf("%s, which ends in %s twice: the final dot is missing, and only a wildcard answers there", named, d.Zone)
		case d.Stands():
		case !d.Lost():
			v.Status, v.Message = dnsFirstSilence(d.There)
		case d.Doubled:
			v.Status, v.Message = Fail, fmt.Sprintf("%s, which ends in %s twice and leads nowhere: the final dot is missing, so the zone's name was appended", named, d.Zone)
		case d.Found():
			v.Status, v.Message = Fail, fmt.Sprintf("%s, which leads nowhere, and %s does: the final dot is missing, so the zone's name was appended", named, d.Meant)
		case d.Nowhere():
		case e.Options.Offline && far:
			v.Status, v.Message = Fail, fmt.Sprintf("%s, which leads nowhere, and looks like %s without its final dot", named, d.Meant)
		default:
			v.Status, v.Message = dnsFirstSilence(d.Wanted)
		}
		out = append(out, v)
	}
	if e.DotlessMore > 0 {
		out = append(out, Verdict{
			Key: "more", Status: Unknown, Severity: High, Evidence: []wire.Ref{e.MX.Ref},
			Message: fmt.Sprintf("%d more names look as if their final dot was forgotten; only the first %d were asked about", e.DotlessMore, len(e.Dotless)),
		})
	}
	for _, s := range e.Options.ZoneSlips {
		if s.Kind == zone.SlipOwner {
			v := Verdict{
				Subject: s.Owner, Key: s.Said, Status: Fail, Severity: Medium, Evidence: []wire.Ref{e.MX.Ref},
				Message: fmt.Sprintf("%s line %d: the %s record stands at %s: the final dot of its name is missing, so the zone's name was appended", s.File, s.Line, s.Said, s.Owner),
			}
			if s.Said == "MX" {
				v.Severity = High
			}
			out = append(out, v)
		}
		if s.Kind == zone.SlipDot {
			out = append(out, Verdict{
				Subject: s.Owner, Key: s.Said, Status: Fail, Severity: Medium, Evidence: []wire.Ref{e.MX.Ref},
				Message: fmt.Sprintf("%s line %d: the SRV record names %s, which is not there: the final dot is missing", s.File, s.Line, s.Said),
			})
		}
	}
	return out
}

// dnsDotMissing reports that an MX target is told as a name without its final dot.
func dnsDotMissing(e *gather.Evidence, target string) bool {
	return slices.ContainsFunc(judgeDNSFinalDot(e), func(v Verdict) bool { return v.Status == Fail && v.Key == target })
}

// dnsDotsUnseen gives a verdict for each record set whose names are not known: a
// lookup that failed shows no mistake, and does not show that there is none.
func dnsDotsUnseen(e *gather.Evidence) []Verdict {
	var out []Verdict
	unseen := func(name, rrtype string, ref wire.Ref, a wire.Answer, severity Severity) {
		if ref == "" || a.OK() && !a.TCPFailed {
			return
		}
		v := Verdict{Subject: name, Key: rrtype, Severity: severity, Evidence: []wire.Ref{ref}}
		v.Status, v.Message = dnsSilence(name+" "+rrtype, a)
		out = append(out, v)
	}
	unseen(e.Domain, "MX", e.MX.Ref, e.MX.Answer, High)
	unseen(e.Domain, "NS", dnsRef(e.Domain, "NS"), e.Apex.NS, High)
	if own := e.DMARC.Own(); own != nil {
		unseen(own.Name, "TXT", own.Ref, own.Answer, Medium)
	}
	unseen(e.MTASTS.TXT.Name, "TXT", e.MTASTS.TXT.Ref, e.MTASTS.TXT.Answer, Medium)
	unseen(e.TLSRPT.TXT.Name, "TXT", e.TLSRPT.TXT.Ref, e.TLSRPT.TXT.Answer, Medium)
	unseen(e.MTASTS.A.Name, "A", e.MTASTS.A.Ref, e.MTASTS.A.Answer, Medium)
	if i := slices.IndexFunc(e.DKIM.Selectors, dkimSilent); i >= 0 {
		s := e.DKIM.Selectors[i]
		unseen(s.Owner, "TXT", s.Ref, s.Answer, Medium)
	}
	return out
}

// dnsFirstSilence says why one of several questions got no usable answer.
func dnsFirstSilence(asked []wire.Asked) (Status, string) {
	for _, a := range asked {
		if a.Failed() {
			return dnsSilence(a.Name, a.Answer)
		}
	}
	return Unknown, "the answers contradict each other"
}

// judgeDNSZoneQuotes finds texts of which the DNS has less than the file, as far
// as that is still so.
func judgeDNSZoneQuotes(e *gather.Evidence) []Verdict {
	var out []Verdict
	for _, s := range e.Options.ZoneSlips {
		if s.Kind != zone.SlipQuotes {
			continue
		}
		at := TextsAt(e, s.Owner)
		if at == nil {
			continue // nobody who handles mail asks there
		}
		v := Verdict{Subject: s.Owner, Key: fmt.Sprint(s.Line), Status: Pass, Severity: High, Evidence: []wire.Ref{at.Ref}}
		switch {
		case at.Failed():
			v.Status, v.Message = dnsSilence(s.Owner+" TXT", at.Answer)
		case zoneQuotesTell(e, s.Owner, s.Said):
			v.Status = Fail
			v.Message = fmt.Sprintf("%s line %d: %s, and published is only %q", s.File, s.Line, dnsQuotesLost(s), s.Said)
		}
		out = append(out, v)
	}
	return out
}

// zoneQuotesTell reports that dns-zone-quotes tells what is wrong with a text, as
// the DNS has it.
func zoneQuotesTell(e *gather.Evidence, owner, text string) bool {
	at := TextsAt(e, owner)
	return at != nil && !at.Failed() && slices.Contains(at.Answer.TXT(), text) && slices.ContainsFunc(e.Options.ZoneSlips, func(s zone.Slip) bool {
		return s.Kind == zone.SlipQuotes && s.Owner == owner && s.Said == text
	})
}

// dnsQuotesLost says which quotes a text has and what they do to it.
func dnsQuotesLost(s zone.Slip) string {
	odd := s.OddQuotes()
	said, lost := "no quotes", "words join without the blanks between them"
	if odd != "" {
		said = "quote marks " + odd + " in place of straight ones (\")"
	}
	if plain := strings.NewReplacer(" ", ""); strings.Contains(s.Meant, ";") && plain.Replace(s.Meant) != plain.Replace(strings.Trim(s.Said, odd)) {
		lost = "what stands behind the first semicolon is a comment"
	}
	return said + ": " + lost
}

// TextsAt gives the TXT question at a name where policies or keys of the domain
// were looked for, nil where none was.
func TextsAt(e *gather.Evidence, owner string) *wire.Asked {
	asked := []wire.Asked{{Name: e.Domain, Ref: dnsRef(e.Domain, "TXT"), Answer: e.Apex.TXT}, e.MTASTS.TXT, e.TLSRPT.TXT}
	if own := e.DMARC.Own(); own != nil {
		asked = append(asked, own.Asked)
	}
	for _, step := range e.SPF.Steps() {
		if step.Child != nil {
			asked = append(asked, wire.Asked{Name: step.Child.Owner, Ref: step.Child.TXT.Ref, Answer: step.Child.TXT.Answer})
		}
	}
	for _, s := range e.DKIM.Selectors {
		asked = append(asked, wire.Asked{Name: s.Owner, Ref: s.Ref, Answer: s.Answer})
	}
	if e.BIMI != nil && e.BIMI.Own != nil {
		asked = append(asked, wire.Asked{Name: e.BIMI.Own.Owner, Ref: e.BIMI.Own.Ref, Answer: e.BIMI.Own.Answer})
	}
	for i := range asked {
		if asked[i].Name == owner && asked[i].Ref != "" {
			return &asked[i]
		}
	}
	return nil
}

// judgeDNSZoneText finds types that only the panels of some providers have, and
// encodings that no name server reads. A panel that has a type for DKIM or DMARC
// serves its type SPF as TXT too; of type SPF alone that is not known.
func judgeDNSZoneText(e *gather.Evidence) []Verdict {
	var out []Verdict
	for _, file := range e.Options.ZoneFiles {
		lines := map[string][]string{}
		encoding, apex := "", ""
		var bad []string
		for _, s := range e.Options.ZoneSlips {
			switch {
			case s.File != file:
			case s.Kind == zone.SlipEncoding:
				encoding = s.Said
			case s.Kind == zone.SlipSOA:
				bad = append(bad, fmt.Sprintf("%s line %d: there is a second SOA record, and name servers refuse the file", file, s.Line))
			case s.Kind == zone.SlipOrigin:
				bad = append(bad, fmt.Sprintf("%s line %d: $ORIGIN lacks its final dot: it was read as %s, and a name server puts what follows below %s", file, s.Line, s.Meant, s.Said))
			case s.Kind == zone.SlipApex && s.Said == ".":
				apex = fmt.Sprintf("%s line %d: the SOA record stands at the root and was read as that of %s, as exports of some providers mean it", file, s.Line, s.Meant)
			case s.Kind == zone.SlipApex:
				apex = fmt.Sprintf("%s line %d: the SOA record stands at %s, because its name lacks the final dot, and was read as that of %s", file, s.Line, s.Said, s.Meant)
			case s.Kind == zone.SlipType:
				lines[s.Said] = append(lines[s.Said], fmt.Sprint(s.Line))
			}
		}
		v := Verdict{Key: file, Status: Pass}
		var types []string
		for _, rrtype := range []string{"SPF", "DKIM", "DMARC"} {
			if at := lines[rrtype]; len(at) > 0 {
				types = append(types, fmt.Sprintf("%s (line %s)", rrtype, strings.Join(at, ", ")))
			}
		}
		panel := len(lines["DKIM"])+len(lines["DMARC"]) > 0
		switch {
		case len(types) > 0 && !panel:
			v.Status, v.Severity = Fail, Medium
			v.Message = file + ": type " + strings.Join(types, ", ") + " was read as TXT, as some providers serve it; a name server of your own would serve a type that no receiver asks for"
		case len(types) > 0:
			v.Status, v.Severity = Fail, Info
			v.Message = file + ": the types " + strings.Join(types, ", ") + " are those of a provider's panel and were read as TXT, which is what they are in the DNS"
			if len(types) == 1 {
				v.Message = file + ": the type " + types[0] + " is that of a provider's panel and was read as TXT, which is what it is in the DNS"
			}
		}
		if apex != "" {
			v.Status, v.Severity = Fail, cmp.Or(v.Severity, Info)
			v.Message = strings.TrimPrefix(v.Message+"; "+apex+"; a name server of your own would not take the file", "; ")
		}
		if len(bad) > 0 {
			v.Status, v.Severity = Fail, Medium
			v.Message = strings.TrimPrefix(v.Message+"; "+strings.Join(bad, "; "), "; ")
		}
		if encoding != "" {
			v.Status, v.Severity = Fail, cmp.Or(v.Severity, Low)
			if v.Severity == Info {
				v.Severity = Low
			}
			v.Message = strings.TrimPrefix(v.Message+"; "+file+" is "+encoding+", which name servers do not read: save it as UTF-8", "; ")
		}
		out = append(out, v)
	}
	return out
}

// dkimPointerRules is about keys that should be aliases.
func dkimPointerRules() []Rule {
	return []Rule{{
		ID: "dkim-text-for-alias", Area: AreaDKIM, Severity: High,
		Title: "no TXT record for a DKIM key holds the name that its alias should have",
		Refs:  []string{"RFC 6376 section 3.6.2", "RFC 1034 section 3.6.2"},
		Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "a DKIM record holds a host name in place of a key"}},
		When:  dkimSends,
		Judge: func(e *gather.Evidence) []Verdict {
			var out []Verdict
			for _, p := range e.Pointers {
				there := "there should be an alias (CNAME) to it instead"
				if slices.ContainsFunc(p.TXT.Answer.TXT(), func(text string) bool { return dkim.Parse(text).LooksLikeKey() }) {
					there = "the key is there, so an alias (CNAME) to it should stand here instead"
				}
				v := Verdict{
					Subject: p.Owner, Key: p.Target, Status: Fail, Evidence: []wire.Ref{p.Ref},
					Message: fmt.Sprintf("the TXT record holds nothing but the name %s: %s", p.Target, there),
				}
				if p.TXT.Ref != "" {
					v.Evidence = append(v.Evidence, p.TXT.Ref)
				}
				out = append(out, v)
			}
			if i := slices.IndexFunc(e.DKIM.Selectors, dkimSilent); i >= 0 {
				s := e.DKIM.Selectors[i]
				v := Verdict{Subject: s.Owner, Evidence: []wire.Ref{s.Ref}}
				v.Status, v.Message = dnsSilence(s.Owner+" TXT", s.Answer)
				out = append(out, v)
			}
			return out
		},
	}}
}
