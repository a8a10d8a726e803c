package gather

import (
	"context"
	"net/netip"
	"slices"

	"mxvet/internal/psl"
	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// A resolver inside an organization may show addresses that the rest of the world
// never sees: the same name has an inside and an outside view. So where a mail
// host has an address that is none of the public internet, the servers of its zone
// are asked too.

// Special reports whether an address is none of the public internet, as far as
// this run takes documentation ranges for ordinary ones.
func (o Options) Special(ip netip.Addr) (kind string, special bool) {
	if o.AllowPrivate {
		return wire.SpecialButDocumentation(ip)
	}
	return wire.Special(ip)
}

// Confirmed reports that the address does not come from the resolver alone: the
// user laid it over the DNS, or a server of the zone gives it as well, in the
// answer to that question.
func (h *Host) Confirmed(ip netip.Addr) (ref wire.Ref, ok bool) {
	for _, a := range []wire.Answer{h.A, h.AAAA} {
		if a.Assumed && slices.Contains(a.Addrs(), ip) {
			return "", true
		}
	}
	for _, s := range h.Outside {
		if s.usable() && slices.Contains(s.Answer.Addrs(), ip) {
			return s.Ref, true
		}
	}
	return "", false
}

// lookOutside asks the zones of hosts with special addresses, all at once.
func lookOutside(ctx context.Context, src wire.Source, list *psl.List, e *Evidence) {
	if e.Options.Offline {
		return
	}
	var wg together.Group
	for i := range e.MX.Hosts[:min(len(e.MX.Hosts), maxHosts)] {
		h := &e.MX.Hosts[i]
		special := func(six bool) bool {
			return slices.ContainsFunc(h.Addrs, func(a Address) bool {
				if _, special := e.Options.Special(a.IP); !special || a.IP.Is6() != six {
					return false
				}
				_, assumed := h.Confirmed(a.IP)
				return !assumed
			})
		}
		four, six := special(false), special(true)
		if !four && !six {
			continue
		}
		wg.Go(func() {
			for _, q := range []struct {
				rrtype string
				ask    bool
			}{{"A", four}, {"AAAA", six}} {
				if q.ask {
					h.Outside = append(h.Outside, confirm(ctx, src, list.OrgDomain(h.Name, false), e.Options, h.Name, q.rrtype).Servers...)
				}
			}
		})
	}
	wg.Wait()
}
