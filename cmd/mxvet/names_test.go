package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// Names in every flag may be typed as people write them; servers and the DNS get
// A-labels.
func TestNamesInFlags(t *testing.T) {
	var f auditFlags
	set := pflag.NewFlagSet("audit", pflag.ContinueOnError)
	f.register(set)
	if err := set.Parse([]string{
		"--ehlo", "Bücher.example", "--relay-rcpt", "probe@bücher.example", "--relay-from", "p@BÜCHER.example.",
		"--selector", "schlüssel", "--selector", "S1.mail", "--bimi-selector", "früh", "--subdomain", "mäil.example.com", "--control", "bücher.example:2525",
	}); err != nil {
		t.Fatal(err)
	}
	o, err := f.options()
	if err != nil {
		t.Fatal(err)
	}
	const name = "xn--bcher-kva.example"
	got := []string{o.EHLO, f.ehlo, o.RelayRcpt, o.RelayFrom, o.BIMISelector, o.Control, strings.Join(o.Selectors, " "), strings.Join(o.Subdomains, " ")}
	want := []string{name, name, "probe@" + name, "p@" + name, "xn--frh-ioa", name + ":2525", "xn--schlssel-95a s1.mail", "xn--mil-qla.example.com"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for in, want := range map[string]string{
		"tls://bücher.example": "tls://" + name, "https://bücher.example:8443/dns-query": "https://" + name + ":8443/dns-query",
		"192.0.2.53": "192.0.2.53", "tcp:192.0.2.53": "tcp:192.0.2.53", "[2001:db8::53]:53": "[2001:db8::53]:53",
	} {
		if got := resolverName(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{"localhost": "localhost", "localhost:2525": "localhost:2525", "192.0.2.1:25": "192.0.2.1:25", "::1": "::1", "[::1]:25": "[::1]:25"} {
		if got, err := hostPort(in); got != want || err != nil {
			t.Errorf("%s: %s, %v", in, got, err)
		}
	}
	for _, bad := range [][]string{{"--relay-rcpt", "bücher@example.com"}, {"--control", "a b"}, {"--ehlo", "a|b.example"}, {"--selector", "a/b"}} {
		var f auditFlags
		set := pflag.NewFlagSet("audit", pflag.ContinueOnError)
		f.register(set)
		if err := set.Parse(bad); err != nil {
			t.Fatal(err)
		}
		if o, err := f.options(); err == nil {
			t.Errorf("%v: %+v", bad, o)
		}
	}
	r := receiveFlags{helo: "bücher.example"}
	if err := r.checkHelo(); err != nil || r.helo != name {
		t.Errorf("%s, %v", r.helo, err)
	}
}

// A variable one letter off is no threshold: it is told.
func TestMisspeltEnvironment(t *testing.T) {
	for variable, told := range map[string]string{
		"MXVET_FAIL_OM": "did you mean MXVET_FAIL_ON?", "MXVET_FAILON": "did you mean MXVET_FAIL_ON?", "MXVET_MIN_SOCRE": "did you mean MXVET_MIN_SCORE?",
		"mxvet_fail_on": "names no flag", "MXVTE_FAIL_ON": "did you mean MXVET_FAIL_ON?", "MVET_FAIL_ON": "did you mean MXVET_FAIL_ON?", "MXVET_WHATEVER": "names no flag",
		"MXVET_FAIL_ON": "", "MXVET_HELO": "", "MXVET_AUTHSERV_ID": "", "MXVET": "", "MAX_FAIL": "", "HOME": "", "MXVET_\x1b[31m": `MXVET_\x1b[31m`,
	} {
		var out, errs bytes.Buffer
		w := world{
			stdin: strings.NewReader(""), stdout: &out, stderr: &errs, getenv: func(string) string { return "" },
			environ: func() []string { return slices.Clone([]string{"PATH=/bin", variable + "=never"}) },
		}
		if code := run([]string{"demo", "--list"}, w); code != exitOK {
			t.Errorf("%s: exit %d", variable, code)
		}
		if got := errs.String(); (got == "") != (told == "") || !strings.Contains(got, told) || strings.Contains(got, "\x1b") {
			t.Errorf("%q: %q, want %q", variable, got, told)
		}
	}
}
