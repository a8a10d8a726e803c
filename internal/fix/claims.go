package fix

import (
	"slices"

	"mxvet/checks"
)

// A mend says which fix clears a rule's failing verdicts.
type mend struct {
	fix     string
	risky   bool   // only the part of the fix does that may break mail
	subject string // only verdicts about this place: one of the constants below
}

// Places that a rule's verdicts tell apart by subject or key.
const (
	anywhere = ""
	policy   = "policy" // key of rules that judge both the MTA-STS record and the policy
	record   = "record"
	unread   = "reports" // key of p=none without reports
)

// mends lists the rules that a change of a record, or of the MTA-STS policy, can
// clear. Whether it did is found out by a second audit, so a rule belongs here
// where some of its cases can be mended so.
func mends() map[string][]mend {
	out := map[string][]mend{}
	add := func(fix string, risky bool, rules ...string) {
		for _, rule := range rules {
			out[rule] = append(out[rule], mend{fix: fix, risky: risky})
		}
	}
	add(SPFRecord, false, senderNotPassed,
		"spf-record-missing", "spf-record-multiple", "spf-version-broken", "spf-type99", "spf-syntax", "spf-cut-off",
		"spf-lookup-limit", "spf-lookup-near", "spf-void-limit", "spf-void", "spf-network-odd", "spf-no-mail",
		"spf-mechanism-as-modifier", "spf-unknown-modifier", "spf-after-all", "spf-redirect-ignored", "spf-trailing-dot",
		"spf-label-length", "spf-include-broken", "spf-loop", "spf-never-matches", "spf-unregistered", "spf-exp-broken", "spf-redundant")
	add(SPFRecord, true, "spf-passes-all", "spf-end-neutral", "spf-ptr")
	add(HELORecord, false, "spf-helo")
	add(DMARCRecord, false,
		"dmarc-record-missing", "dmarc-record-multiple", "dmarc-version", "dmarc-misplaced", "dmarc-alias-dangling",
		"dmarc-record-void", "dmarc-policy-missing", "dmarc-policy-invalid", "dmarc-no-mail", "dmarc-no-reports",
		"dmarc-report-uri", "dmarc-report-scheme", "dmarc-report-unauthorised", "dmarc-report-undeliverable",
		"dmarc-subpolicy-invalid", "dmarc-subpolicy-ignored", "dmarc-syntax",
		"dmarc-policy-position", "dmarc-removed-tag", "dmarc-tag-invalid", "dmarc-unknown-tag", "dmarc-psd-wrong")
	add(DMARCRecord, true, "dmarc-policy-none", "dmarc-testing", "dmarc-pct", "dmarc-subdomain-weaker", "dmarc-nonexistent-weak")
	out["dmarc-policy-none"] = append(out["dmarc-policy-none"], mend{fix: DMARCRecord, subject: unread})
	add(MTASTSRecord, false, "mtasts-record-missing", "mtasts-record-multiple", "mtasts-record-invalid")
	add(MTASTSPolicy, false,
		"mtasts-none", "mtasts-policy-invalid", "mtasts-testing", "mtasts-mode-none", "mtasts-max-age-short",
		"mtasts-mx-pattern", "mtasts-mx-stale", "mtasts-mx-mismatch", "mtasts-line-ending")
	for _, rule := range []string{"mtasts-repeated-field", "mtasts-unknown-field"} {
		out[rule] = []mend{{fix: MTASTSRecord, subject: record}, {fix: MTASTSPolicy, subject: policy}}
	}
	add(TLSRPTRecord, false,
		"tlsrpt-none", "tlsrpt-record-invalid", "tlsrpt-destination", "tlsrpt-undeliverable", "tlsrpt-endpoint", "mtasts-no-tlsrpt")
	add(NullMX, false, "mx-null-missing", "mx-null-preference", "mx-null-mixed")
	add(MXRecords, false, "mx-duplicate", "mx-no-address", "mx-null-mixed")
	for _, rule := range []string{"dns-misplaced", "dns-txt-quoting"} {
		for _, fix := range []string{SPFRecord, DMARCRecord, MTASTSRecord, TLSRPTRecord} {
			out[rule] = append(out[rule], mend{fix: fix, subject: "name"})
		}
	}
	return out
}

// claims gives the failing verdicts that a fix of the record at a name can clear.
func (c *composer) claims(fix, name string, risky bool) []Claim {
	var out []Claim
	table := mends()
	for _, res := range c.results {
		if res.Status != checks.Fail {
			continue
		}
		for _, m := range table[res.Rule.ID] {
			if m.fix != fix || m.risky && !risky {
				continue
			}
			for _, v := range res.Verdicts {
				about := m.subject == anywhere || m.subject == "name" && v.Subject == name || m.subject == v.Key
				if claim := (Claim{res.Rule.ID, v.Subject, v.Key}); v.Status == checks.Fail && about && !slices.Contains(out, claim) {
					out = append(out, claim)
				}
			}
		}
	}
	return c.inOrder(out)
}

// without leaves out the claims of some rules.
func without(claims []Claim, rules ...string) []Claim {
	var out []Claim
	for _, c := range claims {
		keep := true
		for _, r := range rules {
			keep = keep && c.Rule != r
		}
		if keep {
			out = append(out, c)
		}
	}
	return out
}
