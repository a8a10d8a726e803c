package message

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"hash"
	"math/big"
	"strings"

	"mxvet/internal/syntax"
)

// This file does the cryptography of DKIM signatures and ARC seals (RFC 6376 sections
// 3.4 and 3.7). It is lenient about form: that is judged elsewhere.

// A picker gives the fields that signatures name, from the bottom (section 5.4.2).
type picker struct {
	fields []Field
	named  map[string][]int // index by lower-case name, from the top
}

func newPicker(fields []Field) *picker {
	p := &picker{fields: fields, named: map[string][]int{}}
	for i, f := range fields {
		name := strings.ToLower(f.Name)
		p.named[name] = append(p.named[name], i)
	}
	return p
}

// pick calls use with the fields of these names, without the field of index self.
func (p *picker) pick(names []string, self int, use func(Field)) {
	used := map[string]int{}
	for _, name := range names {
		name = strings.ToLower(name)
		at := p.named[name]
		i := len(at) - 1 - used[name]
		if i >= 0 && at[i] == self {
			used[name]++
			i--
		}
		if used[name]++; i >= 0 {
			use(p.fields[at[i]])
		}
	}
}

// withoutSignature gives a field with the value of its tag b deleted and nothing
// else changed (section 3.7).
func withoutSignature(raw string) string {
	head, value, _ := strings.Cut(raw, ":")
	parts := strings.Split(value, ";")
	for i, part := range parts {
		if name, _, ok := strings.Cut(part, "="); ok && strings.Trim(name, syntax.Blanks) == "b" {
			end := ""
			if i == len(parts)-1 && strings.HasSuffix(part, "\r\n") {
				end = "\r\n"
			}
			parts[i] = name + "=" + end
		}
	}
	return head + ":" + strings.Join(parts, ";")
}

// canonicalField gives a field in canonical form (sections 3.4.1, 3.4.2).
func canonicalField(raw string, relaxed bool) string {
	if !relaxed {
		return raw
	}
	name, value, _ := strings.Cut(raw, ":")
	words := strings.FieldsFunc(value, func(c rune) bool { return strings.ContainsRune(syntax.Blanks, c) })
	return strings.ToLower(strings.Trim(name, syntax.Blanks)) + ":" + strings.Join(words, " ") + "\r\n"
}

var (
	errBody      = errors.New("body hash did not verify: the body is not the one that was signed")
	errNoBody    = errors.New("the file holds no body, and the signature is over one: the whole source of the message is needed")
	errLength    = errors.New("the length in tag l is more than the body has")
	errSignature = errors.New("signature did not verify: the signed fields of the header are not as they were")
	errKey       = errors.New("signature did not verify: it was made with another key than the one that is published, or is damaged")
	errEither    = errors.New("signature did not verify: the signed fields of the header are not as they were, or another key than the published one made it")
	errMailbox   = errors.New("the signature holds once the \">\" that the mbox put before \"From \" is taken away")
)

// checkBody compares the body with the tags bh and l. The error is errMailbox where it
// fits once what an mbox adds is taken away.
func (m *Message) checkBody(t tagList) error {
	_, relaxed, err := t.forms()
	if err != nil {
		return err
	}
	want, err := decodeBase64(t.get("bh"))
	if err != nil {
		return errors.New("tag bh is not base64")
	}
	fits := func(unquoted bool) error {
		d := m.forms[bodyForm{relaxed, unquoted}]
		if d == nil { // the file is no mbox
			return errBody
		}
		sum := d.whole
		if t.has("l") {
			n := number(t.get("l"))
			if n == nil || *n > d.length {
				return errLength
			}
			sum = d.sums[*n]
		}
		if subtle.ConstantTimeCompare(sum, want) != 1 {
			return errBody
		}
		return nil
	}
	err = fits(false)
	switch {
	case err == nil:
		return nil
	case fits(true) == nil:
		return errMailbox
	case m.empty:
		return errNoBody
	}
	return err
}

// checkHeader verifies the signature in the field of index self over the fields that
// its tag h names.
func (p *picker) checkHeader(self int, t tagList, key crypto.PublicKey) error {
	relaxed, _, err := t.forms()
	if err != nil {
		return err
	}
	h := sha256.New()
	p.pick(t.list("h"), self, func(f Field) { h.Write([]byte(canonicalField(f.Raw, relaxed))) })
	return finish(h, canonicalField(withoutSignature(p.fields[self].Raw), relaxed), t, key)
}

// finish hashes the signing field itself, which ends without CRLF, and checks the
// signature.
func finish(h hash.Hash, self string, t tagList, key crypto.PublicKey) error {
	h.Write([]byte(strings.TrimSuffix(self, "\r\n")))
	sig, err := decodeBase64(t.get("b"))
	if err != nil {
		return errors.New("tag b is not base64")
	}
	switch k := key.(type) {
	case *rsa.PublicKey:
		if t.get("a") != "rsa-sha256" || rsa.VerifyPKCS1v15(k, crypto.SHA256, h.Sum(nil), sig) != nil {
			if !made(k, sig) {
				return errKey
			}
			return errSignature
		}
	case ed25519.PublicKey:
		if t.get("a") != "ed25519-sha256" || !ed25519.Verify(k, h.Sum(nil), sig) {
			return errEither
		}
	default:
		return errors.New("no key of a known type")
	}
	return nil
}

// made reports whether the private half of a key made a signature, whatever it signed: the
// padding that the key brings to light tells (RFC 8017 section 9.2).
func made(key *rsa.PublicKey, sig []byte) bool {
	s := new(big.Int).SetBytes(sig)
	if len(sig) != key.Size() || s.Cmp(key.N) >= 0 {
		return false
	}
	text := s.Exp(s, big.NewInt(int64(key.E)), key.N).FillBytes(make([]byte, len(sig)))
	return bytes.HasPrefix(text, []byte("\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff"))
}

func decodeBase64(s string) ([]byte, error) { return base64.StdEncoding.DecodeString(s) }
