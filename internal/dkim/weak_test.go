package dkim

import (
	"encoding/base64"
	"math/big"
	"testing"
)

func TestExponent(t *testing.T) {
	n := Parse("p=" + rsa1024).modulus
	for _, tt := range []struct {
		e    *big.Int
		want bool
	}{
		{big.NewInt(3), false},
		{big.NewInt(65537), false},
		{big.NewInt(1<<32 - 1), false},
		{big.NewInt(1), true},
		{big.NewInt(2), true},
		{big.NewInt(65536), true},
		{big.NewInt(1<<32 + 1), true},
		{new(big.Int).SetBit(big.NewInt(1), 100, 1), true},
		{big.NewInt(0), true},
	} {
		k := Parse("p=" + base64.StdEncoding.EncodeToString(rsaSPKI(n, tt.e)))
		if k.Has(RSAExponent) != tt.want || k.Bits != 1024 {
			t.Errorf("exponent %v: %+v", tt.e, k.Problems)
		}
	}
}

func TestWeakKeys(t *testing.T) {
	rsaText := func(n *big.Int) string {
		return "p=" + base64.StdEncoding.EncodeToString(rsaSPKI(n, big.NewInt(65537)))
	}
	for _, tt := range []struct{ name, text, want string }{
		{"RFC 6376", "p=" + rfc6376Key, WeakTestKey},
		{"RFC 8463 Ed25519", "k=ed25519; p=" + rfc8463Key, WeakTestKey},
		{"RFC 8463 RSA", "p=" + rfc8463RSAKey, WeakTestKey},
		{"RFC 9500 1024", "p=" + rfc9500RSA1024, WeakTestKey},
		{"RFC 9500 2048", "p=" + rfc9500RSA2048, WeakTestKey},
		{"RFC 9500 4096", "p=" + rfc9500RSA4096, WeakTestKey},
		{"good 512", "p=" + rsa512, ""},
		{"good 1024", "p=" + rsa1024, ""},
		{"good 2048", "p=" + rsa2048, ""},
		{"good Ed25519", "k=ed25519; p=" + ed25519Raw, ""},
		{"even", rsaText(new(big.Int).Lsh(big.NewInt(3), 1023)), WeakSmallFactor},
		{"factor 9973", rsaText(new(big.Int).Mul(big.NewInt(9973), nextPrime(1014, 1))), WeakSmallFactor},
		{"square", rsaText(new(big.Int).Mul(nextPrime(512, 1), nextPrime(512, 1))), WeakClosePrimes},
		{"close primes", rsaText(new(big.Int).Mul(nextPrime(512, 1), nextPrime(512, 2000))), WeakClosePrimes},
		{"ROCA", rsaText(new(big.Int).Mul(rocaPrime(1), rocaPrime(7))), WeakROCA},
		{"Ed25519 identity", "k=ed25519; p=AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", WeakSmallOrder},
		{"Ed25519 zeros", "k=ed25519; p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", WeakSmallOrder},
		{"Ed25519 order 8", "k=ed25519; p=xxdqcD1N2E+6PAt2DRBnDyogU/osOczGTsf9d5KsA3o=", WeakSmallOrder},
	} {
		k := Parse(tt.text)
		got := ""
		if len(k.Weak) > 0 {
			got = k.Weak[0].Kind
		}
		if got != tt.want || k.Bits == 0 {
			t.Errorf("%s: weaknesses %+v, want %q (%d bits, %+v)", tt.name, k.Weak, tt.want, k.Bits, k.Problems)
		}
	}
}

// nextPrime gives the first prime at or after 3*2^(bits-2) + offset.
func nextPrime(bits uint, offset int64) *big.Int {
	p := new(big.Int).Lsh(big.NewInt(3), bits-2)
	p.Add(p, big.NewInt(offset|1))
	for !p.ProbablyPrime(8) {
		p.Add(p, big.NewInt(2))
	}
	return p
}

// rocaPrime builds a prime as the flawed library did for keys of 512 bits.
func rocaPrime(a int64) *big.Int {
	m := big.NewInt(1)
	for _, p := range primesBelow(168) {
		m.Mul(m, big.NewInt(p))
	}
	rest := new(big.Int).Exp(big.NewInt(65537), big.NewInt(a*1000003), m)
	for k := int64(1 << 36); ; k++ {
		p := new(big.Int).Mul(big.NewInt(k), m)
		if p.Add(p, rest); p.ProbablyPrime(8) {
			return p
		}
	}
}

// A number that is a power modulo each prime is one modulo their product only where
// the exponents agree.
func TestCommonPower(t *testing.T) {
	rest := big.NewInt(1) // the product of the primes from 5 on
	for _, p := range primesBelow(168)[2:] {
		rest.Mul(rest, big.NewInt(p))
	}
	n := new(big.Int).Exp(big.NewInt(65537), big.NewInt(2), rest)
	seen := map[int64]bool{}
	for range 3 {
		n.Add(n, rest)
		odd := new(big.Int).Set(n)
		if odd.Bit(0) == 0 {
			odd.Add(odd, new(big.Int).Mul(big.NewInt(3), rest))
		}
		three := new(big.Int).Mod(odd, big.NewInt(3)).Int64()
		seen[three] = true
		if got := roca(odd); got != (three == 1) { // 65537 is 2 modulo 3, and its square 1
			t.Errorf("%d modulo 3: %v", three, got)
		}
	}
	if len(seen) != 3 {
		t.Errorf("%v", seen)
	}
}

func TestSharedPrime(t *testing.T) {
	p, q, r := nextPrime(512, 1), nextPrime(500, 9), nextPrime(490, 77)
	key := func(a, b *big.Int) Key {
		return Parse("p=" + base64.StdEncoding.EncodeToString(rsaSPKI(new(big.Int).Mul(a, b), big.NewInt(65537))))
	}
	if !SharedPrime(key(p, q), key(p, r)) {
		t.Error("a common prime was not seen")
	}
	if SharedPrime(key(p, q), key(p, q)) || SharedPrime(Parse("p="+rsa1024), Parse("p="+rsa2048)) || SharedPrime(Parse("p="), Parse("p="+rsa512)) {
		t.Error("a common prime where there is none")
	}
	// Keys of the greatest length are compared, longer ones are not.
	long := func(modulus *big.Int, bits int) Key { return Key{modulus: modulus, Bits: bits} }
	a, b := new(big.Int).Mul(p, q), new(big.Int).Mul(p, r)
	for _, c := range []struct {
		a, b int
		want bool
	}{{maxRSABits, maxRSABits, true}, {maxRSABits + 1, maxRSABits, false}, {maxRSABits, maxRSABits + 1, false}} {
		if SharedPrime(long(a, c.a), long(b, c.b)) != c.want {
			t.Errorf("%d and %d bits: want %v", c.a, c.b, c.want)
		}
	}
}
