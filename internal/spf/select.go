package spf

import "strings"

// version is the version section of a record (RFC 7208 section 4.5).
const version = "v=spf1"

// hasVersion reports whether a text is an SPF record: the version, in any case,
// followed by a blank or by nothing.
func hasVersion(text string) bool {
	return len(text) >= len(version) && lower(text[:len(version)]) == version &&
		(len(text) == len(version) || text[len(version)] == ' ')
}

// Select picks the SPF records from the TXT records of one name, strings already
// joined (RFC 7208 section 4.5), and the texts that were probably meant as one
// but that no receiver sees. More than one record is a permerror.
func Select(txts []string) (records []string, near []NearMiss) {
	for _, text := range txts {
		if hasVersion(text) {
			records = append(records, text)
		} else if m, ok := nearMiss(text); ok {
			near = append(near, m)
		}
	}
	return records, near
}

// A Near says why a text is not the SPF record that it resembles.
type Near string

// Ways to miss the version section.
const (
	NearLeading   Near = "leading-text"  // a blank, a quote or a byte order mark before the version
	NearSeparator Near = "separator"     // no blank after the version: "v=spf1;"
	NearGlued     Near = "glued"         // a term directly after the version: "v=spf1mx"
	NearVersion   Near = "other-version" // "v=spf10", "v=spf2"
	NearBlank     Near = "inner-blank"   // "v=spf 1", "v = spf1"
	NearNoTag     Near = "no-tag"        // "spf1 ..." without "v="
	NearSpelling  Near = "spelling"      // "v=sfp1", "v:spf1", with terms behind it
	NearSenderID  Near = "sender-id"     // "spf2.0/...", which is another protocol (RFC 4406)
)

// A NearMiss is a text that resembles an SPF record and is none.
type NearMiss struct {
	Text string
	Why  Near
	Rest string // what follows the version as it was meant, without leading blanks
}

func nearMiss(text string) (NearMiss, bool) {
	trimmed := strings.TrimLeft(text, " \t\r\n\"'`\u00a0\ufeff\u201c\u201d\u200b")
	miss := func(why Near, used int) (NearMiss, bool) {
		return NearMiss{text, why, strings.TrimLeft(trimmed[used:], " \t;,:\"'")}, true
	}
	s := lower(trimmed)
	switch {
	case strings.HasPrefix(s, "spf2.0"):
		return miss(NearSenderID, len("spf2.0"))
	case strings.HasPrefix(s, version):
		switch rest := s[len(version):]; {
		case rest == "" || rest[0] == ' ':
			return miss(NearLeading, len(version))
		case isDigit(rest[0]) || rest[0] == '.' && len(rest) > 1 && isDigit(rest[1]):
			return miss(NearVersion, len(version))
		case isAlpha(rest[0]) || strings.IndexByte("+-~?", rest[0]) >= 0:
			return miss(NearGlued, len(version))
		default:
			return miss(NearSeparator, len(version))
		}
	case strings.HasPrefix(s, "v=spf") && len(s) > 5 && isDigit(s[5]):
		return miss(NearVersion, 6)
	case strings.HasPrefix(s, "spf1") && (len(s) == 4 || strings.IndexByte(" ;\t:", s[4]) >= 0):
		return miss(NearNoTag, 4)
	}
	if used, ok := spaced(s); ok {
		return miss(NearBlank, used)
	}
	first, rest, _ := strings.Cut(s, " ")
	if len(first) >= 4 && len(first) <= 8 && strings.Contains(first, "1") && distance(first, version) <= 2 && looksLikeTerms(rest) {
		return miss(NearSpelling, len(first))
	}
	return NearMiss{}, false
}

// spaced reports whether s starts with the version written with blanks inside,
// and how long that is.
func spaced(s string) (int, bool) {
	at := 0
	for i := range len(version) {
		for at < len(s) && (s[at] == ' ' || s[at] == '\t') {
			at++
		}
		if at == len(s) || s[at] != version[i] {
			return 0, false
		}
		at++
	}
	return at, true
}

// looksLikeTerms reports whether a text holds a term that only SPF has.
func looksLikeTerms(s string) bool {
	for word := range strings.FieldsSeq(s) {
		switch strings.TrimLeft(word, "+-~?") {
		case "all", "mx", "a", "ptr":
			return true
		}
		if strings.HasPrefix(word, "include:") || strings.HasPrefix(word, "ip4:") ||
			strings.HasPrefix(word, "ip6:") || strings.HasPrefix(word, "redirect=") {
			return true
		}
	}
	return false
}
