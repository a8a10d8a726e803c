package message

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"mxvet/report"
)

func TestParse(t *testing.T) {
	for _, text := range []string{
		plain,
		crlfText(plain),
		"\xef\xbb\xbf" + plain,
		"From alice@example.com Mon Nov  2 08:00:00 2026\n" + plain, // mbox
	} {
		m := parsed(t, text)
		if len(m.Fields) != 5 || !m.Fields[2].Is("subject") || m.Fields[2].Value() != "A letter" || string(m.Body) != "A line.\r\n\r\nAnother line.\r\n" {
			t.Errorf("%q: %d fields, body %q", text[:20], len(m.Fields), m.Body)
		}
	}
	m := parsed(t, "From: a@example.com\nSubject: one\n two\n\tthree\nno field\n\nbody\x00with NUL")
	if m.Fields[1].Raw != "Subject: one\r\n two\r\n\tthree\r\n" || m.Fields[1].Value() != "one two\tthree" || m.Fields[2].Name != "" {
		t.Errorf("%+v", m.Fields)
	}
	if !bytes.HasSuffix(m.Body, []byte("\x00with NUL")) {
		t.Errorf("body %q", m.Body)
	}
	if m := parsed(t, "From: a@example.com"); len(m.Fields) != 1 || len(m.Body) != 0 {
		t.Errorf("header alone: %+v", m)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"empty":          {"", "empty"},
		"blank":          {" \r\n\n", "empty"},
		"outlook":        {"\xd0\xcf\x11\xe0\xa1\xb1", ".msg"},
		"pdf":            {"%PDF-1.7\n", "PDF"},
		"zip":            {"PK\x03\x04...", "ZIP"},
		"binary":         {"\x7fELF\x02\x01\x01\x00\x00\x00\n", "NUL"},
		"NUL in header":  {"From: a@example.com\nSubject: a\x00b\n\n", "NUL"},
		"headerless":     {"Dear Bob,\nhow are you?\n", "no mail header"},
		"indented":       {"  From: a@example.com\n", "indented"},
		"HTML":           {"<!DOCTYPE html>\n<html>", "a web page"},
		"TNEF":           {"\x78\x9f\x3e\x22\x01", "winmail.dat"},
		"Apple Mail":     {"1234      \nFrom: a@example.com\n\n", ".emlx"},
		"UTF-16, no BOM": {"F\x00r\x00o\x00m\x00", "UTF-16"},
		"JSON":           {"{\"a\": 1}\n", "no mail header"},
		"yaml":           {"name: value\nother: value\n", "no mail header"},
		"body first":     {"\nFrom: a@example.com\n", "no mail header"},
		"huge":           {"From: a@example.com\n\n" + strings.Repeat("x", 10<<20), "more than 10 MB"},
		"huge header":    {"From: a@example.com\n" + strings.Repeat("X: "+strings.Repeat("y", 990)+"\n", 8500), "header has more than"},
		"one long line":  {"From: a@example.com\nX: " + strings.Repeat("y", maxHeader+1), "header has more than"},
		"many fields":    {"From: a@example.com\n" + strings.Repeat("X: y\n", maxFields), "fields"},
		"no line breaks": {strings.Repeat("x", maxHeader+10), "header has more than"},
		"CR alone":       {"From: a@example.com\rSubject: x\r\rtext\r", "CR alone"},
		"UTF-16":         {"\xff\xfeF\x00r\x00o\x00m\x00", "UTF-16"},
	} {
		if m, err := read(strings.NewReader(c.text), 10<<20); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, %v; want %q", name, m != nil, err, c.says)
		}
	}
	if m, err := read(strings.NewReader("From: a@example.com\n\n"+strings.Repeat("x", 979)), 1000); err != nil || len(m.Body) != 979 {
		t.Errorf("as long as may be: %v", err)
	}
}

func TestAuthor(t *testing.T) {
	for _, c := range []struct{ from, domain, why, broken string }{
		{"alice@example.com", "example.com", "", ""},
		{`"Alice, at work" <alice@EXAMPLE.com.>`, "", "", ""},
		{"=?utf-8?q?Al=C3=ADce?= <alice@example.com>", "example.com", "", ""},
		{"=?x-unknown?q?Alice?= <alice@example.com>", "example.com", "", ""},
		{"alice@example.com, bob@example.com", "example.com", "", ""},
		{"alice@example.com, bob@example.net", "", "several domains", ""},
		{"friends: alice@example.com, bob@example.com;", "example.com", "", ""},
		{"alice@bücher.example", "xn--bcher-kva.example", "", ""},
		{"Alice (at work) <alice@example.com> <eve@example.net>", "", "several domains", "not written"},
		{"eve@example.net <alice@example.com>", "", "several domains", "not written"},
		{"alice@[192.0.2.1]", "", "no domain name", ""},
		{"alice", "", "no address", "not written"},
		{"", "", "no address", "not written"},
	} {
		if c.domain == "" && c.why == "" {
			c.domain, c.broken = "example.com", "not written" // a final dot is no address
		}
		a := parsed(t, "From: "+c.from+"\nDate: x\n\n").author()
		if a.Domain != c.domain || !strings.Contains(a.Why, c.why) || (a.Broken != "") != (c.broken != "") {
			t.Errorf("%s: %+v", c.from, a)
		}
	}
	if a := parsed(t, "From: a@example.com\nFROM: a@example.com\n\n").author(); a.Fields != 2 || a.Domain != "" {
		t.Errorf("two fields: %+v", a)
	}
}

// What is not ASCII and ends in a control: shown, never lost.
func TestValue(t *testing.T) {
	f := Field{Name: "X", Raw: "X:  a\r\n\tb \r\n"}
	if f.Value() != "a\tb" {
		t.Errorf("%q", f.Value())
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(plain))
	f.Add([]byte(received(plain, "a@example.com", "mx", "192.0.2.1")))
	f.Add([]byte("From: a@b.example\nDKIM-Signature: v=1; a=rsa-sha256; d=b.example; s=s; h=from; bh=; b=;\nARC-Seal: i=1; cv=none; b=x\n\n"))
	f.Add([]byte("Received: from x by y; Sat, 01 Jan 0000 00:00:00 +2300\nFrom: a@b.example\nDKIM-Signature: t=999999999999; x=999999999999\n\n"))
	f.Add([]byte("From x Mon Nov  2 08:00:00 2026\nFrom: a@b.example\nDKIM-Signature: bh=x; l=5; c=relaxed/relaxed\n\n>From\n\nFrom y Mon Nov  2 08:00:00 2026\n"))
	f.Add([]byte("Received: from [1.2.3.4] (helo=x (y\\)) by z; x\nAuthentication-Results: x (\"\\; 1; dkim=pass\nFrom: <\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data)
		if err != nil {
			return
		}
		again, err := Parse(m.text())
		if err != nil {
			// Only what is at a limit may not fit any more: LF became CRLF.
			if len(data) < MaxSize/2 && len(data) < maxHeader/2 {
				t.Fatalf("read, written, and refused: %v", err)
			}
			return
		}
		if !slices.Equal(m.Fields, again.Fields) || !bytes.Equal(m.Body, again.Body) {
			t.Fatalf("not the same when read again:\n%+v\n%+v", m, again)
		}
		r := check(t, nowhere{}, string(data))
		if r.Verdict == "pass" {
			t.Fatalf("passes without any DNS: %s", data)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Fatalf("%v: %q", err, data)
		}
		r.Text(new(report.Lines), false)
	})
}
