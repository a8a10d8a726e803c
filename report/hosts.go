package report

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"mxvet/internal/gather"
	"mxvet/internal/smtp"
	"mxvet/internal/wire"
)

// maxNames bounds the names of a certificate that a report lists.
const maxNames = 20

// Hosts gives the mail hosts of one domain with what their addresses showed.
func Hosts(e *gather.Evidence) []Host {
	out := []Host{}
	for _, h := range e.MX.Hosts {
		host := Host{Name: h.Name}
		if h.Provider != nil {
			host.Provider = h.Provider.Name
		}
		for _, a := range h.Addrs {
			host.Addresses = append(host.Addresses, hostAddress(a))
		}
		out = append(out, host)
	}
	return mergeHosts(out)
}

// Recipients counts the recipients that were named to the mail hosts.
func Recipients(e *gather.Evidence) int {
	n := 0
	for _, h := range e.MX.Hosts {
		for _, a := range h.Addrs {
			for _, x := range a.Session.Exchanges {
				if x.Stage == smtp.StageRcpt {
					n++
				}
			}
		}
	}
	return n
}

func hostAddress(a gather.Address) HostAddress {
	out := HostAddress{IP: a.IP.String(), Talked: dialled(a), Millis: a.Session.Millis, Keywords: []string{}}
	if !out.Talked {
		return out
	}
	out.Fail = bound(a.Session.Fail.String(), maxMessage)
	for _, x := range a.Session.Exchanges {
		if x.Reply == nil {
			continue
		}
		switch x.Stage {
		case smtp.StageBanner:
			out.Reached = true
			out.Banner = bound(fmt.Sprint(x.Reply.Code, " ", x.Reply.Text()), maxBanner)
		case smtp.StageEHLO:
			out.STARTTLS = slices.ContainsFunc(x.Reply.Lines, func(l string) bool {
				word, _, _ := strings.Cut(strings.TrimSpace(l), " ")
				return strings.EqualFold(word, "STARTTLS")
			})
		}
	}
	out.Refused = bound(refusal(a.Session), maxBanner)
	offer := smtp.Offered(a.Session.Exchanges, smtp.StageEHLOTLS)
	if offer == nil {
		offer = smtp.Offered(a.Session.Exchanges, smtp.StageEHLO)
	}
	if offer != nil {
		for _, k := range offer.Keywords[:min(len(offer.Keywords), maxNames)] {
			out.Keywords = append(out.Keywords, bound(strings.TrimSpace(k.Name+" "+k.Params), maxName))
		}
	}
	if t := a.Session.TLS; t != nil {
		out.TLS = &TLS{Version: t.Version, Cipher: t.Cipher, Group: t.Group, Error: bound(t.Error, maxMessage)}
		out.Cert = certificateOf(t)
	}
	return out
}

// refusal says how a server that greeted ended the conversation before it took EHLO
// or HELO; "" where it took one, or said nothing at all.
func refusal(s wire.Session) string {
	banner := smtp.Banner(s.Exchanges)
	switch {
	case banner == nil, smtp.Offered(s.Exchanges, smtp.StageEHLO) != nil:
		return ""
	case banner.Code != 220:
		return fmt.Sprint(banner.Code, " ", banner.Text())
	}
	for _, stage := range []string{smtp.StageHELO, smtp.StageEHLO} {
		if r := smtp.Answered(s.Exchanges, stage); r != nil {
			return fmt.Sprint(r.Code, " ", r.Text())
		}
	}
	return "no answer to EHLO"
}

// up reports a server that talked with us.
func (a HostAddress) up() bool { return a.Reached && a.Refused == "" }

// certificateOf describes the leaf; nil when none came or it cannot be read.
func certificateOf(t *wire.TLS) *Certificate {
	if t == nil || len(t.Chain) == 0 {
		return nil
	}
	c, err := x509.ParseCertificate(t.Chain[0])
	if err != nil {
		return nil
	}
	out := &Certificate{
		Subject: bound(c.Subject.String(), maxName), Issuer: bound(c.Issuer.String(), maxName),
		NotBefore: c.NotBefore.UTC().Truncate(time.Second), NotAfter: c.NotAfter.UTC().Truncate(time.Second),
		Key: keyOf(c), System: t.System, Mozilla: t.Mozilla,
	}
	for _, name := range c.DNSNames[:min(len(c.DNSNames), maxNames)] {
		out.Names = append(out.Names, bound(name, maxName))
	}
	return out
}

// trust gives one word or a few for both sets of roots.
func (c *Certificate) trust() string {
	switch {
	case c.System == c.Mozilla, c.System == "", c.System == wire.TrustNotApplicable:
		return c.Mozilla
	case c.System == wire.Trusted:
		return "trusted by this machine, not by Mozilla"
	case c.Mozilla == wire.Trusted:
		return "trusted by Mozilla, not by this machine"
	case c.Mozilla == "", c.Mozilla == wire.TrustNotApplicable:
		return c.System
	}
	return c.Mozilla
}

func keyOf(c *x509.Certificate) string {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", k.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return c.PublicKeyAlgorithm.String()
}
