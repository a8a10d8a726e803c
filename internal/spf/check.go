package spf

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"mxvet/internal/wire"
)

// A Result is the outcome of an evaluation (RFC 7208 section 2.6).
type Result string

// Results.
const (
	ResultNone      Result = "none"
	ResultNeutral   Result = "neutral"
	ResultPass      Result = "pass"
	ResultFail      Result = "fail"
	ResultSoftfail  Result = "softfail"
	ResultTempError Result = "temperror"
	ResultPermError Result = "permerror"
)

// A Receiver evaluates messages. The zero value keeps to the limits of RFC 7208.
type Receiver struct {
	Name       string    // host name, for the r macro; "" is "unknown"
	At         time.Time // for the t macro
	MaxLookups int       // 0 is 10
	MaxVoid    int       // 0 is 2, -1 is no limit
	// CountHosts counts the hosts of mx terms without an address as void lookups
	// too. RFC 7208 section 4.6.4 speaks of terms; receivers differ.
	CountHosts bool
	// NoExplanation leaves the explanation of a fail out, and with it the lookups
	// that it needs.
	NoExplanation bool
}

// A CheckResult is the outcome of one evaluation and how it came about.
type CheckResult struct {
	Result      Result
	Reason      Code        // why, where the result is temperror or permerror
	Text        string      // the same in words
	Domain      string      // whose record decided
	Term        string      // which of its terms, "" where none matched
	At          string      // position of that term, or of the record at fault, as in Tree
	Explanation string      // of a fail, where the domain gives one
	Trace       []TraceStep // of a very long evaluation only the start
	Lookups     int
	Voids       int
}

// A TraceStep is one evaluated term, or one question (Term is "").
type TraceStep struct {
	At      string // position, as in Tree
	Domain  string
	Term    string
	Outcome string   // of a term "match", "no match" or a result; of a question "record" or its type
	Ref     wire.Ref // the question
}

// Check evaluates a message with the default limits: a client at ip says helo
// and sends from sender. With an empty sender the HELO name is checked
// (RFC 7208 section 2.4).
func Check(ctx context.Context, src wire.Source, ip netip.Addr, sender, helo string) CheckResult {
	return Receiver{}.Check(ctx, src, ip, sender, helo)
}

// Check evaluates a message: check_host of RFC 7208 section 4.
func (r Receiver) Check(ctx context.Context, src wire.Source, ip netip.Addr, sender, helo string) CheckResult {
	if r.MaxLookups == 0 {
		r.MaxLookups = MaxLookups
	}
	if r.MaxVoid == 0 {
		r.MaxVoid = MaxVoid
	}
	local, origin := "", sender
	if i := strings.LastIndexByte(sender, '@'); i >= 0 {
		local, origin = sender[:i], sender[i+1:]
	}
	if origin == "" {
		origin = helo
	}
	if local == "" {
		local = "postmaster"
	}
	origin = strings.TrimSuffix(origin, ".")
	e := &evaluation{
		Receiver: r, ctx: ctx, src: src,
		facts: facts{local: local, origin: origin, helo: helo, ip: ip.Unmap().WithZone(""), receiver: r.Name, at: r.At},
	}
	if !ip.IsValid() {
		e.out.Text = "there is no client address"
		e.out.Result = ResultNone
		return e.out
	}
	v := e.checkHost(hostname(origin), "")
	e.out.Result = v.result
	e.out.Reason, e.out.Text = v.reason, v.text
	e.out.Domain, e.out.Term, e.out.At = v.domain, v.term, v.at
	if v.result == ResultFail && v.record != nil && !e.NoExplanation {
		e.out.Explanation = e.explanation(v.record, v.domain)
	}
	return e.out
}

// An evaluation is the state of one check.
type evaluation struct {
	Receiver
	ctx   context.Context
	src   wire.Source
	facts facts
	names []string // validated names of the client, by section 5.5
	asked bool     // names was filled
	out   CheckResult
}

// A verdict is the outcome of one check_host.
type verdict struct {
	result Result
	reason Code
	text   string
	record *Record // that decided
	domain string
	term   string
	at     string
}

func permanent(code Code, format string, args ...any) *verdict {
	return &verdict{result: ResultPermError, reason: code, text: fmt.Sprintf(format, args...)}
}

func temporary(a Ask) *verdict {
	f := a.fail()
	return &verdict{result: ResultTempError, reason: CodeUnreachable, text: string(a.Ref) + ": " + f.String()}
}

// checkHost evaluates the record of a domain.
func (e *evaluation) checkHost(domain, at string) verdict {
	v := e.evaluate(domain, at)
	if v.domain == "" {
		v.domain = domain
	}
	return v
}

func (e *evaluation) evaluate(domain, at string) verdict {
	if !wellFormed(domain) {
		return verdict{result: ResultNone, reason: CodeBadTarget, text: fmt.Sprintf("%q is no domain name that can hold a record", domain)}
	}
	txt := ask(e.ctx, e.src, presentation(domain), "TXT")
	e.trace(at, domain, "", "record", txt.Ref)
	if !txt.Usable() {
		return *temporary(txt)
	}
	s := read(txt)
	switch {
	case len(s.records) == 0:
		return verdict{result: ResultNone, reason: CodeNoRecord, text: domain + " has no SPF record"}
	case len(s.records) > 1:
		return *permanent(CodeMultiple, "%s has %d SPF records", domain, len(s.records))
	}
	r := s.record()
	for _, p := range r.Problems {
		if p.Fatal() {
			return *permanent(CodeSyntax, "the record of %s has a syntax error: %s", domain, p.Text)
		}
	}
	if !r.Whole() { // its rest may hold an error, which voids all of it
		return verdict{result: ResultTempError, reason: CodeTooLong, text: "the record of " + domain + " has so many terms that its rest was not read"}
	}
	f := e.facts
	f.domain = domain
	f.ptr = func() string { return e.validated(domain) }
	for _, i := range r.Order() {
		t := &r.Terms[i]
		here := join(at, i)
		if t.Kind == KindRedirect {
			return e.redirect(t, f, here)
		}
		match, stop := e.directive(t, f, here)
		switch {
		case stop != nil:
			if stop.domain == "" {
				stop.domain, stop.term = domain, t.Text
			}
			if stop.at == "" {
				stop.at = here
			}
			e.trace(here, domain, t.Text, string(stop.result), "")
			return *stop
		case match:
			e.trace(here, domain, t.Text, "match", "")
			return verdict{result: results[t.Qualifier], record: r, domain: domain, term: t.Text, at: here}
		}
		e.trace(here, domain, t.Text, "no match", "")
	}
	return verdict{result: ResultNeutral, record: r, domain: domain}
}

var results = map[byte]Result{Pass: ResultPass, Fail: ResultFail, Softfail: ResultSoftfail, Neutral: ResultNeutral}

// redirect hands the decision over (RFC 7208 section 6.1).
func (e *evaluation) redirect(t *Term, f facts, at string) verdict {
	if stop := e.count(); stop != nil {
		stop.domain, stop.term, stop.at = f.domain, t.Text, at
		e.trace(at, f.domain, t.Text, string(stop.result), "")
		return *stop
	}
	e.trace(at, f.domain, t.Text, "match", "")
	v := e.checkHost(hostname(t.Spec.expand(f)), at)
	if v.result == ResultNone {
		v.result = ResultPermError
	}
	if v.reason != "" && v.at == "" {
		v.at = at
	}
	return v
}

// directive evaluates one mechanism. A verdict ends the whole evaluation.
func (e *evaluation) directive(t *Term, f facts, at string) (bool, *verdict) {
	if t.Kind.Asks() {
		if stop := e.count(); stop != nil {
			return false, stop
		}
	}
	switch t.Kind {
	case KindAll:
		return true, nil
	case KindIP4, KindIP6:
		return t.Prefix.Masked().Contains(f.ip), nil
	}
	target := f.domain
	if t.Spec != nil {
		target = hostname(t.Spec.expand(f))
	}
	switch t.Kind {
	case KindInclude:
		return e.include(target, at)
	case KindPTR:
		return e.ptr(target)
	case KindExists:
		return e.exists(target, at)
	case KindA:
		return e.address(target, t, at)
	default:
		return e.mx(target, t, at)
	}
}

// include evaluates another record and matches where that passes (section 5.2).
func (e *evaluation) include(target, at string) (bool, *verdict) {
	v := e.checkHost(target, at)
	switch v.result {
	case ResultPass:
		return true, nil
	case ResultNone:
		v.result = ResultPermError
		return false, &v
	case ResultTempError, ResultPermError:
		return false, &v
	}
	return false, nil
}

// count counts a term that causes lookups.
func (e *evaluation) count() *verdict {
	if e.out.Lookups >= e.MaxLookups {
		return permanent(CodeLookups, "more than %d terms cause lookups", e.MaxLookups)
	}
	e.out.Lookups++
	return nil
}

// void counts a lookup that found nothing.
func (e *evaluation) void() *verdict {
	e.out.Voids++
	if e.MaxVoid >= 0 && e.out.Voids > e.MaxVoid {
		return permanent(CodeVoid, "more than %d lookups find nothing", e.MaxVoid)
	}
	return nil
}

// maxTrace bounds the trace of one evaluation.
const maxTrace = 2000

func (e *evaluation) trace(at, domain, term, outcome string, ref wire.Ref) {
	if len(e.out.Trace) == maxTrace {
		return
	}
	e.out.Trace = append(e.out.Trace, TraceStep{at, domain, term, outcome, ref})
}
