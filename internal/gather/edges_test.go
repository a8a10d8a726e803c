package gather

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"mxvet/internal/dkim"
	"mxvet/internal/dmarc"
	"mxvet/internal/mtasts"
	"mxvet/internal/provider"
	"mxvet/internal/psl"
	"mxvet/internal/smtp"
	"mxvet/internal/spf"
	"mxvet/internal/tlsrpt"
	"mxvet/internal/wire"
)

// Why a host is not asked to relay.
func TestRelayFor(t *testing.T) {
	e := &Evidence{Domain: "example.com", Relay: Relay{From: "a@example.net", To: "b@example.org"}, Options: Options{SharedHosts: []string{"mx2.example.com"}}}
	off := &Evidence{Domain: "example.com", Relay: Relay{NotAsked: "switched off"}}
	for _, c := range []struct {
		name  string
		e     *Evidence
		host  Host
		whole bool
		forms int
		want  string
	}{
		{"asked", e, Host{Name: "mx1.example.com"}, true, MaxRecipients, ""},
		{"asked again", e, Host{Name: "mx1.example.com"}, false, MaxRecipientsAgain, ""},
		{"a provider's for one customer", e, Host{Name: "mx1.example.com", Provider: &provider.Provider{Name: "P"}}, true, MaxRecipients, ""},
		{"a provider's for many", e, Host{Name: "mx1.example.com", Provider: &provider.Provider{Name: "P", Shared: true}}, true, 0, "shared platform: P runs it for many customers"},
		{"of several domains", e, Host{Name: "mx2.example.com"}, true, 0, "several of the audited domains share this host: audit one of them alone to ask"},
		{"nobody is", off, Host{Name: "mx1.example.com"}, true, 0, "switched off"},
	} {
		probe, why := relayFor(c.e, &c.host, netip.MustParseAddr("192.0.2.1"), c.whole)
		if c.forms > 0 {
			es := c.e.Relay.envelopes("example.com", Options{SharedHosts: c.e.Options.SharedHosts}, c.whole)
			if len(es) != c.forms || probe != es.String() {
				t.Errorf("%s: %d envelopes, want %d: %q", c.name, len(es), c.forms, probe)
			}
		}
		if why != c.want || (probe == "") != (c.forms == 0) {
			t.Errorf("%s: %q, %q", c.name, probe, why)
		}
	}
	r := Relay{To: "b@example.org"}
	var forms []string
	for _, env := range r.envelopes("example.com", Options{}, true) {
		forms = append(forms, env.Form)
	}
	if want := []string{FormPostmaster, FormAbuse, FormRandom, FormUnresolvable, FormNull, FormLocal, FormPercent, FormBang, FormRoute}; !slices.Equal(forms, want) {
		t.Errorf("without a sender: %q", forms)
	}
	for _, form := range []string{FormNull, FormForeign, FormLocal} {
		if !Plain(form) {
			t.Errorf("%s is an ordinary address", form)
		}
	}
	for _, form := range []string{FormPercent, FormBang, FormRoute, FormPostmaster} {
		if Plain(form) {
			t.Errorf("%s is none that asks to relay plainly", form)
		}
	}
}

// Whom the relay test names, and why it names nobody.
func TestAskToRelay(t *testing.T) {
	none := records()
	src := script{
		"MX example.com": records("example.com MX 10 mx.example.com."), "A mx.example.com": records("mx.example.com A 192.0.2.1"), "AAAA mx.example.com": none,
		"MX example.net": records("example.net MX 10 mx.example.net."), "A mx.example.net": records("mx.example.net A 203.0.113.1"), "AAAA mx.example.net": none,
	}
	const unnamed = "this machine has no name to say at EHLO (--ehlo), which servers hold against it"
	for _, c := range []struct {
		o    Options
		want Relay
	}{
		{Options{EHLO: "probe.example.net"}, Relay{From: "postmaster@example.net", To: "postmaster@example.net"}},
		{Options{EHLO: "probe.example.net", RelayFrom: "a@example.org", RelayRcpt: "b@example.net"}, Relay{From: "a@example.org", To: "b@example.net"}},
		{Options{RelayRcpt: "b@example.net"}, Relay{Weak: unnamed, To: "b@example.net"}},
		{Options{EHLO: "[192.0.2.9]", RelayRcpt: "b@example.net"}, Relay{Weak: unnamed, To: "b@example.net"}},
		{Options{}, Relay{NotAsked: "no foreign recipient to ask for: name a mailbox of your own elsewhere with --relay-rcpt, or this machine with --ehlo"}},
		{Options{EHLO: "probe.example.com"}, Relay{NotAsked: "the recipient postmaster@example.com belongs to the audited domain: name one elsewhere with --relay-rcpt"}},
		{Options{EHLO: "probe.example.net", Relay: "off"}, Relay{NotAsked: "the relay test is switched off"}},
		{Options{EHLO: "probe.example.net", NoSMTP: true}, Relay{NotAsked: "SMTP is switched off"}},
		{Options{EHLO: "probe.example.net", Offline: true}, Relay{NotAsked: "SMTP is switched off"}},
	} {
		if c.want.NotAsked == "" {
			c.want.Where = []netip.Addr{netip.MustParseAddr("203.0.113.1")}
		}
		if got := askToRelay(t.Context(), src, psl.Default(), "example.com", c.o); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v: got %+v, want %+v", c.o, got, c.want)
		}
	}
}

// A talker answers conversations of one address with a banner.
type talker struct {
	script
	up netip.AddrPort
}

func (s talker) Talk(_ context.Context, p wire.Probe) wire.Session {
	if p.Addr == s.up && p.Variant == wire.VariantBanner {
		return wire.Session{Exchanges: []smtp.Exchange{{Stage: smtp.StageBanner, Reply: &smtp.Reply{Code: 220}}}}
	}
	return wire.Session{Fail: &wire.Fail{Kind: wire.FailTimeout, Text: "no answer on port 25"}}
}

// The control host may be a name or an address, of one family or both.
func TestAskControl(t *testing.T) {
	src := talker{script{
		"A mx.control.test": records("mx.control.test A 192.0.2.1", "mx.control.test A 192.0.2.2"), "AAAA mx.control.test": records(),
	}, netip.MustParseAddrPort("192.0.2.1:25")}
	const none = "no control host has an %s address, so nothing shows that port 25 is open from here"
	for _, c := range []struct {
		control string
		six     bool
		want    Reach
	}{
		{"mx.control.test", false, Reach{Proven: true, Ref: "smtp:192.0.2.1:25/mx.control.test#banner"}},
		{"mx.control.test", true, Reach{Why: fmt.Sprintf(none, "IPv6")}},
		{"192.0.2.1", false, Reach{Proven: true, Ref: "smtp:192.0.2.1:25/192.0.2.1#banner"}},
		{"192.0.2.1", true, Reach{Why: fmt.Sprintf(none, "IPv6")}},
		{"2001:db8::1", false, Reach{Why: fmt.Sprintf(none, "IPv4")}},
		{"2001:db8::1", true, Reach{Broken: true, Ref: "smtp:[2001:db8::1]:25/2001:db8::1#banner", Why: "the control host 2001:db8::1 cannot be reached over IPv6 either (no answer on port 25)"}},
		{"mx.control.test:26", false, Reach{Broken: true, Ref: "smtp:192.0.2.1:26/mx.control.test#banner", Why: "the control host mx.control.test cannot be reached over IPv4 either (no answer on port 25)"}},
		{"", false, Reach{Why: fmt.Sprintf(none, "IPv4")}}, // a closed network: only what the user named
	} {
		if got := askControl(t.Context(), src, provider.Default(), Options{Control: c.control, AllowPrivate: true}, c.six); got != c.want {
			t.Errorf("%q, IPv6 %v: got %+v, want %+v", c.control, c.six, got, c.want)
		}
	}
	if got := askControl(t.Context(), script{}, provider.Default(), Options{}, false); got.Proven || got.Broken || got.Why != fmt.Sprintf(none, "IPv4") {
		t.Errorf("none is known: %+v", got)
	}
}

// Shares of the places for direct questions.
func TestShare(t *testing.T) {
	for n := 1; n <= maxNameservers; n++ {
		sum, last := 0, maxServers
		for i := range n {
			s := share(i, n)
			if sum += s; s > last || s < maxServers/n || s > maxServers/n+1 {
				t.Errorf("%d of %d names: %d", i, n, s)
			}
			last = s
		}
		if sum != maxServers {
			t.Errorf("%d names: %d places", n, sum)
		}
	}
}

// Name servers that were not asked, for whatever reason, are named as such.
func TestAskServers(t *testing.T) {
	none := records()
	ok := records("example.com SOA a. b. 1 2 3 4 5")
	ok.AA = true
	base := script{
		"NS example.com":    records("example.com NS ns1.example.com.", "example.com NS ns2.example.com."),
		"A ns1.example.com": records("ns1.example.com A 192.0.2.1", "ns1.example.com A 192.0.2.2"), "AAAA ns1.example.com": records("ns1.example.com AAAA 2001:db8::1"),
		"A ns2.example.com": records("ns2.example.com A 192.0.2.1"), "AAAA ns2.example.com": none,
		"SOA example.com @192.0.2.1": ok,
	}
	assumed := base["NS example.com"]
	assumed.Assumed = true
	dead := wire.Answer{Fail: &wire.Fail{Kind: wire.FailServfail, Text: "SERVFAIL"}}
	above := wire.Answer{Rcode: "NOERROR", Authority: ok.Answer}
	suffix := wire.Answer{Rcode: "NOERROR", Authority: records("com SOA a. b. 1 2 3 4 5").Answer}
	for _, c := range []struct {
		name, domain string
		src          script
		o            Options
		want         string // zone, reason, addresses, unasked
	}{
		{"asked", "example.com", base, Options{}, "example.com, , [192.0.2.1 2001:db8::1 192.0.2.2], 0"},
		{"a name below", "shop.example.com", base.with("NS shop.example.com", above), Options{}, "example.com, , [192.0.2.1 2001:db8::1 192.0.2.2], 0"},
		{"switched off", "example.com", base, Options{NoServers: true}, "example.com, direct questions to name servers are switched off, [], 0"},
		{"another area skipped", "example.com", base, Options{Skip: []string{"spf"}}, "example.com, , [192.0.2.1 2001:db8::1 192.0.2.2], 0"},
		{"area skipped", "example.com", base, Options{Skip: []string{"mx"}}, "example.com, area skipped, [], 0"},
		{"offline", "example.com", base, Options{Offline: true}, "example.com, the network is switched off, [], 0"},
		{"not published", "example.com", base.with("NS example.com", assumed), Options{}, "example.com, the zone is not published yet, [], 0"},
		{"no zone", "example.com", base.with("NS example.com", wire.Answer{Rcode: "NXDOMAIN"}), Options{}, ", no zone of the domain was found, [], 0"},
		{"no zone, and offline", "example.com", base.with("NS example.com", wire.Answer{Rcode: "NXDOMAIN"}), Options{Offline: true}, ", the network is switched off, [], 0"},
		{"not known", "example.com", base.with("NS example.com", dead), Options{}, ", the name servers are not known: SERVFAIL, [], 0"},
		{"not known above", "shop.example.com", base.with("NS shop.example.com", above, "NS example.com", dead), Options{}, "example.com, the name servers are not known: SERVFAIL, [], 0"},
		{"of the registry", "example.com", base.with("NS example.com", suffix), Options{}, "com, the domain is a name in the zone of the public suffix com, [], 0"},
		{"no address", "example.com", base.with("A ns1.example.com", none, "AAAA ns1.example.com", none, "A ns2.example.com", none), Options{}, "example.com, no name server has an address, [], 0"},
		{"an address that is not known", "example.com", base.with("A ns2.example.com", dead), Options{}, "example.com, , [192.0.2.1 2001:db8::1 192.0.2.2], 1"},
	} {
		n := askServers(t.Context(), c.src, psl.Default(), c.domain, c.o)
		var addrs []netip.Addr
		for _, s := range n.Servers {
			addrs = append(addrs, s.Addr)
		}
		if got := fmt.Sprintf("%s, %s, %v, %d", n.Zone, n.NotAsked, addrs, n.Unasked()); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if len(n.Servers) > 0 && (!n.Servers[0].Authoritative() || n.Servers[1].Authoritative()) {
			t.Errorf("%s: with authority %v, %v", c.name, n.Servers[0].Authoritative(), n.Servers[1].Authoritative())
		}
	}
}

// A name of 253 characters has none below it that nobody chose.
func TestStrayTooLong(t *testing.T) {
	long := strings.Repeat(strings.Repeat("a", 60)+".", 4) + "test"
	if s := askStray(t.Context(), script{}, long, Options{}); s.A.Ref != "" || s.MX.Ref != "" || len(s.Name) <= 253 {
		t.Errorf("%+v", s)
	}
	if s := askStray(t.Context(), script{}, "example.com", Options{}); s.A.Ref == "" || s.AAAA.Ref == "" || s.MX.Ref == "" || s.TXT.Ref == "" {
		t.Errorf("%+v", s)
	}
}

// Aliases are followed only as long as their owner is the domain's: what others
// forgot is not for its owner to mend.
func TestDotlessAliases(t *testing.T) {
	e := &Evidence{
		Domain: "example.com", DKIM: &dkim.Result{}, DMARC: &dmarc.Discovery{}, MTASTS: &mtasts.Result{}, TLSRPT: &tlsrpt.Result{},
		Nameservers: Nameservers{Zone: "example.com"},
	}
	e.DKIM.Selectors = []dkim.Selector{{Owner: "s1._domainkey.example.com", Answer: records(
		"s1._domainkey.example.com CNAME s1._domainkey.example.net.", "s1._domainkey.example.net CNAME k.example.org.example.com.")}}
	if out, more := dotless(t.Context(), script{}, Tables{psl.Default(), provider.Default()}, e); len(out) != 0 || more != 0 {
		t.Errorf("an alias of others: %+v", out)
	}
	e.DKIM.Selectors[0].Answer = records("s1._domainkey.example.com CNAME k.example.org.example.com.")
	out, _ := dotless(t.Context(), script{}, Tables{psl.Default(), provider.Default()}, e)
	if len(out) != 1 || out[0].Meant != "k.example.org" || out[0].Zone != "example.com" || out[0].Use != UseDKIM || out[0].Doubled || out[0].Between.Name != "org.example.com" {
		t.Errorf("its own alias: %+v", out)
	}
	for i := range maxDotless + 2 {
		e.MX.Records = append(e.MX.Records, wire.MX{Host: fmt.Sprintf("mx%d.example.com.example.com", i)})
	}
	if out, more := dotless(t.Context(), script{}, Tables{psl.Default(), provider.Default()}, e); len(out) != maxDotless || more != 3 || !out[0].Doubled {
		t.Errorf("%d asked, %d more", len(out), more)
	}
}

// What the lookups leave open, in each combination.
func TestCould(t *testing.T) {
	for _, c := range []struct {
		in   receiving
		out  sending
		want string
	}{
		{takesMail, sendsUnknown, "receive-only"},
		{takesImplicit, sendsUnknown, "no-mail"},
		{takesUnknown, sendsMail, "send-only"},
		{takesUnknown, sendsUnknown, "receive-only send-only no-mail"},
		{takesUnknown, sendsNobody, "receive-only send-only no-mail"},
		{takesNone, sendsUnknown, "send-only no-mail"},
		{takesNowhere, sendsSilent, "send-only no-mail"},
	} {
		if got := strings.Join(could(c.in, c.out), " "); got != c.want {
			t.Errorf("%v, %v: %q, want %q", c.in, c.out, got, c.want)
		}
	}
}

// The domain's own addresses stand first, each once, and no more than sixteen; known
// ones that are left out are counted apart.
func TestBounded(t *testing.T) {
	var b blocklistRun
	var in []ListedAddress
	ip := netip.MustParseAddr("192.0.2.1")
	for range maxListedSenders + 3 {
		in = append(in, ListedAddress{IP: ip, Sends: true}, ListedAddress{IP: ip, Sends: true, Ranged: true})
		ip = ip.Next()
	}
	in[len(in)-2].Ranged = true
	out, more, known := b.bounded(in)
	if len(out) != maxListedSenders || more != 3 || known != 2 || out[0].Ranged {
		t.Errorf("%d kept, %d more, %d of them known", len(out), more, known)
	}
	out, more, known = b.bounded(in[:2*maxListedSenders])
	if len(out) != maxListedSenders || more != 0 || known != 0 {
		t.Errorf("%d kept, %d more, %d of them known", len(out), more, known)
	}
}

// What is a platform's is not asked about as the domain's.
func TestSharedTerm(t *testing.T) {
	b := blocklistRun{providers: provider.Default(), suffixes: psl.Default(), domain: "example.com"}
	host := func(name, ip string) spf.Host {
		return spf.Host{Name: name, A: spf.Ask{Answer: records(name + " A " + ip)}}
	}
	n := func(prefix, target string, hosts ...spf.Host) spf.Authorised {
		return spf.Authorised{Prefix: netip.MustParsePrefix(prefix), Step: &spf.Step{Target: target, Hosts: hosts}}
	}
	for _, c := range []struct {
		name string
		n    spf.Authorised
		want bool
	}{
		{"its own host", n("192.0.2.1/32", "mx.example.com", host("mx.example.com", "192.0.2.1")), false},
		{"a platform's by name", n("192.0.2.1/32", "smtp.google.com"), true},
		{"a platform's by an MX", n("192.0.2.1/32", "example.com", host("mx.example.com", "192.0.2.9"), host("smtp.google.com", "192.0.2.1")), true},
		{"its own beside a platform's", n("192.0.2.9/32", "example.com", host("mx.example.com", "192.0.2.9"), host("smtp.google.com", "192.0.2.1")), false},
	} {
		if got := b.sharedTerm(c.n); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	for name, want := range map[string]bool{"example.com": true, "shop.example.com": true, "example.net": false, "com": false} {
		if got := b.own(name); got != want {
			t.Errorf("%s is its own: %v", name, got)
		}
	}
	if suffix := (&blocklistRun{suffixes: psl.Default(), domain: "com"}); suffix.own("net") || !suffix.own("com") {
		t.Error("two public suffixes are not one domain")
	}
}

// How many hosts were left out is told, and which.
func TestLeftOut(t *testing.T) {
	var targets []wire.MX
	for i := range 20 {
		targets = append(targets, wire.MX{Host: fmt.Sprintf("mx%d.example.com", 40+i)})
	}
	for n, want := range map[int]string{
		1:  "1 of 41 mail hosts were not looked up, all after the first 40: mx40.example.com",
		20: "20 of 60 mail hosts were not looked up, all after the first 40: mx40.example.com, mx41.example.com, mx42.example.com, mx43.example.com, mx44.example.com and 15 more",
	} {
		if got := leftOut(targets[:n], 40+n); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
