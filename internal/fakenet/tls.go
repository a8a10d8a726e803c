package fakenet

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"embed"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"
)

// certSpec says which certificate a service shows and how it speaks TLS. The
// zero value is a good one.
type certSpec struct {
	Names     list   `yaml:"names"`      // host names and addresses; default: the host's name, and hosts of its pages
	CN        string `yaml:"cn"`         // default: the first name
	CNOnly    bool   `yaml:"cn-only"`    // no subject alternative names
	Issuer    string `yaml:"issuer"`     // public (default), private, self
	Chain     string `yaml:"chain"`      // full (default), leaf, root, disorder, stranger
	NotBefore string `yaml:"not-before"` // default -10d
	NotAfter  string `yaml:"not-after"`  // default +80d
	Key       string `yaml:"key"`        // p256 (default), p384, ed25519, rsa1024, rsa2048, rsa4096
	KeyName   string `yaml:"key-name"`   // services that give the same one share their key
	Sig       string `yaml:"sig"`        // "sha1"
	Usage     string `yaml:"usage"`      // extended key usage: server (default), client, none
	File      string `yaml:"file"`       // section keys/FILE, PEM: a key, and certificates if they shall not be made

	Min        string               `yaml:"min"` // "1.0" to "1.3", default "1.2"
	Max        string               `yaml:"max"`
	Ciphers    list                 `yaml:"ciphers"`            // names as in crypto/tls; for TLS 1.2 and older
	Groups     list                 `yaml:"groups"`             // X25519MLKEM768 X25519 P256 P384 P521
	SNI        map[string]*certSpec `yaml:"sni"`                // other certificates by server name
	NoSNI      string               `yaml:"no-sni"`             // "abort": without a server name the handshake fails
	ClientCert bool                 `yaml:"client-cert"`        // asks the client for one
	ClientMust bool                 `yaml:"client-cert-needed"` // and refuses who has none
	Fault      string               `yaml:"fault"`              // abort, close, hang, garbage, reset
}

var tlsVersions = map[string]uint16{"": 0, "1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

var tlsGroups = map[string]tls.CurveID{
	"X25519MLKEM768": tls.X25519MLKEM768, "X25519": tls.X25519,
	"P256": tls.CurveP256, "P384": tls.CurveP384, "P521": tls.CurveP521,
}

func cipherID(name string) (uint16, bool) {
	for _, c := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if c.Name == name {
			return c.ID, true
		}
	}
	return 0, false
}

func oneOf(what, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("unknown %s %q", what, value)
}

func (c *certSpec) check(w *World) error {
	errs := []error{
		oneOf("issuer", c.Issuer, "", "public", "private", "self"),
		oneOf("chain", c.Chain, "", "full", "leaf", "root", "disorder", "stranger"),
		oneOf("key", c.Key, "", "p256", "p384", "ed25519", "rsa1024", "rsa2048", "rsa4096"),
		oneOf("sig", c.Sig, "", "sha1"),
		oneOf("usage", c.Usage, "", "server", "client", "none"),
		oneOf("no-sni", c.NoSNI, "", "abort"),
		oneOf("fault", c.Fault, "", "abort", "close", "hang", "garbage", "reset"),
	}
	for _, t := range []string{c.NotBefore, c.NotAfter} {
		if t != "" {
			_, err := parseWhen(t, w.Now)
			errs = append(errs, err)
		}
	}
	for _, v := range []string{c.Min, c.Max} {
		if _, ok := tlsVersions[v]; !ok {
			errs = append(errs, fmt.Errorf("unknown TLS version %q", v))
		}
	}
	for _, name := range c.Ciphers {
		if _, ok := cipherID(name); !ok {
			errs = append(errs, fmt.Errorf("unknown cipher suite %q", name))
		}
	}
	for _, g := range c.Groups {
		if _, ok := tlsGroups[g]; !ok {
			errs = append(errs, fmt.Errorf("unknown group %q", g))
		}
	}
	if c.File != "" {
		if _, _, err := readPEM(w.files["keys/"+c.File]); err != nil {
			errs = append(errs, fmt.Errorf("section keys/%s: %w", c.File, err))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.SNI)) {
		if c.SNI[name] == nil {
			c.SNI[name] = &certSpec{Names: list{name}}
		}
		if err := c.SNI[name].check(w); err != nil {
			errs = append(errs, fmt.Errorf("sni %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// Keys of RSA take long to make and cannot be derived from a seed, so there is
// one of each size. They protect nothing.
//
//go:embed keys/*.pem
var rsaKeys embed.FS

// deriveKey makes a key from a text: the same one each time, so that the
// certificates of a world, and so its tapes and reports, do not change from run
// to run.
func deriveKey(kind, seed string) (crypto.Signer, error) {
	switch kind {
	case "ed25519":
		h := sha256.Sum256([]byte(seed))
		return ed25519.NewKeyFromSeed(h[:]), nil
	case "p384":
		return deriveECDSA(elliptic.P384(), 48, seed)
	case "", "p256":
		return deriveECDSA(elliptic.P256(), 32, seed)
	}
	text, err := rsaKeys.ReadFile("keys/" + kind + ".pem")
	if err != nil {
		return nil, err
	}
	key, _, err := readPEM(text)
	return key, err
}

func deriveECDSA(curve elliptic.Curve, size int, seed string) (crypto.Signer, error) {
	for i := range 100 { // a hash that is no scalar of the curve is as good as impossible
		h := sha512.Sum512(fmt.Appendf(nil, "%d %s", i, seed))
		if key, err := ecdsa.ParseRawPrivateKey(curve, h[:size]); err == nil {
			return key, nil
		}
	}
	return nil, errors.New("no key from " + seed)
}

// readPEM reads one private key and any number of certificates.
func readPEM(text []byte) (key crypto.Signer, chain [][]byte, err error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		var k any
		switch block.Type {
		case "CERTIFICATE":
			chain = append(chain, block.Bytes)
			continue
		case "EC PRIVATE KEY":
			k, err = x509.ParseECPrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			k, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "PRIVATE KEY":
			k, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		default:
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		key, _ = k.(crypto.Signer)
	}
	if key == nil {
		return nil, nil, errors.New("holds no private key in PEM form")
	}
	return key, chain, nil
}

// A certKey names a certificate that has been made.
type certKey struct {
	spec  *certSpec
	names string
}

// certificate gives the certificate of a spec; it is made at first use.
func (n *Net) certificate(c *certSpec, host string, names []string) (*tls.Certificate, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	k := certKey{c, host + " " + strings.Join(names, " ")}
	if cert := n.certs[k]; cert != nil {
		return cert, nil
	}
	cert, err := n.ca.issue(n.world, c, host, names)
	if err == nil {
		n.certs[k] = cert
	}
	return cert, err
}

var errHandshake = errors.New("fakenet: the handshake fails by order")

// upgrade does the server's side of a handshake. sni hears the server name that
// the client asked for.
func (n *Net) upgrade(c net.Conn, spec *certSpec, host string, names []string, sni func(string)) (*tls.Conn, error) {
	switch spec.Fault {
	case "close":
		return nil, errHandshake
	case "reset":
		abort(c)
		return nil, errHandshake
	case "hang":
		<-n.done
		return nil, errHandshake
	case "garbage":
		c.Write([]byte("500 5.5.1 what was that?\r\n"))
		return nil, errHandshake
	}
	cfg := &tls.Config{
		Time:                   func() time.Time { return n.world.Now },
		MinVersion:             cmp.Or(tlsVersions[spec.Min], tls.VersionTLS12),
		MaxVersion:             tlsVersions[spec.Max],
		SessionTicketsDisabled: true,
		NextProtos:             []string{"http/1.1"},
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			sni(strings.ToLower(hello.ServerName))
			if spec.Fault == "abort" || spec.NoSNI == "abort" && hello.ServerName == "" {
				return nil, errHandshake
			}
			return nil, nil
		},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if other := spec.SNI[strings.ToLower(hello.ServerName)]; other != nil {
				return n.certificate(other, host, []string{hello.ServerName})
			}
			return n.certificate(spec, host, names)
		},
	}
	switch {
	case spec.ClientMust:
		cfg.ClientAuth = tls.RequireAnyClientCert
	case spec.ClientCert:
		cfg.ClientAuth = tls.RequestClientCert
	}
	for _, name := range spec.Ciphers {
		id, _ := cipherID(name)
		cfg.CipherSuites = append(cfg.CipherSuites, id)
	}
	for _, g := range spec.Groups {
		cfg.CurvePreferences = append(cfg.CurvePreferences, tlsGroups[g])
	}
	t := tls.Server(c, cfg)
	return t, t.Handshake()
}
