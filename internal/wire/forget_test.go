package wire

import (
	"context"
	"testing"
)

// Of a run over many domains, what was asked about one is forgotten and stays
// counted; what others may need stays.
func TestForget(t *testing.T) {
	ctx := context.Background()
	tape := NewTape(generous{10}, Header{})
	names := []string{"example.com", "_dmarc.example.com", "s1._domainkey.example.com", "notexample.com", "example.org", "com"}
	for _, name := range names {
		tape.DNS(ctx, Question{Name: name, Type: "TXT"})
	}
	tape.DNS(ctx, Question{Name: "mx.example.com", Type: "A", Server: "192.0.2.53", TCP: true})
	tape.Forget("example.com")
	for name, want := range map[string]bool{"example.com": false, "_dmarc.example.com": false, "s1._domainkey.example.com": false, "notexample.com": true, "example.org": true, "com": true} {
		if a, _, _ := tape.Lookup(Question{Name: name, Type: "TXT"}.Ref()); (a != nil) != want {
			t.Errorf("%s: kept %v, want %v", name, a != nil, want)
		}
	}
	if a, _, _ := tape.Lookup(Question{Name: "mx.example.com", Type: "A", Server: "192.0.2.53", TCP: true}.Ref()); a != nil {
		t.Error("a direct question is kept")
	}
	if queries, _ := tape.Counts(); queries != len(names)+1 {
		t.Errorf("%d questions counted", queries)
	}
}
