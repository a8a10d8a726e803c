// Package simulate works out what receivers decide about one message, from the
// path that it takes.
//
// A receiver knows three names of a message. The client at an address gives a
// HELO name and a MAIL FROM address; SPF (RFC 7208) asks the domain of MAIL FROM,
// or HELO where that is empty, whether the address may send for it. A DKIM
// signature (RFC 6376) proves the domain in its tag d. And people see the domain
// of the From field, the author domain. DMARC (RFC 9989) joins them: the message
// passes where SPF or DKIM passes for a domain that is aligned with the author
// domain, which is the same name or, unless the owner asks for strict alignment,
// another name of the same organization. If it fails, the author domain's policy
// says what to do.
//
// Receivers differ. Older ones follow RFC 7489 and find organizations in a public
// suffix list, with or without its private section; new ones walk the DNS tree.
// Programs that evaluate SPF differ too. So everything here is evaluated in each
// of these ways, and what differs is said.
//
// Look asks; Decide is a pure function of what came back and of the outcome of
// the signatures.
package simulate

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mxvet/internal/dmarc"
	"mxvet/internal/psl"
	"mxvet/internal/spf"
	"mxvet/internal/syntax"
	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// A Path is how a message comes to a receiver. Names are in A-labels.
type Path struct {
	Author   string   // domain of the From field; "" where there is not exactly one
	NoAuthor string   // why there is none
	Authors  []string // all domains of the From field, where there are several
	Doubt    string   // why receivers may find another author; nothing passes for sure then

	IP     netip.Addr // of the client
	Sender string     // address in MAIL FROM; "" is the null sender
	Helo   string
	NoSPF  string // why SPF cannot be asked, where a part of the three is not known

	Signers []string  // domains in the tag d of signatures
	At      time.Time // for the t macro of SPF
}

// Identity gives the name that SPF asks about.
func (p Path) Identity() (kind, domain string) {
	if p.Sender == "" {
		return "helo", name(p.Helo)
	}
	return "mail-from", name(p.Sender[strings.LastIndexByte(p.Sender, '@')+1:])
}

func name(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }

// A View is what the DNS says about a path.
type View struct {
	path      Path
	list      *psl.List
	spf       SPF
	helo      spf.CheckResult  // of the HELO name by itself, beside MAIL FROM; zero where it was not asked
	discovery *dmarc.Discovery // nil without author domain
	orgs      map[string]dmarc.Organization
}

// maxIdentifiers bounds the domains whose organization is looked for: a message
// may hold any number of signatures.
const maxIdentifiers = 32

// Look asks for all that the decision needs, at once. Failures are in the view.
func Look(ctx context.Context, src wire.Source, list *psl.List, p Path) *View {
	p.Author = name(p.Author)
	v := &View{path: p, list: list, orgs: map[string]dmarc.Organization{}}
	var wg together.Group
	wg.Go(func() { v.spf = askSPF(ctx, src, p) })
	if p.Author != "" {
		wg.Go(func() { v.discovery = dmarc.Discover(ctx, src, list, p.Author) })
	}
	if h := name(p.Helo); p.NoSPF == "" && p.Sender != "" && syntax.DomainName(h) && strings.Contains(h, ".") {
		wg.Go(func() { v.helo = spf.Receiver{At: p.At}.Views(ctx, src, p.IP, "", h).Counting })
	}
	var names []string
	add := func(n string) {
		if n = name(n); n != p.Author && syntax.DomainName(n) && !slices.Contains(names, n) && len(names) < maxIdentifiers {
			names = append(names, n)
		}
	}
	if p.NoSPF == "" || p.Sender != "" {
		_, identity := p.Identity()
		add(identity)
	}
	for _, n := range p.Signers {
		add(n)
	}
	orgs := make([]dmarc.Organization, len(names))
	for i, n := range names {
		wg.Go(func() { orgs[i] = dmarc.Organize(ctx, src, n) })
	}
	wg.Wait()
	for i, n := range names {
		v.orgs[n] = orgs[i]
	}
	return v
}

// SPF is what two programs make of the path (RFC 7208).
type SPF struct {
	Result   spf.Result `json:"result,omitempty"`   // "" where it could not be asked
	Why      string     `json:"why,omitempty"`      // of an error, or why it was not asked
	Identity string     `json:"identity,omitempty"` // mail-from or helo: what is asked about
	Domain   string     `json:"domain,omitempty"`
	Decided  string     `json:"decided_by,omitempty"` // domain whose record decided
	Term     string     `json:"term,omitempty"`       // of that record; "" where none matched
	Says     string     `json:"explanation,omitempty"`
	Lookups  int        `json:"lookups"`
	Voids    int        `json:"void_lookups"`
	Trace    []Step     `json:"trace,omitempty"`

	// What receivers give that count lookups without a result otherwise; "" where
	// that is no other result.
	Hosts   spf.Result `json:"if_mx_hosts_count,omitempty"`
	Lenient spf.Result `json:"without_void_limit,omitempty"`
	Voided  string     `json:"void_limit,omitempty"` // the same in words

	Second    spf.Result `json:"second_result,omitempty"` // by another program: blitiri.com.ar/go/spf
	SecondWhy string     `json:"second_why,omitempty"`
	Differ    string     `json:"differ,omitempty"` // why the two differ; "" where they agree
}

// A Step is one step of an evaluation: a record that was read, or a term.
type Step struct {
	At      string `json:"at,omitempty"` // position: "2.0" is the first term of what the third one includes
	Domain  string `json:"domain"`
	Term    string `json:"term,omitempty"`
	Outcome string `json:"outcome"` // "record"; of a term "match", "no match" or a result
}

func askSPF(ctx context.Context, src wire.Source, p Path) SPF {
	out := SPF{Why: p.NoSPF}
	if p.NoSPF == "" || p.Sender != "" {
		out.Identity, out.Domain = p.Identity()
	}
	if p.NoSPF != "" {
		return out
	}
	var second spf.Result
	var err error
	var wg together.Group
	wg.Go(func() { second, err = spf.Second(ctx, src, p.IP, p.Sender, p.Helo) })
	views := spf.Receiver{At: p.At}.Views(ctx, src, p.IP, p.Sender, p.Helo)
	wg.Wait()
	ours := views.Counting

	out.Result, out.Why, out.Decided, out.Term, out.Says = ours.Result, ours.Text, ours.Domain, ours.Term, ours.Explanation
	out.Lookups, out.Voids = ours.Lookups, ours.Voids
	for _, s := range ours.Trace {
		if s.Term != "" || s.Outcome == "record" {
			out.Trace = append(out.Trace, Step{s.At, s.Domain, s.Term, s.Outcome})
		}
	}
	if out.Voided = views.Differ(); views.Hosts.Result != ours.Result {
		out.Hosts = views.Hosts.Result
	}
	if views.Lenient.Result != ours.Result {
		out.Lenient = views.Lenient.Result
	}
	out.Second = second
	if err != nil {
		out.SecondWhy = err.Error()
	}
	if second != ours.Result {
		out.Differ = whyDiffer(ours, second, out.SecondWhy)
	}
	return out
}

// whyDiffer says in words why two programs come to different results.
func whyDiffer(ours spf.CheckResult, second spf.Result, why string) string {
	switch ours.Reason {
	case spf.CodeSyntax:
		return "a syntax error anywhere makes the record void (RFC 7208 section 4.6); the other program stops reading at the first match"
	case spf.CodeVoid:
		return "more than two lookups find nothing (RFC 7208 section 4.6.4); the other program counts them otherwise"
	case spf.CodeLookups:
		return "more than ten terms cause lookups (RFC 7208 section 4.6.4); the other program counts them otherwise"
	case spf.CodeMXLimit:
		return "an mx term with more than ten hosts is an error (RFC 7208 section 4.6.4)"
	case spf.CodeUnreachable:
		return "a lookup got no answer (RFC 7208 section 4.4), which the other program did not need or reads otherwise"
	case "":
		switch {
		case strings.HasPrefix(why, "matched "):
			return "the other program decides by another term (" + why + ")"
		case why != "":
			return "the other program gives up: " + why
		}
		return "the other program reads the record otherwise"
	}
	return "the record is in error: " + ours.Text + "; the other program gives " + string(second)
}
