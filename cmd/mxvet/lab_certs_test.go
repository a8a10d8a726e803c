//go:build integration

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// A labCA issues the certificates of the lab.
type labCA struct {
	t    *testing.T
	dir  string
	file string // its own certificate
	cert *x509.Certificate
	key  *ecdsa.PrivateKey

	mu     sync.Mutex
	serial int64
	keys   map[string]*ecdsa.PrivateKey // by host
}

func newLabCA(t *testing.T, dir string) *labCA {
	ca := &labCA{t: t, dir: dir, file: filepath.Join(dir, "ca.pem"), serial: 1, keys: map[string]*ecdsa.PrivateKey{}}
	var err error
	if ca.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	ca.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"Lab"}, CommonName: "Lab CA"},
		NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca.cert, ca.cert, ca.key.Public(), ca.key)
	if err != nil {
		t.Fatal(err)
	}
	if ca.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	ca.write(ca.file, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	return ca
}

// issue writes key and certificate of a host into one file. The certificate is
// valid from 30 days before to 60 days after its middle, which lies age days in
// the past.
func (ca *labCA) issue(name string, age int) (file string) {
	ca.t.Helper()
	key := ca.hostKey(name)
	ca.mu.Lock()
	ca.serial++
	serial := ca.serial
	ca.mu.Unlock()
	middle := time.Now().AddDate(0, 0, -age)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: middle.AddDate(0, 0, -30), NotAfter: middle.AddDate(0, 0, 60),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	if err != nil {
		ca.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		ca.t.Fatal(err)
	}
	file = filepath.Join(ca.dir, fmt.Sprintf("%s.pem", name))
	ca.write(file, &pem.Block{Type: "PRIVATE KEY", Bytes: private}, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	return file
}

// hostKey gives a host's key, always the same one during a run.
func (ca *labCA) hostKey(name string) *ecdsa.PrivateKey {
	ca.t.Helper()
	ca.mu.Lock()
	defer ca.mu.Unlock()
	if ca.keys[name] == nil {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			ca.t.Fatal(err)
		}
		ca.keys[name] = key
	}
	return ca.keys[name]
}

// spki gives the SHA-256 of a host's public key, as TLSA 3 1 1 wants it.
func (ca *labCA) spki(name string) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(ca.hostKey(name).Public())
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:]), err
}

func (ca *labCA) write(file string, blocks ...*pem.Block) {
	ca.t.Helper()
	var text []byte
	for _, b := range blocks {
		text = append(text, pem.EncodeToMemory(b)...)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		ca.t.Fatal(err)
	}
}
