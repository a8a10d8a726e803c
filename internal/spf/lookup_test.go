package spf

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxvet/internal/wire"
)

// codes gives the codes of failures, with their position.
func codes(fs []Failure) string {
	var out []string
	for _, f := range fs {
		s := string(f.Code) + "@" + f.At
		if f.Family != 0 {
			s += fmt.Sprintf("/%d", f.Family)
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

const netA = `
a.example.org A 192.0.2.1
a.example.org AAAA 2001:db8::1
four.example.org A 192.0.2.4
b.example.org TXT v=spf1 a:a.example.org a:a.example.org -all
c.example.org TXT v=spf1 include:b.example.org include:b.example.org -all
leaf.example.org TXT v=spf1 ip4:198.51.100.0/24 -all
txt.example.org TXT something else
two.example.org TXT v=spf1 -all
two.example.org TXT v=spf1 ~all
bad.example.org TXT v=spf1 moo -all
open.example.org TXT v=spf1 +all
notall.example.org TXT v=spf1 -ip4:203.0.113.9 +all
loop1.example.org TXT v=spf1 include:loop2.example.org -all
loop2.example.org TXT v=spf1 a:a.example.org redirect=loop1.example.org
mx.example.org MX 10 a.example.org.
mx.example.org MX 20 four.example.org.
mx.example.org MX 30 gone.example.org.
null.example.org MX 0 .
broken.example.org FAIL
macro.example.org TXT v=spf1 include:%{i}.example.org exists:%{l}.example.org -all
`

// What other tools count wrongly, and every reason for permerror that shows only
// over the whole tree.
func TestTree(t *testing.T) {
	var many strings.Builder
	for i := range 11 {
		fmt.Fprintf(&many, "many.example.org MX %d a.example.org.\n", i)
	}
	for _, c := range []struct {
		name, record string
		lookups      int
		atLeast      bool
		void4, void6 Voids
		perm         string
	}{
		{name: "nothing", record: "v=spf1 -all"},
		{name: "prefix lengths", record: "v=spf1 a:a.example.org/24 mx:mx.example.org/24//64 -all", lookups: 2, void4: Voids{Hosts: 1}, void6: Voids{Hosts: 2}},
		{name: "an include again", record: "v=spf1 include:b.example.org include:b.example.org include:b.example.org -all", lookups: 9},
		{name: "a diamond", record: "v=spf1 include:c.example.org include:b.example.org a:a.example.org -all", lookups: 11, perm: "lookup-limit@2"},
		{name: "over ten in an include", record: "v=spf1 include:c.example.org include:c.example.org -all", lookups: 14, perm: "lookup-limit@1.0.1"},
		{name: "twelve", record: "v=spf1" + strings.Repeat(" a:a.example.org", 12) + " -all", lookups: 12, perm: "lookup-limit@10"},
		{name: "redirect with all", record: "v=spf1 redirect=c.example.org -all"},
		{name: "terms behind all", record: "v=spf1 -all a mx include:c.example.org"},
		{name: "redirect", record: "v=spf1 redirect=c.example.org", lookups: 7},
		{name: "redirect runs last", record: "v=spf1 redirect=leaf.example.org a:a.example.org", lookups: 2},
		{name: "upper case", record: "V=SPF1 INCLUDE:LEAF.EXAMPLE.ORG A:A.EXAMPLE.ORG -ALL", lookups: 2},
		{name: "free terms", record: "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 exp=gone.example.org -all"},
		{name: "ptr", record: "v=spf1 ptr -all", lookups: 1, void4: Voids{Possible: 1}, void6: Voids{Possible: 1}},

		{name: "no such include", record: "v=spf1 include:gone.example.org -all", lookups: 1, perm: "no-record@0"},
		{name: "an include without record is not void", record: "v=spf1 include:txt.example.org -all", lookups: 1, perm: "no-record@0"},
		{name: "redirect without record", record: "v=spf1 redirect=txt.example.org", lookups: 1, perm: "no-record@0"},
		{name: "several records", record: "v=spf1 include:two.example.org -all", lookups: 1, perm: "multiple-records@0"},
		{name: "malformed include", record: "v=spf1 include:bad.example.org -all", lookups: 1, perm: "syntax@0"},
		{name: "malformed", record: "v=spf1 moo a:a.example.org -all", lookups: 1, perm: "syntax@"},
		{name: "malformed name", record: "v=spf1 include:a..example.org -all", lookups: 1, perm: "bad-target@0"},
		{name: "loop", record: "v=spf1 include:loop1.example.org -all", lookups: 4, atLeast: true, perm: "loop@0.0.1"},
		{name: "loop of one", record: "v=spf1 redirect=example.com", lookups: 1, atLeast: true, perm: "loop@0"},
		{name: "all of three faults", record: "v=spf1 include:gone.example.org include:bad.example.org include:two.example.org -all", lookups: 3, perm: "no-record@0 syntax@1 multiple-records@2"},
		{name: "too many hosts", record: "v=spf1 mx:many.example.org -all", lookups: 1, perm: "mx-limit@0"},

		{name: "three void", record: "v=spf1 a:x1.example.org mx:x2.example.org exists:x3.example.org -all", lookups: 3, void4: Voids{Proven: 3}, void6: Voids{Proven: 3}, perm: "void-limit@2"},
		{name: "two void", record: "v=spf1 a:x1.example.org a:x1.example.org -all", lookups: 2, void4: Voids{Proven: 2}, void6: Voids{Proven: 2}},
		{name: "void for IPv6 only", record: "v=spf1 a:four.example.org a:four.example.org a:four.example.org -all", lookups: 3, void6: Voids{Proven: 3}, perm: "void-limit@2/6"},
		{name: "null mx is not void", record: "v=spf1 mx:null.example.org -all", lookups: 1},
		{name: "macros", record: "v=spf1 include:macro.example.org -all", lookups: 3, atLeast: true, void4: Voids{Possible: 1}, void6: Voids{Possible: 1}},
		{name: "macros that are known", record: "v=spf1 include:leaf.%{d1r}ple.org a:a.%{o2}.%{d}..example.org -all", lookups: 2, perm: "no-record@0"},

		{name: "what passes everybody ends it", record: "v=spf1 include:open.example.org" + strings.Repeat(" a:a.example.org", 12), lookups: 1},
		{name: "what passes not quite everybody does not", record: "v=spf1 include:notall.example.org a:a.example.org -all", lookups: 2},
		{name: "one family only", record: "v=spf1 ip4:0.0.0.0/0" + strings.Repeat(" a:four.example.org", 3), lookups: 3, void6: Voids{Proven: 3}, perm: "void-limit@3/6"},
		{name: "a known exists", record: "v=spf1 exists:a.example.org a mx", lookups: 1},

		{name: "failed include", record: "v=spf1 include:broken.example.org a:a.example.org -all", lookups: 2, atLeast: true},
		{name: "failed a", record: "v=spf1 a:broken.example.org -all", lookups: 1, atLeast: true},
	} {
		tree := lookup(netA+many.String()+"example.com TXT "+c.record, "Example.COM.")
		if tree.Lookups != c.lookups || tree.AtLeast != c.atLeast {
			t.Errorf("%s: %d lookups (at least: %v), want %d (%v)", c.name, tree.Lookups, tree.AtLeast, c.lookups, c.atLeast)
		}
		if tree.Void4 != c.void4 || tree.Void6 != c.void6 {
			t.Errorf("%s: voids %+v and %+v, want %+v and %+v", c.name, tree.Void4, tree.Void6, c.void4, c.void6)
		}
		if got := codes(tree.PermErrors); got != c.perm {
			t.Errorf("%s: permerrors %q, want %q", c.name, got, c.perm)
		}
		if tree.Incomplete != strings.HasPrefix(c.name, "failed") {
			t.Errorf("%s: incomplete %v: %v", c.name, tree.Incomplete, tree.TempErrors)
		}
	}
}

func TestTreeWithoutRecord(t *testing.T) {
	for _, c := range []struct{ lines, perm, temp string }{
		{"example.com A 192.0.2.1", "", ""},
		{"example.org A 192.0.2.1", "", ""},
		{"example.com TXT v=spf10 -all", "", ""},
		{"example.com FAIL", "", "lookup-failed@"},
		{"example.com TXT v=spf1 -all\nexample.com TXT v=spf1 ~all", "multiple-records@", ""},
	} {
		tree := lookup(c.lines, "example.com")
		if tree.Root.Record != nil || codes(tree.PermErrors) != c.perm || codes(tree.TempErrors) != c.temp {
			t.Errorf("%q: record %v, %q, %q", c.lines, tree.Root.Record, codes(tree.PermErrors), codes(tree.TempErrors))
		}
	}
	tree := lookup("example.com TXT v=spf10 -all\nexample.com TXT v=spf1 a:x.example.com -all\nx.example.com A 192.0.2.1", "example.com")
	if tree.Root.Record == nil || len(tree.PermErrors) > 0 || len(tree.Root.Near) != 1 {
		t.Errorf("a near miss beside a good record: %+v", tree.PermErrors)
	}
	for _, domain := range []string{"", "com", "a..example.com", "[192.0.2.1]", strings.Repeat("x", 64) + ".com"} {
		w := newWorld("com TXT v=spf1 +all")
		if tree := Lookup(t.Context(), w, domain); len(w.asked) > 0 || tree.Root.Record != nil || len(tree.TempErrors) > 0 {
			t.Errorf("%q: asked %v", domain, w.asked)
		}
	}
}

// Joined strings, the running count of each term, and what the tree shows.
func TestSteps(t *testing.T) {
	tree := lookup(netA+`example.com TXT "v=spf1 mx inc" "lude:c.example.org ip4:203.0.113.0/24 a:four.example.org ~all"
example.com MX 5 a.example.org.`, "example.com")
	var got []string
	for n, s := range tree.Steps() {
		got = append(got, fmt.Sprintf("%s %s %s cost %d subtree %d running %d", s.At, n.Owner, s.Term, s.Cost, s.Subtree, s.Running))
	}
	want := []string{
		"0 example.com mx cost 1 subtree 1 running 1",
		"1 example.com include:c.example.org cost 1 subtree 7 running 8",
		"1.0 c.example.org include:b.example.org cost 1 subtree 3 running 5",
		"1.0.0 b.example.org a:a.example.org cost 1 subtree 1 running 4",
		"1.0.1 b.example.org a:a.example.org cost 1 subtree 1 running 5",
		"1.0.2 b.example.org -all cost 0 subtree 0 running 5",
		"1.1 c.example.org include:b.example.org cost 1 subtree 3 running 8",
		"1.1.0 b.example.org a:a.example.org cost 1 subtree 1 running 7",
		"1.1.1 b.example.org a:a.example.org cost 1 subtree 1 running 8",
		"1.1.2 b.example.org -all cost 0 subtree 0 running 8",
		"1.2 c.example.org -all cost 0 subtree 0 running 8",
		"2 example.com ip4:203.0.113.0/24 cost 0 subtree 0 running 8",
		"3 example.com a:four.example.org cost 1 subtree 1 running 9",
		"4 example.com ~all cost 0 subtree 0 running 9",
	}
	if !slices.Equal(got, want) {
		t.Errorf("steps\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if tree.Ends != "~all" || tree.Decides != tree.Root || tree.Millis != 80 {
		t.Errorf("ends %q, %d ms", tree.Ends, tree.Millis)
	}
	var names []string
	for _, target := range tree.Targets() {
		names = append(names, target.Name)
	}
	if want := "a.example.org c.example.org b.example.org four.example.org"; strings.Join(names, " ") != want {
		t.Errorf("targets %v, want %s", names, want)
	}
}

func TestEnds(t *testing.T) {
	for _, c := range []struct{ lines, ends, owner string }{
		{"example.com TXT v=spf1 all", "+all", "example.com"},
		{"example.com TXT v=spf1 ?all", "?all", "example.com"},
		{"example.com TXT v=spf1 a", "none", "example.com"},
		{"example.com TXT v=spf1 redirect=r.example.org\nr.example.org TXT v=spf1 redirect=s.example.org\ns.example.org TXT v=spf1 ~all", "~all", "s.example.org"},
		{"example.com TXT v=spf1 redirect=r.example.org -all\nr.example.org TXT v=spf1 ~all", "-all", "example.com"},
		{"example.com TXT v=spf1 redirect=%{h}.example.org", "", ""},
		{"example.com TXT v=spf1 redirect=gone.example.org", "", ""},
		{"example.com TXT v=spf1 redirect=%{d2}.x.example.org\nexample.com.x.example.org TXT v=spf1 -all", "-all", "example.com.x.example.org"},
	} {
		tree := lookup(c.lines, "example.com")
		owner := ""
		if tree.Decides != nil {
			owner = tree.Decides.Owner
		}
		if tree.Ends != c.ends || owner != c.owner {
			t.Errorf("%s: ends %q at %q, want %q at %q", c.lines, tree.Ends, owner, c.ends, c.owner)
		}
	}
}

func TestExplanation(t *testing.T) {
	const base = "why.example.com TXT see %{d}\nmany.example.com TXT one\nmany.example.com TXT two\n" +
		"odd.example.com TXT caf\u00e9\nbad.example.com TXT 100% sure\n"
	for _, c := range []struct{ record, want string }{
		{"v=spf1 -all exp=why.example.com", ""},
		{"v=spf1 -all exp=gone.example.com", "exp-missing!@0"},
		{"v=spf1 -all exp=many.example.com", "exp-multiple!@0"},
		{"v=spf1 -all exp=odd.example.com", "exp-not-ascii!@3"},
		{"v=spf1 -all exp=bad.example.com", "bad-macro!@3"},
		{"v=spf1 redirect=r.example.com", "exp-missing!@0"},
		{"v=spf1 include:r.example.com -all", "none"},
		{"v=spf1 -all exp=%{i}.example.com", "dynamic"},
	} {
		tree := lookup(base+"r.example.com TXT v=spf1 -all exp=gone.example.com\nexample.com TXT "+c.record, "example.com")
		n, got := tree.Decides, "none"
		if n.Exp != nil {
			got = strings.ReplaceAll(strings.ReplaceAll(show(n.Exp.Problems), "!", ""), "@", "!@")
			if n.Exp.Dynamic {
				got = "dynamic"
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.record, got, c.want)
		}
	}
}

// Every name is asked for once, however often it is evaluated.
func TestLookupAsksOnce(t *testing.T) {
	w := newWorld(netA + "example.com TXT v=spf1 include:c.example.org include:b.example.org mx:mx.example.org -all")
	Lookup(t.Context(), w, "example.com")
	for ref, n := range w.asked {
		// An address may be asked for by a and behind mx: the Source remembers it.
		if n > 1 && !strings.Contains(string(ref), " a.example.org") {
			t.Errorf("%s was asked %d times", ref, n)
		}
	}
	if w.asked["dns:SPF example.com"] != 1 {
		t.Error("the withdrawn type SPF was not asked for")
	}
}

// slow answers after one second of virtual time.
type slow struct{ *world }

func (s slow) DNS(ctx context.Context, q wire.Question) wire.Answer {
	time.Sleep(time.Second)
	return s.world.DNS(ctx, q)
}

// A walk takes as many round trips as its longest chain has links: here three
// records, then the MX records behind the last one, then their addresses.
func TestLookupLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		tree := Lookup(t.Context(), slow{newWorld(netA + `
example.com TXT v=spf1 include:c.example.org include:x1.example.com mx:mx.example.org a:four.example.org -all
x1.example.com TXT v=spf1 include:x2.example.com include:leaf.example.org -all
x2.example.com TXT v=spf1 mx:mx2.example.org a:four.example.org -all
mx2.example.org MX 1 a.example.org.
`)}, "example.com")
		if took := time.Since(start); took != 5*time.Second || tree.Lookups != 14 {
			t.Errorf("%d lookups took %v, want 14 in 5s", tree.Lookups, took)
		}
	})
}

// A record as long as an answer can be costs bounded memory, and is reported.
func TestHugeRecord(t *testing.T) {
	for _, text := range []string{
		"v=spf1" + strings.Repeat(" a", 32000), "v=spf1 a:" + strings.Repeat("%", 64000), "v=spf1 " + strings.Repeat("moo=", 16000),
	} {
		tree := lookup("example.com TXT "+text, "example.com")
		tree.Savings()
		r := tree.Root.Record
		if long := show(r.Problems); len(r.Terms) > maxTerms || strings.Contains(long, string(CodeTooLong)) != tree.Cut {
			t.Errorf("%.20s: %d terms, cut %v", text, len(r.Terms), tree.Cut)
		}
		for _, p := range r.Problems {
			if len(p.Text) > 3*maxQuoted {
				t.Errorf("%.20s: a text of %d octets", text, len(p.Text))
			}
		}
		check(newWorld("example.com TXT "+text), "203.0.113.1", "x@example.com", "")
	}
}

// A record made to explode stays within bounds, and is reported as such.
func TestLookupBounds(t *testing.T) {
	var b strings.Builder
	for level := range 20 {
		fmt.Fprintf(&b, "l%d.example.com TXT v=spf1", level)
		for range 20 {
			fmt.Fprintf(&b, " include:l%d.example.com a:h%d.example.com mx:m%d.example.com", level+1, level, level)
		}
		b.WriteString(" -all\n")
	}
	for i := range 200 {
		fmt.Fprintf(&b, "wide.example.com TXT v=spf1 ip4:192.0.2.1\n")
		fmt.Fprintf(&b, "w%d.example.com TXT v=spf1 -all\n", i)
	}
	b.WriteString("flat.example.com TXT v=spf1")
	for i := range 200 {
		fmt.Fprintf(&b, " include:w%d.example.com", i)
	}
	b.WriteString(" -all\n")
	w := newWorld(b.String())
	for _, domain := range []string{"l0.example.com", "flat.example.com"} {
		clear(w.asked)
		tree := Lookup(t.Context(), w, domain)
		if !tree.Cut || !tree.AtLeast || !strings.Contains(codes(tree.PermErrors), "lookup-limit") {
			t.Errorf("%s: cut %v, %s", domain, tree.Cut, codes(tree.PermErrors))
		}
		if len(w.asked) > 2*maxDomains+2*maxTargets {
			t.Errorf("%s: %d questions", domain, len(w.asked))
		}
		tree.Savings()
		tree.Covered()
	}
}
