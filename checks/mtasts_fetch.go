package checks

import (
	"fmt"
	"net/netip"
	"strings"

	"mxvet/internal/gather"
	"mxvet/internal/mtasts"
	"mxvet/internal/wire"
)

const slowPolicy = 60_000 // milliseconds that a sender waits, RFC 8461 section 3.3

// Rules about the policy host and how it serves the policy.
func mtastsFetchRules() []Rule {
	return []Rule{
		{
			ID: "mtasts-fetch", Area: AreaTransport, Severity: High,
			Bears: []Bearing{{On: Transit, From: High, Weight: Decides, Shield: MTASTS, Words: "no MTA-STS for new senders (no policy can be fetched)"}},
			Title: "the MTA-STS policy can be fetched",
			Refs:  []string{"RFC 8461 section 3.3"},
			When:  stsFetched,
			Judge: judgeFetch,
		},
		{
			ID: "mtasts-host-cert", Area: AreaTransport, Severity: High,
			Bears: []Bearing{{On: Transit, From: High, Weight: Decides, Shield: MTASTS, Words: "no MTA-STS for new senders (bad certificate of its host)"}},
			Title: "the policy host has a valid certificate",
			Refs:  []string{"RFC 8461 section 3.3", "RFC 6125 section 6.4"},
			When:  stsFetched,
			Judge: func(e *gather.Evidence) []Verdict {
				return eachPage(e, handshakeDone, func(f mtasts.Fetched) Verdict {
					if err := f.Page.TLS.Verifies(e.MTASTS.Host, e.At); err != nil {
						return Verdict{Status: Fail, Severity: pageSeverity(e), Message: "senders do not accept the certificate of " + e.MTASTS.Host + ": " + err.Error()}
					}
					return Verdict{Status: Pass}
				})
			},
		},
		{
			ID: "mtasts-host-expiry", Area: AreaTransport, Severity: High,
			Title: "the policy host's certificate is renewed in good time",
			Refs:  []string{"RFC 8461 section 3.3", "CA/Browser Forum ballot SC-081v3"},
			Bears: []Bearing{{On: Transit, From: High, Weight: Partly, Words: "the certificate of the MTA-STS policy host is about to end"}},
			When:  stsFetched,
			Judge: judgeHostExpiry,
		},
		{
			ID: "mtasts-host-wildcard", Area: AreaTransport, Severity: Info,
			Title: "the policy host has a certificate of its own",
			Refs:  []string{"RFC 8461 section 3.3", "BSI TR-03108-08"},
			When:  stsFetched,
			Judge: func(e *gather.Evidence) []Verdict {
				covered := func(f mtasts.Fetched) bool {
					return handshakeDone(f) && f.Page.TLS.Leaf() != nil && wire.LeafNameOK(f.Page.TLS.Leaf(), e.MTASTS.Host)
				}
				return eachPage(e, covered, func(f mtasts.Fetched) Verdict {
					var wild string
					for _, name := range f.Page.TLS.Leaf().DNSNames {
						switch {
						case strings.EqualFold(strings.TrimSuffix(name, "."), e.MTASTS.Host):
							return Verdict{Status: Pass}
						case strings.HasPrefix(name, "*."):
							wild = name
						}
					}
					return Verdict{Status: Fail, Severity: Info, Message: fmt.Sprintf("the certificate covers %s by a wildcard only (such as %q)", e.MTASTS.Host, wild)}
				})
			},
		},
		{
			ID: "mtasts-media-type", Area: AreaTransport, Severity: Medium,
			Title: "the policy is served as text/plain",
			Refs:  []string{"RFC 8461 section 3.2"},
			When:  stsFetched,
			Judge: func(e *gather.Evidence) []Verdict {
				return eachPage(e, served, func(f mtasts.Fetched) Verdict {
					kind, _, _ := strings.Cut(f.Page.ContentType, ";")
					switch kind = strings.TrimSpace(kind); {
					case strings.EqualFold(kind, "text/plain"):
						return Verdict{Status: Pass}
					case kind == "":
						return Verdict{Status: Fail, Severity: Medium, Message: "the policy comes without a Content-Type; senders look for text/plain"}
					}
					return Verdict{Status: Fail, Severity: Medium, Message: fmt.Sprintf("the policy comes with the Content-Type %q instead of text/plain", clip(kind))}
				})
			},
		},
		{
			ID: "mtasts-size", Area: AreaTransport, Severity: Medium,
			Title: "the policy is short and comes at once",
			Refs:  []string{"RFC 8461 section 3.3"},
			When:  stsFetched,
			Judge: func(e *gather.Evidence) []Verdict {
				return eachPage(e, served, func(f mtasts.Fetched) Verdict {
					switch {
					case f.Page.Cut:
						return Verdict{Status: Fail, Severity: Medium, Message: fmt.Sprintf("the policy file is longer than %d bytes, where senders may stop reading", wire.MaxBody)}
					case f.Page.Millis > slowPolicy:
						return Verdict{Status: Fail, Severity: Medium, Message: fmt.Sprintf("the policy took %d s to come; senders may give up after %d s", f.Page.Millis/1000, slowPolicy/1000)}
					}
					return Verdict{Status: Pass}
				})
			},
		},
		{
			ID: "mtasts-policy-differs", Area: AreaTransport, Severity: Medium,
			Title: "all addresses of the policy host serve the same policy",
			Refs:  []string{"RFC 8461 section 3.3"},
			When:  stsFetched,
			Judge: judgeDiffers,
		},
	}
}

// judgeHostExpiry measures as cert-expiry does. An end that has come is the matter
// of mtasts-host-cert.
func judgeHostExpiry(e *gather.Evidence) []Verdict {
	return eachPage(e, handshakeDone, func(f mtasts.Fetched) Verdict {
		leaf := f.Page.TLS.Leaf()
		if leaf == nil {
			return Verdict{Status: Unknown, Message: "the certificate cannot be read"}
		}
		end := endOf(leaf, e.At)
		switch {
		case !end.valid:
			return Verdict{Status: NotApplicable, Message: "it is not valid at this time (mtasts-host-cert)"}
		case end.late && f.Policy != nil && f.Policy.Mode == mtasts.Enforce:
			return Verdict{Status: Fail, Severity: High, Message: end.left + "; after that senders get no policy, and fall back to mail without proof of who takes it"}
		case end.late:
			return Verdict{Status: Fail, Severity: Medium, Message: end.left + "; after that senders get no policy"}
		case end.soon:
			return Verdict{Status: Fail, Severity: Low, Message: end.left}
		}
		return Verdict{Status: Pass, Message: "valid until " + dateOf(leaf.NotAfter)}
	})
}

func handshakeDone(f mtasts.Fetched) bool { return f.Page.TLS != nil && f.Page.TLS.Error == "" }
func served(f mtasts.Fetched) bool        { return f.Policy != nil }

func pageSubject(e *gather.Evidence, f mtasts.Fetched) string {
	if !f.Addr.IsValid() {
		return e.MTASTS.Host
	}
	return fmt.Sprintf("%s [%s]", e.MTASTS.Host, f.Addr)
}

// pageSeverity says how much it matters that one address does not serve the
// policy: less where another one does.
func pageSeverity(e *gather.Evidence) Severity {
	if e.MTASTS.Policy() != nil {
		return Medium
	}
	return High
}

// judgeFetch says for each address of the policy host whether a sender gets a
// file from it. A certificate that does not verify is left to mtasts-host-cert,
// and what is in the file to mtasts-policy-invalid.
func judgeFetch(e *gather.Evidence) []Verdict {
	r := e.MTASTS
	if len(r.Pages) == 0 {
		refs := []wire.Ref{r.A.Ref, r.AAAA.Ref}
		switch {
		case r.NoHost() && len(r.HostChain) > 0:
			return fail(High, refs, "the policy host %s is an alias of %s, which has no address", r.Host, r.HostChain[len(r.HostChain)-1])
		case r.NoHost():
			return fail(High, refs, "the policy host %s has no address in the DNS", r.Host)
		case e.Options.Offline:
			return []Verdict{{Status: NotAsked, Message: "the network is switched off"}}
		case r.A.Failed():
			return unknown(refs, "the address of %s is unknown: %s", r.Host, noAnswer(r.A.Answer))
		}
		return unknown(refs, "the address of %s is unknown: %s", r.Host, noAnswer(r.AAAA.Answer))
	}
	out := make([]Verdict, len(r.Pages))
	for i, f := range r.Pages {
		out[i] = fetched(e, f)
		out[i].Subject, out[i].Evidence = pageSubject(e, f), []wire.Ref{f.Ref}
	}
	for _, a := range []wire.Asked{r.A, r.AAAA} {
		if a.Failed() {
			out = append(out, Verdict{
				Key: "addresses", Status: Unknown, Severity: Medium, Evidence: []wire.Ref{a.Ref},
				Message: fmt.Sprintf("whether %s has more addresses is unknown: %s", r.Host, noAnswer(a.Answer)),
			})
		}
	}
	if n := len(r.Skipped); n > 0 {
		out = append(out, Verdict{Key: "more", Status: NotAsked, Message: fmt.Sprintf(
			"the policy was fetched from %d of the %d addresses of %s", len(r.Pages), len(r.Pages)+n, r.Host)})
	}
	return out
}

func fetched(e *gather.Evidence, f mtasts.Fetched) Verdict {
	p := f.Page
	bad := func(format string, args ...any) Verdict {
		return Verdict{Status: Fail, Severity: pageSeverity(e), Message: fmt.Sprintf(format, args...)}
	}
	badCert := p.Fail != nil && p.Fail.Kind == wire.FailTLS && handshakeDone(f)
	switch {
	case p.Assumed:
		return Verdict{Status: NotAsked, Message: "the policy is not served yet: it is the file that was named with --policy"}
	case p.Fail == nil || badCert && p.Status != 0:
		switch {
		case p.Status/100 == 3 && p.Location != "":
			return bad("%s answers with status %d and points to %q; senders never follow", e.MTASTS.URL(), p.Status, clip(p.Location))
		case p.Status != 200:
			return bad("%s answers with status %d; only 200 counts", e.MTASTS.URL(), p.Status)
		case badCert:
			return Verdict{Status: NotApplicable, Message: "the file is there, but the certificate is not valid (mtasts-host-cert)"}
		}
		return Verdict{Status: Pass}
	case badCert:
		return Verdict{Status: NotApplicable, Message: "the certificate is not valid (mtasts-host-cert)"}
	}
	switch p.Fail.Kind {
	case wire.FailTLS, wire.FailProtocol, wire.FailLimit, wire.FailRefused, wire.FailReset:
		return bad("%s", p.Fail)
	case wire.FailTimeout, wire.FailUnreachable:
		if p.TLS == nil && reachable(e, f.Addr) {
			return bad("%s, while other addresses answer", p.Fail)
		}
		if e.MTASTS.Policy() != nil && e.MX.Answer.Fail != nil { // a mail server might have shown that it is reachable
			return Verdict{Status: Unknown, Severity: Medium, Message: p.Fail.String() + ", and the mail servers, which might show that the network from here is not to blame, are not known"}
		}
		if e.MTASTS.Policy() != nil {
			return Verdict{Status: NotAsked, Message: "the address cannot be shown to be reachable from here, and others serve the policy: " + p.Fail.String()}
		}
		return Verdict{Status: Unknown, Severity: pageSeverity(e), Message: p.Fail.String() + "; nothing shows that the network from here is not to blame"}
	case wire.FailOffline:
		return Verdict{Status: NotAsked, Message: "the network is switched off"}
	}
	return Verdict{Status: Unknown, Severity: pageSeverity(e), Message: p.Fail.String()}
}

// reachable reports that silence of an address counts: over its family another
// address of the policy host answered, or a mail server did and port 443 is
// shown to be open by the other family. Many networks have no IPv6, and some let
// no HTTPS out.
func reachable(e *gather.Evidence, addr netip.Addr) bool {
	reach := e.Vantage.IPv6
	if addr.Unmap().Is4() {
		reach = e.Vantage.IPv4
	}
	for _, f := range e.MTASTS.Pages {
		heard := f.Page.TLS != nil || f.Page.Status != 0
		if heard && (f.Addr.Unmap().Is4() == addr.Unmap().Is4() || reach.Proven) {
			return true
		}
	}
	return false
}

// eachPage judges what each address of the policy host serves. Where an address
// gave nothing to judge, it says so: rule mtasts-fetch tells why.
func eachPage(e *gather.Evidence, have func(mtasts.Fetched) bool, judge func(mtasts.Fetched) Verdict) []Verdict {
	var out []Verdict
	absent := func(v Verdict) Verdict {
		v.Severity = "" // the rule's own
		if v.Status == Fail {
			v.Status, v.Message = NotApplicable, "nothing to judge: "+v.Message
		}
		return v
	}
	if len(e.MTASTS.Pages) == 0 {
		for _, v := range judgeFetch(e) {
			out = append(out, absent(v))
		}
	}
	for _, f := range e.MTASTS.Pages {
		v := Verdict{}
		if have(f) && !f.Page.Assumed {
			v = judge(f)
		} else {
			v = absent(fetched(e, f))
		}
		v.Subject, v.Evidence = pageSubject(e, f), []wire.Ref{f.Ref}
		out = append(out, v)
	}
	for _, a := range []wire.Asked{e.MTASTS.A, e.MTASTS.AAAA} {
		if len(e.MTASTS.Pages) > 0 && a.Answer.Fail != nil && !e.Options.Offline {
			status, why := dnsSilence(a.Name, a.Answer)
			out = append(out, Verdict{Subject: a.Name, Key: string(a.Ref), Status: status, Evidence: []wire.Ref{a.Ref}, Message: why})
		}
	}
	return out
}

func judgeDiffers(e *gather.Evidence) []Verdict {
	r := e.MTASTS
	var first, lost *mtasts.Fetched
	var refs []wire.Ref
	for i := range r.Pages {
		f := &r.Pages[i]
		if f.Policy == nil {
			if lost == nil && f.Page.Fail != nil && f.Page.TLS == nil {
				lost = f
			}
			continue
		}
		refs = append(refs, f.Ref)
		switch {
		case first == nil:
			first = f
		case f.Policy.String() != first.Policy.String():
			return fail(Medium, refs, "%s and %s serve different policies: %s", first.Addr, f.Addr, difference(first.Policy, f.Policy))
		}
	}
	switch {
	case lost != nil && first != nil:
		return unknown(append(refs, lost.Ref), "what %s serves could not be fetched: %s", lost.Addr, lost.Page.Fail)
	case len(refs) == 1 && first.Addr.IsValid() && (r.A.Failed() || r.AAAA.Failed()):
		return unknown(append(refs, r.A.Ref, r.AAAA.Ref), "not all addresses of the policy host are known")
	case len(refs) > 1:
		return nil
	case len(r.Pages) > 1:
		return []Verdict{{Status: NotApplicable, Message: "fewer than two addresses served a policy"}}
	}
	return []Verdict{{Status: NotApplicable, Message: "the policy host has fewer than two addresses"}}
}

// difference names the first line in which two policies differ.
func difference(a, b *mtasts.Policy) string {
	line := func(p *mtasts.Policy, i int) string {
		if i >= len(p.Lines) {
			return "nothing more"
		}
		return fmt.Sprintf("%q", clip(p.Lines[i].Name+": "+p.Lines[i].Value))
	}
	for i := range max(len(a.Lines), len(b.Lines)) {
		if line(a, i) != line(b, i) {
			return fmt.Sprintf("where one has %s, the other has %s", line(a, i), line(b, i))
		}
	}
	return "one is longer"
}
