package dkim

import (
	"slices"
	"strings"
	"testing"

	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// The same questions against zone text, where wildcards, aliases and empty
// non-terminals answer as the DNS does.
func TestLookupInZone(t *testing.T) {
	text := `$ORIGIN example.com.
$TTL 300
@ SOA ns1 hostmaster 1 7200 3600 1209600 300
@ NS ns1
s1._domainkey TXT ( "v=DKIM1; k=rsa; p=" "` + rsa1024 + `" )
s2._domainkey CNAME s2.dkim
s2.dkim TXT "v=DKIM1; p="
s3._domainkey CNAME gone.dkim
`
	candidates := []Candidate{{"s1", SourceCommon, ""}, {"s2", SourceCommon, ""}, {"s3", SourceCommon, ""}, {"s4", SourceCommon, ""}}
	run := func(text, domain string) *Result {
		z, err := zone.Parse(strings.NewReader(text), "test", "example.com")
		if err != nil {
			t.Fatal(err)
		}
		return Lookup(t.Context(), wire.NewOverlay(nil, []*zone.Zone{z}, nil), domain, candidates, control)
	}
	r := run(text, "example.com")
	s1, s2, s3, s4 := r.Selectors[0], r.Selectors[1], r.Selectors[2], r.Selectors[3]
	if !s1.Found || !s1.Records[0].Key.Usable() || len(s1.Records[0].Strings) != 2 {
		t.Errorf("s1: %+v", s1)
	}
	if !s2.Found || !s2.Records[0].Key.Revoked() || !slices.Equal(s2.Chain, []string{"s2.dkim.example.com"}) {
		t.Errorf("s2: %+v", s2)
	}
	if s3.Found || !s3.Dangling || s4.Found || !s4.Missing() || r.CanExist() != ExistYes || r.BrokenDenial() {
		t.Errorf("s3: %+v, s4: %+v, %s", s3, s4, r.CanExist())
	}
	if r = run(text, "www.example.com"); r.CanExist() != ExistNo {
		t.Errorf("below a name without keys: %s", r.CanExist())
	}
	if r = run(text+"other._domainkey.www TXT \"x\"\n", "www.example.com"); r.CanExist() != ExistMaybe {
		t.Errorf("empty non-terminal: %s", r.CanExist())
	}
	r = run(text+"*._domainkey TXT \"v=DKIM1; p=\"\n", "example.com")
	if keys := r.WildcardKeys(); len(keys) != 1 || !keys[0].Key.Revoked() || r.Selectors[3].Found || !r.Selectors[3].Wildcard || r.Selectors[0].Wildcard {
		t.Errorf("wildcard: %+v", r.Selectors[3])
	}
}
