package message

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	keys "mxvet/internal/dkim"
)

// What this package verifies itself, it verifies as the library does: messages
// that one made the other accepts, and what is changed afterwards both refuse.
func TestOwnVerifierAgreesWithLibrary(t *testing.T) {
	records := map[string]string{"s1": edRecord("s1"), "r1": rsaRecord()}
	both := func(text string) (library, own error) {
		t.Helper()
		m := parsed(t, text)
		v, err := dkim.VerifyWithOptions(bytes.NewReader(m.text()), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
			selector, _, _ := strings.Cut(name, ".")
			return []string{records[selector]}, nil
		}})
		if err != nil || len(v) != 1 {
			t.Fatalf("library: %v", err)
		}
		sigs, _ := m.signatures()
		return v[0].Err, m.holds(&sigs[0], newPicker(m.Fields), keys.Parse(records[sigs[0].Selector]).PublicKey())
	}
	random := rand.New(rand.NewPCG(1, 2))
	// No bare CR: mail may not have it, and the library drops blanks before one.
	pieces := []string{"word", " ", "  ", "\t", "\r\n", "\r\n\r\n", "\r\n \r\n", ".", "b=", ";", "\xff"}
	made := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		return b.String()
	}
	forms := []dkim.Canonicalization{dkim.CanonicalizationSimple, dkim.CanonicalizationRelaxed}
	for n := range 200 {
		o := dkim.SignOptions{
			Domain: "example.com", Selector: "s1", Signer: edKey("s1"), HeaderKeys: []string{"From", "Subject", "From", "X-None"},
			HeaderCanonicalization: forms[n%2], BodyCanonicalization: forms[n/2%2],
		}
		if n%10 == 0 {
			o.Selector, o.Signer = "r1", rsaKey()
		}
		text := librarySign(t, "From:  a@example.com\nSubject: folded\n\t subject  \nX: y\n\n"+made(n%40), o)
		if library, own := both(text); library != nil || own != nil {
			t.Fatalf("signed by the library: library %v, own %v\n%q", library, own, text)
		}
		changed := []byte(text)
		i := len(changed) - 1 - random.IntN(min(len(changed)-1, 150))
		if changed[i] ^= 1; changed[i] == '\r' || changed[i] == '\v' || changed[i] == '\f' {
			changed[i] = 'x'
		}
		library, own := both(string(changed))
		if (library == nil) != (own == nil) {
			t.Errorf("changed at %d: library %v, own %v\n%q", i, library, own, changed)
		}

		m := parsed(t, "From:  a@example.com\nSubject: folded\n\t subject  \n\n"+made(n%40))
		m.prepend(signer{Domain: "example.com", Selector: "s1", Headers: "from:subject:from", Canonical: string(forms[n%2]) + "/" + string(forms[n/2%2])}.sign(m))
		if library, own := both(string(m.text())); library != nil || own != nil {
			t.Fatalf("signed here: library %v, own %v\n%q", library, own, m.text())
		}
	}
}

func TestCanonicalBody(t *testing.T) {
	for _, c := range []struct{ body, simple, relaxed string }{ // RFC 6376 section 3.4.5 and corners
		{"", "\r\n", ""},
		{"\r\n\r\n", "\r\n", ""},
		{" C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"},
		{"no end", "no end\r\n", "no end\r\n"},
		{" \r\n", " \r\n", ""},
		{"a\r\n \r\n", "a\r\n \r\n", "a\r\n"},
	} {
		if got := string(canonicalBody([]byte(c.body), false)); got != c.simple {
			t.Errorf("simple %q: %q", c.body, got)
		}
		if got := string(canonicalBody([]byte(c.body), true)); got != c.relaxed {
			t.Errorf("relaxed %q: %q", c.body, got)
		}
	}
}

func TestWithoutSignature(t *testing.T) {
	for raw, want := range map[string]string{
		"DKIM-Signature: bh=ab==; b=cd\r\n":           "DKIM-Signature: bh=ab==; b=\r\n",
		"DKIM-Signature: b =\r\n c d ;\r\n bh=b=\r\n": "DKIM-Signature: b =;\r\n bh=b=\r\n",
		"DKIM-Signature: z=b=x; b=y;\r\n":             "DKIM-Signature: z=b=x; b=;\r\n",
	} {
		if got := withoutSignature(raw); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}
