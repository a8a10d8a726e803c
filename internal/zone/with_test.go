package zone

import (
	"slices"
	"strings"
	"testing"
)

func TestWith(t *testing.T) {
	z := parse(t, sample, "")
	n := len(z.Records)
	after := z.With([]Change{
		{Owner: "example.com", Type: "TXT", Remove: []string{`"v=spf1 mx -all"`}, Add: []string{`"v=spf1 -all"`}, TTL: 60},
		{Owner: "EXAMPLE.com.", Type: "txt", Add: []string{`"second"`}, TTL: 60},
		{Owner: "new.deep.example.com", Type: "A", Add: []string{"192.0.2.7"}, TTL: 60},
		{Owner: "a.b.c.example.com", Type: "A", Remove: []string{"*"}},
		{Owner: "out.example.com", Type: "TXT", Add: []string{"beside an alias"}, TTL: 60},
		{Owner: "mail.example.com", Type: "CNAME", Add: []string{"mx.example.net."}, TTL: 60},
		{Owner: "www.example.com", Type: "CNAME", Remove: []string{"*"}, Add: []string{"web.example.net."}, TTL: 60},
		{Owner: "example.org", Type: "A", Add: []string{"192.0.2.7"}, TTL: 60},
	})
	for _, tt := range []struct{ name, rrtype, kind, data string }{
		{"example.com", "TXT", Found, `"token=1"|"second"|"v=spf1 -all"`},
		{"example.com", "MX", Found, "10 mail.example.com."},
		{"new.deep.example.com", "A", Found, "192.0.2.7"},
		{"deep.example.com", "A", NoData, ""},
		{"c.example.com", "A", NXDomain, ""}, // nothing is left below it
		{"out.example.com", "TXT", Alias, "www.example.net."},
		{"mail.example.com", "A", Found, "192.0.2.1"},
		{"mail.example.com", "MX", NoData, ""},
		{"www.example.com", "A", Alias, "web.example.net."},
		{"x.wild.example.com", "MX", Found, "5 mail.example.com."},
	} {
		r := after.Lookup(tt.name, tt.rrtype)
		var data []string
		for _, s := range r.Records {
			data = append(data, split(s).Data)
		}
		if r.Kind != tt.kind || strings.Join(data, "|") != tt.data {
			t.Errorf("%s %s: %s %q, want %s %s", tt.name, tt.rrtype, r.Kind, data, tt.kind, tt.data)
		}
	}
	if lines := after.Lookup("example.com", "TXT").Lines; !slices.Equal(lines, []int{0, 7}) {
		t.Errorf("lines %v, want 0 for what is new and 7 for what stayed", lines)
	}
	if r := z.Lookup("example.com", "TXT"); len(z.Records) != n || len(r.Records) != 2 {
		t.Error("the zone itself was changed")
	}
}

func TestWithNewPair(t *testing.T) {
	z := parse(t, "@ NS ns.example.net.\n", "example.com")
	after := z.With([]Change{
		{Owner: "a.example.com", Type: "CNAME", Add: []string{"b.example.net."}},
		{Owner: "a.example.com", Type: "TXT", Add: []string{"x"}},
	})
	if r := after.Lookup("a.example.com", "A"); r.Kind != NoData {
		t.Errorf("got %+v, want the alias to yield", r)
	}
	if r := after.Lookup("a.example.com", "TXT"); r.Kind != Found {
		t.Errorf("got %+v", r)
	}
}
