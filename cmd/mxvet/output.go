package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"mxvet/report"
)

// An output is one -o flag: a format, and a file or the standard output.
type output struct {
	format string
	file   string // "" is the standard output
}

// render writes the report in one format.
type renderer func(io.Writer, *report.Report, world, look) error

// A look holds the presentation flags: they never change what is found.
type look struct {
	quiet bool
	color string // auto, always, never
}

func (l look) colored(w world, toFile bool) bool {
	switch {
	case l.color == "always":
		return true
	case l.color == "never", toFile, !w.terminal, w.getenv("NO_COLOR") != "", w.getenv("TERM") == "dumb":
		return false
	}
	return true
}

func formats() map[string]renderer {
	text := func(wide bool) renderer {
		return func(out io.Writer, r *report.Report, w world, l look) error {
			return report.Text(out, r, report.TextOptions{Width: w.width, Wide: wide, Color: l.colored(w, out != w.stdout), Quiet: l.quiet})
		}
	}
	return map[string]renderer{
		"text": text(false),
		"wide": text(true),
		"json": func(out io.Writer, r *report.Report, _ world, _ look) error { return report.JSON(out, r) },
		"html": func(out io.Writer, r *report.Report, _ world, _ look) error { return report.HTML(out, r) },
		"zone": func(out io.Writer, r *report.Report, _ world, _ look) error { return report.Zone(out, r) },
	}
}

func formatNames() []string {
	var names []string
	for name := range formats() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func parseOutputs(flags []string) ([]output, error) {
	if len(flags) == 0 {
		flags = []string{"text"}
	}
	var outs []output
	for _, f := range flags {
		format, file, named := strings.Cut(f, "=")
		if _, ok := formats()[format]; !ok {
			return nil, usagef("-o %s: no such format: choose from %s, as FORMAT or FORMAT=FILE", f, strings.Join(formatNames(), ", "))
		}
		if named && file == "" {
			return nil, usagef("-o %s: no file name after the equals sign", f)
		}
		if file == "-" {
			file = ""
		}
		if slices.ContainsFunc(outs, func(o output) bool { return o.file == file }) {
			if file == "" {
				return nil, usagef("-o %s: two formats on the standard output: give one a file, as in -o %s=FILE", f, format)
			}
			return nil, usagef("-o %s: two formats into the same file", f)
		}
		outs = append(outs, output{format, file})
	}
	return outs, nil
}

// write renders the report to every output. A report that cannot be written is
// an internal error, whatever the audit found.
func write(outs []output, r *report.Report, w world, l look) error {
	for _, o := range outs {
		render := formats()[o.format]
		if o.file == "" {
			if err := written(render(w.stdout, r, w, l)); err != nil {
				return err
			}
			continue
		}
		var buf bytes.Buffer
		if err := render(&buf, r, w, l); err != nil {
			return internalf("render %s: %w", o.format, err)
		}
		if err := writeFile(o.file, buf.Bytes()); err != nil {
			return internalf("write %s report: %w", o.format, err)
		}
	}
	return nil
}

// writeFile puts data into a file of that name, or leaves what was there: it
// writes beside it and renames.
func writeFile(name string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("%w (is the folder there, and writable?)", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if _, err = f.Write(data); err != nil {
		return errors.Join(err, f.Close())
	}
	if err = f.Chmod(0o644); err != nil {
		return errors.Join(err, f.Close())
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// written judges an error of the standard output. A closed pipe is the reader's
// choice (mxvet ... | head), not a failure.
func written(err error) error {
	if err == nil || errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return internalf("write to standard output: %w", err)
}
