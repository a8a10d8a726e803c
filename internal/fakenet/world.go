package fakenet

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// defaultNow is the time of a world that names none.
const defaultNow = "2026-11-02T09:00:00Z"

// A World is an internet as a text describes it. It does not change after
// Parse; Start sets it going, as often as wanted.
type World struct {
	Name    string    // of an embedded world; else ""
	Comment string    // the text before the first section: what this world shows
	Options []byte    // section "options", YAML, as it stands
	Domains []string  // "domain" and "domains" of the options; else the first zone
	Now     time.Time // the moment at which the world is looked at
	Want    []string  // lines of section "want", without blank lines and comments
	Never   []string  // lines of section "never"

	files     map[string][]byte // keys/*, pages/*, data/*
	hosts     hostsFile
	dns       dnsFile
	zones     map[string]*zone // by origin in lower case with final dot
	variants  map[string]*zone // by origin + "@" + server
	servers   []*dnsServer
	endpoints []*endpoint
}

// File gives the content of a section keys/*, pages/* or data/*, nil if there
// is none. Sections data/* mean nothing to this package: they are for others.
func (w *World) File(name string) []byte { return w.files[name] }

// Parse reads the text of a world. It fails on the first thing that it does not
// understand; lines in errors count from the start of the text.
func Parse(txtar []byte) (*World, error) {
	comment, sections := split(txtar)
	w := &World{
		Comment:  strings.TrimSpace(comment),
		files:    map[string][]byte{},
		zones:    map[string]*zone{},
		variants: map[string]*zone{},
	}
	w.Now, _ = time.Parse(time.RFC3339, defaultNow)
	sections, err := w.readBase(sections)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	firstZone := ""
	for _, s := range sections {
		if seen[s.name] {
			return nil, fmt.Errorf("line %d: section %q stands twice", s.line, s.name)
		}
		seen[s.name] = true
		if err := w.section(s); err != nil {
			return nil, err
		}
		if name, ok := strings.CutPrefix(s.name, "zone/"); ok && firstZone == "" && !strings.Contains(name, "@") {
			firstZone = strings.TrimSuffix(strings.ToLower(name), ".")
		}
	}
	if len(w.Domains) == 0 && firstZone != "" {
		w.Domains = []string{firstZone}
	}
	if err := w.complete(); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *World) section(s section) error {
	dir, name, _ := strings.Cut(s.name, "/")
	switch {
	case s.name == "hosts.yaml":
		return s.strict(&w.hosts)
	case s.name == "dns.yaml":
		return s.strict(&w.dns)
	case s.name == "options":
		return w.readOptions(s)
	case s.name == "now":
		t, err := parseMoment(strings.TrimSpace(string(s.data)))
		if err != nil {
			return fmt.Errorf("line %d: now: %w", s.line+1, err)
		}
		w.Now = t
	case s.name == "want":
		w.Want = s.lines()
	case s.name == "never":
		w.Never = s.lines()
	case dir == "zone" && name != "":
		return w.readZone(s, name)
	case (dir == "pages" || dir == "keys" || dir == "data") && name != "":
		w.files[s.name] = s.data
	default:
		return fmt.Errorf("line %d: unknown section %q", s.line, s.name)
	}
	return nil
}

func (w *World) readOptions(s section) error {
	w.Options = s.data
	var o struct {
		Domain  string   `yaml:"domain"`
		Domains []string `yaml:"domains"`
	}
	if err := yaml.Unmarshal(s.padded(), &o); err != nil {
		return fmt.Errorf("options: %w", err)
	}
	if o.Domain != "" {
		o.Domains = append([]string{o.Domain}, o.Domains...)
	}
	for _, d := range o.Domains {
		w.Domains = append(w.Domains, strings.TrimSuffix(strings.ToLower(d), "."))
	}
	return nil
}

// A section is one file of the text.
type section struct {
	name string
	line int // of the line that names it
	data []byte
}

// split takes a txtar text apart: a comment, then files, each under a line
// "-- name --".
func split(text []byte) (comment string, sections []section) {
	var before strings.Builder
	n := 0
	for line := range bytes.Lines(text) {
		n++
		bare := strings.TrimRight(string(line), "\r\n \t")
		if name, ok := strings.CutPrefix(bare, "-- "); ok {
			if name, ok = strings.CutSuffix(name, " --"); ok && strings.TrimSpace(name) != "" {
				sections = append(sections, section{name: strings.TrimSpace(name), line: n})
				continue
			}
		}
		if len(sections) == 0 {
			before.Write(line)
			continue
		}
		last := &sections[len(sections)-1]
		last.data = append(last.data, line...)
	}
	return before.String(), sections
}

// padded gives the content moved down by empty lines, so that whoever counts
// lines in it counts from the start of the whole text.
func (s section) padded() []byte {
	return append(bytes.Repeat([]byte("\n"), s.line), s.data...)
}

// strict decodes YAML into v; a key that v does not know is an error.
func (s section) strict(v any) error {
	dec := yaml.NewDecoder(bytes.NewReader(s.padded()))
	dec.KnownFields(true)
	if err := dec.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	return nil
}

func (s section) lines() []string {
	var out []string
	for line := range strings.Lines(string(s.data)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
}

//go:embed worlds/*.txtar
var embedded embed.FS

// Worlds gives the names of the embedded worlds, sorted.
func Worlds() []string {
	files, _ := fs.Glob(embedded, "worlds/*.txtar")
	names := make([]string, 0, len(files))
	for _, f := range files {
		names = append(names, strings.TrimSuffix(path.Base(f), ".txtar"))
	}
	slices.Sort(names)
	return names
}

// Load parses an embedded world.
func Load(name string) (*World, error) {
	text, err := embedded.ReadFile("worlds/" + name + ".txtar")
	if err != nil {
		return nil, fmt.Errorf("no world %q; there are %s", name, strings.Join(Worlds(), ", "))
	}
	w, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("world %s: %w", name, err)
	}
	w.Name = name
	return w, nil
}
