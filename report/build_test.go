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

func TestAnswers(t *testing.T) {
	at := sampleTime.AddDate(0, 0, 60)
	two := &gather.Evidence{Domain: "example.com", MX: gather.MXSet{Hosts: []gather.Host{
		{Name: "mx1.example.com", Addrs: []gather.Address{talked(t, "192.0.2.1", "mx1.example.com", at)}},
		{Name: "mx2.example.com", Addrs: []gather.Address{talked(t, "192.0.2.2", "mx2.example.com", at)}},
	}}}
	plaintext := talked(t, "192.0.2.1", "mx1.example.com", at)
	plaintext.Session.TLS = nil
	one := &gather.Evidence{Domain: "example.com", MX: gather.MXSet{Hosts: []gather.Host{
		{Name: "mx1.example.com", Addrs: []gather.Address{plaintext}}, {Name: "mx2.example.com", Addrs: []gather.Address{silent("192.0.2.2", "mx2.example.com")}},
	}}}
	bare := &gather.Evidence{Domain: "example.com", MX: gather.MXSet{Hosts: []gather.Host{{Name: "mx1.example.com", Addrs: []gather.Address{plaintext}}}}}
	mixed := &gather.Evidence{Domain: "example.com", MX: gather.MXSet{Hosts: []gather.Host{two.MX.Hosts[1], {Name: "mx1.example.com", Addrs: []gather.Address{plaintext}}}}}
	none := &gather.Evidence{Domain: "example.com", MX: gather.MXSet{Hosts: []gather.Host{{Name: "mx1.example.com", Addrs: []gather.Address{silent("192.0.2.2", "mx2.example.com")}}}}}

	fail := func(id, area string, sev checks.Severity) checks.Result {
		return res(id, area, sev, failing(sev, "example.com"))
	}
	open := func(id, area string) checks.Result {
		return res(id, area, checks.High, unknowing(checks.High, "example.com"))
	}
	tests := []struct {
		name                   string
		e                      *gather.Evidence
		role                   string
		rs                     []checks.Result
		forge, arrive, transit string
	}{
		{"all well", two, "full", healthy(), No, Yes, Yes},
		{"p=none", two, "full", with(healthy(), fail("dmarc-policy-none", "dmarc", checks.Medium)), Yes, Yes, Yes},
		{"no DMARC", two, "full", with(healthy(), fail("dmarc-record-missing", "dmarc", checks.High)), Yes, Yes, Yes},
		{"SPF passes all", two, "full", with(healthy(), fail("spf-passes-all", "spf", checks.Critical)), Yes, Yes, Yes},
		{"subdomains weaker", two, "full", with(healthy(), fail("dmarc-subdomain-weaker", "dmarc", checks.Medium)), Partly, Yes, Yes},
		{"DMARC unknown", two, "full", with(healthy(), open("dmarc-record-missing", "dmarc"), open("dmarc-policy-none", "dmarc")), Unclear, Yes, Yes},
		{"DMARC never checked", two, "full", nil, Unclear, Unclear, Unclear},
		{"a proven fault outweighs an unknown", two, "full", with(healthy(), open("dmarc-record-missing", "dmarc"), fail("spf-passes-all", "spf", checks.Critical)), Yes, Yes, Yes},
		{"SPF broken", two, "full", with(healthy(), fail("spf-lookup-limit", "spf", checks.High)), No, Partly, Yes},
		{"no host up", none, "full", with(healthy(), fail("mx-unreachable", "mx", checks.Critical)), No, No, Unclear},
		{"port 25 blocked", none, "full", with(healthy(), open("mx-unreachable", "mx"), open("smtp-starttls-none", "smtp-tls")), No, Unclear, Unclear},
		{"no TLS, one host silent", one, "full", healthy(), No, Yes, No},
		{"no TLS at all", bare, "full", healthy(), No, Yes, No},
		{"TLS on one of two", mixed, "full", healthy(), No, Yes, Partly},
		{"no policy", two, "full", with(healthy(), fail("mtasts-none", "transport", checks.Medium)), No, Yes, Partly},
		{"policy unknown", two, "full", with(healthy(), open("mtasts-none", "transport")), No, Yes, Unclear},
		{"policy broken for a host", two, "full", with(healthy(), fail("mtasts-mx-mismatch", "transport", checks.High)), No, Partly, Partly},
		{"no mail", &gather.Evidence{}, "no-mail", healthy(), No, NoMatter, NoMatter},
		{"sender on a list", &gather.Evidence{}, "send-only", with(healthy(), fail("dnsbl-listed", "reputation", checks.High)), No, Partly, NoMatter},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := answers(tt.e, tt.role, tt.rs)
			if len(got) != 3 || got[0].Answer != tt.forge || got[1].Answer != tt.arrive || got[2].Answer != tt.transit {
				t.Errorf("answers %+v, want %s, %s, %s", got, tt.forge, tt.arrive, tt.transit)
			}
			for _, a := range got {
				if a.Text == "" || a.Tone == "" {
					t.Errorf("%s: no text or tone: %+v", a.ID, a)
				}
			}
		})
	}
}
