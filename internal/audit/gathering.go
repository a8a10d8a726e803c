package audit

import (
	"cmp"
	"maps"
	"slices"

	"mxvet/internal/wire"
	"mxvet/report"
)

// A result is what becomes of the evidence of one domain, which is much more: its part
// of the report, and what it says of the run.
type result struct {
	domain     report.Domain
	hosts      []report.Host
	recipients int
	four, six  report.Reach
	note       string // what is wrong with the resolver
	floor      int    // milliseconds
	resolver   string
	evidence   map[wire.Ref]string // what is cited, in short
}

// A gathering makes the report, from the domains in the order of the targets. It
// keeps the domains where nobody takes them one by one (Job.Each).
type gathering struct {
	job    *Job
	rubric *report.Rubric
	run    report.Run // what is known of it until now
	floor  int        // milliseconds
	shared []string   // hosts that several domains name
	broken bool       // a domain is missing: what comes after it is no report of all

	domains []report.Domain
	hosts   []report.Host
	texts   map[wire.Ref]string
	named   map[string]report.Host // what the first domain that has a host says of it
}

func (g *gathering) add(res result) {
	g.floor = max(g.floor, res.floor)
	run := &g.run
	run.Resolver = cmp.Or(run.Resolver, res.resolver)
	run.Recipients += res.recipients
	run.IPv4, run.IPv6 = better(run.IPv4, res.four), better(run.IPv6, res.six)
	run.ResolverNote = cmp.Or(res.note, run.ResolverNote)
	if g.job.Each != nil {
		g.job.Each(g.made(receipt{Resolver: run.Resolver}, []report.Domain{res.domain}, g.first(res.hosts), res.evidence))
		return
	}
	maps.Copy(g.texts, res.evidence)
	g.domains, g.hosts = append(g.domains, res.domain), append(g.hosts, res.hosts...)
}

// first gives hosts as the first domain that had them showed them, as a report of
// all domains does.
func (g *gathering) first(hosts []report.Host) []report.Host {
	out := slices.Clone(hosts)
	for i, h := range out {
		if before, ok := g.named[h.Name]; ok {
			out[i] = before
		} else if slices.Contains(g.shared, h.Name) {
			g.named[h.Name] = h
		}
	}
	return out
}

// report gives what was kept, and what is known of the run.
func (g *gathering) report(r receipt) *report.Report {
	return g.made(r, g.domains, g.hosts, g.texts)
}

func (g *gathering) made(r receipt, domains []report.Domain, hosts []report.Host, texts map[wire.Ref]string) *report.Report {
	j, o, run := g.job, g.job.options(), g.run
	run.At, run.Resolver, run.Queries, run.Connections, run.Millis, run.FloorMillis = j.at, r.Resolver, r.Queries, r.Connections, r.Millis, r.Floor
	run.AllowPrivate = o.AllowPrivate
	run.Options = report.Options{
		SMTP: !o.NoSMTP && !o.Offline, Offline: o.Offline, Deep: o.Deep,
		Relay: o.Relay, EHLO: o.EHLO, Zones: j.laid.files(), Assumed: j.laid.Records,
		Policy: j.laid.Policy, Presumed: j.laid.Presumed, Replaced: g.run.Options.Replaced,
	}
	return report.New(j.Tool, g.rubric.Version, run, domains, hosts, func(ref wire.Ref) string {
		if text, kept := texts[ref]; kept {
			return text
		}
		return j.summary(ref)
	})
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
