package paste

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"

	"mxvet/internal/hostile"
)

func TestWords(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Words("openssl s_client -connect %s:25", "mx1.example.com").String(), "openssl s_client -connect mx1.example.com:25"},
		{
			Words("openssl s_client -connect %s:25", "a|id>FILE|b.example.com").String(),
			`openssl s_client -connect NAME:25 (NAME is "a|id>FILE|b.example.com", which stands apart because a shell or a configuration file may act on "|")`,
		},
		{
			Words("have %s removed:\nrm %[1]s %s", "$(id)", "a b").String(),
			`have NAME removed (NAME is "\036(id)", which stands apart because a shell or a configuration file may act on "\036"; NAME2 is "a b", which stands apart because it holds a blank):` + "\nrm NAME NAME2",
		},
		{Words("%d of %s", 3, "-rf").String(), `3 of NAME (NAME is "-rf", which stands apart because it begins as an option does)`},
		{Words("at %s", "*.example.com").String(), "at *.example.com"},
		{Words("at %s", "").String(), `at NAME (NAME is "", which stands apart because it is empty)`},
		{Join([]Text{Words("%s", "a;b"), Words("%s", "c")}, ", ").String(), `NAME, c (NAME is "a;b", which stands apart because a shell or a configuration file may act on ";")`},
		{Shown("v=spf1 include:_spf.example.net ~all").String(), "v=spf1 include:_spf.example.net ~all"},
		{Shown("v=spf1 include:`id` ~all").String(), `"v=spf1 include:\096id\096 ~all"`},
	} {
		if got := c.got; got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	first, rest := Words("have %s removed\nrm %[1]s", "$(id)").Lines()
	if first != `have NAME removed (NAME is "\036(id)", which stands apart because a shell or a configuration file may act on "\036")` || len(rest) != 1 || rest[0] != "rm NAME" {
		t.Errorf("%q, %q", first, rest)
	}
}

func TestTemplate(t *testing.T) {
	var tpl Template
	if err := tpl.UnmarshalText([]byte("openssl -connect {host}:25 for {domain} at {provider}, ${{else}} {host}")); err != nil {
		t.Fatal(err)
	}
	got := tpl.Fill(map[string]any{"host": "a`b", "domain": "example.com", "provider": Shown("One & Two")}).String()
	want := `openssl -connect HOST:25 for example.com at "One & Two", ${{else}} HOST (HOST is "a\096b", which stands apart because a shell or a configuration file may act on "\096")`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if err := tpl.UnmarshalText([]byte("a\x1bb")); err == nil {
		t.Error("taken")
	}
}

func TestRecord(t *testing.T) {
	for _, c := range []struct{ owner, rrtype, data, want string }{
		{"_dmarc.example.com", "TXT", `"v=DMARC1; p=none" " ; x"`, `_dmarc.example.com. 60 IN TXT "v=DMARC1; p=none" " ; x"`},
		{"*.example.com.", "MX", "10 a|id>FILE|b.example.com.", `*.example.com. 60 IN MX 10 a\124id\062FILE\124b.example.com.`},
		{"$include.example.com", "A", "192.0.2.1", `\036include.example.com. 60 IN A 192.0.2.1`},
		{`a\.b\;c\@d.example.com`, "CNAME", `x\032y\"z.`, `a\.b\059c\064d.example.com. 60 IN CNAME x\032y\"z.`},
		{"example.com", "TXT", `"$(id)` + "`id`" + ` ! \"q\" \\ \001 é"`, `example.com. 60 IN TXT "\036(id)\096id\096 ! \"q\" \\ \001 \195\169"`},
		{"example.com", "TXT", `"open`, `example.com. 60 IN TXT "open"`},
		{"example.com", "TXT", "\"a\nb\" \n evil. A 192.0.2.1", `example.com. 60 IN TXT "a\010b" evil. A 192.0.2.1`},
		{"example.com", "HTTPS", `1 . alpn="h2,h3" port=8443`, `example.com. 60 IN HTTPS 1 . alpn="h2,h3" port=8443`},
		{"example.com", "TYPE65534", `\# 4 0A000001`, `example.com. 60 IN TYPE65534 \# 4 0A000001`},
		{"example.com", "MX", "*", `example.com. 60 IN MX *`},
		{"example.com", "MX; x", "0 .", `example.com. 60 IN MX x 0 .`},
		{`trailing\`, "A", `192.0.2.1\`, `trailing\092. 60 IN A 192.0.2.1\092`},
	} {
		if got := Record(c.owner, 60, c.rrtype, c.data).String(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	if got := Record("example.com", -1, "TXT", `"a"`).String(); got != `example.com. IN TXT "a"` {
		t.Error(got)
	}
}

// A shell that is given what was made of hostile texts does nothing but read it.
func TestShellDoesNothing(t *testing.T) {
	for _, shell := range []string{"sh", "bash"} {
		if _, err := exec.LookPath(shell); err != nil {
			continue
		}
		dir := t.TempDir()
		var script strings.Builder
		for _, s := range hostile.Texts() {
			name := Record(s+".example.com", 60, "TXT", `"`+strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), `"`, `\"`)+`"`).String()
			raw := Record(s, 60, "CNAME", s).String()
			for _, line := range []string{name, raw, Quoted(s), Shown(s).String(), "x " + Words("%s", s).s} {
				if !utf8.ValidString(line) || strings.ContainsFunc(line, func(c rune) bool { return hidden(c) }) {
					t.Errorf("%q holds what cannot be seen", line)
				}
				script.WriteString(": " + line + "\n")
			}
		}
		script.WriteString("echo whole\n")
		cmd := exec.Command(shell)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(script.String())
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != "whole\n" {
			t.Errorf("%s: %v: %s", shell, err, out)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s made %v, %v", shell, left, err)
		}
	}
}
