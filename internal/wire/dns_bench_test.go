package wire

import (
	"net"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
)

// loopbackEcho answers every query on a UDP socket with three TXT records, by
// the least work: it appends the same answer to the question that came.
func loopbackEcho(b *testing.B) string {
	b.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	_, asked := mustQuery(b, "example.com", "TXT")
	ready := packets(answer(asked, manyTXT("example.com.", 3)...))[0]
	for range 2 {
		go func() {
			buf, out := make([]byte, 4096), append([]byte(nil), ready...)
			for {
				_, peer, err := conn.ReadFrom(buf)
				if err != nil {
					return
				}
				copy(out[:2], buf)
				_, _ = conn.WriteTo(out, peer)
			}
		}()
	}
	return conn.LocalAddr().String()
}

// BenchmarkDNSQuery compares Live with a bare loop over miekg/dns connections
// that does nothing but send and unpack; both keep 64 queries in flight.
func BenchmarkDNSQuery(b *testing.B) {
	const parallel = 32 // for each of GOMAXPROCS
	b.Run("bare", func(b *testing.B) {
		address := loopbackEcho(b)
		b.SetParallelism(parallel)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			conn, err := dns.Dial("udp", address)
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			for pb.Next() {
				q := new(dns.Msg).SetQuestion("example.com.", dns.TypeTXT)
				q.SetEdns0(1232, true)
				if err := conn.WriteMsg(q); err != nil {
					b.Error(err)
					return
				}
				if _, err := conn.ReadMsg(); err != nil {
					b.Error(err)
					return
				}
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "queries/s")
	})
	b.Run("live", func(b *testing.B) {
		l := newLive(b, LiveConfig{Resolvers: []string{loopbackEcho(b)}})
		var failed atomic.Int64
		b.SetParallelism(parallel)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if a := l.DNS(b.Context(), Question{Name: "example.com", Type: "TXT"}); len(a.Answer) != 3 {
					failed.Add(1)
				}
			}
		})
		if failed.Load() > 0 {
			b.Errorf("%d of %d failed", failed.Load(), b.N)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "queries/s")
	})
}
