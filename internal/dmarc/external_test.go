package dmarc

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxvet/internal/psl"
	"mxvet/internal/wire"
)

func TestExternal(t *testing.T) {
	d := Lookup(context.Background(), newWorld(t, `
		example.co.uk TXT x
		_dmarc.example.co.uk TXT v=DMARC1; p=none; rua=mailto:a@example.co.uk,mailto:b@sub.example.co.uk,mailto:c@other.co.uk,mailto:d@reports.example.net; ruf=mailto:e@other.co.uk,mailto:f@denied.example,https://web.example/x,mailto:g@cloud.example,mailto:bad@
		example.co.uk MX 10 mx.example.co.uk.
		sub.example.co.uk A 192.0.2.1
		other.co.uk MX 0 .
		example.co.uk._report._dmarc.other.co.uk TXT v=DMARC1;
		reports.example.net MX 10 mx.example.net.
		example.co.uk._report._dmarc.reports.example.net TXT v=DMARC1; rua=mailto:z@elsewhere.example
		example.co.uk._report._dmarc.denied.example TXT v=DMARC1 rua
		_dmarc.sub.example.co.uk TXT v=DMARC1; p=none; psd=n
		example.co.uk._report._dmarc.cloud.example FAIL timeout
		cloud.example FAIL timeout
	`), psl.Default(), "example.co.uk")
	if d.Reports == nil || d.Reports.PolicyDomain != "example.co.uk" {
		t.Fatalf("reports: %+v", d.Reports)
	}
	var got []string
	for _, x := range d.Reports.Destinations {
		s := x.Host + " " + strings.Join(x.Tags, "+")
		flag := func(b bool, name string) {
			if b {
				s += " " + name
			}
		}
		flag(x.External, "walk")
		flag(x.ExternalUnknown, "walk?")
		flag(x.ExternalPSL, "psl")
		flag(x.ExternalPSLPrivate, "private")
		flag(x.Authorisation.Given(), "consent")
		flag(x.Authorisation.Unknown(), "consent?")
		flag(len(x.Authorisation.Others) > 0, "broken")
		flag(len(x.Authorisation.Elsewhere("rua")) > 0, "elsewhere")
		flag(len(x.Authorisation.Elsewhere("ruf")) > 0, "elsewhere-ruf")
		if x.Route != nil {
			s += " " + string(x.Route.State())
		}
		got = append(got, s)
	}
	want := []string{
		"example.co.uk rua mx",
		"sub.example.co.uk rua walk address",
		"other.co.uk rua+ruf walk psl private consent null-mx",
		"reports.example.net rua walk psl private consent elsewhere mx",
		"denied.example ruf walk psl private broken none", // it exists: a name below it does
		"web.example ruf walk psl private",
		"cloud.example ruf walk psl private consent? unknown",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Only valid addresses of the tag that a report is for keep it from being sent.
func TestElsewhere(t *testing.T) {
	for text, want := range map[string]string{
		"v=DMARC1":                             "0 0",
		"v=DMARC1; rua=mailto:z@other.example": "1 0",
		"v=DMARC1; ruf=mailto:z@other.example": "0 1",
		"v=DMARC1; rua=z@other.example":        "0 0", // no scheme
		"v=DMARC1; rua=mailto:z@in.example,mailto:z@a.example,mailto:,mailto:z@b.example": "2 0",
		"v=DMARC1; rua=mailto:z@in.example":                                               "0 0",
		"v=DMARC1; rua=mailto:z@[192.0.2.1]; ruf=https://in.example/x, mailto:@":          "1 0",
	} {
		w := newWorld(t, "example.com._report._dmarc.in.example TXT "+text)
		a := authorisation(t.Context(), w, "example.com", "in.example")
		if got := fmt.Sprint(len(a.Elsewhere("rua")), len(a.Elsewhere("ruf"))); got != want || !a.Given() {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestReportsInheritedAndBounded(t *testing.T) {
	var uris []string
	for _, c := range "abcdefghijklm" {
		uris = append(uris, "mailto:r@"+string(c)+".example")
	}
	d := Lookup(context.Background(), newWorld(t, `
		a.example.com A 192.0.2.1
		_dmarc.example.com TXT v=DMARC1; p=none; rua=`+strings.Join(uris, ",")), psl.Default(), "a.example.com")
	if d.Reports.PolicyDomain != "example.com" || len(d.Reports.Destinations) != 10 || len(d.Reports.Skipped) != 3 {
		t.Errorf("%s: %d destinations, %d skipped", d.Reports.PolicyDomain, len(d.Reports.Destinations), len(d.Reports.Skipped))
	}
	if got, want := d.Reports.Destinations[0].Authorisation.Name, "example.com._report._dmarc.a.example"; got != want {
		t.Errorf("asked for consent at %s, want %s", got, want)
	}
}

func TestAuthorisationTooLong(t *testing.T) {
	label := strings.Repeat("a", 60)
	host := label + "." + label + "." + label + ".example"
	policy := label + ".example"
	if a := authorisation(context.Background(), newWorld(t, ""), policy, host); !a.TooLong || a.Ref != "" || a.Unknown() {
		t.Errorf("%d bytes: %+v", len(a.Name), a)
	}
}

// slow answers after a time, longer at some names.
type slow struct {
	*world
	late string
}

func (s slow) DNS(ctx context.Context, q wire.Question) wire.Answer {
	if q.Name == s.late {
		time.Sleep(time.Second)
	}
	time.Sleep(100 * time.Millisecond)
	return s.world.DNS(ctx, q)
}

// All names are asked at once, and destinations do not wait for names above.
func TestLookupTakesTwoRounds(t *testing.T) {
	w := newWorld(t, `
		example.com TXT x
		_dmarc.example.com TXT v=DMARC1; p=none; rua=mailto:a@b.c.example.net`)
	for late, want := range map[string]time.Duration{"": 200 * time.Millisecond, "_dmarc.com": 1100 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			d := Lookup(t.Context(), slow{w, late}, psl.Default(), "example.com")
			if took := time.Since(start); took != want {
				t.Errorf("late %q: %v of virtual time, want %v", late, took, want)
			}
			if len(d.Reports.Destinations) != 1 {
				t.Errorf("destinations: %+v", d.Reports)
			}
		})
	}
}
