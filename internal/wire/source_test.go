package wire

import (
	"net/netip"
	"testing"
)

func TestQuestionCanonical(t *testing.T) {
	for _, tt := range []struct{ name, rrtype, want, wantType string }{
		{"Example.COM.", "mx", "example.com", "MX"},
		{"", "A", ".", "A"},
		{".", "A", ".", "A"},
		{`a\.`, "A", `a\.`, "A"}, // that dot is part of the label
		{`a\..`, "A", `a\.`, "A"},
		{`a\\.`, "A", `a\\`, "A"},
	} {
		q := Question{Name: tt.name, Type: tt.rrtype, Server: "192.0.2.53", CD: true}.Canonical()
		if q.Name != tt.want || q.Type != tt.wantType || q.Server != "192.0.2.53" || !q.CD {
			t.Errorf("%q: %+v", tt.name, q)
		}
		if q.Canonical() != q {
			t.Errorf("%q: canonical twice is %+v", tt.name, q.Canonical())
		}
	}
}

func TestRef(t *testing.T) {
	four, six := netip.MustParseAddrPort("192.0.2.25:25"), netip.MustParseAddrPort("[2001:db8::25]:465")
	for _, tt := range []struct{ got, want Ref }{
		{Question{Name: "Example.com.", Type: "mx"}.Ref(), "dns:MX example.com"},
		{Question{Type: "ns"}.Ref(), "dns:NS ."},
		{Question{Name: "_dmarc.example.com", Type: "TXT", Server: "192.0.2.53", TCP: true, CD: true}.Ref(), "dns:TXT _dmarc.example.com@192.0.2.53+tcp+cd"},
		{Question{Name: "example.com", Type: "MX", Live: true}.Ref(), "dns:MX example.com+live"},
		{Request{"https://example.com/a?b=1", four}.Ref(), "get:https://example.com/a?b=1@192.0.2.25:25"},
		{Request{URL: "https://example.com/"}.Ref(), "get:https://example.com/"},
		{Probe{Proto: "smtp", Addr: four, SNI: "MX1.example.com"}.Ref(), "smtp:192.0.2.25:25/mx1.example.com"},
		{Probe{Proto: "smtp", Addr: four, SNI: "mx1.example.com", Variant: "default"}.Ref(), "smtp:192.0.2.25:25/mx1.example.com"},
		{Probe{Proto: "submissions", Addr: six, Variant: "no-sni", Relay: "x\ty\tz\n"}.Ref(), "submissions:[2001:db8::25]:465/#no-sni+relay"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

// Names come from records that anybody may publish. None of them may read like
// the ref of another request, or its answer would be taken for that one's.
func TestRefOfHostileNames(t *testing.T) {
	addr := netip.MustParseAddrPort("192.0.2.25:25")
	for _, tt := range []struct{ hostile, other Ref }{
		{Question{Name: "example.com@192.0.2.53", Type: "A"}.Ref(), Question{Name: "example.com", Type: "A", Server: "192.0.2.53"}.Ref()},
		{Question{Name: "example.com+tcp", Type: "A"}.Ref(), Question{Name: "example.com", Type: "A", TCP: true}.Ref()},
		{Question{Name: "a%40b", Type: "A"}.Ref(), Question{Name: "a@b", Type: "A"}.Ref()},
		{Probe{Proto: "smtp", Addr: addr, SNI: "mx#no-sni"}.Ref(), Probe{Proto: "smtp", Addr: addr, SNI: "mx", Variant: "no-sni"}.Ref()},
		{Probe{Proto: "smtp", Addr: addr, SNI: "mx+relay"}.Ref(), Probe{Proto: "smtp", Addr: addr, SNI: "mx", Relay: "x"}.Ref()},
		{Request{"https://a/\xff", addr}.Ref(), Request{"https://a/\xfe", addr}.Ref()},
	} {
		if tt.hostile == tt.other {
			t.Errorf("two requests have the ref %q", tt.other)
		}
		for i := range len(tt.hostile) {
			if c := tt.hostile[i]; c < ' ' || c > '~' {
				t.Errorf("ref %q is not printable ASCII", tt.hostile)
				break
			}
		}
	}
}
