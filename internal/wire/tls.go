package wire

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

const (
	maxChain    = 16   // certificates kept of what a server sends
	maxVerdicts = 4096 // chains whose verdict is remembered
)

// handshake makes TLS of conn. It accepts any certificate and every version and
// cipher suite that crypto/tls can speak, because the audit wants to see what
// is there; what the certificate is worth is judged afterwards. No name is sent
// when name is empty. The deadline is the caller's. TLS is never nil: on an
// error it holds the error and whatever was seen before it, the chain included
// if it came. TLS.Error alone therefore does not mean that the server is at
// fault: when time ran out, the Fail of the answer says so.
func handshake(ctx context.Context, conn net.Conn, name string, protocols ...string) (*tls.Conn, *TLS, error) {
	seen := &TLS{}
	c := tls.Client(conn, &tls.Config{
		ServerName:         name,
		NextProtos:         protocols,
		InsecureSkipVerify: true, // so that chain, name and time become separate findings
		MinVersion:         tls.VersionTLS10,
		CipherSuites:       allSuites(),
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			for _, der := range raw[:min(len(raw), maxChain)] {
				seen.Chain = append(seen.Chain, bytes.Clone(der))
			}
			return nil
		},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			seen.WantsClientCert = true
			return &tls.Certificate{}, nil // none, which most servers accept
		},
	})
	err := c.HandshakeContext(ctx)
	s := c.ConnectionState()
	if s.Version != 0 {
		seen.Version = tls.VersionName(s.Version)
	}
	if s.CipherSuite != 0 {
		seen.Cipher = tls.CipherSuiteName(s.CipherSuite)
	}
	if s.CurveID != 0 {
		seen.Group = s.CurveID.String()
	}
	if err != nil {
		seen.Error = strings.ToValidUTF8(err.Error(), "?")
		return nil, seen, err
	}
	return c, seen, nil
}

// allSuites lists the good cipher suites before the bad ones. crypto/tls has an
// order of its own for the offer, so bad ones are chosen only by servers that
// insist.
func allSuites() []uint16 {
	var ids []uint16
	for _, s := range tls.CipherSuites() {
		ids = append(ids, s.ID)
	}
	for _, s := range tls.InsecureCipherSuites() {
		ids = append(ids, s.ID)
	}
	return ids
}

// isAlert reports an alert of TLS itself, sent by either side. In TLS 1.3 a
// server can still refuse after the client's handshake is complete.
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error")
}

// Leaf gives the server's own certificate, or nil where none came or it cannot
// be parsed.
func (t *TLS) Leaf() *x509.Certificate {
	if t == nil || len(t.Chain) == 0 {
		return nil
	}
	c, err := x509.ParseCertificate(t.Chain[0])
	if err != nil {
		return nil
	}
	return c
}

// Certs gives the certificates that can be parsed, in the order in which they
// were sent. The first is the leaf only if that could be parsed: see Leaf.
func (t *TLS) Certs() []*x509.Certificate {
	if t == nil {
		return nil
	}
	return parseChain(t.Chain)
}

func parseChain(chain [][]byte) []*x509.Certificate {
	var out []*x509.Certificate
	for _, der := range chain {
		if c, err := x509.ParseCertificate(der); err == nil {
			out = append(out, c)
		}
	}
	return out
}

// Trusted reports whether the chain leads to a root of this machine, of
// --ca-file or of Mozilla. Name and validity period of the leaf are not looked
// at.
func (t *TLS) Trusted() bool { return t != nil && (t.System == Trusted || t.Mozilla == Trusted) }

// Verifies gives nil when a client that insists on a valid certificate for host
// would accept this one at that time, as MTA-STS (RFC 8461 sections 3.3 and
// 4.1) demands; else every reason why it would not.
func (t *TLS) Verifies(host string, at time.Time) error {
	leaf := t.Leaf()
	switch {
	case t == nil:
		return errors.New("no TLS")
	case t.Error != "":
		return errors.New("the handshake failed: " + t.Error)
	case leaf == nil:
		return errors.New("no readable certificate")
	}
	var why []string
	if !t.Trusted() {
		verdict := t.Mozilla
		if verdict == TrustNotApplicable {
			verdict = t.System
		}
		why = append(why, "chain: "+verdict)
	}
	if !LeafNameOK(leaf, host) {
		why = append(why, fmt.Sprintf("name: %q is not among %q", host, leaf.DNSNames[:min(len(leaf.DNSNames), 8)]))
	}
	if at.Before(leaf.NotBefore) {
		why = append(why, "time: not valid before "+leaf.NotBefore.UTC().Format(time.RFC3339))
	}
	if at.After(leaf.NotAfter) {
		why = append(why, "time: expired on "+leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	if why == nil {
		return nil
	}
	return errors.New(strings.Join(why, "; "))
}

// LeafNameOK reports whether a DNS name in the certificate's subject
// alternative names covers host, by the rules that RFC 8461 section 4.1 takes
// from RFC 6125: a wildcard is the whole leftmost label and stands for exactly
// one, and the common name is not looked at. Names are in A-label form.
func LeafNameOK(cert *x509.Certificate, host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "" {
		return false
	}
	label, parent, _ := strings.Cut(host, ".")
	for _, name := range cert.DNSNames {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		if name == host {
			return !strings.Contains(host, "*")
		}
		if rest, wild := strings.CutPrefix(name, "*."); wild && label != "" && rest != "" && rest == parent {
			return true
		}
	}
	return false
}

// A trust judges certificate chains by two sets of roots, each with those of
// --ca-file added. It remembers its verdicts: hosts of one platform send the
// same chain, and a run meets it again and again.
type trust struct {
	extra   *x509.CertPool
	system  func() *x509.CertPool // nil pool: this machine has no roots
	mozilla func() *x509.CertPool

	mu    sync.Mutex
	known map[trustKey][2]string
}

type trustKey struct {
	chain [sha256.Size]byte
	hour  int64 // verdicts age: an intermediate may expire while a long run lasts
}

func newTrust(extra *x509.CertPool) *trust {
	return &trust{
		extra: extra,
		known: map[trustKey][2]string{},
		system: sync.OnceValue(func() *x509.CertPool {
			pool, err := x509.SystemCertPool()
			if err != nil || pool.Equal(x509.NewCertPool()) {
				return nil
			}
			return pool
		}),
		mozilla: sync.OnceValue(func() *x509.CertPool {
			pool := x509.NewCertPool()
			for root := range bundle.Roots() {
				c, err := x509.ParseCertificate(root.Certificate)
				switch {
				case err != nil: // a root that this Go cannot read vouches for nobody
				case root.Constraint != nil:
					pool.AddCertWithConstraint(c, root.Constraint)
				default:
					pool.AddCert(c)
				}
			}
			return pool
		}),
	}
}

// judge fills in the verdicts about t's chain.
func (v *trust) judge(t *TLS, now time.Time) {
	leaf := t.Leaf()
	if leaf == nil {
		return
	}
	key := trustKey{chainHash(t.Chain), now.Unix() / 3600}
	v.mu.Lock()
	both, found := v.known[key]
	v.mu.Unlock()
	if !found {
		rest := parseChain(t.Chain[1:])
		both = [2]string{v.verdict(leaf, rest, v.system(), now), v.verdict(leaf, rest, v.mozilla(), now)}
		v.mu.Lock()
		if len(v.known) >= maxVerdicts {
			clear(v.known)
		}
		v.known[key] = both
		v.mu.Unlock()
	}
	t.System, t.Mozilla = both[0], both[1]
}

// chainHash separates the certificates by their lengths, so that no two chains
// share a key.
func chainHash(chain [][]byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, der := range chain {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(der)))
		h.Write(n[:])
		h.Write(der)
	}
	h.Sum(sum[:0])
	return sum
}

// verdict asks roots, then the extra ones: pools cannot be joined. A pool that
// knows the authority knows better than one that does not.
func (v *trust) verdict(leaf *x509.Certificate, rest []*x509.Certificate, roots *x509.CertPool, now time.Time) string {
	out := TrustNotApplicable
	for _, pool := range []*x509.CertPool{roots, v.extra} {
		if pool == nil {
			continue
		}
		verdict := chainVerdict(leaf, rest, pool, now)
		if out == TrustNotApplicable || verdict == Trusted || verdict == TrustInvalid && out != Trusted {
			out = verdict
		}
	}
	return out
}

// chainVerdict judges whether the chain leads to a root. The leaf's own
// validity period is left to the rules: where now lies outside it, the chain is
// judged at its nearer end, so that expiry does not hide whether the authority is
// known. A root may be younger than that end, so then the chain above the leaf
// counts as it is now too.
func chainVerdict(leaf *x509.Certificate, rest []*x509.Certificate, roots *x509.CertPool, now time.Time) string {
	then := now
	if now.After(leaf.NotAfter) {
		then = leaf.NotAfter
	}
	if now.Before(leaf.NotBefore) {
		then = leaf.NotBefore
	}
	verdict := verdictAt(leaf, rest, roots, then)
	if verdict != Trusted && !then.Equal(now) {
		timeless := *leaf
		timeless.NotBefore, timeless.NotAfter = now, now
		if verdictAt(&timeless, rest, roots, now) == Trusted {
			return Trusted
		}
	}
	return verdict
}

func verdictAt(leaf *x509.Certificate, rest []*x509.Certificate, roots *x509.CertPool, at time.Time) string {
	sent := x509.NewCertPool()
	for _, c := range rest {
		sent.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots:         roots,
		Intermediates: sent,
		CurrentTime:   at,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	var unknown x509.UnknownAuthorityError
	switch {
	case err == nil:
		return Trusted
	case !errors.As(err, &unknown):
		return TrustInvalid
	case bytes.Equal(leaf.RawIssuer, leaf.RawSubject):
		return TrustSelfSigned
	case incomplete(leaf, rest):
		return TrustIncomplete
	}
	return TrustUnknownRoot
}

// incomplete tells a forgotten intermediate from an authority that nobody here
// knows. Servers rightly leave out the root, so the end of a chain proves
// nothing. But where nothing that was sent issued the leaf, and the leaf says
// where its issuer can be fetched (RFC 5280 section 4.2.2.1), as public
// authorities always do and home-made ones hardly ever, then the issuer belongs
// in between and is missing.
func incomplete(leaf *x509.Certificate, rest []*x509.Certificate) bool {
	return !issuedBy(leaf, rest) && len(leaf.IssuingCertificateURL) > 0
}

func issuedBy(leaf *x509.Certificate, rest []*x509.Certificate) bool {
	return slices.ContainsFunc(rest, func(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, leaf.RawIssuer) })
}

// IssuerSent reports that a certificate with the name of the leaf's issuer is
// among those that the server sent.
func (t *TLS) IssuerSent() bool {
	leaf := t.Leaf()
	return leaf != nil && issuedBy(leaf, parseChain(t.Chain[1:]))
}
