package audit

import (
	"strings"
	"testing"
	"testing/synctest"

	"mxvet/internal/fakenet"
	"mxvet/internal/fakenet/fakelive"
	"mxvet/internal/fix"
	"mxvet/internal/gather"
	"mxvet/internal/provider"
	"mxvet/internal/psl"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
	"mxvet/report"
)

// What a change takes away of what the records mean, also where that leads nowhere
// today.
func TestIntent(t *testing.T) {
	txt := func(text string) zone.Change {
		return zone.Change{Owner: "example.com", Type: "TXT", Remove: []string{"*"}, Add: []string{`"` + text + `"`}, TTL: 60}
	}
	mx := zone.Change{Owner: "example.com", Type: "MX", Remove: []string{"10 gone.example.com."}, TTL: 60}
	const senders, host = "the right to send", "take gone.example.com out"
	for _, c := range []struct {
		name, zone string
		change     zone.Change
		want       string // "" : nothing is lost
	}{
		{"mx without an address", `@ IN TXT "v=spf1 mx ip4:192.0.2.25 -all"`, txt("v=spf1 ip4:192.0.2.25 -all"), senders},
		{"it stays", `@ IN TXT "v=spf1 mx ip4:192.0.2.25 -all"`, txt("v=spf1 ip4:192.0.2.0/24 mx -all"), ""},
		{"a mail host inside", "inside IN A 10.1.2.3\n" + `@ IN TXT "v=spf1 a:inside.example.com ip4:192.0.2.25 -all"`, txt("v=spf1 ip4:192.0.2.25 -all"), senders},
		{"an inside network", `@ IN TXT "v=spf1 ip4:10.0.0.0/8 ip4:192.0.2.25 -all"`, txt("v=spf1 ip4:192.0.2.25 -all"), ""},
		{"an include without a record", `@ IN TXT "v=spf1 include:gone.example.org ip4:192.0.2.25 -all"`, txt("v=spf1 ip4:192.0.2.25 -all"), senders},
		{"an include at a name that is free", `@ IN TXT "v=spf1 include:gone.free.test ip4:192.0.2.25 -all"`, txt("v=spf1 ip4:192.0.2.25 -all"), ""},
		{"a term that is misspelt", `@ IN TXT "v=spf1 ipv4:192.0.2.25 incldue:gone.example.org -all"`, txt("v=spf1 include:gone.example.org -all"), senders},
		{"a term behind all", `@ IN TXT "v=spf1 ip4:192.0.2.25 -all ip4:192.0.2.26"`, txt("v=spf1 ip4:192.0.2.25 -all"), senders},
		{"a text that no receiver sees", `@ IN TXT "v=spf1; ip4:192.0.2.25 -all"`, txt("v=spf1 -all"), senders},
		{"two records", "@ IN TXT \"v=spf1 ip4:192.0.2.25 -all\"\n@ IN TXT \"v=spf1 ip4:192.0.2.26 -all\"", txt("v=spf1 ip4:192.0.2.25 -all"), senders},
		{"two records in one", "@ IN TXT \"v=spf1 ip4:192.0.2.25 -all\"\n@ IN TXT \"v=spf1 ip4:192.0.2.26 -all\"", txt("v=spf1 ip4:192.0.2.25 ip4:192.0.2.26 -all"), ""},
		{"a part of a network", `@ IN TXT "v=spf1 ip4:192.0.2.0/24 -all"`, txt("v=spf1 ip4:192.0.2.0/25 -all"), senders},
		{"over IPv6", `@ IN TXT "v=spf1 ip6:2001:db8::25 ip4:192.0.2.25 -all"`, txt("v=spf1 ip4:192.0.2.25 -all"), senders},
		{"a mail host without an address", `@ IN TXT "v=spf1 ip4:192.0.2.25 -all"`, mx, host},
		{"no record at all", "", txt("v=spf1 -all"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			world, err := fakenet.Parse([]byte("-- zone/example.com --\n@ IN MX 10 gone\n" + c.zone + "\n-- zone/example.org --\nwww IN A 192.0.2.80\n-- hosts.yaml --\nhosts:\n- {name: mx.example.com, addrs: [192.0.2.99], smtp: {}}\n"))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				live := fakelive.Start(world, wire.LiveConfig{})
				defer live.Close()
				job := &Job{Tape: wire.NewTape(live, wire.Header{At: world.Now})}
				e := gather.Domain(t.Context(), job.Tape, gather.Tables{Suffixes: psl.Default(), Providers: provider.Default()}, world.Now, "example.com", gather.Options{AllowPrivate: true, Control: "mx.control.test"})
				source := func() *remainder { return &remainder{tape: job.Tape, asking: t.Context()} }
				got := intentOf(t.Context(), source, e).loses(t.Context(), []zone.Change{c.change})
				if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
					t.Errorf("got %q, want %q", got, c.want)
				}
			})
		})
	}
}

// A change must not make the domain another one than it is known to be; what was only
// taken for granted may be found out.
func TestTakesRole(t *testing.T) {
	evidence := func(name string, unproven bool, records int, void bool) *gather.Evidence {
		e := &gather.Evidence{Role: gather.Role{Name: name, Unproven: unproven}, SPF: &spf.Tree{Root: &spf.Node{Records: make([]spf.Record, records)}}}
		if void {
			e.SPF.PermErrors = []spf.Failure{{}}
		}
		return e
	}
	after := evidence(gather.ReceiveOnly, false, 1, false)
	for _, c := range []struct {
		name   string
		before *gather.Evidence
		takes  bool
	}{
		{"the same", evidence(gather.ReceiveOnly, false, 1, false), false},
		{"another", evidence(gather.Full, false, 1, false), true},
		{"without a record before", evidence(gather.Full, false, 0, false), true},
		{"taken for granted", evidence(gather.Full, true, 1, false), false},
		{"a void record", evidence(gather.Full, false, 1, true), false},
	} {
		if why := takesRole(c.before, after); (why != "") != c.takes {
			t.Errorf("%s: %q", c.name, why)
		}
	}
}

// What no audit has shown to be harmless is never safe now, and has its group.
func TestSafetyOfProofs(t *testing.T) {
	change := []zone.Change{{Owner: "example.com", Type: "TXT", Add: []string{`"x"`}}}
	tried := &trial{}
	for _, c := range []struct {
		name          string
		p             proof
		safety, group string
	}{
		{"verified", proof{fix: fix.Fix{Safety: fix.SafeNow, Changes: change}, after: tried}, fix.SafeNow, report.GroupPublish},
		{"it would do harm", proof{fix: fix.Fix{Safety: fix.SafeNow, Changes: change}, after: tried, why: "it would cap"}, fix.NeedsEvidence, report.GroupEvidence},
		{"not tried", proof{fix: fix.Fix{Safety: fix.SafeNow, Changes: change}}, fix.NeedsEvidence, report.GroupEvidence},
		{"no record", proof{fix: fix.Fix{Safety: fix.SafeNow}}, fix.Manual, report.GroupServers},
		{"evidence", proof{fix: fix.Fix{Safety: fix.NeedsEvidence, Changes: change}, after: tried}, fix.NeedsEvidence, report.GroupEvidence},
		{"input", proof{fix: fix.Fix{Safety: fix.NeedsInput, Changes: change}}, fix.NeedsInput, report.GroupPublish},
		{"a record at a later stage", proof{fix: fix.Fix{Safety: fix.NeedsInput, Next: []fix.Stage{{Changes: change}}}}, fix.NeedsInput, report.GroupPublish},
	} {
		safety, needs := c.p.safety()
		if safety != c.safety || c.p.group() != c.group || c.name == "it would do harm" && needs != "that it does no harm" {
			t.Errorf("%s: %s, %s, %q", c.name, safety, c.p.group(), needs)
		}
	}
}
