package fix

import (
	"slices"
	"strconv"
	"strings"

	"mxvet/internal/paste"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// defaultTTL is for records where there were none, in seconds.
const defaultTTL = 3600

// A published record is one of an answer, as it stands there.
type published struct {
	owner, data string
	text        string // TXT: strings joined
}

// publishedAt gives the records of that type in an answer.
func publishedAt(a wire.Answer, rrtype string) []published {
	var out []published
	for _, line := range a.Answer {
		f := strings.SplitN(line, "\t", 5)
		if len(f) != 5 || f[3] != rrtype {
			continue
		}
		p := published{owner: zone.Name(f[0]), data: f[4]}
		if texts := (wire.Answer{Answer: []string{line}}).TXT(); len(texts) == 1 {
			p.text = texts[0]
		}
		out = append(out, p)
	}
	return out
}

// dataOf gives the data of the TXT records in an answer that hold one of these
// texts.
func dataOf(a wire.Answer, texts ...string) []string {
	var out []string
	for _, p := range publishedAt(a, "TXT") {
		if slices.Contains(texts, p.text) && !slices.Contains(out, p.data) {
			out = append(out, p.data)
		}
	}
	return out
}

// replace gives the change that puts texts where records with other texts are.
func replace(name string, a wire.Answer, old []string, texts ...string) zone.Change {
	c := zone.Change{Owner: name, Type: "TXT", Remove: dataOf(a, old...), TTL: ttlFor(a, "TXT")}
	for _, t := range texts {
		c.Add = append(c.Add, Quote(t))
	}
	return c
}

// Quote gives a text as the data of a TXT record in presentation format: strings
// of at most 255 octets, each in quotes, cut behind a blank where there is one
// near.
func Quote(text string) string {
	const most, near = 255, 128
	var parts []string
	for {
		n := min(len(text), most)
		if blank := strings.LastIndexByte(text[:n], ' ') + 1; n < len(text) && blank > near {
			n = blank
		}
		parts = append(parts, quoteString(text[:n]))
		if text = text[n:]; text == "" {
			return strings.Join(parts, " ")
		}
	}
}

func quoteString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			b.WriteByte('\\')
			b.WriteString(strconv.Itoa(1000 + int(c))[1:])
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// usualTTLs are those that people write into zones, in seconds.
var usualTTLs = []uint32{60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 28800, 43200, 86400, 172800, 259200, 604800}

// ttlFor gives the TTL for a record that joins or replaces those of an answer. A
// resolver counts down, so what it shows is taken for the next usual value.
func ttlFor(a wire.Answer, rrtype string) uint32 {
	ttl, found := a.TTL(rrtype)
	switch {
	case !found:
		return defaultTTL
	case a.AA || a.Assumed:
		return ttl
	}
	for _, usual := range usualTTLs {
		if ttl <= usual {
			return usual
		}
	}
	return ttl
}

// visible gives the seconds for which caches may go on to give what an answer
// shows now: its records, or that there are none (RFC 2308 section 5).
func visible(a wire.Answer, rrtype string) int {
	if _, found := a.TTL(rrtype); found {
		return int(ttlFor(a, rrtype))
	}
	for _, line := range a.Authority {
		f := strings.Fields(line)
		if len(f) != 11 || f[3] != "SOA" {
			continue
		}
		ttl, err := strconv.ParseUint(f[1], 10, 31)
		minimum, err2 := strconv.ParseUint(f[10], 10, 31)
		if err == nil && err2 == nil {
			return int(min(ttl, minimum))
		}
	}
	return defaultTTL
}

// undo says how changes are taken back: the first line in words, then the records
// to publish again. Records that are named by type alone are told by type.
func undo(changes []zone.Change) paste.Text {
	var lines, types []paste.Text
	added := 0
	for _, c := range changes {
		added += len(c.Add)
		for _, data := range c.Remove {
			if data == "*" {
				types = append(types, paste.Words("the %s record of %s", c.Type, c.Owner))
				continue
			}
			lines = append(lines, paste.Record(c.Owner, int(c.TTL), c.Type, data))
		}
	}
	switch {
	case len(lines)+len(types) == 0 && added == 1:
		return paste.Words("remove the record")
	case len(lines)+len(types) == 0:
		return paste.Words("remove the records")
	case len(lines) == 0:
		return paste.Words("publish %s again", paste.Join(types, " and "))
	}
	first := paste.Words("publish again:")
	if len(types) > 0 {
		first = paste.Words("publish again %s, and:", paste.Join(types, " and "))
	}
	return paste.Join(append([]paste.Text{first}, lines...), "\n")
}

// removal gives the change that takes stray texts away from a place; its Remove
// is empty where there is nothing to take.
func removal(p wire.Asked, texts ...string) zone.Change {
	if p.Failed() || len(p.Answer.Chain(p.Name)) > 0 {
		return zone.Change{}
	}
	return zone.Change{Owner: p.Name, Type: "TXT", Remove: dataOf(p.Answer, texts...), TTL: ttlFor(p.Answer, "TXT")}
}
