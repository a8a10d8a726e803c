package wire

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"mxvet/internal/zone"
)

// world answers from zone text as resolvers would, without following aliases
// out of it; names in broken fail.
func world(t *testing.T, text string, broken ...string) *scripted {
	t.Helper()
	z, err := zone.Parse(strings.NewReader(text), "", ".")
	if err != nil {
		t.Fatal(err)
	}
	return &scripted{
		dns: func(_ context.Context, q Question) Answer {
			a := Answer{Rcode: "NOERROR", AD: true, AA: q.Server != "", From: "behind" + q.Server, Millis: 1}
			for name := q.Name; ; {
				if slices.Contains(broken, name) {
					return Answer{Fail: &Fail{Kind: FailTimeout}, EDE: []string{"22 No Reachable Authority"}}
				}
				r := z.Lookup(name, q.Type)
				a.Answer = append(a.Answer, r.Records...)
				switch r.Kind {
				case zone.Alias:
					name = r.Target
					continue
				case zone.NXDomain:
					a.Rcode = "NXDOMAIN"
				}
				if r.SOA != "" {
					a.Authority = []string{r.SOA, "example.com.\t60\tIN\tNSEC\ta.example.com. A"}
				}
				slices.Sort(a.Answer)
				return a
			}
		},
		fetch: func(context.Context, Request) Page { return Page{Status: 200} },
		talk:  func(context.Context, Probe) Session { return Session{Connect: 1} },
	}
}

func parseZone(t *testing.T, text, origin string) *zone.Zone {
	t.Helper()
	z, err := zone.Parse(strings.NewReader(text), "db", origin)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// live is the DNS behind the overlays of these tests.
const live = `
. 60 SOA a.root. b.root. 1 2 3 4 60
example.com. 300 MX 10 mail.example.com.
example.com. 300 TXT "v=spf1 mx ~all"
example.com. 300 TXT "token=1"
mail.example.com. 300 A 192.0.2.1
old.example.com. 300 A 192.0.2.9
www.example.com. 300 CNAME mail.example.com.
a.example.com. 300 CNAME b.example.org.
b.example.org. 300 CNAME c.example.org.
c.example.org. 300 A 198.51.100.3
dept.example.com. 300 MX 5 dept-mail.example.com.
deep.sub.example.com. 300 TXT "x"
`

// short tells an answer in a line: rcode, records without TTL and class, and
// whether it is assumed.
func short(a Answer) string {
	if a.Fail != nil {
		return a.Fail.Kind
	}
	var s strings.Builder
	s.WriteString(a.Rcode)
	for _, rr := range a.Answer {
		f := strings.SplitN(rr, "\t", 5)
		s.WriteString(" | " + f[0] + " " + f[3] + " " + f[4])
	}
	if a.Assumed {
		s.WriteString(" (assumed)")
	}
	return s.String()
}

func TestOverlayZone(t *testing.T) {
	z := parseZone(t, `
@ 60 SOA ns. host. 1 2 3 4 60
@ NS ns.example.net.
@ MX 10 mx
mx A 192.0.2.10
*.wild TXT "any"
www CNAME c.example.org.
in CNAME mx
loop CNAME loop2
loop2 CNAME loop
dept NS ns.dept
ns.dept A 192.0.2.53
gone DNAME `+strings.Repeat("a.", 120)+`example.
`, "example.com")
	child := parseZone(t, "@ MX 1 from.the.child.\n", "child.example.com")
	behind := world(t, live, "slow.dept.example.com")
	o := NewOverlay(behind, []*zone.Zone{z, child}, nil)
	for _, tt := range []struct{ name, rrtype, want string }{
		{"example.com", "MX", "NOERROR | example.com. MX 10 mx.example.com. (assumed)"},
		{"Example.COM.", "mx", "NOERROR | example.com. MX 10 mx.example.com. (assumed)"},
		{"example.com", "TXT", "NOERROR (assumed)"},
		{"mail.example.com", "A", "NXDOMAIN (assumed)"}, // though it exists behind
		{"wild.example.com", "TXT", "NOERROR (assumed)"},
		{"x.wild.example.com", "TXT", `NOERROR | x.wild.example.com. TXT "any" (assumed)`},
		{"in.example.com", "A", "NOERROR | in.example.com. CNAME mx.example.com. | mx.example.com. A 192.0.2.10 (assumed)"},
		{"www.example.com", "A", "NOERROR | c.example.org. A 198.51.100.3 | www.example.com. CNAME c.example.org. (assumed)"},
		{"www.example.com", "MX", "NOERROR | www.example.com. CNAME c.example.org. (assumed)"},
		{"www.example.com", "CNAME", "NOERROR | www.example.com. CNAME c.example.org. (assumed)"},
		{"loop.example.com", "A", "alias-loop"},
		{"x.y.z." + strings.Repeat("long.", 10) + "gone.example.com", "A", "rcode"},
		{"dept.example.com", "MX", "NOERROR | dept.example.com. MX 5 dept-mail.example.com."},
		{"ns.dept.example.com", "A", "NXDOMAIN"}, // glue is not an answer: behind says
		{"slow.dept.example.com", "A", "timeout"},
		{"child.example.com", "MX", "NOERROR | child.example.com. MX 1 from.the.child. (assumed)"},
		{"child.example.com", "DS", "NXDOMAIN (assumed)"}, // the parent's to say
		{"example.com", "DS", "NOERROR"},                  // behind says
		{"c.example.org", "A", "NOERROR | c.example.org. A 198.51.100.3"},
	} {
		a := o.DNS(t.Context(), Question{Name: tt.name, Type: tt.rrtype})
		if got := short(a); got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.name, tt.rrtype, got, tt.want)
		}
		if a.Assumed && (a.AA || a.AD) {
			t.Errorf("%s %s: assumed, and authoritative or authenticated: %+v", tt.name, tt.rrtype, a)
		}
	}

	want := Answer{
		Rcode: "NXDOMAIN", Assumed: true, From: "zone text db",
		Authority: []string{"example.com.\t60\tIN\tSOA\tns. host. 1 2 3 4 60"},
	}
	if a := o.DNS(t.Context(), Question{Name: "nope.example.com", Type: "A"}); !reflect.DeepEqual(a, want) {
		t.Errorf("got %+v, want %+v", a, want)
	}
	n := behind.asked.Load()
	if got := short(o.DNS(t.Context(), Question{Name: "example.com", Type: "MX", Server: "192.0.2.53"})); got != "NOERROR | example.com. MX 10 mx.example.com. (assumed)" {
		t.Errorf("a server says %s", got)
	}
	if got := short(o.DNS(t.Context(), Question{Name: "www.example.com", Type: "A", Server: "192.0.2.53"})); got != "NOERROR | www.example.com. CNAME c.example.org. (assumed)" || behind.asked.Load() != n {
		t.Errorf("a server follows an alias out of its zone: %s", got)
	}
	if got := short(o.DNS(t.Context(), Question{Name: "in.example.com", Type: "A", Server: "192.0.2.53"})); !strings.Contains(got, "192.0.2.10") {
		t.Errorf("a server does not follow an alias in its zone: %s", got)
	}
}

func TestOverlayChanges(t *testing.T) {
	txt := func(owner, remove, add string) zone.Change {
		c := zone.Change{Owner: owner, Type: "TXT", TTL: 60}
		if remove != "" {
			c.Remove = []string{remove}
		}
		if add != "" {
			c.Add = []string{add}
		}
		return c
	}
	o := NewOverlay(world(t, live, "silent.example.com", "x.quiet.example.org"), nil, []zone.Change{
		txt("example.com", `"v=spf1 mx ~all"`, `"v=spf1 mx -all"`),
		txt("_dmarc.example.com", "", `"v=DMARC1; p=reject"`),
		txt("k._domainkey.example.com", "", "key"),
		txt("deep.sub.example.com", "*", ""),
		txt("same.example.com", `"absent"`, ""),
		txt("silent.example.com", "", "added"),
		txt("www.example.com", "", "beside an alias"),
		txt("*.w.example.com", "", `"from the wildcard"`),
		txt("*.quiet.example.org", "", `"from the wildcard"`),
		txt("kept.w.example.com", "", "x"),
		{Owner: "silent.example.com", Type: "MX", Remove: []string{"*"}, Add: []string{"0 ."}, TTL: 60},
		{Owner: "silent.example.com", Type: "A", Remove: []string{"*"}},
		{Owner: "c.example.org", Type: "A", Add: []string{"198.51.100.4"}, TTL: 60},
		{Owner: "mail.example.com", Type: "A", Remove: []string{"*"}, Add: []string{"192.0.2.99"}, TTL: 60},
		{Owner: "old.example.com", Type: "A", Remove: []string{"*"}},
		{Owner: "old.example.com", Type: "CNAME", Add: []string{"a.example.com."}, TTL: 60},
		{Owner: "a.example.com", Type: "CNAME", Remove: []string{"*"}, Add: []string{"mail.example.com."}, TTL: 60},
		{Owner: "example.com", Type: "MX", Add: []string{"no preference"}},
	})
	for _, tt := range []struct{ name, rrtype, want string }{
		{"example.com", "TXT", `NOERROR | example.com. TXT "token=1" | example.com. TXT "v=spf1 mx -all" (assumed)`},
		{"example.com", "MX", "NOERROR | example.com. MX 10 mail.example.com."}, // the change is not valid
		{"_dmarc.example.com", "TXT", `NOERROR | _dmarc.example.com. TXT "v=DMARC1; p=reject" (assumed)`},
		{"_dmarc.example.com", "A", "NOERROR (assumed)"},       // it exists now
		{"_domainkey.example.com", "TXT", "NOERROR (assumed)"}, // so does what is between
		{"x._domainkey.example.com", "TXT", "NXDOMAIN"},
		{"deep.sub.example.com", "TXT", "NOERROR (assumed)"},
		{"same.example.com", "TXT", "NXDOMAIN"},
		{"silent.example.com", "TXT", "timeout"}, // what else is there is unknown
		{"silent.example.com", "MX", "NOERROR | silent.example.com. MX 0 . (assumed)"},
		{"silent.example.com", "A", "timeout"}, // an alias may be there
		{"www.example.com", "TXT", "NOERROR | www.example.com. CNAME mail.example.com."},
		{"www.example.com", "A", "NOERROR | mail.example.com. A 192.0.2.99 | www.example.com. CNAME mail.example.com. (assumed)"},
		{"old.example.com", "A", "NOERROR | a.example.com. CNAME mail.example.com. | mail.example.com. A 192.0.2.99 | old.example.com. CNAME a.example.com. (assumed)"},
		{"old.example.com", "CNAME", "NOERROR | old.example.com. CNAME a.example.com. (assumed)"},
		{"a.example.com", "A", "NOERROR | a.example.com. CNAME mail.example.com. | mail.example.com. A 192.0.2.99 (assumed)"},
		{"b.example.org", "A", "NOERROR | b.example.org. CNAME c.example.org. | c.example.org. A 198.51.100.3 | c.example.org. A 198.51.100.4 (assumed)"},
		{"b.example.org", "MX", "NOERROR | b.example.org. CNAME c.example.org."},
		{"x.w.example.com", "TXT", `NOERROR | x.w.example.com. TXT "from the wildcard" (assumed)`},
		{"x.y.w.example.com", "TXT", `NOERROR | x.y.w.example.com. TXT "from the wildcard" (assumed)`},
		{"x.w.example.com", "A", "NOERROR (assumed)"},
		{"x.kept.w.example.com", "TXT", "NXDOMAIN"}, // the closest encloser exists
		{"y.x.quiet.example.org", "TXT", "timeout"}, // whether it does is unknown
	} {
		a := o.DNS(t.Context(), Question{Name: tt.name, Type: tt.rrtype})
		if got := short(a); got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.name, tt.rrtype, got, tt.want)
		}
		if a.Assumed && (a.AA || a.AD) || !a.Assumed && a.Fail == nil && !a.AD {
			t.Errorf("%s %s: flags of %+v", tt.name, tt.rrtype, a)
		}
		if slices.ContainsFunc(a.Authority, func(s string) bool { return strings.Contains(s, "NSEC") }) && a.Assumed {
			t.Errorf("%s %s: a proof of what is no longer so: %q", tt.name, tt.rrtype, a.Authority)
		}
	}
	a := o.DNS(t.Context(), Question{Name: "example.com", Type: "TXT", Server: "192.0.2.53"})
	if a.From != "behind192.0.2.53" || !strings.Contains(short(a), "-all") || a.AA {
		t.Errorf("a patch over what one server says: %+v", a)
	}
}

func TestOverlayChangesInZone(t *testing.T) {
	z := parseZone(t, "@ MX 10 mx\n*.a TXT x\nmx A 192.0.2.1\ncut NS ns.example.net.\n", "example.com")
	o := NewOverlay(world(t, live+"host.cut.example.com. TXT live\n"), []*zone.Zone{z}, []zone.Change{
		{Owner: "mx.example.com", Type: "A", Remove: []string{"*"}},
		{Owner: "b.a.example.com", Type: "MX", Add: []string{"0 ."}, TTL: 60},
		{Owner: "host.cut.example.com", Type: "TXT", Add: []string{`"below the cut"`}, TTL: 60},
	})
	for _, tt := range []struct{ name, rrtype, want string }{
		{"mx.example.com", "A", "NXDOMAIN (assumed)"},
		{"b.a.example.com", "TXT", "NOERROR (assumed)"},
		{"c.a.example.com", "TXT", `NOERROR | c.a.example.com. TXT "x" (assumed)`},
		{"host.cut.example.com", "TXT", `NOERROR | host.cut.example.com. TXT "live" | host.cut.example.com. TXT "below the cut" (assumed)`},
	} {
		if got := short(o.DNS(t.Context(), Question{Name: tt.name, Type: tt.rrtype})); got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.name, tt.rrtype, got, tt.want)
		}
	}
}

func TestOverlayOffline(t *testing.T) {
	z := parseZone(t, "@ MX 10 mail.example.org.\nwww CNAME www.example.org.\ncut NS x.\n", "example.com")
	o := NewOverlay(nil, []*zone.Zone{z}, []zone.Change{
		{Owner: "example.org", Type: "TXT", Add: []string{"x"}, TTL: 60},
		{Owner: "www.example.net", Type: "CNAME", Add: []string{"example.org."}, TTL: 60},
		{Owner: "gone.example.net", Type: "A", Remove: []string{"*"}},
	})
	o.Pages = map[string]Page{pageAt.URL: {Status: 200, Body: []byte("assumed")}}
	for _, tt := range []struct{ name, rrtype, want string }{
		{"example.com", "MX", "NOERROR | example.com. MX 10 mail.example.org. (assumed)"},
		{"mail.example.org", "A", "offline"},
		{"www.example.com", "A", "offline"},
		{"cut.example.com", "A", "offline"},
		{"example.org", "TXT", `NOERROR | example.org. TXT "x" (assumed)`},
		{"example.org", "A", "offline"},
		{"www.example.net", "TXT", `NOERROR | example.org. TXT "x" | www.example.net. CNAME example.org. (assumed)`},
		{"gone.example.net", "A", "NOERROR (assumed)"},
	} {
		if got := short(o.DNS(t.Context(), Question{Name: tt.name, Type: tt.rrtype})); got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.name, tt.rrtype, got, tt.want)
		}
	}
	if p := o.Fetch(t.Context(), pageAt); string(p.Body) != "assumed" || !p.Assumed {
		t.Errorf("assumed page: %+v", p)
	}
	if p := o.Fetch(t.Context(), Request{URL: pageAt.URL}); !p.Assumed {
		t.Errorf("assumed page, at no address: %+v", p)
	}
	if p := o.Fetch(t.Context(), Request{URL: "https://example.com/"}); p.Fail == nil || p.Fail.Kind != FailOffline {
		t.Errorf("another page: %+v", p)
	}
	if s := o.Talk(t.Context(), mailAt); s.Fail == nil || s.Fail.Kind != FailOffline {
		t.Errorf("conversation: %+v", s)
	}
	o = NewOverlay(world(t, live), nil, nil)
	if p, s := o.Fetch(t.Context(), pageAt), o.Talk(t.Context(), mailAt); p.Status != 200 || s.Connect != 1 {
		t.Errorf("not asked behind: %+v, %+v", p, s)
	}
}

// A live question reaches what is published through any number of overlays and
// tapes, and is remembered beside the assumed answer.
func TestOverlayLetsLiveThrough(t *testing.T) {
	z := parseZone(t, "@ MX 10 new\n", "example.com")
	tape := NewTape(NewOverlay(world(t, live), []*zone.Zone{z}, nil), Header{})
	o := NewOverlay(tape, nil, []zone.Change{{Owner: "example.com", Type: "MX", Remove: []string{"*"}}})
	q := Question{Name: "example.com", Type: "MX"}
	now := q
	now.Live = true
	for _, tt := range []struct {
		src  Source
		q    Question
		want string
	}{
		{o, q, "NOERROR (assumed)"},
		{tape, q, "NOERROR | example.com. MX 10 new.example.com. (assumed)"},
		{o, now, "NOERROR | example.com. MX 10 mail.example.com."},
		{tape, now, "NOERROR | example.com. MX 10 mail.example.com."},
		{NewOverlay(nil, []*zone.Zone{z}, nil), now, "offline"},
	} {
		if got := short(tt.src.DNS(t.Context(), tt.q)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.q.Ref(), got, tt.want)
		}
	}
	if a, _, _ := tape.Lookup(now.Ref()); a == nil {
		t.Error("the live answer is not on the tape")
	}
}

// What a tape gives is shared; an overlay over it must leave it alone.
func TestOverlayLeavesTapeAlone(t *testing.T) {
	tape := NewTape(world(t, live), Header{})
	o := NewOverlay(tape, nil, []zone.Change{
		{Owner: "*.example.com", Type: "TXT", Add: []string{"x"}, TTL: 60},
		{Owner: "example.com", Type: "TXT", Remove: []string{`"token=1"`}},
		{Owner: "c.example.org", Type: "A", Remove: []string{"*"}},
	})
	questions := []Question{
		{Name: "example.com", Type: "TXT"}, {Name: "a.example.com", Type: "A"}, {Name: "nope.example.com", Type: "TXT"}, {Name: "*.example.com", Type: "TXT"},
	}
	var before, after strings.Builder
	for _, q := range questions {
		tape.DNS(t.Context(), q)
	}
	for _, q := range questions {
		before.WriteString(short(tape.DNS(t.Context(), q)) + "\n")
		o.DNS(t.Context(), q)
		after.WriteString(short(tape.DNS(t.Context(), q)) + "\n")
	}
	if before.String() != after.String() {
		t.Errorf("the tape held\n%s\nand now\n%s", before.String(), after.String())
	}
}
