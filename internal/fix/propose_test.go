package fix_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"mxvet/checks"
	"mxvet/internal/fakenet"
	"mxvet/internal/fakenet/fakelive"
	"mxvet/internal/fix"
	"mxvet/internal/gather"
	"mxvet/internal/provider"
	"mxvet/internal/psl"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// propose audits a small world and gives what is proposed for it, in short: a line
// for each removed (-) and added (+) record, a line "then" for each stage.
func propose(t *testing.T, o gather.Options, zones, hosts string) map[string]fix.Fix {
	t.Helper()
	return proposeAs(t, o, zones, hosts, checks.Run)
}

// proposeAs is propose with a judge of its own, which may change what was gathered.
func proposeAs(t *testing.T, o gather.Options, zones, hosts string, judge func(*gather.Evidence, []checks.Rule) []checks.Result) map[string]fix.Fix {
	t.Helper()
	if hosts == "" {
		hosts = "- {name: mx.example.com, addrs: [192.0.2.25], smtp: {}}"
	}
	world, err := fakenet.Parse([]byte("-- zone/example.com --\n" + zones + "\n-- hosts.yaml --\nhosts:\n" + hosts + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	o.AllowPrivate, o.Control, o.Seed, o.Relay = true, "mx.control.test", "fix", "off"
	out := map[string]fix.Fix{}
	var all []fix.Fix
	synctest.Test(t, func(t *testing.T) {
		live := fakelive.Start(world, wire.LiveConfig{})
		defer live.Close()
		tape := wire.NewTape(live, wire.Header{Seed: o.Seed, At: world.Now})
		tables := gather.Tables{Suffixes: psl.Default(), Providers: provider.Default()}
		e := gather.Domain(t.Context(), tape, tables, world.Now, "example.com", o)
		all = fix.Propose(e, judge(e, checks.All()))
		for _, f := range all {
			if _, twice := out[f.ID]; twice {
				t.Errorf("two fixes %s", f.ID)
			}
			out[f.ID] = f
			for _, c := range f.Changes {
				if err := c.Check(); err != nil {
					t.Error(err)
				}
			}
		}
	})
	hold(t, all)
	return out
}

func short(f fix.Fix) string {
	var b strings.Builder
	write := func(mark string, changes []zone.Change) {
		for _, c := range changes {
			for _, data := range c.Remove {
				fmt.Fprintf(&b, "%s- %s %s %s\n", mark, c.Owner, c.Type, data)
			}
			for _, data := range c.Add {
				fmt.Fprintf(&b, "%s+ %s %s %s\n", mark, c.Owner, c.Type, data)
			}
		}
	}
	write("", f.Changes)
	for _, s := range f.Next {
		write("then ", s.Changes)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

const (
	mail    = "@ IN MX 10 mx\n"
	aligned = `@ IN TXT "v=spf1 ip4:192.0.2.25 ~all"` + "\n" + `key._domainkey IN TXT "v=DKIM1; p="` + "\n" // of some selector, so that a key may be at another
	reject  = `_dmarc IN TXT "v=DMARC1; p=reject; rua=mailto:dmarc@example.com"` + "\n"
)

func TestPropose(t *testing.T) {
	spfOf := func(text string) string { return mail + reject + `@ IN TXT "` + text + `"` + "\n" }
	dmarcOf := func(text string) string { return mail + aligned + `_dmarc IN TXT "` + text + `"` + "\n" }
	for _, c := range []struct {
		name, zone, hosts string
		o                 gather.Options
		id, safety, want  string // want "" : no such fix
	}{
		// SPF
		{
			name: "a mechanism is misspelt", zone: spfOf("v=spf1 ipv4:192.0.2.25 incldue:mx.example.com ~all"), id: fix.SPFRecord, safety: fix.SafeNow,
			want: `- example.com TXT "v=spf1 ipv4:192.0.2.25 incldue:mx.example.com ~all"` + "\n" + `+ example.com TXT "v=spf1 ip4:192.0.2.25 include:mx.example.com ~all"`,
		},
		{
			name: "an equals sign", zone: spfOf("v=spf1 ip4:192.0.2.25 a=mx.example.com ~all"), id: fix.SPFRecord, safety: fix.SafeNow,
			want: `- example.com TXT "v=spf1 ip4:192.0.2.25 a=mx.example.com ~all"` + "\n" + `+ example.com TXT "v=spf1 ip4:192.0.2.25 a:mx.example.com ~all"`,
		},
		{
			name: "a void record that refuses the rest", zone: spfOf("v=spf1 ip:192.0.2.25 -all"), id: fix.SPFRecord, safety: fix.SafeNow,
			want: first(`- example.com TXT "v=spf1 ip:192.0.2.25 -all"` + "\n" + `+ example.com TXT "v=spf1 ip4:192.0.2.25 ~all"`),
		},
		{
			name: "the version in capitals", zone: spfOf("V=SPF1 IP4:192.0.2.25 ~ALL"), id: fix.SPFRecord, safety: fix.SafeNow,
			want: `- example.com TXT "V=SPF1 IP4:192.0.2.25 ~ALL"` + "\n" + `+ example.com TXT "v=spf1 ip4:192.0.2.25 ~all"`,
		},
		{
			name: "a semicolon behind the version", zone: spfOf("v=spf1; ip4:192.0.2.25 ~all"), id: fix.SPFRecord, safety: fix.SafeNow,
			want: `- example.com TXT "v=spf1; ip4:192.0.2.25 ~all"` + "\n" + `+ example.com TXT "v=spf1 ip4:192.0.2.25 ~all"`,
		},
		{
			name: "terms behind all come before it", zone: spfOf("v=spf1 ~all ip4:192.0.2.25 all"), id: fix.SPFRecord, safety: fix.SafeNow,
			want: `- example.com TXT "v=spf1 ~all ip4:192.0.2.25 all"` + "\n" + `+ example.com TXT "v=spf1 ip4:192.0.2.25 ~all"`,
		},
		{
			name: "a redirect beside all", zone: spfOf("v=spf1 ip4:192.0.2.25 redirect=mx.example.com ~all"), id: fix.SPFRecord, safety: fix.SafeNow,
			want: `- example.com TXT "v=spf1 ip4:192.0.2.25 redirect=mx.example.com ~all"` + "\n" + `+ example.com TXT "v=spf1 ip4:192.0.2.25 ~all"`,
		},
		{
			name: "the same include three times stays once", zone: spfOf("v=spf1 include:s.example.com include:s.example.com include:s.example.com ~all") + `s IN TXT "v=spf1 ip4:192.0.2.25 -all"`, id: fix.SPFRecord, safety: fix.SafeNow,
			want: `- example.com TXT "v=spf1 include:s.example.com include:s.example.com include:s.example.com ~all"` + "\n" + `+ example.com TXT "v=spf1 include:s.example.com ~all"`,
		},
		{
			name: "a covered network goes, a covered name only once somebody knows where it leads", zone: spfOf("v=spf1 mx ip4:192.0.2.25 ip4:192.0.2.0/24 ~all"), id: fix.SPFRecord, safety: fix.SafeNow,
			want: `- example.com TXT "v=spf1 mx ip4:192.0.2.25 ip4:192.0.2.0/24 ~all"` + "\n" + `+ example.com TXT "v=spf1 mx ip4:192.0.2.0/24 ~all"` + "\n" +
				`then - example.com TXT "v=spf1 mx ip4:192.0.2.0/24 ~all"` + "\n" + `then + example.com TXT "v=spf1 ip4:192.0.2.0/24 ~all"`,
		},
		{name: "a network that a name covers today stays", zone: spfOf("v=spf1 mx/24 ip4:192.0.2.25 ~all"), id: fix.SPFRecord, want: ""},
		{name: "what somebody else's record covers stays", zone: spfOf("v=spf1 ip4:192.0.2.25 include:s.example.com ~all") + `s IN TXT "v=spf1 ip4:192.0.2.0/24 -all"`, id: fix.SPFRecord, want: ""},
		{
			name: "dead terms go once nobody needs them", zone: spfOf("v=spf1 ip4:192.0.2.25 a:gone.example.com mx:mx.example.com ~all"), id: fix.SPFRecord, safety: fix.NeedsEvidence,
			want: `- example.com TXT "v=spf1 ip4:192.0.2.25 a:gone.example.com mx:mx.example.com ~all"` + "\n" + `+ example.com TXT "v=spf1 ip4:192.0.2.25 ~all"`,
		},
		{
			name: "a slip is safe to mend, the dead term stays until somebody knows", zone: spfOf("v=spf1 ipv4:192.0.2.25 a:gone.example.com ~all"), id: fix.SPFRecord, safety: fix.SafeNow,
			want: first(`- example.com TXT "v=spf1 ipv4:192.0.2.25 a:gone.example.com ~all"` + "\n" + `+ example.com TXT "v=spf1 ip4:192.0.2.25 a:gone.example.com ~all"`),
		},
		{
			name: "an include without a record may get it back", zone: spfOf("v=spf1 ip4:192.0.2.25 include:gone.example.com ~all"), id: fix.SPFRecord, safety: fix.NeedsEvidence,
			want: `- example.com TXT "v=spf1 ip4:192.0.2.25 include:gone.example.com ~all"` + "\n" + `+ example.com TXT "v=spf1 ip4:192.0.2.25 ~all"`,
		},
		{name: "mx, and the mail host has no address", zone: "@ IN MX 10 gone\n" + reject + `@ IN TXT "v=spf1 mx -all"`, id: fix.SPFRecord, want: ""},
		{name: "mx, and the mail host has a private address", zone: "@ IN MX 10 inside\ninside IN A 10.1.2.3\n" + reject + `@ IN TXT "v=spf1 mx -all"`, id: fix.SPFRecord, want: ""},
		{name: "a:, and that is the mail host without address", zone: "@ IN MX 10 gone\n" + reject + `@ IN TXT "v=spf1 a:gone.example.com -all"`, id: fix.SPFRecord, want: ""},
		{name: "mx, and there is no MX record", zone: reject + `@ IN TXT "v=spf1 mx -all"`, id: fix.SPFRecord, want: ""},
		{name: "the only include is gone", zone: reject + `@ IN TXT "v=spf1 include:gone.example.com -all"`, id: fix.SPFRecord, want: ""},
		{name: "a redirect to nothing", zone: reject + `@ IN TXT "v=spf1 redirect=gone.example.com"`, id: fix.SPFRecord, want: ""},
		{
			name: "a slip beside mx while the mail host is dead", zone: "@ IN MX 10 gone\n" + reject + `@ IN TXT "v=spf1 mx ipv4:192.0.2.25 -all"`, id: fix.SPFRecord, safety: fix.NeedsEvidence,
			want: first(`- example.com TXT "v=spf1 mx ipv4:192.0.2.25 -all"` + "\n" + `+ example.com TXT "v=spf1 mx ip4:192.0.2.25 ~all"`),
		},
		{name: "a term that nobody can read", zone: spfOf("v=spf1 ip4:192.0.2.25 relay~all"), id: fix.SPFRecord, safety: fix.NeedsInput, want: ""},
		{name: "an address that is none", zone: spfOf("v=spf1 ip4:mail ~all"), id: fix.SPFRecord, safety: fix.NeedsInput, want: ""},
		{
			name: "typed without quotes", zone: mail + reject + "@ IN TXT v=spf1 ip4:192.0.2.25 include:s.example.com ~all\ns IN TXT \"v=spf1 ip4:198.51.100.0/28 -all\"", id: fix.SPFRecord, safety: fix.SafeNow,
			want: `- example.com TXT "v=spf1" "ip4:192.0.2.25" "include:s.example.com" "~all"` + "\n" + `+ example.com TXT "v=spf1 ip4:192.0.2.25 include:s.example.com ~all"`,
		},
		{
			name: "the version twice before a redirect", zone: mail + reject + "@ IN TXT \"v=spf1v=spf1 redirect=s.example.com\"\ns IN TXT \"v=spf1 ip4:192.0.2.25 -all\"", id: fix.SPFRecord, safety: fix.SafeNow,
			want: `- example.com TXT "v=spf1v=spf1 redirect=s.example.com"` + "\n" + `+ example.com TXT "v=spf1 redirect=s.example.com"`,
		},
		{
			name: "a covered mx of which one host has no address stays", zone: mail + "@ IN MX 20 gone\n" + reject + `@ IN TXT "v=spf1 mx ip4:192.0.2.25 ip4:192.0.2.0/24 ~all"`, id: fix.SPFRecord, safety: fix.SafeNow,
			want: `- example.com TXT "v=spf1 mx ip4:192.0.2.25 ip4:192.0.2.0/24 ~all"` + "\n" + `+ example.com TXT "v=spf1 mx ip4:192.0.2.0/24 ~all"`,
		},
		{
			name: "a final dot, and host bits with it", zone: spfOf("v=spf1 a:mx.example.com. ip4:192.0.2.129/25 ~all"), id: fix.SPFRecord, safety: fix.SafeNow,
			want: `- example.com TXT "v=spf1 a:mx.example.com. ip4:192.0.2.129/25 ~all"` + "\n" + `+ example.com TXT "v=spf1 a:mx.example.com ip4:192.0.2.128/25 ~all"`,
		},
		{
			name: "ptr", zone: spfOf("v=spf1 ip4:192.0.2.25 ptr ~all"), id: fix.SPFRecord, safety: fix.NeedsEvidence,
			want: `- example.com TXT "v=spf1 ip4:192.0.2.25 ptr ~all"` + "\n" + `+ example.com TXT "v=spf1 ip4:192.0.2.25 ~all"`,
		},
		{
			name: "everybody may send", zone: spfOf("v=spf1 ip4:192.0.2.25 +all"), id: fix.SPFRecord, safety: fix.NeedsEvidence,
			want: `- example.com TXT "v=spf1 ip4:192.0.2.25 +all"` + "\n" + `+ example.com TXT "v=spf1 ip4:192.0.2.25 ~all"`,
		},
		{
			name: "no end", zone: spfOf("v=spf1 ip4:192.0.2.25"), id: fix.SPFRecord, safety: fix.NeedsEvidence,
			want: `- example.com TXT "v=spf1 ip4:192.0.2.25"` + "\n" + `+ example.com TXT "v=spf1 ip4:192.0.2.25 ~all"`,
		},
		{
			name: "what is safe first, the end later", zone: spfOf("v=spf1 ipv4:192.0.2.25 ?all"), id: fix.SPFRecord, safety: fix.SafeNow,
			want: `- example.com TXT "v=spf1 ipv4:192.0.2.25 ?all"` + "\n" + `+ example.com TXT "v=spf1 ip4:192.0.2.25 ?all"` + "\n" +
				`then - example.com TXT "v=spf1 ip4:192.0.2.25 ?all"` + "\n" + `then + example.com TXT "v=spf1 ip4:192.0.2.25 ~all"`,
		},
		{
			name: "several records, the milder end", zone: mail + reject + "@ IN TXT \"v=spf1 mx -all\"\n@ IN TXT \"v=spf1 ip4:198.51.100.1 ~all\"\n@ IN TXT \"token=1\"", id: fix.SPFRecord, safety: fix.SafeNow,
			want: `- example.com TXT "v=spf1 ip4:198.51.100.1 ~all"` + "\n" + `- example.com TXT "v=spf1 mx -all"` + "\n" + `+ example.com TXT "v=spf1 ip4:198.51.100.1 mx ~all"`,
		},
		{
			name: "none, with a mail host of its own", zone: mail + reject, id: fix.SPFRecord, safety: fix.SafeNow,
			want: `+ example.com TXT "v=spf1 mx ~all"`,
		},
		{
			name: "none, with a provider", zone: "@ IN MX 1 smtp.google.com.\n" + reject, id: fix.SPFRecord, safety: fix.SafeNow,
			want: `+ example.com TXT "v=spf1 include:_spf.google.com ~all"`,
		},
		{name: "no mail", zone: "@ IN MX 0 .\n" + reject, id: fix.SPFRecord, safety: fix.SafeNow, want: `+ example.com TXT "v=spf1 -all"`},
		{
			name: "no mail, but a soft end", zone: "@ IN MX 0 .\n@ IN TXT \"v=spf1 ~all\"\n" + reject, id: fix.SPFRecord, safety: fix.SafeNow,
			want: `- example.com TXT "v=spf1 ~all"` + "\n" + `+ example.com TXT "v=spf1 -all"`,
		},
		{name: "the withdrawn type", zone: mail + reject + aligned + `@ IN SPF "v=spf1 mx -all"`, id: fix.SPFRecord, safety: fix.SafeNow, want: "- example.com SPF *"},
		{
			name: "behind a redirect of its own", zone: mail + reject + "@ IN TXT \"v=spf1 redirect=_spf.example.com\"\n_spf IN TXT \"v=spf1 ip4:192.0.2.25 ptr ~all\"", id: fix.SPFRecord, safety: fix.NeedsEvidence,
			want: `- _spf.example.com TXT "v=spf1 ip4:192.0.2.25 ptr ~all"` + "\n" + `+ _spf.example.com TXT "v=spf1 ip4:192.0.2.25 ~all"`,
		},
		{
			name: "eleven lookups, one's own host written as its address", zone: spfOf("v=spf1 mx include:s.example.com ~all") + manyIncludes(9), id: fix.SPFRecord, safety: fix.NeedsEvidence,
			want: `- example.com TXT "v=spf1 mx include:s.example.com ~all"` + "\n" + `+ example.com TXT "v=spf1 ip4:192.0.2.25 include:s.example.com ~all"`,
		},
		{name: "eleven lookups, and nothing to give up unasked", zone: spfOf("v=spf1 ip4:192.0.2.25 include:s.example.com ~all") + manyIncludes(10), id: fix.SPFRecord, safety: fix.NeedsInput, want: ""},
		{name: "nothing to mend", zone: mail + reject + aligned, id: fix.SPFRecord, want: ""},
		{name: "the mail host has no record of its own", zone: mail + reject + aligned, id: fix.HELORecord, safety: fix.NeedsEvidence, want: `+ mx.example.com TXT "v=spf1 a -all"`},

		// DMARC
		{
			name: "p=none that is watched", zone: dmarcOf("v=DMARC1; p=none; rua=mailto:dmarc@example.com"), id: fix.DMARCRecord, safety: fix.NeedsEvidence,
			want: `- _dmarc.example.com TXT "v=DMARC1; p=none; rua=mailto:dmarc@example.com"` + "\n" + `+ _dmarc.example.com TXT "v=DMARC1; p=quarantine; np=reject; rua=mailto:dmarc@example.com"` + "\n" +
				`then - _dmarc.example.com TXT "v=DMARC1; p=quarantine; np=reject; rua=mailto:dmarc@example.com"` + "\n" + `then + _dmarc.example.com TXT "v=DMARC1; p=reject; np=reject; rua=mailto:dmarc@example.com"`,
		},
		{
			name: "p=none that nobody watches", zone: dmarcOf("v=DMARC1; p=none"), id: fix.DMARCRecord, safety: fix.SafeNow,
			want: `- _dmarc.example.com TXT "v=DMARC1; p=none"` + "\n" + `+ _dmarc.example.com TXT "v=DMARC1; p=none; rua=mailto:postmaster@example.com"` + "\n" +
				`then - _dmarc.example.com TXT "v=DMARC1; p=none; rua=mailto:postmaster@example.com"` + "\n" + `then + _dmarc.example.com TXT "v=DMARC1; p=quarantine; np=reject; rua=mailto:postmaster@example.com"` + "\n" +
				`then - _dmarc.example.com TXT "v=DMARC1; p=quarantine; np=reject; rua=mailto:postmaster@example.com"` + "\n" + `then + _dmarc.example.com TXT "v=DMARC1; p=reject; np=reject; rua=mailto:postmaster@example.com"`,
		},
		{
			name: "no record, an address known from TLS-RPT", zone: mail + aligned + `_smtp._tls IN TXT "v=TLSRPTv1; rua=mailto:tls-reports@example.com"`, id: fix.DMARCRecord, safety: fix.SafeNow,
			want: `+ _dmarc.example.com TXT "v=DMARC1; p=none; rua=mailto:tls-reports@example.com"` + "\n" +
				`then - _dmarc.example.com TXT "v=DMARC1; p=none; rua=mailto:tls-reports@example.com"` + "\n" + `then + _dmarc.example.com TXT "v=DMARC1; p=quarantine; np=reject; rua=mailto:tls-reports@example.com"` + "\n" +
				`then - _dmarc.example.com TXT "v=DMARC1; p=quarantine; np=reject; rua=mailto:tls-reports@example.com"` + "\n" + `then + _dmarc.example.com TXT "v=DMARC1; p=reject; np=reject; rua=mailto:tls-reports@example.com"`,
		},
		{name: "no record, and nobody reads mail there", zone: "@ IN TXT \"v=spf1 ip4:192.0.2.25 ~all\"\n", id: fix.DMARCRecord, safety: fix.NeedsInput, want: ""},
		{name: "no record, no mail", zone: "@ IN MX 0 .\n@ IN TXT \"v=spf1 -all\"\n", id: fix.DMARCRecord, safety: fix.SafeNow, want: `+ _dmarc.example.com TXT "v=DMARC1; p=reject; sp=reject; np=reject"`},
		{
			name: "the version in other letters", zone: dmarcOf("v=dmarc1; p=none; rua=mailto:dmarc@example.com; np=reject"), id: fix.DMARCRecord, safety: fix.SafeNow,
			want: first(`- _dmarc.example.com TXT "v=dmarc1; p=none; rua=mailto:dmarc@example.com; np=reject"` + "\n" + `+ _dmarc.example.com TXT "v=DMARC1; p=none; rua=mailto:dmarc@example.com"`),
		},
		{
			name: "a policy that was never applied", zone: dmarcOf("v=DMARC1 p=reject; rua=mailto:dmarc@example.com"), id: fix.DMARCRecord, safety: fix.SafeNow,
			want: `- _dmarc.example.com TXT "v=DMARC1 p=reject; rua=mailto:dmarc@example.com"` + "\n" + `+ _dmarc.example.com TXT "v=DMARC1; p=none; rua=mailto:dmarc@example.com"` + "\n...",
		},
		{
			name: "slips, among them a policy twice", zone: dmarcOf("v=DMARC1; adkim=strict; p=Reject; rf=afrf; ri=86400; fo=1; rua=dmarc@example.com!10m; p=none"), id: fix.DMARCRecord, safety: fix.NeedsEvidence,
			want: `- _dmarc.example.com TXT "v=DMARC1; adkim=strict; p=Reject; rf=afrf; ri=86400; fo=1; rua=dmarc@example.com!10m; p=none"` + "\n" + `+ _dmarc.example.com TXT "v=DMARC1; p=reject; rua=mailto:dmarc@example.com!10m"`,
		},
		{
			name: "a valid size limit stays, an invalid one goes, and so does what is no mailbox", zone: dmarcOf("v=DMARC1; p=reject; bad; rua=mailto:dmarc@example.com!10m,mailto:b@example.com!10x,mailto:a@b@example.com"), id: fix.DMARCRecord, safety: fix.SafeNow,
			want: `- _dmarc.example.com TXT "v=DMARC1; p=reject; bad; rua=mailto:dmarc@example.com!10m,mailto:b@example.com!10x,mailto:a@b@example.com"` + "\n" + `+ _dmarc.example.com TXT "v=DMARC1; p=reject; rua=mailto:dmarc@example.com!10m,mailto:b@example.com"`,
		},
		{name: "nothing but a size limit", zone: dmarcOf("v=DMARC1; p=reject; rua=mailto:dmarc@example.com!10m"), id: fix.DMARCRecord, want: ""},
		{
			name: "a policy that means nothing", zone: dmarcOf("v=DMARC1; p=rejct; rua=mailto:dmarc@example.com; np=reject"), id: fix.DMARCRecord, safety: fix.SafeNow,
			want: first(`- _dmarc.example.com TXT "v=DMARC1; p=rejct; rua=mailto:dmarc@example.com; np=reject"` + "\n" + `+ _dmarc.example.com TXT "v=DMARC1; p=none; rua=mailto:dmarc@example.com"`),
		},
		{
			name: "t=y", zone: dmarcOf("v=DMARC1; p=reject; t=y; rua=mailto:dmarc@example.com"), id: fix.DMARCRecord, safety: fix.NeedsEvidence,
			want: `- _dmarc.example.com TXT "v=DMARC1; p=reject; t=y; rua=mailto:dmarc@example.com"` + "\n" + `+ _dmarc.example.com TXT "v=DMARC1; p=reject; rua=mailto:dmarc@example.com"`,
		},
		{
			name: "weak subdomains", zone: dmarcOf("v=DMARC1; p=reject; sp=none; np=reject; rua=mailto:dmarc@example.com"), id: fix.DMARCRecord, safety: fix.NeedsEvidence,
			want: `- _dmarc.example.com TXT "v=DMARC1; p=reject; sp=none; np=reject; rua=mailto:dmarc@example.com"` + "\n" + `+ _dmarc.example.com TXT "v=DMARC1; p=reject; np=reject; rua=mailto:dmarc@example.com"`,
		},
		{
			name: "names that do not exist", zone: dmarcOf("v=DMARC1; p=reject; np=none; rua=mailto:dmarc@example.com"), id: fix.DMARCRecord, safety: fix.NeedsEvidence,
			want: `- _dmarc.example.com TXT "v=DMARC1; p=reject; np=none; rua=mailto:dmarc@example.com"` + "\n" + `+ _dmarc.example.com TXT "v=DMARC1; p=reject; np=reject; rua=mailto:dmarc@example.com"`,
		},
		{
			name: "several records, of which none is applied", zone: mail + aligned + "_dmarc IN TXT \"v=DMARC1; p=reject; rua=mailto:dmarc@example.com\"\n_dmarc IN TXT \"v=DMARC1; p=quarantine; rua=mailto:abuse@example.com\"", id: fix.DMARCRecord, safety: fix.SafeNow,
			want: `- _dmarc.example.com TXT "v=DMARC1; p=quarantine; rua=mailto:abuse@example.com"` + "\n" + `- _dmarc.example.com TXT "v=DMARC1; p=reject; rua=mailto:dmarc@example.com"` + "\n" + `+ _dmarc.example.com TXT "v=DMARC1; p=none; rua=mailto:abuse@example.com,mailto:dmarc@example.com"` + "\n...",
		},
		{
			name: "at the wrong name", zone: mail + aligned + "@ IN TXT \"v=DMARC1; p=none; rua=mailto:dmarc@example.com\"", id: fix.DMARCRecord, safety: fix.SafeNow,
			want: first(`+ _dmarc.example.com TXT "v=DMARC1; p=none; rua=mailto:dmarc@example.com"` + "\n" + `- example.com TXT "v=DMARC1; p=none; rua=mailto:dmarc@example.com"`),
		},
		{
			name: "reports to who never agreed", zone: dmarcOf("v=DMARC1; p=reject; rua=mailto:a@control.test,mailto:dmarc@example.com"), id: fix.DMARCRecord, safety: fix.SafeNow,
			want: `- _dmarc.example.com TXT "v=DMARC1; p=reject; rua=mailto:a@control.test,mailto:dmarc@example.com"` + "\n" + `+ _dmarc.example.com TXT "v=DMARC1; p=reject; rua=mailto:dmarc@example.com"`,
		},
		{
			name: "an alias to nothing", zone: mail + aligned + "_dmarc IN CNAME gone.example.com.", id: fix.DMARCRecord, safety: fix.SafeNow,
			want: first(`+ _dmarc.example.com TXT "v=DMARC1; p=none; rua=mailto:postmaster@example.com"` + "\n" + `- _dmarc.example.com CNAME *`),
		},
		{
			name: "an alias to a record of its own", zone: mail + aligned + "_dmarc IN CNAME d.example.com.\nd IN TXT \"v=DMARC1; p=reject; np=none; rua=mailto:dmarc@example.com\"", id: fix.DMARCRecord, safety: fix.NeedsEvidence,
			want: `- d.example.com TXT "v=DMARC1; p=reject; np=none; rua=mailto:dmarc@example.com"` + "\n" + `+ d.example.com TXT "v=DMARC1; p=reject; np=reject; rua=mailto:dmarc@example.com"`,
		},
		{name: "mail can pass neither SPF nor DKIM", zone: mail + "@ IN TXT \"v=spf1 foo ~all\"\n_dmarc IN TXT \"v=DMARC1; p=none; np=reject; rua=mailto:dmarc@example.com\"", id: fix.DMARCRecord, want: ""},

		// MTA-STS, TLS-RPT, MX
		{name: "a policy that nothing announces", zone: mail + aligned + reject, hosts: policyHost("enforce"), id: fix.MTASTSRecord, safety: fix.SafeNow, want: `+ _mta-sts.example.com TXT "v=STSv1; id=20261102090000;"`},
		{
			name: "a record that senders drop", zone: mail + aligned + reject + `_mta-sts IN TXT "v=STSv1; id=2026-11-02"`, hosts: policyHost("testing"), id: fix.MTASTSRecord, safety: fix.SafeNow,
			want: `- _mta-sts.example.com TXT "v=STSv1; id=2026-11-02"` + "\n" + `+ _mta-sts.example.com TXT "v=STSv1; id=20261102090000;"`,
		},
		{name: "no policy anywhere", zone: mail + aligned + reject, id: fix.MTASTSPolicy, safety: fix.NeedsInput, want: ""},
		{name: "a policy in trial", zone: mail + aligned + reject + `_mta-sts IN TXT "v=STSv1; id=1"`, hosts: policyHost("testing"), id: fix.MTASTSPolicy, safety: fix.NeedsEvidence, want: ""},
		{name: "no TLS reports", zone: mail + aligned + reject, id: fix.TLSRPTRecord, safety: fix.SafeNow, want: `+ _smtp._tls.example.com TXT "v=TLSRPTv1; rua=mailto:dmarc@example.com"`},
		{
			name: "TLS reports, misspelt", zone: mail + aligned + reject + `_smtp._tls IN TXT "v=TLSRPTv1 rua=tls@example.com"`, id: fix.TLSRPTRecord, safety: fix.SafeNow,
			want: `- _smtp._tls.example.com TXT "v=TLSRPTv1 rua=tls@example.com"` + "\n" + `+ _smtp._tls.example.com TXT "v=TLSRPTv1; rua=mailto:tls@example.com"`,
		},
		{name: "a null MX with preference", zone: "@ IN MX 10 .\n@ IN TXT \"v=spf1 -all\"", id: fix.NullMX, safety: fix.SafeNow, want: "- example.com MX 10 .\n+ example.com MX 0 ."},
		{name: "no mail, but an address", zone: "@ IN A 192.0.2.80\n@ IN TXT \"v=spf1 -all\"", id: fix.NullMX, safety: fix.NeedsEvidence, want: "+ example.com MX 0 ."},
		{name: "no mail, as stated", o: gather.Options{Profile: gather.NoMail}, zone: mail + "@ IN TXT \"v=spf1 -all\"", id: fix.NullMX, safety: fix.NeedsEvidence, want: "- example.com MX 10 mx.example.com.\n+ example.com MX 0 ."},
		{name: "a null MX beside a host that answers", zone: mail + "@ IN MX 0 .\n" + aligned, id: fix.MXRecords, safety: fix.SafeNow, want: "- example.com MX 0 ."},
		{name: "one named twice", zone: mail + "@ IN MX 30 mx\n" + aligned, id: fix.MXRecords, safety: fix.SafeNow, want: "- example.com MX 30 mx.example.com."},
		{name: "a host without address, and one named twice", zone: mail + "@ IN MX 20 gone\n@ IN MX 30 mx\n" + aligned, id: fix.MXRecords, safety: fix.NeedsEvidence, want: "- example.com MX 20 gone.example.com.\n- example.com MX 30 mx.example.com."},
		{name: "no host with an address", zone: "@ IN MX 20 gone\n" + aligned, id: fix.MXRecords, want: ""},
	} {
		t.Run(c.id+" "+c.name, func(t *testing.T) {
			t.Parallel()
			f, found := propose(t, c.o, c.zone, c.hosts)[c.id]
			want, only := strings.CutSuffix(c.want, "\n...")
			got := short(f)
			if only {
				got, _, _ = strings.Cut(got, "\nthen ")
			}
			switch {
			case c.safety == "" && found:
				t.Errorf("proposed all the same: %s\n%s", f.Safety, got)
			case c.safety == "":
			case !found:
				t.Error("nothing proposed")
			case got != want || f.Safety != c.safety:
				t.Errorf("got %s\n%s\nwant %s\n%s", f.Safety, got, c.safety, want)
			case (f.Safety == fix.SafeNow) != (f.Needs == ""):
				t.Errorf("%s needs %q", f.Safety, f.Needs)
			case len(f.Changes) > 0 && (f.Undo.Empty() || f.VisibleWithin <= 0):
				t.Errorf("undo %q, visible within %d", f.Undo, f.VisibleWithin)
			case len(f.Changes)+len(f.Steps) == 0 || f.Title == "" || len(f.Claims) == 0:
				t.Errorf("it says too little: %+v", f)
			}
		})
	}
}

// first says that only the first stage is of interest.
func first(s string) string { return s + "\n..." }

// manyIncludes gives a record at s that costs one lookup and n more below.
func manyIncludes(n int) string {
	var terms, records strings.Builder
	for i := range n {
		fmt.Fprintf(&terms, " include:s%d.example.com", i)
		fmt.Fprintf(&records, "s%d IN TXT \"v=spf1 ip4:198.51.100.%d -all\"\n", i, i)
	}
	return "s IN TXT \"v=spf1" + terms.String() + " -all\"\n" + records.String()
}

func policyHost(mode string) string {
	return `- {name: mx.example.com, addrs: [192.0.2.25], smtp: {}}
- {name: mta-sts.example.com, addrs: [192.0.2.80], https: {}}
-- pages/mta-sts.example.com/.well-known/mta-sts.txt --
version: STSv1
mode: ` + mode + `
mx: mx.example.com
max_age: 1209600`
}

// Nothing is proposed for what is unknown: a resolver that fails shows no fault.
func TestNothingForTheUnknown(t *testing.T) {
	world, err := fakenet.Parse([]byte("-- zone/example.com --\n@ IN MX 10 mx\n-- hosts.yaml --\nhosts:\n- {name: mx.example.com, addrs: [192.0.2.25], smtp: {}}\n-- dns.yaml --\nfaults:\n- {at: resolver, zone: example.com, fault: servfail}\n"))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		live := fakelive.Start(world, wire.LiveConfig{})
		defer live.Close()
		tape := wire.NewTape(live, wire.Header{At: world.Now})
		e := gather.Domain(t.Context(), tape, gather.Tables{Suffixes: psl.Default(), Providers: provider.Default()}, world.Now, "example.com", gather.Options{AllowPrivate: true, Control: "mx.control.test"})
		for _, f := range fix.Propose(e, checks.Run(e, checks.All())) {
			t.Errorf("%s: %s", f.ID, short(f))
		}
	})
}

// Steps name the setting of the software seen, and whose host it is.
func TestSteps(t *testing.T) {
	zones := mail + "@ IN MX 20 mx2\n" + aligned + reject
	fixes := propose(t, gather.Options{}, zones, `- {name: mx.example.com, addrs: [192.0.2.25], smtp: {banner: "mx.example.com ESMTP Postfix", auth-before-tls: [PLAIN]}}
- {name: mx2.example.com, addrs: [192.0.2.26], smtp: {banner: "mx2.example.com ESMTP Exim 4.98", auth-before-tls: [PLAIN]}}`)
	f := fixes["steps-smtp-auth-plaintext"]
	var text []string
	for _, s := range f.Steps {
		text = append(text, s.String())
	}
	all := strings.Join(text, "\n")
	if len(f.Steps) != 2 || !strings.Contains(all, "mx.example.com (Postfix): postconf -e 'smtpd_tls_auth_only = yes'") || !strings.Contains(all, "mx2.example.com (Exim): auth_advertise_hosts") {
		t.Errorf("got %s", all)
	}
	fixes = propose(t, gather.Options{}, "@ IN MX 1 smtp.google.com.\n"+aligned+reject, `- {name: smtp.google.com, addrs: [198.51.100.26], smtp: {banner: "mx.google.com ESMTP", starttls: "off"}}`)
	f = fixes["steps-smtp-starttls-none"]
	if len(f.Steps) != 1 || f.Steps[0].String() != "smtp.google.com: Google Workspace runs the host: only they can change it." {
		t.Errorf("got %+v", f.Steps)
	}
}

// What several rules say about one certificate of one host is one fix, and so is what
// makes the host unlike the others; another host's certificate is another matter.
func TestOneCauseOneFix(t *testing.T) {
	zones := mail + "@ IN MX 20 mx2\n@ IN MX 30 mx3\n" + aligned + reject + "_mta-sts IN TXT \"v=STSv1; id=1\"\n"
	hosts := `- {name: mx.example.com, addrs: [192.0.2.25], smtp: {banner: "mx.example.com ESMTP Postfix", tls: {names: [other.example.com], key: rsa1024, not-before: -95d, not-after: -5d}}}
- {name: mx2.example.com, addrs: [192.0.2.26], smtp: {tls: {issuer: private}}}
- {name: mx3.example.com, addrs: [192.0.2.27], smtp: {}}
`
	fixes := propose(t, gather.Options{}, zones, hosts+`- {name: mta-sts.example.com, addrs: [192.0.2.80], https: {}}
-- pages/mta-sts.example.com/.well-known/mta-sts.txt --
version: STSv1
mode: enforce
mx: *.example.com
mx: mx.example.com
max_age: 1209600`)
	owner := map[fix.Claim]string{}
	for id, f := range fixes {
		for _, c := range f.Claims {
			if owner[c] != "" {
				t.Errorf("%v is claimed by %s and %s", c, owner[c], id)
			}
			owner[c] = id
		}
	}
	at := map[string]map[string]bool{}
	for c, id := range owner {
		if strings.HasPrefix(c.Rule, "cert-") || c.Rule == "mtasts-cert" || c.Rule == "mx-unequal" {
			host, _, _ := strings.Cut(c.Subject, " ")
			if at[host] == nil {
				at[host] = map[string]bool{}
			}
			at[host][id] = true
		}
	}
	for host, ids := range at {
		if len(ids) != 1 {
			t.Errorf("%s: fixes %v", host, ids)
		}
	}
	var text []string
	for id := range at["mx.example.com"] {
		for _, s := range fixes[id].Steps {
			text = append(text, s.String())
		}
	}
	all := strings.Join(text, "\n")
	for _, want := range []string{"for the name mx.example.com", "new key", "in date", "smtpd_tls_chain_files"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in %s", want, all)
		}
	}
}

// A policy host without an address is not told to serve a file first.
func TestPolicyHostWithoutAddress(t *testing.T) {
	for _, c := range []struct{ zone, want string }{ // in order: the kept table counts the cases
		{"", "Publish A and AAAA records of a web server at mta-sts.example.com"},
		{"mta-sts IN CNAME gone.example.com.\n", "mta-sts.example.com is an alias of gone.example.com, which has no address"},
	} {
		f := propose(t, gather.Options{}, mail+aligned+reject+"_mta-sts IN TXT \"v=STSv1; id=1\"\n"+c.zone, "")["steps-mtasts-fetch"]
		if len(f.Steps) != 3 || !strings.HasPrefix(f.Steps[0].String(), c.want) || f.Safety != fix.NeedsInput || f.Needs == "" || !f.Record() || f.Title != "give the policy host an address" {
			t.Errorf("%q: %+v", c.zone, f)
		}
	}
}

func TestQuote(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", `""`},
		{`a "b" \c` + "\x00\xff", `"a \"b\" \\c\000\255"`},
		{strings.Repeat("a", 300), `"` + strings.Repeat("a", 255) + `" "` + strings.Repeat("a", 45) + `"`},
		{strings.Repeat("b", 250) + " cccccccccc", `"` + strings.Repeat("b", 250) + ` " "cccccccccc"`},
	} {
		got := fix.Quote(c.text)
		if got != c.want {
			t.Errorf("%q: got %s, want %s", c.text, got, c.want)
		}
		records := (wire.Answer{Answer: zone.Change{Owner: "example.com", Type: "TXT", Add: []string{got}}.Records()}).TXT()
		if len(records) != 1 || records[0] != c.text {
			t.Errorf("%q comes back as %q", c.text, records)
		}
	}
}

func TestSquash(t *testing.T) {
	change := func(remove, add string) zone.Change {
		c := zone.Change{Owner: "example.com", Type: "TXT", TTL: 60}
		c.Remove, c.Add = strings.Fields(remove), strings.Fields(add)
		return c
	}
	for _, c := range []struct {
		first, second, want zone.Change
	}{
		{change("a", "b"), change("b", "c"), change("a", "c")},
		{change("", "b"), change("b", ""), change("", "")},
		{change("a", "b"), change("x", "y"), change("a x", "b y")},
		{change("a", "b"), change("*", "y"), change("a *", "y")},
	} {
		got := fix.Squash([]zone.Change{c.first}, []zone.Change{c.second})
		if len(got) != 1 || !slices.Equal(got[0].Remove, c.want.Remove) || !slices.Equal(got[0].Add, c.want.Add) {
			t.Errorf("%v then %v: got %v, want %v", c.first, c.second, got, c.want)
		}
		before := []string{"example.com.\t60\tIN\tTXT\t\"a\"", "example.com.\t60\tIN\tTXT\t\"x\""}
		step := zone.Apply(zone.Apply(before, []zone.Change{c.first}), []zone.Change{c.second})
		if once := zone.Apply(before, got); !slices.Equal(step, once) {
			t.Errorf("%v then %v: in two steps %v, in one %v", c.first, c.second, step, once)
		}
	}
}
