package mtasts

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mxvet/internal/wire"
)

// A world answers from two tables, each request after a time. DNS keys are "TYPE
// name", values the data of the records; pages are by address.
type world struct {
	dns   map[string][]string
	pages map[string]wire.Page
	delay map[string]time.Duration // by DNS key or address; 100 ms where absent
}

func (w world) wait(key string) {
	if d, ok := w.delay[key]; ok {
		time.Sleep(d)
		return
	}
	time.Sleep(100 * time.Millisecond)
}

func (w world) DNS(_ context.Context, q wire.Question) wire.Answer {
	q = q.Canonical()
	w.wait(q.Type + " " + q.Name)
	a := wire.Answer{Rcode: "NOERROR"}
	for _, data := range w.dns[q.Type+" "+q.Name] {
		if kind, ok := strings.CutPrefix(data, "FAIL "); ok {
			return wire.Answer{Fail: &wire.Fail{Kind: kind}}
		}
		owner, rrtype := q.Name, q.Type
		if alias, ok := strings.CutPrefix(data, "CNAME "); ok {
			rrtype, data = "CNAME", alias
		}
		a.Answer = append(a.Answer, owner+".\t300\tIN\t"+rrtype+"\t"+data)
	}
	if a.Answer == nil {
		a.Rcode = "NXDOMAIN"
	}
	slices.Sort(a.Answer)
	return a
}

func (w world) Fetch(_ context.Context, r wire.Request) wire.Page {
	w.wait(r.Addr.Addr().String())
	if r.URL != "https://mta-sts.example.com/.well-known/mta-sts.txt" || r.Addr.Port() != 443 {
		return wire.Page{Status: 404}
	}
	if p, ok := w.pages[r.Addr.Addr().String()]; ok {
		return p
	}
	return wire.Page{Fail: &wire.Fail{Kind: wire.FailRefused}}
}

func (w world) Talk(context.Context, wire.Probe) wire.Session { panic("mtasts talked to a server") }

func page(body string) wire.Page {
	return wire.Page{Status: 200, ContentType: "text/plain", Body: []byte(body)}
}

const policy = "version: STSv1\r\nmode: enforce\r\nmx: mx.example.com\r\nmax_age: 604800\r\n"

func TestLookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := page(policy)
		broken.Fail = &wire.Fail{Kind: wire.FailTLS}
		w := world{
			dns: map[string][]string{
				"TXT _mta-sts.example.com":             {`"v=STSv1; " "id=1;"`, `"v=spf1 -all"`, `"v=STSv1 ; id=2"`},
				"TXT example.com":                      {`"v=STSv1; id=1"`, `"other"`},
				"TXT _mta-sts.example.com.example.com": {`"v=STSv1; id=1"`},
				"A mta-sts.example.com":                {"CNAME sts.example.net.", "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"},
				"AAAA mta-sts.example.com":             {"2001:db8::1"},
			},
			pages: map[string]wire.Page{
				"192.0.2.1":   broken,
				"192.0.2.2":   {Status: 301, Location: "https://example.com/"},
				"192.0.2.3":   page(strings.ReplaceAll(policy, "\r\n", "\n")),
				"2001:db8::1": page(policy),
			},
		}
		start := time.Now()
		r := Lookup(t.Context(), w, "Example.com.", false)
		if took := time.Since(start); took != 200*time.Millisecond {
			t.Errorf("took %v, want two rounds", took)
		}
		if len(r.Records) != 1 || r.Record().ID != "1" || len(r.Others) != 1 {
			t.Errorf("records %d, others %d", len(r.Records), len(r.Others))
		}
		if len(r.Apex.Records) != 1 || len(r.Doubled.Records) != 1 {
			t.Errorf("misplaced: %d, %d", len(r.Apex.Records), len(r.Doubled.Records))
		}
		var got []string
		for _, f := range r.Pages {
			s := f.Addr.String()
			if f.Policy != nil {
				s += "+"
			}
			got = append(got, s)
		}
		if want := []string{"192.0.2.1", "192.0.2.2", "2001:db8::1+", "192.0.2.3+"}; !slices.Equal(got, want) {
			t.Errorf("pages %q, want %q", got, want)
		}
		if want := []netip.Addr{netip.MustParseAddr("192.0.2.4"), netip.MustParseAddr("192.0.2.5")}; !slices.Equal(r.Skipped, want) {
			t.Errorf("skipped %v", r.Skipped)
		}
		if r.Differs() {
			t.Error("line ends make no difference")
		}
		if p := r.Policy(); p == nil || p.Mode != Enforce {
			t.Errorf("policy %+v", p)
		}
		if r.NoHost() || !slices.Equal(r.HostChain, []string{"sts.example.net"}) {
			t.Errorf("host chain %q", r.HostChain)
		}
		if r.Pages[3].Ref != "get:https://mta-sts.example.com/.well-known/mta-sts.txt@192.0.2.3:443" {
			t.Errorf("ref %q", r.Pages[3].Ref)
		}
	})
}

// The policy is fetched while the TXT record and the other family still wait.
func TestLookupSpeculates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := world{
			dns: map[string][]string{
				"A mta-sts.example.com":    {"192.0.2.1"},
				"AAAA mta-sts.example.com": {"2001:db8::1"},
			},
			pages: map[string]wire.Page{"192.0.2.1": page(policy), "2001:db8::1": page(strings.Replace(policy, "enforce", "testing", 1))},
			delay: map[string]time.Duration{"192.0.2.1": time.Second, "AAAA mta-sts.example.com": 900 * time.Millisecond, "TXT _mta-sts.example.com": time.Second},
		}
		start := time.Now()
		r := Lookup(t.Context(), w, "example.com", false)
		if took := time.Since(start); took != 1100*time.Millisecond {
			t.Errorf("took %v", took)
		}
		if r.Record() != nil || r.Policy() == nil || !r.Differs() {
			t.Errorf("record %v, policy %v, differs %v", r.Record(), r.Policy(), r.Differs())
		}
	})
}

func TestLookupAbsentAndFailing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := Lookup(t.Context(), world{}, "example.com", false)
		if !r.NoHost() || r.Policy() != nil || r.Record() != nil || r.Differs() || !r.TXT.Answer.Missing("TXT") {
			t.Errorf("nothing there: %+v", r)
		}
		r = Lookup(t.Context(), world{dns: map[string][]string{
			"TXT _mta-sts.example.com": {"FAIL servfail"},
			"A mta-sts.example.com":    {"FAIL timeout"},
		}}, "example.com", false)
		if !r.TXT.Failed() || r.NoHost() {
			t.Errorf("failures read as absence: %+v", r)
		}
	})
}

func TestTwoRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := Lookup(t.Context(), world{dns: map[string][]string{
			"TXT _mta-sts.example.com": {`"v=STSv1; id=1"`, `"v=STSv1; id=2"`},
		}}, "example.com", false)
		if r.Record() != nil || len(r.Records) != 2 {
			t.Errorf("%d records", len(r.Records))
		}
	})
}

// A policy that is assumed is the only one, whatever addresses its host has.
func TestAssumedPolicy(t *testing.T) {
	page := wire.Page{Status: 200, Body: []byte("version: STSv1\r\nmode: enforce\r\nmx: mx.example.com\r\nmax_age: 86400\r\n")}
	for _, dns := range []map[string][]string{nil, {"A mta-sts.example.com": {"192.0.2.80"}}} {
		synctest.Test(t, func(t *testing.T) {
			o := wire.NewOverlay(world{dns: dns}, nil, nil)
			o.Pages = map[string]wire.Page{"https://mta-sts.example.com/.well-known/mta-sts.txt": page}
			r := Lookup(t.Context(), o, "example.com", true)
			if len(r.Pages) != 1 || r.Pages[0].Addr.IsValid() || !r.Pages[0].Page.Assumed || r.Policy() == nil || r.Policy().Mode != Enforce {
				t.Errorf("addresses %v: %+v", dns, r.Pages)
			}
		})
	}
}
