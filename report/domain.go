package report

import "time"

// A Domain is the result for one audited domain.
type Domain struct {
	Name          string        `json:"name"`            // A-labels, lower case
	Unicode       string        `json:"unicode"`         // U-labels; the same as name for most domains
	Zones         []string      `json:"zones,omitempty"` // zone files about it, where the run has several domains
	Profile       Profile       `json:"profile"`
	Score         Score         `json:"score"`
	Next          *Outcome      `json:"next" jsonschema:"nullable"` // after all verified fixes together; null without fixes
	Answers       []Answer      `json:"answers"`                    // the three plain questions
	Areas         []Area        `json:"areas"`
	Findings      []Finding     `json:"findings"` // failing verdicts, worst first
	Unknown       []Unknown     `json:"unknown"`
	Unanswered    []string      `json:"unanswered"` // areas of which nothing is known: no rule had an answer, or not the record, or none of the hosts
	NotAsked      []Unasked     `json:"not_asked"`
	NotApplicable []Unasked     `json:"not_applicable"`
	Passed        []string      `json:"passed"` // rule ids
	Fixes         []Fix         `json:"fixes"`
	Drift         []Difference  `json:"drift"` // where a zone laid over the DNS differs from it
	Timeline      []Event       `json:"timeline"`
	MX            []MX          `json:"mx"`
	SPF           *SPFTree      `json:"spf" jsonschema:"nullable"` // null when there is no record to draw
	History       []HistoryItem `json:"history"`                   // earlier runs, oldest first
}

// A Profile is what the domain does with mail.
type Profile struct {
	Role     string `json:"role" jsonschema:"enum=full,enum=receive-only,enum=send-only,enum=no-mail"`
	Stated   bool   `json:"stated"`   // by the operator, not found out
	Unproven bool   `json:"unproven"` // not said by any record: counted as full, or as no-mail where nothing suggests mail
	Why      string `json:"why"`
}

// A Score is a domain's mark and how it came about.
type Score struct {
	Mark
	Raw      Points   `json:"raw"` // 100 minus the losses of the areas, before caps
	RawLow   Points   `json:"raw_low"`
	Coverage int      `json:"coverage" jsonschema:"minimum=0,maximum=100"`
	Cap      *Cap     `json:"cap" jsonschema:"nullable"` // the cap that decides; null when none lowers the score
	Caps     []Cap    `json:"caps"`                      // all that apply, lowest first
	Suffix   []string `json:"suffix"`
}

// A Cap limits the score because one rule failed.
type Cap struct {
	At    int    `json:"at"`
	Rule  string `json:"rule"`
	Words string `json:"words"` // what it means, in plain words
	Why   string `json:"why"`   // message of the finding behind it
}

// An Outcome is the mark that a change would lead to.
type Outcome struct {
	Mark
	Fixes    int  `json:"fixes"`    // how many fixes lead to it
	Verified bool `json:"verified"` // by a second audit over the changed records
}

// An Answer answers one of the three plain questions. YES is good news in all.
type Answer struct {
	ID         string   `json:"id" jsonschema:"enum=forgery,enum=arrival,enum=transit"`
	Question   string   `json:"question"`
	Answer     string   `json:"answer" jsonschema:"enum=YES,enum=NO,enum=PARTLY,enum=UNKNOWN,enum=NOT ASKED,enum=NOT APPLICABLE"`
	Direction  string   `json:"direction" jsonschema:"enum=,enum=to,enum=from,enum=both"` // of arrival: the mail that the answer holds for
	Tone       string   `json:"tone" jsonschema:"enum=good,enum=warn,enum=bad,enum=unknown,enum=none"`
	Text       string   `json:"text"`
	Rules      []string `json:"rules"`       // that decide it
	NotChecked []string `json:"not_checked"` // what stands beside it unknown or not asked
	Policies   []string `json:"policies"`    // of transit: what was seen of each policy that keeps the encryption on
}

// An Area is one part of the score.
type Area struct {
	ID            string  `json:"id"`
	Title         string  `json:"title"`
	Budget        int     `json:"budget"`
	Points        *Points `json:"points" jsonschema:"nullable"`     // what is left of the budget; null where nothing was measured
	PointsLow     *Points `json:"points_low" jsonschema:"nullable"` // the same with every unknown failed
	Worst         string  `json:"worst"`                            // severity of the worst finding, "" without one
	Passed        int     `json:"passed"`                           // rules by status
	Failed        int     `json:"failed"`
	Unknown       int     `json:"unknown"`
	NotAsked      int     `json:"not_asked"`
	NotApplicable int     `json:"not_applicable"`
	Costs         []Cost  `json:"costs"` // they add up to what the area lost
}

// A Cost is what one failing rule takes from its area.
type Cost struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"` // of its worst subject
	Points   Points `json:"points"`   // counted, within the area's budget
	Alone    Points `json:"alone"`    // what it would cost alone
	Whole    bool   `json:"whole"`    // it takes the whole area: the record that the area stands on is missing or void
}

// A Finding is one failing verdict.
type Finding struct {
	Rule        string   `json:"rule"`
	Title       string   `json:"title"` // what should be true
	Area        string   `json:"area"`
	Severity    string   `json:"severity" jsonschema:"enum=critical,enum=high,enum=medium,enum=low,enum=info"`
	Subject     string   `json:"subject"`
	Key         string   `json:"key"`
	Message     string   `json:"message"`
	Evidence    []string `json:"evidence"`
	Fingerprint string   `json:"fingerprint"` // of rule, subject and key; never of text or numbers
	Refs        []string `json:"refs"`        // standards
	Cost        Points   `json:"cost"`        // counted once a rule, at its worst subject
}

// An Unknown is a verdict that could not be given, with the reason.
type Unknown struct {
	Rule        string   `json:"rule"`
	Title       string   `json:"title"`
	Area        string   `json:"area"`
	Severity    string   `json:"severity"` // what a failure would have been
	Subject     string   `json:"subject"`
	Key         string   `json:"key"`
	Reason      string   `json:"reason"`
	Cause       string   `json:"cause"` // what keeps many rules from being known, "" where the reason is its own
	Evidence    []string `json:"evidence"`
	Fingerprint string   `json:"fingerprint"`
	Unjudged    bool     `json:"-"` // there was no time left for it, as the reason says
}

// An Unasked is a rule that was not asked, or does not apply.
type Unasked struct {
	Rule   string `json:"rule"`
	Title  string `json:"title"`
	Area   string `json:"area"`
	Reason string `json:"reason"`
}

// A Difference is one RRset that differs between zone and live DNS.
type Difference struct {
	Owner string   `json:"owner"`
	Type  string   `json:"type"`
	Zone  []string `json:"zone"`
	Live  []string `json:"live"`
	Note  string   `json:"note"` // such as until when caches hold the live one
}

// An Event is something that will happen at a known time if nobody acts.
type Event struct {
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"` // certificate, signature, policy, stage, ignore
	What    string    `json:"what"`
	Subject string    `json:"subject"`
}

// An MX is one mail exchanger of the domain; its host is in Report.Hosts.
type MX struct {
	Pref  int    `json:"pref"`
	Host  string `json:"host"`
	Worst string `json:"worst"` // severity of the worst finding about the host or its addresses
}

// An SPFTree is the domain's SPF record with all that it includes.
type SPFTree struct {
	Domain  string    `json:"domain"`
	Record  string    `json:"record"`
	Lookups int       `json:"lookups"` // worst case, over the whole tree
	Limit   int       `json:"limit"`
	Voids   int       `json:"voids"`
	AtLeast bool      `json:"at_least"` // macros hide a part of the tree
	Terms   []SPFTerm `json:"terms"`
}

// An SPFTerm is one term of an SPF record, with the record it leads to.
type SPFTerm struct {
	Text    string    `json:"text"`
	Lookups int       `json:"lookups"` // of this term and everything below it
	Void    bool      `json:"void"`
	Problem string    `json:"problem"`
	Record  string    `json:"record"` // of an include or redirect
	Terms   []SPFTerm `json:"terms"`
}

// A HistoryItem is the score of an earlier run.
type HistoryItem struct {
	At    time.Time `json:"at"`
	Score int       `json:"score"`
	Low   int       `json:"score_low"`
}
