package smtp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// A reader reads replies within the bounds.
type reader struct {
	r    *bufio.Reader
	left int // bytes that may still come
}

func newReader(r io.Reader, left int) *reader {
	return &reader{bufio.NewReaderSize(r, MaxLine), left}
}

// line reads one line without its end. A line longer than MaxLine is cut there
// and the rest of it skipped. On an error the line is what came of it.
func (r *reader) line() (line []byte, notes []string, err error) {
	part, err := r.r.ReadSlice('\n')
	r.left -= len(part)
	line = bytes.Clone(part)
	for errors.Is(err, bufio.ErrBufferFull) && r.left >= 0 {
		notes = []string{NoteCut}
		part, err = r.r.ReadSlice('\n')
		r.left -= len(part)
	}
	switch {
	case r.left < 0:
		return line, notes, fmt.Errorf("%w: more than %d bytes", ErrLimit, MaxBytes)
	case errors.Is(err, io.EOF) && len(line) > 0:
		return line, notes, io.ErrUnexpectedEOF
	case err != nil:
		return line, notes, err
	}
	if len(notes) == 0 {
		line = line[:len(line)-1]
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
		} else {
			notes = []string{NoteBareLF}
		}
	}
	return line, notes, nil
}

// reply reads one reply. On an error raw is the beginning of what came.
func (r *reader) reply() (reply Reply, notes []string, raw string, err error) {
	var seen []byte
	for {
		line, more, err := r.line()
		if len(seen) < maxRaw {
			seen = append(seen, line...)
			seen = append(seen, '\n')
		}
		add(&notes, more...)
		if err != nil {
			return Reply{}, notes, rawText(seen), err
		}
		code, text, last, ok := parseLine(line)
		if !ok {
			return Reply{}, notes, rawText(seen), fmt.Errorf("%w: line %d of the reply is %q", ErrProtocol, len(reply.Lines)+1, short(line))
		}
		if reply.Code != 0 && reply.Code != code {
			add(&notes, NoteMixedCodes)
		}
		reply.Code = code
		reply.Lines = append(reply.Lines, printable(text))
		if last {
			return reply, notes, "", nil
		}
		if len(reply.Lines) == MaxLines {
			return Reply{}, notes, rawText(seen), fmt.Errorf("%w: a reply of more than %d lines", ErrLimit, MaxLines)
		}
	}
}

// buffered takes what has come beyond the last reply.
func (r *reader) buffered() []byte {
	b, _ := r.r.Peek(r.r.Buffered())
	b = bytes.Clone(b)
	_, _ = r.r.Discard(len(b))
	r.left -= len(b)
	return b
}

// parseLine reads one line of a reply (RFC 5321 section 4.2): code, separator,
// text. A code alone is the last line. Codes below 200 have no use in SMTP.
func parseLine(line []byte) (code int, text []byte, last, ok bool) {
	if len(line) < 3 {
		return 0, nil, false, false
	}
	for _, c := range line[:3] {
		if c < '0' || c > '9' {
			return 0, nil, false, false
		}
		code = code*10 + int(c-'0')
	}
	if code < 200 || code > 599 {
		return 0, nil, false, false
	}
	switch {
	case len(line) == 3:
		return code, nil, true, true
	case line[3] == ' ':
		return code, line[4:], true, true
	case line[3] == '-':
		return code, line[4:], false, true
	}
	return 0, nil, false, false
}

func add(notes *[]string, more ...string) {
	for _, n := range more {
		if !slices.Contains(*notes, n) {
			*notes = append(*notes, n)
		}
	}
}

func short(b []byte) []byte { return b[:min(len(b), 80)] }

func rawText(b []byte) string {
	return printable(bytes.TrimSuffix(b[:min(len(b), maxRaw)], []byte("\n")))
}

// printable keeps text as it came, except that a byte that is not UTF-8 is
// written \xNN: the transcript is stored as JSON, which would change it.
func printable(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var s strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&s, `\x%02x`, b[0])
		} else {
			s.Write(b[:n])
		}
		b = b[n:]
	}
	return s.String()
}
