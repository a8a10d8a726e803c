package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"mxvet/internal/smtp"
)

var (
	pageAt = Request{URL: "https://mta-sts.example.com/.well-known/mta-sts.txt", Addr: netip.MustParseAddrPort("192.0.2.80:443")}
	mailAt = Probe{Proto: "smtp", Addr: netip.MustParseAddrPort("[2001:db8::25]:25"), SNI: "mx1.example.com"}
)

// full has one answer of each kind, with text that is hard to write.
func full() *scripted {
	return &scripted{
		dns: func(_ context.Context, q Question) Answer {
			return Answer{
				Rcode: "NOERROR", AD: true, EDE: []string{"18 Prohibited: <x>"}, From: "192.0.2.53:53", Millis: 12,
				Answer: []string{q.Name + ".\t300\tIN\tTXT\t\"v=spf1 <&> \\195\\169 -all\""}, Authority: []string{},
			}
		},
		fetch: func(context.Context, Request) Page {
			return Page{Status: 200, Body: []byte("version: STSv1\n\xff"), TLS: &TLS{Version: "TLS 1.3", Chain: [][]byte{{0x30, 0}}, System: Trusted}}
		},
		talk: func(context.Context, Probe) Session {
			return Session{
				Exchanges: []smtp.Exchange{{Stage: smtp.StageBanner, Reply: &smtp.Reply{Code: 220, Lines: []string{"mx1 \xe9 \u2028"}}, Millis: 3}},
				Fail:      &Fail{FailTimeout, "ehlo: silence"},
			}
		},
	}
}

func TestTapeFile(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	tape := NewTape(full(), Header{Tool: "mxvet 1", At: at, Seed: "s", Options: json.RawMessage("{ \"a\": [1, \"<\"] }")})
	questions := []Question{{Name: "example.com", Type: "TXT"}, {Name: "a.example.com", Type: "TXT", Server: "192.0.2.53", TCP: true, CD: true}}
	var before []any
	ask := func(tape *Tape) (out []any) {
		for _, q := range questions {
			out = append(out, tape.DNS(t.Context(), q))
		}
		return append(out, tape.Fetch(t.Context(), pageAt), tape.Talk(t.Context(), mailAt))
	}
	before = ask(tape)
	if q, c := tape.Counts(); q != 2 || c != 2 {
		t.Errorf("counts %d and %d, want 2 and 2", q, c)
	}
	tape.SetReceipt(json.RawMessage(`{"queries":2}`))

	var saved bytes.Buffer
	if err := tape.Save(&saved); err != nil {
		t.Fatal(err)
	}
	const want = `{"version":1,"tool":"mxvet 1","options":{"a":[1,"<"]},"at":"2026-03-01T11:00:00Z","seed":"s","receipt":{"queries":2},
"dns":{
 "dns:TXT a.example.com@192.0.2.53+tcp+cd": {"rcode":"NOERROR","ad":true,"ede":["18 Prohibited: <x>"],"answer":["a.example.com.\t300\tIN\tTXT\t\"v=spf1 <&> \\195\\169 -all\""],"from":"192.0.2.53:53","ms":12},
 "dns:TXT example.com": {"rcode":"NOERROR","ad":true,"ede":["18 Prohibited: <x>"],"answer":["example.com.\t300\tIN\tTXT\t\"v=spf1 <&> \\195\\169 -all\""],"from":"192.0.2.53:53","ms":12}
},
"pages":{
 "get:https://mta-sts.example.com/.well-known/mta-sts.txt@192.0.2.80:443": {"status":200,"body":"dmVyc2lvbjogU1RTdjEK/w==","tls":{"version":"TLS 1.3","chain":["MAA="],"system":"trusted"}}
},
"sessions":{
 "smtp:[2001:db8::25]:25/mx1.example.com": {"exchanges":[{"stage":"banner","reply":{"code":220,"lines":["mx1 ` + "\ufffd" + ` \u2028"]},"ms":3}],"fail":{"kind":"timeout","text":"ehlo: silence"}}
}}
`
	if saved.String() != want {
		t.Errorf("saved\n%s\nwant\n%s", saved.String(), want)
	}

	replay, err := LoadTape(strings.NewReader(saved.String()))
	if err != nil {
		t.Fatal(err)
	}
	if after := ask(replay); !reflect.DeepEqual(before, after) {
		t.Errorf("the run saw\n%+v\nits replay sees\n%+v", before, after)
	}
	if h := replay.Header(); !h.At.Equal(at) || h.Seed != "s" || h.Version != TapeVersion || string(h.Receipt) != `{"queries":2}` {
		t.Errorf("header %+v", h)
	}
	if q, c := replay.Counts(); q != 2 || c != 2 {
		t.Errorf("counts of the replay %d and %d, want 2 and 2", q, c)
	}
	a, p, s := replay.Lookup("dns:TXT example.com")
	if a == nil || p != nil || s != nil || a.Millis != 12 {
		t.Errorf("lookup by ref: %v %v %v", a, p, s)
	}

	fails := []*Fail{
		replay.DNS(t.Context(), Question{Name: "other.example", Type: "TXT"}).Fail,
		replay.Fetch(t.Context(), Request{URL: pageAt.URL}).Fail,
		replay.Talk(t.Context(), Probe{Proto: "smtp"}).Fail,
	}
	for _, f := range fails {
		if f == nil || f.Kind != FailNotOnTape {
			t.Errorf("what is not on the tape: %v", f)
		}
	}
	var again bytes.Buffer
	if err := replay.Save(&again); err != nil || again.String() != want {
		t.Errorf("saved again: %v\n%s", err, again.String())
	}
}

func TestTapeCountsOnlyTraffic(t *testing.T) {
	behind := &scripted{
		dns: func(_ context.Context, q Question) Answer {
			if q.Type == "A" {
				return Answer{Rcode: "NOERROR", Assumed: true}
			}
			return Answer{Fail: &Fail{Kind: FailOffline}}
		},
		talk: func(context.Context, Probe) Session { return Session{Fail: &Fail{Kind: FailForbidden}} },
		fetch: func(_ context.Context, r Request) Page {
			if !r.Addr.IsValid() {
				return Page{Status: 200, Assumed: true}
			}
			return Page{Fail: &Fail{Kind: FailRefused}}
		},
	}
	tape := NewTape(behind, Header{})
	tape.Fetch(t.Context(), Request{URL: pageAt.URL})
	tape.DNS(t.Context(), Question{Name: "example.com", Type: "A"})
	tape.DNS(t.Context(), Question{Name: "example.com", Type: "MX"})
	tape.Talk(t.Context(), mailAt)
	tape.Fetch(t.Context(), pageAt)
	if q, c := tape.Counts(); q != 0 || c != 1 {
		t.Errorf("counts %d and %d, want 0 and 1", q, c)
	}
}

func TestLoadTapeRefuses(t *testing.T) {
	const head = `{"version":1,"at":"2026-03-01T11:00:00Z"`
	for _, tt := range []struct{ text, want string }{
		{"", "ends too early"},
		{"{}", "no version"},
		{"[]", "not a recording"},
		{"x", "no JSON"},
		{`{"version":"1.5"}`, "use a newer mxvet"},
		{`{"version":true}`, "a bool stands where"},
		{`{"version":1,"at":"today"}`, "should be as in"},
		{`{"version":1`, "cut off"},
		{`{"version":2}`, "use a newer mxvet"},
		{`{"version":0}`, "record it again"},
		{head + `,"x":1}`, `field "x"`},
		{head + `}{}`, "more behind its end"},
		{head + `,"dns":[]}`, "has an object"},
		{head + `,"dns":{"dns:A x":{"x":1}}}`, "unknown field"},
		{head + `,"dns":{"dns:A x":{"ms":"1"}}}`, `"ms" is a string`},
		{head + `,"dns":{"dns:A x":null}}`, "no answer"},
		{head + `,"dns":{"get:A x":{}}}`, "not a question"},
		{head + `,"dns":{"dns:A x":{"ms":-1}}}`, "negative"},
		{head + `,"dns":{"dns:A x":{"answer":["x.\t1\tIN\tA\t1\n$INCLUDE /etc/hostname"]}}}`, "not a record"},
		{head + `,"dns":{"dns:A x":{"authority":[""]}}}`, "not a record"},
		{head + `,"pages":{"dns:A x":{}}}`, "not a request"},
		{head + `,"pages":{"get:x":{"ms":-1}}}`, "negative"},
		{head + `,"sessions":{"get:x":{}}}`, "not a conversation"},
		{head + `,"sessions":{"smtp":{}}}`, "not a conversation"},
		{head + `,"sessions":{"smtp:x":{"connect":-1}}}`, "negative"},
		{head + `,"sessions":{"smtp:x":{"exchanges":[{"reply":{"code":1000}}]}}}`, "not an exchange"},
		{head + `,"dns":{"dns:A x":{"answer":[` + many(maxRecords+1, `"x.\t1\tIN\tA\t192.0.2.1"`) + `]}}}`, "2001 records"},
		{head + `,"dns":{"dns:A x":{"answer":["x.\t1\tIN\tTXT\t` + strings.Repeat("x", maxAnswerText) + `"]}}}`, "bytes of records"},
		{head + `,"dns":{"dns:A x":{"ede":[` + many(200, `""`) + `]}}}`, "200 extended errors"},
		{head + `,"dns":{"dns:A x":{"from":"` + strings.Repeat("x", 4*maxElement) + `"}}}`, "more in one piece"},
		{head + `,"pages":{"get:x":{"body":"` + strings.Repeat("QUFB", MaxBody/3+1) + `"}}}`, "a page of"},
		{head + `,"pages":{"get:x":{"tls":{"chain":[` + many(17, `"MAA="`) + `]}}}}`, "17 certificates"},
		{head + `,"sessions":{"smtp:x":{"exchanges":[` + many(maxExchanges+1, `{"stage":"x"}`) + `]}}}`, "201 commands"},
		{head + `,"sessions":{"smtp:x":{"exchanges":[{"reply":{"code":1,"lines":[` + many(smtp.MaxLines+1, `""`) + `]}}]}}}`, "129 lines"},
		{head + `,"sessions":{"smtp:x":{"exchanges":[{"raw":"` + strings.Repeat("x", maxText+1) + `"}]}}}`, "more in one conversation"},
		{`{"version":1,"options":"` + strings.Repeat("x", 4*maxOptions) + `"}`, "more in one piece"},
		{`{"version":1,"dns":` + strings.Repeat("[", 20000), "object"},
	} {
		if _, err := LoadTape(strings.NewReader(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.200s: %.300v, want %q", tt.text, err, tt.want)
		}
	}
	if _, err := LoadTape(brokenReader{}); !errors.Is(err, errBroken) {
		t.Errorf("a reader that fails: %v", err)
	}
}

func many(n int, s string) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }

// What is longer than a recording, or has no end, is refused when that is seen, and
// not kept in memory until then.
func TestLoadTapeEndless(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"zeros":   endless("\x00"),
		"blanks":  endless(" "),
		"a text":  io.MultiReader(strings.NewReader(`{"version":1,"tool":"`), endless("x")),
		"answers": io.MultiReader(strings.NewReader(`{"version":1,"dns":{`), endless(`"dns:A x":{},`)),
		"records": io.MultiReader(strings.NewReader(`{"version":1,"dns":{"dns:A x":{"answer":[`), endless(`"x.\t1\tIN\tA\t192.0.2.1",`)),
		"depth":   io.MultiReader(strings.NewReader(`{"version":1,"options":`), endless(`[`)),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := LoadTape(r)
		runtime.ReadMemStats(&after)
		if grown := (after.Sys - min(before.Sys, after.Sys)) >> 20; err == nil || strings.Contains(err.Error(), "json") || grown > 40 {
			t.Errorf("%s: %v, and %d MiB more of memory", name, err, grown)
		}
	}
}

// endless gives a reader of a text that repeats without an end.
func endless(text string) io.Reader { return &repeated{text: text} }

type repeated struct {
	text string
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.text[r.at%len(r.text)]
		r.at++
	}
	return len(p), nil
}

var errBroken = errors.New("broken")

type brokenReader struct{}

func TestTapeSaveFails(t *testing.T) {
	if err := NewTape(nil, Header{}).Save(brokenReader{}); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
	if err := NewTape(nil, Header{Options: json.RawMessage("{")}).Save(&bytes.Buffer{}); err == nil {
		t.Error("options that are no JSON were written")
	}
}

func FuzzLoadTape(f *testing.F) {
	tape := NewTape(full(), Header{At: time.Unix(0, 0), Options: json.RawMessage("null")})
	tape.DNS(f.Context(), Question{Name: "example.com", Type: "TXT"})
	tape.Fetch(f.Context(), pageAt)
	tape.Talk(f.Context(), mailAt)
	var b bytes.Buffer
	if err := tape.Save(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"version":1,"at":"9999-12-31T23:59:59-10:00","dns":{"dns:A x":{"answer":["x\t\t\t\t$INCLUDE a"]}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		tape, err := LoadTape(bytes.NewReader(data))
		if err != nil {
			return
		}
		tape.Counts()
		for ref := range tape.dns {
			a, _, _ := tape.Lookup(ref)
			a.TXT()
			a.MX()
			a.Addrs()
			a.Chain("example.com")
			a.TTL("A")
		}
		var once, twice bytes.Buffer
		if err := tape.Save(&once); err != nil {
			return // a time that has no text in UTC
		}
		again, err := LoadTape(bytes.NewReader(once.Bytes()))
		if err != nil {
			t.Fatalf("what was saved is not read: %v\n%s", err, once.String())
		}
		if err := again.Save(&twice); err != nil || once.String() != twice.String() {
			t.Fatalf("saved once\n%s\nand twice: %v\n%s", once.String(), err, twice.String())
		}
	})
}
