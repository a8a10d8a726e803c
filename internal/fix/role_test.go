package fix_test

import (
	"slices"
	"strings"
	"testing"

	"mxvet/checks"
	"mxvet/internal/fix"
	"mxvet/internal/gather"
	"mxvet/internal/wire"
)

// A name without any sign of mail: three records state that it does none, as one
// fix, which nobody is told to publish without a thought.
func TestNoSignOfMail(t *testing.T) {
	absent := func(e *gather.Evidence, rules []checks.Rule) []checks.Result {
		e.Role = gather.Role{Name: gather.NoMail, Unproven: true, Why: "nothing suggests mail"}
		return checks.Run(e, rules)
	}
	const three = "+ example.com MX 0 .\n+ example.com TXT \"v=spf1 -all\"\n+ _dmarc.example.com TXT \"v=DMARC1; p=reject\""
	for _, c := range []struct{ name, zone, want string }{
		{"nothing there", "www IN A 192.0.2.80", three},
		{"other texts stay", `@ IN TXT "token=1"`, three},
		{"a policy stands", `_dmarc IN TXT "v=DMARC1; p=reject"`, "+ example.com MX 0 .\n+ example.com TXT \"v=spf1 -all\""},
	} {
		fixes := proposeAs(t, gather.Options{}, c.zone, "", absent)
		f, found := fixes[fix.NoMailRecords]
		if !found || short(f) != c.want || f.Safety != fix.NeedsInput || !strings.Contains(f.Needs, "only if this name shall never do mail") || !f.Record() {
			t.Errorf("%s: %+v", c.name, fixes)
		}
		for _, id := range []string{fix.SPFRecord, fix.DMARCRecord, fix.NullMX} {
			if _, also := fixes[id]; also {
				t.Errorf("%s: %s proposed beside it", c.name, id)
			}
		}
	}
	if f, found := proposeAs(t, gather.Options{}, "@ IN MX 0 .\n@ IN TXT \"v=spf1 ~all\"\n_dmarc IN TXT \"v=DMARC1; p=reject\"", "", absent)[fix.NoMailRecords]; found {
		t.Errorf("all three are there: %+v", f)
	}
	if fixes := propose(t, gather.Options{Profile: gather.NoMail}, "www IN A 192.0.2.80", ""); fixes[fix.NoMailRecords].ID != "" || fixes[fix.SPFRecord].Safety != fix.SafeNow {
		t.Errorf("the operator's word is enough: %+v", fixes)
	}
}

// Of a name that does not exist nothing is to be mended but that, and all that fails
// comes of it.
func TestNoSuchName(t *testing.T) {
	fixes := proposeAs(t, gather.Options{}, mail, "", func(e *gather.Evidence, rules []checks.Rule) []checks.Result {
		e.MX.Answer.Rcode, e.MX.Answer.Answer, e.MX.Records, e.MX.Hosts = "NXDOMAIN", nil, nil, nil
		for _, a := range []*wire.Answer{&e.Apex.A, &e.Apex.AAAA, &e.Apex.TXT} {
			*a = wire.Answer{Rcode: "NXDOMAIN"}
		}
		return checks.Run(e, rules)
	})
	f := fixes["steps-dns-nxdomain"]
	if len(fixes) != 1 || len(f.Claims) < 2 || f.Claims[0].Rule != "dns-nxdomain" {
		t.Errorf("got %+v", fixes)
	}
}

// A sender that the operator named is added before the end of the record.
func TestNamedSender(t *testing.T) {
	judge := func(subjects ...string) func(*gather.Evidence, []checks.Rule) []checks.Result {
		return func(e *gather.Evidence, rules []checks.Rule) []checks.Result {
			results := slices.DeleteFunc(checks.Run(e, rules), func(r checks.Result) bool { return r.Rule.ID == "spf-sender-not-passed" })
			res := checks.Result{Rule: checks.Rule{ID: "spf-sender-not-passed", Area: checks.AreaSPF, Severity: checks.High}, Status: checks.Fail, Severity: checks.High}
			for _, s := range subjects {
				res.Verdicts = append(res.Verdicts, checks.Verdict{Subject: s, Status: checks.Fail, Severity: checks.High})
			}
			return append(results, res)
		}
	}
	for _, c := range []struct {
		record, want string
		senders      []string
	}{
		{"v=spf1 mx -all", "v=spf1 mx ip4:198.51.100.9 -all", []string{"198.51.100.9"}},
		{"v=spf1 mx ~all", "v=spf1 mx ip4:198.51.100.9 ip6:2001:db8::9 ~all", []string{"198.51.100.9", "2001:db8::9"}},
	} {
		f := proposeAs(t, gather.Options{}, mail+reject+`@ IN TXT "`+c.record+`"`, "", judge(c.senders...))[fix.SPFRecord]
		if len(f.Changes) != 1 || f.Changes[0].Add[0] != fix.Quote(c.want) || f.Safety != fix.SafeNow || len(f.Claims) < len(c.senders) || f.Claims[0].Rule != "spf-sender-not-passed" {
			t.Errorf("%s: %+v", c.record, f)
		}
	}
}

// A key that is too weak is replaced by a record: the remedy is one in the DNS, even
// if its key is made where mail is signed.
func TestWeakKeys(t *testing.T) {
	const short512 = `"v=DKIM1; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAPGdvb0qxR/ORYC7KJ88YoPIyWMXi71zSy1E9hI2MpM33flUYEKSTNleVYLbDXxbhGcbZJ+WN5l+ccWuayVrA90CAwEAAQ=="`
	o := gather.Options{Selectors: []string{"s1"}}
	own := propose(t, o, mail+aligned+reject+"s1._domainkey IN TXT "+short512, "")
	f := own[fix.DKIMKeys]
	revoked := "- s1._domainkey.example.com TXT " + short512 + "\n+ s1._domainkey.example.com TXT \"v=DKIM1; p=\""
	if short(f) != revoked || f.Safety != fix.SafeNow || len(f.Next) > 0 || f.Claims[0].Rule != "dkim-key-short" {
		t.Errorf("a key of 512 bits that no verifier takes, where SPF passes: %+v", f)
	}
	later := "then " + strings.ReplaceAll(revoked, "\n", "\nthen ")
	f = propose(t, o, mail+reject+"s1._domainkey IN TXT "+short512, "")[fix.DKIMKeys]
	if short(f) != later || f.Safety != fix.NeedsInput || !f.Record() || len(f.Steps) < 2 || f.Claims[0].Rule != "dkim-key-short" {
		t.Errorf("a key of 512 bits, and nothing else that passes: %+v", f)
	}
	if _, also := own["steps-dkim-key-short"]; also {
		t.Error("said twice")
	}
	alias := propose(t, o, mail+aligned+reject+"s1._domainkey IN CNAME k\nk IN TXT "+short512, "")
	if f, steps := alias[fix.DKIMKeys], alias["steps-dkim-key-short"]; f.ID != "" || !steps.Record() {
		t.Errorf("the record of somebody else: %+v", alias)
	}
	parked := propose(t, gather.Options{Selectors: []string{"s1"}, Profile: gather.NoMail}, "@ IN MX 0 .\n@ IN TXT \"v=spf1 -all\"\n"+reject+"s1._domainkey IN TXT "+short512, "")
	f = parked[fix.DKIMKeys]
	if short(f) != revoked || f.Safety != fix.NeedsEvidence || len(f.Next) > 0 {
		t.Errorf("a domain without mail: %+v", f)
	}
}
