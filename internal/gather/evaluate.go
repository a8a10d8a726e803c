package gather

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"mxvet/internal/route"
	"mxvet/internal/spf"
	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// Evaluations are what SPF gives for mail of the domain from addresses that may
// send it, by the evaluation that judges single messages too. The tree of the
// record tells what it can do to anybody; this tells what it does to somebody,
// macros included.
type Evaluations struct {
	List []Evaluation // named senders, then those of the record, MX hosts, samples, strangers
	More int          // known addresses that the bound left out
	// Silent are the lookups of MX hosts and their addresses that failed: there may
	// be further addresses.
	Silent []wire.Asked
}

// An Evaluation is that of one address. MAIL FROM and HELO name the domain.
type Evaluation struct {
	IP   netip.Addr
	Kind EvaluatedKind
	Why  string // where the address comes from, for people
	spf.Views
	Refs []wire.Ref // the questions that the result rests on
}

// An EvaluatedKind says why an address was evaluated.
type EvaluatedKind string

// The kinds.
const (
	EvaluatedNamed  EvaluatedKind = "named"  // the user says that it sends
	EvaluatedRecord EvaluatedKind = "record" // the domain's own record names it alone
	EvaluatedHost   EvaluatedKind = "host"   // of an MX host
	// EvaluatedSample is the first address of a family that the record seems to
	// let pass. If it meets a limit, so does every other address of its family
	// that the record names: evaluation goes from left to right.
	EvaluatedSample EvaluatedKind = "sample"
	// EvaluatedStranger is an address from which no mail can come. Where macros let
	// it pass, they let everybody pass.
	EvaluatedStranger EvaluatedKind = "stranger"
)

// Known reports that the address may be one of a sender, no sample or stranger.
func (v Evaluation) Known() bool {
	return v.Kind == EvaluatedNamed || v.Kind == EvaluatedRecord || v.Kind == EvaluatedHost
}

// Addresses of networks that are set aside for measurements, and so on no route:
// RFC 2544 appendix C and RFC 5180 section 8.
var strangers = []netip.Addr{netip.MustParseAddr("198.19.77.77"), netip.MustParseAddr("2001:2::7777")}

// Of gives the evaluation of an address; nil where there is none.
func (l Evaluations) Of(ip netip.Addr) *Evaluation {
	i := slices.IndexFunc(l.List, func(v Evaluation) bool { return v.IP == ip.Unmap() })
	if i < 0 {
		return nil
	}
	return &l.List[i]
}

// evaluate waits for the addresses of the MX hosts and evaluates everything side
// by side. Without a record there is nothing to evaluate.
func evaluate(ctx context.Context, src wire.Source, domain string, tree *spf.Tree, o Options, at time.Time) Evaluations {
	if len(tree.Root.Records) == 0 {
		return Evaluations{}
	}
	var out Evaluations
	hosts, silent := hostSenders(ctx, src, domain)
	out.Silent = silent
	out.List, out.More = cut(evaluated(tree, o, hosts), MaxEvaluated)
	for _, ip := range samples(tree) {
		if out.Of(ip) == nil {
			out.List = append(out.List, Evaluation{IP: ip, Kind: EvaluatedSample, Why: "the first address that the record names"})
		}
	}
	if slices.ContainsFunc(tree.Open, func(o spf.Opening) bool { return o.Qualifier == spf.Pass && o.Step.Dynamic }) {
		for _, ip := range strangers {
			out.List = append(out.List, Evaluation{IP: ip, Kind: EvaluatedStranger, Why: "an address from which no mail can come"})
		}
	}
	ctx, cancel := context.WithTimeout(ctx, evaluationWait)
	defer cancel()
	receiver := spf.Receiver{At: at, NoExplanation: true}
	var wg together.Group
	for i := range out.List {
		v := &out.List[i]
		wg.Go(func() {
			v.Views = receiver.Views(ctx, src, v.IP, "postmaster@"+domain, domain)
			v.Refs = cited(v.Counting.Trace)
			v.Counting.Trace, v.Hosts.Trace, v.Lenient.Trace = nil, nil, nil
		})
	}
	wg.Wait()
	return out
}

// evaluated gives the known addresses, each once.
func evaluated(tree *spf.Tree, o Options, hosts []Sender) []Evaluation {
	var out []Evaluation
	seen := map[netip.Addr]bool{}
	add := func(kind EvaluatedKind, senders []Sender) {
		for _, s := range senders {
			if !seen[s.IP] {
				seen[s.IP] = true
				out = append(out, Evaluation{IP: s.IP, Kind: kind, Why: s.Why})
			}
		}
	}
	add(EvaluatedNamed, namedSenders(o))
	add(EvaluatedRecord, recordSenders(tree))
	add(EvaluatedHost, hosts)
	return out
}

// hostSenders gives the addresses of the MX hosts, and the lookups that failed.
func hostSenders(ctx context.Context, src wire.Source, domain string) (out []Sender, silent []wire.Asked) {
	mx := wire.Ask(ctx, src, domain, "MX")
	if mx.Failed() {
		return nil, []wire.Asked{mx}
	}
	var m MXSet
	m.read(route.Follow(ctx, src, domain))
	hosts, _ := cut(m.Hosts, maxHosts)
	asked := make([][2]wire.Asked, len(hosts))
	var wg together.Group
	for i, h := range hosts {
		wg.Go(func() { asked[i][0] = wire.Ask(ctx, src, h.Name, "A") })
		wg.Go(func() { asked[i][1] = wire.Ask(ctx, src, h.Name, "AAAA") })
	}
	wg.Wait()
	for i, h := range hosts {
		for _, a := range asked[i] {
			if a.Failed() {
				silent = append(silent, a)
			}
			for _, ip := range a.Answer.Addrs() {
				out = append(out, Sender{IP: ip.Unmap(), Why: "the mail host " + h.Name})
			}
		}
	}
	return out, silent
}

// samples gives for each family the first address that the tree lets pass, in
// the order of evaluation.
func samples(tree *spf.Tree) []netip.Addr {
	var out []netip.Addr
	for _, pass := range []spf.Set{tree.Pass4, tree.Pass6} {
		if len(pass) == 0 {
			continue
		}
		ip := pass[0].Lo
		for _, n := range tree.Networks {
			if n.Qualifier == spf.Pass && pass.Contains(n.Prefix.Addr()) {
				ip = n.Prefix.Addr()
				break
			}
		}
		out = append(out, ip)
	}
	return out
}

// cited gives the questions of a trace, each once.
func cited(trace []spf.TraceStep) []wire.Ref {
	var out []wire.Ref
	for _, s := range trace {
		if s.Ref != "" && len(out) < maxCited && !slices.Contains(out, s.Ref) {
			out = append(out, s.Ref)
		}
	}
	return out
}
