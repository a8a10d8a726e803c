package report

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/paste"
)

// A Fix is one change that clears findings: records to publish, or steps for a
// person where DNS cannot mend it.
type Fix struct {
	ID            string   `json:"id"` // "dmarc-record": one fix per record set
	Title         string   `json:"title"`
	Rules         []string `json:"rules"`        // rules that it clears, the first gives it its name
	Fingerprints  []string `json:"fingerprints"` // findings that it clears
	Group         string   `json:"group" jsonschema:"enum=publish,enum=evidence,enum=servers"`
	Effort        string   `json:"effort" jsonschema:"enum=low,enum=medium,enum=high"`
	Safety        string   `json:"safety" jsonschema:"enum=safe-now,enum=needs-evidence,enum=needs-input,enum=manual"`
	Needs         string   `json:"needs"`   // the evidence or input that is asked for
	Changes       []Change `json:"changes"` // empty: nothing that DNS can mend
	Steps         []Step   `json:"steps"`
	Undo          string   `json:"undo"`
	VisibleWithin int      `json:"visible_within"`                    // seconds that caches may hold the old records
	Points        *int     `json:"points" jsonschema:"nullable"`      // score gained by this fix alone, if nothing unknown turns out bad; null where no number stands
	PointsLow     *int     `json:"points_low" jsonschema:"nullable"`  // the same if everything unknown does
	ScoreAfter    *int     `json:"score_after" jsonschema:"nullable"` // by this fix alone; null where no number stands
	ScoreAfterLow *int     `json:"score_after_low" jsonschema:"nullable"`
	Verified      bool     `json:"verified"`   // a second audit over the changed records cleared what it claims and lowered nothing
	Unverified    string   `json:"unverified"` // why it is not verified
	Next          []Stage  `json:"next"`       // later stages of a staged change
}

// A Step is something for a person to do.
type Step struct {
	Text string   `json:"text"`
	Copy []string `json:"copy"` // lines to copy as they stand: records, a file
}

// Values of Fix.Safety.
const (
	SafeNow       = "safe-now"       // breaks no mail
	NeedsEvidence = "needs-evidence" // safe only once reports or logs show it
	NeedsInput    = "needs-input"    // a value is missing that only the operator knows
	Manual        = "manual"         // work outside the DNS: not tried by a second audit
)

// Values of Fix.Group, in the order in which fixes are shown.
const (
	GroupPublish  = "publish"  // records to publish today, some of them once a value is filled in
	GroupEvidence = "evidence" // records that need evidence first
	GroupServers  = "servers"  // what the DNS cannot mend
)

// undo says how the fix is taken back: words, then the records to publish again that
// its changes do not show already.
func (f Fix) undo() (words string, lines []string) {
	words, records, _ := strings.Cut(f.Undo, "\n")
	for line := range strings.Lines(records) {
		line = strings.TrimSuffix(line, "\n")
		if !slices.ContainsFunc(f.Changes, func(c Change) bool { return slices.Contains(c.before(), line) }) {
			lines = append(lines, line)
		}
	}
	if records != "" && len(lines) == 0 {
		words = strings.TrimSuffix(words, ":") + " what stands there now"
	}
	return words, lines
}

// gain says what a fix brings, "" where it brings nothing that is known: "+14", or
// the ends between which it lies.
func (f Fix) gain() string {
	if f.Points == nil {
		return ""
	}
	low, high := *f.Points, *f.Points
	if f.PointsLow != nil {
		low, high = min(low, *f.PointsLow), max(high, *f.PointsLow)
	}
	switch {
	case high <= 0:
		return ""
	case low <= 0:
		return fmt.Sprintf("up to +%d", high)
	case low < high:
		return fmt.Sprintf("+%d to %d", low, high)
	}
	return fmt.Sprintf("+%d", high)
}

// After says the score that the fix alone leads to, "" where no number stands. It
// is a range where something unknown bears on it.
func (f Fix) After() string { return between(f.ScoreAfterLow, f.ScoreAfter) }

// between gives a score as people read it, "" where no number stands.
func between(low, high *int) string {
	switch {
	case high == nil:
		return ""
	case low != nil && *low != *high:
		return fmt.Sprintf("%d-%d", *low, *high)
	}
	return fmt.Sprint(*high)
}

// A Change replaces records of one owner and type. Data is in presentation
// format; other records of the RRset stay.
type Change struct {
	Owner string   `json:"owner"` // without the final dot
	Type  string   `json:"type"`
	Old   []string `json:"old"` // empty: nothing is replaced
	New   []string `json:"new"` // empty: only removed
	TTL   int      `json:"ttl"` // seconds
}

// newRecord says of a change that it takes nothing away.
const newRecord = "new: no record of its kind stands there now"

// after gives the lines of zone text to publish.
func (c Change) after() []string { return c.lines(c.New) }

// before gives the lines of zone text that have to go. Where all records of the type
// do, whatever they hold, there is one in words.
func (c Change) before() []string { return c.lines(c.Old) }

// removalsFirst puts what only goes before what comes: beside an alias (CNAME), for
// one, no other record may be published.
func removalsFirst(cs []Change) []Change {
	cs = slices.Clone(cs)
	slices.SortStableFunc(cs, func(a, b Change) int { return min(len(a.New), 1) - min(len(b.New), 1) })
	return cs
}

func (c Change) lines(data []string) []string {
	var out []string
	for _, d := range data {
		if d == "*" {
			out = append(out, paste.Words("every record %s IN %s", paste.Shown(paste.Owner(c.Owner)), c.Type).String())
			continue
		}
		out = append(out, paste.Record(c.Owner, c.TTL, c.Type, d).String())
	}
	return out
}

// A Stage is a later step of a change that must not be made at once.
type Stage struct {
	When          string   `json:"when"` // what must hold before
	Changes       []Change `json:"changes"`
	Rules         []string `json:"rules"`                             // rules that it clears beyond what comes before
	Fingerprints  []string `json:"fingerprints"`                      // findings that it clears beyond what comes before
	ScoreAfter    *int     `json:"score_after" jsonschema:"nullable"` // null where no number stands
	ScoreAfterLow *int     `json:"score_after_low" jsonschema:"nullable"`
	Verified      bool     `json:"verified"`
}

// After says the score once the stage is published, "" where no number stands.
func (s Stage) After() string { return between(s.ScoreAfterLow, s.ScoreAfter) }
