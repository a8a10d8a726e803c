package fakenet

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// recipient decides about one envelope.
func (s *smtpSession) recipient(from, to string) list {
	p := &s.spec.Rcpt
	for _, r := range p.Rules {
		if r.from.MatchString(from) && r.to.MatchString(to) {
			return r.Reply
		}
	}
	if p.Policy == "all" {
		return list{"250 2.1.5 Ok"}
	}
	if i := strings.Index(to, ":"); strings.HasPrefix(to, "@") && i > 0 {
		to = to[i+1:] // a source route is ignored (RFC 5321 appendix C)
	}
	at := strings.LastIndexByte(to, '@')
	if at < 0 && strings.EqualFold(to, "postmaster") {
		at, to = len(to), to+"@"+slices.Concat(p.Domains, []string{s.host})[0] // RFC 5321 section 4.5.1
	}
	if at <= 0 || at == len(to)-1 {
		return list{"501 5.1.3 bad recipient address syntax"}
	}
	user, domain := strings.ToLower(to[:at]), strings.ToLower(to[at+1:])
	literal := strings.HasPrefix(domain, "[") && strings.HasSuffix(domain, "]")
	if _, ok := dns.IsDomainName(domain); !literal && (!ok || strings.Trim(domain, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" || strings.Contains(domain, "..") || strings.HasPrefix(domain, ".")) {
		return list{"501 5.1.3 bad recipient address syntax"}
	}
	if !slices.Contains(p.Domains, domain) {
		switch {
		case p.Policy != "open":
			return list{"550 5.7.1 relay access denied"}
		case literal || s.net.world.absent(domain):
			return list{"550 5.1.2 recipient domain not found"}
		}
		return list{"250 2.1.5 Ok"}
	}
	if !p.CatchAll && !slices.Contains(p.Users, user) {
		return list{"550 5.1.1 no such user here"}
	}
	if p.Greylist {
		return list{"450 4.7.1 greylisted, please try again later"}
	}
	return list{"250 2.1.5 Ok"}
}

// pathIn gives what stands between the angle brackets.
func pathIn(arg, word string) (string, bool) {
	if len(arg) < len(word) || !strings.EqualFold(arg[:len(word)], word) {
		return "", false
	}
	rest := strings.TrimLeft(arg[len(word):], " ")
	if !strings.HasPrefix(rest, "<") {
		return "", false
	}
	end := strings.LastIndexByte(rest, '>')
	if end < 0 {
		return "", false
	}
	return rest[1:end], true
}

// absent reports that the world knows that a domain does not exist.
func (w *World) absent(domain string) bool {
	name := fqdn(domain)
	z := deepest(w.zones, name)
	if z.written == nil { // nobody wrote about it: only names that can never exist are refused
		return name == "invalid." || strings.HasSuffix(name, ".invalid.")
	}
	return w.resolve(name, dns.TypeMX).rcode == dns.RcodeNameError
}

// mailFor gives the names in the zone whose MX is the host.
func (z *zone) mailFor(host string) []string {
	var out []string
	for name, node := range z.nodes {
		for _, rr := range node[dns.TypeMX] {
			if fqdn(rr.(*dns.MX).Mx) == host {
				out = append(out, strings.TrimSuffix(name, "."))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
