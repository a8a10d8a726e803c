package wire

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"mxvet/internal/smtp"
)

// Bounds of what a recording may hold, which are those of what a run can make: what
// comes from elsewhere must not cost more. A recording of one domain has some hundred
// kilobytes in a few hundred answers.
const (
	MaxTape    = 48 << 20 // bytes of the file
	maxEntries = 200_000  // answers
	maxElement = 4 << 20  // bytes of one answer, written as JSON
	maxOptions = 8 << 20  // bytes of what was asked for

	maxText      = 1 << 20 // bytes of one conversation, with what is not UTF-8 replaced
	maxExchanges = 200
	maxNotes     = 16
)

const madeBy = "a recording is the file that --record wrote"

// LoadTape reads a tape for a replay. The file may come from anybody: it is
// refused when it is of another version, or holds more than a run can write, or
// anything that no run writes. The error says which. Answers are kept as they are
// written, and read again when they are asked for.
func LoadTape(r io.Reader) (*Tape, error) {
	l := loader{in: &rationed{r: r, file: MaxTape}, tape: NewTape(nil, Header{})}
	l.json = json.NewDecoder(l.in)
	if err := l.object(l.field); err != nil {
		return nil, l.failed(err)
	}
	if _, err := l.json.Token(); err != io.EOF {
		return nil, l.failed(cmp.Or(err, errors.New("not a recording: there is more behind its end")))
	}
	if !l.versioned {
		return nil, fmt.Errorf("not a recording: it has no version (%s)", madeBy)
	}
	return l.tape, nil
}

// A loader reads one tape file. It never holds more of it in memory than it keeps.
type loader struct {
	in        *rationed
	json      *json.Decoder
	tape      *Tape
	versioned bool
	answers   int
}

// A rationed reader ends in an error where the file, or the element that is being
// read, is too long.
type rationed struct {
	r             io.Reader
	file, element int64 // bytes that may still come
	fault         error // what r gave
}

var errElement = errors.New("an element is too long")

func (r *rationed) Read(p []byte) (int, error) {
	if r.file < 0 {
		return 0, fmt.Errorf("longer than %d MiB", MaxTape>>20)
	}
	if r.element <= 0 {
		return 0, errElement
	}
	n, err := r.r.Read(p[:min(int64(len(p)), r.element, r.file+1)])
	r.file, r.element = r.file-int64(n), r.element-int64(n)
	if err != nil && err != io.EOF {
		r.fault = err
	}
	return n, err
}

// failed says what is wrong with the file in words.
func (l *loader) failed(err error) error {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	kind, typed := errors.AsType[*json.UnmarshalTypeError](err)
	switch at := l.json.InputOffset(); {
	case l.in.fault != nil:
		return fmt.Errorf("read recording: %w", l.in.fault)
	case l.in.file < 0:
		return fmt.Errorf("longer than %d MiB, which is more than a recording has (%s)", MaxTape>>20, madeBy)
	case errors.Is(err, errElement):
		return fmt.Errorf("behind octet %d there is more in one piece than a recording has", at)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("not a recording, or one that was cut off: it ends too early, behind octet %d (%s)", at, madeBy)
	case syntax:
		return fmt.Errorf("not a recording, or one that was changed: it is no JSON behind octet %d (%s)", at, madeBy)
	case typed:
		return fmt.Errorf("not a recording, or one that was changed: a %s stands where a recording has something else, before octet %d", kind.Value, at)
	}
	return err
}

// value reads one value of up to most bytes into v, strictly.
func (l *loader) value(v any, most int64) error {
	l.in.element = most
	return l.json.Decode(v)
}

// object reads an object, giving each key to each, which reads the value.
func (l *loader) object(each func(key string) error) error {
	l.in.element = maxElement
	open, err := l.json.Token()
	if err != nil {
		return err
	}
	if open != json.Delim('{') {
		return fmt.Errorf("not a recording: something else stands where a recording has an object, before octet %d (%s)", l.json.InputOffset(), madeBy)
	}
	for {
		l.in.element = maxElement
		key, err := l.json.Token()
		if err != nil {
			return err
		}
		name, ok := key.(string)
		if !ok {
			return nil // the end of the object
		}
		if err := each(name); err != nil {
			return err
		}
	}
}

func (l *loader) field(name string) error {
	h := &l.tape.header
	switch name {
	case "version":
		l.versioned = true
		var n json.Number
		if err := l.value(&n, maxElement); err != nil {
			return err
		}
		return versionFits(n)
	case "tool":
		return l.value(&h.Tool, maxElement)
	case "seed":
		return l.value(&h.Seed, maxElement)
	case "at":
		var text string
		if err := l.value(&text, maxElement); err != nil {
			return err
		}
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return fmt.Errorf("the recording's time (at) is %.40q, and should be as in \"2026-03-01T12:00:00Z\"", text)
		}
		h.At = at.UTC().Round(0)
		return nil
	case "options":
		return l.value(&h.Options, maxOptions)
	case "receipt":
		return l.value(&h.Receipt, maxElement)
	case "dns":
		return l.object(section(l, checkAnswer))
	case "pages":
		return l.object(section(l, checkPage))
	case "sessions":
		return l.object(section(l, checkSession))
	}
	return fmt.Errorf("the recording has a field %.40q, which no recording has", name)
}

func versionFits(n json.Number) error {
	switch v, err := n.Int64(); {
	case n.String() == "":
		return fmt.Errorf("not a recording: it has no version (%s)", madeBy)
	case err == nil && v == TapeVersion:
		return nil
	case err == nil && v < TapeVersion:
		return fmt.Errorf("the recording has version %d, and this program reads version %d: record it again", v, TapeVersion)
	}
	return fmt.Errorf("the recording has version %.20s, and this program reads version %d: use a newer mxvet", n, TapeVersion)
}

// section gives what reads one kind of answers; check says why a request and its
// answer cannot be of a tape.
func section[T any](l *loader, check func(Ref, *T) string) func(string) error {
	return func(key string) error {
		ref := Ref(key)
		if l.answers++; l.answers > maxEntries {
			return fmt.Errorf("more than %d answers, which is more than a recording has", maxEntries)
		}
		var text json.RawMessage
		if err := l.value(&text, maxElement); err != nil {
			return err
		}
		v, err := answered[T](string(text))
		switch {
		case err != nil:
			return fmt.Errorf("recording: %.300q: %w", ref, err)
		case v == nil:
			return fmt.Errorf("recording: %.300q has no answer", ref)
		}
		if why := check(ref, v); why != "" {
			return fmt.Errorf("recording: %.300q: %s", ref, why)
		}
		l.tape.stored[ref] = string(text)
		return nil
	}
}

// answered reads an answer as it is written in a file, nil for none.
func answered[T any](text string) (*T, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	var v *T
	if err := d.Decode(&v); err != nil {
		if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return nil, fmt.Errorf("%q is a %s, which is not what a recording has there", kind.Field, kind.Value)
		}
		return nil, errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return v, nil
}

// settle gives an answer the failure that its RCODE is: whoever reads answers may rely
// on one, and a recording that was made by other means need not have it.
func (a *Answer) settle() {
	switch {
	case a.Fail == nil && (a.Rcode == "NOERROR" || a.Rcode == "NXDOMAIN"):
		return
	case a.Fail == nil && a.Rcode == "":
		a.Fail = &Fail{FailProtocol, "the recording holds no answer to this question"}
	case a.Fail == nil:
		a.Fail = failedBy(a.Rcode, cmp.Or(a.From, "the server"), a.EDE)
	}
	a.Answer, a.Authority, a.Additional = nil, nil, nil
}

func checkAnswer(ref Ref, a *Answer) string {
	if ref.kind() != "dns" {
		return "not a question"
	}
	if a.Millis < 0 {
		return "a negative time"
	}
	if why := a.excess(); why != "" {
		return why
	}
	if len(a.EDE) > maxAliases*maxEDE {
		return fmt.Sprintf("%d extended errors, more than any answer has", len(a.EDE))
	}
	for _, list := range [][]string{a.Answer, a.Authority, a.Additional} {
		for _, s := range list {
			if strings.Count(s, "\t") < 4 || strings.ContainsAny(s, "\r\n") || s[0] == '\t' {
				return fmt.Sprintf("not a record: %.300q", s)
			}
		}
	}
	return ""
}

func checkPage(ref Ref, p *Page) string {
	if ref.kind() != "get" {
		return "not a request for a page"
	}
	if p.Millis < 0 {
		return "a negative time"
	}
	if len(p.Body) > MaxBody {
		return fmt.Sprintf("a page of %d bytes, and no more than %d are kept of any", len(p.Body), MaxBody)
	}
	return p.TLS.excess()
}

func checkSession(ref Ref, s *Session) string {
	if k := ref.kind(); k == "dns" || k == "get" || k == string(ref) {
		return "not a conversation"
	}
	if s.Millis < 0 || s.Connect < 0 {
		return "a negative time"
	}
	if len(s.Exchanges) > maxExchanges {
		return fmt.Sprintf("%d commands in one conversation, more than mxvet sends", len(s.Exchanges))
	}
	size := 0
	for _, x := range s.Exchanges {
		size += len(x.Command) + len(x.Raw)
		if x.Reply != nil {
			if len(x.Reply.Lines) > smtp.MaxLines {
				return fmt.Sprintf("a reply of %d lines, and no more than %d are read", len(x.Reply.Lines), smtp.MaxLines)
			}
			for _, line := range x.Reply.Lines {
				size += len(line)
			}
		}
		if size > maxText || len(x.Notes) > maxNotes {
			return "more in one conversation than is kept of any"
		}
		if x.Millis < 0 || x.Reply != nil && (x.Reply.Code < 0 || x.Reply.Code > 999) {
			return "not an exchange with a server"
		}
	}
	return s.TLS.excess()
}

// excess says that there are more certificates than a handshake can carry.
func (t *TLS) excess() string {
	if t != nil && len(t.Chain) > maxChain {
		return fmt.Sprintf("a chain of %d certificates", len(t.Chain))
	}
	return ""
}
