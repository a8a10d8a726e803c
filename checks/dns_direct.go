package checks

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// dnsDirectRules is about the zone's name servers, each looked at by itself. What
// a server does not do counts only where direct questions are seen to get
// through: many networks let no DNS out but to their resolver, and some answer in
// the place of every server.
func dnsDirectRules() []Rule {
	return []Rule{
		{
			ID: "dns-ns-target", Area: AreaHosts, Severity: High,
			Bears: []Bearing{
				{On: Arrival, From: High, Weight: Partly, Direction: MailTo, Words: "a name server has no address", About: "the name servers"},
				{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "a name server has no address", About: "the name servers"},
			},
			Title: "each name server's name has an address and is no alias",
			Refs:  []string{"RFC 2181 section 10.3", "RFC 1912 section 2.8"},
			When:  dnsNameservers,
			Judge: judgeDNSTargets,
		},
		{
			ID: "dns-lame", Area: AreaHosts, Severity: Medium,
			Title: "each name server answers with authority",
			Refs:  []string{"RFC 1912 section 2.8"},
			When:  dnsAskedDirectly,
			Judge: judgeDNSLame,
		},
		{
			ID: "dns-servers-differ", Area: AreaHosts, Severity: Medium,
			Title: "all name servers give the same mail records",
			Refs:  []string{"RFC 1034 section 4.3.5", "RFC 1996"},
			When:  dnsAskedDirectly,
			Judge: judgeDNSServersDiffer,
		},
		{
			ID: "dns-one-family", Area: AreaHosts, Severity: Info,
			Title: "the name servers are reachable over IPv4 and IPv6",
			Refs:  []string{"RFC 3901 section 4", "Internet.nl"},
			When:  dnsNameservers,
			Judge: judgeDNSOneFamily,
		},
	}
}

// dnsNameservers guards the rules that need the names of the zone's servers.
func dnsNameservers(e *gather.Evidence) (Status, string) {
	if status, why := dnsExists(e); status != "" {
		return status, why
	}
	switch n := e.Nameservers; {
	case slices.Contains(e.Options.Skip, AreaHosts):
		return NotAsked, n.NotAsked
	case n.NS.Failed():
		return dnsSilence(n.NS.Name+" NS", n.NS.Answer)
	case len(n.Names) == 0:
		return NotApplicable, n.NotAsked
	}
	return "", ""
}

// dnsAskedDirectly guards the rules about what the servers say.
func dnsAskedDirectly(e *gather.Evidence) (Status, string) {
	if status, why := dnsNameservers(e); status != "" {
		return status, why
	}
	switch n := e.Nameservers; {
	case n.NotAsked != "" && (e.Options.Offline || e.Options.NoServers || n.NS.Answer.Assumed):
		return NotAsked, n.NotAsked
	case n.NotAsked != "":
		return NotApplicable, n.NotAsked
	}
	return "", ""
}

func judgeDNSTargets(e *gather.Evidence) []Verdict {
	var out []Verdict
	for _, n := range e.Nameservers.Names {
		v := Verdict{Subject: n.Name, Status: Pass, Evidence: []wire.Ref{e.Nameservers.NS.Ref, n.A.Ref, n.AAAA.Ref}}
		alias := n.A.Answer.Chain(n.Name)
		if len(alias) == 0 {
			alias = n.AAAA.Answer.Chain(n.Name)
		}
		switch a, b := n.A.Answer, n.AAAA.Answer; {
		case len(alias) > 0:
			v.Status, v.Severity = Fail, High
			v.Message = fmt.Sprintf("the NS record names %s, which is an alias (CNAME) of %s: resolvers may not follow it", n.Name, alias[0])
		case a.Has("A"), b.Has("AAAA"):
		case a.Missing("A") && b.Missing("AAAA"):
			v.Status, v.Severity = Fail, High
			v.Message = fmt.Sprintf("the NS record names %s, which has no address, so nobody can ask it", n.Name)
		case !a.Missing("A"):
			v.Status, v.Message = dnsSilence(n.Name+" A", a)
		default:
			v.Status, v.Message = dnsSilence(n.Name+" AAAA", b)
		}
		out = append(out, v)
	}
	return out
}

func dnsServerName(d gather.Direct) string { return fmt.Sprintf("%s [%s]", d.Name, d.Addr) }

// judgeDNSLame tells of the servers that do not answer for the zone. One server
// with authority proves that direct questions get through from here: that other
// answers come from the servers themselves. Silence also needs a server that was
// heard over the same address family.
func judgeDNSLame(e *gather.Evidence) []Verdict {
	servers := e.Nameservers.Servers
	var heard, heard4, heard6 bool
	var refs []wire.Ref
	for _, d := range servers {
		refs = append(refs, d.SOA.Ref)
		if d.Authoritative() {
			heard = true
			heard4, heard6 = heard4 || d.Addr.Is4(), heard6 || d.Addr.Is6()
		}
	}
	if !heard {
		why := "answers without authority"
		if f := servers[0].SOA.Answer.Fail; f != nil {
			why = dnsNothing(f)
		}
		if !slices.ContainsFunc(servers, func(d gather.Direct) bool {
			return d.SOA.Answer.Fail == nil || d.SOA.Answer.Fail.Kind != wire.FailForbidden
		}) {
			return unknown(refs, "no name server was asked (%s: %s)", dnsServerName(servers[0]), why)
		}
		if len(servers) == 1 {
			return unknown(refs, "%s, the only address of a name server that was asked, did not answer with authority, so it may be the network here (%s)", dnsServerName(servers[0]), why)
		}
		return unknown(refs, "none of the %d addresses of name servers that were asked answered with authority, so it may be the network here (%s: %s)",
			len(servers), dnsServerName(servers[0]), why)
	}
	var out []Verdict
	for _, d := range servers {
		v := Verdict{Subject: dnsServerName(d), Status: Pass, Evidence: []wire.Ref{d.SOA.Ref, d.MX.Ref, d.TXT.Ref}}
		if !d.Authoritative() {
			v.Status, v.Severity = Fail, Medium
			var proven bool
			v.Message, proven = dnsLame(d, e.Nameservers.Zone)
			sameFamily := d.Addr.Is4() && heard4 || d.Addr.Is6() && heard6
			switch f := d.SOA.Answer.Fail; {
			case proven:
			case dnsCutShort(d.SOA.Answer):
				v.Status, v.Message = Unknown, "the question was not finished: "+f.String()
			case sameFamily:
			case f != nil && f.Kind == wire.FailUnreachable:
				v.Status, v.Severity, v.Message = NotAsked, "", "there is no way to such addresses from here: "+f.Text
			default:
				v.Status = Unknown
				v.Message += "; no name server answered over that address family, so it may be the network here"
			}
		}
		out = append(out, v)
	}
	return append(out, boundNameservers(e)...)
}

// dnsLame says what a server did instead of answering, and whether that is proven
// by a message that came, or by an address that cannot be asked by anybody.
func dnsLame(d gather.Direct, zone string) (what string, proven bool) {
	for _, a := range d.Asked() {
		switch f := a.Answer.Fail; {
		case a.Answer.Rcode == "" && (f == nil || f.Kind != wire.FailForbidden):
		case f == nil && wire.Answer{Answer: a.Answer.Authority}.Has("NS"):
			return "the server has not got the zone " + zone + " and only points to others: resolvers that ask it must ask again elsewhere", true
		case f == nil:
			return "the server answers without authority for the zone " + zone + ", so resolvers do not take its answers", true
		case f.Kind == wire.FailForbidden:
			return f.Text, true
		default:
			return "the server does not answer for the zone " + zone + ": " + a.Answer.Rcode, true
		}
	}
	return "no answer came from the server: " + dnsNothing(d.SOA.Answer.Fail), false
}

// dnsNothing says why a server gave no answer. Direct questions get less time than
// others, which is no concern of the reader.
func dnsNothing(f *wire.Fail) string {
	if f != nil && (f.Kind == wire.FailDeadline || f.Kind == wire.FailTimeout) {
		return "it is silent"
	}
	return f.String()
}

// dnsCutShort reports that a question failed because the whole audit's time was
// up, and not by the server's silence.
func dnsCutShort(a wire.Answer) bool {
	const patience = 2000 // milliseconds: what a server gets before it is asked again
	return a.Fail != nil && (a.Fail.Kind == wire.FailDeadline && a.Millis < patience ||
		slices.Contains([]string{wire.FailNotOnTape, wire.FailCanceled, wire.FailLimit}, a.Fail.Kind))
}

// judgeDNSServersDiffer compares what the servers give, pair by pair. Where they
// also differ in the serial number of the zone, a change may be on its way.
func judgeDNSServersDiffer(e *gather.Evidence) []Verdict {
	var out []Verdict
	var lost *wire.Asked // an address that could not be looked up
	for i := range e.Nameservers.Names {
		n := &e.Nameservers.Names[i]
		for _, a := range []*wire.Asked{&n.AAAA, &n.A} {
			if a.Answer.Fail != nil {
				lost = a
			}
		}
	}
	for _, q := range []struct {
		key, rrtype string
		of          func(gather.Direct) wire.Asked
	}{
		{"MX", "MX", func(d gather.Direct) wire.Asked { return d.MX }},
		{"TXT", "TXT", func(d gather.Direct) wire.Asked { return d.TXT }},
		{"_dmarc", "TXT", func(d gather.Direct) wire.Asked { return d.DMARC }},
	} {
		var usable []gather.Direct
		var refs []wire.Ref
		var silent *wire.Asked
		for _, d := range e.Nameservers.Servers {
			a := q.of(d)
			refs = append(refs, a.Ref)
			if !a.Failed() && (a.Answer.AA || a.Answer.Assumed) {
				usable = append(usable, d)
			} else if a.Answer.Fail != nil {
				silent = &a
			}
		}
		v := Verdict{Key: q.key, Status: Pass, Evidence: refs}
		switch {
		case len(e.Nameservers.Servers) == 1 && lost != nil:
			v.Status, v.Message = Unknown, "only one address of a name server is known: "+lost.Name+": "+lost.Answer.Fail.String()
			v.Evidence = append(v.Evidence, lost.Ref)
		case len(e.Nameservers.Servers) == 1:
			v.Status, v.Message = NotApplicable, "there is a single address of a name server"
		case len(usable) < 2:
			v.Status, v.Message = Unknown, fmt.Sprintf("%d of the %d addresses of name servers answered with authority, too few to compare", len(usable), len(e.Nameservers.Servers))
		default:
			dnsCompare(&v, usable, q.rrtype, q.of)
		}
		out = append(out, v)
		mild := v.Status == Fail && v.Severity == Info // a change on its way would explain it
		if silent != nil && mild {
			status, why := dnsSilence(silent.Name+" "+q.rrtype, silent.Answer)
			out = append(out, Verdict{
				Key: q.key + " servers", Status: status, Severity: Medium, Evidence: []wire.Ref{silent.Ref},
				Message: "what one of the servers has is not known: " + why,
			})
		}
		if s := dnsNoSerial(usable); s != nil && mild {
			status, why := dnsSilence(s.SOA.Name+" SOA", s.SOA.Answer)
			out = append(out, Verdict{
				Key: q.key + " versions", Status: status, Severity: Medium, Evidence: []wire.Ref{s.SOA.Ref},
				Message: "whether the servers differ within one version of the zone is not known: " + why,
			})
		}
	}
	return append(out, boundNameservers(e)...)
}

// dnsNoSerial gives the first server that did not say which version of the zone it
// has, nil where there is none.
func dnsNoSerial(servers []gather.Direct) *gather.Direct {
	i := slices.IndexFunc(servers, func(d gather.Direct) bool { return d.SOA.Answer.Fail != nil })
	if i < 0 {
		return nil
	}
	return &servers[i]
}

// dnsCompare judges the first two servers that differ, those with one serial
// number before others.
func dnsCompare(v *Verdict, servers []gather.Direct, rrtype string, of func(gather.Direct) wire.Asked) {
	for i, a := range servers {
		for _, b := range servers[i+1:] {
			one, two := dnsData(of(a), rrtype), dnsData(of(b), rrtype)
			if slices.Equal(one, two) {
				continue
			}
			serial, other := dnsSerial(a), dnsSerial(b)
			same := serial != "" && serial == other
			if v.Status == Fail && !same {
				continue
			}
			v.Status, v.Severity = Fail, Medium
			v.Evidence = []wire.Ref{of(a).Ref, of(b).Ref, a.SOA.Ref, b.SOA.Ref}
			parts := slices.Concat(dnsOnly(one, two, a), dnsOnly(two, one, b))
			v.Message = fmt.Sprintf("the servers give different %s records at %s: %s", rrtype, of(a).Name, strings.Join(parts, "; "))
			if same {
				v.Message += fmt.Sprintf("; both have version %s of the zone", serial)
				return
			}
			v.Severity = Info
			if serial == "" || other == "" {
				v.Message += "; whether both have the same version of the zone is not known"
				continue
			}
			v.Message += fmt.Sprintf("; they have different versions of the zone (serial %q and %q), so a change may be on its way", serial, other)
		}
	}
}

// dnsData gives what a server has at the asked name, in a form that can be
// compared. Signatures may differ, and so may the time to live.
func dnsData(a wire.Asked, rrtype string) []string {
	var out []string
	for _, line := range a.Answer.Answer {
		f := strings.SplitN(line, "\t", 5)
		if len(f) != 5 || !strings.EqualFold(strings.TrimSuffix(f[0], "."), a.Name) {
			continue
		}
		switch {
		case f[3] == "CNAME":
			out = append(out, "CNAME "+strings.ToLower(f[4]))
		case f[3] == rrtype && rrtype == "MX":
			out = append(out, strings.ToLower(f[4]))
		case f[3] == rrtype:
			out = append(out, f[4])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// dnsOnly shows, for a message, one of the records that the first list alone has.
func dnsOnly(have, others []string, at gather.Direct) []string {
	out := slices.DeleteFunc(slices.Clone(have), func(s string) bool { return slices.Contains(others, s) })
	if len(out) == 0 {
		return nil
	}
	what := dnsShort(out[0])
	if len(out) > 1 {
		what += fmt.Sprintf(" and %d more", len(out)-1)
	}
	return []string{what + " only at " + dnsServerName(at)}
}

// dnsSerial gives the serial number of the server's version of the zone.
func dnsSerial(d gather.Direct) string {
	for _, data := range d.SOA.Answer.Records("SOA") {
		if f := strings.Fields(data); len(f) == 7 {
			return f[2]
		}
	}
	return ""
}

func judgeDNSOneFamily(e *gather.Evidence) []Verdict {
	n := e.Nameservers
	refs := []wire.Ref{n.NS.Ref}
	var four, six bool
	var silent []wire.Asked
	for _, s := range n.Names {
		refs = append(refs, s.A.Ref, s.AAAA.Ref)
		four, six = four || s.A.Answer.Has("A"), six || s.AAAA.Answer.Has("AAAA")
		for _, a := range []wire.Asked{s.A, s.AAAA} {
			if a.Failed() {
				silent = append(silent, a)
			}
		}
	}
	switch {
	case four && six:
		return nil
	case len(silent) > 0:
		status, why := dnsSilence(silent[0].Name, silent[0].Answer)
		return []Verdict{{Status: status, Evidence: refs, Message: why}}
	case !four && !six:
		return []Verdict{{Status: NotApplicable, Evidence: refs, Message: "no name server has an address (dns-ns-target)"}}
	case four:
		return fail(Info, refs, "none of the %d name servers has an IPv6 address, so a resolver with IPv6 alone cannot ask them", len(n.Names))
	}
	return fail(Info, refs, "none of the %d name servers has an IPv4 address, so a resolver with IPv4 alone cannot ask them", len(n.Names))
}
