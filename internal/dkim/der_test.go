package dkim

import (
	"bytes"
	"fmt"
	"math/big"
	"strings"
	"testing"
)

// Keys that end wherever they can are told as that, and never more than read.
func TestReadRSAEndsEarly(t *testing.T) {
	whole := rsaSPKI(new(big.Int).Lsh(big.NewInt(1), 1023), big.NewInt(65537))
	if key, err := readRSA(whole); err != nil || len(key.notes) > 0 || key.form != FormSPKI {
		t.Fatalf("a whole key: %+v, %v", key, err)
	}
	for n := range whole {
		if _, err := readRSA(whole[:n]); err == nil {
			t.Errorf("%d of %d octets were read as a key", n, len(whole))
		}
	}
	number := encode(tagInteger, []byte{5})
	for _, c := range []struct {
		name, want string
		raw        []byte
	}{
		{"nothing", "the structure ends early", nil},
		{"an empty sequence", "the structure ends early", encode(tagSequence)},
		{"one number", "the structure ends early", encode(tagSequence, number)},
		{"an algorithm without a name", "the structure ends early", encode(tagSequence, encode(tagSequence))},
		{"an algorithm alone", "the structure ends early", encode(tagSequence, encode(tagSequence, encode(tagOID, oidRSA)))},
		{"no bits", "whole octets", encode(tagSequence, encode(tagSequence, encode(tagOID, oidRSA)), encode(tagBitString))},
		{"bits of nothing", "the structure ends early", encode(tagSequence, encode(tagSequence, encode(tagOID, oidRSA)), encode(tagBitString, []byte{0}))},
		{"a tag alone", "announces 2 octets, 1 are there", []byte{tagSequence}},
		{"a length of four octets", "a length that no key has", []byte{tagSequence, 0x84, 0, 0, 0, 1}},
		{"a length without its octets", "announces 4 octets, 3 are there", []byte{tagSequence, 0x82, 1}},
		{"another element", "found element 0x04, want 0x30", []byte{4, 0}},
	} {
		if _, err := readRSA(c.raw); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// A length is written in as few octets as hold it, and read back.
func TestEncodeLengths(t *testing.T) {
	for n, head := range map[int][]byte{
		0: {0}, 0x7f: {0x7f}, 0x80: {0x81, 0x80}, 0xff: {0x81, 0xff},
		0x100: {0x82, 1, 0}, 0xffff: {0x82, 0xff, 0xff}, 0x10000: {0x83, 1, 0, 0},
	} {
		raw := encode(tagNull, make([]byte, n))
		if want := append([]byte{tagNull}, head...); !bytes.HasPrefix(raw, want) || len(raw) != len(want)+n {
			t.Errorf("%d octets begin with % x, want % x", n, raw[:5], want)
		}
		key := new(rsaKey)
		content, rest, err := key.element(append(raw, 1), tagNull)
		if err != nil || len(content) != n || len(rest) != 1 || len(key.notes) > 0 {
			t.Errorf("%d octets read as %d and %d more, %v, %q", n, len(content), len(rest), err, key.notes)
		}
	}
	for n, want := range map[int64]string{0: "00", 0x7f: "7f", 0x80: "0080", 0x81: "0081"} {
		if got := fmt.Sprintf("%x", unsigned(big.NewInt(n))); got != want {
			t.Errorf("%d is written as %s, want %s", n, got, want)
		}
	}
}
