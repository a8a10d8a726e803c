package message

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"hash"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"mxvet/internal/wire"
	"mxvet/internal/zone"
)

// edKey gives the Ed25519 key of a name: the same in every run.
func edKey(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// edRecord gives the key record of edKey.
func edRecord(name string) string {
	return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(edKey(name).Public().(ed25519.PublicKey))
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func rsaRecord() string {
	der, err := x509.MarshalPKIXPublicKey(rsaKey().Public())
	if err != nil {
		panic(err)
	}
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)
}

// librarySign signs with the library: what a correct signer makes.
func librarySign(t *testing.T, text string, o dkim.SignOptions) string {
	t.Helper()
	var out bytes.Buffer
	if err := dkim.Sign(&out, strings.NewReader(crlfText(text)), &o); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func crlfText(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
}

// A signer makes DKIM signatures and ARC sets of any kind, also such as the
// library refuses to make.
type signer struct {
	Field     string        `yaml:"field"` // default DKIM-Signature
	Domain    string        `yaml:"domain"`
	Selector  string        `yaml:"selector"`  // names the key too: edKey(SELECTOR)
	Algorithm string        `yaml:"algorithm"` // default ed25519-sha256; "rsa-..." signs with rsaKey
	Canonical string        `yaml:"c"`         // default relaxed/relaxed
	Headers   string        `yaml:"headers"`   // tag h; default from:to:subject:date:message-id
	Extra     string        `yaml:"extra"`     // further tags, each with its semicolon
	Key       crypto.Signer `yaml:"-"`
}

func (s signer) sign(m *Message) Field {
	if s.Field == "" {
		s.Field = "DKIM-Signature"
	}
	if s.Algorithm == "" {
		s.Algorithm = "ed25519-sha256"
	}
	if s.Canonical == "" {
		s.Canonical = "relaxed/relaxed"
	}
	if s.Headers == "" {
		s.Headers = "from:to:subject:date:message-id"
	}
	version := "v=1; "
	if s.Field == "ARC-Message-Signature" {
		version = ""
	}
	raw := fmt.Sprintf("%s: %sa=%s; c=%s; d=%s; s=%s; %s h=%s; bh=", s.Field, version, s.Algorithm, s.Canonical, s.Domain, s.Selector, s.Extra, s.Headers)
	tags := readTagList(Field{Raw: raw})
	header, body, err := tags.forms()
	if err != nil {
		panic(err)
	}
	newHash := sha256.New
	if strings.HasSuffix(s.Algorithm, "sha1") {
		newHash = sha1.New
	}
	text := canonicalBody(m.Body, body)
	if n := tags.get("l"); n != "" {
		var length int
		fmt.Sscan(n, &length)
		text = text[:length]
	}
	h := newHash()
	h.Write(text)
	raw += base64.StdEncoding.EncodeToString(h.Sum(nil)) + ";\r\n\tb="
	h = newHash()
	var names []string
	for name := range strings.SplitSeq(s.Headers, ":") {
		names = append(names, strings.TrimSpace(name))
	}
	newPicker(m.Fields).pick(names, -1, func(f Field) { h.Write([]byte(canonicalField(f.Raw, header))) })
	h.Write([]byte(strings.TrimSuffix(canonicalField(raw+"\r\n", header), "\r\n")))
	return Field{Name: s.Field, Raw: raw + s.signature(h) + "\r\n"}
}

func (s signer) signature(h hash.Hash) string {
	key, how := s.Key, crypto.SHA256
	switch {
	case strings.HasSuffix(s.Algorithm, "sha1"):
		how = crypto.SHA1
	case strings.HasPrefix(s.Algorithm, "ed25519"), s.Algorithm == "":
		how = 0
	}
	if key == nil && how == 0 {
		key = edKey(s.Selector)
	} else if key == nil {
		key = rsaKey()
	}
	sig, err := key.Sign(rand.Reader, h.Sum(nil), how)
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(sig)
}

// canonicalBody gives a body in canonical form.
func canonicalBody(body []byte, relaxed bool) []byte {
	var out bytes.Buffer
	c := canonicalizer{relaxed: relaxed, out: &out}
	in := &lines{r: bufio.NewReader(bytes.NewReader(body)), most: MaxSize}
	for {
		text, end, err := in.piece()
		if err != nil {
			c.close()
			return out.Bytes()
		}
		c.piece(text, end)
	}
}

// prepend puts a field on top.
func (m *Message) prepend(f Field) { m.Fields = append([]Field{f}, m.Fields...) }

// addSet seals the message as instance n, with that result of earlier checks.
func (m *Message) addSet(n int, cv, results string, s signer) {
	m.prepend(Field{Name: "ARC-Authentication-Results", Raw: fmt.Sprintf("ARC-Authentication-Results: i=%d; %s\r\n", n, results)})
	ams := s
	ams.Field, ams.Extra = "ARC-Message-Signature", fmt.Sprintf("i=%d;", n)
	m.prepend(ams.sign(m))
	seal := Field{Name: "ARC-Seal", Raw: fmt.Sprintf("ARC-Seal: i=%d; a=ed25519-sha256; cv=%s; d=%s; s=%s; b=", n, cv, s.Domain, s.Selector)}
	h := sha256.New()
	for i := 1; i <= n; i++ {
		for _, name := range []string{"ARC-Authentication-Results", "ARC-Message-Signature", "ARC-Seal"} {
			for _, f := range m.All(name) {
				if at, _ := instance(f); at == i {
					h.Write([]byte(canonicalField(f.Raw, true)))
				}
			}
		}
	}
	h.Write([]byte(strings.TrimSuffix(canonicalField(seal.Raw, true), "\r\n")))
	seal.Raw += s.signature(h) + "\r\n"
	m.prepend(seal)
}

// text gives the message as a file.
func (m *Message) text() []byte {
	m.Size = int64(len(m.Body))
	return m.bytes(func(int) string { return "" })
}

// parsed reads a message that must be one.
func parsed(t *testing.T, text string) *Message {
	t.Helper()
	m, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// zones gives a Source with the records of these zones and nothing else; each is
// an origin, then lines. The root is there, so that other names do not exist.
func zones(t *testing.T, text string) wire.Source {
	t.Helper()
	z, err := zone.Parse(strings.NewReader(". 3600 IN SOA ns.test. h.test. 1 2 3 4 5\n"+text), "test", ".")
	if err != nil {
		t.Fatal(err)
	}
	return wire.NewTape(wire.NewOverlay(nil, []*zone.Zone{z}, nil), wire.Header{})
}

// silent is a Source in which some names get no answer.
type silent struct {
	wire.Source
	names string // lower case, "|" between
}

func (s silent) DNS(ctx ctx, q wire.Question) wire.Answer {
	if strings.Contains("|"+s.names+"|", "|"+strings.ToLower(q.Name)+"|") {
		return wire.Answer{Fail: &wire.Fail{Kind: wire.FailTimeout, Text: "no reply"}}
	}
	return s.Source.DNS(ctx, q)
}

// nowhere is a Source that answers nothing.
type nowhere struct{}

func (nowhere) DNS(ctx, wire.Question) wire.Answer {
	return wire.Answer{Fail: &wire.Fail{Kind: wire.FailTimeout}}
}
func (nowhere) Fetch(ctx, wire.Request) wire.Page { return wire.Page{} }
func (nowhere) Talk(ctx, wire.Probe) wire.Session { return wire.Session{} }

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }
