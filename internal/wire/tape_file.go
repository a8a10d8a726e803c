package wire

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// TapeVersion is the version of the tape file format that is written and read.
const TapeVersion = 1

// Save writes the tape: one JSON object, the header's fields first, then one answer a
// line, sorted by Ref, so that two tapes can be compared with diff. The same answers
// always give the same bytes. Requests that are not answered yet are left out. What no
// replay would read is not written.
func (t *Tape) Save(w io.Writer) error {
	t.mu.Lock()
	t.recallAll()
	h := t.header
	dns, pages, talks := finished(t.dns), finished(t.pages), finished(t.talks)
	t.mu.Unlock()

	var err error
	if h.Options, err = compact(h.Options); err != nil {
		return fmt.Errorf("save recording: options: %w", err)
	}
	if h.Receipt, err = compact(h.Receipt); err != nil {
		return fmt.Errorf("save recording: receipt: %w", err)
	}
	head, err := encode(h)
	if err != nil {
		return fmt.Errorf("save recording: header: %w", err)
	}
	if n := len(dns) + len(pages) + len(talks); n > maxEntries {
		return fmt.Errorf("save recording: %d answers, and a replay reads no more than %d: audit fewer domains at a time", n, maxEntries)
	}
	b := bufio.NewWriter(&rationedWriter{w, MaxTape})
	b.Write(bytes.TrimSuffix(head, []byte("}")))
	if err := errors.Join(writeSection(b, "dns", dns), writeSection(b, "pages", pages), writeSection(b, "sessions", talks)); err != nil {
		return fmt.Errorf("save recording: %w", err)
	}
	b.WriteString("}\n")
	if err := b.Flush(); err != nil {
		return fmt.Errorf("save recording: %w", err)
	}
	return nil
}

// A rationedWriter takes no more than left bytes.
type rationedWriter struct {
	w    io.Writer
	left int
}

func (r *rationedWriter) Write(p []byte) (int, error) {
	if r.left -= len(p); r.left < 0 {
		return 0, fmt.Errorf("it would be longer than the %d MiB that a replay reads: audit fewer domains at a time", MaxTape>>20)
	}
	return r.w.Write(p)
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

// writeSection writes one kind of answers; b keeps the error of writing.
func writeSection[T any](b *bufio.Writer, name string, m map[Ref]*T) error {
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
