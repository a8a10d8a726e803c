package dkim

import (
	"fmt"
	"math"
	"math/big"
)

// Kinds of weakness.
const (
	WeakTestKey     = "test-key"     // printed in a standard, its private half too
	WeakROCA        = "roca"         // made by the Infineon library of CVE-2017-15361
	WeakSmallFactor = "small-factor" // the modulus has a small prime factor
	WeakClosePrimes = "close-primes" // Fermat's method factors the modulus at once
	WeakSmallOrder  = "small-order"  // an Ed25519 key that is no secret point
)

// A Weakness is a reason why anybody can sign for the holder of a key.
type Weakness struct{ Kind, Text string }

// testKey recognises the key pairs that standards print. Their holder is
// everybody.
func testKey(fingerprint string) []Weakness {
	var where string
	switch fingerprint {
	case "dba3f0cb69f06d70e41abc6ac5812bc3d2639a24b621ba5d241202ac89cb7b9c":
		where = "RFC 6376 appendix C"
	case "06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9",
		"362d9a99501883f6d1ac717c53fff96582fb0a7c52464cb64b9082aa887bc7b4":
		where = "RFC 8463 appendix A"
	case "9a9e5b0f404f4e2d4386e38b04ac91e535946dc2a7f8d84a31404b476e5c35e1",
		"8fb6bad671cfe698393c453357da61b56d757ab8c0f3fb9c87f2849e63131878",
		"96465ea5dc9bb2da7b351d808a7196e5761f2412a5040131c68d719aaba28fb9":
		where = "RFC 9500 section 2.1"
	default:
		return nil
	}
	return []Weakness{{WeakTestKey, "the private key is printed in " + where}}
}

// rsaWeaknesses runs the tests that need the modulus only, cheapest first. Each
// is bounded: together they take milliseconds for the longest modulus allowed.
func rsaWeaknesses(n *big.Int, fingerprint string) []Weakness {
	out := testKey(fingerprint)
	if p := smallFactor(n); p > 0 {
		return append(out, Weakness{WeakSmallFactor, fmt.Sprintf("the modulus is divisible by %d", p)})
	}
	if closePrimes(n) {
		out = append(out, Weakness{WeakClosePrimes, fmt.Sprintf("the two primes are so close that %d steps of Fermat's method find them", fermatSteps)})
	}
	if roca(n) {
		out = append(out, Weakness{WeakROCA, "the modulus has the structure that the flawed Infineon library gives (ROCA)"})
	}
	return out
}

const factorBound = 10000

// smallFactor gives the smallest prime factor under factorBound, or 0. It divides
// by products of primes that fit in a word: a long division each is dear.
func smallFactor(n *big.Int) int64 {
	primes := primesBelow(factorBound)
	var divisor, rest big.Int
	for len(primes) > 0 {
		product, count := int64(1), 0
		for count < len(primes) && product < math.MaxInt64/factorBound {
			product *= primes[count]
			count++
		}
		left := rest.Mod(n, divisor.SetInt64(product)).Int64()
		for _, p := range primes[:count] {
			if left%p == 0 && divisor.SetInt64(p).Cmp(n) < 0 {
				return p
			}
		}
		primes = primes[count:]
	}
	return 0
}

func primesBelow(limit int) []int64 {
	composite := make([]bool, limit)
	var out []int64
	for i := 2; i < limit; i++ {
		if composite[i] {
			continue
		}
		out = append(out, int64(i))
		for j := i * i; j < limit; j += i {
			composite[j] = true
		}
	}
	return out
}

const fermatSteps = 100

// closePrimes looks for n = a*a - b*b with a close to the root of n.
func closePrimes(n *big.Int) bool {
	var a, square, root, step big.Int
	one := big.NewInt(1)
	a.Sqrt(n)
	if square.Mul(&a, &a).Cmp(n) < 0 {
		a.Add(&a, one)
	}
	square.Sub(square.Mul(&a, &a), n) // b*b, if this is a solution
	for range fermatSteps {
		if maybeSquare(&square) {
			root.Sqrt(&square)
			if root.Mul(&root, &root).Cmp(&square) == 0 {
				return true
			}
		}
		square.Add(&square, step.Add(step.Lsh(&a, 1), one)) // (a+1)^2 = a^2 + 2a + 1
		a.Add(&a, one)
	}
	return false
}

// maybeSquare rules out most numbers that are no squares by their remainders, so
// that few roots are taken.
func maybeSquare(n *big.Int) bool {
	const moduli = 64 * 9 * 5 * 7 * 11 * 13
	rest := new(big.Int).Mod(n, big.NewInt(moduli)).Int64()
	for _, m := range []int64{64, 9, 5, 7, 11, 13} {
		found := false
		for i := range m/2 + 1 {
			found = found || i*i%m == rest%m
		}
		if !found {
			return false
		}
	}
	return true
}

// roca tests the fingerprint of Nemec and others (2017): primes of the flawed
// library are k*M + (65537^a mod M) with M the product of the first primes, so
// that the modulus is a power of 65537 modulo M. The product of the primes up to
// 167 divides M for every key length.
func roca(n *big.Int) bool {
	const generator = 65537
	m, order := big.NewInt(1), big.NewInt(1)
	for _, p := range primesBelow(168) {
		rest := new(big.Int).Mod(n, big.NewInt(p)).Int64()
		steps, member := int64(0), false
		for power := int64(1); ; {
			member = member || power == rest
			steps++
			if power = power * generator % p; power == 1 {
				break
			}
		}
		if !member {
			return false // nearly every good key is out here after a few primes
		}
		m.Mul(m, big.NewInt(p))
		order.Mul(order, big.NewInt(steps/gcd(steps, new(big.Int).Mod(order, big.NewInt(steps)).Int64())))
	}
	// A power modulo each prime is not yet a common power: compare the discrete
	// logarithms modulo each prime power of the order.
	g, h := big.NewInt(generator), new(big.Int).Mod(n, m)
	left := new(big.Int).Set(order)
	for _, q := range primesBelow(168) {
		prime, size := big.NewInt(q), int64(1)
		for new(big.Int).Mod(left, prime).Sign() == 0 {
			left.Div(left, prime)
			size *= q
		}
		exponent := new(big.Int).Div(order, big.NewInt(size))
		step := new(big.Int).Exp(g, exponent, m)
		want := new(big.Int).Exp(h, exponent, m)
		power, found := big.NewInt(1), false
		for range size {
			if found = power.Cmp(want) == 0; found {
				break
			}
			power.Mod(power.Mul(power, step), m)
		}
		if !found {
			return false
		}
	}
	return true
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// SharedPrime reports that two different RSA keys have a prime in common, so
// that both can be factored by anyone who sees them. Keys over 16,384 bits are
// not compared.
func SharedPrime(a, b Key) bool {
	if a.modulus == nil || b.modulus == nil || a.Bits > maxRSABits || b.Bits > maxRSABits || a.modulus.Cmp(b.modulus) == 0 {
		return false
	}
	return new(big.Int).GCD(nil, nil, a.modulus, b.modulus).Cmp(big.NewInt(1)) != 0
}

// ed25519Point decodes a point of the twisted Edwards curve of RFC 8032 section
// 5.1. It reports whether there is such a point, and whether its order divides
// eight: then it is no key but a constant that everybody knows.
func ed25519Point(raw []byte) (on, small bool) {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	mod := func(z *big.Int) *big.Int { return z.Mod(z, p) }
	mul := func(a, b *big.Int) *big.Int { return mod(new(big.Int).Mul(a, b)) }
	one := big.NewInt(1)

	d := mul(big.NewInt(-121665), new(big.Int).ModInverse(big.NewInt(121666), p))
	be := make([]byte, 32)
	for i, c := range raw {
		be[31-i] = c
	}
	be[0] &= 0x7f // the sign of x
	y := mod(new(big.Int).SetBytes(be))
	yy := mul(y, y)
	denominator := mod(new(big.Int).Add(mul(d, yy), one)) // never zero: -1/d is no square
	xx := mul(new(big.Int).Sub(yy, one), new(big.Int).ModInverse(denominator, p))
	x := new(big.Int).ModSqrt(xx, p)
	if x == nil {
		return false, false
	}
	for range 3 { // double three times: the identity shows an order of 1, 2, 4 or 8
		xx, yy = mul(x, x), mul(y, y)
		t := mul(d, mul(xx, yy))
		x = mul(mul(big.NewInt(2), mul(x, y)), new(big.Int).ModInverse(mod(new(big.Int).Add(one, t)), p))
		y = mul(new(big.Int).Add(xx, yy), new(big.Int).ModInverse(mod(new(big.Int).Sub(one, t)), p))
	}
	return true, x.Sign() == 0 && y.Cmp(one) == 0
}
