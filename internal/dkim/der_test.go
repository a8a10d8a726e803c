package dkim

import (
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
