package checks

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/mtasts"
	"mxvet/internal/wire"
)

// Rules about MTA-STS (RFC 8461), along the way that a sender goes: the record
// says that there is a policy, the policy host serves it, and the MX hosts must
// be as it says.
func mtastsRules() []Rule {
	return slices.Concat(mtastsRecordRules(), mtastsFetchRules(), mtastsPolicyRules(), mtastsHostRules())
}

// stsAnnounced reports that something at _mta-sts is a record, or was meant to
// be one.
func stsAnnounced(r *mtasts.Result) bool { return len(r.Records)+len(r.Others) > 0 }

// stsServed gives the policy file that the first address serves; nil where none
// serves one that has at least two fields of a policy. Many web servers answer
// any path with a page of theirs.
func stsServed(r *mtasts.Result) *mtasts.Fetched {
	for i := range r.Pages {
		if f := &r.Pages[i]; f.Policy != nil && policyLike(f.Policy) {
			return f
		}
	}
	return nil
}

// stsLost says what keeps the policies that were fetched from being all: a lookup of
// an address of the policy host, or a page, without an answer; "" where nothing does.
func stsLost(r *mtasts.Result) string {
	for _, a := range []wire.Asked{r.A, r.AAAA} {
		if a.Answer.Fail != nil {
			return a.Name + ": " + a.Answer.Fail.String()
		}
	}
	for _, f := range r.Pages {
		if f.Page.Fail != nil {
			return f.Page.Fail.String()
		}
	}
	return ""
}

func policyLike(p *mtasts.Policy) bool {
	var known []string
	for _, l := range p.Lines {
		switch name := strings.ReplaceAll(strings.ToLower(l.Name), "-", "_"); name {
		case "version", "mode", "mx", "max_age":
			if !slices.Contains(known, name) {
				known = append(known, name)
			}
		}
	}
	return len(known) > 1
}

// stsRecord guards rules that judge the record.
func stsRecord(e *gather.Evidence) (Status, string) {
	r := e.MTASTS
	if status, why := receivesMail(e); status != "" {
		return status, why
	}
	switch {
	case r.TXT.Failed():
		return Unknown, "the TXT lookup at " + r.TXT.Name + " gave no answer: " + noAnswer(r.TXT.Answer)
	case !stsAnnounced(r):
		return NotApplicable, "there is no MTA-STS record"
	}
	return "", ""
}

// stsPresent guards rules that judge what there is of MTA-STS. A policy that is
// served counts even where nothing announces it: it is what the owner works on.
func stsPresent(e *gather.Evidence) (Status, string) {
	if status, why := receivesMail(e); status != "" {
		return status, why
	}
	if stsServed(e.MTASTS) != nil {
		return "", ""
	}
	return stsRecord(e)
}

// stsFetched guards rules that judge how the policy is served. Without the network
// none is fetched, whatever the record says.
func stsFetched(e *gather.Evidence) (Status, string) {
	status, why := stsPresent(e)
	if status == Unknown && e.Options.Offline {
		return NotAsked, "the network is switched off"
	}
	return status, why
}

// stsPolicy guards rules that judge a policy that was read.
func stsPolicy(e *gather.Evidence) (Status, string) {
	if status, why := stsFetched(e); status != "" {
		return status, why
	}
	f := stsServed(e.MTASTS)
	switch {
	case f != nil && f.Page.Cut:
		return Unknown, fmt.Sprintf("the policy file is longer than %d bytes and was not read to its end", wire.MaxBody)
	case f != nil:
		return "", ""
	case e.MTASTS.Policy() != nil:
		return NotApplicable, "what the policy host serves is no policy (mtasts-policy-invalid)"
	}
	for _, want := range []Status{Fail, Unknown, NotAsked} {
		for _, v := range judgeFetch(e) {
			switch {
			case v.Status != want:
			case want == Fail:
				return NotApplicable, "no policy can be fetched (mtasts-fetch)"
			default:
				return want, "the policy was not read: " + v.Message
			}
		}
	}
	return NotApplicable, "no policy can be fetched (mtasts-host-cert)"
}

// stsMode guards rules that need to know the mode of the policy.
func stsMode(e *gather.Evidence) (Status, string) {
	if status, why := stsPolicy(e); status != "" {
		return status, why
	}
	if stsServed(e.MTASTS).Policy.Mode == "" {
		return NotApplicable, "the policy has no valid mode (mtasts-policy-invalid)"
	}
	return "", ""
}

// stsAsks guards rules about what a policy asks of the MX hosts.
func stsAsks(e *gather.Evidence) (Status, string) {
	if status, why := stsMode(e); status != "" {
		return status, why
	}
	if stsServed(e.MTASTS).Policy.Mode == mtasts.NoMode {
		return NotApplicable, "the policy has mode none and asks for nothing"
	}
	return "", ""
}

// stsInForce reports that senders take the policy: record and policy have what
// they need. An unknown record counts as one.
func stsInForce(e *gather.Evidence) bool {
	rec := e.MTASTS.Record()
	return (e.MTASTS.TXT.Failed() || rec != nil && rec.Usable()) && stsServed(e.MTASTS).Policy.Usable()
}

// misplaced says where a record was found that no sender looks for, as the end
// of a sentence; "" where there is none.
func misplaced(places ...string) string {
	places = slices.DeleteFunc(places, func(s string) bool { return s == "" })
	if len(places) == 0 {
		return ""
	}
	return "; a record stands at " + strings.Join(places, " and at ") + ", where no sender looks"
}
