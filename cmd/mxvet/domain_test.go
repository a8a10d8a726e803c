package main

import (
	"errors"
	"strings"
	"testing"
)

func TestParseDomain(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, c := range []struct{ in, want, err string }{
		{"example.com", "example.com", ""},
		{" Example.COM. ", "example.com", ""},
		{"bücher.example", "xn--bcher-kva.example", ""},
		{"xn--bcher-kva.example", "xn--bcher-kva.example", ""},
		{"straße.example", "xn--strae-oqa.example", ""},
		{"sub_domain.example.com", "sub_domain.example.com", ""},
		{"", "", "empty domain name"},
		{"   ", "", "empty domain name"},
		{"https://www.example.com/mail", "", "type the domain alone: www.example.com"},
		{"someone@example.com", "", "type its domain alone: example.com"},
		{"example.com/mail", "", "type the domain alone: example.com"},
		{"192.0.2.1", "", "is an address"},
		{"2001:db8::1", "", "is an address"},
		{"[192.0.2.1]", "", "is an address"},
		{"localhost", "", "only one label"},
		{"example..com", "", "empty label"},
		{".example.com", "", "empty label"},
		{"exa mple.com", "", "no domain name has"},
		{"exa\x00mple.com", "", "no"},
		{"example.com;id", "", "no domain name has"},
		{"1.2.3", "", "ends in digits"},
		{strings.Repeat("a", 64) + ".example", "", "at most 63"},
		{long + "." + long + "." + long + "." + long + ".example", "", "at most 253"},
		{strings.Repeat("x", 5000), "", "at most 253"},
	} {
		got, err := parseDomain(c.in)
		switch {
		case c.err == "":
			if err != nil || got != c.want {
				t.Errorf("parseDomain(%q) = %q, %v; want %q", c.in, got, err, c.want)
			}
		case err == nil:
			t.Errorf("parseDomain(%q) = %q; want an error with %q", c.in, got, c.err)
		default:
			var e *exitError
			if !errors.As(err, &e) || e.code != exitUsage {
				t.Errorf("parseDomain(%q): %v is no usage error", c.in, err)
			}
			if !strings.Contains(err.Error(), c.err) {
				t.Errorf("parseDomain(%q): %q does not say %q", c.in, err, c.err)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("parseDomain(%q): error of several lines: %q", c.in, err)
			}
		}
	}
}
