package message

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"regexp"
	"slices"
	"strings"
)

// This file reads bodies: once, for all signatures at the same time.

// A bodyForm is a way to read a body: as its canonical form (RFC 6376 section 3.4),
// and in an mbox with the ">" taken away that programs put before "From ".
type bodyForm struct{ relaxed, unquoted bool }

// A canonicalizer brings a body into canonical form, piece by piece.
type canonicalizer struct {
	relaxed bool
	out     io.Writer
	buf     []byte
	crlfs   int  // ends of lines that are not written yet: at the end of the body they go
	blank   bool // of relaxed form: blanks that are not written yet
	any     bool // something was written
}

var (
	crlf     = []byte("\r\n")
	manyEnds = bytes.Repeat(crlf, 1<<10)
)

// piece takes a piece of a line without its end.
func (c *canonicalizer) piece(text []byte, end bool) {
	if c.relaxed {
		for len(text) > 0 {
			if text[0] == ' ' || text[0] == '\t' {
				c.blank, text = true, text[1:]
				continue
			}
			n := 1
			for n < len(text) && text[n] != ' ' && text[n] != '\t' {
				n++
			}
			if c.lineEnds(); c.blank {
				c.buf, c.blank = append(c.buf, ' '), false
			}
			c.put(text[:n])
			text = text[n:]
		}
		c.blank = c.blank && !end
	} else if len(text) > 0 {
		c.lineEnds()
		c.put(text)
	}
	if end {
		c.crlfs++
	}
}

func (c *canonicalizer) lineEnds() {
	for c.crlfs > 0 {
		n := min(c.crlfs, len(manyEnds)/len(crlf))
		c.put(manyEnds[:n*len(crlf)])
		c.crlfs -= n
	}
	c.any = true
}

func (c *canonicalizer) put(text []byte) {
	if c.buf = append(c.buf, text...); len(c.buf) >= 32<<10 {
		c.flush()
	}
}

func (c *canonicalizer) flush() {
	_, _ = c.out.Write(c.buf) // a hash, or memory: it cannot fail
	c.buf = c.buf[:0]
}

// close ends the body: with one CRLF, but for an empty one in relaxed form.
func (c *canonicalizer) close() {
	if c.any || !c.relaxed {
		c.put(crlf)
	}
	c.flush()
}

// A digest is the SHA-256 of a body in canonical form: of the whole, and of as many
// octets as signatures name in their tag l.
type digest struct {
	canonicalizer
	hash   hash.Hash
	length uint64
	marks  []uint64 // that are still to come, in order
	sums   map[uint64][]byte
	whole  []byte
}

func newDigest(relaxed bool, marks []uint64) *digest {
	d := &digest{hash: sha256.New(), marks: slices.Compact(slices.Sorted(slices.Values(marks))), sums: map[uint64][]byte{}}
	d.relaxed, d.out = relaxed, d
	return d
}

// Write implements io.Writer for the canonical form.
func (d *digest) Write(text []byte) (int, error) {
	n := len(text)
	for len(d.marks) > 0 && d.marks[0] <= d.length+uint64(len(text)) {
		part := d.marks[0] - d.length
		d.hash.Write(text[:part])
		text = text[part:]
		d.length = d.marks[0]
		d.sums[d.length] = d.hash.Sum(nil)
		d.marks = d.marks[1:]
	}
	d.hash.Write(text)
	d.length += uint64(len(text))
	return n, nil
}

// neededForms gives the ways to read the body that the signatures of the header ask
// for.
func (m *Message) neededForms() map[bodyForm]*digest {
	marks := map[bool][]uint64{}
	// No more are verified of either kind; many of one must not hide those of the other.
	left := map[string]int{"dkim-signature": maxSignatures, "arc-message-signature": maxSets}
	for _, f := range m.Fields {
		name := strings.ToLower(f.Name)
		if left[name] == 0 {
			continue
		}
		left[name]--
		t := readTagList(f)
		_, relaxed, _ := t.forms()
		at := marks[relaxed]
		if n := number(t.get("l")); n != nil {
			at = append(at, *n)
		}
		marks[relaxed] = at
	}
	out := map[bodyForm]*digest{}
	for relaxed, at := range marks {
		out[bodyForm{relaxed, false}] = newDigest(relaxed, at)
		if m.mailbox {
			out[bodyForm{relaxed, true}] = newDigest(relaxed, at)
		}
	}
	return out
}

// A line that begins the next message of an mbox: the sender, and a time of day.
var nextMessage = regexp.MustCompile(`^From \S+ .*\d:\d\d`)

// readBody reads what follows the header.
func (m *Message) readBody(in *lines) error {
	m.forms = m.neededForms()
	in.lf, in.crlf = false, false
	whole := in.size // so far
	contentType, _ := m.First("Content-Type")
	parts := newNesting(contentType[:min(len(contentType), maxTypeField)])
	begins, empty := true, true // a line begins with this piece; the line before was empty
	length := 0                 // of the line so far
	var plain, unquoted []*digest
	for form, d := range m.forms {
		if form.unquoted {
			unquoted = append(unquoted, d)
		} else {
			plain = append(plain, d)
		}
	}
	for {
		before := in.size
		if n := in.emptyLines(begins); n > 0 { // a body may hold a hundred million of them
			for _, d := range slices.Concat(plain, unquoted) {
				d.crlfs += n
			}
			for ; n > 0 && !m.Long; n-- {
				m.keep(nil, true)
			}
			parts.line(nil)
			empty = true
			continue
		}
		text, end, err := in.piece()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		quoted := false
		if m.mailbox && begins {
			if empty && nextMessage.Match(text) {
				m.note("the file holds several messages: the first one is examined")
				in.size = before
				break
			}
			at := bytes.IndexFunc(text, func(c rune) bool { return c != '>' })
			quoted = at > 0 && bytes.HasPrefix(text[at:], []byte("From "))
		}
		for _, d := range plain {
			d.piece(text, end)
		}
		for _, d := range unquoted {
			if quoted {
				d.piece(text[1:], end)
			} else {
				d.piece(text, end)
			}
		}
		m.loneCR = m.loneCR || bytes.IndexByte(text, '\r') >= 0
		m.nul = m.nul || bytes.IndexByte(text, 0) >= 0
		length += len(text)
		if m.longLine = max(m.longLine, length); end {
			length = 0
		}
		m.keep(text, end)
		if begins {
			parts.line(text)
			empty = len(text) == 0
		}
		begins = end
	}
	m.empty = in.size == whole
	if m.empty && len(m.forms) > 0 {
		m.note("the file holds no body: for DKIM the whole source of the message is needed, not the header alone")
	}
	m.deep = parts.more
	for _, d := range m.forms {
		d.close()
		d.whole = d.hash.Sum(nil)
	}
	return nil
}

// keep adds to the body that is kept, unless it gets too long for that.
func (m *Message) keep(text []byte, end bool) {
	if m.Long {
		return
	}
	if m.Body = append(m.Body, text...); end {
		m.Body = append(m.Body, crlf...)
	}
	if len(m.Body) > keepBody {
		m.Body, m.Long = nil, true
	}
}
