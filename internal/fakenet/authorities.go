package fakenet

import (
	"cmp"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// An issuer signs certificates.
type issuer struct {
	key  crypto.Signer
	cert *x509.Certificate
}

// authorities are the public CA of a world (a root that is trusted, and the
// intermediate that signs), and a private one that nobody trusts.
type authorities struct {
	root, intermediate, private issuer
	pool                        *x509.CertPool
}

func newAuthorities() (*authorities, error) {
	var a authorities
	var err error
	if a.root, err = newIssuer("Fakenet Public Root", nil); err != nil {
		return nil, err
	}
	if a.intermediate, err = newIssuer("Fakenet Public CA 1", &a.root); err != nil {
		return nil, err
	}
	if a.private, err = newIssuer("Example Internal CA", nil); err != nil {
		return nil, err
	}
	a.pool = x509.NewCertPool()
	a.pool.AddCert(a.root.cert)
	return &a, nil
}

func newIssuer(name string, by *issuer) (issuer, error) {
	key, err := deriveKey("p256", "issuer "+name)
	if err != nil {
		return issuer{}, err
	}
	t := &x509.Certificate{
		SerialNumber:          serial(name),
		Subject:               pkix.Name{CommonName: name, Organization: []string{"Fakenet"}},
		NotBefore:             time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	up, signer := t, key
	if by != nil {
		up, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(nil, t, up, key.Public(), signer)
	if err != nil {
		return issuer{}, fmt.Errorf("certificate of %s: %w", name, err)
	}
	cert, err := x509.ParseCertificate(der)
	return issuer{key, cert}, err
}

func serial(seed string) *big.Int {
	h := sha256.Sum256([]byte("serial " + seed))
	h[0] &= 0x7f
	return new(big.Int).SetBytes(h[:16])
}

// issue makes the certificate that the spec wants for a host.
func (a *authorities) issue(w *World, c *certSpec, host string, names []string) (*tls.Certificate, error) {
	var key crypto.Signer
	var err error
	if c.File != "" {
		var chain [][]byte
		if key, chain, err = readPEM(w.files["keys/"+c.File]); err != nil || len(chain) > 0 {
			return &tls.Certificate{Certificate: chain, PrivateKey: key}, err
		}
	} else if key, err = deriveKey(c.Key, "host "+cmp.Or(c.KeyName, strings.ToLower(host)+" "+strings.Join(c.Names, " "))); err != nil {
		return nil, err
	}
	if len(c.Names) > 0 {
		names = c.Names
	}
	t := &x509.Certificate{
		Subject:               pkix.Name{CommonName: cmp.Or(c.CN, slices.Concat(names, []string{host})[0])},
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
	}
	if t.NotBefore, err = parseWhen(cmp.Or(c.NotBefore, "-10d"), w.Now); err != nil {
		return nil, err
	}
	if t.NotAfter, err = parseWhen(cmp.Or(c.NotAfter, "+80d"), w.Now); err != nil {
		return nil, err
	}
	t.SerialNumber = serial(fmt.Sprint(host, names, c.CN, c.Issuer, c.Key, c.KeyName, t.NotBefore, t.NotAfter))
	switch c.Usage {
	case "", "server":
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	case "client":
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	if !c.CNOnly {
		for _, n := range names {
			if ip, err := netip.ParseAddr(n); err == nil {
				t.IPAddresses = append(t.IPAddresses, net.IP(ip.AsSlice()))
			} else {
				t.DNSNames = append(t.DNSNames, n)
			}
		}
	}
	by := a.intermediate
	switch c.Issuer {
	case "", "public": // where the issuer can be fetched, as public authorities say
		t.IssuingCertificateURL = []string{"http://ca.registry.test/ca1.cer"}
	case "private":
		by = a.private
	case "self":
		by = issuer{key, t}
	}
	if c.Sig == "sha1" {
		t.SignatureAlgorithm = x509.ECDSAWithSHA1
		if _, ok := by.key.(*rsa.PrivateKey); ok {
			t.SignatureAlgorithm = x509.SHA1WithRSA
		}
	}
	leaf, err := x509.CreateCertificate(nil, t, by.cert, key.Public(), by.key)
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", host, err)
	}
	return &tls.Certificate{Certificate: append([][]byte{leaf}, a.above(c)...), PrivateKey: key}, nil
}

// above gives what is sent after the leaf.
func (a *authorities) above(c *certSpec) [][]byte {
	if c.Issuer == "self" || c.Chain == "leaf" {
		return nil
	}
	if c.Issuer == "private" {
		if c.Chain == "root" {
			return [][]byte{a.private.cert.Raw}
		}
		return nil
	}
	switch c.Chain {
	case "root":
		return [][]byte{a.intermediate.cert.Raw, a.root.cert.Raw}
	case "disorder":
		return [][]byte{a.root.cert.Raw, a.intermediate.cert.Raw}
	case "stranger":
		return [][]byte{a.private.cert.Raw}
	}
	return [][]byte{a.intermediate.cert.Raw}
}
