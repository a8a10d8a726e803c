package dmarc

import (
	"slices"
	"strings"
	"testing"

	"mxvet/internal/psl"
)

// A receiver asks for less than an owner, and finds the same record.
func TestDiscover(t *testing.T) {
	const zone = `
		mail.example.com A 192.0.2.1
		_dmarc.example.com TXT v=DMARC1; p=reject; sp=quarantine; rua=mailto:a@example.net`
	full, lean := newWorld(t, zone), newWorld(t, zone)
	want := Lookup(t.Context(), full, psl.Default(), "mail.example.com")
	got := Discover(t.Context(), lean, psl.Default(), "mail.example.com")
	if got.Walk.Domain.Policy != Quarantine || got.Walk.Domain.At != want.Walk.Domain.At || got.PSL.Domain.Policy != Quarantine {
		t.Errorf("policy %+v", got.Walk.Domain)
	}
	if got.Exists != Exists || got.Reports != nil {
		t.Errorf("exists %s, reports %v", got.Exists, got.Reports)
	}
	for _, ref := range lean.asked {
		if strings.Contains(string(ref), "_report") || strings.Contains(string(ref), "example.net") || !slices.Contains(full.asked, ref) {
			t.Errorf("asked %s", ref)
		}
	}
}

func TestOrganize(t *testing.T) {
	w := newWorld(t, `
		_dmarc.example.com TXT v=DMARC1; p=none
		_dmarc.unit.example.com TXT v=DMARC1; p=none; psd=n
		_dmarc.host.test FAIL timeout`)
	for name, want := range map[string]string{
		"a.b.example.com":       "example.com",
		"Example.COM.":          "example.com",
		"mail.unit.example.com": "unit.example.com",
		"www.example.org":       "www.example.org", // no record anywhere: the name itself
	} {
		if got := Organize(t.Context(), w, name); got.Domain != want || got.Failed != nil {
			t.Errorf("%s: %s, failed %v", name, got.Domain, got.Failed)
		}
	}
	if got := Organize(t.Context(), w, "a.host.test"); !slices.Equal(got.Failed, []string{"host.test"}) {
		t.Errorf("failed %v", got.Failed)
	}
}
