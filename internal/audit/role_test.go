package audit_test

import (
	"bytes"
	"strings"
	"testing"

	"mxvet/checks"
	"mxvet/internal/audit"
	"mxvet/internal/fakenet"
	"mxvet/internal/fix"
	"mxvet/internal/gather"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
	"mxvet/report"
)

// A zone in which nothing suggests mail: the first thing said is how to have it
// judged as a mail domain, and nothing is offered as safe that would shut mail out.
func TestNothingSuggestsMail(t *testing.T) {
	const text = "$ORIGIN example.com.\n@ SOA ns1 h 1 7200 3600 1209600 300\n@ NS ns1\nns1 A 192.0.2.53\nwww A 192.0.2.80\n"
	for _, more := range []string{"", "_dmarc TXT \"v=DMARC1; p=reject\"\n", "* TXT \"hello\"\n"} {
		o := gather.Options{Offline: true, AllowPrivate: true, Seed: "x"}
		r := both(t, nil, job(audit.Targets([]string{"example.com"}, o), audit.Assumed{Zones: []*zone.Zone{parsed(t, text+more)}}))
		d := r.Domains[0]
		if d.Profile.Role != gather.NoMail || !d.Profile.Unproven {
			t.Errorf("%q: profile %+v", more, d.Profile)
		}
		var out bytes.Buffer
		if err := report.Text(&out, r, report.TextOptions{}); err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(out.String(), "SCORE")
		if !strings.Contains(head, "nothing here receives or sends mail; if it should: --profile full") || !strings.Contains(head, "no-mail profile, not proven") {
			t.Errorf("%q: the report begins\n%s", more, head)
		}
		for _, f := range d.Findings {
			if strings.HasPrefix(f.Rule, "mx-") || strings.HasPrefix(f.Rule, "dkim-") {
				t.Errorf("%q: %s %s: %s", more, f.Rule, f.Severity, f.Message)
			}
		}
		for _, f := range d.Fixes {
			if f.Safety == fix.SafeNow && (f.ID == fix.SPFRecord || f.ID == fix.NullMX) {
				t.Errorf("%q: %s is offered as %s", more, f.ID, f.Safety)
			}
		}
	}
}

// What a domain can do with mail is shown by score and by what could not be asked.
func TestNoArrival(t *testing.T) {
	for _, c := range []struct {
		name, world string
		rule        string
		severity    checks.Severity
		most        int
		unanswered  string
	}{
		{
			"a web server of a domain without mail", "A world.\n-- base --\nno-mail\n-- patch --\n- @ MX\n- @ AAAA\n",
			"mx-null-missing", checks.Medium, 100, "",
		},
		{
			"private addresses alone", "A world.\n-- base --\nmodel\n-- patch --\n- @ MX\n@ IN MX 10 in1\nin1 IN A 10.1.2.3\n",
			"mx-special-address", checks.Critical, 20, "smtp-tls",
		},
		{
			"no host has an address", "A world.\n-- base --\nmodel\n-- patch --\n- @ MX\n@ IN MX 10 gone\n",
			"mx-no-address", checks.Critical, 20, "",
		},
		{
			"an address in the place of a name", "A world.\n-- base --\nmodel\n-- patch --\n- @ MX\n@ IN MX 10 192.0.2.17.\n",
			"mx-not-hostname", checks.Critical, 20, "",
		},
		{
			"IPv6 alone", "A world.\n-- base --\nmodel\n-- patch --\n- @ MX\n@ IN MX 10 six\nsix IN AAAA 2001:db8:25::17\n",
			"mx-no-ipv4", checks.High, 100, "",
		},
		{
			"name servers that drop everything", "A world.\n-- base --\nmodel\n-- dns.yaml --\nfaults:\n- {zone: example.com, at: ns1.example.com, fault: timeout}\n- {zone: example.com, at: ns2.example.com, fault: timeout}\n- {zone: example.com, at: resolver, fault: timeout}\n",
			"dns-servers-fail", checks.Critical, 20, "dmarc spf dkim smtp-tls transport mx information",
		},
		{
			"a resolver that denies the domain", "A world.\n-- base --\nmodel\n-- dns.yaml --\nfaults:\n- {zone: example.com, at: resolver, fault: nxdomain}\n",
			"", "", 100, "dmarc spf dkim smtp-tls transport mx reputation information",
		},
		{
			"answers that fail validation", "A world.\n-- base --\nmodel\n-- dns.yaml --\nfaults:\n- {zone: example.com, at: resolver, checked: true, fault: servfail}\n",
			"dnssec-bogus", checks.High, 20, "dmarc spf dkim smtp-tls transport mx information",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, c.world, func(t *testing.T, world *fakenet.World, live wire.Source) {
				o, err := audit.WorldOptions(world.Options)
				if err != nil {
					t.Fatal(err)
				}
				d := both(t, live, job(audit.Targets(world.Domains[:1], o), audit.Assumed{})).Domains[0]
				found := c.rule == "" && len(d.Findings) == 0
				for _, f := range d.Findings {
					found = found || f.Rule == c.rule && f.Severity == string(c.severity)
				}
				if !found || d.Score.High > c.most || strings.Join(d.Unanswered, " ") != c.unanswered {
					t.Errorf("found %v, score %d, unanswered %q", found, d.Score.High, d.Unanswered)
				}
			})
		})
	}
}
