package message

import (
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"
	"time"
)

// What another receiver finds, or would have found when the message came, is told.
func TestDiffer(t *testing.T) {
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(s signer) string {
		m := parsed(t, crlfText(plain))
		m.prepend(s.sign(m))
		return received(string(m.text()), "a@list.example", "list.example", "198.51.100.9")
	}
	rsaSigned := signed(signer{Domain: "example.com", Selector: "r1", Algorithm: "rsa-sha256"})
	later := func(o *Options) { o.At = o.At.Add(40 * 24 * time.Hour) }
	now := func(*Options) {}
	for name, c := range map[string]struct {
		text    string
		options func(*Options)
		told    string
		not     string
	}{
		"key with the flag y":                {signed(signer{Domain: "example.com", Selector: "test"}), now, "take the message for unsigned", ""},
		"key without it":                     {signed(signer{Domain: "example.com", Selector: "s1"}), now, "Ed25519", "flag y"},
		"by RSA":                             {rsaSigned, now, "", "Ed25519"},
		"by Ed25519 for another domain":      {signed(signer{Domain: "list.example", Selector: "l1"}), now, "", "Ed25519"},
		"key that is not there, weeks after": {signed(signer{Domain: "example.com", Selector: "none"}), later, "whether it held then is not known", "permerror"},
		"key that is not there, at once":     {signed(signer{Domain: "example.com", Selector: "none"}), now, "", "whether it held"},
		"key that was withdrawn":             {signed(signer{Domain: "example.com", Selector: "gone"}), later, "", "whether it held"},
		"header changed, RSA":                {strings.Replace(rsaSigned, "A letter", "Urgent", 1), now, "the signed fields of the header are not as they were", "another key"},
		"other key, RSA":                     {signed(signer{Domain: "example.com", Selector: "r1", Algorithm: "rsa-sha256", Key: other}), now, "made with another key", "as they were"},
		"other key, Ed25519":                 {signed(signer{Domain: "example.com", Selector: "s1", Key: edKey("other")}), now, "or another key", ""},
	} {
		text := told(check(t, world(t), c.text, c.options))
		if !strings.Contains(text, c.told) || c.not != "" && strings.Contains(text, c.not) {
			t.Errorf("%s: want %q and not %q:\n%s", name, c.told, c.not, text)
		}
	}
}
