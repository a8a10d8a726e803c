package gather_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxvet/internal/gather"
	"mxvet/internal/provider"
	"mxvet/internal/psl"
	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// faulty is a network of one silent mail host, which panics when one of its requests
// is made.
type faulty struct{ at wire.Ref }

func (f faulty) check(ref wire.Ref) {
	if ref == f.at {
		panic("a fault of ours")
	}
}

func (f faulty) DNS(_ context.Context, q wire.Question) wire.Answer {
	f.check(q.Ref())
	switch {
	case q.Name == "example.com" && q.Type == "MX":
		return wire.Answer{Rcode: "NOERROR", Answer: []string{"example.com.\t3600\tIN\tMX\t10 mx.example.com."}}
	case q.Name == "mx.example.com" && q.Type == "A":
		return wire.Answer{Rcode: "NOERROR", Answer: []string{"mx.example.com.\t3600\tIN\tA\t192.0.2.1"}}
	}
	return wire.Answer{Rcode: "NXDOMAIN"}
}

func (f faulty) Fetch(context.Context, wire.Request) wire.Page {
	return wire.Page{Fail: &wire.Fail{Kind: wire.FailTimeout, Text: "silent"}}
}

func (f faulty) Talk(_ context.Context, p wire.Probe) wire.Session {
	f.check(p.Ref())
	time.Sleep(3 * time.Second)
	return wire.Session{Fail: &wire.Fail{Kind: wire.FailTimeout, Text: "silent"}}
}

// A fault in a conversation, or in the watch beside it, comes back to whoever asked,
// and nobody goes on after that: the bubble would not end.
func TestFaultsComeBack(t *testing.T) {
	for name, at := range map[string]wire.Ref{
		"host":    wire.Probe{Proto: "smtp", Addr: netip.MustParseAddrPort("192.0.2.1:25"), SNI: "mx.example.com", Variant: "default"}.Ref(),
		"control": wire.Probe{Proto: "smtp", Addr: netip.MustParseAddrPort("198.51.100.25:25"), SNI: "198.51.100.25", Variant: wire.VariantBanner}.Ref(),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				defer func() {
					if p := together.Caught(recover()); !strings.HasPrefix(p.Error(), "a fault of ours at ") {
						t.Errorf("%v", p)
					}
				}()
				tape := wire.NewTape(faulty{at}, wire.Header{})
				tables := gather.Tables{Suffixes: psl.Default(), Providers: provider.Default()}
				e := gather.Domain(t.Context(), tape, tables, time.Unix(0, 0), "example.com", gather.Options{AllowPrivate: true, Control: "198.51.100.25", Relay: "off"})
				t.Errorf("no panic, and %d hosts", len(e.MX.Hosts))
			})
		})
	}
}
