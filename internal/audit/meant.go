package audit

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"mxvet/internal/fix"
	"mxvet/internal/gather"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// A reach is who may send and where mail goes, if every name that records rely on
// had an answer.
type reach struct {
	pass4, pass6 spf.Set
	hosts        []string        // of the MX records
	names        map[string]bool // that who may send depends on
}

// An intent is what the domain's records mean now, each SPF text that claims to be
// the record taken as it was meant, and names without their final dot with it.
// Nobody is asked but through the tape, and nobody is dialled.
type intent struct {
	job    *Job
	e      *gather.Evidence
	dots   []zone.Change // that give names the final dot which they lack
	before reach
}

// A listener is a Source that notes which names it was asked about. Behind a name
// that is free nobody was meant, so it answers about that as it is.
type listener struct {
	wire.Source
	free  func(name string) bool
	asIs  wire.Source
	mu    sync.Mutex
	names map[string]bool
}

func (l *listener) DNS(ctx context.Context, q wire.Question) wire.Answer {
	l.mu.Lock()
	l.names[zone.Name(q.Name)] = true
	l.mu.Unlock()
	if l.free(zone.Name(q.Name)) {
		return l.asIs.DNS(ctx, q)
	}
	return l.Source.DNS(ctx, q)
}

func intentOf(ctx context.Context, job *Job, e *gather.Evidence) *intent {
	m := &intent{job: job, e: e, dots: fix.Dotted(e)}
	m.before = m.after(ctx, nil)
	for _, changes := range fix.Meant(e) {
		v := m.after(ctx, changes)
		m.before.pass4, m.before.pass6 = append(m.before.pass4, v.pass4...), append(m.before.pass6, v.pass6...)
		maps.Copy(m.before.names, v.names)
	}
	return m
}

// after gives what the records mean over changes.
func (m *intent) after(ctx context.Context, changes []zone.Change) reach {
	special := wire.Special
	if m.e.Options.AllowPrivate {
		special = wire.SpecialButDocumentation
	}
	src := &listener{
		Source: wire.NewOverlay(wire.StandIn{Behind: m.job.Tape, Domain: m.e.Domain, Special: special}, nil, fix.Squash(m.dots, changes)),
		free:   m.unregistered, asIs: m.job.Tape,
		names: map[string]bool{},
	}
	t := spf.Lookup(ctx, src, m.e.Domain)
	r := reach{pass4: t.Pass4, pass6: t.Pass6, names: src.names}
	own := wire.NewOverlay(m.job.Tape, nil, changes).DNS(ctx, wire.Question{Name: m.e.Domain, Type: "MX"})
	for _, mx := range own.MX() {
		if mx.Host != "." && !slices.Contains(r.hosts, mx.Host) {
			r.hosts = append(r.hosts, mx.Host)
		}
	}
	return r
}

// loses says what changes take away of what the records mean now, "" where they
// take nothing away.
func (m *intent) loses(ctx context.Context, changes []zone.Change) string {
	before, after := m.before, m.after(ctx, changes)
	texts := fix.Meant(m.e)
	rewrites := slices.ContainsFunc(texts, func(text []zone.Change) bool {
		return slices.ContainsFunc(changes, func(ch zone.Change) bool { return ch.Owner == text[0].Owner && ch.Type == "TXT" })
	})
	if !rewrites { // the record goes on to mean what it means
		for _, text := range texts {
			v := m.after(ctx, fix.Squash(changes, text))
			after.pass4, after.pass6 = append(after.pass4, v.pass4...), append(after.pass6, v.pass6...)
		}
	}
	touches := slices.ContainsFunc(changes, func(ch zone.Change) bool {
		return before.names[ch.Owner] || after.names[ch.Owner] || strings.HasPrefix(ch.Owner, "*.")
	})
	if touches && (m.lost(before.pass4, after.pass4) || m.lost(before.pass6, after.pass6)) {
		return "it would take the right to send away from addresses that the record means"
	}
	var gone []string
	for _, h := range before.hosts {
		if !slices.Contains(after.hosts, h) && !m.unregistered(h) && !slices.ContainsFunc(m.e.Dotless, func(d gather.Dotless) bool {
			return d.Name == h && slices.Contains(after.hosts, d.Meant) // the same host, without the zone's name behind it
		}) {
			gone = append(gone, h)
		}
	}
	if len(gone) > 0 {
		return fmt.Sprintf("it would take %s out of the MX records", strings.Join(gone, ", "))
	}
	return ""
}

// unregistered reports whether a host depends on a name that anybody can register, so
// that to keep it does the harm.
func (m *intent) unregistered(host string) bool {
	return slices.ContainsFunc(m.e.Registrations, func(r gather.Registration) bool {
		return r.Unregistered() && (host == r.Name || strings.HasSuffix(host, "."+r.Name))
	})
}

// lost reports whether addresses pass before that do not pass after, other than
// such as no mail comes from.
func (m *intent) lost(before, after spf.Set) bool {
	special := wire.Special
	if m.e.Options.AllowPrivate {
		special = wire.SpecialButDocumentation
	}
	return slices.ContainsFunc(before, func(s spf.Span) bool { // sets hold no two spans that touch
		_, nowhere := special(s.Lo)
		return (!nowhere || wire.Placeholder(s.Lo)) &&
			!slices.ContainsFunc(after, func(t spf.Span) bool { return !s.Lo.Less(t.Lo) && !t.Hi.Less(s.Hi) })
	})
}
