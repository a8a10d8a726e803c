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
// Received fields: only what the server saw counts, never what its peer said, and
// only in a field that the receiver's own servers wrote. Where that is in doubt the
// path is not known, until somebody names the servers; results say where each part
// comes from.
//
// The body is read once, as a stream, and never kept but for short ones.
package message

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// Bounds of what is read.
const (
	MaxSize   = 1 << 30 // bytes of a file
	maxHeader = 8 << 20 // bytes of the header
	maxFields = 50000
	keepBody  = 1 << 20 // bytes of a body that is kept for the second opinion
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
	Size   int64    // bytes of the file, without what follows the message in a mailbox
	Fields []Field  // from the top
	Body   []byte   // with CRLF at the end of each line; nil where it is Long
	Long   bool     // the body is too long to be kept
	Notes  []string // what was passed over in the file, and how it was read

	mailbox bool // the file began with the line of an mbox
	deep    bool // parts of the body stand in each other deeper than they are followed
	loneCR  bool // a CR stands without an LF behind it
	mixed   bool // some lines of the body end in LF, and others in CRLF
	nul     bool // the body holds a NUL character
	empty   bool // there is no body

	longLine int // length of the longest line of the body
	forms    map[bodyForm]*digest
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
	b.Grow(int(m.Size) + int(m.Size)/8)
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
	{"\xff\xfe", "UTF-16 text, not a mail: save the source of the message as .eml, without changing its encoding"},
	{"\xfe\xff", "UTF-16 text, not a mail: save the source of the message as .eml, without changing its encoding"},
	{"\x78\x9f\x3e\x22", "a winmail.dat file (TNEF), not a mail: it is a part of one; save the message as .eml, or copy its source"},
	{"<", "a web page or XML (HTML), not the source of a mail: save the message as .eml, or copy its source"},
	{"!BDN", "an Outlook .pst file, not a mail: save the message as .eml, or copy its source"},
}

// appleMail is how an .emlx file begins: with the length of the message.
var appleMail = regexp.MustCompile(`^\d+\s*\r?\n`)

// Fields of which a mail has at least one.
var usual = []string{
	"From", "Date", "Received", "Message-ID", "Return-Path", "Subject", "To", "Delivered-To", "DKIM-Signature",
	"Authentication-Results", "MIME-Version",
}

const indentation = "no mail header: the file begins with an indented line; the whole source of the message is needed"

// Parse reads a message; see Read.
func Parse(data []byte) (*Message, error) { return Read(bytes.NewReader(data)) }

// Read takes a message in, with lines that end in CRLF or LF. A byte order mark and
// the line "From ..." of an mbox, also with a ">" before it, are passed over; of
// several messages in an mbox the first one is read. The error says why a file is no
// mail that can be examined.
func Read(r io.Reader) (*Message, error) { return read(r, MaxSize) }

// read takes in a message of at most so many bytes.
func read(r io.Reader, most int64) (*Message, error) {
	m := &Message{}
	in := &lines{r: bufio.NewReaderSize(r, 64<<10), most: most}
	start, err := in.r.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	for _, f := range formats {
		if bytes.HasPrefix(start, []byte(f.magic)) {
			return nil, errors.New("this is " + f.is)
		}
	}
	if len(start) == 0 {
		return nil, errors.New("the file is empty")
	}
	if len(bytes.TrimSpace(start)) == 0 && len(start) < 4096 {
		return nil, errors.New("the file is empty but for blanks")
	}
	if len(start) > 1 && (start[0] == 0) != (start[1] == 0) {
		return nil, errors.New("this is UTF-16 text, not a mail: save the source of the message as .eml, without changing its encoding")
	}
	if appleMail.Match(start) {
		return nil, errors.New("this is an .emlx file of Apple Mail: take away its first line, which is a number, or save the message as .eml")
	}
	if bytes.IndexByte(start, '\n') < 0 && bytes.IndexByte(start, '\r') >= 0 {
		return nil, errors.New("the lines of the file end in CR alone: save the source of the message with CRLF or LF")
	}
	if bytes.HasPrefix(start, []byte("\xef\xbb\xbf")) {
		if _, err := in.r.Discard(3); err != nil {
			return nil, err
		}
		in.size += 3
		m.note("a byte order mark before the header was passed over")
	}
	if err := m.readHeader(in); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(m.Fields, func(f Field) bool {
		return slices.ContainsFunc(usual, f.Is)
	}) {
		return nil, errors.New("no mail header: none of From, Date, Received and the like stands at the start; the whole source of the message is needed")
	}
	if err := m.readBody(in); err != nil {
		return nil, err
	}
	m.Size, m.mixed = in.size, in.lf && in.crlf
	return m, nil
}

func (m *Message) note(format string, args ...any) {
	m.Notes = append(m.Notes, fmt.Sprintf(format, args...))
}

// A mark of an mbox before the header, as programs leave it.
func mailboxLine(line []byte) bool {
	return bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From "))
}

// readHeader reads up to the empty line.
func (m *Message) readHeader(in *lines) error {
	var head []byte  // with CRLF at the end of each line
	var starts []int // of fields, in head
	for first := true; ; {
		line, end, err := in.whole(maxHeader - len(head))
		switch {
		case errors.Is(err, errLong):
			return fmt.Errorf("the header has more than %d MB: is there an empty line between header and body?", maxHeader>>20)
		case err != nil:
			return err
		case first && mailboxLine(line):
			m.mailbox = m.mailbox || line[0] == 'F'
			m.note("the line %q of an mbox was passed over", cut(string(line)))
			continue
		case len(line) == 0:
			m.split(string(head), starts)
			return nil
		case bytes.IndexByte(line, 0) >= 0:
			return errors.New("the header holds a NUL byte: this is a binary file, or a damaged mail")
		case line[0] != ' ' && line[0] != '\t':
			if len(starts) == maxFields {
				return fmt.Errorf("the header has more than %d fields, and no more are read", maxFields)
			}
			if first && !isField(line) {
				return errors.New("no mail header: the first line is no field such as \"From: ...\"; the whole source of the message is needed")
			}
			starts = append(starts, len(head))
		case first:
			return errors.New(indentation)
		}
		first = false
		m.loneCR = m.loneCR || bytes.IndexByte(line, '\r') >= 0
		head = append(append(head, line...), "\r\n"...)
		if end {
			m.note("the file ends in the header, without the empty line behind it: it may be cut off")
			m.split(string(head), starts)
			return nil
		}
	}
}

// isField reports whether a line begins a field.
func isField(line []byte) bool {
	name, _, found := strings.Cut(string(line[:min(len(line), 1000)]), ":")
	return found && fieldName(strings.TrimRight(name, " \t"))
}

// split makes the fields of a header that begin at these places.
func (m *Message) split(head string, starts []int) {
	m.Fields = make([]Field, len(starts))
	for i, at := range starts {
		end := len(head)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		raw := head[at:end]
		line, _, _ := strings.Cut(raw, "\r\n")
		name, _, found := strings.Cut(line, ":")
		name = strings.TrimRight(name, " \t") // obsolete syntax, RFC 5322 section 4.5
		if !found || !fieldName(name) {
			name = ""
		}
		m.Fields[i] = Field{Name: name, Raw: raw}
	}
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

// cut bounds text that is shown.
func cut(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + " [cut]"
}
