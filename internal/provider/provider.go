// Package provider knows the large mail platforms by the names they leave in
// the DNS.
//
// A domain rarely runs its own mail. Its MX records name the hosts of a mailbox
// provider or of a filter in front of one (RFC 5321 section 5.1), its SPF record
// includes the ranges of those who send for it (RFC 7208 section 5.2), and its
// DKIM selectors are often aliases into a sender's zone (RFC 6376 section
// 3.6.2). From these names follow: which selectors to try first, whether a host
// is shared by many customers, so that a relay test or a block-list verdict about
// its address says nothing of the audited domain, and what the platform lets its
// customers switch on.
//
// Everything is data, in providers.yaml, with a source and a date per row. The
// table says what a platform documents or is seen to do; it is no proof of how
// one domain is set up.
package provider

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"mxvet/internal/syntax"
)

// What a platform does for a domain.
const (
	KindMailbox = "mailbox" // keeps mailboxes
	KindFilter  = "filter"  // receives mail, filters it and hands it on
	KindForward = "forward" // forwards mail to mailboxes elsewhere
	KindSender  = "sender"  // sends on behalf of its customers
)

// Whether a platform offers something to its customers' domains.
const (
	Yes     = "yes"
	No      = "no"
	Unknown = "unknown"
)

// A Provider is one platform. Values are shared: do not change them.
type Provider struct {
	ID   string `yaml:"id"`   // stable, lower-case: "google"
	Name string `yaml:"name"` // as its customers call it
	Kind string `yaml:"kind"` // one of the Kind constants

	// Patterns of host names, lower-case. A leading "*." stands for one or more
	// labels, a "*" elsewhere for exactly one; the rest is compared as it is.
	MX          []string `yaml:"mx"`           // targets of MX records
	SPF         []string `yaml:"spf"`          // names in include: and redirect=
	DKIMTargets []string `yaml:"dkim_targets"` // targets of selector aliases

	Selectors []string `yaml:"selectors"` // those that customers publish, likeliest first; lower-case

	// Shared: many customers use the same hosts and addresses. Neither a relay
	// test nor a rule about one address applies to the audited domain.
	Shared bool `yaml:"shared"`

	DANE   string `yaml:"dane"`    // TLSA records for its MX hosts: Yes, No, Unknown
	MTASTS string `yaml:"mta_sts"` // its MX hosts satisfy a customer's MTA-STS policy: Yes, No, Unknown

	Control string `yaml:"control"` // an MX host that answers everybody on port 25, "" for none

	Source string `yaml:"source"` // where the row comes from
	Date   string `yaml:"date"`   // when it was last looked at: year and month
}

// A Selector is a DKIM selector worth trying.
type Selector struct {
	Name     string
	Provider string // provider id; "" for one of the common names
	Source   string
	Date     string
}

// A Table holds the platforms and the common selectors. It is not changed after
// it was read.
type Table struct {
	Providers []*Provider      `yaml:"providers"`
	Common    []commonSelector `yaml:"common_selectors"`
}

type commonSelector struct {
	Name   string `yaml:"name"`
	Source string `yaml:"source"`
	Date   string `yaml:"date"`
}

//go:embed providers.yaml
var embedded []byte

// read panics on a broken table: it is part of the program, and a test reads it.
var read = sync.OnceValue(func() *Table {
	t, err := parse(embedded)
	if err != nil {
		panic("provider: " + err.Error())
	}
	return t
})

// Default gives the table that is part of the program.
func Default() *Table { return read() }

// parse reads a table strictly: unknown fields are errors.
func parse(text []byte) (*Table, error) {
	t := new(Table)
	if err := syntax.YAML(text, t); err != nil {
		return nil, fmt.Errorf("provider table: %w", err)
	}
	return t, nil
}

// ByID gives the provider with that id, or nil.
func (t *Table) ByID(id string) *Provider {
	for _, p := range t.Providers {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// ByMX gives the provider that an MX target belongs to, or nil. Case and a final
// dot do not matter.
func (t *Table) ByMX(host string) *Provider {
	return t.longest(host, func(p *Provider) []string { return p.MX })
}

// BySPF gives the provider whose ranges the name of an include: or redirect=
// stands for, or nil.
func (t *Table) BySPF(name string) *Provider {
	return t.longest(name, func(p *Provider) []string { return p.SPF })
}

// ByDKIMTarget gives the provider that the target of a selector's alias belongs
// to, or nil.
func (t *Table) ByDKIMTarget(host string) *Provider {
	return t.longest(host, func(p *Provider) []string { return p.DKIMTargets })
}

// Selectors gives the selectors to try for a domain at which these providers
// were detected: theirs first, in the order of the argument, then the common
// ones by rank. No name comes twice; nil providers are skipped.
func (t *Table) Selectors(detected []*Provider) []Selector {
	var out []Selector
	seen := map[string]bool{}
	add := func(s Selector) {
		if !seen[s.Name] {
			seen[s.Name] = true
			out = append(out, s)
		}
	}
	for _, p := range detected {
		if p == nil {
			continue
		}
		for _, name := range p.Selectors {
			add(Selector{name, p.ID, p.Source, p.Date})
		}
	}
	for _, c := range t.Common {
		add(Selector{c.Name, "", c.Source, c.Date})
	}
	return out
}

// Controls gives the mail hosts of large platforms that answer on port 25 for
// everybody, best first. Where they are silent too, the network in between is at
// fault, not the audited domain. Not every one has addresses of both families.
func (t *Table) Controls() []string {
	var out []string
	for _, p := range t.Providers {
		if p.Control != "" {
			out = append(out, p.Control)
		}
	}
	return out
}

// longest gives the provider with the longest pattern that matches, so that a
// narrow pattern wins over a wide one whatever the order of the table.
func (t *Table) longest(host string, patterns func(*Provider) []string) *Provider {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "" {
		return nil
	}
	var best *Provider
	length := 0
	for _, p := range t.Providers {
		for _, pattern := range patterns(p) {
			if len(pattern) > length && match(pattern, host) {
				best, length = p, len(pattern)
			}
		}
	}
	return best
}

func match(pattern, host string) bool {
	rest, wild := strings.CutPrefix(pattern, "*.")
	if !strings.Contains(rest, "*") {
		if wild {
			return len(host) > len(rest)+1 && strings.HasSuffix(host, rest) && host[len(host)-len(rest)-1] == '.'
		}
		return host == rest
	}
	want, got := strings.Split(rest, "."), strings.Split(host, ".")
	if wild && len(got) <= len(want) || !wild && len(got) != len(want) {
		return false
	}
	got = got[len(got)-len(want):]
	for i, label := range want {
		if label != "*" && label != got[i] {
			return false
		}
	}
	return true
}
