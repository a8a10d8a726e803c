package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// client makes the HTTP client for one DNS-over-HTTPS resolver (RFC 8484). It
// uses no proxy, follows no redirect and keeps few connections: HTTP/2 carries
// all queries over one.
func (u *upstream) client() *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialTLSContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return u.connect(ctx) },
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
			MaxConnsPerHost:        4,
			MaxIdleConnsPerHost:    4,
			IdleConnTimeout:        30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
}

// post asks one question by POST. The ID is 0, as RFC 8484 section 4.1 advises.
func (u *upstream) post(ctx context.Context, q *query) (*dns.Msg, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.name, bytes.NewReader(q.packed))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/dns-message")
	req.Header.Set("Accept", "application/dns-message")
	req.Header.Set("User-Agent", "mxvet")
	resp, err := u.web.Do(req)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return nil, failed.Err
	}
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, dns.MaxMsgSize+1))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: HTTP status %d", errMalformed, resp.StatusCode)
	}
	if kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(kind), "application/dns-message") {
		return nil, fmt.Errorf("%w: content type %q", errMalformed, printable(kind))
	}
	if len(raw) > dns.MaxMsgSize {
		return nil, fmt.Errorf("%w: over %d bytes", errMalformed, dns.MaxMsgSize)
	}
	return q.read(raw, 0)
}
