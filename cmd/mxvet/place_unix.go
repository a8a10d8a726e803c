//go:build unix

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// owner gives who owns a file.
func owner(info fs.FileInfo) (uid, gid int) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid), int(s.Gid)
	}
	return -1, -1
}

// trusted refuses, for root, what another user has put into a folder in which
// everybody may: a link there can lead anywhere, and a file would be his to read.
func trusted(dir, name string, info fs.FileInfo) error {
	folder, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if uid, _ := owner(info); os.Geteuid() == 0 && folder.Mode()&fs.ModeSticky != 0 && uid != 0 && !info.IsDir() {
		return fmt.Errorf("%s belongs to another user, in a folder in which everybody may put things: root does not write there", name)
	}
	return nil
}

// replaceable says why a file may not be replaced in its folder: in one with the
// sticky bit only its owner can.
func replaceable(dir string, info fs.FileInfo) error {
	folder, err := os.Stat(dir)
	if err != nil || info == nil || folder.Mode()&fs.ModeSticky == 0 {
		return err
	}
	mine, file, parent := os.Geteuid(), -1, -1
	file, _ = owner(info)
	if parent, _ = owner(folder); mine != 0 && mine != file && mine != parent {
		return errors.New("it belongs to another user, who alone can replace it in that folder")
	}
	return nil
}

// asOwned gives a file the owner of the one that it takes the place of, and gives
// that one's mode. Where its group cannot be kept, the group gets no more than all
// others have.
func asOwned(f *os.File, old fs.FileInfo) fs.FileMode {
	mode := old.Mode().Perm()
	uid, gid := owner(old)
	if f.Chown(uid, gid) == nil || f.Chown(-1, gid) == nil {
		return mode
	}
	return mode&^0o070 | mode&0o007<<3
}

// shut reports whether the standard output was closed when the program began. Go
// then puts /dev/null there, open for both ways, and so what is written would be
// lost without a word. Where standard error is of that kind too, all output is
// meant to be.
func shut(out, errs *os.File) bool {
	null, err := os.Stat(os.DevNull)
	if err != nil {
		return false
	}
	nowhere := func(f *os.File) bool {
		info, err := f.Stat()
		flags, bad := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
		return err != nil || bad != nil || os.SameFile(info, null) && flags&unix.O_ACCMODE == unix.O_RDWR
	}
	return nowhere(out) && !nowhere(errs)
}
