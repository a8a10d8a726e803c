package dkim

import (
	"encoding/base64"
	"flag"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"mxvet/internal/kept"
)

var update = flag.Bool("update", false, "write the table of keys anew")

// What is read from each record, to the letter and with the places of its problems,
// is kept in a file. The tests say what must be so; the table shows in review what
// else a change changes.
func TestKeysToTheLetter(t *testing.T) {
	table, err := kept.Read("testdata/keys.txt", *update)
	if err != nil {
		t.Fatal(err)
	}
	der := func(b []byte) string { return "p=" + base64.StdEncoding.EncodeToString(b) }
	number := func(b ...byte) []byte { return encode(tagInteger, b) }
	n, e := append([]byte{0}, Parse("p="+rsa1024).modulus.Bytes()...), []byte{1, 0, 1}
	for _, c := range []struct{ name, text string }{
		{"whole", "v=DKIM1; h=sha256; k=rsa; n=a note; s=email; t=s; p=" + rsa2048},
		{"blanks", "v = DKIM1 ;\r\n\tp = " + rsa2048[:70] + " \r\n " + rsa2048[70:] + " ; "},
		{"bare", "v=DKIM1; p=" + rsa1024Bare},
		{"ed25519", "v=DKIM1; k=ed25519; t=s; p=" + ed25519Raw},
		{"ed25519-wrapped", "v=DKIM1; k=ed25519; p=" + ed25519DER},
		{"ed25519-wrapped-short", "v=DKIM1; k=ed25519; " + der(append(ed25519Prefix[:12:12], make([]byte, 31)...))},
		{"ed25519-short", "v=DKIM1; k=ed25519; " + der(make([]byte, 31))},
		{"ed25519-long", "v=DKIM1; k=ed25519; " + der(make([]byte, 33))},
		{"ed25519-odd-sign", "v=DKIM1; k=ed25519; p=" + ed25519Raw[:10] + "\"" + ed25519Raw[10:]},
		{"ed25519-wrapped-odd-sign", "v=DKIM1; k=ed25519; p=" + ed25519DER[:10] + "\"" + ed25519DER[10:]},
		{"ed25519-lost-sign", "v=DKIM1; k=ed25519; p=" + ed25519Raw[:10] + "!!" + ed25519Raw[12:]},
		{"ed25519-as-rsa", "v=DKIM1; p=" + ed25519Raw},
		{"ed25519-wrapped-as-rsa", "v=DKIM1; p=" + ed25519DER},
		{"rsa-as-ed25519", "v=DKIM1; k=ed25519; p=" + rsa1024},
		{"rsa-odd-sign", "v=DKIM1; p=" + rsa1024 + "\""},
		{"private-odd-sign", "v=DKIM1; p=" + privateRSA512[:90] + "\"" + privateRSA512[90:]},
		{"curve-odd-sign", "v=DKIM1; p=" + ecP256[:90] + "\"" + ecP256[90:]},
		{"url-safe", "v=DKIM1; p=" + strings.NewReplacer("+", "-", "/", "_").Replace(rsa2048)},
		{"url-safe-ed25519", "v=DKIM1; k=ed25519; p=" + strings.NewReplacer("+", "-", "/", "_").Replace(ed25519Raw)},
		{"url-safe-under", "v=DKIM1; k=ed25519; p=" + strings.NewReplacer("/", "_").Replace(ed25519Raw)},
		{"pem", "v=DKIM1; p=-----BEGIN PUBLIC KEY-----" + rsa2048},
		{"quotes", "v=DKIM1; p=" + rsa2048[:40] + `" "` + rsa2048[40:]},
		{"after-padding", "v=DKIM1; p=" + rsa1024Bare + "AB"},
		{"dash-after-padding", "v=DKIM1; p=" + rsa1024Bare + "-"},
		{"padding-0", "v=DKIM1; p=" + strings.TrimRight(rsa1024Bare, "=")},
		{"padding-more", "v=DKIM1; p=" + rsa1024Bare + "="},
		{"padding-only", "v=DKIM1; p=="},
		{"one-sign", "v=DKIM1; p=A"},
		{"cut-255", ("v=DKIM1; k=rsa; p=" + rsa2048)[:255]},
		{"cut-254", ("v=DKIM1; k=rsa; p=" + rsa2048)[:254]},
		{"cut-256", ("v=DKIM1; k=rsa; p=" + rsa2048)[:256]},
		{"cut-octet", "v=DKIM1; p=" + rsa2048[:201]},
		{"cut-octet-odd-sign", "v=DKIM1; p=\"" + rsa2048[:201]},
		{"not-utf8", "v=DKIM1; p=" + rsa1024[:12] + "\xff" + rsa1024[12:]},
		{"no-key", "v=DKIM1; " + der([]byte("hello world, this is no key"))},
		{"no-key-32", "v=DKIM1; " + der([]byte("hello world, this is no key, 32!"))},
		{"private", "v=DKIM1; p=" + privateRSA512},
		{"curve", "v=DKIM1; p=" + ecP256},
		{"no-point", "v=DKIM1; k=ed25519; p=AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
		{"small-order", "v=DKIM1; k=ed25519; p=AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
		{"test-key", "v=DKIM1; k=ed25519; p=" + rfc8463Key},
		{"test-key-rsa", "v=DKIM1; p=" + rfc6376Key},

		{"one-more", "v=DKIM1; p=" + more(rsa1024, 0)},
		{"two-more", "v=DKIM1; p=" + more(rsa1024, 0, 0)},
		{"one-after-exponent", der(encode(tagSequence, number(n...), number(e...), []byte{0}))},
		{"two-after-exponent", der(encode(tagSequence, number(n...), number(e...), encode(tagNull)))},
		{"negative-0x80", der(encode(tagSequence, number(n...), number(0x80)))},
		{"positive-0x7f", der(encode(tagSequence, number(n...), number(0x7f)))},
		{"zeros-0x7f", der(encode(tagSequence, number(n...), number(0, 0x7f)))},
		{"zeros-0x80", der(encode(tagSequence, number(n...), number(0, 0x81)))},
		{"exponent-zero", der(encode(tagSequence, number(n...), number(0)))},
		{"exponent-nothing", der(encode(tagSequence, number(n...), number()))},
		{"length-long", der(encode(tagSequence, number(n...), []byte{tagInteger, 0x81, 3}, e))},
		{"length-longer", der(encode(tagSequence, number(n...), []byte{tagInteger, 0x83, 0, 0, 3}, e))},
		{"length-128", der(encode(tagSequence, append([]byte{tagInteger, 0x81, 0x80}, n[1:]...), number(e...)))},
		{"length-129-three", der(encode(tagSequence, append([]byte{tagInteger, 0x82, 0, 0x81}, n...), number(e...)))},
		{"bits-odd", der(encode(tagSequence, encode(tagSequence, encode(tagOID, oidRSA)), encode(tagBitString, []byte{1}, encode(tagSequence, number(n...), number(e...)))))},

		{"exponent-31", der(rsaSPKI(new(big.Int).SetBytes(n), big.NewInt(1<<31-1)))},
		{"exponent-over-31", der(rsaSPKI(new(big.Int).SetBytes(n), big.NewInt(1<<31+1)))},
		{"exponent-even-32", der(rsaSPKI(new(big.Int).SetBytes(n), big.NewInt(1<<32)))},
		{"exponent-64", der(rsaSPKI(new(big.Int).SetBytes(n), new(big.Int).SetUint64(1<<64-1)))},
		{"exponent-65", der(rsaSPKI(new(big.Int).SetBytes(n), new(big.Int).SetBit(big.NewInt(1), 64, 1)))},

		{"type-unknown", "v=DKIM1; k=dsa; p=" + rsa2048},
		{"type-empty", "v=DKIM1; k=; p=" + rsa2048},
		{"type-capital", "v=DKIM1; k=RSA; p=" + rsa2048},
		{"hashes", "v=DKIM1; h=sha1:sha512; p=" + rsa1024},
		{"hash-sha1", "v=DKIM1; h= SHA256 : sha1 : sha1; p=" + rsa1024},
		{"hash-empty", "v=DKIM1; h=:; p=" + rsa1024},
		{"services", "v=DKIM1; s=tlsrpt:other; p=" + rsa1024},
		{"services-all", "v=DKIM1; s=*; p=" + rsa1024},
		{"flags", "v=DKIM1; t=Y:x; p=" + rsa1024},
		{"flags-empty", "v=DKIM1; t=; p=" + rsa1024},
		{"tags", "v=DKIM1; g=*; zz=1; p=" + rsa1024},
		{"version-late", "k=rsa; v=DKIM1; p=" + rsa1024},
		{"version-other", "v=DKIM2; p=" + rsa1024},
		{"version-long", "v=" + strings.Repeat("x", 41) + "; p="},
		{"version-40", "v=" + strings.Repeat("x", 40) + "; p="},
		{"twice", "v=DKIM1; k=rsa; k=rsa; p=" + rsa1024},
		{"other-text", "google-site-verification=abc"},
		{"no-pair", "v=DKIM1; hello; 1k=rsa;; p=" + rsa1024 + ";"},
		{"escaped", `v=DKIM1\; k=rsa\; p=` + rsa1024},
		{"octets", "v=DKIM1; n=a\x00b; p="},
		{"revoked", "v=DKIM1; p= \t ;"},
		{"no-p", "v=DKIM1; k=rsa"},
		{"nothing", ""},
		{"longest", strings.Repeat(" ", maxText-4) + "p=AB"},
		{"too-long", strings.Repeat(" ", maxText-4) + "p=ABC"},
		{"hashes-100", "h=sha256" + manyWords(99) + "; p="},
		{"hashes-101", "h=sha256" + manyWords(100) + "; p="},
	} {
		table.Hold(t, c.name, toTheLetter(Parse(c.text)))
	}
	table.Write(t, nil)
}

func manyWords(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ":h%d", i)
	}
	return b.String()
}

// toTheLetter gives all that is known of a key.
func toTheLetter(k Key) string {
	lists := fmt.Sprintf("%d %d %d", len(k.Hashes), len(k.Services), len(k.Flags))
	if len(k.Hashes) < 10 {
		lists = fmt.Sprintf("%q %q %q", k.Hashes, k.Services, k.Flags)
	}
	lines := []string{
		fmt.Sprintf("%d tags, version %q type %q notes %q %s", len(k.Tags), short(k.Version), k.Type, k.Notes, lists),
		fmt.Sprintf("form %q, %d bits, exponent %d, fingerprint %.16s", k.Form, k.Bits, k.Exponent, k.Fingerprint),
		fmt.Sprintf("usable %v, public %v, revoked %v, like a key %v, canonical %d", k.Usable(), k.public != nil, k.Revoked(), k.LooksLikeKey(), len(k.Canonical())),
	}
	for _, w := range k.Weak {
		lines = append(lines, fmt.Sprintf("weak %s: %s", w.Kind, w.Text))
	}
	for i, p := range k.Problems {
		if i == 5 {
			lines = append(lines, fmt.Sprintf("%d problems", len(k.Problems)))
			break
		}
		lines = append(lines, fmt.Sprintf("%d %s %s: %s", p.Pos, p.Tag, p.Code, p.Text))
	}
	return strings.Join(lines, "\n")
}
