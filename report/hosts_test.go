package report

import (
	"testing"

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
