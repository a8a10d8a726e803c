// Package dkim reads DomainKeys Identified Mail key records and finds them.
//
// A sender signs each message with a private key and puts a selector and its
// domain into the signature header. The receiver asks for the TXT record at
// <selector>._domainkey.<domain>, takes the public key from it and verifies (RFC
// 6376). Selectors cannot be listed from outside: they come from the operator,
// from a message, or from a table of usual names, so that a guess that finds
// nothing proves nothing.
//
// A key record is a list of tags: v (version, DKIM1, first if present), p (the
// key in base64; empty means revoked), k (key type: rsa, or ed25519 of RFC
// 8463), h (permitted hashes; sha1 is dead by RFC 8301), s (service types), t
// (flags: y testing, s strict), n (notes). An RSA key is a SubjectPublicKeyInfo
// in DER or, as the RFC's text has it, a bare RSAPublicKey; an Ed25519 key is the
// 32 octets themselves. Verifiers must refuse RSA keys under 1024 bits (RFC 8301
// section 3.2).
package dkim

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"mxvet/internal/syntax"
)

// A Code names one kind of problem in a key record. Codes are stable.
type Code string

// Problems of the tag list.
const (
	Syntax       Code = "syntax"            // an item without "=", or a malformed tag name
	Character    Code = "character"         // a byte that no tag list may hold
	EmptyTag     Code = "empty-tag"         // nothing before or between semicolons
	Escaped      Code = "escaped-semicolon" // a backslash before a semicolon, left over from zone text
	DuplicateTag Code = "duplicate-tag"
	EmptyValue   Code = "empty-value" // a list tag without any entry
	LetterCase   Code = "letter-case" // right but for the case of its letters
	UnknownTag   Code = "unknown-tag"
	Limit        Code = "limit" // more than is examined; the rest was left out
)

// Problems of single tags.
const (
	VersionMissing  Code = "version-missing"
	VersionLate     Code = "version-not-first"
	VersionUnknown  Code = "version-unknown"
	TypeUnknown     Code = "key-type-unknown"
	HashNoSHA256    Code = "hash-without-sha256"
	HashSHA1        Code = "hash-sha1" // sha1 beside sha256
	HashUnknown     Code = "hash-unknown"
	ServiceNotEmail Code = "service-not-email"
	Testing         Code = "flag-testing"
	NotStrict       Code = "flag-strict-absent"
	UnknownFlag     Code = "unknown-flag"
)

// Problems of the key in the p tag.
const (
	KeyMissing    Code = "key-missing"
	KeyRevoked    Code = "key-revoked" // p is empty
	KeyBase64     Code = "key-not-base64"
	KeyPadding    Code = "key-padding" // "=" signs missing or superfluous; readable
	KeyTruncated  Code = "key-truncated"
	KeyInvalid    Code = "key-invalid"       // not a key of the type that k names
	KeyMismatch   Code = "key-type-mismatch" // a good key of another type
	KeyEncoding   Code = "key-encoding"      // readable, but not as DER wants it
	KeyPrivate    Code = "private-key"       // what was published is the private key
	RSAExponent   Code = "rsa-exponent"      // even, 1, or above 2^32
	Ed25519Length Code = "ed25519-length"    // not 32 octets
	Ed25519DER    Code = "ed25519-der"       // the 32 octets are wrapped in a SubjectPublicKeyInfo
)

// Fatal reports that a verifier has to ignore a key record with this problem
// (RFC 6376 sections 3.2, 3.6.1 and 6.1.2, RFC 8301 section 3.1, RFC 8463
// section 4.2).
func (c Code) Fatal() bool {
	switch c {
	case Syntax, Character, DuplicateTag, VersionLate, VersionUnknown, TypeUnknown, HashNoSHA256, ServiceNotEmail,
		KeyMissing, KeyRevoked, KeyBase64, KeyTruncated, KeyInvalid, KeyMismatch, KeyPrivate, Ed25519Length, Ed25519DER:
		return true
	}
	return false
}

// A Problem is one thing wrong or remarkable in a record.
type Problem struct {
	Code Code
	Tag  string // name of the tag concerned, "" for the record as a whole
	Pos  int    // byte offset in the text
	Text string // lower-case: what is there
}

// A Tag is one name=value pair in the order of the record.
type Tag = syntax.Tag

// Key types and forms.
const (
	RSA     = "rsa"
	Ed25519 = "ed25519"

	FormSPKI  = "SubjectPublicKeyInfo" // RFC 5280 section 4.1
	FormPKCS1 = "RSAPublicKey"         // RFC 8017 appendix A.1.1
	FormRaw   = "raw"                  // RFC 8463 section 4.2
)

// A Key is a key record as far as it could be understood.
type Key struct {
	Tags     []Tag
	Version  string   // value of v, "" when absent
	Type     string   // "rsa" (also when k is absent), "ed25519", else k as published
	Hashes   []string // h in lower case; nil when absent: all are permitted
	Services []string // s in lower case; nil when absent: all
	Flags    []string // t in lower case
	Notes    string   // n as published

	Form        string     // how the key is encoded, "" when there is no readable key
	Bits        int        // exact length of the RSA modulus, 256 for Ed25519, 0 without a readable key
	Exponent    uint64     // RSA public exponent; 0 when it needs more than 64 bits
	Fingerprint string     // SHA-256 of the key's SubjectPublicKeyInfo in hex, whatever form was published
	Weak        []Weakness // why the key is no good although it is well formed
	Problems    []Problem  // in the order of the record

	modulus *big.Int
	public  crypto.PublicKey
	octets  []byte // of the key as the standards want it in p
}

// Bounds on what is examined of one record. A TXT record cannot be longer than
// maxText (RFC 1035 section 3.2.1).
const (
	maxText     = 65535
	maxProblems = 100   // of one code
	maxRSABits  = 16384 // longer moduli are measured, not tested for weaknesses
)

// Parse reads the text of one TXT record (its strings joined). It never fails:
// what is wrong is in Problems, and the rest is filled as far as possible.
func Parse(text string) Key {
	k := Key{Type: RSA}
	if len(text) > maxText {
		k.problem(Limit, "", maxText, fmt.Sprintf("only the first %d octets are examined", maxText))
		text = text[:maxText]
	}
	k.readTags(text)
	k.interpret(text)
	slices.SortStableFunc(k.Problems, func(a, b Problem) int { return a.Pos - b.Pos })
	return k
}

// String gives the tags in their order, with the white space inside p removed.
// Parsing it again gives the same tags.
func (k Key) String() string {
	parts := make([]string, len(k.Tags))
	for i, t := range k.Tags {
		if t.Name == "p" {
			t.Value = compact(t.Value)
		}
		parts[i] = t.Name + "=" + t.Value
	}
	return strings.Join(parts, "; ")
}

// Tag gives the value of the first tag of that name and whether it is there.
func (k Key) Tag(name string) (string, bool) {
	t := k.tag(name)
	if t == nil {
		return "", false
	}
	return t.Value, true
}

// Has reports a problem with that code.
func (k Key) Has(code Code) bool {
	return slices.ContainsFunc(k.Problems, func(p Problem) bool { return p.Code == code })
}

// Usable reports that a verifier may accept signatures of e-mail by this key: no
// fatal problem, and for RSA 1024 bits or more (RFC 8301 section 3.2).
func (k Key) Usable() bool {
	if k.Bits == 0 || k.Type == RSA && k.Bits < 1024 {
		return false
	}
	return !slices.ContainsFunc(k.Problems, func(p Problem) bool { return p.Code.Fatal() })
}

// PublicKey gives the key, of type *rsa.PublicKey or ed25519.PublicKey, as far as one
// could be read, also where a problem forbids its use; nil where none could.
func (k Key) PublicKey() crypto.PublicKey { return k.public }

// Canonical gives the record as the standards write it, with the same key and the
// same meaning: v first, keywords in lower case, p without white space, an RSA key as
// SubjectPublicKeyInfo. It is "" where no key can be read.
func (k Key) Canonical() string {
	if k.public == nil {
		return ""
	}
	var out strings.Builder
	out.WriteString("v=DKIM1; k=" + k.Type)
	for _, list := range []struct {
		tag    string
		values []string
	}{{"h", k.Hashes}, {"s", k.Services}, {"t", k.Flags}} {
		if len(list.values) > 0 {
			out.WriteString("; " + list.tag + "=" + strings.Join(list.values, ":"))
		}
	}
	return out.String() + "; p=" + base64.StdEncoding.EncodeToString(k.octets)
}

// Revoked reports an empty p: the key was withdrawn (RFC 6376 section 3.6.1).
func (k Key) Revoked() bool { return k.Has(KeyRevoked) }

// LooksLikeKey reports that the text is meant as a key record: it has a p tag or
// starts with a DKIM version. Other TXT records may lie at a guessed name.
func (k Key) LooksLikeKey() bool {
	if _, ok := k.Tag("p"); ok {
		return true
	}
	return len(k.Tags) > 0 && k.Tags[0].Name == "v" && strings.HasPrefix(strings.ToUpper(k.Tags[0].Value), "DKIM")
}

func (k *Key) tag(name string) *Tag {
	for i := range k.Tags {
		if k.Tags[i].Name == name {
			return &k.Tags[i]
		}
	}
	return nil
}

func (k *Key) problem(code Code, tag string, pos int, text string) {
	if syntax.Fewer(k.Problems, maxProblems, func(p Problem) bool { return p.Code == code }) {
		k.Problems = append(k.Problems, Problem{code, tag, pos, text})
	}
}

const space = syntax.Blanks

// tagFaults gives the problem for each departure from the grammar of tag lists.
var tagFaults = map[syntax.TagFault]Code{
	syntax.TagEmpty: EmptyTag, syntax.TagEmptyEnd: EmptyTag, syntax.TagNoPair: Syntax, syntax.TagBadName: Syntax,
	syntax.TagTwice: DuplicateTag, syntax.TagOctet: Character,
}

// readTags splits a tag list (RFC 6376 section 3.2). What has no right name is left
// out.
func (k *Key) readTags(text string) {
	tags, problems := syntax.ReadTags(text, len(text))
	for _, p := range problems {
		code, tag := tagFaults[p.Fault], p.Name
		if p.Fault == syntax.TagBadName {
			tag = ""
		}
		k.problem(code, tag, p.Pos, p.String())
	}
	for _, t := range tags {
		if !syntax.TagName(t.Name) {
			continue
		}
		if end := t.ValuePos + len(t.Value); strings.HasSuffix(t.Value, `\`) && strings.HasPrefix(strings.TrimLeft(text[end:], space), ";") {
			k.problem(Escaped, t.Name, end-1, "a backslash stands before the semicolon")
		}
		k.Tags = append(k.Tags, t)
	}
}

// short keeps quoted input in messages readable.
func short(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
