package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

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

	missed []missed // by those that do not meet the thresholds, at most maxMissed of a code
	left   int      // how many more of them there are
}

// A missed is why a domain does not meet the thresholds.
type missed struct {
	code int
	why  string
}

const maxMissed = 10 // domains that are told of on standard error

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
	if f.timeout > 0 {
		outs.patience = f.timeout
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
	return t.gated()
}

// gated gives the exit code of all domains, with a line about each that does not meet
// the thresholds: those that decide the code first.
func (t *telling) gated() error {
	if len(t.missed) == 0 {
		return nil
	}
	slices.SortStableFunc(t.missed, func(a, b missed) int {
		switch {
		case a.code == b.code:
			return 0
		case (&exitError{code: b.code}).less(a.code):
			return -1
		}
		return 1
	})
	var told []error
	for _, m := range t.missed[:min(len(t.missed), maxMissed)] {
		told = append(told, fmt.Errorf("exit %d: %s", m.code, m.why))
	}
	if more := t.left + len(t.missed) - len(told); more > 0 {
		told = append(told, fmt.Errorf("and %d more of %d domains", more, t.of))
	}
	return &exitError{t.missed[0].code, errors.Join(told...)}
}

// each takes the report of the next domain.
func (t *telling) each(part *report.Report) {
	t.judge(&part.Domains[0])
	for p, s := range t.series {
		if p.err == nil && s.err == nil {
			s.err = s.add(part)
		}
	}
	t.done++
}

// judge holds a domain against the thresholds.
func (t *telling) judge(d *report.Domain) {
	code, why := t.f.gate(d)
	if code == exitOK {
		return
	}
	alike := 0
	for _, m := range t.missed {
		if m.code == code {
			alike++
		}
	}
	if alike == maxMissed {
		t.left++
		return
	}
	if t.of > 1 {
		why = d.Name + ": " + why
	}
	t.missed = append(t.missed, missed{code, why})
}

// add keeps the fault of one renderer from the others.
func (s *account) add(part *report.Report) (err error) {
	defer caught(&err)
	return s.Add(part)
}
