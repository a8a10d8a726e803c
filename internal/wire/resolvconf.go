package wire

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A Resolver is one recursive resolver that the operator configured.
type Resolver struct {
	Net  string // "udp" (with TCP where an answer is truncated), "tcp", "tls" (RFC 7858), "https" (RFC 8484)
	Host string // IP address, perhaps with a zone; for tls and https also a host name in lower case
	Port uint16
	Path string // of the URL, for https
}

// ParseResolver reads "192.0.2.53", "192.0.2.53:5353", "2001:db8::53",
// "[2001:db8::53]:5353", each also behind "udp:" (the default) or "tcp:";
// "tls://HOST" and "tls://HOST:PORT", where HOST is an address or a name that
// the certificate must hold; and "https://HOST/PATH", where no path means
// /dns-query. The error says what to write instead.
func ParseResolver(s string) (Resolver, error) {
	text := strings.TrimSpace(s)
	scheme, rest, found := strings.Cut(text, "://")
	if found {
		switch strings.ToLower(scheme) {
		case "https":
			return parseHTTPS(s, text)
		case "tls":
			host, port, err := splitPort(strings.TrimSuffix(rest, "/"), 853)
			if err == nil && host == "" {
				err = errors.New("it names no host")
			}
			if err == nil && !validHost(host) {
				err = fmt.Errorf("%q is neither an IP address nor a host name", host)
			}
			if err != nil {
				return Resolver{}, fmt.Errorf("resolver %q: %w; write tls://HOST or tls://HOST:PORT", s, err)
			}
			return Resolver{Net: "tls", Host: host, Port: port}, nil
		case "udp", "tcp":
			text = scheme + ":" + strings.TrimSuffix(rest, "/")
		case "http":
			return Resolver{}, fmt.Errorf("resolver %q: DNS over plain HTTP does not exist; write https://", s)
		default:
			return Resolver{}, fmt.Errorf("resolver %q: unknown scheme %q; known are udp:, tcp:, tls:// and https://", s, scheme)
		}
	}
	r := Resolver{Net: "udp"}
	if network, rest, found := strings.Cut(text, ":"); found && (strings.EqualFold(network, "udp") || strings.EqualFold(network, "tcp")) {
		r.Net, text = strings.ToLower(network), rest
	}
	var err error
	if r.Host, r.Port, err = splitPort(text, 53); err != nil {
		return Resolver{}, fmt.Errorf("resolver %q: %w; write ADDRESS or ADDRESS:PORT, and IPv6 with a port as [ADDRESS]:PORT", s, err)
	}
	if _, err := parseAddr(r.Host); err != nil {
		if r.Host == "" {
			return Resolver{}, fmt.Errorf("resolver %q: it names no address", s)
		}
		return Resolver{}, fmt.Errorf("resolver %q: %q is no IP address; only tls:// and https:// resolvers may be given by name", s, r.Host)
	}
	return r, nil
}

func parseHTTPS(s, text string) (Resolver, error) {
	text, _, _ = strings.Cut(text, "{") // the variable of a URI template, as RFC 8484 writes it
	u, err := url.Parse(text)
	if err != nil {
		return Resolver{}, fmt.Errorf("resolver %q: not a URL; write https://HOST/PATH", s)
	}
	host, port, err := splitPort(u.Host, 443)
	switch {
	case err == nil && host == "":
		err = errors.New("it names no host")
	case err == nil && !validHost(host):
		err = fmt.Errorf("%q is neither an IP address nor a host name", host)
	case err == nil && strings.Contains(host, "%"):
		err = errors.New("an address with a zone cannot stand in a URL")
	case err == nil && (u.User != nil || u.RawQuery != "" || u.Fragment != ""):
		err = errors.New("user, query and fragment are not used")
	}
	if err != nil {
		return Resolver{}, fmt.Errorf("resolver %q: %w; write https://HOST/PATH", s, err)
	}
	path := u.EscapedPath()
	if path == "" || path == "/" {
		path = "/dns-query"
	}
	return Resolver{Net: "https", Host: host, Port: port, Path: path}, nil
}

// String gives the form that ParseResolver reads, always with the port for udp,
// tcp and tls.
func (r Resolver) String() string {
	switch r.Net {
	case "https":
		if r.Port == 443 {
			host := r.Host
			if strings.Contains(host, ":") {
				host = "[" + host + "]"
			}
			return "https://" + host + r.Path
		}
		return "https://" + r.address() + r.Path
	case "tls":
		return "tls://" + r.address()
	}
	return r.Net + ":" + r.address()
}

func (r Resolver) address() string { return net.JoinHostPort(r.Host, strconv.Itoa(int(r.Port))) }

// splitPort reads HOST, HOST:PORT, [HOST] or [HOST]:PORT; a bare IPv6 address
// has no port. The host comes back in lower case, addresses in normal form.
func splitPort(s string, port uint16) (string, uint16, error) {
	host, text := s, ""
	if addr, err := parseAddr(s); err == nil {
		return addr.String(), port, nil
	}
	if rest, ok := strings.CutPrefix(s, "["); ok {
		inside, after, closed := strings.Cut(rest, "]")
		if addr, err := parseAddr(inside); !closed || err != nil || !addr.Is6() {
			return "", 0, errors.New("the brackets hold no IPv6 address")
		}
		host, text = inside, after
		if text != "" && text[0] != ':' {
			return "", 0, fmt.Errorf("%q after the brackets is no port", text)
		}
	} else if i := strings.LastIndexByte(s, ':'); i >= 0 {
		host, text = s[:i], s[i:]
	}
	if text != "" {
		n, err := strconv.ParseUint(text[1:], 10, 16)
		if err != nil || n == 0 {
			return "", 0, fmt.Errorf("%q is no port", text[1:])
		}
		port = uint16(n)
	}
	if addr, err := parseAddr(host); err == nil {
		return addr.String(), port, nil
	}
	return strings.ToLower(strings.TrimSuffix(host, ".")), port, nil
}

// parseAddr is netip.ParseAddr for addresses whose zone, if any, looks like the
// name of an interface.
func parseAddr(s string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(s)
	if err == nil && strings.Trim(strings.ToLower(addr.Zone()), "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		err = fmt.Errorf("%q is no zone", addr.Zone())
	}
	return addr, err
}

func validHost(s string) bool {
	if _, err := parseAddr(s); err == nil {
		return true
	}
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// parseResolvConf gives the name servers of a resolv.conf, in order, each once,
// at port 53. Options, search lists and what cannot be read are ignored, as the
// system's resolver does.
func parseResolvConf(content []byte) []Resolver {
	var out []Resolver
	for line := range strings.Lines(string(content)) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "nameserver" {
			continue
		}
		addr, err := parseAddr(f[1])
		r := Resolver{Net: "udp", Host: addr.String(), Port: 53}
		if err == nil && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// parseServer reads Question.Server: an address, or address and port.
func parseServer(s string) (Resolver, netip.Addr, error) {
	host, port, err := splitPort(s, 53)
	if err != nil {
		return Resolver{}, netip.Addr{}, fmt.Errorf("name server %q: %w", s, err)
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return Resolver{}, netip.Addr{}, fmt.Errorf("name server %q: not an IP address", s)
	}
	return Resolver{Net: "udp", Host: host, Port: port}, addr, nil
}
