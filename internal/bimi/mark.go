package bimi

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Problems of evidence documents and the mark certificate in them.
const (
	NotPEM            Code = "not-pem"            // no certificate in PEM
	OtherPEM          Code = "other-pem-block"    // a PEM block that is no certificate
	BadCertificate    Code = "bad-certificate"    // a block that does not parse
	SeveralLeafs      Code = "several-leafs"      // more than one certificate that is not of an authority
	NoLeaf            Code = "no-leaf"            // none
	DuplicateCert     Code = "duplicate-cert"     // one certificate twice
	Disorder          Code = "disorder"           // a certificate is not issued by the next one
	NoIntermediate    Code = "no-intermediate"    // the leaf's issuer is not in the file
	PurposeMissing    Code = "purpose-missing"    // key purpose 1.3.6.1.5.5.7.3.31 is absent
	CRLMissing        Code = "crl-missing"        // no CRL distribution point
	SCTMissing        Code = "sct-missing"        // no embedded certificate timestamps
	LogotypeMissing   Code = "logotype-missing"   // no logotype extension
	LogotypeMalformed Code = "logotype-malformed" // it holds no image that could be read
	LogotypeHash      Code = "logotype-hash"      // the image does not have the hash beside it
)

const (
	maxEvidence = 256 * 1024
	maxCerts    = 20
)

var (
	oidBIMI     = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 31}       // id-kp-BrandIndicatorforMessageIdentification
	oidLogotype = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 12}       // RFC 3709 section 4.1
	oidSCT      = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2} // RFC 6962 section 3.3
	oidMarkType = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 53087, 1, 13}   // subject attribute of mark certificates
)

// A Logo is one image of the logotype extension.
type Logo struct {
	MediaType string
	URI       string // shortened when it holds the data itself
	Data      []byte // what a data: URI holds, compressed or not; nil otherwise
	HashOK    bool   // Data has one of the hashes beside it
}

// A Mark is an evidence document: the certificates as they stand in the file,
// and the facts about the mark certificate among them.
type Mark struct {
	Certs []*x509.Certificate // in the order of the file
	Leaf  *x509.Certificate   // nil when there is none

	MarkType    string   // as the subject states it: "Registered Mark", ...; "" when absent
	Names       []string // DNS names of the leaf, lower case
	CRLs        []string // addresses of revocation lists; not fetched
	HasPurpose  bool
	HasSCT      bool
	HasLogotype bool
	Logos       []Logo
	Problems    []Problem // Pos is the number of the certificate in the file
}

// Has reports a problem with that code.
func (m *Mark) Has(code Code) bool {
	return slices.ContainsFunc(m.Problems, func(p Problem) bool { return p.Code == code })
}

func (m *Mark) problem(code Code, pos int, text string) {
	if room(m.Problems, code) {
		m.Problems = append(m.Problems, Problem{code, "", pos, text})
	}
}

// ParseMark reads an evidence document. At most 20 certificates in the first 256
// KiB are read.
func ParseMark(body []byte) *Mark {
	m := new(Mark)
	if len(body) > maxEvidence {
		m.problem(Limit, 0, fmt.Sprintf("only the first %d octets are examined", maxEvidence))
		body = body[:maxEvidence]
	}
	for rest := body; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if len(m.Certs) == maxCerts {
			m.problem(Limit, len(m.Certs), fmt.Sprintf("only the first %d certificates are examined", maxCerts))
			break
		}
		if block.Type != "CERTIFICATE" {
			m.problem(OtherPEM, len(m.Certs), fmt.Sprintf("a PEM block of type %q", short(block.Type)))
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			m.problem(BadCertificate, len(m.Certs), "a certificate does not parse: "+err.Error())
			continue
		}
		m.Certs = append(m.Certs, c)
	}
	if len(m.Certs) == 0 {
		m.problem(NotPEM, 0, "no certificate in PEM was found")
		return m
	}
	m.chain()
	if m.Leaf != nil {
		m.leafFacts()
	}
	return m
}

// chain judges number and order of the certificates: the leaf first, each issued
// by the next.
func (m *Mark) chain() {
	leafs := 0
	var chain []*x509.Certificate
	for i, c := range m.Certs {
		if slices.ContainsFunc(m.Certs[:i], c.Equal) {
			m.problem(DuplicateCert, i, "certificate "+short(c.Subject.String())+" comes twice")
			continue
		}
		chain = append(chain, c)
		if c.IsCA {
			continue
		}
		if leafs++; leafs == 1 {
			m.Leaf = c
		}
	}
	switch {
	case leafs == 0:
		m.problem(NoLeaf, 0, "all certificates are of authorities")
	case leafs > 1:
		m.problem(SeveralLeafs, 0, fmt.Sprintf("%d certificates are not of an authority", leafs))
	}
	for i := 1; i < len(chain); i++ {
		if err := chain[i-1].CheckSignatureFrom(chain[i]); err != nil {
			m.problem(Disorder, i, fmt.Sprintf("certificate %d is not issued by the one after it", i))
			break
		}
	}
	if m.Leaf != nil && !slices.ContainsFunc(m.Certs, func(c *x509.Certificate) bool { return c != m.Leaf && m.Leaf.CheckSignatureFrom(c) == nil }) {
		m.problem(NoIntermediate, 0, "the issuer of the mark certificate is not in the file")
	}
}

func (m *Mark) leafFacts() {
	c := m.Leaf
	for _, n := range c.DNSNames {
		m.Names = append(m.Names, strings.ToLower(strings.TrimSuffix(n, ".")))
	}
	for _, name := range c.Subject.Names {
		if s, ok := name.Value.(string); ok && name.Type.Equal(oidMarkType) {
			m.MarkType = s
		}
	}
	m.CRLs = c.CRLDistributionPoints
	m.HasPurpose = slices.ContainsFunc(c.UnknownExtKeyUsage, oidBIMI.Equal)
	for _, ext := range c.Extensions {
		switch {
		case ext.Id.Equal(oidSCT):
			m.HasSCT = true
		case ext.Id.Equal(oidLogotype):
			m.HasLogotype = true
			m.Logos = logos(ext.Value)
		}
	}
	if !m.HasPurpose {
		m.problem(PurposeMissing, 0, "the key purpose for brand indicators (1.3.6.1.5.5.7.3.31) is absent")
	}
	if len(m.CRLs) == 0 {
		m.problem(CRLMissing, 0, "there is no CRL distribution point")
	}
	if !m.HasSCT {
		m.problem(SCTMissing, 0, "there are no embedded certificate timestamps")
	}
	switch {
	case !m.HasLogotype:
		m.problem(LogotypeMissing, 0, "there is no logotype extension")
	case !slices.ContainsFunc(m.Logos, func(l Logo) bool { return l.Data != nil }):
		m.problem(LogotypeMalformed, 0, "the logotype extension embeds no image that can be read")
	}
	for _, l := range m.Logos {
		if l.Data != nil && !l.HashOK {
			m.problem(LogotypeHash, 0, "the embedded image has none of the hashes given for it")
		}
	}
}

// Covers reports whether the certificate names one of the domains, or the place
// of the record in one of them.
func (m *Mark) Covers(selector string, domains ...string) bool {
	for _, d := range domains {
		d = strings.ToLower(strings.TrimSuffix(d, "."))
		if d != "" && (slices.Contains(m.Names, d) || slices.Contains(m.Names, strings.ToLower(selector)+"._bimi."+d)) {
			return true
		}
	}
	return false
}

// SameLogo reports whether one of the embedded images equals the logo file, both
// without compression.
func (m *Mark) SameLogo(file []byte) bool {
	want, _, err := decompress(file)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(m.Logos, func(l Logo) bool {
		got, _, err := decompress(l.Data)
		return err == nil && l.Data != nil && bytes.Equal(got, want)
	})
}

// Verify builds a chain from the mark certificate to one of the roots at a
// time, with the other certificates of the file as intermediates. The roots of
// mark authorities are not those of the web.
func (m *Mark) Verify(roots *x509.CertPool, at time.Time) error {
	if m.Leaf == nil {
		return errors.New("bimi: no mark certificate in the evidence document")
	}
	if roots == nil {
		return errors.New("bimi: no roots of mark authorities are known")
	}
	intermediates := x509.NewCertPool()
	for _, c := range m.Certs {
		if c.IsCA {
			intermediates.AddCert(c)
		}
	}
	_, err := m.Leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: intermediates, CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	return err
}

// logos reads the images of the subject out of a logotype extension (RFC 3709
// section 4.1). The structure has many optional layers: every LogotypeDetails
// below the subject's logo is taken, whatever lies between.
func logos(der []byte) []Logo {
	var ext asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &ext); err != nil || len(rest) > 0 || ext.Tag != asn1.TagSequence {
		return nil
	}
	var out []Logo
	for _, part := range children(ext) {
		if part.Class == asn1.ClassContextSpecific && part.Tag == 2 {
			collect(part, 0, &out)
		}
	}
	return out
}

func children(v asn1.RawValue) []asn1.RawValue {
	var out []asn1.RawValue
	for rest := v.Bytes; v.IsCompound && len(rest) > 0 && len(out) < 100; {
		var c asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &c); err != nil {
			return out
		}
		out = append(out, c)
	}
	return out
}

func collect(v asn1.RawValue, depth int, out *[]Logo) {
	if depth > 8 || len(*out) >= 20 {
		return
	}
	parts := children(v)
	// LogotypeDetails: media type, hashes, URIs.
	if len(parts) == 3 && parts[0].Class == asn1.ClassUniversal && parts[0].Tag == asn1.TagIA5String &&
		parts[1].Tag == asn1.TagSequence && parts[2].Tag == asn1.TagSequence {
		for _, u := range children(parts[2]) {
			l := Logo{MediaType: short(string(parts[0].Bytes)), URI: short(string(u.Bytes))}
			l.Data = dataURI(string(u.Bytes))
			l.HashOK = l.Data != nil && hashed(l.Data, parts[1])
			*out = append(*out, l)
		}
		return
	}
	for _, p := range parts {
		collect(p, depth+1, out)
	}
}

// dataURI gives what a data: URI (RFC 2397) holds, nil for other URIs.
func dataURI(s string) []byte {
	rest, ok := strings.CutPrefix(s, "data:")
	head, body, comma := strings.Cut(rest, ",")
	if !ok || !comma {
		return nil
	}
	if strings.HasSuffix(strings.ToLower(head), ";base64") {
		body = strings.TrimRight(strings.NewReplacer("\r", "", "\n", "", " ", "", "%2B", "+", "%2F", "/", "%3D", "=").Replace(body), "=")
		raw, err := base64.RawStdEncoding.DecodeString(body)
		if err != nil {
			return nil
		}
		return raw
	}
	plain, err := url.PathUnescape(body)
	if err != nil {
		return nil
	}
	return []byte(plain)
}

// hashed reports whether the data, as embedded or without compression, has one
// of the hashes.
func hashed(data []byte, hashes asn1.RawValue) bool {
	forms := [][]byte{data}
	if plain, compressed, err := decompress(data); err == nil && compressed {
		forms = append(forms, plain)
	}
	for _, pair := range children(hashes) {
		p := children(pair)
		if len(p) != 2 || p[1].Tag != asn1.TagOctetString {
			continue
		}
		for _, form := range forms {
			if bytes.Equal(sum(len(p[1].Bytes), form), p[1].Bytes) {
				return true
			}
		}
	}
	return false
}

// sum hashes by the length of the value wanted, which tells the usual functions
// apart.
func sum(length int, data []byte) []byte {
	switch length {
	case sha1.Size:
		s := sha1.Sum(data)
		return s[:]
	case sha256.Size:
		s := sha256.Sum256(data)
		return s[:]
	case sha512.Size384:
		s := sha512.Sum384(data)
		return s[:]
	case sha512.Size:
		s := sha512.Sum512(data)
		return s[:]
	}
	return []byte{}
}
