package spf

import (
	"context"
	"net/netip"

	"mxvet/internal/wire"
)

// Views are what kinds of receiver make of one message. They differ in how they
// count lookups that find nothing: RFC 7208 section 4.6.4 says that there should
// be a limit of two, and not whether the hosts of an mx term count.
type Views struct {
	Counting CheckResult // counts the questions that terms themselves ask
	Hosts    CheckResult // counts the hosts of mx terms without an address too
	Lenient  CheckResult // has no limit
}

// Views evaluates a message as each kind of receiver does. The limit of lookups
// is that of r; that of void lookups is the kind's own.
func (r Receiver) Views(ctx context.Context, src wire.Source, ip netip.Addr, sender, helo string) Views {
	as := func(most int, hosts bool) CheckResult {
		r.MaxVoid, r.CountHosts = most, hosts
		return r.Check(ctx, src, ip, sender, helo)
	}
	v := Views{Counting: as(MaxVoid, false)}
	v.Hosts, v.Lenient = v.Counting, v.Counting
	if v.Counting.Reason == CodeVoid {
		v.Lenient = as(-1, false)
	} else {
		v.Hosts = as(MaxVoid, true)
	}
	return v
}

// Pass reports that every kind of receiver lets the message pass.
func (v Views) Pass() bool {
	return v.Counting.Result == ResultPass && v.Hosts.Result == ResultPass
}

// Differ says in words where the kinds of receiver come to different results; ""
// where they do not.
func (v Views) Differ() string {
	switch {
	case v.Counting.Result != v.Lenient.Result:
		return "more than two lookups find nothing: receivers that count them, as they should (RFC 7208 section 4.6.4), give " +
			string(v.Counting.Result) + ", others give " + string(v.Lenient.Result)
	case v.Hosts.Result != v.Counting.Result:
		return "hosts of an mx term have no address that fits the client: receivers that count each as a lookup that finds nothing (RFC 7208 section 4.6.4 allows two) give " +
			string(v.Hosts.Result) + ", others give " + string(v.Counting.Result)
	}
	return ""
}
