package checks_test

import (
	"path/filepath"
	"strings"
	"testing"

	"mxvet/checks"
)

// What verdicts about zone text and keys name as the cause.
func TestMessages(t *testing.T) {
	for _, c := range []struct{ scenario, rule, says, hush string }{
		{"dns-zone-quotes-curly", "dns-zone-quotes", "quote marks “ ” in place of straight ones", "semicolon"},
		{"dns-zone-quotes-spf", "dns-zone-quotes", "no quotes: words join without the blanks", "semicolon"},
		{"dns-zone-quotes", "dns-zone-quotes", "no quotes: what stands behind the first semicolon is a comment", "words join"},
		{"dns-txt-quoting-curly", "dns-txt-quoting", "begins with the quote mark “", "0x"},
		{"dns-zone-text-soa", "dns-zone-text", "there is a second SOA record", ""},
		{"dns-zone-text-apex", "dns-zone-text", "the SOA record stands at example.com.example.com.", "root"},
		{"dkim-none-zone", "dkim-none", "the zone file has none but revoked ones", ""},
		{"dkim-none-zone-empty", "dkim-none", "the zone file has no selector", "revoked"},
		{"dmarc-report-undeliverable-local", "dmarc-report-undeliverable", "does not exist", "registers"},
		{"dkim-alias-provider", "dkim-alias", "leave the alias", "nobody can"},
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
