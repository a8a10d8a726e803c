// Package audit runs the pipeline: gather what the world can see of a domain,
// judge it, and make a report of it. Everything that a run learns goes through
// one tape, so that a host which several domains share is asked once, and so
// that the run can be recorded and replayed.
package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"mxvet/checks"
	"mxvet/internal/gather"
	"mxvet/internal/wire"
	"mxvet/report"
)

// A Job is one run over one or several domains.
type Job struct {
	Domains []string // A-labels
	Options gather.Options
	Tables  gather.Tables
	Tool    report.Tool
	Rubric  string           // "" is the newest
	Timeout time.Duration    // for one domain; 0 is no limit of its own
	Now     func() time.Time // to measure how long the run took

	Tape     *wire.Tape
	at       time.Time
	replayed *receipt
}

// What a recording holds beside the answers.
type recorded struct {
	Domains []string       `json:"domains"`
	Options gather.Options `json:"options"`
}

// A receipt is what the run cost. A replay shows the recorded one: it costs
// nothing itself.
type receipt struct {
	Resolver    string `json:"resolver"`
	Queries     int    `json:"queries"`
	Connections int    `json:"connections"`
	Millis      int    `json:"millis"`
	Floor       int    `json:"floor_millis"`
}

// Start makes the job ask src, beginning at that time. The seed of the run's
// random labels is Options.Seed.
func (j *Job) Start(src wire.Source, at time.Time) error {
	j.at = at.UTC().Truncate(time.Second)
	options, err := json.Marshal(recorded{j.Domains, j.Options})
	if err != nil {
		return fmt.Errorf("record options: %w", err)
	}
	j.Tape = wire.NewTape(src, wire.Header{Tool: j.Tool.Name + " " + j.Tool.Version, Options: options, At: j.at, Seed: j.Options.Seed})
	return nil
}

// Replay makes the job answer from a recording: its domains, unless some of
// them were chosen, its options and its time.
func (j *Job) Replay(tape *wire.Tape) error {
	var rec recorded
	header := tape.Header()
	if err := json.Unmarshal(header.Options, &rec); err != nil {
		return fmt.Errorf("options of the recording: %w", err)
	}
	for _, d := range j.Domains {
		if !slices.Contains(rec.Domains, d) {
			return fmt.Errorf("%s is not in this recording: it holds %v", d, rec.Domains)
		}
	}
	if len(j.Domains) == 0 {
		j.Domains = rec.Domains
	}
	j.replayed = &receipt{}
	if err := json.Unmarshal(header.Receipt, j.replayed); err != nil {
		return fmt.Errorf("receipt of the recording: %w", err)
	}
	j.Options, j.Tape, j.at = rec.Options, tape, header.At
	return nil
}

const parallel = 4 // domains audited at a time

// Run audits the domains of the job. It fails only where the rubric is unknown
// or the receipt cannot be kept; everything that goes wrong on the network is in
// the report.
func Run(ctx context.Context, j Job) (*report.Report, error) {
	rubric, err := report.LoadRubric(j.Rubric)
	if err != nil {
		return nil, err
	}
	began := j.Now()
	j.Options.SharedHosts = j.shared(ctx)
	domains := make([]result, len(j.Domains))
	var wg sync.WaitGroup
	places := make(chan struct{}, parallel)
	for i, name := range j.Domains {
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			domains[i] = j.domain(ctx, rubric, name)
		})
	}
	wg.Wait()

	r := receipt{Millis: int(j.Now().Sub(began).Milliseconds())}
	if j.replayed != nil {
		r = *j.replayed
	} else {
		r.Queries, r.Connections = j.Tape.Counts()
		for _, d := range domains {
			r.Floor = max(r.Floor, floor(d.evidence))
			r.Resolver = d.evidence.MX.Answer.From
		}
		if err := j.keep(r); err != nil {
			return nil, err
		}
	}
	return j.report(rubric, domains, r), nil
}

// shared gives the mail hosts that several domains of the job name. Each is
// talked to once for all of them, so what only concerns one domain is not asked.
func (j *Job) shared(ctx context.Context) []string {
	if len(j.Domains) < 2 {
		return nil
	}
	answers := make([]wire.Answer, len(j.Domains))
	var wg sync.WaitGroup
	for i, d := range j.Domains {
		wg.Go(func() { answers[i] = j.Tape.DNS(ctx, wire.Question{Name: d, Type: "MX"}) })
	}
	wg.Wait()
	count := map[string]int{}
	for _, a := range answers {
		hosts := map[string]bool{}
		for _, m := range a.MX() {
			hosts[m.Host] = true
		}
		for host := range hosts {
			count[host]++
		}
	}
	var out []string
	for _, host := range slices.Sorted(maps.Keys(count)) {
		if count[host] > 1 {
			out = append(out, host)
		}
	}
	return out
}

func (j *Job) keep(r receipt) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("record receipt: %w", err)
	}
	j.Tape.SetReceipt(data)
	return nil
}

type result struct {
	evidence *gather.Evidence
	domain   report.Domain
}

func (j *Job) domain(ctx context.Context, rubric *report.Rubric, name string) result {
	if j.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, j.Timeout)
		defer cancel()
	}
	e := gather.Domain(ctx, j.Tape, j.Tables, j.at, name, j.Options)
	return result{e, report.Build(e, checks.Run(e, checks.All()), rubric)}
}

func (j *Job) report(rubric *report.Rubric, results []result, r receipt) *report.Report {
	run := report.Run{
		At: j.at, Resolver: r.Resolver, Queries: r.Queries, Connections: r.Connections,
		Millis: r.Millis, FloorMillis: r.Floor,
		AllowPrivate: j.Options.AllowPrivate,
		Options: report.Options{
			SMTP: !j.Options.NoSMTP && !j.Options.Offline, Offline: j.Options.Offline, Deep: j.Options.Deep,
			Relay: j.Options.Relay, EHLO: j.Options.EHLO,
		},
	}
	var domains []report.Domain
	var hosts []report.Host
	for _, res := range results {
		domains = append(domains, res.domain)
		hosts = append(hosts, report.Hosts(res.evidence)...)
		four, six, note := report.VantageOf(res.evidence.Vantage)
		run.IPv4, run.IPv6 = better(run.IPv4, four), better(run.IPv6, six)
		if note != "" {
			run.ResolverNote = note
		}
	}
	return report.New(j.Tool, rubric.Version, run, domains, hosts, j.summary)
}

// better joins what two domains found out about one address family: what one
// of them proved holds for the run.
func better(a, b report.Reach) report.Reach {
	rank := []string{"", report.ReachUnproven, report.ReachBroken, report.ReachProven}
	if slices.Index(rank, b.State) > slices.Index(rank, a.State) {
		return b
	}
	return a
}

// summary says in short what the request behind a reference gave.
func (j *Job) summary(ref wire.Ref) string {
	switch answer, page, session := j.Tape.Lookup(ref); {
	case answer != nil:
		return report.SummarizeAnswer(*answer)
	case page != nil:
		return report.SummarizePage(*page)
	case session != nil:
		return report.SummarizeSession(*session)
	}
	return ""
}
