// Package fakelive lets the code that asks the real internet ask a made-up one.
package fakelive

import (
	"time"

	"mxvet/internal/fakenet"
	"mxvet/internal/wire"
)

// A Source asks a world that runs inside this program.
type Source struct {
	*wire.Live
	Net *fakenet.Net
}

// Start starts the world. What it does not say itself (its resolver, its doors, its
// authorities, its time of day) is as c has it. It panics where c cannot be used.
func Start(w *fakenet.World, c wire.LiveConfig) *Source {
	net := w.Start()
	c.Resolvers, c.Dial, c.Roots, c.AllowPrivate = []string{net.Resolver()}, net.Dial, net.CA(), true
	c.Now = func() time.Time { return w.Now }
	live, err := wire.NewLive(c)
	if err != nil {
		net.Close()
		panic(err)
	}
	return &Source{live, net}
}

// Close ends both.
func (s *Source) Close() {
	s.Live.Close()
	s.Net.Close()
}
