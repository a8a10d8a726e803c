package fix

import (
	"slices"
	"testing"

	"mxvet/internal/zone"
)

func TestHostName(t *testing.T) {
	for name, want := range map[string]bool{
		"mx.example.com": true, "MX-1.example.com": true, "1.example.com": true, "mx.xn--bcher-kva.example": true,
		"": false, ".": false, "mx": false, "192.0.2.25": false, "mx..example.com": false, "-mx.example.com": false, "mx-.example.com": false,
		"mx_1.example.com": false, "a|id.example.com": false, "*.example.com": false,
	} {
		if hostName(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}

func TestJoinedNeeds(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"", "", ""},
		{"a", "", "a"},
		{"", "b", "b"},
		{"a", "a", "a"},
		{"a", "b", "a; b"},
	} {
		if got := join(c.a, c.b); got != c.want {
			t.Errorf("%q and %q: %q", c.a, c.b, got)
		}
	}
}

// What two fixes make together is as risky as the riskier, claims what failed before,
// and is undone to what stood there first.
func TestThen(t *testing.T) {
	change := func(remove, add string) []zone.Change {
		return []zone.Change{{Owner: "example.com", Type: "TXT", Remove: []string{remove}, Add: []string{add}, TTL: 60}}
	}
	first := Fix{ID: SPFRecord, Claims: []Claim{{Rule: "a"}}, Changes: change(`"1"`, `"2"`), Safety: SafeNow, Undo: undo(change(`"1"`, `"2"`))}
	second := Fix{ID: SPFRecord, Claims: []Claim{{Rule: "a"}, {Rule: "b"}, {Rule: "new"}}, Changes: change(`"2"`, `"3"`), Safety: NeedsEvidence, Needs: "that it is so"}
	got := first.Then(second, func(c Claim) bool { return c.Rule != "new" })
	if got.Safety != NeedsEvidence || got.Needs != "that it is so" || !slices.Equal(got.Rules(), []string{"a", "b"}) || got.Undo.String() != first.Undo.String() ||
		!slices.Equal(got.Changes[0].Add, []string{`"3"`}) || !slices.Equal(got.Changes[0].Remove, []string{`"1"`}) {
		t.Errorf("got %+v", got)
	}
	if back := second.Then(first, func(Claim) bool { return true }); back.Safety != NeedsEvidence {
		t.Errorf("got %+v", back)
	}
}

func TestUndo(t *testing.T) {
	change := func(remove, add []string) zone.Change {
		return zone.Change{Owner: "example.com", Type: "TXT", Remove: remove, Add: add, TTL: 60}
	}
	for _, c := range []struct {
		changes []zone.Change
		want    string
	}{
		{[]zone.Change{change(nil, []string{`"a"`})}, "remove the record"},
		{[]zone.Change{change(nil, []string{`"a"`}), change(nil, []string{`"b"`})}, "remove the records"},
		{[]zone.Change{change([]string{`"a"`}, []string{`"b"`})}, "publish again:\nexample.com. 60 IN TXT \"a\""},
		{[]zone.Change{change([]string{"*"}, nil)}, "publish the TXT record of example.com again"},
		{[]zone.Change{change([]string{`"a"`}, nil), change([]string{"*"}, nil)}, "publish again the TXT record of example.com, and:\nexample.com. 60 IN TXT \"a\""},
	} {
		if got := undo(c.changes).String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
