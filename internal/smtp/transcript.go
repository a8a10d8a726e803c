package smtp

import "strings"

// Stages of a conversation, in the order in which they happen.
const (
	StageConnect  = "connect"
	StageBanner   = "banner"
	StageEHLO     = "ehlo"
	StageHELO     = "helo" // only where EHLO was refused as unknown (RFC 5321 section 3.2)
	StageSTARTTLS = "starttls"
	StageTLS      = "tls"
	StageEHLOTLS  = "ehlo-tls"
	StageMail     = "mail"
	StageRcpt     = "rcpt"
	StageRset     = "rset"
	StageQuit     = "quit"
)

// A Reply is one SMTP reply (RFC 5321 section 4.2). Lines hold the text after
// code and separator, one element a line, as they came; a byte that is not
// UTF-8 is written \xNN.
type Reply struct {
	Code  int      `json:"code"`
	Lines []string `json:"lines"`
}

// Text joins the lines with a blank.
func (r Reply) Text() string { return strings.Join(r.Lines, " ") }

// Enhanced gives the enhanced status code (RFC 3463) at the start of the text,
// such as "5.7.1", or "" where there is none.
func (r Reply) Enhanced() string {
	if len(r.Lines) == 0 {
		return ""
	}
	word, _, _ := strings.Cut(r.Lines[0], " ")
	parts := strings.Split(word, ".")
	if len(parts) != 3 || len(parts[0]) != 1 || !strings.Contains("245", parts[0]) {
		return ""
	}
	for _, p := range parts[1:] {
		if p == "" || len(p) > 3 || strings.Trim(p, "0123456789") != "" {
			return ""
		}
	}
	return word
}

// An Exchange is one command and its reply. The banner has no command. A
// missing Reply means that none came; QUIT and the handshake (StageTLS) never
// have one.
type Exchange struct {
	Stage   string   `json:"stage"`
	Form    string   `json:"form,omitempty"` // name of the envelope that this command belongs to
	Command string   `json:"command,omitempty"`
	Reply   *Reply   `json:"reply,omitempty"`
	Millis  int      `json:"ms,omitempty"`    // from the sending of the command, or of its group, to the end of the reply
	Notes   []string `json:"notes,omitempty"` // what was odd about the reply
	Raw     string   `json:"raw,omitempty"`   // the beginning of what came instead of a reply, or after it
}

// Oddities of a reply.
const (
	NoteBareLF     = "bare-lf"     // lines ended with LF alone
	NoteCut        = "line-cut"    // a line was longer than MaxLine and is cut there
	NoteMixedCodes = "mixed-codes" // the lines had different codes; the last one counts
	NoteUnasked    = "unasked"     // more came than the reply: Raw. After STARTTLS that is plaintext injected before TLS
)

// An Envelope is one pair of sender and recipient to try: MAIL, RCPT, RSET,
// never DATA.
type Envelope struct {
	Form string // names the form: "control-postmaster", "null-sender", ...
	From string // reverse-path without angle brackets; "" is the null sender
	To   string // forward-path without angle brackets
}

// Envelopes is a list with a text form, so that a probe that carries one stays
// comparable: a line each, the three fields separated by tabs.
type Envelopes []Envelope

func (es Envelopes) String() string {
	var b strings.Builder
	for _, e := range es {
		b.WriteString(e.Form + "\t" + e.From + "\t" + e.To + "\n")
	}
	return b.String()
}

// ParseEnvelopes reads the text form. Lines that are not of that form, or whose
// paths hold control characters or angle brackets, are dropped.
func ParseEnvelopes(s string) Envelopes {
	var es Envelopes
	for line := range strings.Lines(s) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 || strings.ContainsAny(f[1]+f[2], "<>\r\n\x00") {
			continue
		}
		es = append(es, Envelope{f[0], f[1], f[2]})
	}
	return es
}
