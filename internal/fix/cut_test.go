package fix_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mxvet/internal/fix"
	"mxvet/internal/gather"
)

// A policy names every MX host, also those that an audit does not look at: mode
// enforce keeps mail from all others.
func TestPolicyNamesEveryHost(t *testing.T) {
	var zone strings.Builder
	for i := range 60 {
		fmt.Fprintf(&zone, "@ IN MX %d m%02d\nm%02d IN A 192.0.2.25\n", i, i, i)
	}
	zone.WriteString(aligned + reject)
	f := propose(t, gather.Options{NoSMTP: true}, zone.String(), "")[fix.MTASTSPolicy]
	var text strings.Builder
	for _, s := range f.Steps {
		text.WriteString(s.String() + "\n")
	}
	for i := range 60 {
		if line := fmt.Sprintf("mx: m%02d.example.com\n", i); !strings.Contains(text.String(), line) {
			t.Errorf("the policy lacks %q", line)
		}
	}
}

// Each host whose record is taken out is named in what is asked for before.
func TestRemovedHostsAreNamed(t *testing.T) {
	f := propose(t, gather.Options{NoSMTP: true}, "@ IN MX 10 mx\n@ IN MX 20 a\\;rm\\032-rf\n@ IN MX 30 gone\n"+aligned+reject, "")[fix.MXRecords]
	if len(f.Changes) != 1 || len(f.Changes[0].Remove) != 2 || !strings.Contains(f.Needs, "rf.example.com") || !strings.Contains(f.Needs, "gone.example.com") {
		t.Errorf("%s\nneeds %s", short(f), f.Needs)
	}
}

// A host that is named twice, once without its final dot, keeps the better preference.
func TestFinalDotBesideTheName(t *testing.T) {
	for _, c := range []struct{ want, zone string }{
		{"- example.com MX 20 mx.example.com.\n- example.com MX 10 mx.example.com.example.com.\n+ example.com MX 10 mx.example.com.", "@ IN MX 20 mx\n@ IN MX 10 mx.example.com.example.com.\n"},
		{"- example.com MX 20 mx.example.com.example.com.", "@ IN MX 10 mx\n@ IN MX 20 mx.example.com.example.com.\n"},
	} {
		f := propose(t, gather.Options{NoSMTP: true}, c.zone+aligned+reject, "")[fix.FinalDot]
		got := strings.Split(short(f), "\n")
		slices.Sort(got)
		expected := strings.Split(c.want, "\n")
		slices.Sort(expected)
		if !slices.Equal(got, expected) || strings.Contains(f.Title, "take out") != (len(expected) == 1) {
			t.Errorf("%s: %q", f.Title, got)
		}
	}
}
