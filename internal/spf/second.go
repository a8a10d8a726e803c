package spf

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	second "blitiri.com.ar/go/spf"

	"mxvet/internal/wire"
)

// Second evaluates a message with another program than ours, as a second
// receiver would: the library of the chasquid mail server. Receivers differ, so
// a difference from Check is worth telling. It stops at the first match without
// looking at the rest of the record, takes targets that RFC 7208 section 7.1
// forbids, and knows neither exp nor the p macro. The error says why, and may be
// set beside any result.
func Second(ctx context.Context, src wire.Source, ip netip.Addr, sender, helo string) (Result, error) {
	if !ip.IsValid() {
		return ResultNone, fmt.Errorf("spf: no client address")
	}
	result, err := second.CheckHostWithSender(net.IP(ip.Unmap().AsSlice()), helo, sender,
		second.WithContext(ctx), second.WithResolver(secondResolver{src, ip.Unmap().Is4()}))
	return Result(result), err
}

// secondResolver answers the library's questions from a Source. The library
// tells errors apart by their type, so they are never wrapped.
type secondResolver struct {
	src  wire.Source
	only bool // the client has an IPv4 address: only A is ever of use
}

func (r secondResolver) ask(ctx context.Context, name, rrtype string) (wire.Answer, error) {
	name = hostname(name)
	if !queryable(name) {
		return wire.Answer{}, &net.DNSError{Err: "no such name", Name: name, IsNotFound: true}
	}
	a := ask(ctx, r.src, presentation(name), rrtype)
	switch {
	case !a.Usable():
		f := a.fail()
		return a.Answer, &net.DNSError{
			Err: f.String(), Name: name, IsTemporary: true,
			IsTimeout: f.Kind == wire.FailTimeout || f.Kind == wire.FailDeadline,
		}
	case a.Void(rrtype):
		return a.Answer, &net.DNSError{Err: "no such record", Name: name, IsNotFound: true}
	}
	return a.Answer, nil
}

func (r secondResolver) LookupTXT(ctx context.Context, name string) ([]string, error) {
	a, err := r.ask(ctx, name, "TXT")
	if err != nil {
		return nil, err
	}
	return a.TXT(), nil
}

func (r secondResolver) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	a, err := r.ask(ctx, name, "MX")
	if err != nil {
		return nil, err
	}
	var out []*net.MX
	for _, mx := range a.MX() {
		out = append(out, &net.MX{Host: mx.Host, Pref: mx.Pref})
	}
	return out, nil
}

// LookupIPAddr asks for both families where the client has an IPv6 address,
// because the library does not say which one it needs: exists needs A. One that
// fails does not spoil what the other one gives.
func (r secondResolver) LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error) {
	a, err := r.ask(ctx, host, "A")
	addrs := a.Addrs()
	if !r.only {
		b, err6 := r.ask(ctx, host, "AAAA")
		addrs = append(addrs, b.Addrs()...)
		if notFound(err) {
			err = err6
		}
	}
	if len(addrs) == 0 {
		return nil, err
	}
	var out []net.IPAddr
	for _, addr := range addrs {
		out = append(out, net.IPAddr{IP: addr.AsSlice()})
	}
	return out, nil
}

func (r secondResolver) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return nil, &net.DNSError{Err: "no address", Name: addr, IsNotFound: true}
	}
	a, err := r.ask(ctx, reverse(ip), "PTR")
	if err != nil {
		return nil, err
	}
	return a.Targets("PTR"), nil
}

func notFound(err error) bool {
	dns, ok := err.(*net.DNSError)
	return ok && dns.IsNotFound
}
