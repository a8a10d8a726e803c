package zone

import (
	"slices"
	"strings"
	"testing"
)

const spf = "example.com.\t300\tIN\tTXT\t\"v=spf1 mx ~all\""

const token = "example.com.\t300\tIN\tTXT\t\"token=1\""

func TestApply(t *testing.T) {
	for _, tt := range []struct {
		name    string
		records []string
		changes []Change
		want    []string
	}{
		{
			"one of two is replaced",
			[]string{token, spf},
			[]Change{{Owner: "example.com", Type: "TXT", Remove: []string{`"v=spf1 mx ~all"`}, Add: []string{`"v=spf1 mx -all"`}, TTL: 60}},
			[]string{token, "example.com.\t60\tIN\tTXT\t\"v=spf1 mx -all\""},
		},
		{
			"spelling does not matter",
			[]string{token, spf},
			[]Change{{Owner: "EXAMPLE.com.", Type: "txt", Remove: []string{`v=spf1\ m\120\ ~all`}}},
			[]string{token},
		},
		{
			"case of text does",
			[]string{spf},
			[]Change{{Owner: "example.com", Type: "TXT", Remove: []string{`"V=SPF1 mx ~all"`}}},
			[]string{spf},
		},
		{
			"case of hosts does not",
			[]string{"example.com.\t300\tIN\tMX\t10 Mail.example.com."},
			[]Change{{Owner: "example.com", Type: "MX", Remove: []string{`10 mail.EXAMPLE.com.`}}},
			[]string{},
		},
		{
			"the whole set",
			[]string{token, spf},
			[]Change{{Owner: "example.com", Type: "TXT", Remove: []string{"*"}}},
			[]string{},
		},
		{
			"others stay",
			[]string{spf, "www.example.com.\t300\tIN\tTXT\t\"x\"", "example.com.\t300\tIN\tMX\t0 ."},
			[]Change{{Owner: "example.com", Type: "TXT", Remove: []string{"*"}}},
			[]string{"example.com.\t300\tIN\tMX\t0 .", "www.example.com.\t300\tIN\tTXT\t\"x\""},
		},
		{
			"nothing comes twice",
			[]string{spf},
			[]Change{{Owner: "example.com", Type: "TXT", Add: []string{`"v=spf1 mx ~all"`, `x`, `"x"`}, TTL: 5}},
			[]string{spf, "example.com.\t5\tIN\tTXT\t\"x\""},
		},
		{
			"in order", nil,
			[]Change{
				{Owner: "a.example", Type: "A", Add: []string{"192.0.2.1"}, TTL: 5},
				{Owner: "a.example", Type: "A", Remove: []string{"*"}, Add: []string{"192.0.2.2"}, TTL: 6},
			},
			[]string{"a.example.\t6\tIN\tA\t192.0.2.2"},
		},
		{
			"bad data is not added",
			[]string{spf},
			[]Change{{Owner: "example.com", Type: "TXT", Add: []string{"\"open", "", "x\nevil A 192.0.2.1"}}, {Owner: "example.com", Type: "A", Add: []string{"x"}}},
			[]string{spf},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := slices.Clone(tt.records)
			if got := Apply(tt.records, tt.changes); !slices.Equal(got, tt.want) {
				t.Errorf("got %q", got)
			}
			if !slices.Equal(before, tt.records) {
				t.Error("the records given were changed")
			}
		})
	}
}

func TestChangeText(t *testing.T) {
	c := Change{Owner: "example.com", Type: "TXT", Remove: []string{`"v=spf1 mx ~all"`, "*"}, Add: []string{`"v=spf1 " "mx -all; \"x\""`}, TTL: 300}
	if got, want := c.String(), `; remove: example.com. IN TXT "v=spf1 mx ~all"
; remove: example.com. IN TXT *
example.com. 300 IN TXT "v=spf1 " "mx -all; \"x\""
`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	z := parse(t, c.String(), "example.com")
	if got := z.Lookup("example.com", "TXT").Records; !slices.Equal(got, c.Records()) {
		t.Errorf("as zone text: %q, want %q", got, c.Records())
	}
	if got, want := c.Plain(), []string{
		"remove the TXT record of example.com: v=spf1 mx ~all",
		"remove all TXT records of example.com",
		`add a TXT record to example.com, TTL 300: v=spf1 mx -all; "x"`,
	}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestChangeCheck(t *testing.T) {
	for want, c := range map[string]Change{
		"":                  {Owner: "example.com", Type: "MX", Add: []string{"0 ."}},
		"not a domain name": {Owner: "a..b", Type: "MX"},
		"not a record type": {Owner: "example.com", Type: "ANY"},
		"MX record":         {Owner: "example.com", Type: "MX", Add: []string{"mail"}},
		"at most 255":       {Owner: "example.com", Type: "TXT", Add: []string{strings.Repeat("x", 300)}},
	} {
		err := c.Check()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
}

func TestParseChange(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"_dmarc.Example.com. 300 IN TXT \"v=DMARC1; p=none\"", "; remove: _dmarc.example.com. IN TXT *\n_dmarc.example.com. 300 IN TXT \"v=DMARC1; p=none\"\n"},
		{"+ _dmarc.Example.com. 300 IN TXT \"v=DMARC1; p=none\"", "_dmarc.example.com. 300 IN TXT \"v=DMARC1; p=none\"\n"},
		{"_dmarc.example.com DMARC \"v=DMARC1; p=none\"", "; remove: _dmarc.example.com. IN TXT *\n_dmarc.example.com. 3600 IN TXT \"v=DMARC1; p=none\"\n"},
		{"example.com MX 10 mail.example.net", "; remove: example.com. IN MX *\nexample.com. 3600 IN MX 10 mail.example.net.\n"},
		{"- example.com TXT x", "; remove: example.com. IN TXT \"x\"\n"},
		{"-example.com 5 IN TXT", "; remove: example.com. IN TXT *\n"},
		{"- example.com mx *", "; remove: example.com. IN MX *\n"},
		{"", ""},
		{"-", ""},
		{"example.com", ""},
		{"example.com TXT", ""},
		{"a A 192.0.2.1\nb A 192.0.2.1", ""},
		{"- example.com FOO x", ""},
		{"- a..b A", ""},
		{"- example.com A x", ""},
		{"example.com TXT \"x", ""},
		{"@ MX 10 mail.example.net.", ""},
		{"_dmarc TXT \"v=DMARC1; p=none\"", ""},
		{"_dmarc.example.com TXT v=DMARC1; p=none", ""},
		{"+", ""},
	} {
		c, err := ParseChange(tt.in)
		if got := c.String(); got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%q: got %q, error %v, want %q", tt.in, got, err, tt.want)
		}
	}
}

// Records that are assumed stand in the place of those that are there, all of them
// together.
func TestParseChanges(t *testing.T) {
	before := []string{
		"_dmarc.example.com.\t300\tIN\tTXT\t\"v=DMARC1; p=none\"", "example.com.\t300\tIN\tMX\t10 old.example.com.",
		"k._domainkey.example.com.\t300\tIN\tCNAME\tk.example.net.", "s._domainkey.example.com.\t300\tIN\tTXT\t\"p=AA\"",
	}
	for _, tt := range []struct {
		name        string
		lines, want []string // what differs: "- " what goes, "+ " what comes
	}{
		{"one record", []string{`_dmarc.example.com 60 IN TXT "v=DMARC1; p=reject"`}, []string{"- " + before[0], "+ _dmarc.example.com.\t60\tIN\tTXT\t\"v=DMARC1; p=reject\""}},
		{
			"two records",
			[]string{"example.com 60 MX 10 a.example.com", "example.com 60 MX 20 b.example.com"},
			[]string{"- " + before[1], "+ example.com.\t60\tIN\tMX\t10 a.example.com.", "+ example.com.\t60\tIN\tMX\t20 b.example.com."},
		},
		{"one more", []string{"+ example.com 60 MX 10 a.example.com"}, []string{"+ example.com.\t60\tIN\tMX\t10 a.example.com."}},
		{"one less", []string{"- example.com MX 10 OLD.example.com"}, []string{"- " + before[1]}},
		{"a text for an alias", []string{`k._domainkey.example.com 60 TXT "p=BB"`}, []string{"- " + before[2], "+ k._domainkey.example.com.\t60\tIN\tTXT\t\"p=BB\""}},
		{"an alias for a text", []string{`s._domainkey.example.com 60 CNAME s.example.net`}, []string{"- " + before[3], "+ s._domainkey.example.com.\t60\tIN\tCNAME\ts.example.net."}},
		{"first less, then more", []string{"- example.com MX", "+ example.com 60 MX 5 x.example.com"}, []string{"- " + before[1], "+ example.com.\t60\tIN\tMX\t5 x.example.com."}},
	} {
		changes, err := ParseChanges(tt.lines)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		after := Apply(before, changes)
		var got []string
		for _, s := range before {
			if !slices.Contains(after, s) {
				got = append(got, "- "+s)
			}
		}
		for _, s := range after {
			if !slices.Contains(before, s) {
				got = append(got, "+ "+s)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	if _, err := ParseChanges([]string{"example.com MX 10 a.example.com", "example.com MX ten a"}); err == nil || !strings.HasPrefix(err.Error(), `record "example.com MX ten a": MX record: `) || !strings.Contains(err.Error(), "write NAME TTL IN TYPE DATA") {
		t.Errorf("the error says %v", err)
	}
}

func FuzzParseChange(f *testing.F) {
	f.Add("example.com 300 IN TXT \"v=spf1 -all\" \"x\"")
	f.Add("- example.com MX 10 a")
	f.Add("a TYPE1 \\# 4 c0000201")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseChange(s)
		if err != nil || len(s) > 4096 {
			return
		}
		if err := c.Check(); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		c.Plain()
		once := Apply(nil, []Change{c})
		if len(once) != len(c.Add) || !slices.Equal(Apply(once, []Change{c}), once) {
			t.Fatalf("%q: %q, then %q", s, once, Apply(once, []Change{c}))
		}
		back := Change{Owner: c.Owner, Type: c.Type, Remove: c.Add}
		if left := Apply(once, []Change{back}); len(left) != 0 {
			t.Fatalf("%q: %q is left", s, left)
		}
	})
}
