package wire

import (
	"net/netip"
	"strings"
	"testing"
)

func TestSpecial(t *testing.T) {
	for addr, want := range map[string]string{
		"0.0.0.0": AddrUnspecified, "0.1.2.3": AddrThisNetwork,
		"10.0.0.0": AddrPrivate, "10.255.255.255": AddrPrivate, "9.255.255.255": "", "11.0.0.0": "",
		"100.63.255.255": "", "100.64.0.0": AddrShared, "100.127.255.255": AddrShared, "100.128.0.0": "",
		"127.0.0.1": AddrLoopback, "127.255.255.254": AddrLoopback,
		"169.254.169.254": AddrLinkLocal,
		"172.15.255.255":  "", "172.16.0.0": AddrPrivate, "172.31.255.255": AddrPrivate, "172.32.0.0": "",
		"192.0.0.1": AddrProtocol, "192.0.0.9": "", "192.0.0.10": "", "192.0.0.170": AddrProtocol, "192.0.1.0": "",
		"192.0.2.1": AddrDocumentation, "198.51.100.255": AddrDocumentation, "203.0.113.0": AddrDocumentation,
		"192.88.99.1": AddrTransition, "192.168.1.1": AddrPrivate, "192.175.48.1": "",
		"198.17.255.255": "", "198.18.0.0": AddrBenchmarking, "198.19.255.255": AddrBenchmarking, "198.20.0.0": "",
		"223.255.255.255": "", "224.0.0.1": AddrMulticast, "239.255.255.255": AddrMulticast,
		"240.0.0.1": AddrReserved, "255.255.255.255": AddrBroadcast, "8.8.8.8": "",

		"::": AddrUnspecified, "::1": AddrLoopback, "::2": AddrReserved, "::192.168.1.1": AddrReserved,
		"::ffff:8.8.8.8": AddrMapped, "::ffff:127.0.0.1": AddrMapped,
		"64:ff9b::808:808": "", "64:ff9b::7f00:1": AddrLoopback, "64:ff9b::a9fe:a9fe": AddrLinkLocal, "64:ff9b::c000:201": AddrDocumentation,
		"64:ff9b:1::1": AddrTranslation, "64:ff9b:2::1": AddrReserved,
		"100::1": AddrDiscard, "100:0:0:1::1": AddrDummy, "100:0:0:2::": AddrReserved,
		"2001::1": AddrTransition, "2001:1::1": "", "2001:1::2": "", "2001:1::3": "", "2001:1::4": AddrProtocol,
		"2001:2::1": AddrBenchmarking, "2001:2:1::1": AddrProtocol, "2001:3::1": "", "2001:4:112::1": "", "2001:4:113::1": AddrProtocol,
		"2001:10::1": AddrProtocol, "2001:20::1": "", "2001:2f:ffff::1": "", "2001:30::1": "", "2001:40::1": AddrProtocol,
		"2001:1ff:ffff::1": AddrProtocol, "2001:200::1": "", "2001:4860:4860::8888": "",
		"2001:db8::1": AddrDocumentation, "2001:db7:ffff::": "", "2001:db9::": "",
		"2002:7f00:1::1": AddrLoopback, "2002:a00:1::1": AddrPrivate, "2002:808:808::1": "",
		"2620:4f:8000::1": "", "3fff::1": AddrDocumentation, "3fff:fff:ffff::": AddrDocumentation, "3fff:1000::": "",
		"4000::1": AddrReserved, "5f00::1": AddrSegment,
		"fbff::1": AddrReserved, "fc00::1": AddrUniqueLocal, "fdff::1": AddrUniqueLocal,
		"fe80::1": AddrLinkLocal, "fe80::1%eth0": AddrLinkLocal, "febf::1": AddrLinkLocal, "fec0::1": AddrPrivate, "ff02::1": AddrMulticast,
		"::1%lo": AddrLoopback,
	} {
		kind, special := Special(netip.MustParseAddr(addr))
		if kind != want || special != (want != "") {
			t.Errorf("Special(%s) = %q, %v, want %q", addr, kind, special, want)
		}
		kind, special = SpecialButDocumentation(netip.MustParseAddr(addr))
		if want == AddrDocumentation {
			want = ""
		}
		if kind != want || special != (want != "") {
			t.Errorf("SpecialButDocumentation(%s) = %q, %v, want %q", addr, kind, special, want)
		}
	}
	if kind, special := Special(netip.Addr{}); kind != AddrInvalid || !special {
		t.Errorf("the zero address is %q, %v", kind, special)
	}
}

func TestGuard(t *testing.T) {
	conf := LiveConfig{Resolvers: []string{"192.0.2.53"}}
	guarded := newLive(t, conf)
	conf.Exempt = []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("fe80::1"), {}}
	exempting := newLive(t, conf)
	conf.AllowPrivate = true
	lifted := newLive(t, conf)
	for _, c := range []struct {
		l    *Live
		addr string
		ok   bool
	}{
		{guarded, "8.8.8.8", true},
		{guarded, "127.0.0.1", false},
		{guarded, "192.0.2.1", false},
		{guarded, "fe80::1%eth0", false},
		{exempting, "10.0.0.1", true},
		{exempting, "::ffff:10.0.0.1", true},
		{exempting, "fe80::1%eth0", true},
		{exempting, "10.0.0.2", false},
		{lifted, "10.0.0.2", true},
		{lifted, "192.0.2.1", true},
		{lifted, "::1", true},
	} {
		f := c.l.allowed(netip.MustParseAddr(c.addr))
		if (f == nil) != c.ok {
			t.Errorf("allowed(%s) = %v, want ok %v", c.addr, f, c.ok)
		}
		if f != nil && (f.Kind != FailForbidden || !strings.HasPrefix(f.Text, c.addr)) {
			t.Errorf("allowed(%s) = %v", c.addr, f)
		}
	}
	for _, l := range []*Live{guarded, exempting, lifted} {
		if l.allowed(netip.Addr{}) == nil {
			t.Error("the zero address may be dialled")
		}
	}
}
