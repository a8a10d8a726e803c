package wire

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// mustQuery gives the query and the message that a server sees.
func mustQuery(t testing.TB, name, rrtype string) (*query, *dns.Msg) {
	t.Helper()
	q, err := newQuery(Question{Name: name, Type: rrtype}, true)
	if err != nil {
		t.Fatal(err)
	}
	m := new(dns.Msg)
	if err := m.Unpack(q.packed); err != nil {
		t.Fatal(err)
	}
	return q, m
}

func TestDNSRecordsThatBelong(t *testing.T) {
	const sig = " 8 2 60 20300101000000 20290101000000 1 example.com. AAAA"
	for _, c := range []struct {
		name, rrtype string
		sent, kept   []string
	}{
		{
			"example.com", "A",
			[]string{"EXAMPLE.com. 60 IN A 192.0.2.2", "example.com. 60 IN A 192.0.2.1", "example.com. 60 IN A 192.0.2.1", "example.com. 60 IN AAAA 2001:db8::1", "example.org. 60 IN A 192.0.2.3", "example.com. 60 CH A 192.0.2.4"},
			[]string{"example.com. 60 IN A 192.0.2.1", "example.com. 60 IN A 192.0.2.2"},
		},
		{
			"a.example.com", "A",
			[]string{"c.example.com. 60 IN A 192.0.2.1", "b.example.com. 60 IN CNAME C.example.com.", "a.example.com. 60 IN CNAME b.example.com.", "d.example.com. 60 IN CNAME e.example.com.", "e.example.com. 60 IN A 192.0.2.2"},
			[]string{"a.example.com. 60 IN CNAME b.example.com.", "b.example.com. 60 IN CNAME C.example.com.", "c.example.com. 60 IN A 192.0.2.1"},
		},
		{
			"a.example.com", "CNAME",
			[]string{"a.example.com. 60 IN CNAME b.example.com.", "b.example.com. 60 IN CNAME c.example.com."},
			[]string{"a.example.com. 60 IN CNAME b.example.com."},
		},
		{
			"loop.example.com", "A",
			[]string{"loop.example.com. 60 IN CNAME x.example.com.", "x.example.com. 60 IN CNAME loop.example.com."},
			[]string{"loop.example.com. 60 IN CNAME x.example.com.", "x.example.com. 60 IN CNAME loop.example.com."},
		},
		{
			"a.example.com", "MX",
			[]string{"a.example.com. 60 IN RRSIG MX" + sig, "a.example.com. 60 IN MX 10 mx.example.com.", "a.example.com. 60 IN RRSIG A" + sig, "b.example.com. 60 IN RRSIG MX" + sig},
			[]string{"a.example.com. 60 IN MX 10 mx.example.com.", "a.example.com. 60 IN RRSIG MX" + sig},
		},
		{
			"a.example.com", "A",
			[]string{"example.com. 60 IN DNAME example.net.", "example.com. 60 IN RRSIG DNAME" + sig, "a.example.com. 60 IN CNAME a.example.net.", "a.example.net. 60 IN A 192.0.2.1", "ple.net. 60 IN DNAME example.org."},
			[]string{"a.example.com. 60 IN CNAME a.example.net.", "a.example.net. 60 IN A 192.0.2.1", "example.com. 60 IN DNAME example.net.", "example.com. 60 IN RRSIG DNAME" + sig},
		},
		{
			"example.com", "TYPE65280",
			[]string{`example.com. 60 IN TYPE65280 \# 2 abcd`},
			[]string{`example.com. 60 CLASS1 TYPE65280 \# 2 abcd`},
		},
		{
			"example.com", "TXT",
			[]string{`example.com. 60 IN TXT "tab\009quote\"" "back\\slash\255"`},
			[]string{`example.com. 60 IN TXT "tab\009quote\"" "back\\slash\255"`},
		},
	} {
		q, asked := mustQuery(t, c.name, c.rrtype)
		m, err := q.read(packets(answer(asked, c.sent...))[0], 0)
		if err != nil {
			t.Errorf("%s %s: %v", c.name, c.rrtype, err)
			continue
		}
		a := q.answer(m, "test")
		var got []string
		for _, s := range a.Answer {
			got = append(got, strings.Join(strings.SplitN(s, "\t", 5), " "))
		}
		if !slices.Equal(got, c.kept) || a.Fail != nil {
			t.Errorf("%s %s: got\n%s\nwant\n%s\n%v", c.name, c.rrtype, strings.Join(got, "\n"), strings.Join(c.kept, "\n"), a.Fail)
		}
	}
}

func TestDNSReferral(t *testing.T) {
	q, asked := mustQuery(t, "example.com", "DS")
	q.recursive = false
	m := answer(asked)
	m.RecursionAvailable = false
	m.Ns = answer(asked, "example.com. 60 IN NS NS1.example.com.", "example.com. 60 IN NS ns2.example.net.").Answer
	m.Extra = append(m.Extra, answer(asked, "ns1.example.com. 60 IN A 192.0.2.1", "ns1.example.com. 60 IN AAAA 2001:db8::1", "www.example.com. 60 IN A 192.0.2.2").Answer...)
	a := q.answer(m, "test")
	if a.Fail != nil || len(a.Answer) != 0 || len(a.Authority) != 2 {
		t.Errorf("%+v", a)
	}
	if want := []string{"ns1.example.com.\t60\tIN\tA\t192.0.2.1", "ns1.example.com.\t60\tIN\tAAAA\t2001:db8::1"}; !slices.Equal(a.Additional, want) {
		t.Errorf("additional %q", a.Additional)
	}
	q.recursive = true
	if a := q.answer(m, "test"); a.Fail == nil || a.Fail.Kind != FailProtocol {
		t.Errorf("from a resolver: %+v", a)
	}
	m.RecursionAvailable = true
	if a := q.answer(m, "test"); !a.Missing("DS") {
		t.Errorf("NODATA with NS records: %+v", a)
	}
}

func TestDNSTooMuch(t *testing.T) {
	q, asked := mustQuery(t, "example.com", "A")
	var records []string
	for i := range maxRecords {
		records = append(records, fmt.Sprintf("example.com. 60 IN A 192.0.%d.%d", i>>8, i&255))
	}
	m := answer(asked, records...)
	m.Extra = nil
	if a := q.answer(m, "test"); a.Fail != nil || len(a.Answer) != maxRecords {
		t.Errorf("%d records, %v", len(a.Answer), a.Fail)
	}
	m.Ns = m.Answer[:1]
	if a := q.answer(m, "test"); a.Fail == nil || a.Fail.Kind != FailLimit || len(a.Answer) != 0 {
		t.Errorf("%d records, %v", len(a.Answer), a.Fail)
	}
	// Compression lets 64 KiB carry more text than the bound.
	long := strings.Repeat(strings.Repeat("\\001", 62)+".", 4)
	records = nil
	for i := range 1500 {
		records = append(records, fmt.Sprintf("example.com. 60 IN MX %d %s", i, long))
	}
	q, asked = mustQuery(t, "example.com", "MX")
	m = answer(asked, records...)
	m.Compress = true
	got, err := q.read(packets(m)[0], 0)
	if err != nil {
		t.Fatal(err)
	}
	if a := q.answer(got, "test"); a.Fail == nil || a.Fail.Kind != FailLimit || len(a.Answer) != 0 {
		t.Errorf("%d records, %v", len(a.Answer), a.Fail)
	}
}

func TestDNSExtendedErrors(t *testing.T) {
	q, asked := mustQuery(t, "example.com", "A")
	options := []dns.EDNS0{
		&dns.EDNS0_EDE{InfoCode: 22},
		&dns.EDNS0_EDE{InfoCode: 49152, ExtraText: "own code"},
		&dns.EDNS0_EDE{InfoCode: 0, ExtraText: "\x1b[31m" + strings.Repeat("é", 200) + "\xff"},
	}
	for range 20 {
		options = append(options, &dns.EDNS0_EDE{InfoCode: 3})
	}
	m, err := q.read(packets(failing(asked, dns.RcodeServerFailure, options...))[0], 0)
	if err != nil {
		t.Fatal(err)
	}
	a := q.answer(m, "test")
	if len(a.EDE) != maxEDE || a.EDE[0] != "22 No Reachable Authority" || a.EDE[1] != "49152: own code" ||
		!strings.HasPrefix(a.EDE[2], "0 Other: [31mé") || len(a.EDE[2]) > maxEDEText+20 {
		t.Errorf("%q", a.EDE)
	}
	if !strings.Contains(a.Fail.Text, "22 No Reachable Authority") {
		t.Error(a.Fail)
	}
}

func FuzzDNSReply(f *testing.F) {
	q, asked := mustQuery(f, "example.com", "TXT")
	f.Add(packets(answer(asked, manyTXT("example.com.", 3)...))[0])
	f.Add(packets(answer(asked, "example.com. 60 IN CNAME a.example.com.", "a.example.com. 60 IN TXT \"x\""))[0])
	f.Add(packets(failing(asked, dns.RcodeServerFailure, &dns.EDNS0_EDE{InfoCode: 6, ExtraText: "text"}))[0])
	cut := packets(truncate(answer(asked)))[0]
	f.Add(cut[:len(cut)-3])
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := q.read(raw, 0)
		if err != nil {
			if m != nil {
				t.Error("message and error")
			}
			return
		}
		a := q.answer(m, "test")
		if a.Fail != nil && len(a.Answer)+len(a.Authority)+len(a.Additional) > 0 {
			t.Error("records beside a failure")
		}
		for _, rr := range slices.Concat(m.Answer, m.Ns) {
			if _, ok := rr.(*dns.TXT); ok && rr.Header().Class == dns.ClassINET && text(rr) != rr.String() {
				t.Errorf("text %q, want %q", text(rr), rr)
			}
		}
		if !slices.IsSorted(a.Answer) || len(a.Answer) > maxRecords {
			t.Errorf("answer %q", a.Answer)
		}
		for _, s := range a.Answer {
			if strings.ContainsAny(s, "\n\r\x00") || strings.Count(s, "\t") < 4 {
				t.Errorf("record %q", s)
			}
		}
		a.TXT()
		a.Chain("example.com")
	})
}
