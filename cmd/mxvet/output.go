package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"time"

	"mxvet/report"
)

// An output is one -o flag: a format, and a file or the standard output.
type output struct {
	format string
	file   string // "" is the standard output
}

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

// formats gives what makes the form of a report, by name.
func formats() map[string]func(w world, l look, toFile bool) report.Form {
	text := func(wide bool) func(world, look, bool) report.Form {
		return func(w world, l look, toFile bool) report.Form {
			return report.TextForm(report.TextOptions{Width: w.width, Wide: wide, Color: l.colored(w, toFile), Quiet: l.quiet})
		}
	}
	plain := func(form report.Form) func(world, look, bool) report.Form {
		return func(world, look, bool) report.Form { return form }
	}
	return map[string]func(world, look, bool) report.Form{
		"text": text(false), "wide": text(true),
		"json": plain(report.JSONForm()), "html": plain(report.HTMLForm()), "zone": plain(report.ZoneForm()),
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
		outs = append(outs, output{format, file})
	}
	return outs, nil
}

// outputs are what a run writes: places that were tested before it began.
type outputs struct {
	w        world
	places   []*place
	patience time.Duration // for which a pipe may wait for its reader to come
}

// stage tests where a run will write, before it begins: each output, and the
// recording. No two go to the same file, and none to a file that the run reads
// (by flag). What cannot be written is told at once, and the run goes on for the
// others; it is an error only where nothing is left to write.
func stage(w world, outs []output, record string, inputs map[string][]string) (*outputs, error) {
	o := &outputs{w: w, patience: 45 * time.Second}
	for _, out := range outs {
		o.places = append(o.places, find(w, out.format, out.file))
	}
	if record != "" {
		o.places = append(o.places, find(w, "", record))
	}
	for i, p := range o.places {
		for _, q := range o.places[:i] {
			switch {
			case !p.same(q):
			case p.standard != nil:
				return nil, usagef("%s: two formats on the standard output: give one a file, as in -o %s=FILE", p.flag(), p.format)
			default:
				return nil, usagef("%s: the same file as %s", p.flag(), q.flag())
			}
		}
		for flag, names := range inputs {
			if slices.ContainsFunc(names, p.is) {
				return nil, usagef("%s: it is the file of %s, which would be lost", p.flag(), flag)
			}
		}
	}
	var faults []error
	for _, p := range o.places {
		if p.err == nil {
			p.err = p.try()
		}
		if p.err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", p.doing(), p.err))
		}
	}
	if len(faults) == len(o.places) && len(faults) > 0 {
		return nil, failed(append(faults, fmt.Errorf("exit %d: nothing can be written, so no audit was made", exitInternal)))
	}
	for _, err := range faults {
		fmt.Fprintf(w.stderr, "mxvet: %s\n", report.Sanitize(err.Error()))
	}
	return o, nil
}

// write writes the recording and the outputs: files first, then pipes and the
// standard output, on which a reader may keep us waiting. Each is tried whatever
// became of the others; render gives the text of one.
func (o *outputs) write(save func(io.Writer) error, render func(p *place) (io.Reader, error)) error {
	var faults []error
	n := 0
	for turn := range turns {
		for _, p := range o.places {
			if p.turn() != turn {
				continue
			}
			if p.err != nil {
				n++ // told before
				continue
			}
			data, err := p.render(save, render)
			if err == nil {
				err = p.put(o.w, o.patience, data)
			}
			if err != nil {
				n++
				faults = append(faults, fmt.Errorf("%s: %w", p.doing(), err))
			}
		}
	}
	if n == 0 {
		return nil
	}
	return failed(append(faults, fmt.Errorf("exit %d: %d of %d outputs could not be written, see above", exitInternal, n, len(o.places))))
}

// render gives the text for a place. A fault of one renderer is no reason to lose
// what the others make.
func (p *place) render(save func(io.Writer) error, render func(*place) (io.Reader, error)) (data io.Reader, err error) {
	defer caught(&err)
	if p.format != "" {
		return render(p)
	}
	var buf bytes.Buffer
	err = save(&buf)
	return &buf, err
}

// written judges an error of the standard output. A closed pipe is the reader's
// choice (mxvet ... | head), not a failure.
func written(err error) error {
	if err == nil || errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return internalf("write to standard output: %w", err)
}
