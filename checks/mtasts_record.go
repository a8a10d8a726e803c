package checks

import (
	"fmt"

	"mxvet/internal/gather"
	"mxvet/internal/mtasts"
	"mxvet/internal/wire"
)

// Rules about the TXT record at _mta-sts, and about MTA-STS as a whole.
func mtastsRecordRules() []Rule {
	return []Rule{
		{
			ID: "mtasts-none", Area: AreaTransport, Severity: Medium,
			Bears: []Bearing{{On: Transit, From: Low, Weight: Decides, Shield: MTASTS, Words: "no MTA-STS"}},
			Title: "there is an MTA-STS record",
			Refs:  []string{"RFC 8461 section 3.1"},
			When:  receivesMail,
			Judge: judgeSTSNone,
		},
		{
			ID: "mtasts-record-multiple", Area: AreaTransport, Severity: High,
			Bears: []Bearing{{On: Transit, From: High, Weight: Decides, Shield: MTASTS, Words: "no MTA-STS for new senders (several records)"}},
			Title: "there is a single MTA-STS record",
			Refs:  []string{"RFC 8461 section 3.1"},
			When:  stsRecord,
			Judge: func(e *gather.Evidence) []Verdict {
				if r := e.MTASTS; len(r.Records) > 1 {
					return fail(High, []wire.Ref{r.TXT.Ref}, "%d records at %s begin with \"v=STSv1;\", and senders take one only where it is alone", len(r.Records), r.TXT.Name)
				}
				return nil
			},
		},
		{
			ID: "mtasts-record-invalid", Area: AreaTransport, Severity: High,
			Bears: []Bearing{{On: Transit, From: High, Weight: Decides, Shield: MTASTS, Words: "no MTA-STS for new senders (broken record)"}},
			Title: "the MTA-STS record is well-formed",
			Refs:  []string{"RFC 8461 section 3.1"},
			When:  stsRecord,
			Judge: judgeSTSRecord,
		},
		{
			ID: "mtasts-record-missing", Area: AreaTransport, Severity: Medium,
			Bears: []Bearing{{On: Transit, From: Low, Weight: Decides, Shield: MTASTS, Words: "no MTA-STS for senders (no record announces its policy)"}},
			Title: "a policy that is served is announced by a record",
			Refs:  []string{"RFC 8461 section 3.1"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := receivesMail(e); status != "" {
					return status, why
				}
				r := e.MTASTS
				switch {
				case stsServed(r) == nil:
					return NotApplicable, "no policy was seen"
				case r.TXT.Failed():
					return stsRecord(e)
				case len(r.Records) == 0 && len(r.Others) > 0:
					return NotApplicable, "there is a record, an invalid one (mtasts-record-invalid)"
				}
				return "", ""
			},
			Judge: func(e *gather.Evidence) []Verdict {
				if r := e.MTASTS; !stsAnnounced(r) {
					return fail(Medium, []wire.Ref{r.TXT.Ref, stsServed(r).Ref}, "%s serves a policy, but there is no record at %s, so senders never ask for it%s", r.Host, r.TXT.Name, stsMisplaced(r))
				}
				return nil
			},
		},
		{
			ID: "mtasts-repeated-field", Area: AreaTransport, Severity: Low,
			Title: "no field of MTA-STS record or policy is repeated",
			Refs:  []string{"RFC 8461 section 3.2"},
			When:  stsPresent,
			Judge: func(e *gather.Evidence) []Verdict { return stsProblems(e, mtasts.Repeated, Low) },
		},
		{
			ID: "mtasts-unknown-field", Area: AreaTransport, Severity: Info,
			Title: "MTA-STS record and policy have no unknown fields",
			Refs:  []string{"RFC 8461 section 3.1", "RFC 8461 section 3.2"},
			When:  stsPresent,
			Judge: func(e *gather.Evidence) []Verdict { return stsProblems(e, mtasts.UnknownField, Info) },
		},
		{
			ID: "mtasts-delegation", Area: AreaTransport, Severity: Low,
			Title: "MTA-STS record and policy host are in the same hands",
			Refs:  []string{"RFC 8461 section 8.2"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := stsRecord(e); status != "" {
					return status, why
				}
				if r := e.MTASTS; len(r.HostChain) == 0 && (r.A.Failed() || r.AAAA.Failed()) {
					return Unknown, "whether " + r.Host + " is an alias is unknown"
				}
				return "", ""
			},
			Judge: judgeDelegation,
		},
		{
			ID: "mtasts-no-tlsrpt", Area: AreaTransport, Severity: Info,
			Title: "MTA-STS comes with TLS reports",
			Refs:  []string{"RFC 8461 section 6", "RFC 8460 section 3"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := stsPresent(e); status != "" {
					return status, why
				}
				switch r := e.TLSRPT; {
				case r.TXT.Failed():
					return Unknown, "the TXT lookup at " + r.TXT.Name + " gave no answer: " + noAnswer(r.TXT.Answer)
				case len(r.Records) == 0 && len(r.Others) > 0:
					return NotApplicable, "there is a TLS-RPT record, an invalid one (tlsrpt-record-invalid)"
				}
				return "", ""
			},
			// Only a note: tlsrpt-none charges for the missing record, and more where
			// there is MTA-STS. One fault costs once.
			Judge: func(e *gather.Evidence) []Verdict {
				if r := e.TLSRPT; len(r.Records) == 0 {
					return fail(Info, []wire.Ref{e.MTASTS.TXT.Ref, r.TXT.Ref}, "MTA-STS is in use without a TLS-RPT record at %s: nobody tells you when a sender cannot meet the policy", r.TXT.Name)
				}
				return nil
			},
		},
		{
			ID: "mtasts-no-mail", Area: AreaTransport, Severity: Info,
			Title: "a domain without incoming mail has no MTA-STS",
			Refs:  []string{"RFC 8461 section 3", "RFC 7505 section 3"},
			When: func(e *gather.Evidence) (Status, string) {
				if e.Role.Receives() {
					return NotApplicable, "the domain receives mail"
				}
				if r := e.MTASTS; r.TXT.Failed() && stsServed(r) == nil {
					return Unknown, "the TXT lookup at " + r.TXT.Name + " gave no answer: " + noAnswer(r.TXT.Answer)
				}
				return "", ""
			},
			Judge: func(e *gather.Evidence) []Verdict {
				r := e.MTASTS
				switch {
				case stsAnnounced(r):
					return fail(Info, []wire.Ref{r.TXT.Ref, e.MX.Ref}, "there is an MTA-STS record, but no mail to protect: %s", e.Role.Why)
				case stsServed(r) != nil:
					return fail(Info, []wire.Ref{stsServed(r).Ref, e.MX.Ref}, "%s serves an MTA-STS policy, but there is no mail to protect: %s", r.Host, e.Role.Why)
				}
				return nil
			},
		},
	}
}

func judgeSTSNone(e *gather.Evidence) []Verdict {
	r := e.MTASTS
	refs := []wire.Ref{r.TXT.Ref}
	switch {
	case r.TXT.Failed():
		return unknown(refs, "whether there is a record at %s is unknown: %s", r.TXT.Name, noAnswer(r.TXT.Answer))
	case stsAnnounced(r):
		return nil
	case stsServed(r) != nil:
		return []Verdict{{Status: NotApplicable, Message: "a policy is served, but not announced (mtasts-record-missing)", Evidence: refs}}
	case nowhereToGo(e):
		return []Verdict{{Status: NotApplicable, Message: "the domain has no mail host", Evidence: []wire.Ref{e.MX.Ref}}}
	}
	return fail(Medium, refs, "there is no MTA-STS record at %s%s", r.TXT.Name, stsMisplaced(r))
}

func stsMisplaced(r *mtasts.Result) string {
	var apex, doubled string
	if len(r.Apex.Records) > 0 {
		apex = r.Apex.Name
	}
	if len(r.Doubled.Records) > 0 {
		doubled = r.Doubled.Name
	}
	return misplaced(apex, doubled)
}

// judgeSTSRecord judges the record that senders select, or, where they select
// none, what was meant to be one. Texts beside a good record harm nobody:
// senders drop what does not begin with the version.
func judgeSTSRecord(e *gather.Evidence) []Verdict {
	r := e.MTASTS
	refs := []wire.Ref{r.TXT.Ref}
	if len(r.Records) == 0 {
		var out []Verdict
		for _, rec := range r.Others[:min(len(r.Others), 5)] {
			if v := (Verdict{
				Key: clip(rec.Text), Status: Fail, Severity: High, Evidence: refs,
				Message: fmt.Sprintf("senders do not take %q for an MTA-STS record: %s", clip(rec.Text), notSelected(rec)),
			}); !hasKey(out, v.Key) {
				out = append(out, v)
			}
		}
		return out
	}
	var out []Verdict
	for _, rec := range r.Records[:min(len(r.Records), 5)] {
		// Without a good id every sender drops the record. Other slips break the
		// grammar, for which a strict sender drops it too, but most read on.
		for _, p := range rec.Problems {
			sev := Severity("")
			switch p.Code {
			case mtasts.IDMissing, mtasts.IDInvalid:
				sev = High
			case mtasts.Malformed, mtasts.Blank, mtasts.EmptyField:
				sev = Medium
			}
			key := string(p.Code)
			if len(r.Records) > 1 {
				key += " " + clip(rec.Text)
			}
			if sev != "" && !hasKey(out, key) {
				out = append(out, Verdict{Key: key, Status: Fail, Severity: sev, Evidence: refs, Message: "in the record " + fmt.Sprintf("%q", clip(rec.Text)) + ": " + p.Text})
			}
		}
	}
	return out
}

// notSelected says why a record is dropped: the reason about its start, which
// stands last.
func notSelected(rec mtasts.Record) string {
	if n := len(rec.Problems); n > 0 {
		return rec.Problems[n-1].Text
	}
	return "it does not begin with v=STSv1;"
}

// stsProblems gives one verdict each for record and policy that have a problem of
// that code.
func stsProblems(e *gather.Evidence, code mtasts.Code, sev Severity) []Verdict {
	r := e.MTASTS
	var out []Verdict
	add := func(key string, ref wire.Ref, list []mtasts.Problem) {
		var texts []string
		for _, p := range list {
			switch {
			case p.Code != code:
			case p.Line > 0:
				texts = append(texts, fmt.Sprintf("line %d: %s", p.Line, p.Text))
			default:
				texts = append(texts, p.Text)
			}
		}
		if len(texts) > 0 {
			out = append(out, Verdict{Key: key, Status: Fail, Severity: sev, Evidence: []wire.Ref{ref}, Message: "in the " + key + ": " + several(texts)})
		}
	}
	if rec := r.Record(); rec != nil {
		add("record", r.TXT.Ref, rec.Problems)
	}
	if r.TXT.Failed() {
		status, why := dnsSilence(r.TXT.Name+" TXT", r.TXT.Answer)
		out = append(out, Verdict{Key: "record", Status: status, Severity: sev, Evidence: []wire.Ref{r.TXT.Ref}, Message: why})
	}
	if f := stsServed(r); f != nil {
		add("policy", f.Ref, f.Policy.Problems)
	}
	return out
}

// judgeDelegation looks at aliases that lead to another organization: id and
// policy must change together, so both should be in its hands, or neither.
func judgeDelegation(e *gather.Evidence) []Verdict {
	r := e.MTASTS
	record, host := foreign(e, r.Chain), foreign(e, r.HostChain)
	refs := []wire.Ref{r.TXT.Ref, r.A.Ref, r.AAAA.Ref}
	switch {
	case record != "" && host == "":
		return fail(Low, refs, "%s is an alias of %s, but %s is not: whoever changes the policy cannot change the id", r.TXT.Name, record, r.Host)
	case record == "" && host != "":
		return fail(Low, refs, "%s is an alias of %s, but %s is not: whoever changes the policy cannot change the id", r.Host, host, r.TXT.Name)
	}
	return nil
}

// foreign gives the first name of a chain of aliases that is another
// organization's.
func foreign(e *gather.Evidence, chain []string) string {
	home := e.Suffixes.OrgDomain(e.Domain, true)
	for _, name := range chain {
		if e.Suffixes.OrgDomain(name, true) != home {
			return name
		}
	}
	return ""
}

func hasKey(list []Verdict, key string) bool {
	for _, v := range list {
		if v.Key == key {
			return true
		}
	}
	return false
}
