package config

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mxvet/internal/gather"
)

// name stands for the command line's reading of domain names.
func name(s string) (string, error) {
	if !strings.Contains(s, ".") || strings.ContainsAny(s, " /@") {
		return "", errors.New("not a domain name")
	}
	return strings.ToLower(s), nil
}

func TestParse(t *testing.T) {
	got, err := Parse([]byte(`
version: 1
defaults: {profile: auto, rubric: 2026.1, fail_on: medium, min_score: 85, resolver: [127.0.0.1, "tls://dns.example"]}
domains:
  - name: Example.com
    profile: full
    dkim: {selectors: [s1, 20260101]}
    send_ips: [192.0.2.25, "2001:db8::25"]
  - {name: example.org, profile: no-mail}
dnsbl: {lists: default, add: [bl.example.net], remove: [ "domain:dbl.example.net" ]}
`), "mxvet.yaml", name)
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		File:     "mxvet.yaml",
		Defaults: Defaults{Profile: "auto", Rubric: "2026.1", FailOn: "medium", MinScore: "85", Resolvers: []string{"127.0.0.1", "tls://dns.example"}},
		Domains: []Domain{
			{
				Name: "example.com", Profile: gather.Full, Selectors: []string{"s1", "20260101"}, Line: 5,
				SendIPs: []netip.Addr{netip.MustParseAddr("192.0.2.25"), netip.MustParseAddr("2001:db8::25")},
			},
			{Name: "example.org", Profile: gather.NoMail, Line: 9},
		},
		DNSBL: gather.DNSBLOptions{Lists: []string{"default"}, Add: []string{"bl.example.net"}, Remove: []string{"domain:dbl.example.net"}},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	if got.Find("example.org") == nil || got.Find("example.net") != nil {
		t.Error("Find")
	}
}

// Errors say where, and what to write instead.
func TestErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "f:1:1: nothing in it: begin with version: 1"},
		{"# only a remark\n", "f:1:1: nothing in it: begin with version: 1"},
		{"domains: []\n", "f:1:1: version is missing: begin with version: 1"},
		{"version: 2\n", "f:1:10: version 2: this mxvet reads version 1"},
		{"version:\n", "f:1:9: version has no value"},
		{"- version\n", "f:1:1: the file: want keys and values: version, defaults, domains, dnsbl"},
		{"version: 1\nversion: 1\n", "f:2:1: version is there twice"},
		{"version: 1\ndomain: []\n", `f:2:1: unknown key "domain" in the file: did you mean domains?`},
		{"version: 1\nnotify: {}\n", `f:2:1: unknown key "notify" in the file: known are version, defaults, domains, dnsbl`},
		{"version: 1\ndefaults:\n  fail-on: high\n", `f:3:3: unknown key "fail-on" in defaults: did you mean fail_on?`},
		{"version: 1\ndefaults: {fail_on: worst}\n", "f:2:21: fail_on worst: choose from critical, high, medium, low, never"},
		{"version: 1\ndefaults: {profile: [full]}\n", "f:2:21: profile: want one value"},
		{"version: 1\ndefaults: {rubric: 2025.1}\n", "f:2:20: rubric 2025.1: choose from 2026.1"},
		{"version: 1\ndefaults: {min_score: 101}\n", "f:2:23: min_score 101: want a number from 0 to 100"},
		{"version: 1\ndefaults: {min_score: many}\n", "f:2:23: min_score many: want a number from 0 to 100"},
		{"version: 1\ndefaults: {resolver: [dns.example]}\n", `f:2:23: resolver "dns.example": "dns.example" is no IP address; only tls:// and https:// resolvers may be given by name`},
		{"version: 1\ndomains: example.com\n", "f:2:10: domains: want a list"},
		{"version: 1\ndomains: [example.com]\n", "f:2:11: a domain: want keys and values: name, profile, dkim, send_ips"},
		{"version: 1\ndomains:\n  - profile: full\n", "f:3:5: a domain without a name"},
		{"version: 1\ndomains:\n  - name: user@example.com\n", "f:3:11: not a domain name"},
		{"version: 1\ndomains:\n  - name: example.com\n  - name: EXAMPLE.com\n", "f:4:11: example.com is there twice, first in line 3"},
		{"version: 1\ndomains:\n  - name: example.com\n    expect: {}\n", `f:4:5: unknown key "expect" in a domain: known are name, profile, dkim, send_ips`},
		{"version: 1\ndomains:\n  - name: example.com\n    dkim: {selector: s1}\n", `f:4:12: unknown key "selector" in dkim: did you mean selectors?`},
		{"version: 1\ndomains:\n  - name: example.com\n    dkim: {selectors: [s/1]}\n", `f:4:24: "s/1" is no DKIM selector: it is the name before ._domainkey`},
		{"version: 1\ndomains:\n  - name: example.com\n    send_ips: [mail.example.com]\n", `f:4:16: "mail.example.com" is no IP address`},
		{"version: 1\ndnsbl: {add: [\"not a zone\"]}\n", `f:2:15: "not a zone" is neither a block list that mxvet knows nor a zone`},
		{"version: 1\ndefaults: &d {profile: full}\ndnsbl: *d\n", "f:3:8: *d: aliases are not read: write the value out"},
		{"version: 1\n---\nversion: 1\n", "f:2:1: a second document: a configuration is one"},
		{"version: 1\ndomains: [\n", "f:2: not YAML: did not find expected node content"},
		{"version: 1\n\tdomains: []\n", "f:2: not YAML: found a tab character that violates indentation"},
		{
			"version: 1\ndefaults: {profile: none, min_score: -1}\ndnsbls: 1\n",
			"f:2:21: profile none: choose from auto, full, receive-only, send-only, no-mail\n" +
				"f:2:38: min_score -1: want a number from 0 to 100\n" +
				`f:3:1: unknown key "dnsbls" in the file: did you mean dnsbl?`,
		},
	} {
		_, err := Parse([]byte(c.text), "f", name)
		if err == nil || err.Error() != c.want {
			t.Errorf("%q\n got %v\nwant %s", c.text, err, c.want)
		}
	}
}

func TestErrorsAreBounded(t *testing.T) {
	_, err := Parse([]byte("version: 1\n"+strings.Repeat("x: 1\n", 1000)), "f", name)
	if es, ok := errors.AsType[Errors](err); !ok || len(es) != MaxErrors || es[0].Line != 2 {
		t.Errorf("%d errors: %v", len(es), err)
	}
	_, err = Parse(make([]byte, MaxBytes+1), "f", name)
	if err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("too long: %v", err)
	}
}

func TestReadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mxvet.yaml")
	if _, err := ReadFile(path, name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(path, []byte("version: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := ReadFile(path, name); err != nil || c.File != path {
		t.Errorf("%+v, %v", c, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("version: 1\ndomains:\n  - {name: example.com, dkim: {selectors: [s1]}}\n")
	f.Add("a: &a [*a, *a]\n")
	f.Add("? {a: b}\n: !!binary x\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse([]byte(text), "f", name)
		if (c == nil) == (err == nil) {
			t.Errorf("config %v with error %v", c, err)
		}
	})
}
