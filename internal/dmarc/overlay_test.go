package dmarc

import (
	"strings"
	"testing"

	"mxvet/internal/psl"
	"mxvet/internal/route"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// A zone that is not published yet, and a change to it, are audited like the live
// DNS: wildcards, records of several strings, aliases.
func TestLookupOverlay(t *testing.T) {
	root, err := zone.Parse(strings.NewReader(`
$TTL 300
@ SOA ns.example. h.example. 1 2 3 4 5
example.com. TXT "v=spf1 -all"
*.example.com. TXT "v=spf1 -all"
_dmarc.example.com. TXT "v=DMARC1; p=quar" "antine; np=reject; rua=mailto:r@reports.example.net"
_dmarc.alias.example.com. CNAME _dmarc.example.com.
*._report._dmarc.reports.example.net. TXT "v=DMARC1"
reports.example.net. MX 10 mx.example.net.
`), "test.zone", ".")
	if err != nil {
		t.Fatal(err)
	}
	src := wire.NewOverlay(nil, []*zone.Zone{root}, nil)

	d := Lookup(t.Context(), src, psl.Default(), "example.com")
	if got, want := sum(d.Walk), "example.com at=example.com quarantine/quarantine/reject"; got != want {
		t.Errorf("walk %s, want %s", got, want)
	}
	if x := d.Reports.Destinations[0]; !x.External || !x.Authorisation.Given() || x.Route.State() != route.MX {
		t.Errorf("destination: %+v", x)
	}

	// The wildcard answers at _dmarc.news.example.com too, and makes the name exist.
	d = Lookup(t.Context(), src, psl.Default(), "news.example.com")
	if got, want := sum(d.Walk), "example.com at=example.com quarantine/quarantine/reject"; got != want {
		t.Errorf("below a wildcard: walk %s, want %s", got, want)
	}
	if own := d.Own(); len(own.Records)+len(own.Others) != 0 || d.Exists != Exists {
		t.Errorf("below a wildcard: %+v", own)
	}

	d = Lookup(t.Context(), src, psl.Default(), "alias.example.com")
	if d.Walk.Domain.At != "alias.example.com" || len(d.Own().Chain) != 1 {
		t.Errorf("alias: %+v", d.Own())
	}
	// The policy domain is where the record was asked for, not the alias's target.
	if got, want := d.Reports.Destinations[0].Authorisation.Name, "alias.example.com._report._dmarc.reports.example.net"; got != want {
		t.Errorf("consent asked at %s, want %s", got, want)
	}

	fixed := wire.NewOverlay(src, nil, []zone.Change{{
		Owner: "_dmarc.example.com", Type: "TXT", Remove: []string{"*"}, Add: []string{`"v=DMARC1; p=reject"`}, TTL: 300,
	}})
	d = Lookup(t.Context(), fixed, psl.Default(), "example.com")
	if got, want := sum(d.Walk), "example.com at=example.com reject/reject/reject"; got != want {
		t.Errorf("changed: walk %s, want %s", got, want)
	}
}
