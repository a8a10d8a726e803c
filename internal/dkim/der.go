package dkim

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
)

// DER as far as public keys need it. It is read by hand because keys in the DNS
// are not always DER to the letter, and because encoding/asn1 cannot say by how
// much a key was cut off.

const (
	tagInteger   = 0x02
	tagBitString = 0x03
	tagNull      = 0x05
	tagOID       = 0x06
	tagSequence  = 0x30
)

var (
	oidRSA     = []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01} // 1.2.840.113549.1.1.1
	oidEd25519 = []byte{0x2b, 0x65, 0x70}                                     // 1.3.101.112
	oidEC      = []byte{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01}             // 1.2.840.10045.2.1

	// ed25519Prefix precedes the 32 octets in a SubjectPublicKeyInfo (RFC 8410
	// section 4).
	ed25519Prefix = []byte{tagSequence, 42, tagSequence, 5, tagOID, 3, 0x2b, 0x65, 0x70, tagBitString, 33, 0}

	errPrivate = errors.New("a private key")
	errOther   = errors.New("p holds a key of another type")
)

// A cutError says that a structure announces more octets than there are.
type cutError struct{ want, have int }

func (e *cutError) Error() string {
	return fmt.Sprintf("the key announces %d octets, %d are there", e.want, e.have)
}

type rsaKey struct {
	n, e  *big.Int
	form  string
	notes []string // departures from DER that were read over
}

// readRSA reads a SubjectPublicKeyInfo or a bare RSAPublicKey.
func readRSA(raw []byte) (*rsaKey, error) {
	key := new(rsaKey)
	body, rest, err := key.element(raw, tagSequence)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		key.notes = append(key.notes, fmt.Sprintf("%d octets follow the key", len(rest)))
	}
	if len(body) > 0 && body[0] == tagInteger {
		key.form = FormPKCS1
		return key, key.numbers(body)
	}
	key.form = FormSPKI
	algorithm, rest, err := key.element(body, tagSequence)
	if err != nil {
		return nil, err
	}
	oid, _, err := key.element(algorithm, tagOID)
	switch {
	case err != nil:
		return nil, err
	case bytes.Equal(oid, oidEd25519):
		return nil, fmt.Errorf("%w (Ed25519)", errOther)
	case bytes.Equal(oid, oidEC):
		return nil, fmt.Errorf("%w (elliptic curve)", errOther)
	case !bytes.Equal(oid, oidRSA):
		return nil, errors.New("unknown algorithm identifier")
	}
	bits, _, err := key.element(rest, tagBitString)
	if err != nil {
		return nil, err
	}
	if len(bits) == 0 || bits[0] != 0 {
		return nil, errors.New("the bit string is not one of whole octets")
	}
	inner, _, err := key.element(bits[1:], tagSequence)
	if err != nil {
		return nil, err
	}
	return key, key.numbers(inner)
}

// numbers reads modulus and exponent.
func (key *rsaKey) numbers(body []byte) error {
	var err error
	if key.n, body, err = key.integer(body); err != nil {
		return err
	}
	if key.n.Sign() == 0 { // version 0: PKCS #1 and PKCS #8 private keys start so
		return errPrivate
	}
	if key.e, body, err = key.integer(body); err != nil {
		return err
	}
	if len(body) > 0 {
		key.notes = append(key.notes, fmt.Sprintf("%d octets follow the exponent", len(body)))
	}
	return nil
}

// integer reads an INTEGER as an unsigned number.
func (key *rsaKey) integer(b []byte) (*big.Int, []byte, error) {
	content, rest, err := key.element(b, tagInteger)
	switch {
	case err != nil:
		return nil, nil, err
	case len(content) == 0:
		return nil, nil, errors.New("an integer without octets")
	case content[0] >= 0x80:
		key.notes = append(key.notes, "a number lacks its leading zero octet and reads as negative")
	case len(content) > 1 && content[0] == 0 && content[1] < 0x80:
		key.notes = append(key.notes, "a number has superfluous leading zeros")
	}
	return new(big.Int).SetBytes(content), rest, nil
}

// element takes one element with that tag off b.
func (key *rsaKey) element(b []byte, tag byte) (content, rest []byte, err error) {
	switch {
	case len(b) == 0:
		return nil, nil, errors.New("the structure ends early")
	case b[0] != tag:
		return nil, nil, fmt.Errorf("found element 0x%02x, want 0x%02x", b[0], tag)
	case len(b) < 2:
		return nil, nil, &cutError{2, len(b)}
	}
	length, head := int(b[1]), 2
	if length >= 0x80 {
		size := length & 0x7f
		if size == 0 || size > 3 {
			return nil, nil, errors.New("a length that no key has")
		}
		head += size
		if len(b) < head {
			return nil, nil, &cutError{head, len(b)}
		}
		length = 0
		for _, c := range b[2:head] {
			length = length<<8 | int(c)
		}
		if length < 0x80 || size > 1 && b[2] == 0 {
			key.notes = append(key.notes, "a length is not in its shortest form")
		}
	}
	if len(b) < head+length {
		return nil, nil, &cutError{head + length, len(b)}
	}
	return b[head : head+length], b[head+length:], nil
}

// rsaSPKI encodes a SubjectPublicKeyInfo.
func rsaSPKI(n, e *big.Int) []byte {
	key := encode(tagSequence, encode(tagInteger, unsigned(n)), encode(tagInteger, unsigned(e)))
	return encode(tagSequence,
		encode(tagSequence, encode(tagOID, oidRSA), encode(tagNull)),
		encode(tagBitString, []byte{0}, key))
}

func unsigned(n *big.Int) []byte {
	b := n.Bytes()
	if len(b) == 0 || b[0] >= 0x80 {
		b = append([]byte{0}, b...)
	}
	return b
}

func encode(tag byte, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	head := []byte{tag}
	switch n := len(content); {
	case n < 0x80:
		head = append(head, byte(n))
	case n < 0x100:
		head = append(head, 0x81, byte(n))
	case n < 0x10000:
		head = append(head, 0x82, byte(n>>8), byte(n))
	default:
		head = append(head, 0x83, byte(n>>16), byte(n>>8), byte(n))
	}
	return append(head, content...)
}
