package checks_test

import (
	"path/filepath"
	"strings"
	"testing"

	"mxvet/checks"
)

// What a verdict about DMARC says where readers of the standards differ, or where
// the owner has a remedy of his own.
func TestDMARCMessages(t *testing.T) {
	for _, c := range []struct{ scenario, rule, says, hush string }{
		{"dmarc-version-capital", "dmarc-version", "some receivers take and others do not", "ignore the text"},
		{"dmarc-version-capital", "dmarc-record-missing", "only some receivers take the text at _dmarc.example.com", "do not take"},
		{"dmarc-version", "dmarc-version", "receivers ignore the text", "some receivers"},
		{"dmarc-version", "dmarc-record-missing", "receivers do not take the text at _dmarc.example.com", "some"},
		{"dmarc-discovery-differs-suffix", "dmarc-discovery-differs", "psd=n in the record of shop.example.ck", ""},
		{"dmarc-discovery-differs-suffix-bare", "dmarc-discovery-differs", "psd=n in the record of shop.example.ck", ""},
		{"dmarc-discovery-differs", "dmarc-discovery-differs", "by tree walk", "psd=n"},
		{"dmarc-report-unauthorised-other-host", "dmarc-report-unauthorised", "sends the aggregate reports on to \"mailto:dmarc@third.example\"", "none are asked for"},
		{"dmarc-report-unauthorised-failure-reports", "dmarc-report-unauthorised", "sends the failure reports on", "none are asked for"},
		{"dmarc-report-unauthorised-other-tag", "dmarc-report-unauthorised", "agrees, and would send failure reports on", "nobody gets them"},
		{"dmarc-policy-none-sent-on", "dmarc-policy-none", "sends them on to another domain", ""},
		{"dmarc-policy-none-psd", "dmarc-policy-none", "do nothing about forged mail", "rua"},
		{"dmarc-policy-quarantine", "dmarc-policy-quarantine", "users do not post to mailing lists", "reject would refuse"},
		{"dmarc-without-dkim", "dmarc-without-dkim", "reject must not rest on SPF alone", ""},
		{"dmarc-without-dkim-quarantine", "dmarc-without-dkim", "forwarded mail fails", "must not"},
		{"dmarc-syntax", "dmarc-syntax", "receivers skip it, but strict ones refuse", ""},
		{"dmarc-syntax-duplicate", "dmarc-syntax", "the first, the last, or refuse", "skip"},
		{"dmarc-syntax-trailing", "dmarc-syntax", "more than one semicolon at the end", "strict"},
		{"dmarc-failure-reports-psd", "dmarc-failure-reports", "must not ask for failure reports", "copies of single messages"},
		{"dmarc-failure-reports-suffix", "dmarc-failure-reports", "others register names below example.ck", "copies of single messages"},
		{"tlsrpt-none-misplaced", "tlsrpt-none", "a record stands at example.com, where no sender looks", ""},
		{"tlsrpt-none", "tlsrpt-none", "there is no TLS-RPT record at _smtp._tls.example.com", "a record stands"},
		{"dmarc-failure-reports", "dmarc-failure-reports", "copies of single messages", "must not"},
	} {
		t.Run(c.scenario+" "+c.rule, func(t *testing.T) {
			res := judge(t, load(t, filepath.Join(scenarios, c.scenario+".txtar")))[c.rule]
			said := explain(res)
			if res.Status != checks.Fail || !strings.Contains(said, c.says) || c.hush != "" && strings.Contains(said, c.hush) {
				t.Errorf("%s, want %q and not %q:\n%s", res.Status, c.says, c.hush, said)
			}
		})
	}
}
