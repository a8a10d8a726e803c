// Package audit runs the pipeline: gather what the world can see of a domain,
// judge it, propose and prove what would mend it, and make a report of it.
// Everything that a run learns goes through one tape, so that a host which
// several domains share is asked once, and so that the run can be recorded and
// replayed.
package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"mxvet/internal/gather"
	"mxvet/internal/together"
	"mxvet/internal/wire"
	"mxvet/report"
)

// A Job is one run over one or several domains.
type Job struct {
	Targets []Target
	Assumed Assumed // before Start
	Tables  gather.Tables
	Tool    report.Tool
	Rubric  string           // "" is the newest
	Timeout time.Duration    // for all of one domain; 0 is no limit of its own
	Now     func() time.Time // to measure how long the run took
	Began   time.Time        // from when on; zero is the beginning of Run
	// Lean says that the tape is not saved: of many domains, what was asked about one
	// is forgotten once it is done with.
	Lean bool
	// Each, where it is set, is given the report of each domain as soon as those before
	// it have ended, in the order of the targets. Run then keeps nothing of them: what it
	// gives names the run alone. Nothing is given of a run that was stopped.
	Each func(part *report.Report)

	Tape     *wire.Tape
	at       time.Time
	laid     laid
	replayed *receipt
}

// A Target is one domain to audit. What its Options say of the place to ask from
// and of the network (Offline, NoSMTP, EHLO, Seed, ...) is the same for all
// targets of a job.
type Target struct {
	Domain  string         `json:"domain"` // A-labels
	Options gather.Options `json:"options"`
}

// Targets gives each domain the same options.
func Targets(domains []string, o gather.Options) []Target {
	var out []Target
	for _, d := range domains {
		out = append(out, Target{d, o})
	}
	return out
}

// What a recording holds beside the answers.
type recorded struct {
	Targets []Target `json:"targets"`
	Laid    laid     `json:"laid,omitzero"`
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

// Start makes the job ask src, with what is assumed laid over it, beginning at
// that time. A nil src is no network: only what is assumed answers, and that no
// registry above has a DMARC policy is assumed too.
func (j *Job) Start(src wire.Source, at time.Time) error {
	if src == nil {
		j.Assumed = j.Assumed.withoutRegistries(j.Targets, j.Tables.Suffixes)
	}
	j.at, j.laid = at.UTC().Truncate(time.Second), j.Assumed.laid()
	j.Targets = slices.Clone(j.Targets)
	for i := range j.Targets {
		t := &j.Targets[i]
		t.Options.ZoneSelectors = j.Assumed.selectors(t.Domain)
		t.Options.ZoneKeysWhole = j.Assumed.keysWhole(t.Domain)
		t.Options.ZoneMail = j.Assumed.mail(t.Domain)
		t.Options.ZoneFiles, t.Options.ZoneSlips = j.Assumed.slips(t.Domain)
	}
	options, err := json.Marshal(recorded{j.Targets, j.laid})
	if err != nil {
		return fmt.Errorf("record options: %w", err)
	}
	j.Tape = wire.NewTape(wire.Bounded(j.Assumed.over(src)), wire.Header{Tool: j.Tool.Name + " " + j.Tool.Version, Options: options, At: j.at, Seed: j.options().Seed})
	return nil
}

// options gives those that are the same for all targets.
func (j *Job) options() gather.Options {
	if len(j.Targets) == 0 {
		return gather.Options{}
	}
	return j.Targets[0].Options
}

const (
	parallel = 4  // domains audited at a time
	ahead    = 64 // domains that wait for one before them, at most
)

// Run audits the domains of the job. It fails only where the rubric is unknown
// or the receipt cannot be kept; everything that goes wrong on the network is in
// the report.
func Run(ctx context.Context, j Job) (*report.Report, error) {
	rubric, err := report.LoadRubric(j.Rubric)
	if err != nil {
		return nil, err
	}
	began := j.Began
	if began.IsZero() {
		began = j.Now()
	}
	shared := j.shared(ctx)
	all := &gathering{job: &j, rubric: rubric, shared: shared, texts: map[wire.Ref]string{}, named: map[string]report.Host{}}
	known := make(chan struct{}) // closed when it is known what stood before
	var before []report.Replaced
	var wg together.Group
	wg.Go(func() {
		defer close(known)
		t := j.limited(ctx)
		defer t.end()
		before = j.replaced(t.asking)
	})
	places := make(chan struct{}, parallel)
	turns := make([]chan struct{}, len(j.Targets)+1) // closed when that domain may be told
	for i := range turns {
		turns[i] = make(chan struct{})
	}
	close(turns[0])
	for i, target := range j.Targets {
		target.Options.SharedHosts = shared
		<-turns[max(0, i-ahead)]
		places <- struct{}{}
		wg.Go(func() {
			told := false
			defer func() { // whatever became of this one, the next has its turn after it
				<-turns[i]
				all.broken = all.broken || !told
				close(turns[i+1])
			}()
			res := func() result {
				defer func() { <-places }()
				return j.domain(ctx, rubric, target)
			}()
			<-turns[i]
			<-known
			all.run.Options.Replaced = before
			if j.Each == nil || ctx.Err() == nil && !all.broken {
				all.add(res)
				told = true
			}
		})
	}
	wg.Wait()

	all.run.Options.Replaced = before
	r := receipt{Millis: int(j.Now().Sub(began).Milliseconds()), Floor: all.floor, Resolver: all.run.Resolver}
	if j.replayed != nil {
		r = *j.replayed
	} else {
		r.Queries, r.Connections = j.Tape.Counts()
		if err := j.keep(r); err != nil {
			return nil, err
		}
	}
	return all.report(r), nil
}

// shared gives the mail hosts that several domains of the job name. Each is
// talked to once for all of them, so what only concerns one domain is not asked.
func (j *Job) shared(ctx context.Context) []string {
	if len(j.Targets) < 2 {
		return nil
	}
	answers := make([]wire.Answer, len(j.Targets))
	var wg together.Group
	for i, t := range j.Targets {
		wg.Go(func() { answers[i] = j.Tape.DNS(ctx, wire.Question{Name: t.Domain, Type: "MX"}) })
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

func (j *Job) domain(ctx context.Context, rubric *report.Rubric, target Target) result {
	t := j.limited(gather.NewBudget().Within(ctx))
	defer t.end()
	asked := &notes{Source: j.Tape, refs: map[wire.Ref]bool{}}
	now := trial{evidence: gather.Domain(t.asking, asked, j.Tables, j.at, target.Domain, target.Options)}
	now.judge(t.whole, rubric)
	d := report.Build(now.evidence, now.results, rubric)
	if len(j.Targets) > 1 {
		d.Zones = now.evidence.Options.ZoneFiles
	}
	d.Drift = j.drift(t.asking, now.evidence)
	j.prove(t, asked.refs, rubric, now, &d)
	res := result{
		domain: d, hosts: report.Hosts(now.evidence), recipients: report.Recipients(now.evidence),
		floor: floor(now.evidence), resolver: j.resolver(now.evidence),
	}
	res.four, res.six, res.note = report.VantageOf(now.evidence.Vantage)
	if j.Lean && len(j.Targets) > 1 {
		res.evidence = map[wire.Ref]string{}
		for _, ref := range d.Cited() {
			res.evidence[ref] = j.summary(ref)
		}
		if !j.overlaps(target.Domain) {
			j.Tape.Forget(target.Domain)
		}
	}
	return res
}

// overlaps reports that another domain of the job lies below or above that one, so
// that what is asked about the one is asked about the other too.
func (j *Job) overlaps(domain string) bool {
	return slices.ContainsFunc(j.Targets, func(t Target) bool {
		return strings.HasSuffix(t.Domain, "."+domain) || strings.HasSuffix(domain, "."+t.Domain)
	})
}
