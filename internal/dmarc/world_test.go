package dmarc

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"mxvet/internal/wire"
)

// A world answers DNS questions from lines "name TYPE data". A name exists if it
// or a name below it has a line. TXT data is written bare. A line "name FAIL kind"
// makes every question at the name fail.
type world struct {
	lines [][3]string
	mu    sync.Mutex
	asked []wire.Ref
}

func newWorld(t *testing.T, text string) *world {
	t.Helper()
	w := &world{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		f := strings.SplitN(line, " ", 3)
		if len(f) != 3 {
			t.Fatalf("world: bad line %q", line)
		}
		w.lines = append(w.lines, [3]string{f[0], f[1], f[2]})
	}
	return w
}

func (w *world) DNS(ctx context.Context, q wire.Question) wire.Answer {
	q = q.Canonical()
	w.mu.Lock()
	w.asked = append(w.asked, q.Ref())
	w.mu.Unlock()
	a := wire.Answer{Rcode: "NXDOMAIN"}
	for name, hops := q.Name, 0; hops < 5; hops++ {
		next := ""
		a.Rcode = "NXDOMAIN"
		for _, l := range w.lines {
			if l[0] == name || strings.HasSuffix(l[0], "."+name) {
				a.Rcode = "NOERROR"
			}
			if l[0] != name {
				continue
			}
			data := l[2]
			switch l[1] {
			case "FAIL":
				return wire.Answer{Fail: &wire.Fail{Kind: data}}
			case "CNAME":
				next = strings.TrimSuffix(data, ".")
			case q.Type:
				if q.Type == "TXT" {
					data = txt(data)
				}
			default:
				continue
			}
			a.Answer = append(a.Answer, name+".\t300\tIN\t"+l[1]+"\t"+data)
		}
		if next == "" {
			break
		}
		name = next
	}
	slices.Sort(a.Answer)
	return a
}

// txt gives the presentation format of one TXT record.
func txt(s string) string {
	var parts []string
	for len(s) > 200 {
		parts, s = append(parts, s[:200]), s[200:]
	}
	parts = append(parts, s)
	for i, p := range parts {
		parts[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(p) + `"`
	}
	return strings.Join(parts, " ")
}

func (w *world) Fetch(context.Context, wire.Request) wire.Page { panic("dmarc fetched a page") }
func (w *world) Talk(context.Context, wire.Probe) wire.Session { panic("dmarc talked to a server") }
