package gather

import (
	"context"
	"slices"
	"strings"

	"mxvet/internal/psl"
	"mxvet/internal/spf"
	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// A Registration is a name from a registry that some record of the domain relies
// on, and of which no other answer proved that it exists. Who registers a name
// that lapsed gets what the record gives away: the right to send, or the mail.
type Registration struct {
	Name   string // one label below its public suffix (ICANN section)
	Uses   []Use  // who relies on it, in the order found
	Ref    wire.Ref
	Answer wire.Answer // to the NS question at Name
	Left   bool        // the bound left it out: it was not asked
}

// A Use is one name in a record, or the end of the aliases that it leads to.
type Use struct {
	Kind string // one of the Use constants
	Name string
}

// Kinds of use.
const (
	UseSPF     = "spf" // target of an SPF term, or a host behind one
	UseMX      = "mx"
	UseNS      = "ns"
	UseDKIM    = "dkim"    // alias of a selector
	UseMTASTS  = "mta-sts" // alias of the record or of the policy host
	UseReports = "reports" // host of a DMARC or TLS-RPT report address
	UseAlias   = "alias"   // alias of a DMARC or TLS-RPT record
)

// Unregistered reports that the name appears to be free. A name that is
// registered but not delegated looks the same. Below a top-level domain that does
// not exist nobody can register anything, so names there are not meant.
func (r Registration) Unregistered() bool {
	return r.Answer.NXDomain() && !psl.Local(r.Name) && len(r.Answer.Chain(r.Name)) == 0 &&
		!slices.ContainsFunc(r.Answer.Authority, func(rr string) bool {
			f := strings.Split(rr, "\t")
			return len(f) > 3 && f[0] == "." && f[3] == "SOA"
		})
}

// Used reports whether a use of that kind is among the uses.
func (r Registration) Used(kind string) bool {
	return slices.ContainsFunc(r.Uses, func(u Use) bool { return u.Kind == kind })
}

// leads are uses of names whose existence is in doubt.
type leads []Use

// add notes a name in a record, with what was answered at it. An answer without
// NXDOMAIN proves that the name exists, and with it all names above.
func (l *leads) add(kind, name string, answers ...wire.Answer) {
	var doubt leads
	for _, a := range answers {
		end := name
		if chain := a.Chain(name); len(chain) > 0 {
			end = chain[len(chain)-1]
		}
		if a.OK() && !a.NXDomain() {
			return
		}
		doubt = append(doubt, Use{kind, end})
	}
	*l = append(*l, doubt...)
}

// addAlias is add for a name that is the domain's own or its parents': only where
// it is an alias does it rely on somebody.
func (l *leads) addAlias(kind, name string, answers ...wire.Answer) {
	for _, a := range answers {
		if len(a.Chain(name)) > 0 {
			l.add(kind, name, a)
		}
	}
}

func (l *leads) addSPF(t *spf.Tree) {
	for _, s := range t.Steps() {
		var answers []wire.Answer
		for _, a := range []*spf.Ask{s.MX, s.A, s.AAAA} {
			if a != nil {
				answers = append(answers, a.Answer)
			}
		}
		if s.Child != nil && s.Child.TXT.Ref != "" {
			answers = append(answers, s.Child.TXT.Answer)
		}
		l.add(UseSPF, s.Target, answers...)
		for _, h := range s.Hosts {
			if h.A.Ref != "" {
				l.add(UseSPF, h.Name, h.A.Answer, h.AAAA.Answer)
			}
		}
	}
}

func (l *leads) addNS(ns wire.Answer) {
	for _, host := range ns.Targets("NS") {
		*l = append(*l, Use{UseNS, host})
	}
}

// addRest notes everything but SPF and NS.
func (l *leads) addRest(e *Evidence) {
	for _, h := range e.MX.Hosts {
		l.add(UseMX, h.Name, h.A, h.AAAA)
	}
	for _, s := range e.DKIM.Selectors {
		l.addAlias(UseDKIM, s.Owner, s.Answer)
	}
	l.addAlias(UseMTASTS, e.MTASTS.TXT.Name, e.MTASTS.TXT.Answer)
	l.addAlias(UseMTASTS, e.MTASTS.Host, e.MTASTS.A.Answer, e.MTASTS.AAAA.Answer)
	for _, s := range e.DMARC.Steps {
		l.addAlias(UseAlias, s.Name, s.Answer)
	}
	l.addAlias(UseAlias, e.TLSRPT.TXT.Name, e.TLSRPT.TXT.Answer)
	if e.DMARC.Reports != nil {
		for _, d := range e.DMARC.Reports.Destinations {
			if d.Route != nil {
				l.add(UseReports, d.Host, d.Route.MX.Answer)
			}
		}
	}
	for _, d := range e.TLSRPT.Destinations {
		if d.MX.Ref != "" {
			l.add(UseReports, d.Host, d.MX.Answer)
		} else {
			l.add(UseReports, d.Host, d.A.Answer, d.AAAA.Answer)
		}
	}
}

// registrations asks for the registered names behind the leads, each once, sorted;
// that of the domain itself is left out.
func registrations(ctx context.Context, src wire.Source, list *psl.List, domain string, all leads) []Registration {
	own := list.Registrable(domain)
	var out []Registration
	for _, use := range all {
		name := list.Registrable(use.Name)
		if name == "" || name == own {
			continue
		}
		i := slices.IndexFunc(out, func(r Registration) bool { return r.Name == name })
		if i < 0 {
			i = len(out)
			out = append(out, Registration{Name: name})
		}
		if !slices.Contains(out[i].Uses, use) {
			out[i].Uses = append(out[i].Uses, use)
		}
	}
	slices.SortFunc(out, func(a, b Registration) int { return strings.Compare(a.Name, b.Name) })
	out, _ = cut(out, MaxRegistrations+maxLeft)
	var wg together.Group
	for i := range out {
		if out[i].Left = i >= MaxRegistrations; out[i].Left {
			continue
		}
		q := wire.Question{Name: out[i].Name, Type: "NS"}
		out[i].Ref = q.Ref()
		wg.Go(func() { out[i].Answer = src.DNS(ctx, q) })
	}
	wg.Wait()
	return out
}
