package report

import "strings"

// An htmlFix is one fix, arranged for the template: first those that DNS can
// make, then steps for a person.
type htmlFix struct {
	Fix
	Number int
	DNS    bool
	Group  string // heading of the group that begins here, "" within one
	Chips  []htmlChip
	Main   []htmlChange
	Stages []htmlStage
	Clears string
	Back   []string // records to publish again, as undo
}

type htmlChip struct{ Tone, Text string }

type htmlChange struct{ New, Old []string } // lines as in a zone file

type htmlStage struct {
	Stage
	Main []htmlChange
}

func arrangeFix(f Fix, n int) htmlFix {
	h := htmlFix{Fix: f, Number: n, DNS: len(f.Changes) > 0, Main: changeLines(f.Changes), Clears: strings.Join(f.Rules, ", ")}
	switch gain := f.gain(); gain {
	case "":
	case "+1":
		h.Chips = append(h.Chips, htmlChip{"good", "+1 point"})
	default:
		h.Chips = append(h.Chips, htmlChip{"good", gain + " points"})
	}
	switch f.Safety {
	case NeedsEvidence:
		h.Chips = append(h.Chips, htmlChip{"warn", "wait first"})
	case NeedsInput:
		h.Chips = append(h.Chips, htmlChip{"warn", "needs your input"})
	case SafeNow:
		h.Chips = append(h.Chips, htmlChip{"good", "safe now"})
	}
	switch {
	case f.Verified:
		h.Chips = append(h.Chips, htmlChip{"good", "verified" + prefixed(": score after it ", f.After())})
	case h.DNS:
		h.Chips = append(h.Chips, htmlChip{"", "not verified" + prefixed(": ", f.Unverified)})
	case !f.record():
		h.Chips = append(h.Chips, htmlChip{"", "not a DNS change"})
	}
	if f.Effort != "" {
		h.Chips = append(h.Chips, htmlChip{"", f.Effort + " effort"})
	}
	words, records, _ := strings.Cut(f.Undo, "\n")
	if h.Undo = words; records != "" {
		h.Back = strings.Split(records, "\n")
	}
	for _, s := range f.Next {
		h.Stages = append(h.Stages, htmlStage{Stage: s, Main: changeLines(s.Changes)})
	}
	return h
}

// arrangeFixes puts fixes into their groups.
func arrangeFixes(fixes []Fix) []htmlFix {
	var out []htmlFix
	for _, g := range fixGroups() {
		title := g.title
		for _, f := range fixes {
			if f.Group != g.name {
				continue
			}
			h := arrangeFix(f, len(out)+1)
			h.Group, title = title, ""
			out = append(out, h)
		}
	}
	return out
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

func changeLines(cs []Change) []htmlChange {
	var out []htmlChange
	for _, c := range removalsFirst(cs) {
		out = append(out, htmlChange{New: c.after(), Old: c.before()})
	}
	return out
}
