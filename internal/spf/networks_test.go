package spf

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func prefixes(s string) []netip.Prefix {
	var out []netip.Prefix
	for f := range strings.FieldsSeq(s) {
		out = append(out, netip.MustParsePrefix(f))
	}
	return out
}

func (s Set) text() string { return strings.Trim(fmt.Sprint(s.Prefixes()), "[]") }

func TestSet(t *testing.T) {
	set := func(s string, f int) Set { return setOf(prefixes(s), f) }
	for _, c := range []struct{ a, b, union, both, minus string }{
		{"192.0.2.0/25", "192.0.2.128/25", "192.0.2.0/24", "", "192.0.2.0/25"},
		{"192.0.2.0/24", "192.0.2.7/32", "192.0.2.0/24", "192.0.2.7/32", "192.0.2.0/30 192.0.2.4/31 192.0.2.6/32 192.0.2.8/29 192.0.2.16/28 192.0.2.32/27 192.0.2.64/26 192.0.2.128/25"},
		{"0.0.0.0/0", "128.0.0.0/1", "0.0.0.0/0", "128.0.0.0/1", "0.0.0.0/1"},
		{"0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/0", ""},
		{"255.255.255.255/32", "0.0.0.0/32", "0.0.0.0/32 255.255.255.255/32", "", "255.255.255.255/32"},
		{"192.0.2.0/30 192.0.2.8/30 198.51.100.0/24", "192.0.2.2/31 192.0.2.8/29 198.51.100.255/32", "192.0.2.0/30 192.0.2.8/29 198.51.100.0/24", "192.0.2.2/31 192.0.2.8/30 198.51.100.255/32", "192.0.2.0/31 198.51.100.0/25 198.51.100.128/26 198.51.100.192/27 198.51.100.224/28 198.51.100.240/29 198.51.100.248/30 198.51.100.252/31 198.51.100.254/32"},
	} {
		a, b := set(c.a, v4), set(c.b, v4)
		if got := a.union(b).text(); got != c.union {
			t.Errorf("%s or %s: %s, want %s", c.a, c.b, got, c.union)
		}
		if got := a.intersect(b).text(); got != c.both {
			t.Errorf("%s and %s: %s, want %s", c.a, c.b, got, c.both)
		}
		if got := a.minus(b).text(); got != c.minus {
			t.Errorf("%s without %s: %s, want %s", c.a, c.b, got, c.minus)
		}
	}
	if !set("0.0.0.0/1 128.0.0.0/1", v4).All() || set("0.0.0.0/1 128.0.0.0/2", v4).All() || !set("::/1 8000::/1", v6).All() {
		t.Error("All is wrong about halves")
	}
	if got := set("::/0", v6).Size().String(); got != "340282366920938463463374607431768211456" {
		t.Errorf("the size of all IPv6 is %s", got)
	}
	if s := set("::/0", v6); s.Contains(netip.MustParseAddr("192.0.2.1")) || s.Contains(netip.MustParseAddr("::ffff:192.0.2.1")) {
		t.Error("an IPv4 address is in a set of IPv6 addresses")
	}
}

func TestNetworks(t *testing.T) {
	for _, c := range []struct{ record, pass4, pass6, listed string }{
		{"v=spf1", "", "", ""},
		{"v=spf1 -all", "", "", "-0.0.0.0/0 -::/0"},
		{"v=spf1 all", "0.0.0.0/0", "::/0", "+0.0.0.0/0 +::/0"},
		{"v=spf1 ip4:192.0.2.0/24 -all", "192.0.2.0/24", "", "+192.0.2.0/24 -0.0.0.0/0 -::/0"},
		{"v=spf1 -ip4:192.0.2.128/25 ip4:192.0.2.0/24", "192.0.2.0/25", "", "-192.0.2.128/25 +192.0.2.0/24"},
		{"v=spf1 a:a.example.org/31//127", "192.0.2.0/31", "2001:db8::/127", "+192.0.2.0/31 +2001:db8::/127"},
		{"v=spf1 mx:mx.example.org", "192.0.2.1/32 192.0.2.4/32", "2001:db8::1/128", "+192.0.2.1/32 +2001:db8::1/128 +192.0.2.4/32"},
		{"v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1", "0.0.0.0/0", "", "+0.0.0.0/1 +128.0.0.0/1"},
		{"v=spf1 include:open.example.org -all", "0.0.0.0/0", "::/0", "+0.0.0.0/0 +::/0"},
		{"v=spf1 include:notall.example.org -all", "0.0.0.0/1 128.0.0.0/2 192.0.0.0/5 200.0.0.0/7 202.0.0.0/8 203.0.0.0/18 203.0.64.0/19 203.0.96.0/20 203.0.112.0/24 203.0.113.0/29 203.0.113.8/32 203.0.113.10/31 203.0.113.12/30 203.0.113.16/28 203.0.113.32/27 203.0.113.64/26 203.0.113.128/25 203.0.114.0/23 203.0.116.0/22 203.0.120.0/21 203.0.128.0/17 203.1.0.0/16 203.2.0.0/15 203.4.0.0/14 203.8.0.0/13 203.16.0.0/12 203.32.0.0/11 203.64.0.0/10 203.128.0.0/9 204.0.0.0/6 208.0.0.0/4 224.0.0.0/3", "::/0", ".203.0.113.9/32 +0.0.0.0/0 +::/0 -0.0.0.0/0"},
		{"v=spf1 ?include:leaf.example.org -all", "", "", "?198.51.100.0/24 .0.0.0.0/0 .::/0 -0.0.0.0/0 -::/0"},
		{"v=spf1 redirect=leaf.example.org", "198.51.100.0/24", "", "+198.51.100.0/24 -0.0.0.0/0 -::/0"},
		{"v=spf1 exists:a.example.org -all", "0.0.0.0/0", "::/0", "+0.0.0.0/0 +::/0"},
		{"v=spf1 exists:gone.example.org ~all", "", "", "~0.0.0.0/0 ~::/0"},
	} {
		tree := lookup(netA+"example.com TXT "+c.record, "example.com")
		if got := tree.Pass4.text(); got != c.pass4 {
			t.Errorf("%s: %s passes, want %s", c.record, got, c.pass4)
		}
		if got := tree.Pass6.text(); got != c.pass6 {
			t.Errorf("%s: %s passes, want %s", c.record, got, c.pass6)
		}
		var listed []string
		for _, a := range tree.Networks {
			q := "."
			if a.Qualifier != 0 {
				q = string(a.Qualifier)
			}
			listed = append(listed, q+a.Prefix.String())
		}
		if got := strings.Join(listed, " "); got != c.listed {
			t.Errorf("%s: lists %s, want %s", c.record, got, c.listed)
		}
	}
}

func TestAuthorises(t *testing.T) {
	for _, c := range []struct {
		record      string
		some, known bool
	}{
		{"v=spf1 -all", false, true},
		{"v=spf1", false, true},
		{"v=spf1 ?all", false, true},
		{"v=spf1 a:gone.example.org -all", false, true},
		{"v=spf1 ip6:2001:db8::1 -all", true, true},
		{"v=spf1 ptr -all", false, false},
		{"v=spf1 -exists:%{i}.example.org -all", false, true},
		{"v=spf1 exists:%{i}.example.org -all", false, false},
		{"v=spf1 include:%{i}.example.org -all", false, false},
		{"v=spf1 a:broken.example.org -all", false, false},
		{"not a record", false, true},
	} {
		some, known := lookup(netA+"example.com TXT "+c.record, "example.com").Authorises()
		if some != c.some || known != c.known {
			t.Errorf("%s: authorises %v, known %v, want %v and %v", c.record, some, known, c.some, c.known)
		}
	}
}

func TestDead(t *testing.T) {
	for term, want := range map[string]bool{
		"a:gone.example.org": true, "a:txt.example.org": true, "mx:gone.example.org": true, "mx:a.example.org": true,
		"mx:null.example.org": true, "exists:gone.example.org": true, "a:a..example.org": true,
		"a:four.example.org": false, "mx:mx.example.org": false, "a:broken.example.org": false, "ptr": false, "exists:%{i}.example.org": false,
	} {
		tree := lookup(netA+"example.com TXT v=spf1 "+term+" -all", "example.com")
		if got := tree.Root.Steps[0].Dead; got != want {
			t.Errorf("%s: dead %v, want %v", term, got, want)
		}
	}
}

func TestSavings(t *testing.T) {
	tree := lookup(netA+`example.com TXT v=spf1 a:four.example.org include:c.example.org a:gone.example.org ip4:192.0.2.1 exists:%{i}.example.org include:leaf.example.org ~all`, "example.com")
	var got []string
	for _, s := range tree.Savings() {
		got = append(got, fmt.Sprintf("%s frees %d, void %d and %d, loses %v %v %v", s.Step.Term, s.Frees, s.Void4, s.Void6, s.Lost4, s.Lost6, s.Open))
	}
	want := []string{
		"a:gone.example.org frees 1, void 1 and 1, loses 0 0 false",
		"include:c.example.org frees 7, void 0 and 0, loses 0 1 false",
		"exists:%{i}.example.org frees 1, void 0 and 0, loses 0 0 true",
		"a:four.example.org frees 1, void 0 and 1, loses 1 0 false",
		"include:leaf.example.org frees 1, void 0 and 0, loses 256 0 false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("savings\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCovered(t *testing.T) {
	tree := lookup(netA+`example.com TXT v=spf1 ip4:192.0.2.4 a:four.example.org ip4:192.0.2.0/28 include:leaf.example.org ip4:198.51.100.7 ?ip4:192.0.2.0/24 ip6:2001:db8::1 -all`, "example.com")
	var got []string
	for _, c := range tree.Covered() {
		got = append(got, fmt.Sprintf("%s %s by %s %s", c.Network.Step.At, c.Network.Prefix, c.By.Step.At, c.By.Prefix))
	}
	want := []string{
		"0 192.0.2.4/32 by 2 192.0.2.0/28",
		"1 192.0.2.4/32 by 2 192.0.2.0/28",
		"4 198.51.100.7/32 by 3.0 198.51.100.0/24",
	}
	if !slices.Equal(got, want) {
		t.Errorf("covered\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
