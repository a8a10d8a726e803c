package bimi

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"mxvet/internal/wire"
)

// world is a Source of canned answers; names that it does not know do not exist.
type world struct {
	wire.Source
	dns   map[string]wire.Answer // "TYPE name"
	pages map[string]wire.Page   // "URL@ADDRESS"
	delay time.Duration
}

func (w world) DNS(_ context.Context, q wire.Question) wire.Answer {
	time.Sleep(w.delay)
	q = q.Canonical()
	if a, ok := w.dns[q.Type+" "+q.Name]; ok {
		return a
	}
	return wire.Answer{Rcode: "NXDOMAIN"}
}

func (w world) Fetch(_ context.Context, r wire.Request) wire.Page {
	time.Sleep(w.delay)
	if p, ok := w.pages[r.URL+"@"+r.Addr.String()]; ok {
		return p
	}
	return wire.Page{Fail: &wire.Fail{Kind: wire.FailRefused}}
}

func records(rrtype, name string, data ...string) wire.Answer {
	a := wire.Answer{Rcode: "NOERROR"}
	for _, d := range data {
		a.Answer = append(a.Answer, name+".\t300\tIN\t"+rrtype+"\t"+d)
	}
	return a
}

const (
	own      = "default._bimi.news.example.com"
	org      = "default._bimi.example.com"
	logoURL  = "https://www.example.com/logo.svg"
	markURL  = "https://www.example.com:8443/mark.pem"
	goodText = `"v=BIMI1; l=` + logoURL + `; a=` + markURL + `"`
)

func TestLookupPlaces(t *testing.T) {
	servfail := wire.Answer{Fail: &wire.Fail{Kind: wire.FailServfail}}
	nodata := wire.Answer{Rcode: "NOERROR"}
	for _, tt := range []struct {
		name        string
		own, org    wire.Answer
		place       string
		record      bool
		unknown     bool
		ownCounting int
	}{
		{"own", records("TXT", own, goodText), records("TXT", org, goodText), own, true, false, 1},
		{"org", wire.Answer{Rcode: "NXDOMAIN"}, records("TXT", org, goodText), org, true, false, 0},
		{"other text first", records("TXT", own, `"hello"`), records("TXT", org, goodText), org, true, false, 0},
		{"text beside", records("TXT", own, `"hello"`, goodText), nodata, own, true, false, 1},
		{"bad version", records("TXT", own, `"v=bimi1; l=`+logoURL+`"`), nodata, "", false, false, 0},
		{"several", records("TXT", own, goodText, `"v=BIMI1; l="`), records("TXT", org, goodText), own, false, false, 2},
		{"none", nodata, nodata, "", false, false, 0},
		{"own without answer", servfail, records("TXT", org, goodText), "", false, true, 0},
		{"org without answer", nodata, servfail, "", false, true, 0},
		{"org not needed", records("TXT", own, goodText), servfail, own, true, false, 1},
	} {
		w := world{dns: map[string]wire.Answer{"TXT " + own: tt.own, "TXT " + org: tt.org}}
		r := Lookup(context.Background(), w, "News.example.com.", "example.com", "")
		place := ""
		if r.Place != nil {
			place = r.Place.Owner
		}
		if place != tt.place || (r.Record != nil) != tt.record || r.Unknown() != tt.unknown || len(r.Own.Counting()) != tt.ownCounting {
			t.Errorf("%s: place %q record %v unknown %v", tt.name, place, r.Record, r.Unknown())
		}
	}
	w := world{dns: map[string]wire.Answer{
		"TXT brand._bimi.example.com": {Rcode: "NOERROR", Answer: []string{
			"brand._bimi.example.com.\t300\tIN\tCNAME\tx.example.net.", "x.example.net.\t300\tIN\tTXT\t" + goodText,
		}},
	}}
	r := Lookup(context.Background(), w, "example.com", "example.com", "brand")
	if r.Org != nil || r.Record == nil || !slices.Equal(r.Own.Chain, []string{"x.example.net"}) || r.Own.Ref != "dns:TXT brand._bimi.example.com" {
		t.Errorf("%+v", r)
	}
}

func TestLookupDocuments(t *testing.T) {
	middle := authority(t, nil, "Mark Issuing")
	leaf := issue(t, middle, markTemplate(logotype(t, []byte(goodSVG), []byte(goodSVG))))
	w := world{
		dns: map[string]wire.Answer{
			"TXT " + org:           records("TXT", org, goodText),
			"A www.example.com":    records("A", "www.example.com", "192.0.2.1", "192.0.2.2"),
			"AAAA www.example.com": records("AAAA", "www.example.com", "2001:db8::1"),
		},
		pages: map[string]wire.Page{
			logoURL + "@192.0.2.2:443":      {Status: 200, ContentType: "image/svg+xml", Body: []byte(goodSVG)},
			markURL + "@192.0.2.1:8443":     {Status: 200, Body: pemOf(leaf, middle)},
			logoURL + "@[2001:db8::1]:443":  {Status: 500},
			markURL + "@[2001:db8::1]:8443": {Status: 500},
		},
	}
	r := Lookup(context.Background(), w, "example.com", "example.com", "")
	if !r.Logo.Served() || len(r.Logo.Tried) != 2 || r.SVG == nil || len(r.SVG.Problems) > 0 || len(r.Logo.Addrs) != 3 {
		t.Errorf("logo %+v svg %+v", r.Logo, r.SVG)
	}
	if got := r.Logo.Tried[1].Ref; got != "get:"+logoURL+"@192.0.2.2:443" {
		t.Errorf("ref %q", got)
	}
	if !r.Evidence.Served() || r.Mark == nil || len(r.Mark.Problems) > 0 || !r.Mark.SameLogo(r.Logo.Page().Body) {
		t.Errorf("evidence %+v mark %+v", r.Evidence, r.Mark)
	}

	w.pages = map[string]wire.Page{
		logoURL + "@192.0.2.1:443":  {Status: 301, Location: "https://www.example.org/"},
		markURL + "@192.0.2.1:8443": {Fail: &wire.Fail{Kind: wire.FailTLS}, TLS: &wire.TLS{}},
	}
	r = Lookup(context.Background(), w, "example.com", "example.com", "")
	if r.Logo.Served() || len(r.Logo.Tried) != 1 || r.Logo.Page().Location == "" || r.SVG != nil {
		t.Errorf("redirect: %+v", r.Logo)
	}
	if r.Evidence.Served() || len(r.Evidence.Tried) != 3 || r.Mark != nil {
		t.Errorf("tls: %+v", r.Evidence)
	}

	w.dns["A www.example.com"] = wire.Answer{Fail: &wire.Fail{Kind: wire.FailTimeout}}
	w.dns["AAAA www.example.com"] = wire.Answer{Rcode: "NOERROR"}
	r = Lookup(context.Background(), w, "example.com", "example.com", "")
	if r.Logo.Fail == nil || r.Logo.Page() != nil || r.Logo.Served() {
		t.Errorf("host without answer: %+v", r.Logo)
	}

	w.dns["TXT "+org] = records("TXT", org, `"v=BIMI1; l=http://www.example.com/a.svg; a=https://www.example.com:99999/"`)
	r = Lookup(context.Background(), w, "example.com", "example.com", "")
	if r.Logo != nil || r.Record == nil || !r.Record.Has(LocationURI) || r.Evidence.Fail == nil {
		t.Errorf("addresses that cannot be fetched: %+v", r)
	}
}

// Three rounds: the records, the hosts' addresses, the files.
func TestLookupIsParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := world{delay: time.Second, dns: map[string]wire.Answer{
			"TXT " + org:        records("TXT", org, goodText),
			"A www.example.com": records("A", "www.example.com", "192.0.2.1"),
		}}
		start := time.Now()
		Lookup(t.Context(), w, "news.example.com", "example.com", "")
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("took %v, want three rounds", d)
		}
	})
}
