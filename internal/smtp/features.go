package smtp

import (
	"slices"
	"strconv"
	"strings"
)

// Find gives the first exchange of that stage, or nil where there is none.
func Find(exchanges []Exchange, stage string) *Exchange {
	i := slices.IndexFunc(exchanges, func(e Exchange) bool { return e.Stage == stage })
	if i < 0 {
		return nil
	}
	return &exchanges[i]
}

// Answered gives the reply of the first exchange of that stage, or nil where
// none came.
func Answered(exchanges []Exchange, stage string) *Reply {
	if e := Find(exchanges, stage); e != nil {
		return e.Reply
	}
	return nil
}

// Banner gives the server's greeting, or nil where none came.
func Banner(exchanges []Exchange) *Reply { return Answered(exchanges, StageBanner) }

// FirstWord gives the first word of a reply, in lower case without a final dot:
// where a banner or a reply to EHLO has the server's name (RFC 5321 section 4.2).
// It may be anything, also an address literal or a word that is no name.
func (r Reply) FirstWord() string {
	if len(r.Lines) == 0 {
		return ""
	}
	word, _, _ := strings.Cut(strings.TrimLeft(r.Lines[0], " \t"), " ")
	return strings.ToLower(strings.TrimSuffix(word, "."))
}

// HostName gives the name that a server gives itself in its banner or in its
// reply to EHLO: the first word of a 220 or 250, where that is a host name of two
// labels or more; else "". A refusal begins with whatever its author liked, such
// as an enhanced status code.
func (r Reply) HostName() string {
	name := r.FirstWord()
	if r.Code != 220 && r.Code != 250 || !strings.Contains(name, ".") || len(name) > 253 {
		return ""
	}
	letter := false // an address or a number is no name
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label {
			return ""
		}
		letter = false
		for _, c := range label {
			switch {
			case c >= 'a' && c <= 'z':
				letter = true
			case c >= '0' && c <= '9', c == '-', c == '_':
			default:
				return ""
			}
		}
	}
	if !letter {
		return ""
	}
	return name
}

// A Keyword is one line of a reply to EHLO.
type Keyword struct {
	Name   string // in upper case
	Params string // what follows, as sent
}

// KeywordList gives the keywords of a reply to EHLO in the order in which they
// came; the first line is the greeting and none of them (RFC 5321 section
// 4.1.1.1). The old form AUTH=LOGIN counts as AUTH LOGIN.
func KeywordList(r Reply) []Keyword {
	var out []Keyword
	if r.Code/100 != 2 {
		return nil
	}
	for _, line := range r.Lines[min(1, len(r.Lines)):] {
		line = strings.TrimSpace(line)
		end := strings.IndexAny(line, " \t=")
		if end < 0 {
			end = len(line)
		}
		if end > 0 {
			out = append(out, Keyword{strings.ToUpper(line[:end]), strings.Trim(line[end:], " \t=")})
		}
	}
	return out
}

// Keywords gives the same as a map. The parameters of a keyword that comes
// twice are joined with a blank.
func Keywords(r Reply) map[string]string {
	out := map[string]string{}
	for _, k := range KeywordList(r) {
		if had, twice := out[k.Name]; twice {
			k.Params = strings.TrimSpace(had + " " + k.Params)
		}
		out[k.Name] = k.Params
	}
	return out
}

// Features is what one reply to EHLO offers.
type Features struct {
	Host         string // the server's name for itself, as HostName gives it
	Keywords     []Keyword
	Pipelining   bool           // RFC 2920
	StartTLS     bool           // RFC 3207
	EightBitMIME bool           // RFC 6152
	SMTPUTF8     bool           // RFC 6531
	Enhanced     bool           // ENHANCEDSTATUSCODES, RFC 2034
	RequireTLS   bool           // RFC 8689
	Chunking     bool           // RFC 3030
	DSN          bool           // RFC 3461
	SizeOffered  bool           // RFC 1870
	Size         int64          // largest message in bytes; 0 = no fixed limit, or none given
	Auth         []string       // mechanisms in upper case, in their order, each once (RFC 4954)
	Limits       map[string]int // RFC 9422: RCPTMAX, MAILMAX, RCPTDOMAINMAX
}

// ReadFeatures reads a reply to EHLO. Another reply offers nothing.
func ReadFeatures(r Reply) Features {
	words := Keywords(r)
	has := func(name string) bool { _, ok := words[name]; return ok }
	f := Features{
		Host:         r.HostName(),
		Keywords:     KeywordList(r),
		Pipelining:   has("PIPELINING"),
		StartTLS:     has("STARTTLS"),
		EightBitMIME: has("8BITMIME"),
		SMTPUTF8:     has("SMTPUTF8"),
		Enhanced:     has("ENHANCEDSTATUSCODES"),
		RequireTLS:   has("REQUIRETLS"),
		Chunking:     has("CHUNKING"),
		DSN:          has("DSN"),
		SizeOffered:  has("SIZE"),
	}
	if n, err := strconv.ParseInt(words["SIZE"], 10, 64); err == nil && n > 0 {
		f.Size = n
	}
	for m := range strings.FieldsSeq(strings.ToUpper(words["AUTH"])) {
		if !slices.Contains(f.Auth, m) {
			f.Auth = append(f.Auth, m)
		}
	}
	for p := range strings.FieldsSeq(words["LIMITS"]) {
		name, value, _ := strings.Cut(p, "=")
		if n, err := strconv.Atoi(value); err == nil && n >= 0 {
			if f.Limits == nil {
				f.Limits = map[string]int{}
			}
			f.Limits[strings.ToUpper(name)] = n
		}
	}
	return f
}

// Offered gives what the server offered at StageEHLO (in clear text) or
// StageEHLOTLS, and nil where that EHLO was not accepted or never sent: then
// nothing is known. A server that only knows HELO offers nothing, for certain.
func Offered(exchanges []Exchange, stage string) *Features {
	r := Answered(exchanges, stage)
	if stage == StageEHLO && (r == nil || r.Code/100 != 2) {
		if helo := Answered(exchanges, StageHELO); helo != nil && helo.Code/100 == 2 {
			return &Features{Host: helo.HostName()}
		}
	}
	if r == nil || r.Code/100 != 2 {
		return nil
	}
	return new(ReadFeatures(*r))
}
