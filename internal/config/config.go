// Package config reads the configuration file: which domains to audit, and what
// their owner knows about them that nobody can see from outside.
//
//	version: 1
//	defaults: {profile: auto, fail_on: high, min_score: 85, resolver: [127.0.0.1]}
//	domains:
//	  - name: example.com
//	    profile: full
//	    dkim: {selectors: [s1, s2]}
//	    send_ips: [192.0.2.25]
//	  - {name: example.org, profile: no-mail}
//	dnsbl: {lists: default, add: [bl.example.net]}
//
// Reading is strict: what is not understood is an error with line and column,
// never passed over, because a misspelt key would quietly audit less than its
// owner believes. All errors are reported, not only the first.
package config

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"mxvet/internal/gather"
)

// Version is the version of the file format that is read.
const Version = 1

// Bounds of one file.
const (
	MaxBytes  = 1 << 20 // size of the file
	MaxErrors = 20      // errors that are reported
)

// A Config is one configuration file, understood.
type Config struct {
	File     string
	Defaults Defaults
	Domains  []Domain // in the order of the file, no two alike
	DNSBL    gather.DNSBLOptions
}

// Defaults hold where neither command line nor environment says otherwise. Empty
// values were not given.
type Defaults struct {
	Profile   string
	Rubric    string
	FailOn    string
	MinScore  string // a number from 0 to 100
	Resolvers []string
}

// A Domain is one domain to audit, with what its owner says about it.
type Domain struct {
	Name      string // A-labels
	Profile   string // "" where not given
	Selectors []string
	SendIPs   []netip.Addr
	Line      int // where its entry begins, counted from 1
}

// Find gives the domain of that name; nil where the file does not have it.
func (c *Config) Find(name string) *Domain {
	for i := range c.Domains {
		if c.Domains[i].Name == name {
			return &c.Domains[i]
		}
	}
	return nil
}

// An Error is one fault in a configuration file.
type Error struct {
	File         string
	Line, Column int // counted from 1; Column is 0 where only the line is known
	Text         string
}

func (e Error) Error() string {
	where := e.File
	if e.Line > 0 {
		where += fmt.Sprintf(":%d", e.Line)
	}
	if e.Column > 0 {
		where += fmt.Sprintf(":%d", e.Column)
	}
	return where + ": " + e.Text
}

// Errors are the faults of one file in the order of its lines, MaxErrors at
// most.
type Errors []Error

func (es Errors) Error() string {
	text := make([]string, len(es))
	for i, e := range es {
		text[i] = e.Error()
	}
	return strings.Join(text, "\n")
}

// Unwrap gives each error.
func (es Errors) Unwrap() []error {
	out := make([]error, len(es))
	for i, e := range es {
		out[i] = e
	}
	return out
}

// ReadFile reads the configuration in the file at path. The function domain
// gives the A-labels of a domain name as a user writes it, or says what is wrong
// with it. An error is of type Errors, or wraps what reading the file gave.
func ReadFile(path string, domain func(string) (string, error)) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", path, err)
	}
	return Parse(text, path, domain)
}

// Profiles lists what a domain can be said to do with mail.
func Profiles() []string {
	return []string{"auto", gather.Full, gather.ReceiveOnly, gather.SendOnly, gather.NoMail}
}

// FailOn lists the severities at which a run can be told to fail.
func FailOn() []string { return []string{"critical", "high", "medium", "low", "never"} }
