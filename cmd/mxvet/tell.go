package main

import (
	"context"
	"fmt"
	"io"

	"mxvet/internal/audit"
	"mxvet/report"
)

// A telling writes the reports of a run as its domains end, and judges each by the
// thresholds: no domain is kept.
type telling struct {
	f      *auditFlags
	of     int
	series map[*place]*account
	flows  bool // what is told is written at once
	done   int  // domains

	code int    // the most telling one of all domains
	why  string // of the first domain that gives it
}

// An account is the report for one place, and what went wrong with it.
type account struct {
	*report.Series
	err error
}

// tell audits, and writes the recording and the reports. Of several domains each is
// written to the standard output as soon as its turn comes, where that is the only
// place: files come first, since a reader may keep us waiting.
func (f *auditFlags) tell(ctx context.Context, w world, outs *outputs, job audit.Job, what string) error {
	t := &telling{f: f, of: len(job.Targets), series: map[*place]*account{}}
	for _, p := range outs.places {
		if p.format == "" {
			continue
		}
		form := formats()[p.format](w, look{quiet: f.quiet, color: f.color}, p.standard == nil)
		var now io.Writer
		if t.flows = form.Flows && p.standard != nil && len(outs.places) == 1 && t.of > 1; t.flows {
			now = read{p.standard}
		}
		t.series[p] = &account{Series: form.Series(t.of, now)}
	}
	job.Each = t.each
	run, err := audit.Run(ctx, job)
	if stopped := interrupted(ctx, what); stopped != nil {
		if t.flows && t.done > 0 {
			return &exitError{exitInterrupted, fmt.Errorf("%s was not complete: the report ends after %d of %d domains", what, t.done, t.of)}
		}
		return stopped
	}
	if err != nil {
		return internalf("%w", err)
	}
	if err := outs.write(job.Tape.Save, func(p *place) (io.Reader, error) {
		s := t.series[p]
		if s.err != nil {
			return nil, s.err
		}
		return s.End(run)
	}); err != nil {
		return err
	}
	if t.code != exitOK {
		return &exitError{code: t.code, err: fmt.Errorf("exit %d: %s", t.code, t.why)}
	}
	return nil
}

// each takes the report of the next domain.
func (t *telling) each(part *report.Report) {
	d := part.Domains[0]
	if code, why := t.f.gate(d); (&exitError{code: t.code}).less(code) {
		if t.code, t.why = code, why; t.of > 1 {
			t.why = d.Name + ": " + why
		}
	}
	for p, s := range t.series {
		if p.err == nil && s.err == nil {
			s.err = s.add(part)
		}
	}
	t.done++
}

// add keeps the fault of one renderer from the others.
func (s *account) add(part *report.Report) (err error) {
	defer caught(&err)
	return s.Add(part)
}
