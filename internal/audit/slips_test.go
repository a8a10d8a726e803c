package audit_test

import (
	"slices"
	"strings"
	"testing"

	"mxvet/internal/audit"
	"mxvet/internal/gather"
	"mxvet/internal/zone"
	"mxvet/report"
)

// Zone text as people have it: each slip is a finding, also on replay, and the fix
// that gives back what was meant is verified.
func TestZoneSlips(t *testing.T) {
	const head = "$ORIGIN example.com.\n$TTL 300\n@ SOA ns1 h 1 7200 900 1209600 300\n@ NS ns1\n@ NS ns2\nns1 A 192.0.2.10\nns2 A 198.51.100.20\nmx1 A 192.0.2.17\n"
	const (
		mx    = "@ MX 10 mx1\n"
		spf   = "@ TXT \"v=spf1 ip4:192.0.2.17 ~all\"\n"
		dmarc = "_dmarc TXT \"v=DMARC1; p=none; rua=mailto:dmarc@example.com\"\n"
		key   = "k=ed25519; p=TG/IJHoXDigGe0+0Yu4foWO8hp8nlUTF5IZmTftAzLk="
	)
	for _, c := range []struct {
		name, text string
		rule       string
		fix        string   // id of a fix that must be verified, "" for none
		never      []string // rules that must not fail
	}{
		{"SPF without quotes", head + mx + dmarc + "@ TXT v=spf1 ip4:192.0.2.17 ~all\n", "dns-zone-quotes", "spf-record", nil},
		{"DMARC without quotes", head + mx + spf + "_dmarc TXT v=DMARC1; p=none; rua=mailto:dmarc@example.com\n", "dns-zone-quotes", "dmarc-record", nil},
		{"a key without quotes", head + mx + spf + dmarc + "k1._domainkey TXT " + key + "\n", "dns-zone-quotes", "dkim-record", nil},
		{"a host without its final dot", head + spf + dmarc + "@ MX 10 mx1.example.com\n", "dns-final-dot", "final-dot", nil},
		{"a known platform's host without its final dot", head + spf + dmarc + "@ MX 10 aspmx.l.google.com\n", "dns-final-dot", "", nil},
		{"types of a panel", head + mx + "@ SPF \"v=spf1 ip4:192.0.2.17 ~all\"\n_dmarc DMARC \"v=DMARC1; p=none; rua=mailto:dmarc@example.com\"\n", "dns-zone-text", "", []string{"spf-record-missing", "spf-type99", "dmarc-record-missing"}},
		{"a text for an alias", head + mx + spf + dmarc + "k.keys TXT \"" + key + "\"\nk1._domainkey TXT \"k.keys.example.com.\"\n", "dkim-text-for-alias", "dkim-record", nil},
		{"quotes in the value of a key", head + mx + spf + dmarc + "k1._domainkey TXT \"\\\"v=DKIM1; " + key + "\\\"\"\n", "dns-txt-quoting", "dkim-record", nil},
	} {
		z, err := zone.Read(strings.NewReader(c.text), "db", "")
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		options := gather.Options{Offline: true, AllowPrivate: true, Seed: "x"}
		d := both(t, nil, job(audit.Targets([]string{"example.com"}, options), audit.Assumed{Zones: []*zone.Zone{z}})).Domains[0]
		fails := func(rule string) bool {
			return slices.ContainsFunc(d.Findings, func(f report.Finding) bool { return f.Rule == rule })
		}
		if !fails(c.rule) {
			t.Errorf("%s: %s does not fail", c.name, c.rule)
		}
		for _, rule := range c.never {
			if fails(rule) {
				t.Errorf("%s: %s fails", c.name, rule)
			}
		}
		i := slices.IndexFunc(d.Fixes, func(f report.Fix) bool { return f.ID == c.fix })
		switch {
		case c.fix == "":
		case i < 0:
			t.Errorf("%s: no fix %s", c.name, c.fix)
		case !d.Fixes[i].Verified || !slices.Contains(d.Fixes[i].Rules, c.rule):
			t.Errorf("%s: fix %s clears %v, not verified: %s", c.name, c.fix, d.Fixes[i].Rules, d.Fixes[i].Unverified)
		}
	}
}

// The zone text shows that there is no DKIM key, unless part of the names is not in it.
func TestZoneKeys(t *testing.T) {
	const head = "$ORIGIN example.com.\n$TTL 300\n@ SOA ns1 h 1 7200 900 1209600 300\n@ NS ns1\n@ NS ns2\nns1 A 192.0.2.10\nns2 A 198.51.100.20\nmx1 A 192.0.2.17\n@ MX 10 mx1\n@ TXT \"v=spf1 ip4:192.0.2.17 -all\"\n_dmarc TXT \"v=DMARC1; p=reject; rua=mailto:dmarc@example.com\"\n"
	const (
		revoked = "s1._domainkey TXT \"v=DKIM1; k=rsa; p=\"\n"
		key     = "s2._domainkey TXT \"v=DKIM1; k=ed25519; p=TG/IJHoXDigGe0+0Yu4foWO8hp8nlUTF5IZmTftAzLk=\"\n"
	)
	for _, c := range []struct {
		name, text string
		assume     []string
		fails      bool
	}{
		{"all are revoked", revoked, nil, true},
		{"several are revoked", revoked + strings.Replace(revoked, "s1", "s0", 1), nil, true},
		{"only a leftover", "_domainkey TXT \"o=~\"\n", nil, true},
		{"one is not revoked", revoked + key, nil, false},
		{"the key comes with the records", revoked, []string{"s2._domainkey.example.com TXT \"v=DKIM1; k=ed25519; p=TG/IJHoXDigGe0+0Yu4foWO8hp8nlUTF5IZmTftAzLk=\""}, false},
		{"an alias to elsewhere", revoked + "s3._domainkey CNAME s3.keys.example.net.\n", nil, false},
		{"names are handed on", "_domainkey NS ns.example.net.\n", nil, false},
		{"names below are handed on", revoked + "sub._domainkey NS ns.example.net.\n", nil, false},
		{"a wildcard", revoked + "*._domainkey CNAME keys.example.net.\n", nil, false},
		{"moved", "_domainkey DNAME keys.example.net.\n", nil, false},
	} {
		z, err := zone.Read(strings.NewReader(head+c.text), "db", "")
		if err != nil {
			t.Fatal(err)
		}
		changes, err := zone.ParseChanges(c.assume)
		if err != nil {
			t.Fatal(err)
		}
		options := gather.Options{Offline: true, AllowPrivate: true, Seed: "x"}
		d := both(t, nil, job(audit.Targets([]string{"example.com"}, options), audit.Assumed{Zones: []*zone.Zone{z}, Changes: changes})).Domains[0]
		for _, rule := range []string{"dkim-none", "dmarc-without-dkim"} {
			if got := slices.ContainsFunc(d.Findings, func(f report.Finding) bool { return f.Rule == rule && f.Severity != "info" }); got != c.fails {
				t.Errorf("%s: %s fails: %v", c.name, rule, got)
			}
		}
	}
}
