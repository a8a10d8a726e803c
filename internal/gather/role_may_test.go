package gather

import (
	"context"
	"slices"
	"testing"

	"mxvet/internal/dkim"
	"mxvet/internal/spf"
	"mxvet/internal/wire"
)

// What did not answer leaves open what the domain does with mail, and nothing else
// does.
func TestRolesThatMayBe(t *testing.T) {
	lost := wire.Answer{Rcode: "SERVFAIL", Fail: &wire.Fail{Kind: wire.FailServfail}}
	none := wire.Answer{Rcode: "NOERROR"}
	silent := spf.Lookup(context.Background(), wire.NewOverlay(nil, nil, nil), "example.com")
	gone := dkim.Selector{Answer: wire.Answer{Rcode: "NXDOMAIN"}}
	keyless := &dkim.Result{Base: gone, Control: gone}
	host := MXSet{Answer: none, Records: []wire.MX{{Pref: 10, Host: "mx1.example.com"}}, Hosts: []Host{{Name: "mx1.example.com"}}}
	for _, c := range []struct {
		name    string
		mx      MXSet
		tree    *spf.Tree
		profile string
		want    []string
	}{
		{"all answered", host, assumedSPF("example.com", "v=spf1 -all"), "", nil},
		{"all answered, somebody may send", host, assumedSPF("example.com", "v=spf1 ip4:192.0.2.1 -all"), "", nil},
		{"no MX answer, nobody may send", MXSet{Answer: lost}, assumedSPF("example.com", "v=spf1 -all"), "", []string{NoMail, ReceiveOnly}},
		{"no MX answer, somebody may send", MXSet{Answer: lost}, assumedSPF("example.com", "v=spf1 ip4:192.0.2.1 -all"), "", []string{Full, SendOnly}},
		{"no SPF answer", host, silent, "", []string{Full, ReceiveOnly}},
		{"no SPF answer, a null MX", MXSet{Answer: none, Null: true, Records: []wire.MX{{Host: "."}}}, silent, "", []string{NoMail, SendOnly}},
		{"no answer, but the user's word", MXSet{Answer: lost}, silent, SendOnly, nil},
	} {
		e := &Evidence{Domain: "example.com", Options: Options{Profile: c.profile}, MX: c.mx, SPF: c.tree, DKIM: keyless, Apex: Apex{A: none, AAAA: none}}
		e.Role = roleOf(e)
		if got := rolesOf(e); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
