package checks

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

// A Weight says how much a failure means for an answer.
type Weight string

// The weights. A deciding failure makes the answer no; a partly bearing one makes
// it partly. An unknown is an unknown answer for the first, and something not
// checked beside the answer for the second.
const (
	Decides Weight = "decides"
	Partly  Weight = "partly"
)

// A Bearing says what a rule means for one of the three questions. The answers
// are derived from the bearings of all rules and from nothing else.
type Bearing struct {
	On        Question
	From      Severity // the mildest failure that counts
	Weight    Weight
	Direction Direction // of arrival only
	Words     string    // what the failure means, in plain words: "no DMARC record"
}
