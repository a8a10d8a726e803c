package wire

import "net/netip"

// allowed gives nil when addr may be dialled, else the Fail that says why not.
func (l *Live) allowed(addr netip.Addr) *Fail {
	return nil
}
