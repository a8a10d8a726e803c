package report

import (
	"net/netip"
	"slices"
	"testing"

	"mxvet/internal/gather"
	"mxvet/internal/smtp"
	"mxvet/internal/wire"
)

// The table of hosts has one word about a chain, and names both sets of roots
// where they differ.
func TestTrustWords(t *testing.T) {
	for _, c := range []struct{ system, mozilla, want string }{
		{wire.Trusted, wire.Trusted, "trusted"},
		{wire.Trusted, wire.TrustUnknownRoot, "trusted by this machine, not by Mozilla"},
		{wire.TrustUnknownRoot, wire.Trusted, "trusted by Mozilla, not by this machine"},
		{wire.TrustNotApplicable, wire.Trusted, "trusted"},
		{wire.TrustSelfSigned, wire.TrustSelfSigned, "self-signed"},
		{wire.TrustInvalid, wire.TrustUnknownRoot, "unknown-authority"},
		{wire.TrustIncomplete, wire.TrustNotApplicable, "incomplete-chain"},
	} {
		if got := (&Certificate{System: c.system, Mozilla: c.mozilla}).trust(); got != c.want {
			t.Errorf("%s, %s: %q, want %q", c.system, c.mozilla, got, c.want)
		}
	}
}

// A host is up that took EHLO; a greeting that turns us away is quoted, and claims
// nothing about TLS.
func TestHostAddress(t *testing.T) {
	banner := func(code int, text string) smtp.Exchange {
		return smtp.Exchange{Stage: smtp.StageBanner, Reply: &smtp.Reply{Code: code, Lines: []string{text}}}
	}
	said := func(stage string, code int, lines ...string) smtp.Exchange {
		return smtp.Exchange{Stage: stage, Reply: &smtp.Reply{Code: code, Lines: lines}}
	}
	greeting := banner(220, "mx1.example.com ESMTP")
	for _, c := range []struct {
		name     string
		log      []smtp.Exchange
		up       bool
		words    string
		keywords []string
	}{
		{"it talks", []smtp.Exchange{greeting, said(smtp.StageEHLO, 250, "mx1.example.com", "SIZE 1000", "8BITMIME")}, true, "no STARTTLS", []string{"SIZE 1000", "8BITMIME"}},
		{"inside TLS", []smtp.Exchange{greeting, said(smtp.StageEHLO, 250, "mx1.example.com", "STARTTLS"), said(smtp.StageEHLOTLS, 250, "mx1.example.com", "AUTH PLAIN")}, true, "STARTTLS offered, no handshake", []string{"AUTH PLAIN"}},
		{"as in old times", []smtp.Exchange{greeting, said(smtp.StageEHLO, 502, "no"), said(smtp.StageHELO, 250, "mx1.example.com")}, true, "no STARTTLS", []string{}},
		{"busy", []smtp.Exchange{banner(421, "4.7.0 too many connections")}, false, "421 4.7.0 too many connections", []string{}},
		{"not welcome", []smtp.Exchange{greeting, said(smtp.StageEHLO, 550, "5.7.1 you?")}, false, "550 5.7.1 you?", []string{}},
		{"closed", []smtp.Exchange{greeting, {Stage: smtp.StageEHLO, Command: "EHLO x"}}, false, "no answer to EHLO", []string{}},
	} {
		a := hostAddress(gather.Address{IP: netip.MustParseAddr("192.0.2.1"), Ref: "smtp:192.0.2.1", Session: wire.Session{Exchanges: c.log}})
		if a.up() != c.up || a.describe() != c.words || !slices.Equal(a.Keywords, c.keywords) {
			t.Errorf("%s: up %v, %q, %q", c.name, a.up(), a.describe(), a.Keywords)
		}
	}
}

// What a host offers is said once where its addresses offer the same.
func TestHostOffers(t *testing.T) {
	h := Host{Name: "mx1.example.com", Provider: "Example Mail", Addresses: []HostAddress{
		{IP: "192.0.2.1", Keywords: []string{"SIZE 1000", "STARTTLS"}}, {IP: "192.0.2.2", Keywords: []string{"SIZE 1000", "STARTTLS"}}, {IP: "192.0.2.3"},
	}}
	want := []string{"mx1.example.com is a host of Example Mail", "mx1.example.com offers SIZE 1000, STARTTLS"}
	if got := h.offers(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	h.Addresses[1].Keywords = []string{"SIZE 1000"}
	want = []string{want[0], "mx1.example.com at 192.0.2.1 offers SIZE 1000, STARTTLS", "mx1.example.com at 192.0.2.2 offers SIZE 1000"}
	if got := h.offers(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
