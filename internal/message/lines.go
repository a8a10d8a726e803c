package message

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// lines reads a file line by line, whatever the lines end in and however long they
// are.
type lines struct {
	r    *bufio.Reader
	size int64 // bytes read
	most int64 // that are read
	cr   bool  // the last piece ended in a CR that is held back
	lf   bool  // a line ended in LF
	crlf bool  // a line ended in CRLF
	last error
}

var errLong = errors.New("the line is too long")

// piece gives the next piece of a line without its end, and whether the line ends
// there. A CR belongs to the end only where an LF follows. The text is valid until
// the next call; the error is io.EOF behind the last piece.
func (l *lines) piece() (text []byte, end bool, err error) {
	if l.last != nil {
		return nil, false, l.last
	}
	text, err = l.r.ReadSlice('\n')
	if l.size += int64(len(text)); l.size > l.most {
		return nil, false, fmt.Errorf("the message has more than %d MB, and no more is read", l.most>>20)
	}
	held := l.cr
	l.cr = false
	switch {
	case err == nil:
		text, end = text[:len(text)-1], true
		if len(text) == 0 && held {
			l.crlf = true
			return text, true, nil // the CR of a CRLF that the buffer cut in two
		}
		if n := len(text) - 1; n >= 0 && text[n] == '\r' {
			text, l.crlf = text[:n], true
		} else {
			l.lf = true
		}
	case errors.Is(err, bufio.ErrBufferFull):
		if l.cr = bytes.HasSuffix(text, []byte("\r")); l.cr {
			text = text[:len(text)-1]
		}
	case errors.Is(err, io.EOF):
		l.last = io.EOF
		if len(text) == 0 && !held {
			return nil, false, io.EOF
		}
	default:
		return nil, false, err
	}
	if held {
		text = append([]byte("\r"), text...)
	}
	return text, end, nil
}

// emptyLines passes over the empty lines that are in the buffer, up to the first other
// one, and gives their number; none unless a line begins here.
func (l *lines) emptyLines(begins bool) (n int) {
	if !begins || l.last != nil || l.cr {
		return 0
	}
	text, _ := l.r.Peek(l.r.Buffered())
	at := 0
	for at < len(text) {
		if text[at] == '\n' {
			at++
			l.lf = true
		} else if text[at] == '\r' && at+1 < len(text) && text[at+1] == '\n' {
			at += 2
			l.crlf = true
		} else {
			break
		}
		n++
	}
	_, _ = l.r.Discard(at) // it is in the buffer
	l.size += int64(at)
	return n
}

// whole gives the next line, at most so many bytes of it, and whether the file ends
// with it. Behind the last line it gives empty ones.
func (l *lines) whole(most int) (line []byte, last bool, err error) {
	for {
		text, end, err := l.piece()
		if errors.Is(err, io.EOF) {
			return line, true, nil
		}
		if err != nil {
			return nil, false, err
		}
		if len(line)+len(text) > most {
			return nil, false, errLong
		}
		if end && line == nil {
			return text, false, nil
		}
		if line = append(line, text...); end {
			return line, false, nil
		}
	}
}
