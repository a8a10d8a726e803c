package message

import (
	"fmt"
	"slices"
	"strings"

	"mxvet/internal/simulate"
)

// differ lists the points about signatures on which receivers come to different results,
// or came to another one when they had the message.
func (r *Result) differ() (out []string) {
	add := func(format string, args ...any) {
		if text := "DKIM: " + fmt.Sprintf(format, args...); !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	var modern []string // aligned signatures that hold, by Ed25519
	older := false      // another one holds
	for _, s := range r.Signatures {
		if !r.mayAlign(s.Domain) {
			continue
		}
		if s.Lenient != "" && s.Lenient != s.Result {
			add("the signature of %s is %s (%s), and %s at receivers that accept it all the same", s.Domain, s.Result, s.Why, s.Lenient)
		}
		if s.Result != simulate.ResultPass {
			continue
		}
		if s.testing {
			add("the key at %s has the flag y, by which its owner tests: receivers that follow RFC 6376 section 3.6.1 take the message for unsigned, most do not", s.KeyName)
		}
		if s.KeyType == "ed25519" {
			modern = append(modern, s.Domain)
		} else {
			older = true
		}
	}
	if len(modern) > 0 && !older {
		add("only a signature by Ed25519 (RFC 8463) is of the author's organization (%s): receivers that do not know that algorithm find none", strings.Join(slices.Compact(modern), ", "))
	}
	return out
}
