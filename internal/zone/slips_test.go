package zone

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// utf16Text writes a text as some shells do: two octets to a character.
func utf16Text(s string, mark, big bool) string {
	units := utf16.Encode([]rune(s))
	if mark {
		units = append([]uint16{0xfeff}, units...)
	}
	var b strings.Builder
	for _, u := range units {
		hi, lo := byte(u>>8), byte(u)
		if big {
			hi, lo = lo, hi
		}
		b.WriteByte(lo)
		b.WriteByte(hi)
	}
	return b.String()
}

func TestEncodings(t *testing.T) {
	const text = "$ORIGIN example.com.\r\n@ MX 10 mx1\r\nmx1 A 192.0.2.17\r\n"
	want := []string{"2 example.com. 3600 IN MX 10 mx1.example.com.", "3 mx1.example.com. 3600 IN A 192.0.2.17"}
	for name, in := range map[string]string{
		"UTF-8, mark, CR LF":          "\ufeff" + text,
		"CR alone":                    strings.ReplaceAll(text, "\r\n", "\r"),
		"UTF-16, little end first":    utf16Text(text, true, false),
		"UTF-16, big end first":       utf16Text(text, true, true),
		"UTF-16 without mark, little": utf16Text(text, false, false),
		"UTF-16 without mark, big":    utf16Text(text, false, true),
	} {
		z, err := Read(strings.NewReader(in), "db", "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !slices.Equal(lines(z), want) {
			t.Errorf("%s: %q", name, lines(z))
		}
		if wide := strings.HasPrefix(name, "UTF-16"); wide != (len(z.Slips) == 1 && z.Slips[0].Kind == SlipEncoding) {
			t.Errorf("%s: slips %+v", name, z.Slips)
		}
	}
	for in, want := range map[string]string{
		"\xff\xfea\x00b":                        "UTF-16 and ends in the middle of a character",
		"\xff\xfe\x00\x00a\x00\x00\x00":         "UTF-32",
		"\x00\x00\xfe\xff\x00\x00\x00a":         "UTF-32",
		"\xfe\xff\x00a\x00 \x00A\x00 \x001\x00": "UTF-16",
	} {
		_, err := Read(strings.NewReader(in), "db", "example.com")
		if faults, ok := errors.AsType[Errors](err); !ok || len(faults) != 1 || !strings.Contains(faults[0].Text, want) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

// What the panels of providers write, and texts that lost their quotes.
func TestSlips(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		records    []string // owner and data of the TXT records
		slips      []string // "LINE KIND OWNER SAID > MEANT"
	}{
		{
			"types of a panel",
			"@ 600 IN SPF \"v=spf1 mx -all\"\n_dmarc IN DMARC \"v=DMARC1;p=reject;\"\ns1._domainkey dkim ( \"v=DKIM1;\" \"p=AA\" )\n",
			[]string{`example.com "v=spf1 mx -all"`, `_dmarc.example.com "v=DMARC1;p=reject;"`, `s1._domainkey.example.com "v=DKIM1;" "p=AA"`},
			[]string{"2 type _dmarc.example.com DMARC > ", "3 type s1._domainkey.example.com DKIM > ", "1 type example.com SPF > "},
		},
		{
			"a type by its number is what it says",
			"@ TYPE99 \"v=spf1 mx -all\"\n", nil, nil,
		},
		{
			"both types, as was the custom once",
			"@ SPF \"v=spf1 mx -all\"\n@ TXT \"v=spf1 mx -all\"\n",
			[]string{`example.com "v=spf1 mx -all"`},
			nil,
		},
		{
			"a text behind a semicolon, words without blanks",
			"@ TXT v=spf1 mx ~all ; our servers\n_dmarc TXT v=DMARC1; p=reject; rua=mailto:a@example.com\n_smtp._tls TXT v=TLSRPTv1 ; rua=mailto:a@example.com; the mailbox of us\n",
			[]string{`example.com "v=spf1" "mx" "~all"`, `_dmarc.example.com "v=DMARC1"`, `_smtp._tls.example.com "v=TLSRPTv1"`},
			[]string{
				"1 quotes example.com v=spf1mx~all > v=spf1 mx ~all",
				"2 quotes _dmarc.example.com v=DMARC1 > v=DMARC1; p=reject; rua=mailto:a@example.com",
				"3 quotes _smtp._tls.example.com v=TLSRPTv1 > v=TLSRPTv1; rua=mailto:a@example.com",
			},
		},
		{
			"quote marks that zone text does not know",
			"@ TXT \u201cv=spf1 mx ~all\u201d\n_dmarc TXT 'v=DMARC1; p=reject'\n_mta-sts TXT \u2018v=STSv1\u2019\n",
			[]string{`example.com "\226\128\156v=spf1" "mx" "~all\226\128\157"`, `_dmarc.example.com "'v=DMARC1"`, `_mta-sts.example.com "\226\128\152v=STSv1\226\128\153"`},
			[]string{
				"1 quotes example.com \u201cv=spf1mx~all\u201d > v=spf1 mx ~all",
				"2 quotes _dmarc.example.com 'v=DMARC1 > v=DMARC1; p=reject",
				"3 quotes _mta-sts.example.com \u2018v=STSv1\u2019 > v=STSv1",
			},
		},
		{
			"a service's host without its final dot",
			"_submission._tcp SRV 0 1 587 mail.example.com\n_imap._tcp SRV 0 1 143 mail.example.com.\n_pop3._tcp SRV 0 0 0 .\nmail A 192.0.2.1\n",
			nil,
			[]string{"1 dot _submission._tcp.example.com mail.example.com.example.com > mail.example.com"},
		},
		{
			"nothing is lost",
			"@ TXT google-site-verification=abc ; of May\n@ TXT v=spf1\n@ TXT \"v=spf1 -all\" ; p=1\nk._domainkey TXT v=DKIM1\\;p=AAAA BBBB\n",
			[]string{`example.com "google-site-verification=abc"`, `example.com "v=spf1"`, `example.com "v=spf1 -all"`, `k._domainkey.example.com "v=DKIM1;p=AAAA" "BBBB"`},
			nil,
		},
	} {
		z, err := Read(strings.NewReader(tt.text), "db", "example.com")
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var records, slips []string
		for _, r := range z.Records {
			if r.Type == "TXT" {
				records = append(records, r.Owner+" "+r.Data)
			}
		}
		for _, s := range z.Slips {
			slips = append(slips, fmt.Sprintf("%d %s %s %s > %s", s.Line, s.Kind, s.Owner, s.Said, s.Meant))
		}
		if !slices.Equal(records, tt.records) || !slices.Equal(slips, tt.slips) {
			t.Errorf("%s: records %q, slips %q", tt.name, records, slips)
		}
	}
	// Worlds and recordings say what servers say: there are no such types.
	if _, err := Parse(strings.NewReader("_dmarc DMARC \"v=DMARC1\"\n"), "db", "example.com"); err == nil {
		t.Error("Parse reads the types of panels")
	}
}

// A comment may be as long as the file; what is kept of it is not.
func TestSlipsAreBounded(t *testing.T) {
	text := "_dmarc TXT v=DMARC1; p=" + strings.Repeat("x", 1<<20) + "\n" + strings.Repeat("@ TXT v=spf1 mx -all\n", 3*maxSlips)
	z, err := Read(strings.NewReader(text), "db", "example.com")
	if err != nil {
		t.Fatal(err)
	}
	if len(z.Slips) != maxSlips || z.Slips[0].Meant != "" {
		t.Errorf("%d slips, the first means %d octets", len(z.Slips), len(z.Slips[0].Meant))
	}
}

// An error names the cause and says what to write.
func TestErrorHints(t *testing.T) {
	for text, want := range map[string]string{
		"@ MX mx1\n":                     "a preference and a name",
		"@ A mx1\n":                      "an IPv4 address",
		"_a._tcp SRV 0 587 mail\n":       "priority, weight, port and a name",
		"_dmarc TXT ( v=DMARC1; p=x )\n": "never closed: a ; outside quotes begins a comment",
	} {
		_, err := Read(strings.NewReader(text), "db", "example.com")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestColumns(t *testing.T) {
	for text, want := range map[string]string{
		"@ IN A 300.0.0.1\n":              "1:8",
		"a A 192.0.2.1\nb  FOO x\n":       "2:4",
		"a CH A 192.0.2.1\n":              "1:3",
		"a..b A 192.0.2.1\n":              "1:1",
		"a TXT \"x\n":                     "1:7",
		"a A 192.0.2.1\n\nb TXT ( \"x\" ": "3:7",
	} {
		_, err := Read(strings.NewReader(text), "db", "example.com")
		faults, ok := errors.AsType[Errors](err)
		if !ok {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := fmt.Sprintf("%d:%d", faults[0].Line, faults[0].Column); got != want {
			t.Errorf("%q: %s, want %s (%s)", text, got, want, faults[0].Text)
		}
	}
}

// Whose zone a text is, where its SOA record or its want of $ORIGIN says something
// else than its names.
func TestMeantApex(t *testing.T) {
	const rest = "example.com. 1 MX 1 mx.example.net.\nwww.example.com. 60 A 192.0.2.80\n"
	for _, tt := range []struct{ name, text, origin, apex, slip, err string }{
		{"at the root", "$ORIGIN .\n@ 3600 SOA example.com. root.example.com. 1 2 3 4 60\n@ 60 NS ns.example.net.\n" + rest, "example.com", "example.com", "2 . > example.com", ""},
		{"at the root, nobody says whose", "$ORIGIN .\n@ SOA ns. host. 1 2 3 4 60\n" + rest, "", "example.com", "2 . > example.com", ""},
		{"at the root, asked below", "$ORIGIN .\n@ SOA ns. host. 1 2 3 4 60\n" + rest, "www.example.com", "example.com", "2 . > example.com", ""},
		{"at the root, no record at the apex", "$ORIGIN .\n@ SOA ns. host. 1 2 3 4 60\n_dmarc.example.com. TXT x\n", "example.com", "example.com", "2 . > example.com", ""},
		{"at the root, no common name", "$ORIGIN .\n@ SOA ns. host. 1 2 3 4 60\n@ MX 1 mx\n" + rest + "mx A 192.0.2.25\n", "example.com", "", "", "db: line 2: the SOA record stands at the root"},
		{"without final dot", "example.com 3600 SOA ns.example.net. host.example.net. 1 2 3 4 60\n" + rest, "example.com", "example.com", "1 example.com.example.com. > example.com", ""},
		{"without final dot, $ORIGIN", "$ORIGIN example.com.\nexample.com SOA ns. host. 1 2 3 4 60\n NS ns.example.net.\nwww A 192.0.2.1\n", "", "example.com", "2 example.com.example.com. > example.com", ""},
		{"no name has its final dot", "example.com SOA ns. host. 1 2 3 4 60\nwww.example.com A 192.0.2.1\n", "example.com", "", "", "db: line 1: the SOA record stands at example.com.example.com., as if its final dot were missing"},
		{"whole names, asked below", rest, "www.example.com", "example.com", "", ""},
		{"whole names, nobody says whose", rest, "", "example.com", "", ""},
		{"another zone", "example.org. SOA ns. host. 1 2 3 4 60\n" + rest, "example.com", "", "", "db: line 2: example.com. is not in the zone example.org., nor is the one after it; which zone it is comes from the SOA record in line 1"},
		{"no origin", "@ SOA ns. host. 1 2 3 4 60\n NS ns.example.net.\nwww A 192.0.2.1\nmail A 192.0.2.1\n", "", "", "", "db: line 1: @ is a relative name, but there is no $ORIGIN"},
	} {
		z, err := Read(strings.NewReader(tt.text), "db", tt.origin)
		if tt.err != "" {
			if faults, ok := errors.AsType[Errors](err); !ok || len(faults) != 1 || !strings.HasPrefix(err.Error(), tt.err) {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var slip strings.Builder
		for _, s := range z.Slips {
			slip.WriteString(fmt.Sprintf("%d %s > %s", s.Line, s.Said, s.Meant))
		}
		if z.Origin != tt.apex || slip.String() != tt.slip {
			t.Errorf("%s: apex %s, slips %q", tt.name, z.Origin, slip.String())
		}
		if r := z.Lookup("example.com", "MX"); strings.Contains(tt.text, "MX 1 mx.example.net.") && !slices.Equal(r.Records, []string{"example.com.\t300\tIN\tMX\t1 mx.example.net."}) {
			t.Errorf("%s: %q", tt.name, r.Records)
		}
		if r := z.Lookup("example.com", "NS"); strings.Contains(tt.text, "NS ns.example.net") && r.Kind != Found {
			t.Errorf("%s: NS %s", tt.name, r.Kind)
		}
	}
	// Text that name servers are to read says what it says.
	z, err := Parse(strings.NewReader("$ORIGIN .\n@ SOA ns. host. 1 2 3 4 60\nexample.com. 1 A 192.0.2.1\n"), "db", "")
	if err != nil || z.Origin != "." || z.Records[1].TTL != 1 {
		t.Errorf("%v %v", lines(z), err)
	}
}

// What name servers refuse or read otherwise.
func TestRefused(t *testing.T) {
	const soa = "@ SOA ns. host. 1 2 3 4 60\n@ NS ns.example.net.\n"
	for name, c := range map[string]struct {
		text  string
		slips []string
	}{
		"alias at the apex":      {soa + "@ CNAME www.example.net.\n", []string{"3 alias example.com SOA, NS > "}},
		"alias beside others":    {soa + "www CNAME a.example.net.\nwww TXT x\nwww MX 1 mx\n", []string{"3 alias www.example.com TXT, MX > "}},
		"two aliases":            {soa + "_dmarc CNAME a\n_dmarc CNAME b\n", []string{"3 alias _dmarc.example.com CNAME > "}},
		"the same alias twice":   {soa + "www CNAME a\nwww CNAME A\nwww NSEC a CNAME\n", nil},
		"second SOA":             {soa + "@ SOA ns. host. 2 2 3 4 60\n@ SOA ns. host. 3 2 3 4 60\n", []string{"3 soa example.com SOA > "}},
		"second SOA below":       {soa + "sub SOA ns. host. 2 2 3 4 60\n", []string{"3 soa sub.example.com SOA > "}},
		"origin without dot":     {soa + "$ORIGIN example.com\n@ MX 1 mx\n", []string{"3 origin example.com example.com.example.com. > example.com"}},
		"origin below":           {soa + "$ORIGIN sub\n@ MX 1 mx\n", nil},
		"a key without its dot":  {soa + "s1._domainkey.example.com TXT x\n", []string{"3 owner s1._domainkey.example.com.example.com TXT > s1._domainkey.example.com"}},
		"a zone without its dot": {soa + "example.com MX 1 mx\n", []string{"3 owner example.com.example.com MX > example.com"}},
		"DMARC without its dot":  {soa + "_dmarc.example.com TXT x\n", nil},
	} {
		z, err := Read(strings.NewReader(c.text), "db", "example.com")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, s := range z.Slips {
			got = append(got, fmt.Sprintf("%d %s %s %s > %s", s.Line, s.Kind, s.Owner, s.Said, s.Meant))
		}
		if !slices.Equal(got, c.slips) {
			t.Errorf("%s: %q, want %q", name, got, c.slips)
		}
	}
	for _, text := range []string{"", "; nothing\n\n", "$ORIGIN example.com.\n$TTL 60\n"} {
		z, err := Read(strings.NewReader(text), "db", "example.com")
		if z != nil || err == nil || err.Error() != "db: there are no records in the text" {
			t.Errorf("%q: %v", text, err)
		}
	}
}
