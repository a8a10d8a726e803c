// Package psl answers where registered names begin, from the Public Suffix List.
//
// A public suffix is a name under which others register names: "com", "co.uk".
// The list holds rules of three forms: a plain name, a wildcard ("*.ck": each
// name one label below is a suffix too) and an exception ("!www.ck": not this
// one). The longest rule that fits a name wins, and a name that no rule fits has
// its last label as its suffix. The list has two sections: suffixes of
// registries (ICANN) and suffixes of companies that give names to customers
// (private: "github.io"). Readers of DMARC records differ in whether they use
// the private section (RFC 7489 section 3.2 leaves it open), so every question
// here can be asked both ways.
//
// Names are in A-labels. Rules in U-labels are converted when a list is loaded.
package psl

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/weppos/publicsuffix-go/publicsuffix"

	"mxvet/internal/syntax"
)

// Bounds of a loaded list. The real list has about 10,000 rules in 330 kB.
const (
	maxBytes = 16 << 20
	maxLine  = 4096
	maxRules = 200_000
)

// A List is one version of the public suffix list. It is immutable and safe for
// concurrent use.
type List struct {
	rules   *publicsuffix.List
	version string
}

// Default gives the list that is compiled in.
func Default() *List {
	return &List{rules: publicsuffix.DefaultList, version: publicsuffix.ListVersion}
}

// Load reads a list in the format of publicsuffix.org. A line that is no rule,
// a file without any rule and a file of more than 16 MiB are errors: a page of
// HTML in place of the list must not pass for a list.
func Load(r io.Reader) (*List, error) {
	l := &List{rules: publicsuffix.NewList()}
	limited := &io.LimitedReader{R: r, N: maxBytes + 1}
	scanner := bufio.NewScanner(limited)
	scanner.Buffer(make([]byte, 0, maxLine), maxLine)
	private := false
	seen := map[string]int{}
	line := 0
	for scanner.Scan() {
		line++
		text := strings.TrimSpace(strings.TrimPrefix(scanner.Text(), "\ufeff"))
		if comment, ok := strings.CutPrefix(text, "//"); ok {
			comment = strings.TrimSpace(comment)
			switch {
			case strings.HasPrefix(comment, "===BEGIN PRIVATE DOMAINS==="):
				private = true
			case strings.HasPrefix(comment, "===END PRIVATE DOMAINS==="):
				private = false
			case l.version == "" && strings.HasPrefix(comment, "VERSION:"):
				l.version = comment
			}
			continue
		}
		fields := strings.Fields(text) // a rule ends at the first blank
		if len(fields) == 0 {
			continue
		}
		rule, err := parseRule(fields[0])
		if err != nil {
			return nil, fmt.Errorf("public suffix list, line %d: %w", line, err)
		}
		rule.Private = private
		// The library keeps one rule per name. Where the list has both "foo" and
		// "*.foo" the wildcard must win: it decides for all names below.
		if old, ok := seen[rule.Value]; !ok || old == publicsuffix.NormalType {
			seen[rule.Value] = rule.Type
			if err := l.rules.AddRule(rule); err != nil {
				return nil, fmt.Errorf("public suffix list, line %d: %w", line, err)
			}
		}
		if len(seen) > maxRules {
			return nil, fmt.Errorf("public suffix list: more than %d rules", maxRules)
		}
	}
	switch err := scanner.Err(); {
	case err != nil:
		return nil, fmt.Errorf("public suffix list, line %d: %w", line+1, err)
	case limited.N == 0:
		return nil, fmt.Errorf("public suffix list: larger than %d bytes", maxBytes)
	case len(seen) == 0:
		return nil, errors.New("public suffix list: no rules found")
	}
	return l, nil
}

// parseRule reads one rule. Its name is checked first, because the library takes
// any text for one.
func parseRule(text string) (*publicsuffix.Rule, error) {
	name := strings.TrimPrefix(text, "!")
	if name == text {
		name = strings.TrimPrefix(text, "*.")
	}
	if text == "*" { // the rule for names that no other rule fits: always in force
		return publicsuffix.NewRule(text)
	}
	ascii, err := publicsuffix.ToASCII(strings.ToLower(name))
	if err != nil || !syntax.DomainName(ascii) {
		return nil, fmt.Errorf("%q is no rule", text)
	}
	return publicsuffix.NewRule(text[:len(text)-len(name)] + ascii)
}

// Version says which version of the list this is, as the list itself puts it;
// "" where it does not say. Both forms hold a date.
func (l *List) Version() string { return l.version }

// suffix gives the public suffix of a name in canonical form, or the name itself
// where it is one.
func (l *List) suffix(name string, private bool) string {
	rule := l.rules.Find(name, &publicsuffix.FindOptions{
		IgnorePrivate: !private,
		DefaultRule:   publicsuffix.DefaultRule,
	})
	if suffix := rule.Decompose(name)[1]; suffix != "" {
		return suffix
	}
	return name
}

// OrgDomain gives the organizational domain of a name as RFC 7489 section 3.2
// finds it: its public suffix and one label more. A public suffix is its own
// organizational domain. Private says whether suffixes of the private section
// count.
func (l *List) OrgDomain(name string, private bool) string {
	name = canonical(name)
	suffix := l.suffix(name, private)
	rest, ok := strings.CutSuffix(name, "."+suffix)
	if !ok || rest == "" {
		return name
	}
	return rest[strings.LastIndexByte(rest, '.')+1:] + "." + suffix
}

// IsPublicSuffix reports whether names of different owners are registered
// directly below name. A top-level domain always is such a name.
func (l *List) IsPublicSuffix(name string, private bool) bool {
	name = canonical(name)
	return name != "" && l.suffix(name, private) == name
}

// Registrable gives the name that was registered with a registry (ICANN
// section), or "" where name is a public suffix itself.
func (l *List) Registrable(name string) string {
	if name = canonical(name); name == "" || l.suffix(name, false) == name {
		return ""
	}
	return l.OrgDomain(name, false)
}

// Listed reports whether a rule of the list itself is about the name, so that its
// top-level domain is one that the list knows.
func (l *List) Listed(name string) bool {
	return l.rules.Find(canonical(name), &publicsuffix.FindOptions{IgnorePrivate: true}) != nil
}

func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// localOnly are top-level names that no public DNS resolves (RFC 6761, RFC 6762, RFC
// 7686, RFC 8375, RFC 9476, and habits).
var localOnly = []string{"localhost", "localdomain", "local", "lan", "home", "corp", "intranet", "internal", "domain", "invalid", "onion", "alt"}

// Local reports a name below a top level that is of use in private networks only, so
// that nobody can register it.
func Local(name string) bool {
	name = canonical(name)
	return slices.Contains(localOnly, name[strings.LastIndexByte(name, '.')+1:])
}
