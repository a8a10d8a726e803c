// Package dnsbl asks DNS-based block lists (RFC 5782).
//
// A list is a DNS zone in which each entry is an address or a domain name. To
// ask about 192.0.2.1 one turns its octets round and asks for the A record of
// 1.2.0.192.ZONE; an IPv6 address is spelt as 32 nibbles, last one first; a
// domain name stands before the zone as it is (sections 2.1, 2.4 and 3). No such
// name means not listed. An address in 127.0.0.0/8 means listed, and which one
// says why; a TXT record may say it in words.
//
// Much goes wrong here that looks like a listing. Lists refuse resolvers that
// ask for too many people, some by answers of their own that are no listing.
// Lists die: their zones go silent, or answer everything. So a list is tested
// before it is believed, by entries that must be there and entries that must
// not (section 5), and only answers that it documents count. What the lists are,
// and what their answers mean, stands in lists.yaml.
package dnsbl

import (
	_ "embed"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"mxvet/internal/syntax"
)

// Kinds of list: what its entries are.
const (
	KindIP     = "ip"
	KindDomain = "domain"
)

// What being on a list means.
const (
	RoleBlock = "block"
	RoleAllow = "allow"
)

// When a list is asked.
const (
	StatusLive  = "live"   // by default
	StatusOptIn = "opt-in" // where the user names it
)

// A Weight says how much a listing matters to delivery. It is a fact about the
// list, how many receivers reject by it, as far as that is known.
type Weight string

// The weights, heaviest first. Info is worth a mention; Never is a documented
// answer that speaks neither for nor against anybody.
const (
	Critical Weight = "critical"
	High     Weight = "high"
	Medium   Weight = "medium"
	Low      Weight = "low"
	Info     Weight = "info"
	Never    Weight = "never"
)

var weights = []Weight{Critical, High, Medium, Low, Info, Never}

// Heavier reports whether w matters more than v.
func (w Weight) Heavier(v Weight) bool { return slices.Index(weights, w) < slices.Index(weights, v) }

// A List is one zone that can be asked. Values are shared: do not change them.
type List struct {
	ID   string `yaml:"id"`   // stable, lower-case: "spamhaus-zen"
	Name string `yaml:"name"` // as people call it
	Zone string `yaml:"zone"` // lower-case, without the final dot
	// Keyed is the zone for those who have a key, with "KEY" in its place.
	Keyed    string `yaml:"keyed"`
	NeedsKey bool   `yaml:"needs_key"` // the list answers only those who registered or have a key
	Kind     string `yaml:"kind"`
	Role     string `yaml:"role"` // default block
	IPv4     bool   `yaml:"ipv4"` // of a list of addresses: which it has
	IPv6     bool   `yaml:"ipv6"`
	Status   string `yaml:"status"`

	Codes  []Code `yaml:"codes"`  // the first that fits an answer names it
	Refuse []Code `yaml:"refuse"` // answers that mean: you may not ask

	// Positive are entries that must be listed, any one of them; Negative one that
	// must not be. Default those of RFC 5782 section 5. Negative "none": the list
	// has a documented answer there.
	Positive []string `yaml:"positive"`
	Negative string   `yaml:"negative"`

	Delist   string `yaml:"delist"`   // page that explains an entry and takes it off
	Source   string `yaml:"source"`   // where the row comes from
	Verified string `yaml:"verified"` // year and month in which it was last looked at
	Custom   bool   `yaml:"-"`        // named by the user, not in the table
}

// A Code is an answer that a list documents.
type Code struct {
	// Code is a pattern of four octets, each a number, a range "10-12" or "*".
	Code string `yaml:"code"`
	// Bit is set in the last octet, in place of Code: such a list adds up its
	// answers in that octet, and octets two and three mean nothing.
	Bit    int    `yaml:"bit"`
	Name   string `yaml:"name"`  // of the part of the list: "SBL"
	Means  string `yaml:"means"` // in words, lower-case
	Weight Weight `yaml:"weight"`
	// Policy: the entry says which addresses should not send mail straight to
	// receivers, not that anything bad was seen.
	Policy bool `yaml:"policy"`
}

// A Dead list must not be asked: it is gone, or answers for everybody.
type Dead struct {
	Zones []string `yaml:"zones"`
	Name  string   `yaml:"name"`
	Since string   `yaml:"since"` // year, or year and month, as far as known
	Why   string   `yaml:"why"`
}

// A Table is all that is known about lists.
type Table struct {
	Lists []*List `yaml:"lists"`
	Dead  []*Dead `yaml:"dead"`
}

//go:embed lists.yaml
var embedded []byte

// read panics on a broken table: it is part of the program, and a test reads it.
var read = sync.OnceValue(func() *Table {
	t, err := parse(embedded)
	if err != nil {
		panic("dnsbl: " + err.Error())
	}
	return t
})

// Default gives the table that is part of the program.
func Default() *Table { return read() }

// parse reads a table strictly: unknown fields are errors, and so are lists that
// could not be asked.
func parse(text []byte) (*Table, error) {
	t := new(Table)
	if err := syntax.YAML(text, t); err != nil {
		return nil, fmt.Errorf("table of block lists: %w", err)
	}
	for _, l := range t.Lists {
		if err := l.complete(); err != nil {
			return nil, fmt.Errorf("table of block lists: %s: %w", l.ID, err)
		}
	}
	return t, nil
}

// complete fills in what a row need not say, and finds what is wrong with it.
func (l *List) complete() error {
	if l.Role == "" {
		l.Role = RoleBlock
	}
	if l.Negative == "" {
		l.Negative = map[string]string{KindIP: "127.0.0.1", KindDomain: "invalid"}[l.Kind]
	}
	if len(l.Positive) == 0 {
		l.Positive = []string{map[string]string{KindIP: "127.0.0.2", KindDomain: "test"}[l.Kind]}
	}
	switch {
	case l.ID == "" || l.Name == "":
		return errors.New("no id or no name")
	case !ValidZone(l.Zone):
		return fmt.Errorf("%q is no zone", l.Zone)
	case l.Kind != KindIP && l.Kind != KindDomain:
		return fmt.Errorf("kind %q", l.Kind)
	case l.Kind == KindIP && !l.IPv4 && !l.IPv6, l.Kind == KindDomain && (l.IPv4 || l.IPv6):
		return errors.New("address families do not fit the kind")
	case l.Role != RoleBlock && l.Role != RoleAllow:
		return fmt.Errorf("role %q", l.Role)
	case l.Status != StatusLive && l.Status != StatusOptIn:
		return fmt.Errorf("status %q", l.Status)
	case l.Keyed != "" && !strings.HasPrefix(l.Keyed, "KEY."):
		return fmt.Errorf("keyed zone %q does not begin with KEY", l.Keyed)
	}
	for _, c := range slices.Concat(l.Codes, l.Refuse) {
		if (c.Code == "") == (c.Bit == 0) || c.Bit < 0 || c.Bit > 255 || c.Code != "" && !validPattern(c.Code) {
			return fmt.Errorf("code %q, bit %d", c.Code, c.Bit)
		}
	}
	for _, c := range l.Codes {
		if !slices.Contains(weights, c.Weight) || c.Means == "" {
			return fmt.Errorf("code %s%d: weight %q, means %q", c.Code, c.Bit, c.Weight, c.Means)
		}
	}
	for _, p := range slices.Concat(l.Positive, []string{l.Negative}) {
		if _, err := netip.ParseAddr(p); l.Kind == KindIP && p != "none" && err != nil {
			return fmt.Errorf("test entry %q is no address", p)
		}
	}
	return nil
}

// ByID gives the list with that id, or nil.
func (t *Table) ByID(id string) *List {
	i := slices.IndexFunc(t.Lists, func(l *List) bool { return l.ID == id })
	if i < 0 {
		return nil
	}
	return t.Lists[i]
}

// DeadZone gives the dead list that a zone belongs to, or nil.
func (t *Table) DeadZone(zone string) *Dead {
	zone = canonical(zone)
	for _, d := range t.Dead {
		for _, z := range d.Zones {
			if zone == z || strings.HasSuffix(zone, "."+z) {
				return d
			}
		}
	}
	return nil
}

// Weight gives the weight of the heaviest answer that the list can give.
func (l *List) Weight() Weight {
	if l.Role == RoleAllow {
		return Info
	}
	if len(l.Codes) == 0 {
		return unknownWeight
	}
	heaviest := Never
	for _, c := range l.Codes {
		if c.Weight.Heavier(heaviest) {
			heaviest = c.Weight
		}
	}
	return heaviest
}

// Policy reports whether the list has entries of that kind: see Code.
func (l *List) Policy() bool {
	return slices.ContainsFunc(l.Codes, func(c Code) bool { return c.Policy })
}

// has reports whether the list is there for the address's family.
func (l *List) has(six bool) bool { return l.Kind == KindIP && (six && l.IPv6 || !six && l.IPv4) }

// ValidZone reports whether a name can be a list's zone: two labels or more of
// letters, digits, hyphens and underscores, short enough that an IPv6 address
// fits before it.
func ValidZone(zone string) bool {
	if len(zone) > 253-64 || !strings.Contains(zone, ".") {
		return false
	}
	return validName(zone)
}

func validName(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, c := range []byte(label) {
			if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
				return false
			}
		}
	}
	return true
}

func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// validPattern reports whether s is a pattern of four octets.
func validPattern(s string) bool {
	f := strings.Split(s, ".")
	if len(f) != 4 {
		return false
	}
	for _, octet := range f {
		lo, hi, ok := bounds(octet)
		if !ok || lo > hi || hi > 255 {
			return false
		}
	}
	return true
}

// bounds reads one octet of a pattern.
func bounds(octet string) (lo, hi int, ok bool) {
	if octet == "*" {
		return 0, 255, true
	}
	first, last, ranged := strings.Cut(octet, "-")
	lo, err := strconv.Atoi(first)
	if err != nil || lo < 0 {
		return 0, 0, false
	}
	if !ranged {
		return lo, lo, true
	}
	hi, err = strconv.Atoi(last)
	return lo, hi, err == nil
}

// fits reports whether the answer is this one.
func (c Code) fits(a [4]byte) bool {
	if c.Bit != 0 {
		return a[0] == 127 && int(a[3])&c.Bit == c.Bit
	}
	for i, octet := range strings.Split(c.Code, ".") {
		if lo, hi, ok := bounds(octet); !ok || int(a[i]) < lo || int(a[i]) > hi {
			return false
		}
	}
	return true
}
