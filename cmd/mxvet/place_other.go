//go:build !linux

package main

import (
	"io/fs"
	"os"
)

// draft makes a fresh file in a folder.
func draft(dir, base string, mode fs.FileMode) (*fresh, error) { return named(dir, base, mode) }

// publish gives a fresh file its final name.
func (f *fresh) publish(path string) error {
	if err := f.file.Close(); err != nil {
		return err
	}
	return os.Rename(f.name, path)
}
