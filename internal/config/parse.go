package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"mxvet/internal/dnsbl"
	"mxvet/internal/wire"
	"mxvet/report"
)

// Parse reads the text of a configuration file; see ReadFile.
func Parse(text []byte, file string, domain func(string) (string, error)) (*Config, error) {
	r := &reader{file: file, domain: domain, config: &Config{File: file}}
	if len(text) > MaxBytes {
		return nil, Errors{{File: file, Text: fmt.Sprintf("longer than %d octets", MaxBytes)}}
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, Errors{{File: file, Line: 1, Column: 1, Text: "nothing in it: begin with version: 1"}}
	case err != nil:
		return nil, Errors{r.syntax(err)}
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, Errors{r.syntax(err)}
		}
		return nil, Errors{{file, more.Line, more.Column, "a second document: a configuration is one"}}
	}
	r.top(doc.Content[0])
	if len(r.errs) > 0 {
		slices.SortStableFunc(r.errs, func(a, b Error) int {
			if a.Line != b.Line {
				return a.Line - b.Line
			}
			return a.Column - b.Column
		})
		return nil, r.errs[:min(len(r.errs), MaxErrors)]
	}
	return r.config, nil
}

// A reader walks the tree of a file and collects what is wrong.
type reader struct {
	file   string
	domain func(string) (string, error)
	config *Config
	errs   Errors
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// syntax gives an error of the YAML parser, which knows the line only.
func (r *reader) syntax(err error) Error {
	m := yamlError.FindStringSubmatch(err.Error())
	if m == nil {
		return Error{File: r.file, Text: err.Error()}
	}
	line, _ := strconv.Atoi(m[1]) // "" is no line
	return Error{File: r.file, Line: line, Text: "not YAML: " + m[2]}
}

// fail notes an error at a node. Aliases of YAML are not followed, which the user
// is told instead: they are rare, and a few lines of them can mean millions.
func (r *reader) fail(n *yaml.Node, format string, args ...any) {
	if n.Kind == yaml.AliasNode {
		format, args = "*%s: aliases are not read: write the value out", []any{clip(n.Value)}
	}
	r.errs = append(r.errs, Error{r.file, n.Line, n.Column, fmt.Sprintf(format, args...)})
}

func (r *reader) top(n *yaml.Node) {
	c := r.config
	fields := r.mapping(n, "the file", "version", "defaults", "domains", "dnsbl")
	if fields == nil {
		return
	}
	if v := fields["version"]; v == nil {
		r.fail(n, "version is missing: begin with version: %d", Version)
	} else if s := r.scalar(v, "version"); s != strconv.Itoa(Version) && s != "" {
		r.fail(v, "version %s: this mxvet reads version %d", clip(s), Version)
	}
	if v := fields["defaults"]; v != nil {
		r.defaults(v)
	}
	if v := fields["domains"]; v != nil {
		for _, entry := range r.sequence(v, "domains") {
			r.entry(entry)
		}
	}
	if v := fields["dnsbl"]; v != nil {
		f := r.mapping(v, "dnsbl", "lists", "add", "remove")
		c.DNSBL.Lists = r.lists(f["lists"], "lists")
		c.DNSBL.Add = r.lists(f["add"], "add")
		c.DNSBL.Remove = r.lists(f["remove"], "remove")
	}
}

func (r *reader) defaults(n *yaml.Node) {
	d := &r.config.Defaults
	f := r.mapping(n, "defaults", "profile", "rubric", "fail_on", "min_score", "resolver")
	d.Profile = r.choice(f["profile"], "profile", Profiles())
	d.Rubric = r.choice(f["rubric"], "rubric", report.Rubrics())
	d.FailOn = r.choice(f["fail_on"], "fail_on", FailOn())
	if v := f["min_score"]; v != nil {
		s := r.scalar(v, "min_score")
		if score, err := strconv.Atoi(s); s != "" && (err != nil || score < 0 || score > 100) {
			r.fail(v, "min_score %s: want a number from 0 to 100", clip(s))
		} else {
			d.MinScore = s
		}
	}
	for _, v := range r.oneOrMore(f["resolver"], "resolver") {
		s := r.scalar(v, "resolver")
		if s == "" {
			continue
		}
		if _, err := wire.ParseResolver(s); err != nil {
			r.fail(v, "%v", err)
			continue
		}
		d.Resolvers = append(d.Resolvers, s)
	}
}

// entry reads one domain.
func (r *reader) entry(n *yaml.Node) {
	d := Domain{Line: n.Line}
	f := r.mapping(n, "a domain", "name", "profile", "dkim", "send_ips")
	if f == nil {
		return
	}
	name := f["name"]
	if name == nil {
		r.fail(n, "a domain without a name")
	} else if s := r.scalar(name, "name"); s != "" {
		ascii, err := r.domain(s)
		if err != nil {
			r.fail(name, "%v", err)
		} else if first := r.config.Find(ascii); first != nil {
			r.fail(name, "%s is there twice, first in line %d", ascii, first.Line)
		}
		d.Name = ascii
	}
	d.Profile = r.choice(f["profile"], "profile", Profiles())
	if v := f["dkim"]; v != nil {
		for _, s := range r.oneOrMore(r.mapping(v, "dkim", "selectors")["selectors"], "selectors") {
			text := r.scalar(s, "a selector")
			if text == "" {
				continue
			}
			name, err := r.domain(text + ".example.com")
			if err != nil {
				r.fail(s, "%q is no DKIM selector: it is the name before ._domainkey", clip(text))
				continue
			}
			d.Selectors = append(d.Selectors, strings.TrimSuffix(name, ".example.com"))
		}
	}
	for _, v := range r.oneOrMore(f["send_ips"], "send_ips") {
		text := r.scalar(v, "an address")
		if text == "" {
			continue
		}
		ip, err := netip.ParseAddr(text)
		if err != nil {
			r.fail(v, "%q is no IP address", clip(text))
			continue
		}
		d.SendIPs = append(d.SendIPs, ip)
	}
	if d.Name != "" {
		r.config.Domains = append(r.config.Domains, d)
	}
}

// lists reads names of block lists.
func (r *reader) lists(n *yaml.Node, what string) []string {
	var out []string
	for _, v := range r.oneOrMore(n, what) {
		s := r.scalar(v, "a block list")
		if s == "" {
			continue
		}
		if len(dnsbl.Default().Select([]string{s}, nil, nil).Unknown) > 0 {
			r.fail(v, "%q is neither a block list that mxvet knows nor a zone", clip(s))
			continue
		}
		out = append(out, s)
	}
	return out
}

// mapping gives the values of a mapping by key. Keys that are not known are
// errors; a node that is no mapping is one, and gives nil.
func (r *reader) mapping(n *yaml.Node, what string, known ...string) map[string]*yaml.Node {
	if n.Kind != yaml.MappingNode {
		r.fail(n, "%s: want keys and values: %s", what, strings.Join(known, ", "))
		return nil
	}
	out := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch name := key.Value; {
		case key.Kind != yaml.ScalarNode || !slices.Contains(known, name):
			r.fail(key, "unknown key %q in %s: %s", clip(name), what, suggest(name, known))
		case out[name] != nil:
			r.fail(key, "%s is there twice", name)
		default:
			out[name] = value
		}
	}
	return out
}

func (r *reader) sequence(n *yaml.Node, what string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "%s: want a list", what)
		return nil
	}
	return n.Content
}

// oneOrMore reads a list, or one value in its place; nil is an empty list.
func (r *reader) oneOrMore(n *yaml.Node, what string) []*yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.ScalarNode {
		return []*yaml.Node{n}
	}
	return r.sequence(n, what)
}

// scalar gives the text of a value as it stands in the file, so that a version
// like 2026.1 keeps its digits. It is "" after an error.
func (r *reader) scalar(n *yaml.Node, what string) string {
	switch {
	case n.Kind != yaml.ScalarNode:
		r.fail(n, "%s: want one value", what)
	case n.Tag == "!!null" || n.Value == "":
		r.fail(n, "%s has no value", what)
	default:
		return n.Value
	}
	return ""
}

func (r *reader) choice(n *yaml.Node, what string, from []string) string {
	if n == nil {
		return ""
	}
	s := r.scalar(n, what)
	if s != "" && !slices.Contains(from, s) {
		r.fail(n, "%s %s: choose from %s", what, clip(s), strings.Join(from, ", "))
	}
	return s
}

// suggest names the nearest of the known keys, or all.
func suggest(name string, known []string) string {
	name = strings.ReplaceAll(strings.ToLower(name), "-", "_")
	nearest, best := "", 3 // edits: more than two is another word
	for _, k := range known {
		if d := distance(name, k); d < best && d < len(k) {
			nearest, best = k, d
		}
	}
	if nearest != "" {
		return "did you mean " + nearest + "?"
	}
	return "known are " + strings.Join(known, ", ")
}

// distance counts the letters to insert, delete or replace between two words.
func distance(a, b string) int {
	if len(a) > 40 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func clip(s string) string {
	const most = 80
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}
