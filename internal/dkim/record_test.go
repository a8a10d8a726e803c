package dkim

import (
	"encoding/base64"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// codes gives the codes of a key without those that concern nearly every record.
func codes(k Key) []Code {
	var out []Code
	for _, p := range k.Problems {
		if p.Code != NotStrict && p.Code != VersionMissing {
			out = append(out, p.Code)
		}
	}
	return out
}

func TestParseProblems(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []Code
		usable     bool
	}{
		{"clean", "v=DKIM1; k=rsa; p=" + rsa2048, nil, true},
		{"any order after v", "v=DKIM1; p=" + rsa2048 + "; t=s; k=rsa;", nil, true},
		{"no version", "k=rsa; p=" + rsa2048, nil, true},
		{"white space everywhere", "v = DKIM1 ;\r\n\tp = " + rsa2048[:70] + " \r\n " + rsa2048[70:] + " ; ", nil, true},
		{"bare key", "v=DKIM1; p=" + rsa1024Bare, nil, true},
		{"too short for verifiers", "v=DKIM1; p=" + rsa512, nil, false},
		{"ed25519", "v=DKIM1; k=ed25519; p=" + ed25519Raw, nil, true},

		{"not a tag list", "v=DKIM1; hello; p=" + rsa2048, []Code{Syntax}, false},
		{"bad tag name", "v=DKIM1; 1k=rsa; p=" + rsa2048, []Code{Syntax}, false},
		{"name with a blank", "v=DKIM1; k k=rsa; p=" + rsa2048, []Code{Syntax}, false},
		{"other text", "google-site-verification=abc", []Code{Syntax, KeyMissing}, false},
		{"duplicate", "v=DKIM1; k=rsa; k=rsa; p=" + rsa2048, []Code{DuplicateTag}, false},
		{"empty tag", "v=DKIM1;; p=" + rsa2048 + ";", []Code{EmptyTag}, true},
		{"nul", "v=DKIM1; n=a\x00b; p=" + rsa2048, []Code{Character}, false},
		{"not ascii", "v=DKIM1; n=é; p=" + rsa2048, []Code{Character}, false},
		{"escaped semicolons", `v=DKIM1\; k=rsa\; p=` + rsa2048, []Code{VersionUnknown, Escaped, TypeUnknown, Escaped}, false},

		{"version late", "k=rsa; v=DKIM1; p=" + rsa2048, []Code{VersionLate}, false},
		{"version in lower case", "v=dkim1; p=" + rsa2048, []Code{VersionUnknown}, false},
		{"version 2", "v=DKIM2; p=" + rsa2048, []Code{VersionUnknown}, false},

		{"no p", "v=DKIM1; k=rsa", []Code{KeyMissing}, false},
		{"empty", "", []Code{KeyMissing}, false},
		{"revoked", "v=DKIM1; p=", []Code{KeyRevoked}, false},
		{"revoked with blanks", "v=DKIM1; p= \t ;", []Code{KeyRevoked}, false},
		{"not base64", "v=DKIM1; p=" + rsa2048[:40] + "!" + rsa2048[40:], []Code{KeyBase64}, false},
		{"quotes inside", "v=DKIM1; p=" + rsa2048[:40] + `" "` + rsa2048[40:], []Code{KeyBase64}, false},
		{"url-safe alphabet", "v=DKIM1; p=" + strings.NewReplacer("+", "-", "/", "_").Replace(rsa2048), []Code{KeyBase64}, false},
		{"PEM lines", "v=DKIM1; p=-----BEGIN PUBLIC KEY-----" + rsa2048, []Code{KeyBase64}, false},
		{"padding missing", "v=DKIM1; p=" + strings.TrimRight(rsa1024Bare, "="), []Code{KeyPadding}, true},
		{"padding superfluous", "v=DKIM1; p=" + rsa2048 + "=", []Code{KeyPadding}, true},
		{"cut at 255", ("v=DKIM1; k=rsa; p=" + rsa2048)[:255], []Code{KeyTruncated}, false},
		{"cut within an octet", "v=DKIM1; p=" + rsa2048[:201], []Code{KeyTruncated}, false},
		{"cut in the header", "v=DKIM1; p=" + rsa2048[:4], []Code{KeyTruncated}, false},
		{"no key", "v=DKIM1; p=" + base64.StdEncoding.EncodeToString([]byte("hello world, this is no key")), []Code{KeyInvalid}, false},
		{"private key", "v=DKIM1; p=" + privateRSA512, []Code{KeyPrivate}, false},
		{"another curve", "v=DKIM1; p=" + ecP256, []Code{KeyMismatch}, false},
		{"ed25519 without k", "v=DKIM1; p=" + ed25519Raw, []Code{KeyMismatch}, false},
		{"ed25519 in DER without k", "v=DKIM1; p=" + ed25519DER, []Code{KeyMismatch}, false},
		{"octets after the key", "v=DKIM1; p=" + more(rsa1024, 0, 0), []Code{KeyEncoding}, true},

		{"unknown type", "v=DKIM1; k=dsa; p=" + rsa2048, []Code{TypeUnknown}, false},
		{"empty type", "v=DKIM1; k=; p=" + rsa2048, []Code{TypeUnknown}, false},
		{"type in upper case", "v=DKIM1; k=RSA; p=" + rsa2048, []Code{LetterCase}, true},
		{"ed25519 in DER", "v=DKIM1; k=ed25519; p=" + ed25519DER, []Code{Ed25519DER}, false},
		{"ed25519 too long", "v=DKIM1; k=ed25519; p=" + more(ed25519Raw, 1), []Code{Ed25519Length}, false},
		{"rsa as ed25519", "v=DKIM1; k=ed25519; p=" + rsa1024, []Code{KeyMismatch}, false},
		{"no point", "v=DKIM1; k=ed25519; p=AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", []Code{KeyInvalid}, false},

		{"sha256", "v=DKIM1; h=sha256; p=" + rsa2048, nil, true},
		{"sha1 beside", "v=DKIM1; h=sha1:sha256; p=" + rsa2048, []Code{HashSHA1}, true},
		{"sha1 only", "v=DKIM1; h=sha1; p=" + rsa2048, []Code{HashNoSHA256}, false},
		{"other hash", "v=DKIM1; h=sha256 : sha512; p=" + rsa2048, []Code{HashUnknown}, true},
		{"h empty", "v=DKIM1; h=; p=" + rsa2048, []Code{EmptyValue, HashNoSHA256}, false},

		{"all services", "v=DKIM1; s=*; p=" + rsa2048, nil, true},
		{"e-mail", "v=DKIM1; s=tlsrpt:email; p=" + rsa2048, nil, true},
		{"reports only", "v=DKIM1; s=tlsrpt; p=" + rsa2048, []Code{ServiceNotEmail}, false},
		{"testing", "v=DKIM1; t=y:s; p=" + rsa2048, []Code{Testing}, true},
		{"unknown flag", "v=DKIM1; t=s:x; p=" + rsa2048, []Code{UnknownFlag}, true},
		{"old tag", "v=DKIM1; g=*; p=" + rsa2048, []Code{UnknownTag}, true},
		{"unknown tag", "v=DKIM1; zz=1; p=" + rsa2048, []Code{UnknownTag}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := Parse(tt.text)
			got, want := codes(k), slices.Clone(tt.want)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("problems %v, want codes %v", k.Problems, tt.want)
			}
			if k.Usable() != tt.usable {
				t.Errorf("usable %v, want %v: %+v", k.Usable(), tt.usable, k.Problems)
			}
			if again := Parse(k.String()); again.String() != k.String() || len(again.Tags) != len(k.Tags) {
				t.Errorf("String is no fixed point: %q then %q", k.String(), again.String())
			}
			for _, p := range k.Problems {
				if p.Pos < 0 || p.Pos > len(tt.text) || p.Text == "" {
					t.Errorf("problem %+v has no place in a text of %d octets", p, len(tt.text))
				}
			}
		})
	}
}

// more gives a key with octets appended.
func more(key string, octets ...byte) string {
	raw, _ := base64.StdEncoding.DecodeString(key)
	return base64.StdEncoding.EncodeToString(append(raw, octets...))
}

func TestParseFacts(t *testing.T) {
	for _, tt := range []struct {
		text       string
		typ, form  string
		bits       int
		exponent   uint64
		sameAsSPKI string
	}{
		{"p=" + rsa512, RSA, FormSPKI, 512, 65537, ""},
		{"p=" + rsa1024, RSA, FormSPKI, 1024, 65537, ""},
		{"p=" + rsa1024Bare, RSA, FormPKCS1, 1024, 65537, rsa1024},
		{"p=" + rsa2048, RSA, FormSPKI, 2048, 65537, ""},
		{"p=" + rfc9500RSA4096, RSA, FormSPKI, 4096, 65537, ""},
		{"k=ed25519; p=" + ed25519Raw, Ed25519, FormRaw, 256, 0, ""},
		{"k=ed25519; p=" + ed25519DER, Ed25519, FormSPKI, 256, 0, ""},
		{"k=rsa; p=" + rsa2048 + `"`, RSA, FormSPKI, 2048, 65537, rsa2048}, // facts in spite of a fatal problem
	} {
		k := Parse(tt.text)
		if k.Type != tt.typ || k.Form != tt.form || k.Bits != tt.bits || k.Exponent != tt.exponent || k.Fingerprint == "" {
			t.Errorf("%.40s: type %q form %q bits %d exponent %d fingerprint %q", tt.text, k.Type, k.Form, k.Bits, k.Exponent, k.Fingerprint)
		}
		if tt.sameAsSPKI != "" && k.Fingerprint != Parse("p="+tt.sameAsSPKI).Fingerprint {
			t.Errorf("%.40s: the fingerprint depends on the form", tt.text)
		}
	}
	// openssl rsa -pubout -outform DER | sha256sum
	if got := Parse("p=" + rsa1024).Fingerprint; got != "0e2977327bcbd37dab77f8254d7a3ca7913dc0c4a209f3e1dff8f82c8104e604" {
		t.Errorf("fingerprint %s", got)
	}
	k := Parse("v=DKIM1; h= SHA256 : sha1 : sha1; s=email; t=y; n=a note; x=1; p=" + rsa1024)
	if !slices.Equal(k.Hashes, []string{"sha256", "sha1"}) || !slices.Equal(k.Services, []string{"email"}) ||
		!slices.Equal(k.Flags, []string{"y"}) || k.Notes != "a note" || k.Version != "DKIM1" {
		t.Errorf("%+v", k)
	}
	if !Parse("v=DKIM1").LooksLikeKey() || !Parse("p=").LooksLikeKey() || Parse("v=spf1 -all").LooksLikeKey() || Parse("x").LooksLikeKey() {
		t.Error("LooksLikeKey")
	}
	if !Parse("v=DKIM1; p=").Revoked() || Parse("v=DKIM1").Revoked() {
		t.Error("Revoked")
	}
}

func TestPositions(t *testing.T) {
	text := "v=DKIM1;  k = dsa ; k=rsa; p=AB!D"
	want := map[Code]int{TypeUnknown: strings.Index(text, "dsa"), DuplicateTag: strings.Index(text, "k=rsa"), NotStrict: 0}
	for _, p := range Parse(text).Problems {
		if pos, ok := want[p.Code]; ok && p.Pos != pos {
			t.Errorf("%s at %d, want %d", p.Code, p.Pos, pos)
		}
		delete(want, p.Code)
	}
	if len(want) > 0 {
		t.Errorf("missing %v", want)
	}
	text = "v=DKIM1; p= " + rsa1024[:20] + " !" + rsa1024[20:]
	for _, p := range Parse(text).Problems {
		if p.Code == KeyBase64 && p.Pos != strings.IndexByte(text, '!') {
			t.Errorf("bad character at %d, want %d", p.Pos, strings.IndexByte(text, '!'))
		}
	}
}

// Keys that openssl reads although they are not quite DER, and some it does not.
func TestEncoding(t *testing.T) {
	n := Parse("p=" + rsa1024).modulus.Bytes()
	e := []byte{1, 0, 1}
	for name, body := range map[string][]byte{
		"superfluous zeros":      encode(tagSequence, encode(tagInteger, []byte{0, 0}, n), encode(tagInteger, e)),
		"no leading zero":        encode(tagSequence, encode(tagInteger, n), encode(tagInteger, e)),
		"something after":        encode(tagSequence, encode(tagInteger, []byte{0}, n), encode(tagInteger, e), encode(tagNull)),
		"long form of a length ": encode(tagSequence, encode(tagInteger, []byte{0}, n), []byte{tagInteger, 0x81, 3}, e),
	} {
		k := Parse("p=" + base64.StdEncoding.EncodeToString(body))
		if !k.Has(KeyEncoding) || k.Bits != 1024 || k.Exponent != 65537 {
			t.Errorf("%s: bits %d exponent %d %+v", name, k.Bits, k.Exponent, k.Problems)
		}
	}
}

func TestHostile(t *testing.T) {
	many := strings.Repeat("a=b;", 20000)
	k := Parse(many)
	if len(k.Tags) > maxText/4+1 || len(k.Problems) > 10*maxProblems || !k.Has(Limit) {
		t.Errorf("%d tags, %d problems", len(k.Tags), len(k.Problems))
	}
	if k = Parse(strings.Repeat(";", 70000)); len(k.Problems) > 10*maxProblems || !k.Has(Limit) {
		t.Errorf("%d problems", len(k.Problems))
	}
	if k = Parse(strings.Repeat("\x00\xff", 40000)); k.Usable() {
		t.Error("octets are no key")
	}
	if k = Parse(strings.Repeat("x=y;", 200) + "h=sha1; p="); !k.Has(HashNoSHA256) || !k.Has(KeyRevoked) {
		t.Errorf("behind many tags: %+v", k.Problems)
	}
	k = Parse("p=" + strings.Repeat("A", 60000))
	if k.Usable() || len(k.Problems) == 0 {
		t.Errorf("%+v", k)
	}
	// The longest modulus that is examined, and one that is only measured.
	for bits, examined := range map[uint]bool{maxRSABits: true, 300000: false} {
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		n.Mul(n.SetBit(n, 3, 1), big.NewInt(1)).SetBit(n, 0, 1)
		for smallFactor(n) != 0 { // so that every test runs
			n.Add(n, big.NewInt(2))
		}
		k := Parse("v=DKIM1; p=" + base64.StdEncoding.EncodeToString(rsaSPKI(n, big.NewInt(65537))))
		if k.Bits != int(bits) || k.Has(Limit) == examined {
			t.Errorf("%d bits: measured %d, %+v", bits, k.Bits, k.Problems)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", ";", "v=DKIM1; k=rsa; p=" + rsa1024, "v=DKIM1;k=ed25519;p=" + ed25519Raw, "p=" + rsa1024Bare[:50],
		"v=DKIM1\\; p=\x00", "h=:;s=;t=y:s:;g=", "p=MIGf MA0G\r\n CSqG", "p=-----BEGIN", "k=ed25519; p=" + ed25519DER, "p=" + privateRSA512,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		k := Parse(s)
		once := k.String()
		if again := Parse(once).String(); again != once {
			t.Errorf("%q is no fixed point: %q", once, again)
		}
		for _, p := range k.Problems {
			if p.Pos < 0 || p.Pos > len(s) {
				t.Errorf("position %d in %d octets: %+v", p.Pos, len(s), p)
			}
		}
		if k.Usable() && (k.Fingerprint == "" || k.Form == "") {
			t.Errorf("usable without a key: %+v", k)
		}
	})
}

// A stray character is told by where it stands, and nothing is made of the octets
// that it left.
func TestInvalidCharacter(t *testing.T) {
	const good = "pxo7kVXWjdRYUZHHk/fL2t9NU//KeW+tCd6v2mZuRBE="
	for _, c := range []struct{ record, want string }{
		{"k=ed25519; p=" + good[:10] + "!!" + good[12:], "'!' is an invalid character in base64, at position 11 of p"},
		{"k=ed25519; p=" + good[:3] + "\u00e9" + good[4:], "'\u00e9' is an invalid character in base64, at position 4 of p"},
		{"p=MIIBCgKC!QEAmu62", "'!' is an invalid character in base64, at position 9 of p"},
	} {
		k := Parse(c.record)
		if i := slices.IndexFunc(k.Problems, func(p Problem) bool { return p.Code == KeyBase64 }); i < 0 || k.Problems[i].Text != c.want {
			t.Errorf("%s: %+v", c.record, k.Problems)
		}
		if k.Has(KeyTruncated) || k.Has(KeyInvalid) || k.Has(KeyMismatch) || k.Has(Ed25519Length) {
			t.Errorf("%s: more is said than is known: %+v", c.record, k.Problems)
		}
	}
}

// What was published in an odd way is written as the standards have it, and is the
// same key.
func TestCanonical(t *testing.T) {
	for text, want := range map[string]string{
		"k=RSA; h=SHA256 : sha1; p=" + rsa1024[:40] + "\t " + rsa1024[40:] + "; v=DKIM1;;": "v=DKIM1; k=rsa; h=sha256:sha1; p=" + rsa1024,
		"p=" + rsa1024Bare:                         "v=DKIM1; k=rsa; p=" + rsa1024,
		"v=DKIM1; k=Ed25519; t=S; p=" + ed25519DER: "v=DKIM1; k=ed25519; t=s; p=" + ed25519Raw,
		"v=DKIM1; p=":                              "",
		"v=DKIM1; p=" + ecP256:                     "",
	} {
		k := Parse(text)
		got := k.Canonical()
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
			continue
		}
		if again := Parse(got); want != "" && (again.Fingerprint != k.Fingerprint || again.PublicKey() == nil || !again.Usable()) {
			t.Errorf("%s: %+v", got, again)
		}
	}
}
