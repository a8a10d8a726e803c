package checks

import (
	"slices"

	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// Rules about the MX records and the hosts that they name: where mail for the
// domain goes.
func mxRules() []Rule {
	return slices.Concat(mxRoleRules(), mxNullRules(), mxTargetRules(), mxSetRules(), mxAddressRules(), mxReachRules())
}

// mxKnown guards the rules that need the answer to the MX question.
func mxKnown(e *gather.Evidence) (Status, string) {
	a := e.MX.Answer
	switch {
	case e.Gone():
		return NotApplicable, "the domain does not exist"
	case !a.OK() || a.TCPFailed && !a.NXDomain():
		return dnsSilence(e.Domain+" MX", a)
	}
	return "", ""
}

// mxRecords guards the rules about the records themselves.
func mxRecords(e *gather.Evidence) (Status, string) {
	if status, why := mxKnown(e); status != "" {
		return status, why
	}
	if len(e.MX.Records) == 0 {
		return NotApplicable, "the domain has no MX record"
	}
	return "", ""
}

// mxTargets guards the rules about the names in the records.
func mxTargets(e *gather.Evidence) (Status, string) {
	if status, why := mxRecords(e); status != "" {
		return status, why
	}
	if len(e.MX.Hosts) == 0 {
		return NotApplicable, "the MX record is null"
	}
	return "", ""
}

// mxMailHosts guards the rules about where mail goes, with or without MX.
func mxMailHosts(e *gather.Evidence) (Status, string) {
	if status, why := mxKnown(e); status != "" {
		return status, why
	}
	if len(e.MX.Hosts) == 0 {
		return noMailHost(e)
	}
	return "", ""
}

// mxRefs cites the MX answer, and the addresses of hosts.
func mxRefs(e *gather.Evidence, hosts ...gather.Host) []wire.Ref {
	refs := []wire.Ref{e.MX.Ref}
	for _, h := range hosts {
		refs = append(refs, hostRefs(h)...)
	}
	return refs
}

// hostRefs cites the answers that hold a host's addresses.
func hostRefs(h gather.Host) []wire.Ref {
	return []wire.Ref{wire.Question{Name: h.Name, Type: "A"}.Ref(), wire.Question{Name: h.Name, Type: "AAAA"}.Ref()}
}

// apexRefs cites the answers that hold the domain's own addresses.
func apexRefs(e *gather.Evidence) []wire.Ref { return hostRefs(gather.Host{Name: e.Domain}) }

// mxAddressless reports proof that neither type of address exists at a name.
func mxAddressless(four, six wire.Answer) bool { return four.Missing("A") && six.Missing("AAAA") }

// mxRoleRules is about whether the domain says what it does with incoming mail.
func mxRoleRules() []Rule {
	return []Rule{
		{
			ID: "mx-none", Area: AreaHosts, Severity: High,
			Bears: []Bearing{
				{On: Arrival, From: High, Weight: Decides, Direction: MailTo, Words: "no host takes its mail"},
				{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "receivers refuse mail that nobody can answer", About: "where answers go"},
			},
			Title: "mail for the domain has somewhere to go",
			Refs:  []string{"RFC 5321 section 5.1", "RFC 7505 section 4.2"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := mxKnown(e); status != "" {
					return status, why
				}
				switch {
				case e.Role.Name == gather.NoMail:
					return NotApplicable, "the domain does no mail: " + e.Role.Why
				case e.MX.Null:
					return NotApplicable, "a null MX says that the domain takes no mail"
				}
				return "", ""
			},
			Judge: func(e *gather.Evidence) []Verdict {
				refs := append(mxRefs(e), apexRefs(e)...)
				switch {
				case len(e.MX.Records) > 0 || e.MX.Implicit:
					return nil
				case !mxAddressless(e.Apex.A, e.Apex.AAAA):
					name, a := e.Domain+" A", e.Apex.A
					if a.Missing("A") {
						name, a = e.Domain+" AAAA", e.Apex.AAAA
					}
					status, why := dnsSilence(name, a)
					return []Verdict{{Status: status, Evidence: refs, Message: "there is no MX record, and whether the domain has an address is not known: " + why}}
				}
				return fail(High, refs, "there is neither an MX record nor an address, so nobody can send or answer mail to the domain")
			},
		},
		{
			ID: "mx-implicit", Area: AreaHosts, Severity: Medium,
			Title: "the mail hosts are named by MX records",
			Refs:  []string{"RFC 5321 section 5.1", "RFC 7505 section 1"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := mxKnown(e); status != "" {
					return status, why
				}
				switch {
				case e.Role.Name == gather.NoMail:
					return NotApplicable, "the domain does no mail: " + e.Role.Why
				case len(e.MX.Records) == 0 && !e.MX.Implicit && !nowhereToGo(e):
					return noMailHost(e)
				case len(e.MX.Records) == 0 && !e.MX.Implicit:
					return NotApplicable, "the domain has neither MX nor a known address"
				}
				return "", ""
			},
			Judge: func(e *gather.Evidence) []Verdict {
				if !e.MX.Implicit {
					return nil
				}
				return fail(Medium, append(mxRefs(e), apexRefs(e)...), "there is no MX record, so senders try the address of the name itself (%s)", mxApexAddresses(e))
			},
		},
		{
			ID: "mx-null-missing", Area: AreaHosts, Severity: Medium,
			Title: "a domain without mail says so by a null MX",
			Refs:  []string{"RFC 7505 section 3", "BSI TR-03182-11"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := mxKnown(e); status != "" {
					return status, why
				}
				if e.Role.Name != gather.NoMail {
					if slices.Contains(e.Role.Could, gather.NoMail) {
						return Unknown, "whether the domain does mail could not be found out: " + e.Role.Why
					}
					return NotApplicable, "the domain uses mail: " + e.Role.Why
				}
				return "", ""
			},
			Judge: func(e *gather.Evidence) []Verdict {
				refs := append(mxRefs(e), apexRefs(e)...)
				switch {
				case e.MX.Null:
					return nil
				case len(e.MX.Records) > 0:
					return fail(Medium, refs, "the domain does no mail, but its MX records name %s", mxHostNames(e.MX.Hosts))
				case e.MX.Implicit:
					return fail(Medium, refs, "there is no null MX, so senders take the address of the name itself (%s) for a mail host", mxApexAddresses(e))
				case !mxAddressless(e.Apex.A, e.Apex.AAAA):
					return unknown(refs, "there is no MX record, and whether the domain has an address is not known")
				}
				return nil
			},
		},
	}
}

func mxApexAddresses(e *gather.Evidence) string {
	var out []string
	for _, ip := range slices.Concat(e.Apex.A.Addrs(), e.Apex.AAAA.Addrs()) {
		out = append(out, ip.String())
	}
	return dnsList(out)
}

func mxHostNames(hosts []gather.Host) string {
	var out []string
	for _, h := range hosts {
		out = append(out, h.Name)
	}
	return dnsList(out)
}

// mxNullRules is about the null MX, by which a domain says that it takes no mail.
func mxNullRules() []Rule {
	hasNull := func(e *gather.Evidence) (Status, string) {
		if status, why := mxRecords(e); status != "" {
			return status, why
		}
		if !slices.ContainsFunc(e.MX.Records, func(r wire.MX) bool { return r.Host == "." }) {
			return NotApplicable, "the domain has no null MX"
		}
		return "", ""
	}
	return []Rule{
		{
			ID: "mx-null-preference", Area: AreaHosts, Severity: Medium,
			Title: "the null MX has preference 0",
			Refs:  []string{"RFC 7505 section 3"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := hasNull(e); status != "" {
					return status, why
				}
				if !e.MX.Null {
					return NotApplicable, "the null MX does not stand alone"
				}
				return "", ""
			},
			Judge: func(e *gather.Evidence) []Verdict {
				if pref := e.MX.Records[0].Pref; pref != 0 {
					return fail(Medium, mxRefs(e), "the null MX has preference %d, where the standard asks for 0", pref)
				}
				return nil
			},
		},
		{
			ID: "mx-null-mixed", Area: AreaHosts, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailTo, Words: "a null MX stands beside other MX records"}},
			Title: "a null MX stands alone",
			Refs:  []string{"RFC 7505 section 3"},
			When:  hasNull,
			Judge: func(e *gather.Evidence) []Verdict {
				switch {
				case len(e.MX.Hosts) > 0:
					return fail(High, mxRefs(e), "a null MX, which refuses all mail, stands beside MX records that name %s", mxHostNames(e.MX.Hosts))
				case len(e.MX.Records) > 1:
					return fail(High, mxRefs(e), "there are %d null MX records with different preferences, where only one may stand", len(e.MX.Records))
				}
				return nil
			},
		},
		{
			ID: "mx-null-sender", Area: AreaHosts, Severity: High,
			Bears: []Bearing{{On: Arrival, From: High, Weight: Partly, Direction: MailFrom, Words: "receivers refuse mail that nobody can answer", About: "the null MX"}},
			Title: "a domain that sends mail can also be answered",
			Refs:  []string{"RFC 7505 section 4.2"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := hasNull(e); status != "" {
					return status, why
				}
				if !e.MX.Null {
					return NotApplicable, "the null MX does not stand alone"
				}
				return "", ""
			},
			Judge: func(e *gather.Evidence) []Verdict {
				refs := append(mxRefs(e), e.SPF.Root.TXT.Ref)
				switch {
				case e.Role.Unproven:
					return unknown(refs, "whether the domain with its null MX sends mail is not known: %s", e.Role.Why)
				case !e.Role.Sends():
					return nil
				case e.Role.Stated:
					return fail(High, refs, "the domain is said to send mail, and its null MX turns bounces and replies away: some receivers refuse such mail")
				}
				return fail(High, refs, "the domain sends mail (%s), and its null MX turns bounces and replies away: some receivers refuse such mail", e.Role.Why)
			},
		},
	}
}
