//go:build integration

package main

import (
	"strings"
	"testing"

	"mxvet/checks"
	"mxvet/report"
)

// A labAudit is one audit from the probe's place, and what must come of it.
type labAudit struct {
	name   string // of the case and of its report under build/integration
	domain string
	flags  []string
	exit   int
	pass   []string // rules that must pass
	must   []string // rules that must fail
	never  []string // rules that must not
	unsure []string // rules that must be unknown
	look   func(*testing.T, *report.Report)
}

func labAudits() []labAudit {
	return []labAudit{
		{
			name: "good", domain: "good.test", flags: []string{"--selector", "lab", "--ehlo", "probe.isp.example"}, exit: exitOK,
			pass: []string{
				"dns-nxdomain", "dns-ns-single", "mx-none", "mx-alias", "mx-no-address", "mx-no-ipv6", "mx-unreachable", "mx-unequal",
				"ip-ptr-missing", "ip-ptr-unconfirmed",
				"spf-record-missing", "spf-record-multiple", "spf-syntax", "spf-lookup-limit", "spf-passes-all",
				"dkim-none", "dkim-key-short", "dkim-key-invalid", "dmarc-record-missing", "dmarc-policy-none", "dmarc-no-reports",
				"smtp-starttls-none", "smtp-starttls-fails", "tls-version-old", "cert-untrusted", "cert-expired", "cert-name",
				"mtasts-none", "mtasts-fetch", "mtasts-host-cert", "mtasts-mx-mismatch", "mtasts-policy-invalid", "tlsrpt-none",
				"relay-open", "smtp-postmaster",
			},
			must:  []string{"dnsbl-list-broken"},
			never: []string{"dnsbl-listed", "dnsbl-inbound-listed"},
			look:  wellRun,
		},
		{
			name: "good-other-resolver", domain: "good.test", exit: exitOK, pass: []string{"spf-record-missing", "dmarc-record-missing"},
			flags: []string{"--selector", "lab", "--resolver", "tcp:[2a0f:53:4::1]:53"},
		},
		{
			name: "open", domain: "open.test", flags: []string{"--ehlo", "probe.isp.example"}, exit: exitFindings,
			must: []string{"relay-open", "dnsbl-listed"}, look: listedWhereItIs,
		},
		{
			name: "open-not-asked", domain: "open.test", flags: []string{"--ehlo", "probe.isp.example", "--relay", "off"}, exit: exitFindings,
			must: []string{"dnsbl-listed"}, never: []string{"relay-open"},
		},
		{
			name: "catchall", domain: "catchall.test", flags: []string{"--ehlo", "probe.isp.example"},
			must: []string{"smtp-catch-all"}, pass: []string{"relay-open"},
		},
		{
			name: "broken", domain: "broken.test", exit: exitFindings,
			must: []string{
				"spf-record-multiple", "dmarc-record-missing", "mx-alias", "mx-no-address", "cert-expired",
				"smtp-starttls-none", "mtasts-host-cert", "mx-unequal", "dkim-none", "tlsrpt-none",
				"dnsbl-inbound-listed",
			},
			never: []string{
				"dns-nxdomain", "dns-servers-fail", "spf-record-missing", "mx-none", "mx-unreachable", "mtasts-none",
				"relay-open", "smtp-starttls-fails",
			},
		},
		{
			name: "lame", domain: "lame.test", exit: exitFindings, must: []string{"dns-servers-fail"},
			unsure: []string{"spf-record-missing", "dmarc-record-missing", "mx-none"}, look: onlyDNS,
		},
		{
			name: "lame-tolerated", domain: "lame.test", flags: []string{"--fail-on", "never"}, exit: exitUnknown, look: onlyDNS,
		},
		{
			name: "dark", domain: "dark.test", exit: exitFindings, must: []string{"dns-servers-fail"},
			unsure: []string{"spf-record-missing", "dmarc-record-missing", "mx-none"}, look: onlyDNS,
		},
		{
			name: "bogus", domain: "bogus.test", exit: exitFindings, must: []string{"dnssec-bogus"}, never: []string{"dns-servers-fail"},
			unsure: []string{"spf-record-missing", "dmarc-record-missing", "mx-none"}, look: onlyDNS,
		},
		{
			name: "absent", domain: "absent.test", exit: exitFindings, must: []string{"dns-nxdomain"}, never: []string{"dns-servers-fail"},
		},
		{
			name: "quiet", domain: "quiet.test", exit: exitUnknown,
			unsure: []string{"mx-unreachable", "smtp-starttls-none"}, never: []string{"mx-no-address"},
		},
		{
			name: "inside", domain: "inside.test", exit: exitFindings,
			must: []string{"mx-special-address"}, never: []string{"mx-unreachable", "mx-no-address"},
		},
	}
}

// wellRun: no finding that matters, and both hosts were spoken to over both
// address families, with TLS 1.3 and a certificate of the lab's authority.
func wellRun(t *testing.T, r *report.Report) {
	for _, f := range r.Domains[0].Findings {
		if f.Severity != "info" {
			t.Errorf("a well-run domain has a finding: %s %s %s: %s", f.Severity, f.Rule, f.Subject, f.Message)
		}
	}
	for _, u := range r.Domains[0].Unknown {
		if u.Area != checks.AreaReputation { // of the block lists, the lab has but three
			t.Errorf("nothing about a well-run domain is unknown, but %s %s: %s", u.Rule, u.Subject, u.Reason)
		}
	}
	addresses := 0
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			addresses++
			if !a.Reached || a.TLS == nil || a.TLS.Version != "TLS 1.3" || a.Cert == nil || a.Cert.System != "trusted" {
				t.Errorf("%s [%s]: want TLS 1.3 and a trusted certificate, got %+v (TLS %+v, certificate %+v)", h.Name, a.IP, a, a.TLS, a.Cert)
			}
		}
	}
	if addresses != 4 {
		t.Errorf("%d addresses of mail hosts in the report, want 4", addresses)
	}
}

// listedWhereItIs: the address is on the one list that works; a list that answers
// for every address, and one that refuses, do not count as listing it.
func listedWhereItIs(t *testing.T, r *report.Report) {
	for _, f := range r.Domains[0].Findings {
		if f.Rule == "dnsbl-listed" && f.Key != "spamhaus-zen" {
			t.Errorf("only %s lists the address, but %s %s: %s", labList, f.Key, f.Subject, f.Message)
		}
	}
}

// onlyDNS: of a domain whose records cannot be had nothing is known to be
// missing.
func onlyDNS(t *testing.T, r *report.Report) {
	for _, f := range r.Domains[0].Findings {
		if !strings.HasPrefix(f.Rule, "dns") && !strings.HasSuffix(f.Rule, "-lookup-fails") {
			t.Errorf("no record of the domain can be had, and yet: %s %s: %s", f.Rule, f.Subject, f.Message)
		}
	}
}
