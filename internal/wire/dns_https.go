package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
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

// A lead lets the first query go ahead until it has a connection, and the rest
// after it. The transport opens a connection for each query that comes before
// the first handshake is over, and counts none of them once they turn out to
// be HTTP/2.
type lead struct {
	taken  atomic.Bool
	opened chan struct{}
	open   func() // closes opened, once
}

func newLead() *lead {
	opened := make(chan struct{})
	return &lead{opened: opened, open: sync.OnceFunc(func() { close(opened) })}
}

// follow waits until there is a connection, or until the context ends; for the
// first query it returns at once, with a context that tells of its connection.
// Whoever leads calls open when its query has ended, well or not.
func (l *lead) follow(ctx context.Context) (next context.Context, leads bool) {
	if l.taken.CompareAndSwap(false, true) {
		return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { l.open() }}), true
	}
	select {
	case <-l.opened:
	case <-ctx.Done():
	}
	return ctx, false
}

// post asks one question by POST. The ID is 0, as RFC 8484 section 4.1 advises.
func (u *upstream) post(ctx context.Context, q *query) (*dns.Msg, error) {
	ctx, leads := u.lead.follow(ctx)
	if leads {
		defer u.lead.open()
	}
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
