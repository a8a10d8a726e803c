package dkim

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// material decodes the p tag into key facts.
func (k *Key) material(t Tag, text string) {
	raw, ok := k.decode(t)
	if !ok {
		return
	}
	if k.Has(KeyBase64) && !readable(k.Type, raw) {
		return // octets are missing in between: what is left is no evidence of anything else
	}
	switch k.Type {
	case Ed25519:
		k.ed25519(t, raw, text)
	case RSA:
		k.rsa(t, raw, text)
	}
}

// readable reports that octets hold a key of that type, or a whole one of another.
func readable(kind string, raw []byte) bool {
	if kind == Ed25519 {
		inner, _ := bytes.CutPrefix(raw, ed25519Prefix)
		return len(inner) == 32
	}
	_, err := readRSA(raw)
	return err == nil || errors.Is(err, errPrivate) || errors.Is(err, errOther)
}

func compact(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(space, r) {
			return -1
		}
		return r
	}, s)
}

// decode gives the octets behind base64 text in which white space may stand
// anywhere. What can be read in spite of a problem is read, so that the report
// still shows which key it was.
func (k *Key) decode(t Tag) ([]byte, bool) {
	var clean strings.Builder
	bad, urlSafe, pads := -1, false, 0
	for i := range len(t.Value) {
		switch c := t.Value[i]; {
		case strings.IndexByte(space, c) >= 0:
		case c == '=':
			pads++
		case pads == 0 && ('A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/'):
			clean.WriteByte(c)
		case pads == 0 && (c == '-' || c == '_'):
			urlSafe = true
			clean.WriteByte(map[byte]byte{'-': '+', '_': '/'}[c])
			fallthrough
		default:
			if bad < 0 {
				bad = i
			}
		}
	}
	switch {
	case strings.Contains(t.Value, "-----"):
		k.problem(KeyBase64, "p", t.ValuePos+bad, "p holds the BEGIN or END line of a PEM file")
		return nil, false
	case urlSafe:
		k.problem(KeyBase64, "p", t.ValuePos+bad, "p is written in the URL-safe alphabet, not in base64")
	case bad >= 0:
		k.problem(KeyBase64, "p", t.ValuePos+bad, fmt.Sprintf("%s is an invalid character in base64, at position %d of p", character(t.Value[bad:]), bad+1))
	}
	s := clean.String()
	if len(s)%4 == 1 && bad < 0 { // one character carries six bits, less than an octet
		k.problem(KeyTruncated, "p", t.ValuePos+len(t.Value), "the base64 text ends within an octet")
	} else if want := (4 - len(s)%4) % 4; pads != want && bad < 0 {
		k.problem(KeyPadding, "p", t.ValuePos+len(t.Value), fmt.Sprintf("%d padding signs, want %d", pads, want))
	}
	if len(s)%4 == 1 {
		s = s[:len(s)-1]
	}
	raw, err := base64.RawStdEncoding.DecodeString(s)
	return raw, err == nil && len(raw) > 0
}

// character quotes the first character of a text.
func character(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError {
		return fmt.Sprintf("%q", s[:n])
	}
	return strconv.QuoteRune(r)
}

func (k *Key) rsa(t Tag, raw []byte, text string) {
	key, err := readRSA(raw)
	var cut *cutError
	switch {
	case errors.As(err, &cut):
		if !k.Has(KeyTruncated) {
			k.truncated(t, cut, text)
		}
		return
	case errors.Is(err, errPrivate):
		k.problem(KeyPrivate, "p", t.ValuePos, "p holds a private key")
		return
	case errors.Is(err, errOther):
		k.problem(KeyMismatch, "p", t.ValuePos, err.Error()+", but k says rsa")
		return
	case err != nil && len(raw) == 32:
		k.problem(KeyMismatch, "p", t.ValuePos, "p holds 32 octets, as an Ed25519 key has, but k says rsa")
		return
	case err != nil:
		k.problem(KeyInvalid, "p", t.ValuePos, "p holds no RSA public key: "+err.Error())
		return
	}
	for _, note := range key.notes {
		k.problem(KeyEncoding, "p", t.ValuePos, note)
	}
	k.Form, k.Bits, k.modulus = key.form, key.n.BitLen(), key.n
	if key.e.IsUint64() {
		k.Exponent = key.e.Uint64()
	}
	if e := k.Exponent; e%2 == 0 || e == 1 || e > 1<<32 { // 0 stands for a long one
		k.problem(RSAExponent, "p", t.ValuePos, "public exponent "+exponentText(key.e))
	}
	spki := rsaSPKI(key.n, key.e)
	k.Fingerprint, k.octets = fingerprint(spki), spki
	if key.e.IsInt64() && key.e.Int64() < 1<<31 { // no more is an exponent for crypto/rsa
		k.public = &rsa.PublicKey{N: key.n, E: int(key.e.Int64())}
	}
	if k.Bits > maxRSABits {
		k.problem(Limit, "p", t.ValuePos, fmt.Sprintf("a modulus of %d bits is not tested for weaknesses", k.Bits))
		return
	}
	k.Weak = rsaWeaknesses(key.n, k.Fingerprint)
}

func exponentText(e *big.Int) string {
	if e.BitLen() > 64 {
		return fmt.Sprintf("of %d bits", e.BitLen())
	}
	return e.String()
}

func (k *Key) truncated(t Tag, cut *cutError, text string) {
	s := cut.Error()
	if len(text) == 255 {
		s += "; the record is 255 octets long, as much as one string of it can hold"
	}
	k.problem(KeyTruncated, "p", t.ValuePos+len(t.Value), s)
}

func (k *Key) ed25519(t Tag, raw []byte, text string) {
	if inner, ok := bytes.CutPrefix(raw, ed25519Prefix); ok && len(inner) == 32 {
		k.problem(Ed25519DER, "p", t.ValuePos, "the 32 octets are wrapped in a SubjectPublicKeyInfo of 44")
		k.Form, raw = FormSPKI, inner
	} else {
		k.Form = FormRaw
	}
	if len(raw) != 32 {
		k.Form = ""
		if _, err := readRSA(raw); err == nil {
			k.problem(KeyMismatch, "p", t.ValuePos, "p holds an RSA key, but k says ed25519")
			return
		}
		k.problem(Ed25519Length, "p", t.ValuePos, fmt.Sprintf("an Ed25519 key has 32 octets, this one %d", len(raw)))
		return
	}
	k.Fingerprint = fingerprint(append(bytes.Clone(ed25519Prefix), raw...))
	on, small := ed25519Point(raw)
	if !on {
		k.Form = ""
		k.problem(KeyInvalid, "p", t.ValuePos, "the 32 octets are no point on the curve of Ed25519")
		return
	}
	k.Bits, k.public, k.octets = 256, ed25519.PublicKey(raw), raw
	if small {
		k.Weak = append(k.Weak, Weakness{WeakSmallOrder, "the key is a point of small order: signatures can be forged"})
	}
	k.Weak = append(k.Weak, testKey(k.Fingerprint)...)
}

func fingerprint(spki []byte) string {
	sum := sha256.Sum256(spki)
	return hex.EncodeToString(sum[:])
}
