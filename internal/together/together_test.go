package together

import (
	"strings"
	"sync/atomic"
	"testing"
)

// A panic comes again where the group is waited for, through groups in groups, with
// the place; the others have ended by then.
func TestPanicComesBack(t *testing.T) {
	var others atomic.Int32
	var p *Panic
	func() {
		defer func() { p = Caught(recover()) }()
		var outer Group
		outer.Go(func() {
			var inner Group
			inner.Go(func() {
				none := []int{}
				others.Add(int32(none[len(none)]))
			})
			inner.Go(func() { others.Add(1) })
			inner.Wait()
			others.Add(10)
		})
		outer.Go(func() { others.Add(1) })
		<-outer.Ended()
		outer.Wait()
	}()
	if n := others.Load(); n != 2 {
		t.Errorf("%d", n)
	}
	if text := p.Error(); !strings.Contains(text, "index out of range [0] with length 0 at mxvet/internal/together.TestPanicComesBack") || !strings.Contains(text, "together_test.go:") || strings.Contains(text, "\n") {
		t.Errorf("%q", text)
	}
}

func TestGroup(t *testing.T) {
	var g Group
	var n atomic.Int32
	for range 100 {
		g.Go(func() { n.Add(1) })
	}
	g.Wait()
	if n.Load() != 100 {
		t.Errorf("%d", n.Load())
	}
	if p := Caught("plain"); p.Error() != "plain" {
		t.Errorf("%q", p)
	}
}
