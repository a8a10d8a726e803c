package message

import (
	"strings"
	"sync"
	"testing"

	"mxvet/internal/psl"
	"mxvet/internal/simulate"
	"mxvet/internal/wire"
)

// Signatures with any tags over any body, whole and damaged: where the own check and
// the other program differ, a section says why, and nothing passes that was changed.
func FuzzSignature(f *testing.F) {
	for _, s := range []string{
		"", "c=relaxed/relaxed", "z=Subject:b=x", "i=joe@Example.COM", "x=0", "t=5;x=4", "l=3", "q=http", ";", "_=1", "b=x", "v=2", "h=to", "d=other.example",
		"i=@mail.example.com; c=relaxed", "a b=1", "c=simple/relaxed; ab = 1 ;", "s=s2", "t= 1 2", "l=99999",
	} {
		f.Add(s, "A  line \r\n\r\n", uint16(0))
		f.Add(s, "", uint16(40))
	}
	f.Fuzz(func(t *testing.T, tags, text string, change uint16) {
		if len(tags) > 200 || len(text) > 2000 || strings.ContainsAny(tags, "\r\n\x00{}") {
			return
		}
		m, err := Parse([]byte("From: a@example.com\r\nSubject: a  letter\r\n\r\n" + text))
		if err != nil {
			return
		}
		field := "DKIM-Signature: v=1; a=ed25519-sha256; d=example.com; s=s1; " + tags + "; h=from:subject; bh={bh}; b={b}"
		m.prepend(signer{Selector: "s1"}.raw(m, field))
		file := m.text()
		damaged := change > 0
		if damaged {
			i := int(change) % len(file)
			if file[i] ^= 1; file[i] == '\r' || file[i] == '\n' || file[i] == 0 {
				return
			}
		}
		again, err := Parse(file)
		if err != nil {
			return
		}
		r := Check(t.Context(), fuzzWorld(t), psl.Default(), again, Options{At: now})
		for _, s := range r.Signatures {
			if s.Second == "" {
				continue
			}
			if (s.Second != s.Result) != (s.Differ != "") || s.Differ != "" && !strings.Contains(s.Differ, "section ") {
				t.Fatalf("here %s (%s), by the other program %s (%s): %q\n%q", s.Result, s.Why, s.Second, s.SecondWhy, s.Differ, file)
			}
			if s.Result == simulate.ResultPass && len(s.tags.remarks) > 0 {
				t.Fatalf("passes with %+v\n%q", s.tags.remarks, file)
			}
		}
	})
}

// fuzzWorld holds one key; other names do not exist.
func fuzzWorld(t *testing.T) wire.Source {
	t.Helper()
	fuzzZone.Do(func() {
		fuzzed = zones(t, `s1._domainkey.example.com. 3600 IN TXT "`+edRecord("s1")+`"`+"\n")
	})
	return fuzzed
}

var (
	fuzzZone sync.Once
	fuzzed   wire.Source
)
