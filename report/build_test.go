package report

import (
	"slices"
	"testing"

	"mxvet/checks"
	"mxvet/internal/gather"
)

func TestFingerprint(t *testing.T) {
	base := Fingerprint("cert-expiry", "mx1.example.com", "")
	if base != Fingerprint("cert-expiry", "mx1.example.com", "") || len(base) != 16 {
		t.Errorf("fingerprint %q", base)
	}
	for _, other := range [][3]string{{"cert-expired", "mx1.example.com", ""}, {"cert-expiry", "mx2.example.com", ""}, {"cert-expiry", "mx1.example.com", "k"}, {"cert-expirymx1.example.com", "", ""}} {
		if Fingerprint(other[0], other[1], other[2]) == base {
			t.Errorf("%v has the same fingerprint", other)
		}
	}
}

// TestBuildFindings holds the order of findings, where costs are put, and that
// every verdict lands in exactly one list.
func TestBuildFindings(t *testing.T) {
	rs := []checks.Result{
		res("spf-ptr", checks.AreaSPF, checks.Medium, failing(checks.Medium, "example.com")),
		res("cert-expiry", checks.AreaTLS, checks.High, failing(checks.Low, "a.example.com"), failing(checks.High, "b.example.com"), unknowing(checks.High, "c.example.com"), passing("d.example.com")),
		res("dmarc-pct", checks.AreaDMARC, checks.Medium, failing(checks.Medium, "example.com")),
		res("mx-single", checks.AreaHosts, checks.Info, passing("example.com")),
		res("smtp-smuggling", checks.AreaTLS, checks.High, said(checks.NotAsked, "", "example.com", "needs --deep")),
		res("mx-null-mixed", checks.AreaHosts, checks.High, said(checks.NotApplicable, "", "example.com", "no null MX")),
	}
	d := Build(&gather.Evidence{Domain: "example.com", Role: gather.Role{Name: gather.Full}}, rs, rubric(t))
	var got []string
	for _, f := range d.Findings {
		got = append(got, f.Rule+" "+f.Subject+" "+f.Cost.String())
	}
	want := []string{"cert-expiry b.example.com 6", "dmarc-pct example.com 3.75", "spf-ptr example.com 3", "cert-expiry a.example.com 0"}
	if !slices.Equal(got, want) {
		t.Errorf("findings %q, want %q", got, want)
	}
	if len(d.Unknown) != 1 || d.Unknown[0].Subject != "c.example.com" || d.Unknown[0].Reason == "" {
		t.Errorf("unknown: %+v", d.Unknown)
	}
	if len(d.NotAsked) != 1 || d.NotAsked[0].Reason != "needs --deep" || len(d.NotApplicable) != 1 || !slices.Equal(d.Passed, []string{"mx-single"}) {
		t.Errorf("not asked %+v, not applicable %+v, passed %q", d.NotAsked, d.NotApplicable, d.Passed)
	}
}

func TestSuffixes(t *testing.T) {
	for _, tt := range []struct {
		o    gather.Options
		want []string
	}{
		{gather.Options{}, nil},
		{gather.Options{NoSMTP: true}, []string{"DNS only"}},
		{gather.Options{NoSMTP: true, Offline: true}, []string{"zone only"}},
		{gather.Options{Skip: []string{"spf", "dkim"}}, []string{"without dkim", "without spf"}},
	} {
		if got := suffixes(tt.o); !slices.Equal(got, tt.want) {
			t.Errorf("%+v: %q, want %q", tt.o, got, tt.want)
		}
	}
}
