package audit_test

import (
	"slices"
	"strings"
	"testing"

	"mxvet/checks"
	"mxvet/internal/audit"
	"mxvet/internal/gather"
	"mxvet/internal/zone"
	"mxvet/report"
)

// Zones for an audit without network: one holds all that it needs itself, the
// other leads out of itself with every name.
var offlineZones = map[string]string{
	"inside": `$ORIGIN example.com.
@ SOA ns1 hostmaster 1 7200 3600 1209600 300
@ NS ns1
@ NS ns2
ns1 A 192.0.2.53
ns2 A 198.51.100.53
@ MX 10 mx1
@ MX 20 mx2
mx1 A 192.0.2.25
mx1 AAAA 2001:db8::25
mx2 A 198.51.100.25
@ TXT "v=spf1 mx -all"
_dmarc TXT "v=DMARC1; p=reject; rua=mailto:dmarc@example.com"
s1._domainkey TXT "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwq9VQMOuxdEUY5r8lPdTNPj4ygpBtUYrtGbOCO6OycbE7E6lIbP8YsiQOX/pxr9jODLnx0OP2YV9weQhpnLIejNyKbVrtiyb/U+waQMGf8AU/LlCUhvsWXURs7F7K//lgOtCHpXkrr" "JqA0f1UCn3roXwr+tlqe0QWOGsdnZ9iak/WY+4DbufZW/B8Fu3ICt9zyZhsbWEJ4aysuumAX4S20xXz1dzKqWZeSKhPUU2+nG4713HhK+A1wL/0zTWd4hFhLfPZ4QlTrNAHUW0qnlrgtGVaum/iwuTsAmW2GFKyQD1aoXQE6ZoIhsqjPXyHSAon+uXSkJ0j9qcJhRI6e" "tiPwIDAQAB"
_mta-sts TXT "v=STSv1; id=1"
mta-sts A 192.0.2.80
_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tls@example.com"
`,
	"outside": `$ORIGIN example.com.
@ SOA ns1.example.net. hostmaster 1 7200 3600 1209600 300
@ NS ns1.example.net.
@ NS ns2.example.org.
@ MX 10 mx1.example.net.
@ MX 20 mx2.example.org.
@ TXT "v=spf1 include:_spf.example.net a:out.example.org mx -all"
_dmarc TXT "v=DMARC1; p=reject; rua=mailto:dmarc@example.net"
s1._domainkey CNAME s1.dkim.example.net.
_mta-sts CNAME _mta-sts.example.net.
mta-sts CNAME mta-sts.example.net.
_smtp._tls CNAME _smtp._tls.example.net.
`,
}

// needNetwork reports that a rule judges what no zone can say: conversations,
// certificates, what a policy host serves, block lists, what name servers say.
func needNetwork(r checks.Rule) bool {
	switch r.Area {
	case checks.AreaTLS, checks.AreaReputation:
		return true
	}
	for _, prefix := range []string{
		"smtp-", "tls-", "cert-", "relay-", "dnsbl-", "mtasts-fetch", "mtasts-host-", "mtasts-media-type", "mtasts-size",
		"mtasts-cert", "mtasts-line-ending", "mtasts-max-age-short", "mtasts-mode-none", "mtasts-mx-", "mtasts-policy-",
		"mtasts-starttls", "mtasts-testing", "mtasts-tls-version",
		"mx-unreachable", "mx-unequal", "ip-names-differ", "dns-lame", "dns-servers-differ",
	} {
		if strings.HasPrefix(r.ID, prefix) {
			return true
		}
	}
	return false
}

// Without the network, what needs more than the DNS is not asked, names outside
// of the zone are unknown, and neither costs a point or reads as missing.
func TestOffline(t *testing.T) {
	for name, text := range offlineZones {
		t.Run(name, func(t *testing.T) {
			options := gather.Options{Offline: true, AllowPrivate: true, Subdomains: []string{"www.example.com"}, Seed: "x"}
			r := both(t, nil, job(audit.Targets([]string{"example.com"}, options), audit.Assumed{Zones: []*zone.Zone{parsed(t, text)}}))
			d := r.Domains[0]
			unasked := rules(d.NotAsked)
			var unknown []string
			for _, u := range d.Unknown {
				unknown = append(unknown, u.Rule)
				if u.Reason == "" {
					t.Errorf("%s is unknown without a reason", u.Rule)
				}
			}
			for _, rule := range checks.All() {
				switch {
				case rule.ID == "tlsrpt-same-policy": // a record outside of the zone, and a policy: either
				case slices.Contains(unasked, rule.ID) && !needNetwork(rule):
					t.Errorf("%s is not asked, but needs the DNS only", rule.ID)
				case slices.Contains(unknown, rule.ID) && needNetwork(rule):
					t.Errorf("%s is unknown, but needs the network", rule.ID)
				case slices.Contains(d.Passed, rule.ID) && needNetwork(rule):
					t.Errorf("%s passes, but needs the network", rule.ID)
				}
			}
			for _, f := range d.Findings {
				if f.Severity != "info" && f.Severity != "low" {
					t.Errorf("fails: %s %s: %s", f.Severity, f.Rule, f.Message)
				}
			}
			if run := r.Run; run.Queries != 0 || run.Connections != 0 || run.Resolver != "" || run.Options.SMTP || !run.Options.Offline {
				t.Errorf("run %+v", run)
			}
			if len(d.Drift) != 0 || !slices.Equal(d.Score.Suffix, []string{"zone only"}) || len(d.Unanswered) != 0 {
				t.Errorf("drift %v, suffix %v, unanswered %v", d.Drift, d.Score.Suffix, d.Unanswered)
			}
		})
	}
}

// A CNAME loop is a fault of the zone text: it is told as that, with its names, where
// a network would change nothing. It is no answer that waits for one.
func TestOfflineAliasLoop(t *testing.T) {
	host := "mx1 CNAME mx2\nmx2 CNAME mx1\n"
	loops := map[string]struct{ text, told, question string }{
		"mail host": {"@ MX 10 mx1\n" + host + "@ TXT \"v=spf1 ip4:192.0.2.1 -all\"\n_dmarc TXT \"v=DMARC1; p=reject\"\n", "mx1.example.com -> mx2.example.com -> mx1.example.com", "arrival"},
		"SPF":       {"@ MX 10 a\na A 192.0.2.1\n@ TXT \"v=spf1 include:x.example.com -all\"\n_dmarc TXT \"v=DMARC1; p=reject\"\nx CNAME y\ny CNAME x\n", "x.example.com -> y.example.com -> x.example.com", "forgery"},
		"DMARC":     {"@ MX 10 a\na A 192.0.2.1\n@ TXT \"v=spf1 mx -all\"\n_dmarc CNAME _dmarc\n", "_dmarc.example.com -> _dmarc.example.com", "forgery"},
	}
	for name, loop := range loops {
		t.Run(name, func(t *testing.T) {
			text := "$ORIGIN example.com.\n@ SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ NS ns1\nns1 A 192.0.2.53\n" + loop.text
			options := gather.Options{Offline: true, AllowPrivate: true, Seed: "x"}
			r := both(t, nil, job(audit.Targets([]string{"example.com"}, options), audit.Assumed{Zones: []*zone.Zone{parsed(t, text)}}))
			d := r.Domains[0]
			told := "a CNAME loop in the zone: " + loop.told
			if !slices.ContainsFunc(d.Unknown, func(u report.Unknown) bool { return u.Cause == told }) {
				t.Errorf("no unknown is told by %q: %+v", told, d.Unknown)
			}
			for _, u := range d.Unknown {
				if strings.Contains(u.Cause+u.Reason, "SERVFAIL") || strings.Contains(u.Cause+u.Reason, "switched off") {
					t.Errorf("%s is unknown by %q, %q", u.Rule, u.Cause, u.Reason)
				}
			}
			for _, a := range d.Answers {
				if a.ID == loop.question && (a.Answer != report.Unclear || !strings.Contains(a.Text, told)) {
					t.Errorf("%s: %s %s", a.Question, a.Answer, a.Text)
				}
			}
		})
	}
}
