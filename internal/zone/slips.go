package zone

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Kinds of slips.
const (
	SlipEncoding = "encoding" // Said is the encoding of the text, which name servers do not read
	SlipType     = "type"     // Said is a type that stands for TXT in the panels of some providers only
	SlipQuotes   = "quotes"   // a text without quotes: name servers read less or else than was meant
	SlipApex     = "apex"     // the SOA record is at another name than the zone's
	SlipOrigin   = "origin"   // an $ORIGIN that lacks its final dot
	SlipOwner    = "owner"    // an owner name that lacks its final dot: the zone's name stands in it twice
	SlipAlias    = "alias"    // an alias beside other records: Said are their types
	SlipSOA      = "soa"      // more than one SOA record
	SlipDot      = "dot"      // a service's host (SRV) without its final dot: the zone's name stands in it twice
)

// A Slip is a place in zone text that name servers read in another way than its
// writer meant it, or not at all.
type Slip struct {
	File  string `json:"file"`
	Line  int    `json:"line,omitempty"` // 0 where it is the whole text
	Kind  string `json:"kind"`
	Owner string `json:"owner,omitempty"` // canonical
	Said  string `json:"said"`            // quotes, dot, apex, origin, owner: the text or the name that the record has
	Meant string `json:"meant,omitempty"` // quotes, dot, apex, origin, owner: as it was meant; "" where that is too long
}

// Bounds of what is noted: slips of each way to find them, and octets of a text as
// it was meant. A comment may be as long as the file.
const (
	maxSlips = 1000
	maxMeant = 8192
)

// readSPF reads type SPF, on the lines that write it so, as TXT where no such
// record of type TXT stands beside it. RFC
// 7208 section 3.1 gave the type up; some providers write it for the TXT record
// that they serve, others had it beside the TXT record once.
func (z *Zone) readSPF(lines map[int]bool) {
	isSPF := func(r Record) bool { return strings.HasPrefix(strings.ToLower(joined(r)), "v=spf1") }
	texts := map[string]bool{}
	for _, r := range z.Records {
		if r.Type == "TXT" && isSPF(r) {
			texts[r.Owner] = true
		}
	}
	for i := range z.Records {
		if r := &z.Records[i]; r.Type == "SPF" && lines[r.Line] && !texts[r.Owner] && isSPF(*r) {
			r.Type = "TXT"
			z.slip(Slip{File: z.File, Line: r.Line, Kind: SlipType, Owner: r.Owner, Said: "SPF"})
		}
	}
}

// dots notes hosts of services that end in the zone's name twice and are not in the
// zone. Others name such hosts too, and are asked about: this is for types that
// nobody asks for here.
func (z *Zone) dots() {
	for _, r := range z.Records {
		if r.Type != "SRV" {
			continue
		}
		target := Name(r.Data[strings.LastIndexByte(r.Data, ' ')+1:])
		meant, doubled := strings.CutSuffix(target, "."+z.Origin)
		if doubled && within(meant, z.Origin) && z.Origin != "." && z.Lookup(target, "A").Kind == NXDomain {
			z.slip(Slip{File: z.File, Line: r.Line, Kind: SlipDot, Owner: r.Owner, Said: target, Meant: meant})
		}
	}
}

// refused notes what name servers do not take a zone for: an alias beside other
// records (RFC 1034 section 3.6.2; those of DNSSEC may stand there, RFC 4035 section
// 2.5) or another alias (RFC 2181 section 10.1), and a second SOA record (RFC 1035
// section 5.2).
func (z *Zone) refused() {
	seen := map[string]bool{}
	soa := 0
	for _, r := range z.Records {
		if r.Type == "SOA" {
			if soa++; soa == 2 {
				z.slip(Slip{File: z.File, Line: r.Line, Kind: SlipSOA, Owner: r.Owner, Said: "SOA"})
			}
		}
		if n := z.nodes[r.Owner]; r.Type != "CNAME" || n.to-n.from < 2 || seen[r.Owner] {
			continue
		}
		seen[r.Owner] = true
		var beside []string
		for _, o := range z.Find(r.Owner, "ANY") {
			dnssec := o.Type == "RRSIG" || o.Type == "NSEC" || o.Type == "NSEC3"
			if other := o.Type != "CNAME" || Name(o.Data) != Name(r.Data); other && !dnssec && !slices.Contains(beside, o.Type) {
				beside = append(beside, o.Type)
			}
		}
		if len(beside) > 0 {
			z.slip(Slip{File: z.File, Line: r.Line, Kind: SlipAlias, Owner: r.Owner, Said: strings.Join(beside, ", ")})
		}
	}
}

// owners notes owner names that end in the zone's name twice. A DMARC record there is
// found where such records are looked for.
func (z *Zone) owners() {
	for _, r := range z.Records {
		meant, doubled := strings.CutSuffix(r.Owner, "."+z.Origin)
		if doubled && z.Origin != "." && within(meant, z.Origin) && !strings.HasPrefix(r.Owner, "_dmarc.") {
			z.slip(Slip{File: z.File, Line: r.Line, Kind: SlipOwner, Owner: r.Owner, Said: r.Type, Meant: meant})
		}
	}
}

// otherQuotes are quote marks that zone text does not know; word processors and
// shells write them.
const otherQuotes = "\u201c\u201d\u201e\u201f\u2018\u2019\u00ab\u00bb'`"

// OddQuote reports a quote mark that zone text does not know.
func OddQuote(r rune) bool { return strings.ContainsRune(otherQuotes, r) }

// OddQuotes gives the marks around a text that were meant as quotes and are none.
func (s Slip) OddQuotes() string {
	var marks []string
	for i, r := range s.Said {
		if OddQuote(r) && (i == 0 || i+utf8.RuneLen(r) == len(s.Said)) {
			marks = append(marks, string(r))
		}
	}
	return strings.Join(marks, " ")
}

// unquoted notes a text that lost something because it has no quotes: what stands
// behind a semicolon is a comment then, and words join without the blanks between
// them (RFC 1035 section 5.1).
func (p *parser) unquoted(r Record, e entry, data []word) {
	if r.Type != "TXT" && r.Type != "SPF" {
		return
	}
	var words []string
	for _, w := range data {
		if w.quoted {
			return
		}
		words = append(words, unescape(w.text))
	}
	plain := strings.Join(words, " ")
	text := strings.TrimLeft(plain, otherQuotes)
	odd := text != plain
	if odd {
		text = strings.TrimRight(text, otherQuotes)
	}
	s := Slip{File: p.file, Line: r.Line, Kind: SlipQuotes, Owner: r.Owner, Said: strings.Join(words, "")}
	switch lost := tagsIn(e.tail); {
	case strings.HasPrefix(strings.ToLower(text), "v=spf1"):
		s.Meant = text
	case lost != "" && len(tagsIn(";"+text)) > 0:
		s.Meant = text + "; " + lost
		if odd {
			s.Meant = strings.TrimRight(s.Meant, otherQuotes)
		}
	case odd && len(tagsIn(";"+text)) > 0:
		s.Meant = text
	}
	if s.Meant == "" || s.Meant == s.Said {
		return
	}
	if len(s.Meant) > maxMeant {
		s.Meant = ""
	}
	p.slip(s)
}

func (p *parser) slip(s Slip) {
	if len(p.slips) < maxSlips {
		p.slips = append(p.slips, s)
	}
}

func (z *Zone) slip(s Slip) {
	if len(z.Slips) < 2*maxSlips {
		z.Slips = append(z.Slips, s)
	}
}

// tagsIn gives the tags (name=value) that a comment begins with, "" where it is
// an ordinary comment.
func tagsIn(comment string) string {
	var tags []string
	for item := range strings.SplitSeq(strings.TrimPrefix(comment, ";"), ";") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		name, _, ok := strings.Cut(item, "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" || len(name) > 20 || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			break
		}
		tags = append(tags, item)
	}
	return strings.Join(tags, "; ")
}

// joined gives the text of a TXT or SPF record.
func joined(r Record) string {
	sc := scanner{text: " " + r.Data, line: 1}
	e, _ := sc.next()
	var b strings.Builder
	for _, w := range e.words {
		b.WriteString(unescape(w.text))
	}
	return b.String()
}
