package gather_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mxvet/internal/gather"
	"mxvet/internal/provider"
	"mxvet/internal/psl"
	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// A lost is a Source in which one question has no answer; it notes what was asked.
type lost struct {
	wire.Source
	ref   wire.Ref
	cut   bool // the answer to it is cut short, in place of none
	mu    sync.Mutex
	asked map[wire.Ref]bool
}

func (l *lost) DNS(ctx context.Context, q wire.Question) wire.Answer {
	l.mu.Lock()
	l.asked[q.Ref()] = true
	l.mu.Unlock()
	if q.Ref() == l.ref && l.cut {
		return wire.Answer{Rcode: "NOERROR", Truncated: true, TCPFailed: true}
	}
	if q.Ref() == l.ref {
		return wire.Answer{Fail: &wire.Fail{Kind: wire.FailTimeout, Text: "lost"}}
	}
	return l.Source.DNS(ctx, q)
}

// roleIn gathers about example.com out of zone text, with one question lost, and
// says what was asked.
func roleIn(t *testing.T, text string, o gather.Options, ref wire.Ref) (gather.Role, map[wire.Ref]bool) {
	t.Helper()
	return roleOver(t, text, o, &lost{ref: ref})
}

func roleOver(t *testing.T, text string, o gather.Options, src *lost) (gather.Role, map[wire.Ref]bool) {
	t.Helper()
	z, err := zone.Parse(strings.NewReader("$TTL 3600\n@ IN SOA ns.test. h.test. 1 2 3 4 5\n"+text), "root.zone", ".")
	if err != nil {
		t.Fatal(err)
	}
	src.Source, src.asked = wire.NewOverlay(nil, []*zone.Zone{z}, nil), map[wire.Ref]bool{}
	o.NoSMTP, o.NoServers, o.AllowPrivate, o.Seed = true, true, true, "role"
	o.Skip = []string{"information", "reputation"}
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	tables := gather.Tables{Suffixes: psl.Default(), Providers: provider.Default()}
	return gather.Domain(t.Context(), wire.NewTape(src, wire.Header{Seed: o.Seed, At: at}), tables, at, "example.com", o).Role, src.asked
}

const (
	someKey    = "s1._domainkey.example.com. IN TXT \"v=DKIM1; k=ed25519; p=TG/IJHoXDigGe0+0Yu4foWO8hp8nlUTF5IZmTftAzLk=\"\n"
	revokedKey = "s1._domainkey.example.com. IN TXT \"v=DKIM1; p=\"\n"
	anyKey     = "*._domainkey.example.com. IN TXT \"v=DKIM1; k=ed25519; p=TG/IJHoXDigGe0+0Yu4foWO8hp8nlUTF5IZmTftAzLk=\"\n"
	noKeys     = "*._domainkey.example.com. IN TXT \"v=DKIM1; p=\"\n"
	mx         = "example.com. IN MX 10 mx.example.com.\nmx.example.com. IN A 192.0.2.1\n"
	deadMX     = "example.com. IN MX 10 gone.example.net.\n"
	null       = "example.com. IN MX 0 .\n"
	address    = "example.com. IN A 192.0.2.9\n"
	below      = "www.example.com. IN A 192.0.2.9\n"
)

func txt(s string) string { return "example.com. IN TXT \"" + s + "\"\n" }

// telling leaves out what says nothing about the domain, and of the many usual
// selectors all but one, which are alike.
func telling(ref wire.Ref) bool {
	name := string(ref)
	label, selector := strings.CutSuffix(name, "._domainkey.example.com")
	return strings.Contains(name, "example.") &&
		(!selector || len(label) > len("dns:TXT ")+12 || slices.Contains([]string{"dns:TXT s1", "dns:TXT default", "dns:TXT _adsp"}, label))
}

// What the owner says decides, whatever resolves today. With each single question
// lost in turn the role stays, or is said to be unproven.
func TestRoleOf(t *testing.T) {
	const unproven = "full, unproven"
	selectors := gather.Options{Selectors: []string{"s1"}}
	for _, c := range []struct {
		name, zone string
		o          gather.Options
		want       string
	}{
		{name: "mail both ways", zone: mx + txt("v=spf1 mx -all"), want: gather.Full},
		{name: "nobody sends, an MX", zone: mx + txt("v=spf1 -all"), want: gather.ReceiveOnly},
		{name: "with an explanation", zone: mx + txt("v=spf1 exp=why.example.com -all"), want: gather.ReceiveOnly},
		{name: "by a redirect", zone: mx + txt("v=spf1 redirect=no.example.net") + "no.example.net. IN TXT \"v=spf1 -all\"\n", want: gather.ReceiveOnly},
		{name: "some are shut out", zone: mx + txt("v=spf1 -ip4:192.0.2.1 -all"), want: gather.ReceiveOnly},
		{name: "the mail host has no address", zone: deadMX + txt("v=spf1 mx -all"), want: gather.Full},
		{name: "an include leads nowhere", zone: mx + txt("v=spf1 include:gone.example.net -all"), want: gather.Full},
		{name: "a name without address", zone: mx + txt("v=spf1 a:gone.example.net -all"), want: gather.Full},
		{name: "a loop", zone: mx + txt("v=spf1 include:example.com -all"), want: gather.Full},
		{name: "a redirect in a loop", zone: mx + txt("v=spf1 redirect=example.com"), want: gather.Full},
		{name: "a redirect to nothing", zone: mx + txt("v=spf1 redirect=gone.example.net"), want: gather.Full},
		{name: "misspelt", zone: mx + txt("v=spf1 inlcude:spf.example.net -all"), want: gather.Full},
		{name: "an equals sign", zone: mx + txt("v=spf1 include=spf.example.net -all"), want: gather.Full},
		{name: "two records that deny", zone: mx + txt("v=spf1 -all") + txt("v=spf1 ~all"), want: gather.Full},
		{name: "two records of which one names", zone: null + txt("v=spf1 -all") + txt("v=spf1 mx -all"), want: unproven},
		{name: "a neutral end", zone: mx + txt("v=spf1 ?all"), want: gather.Full},
		{name: "the version alone", zone: mx + txt("v=spf1"), want: gather.Full},
		{name: "a macro", zone: null + txt("v=spf1 exists:%{i}.example.net -all"), want: gather.SendOnly},

		{name: "a sender, and nothing else", zone: txt("v=spf1 ip4:192.0.2.1 -all"), want: gather.SendOnly},
		{name: "a sender that does not resolve", zone: txt("v=spf1 a:gone.example.net -all"), want: gather.SendOnly},
		{name: "a sender, misspelt, and nothing else", zone: txt("v=spf1 ipv4:192.0.2.1 -all"), want: unproven},
		{name: "the version misspelt", zone: txt("v=spf10 mx -all"), want: unproven},
		{name: "a sender with an address", zone: address + txt("v=spf1 ip4:192.0.2.1 -all"), want: gather.Full},
		{name: "a sender with a null MX", zone: null + txt("v=spf1 mx -all"), want: gather.SendOnly},

		{name: "deny all, null MX", zone: null + txt("v=spf1 -all"), want: gather.NoMail},
		{name: "deny all, null MX, a key left behind", zone: null + txt("v=spf1 -all") + someKey, want: gather.NoMail},
		{name: "deny all, null MX, a selector given", zone: null + txt("v=spf1 -all"), o: selectors, want: gather.SendOnly},
		{name: "null MX alone", zone: null, want: gather.NoMail},
		{name: "null MX, and nothing said by SPF", zone: null + txt("v=spf1"), want: gather.NoMail},
		{name: "deny all, a web server", zone: address + txt("v=spf1 -all"), want: gather.NoMail},
		{name: "deny all, nothing else", zone: txt("v=spf1 -all"), want: gather.NoMail},

		{name: "nothing at all", zone: below, want: "no-mail, unproven, absent"},
		{name: "nothing, and no keys by wildcard", zone: noKeys, want: "no-mail, unproven, absent"},
		{name: "nothing but a revoked key", zone: revokedKey, want: "no-mail, unproven, absent"},
		{name: "nothing but DMARC", zone: "_dmarc.example.com. IN TXT \"v=DMARC1; p=reject\"\n", want: "no-mail, unproven, absent"},
		{name: "nothing but a key", zone: someKey, want: gather.SendOnly},
		{name: "nothing but what lies below _domainkey", zone: "odd-name-7._domainkey.example.com. IN TXT \"v=DKIM1; p=\"\n", want: unproven},
		{name: "nothing, but a selector given", zone: below, o: selectors, want: gather.SendOnly},
		{name: "nothing, but an address given", zone: below, o: gather.Options{SendIPs: []netip.Addr{netip.MustParseAddr("192.0.2.5")}}, want: gather.SendOnly},
		{name: "a web server alone", zone: address, want: gather.Full},
		{name: "nothing, and two records that deny", zone: txt("v=spf1 -all") + txt("v=spf1 -all "), want: unproven},

		{name: "deny all, an MX, a key", zone: mx + txt("v=spf1 -all") + someKey, want: gather.Full},
		{name: "deny all, an MX, a revoked key", zone: mx + txt("v=spf1 -all") + revokedKey, want: gather.ReceiveOnly},
		{name: "deny all, an MX, any key", zone: mx + txt("v=spf1 -all") + anyKey, want: gather.ReceiveOnly},
		{name: "the name does not exist", zone: "example.net. IN A 192.0.2.1\n", want: unproven},
		{name: "an alias of nothing", zone: "example.com. IN CNAME gone.example.net.\n", want: unproven},
	} {
		t.Run(c.name, func(t *testing.T) {
			say := func(r gather.Role) string {
				s := r.Name
				if r.Unproven {
					s += ", unproven"
				}
				if r.Absent {
					s += ", absent"
				}
				return s
			}
			role, asked := roleIn(t, c.zone, c.o, "")
			if got := say(role); got != c.want || role.Why == "" || role.Stated {
				t.Errorf("got %s (%s), want %s", got, role.Why, c.want)
			}
			for ref := range asked {
				if !telling(ref) {
					continue
				}
				switch without, _ := roleIn(t, c.zone, c.o, ref); {
				case say(without) == c.want:
				case say(without) != unproven:
					t.Errorf("without %s: %s (%s)", ref, say(without), without.Why)
				case role.Name != gather.Full && !slices.Contains(without.Could, role.Name):
					t.Errorf("without %s: it could be %v, and is %s", ref, without.Could, role.Name)
				}
			}
			o := c.o
			o.Profile = gather.SendOnly
			if stated, _ := roleIn(t, c.zone, o, ""); stated.Name != gather.SendOnly || !stated.Stated || stated.Unproven {
				t.Errorf("the user's word does not win: %+v", stated)
			}
		})
	}
}

// Of several failures none decides either.
func TestRoleWithoutAnswers(t *testing.T) {
	for _, c := range []struct{ zone, refs string }{
		{txt("v=spf1 ip4:192.0.2.1 -all"), "dns:A example.com dns:AAAA example.com"}, // no MX, and whether there is an address is not known
		{address + txt("v=spf1 -all"), "dns:A example.com dns:AAAA example.com"},
		{below, "dns:A example.com dns:AAAA example.com"},
		{null + txt("v=spf1 mx -all"), "dns:TXT example.com"},
	} {
		z, err := zone.Parse(strings.NewReader("$TTL 3600\n@ IN SOA ns.test. h.test. 1 2 3 4 5\n"+c.zone), "root.zone", ".")
		if err != nil {
			t.Fatal(err)
		}
		var src wire.Source = wire.NewOverlay(nil, []*zone.Zone{z}, nil)
		f := strings.Fields(c.refs)
		for i := 0; i < len(f); i += 2 {
			src = &lost{Source: src, ref: wire.Ref(f[i] + " " + f[i+1]), asked: map[wire.Ref]bool{}}
		}
		at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
		o := gather.Options{NoSMTP: true, NoServers: true, Offline: true, Seed: "role"}
		e := gather.Domain(t.Context(), wire.NewTape(src, wire.Header{At: at}), gather.Tables{Suffixes: psl.Default(), Providers: provider.Default()}, at, "example.com", o)
		if e.Role.Name != gather.Full || !e.Role.Unproven {
			t.Errorf("%q without %s: %+v", c.zone, c.refs, e.Role)
		}
	}
}

// What could not be read whole is said.
func TestRoleOfAnswersCutShort(t *testing.T) {
	for ref, want := range map[wire.Ref]string{
		"dns:MX example.com":  "the answer to the MX lookup was cut short",
		"dns:TXT example.com": "the SPF record could not be looked up whole",
	} {
		role, _ := roleOver(t, mx+txt("v=spf1 mx -all"), gather.Options{}, &lost{ref: ref, cut: true})
		if role.Name != gather.Full || !role.Unproven || role.Why != want {
			t.Errorf("%s: %+v, want %q", ref, role, want)
		}
	}
}

// Texts that resemble an SPF record say what somebody meant; Sender ID is another
// matter.
func TestRoleOfNearTexts(t *testing.T) {
	for text, want := range map[string]string{
		"spf2.0/pra ip4:192.0.2.1 -all": "no-mail absent true",
		"v=spf10 mx -all":               "full absent false",
		"v=spf1;-all":                   "full absent false",
	} {
		role, _ := roleIn(t, below+txt(text), gather.Options{}, "")
		if got := fmt.Sprintf("%s absent %v", role.Name, role.Absent); got != want {
			t.Errorf("%s: %s (%s), want %s", text, got, role.Why, want)
		}
	}
}
