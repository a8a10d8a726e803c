package report

import (
	"bytes"
	"cmp"
	"compress/flate"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A Form is one way to write a report. It is made of pieces, so that a run over many
// domains can give each away as it ends, and needs to keep only what the pieces
// around the domains are made of.
type Form struct {
	name string
	// Flows says that what stands before the domains is known before the run ends.
	Flows  bool
	head   func(w io.Writer, r *Report, g *gist) error
	domain func(w io.Writer, part *Report, n nth) error // part holds one domain
	tail   func(w io.Writer, r *Report, g *gist) error
	shared bool // the tail holds hosts and evidence of all domains
}

// An nth is the place of a domain in its run: one, from 0, of so many.
type nth struct{ i, of int }

// A headline is what a summary says of one domain.
type headline struct {
	Name  string
	Score Score
	Worst string // severity of the worst finding, "" without one
	First string // the rule to look up first, "" without a finding
}

// A gist is what is kept of the domains that were written.
type gist struct {
	heads    []headline
	hosts    []Host
	evidence []Evidence
}

// add keeps what is needed of a part, once it is written.
func (g *gist) add(part *Report, shared bool) {
	for i := range part.Domains {
		d := &part.Domains[i]
		h := headline{Name: strings.Clone(d.Name), Score: d.Score}
		if len(d.Findings) > 0 {
			h.Worst, h.First = d.Findings[0].Severity, d.firstCost()
		}
		g.heads = append(g.heads, h)
	}
	if shared {
		g.hosts, g.evidence = append(g.hosts, part.Hosts...), append(g.evidence, part.Evidence...)
	}
}

// join merges what several domains share.
func (g *gist) join() {
	g.hosts = mergeHosts(g.hosts)
	slices.SortStableFunc(g.evidence, func(a, b Evidence) int { return strings.Compare(a.Ref, b.Ref) })
	g.evidence = slices.CompactFunc(g.evidence, func(a, b Evidence) bool { return a.Ref == b.Ref })
}

// A Series writes the report of a run in one form, as its domains end. Where they have
// to wait for what stands before them, they wait compressed.
type Series struct {
	form    Form
	of      int
	now     io.Writer // gets each piece at once; nil where they wait
	waiting bytes.Buffer
	pack    *flate.Writer
	gist    gist
	err     error
}

// Series begins a report about so many domains. What is written goes to now at once where the form flows;
// with a nil now, and in other forms, all of it waits for End.
func (f Form) Series(of int, now io.Writer) *Series {
	s := &Series{form: f, of: of}
	if f.Flows {
		s.now = now
	}
	return s
}

// Add takes the part of the report that is about the next domain.
// After an error it does nothing more.
func (s *Series) Add(part *Report) error {
	if s.err != nil {
		return s.err
	}
	s.err = s.add(part)
	return s.err
}

func (s *Series) add(part *Report) error {
	var piece bytes.Buffer
	if s.now != nil && len(s.gist.heads) == 0 {
		if err := s.form.head(&piece, part, &s.gist); err != nil {
			return s.form.failed(err)
		}
	}
	if err := s.form.domain(&piece, part, nth{len(s.gist.heads), s.of}); err != nil {
		return s.form.failed(err)
	}
	s.gist.add(part, s.form.shared)
	if s.now != nil {
		_, err := s.now.Write(piece.Bytes())
		return s.form.failed(err)
	}
	if s.pack == nil {
		var err error
		if s.pack, err = flate.NewWriter(&s.waiting, flate.BestSpeed); err != nil {
			return s.form.failed(err)
		}
	}
	_, err := s.pack.Write(piece.Bytes())
	return s.form.failed(err)
}

// End gives what is left to write: all of the report, or what follows the domains
// where they were written at once. What the report says of the run is that of r; its
// domains are those that were added.
func (s *Series) End(r *Report) (io.Reader, error) {
	if s.err != nil {
		return nil, s.err
	}
	s.gist.join()
	var head, tail bytes.Buffer
	if s.now == nil || len(s.gist.heads) == 0 {
		if err := s.form.head(&head, r, &s.gist); err != nil {
			return nil, s.form.failed(err)
		}
	}
	if err := s.form.tail(&tail, r, &s.gist); err != nil {
		return nil, s.form.failed(err)
	}
	if s.pack == nil {
		return io.MultiReader(&head, &tail), nil
	}
	if err := s.pack.Close(); err != nil {
		return nil, s.form.failed(err)
	}
	return io.MultiReader(&head, flate.NewReader(&s.waiting), &tail), nil
}

// write writes a whole report in the form. Nothing is written where it cannot be made.
func (f Form) write(w io.Writer, r *Report) error {
	s := f.Series(len(r.Domains), nil)
	for i := range r.Domains {
		part := *r
		part.Domains = r.Domains[i : i+1]
		if err := s.Add(&part); err != nil {
			return err
		}
	}
	s.gist.hosts, s.gist.evidence = r.Hosts, r.Evidence // some may belong to no domain
	rest, err := s.End(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, rest)
	return f.failed(err)
}

func (f Form) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("write %s: %w", f.name, err)
}

// shownScore gives score and grade in the cells of a summary.
func (h headline) shownScore() (number, letter string) {
	return cmp.Or(h.Score.Range(), "-"), cmp.Or(grade(h.Score.Mark, h.Score.Suffix), "-")
}
