package audit_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"mxvet/internal/audit"
	"mxvet/internal/hostile"
	"mxvet/internal/paste"
	"mxvet/internal/wire"
	"mxvet/report"
)

// presented gives a text as zone text has it, in a string or in a label.
func presented(s string, label bool) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c < ' ' || c > '~' || label && strings.IndexByte(` .;()"@\$`, c) >= 0:
			fmt.Fprintf(&b, `\%03d`, c)
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// poisoned puts a text into a recording wherever a stranger may write: into every
// text record, the name of each mail host, what the hosts say, their certificates,
// the pages. It gives the names of the hosts, too.
func poisoned(t *testing.T, data []byte, s string) (out []byte, hosts []string) {
	t.Helper()
	tape := decoded(t, data)
	dns, _ := tape["dns"].(map[string]any)
	renamed := map[string]string{}
	name := func(old string) string {
		label := presented(s, true)
		if len(s) > 50 {
			label = presented(s[:50], true)
		}
		return strings.ToLower(label) + "." + old
	}
	for _, v := range dns {
		list, _ := v.(map[string]any)["answer"].([]any)
		for i := range list {
			f := strings.SplitN(list[i].(string), "\t", 5)
			switch f[3] {
			case "TXT":
				f[4] = strings.TrimSuffix(f[4], `"`) + presented(s, false) + `" " ` + presented(s, false) + `"`
			case "MX":
				pref, host, _ := strings.Cut(f[4], " ")
				if host == "." {
					break
				}
				bare := strings.TrimSuffix(host, ".")
				renamed[bare] = name(bare)
				f[4] = pref + " " + name(host)
			}
			list[i] = strings.Join(f, "\t")
		}
	}
	sessions, _ := tape["sessions"].(map[string]any)
	for old, now := range renamed {
		hosts = append(hosts, now)
		for _, rrtype := range []string{"A", "AAAA", "TXT"} {
			if v, ok := dns[string(wire.Question{Name: old, Type: rrtype}.Ref())]; ok {
				moved := clone(v).(map[string]any)
				list, _ := moved["answer"].([]any)
				for i := range list {
					_, rest, _ := strings.Cut(list[i].(string), "\t")
					list[i] = now + ".\t" + rest
				}
				dns[string(wire.Question{Name: now, Type: rrtype}.Ref())] = moved
			}
		}
		for key, v := range clone(any(sessions)).(map[string]any) {
			proto, rest, _ := strings.Cut(key, ":")
			addr, rest, _ := strings.Cut(rest, "/")
			at, err := netip.ParseAddrPort(addr)
			if err != nil || !strings.HasPrefix(rest, old) {
				continue
			}
			sessions[string(wire.Probe{Proto: proto, Addr: at, SNI: now}.Ref())+strings.TrimPrefix(rest, old)] = v
		}
	}
	spoken := strings.ToValidUTF8(strings.NewReplacer("\r", "", "\n", "").Replace(s), `\xff`)
	chain := []any{base64.StdEncoding.EncodeToString(certificate(t, s))}
	for _, v := range sessions {
		session := v.(map[string]any)
		exchanges, _ := session["exchanges"].([]any)
		for _, x := range exchanges {
			if r, _ := x.(map[string]any)["reply"].(map[string]any); r != nil {
				lines, _ := r["lines"].([]any)
				r["lines"] = append(lines, spoken)
				if x.(map[string]any)["stage"] == "banner" {
					r["lines"] = []any{spoken}
				}
			}
		}
		if tls, _ := session["tls"].(map[string]any); tls != nil {
			tls["chain"], tls["system"], tls["mozilla"] = chain, "self-signed", "self-signed"
		}
	}
	pages, _ := tape["pages"].(map[string]any)
	for _, v := range pages {
		page := v.(map[string]any)
		page["body"] = base64.StdEncoding.EncodeToString([]byte("version: STSv1\nmode: enforce\nmx: " + s + "\nmax_age: 1\n" + s))
		page["content_type"], page["location"] = spoken, spoken
	}
	out, err := json.Marshal(tape)
	if err != nil {
		t.Fatal(err)
	}
	return out, hosts
}

// certificate makes one with the text wherever a certificate has text.
func certificate(t *testing.T, s string) []byte {
	t.Helper()
	s = strings.ToValidUTF8(s, "?")
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte("k"), ed25519.SeedSize))
	who := pkix.Name{CommonName: s, Organization: []string{s}}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: who, Issuer: who, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0), DNSNames: []string{strings.Map(func(c rune) rune {
		if c > '~' {
			return '?'
		}
		return c
	}, s)}}
	der, err := x509.CreateCertificate(nil, cert, cert, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// One corpus of hostile texts in every place where a stranger may write, through
// every form of the report, each read by a reader of that form: JSON and zone text by
// parsers, HTML by the one that browsers have, text by its characters, what may be
// copied by a shell.
func TestInjection(t *testing.T) {
	var bases [][]byte
	allowed := map[string]bool{}
	for _, s := range harmSubjects(t) {
		if s.name == "world broken" || s.name == "world young" || s.name == "smtp-starttls-none" {
			bases = append(bases, recording(t, s))
			_, r := replayed(t, bases[len(bases)-1])
			for _, part := range markup(t, r) {
				allowed[part] = true
			}
		}
	}
	if len(bases) != 3 {
		t.Fatalf("%d recordings", len(bases))
	}
	for i, s := range hostile.Texts() {
		if underRace && i%4 > 0 {
			continue // they differ in data, not in what runs side by side
		}
		data, hosts := poisoned(t, bases[i%len(bases)], s)
		loaded, r := replayed(t, data)
		if !loaded {
			t.Errorf("%q does not load", s)
			continue
		}
		if bad := unreadable(r); bad != "" {
			t.Errorf("%q: %s", s, bad)
		}
		for _, part := range markup(t, r) {
			if !allowed[part] {
				t.Errorf("%q: the page has %s", s, part)
			}
		}
		copied(t, s, r, hosts)
	}
}

func replayed(t *testing.T, data []byte) (bool, *report.Report) {
	t.Helper()
	tape, err := wire.LoadTape(bytes.NewReader(data))
	if err != nil {
		t.Log(err)
		return false, nil
	}
	job := audit.Job{Tables: tables(), Now: time.Now}
	if err := job.Replay(tape); err != nil {
		t.Fatal(err)
	}
	r, err := audit.Run(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	return true, r
}

// markup gives the elements and attributes of a page, with the values of those that
// lead somewhere.
func markup(t *testing.T, r *report.Report) (out []string) {
	t.Helper()
	var page bytes.Buffer
	if err := report.HTML(&page, r); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(&page)
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.CommentNode {
			out = append(out, "a comment")
		}
		if n.Type != html.ElementNode {
			continue
		}
		out = append(out, "<"+n.Data+">")
		for _, a := range n.Attr {
			part := "<" + n.Data + " " + a.Key + ">"
			if (a.Key == "href" || a.Key == "src") && !strings.HasPrefix(a.Val, "#") {
				part += " to " + a.Val
			}
			out = append(out, part)
		}
	}
	return out
}

// copied sees to what people paste: no name of a host stands in a step as it is
// where a shell acts on it, and a shell that is given what may be copied does nothing.
func copied(t *testing.T, s string, r *report.Report, hosts []string) {
	t.Helper()
	var script strings.Builder
	lines := func(changes []report.Change) {
		for _, c := range changes {
			for _, data := range append(c.New, c.Old...) {
				script.WriteString(": " + paste.Record(c.Owner, c.TTL, c.Type, data).String() + "\n")
			}
		}
	}
	for _, f := range r.Domains[0].Fixes {
		lines(f.Changes)
		for _, stage := range f.Next {
			lines(stage.Changes)
		}
		texts := []string{f.Undo, f.Title, f.Needs}
		_, records, _ := strings.Cut(f.Undo, "\n")
		for line := range strings.Lines(records) {
			script.WriteString(": " + strings.TrimSuffix(line, "\n") + "\n")
		}
		for _, step := range f.Steps {
			texts = append(texts, step.Text)
			for _, line := range step.Copy {
				texts = append(texts, line)
				script.WriteString(": " + line + "\n")
			}
		}
		for _, text := range texts {
			for _, host := range hosts {
				if bare := strings.ReplaceAll(text, paste.Quoted(host), ""); paste.Shown(host).String() != host && strings.Contains(bare, host) {
					t.Errorf("%q: %s may be pasted: %s", s, f.ID, text)
				}
			}
		}
	}
	dir := t.TempDir()
	cmd := exec.Command("sh")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(script.String()+"echo whole\n")
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "whole\n" {
		t.Errorf("%q: %v: %s\n%s", s, err, out, script.String())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%q: the shell made %v, %v", s, left, err)
	}
}
