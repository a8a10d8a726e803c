package simulate

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

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
_dmarc.voidsp.example. 3600 IN TXT "v=DMARC1; p=reject; sp=off"
_dmarc.voidnp.example. 3600 IN TXT "v=DMARC1; p=reject; np=off"
_dmarc.bare.example. 3600 IN TXT "v=DMARC1"
_dmarc.zero.example. 3600 IN TXT "v=DMARC1; p=reject; pct=0"
_dmarc.zeroq.example. 3600 IN TXT "v=DMARC1; p=quarantine; pct=0"
_dmarc.zeron.example. 3600 IN TXT "v=DMARC1; p=none; pct=0"
sub.quiet.example. 3600 IN TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.sub.quiet.example. 3600 IN TXT "v=DMARC1; p=reject"
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
	case "silent.example", "_dmarc.mute.example", "_dmarc.mute.example.com", "_dmarc.quiet.example":
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
		"SPF passes":                    {author: "example.com", sender: "a@example.com", ip: good, verdict: Pass, spf: "pass", walk: "pass accept", why: "SPF (example.com)"},
		"mapped address":                {author: "example.com", sender: "a@example.com", ip: mapped, verdict: Pass, spf: "pass", walk: "pass accept"},
		"upper case, final dot":         {author: "Example.COM.", sender: "a@EXAMPLE.com", ip: good, verdict: Pass, spf: "pass", walk: "pass accept"},
		"SPF fails":                     {author: "example.com", sender: "a@example.com", ip: bad, verdict: Fail, spf: "fail", walk: "fail quarantine", list: "fail reject", private: "fail reject", differ: "rejected", why: "neither SPF nor DKIM"},
		"relaxed":                       {author: "example.com", sender: "a@bounce.example.com", ip: good, verdict: Pass, spf: "pass", walk: "pass accept"},
		"strict":                        {author: "strict.example", sender: "a@bounce.strict.example", ip: good, signers: []string{"mail.strict.example"}, verdict: Fail, spf: "none", walk: "fail quarantine", list: "fail reject", private: "fail reject", differ: "rejected"},
		"strict, same name":             {author: "strict.example", sender: "a@other.example", ip: bad, signers: []string{"strict.example"}, verdict: Pass, spf: "none", walk: "pass accept"},
		"DKIM, SPF fails":               {author: "example.com", sender: "a@example.com", ip: bad, signers: []string{"example.com"}, verdict: Pass, spf: "fail", walk: "pass accept", why: "DKIM", differ: "refuse at MAIL FROM"},
		"another's signature":           {author: "example.com", sender: "a@plain.example", ip: good, signers: []string{"plain.example"}, verdict: Fail, spf: "pass", walk: "fail quarantine", list: "fail reject", private: "fail reject", differ: "rejected"},
		"existing subdomain":            {author: "www.example.com", sender: "a@plain.example", ip: good, verdict: Fail, spf: "pass", walk: "fail quarantine"},
		"subdomain that is none":        {author: "no.example.com", sender: "a@plain.example", ip: good, verdict: Fail, spf: "pass", walk: "fail deliver", list: "fail quarantine", private: "fail quarantine", differ: "DMARC: RFC 9989"},
		"pct":                           {author: "old.example", sender: "a@plain.example", ip: good, verdict: Fail, spf: "pass", walk: "fail quarantine", differ: "20 of 100"},
		"testing":                       {author: "testing.example", sender: "a@plain.example", ip: good, verdict: Fail, spf: "pass", walk: "fail quarantine", list: "fail reject", private: "fail reject", differ: "suspicious"},
		"null sender":                   {author: "example.com", helo: "example.com", ip: good, verdict: Pass, spf: "pass", walk: "pass accept"},
		"private suffix":                {author: "tenant.github.io", sender: "a@other.github.io", ip: bad, signers: []string{"other.github.io"}, verdict: Fail, spf: "none", walk: "pass accept", list: "pass accept", private: "none deliver", differ: "DMARC"},
		"psd=n":                         {author: "unit.big.example", sender: "a@plain.example", ip: bad, signers: []string{"mail.big.example"}, verdict: Fail, spf: "fail", walk: "fail quarantine", list: "pass accept", private: "pass accept", differ: "DMARC"},
		"void policy":                   {author: "void.example", sender: "a@plain.example", ip: good, verdict: Fail, spf: "pass", walk: "permerror deliver"},
		"void subdomain policy":         {author: "voidsp.example", sender: "a@voidsp.example", ip: good, verdict: Pass, spf: "none", signers: []string{"voidsp.example"}, walk: "permerror deliver", why: "no effect"},
		"void for new readers":          {author: "voidnp.example", sender: "a@plain.example", ip: good, verdict: Fail, spf: "pass", walk: "permerror deliver", list: "fail reject", private: "fail reject", differ: "permerror"},
		"no policy at all":              {author: "bare.example", sender: "a@plain.example", ip: good, verdict: Fail, spf: "pass", walk: "none deliver", why: "neither tag p nor a valid rua"},
		"pct=0, reject":                 {author: "zero.example", sender: "a@plain.example", ip: good, verdict: Fail, spf: "pass", walk: "fail quarantine", differ: "receivers differ"},
		"pct=0, quarantine":             {author: "zeroq.example", sender: "a@plain.example", ip: good, verdict: Fail, spf: "pass", walk: "fail quarantine", list: "fail deliver", private: "fail deliver", differ: "some receivers put it aside"},
		"pct=0, none":                   {author: "zeron.example", sender: "a@plain.example", ip: good, verdict: Fail, spf: "pass", walk: "fail deliver"},
		"no record":                     {author: "plain.example", sender: "a@plain.example", ip: good, verdict: Pass, spf: "pass", walk: "none deliver", why: "no DMARC record"},
		"SPF temperror":                 {author: "slow.example", sender: "a@slow.example", ip: good, verdict: Unknown, spf: "temperror", walk: "temperror unknown", why: "SPF got no answer"},
		"SPF temperror, not aligned":    {author: "example.com", sender: "a@slow.example", ip: good, verdict: Fail, spf: "temperror", walk: "fail quarantine", list: "fail reject", private: "fail reject", differ: "rejected"},
		"policy silent":                 {author: "mute.example", sender: "a@bounce.mute.example", ip: bad, signers: []string{"mail.mute.example"}, verdict: Unknown, spf: "none", walk: "temperror unknown", why: "policy of mute.example"},
		"policy silent, same name":      {author: "mute.example", sender: "a@mute.example", ip: good, verdict: Unknown, spf: "pass", walk: "temperror unknown", why: "neither passes nor fails"},
		"policy silent, one above":      {author: "mute.example.com", sender: "a@mute.example.com", ip: good, signers: []string{"mute.example.com"}, verdict: Unknown, spf: "none", walk: "temperror unknown", why: "policy of mute.example.com"},
		"policy silent, aligned":        {author: "mute.example.com", sender: "a@example.com", ip: good, verdict: Unknown, spf: "pass", walk: "temperror unknown", why: "policy of mute.example.com"},
		"above the record silent":       {author: "sub.quiet.example", sender: "a@sub.quiet.example", ip: good, verdict: Pass, spf: "pass", walk: "pass accept"},
		"another's organization silent": {author: "example.com", sender: "a@mute.example", ip: good, signers: []string{"mute.example"}, verdict: Fail, spf: "pass", walk: "fail quarantine", list: "fail reject", private: "fail reject", differ: "rejected"},
		"own organization silent":       {author: "mute.example", sender: "a@example.com", ip: good, signers: []string{"plain.test"}, verdict: Fail, spf: "pass", walk: "temperror unknown", why: "neither SPF nor DKIM"},
		"signer that is no name":        {author: "example.com", sender: "a@plain.example", ip: good, signers: []string{"not a name"}, verdict: Fail, spf: "pass", walk: "fail quarantine", list: "fail reject", private: "fail reject", differ: "rejected"},
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
}

// Without exactly one author domain there is no result of DMARC, and what becomes of
// the message is the receiver's choice.
func TestNoAuthor(t *testing.T) {
	many := []string{"example.com", "b.example", "c.example", "d.example", "e.example", "f.example"}
	for why, c := range map[string]struct {
		authors    []string
		says, hush string
	}{
		"no From field":   {nil, "go on without DMARC", "judge each"},
		"two domains":     {many[:2], "judge each of example.com, b.example and act by the strictest policy", "more"},
		"several domains": {many, "e.example and 1 more", "f.example"},
	} {
		v := Look(t.Context(), source(t), psl.Default(), Path{NoAuthor: why, Authors: c.authors, IP: netip.MustParseAddr("192.0.2.1"), Sender: "a@example.com"})
		d := v.Decide([]Signature{{"example.com", ResultPass}})
		if m := d.Methods[0]; d.Verdict != Fail || m.Result != ResultNone || m.Disposition != Open || m.Action() != "left to the receiver" {
			t.Errorf("%s: %s, %s %s, %s", why, d.Verdict, m.Result, m.Disposition, m.Action())
		}
		if !strings.HasPrefix(d.Why, why) || !strings.Contains(d.Why, c.says) || strings.Contains(d.Why, c.hush) {
			t.Errorf("%s: %s", why, d.Why)
		}
	}
}

// Where receivers may find another author, nothing passes for sure; what fails fails.
func TestAuthorInDoubt(t *testing.T) {
	for ip, want := range map[string]Verdict{"192.0.2.1": Unknown, "203.0.113.5": Fail} {
		p := Path{Author: "example.com", Doubt: "the field is broken", Sender: "a@example.com", IP: netip.MustParseAddr(ip)}
		d := Look(t.Context(), source(t), psl.Default(), p).Decide(nil)
		if d.Verdict != want || (want == Unknown) != (d.Why == p.Doubt) {
			t.Errorf("%s: %s (%s)", ip, d.Verdict, d.Why)
		}
	}
}

// What the policy asks for and what RFC 9989 has a receiver do are both said.
func TestRejectAlone(t *testing.T) {
	r := Run(t.Context(), source(t), psl.Default(), Path{Author: "example.com", Sender: "a@plain.example", IP: netip.MustParseAddr("192.0.2.1")})
	walk, list := r.Decision.Methods[0], r.Decision.Methods[1]
	if walk.Policy != "reject" || walk.Disposition != Quarantine || list.Disposition != Reject || list.Action() != "rejected" {
		t.Errorf("%+v, %+v", walk, list)
	}
	var l report.Lines
	r.Text(&l, false)
	var b strings.Builder
	if _, err := l.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	said := strings.Join(strings.Fields(b.String()), " ")
	for _, part := range []string{"put aside as suspicious unless the receiver knows more", "the policy asks for reject", "many do all the same", "rejected"} {
		if !strings.Contains(said, part) {
			t.Errorf("%q does not say %q", said, part)
		}
	}
}

// A record with an error behind its version is read by some receivers and refused by
// others, and a simulation says so; one without is not spoken of.
func TestStrictReaders(t *testing.T) {
	for record, says := range map[string]string{
		"v=DMARC1; p=reject":                      "",
		"v=DMARC1; p=reject; x=y":                 "",
		"v=DMARC1; p=reject;":                     "",
		"v=DMARC1; p=reject; p=none":              "tag p is repeated in the record of strict.example: a strict reader takes it for none",
		"v=DMARC1; p=reject; rua mailto:a@b.test": "has no \"=\"",
		"v=DMARC1; p=reject; n=\\195\\188":        "not printable ASCII",
	} {
		z, err := zone.Parse(strings.NewReader(". 3600 IN SOA ns.test. h.test. 1 2 3 4 5\n_dmarc.strict.example. 3600 IN TXT \""+record+"\"\n"), "test", ".")
		if err != nil {
			t.Fatal(err)
		}
		d := Look(t.Context(), wire.NewOverlay(nil, []*zone.Zone{z}, nil), psl.Default(), Path{
			Author: "strict.example", IP: netip.MustParseAddr("192.0.2.1"), Sender: "a@strict.example", Helo: "strict.example", At: time.Now(),
		}).Decide(nil)
		differ := strings.Join(d.Differ, "\n")
		if !strings.Contains(differ, says) || (says == "") == strings.Contains(differ, "strict reader") {
			t.Errorf("%s: %q, want %q", record, differ, says)
		}
		if strings.Count(differ, "strict reader") > 1 {
			t.Errorf("%s: told twice: %q", record, differ)
		}
	}
}

// Why no record applies is said, and what SPF may do by itself.
func TestReasons(t *testing.T) {
	z, err := zone.Parse(strings.NewReader(`
. 3600 IN SOA ns.test. h.test. 1 2 3 4 5
two.example. 3600 IN TXT "v=spf1 -all"
_dmarc.two.example. 3600 IN TXT "v=DMARC1; p=reject"
_dmarc.two.example. 3600 IN TXT "v=DMARC1; p=none"
late.example. 3600 IN TXT "v=spf1 +al"
_dmarc.late.example. 3600 IN TXT "p=reject; v=DMARC1"
bare.example. 3600 IN TXT "v=spf1 ip4:192.0.2.1 -all"
mail.bare.example. 3600 IN TXT "v=spf1 -all"
`), "test", ".")
	if err != nil {
		t.Fatal(err)
	}
	src := dns{wire.NewOverlay(nil, []*zone.Zone{z}, nil)}
	for name, c := range map[string]struct {
		p         Path
		told, not string
	}{
		"several records":         {Path{Author: "two.example", Sender: "a@two.example"}, "two.example has several DMARC records", "SPF gives permerror"},
		"what is no record":       {Path{Author: "late.example", Sender: "a@two.example"}, "_dmarc.late.example is none", ""},
		"nothing there":           {Path{Author: "bare.example", Sender: "a@two.example"}, "no DMARC record applies to bare.example", "is none"},
		"SPF in error":            {Path{Author: "bare.example", Sender: "a@late.example", Helo: "x.bare.example"}, "SPF gives permerror: the record of late.example", "HELO"},
		"HELO fails":              {Path{Author: "bare.example", Sender: "a@bare.example", Helo: "mail.bare.example"}, "fail for the HELO name mail.bare.example", ""},
		"HELO passes":             {Path{Author: "bare.example", Sender: "a@bare.example", Helo: "bare.example"}, "", "HELO"},
		"HELO is no name":         {Path{Author: "bare.example", Sender: "a@bare.example", Helo: "[192.0.2.1]"}, "", "HELO"},
		"HELO is all that counts": {Path{Author: "bare.example", Helo: "mail.bare.example"}, "SPF gives fail, and some", "HELO name"},
	} {
		c.p.IP = netip.MustParseAddr("192.0.2.1")
		d := Run(t.Context(), src, psl.Default(), c.p).Decision
		text := d.Why + "\n" + strings.Join(d.Differ, "\n")
		if !strings.Contains(text, c.told) || c.not != "" && strings.Contains(text, c.not) {
			t.Errorf("%s: want %q and not %q:\n%s", name, c.told, c.not, text)
		}
	}
}
