package checks

import (
	"fmt"
	"slices"

	"mxvet/internal/dnsbl"
	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// What lookups that failed leave open of the rules about block lists: addresses
// that nobody could ask about, addresses of which is not known whether they send,
// and lists that did not say everything.

// perhapsSends reports that an address may send for all that is known: a part of
// the SPF record that may name it could not be looked up.
func perhapsSends(e *gather.Evidence, a gather.ListedAddress) bool {
	return !a.Sends && e.SPF.Incomplete
}

// lostListedHosts tells of mail hosts that could not be asked about.
func lostListedHosts(e *gather.Evidence) []Verdict {
	var out []Verdict
	if a := e.MX.Answer; a.Fail != nil {
		_, why := dnsSilence(e.Domain+" MX", a)
		out = append(out, Verdict{Key: "hosts", Status: Unknown, Message: "the mail hosts are not known: " + why, Evidence: mxQuestion(e)})
	}
	for _, h := range e.MX.Hosts {
		if v, silent := mxSilentAddress(h); silent && (h.Provider == nil || !h.Provider.Shared) {
			v.Key = "addresses"
			out = append(out, v)
		}
	}
	return out
}

// lostListed tells of senders, and mail hosts that may be some, that could not be
// asked about.
func lostListed(e *gather.Evidence) []Verdict {
	out := lostListedHosts(e)
	for _, f := range e.SPF.TempErrors {
		if own := e.Suffixes.Registrable(e.Domain); f.Node.Owner == e.Domain || own != "" && e.Suffixes.Registrable(f.Node.Owner) == own {
			return append(out, Verdict{
				Key: "senders", Status: Unknown, Evidence: []wire.Ref{f.Ref},
				Message: fmt.Sprintf("the addresses that send are not all known: %s (%s)", f.Text, f.Fail.Text),
			})
		}
	}
	return out
}

// doubtful takes back what is said of addresses that perhaps do, or do not, send.
func doubtful(verdicts []Verdict) []Verdict {
	for i := range verdicts {
		if v := &verdicts[i]; v.Status == Fail {
			v.Status, v.Message = Unknown, v.Message+"; whether it sends mail of the domain is not known: a part of the SPF record could not be looked up"
		}
	}
	return verdicts
}

// silentLists gives the lists of which some answer did not come, with the first
// question of each, where there was one.
func silentLists(e *gather.Evidence) (names []string, refs []wire.Ref) {
	note := func(l *dnsbl.List, ref []wire.Ref) {
		if !slices.Contains(names, l.Name) {
			names, refs = append(names, l.Name), append(refs, ref[:min(len(ref), 1)]...)
		}
	}
	for _, h := range e.Blocklists.Health {
		if h.State == dnsbl.NoAnswer {
			note(h.List, healthRefs([]dnsbl.Health{h}))
		}
	}
	for _, s := range append(listedAddresses(e, func(gather.ListedAddress) bool { return true }), listedNames(e)...) {
		for _, r := range s.Results {
			if r.State == dnsbl.NoAnswer && r.Health.Works() {
				note(r.List, r.Refs())
			}
		}
	}
	return names, refs
}

// unaskedOfLists tells of questions that were not put to the lists for want of an
// address, for rules about what the lists answer.
func unaskedOfLists(e *gather.Evidence) []Verdict {
	var out []Verdict
	if slices.ContainsFunc(e.Blocklists.Selection.Lists, func(l *dnsbl.List) bool { return l.Kind == dnsbl.KindIP }) {
		out = lostListed(e)
	}
	for i := range out {
		out[i].Severity = Info
		out[i].Message += "; the lists were not asked about that"
	}
	return out
}
