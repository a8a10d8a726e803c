package gather

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"mxvet/internal/wire"
)

// A script answers questions about the DNS out of a table: "TYPE name", or
// "TYPE name @server". What it does not hold has no answer.
type script map[string]wire.Answer

func (s script) DNS(_ context.Context, q wire.Question) wire.Answer {
	key := q.Type + " " + q.Name
	if q.Server != "" {
		key += " @" + q.Server
	}
	if a, ok := s[key]; ok {
		return a
	}
	return wire.Answer{Fail: &wire.Fail{Kind: wire.FailTimeout}}
}

func (script) Fetch(context.Context, wire.Request) wire.Page { return wire.Page{} }
func (script) Talk(context.Context, wire.Probe) wire.Session { return wire.Session{} }

// records makes an answer of "owner type data" lines.
func records(lines ...string) wire.Answer {
	a := wire.Answer{Rcode: "NOERROR"}
	for _, line := range lines {
		f := strings.SplitN(line, " ", 3)
		a.Answer = append(a.Answer, f[0]+".\t60\tIN\t"+f[1]+"\t"+f[2])
	}
	return a
}

// with gives a script that holds more, or other things, than another.
func (s script) with(pairs ...any) script {
	out := script{}
	maps.Copy(out, s)
	for i := 0; i+1 < len(pairs); i += 2 {
		out[pairs[i].(string)] = pairs[i+1].(wire.Answer)
	}
	return out
}

// referral is what a server of the zone above says: who serves the domain, and where.
func referral(glue ...string) wire.Answer {
	return wire.Answer{Rcode: "NOERROR", Authority: records("example.com NS ns1.example.com.", "example.com NS ns2.example.net.").Answer, Additional: records(glue...).Answer}
}

// The zone above is found by climbing, its servers are asked in turn, and the first
// referral tells who serves the domain.
func TestDelegation(t *testing.T) {
	none, denied := records(), wire.Answer{Rcode: "NXDOMAIN", AA: true}
	authoritative := records()
	authoritative.AA = true
	base := script{
		"NS com":               records("com NS a.registry.test.", "com NS b.registry.test."),
		"A a.registry.test":    records("a.registry.test A 192.0.2.1"),
		"AAAA a.registry.test": none,
		"A b.registry.test":    records("b.registry.test A 192.0.2.2"),
		"AAAA b.registry.test": none,
		"A ns1.example.com":    none,
		"AAAA ns1.example.com": none,
		"A ns2.example.net":    none,
		"AAAA ns2.example.net": none,

		"NS example.com @192.0.2.1": referral("ns1.example.com A 192.0.2.5"),
		"NS example.com @192.0.2.2": denied,
	}
	intercepted := records("example.com NS ns1.example.com.")
	child := intercepted
	child.AA = true
	late := script{}
	for i := range 5 {
		name := fmt.Sprint("s", i, ".registry.test")
		late["A "+name], late["AAAA "+name] = records(fmt.Sprint(name, " A 198.51.100.", i)), records()
		late["NS example.com @198.51.100."+fmt.Sprint(i)] = authoritative
	}
	for _, c := range []struct {
		name string
		src  script
		want string // names; parent answered, which parent, unsure; glue
	}{
		{"the first refers", base, "ns1.example.com ns2.example.net; true a.registry.test false; [192.0.2.5]"},
		{"the first is silent", base.with("NS example.com @192.0.2.1", wire.Answer{Fail: &wire.Fail{Kind: wire.FailTimeout}}, "NS example.com @192.0.2.2", referral()), "ns1.example.com ns2.example.net; true b.registry.test false; []"},
		{"the first says nothing, with authority", base.with("NS example.com @192.0.2.1", authoritative, "NS example.com @192.0.2.2", referral()), "ns1.example.com ns2.example.net; true b.registry.test false; []"},
		{"both deny", base.with("NS example.com @192.0.2.1", denied), "; true b.registry.test false; []"},
		{"both say nothing, without authority", base.with("NS example.com @192.0.2.1", none, "NS example.com @192.0.2.2", none), "; false  false; []"},
		{"all are silent", base.with("NS example.com @192.0.2.1", wire.Answer{Fail: &wire.Fail{Kind: wire.FailTimeout}}, "NS example.com @192.0.2.2", wire.Answer{Fail: &wire.Fail{Kind: wire.FailServfail}}), "; false  false; []"},
		{"somebody between answers for it", base.with("NS example.com @192.0.2.1", intercepted), "ns1.example.com; false a.registry.test false; []"},
		{"it serves the domain itself", base.with("NS example.com @192.0.2.1", child), "ns1.example.com; true a.registry.test false; []"},
		{"an address of the first is not known", base.with("AAAA a.registry.test", wire.Answer{Fail: &wire.Fail{Kind: wire.FailTimeout}}), "ns1.example.com ns2.example.net; true a.registry.test true; [192.0.2.5]"},
		{"no NS records above", base.with("NS com", none, "NS .", records(". NS b.registry.test."), "NS example.com @192.0.2.2", referral()), "ns1.example.com ns2.example.net; true b.registry.test false; []"},
		{"the zone above is not known", base.with("NS com", wire.Answer{Fail: &wire.Fail{Kind: wire.FailServfail}}, "NS .", records(". NS b.registry.test."), "NS example.com @192.0.2.2", referral()), "ns1.example.com ns2.example.net; true b.registry.test true; []"},
		{"not even the root is known", script{"NS com": none, "NS .": none}, "; false  false; []"},
		{"only the first four addresses are asked", late.with("NS com", records("com NS s0.registry.test.", "com NS s1.registry.test.", "com NS s2.registry.test.", "com NS s3.registry.test.", "com NS s4.registry.test."), "NS example.com @198.51.100.4", referral()), "; true s3.registry.test false; []"},
		{"the fourth refers", late.with("NS com", records("com NS s0.registry.test.", "com NS s1.registry.test.", "com NS s2.registry.test.", "com NS s3.registry.test."), "NS example.com @198.51.100.3", referral()), "ns1.example.com ns2.example.net; true s3.registry.test false; []"},
	} {
		var a Authority
		names, glue := a.delegation(t.Context(), c.src, "example.com")
		got := fmt.Sprintf("%s; %v %s %v; %v", strings.Join(names, " "), a.ParentAnswered, a.Parent.Name, a.Unsure, glue["ns1.example.com"])
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// Servers are asked at the addresses that came with the referral, and looked up
// where none came; no more than eight.
func TestConfirm(t *testing.T) {
	none := records()
	base := script{
		"MX example.com": none, "NS com": records("com NS a.registry.test."),
		"A a.registry.test": records("a.registry.test A 192.0.2.1"), "AAAA a.registry.test": none,
		"NS example.com @192.0.2.1": referral("ns1.example.com A 192.0.2.5"),
		"A ns2.example.net":         records("ns2.example.net A 192.0.2.6"), "AAAA ns2.example.net": none,
	}
	var eight, nine []string
	for i := range 9 {
		line := fmt.Sprint("ns1.example.com A 203.0.113.", i)
		if nine = append(nine, line); i < 8 {
			eight = append(eight, line)
		}
	}
	for _, c := range []struct {
		name string
		src  script
		want Authority // only what follows from the referral
	}{
		{"glue, and a lookup", base, Authority{Servers: []ServerAnswer{{Addr: netip.MustParseAddr("192.0.2.5")}, {Addr: netip.MustParseAddr("192.0.2.6")}}}},
		{"no address", base.with("A ns2.example.net", none), Authority{Servers: []ServerAnswer{{Addr: netip.MustParseAddr("192.0.2.5")}}, Addressless: []string{"ns2.example.net"}}},
		{"an address that is not known", base.with("A ns2.example.net", none, "AAAA ns2.example.net", wire.Answer{Fail: &wire.Fail{Kind: wire.FailServfail}}), Authority{Servers: []ServerAnswer{{Addr: netip.MustParseAddr("192.0.2.5")}}, Unresolved: []string{"ns2.example.net"}}},
		{"eight addresses before", base.with("NS example.com @192.0.2.1", referral(eight...)), Authority{Unasked: 1, Servers: make([]ServerAnswer, 8)}},
		{"nine addresses before", base.with("NS example.com @192.0.2.1", referral(nine...)), Authority{Unasked: 1, Servers: make([]ServerAnswer, 8)}},
		{"seven addresses before", base.with("NS example.com @192.0.2.1", referral(eight[:7]...)), Authority{Servers: make([]ServerAnswer, 8)}},
		{"eight addresses before, and the last has none", base.with("NS example.com @192.0.2.1", referral(eight...), "A ns2.example.net", none), Authority{Servers: make([]ServerAnswer, 8), Addressless: []string{"ns2.example.net"}}},
	} {
		a := confirm(t.Context(), c.src, "example.com", Options{}, "example.com", "MX")
		if len(a.Servers) != len(c.want.Servers) || a.Unasked != c.want.Unasked || !slices.Equal(a.Addressless, c.want.Addressless) || !slices.Equal(a.Unresolved, c.want.Unresolved) {
			t.Errorf("%s: %d servers, %d unasked, no address %v, unknown %v", c.name, len(a.Servers), a.Unasked, a.Addressless, a.Unresolved)
			continue
		}
		for i, s := range c.want.Servers {
			if s.Addr.IsValid() && (a.Servers[i].Addr != s.Addr || string(a.Servers[i].Ref) != "dns:MX example.com@"+s.Addr.String()) {
				t.Errorf("%s: server %d is %s, %q", c.name, i, a.Servers[i].Addr, a.Servers[i].Ref)
			}
		}
		if !a.Asked || a.Name != "example.com" || a.Ref != "dns:MX example.com" || a.Again.Ref != "" {
			t.Errorf("%s: %+v", c.name, a)
		}
	}
	servfail := base.with("MX example.com", wire.Answer{Fail: &wire.Fail{Kind: wire.FailServfail}})
	if a := confirm(t.Context(), servfail, "example.com", Options{}, "example.com", "MX"); a.Again.Ref == "" || a.Unchecked.Ref == "" || a.Again.Ref == a.Unchecked.Ref {
		t.Errorf("after SERVFAIL: %+v, %+v", a.Again, a.Unchecked)
	}
	if a := confirm(t.Context(), base, "example.com", Options{Offline: true}, "example.com", "MX"); !reflect.DeepEqual(a, Authority{}) {
		t.Errorf("offline: %+v", a)
	}
}

// What knows the domain contradicts a resolver that denies it.
func TestKnows(t *testing.T) {
	answer := func(aa bool, authority ...string) wire.Answer {
		return wire.Answer{Rcode: "NOERROR", AA: aa, Authority: records(authority...).Answer}
	}
	well := ServerAnswer{Name: "ns1", Answer: answer(true)}
	denied := ServerAnswer{Name: "ns2", Answer: wire.Answer{Rcode: "NXDOMAIN", AA: true}}
	for _, c := range []struct {
		name string
		a    Authority
		want string // the server
	}{
		{"nobody", Authority{}, ""},
		{"a server of the domain", Authority{Servers: []ServerAnswer{denied, well}}, "ns1"},
		{"all deny it", Authority{Servers: []ServerAnswer{denied}}, ""},
		{"the zone above has it", Authority{ParentAnswered: true, Parent: ServerAnswer{Name: "p", Answer: answer(true)}, Servers: []ServerAnswer{well}}, "p"},
		{"the zone above refers to it", Authority{ParentAnswered: true, Parent: ServerAnswer{Name: "p", Answer: answer(false, "Example.com NS ns1.example.com.")}}, "p"},
		{"the zone above refers to another", Authority{ParentAnswered: true, Parent: ServerAnswer{Name: "p", Answer: answer(false, "com NS a.registry.test.")}}, ""},
		{"the zone above proves something else about it", Authority{ParentAnswered: true, Parent: ServerAnswer{Name: "p", Answer: answer(false, "example.com DS 1 13 2 00")}}, ""},
		{"the zone above denies it", Authority{ParentAnswered: true, Parent: ServerAnswer{Name: "p", Answer: denied.Answer}}, ""},
		{"somebody between", Authority{Parent: ServerAnswer{Name: "p", Answer: answer(true)}}, ""},
		{"the zone above is silent", Authority{ParentAnswered: true, Parent: ServerAnswer{Name: "p", Answer: wire.Answer{AA: true, Fail: &wire.Fail{Kind: wire.FailTimeout}}}}, ""},
	} {
		if s, ok := c.a.knows("example.com"); s.Name != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q, %v", c.name, s.Name, ok)
		}
	}
}

// What servers say directly counts only with authority, and only where they agree.
func TestDirectAnswers(t *testing.T) {
	has := records("example.com MX 10 mx.example.com.")
	has.AA = true
	other := records("example.com MX 10 mx.example.net.")
	other.AA = true
	lame := has
	lame.AA = false
	empty := wire.Answer{Rcode: "NOERROR", AA: true}
	denied := wire.Answer{Rcode: "NXDOMAIN", AA: true}
	silent := wire.Answer{Fail: &wire.Fail{Kind: wire.FailTimeout}, AA: true}
	assumed := records("example.com MX 10 mx.example.com.")
	assumed.Assumed = true
	for _, c := range []struct {
		name              string
		resolver          wire.Answer
		servers           []wire.Answer
		agree, contradict bool
	}{
		{"nobody", has, nil, false, false},
		{"the same", has, []wire.Answer{has, has}, true, true},
		{"the same by one, lame the other", has, []wire.Answer{has, lame}, true, true},
		{"only lame", has, []wire.Answer{lame}, false, false},
		{"only silent", has, []wire.Answer{silent}, false, false},
		{"one of two has others", has, []wire.Answer{has, other}, false, true},
		{"one of two has none", has, []wire.Answer{has, empty}, false, false},
		{"all have what the resolver denies", empty, []wire.Answer{has, has}, false, true},
		{"none has it", empty, []wire.Answer{empty}, true, false},
		{"one says that there is no name", empty, []wire.Answer{denied}, false, false},
		{"the resolver fails", silent, []wire.Answer{empty}, false, false},
		{"the user's own", assumed, nil, true, false},
		{"the user's own, and a server that has others", assumed, []wire.Answer{other}, false, true},
	} {
		var n Nameservers
		for i, a := range c.servers {
			n.Servers = append(n.Servers, Direct{Name: fmt.Sprint("ns", i), MX: wire.Asked{Answer: a}})
		}
		if got := n.agree("MX", c.resolver, func(d Direct) wire.Answer { return d.MX.Answer }); got != c.agree {
			t.Errorf("%s: agree %v", c.name, got)
		}
		if s, got := n.contradicts("MX", func(d Direct) wire.Asked { return d.MX }); got != c.contradict || got != (s.Name != "") {
			t.Errorf("%s: contradict %v by %q", c.name, got, s.Name)
		}
	}
}

// The zone of a name stands in its NS records, or in what came with their denial.
func TestZoneOf(t *testing.T) {
	ns := func(authority ...string) wire.Answer {
		return wire.Answer{Rcode: "NOERROR", Authority: records(authority...).Answer}
	}
	denied := ns("example.com SOA a. b. 1 2 3 4 5")
	denied.Rcode = "NXDOMAIN"
	for _, c := range []struct {
		name   string
		answer wire.Answer
		want   string
	}{
		{"its own", records("shop.example.com NS ns1.example.com."), "shop.example.com"},
		{"above", ns("Example.com SOA a. b. 1 2 3 4 5"), "example.com"},
		{"behind another record", ns("example.com NSEC x", "example.com SOA a. b. 1 2 3 4 5"), "example.com"},
		{"beside", ns("ample.com SOA a. b. 1 2 3 4 5"), ""},
		{"the root", wire.Answer{Rcode: "NOERROR", Authority: []string{".\t60\tIN\tSOA\ta. b. 1 2 3 4 5"}}, ""},
		{"itself by an SOA alone", ns("shop.example.com SOA a. b. 1 2 3 4 5"), ""},
		{"nothing came", ns(), ""},
		{"no such name", denied, ""},
		{"an alias", records("shop.example.com CNAME www.example.com.", "www.example.com NS ns1.example.com."), ""},
		{"no answer", wire.Answer{Fail: &wire.Fail{Kind: wire.FailTimeout}, Answer: records("shop.example.com NS ns1.example.com.").Answer}, ""},
	} {
		if got := zoneOf(wire.Asked{Name: "shop.example.com", Ref: "dns:NS shop.example.com", Answer: c.answer}); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSplitPort(t *testing.T) {
	for in, want := range map[string]string{
		"mx.example.com": "mx.example.com 25", "mx.example.com:2525": "mx.example.com 2525", "mx.example.com:0": "mx.example.com 0",
		"mx.example.com:65536": "mx.example.com 25", "mx.example.com:smtp": "mx.example.com 25",
		"192.0.2.1": "192.0.2.1 25", "192.0.2.1:26": "192.0.2.1 26", "2001:db8::1": "2001:db8::1 25", "[2001:db8::1]:26": "2001:db8::1 26",
	} {
		host, port := splitPort(in)
		if got := fmt.Sprint(host, " ", port); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}
