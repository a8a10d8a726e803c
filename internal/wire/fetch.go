package wire

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// MaxBody is what is kept of a page. RFC 8461 section 3.3 suggests the same
	// bound for policies.
	MaxBody     = 64 << 10
	maxHeader   = 32 << 10     // bytes of a response's header, interim responses included
	maxInterim  = 5            // responses up to the final one (RFC 9110 section 15.2)
	maxTransfer = 16 * MaxBody // bytes read for a body: it may come in small chunks
)

// Fetch gets r.URL from exactly r.Addr. Plain HTTP is spoken only where the URL
// says http, which AIA, CRL and autoconfiguration need. No redirect is
// followed, no proxy used, no compression asked for.
//
// Over HTTPS the certificate must be valid for the URL's host now. Where it is
// not, Fail has the kind tls, and whatever the page says does not count: but
// the page is read all the same and Status and Body are filled if it came, so
// that a rule can tell what it would say once the certificate is mended. With
// any other Fail there is no Body.
func (l *Live) Fetch(ctx context.Context, r Request) Page {
	u, err := url.Parse(r.URL)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return Page{Fail: &Fail{FailProtocol, "mxvet cannot fetch " + strings.ToValidUTF8(r.URL, "?")}}
	}
	if f := l.allowed(r.Addr.Addr()); f != nil {
		return Page{Fail: f}
	}
	var p Page
	began := time.Now()
	what := "get " + r.URL + " from " + r.Addr.String()
	within, cancel := context.WithTimeout(ctx, l.cfg.Timeouts.Fetch)
	defer cancel()
	conn, err := l.connect(within, r.Addr)
	if err != nil {
		return Page{Millis: millisSince(began), Fail: failOf(ctx, what, err)}
	}
	defer conn.Close()
	err = l.get(within, conn, u, &p)
	p.Millis = millisSince(began)
	if err != nil && within.Err() != nil {
		err = within.Err() // a header that stops half-way reads as malformed
	}
	if p.TLS != nil {
		l.trust.judge(p.TLS, l.cfg.Now())
	}
	if err != nil {
		p.Body, p.Cut = nil, false
		p.Fail = getFail(ctx, what, err)
	}
	if p.TLS != nil && p.TLS.Error == "" && (err == nil || p.Fail.Kind != FailCanceled && p.Fail.Kind != FailDeadline) {
		if invalid := p.TLS.Verifies(u.Hostname(), l.cfg.Now()); invalid != nil {
			p.Fail = &Fail{FailTLS, what + ": certificate not valid: " + invalid.Error()}
		}
	}
	return p
}

var (
	errTLS    = errors.New("TLS handshake failed")
	errHeader = fmt.Errorf("header longer than %d bytes, or too many interim responses", maxHeader)
)

// get fills in what comes of one request on conn. The context bounds all of it;
// the connection has no deadline of its own, which would fire beside it.
func (l *Live) get(ctx context.Context, conn net.Conn, u *url.URL, p *Page) error {
	ready := conn
	if u.Scheme == "https" {
		within, cancel := context.WithTimeout(ctx, l.cfg.Timeouts.TLS)
		defer cancel()
		upgraded, seen, err := handshake(within, conn, strings.TrimSuffix(u.Hostname(), "."), "http/1.1")
		p.TLS = seen
		if err != nil {
			return fmt.Errorf("%w: %w", errTLS, err)
		}
		ready = upgraded
	}

	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	request, err := http.NewRequest(http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	request.Header.Set("User-Agent", "mxvet/"+cmp.Or(l.cfg.Version, "devel"))
	request.Close = true
	if err := request.Write(ready); err != nil {
		return err
	}
	response, err := readResponse(ready, request)
	if err != nil {
		return err
	}
	p.Status = response.StatusCode
	p.ContentType = strings.ToValidUTF8(response.Header.Get("Content-Type"), "?")
	p.Location = strings.ToValidUTF8(response.Header.Get("Location"), "?")
	p.Body, err = io.ReadAll(io.LimitReader(response.Body, MaxBody+1))
	if p.Cut = len(p.Body) > MaxBody; p.Cut {
		p.Body = p.Body[:MaxBody]
	}
	return err
}

// readResponse reads the header of the final response; its body is left on
// conn. http.Transport is not used because it writes to the process's log what
// a server says too early, and bounds nothing that this does not.
func readResponse(conn io.Reader, request *http.Request) (*http.Response, error) {
	limited := &io.LimitedReader{R: conn, N: maxHeader}
	r := bufio.NewReader(limited)
	for range maxInterim {
		response, err := http.ReadResponse(r, request)
		if err != nil {
			if limited.N == 0 {
				err = errHeader
			}
			return nil, err
		}
		if response.StatusCode >= 200 {
			limited.N = maxTransfer
			return response, nil
		}
	}
	return nil, errHeader
}

// getFail classes what ended a fetch on a connection that stood: an error of no
// known class is the peer's way of not speaking HTTP.
func getFail(ctx context.Context, what string, err error) *Fail {
	f := failOf(ctx, what, err)
	f.Text = strings.ToValidUTF8(f.Text, "?")
	switch {
	case f.Kind == FailCanceled, f.Kind == FailDeadline, f.Kind == FailTimeout:
	case errors.Is(err, errTLS), isAlert(err):
		f.Kind = FailTLS
	case errors.Is(err, errHeader):
		f.Kind = FailLimit
	case f.Kind == FailUnreachable:
		f.Kind = FailProtocol
	}
	return f
}
