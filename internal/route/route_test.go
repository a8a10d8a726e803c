package route

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mxvet/internal/psl"
	"mxvet/internal/wire"
)

// A world answers from lines "NAME TYPE DATA"; "NAME FAIL TYPES" makes questions of
// these types, or all (*), fail. It notes what was asked.
type world struct {
	lines [][]string
	fail  wire.Ref // this question fails as well
}

func newWorld(text string) *world {
	w := &world{}
	for line := range strings.Lines(text) {
		if f := strings.SplitN(strings.TrimSpace(line), " ", 3); len(f) == 3 {
			w.lines = append(w.lines, f)
		}
	}
	return w
}

func (w *world) DNS(_ context.Context, q wire.Question) wire.Answer {
	a := wire.Answer{Rcode: "NXDOMAIN"}
	if q.Ref() == w.fail {
		return wire.Answer{Fail: &wire.Fail{Kind: wire.FailTimeout}}
	}
	name := q.Name
	for range 3 {
		a.Rcode = "NXDOMAIN"
		next := ""
		for _, l := range w.lines {
			if l[0] == name || strings.HasSuffix(l[0], "."+name) {
				a.Rcode = "NOERROR"
			}
			switch {
			case l[0] != name:
			case l[1] == "FAIL" && (l[2] == "*" || slices.Contains(strings.Fields(l[2]), q.Type)):
				return wire.Answer{Fail: &wire.Fail{Kind: wire.FailServfail}}
			case l[1] == q.Type || l[1] == "CNAME":
				a.Answer = append(a.Answer, fmt.Sprintf("%s.\t60\tIN\t%s\t%s", name, l[1], l[2]))
				if l[1] == "CNAME" {
					next = strings.TrimSuffix(l[2], ".")
				}
			}
		}
		if next == "" {
			break
		}
		name = next
	}
	return a
}

func (*world) Fetch(context.Context, wire.Request) wire.Page { panic("route fetched a page") }
func (*world) Talk(context.Context, wire.Probe) wire.Session { panic("route talked to a server") }

const places = `
	mx.example MX 20 b.mx.example.
	mx.example MX 10 a.mx.example.
	mx.example MX 30 a.mx.example.
	mx.example MX 0 .
	a.mx.example A 192.0.2.1
	a.mx.example AAAA 2001:db8::1
	b.mx.example A 192.0.2.2
	addr.example AAAA 2001:db8::1
	null.example MX 10 .
	none.example TXT x
	alias.example CNAME gone.example.net
	half.example A 192.0.2.1
	fail.example FAIL *
	nomx.example FAIL MX
	nomx.example A 192.0.2.1
	noaddr.example FAIL A
	noaddr.example TXT x
	six.example FAIL A
	six.example AAAA 2001:db8::6
`

func TestState(t *testing.T) {
	for domain, want := range map[string]State{
		"mx.example": MX, "addr.example": Address, "null.example": NullMX, "none.example": None,
		"nx.half.example": NXDomain, "nx.example": Unregistered, "a.b.nx.example": Unregistered,
		"alias.example": NXDomain, "fail.example": Unknown, "nx": NXDomain, "nx.fail.example": NXDomain,
		"nomx.example": Unknown, "noaddr.example": Unknown, "six.example": Address,
	} {
		r := Lookup(t.Context(), newWorld(places), psl.Default(), domain)
		if got := r.State(); got != want {
			t.Errorf("%s: %s, want %s", domain, got, want)
		}
		if _, failed := r.Failed(); want == Unknown && !failed {
			t.Errorf("%s: unknown, and nothing failed", domain)
		}
		step := Follow(t.Context(), newWorld(places), domain)
		if want == Unregistered {
			want = NXDomain
		}
		if got := step.State(); got != want {
			t.Errorf("%s, step by step: %s, want %s", domain, got, want)
		}
		if asked := len(step.Asked()); (asked == 1) != slices.Contains([]State{MX, NullMX, NXDomain}, want) && domain != "fail.example" && domain != "nomx.example" {
			t.Errorf("%s, step by step: %d questions", domain, asked)
		}
	}
	for host, want := range map[string]State{"null.example": None, "mx.example": None, "nomx.example": Address, "noaddr.example": Unknown, "nx.example": Unregistered} {
		r := Web(t.Context(), newWorld(places), psl.Default(), host)
		if got := r.State(); got != want || r.MX.Ref != "" || len(r.Targets()) != 0 {
			t.Errorf("web %s: %s, want %s; MX %q, targets %v", host, got, want, r.MX.Ref, r.Targets())
		}
	}
}

func TestTargets(t *testing.T) {
	for domain, want := range map[string]string{
		"mx.example": "[{10 a.mx.example} {20 b.mx.example}]", "addr.example": "[{0 addr.example}]", "six.example": "[{0 six.example}]",
		"null.example": "[]", "none.example": "[]", "nomx.example": "[]", "noaddr.example": "[]", "nx.example": "[]", "fail.example": "[]",
	} {
		r := Follow(t.Context(), newWorld(places), domain)
		if got := fmt.Sprint(r.Targets()); got != want {
			t.Errorf("%s: %s, want %s", domain, got, want)
		}
	}
}

// With each single question failing, what was a whole list is none any more, and
// nothing is said to be absent that was there.
func TestAddresses(t *testing.T) {
	for domain, want := range map[string]string{
		"mx.example": "[192.0.2.1 2001:db8::1 192.0.2.2]", "addr.example": "[2001:db8::1]", "null.example": "[]", "none.example": "[]", "nx.example": "[]",
	} {
		r := Follow(t.Context(), newWorld(places), domain)
		d := r.Addresses(t.Context(), newWorld(places), 9)
		if got := fmt.Sprint(d.Addrs); got != want || !d.Whole {
			t.Errorf("%s: %s, whole %v, want %s", domain, got, d.Whole, want)
		}
		refs := []wire.Ref{"dns:MX " + wire.Ref(domain)}
		switch domain {
		case "mx.example":
			refs = append(refs, "dns:A a.mx.example", "dns:AAAA a.mx.example", "dns:A b.mx.example", "dns:AAAA b.mx.example")
		case "addr.example", "none.example":
			refs = append(refs, wire.Ref("dns:A "+domain), wire.Ref("dns:AAAA "+domain))
		}
		for _, ref := range refs {
			w := newWorld(places)
			w.fail = ref
			r := Follow(t.Context(), w, domain)
			if d := r.Addresses(t.Context(), w, 9); d.Whole || d.State == NullMX || d.State == None || d.State == NXDomain {
				t.Errorf("%s, without %s: %+v", domain, ref, d)
			}
		}
	}
	r := Follow(t.Context(), newWorld(places), "mx.example")
	if d := r.Addresses(t.Context(), newWorld(places), 1); d.Whole || len(d.Addrs) != 2 {
		t.Errorf("one of two hosts: %+v", d)
	}
}

// A name that one answer denies and another knows is neither gone nor free to be
// registered.
func TestContradicted(t *testing.T) {
	ask := func(rrtype string, a wire.Answer) wire.Asked {
		return wire.Asked{Name: "example.com", Ref: wire.Question{Name: "example.com", Type: rrtype}.Ref(), Answer: a}
	}
	gone, there := wire.Answer{Rcode: "NXDOMAIN"}, wire.Answer{Rcode: "NOERROR"}
	own := wire.Asked{Name: "example.com"}
	for _, c := range []struct {
		name        string
		mx, a, aaaa wire.Answer
		want        State
	}{
		{"all deny it", gone, gone, gone, Unregistered},
		{"the address says that it exists", gone, there, gone, Unknown},
		{"the IPv6 address says so", gone, gone, there, Unknown},
		{"nothing contradicts", gone, wire.Answer{Fail: &wire.Fail{Kind: wire.FailTimeout}}, gone, Unregistered},
	} {
		r := Route{Domain: "example.com", MX: ask("MX", c.mx), A: ask("A", c.a), AAAA: ask("AAAA", c.aaaa), Registered: own}
		_, failed := r.Failed()
		if r.State() != c.want || c.want == Unknown && !failed {
			t.Errorf("%s: %s, failed %v; want %s", c.name, r.State(), failed, c.want)
		}
	}
}
