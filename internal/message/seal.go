package message

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"

	keys "mxvet/internal/dkim"
)

// This file verifies signatures where the library cannot: ARC seals, and DKIM
// signatures that it turns down before it looks at the cryptography (tag l,
// expiry). A test holds it against the library.

// A tagList is the value of a DKIM or ARC field (RFC 6376 section 3.2).
type tagList struct {
	names  []string // in order
	values map[string]string
	broken string // why it is no list of tags
}

func parseTags(value string) tagList {
	t := tagList{values: map[string]string{}}
	for part := range strings.SplitSeq(value, ";") {
		name, v, ok := strings.Cut(part, "=")
		name = strings.Trim(name, blanks)
		_, again := t.values[name]
		switch {
		case !ok && strings.Trim(part, blanks) == "":
			continue
		case !ok || name == "":
			t.broken = "a part of the field is no tag"
			continue
		case again:
			t.broken = "tag " + strconv.QuoteToASCII(cut(name)) + " stands twice"
			continue
		}
		t.names = append(t.names, name)
		t.values[name] = strings.Trim(v, blanks)
	}
	return t
}

const blanks = " \t\r\n"

// get gives a tag's value without any blanks in it, as names and base64 are read.
func (t tagList) get(name string) string { return squeeze(t.values[name]) }

func (t tagList) has(name string) bool { _, ok := t.values[name]; return ok }

// list gives the parts of a value with colons.
func (t tagList) list(name string) []string {
	if !t.has(name) {
		return nil
	}
	return strings.Split(t.get(name), ":")
}

func squeeze(s string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune(blanks, c) {
			return -1
		}
		return c
	}, s)
}

// withoutSignature gives a field with the value of its tag b deleted and nothing
// else changed (RFC 6376 section 3.7).
func withoutSignature(raw string) string {
	head, value, _ := strings.Cut(raw, ":")
	parts := strings.Split(value, ";")
	for i, part := range parts {
		if name, _, ok := strings.Cut(part, "="); ok && strings.Trim(name, blanks) == "b" {
			end := ""
			if i == len(parts)-1 && strings.HasSuffix(part, "\r\n") {
				end = "\r\n"
			}
			parts[i] = name + "=" + end
		}
	}
	return head + ":" + strings.Join(parts, ";")
}

// canonicalField gives a field in canonical form (RFC 6376 sections 3.4.1, 3.4.2).
func canonicalField(raw string, relaxed bool) string {
	if !relaxed {
		return raw
	}
	name, value, _ := strings.Cut(raw, ":")
	words := strings.FieldsFunc(value, func(c rune) bool { return strings.ContainsRune(blanks, c) })
	return strings.ToLower(strings.Trim(name, blanks)) + ":" + strings.Join(words, " ") + "\r\n"
}

// canonicalBody gives a body in canonical form (sections 3.4.3, 3.4.4).
func canonicalBody(body []byte, relaxed bool) []byte {
	out := body
	if relaxed {
		out = make([]byte, 0, len(body))
		for line := range bytes.SplitSeq(body, []byte("\r\n")) {
			blank := false
			for _, c := range line {
				if c == ' ' || c == '\t' {
					blank = true
					continue
				}
				if blank {
					out = append(out, ' ')
				}
				blank = false
				out = append(out, c)
			}
			out = append(out, '\r', '\n')
		}
	}
	for bytes.HasSuffix(out, []byte("\r\n")) {
		out = out[:len(out)-2]
	}
	if len(out) == 0 && relaxed {
		return nil
	}
	return append(out[:len(out):len(out)], '\r', '\n')
}

// forms reads the tag c: whether header and body are relaxed.
func (t tagList) forms() (header, body bool, err error) {
	h, b, found := strings.Cut(t.get("c"), "/")
	if !found {
		b = "simple"
	}
	if h == "" {
		h = "simple"
	}
	for _, f := range []string{h, b} {
		if f != "simple" && f != "relaxed" {
			return false, false, fmt.Errorf("unknown canonical form %q", cut(f))
		}
	}
	return h == "relaxed", b == "relaxed", nil
}

// checkSigned verifies a DKIM-Signature or an ARC-Message-Signature over a
// message: body hash, length, and signature over the fields that h names. It does
// not look at times, at the tag i and at what the key permits.
func (m *Message) checkSigned(field Field, t tagList, key crypto.PublicKey) error {
	relaxedHeader, relaxedBody, err := t.forms()
	if err != nil {
		return err
	}
	body := canonicalBody(m.Body, relaxedBody)
	if t.has("l") {
		n, err := strconv.ParseUint(t.get("l"), 10, 63)
		if err != nil || n > uint64(len(body)) {
			return errors.New("the length in tag l is more than the body has")
		}
		body = body[:n]
	}
	sum := sha256.Sum256(body)
	want, err := base64.StdEncoding.DecodeString(t.get("bh"))
	if err != nil || subtle.ConstantTimeCompare(sum[:], want) != 1 {
		return errors.New("the body is not the one that was signed")
	}
	h := sha256.New()
	used := map[string]int{}
	for _, name := range t.list("h") {
		name = strings.ToLower(name)
		if f, ok := m.fromBelow(name, used[name]); ok {
			h.Write([]byte(canonicalField(f.Raw, relaxedHeader)))
		}
		used[name]++
	}
	return finish(h, canonicalField(withoutSignature(field.Raw), relaxedHeader), t, key)
}

// fromBelow gives the field of that name that n others of the name stand below.
func (m *Message) fromBelow(name string, n int) (Field, bool) {
	for i := len(m.Fields) - 1; i >= 0; i-- {
		if m.Fields[i].Is(name) {
			if n == 0 {
				return m.Fields[i], true
			}
			n--
		}
	}
	return Field{}, false
}

// finish hashes the signing field itself, which ends without CRLF, and checks the
// signature.
func finish(h hash.Hash, self string, t tagList, key crypto.PublicKey) error {
	h.Write([]byte(strings.TrimSuffix(self, "\r\n")))
	sig, err := base64.StdEncoding.DecodeString(t.get("b"))
	if err != nil {
		return errors.New("tag b is not base64")
	}
	switch k := key.(type) {
	case *rsa.PublicKey:
		if t.get("a") != "rsa-sha256" || rsa.VerifyPKCS1v15(k, crypto.SHA256, h.Sum(nil), sig) != nil {
			return errors.New("the signature does not fit the header")
		}
	case ed25519.PublicKey:
		if t.get("a") != "ed25519-sha256" || !ed25519.Verify(k, h.Sum(nil), sig) {
			return errors.New("the signature does not fit the header")
		}
	default:
		return errors.New("no key of a known type")
	}
	return nil
}

// publicKey gives the key of a record that keys.Parse finds usable.
func publicKey(k keys.Key) (crypto.PublicKey, error) {
	p, _ := k.Tag("p")
	raw, err := base64.StdEncoding.DecodeString(squeeze(p))
	if err != nil {
		return nil, errors.New("the key is not base64")
	}
	if k.Type == keys.Ed25519 {
		if len(raw) != ed25519.PublicKeySize {
			return nil, errors.New("the Ed25519 key has not 32 octets")
		}
		return ed25519.PublicKey(raw), nil
	}
	if pub, err := x509.ParsePKIXPublicKey(raw); err == nil {
		if r, ok := pub.(*rsa.PublicKey); ok {
			return r, nil
		}
		return nil, errors.New("the key is not RSA")
	}
	pub, err := x509.ParsePKCS1PublicKey(raw)
	if err != nil {
		return nil, errors.New("the RSA key cannot be read")
	}
	return pub, nil
}
