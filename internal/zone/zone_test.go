package zone

import (
	"slices"
	"strings"
	"testing"
)

const sample = `$ORIGIN example.com.
$TTL 1h
@	SOA ns1 hostmaster 1 7200 900 1209600 300
	NS ns1
	MX 10 mail
	TXT "v=spf1 mx -all"
	TXT "token=1"
ns1	A 192.0.2.53
mail	300 IN A 192.0.2.1
	AAAA 2001:db8::1
a.b.c	A 192.0.2.2 ; makes b.c and c exist
*.wild	MX 5 mail
	TXT "from the wildcard"
sub.wild A 192.0.2.3
*.alias	CNAME mail
www	CNAME mail.example.com.
out	CNAME www.example.net.
dept	NS ns.dept
dept	NS ns1
dept	DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
ns.dept	A 192.0.2.54
old	DNAME new.example.org.
dot\.ted TXT "one label"
`

func parse(t *testing.T, text, origin string) *Zone {
	t.Helper()
	z, err := Parse(strings.NewReader(text), "db", origin)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestLookup(t *testing.T) {
	z := parse(t, sample, "")
	const soa = "example.com.\t3600\tIN\tSOA\tns1.example.com. hostmaster.example.com. 1 7200 900 1209600 300"
	for _, tt := range []struct {
		name, rrtype string
		kind         string
		records      string // joined by |
		target, star string
	}{
		{"example.com", "MX", Found, "example.com.\t3600\tIN\tMX\t10 mail.example.com.", "", ""},
		{"EXAMPLE.com.", "mx", Found, "example.com.\t3600\tIN\tMX\t10 mail.example.com.", "", ""},
		{"example.com", "TXT", Found, "example.com.\t3600\tIN\tTXT\t\"token=1\"|example.com.\t3600\tIN\tTXT\t\"v=spf1 mx -all\"", "", ""},
		{"example.com", "A", NoData, "", "", ""},
		{"mail.example.com", "A", Found, "mail.example.com.\t300\tIN\tA\t192.0.2.1", "", ""},
		{"mail.example.com", "AAAA", Found, "mail.example.com.\t3600\tIN\tAAAA\t2001:db8::1", "", ""},
		{"nope.example.com", "A", NXDomain, "", "", ""},
		{"x.mail.example.com", "A", NXDomain, "", "", ""},
		{"c.example.com", "A", NoData, "", "", ""},
		{"b.c.example.com", "TXT", NoData, "", "", ""},
		{"x.b.c.example.com", "A", NXDomain, "", "", ""},
		{"a.b.c.example.com", "A", Found, "a.b.c.example.com.\t3600\tIN\tA\t192.0.2.2", "", ""},
		{"any.wild.example.com", "MX", Found, "any.wild.example.com.\t3600\tIN\tMX\t5 mail.example.com.", "", "*.wild.example.com"},
		{"deep.any.wild.example.com", "MX", Found, "deep.any.wild.example.com.\t3600\tIN\tMX\t5 mail.example.com.", "", "*.wild.example.com"},
		{"any.wild.example.com", "A", NoData, "", "", "*.wild.example.com"},
		{"*.wild.example.com", "TXT", Found, "*.wild.example.com.\t3600\tIN\tTXT\t\"from the wildcard\"", "", ""},
		{"wild.example.com", "MX", NoData, "", "", ""},
		{"sub.wild.example.com", "MX", NoData, "", "", ""},     // exists, so no wildcard
		{"x.sub.wild.example.com", "MX", NXDomain, "", "", ""}, // its closest encloser has no wildcard
		{"x.alias.example.com", "A", Alias, "x.alias.example.com.\t3600\tIN\tCNAME\tmail.example.com.", "mail.example.com", "*.alias.example.com"},
		{"www.example.com", "MX", Alias, "www.example.com.\t3600\tIN\tCNAME\tmail.example.com.", "mail.example.com", ""},
		{"www.example.com", "CNAME", Found, "www.example.com.\t3600\tIN\tCNAME\tmail.example.com.", "", ""},
		{"out.example.com", "A", Alias, "out.example.com.\t3600\tIN\tCNAME\twww.example.net.", "www.example.net", ""},
		{"dept.example.com", "MX", Referral, "dept.example.com.\t3600\tIN\tNS\tns.dept.example.com.|dept.example.com.\t3600\tIN\tNS\tns1.example.com.", "", ""},
		{"a.dept.example.com", "TXT", Referral, "dept.example.com.\t3600\tIN\tNS\tns.dept.example.com.|dept.example.com.\t3600\tIN\tNS\tns1.example.com.", "", ""},
		{"dept.example.com", "DS", Found, "dept.example.com.\t3600\tIN\tDS\t1 13 2 0000000000000000000000000000000000000000000000000000000000000000", "", ""},
		{"x.y.old.example.com", "A", Alias, "old.example.com.\t3600\tIN\tDNAME\tnew.example.org.|x.y.old.example.com.\t3600\tIN\tCNAME\tx.y.new.example.org.", "x.y.new.example.org", ""},
		{"old.example.com", "A", NoData, "", "", ""},
		{`dot\.ted.example.com`, "TXT", Found, `dot\.ted.example.com.` + "\t3600\tIN\tTXT\t\"one label\"", "", ""},
		{`DOT\046ted.example.com`, "TXT", Found, `dot\.ted.example.com.` + "\t3600\tIN\tTXT\t\"one label\"", "", ""},
		{"dot.ted.example.com", "TXT", NXDomain, "", "", ""},
		{"example.org", "MX", OutOfZone, "", "", ""},
		{"notexample.com", "MX", OutOfZone, "", "", ""},
		{"com", "MX", OutOfZone, "", "", ""},
		{".", "MX", OutOfZone, "", "", ""},
		{"", "MX", OutOfZone, "", "", ""},
		{"a..example.com", "MX", NXDomain, "", "", ""},
	} {
		t.Run(tt.name+" "+tt.rrtype, func(t *testing.T) {
			r := z.Lookup(tt.name, tt.rrtype)
			if r.Kind != tt.kind || strings.Join(r.Records, "|") != tt.records || r.Target != tt.target || r.Wildcard != tt.star {
				t.Errorf("got %+v", r)
			}
			if negative := r.Kind == NoData || r.Kind == NXDomain; negative != (r.SOA == soa) {
				t.Errorf("SOA %q with %s", r.SOA, r.Kind)
			}
		})
	}
	if r := z.Lookup("x.dept.example.com", "A"); !slices.Equal(r.Glue, []string{"ns.dept.example.com.\t3600\tIN\tA\t192.0.2.54", "ns1.example.com.\t3600\tIN\tA\t192.0.2.53"}) || r.Cut != "dept.example.com" {
		t.Errorf("cut %q, glue %q", r.Cut, r.Glue)
	}
	if r := z.Lookup("example.com", "ANY"); r.Kind != Found || len(r.Records) != 5 {
		t.Errorf("ANY: %+v", r)
	}
	if r := z.Lookup("any.wild.example.com", "MX"); !slices.Equal(r.Lines, []int{12}) {
		t.Errorf("lines %v, want 12", r.Lines)
	}
}

func TestDNAMEOverflow(t *testing.T) {
	long := strings.Repeat("a", 60)
	z := parse(t, "$ORIGIN example.com.\nd DNAME "+long+"."+long+"."+long+".example.\n", "")
	if r := z.Lookup(long+".b.d.example.com", "A"); r.Kind != Alias || r.Target == "" || len(r.Records) != 2 {
		t.Errorf("got %+v, want a target of exactly 255 octets", r)
	}
	if r := z.Lookup(long+".bb.d.example.com", "A"); r.Kind != Alias || r.Target != "" || len(r.Records) != 1 {
		t.Errorf("got %+v, want the DNAME alone", r)
	}
}

func TestRootZone(t *testing.T) {
	z := parse(t, ". 60 SOA a.root. b.root. 1 2 3 4 5\ncom. NS ns.com.\nns.com. A 192.0.2.1\n*.test. TXT x\n", "")
	if z.Origin != "." {
		t.Fatalf("origin %q", z.Origin)
	}
	for name, want := range map[string]string{
		".": NoData, "example.com": Referral, "org": NXDomain, "a.test": Found, "test": NoData,
	} {
		if r := z.Lookup(name, "TXT"); r.Kind != want {
			t.Errorf("%s: %s, want %s", name, r.Kind, want)
		}
	}
}

func TestFind(t *testing.T) {
	z := parse(t, sample, "")
	var got []int
	for _, r := range z.Find("example.com", "txt") {
		got = append(got, r.Line)
	}
	if !slices.Equal(got, []int{6, 7}) {
		t.Errorf("TXT in lines %v, want 6 and 7", got)
	}
	if n := len(z.Find("mail.example.com.", "")); n != 2 {
		t.Errorf("%d records of mail, want 2", n)
	}
	if z.Find("nope.example.com", "") != nil || z.Find("c.example.com", "A") != nil {
		t.Error("found what is not there")
	}
}

func TestName(t *testing.T) {
	for in, want := range map[string]string{
		"": ".", ".": ".", "Example.COM.": "example.com", `\097.example.`: "a.example", `a\.b.example.`: `a\.b.example`,
		`a\.`: `a\.`, `x\\.example`: `x\\.example`, "a b.example": `a\ b.example`, "é.example": `\195\169.example`,
	} {
		got := Name(in)
		if got != want {
			t.Errorf("Name(%q) = %q, want %q", in, got, want)
		}
		if again := Name(got); again != got {
			t.Errorf("Name(%q) = %q: no fixed point", got, again)
		}
	}
}
