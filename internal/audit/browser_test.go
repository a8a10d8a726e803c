//go:build integration

package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mxvet/internal/hostile"
	"mxvet/internal/message"
	"mxvet/internal/psl"
	"mxvet/internal/wire"
	"mxvet/report"
)

// tells are texts that leave a mark where a browser takes them for more than text: they
// run, or ask for %s. The control page shows that each does.
var tells = []string{
	`<script>window.ran=1</script>`,
	`"><script>window.ran=1</script>`,
	`</title><script>window.ran=1</script>`,
	`</style><script>window.ran=1</script>`,
	`<img src="data:," onerror="window.ran=1">`,
	`<svg onload="window.ran=1">`,
	`<img src="%s">`,
	`'"><img src='%s'>`,
	`<link rel=stylesheet href="%s">`,
	`</style><style>@import url("%s");</style>`,
	`<iframe src="%s"></iframe>`,
	`<object data="%s"></object>`,
	`<meta http-equiv=refresh content="0;url=%s">`,
	`<video src="%s" autoplay></video>`,
	`<p style="background:url(%s)">x</p>`,
}

// A site serves pages by name, and notes what else is asked of it.
type site struct {
	pages map[string][]byte
	mu    sync.Mutex
	asked map[string]bool
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	if page, ok := s.pages[name]; ok {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page) // the browser may go
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[name] = true
	http.NotFound(w, r)
}

// frames holds all pages in one, which tells of each, once all are there, what became
// of it.
func frames(names []string) []byte {
	var b strings.Builder
	b.WriteString("<!doctype html><title>all</title><body>")
	for _, name := range names {
		fmt.Fprintf(&b, "<iframe src=\"/%s\" name=%[1]q></iframe>\n", name)
	}
	b.WriteString(`<script>
addEventListener("load", () => setTimeout(() => {
  for (const f of [...document.querySelectorAll("iframe")]) {
    const p = document.createElement("p"), d = f.contentDocument;
    p.textContent = [f.name, "ran " + (f.contentWindow.ran || 0), "scripts " + d.scripts.length, "title " + d.title, "whole " + !!d.querySelector("footer, #path")].join("|");
    f.replaceWith(p);
  }
}, 1500));
</script>`)
	return []byte(b.String())
}

// TestBrowser shows every hostile text, in every place of a page, to a browser: nothing
// in it runs, and nothing is asked for that is not the page itself.
func TestBrowser(t *testing.T) {
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed: apt-get install chromium")
	}
	s := &site{pages: map[string][]byte{}, asked: map[string]bool{}}
	server := httptest.NewServer(s)
	defer server.Close()

	var bases [][]byte
	for _, subject := range harmSubjects(t) {
		if subject.name == "world broken" || subject.name == "world young" || subject.name == "smtp-starttls-none" {
			bases = append(bases, recording(t, subject))
		}
	}
	if len(bases) == 0 {
		t.Fatal("nothing to show")
	}
	var names, controls []string
	for i, tell := range tells {
		text := strings.ReplaceAll(tell, "%s", server.URL+fmt.Sprintf("/left%d", i))
		page, letter, control := fmt.Sprintf("t%d", i), fmt.Sprintf("m%d", i), fmt.Sprintf("c%d", i)
		s.pages[page], s.pages[letter] = audited(t, bases[i%len(bases)], text), read(t, text)
		s.pages[control] = []byte("<!doctype html><title>control</title><style></style><body>" + strings.ReplaceAll(text, "/left", "/control"))
		names, controls = append(names, page, letter), append(controls, control)
	}
	for i, text := range hostile.Texts() {
		page, letter := fmt.Sprintf("h%d", i), fmt.Sprintf("n%d", i)
		s.pages[page], s.pages[letter] = audited(t, bases[i%len(bases)], text), read(t, text)
		names = append(names, page, letter)
	}
	s.pages["all"] = frames(slices.Concat(names, controls))

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var errs bytes.Buffer
	cmd := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+t.TempDir(),
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--virtual-time-budget=20000", "--dump-dom", server.URL+"/all")
	cmd.Stderr = &errs
	dom, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	found := map[string]string{}
	for _, line := range strings.Split(html.UnescapeString(string(dom)), "<p>")[1:] {
		name, rest, _ := strings.Cut(line, "|")
		found[name], _, _ = strings.Cut(rest, "</p>")
	}
	for _, name := range names {
		got := found[name]
		if !strings.HasPrefix(got, "ran 0|scripts 0|title M") || !strings.Contains(got, "|whole true") {
			t.Errorf("%s: %q", name, got)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for what := range s.asked {
		if !strings.HasPrefix(what, "control") && what != "favicon.ico" {
			t.Errorf("a page asked for %s", what)
		}
	}
	for i, tell := range tells { // what would have been seen
		if ran := strings.HasPrefix(found[fmt.Sprintf("c%d", i)], "ran 1"); ran == strings.Contains(tell, "%s") {
			t.Errorf("control %q: ran %v", tell, ran)
		}
		if asked := s.asked[fmt.Sprintf("control%d", i)]; asked != strings.Contains(tell, "%s") {
			t.Errorf("control %q: asked %v", tell, asked)
		}
	}
}

// audited gives the page of an audit in which the text stands wherever a stranger may
// write.
func audited(t *testing.T, base []byte, text string) []byte {
	t.Helper()
	data, _ := poisoned(t, base, text)
	loaded, r := replayed(t, data)
	if !loaded {
		t.Fatalf("%q does not load", text)
	}
	var page bytes.Buffer
	if err := report.HTML(&page, r); err != nil {
		t.Fatal(err)
	}
	return page.Bytes()
}

// read gives the page of a message in which the text stands in every field.
func read(t *testing.T, text string) []byte {
	t.Helper()
	line := strings.NewReplacer("\r", " ", "\n", " ", "\x00", " ").Replace(text) // what no message has in a line
	m, err := message.Read(strings.NewReader(strings.NewReplacer("TEXT", line).Replace(`Return-Path: <TEXT@example.com>
Received: from TEXT (TEXT [192.0.2.1]) by TEXT with ESMTPS id TEXT; Mon, 02 Nov 2026 08:00:00 +0000
Authentication-Results: TEXT; spf=pass (TEXT) smtp.mailfrom=TEXT
ARC-Seal: i=1; a=rsa-sha256; cv=none; d=TEXT; s=TEXT; b=TEXT
DKIM-Signature: v=1; a=rsa-sha256; d=TEXT; s=TEXT; h=from; bh=TEXT; b=TEXT
DKIM-Signature: v=1; a=TEXT; d=example.com; s=TEXT; h=TEXT; bh=x; b=x
From: "TEXT" <a@example.com>
To: TEXT
Reply-To: TEXT
Subject: TEXT
Date: TEXT
Message-ID: <TEXT>
List-Unsubscribe: <TEXT>

TEXT
`)))
	if err != nil {
		t.Fatal(err)
	}
	tape := wire.NewTape(silent{}, wire.Header{})
	result := message.Check(t.Context(), tape, psl.Default(), m, message.Options{At: time.Unix(1793600000, 0)})
	result.File = text
	var page bytes.Buffer
	if err := result.HTML(&page); err != nil {
		t.Fatal(err)
	}
	return page.Bytes()
}

// silent is a network without an answer.
type silent struct{ wire.Source }

func (silent) DNS(context.Context, wire.Question) wire.Answer {
	return wire.Answer{Fail: &wire.Fail{Kind: wire.FailTimeout, Text: "silent"}}
}
