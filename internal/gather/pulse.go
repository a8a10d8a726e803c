package gather

import (
	"context"
	"fmt"
	"sync"
	"time"

	"mxvet/internal/together"
	"mxvet/internal/wire"
)

// A zone whose servers drop every packet makes each question last as long as
// patience allows. So what goes on from the first questions (selectors,
// subdomains, a name that nobody chose) is asked only once one of these was
// answered, whatever the answer was.

// pulse asks for the records at the domain's own name and gives a function that
// waits for the first answer: nil, or where none of the questions was answered the
// failure that stands in the place of all further ones.
func pulse(ctx context.Context, src wire.Source, domain string, o Options) (wait func() *wire.Fail) {
	if o.Offline { // asking costs nothing, and each failure has its own reason
		return func() *wire.Fail { return nil }
	}
	types := []string{"MX", "A", "AAAA", "TXT", "NS", "SOA"}
	answers := make([]wire.Answer, len(types))
	alive := make(chan struct{})
	var first sync.Once
	var wg together.Group
	for i, rrtype := range types {
		wg.Go(func() {
			if answers[i] = src.DNS(ctx, wire.Question{Name: domain, Type: rrtype}); answers[i].OK() {
				first.Do(func() { close(alive) })
			}
		})
	}
	ended := wg.Ended()
	return func() *wire.Fail {
		select {
		case <-alive:
			return nil
		case <-ended:
			wg.Wait()
		}
		select { // both may be true by now
		case <-alive:
			return nil
		default:
		}
		longest := 0
		for _, a := range answers {
			longest = max(longest, a.Millis)
		}
		f := *answers[0].Fail
		f.Text = "not asked, since none of the " + fmt.Sprint(len(types)) + " questions about " + domain + " was answered"
		if waited := (time.Duration(longest) * time.Millisecond).Round(time.Second); waited > 0 {
			f.Text += " (waited " + waited.String() + " in all)"
		}
		return &f
	}
}

// A mute is a Source that gives the same failure for every question about the DNS.
type mute struct {
	wire.Source
	fail *wire.Fail
}

// DNS implements wire.Source.
func (m mute) DNS(context.Context, wire.Question) wire.Answer { return wire.Answer{Fail: m.fail} }

// unlessDead gives the Source for what goes on from the first questions.
func unlessDead(src wire.Source, wait func() *wire.Fail) wire.Source {
	if f := wait(); f != nil {
		return mute{src, f}
	}
	return src
}
