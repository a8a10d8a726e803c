package report

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// joined makes one report of the samples, each under a name of its own.
func joined(t *testing.T) *Report {
	t.Helper()
	var whole *Report
	for _, r := range []*Report{sampleTypical(t), sampleClean(t), sampleUnknown(t), sampleHostile(t)} {
		if whole == nil {
			whole = r
			continue
		}
		whole.Domains = append(whole.Domains, r.Domains...)
		whole.Hosts = mergeHosts(append(whole.Hosts, r.Hosts...))
		for _, e := range r.Evidence {
			if whole.summary(e.Ref) == "" {
				whole.Evidence = append(whole.Evidence, e)
			}
		}
		slices.SortFunc(whole.Evidence, func(a, b Evidence) int { return strings.Compare(a.Ref, b.Ref) })
	}
	return whole
}

// What is written domain by domain is what is written of the whole, and a form that
// flows has given each domain away before the next is there.
func TestSeries(t *testing.T) {
	r := joined(t)
	for name, f := range map[string]Form{"text": TextForm(TextOptions{}), "quiet": TextForm(TextOptions{Quiet: true}), "zone": ZoneForm(), "json": JSONForm(), "html": HTMLForm()} {
		var whole, now, late bytes.Buffer
		if err := f.write(&whole, r); err != nil {
			t.Fatal(err)
		}
		for _, first := range []*bytes.Buffer{&now, nil} {
			var to io.Writer
			if first != nil {
				to = first
			}
			s := f.Series(len(r.Domains), to)
			for i := range r.Domains {
				part := *r
				part.Domains = r.Domains[i : i+1]
				before := now.Len()
				if err := s.Add(&part); err != nil {
					t.Fatal(err)
				}
				if flowed := now.Len() > before; flowed != (f.Flows && first != nil) {
					t.Errorf("%s: domain %d was written at once: %v", name, i+1, flowed)
				}
			}
			rest, err := s.End(&Report{Schema: r.Schema, Tool: r.Tool, Rubric: r.Rubric, Run: r.Run})
			if err != nil {
				t.Fatal(err)
			}
			late.Reset()
			if first != nil {
				late.Write(first.Bytes())
			}
			if _, err := io.Copy(&late, rest); err != nil {
				t.Fatal(err)
			}
			if late.String() != whole.String() {
				t.Errorf("%s: %d bytes piece by piece, and %d of the whole", name, late.Len(), whole.Len())
			}
		}
	}
	var back bytes.Buffer
	if err := JSON(&back, r); err != nil {
		t.Fatal(err)
	}
	if again, err := Parse(back.Bytes()); err != nil || len(again.Domains) != len(r.Domains) {
		t.Errorf("%v", err)
	}
}

// A report about nothing is whole as well.
func TestSeriesOfNothing(t *testing.T) {
	r := New(Tool{Name: "mxvet"}, "2026.1", Run{}, nil, nil, nil)
	var out bytes.Buffer
	if err := JSON(&out, r); err != nil {
		t.Fatal(err)
	}
	if again, err := Parse(out.Bytes()); err != nil || len(again.Domains) != 0 {
		t.Errorf("%v\n%s", err, out.String())
	}
	out.Reset()
	if err := Zone(&out, r); err != nil || !strings.Contains(out.String(), zoneGuide[0]) {
		t.Errorf("%v\n%s", err, out.String())
	}
}

type deaf struct{}

func (deaf) Write([]byte) (int, error) { return 0, errors.New("nobody listens") }

// After an error nothing more is written.
func TestSeriesFails(t *testing.T) {
	r := sampleClean(t)
	s := TextForm(TextOptions{}).Series(2, deaf{})
	for range 2 {
		if err := s.Add(r); err == nil || !strings.Contains(err.Error(), "write text report: nobody listens") {
			t.Error(err)
		}
	}
	if _, err := s.End(r); err == nil {
		t.Error("no error")
	}
	if err := JSON(deaf{}, r); err == nil {
		t.Error("no error")
	}
}
