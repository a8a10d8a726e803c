package report

import "fmt"

// Cost says what the run cost those who were asked, and the reader: the time beside
// what waiting for answers takes at least, one after the other where one needs
// another.
func (r Run) Cost() string {
	text := fmt.Sprintf("%s, %s, %s (waiting for answers alone takes %s)", plural(r.Queries, "DNS query", "DNS queries"),
		plural(r.Connections, "connection", "connections"), seconds(r.Millis), seconds(r.FloorMillis))
	if r.Recipients > 0 {
		text += fmt.Sprintf("; mail servers were asked whether they take mail for %s, and no message was sent", plural(r.Recipients, "recipient", "recipients"))
	}
	return text
}

// TreatedPublic gives the sentence about special addresses, "" where they were left
// alone.
func (r Run) TreatedPublic() string {
	if !r.AllowPrivate {
		return ""
	}
	return "addresses that the public internet does not use (private, documentation) were treated like public ones"
}
