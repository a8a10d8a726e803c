package report

import "strings"

// maxAssumed bounds the assumed records that a report lists.
const maxAssumed = 50

// Premise says on what a run rests where that is not what is published, "" where
// it is.
func (r Run) Premise() string {
	var with []string
	o := r.Options
	for _, z := range o.Zones {
		with = append(with, "zone file "+z)
	}
	if n := len(o.Assumed); n > 0 {
		with = append(with, plural(n, "assumed record", "assumed records"))
	}
	switch {
	case len(with) == 0 && o.Offline:
		return "nothing was asked"
	case len(with) == 0:
		return ""
	case o.Offline:
		return "judged by " + strings.Join(with, ", ") + "; nothing was asked"
	}
	return "judged with " + strings.Join(with, ", ") + " in place of what is published"
}

// Assumed gives the records and policies that were taken for published, no more
// than a report has room for.
func (r Run) Assumed() []string { return r.Options.Assumed[:min(len(r.Options.Assumed), maxAssumed)] }
