package wire

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// TapeVersion is the version of the tape file format that is written and read.
const TapeVersion = 1

// MaxTape is the size, in bytes, of the longest tape file that is read. A tape of
// one domain has some hundred kilobytes.
const MaxTape = 128 << 20

// tapeFile is the file form: one JSON object, the header's fields first.
type tapeFile struct {
	Header
	DNS      map[Ref]*Answer  `json:"dns,omitempty"`
	Pages    map[Ref]*Page    `json:"pages,omitempty"`
	Sessions map[Ref]*Session `json:"sessions,omitempty"`
}

// Save writes the tape: JSON with one answer a line, sorted by Ref, so that two
// tapes can be compared with diff. The same answers always give the same bytes.
// Requests that are not answered yet are left out.
func (t *Tape) Save(w io.Writer) error {
	t.mu.Lock()
	h := t.header
	dns, pages, talks := finished(t.dns), finished(t.pages), finished(t.talks)
	t.mu.Unlock()

	var err error
	if h.Options, err = compact(h.Options); err != nil {
		return fmt.Errorf("save tape: options: %w", err)
	}
	if h.Receipt, err = compact(h.Receipt); err != nil {
		return fmt.Errorf("save tape: receipt: %w", err)
	}
	head, err := encode(h)
	if err != nil {
		return fmt.Errorf("save tape: header: %w", err)
	}
	b := bufio.NewWriter(w)
	b.Write(bytes.TrimSuffix(head, []byte("}")))
	if err := errors.Join(section(b, "dns", dns), section(b, "pages", pages), section(b, "sessions", talks)); err != nil {
		return fmt.Errorf("save tape: %w", err)
	}
	b.WriteString("}\n")
	if err := b.Flush(); err != nil {
		return fmt.Errorf("save tape: %w", err)
	}
	return nil
}

func finished[T any](m map[Ref]*entry[T]) map[Ref]*T {
	out := map[Ref]*T{}
	for ref, e := range m {
		if v := ready(e); v != nil {
			out[ref] = v
		}
	}
	return out
}

// section writes one kind of answers; b keeps the error of writing.
func section[T any](b *bufio.Writer, name string, m map[Ref]*T) error {
	if len(m) == 0 {
		return nil
	}
	b.WriteString(",\n\"" + name + "\":{")
	for i, ref := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := encode(ref)
		if err != nil {
			return fmt.Errorf("%s: %w", ref, err)
		}
		value, err := encode(m[ref])
		if err != nil {
			return fmt.Errorf("%s: %w", ref, err)
		}
		b.WriteString("\n ")
		b.Write(key)
		b.WriteString(": ")
		b.Write(value)
	}
	b.WriteString("\n}")
	return nil
}

// encode is json.Marshal without the escapes for HTML, which make policies and
// addresses in angle brackets hard to read.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// LoadTape reads a tape for a replay. The file may come from anybody: it is
// refused when it is longer than MaxTape, of another version, or holds anything
// that no run writes. The error says which.
func LoadTape(r io.Reader) (*Tape, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxTape+1))
	if err != nil {
		return nil, fmt.Errorf("read tape: %w", err)
	}
	if len(data) > MaxTape {
		return nil, fmt.Errorf("tape is longer than %d MiB", MaxTape>>20)
	}
	var version struct {
		Version *int `json:"version"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, fmt.Errorf("not a tape, or one that was cut off: %w (a tape is the file that --record wrote)", err)
	}
	switch v := version.Version; {
	case v == nil:
		return nil, errors.New("not a tape: it has no version (a tape is the file that --record wrote)")
	case *v > TapeVersion:
		return nil, fmt.Errorf("tape version %d, and this program reads version %d: use a newer mxvet", *v, TapeVersion)
	case *v != TapeVersion:
		return nil, fmt.Errorf("tape version %d, and this program reads version %d: record it again", *v, TapeVersion)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var f tapeFile
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("tape: %w", err)
	}
	t := NewTape(nil, f.Header)
	if err := errors.Join(
		fill(t.dns, f.DNS, checkAnswer),
		fill(t.pages, f.Pages, checkPage),
		fill(t.talks, f.Sessions, checkSession),
	); err != nil {
		return nil, err
	}
	return t, nil
}

// fill puts what a file holds into m; check says why a request and its answer
// cannot be of a tape.
func fill[T any](m map[Ref]*entry[T], from map[Ref]*T, check func(Ref, *T) string) error {
	done := make(chan struct{})
	close(done)
	for _, ref := range slices.Sorted(maps.Keys(from)) {
		if from[ref] == nil {
			return fmt.Errorf("tape: %q has no answer", ref)
		}
		if why := check(ref, from[ref]); why != "" {
			return fmt.Errorf("tape: %q: %s", ref, why)
		}
		if a, ok := any(from[ref]).(*Answer); ok {
			a.settle()
		}
		m[ref] = &entry[T]{done: done, value: *from[ref]}
	}
	return nil
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
	for _, s := range slices.Concat(a.Answer, a.Authority) {
		if strings.Count(s, "\t") < 4 || strings.ContainsAny(s, "\r\n") || s[0] == '$' || s[0] == '\t' {
			return fmt.Sprintf("not a record: %q", s)
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
	return ""
}

func checkSession(ref Ref, s *Session) string {
	if k := ref.kind(); k == "dns" || k == "get" || k == string(ref) {
		return "not a conversation"
	}
	if s.Millis < 0 || s.Connect < 0 {
		return "a negative time"
	}
	for _, x := range s.Exchanges {
		if x.Millis < 0 || x.Reply != nil && (x.Reply.Code < 0 || x.Reply.Code > 999) {
			return "not an exchange with a server"
		}
	}
	return ""
}
