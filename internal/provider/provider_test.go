package provider

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	hostPattern := regexp.MustCompile(`^(\*\.)?[a-z0-9_-]+(\.([a-z0-9_-]+|\*))+$`)
	selector := regexp.MustCompile(`^[a-z0-9]([a-z0-9_.-]*[a-z0-9])?$`)
	date := regexp.MustCompile(`^20\d\d-(0[1-9]|1[0-2])$`)
	kinds := []string{KindMailbox, KindFilter, KindForward, KindSender}
	offered := []string{Yes, No, Unknown}

	ids, names := map[string]bool{}, map[string]bool{}
	mx, spf, targets := map[string]string{}, map[string]string{}, map[string]string{}
	hosts, senders := 0, 0
	for _, p := range Default().Providers {
		if p.ID == "" || p.ID != strings.ToLower(p.ID) || ids[p.ID] || p.Name == "" || names[p.Name] {
			t.Errorf("id %q or name %q is empty, not lower-case or taken", p.ID, p.Name)
		}
		ids[p.ID], names[p.Name] = true, true
		if !slices.Contains(kinds, p.Kind) || !slices.Contains(offered, p.DANE) || !slices.Contains(offered, p.MTASTS) {
			t.Errorf("%s: kind %q, dane %q or mta_sts %q is no known value", p.ID, p.Kind, p.DANE, p.MTASTS)
		}
		if p.Source == "" || strings.Contains(p.Source, "://") || !date.MatchString(p.Date) {
			t.Errorf("%s: source %q or date %q", p.ID, p.Source, p.Date)
		}
		if len(p.MX)+len(p.SPF)+len(p.Selectors) == 0 {
			t.Errorf("%s: nothing to detect it by and no selector", p.ID)
		}
		if p.Kind == KindSender {
			senders++
		} else if hosts++; len(p.MX) == 0 {
			t.Errorf("%s: a %s without MX patterns", p.ID, p.Kind)
		}
		for _, list := range []struct {
			what  string
			names []string
			taken map[string]string
		}{{"mx", p.MX, mx}, {"spf", p.SPF, spf}, {"dkim_targets", p.DKIMTargets, targets}} {
			for _, pattern := range list.names {
				if !hostPattern.MatchString(pattern) {
					t.Errorf("%s: %s pattern %q", p.ID, list.what, pattern)
				}
				if who := list.taken[pattern]; who != "" {
					t.Errorf("%s: %s pattern %q belongs to %s already", p.ID, list.what, pattern, who)
				}
				list.taken[pattern] = p.ID
			}
		}
		own := map[string]bool{}
		for _, s := range p.Selectors {
			if !selector.MatchString(s) || own[s] {
				t.Errorf("%s: selector %q is malformed or comes twice", p.ID, s)
			}
			own[s] = true
		}
	}
	if hosts < 35 || senders < 15 {
		t.Errorf("%d mail hosts and %d senders, want at least 35 and 15", hosts, senders)
	}

	common := map[string]bool{}
	for _, c := range Default().Common {
		if !selector.MatchString(c.Name) || common[c.Name] || c.Source == "" || !date.MatchString(c.Date) {
			t.Errorf("common selector %+v is malformed or comes twice", c)
		}
		common[c.Name] = true
	}
	if n := len(common); n < 20 || n > 40 {
		t.Errorf("%d common selectors, want 20 to 40", n)
	}
}

// A host that matches patterns of two providers would be named by luck.
func TestNoOverlap(t *testing.T) {
	for _, p := range Default().Providers {
		for _, pattern := range p.MX {
			host := strings.ReplaceAll(pattern, "*", "wild")
			for _, q := range Default().Providers {
				if q != p && slices.ContainsFunc(q.MX, func(other string) bool { return match(other, host) }) {
					t.Errorf("%s of %s also matches %s", host, p.ID, q.ID)
				}
			}
		}
	}
}

func TestParseIsStrict(t *testing.T) {
	for name, text := range map[string]string{
		"unknown field":   "providers:\n- {id: a, colour: red}\n",
		"unknown section": "provider: []\n",
		"two documents":   "providers: []\n---\nproviders: []\n",
		"not yaml":        "\t{",
	} {
		if _, err := parse([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestLookups(t *testing.T) {
	table := Default()
	id := func(p *Provider) string {
		if p == nil {
			return ""
		}
		return p.ID
	}
	for _, tt := range []struct {
		by         func(string) *Provider
		name, want string
	}{
		{table.ByMX, "aspmx.l.google.com", "google"},
		{table.ByMX, "ALT1.ASPMX.L.GOOGLE.COM.", "google"},
		{table.ByMX, "aspmx.l.google.com.example.net", ""},
		{table.ByMX, "notaspmx.l.google.com", ""},
		{table.ByMX, "example-com.mail.protection.outlook.com", "microsoft"},
		{table.ByMX, "example-com.a-v1.mx.microsoft", "microsoft"},
		{table.ByMX, "mail.protection.outlook.com", ""},
		{table.ByMX, "evilmx.microsoft.example", ""},
		{table.ByMX, "eu-smtp-inbound-1.mimecast.com", "mimecast"},
		{table.ByMX, "inbound-smtp.eu-west-1.amazonaws.com", "amazon-workmail"},
		{table.ByMX, "ec2-1.eu-west-1.compute.amazonaws.com", ""},
		{table.ByMX, "inbound-smtp.a.b.amazonaws.com", ""},
		{table.ByMX, "mx1.example.com", ""},
		{table.ByMX, "", ""},
		{table.ByMX, ".", ""},
		{table.BySPF, "_spf.google.com", "google"},
		{table.BySPF, "x._spf.google.com", ""},
		{table.BySPF, "eu._netblocks.mimecast.com", "mimecast"},
		{table.BySPF, "u1234.wl.sendgrid.net", "sendgrid"},
		{table.BySPF, "amazonses.com", "amazon-ses"},
		{table.ByDKIMTarget, "selector1-example-com._domainkey.example.onmicrosoft.com", "microsoft"},
		{table.ByDKIMTarget, "dkim2.mcsv.net", "mailchimp"},
		{table.ByDKIMTarget, "abc.dkim.amazonses.com", "amazon-ses"},
		{table.ByDKIMTarget, "dkim.example.org", ""},
		{table.ByID, "proton", "proton"},
		{table.ByID, "nobody", ""},
	} {
		if got := id(tt.by(tt.name)); got != tt.want {
			t.Errorf("%q gives %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestSelectors(t *testing.T) {
	table := Default()
	common := table.Selectors(nil)
	if len(common) != len(Default().Common) || common[0].Name != "default" || common[0].Provider != "" {
		t.Fatalf("without providers: %+v", common)
	}
	got := table.Selectors([]*Provider{table.ByID("microsoft"), nil, table.ByID("sendgrid")})
	var names []string
	seen := map[string]bool{}
	for _, s := range got {
		if seen[s.Name] {
			t.Errorf("%s comes twice", s.Name)
		}
		seen[s.Name] = true
		names = append(names, s.Name)
		if s.Source == "" || s.Date == "" {
			t.Errorf("%s has no source or date", s.Name)
		}
	}
	if want := []string{"selector1", "selector2", "s1", "s2", "smtpapi", "default"}; !slices.Equal(names[:6], want) {
		t.Errorf("order %v, want it to begin with %v", names, want)
	}
	if got[0].Provider != "microsoft" || got[2].Provider != "sendgrid" {
		t.Errorf("providers %q and %q", got[0].Provider, got[2].Provider)
	}
}

func TestControls(t *testing.T) {
	table := Default()
	hosts := table.Controls()
	if len(hosts) < 2 || hosts[0] != table.ByID("google").Control {
		t.Errorf("control hosts %v", hosts)
	}
	for _, host := range hosts {
		if table.ByMX(host) == nil {
			t.Errorf("control %s is no MX host that the table knows", host)
		}
	}
}
