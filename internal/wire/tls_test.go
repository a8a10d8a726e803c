package wire

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTrust(t *testing.T) {
	now := time.Now()
	root := (*issuer)(nil).below(t, "root", nil)
	between := root.below(t, "between", nil)
	old := root.below(t, "old", func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Hour) })
	young := (*issuer)(nil).below(t, "young", func(c *x509.Certificate) { c.NotBefore = now.Add(-time.Minute) })
	unknown := (*issuer)(nil).below(t, "unknown", nil)
	unknownBetween := unknown.below(t, "unknown between", nil)
	noAIA := func(c *x509.Certificate) { c.IssuingCertificateURL = nil }
	expired := func(c *x509.Certificate) { c.NotAfter = now.Add(-2 * time.Hour) }
	chain := func(ca *issuer, edit func(*x509.Certificate)) [][]byte {
		return ca.leaf(t, "mx.example.com", edit).Certificate
	}

	both := root.pool()
	both.AddCert(young.cert)
	v := newTrust(both)
	for _, test := range []struct {
		name  string
		chain [][]byte
		want  string
	}{
		{"whole", chain(between, nil), Trusted},
		{"straight from the root", chain(root, nil), Trusted},
		{"leaf expired", chain(between, expired), Trusted},
		{"leaf not yet valid", chain(between, func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = now.Add(2*time.Hour), now.Add(3*time.Hour)
		}), Trusted},
		{"leaf expired before its root began", chain(young, expired), Trusted},
		{"leaf expired, authority not known", chain(unknownBetween, expired), TrustUnknownRoot},
		{"leaf expired, intermediate expired later", chain(old, expired), Trusted},
		{"root sent too", append(chain(between, nil), root.cert.Raw), Trusted},
		{"in disorder", func() [][]byte {
			c := append(chain(between, nil), root.cert.Raw)
			slices.Reverse(c[1:])
			return c
		}(), Trusted},
		{"self-signed", chain(nil, nil), TrustSelfSigned},
		{"authority not known", chain(unknown, noAIA), TrustUnknownRoot},
		{"authority not known, chain sent", chain(unknownBetween, nil), TrustUnknownRoot},
		{"intermediate forgotten", chain(between, nil)[:1], TrustIncomplete},
		{"wrong intermediate sent", append(chain(between, nil)[:1], unknownBetween.cert.Raw), TrustIncomplete},
		{"intermediate expired", chain(old, nil), TrustInvalid},
		{"for another purpose", chain(between, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
		}), TrustInvalid},
		{"unreadable intermediate", append(chain(between, nil), []byte("no certificate")), Trusted},
		{"unreadable leaf", append([][]byte{{1, 2, 3}}, chain(between, nil)...), ""},
		{"nothing", nil, ""},
	} {
		for range 2 { // the second time from memory
			got := &TLS{Chain: test.chain}
			v.judge(got, now)
			if got.Mozilla != test.want {
				t.Errorf("%s: Mozilla %q, want %q", test.name, got.Mozilla, test.want)
			}
			if got.System != test.want {
				t.Errorf("%s: System %q, want %q", test.name, got.System, test.want)
			}
		}
	}
	if n := len(v.known); n != 17 {
		t.Errorf("%d verdicts remembered", n)
	}
	if v := newTrust(nil); v.mozilla().Equal(x509.NewCertPool()) {
		t.Error("no Mozilla roots")
	} else if got := (&TLS{Chain: chain(between, nil)}); true {
		v.judge(got, now)
		if got.Mozilla != TrustUnknownRoot {
			t.Errorf("a private authority is %q to Mozilla", got.Mozilla)
		}
	}
}

func TestTrustForgets(t *testing.T) {
	v := newTrust(nil)
	for i := range maxVerdicts {
		v.known[trustKey{hour: int64(i)}] = [2]string{}
	}
	v.judge(&TLS{Chain: (*issuer)(nil).leaf(t, "mx.example.com", nil).Certificate}, time.Now())
	if len(v.known) != 1 {
		t.Errorf("%d verdicts remembered", len(v.known))
	}
}

func TestVerifies(t *testing.T) {
	now := time.Now()
	root := (*issuer)(nil).below(t, "root", nil)
	good := root.leaf(t, "mta-sts.example.com", nil).Certificate
	for _, test := range []struct {
		name string
		tls  *TLS
		host string
		at   time.Time
		want []string // parts of the error; none = it verifies
	}{
		{"good", &TLS{Chain: good, Mozilla: Trusted}, "MTA-STS.example.com.", now, nil},
		{"this machine's roots suffice", &TLS{Chain: good, System: Trusted, Mozilla: TrustUnknownRoot}, "mta-sts.example.com", now, nil},
		{"name", &TLS{Chain: good, Mozilla: Trusted}, "mta-sts.example.org", now, []string{"name"}},
		{"late", &TLS{Chain: good, Mozilla: Trusted}, "mta-sts.example.com", now.Add(48 * time.Hour), []string{"expired"}},
		{"early", &TLS{Chain: good, Mozilla: Trusted}, "mta-sts.example.com", now.Add(-48 * time.Hour), []string{"not valid before"}},
		{"all at once", &TLS{Chain: good, Mozilla: TrustIncomplete}, "x.example", now.Add(48 * time.Hour), []string{"chain: incomplete-chain", "name", "expired"}},
		{"failed", &TLS{Chain: good, Mozilla: Trusted, Error: "alert"}, "mta-sts.example.com", now, []string{"handshake"}},
		{"no certificate", &TLS{Mozilla: Trusted}, "mta-sts.example.com", now, []string{"no readable"}},
		{"no TLS", nil, "mta-sts.example.com", now, []string{"no TLS"}},
	} {
		err := test.tls.Verifies(test.host, test.at)
		if (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		for _, part := range test.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v lacks %q", test.name, err, part)
			}
		}
	}
}

func TestLeafNameOK(t *testing.T) {
	for _, test := range []struct {
		host string
		sans []string
		want bool
	}{
		{"mx.example.com", []string{"mx.example.com"}, true},
		{"MX.Example.com.", []string{"a.example", "mx.example.COM"}, true},
		{"mx.example.com", []string{"*.example.com"}, true},
		{"mx.sub.example.com", []string{"*.example.com"}, false},
		{"example.com", []string{"*.example.com"}, false},
		{"mx.example.com", []string{"m*.example.com"}, false},
		{"mx.example.com", []string{"*x.example.com"}, false},
		{"mx.example.com", []string{"mx.*.com"}, false},
		{"mx.example.com", []string{"*.*.com"}, false},
		{"mx.example.com", []string{"*"}, false},
		{"com", []string{"*"}, false},
		{"com", []string{"*."}, false},
		{"*.example.com", []string{"*.example.com"}, false},
		{".example.com", []string{"*.example.com"}, false},
		{"", []string{""}, false},
		{"192.0.2.1", nil, false},
		{"mx.example.com", nil, false}, // the common name says so, which does not count
	} {
		cert := &x509.Certificate{DNSNames: test.sans}
		cert.Subject.CommonName = "mx.example.com"
		if got := LeafNameOK(cert, test.host); got != test.want {
			t.Errorf("%s against %q: %v", test.host, test.sans, got)
		}
	}
}

// What one Live finds out about a chain serves all its conversations.
func TestTalkChains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := (*issuer)(nil).below(t, "root", nil)
		between := root.below(t, "between", nil)
		whole := between.leaf(t, "mx.example.com", nil)
		cut := whole
		cut.Certificate = cut.Certificate[:1]
		for name, test := range map[string]struct {
			cert tls.Certificate
			want string
		}{
			"whole":       {whole, Trusted},
			"cut":         {cut, TrustIncomplete},
			"self-signed": {(*issuer)(nil).leaf(t, "mx.example.com", nil), TrustSelfSigned},
			"wrong name":  {between.leaf(t, "mx.example.org", nil), Trusted},
		} {
			l := liveOver(t, dialTo(mailHost{tls: &tls.Config{Certificates: []tls.Certificate{test.cert}}}.serve), root, nil)
			for range 2 {
				s := l.Talk(t.Context(), mx1)
				if s.Fail != nil || s.TLS.System != test.want || s.TLS.Mozilla != test.want || len(s.TLS.Certs()) != len(test.cert.Certificate) {
					t.Errorf("%s: %v %q %q, %d certificates", name, s.Fail, s.TLS.System, s.TLS.Mozilla, len(s.TLS.Chain))
				}
			}
			if len(l.trust.known) != 1 {
				t.Errorf("%s: %d verdicts", name, len(l.trust.known))
			}
			l.Close()
		}
		settle()
	})
}

// The server name goes out as asked, and not at all when empty.
func TestTalkServerName(t *testing.T) {
	for _, sni := range []string{"mx.example.com", ""} {
		got := make(chan string, 1)
		cert := (*issuer)(nil).leaf(t, "mx.example.com", nil)
		c := &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			got <- h.ServerName
			return &cert, nil
		}}
		p := mx1
		p.SNI = sni
		s := liveOver(t, dialTo(func(conn net.Conn) { mailHost{tls: c}.serve(conn) }), nil, nil).Talk(t.Context(), p)
		if s.Fail != nil {
			t.Fatal(s.Fail)
		}
		if name := <-got; name != sni {
			t.Errorf("sent %q, want %q", name, sni)
		}
	}
}
