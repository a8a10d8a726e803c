package checks_test

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mxvet/checks"
	"mxvet/internal/bimi"
	"mxvet/internal/dkim"
	"mxvet/internal/dmarc"
	"mxvet/internal/dnsbl"
	"mxvet/internal/gather"
	"mxvet/internal/kept"
	"mxvet/internal/mtasts"
	"mxvet/internal/provider"
	"mxvet/internal/smtp"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// A change is something that is done to what a scenario's audit found out, and the
// rules whose verdicts it touches.
type change struct {
	scenario, what string
	rules          string
	do             func(e *gather.Evidence)
}

// Of what peers, and the place from which is asked, can do to an audit, scenarios
// show a part. Here what one found out is changed in one point, and what the rules
// say of it then is kept in a file, with what they rest it on.
func TestChangedEvidence(t *testing.T) {
	table, err := kept.Read("testdata/changed.txt", *update)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	t.Cleanup(func() {
		table.Write(t, func(name string) bool {
			scenario, rest, _ := strings.Cut(name, ":")
			what, _, _ := strings.Cut(rest, "/")
			return names[scenario+":"+what]
		})
	})
	for _, c := range slices.Concat(changes, moreChanges) {
		name := c.scenario + ":" + strings.ReplaceAll(c.what, " ", "-")
		if names[name] {
			t.Fatalf("%s: twice", name)
		}
		names[name] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := observe(t, load(t, filepath.Join(scenarios, c.scenario+".txtar"))).e
			c.do(e)
			ids := strings.Fields(c.rules)
			results := checks.Run(e, slices.DeleteFunc(checks.All(), func(r checks.Rule) bool { return !slices.Contains(ids, r.ID) }))
			if len(results) != len(ids) {
				t.Fatalf("%d of the rules %s", len(results), c.rules)
			}
			for _, res := range results {
				table.Hold(t, name+"/"+res.Rule.ID, saidOf(res))
			}
		})
	}
}

func saidOf(res checks.Result) string {
	const most = 20
	var p page
	for i, v := range res.Verdicts {
		if i == most {
			p.line("%d verdicts, the last of %s", len(res.Verdicts), res.Verdicts[len(res.Verdicts)-1].Key)
			break
		}
		p.line("%s %s %s %s %s: %s", res.Rule.ID, strings.TrimSpace(string(v.Status)+marks("no fault", v.NoFault)), v.Severity, v.Subject, v.Key, v.Message)
		if len(v.Evidence) > 0 {
			p.line("  by %s", v.Evidence)
		}
	}
	return p.String()
}

// What a question may have for an answer.
var (
	failed   = wire.Answer{Rcode: "SERVFAIL", Fail: &wire.Fail{Kind: wire.FailServfail, Text: "the server said so"}}
	cutShort = wire.Answer{Rcode: "NOERROR", Truncated: true, TCPFailed: true}
	nothing  = wire.Answer{Rcode: "NOERROR"}
	denied   = wire.Answer{Rcode: "NXDOMAIN"}
)

func answered(lines ...string) wire.Answer { return wire.Answer{Rcode: "NOERROR", Answer: lines} }

// everyTLS changes what came of each handshake.
func everyTLS(e *gather.Evidence, do func(*wire.TLS)) {
	everySession(e, func(s *wire.Session) {
		if s.TLS != nil {
			t := *s.TLS
			s.TLS = &t
			do(s.TLS)
		}
	})
}

func everySession(e *gather.Evidence, do func(*wire.Session)) {
	for i := range e.MX.Hosts {
		for j := range e.MX.Hosts[i].Addrs {
			if a := &e.MX.Hosts[i].Addrs[j]; a.Ref != "" {
				do(&a.Session)
			}
		}
	}
}

// without takes the exchanges of a stage, and of those after it, out of a session.
func without(s *wire.Session, stage string) {
	if i := slices.IndexFunc(s.Exchanges, func(x smtp.Exchange) bool { return x.Stage == stage }); i >= 0 {
		s.Exchanges = s.Exchanges[:i:i]
	}
	s.Fail = &wire.Fail{Kind: wire.FailTimeout, Text: "no answer"}
}

// reply gives a stage another answer.
func reply(s *wire.Session, stage string, code int, lines ...string) {
	s.Exchanges = slices.Clone(s.Exchanges)
	for i := range s.Exchanges {
		if s.Exchanges[i].Stage == stage {
			s.Exchanges[i].Reply = &smtp.Reply{Code: code, Lines: lines}
		}
	}
}

const tlsRules = "cert-chain cert-untrusted cert-key cert-usage cert-expiry"

var changes = []change{
	{"bimi-certificate-clean", "not valid before tomorrow", "bimi-certificate", func(e *gather.Evidence) { e.BIMI.Mark.Leaf.NotBefore = e.At.Add(24 * time.Hour) }},
	{"bimi-certificate-clean", "valid from now", "bimi-certificate", func(e *gather.Evidence) { e.BIMI.Mark.Leaf.NotBefore = e.At }},
	{"bimi-certificate-clean", "valid until now", "bimi-certificate", func(e *gather.Evidence) { e.BIMI.Mark.Leaf.NotAfter = e.At }},
	{"bimi-certificate-clean", "no names", "bimi-certificate", func(e *gather.Evidence) { e.BIMI.Mark.Names = nil }},
	{"bimi-certificate-clean", "skipped", "bimi-none bimi-record-invalid bimi-certificate", func(e *gather.Evidence) { e.BIMI = nil }},
	{"bimi-certificate-clean", "no evidence", "bimi-certificate bimi-logo-differs bimi-self-asserted", func(e *gather.Evidence) { e.BIMI.Evidence, e.BIMI.Mark = nil, nil }},
	{"bimi-certificate-clean", "logo too large", "bimi-logo-profile bimi-logo-size", func(e *gather.Evidence) {
		e.BIMI.SVG.Problems = append(e.BIMI.SVG.Problems, bimi.Problem{Code: bimi.TooLarge, Text: "it is too large"})
	}},
	{"bimi-certificate-clean", "logo refused", "bimi-logo-fetch bimi-logo-differs", func(e *gather.Evidence) {
		logo(e, wire.Page{Fail: &wire.Fail{Kind: wire.FailRefused, Text: "port 443"}})
	}},
	{"bimi-certificate-clean", "logo 299", "bimi-logo-fetch", func(e *gather.Evidence) { logo(e, wire.Page{Status: 299}) }},
	{"bimi-certificate-clean", "logo 300", "bimi-logo-fetch", func(e *gather.Evidence) { logo(e, wire.Page{Status: 300, Location: "https://example.org/"}) }},
	{"bimi-certificate-clean", "logo 399", "bimi-logo-fetch", func(e *gather.Evidence) { logo(e, wire.Page{Status: 399, Location: "https://example.org/"}) }},
	{"bimi-certificate-clean", "logo 400", "bimi-logo-fetch bimi-logo-differs", func(e *gather.Evidence) { logo(e, wire.Page{Status: 400}) }},
	{"bimi-none-organization", "both silent", "bimi-none bimi-record-invalid bimi-declined", func(e *gather.Evidence) {
		e.BIMI.Place, e.BIMI.Record, e.BIMI.Own.Answer, e.BIMI.Org.Answer = nil, nil, failed, failed
		e.BIMI.Own.Records, e.BIMI.Org.Records = nil, nil
	}},
	{"bimi-none-organization", "organization silent", "bimi-none bimi-record-invalid bimi-declined", func(e *gather.Evidence) {
		e.BIMI.Place, e.BIMI.Record, e.BIMI.Org.Answer, e.BIMI.Org.Records = nil, nil, failed, nil
	}},
	{"bimi-none-organization", "own record strict and the organization's not", "bimi-dmarc", func(e *gather.Evidence) {
		own := e.DMARC.Own()
		own.Records = []dmarc.Record{dmarc.Parse("v=DMARC1; p=reject")}
		e.DMARC.Walk.Domain.At, e.DMARC.Walk.Domain.Record, e.DMARC.Walk.Domain.Relation = own.Domain, &own.Records[0], dmarc.Self
		e.DMARC.Step(e.DMARC.Walk.Org).Records = []dmarc.Record{dmarc.Parse("v=DMARC1; p=none")}
	}},
	{"bimi-none-organization", "own record strict and the organization has two", "bimi-dmarc", func(e *gather.Evidence) {
		own := e.DMARC.Own()
		own.Records = []dmarc.Record{dmarc.Parse("v=DMARC1; p=reject")}
		e.DMARC.Walk.Domain.At, e.DMARC.Walk.Domain.Record, e.DMARC.Walk.Domain.Relation = own.Domain, &own.Records[0], dmarc.Self
		e.DMARC.Step(e.DMARC.Walk.Org).Records = []dmarc.Record{dmarc.Parse("v=DMARC1; p=none"), dmarc.Parse("v=DMARC1; p=none")}
	}},

	{"cert-usage-clean", "more addresses", "cert-usage mx-special-address ip-ptr-missing", func(e *gather.Evidence) { e.MX.Hosts[0].MoreAddrs = 1 }},
	{"cert-usage-clean", "more addresses of a shared platform", "cert-usage ip-ptr-missing", func(e *gather.Evidence) {
		e.MX.Hosts[0].MoreAddrs, e.MX.Hosts[0].Provider = 1, &provider.Provider{ID: "x", Name: "X", Shared: true}
	}},
	{"cert-usage-clean", "more addresses of a provider", "cert-usage ip-ptr-missing", func(e *gather.Evidence) {
		e.MX.Hosts[0].MoreAddrs, e.MX.Hosts[0].Provider = 1, &provider.Provider{ID: "x", Name: "X"}
	}},
	{"cert-usage-clean", "more hosts", "cert-usage", func(e *gather.Evidence) { e.MX.Count++ }},
	{"cert-usage-clean", "one address not talked to", "cert-usage ip-ptr-missing", func(e *gather.Evidence) {
		a := &e.MX.Hosts[0].Addrs[1]
		a.Ref, a.Session, a.Reverse = "", wire.Session{}, gather.Reverse{}
	}},
	{"cert-usage-clean", "one host not talked to", "cert-usage ip-ptr-missing", func(e *gather.Evidence) {
		for i := range e.MX.Hosts[1].Addrs {
			a := &e.MX.Hosts[1].Addrs[i]
			a.Ref, a.Session, a.Reverse = "", wire.Session{}, gather.Reverse{}
		}
	}},
	{"cert-usage-clean", "offline", "ip-ptr-missing mtasts-fetch", func(e *gather.Evidence) { e.Options.Offline = true }},
	{"cert-usage-clean", "more addresses of name servers", "dns-lame dns-servers-differ", func(e *gather.Evidence) { e.Nameservers.MoreAddresses = 1 }},
	{"cert-usage-clean", "more name servers", "dns-lame dns-servers-differ", func(e *gather.Evidence) { e.Nameservers.More = 1 }},
	{"cert-usage-clean", "no chain", tlsRules, func(e *gather.Evidence) { everyTLS(e, func(t *wire.TLS) { t.Chain = nil }) }},
	{"cert-usage-clean", "unreadable chain", tlsRules, func(e *gather.Evidence) { everyTLS(e, func(t *wire.TLS) { t.Chain = [][]byte{{1}} }) }},
	{"cert-usage-clean", "no roots", tlsRules, func(e *gather.Evidence) {
		everyTLS(e, func(t *wire.TLS) { t.Mozilla, t.System = wire.TrustNotApplicable, wire.TrustNotApplicable })
	}},
	{"cert-usage-clean", "invalid above", tlsRules, func(e *gather.Evidence) {
		everyTLS(e, func(t *wire.TLS) { t.Mozilla, t.System = wire.TrustInvalid, wire.TrustInvalid })
	}},
	{"cert-usage-clean", "incomplete by this machine alone", tlsRules, func(e *gather.Evidence) {
		everyTLS(e, func(t *wire.TLS) { t.Mozilla, t.System = wire.TrustNotApplicable, wire.TrustIncomplete })
	}},
	{"cert-usage-clean", "self-signed", tlsRules, func(e *gather.Evidence) {
		everyTLS(e, func(t *wire.TLS) { t.Mozilla, t.System = wire.TrustSelfSigned, wire.TrustSelfSigned })
	}},
	{"cert-usage-clean", "unknown root", tlsRules, func(e *gather.Evidence) {
		everyTLS(e, func(t *wire.TLS) { t.Mozilla, t.System = wire.TrustUnknownRoot, wire.TrustUnknownRoot })
	}},
	{"cert-usage-clean", "unknown root and no issuer", tlsRules, func(e *gather.Evidence) {
		everyTLS(e, func(t *wire.TLS) {
			t.Mozilla, t.System, t.Chain = wire.TrustUnknownRoot, wire.TrustUnknownRoot, t.Chain[:1]
		})
	}},
	{"cert-usage-clean", "trusted by this machine", "cert-untrusted", func(e *gather.Evidence) {
		everyTLS(e, func(t *wire.TLS) { t.Mozilla, t.System = wire.TrustUnknownRoot, wire.Trusted })
	}},
	{"cert-usage-clean", "trusted by Mozilla", "cert-untrusted", func(e *gather.Evidence) {
		everyTLS(e, func(t *wire.TLS) { t.Mozilla, t.System = wire.Trusted, wire.TrustUnknownRoot })
	}},
	{"cert-usage-clean", "trusted by Mozilla and no list here", "cert-untrusted", func(e *gather.Evidence) {
		everyTLS(e, func(t *wire.TLS) { t.Mozilla, t.System = wire.Trusted, wire.TrustNotApplicable })
	}},
	{"cert-usage-clean", "trusted by this machine and no other list", "cert-untrusted", func(e *gather.Evidence) {
		everyTLS(e, func(t *wire.TLS) { t.Mozilla, t.System = wire.TrustNotApplicable, wire.Trusted })
	}},

	{"cert-usage-clean", "no handshake seen", "smtp-starttls-fails mtasts-starttls tls-version-old", func(e *gather.Evidence) { everySession(e, func(s *wire.Session) { s.TLS = nil }) }},
	{"cert-usage-clean", "closed after EHLO inside TLS", "smtp-starttls-fails smtp-requiretls smtp-auth-offered", func(e *gather.Evidence) {
		everySession(e, func(s *wire.Session) {
			without(s, smtp.StageEHLOTLS)
			s.Fail.Kind = wire.FailReset
		})
	}},
	{"cert-usage-clean", "silent inside TLS", "smtp-starttls-fails smtp-requiretls smtp-auth-offered smtp-addresses-differ", func(e *gather.Evidence) {
		everySession(e, func(s *wire.Session) { without(s, smtp.StageEHLOTLS) })
	}},
	{"cert-usage-clean", "550 inside TLS", "smtp-starttls-fails", func(e *gather.Evidence) {
		everySession(e, func(s *wire.Session) { reply(s, smtp.StageEHLOTLS, 550, "no") })
	}},
	{"cert-usage-clean", "451 inside TLS", "smtp-starttls-fails", func(e *gather.Evidence) {
		everySession(e, func(s *wire.Session) { reply(s, smtp.StageEHLOTLS, 451, "later") })
	}},
	{"cert-usage-clean", "STARTTLS closed", "smtp-starttls-fails mtasts-starttls tls-version-old", func(e *gather.Evidence) {
		everySession(e, func(s *wire.Session) {
			without(s, smtp.StageSTARTTLS)
			s.TLS, s.Fail.Kind = nil, wire.FailReset
		})
	}},
	{"cert-usage-clean", "STARTTLS silent", "smtp-starttls-fails mtasts-starttls tls-version-old mtasts-cert", func(e *gather.Evidence) {
		everySession(e, func(s *wire.Session) { without(s, smtp.StageSTARTTLS); s.TLS = nil })
	}},
	{"cert-usage-clean", "STARTTLS 421", "smtp-starttls-fails mtasts-starttls tls-version-old", func(e *gather.Evidence) {
		everySession(e, func(s *wire.Session) {
			without(s, smtp.StageEHLOTLS)
			reply(s, smtp.StageSTARTTLS, 421, "bye")
			s.TLS = nil
		})
	}},
	{"cert-usage-clean", "unreadable handshake", "smtp-starttls-fails", func(e *gather.Evidence) {
		everyTLS(e, func(t *wire.TLS) { t.Error = "tls: failed to parse certificate from server: x" })
	}},
	{"cert-usage-clean", "EHLO silent", "smtp-ehlo-refused smtp-starttls-none mtasts-starttls", func(e *gather.Evidence) {
		everySession(e, func(s *wire.Session) { without(s, smtp.StageEHLO); s.TLS = nil })
	}},
	{"cert-usage-clean", "EHLO unknown and HELO not asked", "smtp-ehlo-refused", func(e *gather.Evidence) {
		everySession(e, func(s *wire.Session) {
			without(s, smtp.StageSTARTTLS)
			reply(s, smtp.StageEHLO, 502, "what")
			s.TLS = nil
		})
	}},
	{"cert-usage-clean", "no greeting kept", "smtp-host-name", func(e *gather.Evidence) {
		everySession(e, func(s *wire.Session) { s.Exchanges = slices.Clone(s.Exchanges[1:]) })
	}},
	{"cert-usage-clean", "forbidden address", "cert-usage smtp-starttls-none mx-unreachable", func(e *gather.Evidence) {
		everySession(e, func(s *wire.Session) {
			*s = wire.Session{Fail: &wire.Fail{Kind: wire.FailForbidden, Text: "not public"}}
		})
	}},
	{"cert-usage-clean", "no fail", "cert-usage mx-unreachable", func(e *gather.Evidence) {
		everySession(e, func(s *wire.Session) { *s = wire.Session{} })
	}},
	{"cert-usage-clean", "nothing proven", "mx-unreachable cert-usage", func(e *gather.Evidence) {
		everySession(e, func(s *wire.Session) { *s = wire.Session{Fail: &wire.Fail{Kind: wire.FailTimeout, Text: "no answer"}} })
		e.Vantage.IPv4, e.Vantage.IPv6 = gather.Reach{}, gather.Reach{}
	}},
	{"cert-usage-clean", "a single address that refuses", "mx-unreachable", func(e *gather.Evidence) {
		e.MX.Hosts, e.MX.Count = e.MX.Hosts[:1], 1
		e.MX.Hosts[0].Addrs = e.MX.Hosts[0].Addrs[:1]
		everySession(e, func(s *wire.Session) { *s = wire.Session{Fail: &wire.Fail{Kind: wire.FailRefused, Text: "no"}} })
	}},
	{"cert-usage-clean", "four addresses of one host differ", "smtp-addresses-differ", func(e *gather.Evidence) {
		h := &e.MX.Hosts[0]
		for i := range 4 {
			a := h.Addrs[i%2]
			a.IP = netip.AddrFrom4([4]byte{192, 0, 2, byte(200 - i)})
			a.Session.Exchanges = slices.Clone(a.Session.Exchanges)
			reply(&a.Session, smtp.StageEHLO, 250, "mx1.example.com")
			a.Session.TLS = nil
			h.Addrs = append(h.Addrs, a)
		}
	}},
	{"cert-usage-clean", "one address more was not found", "smtp-addresses-differ mx-no-ipv6 mx-special-address", func(e *gather.Evidence) {
		e.MX.Hosts[0].AAAA = failed
		e.MX.Hosts[0].Addrs = e.MX.Hosts[0].Addrs[:1]
	}},
	{"cert-usage-clean", "one address found and one lookup failed", "smtp-addresses-differ", func(e *gather.Evidence) { e.MX.Hosts[0].AAAA = failed }},

	{"cert-usage-clean", "an authority's certificate", "cert-usage cert-untrusted", func(e *gather.Evidence) {
		everyTLS(e, func(t *wire.TLS) { t.Chain, t.Mozilla, t.System = t.Chain[1:], wire.TrustInvalid, wire.TrustInvalid })
	}},
	{"cert-usage-clean", "a masked keyword stands first", "smtp-starttls-none", func(e *gather.Evidence) {
		everySession(e, func(s *wire.Session) {
			without(s, smtp.StageSTARTTLS)
			reply(s, smtp.StageEHLO, 250, "mx.example.com", "XXXXXXXA", "SIZE 1000")
			s.TLS, s.Fail = nil, nil
		})
	}},
	{"cert-usage-clean", "nothing offered", "smtp-starttls-none smtp-extensions", func(e *gather.Evidence) {
		everySession(e, func(s *wire.Session) {
			without(s, smtp.StageSTARTTLS)
			reply(s, smtp.StageEHLO, 250, "mx.example.com")
			s.TLS, s.Fail = nil, nil
		})
	}},
	{"cert-usage-clean", "thirteen keywords", "smtp-starttls-none", func(e *gather.Evidence) {
		everySession(e, func(s *wire.Session) {
			without(s, smtp.StageSTARTTLS)
			reply(s, smtp.StageEHLO, 250, "mx.example.com", "A1", "B2", "C3", "D4", "E5", "F6", "G7", "H8", "I9", "J10", "K11", "L12", "M13")
			s.TLS, s.Fail = nil, nil
		})
	}},
	{"cert-usage-clean", "one mechanism inside TLS", "smtp-auth-offered smtp-auth-plaintext", func(e *gather.Evidence) {
		everySession(e, func(s *wire.Session) { reply(s, smtp.StageEHLOTLS, 250, "mx.example.com", "AUTH CRAM-MD5") })
	}},
	{"cert-usage-clean", "one mechanism in clear text", "smtp-auth-offered smtp-auth-plaintext", func(e *gather.Evidence) {
		everySession(e, func(s *wire.Session) { reply(s, smtp.StageEHLO, 250, "mx.example.com", "STARTTLS", "AUTH CRAM-MD5") })
	}},
	{"cert-usage-clean", "one readable mechanism in clear text", "smtp-auth-offered smtp-auth-plaintext", func(e *gather.Evidence) {
		everySession(e, func(s *wire.Session) { reply(s, smtp.StageEHLO, 250, "mx.example.com", "STARTTLS", "AUTH PLAIN") })
	}},
	{"cert-usage-clean", "one address not looked up", "cert-usage ip-ptr-missing", func(e *gather.Evidence) { e.MX.Hosts[0].A = failed }},
	{"relay-open", "asked from a mail host's address", "relay-open relay-suspected", func(e *gather.Evidence) {
		ip := netip.MustParseAddr("192.0.2.201")
		e.MX.Hosts = append(e.MX.Hosts, gather.Host{Name: "mx9.example.com", Addrs: []gather.Address{{IP: ip}}})
		everySession(e, func(s *wire.Session) { s.Local = ip })
	}},
	{"relay-open", "named by its address in the greeting", "relay-open", func(e *gather.Evidence) {
		ip := netip.MustParseAddr("2001:db8::201")
		e.MX.Hosts = append(e.MX.Hosts, gather.Host{Name: "mx9.example.com", Addrs: []gather.Address{{IP: ip}}})
		everySession(e, func(s *wire.Session) {
			reply(s, smtp.StageEHLO, 250, "mx.example.com hello [IPv6:2001:db8::201]", "STARTTLS")
		})
	}},
	{"relay-open", "an address lookup failed", "relay-open", func(e *gather.Evidence) { e.MX.Hosts[0].A = failed }},
	{"relay-open", "a part of SPF failed", "relay-open", func(e *gather.Evidence) { e.SPF.Incomplete = true }},
	{"relay-open", "asked from nowhere", "relay-open", func(e *gather.Evidence) {
		everySession(e, func(s *wire.Session) { s.Local = netip.Addr{} })
	}},
	{"dmarc-alias-dangling", "the doubled name is silent", "dmarc-alias-dangling", func(e *gather.Evidence) { e.DMARC.Doubled.Answer = failed }},
	{"dmarc-policy-none", "reports not looked at", "dmarc-policy-none dmarc-report-undeliverable", func(e *gather.Evidence) { e.DMARC.Reports = nil }},
	{"spf-unknown-modifier", "fifty-one", "spf-unknown-modifier", func(e *gather.Evidence) { written(e, manyTerms(51, "x%=y")) }},
	{"spf-unknown-modifier", "fifty", "spf-unknown-modifier", func(e *gather.Evidence) { written(e, manyTerms(50, "x%=y")) }},
	{"spf-unknown-modifier", "the same twice", "spf-unknown-modifier", func(e *gather.Evidence) { written(e, "x=y x=y") }},
	{"spf-syntax", "fifty-one", "spf-syntax", func(e *gather.Evidence) { written(e, manyTerms(51, "ip4:x%")) }},
	{"spf-syntax", "fifty", "spf-syntax", func(e *gather.Evidence) { written(e, manyTerms(50, "ip4:x%")) }},
	{"spf-syntax", "the same twice", "spf-syntax", func(e *gather.Evidence) { written(e, "ip4:x ip4:x") }},
	{"spf-record-missing", "two other texts", "spf-record-missing", func(e *gather.Evidence) {
		e.SPF.Root.Near = nil
		e.SPF.Root.TXT.Answer = answered("example.com.\t300\tIN\tTXT\t\"a\"", "example.com.\t300\tIN\tTXT\t\"b\"")
	}},
	{"spf-record-missing", "one other text", "spf-record-missing", func(e *gather.Evidence) {
		e.SPF.Root.Near = nil
		e.SPF.Root.TXT.Answer = answered("example.com.\t300\tIN\tTXT\t\"a\"")
	}},
	{"spf-record-missing", "no text", "spf-record-missing", func(e *gather.Evidence) { e.SPF.Root.Near, e.SPF.Root.TXT.Answer = nil, nothing }},
	{"dnsbl-listed-clean", "no list has entries of the kind", "dnsbl-listed dnsbl-policy-listed", func(e *gather.Evidence) {
		for i := range e.Blocklists.Addresses {
			for j := range e.Blocklists.Addresses[i].Results {
				e.Blocklists.Addresses[i].Results[j].State = dnsbl.Unsupported
			}
		}
		for i := range e.Blocklists.Names {
			for j := range e.Blocklists.Names[i].Results {
				e.Blocklists.Names[i].Results[j].State = dnsbl.Unsupported
			}
		}
	}},
	{"mx-not-hostname-clean", "labels", "mx-not-hostname", func(e *gather.Evidence) {
		names := []string{
			"a..example.com", strings.Repeat("a", 63) + ".example.com", strings.Repeat("a", 64) + ".example.com", "a b.example.com",
			"-a.example.com", "a-.example.com", "mx.123", "localhost", "localhost.example.com", "mx.localhost", "mail", "m_x.example.com",
		}
		h := e.MX.Hosts[0]
		e.MX.Hosts, e.MX.Records = nil, nil
		for _, name := range names {
			h.Name = name
			e.MX.Hosts = append(e.MX.Hosts, h)
			e.MX.Records = append(e.MX.Records, wire.MX{Pref: 10, Host: name})
		}
	}},
	{"mx-no-address-clean", "AAAA fails", "mx-no-address mx-no-ipv6 mx-unequal", func(e *gather.Evidence) {
		h := &e.MX.Hosts[0]
		h.A, h.AAAA, h.Addrs = nothing, failed, nil
	}},
	{"mx-no-address-clean", "A cut short", "mx-no-address mx-no-ipv4", func(e *gather.Evidence) {
		h := &e.MX.Hosts[0]
		h.A, h.AAAA, h.Addrs = cutShort, nothing, nil
	}},

	{"dkim-none-zone", "a selector of the file is silent", "dkim-none dkim-selector-unknown dmarc-without-dkim dmarc-unauthenticated", func(e *gather.Evidence) {
		e.DKIM.Selectors[0].Answer = failed
	}},
	{"dkim-none-zone", "not whole", "dkim-none dkim-selector-unknown", func(e *gather.Evidence) { e.Options.ZoneKeysWhole = false }},
	{"dkim-none-zone", "more selectors", "dkim-none dkim-selector-unknown dmarc-without-dkim", func(e *gather.Evidence) { e.MoreSelectors = 1 }},
	{"dkim-none-zone", "a named selector without a key", "dkim-none dkim-selector-unknown dkim-selector-missing", func(e *gather.Evidence) {
		e.DKIM.Selectors[0].Source = dkim.SourceUser
	}},
	{"dkim-none", "a name below is silent", "dkim-none dns-empty-nonterminal dmarc-without-dkim dmarc-unauthenticated", func(e *gather.Evidence) { e.DKIM.Selectors[0].Answer = failed }},
	{"dkim-selector-unknown", "all silent", "dkim-none dkim-selector-unknown dkim-key-short dns-final-dot", func(e *gather.Evidence) {
		for i := range e.DKIM.Selectors {
			e.DKIM.Selectors[i].Answer = failed
		}
	}},
	{"dkim-selector-unknown", "all silent and one that cannot be", "dkim-selector-unknown", func(e *gather.Evidence) {
		for i := range e.DKIM.Selectors {
			e.DKIM.Selectors[i].Answer = failed
		}
		e.DKIM.Selectors[0].Invalid = "no name"
	}},
	{"dkim-selector-unknown", "all silent but one", "dkim-selector-unknown", func(e *gather.Evidence) {
		for i := range e.DKIM.Selectors[1:] {
			e.DKIM.Selectors[i+1].Answer = failed
		}
	}},
	{"dkim-selector-unknown", "doubtful", "dkim-selector-unknown dkim-key-short", func(e *gather.Evidence) {
		e.DKIM.Selectors[0].Doubtful, e.DKIM.Control.Answer = true, failed
	}},
	{"dkim-syntax-duplicate", "five problems", "dkim-syntax", func(e *gather.Evidence) {
		for i := range e.DKIM.Selectors {
			for j := range e.DKIM.Selectors[i].Records {
				k := &e.DKIM.Selectors[i].Records[j].Key
				for _, text := range []string{"one", "two", "two", "three", "four", "five"} {
					k.Problems = append(k.Problems, dkim.Problem{Code: dkim.Syntax, Text: text})
				}
			}
		}
	}},
	{"dkim-service-clean", "reports alone", "dkim-service", func(e *gather.Evidence) { everyKey(e, "v=DKIM1; s=tlsrpt; p=") }},
	{"dkim-no-mail", "Ed25519", "dkim-no-mail", func(e *gather.Evidence) {
		everyKey(e, "v=DKIM1; k=ed25519; p=cA3BVIzry/OqwQIQiAJ+dJOOx8NLsV2IEOfN5o5B4fQ=")
	}},
	{"dkim-alias", "registration of the target silent", "dkim-alias dns-unregistered", func(e *gather.Evidence) {
		for _, s := range e.DKIM.Selectors {
			if s.Dangling {
				end := s.Chain[len(s.Chain)-1]
				e.Registrations = append(e.Registrations, gather.Registration{Name: end, Ref: wire.Ref("dns:NS " + end), Answer: failed, Uses: []gather.Use{{Kind: gather.UseDKIM, Name: end}}})
			}
		}
	}},

	{"spf-end-fail-clean", "no answer kept", "spf-record-missing spf-syntax spf-void spf-no-mail", func(e *gather.Evidence) { e.SPF.Root.TXT = spf.Ask{} }},
	{"spf-end-fail-clean", "cut short", "spf-record-missing spf-syntax dmarc-unauthenticated", func(e *gather.Evidence) {
		e.SPF.Root.TXT.Answer, e.SPF.Root.Records, e.SPF.Root.Record, e.SPF.Decides = cutShort, nil, nil, nil
		e.SPF.Root.Steps = nil
	}},
	{"spf-end-fail-clean", "tree cut", "spf-too-wide spf-void spf-sender-error spf-lookup-limit dmarc-unauthenticated spf-mx-limit", func(e *gather.Evidence) {
		e.SPF.Cut, e.SPF.AtLeast, e.Evaluations.List = true, true, nil
	}},
	{"spf-end-fail-clean", "incomplete", "dmarc-unauthenticated spf-sender-error spf-lookup-limit spf-void spf-end-fail", func(e *gather.Evidence) {
		e.SPF.Incomplete, e.SPF.AtLeast, e.Evaluations.List = true, true, nil
		e.SPF.TempErrors = []spf.Failure{{Text: "include:x.example", Ref: "dns:TXT x.example", Fail: *failed.Fail}}
	}},
	{"spf-end-fail-clean", "some receivers let the mail hosts pass", "dmarc-unauthenticated dmarc-without-dkim", func(e *gather.Evidence) { evaluated(e, spf.ResultPass, spf.ResultPermError, spf.ResultPass) }},
	{"spf-end-fail-clean", "an error", "dmarc-unauthenticated spf-sender-error", func(e *gather.Evidence) {
		evaluated(e, spf.ResultPermError, spf.ResultPermError, spf.ResultPermError)
	}},
	{"spf-end-fail-clean", "an error for most", "dmarc-unauthenticated spf-sender-error", func(e *gather.Evidence) {
		evaluated(e, spf.ResultPermError, spf.ResultPermError, spf.ResultPermError)
		v := &e.Evaluations.List[len(e.Evaluations.List)-1]
		v.Counting.Result, v.Hosts.Result, v.Lenient.Result = spf.ResultFail, spf.ResultFail, spf.ResultFail
	}},
	{"spf-end-fail-clean", "a silence", "dmarc-unauthenticated spf-sender-error", func(e *gather.Evidence) {
		evaluated(e, spf.ResultTempError, spf.ResultTempError, spf.ResultTempError)
	}},
	{"dmarc-unauthenticated", "cut short", "dmarc-unauthenticated", func(e *gather.Evidence) {
		e.SPF.Root.TXT.Answer, e.SPF.Root.Records, e.SPF.Root.Record = cutShort, nil, nil
	}},
	{"dmarc-unauthenticated", "no answer", "dmarc-unauthenticated", func(e *gather.Evidence) { e.SPF.Root.TXT.Answer = failed }},
	{"dmarc-unauthenticated", "incomplete", "dmarc-unauthenticated", func(e *gather.Evidence) { readable(e).SPF.Incomplete = true }},
	{"dmarc-unauthenticated", "tree cut", "dmarc-unauthenticated", func(e *gather.Evidence) { readable(e).SPF.Cut = true }},
	{"dmarc-unauthenticated", "a message decides", "dmarc-unauthenticated", func(e *gather.Evidence) {
		readable(e).SPF.Open = []spf.Opening{{Qualifier: spf.Pass}}
	}},
	{"dmarc-unauthenticated", "nobody", "dmarc-unauthenticated", func(e *gather.Evidence) { readable(e) }},
	{"dmarc-unauthenticated", "hosts count", "dmarc-unauthenticated", func(e *gather.Evidence) { sender(readable(e), spf.ResultPass, spf.ResultPermError, spf.ResultPass) }},
	{"dmarc-unauthenticated", "voids count", "dmarc-unauthenticated", func(e *gather.Evidence) {
		sender(readable(e), spf.ResultPass, spf.ResultPermError, spf.ResultPermError)
	}},
	{"dmarc-unauthenticated", "a silence", "dmarc-unauthenticated", func(e *gather.Evidence) {
		sender(readable(e), spf.ResultTempError, spf.ResultTempError, spf.ResultTempError)
	}},
	{"dmarc-unauthenticated", "an error", "dmarc-unauthenticated", func(e *gather.Evidence) {
		sender(readable(e), spf.ResultPermError, spf.ResultPermError, spf.ResultPermError)
	}},
	{"dmarc-unauthenticated", "an error and a failure", "dmarc-unauthenticated", func(e *gather.Evidence) {
		sender(readable(e), spf.ResultPermError, spf.ResultPermError, spf.ResultPermError)
		sender(e, spf.ResultFail, spf.ResultFail, spf.ResultFail)
	}},
	{"dmarc-unauthenticated", "more selectors", "dmarc-unauthenticated", func(e *gather.Evidence) { readable(e).MoreSelectors = 1 }},
	{"dmarc-unauthenticated", "base silent", "dmarc-unauthenticated", func(e *gather.Evidence) { readable(e).DKIM.Base.Answer = failed }},
	{"dmarc-unauthenticated", "base denied and a selector silent", "dmarc-unauthenticated", func(e *gather.Evidence) {
		readable(e).DKIM.Base.Answer, e.DKIM.Selectors[0].Answer = denied, failed
	}},

	{"spf-sender-not-passed-clean", "some receivers do not", "spf-sender-not-passed", func(e *gather.Evidence) {
		evaluated(e, spf.ResultPass, spf.ResultPermError, spf.ResultPass)
	}},
	{"spf-sender-not-passed-clean", "an error", "spf-sender-not-passed", func(e *gather.Evidence) {
		evaluated(e, spf.ResultPermError, spf.ResultPermError, spf.ResultPermError)
	}},
	{"spf-sender-not-passed-clean", "a silence", "spf-sender-not-passed", func(e *gather.Evidence) {
		evaluated(e, spf.ResultTempError, spf.ResultTempError, spf.ResultTempError)
	}},
	{"spf-sender-not-passed-clean", "nothing fits", "spf-sender-not-passed", func(e *gather.Evidence) {
		evaluated(e, spf.ResultNeutral, spf.ResultNeutral, spf.ResultNeutral)
		for i := range e.Evaluations.List {
			c := &e.Evaluations.List[i].Counting
			c.Text, c.Term = "", ""
		}
	}},
	{"spf-sender-not-passed-clean", "a term fits", "spf-sender-not-passed", func(e *gather.Evidence) {
		evaluated(e, spf.ResultFail, spf.ResultFail, spf.ResultFail)
		for i := range e.Evaluations.List {
			c := &e.Evaluations.List[i].Counting
			c.Text, c.Term = "", "-all"
		}
	}},
	{"spf-sender-not-passed-clean", "more were named", "spf-sender-not-passed", func(e *gather.Evidence) {
		e.Options.SendIPs = append(e.Options.SendIPs, netip.MustParseAddr("203.0.113.200"))
		e.Evaluations.More = 1
	}},
	{"spf-sender-not-passed-clean", "no answer", "spf-sender-not-passed", func(e *gather.Evidence) { e.SPF.Root.TXT.Answer = failed }},
	{"spf-sender-not-passed-clean", "broken record", "spf-sender-not-passed", func(e *gather.Evidence) {
		r := spf.Parse("v=spf1 ip4:x -all")
		e.SPF.Root.Record, e.SPF.Root.Records = &r, []spf.Record{r}
	}},
	{"spf-no-mail", "nobody decides", "spf-no-mail", func(e *gather.Evidence) { e.SPF.Decides = nil }},
	{"spf-mx-limit", "one host too many", "spf-mx-limit", func(e *gather.Evidence) {
		for n := range e.SPF.Nodes() {
			for i := range n.Steps {
				if n.Steps[i].TooMany > 0 {
					n.Steps[i].TooMany = 1
				}
			}
		}
	}},
	{"spf-void-clean", "IPv6 alone", "spf-void spf-void-limit", func(e *gather.Evidence) { e.SPF.Void6 = spf.Voids{Proven: 1, Hosts: 1, Possible: 1} }},
	{"spf-void-clean", "hosts of mx alone", "spf-void spf-void-limit", func(e *gather.Evidence) { e.SPF.Void4 = spf.Voids{Hosts: 3} }},
	{"spf-void-clean", "three", "spf-void spf-void-limit", func(e *gather.Evidence) { e.SPF.Void4 = spf.Voids{Proven: 3} }},
	{"spf-void-clean", "two", "spf-void spf-void-limit", func(e *gather.Evidence) { e.SPF.Void4 = spf.Voids{Proven: 2} }},
	{"spf-exp-broken-clean", "depends", "spf-exp-broken", func(e *gather.Evidence) { explanation(e).Dynamic = true }},
	{"spf-exp-broken-clean", "no name", "spf-exp-broken", func(e *gather.Evidence) { explanation(e).TXT = spf.Ask{} }},
	{"spf-unregistered-clean", "left", "spf-unregistered dns-unregistered", func(e *gather.Evidence) {
		e.Registrations = []gather.Registration{{Name: "x.example", Left: true, Uses: []gather.Use{{Kind: gather.UseSPF, Name: "x.example"}}}}
	}},
	{"dns-unregistered-clean", "left", "dns-unregistered", func(e *gather.Evidence) {
		e.Registrations = []gather.Registration{{Name: "x.example", Left: true, Uses: []gather.Use{{Kind: gather.UseMX, Name: "mx.x.example"}}}}
	}},
	{"spf-subdomain-clean", "addresses silent", "spf-subdomain", func(e *gather.Evidence) {
		for i := range e.Subdomains {
			s := &e.Subdomains[i]
			s.SPF.Root.Records, s.SPF.Root.Record, s.SPF.PermErrors = nil, nil, nil
			s.A.Answer, s.AAAA.Answer, s.MX.Answer = nothing, failed, failed
		}
	}},
	{"dmarc-subdomain-record-clean", "below unknown", "dmarc-subdomain-record dns-wildcard-name dmarc-nonexistent-weak", func(e *gather.Evidence) {
		e.DMARC.Walk.Subdomain.Unknown, e.DMARC.Walk.NonExistent.Unknown = true, true
	}},
	{"dmarc-subdomain-record-clean", "no policy below", "dmarc-subdomain-record dmarc-nonexistent-weak", func(e *gather.Evidence) {
		e.DMARC.Walk.Subdomain.Policy, e.DMARC.Walk.NonExistent.Policy = "", ""
	}},
	{"mtasts-subdomain-clean", "several", "mtasts-subdomain tlsrpt-subdomain", func(e *gather.Evidence) {
		for i := range e.Subdomains {
			s := &e.Subdomains[i]
			line := s.Name + ".\t300\tIN\tTXT\t\"v=STSv1; id=1;\""
			s.MTASTS.Answer = answered(line, strings.Replace(line, "id=1", "id=2", 1))
		}
	}},
	{"mtasts-subdomain-clean", "own record silent", "mtasts-subdomain", func(e *gather.Evidence) { e.MTASTS.TXT.Answer, e.MTASTS.Records = failed, nil }},
	{"tlsrpt-subdomain-clean", "no record of its own", "tlsrpt-subdomain", func(e *gather.Evidence) { e.TLSRPT.Records = nil }},
	{"tlsrpt-undeliverable-nxdomain", "registration silent", "tlsrpt-undeliverable", func(e *gather.Evidence) {
		for i := range e.TLSRPT.Destinations {
			e.TLSRPT.Destinations[i].Registered = wire.Asked{Name: "x.example", Ref: "dns:NS x.example", Answer: failed}
		}
	}},
	{"tlsrpt-same-policy", "testing and another address silent", "tlsrpt-same-policy", func(e *gather.Evidence) {
		for i := range e.MTASTS.Pages {
			e.MTASTS.Pages[i].Policy.Mode = mtasts.Testing
		}
		e.MTASTS.AAAA.Answer = failed
	}},
	{"tlsrpt-same-policy", "record silent", "tlsrpt-same-policy", func(e *gather.Evidence) { e.MTASTS.TXT.Answer = failed }},
	{"mtasts-starttls", "record silent", "mtasts-starttls mtasts-cert", func(e *gather.Evidence) { e.MTASTS.TXT.Answer = failed }},
	{"mtasts-fetch-clean", "more addresses", "mtasts-fetch", func(e *gather.Evidence) { e.MTASTS.Skipped = []netip.Addr{netip.MustParseAddr("192.0.2.99")} }},
	{"mtasts-fetch-clean", "no pages", "mtasts-fetch mtasts-policy-differs", func(e *gather.Evidence) {
		e.MTASTS.Pages, e.MTASTS.A.Answer, e.MTASTS.AAAA.Answer = nil, nothing, failed
	}},
	{"mtasts-fetch-clean", "no pages and no A", "mtasts-fetch mtasts-policy-differs", func(e *gather.Evidence) { e.MTASTS.Pages, e.MTASTS.A.Answer = nil, failed }},
	{"mtasts-fetch-clean", "no pages offline", "mtasts-fetch", func(e *gather.Evidence) { e.MTASTS.Pages, e.Options.Offline = nil, true }},
	{"mtasts-fetch-clean", "assumed", "mtasts-fetch mtasts-host-cert mtasts-policy-differs mtasts-size", func(e *gather.Evidence) {
		e.MTASTS.Pages = e.MTASTS.Pages[:1]
		e.MTASTS.Pages[0].Addr, e.MTASTS.Pages[0].Page.Assumed = netip.Addr{}, true
	}},
	{"mtasts-fetch-clean", "unreadable certificate", "mtasts-host-cert mtasts-host-expiry", func(e *gather.Evidence) {
		for i := range e.MTASTS.Pages {
			e.MTASTS.Pages[i].Page.TLS = &wire.TLS{Version: "TLS 1.3", Chain: [][]byte{{1}}}
		}
	}},
	{"mtasts-fetch-clean", "bad certificate and a file", "mtasts-fetch", func(e *gather.Evidence) {
		for i := range e.MTASTS.Pages {
			e.MTASTS.Pages[i].Page.Fail = &wire.Fail{Kind: wire.FailTLS, Text: "it is another's"}
		}
	}},
	{"mtasts-fetch-clean", "bad certificate", "mtasts-fetch", func(e *gather.Evidence) {
		for i := range e.MTASTS.Pages {
			e.MTASTS.Pages[i].Page.Fail, e.MTASTS.Pages[i].Page.Status, e.MTASTS.Pages[i].Policy = &wire.Fail{Kind: wire.FailTLS, Text: "it is another's"}, 0, nil
		}
	}},
	{"mtasts-policy-differs-clean", "one is longer", "mtasts-policy-differs", func(e *gather.Evidence) {
		p := mtasts.ParsePolicy([]byte("version: STSv1\r\nmode: enforce\r\nmx: mx1.example.com\r\nmax_age: 604800\r\n"))
		e.MTASTS.Pages[len(e.MTASTS.Pages)-1].Policy = &p
	}},

	{"dns-lame-clean", "skipped", "dns-lame dns-servers-differ dns-one-family", func(e *gather.Evidence) {
		e.Options.Skip, e.Nameservers.NotAsked = []string{checks.AreaHosts}, "area skipped"
	}},
	{"dns-lame-clean", "not asked", "dns-lame dns-servers-differ", func(e *gather.Evidence) { e.Nameservers.NotAsked = "nothing to ask" }},
	{"dns-lame-clean", "not asked offline", "dns-lame", func(e *gather.Evidence) { e.Nameservers.NotAsked, e.Options.Offline = "offline", true }},
	{"dns-lame-clean", "not asked by wish", "dns-lame", func(e *gather.Evidence) { e.Nameservers.NotAsked, e.Options.NoServers = "by wish", true }},
	{"dns-lame-clean", "not asked as assumed", "dns-lame", func(e *gather.Evidence) {
		e.Nameservers.NotAsked, e.Nameservers.NS.Answer.Assumed = "from a file", true
	}},
	{"dns-lame-clean", "deadline", "dns-lame", func(e *gather.Evidence) {
		d := &e.Nameservers.Servers[0]
		late := wire.Answer{Fail: &wire.Fail{Kind: wire.FailDeadline, Text: "no time was left"}}
		d.SOA.Answer, d.MX.Answer, d.TXT.Answer, d.DMARC.Answer = late, late, late, late
	}},
	{"dns-lame-clean", "silent over a family that was not heard", "dns-lame", func(e *gather.Evidence) {
		silent := wire.Answer{Fail: &wire.Fail{Kind: wire.FailTimeout, Text: "no answer"}}
		for i := range e.Nameservers.Servers {
			if d := &e.Nameservers.Servers[i]; d.Addr.Is6() {
				d.SOA.Answer, d.MX.Answer, d.TXT.Answer, d.DMARC.Answer = silent, silent, silent, silent
			}
		}
	}},
	{"dns-servers-differ-clean", "one server", "dns-servers-differ", func(e *gather.Evidence) { e.Nameservers.Servers = e.Nameservers.Servers[:1] }},
	{"dns-servers-differ-clean", "no serials", "dns-servers-differ", func(e *gather.Evidence) {
		e.Nameservers.Servers[0].MX.Answer.Answer = nil
		for i := range e.Nameservers.Servers {
			e.Nameservers.Servers[i].SOA.Answer = failed
		}
	}},
	{"dns-servers-differ-clean", "several more", "dns-servers-differ", func(e *gather.Evidence) {
		a := &e.Nameservers.Servers[0].MX.Answer
		a.Answer = append(slices.Clone(a.Answer), "example.com.\t300\tIN\tMX\t30 a.example.com.", "example.com.\t300\tIN\tMX\t30 b.example.com.")
	}},
	{"dns-lame-clean", "no addresses of name servers", "dns-one-family dns-ns-target", func(e *gather.Evidence) {
		for i := range e.Nameservers.Names {
			e.Nameservers.Names[i].A.Answer, e.Nameservers.Names[i].AAAA.Answer = nothing, nothing
		}
	}},
	{"dns-lame-clean", "AAAA of name servers silent", "dns-one-family dns-ns-target", func(e *gather.Evidence) {
		for i := range e.Nameservers.Names {
			e.Nameservers.Names[i].A.Answer, e.Nameservers.Names[i].AAAA.Answer = nothing, failed
		}
	}},
	{"dns-cname-conflict-clean", "alias at the top", "dns-cname-conflict", func(e *gather.Evidence) {
		alias := answered("example.com.\t300\tIN\tCNAME\twww.example.net.", "example.com.\t300\tIN\tRRSIG\tx")
		e.MX.Answer, e.Apex.A, e.Apex.AAAA, e.Apex.TXT, e.Apex.NS, e.Apex.SOA = alias, alias, alias, alias, alias, alias
		e.SPF.Root.TXT.Answer = alias
	}},
	{"dns-cname-conflict-clean", "slips", "dns-cname-conflict", func(e *gather.Evidence) {
		e.Options.ZoneSlips = []zone.Slip{
			{File: "zone", Line: 3, Kind: zone.SlipAlias, Owner: "example.com", Said: "MX"},
			{File: "zone", Line: 4, Kind: zone.SlipAlias, Owner: "www.example.com", Said: "CNAME"},
		}
	}},
	{"dns-wildcard-name-clean", "too long", "dns-wildcard-name mx-wildcard", func(e *gather.Evidence) { e.Stray = gather.Stray{} }},
	{"dns-wildcard-name", "alias", "dns-wildcard-name", func(e *gather.Evidence) {
		e.Stray.A.Answer = answered(e.Stray.A.Name+".\t300\tIN\tCNAME\twww.example.com.", "www.example.com.\t300\tIN\tA\t192.0.2.80")
	}},
	{"dns-wildcard-name", "silent", "dns-wildcard-name", func(e *gather.Evidence) {
		e.Stray.A.Answer, e.Stray.AAAA.Answer, e.Stray.MX.Answer, e.Stray.TXT.Answer = nothing, failed, failed, nothing
	}},
	{"dnsbl-listed-clean", "more hosts", "dnsbl-inbound-listed", func(e *gather.Evidence) { e.Blocklists.MoreHosts = 2 }},
	{"dnsbl-listed-clean", "more senders", "dnsbl-listed", func(e *gather.Evidence) { e.Blocklists.MoreKnown = 2 }},
	{"dnsbl-listed-clean", "ranges alone", "dnsbl-listed dnsbl-allow-listed", func(e *gather.Evidence) {
		e.Blocklists.Addresses, e.Blocklists.Wide = nil, []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	}},
	{"dnsbl-listed-clean", "special alone", "dnsbl-listed", func(e *gather.Evidence) {
		e.Blocklists.Addresses, e.Blocklists.Special = nil, []netip.Addr{netip.MustParseAddr("10.0.0.1")}
	}},
	{"dnsbl-listed-clean", "no address", "dnsbl-listed", func(e *gather.Evidence) { e.Blocklists.Addresses = nil }},
}

func logo(e *gather.Evidence, page wire.Page) {
	e.BIMI.SVG = nil
	for i := range e.BIMI.Logo.Tried {
		e.BIMI.Logo.Tried[i].Page = page
	}
}

func everyKey(e *gather.Evidence, text string) {
	for i := range e.DKIM.Selectors {
		for j := range e.DKIM.Selectors[i].Records {
			e.DKIM.Selectors[i].Records[j].Key = dkim.Parse(text)
		}
	}
}

// evaluated gives every sender these results: at lenient receivers, at those that
// count lookups which find nothing, and at those that count the hosts of mx terms too.
func evaluated(e *gather.Evidence, lenient, hosts, counting spf.Result) {
	for i := range e.Evaluations.List {
		v := &e.Evaluations.List[i]
		v.Lenient.Result, v.Hosts.Result, v.Counting.Result = lenient, hosts, counting
		if counting != spf.ResultPass {
			v.Counting.Text = "as it was changed"
		}
	}
}

// sender adds a mail host whose address has these results.
func sender(e *gather.Evidence, lenient, hosts, counting spf.Result) {
	e.Evaluations.List = append(e.Evaluations.List, gather.Evaluation{
		IP: netip.MustParseAddr("192.0.2.17"), Kind: gather.EvaluatedHost, Why: "the mail host", Refs: []wire.Ref{"dns:TXT sender.example.com"},
		Views: spf.Views{Lenient: spf.CheckResult{Result: lenient}, Hosts: spf.CheckResult{Result: hosts}, Counting: spf.CheckResult{Result: counting, Text: "as it was changed"}},
	})
}

// readable gives the domain an SPF record that can be read, and no sender.
func readable(e *gather.Evidence) *gather.Evidence {
	r := spf.Parse("v=spf1 -all")
	e.SPF.Root.Records, e.SPF.Root.Record = []spf.Record{r}, &r
	e.SPF.Root.TXT.Answer = answered("example.com.\t300\tIN\tTXT\t\"v=spf1 -all\"")
	e.Evaluations, e.SPF.Incomplete, e.SPF.Cut, e.SPF.Open = gather.Evaluations{}, false, false, nil
	return e
}

// written gives the domain's record these terms, before ~all.
func written(e *gather.Evidence, terms string) {
	r := spf.Parse("v=spf1 " + terms + " ~all")
	e.SPF.Root.Records, e.SPF.Root.Record, e.SPF.Root.Steps = []spf.Record{r}, nil, nil
	e.SPF.Root.Record = &e.SPF.Root.Records[0]
	e.SPF.Root.Steps = make([]spf.Step, len(r.Terms))
	for i := range r.Terms {
		e.SPF.Root.Steps[i].Term = &r.Terms[i]
	}
}

func manyTerms(n int, term string) string {
	var terms []string
	for i := range n {
		terms = append(terms, strings.ReplaceAll(term, "%", strconv.Itoa(i)))
	}
	return strings.Join(terms, " ")
}

func explanation(e *gather.Evidence) *spf.Exp { return e.SPF.Decides.Exp }
