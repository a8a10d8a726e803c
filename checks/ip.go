package checks

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/psl"
	"mxvet/internal/smtp"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
)

// Rules on the names of the addresses that send the domain's mail, and of those of
// its mail hosts. Large receivers refuse mail from an address without a name, or
// with one that does not lead back to it. A host that only receives does well to
// have one too, for what it may send one day, and for those who read its logs.
func ipRules() []Rule {
	return []Rule{
		{
			ID: "ip-ptr-missing", Area: AreaHosts, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "a sending host has no reverse DNS", About: "reverse DNS"}},
			Title: "every IPv4 address that sends or receives mail has a PTR record",
			Refs:  []string{"RFC 1912 section 2.1", "Google sender guidelines (4.7.23, 5.7.25)", "Yahoo sender best practices"},
			When:  needsNames(false),
			Judge: func(e *gather.Evidence) []Verdict { return judgeOutbound(e, judgePTR, false) },
		},
		{
			ID: "ip-ptr-unconfirmed", Area: AreaHosts, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "a sending host's reverse DNS does not lead back", About: "reverse DNS"}},
			Title: "the PTR name of every IPv4 address that sends or receives mail leads back to it",
			Refs:  []string{"Google sender guidelines (4.7.23, 5.7.25)", "Yahoo sender best practices"},
			When:  needsNames(false),
			Judge: func(e *gather.Evidence) []Verdict { return judgeOutbound(e, judgeForward, false) },
		},
		{
			ID: "ip-ipv6-ptr", Area: AreaHosts, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "a sending host's IPv6 address has no proper reverse DNS", About: "reverse DNS"}},
			Title: "every IPv6 address that sends or receives mail has a PTR name that leads back to it",
			Refs:  []string{"Google sender guidelines (5.7.25)", "BSI TR-03182 section 4.1"},
			When:  needsNames(true),
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeOutbound(e, func(o outbound) Verdict {
					if v := judgePTR(o); v.Status != Pass {
						return v
					}
					return judgeForward(o)
				}, true)
			},
		},
		{
			ID: "ip-ptr-generic", Area: AreaHosts, Severity: Medium,
			Title: "addresses that send or receive mail have names of their own",
			Refs:  []string{"Yahoo sender best practices", "M3AAWG sender best common practices"},
			When:  needsNames(false),
			Judge: func(e *gather.Evidence) []Verdict { return judgeOutbound(e, judgeGeneric(e.Suffixes), false) },
		},
		{
			ID: "ip-ptr-several", Area: AreaHosts, Severity: Low,
			Title: "every address that sends or receives mail has one PTR record",
			Refs:  []string{"RFC 2181 section 10.2"},
			When:  needsAnyName,
			Judge: func(e *gather.Evidence) []Verdict { return judgeOutbound(e, judgeSeveral, false, true) },
		},
		{
			ID: "ip-names-differ", Area: AreaHosts, Severity: Medium,
			Title: "a host greets with the name that its address has",
			Refs:  []string{"RFC 5321 section 4.1.4", "BSI TR-03182 section 4.1"},
			When:  needsSMTP,
			Judge: judgeNames,
		},
	}
}

// An outbound is an address that sends the domain's mail, or could. That it does is
// shown by the user's word, or by SPF for a mail host; what an SPF record lets send,
// by whatever term, may never do it.
type outbound struct {
	ip      netip.Addr
	subject string
	why     string
	sends   bool // shown
	reverse gather.Reverse
}

// severity gives that of a fault, by whether the address is shown to send.
func (o outbound) severity(sends, other Severity) Severity {
	if o.sends {
		return sends
	}
	return other
}

// outbounds gives the mail hosts and the senders that are known. Hosts of shared
// platforms are the platform's to look after; special addresses have no name in
// the public DNS.
func outbounds(e *gather.Evidence, six bool) []outbound {
	var out []outbound
	add := func(o outbound) {
		i := slices.IndexFunc(out, func(p outbound) bool { return p.ip == o.ip })
		switch {
		case o.ip.Is4() == six:
		case i < 0:
			out = append(out, o)
		case o.sends && !out[i].sends:
			out[i].sends, out[i].why = true, o.why
		}
	}
	for _, h := range e.MX.Hosts {
		if h.Provider != nil && h.Provider.Shared {
			continue
		}
		for _, a := range h.Addrs {
			if _, special := mxSpecial(e, a); special || a.Reverse.Ref == "" {
				continue
			}
			o := outbound{a.IP, fmt.Sprintf("%s [%s]", h.Name, a.IP), "a mail host that is not known to send", false, a.Reverse}
			if e.Role.Sends() && (e.SPF.Pass4.Contains(a.IP) || e.SPF.Pass6.Contains(a.IP)) {
				o.why, o.sends = "a mail host that SPF lets send", true
			}
			add(o)
		}
	}
	if e.Role.Sends() {
		for _, s := range e.Senders {
			if s.Reverse.Ref != "" { // not asked of addresses that nobody outside sees
				why := s.Why
				if !s.Named {
					why += " lets it send; nothing shows that it does: name it with --send-ip if so"
				}
				add(outbound{s.IP, s.IP.String(), why, s.Named, s.Reverse})
			}
		}
	}
	return out
}

// needsNames guards rules about the names of addresses of one family.
func needsNames(six bool) func(*gather.Evidence) (Status, string) {
	return func(e *gather.Evidence) (Status, string) {
		if !e.Role.Sends() && !e.Role.Receives() {
			return NotApplicable, "the domain is not expected to send or receive mail: " + e.Role.Why
		}
		if len(outbounds(e, six))+len(lostOutbounds(e, six)) > 0 {
			return "", ""
		}
		family := "IPv4"
		if six {
			family = "IPv6"
		}
		return NotApplicable, "no " + family + " address of a mail host of the domain's own or of a sender is known: name one with --send-ip"
	}
}

func needsAnyName(e *gather.Evidence) (Status, string) {
	if status, _ := needsNames(true)(e); status == "" {
		return "", ""
	}
	return needsNames(false)(e)
}

// lostOutbounds tells what keeps the known addresses of some families from being
// all that send or receive mail: lookups of mail hosts or senders that failed.
// Offline that is no news.
func lostOutbounds(e *gather.Evidence, six ...bool) []Verdict {
	if e.Options.Offline {
		return nil
	}
	var out []Verdict
	if a := e.MX.Answer; a.Fail != nil {
		_, why := dnsSilence(e.Domain+" MX", a)
		out = append(out, Verdict{Key: "mx", Status: Unknown, Message: "the mail hosts are not known: " + why, Evidence: mxQuestion(e)})
	}
	hosts := e.MX.Hosts
	if e.MX.Answer.OK() && len(hosts) == 0 && !nowhereToGo(e) { // it may be a mail host itself
		hosts = []gather.Host{{Name: e.Domain, A: e.Apex.A, AAAA: e.Apex.AAAA}}
	}
	for _, h := range hosts {
		if h.Provider != nil && h.Provider.Shared {
			continue
		}
		if slices.Contains(six, false) && h.A.Fail != nil {
			status, why := dnsSilence(h.Name+" A", h.A)
			out = append(out, Verdict{Subject: h.Name, Key: "A", Status: status, Message: why, Evidence: hostRefs(h)[:1]})
		}
		if slices.Contains(six, true) && h.AAAA.Fail != nil {
			status, why := dnsSilence(h.Name+" AAAA", h.AAAA)
			out = append(out, Verdict{Subject: h.Name, Key: "AAAA", Status: status, Message: why, Evidence: hostRefs(h)[1:]})
		}
	}
	for n := range e.SPF.Nodes() {
		if e.Role.Sends() && !n.Included() && n.TXT.Answer.Fail != nil {
			_, why := dnsSilence(n.Owner+" TXT", n.TXT.Answer)
			out = append(out, Verdict{Key: "senders", Status: Unknown, Message: "the addresses that send are not all known: " + why, Evidence: []wire.Ref{n.TXT.Ref}})
			break
		}
	}
	for _, f := range e.SPF.TempErrors { // what a term leads to may send, and nothing shows that it does
		if f.Step < 0 || f.Node.Included() || f.Node.Record.Terms[f.Step].Kind != spf.KindA || !e.Role.Sends() ||
			f.Family == 4 && !slices.Contains(six, false) || f.Family == 6 && !slices.Contains(six, true) {
			continue
		}
		out = append(out, Verdict{
			Key: "senders", Status: Unknown, Severity: Low, Evidence: []wire.Ref{f.Ref},
			Message: "the addresses that send are not all known: " + f.Text + " (" + f.Fail.String() + ")",
		})
		break
	}
	return out
}

// judgeOutbound judges each address of some families, IPv6 or not.
func judgeOutbound(e *gather.Evidence, judge func(outbound) Verdict, six ...bool) []Verdict {
	var out []Verdict
	for _, family := range six {
		for _, o := range outbounds(e, family) {
			v := judge(o)
			v.Subject = o.subject
			if v.Evidence == nil {
				v.Evidence = []wire.Ref{o.reverse.Ref}
			}
			out = append(out, v)
		}
	}
	return slices.Concat(out, boundSenders(e), boundReverse(e), lostOutbounds(e, six...))
}

func judgePTR(o outbound) Verdict {
	switch {
	case o.reverse.Answer.Fail != nil:
		return Verdict{Status: Unknown, Severity: o.severity(High, Low), Message: "the PTR lookup gave no answer: " + o.reverse.Answer.Fail.String()}
	case len(o.reverse.Names) == 0:
		return Verdict{Status: Fail, Severity: o.severity(High, Low), Message: "has no PTR record (" + o.why + ")"}
	}
	return Verdict{Status: Pass}
}

func judgeForward(o outbound) Verdict {
	var names []string
	refs := []wire.Ref{o.reverse.Ref}
	for _, n := range o.reverse.Names {
		names = append(names, n.Name)
		refs = append(refs, n.Ref)
	}
	switch fail := o.reverse.Unknown(); {
	case o.reverse.Answer.Fail != nil:
		return Verdict{Status: Unknown, Severity: o.severity(High, Low), Message: "the PTR lookup gave no answer: " + fail.String()}
	case len(names) == 0:
		return Verdict{Status: NotApplicable, Message: "there is no PTR name to confirm"}
	case o.reverse.Confirmed():
		return Verdict{Status: Pass, Evidence: refs}
	case o.reverse.More() > 0:
		return Verdict{Status: Unknown, Severity: o.severity(High, Low), Evidence: refs, Message: fmt.Sprintf("the first %d of its %d names do not lead back to it; the others were not looked up", len(names), len(o.reverse.All()))}
	case fail != nil:
		return Verdict{Status: Unknown, Severity: o.severity(High, Low), Evidence: refs, Message: "the addresses of " + strings.Join(names, ", ") + " could not be looked up: " + fail.String()}
	}
	return Verdict{Status: Fail, Severity: o.severity(High, Low), Evidence: refs, Message: fmt.Sprintf("its name is %s, but that does not lead back to it (%s)", strings.Join(names, ", "), o.why)}
}

func judgeGeneric(list *psl.List) func(outbound) Verdict {
	return func(o outbound) Verdict {
		switch {
		case o.reverse.Answer.Fail != nil:
			return Verdict{Status: Unknown, Severity: o.severity(Medium, Info), Message: "the PTR lookup gave no answer: " + o.reverse.Answer.Fail.String()}
		case len(o.reverse.Names) == 0:
			return Verdict{Status: NotApplicable, Message: "there is no PTR name"}
		}
		for _, name := range o.reverse.All() {
			if !genericName(list, name, o.ip) {
				return Verdict{Status: Pass}
			}
		}
		return Verdict{Status: Fail, Severity: o.severity(Medium, Info), Message: fmt.Sprintf("its name is %s: such names are given to addresses of customers in bulk, and receivers distrust them", o.reverse.Names[0].Name)}
	}
}

// genericName reports whether the host's part of a name, left of the registered
// domain, was made from the address, or has a word that marks addresses handed out
// to end users. What a company calls itself says nothing about the host.
func genericName(list *psl.List, name string, ip netip.Addr) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	host := strings.TrimSuffix(strings.TrimSuffix(name, list.OrgDomain(name, false)), ".")
	for _, w := range strings.FieldsFunc(host, func(r rune) bool { return r == '.' || r == '-' || r == '_' }) {
		switch strings.TrimRight(w, "0123456789") {
		case "dyn", "dynamic", "dhcp", "pool", "pools", "ppp", "pppoe", "dsl", "adsl", "vdsl", "xdsl", "cable", "broadband", "dialup", "dial", "unassigned":
			return true
		}
	}
	if !ip.Is4() {
		return false
	}
	numbers := strings.FieldsFunc(host, func(r rune) bool { return r < '0' || r > '9' })
	in := func(octets []byte) bool {
		at := 0
		for _, n := range numbers {
			if v, err := strconv.Atoi(n); err == nil && at < len(octets) && len(n) <= 3 && v == int(octets[at]) {
				at++
			}
		}
		return at == len(octets)
	}
	octets := ip.As4()
	forwards := octets[:]
	backwards := slices.Clone(forwards)
	slices.Reverse(backwards)
	return in(forwards) || in(backwards)
}

func judgeSeveral(o outbound) Verdict {
	if names := o.reverse.All(); len(names) > 1 {
		return Verdict{Status: Fail, Severity: o.severity(Low, Info), Message: fmt.Sprintf("%d PTR names: %s; receivers look at one, and you cannot choose which", len(names), spfList(names))}
	}
	if o.reverse.Answer.Fail != nil {
		return Verdict{Status: Unknown, Severity: o.severity(Low, Info), Message: "the PTR lookup gave no answer: " + o.reverse.Answer.Fail.String()}
	}
	return Verdict{Status: Pass}
}

// judgeNames compares the name in the greeting with the names of the address.
func judgeNames(e *gather.Evidence) []Verdict {
	return judgeEach(e, func(c conversation) Verdict {
		r := c.Addr.Reverse
		banner := smtp.Banner(c.Addr.Session.Exchanges)
		v := Verdict{Severity: Low, Evidence: []wire.Ref{c.Addr.Ref, r.Ref}}
		if c.Addr.IP.Is6() {
			v.Severity = Medium
		}
		switch {
		case c.Host.Provider != nil && c.Host.Provider.Shared:
			v.Status, v.Message = NotApplicable, "the host is one of a shared platform, "+c.Host.Provider.Name
		case banner == nil || banner.HostName() == "":
			v.Status, v.Message = NotApplicable, "the greeting names no host"
		case r.Answer.Fail != nil:
			v.Status, v.Message = Unknown, "the PTR lookup gave no answer: "+r.Answer.Fail.String()
		case len(r.Names) == 0:
			v.Status, v.Message = NotApplicable, "the address has no name"
		case slices.ContainsFunc(r.All(), func(name string) bool { return strings.EqualFold(name, banner.HostName()) }):
			v.Status = Pass
		default:
			v.Status = Fail
			v.Message = fmt.Sprintf("it greets as %q, but its address is called %s", banner.HostName(), r.Names[0].Name)
		}
		return v
	})
}
