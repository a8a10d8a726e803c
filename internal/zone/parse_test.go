package zone

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func lines(z *Zone) []string {
	var out []string
	for _, r := range z.Records {
		out = append(out, fmt.Sprintf("%d %s", r.Line, strings.ReplaceAll(r.String(), "\t", " ")))
	}
	return out
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, text, origin string
		apex               string
		want               []string
	}{
		{
			"parentheses, comments, quotes",
			"@ IN SOA ns1 host ( ; the start\r\n 1 ; serial\r\n 2 3\n 4 5 )\n\n ; nothing\nk TXT ( \"v=DKIM1; p=\"\n\t\"(x);\" ) ; \"y\"\n",
			"example.com", "example.com",
			[]string{
				"1 example.com. 5 IN SOA ns1.example.com. host.example.com. 1 2 3 4 5",
				"7 k.example.com. 5 IN TXT \"v=DKIM1; p=\" \"(x);\"",
			},
		},
		{
			"a semicolon outside quotes starts a comment",
			"k TXT v=DKIM1; p=abc\n", "example.com", "example.com",
			[]string{`1 k.example.com. 3600 IN TXT "v=DKIM1"`},
		},
		{
			"escaped",
			`k TXT v=DKIM1\;\ p=\097 "\"\\"` + "\n", "example.com", "example.com",
			[]string{`1 k.example.com. 3600 IN TXT "v=DKIM1; p=a" "\"\\"`},
		},
		{
			"order of class and TTL, and TTL inheritance",
			"a 1h IN A 192.0.2.1\nb IN 2m A 192.0.2.1\nc A 192.0.2.1\n$TTL 1d\nd A 192.0.2.1\n 5 A 192.0.2.2\ne in a 192.0.2.1", "example.com", "example.com",
			[]string{
				"1 a.example.com. 3600 IN A 192.0.2.1",
				"2 b.example.com. 120 IN A 192.0.2.1",
				"3 c.example.com. 120 IN A 192.0.2.1",
				"5 d.example.com. 86400 IN A 192.0.2.1",
				"6 d.example.com. 5 IN A 192.0.2.2",
				"7 e.example.com. 86400 IN A 192.0.2.1",
			},
		},
		{
			"origins",
			"$ORIGIN example.com.\n@ MX 0 .\n$ORIGIN sub\na MX 5 b\n\tMX 6 B.Example.NET.\n", "", "example.com",
			[]string{
				"2 example.com. 3600 IN MX 0 .",
				"4 a.sub.example.com. 3600 IN MX 5 b.sub.example.com.",
				"5 a.sub.example.com. 3600 IN MX 6 B.Example.NET.",
			},
		},
		{
			"the SOA says which zone it is",
			"example.org. SOA ns. host. 1 2 3 4 60\nWWW.example.org. A 192.0.2.1\n", "example.com", "example.org",
			[]string{"1 example.org. 60 IN SOA ns. host. 1 2 3 4 60", "2 www.example.org. 60 IN A 192.0.2.1"},
		},
		{
			"types without a name",
			`x TYPE65534 \# 2 abcd` + "\n" + `y TYPE16 \# 3 026869` + "\n", "example.com", "example.com",
			[]string{`1 x.example.com. 3600 IN TYPE65534 \# 2 abcd`, `2 y.example.com. 3600 IN TXT "hi"`},
		},
		{
			"generate",
			"a A 192.0.2.1\n$GENERATE 8-10/2 h$ 60 A 192.0.2.$\n$GENERATE 1-1 x${9,3,x} TXT \"${0,2}\" $$\n TXT after\n", "example.com", "example.com",
			[]string{
				"1 a.example.com. 3600 IN A 192.0.2.1",
				"2 h8.example.com. 60 IN A 192.0.2.8",
				"2 h10.example.com. 60 IN A 192.0.2.10",
				`3 x00a.example.com. 60 IN TXT "01" "$"`,
				`4 a.example.com. 60 IN TXT "after"`,
			},
		},
		{"byte order mark, no final newline", "\ufeffa A 192.0.2.1", "example.com.", "example.com", []string{"1 a.example.com. 3600 IN A 192.0.2.1"}},
		{"empty", "", "example.com", "example.com", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			z := parse(t, tt.text, tt.origin)
			if z.Origin != tt.apex || !slices.Equal(lines(z), tt.want) {
				t.Errorf("apex %q, records\n%s\nwant\n%s", z.Origin, strings.Join(lines(z), "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		errs       []string // each "LINE text that occurs"
		left       int      // records understood
	}{
		{"several", "a A 192.0.2.300\nb A 192.0.2.1\nc FOO x\nd\n", []string{"1 A record: ", `3 "FOO" is not`, "4 without type"}, 1},
		{"open quote", "a TXT \"x\nb A 192.0.2.1\n", []string{"1 inside quotes"}, 1},
		{"open parenthesis", "a TXT ( x\nb A 192.0.2.1\nc A 192.0.2.1\n", []string{"1 never closed"}, 2},
		{"stray parenthesis", "a TXT x )\nb A 192.0.2.1\n", []string{"1 ) without ("}, 1},
		{"long string", "a TXT \"" + strings.Repeat("x", 256) + "\"\nb TXT " + strings.Repeat("x", 255) + "\n", []string{"1 256 octets, at most 255"}, 1},
		{"a record that is too long", "a TXT" + strings.Repeat(" "+strings.Repeat("x", 250), 270) + "\n", []string{"1 can have no more than 65535"}, 0},
		{"include", "$INCLUDE /etc/hostname\n", []string{"1 $INCLUDE is not read"}, 0},
		{"unknown directive", "$FOO\n", []string{"1 unknown directive $FOO"}, 0},
		{"bad TTL", "$TTL x\n$TTL 4294967296\n", []string{"1 $TTL", "2 $TTL"}, 0},
		{"class", "a CH TXT x\n", []string{"1 class CH"}, 0},
		{"no data", "a MX\n", []string{"1 MX record without data"}, 0},
		{"an SOA of four numbers", "a SOA ns h 1 2 3 4\n", []string{"1 SOA record: 6 words of data: write two names and five numbers"}, 0},
		{"no data of a certificate", "a TLSA 3 1 1\n", []string{"1 TLSA record: 3 words"}, 0},
		{"a type without text form", "a WKS 192.0.2.1 6 25\n", []string{"1 mxvet does not read the text form of WKS"}, 0},
		{"a time to live out of bounds", "a 99999999999 IN TXT b\n", []string{"1 99999999999 is no time to live"}, 0},
		{"question types", "a ANY x\na TYPE255 \\# 0\na NONE x\n", []string{`1 "ANY" is not a record type`, `2 "TYPE255"`, "3 class NONE"}, 0},
		{"octets", "a A \\# 0\nb MX \\# 2 000a\nc TYPE1 \\# 4 c0000201\n", []string{"1 A record", "2 MX record"}, 1},
		{"names", "a..b A 192.0.2.1\n A 192.0.2.2\n" + strings.Repeat("x", 64) + " A 192.0.2.1\n", []string{"1 not a domain name", "2 no owner name", "3 not a domain name"}, 0},
		{"outside", "www.example.org. A 192.0.2.1\nb A 192.0.2.1\n", []string{"1 www.example.org. is not in the zone example.com."}, 1},
		{"control character", "a\x00b A 192.0.2.1\n", []string{"1 control character"}, 0},
		{"generate", "$GENERATE 1-99999 a$ A 192.0.2.1\n$GENERATE 5-1 a A 192.0.2.1\n$GENERATE 1-300 a$ A 192.0.2.$\n$GENERATE 1-2 a${x} A 192.0.2.1\n$GENERATE 1-2 a\n", []string{"1 not a range", "2 not a range", "3 A record", "4 ${x}", "5 takes a range"}, 255},
	} {
		t.Run(tt.name, func(t *testing.T) {
			z, err := Parse(strings.NewReader(tt.text), "db", "example.com")
			errs, ok := errors.AsType[Errors](err)
			if !ok || len(errs) != len(tt.errs) {
				t.Fatalf("error %v, want %q", err, tt.errs)
			}
			for i, want := range tt.errs {
				line, text, _ := strings.Cut(want, " ")
				if fmt.Sprint(errs[i].Line) != line || !strings.Contains(errs[i].Text, text) {
					t.Errorf("error %q, want line %s: %s", errs[i], line, text)
				}
			}
			if z == nil || len(z.Records) != tt.left {
				t.Errorf("records %v, want %d", lines(z), tt.left)
			}
		})
	}
}

func TestParseBounds(t *testing.T) {
	_, err := Parse(strings.NewReader(strings.Repeat("x\n", 10*MaxErrors)), "db", "example.com")
	if errs, ok := errors.AsType[Errors](err); !ok || len(errs) != MaxErrors || !strings.Contains(err.Error(), "reading stops") {
		t.Errorf("%d errors, want %d and word that reading stopped", len(errs), MaxErrors)
	}
	bomb := "$GENERATE 0-65535 a$ TXT" + strings.Repeat(" ${0,63}", 400) + "\n"
	if _, err := Parse(strings.NewReader(strings.Repeat(bomb, 3)), "db", "example.com"); err == nil || !strings.Contains(err.Error(), "octets of text in all") {
		t.Errorf("$GENERATE without end: %v", err)
	}
	if z, err := Parse(strings.NewReader(strings.Repeat("(\n", 20_000)), "db", "example.com"); err == nil || z == nil {
		t.Error("unclosed parentheses passed")
	}
	if _, err := Parse(strings.NewReader("a A 192.0.2.1\n"), "db", ""); err == nil || !strings.Contains(err.Error(), "no $ORIGIN") || strings.Contains(err.Error(), "\n") {
		t.Errorf("no origin: %v", err)
	}
	if _, err := Parse(strings.NewReader(""), "db", "a..b"); err == nil {
		t.Error("a bad origin passed")
	}
	big := strings.NewReader(strings.Repeat("\n", MaxBytes+1))
	if _, err := Parse(big, "db", "example.com"); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("too long: %v", err)
	}
	if _, err := Parse(failing{}, "db", "example.com"); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a reader that fails: %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, os.ErrClosed }

func TestReadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db.example.com")
	if err := os.WriteFile(path, []byte("@ A 192.0.2.1\nx\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	z, err := ReadFile(t.Context(), path, "example.com")
	if err == nil || !strings.HasPrefix(err.Error(), path+": line 2: ") || len(z.Records) != 1 {
		t.Errorf("got %v", err)
	}
	if _, err := ReadFile(t.Context(), path+"x", ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Add("a TXT ( \"x\" \n; )\n )\n$GENERATE 1-3 a${1,2,x}\\$ TXT $\n")
	f.Add("@ TYPE9 \\# 1 00\n@ CAA 0 issue \"x\\;\"\n@ TLSA 3 1 1 00\n\\000.x DNAME .")
	f.Add("\xff\xfea\x00")
	f.Add("_dmarc DMARC v=DMARC1; p=none\n@ SPF \u201cv=spf1 mx -all\u201d\n_a._tcp SRV 0 0 1 a.example.com")
	f.Add("$ORIGIN .\n$TTL 1w\n* NS @\n a 5 in in A 192.0.2.1")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 || strings.Count(text, "GENERATE") > 2 {
			t.Skip("it only takes long")
		}
		z, err := Parse(strings.NewReader(text), "db", "example.com")
		if _, err := Read(strings.NewReader(text), "db", "example.com"); err != nil && err.Error() == "" {
			t.Fatal("an error without text")
		}
		if _, _, why := decode(text); why != "" {
			return
		}
		if z == nil {
			t.Fatalf("no zone: %v", err)
		}
		var again strings.Builder
		for i, r := range z.Records {
			if i < 200 {
				again.WriteString(r.String() + "\n")
			}
			if r.Line < 1 || !z.Covers(r.Owner) || Name(r.Owner) != r.Owner {
				t.Fatalf("record %+v", r)
			}
			if res := z.Lookup(r.Owner, r.Type); i < 200 && res.Kind != Found && res.Kind != Referral && res.Kind != Alias {
				t.Fatalf("%s is in the text, but its lookup says %s", r, res.Kind)
			}
		}
		z2, err := Parse(strings.NewReader(again.String()), "db", z.Origin)
		if err != nil {
			t.Fatalf("written out: %v\n%s", err, again.String())
		}
		for i, r := range z2.Records {
			if r.String() != z.Records[i].String() {
				t.Fatalf("%q became %q", z.Records[i], r)
			}
		}
	})
}

// What is read without the parser of single records comes to the same as with it.
func TestPlainRecords(t *testing.T) {
	names := []string{"a", "A.b", "a.", "x.example.net.", "*", "_x", "-", "@", ".", "a..b", "", "a\\.b", strings.Repeat("a", 63), strings.Repeat("a", 64), strings.Repeat("a.", 120) + "a", "a.example.com", "\u00e4"}
	data := map[string][]string{
		"A":    {"192.0.2.1", "192.0.2.01", "192.0.2.256", "::1", "0.0.0.0", `"192.0.2.1"`, "192.0.2.1 x", "1.2.3"},
		"AAAA": {"2001:db8::1", "2001:DB8:0:0:0:0:0:1", "::", "::ffff:192.0.2.1", "192.0.2.1", "fe80::1%eth0", "1::2::3"},
		"TXT":  {"a", `"a" "b"`, `"a;b"`, `""`, "a b", `"` + strings.Repeat("x", 255) + `"`, `"` + strings.Repeat("x", 256) + `"`, `"\\"`, `"\100"`, "\u00e4", `a"b"`},
	}
	for _, n := range names {
		data["CNAME"] = append(data["CNAME"], n, `"`+n+`"`)
		data["NS"] = append(data["NS"], n)
		for _, pref := range []string{"10", "010", "65535", "65536", "-1", "x"} {
			data["MX"] = append(data["MX"], pref+" "+n)
		}
	}
	read := 0
	for _, origin := range []string{"example.com.", "."} {
		for _, owner := range []string{"example.com.", "A.example.COM.", "*.example.com.", `a\.b.example.com.`, "."} {
			for rrtype, all := range data {
				for _, text := range all {
					sc := scanner{text: " " + text, line: 1}
					e, _ := sc.next()
					got, ok := plain(owner, 60, rrtype, e.words, origin)
					if !ok {
						continue
					}
					read++
					rr, why := newRR(owner, 60, rrtype, e.words, origin)
					if why != "" {
						t.Errorf("%s %s %s: read, but %s", owner, rrtype, text, why)
					} else if want := recordOf(rr); got != want {
						t.Errorf("%s %s %s: %+v, want %+v", owner, rrtype, text, got, want)
					}
				}
			}
		}
	}
	if read < 100 {
		t.Errorf("only %d were read", read)
	}
}

// What a zone file of others costs is bounded.
func TestCostlyTexts(t *testing.T) {
	const head = "$ORIGIN example.com.\n@ IN SOA ns1 h 1 2 3 4 5\n"
	for name, c := range map[string]struct{ text, want string }{
		"records":     {head + strings.Repeat("@ IN MX 1 a\n", MaxRecords), "more than 250000 records"},
		"long":        {strings.Repeat("\n", MaxBytes+1), "longer than 16 MiB"},
		"parenthesis": {head + "@ IN TXT (" + strings.Repeat(`"a" `, 1<<20), "never closed"},
		"line":        {head + "@ IN TXT " + strings.Repeat(`"a" `, 1<<20), "an entry of more than"},
		"comment":     {head + "; " + strings.Repeat("a", 4<<20), ""},
		"names":       {head + deepNames(4000), "more than 400000 names"},
	} {
		_, err := Read(strings.NewReader(c.text), "db", "")
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Count(err.Error(), "\n") > 0) {
			t.Errorf("%s: %.300v, want %q", name, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(t.TempDir(), "db")
	if err := os.WriteFile(path, []byte(head+strings.Repeat("$GENERATE 1-60000 a$ A 192.0.2.1\n", 4)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(ctx, path, ""); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "at line 3") {
		t.Errorf("without time: %v", err)
	}
}

func deepNames(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%sx%d IN A 192.0.2.1\n", strings.Repeat("a.", 105), i)
		fmt.Fprintf(&b, "%s IN A 192.0.2.1\n", strings.TrimSuffix(strings.Repeat(fmt.Sprintf("%d.", i%10), 105), ".")+fmt.Sprintf(".y%d", i))
	}
	return b.String()
}
