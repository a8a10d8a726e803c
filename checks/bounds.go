package checks

import (
	"fmt"
	"net/netip"
	"slices"

	"mxvet/internal/dmarc"
	"mxvet/internal/gather"
	"mxvet/internal/spf"
	"mxvet/internal/tlsrpt"
	"mxvet/internal/wire"
)

// What the audit of one domain looks at is bounded. Where a list is cut, the rules
// about it say so: the rest is unknown, and so is what it could have changed.

// reading joins rules about a text that may not have been read to its end, of which
// rest tells: what else they say, something worse may stand in the rest.
func reading(rest func(*gather.Evidence) []Verdict, groups ...[]Rule) []Rule {
	rules := slices.Concat(groups...)
	for i := range rules {
		judge := rules[i].Judge
		rules[i].Judge = func(e *gather.Evidence) []Verdict { return append(judge(e), rest(e)...) }
	}
	return rules
}

// boundSPF tells of records of the domain that were not read to their end.
func boundSPF(e *gather.Evidence) []Verdict {
	var out []Verdict
	for _, n := range spfOwn(e) {
		if slices.ContainsFunc(n.Records, func(r spf.Record) bool { return !r.Whole() }) {
			out = append(out, Verdict{
				Key: spfTerm(n, "rest of the record"), Status: Unknown, Evidence: []wire.Ref{n.TXT.Ref},
				Message: fmt.Sprintf("the record of %s has so many terms that its rest was not read", n.Owner),
			})
		}
	}
	return out
}

// boundDMARC tells of report addresses that were not read.
func boundDMARC(e *gather.Evidence) []Verdict {
	a := dmarcApplied(e)
	if a.Record == nil || a.Record.Whole() {
		return nil
	}
	return []Verdict{{
		Key: "rest of the record", Status: Unknown, Evidence: dmarcRefs(e, a.At),
		Message: dmarcWhere(e, a.At) + a.Record.Problem(dmarc.TooLong).Text,
	}}
}

// boundTLSRPT tells of places for reports that were not read.
func boundTLSRPT(e *gather.Evidence) []Verdict {
	var out []Verdict
	for _, r := range e.TLSRPT.Records {
		if !r.Whole() {
			out = append(out, Verdict{Key: "rest of the record", Status: Unknown, Evidence: []wire.Ref{e.TLSRPT.TXT.Ref}, Message: r.Problem(tlsrpt.TooLong).Text})
		}
	}
	return out[:min(len(out), 1)]
}

// boundSenders tells of senders that were not looked at.
func boundSenders(e *gather.Evidence) []Verdict {
	if e.MoreSenders == 0 {
		return nil
	}
	return []Verdict{{
		Key: "more", Status: Unknown, Evidence: spfQuestion(e),
		Message: fmt.Sprintf("only the first %d of %d known senders were looked at", len(e.Senders), len(e.Senders)+e.MoreSenders),
	}}
}

// boundHosts tells of mail hosts, and of addresses of mail hosts, with which no
// conversation was held because there are too many. At hosts of shared platforms
// further addresses are no more than mentioned: they are all alike.
func boundHosts(e *gather.Evidence) []Verdict {
	var out []Verdict
	talked := 0
	var left []string
	for i := range e.MX.Hosts {
		h := &e.MX.Hosts[i]
		asked := 0
		for _, a := range h.Addrs {
			if a.Ref != "" {
				asked++
			}
		}
		switch {
		case asked > 0 && asked < len(h.Addrs)+h.MoreAddrs:
			v := Verdict{
				Subject: h.Name, Key: "more", Status: Unknown, Evidence: hostRefs(*h),
				Message: fmt.Sprintf("only %d of its %d addresses were talked to", asked, len(h.Addrs)+h.MoreAddrs),
			}
			if h.Provider != nil && h.Provider.Shared {
				v.Status = NotAsked
			}
			out = append(out, v)
			talked++
		case asked > 0:
			talked++
		case len(h.Addrs) > 0, h.A.Fail != nil && h.A.Fail.Kind == wire.FailLimit:
			left = append(left, h.Name)
		}
	}
	silent := len(left) + max(0, e.MX.Count-len(e.MX.Hosts))
	left = append(left, e.MX.Names()[len(e.MX.Hosts):]...)
	if silent > 0 {
		v := Verdict{
			Key: "more", Status: Unknown, Evidence: mxQuestion(e),
			Message: fmt.Sprintf("only the first %d of %d mail hosts were talked to", talked, talked+silent),
		}
		if len(left) > 0 {
			v.Message += ", not " + dnsList(left)
		}
		out = append(out, v)
	}
	return out
}

// boundAddresses tells of addresses of mail hosts that are not kept.
func boundAddresses(e *gather.Evidence) []Verdict {
	var out []Verdict
	for _, h := range e.MX.Hosts {
		if h.MoreAddrs > 0 {
			out = append(out, Verdict{
				Subject: h.Name, Key: "more", Status: Unknown, Evidence: hostRefs(h),
				Message: fmt.Sprintf("only %d of its %d addresses were looked at", len(h.Addrs), len(h.Addrs)+h.MoreAddrs),
			})
		}
	}
	return out
}

// boundReverse tells of addresses of mail hosts whose names were not asked for. Of
// hosts of shared platforms nobody asks.
func boundReverse(e *gather.Evidence) []Verdict {
	if e.Options.Offline {
		return nil
	}
	left, asked := 0, map[netip.Addr]bool{}
	for _, h := range e.MX.Hosts {
		if h.Provider != nil && h.Provider.Shared {
			continue
		}
		left += h.MoreAddrs
		for _, a := range h.Addrs {
			if _, special := mxSpecial(e, a); !special {
				asked[a.IP] = asked[a.IP] || a.Reverse.Ref != ""
			}
		}
	}
	all := left + len(asked)
	for _, is := range asked {
		if !is {
			left++
		}
	}
	if left == 0 {
		return nil
	}
	return []Verdict{{
		Key: "more-hosts", Status: Unknown, Evidence: mxQuestion(e),
		Message: fmt.Sprintf("the names of %d of the %d addresses of mail hosts were not asked for: there are too many", left, all),
	}}
}

// boundNameservers tells of name servers that were not asked directly. Further
// addresses of a server that was asked at some are mentioned only.
func boundNameservers(e *gather.Evidence) []Verdict {
	n := e.Nameservers
	var out []Verdict
	if left := n.Unasked() + n.More; left > 0 {
		out = append(out, Verdict{
			Key: "more", Status: Unknown, Evidence: []wire.Ref{n.NS.Ref},
			Message: fmt.Sprintf("%d of the %d name servers were not asked: there are too many, or their addresses are not known", left, len(n.Names)+n.More),
		})
	}
	if n.MoreAddresses > 0 {
		out = append(out, Verdict{
			Key: "addresses", Status: NotAsked,
			Message: fmt.Sprintf("%d of the %d addresses of the name servers were asked", len(n.Servers), len(n.Servers)+n.MoreAddresses),
		})
	}
	return out
}

// Verdicts of one rule that are kept.
const maxVerdicts = 100

// bounded keeps the worst of a rule's verdicts, which are sorted, and says how many
// more there are. A peer decides how many there are.
func bounded(verdicts []Verdict) []Verdict {
	more := len(verdicts) - maxVerdicts
	if more <= 0 {
		return verdicts
	}
	next := verdicts[maxVerdicts]
	return append(verdicts[:maxVerdicts:maxVerdicts], Verdict{
		Subject: next.Subject, Key: "more than are listed", Status: next.Status, Severity: next.Severity, NoFault: next.NoFault, Evidence: next.Evidence,
		Message: fmt.Sprintf("%s (and %d more that are not listed)", next.Message, more-1),
	})
}

// boundSelectors tells of DKIM selectors that were named and not asked; most is what a
// failure there would have cost.
func boundSelectors(e *gather.Evidence, most Severity) []Verdict {
	if e.MoreSelectors == 0 {
		return nil
	}
	return []Verdict{{
		Key: "more", Status: Unknown, Severity: most, Evidence: dkimQuestion(e),
		Message: fmt.Sprintf("only the first %d of %d selectors that were named were asked", len(e.DKIM.Selectors), len(e.DKIM.Selectors)+e.MoreSelectors),
	}}
}

// boundListed tells of addresses that send and that no block list was asked about.
func boundListed(e *gather.Evidence) []Verdict {
	n := e.Blocklists.MoreKnown
	if n == 0 {
		return nil
	}
	return []Verdict{{
		Key: "more-senders", Status: Unknown, Severity: High, Evidence: spfQuestion(e),
		Message: fmt.Sprintf("%d of the addresses that send were not asked about: there are too many", n),
	}}
}

// unlooked is the verdict on a registered name beyond the bound.
func unlooked(r gather.Registration, refs []wire.Ref) Verdict {
	return Verdict{Key: r.Name, Status: Unknown, Evidence: refs, Message: fmt.Sprintf(
		"whether %s is registered was not asked: at most %d such names are", r.Name, gather.MaxRegistrations)}
}
