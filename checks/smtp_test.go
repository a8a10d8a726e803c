package checks

import (
	"net/netip"
	"strings"
	"testing"

	"mxvet/internal/gather"
	"mxvet/internal/smtp"
	"mxvet/internal/wire"
)

func at(ip string, s wire.Session) gather.Address {
	return gather.Address{IP: netip.MustParseAddr(ip), Ref: wire.Ref("smtp:" + ip), Session: s}
}

// What silence means depends on what else was heard.
func TestUnreached(t *testing.T) {
	greeting := wire.Session{Exchanges: []smtp.Exchange{{Stage: smtp.StageBanner, Reply: &smtp.Reply{Code: 220, Lines: []string{"mx1.example.com"}}}}}
	silent := wire.Session{Fail: &wire.Fail{Kind: wire.FailTimeout, Text: "connect"}}
	refused := wire.Session{Fail: &wire.Fail{Kind: wire.FailRefused, Text: "connect"}}
	late := wire.Session{Fail: &wire.Fail{Kind: wire.FailDeadline}}
	proven, broken := gather.Reach{Proven: true}, gather.Reach{Broken: true, Why: "the control host is silent"}
	for _, c := range []struct {
		name      string
		four, six gather.Reach
		hosts     [][]gather.Address // the last address of the first host is judged
		want      Status
	}{
		{"silent, others answer", proven, gather.Reach{}, [][]gather.Address{{at("192.0.2.1", silent)}, {at("192.0.2.2", greeting)}}, Unknown},
		{"refused, others answer", proven, gather.Reach{}, [][]gather.Address{{at("192.0.2.1", refused)}, {at("192.0.2.2", greeting)}}, NotApplicable},
		{"all dead, the control host answers", proven, gather.Reach{}, [][]gather.Address{{at("192.0.2.1", silent)}}, Unknown},
		{"all refuse, the control host answers", proven, gather.Reach{}, [][]gather.Address{{at("192.0.2.1", refused)}}, NotApplicable},
		{"refused, and nothing is heard from here", broken, gather.Reach{}, [][]gather.Address{{at("192.0.2.1", refused)}}, Unknown},
		{"nothing is heard from here", broken, gather.Reach{}, [][]gather.Address{{at("192.0.2.1", silent)}}, Unknown},
		{"nothing is proven", gather.Reach{}, gather.Reach{}, [][]gather.Address{{at("192.0.2.1", silent)}}, Unknown},
		{"no IPv6 from here, heard over IPv4", proven, broken, [][]gather.Address{{at("192.0.2.1", greeting), at("2001:db8::1", silent)}}, NotAsked},
		{"no IPv6 from here, only other hosts heard", proven, broken, [][]gather.Address{{at("2001:db8::1", silent)}, {at("192.0.2.2", greeting)}}, Unknown},
		{"out of time", proven, gather.Reach{}, [][]gather.Address{{at("192.0.2.1", late)}, {at("192.0.2.2", greeting)}}, Unknown},
		{"empty", proven, gather.Reach{}, [][]gather.Address{{at("192.0.2.1", wire.Session{})}}, Unknown},
		{"heard", proven, gather.Reach{}, [][]gather.Address{{at("192.0.2.1", greeting)}}, ""},
	} {
		e := &gather.Evidence{Domain: "example.com", Vantage: gather.Vantage{IPv4: c.four, IPv6: c.six}}
		for _, addrs := range c.hosts {
			e.MX.Hosts = append(e.MX.Hosts, gather.Host{Name: "mx.example.com", Addrs: addrs})
		}
		judged := conversations(e)[len(c.hosts[0])-1]
		status, why := judged.unreached(e)
		if status != c.want || (status == "") != (why == "") {
			t.Errorf("%s: %q (%s), want %q", c.name, status, why, c.want)
		}
	}
}

func TestRefusesUs(t *testing.T) {
	e := &gather.Evidence{Options: gather.Options{EHLO: "probe.example.net"}}
	c := conversation{Addr: &gather.Address{IP: netip.MustParseAddr("192.0.2.1")}}
	for text, want := range map[string]bool{
		"no SMTP service here":                            false,
		"5.3.2 system not accepting mail":                 false,
		"mx1.example.com [192.0.2.1] is closed":           false,
		"mx1.example.com out of service":                  false,
		"mx1.example.com [198.51.100.7] go away":          true,
		"go away, 2001:db8:7::7":                          true,
		"5.7.1 Service unavailable":                       true,
		"Your access to this mail system":                 true,
		"poor reputation":                                 true,
		"listed at dnsbl.example.org":                     true,
		"no thank you, PROBE.example.net":                 true,
		"see https://postmaster.example.org/":             true,
		"[IPv6:2001:db8:7::7] has no business here today": true,
	} {
		if got := refusesUs(e, c, &smtp.Reply{Code: 554, Lines: []string{text}}); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestNotFullName(t *testing.T) {
	for name, ok := range map[string]bool{
		"mx1.example.com":                 true,
		"mx_1.example.com":                true,
		"xn--mller-kva.example":           true,
		"1.example.com":                   true,
		"":                                false,
		"mx1":                             false,
		"localhost":                       false,
		"localhost.localdomain":           false,
		"mail.corp":                       false,
		"192.0.2.1":                       false,
		"2001:db8::1":                     false,
		"[192.0.2.1]":                     false,
		"mx1..example.com":                false,
		"-mx1.example.com":                false,
		"mx1.example.com-":                false,
		"***************":                 false,
		"mx1.example.com/mail":            false,
		"999.999.999.999":                 false,
		strings.Repeat("a.", 130) + "com": false,
	} {
		if why := notFullName(name); (why == "") != ok {
			t.Errorf("%q: %q", name, why)
		}
	}
}

// An error of our own library is no fault of the server.
func TestUnreadable(t *testing.T) {
	for text, want := range map[string]bool{
		"tls: failed to parse certificate from server: x509: negative serial number":                        true,
		"tls: invalid signature by the server certificate: crypto/rsa: 512-bit keys are insecure (see ...)": true,
		"remote error: tls: handshake failure":                                                              false,
		"remote error: tls: unsupported certificate":                                                        false,
		"EOF": false,
		"tls: first record does not look like a TLS handshake": false,
	} {
		if got := unreadable(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestVersionInGreeting(t *testing.T) {
	for text, want := range map[string]bool{
		"mx1.example.com ESMTP Postfix":                                                        false,
		"mx1.example.com ESMTP Exim 4.97.1 Mon, 02 Nov 2026 10:00:00 +0100":                    true,
		"mx1.example.com ESMTP Sendmail 8.14.4/8.14.4; Mon, 2 Nov 2026 10:00:00 +0100":         true,
		"mx1.example.com Microsoft ESMTP MAIL Service, Version: 10.0.14393.0 ready":            true,
		"mx1.example.com ESMTP (Haraka/3.0.2) ready":                                           true,
		"mx1.example.com ESMTP 98e67ed59e1d1-2c1 - gsmtp":                                      false,
		"mx1.2.example.com ESMTP":                                                              false,
		"mx1.example.com ESMTP ready from 192.0.2.1":                                           false,
		"mx1.example.com ESMTP on 02.11.2026":                                                  false,
		"mx1.example.com Microsoft ESMTP MAIL Service ready at Mon, 2 Nov 2026 09:00:00 +0000": false,
	} {
		s := wire.Session{Exchanges: []smtp.Exchange{{Stage: smtp.StageBanner, Reply: &smtp.Reply{Code: 220, Lines: []string{text}}}}}
		e := &gather.Evidence{MX: gather.MXSet{Hosts: []gather.Host{{Name: "mx1.example.com", Addrs: []gather.Address{at("192.0.2.1", s)}}}}}
		if got := judgeVersion(e)[0].Status == Fail; got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// One verdict names both sets of roots where they differ.
func TestStores(t *testing.T) {
	for _, c := range []struct{ system, mozilla, want string }{
		{wire.Trusted, wire.Trusted, ""},
		{wire.TrustNotApplicable, wire.Trusted, ""},
		{wire.Trusted, wire.TrustUnknownRoot, "this machine trusts the authority, Mozilla's list of public ones does not have it"},
		{wire.TrustUnknownRoot, wire.Trusted, "Mozilla's list of public authorities has the authority, this machine does not"},
	} {
		if got := stores(&wire.TLS{System: c.system, Mozilla: c.mozilla}); got != c.want {
			t.Errorf("%s, %s: %q", c.system, c.mozilla, got)
		}
	}
}

// A relay test that was stopped early passes nothing, although all that was asked
// was refused.
func TestRelayStopped(t *testing.T) {
	asked := func(form string, code int) []smtp.Exchange {
		return []smtp.Exchange{
			{Stage: smtp.StageMail, Form: form, Reply: &smtp.Reply{Code: 250, Lines: []string{"ok"}}},
			{Stage: smtp.StageRcpt, Form: form, Reply: &smtp.Reply{Code: code, Lines: []string{"so"}}},
		}
	}
	log := []smtp.Exchange{
		{Stage: smtp.StageBanner, Reply: &smtp.Reply{Code: 220, Lines: []string{"mx1.example.com"}}},
		{Stage: smtp.StageEHLO, Reply: &smtp.Reply{Code: 250, Lines: []string{"mx1.example.com"}}},
	}
	for form, code := range map[string]int{gather.FormPostmaster: 250, gather.FormRandom: 550, gather.FormUnresolvable: 550, gather.FormNull: 550} {
		log = append(log, asked(form, code)...)
	}
	judge := func(s wire.Session) Verdict {
		e := &gather.Evidence{Domain: "example.com"}
		a := at("192.0.2.1", s)
		return judgeRelay(e, conversation{&gather.Host{Name: "mx1.example.com"}, &a, "mx1.example.com"}, true)
	}
	stopped := wire.Session{Exchanges: log, Fail: &wire.Fail{Kind: wire.FailLimit, Text: "the server began to pause"}}
	if v := judge(stopped); v.Status != Unknown || !strings.Contains(v.Message, "stopped before its end") {
		t.Errorf("%+v", v)
	}
	if v := judge(wire.Session{Exchanges: append(log, asked(gather.FormRoute, 550)...)}); v.Status != Pass {
		t.Errorf("%+v", v)
	}
}
