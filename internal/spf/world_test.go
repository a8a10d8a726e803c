package spf

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"mxvet/internal/wire"
)

// A world is a Source with the DNS data of a test. Names that it does not hold
// do not exist.
type world struct {
	data map[string]map[string][]string // name, type, data in presentation format
	fail map[string]map[string]string   // name, type ("*" is any), kind of failure

	mu    sync.Mutex
	asked map[wire.Ref]int
}

// newWorld reads lines of the form "name TYPE data"; FAIL as type makes every
// other question for the name fail. TXT data is one string unless it is quoted.
func newWorld(lines string) *world {
	w := &world{data: map[string]map[string][]string{}, fail: map[string]map[string]string{}, asked: map[wire.Ref]int{}}
	for line := range strings.Lines(lines) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 3)
		if len(f) < 2 {
			continue
		}
		f = append(f, "")
		switch f[1] {
		case "TXT":
			if !strings.HasPrefix(f[2], `"`) {
				f[2] = quote(f[2])
			}
			w.add(f[0], "TXT", f[2])
		case "FAIL":
			w.breaks(f[0], "*", wire.FailTimeout)
		default:
			w.add(f[0], f[1], f[2])
		}
	}
	return w
}

func (w *world) add(name, rrtype, data string) {
	name = presentation(lower(name))
	if w.data[name] == nil {
		w.data[name] = map[string][]string{}
	}
	if data != "" {
		w.data[name][rrtype] = append(w.data[name][rrtype], data)
	}
}

func (w *world) breaks(name, rrtype, kind string) {
	name = presentation(lower(name))
	if w.fail[name] == nil {
		w.fail[name] = map[string]string{}
	}
	w.fail[name][rrtype] = kind
}

func (w *world) DNS(_ context.Context, q wire.Question) wire.Answer {
	q = q.Canonical()
	w.mu.Lock()
	w.asked[q.Ref()]++
	w.mu.Unlock()
	a := wire.Answer{Rcode: "NOERROR", Millis: 10}
	name := q.Name
	for range 9 {
		types, known := w.data[name]
		for _, d := range types[q.Type] {
			a.Answer = append(a.Answer, fmt.Sprintf("%s.\t300\tIN\t%s\t%s", name, q.Type, d))
		}
		kind := w.fail[name][q.Type]
		if kind == "" {
			kind = w.fail[name]["*"]
		}
		if kind != "" && len(types[q.Type]) == 0 {
			return wire.Answer{Fail: &wire.Fail{Kind: kind}}
		}
		if len(types[q.Type]) == 0 && len(types["CNAME"]) > 0 {
			target := types["CNAME"][0]
			a.Answer = append(a.Answer, fmt.Sprintf("%s.\t300\tIN\tCNAME\t%s", name, target))
			name = presentation(hostname(target))
			continue
		}
		if !known && !w.above(name) {
			a.Rcode = "NXDOMAIN"
		}
		slices.Sort(a.Answer)
		return a
	}
	return wire.Answer{Rcode: "SERVFAIL", Fail: &wire.Fail{Kind: wire.FailServfail, Text: "cname loop"}}
}

// above reports whether some name lies below name.
func (w *world) above(name string) bool {
	for known := range maps.Keys(w.data) {
		if strings.HasSuffix(known, "."+name) {
			return true
		}
	}
	return false
}

func (w *world) Fetch(context.Context, wire.Request) wire.Page { panic("spf fetches nothing") }
func (w *world) Talk(context.Context, wire.Probe) wire.Session { panic("spf talks to nobody") }

// quote gives a text as the strings of a TXT record.
func quote(text string) string {
	var out []string
	for {
		part := text[:min(len(text), 255)]
		text = text[len(part):]
		var b strings.Builder
		for i := range len(part) {
			switch c := part[i]; {
			case c == '"' || c == '\\':
				b.WriteString(`\` + string(c))
			case c < ' ' || c > '~':
				fmt.Fprintf(&b, `\%03d`, c)
			default:
				b.WriteByte(c)
			}
		}
		out = append(out, `"`+b.String()+`"`)
		if text == "" {
			return strings.Join(out, " ")
		}
	}
}

func lookup(lines, domain string) *Tree {
	return Lookup(context.Background(), newWorld(lines), domain)
}

func check(w *world, ip, sender, helo string) CheckResult {
	return Check(context.Background(), w, netip.MustParseAddr(ip), sender, helo)
}
