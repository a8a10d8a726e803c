package checks

import "slices"

// A Question is one of the three that a report answers in plain words. All are
// put so that yes is good news.
type Question string

// The questions.
const (
	Forgery Question = "forgery" // is it safe from forgery?
	Arrival Question = "arrival" // does its mail arrive?
	Transit Question = "transit" // is it protected in transit?
)

// Questions lists the questions in the order in which they are answered.
func Questions() []Question { return []Question{Forgery, Arrival, Transit} }

// A Direction says which mail a bearing on arrival is about.
type Direction string

// The directions.
const (
	MailTo   Direction = "to"   // mail to the domain
	MailFrom Direction = "from" // mail from the domain
)

// A Weight says how much a failure, and an unknown, means for an answer.
type Weight string

// The weights. Whatever is not known and does not decide stands beside the answer
// as not checked.
const (
	Decides Weight = "decides" // a failure makes the answer no, an unknown makes it unknown
	Breaks  Weight = "breaks"  // the same, but an unknown without a fault only stands beside: it is rare
	Partly  Weight = "partly"  // a failure makes it partly
	Beside  Weight = "beside"  // a failure is told, and changes nothing; an unknown is not even told
)

// A Shield is a policy that keeps others from taking the encryption off mail to
// the domain. One that is whole is enough.
type Shield string

// The shields.
const (
	MTASTS Shield = "MTA-STS"
	DANE   Shield = "DANE"
)

// Shields lists them in the order in which answers name them.
func Shields() []Shield { return []Shield{MTASTS, DANE} }

// A Bearing says what a rule means for one of the three questions. The answers
// are derived from the bearings of all rules and from nothing else.
type Bearing struct {
	On         Question
	From       Severity // the mildest failure that counts
	Weight     Weight
	Everywhere bool      // counts only where no subject of the rule passes
	Direction  Direction // of arrival only
	Shield     Shield    // of transit only: any failure breaks that policy, not the answer
	Words      string    // what the failure means, in plain words: "no DMARC record"
	Good       string    // what a pass earns, if anything: "no relay seen"
	About      string    // what was not looked at while it is unknown: "block lists"; "" is the area
}

// Of says what the result of a rule is in this respect, with the verdict that
// shows it: failures and unknowns milder than From are left out. Otherwise one
// failure makes it fail; with Everywhere one pass makes it pass. Of unknowns one
// by a fault goes before one without.
func (b Bearing) Of(res Result) (Status, Verdict) {
	order := []Status{Fail, Unknown, Pass, NotAsked, NotApplicable}
	if b.Everywhere {
		order = []Status{Pass, Unknown, Fail, NotAsked, NotApplicable}
	}
	status, worst := NotApplicable, Verdict{}
	for _, v := range res.Verdicts {
		if (v.Status == Fail || v.Status == Unknown) && b.From.Worse(v.Severity) {
			continue
		}
		i, j := slices.Index(order, v.Status), slices.Index(order, status)
		graver := v.Severity.Worse(worst.Severity)
		if v.NoFault != worst.NoFault {
			graver = worst.NoFault
		}
		if i < j || worst.Status == "" || i == j && graver {
			status, worst = v.Status, v
		}
	}
	return status, worst
}

// areaTopics say what was not looked at where a rule of the area is unknown.
var areaTopics = map[string]string{
	AreaDMARC: "DMARC", AreaSPF: "SPF", AreaDKIM: "DKIM", AreaTLS: "encryption", AreaTransport: "MTA-STS",
	AreaHosts: "the mail servers", AreaReputation: "block lists",
}

// Topic names what was not looked at while the rule is unknown in this respect.
func (r Rule) Topic(b Bearing) string {
	switch {
	case b.About != "":
		return b.About
	case b.Shield != "":
		return string(b.Shield)
	}
	return AreaTopic(r.Area)
}

// AreaTopic names what the rules of an area look at, unless a bearing says better.
func AreaTopic(area string) string { return areaTopics[area] }
