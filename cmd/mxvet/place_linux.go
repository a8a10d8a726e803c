package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// draft makes a fresh file in a folder. It has no name where the file system can
// do that, so that whatever ends the program leaves nothing behind.
func draft(dir, base string, mode fs.FileMode) (*fresh, error) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		return named(dir, base, mode)
	}
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, uint32(mode))
	if err != nil {
		return named(dir, base, mode) // which says what is wrong, if anything is
	}
	return &fresh{file: os.NewFile(uintptr(fd), base)}, nil
}

// publish gives a fresh file its final name.
func (f *fresh) publish(path string) error {
	if f.name == "" {
		if err := f.link(path); err == nil {
			return f.file.Close()
		} else if !errors.Is(err, fs.ErrExist) {
			return err
		}
		name := besides(filepath.Dir(path), filepath.Base(path))
		if err := f.link(name); err != nil {
			return err
		}
		f.name = name
	}
	if err := f.file.Close(); err != nil {
		return err
	}
	return os.Rename(f.name, path)
}

// link names the file, which must be new.
func (f *fresh) link(name string) error {
	from := fmt.Sprintf("/proc/self/fd/%d", f.file.Fd())
	if err := unix.Linkat(unix.AT_FDCWD, from, unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW); err != nil {
		return &os.LinkError{Op: "link", Old: from, New: name, Err: err}
	}
	return nil
}
