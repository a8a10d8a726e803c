package checks_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mxvet/checks"
)

// What the lists do say about an address is told, whatever others fail to say.
func TestListsThatAnswered(t *testing.T) {
	for _, c := range []struct {
		scenario, subject, key string
		status                 checks.Status
		words                  []string
	}{
		{"dnsbl-listed-clean", "mx1.example.com [192.0.2.17]", "", checks.Pass, []string{"looked up on 6 lists that work, and found on none"}},
		{"dnsbl-listed-servfail", "mx1.example.com [192.0.2.17]", "", checks.Pass, []string{"looked up on 5 lists that work", "not checked: Spamhaus ZEN"}},
		{"dnsbl-listed-servfail", "mx1.example.com [192.0.2.17]", "spamhaus-zen", checks.Unknown, []string{"Spamhaus ZEN not checked", "looked up on 5 lists that work, and found on none"}},
		{"dnsbl-listed-servfail", "mx2.example.com [192.0.2.18]", "", checks.Pass, []string{"looked up on 6 lists that work, and found on none"}},
		{"dnsbl-listed-refused-codes", "example.com", "lists", checks.Unknown, []string{"not found on the lists that answered: mx1.example.com [192.0.2.17], "}},
	} {
		res := judge(t, load(t, filepath.Join(scenarios, c.scenario+".txtar")))["dnsbl-listed"]
		i := slices.IndexFunc(res.Verdicts, func(v checks.Verdict) bool { return v.Subject == c.subject && v.Key == c.key && v.Status == c.status })
		if i < 0 {
			t.Errorf("%s: no verdict %s about %s %s\n%s", c.scenario, c.status, c.subject, c.key, explain(res))
			continue
		}
		for _, words := range c.words {
			if !strings.Contains(res.Verdicts[i].Message, words) {
				t.Errorf("%s, %s %s: %q does not say %q", c.scenario, c.subject, c.key, res.Verdicts[i].Message, words)
			}
		}
	}
}
