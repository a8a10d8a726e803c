package checks

import (
	"cmp"
	"fmt"
	"slices"

	"mxvet/internal/gather"
	"mxvet/internal/smtp"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
)

// judgeSPFHELO looks at the domain's own MX hosts that its SPF record lets send:
// bounces have no other name to check than that in HELO. What a host says as a
// client cannot be seen from here; one that greets with its MX name as a server
// most likely says it there too.
func judgeSPFHELO(e *gather.Evidence) []Verdict {
	org := e.Suffixes.OrgDomain(e.Domain, false)
	var out []Verdict
	for _, h := range e.MX.Hosts {
		if h.Name == e.Domain || h.TXT.Ref == "" || e.Suffixes.OrgDomain(h.Name, false) != org {
			continue
		}
		if !slices.ContainsFunc(h.Addrs, func(a gather.Address) bool { return spfPasses(e, a.IP) }) {
			if f := cmp.Or(h.A.Fail, h.AAAA.Fail); f != nil {
				out = append(out, Verdict{
					Subject: h.Name, Status: Unknown, Severity: Low, Evidence: []wire.Ref{dnsRef(h.Name, "A"), dnsRef(h.Name, "AAAA")},
					Message: "whether it may send for the domain is not known: not all of its addresses are: " + f.String(),
				})
			}
			continue
		}
		v := Verdict{Subject: h.Name, Status: Pass, Evidence: []wire.Ref{h.TXT.Ref}}
		if f := unevaluated(e, h); f != nil {
			v.Status, v.Evidence, v.Message = Unknown, f.Refs, "whether it may send for the domain is not known: "+f.Counting.Text
			out = append(out, v)
			continue
		}
		sev, how := Info, "its bounces have nothing that SPF can pass if it says its MX name in HELO, which cannot be seen"
		if a := saysOwnName(h); a != nil {
			sev, how = Low, "it greets with that name, so it most likely says it in HELO too"
			v.Evidence = append(v.Evidence, a.Ref)
		}
		records, _ := spf.Select(h.TXT.Answer.TXT())
		switch {
		case len(records) == 1:
		case len(records) > 1:
			v.Status, v.Severity, v.Message = Fail, sev, fmt.Sprintf("the host's name has %d SPF records, so none counts; it may send for the domain, and %s", len(records), how)
		case h.TXT.Answer.Missing("TXT"), h.TXT.Answer.OK() && !h.TXT.Answer.TCPFailed:
			v.Status, v.Severity, v.Message = Fail, sev, "the host may send for the domain, and its own name has no SPF record: "+how
		default:
			v.Status, v.Message = Unknown, "the SPF lookup for the host's name gave no answer: "+h.TXT.Answer.Fail.String()
		}
		out = append(out, v)
	}
	if e.MX.Answer.Fail != nil {
		return []Verdict{{Status: Unknown, Evidence: mxQuestion(e), Message: "the mail hosts are not known: the MX lookup gave no answer: " + e.MX.Answer.Fail.String()}}
	}
	if len(out) == 0 {
		return []Verdict{{Status: NotApplicable, Message: "no mail host of the organization is known to send for the domain"}}
	}
	return out
}

// unevaluated gives an evaluation of a host's address that a failed lookup stopped,
// where no other address of the host is known to pass.
func unevaluated(e *gather.Evidence, h gather.Host) (failed *gather.Evaluation) {
	for _, a := range h.Addrs {
		switch v := e.Evaluations.Of(a.IP); {
		case v == nil:
		case v.Counting.Result == spf.ResultPass:
			return nil
		case v.Counting.Result == spf.ResultTempError:
			failed = v
		}
	}
	return failed
}

// saysOwnName gives an address at which a host names itself as its MX record
// does, nil where none does.
func saysOwnName(h gather.Host) *gather.Address {
	for i := range h.Addrs {
		a := &h.Addrs[i]
		for stage, code := range map[string]int{smtp.StageBanner: 220, smtp.StageEHLO: 250} {
			if r := smtp.Answered(a.Session.Exchanges, stage); r != nil && r.Code == code && r.HostName() == h.Name {
				return a
			}
		}
	}
	return nil
}
