package checks

import (
	"fmt"
	"math/big"
	"net/netip"
	"slices"

	"mxvet/internal/gather"
	"mxvet/internal/provider"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
)

// Rules about the addresses that the record names.
func spfNetworkRules() []Rule {
	return []Rule{
		{
			ID: "spf-too-wide", Area: AreaSPF, Severity: Medium,
			Bears: []Bearing{{On: Forgery, From: Medium, Weight: Partly, Words: "SPF lets very wide networks pass"}},
			Title: "the SPF record lets only a narrow part of the internet send",
			Refs:  []string{"RFC 9989 section 7.1", "RFC 9989 section 11.1", "BSI TR-03182-01"},
			When:  spfRecord, Judge: judgeSPFWidth,
		},
		{
			ID: "spf-network-odd", Area: AreaSPF, Severity: Low,
			Title: "the networks of the SPF record are networks of the internet",
			Refs:  []string{"RFC 7208 section 5.6", "RFC 6890"},
			When:  spfRecord, Judge: judgeSPFOddNetworks,
		},
		{
			ID: "spf-redundant", Area: AreaSPF, Severity: Low,
			Title: "no term of the SPF record can be left out",
			Refs:  []string{"RFC 7208 section 10.1.1"},
			When:  spfRecord, Judge: judgeSPFRedundant,
		},
		{
			ID: "spf-mx-inbound-only", Area: AreaSPF, Severity: Info,
			Title: "the mx term of the SPF record stands for hosts that send",
			Refs:  []string{"RFC 7208 section 5.4", "practice"},
			When:  spfRecord, Judge: judgeSPFInbound,
		},
		{
			ID: "spf-shared-platform", Area: AreaSPF, Severity: Info,
			Title: "the SPF record passes no platform that many customers share",
			Refs:  []string{"RFC 9989 section 11.1"},
			When:  spfRecord,
			Judge: func(e *gather.Evidence) []Verdict {
				var out []Verdict
				for n, s := range e.SPF.Steps() {
					if n.Included() || s.Term.Kind != spf.KindInclude || s.Term.Qualifier != spf.Pass {
						continue
					}
					p, key := provider.Default().BySPF(s.Target), spfTerm(n, s.Term.Text)
					if p == nil || !p.Shared || slices.ContainsFunc(out, func(v Verdict) bool { return v.Key == key }) {
						continue
					}
					out = append(out, Verdict{
						Key: key, Status: Fail, Severity: Info, Evidence: []wire.Ref{n.TXT.Ref},
						Message: fmt.Sprintf("%q: other customers of %s send from the same addresses, so its own checks decide whether they can send as %s", key, p.Name, e.Domain),
					})
				}
				return out
			},
		},
	}
}

// Wider networks than these hold more hosts than one sender has.
const (
	widest4  = 16
	widest6  = 32
	maxTotal = 1 << 20 // IPv4 addresses in all
)

func judgeSPFWidth(e *gather.Evidence) []Verdict {
	if v := judgeSPFPassesAll(e); len(v) > 0 && v[0].Status == Fail {
		return []Verdict{{Status: NotApplicable, Message: "the record lets everybody send: rule spf-passes-all tells of it"}}
	}
	var out []Verdict
	inside := map[netip.Prefix]bool{}
	for _, a := range e.SPF.Networks {
		bits, widest := a.Prefix.Bits(), widest6
		if a.Prefix.Addr().Is4() {
			widest = widest4
		}
		key := spfTerm(a.Node, a.Step.Term.Text)
		if _, odd := insideNetwork(e, a.Prefix); odd { // nobody on the internet can use it: rule spf-network-odd tells of it
			if a.Prefix.Addr().Is4() && a.Qualifier == spf.Pass {
				inside[a.Prefix] = true
			}
			continue
		}
		if bits >= widest || a.Qualifier != spf.Pass || a.Node.Included() || slices.ContainsFunc(out, func(v Verdict) bool { return v.Key == key }) {
			continue
		}
		out = append(out, Verdict{
			Key: key, Status: Fail, Severity: Medium, Evidence: []wire.Ref{a.Node.TXT.Ref},
			Message: fmt.Sprintf("%q lets all of %s send; wider than /%d is more than one sender's network", key, a.Prefix, widest),
		})
	}
	if len(out) > 0 {
		return out
	}
	n := e.SPF.Pass4.Size()
	for p := range inside {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(32-p.Bits())))
	}
	if n.Cmp(big.NewInt(maxTotal)) > 0 {
		return []Verdict{{
			Key: "total", Status: Fail, Severity: Medium, Evidence: spfRefs(e),
			Message: fmt.Sprintf("with all that it includes, the record lets %d IPv4 addresses send; more than %d is too many to trust", n, maxTotal),
		}}
	}
	return spfGaps(e, false)
}

func judgeSPFOddNetworks(e *gather.Evidence) []Verdict {
	out := spfProblem(Info, spf.CodeHostBits)(e)
	add := func(v Verdict) {
		i := slices.IndexFunc(out, func(o Verdict) bool { return o.Key == v.Key })
		switch {
		case i < 0:
			out = append(out, v)
		case v.Severity.Worse(out[i].Severity):
			out[i] = v
		}
	}
	for _, v := range spfProblem(Low, spf.CodeMappedIP6)(e) {
		add(v)
	}
	for _, a := range e.SPF.Networks {
		if a.Node.Included() || a.Step.Term.Kind == spf.KindAll {
			continue
		}
		first, odd := insideNetwork(e, a.Prefix)
		if !odd {
			continue
		}
		key := spfTerm(a.Node, a.Step.Term.Text)
		add(Verdict{
			Key: key, Status: Fail, Severity: Low, Evidence: []wire.Ref{a.Node.TXT.Ref},
			Message: fmt.Sprintf("%q names %s, which is no network of the public internet (%s): no mail comes from there", key, a.Prefix, first),
		})
	}
	return out
}

// insideNetwork reports that a whole network is none of the public internet, and what
// it is for (RFC 6890).
func insideNetwork(e *gather.Evidence, p netip.Prefix) (purpose string, yes bool) {
	special := wire.Special
	if e.Options.AllowPrivate {
		special = wire.SpecialButDocumentation
	}
	first, odd := special(p.Addr())
	last, alsoOdd := special(lastAddr(p))
	return first, odd && alsoOdd && first == last && first != wire.AddrMapped
}

// lastAddr gives the last address of a network.
func lastAddr(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last
}

// judgeSPFRedundant tells of terms that stand twice, and of those all of whose
// networks another term lets pass.
func judgeSPFRedundant(e *gather.Evidence) []Verdict {
	out := spfProblem(Low, spf.CodeRepeated)(e)
	covered := map[*spf.Step][]spf.Cover{}
	for _, c := range e.SPF.Covered() {
		covered[c.Network.Step] = append(covered[c.Network.Step], c)
	}
	for n, s := range e.SPF.Steps() {
		covers := covered[s]
		if f := spfUnanswered(e, s); f != nil && !n.Included() && s.Term.Qualifier == spf.Pass {
			out = append(out, Verdict{
				Key: spfTerm(n, s.Term.Text), Status: Unknown, Severity: Low, Evidence: []wire.Ref{f.Ref},
				Message: "not all addresses of the term are known: " + f.Text + " (" + f.Fail.String() + ")",
			})
			continue
		}
		if n.Included() || s.Term.Qualifier != spf.Pass || len(covers) == 0 || len(covers) < distinct(s.Nets) {
			continue
		}
		key, by := spfTerm(n, s.Term.Text), covers[0].By
		if by.Prefix.Bits() == 0 || slices.ContainsFunc(out, func(v Verdict) bool { return v.Key == key }) {
			continue // everything is redundant beside rule spf-passes-all
		}
		refs := []wire.Ref{n.TXT.Ref, by.Node.TXT.Ref}
		out = append(out, Verdict{
			Key: key, Status: Fail, Severity: Low, Evidence: slices.Compact(refs),
			Message: fmt.Sprintf("%q lets nobody pass whom %q does not let pass as well", key, spfTerm(by.Node, by.Step.Term.Text)),
		})
	}
	if len(out) == 0 {
		return spfGaps(e, true)
	}
	return out
}

// spfUnanswered gives the first lookup of a term for addresses that failed.
func spfUnanswered(e *gather.Evidence, s *spf.Step) *spf.Failure {
	for i := range e.SPF.TempErrors {
		if f := &e.SPF.TempErrors[i]; f.Step >= 0 && s.Child == nil && f.At == s.At {
			return f
		}
	}
	return nil
}

func distinct(nets []netip.Prefix) int {
	seen := map[netip.Prefix]bool{}
	for _, p := range nets {
		seen[p] = true
	}
	return len(seen)
}

// judgeSPFInbound tells of an mx term where all mail hosts belong to a filter
// that the record names nowhere else as a sender.
func judgeSPFInbound(e *gather.Evidence) []Verdict {
	table := provider.Default()
	for n, s := range e.SPF.Steps() {
		if n.Included() || s.Term.Kind != spf.KindMX || s.Target != e.Domain {
			continue
		}
		if s.MX != nil && s.MX.Answer.Fail != nil {
			status, why := dnsSilence(s.Target+" MX", s.MX.Answer)
			return []Verdict{{Status: status, Severity: Info, Evidence: []wire.Ref{s.MX.Ref}, Message: why}}
		}
		if len(s.Hosts) == 0 {
			continue
		}
		filter := table.ByMX(s.Hosts[0].Name)
		if filter == nil || filter.Kind != provider.KindFilter || slices.ContainsFunc(s.Hosts, func(h spf.Host) bool { return table.ByMX(h.Name) != filter }) {
			continue
		}
		for _, o := range e.SPF.Steps() {
			if o.Target != "" && o.Child != nil && table.BySPF(o.Target) == filter {
				return nil
			}
		}
		return []Verdict{{
			Key: spfTerm(n, s.Term.Text), Status: Fail, Severity: Info, Evidence: []wire.Ref{n.TXT.Ref, s.MX.Ref},
			Message: fmt.Sprintf("%q lets the mail hosts send, but they belong to the inbound filter %s, which the record does not name as a sender", spfTerm(n, s.Term.Text), filter.Name),
		}}
	}
	return nil
}
