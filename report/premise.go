package report

import (
	"fmt"
	"strings"
)

// maxAssumed bounds the assumed records that a report lists.
const maxAssumed = 50

// maxZones bounds the zone files that one sentence names.
const maxZones = 5

// Premise says on what a run rests where that is not what is published, "" where
// it is.
func (r Run) Premise() string { return r.premise(r.Options.Zones) }

// premiseOf says on what the result of one domain rests: of the zone files of a run
// over many, only its own are told.
func (r Run) premiseOf(d *Domain, several bool) string {
	if several {
		return r.premise(d.Zones)
	}
	return r.Premise()
}

func (r Run) premise(zones []string) string {
	var with []string
	o := r.Options
	for _, z := range zones[:min(len(zones), maxZones)] {
		with = append(with, "zone file "+z)
	}
	if more := len(zones) - maxZones; more > 0 {
		with = append(with, plural(more, "more zone file", "more zone files"))
	}
	if n := len(o.Assumed); n > 0 {
		with = append(with, plural(n, "assumed record", "assumed records"))
	}
	if o.Policy != "" {
		with = append(with, "MTA-STS policy "+o.Policy)
	}
	switch {
	case len(with) == 0 && o.Offline:
		return "nothing was asked"
	case len(with) == 0:
		return ""
	case o.Offline:
		return "judged by " + strings.Join(with, ", ") + "; nothing was asked"
	}
	return "judged with " + strings.Join(with, ", ") + " laid over what is published"
}

// Assumed gives the records that were taken for published, no more than a report
// has room for.
func (r Run) Assumed() []string { return r.Options.Assumed[:min(len(r.Options.Assumed), maxAssumed)] }

func (r Run) replaced() []Replaced {
	return r.Options.Replaced[:min(len(r.Options.Replaced), maxAssumed)]
}

func (x Replaced) where() string {
	if x.From == Live {
		return "in the live DNS"
	}
	return "in " + x.From
}

// Stood gives lines that say what stood where records were assumed.
func (r Run) Stood() []string {
	var out []string
	for _, x := range r.replaced() {
		from := x.where()
		head := x.Owner + " " + x.Type + " before"
		switch {
		case x.Note != "":
			out = append(out, head+": unknown, "+x.Note)
		case len(x.Before) == 0:
			out = append(out, head+", "+from+": nothing")
		}
		for _, data := range x.Before {
			out = append(out, head+", "+from+": "+data)
		}
	}
	return out
}

// Missed gives lines that warn of records which were to be taken away and did not
// stand there, so that the run judged what it would have judged without.
func (r Run) Missed() []string {
	var out []string
	for _, x := range r.replaced() {
		from := x.where()
		stands := "nothing stands there"
		if len(x.Before) > 0 {
			stands = "there stands " + strings.Join(x.Before[:min(len(x.Before), maxStanding)], ", and ")
		}
		if more := len(x.Before) - maxStanding; more > 0 {
			stands += fmt.Sprintf(", and %d more", more)
		}
		for _, data := range x.Missed {
			what := x.Owner + " " + x.Type
			if data != "*" {
				what += " " + data
			}
			out = append(out, "warning: nothing was taken away by - "+what+": "+from+" "+stands)
		}
	}
	return out
}

// maxStanding bounds the records that a warning names.
const maxStanding = 5

// Presumed gives lines that say what is taken for granted without the network.
func (r Run) Presumed() []string {
	var out []string
	for _, name := range r.Options.Presumed[:min(len(r.Options.Presumed), maxAssumed)] {
		out = append(out, "taken for granted, since nothing was asked: no record at "+name)
	}
	return out
}
