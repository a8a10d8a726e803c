// Package message examines one received message as a file holds it: who sent it,
// by which way, what SPF, DKIM and DMARC make of it now, what others wrote into
// its header about that, and what is weak in it.
//
// A message is a header of fields, an empty line and a body (RFC 5322). Servers
// put their marks at the top of the header: Received says from whom they took the
// message (RFC 5321 section 4.4), Return-Path the MAIL FROM address,
// Authentication-Results what a server's own checks gave (RFC 8601). Only marks
// above the one that the receiver's own border server made can be believed;
// everything below comes from the sender. A DKIM-Signature (RFC 6376) covers the
// body and the fields that it names, so it proves itself wherever it stands. ARC
// (RFC 8617) is a chain of such seals, by which forwarders say what they saw
// before they changed the message.
//
// The address of the client is not part of a message. It is read out of the
// Received fields, which is a guess until somebody who knows the border server
// says so; results say where each part comes from.
package message

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Bounds of what is read.
const (
	MaxSize   = 10 << 20  // bytes of a file
	maxHeader = 256 << 10 // bytes of the header
	maxFields = 1000
)

// A Field is one field of the header.
type Field struct {
	Name string // as written; "" for a line that is no field
	Raw  string // as it stands, with CRLF at the end of each line
}

// Value gives what follows the colon, unfolded, without blanks around it.
func (f Field) Value() string {
	_, v, _ := strings.Cut(f.Raw, ":")
	return strings.TrimSpace(strings.ReplaceAll(v, "\r\n", ""))
}

// Is reports whether the field has that name.
func (f Field) Is(name string) bool { return strings.EqualFold(f.Name, name) }

// A Message is a header and a body.
type Message struct {
	Size   int     // bytes of the file
	Fields []Field // from the top
	Body   []byte  // with CRLF at the end of each line
}

// All gives the fields of that name, from the top.
func (m *Message) All(name string) []Field {
	var out []Field
	for _, f := range m.Fields {
		if f.Is(name) {
			out = append(out, f)
		}
	}
	return out
}

// First gives the value of the topmost field of that name, and whether there is
// one.
func (m *Message) First(name string) (string, bool) {
	for _, f := range m.Fields {
		if f.Is(name) {
			return f.Value(), true
		}
	}
	return "", false
}

// shown gives the topmost field of that name, bounded.
func (m *Message) shown(name string) string {
	v, _ := m.First(name)
	return cut(v)
}

// bytes gives the whole message with CRLF at the end of each line. rename gives
// another name for the field of that index, or "".
func (m *Message) bytes(rename func(int) string) []byte {
	var b bytes.Buffer
	b.Grow(m.Size + m.Size/8)
	for i, f := range m.Fields {
		if name := rename(i); name != "" {
			b.WriteString(name + f.Raw[len(f.Name):])
			continue
		}
		b.WriteString(f.Raw)
	}
	b.WriteString("\r\n")
	b.Write(m.Body)
	return b.Bytes()
}

// Files that are no mail, by how they begin, and what to do about it.
var formats = []struct{ magic, is string }{
	{"\xd0\xcf\x11\xe0", "an Outlook .msg file, not a mail: save the message as .eml, or copy its source"},
	{"%PDF", "a PDF file, not a mail: save the message as .eml, or copy its source"},
	{"PK\x03\x04", "a ZIP archive, not a mail: unpack it first"},
	{"\x1f\x8b", "compressed, not a mail: unpack it first"},
}

// Fields of which a mail has at least one.
var usual = []string{
	"From", "Date", "Received", "Message-ID", "Return-Path", "Subject", "To", "Delivered-To", "DKIM-Signature",
	"Authentication-Results", "MIME-Version",
}

// Parse reads a message with lines that end in CRLF or LF. A line "From ..." of
// an mbox and a byte order mark before the header are passed over. The error says
// why a file is no mail that can be examined.
func Parse(data []byte) (*Message, error) {
	m := &Message{Size: len(data)}
	if len(data) > MaxSize {
		return nil, fmt.Errorf("the message has more than %d MB, and no more is read", MaxSize>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	for _, f := range formats {
		if bytes.HasPrefix(data, []byte(f.magic)) {
			return nil, errors.New("this is " + f.is)
		}
	}
	if bytes.HasPrefix(data, []byte("From ")) {
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, errors.New("the file is empty")
	}
	at := 0
	for at < len(data) {
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		line := strings.TrimSuffix(strings.TrimSuffix(string(data[at:min(end, at+maxHeader+1)]), "\n"), "\r")
		at = end
		if line == "" {
			break
		}
		if at > maxHeader {
			return nil, fmt.Errorf("the header has more than %d kB: is there an empty line between header and body?", maxHeader>>10)
		}
		if strings.IndexByte(line, 0) >= 0 {
			return nil, errors.New("the header holds a NUL byte: this is a binary file, or a damaged mail")
		}
		if err := m.line(line); err != nil {
			return nil, err
		}
	}
	if !slices.ContainsFunc(m.Fields, func(f Field) bool {
		return slices.ContainsFunc(usual, f.Is)
	}) {
		return nil, errors.New("no mail header: none of From, Date, Received and the like stands at the start; the whole source of the message is needed")
	}
	m.Body = crlf(data[at:])
	return m, nil
}

// line takes one line of the header in.
func (m *Message) line(line string) error {
	last := len(m.Fields) - 1
	if line[0] == ' ' || line[0] == '\t' {
		if last < 0 {
			return errors.New("no mail header: the file begins with an indented line; the whole source of the message is needed")
		}
		m.Fields[last].Raw += line + "\r\n"
		return nil
	}
	name, _, found := strings.Cut(line, ":")
	name = strings.TrimRight(name, " \t") // obsolete syntax, RFC 5322 section 4.5
	if !found || !fieldName(name) {
		name = ""
		if last < 0 {
			return errors.New("no mail header: the first line is no field such as \"From: ...\"; the whole source of the message is needed")
		}
	}
	if last+1 == maxFields {
		return fmt.Errorf("the header has more than %d fields, and no more are read", maxFields)
	}
	m.Fields = append(m.Fields, Field{Name: name, Raw: line + "\r\n"})
	return nil
}

// fieldName reports whether s is printable ASCII without colon and blank (RFC
// 5322 section 3.6.8).
func fieldName(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

// crlf makes every line end in CRLF.
func crlf(b []byte) []byte {
	if bytes.Count(b, []byte("\n")) == bytes.Count(b, []byte("\r\n")) {
		return b
	}
	out := make([]byte, 0, len(b)+len(b)/32)
	for i, c := range b {
		if c == '\n' && (i == 0 || b[i-1] != '\r') {
			out = append(out, '\r')
		}
		out = append(out, c)
	}
	return out
}

// cut bounds text that is shown.
func cut(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + " [cut]"
}
