package simulate

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"mxvet/internal/psl"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
	"mxvet/report"
)

const world = `
. 3600 IN SOA ns.test. h.test. 1 2 3 4 5
example.com. 3600 IN TXT "v=spf1 ip4:192.0.2.1 -all"
bounce.example.com. 3600 IN TXT "v=spf1 include:example.com -all"
_dmarc.example.com. 3600 IN TXT "v=DMARC1; p=reject; sp=quarantine; np=none"
www.example.com. 3600 IN A 192.0.2.9
strict.example. 3600 IN TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.strict.example. 3600 IN TXT "v=DMARC1; p=reject; adkim=s; aspf=s"
old.example. 3600 IN TXT "v=spf1 ip4:192.0.2.1 ~all"
_dmarc.old.example. 3600 IN TXT "v=DMARC1; p=quarantine; pct=20"
testing.example. 3600 IN TXT "v=spf1 -all"
_dmarc.testing.example. 3600 IN TXT "v=DMARC1; p=reject; t=y"
tenant.github.io. 3600 IN TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.github.io. 3600 IN TXT "v=DMARC1; p=reject"
unit.big.example. 3600 IN TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.unit.big.example. 3600 IN TXT "v=DMARC1; p=reject; psd=n"
_dmarc.big.example. 3600 IN TXT "v=DMARC1; p=none"
void.example. 3600 IN TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.void.example. 3600 IN TXT "v=DMARC1; p=bogus"
plain.example. 3600 IN TXT "v=spf1 ip4:192.0.2.1 -all"
slow.example. 3600 IN TXT "v=spf1 include:silent.example -all"
_dmarc.slow.example. 3600 IN TXT "v=DMARC1; p=reject"
mute.example. 3600 IN TXT "v=spf1 ip4:192.0.2.1 -all"
`

// dns answers from the world; some names are silent.
type dns struct{ wire.Source }

func (d dns) DNS(ctx context.Context, q wire.Question) wire.Answer {
	switch strings.ToLower(q.Name) {
	case "silent.example", "_dmarc.mute.example":
		return wire.Answer{Fail: &wire.Fail{Kind: wire.FailTimeout, Text: "no reply"}}
	}
	return d.Source.DNS(ctx, q)
}

func source(t *testing.T) wire.Source {
	t.Helper()
	z, err := zone.Parse(strings.NewReader(world), "test", ".")
	if err != nil {
		t.Fatal(err)
	}
	return dns{wire.NewOverlay(nil, []*zone.Zone{z}, nil)}
}

func TestDecide(t *testing.T) {
	src := source(t)
	good, bad := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("203.0.113.5")
	mapped := netip.MustParseAddr("::ffff:192.0.2.1")
	for name, c := range map[string]struct {
		author, sender, helo string
		ip                   netip.Addr
		signers              []string
		verdict              Verdict
		spf                  string
		walk, list, private  string // result and disposition
		why, differ          string // part of
	}{
		"SPF passes":                 {author: "example.com", sender: "a@example.com", ip: good, verdict: Pass, spf: "pass", walk: "pass accept", why: "SPF (example.com)"},
		"mapped address":             {author: "example.com", sender: "a@example.com", ip: mapped, verdict: Pass, spf: "pass", walk: "pass accept"},
		"upper case, final dot":      {author: "Example.COM.", sender: "a@EXAMPLE.com", ip: good, verdict: Pass, spf: "pass", walk: "pass accept"},
		"SPF fails":                  {author: "example.com", sender: "a@example.com", ip: bad, verdict: Fail, spf: "fail", walk: "fail reject", why: "neither SPF nor DKIM"},
		"relaxed":                    {author: "example.com", sender: "a@bounce.example.com", ip: good, verdict: Pass, spf: "pass", walk: "pass accept"},
		"strict":                     {author: "strict.example", sender: "a@bounce.strict.example", ip: good, signers: []string{"mail.strict.example"}, verdict: Fail, spf: "none", walk: "fail reject"},
		"strict, same name":          {author: "strict.example", sender: "a@other.example", ip: bad, signers: []string{"strict.example"}, verdict: Pass, spf: "none", walk: "pass accept"},
		"DKIM, SPF fails":            {author: "example.com", sender: "a@example.com", ip: bad, signers: []string{"example.com"}, verdict: Pass, spf: "fail", walk: "pass accept", why: "DKIM", differ: "refuse at MAIL FROM"},
		"another's signature":        {author: "example.com", sender: "a@plain.example", ip: good, signers: []string{"plain.example"}, verdict: Fail, spf: "pass", walk: "fail reject"},
		"existing subdomain":         {author: "www.example.com", sender: "a@plain.example", ip: good, verdict: Fail, spf: "pass", walk: "fail quarantine"},
		"subdomain that is none":     {author: "no.example.com", sender: "a@plain.example", ip: good, verdict: Fail, spf: "pass", walk: "fail deliver", list: "fail quarantine", private: "fail quarantine", differ: "DMARC: RFC 9989"},
		"pct":                        {author: "old.example", sender: "a@plain.example", ip: good, verdict: Fail, spf: "pass", walk: "fail quarantine", differ: "20 of 100"},
		"testing":                    {author: "testing.example", sender: "a@plain.example", ip: good, verdict: Fail, spf: "pass", walk: "fail quarantine", list: "fail reject", private: "fail reject", differ: "suspicious"},
		"null sender":                {author: "example.com", helo: "example.com", ip: good, verdict: Pass, spf: "pass", walk: "pass accept"},
		"private suffix":             {author: "tenant.github.io", sender: "a@other.github.io", ip: bad, signers: []string{"other.github.io"}, verdict: Fail, spf: "none", walk: "pass accept", list: "pass accept", private: "none deliver", differ: "DMARC"},
		"psd=n":                      {author: "unit.big.example", sender: "a@plain.example", ip: bad, signers: []string{"mail.big.example"}, verdict: Fail, spf: "fail", walk: "fail reject", list: "pass accept", private: "pass accept", differ: "DMARC"},
		"void policy":                {author: "void.example", sender: "a@plain.example", ip: good, verdict: Fail, spf: "pass", walk: "none deliver"},
		"no record":                  {author: "plain.example", sender: "a@plain.example", ip: good, verdict: Pass, spf: "pass", walk: "none deliver", why: "no DMARC record"},
		"SPF temperror":              {author: "slow.example", sender: "a@slow.example", ip: good, verdict: Unknown, spf: "temperror", walk: "temperror unknown", why: "SPF got no answer"},
		"SPF temperror, not aligned": {author: "example.com", sender: "a@slow.example", ip: good, verdict: Fail, spf: "temperror", walk: "fail reject"},
		"policy silent":              {author: "mute.example", sender: "a@bounce.mute.example", ip: bad, signers: []string{"mail.mute.example"}, verdict: Unknown, spf: "none", walk: "temperror unknown", why: "policy of mute.example"},
		"policy silent, same name":   {author: "mute.example", sender: "a@mute.example", ip: good, verdict: Pass, spf: "pass", walk: "temperror unknown"},
		"signer that is no name":     {author: "example.com", sender: "a@plain.example", ip: good, signers: []string{"not a name"}, verdict: Fail, spf: "pass", walk: "fail reject"},
	} {
		t.Run(name, func(t *testing.T) {
			r := Run(t.Context(), src, psl.Default(), Path{Author: c.author, Sender: c.sender, Helo: c.helo, IP: c.ip, Signers: c.signers})
			if c.list == "" {
				c.list, c.private = c.walk, c.walk
			}
			d := r.Decision
			if d.Verdict != c.verdict || string(d.SPF.Result) != c.spf || !strings.Contains(d.Why, c.why) || d.Why == "" {
				t.Errorf("%s (%s), SPF %s (%s); want %s (%s), %s", d.Verdict, d.Why, d.SPF.Result, d.SPF.Why, c.verdict, c.why, c.spf)
			}
			for i, want := range []string{c.walk, c.list, c.private} {
				if m := d.Methods[i]; m.Result+" "+string(m.Disposition) != want || m.Why == "" {
					t.Errorf("%s: %s %s (%s), want %s", m.Name, m.Result, m.Disposition, m.Why, want)
				}
			}
			if differ := strings.Join(d.Differ, "; "); !strings.Contains(differ, c.differ) || c.differ == "" && differ != "" && c.spf != "fail" {
				t.Errorf("differ: %q, want %q", differ, c.differ)
			}
			var l report.Lines
			r.Text(&l, false)
			var b strings.Builder
			if _, err := l.WriteTo(&b); err != nil || !strings.Contains(b.String(), strings.ToUpper(string(c.verdict))+": ") {
				t.Errorf("text:\n%s", b.String())
			}
		})
	}
}

func TestPercent(t *testing.T) {
	r := Run(t.Context(), source(t), psl.Default(), Path{Author: "old.example", Sender: "a@plain.example", IP: netip.MustParseAddr("192.0.2.1")})
	walk, list := r.Decision.Methods[0], r.Decision.Methods[1]
	if walk.Percent != 100 || list.Percent != 20 || !strings.Contains(list.Action(), "20 of 100") || strings.Contains(walk.Action(), "of 100") {
		t.Errorf("%q, %q", walk.Action(), list.Action())
	}
	if !strings.Contains(strings.Join(r.Decision.Differ, " "), "pct") {
		t.Errorf("differ: %v", r.Decision.Differ)
	}
}

// Where SPF cannot be asked, it may still not be able to help.
func TestNoSPF(t *testing.T) {
	for sender, want := range map[string]Verdict{"": Unknown, "a@example.com": Unknown, "a@plain.example": Fail} {
		v := Look(t.Context(), source(t), psl.Default(), Path{Author: "example.com", Sender: sender, NoSPF: "no address"})
		if d := v.Decide(nil); d.Verdict != want || d.SPF.Result != "" || d.SPF.Why != "no address" {
			t.Errorf("%q: %s (%s), %+v", sender, d.Verdict, d.Why, d.SPF)
		}
	}
	v := Look(t.Context(), source(t), psl.Default(), Path{NoAuthor: "two From fields", IP: netip.MustParseAddr("192.0.2.1"), Sender: "a@example.com"})
	if d := v.Decide([]Signature{{"example.com", ResultPass}}); d.Verdict != Fail || d.Methods[0].Result != ResultPermError {
		t.Errorf("%+v", d)
	}
}
