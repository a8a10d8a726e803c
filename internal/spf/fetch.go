package spf

import (
	"context"
	"strings"

	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// Bounds on one walk. They are far above what an evaluation may do, so that they
// cut only what is broken anyway, and they do not depend on timing.
const (
	maxDepth   = 12   // levels of include and redirect
	maxDomains = 50   // names asked for a record
	maxTargets = 50   // names behind a, mx and exists
	maxNodes   = 400  // records in the tree, counted each time they are evaluated
	maxSteps   = 2000 // terms in the tree
	maxNets    = 8000 // networks named in the tree
)

// An Ask is one DNS question and its answer.
type Ask struct {
	Ref    wire.Ref
	Answer wire.Answer
}

// Usable reports whether the answer may be relied on: records, NODATA or
// NXDOMAIN, and complete.
func (a Ask) Usable() bool { return a.Answer.OK() && !a.Answer.TCPFailed }

// Void reports an answer without records of that type.
func (a Ask) Void(rrtype string) bool { return a.Usable() && !a.Answer.Has(rrtype) }

// fail says why the answer is not usable.
func (a Ask) fail() wire.Fail {
	if a.Answer.Fail != nil {
		return *a.Answer.Fail
	}
	if a.Answer.TCPFailed {
		return wire.Fail{Kind: wire.FailLimit, Text: "the answer over UDP was truncated and TCP gave none"}
	}
	return wire.Fail{Kind: wire.FailRcode, Text: "the answer has rcode " + a.Answer.Rcode}
}

// ask asks for a name in presentation format.
func ask(ctx context.Context, src wire.Source, name, rrtype string) Ask {
	q := wire.Question{Name: name, Type: rrtype}
	return Ask{q.Ref(), src.DNS(ctx, q)}
}

// A site is what was found at one name that may hold a record.
type site struct {
	txt     Ask
	records []Record
	near    []NearMiss
}

// record gives the one record of the site, or nil.
func (s *site) record() *Record {
	if s == nil || len(s.records) != 1 {
		return nil
	}
	return &s.records[0]
}

// read selects and parses the records of a TXT answer.
func read(txt Ask) *site {
	s := &site{txt: txt}
	if !txt.Usable() {
		return s
	}
	for _, parts := range txt.Answer.TXTStrings() {
		text := strings.Join(parts, "")
		if hasVersion(text) {
			s.records = append(s.records, ParseStrings(parts))
		} else if m, ok := nearMiss(text); ok {
			s.near = append(s.near, m)
		}
	}
	return s
}

// A harvest holds every answer that a walk needs, so that the tree can be built
// from it without asking.
type harvest struct {
	root  string
	spf99 Ask
	sites map[string]*site
	hosts map[hostKey]*hostAnswers
	exps  map[string]*Ask
}

type hostKey struct {
	kind Kind // KindA, KindMX or KindExists
	name string
}

type hostAnswers struct {
	mx, a, aaaa Ask
	hosts       []Host
}

// gather asks level by level: the records of one level of the tree at once, and
// the addresses behind a, mx and exists as soon as the record that names them is
// there, while the levels go on.
func gather(ctx context.Context, src wire.Source, root string) *harvest {
	h := &harvest{
		root:  root,
		sites: map[string]*site{},
		hosts: map[hostKey]*hostAnswers{},
		exps:  map[string]*Ask{},
	}
	if !wellFormed(root) {
		h.sites[root] = &site{} // an evaluation of such a name ends before it asks (section 4.3)
		return h
	}
	var background together.Group
	defer background.Wait()
	background.Go(func() { h.spf99 = ask(ctx, src, presentation(root), "SPF") })

	level := []string{root}
	h.sites[root] = nil
	for depth := 0; len(level) > 0 && depth <= maxDepth; depth++ {
		found := make([]*site, len(level))
		var wait together.Group
		for i, name := range level {
			wait.Go(func() { found[i] = read(ask(ctx, src, presentation(name), "TXT")) })
		}
		wait.Wait()
		var next []string
		for i, name := range level {
			h.sites[name] = found[i]
			r := found[i].record()
			if r == nil {
				continue
			}
			for _, n := range r.Order() {
				t := &r.Terms[n]
				target, ok := t.target(name, root)
				if !ok || !queryable(target) {
					continue
				}
				switch t.Kind {
				case KindInclude, KindRedirect:
					if _, asked := h.sites[target]; !asked && wellFormed(target) && len(h.sites) < maxDomains {
						h.sites[target] = nil
						next = append(next, target)
					}
				case KindA, KindMX, KindExists:
					h.askHosts(ctx, src, &background, hostKey{t.Kind, target})
				}
			}
		}
		h.askExp(ctx, src, &background)
		level = next
	}
	for _, name := range level { // cut off at the depth limit: never asked
		delete(h.sites, name)
	}
	return h
}

// target gives what a term points at, where that does not depend on the message.
// Without a target of its own it is the owner of the record.
func (t *Term) target(owner, root string) (string, bool) {
	if t.Spec == nil {
		return owner, true
	}
	return t.Spec.known(owner, root)
}

// askExp follows the redirects from the root as far as they are known and asks
// for the explanations of those records: one of them may come to be used.
func (h *harvest) askExp(ctx context.Context, src wire.Source, wg *together.Group) {
	owner := h.root
	for range maxDepth {
		r := h.sites[owner].record()
		if r == nil {
			return
		}
		if i := r.Exp(); i >= 0 {
			name, ok := r.Terms[i].target(owner, h.root)
			if ok && queryable(name) && h.exps[name] == nil {
				slot := new(Ask)
				h.exps[name] = slot
				wg.Go(func() { *slot = ask(ctx, src, presentation(name), "TXT") })
			}
		}
		i := r.Redirect()
		if i < 0 || r.All() >= 0 {
			return
		}
		owner, _ = r.Terms[i].target(owner, h.root)
	}
}

// askHosts asks in the background for what a term needs.
func (h *harvest) askHosts(ctx context.Context, src wire.Source, wg *together.Group, key hostKey) {
	if h.hosts[key] != nil || len(h.hosts) >= maxTargets {
		return
	}
	got := new(hostAnswers)
	h.hosts[key] = got
	name := presentation(key.name)
	switch key.kind {
	case KindA:
		wg.Go(func() { got.a = ask(ctx, src, name, "A") })
		wg.Go(func() { got.aaaa = ask(ctx, src, name, "AAAA") })
	case KindExists:
		wg.Go(func() { got.a = ask(ctx, src, name, "A") })
	case KindMX:
		wg.Go(func() {
			got.mx = ask(ctx, src, name, "MX")
			if !got.mx.Usable() {
				return
			}
			mx := mailHosts(got.mx.Answer)
			got.hosts = make([]Host, min(len(mx), MaxMX))
			var wait together.Group
			for i := range got.hosts {
				host := &got.hosts[i]
				host.Name, host.Pref = mx[i].Host, mx[i].Pref
				if !queryable(host.Name) {
					continue
				}
				wait.Go(func() { host.A = ask(ctx, src, host.Name, "A") })
				wait.Go(func() { host.AAAA = ask(ctx, src, host.Name, "AAAA") })
			}
			wait.Wait()
		})
	}
}

// mailHosts gives the MX records that name a host: a null MX (RFC 7505) does not.
func mailHosts(a wire.Answer) []wire.MX {
	var out []wire.MX
	for _, mx := range a.MX() {
		if mx.Host != "." {
			out = append(out, mx)
		}
	}
	return out
}
