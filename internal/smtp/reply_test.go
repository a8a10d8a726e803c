package smtp

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzReply(f *testing.F) {
	for _, s := range []string{
		"220 mx.example.com ESMTP\r\n", "250-a\r\n250-STARTTLS\r\n250 SIZE 10\r\n", "250\r\n", "250 a\n", "250+a\r\n",
		"220-a\r\n550 b\r\n", "", "2", "\xff\xfe\x00", "421 4.3.2 \xe9\r\n", strings.Repeat("220-x\r\n", 200), "220 " + strings.Repeat("y", 5000) + "\r\n220 z\r\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, notes, raw, err := newReader(strings.NewReader(s), MaxBytes).reply()
		if err != nil {
			if r.Code != 0 || len(raw) > 4*maxRaw {
				t.Fatalf("reply %v and %d bytes of evidence beside %v", r, len(raw), err)
			}
			return
		}
		if r.Code < 200 || r.Code > 599 || len(r.Lines) == 0 || len(r.Lines) > MaxLines {
			t.Fatalf("impossible reply %v", r)
		}
		for _, l := range r.Lines {
			if len(l) > 4*MaxLine || !utf8.ValidString(l) || strings.Contains(l, "\n") {
				t.Fatalf("impossible line %q", l)
			}
		}
		ReadFeatures(r)
		r.Enhanced()
		r.HostName()
		r.FirstWord()
		stored, err := json.Marshal(Exchange{Reply: &r, Notes: notes})
		if err != nil {
			t.Fatal(err)
		}
		var loaded Exchange
		if err := json.Unmarshal(stored, &loaded); err != nil || !reflect.DeepEqual(*loaded.Reply, r) {
			t.Fatalf("%v is %v after storing, %v", r, loaded.Reply, err)
		}
		if again, _, _, err := newReader(strings.NewReader(wireForm(r)), MaxBytes).reply(); len(notes) == 0 && (err != nil || !reflect.DeepEqual(again, r)) {
			t.Fatalf("%v is %v when read again, %v", r, again, err)
		}
	})
}

// wireForm writes a reply as a server would.
func wireForm(r Reply) string {
	var b strings.Builder
	for i, l := range r.Lines {
		separator := "-"
		if i == len(r.Lines)-1 {
			separator = " "
		}
		fmt.Fprintf(&b, "%d%s%s\r\n", r.Code, separator, l)
	}
	return b.String()
}

func TestFeatures(t *testing.T) {
	r := Reply{250, []string{
		"MX1.Example.com. greets you", "PIPELINING", "size 52428800", "starttls", "AUTH PLAIN login", "AUTH=LOGIN CRAM-MD5",
		"ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SMTPUTF8", "CHUNKING", "REQUIRETLS", "LIMITS RCPTMAX=100 MAILMAX=x RCPTDOMAINMAX=-1", "", "XXXXXXXA",
	}}
	f := ReadFeatures(r)
	if f.Host != "mx1.example.com" || !f.Pipelining || !f.StartTLS || !f.Enhanced || !f.EightBitMIME || !f.DSN || !f.SMTPUTF8 || !f.Chunking || !f.RequireTLS {
		t.Errorf("%+v", f)
	}
	if !f.SizeOffered || f.Size != 52428800 || !reflect.DeepEqual(f.Limits, map[string]int{"RCPTMAX": 100}) {
		t.Errorf("size %d, limits %v", f.Size, f.Limits)
	}
	if !reflect.DeepEqual(f.Auth, []string{"PLAIN", "LOGIN", "CRAM-MD5"}) {
		t.Errorf("mechanisms %q", f.Auth)
	}
	if last := f.Keywords[len(f.Keywords)-1]; last.Name != "XXXXXXXA" || len(f.Keywords) != 13 {
		t.Errorf("keywords %v", f.Keywords)
	}
	if f := ReadFeatures(Reply{250, []string{"STARTTLS"}}); f.StartTLS {
		t.Error("the greeting line was read as a keyword")
	}
	if f := ReadFeatures(Reply{550, []string{"no", "STARTTLS"}}); f.StartTLS || f.Keywords != nil {
		t.Error("a refusal offers something")
	}
}

func TestOffered(t *testing.T) {
	reply := func(code int) *Reply { return &Reply{code, []string{"mx.example.com", "STARTTLS"}} }
	for _, test := range []struct {
		name          string
		exchanges     []Exchange
		stage         string
		known, offers bool
	}{
		{"nothing", nil, StageEHLO, false, false},
		{"no reply", []Exchange{{Stage: StageEHLO}}, StageEHLO, false, false},
		{"refused", []Exchange{{Stage: StageEHLO, Reply: reply(550)}}, StageEHLO, false, false},
		{"clear", []Exchange{{Stage: StageEHLO, Reply: reply(250)}}, StageEHLO, true, true},
		{"not after TLS", []Exchange{{Stage: StageEHLO, Reply: reply(250)}}, StageEHLOTLS, false, false},
		{"HELO only", []Exchange{{Stage: StageEHLO, Reply: reply(502)}, {Stage: StageHELO, Reply: reply(250)}}, StageEHLO, true, false},
		{"no HELO either", []Exchange{{Stage: StageEHLO, Reply: reply(502)}, {Stage: StageHELO, Reply: reply(502)}}, StageEHLO, false, false},
	} {
		f := Offered(test.exchanges, test.stage)
		if (f != nil) != test.known || f != nil && f.StartTLS != test.offers {
			t.Errorf("%s: %+v", test.name, f)
		}
	}
}

func TestEnvelopesText(t *testing.T) {
	es := Envelopes{{"a", "", "x@example.com"}, {"b", "y@example.net", `"q r"@example.com`}}
	if got := ParseEnvelopes(es.String()); !reflect.DeepEqual(got, es) {
		t.Errorf("%q", got)
	}
	if got := ParseEnvelopes("a\tb\n\tc\t<d>\n"); got != nil {
		t.Errorf("%q", got)
	}
}

// A name is what a greeting or an answer to EHLO begins with, if that is one.
func TestHostName(t *testing.T) {
	for _, c := range []struct {
		code       int
		line, want string
	}{
		{220, "MX1.Example.COM. ESMTP", "mx1.example.com"},
		{250, "mx1.example.com at your service", "mx1.example.com"},
		{220, "mx_1.example.com ESMTP", "mx_1.example.com"},
		{220, "1.example.com", "1.example.com"},
		{421, "4.7.0 too many connections", ""},
		{421, "mx1.example.com closing", ""},
		{554, "No SMTP service here", ""},
		{554, "mx1.example.com No SMTP service here", ""},
		{220, "Stalwart ESMTP at your service", ""},
		{220, "[192.0.2.1] ready", ""},
		{220, "192.0.2.1 ready", ""},
		{220, "2.0.0 ready", ""},
		{220, "mx1..example.com", ""},
		{220, "-mx1.example.com", ""},
		{220, "mx1.example.com:25", ""},
		{220, "*****.****", ""},
		{220, "", ""},
	} {
		if got := (Reply{Code: c.code, Lines: []string{c.line}}).HostName(); got != c.want {
			t.Errorf("%d %s: %q, want %q", c.code, c.line, got, c.want)
		}
	}
	if (Reply{Code: 220}).HostName() != "" {
		t.Error("a name of a reply without a line")
	}
}
