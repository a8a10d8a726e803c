package main

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// parseDomain turns what a user typed into a domain name in A-labels, lower
// case, without the final dot. Anything that is not a domain name is refused
// with what to type instead.
func parseDomain(arg string) (string, error) {
	s := strings.TrimSpace(arg)
	if s == "" {
		return "", usagef("empty domain name: type a domain, such as example.com")
	}
	if len(s) > 1024 {
		return "", usagef("domain name of %d bytes: a name has at most 253", len(s))
	}
	if u, err := url.Parse(s); err == nil && u.Scheme != "" && u.Host != "" {
		return "", usagef("%q is a URL: type the domain alone: %s", arg, hint(u.Hostname()))
	}
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		return "", usagef("%q is an e-mail address: type its domain alone: %s", arg, hint(s[at+1:]))
	}
	if _, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return "", usagef("%q is an address: type the domain whose mail it handles", arg)
	}
	if host, _, ok := strings.Cut(s, "/"); ok {
		return "", usagef("%q holds a slash: type the domain alone: %s", arg, hint(host))
	}
	if host, port, ok := strings.Cut(s, ":"); ok && port != "" && strings.Trim(port, "0123456789") == "" {
		return "", usagef("%q has a port: leave it out: %s", arg, hint(host))
	}
	s = strings.TrimSuffix(s, ".")
	ascii, err := profile().ToASCII(s)
	if err != nil {
		return "", usagef("%q is not a domain name: %s", arg, strings.TrimPrefix(err.Error(), "idna: "))
	}
	ascii = strings.ToLower(ascii)
	if len(ascii) > 253 {
		return "", usagef("domain name of %d bytes in A-labels: a name has at most 253", len(ascii))
	}
	if !strings.Contains(ascii, ".") {
		return "", usagef("%q has only one label: type the whole domain, such as %s.example", arg, ascii)
	}
	for label := range strings.SplitSeq(ascii, ".") {
		switch {
		case label == "":
			return "", usagef("%q has an empty label: two dots in a row, or one at the start", arg)
		case len(label) > 63:
			return "", usagef("%q has a label of %d bytes: a label has at most 63", arg, len(label))
		case strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "":
			return "", usagef("%q holds a character that no domain name has: use letters, digits and hyphens", arg)
		}
	}
	if last := ascii[strings.LastIndexByte(ascii, '.')+1:]; strings.Trim(last, "0123456789") == "" {
		return "", usagef("%q ends in digits, so it is no domain name: is a letter missing?", arg)
	}
	return ascii, nil
}

// profile maps as browsers do (UTS 46), and leaves underscores alone: names such
// as _dmarc can be audited too.
func profile() *idna.Profile {
	return idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.BidiRule())
}

func hint(s string) string {
	if d, err := parseDomain(s); err == nil {
		return d
	}
	return "example.com"
}

// labels gives the labels before a name, such as a selector, in A-labels.
func labels(s string) (string, error) {
	const below = ".example.com"
	name, err := parseDomain(s + below)
	return strings.TrimSuffix(name, below), err
}

// mailAddress puts the domain of an address that was typed into A-labels; no
// address is left alone. Without SMTPUTF8 the part before it is ASCII (RFC 5321
// section 4.1.2).
func mailAddress(flag string, address *string) error {
	if *address == "" {
		return nil
	}
	user, domain, ok := strings.Cut(*address, "@")
	name, err := parseDomain(domain)
	if !ok || user == "" || err != nil || strings.ContainsFunc(user, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`<>"\\`, c) }) {
		return usagef("--%s %q is no mail address", flag, *address)
	}
	*address = user + "@" + name
	return nil
}

// hostPort puts the name of a HOST[:PORT] into A-labels; an address is left as it is.
func hostPort(s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = s, ""
	} else if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", usagef("%q: %q is no port: it is a number from 1 to 65535", s, port)
	}
	if host == "" {
		return "", usagef("%q names no host", s)
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return s, nil
	}
	name := host
	if strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" { // more than a name of this network, such as localhost
		if name, err = parseDomain(host); err != nil {
			return "", err
		}
	}
	if port == "" {
		return name, nil
	}
	return net.JoinHostPort(name, port), nil
}

// resolverName puts the name of a resolver, as in tls://HOST and https://HOST/PATH,
// into A-labels. What is none is left to be refused by its reader.
func resolverName(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return s
	}
	host, err := hostPort(u.Host)
	if err != nil {
		return s
	}
	return strings.Replace(s, u.Host, host, 1)
}
