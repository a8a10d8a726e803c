package audit_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mxvet/internal/audit"
	"mxvet/internal/fakenet"
	"mxvet/internal/fakenet/fakelive"
	"mxvet/internal/gather"
	"mxvet/internal/mtasts"
	"mxvet/internal/provider"
	"mxvet/internal/psl"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
	"mxvet/report"
)

var began = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func job(targets []audit.Target, assumed audit.Assumed) audit.Job {
	return audit.Job{
		Targets: targets, Assumed: assumed, Now: func() time.Time { return began },
		Tool:   report.Tool{Name: "mxvet", Version: "test"},
		Tables: gather.Tables{Suffixes: psl.Default(), Providers: provider.Default()},
	}
}

// both audits, and audits again from the recording, which must give the same
// report without zones, policies and network.
func both(t *testing.T, src wire.Source, j audit.Job) *report.Report {
	t.Helper()
	if err := j.Start(src, began); err != nil {
		t.Fatal(err)
	}
	first, err := audit.Run(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	var tape bytes.Buffer
	if err := j.Tape.Save(&tape); err != nil {
		t.Fatal(err)
	}
	loaded, err := wire.LoadTape(&tape)
	if err != nil {
		t.Fatal(err)
	}
	again := job(nil, audit.Assumed{})
	if err := again.Replay(loaded); err != nil {
		t.Fatal(err)
	}
	second, err := audit.Run(t.Context(), again)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(encoded(t, first), encoded(t, second)); diff != "" {
		t.Errorf("the replay differs:\n%s", diff)
	}
	return first
}

// Names may begin with what has a meaning in zone text: an audit of them can be
// replayed.
func TestReplayOfOddNames(t *testing.T) {
	for _, first := range []string{`\$`, `\$include`, `\;`, `\(`, `\)`, `\"`, `\@`, `\\`, `\032`, `\009`, `\027`, `\000`, `\255`, "9", "-", "*", "#", "+", "%"} {
		z, err := zone.Parse(strings.NewReader(`$TTL 3600
@ IN SOA ns1 hostmaster 1 7200 3600 1209600 3600
@ IN NS ns1
@ IN MX 10 `+first+`x
@ IN TXT "v=spf1 mx -all"
`+first+`x IN CNAME `+first+`y
`+first+`y IN A 203.0.113.25
ns1 IN A 203.0.113.1
`), "db", "example.com")
		if err != nil {
			t.Errorf("%s: %v", first, err)
			continue
		}
		r := both(t, nil, job(audit.Targets([]string{"example.com"}, gather.Options{Offline: true}), audit.Assumed{Zones: []*zone.Zone{z}}))
		if len(r.Domains) != 1 || len(r.Hosts) != 1 || len(r.Hosts[0].Addresses) == 0 {
			t.Errorf("%s: the host has no address: %+v", first, r.Hosts)
		}
	}
}

// Options that no run can have are refused, in words.
func TestReplayRefuses(t *testing.T) {
	target := func(options string) string {
		return `{"targets":[{"domain":"example.com","options":` + options + `}]}`
	}
	for _, c := range []struct{ options, receipt, want string }{
		{"", "{}", "no recording of an audit"},
		{"{}", "{}", "names no domain"},
		{`{"targets":null}`, "{}", "names no domain"},
		{`{"targets":{}}`, "{}", "names no domain"},
		{"[]", "{}", "array: an object"},
		{`{"targets":[[]]}`, "{}", "array: an object"},
		{`{"targets":[{"domain":1}]}`, "{}", `"domain" is a number`},
		{`{"targets":[` + strings.Repeat("{},", 2000) + `{}]}`, "{}", "more than 2000 domains"},
		{`{"targets":[{"domain":"EXAMPLE.com"}]}`, "{}", "no domain name"},
		{target(`{"profile":"zzz"}`), "{}", `profile "zzz"`},
		{target(`{"relay":"zzz"}`), "{}", `relay test "zzz"`},
		{target(`{"send_ips":["192.0.2.1"` + strings.Repeat(`,"192.0.2.1"`, 1000) + `]}`), "{}", "1001 sending addresses"},
		{target(`{"selectors":["a"` + strings.Repeat(`,"a"`, 1000) + `]}`), "{}", "1001 DKIM selectors"},
		{target(`{}`), "", "receipt"},
		{target(`{}`), "[]", "receipt"},
	} {
		tape := wire.NewTape(nil, wire.Header{Options: []byte(c.options), Receipt: []byte(c.receipt)})
		j := job(nil, audit.Assumed{})
		if err := j.Replay(tape); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "json") {
			t.Errorf("%.200s: %v, want %q", c.options, err, c.want)
		}
	}
}

func encoded(t *testing.T, r *report.Report) string {
	t.Helper()
	var b strings.Builder
	if err := report.JSON(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// inWorld runs f beside a world.
func inWorld(t *testing.T, text string, f func(*testing.T, *fakenet.World, wire.Source)) {
	t.Helper()
	world, err := fakenet.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		live := fakelive.Start(world, wire.LiveConfig{})
		defer live.Close()
		f(t, world, live)
	})
}

func parsed(t *testing.T, text string) *zone.Zone {
	t.Helper()
	z, err := zone.Parse(strings.NewReader(text), "db", "")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// A new zone for the world "model", with much that is as it was.
const newZone = `$ORIGIN example.com.
$TTL 300
@ SOA ns1 hostmaster 2 7200 3600 1209600 300
@ NS NS1
@ NS ns2
ns1 A 192.0.2.10
ns2 A 198.51.100.20
@ MX 10 MX1
@ TXT "v=spf1 a:out.example.com " "-all"
out A 192.0.2.99
mx1 A 192.0.2.17
mx1 AAAA 2001:db8:25::17
_dmarc TXT "v=DMARC1; p=reject; sp=reject; " "np=reject; rua=mailto:dmarc@example.com"
new._domainkey TXT "v=DKIM1; p="
mta-sts A 192.0.2.81
mta-sts AAAA 2001:db8:80::82
_smtp._tls CNAME reports.example.net.
`

func TestDrift(t *testing.T) {
	options := gather.Options{AllowPrivate: true, Selectors: []string{"s2026"}, Control: "mx.control.test", Seed: "x"}
	inWorld(t, "A world.\n-- base --\nmodel\n", func(t *testing.T, _ *fakenet.World, live wire.Source) {
		r := both(t, live, job(audit.Targets([]string{"example.com"}, options), audit.Assumed{Zones: []*zone.Zone{parsed(t, newZone)}}))
		const hold, none = "caches may hold the live one for 3600 s or longer", "caches may remember for 3600 s or longer that there is none"
		want := []report.Difference{
			{Owner: "example.com", Type: "MX", Zone: []string{"10 MX1.example.com."}, Live: []string{"10 mx1.example.com.", "10 mx2.example.com."}, Note: hold},
			{
				Owner: "example.com", Type: "TXT", Zone: []string{`"v=spf1 a:out.example.com " "-all"`},
				Live: []string{`"v=spf1 ip4:192.0.2.16/28 ip6:2001:db8:25::/64 -all"`}, Note: hold,
			},
			{Owner: "out.example.com", Type: "A", Zone: []string{"192.0.2.99"}, Live: []string{}, Note: none},
			{Owner: "_mta-sts.example.com", Type: "TXT", Zone: []string{}, Live: []string{`"v=STSv1; id=20260901090000"`}, Note: hold},
			{Owner: "mta-sts.example.com", Type: "AAAA", Zone: []string{"2001:db8:80::82"}, Live: []string{"2001:db8:80::81"}, Note: hold},
			{
				Owner: "_smtp._tls.example.com", Type: "TXT", Zone: []string{"CNAME reports.example.net."},
				Live: []string{`"v=TLSRPTv1; rua=mailto:tls-reports@example.com"`}, Note: hold,
			},
			{Owner: "new._domainkey.example.com", Type: "TXT", Zone: []string{`"v=DKIM1; p="`}, Live: []string{}, Note: none},
		}
		got := r.Domains[0].Drift
		i := slices.IndexFunc(got, func(d report.Difference) bool { return d.Owner == "s2026._domainkey.example.com" })
		if i < 0 || len(got[i].Zone) != 0 || len(got[i].Live) != 1 || got[i].Note != hold {
			t.Errorf("the key that the new zone forgets is not told: %+v", got)
		} else {
			got = slices.Delete(slices.Clone(got), i, i+1)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if o := r.Run.Options; !slices.Equal(o.Zones, []string{"db"}) || r.Run.Resolver == "" || strings.Contains(r.Run.Resolver, "zone") {
			t.Errorf("zones %v, resolver %q", o.Zones, r.Run.Resolver)
		}
	})
}

// Where the live DNS says nothing, nothing is said about a difference.
func TestDriftUnanswered(t *testing.T) {
	world := "A world.\n-- base --\nmodel\n-- dns.yaml --\nfaults:\n- {name: example.com, type: MX, at: resolver, fault: servfail}\n"
	inWorld(t, world, func(t *testing.T, _ *fakenet.World, live wire.Source) {
		options := gather.Options{AllowPrivate: true, NoSMTP: true, Seed: "x"}
		r := both(t, live, job(audit.Targets([]string{"example.com"}, options), audit.Assumed{Zones: []*zone.Zone{parsed(t, newZone)}}))
		for _, d := range r.Domains[0].Drift {
			if d.Type == "MX" {
				if len(d.Live) != 0 || !strings.HasPrefix(d.Note, "not compared: the live DNS gave no answer: udp:192.0.2.53:53 answered SERVFAIL") {
					t.Errorf("%+v", d)
				}
				return
			}
		}
		t.Error("nothing is said about the MX records")
	})
}

// Without zones there is no drift, and changes alone are assumed.
func TestChangesAlone(t *testing.T) {
	inWorld(t, "A world.\n-- base --\nmodel\n", func(t *testing.T, _ *fakenet.World, live wire.Source) {
		change, err := zone.ParseChange("- example.com MX")
		if err != nil {
			t.Fatal(err)
		}
		options := gather.Options{AllowPrivate: true, NoSMTP: true, Seed: "x"}
		r := both(t, live, job(audit.Targets([]string{"example.com"}, options), audit.Assumed{Changes: []zone.Change{change}, Given: []zone.Change{change}, Texts: []string{"- example.com MX"}}))
		d := r.Domains[0]
		if len(d.Drift) != 0 || len(d.MX) != 1 || d.MX[0].Host != "example.com" {
			t.Errorf("drift %v, MX %v", d.Drift, d.MX)
		}
		if !slices.Equal(r.Run.Options.Assumed, []string{"- example.com MX"}) {
			t.Errorf("assumed %v", r.Run.Options.Assumed)
		}
		before := []report.Replaced{{Owner: "example.com", Type: "MX", From: report.Live, Before: []string{"10 mx1.example.com.", "10 mx2.example.com."}}}
		if diff := cmp.Diff(before, r.Run.Options.Replaced, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	})
}

// A policy that is not served yet is judged, without an address of its host;
// whether it can be fetched is not.
func TestPolicyAssumed(t *testing.T) {
	text := "$ORIGIN example.com.\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n@ MX 10 mx\nmx A 192.0.2.25\n@ TXT \"v=spf1 mx -all\"\n_mta-sts TXT \"v=STSv1; id=1\"\n"
	for _, c := range []struct {
		mx      string
		failing []string
	}{
		{"mx.example.com", nil},
		{"mail.example.com", []string{"mtasts-mx-mismatch"}},
	} {
		page := wire.Page{Status: 200, ContentType: "text/plain", Body: []byte("version: STSv1\r\nmode: enforce\r\nmx: " + c.mx + "\r\nmax_age: 1209600\r\n")}
		options := gather.Options{Offline: true, AllowPrivate: true, PolicyAssumed: true, Seed: "x"}
		r := both(t, nil, job(audit.Targets([]string{"example.com"}, options), audit.Assumed{
			Zones: []*zone.Zone{parsed(t, text)}, Pages: map[string]wire.Page{mtasts.PolicyURL("example.com"): page},
		}))
		d := r.Domains[0]
		var failing []string
		for _, f := range d.Findings {
			if strings.HasPrefix(f.Rule, "mtasts-mx-") && f.Severity != "info" && f.Severity != "low" || f.Rule == "mtasts-fetch" {
				failing = append(failing, f.Rule)
			}
		}
		if !slices.Equal(slices.Compact(failing), c.failing) {
			t.Errorf("%s: %v fail, want %v", c.mx, failing, c.failing)
		}
		if !slices.Contains(d.Passed, "mtasts-policy-invalid") {
			t.Errorf("%s: the policy was not judged", c.mx)
		}
		unasked := rules(d.NotAsked)
		for _, rule := range []string{"mtasts-fetch", "mtasts-host-cert", "mtasts-host-wildcard", "mtasts-media-type", "mtasts-size"} {
			if !slices.Contains(unasked, rule) {
				t.Errorf("%s is not among those not asked", rule)
			}
		}
	}
}

func rules(unasked []report.Unasked) []string {
	var out []string
	for _, u := range unasked {
		out = append(out, u.Rule)
	}
	slices.Sort(out)
	return out
}

// Each domain has its own options, in the recording too.
func TestTargets(t *testing.T) {
	inWorld(t, "A world.\n-- base --\nmodel\n", func(t *testing.T, _ *fakenet.World, live wire.Source) {
		o := gather.Options{AllowPrivate: true, NoSMTP: true, Seed: "x"}
		one, two := audit.Target{Domain: "example.com", Options: o}, audit.Target{Domain: "example.net", Options: o}
		two.Options.Profile = gather.NoMail
		j := job([]audit.Target{one, two}, audit.Assumed{})
		r := both(t, live, j)
		if d := r.Domains; d[0].Profile.Role != gather.Full || d[0].Profile.Stated || d[1].Profile.Role != gather.NoMail || !d[1].Profile.Stated {
			t.Errorf("profiles %+v, %+v", d[0].Profile, d[1].Profile)
		}
		if err := j.Start(live, began); err != nil {
			t.Fatal(err)
		}
		again := job(nil, audit.Assumed{})
		if err := again.Replay(j.Tape, "example.org"); err == nil || err.Error() != "example.org is not in this recording: it holds example.com, example.net" {
			t.Errorf("a domain that is not there: %v", err)
		}
	})
}

// What name servers of a zone that is not published yet would say is not asked:
// the zone would answer for them, and the rules about them would always pass.
func TestServersOfNewZone(t *testing.T) {
	inWorld(t, "A world.\n-- base --\nmodel\n", func(t *testing.T, _ *fakenet.World, live wire.Source) {
		options := gather.Options{AllowPrivate: true, NoSMTP: true, Seed: "x"}
		for _, zones := range [][]*zone.Zone{nil, {parsed(t, newZone)}} {
			r := both(t, live, job(audit.Targets([]string{"example.com"}, options), audit.Assumed{Zones: zones}))
			for _, rule := range []string{"dns-lame", "dns-servers-differ"} {
				if got := slices.Contains(rules(r.Domains[0].NotAsked), rule); got != (zones != nil) {
					t.Errorf("%d zones: %s not asked: %v", len(zones), rule, got)
				}
			}
		}
	})
}
