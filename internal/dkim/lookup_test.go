package dkim

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mxvet/internal/wire"
)

// answers is a Source of canned answers by name; other names do not exist.
type answers struct {
	wire.Source
	byName map[string]wire.Answer
	delay  time.Duration
	mu     *sync.Mutex
	asked  map[string]int
}

func (a answers) DNS(_ context.Context, q wire.Question) wire.Answer {
	q = q.Canonical()
	a.mu.Lock()
	a.asked[q.Type+" "+q.Name]++
	a.mu.Unlock()
	time.Sleep(a.delay)
	if answer, ok := a.byName[q.Name]; ok && q.Type == "TXT" {
		return answer
	}
	if answer, ok := a.byName["*"]; ok && strings.Count(q.Name, ".") > 2 {
		for i, rr := range answer.Answer {
			answer.Answer = slices.Clone(answer.Answer)
			answer.Answer[i] = strings.Replace(rr, "*.", q.Name+".", 1)
		}
		return answer
	}
	return wire.Answer{Rcode: "NXDOMAIN"}
}

func newAnswers(byName map[string]wire.Answer) answers {
	return answers{byName: byName, mu: new(sync.Mutex), asked: map[string]int{}}
}

// txt gives an answer with one TXT record of a string per argument list.
func txt(name string, records ...string) wire.Answer {
	a := wire.Answer{Rcode: "NOERROR"}
	for _, r := range records {
		if len(r) > 255 {
			r = r[:255] + `" "` + r[255:]
		}
		a.Answer = append(a.Answer, name+".\t300\tIN\tTXT\t\""+r+`"`)
	}
	return a
}

func alias(name, target string, rest wire.Answer) wire.Answer {
	rest.Answer = append([]string{name + ".\t300\tIN\tCNAME\t" + target + "."}, rest.Answer...)
	return rest
}

const (
	base    = "_domainkey.example.com"
	control = "mxvet0control"
)

var (
	nodata   = wire.Answer{Rcode: "NOERROR"}
	nxdomain = wire.Answer{Rcode: "NXDOMAIN"}
	servfail = wire.Answer{Fail: &wire.Fail{Kind: wire.FailServfail}}
	goodKey  = "v=DKIM1; k=rsa; p=" + rsa2048
)

func lookup(byName map[string]wire.Answer, candidates ...Candidate) *Result {
	return Lookup(context.Background(), newAnswers(byName), "Example.COM.", candidates, control)
}

func TestLookup(t *testing.T) {
	r := lookup(
		map[string]wire.Answer{
			base:                nodata,
			"named." + base:     txt("named."+base, goodKey),
			"guess." + base:     txt("guess."+base, "v=DKIM1; p="+rsa1024),
			"other." + base:     txt("other."+base, "not a key at all"),
			"two." + base:       txt("two."+base, goodKey, "v=DKIM1; p="),
			"alias." + base:     alias("alias."+base, "a.dkim.example.net", txt("a.dkim.example.net", goodKey)),
			"dangling." + base:  alias("dangling."+base, "b.dkim.example.net", nxdomain),
			"empty." + base:     alias("empty."+base, "c.dkim.example.net", nodata),
			"broken." + base:    servfail,
			"strange." + base:   txt("strange."+base, "some text"),
			"2026.sub." + base:  txt("2026.sub."+base, goodKey),
			"_adsp." + base:     txt("_adsp."+base, "dkim=discardable"),
			"unrelated.example": txt("unrelated.example", goodKey),
		},
		Candidate{"named", SourceUser, ""}, Candidate{"NAMED", SourceCommon, ""}, Candidate{"absent", SourceConfig, ""},
		Candidate{"guess", SourceCommon, ""}, Candidate{"nothing", SourceCommon, ""}, Candidate{"other", SourceCommon, ""},
		Candidate{"two", SourceMessage, ""}, Candidate{"alias", SourceProvider, "acme"}, Candidate{"dangling", SourceCommon, ""},
		Candidate{"empty", SourceCommon, ""}, Candidate{"broken", SourceUser, ""}, Candidate{"strange", SourceUser, ""},
		Candidate{"2026.sub", SourceUser, ""}, Candidate{"bad name", SourceUser, ""}, Candidate{"", SourceUser, ""},
	)
	get := func(name string) Selector {
		i := slices.IndexFunc(r.Selectors, func(s Selector) bool { return s.Name == name })
		if i < 0 {
			t.Fatalf("no selector %q", name)
		}
		return r.Selectors[i]
	}
	if len(r.Selectors) != 14 {
		t.Errorf("%d selectors, want 14: one is a duplicate", len(r.Selectors))
	}
	for _, tt := range []struct {
		name                     string
		found, missing, dangling bool
		records                  int
	}{
		{"named", true, false, false, 1},
		{"absent", false, true, false, 0},
		{"guess", true, false, false, 1},
		{"nothing", false, true, false, 0},
		{"other", false, false, false, 1},
		{"two", true, false, false, 2},
		{"alias", true, false, false, 1},
		{"dangling", false, true, true, 0},
		{"empty", false, true, true, 0},
		{"broken", false, false, false, 0},
		{"strange", true, false, false, 1},
		{"2026.sub", true, false, false, 1},
	} {
		s := get(tt.name)
		if s.Found != tt.found || s.Missing() != tt.missing || s.Dangling != tt.dangling || len(s.Records) != tt.records || s.Wildcard {
			t.Errorf("%s: %+v", tt.name, s)
		}
		if s.Ref != wire.Ref("dns:TXT "+tt.name+"."+base) {
			t.Errorf("%s: ref %q", tt.name, s.Ref)
		}
	}
	if s := get("alias"); !slices.Equal(s.Chain, []string{"a.dkim.example.net"}) || s.Provider != "acme" || s.Records[0].Key.Bits != 2048 || len(s.Records[0].Strings) != 2 {
		t.Errorf("alias: %+v", s)
	}
	if get("bad name").Invalid == "" || get("").Invalid == "" || get("bad name").Missing() {
		t.Error("names that cannot be asked")
	}
	if !get("absent").Named() || get("nothing").Named() {
		t.Error("Named")
	}
	if r.CanExist() != ExistYes || len(r.ADSPPolicies) != 1 || len(r.OldPolicies) != 0 {
		t.Errorf("exist %s, adsp %v, old %v", r.CanExist(), r.ADSPPolicies, r.OldPolicies)
	}
	same := r.SameKey()
	if len(same) != 1 || !slices.Equal(same[0].Selectors, []string{"named", "two", "alias", "2026.sub"}) {
		t.Errorf("same key: %+v", same)
	}
}

func TestWildcard(t *testing.T) {
	r := lookup(map[string]wire.Answer{
		"*":             txt("*", goodKey),
		"named." + base: txt("named."+base, goodKey),
		"own." + base:   txt("own."+base, "v=DKIM1; p="+rsa1024),
	}, Candidate{"guess", SourceCommon, ""}, Candidate{"named", SourceUser, ""}, Candidate{"own", SourceCommon, ""})
	if g := r.Selectors[0]; g.Found || !g.Wildcard {
		t.Errorf("a guess answered by the wildcard: %+v", g)
	}
	if n := r.Selectors[1]; !n.Found || !n.Wildcard {
		t.Errorf("a named selector answered by the wildcard: %+v", n)
	}
	if o := r.Selectors[2]; !o.Found || o.Wildcard {
		t.Errorf("a key of its own: %+v", o)
	}
	if len(r.WildcardKeys()) != 1 || !r.WildcardKeys()[0].Key.Usable() || len(r.ADSPPolicies) != 0 || len(r.SameKey()) != 0 {
		t.Errorf("wildcard keys %+v", r.WildcardKeys())
	}

	r = lookup(map[string]wire.Answer{"*": alias("*", "gone.example.net", nxdomain)}, Candidate{"guess", SourceCommon, ""})
	if g := r.Selectors[0]; g.Found || !g.Wildcard || !g.Dangling {
		t.Errorf("a guess answered by a dangling wildcard alias: %+v", g)
	}
}

// The texts of a wildcard may come in any order.
func TestSameAs(t *testing.T) {
	c := Selector{Owner: "c." + base, Answer: nodata, Records: []Record{{Text: "a"}, {Text: "b"}}}
	for i, tt := range []struct {
		s    Selector
		want bool
	}{
		{Selector{Answer: nodata, Records: []Record{{Text: "b"}, {Text: "a"}}}, true},
		{Selector{Answer: nodata, Records: []Record{{Text: "a"}}}, false},
		{Selector{Answer: nodata, Records: []Record{{Text: "a"}, {Text: "c"}}}, false},
		{Selector{Answer: servfail, Records: []Record{{Text: "a"}, {Text: "b"}}}, false},
	} {
		if got := tt.s.sameAs(c); got != tt.want {
			t.Errorf("%d: %v", i, got)
		}
		if got := c.sameAs(tt.s); got != tt.want {
			t.Errorf("%d, the other way: %v", i, got)
		}
	}
	nothing, one, two := Selector{Answer: nodata}, Selector{Answer: nodata, Chain: []string{"x", "z"}}, Selector{Answer: nodata, Chain: []string{"z"}}
	if nothing.sameAs(nothing) || one.sameAs(nothing) || nothing.sameAs(one) || !one.sameAs(two) || one.sameAs(Selector{Answer: nodata, Chain: []string{"x"}}) {
		t.Error("aliases into nothing")
	}
}

// A name that is too long by one octet, or has such a label, is not asked.
func TestInvalidSelectors(t *testing.T) {
	label := strings.Repeat("a", 63)
	long := strings.Join([]string{label, label, label}, ".")
	fits := long + "." + strings.Repeat("a", 253-len(long)-1-len(".")-len(base))
	for name, want := range map[string]bool{
		label: true, label + "a": false, fits: true, fits + "a": false, "a..b": false, "a.": true, "A_1-b": true, "a b": false, "a/b": false,
	} {
		s := lookup(nil, Candidate{name, SourceUser, ""}).Selectors[0]
		if (s.Invalid == "") != want || (s.Ref != "") != want {
			t.Errorf("%s (%d octets): %q, asked %q", name, len(s.Owner), s.Invalid, s.Ref)
		}
	}
}

// Without an answer for the control a guessed key may be a wildcard's, unless some
// name of its own is denied.
func TestDoubt(t *testing.T) {
	key := txt("guess."+base, goodKey)
	for _, tt := range []struct {
		name             string
		other            wire.Answer
		candidate        string
		wildcard, doubts bool
	}{
		{"a denial", nxdomain, "other", false, false},
		{"an empty name", nodata, "other", true, true},
		{"no answer", servfail, "other", true, true},
		{"an alias to a name that is denied", alias("other."+base, "x.example", nxdomain), "other", true, true},
		{"a name that was not asked", nxdomain, "bad name", true, true},
	} {
		r := lookup(map[string]wire.Answer{control + "." + base: servfail, "guess." + base: key, "other." + base: tt.other, "named." + base: key},
			Candidate{"guess", SourceCommon, ""}, Candidate{tt.candidate, SourceCommon, ""}, Candidate{"named", SourceUser, ""})
		g := r.Selectors[0]
		if r.MayHaveWildcard() != tt.wildcard || g.Doubtful != tt.doubts || g.Found == tt.doubts || !r.Selectors[2].Found || r.Selectors[2].Doubtful {
			t.Errorf("%s: a wildcard %v, %+v", tt.name, r.MayHaveWildcard(), g)
		}
	}
}

func TestCanExist(t *testing.T) {
	guess := Candidate{"guess", SourceCommon, ""}
	for _, tt := range []struct {
		name   string
		zone   map[string]wire.Answer
		want   string
		broken bool
	}{
		{"nothing", nil, ExistNo, false},
		{"empty non-terminal", map[string]wire.Answer{base: nodata}, ExistMaybe, false},
		{"no answer", map[string]wire.Answer{base: servfail}, ExistUnknown, false},
		{"key", map[string]wire.Answer{base: nodata, "guess." + base: txt("guess."+base, goodKey)}, ExistYes, false},
		{"key under a denied name", map[string]wire.Answer{"guess." + base: txt("guess."+base, goodKey)}, ExistYes, true},
		{"another type under a denied name", map[string]wire.Answer{"guess." + base: nodata}, ExistUnknown, true},
		{"alias under a denied name", map[string]wire.Answer{"guess." + base: alias("guess."+base, "x.example", nxdomain)}, ExistUnknown, true},
		{"wildcard text under a denied name", map[string]wire.Answer{base: nxdomain, "*": txt("*", "hello")}, ExistUnknown, true},
		{"alias at the name itself", map[string]wire.Answer{base: alias(base, "x.example", nxdomain)}, ExistMaybe, false},
	} {
		r := lookup(tt.zone, guess)
		if got := r.CanExist(); got != tt.want || r.BrokenDenial() != tt.broken {
			t.Errorf("%s: %s, broken %v, want %s, %v", tt.name, got, r.BrokenDenial(), tt.want, tt.broken)
		}
	}
}

func TestOldPolicy(t *testing.T) {
	for text, want := range map[string]int{"o=~; r=postmaster@example.com": 1, "t=y; o=-": 1, "v=spf1 -all": 0, "v=DKIM1; t=y; p=": 0, "anything": 0} {
		r := lookup(map[string]wire.Answer{base: txt(base, text)})
		if len(r.OldPolicies) != want {
			t.Errorf("%q: %v", text, r.OldPolicies)
		}
	}
}

func TestSharedPrimes(t *testing.T) {
	if got := (&Result{}).SharedPrimes(); got != nil {
		t.Errorf("%v", got)
	}
	r := lookup(map[string]wire.Answer{
		"a." + base: txt("a."+base, "p="+rsa1024),
		"b." + base: txt("b."+base, "p="+rsa2048),
	}, Candidate{"a", SourceUser, ""}, Candidate{"b", SourceUser, ""})
	if got := r.SharedPrimes(); got != nil {
		t.Errorf("%v", got)
	}
}

// Every question starts at once and is asked once.
func TestLookupIsParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newAnswers(nil)
		src.delay = time.Second
		var candidates []Candidate
		for _, c := range "abcdefghijklmnopqrstuvwxyz" {
			candidates = append(candidates, Candidate{string(c), SourceCommon, ""})
		}
		start := time.Now()
		Lookup(t.Context(), src, "example.com", candidates, control)
		if d := time.Since(start); d != time.Second {
			t.Errorf("took %v, want one round", d)
		}
		if len(src.asked) != 26+3 {
			t.Errorf("%d questions", len(src.asked))
		}
		for q, n := range src.asked {
			if n != 1 {
				t.Errorf("%s asked %d times", q, n)
			}
		}
	})
}

// A denial that an alias leads to says nothing about the names below _domainkey: only
// one of the name itself can be broken.
func TestDenialBehindAnAlias(t *testing.T) {
	denied, found := wire.Answer{Rcode: "NXDOMAIN"}, wire.Answer{Rcode: "NOERROR"}
	for chain, want := range map[string]bool{"": true, "keys.example.net": false, "a.example.net keys.example.net": false} {
		r := Result{Base: Selector{Answer: denied, Chain: strings.Fields(chain)}, Selectors: []Selector{{Name: "s1", Answer: found}}}
		if got := r.BrokenDenial(); got != want {
			t.Errorf("chain %q: %v", chain, got)
		}
	}
}
