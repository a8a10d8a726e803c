package message

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/simulate"
)

// A Report is what a server wrote down about its own checks: one
// Authentication-Results field (RFC 8601), or the same inside an ARC set.
type Report struct {
	ID      string  `json:"authserv_id"`
	Trusted bool    `json:"trusted"`
	Why     string  `json:"trust_why,omitempty"` // why it is trusted or not
	Claims  []Claim `json:"results,omitempty"`
	Broken  string  `json:"broken,omitempty"` // why the field cannot be read
	field   int
}

// A Claim is the result of one check.
type Claim struct {
	Method string `json:"method"`
	Result string `json:"result"`
	Reason string `json:"reason,omitempty"`
	About  string `json:"about,omitempty"` // domain or address
	Ours   string `json:"ours,omitempty"`  // our own result about the same; "" where there is none
	Agrees bool   `json:"agrees"`          // meaningful where Ours is set
}

// maxReports and maxClaims bound what is read.
const (
	maxReports = 30
	maxClaims  = 40
)

func (m *Message) reports() []Report {
	var out []Report
	for i, f := range m.Fields {
		if f.Is("Authentication-Results") && len(out) < maxReports {
			r := readReport(f.Value())
			r.field = i
			out = append(out, r)
		}
	}
	return out
}

// trust decides which reports are the receiver's own: those with an id that the user
// named, above the field of the border server. What stands below that field may come
// from the sender, unless the server takes away fields with its own name (RFC 8601
// section 5), which nobody sees from the message.
func (r *Report) trust(ids []string, b border) {
	switch {
	case r.ID == "":
		r.Why = "it names no server"
	case len(ids) > 0 && !slices.ContainsFunc(ids, func(id string) bool { return strings.EqualFold(id, r.ID) }):
		r.Why = "anybody can write this field, and --authserv-id names another server"
	case !slices.ContainsFunc(ids, func(id string) bool { return strings.EqualFold(id, r.ID) }):
		r.Why = "anybody can write this field; name your own server with --authserv-id to compare it"
	case b.hop == nil:
		r.Why = "no Received field shows where your servers begin, so the sender may have written it"
	case !b.known:
		r.Why = "it is not known where your servers begin (" + b.doubt + "), so the sender may have written it"
	case r.field > b.hop.field:
		r.Why = fmt.Sprintf("it stands below the Received field of your border (number %d): unless your server takes away fields with its own name, the sender may have written it", b.hop.Number)
	default:
		r.Trusted, r.Why = true, "--authserv-id names it, and it stands above the Received field of your border"
	}
}

// compare sets beside each claim what we find ourselves. What an ARC set says of the
// chain is about the sets before it, so nothing here is to be held against that.
func (r *Report) compare(res *Result, sealed bool) {
	for i := range r.Claims {
		c := &r.Claims[i]
		switch c.Method {
		case "spf":
			spf := res.Decision.SPF
			if about := claimed(c.About); spf.Result != "" && (about == "" || about == spf.Domain) {
				c.set(string(spf.Result))
			}
		case "dkim":
			for _, s := range res.Signatures {
				if s.Domain == claimed(c.About) && !c.Agrees {
					c.set(s.Result)
				}
			}
			if len(res.Signatures) == 0 && c.About == "" {
				c.set(simulate.ResultNone)
			}
		case "dmarc":
			ours := res.Decision.Methods[0].Result
			if about := claimed(c.About); ours != simulate.ResultUnknown && (about == "" || about == res.Author.Domain) {
				c.set(ours)
			}
		case "arc":
			if !sealed {
				c.set(res.ARC.Result)
			}
		}
	}
}

// claimed gives the domain of an address or name in a claim.
func claimed(about string) string { return domainOf(strings.Trim(about, "<>")) }

func (c *Claim) set(ours string) {
	theirs := c.Result
	if theirs == "hardfail" {
		theirs = "fail"
	}
	c.Ours, c.Agrees = ours, ours == theirs
}
