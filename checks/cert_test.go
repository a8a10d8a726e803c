package checks

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"strings"
	"testing"
	"time"
)

// What is left is measured to the second: at the limit a certificate is not yet near
// its end, and at its last second it is still valid.
func TestEndOfCertificate(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		life, left        time.Duration
		valid, soon, late bool
	}{
		{100 * day, 101 * day, false, false, false},
		{100 * day, 100 * day, true, false, false},
		{100 * day, 25 * day, true, false, false},
		{100 * day, 25*day - time.Second, true, true, false},
		{100 * day, 7 * day, true, true, false},
		{100 * day, 7*day - time.Second, true, true, true},
		{398 * day, 30 * day, true, false, false},
		{398 * day, 30*day - time.Second, true, true, false},
		{20 * day, 3 * day, true, true, false},
		{20 * day, 3*day - time.Second, true, true, true},
		{20 * day, 0, true, true, true},
		{20 * day, -time.Second, false, true, true},
	} {
		leaf := &x509.Certificate{NotBefore: begin, NotAfter: begin.Add(test.life)}
		got := endOf(leaf, leaf.NotAfter.Add(-test.left))
		if got.valid != test.valid || got.soon != test.soon || got.late != test.late {
			t.Errorf("%v of %v: %+v", test.left, test.life, got)
		}
	}
}

func TestKeysOfCertificates(t *testing.T) {
	rsaOf := func(bits uint) *rsa.PublicKey {
		return &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), int(bits)-1, 1), E: 65537}
	}
	for _, test := range []struct {
		key      any
		status   Status
		severity Severity
		words    string
	}{
		{rsaOf(2047), Fail, High, "2047 bits"},
		{rsaOf(2048), Fail, Info, "2048 bits"},
		{rsaOf(3071), Fail, Info, "3071 bits"},
		{rsaOf(3072), Pass, "", "3072 bits"},
		{&ecdsa.PublicKey{Curve: elliptic.P224()}, Fail, Low, "P-224, which few accept"},
		{&ecdsa.PublicKey{Curve: elliptic.P256()}, Pass, "", "P-256"},
		{&ecdsa.PublicKey{Curve: elliptic.P521()}, Pass, "", "P-521"},
		{ed25519.PublicKey{}, Pass, "", "Ed25519"},
		{nil, Unknown, "", "not judged"},
	} {
		got := judgeKey(&x509.Certificate{PublicKey: test.key})
		if got.Status != test.status || got.Severity != test.severity || !strings.Contains(got.Message, test.words) {
			t.Errorf("%T: %+v, want %s %s", test.key, got, test.status, test.severity)
		}
	}
}
