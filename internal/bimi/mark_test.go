package bimi

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	issued  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	expires = issued.AddDate(1, 0, 0)
)

// A party is a certificate with its key.
type party struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func issue(t testing.TB, by *party, template *x509.Certificate) *party {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(7)
	template.NotBefore, template.NotAfter = issued, expires
	template.BasicConstraintsValid = true
	if by == nil {
		by = &party{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, &key.PublicKey, by.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &party{cert, key}
}

func authority(t testing.TB, by *party, name string) *party {
	return issue(t, by, &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, KeyUsage: x509.KeyUsageCertSign})
}

// logotype encodes the extension with one image, as mark authorities do.
func logotype(t testing.TB, data, hashed []byte) pkix.Extension {
	t.Helper()
	type hash struct {
		Algorithm pkix.AlgorithmIdentifier
		Value     []byte
	}
	type details struct {
		MediaType string `asn1:"ia5"`
		Hashes    []hash
		URIs      []asn1.RawValue
	}
	type image struct{ Details details }
	sum := sha256.Sum256(hashed)
	uri := "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(data)
	images, err := asn1.Marshal([]image{{details{
		"image/svg+xml",
		[]hash{{pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}}, sum[:]}},
		[]asn1.RawValue{{Tag: asn1.TagIA5String, Bytes: []byte(uri)}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	wrap := func(class, tag int, content []byte) []byte {
		der, err := asn1.Marshal(asn1.RawValue{Class: class, Tag: tag, IsCompound: true, Bytes: content})
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	direct := wrap(asn1.ClassContextSpecific, 0, images)
	subject := wrap(asn1.ClassContextSpecific, 2, direct)
	return pkix.Extension{Id: oidLogotype, Value: wrap(asn1.ClassUniversal, asn1.TagSequence, subject)}
}

func markTemplate(extensions ...pkix.Extension) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{
			CommonName: "Example",
			ExtraNames: []pkix.AttributeTypeAndValue{{Type: oidMarkType, Value: "Registered Mark"}},
		},
		DNSNames:              []string{"Example.COM"},
		UnknownExtKeyUsage:    []asn1.ObjectIdentifier{oidBIMI},
		CRLDistributionPoints: []string{"http://crl.example.net/mark.crl"},
		ExtraExtensions:       append([]pkix.Extension{{Id: oidSCT, Value: []byte{4, 0}}}, extensions...),
	}
}

func pemOf(parties ...*party) []byte {
	var out []byte
	for _, p := range parties {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw})...)
	}
	return out
}

func TestParseMark(t *testing.T) {
	root := authority(t, nil, "Mark Root")
	middle := authority(t, root, "Mark Issuing")
	svgz := compressed(t, goodSVG)
	leaf := issue(t, middle, markTemplate(logotype(t, svgz, svgz)))
	other := issue(t, middle, markTemplate(logotype(t, []byte(goodSVG), []byte(goodSVG))))
	badHash := issue(t, middle, markTemplate(logotype(t, svgz, []byte("something else"))))
	bare := issue(t, middle, &x509.Certificate{Subject: pkix.Name{CommonName: "Bare"}})
	noImage := issue(t, middle, markTemplate(pkix.Extension{Id: oidLogotype, Value: []byte{0x30, 0}}))

	for _, tt := range []struct {
		name string
		body []byte
		want []Code
	}{
		{"good", pemOf(leaf, middle), nil},
		{"with the root", pemOf(leaf, middle, root), nil},
		{"text around", append([]byte("Subject: Example\n"), pemOf(leaf, middle)...), nil},
		{"empty", nil, []Code{NotPEM}},
		{"der", leaf.cert.Raw, []Code{NotPEM}},
		{"html", []byte("<html>not found</html>"), []Code{NotPEM}},
		{"no intermediate", pemOf(leaf), []Code{NoIntermediate}},
		{"root only", pemOf(leaf, root), []Code{NoIntermediate, Disorder}},
		{"out of order", pemOf(middle, leaf), []Code{Disorder}},
		{"duplicate", pemOf(leaf, middle, middle), []Code{DuplicateCert}},
		{"two leafs", pemOf(leaf, other, middle), []Code{SeveralLeafs, Disorder}},
		{"no leaf", pemOf(middle, root), []Code{NoLeaf}},
		{"private key in it", append(pemOf(leaf, middle), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{1}})...), []Code{OtherPEM}},
		{"damaged", append(pemOf(leaf, middle), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.cert.Raw[:100]})...), []Code{BadCertificate}},
		{"bare", pemOf(bare, middle), []Code{PurposeMissing, CRLMissing, SCTMissing, LogotypeMissing}},
		{"no image", pemOf(noImage, middle), []Code{LogotypeMalformed}},
		{"wrong hash", pemOf(badHash, middle), []Code{LogotypeHash}},
		{"many", slices.Repeat(pemOf(middle), 30), nil},
	} {
		m := ParseMark(tt.body)
		var got []Code
		for _, p := range m.Problems {
			got = append(got, p.Code)
		}
		if tt.name == "many" {
			if len(m.Certs) != maxCerts || !m.Has(Limit) {
				t.Errorf("many: %d certificates, %v", len(m.Certs), got)
			}
			continue
		}
		slices.Sort(got)
		if want := slices.Sorted(slices.Values(tt.want)); !slices.Equal(got, want) {
			t.Errorf("%s: %+v, want %v", tt.name, m.Problems, tt.want)
		}
	}

	m := ParseMark(pemOf(leaf, middle))
	if m.MarkType != "Registered Mark" || !slices.Equal(m.Names, []string{"example.com"}) || len(m.CRLs) != 1 || len(m.Logos) != 1 ||
		!m.Logos[0].HashOK || m.Logos[0].MediaType != "image/svg+xml" {
		t.Errorf("%+v", m)
	}
	if !m.Covers("default", "www.example.org", "example.com.") || m.Covers("default", "example.org", "") {
		t.Error("Covers")
	}
	at := issue(t, middle, &x509.Certificate{DNSNames: []string{"brand._bimi.example.com"}})
	if m := ParseMark(pemOf(at, middle)); !m.Covers("Brand", "example.com") || m.Covers("default", "example.com") {
		t.Error("Covers a place")
	}
	if !m.SameLogo([]byte(goodSVG)) || !m.SameLogo(svgz) || m.SameLogo([]byte(goodSVG+" ")) || ParseMark(pemOf(bare)).SameLogo(nil) {
		t.Error("SameLogo")
	}

	roots := x509.NewCertPool()
	roots.AddCert(root.cert)
	if err := m.Verify(roots, issued.AddDate(0, 6, 0)); err != nil {
		t.Errorf("Verify: %v", err)
	}
	if m.Verify(roots, expires.AddDate(0, 0, 1)) == nil || m.Verify(x509.NewCertPool(), issued) == nil || m.Verify(nil, issued) == nil || new(Mark).Verify(roots, issued) == nil {
		t.Error("Verify accepts an expired, untrusted or absent certificate")
	}
}

func TestDataURI(t *testing.T) {
	for uri, want := range map[string]string{
		"data:image/svg+xml;base64,aGVsbG8=":     "hello",
		"data:image/svg+xml;base64,aGVs\r\nbG8=": "hello",
		"data:,hello%20you":                      "hello you",
	} {
		if got := string(dataURI(uri)); got != want {
			t.Errorf("%q gives %q", uri, got)
		}
	}
	for _, uri := range []string{"", "data:", "https://www.example.com/a.svg", "data:;base64,!!", "data:,%zz"} {
		if dataURI(uri) != nil {
			t.Errorf("%q accepted", uri)
		}
	}
}

func FuzzParseMark(f *testing.F) {
	leaf := issue(f, nil, markTemplate(logotype(f, []byte(goodSVG), nil)))
	f.Add(pemOf(leaf))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		m := ParseMark(body)
		if m.Leaf == nil && len(m.Problems) == 0 {
			t.Error("nothing found and nothing said")
		}
		logos(body)
	})
}

func FuzzLogos(f *testing.F) {
	f.Add(logotype(f, []byte(goodSVG), nil).Value)
	f.Add([]byte(strings.Repeat("\x30\x80", 50)))
	f.Fuzz(func(t *testing.T, der []byte) {
		if n := len(logos(der)); n > 200 {
			t.Errorf("%d logos", n)
		}
	})
}
