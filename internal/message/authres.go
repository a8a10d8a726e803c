package message

import (
	"fmt"
	"strings"

	"github.com/emersion/go-msgauth/authres"

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

func readReport(value string) Report {
	id, results, err := authres.Parse(plainResults(value))
	r := Report{ID: strings.ToLower(cut(id))}
	if err != nil {
		r.Broken = cut(err.Error())
	}
	for _, res := range results {
		if len(r.Claims) == maxClaims {
			break
		}
		switch res := res.(type) {
		case *authres.SPFResult:
			about := res.From
			if about == "" {
				about = res.Helo
			}
			r.claim("spf", res.Value, about)
		case *authres.DKIMResult:
			about := res.Domain
			if about == "" {
				about = res.Identifier[strings.LastIndexByte(res.Identifier, '@')+1:]
			}
			r.claim("dkim", res.Value, about)
		case *authres.DMARCResult:
			r.claim("dmarc", res.Value, res.From)
		case *authres.ARCResult:
			r.claim("arc", res.Value, "")
		case *authres.IPRevResult:
			r.claim("iprev", res.Value, res.IP)
		case *authres.AuthResult:
			r.claim("auth", res.Value, res.Auth)
		case *authres.GenericResult:
			r.claim(res.Method, res.Value, "")
		}
	}
	return r
}

func (r *Report) claim(method string, value authres.ResultValue, about string) {
	r.Claims = append(r.Claims, Claim{Method: cut(method), Result: cut(string(value)), About: cut(about)})
}

// plainResults takes out what the library does not know: comments, and blanks and
// semicolons within quotation marks.
func plainResults(s string) string {
	var b strings.Builder
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && (quoted || depth > 0):
			i++
		case quoted:
			switch c {
			case '"':
				quoted = false
			case ' ', '\t', ';', '=':
				b.WriteByte('_')
			default:
				b.WriteByte(c)
			}
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
			b.WriteByte(' ')
		case depth > 0:
		case c == '"':
			quoted = true
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// trust decides which reports are the receiver's own: those with an id that the
// user named, above all Received fields that are older than the border's. Below
// that a sender can have written anything.
func (r *Report) trust(ids []string, hops []Hop, border *Hop) {
	switch {
	case r.ID == "":
		r.Why = "it names no server"
	case !contains(ids, r.ID):
		r.Why = "anybody can write this field; name your own server with --authserv-id to compare it"
	case border != nil && border.Number < len(hops) && r.field > hops[border.Number].field:
		r.Why = fmt.Sprintf("it stands below a Received field that is older than your border's (number %d), so the sender may have written it", border.Number)
	default:
		r.Trusted, r.Why = true, "--authserv-id names it"
	}
}

func contains(list []string, id string) bool {
	for _, s := range list {
		if strings.EqualFold(s, id) {
			return true
		}
	}
	return false
}

// compare sets beside each claim what we find ourselves.
func (r *Report) compare(res *Result) {
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
			if about := claimed(c.About); about == "" || about == res.Author.Domain {
				c.set(res.Decision.Methods[0].Result)
			}
		case "arc":
			c.set(res.ARC.Result)
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
