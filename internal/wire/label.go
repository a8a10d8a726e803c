package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"strings"
)

// Label gives a DNS label that nobody has registered or published by chance: 16
// lower-case letters, the first 64 bits of HMAC-SHA256 with the seed as key over
// purpose and name, four bits a letter. The same three always give the same
// label, so that a replay asks what the recorded run asked; case and final dot
// of the name do not matter. Purposes keep the labels of one name apart.
func Label(seed, purpose, name string) string {
	mac := hmac.New(sha256.New, []byte(seed))
	mac.Write([]byte(purpose + "\x00" + strings.ToLower(strings.TrimSuffix(name, "."))))
	out := make([]byte, 0, 16)
	for _, b := range mac.Sum(nil)[:8] {
		out = append(out, 'a'+b>>4, 'a'+b&15)
	}
	return string(out)
}
