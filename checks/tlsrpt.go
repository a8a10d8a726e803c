package checks

import (
	"fmt"
	"slices"

	"mxvet/internal/gather"
	"mxvet/internal/mtasts"
	"mxvet/internal/route"
	"mxvet/internal/tlsrpt"
	"mxvet/internal/wire"
)

// Rules about TLS-RPT (RFC 8460): whether anybody tells the owner that mail had
// trouble with TLS.
func tlsrptRules() []Rule {
	return append([]Rule{{
		ID: "tlsrpt-none", Area: AreaTransport, Severity: Medium,
		Title: "there is a TLS-RPT record",
		Refs:  []string{"RFC 8460 section 3"},
		When:  receivesMail,
		Judge: judgeRPTNone,
	}}, reading(boundTLSRPT, rptRecordRules())...)
}

// rptRecordRules is about what the record says.
func rptRecordRules() []Rule {
	return []Rule{
		{
			ID: "tlsrpt-record-invalid", Area: AreaTransport, Severity: Medium,
			Title: "the TLS-RPT record is a single one and well-formed",
			Refs:  []string{"RFC 8460 section 3"},
			When:  rptRecord,
			Judge: judgeRPTRecord,
		},
		{
			ID: "tlsrpt-destination", Area: AreaTransport, Severity: Medium,
			Title: "each place in rua is a valid mailto or https address",
			Refs:  []string{"RFC 8460 section 3", "RFC 3986 section 2.1"},
			When:  rptSelected,
			Judge: judgeRPTPlaces,
		},
		{
			ID: "tlsrpt-undeliverable", Area: AreaTransport, Severity: Critical, Bearless: "it is about reports, not mail",
			Title: "mail can be sent to the report addresses",
			Refs:  []string{"RFC 8460 section 3", "RFC 5321 section 5.1", "RFC 7505"},
			When:  rptSelected,
			Judge: judgeRPTRoutes,
		},
		{
			ID: "tlsrpt-endpoint", Area: AreaTransport, Severity: Critical, Bearless: "it is about reports, not mail",
			Title: "the hosts of https report addresses are in the DNS",
			Refs:  []string{"RFC 8460 section 3"},
			When:  rptSelected,
			Judge: judgeRPTEndpoints,
		},
		{
			ID: "tlsrpt-same-policy", Area: AreaTransport, Severity: Info,
			Title: "TLS reports do not go to a mailbox behind the same policy",
			Refs:  []string{"BSI TR-03108-10", "RFC 8460 section 3"},
			When: func(e *gather.Evidence) (Status, string) {
				if status, why := rptSelected(e); status != "" {
					return status, why
				}
				if status, why := stsMode(e); status != "" {
					return status, why
				}
				switch {
				case e.MTASTS.TXT.Failed():
					return dnsSilence(e.MTASTS.TXT.Name+" TXT", e.MTASTS.TXT.Answer)
				case stsServed(e.MTASTS).Policy.Mode == mtasts.Enforce && stsInForce(e):
				case stsLost(e.MTASTS) != "":
					return Unknown, "another address may serve a policy that is enforced: " + stsLost(e.MTASTS)
				default:
					return NotApplicable, "no policy is enforced"
				}
				return "", ""
			},
			Judge: func(e *gather.Evidence) []Verdict {
				for _, u := range e.TLSRPT.Record().RUA {
					if u.Valid && u.Scheme == "mailto" && u.Host == e.Domain {
						return fail(Info, []wire.Ref{e.TLSRPT.TXT.Ref, stsServed(e.MTASTS).Ref}, "reports about failures of the MTA-STS policy go to a mailbox at %s, behind that policy", u.Host)
					}
				}
				return nil
			},
		},
		{
			ID: "tlsrpt-https", Area: AreaTransport, Severity: Info,
			Title: "TLS reports go by mail",
			Refs:  []string{"BSI TR-03108-10", "RFC 8460 section 3"},
			When:  rptSelected,
			Judge: func(e *gather.Evidence) []Verdict {
				for _, u := range e.TLSRPT.Record().RUA {
					if u.Valid && u.Scheme == "https" {
						return fail(Info, []wire.Ref{e.TLSRPT.TXT.Ref}, "rua names an https address, %q, which some rules for public bodies forbid", clip(u.Raw))
					}
				}
				return nil
			},
		},
	}
}

// rptRecord guards rules that judge what stands at _smtp._tls.
func rptRecord(e *gather.Evidence) (Status, string) {
	if status, why := receivesMail(e); status != "" {
		return status, why
	}
	switch r := e.TLSRPT; {
	case r.TXT.Failed():
		return Unknown, "the TXT lookup at " + r.TXT.Name + " gave no answer: " + noAnswer(r.TXT.Answer)
	case len(r.Records)+len(r.Others) == 0:
		return NotApplicable, "there is no TLS-RPT record"
	}
	return "", ""
}

// rptSelected guards rules that judge the one record that senders use.
func rptSelected(e *gather.Evidence) (Status, string) {
	if status, why := rptRecord(e); status != "" {
		return status, why
	}
	if e.TLSRPT.Record() == nil {
		return NotApplicable, "senders use no record (tlsrpt-record-invalid)"
	}
	return "", ""
}

func judgeRPTNone(e *gather.Evidence) []Verdict {
	r := e.TLSRPT
	refs := []wire.Ref{r.TXT.Ref}
	switch {
	case r.TXT.Failed():
		return unknown(refs, "whether there is a record at %s is unknown: %s", r.TXT.Name, noAnswer(r.TXT.Answer))
	case len(r.Records)+len(r.Others) > 0:
		return nil
	case nowhereToGo(e):
		return []Verdict{{Status: NotApplicable, Message: "the domain has no mail host", Evidence: []wire.Ref{e.MX.Ref}}}
	}
	var apex, doubled string
	if len(r.Apex.Records) > 0 {
		apex = r.Apex.Name
	}
	if len(r.Doubled.Records) > 0 {
		doubled = r.Doubled.Name
	}
	elsewhere := misplaced(apex, doubled)
	if stsAnnounced(e.MTASTS) || stsServed(e.MTASTS) != nil {
		return fail(Medium, append(refs, e.MTASTS.TXT.Ref), "there is no TLS-RPT record at %s, although there is MTA-STS, whose failures only such reports show%s", r.TXT.Name, elsewhere)
	}
	return fail(Low, refs, "there is no TLS-RPT record at %s%s", r.TXT.Name, elsewhere)
}

// judgeRPTRecord leaves the places in rua to tlsrpt-destination. Texts beside a
// good record harm nobody: senders drop what does not begin with the version.
func judgeRPTRecord(e *gather.Evidence) []Verdict {
	r := e.TLSRPT
	refs := []wire.Ref{r.TXT.Ref}
	switch len(r.Records) {
	case 0:
		var out []Verdict
		for _, rec := range r.Others[:min(len(r.Others), 5)] {
			why := "it does not begin with v=TLSRPTv1;"
			if n := len(rec.Problems); n > 0 { // the reason about the start stands last
				why = rec.Problems[n-1].Text
			}
			if key := clip(rec.Text); !hasKey(out, key) {
				out = append(out, Verdict{
					Key: key, Status: Fail, Severity: Medium, Evidence: refs,
					Message: fmt.Sprintf("senders do not take %q for a TLS-RPT record: %s", key, why),
				})
			}
		}
		return out
	case 1:
	default:
		return fail(Medium, refs, "%d records at %s begin with \"v=TLSRPTv1;\", and senders take one only where it is alone", len(r.Records), r.TXT.Name)
	}
	var out []Verdict
	for _, p := range r.Records[0].Problems {
		switch p.Code {
		case tlsrpt.Malformed, tlsrpt.Blank, tlsrpt.EmptyField, tlsrpt.RepeatedV: // a strict sender may drop the record, most read on
			if key := string(p.Code); !hasKey(out, key) {
				out = append(out, Verdict{Key: key, Status: Fail, Severity: Low, Evidence: refs, Message: p.Text})
			}
		}
	}
	return out
}

// judgeRPTPlaces gives one verdict for each place, or part of one, that is no
// good. Where another place works, reports still come.
func judgeRPTPlaces(e *gather.Evidence) []Verdict {
	r := e.TLSRPT
	rec, sev := r.Record(), Medium
	if rec.Usable() {
		sev = Low
	}
	var out []Verdict
	for _, p := range rec.Problems {
		switch p.Code {
		case tlsrpt.RUAMissing, tlsrpt.RUAEmpty, tlsrpt.URIInvalid, tlsrpt.URINoScheme, tlsrpt.URIScheme,
			tlsrpt.URIComma, tlsrpt.URIExclamation, tlsrpt.URISemicolon, tlsrpt.URIUnicode:
		default:
			continue
		}
		key := string(p.Code)
		if i := slices.IndexFunc(rec.RUA, func(u tlsrpt.URI) bool { return u.Pos == p.Pos }); i >= 0 && rec.RUA[i].Raw != "" {
			key = clip(rec.RUA[i].Raw)
		}
		if !hasKey(out, key) {
			out = append(out, Verdict{Key: key, Status: Fail, Severity: sev, Evidence: []wire.Ref{r.TXT.Ref}, Message: p.Text})
		}
	}
	return out
}

func rptRefs(e *gather.Evidence, d *tlsrpt.Destination) []wire.Ref {
	refs := []wire.Ref{e.TLSRPT.TXT.Ref, d.MX.Ref, d.A.Ref, d.AAAA.Ref, d.Registered.Ref}
	return slices.DeleteFunc(refs, func(r wire.Ref) bool { return r == "" })
}

// eachDestination judges the hosts of one scheme; why says what it means that
// there is none.
func eachDestination(e *gather.Evidence, scheme, none string, judge func(*tlsrpt.Destination) Verdict) []Verdict {
	var out []Verdict
	for i := range e.TLSRPT.Destinations {
		if d := &e.TLSRPT.Destinations[i]; d.Scheme == scheme {
			v := judge(d)
			v.Subject, v.Evidence = d.Host, rptRefs(e, d)
			out = append(out, v)
			if d.State() == route.NXDomain && d.Registered.Failed() {
				status, why := dnsSilence(d.Registered.Name+" NS", d.Registered.Answer)
				out = append(out, Verdict{
					Subject: d.Host, Key: "registration", Status: status, Severity: Critical, Evidence: []wire.Ref{d.Registered.Ref},
					Message: "whether anybody could register it, and get the reports, is not known: " + why,
				})
			}
		}
	}
	for _, host := range e.TLSRPT.Skipped {
		out = append(out, Verdict{
			Subject: host, Key: "more", Status: Unknown, Evidence: []wire.Ref{e.TLSRPT.TXT.Ref},
			Message: fmt.Sprintf("only the first %d of %d places for reports were looked at", len(e.TLSRPT.Destinations), len(e.TLSRPT.Destinations)+len(e.TLSRPT.Skipped)),
		})
	}
	if len(out) == 0 {
		return []Verdict{{Status: NotApplicable, Message: none, Evidence: []wire.Ref{e.TLSRPT.TXT.Ref}}}
	}
	return out
}

func unregistered(d *tlsrpt.Destination) Verdict {
	name := d.Registered.Name
	if name == "" {
		name = d.Host
	}
	return Verdict{Status: Fail, Severity: Critical, Message: fmt.Sprintf("%s appears not to be registered (NXDOMAIN): whoever registers it gets the reports", name)}
}

// judgeRPTRoutes judges where mailed reports go, as far as the DNS tells.
func judgeRPTRoutes(e *gather.Evidence) []Verdict {
	sev := High
	for i := range e.TLSRPT.Destinations {
		switch e.TLSRPT.Destinations[i].State() {
		case route.MX, route.Address:
			sev = Medium // reports still go somewhere
		}
	}
	return eachDestination(e, "mailto", "no report goes by mail", func(d *tlsrpt.Destination) Verdict {
		bad := func(format string, args ...any) Verdict {
			return Verdict{Status: Fail, Severity: sev, Message: fmt.Sprintf(format, args...)}
		}
		switch d.State() {
		case route.Unregistered:
			return unregistered(d)
		case route.NXDomain:
			return bad("the domain %s of the report address does not exist", d.Host)
		case route.NullMX:
			return bad("the domain %s of the report address takes no mail (null MX)", d.Host)
		case route.None:
			return bad("the domain %s of the report address has neither MX nor address", d.Host)
		case route.Unknown:
			return Verdict{Status: Unknown, Severity: sev, Message: "whether mail can be sent to " + d.Host + " is unknown: " + routeFail(d)}
		}
		return Verdict{Status: Pass}
	})
}

// judgeRPTEndpoints judges the hosts of https places by the DNS alone: nothing is
// sent to them, since they expect reports.
func judgeRPTEndpoints(e *gather.Evidence) []Verdict {
	return eachDestination(e, "https", "no report goes over https", func(d *tlsrpt.Destination) Verdict {
		switch d.State() {
		case route.Unregistered:
			return unregistered(d)
		case route.NXDomain, route.None:
			return Verdict{Status: Fail, Severity: Low, Message: "the host " + d.Host + " of the report address has no address in the DNS"}
		case route.Unknown:
			return Verdict{Status: Unknown, Severity: Low, Message: "whether " + d.Host + " has an address is unknown: " + routeFail(d)}
		}
		return Verdict{Status: Pass}
	})
}

func routeFail(d *tlsrpt.Destination) string {
	if a, ok := d.Failed(); ok {
		return noAnswer(a.Answer)
	}
	return "no usable answer"
}
