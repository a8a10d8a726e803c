package report

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mxvet/internal/spf"
	"mxvet/internal/wire"
)

// A zoneText answers TXT, A, AAAA and MX questions from a table; names that are
// not in it do not exist.
type zoneText map[string]string

func (z zoneText) DNS(_ context.Context, q wire.Question) wire.Answer {
	q = q.Canonical()
	exists := false
	for key := range z {
		exists = exists || strings.HasSuffix(key, " "+q.Name)
	}
	if !exists {
		return wire.Answer{Rcode: "NXDOMAIN"}
	}
	a := wire.Answer{Rcode: "NOERROR"}
	if data, there := z[q.Type+" "+q.Name]; there {
		a.Answer = []string{fmt.Sprintf("%s.\t60\tIN\t%s\t%s", q.Name, q.Type, data)}
	}
	return a
}

func (zoneText) Fetch(context.Context, wire.Request) wire.Page { return wire.Page{} }
func (zoneText) Talk(context.Context, wire.Probe) wire.Session { return wire.Session{} }

func TestSPFTree(t *testing.T) {
	z := zoneText{
		"TXT example.com":      `"v=spf1 mx include:_spf.example.net a:gone.example.com include:lost.example.net -all"`,
		"MX example.com":       "10 mx.example.com.",
		"A mx.example.com":     "192.0.2.1",
		"TXT _spf.example.net": `"v=spf1 ip4:192.0.2.0/24 exists:%{i}.example.net ~all"`,
	}
	tree := spfTree(spf.Lookup(t.Context(), z, "example.com"))
	if tree == nil {
		t.Fatal("no tree")
	}
	if tree.Limit != 10 || tree.Lookups != 5 || tree.Voids == 0 || !strings.HasPrefix(tree.Record, "v=spf1 mx ") {
		t.Errorf("tree %+v", tree)
	}
	var got []string
	var walk func(terms []SPFTerm, depth int)
	walk = func(terms []SPFTerm, depth int) {
		for _, x := range terms {
			got = append(got, fmt.Sprintf("%d %s %d %t", depth, x.Text, x.Lookups, x.Problem != ""))
			walk(x.Terms, depth+1)
		}
	}
	walk(tree.Terms, 0)
	want := []string{
		"0 mx 1 false", "0 include:_spf.example.net 2 false", "1 ip4:192.0.2.0/24 0 false", "1 exists:%{i}.example.net 1 true", "1 ~all 0 false",
		"0 a:gone.example.com 1 true", "0 include:lost.example.net 1 true", "0 -all 0 false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("terms\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if spfTree(nil) != nil || spfTree(spf.Lookup(t.Context(), zoneText{}, "example.com")) != nil {
		t.Error("a tree without a record")
	}
}

// TestSPFTreeBounded holds that a record with very many terms is cut.
func TestSPFTreeBounded(t *testing.T) {
	terms := strings.Repeat(` "ip4:192.0.2.1 "`, 3000)
	tree := spfTree(spf.Lookup(t.Context(), zoneText{"TXT example.com": `"v=spf1 "` + terms + ` "-all"`}, "example.com"))
	if tree == nil || len(tree.Terms) > maxSPFTerms || len(tree.Record) > maxSummary {
		t.Fatalf("tree is not bounded: %v", tree != nil)
	}
}
