package checks

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/smtp"
	"mxvet/internal/wire"
)

// Rules on the names of the addresses that send the domain's mail. Large
// receivers refuse mail from an address without a name, or with one that does
// not lead back to it.
func ipRules() []Rule {
	return []Rule{
		{
			ID: "ip-ptr-missing", Area: AreaHosts, Severity: High,
			Title: "every sending IPv4 address has a PTR record",
			Refs:  []string{"RFC 1912 section 2.1", "Google sender guidelines (4.7.23, 5.7.25)", "Yahoo sender best practices"},
			When:  needsSenders(false),
			Judge: func(e *gather.Evidence) []Verdict { return judgeOutbound(e, false, judgePTR) },
		},
		{
			ID: "ip-ptr-unconfirmed", Area: AreaHosts, Severity: High,
			Title: "the PTR name of every sending IPv4 address leads back to it",
			Refs:  []string{"Google sender guidelines (4.7.23, 5.7.25)", "Yahoo sender best practices"},
			When:  needsSenders(false),
			Judge: func(e *gather.Evidence) []Verdict { return judgeOutbound(e, false, judgeForward) },
		},
		{
			ID: "ip-ipv6-ptr", Area: AreaHosts, Severity: High,
			Title: "every sending IPv6 address has a PTR name that leads back to it",
			Refs:  []string{"Google sender guidelines (5.7.25)", "BSI TR-03182 section 4.1"},
			When:  needsSenders(true),
			Judge: func(e *gather.Evidence) []Verdict {
				return judgeOutbound(e, true, func(o outbound) Verdict {
					if v := judgePTR(o); v.Status != Pass {
						return v
					}
					return judgeForward(o)
				})
			},
		},
		{
			ID: "ip-ptr-generic", Area: AreaHosts, Severity: Medium,
			Title: "sending addresses have names of their own",
			Refs:  []string{"Yahoo sender best practices", "M3AAWG sender best common practices"},
			When:  needsSenders(false),
			Judge: func(e *gather.Evidence) []Verdict { return judgeOutbound(e, false, judgeGeneric) },
		},
		{
			ID: "ip-ptr-several", Area: AreaHosts, Severity: Low,
			Title: "every sending address has one PTR record",
			Refs:  []string{"RFC 2181 section 10.2"},
			When:  needsAnySender,
			Judge: func(e *gather.Evidence) []Verdict {
				return append(judgeOutbound(e, false, judgeSeveral), judgeOutbound(e, true, judgeSeveral)...)
			},
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

// An outbound is an address that sends the domain's mail.
type outbound struct {
	ip      netip.Addr
	subject string
	why     string
	reverse gather.Reverse
}

// outbounds gives the senders that are known, and the mail hosts that SPF lets
// send. Hosts of shared platforms are the platform's to look after.
func outbounds(e *gather.Evidence, six bool) []outbound {
	var out []outbound
	add := func(o outbound) {
		if o.ip.Is4() != six && !slices.ContainsFunc(out, func(p outbound) bool { return p.ip == o.ip }) {
			out = append(out, o)
		}
	}
	for _, h := range e.MX.Hosts {
		if h.Provider != nil && h.Provider.Shared {
			continue
		}
		for _, a := range h.Addrs {
			if a.Reverse.Ref != "" && (e.SPF.Pass4.Contains(a.IP) || e.SPF.Pass6.Contains(a.IP)) {
				add(outbound{a.IP, fmt.Sprintf("%s [%s]", h.Name, a.IP), "a mail host that SPF lets send", a.Reverse})
			}
		}
	}
	for _, s := range e.Senders {
		add(outbound{s.IP, s.IP.String(), s.Why, s.Reverse})
	}
	return out
}

func needsSenders(six bool) func(*gather.Evidence) (Status, string) {
	return func(e *gather.Evidence) (Status, string) {
		if !e.Role.Sends() {
			return NotApplicable, "the domain is not expected to send mail: " + e.Role.Why
		}
		if len(outbounds(e, six)) == 0 {
			family := "IPv4"
			if six {
				family = "IPv6"
			}
			return NotApplicable, "no sending " + family + " address is known: name one with --send-ip"
		}
		return "", ""
	}
}

func needsAnySender(e *gather.Evidence) (Status, string) {
	if status, _ := needsSenders(true)(e); status == "" {
		return "", ""
	}
	return needsSenders(false)(e)
}

func judgeOutbound(e *gather.Evidence, six bool, judge func(outbound) Verdict) []Verdict {
	var out []Verdict
	for _, o := range outbounds(e, six) {
		v := judge(o)
		v.Subject = o.subject
		if v.Evidence == nil {
			v.Evidence = []wire.Ref{o.reverse.Ref}
		}
		out = append(out, v)
	}
	return append(out, boundSenders(e)...)
}

func judgePTR(o outbound) Verdict {
	switch {
	case o.reverse.Answer.Fail != nil:
		return Verdict{Status: Unknown, Severity: High, Message: "the PTR lookup gave no answer: " + o.reverse.Answer.Fail.String()}
	case len(o.reverse.Names) == 0:
		return Verdict{Status: Fail, Severity: High, Message: "has no PTR record (" + o.why + ")"}
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
		return Verdict{Status: Unknown, Severity: High, Message: "the PTR lookup gave no answer: " + fail.String()}
	case len(names) == 0:
		return Verdict{Status: NotApplicable, Message: "there is no PTR name to confirm"}
	case o.reverse.Confirmed():
		return Verdict{Status: Pass, Evidence: refs}
	case o.reverse.More() > 0:
		return Verdict{Status: Unknown, Severity: High, Evidence: refs, Message: fmt.Sprintf("the first %d of its %d names do not lead back to it; the others were not looked up", len(names), len(o.reverse.All()))}
	case fail != nil:
		return Verdict{Status: Unknown, Severity: High, Evidence: refs, Message: "the addresses of " + strings.Join(names, ", ") + " could not be looked up: " + fail.String()}
	}
	return Verdict{Status: Fail, Severity: High, Evidence: refs, Message: fmt.Sprintf("its name is %s, but that does not lead back to it (%s)", strings.Join(names, ", "), o.why)}
}

func judgeGeneric(o outbound) Verdict {
	if f := o.reverse.Answer.Fail; f != nil {
		return Verdict{Status: Unknown, Severity: Medium, Message: "the PTR lookup gave no answer: " + f.String()}
	}
	if len(o.reverse.Names) == 0 {
		return Verdict{Status: NotApplicable, Message: "there is no PTR name"}
	}
	for _, name := range o.reverse.All() {
		if !genericName(name, o.ip) {
			return Verdict{Status: Pass}
		}
	}
	return Verdict{Status: Fail, Severity: Medium, Message: fmt.Sprintf("its name is %s: such names are given to addresses of customers in bulk, and receivers distrust them", o.reverse.Names[0].Name)}
}

// genericName reports whether a name was made from the address, or has a label
// that marks addresses handed out to end users.
func genericName(name string, ip netip.Addr) bool {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '-' || r == '_' })
	for _, w := range words {
		switch strings.TrimRight(w, "0123456789") {
		case "dyn", "dynamic", "dhcp", "pool", "pools", "ppp", "pppoe", "dsl", "adsl", "vdsl", "xdsl", "cable", "broadband", "dialup", "dial", "unassigned":
			return true
		}
	}
	if !ip.Is4() {
		return false
	}
	var octets []string
	for _, b := range ip.As4() {
		octets = append(octets, strconv.Itoa(int(b)))
	}
	in := func(order []string) bool {
		at := 0
		for _, w := range words {
			if at < len(order) && strings.TrimLeft(strings.Trim(w, "abcdefghijklmnopqrstuvwxyz"), "0") == strings.TrimLeft(order[at], "0") && w != "" {
				at++
			}
		}
		return at == len(order)
	}
	reversed := slices.Clone(octets)
	slices.Reverse(reversed)
	return in(octets) || in(reversed)
}

func judgeSeveral(o outbound) Verdict {
	if names := o.reverse.All(); len(names) > 1 {
		return Verdict{Status: Fail, Severity: Low, Message: fmt.Sprintf("%d PTR names: %s; receivers look at one, and you cannot choose which", len(names), spfList(names))}
	}
	if o.reverse.Answer.Fail != nil {
		return Verdict{Status: Unknown, Severity: Low, Message: "the PTR lookup gave no answer: " + o.reverse.Answer.Fail.String()}
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
