package checks

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// mxTargetRules is about each name that an MX record gives.
func mxTargetRules() []Rule {
	return []Rule{
		{
			ID: "mx-alias", Area: AreaHosts, Severity: Medium,
			Title: "no MX record names an alias",
			Refs:  []string{"RFC 2181 section 10.3", "RFC 5321 section 5.1"},
			When:  mxTargets,
			Judge: func(e *gather.Evidence) []Verdict {
				return mxEachHost(e, func(h gather.Host) Verdict {
					chain := h.A.Chain(h.Name)
					if len(chain) == 0 {
						chain = h.AAAA.Chain(h.Name)
					}
					switch {
					case len(chain) > 0:
						return Verdict{Status: Fail, Message: fmt.Sprintf("%s is an alias (CNAME) of %s, and an MX record may not name an alias", h.Name, strings.Join(chain, ", then "))}
					case h.A.Fail != nil:
						status, why := dnsSilence(h.Name, h.A)
						return Verdict{Status: status, Message: why}
					case h.AAAA.Fail != nil:
						status, why := dnsSilence(h.Name, h.AAAA)
						return Verdict{Status: status, Message: why}
					}
					return Verdict{Status: Pass}
				})
			},
		},
		{
			ID: "mx-not-hostname", Area: AreaHosts, Severity: Critical,
			Bears: []Bearing{
				{On: Arrival, From: Critical, Weight: Decides, Everywhere: true, Direction: MailTo, Words: "no MX record names a usable host"},
				{On: Arrival, From: High, Weight: Partly, Direction: MailTo, Words: "an MX record names no valid host"},
			},
			Title: "every MX record names a proper host name",
			Refs:  []string{"RFC 5321 section 5.1", "RFC 1123 section 2.1", "RFC 7672 section 2.2"},
			When:  mxTargets,
			Judge: func(e *gather.Evidence) []Verdict {
				var out []Verdict
				lost := mxNoneHasAddress(e)
				for _, name := range e.MX.Names() {
					v := Verdict{Subject: name, Status: Pass, Evidence: mxRefs(e)}
					if sev, why := mxBadName(name); why != "" {
						v.Status, v.Severity, v.Message = Fail, sev, fmt.Sprintf("the MX target %q %s", name, why)
						if lost && sev == High {
							v.Severity = Critical
							v.Message += "; no MX record names a host with an address, so no mail can arrive"
						}
					}
					out = append(out, v)
				}
				return out
			},
		},
		{
			ID: "mx-no-address", Area: AreaHosts, Severity: Critical,
			Bears: []Bearing{
				{On: Arrival, From: High, Weight: Decides, Everywhere: true, Direction: MailTo, Words: "no MX host has an address", About: "the servers' addresses"},
				{On: Arrival, From: High, Weight: Partly, Direction: MailTo, Words: "an MX host has no address", About: "the servers' addresses"},
			},
			Title: "every MX host has an address",
			Refs:  []string{"RFC 5321 section 5.1"},
			When:  mxTargets,
			Judge: judgeMXNoAddress,
		},
	}
}

// mxEachHost gives one verdict for each mail host. Judge may leave subject and
// evidence to it.
func mxEachHost(e *gather.Evidence, judge func(gather.Host) Verdict) []Verdict {
	var out []Verdict
	for _, h := range e.MX.Hosts {
		v := judge(h)
		if v.Subject == "" {
			v.Subject = h.Name
		}
		if v.Evidence == nil {
			v.Evidence = mxRefs(e, h)
		}
		out = append(out, v)
	}
	return out
}

// mxBadName says why a name cannot be that of a mail host, and how much that
// matters; "" where nothing is wrong.
func mxBadName(name string) (Severity, string) {
	literal := strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if _, err := netip.ParseAddr(strings.TrimPrefix(literal, "ipv6:")); err == nil {
		return High, "is an address, and an MX record can only name a host"
	}
	underscore := false
	labels := strings.Split(name, ".")
	for _, label := range labels {
		trimmed := strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_")
		switch {
		case label == "" || len(label) > 63 || trimmed != "":
			return High, "is no host name: only letters, digits, hyphens and dots may stand in one"
		case label[0] == '-' || label[len(label)-1] == '-':
			return High, "is no host name: a label begins or ends with a hyphen"
		}
		underscore = underscore || strings.Contains(label, "_")
	}
	switch last := labels[len(labels)-1]; {
	case name == "localhost" || strings.HasPrefix(name, "localhost.") || last == "localhost":
		return High, "means the sender's own machine"
	case len(labels) == 1:
		return High, "is a single label: the rest of the name is missing"
	case strings.Trim(last, "0123456789") == "":
		return High, "ends in a number, so it is no host name"
	case underscore:
		return Medium, "has an underscore, which no host name may have: some senders refuse it, and no certificate can name it"
	}
	return "", ""
}

// judgeMXNoAddress proves hosts without an address. A target that is no host name
// has no address either; that is told by another rule unless mail has nowhere
// left to go.
func judgeMXNoAddress(e *gather.Evidence) []Verdict {
	missing := func(h gather.Host) bool { return mxAddressless(h.A, h.AAAA) }
	all := mxNoneHasAddress(e)
	return mxEachHost(e, func(h gather.Host) Verdict {
		_, bad := mxBadName(h.Name)
		switch {
		case missing(h) && all:
			return Verdict{Status: Fail, Severity: Critical, Message: fmt.Sprintf("%s has neither an A nor an AAAA record%s, and no other MX host has one: mail cannot be delivered", h.Name, mxAbsent(h))}
		case missing(h) && bad != "":
			return Verdict{Status: NotApplicable, Message: "the target is no proper host name"}
		case missing(h) && dnsDotMissing(e, h.Name):
			return Verdict{Status: NotApplicable, Message: "the name lacks its final dot"}
		case missing(h):
			return Verdict{Status: Fail, Severity: High, Message: fmt.Sprintf("%s has neither an A nor an AAAA record%s", h.Name, mxAbsent(h))}
		case h.A.Has("A") || h.AAAA.Has("AAAA"):
			return Verdict{Status: Pass}
		}
		name, a := h.Name+" A", h.A
		if a.Missing("A") {
			name, a = h.Name+" AAAA", h.AAAA
		}
		status, why := dnsSilence(name, a)
		return Verdict{Status: status, Severity: High, Message: why}
	})
}

// mxNoneHasAddress reports proof that no mail host has an address.
func mxNoneHasAddress(e *gather.Evidence) bool {
	return !slices.ContainsFunc(e.MX.Hosts, func(h gather.Host) bool { return !mxAddressless(h.A, h.AAAA) })
}

func mxAbsent(h gather.Host) string {
	if h.A.NXDomain() && len(h.A.Chain(h.Name)) == 0 {
		return " (there is no such name)"
	}
	return ""
}

// mxSetRules is about the MX records as a set.
func mxSetRules() []Rule {
	return []Rule{
		{
			ID: "mx-single", Area: AreaHosts, Severity: Info,
			Title: "mail can go to more than one address",
			Refs:  []string{"RFC 5321 section 5.1"},
			When:  mxTargets,
			Judge: func(e *gather.Evidence) []Verdict {
				if len(e.MX.Hosts) > 1 || len(e.MX.Hosts[0].Addrs) > 1 {
					return nil
				}
				h := e.MX.Hosts[0]
				refs := mxRefs(e, h)
				for _, a := range []struct {
					name   string
					answer wire.Answer
				}{{h.Name + " A", h.A}, {h.Name + " AAAA", h.AAAA}} {
					if a.answer.Fail != nil {
						status, why := dnsSilence(a.name, a.answer)
						return []Verdict{{Status: status, Evidence: refs, Message: why}}
					}
				}
				if len(h.Addrs) == 0 {
					return []Verdict{{Status: NotApplicable, Message: "the only MX host has no address"}}
				}
				return fail(Info, refs, "%s [%s] is the only mail host and has one address: while it is down, mail waits at the senders", h.Name, h.Addrs[0].IP)
			},
		},
		{
			ID: "mx-too-many", Area: AreaHosts, Severity: Low,
			Title: "at most 10 MX hosts are named",
			Refs:  []string{"RFC 7208 section 4.6.4"},
			When:  mxTargets,
			Judge: func(e *gather.Evidence) []Verdict {
				if n := e.MX.Count; n > 10 {
					return fail(Low, mxRefs(e), "%d MX hosts are named; beyond 10 an SPF term \"mx\" gives an error, and senders try only some", n)
				}
				return nil
			},
		},
		{
			ID: "mx-duplicate", Area: AreaHosts, Severity: Low,
			Title: "no MX host is named twice",
			Refs:  []string{"RFC 5321 section 5.1"},
			When:  mxTargets,
			Judge: func(e *gather.Evidence) []Verdict {
				prefs := map[string][]string{}
				for _, r := range e.MX.Records {
					prefs[r.Host] = append(prefs[r.Host], fmt.Sprint(r.Pref))
				}
				var out []Verdict
				for _, name := range e.MX.Names() {
					v := Verdict{Subject: name, Status: Pass, Evidence: mxRefs(e)}
					if prefs := prefs[name]; len(prefs) > 1 {
						v.Status, v.Severity = Fail, Low
						v.Message = fmt.Sprintf("%s is named %d times, with the preferences %s; only the first counts", name, len(prefs), dnsList(prefs))
					}
					out = append(out, v)
				}
				return out
			},
		},
	}
}
