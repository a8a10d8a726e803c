package simulate

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"mxvet/internal/psl"
	"mxvet/internal/wire"
	"mxvet/report"
)

// Schema names the form of a Result in JSON.
const Schema = "mxvet.simulation/1"

// A Result is the decision about a path that somebody made up.
type Result struct {
	Schema  string     `json:"schema"`
	At      time.Time  `json:"at"`
	Verdict Verdict    `json:"verdict"`
	Why     string     `json:"why"`
	IP      netip.Addr `json:"ip"`
	Sender  string     `json:"mail_from"` // "" is the null sender
	Helo    string     `json:"helo"`
	// Signers are the domains of DKIM signatures that are taken to verify.
	Signers []string `json:"dkim_domains,omitempty"`
	// Assumed is what was taken for published: zone files and records.
	Assumed  []string `json:"assumed,omitempty"`
	Decision Decision `json:"decision"`
}

// Run decides about a path whose signatures all verify.
func Run(ctx context.Context, src wire.Source, list *psl.List, p Path) *Result {
	var signatures []Signature
	for _, d := range p.Signers {
		signatures = append(signatures, Signature{Domain: d, Result: ResultPass})
	}
	d := Look(ctx, src, list, p).Decide(signatures)
	return &Result{
		Schema: Schema, At: p.At, Verdict: d.Verdict, Why: d.Why, IP: p.IP, Sender: p.Sender, Helo: p.Helo,
		Signers: p.Signers, Decision: d,
	}
}

// Text writes a result for people. With quiet only the result.
func (r *Result) Text(l *report.Lines, quiet bool) {
	l.Head("MESSAGE", "from %s, by client %s", r.Decision.Author, r.IP)
	l.Head("RESULT", "%s: %s", strings.ToUpper(string(r.Verdict)), r.Why)
	if quiet {
		return
	}
	l.Blank()
	l.Head("PATH", "HELO %s, MAIL FROM <%s>", r.Helo, r.Sender)
	if len(r.Signers) == 0 {
		l.Head("DKIM", "no signature (--dkim-domain assumes one)")
	} else {
		l.Head("DKIM", "taken to verify: %s", strings.Join(r.Signers, ", "))
	}
	for i, text := range r.Assumed {
		head := "ASSUMED"
		if i > 0 {
			head = ""
		}
		l.Head(head, "%s", text)
	}
	r.Decision.Text(l)
}
