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

// Names below the domain that do mail, as far as the zone's text shows: what the
// domain's own policy is to do with their mail nobody decides at once, also on replay.
func TestMailBelow(t *testing.T) {
	const head = "$ORIGIN example.com.\n$TTL 300\n@ SOA ns1 h 1 7200 900 1209600 300\n@ NS ns1\n@ NS ns2\nns1 A 192.0.2.10\nns2 A 198.51.100.20\nhost A 192.0.2.17\n@ MX 0 .\n@ TXT \"v=spf1 -all\"\n"
	for _, c := range []struct{ name, text, told string }{
		{"none", "www A 192.0.2.18\n", ""},
		{"with an MX record", "shop MX 10 host\n", "shop.example.com"},
		{"with an SPF record", "news TXT \"v=spf1 a:host.example.com -all\"\n", "news.example.com"},
		{"a wildcard that takes mail", "* MX 10 host\n", "*.example.com"},
		{"with a policy of its own", "shop MX 10 host\n_dmarc.shop TXT \"v=DMARC1; p=none; rua=mailto:x@shop.example.com\"\n", ""},
		{"that says it does none", "shop MX 0 .\nshop TXT \"v=spf1 -all\"\n", ""},
		{"a host's record for its greeting", "shop MX 10 host\n_dmarc.shop TXT \"v=DMARC1; p=none\"\nhost TXT \"v=spf1 a -all\"\n", ""},
	} {
		z, err := zone.Read(strings.NewReader(head+c.text), "db", "")
		if err != nil {
			t.Fatal(err)
		}
		options := gather.Options{Offline: true, AllowPrivate: true, Seed: "x"}
		d := both(t, nil, job(audit.Targets([]string{"example.com"}, options), audit.Assumed{Zones: []*zone.Zone{z}})).Domains[0]
		i := slices.IndexFunc(d.Fixes, func(f report.Fix) bool { return f.ID == "dmarc-record" })
		if i < 0 {
			t.Fatalf("%s: no fix of the DMARC record", c.name)
		}
		f := d.Fixes[i]
		want := report.SafeNow
		if c.told != "" {
			want = report.NeedsEvidence
		}
		if f.Safety != want || !strings.Contains(f.Needs, c.told) {
			t.Errorf("%s: %s, needs %q", c.name, f.Safety, f.Needs)
		}
	}
}

// Where a mail host was not asked about, nothing says that its mail goes astray: an
// address of the domain that is known stays good, and none is made up.
func TestMailboxWhereNothingWasAsked(t *testing.T) {
	const head = "$ORIGIN example.com.\n$TTL 300\n@ SOA ns1 h 1 7200 900 1209600 300\n@ NS ns1\n@ NS ns2\nns1 A 192.0.2.10\nns2 A 198.51.100.20\n@ TXT \"v=spf1 ip4:192.0.2.17 ~all\"\n"
	for _, c := range []struct{ name, text, tls, told string }{
		{"a platform's host", "@ MX 1 smtp.google.com.\n_dmarc TXT \"v=DMARC1; p=none; rua=mailto:d@example.com\"\n", report.SafeNow, ""},
		{"a host elsewhere", "@ MX 1 mx.host.test.\n_dmarc TXT \"v=DMARC1; p=none; rua=mailto:d@example.com\"\n", report.SafeNow, ""},
		{"no address known", "@ MX 1 smtp.google.com.\n", report.NeedsInput, "no mail host was seen"},
		{"a private address", "@ MX 1 in\nin A 10.0.0.1\n_dmarc TXT \"v=DMARC1; p=none; rua=mailto:d@example.com\"\n", report.NeedsInput, "does not arrive today"},
	} {
		z, err := zone.Read(strings.NewReader(head+c.text), "db", "")
		if err != nil {
			t.Fatal(err)
		}
		options := gather.Options{Offline: true, AllowPrivate: true, Seed: "x"}
		d := both(t, nil, job(audit.Targets([]string{"example.com"}, options), audit.Assumed{Zones: []*zone.Zone{z}})).Domains[0]
		i := slices.IndexFunc(d.Fixes, func(f report.Fix) bool { return f.ID == "tlsrpt-record" })
		if i < 0 || d.Fixes[i].Safety != c.tls || !strings.Contains(d.Fixes[i].Needs, c.told) {
			t.Errorf("%s: %d %+v", c.name, i, d.Fixes)
		}
	}
}
