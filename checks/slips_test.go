package checks

import (
	"strings"
	"testing"

	"mxvet/internal/gather"
	"mxvet/internal/zone"
)

// What a zone text holds that only panels write, and how it is encoded, are told in
// one verdict per file, which is as severe as the worse of the two.
func TestZoneText(t *testing.T) {
	of := func(types ...string) (out []zone.Slip) {
		for i, rrtype := range types {
			out = append(out, zone.Slip{File: "a.zone", Kind: zone.SlipType, Said: rrtype, Line: i + 1})
		}
		return out
	}
	utf16 := zone.Slip{File: "a.zone", Kind: zone.SlipEncoding, Said: "UTF-16"}
	for _, c := range []struct {
		name     string
		slips    []zone.Slip
		status   Status
		severity Severity
		told     string
	}{
		{"nothing", nil, Pass, "", ""},
		{"another file's", []zone.Slip{{File: "b.zone", Kind: zone.SlipType, Said: "SPF", Line: 1}}, Pass, "", ""},
		{"SPF alone", of("SPF", "SPF"), Fail, Medium, "a.zone: type SPF (line 1, 2) was read"},
		{"DKIM alone", of("DKIM"), Fail, Info, "the type DKIM (line 1) is that of"},
		{"DMARC alone", of("DMARC"), Fail, Info, "the type DMARC (line 1) is that of"},
		{"two of a panel", of("SPF", "DMARC"), Fail, Info, "the types SPF (line 1), DMARC (line 2) are those of"},
		{"an encoding", []zone.Slip{utf16}, Fail, Low, "a.zone is UTF-16, which"},
		{"an encoding, and a panel's type", append(of("DKIM"), utf16), Fail, Low, "in the DNS; a.zone is UTF-16, which"},
		{"an encoding, and type SPF", append(of("SPF"), utf16), Fail, Medium, "asks for; a.zone is UTF-16, which"},
	} {
		got := judgeDNSZoneText(&gather.Evidence{Options: gather.Options{ZoneFiles: []string{"a.zone"}, ZoneSlips: c.slips}})
		if len(got) != 1 || got[0].Key != "a.zone" || got[0].Status != c.status || got[0].Severity != c.severity ||
			!strings.Contains(got[0].Message, c.told) || strings.HasPrefix(got[0].Message, "; ") {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}
