package wire

import (
	"strings"
	"testing"
)

func TestParseResolver(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.53":                        "udp:192.0.2.53:53",
		" 192.0.2.53:5353 ":                 "udp:192.0.2.53:5353",
		"udp:192.0.2.53":                    "udp:192.0.2.53:53",
		"udp://192.0.2.53/":                 "udp:192.0.2.53:53",
		"TCP:192.0.2.53:54":                 "tcp:192.0.2.53:54",
		"2001:DB8::53":                      "udp:[2001:db8::53]:53",
		"[2001:db8::53]":                    "udp:[2001:db8::53]:53",
		"udp:2001:db8::53":                  "udp:[2001:db8::53]:53",
		"tcp:[2001:db8::53]:54":             "tcp:[2001:db8::53]:54",
		"fe80::1%eth0":                      "udp:[fe80::1%eth0]:53",
		"tls://192.0.2.53":                  "tls://192.0.2.53:853",
		"tls://2001:db8::53":                "tls://[2001:db8::53]:853",
		"tls://DNS.example.com:8853/":       "tls://dns.example.com:8853",
		"https://dns.example.com":           "https://dns.example.com/dns-query",
		"https://dns.example.com/":          "https://dns.example.com/dns-query",
		"https://dns.example.com/q{?dns}":   "https://dns.example.com/q",
		"HTTPS://192.0.2.53:8443/a%20b":     "https://192.0.2.53:8443/a%20b",
		"https://[2001:db8::53]/dns-query":  "https://[2001:db8::53]/dns-query",
		"https://[2001:db8::53]:444/dns":    "https://[2001:db8::53]:444/dns",
		"https://dns.example.com:443/query": "https://dns.example.com/query",
	} {
		r, err := ParseResolver(in)
		if err != nil || r.String() != want {
			t.Errorf("ParseResolver(%q) = %s, %v, want %s", in, r, err, want)
		}
	}
	for in, want := range map[string]string{
		"":                                   "names no address",
		"udp:":                               "names no address",
		"dns.example.com":                    "only tls:// and https://",
		"udp:dns.example.com:53":             "only tls:// and https://",
		"192.0.2.53:0":                       "is no port",
		"192.0.2.53:dns":                     "is no port",
		"192.0.2.53:70000":                   "is no port",
		"[2001:db8::53":                      "hold no IPv6 address",
		"[192.0.2.53]:53":                    "hold no IPv6 address",
		"[2001:db8::53]53":                   "is no port",
		"sdns://x":                           "unknown scheme",
		"http://192.0.2.53/dns-query":        "write https://",
		"tls://":                             "names no host",
		"tls://exa mple.com":                 "nor a host name",
		"fe80::1%e]th:5":                     "is no IP address",
		"https://[fe80::1%25eth0]/q":         "with a zone",
		"https:///dns-query":                 "names no host",
		"https://a..example.com/q":           "nor a host name",
		"https://user@example.com/q":         "not used",
		"https://example.com/q?dns=x":        "not used",
		"https://%zz/":                       "not a URL",
		"tls://" + strings.Repeat("a.", 200): "nor a host name",
	} {
		r, err := ParseResolver(in)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "resolver \"") {
			t.Errorf("ParseResolver(%q) = %v, %v, want an error with %q", in, r, err, want)
		}
	}
}

func FuzzParseResolver(f *testing.F) {
	for _, s := range []string{"192.0.2.53", "tcp:[2001:db8::1%eth0]:5", "tls://dns.example.com", "https://dns.example.com/q", "https://[2001:db8::1]:8/%20"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseResolver(s)
		if err != nil {
			return
		}
		if again, err := ParseResolver(r.String()); err != nil || again != r {
			t.Errorf("%q gives %q, that gives %q, %v", s, r, again, err)
		}
	})
}

func TestNewLiveResolvers(t *testing.T) {
	conf := []byte("# comment\n; another\nsearch example.com\nnameserver 192.0.2.1\nnameserver\t2001:db8::1 # ours\n" +
		"nameserver fe80::1%eth0\n nameserver 192.0.2.1\nnameserver dns.example.com\nnameserver\noptions edns0 ndots:2\nnameserver 192.0.2.2")
	for _, c := range []struct {
		name      string
		conf      LiveConfig
		resolvers string // or the error
	}{
		{"resolv.conf", LiveConfig{ResolvConf: conf}, "udp:192.0.2.1:53 udp:[2001:db8::1]:53 udp:[fe80::1%eth0]:53 udp:192.0.2.2:53"},
		{"both", LiveConfig{ResolvConf: conf, Resolvers: []string{"tls://dns.example.com", "192.0.2.9"}}, "tls://dns.example.com:853 udp:192.0.2.9:53"},
		{"address", LiveConfig{Resolvers: []string{"https://192.0.2.9"}}, "https://192.0.2.9/dns-query"},
		{"none", LiveConfig{}, "give one with --resolver"},
		{"empty", LiveConfig{ResolvConf: []byte("search example.com\n")}, "give one with --resolver"},
		{"name alone", LiveConfig{Resolvers: []string{"tls://dns.example.com"}}, "give its address instead"},
		{"bad", LiveConfig{ResolvConf: conf, Resolvers: []string{"dns.example.com"}}, "only tls:// and https://"},
	} {
		l, err := NewLive(c.conf)
		if err != nil {
			if !strings.Contains(err.Error(), c.resolvers) {
				t.Errorf("%s: error %q, want %q", c.name, err, c.resolvers)
			}
			continue
		}
		var got []string
		for _, u := range l.resolvers.list {
			got = append(got, u.String())
		}
		if s := strings.Join(got, " "); s != c.resolvers {
			t.Errorf("%s: resolvers %s, want %s", c.name, s, c.resolvers)
		}
		l.Close()
	}
}
