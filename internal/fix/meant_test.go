package fix_test

import (
	"slices"
	"testing"

	"mxvet/checks"
	"mxvet/internal/fix"
	"mxvet/internal/gather"
)

// What an SPF text means: slips corrected, nobody left out but whom nobody can read,
// and all at the end.
func TestMeant(t *testing.T) {
	for _, c := range []struct {
		zone string
		want []string
	}{
		{`@ IN TXT "v=spf1 mx -all"`, []string{"v=spf1 mx -all"}},
		{`@ IN TXT "v=spf1 ipv4:192.0.2.25 -all a:gone.example.com"`, []string{"v=spf1 ip4:192.0.2.25 a:gone.example.com -all"}},
		{`@ IN TXT "v=spf1 -all ipv4:192.0.2.25"`, []string{"v=spf1 ip4:192.0.2.25 -all"}},
		{`@ IN TXT "v=spf1 include=s.example.com ?all exp=e.example.com"`, []string{"v=spf1 include:s.example.com ?all exp=e.example.com"}},
		{`@ IN TXT "v=spf1 ip4:mail mx ~all"`, []string{"v=spf1 mx ~all"}},
		{`@ IN TXT "v=spf1; mx ~all"`, []string{"v=spf1 mx ~all"}},
		{"@ IN TXT v=spf1 mx ~all", []string{"v=spf1 mx ~all"}},
		{"@ IN TXT \"v=spf1 mx ~all\"\n@ IN TXT \"v=spf1 a -all\"", []string{"v=spf1 a -all", "v=spf1 mx ~all"}},
		{`@ IN TXT "token=1"`, nil},
	} {
		var got []string
		proposeAs(t, gather.Options{}, mail+reject+c.zone, "", func(e *gather.Evidence, rules []checks.Rule) []checks.Result {
			for _, changes := range fix.Meant(e) {
				got = append(got, texts(changes[0].Add)...)
			}
			return checks.Run(e, rules)
		})
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.zone, got, c.want)
		}
	}
}
