package main

import (
	"io/fs"
	"os"
)

func trusted(string, string, fs.FileInfo) error { return nil }

func replaceable(string, fs.FileInfo) error { return nil }

func asOwned(_ *os.File, old fs.FileInfo) fs.FileMode { return old.Mode().Perm() }

func shut(_, _ *os.File) bool { return false }
