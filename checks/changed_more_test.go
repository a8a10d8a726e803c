package checks_test

import (
	"net/netip"
	"slices"

	"mxvet/internal/gather"
	"mxvet/internal/mtasts"
	"mxvet/internal/wire"
)

// hostAnswers gives each mail host in turn what was answered to the questions for its
// addresses; the last answers are those of all that follow.
func hostAnswers(e *gather.Evidence, pairs ...[2]wire.Answer) {
	for i := range e.MX.Hosts {
		p := pairs[min(i, len(pairs)-1)]
		e.MX.Hosts[i].A, e.MX.Hosts[i].AAAA = p[0], p[1]
	}
}

var (
	v4 = answered("mx1.example.com.\t300\tIN\tA\t192.0.2.17")
	v6 = answered("mx1.example.com.\t300\tIN\tAAAA\t2001:db8:25::17")
)

// insideView gives the first host a private address, and what the servers of its zone
// say of that.
func insideView(e *gather.Evidence, said ...wire.Answer) {
	h := &e.MX.Hosts[0]
	h.Addrs[0].IP = netip.MustParseAddr("10.1.2.3")
	h.Outside = nil
	for _, a := range said {
		h.Outside = append(h.Outside, gather.ServerAnswer{Name: "ns1.example.com", Addr: netip.MustParseAddr("192.0.2.53"), Ref: "dns:A mx1.example.com@192.0.2.53", Answer: a})
	}
}

func authoritative(a wire.Answer) wire.Answer {
	a.AA = true
	return a
}

// doubtful makes the role one that a failed lookup leaves open.
func doubtful(e *gather.Evidence, name string, could ...string) {
	e.Role = gather.Role{Name: name, Unproven: true, Why: "the MX lookup gave no answer", Could: could}
}

const noMailRules = "dmarc-no-mail dmarc-policy-none spf-no-mail spf-record-missing mx-null-missing mx-none mtasts-no-mail dkim-no-mail tlsrpt-none mtasts-none dmarc-without-dkim dkim-none"

var allRoles = []string{gather.Full, gather.ReceiveOnly, gather.SendOnly, gather.NoMail}

// What becomes of addresses, roles and records in points that no scenario shows.
var moreChanges = []change{
	{"mx-no-address-clean", "IPv6 only", "mx-no-ipv4 mx-no-ipv6", func(e *gather.Evidence) { hostAnswers(e, [2]wire.Answer{nothing, v6}) }},
	{"mx-no-address-clean", "one without IPv4, one not known", "mx-no-ipv4 mx-no-ipv6", func(e *gather.Evidence) {
		hostAnswers(e, [2]wire.Answer{nothing, v6}, [2]wire.Answer{failed, v6})
	}},
	{"mx-no-address-clean", "no IPv4, and IPv6 not known", "mx-no-ipv4 mx-no-ipv6", func(e *gather.Evidence) { hostAnswers(e, [2]wire.Answer{nothing, failed}) }},
	{"mx-no-address-clean", "no IPv4, one IPv6 and one not known", "mx-no-ipv4 mx-no-ipv6", func(e *gather.Evidence) {
		hostAnswers(e, [2]wire.Answer{nothing, v6}, [2]wire.Answer{nothing, failed})
	}},
	{"mx-no-address-clean", "no address anywhere", "mx-no-ipv4 mx-no-ipv6 mx-no-address", func(e *gather.Evidence) { hostAnswers(e, [2]wire.Answer{nothing, nothing}) }},
	{"mx-no-address-clean", "IPv4 only", "mx-no-ipv4 mx-no-ipv6", func(e *gather.Evidence) { hostAnswers(e, [2]wire.Answer{v4, nothing}) }},
	{"mx-no-address-clean", "IPv6 at one", "mx-no-ipv4 mx-no-ipv6", func(e *gather.Evidence) {
		hostAnswers(e, [2]wire.Answer{v4, nothing}, [2]wire.Answer{v4, v6})
	}},
	{"mx-no-address-clean", "one unknown, one IPv4 only", "mx-no-ipv4 mx-no-ipv6", func(e *gather.Evidence) {
		hostAnswers(e, [2]wire.Answer{failed, nothing}, [2]wire.Answer{v4, nothing})
	}},
	{"mx-no-address-clean", "IPv6 of one unknown, other IPv4 only", "mx-no-ipv4 mx-no-ipv6", func(e *gather.Evidence) {
		hostAnswers(e, [2]wire.Answer{v4, failed}, [2]wire.Answer{v4, nothing})
	}},
	{"mx-no-address-clean", "IPv6 of one unknown, other has it", "mx-no-ipv4 mx-no-ipv6 mx-special-address", func(e *gather.Evidence) {
		hostAnswers(e, [2]wire.Answer{v4, failed}, [2]wire.Answer{v4, v6})
	}},

	{"mx-no-address-clean", "private, nobody asked outside", "mx-special-address", func(e *gather.Evidence) { insideView(e) }},
	{"mx-no-address-clean", "private, denied outside", "mx-special-address", func(e *gather.Evidence) { insideView(e, authoritative(nothing)) }},
	{"mx-no-address-clean", "private, another outside", "mx-special-address", func(e *gather.Evidence) {
		insideView(e, authoritative(answered("mx1.example.com.\t300\tIN\tA\t192.0.2.99")), authoritative(answered("mx1.example.com.\t300\tIN\tA\t192.0.2.99")))
	}},
	{"mx-no-address-clean", "private, the same outside", "mx-special-address", func(e *gather.Evidence) {
		insideView(e, authoritative(answered("mx1.example.com.\t300\tIN\tA\t10.1.2.3")))
	}},
	{"mx-no-address-clean", "private, a server without authority outside", "mx-special-address", func(e *gather.Evidence) {
		insideView(e, answered("mx1.example.com.\t300\tIN\tA\t10.1.2.3"))
	}},
	{"mx-no-address-clean", "private, no answer outside", "mx-special-address", func(e *gather.Evidence) { insideView(e, failed) }},

	{"dmarc-no-mail", "any role", noMailRules, func(e *gather.Evidence) { doubtful(e, gather.Full, allRoles...) }},
	{"dmarc-no-mail", "full or no mail", noMailRules, func(e *gather.Evidence) { doubtful(e, gather.NoMail, gather.Full) }},
	{"dkim-none", "any role", noMailRules, func(e *gather.Evidence) { doubtful(e, gather.Full, allRoles...) }},
	{"dkim-none", "no mail or full", noMailRules, func(e *gather.Evidence) { doubtful(e, gather.NoMail, gather.Full) }},
	{"mtasts-no-mail", "any role", noMailRules, func(e *gather.Evidence) { doubtful(e, gather.NoMail, allRoles...) }},
	{"spf-record-missing", "any role", noMailRules, func(e *gather.Evidence) { doubtful(e, gather.Full, allRoles...) }},
	{"spf-record-missing", "send only or full", noMailRules, func(e *gather.Evidence) { doubtful(e, gather.SendOnly, gather.Full) }},

	{"mtasts-no-mail", "served and not announced", "mtasts-no-mail mtasts-none", func(e *gather.Evidence) { e.MTASTS.Records = nil }},
	{"mtasts-no-mail", "announced and not served", "mtasts-no-mail mtasts-none", func(e *gather.Evidence) { e.MTASTS.Pages = nil }},
	{"mtasts-no-mail", "neither", "mtasts-no-mail mtasts-none", func(e *gather.Evidence) { e.MTASTS.Records, e.MTASTS.Pages = nil, nil }},
	{"mtasts-no-mail", "neither known", "mtasts-no-mail mtasts-none", func(e *gather.Evidence) {
		e.MTASTS.Records, e.MTASTS.Pages, e.MTASTS.TXT.Answer = nil, nil, failed
	}},
	{"mtasts-no-mail", "served, and the record not known", "mtasts-no-mail mtasts-none", func(e *gather.Evidence) { e.MTASTS.Records, e.MTASTS.TXT.Answer = nil, failed }},
	{"mtasts-none", "no mail host", "mtasts-none mtasts-record-invalid", func(e *gather.Evidence) { e.MX.Hosts, e.MX.Records, e.MX.Answer = nil, nil, nothing }},
	{"mtasts-none", "seven that nobody selects, one twice", "mtasts-record-invalid mtasts-none", func(e *gather.Evidence) {
		for _, text := range []string{"v=STSv2; id=1", "v=STSv2; id=1", "STSv1", "v = STSv1; id=1", "id=1; v=STSv1", "v=stsv1; id=1", "x"} {
			e.MTASTS.Others = append(e.MTASTS.Others, mtasts.Parse(text))
		}
	}},
	{"mtasts-none", "one without a fault of its own", "mtasts-record-invalid", func(e *gather.Evidence) { e.MTASTS.Others = []mtasts.Record{{Text: "hello"}} }},
	{"mtasts-none", "several with slips", "mtasts-record-invalid mtasts-record-multiple", func(e *gather.Evidence) {
		for _, text := range []string{"v=STSv1; id=;", "v=STSv1;", "v=STSv1; id=a;;", "v=STSv1; id=a; b", "v=STSv1; id=1", "v=STSv1; id=-"} {
			e.MTASTS.Records = append(e.MTASTS.Records, mtasts.Parse(text))
		}
	}},

	{"mtasts-max-age-short", "no lifetime at all", "mtasts-max-age-short", func(e *gather.Evidence) { e.MTASTS.Pages[0].Policy.MaxAge = 0 }},
	{"mtasts-max-age-short", "a lifetime that is none", "mtasts-max-age-short", func(e *gather.Evidence) { e.MTASTS.Pages[0].Policy.MaxAge = -1 }},
	{"mx-unreachable", "addresses beyond the bound", "mx-unreachable smtp-banner-refuses", func(e *gather.Evidence) {
		for i := range e.MX.Hosts {
			for j := range e.MX.Hosts[i].Addrs {
				if j > 0 {
					e.MX.Hosts[i].Addrs[j].Ref, e.MX.Hosts[i].Addrs[j].Session = "", wire.Session{}
				}
			}
		}
	}},

	{"dns-final-dot", "an alias", "dns-final-dot", func(e *gather.Evidence) { e.Dotless[0].Type = "CNAME" }},
	{"dns-final-dot", "not twice, and found", "dns-final-dot", func(e *gather.Evidence) {
		e.Dotless[0].Doubled = false
		e.Dotless[0].Wanted = slices.Clone(e.Dotless[0].There)
		e.Dotless[0].Wanted[0].Answer = v4
	}},
	{"dns-final-dot", "not twice, and nowhere", "dns-final-dot", func(e *gather.Evidence) {
		e.Dotless[0].Doubled, e.Dotless[0].Wanted = false, slices.Clone(e.Dotless[0].There)
	}},
	{"dns-final-dot", "not twice, and not known", "dns-final-dot", func(e *gather.Evidence) {
		e.Dotless[0].Doubled, e.Dotless[0].Wanted = false, slices.Clone(e.Dotless[0].There)
		e.Dotless[0].Wanted[1].Answer = failed
	}},
	{"dns-final-dot", "it stands", "dns-final-dot", func(e *gather.Evidence) { e.Dotless[0].There[0].Answer = v4 }},
	{"dns-final-dot", "it stands, and is not twice", "dns-final-dot", func(e *gather.Evidence) {
		e.Dotless[0].There[0].Answer, e.Dotless[0].Doubled = v4, false
	}},
	{"dns-final-dot", "whether it stands is not known", "dns-final-dot", func(e *gather.Evidence) { e.Dotless[0].There[1].Answer = failed }},
	{"dns-final-dot", "more than were asked about", "dns-final-dot", func(e *gather.Evidence) { e.DotlessMore = 3 }},
	{"mx-no-address-clean", "record sets that are not known", "dns-final-dot", func(e *gather.Evidence) {
		e.Apex.NS, e.MTASTS.TXT.Answer, e.TLSRPT.TXT.Answer, e.MTASTS.A.Answer = failed, failed, cutShort, failed
		e.DMARC.Own().Answer = cutShort
		for i := range e.DKIM.Selectors {
			e.DKIM.Selectors[i].Answer = failed
		}
	}},
	{"mx-no-address-clean", "the MX records cut short", "dns-final-dot mx-no-ipv4", func(e *gather.Evidence) { e.MX.Answer = cutShort }},

	{"tlsrpt-undeliverable-nxdomain", "a place more than were looked at", "tlsrpt-undeliverable tlsrpt-endpoint", func(e *gather.Evidence) {
		e.TLSRPT.Skipped = append(e.TLSRPT.Skipped, "reports.example.net")
	}},
	{"tlsrpt-undeliverable-nxdomain", "none of them looked at", "tlsrpt-undeliverable tlsrpt-endpoint", func(e *gather.Evidence) { e.TLSRPT.Destinations = nil }},
	{"tlsrpt-undeliverable-nxdomain", "by the web", "tlsrpt-undeliverable tlsrpt-endpoint", func(e *gather.Evidence) {
		for i := range e.TLSRPT.Destinations {
			e.TLSRPT.Destinations[i].Scheme = "https"
		}
	}},
}
