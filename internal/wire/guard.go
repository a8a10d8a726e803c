package wire

import (
	"net/netip"
	"slices"
)

// Kinds of special-purpose addresses, as Special names them.
const (
	AddrInvalid       = "invalid"
	AddrUnspecified   = "unspecified"
	AddrThisNetwork   = "this-network"
	AddrLoopback      = "loopback"
	AddrPrivate       = "private" // RFC 1918; also site-local IPv6 (RFC 3879)
	AddrShared        = "shared"  // carrier-grade NAT, RFC 6598
	AddrLinkLocal     = "link-local"
	AddrUniqueLocal   = "unique-local"
	AddrDocumentation = "documentation"
	AddrBenchmarking  = "benchmarking"
	AddrMulticast     = "multicast"
	AddrBroadcast     = "broadcast"
	AddrMapped        = "ipv4-mapped"
	AddrTranslation   = "translation" // local-use NAT64, RFC 8215
	AddrTransition    = "transition"  // 6to4 relays, Teredo
	AddrProtocol      = "protocol-assignment"
	AddrDiscard       = "discard-only"
	AddrDummy         = "dummy"
	AddrSegment       = "segment-routing"
	AddrReserved      = "reserved"
)

type addrRange struct {
	prefix netip.Prefix
	kind   string // "" = globally reachable, an exception from a wider range below
}

// specialRanges follows the IANA IPv4 and IPv6 Special-Purpose Address
// Registries (RFC 6890), and the multicast and address-space registries. The
// first match counts, so exceptions stand before the range that they are cut
// out of. Blocks that are assigned for a special purpose but globally reachable
// (AS112, AMT outside 2001::/23) are ordinary and not listed.
var specialRanges = []addrRange{
	{netip.MustParsePrefix("0.0.0.0/32"), AddrUnspecified},
	{netip.MustParsePrefix("0.0.0.0/8"), AddrThisNetwork},
	{netip.MustParsePrefix("10.0.0.0/8"), AddrPrivate},
	{netip.MustParsePrefix("100.64.0.0/10"), AddrShared},
	{netip.MustParsePrefix("127.0.0.0/8"), AddrLoopback},
	{netip.MustParsePrefix("169.254.0.0/16"), AddrLinkLocal},
	{netip.MustParsePrefix("172.16.0.0/12"), AddrPrivate},
	{netip.MustParsePrefix("192.0.0.9/32"), ""},  // Port Control Protocol anycast, RFC 7723
	{netip.MustParsePrefix("192.0.0.10/32"), ""}, // TURN anycast, RFC 8155
	{netip.MustParsePrefix("192.0.0.0/24"), AddrProtocol},
	{netip.MustParsePrefix("192.0.2.0/24"), AddrDocumentation},
	{netip.MustParsePrefix("192.88.99.0/24"), AddrTransition},
	{netip.MustParsePrefix("192.168.0.0/16"), AddrPrivate},
	{netip.MustParsePrefix("198.18.0.0/15"), AddrBenchmarking},
	{netip.MustParsePrefix("198.51.100.0/24"), AddrDocumentation},
	{netip.MustParsePrefix("203.0.113.0/24"), AddrDocumentation},
	{netip.MustParsePrefix("224.0.0.0/4"), AddrMulticast},
	{netip.MustParsePrefix("255.255.255.255/32"), AddrBroadcast},
	{netip.MustParsePrefix("240.0.0.0/4"), AddrReserved},

	{netip.MustParsePrefix("::/128"), AddrUnspecified},
	{netip.MustParsePrefix("::1/128"), AddrLoopback},
	{netip.MustParsePrefix("64:ff9b:1::/48"), AddrTranslation},
	{netip.MustParsePrefix("100::/64"), AddrDiscard},
	{netip.MustParsePrefix("100:0:0:1::/64"), AddrDummy},
	{netip.MustParsePrefix("2001::/32"), AddrTransition},
	{netip.MustParsePrefix("2001:1::1/128"), ""}, // Port Control Protocol anycast, RFC 7723
	{netip.MustParsePrefix("2001:1::2/128"), ""}, // TURN anycast, RFC 8155
	{netip.MustParsePrefix("2001:1::3/128"), ""}, // service registration anycast, RFC 9665
	{netip.MustParsePrefix("2001:2::/48"), AddrBenchmarking},
	{netip.MustParsePrefix("2001:3::/32"), ""},     // AMT, RFC 7450
	{netip.MustParsePrefix("2001:4:112::/48"), ""}, // AS112, RFC 7535
	{netip.MustParsePrefix("2001:20::/28"), ""},    // ORCHIDv2, RFC 7343
	{netip.MustParsePrefix("2001:30::/28"), ""},    // drone identification, RFC 9374
	{netip.MustParsePrefix("2001::/23"), AddrProtocol},
	{netip.MustParsePrefix("2001:db8::/32"), AddrDocumentation},
	{netip.MustParsePrefix("3fff::/20"), AddrDocumentation},
	{netip.MustParsePrefix("2000::/3"), ""}, // global unicast; what follows lies outside of it
	{netip.MustParsePrefix("5f00::/16"), AddrSegment},
	{netip.MustParsePrefix("fc00::/7"), AddrUniqueLocal},
	{netip.MustParsePrefix("fe80::/10"), AddrLinkLocal},
	{netip.MustParsePrefix("fec0::/10"), AddrPrivate},
	{netip.MustParsePrefix("ff00::/8"), AddrMulticast},
	{netip.MustParsePrefix("::/0"), AddrReserved}, // not allocated
}

var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour = netip.MustParsePrefix("2002::/16")
)

// Special reports whether addr is no address of the public internet, and which
// kind it is. An IPv4 address inside a NAT64 (RFC 6052) or 6to4 (RFC 3056)
// address is judged in its place; an IPv4-mapped IPv6 address is special
// whatever it maps, since it must not appear on the wire.
func Special(addr netip.Addr) (kind string, special bool) {
	if !addr.IsValid() {
		return AddrInvalid, true
	}
	addr = addr.WithZone("") // a prefix contains no address with a zone
	if addr.Is4In6() {
		return AddrMapped, true
	}
	if b := addr.As16(); nat64.Contains(addr) {
		addr = netip.AddrFrom4([4]byte(b[12:]))
	} else if sixToFour.Contains(addr) {
		addr = netip.AddrFrom4([4]byte(b[2:6]))
	}
	for _, r := range specialRanges {
		if r.prefix.Contains(addr) {
			return r.kind, r.kind != ""
		}
	}
	return "", false
}

// SpecialButDocumentation is Special for runs with AllowPrivate, such as the
// demo: documentation ranges count as ordinary addresses.
func SpecialButDocumentation(addr netip.Addr) (kind string, special bool) {
	kind, special = Special(addr)
	if kind == AddrDocumentation {
		return "", false
	}
	return kind, special
}

// allowed gives nil when addr may be dialled for a domain under audit, else the
// Fail that says why not: names in hostile zones must not lead into the
// operator's own network.
func (l *Live) allowed(addr netip.Addr) *Fail {
	kind, special := Special(addr)
	if !special || l.cfg.AllowPrivate && addr.IsValid() {
		return nil
	}
	plain := addr.Unmap().WithZone("")
	if slices.ContainsFunc(l.cfg.Exempt, func(e netip.Addr) bool { return e.IsValid() && e.Unmap().WithZone("") == plain }) {
		return nil
	}
	return &Fail{FailForbidden, addr.String() + " is a special-purpose address (" + kind + "), not dialled without --allow-private"}
}
