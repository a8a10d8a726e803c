package message

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"mxvet/internal/psl"
	"mxvet/internal/simulate"
	"mxvet/internal/wire"
)

var update = flag.Bool("update", false, "write the files that tests compare with")

// The scripts of the commands hold signed messages and recordings. They are made
// here, so that they follow the code; -update writes them.
func TestScriptFiles(t *testing.T) {
	src := zones(t, `
example.com. 3600 IN TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.example.com. 3600 IN TXT "v=DMARC1; p=reject; np=quarantine; sp=reject"
s1._domainkey.example.com. 3600 IN TXT "`+edRecord("s1")+`"
mail.example.com. 3600 IN A 192.0.2.1
strict.example. 3600 IN TXT "v=spf1 -all"
_dmarc.strict.example. 3600 IN TXT "v=DMARC1; p=quarantine; adkim=s; aspf=s"
broken.example. 3600 IN TXT "v=spf1 ip4:192.0.2.1 ip4:192.0.2 -all"
_dmarc.broken.example. 3600 IN TXT "v=DMARC1; p=reject"
list.example. 3600 IN TXT "v=spf1 ip4:198.51.100.9 -all"
l1._domainkey.list.example. 3600 IN TXT "`+edRecord("l1")+`"
`)
	way := func(m *Message) []byte {
		return []byte("Authentication-Results: mx.example.net; spf=pass smtp.mailfrom=list.example\n" +
			strings.ReplaceAll(received(string(m.text()), "bounces@list.example", "list.example", "198.51.100.9"), "\r\n", "\n"))
	}
	text := strings.Replace(plain, "A letter", "A letter \u202e\x1b[31m", 1)
	sign := signer{Domain: "example.com", Selector: "s1", Headers: "from:from:to:subject:date:message-id"}
	aligned := parsed(t, text)
	aligned.prepend(sign.sign(aligned))
	list := parsed(t, text)
	list.prepend(sign.sign(list))
	list.Body = append(list.Body, "-- \r\nthe list\r\n"...)
	list.addSet(1, "none", "list.example; dkim=pass header.d=example.com; dmarc=pass header.from=example.com", signer{Domain: "list.example", Selector: "l1"})
	files := map[string][]byte{"aligned.eml": way(aligned), "list.eml": way(list)}

	tape := wire.NewTape(src, wire.Header{Tool: "mxvet test", At: now})
	for _, name := range []string{"aligned.eml", "list.eml"} {
		Check(t.Context(), tape, psl.Default(), parsed(t, string(files[name])), Options{At: now})
	}
	simulated := wire.NewTape(src, wire.Header{Tool: "mxvet test", At: now})
	for _, p := range []simulate.Path{
		{Author: "example.com", IP: ip("192.0.2.1"), Sender: "postmaster@example.com", Helo: "example.com"},
		{Author: "example.com", IP: ip("203.0.113.5"), Sender: "postmaster@example.com", Helo: "example.com", Signers: []string{"mail.example.com"}},
		{Author: "strict.example", IP: ip("203.0.113.5"), Sender: "postmaster@strict.example", Helo: "strict.example", Signers: []string{"mail.strict.example"}},
		{Author: "none.example.com", IP: ip("203.0.113.5"), Helo: "mx.example.org"},
		{Author: "broken.example", IP: ip("192.0.2.1"), Sender: "postmaster@broken.example", Helo: "broken.example"},
	} {
		p.At = now
		simulate.Run(t.Context(), simulated, psl.Default(), p)
	}
	simulate.Run(t.Context(), tape, psl.Default(), simulate.Path{Author: "example.com", IP: ip("192.0.2.1"), Sender: "news@example.com", Helo: "mx.example.com"})
	for script, tape := range map[string]*wire.Tape{"message": tape, "simulate": simulated} {
		var b bytes.Buffer
		if err := tape.Save(&b); err != nil {
			t.Fatal(err)
		}
		made := map[string][]byte{"dns.tape": b.Bytes()}
		if script == "message" {
			maps.Copy(made, files)
		}
		compare(t, filepath.Join("..", "..", "testdata", "scripts", script+".txtar"), made)
	}
}

// compare holds the files of a script against what they should be.
func compare(t *testing.T, path string, made map[string][]byte) {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := false
	for _, name := range []string{"aligned.eml", "list.eml", "dns.tape"} {
		data, ok := made[name]
		if !ok {
			continue
		}
		i := 0
		for i < len(archive.Files) && archive.Files[i].Name != name {
			i++
		}
		if i == len(archive.Files) {
			archive.Files = append(archive.Files, txtar.File{Name: name})
		}
		if !bytes.Equal(archive.Files[i].Data, data) {
			changed = true
			archive.Files[i].Data = data
			if !*update {
				t.Errorf("%s: %s is not what this code makes: run with -update", path, name)
			}
		}
	}
	if changed && *update {
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
