package report

import (
	"strings"
	"testing"
)

func TestPremise(t *testing.T) {
	zones, records := []string{"db.example.com"}, []string{"example.com. 60 IN A 192.0.2.1", "- example.com TXT"}
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{}, ""},
		{Options{Offline: true}, "nothing was asked"},
		{Options{Zones: zones}, "judged with zone file db.example.com laid over what is published"},
		{Options{Zones: zones, Offline: true}, "judged by zone file db.example.com; nothing was asked"},
		{Options{Zones: []string{"a", "b"}, Assumed: records}, "judged with zone file a, zone file b, 2 assumed records laid over what is published"},
		{Options{Zones: zones, Policy: "policy.txt", Presumed: []string{"_dmarc.com"}, Offline: true}, "judged by zone file db.example.com, MTA-STS policy policy.txt; nothing was asked"},
		{Options{Policy: "policy.txt"}, "judged with MTA-STS policy policy.txt laid over what is published"},
		{Options{Assumed: records[:1]}, "judged with 1 assumed record laid over what is published"},
	} {
		if got := (Run{Options: c.o}).Premise(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.o, got, c.want)
		}
	}
}

// What was assumed stands at the top of the report, and in full at its end; also
// in the short form.
func TestAssumedIsShown(t *testing.T) {
	r := sampleTypical(t)
	r.Run.Options.Zones, r.Run.Options.Assumed = []string{"db.example.com"}, []string{"_dmarc.example.com 3600 IN TXT \"v=DMARC1; p=reject\""}
	for _, quiet := range []bool{false, true} {
		var b strings.Builder
		if err := Text(&b, r, TextOptions{Quiet: quiet}); err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(b.String(), "SCORE")
		if !strings.Contains(head, "judged with zone file db.example.com, 1 assumed record") {
			t.Errorf("quiet %v: not at the top:\n%s", quiet, head)
		}
		if !quiet && !strings.Contains(b.String(), `assumed: _dmarc.example.com 3600 IN TXT "v=DMARC1; p=reject"`) {
			t.Errorf("the record is not listed:\n%s", b.String())
		}
	}
	var b strings.Builder
	if err := HTML(&b, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"judged with zone file db.example.com, 1 assumed record", "_dmarc.example.com 3600 IN TXT"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("HTML lacks %q", want)
		}
	}
}

// Of a run over many domains, the result of each names its own zone files only.
func TestPremiseOfOneOfMany(t *testing.T) {
	run := Run{Options: Options{Zones: []string{"a.zone", "b.zone", "c.zone"}, Offline: true}}
	domains := []Domain{{Name: "a.example", Zones: []string{"a.zone"}}, {Name: "b.example", Zones: []string{"b.zone"}}}
	r := New(Tool{}, "2026.1", run, domains, nil, nil)
	if got := r.Run.premiseOf(&r.Domains[1], true); got != "judged by zone file b.zone; nothing was asked" {
		t.Error(got)
	}
	r = New(Tool{}, "2026.1", run, domains[:1], nil, nil)
	if got := r.Run.premiseOf(&r.Domains[0], false); !strings.Contains(got, "c.zone") {
		t.Error(got)
	}
	run.Options.Zones = make([]string, 400)
	if got := run.Premise(); !strings.Contains(got, "395 more zone files") {
		t.Error(got)
	}
}
