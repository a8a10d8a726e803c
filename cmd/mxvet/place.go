package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A place is where one output goes: the standard output, a file that is replaced
// as a whole, or a device or pipe that is written through.
type place struct {
	format   string      // "" is the recording
	name     string      // as it was typed; "" is the standard output
	path     string      // with links followed
	info     fs.FileInfo // nil where there is nothing yet
	standard io.Writer   // where it is the standard output, or the one for errors
	err      error       // why it cannot be written
}

// flag says what was typed.
func (p *place) flag() string {
	switch {
	case p.format == "":
		return "--record " + p.name
	case p.name == "":
		return "-o " + p.format
	}
	return "-o " + p.format + "=" + p.name
}

// doing says what fails where writing does.
func (p *place) doing() string {
	switch {
	case p.format == "":
		return "save recording"
	case p.standard != nil:
		return "write to standard output"
	}
	return "write " + p.format + " report"
}

// find follows the links of a name to what stands there.
func find(w world, format, name string) *place {
	p := &place{format: format, name: name}
	if name == "" {
		p.standard = w.stdout
		return p
	}
	if p.path, p.err = follow(name); p.err != nil {
		return p
	}
	info, err := os.Stat(p.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return p
	case err != nil:
		p.err = err
		return p
	}
	p.info = info
	if info.Mode()&fs.ModeCharDevice != 0 {
		return p
	}
	switch { // another name of what is open already: a file that > made must not be replaced
	case w.out != nil && os.SameFile(info, w.out):
		p.standard = w.stdout
	case w.errs != nil && os.SameFile(info, w.errs):
		p.standard = w.stderr
	}
	return p
}

const turns = 3

// turn says when a place is written to: what a reader may keep waiting comes after
// what nobody does.
func (p *place) turn() int {
	switch {
	case p.standard != nil:
		return 2
	case p.info != nil && !p.info.Mode().IsRegular():
		return 1
	}
	return 0
}

// fault says what went wrong with a file, by the name that was typed and not by that
// of its draft, which nobody knows.
func (p *place) fault(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		err = link.Err
	}
	return fmt.Errorf("%s, in the folder %s: %w", p.name, filepath.Dir(p.path), err)
}

// same reports whether two outputs would go to one file. Of what goes to a device
// nothing is lost.
func (p *place) same(q *place) bool {
	switch {
	case p.standard != nil || q.standard != nil:
		return p.standard == q.standard
	case p.info != nil && q.info != nil:
		return p.info.Mode()&fs.ModeCharDevice == 0 && os.SameFile(p.info, q.info)
	}
	return p.path == q.path && p.err == nil
}

// is reports whether an output goes to a file of that name.
func (p *place) is(name string) bool {
	info, err := os.Stat(name)
	return err == nil && p.info != nil && info.Mode().IsRegular() && os.SameFile(p.info, info)
}

// follow gives the place that a name leads to, with each link on the way read, so
// that a file is replaced in the folder where it lies. The links of devices and
// pipes, of which /dev/stdout is one, are left to the system.
func follow(name string) (string, error) {
	whole := name
	if !filepath.IsAbs(name) {
		here, err := os.Getwd()
		if err != nil {
			return "", err
		}
		whole = here + string(filepath.Separator) + name
	}
	at := filepath.VolumeName(whole) + string(filepath.Separator)
	rest := parts(whole[len(filepath.VolumeName(whole)):])
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		if part == ".." {
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, part)
		info, err := os.Lstat(next)
		switch {
		case errors.Is(err, fs.ErrNotExist) && len(rest) == 0 && !os.IsPathSeparator(name[len(name)-1]):
			return next, nil
		case err != nil:
			return "", fmt.Errorf("%w (is the folder there, and writable?)", err)
		}
		if err := trusted(at, next, info); err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		if links++; links > 40 {
			return "", fmt.Errorf("%s: a link that leads to more links than are followed", name)
		}
		if end, err := os.Stat(next); err == nil && len(rest) == 0 && !end.Mode().IsRegular() && !end.IsDir() {
			return next, nil
		}
		to, err := os.Readlink(next)
		if err != nil {
			return "", err
		}
		if filepath.IsAbs(to) {
			at = filepath.VolumeName(to) + string(filepath.Separator)
		}
		rest = append(parts(to[len(filepath.VolumeName(to)):]), rest...)
	}
	return at, nil
}

// parts takes a path apart.
func parts(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r < 0x80 && os.IsPathSeparator(uint8(r)) })
}

// try says why nothing can be written to a place, and leaves it as it is. A pipe
// is not opened: that would wait for its reader.
func (p *place) try() error {
	switch {
	case p.standard != nil:
		return nil
	case p.info == nil:
	case p.info.IsDir():
		return fmt.Errorf("%s is a folder: name a file in it", p.name)
	case p.info.Mode()&fs.ModeSocket != 0:
		return fmt.Errorf("%s is a socket", p.name)
	case !p.info.Mode().IsRegular():
		return nil
	}
	dir := filepath.Dir(p.path)
	if err := replaceable(dir, p.info); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	f, err := draft(dir, filepath.Base(p.path), 0o600)
	if err != nil {
		return fmt.Errorf("%w (is the folder there, and writable?)", p.fault(err))
	}
	return f.drop()
}

// put writes data to a place. What was in a file before stays there until the new
// content is whole.
func (p *place) put(w world, patience time.Duration, data io.Reader) error {
	switch {
	case p.standard != nil:
		_, err := io.Copy(read{p.standard}, data)
		return err
	case p.info != nil && !p.info.Mode().IsRegular():
		f, err := p.through(patience)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, data)
		return errors.Join(err, f.Close())
	}
	w.saving.Lock()
	defer w.saving.Unlock()
	if err := p.replace(data); err != nil {
		return p.fault(err)
	}
	return nil
}

// through opens a device, or a pipe, whose reader may be a while in coming.
func (p *place) through(patience time.Duration) (*os.File, error) {
	if p.info.Mode()&fs.ModeNamedPipe == 0 {
		return os.OpenFile(p.path, os.O_WRONLY, 0)
	}
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		f, err := os.OpenFile(p.path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		switch {
		case !errors.Is(err, syscall.ENXIO):
			return f, err
		case time.Now().After(end):
			return nil, fmt.Errorf("%s: nobody has opened this pipe to read from it within %s (--timeout)", p.name, patience)
		}
	}
}

// read is an output that somebody may read no further, which is the reader's choice
// (mxvet ... | head) and no failure.
type read struct{ io.Writer }

func (r read) Write(data []byte) (int, error) {
	n, err := r.Writer.Write(data)
	if errors.Is(err, syscall.EPIPE) {
		return len(data), nil
	}
	return n, err
}

// replace makes the new file beside the old one, with its mode and owner, and
// gives it the name.
func (p *place) replace(data io.Reader) (err error) {
	mode := fs.FileMode(0o666) // less what the user's mask takes away
	if p.info != nil {
		mode = 0o600
	}
	f, err := draft(filepath.Dir(p.path), filepath.Base(p.path), mode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.drop())
		}
	}()
	if _, err = io.Copy(f.file, data); err != nil {
		return err
	}
	if p.info != nil {
		if err = f.file.Chmod(asOwned(f.file, p.info)); err != nil {
			return err
		}
	}
	return f.publish(p.path)
}

// besides gives a name for a file beside another one.
func besides(dir, base string) string {
	const most = 200 // of 255 bytes that a name may have
	return filepath.Join(dir, "."+base[:min(len(base), most)]+"."+strconv.FormatUint(rand.Uint64(), 36))
}

// A fresh file is one that nobody knows by its final name yet.
type fresh struct {
	file *os.File
	name string // "" where it has none at all
}

// named makes a fresh file with a name of its own.
func named(dir, base string, mode fs.FileMode) (*fresh, error) {
	name := besides(dir, base)
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return nil, err
	}
	return &fresh{f, name}, nil
}

// drop takes a fresh file away.
func (f *fresh) drop() error {
	err := f.file.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	if f.name == "" {
		return err
	}
	return errors.Join(err, os.Remove(f.name))
}
