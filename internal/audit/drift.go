package audit

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/together"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
	"mxvet/report"
)

// An rrset names the records that drift compares.
type rrset struct{ owner, rrtype string }

// maxDrift bounds the RRsets that are compared for one domain.
const maxDrift = 200

// drift compares what the zones say about the domain's mail with what is
// published now: also where the zone has nothing, since a key or policy that a
// new zone forgets is lost at launch. How often strings are cut and what time to
// live records have makes no difference.
func (j *Job) drift(ctx context.Context, e *gather.Evidence) []report.Difference {
	if len(j.laid.Zones) == 0 || e.Options.Offline {
		return nil
	}
	var sets []rrset
	for _, s := range mailRecords(e) {
		if j.laid.covers(s.owner) && len(sets) < maxDrift {
			sets = append(sets, s)
		}
	}
	found := make([]*report.Difference, len(sets))
	var wg together.Group
	for i, s := range sets {
		wg.Go(func() { found[i] = j.compare(ctx, s) })
	}
	wg.Wait()
	var out []report.Difference
	for _, d := range found {
		if d != nil {
			out = append(out, *d)
		}
	}
	return out
}

// mailRecords names the RRsets that matter for the mail of a domain, each once.
func mailRecords(e *gather.Evidence) []rrset {
	var out []rrset
	seen := map[rrset]bool{}
	add := func(owner string, rrtypes ...string) {
		for _, t := range rrtypes {
			if s := (rrset{zone.Name(owner), t}); owner != "" && !seen[s] {
				seen[s] = true
				out = append(out, s)
			}
		}
	}
	add(e.Domain, "NS", "MX", "TXT")
	for _, h := range e.MX.Hosts {
		add(h.Name, "A", "AAAA")
	}
	for _, step := range e.SPF.Steps() {
		if step.Child != nil {
			add(step.Target, "TXT")
		} else if step.A != nil {
			add(step.Target, "A", "AAAA")
		}
		for _, h := range step.Hosts {
			add(h.Name, "A", "AAAA")
		}
	}
	add("_dmarc."+e.Domain, "TXT")
	for _, step := range e.DMARC.Steps {
		add(step.Name, "TXT")
	}
	add("_mta-sts."+e.Domain, "TXT")
	add(e.MTASTS.Host, "A", "AAAA")
	add("_smtp._tls."+e.Domain, "TXT")
	for _, s := range e.DKIM.Selectors {
		if s.Invalid == "" {
			add(s.Owner, "TXT")
		}
	}
	return out
}

// compare gives the difference of one RRset, nil where there is none or the zone
// does not speak for it (it lies below a cut).
func (j *Job) compare(ctx context.Context, s rrset) *report.Difference {
	var ours, live wire.Answer
	var wg together.Group
	wg.Go(func() { ours = j.Tape.DNS(ctx, wire.Question{Name: s.owner, Type: s.rrtype}) })
	wg.Go(func() { live = j.Tape.DNS(ctx, wire.Question{Name: s.owner, Type: s.rrtype, Live: true}) })
	wg.Wait()
	if !ours.Assumed || ours.Fail != nil {
		return nil
	}
	d := &report.Difference{Owner: s.owner, Type: s.rrtype, Zone: published(ours, s)}
	if live.Fail != nil || live.TCPFailed {
		if len(d.Zone) == 0 {
			return nil
		}
		d.Note = "not compared: the live DNS gave no whole answer"
		if live.Fail != nil {
			d.Note = "not compared: the live DNS gave no answer: " + live.Fail.String()
		}
		return d
	}
	d.Live = published(live, s)
	if slices.Equal(meaning(ours, s), meaning(live, s)) {
		return nil
	}
	d.Note = caches(live, s)
	return d
}

// published gives the data of an RRset; an alias in its place says so.
func published(a wire.Answer, s rrset) []string {
	own := at(a, s.owner)
	out := own.Records(s.rrtype)
	for _, target := range own.Records("CNAME") {
		out = append(out, "CNAME "+target)
	}
	return out
}

// meaning gives the data of an RRset in a form that is equal where receivers see
// no difference.
func meaning(a wire.Answer, s rrset) []string {
	own := at(a, s.owner)
	var out []string
	if s.rrtype == "TXT" {
		out = own.TXT()
	} else {
		for _, data := range own.Records(s.rrtype) {
			out = append(out, strings.ToLower(data))
		}
	}
	for _, target := range own.Targets("CNAME") {
		out = append(out, "CNAME "+target)
	}
	slices.Sort(out)
	return out
}

// at keeps the records of one owner.
func at(a wire.Answer, owner string) wire.Answer {
	var out wire.Answer
	for _, rr := range a.Answer {
		if name, _, _ := strings.Cut(rr, "\t"); zone.Name(name) == owner {
			out.Answer = append(out.Answer, rr)
		}
	}
	return out
}

// caches says how long resolvers may go on saying what is live. A resolver's
// answer may have aged in its cache, so others may hold it longer.
func caches(live wire.Answer, s rrset) string {
	longer := " or longer"
	if live.AA {
		longer = ""
	}
	own := at(live, s.owner)
	for _, t := range []string{s.rrtype, "CNAME"} {
		if ttl, ok := own.TTL(t); ok {
			return fmt.Sprintf("caches may hold the live one for %d s%s", ttl, longer)
		}
	}
	for _, rr := range live.Authority { // RFC 2308 section 5
		f := strings.Fields(rr)
		if len(f) != 11 || f[3] != "SOA" {
			continue
		}
		ttl, err1 := strconv.ParseUint(f[1], 10, 32)
		minimum, err2 := strconv.ParseUint(f[10], 10, 32)
		if err1 == nil && err2 == nil {
			return fmt.Sprintf("caches may remember for %d s%s that there is none", min(ttl, minimum), longer)
		}
	}
	return ""
}
