package audit

import (
	"context"
	"slices"
	"strings"

	"mxvet/internal/together"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
	"mxvet/report"
)

// maxReplaced bounds the RRsets of which a report says what stood there before.
const maxReplaced = 50

// A replacement is one RRset that a record of the user stands in, or is gone from.
// A recording holds it, since a replay has no zones.
type replacement struct {
	Owner string   `json:"owner"`
	Type  string   `json:"type"`
	File  string   `json:"file,omitempty"` // of the zone that has the RRset; "" is the live DNS
	Data  []string `json:"data,omitempty"` // what the zone has there
	Gone  []string `json:"gone,omitempty"` // what the user takes away, "*" for all
}

// replacements gives the RRsets that the user's changes are about, each once.
func (a Assumed) replacements() []replacement {
	var out []replacement
	for _, c := range a.Given {
		r := replacement{Owner: zone.Name(c.Owner), Type: strings.ToUpper(c.Type)}
		r.Gone = a.takenAway(r.Owner, r.Type)
		if len(out) >= maxReplaced || slices.ContainsFunc(out, func(o replacement) bool { return o.Owner == r.Owner && o.Type == r.Type }) {
			continue
		}
		if z := a.holding(r.Owner, r.Type); z != nil {
			r.File = z.File
			for _, rec := range z.Find(r.Owner, r.Type) {
				r.Data = append(r.Data, rec.Data)
			}
			if alias := z.Find(r.Owner, "CNAME"); r.Type != "CNAME" && len(alias) > 0 {
				r.Data = append(r.Data, "CNAME "+alias[0].Data)
			}
		}
		out = append(out, r)
	}
	return out
}

// takenAway gives what the user's changes take out of an RRset without putting
// anything in its place; what they put there themselves is left out.
func (a Assumed) takenAway(owner, rrtype string) []string {
	var out, added []string
	for _, c := range a.Given {
		if zone.Name(c.Owner) != owner || strings.ToUpper(c.Type) != rrtype {
			continue
		}
		if added = append(added, c.Add...); len(c.Add) > 0 {
			continue
		}
		for _, data := range c.Remove {
			if (data != "*" || len(added) == 0) && len(missed(owner, rrtype, added, []string{data})) > 0 && !slices.Contains(out, data) {
				out = append(out, data)
			}
		}
	}
	return out
}

// missed gives those of the removals that find nothing among the data of an RRset.
func missed(owner, rrtype string, data, gone []string) []string {
	before := zone.Apply(nil, []zone.Change{{Owner: owner, Type: rrtype, Add: data}})
	var out []string
	for _, d := range gone {
		if len(zone.Apply(before, []zone.Change{{Owner: owner, Type: rrtype, Remove: []string{d}}})) == len(before) {
			out = append(out, d)
		}
	}
	return out
}

// holding gives the zone that speaks for a name, the deepest where several do, nil
// where none does.
func (a Assumed) holding(name, rrtype string) *zone.Zone {
	var best *zone.Zone
	for _, z := range a.Zones {
		if z.Covers(name) && z.Lookup(name, rrtype).Kind != zone.Referral && (best == nil || len(z.Origin) > len(best.Origin)) {
			best = z
		}
	}
	return best
}

// replaced says what stood where the user's records stand: in a zone file, and in
// the live DNS, which is asked for it.
func (j *Job) replaced(ctx context.Context) []report.Replaced {
	var out []report.Replaced
	gone := map[rrset][]string{} // what is to go from the live DNS
	for _, r := range j.laid.Replaced {
		was := report.Replaced{Owner: r.Owner, Type: r.Type}
		if r.File == "" {
			gone[rrset{r.Owner, r.Type}] = r.Gone
		} else {
			out = append(out, report.Replaced{Owner: r.Owner, Type: r.Type, From: r.File, Before: r.Data, Missed: missed(r.Owner, r.Type, r.Data, r.Gone)})
		}
		switch {
		case !j.options().Offline:
			was.From = report.Live
			out = append(out, was)
		case r.File == "":
			was.Note = "the live DNS was not asked"
			out = append(out, was)
		}
	}
	var wg together.Group
	for i := range out {
		if out[i].From != report.Live {
			continue
		}
		wg.Go(func() {
			x := &out[i]
			a := j.Tape.DNS(ctx, wire.Question{Name: x.Owner, Type: x.Type, Live: true})
			switch {
			case a.Fail != nil:
				x.Note = "the live DNS gave no answer: " + a.Fail.String()
			case a.TCPFailed:
				x.Note = "the live DNS gave no whole answer"
			default:
				set := rrset{x.Owner, x.Type}
				x.Before = published(a, set)
				x.Missed = missed(x.Owner, x.Type, x.Before, gone[set])
			}
		})
	}
	wg.Wait()
	return out
}
