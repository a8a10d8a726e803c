// Package together runs functions side by side and waits for them, as
// sync.WaitGroup does, but for panics: one of a WaitGroup's functions ends the whole
// program, before anything that it holds could be saved or told. Here it comes
// again where the functions are waited for, and so at last in the goroutine that
// began, which can answer for it.
package together

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
)

// A Group is a number of functions that run side by side. The zero value is ready;
// it must not be copied once used.
type Group struct {
	running sync.WaitGroup
	mu      sync.Mutex
	failed  *Panic // the first that came
}

// Go runs f in a goroutine of its own.
func (g *Group) Go(f func()) {
	g.running.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				g.keep(Caught(v))
			}
		}()
		f()
	})
}

func (g *Group) keep(p *Panic) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failed == nil {
		g.failed = p
	}
}

// Wait waits until all functions have ended, and panics with the *Panic of the
// first that did.
func (g *Group) Wait() {
	g.running.Wait()
	if g.failed != nil {
		panic(g.failed)
	}
}

// Ended gives a channel that is closed when all functions that were started until
// now have ended, in whatever way; Wait tells how.
func (g *Group) Ended() <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		g.running.Wait()
		close(ended)
	}()
	return ended
}

// A Panic is what a function panicked with, and where.
type Panic struct {
	Value any
	At    string // function, file and line of this program that were reached last
}

// Caught gives what recover gave, with the place. It is called by the deferred
// function that recovers.
func Caught(v any) *Panic {
	if p, ok := v.(*Panic); ok {
		return p
	}
	return &Panic{v, place()}
}

// Error says what happened and where, on one line.
func (p *Panic) Error() string {
	text := strings.Join(strings.Fields(fmt.Sprint(p.Value)), " ")
	if p.At == "" {
		return text
	}
	return text + " at " + p.At
}

// place finds the function that panicked: the first of this program above the
// runtime's own.
func place() string {
	pc := make([]uintptr, 64)
	frames := runtime.CallersFrames(pc[:runtime.Callers(1, pc)])
	panicking := false
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicking = true
		case panicking && strings.HasPrefix(f.Function, "mxvet/") || panicking && strings.HasPrefix(f.Function, "main."):
			return fmt.Sprintf("%s (%s:%d)", f.Function, f.File[strings.LastIndexByte(f.File, '/')+1:], f.Line)
		}
		if !more {
			return ""
		}
	}
}
