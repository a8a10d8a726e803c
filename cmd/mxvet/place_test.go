//go:build unix

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// In a folder in which everybody may put things, root follows no link of another
// user and takes nobody's file for its own.
func TestRootInSharedFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	const stranger = 54321
	top := t.TempDir()
	shared, private := filepath.Join(top, "shared"), filepath.Join(top, "private")
	victim := filepath.Join(private, "victim")
	theirs, mine, file := filepath.Join(shared, "theirs"), filepath.Join(shared, "mine"), filepath.Join(shared, "file")
	if err := errors.Join(
		os.Mkdir(shared, 0o777), os.Chmod(shared, 0o777|os.ModeSticky), os.Mkdir(private, 0o700),
		os.WriteFile(victim, []byte("kept"), 0o600), os.WriteFile(file, nil, 0o666), os.Chown(file, stranger, stranger),
		os.Symlink(victim, theirs), os.Lchown(theirs, stranger, stranger), os.Symlink(victim, mine),
	); err != nil {
		t.Fatal(err)
	}
	for name, refused := range map[string]bool{theirs: true, file: true, mine: false, filepath.Join(shared, "new"): false} {
		p := find(world{}, "json", name)
		if p.err == nil {
			p.err = p.try()
		}
		if (p.err != nil) != refused || refused && !strings.Contains(p.err.Error(), "another user") {
			t.Errorf("%s: %v", name, p.err)
		}
	}
	if _, stderr, code := here(t, "demo", "model", "-q", "-o", "json="+theirs); code != exitInternal || !strings.Contains(stderr, "another user") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if got, err := os.ReadFile(victim); err != nil || string(got) != "kept" {
		t.Errorf("%q, %v", got, err)
	}
}

// A replaced file keeps owner and mode.
func TestOwnerKept(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	file := filepath.Join(t.TempDir(), "report")
	if err := errors.Join(os.WriteFile(file, nil, 0o640), os.Chown(file, 54321, 54322)); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := here(t, "demo", "model", "-q", "-o", "json="+file); code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if uid, gid := owner(info); uid != 54321 || gid != 54322 || info.Mode().Perm() != 0o640 || info.Size() == 0 {
		t.Errorf("owner %d:%d, mode %v, %d bytes", uid, gid, info.Mode(), info.Size())
	}
}

// Links that lead round in a circle end.
func TestLinkLoop(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	if err := errors.Join(os.Symlink(a, b), os.Symlink("b", a)); err != nil {
		t.Fatal(err)
	}
	if _, err := follow(a); err == nil {
		t.Error("followed")
	}
}
