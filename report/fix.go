package report

import "mxvet/internal/paste"

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
	Points        *int     `json:"points" jsonschema:"nullable"`      // score gained by this fix alone; null where no number stands
	ScoreAfter    *int     `json:"score_after" jsonschema:"nullable"` // by this fix alone; null where no number stands
	Verified      bool     `json:"verified"`                          // a second audit over the changed records cleared what it claims and lowered nothing
	Unverified    string   `json:"unverified"`                        // why it is not verified
	Next          []Stage  `json:"next"`                              // later stages of a staged change
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

// A Change replaces records of one owner and type. Data is in presentation
// format; other records of the RRset stay.
type Change struct {
	Owner string   `json:"owner"` // without the final dot
	Type  string   `json:"type"`
	Old   []string `json:"old"` // empty: nothing is replaced
	New   []string `json:"new"` // empty: only removed
	TTL   int      `json:"ttl"` // seconds
}

// records gives the new records as lines of zone text.
func (c Change) records() []string { return c.lines(c.TTL, c.New) }

// replaced gives the old ones so, without their time to live.
func (c Change) replaced() []string { return c.lines(-1, c.Old) }

func (c Change) lines(ttl int, data []string) []string {
	var out []string
	for _, d := range data {
		out = append(out, paste.Record(c.Owner, ttl, c.Type, d).String())
	}
	return out
}

// A Stage is a later step of a change that must not be made at once.
type Stage struct {
	When         string   `json:"when"` // what must hold before
	Changes      []Change `json:"changes"`
	Rules        []string `json:"rules"`                             // rules that it clears beyond what comes before
	Fingerprints []string `json:"fingerprints"`                      // findings that it clears beyond what comes before
	ScoreAfter   *int     `json:"score_after" jsonschema:"nullable"` // null where no number stands
	Verified     bool     `json:"verified"`
}
