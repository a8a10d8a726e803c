package fakenet

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// hostsFile is the section hosts.yaml.
type hostsFile struct {
	Latency  span         `yaml:"latency"` // round trip of hosts that name none
	Vantage  vantageSpec  `yaml:"vantage"`
	Resolver resolverSpec `yaml:"resolver"`
	Hosts    []*hostSpec  `yaml:"hosts"`
	DNSBL    []dnsblSpec  `yaml:"dnsbl"`
}

// vantageSpec says where the world is looked at from.
type vantageSpec struct {
	Name    string `yaml:"name"`    // published in the DNS, forward and reverse, if set
	IPv4    string `yaml:"ipv4"`    // address, or "none"
	IPv6    string `yaml:"ipv6"`    // address, or "none"
	Blocked []int  `yaml:"blocked"` // ports that get no answer from here; the resolver stays reachable
}

type resolverSpec struct {
	Name    string    `yaml:"name"`
	Addrs   []string  `yaml:"addrs"`
	Latency *span     `yaml:"latency"`
	TLS     *certSpec `yaml:"tls"` // of DoT and DoH
}

// hostSpec is one machine. Two entries may have one name and different
// addresses: so the addresses of one machine can behave differently.
type hostSpec struct {
	Name        string    `yaml:"name"`
	Addrs       []string  `yaml:"addrs"`
	PTR         list      `yaml:"ptr"`         // names, or "none"; default: the name
	Unpublished bool      `yaml:"unpublished"` // no A and AAAA records
	Latency     *span     `yaml:"latency"`
	Fault       string    `yaml:"fault"`
	TLS         *certSpec `yaml:"tls"` // of all services that have none of their own

	SMTP        *smtpSpec `yaml:"smtp"`        // port 25
	Submission  *smtpSpec `yaml:"submission"`  // port 587
	Submissions *smtpSpec `yaml:"submissions"` // port 465, TLS from the start
	HTTPS       *httpSpec `yaml:"https"`       // port 443
	HTTP        *httpSpec `yaml:"http"`        // port 80
}

// Faults of a host or of one service, in order of when they show.
var connectionFaults = []string{
	"",
	"silent",      // connecting never completes
	"unreachable", // the network says that there is no way
	"refuse",      // connection refused
	"reset",       // accepted, then reset
	"close",       // accepted, then closed
	"mute",        // accepted, then not one byte
}

// span is a duration as Go writes it: 20ms, 1.5s.
type span time.Duration

// UnmarshalYAML reads a duration; a bare number needs a unit, except 0.
func (s *span) UnmarshalYAML(n *yaml.Node) error {
	d, err := time.ParseDuration(n.Value)
	if err != nil || d < 0 || d > 24*time.Hour {
		return fmt.Errorf("line %d: %q is no duration such as 20ms", n.Line, n.Value)
	}
	*s = span(d)
	return nil
}

// list is a list of texts; a single text stands for a list of one.
type list []string

// UnmarshalYAML reads a scalar or a sequence of scalars.
func (l *list) UnmarshalYAML(n *yaml.Node) error {
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag != "!!null" {
			*l = list{n.Value}
		}
		return nil
	case yaml.SequenceNode:
		for _, c := range n.Content {
			if c.Kind != yaml.ScalarNode {
				return fmt.Errorf("line %d: a list of plain texts is wanted", c.Line)
			}
			*l = append(*l, c.Value)
		}
		return nil
	}
	return fmt.Errorf("line %d: a text or a list of texts is wanted", n.Line)
}

// parseMoment reads an absolute time: RFC 3339, or a date at midnight UTC.
func parseMoment(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time such as %s", s, defaultNow)
}

// parseWhen reads a time as parseMoment does, or one relative to now: "-10d",
// "+60d", "+12h".
func parseWhen(s string, now time.Time) (time.Time, error) {
	if s == "" || (s[0] != '+' && s[0] != '-') {
		return parseMoment(s)
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && -40000 < n && n < 40000 {
			return now.AddDate(0, 0, n), nil
		}
	} else if d, err := time.ParseDuration(s); err == nil {
		return now.Add(d), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time such as -10d, +12h or %s", s, defaultNow)
}

func parseAddrs(who string, texts []string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, s := range texts {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return nil, fmt.Errorf("%s: %q is no address", who, s)
		}
		out = append(out, a.Unmap())
	}
	return out, nil
}

// An endpoint is what answers at one address.
type endpoint struct {
	host     *hostSpec
	addr     netip.Addr
	latency  time.Duration
	dns      *dnsServer
	services map[uint16]*service
}

// A service is what listens on one TCP port of an endpoint.
type service struct {
	kind  string // smtp submission submissions https http dns dot doh
	fault string
	smtp  *smtpSpec
	http  *httpSpec
	tls   *certSpec
}

// listen fills the endpoints of a host.
func (w *World) listen(h *hostSpec) ([]*endpoint, error) {
	if h.Name == "" {
		return nil, fmt.Errorf("hosts.yaml: a host has no name")
	}
	if !slices.Contains(connectionFaults, h.Fault) {
		return nil, fmt.Errorf("hosts.yaml: %s: unknown fault %q", h.Name, h.Fault)
	}
	addrs, err := parseAddrs("hosts.yaml: "+h.Name, h.Addrs)
	if err != nil {
		return nil, err
	}
	services := map[uint16]*service{}
	add := func(port uint16, kind string, smtp *smtpSpec, http *httpSpec) error {
		s := &service{kind: kind, smtp: smtp, http: http, fault: h.Fault, tls: h.TLS}
		var own *certSpec
		var fault string
		if smtp != nil {
			own, fault = smtp.TLS, smtp.Fault
			if err := smtp.check(w, h); err != nil {
				return fmt.Errorf("hosts.yaml: %s: %s: %w", h.Name, kind, err)
			}
		} else {
			own, fault = http.TLS, http.Fault
			if err := http.check(w); err != nil {
				return fmt.Errorf("hosts.yaml: %s: %s: %w", h.Name, kind, err)
			}
		}
		if own != nil {
			s.tls = own
		}
		if s.tls == nil {
			s.tls = &certSpec{}
		}
		if fault != "" {
			s.fault = fault
		}
		if !slices.Contains(connectionFaults, s.fault) {
			return fmt.Errorf("hosts.yaml: %s: %s: unknown fault %q", h.Name, kind, s.fault)
		}
		if err := s.tls.check(w); err != nil {
			return fmt.Errorf("hosts.yaml: %s: %s: tls: %w", h.Name, kind, err)
		}
		services[port] = s
		return nil
	}
	for _, s := range []struct {
		port uint16
		kind string
		smtp *smtpSpec
	}{{25, "smtp", h.SMTP}, {587, "submission", h.Submission}, {465, "submissions", h.Submissions}} {
		if s.smtp != nil {
			if err := add(s.port, s.kind, s.smtp, nil); err != nil {
				return nil, err
			}
		}
	}
	for _, s := range []struct {
		port uint16
		kind string
		http *httpSpec
	}{{443, "https", h.HTTPS}, {80, "http", h.HTTP}} {
		if s.http != nil {
			if err := add(s.port, s.kind, nil, s.http); err != nil {
				return nil, err
			}
		}
	}
	latency := w.hosts.Latency
	if h.Latency != nil {
		latency = *h.Latency
	}
	var out []*endpoint
	for _, a := range addrs {
		out = append(out, &endpoint{host: h, addr: a, latency: time.Duration(latency), services: services})
	}
	return out, nil
}
