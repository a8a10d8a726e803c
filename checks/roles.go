package checks

import (
	"slices"

	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// agreed gives what res and other, the same rule judged in another role, both say
// of failures: one that is none in the other role is unknown.
func (res Result) agreed(e *gather.Evidence, other Result) Result {
	out := Result{Rule: res.Rule, Verdicts: slices.Clone(res.Verdicts)}
	find := func(in []Verdict, v Verdict) int {
		return slices.IndexFunc(in, func(w Verdict) bool { return w.Subject == v.Subject && w.Key == v.Key })
	}
	doubt := func(v Verdict) Verdict {
		v.Status, v.Message = Unknown, "what the domain does with mail could not be found out, and with that whether this matters: "+e.Role.Why
		v.Evidence = slices.Clone(v.Evidence)
		for _, ref := range []wire.Ref{e.MX.Ref, e.SPF.Root.TXT.Ref} {
			if ref != "" && !slices.Contains(v.Evidence, ref) {
				v.Evidence = append(v.Evidence, ref)
			}
		}
		return v
	}
	for i, v := range out.Verdicts {
		if v.Status != Fail {
			continue
		}
		switch k := find(other.Verdicts, v); {
		case k < 0 || other.Verdicts[k].Status != Fail:
			out.Verdicts[i] = doubt(v)
		case v.Severity.Worse(other.Verdicts[k].Severity):
			out.Verdicts[i] = other.Verdicts[k]
		}
	}
	for _, v := range other.Verdicts {
		if v.Status != Fail && (v.Status != Unknown || res.Status != NotApplicable) { // what does not matter here may matter there
			continue
		}
		switch i := find(out.Verdicts, v); {
		case i < 0:
			out.Verdicts = append(out.Verdicts, doubt(v))
		case out.Verdicts[i].Status != Fail && out.Verdicts[i].Status != Unknown:
			out.Verdicts[i] = doubt(v)
		}
	}
	out.settle(e)
	return out
}
